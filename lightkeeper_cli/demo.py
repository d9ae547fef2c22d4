"""`lightkeeper demo`: the real handler, tick by tick, against a local Lightsail, and what came of it."""

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from itertools import groupby
from time import perf_counter
from typing import TYPE_CHECKING, Final, TypeAlias
from zoneinfo import ZoneInfo

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from lightkeeper.handler import RunFailedError, handle
from lightkeeper.inventory import plan_regions
from lightkeeper.lightsail import connect
from lightkeeper.model import Plan, RecoveryPoint
from lightkeeper.report import ActionDocument, MetricName, plan_document
from lightkeeper.settings import Settings
from lightkeeper.times import format_instant
from lightkeeper_cli.show import show_problems, sources_table
from lightsail_sandbox.client import EndSnapshots, FaultRule, Sandbox, running_sandbox
from lightsail_sandbox.fleet import DOOMED_INSTANCE, FLAKY_DISK, HELD_DISK, REGION, fleet, newcomer

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient

# Sixty days from here pass both of autumn's clock changes: Europe's and America's.
_START: Final = datetime(2026, 9, 15, tzinfo=UTC)
_TICK: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)

Metrics: TypeAlias = dict[str, list[float]]


class _Context(LambdaContext):
    """What Lambda hands to the function: here, with all the time in the world."""

    _aws_request_id = "demo"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Return Lambda's longest time."""
        return 900_000


@dataclass(slots=True)
class _Diary:
    """What the function printed, tick after tick: its log lines and metrics."""

    done: list[ActionDocument] = field(default_factory=list)
    metrics: Metrics = field(default_factory=lambda: defaultdict(list))
    failed_runs: int = 0

    def read(self, printed: str) -> None:
        """Take in what one tick printed."""
        for line in printed.splitlines():
            entry = json.loads(line)
            if "_aws" in entry:
                for metric in entry["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
                    value = entry[metric["Name"]]
                    self.metrics[metric["Name"]].append(value[0] if isinstance(value, list) else value)
            elif entry["message"] == "action":
                self.done.append(entry["detail"])


def run_demo(days: int, console: Console) -> Plan:
    """Simulate that many days, hour by hour, show what a user wants to see in the end, and return the last plan."""
    began = perf_counter()
    settings = Settings()
    with running_sandbox() as sandbox, _environment(sandbox):
        sandbox.set_time(_START)
        sandbox.seed(fleet(_START))
        console.print(
            f"{days} days of backups on the [bold]local Lightsail[/] at {sandbox.url} (not on AWS): the real handler, "
            "real boto3 calls over HTTP, a simulated clock."
        )
        diary = _simulate(sandbox, days, console)
        end = sandbox.now()
        plan = plan_regions(connect((), max_concurrency=settings.max_concurrency), settings, end)
        foreign = _foreign(sandbox, {kept.point.name for kept in plan.kept})
        calls = len(sandbox.calls())
    _show(plan, diary, foreign, console)
    console.print(
        f"\nAll of this ran on the local Lightsail, none of it on AWS: {days} days, {days * _DAY // _TICK} ticks, "
        f"{calls} calls, {perf_counter() - began:.0f} seconds."
    )
    return plan


@contextmanager
def _environment(sandbox: Sandbox) -> Iterator[None]:
    """Put this process where Lambda would be: the sandbox as its Lightsail, and dummy credentials."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(sandbox.environment(REGION))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _simulate(sandbox: Sandbox, days: int, console: Console) -> _Diary:
    diary = _Diary()
    user: LightsailClient = boto3.client("lightsail")
    ticks = days * (_DAY // _TICK)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        redirect_stdout=False,
    )
    # One stream for all ticks: the Logger keeps the first that it is given.
    with redirect_stdout(StringIO()) as printed, progress:
        task = progress.add_task("", total=ticks)
        for number in range(ticks):
            now = _START + number * _TICK
            sandbox.set_time(now)
            if number % (_DAY // _TICK) == 0:
                _live_through(sandbox, user, number // (_DAY // _TICK), days, diary)
            progress.update(task, advance=1, description=f"{now:%Y-%m-%d}")
            try:
                handle({"time": format_instant(now)}, _Context())
            except RunFailedError:
                diary.failed_runs += 1
            diary.read(printed.getvalue())
            printed.seek(0)
            printed.truncate()
    return diary


def _live_through(sandbox: Sandbox, user: "LightsailClient", day: int, days: int, diary: _Diary) -> None:
    """Let happen what happens on a day: a hold, a bad week, an instance deleted half-way, a new disk."""
    if day == days // 6:
        held = next(done["snapshot"] for done in diary.done if done["source"] == HELD_DISK)
        user.tag_resource(resourceName=held, tags=[{"key": "backup:hold"}])
    if day == days // 3:
        sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), resource=FLAKY_DISK))
    if day == days // 3 + 7:
        sandbox.clear_faults()
    if day == days // 2:
        user.delete_instance(instanceName=DOOMED_INSTANCE)
    if day == days * 5 // 6:
        sandbox.seed([newcomer(sandbox.now())])


def _foreign(sandbox: Sandbox, ours: set[str]) -> list[str]:
    client: LightsailClient = boto3.client("lightsail", endpoint_url=sandbox.url)
    pages = client.get_paginator("get_disk_snapshots").paginate()
    names = [snapshot["name"] for page in pages for snapshot in page["diskSnapshots"]]
    return [name for name in names if name not in ours]


def _show(plan: Plan, diary: _Diary, foreign: Iterable[str], console: Console) -> None:
    document = plan_document(plan)
    console.rule("The fleet")
    console.print(sources_table(document))
    console.rule("Days that can be recovered")
    console.print(_strips(plan))
    console.rule("What was kept, and why")
    console.print(_kept(plan))
    console.rule("What was deleted, and why")
    console.print(_deleted(diary.done))
    console.print(f"Never touched, as they are the user's own: {', '.join(foreign)}.")
    console.rule("Problems")
    show_problems(document["problems"], console)
    console.rule("Metrics, as sent to CloudWatch")
    console.print(_metrics(diary.metrics))


def _table(*headings: str) -> Table:
    words = {"source", "reason", "reasons", "metric", headings[1] if headings[0] == "source" else ""}
    table = Table(show_edge=False, box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in words else "right")
    return table


def _zone(plan: Plan) -> Mapping[str, ZoneInfo]:
    return {source.name: source.policy.schedule.zone for source in plan.sources if source.policy}


def _strips(plan: Plan) -> Table:
    """Return a strip per source: a mark for each day with a usable recovery point, in the zone of its policy."""
    days = [(_START + number * _DAY).date() for number in range((plan.now - _START) // _DAY + 1)]
    ticks = "".join(f"{day:%b %d}".ljust(10) for day in days[::10])
    table = _table("source", ticks[: len(days)], "days", "points")
    table.columns[1].no_wrap = True
    zones = _zone(plan)
    for source in plan.sources:
        zone = zones.get(source.name, ZoneInfo("UTC"))
        recoverable = {point.slot.astimezone(zone).date() for point in source.usable}
        strip = Text.assemble(*(("█", "green") if day in recoverable else ("·", "dim") for day in days))
        table.add_row(source.name, strip, str(len(recoverable)), str(len(source.usable)))
    return table


def _day(point: RecoveryPoint, zones: Mapping[str, ZoneInfo]) -> date:
    return point.slot.astimezone(zones.get(point.source_name, ZoneInfo("UTC"))).date()


def _span(days: list[date]) -> str:
    few = 2
    first, last = min(days), max(days)
    if len(set(days)) <= few:
        return ", ".join(f"{day:%b %d}" for day in sorted(set(days)))
    return f"{first:%b %d} to {last:%b %d}"


def _kept(plan: Plan) -> Table:
    table = _table("source", "days", "points", "reasons")
    zones = _zone(plan)
    for source, of_source in groupby(plan.kept, key=lambda kept: kept.point.source_name):
        # The announced differ in their hour only.
        runs = groupby(of_source, key=lambda kept: ", ".join(kept.reasons).partition("; to be deleted from")[:2])
        for number, ((reason, announced), of_reason) in enumerate(runs):
            days = [_day(kept.point, zones) for kept in of_reason]
            table.add_row(
                "" if number else source,
                _span(days),
                str(len(days)),
                f"{reason}; announced, to be deleted within a day" if announced else reason,
            )
    return table


def _deleted(done: Iterable[ActionDocument]) -> Table:
    table = _table("source", "slots", "points", "reason")
    groups: defaultdict[tuple[str, str], list[date]] = defaultdict(list)
    for action in done:
        if action["action"] == "delete" and action.get("outcome") == "done":
            dropped, announced, _ = action["reason"].partition("; announced until ")
            why = f"{dropped}, announced a day before" if announced else dropped
            groups[action["source"], why].append(datetime.fromisoformat(action["slot"]).date())
    for (source, reason), days in sorted(groups.items()):
        table.add_row(source, _span(days), str(len(days)), reason)
    return table


def _metrics(metrics: Metrics) -> Table:
    table = _table("metric", "last", "least", "most", "sum of all ticks")
    summed = (MetricName.SNAPSHOTS_CREATED, MetricName.SNAPSHOTS_DELETED)
    for name in MetricName:
        values = metrics.get(name, [0])
        row = [f"{value:,.0f}" for value in (values[-1], min(values), max(values))]
        table.add_row(name, *row, f"{sum(values):,.0f}" if name in summed else "")
    return table
