"""Lightkeeper on a sandbox, as the stories need it."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest

from lightkeeper.actions import Result
from lightkeeper.inventory import plan_regions
from lightkeeper.lightsail import Lightsail, connect
from lightkeeper.model import Plan
from lightkeeper.retries import margin_seconds
from lightkeeper.run import Run, run_regions
from lightkeeper.settings import Settings
from lightsail_sandbox.client import Sandbox, Seed
from tests.support.witness import CONSOLE, LISTS, Witness

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient
    from mypy_boto3_lightsail.type_defs import TagTypeDef

REGION = "eu-central-1"
OTHER_REGION = "us-east-1"
AWAY = "eu-north-1"
"""Where copies go to."""
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
READS = {*LISTS}

Tags = Mapping[str, str]


def noop(_: object) -> None:
    """Do nothing with an outcome."""


@dataclass
class Keeper:
    """Lightkeeper with its settings, a user at the console, the sandbox they share, and a witness of every run."""

    sandbox: Sandbox
    user: "LightsailClient"
    regions: dict[str, Lightsail]
    others: Mapping[str, Lightsail] = field(default_factory=dict)
    """Regions that copies may go to."""
    settings: Settings = field(default_factory=Settings)
    account: str | None = None
    """Whose all that is: 12 digits. None: there is only one."""
    witness: Witness = field(init=False)

    def __post_init__(self) -> None:
        self.witness = Witness(self.sandbox, self.account)

    def configure(self, **changes: object) -> None:
        """Change settings, by the keys of cdk.json."""
        self.settings = Settings.from_mapping(self.settings.to_mapping() | changes)

    def disk(
        self,
        name: str,
        tags: Tags,
        region: str = REGION,
        age: timedelta = 100 * DAY,
        *,
        attached_to: str | None = None,
    ) -> str:
        """Give the user a disk and return its ARN."""
        born = self.sandbox.now() - age
        return self._plant(
            Seed(kind="Disk", name=name, region=region, tags=tags, created_at=born, attached_to=attached_to)
        )

    def instance(self, name: str, tags: Tags, age: timedelta = 100 * DAY) -> str:
        """Give the user an instance and return its ARN."""
        born = self.sandbox.now() - age
        return self._plant(Seed(kind="Instance", name=name, tags=tags, created_at=born))

    def database(
        self,
        name: str,
        tags: Tags,
        age: timedelta = 100 * DAY,
        *,
        bundle: str = "micro_2_0",
        window: str | None = None,
        native_backups: bool = True,
    ) -> str:
        """Give the user a database, in a single zone unless the bundle says otherwise, and return its ARN."""
        return self._plant(
            Seed(
                kind="RelationalDatabase",
                name=name,
                tags=tags,
                created_at=self.sandbox.now() - age,
                bundle_id=bundle,
                backup_window=window,
                backup_retention=native_backups,
            )
        )

    def _plant(self, seed: Seed) -> str:
        return self.sandbox.seed([replace(seed, account=self.account)])[0]

    @property
    def targets(self) -> dict[str, Lightsail]:
        """Lightsail in the Regions that the settings have copies go to."""
        reached = {**self.regions, **self.others}
        return {region: reached[region] for region in self.settings.copies}

    def plan(self) -> Plan:
        """Plan for the sandbox's time."""
        return plan_regions(self.regions, self.settings, self.sandbox.now(), self.targets)

    def run(
        self,
        *,
        seconds_left: Callable[[], float] = lambda: 900.0,
        at: datetime | None = None,
        enforced: bool = False,
    ) -> Run:
        """Run a run, and have the witness judge it.

        Parameters
        ----------
        seconds_left
            How long the run may still take.
        at
            The time that it is for, as an event says it; None: the sandbox's time.
        enforced
            Whether the sandbox enforces the function's role.
        """
        now = at or self.sandbox.now()
        with self.witness.watching(self.settings.to_mapping(), now=now, enforced=enforced):
            return run_regions(
                self.regions,
                self.settings,
                now,
                seconds_left=seconds_left,
                on_outcome=noop,
                targets=self.targets,
            )

    @contextmanager
    def running(self) -> Iterator["Future[Run]"]:
        """Run a run beside what the block does; at the block's end all faults are cleared, so that it can end."""
        with ThreadPoolExecutor(1, "story") as pool:
            running = pool.submit(self.run)
            try:
                yield running
            finally:
                self.sandbox.clear_faults()

    def runs_at_once(self, second: Mapping[str, Lightsail]) -> list[Run]:
        """Run two runs side by side, one of them over other connections; the witness judges when both have ended."""

        def run(reached: Mapping[str, Lightsail]) -> Run:
            return run_regions(
                {region: reached[region] for region in self.regions},
                self.settings,
                self.sandbox.now(),
                seconds_left=lambda: 900.0,
                on_outcome=noop,
                targets={region: reached[region] for region in self.settings.copies},
            )

        with self.witness.watching(self.settings.to_mapping()), ThreadPoolExecutor(2) as pool:
            return list(pool.map(run, ({**self.regions, **self.others}, second)))

    def wait_for(self, operation: str, region: str = REGION) -> None:
        """Wait until there has been a call, of anybody's."""
        calls = self.sandbox.calls()
        while not any((call.operation, call.region) == (operation, region) for call in calls):
            number = max((call.number for call in calls), default=0)
            self.sandbox.wait_for_call(number + 1)
            calls = self.sandbox.calls(number)

    def live(self, time: timedelta, step: timedelta = DAY) -> list[Run]:
        """Let time pass, with a run after each step."""
        runs = []
        for _ in range(time // step):
            self.sandbox.advance(step)
            runs.append(self.run())
        return runs

    def tag(self, name: str, key: str, value: str = "") -> None:
        """Tag a resource, as the user would."""
        tag: TagTypeDef = {"key": key, "value": value} if value else {"key": key}
        self.user.tag_resource(resourceName=name, tags=[tag])

    def untag(self, name: str, key: str) -> None:
        """Remove a tag, as the user would."""
        self.user.untag_resource(resourceName=name, tagKeys=[key])

    def snapshots(self, source: str | None = None) -> dict[str, dict[str, str]]:
        """Return the tags of all snapshots, anybody's, by name, oldest first; of one source if it is named."""
        disks = [
            snapshot
            for page in self.user.get_paginator("get_disk_snapshots").paginate()
            for snapshot in page["diskSnapshots"]
            if source in {None, snapshot.get("fromDiskName"), snapshot.get("fromInstanceName")}
        ]
        instances = [
            snapshot
            for page in self.user.get_paginator("get_instance_snapshots").paginate()
            for snapshot in page["instanceSnapshots"]
            if source in {None, snapshot["fromInstanceName"]}
        ]
        databases = [
            snapshot
            for page in self.user.get_paginator("get_relational_database_snapshots").paginate()
            for snapshot in page["relationalDatabaseSnapshots"]
            if source in {None, snapshot["fromRelationalDatabaseName"]}
        ]
        found: dict[str, tuple[datetime, dict[str, str]]] = {}
        for snapshot in (*disks, *instances, *databases):
            tags = {tag["key"]: tag.get("value", "") for tag in snapshot.get("tags", [])}
            found[snapshot["name"]] = (snapshot["createdAt"], tags)
        return {name: tags for name, (_, tags) in sorted(found.items(), key=lambda item: item[1][0])}

    def days(self, source: str) -> list[str]:
        """Return the days of a source's snapshots by their names, oldest first."""
        return [name.split("-")[-3] for name in self.snapshots(source)]

    def writes(self) -> list[str]:
        """Return the operations of all calls that were not reads of a list, in order."""
        return [call.operation for call in self.sandbox.calls() if call.operation not in READS]


def did(run: Run) -> list[tuple[str, str, str]]:
    """Return what a run did: action, snapshot and result of each, in the plan's order."""
    return [(outcome.action.verb, outcome.action.target.snapshot, outcome.result.value) for outcome in run.outcomes]


def count(run: Run, action: str, result: str = "done") -> int:
    """Return how many actions of a kind ended so."""
    return sum(1 for done, _, ended in did(run) if (done, ended) == (action, result))


def why_not(run: Run, action: str) -> list[str]:
    """Return what is said of the actions of a kind that were not done."""
    return [
        outcome.error or outcome.action.reason
        for outcome in run.outcomes
        if outcome.action.verb == action and outcome.result is not Result.DONE
    ]


def clock_after_calls(keeper: Keeper, calls: int) -> Callable[[], float]:
    """Return a clock by which a run has all the time it wants, until it has made so many calls."""
    before = len(keeper.sandbox.calls())
    return lambda: 900.0 if len(keeper.sandbox.calls()) - before < calls else 0.0


def clock_after_writes(keeper: Keeper, writes: int) -> Callable[[], float]:
    """Return a clock by which a run has all the time it wants, until it has made so many writes."""
    margin = margin_seconds(keeper.settings.max_concurrency)
    before = len(keeper.writes())
    return lambda: margin + 600.0 if len(keeper.writes()) - before < writes else margin - 1.0


def enter_sandbox(sandbox: Sandbox, patch: pytest.MonkeyPatch) -> None:
    """Make a sandbox what this process takes for AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    for name, value in sandbox.environment(REGION).items():
        patch.setenv(name, value)


def console(sandbox: Sandbox, region: str, account: str | None = None) -> "LightsailClient":
    """Return what the user has at the console of a Region, in an account if that matters."""
    options = sandbox.client_options(region, account or CONSOLE)
    return boto3.client("lightsail", **options)


def _connect(regions: Iterable[str], url: str) -> dict[str, Lightsail]:
    """Connect as a run does, but with more patience: a call that is held, or slow on a busy machine, is made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lightkeeper.lightsail.READ_SECONDS", 300)
        return connect(regions, max_concurrency=8, endpoint_url=url)


def other_runs(keeper: Keeper, access_key_id: str, regions: Iterable[str] | None = None) -> dict[str, Lightsail]:
    """Return the connections of another run, under an access key of its own; None: to the Regions looked after."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", access_key_id)
        return _connect(keeper.regions if regions is None else regions, keeper.sandbox.url)


def make_keeper(sandbox: Sandbox, regions: tuple[str, ...] = (REGION,)) -> Keeper:
    """Return a keeper; the environment must hold the sandbox's credentials."""
    return Keeper(sandbox, console(sandbox, REGION), _connect(regions, sandbox.url), _connect([AWAY], sandbox.url))
