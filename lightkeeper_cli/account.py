"""Which account a verb works in, and in which Regions: what stands above all that it shows."""

import re
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from threading import Thread
from typing import TYPE_CHECKING, Final, TypeAlias

from botocore.config import Config

from lightkeeper.errors import InvalidValueError
from lightkeeper.faults import CallError
from lightkeeper.lightsail import is_at_aws, shared_session
from lightkeeper_cli.aws import aws_errors

if TYPE_CHECKING:
    from lightkeeper_cli.members import Member

# The lists take longer; nobody waits for a name.
_PATIENCE_SECONDS: Final = 1.0
_CONFIG: Final = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=2)
_ANY_REGION: Final = "us-east-1"
_ACCOUNT: Final = re.compile(r"arn:[a-z-]+:lightsail:[a-z0-9-]*:([0-9]+):")


@dataclass(frozen=True, slots=True)
class Account:
    """An account of AWS."""

    id: str | None
    """Twelve digits; None: nobody knows."""
    alias: str | None = None
    """Its name, where it has one that may be read."""
    name: str | None = None
    """Its name in the organization, where a person has named the account and the last run knew it."""


@dataclass(frozen=True, slots=True)
class Where:
    """What a verb has looked at."""

    account: Account
    regions: tuple[str, ...]


WhoseIs: TypeAlias = Callable[[Iterable[str]], Account]
"""Takes ARNs of Lightsail's resources, which tell the account if nothing else does, and returns whose they are."""


def ask_account(endpoint_url: str | None, member: "Member | None" = None) -> WhoseIs:
    """Ask AWS beside other work whose the credentials are; return what gives the answer.

    It never fails: what AWS refuses, or does not say in time, is not known. A local Lightsail has nobody to ask, and
    AWS itself would answer for another account. `member` is the account that a person has named.
    """
    found: list[Account] = []
    thread: Thread | None = None
    with suppress(CallError, InvalidValueError), aws_errors("connecting"):
        if is_at_aws(endpoint_url):
            session = shared_session()
            sts = session.client("sts", region_name=session.region_name or _ANY_REGION, config=_CONFIG)
            iam = session.client("iam", region_name=_ANY_REGION, config=_CONFIG)

            def ask() -> None:
                with closing(sts), closing(iam), suppress(CallError, InvalidValueError), aws_errors("asking"):
                    found.append(Account(str(sts.get_caller_identity()["Account"])))
                    for alias in iam.list_account_aliases()["AccountAliases"]:
                        found.append(Account(found[0].id, str(alias)))

            # Not a pool: whoever ends a program waits for the threads of a pool.
            thread = Thread(target=ask, name="account", daemon=True)
            thread.start()

    def answer(arns: Iterable[str]) -> Account:
        if thread:
            thread.join(_PATIENCE_SECONDS)
        account = found[-1] if found else Account(member.account if member else account_of(arns))
        return replace(account, name=member.name if member else None)

    return answer


def account_of(arns: Iterable[str]) -> str | None:
    """Return the account that the first of these ARNs is of; None where there is none."""
    matches = map(_ACCOUNT.match, arns)
    return next((match[1] for match in matches if match), None)
