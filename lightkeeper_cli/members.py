"""The option `--account`: from then on, whatever talks to AWS in this process works in that account.

Import this only where the option is given: it loads what talks to AWS.
"""

import os
import re
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lightkeeper.credentials import Credentials
from lightkeeper.errors import InvalidValueError
from lightkeeper.faults import CallError, Fault
from lightkeeper.fleet import Fleet
from lightkeeper.lightsail import shared_session
from lightkeeper.members import NotOnboardedError, assume
from lightkeeper.organization import role_arn
from lightkeeper.sender import Sender
from lightkeeper_cli.aws import CONFIG, aws_errors, own_region
from lightkeeper_cli.fleet import read_fleet

if TYPE_CHECKING:
    from lightkeeper_cli.settings import Chosen

_ANY_REGION: Final = "us-east-1"
# What stands in the environment beside keys, and is not true of these.
_OF_OTHER_CREDENTIALS: Final = ("AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_ACCOUNT_ID")
# What the name of a session may not have in it, and how long it may be.
_UNNAMEABLE: Final = re.compile(r"[^\w+=,.@-]+", re.ASCII)
_SHORTEST, _LONGEST = 2, 64


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose credentials these are."""

    account: str
    """12 digits."""
    partition: str
    session: str
    """Who it is, as the name of a session may be: CloudTrail in the other account shows it."""

    @classmethod
    def of(cls, arn: str) -> "Caller":
        """Return whose an ARN is, as GetCallerIdentity answers it: that of a user, of a role's session, or the root."""
        _, partition, _, _, account, who = arn.split(":", 5)
        name = _UNNAMEABLE.sub("-", who.rpartition("/")[2])[:_LONGEST]
        return cls(account, partition, name if len(name) >= _SHORTEST else f"user-{name}")


@dataclass(frozen=True, slots=True)
class Member:
    """The account that a person has named."""

    account: str
    """12 digits."""
    name: str | None
    """Its name in the organization, where that is known."""
    is_own: bool
    """Whether it is that of the caller's own credentials."""
    sender: Sender
    """What commands that are to be pasted name."""
    notes: tuple[str, ...]
    """What there is to say of it."""


def enter(account: str, chosen: "Chosen") -> Member:
    """Let everything in this process that talks to AWS work in an account, by the role that it has there for people.

    Parameters
    ----------
    account
        12 digits. In the caller's own account, it is the caller's own credentials that work.
    chosen
        The deployment's settings.

    Raises
    ------
    InvalidValueError
        If the deployment looks after its own account alone.
    CallError
        If the account does not let the caller in, or AWS cannot be asked.
    """
    region = chosen.region or own_region() or _ANY_REGION
    caller = _ask_caller(region)
    sender = Sender(chosen.stack or chosen.deployment, caller.account, region, member=account)
    if caller.account == account:
        return Member(account, None, is_own=True, sender=sender, notes=())
    if chosen.roles is None:
        raise InvalidValueError(
            f"--account {account}: these credentials are of the account {caller.account}, and {chosen.origin} name no "
            'other; expected a deployment with "organization", or --profile NAME with credentials of that account'
        )
    # Read with the caller's own credentials, as long as they are in force.
    fleet = _try_fleet(chosen)
    role = role_arn(caller.partition, account, chosen.roles.operator)
    try:
        credentials = assume(role, external_id=chosen.deployment, session=caller.session, region=region)
    except NotOnboardedError as error:
        raise CallError(
            Fault.ACCESS_DENIED, _not_let_in(account, chosen.roles.operator, chosen.deployment, str(error))
        ) from None
    _use(credentials)
    row = next((each for each in fleet.rows if each.account == account), None) if fleet else None
    notes = [f"working in the account {account}, by its role {chosen.roles.operator}"]
    if why := _not_looked_after(account, chosen, fleet):
        notes.append(f"{why}: no run looks after it")
    return Member(account, row.name if row else None, is_own=False, sender=sender, notes=tuple(notes))


def _use(credentials: Credentials) -> None:
    # Connections are made in many places, and by boto3 itself. All of them read the environment, where keys go before
    # a profile; of those that would need an argument, the first one that is forgotten would work in the caller's own
    # account, where sources of the same names may be. The profile's Region and addresses stay.
    os.environ["AWS_ACCESS_KEY_ID"] = credentials.access_key_id
    os.environ["AWS_SECRET_ACCESS_KEY"] = credentials.secret_access_key
    os.environ["AWS_SESSION_TOKEN"] = credentials.session_token
    for variable in _OF_OTHER_CREDENTIALS:
        os.environ.pop(variable, None)


def _ask_caller(region: str) -> Caller:
    with aws_errors("GetCallerIdentity"), closing(shared_session().client("sts", region, config=CONFIG)) as sts:
        return Caller.of(sts.get_caller_identity()["Arn"])


def _try_fleet(chosen: "Chosen") -> Fleet | None:
    """Return what the last run has seen, where it can be read: it is here for a name and a warning."""
    try:
        return read_fleet(chosen)
    except (CallError, InvalidValueError):
        return None


def _not_looked_after(account: str, chosen: "Chosen", fleet: Fleet | None) -> str | None:
    """Return why no run looks after an account, as far as that is known."""
    organization = chosen.organization
    if organization and account in organization.excluded:
        return f'{account} is in "except" of "organization"'
    if organization and organization.accounts and account not in organization.accounts:
        return f'{account} is not in "accounts" of "organization"'
    if fleet and all(row.account != account for row in fleet.rows):
        return f"{account} was not among the accounts of the last run"
    return None


def _not_let_in(account: str, role: str, deployment: str, said: str) -> str:
    return (
        f"the account {account} does not let you in: it has no role {role} for the deployment {deployment}, or you may "
        "not assume it; expected that role, which `make deploy-members` gives to all accounts of the units and `make "
        f"deploy-member` to one, and permission for sts:AssumeRole ({said})"
    )
