"""Which accounts to look after, as the settings and AWS Organizations say: the only module that knows the latter.

It is asked by each run, so that a new account is looked after by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from botocore.config import Config

from lightkeeper.aws import CONFIG, call_errors
from lightkeeper.faults import CallError
from lightkeeper.lightsail import shared_session
from lightkeeper.organization import Organization

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient
    from mypy_boto3_organizations.type_defs import AccountTypeDef

_ACTIVE: Final = "ACTIVE"
_EXPECTED: Final = (
    "permission for {}, and this account to be the organization's management account or a delegated administrator"
)
# Organizations takes few calls a second: of 500 accounts in 50 units, some wait.
_PATIENT: Final = CONFIG.merge(Config(retries={"mode": "standard", "total_max_attempts": 8}))


@dataclass(frozen=True, slots=True)
class Account:
    """An account to look after."""

    id: str
    """12 digits."""
    name: str | None
    """Its name in the organization, where that is known."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts to look after."""

    found: tuple[Account, ...]
    """By id, each once."""
    unlisted: tuple[str, ...] = ()
    """Sentences: of which units the accounts could not be listed, and why."""


class Directory(Protocol):
    """The organization. Each method raises `CallError` when one of its calls fails."""

    def accounts(self, unit: str) -> Iterator[Account]:
        """Yield the active accounts right in a unit or in the root."""

    def units(self, unit: str) -> Iterator[str]:
        """Yield the ids of the units right in a unit or in the root."""


def find_accounts(organization: Organization, own: str, directory: Directory) -> Accounts:
    """Return the accounts to look after.

    Parameters
    ----------
    organization
        The setting.
    own
        The deployment's own account, which is looked after too unless it is left out.
    directory
        Asked only where the setting names units.

    Raises
    ------
    CallError
        If no unit at all could be listed.
    """
    names: dict[str, str | None] = {own: None, **dict.fromkeys(organization.accounts)}
    unlisted: dict[str, CallError] = {}
    is_any_listed = not organization.units
    waiting, seen = [*organization.units], set[str]()
    while waiting:
        unit = waiting.pop()
        if unit in seen:
            continue
        seen.add(unit)
        try:
            for account in directory.accounts(unit):
                names[account.id] = account.name
            is_any_listed = True
            waiting.extend(directory.units(unit))
        except CallError as error:
            unlisted[unit] = error
    if not is_any_listed:
        first = next(iter(unlisted.values()))
        raise CallError(first.fault, f"no account of the organization could be listed: {first}")
    found = (Account(account, name) for account, name in sorted(names.items()) if account not in organization.excluded)
    return Accounts(tuple(found), tuple(f"{unit}: {error}" for unit, error in sorted(unlisted.items())))


class Organizations:
    """AWS Organizations, as `Directory` says it.

    Raises
    ------
    CallError
        If the configured profile cannot be used.
    """

    def __init__(self, region: str) -> None:
        # It has one address in each partition, which the Region tells.
        self._client: OrganizationsClient = shared_session().client(
            "organizations", region_name=region, config=_PATIENT
        )

    def close(self) -> None:
        """Close the connections; the object is of no use afterwards."""
        self._client.close()

    def accounts(self, unit: str) -> Iterator[Account]:
        """Yield the active accounts right in a unit or in the root."""
        action = "organizations:ListAccountsForParent"
        with call_errors(action, expected=_EXPECTED.format(action)):
            for page in self._client.get_paginator("list_accounts_for_parent").paginate(ParentId=unit):
                for account in page["Accounts"]:
                    if _is_active(account):
                        yield Account(account["Id"], account.get("Name"))

    def units(self, unit: str) -> Iterator[str]:
        """Yield the ids of the units right in a unit or in the root."""
        action = "organizations:ListOrganizationalUnitsForParent"
        with call_errors(action, expected=_EXPECTED.format(action)):
            for page in self._client.get_paginator("list_organizational_units_for_parent").paginate(ParentId=unit):
                yield from (each["Id"] for each in page["OrganizationalUnits"])


def _is_active(account: "AccountTypeDef") -> bool:
    """Return whether an account is in use. `Status` is being retired in favour of `State`; older answers lack that."""
    return {account.get("State", _ACTIVE), account.get("Status", _ACTIVE)} == {_ACTIVE}
