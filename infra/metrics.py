"""The metrics of Lightkeeper's runs, as alarms and dashboard name them: exactly as the function sends them."""

from enum import StrEnum

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.props import Props
from lightkeeper.metrics import NAMESPACE, MetricName


class FleetMetricName(StrEnum):
    """The metrics of many accounts."""

    ACCOUNTS_PROTECTED = "AccountsProtected"
    ACCOUNTS_WAITING = "AccountsWaiting"
    ACCOUNTS_WITH_TROUBLE = "AccountsWithTrouble"
    ACCOUNTS_NOT_ONBOARDED = "AccountsNotOnboarded"
    ACCOUNTS_UNKNOWN = "AccountsUnknown"
    RESOURCES_PROTECTED = MetricName.RESOURCES_PROTECTED.value
    RESOURCES_OVERDUE = MetricName.RESOURCES_OVERDUE.value
    SNAPSHOTS_FAILED = MetricName.SNAPSHOTS_FAILED.value
    TAG_PROBLEMS = MetricName.TAG_PROBLEMS.value
    ACTIONS_DEFERRED = MetricName.ACTIONS_DEFERRED.value


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
