"""The stack: wiring only."""

from aws_cdk import CfnOutput, Stack, Tags
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.alarms import Alarms, watched_alone
from infra.backup_function import BackupFunction
from infra.calendar_function import CalendarFunction
from infra.dashboard import Dashboard
from infra.dead_letters import DeadLetterQueue
from infra.fleet import Fleet
from infra.fleet_alarms import watched_fleet
from infra.fleet_dashboard import FleetDashboard
from infra.hub_permissions import Hub
from infra.notifications import Notifications
from infra.props import Props
from infra.schedule import Schedule
from infra.widgets import dashboard_url
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
        topic, topics = notifications.topic, [notifications.topic, *notifications.others]
        organization = props.own.organization
        hub = Hub.of(self, props=props, organization=organization) if organization else None
        backup = BackupFunction(
            self,
            "Keeper",
            props=props,
            dead_letters=dead_letters,
            notifications=notifications,
            dashboard=dashboard_url(props),
            hub=hub.keeper if hub else None,
        )
        calendar = CalendarFunction(self, "Calendar", props=props, hub=hub.calendar if hub else None)
        if hub is None:
            Schedule(self, "Tick", props=props, starts=backup.function, dead_letters=dead_letters)
            watched = watched_alone(props, function=backup.function, dead_letters=dead_letters)
            Dashboard(
                self,
                "Dashboard",
                props=props,
                function=backup.function,
                log_group=backup.log_group,
                calendar=calendar.function,
                alarms=Alarms(self, "Alarms", props=props, watched=watched, topics=topics),
                topic=topic,
            )
        else:
            fleet = Fleet(
                self,
                "Fleet",
                props=props,
                hub=hub,
                keeper=backup.function,
                notifications=notifications,
                dashboard=dashboard_url(props),
            )
            Schedule(self, "Tick", props=props, starts=fleet.machine, dead_letters=dead_letters)
            FleetDashboard(
                self,
                "Dashboard",
                props=props,
                fleet=fleet,
                keeper=backup,
                calendar=calendar.function,
                alarms=Alarms(
                    self, "Alarms", props=props, watched=watched_fleet(props, fleet, dead_letters), topics=topics
                ),
                topic=topic,
            )
            self._fleet_outputs(props, hub, fleet)

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

    def _fleet_outputs(self, props: Props, hub: Hub, fleet: Fleet) -> None:
        roles = hub.organization.roles(props.settings.deployment)
        CfnOutput(self, "ResultsBucket", value=hub.results.bucket_name, description="What runs say of each account")
        CfnOutput(self, "MemberRole", value=roles.member, description="The role that runs assume in each account")
        CfnOutput(
            self, "StateMachineArn", value=fleet.machine.state_machine_arn, description="Looks after each account"
        )
