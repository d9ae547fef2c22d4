"""What the parts for other accounts are deployed with, asked of a local Organizations and CloudFormation."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from infra.parameters import main
from tests.support.organizations import Organizations, local_organizations

pytestmark = pytest.mark.xdist_group("stack")
ROOT = Path(__file__).parents[2]
MANAGEMENT, STRANGER = "111111111111", "999999999999"
UNITS, ACCOUNTS = {"units": ["ou-ab12-cd34ef56"]}, {"accounts": ["222222222222"]}
ORGANIZATION = "o-a1b2c3d4e5"
SHOP = "customers/shop.json"
DEPLOY = "cdk deploy --require-approval never"
FOUND = f"--parameters HubAccount={STRANGER}"


@pytest.fixture
def aws() -> Iterator[Organizations]:
    with local_organizations() as organizations:
        yield organizations


class Asking:
    """Somebody who asks, with the credentials of an account."""

    def __init__(
        self, aws: Organizations, folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.aws, self._folder, self._patch, self._capsys = aws, folder, patch, capsys
        asked = aws.ask(MANAGEMENT, "organizations", "create_organization", FeatureSet="ALL")
        self.organization = asked["Organization"]["Id"]
        unit = aws.add_unit(MANAGEMENT, "customers", aws.root(MANAGEMENT))
        self.member = aws.add_account(MANAGEMENT, "shop", unit)

    def answer(self, account: str, organization: object, *arguments: str) -> str:
        """Return the options that are printed."""
        config = self._folder / "settings.json"
        config.write_text(json.dumps({"organization": organization}), encoding="utf-8")
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            self._patch.delenv(name)
        for name, value in self.aws.environment(account).items():
            self._patch.setenv(name, value)
        with redirect_stdout(StringIO()) as printed:
            main(*arguments, "--config", str(config))
        return printed.getvalue()

    def refusal(self, account: str, organization: object, *arguments: str) -> str:
        """Return the sentence that it ends with."""
        with pytest.raises(SystemExit) as ended:
            self.answer(account, organization, *arguments)
        return str(ended.value.code)


@pytest.fixture
def asking(
    aws: Organizations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Asking:
    return Asking(aws, tmp_path, monkeypatch, capsys)


def options(**values: str) -> str:
    return " ".join(f"--parameters {name}={value}" for name, value in values.items()) + "\n"


# For all accounts


def test_the_management_account_deploys_as_itself(asking: Asking) -> None:
    assert asking.answer(MANAGEMENT, UNITS, "members") == options(
        HubAccount=MANAGEMENT, OrganizationId=asking.organization, CallAs="SELF"
    )


def test_an_account_that_acts_for_it_deploys_as_such(asking: Asking) -> None:
    asking.aws.services.delegates.add(asking.member)

    assert asking.answer(asking.member, UNITS, "members") == options(
        HubAccount=asking.member, OrganizationId=asking.organization, CallAs="DELEGATED_ADMIN"
    )


def test_the_management_account_deploys_for_a_hub_elsewhere(asking: Asking) -> None:
    found = asking.answer(MANAGEMENT, UNITS, "members", "--hub", asking.member)

    assert found == options(HubAccount=asking.member, OrganizationId=asking.organization, CallAs="SELF")


def test_an_account_that_may_not_act_for_it_is_told_what_to_run_where(asking: Asking) -> None:
    assert asking.refusal(asking.member, UNITS, "members") == (
        f"account {asking.member} may not deploy into the others of {asking.organization} (Account used is not a "
        "delegated administrator); expected permission for organizations:ListDelegatedAdministrators, and in the "
        f"management account {MANAGEMENT}: aws organizations register-delegated-administrator --account-id "
        f"{asking.member} --service-principal member.org.stacksets.cloudformation.amazonaws.com"
    )


@pytest.mark.parametrize("access", ["DISABLED", "DISABLED_PERMANENTLY"])
def test_without_trusted_access_it_is_said_how_to_give_it(asking: Asking, access: str) -> None:
    asking.aws.services.access = access

    assert asking.refusal(MANAGEMENT, UNITS, "members") == (
        f"StackSets have no access to the accounts of {asking.organization} ({access}); expected in its management "
        f"account {MANAGEMENT}: aws cloudformation activate-organizations-access"
    )


def test_an_account_of_no_organization_has_no_units(asking: Asking) -> None:
    assert asking.refusal(STRANGER, UNITS, "members") == (
        f'account {STRANGER} belongs to no organization, and "organization" has "units"; expected the credentials of '
        'an account that does, or "accounts" in their place'
    )


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("DescribeOrganization", "organizations:DescribeOrganization"),
        ("DescribeOrganizationsAccess", "cloudformation:DescribeOrganizationsAccess"),
    ],
)
def test_a_refusal_names_the_permission(asking: Asking, operation: str, permission: str) -> None:
    asking.aws.services.refused.add(operation)

    refusal = asking.refusal(MANAGEMENT, UNITS, "members")

    assert refusal.startswith(f"{operation}: AccessDenied")
    assert refusal.endswith(f"; expected permission for {permission}")


def test_accounts_one_by_one_get_theirs_otherwise(asking: Asking) -> None:
    assert asking.refusal(MANAGEMENT, ACCOUNTS, "members").startswith('part: "members" is for all accounts of "units"')


# For one account


def test_an_account_of_units_is_of_the_hub_s_organization(asking: Asking) -> None:
    assert asking.answer(asking.member, UNITS, "member", "--hub", MANAGEMENT) == options(
        HubAccount=MANAGEMENT, OrganizationId=asking.organization
    )


def test_an_account_by_itself_may_be_of_another_organization_and_that_is_not_asked_for(
    asking: Asking,
) -> None:
    found = asking.answer(asking.member, ACCOUNTS, "member", "--hub", MANAGEMENT)
    named = asking.answer(asking.member, ACCOUNTS, "member", "--hub", MANAGEMENT, "--organization", ORGANIZATION)

    assert found == options(HubAccount=MANAGEMENT, OrganizationId="")
    assert named == options(HubAccount=MANAGEMENT, OrganizationId=ORGANIZATION)


@pytest.mark.parametrize("hub", [(), ("--hub", MANAGEMENT)])
def test_the_hub_itself_needs_no_roles(asking: Asking, hub: tuple[str, ...]) -> None:
    assert asking.refusal(MANAGEMENT, UNITS, "member", *hub) == (
        f"HUB: the account of these credentials is {MANAGEMENT}, and gets the roles; expected HUB= with the account "
        "of the deployment, which needs none"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--hub", "1234"), 'HUB: "1234" is not the id of an account; expected its 12 digits'),
        (
            ("--hub", MANAGEMENT, "--organization", "shop"),
            'ORGANIZATION: "shop" is not the id of an organization; expected one such as o-a1b2c3d4e5',
        ),
    ],
)
def test_a_wrong_id_is_refused_before_anything_is_asked(
    asking: Asking, arguments: tuple[str, ...], sentence: str
) -> None:
    assert asking.refusal(STRANGER, ACCOUNTS, "member", *arguments) == sentence


def test_without_an_organization_in_the_settings_there_is_nothing_to_let_in(asking: Asking) -> None:
    assert asking.refusal(MANAGEMENT, None, "member", "--hub", STRANGER).startswith(
        'part: "member" is for other accounts'
    )


# make


def make(folder: Path, target: str, *variables: str, found: bool = True) -> tuple[list[str], int]:
    """Run make with programs that only write down how they were called; return that, and how it ended."""
    calls = folder / "calls"
    calls.touch()
    programs = {
        "python": f'echo "$*" >> {calls}; test {int(found)} = 1 || exit 1; echo {FOUND}',
        "cdk": f'echo "cdk $*" >> {calls}',
    }
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    ready = ["--assume-old=.venv/ready", "--assume-old=node_modules/ready"]
    done = subprocess.run(  # noqa: S603 - our own arguments
        ["make", "--silent", *ready, target, *variables, f"BIN={folder}", f"CDK={folder / 'cdk'}"],  # noqa: S607 - whichever there is
        cwd=ROOT,
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    return calls.read_text(encoding="utf-8").splitlines(), done.returncode


def test_a_part_is_deployed_with_what_was_found(tmp_path: Path) -> None:
    variables = ("YES=1", f"HUB={STRANGER}", f"ORGANIZATION={ORGANIZATION}", f"CONFIG={SHOP}")

    assert make(tmp_path, "deploy-member", *variables) == (
        [
            f"-m infra.parameters member --config {SHOP} --hub {STRANGER} --organization {ORGANIZATION}",
            f"{DEPLOY} --context part=member {FOUND} --context config={SHOP} --output cdk.out/customers-shop",
        ],
        0,
    )
    assert make(tmp_path, "deploy-members", "YES=1")[0][2:] == [
        "-m infra.parameters members",
        f"{DEPLOY} --context part=members {FOUND}",
    ]


@pytest.mark.parametrize("target", ["deploy-member", "deploy-members"])
def test_where_nothing_was_found_or_nobody_can_be_asked_nothing_is_deployed(tmp_path: Path, target: str) -> None:
    calls, ended = make(tmp_path, target, "YES=1", found=False)
    assert (len(calls), ended != 0) == (1, True)

    unasked, refused = make(tmp_path, target)
    assert (unasked, refused != 0) == (calls, True)
