"""What docs/security.md says of who can delete backups: its policy is judged, as AWS would judge it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stage

from infra.permissions import CREATES, DELETES
from lightsail_sandbox.policy import Policy, Request
from tests.support import members
from tests.support.members import roles
from tests.support.synth import function, function_role, resources, stack, template

pytestmark = pytest.mark.xdist_group("stack")
ROOT = Path(__file__).parents[2]
SECURITY = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ACCOUNT = "123456789012"
OURS: Mapping[str, tuple[str, ...]] = {"aws:ResourceTag/lightkeeper:owner": ("Lightkeeper",)}
# A service control policy of AWS takes no more.
MAX_CHARACTERS = 5_120


def role(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


USER, ADMIN = role("Developer"), role("BackupAdmin")
CDK = role(f"cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-eu-central-1")
KEEPER, TICK = role("Lightkeeper-KeeperRoleAB12CD34-x1Y2z3"), role("Lightkeeper-TickRoleAB12CD34-x1Y2z3")
RESOURCES = {
    "lightsail": f"arn:aws:lightsail:eu-central-1:{ACCOUNT}:DiskSnapshot/1",
    "lambda": f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:Lightkeeper-KeeperFunctionAB12CD34-x1Y2z3",
    "iam": KEEPER,
    "scheduler": f"arn:aws:scheduler:eu-central-1:{ACCOUNT}:schedule/Lightkeeper-TickGroupAB12CD34-x/y",
    "cloudformation": f"arn:aws:cloudformation:eu-central-1:{ACCOUNT}:stack/Lightkeeper/1",
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    blocks = re.findall(r"```json\n(.*?)```", SECURITY, re.DOTALL)
    policies = (block for block in map(json.loads, blocks) if "Statement" in block)
    (found,) = (each for each in policies if each["Statement"][0]["Effect"] == "Deny")
    policy: dict[str, Any] = found
    return policy


@pytest.fixture(scope="module")
def organization(document: dict[str, Any]) -> Policy:
    """An account whose people may do everything, under that policy."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return Policy.from_json({"Statement": [everything, *document["Statement"]]})


def asks(
    who: str, action: str, context: Mapping[str, tuple[str, ...]] | None = None, *, resource: str | None = None
) -> Request:
    named = {"aws:PrincipalArn": (who,), **(context or {})}
    return Request(action=action, resource=resource or RESOURCES[action.partition(":")[0]], context=named)


def tags(*keys: str) -> Mapping[str, tuple[str, ...]]:
    return {"aws:TagKeys": keys}


def listed() -> list[str]:
    """Return the permissions that the document says amount to deleting backups."""
    rows = SECURITY.partition("\n## Who can delete backups\n")[2].partition("\n\n**")[0]
    return re.findall(r"`([a-z]+:[A-Za-z]+)`", "".join(re.findall(r"^\|([^|]+)\|", rows, re.MULTILINE)))


def test_every_permission_that_amounts_to_deleting_backups_is_denied_to_others_and_left_to_who_decides(
    organization: Policy,
) -> None:
    assert len(listed()) > 15
    for action in listed():
        context = {**OURS, **tags("backup:hold")} if action.startswith("lightsail:") else {}
        assert not organization.allows(asks(USER, action, context)), action
        assert organization.allows(asks(ADMIN, action, context)), action


@pytest.mark.parametrize("action", ["lightsail:TagResource", "lightsail:UntagResource"])
@pytest.mark.parametrize("key", ["backup", "backup:keep", "backup:hold", "lightkeeper:expires", "lightkeeper:owner"])
def test_no_tag_that_decides_on_backups_is_changed_by_others_alone_or_among_more(
    organization: Policy, action: str, key: str
) -> None:
    assert not organization.allows(asks(USER, action, tags(key)))
    assert not organization.allows(asks(USER, action, tags("team", key)))
    assert organization.allows(asks(USER, action, tags("team", "backups")))


def test_everything_that_is_not_lightkeeper_s_goes_on(organization: Policy) -> None:
    other = f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:shop"

    assert organization.allows(asks(USER, "lightsail:DeleteDiskSnapshot")), "one that was made by hand"
    assert organization.allows(asks(USER, "lightsail:CreateDiskSnapshot"))
    assert organization.allows(asks(USER, "lambda:UpdateFunctionCode", resource=other))
    assert organization.allows(asks(USER, "iam:PassRole", resource=role("shop")))


def test_lightkeeper_itself_goes_on(organization: Policy) -> None:
    for operation in (*CREATES, *DELETES, "TagResource", "UntagResource"):
        context = {**OURS, **tags("backup", "lightkeeper:expires")}
        assert organization.allows(asks(KEEPER, f"lightsail:{operation}", context)), operation
    assert organization.allows(asks(TICK, "lambda:InvokeFunction"))
    for action in ("lambda:UpdateFunctionCode", "iam:PassRole", "iam:PutRolePolicy", "scheduler:UpdateSchedule"):
        assert organization.allows(asks(CDK, action)), action


def test_the_names_in_the_policy_are_those_of_the_stack_and_it_is_no_longer_than_aws_takes(
    document: dict[str, Any],
) -> None:
    of = template()
    names = {name: each["Type"] for name, each in of["Resources"].items()}
    named = set(re.findall(r"Lightkeeper-([A-Za-z]+)\*", json.dumps(document)))

    assert named == {"KeeperRole", "TickRole", "KeeperFunction"}
    for name in named:
        (kind,) = (kind for full, kind in names.items() if re.fullmatch(rf"{name}[0-9A-F]{{8}}", full))
        assert kind == ("AWS::Lambda::Function" if name.endswith("Function") else "AWS::IAM::Role")
    assert function(of)["Role"]["Fn::GetAtt"][0].startswith("KeeperRole")
    assert "RoleName" not in function_role(of), "CloudFormation names it after stack and construct"
    assert len(json.dumps(document, separators=(",", ":"))) <= MAX_CHARACTERS


# Many accounts

MANY = SECURITY.partition("\n## Many accounts\n")[2].partition("\n## ")[0]
MEMBER, OPERATOR, HUB = role("Lightkeeper-member"), role("Lightkeeper-member-operator"), role("Lightkeeper-hub")


def added() -> dict[str, list[str]]:
    """Return what is added to the policy, by the words that say to what."""
    table = MANY.partition("| to | add |\n")[2].partition("\n\n")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines()[1:]]
    return {to.strip(): re.findall(r"`(arn:[^`]+)`", what) for to, what in rows}


@pytest.fixture(scope="module")
def of_many(document: dict[str, Any]) -> Policy:
    """The same for an organization that one deployment looks after."""
    statements: dict[str, Any] = {each["Sid"]: each for each in json.loads(json.dumps(document["Statement"]))}
    parts = added()
    spared = "aws:PrincipalArn"
    for sid in ("KeepSnapshots", "KeepTags"):
        statements[sid]["Condition"]["StringNotLike"][spared] += parts["whom `KeepSnapshots` and `KeepTags` spare"]
    statements["KeepLightkeeper"]["Resource"] += parts["what `KeepLightkeeper` keeps"]
    statements["KeepLightkeeper"]["Condition"]["StringNotLike"][spared] += parts["whom `KeepLightkeeper` spares"]
    assert len(json.dumps([*statements.values()], separators=(",", ":"))) <= MAX_CHARACTERS
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return Policy.from_json({"Statement": [everything, *statements.values()]})


def test_in_many_accounts_the_policy_spares_the_roles_of_lightkeeper_and_keeps_them(of_many: Policy) -> None:
    held = {**OURS, **tags("backup:hold", "lightkeeper:expires")}
    stack = f"arn:aws:cloudformation:eu-central-1:{ACCOUNT}:stack/StackSet-Lightkeeper-members-0a1b/1"
    for operation in (*DELETES, "TagResource", "UntagResource"):
        for ours in (MEMBER, OPERATOR, HUB):
            assert of_many.allows(asks(ours, f"lightsail:{operation}", held)), operation
        assert not of_many.allows(asks(USER, f"lightsail:{operation}", held)), operation
    for action, resource in (
        ("iam:UpdateAssumeRolePolicy", MEMBER),
        ("iam:PutRolePolicy", OPERATOR),
        ("iam:PassRole", HUB),
        ("cloudformation:DeleteStack", stack),
        ("cloudformation:UpdateStack", f"arn:aws:cloudformation:eu-central-1:{ACCOUNT}:stack/Lightkeeper-members/1"),
    ):
        assert not of_many.allows(asks(USER, action, resource=resource)), action
        assert not of_many.allows(asks(OPERATOR, action, resource=resource)), "nor by who operates"
        assert of_many.allows(asks(role("stacksets-exec-0a1b"), action, resource=resource)), action


def test_who_may_operate_deploy_the_roles_or_list_accounts_is_said_in_the_names_of_the_template() -> None:
    policies = {
        each["Statement"][0]["Sid"]: each for each in map(json.loads, re.findall(r"```json\n(.*?)```", MANY, re.DOTALL))
    }
    found = roles(members.template())
    operate = Policy.from_json(policies["OperateInAnyAccount"])
    deploy = Policy.from_json(policies["DeployTheRoles"])
    (listing,) = policies["LetTheHubListAccounts"]["Statement"]

    let_in = [name for name in found if operate.allows(asks(USER, "sts:AssumeRole", resource=role(name)))]
    assert let_in == ["Lightkeeper-member-operator"]
    for name in found:
        assert deploy.allows(asks(USER, "iam:CreateRole", resource=role(name))), name
    assert not deploy.allows(asks(USER, "iam:PassRole", resource=role("Lightkeeper-member")))
    assert not deploy.allows(asks(USER, "iam:CreateRole", resource=role("shop")))
    hub = template(organization=members.UNITS)
    asked = {
        action
        for each in resources(hub, "AWS::IAM::Role")
        for part in each["Properties"]["Policies"]
        for statement in part["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if action.startswith("organizations:")
    }
    assert asked == {*listing["Action"]}


# Who deploys

DEPLOYS = SECURITY.partition("\n## Who deploys\n")[2].partition("\n## ")[0]
BOOTSTRAP = ROOT / "node_modules/aws-cdk/lib/api/bootstrap/bootstrap-template.yaml"


def test_a_deployment_assumes_the_roles_that_its_policy_names_and_no_other() -> None:
    (policy,) = map(json.loads, re.findall(r"```json\n(.*?)```", DEPLOYS, re.DOTALL))
    of = stack()
    stage = Stage.of(of)
    assert stage
    assembly = stage.synth()
    manifest = json.loads((Path(assembly.directory) / "manifest.json").read_text(encoding="utf-8"))
    assets = json.loads((Path(assembly.directory) / "Lightkeeper.assets.json").read_text(encoding="utf-8"))
    says = manifest["artifacts"]["Lightkeeper"]["properties"]
    assumed = [says["assumeRoleArn"], says["lookupRole"]["arn"]] + [
        destination["assumeRoleArn"]
        for file in assets["files"].values()
        for destination in file["destinations"].values()
    ]
    allowed = Policy.from_json(policy)

    for arn in assumed:
        one = arn.replace("${AWS::Partition}", "aws").replace("${AWS::AccountId}", ACCOUNT)
        one = one.replace("${AWS::Region}", "eu-central-1")
        assert allowed.allows(Request(action="sts:AssumeRole", resource=one, context={})), one
    execution = says["cloudFormationExecutionRoleArn"].rpartition("/")[2].partition("-${")[0]
    assert f"{execution}-" in DEPLOYS
    refused = Request(action="sts:AssumeRole", resource=role(f"{execution}-{ACCOUNT}-eu-central-1"), context={})
    assert not allowed.allows(refused)
    named = {arn.rpartition("/")[2].partition("-${")[0] for arn in assumed}
    assert {each.removesuffix("-*").rpartition("/")[2] for each in policy["Statement"][0]["Resource"]} == named


def test_a_narrow_execution_role_is_told_every_service_of_which_the_stack_has_something() -> None:
    organization = {"units": ["ou-ab12-cd34ef56"]}
    of = template(encryptNotifications=True, notify=["ops@example.com"], organization=organization)
    services = {each["Type"].split("::")[1].lower() for each in of["Resources"].values()} - {"stepfunctions"}
    services |= {"states"}  # as IAM calls it

    assert {service for service in services if f"`{service}`" not in DEPLOYS and f"`{service}:" not in DEPLOYS} == set()


@pytest.mark.skipif(not BOOTSTRAP.exists(), reason="there is no Node, or no `make test-all` yet: it brings the CDK")
def test_what_is_said_of_the_bootstrap_is_what_the_cdk_makes() -> None:
    made = BOOTSTRAP.read_text(encoding="utf-8").replace("${Qualifier}", "hnb659fds")
    named = set(re.findall(r"`(cdk-hnb659fds-[a-z-]+?)-(?:\.\.\.|<account>)", DEPLOYS))

    assert len(named) == 5
    assert all(f"{name}-${{AWS::AccountId}}-${{AWS::Region}}" in made for name in named)
    bucket = made.partition("\n  StagingBucket:")[2].partition("\n  StagingBucketPolicy:")[0]
    assert "DeletionPolicy: Retain" in bucket
    execution = made.partition("\n  CloudFormationExecutionRole:")[2].partition("\n  CdkB")[0]
    assert "Service: cloudformation.amazonaws.com" in execution
    assert "AWS: " not in execution, "nobody else may assume it"
    assert "policy/AdministratorAccess" in execution
