"""`lightkeeper rescue`, printed: the automatic snapshots of a source, what becomes of each, and what to do then."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from lightkeeper.commands import delete_source_command, in_account, keeper_command, untag_command
from lightkeeper.errors import counted
from lightkeeper.rescue import Rescued, Stage
from lightkeeper.rescue_plan import RESCUED, Day, RescuePlan, Verdict
from lightkeeper.times import format_minute
from lightkeeper_cli.tables.columns import Column, fit, show
from lightkeeper_cli.tables.plan import SHORT_DETAIL, instant

if TYPE_CHECKING:
    from lightkeeper_cli.members import Member

STAGE_STYLES: Final = {
    Stage.TO_COPY: "bold red",
    Stage.TO_TAG: "bold red",
    Stage.PENDING: "yellow",
    Stage.COMPLETE: "green",
    Stage.FAILED: "bold red",
    Stage.LEFT: "dim",
}
_VERDICT_STYLES: Final = {
    Verdict.RESCUE: "green",
    Verdict.FINISH: "green",
    Verdict.THERE: "cyan",
    Verdict.COVERED: "dim",
    Verdict.LATER: "yellow",
    Verdict.LOST: "bold red",
}
_INDENT: Final = 2


@dataclass(frozen=True, slots=True)
class Next:
    """What commands to paste have to name."""

    member: "Member | None"
    hold_key: str

    def keeper(self, *words: str) -> str:
        """Return a command of `lightkeeper`."""
        return self.member.sender.command(*words) if self.member else keeper_command(*words)

    def aws(self, command: str) -> str:
        """Return a command of the AWS CLI so that it works in the account that was named, or not at all."""
        return in_account(command, self.member.account) if self.member and not self.member.is_own else command


def show_rescue(plan: RescuePlan, console: Console) -> None:
    """Print what is to be done, and what is not, each with its reason."""
    source = plan.source
    console.print(Text.assemble((source.name, "bold"), f" {source.kind} in {source.region}"))
    if not plan.days:
        sentence = (
            f"{source.name} has no automatic snapshots, so none go with it. Lightsail makes them where their add-on is "
            "on, and never of a Windows instance."
        )
        console.print(Text(sentence), soft_wrap=not console.is_terminal)
        return
    days = plan.days
    columns = (
        Column("Day", [Text(day.date) for day in days]),
        Column("Taken", [Text(instant(day.taken)) for day in days], 30),
        Column("GiB", [Text(f"{day.size_gib:,}") for day in days], 40, is_right=True),
        Column("What", [Text(day.verdict, _VERDICT_STYLES[day.verdict]) for day in days]),
        Column("Snapshot", [Text(_snapshot(day)) for day in days], is_name=True),
    )
    detail = Column("Why", [Text(day.reason, "dim") for day in days], 50, wraps_at=SHORT_DETAIL)
    show(fit(columns, console.width, detail=detail, indent=_INDENT), console)
    if plan.to_do:
        until = f"through {plan.hold}" if plan.hold else "for good"
        console.print(Text(f"They are held {until}: no rule drops them. They add {plan.stored}."))
        console.print(Text("Each keeps what the source has today beside its content, such as the firewall."))
    for note in plan.notes:
        console.print(Text.assemble(("Note ", "yellow"), note))
    console.print()


def _snapshot(day: Day) -> str:
    return day.target.snapshot if day.verdict in {*RESCUED, Verdict.COVERED} else ""


def show_rescued(
    plan: RescuePlan, ended: Mapping[str, Rescued], follows: Sequence[tuple[str, str]], console: Console
) -> None:
    """Print how a rescue ended, and what to do next: sentences, each with its command."""
    wanted = [ended[day.date] for day in plan.days if day.verdict in RESCUED]
    if wanted:
        columns = (
            Column("Day", [Text(rescued.day.date) for rescued in wanted]),
            Column("Stands", [Text(rescued.stage, STAGE_STYLES[rescued.stage]) for rescued in wanted]),
            Column("Snapshot", [Text(rescued.day.target.snapshot) for rescued in wanted], is_name=True),
        )
        errors = Column("", [Text(rescued.error or "") for rescued in wanted], 50, wraps_at=SHORT_DETAIL)
        detail = errors if any(rescued.error for rescued in wanted) else None
        show(fit(columns, console.width, detail=detail, indent=_INDENT), console)
        complete = sum(rescued.stage is Stage.COMPLETE for rescued in wanted)
        words = f"{complete} of {counted(len(wanted), 'automatic snapshot')} of {plan.source.name} rescued"
        console.print(Text(words, "bold"))
    for sentence, command in follows:
        console.print(Text(f"{sentence}:"))
        # To be pasted, so in one line whatever the width.
        console.print(Text(f"  {command}", "bold"), soft_wrap=True)


def what_follows(plan: RescuePlan, names: Next) -> Iterator[tuple[str, str]]:
    """Yield what to do once all is complete, sentence by sentence, each with its command."""
    source = plan.source
    where = ("--kind", source.kind, "--region", source.region)
    newest = next((day for day in plan.days if day.verdict in {*RESCUED, Verdict.COVERED}), None)
    lacks = f"What was written since {format_minute(newest.taken)} is in none of them. " if newest else ""
    what = "that, too" if newest else f"what is on {source.name} now"
    take = names.keeper("take", source.name, *where, "--hold", plan.hold)
    yield f"{lacks}To keep {what}, take a recovery point and wait until it is usable", take
    delete = delete_source_command(source.kind, source.name, source.region)
    yield f"Then {source.name} can be deleted", names.aws(delete)
    kept = next((day for day in plan.days if day.verdict in RESCUED), None)
    if kept:
        list_them = names.keeper("snapshots", source.name, "--region", source.region)
        yield "To see what there is of it, before and after that", list_them
        untag = untag_command(kept.target.snapshot, source.region, names.hold_key)
        yield "To let the rules have one of them again", names.aws(untag)
