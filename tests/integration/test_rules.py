"""The twelve safety rules: each test tries to break one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from lightkeeper.limits import margin_seconds, slowest_call_seconds
from lightkeeper.inventory import plan_tick
from lightkeeper.lightsail import Lightsail
from lightkeeper.model import Create, Kept, Result, Severity, Snapshot
from lightkeeper.tags import EXPIRES, OWNER, SLOT, SOURCE, snapshot_name
from sandbox.client import EndSnapshots, ErrorAnswer, FaultRule, LoseAnswer, Seed
from tests.integration.keeper import DAY, HOUR, OTHER_REGION, READS, REGION, Keeper, count, did, other_runs


def reasons(kept: tuple[Kept, ...], snapshot: str) -> tuple[str, ...]:
    return next(entry.reasons for entry in kept if entry.point.name == snapshot)


# 1. What does not carry our owner tag and our source tag is never touched.


def test_snapshots_that_are_not_ours_survive_everything(keeper: Keeper) -> None:
    arn = keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    now = keeper.sandbox.now()
    old_slot = now - 40 * DAY
    ours_by_name = snapshot_name("shop", arn, old_slot)
    our_tags = {OWNER: "Lightkeeper", SOURCE: arn, SLOT: "2026-05-06T12:00:00Z", "backup": "daily"}
    foreign = [
        Seed(kind="DiskSnapshot", name="by-hand", source="shop", created_at=now - 50 * DAY),
        Seed(kind="DiskSnapshot", name=ours_by_name, source="shop", created_at=old_slot),
        Seed(kind="DiskSnapshot", name="tags-copied", source="shop", created_at=old_slot, tags=our_tags),
        Seed(
            kind="DiskSnapshot",
            name=snapshot_name("shop", arn, old_slot - DAY),
            source="shop",
            created_at=old_slot,
            tags=our_tags | {OWNER: "Another", SLOT: "2026-05-05T12:00:00Z"},
        ),
        Seed(
            kind="DiskSnapshot",
            name=snapshot_name("shop", arn, old_slot - 2 * DAY),
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
    keeper.configure(orphans="expire", grace="0d")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "within=2d"})
    keeper.tick()
    keeper.live(4 * DAY)
    keeper.user.delete_disk(diskName="shop")

    keeper.live(60 * DAY, 10 * DAY)

    assert keeper.days("shop") == ["20260619"]
    assert reasons(keeper.plan().kept, next(iter(keeper.snapshots()))) == ("newest usable snapshot",)


def test_a_newer_failed_snapshot_does_not_make_the_newest_usable_one_deletable(keeper: Keeper) -> None:
    keeper.configure(grace="0d")
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
        ("backup:keep", "1 week", False),
        ("backup:at", "25:00", False),
        ("backup:kepe", "1", True),
        ("backup:hold", "next week", True),
    ],
)
def test_nothing_is_pruned_while_the_tags_have_a_problem(
    keeper: Keeper, tag: str, value: str, *, still_snapshotted: bool
) -> None:
    keeper.configure(grace="0d")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "30"})
    keeper.tick()
    keeper.live(4 * DAY)
    keeper.configure(policies={"daily": {"schedule": "0 3 * * *", "keep": "1"}})
    keeper.untag("shop", "backup:keep")
    keeper.tag("shop", tag, value)

    keeper.live(2 * DAY)

    assert len(keeper.days("shop")) == (7 if still_snapshotted else 5)


def test_nothing_is_pruned_for_a_source_whose_snapshot_failed_in_this_tick(keeper: Keeper) -> None:
    keeper.configure(grace="0d")
    for name in ("shop", "clinic"):
        keeper.disk(name, {"backup": "daily", "backup:keep": "2"})
    keeper.tick()
    keeper.live(2 * DAY)
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
    problem = keeper.plan().problems[0]
    assert "ended in error" in problem.message

    keeper.sandbox.clear_faults()
    keeper.live(DAY, HOUR)

    assert keeper.days("shop") == ["20260616"]


def test_failed_snapshots_use_no_count(keeper: Keeper) -> None:
    keeper.configure(grace="0d")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3"})
    keeper.tick()
    keeper.live(2 * DAY)
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation="CreateDiskSnapshot"))

    keeper.live(3 * DAY, 8 * HOUR)

    usable = [kept.point.slot.day for kept in keeper.plan().kept if kept.reasons == ("last snapshot",)]
    assert sorted(usable) == [15, 16, 17]


# 6. Held snapshots are never pruned.


def test_a_hold_on_a_snapshot_outlasts_every_rule(keeper: Keeper) -> None:
    keeper.configure(grace="0d")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    keeper.tick()
    keeper.tag(next(iter(keeper.snapshots())), "backup:hold")

    keeper.live(6 * DAY)

    assert keeper.days("shop") == ["20260615", "20260619", "20260620", "20260621"]


def test_a_hold_with_a_date_ends_after_that_day(keeper: Keeper) -> None:
    keeper.configure(grace="0d")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    keeper.tick()
    keeper.tag(next(iter(keeper.snapshots())), "backup:hold", "2026-06-18")

    keeper.live(3 * DAY)
    assert keeper.days("shop")[0] == "20260615"

    keeper.live(DAY)
    assert keeper.days("shop")[0] != "20260615"


def test_a_hold_on_a_source_holds_all_its_snapshots(keeper: Keeper) -> None:
    keeper.configure(grace="0d")
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


def test_without_grace_a_snapshot_is_deleted_at_once_but_a_promise_is_kept(keeper: Keeper) -> None:
    name = with_an_announcement(keeper)
    keeper.configure(grace="0d")

    keeper.live(23 * HOUR, HOUR)
    assert name in keeper.snapshots()

    keeper.live(HOUR, HOUR)
    assert name not in keeper.snapshots()
    assert keeper.days("shop") == ["20260618", "20260619"]


# 8. Orphans stay, or age out down to the last.


@pytest.mark.parametrize("orphaned_by", ["deletion", "untagging", "off"])
def test_orphans_are_kept(keeper: Keeper, orphaned_by: str) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3"})
    keeper.tick()
    keeper.live(2 * DAY)
    orphan(keeper, orphaned_by)

    keeper.live(40 * DAY, 5 * DAY)

    assert keeper.days("shop") == ["20260615", "20260616", "20260617"]


@pytest.mark.parametrize("orphaned_by", ["deletion", "untagging", "off"])
def test_orphans_expire_down_to_the_last_usable_one(keeper: Keeper, orphaned_by: str) -> None:
    keeper.configure(orphans="expire")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3"})
    keeper.tick()
    keeper.live(2 * DAY)
    orphan(keeper, orphaned_by)

    keeper.live(2 * DAY)
    assert keeper.days("shop") == ["20260616", "20260617"], "as if the daily snapshots had gone on"

    keeper.live(40 * DAY, 5 * DAY)
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
    keeper.configure(orphans="expire", grace="0d")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    keeper.tick()
    keeper.live(DAY)
    for name in keeper.snapshots():
        keeper.untag(name, "backup")
    keeper.user.delete_disk(diskName="shop")

    keeper.live(20 * DAY, 5 * DAY)

    assert len(keeper.days("shop")) == 2


def test_orphans_stay_while_a_tag_they_inherited_only_looks_like_ours(keeper: Keeper) -> None:
    keeper.configure(orphans="expire", grace="0d")
    keeper.disk("shop", {"backup": "daily", "Backup:keep": "forever"})
    keeper.tick()
    keeper.live(DAY)
    keeper.user.delete_disk(diskName="shop")

    (*_, tick) = keeper.live(20 * DAY, 5 * DAY)

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
    if grace != "0d":
        keeper.live(HOUR, HOUR)
        keeper.sandbox.advance(DAY)

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
    keeper.live(DAY)
    failed = sum(entry.state == "error" for entry in keeper.sandbox.entries())

    keeper.sandbox.advance(HOUR)
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
    fault = FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="TagResource", last=1)
    keeper.sandbox.add_faults(fault)

    tick = keeper.tick()

    assert count(tick, "defer", "failed") == 1
    assert count(tick, "delete", "skipped") == 3
    assert len(keeper.days("shop")) == 10


# 10. All pages are read before anything is written; a list that fails forbids to prune.


def test_all_pages_of_all_regions_are_read_before_anything_is_written(two_regions: Keeper) -> None:
    for number in range(7):
        two_regions.disk(f"disk-{number}", {"backup": "daily"})
        two_regions.disk(f"far-{number}", {"backup": "daily"}, OTHER_REGION)
    two_regions.sandbox.set_options(page_size=2)

    two_regions.tick()

    operations = [call.operation for call in two_regions.sandbox.calls()]
    first_write = min(number for number, operation in enumerate(operations) if operation not in READS)
    assert READS.isdisjoint(operations[first_write:])
    assert len(operations[first_write:]) == 14


@pytest.mark.parametrize("operation", sorted(READS))
def test_a_list_that_fails_on_a_late_page_forbids_to_prune_in_its_region_only(
    two_regions: Keeper, operation: str
) -> None:
    keeper = two_regions
    keeper.configure(grace="0d")
    for region in (REGION, OTHER_REGION):
        for number in range(5):
            keeper.disk(f"disk-{number}", {"backup": "daily", "backup:keep": "1"}, region)
    keeper.instance("web", {"backup": "daily", "backup:keep": "1"})
    keeper.tick()
    keeper.live(DAY)
    keeper.sandbox.set_options(page_size=2)
    keeper.sandbox.advance(HOUR)
    keeper.sandbox.add_faults(
        FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation=operation, region=REGION)
    )

    tick = keeper.tick()

    assert {outcome.action.target.region for outcome in tick.outcomes} == {OTHER_REGION}
    assert count(tick, "delete") == 5
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
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="OperationFailureException"), resource="shop"))

    tick = keeper.tick()

    assert count(tick, "create") == 2
    assert len(tick.failures) == 1
    assert tick.failures[0].startswith("eu-central-1: shop: CreateDiskSnapshot: OperationFailureException")


# 12. Near the deadline no new write starts.


def test_near_the_deadline_what_is_left_is_deferred_and_done_by_the_next_tick(keeper: Keeper) -> None:
    for number in range(6):
        keeper.disk(f"disk-{number}", {"backup": "daily"})
    keeper.configure(writers=1)
    left = iter([MARGIN_SECONDS + 60, MARGIN_SECONDS + 30, MARGIN_SECONDS, *[MARGIN_SECONDS - 1] * 9])

    tick = keeper.tick(seconds_left=lambda: next(left))

    assert count(tick, "create") == 3
    assert count(tick, "create", "deferred") == 3
    assert tick.failures == ()
    assert len(keeper.snapshots()) == 3
    assert count(keeper.tick(), "create") == 3


def test_an_entry_that_a_changing_list_gives_twice_counts_once(keeper: Keeper) -> None:
    keeper.configure(grace="0d")
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


def test_the_margin_before_the_deadline_is_enough_for_the_slowest_call() -> None:
    assert slowest_call_seconds(8) <= MARGIN_SECONDS


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


def test_reads_are_the_pages_that_exist_and_writes_the_actions_of_the_plan(keeper: Keeper) -> None:
    for number in range(5):
        keeper.disk(f"disk-{number}", {"backup": "daily", "backup:keep": "2"})
    keeper.instance("web", {"backup": "daily", "backup:mode": "system-disk", "backup:keep": "2"})
    keeper.instance("db", {"backup": "daily", "backup:keep": "2"})
    keeper.tick()
    keeper.live(3 * DAY)
    keeper.sandbox.advance(DAY)
    keeper.sandbox.set_options(page_size=3)
    plan = keeper.plan()
    keeper.sandbox.clear_calls()

    tick = keeper.tick()

    calls = [call.operation for call in keeper.sandbox.calls()]
    # 5 disks; 2 instances; 4 snapshots of each of 6 sources; 4 of one instance.
    pages = {"GetDisks": 2, "GetInstances": 1, "GetDiskSnapshots": 8, "GetInstanceSnapshots": 2}
    assert {operation: calls.count(operation) for operation in pages} == pages
    assert tick.plan == plan
    assert sorted(operation for operation in calls if operation not in pages) == sorted(
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
