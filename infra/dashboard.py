"""Whether everything can be recovered, on one page."""

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.metrics import metric
from infra.props import Props
from lightkeeper.report import MetricName

_THIRD: Final = 8
_HALF: Final = 12


class Dashboard(Construct):
    """The dashboard: how resources stand, what was done, what is stored, and how the function does."""

    def __init__(self, scope: Construct, construct_id: str, *, props: Props, function: lambda_.IFunction) -> None:
        super().__init__(scope, construct_id)
        self._props = props
        self.dashboard = cloudwatch.Dashboard(self, "Dashboard", default_interval=Duration.days(14))
        name = MetricName
        self.dashboard.add_widgets(
            cloudwatch.SingleValueWidget(
                title="Resources now",
                width=2 * _THIRD,
                metrics=self._metrics(
                    "Maximum", name.RESOURCES_PROTECTED, name.RESOURCES_UNPROTECTED, name.RESOURCES_OVERDUE
                ),
            ),
            cloudwatch.SingleValueWidget(
                title="Oldest newest recovery point, hours",
                width=_THIRD,
                metrics=self._metrics("Maximum", name.OLDEST_RECOVERY_POINT_HOURS),
            ),
        )
        self.dashboard.add_widgets(
            self._graph(
                "Resources",
                self._metrics("Maximum", name.RESOURCES_PROTECTED, name.RESOURCES_UNPROTECTED, name.RESOURCES_OVERDUE),
            ),
            self._graph("Snapshots", self._metrics("Sum", name.SNAPSHOTS_CREATED, name.SNAPSHOTS_DELETED)),
        )
        self.dashboard.add_widgets(
            self._graph(
                "Needs attention",
                self._metrics("Maximum", name.SNAPSHOTS_FAILED, name.TAG_PROBLEMS, name.ACTIONS_DEFERRED),
            ),
            self._graph("Stored, GiB at full size", self._metrics("Maximum", name.STORED_GIB)),
        )
        self.dashboard.add_widgets(
            self._graph(
                "Runs",
                [
                    function.metric_invocations(period=props.news_period, statistic="Sum"),
                    function.metric_errors(period=props.news_period, statistic="Sum"),
                ],
            ),
            self._graph("Duration", [function.metric_duration(period=props.news_period, statistic="Maximum")]),
        )

    def _metrics(self, statistic: str, *names: MetricName) -> list[cloudwatch.IMetric]:
        return [metric(name, self._props, statistic) for name in names]

    def _graph(self, title: str, metrics: list[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
        return cloudwatch.GraphWidget(
            title=title, width=_HALF, left=metrics, left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False)
        )
