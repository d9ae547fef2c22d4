"""What a person sees of the recovery calendar in a terminal: its view, as a table that also works in a pipe."""

from collections import Counter
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lightkeeper.model import ReadFailure
from lightkeeper.overview import Health
from lightkeeper.times import format_instant
from recovery_calendar.view import DAYS, Day, Mark, Row, View, span, suggestions

_HEALTH_STYLES: Final = {
    Health.OK: "bold green",
    Health.WAITING: "bold yellow",
    Health.DEGRADED: "bold red",
    Health.UNKNOWN: "bold red",
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
# From how many columns of a terminal on so many facts leave room for names beside the strip.
_WIDTHS: Final = ((120, 6), (100, 3))
SIGNS: Final = (*_CELLS.values(), _MISSED, _GAP)
"""The signs of a strip, with their styles."""
_LEGEND: Final = "█ recoverable   H held   ▒ about to expire   ░ being taken   x overdue   · none"


def show_status(view: View, console: Console) -> None:
    """Print the calendar."""
    console.print(Text(view.sentence, _HEALTH_STYLES[view.health]), end="\n\n" if view.rows else "\n")
    for failure in view.failures:
        console.print(Text.assemble(("could not be read ", "bold red"), f"{failure.region}: {failure.message}"))
    if view.rows:
        console.print(_table(view, console.width))
        console.print(
            Text(f"\n{_LEGEND}\nAbout {view.stored_gib:,.0f} GiB stored, {view.usd:,.2f} USD a month: an estimate\n")
        )
    for row in view.rows:
        if row.why:
            why = Text(_why(row), "" if row.wants else "dim")
            # A command that is to be pasted is not broken into lines here.
            console.print(Text.assemble((f"{row.name} ", "bold"), why), soft_wrap=row.overdue_since is not None)
        for told in _notes(row):
            console.print(Text.assemble((f"{row.name} ", "bold"), told))
        for by, number in Counter(held.by for held in row.held).items():
            console.print(Text.assemble((f"{row.name} ", "bold"), (f"{number} {by}", "dim")))
    for problem, told in zip(view.others, suggestions(view.others), strict=True):
        console.print(Text.assemble((f"{problem.source} ", "bold"), told))
    if view.unseen:
        regions = ", ".join(dict.fromkeys(failure.region for failure in view.unseen))
        console.print(Text(f"Could not be looked at for recovery points left behind: {regions}", "dim"))


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
            f"in {span(row.going[0].at - view.now)} ({len(row.going)})" if row.going else "-",
            str(len(row.held) or "-"),
            "-" if row.size_gib is None else f"{row.size_gib:,}",
            f"{row.usd:,.2f}",
        )
        table.add_row(
            Text.assemble(row.name, (f" {row.kind}" if is_one else f" {row.kind} {row.region}", "dim")),
            Text(row.status, "bold red" if row.wants else _STATUS_STYLES.get(row.status, "dim")),
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


def _notes(row: Row) -> tuple[str, ...]:
    failed = (f"ended in error, and no newer one is usable: {', '.join(row.untold)}",) if row.untold else ()
    inside = (f"in the snapshots of {row.included_in}, too",) if row.included_in and row.points else ()
    return (*suggestions(row.notes), *failed, *inside)


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
        "failures": list(map(_failure, view.failures)),
        "doubted": list(view.doubted),
        "elsewhere": None
        if view.elsewhere is None
        else {"recoveryPoints": dict(view.elsewhere), "failures": list(map(_failure, view.unseen))},
    }


def _failure(failure: ReadFailure) -> dict[str, str | None]:
    return {"region": failure.region, "listing": failure.listing, "message": failure.message}


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
                {
                    "taken": format_instant(moment.wall),
                    "slot": format_instant(moment.slot),
                    "mark": moment.mark.value,
                }
                for moment in day.moments
            ]
            for day in row.days
            if day.moments
        },
        "recoveryPoints": row.points,
        "newest": format_instant(row.newest) if row.newest else None,
        "oldest": format_instant(row.oldest) if row.oldest else None,
        "nextSlot": format_instant(row.next) if row.next else None,
        "expiring": [{"snapshot": going.snapshot, "from": format_instant(going.at)} for going in row.going],
        "held": [held.snapshot for held in row.held],
        "heldBy": {held.snapshot: held.by for held in row.held},
        "includedIn": row.included_in,
        "overdueSince": format_instant(row.overdue_since) if row.overdue_since else None,
        "stopped": row.stopped,
        "why": row.why,
        "helps": row.helps,
        "problems": list(_notes(row)),
        "sizeGiB": row.size_gib,
        "usdPerMonth": round(row.usd, 2),
    }
