"""`lightkeeper demo`, printed: what was kept and deleted, and the metrics, of all its days."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from rich.table import Table

from lightkeeper.metrics import MetricName
from lightkeeper.model import Kept, Plan

_SUMMED: Final = (MetricName.SNAPSHOTS_CREATED, MetricName.SNAPSHOTS_DELETED)


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
        values = metrics.get(name, [0])
        row = [f"{value:,.0f}" for value in (values[-1], min(values), max(values))]
        table.add_row(name, *row, f"{sum(values):,.0f}" if name in _SUMMED else "")
    return table


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
