"""What an account takes to be looked after: three roles, and who is let in by them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks

from infra.member_stack import MemberStack
from infra.members_stack import MembersStack
from infra.parts import Part, organization_of, read_part
from infra.props import Props
from lightkeeper.errors import InvalidValueError
from lightkeeper.organization import Organization
from lightkeeper.version import VERSION
from tests.support.members import ACCOUNTS, HUB, MEMBER, ORGANIZATION, UNITS, policy, roles, template
from tests.support.synth import CALENDAR, KEEPER, lightsail_policy, only
from tests.support.synth import template as hub_template
from tests.support.trust import Caller, lets_in

pytestmark = pytest.mark.xdist_group("stack")
ROOT = Path(__file__).parents[2]
RUN, CALENDAR_RUN = f"arn:aws:iam::{HUB}:role/Lightkeeper-hub", f"arn:aws:iam::{HUB}:role/Lightkeeper-hub-calendar"
MEMBER_ROLE, VIEWER, OPERATOR = "Lightkeeper-member", "Lightkeeper-member-viewer", "Lightkeeper-member-operator"
PERSON = f"arn:aws:iam::{HUB}:user/ops"
COPIES = {"eu-north-1": {"schedule": "0 5 * * *", "keep": "daily=7"}}
# What CloudFormation, and a StackSet, take as text; what IAM takes: all policies of a role together, and its trust.
MAX_TEMPLATE_BYTES, MAX_POLICIES, MAX_TRUST = 51_200, 10_240, 2_048


def made_with(**keys: object) -> tuple[Props, Organization]:
    props = Props.from_document({"lightkeeper": keys})
    assert props.own.organization is not None
    return props, props.own.organization


def members(**organization: object) -> dict[str, Any]:
    """Return the template of the stack with the StackSet."""
    props, setting = made_with(organization={**UNITS, **organization})
    stack = MembersStack(App(), "Lightkeeper-members", props=props, organization=setting)
    return dict(Template.from_stack(stack).to_json())


# Who is let in


@pytest.mark.parametrize(
    ("organization", "organization_id", "expected"),
    [
        (UNITS, ORGANIZATION, {"sts:ExternalId": "Lightkeeper", "aws:PrincipalOrgID": ORGANIZATION}),
        (ACCOUNTS, ORGANIZATION, {"sts:ExternalId": "Lightkeeper", "aws:PrincipalOrgID": ORGANIZATION}),
        (ACCOUNTS, "", {"sts:ExternalId": "Lightkeeper"}),
    ],
    ids=["units", "accounts", "accounts-of-any-organization"],
)
def test_each_role_trusts_the_hub_under_conditions_and_nobody_else(
    organization: object, organization_id: str, expected: dict[str, str]
) -> None:
    trusts = {
        name: role["AssumeRolePolicyDocument"]["Statement"]
        for name, role in roles(template(organization), organization_id=organization_id).items()
    }

    hub = {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}}
    assert trusts == {
        MEMBER_ROLE: [
            {**hub, "Condition": {"StringEquals": expected, "ArnEquals": {"aws:PrincipalArn": RUN}}},
        ],
        VIEWER: [
            {**hub, "Condition": {"StringEquals": expected, "ArnEquals": {"aws:PrincipalArn": CALENDAR_RUN}}},
        ],
        OPERATOR: [{**hub, "Condition": {"StringEquals": expected}}],
    }
    assert "*" not in json.dumps(trusts)


@pytest.mark.parametrize(
    ("who", "organization", "external_id", "in_by"),
    [
        (RUN, ORGANIZATION, "Lightkeeper", {MEMBER_ROLE, OPERATOR}),
        (CALENDAR_RUN, ORGANIZATION, "Lightkeeper", {VIEWER, OPERATOR}),
        (PERSON, ORGANIZATION, "Lightkeeper", {OPERATOR}),
        (RUN, ORGANIZATION, "Night-Shift", set()),
        (RUN, ORGANIZATION, None, set()),
        (RUN, "o-another00000", "Lightkeeper", set()),
        (RUN, None, "Lightkeeper", set()),
        (f"arn:aws:iam::{HUB}:role/Lightkeeper-hubcap", ORGANIZATION, "Lightkeeper", {OPERATOR}),
        ("arn:aws:iam::222222222222:role/Lightkeeper-hub", ORGANIZATION, "Lightkeeper", set()),
        (f"arn:aws:iam::{MEMBER}:role/Lightkeeper-hub", ORGANIZATION, "Lightkeeper", set()),
        (f"arn:aws:iam::{MEMBER}:user/somebody", ORGANIZATION, "Lightkeeper", set()),
    ],
)
def test_who_comes_in_by_which_role(
    who: str, organization: str | None, external_id: str | None, in_by: set[str]
) -> None:
    found = roles(template())

    let_in = {
        name
        for name, role in found.items()
        if lets_in(role["AssumeRolePolicyDocument"], Caller(who, organization), external_id)
    }
    assert let_in == in_by


def test_a_deployment_of_another_name_has_other_roles_in_the_same_account_and_comes_in_by_its_own_name() -> None:
    found = roles(template(deployment="Night-Shift"))

    assert set(found) == {"Night-Shift-member", "Night-Shift-member-viewer", "Night-Shift-member-operator"}
    night = Caller(f"arn:aws:iam::{HUB}:role/Night-Shift-hub", ORGANIZATION)
    assert lets_in(found["Night-Shift-member"]["AssumeRolePolicyDocument"], night, "Night-Shift")
    assert not lets_in(
        found["Night-Shift-member"]["AssumeRolePolicyDocument"], Caller(RUN, ORGANIZATION), "Night-Shift"
    )


def test_a_name_of_one_s_own_is_that_of_all_three_and_changes_nobody_who_comes_in() -> None:
    found = roles(template({**UNITS, "roleName": "Backups"}))

    assert set(found) == {"Backups", "Backups-viewer", "Backups-operator"}
    assert lets_in(found["Backups"]["AssumeRolePolicyDocument"], Caller(RUN, ORGANIZATION), "Lightkeeper")


# What they may do


@pytest.mark.parametrize(
    "keys",
    [{}, {"tagKey": "save", "deployment": "Night-Shift"}, {"tagOnCreate": False}, {"copies": COPIES}],
    ids=["default", "named", "strict", "copies"],
)
def test_a_run_may_do_in_another_account_what_the_function_may_in_its_own_and_so_may_the_calendar(
    keys: dict[str, object],
) -> None:
    name = f"{keys.get('deployment', 'Lightkeeper')}-member"
    found, hub = roles(template(**keys)), hub_template(**keys)

    assert policy(found[name]) == lightsail_policy(hub, KEEPER)
    assert policy(found[f"{name}-viewer"]) == lightsail_policy(hub, CALENDAR)


@pytest.mark.parametrize("keys", [{}, {"copies": COPIES}], ids=["default", "copies"])
def test_people_may_do_what_a_run_may_and_restore_and_rescue(keys: dict[str, object]) -> None:
    found = roles(template(**keys))

    run, restore, rescue = found[OPERATOR]["Policies"]
    assert run["PolicyDocument"] == lightsail_policy(hub_template(**keys))
    assert [each["Sid"] for each in restore["PolicyDocument"]["Statement"]] == [
        "Read",
        "RestoreLightkeepersSnapshots",
        "TagWhatIsMade",
        "FinishWhatIsMade",
        "NoteTheEnd",
        "MoveAddresses",
    ]
    assert [each["Sid"] for each in rescue["PolicyDocument"]["Statement"]] == [
        "ReadForARescue",
        "CopyAutomaticSnapshots",
        "TagWhatIsRescued",
    ]
    for of_people in (restore, rescue):
        assert f":{MEMBER}:DiskSnapshot/*" in json.dumps(of_people), "of its own account alone"


def test_there_is_nothing_but_roles_for_lightsail() -> None:
    of = template()

    assert [each["Type"] for each in of["Resources"].values()] == ["AWS::IAM::Role"] * 3
    for role in roles(of).values():
        assert "ManagedPolicyArns" not in role
        for statement in policy(role)["Statement"]:
            given = statement["Action"]
            assert all(each.startswith("lightsail:") for each in ([given] if isinstance(given, str) else given))
            assert statement["Effect"] == "Allow"


# The template


def test_it_asks_for_the_hub_and_where_units_are_looked_after_for_the_organization() -> None:
    given = template()["Parameters"]

    assert set(given) == {"HubAccount", "OrganizationId"}
    assert all("Default" not in each for each in given.values())
    assert given["HubAccount"]["AllowedPattern"] == "[0-9]{12}"
    assert given["OrganizationId"]["AllowedPattern"] == "o-[a-z0-9]{10,32}"
    of_accounts = template(ACCOUNTS)["Parameters"]["OrganizationId"]
    assert (of_accounts["Default"], of_accounts["AllowedPattern"]) == ("", "(o-[a-z0-9]{10,32})?")
    for each in (*given.values(), of_accounts):
        assert each["Description"]
        assert ": expected the id of an " in each["ConstraintDescription"]


def test_it_says_what_it_is_and_needs_neither_bootstrap_nor_bucket() -> None:
    of = template()
    words = json.dumps(of).lower()

    assert of["Description"].startswith(f"Lightkeeper {VERSION}: ")
    assert {name: each["Value"] for name, each in of["Outputs"].items()} == {
        "Version": VERSION,
        "MemberRole": MEMBER_ROLE,
        "ViewerRole": VIEWER,
        "OperatorRole": OPERATOR,
    }
    assert set(of) == {"AWSTemplateFormatVersion", "Description", "Parameters", "Resources", "Outputs"}
    assert "cdk" not in words
    assert "s3" not in words


def test_it_and_what_iam_makes_of_it_are_small_enough_with_the_longest_names() -> None:
    of = template(
        {**UNITS, "roleName": "r" * 55},
        deployment="D" * 51,
        tagKey="k" * 123,
        copies=COPIES,
        tags={f"{number}{'t' * 127}": "v" * 256 for number in range(10)},
    )

    assert len(json.dumps(of, separators=(",", ":"))) < MAX_TEMPLATE_BYTES
    for name, role in roles(of).items():
        documents = [each["PolicyDocument"] for each in role["Policies"]]
        assert sum(len(json.dumps(each, separators=(",", ":"))) for each in documents) < MAX_POLICIES, name
        assert len(json.dumps(role["AssumeRolePolicyDocument"], separators=(",", ":"))) < MAX_TRUST
        assert len(name) <= 64
        assert len(role["Description"]) < 1000


def test_its_roles_have_the_tags_of_the_settings() -> None:
    for role in roles(template(tags={"cost-centre": "backup"})).values():
        assert role["Tags"] == [{"Key": "cost-centre", "Value": "backup"}]


@pytest.mark.parametrize("organization", [UNITS, ACCOUNTS], ids=["units", "accounts"])
def test_cfn_lint_has_nothing_to_say(tmp_path: Path, organization: object) -> None:
    path = tmp_path / "template.json"
    path.write_text(json.dumps(template(organization)), encoding="utf-8")
    command = [str(Path(sys.executable).parent / "cfn-lint"), "--template", str(path)]

    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own arguments

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("part", [MemberStack, MembersStack])
@pytest.mark.parametrize("organization", [UNITS, {**ACCOUNTS, "roleName": "Backups"}], ids=["units", "accounts"])
def test_cdk_nag_has_nothing_to_say(part: type[MemberStack | MembersStack], organization: object) -> None:
    props, setting = made_with(organization=organization)
    app = App()
    part(app, "Part", props=props, organization=setting)

    report = AwsSolutionsChecks(app).validate_scope(app)

    assert [violation.rule_name for violation in report.violations] == []


# The StackSet


def test_the_stackset_puts_the_template_into_all_accounts_of_the_units_and_into_those_that_join() -> None:
    of = members(units=["ou-ab12-cd34ef56", "r-ab12"])
    stack_set = only(of, "AWS::CloudFormation::StackSet")

    assert json.loads(stack_set["TemplateBody"]) == template()
    assert len(stack_set["TemplateBody"]) < MAX_TEMPLATE_BYTES
    assert stack_set["PermissionModel"] == "SERVICE_MANAGED"
    assert stack_set["AutoDeployment"] == {"Enabled": True, "RetainStacksOnAccountRemoval": False}
    assert stack_set["Capabilities"] == ["CAPABILITY_NAMED_IAM"]
    assert stack_set["ManagedExecution"] == {"Active": True}
    assert stack_set["StackInstancesGroup"] == [
        {
            "DeploymentTargets": {"OrganizationalUnitIds": ["ou-ab12-cd34ef56", "r-ab12"]},
            "Regions": [{"Ref": "AWS::Region"}],
        }
    ]
    assert {each["ParameterKey"]: each["ParameterValue"] for each in stack_set["Parameters"]} == {
        name: {"Ref": name} for name in template()["Parameters"]
    }
    assert [each["Type"] for each in of["Resources"].values()] == ["AWS::CloudFormation::StackSet"]


def test_an_account_that_cannot_take_it_does_not_stop_the_others() -> None:
    preferences = only(members(), "AWS::CloudFormation::StackSet")["OperationPreferences"]

    assert preferences == {"FailureTolerancePercentage": 100, "MaxConcurrentPercentage": 25}


def test_excepted_accounts_of_the_units_are_left_out() -> None:
    stack_set = only(members(**{"except": [MEMBER]}), "AWS::CloudFormation::StackSet")

    (group,) = stack_set["StackInstancesGroup"]
    assert group["DeploymentTargets"] == {
        "OrganizationalUnitIds": UNITS["units"],
        "Accounts": [MEMBER],
        "AccountFilterType": "DIFFERENCE",
    }


def test_it_stands_in_the_management_account_or_in_one_that_acts_for_it() -> None:
    of = members()

    assert of["Parameters"]["CallAs"]["AllowedValues"] == ["SELF", "DELEGATED_ADMIN"]
    assert of["Parameters"]["CallAs"]["Default"] == "SELF"
    assert only(of, "AWS::CloudFormation::StackSet")["CallAs"] == {"Ref": "CallAs"}
    for name in ("HubAccount", "OrganizationId"):
        assert of["Parameters"][name]["AllowedPattern"] == template()["Parameters"][name]["AllowedPattern"]
        assert "Default" not in of["Parameters"][name]


def test_the_stackset_cannot_be_deleted_by_a_slip_and_the_roles_of_one_account_can() -> None:
    props, organization = made_with(organization=UNITS)
    app = App()

    assert MembersStack(app, "Members", props=props, organization=organization).termination_protection is True
    assert not MemberStack(app, "Member", props=props, organization=organization).termination_protection


def test_the_stackset_gives_its_tags_to_what_it_makes() -> None:
    props, organization = made_with(organization=UNITS, tags={"cost-centre": "backup"})
    of = dict(Template.from_stack(MembersStack(App(), "M", props=props, organization=organization)).to_json())

    stack_set = only(of, "AWS::CloudFormation::StackSet")
    assert stack_set["Tags"] == [{"Key": "cost-centre", "Value": "backup"}]


# Which part


def synth(tmp_path: Path, settings: object, *context: str) -> tuple[list[str], str]:
    """Run app.py as the CDK does; return the stacks, and what it said."""
    config = tmp_path / "settings.json"
    config.write_text(json.dumps(settings), encoding="utf-8")
    given = {"config": str(config), "aws:cdk:bundling-stacks": []} | dict(each.split("=") for each in context)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(  # noqa: S603 - our own arguments
        [sys.executable, str(ROOT / "app.py")],
        cwd=ROOT,
        env=kept | {"CDK_OUTDIR": str(tmp_path / "cdk.out"), "CDK_CONTEXT_JSON": json.dumps(given)},
        check=False,
        capture_output=True,
        text=True,
    )
    stacks = sorted(path.name.removesuffix(".template.json") for path in tmp_path.glob("cdk.out/*.template.json"))
    assert (done.returncode == 0) is bool(stacks), done.stderr
    return stacks, done.stderr.splitlines()[-1] if done.returncode else ""


@pytest.mark.parametrize(
    ("part", "expected"), [("member", ["Night-Shift-member"]), ("members", ["Night-Shift-members"])]
)
def test_a_part_is_a_stack_of_its_own(tmp_path: Path, part: str, expected: list[str]) -> None:
    stacks, _ = synth(tmp_path, {"deployment": "Night-Shift", "organization": UNITS}, f"part={part}")

    assert stacks == expected


@pytest.mark.parametrize(
    ("settings", "part", "sentence"),
    [
        (
            {"organization": UNITS},
            "membr",
            'part: "membr" is not known; expected one of "members", "member"; did you mean "member"?',
        ),
        (
            {},
            "member",
            (
                'part: "member" is for other accounts, and the settings look after none; expected "organization" in '
                "them, or no part"
            ),
        ),
        (
            {"organization": ACCOUNTS},
            "members",
            (
                'part: "members" is for all accounts of "units", and "organization" names "accounts"; expected each '
                "of them to get its roles by itself: run make deploy-member HUB=... with the credentials of that "
                "account, or paste there the template that make member-template writes"
            ),
        ),
    ],
)
def test_a_part_that_cannot_be_ends_it_with_a_sentence(
    tmp_path: Path, settings: object, part: str, sentence: str
) -> None:
    assert synth(tmp_path, settings, f"part={part}") == ([], sentence)


def test_parts_are_read_as_they_are_written() -> None:
    props, organization = made_with(organization=ACCOUNTS)

    assert [read_part(given) for given in (None, "member", "members")] == [None, Part.MEMBER, Part.MEMBERS]
    assert organization_of(Part.MEMBER, organization) is organization
    assert props.own.organization is organization
    with pytest.raises(InvalidValueError, match="part: 3 is not text"):
        read_part(3)
