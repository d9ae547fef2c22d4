"""What Lightkeeper itself costs in a month, worked out from its template, and what copies cost. Pure.

Prices of us-east-1, in USD.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cronsim import CronSim

from lightkeeper.copies import SCHEDULE
from lightkeeper.keep_rules import parse_keep
from lightkeeper.model import CopyRule
from lightkeeper.pricing import CHANGE_PER_DAY, usd_of_transfer, usd_per_month
from lightkeeper.schedule import parse_schedule
from lightkeeper.settings import Settings
from lightkeeper.ticks import Cron, Rate, parse_tick
from lightkeeper_cli.simulation import LAST_DAYS, Scenario, simulate

REVIEWED: Final = Path(__file__).parents[1] / "tests" / "infra" / "template.json"
"""The template of a default deployment; a test says that it is."""
RESOURCES: Final = 100
"""Disks and instances with a daily backup."""
SECONDS_A_RUN: Final = 10
"""Far more than a quiet run takes; a run that takes 100 snapshots makes 100 calls, 8 at a time."""
MAILS_A_DAY: Final = 2
"""To each subscriber: an alarm or something new, and the daily digest."""
VIEWS_A_DAY: Final = 50
"""Of the dashboard, with two widgets of the calendar's function."""
ON_A_WALL: Final = 24 * 60
"""A day's views of a dashboard that refreshes itself each minute."""
SECONDS_A_VIEW: Final = 5
"""A first view's start, and the lists of 100 resources; later ones take less."""
VIEW_LOG_BYTES: Final = 1_500
"""Lambda's own lines."""
QUIET_RUN_LOG_BYTES: Final = 2_500
"""The summary, the metrics and Lambda's own lines."""
PROBLEMS: Final = 2
"""Tags that nobody has corrected yet: each run says them again."""
PROBLEM_LOG_BYTES: Final = 900
ACTION_LOG_BYTES: Final = 700
ACTIONS_A_DAY: Final = 3
"""For each resource: a snapshot taken, one marked, one deleted."""
KEY_VERSIONS: Final = 3
"""A key is rotated each year. AWS charges for it, and for its first two rotations; further ones are free."""
COPY_DAYS: Final = 400
COPY_GIB: Final = 80
FREE_LOG_GIB: Final = 5
"""What is written, kept and read, together."""
DAYS: Final = 30.4
"""In a month."""
GIB: Final = 1024**3
_YEAR: Final = timedelta(days=365)
_ANY_YEAR: Final = datetime(2026, 1, 1, tzinfo=UTC)


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
    def cost(self) -> float:
        """What it costs where nothing else uses the free tier."""
        return max(0.0, self.count - self.free) * self.price

    @property
    def full_price(self) -> float:
        """What it costs where something else has used the free tier up."""
        return self.count * self.price


def reviewed(*, tick: str | None = None) -> dict[str, Any]:
    """Return the template of a default deployment, with another tick if one is named."""
    template: dict[str, Any] = json.loads(REVIEWED.read_text(encoding="utf-8"))
    if tick:
        (schedule,) = of_kind(template, "AWS::Scheduler::Schedule")
        schedule["ScheduleExpression"] = tick
    return template


def lines(template: Mapping[str, Any], *, resources: int = RESOURCES, views: int = VIEWS_A_DAY) -> list[Line]:
    """Return the bill of a template, for so many disks and instances and so many views of the dashboard a day."""
    (schedule,) = of_kind(template, "AWS::Scheduler::Schedule")
    runs, calls = runs_a_month(schedule["ScheduleExpression"]), 2 * views * DAYS
    memory = {function["Handler"]: function["MemorySize"] for function in of_kind(template, "AWS::Lambda::Function")}
    run_gib_seconds = runs * SECONDS_A_RUN * memory["lightkeeper.handler.handle"] / 1024
    call_gib_seconds = calls * SECONDS_A_VIEW * memory["recovery_calendar.handler.handle"] / 1024
    run_log = runs * (QUIET_RUN_LOG_BYTES + PROBLEMS * PROBLEM_LOG_BYTES)
    run_log += DAYS * resources * ACTIONS_A_DAY * ACTION_LOG_BYTES
    written = run_log + calls * VIEW_LOG_BYTES
    kept = written * max(group["RetentionInDays"] for group in of_kind(template, "AWS::Logs::LogGroup")) / DAYS
    # Each view's table of failures searches the function's log of the time that the dashboard shows.
    read = views * run_log * days_in_view(template)
    return [
        Line("CloudWatch metrics", len(custom_metrics(template)), "", 10, 0.30),
        Line(
            "CloudWatch alarms, by metric",
            sum(map(metrics_watched, of_kind(template, "AWS::CloudWatch::Alarm"))),
            "",
            10,
            0.10,
        ),
        Line("CloudWatch dashboards", len(of_kind(template, "AWS::CloudWatch::Dashboard")), "", 3, 3.00),
        *log_lines(written / GIB, kept / GIB, read / GIB),
        Line("Lambda requests", runs + calls, "", 1_000_000, 0.20e-6),
        Line("Lambda compute", run_gib_seconds + call_gib_seconds, "GB-s", 400_000, 1.33334e-5),
        Line("Scheduler invocations", runs, "", 14_000_000, 1e-6),
        Line("SQS requests", 0, "", 1_000_000, 0.40e-6),
        Line("SNS requests", runs, "", 1_000_000, 0.50e-6),
        Line("SNS e-mails", MAILS_A_DAY * DAYS * len(of_kind(template, "AWS::SNS::Subscription")), "", 1_000, 2e-5),
        Line("KMS keys, from the third year on", KEY_VERSIONS * len(of_kind(template, "AWS::KMS::Key")), "", 0, 1.00),
    ]


def runs_a_month(tick: str) -> float:
    """Return how many runs a tick makes in a month.

    Raises
    ------
    InvalidValueError
        If it is not a tick.
    """
    match parse_tick(tick):
        case Rate(period):
            return timedelta(days=DAYS) / period
        case Cron(expression):
            end = _ANY_YEAR + _YEAR
            return sum(1 for _ in _until(CronSim(expression, _ANY_YEAR), end)) * (timedelta(days=DAYS) / _YEAR)


def together(bill: Sequence[Line]) -> tuple[float, float]:
    """Return what a bill comes to, with the free tier and without it."""
    return sum(line.cost for line in bill), sum(line.full_price for line in bill)


def table(bill: Sequence[Line]) -> str:
    """Return a bill as a table of docs/cost.md."""
    rows = [
        f"| {line.what} | {as_number(line.count)} {line.unit}".rstrip()
        + f" | {as_number(line.free)} {line.unit}".rstrip()
        + f" | {line.cost:.2f} | {line.full_price:.2f} |"
        for line in bill
    ]
    head = [
        "",
        "| what | a month | free each month | USD | USD without the free tier |",
        "|---|---:|---:|---:|---:|",
    ]
    inside, outside = together(bill)
    return "\n".join([*head, *rows, f"| **together** | | | **{inside:.2f}** | **{outside:.2f}** |", ""])


def comparison() -> str:
    """Return the table of docs/cost.md that says what the tick, the views and the resources change."""
    cases = (
        ("as above", lines(reviewed())),
        ("1,000 resources", lines(reviewed(), resources=1_000)),
        ('`"tick": "rate(15 minutes)"`', lines(reviewed(tick="rate(15 minutes)"))),
        ('`"tick": "rate(5 minutes)"`', lines(reviewed(tick="rate(5 minutes)"))),
        ("on a wall", lines(reviewed(), views=ON_A_WALL)),
        ('on a wall, `"tick": "rate(5 minutes)"`', lines(reviewed(tick="rate(5 minutes)"), views=ON_A_WALL)),
    )
    head = [
        "",
        "| what is different | runs a month | log written | log read | USD | USD without the free tier |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    return "\n".join([*head, *(_row(what, bill) for what, bill in cases), ""])


def copies_table(keeps: Sequence[str] = ("daily=7", "daily=7 monthly=12", "daily=30 monthly=12 yearly=3")) -> str:
    """Return the table of docs/cost.md that says what copies of a source come to, after so many days."""
    policy = Settings().policies["daily"]
    rows: list[str] = []
    for keep in keeps:
        for change in (CHANGE_PER_DAY, CHANGE_PER_DAY / 4):
            rule = CopyRule(parse_schedule(SCHEDULE, policy.schedule.zone), parse_keep(keep))
            scenario = Scenario(policy, _ANY_YEAR.date(), COPY_DAYS, COPY_GIB, change, rule)
            copies = simulate(scenario, policy.keep, Settings(), lambda: None).copies
            assert copies is not None  # noqa: S101 - the scenario has them
            stored, sent = usd_per_month(copies.stored_gib), usd_of_transfer(copies.sent_gib_lately)
            rows.append(
                f"| `{keep}` | {change:.1%} | {len(copies.points)} | {copies.stored_gib:,.0f} GiB | {stored:.2f} "
                f"| {copies.sent_gib_lately:,.0f} GiB | {sent:.2f} | **{stored + sent:.2f}** |"
            )
    held = f"held after {COPY_DAYS} days"
    head = [
        "",
        f"| copies are kept | changes a day | {held} | stored | USD | sent in {LAST_DAYS} days | USD | together |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    return "\n".join([*head, *rows, ""])


def _row(what: str, bill: Sequence[Line]) -> str:
    counts = {line.what: line.count for line in bill}
    inside, outside = together(bill)
    return (
        f"| {what} | {as_number(counts['Scheduler invocations'])} | {as_number(counts['CloudWatch logs, written'])} GB "
        f"| {as_number(counts['CloudWatch logs, read'])} GB | {inside:.2f} | {outside:.2f} |"
    )


def log_lines(written: float, kept: float, read: float) -> list[Line]:
    """Return the lines of the logs, in GiB, which have one free tier together."""
    return [
        Line("CloudWatch logs, written", written, "GB", FREE_LOG_GIB, 0.50),
        Line("CloudWatch logs, kept", kept, "GB", max(0.0, FREE_LOG_GIB - written), 0.03),
        Line("CloudWatch logs, read", read, "GB", max(0.0, FREE_LOG_GIB - written - kept), 0.005),
    ]


def of_kind(template: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the properties of each resource of a type."""
    return [each["Properties"] for each in template["Resources"].values() if each["Type"] == kind]


def custom_metrics(template: Mapping[str, Any]) -> set[str]:
    """Return the names of our own metrics that the dashboard shows: those that the function sends, a test says."""
    return set(re.findall(r'\["Lightkeeper","(\w+)"', _dashboard(template)))


def metrics_watched(alarm: Mapping[str, Any]) -> int:
    """Return how many metrics an alarm watches: an expression costs as much as all that are in it."""
    return sum("MetricStat" in each for each in alarm.get("Metrics", ())) or 1


def days_in_view(template: Mapping[str, Any]) -> int:
    """Return how many days the dashboard shows, unless somebody changes that."""
    (days,) = re.findall(r'"start":"-P(\d+)D"', _dashboard(template))
    return int(days)


def _dashboard(template: Mapping[str, Any]) -> str:
    (dashboard,) = of_kind(template, "AWS::CloudWatch::Dashboard")
    return json.dumps(dashboard["DashboardBody"]).replace("\\", "")


def _until(times: Iterator[datetime], end: datetime) -> Iterator[datetime]:
    for time in times:
        if time >= end:
            return
        yield time


def as_number(number: float) -> str:
    """Return a number as it is read."""
    return f"{number:,.0f}" if number >= 1 or number == 0 else f"{number:.2f}"
