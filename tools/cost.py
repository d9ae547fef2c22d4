"""What Lightkeeper itself costs in a month, worked out from its template. Pure. Prices of us-east-1, in USD."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

RESOURCES: Final = 100
"""Disks and instances with a daily backup."""
SECONDS_A_RUN: Final = 10
"""Far more than a quiet run takes; a run that takes 100 snapshots makes 100 calls, 8 at a time."""
MAILS_A_DAY: Final = 2
"""To each subscriber: an alarm or something new, and the daily digest."""
VIEWS_A_DAY: Final = 50
"""Of the dashboard, with two widgets of the calendar's function."""
SECONDS_A_VIEW: Final = 5
"""A first view's start, and the lists of 100 resources; later ones take less."""
DAYS_IN_VIEW: Final = 7
"""Of the log, which each view's table of failures reads."""
VIEW_LOG_BYTES: Final = 1_500
"""Lambda's own lines."""
QUIET_RUN_LOG_BYTES: Final = 4_000
ACTION_LOG_BYTES: Final = 1_000
ACTIONS_A_DAY: Final = 3
"""For each resource: a snapshot taken, one announced, one deleted."""
_DAYS: Final = 30.4
_RUNS: Final = 24 * _DAYS
_VIEWS: Final = 2 * VIEWS_A_DAY * _DAYS
_GIB: Final = 1024**3


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the bill."""

    what: str
    count: float
    unit: str
    free: float
    """How much of it is free each month, in an account."""
    price: float
    """Of one, beyond that."""

    @property
    def is_free(self) -> bool:
        """Whether all of it is inside the free tier."""
        return self.count <= self.free

    @property
    def full_price(self) -> float:
        """What it costs where something else has used the free tier up."""
        return self.count * self.price


def lines(template: Mapping[str, Any]) -> list[Line]:
    """Return the bill of a template with the default tick."""
    resources = template["Resources"].values()

    def of(kind: str) -> list[dict[str, Any]]:
        return [resource["Properties"] for resource in resources if resource["Type"] == kind]

    memory = {function["Handler"]: function["MemorySize"] for function in of("AWS::Lambda::Function")}
    run_mib_seconds = _RUNS * SECONDS_A_RUN * memory["lightkeeper.handler.handle"]
    view_mib_seconds = _VIEWS * SECONDS_A_VIEW * memory["recovery_calendar.handler.handle"]
    run_log_bytes = _RUNS * QUIET_RUN_LOG_BYTES + _DAYS * RESOURCES * ACTIONS_A_DAY * ACTION_LOG_BYTES
    read_log_bytes = VIEWS_A_DAY * _DAYS * run_log_bytes * DAYS_IN_VIEW / _DAYS
    return [
        Line("CloudWatch metrics", len(_custom_metrics(of)), "", 10, 0.30),
        Line("CloudWatch alarms, by metric", sum(map(_watched, of("AWS::CloudWatch::Alarm"))), "", 10, 0.10),
        Line("CloudWatch dashboards", len(of("AWS::CloudWatch::Dashboard")), "", 3, 3.00),
        Line("CloudWatch logs", (run_log_bytes + _VIEWS * VIEW_LOG_BYTES) / _GIB, "GB", 5, 0.50),
        Line("CloudWatch logs, read", read_log_bytes / _GIB, "GB", 5, 0.005),
        Line("Lambda requests", _RUNS + _VIEWS, "", 1_000_000, 0.20e-6),
        Line("Lambda compute", (run_mib_seconds + view_mib_seconds) / 1024, "GB-s", 400_000, 1.33334e-5),
        Line("X-Ray traces", _RUNS, "", 100_000, 5e-6),
        Line("Scheduler invocations", _RUNS, "", 14_000_000, 1e-6),
        Line("SQS requests", 0, "", 1_000_000, 0.40e-6),
        Line("SNS requests", _RUNS, "", 1_000_000, 0.50e-6),
        Line("SNS e-mails", MAILS_A_DAY * _DAYS * len(of("AWS::SNS::Subscription")), "", 1_000, 2e-5),
        Line("KMS keys", len(of("AWS::KMS::Key")), "", 0, 1.00),
    ]


def table(template: Mapping[str, Any]) -> str:
    """Return the bill as a table of docs/cost.md."""
    rows = [
        f"| {line.what} | {_number(line.count)} {line.unit}".rstrip()
        + f" | {_number(line.free)} {line.unit}".rstrip()
        + f" | {0 if line.is_free else line.full_price:.2f} | {line.full_price:.2f} |"
        for line in lines(template)
    ]
    inside = sum(0 if line.is_free else line.full_price for line in lines(template))
    outside = sum(line.full_price for line in lines(template))
    head = [
        "| what | a month | free each month | USD | USD without the free tier |",
        "|---|---:|---:|---:|---:|",
    ]
    return "\n".join([*head, *rows, f"| **together** | | | **{inside:.2f}** | **{outside:.2f}** |"])


def _custom_metrics(of: Any) -> set[str]:  # noqa: ANN401 - a function of templates
    """Return the names of our own metrics that the dashboard shows: those that the function sends, a test says."""
    return {
        name
        for dashboard in of("AWS::CloudWatch::Dashboard")
        for name in re.findall(r'\["Lightkeeper","(\w+)"', _text(dashboard["DashboardBody"]))
    }


def _watched(alarm: Mapping[str, Any]) -> int:
    """Return how many metrics an alarm watches: an expression costs as much as all that are in it."""
    return sum("MetricStat" in each for each in alarm.get("Metrics", ())) or 1


def _text(body: object) -> str:
    return json.dumps(body).replace("\\", "")


def _number(number: float) -> str:
    return f"{number:,.0f}" if number >= 1 or number == 0 else f"{number:.2f}"
