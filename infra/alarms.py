"""The alarms: when each rings, and by what name. What each says is in `sections`.

One cause rings once. What a run finds it tells by itself, at once and with the reason; an alarm rings where that cannot
be relied on, or where what was told lasts. So a run in which one action has failed rings no alarm, though it ends as
failed; a run that could do nothing, or tell nobody, does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.metrics import Reported, metric
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What an alarm watches, and when it goes off: at the first, unless it says otherwise."""

    name: str
    """In the template: it stays as it was first deployed."""
    section: Section
    metric: cloudwatch.IMetric
    missing: cloudwatch.TreatMissingData
    comparison: cloudwatch.ComparisonOperator = _AT_LEAST
    periods: int = 1


class Alarms(Construct):
    """The alarms; each that rings tells all topics when it goes off and when it is over."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        props: Props,
        watched: Sequence[Watched],
        topics: Sequence[sns.ITopic],
    ) -> None:
        super().__init__(scope, construct_id)
        self._props = props
        self._actions = [actions.SnsAction(topic) for topic in topics]
        self.alarms = [self._alarm(each) for each in watched]

    def _alarm(self, watched: Watched) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            watched.name,
            alarm_name=alarm_name(watched.section, self._props.settings.deployment),
            alarm_description=watched.section.description(self._props.own.runbook_url),
            metric=watched.metric,
            threshold=1,
            comparison_operator=watched.comparison,
            evaluation_periods=watched.periods,
            treat_missing_data=watched.missing,
        )
        if watched.section.rings:
            alarm.add_alarm_action(*self._actions)
            alarm.add_ok_action(*self._actions)
        return alarm


def watched_alone(props: Props, *, function: lambda_.IFunction, dead_letters: sqs.IQueue) -> list[Watched]:
    """Return what the alarms of a deployment watch that looks after its own account alone."""
    return [
        silence(NO_RUN, MetricName.RESOURCES_PROTECTED, props),
        # Between runs there is no news: the state stays as it is. If runs stop, NoRun says so.
        Watched(
            name="FunctionErrors",
            section=FUNCTION_ERRORS,
            metric=_failed_altogether(props, function=function),
            missing=_MISSING.IGNORE,
        ),
        at_once(OVERDUE, MetricName.RESOURCES_OVERDUE, props),
        at_once(SNAPSHOTS_FAILED, MetricName.SNAPSHOTS_FAILED, props),
        # A run tells of a wrong tag at once. This is for one that was told, and is still wrong in every run of a day.
        after_a_day(TAG_PROBLEMS, MetricName.TAG_PROBLEMS, props),
        Watched(
            name="DeadLetters",
            section=DEAD_LETTERS,
            metric=_undelivered(props, function=function, dead_letters=dead_letters),
            missing=_MISSING.NOT_BREACHING,
        ),
    ]


def silence(section: Section, name: Reported, props: Props) -> Watched:
    """Return what goes off when three runs that were due have not reported a metric that each of them reports.

    With a zero for each period in which nothing came. Without data, CloudWatch would look further back for some.
    """
    return Watched(
        name="NoRun",
        section=section,
        metric=cloudwatch.MathExpression(
            expression="FILL(runs, 0)",
            using_metrics={"runs": metric(name, props, "SampleCount")},
            label="complete runs",
            period=props.news_period,
        ),
        comparison=_BELOW,
        periods=props.rhythm.periods_without_a_run,
        missing=_MISSING.BREACHING,
    )


def at_once(section: Section, name: Reported, props: Props) -> Watched:
    """Return what goes off as soon as a run reports more than nothing."""
    return Watched(name=name.value, section=section, metric=metric(name, props, "Maximum"), missing=_MISSING.IGNORE)


def after_a_day(section: Section, name: Reported, props: Props) -> Watched:
    """Return what goes off when each run of a day has reported more than nothing."""
    return Watched(
        name=name.value,
        section=section,
        metric=metric(name, props, "Minimum").with_(period=_A_DAY),
        missing=_MISSING.IGNORE,
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
