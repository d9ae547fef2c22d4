"""The function behind the dashboard's own widgets: the recovery calendar. It reads; its role can write nothing."""

from typing import Final

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.bundling import CALENDAR, function_code
from infra.props import LOG_RETENTION, Props

LISTS: Final = (
    "lightsail:GetDisks",
    "lightsail:GetInstances",
    "lightsail:GetDiskSnapshots",
    "lightsail:GetInstanceSnapshots",
)
# Somebody waits for it, and more memory is more processor: see tools/bench/calendar.py.
MEMORY_MIB: Final = 1024


class RecoveryCalendar(Construct):
    """The calendar's function. Who looks at the dashboard invokes it, with their own permissions.

    Parameters
    ----------
    scope, construct_id
        Where it stands.
    props
        The deployment's.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: Props) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=LOG_RETENTION[props.own.log_retention_days],
            removal_policy=RemovalPolicy.DESTROY,
        )
        log = iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn]
        )
        lists = iam.PolicyStatement(sid="Read", actions=[*LISTS], resources=["*"])
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description="What Lightkeeper's recovery calendar may do: read; see docs/security.md",
            inline_policies={
                "Lightsail": iam.PolicyDocument(statements=[lists]),
                "Log": iam.PolicyDocument(statements=[log]),
            },
        )
        Validations.of(role).acknowledge(
            Acknowledgment(id="AwsSolutions-IAM5[Resource::*]", reason="Lightsail's reads take no resource.")
        )
        self.function = lambda_.Function(
            self,
            "Function",
            description="The recovery calendar of Lightkeeper's dashboard: reads, and writes nothing",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler="recovery_calendar.handler.handle",
            code=function_code(CALENDAR),
            environment=props.settings.to_env(),
            # Its policies are complete; the library would add more than is needed.
            role=role.without_policy_updates(),
            timeout=Duration.minutes(1),
            memory_size=MEMORY_MIB,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
        )
