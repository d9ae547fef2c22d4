"""The function behind the dashboard's own widgets: the recovery calendar. It reads; its role can write nothing."""

from typing import Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.bundling import ARCHITECTURE, CALENDAR, RUNTIME, function_code
from infra.permissions import HubPart, calendar_role
from infra.props import LOG_RETENTION, Props

# A person waits for it, and more memory is more processor: see tools/bench/calendar.py.
MEMORY_MIB: Final = 1024


class CalendarFunction(Construct):
    """The function. Whoever looks at the dashboard invokes it, with their own permissions.

    Parameters
    ----------
    scope, construct_id
        Where it stands.
    props
        The deployment's.
    hub
        What it has beside that where the deployment looks after other accounts, too.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: Props, hub: HubPart | None = None) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=LOG_RETENTION[props.own.log_retention_days],
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.function = lambda_.Function(
            self,
            "Function",
            description="The recovery calendar of Lightkeeper's dashboard: reads, and writes nothing",
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            handler="recovery_calendar.handler.handle",
            code=function_code(CALENDAR),
            environment={**props.settings.to_env(), **(hub.environment if hub else {})},
            role=calendar_role(self, log_group=log_group, hub=hub),
            timeout=Duration.minutes(1),
            memory_size=MEMORY_MIB,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
        )
