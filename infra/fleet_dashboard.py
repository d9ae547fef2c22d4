"""Whether everything in all accounts can be recovered, on one page: how they stand, how runs go, what to do."""

from collections.abc import Sequence
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.alarms import Alarms
from infra.backup_function import BackupFunction
from infra.fleet import Fleet
from infra.metrics import FleetMetricName
from infra.props import Props
from infra.sections import FLEET_SECTIONS
from infra.widgets import (
    BAD,
    COLUMNS,
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
    machine_url,
    number,
    reported,
    run_limit,
    what_to_do,
)

_Shown = Sequence[tuple[FleetMetricName, str, str]]
"""Metrics, each with its label and its colour."""
_ALARMS_HEIGHT: Final = 12
_ACCOUNTS: Final = (
    (FleetMetricName.ACCOUNTS_PROTECTED, "protected", GOOD),
    (FleetMetricName.ACCOUNTS_WAITING, "waiting", NEUTRAL),
    (FleetMetricName.ACCOUNTS_WITH_TROUBLE, "with trouble", BAD),
    (FleetMetricName.ACCOUNTS_UNKNOWN, "unknown", DOUBTFUL),
    (FleetMetricName.ACCOUNTS_NOT_ONBOARDED, "not onboarded", GONE),
)
_RESOURCES: Final = (
    (FleetMetricName.RESOURCES_PROTECTED, "protected", GOOD),
    (FleetMetricName.RESOURCES_OVERDUE, "overdue", BAD),
)
_ATTENTION: Final = (
    (FleetMetricName.SNAPSHOTS_FAILED, "snapshots failed", BAD),
    (FleetMetricName.TAG_PROBLEMS, "tag problems", DOUBTFUL),
    (FleetMetricName.ACTIONS_DEFERRED, "actions deferred to a later run", NEUTRAL),
)
# A line of the function's log says which account it is about.
_COLUMNS: Final = (COLUMNS[0], "account", *COLUMNS[1:])


class FleetDashboard(Construct):
    """The dashboard.

    Parameters
    ----------
    scope, construct_id
        Where it stands.
    props
        The deployment's.
    fleet
        What the schedule starts.
    keeper
        What looks after each account.
    calendar
        What draws the list of accounts, and the sentence above all.
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
        fleet: Fleet,
        keeper: BackupFunction,
        calendar: lambda_.IFunction,
        alarms: Alarms,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self._props = props
        self._fleet = fleet
        self._function = keeper.function
        places = {
            "Runs": machine_url(fleet.machine),
            "The function's log": log_url(keeper.log_group),
            "The report's log": log_url(fleet.report_log),
        }
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=dashboard_name(props),
            default_interval=INTERVAL,
            period_override=cloudwatch.PeriodOverride.INHERIT,
            widgets=[
                [drawn(calendar, "How everything stands", height=3, view="sentence")],
                [
                    number("Accounts", HALF + QUARTER, self._now(_ACCOUNTS), period=props.news_period),
                    number("Disks, instances and databases", QUARTER, self._now(_RESOURCES), period=props.news_period),
                ],
                [
                    alarm_status(alarms, height=_ALARMS_HEIGHT),
                    what_to_do(FLEET_SECTIONS, places, topic, props, height=_ALARMS_HEIGHT),
                ],
                [drawn(calendar, "The accounts, and the recovery calendar of each", height=12)],
                [
                    graph("Accounts", "accounts", self._by_the_hour(_ACCOUNTS), stacked=True),
                    graph("Disks, instances and databases", "resources", self._by_the_hour(_RESOURCES), stacked=True),
                ],
                [
                    graph(
                        "Failed snapshots, tag problems, and deferred actions",
                        "snapshots, tags, actions",
                        self._by_the_hour(_ATTENTION),
                    ),
                    self._runs(),
                ],
                [self._executions(), self._duration_of_executions(), self._duration_of_runs()],
                [last_failures(keeper.log_group, columns=_COLUMNS)],
            ],
        )

    def _now(self, shown: _Shown) -> list[cloudwatch.IMetric]:
        return self._reported(shown, self._props.news_period)

    def _by_the_hour(self, shown: _Shown) -> list[cloudwatch.IMetric]:
        return self._reported(shown, GRAPH_PERIOD)

    def _reported(self, shown: _Shown, period: Duration) -> list[cloudwatch.IMetric]:
        return [reported(name, self._props, label, color, period=period) for name, label, color in shown]

    def _runs(self) -> cloudwatch.GraphWidget:
        function = self._function
        return graph(
            "Runs of single accounts each hour",
            "runs",
            [
                function.metric_invocations(period=GRAPH_PERIOD, statistic="Sum", label="runs", color=GOOD),
                function.metric_errors(period=GRAPH_PERIOD, statistic="Sum", label="failed", color=BAD),
                function.metric_throttles(period=GRAPH_PERIOD, statistic="Sum", label="throttled", color=DOUBTFUL),
            ],
        )

    def _executions(self) -> cloudwatch.GraphWidget:
        machine = self._fleet.machine
        return graph(
            "Runs over all accounts each hour",
            "executions",
            [
                machine.metric_started(period=GRAPH_PERIOD, statistic="Sum", label="started", color=GOOD),
                machine.metric_failed(period=GRAPH_PERIOD, statistic="Sum", label="failed", color=BAD),
                machine.metric_timed_out(period=GRAPH_PERIOD, statistic="Sum", label="timed out", color=DOUBTFUL),
            ],
            width=THIRD,
        )

    def _duration_of_executions(self) -> cloudwatch.GraphWidget:
        longest = self._fleet.machine.metric_time(period=GRAPH_PERIOD, statistic="Maximum", label="longest")
        seconds = in_seconds(longest, "longest run")
        return graph("Duration of a run over all accounts", "seconds", [seconds], width=THIRD)

    def _duration_of_runs(self) -> cloudwatch.GraphWidget:
        longest = self._function.metric_duration(period=GRAPH_PERIOD, statistic="Maximum", label="longest")
        seconds = in_seconds(longest, "longest run")
        return graph("Duration of a run of one account", "seconds", [seconds], width=THIRD, limit=run_limit())
