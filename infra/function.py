"""The function, its logs, and what it may do."""

from collections.abc import Mapping, Sequence
from typing import Final

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.bundling import KEEPER, function_code
from infra.notifications import Notifications
from infra.props import LOG_RETENTION, Props
from lightkeeper.tags import OWNER
from lightkeeper.telling import DASHBOARD_VARIABLE, TOPIC_VARIABLE

READS: Final = (
    "lightsail:GetDisks",
    "lightsail:GetInstances",
    "lightsail:GetDiskSnapshots",
    "lightsail:GetInstanceSnapshots",
    "lightsail:GetDiskSnapshot",
    "lightsail:GetInstanceSnapshot",
)
CREATES: Final = ("lightsail:CreateDiskSnapshot", "lightsail:CreateInstanceSnapshot")
CHANGES: Final = (
    "lightsail:DeleteDiskSnapshot",
    "lightsail:DeleteInstanceSnapshot",
    "lightsail:TagResource",
    "lightsail:UntagResource",
)
# By `make bench`: 49 MiB to start, 319 MiB to plan for 10,000 disks with 300,000 snapshots. Half of it would do for
# nearly everybody, but Lambda gives less processor with less memory, and the start would take twice as long.
MEMORY_MIB: Final = 512
TIMEOUT: Final = Duration.minutes(15)
_RETRIES: Final = 2
# A later tick does what an old one would have done, so an old event is not worth keeping.
_MAX_EVENT_AGE: Final = Duration.hours(1)


class KeeperFunction(Construct):
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
            retention=LOG_RETENTION[props.log_retention_days],
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description="What Lightkeeper may do; each permission is explained in docs/security.md",
            # Part of the role itself, so that nothing runs before it may.
            inline_policies={
                "Lightsail": iam.PolicyDocument(statements=lightsail_statements(props)),
                "Telling": iam.PolicyDocument(statements=_telling(self.log_group, failures)),
                "Notifications": iam.PolicyDocument(statements=notifications.statements()),
            },
        )
        Validations.of(role).acknowledge(
            Acknowledgment(
                id="AwsSolutions-IAM5[Resource::*]",
                reason="Lightsail's reads take no resource. Its snapshots have random identifiers for names, so "
                "creates, deletes and tags are narrowed by the owner tag instead, in conditions. X-Ray's writes take "
                "no resource.",
            )
        )
        self.function = lambda_.Function(
            self,
            "Function",
            description="Snapshots of tagged Lightsail disks and instances: takes what is due, prunes what is dropped",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler="lightkeeper.handler.handle",
            code=function_code(KEEPER),
            environment={
                **props.settings.to_env(),
                TOPIC_VARIABLE: notifications.topic.topic_arn,
                DASHBOARD_VARIABLE: dashboard,
            },
            # Its policies are complete; the library would add more than is needed.
            role=role.without_policy_updates(),
            timeout=TIMEOUT,
            memory_size=MEMORY_MIB,
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            tracing=lambda_.Tracing.ACTIVE,
            retry_attempts=_RETRIES,
            max_event_age=_MAX_EVENT_AGE,
            on_failure=destinations.SqsDestination(failures),
        )


def lightsail_statements(props: Props) -> list[iam.PolicyStatement]:
    """Return what the function may do in Lightsail, and nothing else."""
    owner = props.settings.deployment
    ours_in_request = {"StringEquals": {f"aws:RequestTag/{OWNER}": owner}}
    ours = {"StringEquals": {f"aws:ResourceTag/{OWNER}": owner}}
    statements = [
        _allow("Read", READS),
        _allow("CreateAsOurs", CREATES, ours_in_request),
        _allow("ChangeOnlyOurs", CHANGES, ours),
    ]
    if props.tag_on_create:
        statements.append(_allow("TagOnCreate", ["lightsail:TagResource"], ours_in_request))
    return statements


def _allow(sid: str, actions: Sequence[str], conditions: Mapping[str, object] | None = None) -> iam.PolicyStatement:
    return iam.PolicyStatement(sid=sid, actions=[*actions], resources=["*"], conditions=conditions)


def _telling(log_group: logs.ILogGroup, failures: sqs.IQueue) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn]),
        iam.PolicyStatement(actions=["xray:PutTraceSegments", "xray:PutTelemetryRecords"], resources=["*"]),
        iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[failures.queue_arn]),
    ]
