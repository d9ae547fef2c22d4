"""Applying a plan of copies: two calls in two Regions, what a failure holds back where, what is never taken over."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest

from lightkeeper.actions import Action, Copy, Delete, Outcome, Result, Target
from lightkeeper.execute import execute
from lightkeeper.faults import CallError, Fault
from lightkeeper.kinds import SnapshotKind
from lightkeeper.model import Plan, ReadFailure, RecoveryPoint, Snapshot, SnapshotState
from lightkeeper.names import copy_name
from lightkeeper.retries import margin_seconds
from lightkeeper.tags import EXPIRES, NAME, OWNER, TAKEN, copy_tags, read_snapshot, snapshot_tags
from tests.unit.test_execute import (
    DAY,
    NOW,
    REGION,
    SETTINGS,
    SLOT,
    Shelf,
    create,
    delete,
    disk,
    plan_of,
    results,
    target,
)

AWAY, FURTHER = "eu-north-1", "us-east-1"
LOST = CallError(Fault.INVALID_INPUT, "the name is in use")


@dataclass
class Copying(Shelf):
    """Lightsail in memory in the Region that copies go to."""

    home: Shelf | None = None

    def copy(self, target: Target, original: Target) -> None:
        self.calls.append(("copy", target.source))
        if target.snapshot in self.snapshots:
            raise LOST
        if fault := self.faults.get(("copy", target.source)):
            raise fault
        assert self.home
        self.snapshots[target.snapshot] = replace(
            self.home.snapshots[original.snapshot], name=target.snapshot, region=AWAY, tags={}
        )

    def tag(self, target: Target, tags: Mapping[str, str]) -> None:
        self.calls.append(("tag", target.source))
        if fault := self.faults.get(("tag", target.source)):
            raise fault
        found = self.snapshots[target.snapshot]
        self.snapshots[target.snapshot] = replace(found, tags={**found.tags, **tags})


def there(name: str = "shop", region: str = AWAY) -> Target:
    of = disk(name)
    called = copy_name(name, of.arn, SETTINGS.deployment, SLOT, region)
    return replace(target(name), region=region, snapshot=called)


def copy(name: str = "shop", *, is_begun: bool = False) -> Copy:
    return Copy(there(name), target(name), "due", is_begun=is_begun)


def drop_copy(name: str = "shop", region: str = AWAY) -> Delete:
    old = delete(name)
    return replace(old, target=replace(old.target, region=region, snapshot=f"old-copy-{region}"))


def shelves(**faults: Exception) -> tuple[Shelf, Copying]:
    """Return home, where there is a snapshot of the shop and of the clinic, and the other Region."""
    home = Shelf()
    for name in ("shop", "clinic"):
        tags, _ = snapshot_tags(
            replace(disk(name), tags={"backup": "daily", "customer": "bakery"}), SLOT, SETTINGS, NOW
        )
        home.put(target(name), {**tags, EXPIRES: "2026-06-30T00:00:00Z"}, SnapshotState.USABLE)
    away = Copying(home=home, faults={(call, "shop"): fault for call, fault in faults.items()})
    return home, away


def run(
    home: Shelf,
    away: Shelf,
    *actions: Action,
    look_again: Callable[[], Plan] | None = None,
    seconds_left: float = 900.0,
) -> tuple[Outcome, ...]:
    plan = plan_of(*actions)
    return execute(
        plan,
        {REGION: home, AWAY: away, FURTHER: away},
        SETTINGS,
        seconds_left=lambda: seconds_left,
        on_outcome=lambda _: None,
        look_again=look_again or (lambda: plan),
    )


def ours(home: Shelf) -> dict[str, str]:
    """Return the tags that the copy of the shop is to have."""
    original = home.snapshots[target().snapshot]
    point = read_snapshot(original, SETTINGS)
    assert isinstance(point, RecoveryPoint)
    return copy_tags(original, point, SETTINGS)[0]


def on(shelf: Shelf, **changes: object) -> Snapshot:
    """Put something under the name of the copy, that copy without its tags but for the changes, and return it."""
    shelf.put(there(), {}, SnapshotState.USABLE)
    found = replace(shelf.snapshots[there().snapshot], **changes)  # type: ignore[arg-type]
    shelf.snapshots[found.name] = found
    return found


# Two calls


def test_a_copy_is_made_and_at_once_gets_all_that_its_original_has_but_the_mark() -> None:
    home, away = shelves()

    (outcome,) = run(home, away, copy())

    assert outcome.result is Result.DONE
    made = away.snapshots[there().snapshot]
    assert made.tags == ours(home)
    assert (made.tags["customer"], made.tags[OWNER], made.tags[NAME]) == ("bakery", "Lightkeeper", "shop")
    assert made.tags[TAKEN] == "2026-06-15T12:00:00Z"
    assert EXPIRES not in made.tags
    assert away.calls == [("copy", "shop"), ("tag", "shop")]
    assert home.calls == [("find", "shop")]


def test_one_that_is_begun_gets_them_and_is_not_made_again() -> None:
    home, away = shelves()
    on(away)

    (outcome,) = run(home, away, copy(is_begun=True))

    assert outcome.result is Result.DONE
    assert away.snapshots[there().snapshot].tags == ours(home)
    assert away.calls == [("find", "shop"), ("tag", "shop")]


def test_one_whose_answer_was_lost_is_looked_up_and_finished() -> None:
    home, away = shelves()
    on(away)

    assert results(run(home, away, copy())) == [Result.DONE]
    assert away.snapshots[there().snapshot].tags == ours(home)


@pytest.mark.parametrize("state", [SnapshotState.PENDING, SnapshotState.USABLE])
def test_one_that_another_run_has_made_and_tagged_meanwhile_is_a_success_and_gets_no_tags_again(
    state: SnapshotState,
) -> None:
    home, away = shelves()
    on(away, tags={**ours(home), "backup:hold": ""}, region=AWAY, state=state)

    assert results(run(home, away, copy())) == [Result.DONE]
    assert ("tag", "shop") not in away.calls


def test_one_that_ended_in_error_is_no_success() -> None:
    home, away = shelves()
    on(away, tags=ours(home), region=AWAY, state=SnapshotState.ERROR)

    (outcome,) = run(home, away, copy())

    assert (outcome.result, outcome.error) == (Result.FAILED, f"snapshot {there().snapshot} ended in error")


def test_without_tags_the_run_has_failed_and_says_which_call() -> None:
    home, away = shelves(tag=CallError(Fault.ACCESS_DENIED, "expected permission for lightsail:TagResource"))

    (outcome,) = run(home, away, copy())

    assert outcome.result is Result.FAILED
    assert "lightsail:TagResource" in (outcome.error or "")


NO_TAGS_YET = [Fault.INVALID_INPUT, Fault.NOT_FOUND, Fault.OPERATION_FAILED]


@pytest.mark.parametrize("fault", NO_TAGS_YET)
def test_one_that_takes_no_tags_while_it_is_made_is_no_failure(
    fault: Fault,
) -> None:
    home, away = shelves(tag=CallError(fault, "not now"))
    on(away, state=SnapshotState.PENDING)

    (outcome,) = run(home, away, copy(is_begun=True))

    assert (outcome.result, outcome.error) == (
        Result.DEFERRED,
        "it takes no tags before it is complete; a later run sets them (not now)",
    )
    assert away.snapshots[there().snapshot].tags == {}


def test_nor_one_that_cannot_be_seen_yet() -> None:
    home, away = shelves(tag=CallError(Fault.NOT_FOUND, "no such snapshot"))
    away.faults = {**away.faults, ("find", "shop"): CallError(Fault.NOT_FOUND, "no such snapshot")}

    assert results(run(home, away, copy())) == [Result.DEFERRED]


@pytest.mark.parametrize("state", [state for state in SnapshotState if state is not SnapshotState.PENDING])
def test_but_one_that_is_complete_and_takes_none_is_a_failure(state: SnapshotState) -> None:
    home, away = shelves(tag=CallError(Fault.INVALID_INPUT, "a tag is too long"))
    on(away, state=state)

    (outcome,) = run(home, away, copy(is_begun=True))

    assert outcome.result is not Result.DEFERRED
    assert outcome.result is not Result.DONE


def test_nor_does_one_pass_that_cannot_be_looked_at() -> None:
    home, away = shelves(tag=CallError(Fault.INVALID_INPUT, "a tag is too long"))
    away.faults = {**away.faults, ("find", "shop"): CallError(Fault.UNAVAILABLE, "down")}

    (outcome,) = run(home, away, copy())

    assert (outcome.result, outcome.error) == (Result.FAILED, "a tag is too long")


@pytest.mark.parametrize("fault", [Fault.ACCESS_DENIED, Fault.UNAVAILABLE, Fault.NOT_FOUND])
def test_a_copy_that_is_refused_is_not_looked_for_and_nothing_gets_tags(fault: Fault) -> None:
    home, away = shelves(copy=CallError(fault, "no"))

    (outcome,) = run(home, away, copy())

    assert (outcome.result, outcome.error) == (Result.FAILED, "no")
    assert away.calls == [("copy", "shop")]


def test_where_the_name_is_refused_and_nobody_has_it_the_refusal_itself_is_told() -> None:
    home, away = shelves(copy=CallError(Fault.INVALID_INPUT, "no such snapshot in that Region"))

    (outcome,) = run(home, away, copy())

    assert (outcome.result, outcome.error) == (Result.FAILED, "no such snapshot in that Region")
    assert away.snapshots == {}


# What is never taken over


FOREIGN: Mapping[str, Mapping[str, object]] = {
    "a tag of somebody's": {"tags": {"customer": "bakery"}},
    "another deployment's": {"tags": {OWNER: "Night-Shift"}},
    "our owner alone": {"tags": {OWNER: "Lightkeeper"}},
    "another size": {"size_gib": 9},
    "another kind": {"kind": SnapshotKind.INSTANCE},
}


@pytest.mark.parametrize("changes", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("is_begun", [True, False], ids=["begun", "new"])
def test_what_is_not_what_we_would_have_made_gets_no_tags_and_no_copy_beside_it(
    changes: Mapping[str, object], *, is_begun: bool
) -> None:
    home, away = shelves()
    theirs = on(away, **changes)

    (outcome,) = run(home, away, copy(is_begun=is_begun))

    assert (outcome.result, outcome.error) == (
        (Result.SKIPPED, "looked at again right before: it is not as it was")
        if is_begun
        else (Result.FAILED, "the name is in use; the name belongs to a snapshot that is not ours")
    )
    assert away.snapshots == {theirs.name: theirs}


def test_an_original_that_is_gone_or_not_ours_any_more_is_not_copied() -> None:
    home, away = shelves()
    original = home.snapshots.pop(target().snapshot)

    assert results(run(home, away, copy())) == [Result.FAILED]
    home.snapshots[original.name] = replace(original, tags={"customer": "bakery"})
    (outcome,) = run(home, away, copy())

    assert (outcome.result, outcome.error) == (Result.FAILED, f"the snapshot {original.name} is not ours any more")
    assert away.calls == []


# What a failure holds back


def test_a_copy_that_failed_holds_back_the_copies_beside_it_and_nothing_else() -> None:
    home, away = shelves(copy=CallError(Fault.ACCESS_DENIED, "no"))
    actions = (copy(), copy("clinic"), delete(), drop_copy(), drop_copy(region=FURTHER), drop_copy("clinic"))

    outcomes = run(home, away, *actions)

    assert results(outcomes) == [Result.FAILED, Result.DONE, Result.DONE, Result.SKIPPED, Result.DONE, Result.DONE]
    assert outcomes[3].error == "nothing is pruned after a failure of the same source"


def test_a_snapshot_that_failed_at_home_holds_back_the_copies_of_its_source_everywhere() -> None:
    home, away = shelves()
    home.faults = {("create", "shop"): CallError(Fault.ACCESS_DENIED, "no")}

    outcomes = run(home, away, create(), drop_copy(), drop_copy(region=FURTHER), drop_copy("clinic"))

    assert results(outcomes) == [Result.FAILED, Result.SKIPPED, Result.SKIPPED, Result.DONE]


def test_what_is_held_back_keeps_no_deletion_after_it_from_a_second_look() -> None:
    home, away = shelves(copy=CallError(Fault.ACCESS_DENIED, "no"))
    looks: list[Plan] = []

    def look_again() -> Plan:
        looks.append(plan_of())
        return looks[-1]

    outcomes = run(home, away, copy(), drop_copy(), drop_copy("clinic"), look_again=look_again)

    assert results(outcomes) == [Result.FAILED, Result.SKIPPED, Result.SKIPPED]
    assert outcomes[2].error == "looked at again right before: it is not to be deleted any more"
    assert len(looks) == 1


def test_many_copies_that_are_refused_put_off_no_other_one() -> None:
    """Unlike a Region that does not answer: a refusal takes no time."""
    names = [f"shop{number}" for number in range(20)]
    home, away = shelves()
    for name in names:
        home.put(target(name), snapshot_tags(disk(name), SLOT, SETTINGS, NOW)[0], SnapshotState.USABLE)
    away.faults = {("copy", name): CallError(Fault.ACCESS_DENIED, "no") for name in names}

    assert {*results(run(home, away, *map(copy, names)))} == {Result.FAILED}


def test_credentials_that_one_region_refuses_stop_nothing_in_the_other() -> None:
    home, away = shelves(copy=CallError(Fault.UNAUTHENTICATED, "who?"))

    outcomes = run(home, away, copy(), copy("clinic"), delete(), drop_copy("clinic"))

    assert results(outcomes) == [Result.FAILED, Result.DEFERRED, Result.DONE, Result.SKIPPED]


# Near the deadline


def test_near_the_deadline_no_copy_begins_nor_gets_its_tags_one_that_has_begun() -> None:
    home, away = shelves()
    bare = on(away)

    outcomes = run(
        home,
        away,
        copy(is_begun=True),
        copy("clinic"),
        seconds_left=margin_seconds(SETTINGS.max_concurrency) - 1,
    )

    assert {(outcome.result, outcome.error) for outcome in outcomes} == {
        (Result.DEFERRED, "no time left in this run; the next one goes on")
    }
    assert (home.calls, away.calls, away.snapshots) == ([], [], {bare.name: bare})


# The second look


@pytest.mark.parametrize("region", [REGION, AWAY])
def test_where_home_or_the_other_region_cannot_be_read_again_no_copy_is_deleted(region: str) -> None:
    home, away = shelves()
    failure = ReadFailure(region, "GetDiskSnapshots", "GetDiskSnapshots: down")

    (outcome,) = run(home, away, drop_copy(), look_again=lambda: plan_of(drop_copy(), failures=(failure,)))

    assert outcome.result is Result.FAILED
    assert outcome.error == "cannot look again before a deletion: GetDiskSnapshots: down"
    assert away.calls == []


def test_where_the_other_region_cannot_be_read_again_home_s_are_deleted_and_those_of_a_third() -> None:
    home, away = shelves()
    failure = ReadFailure(AWAY, "GetDiskSnapshots", "GetDiskSnapshots: down")
    actions = (delete(), drop_copy(), drop_copy(region=FURTHER))

    outcomes = run(home, away, *actions, look_again=lambda: plan_of(*actions, failures=(failure,)))

    assert results(outcomes) == [Result.DONE, Result.FAILED, Result.DONE]


def test_a_second_look_tells_a_copy_from_a_snapshot_of_its_name_at_home() -> None:
    home, away = shelves()
    at_home = replace(drop_copy(), target=replace(drop_copy().target, region=REGION), taken=SLOT - DAY)

    (outcome,) = run(home, away, drop_copy(), look_again=lambda: plan_of(at_home))

    assert outcome.result is Result.SKIPPED
    assert away.calls == []


# A Region that does not answer


def test_where_a_region_answers_no_copy_the_rest_waits_and_home_goes_on() -> None:
    home, away = shelves()
    names = [f"disk-{number:02}" for number in range(40)]
    for name in names:
        tags, _ = snapshot_tags(disk(name), SLOT, SETTINGS, NOW)
        home.put(target(name), tags, SnapshotState.USABLE)
    gone = CallError(Fault.UNAVAILABLE, "CopySnapshot: Read timeout")
    away.faults = {("copy", name): gone for name in names}
    home.put(delete("clinic").target, {}, SnapshotState.USABLE)

    *copied, deleted = run(home, away, *(copy(name) for name in names), delete("clinic"))

    failed = [outcome for outcome in copied if outcome.result is Result.FAILED]
    waiting = [outcome for outcome in copied if outcome.result is Result.DEFERRED]
    assert len(failed) + len(waiting) == 40
    # Those that are under way end, each in its own time.
    assert 8 <= len(failed) < 8 + SETTINGS.max_concurrency
    assert {outcome.error for outcome in waiting} == {f"{AWAY} has not answered 8 copies; the next run goes on"}
    assert deleted.result is Result.DONE
