"""Applying a plan: in what order, what a failure holds back, and how each action ends."""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event
from typing import NoReturn

import pytest

from lightkeeper.actions import (
    Action,
    CancelDeletion,
    Create,
    Defer,
    Delete,
    Outcome,
    RemoveHold,
    Result,
    ScheduleDeletion,
    Target,
)
from lightkeeper.execute import execute
from lightkeeper.faults import CallError, Fault
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import Kept, Plan, ReadFailure, RecoveryPoint, Snapshot, SnapshotState, Source
from lightkeeper.names import snapshot_name
from lightkeeper.retries import READ_MARGIN_SECONDS, margin_seconds, slowest_call_seconds
from lightkeeper.settings import Settings
from lightkeeper.tags import EXPIRES, snapshot_tags

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
SLOT = datetime(2026, 6, 15, 3, tzinfo=UTC)
DAY = timedelta(days=1)
REGION = "eu-central-1"
SETTINGS = Settings(max_concurrency=1)
MARGIN_SECONDS = margin_seconds(SETTINGS.max_concurrency)
PATIENCE_SECONDS = 120  # with other threads, on a busy machine; over only where the code is wrong


def disk(name: str) -> Source:
    return Source(SourceKind.DISK, name, f"arn:aws:lightsail:{REGION}:1:Disk/{name}", REGION, NOW - 100 * DAY, {})


def target(name: str = "shop", slot: datetime = SLOT) -> Target:
    of = disk(name)
    called = snapshot_name(name, of.arn, SETTINGS.deployment, slot)
    return Target(REGION, name, of.arn, called, SnapshotKind.DISK, slot, "daily")


def create(name: str = "shop") -> Create:
    tags, left_out = snapshot_tags(disk(name), SLOT, SETTINGS, NOW)
    return Create(target(name), SourceKind.DISK, tags, left_out, "due")


def schedule(name: str = "shop", days: int = 8) -> ScheduleDeletion:
    return ScheduleDeletion(target(name, SLOT - days * DAY), NOW + DAY, "dropped")


def cancel(name: str = "shop", days: int = 9) -> CancelDeletion:
    return CancelDeletion(target(name, SLOT - days * DAY), "kept again")


def delete(name: str = "shop", days: int = 10) -> Delete:
    return Delete(target(name, SLOT - days * DAY), SLOT - days * DAY, "dropped")


def defer(name: str = "shop", days: int = 8) -> Defer:
    return Defer(target(name, SLOT - days * DAY), NOW + timedelta(minutes=1), "at most 3")


def remove_hold(name: str = "shop", days: int = 11) -> RemoveHold:
    return RemoveHold(target(name, SLOT - days * DAY), "backup:hold", "dropped, and its hold is over")


@dataclass
class Shelf:
    """Lightsail in memory, where all snapshots are ours."""

    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    faults: Mapping[tuple[str, str], Exception] = field(default_factory=dict)
    """By method and source."""
    calls: list[tuple[str, str]] = field(default_factory=list)

    def put(self, target: Target, tags: Mapping[str, str], state: SnapshotState = SnapshotState.PENDING) -> None:
        self.snapshots[target.snapshot] = Snapshot(
            kind=target.kind,
            name=target.snapshot,
            region=target.region,
            state=state,
            created_at=NOW,
            size_gib=8,
            source_name=target.source,
            source_arns=frozenset([target.source_arn]),
            from_auto_snapshot=False,
            tags=tags,
        )

    def create(self, create: Create) -> None:
        self._call("create", create.target)
        if create.target.snapshot in self.snapshots:
            raise CallError(Fault.INVALID_INPUT, "the name is in use")
        self.put(create.target, create.tags)

    def copy(self, target: Target, original: Target) -> None:
        self._call(f"copy {original.snapshot}", target)

    def tag(self, target: Target, tags: Mapping[str, str]) -> None:
        self._call(",".join(f"{key}={value}" for key, value in tags.items()), target)

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


def plan_of(*actions: Action, kept: tuple[Kept, ...] = (), failures: tuple[ReadFailure, ...] = ()) -> Plan:
    return Plan(NOW, (), actions, kept, (), failures)


def run(
    shelf: Shelf,
    *actions: Action,
    seconds_left: Callable[[], float] = lambda: 900.0,
    settings: Settings = SETTINGS,
    look_again: Callable[[], Plan] | None = None,
) -> tuple[Outcome, ...]:
    """Apply these actions; unless it is said otherwise, a second look finds them right."""
    plan = plan_of(*actions)
    reported: list[Outcome] = []
    outcomes = execute(
        plan,
        {REGION: shelf},
        settings,
        seconds_left=seconds_left,
        on_outcome=reported.append,
        look_again=look_again or (lambda: plan),
    )
    assert sorted(map(id, reported)) == sorted(map(id, outcomes)), "each outcome is reported once"
    return outcomes


def results(outcomes: tuple[Outcome, ...]) -> list[Result]:
    return [outcome.result for outcome in outcomes]


# What is done


def test_each_action_is_its_call() -> None:
    shelf = Shelf()

    outcomes = run(shelf, create(), schedule(), cancel(), delete())

    assert shelf.calls == [
        ("create", "shop"),
        (f"{EXPIRES}=2026-06-16T12:00:00Z", "shop"),
        (f"no {EXPIRES}", "shop"),
        ("delete", "shop"),
    ]
    assert [(outcome.result, outcome.error) for outcome in outcomes] == [(Result.DONE, None)] * 4


def test_a_snapshot_that_has_to_wait_is_deferred_without_a_call_and_nothing_of_its_source_is_pruned() -> None:
    shelf = Shelf()

    waits, expired = run(shelf, replace(create(), not_now="it is busy"), delete())

    assert (waits.result, waits.error) == (Result.DEFERRED, "it is busy")
    assert expired.result is Result.SKIPPED
    assert shelf.calls == []


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


# A pool that is given no number has 32 at most, with fewer processors less.
@pytest.mark.parametrize("max_concurrency", [4, 33])
def test_so_many_writes_are_in_flight_as_is_set(max_concurrency: int) -> None:
    together = Barrier(max_concurrency)

    class Meeting(Shelf):
        def create(self, create: Create) -> None:
            together.wait(timeout=PATIENCE_SECONDS)
            super().create(create)

    names = (f"disk-{number}" for number in range(2 * max_concurrency))
    outcomes = run(Meeting(), *map(create, names), settings=replace(SETTINGS, max_concurrency=max_concurrency))

    assert set(results(outcomes)) == {Result.DONE}


# A hold that is over is taken off


@pytest.mark.parametrize(
    ("tags", "result", "error", "calls"),
    [
        ({"backup:hold": "2026-06-14"}, Result.DONE, None, ["find", "no backup:hold"]),
        ({}, Result.DONE, None, ["find"]),
        (
            {"backup:hold": "2026-12-31"},
            Result.SKIPPED,
            "looked at again right before: on hold until 2027-01-01T00:00:00Z",
            ["find"],
        ),
        ({"backup:hold": ""}, Result.SKIPPED, "looked at again right before: on hold", ["find"]),
        ({"backup:hold": "soon"}, Result.SKIPPED, "looked at again right before: on hold", ["find"]),
    ],
)
def test_a_hold_is_taken_off_only_if_it_is_still_over(
    tags: Mapping[str, str], result: Result, error: str | None, calls: list[str]
) -> None:
    shelf = Shelf()
    shelf.put(remove_hold().target, tags)

    (outcome,) = run(shelf, remove_hold())

    assert (outcome.result, outcome.error) == (result, error)
    assert [method for method, _ in shelf.calls] == calls


def test_where_the_snapshot_has_gone_there_is_no_hold_to_take_off() -> None:
    (outcome,) = run(Shelf(), remove_hold())

    assert outcome.result is Result.SKIPPED


# A second look, right before the first deletion


def kept(of: Delete, *reasons: str) -> Kept:
    target = of.target
    point = RecoveryPoint(
        kind=target.kind,
        name=target.snapshot,
        region=target.region,
        state=SnapshotState.USABLE,
        taken=of.taken,
        size_gib=8,
        source_name=target.source,
        source_arn=target.source_arn,
        slot=target.slot,
        attempt=1,
        expires_at=NOW,
        tags={},
    )
    return Kept(point, reasons)


@pytest.mark.parametrize("reasons", [("on hold",), ("daily snapshot", "weekly snapshot")])
def test_what_a_second_look_keeps_is_not_deleted_and_says_why(reasons: tuple[str, ...]) -> None:
    shelf = Shelf()
    held, other = delete("shop", 10), delete("shop", 11)

    outcomes = run(shelf, held, other, look_again=lambda: plan_of(other, kept=(kept(held, *reasons),)))

    assert [(outcome.result, outcome.error) for outcome in outcomes] == [
        (Result.SKIPPED, f"looked at again right before: {', '.join(reasons)}"),
        (Result.DONE, None),
    ]
    assert shelf.calls == [("delete", "shop")]


def test_what_a_second_look_does_not_find_at_all_is_not_deleted() -> None:
    shelf = Shelf()

    (outcome,) = run(shelf, delete(), look_again=plan_of)

    assert outcome.result is Result.SKIPPED
    assert outcome.error == "looked at again right before: it is not to be deleted any more"
    assert shelf.calls == []


def test_what_only_a_second_look_would_delete_waits_for_the_next_run() -> None:
    shelf = Shelf()

    run(shelf, delete("shop"), look_again=lambda: plan_of(delete("shop"), delete("clinic")))

    assert shelf.calls == [("delete", "shop")]


def test_where_nobody_can_look_again_nothing_is_deleted_and_the_run_fails() -> None:
    shelf = Shelf()
    failure = ReadFailure(REGION, "GetDiskSnapshots", "GetDiskSnapshots: down")

    outcomes = run(shelf, create(), delete("a"), delete("b"), look_again=lambda: plan_of(failures=(failure,)))

    assert results(outcomes) == [Result.DONE, Result.FAILED, Result.FAILED]
    assert outcomes[1].error == "cannot look again before a deletion: GetDiskSnapshots: down"
    assert shelf.calls == [("create", "shop")]


def test_the_second_look_comes_once_after_all_else_and_before_the_first_deletion() -> None:
    shelf = Shelf()

    def look() -> Plan:
        shelf.calls.append(("look", ""))
        return plan_of(delete("a"), delete("b"))

    run(shelf, create(), schedule(), delete("a"), delete("b"), look_again=look)

    assert [method for method, _ in shelf.calls] == [
        "create",
        f"{EXPIRES}=2026-06-16T12:00:00Z",
        "look",
        "delete",
        "delete",
    ]


@pytest.mark.parametrize("without", [[create()], [create(), schedule(), cancel(), defer()]])
def test_without_a_deletion_there_is_no_second_look(without: list[Action]) -> None:
    run(Shelf(), *without, look_again=lambda: pytest.fail("looked again"))


def test_where_nothing_may_be_deleted_anyway_there_is_no_second_look() -> None:
    shelf = Shelf(faults={("create", "shop"): CallError(Fault.UNAVAILABLE, "no")})

    outcomes = run(shelf, create("shop"), delete("shop"), look_again=lambda: pytest.fail("looked again"))

    assert results(outcomes) == [Result.FAILED, Result.SKIPPED]


@pytest.mark.parametrize("seconds", [MARGIN_SECONDS - 1, MARGIN_SECONDS + READ_MARGIN_SECONDS - 1])
def test_without_time_for_a_second_look_nothing_is_deleted(seconds: float) -> None:
    shelf = Shelf()

    outcomes = run(
        shelf, schedule(), delete(), seconds_left=lambda: seconds, look_again=lambda: pytest.fail("looked again")
    )

    assert outcomes[1].result is Result.DEFERRED
    assert outcomes[1].error == "no time left in this run; the next one goes on"
    assert ("delete", "shop") not in shelf.calls


def test_with_just_enough_time_for_a_second_look_there_is_one() -> None:
    seconds = MARGIN_SECONDS + READ_MARGIN_SECONDS

    assert results(run(Shelf(), delete(), seconds_left=lambda: seconds)) == [Result.DONE]


# What Lightsail throttles


@dataclass
class Busy(Shelf):
    """Throttles the first calls for each source."""

    times: int = 1
    throttled: Counter[str] = field(default_factory=Counter)

    def _call(self, method: str, target: Target) -> None:
        super()._call(method, target)
        self.throttled[target.source] += 1
        if self.throttled[target.source] <= self.times:
            raise CallError(Fault.THROTTLED, "Rate exceeded")


@pytest.mark.parametrize("action", [create(), schedule(), cancel(), delete()])
def test_what_is_throttled_is_tried_again_and_done(action: Action) -> None:
    shelf = Busy(times=5)

    (outcome,) = run(shelf, action)

    assert (outcome.result, outcome.error) == (Result.DONE, None)
    assert len(shelf.calls) == 6


def test_what_is_throttled_goes_to_the_end_of_the_queue() -> None:
    shelf = Busy()

    outcomes = run(shelf, create("a"), create("b"))

    assert set(results(outcomes)) == {Result.DONE}
    assert [name for _, name in shelf.calls] == ["a", "b", "a", "b"]


def test_deletions_wait_for_a_create_that_is_throttled() -> None:
    shelf = Busy(times=3)

    run(shelf, create("shop"), delete("shop"))

    assert [method for method, _ in shelf.calls] == ["create"] * 4 + ["delete"]


def test_what_is_throttled_until_the_time_is_over_is_deferred_and_no_failure() -> None:
    left = iter([900.0, 900.0, 900.0])

    outcomes = run(
        Busy(times=1000), create("shop"), delete("shop"), seconds_left=lambda: next(left, MARGIN_SECONDS - 1)
    )

    assert results(outcomes) == [Result.DEFERRED, Result.SKIPPED]


def test_what_is_throttled_for_ever_is_deferred_some_day() -> None:
    shelf = Busy(times=1000)

    (outcome,) = run(shelf, create())

    assert outcome.result is Result.DEFERRED
    assert outcome.error == "throttled until no time was left; the next run goes on (Rate exceeded)"
    assert len(shelf.calls) == 20


def test_under_throttling_many_writers_lose_no_action() -> None:
    shelf = Busy(times=3)

    outcomes = run(
        shelf, *(create(f"disk-{number}") for number in range(60)), settings=replace(SETTINGS, max_concurrency=8)
    )

    assert [outcome.action.target.source for outcome in outcomes] == [f"disk-{number}" for number in range(60)]
    assert set(results(outcomes)) == {Result.DONE}


# What a failure holds back


@pytest.mark.parametrize(
    ("fault", "result"),
    [(Fault.UNAVAILABLE, Result.FAILED), (Fault.NOT_FOUND, Result.FAILED), (Fault.OPERATION_FAILED, Result.DEFERRED)],
)
def test_nothing_is_pruned_where_the_snapshot_was_not_taken(fault: Fault, result: Result) -> None:
    shelf = Shelf(faults={("create", "shop"): CallError(fault, "no")})
    pruning = schedule(), remove_hold(), defer(), delete()

    outcomes = run(shelf, create("shop"), create("clinic"), cancel(), delete("clinic"), *pruning)

    assert results(outcomes) == [result, *[Result.DONE] * 3, *[Result.SKIPPED] * 4]
    assert {outcome.error for outcome in outcomes[-4:]} == {"nothing is pruned after a failure of the same source"}
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


@pytest.mark.parametrize("action", [schedule(), cancel()])
def test_a_mark_that_is_not_made_or_not_taken_off_holds_no_deletion_back(action: Action) -> None:
    method = f"{EXPIRES}=2026-06-16T12:00:00Z" if isinstance(action, ScheduleDeletion) else f"no {EXPIRES}"
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
        (create(), "create", CallError(Fault.NOT_FOUND, "no disk"), Result.FAILED, "no disk"),
        (create(), "create", CallError(Fault.OPERATION_FAILED, "busy"), Result.DEFERRED, "busy"),
        (create(), "create", CallError(Fault.ACCESS_DENIED, "refused"), Result.FAILED, "refused"),
        (delete(), "delete", CallError(Fault.OPERATION_FAILED, "busy"), Result.DEFERRED, "busy"),
        (cancel(), f"no {EXPIRES}", CallError(Fault.NOT_FOUND, "no"), Result.SKIPPED, "it has gone meanwhile (no)"),
        (delete(), "delete", CallError(Fault.NOT_FOUND, "no"), Result.DONE, None),
        (delete(), "delete", CallError(Fault.ACCESS_DENIED, "refused"), Result.FAILED, "refused"),
        (schedule(), f"{EXPIRES}=2026-06-16T12:00:00Z", CallError(Fault.ACCESS_DENIED, "no"), Result.FAILED, "no"),
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


@pytest.mark.parametrize("key", ["backup:hold", "Legal-Hold", "old:hold"])
def test_a_deletion_that_aws_refuses_for_a_hold_is_no_failure(key: str) -> None:
    shelf = Shelf(faults={("delete", "shop"): CallError(Fault.ACCESS_DENIED, "with an explicit deny")})
    shelf.put(delete().target, {key: ""})

    (outcome,) = run(shelf, delete())

    assert outcome.result is Result.SKIPPED
    assert outcome.error == f'it has got the tag "{key}" meanwhile, which AWS itself enforces'


def test_a_deletion_that_aws_refuses_without_a_hold_is_a_failure() -> None:
    shelf = Shelf(faults={("delete", "shop"): CallError(Fault.ACCESS_DENIED, "grant lightsail:DeleteDiskSnapshot")})
    shelf.put(delete().target, {"threshold": "5"})

    (outcome,) = run(shelf, delete())

    assert (outcome.result, outcome.error) == (Result.FAILED, "grant lightsail:DeleteDiskSnapshot")


def test_nothing_more_is_written_in_the_region_after_the_credentials_are_refused() -> None:
    shelf = Shelf(faults={("create", "b"): CallError(Fault.UNAUTHENTICATED, "the token has expired")})

    outcomes = run(shelf, *map(create, "abcd"), delete("a"), look_again=lambda: pytest.fail("looked again"))

    assert results(outcomes) == [Result.DONE, Result.FAILED, *[Result.DEFERRED] * 3]
    assert outcomes[1].error == "the token has expired"
    assert outcomes[2].error == f"the credentials are refused in {REGION}; the next run goes on"
    assert [name for _, name in shelf.calls] == ["a", "b"]


def test_at_the_first_refusal_of_the_credentials_all_writers_stop() -> None:
    refused = Event()

    class Refusing(Shelf):
        def create(self, create: Create) -> None:
            if create.target.source == "a":
                raise CallError(Fault.UNAUTHENTICATED, "the token has expired")
            assert refused.wait(timeout=PATIENCE_SECONDS)
            super().create(create)

    def hear(outcome: Outcome) -> None:
        if outcome.result is Result.FAILED:
            refused.set()

    shelf = Refusing()
    plan = plan_of(*map(create, "abcdefghijkl"))

    outcomes = execute(
        plan,
        {REGION: shelf},
        replace(SETTINGS, max_concurrency=2),
        seconds_left=lambda: 900.0,
        on_outcome=hear,
        look_again=lambda: plan,
    )

    assert outcomes[0].result is Result.FAILED
    # The other writer may have been at a call.
    assert len(shelf.calls) <= 1
    assert results(outcomes).count(Result.DEFERRED) == 11 - len(shelf.calls)


def test_a_defect_in_whoever_gets_the_outcomes_ends_the_run() -> None:
    shelf = Shelf()
    plan = plan_of(*map(create, "abcdefgh"))

    def stumble(outcome: Outcome) -> None:
        raise RuntimeError(outcome.action.target.source)

    with pytest.raises(RuntimeError, match="a"):
        execute(
            plan, {REGION: shelf}, SETTINGS, seconds_left=lambda: 900.0, on_outcome=stumble, look_again=lambda: plan
        )

    assert shelf.calls == [("create", "a")]


def test_an_interrupted_run_ends_with_no_more_than_the_write_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    under_way, given_up = Event(), Event()
    shut_down = ThreadPoolExecutor.shutdown

    class Slow(Shelf):
        def create(self, create: Create) -> None:
            super().create(create)
            if create.target.source == "b":
                under_way.set()
                assert given_up.wait(timeout=PATIENCE_SECONDS)

    def interrupt(_: object) -> NoReturn:
        assert under_way.wait(timeout=PATIENCE_SECONDS)
        raise KeyboardInterrupt

    def shut_down_and_tell(pool: ThreadPoolExecutor, *, wait: bool = True) -> None:
        given_up.set()
        shut_down(pool, wait=wait)

    monkeypatch.setattr("lightkeeper.execute.as_completed", interrupt)
    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", shut_down_and_tell)
    shelf = Slow()

    with pytest.raises(KeyboardInterrupt):
        run(shelf, *map(create, "abcdefgh"))

    assert shelf.calls == [("create", "a"), ("create", "b")]


# A name that is in use


def test_a_snapshot_of_the_same_source_and_slot_under_the_name_is_a_success() -> None:
    shelf = Shelf()
    shelf.put(create().target, create().tags)

    (outcome,) = run(shelf, create())

    assert (outcome.result, outcome.error) == (Result.DONE, None)


def test_one_that_ended_in_error_under_the_name_is_none() -> None:
    shelf = Shelf()
    shelf.put(create().target, create().tags, SnapshotState.ERROR)

    (outcome,) = run(shelf, create())

    assert (outcome.result, outcome.error) == (Result.FAILED, f"snapshot {target().snapshot} ended in error")


def test_a_snapshot_of_the_users_under_the_name_is_a_failure() -> None:
    shelf = Shelf()
    shelf.put(create().target, {})

    (outcome,) = run(shelf, create())

    assert outcome.result is Result.FAILED
    assert outcome.error == "the name is in use; the name belongs to a snapshot that is not ours"


@pytest.mark.parametrize(
    ("fault", "error"), [(Fault.NOT_FOUND, "the tags are wrong"), (Fault.ACCESS_DENIED, "may not look")]
)
def test_where_there_is_nothing_to_look_up_the_refusal_itself_is_the_error(fault: Fault, error: str) -> None:
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
    left = iter([MARGIN_SECONDS, MARGIN_SECONDS - 0.1, MARGIN_SECONDS - 0.1, MARGIN_SECONDS - 0.1])

    outcomes = run(Shelf(), create("a"), create("b"), delete("c"), seconds_left=lambda: next(left))

    assert results(outcomes) == [Result.DONE, Result.DEFERRED, Result.DEFERRED]
    assert outcomes[1].error == "no time left in this run; the next one goes on"


@pytest.mark.parametrize("max_concurrency", [1, 8, 32])
def test_the_margin_leaves_time_for_the_slowest_call_beside_so_many_writers(max_concurrency: int) -> None:
    assert (
        margin_seconds(max_concurrency)
        > slowest_call_seconds(max_concurrency)
        >= 5 * (25 + 2 * max(max_concurrency, 4))
    )
