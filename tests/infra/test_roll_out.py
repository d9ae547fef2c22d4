"""The StackSet in a local CloudFormation: which accounts get the roles, and whom these let in there.

That one joins later and gets them by itself is AWS's to do: here the same operation is asked for again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from infra.members_stack import MembersStack
from infra.props import Props
from tests.support.formation import Formation
from tests.support.organizations import REGION, Organizations, local_organizations
from tests.support.synth import only
from tests.support.trust import Caller, lets_in

pytestmark = pytest.mark.xdist_group("stack")
HUB = "111111111111"
ROLES = {"Lightkeeper-member", "Lightkeeper-member-viewer", "Lightkeeper-member-operator"}


@dataclass(frozen=True)
class RollOut:
    """An organization whose management account has the deployment."""

    aws: Organizations
    organization: str
    unit: str
    accounts: tuple[str, str]
    """In the unit, and in a unit within it."""
    elsewhere: str
    """An account in another unit."""
    stack_set: dict[str, Any]
    """The properties of the StackSet, as they are once the stack is deployed."""

    def deploy(self) -> None:
        """Do what CloudFormation does for the resource, or for an account that joins."""
        given = {
            name: self.stack_set[name]
            for name in ("TemplateBody", "PermissionModel", "AutoDeployment", "Capabilities", "Parameters", "CallAs")
        }
        name = self.stack_set["StackSetName"]
        if not self.aws.ask(HUB, "cloudformation", "list_stack_sets")["Summaries"]:
            self.aws.ask(HUB, "cloudformation", "create_stack_set", StackSetName=name, **given)
        for group in self.stack_set["StackInstancesGroup"]:
            targets, regions = group["DeploymentTargets"], group["Regions"]
            asked = {"StackSetName": name, "DeploymentTargets": targets, "Regions": regions}
            self.aws.ask(HUB, "cloudformation", "create_stack_instances", **asked)

    def roles(self, account: str) -> dict[str, Any]:
        """Return the trust policies of an account's roles for the deployment, by name."""
        listed = self.aws.ask(account, "iam", "list_roles")["Roles"]
        return {
            role["RoleName"]: role["AssumeRolePolicyDocument"]
            for role in listed
            if role["RoleName"].startswith("Lightkeeper")
        }


@pytest.fixture
def roll_out() -> Iterator[RollOut]:
    with local_organizations() as aws:
        organization = aws.ask(HUB, "organizations", "create_organization", FeatureSet="ALL")["Organization"]["Id"]
        unit = aws.add_unit(HUB, "customers", aws.root(HUB))
        accounts = (
            aws.add_account(HUB, "shop", unit),
            aws.add_account(HUB, "blog", aws.add_unit(HUB, "small", unit)),
        )
        elsewhere = aws.add_account(HUB, "own", aws.add_unit(HUB, "staff", aws.root(HUB)))
        props = Props.from_document({"lightkeeper": {"organization": {"units": [unit]}}})
        assert props.own.organization is not None
        stack = MembersStack(App(), "Lightkeeper-members", props=props, organization=props.own.organization)
        of = dict(Template.from_stack(stack).to_json())
        known = {"HubAccount": HUB, "OrganizationId": organization, "CallAs": "SELF", "AWS::Region": REGION}
        (made,) = Formation(of, known, "", {}).resources().values()
        assert made["Properties"].keys() == only(of, "AWS::CloudFormation::StackSet").keys()
        yield RollOut(aws, organization, unit, accounts, elsewhere, made["Properties"])


def test_all_accounts_of_the_units_get_the_roles_and_no_other(roll_out: RollOut) -> None:
    roll_out.deploy()

    assert {account: set(roll_out.roles(account)) for account in (*roll_out.accounts, roll_out.elsewhere, HUB)} == {
        **dict.fromkeys(roll_out.accounts, ROLES),
        roll_out.elsewhere: set(),
        HUB: set(),
    }


def test_what_they_get_lets_the_hub_in_and_no_account_of_the_organization_into_another(roll_out: RollOut) -> None:
    roll_out.deploy()
    shop, blog = roll_out.accounts

    for account in (shop, blog):
        trust = roll_out.roles(account)["Lightkeeper-member"]
        run = Caller(f"arn:aws:iam::{HUB}:role/Lightkeeper-hub", roll_out.organization)
        assert lets_in(trust, run, "Lightkeeper")
        for other in (shop, blog, roll_out.elsewhere):
            in_their_own = Caller(f"arn:aws:iam::{other}:role/Lightkeeper-hub", roll_out.organization)
            assert not lets_in(trust, in_their_own, "Lightkeeper")


def test_an_account_that_joins_gets_the_same_and_the_others_stay_as_they_are(roll_out: RollOut) -> None:
    roll_out.deploy()
    before = {account: roll_out.roles(account) for account in roll_out.accounts}
    joined = roll_out.aws.add_account(HUB, "new", roll_out.unit)

    roll_out.deploy()

    assert set(roll_out.roles(joined)) == ROLES
    assert {account: roll_out.roles(account) for account in roll_out.accounts} == before


def test_the_template_in_it_can_be_pasted_as_well(roll_out: RollOut) -> None:
    roll_out.aws.ask(
        roll_out.elsewhere,
        "cloudformation",
        "create_stack",
        StackName="Lightkeeper-member",
        TemplateBody=roll_out.stack_set["TemplateBody"],
        Parameters=roll_out.stack_set["Parameters"],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )

    assert set(roll_out.roles(roll_out.elsewhere)) == ROLES
