"""TagReading and running Regions side by side: what one of them does costs the others nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event
from typing import TypeVar

import pytest

from lightkeeper.actions import Create, Outcome, Result, Target
from lightkeeper.faults import CallError, Fault
from lightkeeper.inventory import plan_regions, read_region
from lightkeeper.kinds import LISTINGS, STATIC_IPS, SnapshotKind, SourceKind
from lightkeeper.model import Inventory, Plan, Snapshot, SnapshotState, Source, StaticIp, Status
from lightkeeper.names import snapshot_name
from lightkeeper.plan import make_plan
from lightkeeper.run import Run, run_regions
from lightkeeper.settings import Settings
from lightkeeper.tags import EXPIRES, snapshot_tags
from lightkeeper.times import format_instant

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
SLOT = datetime(2026, 6, 15, 3, tzinfo=UTC)
DAY = timedelta(days=1)
HERE, THERE = "eu-central-1", "us-east-1"
SETTINGS = Settings()
PATIENCE_SECONDS = 120  # with other threads, on a busy machine; over only where the code is wrong

_T = TypeVar("_T")


def disk(name: str, region: str) -> Source:
    arn = f"arn:aws:lightsail:{region}:1:Disk/{name}"
    return Source(SourceKind.DISK, name, arn, region, NOW - 100 * DAY, {"backup": "daily", "backup:keep": "1"})


def snapshot(of: Source, days: int, *, is_over: bool = False) -> Snapshot:
    slot = SLOT - days * DAY
    mark = {EXPIRES: format_instant(NOW - timedelta(hours=1))} if is_over else {}
    return Snapshot(
        kind=SnapshotKind.DISK,
        name=snapshot_name(of.name, of.arn, SETTINGS.deployment, slot),
        region=of.region,
        state=SnapshotState.USABLE,
        created_at=slot,
        size_gib=8,
        source_name=of.name,
        source_arns=frozenset([of.arn]),
        from_auto_snapshot=False,
        tags=snapshot_tags(of, slot, SETTINGS, slot)[0] | mark,
    )


@dataclass
class Region:
    """Lightsail in a Region, in memory."""

    fleet: Sequence[Source] = ()
    taken: Sequence[Snapshot] = ()
    faults: dict[str, Exception] = field(default_factory=dict)
    """By what is asked: a kind that is listed, or a method."""
    calls: list[str] = field(default_factory=list)
    before: dict[str, Callable[[], object]] = field(default_factory=dict)
    """What happens before a call is answered, by what is asked."""

    def sources(self, kind: SourceKind) -> Iterator[Source]:
        yield from self._answer(kind, [source for source in self.fleet if source.kind is kind])

    def snapshots(self, kind: SnapshotKind) -> Iterator[Snapshot]:
        yield from self._answer(kind, [snapshot for snapshot in self.taken if snapshot.kind is kind])

    def static_ips(self) -> Iterator[StaticIp]:
        yield from self._answer(STATIC_IPS, ())

    def create(self, create: Create) -> None:
        self._answer("create", create)

    def copy(self, target: Target, original: Target) -> None:
        self._answer("copy", (target, original))

    def tag(self, target: Target, tags: Mapping[str, str]) -> None:
        self._answer("tag", (target, tags))

    def untag(self, target: Target, key: str) -> None:
        self._answer("untag", (target, key))

    def delete(self, target: Target) -> None:
        self._answer("delete", target)

    def find(self, target: Target) -> Snapshot:
        raise NotImplementedError(target)

    def _answer(self, method: str, answer: _T) -> _T:
        self.calls.append(method)
        self.before.get(method, lambda: None)()
        if method in self.faults:
            raise self.faults[method]
        return answer


def a_region(name: str) -> Region:
    """Return a Region with a disk that is due, and one of which a snapshot is to be deleted."""
    due, old = disk("due", name), disk("old", name)
    return Region([due, old], [snapshot(old, 0), snapshot(old, 1, is_over=True)])


def run(regions: dict[str, Region], seconds_left: Callable[[], float] = lambda: 900.0) -> Run:
    reported: list[Outcome] = []
    ended = run_regions(regions, SETTINGS, NOW, seconds_left=seconds_left, on_outcome=reported.append)
    assert sorted(map(id, reported)) == sorted(map(id, ended.outcomes))
    return ended


def done(ended: Run) -> set[tuple[str, str, Result]]:
    return {(type(outcome.action).__name__, outcome.action.target.region, outcome.result) for outcome in ended.outcomes}


# TagReading a Region


def test_the_lists_of_a_region_are_read_side_by_side() -> None:
    together = Barrier(4)
    lists = ("disk", "instance", "disk-snapshot", "instance-snapshot")
    region = Region(before=dict.fromkeys(lists, lambda: together.wait(timeout=PATIENCE_SECONDS)))

    assert read_region(HERE, region, SETTINGS, lambda: 900.0).failures == ()


def test_what_is_listed_twice_counts_once() -> None:
    shop = disk("shop", HERE)
    region = Region([shop, shop], [snapshot(shop, 0), snapshot(shop, 1), snapshot(shop, 0)])

    inventory = read_region(HERE, region, SETTINGS, lambda: 900.0)

    assert inventory.sources == (shop,)
    assert [point.slot for point in inventory.points] == [SLOT, SLOT - DAY]
    assert inventory.regions == (HERE,)


@pytest.mark.parametrize(
    ("error", "message", "fault"),
    [
        (CallError(Fault.ACCESS_DENIED, "GetDisks: refused"), "GetDisks: refused", Fault.ACCESS_DENIED),
        (KeyError("name"), "GetDisks: unexpected KeyError: 'name'", Fault.UNAVAILABLE),
    ],
)
def test_a_list_that_fails_is_part_of_the_inventory_and_the_others_are_read(
    error: Exception, message: str, fault: Fault
) -> None:
    shop = disk("shop", HERE)

    inventory = read_region(HERE, Region([shop], [snapshot(shop, 0)], {"disk": error}), SETTINGS, lambda: 900.0)

    (failure,) = inventory.failures
    assert (failure.region, failure.listing, failure.message, failure.fault) == (HERE, "GetDisks", message, fault)
    assert (inventory.sources, len(inventory.points)) == ((), 1)


def test_a_list_that_cannot_be_read_to_its_end_in_time_fails_and_nothing_of_it_counts() -> None:
    left = iter([10.0] * 6)
    shop = disk("shop", HERE)
    region = Region(taken=[snapshot(shop, days) for days in range(9)])

    inventory = read_region(HERE, region, SETTINGS, lambda: next(left, 0.0))

    assert inventory.points == ()
    assert "GetDiskSnapshots" in {failure.listing for failure in inventory.failures}
    assert "no time left in this run to read it to its end" in inventory.failures[0].message


# Several Regions

REFUSED = CallError(Fault.UNAUTHENTICATED, "the security token is invalid; is the Region enabled in the account?")


def test_a_region_that_refuses_the_credentials_fails_alone() -> None:
    regions = {HERE: Region(faults={"disk": REFUSED, "disk-snapshot": REFUSED}), THERE: a_region(THERE)}

    ended = run(regions)

    assert done(ended) == {("Create", THERE, Result.DONE), ("Delete", THERE, Result.DONE)}
    assert {failure.region for failure in ended.plan.failures} == {HERE}
    assert ended.failures[0] == f"{HERE}: {REFUSED}"


@pytest.mark.parametrize("look", [run, lambda regions: plan_regions(regions, SETTINGS, NOW)])
def test_where_every_region_refuses_the_credentials_the_run_fails_at_once_and_says_why(
    look: Callable[[dict[str, Region]], object],
) -> None:
    regions = {name: Region(faults={"instance": REFUSED}) for name in (HERE, THERE)}

    with pytest.raises(CallError, match="every Region refuses the credentials: the security token is invalid") as ended:
        look(regions)

    assert ended.value.fault is Fault.UNAUTHENTICATED
    assert "create" not in regions[HERE].calls


def test_no_region_waits_for_another() -> None:
    deleted_there = Event()
    here, there = a_region(HERE), a_region(THERE)

    def wait_for_there() -> None:
        assert deleted_there.wait(timeout=PATIENCE_SECONDS)

    here.before["disk"] = wait_for_there
    there.before["delete"] = deleted_there.set

    ended = run({HERE: here, THERE: there})

    assert ended.failures == ()
    assert {result for *_, result in done(ended)} == {Result.DONE}
    assert len(ended.outcomes) == 4


def test_near_the_deadline_a_region_is_not_read_any_more_and_nothing_is_done() -> None:
    here = a_region(HERE)

    ended = run({HERE: here}, seconds_left=lambda: 60.0)

    assert len(ended.plan.failures) == len(LISTINGS)
    assert here.calls == []
    assert ended.outcomes == ()


def test_the_whole_is_in_order_whichever_region_was_first() -> None:
    ended = run({THERE: a_region(THERE), HERE: a_region(HERE)})

    assert [(source.region, source.name) for source in ended.plan.sources] == [
        (HERE, "due"),
        (HERE, "old"),
        (THERE, "due"),
        (THERE, "old"),
    ]
    assert [type(outcome.action).__name__ for outcome in ended.outcomes] == ["Create", "Create", "Delete", "Delete"]
    assert ended.plan.regions == (THERE, HERE)


def test_before_anything_is_written_in_a_region_its_plan_is_handed_on() -> None:
    here = a_region(HERE)
    written_before: list[bool] = []

    def hear(plan: Plan) -> None:
        assert plan.actions
        written_before.append("create" in here.calls)

    run_regions({HERE: here}, SETTINGS, NOW, seconds_left=lambda: 900.0, on_outcome=lambda _: None, on_plan=hear)

    assert written_before == [False]
    assert "create" in here.calls


def test_what_the_run_has_begun_is_on_its_way_and_what_failed_is_overdue() -> None:
    failing = a_region(THERE)
    failing.faults["create"] = CallError(Fault.UNAVAILABLE, "down")

    ended = run({HERE: a_region(HERE), THERE: failing})

    assert {(source.region, source.status) for source in ended.plan.sources if source.name == "due"} == {
        (HERE, Status.WAITING),
        (THERE, Status.OVERDUE),
    }
    assert ended.failures == (f"{THERE}: due: down",)


def test_before_a_deletion_the_region_is_read_again() -> None:
    here = a_region(HERE)
    newest, old = here.taken

    def hold() -> None:
        here.taken = [newest, replace(old, tags={**old.tags, "backup:hold": ""})]

    here.before["create"] = hold

    ended = run({HERE: here})

    assert here.calls.count("disk-snapshot") == 2
    assert "delete" not in here.calls
    assert [(outcome.result, outcome.error) for outcome in ended.outcomes][1:] == [
        (Result.SKIPPED, "looked at again right before: on hold")
    ]


def test_a_defect_met_in_one_region_stops_no_other_and_the_run_ends_as_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def clumsy(inventory: Inventory, settings: Settings, now: datetime) -> Plan:
        if inventory.regions == (HERE,):
            raise TypeError("not a plan")
        return make_plan(inventory, settings, now)

    monkeypatch.setattr("lightkeeper.inventory.make_plan", clumsy)

    ended = run({HERE: a_region(HERE), THERE: a_region(THERE)})

    assert done(ended) == {("Create", THERE, Result.DONE), ("Delete", THERE, Result.DONE)}
    assert ended.failures == (f"{HERE}: unexpected TypeError: not a plan",)
