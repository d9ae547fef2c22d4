"""The safety rules: each test tries to break one."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from lightkeeper.actions import Create, Result
from lightkeeper.inventory import plan_regions
from lightkeeper.kinds import SnapshotKind
from lightkeeper.lightsail import Lightsail
from lightkeeper.metrics import GAUGES, MetricName, publishable
from lightkeeper.model import Kept, Orphans, Severity, Snapshot, Status
from lightkeeper.names import snapshot_name
from lightkeeper.retries import margin_seconds, slowest_call_seconds
from lightkeeper.run import Run
from lightkeeper.tags import EXPIRES, FORMAT, OWNER, SLOT, SOURCE
from lightsail_sandbox.client import (
    EndSnapshots,
    Entry,
    ErrorAnswer,
    FaultRule,
    LoseAnswer,
    Meanwhile,
    Seed,
    ShortList,
)
from tests.support.asking import detach
from tests.support.keeper import (
    DAY,
    HOUR,
    OTHER_REGION,
    READS,
    REGION,
    Keeper,
    clock_after_writes,
    count,
    did,
    why_not,
)
from tests.support.witness import CONSOLE


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

    keeper.run()
    keeper.live(10 * DAY)

    after = keeper.snapshots()
    assert {name: tags for name, tags in after.items() if name in before} == before
    assert len(after) == len(before) + 3, "ours: one being taken, one kept, one marked"


def test_a_snapshot_with_tags_copied_from_ours_is_reported(keeper: Keeper) -> None:
    arn = keeper.disk("shop", {"backup": "daily"})
    tags = {OWNER: "Lightkeeper", SOURCE: arn, SLOT: "2026-06-15T03:00:00Z"}
    keeper.sandbox.seed([Seed(kind="DiskSnapshot", name="mine", source="shop", tags=tags)])

    problems = keeper.plan().problems

    assert [(problem.source, problem.severity) for problem in problems] == [("shop", Severity.ADVICE)]
    assert "left alone" in problems[0].message


@pytest.mark.parametrize("orphaned", [False, True])
def test_an_older_release_loses_nothing_of_what_a_newer_one_has_made(keeper: Keeper, *, orphaned: bool) -> None:
    """An upgrade is rolled back: the newest is in a format that nobody knows here, and another is already marked."""
    run_daily(keeper, grace="1d")
    keeper.configure(orphans="expire")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    keeper.run()
    keeper.live(5 * DAY)
    *_, before_the_newest, newest = keeper.snapshots()
    for name in (before_the_newest, newest):
        keeper.tag(name, FORMAT, "2")
    keeper.tag(before_the_newest, EXPIRES, f"{keeper.sandbox.now():%Y-%m-%dT%H:%M:%SZ}")
    keeper.tag(before_the_newest, "backup:hold", "2026-01-01")
    if orphaned:
        keeper.user.delete_disk(diskName="shop")
    before = keeper.snapshots()

    runs = keeper.live(20 * DAY)

    after = keeper.snapshots()
    newer_release_s = (before_the_newest, newest)
    assert {name: after[name] for name in newer_release_s} == {name: before[name] for name in newer_release_s}
    assert set(after) >= set(before)
    assert sum(count(run, "create") for run in runs) == (0 if orphaned else 20)
    assert all(count(run, action) == 0 for run in runs for action in ("delete", "schedule-deletion", "remove-hold"))
    (problem,) = keeper.plan().problems
    assert (problem.tag, problem.value, problem.severity) == (FORMAT, "2", Severity.WARNING)
    assert "made by a newer release of Lightkeeper (format 2)" in problem.message


def test_what_a_newer_release_took_covers_its_slot_and_is_pruned_again_after_the_upgrade(keeper: Keeper) -> None:
    run_daily(keeper, grace="1d")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    keeper.run()
    keeper.live(5 * DAY)
    newest = [*keeper.snapshots()][-1]
    keeper.tag(newest, FORMAT, "2")
    # Whatever that format calls a slot.
    keeper.tag(newest, SLOT, "week 26")

    assert did(keeper.run()) == []
    (status,) = keeper.plan().sources
    assert status.status is Status.PROTECTED

    # As if this were the newer release.
    keeper.tag(newest, FORMAT, "1")
    keeper.tag(newest, SLOT, "2026-06-20T03:00:00Z")
    assert sum(count(run, "delete") for run in keeper.live(5 * DAY)) > 0


def test_what_has_no_format_is_from_before_there_was_one_and_is_pruned_as_ever(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    keeper.run()
    keeper.live(DAY)
    old = [*keeper.snapshots()]
    for name in old:
        keeper.untag(name, FORMAT)

    keeper.live(5 * DAY)

    assert not set(old) & set(keeper.snapshots())


# 2. The newest usable snapshot of a source is never deleted.


def test_the_last_usable_snapshot_of_a_deleted_source_stays_although_no_rule_keeps_it(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.configure(orphans="expire")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "within=2d"})
    keeper.disk("another", {})
    keeper.run()
    keeper.live(4 * DAY)
    keeper.user.delete_disk(diskName="shop")

    keeper.live(20 * DAY)

    assert keeper.days("shop") == ["20260619"]
    assert reasons(keeper.plan().kept, next(iter(keeper.snapshots()))) == ("newest usable snapshot",)


def test_a_newer_failed_snapshot_does_not_make_the_newest_usable_one_deletable(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "within=2d"})
    keeper.run()
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation="CreateDiskSnapshot"))

    keeper.live(9 * DAY)

    assert keeper.days("shop")[0] == "20260615"


def test_a_rarer_schedule_takes_nothing_until_its_next_slot_and_drops_nothing_fresh(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily"})
    keeper.run()
    keeper.live(4 * DAY)
    keeper.tag("shop", "backup", "monthly")

    until_july = [keeper.run(), *keeper.live(11 * DAY)]

    assert sum(count(run, "create") for run in until_july) == 0
    june = ["20260615", "20260619"]
    assert keeper.days("shop") == june, "the freshest and, with count to spare, the oldest"

    runs = keeper.live(4 * DAY)

    assert [count(run, "create") for run in runs] == [1, 0, 0, 0]
    assert keeper.days("shop") == [*june, "20260701"]


def test_a_time_of_day_that_is_moved_costs_neither_a_needless_snapshot_nor_yesterdays_content(keeper: Keeper) -> None:
    keeper.configure(grace="0d")
    keeper.sandbox.set_time(datetime(2026, 6, 15, 4, tzinfo=UTC))
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    keeper.run()
    keeper.live(3 * DAY)
    freshest = list(keeper.snapshots())[-1]
    keeper.tag("shop", "backup:at", "23:00")

    until_eleven = keeper.live(18 * HOUR, HOUR)
    assert sum(count(run, "create") for run in until_eleven) == 0

    at_eleven, *_ = keeper.live(2 * HOUR, HOUR)
    assert count(at_eleven, "create") == 1
    assert list(keeper.snapshots())[-2:][0] == freshest

    keeper.live(DAY + HOUR, HOUR)
    taken = [f"{entry.created_at:%d %H:%M}" for entry in snapshots_by_age(keeper)]
    assert taken == ["18 23:00", "19 23:00"], "the freshest two by content"


def snapshots_by_age(keeper: Keeper) -> list[Entry]:
    found = [entry for entry in keeper.sandbox.entries() if entry.kind.endswith("Snapshot")]
    return sorted(found, key=lambda entry: entry.created_at)


@pytest.mark.parametrize("orphans", ["keep", "expire"])
@pytest.mark.parametrize("by", ["tag", "setting"])
def test_system_disk_snapshots_push_out_no_whole_instance(keeper: Keeper, by: str, orphans: str) -> None:
    run_daily(keeper)
    keeper.configure(orphans=orphans)
    keeper.instance("web", {"backup": "daily", "backup:keep": "2"})
    keeper.disk("data", {}, attached_to="web")
    keeper.run()
    keeper.live(3 * DAY)
    whole = [entry.name for entry in snapshots_by_age(keeper)]
    if by == "tag":
        keeper.tag("web", "backup:mode", "system-disk")
    else:
        keeper.configure(instanceMode="system-disk")

    keeper.live(8 * DAY)

    left = [entry.name for entry in snapshots_by_age(keeper) if entry.kind == "InstanceSnapshot"]
    assert left == (whole if orphans == Orphans.KEEP else whole[-1:]), "the only copies of the attached disk"
    system = [entry.name for entry in snapshots_by_age(keeper) if entry.kind == "DiskSnapshot"]
    assert len(system) == 4, "one being taken, two kept, one marked"


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
    keeper.run()
    keeper.live(4 * DAY)
    keeper.configure(policies={"daily": {"schedule": "0 3 * * *", "keep": "1"}})
    keeper.untag("shop", "backup:keep")
    keeper.tag("shop", tag, value)

    keeper.live(2 * DAY)

    assert len(keeper.days("shop")) == (7 if still_snapshotted else 5)


def test_nothing_is_pruned_for_a_source_whose_snapshot_failed_in_this_run(keeper: Keeper) -> None:
    run_daily(keeper)
    for name in ("shop", "clinic"):
        keeper.disk(name, {"backup": "daily", "backup:keep": "2"})
    keeper.run()
    keeper.live(3 * DAY)
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), resource="shop", first=1))

    keeper.sandbox.advance(DAY)
    run = keeper.run()

    assert count(run, "create", "failed") == 1
    assert [ended for done, name, ended in did(run) if done == "delete" and "shop" in name] == ["skipped"]
    assert [ended for done, name, ended in did(run) if done == "delete" and "clinic" in name] == ["done"]


# 4. At most one snapshot per source and slot.


def test_a_second_run_at_the_same_time_does_nothing(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.instance("web", {"backup": ""})
    first = keeper.run()
    keeper.sandbox.clear_calls()

    second = keeper.run()

    assert count(first, "create") == 2
    assert second.outcomes == ()
    assert keeper.writes() == []


@pytest.mark.parametrize("kind", ["disk", "instance"])
def test_an_answer_that_is_lost_makes_no_duplicate(keeper: Keeper, kind: str) -> None:
    (keeper.disk if kind == "disk" else keeper.instance)("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=LoseAnswer(), resource="shop", calls=(1,)))

    run = keeper.run()
    again = keeper.run()

    assert [ended for _, _, ended in did(run)] == ["done"]
    assert again.outcomes == ()
    assert len(keeper.snapshots()) == 1


def test_two_sources_whose_snapshot_names_collide_are_not_taken_for_one(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightkeeper.names._digest", lambda _: "000000")
    for name in ("shop.eu", "shop-eu"):
        keeper.disk(name, {"backup": "daily"})
    keeper.configure(maxConcurrency=1)

    run = keeper.run()

    assert sorted(ended for _, _, ended in did(run)) == ["done", "failed"]
    assert "not ours" in run.failures[0]


def test_a_new_source_under_an_old_name_gets_snapshots_of_its_own(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.run()
    keeper.user.delete_disk(diskName="shop")
    keeper.disk("shop", {"backup": "daily"})

    run = keeper.run()

    assert count(run, "create") == 1
    assert keeper.days("shop") == ["20260615", "20260615"]


def test_what_a_replayed_event_takes_counts_as_what_it_holds_not_as_what_it_is_called(keeper: Keeper) -> None:
    keeper.sandbox.set_time(datetime(2026, 3, 10, 12, tzinfo=UTC))
    keeper.disk("shop", {"backup": "monthly"})

    replayed = keeper.run(at=datetime(2026, 2, 1, 4, tzinfo=UTC))
    (march,) = keeper.live(HOUR, HOUR)

    assert count(replayed, "create") == 1
    assert march.outcomes == (), "the slot of 1 March is covered, too"
    (line,) = keeper.plan().sources
    assert line.newest
    assert line.newest.taken == datetime(2026, 3, 10, 12, tzinfo=UTC)


def test_a_renamed_deployment_takes_its_own_snapshots_at_once_and_leaves_the_old_ones_alone(keeper: Keeper) -> None:
    keeper.configure(grace="0d")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    keeper.run()
    old = keeper.snapshots()
    keeper.configure(deployment="Renamed")

    renamed = keeper.run()
    keeper.live(2 * DAY, HOUR)

    assert count(renamed, "create") == 1
    assert renamed.failures == ()
    assert {name: tags for name, tags in keeper.snapshots().items() if name in old} == old


def test_two_deployments_on_the_same_disk_never_get_in_each_others_way(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    runs = []
    for _ in range(6):
        for deployment in ("Ours", "Theirs"):
            keeper.configure(deployment=deployment)
            runs.append(keeper.run())
        keeper.sandbox.advance(DAY)

    assert [failure for run in runs for failure in run.failures] == []
    owners = [tags[OWNER] for tags in keeper.snapshots().values()]
    assert owners.count("Ours") == owners.count("Theirs") == 4


def test_snapshots_from_before_the_deployment_was_in_their_names_stay_ours(keeper: Keeper) -> None:
    run_daily(keeper)
    arn = keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    digest = hashlib.sha256(arn.encode()).hexdigest()[:6]
    slots = [datetime(2026, 6, day, 3, tzinfo=UTC) for day in (13, 14, 15)]
    names = [f"shop-{slot:%Y%m%d-%H%M}-{digest}" for slot in slots]
    tags = {"backup": "daily", "backup:keep": "2", OWNER: "Lightkeeper", SOURCE: arn}
    keeper.sandbox.seed(
        Seed(
            kind="DiskSnapshot",
            name=name,
            source="shop",
            created_at=slot,
            tags={**tags, SLOT: f"{slot:%Y-%m-%dT%H:%M:%SZ}"},
        )
        for name, slot in zip(names, slots, strict=True)
    )
    keeper.witness.adopt(names)

    run = keeper.run()
    assert count(run, "create") == 0, "its slot is covered"
    assert did(run) == [("schedule-deletion", names[0], "done")]

    keeper.live(DAY)
    assert keeper.days("shop") == ["20260614", "20260615", "20260616"]


def test_two_deployments_with_similar_tag_keys_do_not_keep_each_other_from_pruning(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1", "backup2": "daily", "backup2:keep": "2"})
    for _ in range(5):
        for deployment, key in (("Ours", "backup"), ("Theirs", "backup2")):
            keeper.configure(deployment=deployment, tagKey=key)
            keeper.run()
        keeper.sandbox.advance(DAY)

    owners = [tags[OWNER] for tags in keeper.snapshots().values()]
    assert (owners.count("Ours"), owners.count("Theirs")) == (3, 4)


def test_a_list_of_snapshots_that_lacks_the_newest_costs_nothing(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3"})
    keeper.run()
    keeper.live(5 * DAY)
    before = list(keeper.snapshots())
    keeper.sandbox.add_faults(FaultRule(effect=ShortList(entries=2), operation="GetDiskSnapshots"))

    run = keeper.run()
    keeper.sandbox.clear_faults()

    assert count(run, "create") == 1, "it finds that of its slot under its name"
    assert run.failures == ()
    assert list(keeper.snapshots()) == before, "nothing taken twice, nothing deleted"


# 5. Failed snapshots protect nothing and count for nothing.


def test_a_failed_snapshot_is_tried_again_twice_and_removed_once_a_newer_one_is_usable(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation="CreateDiskSnapshot"))
    keeper.run()
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
    keeper.run()
    keeper.live(6 * HOUR, HOUR)
    (line,) = keeper.plan().sources
    assert [name[-2:] for name in keeper.snapshots()][1:] == ["-2", "-3"]
    assert line.next_attempt == datetime(2026, 6, 16, 14, tzinfo=UTC), "a day after the third"

    keeper.live(3 * DAY, HOUR)

    assert [name[-2:] for name in keeper.snapshots()][1:4] == ["-2", "-3", "-4"]
    (line,) = keeper.plan().sources
    assert line.newest
    assert line.newest.taken == datetime(2026, 6, 18, 14, tzinfo=UTC), "long before its next slot, of 1 July"
    assert count(keeper.run(), "create") == 0


def test_failed_snapshots_use_no_count(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3"})
    keeper.run()
    keeper.live(2 * DAY)
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation="CreateDiskSnapshot"))

    keeper.live(3 * DAY, 8 * HOUR)

    usable = [kept.point.slot.day for kept in keeper.plan().kept if kept.reasons == ("last snapshot",)]
    assert sorted(usable) == [15, 16, 17]


# 6. Held snapshots are never pruned.


def test_a_hold_on_a_snapshot_outlasts_every_rule(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    keeper.run()
    keeper.tag(next(iter(keeper.snapshots())), "backup:hold")

    keeper.live(6 * DAY)

    marked, pending = "20260618", "20260621"
    assert keeper.days("shop") == ["20260615", marked, "20260619", "20260620", pending]


def test_a_hold_with_a_date_ends_after_that_day(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    keeper.run()
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


def test_what_still_carries_a_hold_that_is_over_goes_in_a_later_run_than_its_hold(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3"})
    keeper.run()
    (name,) = keeper.snapshots()
    keeper.tag(name, "backup:hold", "2026-06-18")
    keeper.live(3 * DAY)
    refused = ErrorAnswer(code="AccessDeniedException")
    keeper.sandbox.add_faults(FaultRule(effect=refused, operation="UntagResource", last=1))

    marked, unheld, gone = keeper.live(3 * DAY)

    assert [ended for action, _, ended in did(marked) if action == "remove-hold"] == ["failed"]
    assert ("schedule-deletion", name, "done") in did(marked)
    assert [(action, ended) for action, of, ended in did(unheld) if of == name] == [("remove-hold", "done")]
    assert ("delete", name, "done") in did(gone)


def test_a_sources_dated_hold_that_is_over_is_taken_off_its_snapshots_before_they_go(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.sandbox.enforce_role(ONLY_WHAT_IS_MARKED_AND_NOT_HELD)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1", "backup:hold": "2026-06-17"})

    runs = [keeper.run(enforced=True)]
    for _ in range(6):
        keeper.sandbox.advance(DAY)
        runs.append(keeper.run(enforced=True))

    assert [failure for run in runs for failure in run.failures] == []
    assert [
        sum(count(run, action) for run in runs[:3]) for action in ("schedule-deletion", "remove-hold", "delete")
    ] == [0] * 3
    taken_off = [name[5:13] for run in runs for action, name, _ in did(run) if action == "remove-hold"]
    assert sorted(taken_off) == ["20260615", "20260616", "20260617"], "the later ones were born without it"
    assert keeper.days("shop") == ["20260619", "20260620", "20260621"]


def test_a_hold_on_a_source_holds_all_its_snapshots(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    keeper.run()
    keeper.live(DAY)
    keeper.tag("shop", "backup:hold")

    keeper.live(3 * DAY)

    assert len(keeper.days("shop")) == 5


SET_WHILE_THE_RUN_WORKS = [
    ("GetDiskSnapshots", "{snapshot}", "backup:hold", "", "on hold"),
    ("GetDisks", "shop", "backup:hold", "", "on hold"),
    ("GetDisks", "shop", "backup:keep", "30", "last snapshot"),
    ("GetDisks", "shop", "backup", "off", "its source is off"),
    ("GetDisks", "shop", "backup", "dialy", "its source has a problem"),
]


def with_a_deletion_due(keeper: Keeper) -> str:
    """Return the name of a snapshot that the next run would delete."""
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    keeper.run()
    keeper.live(3 * DAY)
    (name,) = expiring(keeper)
    keeper.sandbox.advance(DAY)
    return name


def tagged_meanwhile(resource: str, key: str, value: str = "") -> Meanwhile:
    tag = {"key": key, "value": value} if value else {"key": key}
    return Meanwhile(
        operation="TagResource", parameters={"resourceName": resource, "tags": [tag]}, access_key_id=CONSOLE
    )


@pytest.mark.parametrize(("read", "resource", "key", "value", "why"), SET_WHILE_THE_RUN_WORKS)
def test_what_a_user_sets_between_the_first_look_and_the_deletions_keeps_the_snapshot(  # noqa: PLR0917
    keeper: Keeper, read: str, resource: str, key: str, value: str, why: str
) -> None:
    name = with_a_deletion_due(keeper)
    # The first read is the plan's, the second the look right before deleting.
    effect = tagged_meanwhile(resource.format(snapshot=name), key, value)
    keeper.sandbox.add_faults(FaultRule(effect=effect, operation=read, calls=(2,)))

    run = keeper.run()

    assert name in keeper.snapshots()
    assert count(run, "create") == 1
    assert count(run, "delete", "skipped") == 1
    assert why in why_not(run, "delete")[0]
    assert run.failures == ()


def test_a_hold_set_at_the_last_moment_is_heeded_by_aws_itself_and_is_no_failure(keeper: Keeper) -> None:
    name = with_a_deletion_due(keeper)
    keeper.sandbox.enforce_role(ONLY_WHAT_IS_MARKED_AND_NOT_HELD)
    keeper.sandbox.add_faults(FaultRule(effect=tagged_meanwhile(name, "backup:hold"), operation="DeleteDiskSnapshot"))

    run = keeper.run(enforced=True)

    assert name in keeper.snapshots()
    assert why_not(run, "delete") == ['it has got the tag "backup:hold" meanwhile, which AWS itself enforces']
    assert run.failures == ()
    (later,) = keeper.live(DAY)
    assert ("cancel-deletion", name, "done") in did(later)


ONLY_WHAT_IS_MARKED_AND_NOT_HELD = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["lightsail:Get*", "lightsail:Create*", "lightsail:TagResource", "lightsail:UntagResource"],
            "Resource": "*",
        },
        {
            "Effect": "Allow",
            "Action": "lightsail:Delete*",
            "Resource": "*",
            "Condition": {
                "Null": {f"aws:ResourceTag/{EXPIRES}": "false", "aws:ResourceTag/backup:hold": "true"},
            },
        },
    ],
}


def test_a_hold_that_is_extended_while_the_run_works_is_not_taken_off(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    keeper.run()
    (name,) = keeper.snapshots()
    keeper.tag(name, "backup:hold", "2026-06-18")
    keeper.live(3 * DAY)
    extended = tagged_meanwhile(name, "backup:hold", "2026-12-31")
    keeper.sandbox.add_faults(FaultRule(effect=extended, operation="CreateDiskSnapshot", last=1))

    (day_after,) = keeper.live(DAY)

    assert count(day_after, "remove-hold", "skipped") == 1
    assert keeper.snapshots()[name]["backup:hold"] == "2026-12-31"
    keeper.live(3 * DAY)
    assert EXPIRES not in keeper.snapshots()[name]


def test_a_second_look_that_fails_deletes_nothing_and_fails_the_run(keeper: Keeper) -> None:
    name = with_a_deletion_due(keeper)
    refused = ErrorAnswer(code="AccessDeniedException")
    keeper.sandbox.add_faults(FaultRule(effect=refused, operation="GetInstances", calls=(2,)))

    run = keeper.run()

    assert name in keeper.snapshots()
    assert count(run, "delete", "failed") == 1
    assert "cannot look again before a deletion: GetInstances: AccessDenied" in run.failures[0]


def test_a_hold_outlives_another_tag_key(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1", "guard": "daily", "guard:keep": "1"})
    keeper.run()
    (name,) = keeper.snapshots()
    keeper.tag(name, "backup:hold")
    keeper.configure(tagKey="guard")

    keeper.live(4 * DAY)

    assert EXPIRES not in keeper.snapshots()[name]
    assert reasons(keeper.plan().kept, name) == ('on hold by the tag "backup:hold"',)


@pytest.mark.parametrize("key", ["backup:protect", "backup:legal", "backup:hodl"])
def test_a_tag_of_ours_that_nobody_knows_holds_a_snapshot_and_is_reported(keeper: Keeper, key: str) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    keeper.run()
    (name,) = keeper.snapshots()
    keeper.tag(name, key)

    keeper.live(4 * DAY)

    assert EXPIRES not in keeper.snapshots()[name]
    (problem,) = keeper.plan().problems
    assert (problem.tag, problem.severity) == (key, Severity.WARNING)
    assert problem.message.startswith(f"on snapshot {name}: ")


@pytest.mark.parametrize("key", ["legal-hold", "Hold", "acme:litigation-hold"])
def test_any_tag_that_is_or_ends_in_hold_holds_a_snapshot(keeper: Keeper, key: str) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    keeper.run()
    (name,) = keeper.snapshots()
    keeper.tag(name, key)

    keeper.live(4 * DAY)

    assert keeper.days("shop")[0] == "20260615"
    assert EXPIRES not in keeper.snapshots()[name]


# 7. A deletion is scheduled before it happens, and can be cancelled.


def expiring(keeper: Keeper) -> list[str]:
    return [name for name, tags in keeper.snapshots().items() if EXPIRES in tags]


def with_a_scheduled_deletion(keeper: Keeper) -> str:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    keeper.run()
    keeper.live(3 * DAY)
    (name,) = expiring(keeper)
    return name


def test_a_snapshot_is_deleted_a_day_after_it_was_marked_and_not_before(keeper: Keeper) -> None:
    name = with_a_scheduled_deletion(keeper)
    assert keeper.snapshots()[name][EXPIRES] == "2026-06-19T12:00:00Z"

    keeper.live(23 * HOUR, HOUR)
    assert name in keeper.snapshots()

    keeper.live(HOUR, HOUR)
    assert name not in keeper.snapshots()


def test_a_snapshot_without_room_for_a_mark_stays_is_reported_and_fails_no_run(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    keeper.run()
    (name,) = keeper.snapshots()
    for number in range(50 - len(keeper.snapshots()[name])):
        keeper.tag(name, f"note-{number}", "x")

    runs = keeper.live(5 * DAY)

    assert [failure for run in runs for failure in run.failures] == []
    assert keeper.days("shop")[0] == "20260615"
    assert len(keeper.days("shop")) == 4, "the others go on being pruned"
    (problem,) = keeper.plan().problems
    assert problem.message.startswith(f"on snapshot {name}: it has 50 tags")


def test_a_hold_cancels_a_scheduled_deletion(keeper: Keeper) -> None:
    name = with_a_scheduled_deletion(keeper)

    keeper.tag(name, "backup:hold")
    keeper.live(5 * DAY)

    assert name in keeper.snapshots()
    assert EXPIRES not in keeper.snapshots()[name]


def test_a_wider_rule_cancels_a_scheduled_deletion(keeper: Keeper) -> None:
    name = with_a_scheduled_deletion(keeper)

    keeper.tag("shop", "backup:keep", "30")
    keeper.live(5 * DAY)

    assert name in keeper.snapshots()
    assert expiring(keeper) == []


def test_removing_the_tag_cancels_a_scheduled_deletion(keeper: Keeper) -> None:
    name = with_a_scheduled_deletion(keeper)

    keeper.untag("shop", "backup")
    keeper.untag("shop", "backup:keep")
    keeper.live(5 * DAY)

    assert name in keeper.snapshots()
    assert expiring(keeper) == []


def test_a_mark_that_nobody_can_read_is_made_again(keeper: Keeper) -> None:
    name = with_a_scheduled_deletion(keeper)
    keeper.tag(name, EXPIRES, "soon")

    keeper.live(HOUR, HOUR)

    assert keeper.snapshots()[name][EXPIRES] == "2026-06-19T13:00:00Z"


def test_without_grace_a_snapshot_still_takes_two_runs_to_go(keeper: Keeper) -> None:
    keeper.configure(grace="0d")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "30"})
    keeper.run()
    keeper.live(3 * DAY)
    keeper.tag("shop", "backup:keep", "2")

    first, retry = keeper.run(), keeper.run()
    (later,) = keeper.live(HOUR, HOUR)

    assert [count(run, "schedule-deletion") for run in (first, retry, later)] == [1, 0, 1]
    assert [count(run, "delete") for run in (first, retry, later)] == [0, 0, 1]


def test_without_grace_a_failed_snapshot_still_takes_two_runs_to_go(keeper: Keeper) -> None:
    keeper.configure(grace="0d")
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation="CreateDiskSnapshot", last=1))
    keeper.run()
    (failed,) = keeper.snapshots()

    runs = keeper.live(3 * HOUR, HOUR)

    assert [count(run, "schedule-deletion") for run in runs] == [0, 1, 0]
    assert [count(run, "delete") for run in runs] == [0, 0, 1]
    assert failed not in keeper.snapshots()


def test_what_was_marked_before_a_long_pause_is_marked_again_before_it_goes(keeper: Keeper) -> None:
    name = with_a_scheduled_deletion(keeper)

    keeper.sandbox.advance(90 * DAY)
    keeper.run()
    assert keeper.snapshots()[name][EXPIRES] == "2026-09-17T12:00:00Z", "its grace begins again"

    keeper.live(23 * HOUR, HOUR)
    assert name in keeper.snapshots()

    keeper.live(HOUR, HOUR)
    assert name not in keeper.snapshots()


def test_without_grace_a_promise_is_kept_all_the_same(keeper: Keeper) -> None:
    name = with_a_scheduled_deletion(keeper)
    keeper.configure(grace="0d")

    keeper.live(23 * HOUR, HOUR)
    assert name in keeper.snapshots()

    keeper.live(HOUR, HOUR)
    assert name not in keeper.snapshots()


def test_with_prune_off_nothing_is_marked_freed_or_deleted_for_as_long_as_it_is(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.configure(prune="off", orphans="expire")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    keeper.disk("gone", {"backup": "daily", "backup:keep": "1"})
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation="CreateDiskSnapshot", last=1))
    keeper.run()
    keeper.live(2 * DAY)
    keeper.tag(next(iter(keeper.snapshots("shop"))), "backup:hold", "2026-06-16")
    keeper.user.delete_disk(diskName="gone")
    before = keeper.snapshots()

    keeper.live(10 * DAY)

    assert len(before) > 5
    after = keeper.snapshots()
    assert {name: after.get(name) for name in before} == before
    assert set(keeper.writes()) == {"CreateDiskSnapshot", "TagResource", "DeleteDisk"}, "the tag is the user's hold"
    assert expiring(keeper) == []


@pytest.mark.parametrize("trouble", [None, "backup", "backup:kepe"])
def test_prune_that_is_turned_off_takes_marks_back_and_turned_on_again_gives_a_new_grace(
    keeper: Keeper, trouble: str | None
) -> None:
    name = with_a_scheduled_deletion(keeper)
    keeper.configure(prune="off")
    if trouble:
        keeper.tag("shop", trouble, "dialy")
    keeper.live(HOUR, HOUR)
    assert expiring(keeper) == [], "whatever is wrong with the source's tags"
    if trouble:
        keeper.tag("shop", "backup", "daily")
    if trouble == "backup:kepe":
        keeper.untag("shop", trouble)

    keeper.live(24 * HOUR, HOUR)
    keeper.configure(prune="on")
    on = keeper.sandbox.now()
    keeper.live(HOUR, HOUR)

    assert keeper.snapshots()[name][EXPIRES] == f"{on + DAY + HOUR:%Y-%m-%dT%H:%M:%SZ}"
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
    keeper.run()
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
    keeper.run()
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
    keeper.run()
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
    keeper.run()
    keeper.live(DAY)
    keeper.user.delete_disk(diskName="shop")

    (*_, run) = keeper.live(20 * DAY)

    assert len(keeper.days("shop")) == 2
    assert [problem.suggestion for problem in run.plan.problems] == ["backup:keep"]


@pytest.mark.parametrize("left", [0, 1])
def test_a_list_of_sources_that_lacks_most_of_them_is_not_believed(keeper: Keeper, left: int) -> None:
    run_daily(keeper)
    keeper.configure(orphans="expire")
    for number in range(4):
        keeper.disk(f"disk-{number}", {"backup": "daily", "backup:keep": "2"})
    keeper.run()
    keeper.live(3 * DAY)
    before = keeper.snapshots()
    keeper.sandbox.add_faults(FaultRule(effect=ShortList(entries=left), operation="GetDisks"))

    runs = keeper.live(3 * DAY)
    unlike = {name: tags for name, tags in keeper.snapshots().items() if name in before and tags != before[name]}

    lacking = [name for name in before if "disk-0" not in name or not left]
    assert unlike.keys().isdisjoint(lacking), "nothing marked"
    assert set(lacking) <= set(keeper.snapshots()), "nothing deleted, though some was marked before"
    (plan, *_) = [run.plan for run in runs]
    assert plan.doubted == (REGION,)
    assert [(problem.source, problem.severity) for problem in plan.problems] == [("GetDisks", Severity.WARNING)]
    assert f"lacks {4 - left} that were backed up lately" in plan.problems[0].message
    assert {line.status for line in plan.sources if line.name != "disk-0" or not left} == {Status.UNKNOWN}
    numbers = publishable(runs[0], is_whole=True)
    assert numbers.get(MetricName.RESOURCES_OVERDUE, 1) > 0, "no alarm ends by a list in doubt"

    keeper.sandbox.clear_faults()
    (run,) = keeper.live(DAY)
    assert run.plan.doubted == ()
    assert count(run, "create") == 4


# 9. At most so many deletions per source and run, oldest first.


def test_a_rule_cut_from_thirty_to_three_deletes_three_a_run_oldest_first(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "30"})
    keeper.disk("clinic", {"backup": "daily", "backup:keep": "30"})
    keeper.run()
    keeper.live(9 * DAY)
    for name in ("shop", "clinic"):
        keeper.tag(name, "backup:keep", "3")
    keeper.live(HOUR, HOUR)
    assert len(expiring(keeper)) == 14

    keeper.sandbox.advance(DAY)
    run = keeper.run()

    assert [name.split("-")[1] for done, name, _ in did(run) if done == "delete" and name.startswith("shop")] == [
        "20260615",
        "20260616",
        "20260617",
    ]
    assert count(run, "delete") == 6
    assert count(run, "defer", "deferred") == 8
    assert "at most 3" in next(outcome.action.reason for outcome in run.outcomes if outcome.result is Result.DEFERRED)


@pytest.mark.parametrize("grace", ["0d", "1d"])
def test_a_retry_of_the_same_run_deletes_no_more_than_that_run_would(keeper: Keeper, grace: str) -> None:
    keeper.configure(grace=grace)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "30"})
    keeper.run()
    keeper.live(9 * DAY)
    keeper.tag("shop", "backup:keep", "3")
    keeper.live(HOUR, HOUR)
    keeper.sandbox.advance(HOUR if grace == "0d" else DAY)

    first, retry = keeper.run(), keeper.run()
    (next_run,) = keeper.live(HOUR, HOUR)

    assert [count(run, "delete") for run in (first, retry, next_run)] == [3, 0, 3]
    left = next(name for action, name, _ in did(first) if action == "defer")
    assert "to be deleted from 2026-" in reasons(retry.plan.kept, left)[0]


def test_a_retry_of_the_same_run_removes_no_more_failed_snapshots_than_that_run_would(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "30"})
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation="CreateDiskSnapshot"))
    keeper.run()
    keeper.live(3 * DAY, 6 * HOUR)
    keeper.sandbox.clear_faults()
    keeper.live(2 * HOUR, HOUR)
    failed = sum(entry.state == "error" for entry in keeper.sandbox.entries())
    assert len(expiring(keeper)) == failed

    keeper.sandbox.advance(DAY)
    first, retry = keeper.run(), keeper.run()
    (next_run,) = keeper.live(HOUR, HOUR)

    assert [count(run, "delete") for run in (first, retry, next_run)] == [3, 0, 3]
    assert count(first, "defer", "deferred") == failed - 3


def test_nothing_is_deleted_where_what_is_left_for_later_cannot_be_marked_so(keeper: Keeper) -> None:
    keeper.configure(grace="0d")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "30"})
    keeper.run()
    keeper.live(9 * DAY)
    keeper.tag("shop", "backup:keep", "3")
    keeper.live(HOUR, HOUR)
    keeper.sandbox.advance(HOUR)
    fault = FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="TagResource", last=1)
    keeper.sandbox.add_faults(fault)

    run = keeper.run()

    assert count(run, "defer", "failed") == 1
    assert count(run, "delete", "skipped") == 3
    assert len(keeper.days("shop")) == 10


def test_the_limit_goes_for_a_source_not_for_each_kind_of_its_snapshots(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.configure(orphans="expire")
    keeper.instance("web", {"backup": "daily", "backup:keep": "30"})
    keeper.run()
    keeper.live(5 * DAY)
    keeper.tag("web", "backup:mode", "system-disk")
    keeper.live(5 * DAY)
    (newest_whole,) = [each.name for each in snapshots_by_age(keeper) if each.kind == "InstanceSnapshot"][-1:]
    for name in ("web", newest_whole):
        keeper.tag(name, "backup:keep", "1")
    keeper.live(DAY)

    (run,) = keeper.live(DAY)

    assert count(run, "delete") == 3
    assert count(run, "defer", "deferred") == 6, "of both kinds"
    deleted = [name for action, name, _ in did(run) if action == "delete"]
    assert [name.split("-")[1] for name in deleted] == ["20260615", "20260616", "20260617"]


# 10. All pages are read before anything is written; a list that fails forbids to prune.


def test_all_pages_of_a_region_are_read_before_anything_is_written_there(two_regions: Keeper) -> None:
    for number in range(7):
        two_regions.disk(f"disk-{number}", {"backup": "daily"})
        two_regions.disk(f"far-{number}", {"backup": "daily"}, OTHER_REGION)
    two_regions.sandbox.set_options(page_size=2)

    two_regions.run()

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
        keeper.database(f"till-{number}", {"backup": "daily", "backup:keep": "1"})
        keeper.user.allocate_static_ip(staticIpName=f"address-{number}")
    keeper.run()
    keeper.live(2 * DAY)
    keeper.sandbox.set_options(page_size=2)
    keeper.sandbox.advance(HOUR)
    keeper.sandbox.clear_calls()
    keeper.sandbox.add_faults(
        FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation=operation, region=REGION, first=2)
    )

    run = keeper.run()

    calls = [call for call in keeper.sandbox.calls() if (call.operation, call.region) == (operation, REGION)]
    assert [call.status for call in calls] == [200, 403], "its first page was read, not its second"
    assert {outcome.action.target.region for outcome in run.outcomes} == {OTHER_REGION}
    assert count(run, "delete") == 3
    assert "AccessDeniedException" in run.failures[0]


def test_snapshots_are_still_taken_where_only_the_other_kind_of_source_cannot_be_listed(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="GetInstances"))

    run = keeper.run()

    assert count(run, "create") == 1
    assert len(run.failures) == 1


# 11. One source's failure never stops another's.


def test_one_failing_source_leaves_the_others_alone_and_the_run_ends_as_failed(keeper: Keeper) -> None:
    for name in ("a", "shop", "z"):
        keeper.disk(name, {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="ServiceException"), resource="shop"))

    run = keeper.run()

    assert count(run, "create") == 2
    assert len(run.failures) == 1
    assert run.failures[0].startswith("eu-central-1: shop: CreateDiskSnapshot: ServiceException")


# 13. Nothing stops being protected in silence.


def number(run: Run, name: MetricName) -> float | None:
    return publishable(run, is_whole=True).get(name)


def test_the_run_that_takes_the_first_snapshot_calls_nothing_overdue(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})

    runs = [keeper.run(), *keeper.live(2 * HOUR, HOUR)]

    assert [run.plan.sources[0].status for run in runs] == [Status.WAITING, Status.PROTECTED, Status.PROTECTED]
    assert [number(run, MetricName.RESOURCES_OVERDUE) for run in runs] == [0, 0, 0]


def test_snapshots_that_fail_hour_after_hour_are_overdue_although_each_run_begins_another(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "hourly"}, age=HOUR)
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation="CreateDiskSnapshot"))

    runs = [keeper.run(), *keeper.live(12 * HOUR, HOUR)]

    assert all(count(run, "create") == 1 for run in runs)
    overdue = [number(run, MetricName.RESOURCES_OVERDUE) for run in runs]
    assert overdue == [0] * 5 + [1] * 8
    assert [run.plan.sources[0].status is Status.OVERDUE for run in runs] == [each == 1 for each in overdue]
    keeper.sandbox.advance(timedelta(minutes=1))
    (line,) = keeper.plan().sources
    assert line.pending
    assert line.status is Status.OVERDUE, "while one is being taken, too"


def test_a_snapshot_that_never_ends_is_no_longer_on_its_way_after_a_while(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="pending"), operation="CreateDiskSnapshot"))

    runs = [keeper.run(), *keeper.live(8 * HOUR, HOUR)]

    overdue = [number(run, MetricName.RESOURCES_OVERDUE) for run in runs]
    assert overdue == [0] * 6 + [1] * 3


@pytest.mark.parametrize("operation", sorted(READS))
def test_while_a_list_fails_no_gauge_is_published_so_no_alarm_ends_by_blindness(keeper: Keeper, operation: str) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(
        FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="CreateDiskSnapshot")
    )
    assert number(keeper.run(), MetricName.RESOURCES_OVERDUE) == 1
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation=operation))

    blind = keeper.run()

    sent = set(publishable(blind, is_whole=True))
    assert GAUGES.isdisjoint(sent)
    assert MetricName.ACTIONS_DEFERRED in sent
    assert len(blind.failures) >= 1


def test_a_disk_that_was_attached_after_the_last_whole_snapshot_is_not_protected_yet(keeper: Keeper) -> None:
    keeper.instance("web", {"backup": "daily"})
    keeper.run()
    keeper.live(HOUR, HOUR)
    keeper.disk("data", {}, attached_to="web")

    waiting = keeper.run()
    keeper.live(DAY)
    (later,) = keeper.live(HOUR, HOUR)

    statuses = [{line.name: line.status.value for line in run.plan.sources}["data"] for run in (waiting, later)]
    assert statuses == ["waiting", "protected"]


def test_a_remade_disk_is_not_in_a_whole_snapshot_from_before_it(keeper: Keeper) -> None:
    keeper.instance("web", {"backup": "daily"})
    keeper.disk("data", {}, attached_to="web")
    keeper.run()
    keeper.live(2 * HOUR, HOUR)
    detach(keeper.sandbox, keeper.user)
    keeper.user.delete_disk(diskName="data")
    keeper.disk("data", {}, age=timedelta(), attached_to="web")

    statuses = {line.name: line.status.value for line in keeper.plan().sources}

    assert statuses == {"data": "waiting", "web": "protected"}


def test_a_data_disk_that_its_instances_snapshots_leave_out_gets_advice_and_counts_as_unprotected(
    keeper: Keeper,
) -> None:
    keeper.instance("web", {"backup": "daily", "backup:mode": "system-disk"})
    keeper.disk("data", {}, attached_to="web")
    keeper.run()

    (run,) = keeper.live(HOUR, HOUR)

    (advice,) = run.plan.problems
    assert (advice.source, advice.severity) == ("data", Severity.ADVICE)
    assert "whose snapshots hold its system disk only" in advice.message
    assert number(run, MetricName.RESOURCES_UNPROTECTED) == 1


# 12. Near the deadline no new write starts.


def test_near_the_deadline_what_is_left_is_deferred_and_done_by_the_next_run(keeper: Keeper) -> None:
    for number in range(6):
        keeper.disk(f"disk-{number}", {"backup": "daily"})
    keeper.configure(maxConcurrency=1)

    run = keeper.run(seconds_left=clock_after_writes(keeper, 3))

    assert count(run, "create") == 3
    assert count(run, "create", "deferred") == 3
    assert run.failures == ()
    assert len(keeper.snapshots()) == 3
    assert count(keeper.run(), "create") == 3


def test_deletions_are_put_off_where_no_time_is_left_to_look_again_before_them(keeper: Keeper) -> None:
    name = with_a_deletion_due(keeper)
    margin = margin_seconds(keeper.settings.max_concurrency)
    before = len(keeper.writes())

    # Time for one more write, but not to read everything again.
    run = keeper.run(seconds_left=lambda: 900.0 if len(keeper.writes()) == before else margin + 1.0)

    assert count(run, "create") == 1
    assert count(run, "delete", "deferred") == 1
    assert run.failures == ()
    assert name in keeper.snapshots()
    assert count(keeper.run(), "delete") == 1


def test_an_entry_that_a_changing_list_gives_twice_counts_once(keeper: Keeper) -> None:
    run_daily(keeper)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3"})
    keeper.run()
    keeper.live(2 * DAY)
    keeper.sandbox.advance(HOUR)
    region = keeper.regions[REGION]

    class Twice:
        sources = staticmethod(region.sources)
        static_ips = staticmethod(region.static_ips)

        @staticmethod
        def snapshots(kind: SnapshotKind) -> Iterator[Snapshot]:
            yield from region.snapshots(kind)
            yield from region.snapshots(kind)

    plan = plan_regions({REGION: Twice()}, keeper.settings, keeper.sandbox.now())

    assert plan.actions == ()
    assert len(plan.kept) == 3


@pytest.mark.parametrize("max_concurrency", [1, 8, 32])
def test_the_margin_before_the_deadline_is_enough_for_the_slowest_call(max_concurrency: int) -> None:
    assert slowest_call_seconds(max_concurrency) <= margin_seconds(max_concurrency) < 900, "Lambda's longest time"


def test_a_defect_met_in_one_action_does_not_stop_the_others(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "shop", "z"):
        keeper.disk(name, {"backup": "daily"})
    create = Lightsail.create

    def stumble(self: Lightsail, action: Create) -> None:
        if action.target.source == "shop":
            raise KeyError("operations")
        create(self, action)

    monkeypatch.setattr(Lightsail, "create", stumble)

    run = keeper.run()

    assert count(run, "create") == 2
    assert run.failures == ("eu-central-1: shop: unexpected KeyError: 'operations'",)


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
    keeper.run()
    keeper.live(2 * DAY)
    keeper.sandbox.advance(HOUR)
    keeper.run()
    keeper.sandbox.set_options(page_size=3)
    keeper.sandbox.clear_calls()

    run = keeper.run()

    assert run.outcomes == ()
    # 5 disks; 2 instances; 3 snapshots of each of 6 sources; 3 of one instance.
    assert reads(keeper) == {
        "GetDiskSnapshots": 6,
        "GetDisks": 2,
        "GetInstanceSnapshots": 1,
        "GetInstances": 1,
        "GetRelationalDatabaseSnapshots": 1,
        "GetRelationalDatabases": 1,
        "GetStaticIps": 1,
    }
    assert keeper.writes() == []


def test_a_run_that_deletes_reads_the_pages_twice_and_its_writes_are_the_actions_of_the_plan(keeper: Keeper) -> None:
    fleet_of_seven(keeper)
    keeper.run()
    keeper.live(3 * DAY)
    keeper.sandbox.advance(DAY)
    keeper.sandbox.set_options(page_size=3)
    plan = keeper.plan()
    keeper.sandbox.clear_calls()

    run = keeper.run()

    # 5 disks; 2 instances; 4 snapshots of each of 6 sources, and 5 once the new ones are begun; of one instance too.
    assert reads(keeper) == {
        "GetDiskSnapshots": 18,
        "GetDisks": 4,
        "GetInstanceSnapshots": 4,
        "GetInstances": 2,
        "GetRelationalDatabaseSnapshots": 2,
        "GetRelationalDatabases": 2,
        "GetStaticIps": 2,
    }
    assert [outcome.action for outcome in run.outcomes] == [*plan.actions]
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

    keeper.run()

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
        "lightkeeper:recipe": "1",
        "lightkeeper:zone": "eu-central-1a",
        "lightkeeper:size": "32",
    }


def test_the_mode_decides_what_of_an_instance_is_taken(keeper: Keeper) -> None:
    keeper.instance("whole", {"backup": "daily"})
    keeper.instance("system", {"backup": "daily", "backup:mode": "system-disk"})

    keeper.run()

    made = {call.operation: call.parameters for call in keeper.sandbox.calls() if call.operation not in READS}
    assert made["CreateInstanceSnapshot"]["instanceName"] == "whole"
    assert made["CreateDiskSnapshot"]["instanceName"] == "system"
    assert "diskName" not in made["CreateDiskSnapshot"]


def test_a_schedule_in_another_zone_gives_one_snapshot_a_day_across_the_change_of_clocks(keeper: Keeper) -> None:
    keeper.sandbox.set_time(datetime(2026, 10, 24, 12, tzinfo=UTC))
    keeper.disk("shop", {"backup": "daily", "backup:at": "02:30 Europe/Zurich"})
    keeper.run()

    keeper.live(3 * DAY, HOUR)

    slots = [tags[SLOT] for tags in keeper.snapshots().values()]
    assert slots == [
        "2026-10-24T00:30:00Z",
        "2026-10-25T00:30:00Z",
        "2026-10-26T01:30:00Z",
        "2026-10-27T01:30:00Z",
    ]
