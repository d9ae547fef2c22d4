"""The stack: wiring only."""

from aws_cdk import CfnOutput, Stack, Tags
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.alarms import Alarms
from infra.backup_function import BackupFunction
from infra.calendar_function import CalendarFunction
from infra.dashboard import Dashboard, dashboard_url
from infra.dead_letters import DeadLetterQueue
from infra.notifications import Notifications
from infra.props import Props
from infra.schedule import Schedule
from lightkeeper.version import VERSION


class LightkeeperStack(Stack):
    """Everything that Lightkeeper is, in one account and Region."""

    def __init__(self, scope: Construct, construct_id: str, *, props: Props) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"Lightkeeper {VERSION}: tag-driven backups for Amazon Lightsail",
            # Without it nobody takes backups, and nobody would notice: its alarms would be gone, too.
            termination_protection=True,
        )
        # Ids stay as they were first deployed, whatever a class is called now: another id is another resource.
        dead_letters = DeadLetterQueue(self, "Failures").queue
        notifications = Notifications(self, "Notifications", props=props)
        backup = BackupFunction(
            self,
            "Keeper",
            props=props,
            dead_letters=dead_letters,
            notifications=notifications,
            dashboard=dashboard_url(props),
        )
        Schedule(self, "Tick", props=props, function=backup.function, dead_letters=dead_letters)
        calendar = CalendarFunction(self, "Calendar", props=props)
        topic = notifications.topic
        alarms = Alarms(
            self,
            "Alarms",
            props=props,
            function=backup.function,
            dead_letters=dead_letters,
            topics=[topic, *notifications.others],
        )
        Dashboard(
            self,
            "Dashboard",
            props=props,
            function=backup.function,
            log_group=backup.log_group,
            calendar=calendar.function,
            alarms=alarms,
            topic=topic,
        )

        for key, value in props.own.tags.items():
            # The topic gets them from the stack. In the template, its own memory in tags would pass for drift.
            Tags.of(self).add(key, value, exclude_resource_types=[sns.CfnTopic.CFN_RESOURCE_TYPE_NAME])

        CfnOutput(self, "Version", value=VERSION, description="The release of Lightkeeper")
        CfnOutput(self, "FunctionName", value=backup.function.function_name, description="The function")
        CfnOutput(
            self,
            "CalendarFunctionName",
            value=calendar.function.function_name,
            description="The function behind the dashboard's recovery calendar",
        )
        CfnOutput(self, "DashboardAddress", value=dashboard_url(props), description="The dashboard")
        CfnOutput(self, "TopicArn", value=topic.topic_arn, description="Where alarms and findings are sent")
        CfnOutput(self, "DeadLetterQueueAddress", value=dead_letters.queue_url, description="Events that failed")
