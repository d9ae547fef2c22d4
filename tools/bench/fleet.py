"""500 accounts under one deployment: time, calls, memory, and every payload against what a state machine carries.

Method: a local Lightsail in a process of its own, over HTTP; STS, S3 and SNS in this one. The function
(`lightkeeper.handler.handle`) is one warm process, as Lambda keeps it, and looks after one account after the other,
each under a role of its own. An account has SOURCES sources in each of REGIONS, with SNAPSHOTS daily snapshots each; it
is put there before its run and taken away after it. *hourly*: nothing is due, all accounts. *daily*: every source is
due a snapshot, and one of its snapshots is to go, DAILY accounts; so much happens in an account once a day. Calls are
those to Lightsail, to which a run adds one to STS and one to S3. *cpu* is the function's own, in seconds. *memory* is
the resident set of its process, and *peak* the most of it so far. Then `lightkeeper.fleet_handler.report_fleet`, in
another process, reports twice on all accounts; every tenth of them has a wrong tag.
Payloads are measured as Lambda's runtime writes them. The names of accounts that AWS Organizations makes are ASCII, of
up to 50 characters; others may be anything.
"""

import json
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import IO, Any, cast

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from lightkeeper import handler
from lightkeeper.fleet import FLEET_KEY, AccountState, account_key
from lightkeeper.fleet_handler import report_fleet
from lightkeeper.names import snapshot_name
from lightkeeper.notify import TOPIC_VARIABLE
from lightkeeper.organization import (
    DEFAULT_CONCURRENCY,
    MEMBER_ROLE_VARIABLE,
    ORGANIZATION_VARIABLE,
    RESULTS_VARIABLE,
    Organization,
    default_role_name,
)
from lightkeeper.settings import Settings
from lightkeeper.tags import EXPIRES, OWNER, SLOT, SOURCE
from lightkeeper.times import format_instant
from lightsail_sandbox.client import Options, Sandbox, Seed, running_sandbox
from lightsail_sandbox.seeds import Kind
from tests.support.hub import BUCKET, Hub, local_hub

ACCOUNTS, DAILY = 500, 25
REGIONS = ("eu-central-1", "eu-west-1", "us-east-1", "us-west-2")
SOURCES, SNAPSHOTS = 20, 7
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
THREE = NOON.replace(hour=3)
NAME = 50
WRONG = 10
"""Every so many accounts have a source with a wrong tag."""
LIMIT = 256 * 1024
CALL_SECONDS = 0.15
LAMBDA_CPU = 0.29
"""Of a processor, at 512 MB."""
SLOWER = 10
"""Times as slow are answers where it is measured how long a run waits: what else the machine does is then little."""
SETTINGS = Settings(regions=REGIONS)
DAY = timedelta(days=1)
_KINDS: tuple[tuple[Kind, Kind], ...] = (
    ("Disk", "DiskSnapshot"),
    ("Instance", "InstanceSnapshot"),
    ("Disk", "DiskSnapshot"),
    ("RelationalDatabase", "RelationalDatabaseSnapshot"),
)


class _Context(LambdaContext):
    _aws_request_id = "request-1"
    _invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:Lightkeeper-KeeperFunction"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 900_000


@dataclass(frozen=True)
class Measured:
    """One invocation."""

    answer: dict[str, Any]
    wall: float
    cpu: float
    """Seconds of the processor."""
    memory: float
    """MiB after it."""
    peak: float
    """MiB, of the process so far."""


# The function's process


def serve(function: str) -> None:
    """Invoke a function with each event that comes, a line each, and say how that went."""
    functions = {"run": handler.handle, "report": report_fleet}
    invoke = cast("Any", functions[function])
    answers = os.fdopen(os.dup(1), "w")
    # The function logs to its standard output.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        answer = invoke(json.loads(line), _Context())
        measured = {
            "answer": answer,
            "wall": time.perf_counter() - wall,
            "cpu": time.process_time() - cpu,
            "memory": _resident(),
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        print(json.dumps(measured), file=answers, flush=True)


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1024**2


@dataclass
class Function:
    """A warm process of a function."""

    stdin: IO[str]
    stdout: IO[str]

    def invoke(self, event: Mapping[str, object]) -> Measured:
        """Have it answer an event."""
        print(json.dumps(event), file=self.stdin, flush=True)
        return Measured(**json.loads(self.stdout.readline()))


@contextmanager
def warm(function: str) -> Iterator[Function]:
    """Start a function's process; end it with the block."""
    command = [sys.executable, "-m", "tools.bench.fleet", function]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ourselves
        stdin, stdout = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
        try:
            yield Function(stdin, stdout)
        finally:
            stdin.close()


# What there is


def account(number: int) -> str:
    """Return the id of an account."""
    return f"{200_000_000_000 + number}"


def name_of(number: int) -> str:
    """Return a name as long as one may be."""
    return f"{number:0{NAME}}"


def move_in(sandbox: Sandbox, number: int, *, daily: bool) -> None:
    """Put there what an account has, and nothing else; of a daily run, its newest snapshots are yesterday's."""
    sandbox.reset()
    sandbox.set_time(THREE if daily else NOON)
    kinds = [*islice(cycle(_KINDS), SOURCES)]
    sources = [
        Seed(
            kind=kind,
            name=f"customer-{index:02}-{kind.lower()}",
            region=region,
            account=account(number),
            tags=_tags(index, is_wrong=number % WRONG == 0 and region == REGIONS[0] and index == 0),
            created_at=NOON - 99 * DAY,
        )
        for region in REGIONS
        for index, (kind, _) in enumerate(kinds)
    ]
    arns = sandbox.seed(sources)
    sandbox.seed(
        _snapshot(source, arn, kind, (THREE - DAY if daily else THREE) - back * DAY, is_last=back == SNAPSHOTS)
        for source, arn, (_, kind) in zip(sources, arns, cycle(kinds), strict=False)
        for back in range(SNAPSHOTS + daily)
    )


def _tags(index: int, *, is_wrong: bool) -> dict[str, str]:
    return {"backup": "dialy" if is_wrong else "daily", "backup:keep": f"{SNAPSHOTS}", "customer": f"{index}"}


def _snapshot(source: Seed, arn: str, kind: Kind, slot: datetime, *, is_last: bool) -> Seed:
    ours = {OWNER: SETTINGS.deployment, SOURCE: arn, SLOT: format_instant(slot)}
    return Seed(
        kind=kind,
        name=snapshot_name(source.name, arn, SETTINGS.deployment, slot),
        region=source.region,
        account=source.account,
        source=source.name,
        created_at=slot + timedelta(minutes=1),
        tags={**source.tags, **ours, **({EXPIRES: format_instant(THREE)} if is_last else {})},
    )


# The numbers


def main() -> None:
    """Print them."""
    print(__doc__)
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start")
    with local_hub() as hub, running_sandbox(Options(sts_url=hub.url)) as sandbox:
        hub.empty()
        hub.onboard(*map(account, range(ACCOUNTS)))
        with closing(boto3.client("sns", **sandbox.client_options(REGIONS[0]) | {"endpoint_url": hub.url})) as sns:
            topic = sns.create_topic(Name="Lightkeeper")["TopicArn"]
        os.environ |= sandbox.environment(REGIONS[0]) | hub.environment() | SETTINGS.to_env()
        os.environ |= {"AWS_ENDPOINT_URL_SNS": hub.url, TOPIC_VARIABLE: topic, RESULTS_VARIABLE: BUCKET}
        os.environ[MEMBER_ROLE_VARIABLE] = default_role_name(SETTINGS.deployment)
        os.environ[ORGANIZATION_VARIABLE] = Organization(units=("r-ab12",)).to_json()
        with warm("run") as function:
            daily, _ = look_after(sandbox, function, DAILY, daily=True)
            waits = wait_for_answers(sandbox, function)
        with warm("run") as function:
            hourly, answers = look_after(sandbox, function, ACCOUNTS, daily=False)
        estimate(hourly, waits)
        estimate(daily, waits)
        documents = [hub.document(account_key(account(number))) or "" for number in range(0, ACCOUNTS, WRONG // 2)]
        sizes = sorted(len(document.encode()) for document in documents)
        print(f"\ndocument of an account: {sizes[0]:,} to {sizes[-1]:,} bytes")
        event = {"time": format_instant(NOON), "results": answers, "unlisted": []}
        report(hub, event)
        payloads()
    print(f"load {os.getloadavg()[0]:.1f} at the end")


@dataclass(frozen=True)
class Firing:
    """What the runs of one firing took, in the middle."""

    what: str
    wall: float
    cpu: float
    calls: int


def look_after(
    sandbox: Sandbox, function: Function, accounts: int, *, daily: bool
) -> tuple[Firing, list[dict[str, Any]]]:
    """Have a process of the function look after one account after the other."""
    what = "daily" if daily else "hourly"
    print(f"\n{what}: {accounts} accounts, {len(REGIONS)} Regions, {SOURCES} sources in each")
    print(f"{'account':>8} {'wall s':>8} {'cpu s':>8} {'calls':>6} {'memory MiB':>11} {'peak MiB':>9}  answer")
    runs: list[tuple[Measured, int]] = []
    begun = time.perf_counter()
    for number in range(accounts):
        move_in(sandbox, number, daily=daily)
        run = function.invoke(event_of(number, daily=daily))
        runs.append((run, len(sandbox.calls())))
        if number in {0, 1, 9, 24, 49} or (number + 1) % 100 == 0:
            numbers = f"{run.wall:>8.2f} {run.cpu:>8.3f} {runs[-1][1]:>6} {run.memory:>11.1f} {run.peak:>9.1f}"
            print(f"{number + 1:>8} {numbers}  {run.answer['state']}", flush=True)
    seconds = time.perf_counter() - begun
    firing = Firing(
        what, median(run.wall for run, _ in runs), median(run.cpu for run, _ in runs), int(median(n for _, n in runs))
    )
    half, last = runs[accounts // 2][0], runs[-1][0]
    growth = 1024 * (last.memory - half.memory) / (accounts - accounts // 2)
    calls, in_function = sum(calls for _, calls in runs), sum(run.wall for run, _ in runs)
    print(f"  in the middle: {firing.wall:.2f} s, {firing.cpu:.3f} s of a processor, {firing.calls} calls to Lightsail")
    print(
        f"  all: {calls:,} calls, {in_function:.0f} s in the function, {seconds:.0f} s with the making of the accounts"
    )
    print(f"  peak memory {last.peak:.0f} MiB; growth in the second half: {growth:.1f} KiB an account")
    return firing, [run.answer for run, _ in runs]


def event_of(number: int, *, daily: bool) -> dict[str, object]:
    """Return what the state machine gives the function: an item of the map."""
    time_of_run = format_instant(THREE if daily else NOON)
    return {"account": account(number), "name": name_of(number), "time": time_of_run, "regions": [*REGIONS]}


def wait_for_answers(sandbox: Sandbox, function: Function) -> Mapping[str, float]:
    """Return how much longer a run takes where each answer takes its time, by the kind of run."""
    waits = {}
    for what in ("hourly", "daily"):
        walls = []
        for latency in (0.0, SLOWER * CALL_SECONDS):
            move_in(sandbox, 1, daily=what == "daily")
            sandbox.set_options(latency_seconds=latency)
            walls.append(function.invoke(event_of(1, daily=what == "daily")).wall)
        waits[what] = (walls[1] - walls[0]) / SLOWER + 2 * CALL_SECONDS  # one to STS, one to S3
    return waits


def estimate(firing: Firing, waits: Mapping[str, float]) -> None:
    """Print what that would be at AWS."""
    computing, waiting = firing.cpu / LAMBDA_CPU, waits[firing.what]
    one, rounds = computing + waiting, math.ceil(ACCOUNTS / DEFAULT_CONCURRENCY)
    one_by_one = computing + (firing.calls + 2) * CALL_SECONDS
    print(f"\nESTIMATE for AWS, {firing.what}")
    print(f"  {firing.cpu:.3f} s of a processor are {computing:.1f} s at {LAMBDA_CPU} of one")
    print(f"  with {CALL_SECONDS} s for each answer, a run waits {waiting:.1f} s (measured, its calls side by side)")
    print(f"  {one:.1f} s an account; {rounds * one / 60:.1f} minutes for {ACCOUNTS}, {DEFAULT_CONCURRENCY} at a time")
    print(f"  were its calls made one by one: {one_by_one:.1f} s, and {rounds * one_by_one / 60:.1f} minutes")


def report(hub: Hub, event: Mapping[str, object]) -> None:
    """Have the fleet reported, twice: the second time it is known how it stood, and who was told."""
    print(f"\nreport_fleet, {ACCOUNTS} accounts, an S3 and an SNS on this machine")
    with warm("report") as function:
        for which in ("first", "second"):
            done = function.invoke(event)
            at_lambda = f"{done.cpu:.2f} s of a processor ({done.cpu / LAMBDA_CPU:.1f} s at {LAMBDA_CPU} of one)"
            print(f"  {which:>6}: {done.wall:.2f} s, {at_lambda}, {done.peak:.0f} MiB; {done.answer['accounts']}")
    print(f"  {FLEET_KEY}: {len((hub.document(FLEET_KEY) or '').encode()):,} bytes")


def payloads() -> None:
    """Print how much of what a state machine carries each payload takes, and for how many accounts there is room."""
    print(f"\npayloads of {ACCOUNTS} accounts, of {LIMIT:,} bytes, and for how many there is room")
    for names, letter, ascii_only in (
        (f"{NAME} letters", "A", False),
        (f"{NAME} of four bytes", "\N{MUSICAL SYMBOL G CLEF}", False),
        (f"{NAME} of four bytes, by a runtime that writes ASCII only", "\N{MUSICAL SYMBOL G CLEF}", True),
    ):
        print(f"  names of {names}")
        for what, payload, number in _payloads(letter * NAME):
            size = len(json.dumps(payload, ensure_ascii=ascii_only).encode())
            room = f"{LIMIT * number // size:>7,} accounts" if number > 1 else ""
            print(f"    {what:32} {size:>9,} {size / LIMIT:>5.0%} {room}")


def _payloads(name: str) -> Iterator[tuple[str, object, int]]:
    """Yield each payload, with how many accounts are in it."""
    listed = [{"account": account(number), "name": name} for number in range(ACCOUNTS)]
    ended = [{**each, "state": max(AccountState, key=len).value, "failed": False} for each in listed]
    failed = [{**each, "error": "Lambda.ClientExecutionTimeoutException"} for each in listed]
    time_of_run = {"time": format_instant(NOON)}
    regions = {"regions": [*REGIONS]}
    yield "Accounts, its answer", {**time_of_run, **regions, "accounts": listed, "unlisted": []}, ACCOUNTS
    yield "EachAccount, an item", {**listed[0], **time_of_run, **regions}, 1
    yield "Run, its answer", ended[0], 1
    yield "Report, its event", {**time_of_run, "results": ended, "unlisted": []}, ACCOUNTS
    yield "Report, where every run failed", {**time_of_run, "results": failed, "unlisted": []}, ACCOUNTS


if __name__ == "__main__":
    if sys.argv[1:]:
        serve(sys.argv[1])
    else:
        main()
