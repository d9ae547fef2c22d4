"""What holds for the plan of every inventory."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.actions import CancelDeletion, Create, Delete, RemoveHold
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import Inventory, Orphans, ReadFailure, RecoveryPoint, SnapshotState, Source
from lightkeeper.plan import make_plan
from lightkeeper.settings import Settings
from lightkeeper.times import Duration
from tests.support.inventories import DAY, HOUR, NOW, REGION, created, deleted, dropped, point, source

CROWD = tuple(source(f"{kind}-{number}", kind) for kind in SourceKind for number in range(3))
"""Beside these, no list lacks most of what was backed up."""
slots = st.integers(-3, 60).map(lambda days: datetime(2026, 6, 15, 3, tzinfo=UTC) - days * DAY)
lags = st.sampled_from([timedelta(), timedelta(), timedelta(minutes=1), 20 * HOUR, 40 * DAY])
tag_values = {
    "backup": st.sampled_from(["", "daily", "hourly", "weekly", "off", "dialy"]),
    "backup:keep": st.sampled_from(["1", "3", "daily=2 weekly=2", "within=5d", "forever", "none"]),
    "backup:hold": st.sampled_from(["", "2026-06-20", "2020-01-01", "soon"]),
    "backup:mode": st.sampled_from(["instance", "system-disk"]),
    "backup:protect": st.just(""),
    "Legal-Hold": st.just(""),
}
tag_sets = st.fixed_dictionaries({}, optional=tag_values)


@st.composite
def series(draw: st.DrawFn, name: str) -> tuple[Source, list[RecoveryPoint]]:
    shop = replace(source(name, draw(st.sampled_from(SourceKind))), tags=draw(tag_sets))
    kinds = SnapshotKind if shop.kind is SourceKind.INSTANCE else (SnapshotKind.DISK,)
    taken = draw(st.dictionaries(st.tuples(slots, st.integers(1, 5)), st.sampled_from(SnapshotState), max_size=14))
    points = [
        replace(
            point(
                shop,
                slot,
                state,
                kind=draw(st.sampled_from(list(kinds))),
                taken=slot + draw(lags),
                attempt=attempt,
                expires_at=draw(st.sampled_from([None, None, NOW - DAY, NOW - HOUR, NOW, NOW + DAY])),
                tags=draw(tag_sets),
            ),
            is_full=draw(st.sampled_from([False, False, True])),
        )
        for (slot, attempt), state in taken.items()
    ]
    return shop, points


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    drawn = [draw(series(name)) for name in ("a", "b", "c")]
    present = draw(st.lists(st.booleans(), min_size=3, max_size=3))
    failures = draw(st.sampled_from([(), (), (), (ReadFailure(REGION, "GetDisks", "refused"),)]))
    return Inventory(
        sources=(*CROWD, *(shop for (shop, _), is_there in zip(drawn, present, strict=True) if is_there)),
        points=tuple(each for _, points in drawn for each in points),
        failures=failures,
    )


all_settings = st.builds(
    Settings,
    grace=st.sampled_from([Duration(), Duration(days=1)]),
    orphans=st.sampled_from(Orphans),
    max_deletes_per_source=st.integers(1, 4),
)


def age(of: RecoveryPoint) -> tuple[datetime, datetime, int]:
    return of.taken, of.slot, of.attempt


@given(inventories(), all_settings, st.sampled_from([0, len(CROWD)]))
def test_every_recovery_point_is_accounted_for_exactly_once(
    inventory: Inventory, settings: Settings, left_out: int
) -> None:
    plan = make_plan(replace(inventory, sources=inventory.sources[left_out:]), settings, NOW)

    unread = {failure.region for failure in inventory.failures}
    expected = {
        each.name
        for each in inventory.points
        if not unread or each.source_arn in {source.arn for source in inventory.sources}
    }
    assert Counter([*(kept.point.name for kept in plan.kept), *dropped(plan)]) == Counter(expected)
    assert all(kept.reasons for kept in plan.kept)


@given(inventories(), all_settings)
def test_what_is_deleted_may_be_deleted(inventory: Inventory, settings: Settings) -> None:
    plan = make_plan(inventory, settings, NOW)

    points = {each.name: each for each in inventory.points}
    for name in deleted(plan):
        doomed = points[name]
        usable = [
            each
            for each in inventory.points
            if (each.source_arn, each.kind, each.state) == (doomed.source_arn, doomed.kind, SnapshotState.USABLE)
        ]
        newest = max(usable, key=age)
        assert doomed is not newest
        assert doomed.state in {SnapshotState.USABLE, SnapshotState.ERROR}
        assert doomed.tags.keys().isdisjoint({"backup:hold", "Legal-Hold", "backup:protect"})
        assert doomed.expires_at in {NOW, NOW - HOUR}, "marked in an earlier run, and not long ago"
        assert not doomed.is_full
        if doomed.state is SnapshotState.ERROR:
            assert age(newest) > age(doomed)
    deletions = [action for action in plan.actions if isinstance(action, Delete)]
    per_source = Counter(action.target.source_arn for action in deletions)
    assert max(per_source.values(), default=0) <= settings.max_deletes_per_source
    oldest_first = [points[action.target.snapshot].taken for action in deletions if action.target.source == "a"]
    assert oldest_first == sorted(oldest_first)
    assert not (inventory.failures and deletions)


@given(inventories(), all_settings)
def test_what_is_created_covers_a_slot_that_nothing_covers(inventory: Inventory, settings: Settings) -> None:
    plan = make_plan(inventory, settings, NOW)

    for create in created(plan):
        since = [
            each
            for each in inventory.points
            if each.source_arn == create.target.source_arn
            and (each.slot == create.target.slot or each.taken >= create.target.slot)
        ]
        assert {each.state for each in since} <= {SnapshotState.ERROR}
        assert create.target.slot <= NOW
    of_creates = [create.target.snapshot for create in created(plan)]
    assert {each.name for each in inventory.points}.isdisjoint(of_creates)
    assert len(of_creates) == len(set(of_creates))
    assert [isinstance(action, Create) for action in plan.actions] == sorted(
        (isinstance(action, Create) for action in plan.actions), reverse=True
    )


@given(inventories(), all_settings)
def test_only_a_scheduled_deletion_is_cancelled_and_its_snapshot_is_kept(
    inventory: Inventory, settings: Settings
) -> None:
    plan = make_plan(inventory, settings, NOW)

    points = {each.name: each for each in inventory.points}
    kept = {kept.point.name for kept in plan.kept}
    for action in plan.actions:
        if isinstance(action, CancelDeletion):
            assert points[action.target.snapshot].expires_at
            assert action.target.snapshot in kept


@given(inventories(), all_settings)
def test_only_a_hold_that_is_over_is_taken_off(inventory: Inventory, settings: Settings) -> None:
    plan = make_plan(inventory, settings, NOW)

    points = {each.name: each for each in inventory.points}
    for action in plan.actions:
        if isinstance(action, RemoveHold):
            assert points[action.target.snapshot].tags[action.key] == "2020-01-01"
            assert action.target.snapshot not in deleted(plan)


@given(inventories(), all_settings, st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_listed_changes_nothing(
    inventory: Inventory, settings: Settings, random: Random
) -> None:
    sources, points = list(inventory.sources), list(inventory.points)
    random.shuffle(sources)
    random.shuffle(points)
    shuffled = replace(inventory, sources=tuple(sources), points=tuple(points))

    plan, again = make_plan(inventory, settings, NOW), make_plan(shuffled, settings, NOW)

    assert sorted(map(str, again.actions)) == sorted(map(str, plan.actions))
    assert Counter(again.problems) == Counter(plan.problems)
    assert again.sources == plan.sources


@given(inventories(), all_settings)
def test_a_source_is_judged_by_itself(inventory: Inventory, settings: Settings) -> None:
    together = make_plan(inventory, settings, NOW)

    for name in ("a", "b", "c"):
        alone = Inventory(
            (*CROWD, *(each for each in inventory.sources if each.name == name)),
            tuple(each for each in inventory.points if each.source_name == name),
            failures=inventory.failures,
        )
        assert make_plan(alone, settings, NOW).actions == tuple(
            action for action in together.actions if action.target.source == name
        )
