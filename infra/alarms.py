"""The alarms: when each rings, and by what name. What each says is in `sections`.

One cause rings once. What a run finds it tells by itself, at once and with the reason; an alarm rings where that cannot
be relied on, or where what was told lasts. So a run in which one action has failed rings no alarm, though it ends as
failed; a run that could do nothing, or tell nobody, does.
"""

from collections.abc import Sequence
from typing import Final

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.metrics import metric
from infra.props import Props
from infra.sections import (
    DEAD_LETTERS,
    FUNCTION_ERRORS,
    NO_RUN,
    OVERDUE,
    SNAPSHOTS_FAILED,
    TAG_PROBLEMS,
    Section,
)
from lightkeeper.metrics import RUN_ENDED, MetricName

_MISSING: Final = cloudwatch.TreatMissingData
_BELOW: Final = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
_AT_LEAST: Final = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_A_DAY: Final = Duration.days(1)


def alarm_name(section: Section, deployment: str) -> str:
    """Return the name that people read: an account and a Region have each of them once, as they have stacks."""
    return f"Lightkeeper: {section.heading.lower()} ({deployment}, {Aws.REGION})"


class Alarms(Construct):
    """The alarms; each that rings tells all topics when it goes off and when it is over."""

    def __init__(  # noqa: PLR0913 - one argument for each thing that is watched
        self,
        scope: Construct,
        construct_id: str,
        *,
        props: Props,
        function: lambda_.IFunction,
        dead_letters: sqs.IQueue,
        topics: Sequence[sns.ITopic],
    ) -> None:
        super().__init__(scope, construct_id)
        self.alarms: list[cloudwatch.Alarm] = []
        self._props = props
        self._actions = [actions.SnsAction(topic) for topic in topics]
        self._add(
            "NoRun",
            NO_RUN,
            _complete_runs(props),
            comparison=_BELOW,
            periods=props.rhythm.periods_without_a_run,
            missing=_MISSING.BREACHING,
        )
        # Between runs there is no news: the state stays as it is. If runs stop, NoRun says so.
        self._add(
            "FunctionErrors", FUNCTION_ERRORS, _failed_altogether(props, function=function), missing=_MISSING.IGNORE
        )
        for name, section in ((MetricName.RESOURCES_OVERDUE, OVERDUE), (MetricName.SNAPSHOTS_FAILED, SNAPSHOTS_FAILED)):
            self._add(name.value, section, metric(name, props, "Maximum"), missing=_MISSING.IGNORE)
        # A run tells of a wrong tag at once. This is for one that was told, and is still wrong in every run of a day.
        self._add(
            MetricName.TAG_PROBLEMS.value,
            TAG_PROBLEMS,
            metric(MetricName.TAG_PROBLEMS, props, "Minimum").with_(period=_A_DAY),
            missing=_MISSING.IGNORE,
        )
        self._add(
            "DeadLetters",
            DEAD_LETTERS,
            _undelivered(props, function=function, dead_letters=dead_letters),
            missing=_MISSING.NOT_BREACHING,
        )

    def _add(  # noqa: PLR0913 - an alarm has that many sides
        self,
        name: str,
        section: Section,
        watched: cloudwatch.IMetric,
        *,
        missing: cloudwatch.TreatMissingData,
        comparison: cloudwatch.ComparisonOperator = _AT_LEAST,
        periods: int = 1,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=alarm_name(section, self._props.settings.deployment),
            alarm_description=section.description(self._props.own.runbook_url),
            metric=watched,
            threshold=1,
            comparison_operator=comparison,
            evaluation_periods=periods,
            treat_missing_data=missing,
        )
        if section.rings:
            alarm.add_alarm_action(*self._actions)
            alarm.add_ok_action(*self._actions)
        self.alarms.append(alarm)


def _complete_runs(props: Props) -> cloudwatch.IMetric:
    """Return how many runs have told how everything stands: a function that runs blind tells nothing.

    With a zero for each period in which nothing came. Without data, CloudWatch would look further back for some.
    """
    return cloudwatch.MathExpression(
        expression="FILL(runs, 0)",
        using_metrics={"runs": metric(MetricName.RESOURCES_PROTECTED, props, "SampleCount")},
        label="complete runs",
        period=props.news_period,
    )


def _failed_altogether(props: Props, *, function: lambda_.IFunction) -> cloudwatch.IMetric:
    """Return how many runs have failed while none came to its end: what failed in one that did is told by that run."""
    return cloudwatch.MathExpression(
        expression="errors * (FILL(ended, 0) < 1)",
        using_metrics={"errors": _errors(props, function), "ended": _ended(props)},
        label="runs that failed altogether",
        period=props.error_period,
    )


def _undelivered(props: Props, *, function: lambda_.IFunction, dead_letters: sqs.IQueue) -> cloudwatch.IMetric:
    """Return how many events came into the queue while the function neither failed nor came to an end.

    What came, not what lies there: nobody has to empty the queue for the alarm to end.
    """
    return cloudwatch.MathExpression(
        expression="sent * (FILL(ended, 0) < 1) * (FILL(errors, 0) < 1)",
        using_metrics={
            "sent": dead_letters.metric_number_of_messages_sent(period=props.error_period, statistic="Sum"),
            "ended": _ended(props),
            "errors": _errors(props, function),
        },
        label="events that never reached the function",
        period=props.error_period,
    )


def _ended(props: Props) -> cloudwatch.IMetric:
    return metric(RUN_ENDED, props, "SampleCount").with_(period=props.error_period)


def _errors(props: Props, function: lambda_.IFunction) -> cloudwatch.IMetric:
    return function.metric_errors(period=props.error_period, statistic="Sum")
