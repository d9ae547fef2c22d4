"""The function, its logs, and what it may do."""

from collections.abc import Mapping, Sequence
from typing import Final

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.bundling import KEEPER, function_code
from infra.notifications import Notifications
from infra.props import LOG_RETENTION, RUN_LIMIT, Props
from lightkeeper.tags import EXPIRES, OWNER

READS: Final = (
    "lightsail:GetDisks",
    "lightsail:GetInstances",
    "lightsail:GetDiskSnapshots",
    "lightsail:GetInstanceSnapshots",
    "lightsail:GetDiskSnapshot",
    "lightsail:GetInstanceSnapshot",
)
CREATES: Final = ("lightsail:CreateDiskSnapshot", "lightsail:CreateInstanceSnapshot")
DELETES: Final = ("lightsail:DeleteDiskSnapshot", "lightsail:DeleteInstanceSnapshot")
KINDS: Final = ("DiskSnapshot", "InstanceSnapshot")
"""What may be deleted and marked, as ARNs name it: a disk made from a snapshot may bear its tags, and is none."""
# By `make bench`: 49 MiB to start, 319 MiB to plan for 10,000 disks with 300,000 snapshots. Half of it would do for
# nearly everybody, but Lambda gives less processor with less memory, and the start would take twice as long.
MEMORY_MIB: Final = 512
_RETRIES: Final = 2
# A later tick does what an old one would have done, so an old event is not worth keeping.
_MAX_EVENT_AGE: Final = Duration.hours(1)


class BackupFunction(Construct):
    """The function.

    Parameters
    ----------
    scope, construct_id
        Where it stands.
    props
        The deployment's.
    failures
        Where an event goes whose retries have all failed.
    notifications
        Where it tells what needs a person.
    dashboard
        The dashboard's address, for those messages.
    """

    def __init__(  # noqa: PLR0913 - one argument for each thing it is joined to
        self,
        scope: Construct,
        construct_id: str,
        *,
        props: Props,
        failures: sqs.IQueue,
        notifications: Notifications,
        dashboard: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            retention=LOG_RETENTION[props.own.log_retention_days],
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description="What Lightkeeper may do; each permission is explained in docs/security.md",
            # Part of the role itself, so that nothing runs before it may.
            inline_policies={
                "Lightsail": iam.PolicyDocument(statements=lightsail_statements(props, Stack.of(self))),
                "Telling": iam.PolicyDocument(statements=_telling(self.log_group, failures)),
                "Notifications": iam.PolicyDocument(statements=notifications.statements()),
            },
        )
        Validations.of(role).acknowledge(
            Acknowledgment(
                id="AwsSolutions-IAM5[Resource::*]",
                reason="Lightsail's reads take no resource. A snapshot to be made has no identifier yet, so creates "
                "are narrowed by the owner tag, in conditions. X-Ray's writes take no resource.",
            ),
            *(
                Acknowledgment(
                    id=f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:lightsail:*:<AWS::AccountId>:{kind}/*]",
                    reason="Snapshots have random identifiers for names, in whatever Region is looked after, so "
                    "deletes and tags are narrowed by the owner tag, the mark and the hold, in conditions.",
                )
                for kind in KINDS
            ),
        )
        self.function = lambda_.Function(
            self,
            "Function",
            description="Snapshots of tagged Lightsail disks and instances: takes what is due, prunes what is dropped",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler="lightkeeper.handler.handle",
            code=function_code(KEEPER),
            environment=props.environment(topic=notifications.topic.topic_arn, dashboard=dashboard),
            # Its policies are complete; the library would add more than is needed.
            role=role.without_policy_updates(),
            timeout=Duration.seconds(RUN_LIMIT.total_seconds()),
            memory_size=MEMORY_MIB,
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            tracing=lambda_.Tracing.ACTIVE,
            retry_attempts=_RETRIES,
            max_event_age=_MAX_EVENT_AGE,
            on_failure=destinations.SqsDestination(failures),
        )


def lightsail_statements(props: Props, stack: Stack) -> list[iam.PolicyStatement]:
    """Return what the function may do in Lightsail, and nothing else."""
    owner, hold = props.settings.deployment, f"{props.settings.tag_key}:hold"
    snapshots = [f"arn:{stack.partition}:lightsail:*:{stack.account}:{kind}/*" for kind in KINDS]
    ours: dict[str, object] = {"StringEquals": {f"aws:ResourceTag/{OWNER}": owner}}
    marked_and_not_held = {"Null": {f"aws:ResourceTag/{EXPIRES}": "false", f"aws:ResourceTag/{hold}": "true"}}
    statements = [
        _allow("Read", READS),
        _allow("CreateAsOurs", CREATES, {"StringEquals": {f"aws:RequestTag/{OWNER}": owner}}),
        _allow("DeleteOursWhenMarked", DELETES, ours | marked_and_not_held, snapshots),
        _allow("MarkOurs", ["lightsail:TagResource"], ours | _only_these_keys(EXPIRES), snapshots),
        _allow("UnmarkOurs", ["lightsail:UntagResource"], ours | _only_these_keys(EXPIRES, hold), snapshots),
    ]
    if props.own.tag_on_create:
        # Apart from the rest: nobody knows which resource AWS asks about, and whether that has tags at this time.
        at_create = {
            "StringEquals": {f"aws:RequestTag/{OWNER}": owner},
            # A create marks nothing.
            "Null": {f"aws:RequestTag/{EXPIRES}": "true"},
        }
        statements.append(_allow("TagOnCreate", ["lightsail:TagResource"], at_create))
    return statements


def _only_these_keys(*keys: str) -> dict[str, object]:
    """Return the conditions of a call that names no other tags; all of no keys would be among these, too."""
    return {"ForAllValues:StringEquals": {"aws:TagKeys": [*keys]}, "Null": {"aws:TagKeys": "false"}}


def _allow(
    sid: str,
    actions: Sequence[str],
    conditions: Mapping[str, object] | None = None,
    resources: Sequence[str] = ("*",),
) -> iam.PolicyStatement:
    return iam.PolicyStatement(sid=sid, actions=[*actions], resources=[*resources], conditions=conditions)


def _telling(log_group: logs.ILogGroup, failures: sqs.IQueue) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn]),
        iam.PolicyStatement(actions=["xray:PutTraceSegments", "xray:PutTelemetryRecords"], resources=["*"]),
        iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[failures.queue_arn]),
    ]
