"""What a user, Lightsail and time can do to Lightkeeper: one method each. The witness judges every run."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal, assert_never, cast, get_args

import pytest

from lightkeeper.faults import CallError
from lightkeeper.lightsail import Lightsail
from lightkeeper.retries import margin_seconds
from lightkeeper.run import run_regions
from lightkeeper.settings import Settings
from lightsail_sandbox.client import Entry, FaultRule, HoldAnswer, Seed
from lightsail_sandbox.seeds import SnapshotState
from tests.support.keeper import AWAY, DAY, OTHER_REGION, REGION, Keeper, console, noop, other_runs
from tests.support.witness import EXPIRES, OWNER, SLOT, SOURCE, TAKEN, Birth, Witness, copy_name, instant

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient
    from mypy_boto3_lightsail.literals import RegionNameType

RUN = "sandbox"
"""The access key of a run."""
SourceKind = Literal["Disk", "Instance", "RelationalDatabase"]
SOURCES: dict[str, SourceKind] = {"shop": "Disk", "web": "Instance", "till": "RelationalDatabase", "clinic": "Disk"}
WHERE = {"shop": REGION, "web": REGION, "till": REGION, "clinic": OTHER_REGION}
_SNAPSHOTS: dict[SourceKind, Literal["DiskSnapshot", "InstanceSnapshot", "RelationalDatabaseSnapshot"]] = {
    "Disk": "DiskSnapshot",
    "Instance": "InstanceSnapshot",
    "RelationalDatabase": "RelationalDatabaseSnapshot",
}

Foreign = Literal["of another size", "somebody's", "half ours", "just like it"]
FOREIGN: tuple[Foreign, ...] = get_args(Foreign)
"""What may stand where a copy of ours is to be. The last one is what a run that died would have left there."""


def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let botocore call at once, whatever was throttled: how long it waits is its own affair."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=noop))
    monkeypatch.setattr("botocore.retries.bucket.TokenBucket.acquire", _at_once)


def _at_once(_bucket: object, _amount: int = 1, *, block: bool = True) -> bool:
    return block


def writes_left(count: int, margin: float) -> Callable[[], float]:
    """Return a clock by which only so many writes still begin in time; for reads there is enough."""
    left = iter([margin] * count)
    return lambda: next(left, margin - 1) if threading.current_thread().name.startswith("writes") else 900.0


@dataclass
class World:
    """Sources, a user, a clock, and Lightkeeper; emptied with each `reset`."""

    keeper: Keeper
    neighbours: tuple["World", ...] = field(default=(), repr=False, compare=False)
    """Of the same deployment, in other accounts."""
    users: dict[str, "LightsailClient"] = field(init=False)
    second: dict[str, Lightsail] = field(init=False)
    judged: Counter[str] = field(default_factory=Counter)
    """How many calls of runs have been judged and took effect, by operation, through all resets."""
    planted: Counter[str] = field(default_factory=Counter)
    """How often something foreign was put where copies lie, by what it is, through all resets."""

    def __post_init__(self) -> None:
        sandbox, account = self.keeper.sandbox, self.keeper.account
        self.users = {region: console(sandbox, region, account) for region in (REGION, OTHER_REGION, AWAY)}
        self.second = other_runs(self.keeper, "second", [*self.keeper.regions, *self.keeper.others])

    def reset(self, now: datetime) -> None:
        """Begin afresh."""
        self.keeper.sandbox.reset()
        self.keeper.sandbox.set_time(now)
        self.keeper.witness = Witness(self.keeper.sandbox, judged=self.judged)
        # One write at a time: the order of calls, and so what a fault meets, is the same in every run.
        self.keeper.settings = Settings(max_concurrency=1)
        self.configure()

    def configure(self, **changes: object) -> None:
        """Change settings, and with them what AWS lets a run do."""
        self.keeper.configure(**changes)
        self.keeper.sandbox.enforce_role(self.policy(), RUN)

    def policy(self) -> dict[str, Any]:
        """Return what AWS lets a run do."""
        conditions = {
            "aws:ResourceTag/lightkeeper:expires": "False",
            f"aws:ResourceTag/{self.keeper.settings.tag_key}:hold": "True",
        }
        anything = ("Get*", "Create*", "CopySnapshot", "TagResource", "UntagResource")
        allowed = {"Action": [f"lightsail:{action}" for action in anything]}
        deletes = {"Action": "lightsail:Delete*Snapshot", "Condition": {"Null": conditions}}
        statements = [{"Effect": "Allow", "Resource": "*", **each} for each in (allowed, deletes)]
        return {"Version": "2012-10-17", "Statement": statements}

    # Time and runs

    def run(self) -> None:
        """Run a run in which everything that is due has to be done, unless a call fails."""
        keeper = self.keeper
        with keeper.witness.watching(keeper.settings.to_mapping(), expect_all=True), suppress(CallError):
            self.run_with(keeper.regions)

    def disturbed_run(self, *faults: FaultRule) -> None:
        """Run a run that cannot know everything: a list lies, or a user acts while it works."""
        keeper = self.keeper
        self.break_down(*faults)
        with keeper.witness.watching(keeper.settings.to_mapping(), enforced=True), suppress(CallError):
            self.run_with(keeper.regions)
        keeper.sandbox.clear_faults()

    def replay(self, age: timedelta) -> None:
        """Run a run whose event is as old as that: one that came late, or a dead letter that was sent again."""
        keeper = self.keeper
        now = keeper.sandbox.now() - age
        watching = keeper.witness.watching(keeper.settings.to_mapping(), now=now, expect_all=True)
        with watching, suppress(CallError):
            self.run_with(keeper.regions, now)

    def hurried_run(self, writes: int) -> None:
        """Run a run that has time for so many writes only."""
        keeper, before = self.keeper, len(self.keeper.sandbox.calls())
        clock = writes_left(writes, margin_seconds(keeper.settings.max_concurrency))
        with keeper.witness.watching(keeper.settings.to_mapping()), suppress(CallError):
            self.run_with(keeper.regions, seconds_left=clock)
        begun = [call for call in keeper.sandbox.calls()[before:] if not call.operation.startswith("Get")]
        # A copy gets its tags, once it is begun.
        begun = [call for call in begun if SLOT not in str(call.parameters.get("tags")) or "Create" in call.operation]
        here = [call for call in begun if keeper.account in {None, call.account}]
        assert len(here) <= writes, "rule 12: a write began near the deadline"

    def faulty_run(self, *faults: FaultRule) -> None:
        """Run a run while Lightsail is not well."""
        self.break_down(*faults)
        self.run()
        self.keeper.sandbox.clear_faults()

    def runs_at_once(self) -> None:
        """Run two runs side by side."""
        self.keeper.runs_at_once(self.second)

    def retry_after(self, calls: int) -> None:
        """Run a run, and beside it another one as soon as the first has made so many calls."""
        sandbox = self.keeper.sandbox
        begun = len(sandbox.calls())
        with self._first_run() as first:
            sandbox.wait_for_call(begun + calls)
            self.run_with(self.second)
            first.result()

    def retry_while_held(self, operation: str, region: str | None = None) -> None:
        """Run a run that hangs in its first call of an operation until another one has begun and ended."""
        sandbox = self.keeper.sandbox
        sandbox.add_faults(FaultRule(effect=HoldAnswer(), operation=operation, region=region, calls=(1,)))
        begun = len(sandbox.calls())
        with self._first_run() as first:
            calls = sandbox.calls(begun)
            while not any(call.operation == operation and region in {None, call.region} for call in calls):
                calls = sandbox.wait_for_call(begun + len(calls) + 1)[begun:]
            self.run_with(self.second)
            assert not first.done()
            sandbox.clear_faults()
            first.result()

    @contextmanager
    def _first_run(self) -> Iterator[Future[None]]:
        keeper = self.keeper
        with keeper.witness.watching(keeper.settings.to_mapping()), ThreadPoolExecutor(1) as pool:
            yield pool.submit(self.run_with, keeper.regions)

    def run_with(
        self,
        regions: dict[str, Lightsail],
        now: datetime | None = None,
        *,
        seconds_left: Callable[[], float] = lambda: 900.0,
    ) -> None:
        """Run a run over these connections, to where copies go, too; the witness is the caller's affair."""
        keeper = self.keeper
        reached = {**keeper.others, **regions}
        run_regions(
            {region: reached[region] for region in keeper.regions},
            keeper.settings,
            now or keeper.sandbox.now(),
            seconds_left=seconds_left,
            on_outcome=noop,
            targets={region: reached[region] for region in keeper.settings.copies},
        )

    def break_down(self, *faults: FaultRule) -> None:
        """Have these faults in the account, until they are cleared."""
        self.keeper.sandbox.add_faults(*(replace(fault, account=self.keeper.account) for fault in faults))

    def advance(self, by: timedelta) -> None:
        """Let time pass; a negative time is a clock set back."""
        self.keeper.sandbox.set_time(self.keeper.sandbox.now() + by)

    # What there is

    def entries(self) -> list[Entry]:
        """Return all there is in the account."""
        return [entry for entry in self.keeper.sandbox.entries() if self.keeper.account in {None, entry.account}]

    def sources(self) -> dict[str, Entry]:
        """Return the sources by name."""
        return {entry.name: entry for entry in self.entries() if entry.state is None}

    def snapshots(self) -> list[Entry]:
        """Return all snapshots, anybody's, in the order of their names."""
        entries = [entry for entry in self.entries() if entry.state is not None]
        return sorted(entries, key=lambda entry: (entry.name, entry.region))

    def pick(self, number: int) -> Entry | None:
        """Return one of the snapshots, if there is any."""
        snapshots = self.snapshots()
        return snapshots[number % len(snapshots)] if snapshots else None

    def marked(self, number: int) -> Entry | None:
        """Return one of the snapshots whose deletion is scheduled, if there is any."""
        snapshots = [snapshot for snapshot in self.snapshots() if EXPIRES in snapshot.tags]
        return snapshots[number % len(snapshots)] if snapshots else None

    # What a user does

    def make(self, name: str, tags: dict[str, str]) -> None:
        """Make a source, if it is not there."""
        if name not in self.sources():
            born = self.keeper.sandbox.now() - 100 * DAY
            seed = Seed(
                kind=SOURCES[name],
                name=name,
                region=WHERE[name],
                account=self.keeper.account,
                tags=tags,
                created_at=born,
            )
            self.keeper.sandbox.seed([seed])

    def destroy(self, name: str, *, keep_a_final_snapshot: bool = False) -> None:
        """Delete a source, if it is there; a database, if it is available, with a final snapshot."""
        source, user = self.sources().get(name), self.users[WHERE[name]]
        if source is None:
            return
        match SOURCES[name]:
            case "Disk":
                user.delete_disk(diskName=name)
            case "Instance":
                user.delete_instance(instanceName=name)
            case "RelationalDatabase":
                skip = not keep_a_final_snapshot or source.database_state != "available"
                user.delete_relational_database(relationalDatabaseName=name, skipFinalSnapshot=skip)
            case _:
                assert_never(SOURCES[name])

    def set_state(self, name: str, state: str | None) -> None:
        """Give a database a state, if it is there; None: it follows from what is done to it again."""
        if name in self.sources():
            self.keeper.sandbox.set_database_state(WHERE[name], name, state, account=self.keeper.account)

    def end(self, region: str, snapshot: str, state: SnapshotState) -> None:
        """Let a snapshot complete, fail or hang."""
        self.keeper.sandbox.set_snapshot_state(region, snapshot, state, account=self.keeper.account)

    def tag(self, region: str, name: str, key: str, value: str) -> None:
        """Tag a resource."""
        self.users[region].tag_resource(
            resourceName=name, tags=[{"key": key, "value": value} if value else {"key": key}]
        )

    def untag(self, region: str, name: str, keys: Iterable[str]) -> None:
        """Remove tags from a resource."""
        self.users[region].untag_resource(resourceName=name, tagKeys=[*keys])

    def delete(self, snapshot: Entry) -> None:
        """Delete a snapshot."""
        user, name = self.users[snapshot.region], snapshot.name
        match snapshot.kind:
            case "DiskSnapshot":
                user.delete_disk_snapshot(diskSnapshotName=name)
            case "InstanceSnapshot":
                user.delete_instance_snapshot(instanceSnapshotName=name)
            case _:
                user.delete_relational_database_snapshot(relationalDatabaseSnapshotName=name)

    def plant(self, of: str, name: str, tags: dict[str, str], age: timedelta) -> None:
        """Take a snapshot by hand, long ago, unless its source or the room for its name is gone."""
        taken = {entry.name for entry in self.entries()}
        if of in taken and name not in taken:
            born = self.keeper.sandbox.now() - age
            seed = Seed(
                kind=_SNAPSHOTS[SOURCES[of]],
                name=name,
                region=WHERE[of],
                account=self.keeper.account,
                source=of,
                tags=tags,
                created_at=born,
            )
            self.keeper.sandbox.seed([seed])

    def plant_as_copy(self, number: int, region: str, how: Foreign) -> None:
        """Put something foreign where the copy of one of our snapshots would be that has none there."""
        taken = {entry.name for entry in self.entries() if entry.region == region}
        names = [
            (each, _name_of_copy(each, region))
            for each in self.snapshots()
            if _says_it_is_ours(each) and each.region != region and each.kind in {"DiskSnapshot", "InstanceSnapshot"}
        ]
        free = [(original, name) for original, name in names if name not in taken]
        if not free:
            return
        original, name = free[number % len(free)]
        seed = Seed(
            kind="InstanceSnapshot" if original.kind == "InstanceSnapshot" else "DiskSnapshot",
            name=name,
            region=region,
            account=self.keeper.account,
            source=original.source_name,
            source_arn=original.source_arn,
            size_gb=original.size_gb,
            created_at=self.keeper.sandbox.now(),
        )
        match how:
            case "of another size":
                seed = replace(seed, size_gb=(original.size_gb or 0) + 8)
            case "somebody's":
                seed = replace(seed, tags={"customer": "bakery"})
            case "half ours":
                seed = replace(seed, tags=dict(original.tags))
            case "just like it":
                # A copy indeed: its content is of when that of the original is.
                if original.state in {"completed", "available"}:
                    self._copy(original, region, name)
                    self.planted[how] += 1
                return
            case _:
                assert_never(how)
        self.keeper.sandbox.seed([seed])
        self.planted[how] += 1

    def copy_by_hand(self, number: int, region: str, name: str) -> None:
        """Copy a snapshot as the user would, if it can be copied, and the name is free."""
        usable = [
            each
            for each in self.snapshots()
            if each.state in {"completed", "available"} and each.kind != "RelationalDatabaseSnapshot"
        ]
        if usable and not any(entry.name == name for entry in self.entries()):
            self._copy(usable[number % len(usable)], region, name)
            self.planted["by hand"] += 1

    def _copy(self, original: Entry, region: str, name: str) -> None:
        self.users[region].copy_snapshot(
            sourceRegion=cast("RegionNameType", original.region),
            sourceSnapshotName=original.name,
            targetSnapshotName=name,
        )


def _name_of_copy(original: Entry, region: str) -> str:
    slot = instant(original.tags[SLOT])
    assert slot
    return copy_name(Birth(original.tags[OWNER], original.tags[SOURCE], slot), original.source_name or "", region)


def _says_it_is_ours(entry: Entry) -> bool:
    return {OWNER, SOURCE, SLOT} <= {*entry.tags} and instant(entry.tags[SLOT]) is not None and TAKEN not in entry.tags
