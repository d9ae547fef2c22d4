"""The function that takes and deletes snapshots, and its log."""

from typing import Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.bundling import ARCHITECTURE, KEEPER, RUNTIME, function_code
from infra.notifications import Notifications
from infra.permissions import HubPart, backup_role
from infra.props import LOG_RETENTION, Props
from lightkeeper.deployable import RUN_LIMIT

# By `make bench`: 49 MiB to start, 319 MiB to plan for 10,000 disks with 300,000 snapshots. Half of it would do for
# nearly everybody, but Lambda gives less processor with less memory, and the start would take twice as long.
MEMORY_MIB: Final = 512
_RETRIES: Final = 2
# A later run does what an old event would have started, so an old event is not worth keeping.
_MAX_EVENT_AGE: Final = Duration.hours(1)


class BackupFunction(Construct):
    """The function.

    Parameters
    ----------
    scope, construct_id
        Where it stands.
    props
        The deployment's.
    dead_letters
        Where an event goes whose retries have all failed.
    notifications
        Where it tells what needs a person.
    dashboard
        The dashboard's URL, for those messages.
    hub
        What it has beside that where it looks after other accounts, too.
    """

    def __init__(  # noqa: PLR0913 - one argument for each thing it is joined to
        self,
        scope: Construct,
        construct_id: str,
        *,
        props: Props,
        dead_letters: sqs.IQueue,
        notifications: Notifications,
        dashboard: str,
        hub: HubPart | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            retention=LOG_RETENTION[props.own.log_retention_days],
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.function = lambda_.Function(
            self,
            "Function",
            description="Snapshots of what is tagged in Lightsail: takes what is due, prunes what is dropped",
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            handler="lightkeeper.handler.handle",
            code=function_code(KEEPER),
            environment={
                **props.environment(topic=notifications.topic.topic_arn, dashboard=dashboard),
                **(hub.environment if hub else {}),
            },
            role=backup_role(
                self,
                props=props,
                log_group=self.log_group,
                dead_letters=dead_letters,
                notifications=notifications,
                hub=hub,
            ),
            timeout=Duration.seconds(RUN_LIMIT.total_seconds()),
            memory_size=MEMORY_MIB,
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            retry_attempts=_RETRIES,
            max_event_age=_MAX_EVENT_AGE,
            on_failure=destinations.SqsDestination(dead_letters),
        )
