"""The safety rules: each test tries to break one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from lightkeeper.inventory import plan_tick
from lightkeeper.lightsail import Lightsail
from lightkeeper.limits import margin_seconds, slowest_call_seconds
from lightkeeper.model import Create, Kept, Result, Severity, Snapshot
from lightkeeper.tags import EXPIRES, OWNER, SLOT, SOURCE, snapshot_name
from sandbox.client import EndSnapshots, ErrorAnswer, FaultRule, LoseAnswer, Seed
from tests.integration.keeper import (
    DAY,
    HOUR,
    OTHER_REGION,
    READS,
    REGION,
    Keeper,
    clock_after_writes,
    count,
    did,
    other_runs,
)


def run_daily(keeper: Keeper, grace: str = "0d") -> None:
    """Have the runs that these stories make once a day for all that there are."""
    keeper.configure(tick="rate(1 day)", grace=grace)


def reasons(kept: tuple[Kept, ...], snapshot: str) -> tuple[str, ...]:
    return next(entry.reasons for entry in kept if entry.point.name == snapshot)


# 1. What does not carry our owner tag and our source tag is never touched.


def test_snapshots_that_are_not_ours_survive_everything(keeper: Keeper) -> None:
    arn = keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    now = keeper.sandbox.now()
    old_slot = now - 40 * DAY
    ours_by_name = snapshot_name("shop", arn, "Lightkeeper", old_slot)
    our_tags = {OWNER: "Lightkeeper", SOURCE: arn, SLOT: "2026-05-06T12:00:00Z", "backup": "daily"}
    foreign = [
        Seed(kind="DiskSnapshot", name="by-hand", source="shop", created_at=now - 50 * DAY),
        Seed(kind="DiskSnapshot", name=ours_by_name, source="shop", created_at=old_slot),
        Seed(kind="DiskSnapshot", name="tags-copied", source="shop", created_at=old_slot, tags=our_tags),
        Seed(
            kind="DiskSnapshot",
            name=snapshot_name("shop", arn, "Another", old_slot - DAY),
            source="shop",
            created_at=old_slot,
            tags=our_tags | {OWNER: "Another", SLOT: "2026-05-05T12:00:00Z"},
        ),
        Seed(
            kind="DiskSnapshot",
            name=snapshot_name("shop", arn, "Lightkeeper", old_slot - 2 * DAY),
            source="shop",
            created_at=old_slot,
            tags={OWNER: "Lightkeeper", SLOT: "2026-05-04T12:00:00Z"},
        ),
    ]
    keeper.sandbox.seed(foreign)
    before = {seed.name: dict(seed.tags) for seed in foreign}

    keeper.tick()
    keeper.live(10 * DAY)

    after = keeper.snapshots()
    assert {name: tags for name, tags in after.items() if name in before} == before
    assert len(after) == len(before) + 3, "ours: one being taken, one kept, one announced"


def test_a_snapshot_with_tags_copied_from_ours_is_reported(keeper: Keeper) -> None:
    arn = keeper.disk("shop", {"backup": "daily"})
    tags = {OWNER: "Lightkeeper", SOURCE: arn, SLOT: "2026-06-15T03:00:00Z"}
    keeper.sandbox.seed([Seed(kind="DiskSnapshot", name="mine", source="shop", tags=tags)])

    problems = keeper.plan().problems

    assert [(problem.source, problem.severity) for problem in problems] == [("shop", Severity.ADVICE)]
    assert "left alone" in problems[0].message


# 2. The newest usable snapshot of a source is never deleted.


def test_the_last_usable_snapshot_of_a_deleted_source_stays_although_no_rule_keeps_it(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.configure(orphans="expire")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "within=2d"})
    keeper.disk("another", {})
    keeper.tick()
    keeper.live(4 * DAY)
    keeper.user.delete_disk(diskName="shop")

    keeper.live(20 * DAY)

    assert keeper.days("shop") == ["20260619"]
    assert reasons(keeper.plan().kept, next(iter(keeper.snapshots()))) == ("newest usable snapshot",)


def test_a_newer_failed_snapshot_does_not_make_the_newest_usable_one_deletable(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "within=2d"})
    keeper.tick()
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation="CreateDiskSnapshot"))

    keeper.live(9 * DAY)

    assert keeper.days("shop")[0] == "20260615"


# 3. A problem in a policy, or a failure to create, means no prune for that source.


@pytest.mark.parametrize(
    ("tag", "value", "still_snapshotted"),
    [
        ("backup", "dialy", False),
        ("backup:keep", "1 fortnight", False),
        ("backup:at", "25:00", False),
        ("backup:kepe", "1", True),
        ("backup:hold", "next week", True),
    ],
)
def test_nothing_is_pruned_while_the_tags_have_a_problem(
    keeper: Keeper, tag: str, value: str, *, still_snapshotted: bool
) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "30"})
    keeper.tick()
    keeper.live(4 * DAY)
    keeper.configure(policies={"daily": {"schedule": "0 3 * * *", "keep": "1"}})
    keeper.untag("shop", "backup:keep")
    keeper.tag("shop", tag, value)

    keeper.live(2 * DAY)

    assert len(keeper.days("shop")) == (7 if still_snapshotted else 5)


def test_nothing_is_pruned_for_a_source_whose_snapshot_failed_in_this_tick(keeper: Keeper) -> None:
    run_daily(keeper)
    for name in ("shop", "clinic"):
        keeper.disk(name, {"backup": "daily", "backup:keep": "2"})
    keeper.tick()
    keeper.live(3 * DAY)
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), resource="shop", first=1))

    keeper.sandbox.advance(DAY)
    tick = keeper.tick()

    assert count(tick, "create", "failed") == 1
    assert [ended for done, name, ended in did(tick) if done == "delete" and "shop" in name] == ["skipped"]
    assert [ended for done, name, ended in did(tick) if done == "delete" and "clinic" in name] == ["done"]


# 4. At most one snapshot per source and slot.


def test_a_second_tick_at_the_same_time_does_nothing(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.instance("web", {"backup": ""})
    first = keeper.tick()
    keeper.sandbox.clear_calls()

    second = keeper.tick()

    assert count(first, "create") == 2
    assert second.outcomes == ()
    assert keeper.writes() == []


@pytest.mark.parametrize("kind", ["disk", "instance"])
def test_an_answer_that_is_lost_makes_no_duplicate(keeper: Keeper, kind: str) -> None:
    (keeper.disk if kind == "disk" else keeper.instance)("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=LoseAnswer(), resource="shop", calls=(1,)))

    tick = keeper.tick()
    again = keeper.tick()

    assert [ended for _, _, ended in did(tick)] == ["done"]
    assert again.outcomes == ()
    assert len(keeper.snapshots()) == 1


def test_two_ticks_at_once_take_one_snapshot_per_slot(keeper: Keeper) -> None:
    for number in range(12):
        keeper.disk(f"disk-{number}", {"backup": "daily"})
    keeper.sandbox.set_options(latency_seconds=0.02)

    second = other_runs(keeper, "second")

    ticks = keeper.ticks_at_once(second)

    for region in second.values():
        region.close()
    assert [tick.failures for tick in ticks] == [(), ()]
    assert len(keeper.snapshots()) == 12


def test_two_sources_whose_snapshot_names_collide_are_not_taken_for_one(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightkeeper.tags._digest", lambda _: "000000")
    for name in ("shop.eu", "shop-eu"):
        keeper.disk(name, {"backup": "daily"})
    keeper.configure(writers=1)

    tick = keeper.tick()

    assert sorted(ended for _, _, ended in did(tick)) == ["done", "failed"]
    assert "not ours" in tick.failures[0]


def test_a_new_source_under_an_old_name_gets_snapshots_of_its_own(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.tick()
    keeper.user.delete_disk(diskName="shop")
    keeper.disk("shop", {"backup": "daily"})

    tick = keeper.tick()

    assert count(tick, "create") == 1
    assert keeper.days("shop") == ["20260615", "20260615"]


# 5. Failed snapshots protect nothing and count for nothing.


def test_a_failed_snapshot_is_tried_again_twice_and_removed_once_a_newer_one_is_usable(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation="CreateDiskSnapshot"))
    keeper.tick()
    keeper.live(5 * HOUR, HOUR)
    tries = list(keeper.snapshots("shop"))
    assert [name[-2:] for name in tries[1:]] == ["-2", "-3"]
    assert tries[1] == f"{tries[0]}-2"
    assert len(tries) == 3

    keeper.sandbox.clear_faults()
    keeper.live(2 * DAY, HOUR)

    assert keeper.days("shop") == ["20260616", "20260617"]


def test_after_three_quick_attempts_that_ended_in_error_there_is_one_a_day_until_one_succeeds(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "monthly"})
    keeper.sandbox.add_faults(
        FaultRule(effect=EndSnapshots(state="error"), operation="CreateDiskSnapshot", last=5, region=REGION)
    )
    keeper.tick()
    keeper.live(6 * HOUR, HOUR)
    (line,) = keeper.plan().sources
    assert [name[-2:] for name in keeper.snapshots()][1:] == ["-2", "-3"]
    assert line.next_attempt == datetime(2026, 6, 16, 14, tzinfo=UTC), "a day after the third"

    keeper.live(3 * DAY, HOUR)

    assert [name[-2:] for name in keeper.snapshots()][1:4] == ["-2", "-3", "-4"]
    (line,) = keeper.plan().sources
    assert line.newest
    assert line.newest.taken == datetime(2026, 6, 18, 14, tzinfo=UTC), "long before its next slot, of 1 July"
    assert count(keeper.tick(), "create") == 0


def test_failed_snapshots_use_no_count(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3"})
    keeper.tick()
    keeper.live(2 * DAY)
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation="CreateDiskSnapshot"))

    keeper.live(3 * DAY, 8 * HOUR)

    usable = [kept.point.slot.day for kept in keeper.plan().kept if kept.reasons == ("last snapshot",)]
    assert sorted(usable) == [15, 16, 17]


# 6. Held snapshots are never pruned.


def test_a_hold_on_a_snapshot_outlasts_every_rule(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    keeper.tick()
    keeper.tag(next(iter(keeper.snapshots())), "backup:hold")

    keeper.live(6 * DAY)

    marked, pending = "20260618", "20260621"
    assert keeper.days("shop") == ["20260615", marked, "20260619", "20260620", pending]


def test_a_hold_with_a_date_ends_after_that_day(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    keeper.tick()
    (name,) = keeper.snapshots()
    keeper.tag(name, "backup:hold", "2026-06-18")

    keeper.live(3 * DAY)
    assert "backup:hold" in keeper.snapshots()[name]

    (day_after,) = keeper.live(DAY)
    assert ("remove-hold", name, "done") in did(day_after)
    assert EXPIRES in keeper.snapshots()[name], "marked, with its hold taken off, for a later run"
    assert "backup:hold" not in keeper.snapshots()[name]

    keeper.live(DAY)
    assert name not in keeper.snapshots()


def test_a_hold_on_a_source_holds_all_its_snapshots(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    keeper.tick()
    keeper.live(DAY)
    keeper.tag("shop", "backup:hold")

    keeper.live(3 * DAY)

    assert len(keeper.days("shop")) == 5


# 7. Pruning is announced, and an announcement is taken back.


def announced(keeper: Keeper) -> list[str]:
    return [name for name, tags in keeper.snapshots().items() if EXPIRES in tags]


def with_an_announcement(keeper: Keeper) -> str:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    keeper.tick()
    keeper.live(3 * DAY)
    (name,) = announced(keeper)
    return name


def test_a_snapshot_is_deleted_a_day_after_it_was_announced_and_not_before(keeper: Keeper) -> None:
    name = with_an_announcement(keeper)
    assert keeper.snapshots()[name][EXPIRES] == "2026-06-19T12:00:00Z"

    keeper.live(23 * HOUR, HOUR)
    assert name in keeper.snapshots()

    keeper.live(HOUR, HOUR)
    assert name not in keeper.snapshots()


def test_a_hold_takes_an_announcement_back(keeper: Keeper) -> None:
    name = with_an_announcement(keeper)

    keeper.tag(name, "backup:hold")
    keeper.live(5 * DAY)

    assert name in keeper.snapshots()
    assert EXPIRES not in keeper.snapshots()[name]


def test_a_wider_rule_takes_an_announcement_back(keeper: Keeper) -> None:
    name = with_an_announcement(keeper)

    keeper.tag("shop", "backup:keep", "30")
    keeper.live(5 * DAY)

    assert name in keeper.snapshots()
    assert announced(keeper) == []


def test_removing_the_schedule_takes_an_announcement_back(keeper: Keeper) -> None:
    name = with_an_announcement(keeper)

    keeper.untag("shop", "backup")
    keeper.untag("shop", "backup:keep")
    keeper.live(5 * DAY)

    assert name in keeper.snapshots()
    assert announced(keeper) == []


def test_an_announcement_nobody_can_read_is_made_anew(keeper: Keeper) -> None:
    name = with_an_announcement(keeper)
    keeper.tag(name, EXPIRES, "soon")

    keeper.live(HOUR, HOUR)

    assert keeper.snapshots()[name][EXPIRES] == "2026-06-19T13:00:00Z"


def test_without_grace_a_snapshot_still_takes_two_runs_to_go(keeper: Keeper) -> None:
    keeper.configure(grace="0d")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "30"})
    keeper.tick()
    keeper.live(3 * DAY)
    keeper.tag("shop", "backup:keep", "2")

    first, retry = keeper.tick(), keeper.tick()
    (later,) = keeper.live(HOUR, HOUR)

    assert [count(tick, "announce") for tick in (first, retry, later)] == [1, 0, 1]
    assert [count(tick, "delete") for tick in (first, retry, later)] == [0, 0, 1]


def test_without_grace_a_failed_snapshot_still_takes_two_runs_to_go(keeper: Keeper) -> None:
    keeper.configure(grace="0d")
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation="CreateDiskSnapshot", last=1))
    keeper.tick()
    (failed,) = keeper.snapshots()

    ticks = keeper.live(3 * HOUR, HOUR)

    assert [count(tick, "announce") for tick in ticks] == [0, 1, 0]
    assert [count(tick, "delete") for tick in ticks] == [0, 0, 1]
    assert failed not in keeper.snapshots()


def test_what_was_marked_before_a_long_pause_is_marked_again_before_it_goes(keeper: Keeper) -> None:
    name = with_an_announcement(keeper)

    keeper.sandbox.advance(90 * DAY)
    keeper.tick()
    assert keeper.snapshots()[name][EXPIRES] == "2026-09-17T12:00:00Z", "its grace begins again"

    keeper.live(23 * HOUR, HOUR)
    assert name in keeper.snapshots()

    keeper.live(HOUR, HOUR)
    assert name not in keeper.snapshots()


def test_without_grace_a_promise_is_kept_all_the_same(keeper: Keeper) -> None:
    name = with_an_announcement(keeper)
    keeper.configure(grace="0d")

    keeper.live(23 * HOUR, HOUR)
    assert name in keeper.snapshots()

    keeper.live(HOUR, HOUR)
    assert name not in keeper.snapshots()


# 8. Orphans stay, or age out down to the last.


@pytest.mark.parametrize("orphaned_by", ["deletion", "untagging", "off"])
def test_orphans_are_kept(keeper: Keeper, orphaned_by: str) -> None:
    run_daily(keeper, grace="1d")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3"})
    keeper.disk("another", {})
    keeper.tick()
    keeper.live(2 * DAY)
    orphan(keeper, orphaned_by)

    keeper.live(10 * DAY)

    assert keeper.days("shop") == ["20260615", "20260616", "20260617"]


@pytest.mark.parametrize("orphaned_by", ["deletion", "untagging", "off"])
def test_orphans_expire_down_to_the_last_usable_one(keeper: Keeper, orphaned_by: str) -> None:
    run_daily(keeper)
    keeper.configure(orphans="expire")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3"})
    keeper.disk("another", {})
    keeper.tick()
    keeper.live(2 * DAY)
    orphan(keeper, orphaned_by)

    keeper.live(2 * DAY)
    assert keeper.days("shop") == ["20260616", "20260617"], "as if the daily snapshots had gone on"

    keeper.live(10 * DAY)
    assert keeper.days("shop") == ["20260617"]


def orphan(keeper: Keeper, how: str) -> None:
    match how:
        case "deletion":
            keeper.user.delete_disk(diskName="shop")
        case "untagging":
            keeper.untag("shop", "backup")
            keeper.untag("shop", "backup:keep")
        case _:
            keeper.tag("shop", "backup", "off")


def test_orphans_whose_own_tags_name_no_policy_stay(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.configure(orphans="expire")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    keeper.disk("another", {})
    keeper.tick()
    keeper.live(DAY)
    for name in keeper.snapshots():
        keeper.untag(name, "backup")
    keeper.user.delete_disk(diskName="shop")

    keeper.live(5 * DAY)

    assert len(keeper.days("shop")) == 2


def test_orphans_stay_while_a_tag_they_inherited_only_looks_like_ours(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.configure(orphans="expire")
    keeper.disk("shop", {"backup": "daily", "Backup:keep": "forever"})
    keeper.disk("another", {})
    keeper.tick()
    keeper.live(DAY)
    keeper.user.delete_disk(diskName="shop")

    (*_, tick) = keeper.live(20 * DAY)

    assert len(keeper.days("shop")) == 2
    assert [problem.suggestion for problem in tick.plan.problems] == ["backup:keep"]


# 9. At most so many deletions per source and tick, oldest first.


def test_a_rule_cut_from_thirty_to_three_deletes_three_a_tick_oldest_first(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "30"})
    keeper.disk("clinic", {"backup": "daily", "backup:keep": "30"})
    keeper.tick()
    keeper.live(9 * DAY)
    for name in ("shop", "clinic"):
        keeper.tag(name, "backup:keep", "3")
    keeper.live(HOUR, HOUR)
    assert len(announced(keeper)) == 14

    keeper.sandbox.advance(DAY)
    tick = keeper.tick()

    assert [name.split("-")[1] for done, name, _ in did(tick) if done == "delete" and name.startswith("shop")] == [
        "20260615",
        "20260616",
        "20260617",
    ]
    assert count(tick, "delete") == 6
    assert count(tick, "defer", "deferred") == 8
    assert "at most 3" in next(outcome.action.reason for outcome in tick.outcomes if outcome.result is Result.DEFERRED)


@pytest.mark.parametrize("grace", ["0d", "1d"])
def test_a_retry_of_the_same_tick_deletes_no_more_than_one_run_would(keeper: Keeper, grace: str) -> None:
    keeper.configure(grace=grace)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "30"})
    keeper.tick()
    keeper.live(9 * DAY)
    keeper.tag("shop", "backup:keep", "3")
    keeper.live(HOUR, HOUR)
    keeper.sandbox.advance(HOUR if grace == "0d" else DAY)

    first, retry = keeper.tick(), keeper.tick()
    (next_tick,) = keeper.live(HOUR, HOUR)

    assert [count(tick, "delete") for tick in (first, retry, next_tick)] == [3, 0, 3]
    left = next(name for action, name, _ in did(first) if action == "defer")
    assert "to be deleted from 2026-" in reasons(retry.plan.kept, left)[0]


def test_a_retry_of_the_same_tick_removes_no_more_failed_snapshots_than_one_run_would(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "30"})
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation="CreateDiskSnapshot"))
    keeper.tick()
    keeper.live(3 * DAY, 6 * HOUR)
    keeper.sandbox.clear_faults()
    keeper.live(2 * HOUR, HOUR)
    failed = sum(entry.state == "error" for entry in keeper.sandbox.entries())
    assert len(announced(keeper)) == failed

    keeper.sandbox.advance(DAY)
    first, retry = keeper.tick(), keeper.tick()
    (next_tick,) = keeper.live(HOUR, HOUR)

    assert [count(tick, "delete") for tick in (first, retry, next_tick)] == [3, 0, 3]
    assert count(first, "defer", "deferred") == failed - 3


def test_nothing_is_deleted_where_what_is_left_for_later_cannot_be_marked_so(keeper: Keeper) -> None:
    keeper.configure(grace="0d")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "30"})
    keeper.tick()
    keeper.live(9 * DAY)
    keeper.tag("shop", "backup:keep", "3")
    keeper.live(HOUR, HOUR)
    keeper.sandbox.advance(HOUR)
    fault = FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="TagResource", last=1)
    keeper.sandbox.add_faults(fault)

    tick = keeper.tick()

    assert count(tick, "defer", "failed") == 1
    assert count(tick, "delete", "skipped") == 3
    assert len(keeper.days("shop")) == 10


# 10. All pages are read before anything is written; a list that fails forbids to prune.


def test_all_pages_of_a_region_are_read_before_anything_is_written_there(two_regions: Keeper) -> None:
    for number in range(7):
        two_regions.disk(f"disk-{number}", {"backup": "daily"})
        two_regions.disk(f"far-{number}", {"backup": "daily"}, OTHER_REGION)
    two_regions.sandbox.set_options(page_size=2)

    two_regions.tick()

    for region in (REGION, OTHER_REGION):
        operations = [call.operation for call in two_regions.sandbox.calls() if call.region == region]
        assert operations[-7:] == ["CreateDiskSnapshot"] * 7
        assert READS.issuperset(operations[:-7])
        assert operations.count("GetDisks") == 4


@pytest.mark.parametrize("operation", sorted(READS))
def test_a_list_that_fails_on_a_late_page_forbids_to_prune_in_its_region_only(
    two_regions: Keeper, operation: str
) -> None:
    keeper = two_regions
    run_daily(keeper)
    for region in (REGION, OTHER_REGION):
        for number in range(3):
            keeper.disk(f"disk-{number}", {"backup": "daily", "backup:keep": "1"}, region)
    for number in range(3):
        keeper.instance(f"web-{number}", {"backup": "daily", "backup:keep": "1"})
    keeper.tick()
    keeper.live(2 * DAY)
    keeper.sandbox.set_options(page_size=2)
    keeper.sandbox.advance(HOUR)
    keeper.sandbox.clear_calls()
    keeper.sandbox.add_faults(
        FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation=operation, region=REGION, first=2)
    )

    tick = keeper.tick()

    calls = [call for call in keeper.sandbox.calls() if (call.operation, call.region) == (operation, REGION)]
    assert [call.status for call in calls] == [200, 403], "its first page was read, not its second"
    assert {outcome.action.target.region for outcome in tick.outcomes} == {OTHER_REGION}
    assert count(tick, "delete") == 3
    assert "AccessDeniedException" in tick.failures[0]


def test_snapshots_are_still_taken_where_only_the_other_kind_of_source_cannot_be_listed(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="GetInstances"))

    tick = keeper.tick()

    assert count(tick, "create") == 1
    assert len(tick.failures) == 1


# 11. One source's failure never stops another's.


def test_one_failing_source_leaves_the_others_alone_and_the_run_ends_as_failed(keeper: Keeper) -> None:
    for name in ("a", "shop", "z"):
        keeper.disk(name, {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="ServiceException"), resource="shop"))

    tick = keeper.tick()

    assert count(tick, "create") == 2
    assert len(tick.failures) == 1
    assert tick.failures[0].startswith("eu-central-1: shop: CreateDiskSnapshot: ServiceException")


# 12. Near the deadline no new write starts.


def test_near_the_deadline_what_is_left_is_deferred_and_done_by_the_next_tick(keeper: Keeper) -> None:
    for number in range(6):
        keeper.disk(f"disk-{number}", {"backup": "daily"})
    keeper.configure(writers=1)

    tick = keeper.tick(seconds_left=clock_after_writes(keeper, 3))

    assert count(tick, "create") == 3
    assert count(tick, "create", "deferred") == 3
    assert tick.failures == ()
    assert len(keeper.snapshots()) == 3
    assert count(keeper.tick(), "create") == 3


def test_an_entry_that_a_changing_list_gives_twice_counts_once(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3"})
    keeper.tick()
    keeper.live(2 * DAY)
    keeper.sandbox.advance(HOUR)
    region = keeper.regions[REGION]

    class Twice:
        disks, instances, instance_snapshots = region.disks, region.instances, region.instance_snapshots

        @staticmethod
        def disk_snapshots() -> Iterator[Snapshot]:
            yield from region.disk_snapshots()
            yield from region.disk_snapshots()

    plan = plan_tick({REGION: Twice()}, keeper.settings, keeper.sandbox.now())

    assert plan.actions == ()
    assert len(plan.kept) == 3


@pytest.mark.parametrize("writers", [1, 8, 32])
def test_the_margin_before_the_deadline_is_enough_for_the_slowest_call(writers: int) -> None:
    assert slowest_call_seconds(writers) <= margin_seconds(writers) < 900, "Lambda's longest time"


def test_a_defect_met_in_one_action_does_not_stop_the_others(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "shop", "z"):
        keeper.disk(name, {"backup": "daily"})
    create = Lightsail.create

    def stumble(self: Lightsail, action: Create) -> None:
        if action.target.source == "shop":
            raise KeyError("operations")
        create(self, action)

    monkeypatch.setattr(Lightsail, "create", stumble)

    tick = keeper.tick()

    assert count(tick, "create") == 2
    assert tick.failures == ("eu-central-1: shop: unexpected KeyError: 'operations'",)


def fleet_of_seven(keeper: Keeper) -> None:
    for number in range(5):
        keeper.disk(f"disk-{number}", {"backup": "daily", "backup:keep": "2"})
    keeper.instance("web", {"backup": "daily", "backup:mode": "system-disk", "backup:keep": "2"})
    keeper.instance("db", {"backup": "daily", "backup:keep": "2"})


def reads(keeper: Keeper) -> dict[str, int]:
    calls = [call.operation for call in keeper.sandbox.calls()]
    return {operation: calls.count(operation) for operation in sorted(READS) if operation in calls}


def test_an_idle_run_reads_the_pages_that_exist_and_writes_nothing(keeper: Keeper) -> None:
    fleet_of_seven(keeper)
    keeper.tick()
    keeper.live(2 * DAY)
    keeper.sandbox.advance(HOUR)
    keeper.tick()
    keeper.sandbox.set_options(page_size=3)
    keeper.sandbox.clear_calls()

    tick = keeper.tick()

    assert tick.outcomes == ()
    # 5 disks; 2 instances; 3 snapshots of each of 6 sources; 3 of one instance.
    assert reads(keeper) == {"GetDiskSnapshots": 6, "GetDisks": 2, "GetInstanceSnapshots": 1, "GetInstances": 1}
    assert keeper.writes() == []


def test_a_run_that_deletes_reads_the_pages_twice_and_its_writes_are_the_actions_of_the_plan(keeper: Keeper) -> None:
    fleet_of_seven(keeper)
    keeper.tick()
    keeper.live(3 * DAY)
    keeper.sandbox.advance(DAY)
    keeper.sandbox.set_options(page_size=3)
    plan = keeper.plan()
    keeper.sandbox.clear_calls()

    tick = keeper.tick()

    # 5 disks; 2 instances; 4 snapshots of each of 6 sources, and 5 once the new ones are begun; of one instance too.
    assert reads(keeper) == {"GetDiskSnapshots": 18, "GetDisks": 4, "GetInstanceSnapshots": 4, "GetInstances": 2}
    assert [outcome.action for outcome in tick.outcomes] == [*plan.actions]
    assert sorted(keeper.writes()) == sorted(
        ["CreateDiskSnapshot"] * 6
        + ["CreateInstanceSnapshot"]
        + ["TagResource"] * 7
        + ["DeleteDiskSnapshot"] * 6
        + ["DeleteInstanceSnapshot"]
    )


def test_snapshots_are_born_with_all_their_tags(keeper: Keeper) -> None:
    arn = keeper.disk(
        "shop", {"backup": "daily", "customer": "bakery", "aws:cloudformation:stack-name": "x", "bare": ""}
    )

    keeper.tick()

    created = next(call for call in keeper.sandbox.calls() if call.operation == "CreateDiskSnapshot")
    assert created.parameters["diskName"] == "shop"
    assert keeper.writes() == ["CreateDiskSnapshot"]
    assert next(iter(keeper.snapshots().values())) == {
        "backup": "daily",
        "customer": "bakery",
        "bare": "",
        OWNER: "Lightkeeper",
        SOURCE: arn,
        SLOT: "2026-06-15T03:00:00Z",
    }


def test_the_mode_decides_what_of_an_instance_is_taken(keeper: Keeper) -> None:
    keeper.instance("whole", {"backup": "daily"})
    keeper.instance("system", {"backup": "daily", "backup:mode": "system-disk"})

    keeper.tick()

    made = {call.operation: call.parameters for call in keeper.sandbox.calls() if call.operation not in READS}
    assert made["CreateInstanceSnapshot"]["instanceName"] == "whole"
    assert made["CreateDiskSnapshot"]["instanceName"] == "system"
    assert "diskName" not in made["CreateDiskSnapshot"]


def test_a_source_with_forty_nine_tags_keeps_what_has_room_and_says_what_has_not(keeper: Keeper) -> None:
    tags = {f"tag-{number:02}": "x" for number in range(48)} | {"backup": "daily"}
    keeper.disk("shop", tags)

    tick = keeper.tick()

    born = next(iter(keeper.snapshots().values()))
    action = tick.outcomes[0].action
    assert isinstance(action, Create)
    assert len(born) == 48
    assert born["backup"] == "daily"
    assert action.left_out == ("tag-44", "tag-45", "tag-46", "tag-47")


def test_a_schedule_in_another_zone_gives_one_snapshot_a_day_across_the_change_of_clocks(keeper: Keeper) -> None:
    keeper.sandbox.set_time(datetime(2026, 10, 24, 12, tzinfo=UTC))
    keeper.disk("shop", {"backup": "daily", "backup:at": "02:30 Europe/Zurich"})
    keeper.tick()

    keeper.live(3 * DAY, HOUR)

    slots = [tags[SLOT] for tags in keeper.snapshots().values()]
    assert slots == [
        "2026-10-24T00:30:00Z",
        "2026-10-25T00:30:00Z",
        "2026-10-26T01:30:00Z",
        "2026-10-27T01:30:00Z",
    ]


def test_a_month_without_ticks_is_caught_up_with_one_snapshot_and_prunes_nothing_early(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.tick()
    keeper.live(6 * DAY)

    keeper.sandbox.advance(timedelta(days=31))
    keeper.tick()
    keeper.sandbox.advance(HOUR)
    tick = keeper.tick()

    assert len(keeper.days("shop")) == 8
    assert tick.outcomes == ()
