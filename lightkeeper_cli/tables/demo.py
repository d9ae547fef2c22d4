"""`lightkeeper demo`, printed: what was kept and deleted, and the metrics, of all its days."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from rich.table import Table
from rich.text import Text

from lightkeeper.metrics import OF_COPIES, MetricName
from lightkeeper.model import Kept, Plan
from lightkeeper.recipe import ANYWHERE, ANYWHERE_V6
from lightkeeper.restore_steps import StepOutcome
from lightkeeper_cli.tables.progress import step_words
from lightkeeper_cli.tables.restore import RESULT_STYLES

_SUMMED: Final = (MetricName.SNAPSHOTS_CREATED, MetricName.SNAPSHOTS_DELETED)


@dataclass(frozen=True, slots=True)
class Access:
    """How an instance is reached at a time."""

    when: str
    address: str
    ports: Mapping[str, Sequence[str]]
    """Who may connect, by the port."""


def kept_table(plan: Plan) -> Table:
    """Return the recovery points that stay, those in a row with the same reasons as one."""
    table = _table(("Source", "Taken", "Reasons"), ("Points",))
    for source, of_source in groupby(plan.kept, key=lambda kept: kept.point.source_name):
        for number, (reasons, of_reasons) in enumerate(groupby(of_source, key=_reasons)):
            taken = [kept.point.taken for kept in of_reasons]
            table.add_row("" if number else source, _days(taken), reasons, str(len(taken)))
    return table


def _reasons(kept: Kept) -> str:
    # Those that are about to go differ in their hour.
    return f"about to expire: {kept.cause}" if kept.expires_at else ", ".join(kept.reasons)


def deletions_table(done: Iterable[Mapping[str, str]]) -> Table:
    """Return each source's deletions, and the reason of the last one, from the function's log lines."""
    table = _table(("Source", "Slots", "The last one, and why"), ("Points",))
    deleted: defaultdict[str, list[Mapping[str, str]]] = defaultdict(list)
    for action in done:
        if action["action"] == "delete" and action["outcome"] == "done":
            deleted[action["source"]].append(action)
    for source, actions in sorted(deleted.items()):
        slots, last = [datetime.fromisoformat(action["slot"]) for action in actions], actions[-1]
        table.add_row(source, _days(slots), f"{last['snapshot']}: {last['reason']}", str(len(actions)))
    return table


def metrics_table(metrics: Mapping[str, Sequence[float]]) -> Table:
    """Return the metrics, by name, with what each run has sent."""
    table = _table(("Metric",), ("last", "least", "most", "sum of all runs"))
    for name in MetricName:
        if name in OF_COPIES and name not in metrics:
            continue
        values = metrics.get(name, [0])
        row = [f"{value:,.0f}" for value in (values[-1], min(values), max(values))]
        table.add_row(name, *row, f"{sum(values):,.0f}" if name in _SUMMED else "")
    return table


def progress_line(elapsed: timedelta, outcome: StepOutcome) -> Text:
    """Return how far a restore is, so long after it began."""
    minutes, seconds = divmod(round(elapsed.total_seconds()), 60)
    ended = (f"{outcome.result:7}", RESULT_STYLES[outcome.result])
    return Text.assemble((f"{minutes:3}:{seconds:02}  ", "dim"), ended, f" {step_words(outcome.step)}")


def access_table(seen: Sequence[Access]) -> Table:
    """Return side by side how an instance was reached at several times; what is as it was first is green."""
    table = _table(("", *(access.when for access in seen)), ())
    ports = sorted({port for access in seen for port in access.ports}, key=lambda port: int(port.partition("/")[0]))
    rows = [("address", [access.address for access in seen])]
    rows += [(port, [_who(access.ports.get(port)) for access in seen]) for port in ports]
    for heading, (first, *others) in rows:
        table.add_row(heading, first, *(Text(other, "green" if other == first else "red") for other in others))
    return table


def _who(places: Sequence[str] | None) -> str:
    if places is None:
        return "closed"
    return "anybody" if set(places) == {ANYWHERE, ANYWHERE_V6} else "\n".join(places)


def _table(words: Iterable[str], numbers: Iterable[str]) -> Table:
    table = Table(show_edge=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in words:
        table.add_column(heading)
    for heading in numbers:
        table.add_column(heading, justify="right")
    return table


def _days(instants: Iterable[datetime]) -> str:
    days = sorted({instant.date() for instant in instants})
    return f"{days[0]:%b %d}" if len(days) == 1 else f"{days[0]:%b %d} to {days[-1]:%b %d}"
