"""When the function runs, and where an event goes that could not be delivered."""

from typing import Final

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Stack, TimeZone, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.props import Props

_RETRIES: Final = 3
_MAX_EVENT_AGE: Final = Duration.hours(1)


class Failures(Construct):
    """The queue of events that were never delivered, or whose every attempt failed."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        Validations.of(self.queue).acknowledge(
            Acknowledgment(
                id="AwsSolutions-SQS3",
                reason="This is the dead-letter queue, of the schedule and of the function's asynchronous invocations. "
                "The rule sees neither use. Nothing consumes it; an alarm goes off at the first message.",
            )
        )


class Tick(Construct):
    """The schedule, in a group of its own, with a role that may do no more than run the function."""

    def __init__(
        self, scope: Construct, construct_id: str, *, props: Props, function: lambda_.IFunction, failures: sqs.IQueue
    ) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        group = scheduler.ScheduleGroup(self, "Group", removal_policy=RemovalPolicy.DESTROY)
        role = iam.Role(
            self,
            "Role",
            description="Lets the schedule run the function",
            # Only schedules of this group may use the role.
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={
                    "StringEquals": {
                        "aws:SourceAccount": stack.account,
                        "aws:SourceArn": group.schedule_group_arn,
                    }
                },
            ),
            inline_policies={
                "Tick": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn]),
                        iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[failures.queue_arn]),
                    ]
                )
            },
        )
        self.schedule = scheduler.Schedule(
            self,
            "Schedule",
            description="Lightkeeper's tick: each one reads everything and does what is due",
            schedule_group=group,
            schedule=scheduler.ScheduleExpression.expression(
                props.settings.tick, TimeZone.of(props.settings.time_zone.key)
            ),
            target=targets.LambdaInvoke(
                function,
                # The same on every retry, so that a retry reaches the same plan.
                input=scheduler.ScheduleTargetInput.from_object({"time": scheduler.ContextAttribute.scheduled_time}),
                # Its policy is complete; the target would add the function's versions and aliases.
                role=role.without_policy_updates(),
                retry_attempts=_RETRIES,
                max_event_age=_MAX_EVENT_AGE,
                dead_letter_queue=failures,
            ),
        )
