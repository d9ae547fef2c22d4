"""`lightkeeper preview`, printed: lines, not a table, because they also stand in the log of a pipeline."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rich.console import Console

from lightkeeper.errors import counted
from lightkeeper.times import format_minute
from lightkeeper_cli.comparison import AccountsChange, Comparison, Departure, PointChange, SettingChange, SourceChange
from lightkeeper_cli.tables.header import header

if TYPE_CHECKING:
    from lightkeeper_cli.account import Where

_MAX_SOURCES: Final = 20
_MAX_POINTS: Final = 5


def show_preview(comparison: Comparison, where: "Where", stack: str, now: datetime, console: Console) -> None:
    """Print what settings would change.

    Parameters
    ----------
    comparison
        What they would change.
    where
        Whose account it is, and which Regions were looked at.
    stack
        Its name and Region, and what they are compared with.
    now
        The time of both plans, UTC.
    console
        Where to print.
    """
    # Not folded: whoever reads a log looks for the account in one line.
    console.print(header(where, stack), soft_wrap=True)
    for line in preview_lines(comparison, now):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def preview_lines(comparison: Comparison, now: datetime) -> Iterator[str]:
    """Yield the lines below the first; the parameters are those of `show_preview`."""
    yield ""
    if comparison.settings:
        yield "Settings that change:"
        yield from (f"  {_setting(change)}" for change in comparison.settings)
        yield ""
    if comparison.accounts:
        yield from _accounts(comparison.accounts)
    for region, copies in comparison.abandoned:
        yield f"NO LONGER copied to: {region}. {_what_stays(copies)}"
        yield ""
    differing = [source for source in comparison.sources if source.differs]
    for source in differing[:_MAX_SOURCES]:
        yield from _source(source, now)
        yield ""
    if len(differing) > _MAX_SOURCES:
        yield f"... and {counted(len(differing) - _MAX_SOURCES, 'more source')} that change (--json has all of them)"
        yield ""
    for problem in comparison.problems:
        tag = f" {problem.tag}={problem.value or ''}" if problem.tag else ""
        yield f"problem   {problem.source}{tag}: {problem.message}"
    for failure in comparison.failures:
        yield f"could not be read, so what is there is not in the figures: {failure.region}: {failure.message}"
    if comparison.others and not comparison.is_deployed:
        counts = ", ".join(f"{name} {number:,}" for name, number in comparison.others)
        yield f"Other deployments have snapshots here: {counts}."
        yield 'This one leaves them alone. If it is one of those under a new name, keep the old one in "deployment".'
        yield ""
    yield from _sum(comparison, len(differing))


def _what_stays(copies: int) -> str:
    match copies:
        case 0:
            return "No copy is there, as far as can be seen."
        case 1:
            return "1 copy there stays: no run looks after it any more, and it costs money until you delete it."
        case _:
            many = counted(copies, "copy")
            return f"{many} there stay: no run looks after them any more, and they cost money until you delete them."


def _accounts(change: AccountsChange) -> Iterator[str]:
    for words, what in (
        ("Looked after from now on", change.starts),
        ("NO LONGER looked after: no snapshot is taken there any more, and none is deleted", change.stops),
    ):
        if what:
            yield f"{words}:"
            yield from (f"  {each}" for each in what)
            yield ""
    if change.roles:
        yield f"The role in each account is another one: {change.roles[0]} -> {change.roles[1]}."
        yield "Until make deploy-members, or make deploy-member in each, has made it, no account lets Lightkeeper in."
        yield ""
    elif change.starts:
        yield "An account is looked after once it has the role: make deploy-members, or make deploy-member in it."
        yield ""


def _setting(change: SettingChange) -> str:
    return f"{change.key}: {_or_none(change.before)} -> {_or_none(change.after)}"


def _or_none(value: str | None) -> str:
    return "(none)" if value is None else value


def _source(source: SourceChange, now: datetime) -> Iterator[str]:
    yield f"{source.name} ({source.kind}, {source.region})"
    if source.before != source.after:
        yield f"  backed up: {source.before} -> {source.after}"
    if source.takes[0] != source.takes[1]:
        yield f"  the next run takes a snapshot of it: {_yes(is_so=source.takes[0])} -> {_yes(is_so=source.takes[1])}"
    yield f"  kept: {source.kept[0]} -> {source.kept[1]}"
    for point in source.moved[:_MAX_POINTS]:
        yield f"  {_point(point, now)}"
    if len(source.moved) > _MAX_POINTS:
        last = source.moved[-1]
        rest = counted(len(source.moved) - _MAX_POINTS, "more")
        yield f"  ... and {rest.removesuffix('s')}, up to {last.name}"


def _yes(*, is_so: bool) -> str:
    return "yes" if is_so else "no"


def _point(point: PointChange, now: datetime) -> str:
    return (
        f"{point.name}, taken {format_minute(point.taken)}: "
        f"{_departure(point.before, now)} -> {_departure(point.after, now)}"
    )


def _departure(departure: Departure | None, now: datetime) -> str:
    if departure is None:
        return "stays"
    if departure.waits:
        return "goes in a later run"
    return "goes in the next run" if departure.at <= now else f"goes from {format_minute(departure.at)} on"


def _sum(comparison: Comparison, differing: int) -> Iterator[str]:
    before, after = comparison.kept
    rest = len(comparison.sources) - differing
    yield (
        f"In all: {before:,} -> {after:,} snapshots kept. Stayed and will go: {comparison.going:,}; "
        f"went and will stay: {comparison.staying:,}; will go at another time: {comparison.at_another_time:,}."
    )
    yield f"The next run takes {comparison.takes[0]:,} -> {comparison.takes[1]:,} snapshots."
    if rest:
        yield f"Not changed: {counted(rest, 'source')}."
    yield "So far nothing has been changed."
