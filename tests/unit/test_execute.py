"""Applying a plan: in what order, what a failure holds back, and how each action ends."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Barrier, Semaphore

import pytest

from lightkeeper.execute import MARGIN_SECONDS, execute
from lightkeeper.faults import CallError, Fault
from lightkeeper.model import (
    Action,
    Announce,
    Create,
    Defer,
    Delete,
    Outcome,
    Plan,
    Rescue,
    Result,
    Snapshot,
    SnapshotKind,
    SnapshotState,
    Source,
    SourceKind,
    Target,
)
from lightkeeper.settings import Settings
from lightkeeper.tags import EXPIRES, snapshot_name, snapshot_tags

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
SLOT = datetime(2026, 6, 15, 3, tzinfo=UTC)
DAY = timedelta(days=1)
REGION = "eu-central-1"
OTHER_REGION = "us-east-1"
SETTINGS = Settings(writers=1)
PATIENCE_SECONDS = 120  # with other threads, on a busy machine; over only where the code is wrong


def disk(name: str, region: str = REGION) -> Source:
    return Source(SourceKind.DISK, name, f"arn:aws:lightsail:{region}:1:Disk/{name}", region, NOW - 100 * DAY, {})


def target(name: str = "shop", slot: datetime = SLOT, region: str = REGION) -> Target:
    of = disk(name, region)
    return Target(region, name, of.arn, snapshot_name(name, of.arn, slot), SnapshotKind.DISK, slot, "daily")


def create(name: str = "shop", region: str = REGION) -> Create:
    tags, left_out = snapshot_tags(disk(name, region), SLOT, SETTINGS)
    return Create(target(name, region=region), SourceKind.DISK, tags, left_out, "due")


def announce(name: str = "shop", days: int = 8) -> Announce:
    return Announce(target(name, SLOT - days * DAY), NOW + DAY, "dropped")


def rescue(name: str = "shop", days: int = 9) -> Rescue:
    return Rescue(target(name, SLOT - days * DAY), "kept again")


def delete(name: str = "shop", days: int = 10) -> Delete:
    return Delete(target(name, SLOT - days * DAY), "dropped")


def defer(name: str = "shop", days: int = 8) -> Defer:
    return Defer(target(name, SLOT - days * DAY), NOW + timedelta(minutes=1), "at most 3")


@dataclass
class Shelf:
    """Lightsail in memory, where all snapshots are ours."""

    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    faults: Mapping[tuple[str, str], Exception] = field(default_factory=dict)
    """By method and source."""
    calls: list[tuple[str, str]] = field(default_factory=list)

    def put(self, action: Create, state: SnapshotState = SnapshotState.PENDING) -> None:
        name, region = action.target.source, action.target.region
        origin = frozenset([action.target.source_arn])
        self.snapshots[action.target.snapshot] = Snapshot(
            kind=action.target.kind,
            name=action.target.snapshot,
            region=region,
            state=state,
            created_at=NOW,
            size_gib=8,
            source_name=name,
            source_arns=origin,
            from_auto_snapshot=False,
            tags=action.tags,
        )

    def create(self, create: Create) -> None:
        self._call("create", create.target)
        if create.target.snapshot in self.snapshots:
            raise CallError(Fault.INVALID_INPUT, "the name is in use")
        self.put(create)

    def tag(self, target: Target, key: str, value: str) -> None:
        self._call(f"{key}={value}", target)

    def untag(self, target: Target, key: str) -> None:
        self._call(f"no {key}", target)

    def delete(self, target: Target) -> None:
        self._call("delete", target)

    def find(self, target: Target) -> Snapshot:
        self._call("find", target)
        if target.snapshot not in self.snapshots:
            raise CallError(Fault.NOT_FOUND, "no such snapshot")
        return self.snapshots[target.snapshot]

    def _call(self, method: str, target: Target) -> None:
        self.calls.append((method, target.source))
        if fault := self.faults.get((method, target.source)):
            raise fault


def run(
    shelf: Shelf, *actions: Action, seconds_left: Callable[[], float] = lambda: 900.0, settings: Settings = SETTINGS
) -> tuple[Outcome, ...]:
    plan = Plan(NOW, (), actions, (), (), ())
    told: list[Outcome] = []
    writers = {REGION: shelf, OTHER_REGION: shelf}
    outcomes = execute(plan, writers, settings, seconds_left=seconds_left, on_outcome=told.append)
    assert sorted(map(id, told)) == sorted(map(id, outcomes)), "each outcome is told once"
    return outcomes


def results(outcomes: tuple[Outcome, ...]) -> list[Result]:
    return [outcome.result for outcome in outcomes]


# What is done


def test_each_action_is_its_call() -> None:
    shelf = Shelf()

    outcomes = run(shelf, create(), announce(), rescue(), delete())

    assert shelf.calls == [
        ("create", "shop"),
        (f"{EXPIRES}=2026-06-16T12:00:00Z", "shop"),
        (f"no {EXPIRES}", "shop"),
        ("delete", "shop"),
    ]
    assert [(outcome.result, outcome.error) for outcome in outcomes] == [(Result.DONE, None)] * 4


def test_what_the_plan_defers_is_marked_and_deferred() -> None:
    shelf = Shelf()

    (outcome,) = run(shelf, defer())

    assert (outcome.result, outcome.error) == (Result.DEFERRED, None)
    assert shelf.calls == [(f"{EXPIRES}=2026-06-15T12:01:00Z", "shop")]


def test_what_is_left_for_later_is_marked_before_anything_is_deleted() -> None:
    shelf = Shelf()

    outcomes = run(shelf, delete(), defer())

    assert results(outcomes) == [Result.DONE, Result.DEFERRED]
    assert [method for method, _ in shelf.calls] == [f"{EXPIRES}=2026-06-15T12:01:00Z", "delete"]


def test_every_create_has_ended_before_anything_is_pruned_and_the_outcomes_are_in_the_plans_order() -> None:
    shelf = Shelf()
    actions: list[Action] = [delete("a"), create("b"), delete("c"), create("d")]

    outcomes = run(shelf, *actions)

    assert [outcome.action for outcome in outcomes] == actions
    assert [method for method, _ in shelf.calls] == ["create", "create", "delete", "delete"]


def test_regions_do_not_wait_for_each_other_and_within_one_so_many_writes_are_in_flight_as_is_set() -> None:
    together = Barrier(4)

    class Meeting(Shelf):
        def create(self, create: Create) -> None:
            together.wait(timeout=PATIENCE_SECONDS)
            super().create(create)

    actions = [create(name, region) for name in ("a", "b") for region in (REGION, OTHER_REGION)]

    outcomes = run(Meeting(), *actions, settings=replace(SETTINGS, writers=2))

    assert set(results(outcomes)) == {Result.DONE}


# What a failure holds back


@pytest.mark.parametrize(("fault", "result"), [(Fault.UNAVAILABLE, Result.FAILED), (Fault.NOT_FOUND, Result.SKIPPED)])
def test_nothing_is_pruned_where_the_snapshot_was_not_taken(fault: Fault, result: Result) -> None:
    shelf = Shelf(faults={("create", "shop"): CallError(fault, "no")})
    pruning = announce(), defer(), delete()

    outcomes = run(shelf, create("shop"), create("clinic"), rescue(), delete("clinic"), *pruning)

    assert results(outcomes) == [result, *[Result.DONE] * 3, *[Result.SKIPPED] * 3]
    assert {outcome.error for outcome in outcomes[-3:]} == {"nothing is pruned after a failure of the same source"}
    assert [method for method, name in shelf.calls if name == "shop"] == ["create", f"no {EXPIRES}"]


@pytest.mark.parametrize(("fault", "result"), [(Fault.UNAVAILABLE, Result.FAILED), (Fault.NOT_FOUND, Result.SKIPPED)])
def test_nothing_is_deleted_where_what_is_left_for_later_could_not_be_marked(fault: Fault, result: Result) -> None:
    shelf = Shelf(faults={(f"{EXPIRES}=2026-06-15T12:01:00Z", "shop"): CallError(fault, "no")})

    outcomes = run(shelf, defer(), delete("shop"), delete("clinic"))

    assert results(outcomes) == [result, Result.SKIPPED, Result.DONE]


def test_nothing_is_deleted_where_the_mark_had_to_wait_although_there_is_time_again() -> None:
    left = iter([MARGIN_SECONDS - 1, 900.0, 900.0])

    outcomes = run(Shelf(), defer(), delete("shop"), delete("clinic"), seconds_left=lambda: next(left))

    assert results(outcomes) == [Result.DEFERRED, Result.SKIPPED, Result.DONE]


@pytest.mark.parametrize("action", [announce(), rescue()])
def test_an_announcement_or_a_rescue_that_fails_holds_no_deletion_back(action: Action) -> None:
    method = f"{EXPIRES}=2026-06-16T12:00:00Z" if isinstance(action, Announce) else f"no {EXPIRES}"
    shelf = Shelf(faults={(method, "shop"): CallError(Fault.UNAVAILABLE, "no")})

    outcomes = run(shelf, action, delete())

    assert results(outcomes) == [Result.FAILED, Result.DONE]


def test_nothing_is_pruned_where_the_snapshot_had_to_wait_although_there_is_time_again() -> None:
    left = iter([MARGIN_SECONDS - 1, 900.0, 900.0])

    outcomes = run(Shelf(), create("shop"), delete("shop"), delete("clinic"), seconds_left=lambda: next(left))

    assert results(outcomes) == [Result.DEFERRED, Result.SKIPPED, Result.DONE]


@pytest.mark.parametrize(
    ("action", "method", "fault", "result", "error"),
    [
        (create(), "create", CallError(Fault.UNAVAILABLE, "down"), Result.FAILED, "down"),
        (create(), "create", CallError(Fault.NOT_FOUND, "no disk"), Result.SKIPPED, "it has gone meanwhile (no disk)"),
        (rescue(), f"no {EXPIRES}", CallError(Fault.NOT_FOUND, "no"), Result.SKIPPED, "it has gone meanwhile (no)"),
        (delete(), "delete", CallError(Fault.NOT_FOUND, "no"), Result.DONE, None),
        (delete(), "delete", CallError(Fault.ACCESS_DENIED, "refused"), Result.FAILED, "refused"),
        (delete(), "delete", KeyError("oops"), Result.FAILED, "unexpected KeyError: 'oops'"),
    ],
)
def test_a_failure_ends_its_own_action_and_says_why(
    action: Action, method: str, fault: Exception, result: Result, error: str | None
) -> None:
    shelf = Shelf(faults={(method, "shop"): fault})

    outcomes = run(shelf, action, create("clinic"))

    assert (outcomes[0].result, outcomes[0].error) == (result, error)
    assert outcomes[1].result is Result.DONE


def test_nothing_more_is_written_after_the_credentials_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def last_first(futures: list[Future[Outcome]]) -> Iterator[Future[Outcome]]:
        wait(futures)
        return reversed(futures)

    # The calling thread learns of the refusal when all is over.
    monkeypatch.setattr("lightkeeper.execute.as_completed", last_first)
    shelf = Shelf(faults={("create", "a"): CallError(Fault.UNAUTHENTICATED, "the token has expired")})

    with pytest.raises(CallError, match="expired"):
        run(shelf, *(create(name) for name in "abcdefgh"), delete("i"))

    assert shelf.calls == [("create", "a")]


def test_an_interrupted_run_ends_with_no_more_than_the_write_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    given_up = Semaphore(0)
    cancel = Future.cancel

    def cancel_and_tell(future: Future[Outcome]) -> bool:
        done = cancel(future)
        given_up.release()
        return done

    class Slow(Shelf):
        def create(self, create: Create) -> None:
            super().create(create)
            if create.target.source != "a":
                all(given_up.acquire(timeout=PATIENCE_SECONDS) for _ in range(8))

    def interrupt(outcome: Outcome) -> None:
        raise KeyboardInterrupt(outcome.action.target.source)

    monkeypatch.setattr(Future, "cancel", cancel_and_tell)
    shelf = Slow()
    plan = Plan(NOW, (), tuple(create(name) for name in "abcdefgh"), (), (), ())

    with pytest.raises(KeyboardInterrupt, match="a"):
        execute(plan, {REGION: shelf}, SETTINGS, seconds_left=lambda: 900.0, on_outcome=interrupt)

    assert shelf.calls in ([("create", "a")], [("create", "a"), ("create", "b")])


# A name that is in use


def test_a_snapshot_of_the_same_source_and_slot_under_the_name_is_a_success() -> None:
    shelf = Shelf()
    shelf.put(create())

    (outcome,) = run(shelf, create())

    assert (outcome.result, outcome.error) == (Result.DONE, None)


def test_one_that_ended_in_error_under_the_name_is_none() -> None:
    shelf = Shelf()
    shelf.put(create(), SnapshotState.ERROR)

    (outcome,) = run(shelf, create())

    assert (outcome.result, outcome.error) == (Result.FAILED, f"snapshot {target().snapshot} ended in error")


def test_a_snapshot_of_the_users_under_the_name_is_a_failure() -> None:
    shelf = Shelf()
    shelf.put(replace(create(), tags={}))

    (outcome,) = run(shelf, create())

    assert outcome.result is Result.FAILED
    assert outcome.error == "the name is in use; the name belongs to a snapshot that is not ours"


@pytest.mark.parametrize(
    ("fault", "error"), [(Fault.NOT_FOUND, "the tags are wrong"), (Fault.ACCESS_DENIED, "may not look")]
)
def test_where_there_is_nothing_to_look_up_the_refusal_itself_is_told(fault: Fault, error: str) -> None:
    shelf = Shelf(
        faults={
            ("create", "shop"): CallError(Fault.INVALID_INPUT, "the tags are wrong"),
            ("find", "shop"): CallError(fault, "may not look"),
        }
    )

    (outcome,) = run(shelf, create())

    assert (outcome.result, outcome.error) == (Result.FAILED, error)


def test_only_a_name_in_use_is_looked_up() -> None:
    shelf = Shelf(faults={("create", "shop"): CallError(Fault.OPERATION_FAILED, "no space")})

    run(shelf, create())

    assert shelf.calls == [("create", "shop")]


# Near the deadline


def test_a_write_starts_with_just_enough_time_left_and_not_with_less() -> None:
    left = iter([MARGIN_SECONDS, MARGIN_SECONDS - 0.1, MARGIN_SECONDS - 0.1])

    outcomes = run(Shelf(), create("a"), create("b"), delete("c"), seconds_left=lambda: next(left))

    assert results(outcomes) == [Result.DONE, Result.DEFERRED, Result.DEFERRED]
    assert outcomes[1].error == "no time left in this run; the next one goes on"
