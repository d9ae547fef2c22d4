"""The metrics of a fleet: their names, what each counts, and which of them are published. Pure.

None of them is of one account: a hundred accounts would cost as much as what they are to guard.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from lightkeeper.fleet import AccountState, FleetRow
from lightkeeper.fleet_report import FleetReport
from lightkeeper.metrics import ALARMING, GAUGES, RUN_ENDED, MetricName
from lightkeeper.model import Status


class FleetMetricName(StrEnum):
    """The metrics of an organization's deployment, at most ten: CloudWatch's free tier."""

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


ACCOUNTS_IN: Final[Mapping[AccountState, FleetMetricName]] = {
    AccountState.PROTECTED: FleetMetricName.ACCOUNTS_PROTECTED,
    AccountState.WAITING: FleetMetricName.ACCOUNTS_WAITING,
    AccountState.TROUBLE: FleetMetricName.ACCOUNTS_WITH_TROUBLE,
    AccountState.NOT_ONBOARDED: FleetMetricName.ACCOUNTS_NOT_ONBOARDED,
    AccountState.UNKNOWN: FleetMetricName.ACCOUNTS_UNKNOWN,
}
"""The metric that counts the accounts in a state. Those with nothing to back up have none."""
SUMS: Final = (
    MetricName.RESOURCES_PROTECTED,
    MetricName.RESOURCES_OVERDUE,
    MetricName.SNAPSHOTS_FAILED,
    MetricName.TAG_PROBLEMS,
    MetricName.ACTIONS_DEFERRED,
)
"""The metrics of one account that are summed."""


def publishable(report: FleetReport, *, is_notified: bool = True) -> dict[FleetMetricName, float]:
    """Return the numbers of a fleet that CloudWatch may have.

    As of one account, see `metrics.publishable`: while an account is unknown, or does not let Lightkeeper in any more,
    or has withheld a number itself, that number is not known of the whole. Then neither a gauge is published nor good
    news that an alarm watches: an alarm must not end because nobody looks. Bad news is true all the same. An account
    that has never let Lightkeeper in is none of the whole yet.

    Parameters
    ----------
    report
        What there is to say of the fleet.
    is_notified
        Whether people were notified of what they have to know: else `RUN_ENDED` is not among them.
    """
    fleet = report.fleet
    numbers: dict[FleetMetricName, float] = {name: fleet.counts[state] for state, name in ACCOUNTS_IN.items()}
    if not report.is_complete and not numbers[FleetMetricName.ACCOUNTS_UNKNOWN]:
        del numbers[FleetMetricName.ACCOUNTS_UNKNOWN]
    for name in SUMS:
        total = sum(each.numbers.get(name, 0) for each in report.reports.values())
        is_whole = report.is_complete and all(_has(report, row, name) for row in fleet.rows)
        if _may_be_published(name, total, is_whole=is_whole, is_notified=is_notified):
            numbers[FleetMetricName(name.value)] = total
    return numbers


def alarm_begins(report: FleetReport) -> bool:
    """Return whether the alarm on what is overdue can begin now: something is, and before nothing was."""
    before = report.previous
    was_on = before is None or any(row.statuses.get(Status.OVERDUE) for row in before.rows)
    return not was_on and publishable(report).get(FleetMetricName.RESOURCES_OVERDUE, 0) > 0


def _has(report: FleetReport, row: FleetRow, name: MetricName) -> bool:
    """Return whether a number is known of an account, or the account is none of the whole."""
    if row.state is AccountState.NOT_ONBOARDED:
        return not row.refuses
    return row.account in report.reports and name in report.reports[row.account].numbers


def _may_be_published(name: MetricName, total: float, *, is_whole: bool, is_notified: bool) -> bool:
    if name is RUN_ENDED:
        return is_notified
    if name in ALARMING:
        return is_whole or total > 0
    return is_whole or name not in GAUGES
