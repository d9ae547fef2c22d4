"""What the functions and the schedule may do: their roles, statement by statement. docs/security.md explains each.

Who may publish to the topic, or use its key, is theirs to say: see `notifications`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.notifications import Notifications
from infra.props import Props
from lightkeeper.kinds import LISTINGS, SNAPSHOTS
from lightkeeper.tags import EXPIRES, OWNER

GETS: Final = tuple(api.getting for api in SNAPSHOTS.values())
CREATES: Final = tuple(api.creating for api in SNAPSHOTS.values())
DELETES: Final = tuple(api.deleting for api in SNAPSHOTS.values())
SNAPSHOT_TYPES: Final = tuple(api.arn_type for api in SNAPSHOTS.values())
"""What may be deleted and marked, as ARNs name it: a disk made from a snapshot may carry its tags, and is none."""

ANY_RESOURCE: Final = "AwsSolutions-IAM5[Resource::*]"
"""What cdk-nag finds in a statement on everything."""
NO_RESOURCE_TO_READ: Final = "Lightsail's reads take no resource."
RUN_FINDINGS: Final = {
    ANY_RESOURCE: f"{NO_RESOURCE_TO_READ} A snapshot to be made has no identifier yet, so creates are narrowed by the "
    "owner tag, in conditions.",
} | {
    f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:lightsail:*:<AWS::AccountId>:{kind}/*]": "Snapshots have random "
    "identifiers for names, in whatever Region is looked after, so deletes and tags are narrowed by the owner tag, the "
    "mark and the hold, in conditions."
    for kind in SNAPSHOT_TYPES
}
"""What cdk-nag finds in the statements of a run, with the reasons why it stays."""


@dataclass(frozen=True, slots=True)
class HubPart:
    """What a function has beside its own where the deployment looks after other accounts, too."""

    role_name: str
    """Fixed: the roles in the accounts let it in by its name."""
    environment: Mapping[str, str]
    policies: Mapping[str, Sequence[iam.PolicyStatement]]
    """By their names."""
    acknowledged: Mapping[str, str]
    """What cdk-nag finds in them, with the reasons why it stays."""


def backup_role(  # noqa: PLR0913 - one argument for each thing that it may do something with
    scope: Construct,
    *,
    props: Props,
    log_group: logs.ILogGroup,
    dead_letters: sqs.IQueue,
    notifications: Notifications,
    hub: HubPart | None = None,
) -> iam.IRole:
    """Return the role of the function that takes and deletes snapshots."""
    return role(
        scope,
        "Role",
        iam.ServicePrincipal("lambda.amazonaws.com"),
        "What Lightkeeper may do; each permission is explained in docs/security.md",
        policies={
            "Lightsail": run_statements(props, Stack.of(scope)),
            "Telling": [
                write_to(log_group),
                send_to(dead_letters),
            ],
            "Notifications": notification_statements(notifications),
            **(hub.policies if hub else {}),
        },
        acknowledged={**RUN_FINDINGS, **(hub.acknowledged if hub else {})},
        name=hub.role_name if hub else None,
    )


def calendar_role(scope: Construct, *, log_group: logs.ILogGroup, hub: HubPart | None = None) -> iam.IRole:
    """Return the role of the function that draws the recovery calendar: it can write nothing but its log."""
    return role(
        scope,
        "Role",
        iam.ServicePrincipal("lambda.amazonaws.com"),
        "What Lightkeeper's recovery calendar may do: read; see docs/security.md",
        policies={
            "Lightsail": calendar_statements(),
            "Log": [write_to(log_group)],
            **(hub.policies if hub else {}),
        },
        acknowledged={ANY_RESOURCE: NO_RESOURCE_TO_READ, **(hub.acknowledged if hub else {})},
        name=hub.role_name if hub else None,
    )


def check_role(scope: Construct, *, log_group: logs.ILogGroup) -> iam.IRole:
    """Return the role of the function that checks a template's settings: it can write nothing but its log."""
    return role(
        scope,
        "Role",
        iam.ServicePrincipal("lambda.amazonaws.com"),
        "What the check of Lightkeeper's settings may do: write its log",
        policies={"Log": [write_to(log_group)]},
        acknowledged={},
    )


def schedule_role(
    scope: Construct,
    *,
    group: scheduler.IScheduleGroup,
    starts: lambda_.Function | sfn.StateMachine,
    dead_letters: sqs.IQueue,
) -> iam.IRole:
    """Return the role of the schedule: it starts that one thing, and only schedules of its group may use the role."""
    only_this_group = {"aws:SourceAccount": Stack.of(scope).account, "aws:SourceArn": group.schedule_group_arn}
    match starts:
        case lambda_.Function():
            what = "run the function"
            start = iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[starts.function_arn])
        case sfn.StateMachine():
            what = "start the state machine"
            start = iam.PolicyStatement(actions=["states:StartExecution"], resources=[starts.state_machine_arn])
        case _:
            assert_never(starts)
    return role(
        scope,
        "Role",
        iam.ServicePrincipal("scheduler.amazonaws.com", conditions={"StringEquals": only_this_group}),
        f"Lets the schedule {what}",
        policies={"Tick": [start, send_to(dead_letters)]},
        acknowledged={},
    )


def role(  # noqa: PLR0913 - one for each part of a role
    scope: Construct,
    construct_id: str,
    assumed_by: iam.IPrincipal,
    description: str,
    *,
    policies: Mapping[str, Sequence[iam.PolicyStatement]],
    acknowledged: Mapping[str, str],
    name: str | None = None,
) -> iam.IRole:
    """Return a role with these statements, by their policies' names, and the reasons for what cdk-nag finds in them."""
    made = iam.Role(
        scope,
        construct_id,
        role_name=name,
        assumed_by=assumed_by,
        description=description,
        # Part of the role itself, so that nothing runs before it may.
        inline_policies={each: iam.PolicyDocument(statements=[*statements]) for each, statements in policies.items()},
    )
    Validations.of(made).acknowledge(*(Acknowledgment(id=rule, reason=why) for rule, why in acknowledged.items()))
    # Its policies are complete; the library would add more than is needed.
    return made.without_policy_updates()


def run_statements(props: Props, stack: Stack) -> list[iam.PolicyStatement]:
    """Return what a run may do in Lightsail, in the account of a stack: the hub's own, or one that it looks after."""
    owner, hold = props.settings.deployment, f"{props.settings.tag_key}:hold"
    snapshots = [f"arn:{stack.partition}:lightsail:*:{stack.account}:{kind}/*" for kind in SNAPSHOT_TYPES]
    ours: dict[str, object] = {"StringEquals": {f"aws:ResourceTag/{OWNER}": owner}}
    marked_and_not_held = {"Null": {f"aws:ResourceTag/{EXPIRES}": "false", f"aws:ResourceTag/{hold}": "true"}}
    statements = [
        _allow("Read", [*LISTINGS, *GETS]),
        _allow("CreateAsOurs", CREATES, {"StringEquals": {f"aws:RequestTag/{OWNER}": owner}}),
        _allow("DeleteOursWhenMarked", DELETES, ours | marked_and_not_held, snapshots),
        _allow("MarkOurs", ["TagResource"], ours | _only_these_keys(EXPIRES), snapshots),
        _allow("UnmarkOurs", ["UntagResource"], ours | _only_these_keys(EXPIRES, hold), snapshots),
    ]
    if props.own.tag_on_create:
        # Apart from the rest: nobody knows which resource AWS asks about, and whether that has tags at this time.
        at_create = {
            "StringEquals": {f"aws:RequestTag/{OWNER}": owner},
            # A create marks nothing.
            "Null": {f"aws:RequestTag/{EXPIRES}": "true"},
        }
        statements.append(_allow("TagOnCreate", ["TagResource"], at_create))
    return statements + (_copy_statements(owner, snapshots) if props.settings.copies else [])


def _copy_statements(owner: str, snapshots: Sequence[str]) -> list[iam.PolicyStatement]:
    """Return what it takes to copy: a call that AWS can narrow by nothing, and the tags that the copy then gets."""
    as_ours = {
        "StringEquals": {f"aws:RequestTag/{OWNER}": owner},
        # A copy is born without tags, and copying marks nothing.
        "Null": {f"aws:ResourceTag/{OWNER}": "true", f"aws:RequestTag/{EXPIRES}": "true"},
    }
    return [_allow("Copy", ["CopySnapshot"]), _allow("TagCopies", ["TagResource"], as_ours, snapshots)]


def calendar_statements() -> list[iam.PolicyStatement]:
    """Return what the calendar may do in Lightsail: read."""
    return [_allow("Read", LISTINGS)]


def _only_these_keys(*keys: str) -> dict[str, object]:
    """Return the conditions of a call that names no other tags; all of no keys would be among these, too."""
    return {"ForAllValues:StringEquals": {"aws:TagKeys": [*keys]}, "Null": {"aws:TagKeys": "false"}}


def _allow(
    sid: str,
    operations: Sequence[str],
    conditions: Mapping[str, object] | None = None,
    resources: Sequence[str] = ("*",),
) -> iam.PolicyStatement:
    """Return a statement that allows operations of Lightsail."""
    actions = [f"lightsail:{operation}" for operation in operations]
    return iam.PolicyStatement(sid=sid, actions=actions, resources=[*resources], conditions=conditions)


def notification_statements(notifications: Notifications) -> list[iam.PolicyStatement]:
    """Return what it takes to tell people, and to remember in the topic's tags what they were told."""
    tell = iam.PolicyStatement(
        sid="Tell",
        actions=["sns:Publish", "sns:ListTagsForResource", "sns:TagResource", "sns:UntagResource"],
        resources=[notifications.topic.topic_arn],
    )
    others = [topic.topic_arn for topic in notifications.others]
    statements = [tell]
    if others:
        statements.append(iam.PolicyStatement(sid="TellOthers", actions=["sns:Publish"], resources=others))
    if notifications.key is None:
        return statements
    use = iam.PolicyStatement(
        sid="UseKey", actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[notifications.key.key_arn]
    )
    return [*statements, use]


def write_to(log_group: logs.ILogGroup) -> iam.PolicyStatement:
    """Return what a function needs to write its log."""
    return iam.PolicyStatement(
        actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn]
    )


def send_to(queue: sqs.IQueue) -> iam.PolicyStatement:
    """Return what it takes to put messages into a queue."""
    return iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[queue.queue_arn])
