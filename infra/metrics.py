"""The metrics of Lightkeeper's runs, as alarms and dashboard name them: exactly as the function sends them."""

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.props import Props
from lightkeeper.fleet_metrics import FleetMetricName
from lightkeeper.metrics import NAMESPACE, MetricName

Reported = MetricName | FleetMetricName
"""What a run of one account reports, or one of many."""


def metric(name: Reported, props: Props, statistic: str) -> cloudwatch.Metric:
    """Return a metric of this deployment, as often as there is news."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name.value,
        dimensions_map={"service": props.settings.deployment},
        period=props.news_period,
        statistic=statistic,
    )
