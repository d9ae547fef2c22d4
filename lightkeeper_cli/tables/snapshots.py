"""`lightkeeper snapshots`, printed: the recovery points of each source, and until when each is kept and why."""

import shlex
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from lightkeeper.errors import counted
from lightkeeper.model import Plan, SnapshotState, SourceStatus
from lightkeeper_cli.fates import Fate
from lightkeeper_cli.tables.columns import Column, Table, fit, show, show_hidden
from lightkeeper_cli.tables.header import header
from lightkeeper_cli.tables.plan import DETAIL, FATE_STYLES, STATUS_STYLES, instant, show_the_rest

if TYPE_CHECKING:
    from lightkeeper_cli.account import Where

_STATE_STYLES: Final = {
    SnapshotState.PENDING: "yellow",
    SnapshotState.USABLE: "green",
    SnapshotState.ERROR: "bold red",
    SnapshotState.UNKNOWN: "bold red",
}


def show_snapshots(fates: Sequence[Fate], plan: Plan, asked: str | None, where: "Where", console: Console) -> None:
    """Print recovery points; `asked` is the name of the source that was asked for, if one was."""
    console.print(header(where, f"{instant(plan.now)} UTC"))
    console.print()
    lines = {source.arn: source for source in plan.sources}
    tables = []
    for arn, group in groupby(fates, key=lambda fate: fate.point.source_arn):
        tables.append(_show_source([*group], lines.get(arn), console))
    if not fates:
        console.print(
            f"There is no recovery point{f' of {asked}' if asked else ''} yet.", markup=False, highlight=False
        )
    if len(tables) > 1:
        total = f"{counted(len(fates), 'recovery point')} of {counted(len(tables), 'source')}"
        console.print(Text(total, "bold"))
    show_the_rest(plan.failures, (), console)
    usable = [fate.point.name for fate in fates if fate.point.state is SnapshotState.USABLE]
    if asked and usable:
        command = shlex.join(["lightkeeper", "restore", asked, "--snapshot", usable[0]])
        console.print(Text.assemble(("To bring one back: ", "dim"), command), soft_wrap=True)
    show_hidden(tables, console)


def _show_source(fates: Sequence[Fate], line: SourceStatus | None, console: Console) -> Table:
    first = fates[0].point
    status = line.status if line else None
    back = f", back as {line.restored_as}" if line and line.restored_as else ""
    console.print(
        Text.assemble(
            (first.source_name, "bold"),
            f" {fates[0].source_kind} in {first.region}, ",
            (status, STATUS_STYLES[status]) if status else "unknown",
            f"{back}: {counted(len(fates), 'recovery point')}",
        )
    )
    points = [fate.point for fate in fates]
    columns = (
        Column("Snapshot", [Text(point.name) for point in points], is_name=True),
        Column("Taken", [Text(instant(point.taken)) for point in points], 10),
        Column("Slot", [Text(instant(point.slot)) for point in points], 90),
        Column("Kind", [Text(fate.kind, "dim") for fate in fates], 60),
        Column("GiB", [Text(f"{point.size_gib:,}") for point in points], 50, is_right=True),
        Column("State", [Text(point.state, _STATE_STYLES[point.state]) for point in points], 20),
        Column("Expires", [_expires(fate) for fate in fates], 40),
    )
    detail = Column("Why", [_why(fate) for fate in fates], wraps_at=DETAIL)
    table = fit(columns, console.width, detail=detail, indent=2)
    show(table, console)
    console.print()
    return table


def _expires(fate: Fate) -> Text:
    return Text(instant(fate.expires_at), FATE_STYLES[fate.fate] if fate.expires_at else "dim")


def _why(fate: Fate) -> Text:
    return Text(", ".join(fate.reasons), "bold" if fate.held else "")
