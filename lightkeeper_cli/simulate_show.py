"""What a person sees of a simulation: rules side by side and a calendar, from the document that `--json` prints."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import zip_longest
from textwrap import wrap
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lightkeeper_cli.simulate import LAST_DAYS, RuleDocument, SimulationDocument

_DAY: Final = timedelta(days=1)
_MONTH_WIDTH: Final = 31
_LABEL: Final = " " * len("2026-11 ")
_BETWEEN: Final = " " * 3
_RECOVERABLE: Final = ("█", "green")
_ANNOUNCED: Final = ("▒", "yellow")
_GONE: Final = ("·", "dim")


def show_simulation(document: SimulationDocument, console: Console) -> None:
    """Print a simulation."""
    console.print(heading(document), highlight=False)
    console.print()
    console.print(_facts(document))
    console.print()
    console.print("Days that can be recovered at the end", style="bold")
    for line in _calendar(document):
        console.print(line)
    console.print(
        Text.assemble(
            _RECOVERABLE, " can be recovered  ", _ANNOUNCED, " announced, about to be deleted  ", _GONE, " cannot"
        )
    )
    console.print()
    for sentence in assumptions(document):
        console.print(sentence, highlight=False)


def heading(document: SimulationDocument) -> str:
    """Return what is simulated, in a line."""
    policy = document["policy"]
    return (
        f"{policy['name']} ({policy['schedule']} {policy['timeZone']}): {_days(document['days'])}, "
        f"{document['firstDay']} to {document['lastDay']}"
    )


def assumptions(document: SimulationDocument) -> tuple[str, str]:
    """Return what the figures rest on: a sentence on what is simulated, one on the estimate."""
    simulated = f"Simulated: tick {document['tick']}, grace {document['grace']}; every snapshot succeeds."
    estimated = (
        f"Estimated: the oldest snapshot stores all {document['sizeGib']} GiB, each later one what changed since the "
        f"one before it, at {100 * document['changePerDay']:g}% a day; {document['usdPerGbMonth']:g} USD for a GB and "
        "month."
    )
    return simulated, estimated


def _facts(document: SimulationDocument) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False)
    table.add_column("")
    for rule in document["rules"]:
        table.add_column(rule["keep"], justify="right", overflow="fold")
    recent = min(LAST_DAYS, document["days"])

    def row(label: str, *figures: str) -> None:
        table.add_row(label, *figures)

    rules = document["rules"]
    row("Snapshots held at the end", *(f"{rule['held']}" for rule in rules))
    row("Most held at any time", *(f"{rule['mostHeld']}" for rule in rules))
    row("Days that can be recovered", *(f"{rule['recoverableDays']} of {document['days']}" for rule in rules))
    row(f"  of the last {recent}", *(f"{rule['recoverableOfLast30Days']} of {recent}" for rule in rules))
    row("Age of the oldest", *(_days(rule["oldestAgeDays"]) for rule in rules))
    row("Longest stretch without one", *(_days(rule["longestGapDays"]) for rule in rules))
    row("Stored at the end, about", *(f"{rule['storedGib']:,.0f} GiB" for rule in rules))
    row("Cost at the end, about", *(f"{rule['usdPerMonth']:,.2f} USD a month" for rule in rules))
    row("Most at any day's end, about", *(f"{rule['mostUsdPerMonth']:,.2f} USD a month" for rule in rules))
    return table


def _days(number: float) -> str:
    return "1 day" if number == 1 else f"{number:g} days"


def _calendar(document: SimulationDocument) -> Iterator[Text]:
    """Yield a line for each month, from that of the oldest recovery point on, with a mark for each day and rule."""
    marks = [_marks(rule) for rule in document["rules"]]
    first, last = date.fromisoformat(document["firstDay"]), date.fromisoformat(document["lastDay"])
    for headings in zip_longest(*(wrap(rule["keep"], _MONTH_WIDTH) for rule in document["rules"]), fillvalue=""):
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


def _marks(rule: RuleDocument) -> Mapping[date, tuple[str, str]]:
    marks: dict[date, tuple[str, str]] = {}
    for point in rule["recoveryPoints"]:
        day = date.fromisoformat(point["day"])
        # One that stays is enough for its day to stay.
        if marks.get(day) is not _RECOVERABLE:
            marks[day] = _ANNOUNCED if point["expires"] else _RECOVERABLE
    return marks


def _line(label: str, cells: list[Text]) -> Text:
    line = Text(label)
    for number, cell in enumerate(cells):
        cell.pad_right(_MONTH_WIDTH - len(cell))
        line.append_text(Text.assemble(_BETWEEN if number else "", cell))
    line.rstrip()
    return line
