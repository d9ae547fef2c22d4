"""The demo: the real handler, run by run, against a local Lightsail, and what came of it.

Import this only for the demo: the sandbox and what Lambda brings come with the extra "demo".
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final

import boto3
import typer
from aws_lambda_powertools.utilities.typing import LambdaContext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lightkeeper.handler import RunFailedError, handle
from lightkeeper.inventory import plan_regions
from lightkeeper.lightsail import connect
from lightkeeper.model import Plan
from lightkeeper.restore import read_places, restore
from lightkeeper.restore_plan import plan_restore
from lightkeeper.restore_steps import OpenPorts, Place, Request, Restored, RestorePlan, Step, StepOutcome
from lightkeeper.settings import Settings
from lightkeeper.times import format_instant
from lightkeeper_cli.files import write_file
from lightkeeper_cli.stopping import StoppedError
from lightkeeper_cli.tables.demo import Access, access_table, deletions_table, kept_table, metrics_table, progress_line
from lightkeeper_cli.tables.plan import show_plan
from lightkeeper_cli.tables.restore import show_plans, show_restored
from lightkeeper_cli.tables.status import show_status
from lightsail_sandbox.client import EndSnapshots, FaultRule, Sandbox, running_sandbox
from lightsail_sandbox.fleet import (
    DOOMED_INSTANCE,
    FLAKY_DISK,
    HELD_DISK,
    REGION,
    WEB_SERVER,
    fleet,
    newcomer,
)
from recovery_calendar.render import Theme, render_page
from recovery_calendar.view import make_view, parse_order

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient

# Sixty days from here pass both of autumn's clock changes: Europe's and America's.
_START: Final = datetime(2026, 9, 15, tzinfo=UTC)
_TICK: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_MISHAP: Final = timedelta(minutes=12)
"""How long after the last run the web server is deleted."""


@dataclass(frozen=True, slots=True)
class BroughtBack:
    """The web server, deleted and restored: what it takes to show that again."""

    places: tuple[Place, ...]
    plan: RestorePlan
    began: datetime
    """UTC."""
    restored: Restored


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo has come to."""

    plan: Plan
    """As everything stands in the end."""
    brought_back: BroughtBack


class _Context(LambdaContext):
    """What Lambda hands to the function: here, with all the time in the world."""

    _aws_request_id = "demo"
    _invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:demo"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Return Lambda's longest time."""
        return 900_000


@dataclass(slots=True)
class _Diary:
    """What the function printed, run after run: its log lines and metrics."""

    done: list[Mapping[str, str]] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def read(self, printed: str) -> None:
        """Take in what one run printed."""
        for line in printed.splitlines():
            entry = json.loads(line)
            if "_aws" in entry:
                for metric in entry["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
                    value = entry[metric["Name"]]
                    self.metrics[metric["Name"]].append(value[0] if isinstance(value, list) else value)
            elif entry["message"] == "action":
                self.done.append(entry["detail"])


def run_demo(days: int, console: Console, output: Path | None = None) -> Demo:
    """Simulate that many days, hour by hour, show what a user wants to see, and bring back what is lost.

    In the end, `output` has the calendar.

    Raises
    ------
    StoppedError
        If a person interrupts it.
    InvalidValueError
        If `output` cannot be written.
    """
    began = perf_counter()
    try:
        return _run_demo(days, console, output, began)
    except KeyboardInterrupt:
        raise StoppedError("nothing of the demo was on AWS, and nothing of it stays") from None


def _run_demo(days: int, console: Console, output: Path | None, began: float) -> Demo:
    settings = Settings()
    with running_sandbox() as sandbox, _environment(sandbox):
        sandbox.set_time(_START)
        sandbox.seed(fleet(_START))
        user: LightsailClient = boto3.client("lightsail")
        console.print(
            f"{days} days of backups of a small shop, on a [bold]local Lightsail[/] on this machine: nothing of it is "
            f"on AWS. The program that backs up is the real one; only the clock runs fast. (It is at {sandbox.url}.)"
        )
        diary = _simulate(sandbox, user, days, console)
        end = sandbox.now()
        plan = plan_regions(connect((), max_concurrency=settings.max_concurrency), settings, end)
        foreign = _foreign(user, {kept.point.name for kept in plan.kept})
        _show(plan, diary, foreign, settings, console)
        brought_back = _lose_and_bring_back(sandbox, user, settings, console)
        plan = plan_regions(connect((), max_concurrency=settings.max_concurrency), settings, sandbox.now())
        view = make_view(plan, settings, parse_order("status"))
        console.rule("What came of it: lightkeeper status")
        show_status(view, None, console)
        calls = len(sandbox.calls())
    if output is not None:
        write_file(output, render_page(view, theme=Theme.AUTO))
        console.print(
            f"The same as a calendar, as the dashboard shows it: {output} (open it in a browser).", soft_wrap=True
        )
    console.print(
        f"\nAll of this ran on the local Lightsail, none of it on AWS: {days} days, {days * _DAY // _TICK} runs, "
        f"{calls} calls, {perf_counter() - began:.0f} seconds.",
        soft_wrap=True,
    )
    return Demo(plan, brought_back)


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


def _simulate(sandbox: Sandbox, user: "LightsailClient", days: int, console: Console) -> _Diary:
    diary = _Diary()
    runs = days * (_DAY // _TICK)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        redirect_stdout=False,
    )
    # One stream for all runs: the Logger keeps the first that it is given.
    with redirect_stdout(StringIO()) as printed, progress:
        task = progress.add_task("", total=runs)
        for number in range(runs):
            # Nobody reads any more, as after `| head`.
            if console.quiet:
                raise typer.Exit(1)
            now = _START + number * _TICK
            sandbox.set_time(now)
            if number % (_DAY // _TICK) == 0:
                _live_through(sandbox, user, number // (_DAY // _TICK), days, diary)
            progress.update(task, advance=1, description=f"{now:%Y-%m-%d}")
            # It has said what failed.
            with suppress(RunFailedError):
                handle({"time": format_instant(now)}, _Context())
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


def _foreign(user: "LightsailClient", ours: set[str]) -> list[str]:
    pages = user.get_paginator("get_disk_snapshots").paginate()
    names = [snapshot["name"] for page in pages for snapshot in page["diskSnapshots"]]
    return [name for name in names if name not in ours]


def _show(plan: Plan, diary: _Diary, foreign: list[str], settings: Settings, console: Console) -> None:
    console.rule("To which days everything can be brought back: lightkeeper status")
    show_status(make_view(plan, settings, parse_order("status")), None, console)
    console.rule("What would be done next, and why: lightkeeper plan")
    show_plan(plan, None, console)
    console.rule("Which snapshots are there, and which rule keeps each")
    console.print(kept_table(plan))
    console.rule("Which snapshots were deleted, and why")
    console.print(deletions_table(diary.done))
    console.print(f"Never touched, as they are the user's own: {', '.join(foreign)}.")
    console.rule("The numbers that alarms watch (on AWS, in CloudWatch)")
    console.print(metrics_table(diary.metrics))


def _lose_and_bring_back(
    sandbox: Sandbox, user: "LightsailClient", settings: Settings, console: Console
) -> BroughtBack:
    """Delete the web server, and do what `lightkeeper restore shop-web --yes` does, by the sandbox's clock."""
    console.rule(f"{WEB_SERVER} is deleted by mistake: lightkeeper restore {WEB_SERVER} --yes")
    seen = [_access(user, WEB_SERVER, "before")]
    sandbox.advance(_MISHAP)
    user.delete_instance(instanceName=WEB_SERVER)
    began = sandbox.now()
    regions = connect((), max_concurrency=settings.max_concurrency)
    places = read_places(regions)
    plan = plan_restore(Request(WEB_SERVER), places, settings, began)
    show_plans((plan,), places, began, console)

    def on_step(_plan: RestorePlan, step: Step, outcome: StepOutcome | None) -> None:
        if isinstance(step, OpenPorts) and outcome is None:
            seen.append(_access(user, step.resource, "as Lightsail makes it"))
        if outcome:
            console.print(progress_line(sandbox.now() - began, outcome))

    def seconds() -> float:
        # Between any two looks at a real clock, some time has passed.
        return sandbox.advance(timedelta(milliseconds=1)).timestamp()

    (restored,) = restore(
        (plan,),
        regions,
        now=sandbox.now,
        clock=seconds,
        on_step=on_step,
        pause=lambda wait: sandbox.advance(timedelta(seconds=wait)),
    )
    console.print()
    show_restored((restored,), console)
    console.print(access_table((*seen, _access(user, plan.resource, "restored"))))
    return BroughtBack(places, plan, began, restored)


def _access(user: "LightsailClient", instance: str, when: str) -> Access:
    """Return how an instance is reached, as Lightsail itself says it."""
    address = user.get_instance(instanceName=instance)["instance"]["publicIpAddress"]
    states = user.get_instance_port_states(instanceName=instance)["portStates"]
    ports = {
        f"{state['fromPort']}/{state['protocol']}": (*state["cidrs"], *state["ipv6Cidrs"], *state["cidrListAliases"])
        for state in states
    }
    return Access(when, address, ports)
