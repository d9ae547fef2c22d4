"""The part of IAM that the sandbox knows."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from lightsail_sandbox.client import Sandbox, SandboxError
from lightsail_sandbox.policy import Policy, Request
from tests.support.asking import add_disk, refused

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient

OWNER = "aws:ResourceTag/owner"
ARN = "arn:aws:lightsail:eu-central-1:123456789012:Disk/1"


def policy(*statements: dict[str, Any]) -> Policy:
    written = [{"Effect": "Allow", "Action": "lightsail:*", "Resource": "*"} | each for each in statements]
    return Policy.from_json({"Version": "2012-10-17", "Statement": written})


def allow(
    action: str = "lightsail:*", resource: str = "*", condition: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """Write a statement that allows this."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition or {}}


def allows(condition: Mapping[str, object], **context: tuple[str, ...]) -> bool:
    named = {name.replace("__", "/").replace("_", ":", 1): values for name, values in context.items()}
    return policy({"Condition": condition}).allows(Request(action="lightsail:TagResource", context=named))


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("lightsail:GetDisks", True),
        ("LIGHTSAIL:getdisks", True),
        ("lightsail:Get*", True),
        ("lightsail:GetDisk?", True),
        ("lightsail:GetDisk", False),
        ("ec2:GetDisks", False),
        (["lightsail:DeleteDisk", "lightsail:GetDisks"], True),
    ],
)
def test_an_action_is_matched_in_any_case_and_by_wildcards(action: object, *, allowed: bool) -> None:
    assert policy({"Action": action}).allows(Request(action="lightsail:GetDisks")) is allowed


@pytest.mark.parametrize(
    ("resource", "allowed"),
    [("*", True), (ARN, True), ("arn:aws:lightsail:*:*:Disk/*", True), ("arn:aws:lightsail:*:*:Instance/*", False)],
)
def test_a_resource_is_matched_by_wildcards(resource: str, *, allowed: bool) -> None:
    assert policy({"Resource": resource}).allows(Request(action="lightsail:DeleteDisk", resource=ARN)) is allowed


@pytest.mark.parametrize("operator", ["ArnEquals", "ArnLike"])
@pytest.mark.parametrize(
    ("expected", "holds"),
    [
        (ARN, True),
        ("arn:aws:lightsail:*:*:Disk/*", True),
        ("arn:aws:lightsail:*:123456789012:Disk/2", False),
        # Between colons, a star stands for that part alone.
        ("arn:*:Disk/1", False),
        ("arn:aws:lightsail:eu-central-1:123456789012", False),
    ],
)
def test_arns_are_compared_part_by_part(operator: str, expected: str, *, holds: bool) -> None:
    assert allows({operator: {"aws:PrincipalArn": expected}}, aws_PrincipalArn=(ARN,)) is holds
    assert not allows({operator: {"aws:PrincipalArn": expected}})


def test_an_action_without_a_resource_needs_a_star() -> None:
    assert not policy({"Resource": ARN}).allows(Request(action="lightsail:GetDisks"))


def test_what_nothing_allows_is_refused_and_a_denial_goes_before_all_else() -> None:
    assert not policy().allows(Request(action="lightsail:GetDisks"))
    assert not policy({}, {"Effect": "Deny", "Action": "lightsail:GetDisks"}).allows(
        Request(action="lightsail:GetDisks")
    )


@pytest.mark.parametrize(
    ("condition", "given", "allowed"),
    [
        ({"StringEquals": {"aws:RequestTag/team": "a"}}, ("a",), True),
        ({"StringEquals": {"AWS:requesttag/team": "a"}}, ("a",), True),
        ({"StringEquals": {"aws:RequestTag/team": ["b", "a"]}}, ("a",), True),
        ({"StringEquals": {"aws:RequestTag/team": "a"}}, ("A",), False),
        ({"StringEquals": {"aws:RequestTag/team": "a"}}, (), False),
        ({"StringEqualsIfExists": {"aws:RequestTag/team": "a"}}, (), True),
        ({"StringNotEquals": {"aws:RequestTag/team": "a"}}, (), True),
        ({"StringNotEquals": {"aws:RequestTag/team": "a"}}, ("a",), False),
        ({"StringLike": {"aws:RequestTag/team": "a*"}}, ("abc",), True),
        ({"StringNotLike": {"aws:RequestTag/team": "a*"}}, ("abc",), False),
        ({"Null": {"aws:RequestTag/team": "true"}}, (), True),
        ({"Null": {"aws:RequestTag/team": True}}, ("a",), False),
        ({"Null": {"aws:RequestTag/team": "false"}}, ("a",), True),
        ({"Null": {"aws:RequestTag/team": "False"}}, ("a",), True),
        ({"Null": {"aws:RequestTag/team": "False"}}, (), False),
        ({"Null": {"aws:RequestTag/team": "TRUE"}}, (), True),
        ({"Null": {"aws:RequestTag/team": "True"}}, ("a",), False),
        ({"Null": {"aws:RequestTag/team": False}}, ("a",), True),
        ({"Null": {"aws:RequestTag/team": False}}, (), False),
    ],
)
def test_a_condition_asks_for_a_tag(condition: dict[str, object], given: tuple[str, ...], *, allowed: bool) -> None:
    context = {"aws_RequestTag__team": given} if given else {}
    assert allows(condition, **context) is allowed


@pytest.mark.parametrize(
    ("operator", "keys", "allowed"),
    [
        ("ForAllValues:StringEquals", ("a", "b"), True),
        ("ForAllValues:StringEquals", ("a", "c"), False),
        ("ForAllValues:StringEquals", (), True),
        ("ForAnyValue:StringEquals", ("a", "c"), True),
        ("ForAnyValue:StringEquals", ("c",), False),
        ("ForAnyValue:StringEquals", (), False),
    ],
)
def test_a_condition_asks_for_all_or_any_of_several_keys(
    operator: str, keys: tuple[str, ...], *, allowed: bool
) -> None:
    assert allows({operator: {"aws:TagKeys": ["a", "b"]}}, aws_TagKeys=keys) is allowed


def test_all_conditions_of_a_statement_must_hold() -> None:
    condition = {"StringEquals": {"aws:RequestTag/a": "1", "aws:RequestTag/b": "2"}}

    assert allows(condition, aws_RequestTag__a=("1",), aws_RequestTag__b=("2",))
    assert not allows(condition, aws_RequestTag__a=("1",))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, "object with a Statement"),
        ({"Statement": {"Effect": "Allow", "NotAction": "x", "Resource": "*"}}, "does not know 'NotAction'"),
        ({"Statement": {"Effect": "Perhaps", "Action": "x", "Resource": "*"}}, "has an Effect"),
        (
            {"Statement": {"Effect": "Allow", "Action": "x", "Resource": {"Ref": "Queue"}}},
            "functions of CloudFormation",
        ),
        (
            {"Statement": {"Effect": "Allow", "Action": "x", "Resource": "*", "Condition": {"IpAddress": {"a": "b"}}}},
            "does not know the condition operator 'IpAddress'",
        ),
        ({"Statement": allow(resource="arn:aws:lightsail:*:${aws:PrincipalAccount}:Disk/*")}, "a policy variable"),
        ({"Statement": allow(condition={"StringEquals": {OWNER: "${aws:username}"}})}, "a policy variable"),
        ({"Statement": allow(condition={"StringLike": {OWNER: ["a", "b${*}"]}})}, "a policy variable"),
        ({"Statement": allow(condition={"Null": {OWNER: "yes"}})}, "Null is asked for 'yes'"),
        ({"Statement": allow(condition={"Null": {OWNER: ""}})}, "Null is asked for ''"),
        (
            {"Statement": allow(condition={"NullIfExists": {OWNER: "true"}})},
            "does not know the condition operator 'NullIfExists'",
        ),
        (
            {"Statement": allow(condition={"ForAllValues:Null": {"aws:TagKeys": "true"}})},
            "does not know the condition operator 'ForAllValues:Null'",
        ),
    ],
)
def test_what_it_does_not_know_it_refuses_rather_than_guess(
    sandbox: Sandbox, document: dict[str, object], words: str
) -> None:
    with pytest.raises(SandboxError, match=words):
        sandbox.enforce_role(document)


def test_a_refused_call_has_no_effect_and_is_on_record(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    sandbox.clear_calls()
    sandbox.enforce_role({"Statement": {"Effect": "Allow", "Action": "lightsail:Get*", "Resource": "*"}})

    with refused("AccessDeniedException", "lightsail:DeleteDisk", ":Disk/"):
        lightsail.delete_disk(diskName="data")
    assert [disk["name"] for disk in lightsail.get_disks()["disks"]] == ["data"]
    first, *_ = sandbox.calls()
    assert (first.error, first.took_effect) == ("AccessDeniedException", False)


def test_a_role_is_for_one_access_key_or_for_all(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    nothing: dict[str, Any] = {"Statement": []}

    sandbox.enforce_role(nothing, access_key_id="SOMEBODY-ELSE")
    lightsail.get_disks()
    sandbox.enforce_role(nothing, access_key_id="sandbox")
    with refused("AccessDeniedException"):
        lightsail.get_disks()
    sandbox.enforce_role(None)
    lightsail.get_disks()


def test_a_reset_takes_the_role_away(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.enforce_role({"Statement": []})

    sandbox.reset()

    lightsail.get_disks()
