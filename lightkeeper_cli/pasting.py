"""Commands to paste, where a person has named another account than that of their credentials."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from lightkeeper.commands import in_account
from lightkeeper.model import Plan, Problem

if TYPE_CHECKING:
    from lightkeeper_cli.members import Member


def commands_for(member: "Member | None", plan: Plan) -> Plan:
    """Return a plan whose commands of the AWS CLI work in the account that a person has named, or not at all."""
    if member is None or member.is_own:
        return plan
    problems = (
        replace(problem, command=in_account(problem.command, member.account)) if problem.command else problem
        for problem in plan.problems
    )
    return replace(plan, problems=tuple(problems))


def say_whose_profile(member: "Member | None", problems: Iterable[Problem]) -> None:
    """Say what the profile is that the commands of these problems name, where there are any."""
    if member and not member.is_own and any(problem.command for problem in problems):
        account = member.account
        typer.echo(
            f'lightkeeper: above, "aws" uses the profile {account}, which has to have credentials of that account: '
            f'"aws configure sso --profile {account}" makes it; or name yours',
            err=True,
        )
