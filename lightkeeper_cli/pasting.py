"""Commands to paste, where a person has named the account that they are for.

They work in that account or not at all: what bears the same name in the account of the credentials stays as it is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import typer

from lightkeeper.commands import in_account, keeper_command, profile_option
from lightkeeper.model import Plan, Problem
from lightkeeper.restore_steps import Restored, RestorePlan

if TYPE_CHECKING:
    from lightkeeper_cli.members import Member

_RESTORE: Final = "lightkeeper restore "


def plan_for(member: "Member | None", plan: Plan) -> Plan:
    """Return a plan of a run with its commands for the account."""
    if member is None:
        return plan
    problems = (
        replace(
            problem,
            message=_for(member, problem.message),
            command=_for(member, problem.command) if problem.command else None,
        )
        for problem in plan.problems
    )
    return replace(plan, problems=tuple(problems))


def restore_plan_for(member: "Member | None", plan: RestorePlan) -> RestorePlan:
    """Return a plan of a restore with its commands for the account."""
    if member is None:
        return plan
    not_restored, problems, notes = (
        tuple(_for(member, sentence) for sentence in sentences)
        for sentences in (plan.not_restored, plan.problems, plan.notes)
    )
    return replace(plan, not_restored=not_restored, problems=problems, notes=notes)


def sentence_for(member: "Member | None", sentence: str) -> str:
    """Return a sentence with its commands for the account."""
    return sentence if member is None else _for(member, sentence)


def restored_for(member: "Member | None", restored: Restored) -> Restored:
    """Return how a restore ended with its commands for the account."""
    if member is None:
        return restored
    outcomes = (
        replace(outcome, error=_for(member, outcome.error)) if outcome.error else outcome
        for outcome in restored.outcomes
    )
    error = _for(member, restored.error) if restored.error else None
    return replace(restored, outcomes=tuple(outcomes), error=error)


def say_whose_profile(member: "Member | None", sentences: Iterable[str | None]) -> None:
    """Say what the profile is that commands in these sentences name, where there are any."""
    if member is None or not any(profile_option(member.account) in sentence for sentence in sentences if sentence):
        return
    account = member.account
    typer.echo(
        f'lightkeeper: "{profile_option(account)}" above is a profile with credentials of that account: '
        f'"aws configure sso --profile {account}" makes it; or name yours',
        err=True,
    )


def commands_in(problems: Iterable[Problem]) -> Iterator[str | None]:
    """Yield what a person may paste of problems."""
    for problem in problems:
        yield from (problem.message, problem.command)


def _for(member: "Member", words: str) -> str:
    sender = member.sender
    mine = keeper_command("restore", "--stack", sender.deployment, "--account", member.account)
    words = words.replace(_RESTORE, f"{mine} ")
    return words if member.is_own else in_account(words, member.account)
