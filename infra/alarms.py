"""The alarms. Each names its section of docs/runbook.md."""

from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.metrics import metric
from infra.props import Props
from lightkeeper.metrics import MetricName

_MISSING: Final = cloudwatch.TreatMissingData
_BELOW: Final = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
_AT_LEAST: Final = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD


@dataclass(frozen=True, slots=True)
class Section:
    """An alarm's section of the runbook: its heading, and what to do first."""

    heading: str
    first: str

    @property
    def anchor(self) -> str:
        """The heading as an anchor, as Markdown's renderers make it."""
        return self.heading.lower().replace(" ", "-")

    @property
    def description(self) -> str:
        """The alarm's description."""
        return f'{self.first} See "{self.heading}" in docs/runbook.md.'


NO_RUN: Final = Section(
    "No run",
    "None of the last three runs that were due has read everything to its end, so perhaps no backups are taken. Check "
    "whether the schedule is enabled, and what the function's log says of the last runs.",
)
FUNCTION_ERRORS: Final = Section(
    "Function errors", "A run has failed. The last summary line in the function's log says what failed."
)
OVERDUE: Final = Section(
    "Resources overdue",
    "A resource has no usable snapshot for a slot that has passed. Run `lightkeeper plan` to see which and why.",
)
SNAPSHOTS_FAILED: Final = Section(
    "Snapshots failed", "A snapshot could not be taken, or ended in error. The function's log says of each why."
)
TAG_PROBLEMS: Final = Section(
    "Tag problems",
    "Lightkeeper does not understand a tag, so it does not back up that resource, or deletes nothing of it. Run "
    "`lightkeeper plan`: it says what to write.",
)
DEAD_LETTERS: Final = Section(
    "Dead letters", "The function never got an event, or failed on every attempt at it. Read the messages in the queue."
)
SECTIONS: Final = (NO_RUN, FUNCTION_ERRORS, OVERDUE, SNAPSHOTS_FAILED, TAG_PROBLEMS, DEAD_LETTERS)


class Alarms(Construct):
    """The alarms; each tells the topic when it goes off and when it is over."""

    def __init__(  # noqa: PLR0913 - one argument for each thing that is watched
        self,
        scope: Construct,
        construct_id: str,
        *,
        props: Props,
        function: lambda_.IFunction,
        dead_letters: sqs.IQueue,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self.alarms: list[cloudwatch.Alarm] = []
        self._action = actions.SnsAction(topic)
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
            "FunctionErrors",
            FUNCTION_ERRORS,
            function.metric_errors(period=props.error_period, statistic="Sum"),
            missing=_MISSING.IGNORE,
        )
        for name, section in (
            (MetricName.RESOURCES_OVERDUE, OVERDUE),
            (MetricName.SNAPSHOTS_FAILED, SNAPSHOTS_FAILED),
            (MetricName.TAG_PROBLEMS, TAG_PROBLEMS),
        ):
            self._add(name.value, section, metric(name, props, "Maximum"), missing=_MISSING.IGNORE)
        self._add(
            "DeadLetters",
            DEAD_LETTERS,
            dead_letters.metric_approximate_number_of_messages_visible(period=Duration.minutes(5), statistic="Maximum"),
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
            alarm_description=section.description,
            metric=watched,
            threshold=1,
            comparison_operator=comparison,
            evaluation_periods=periods,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
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
