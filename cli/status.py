"""What a person sees of the recovery calendar in a terminal: its view, as a table that also works in a pipe."""

from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lightkeeper.times import format_instant
from recovery_calendar.view import DAYS, Day, Health, Mark, Row, View, span, suggestions

_HEALTH_STYLES: Final = {
    Health.WELL: "bold green",
    Health.WAITING: "bold yellow",
    Health.TROUBLE: "bold red",
    Health.UNREADABLE: "bold red",
}
_STATUS_STYLES: Final = {
    "protected": "green",
    "waiting": "yellow",
    "overdue": "bold red",
    "problem": "bold red",
    "unknown": "bold red",
}
_CELLS: Final = {
    Mark.KEPT: ("█", "blue"),
    Mark.HELD: ("H", "bold"),
    Mark.GOING: ("▒", "yellow"),
    Mark.PENDING: ("░", "blue"),
}
_MISSED: Final = ("x", "bold red")
_GAP: Final = ("·", "dim")
SIGNS: Final = (*_CELLS.values(), _MISSED, _GAP)
"""The signs of a strip, with their styles."""
_LEGEND: Final = "█ recoverable   H held   ▒ about to expire   ░ being taken   x overdue   · none"


def show_status(view: View, console: Console) -> None:
    """Print the calendar."""
    console.print(Text(view.sentence, _HEALTH_STYLES[view.health]), end="\n\n" if view.rows else "\n")
    for failure in view.failures:
        console.print(Text.assemble(("could not be read ", "bold red"), f"{failure.region}: {failure.message}"))
    if view.rows:
        console.print(_table(view))
        console.print(
            Text(f"\n{_LEGEND}\nAbout {view.stored_gib:,.0f} GiB stored, {view.usd:,.2f} USD a month: an estimate\n")
        )
    for row in view.rows:
        for told in _notes(row):
            console.print(Text.assemble((f"{row.name} ", "bold"), told))
    for problem, told in zip(view.others, suggestions(view.others), strict=True):
        console.print(Text.assemble((f"{problem.source} ", "bold"), told))


def _table(view: View) -> Table:
    title = f"{view.now:%Y-%m-%d %H:%M}, times in {view.zone.key}"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("Source", overflow="fold")
    table.add_column("Status", no_wrap=True)
    table.add_column(f"{view.days[0]:%d %b}{'today':>{DAYS - len('01 Jan')}}", no_wrap=True)
    for heading in ("Newest", "Next", "Expires", "Held", "GiB", "USD"):
        table.add_column(heading, no_wrap=True, justify="right" if heading in {"Held", "GiB", "USD"} else "left")
    # One Region goes without saying.
    is_one = len({row.region for row in view.rows}) == 1
    for row in view.rows:
        table.add_row(
            Text.assemble(row.name, (f" {row.kind}" if is_one else f" {row.kind} {row.region}", "dim")),
            Text(row.status, _STATUS_STYLES.get(row.status, "dim")),
            Text.assemble(*(_cell(day) for day in row.days)),
            f"{span(view.now - row.newest)} ago ({row.points})" if row.newest else "-",
            f"in {span(row.next - view.now)}" if row.next else "-",
            f"in {span(row.going[0].at - view.now)} ({len(row.going)})" if row.going else "-",
            str(len(row.held) or "-"),
            "-" if row.size_gib is None else f"{row.size_gib:,}",
            f"{row.usd:,.2f}",
        )
    return table


def _cell(day: Day) -> tuple[str, str]:
    if day.missed:
        return _MISSED
    return _CELLS[day.mark] if day.mark else _GAP


def _notes(row: Row) -> tuple[str, ...]:
    failed = (f"ended in error, and no newer one is usable: {', '.join(row.failed)}",) if row.failed else ()
    return (*suggestions(row.notes), *failed)


def status_document(view: View) -> dict[str, object]:
    """Return the calendar as a JSON document; times are UTC, days are those of its zone."""
    return {
        "now": format_instant(view.now),
        "timeZone": view.zone.key,
        "health": view.health.value,
        "sentence": view.sentence,
        "storedGiB": round(view.stored_gib, 1),
        "usdPerMonth": round(view.usd, 2),
        "sources": [_source(row) for row in view.rows],
        "problems": list(suggestions(view.others)),
        "failures": [
            {"region": failure.region, "listing": failure.listing.value, "message": failure.message}
            for failure in view.failures
        ],
    }


def _source(row: Row) -> dict[str, object]:
    return {
        "name": row.name,
        "kind": row.kind.value,
        "region": row.region,
        "status": row.status.value,
        "policy": row.policy,
        "keep": row.keep,
        "days": {
            day.date.isoformat(): [
                {"slot": format_instant(moment.wall), "mark": moment.mark.value} for moment in day.moments
            ]
            for day in row.days
            if day.moments
        },
        "recoveryPoints": row.points,
        "newest": format_instant(row.newest) if row.newest else None,
        "oldest": format_instant(row.oldest) if row.oldest else None,
        "nextSlot": format_instant(row.next) if row.next else None,
        "expiring": [{"snapshot": going.snapshot, "from": format_instant(going.at)} for going in row.going],
        "held": list(row.held),
        "problems": list(_notes(row)),
        "sizeGiB": row.size_gib,
        "usdPerMonth": round(row.usd, 2),
    }
