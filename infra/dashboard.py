"""Whether everything can be recovered, on one page: how things stand, what was done, what it costs, what to do."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.alarms import Alarms
from infra.metrics import metric
from infra.notifications import NOBODY
from infra.props import Props
from infra.sections import SECTIONS, Section
from lightkeeper.deployable import RUN_LIMIT
from lightkeeper.errors import counted
from lightkeeper.metrics import MetricName
from lightkeeper.sender import section_of

GRID_COLUMNS: Final = 24
_HALF: Final = GRID_COLUMNS // 2
_THIRD: Final = GRID_COLUMNS // 3
_QUARTER: Final = GRID_COLUMNS // 4
# A week holds a whole round of a weekly rhythm, and keeps what the table of failures reads in the free tier.
_INTERVAL: Final = Duration.days(7)
_GRAPH_PERIOD: Final = Duration.hours(1)
_GRAPH_HEIGHT: Final = 6
_HOUR: Final = timedelta(hours=1)
_CONSOLE: Final = f"https://{Aws.REGION}.console.aws.amazon.com"
_CLOUDWATCH: Final = f"{_CONSOLE}/cloudwatch/home?region={Aws.REGION}"
# CloudWatch's own palette, each with one meaning on the whole page.
_GOOD: Final = cloudwatch.Color.GREEN
_DOUBTFUL: Final = cloudwatch.Color.ORANGE
_BAD: Final = cloudwatch.Color.RED
_NEUTRAL: Final = cloudwatch.Color.BLUE
_GONE: Final = cloudwatch.Color.GREY
# The fields are those of the function's log lines, a test says.
_COLUMNS: Final = (
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
_STATE: Final = (
    (MetricName.RESOURCES_PROTECTED, "protected", _GOOD),
    (MetricName.RESOURCES_UNPROTECTED, "not protected", _DOUBTFUL),
    (MetricName.RESOURCES_OVERDUE, "overdue", _BAD),
)


class Dashboard(Construct):
    """The dashboard.

    Parameters
    ----------
    scope, construct_id
        Where it stands.
    props
        The deployment's.
    function
        What the schedule invokes.
    log_group
        Where it writes.
    calendar
        What draws the recovery calendar and its sentence of state.
    alarms
        All of them.
    topic
        Where they go.
    """

    def __init__(  # noqa: PLR0913 - one argument for each thing that is shown
        self,
        scope: Construct,
        construct_id: str,
        *,
        props: Props,
        function: lambda_.IFunction,
        log_group: logs.ILogGroup,
        calendar: lambda_.IFunction,
        alarms: Alarms,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self._props = props
        self._function = function
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=dashboard_name(props),
            default_interval=_INTERVAL,
            period_override=cloudwatch.PeriodOverride.INHERIT,
            widgets=[
                [_drawn(calendar, "How everything stands", height=3, view="sentence")],
                self._numbers(),
                [_alarm_status(alarms), _what_to_do(log_group, topic, props)],
                [_drawn(calendar, "Recovery calendar", height=12)],
                [self._age(), self._resources()],
                [self._snapshots(), self._attention()],
                [self._stored(), self._duration(), self._runs()],
                [_last_failures(log_group)],
            ],
        )

    def _metric(
        self, name: MetricName, label: str, color: str, *, statistic: str = "Maximum", period: Duration = _GRAPH_PERIOD
    ) -> cloudwatch.Metric:
        return metric(name, self._props, statistic).with_(label=label, color=color, period=period)

    def _numbers(self) -> list[cloudwatch.IWidget]:
        # The last period only: what was is in the graphs below.
        now = self._props.news_period

        def number(title: str, width: int, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.SingleValueWidget:
            return cloudwatch.SingleValueWidget(title=title, width=width, height=4, period=now, metrics=[*metrics])

        stored = self._metric(MetricName.STORED_GIB, "GiB", _NEUTRAL, period=now)
        oldest = self._metric(MetricName.OLDEST_RECOVERY_POINT_HOURS, "hours", _NEUTRAL, period=now)
        return [
            number(
                "Disks, instances and databases",
                _HALF,
                [self._metric(name, label, color, period=now) for name, label, color in _STATE],
            ),
            number("Longest without a new recovery point", _QUARTER, [oldest]),
            number("Each recovery point at full size", _QUARTER, [stored]),
        ]

    def _age(self) -> cloudwatch.GraphWidget:
        settings = self._props.settings
        hours = self._props.rhythm.overdue_age / _HOUR
        return _graph(
            "Hours since the newest recovery point, of the resource where they are most",
            "hours",
            [self._metric(MetricName.OLDEST_RECOVERY_POINT_HOURS, "longest", _NEUTRAL)],
            limit=cloudwatch.HorizontalAnnotation(
                value=hours,
                label=f'overdue from {hours:g} hours under the policy "{settings.default_policy}"; '
                "rarer ones may be older",
                color=_BAD,
            ),
        )

    def _resources(self) -> cloudwatch.GraphWidget:
        return _graph(
            "Disks, instances and databases",
            "resources",
            [self._metric(name, label, color) for name, label, color in _STATE],
            stacked=True,
        )

    def _snapshots(self) -> cloudwatch.GraphWidget:
        return _graph(
            "Snapshots each hour",
            "snapshots",
            [
                self._metric(MetricName.SNAPSHOTS_CREATED, "created", _GOOD, statistic="Sum"),
                self._metric(MetricName.SNAPSHOTS_DELETED, "deleted", _GONE, statistic="Sum"),
                self._metric(MetricName.SNAPSHOTS_FAILED, "failed", _BAD),
            ],
        )

    def _attention(self) -> cloudwatch.GraphWidget:
        return _graph(
            "Tag problems, and deferred actions",
            "tags, actions",
            [
                self._metric(MetricName.TAG_PROBLEMS, "tag problems", _BAD),
                self._metric(MetricName.ACTIONS_DEFERRED, "actions deferred to a later run", _DOUBTFUL),
            ],
        )

    def _stored(self) -> cloudwatch.GraphWidget:
        return _graph(
            "Each recovery point at full size",
            "GiB",
            [self._metric(MetricName.STORED_GIB, "GiB", _NEUTRAL)],
            width=_THIRD,
        )

    def _duration(self) -> cloudwatch.GraphWidget:
        milliseconds = self._function.metric_duration(period=_GRAPH_PERIOD, statistic="Maximum", label="longest")
        # In seconds, as people count; Lambda counts in milliseconds.
        seconds = cloudwatch.MathExpression(
            expression="duration / 1000",
            using_metrics={"duration": milliseconds},
            label="longest run",
            color=_NEUTRAL,
            period=_GRAPH_PERIOD,
        )
        limit = cloudwatch.HorizontalAnnotation(
            value=RUN_LIMIT.total_seconds(), label="Lambda ends a run here", color=_BAD
        )
        return _graph("Duration of a run", "seconds", [seconds], width=_THIRD, limit=limit)

    def _runs(self) -> cloudwatch.GraphWidget:
        function = self._function
        return _graph(
            "Runs each hour, retries included",
            "runs",
            [
                function.metric_invocations(period=_GRAPH_PERIOD, statistic="Sum", label="runs", color=_GOOD),
                function.metric_errors(period=_GRAPH_PERIOD, statistic="Sum", label="failed", color=_BAD),
            ],
            width=_THIRD,
        )


def dashboard_name(props: Props) -> str:
    """Return the dashboard's name: dashboards are an account's, whatever the Region."""
    return f"{props.stack_name}-{Aws.REGION}"


def dashboard_url(props: Props) -> str:
    """Return where a browser finds the dashboard."""
    return f"{_CLOUDWATCH}#dashboards/dashboard/{dashboard_name(props)}"


def _drawn(calendar: lambda_.IFunction, title: str, *, height: int, **params: str) -> cloudwatch.CustomWidget:
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


def _graph(  # noqa: PLR0913 - a graph has that many sides
    title: str,
    unit: str,
    left: Sequence[cloudwatch.IMetric],
    *,
    width: int = _HALF,
    limit: cloudwatch.HorizontalAnnotation | None = None,
    stacked: bool = False,
) -> cloudwatch.GraphWidget:
    def axis(label: str) -> cloudwatch.YAxisProps:
        return cloudwatch.YAxisProps(label=label, min=0, show_units=False)

    return cloudwatch.GraphWidget(
        title=title,
        width=width,
        height=_GRAPH_HEIGHT,
        period=_GRAPH_PERIOD,
        left=[*left],
        left_y_axis=axis(unit),
        left_annotations=[limit] if limit else None,
        stacked=stacked,
        legend_position=cloudwatch.LegendPosition.BOTTOM,
    )


def _alarm_status(alarms: Alarms) -> cloudwatch.AlarmStatusWidget:
    return cloudwatch.AlarmStatusWidget(
        title="Alarms",
        width=_THIRD,
        height=9,
        alarms=alarms.alarms,
        sort_by=cloudwatch.AlarmStatusWidgetSortBy.STATE_UPDATED_TIMESTAMP,
    )


def _what_to_do(log_group: logs.ILogGroup, topic: sns.ITopic, props: Props) -> cloudwatch.TextWidget:
    runbook = props.own.runbook_url
    places = {
        "All alarms": f"{_CLOUDWATCH}#alarmsV2:",
        "The function's log": f"{_CLOUDWATCH}#logsV2:log-groups/log-group/{log_group.log_group_name}",
        "Snapshots in Lightsail": "https://lightsail.aws.amazon.com/ls/webapp/home/snapshots",
    }
    subscriptions = f"{_CONSOLE}/sns/v3/home?region={Aws.REGION}#/topic/{topic.topic_arn}"
    links = " | ".join(f"[{name}]({url})" for name, url in places.items())
    rows = "\n".join(f"| **{_linked(section, runbook)}** | {section.first} |" for section in SECTIONS)
    steps = f"[The runbook]({runbook})" if runbook else "docs/runbook.md"
    return cloudwatch.TextWidget(
        width=GRID_COLUMNS - _THIRD,
        height=9,
        background=cloudwatch.TextWidgetBackground.TRANSPARENT,
        markdown=f"{_who_hears(props, subscriptions)}\n\n### What to do\n\n| Alarm | First |\n|---|---|\n{rows}\n\n"
        f"Step by step: {steps} has a section for each.\n\n{links}",
    )


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


def _last_failures(log_group: logs.ILogGroup) -> cloudwatch.LogQueryWidget:
    return cloudwatch.LogQueryWidget(
        title="The last failures and problems, newest first",
        width=GRID_COLUMNS,
        height=8,
        log_group_names=[log_group.log_group_name],
        query_lines=[
            f"fields {', '.join(_COLUMNS)}",
            f"filter {' or '.join(_FAILURES)}",
            "sort @timestamp desc",
            "limit 50",
        ],
        view=cloudwatch.LogQueryVisualizationType.TABLE,
    )
