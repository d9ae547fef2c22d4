"""What the alarms watch where a deployment looks after many accounts: the fleet's own metrics, and none of one account.

As of one account, one cause rings once. What goes wrong in an account is data, which the report tells, so neither a
failed account nor the execution that fails for it rings; where no report comes to its end, something does.
"""

from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs

from infra.alarms import Watched, after_a_day, at_once, silence
from infra.fleet import Fleet
from infra.metrics import FleetMetricName, metric
from infra.props import Props
from infra.sections import (
    ACCOUNTS_UNKNOWN,
    FLEET_DEAD_LETTERS,
    FLEET_FUNCTION_ERRORS,
    FLEET_NO_RUN,
    FLEET_RUNS_FAILED,
    OVERDUE,
    SNAPSHOTS_FAILED,
    TAG_PROBLEMS,
)
from lightkeeper.metrics import RUN_ENDED

_MISSING: Final = cloudwatch.TreatMissingData


def watched_fleet(props: Props, fleet: Fleet, dead_letters: sqs.IQueue) -> list[Watched]:
    """Return what the alarms watch."""
    return [
        silence(FLEET_NO_RUN, FleetMetricName.ACCOUNTS_PROTECTED, props),
        # Between runs there is no news: the state stays as it is. If runs stop, NoRun says so.
        Watched(
            name="FunctionErrors",
            section=FLEET_FUNCTION_ERRORS,
            metric=_failed_altogether(props, fleet),
            missing=_MISSING.IGNORE,
        ),
        at_once(OVERDUE, FleetMetricName.RESOURCES_OVERDUE, props),
        at_once(SNAPSHOTS_FAILED, FleetMetricName.SNAPSHOTS_FAILED, props),
        # The report tells of both at once. These are for what was told, and is still so in every run of a day.
        after_a_day(TAG_PROBLEMS, FleetMetricName.TAG_PROBLEMS, props),
        after_a_day(ACCOUNTS_UNKNOWN, FleetMetricName.ACCOUNTS_UNKNOWN, props),
        Watched(
            name="FleetRunsFailed",
            section=FLEET_RUNS_FAILED,
            metric=_ended_without_a_report(props, fleet),
            missing=_MISSING.NOT_BREACHING,
        ),
        Watched(
            name="DeadLetters",
            section=FLEET_DEAD_LETTERS,
            metric=_undelivered(props, dead_letters),
            missing=_MISSING.NOT_BREACHING,
        ),
    ]


def _failed_altogether(props: Props, fleet: Fleet) -> cloudwatch.IMetric:
    """Return how often a function failed that a run needs for all accounts, while no report came to its end."""
    return cloudwatch.MathExpression(
        # The first is invoked in each run, the second in those that get so far.
        expression="(listing + FILL(reporting, 0)) * (FILL(ended, 0) < 1)",
        using_metrics=_errors(props, fleet) | {"ended": _ended(props)},
        label="runs in which a function failed",
        period=props.fleet_error_period,
    )


def _ended_without_a_report(props: Props, fleet: Fleet) -> cloudwatch.IMetric:
    """Return how many executions ended badly while no report came to its end, and no function failed."""
    period, machine = props.fleet_error_period, fleet.machine
    return cloudwatch.MathExpression(
        expression="(FILL(failed, 0) + FILL(late, 0) + FILL(stopped, 0)) * (FILL(ended, 0) < 1)"
        " * (FILL(listing, 0) + FILL(reporting, 0) < 1)",
        using_metrics={
            "failed": machine.metric_failed(period=period, statistic="Sum"),
            "late": machine.metric_timed_out(period=period, statistic="Sum"),
            "stopped": machine.metric_aborted(period=period, statistic="Sum"),
            "ended": _ended(props),
            **_errors(props, fleet),
        },
        label="executions that ended without a report",
        period=period,
    )


def _undelivered(props: Props, dead_letters: sqs.IQueue) -> cloudwatch.IMetric:
    """Return how many events came into the queue, so that they started nothing, while no report came to its end.

    What came, not what lies there: nobody has to empty the queue for the alarm to end.
    """
    return cloudwatch.MathExpression(
        expression="sent * (FILL(ended, 0) < 1)",
        using_metrics={
            "sent": dead_letters.metric_number_of_messages_sent(period=props.fleet_error_period, statistic="Sum"),
            "ended": _ended(props),
        },
        label="events that started nothing",
        period=props.fleet_error_period,
    )


def _errors(props: Props, fleet: Fleet) -> dict[str, cloudwatch.IMetric]:
    """Return how often each function failed around those of the accounts: what fails in these, the report tells."""
    period = props.fleet_error_period
    return {
        "listing": fleet.accounts.metric_errors(period=period, statistic="Sum"),
        "reporting": fleet.report.metric_errors(period=period, statistic="Sum"),
    }


def _ended(props: Props) -> cloudwatch.IMetric:
    return metric(RUN_ENDED, props, "SampleCount").with_(period=props.fleet_error_period)
