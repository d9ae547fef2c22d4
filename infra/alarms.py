"""The alarms: when each rings, by what name, and its section of docs/runbook.md.

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

from infra.metrics import metric
from infra.props import Props
from lightkeeper.metrics import RUN_ENDED, MetricName
from lightkeeper.origin import anchor

_MISSING: Final = cloudwatch.TreatMissingData
_BELOW: Final = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
_AT_LEAST: Final = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_A_DAY: Final = Duration.days(1)


@dataclass(frozen=True, slots=True)
class Section:
    """An alarm's section of the runbook: its heading, what to do first, and whether that can wait."""

    heading: str
    first: str
    waits: bool
    """Whether it waits until morning."""
    why: str
    """Why it does, or does not."""
    command: str
    """What to look at first, with the variables of the runbook's "Before the alarms"."""
    rings: bool = True
    """Whether it tells people; otherwise the dashboard shows it, and a run's message has told them."""

    @property
    def anchor(self) -> str:
        """The heading as an anchor, as Markdown's renderers make it."""
        return anchor(self.heading)

    def where(self, runbook: str | None) -> str:
        """Return where the section is: a link, or the file's name and the heading."""
        return f"{runbook}#{self.anchor}" if runbook else f'"{self.heading}" in docs/runbook.md'

    def description(self, runbook: str | None = None) -> str:
        """Return the alarm's description."""
        return f"{self.first} See {self.where(runbook)}"


_LAST_RUNS: Final = "aws logs tail $LOGS --since 3h"
NO_RUN: Final = Section(
    "No run",
    "None of the last three runs that were due has read everything to its end, so perhaps no backups are taken. Check "
    "whether the schedule is enabled, and what the function's log says of the last runs.",
    waits=False,
    why="no backups are taken, and nobody would be told of anything else",
    command=_LAST_RUNS,
)
FUNCTION_ERRORS: Final = Section(
    "Function errors",
    "Runs fail altogether, or can tell nobody what they find. The last lines of the function's log say why.",
    waits=False,
    why="nothing is backed up, or nobody is told what is not, until it works again",
    command=_LAST_RUNS,
)
OVERDUE: Final = Section(
    "Resources overdue",
    "A resource has no usable snapshot for a slot that has passed. Run `lightkeeper status` to see which and why.",
    waits=False,
    why="what was changed since its last recovery point would be lost; take one now, then sleep",
    command="lightkeeper status --stack $STACK",
)
SNAPSHOTS_FAILED: Final = Section(
    "Snapshots failed",
    "A snapshot could not be taken, or ended in error. The function's log says of each why.",
    waits=True,
    why='the next runs try again; "Resources overdue" rings if they do not succeed',
    command="lightkeeper status --stack $STACK",
    rings=False,
)
TAG_PROBLEMS: Final = Section(
    "Tag problems",
    "For a day now, Lightkeeper has not understood a tag, so it does not back up that resource, or deletes nothing of "
    "it. Run `lightkeeper plan`: it says what to write.",
    waits=True,
    why="it has waited for a day; the recovery points that there are stay",
    command="lightkeeper plan --stack $STACK",
)
DEAD_LETTERS: Final = Section(
    "Dead letters",
    "The schedule's events do not reach the function, so no backups are taken. Read the messages in the queue.",
    waits=False,
    why="no backups are taken until they do",
    command="aws sqs receive-message --queue-url $QUEUE --query 'Messages[].Body' --output text",
)
SECTIONS: Final = (NO_RUN, FUNCTION_ERRORS, OVERDUE, SNAPSHOTS_FAILED, TAG_PROBLEMS, DEAD_LETTERS)


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
            periods=props.periods_without_a_run,
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
