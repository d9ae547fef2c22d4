"""What both dashboards are made of: their colours and periods, and the widgets that they share."""

from collections.abc import Mapping, Sequence
from typing import Final

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn

from infra.alarms import Alarms
from infra.metrics import Reported, metric
from infra.notifications import NOBODY
from infra.props import Props
from infra.sections import Section
from lightkeeper.deployable import RUN_LIMIT
from lightkeeper.errors import counted
from lightkeeper.sender import section_of

GRID_COLUMNS: Final = 24
HALF: Final = GRID_COLUMNS // 2
THIRD: Final = GRID_COLUMNS // 3
QUARTER: Final = GRID_COLUMNS // 4
# A week holds a whole round of a weekly rhythm, and keeps what the table of failures reads in the free tier.
INTERVAL: Final = Duration.days(7)
GRAPH_PERIOD: Final = Duration.hours(1)
_GRAPH_HEIGHT: Final = 6
_ALARMS_HEIGHT: Final = 9
_CONSOLE: Final = f"https://{Aws.REGION}.console.aws.amazon.com"
_CLOUDWATCH: Final = f"{_CONSOLE}/cloudwatch/home?region={Aws.REGION}"
# CloudWatch's own palette, each with one meaning on the whole page.
GOOD: Final = cloudwatch.Color.GREEN
DOUBTFUL: Final = cloudwatch.Color.ORANGE
BAD: Final = cloudwatch.Color.RED
NEUTRAL: Final = cloudwatch.Color.BLUE
GONE: Final = cloudwatch.Color.GREY
# The fields are those of the function's log lines, a test says.
COLUMNS: Final = (
    "@timestamp",
    "message",
    "detail.region",
    "detail.source",
    "detail.snapshot",
    "coalesce(detail.error, detail.message, detail.failures.0) as what",
    "detail.suggestion",
)
_FAILURES: Final = (
    '(message = "action" and detail.outcome = "failed")',
    '(message = "problem" and detail.severity != "advice")',
    '(message = "summary" and ispresent(detail.failures.0))',
)


def dashboard_name(props: Props) -> str:
    """Return the dashboard's name: dashboards are an account's, whatever the Region."""
    return f"{props.stack_name}-{Aws.REGION}"


def dashboard_url(props: Props) -> str:
    """Return where a browser finds the dashboard."""
    return f"{_CLOUDWATCH}#dashboards/dashboard/{dashboard_name(props)}"


def reported(  # noqa: PLR0913 - a metric has that many sides
    name: Reported,
    props: Props,
    label: str,
    color: str,
    *,
    statistic: str = "Maximum",
    period: Duration = GRAPH_PERIOD,
) -> cloudwatch.Metric:
    """Return a metric of runs, as it is shown."""
    return metric(name, props, statistic).with_(label=label, color=color, period=period)


def number(
    title: str, width: int, metrics: Sequence[cloudwatch.IMetric], *, period: Duration
) -> cloudwatch.SingleValueWidget:
    """Return numbers of the last period only: what was is in the graphs."""
    return cloudwatch.SingleValueWidget(title=title, width=width, height=4, period=period, metrics=[*metrics])


def in_seconds(milliseconds: cloudwatch.IMetric, label: str) -> cloudwatch.MathExpression:
    """Return a duration as people count; Lambda and Step Functions count in milliseconds."""
    return cloudwatch.MathExpression(
        expression="duration / 1000",
        using_metrics={"duration": milliseconds},
        label=label,
        color=NEUTRAL,
        period=GRAPH_PERIOD,
    )


def run_limit() -> cloudwatch.HorizontalAnnotation:
    """Return the line that no run of the function crosses."""
    return cloudwatch.HorizontalAnnotation(value=RUN_LIMIT.total_seconds(), label="Lambda ends a run here", color=BAD)


def drawn(calendar: lambda_.IFunction, title: str, *, height: int, **params: str) -> cloudwatch.CustomWidget:
    """Return a widget that the calendar's function draws."""
    return cloudwatch.CustomWidget(
        title=title,
        function_arn=calendar.function_arn,
        width=GRID_COLUMNS,
        height=height,
        params=params,
        update_on_refresh=True,
        # What it draws depends neither on its size nor on the time range: asking again would only cost.
        update_on_resize=False,
        update_on_time_range_change=False,
    )


def graph(  # noqa: PLR0913 - a graph has that many sides
    title: str,
    unit: str,
    left: Sequence[cloudwatch.IMetric],
    *,
    width: int = HALF,
    limit: cloudwatch.HorizontalAnnotation | None = None,
    stacked: bool = False,
) -> cloudwatch.GraphWidget:
    """Return a graph by the hour."""

    def axis(label: str) -> cloudwatch.YAxisProps:
        return cloudwatch.YAxisProps(label=label, min=0, show_units=False)

    return cloudwatch.GraphWidget(
        title=title,
        width=width,
        height=_GRAPH_HEIGHT,
        period=GRAPH_PERIOD,
        left=[*left],
        left_y_axis=axis(unit),
        left_annotations=[limit] if limit else None,
        stacked=stacked,
        legend_position=cloudwatch.LegendPosition.BOTTOM,
    )


def alarm_status(alarms: Alarms, *, height: int = _ALARMS_HEIGHT) -> cloudwatch.AlarmStatusWidget:
    """Return how all alarms stand."""
    return cloudwatch.AlarmStatusWidget(
        title="Alarms",
        width=THIRD,
        height=height,
        alarms=alarms.alarms,
        sort_by=cloudwatch.AlarmStatusWidgetSortBy.STATE_UPDATED_TIMESTAMP,
    )


def what_to_do(
    sections: Sequence[Section],
    places: Mapping[str, str],
    topic: sns.ITopic,
    props: Props,
    *,
    height: int = _ALARMS_HEIGHT,
) -> cloudwatch.TextWidget:
    """Return who hears of alarms, what to do first at each, and links.

    Parameters
    ----------
    sections
        What each alarm says.
    places
        The addresses of what is looked at then, by their names.
    topic
        Where alarms go.
    props
        The deployment's.
    height
        That of the alarms beside it.
    """
    runbook = props.own.runbook_url
    subscriptions = f"{_CONSOLE}/sns/v3/home?region={Aws.REGION}#/topic/{topic.topic_arn}"
    links = " | ".join(
        f"[{name}]({url})"
        for name, url in {
            "All alarms": f"{_CLOUDWATCH}#alarmsV2:",
            **places,
            "Snapshots in Lightsail": "https://lightsail.aws.amazon.com/ls/webapp/home/snapshots",
        }.items()
    )
    rows = "\n".join(f"| **{_linked(section, runbook)}** | {section.first} |" for section in sections)
    steps = f"[The runbook]({runbook})" if runbook else "docs/runbook.md"
    return cloudwatch.TextWidget(
        width=GRID_COLUMNS - THIRD,
        height=height,
        background=cloudwatch.TextWidgetBackground.TRANSPARENT,
        markdown=f"{_who_hears(props, subscriptions)}\n\n### What to do\n\n| Alarm | First |\n|---|---|\n{rows}\n\n"
        f"Step by step: {steps} has a section for each.\n\n{links}",
    )


def log_url(log_group: logs.ILogGroup) -> str:
    """Return where a browser finds a log."""
    return f"{_CLOUDWATCH}#logsV2:log-groups/log-group/{log_group.log_group_name}"


def machine_url(machine: sfn.IStateMachine) -> str:
    """Return where a browser finds a state machine and its executions."""
    return f"{_CONSOLE}/states/home?region={Aws.REGION}#/statemachines/view/{machine.state_machine_arn}"


def _who_hears(props: Props, subscriptions: str) -> str:
    """Return who hears of alarms, as far as it is known: who has confirmed is AWS's to say."""
    number = len(props.settings.notify)
    if not number:
        return f"**{NOBODY}** [Subscriptions]({subscriptions})"
    topics = len(props.settings.notify_topics)
    addresses = "1 address" if number - topics == 1 else f"{number - topics} addresses"
    heard = [addresses] * (number > topics) + [counted(topics, "other topic")] * (topics > 0)
    return (
        f"Alarms and messages go to {' and '.join(heard)}; an address gets them once it has confirmed: "
        f'[subscriptions]({subscriptions}), where none should be "Pending confirmation".'
    )


def _linked(section: Section, runbook: str | None) -> str:
    """Return the heading, with a link to it where the runbook's URL is known."""
    return f"[{section.heading}]({section_of(runbook, section.heading)})" if runbook else section.heading


def last_failures(log_group: logs.ILogGroup, *, columns: Sequence[str] = COLUMNS) -> cloudwatch.LogQueryWidget:
    """Return what a function's log says of failures and problems."""
    return cloudwatch.LogQueryWidget(
        title="The last failures and problems, newest first",
        width=GRID_COLUMNS,
        height=8,
        log_group_names=[log_group.log_group_name],
        query_lines=[
            f"fields {', '.join(columns)}",
            f"filter {' or '.join(_FAILURES)}",
            "sort @timestamp desc",
            "limit 50",
        ],
        view=cloudwatch.LogQueryVisualizationType.TABLE,
    )
