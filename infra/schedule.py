"""When runs begin."""

from typing import Final, assert_never

from aws_cdk import Duration, RemovalPolicy, TimeZone
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.permissions import schedule_role
from infra.props import Props

_RETRIES: Final = 3
_MAX_EVENT_AGE: Final = Duration.hours(1)


class Schedule(Construct):
    """The schedule, in a group of its own, with a role that may do no more than start what it starts."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        props: Props,
        starts: lambda_.Function | sfn.StateMachine,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        group = scheduler.ScheduleGroup(self, "Group", removal_policy=RemovalPolicy.DESTROY)
        scheduler.Schedule(
            self,
            "Schedule",
            description="Lightkeeper's runs: each one reads everything and does what is due",
            schedule_group=group,
            schedule=scheduler.ScheduleExpression.expression(
                props.settings.tick, TimeZone.of(props.settings.time_zone.key)
            ),
            target=_target(
                starts,
                role=schedule_role(self, group=group, starts=starts, dead_letters=dead_letters),
                dead_letters=dead_letters,
            ),
        )


def _target(
    starts: lambda_.Function | sfn.StateMachine, *, role: iam.IRole, dead_letters: sqs.IQueue
) -> scheduler.IScheduleTarget:
    # The same on every retry, so that a retry reaches the same plan.
    given = scheduler.ScheduleTargetInput.from_object({"time": scheduler.ContextAttribute.scheduled_time})
    match starts:
        case lambda_.Function():
            return targets.LambdaInvoke(
                starts,
                input=given,
                role=role,
                retry_attempts=_RETRIES,
                max_event_age=_MAX_EVENT_AGE,
                dead_letter_queue=dead_letters,
            )
        case sfn.StateMachine():
            return targets.StepFunctionsStartExecution(
                starts,
                input=given,
                role=role,
                retry_attempts=_RETRIES,
                max_event_age=_MAX_EVENT_AGE,
                dead_letter_queue=dead_letters,
            )
        case _:
            assert_never(starts)
