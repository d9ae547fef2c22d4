"""`lightkeeper simulate`, printed: rules side by side, and a calendar."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import zip_longest
from textwrap import wrap
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lightkeeper.pricing import USD_PER_GB_MONTH, USD_PER_GB_TRANSFERRED, usd_of_transfer, usd_per_month
from lightkeeper.settings import Settings
from lightkeeper_cli.simulation import LAST_DAYS, CopiesMade, Scenario, Simulation

_DAY: Final = timedelta(days=1)
_MONTH_WIDTH: Final = 31
_LABEL: Final = " " * len("2026-11 ")
_BETWEEN: Final = " " * 3
_RECOVERABLE: Final = ("█", "green")
_EXPIRING: Final = ("▒", "yellow")
_GONE: Final = ("·", "dim")


def show_simulations(simulations: Sequence[Simulation], settings: Settings, console: Console) -> None:
    """Print simulations of a scenario, each under a rule of its own."""
    console.print(heading(simulations[0]), highlight=False)
    console.print()
    console.print(_facts(simulations))
    console.print()
    console.print("Days that can be recovered at the end", style="bold")
    for line in _calendar(simulations):
        console.print(line)
    console.print(Text.assemble(_RECOVERABLE, " can be recovered  ", _EXPIRING, " about to expire  ", _GONE, " cannot"))
    console.print()
    for sentence in assumptions(simulations[0].scenario, settings):
        console.print(sentence, highlight=False)


def heading(simulation: Simulation) -> str:
    """Return what is simulated, in a line."""
    policy, days = simulation.scenario.policy, simulation.days
    return (
        f"{policy.name} ({policy.schedule.cron} {policy.schedule.zone.key}): {_days(len(days))}, "
        f"{days[0].date} to {days[-1].date}"
    )


def assumptions(scenario: Scenario, settings: Settings) -> tuple[str, ...]:
    """Return what the figures rest on: a sentence on what is simulated, one on the estimate, one on copies if any."""
    simulated = f"Simulated: tick {settings.tick}, grace {settings.grace}; every snapshot succeeds."
    estimated = (
        f"Estimated: the oldest snapshot stores all {scenario.size_gib} GiB, each later one what changed since the "
        f"one before it, at {100 * scenario.change_per_day:g}% a day; {USD_PER_GB_MONTH} USD for a GB and month."
    )
    if scenario.copies is None:
        return simulated, estimated
    schedule = scenario.copies.schedule
    copied = (
        f"Copied: at {schedule.cron} {schedule.zone.key}; the first copy sends all {scenario.size_gib} GiB, each later "
        f"one what changed since the one before it; {USD_PER_GB_TRANSFERRED} USD for a GB that is sent, an assumption."
    )
    return simulated, estimated, copied


def _facts(simulations: Sequence[Simulation]) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False)
    table.add_column("")
    for simulation in simulations:
        table.add_column(str(simulation.keep), justify="right", overflow="fold")
    days = len(simulations[0].days)
    recent = min(LAST_DAYS, days)

    def row(label: str, figure: Callable[[Simulation], str]) -> None:
        table.add_row(label, *map(figure, simulations))

    row("Snapshots held at the end", lambda of: f"{len(of.points)}")
    row("Most held at any time", lambda of: f"{of.most_held}")
    row("Days that can be recovered", lambda of: f"{len(of.recoverable)} of {days}")
    row(f"  of the last {recent}", lambda of: f"{len(of.recoverable_lately)} of {recent}")
    row("Age of the oldest", lambda of: _days(round(of.oldest_age, 1)))
    row("Longest stretch without one", lambda of: _days(of.longest_gap))
    row("Stored at the end, about", lambda of: f"{of.stored_gib:,.0f} GiB")
    row("Cost at the end, about", lambda of: f"{usd_per_month(of.stored_gib):,.2f} USD a month")
    row("Most at any day's end, about", lambda of: f"{usd_per_month(of.most_stored_gib):,.2f} USD a month")
    if of_copies := [simulation.copies for simulation in simulations if simulation.copies]:
        _add_copies(table, of_copies, recent)
    return table


def _add_copies(table: Table, copies: Sequence[CopiesMade], recent: int) -> None:
    def row(label: str, figure: Callable[[CopiesMade], str]) -> None:
        table.add_row(label, *map(figure, copies))

    table.add_row(f"Copies, {copies[0].rule.keep}")
    row("  held at the end", lambda of: f"{len(of.points)}")
    row("  most held at any time", lambda of: f"{of.most_held}")
    row("  stored at the end, about", lambda of: f"{of.stored_gib:,.0f} GiB")
    row(f"  sent in the last {recent} days, about", lambda of: f"{of.sent_gib_lately:,.0f} GiB")
    row("  cost at the end, about", lambda of: f"{usd_per_month(of.stored_gib):,.2f} USD a month")
    row("  cost of what was sent, about", lambda of: f"{usd_of_transfer(of.sent_gib_lately):,.2f} USD")


def _days(number: float) -> str:
    return "1 day" if number == 1 else f"{number:g} days"


def _calendar(simulations: Sequence[Simulation]) -> Iterator[Text]:
    """Yield a line for each month, from that of the oldest recovery point on, with a mark for each day and rule."""
    marks = [_marks(simulation) for simulation in simulations]
    first, last = simulations[0].days[0].date, simulations[0].days[-1].date
    rules = (wrap(str(simulation.keep), _MONTH_WIDTH) for simulation in simulations)
    for headings in zip_longest(*rules, fillvalue=""):
        yield _line(_LABEL, [Text(heading) for heading in headings])
    month = min(day for rule in marks for day in rule).replace(day=1)
    while month <= last:
        following = (month + _MONTH_WIDTH * _DAY).replace(day=1)
        days = [month + number * _DAY for number in range((following - month).days)]
        strips = [
            Text.assemble(*(rule.get(day, _GONE) if first <= day <= last else " " for day in days)) for rule in marks
        ]
        yield _line(f"{month:%Y-%m} ", strips)
        month = following


def _marks(simulation: Simulation) -> Mapping[date, tuple[str, str]]:
    marks: dict[date, tuple[str, str]] = {}
    for point in simulation.points:
        day = simulation.day_of(point)
        # One that stays is enough for its day to stay.
        if marks.get(day) is not _RECOVERABLE:
            marks[day] = _EXPIRING if point.expires_at else _RECOVERABLE
    return marks


def _line(label: str, cells: list[Text]) -> Text:
    line = Text(label)
    for number, cell in enumerate(cells):
        cell.pad_right(_MONTH_WIDTH - len(cell))
        line.append_text(Text.assemble(_BETWEEN if number else "", cell))
    line.rstrip()
    return line
