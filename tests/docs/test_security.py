"""What docs/security.md says of who can delete backups: its policy is judged, as AWS would judge it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.permissions import CREATES, DELETES
from lightsail_sandbox.policy import Policy, Request
from tests.support.synth import function, function_role, template

pytestmark = pytest.mark.xdist_group("stack")
SECURITY = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
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
