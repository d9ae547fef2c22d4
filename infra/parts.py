"""What there is to deploy beside the deployment itself, for the accounts that it looks after. Pure."""

from enum import StrEnum

from lightkeeper.errors import InvalidValueError
from lightkeeper.json_objects import one_of
from lightkeeper.organization import Organization


class Part(StrEnum):
    """The parts, as the CDK's context `part` names them; without one, it is the deployment itself."""

    MEMBERS = "members"
    """The StackSet that puts the roles into all accounts of units."""
    MEMBER = "member"
    """The roles of one account."""


def read_part(given: object) -> Part | None:
    """Return the part that a context names; None: none.

    Raises
    ------
    InvalidValueError
        If there is no such part.
    """
    try:
        return None if given is None else Part(one_of(given, Part))
    except InvalidValueError as error:
        raise InvalidValueError(f"part: {error}") from None


def organization_of(part: Part, organization: Organization | None) -> Organization:
    """Return the setting that a part is made of.

    Raises
    ------
    InvalidValueError
        If there is none, or none that such a part is for.
    """
    if organization is None:
        raise InvalidValueError(
            f'part: "{part}" is for other accounts, and the settings look after none; expected "organization" in '
            "them, or no part"
        )
    if part is Part.MEMBERS and not organization.units:
        raise InvalidValueError(
            'part: "members" is for all accounts of "units", and "organization" names "accounts"; expected each of '
            "them to get its roles by itself: run make deploy-member HUB=... with the credentials of that account, or "
            "paste there the template that make member-template writes"
        )
    return organization
