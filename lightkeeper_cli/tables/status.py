"""`lightkeeper status`, printed: the recovery calendar, as a table that also works in a pipe."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lightkeeper.overview import Health
from lightkeeper_cli.tables.plan import STATUS_STYLES
from recovery_calendar.view import DAYS, Day, Mark, Row, View, span, suggestions

_HEALTH_STYLES: Final = {
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
# From how many columns of a terminal on so many facts leave room for names beside the strip.
_WIDTHS: Final = ((120, 6), (100, 3))
SIGNS: Final = (*_CELLS.values(), _MISSED, _GAP)
"""The signs of a strip, with their styles."""
_FEW: Final = 5
"""So many names are said one by one."""
_LEGEND: Final = "█ recoverable   H held   ▒ about to expire   ░ being taken   x overdue   · none"


def show_status(view: View, console: Console) -> None:
    """Print the calendar."""
    console.print(Text(view.sentence, _HEALTH_STYLES[view.health]), end="\n\n" if view.rows else "\n")
    for failure in view.failures:
        console.print(Text.assemble(("could not be read ", "bold red"), f"{failure.region}: {failure.message}"))
    if view.rows:
        console.print(_table(view, console.width))
        console.print(Text(f"\n{_LEGEND}\nStored: {view.stored}\n"))
    for row in view.rows:
        if row.why:
            why = Text(_why(row), "" if row.wants else "dim")
            # A command that is to be pasted is not broken into lines here.
            console.print(Text.assemble((f"{row.name} ", "bold"), why), soft_wrap=row.overdue_since is not None)
        for note in notes(row):
            console.print(Text.assemble((f"{row.name} ", "bold"), note))
        for by, number in Counter(held.by for held in row.held).items():
            console.print(Text.assemble((f"{row.name} ", "bold"), (f"{number} {by}", "dim")))
    for reason, names in _in_part(view.rows).items():
        few = ", ".join(names[:_FEW]) + (f" and {len(names) - _FEW} more" if names[_FEW:] else "")
        console.print(Text.assemble(("Restorable in part: ", "dim"), (few, "bold"), (f": {reason}", "dim")))
    for problem, note in zip(view.others, suggestions(view.others), strict=True):
        console.print(Text.assemble((f"{problem.source} ", "bold"), note))
    if view.unseen:
        regions = ", ".join(dict.fromkeys(failure.region for failure in view.unseen))
        console.print(Text(f"Could not be looked at for recovery points left behind: {regions}", "dim"))


def _in_part(rows: Iterable[Row]) -> dict[str, list[str]]:
    """Return the names of what cannot be restored whole, by the reason: after an upgrade, it is everybody's."""
    names: dict[str, list[str]] = {}
    for row in rows:
        if row.restorable_why:
            names.setdefault(row.restorable_why, []).append(row.name)
    return names


def _table(view: View, width: int) -> Table:
    title = f"{view.now:%Y-%m-%d %H:%M}, times in {view.zone.key}"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("Source", overflow="fold")
    table.add_column("Status", no_wrap=True)
    table.add_column(f"{view.days[0]:%d %b}{'today':>{DAYS - len('01 Jan')}}", no_wrap=True)
    headings = ("Newest", "Next", "Expires", "Held", "GiB", "USD")[: _columns(width)]
    for heading in headings:
        table.add_column(heading, no_wrap=True, justify="right" if heading in {"Held", "GiB", "USD"} else "left")
    # One Region goes without saying.
    is_one = len({row.region for row in view.rows}) == 1
    for row in view.rows:
        facts = (
            f"{span(view.now - row.newest)} ago ({row.points})" if row.newest else "-",
            f"in {span(row.next - view.now)}" if row.next else "-",
            f"in {span(row.expiring[0].at - view.now)} ({len(row.expiring)})" if row.expiring else "-",
            str(len(row.held) or "-"),
            "-" if row.size_gib is None else f"{row.size_gib:,}",
            f"{row.usd:,.2f}",
        )
        table.add_row(
            Text.assemble(row.name, (f" {row.kind}" if is_one else f" {row.kind} {row.region}", "dim")),
            Text(row.status, "bold red" if row.wants else STATUS_STYLES[row.status]),
            _strip(row),
            *facts[: len(headings)],
        )
    return table


def _columns(width: int) -> int:
    """Return how many columns there are after the strip: in a narrow terminal, names go before numbers."""
    return next((number for least, number in _WIDTHS if width >= least), 1)


def _strip(row: Row) -> Text:
    if row.included_in and not row.points:
        text = Text(f"in {row.included_in}", "dim")
        text.truncate(DAYS, overflow="ellipsis")
        return text
    return Text.assemble(*(_cell(day) for day in row.days))


def _cell(day: Day) -> tuple[str, str]:
    if day.missed:
        return _MISSED
    return _CELLS[day.mark] if day.mark else _GAP


def _why(row: Row) -> str:
    what = f"overdue since {row.overdue_since:%Y-%m-%d %H:%M}" if row.overdue_since else "no longer backed up"
    return f"{what}: {row.why}; {row.helps}"


def notes(row: Row) -> tuple[str, ...]:
    """Return what there is to know of a source besides why it needs a person, a sentence each."""
    failed = (
        (f"ended in error, and no newer one is usable: {', '.join(row.failed_besides)}",) if row.failed_besides else ()
    )
    inside = (f"in the snapshots of {row.included_in}, too",) if row.included_in and row.points else ()
    return (*suggestions(row.notes), *failed, *inside)
