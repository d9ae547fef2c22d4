"""The setting `organization`: what is understood, and how what is wrong is answered."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.errors import InvalidValueError
from lightkeeper.json_objects import InvalidObjectError
from lightkeeper.organization import (
    DEFAULT_CONCURRENCY,
    HubRoles,
    MemberRoles,
    Organization,
    account_id,
    default_role_name,
    role_arn,
    wrong_deployment,
)
from lightkeeper.settings import StackSettings

UNIT, ROOT = "ou-ab12-cd34ef56", "r-ab12"
SHOP, CLINIC = "111122223333", "444455556666"
accounts = st.from_regex(r"[0-9]{12}", fullmatch=True)
units = st.from_regex(r"r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}", fullmatch=True)


def errors_of(given: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(InvalidObjectError) as caught:
        Organization.from_mapping(given)
    return caught.value.errors


def error_of(given: dict[str, Any]) -> str:
    (error,) = errors_of(given)
    return error


def test_units_or_accounts_are_all_that_is_needed() -> None:
    assert Organization.from_mapping({"units": [UNIT, ROOT]}) == Organization(
        units=(UNIT, ROOT), max_concurrency=DEFAULT_CONCURRENCY
    )
    assert Organization.from_mapping({"accounts": [SHOP]}) == Organization(accounts=(SHOP,))


def test_all_that_may_be_said() -> None:
    given = {"units": [UNIT], "except": [SHOP], "roleName": "Backups", "maxConcurrency": 7}

    organization = Organization.from_mapping(given)

    assert organization == Organization(units=(UNIT,), excluded=(SHOP,), role_name="Backups", max_concurrency=7)
    assert organization.to_mapping() == given


def test_what_is_said_twice_counts_once_in_its_order() -> None:
    assert Organization.from_mapping({"accounts": [CLINIC, SHOP, CLINIC]}).accounts == (CLINIC, SHOP)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, 'units: there are neither "units" nor "accounts"; expected one of the two, with an id or more'),
        ({"units": []}, 'units: there are neither "units" nor "accounts"; expected one of the two, with an id or more'),
        ({"units": [UNIT], "accounts": []}, 'accounts: there are "units", too; expected one of the two'),
        ({"units": UNIT}, f'units: "{UNIT}" is not a list; expected one of ids'),
        (
            {"units": ["ou-1"]},
            (
                'units: "ou-1" is not an id; expected the id of an organizational unit such as "ou-ab12-cd34ef56", or '
                'of the root, such as "r-ab12"'
            ),
        ),
        ({"units": [SHOP]}, f'units: "{SHOP}" is not an id; expected the id of an organizational unit such as '),
        (
            {"accounts": [111122223333]},
            (
                "accounts: 111122223333 is not an id; expected the id of an account: 12 digits in double quotes, such "
                'as "111122223333"'
            ),
        ),
        ({"accounts": ["1111-2222-3333"]}, 'accounts: "1111-2222-3333" is not an id; expected the id of an account'),
        ({"accounts": ["١١١١٢٢٢٢٣٣٣٣"]}, "is not an id; expected the id of an account"),
        ({"units": [UNIT], "except": [None]}, "except: null is not an id; expected the id of an account"),
        (
            {"accounts": [SHOP, CLINIC], "except": [SHOP]},
            f'except: "{SHOP}" is one of "accounts", too; expected it in one of the two',
        ),
        (
            {"units": [UNIT], "roleName": "a/b"},
            'roleName: "a/b" cannot be the name of the role; expected up to 55 letters, digits and + = , . @ _ -',
        ),
        ({"units": [UNIT], "roleName": "a" * 56}, "cannot be the name of the role; expected up to 55 letters"),
        ({"units": [UNIT], "roleName": ""}, 'roleName: "" cannot be the name of the role'),
        ({"units": [UNIT], "roleName": None}, "roleName: null is not text"),
        ({"units": [UNIT], "maxConcurrency": 0}, "maxConcurrency: 0 is not a whole number from 1 to 1000"),
        ({"units": [UNIT], "maxConcurrency": 1001}, "maxConcurrency: 1001 is not a whole number from 1 to 1000"),
        ({"units": [UNIT], "excluded": []}, 'excluded: unknown key; expected one of "units", "accounts", "except"'),
        ({"unit": [UNIT], "units": [UNIT]}, 'unit: unknown key; .*; did you mean "units"?'),
    ],
)
def test_a_wrong_value_is_answered_with_one_sentence(given: dict[str, Any], sentence: str) -> None:
    before, _, after = sentence.partition(".*")
    error = error_of(given)

    assert before in error
    assert error.endswith(after)


def test_everything_that_is_wrong_is_said_at_once_and_nothing_that_follows_from_it() -> None:
    assert [error.partition(":")[0] for error in errors_of({"units": ["x"], "except": ["y"], "roleName": "/"})] == [
        "units",
        "except",
        "roleName",
    ]


def test_the_settings_name_where_it_is_wrong() -> None:
    with pytest.raises(InvalidObjectError, match=r'^organization\.units: "x" is not an id'):
        StackSettings.from_mapping({"organization": {"units": ["x"]}})
    with pytest.raises(
        InvalidObjectError, match=r'^organization: \[\] is not an object; expected one such as \{"units'
    ):
        StackSettings.from_mapping({"organization": []})
    assert StackSettings.from_mapping({"organization": None}).organization is None


@given(
    st.builds(
        Organization,
        units=st.lists(units, min_size=1, unique=True).map(tuple),
        excluded=st.lists(accounts, unique=True).map(tuple),
        role_name=st.none() | st.from_regex(r"[A-Za-z0-9+=,.@_-]{1,55}", fullmatch=True),
        max_concurrency=st.integers(1, 1000),
    )
    | st.builds(Organization, accounts=st.lists(accounts, min_size=1, unique=True).map(tuple))
)
def test_what_is_written_is_read_again(organization: Organization) -> None:
    assert Organization.from_json(organization.to_json()) == organization
    assert Organization.from_mapping(organization.to_mapping()) == organization


def test_json_that_is_no_object_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"^\[\] is not an object$"):
        Organization.from_json("[]")


def test_the_roles_are_named_after_the_deployment_unless_the_settings_name_them() -> None:
    assert Organization(units=(UNIT,)).roles("Night-Shift") == MemberRoles(
        member="Night-Shift-member", viewer="Night-Shift-member-viewer", operator="Night-Shift-member-operator"
    )
    assert Organization(units=(UNIT,), role_name="Backups").roles("Night-Shift").operator == "Backups-operator"
    assert HubRoles.of("Night-Shift") == HubRoles(keeper="Night-Shift-hub", calendar="Night-Shift-hub-calendar")


@pytest.mark.parametrize("length", [48, 49, 51, 52])
@pytest.mark.parametrize("role", [None, "R" * 55])
def test_a_name_that_is_accepted_makes_roles_that_iam_takes(length: int, role: str | None) -> None:
    deployment, organization = "L" * length, Organization(units=(UNIT,), role_name=role)
    hub, roles = HubRoles.of(deployment), organization.roles(deployment)
    fits = all(len(name) <= 64 for name in (hub.keeper, hub.calendar, roles.member, roles.viewer, roles.operator))

    assert (wrong_deployment(deployment, organization) is None) is fits


def test_a_role_is_of_a_partition_and_an_account() -> None:
    assert role_arn("aws-cn", SHOP, default_role_name("Night-Shift")) == (
        f"arn:aws-cn:iam::{SHOP}:role/Night-Shift-member"
    )


def test_an_account_is_twelve_digits() -> None:
    assert account_id(SHOP) == SHOP
    for wrong in (SHOP[:-1], SHOP + "4", "", f"{SHOP}\n", int(SHOP), None):
        with pytest.raises(InvalidValueError, match="is not an id; expected the id of an account: 12 digits"):
            account_id(wrong)


def test_the_setting_is_one_line_of_json() -> None:
    assert json.loads(Organization(accounts=(SHOP,)).to_json()) == {"accounts": [SHOP], "maxConcurrency": 20}
