"""`lightkeeper status`, printed: the recovery calendar, as a table that also works in a pipe."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from lightkeeper.overview import Health
from lightkeeper_cli.tables.columns import Column, Table, fit, show, show_hidden
from lightkeeper_cli.tables.header import header, show_empty
from lightkeeper_cli.tables.plan import STATUS_STYLES, show_command
from recovery_calendar.view import DAYS, Day, Mark, Row, View, span, suggestions

if TYPE_CHECKING:
    from lightkeeper_cli.account import Where

HEALTH_STYLES: Final = {
    Health.OK: "bold green",
    Health.WAITING: "bold yellow",
    Health.DEGRADED: "bold red",
    Health.UNKNOWN: "bold red",
}
_CELLS: Final = {
    Mark.KEPT: ("█", "blue"),
    Mark.HELD: ("H", "bold"),
    Mark.EXPIRING: ("▒", "yellow"),
    Mark.PENDING: ("░", "blue"),
}
_MISSED: Final = ("x", "bold red")
_GAP: Final = ("·", "dim")
SIGNS: Final = (*_CELLS.values(), _MISSED, _GAP)
"""The signs of a strip, with their styles."""
_FEW: Final = 5
"""So many names are said one by one."""
_LEGEND: Final = "█ recoverable   H held   ▒ about to expire   ░ being taken   x overdue   · none"


def show_status(view: View, where: "Where | None", console: Console) -> None:
    """Print the calendar."""
    console.print(Text(view.sentence, HEALTH_STYLES[view.health]))
    if where:
        console.print(header(where))
    nothing = view.elsewhere is not None and not view.elsewhere and not view.unseen
    beside = "; there is no recovery point in any other Region" if nothing else ""
    show_empty(view.empty, view.regions, console, beside=beside)
    for failure in view.failures:
        console.print(Text.assemble(("could not be read ", "bold red"), f"{failure.region}: {failure.message}"))
    if view.rows:
        console.print(Text(f"\n{view.now:%Y-%m-%d %H:%M}, times in {view.zone.key}", "italic"))
        table = _table(view, console.width)
        show(table, console)
        console.print(Text(f"\n{_LEGEND}"))
        console.print(Text(f"Stored: {view.stored}"))
        show_hidden([table], console)
        console.print()
    for row in view.rows:
        _show_notes(row, console)
    for reason, names in _in_part(view.rows).items():
        few = ", ".join(names[:_FEW]) + (f" and {len(names) - _FEW} more" if names[_FEW:] else "")
        console.print(Text.assemble(("Restorable in part: ", "dim"), (few, "bold"), (f": {reason}", "dim")))
    for problem, note in zip(view.others, suggestions(view.others), strict=True):
        console.print(Text.assemble((f"{problem.source} ", "bold"), note))
        show_command(problem, console)
    if view.unseen:
        regions = ", ".join(dict.fromkeys(failure.region for failure in view.unseen))
        console.print(Text(f"Could not be looked at for recovery points left behind: {regions}", "dim"))


def _show_notes(row: Row, console: Console) -> None:
    """Print what there is to say of a source below the table."""
    name = (f"{row.name} ", "bold")
    if row.why:
        why = Text(_why(row), "" if row.wants else "dim")
        # A command that is to be pasted is not broken into lines here.
        console.print(Text.assemble(name, why), soft_wrap=row.overdue_since is not None)
    if row.restored_as:
        console.print(Text.assemble(name, (f"back as {row.restored_as}", "dim")))
    for problem, note in zip(row.notes, suggestions(row.notes), strict=True):
        console.print(Text.assemble(name, note))
        show_command(problem, console)
    for note in _besides_problems(row):
        console.print(Text.assemble(name, note))
    for said, copy in zip(row.copies_said, row.copies, strict=True):
        console.print(Text.assemble(name, (said, "" if copy.overdue_since else "dim")))
    for by, number in Counter(held.by for held in row.held).items():
        console.print(Text.assemble(name, (f"{number} {by}", "dim")))


def _in_part(rows: Iterable[Row]) -> dict[str, list[str]]:
    """Return the names of what cannot be restored whole, by the reason: after an upgrade, it is everybody's."""
    names: dict[str, list[str]] = {}
    for row in rows:
        if row.restorable_why:
            names.setdefault(row.restorable_why, []).append(row.name)
    return names


def _table(view: View, width: int) -> Table:
    rows = view.rows
    # One Region goes without saying.
    regions = [Column("Region", [Text(row.region, "dim") for row in rows], 40)]

    def facts(heading: str, goes: int, fact: Callable[[Row], str], *, is_right: bool = False) -> Column:
        return Column(heading, [Text(fact(row)) for row in rows], goes, is_right=is_right)

    columns = (
        Column("Source", [Text(row.name, "bold") for row in rows], is_name=True),
        Column("Kind", [Text(row.kind, "dim") for row in rows], 45),
        *(regions if len({row.region for row in rows}) > 1 else ()),
        Column("Status", [Text(row.status, "bold red" if row.wants else STATUS_STYLES[row.status]) for row in rows]),
        _strips(view),
        facts("Newest", 30, lambda row: f"{span(view.now - row.newest)} ago ({row.points})" if row.newest else "-"),
        facts("Next", 50, lambda row: f"in {span(row.next - view.now)}" if row.next else "-"),
        facts("Expires", 60, lambda row: _expires(row, view)),
        facts("Held", 70, lambda row: str(len(row.held) or "-"), is_right=True),
        facts("GiB", 80, lambda row: "-" if row.size_gib is None else f"{row.size_gib:,}", is_right=True),
        facts("USD", 90, lambda row: f"{row.usd:,.2f}", is_right=True),
    )
    return fit(columns, width)


def _strips(view: View) -> Column:
    """Return the strips of all days; where there is no room for them, of the last two weeks, or the last one."""
    week = _strip_column(view, 7, 10, None)
    return _strip_column(view, DAYS, 20, _strip_column(view, 14, 15, week))


def _strip_column(view: View, days: int, goes: int, instead: Column | None) -> Column:
    first = f"{view.days[-days]:%d %b}"
    heading = f"{first}{'today':>{days - len(first)}}" if days > len(f"{first} today") else f"{days} days"
    return Column(heading, [_strip(row, days) for row in view.rows], goes, instead=instead)


def _expires(row: Row, view: View) -> str:
    return f"in {span(row.expiring[0].at - view.now)} ({len(row.expiring)})" if row.expiring else "-"


def _strip(row: Row, days: int) -> Text:
    if row.included_in and not row.points:
        text = Text(f"in {row.included_in}", "dim")
        text.truncate(days, overflow="ellipsis")
        return text
    return Text.assemble(*(_cell(day) for day in row.days[-days:]))


def _cell(day: Day) -> tuple[str, str]:
    if day.missed:
        return _MISSED
    return _CELLS[day.mark] if day.mark else _GAP


def _why(row: Row) -> str:
    what = f"overdue since {row.overdue_since:%Y-%m-%d %H:%M}" if row.overdue_since else "no longer backed up"
    return f"{what}: {row.why}; {row.helps}"


def notes(row: Row) -> tuple[str, ...]:
    """Return what there is to know of a source besides why it needs a person, a sentence each."""
    return (*suggestions(row.notes), *_besides_problems(row))


def _besides_problems(row: Row) -> tuple[str, ...]:
    failed = (
        (f"ended in error, and no newer one is usable: {', '.join(row.failed_besides)}",) if row.failed_besides else ()
    )
    inside = (f"in the snapshots of {row.included_in}, too",) if row.included_in and row.points else ()
    return (*failed, *inside)
