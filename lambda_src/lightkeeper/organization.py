"""Which accounts a deployment looks after beside its own, and by which roles: the setting `organization`. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from lightkeeper.errors import InvalidValueError, as_json
from lightkeeper.json_objects import InvalidObjectError, ObjectReader, as_object, text, whole_number

ORGANIZATION_VARIABLE: Final = "LIGHTKEEPER_ORGANIZATION"
"""The environment variable of the functions that list the accounts and report on them: the setting, as JSON."""
MEMBER_ROLE_VARIABLE: Final = "LIGHTKEEPER_MEMBER_ROLE"
"""The environment variable with the name of the role that runs assume in each account."""
RESULTS_VARIABLE: Final = "LIGHTKEEPER_RESULTS"
"""The environment variable with the name of the bucket that runs write their results to."""
DEFAULT_CONCURRENCY: Final = 20
MAX_CONCURRENCY: Final = 1000
"""Accounts at a time: what Lambda runs side by side in an account, unless AWS has allowed more."""
_ROOT_OR_UNIT: Final = re.compile(r"r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_VIEWER: Final = "-viewer"
_OPERATOR: Final = "-operator"
_HUB: Final = "-hub"
_HUB_CALENDAR: Final = "-hub-calendar"
_MEMBER: Final = "-member"
# IAM takes 64, and the longest of our own endings must still fit.
_MAX_ROLE_ANYWHERE: Final = 64
_MAX_ROLE: Final = _MAX_ROLE_ANYWHERE - len(_OPERATOR)
_MAX_DEPLOYMENT: Final = _MAX_ROLE_ANYWHERE - len(_HUB_CALENDAR)
_MAX_DEFAULT_DEPLOYMENT: Final = _MAX_ROLE - len(_MEMBER)
# What STS takes as an external id.
_MIN_DEPLOYMENT: Final = 2
_ROLE: Final = re.compile(r"[A-Za-z0-9+=,.@_-]+")
_UNIT_EXPECTED: Final = 'the id of an organizational unit such as "ou-ab12-cd34ef56", or of the root, such as "r-ab12"'
_ACCOUNT_EXPECTED: Final = 'the id of an account: 12 digits in double quotes, such as "111122223333"'


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRoles:
    """The names of the roles that an account has for a deployment. Each wants the deployment's name as external id."""

    member: str
    """What a run assumes: it may do in that account what the function may do in its own."""
    viewer: str
    """What the calendar assumes: it reads."""
    operator: str
    """What people assume by `--account`: it may do what a run may, and restore."""

    @classmethod
    def of(cls, member: str) -> "MemberRoles":
        """Return the names of all three by that of the first."""
        return cls(member=member, viewer=member + _VIEWER, operator=member + _OPERATOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubRoles:
    """The names of the roles of the deployment's own functions, which the roles in each account let in.

    Fixed, and of no account's making: a role that is made again under the same name is let in again.
    """

    keeper: str
    """Of the function that takes and deletes snapshots."""
    calendar: str
    """Of the function that draws the recovery calendar."""

    @classmethod
    def of(cls, deployment: str) -> "HubRoles":
        """Return both names by that of the deployment."""
        return cls(keeper=deployment + _HUB, calendar=deployment + _HUB_CALENDAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """The accounts, either by their units or one by one, and how a run gets into them."""

    units: tuple[str, ...] = ()
    """Ids of organizational units or of the root: all accounts in them, and in the units within them."""
    accounts: tuple[str, ...] = ()
    """Ids."""
    excluded: tuple[str, ...] = ()
    """Ids of accounts that are left out."""
    role_name: str | None = None
    """Of the member role; None: by the deployment's name."""
    max_concurrency: int = DEFAULT_CONCURRENCY
    """How many accounts are looked after side by side."""

    @classmethod
    def from_mapping(cls, given: Mapping[str, object]) -> "Organization":
        """Return what the object says, as parsed JSON.

        Raises
        ------
        InvalidObjectError
            With a sentence for every wrong key and value.
        """
        read = ObjectReader(given)
        organization = cls(
            units=read.value("units", partial(_ids, pattern=_ROOT_OR_UNIT, expected=_UNIT_EXPECTED), ()),
            accounts=read.value("accounts", partial(_ids, pattern=_ACCOUNT, expected=_ACCOUNT_EXPECTED), ()),
            excluded=read.value("except", partial(_ids, pattern=_ACCOUNT, expected=_ACCOUNT_EXPECTED), ()),
            role_name=read.value("roleName", _role_name, None),
            max_concurrency=read.value(
                "maxConcurrency", partial(whole_number, most=MAX_CONCURRENCY), DEFAULT_CONCURRENCY
            ),
        )
        errors = read.errors()
        if "units" in given and "accounts" in given:
            errors.append('accounts: there are "units", too; expected one of the two')
        elif not errors and not (organization.units or organization.accounts):
            errors.append(
                'units: there are neither "units" nor "accounts"; expected one of the two, with an id or more'
            )
        errors.extend(
            f'except: "{account}" is one of "accounts", too; expected it in one of the two'
            for account in organization.excluded
            if account in organization.accounts
        )
        if errors:
            raise InvalidObjectError(errors)
        return organization

    @classmethod
    def from_json(cls, document: str) -> "Organization":
        """Return what `to_json` has written.

        Raises
        ------
        InvalidObjectError
            If it is anything else.
        """
        return cls.from_mapping(as_object(json.loads(document), "an object"))

    def to_mapping(self) -> dict[str, object]:
        """Return the object that `from_mapping` reads this from."""
        return {
            **({"units": [*self.units]} if self.units else {"accounts": [*self.accounts]}),
            **({"except": [*self.excluded]} if self.excluded else {}),
            **({"roleName": self.role_name} if self.role_name else {}),
            "maxConcurrency": self.max_concurrency,
        }

    def to_json(self) -> str:
        """Return the same as JSON."""
        return json.dumps(self.to_mapping(), separators=(",", ":"))

    def roles(self, deployment: str) -> MemberRoles:
        """Return the names of the roles in each account."""
        return MemberRoles.of(self.role_name or default_role_name(deployment))


def default_role_name(deployment: str) -> str:
    """Return the name of the member role where the settings name none: two deployments do not share one."""
    return deployment + _MEMBER


def role_arn(partition: str, account: str, name: str) -> str:
    """Return the ARN of a role."""
    return f"arn:{partition}:iam::{account}:role/{name}"


def wrong_deployment(deployment: str, organization: Organization) -> str | None:
    """Return why a deployment's name does not do for an organization, in words that follow it; None where it does."""
    if len(deployment) < _MIN_DEPLOYMENT:
        return f"is too short to be an external id; expected {_MIN_DEPLOYMENT} characters or more"
    if len(deployment) > _MAX_DEPLOYMENT:
        return (
            f'is too long for the name of a role, "{HubRoles.of(deployment).calendar}"; expected up to '
            f"{_MAX_DEPLOYMENT} characters"
        )
    if organization.role_name is None and len(deployment) > _MAX_DEFAULT_DEPLOYMENT:
        return (
            f'is too long for the name of a role, "{MemberRoles.of(default_role_name(deployment)).operator}"; expected '
            f'up to {_MAX_DEFAULT_DEPLOYMENT} characters, or "roleName" in "organization"'
        )
    return None


def account_id(value: object) -> str:
    """Return `value` if it is the id of an account, or raise `InvalidValueError` with what was expected."""
    return _id(value, pattern=_ACCOUNT, expected=_ACCOUNT_EXPECTED)


def wrong_role_name(name: str) -> str | None:
    """Return why a name cannot be that of the member role; None where it can."""
    if len(name) <= _MAX_ROLE and _ROLE.fullmatch(name):
        return None
    return f'"{name}" cannot be the name of the role; expected up to {_MAX_ROLE} letters, digits and + = , . @ _ -'


def _role_name(value: object) -> str:
    name = text(value)
    if why := wrong_role_name(name):
        raise InvalidValueError(why)
    return name


def _ids(value: object, *, pattern: re.Pattern[str], expected: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise InvalidValueError(f"{as_json(value)} is not a list; expected one of ids")
    return tuple(dict.fromkeys(_id(each, pattern=pattern, expected=expected) for each in value))


def _id(value: object, *, pattern: re.Pattern[str], expected: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise InvalidValueError(f"{as_json(value)} is not an id; expected {expected}")
    return value
