"""Whether everything can be recovered, on one page: how things stand, what was done, what it costs, what to do."""

from datetime import timedelta
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.alarms import Alarms
from infra.props import Props
from infra.sections import SECTIONS
from infra.widgets import (
    BAD,
    DOUBTFUL,
    GONE,
    GOOD,
    GRAPH_PERIOD,
    HALF,
    INTERVAL,
    NEUTRAL,
    QUARTER,
    THIRD,
    alarm_status,
    dashboard_name,
    drawn,
    graph,
    in_seconds,
    last_failures,
    log_url,
    number,
    reported,
    run_limit,
    what_to_do,
)
from lightkeeper.metrics import MetricName

_HOUR: Final = timedelta(hours=1)
_STATE: Final = (
    (MetricName.RESOURCES_PROTECTED, "protected", GOOD),
    (MetricName.RESOURCES_UNPROTECTED, "not protected", DOUBTFUL),
    (MetricName.RESOURCES_OVERDUE, "overdue", BAD),
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
            default_interval=INTERVAL,
            period_override=cloudwatch.PeriodOverride.INHERIT,
            widgets=[
                [drawn(calendar, "How everything stands", height=3, view="sentence")],
                self._numbers(),
                [alarm_status(alarms), what_to_do(SECTIONS, {"The function's log": log_url(log_group)}, topic, props)],
                [drawn(calendar, "Recovery calendar", height=12)],
                [self._age(), self._resources()],
                [self._snapshots(), self._attention()],
                [self._stored(), self._duration(), self._runs()],
                [last_failures(log_group)],
            ],
        )

    def _metric(
        self, name: MetricName, label: str, color: str, *, statistic: str = "Maximum", period: Duration = GRAPH_PERIOD
    ) -> cloudwatch.Metric:
        return reported(name, self._props, label, color, statistic=statistic, period=period)

    def _numbers(self) -> list[cloudwatch.IWidget]:
        now = self._props.news_period
        stored = self._metric(MetricName.STORED_GIB, "GiB", NEUTRAL, period=now)
        oldest = self._metric(MetricName.OLDEST_RECOVERY_POINT_HOURS, "hours", NEUTRAL, period=now)
        return [
            number(
                "Disks, instances and databases",
                HALF,
                [self._metric(name, label, color, period=now) for name, label, color in _STATE],
                period=now,
            ),
            number("Longest without a new recovery point", QUARTER, [oldest], period=now),
            number("Each recovery point at full size", QUARTER, [stored], period=now),
        ]

    def _age(self) -> cloudwatch.GraphWidget:
        settings = self._props.settings
        hours = self._props.rhythm.overdue_age / _HOUR
        return graph(
            "Hours since the newest recovery point, of the resource where they are most",
            "hours",
            [self._metric(MetricName.OLDEST_RECOVERY_POINT_HOURS, "longest", NEUTRAL)],
            limit=cloudwatch.HorizontalAnnotation(
                value=hours,
                label=f'overdue from {hours:g} hours under the policy "{settings.default_policy}"; '
                "rarer ones may be older",
                color=BAD,
            ),
        )

    def _resources(self) -> cloudwatch.GraphWidget:
        return graph(
            "Disks, instances and databases",
            "resources",
            [self._metric(name, label, color) for name, label, color in _STATE],
            stacked=True,
        )

    def _snapshots(self) -> cloudwatch.GraphWidget:
        return graph(
            "Snapshots each hour",
            "snapshots",
            [
                self._metric(MetricName.SNAPSHOTS_CREATED, "created", GOOD, statistic="Sum"),
                self._metric(MetricName.SNAPSHOTS_DELETED, "deleted", GONE, statistic="Sum"),
                self._metric(MetricName.SNAPSHOTS_FAILED, "failed", BAD),
            ],
        )

    def _attention(self) -> cloudwatch.GraphWidget:
        problems = self._metric(MetricName.TAG_PROBLEMS, "tag problems", BAD)
        deferred = self._metric(MetricName.ACTIONS_DEFERRED, "actions deferred to a later run", DOUBTFUL)
        if not self._props.settings.copies:
            return graph("Tag problems, and deferred actions", "tags, actions", [problems, deferred])
        overdue = self._metric(MetricName.COPIES_OVERDUE, "copies overdue in other Regions", GONE)
        return graph(
            "Copies overdue, tag problems, and deferred actions",
            "copies, tags, actions",
            [overdue, problems, deferred],
        )

    def _stored(self) -> cloudwatch.GraphWidget:
        return graph(
            "Each recovery point at full size",
            "GiB",
            [self._metric(MetricName.STORED_GIB, "GiB", NEUTRAL)],
            width=THIRD,
        )

    def _duration(self) -> cloudwatch.GraphWidget:
        longest = self._function.metric_duration(period=GRAPH_PERIOD, statistic="Maximum", label="longest")
        seconds = in_seconds(longest, "longest run")
        return graph("Duration of a run", "seconds", [seconds], width=THIRD, limit=run_limit())

    def _runs(self) -> cloudwatch.GraphWidget:
        function = self._function
        return graph(
            "Runs each hour, retries included",
            "runs",
            [
                function.metric_invocations(period=GRAPH_PERIOD, statistic="Sum", label="runs", color=GOOD),
                function.metric_errors(period=GRAPH_PERIOD, statistic="Sum", label="failed", color=BAD),
            ],
            width=THIRD,
        )
