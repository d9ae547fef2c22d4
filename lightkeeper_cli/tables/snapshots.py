"""`lightkeeper snapshots`, printed: the recovery points of each source, and until when each is kept and why."""

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from lightkeeper.commands import keeper_command
from lightkeeper.errors import counted
from lightkeeper.model import Plan, SnapshotState, SourceStatus
from lightkeeper_cli.fates import Fate
from lightkeeper_cli.tables.columns import Column, Table, fit, rows_of, show, show_hidden
from lightkeeper_cli.tables.header import header
from lightkeeper_cli.tables.plan import FATE_STYLES, SHORT_DETAIL, STATUS_STYLES, instant, show_the_rest

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
    console.print(header(where, f"{instant(plan.now)} UTC"), end="\n\n")
    table = _table(fates, console.width)
    lines = {source.arn: source for source in plan.sources}
    number = 0
    groups = [[*group] for _, group in groupby(fates, key=lambda fate: (fate.point.source_arn, fate.point.region))]
    for group in groups:
        console.print(_heading(group, lines.get(group[0].point.source_arn)))
        show(rows_of(table, slice(number, number + len(group))), console)
        console.print()
        number += len(group)
    if not fates:
        console.print(Text(f"There is no recovery point{f' of {asked}' if asked else ''} yet."))
    if len(groups) > 1:
        sources = {fate.point.source_arn for fate in fates}
        total = f"{counted(len(fates), 'recovery point')} of {counted(len(sources), 'source')}"
        console.print(Text(total, "bold"))
    show_the_rest(plan.failures, (), console)
    usable = [fate.point for fate in fates if fate.point.state is SnapshotState.USABLE]
    if asked and usable:
        command = keeper_command("restore", asked, "--region", usable[0].region, "--snapshot", usable[0].name)
        console.print(Text.assemble(("To bring one back: ", "dim"), command), soft_wrap=True)
    show_hidden([table], console)


def _heading(fates: Sequence[Fate], line: SourceStatus | None) -> Text:
    point = fates[0].point
    if point.is_copy:
        what = f"{fates[0].source_kind} in {point.home}, copied to {point.region}"
        return Text.assemble((point.source_name, "bold"), f" {what}: {counted(len(fates), 'recovery point')}")
    back = f", back as {line.restored_as}" if line and line.restored_as else ""
    return Text.assemble(
        (point.source_name, "bold"),
        f" {fates[0].source_kind} in {point.home}, ",
        (line.status, STATUS_STYLES[line.status]) if line else "unknown",
        f"{back}: {counted(len(fates), 'recovery point')}",
    )


def _table(fates: Sequence[Fate], width: int) -> Table:
    points = [fate.point for fate in fates]
    columns = (
        Column("Snapshot", [Text(point.name) for point in points], is_name=True),
        Column("Taken", [Text(instant(point.taken)) for point in points]),
        Column("Slot", [Text(instant(point.slot)) for point in points], 90),
        Column("Kind", [Text(fate.kind, "dim") for fate in fates], 60),
        Column("GiB", [Text(f"{point.size_gib:,}") for point in points], 50, is_right=True),
        Column("State", [Text(point.state, _STATE_STYLES[point.state]) for point in points], 20),
        Column("Expires", [_expires(fate) for fate in fates], 40),
    )
    detail = Column("Why", [_why(fate) for fate in fates], 55, wraps_at=SHORT_DETAIL)
    return fit(columns, width, detail=detail, indent=2)


def _expires(fate: Fate) -> Text:
    return Text(instant(fate.expires_at), FATE_STYLES[fate.ending] if fate.expires_at else "dim")


def _why(fate: Fate) -> Text:
    return Text(", ".join(fate.reasons), "bold" if fate.held else "")
