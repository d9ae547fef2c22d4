"""The plan: what is taken, what is believed, and how the parts become one."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lightkeeper.actions import Create, Delete, ScheduleDeletion, Target
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import (
    Inventory,
    Orphans,
    Plan,
    ReadFailure,
    RecoveryPoint,
    Severity,
    SnapshotState,
    Source,
    Status,
)
from lightkeeper.names import snapshot_name
from lightkeeper.plan import create_for, creates_only, join_plans, make_plan, with_begun
from lightkeeper.recipe import InstanceRecipe
from lightkeeper.settings import Settings
from lightkeeper.tags import snapshot_tags
from tests.support.inventories import (
    DAY,
    EXPIRING,
    HOUR,
    NOW,
    REGION,
    WHOLE,
    created,
    daily,
    deleted,
    dropped,
    line,
    point,
    source,
    status,
    web,
    why,
)

# What covers a slot


@pytest.mark.parametrize("state", [SnapshotState.USABLE, SnapshotState.PENDING, SnapshotState.UNKNOWN])
def test_a_slot_is_covered_by_what_was_taken_since_whatever_slot_that_was_taken_for(state: SnapshotState) -> None:
    shop = source(backup="daily")
    late = point(shop, NOW.replace(day=14, hour=3), state, taken=NOW.replace(hour=3, second=1))

    assert created(make_plan(Inventory((shop,), (late,)), Settings(), NOW)) == []


@pytest.mark.parametrize("state", [SnapshotState.USABLE, SnapshotState.PENDING, SnapshotState.UNKNOWN])
def test_a_slot_is_covered_by_what_bears_it_although_a_clock_says_that_it_was_taken_before(
    state: SnapshotState,
) -> None:
    shop = source(backup="daily")
    early = point(shop, NOW.replace(hour=3), state, taken=NOW.replace(hour=2, minute=59))

    assert created(make_plan(Inventory((shop,), (early,)), Settings(), NOW)) == []


def test_what_was_taken_before_the_slot_does_not_cover_it() -> None:
    shop = source(backup="daily")
    yesterday = point(shop, NOW.replace(day=14, hour=3), taken=NOW.replace(hour=2, minute=59))

    (create,) = created(make_plan(Inventory((shop,), (yesterday,)), Settings(), NOW))

    assert create.target.slot == NOW.replace(hour=3)
    assert create.reason == "nothing covers the slot 2026-06-15T03:00:00Z"


@pytest.mark.parametrize("back", [timedelta(hours=10), 3 * DAY, 45 * DAY])
def test_an_event_that_comes_late_takes_nothing_where_there_is_newer_content(back: timedelta) -> None:
    shop = source(backup="daily", backup_keep="daily=7")

    plan = make_plan(Inventory((shop,), daily(shop, range(7))), Settings(), NOW - back)

    assert plan.actions == ()


def test_from_daily_to_monthly_nothing_is_taken_and_nothing_fresh_is_deleted() -> None:
    before = source(backup="daily")
    shop = source(backup="monthly")

    plan = make_plan(Inventory((shop,), daily(before, range(11))), Settings(), NOW)

    assert created(plan) == []
    assert deleted(plan) == []
    assert daily(before, [0])[0].name not in dropped(plan)


def test_from_monthly_to_daily_the_day_that_is_missing_is_taken() -> None:
    before = source(backup="monthly")
    shop = source(backup="daily")

    plan = make_plan(Inventory((shop,), daily(before, [14])), Settings(), NOW)

    assert [create.target.slot for create in created(plan)] == [NOW.replace(hour=3)]


def test_the_slot_of_an_instance_is_covered_by_a_snapshot_of_either_kind() -> None:
    of = web(backup_mode="system-disk")

    assert make_plan(Inventory((of,), daily(of, [0], kind=WHOLE)), Settings(), NOW).actions == ()


def test_a_snapshot_from_the_future_is_newest_and_covers_what_is_due_before_it() -> None:
    shop = source(backup="daily", backup_keep="1")
    future = point(shop, NOW + 30 * DAY)

    plan = make_plan(Inventory((shop,), (future, *daily(shop, [1]))), Settings(), NOW)

    assert created(plan) == []
    assert line(plan).newest == future
    assert status(plan) is Status.PROTECTED
    assert future.name in why(plan)


# While Lightsail makes its own


# The run at 13:00 is the last one before the slot of 03:00 is overdue, or comes too late.
@pytest.mark.parametrize(("overdue_after", "waits"), [("10h", True), ("9h", False)])
def test_a_snapshot_waits_for_lightsail_s_own_if_a_run_comes_after_it_before_the_slot_is_overdue(
    overdue_after: str, *, waits: bool
) -> None:
    server = replace(web(), recipe=InstanceRecipe(auto_snapshot="11:15"))
    settings = Settings.from_mapping({"overdueAfter": overdue_after, "tick": "rate(1 hour)"})

    (create,) = created(make_plan(Inventory((server,), ()), settings, NOW.replace(hour=11, minute=30)))

    why = (
        "Lightsail may be making its automatic snapshot until 12:00 UTC, and refuses another meanwhile; "
        "the first run after that takes it"
    )
    assert create.not_now == (why if waits else None)


def test_the_time_until_it_is_overdue_is_that_of_the_policy_s_clock() -> None:
    """In a zone whose clock goes forward meanwhile, a day is an hour less."""
    server = replace(web(), tags={"backup": "nights"}, recipe=InstanceRecipe(auto_snapshot="11:15"))
    settings = Settings.from_mapping(
        {
            "overdueAfter": "1d",
            "tick": "rate(1 hour)",
            "policies": {"nights": {"schedule": "0 14 28 3 *", "keep": "daily=7", "timeZone": "Europe/Berlin"}},
        }
    )
    # Due at 13:00 UTC the day before, and overdue at 12:00 UTC: an hour before the run after the window.
    at = datetime(2026, 3, 29, 11, 30, tzinfo=UTC)

    (create,) = created(make_plan(Inventory((server,), ()), settings, at))

    assert create.not_now is None
    assert create.target.slot == datetime(2026, 3, 28, 13, tzinfo=UTC)


# What a plan says of what it takes


def test_the_settings_mode_applies_where_neither_tag_nor_policy_says_otherwise() -> None:
    settings = Settings.from_mapping({"instanceMode": "system-disk"})

    (create,) = make_plan(Inventory((web(),), ()), settings, NOW).actions

    assert isinstance(create, Create)
    assert (create.target.kind, create.of) == (SnapshotKind.DISK, SourceKind.INSTANCE)


@pytest.mark.parametrize(
    ("kind", "taken"), [(SourceKind.DISK, SnapshotKind.DISK), (SourceKind.INSTANCE, SnapshotKind.INSTANCE)]
)
def test_a_create_says_what_is_taken_of_what_under_which_name_with_which_tags(
    kind: SourceKind, taken: SnapshotKind
) -> None:
    shop = source(kind=kind, backup="daily")
    slot = NOW.replace(hour=3)

    (create,) = make_plan(Inventory((shop,), ()), Settings(deployment="Spare"), NOW).actions

    assert create == Create(
        target=Target(REGION, "shop", shop.arn, snapshot_name("shop", shop.arn, "Spare", slot), taken, slot, "daily"),
        of=kind,
        tags=snapshot_tags(shop, slot, Settings(deployment="Spare"), NOW)[0],
        left_out=(),
        reason="nothing covers the slot 2026-06-15T03:00:00Z",
    )


def test_a_snapshot_that_is_asked_for_is_a_first_attempt_and_has_the_tags_that_go_with_it() -> None:
    shop = source()

    create = create_for(
        shop, None, SnapshotKind.DISK, NOW, Settings(), NOW, reason="asked for", also={"lightkeeper:by-hand": ""}
    )

    assert create.target.snapshot == snapshot_name("shop", shop.arn, "Lightkeeper", NOW)
    assert create.tags == {"lightkeeper:by-hand": ""} | snapshot_tags(shop, NOW, Settings(), NOW)[0]


def test_a_snapshot_is_born_without_a_hold_that_is_over() -> None:
    shop = source(backup="daily", backup_hold="2026-06-14")

    (create,) = created(make_plan(Inventory((shop,), ()), Settings(), NOW))

    assert "backup:hold" not in create.tags


# Attempts that end in error


def failed_at(of: Source, *times: datetime, slot: datetime | None = None) -> tuple[RecoveryPoint, ...]:
    """Return the attempts at the slot of today that ended in error, begun at these times."""
    slot = slot or NOW.replace(hour=3)
    return tuple(
        point(of, slot, SnapshotState.ERROR, attempt=number, taken=time) for number, time in enumerate(times, 1)
    )


@pytest.mark.parametrize("attempt", [2, 3])
def test_a_further_attempt_says_that_the_one_before_ended_in_error(attempt: int) -> None:
    shop = source(backup="daily")
    failed = failed_at(shop, *(NOW - (5 - number) * HOUR for number in range(attempt - 1)))

    (create,) = make_plan(Inventory((shop,), failed), Settings(), NOW).actions

    assert isinstance(create, Create)
    assert create.target.snapshot == f"{failed[0].name}-{attempt}"
    assert create.reason == f"attempt {attempt} for the slot 2026-06-15T03:00:00Z: the one before ended in error"
    assert line(make_plan(Inventory((shop,), failed), Settings(), NOW)).next_attempt is None


@pytest.mark.parametrize("attempts", [3, 4, 5])
def test_after_three_quick_attempts_there_is_one_a_day(attempts: int) -> None:
    shop = source(backup="weekly")
    slot = NOW.replace(day=14, hour=3)
    begun = [slot + min(number, 2) * HOUR + max(number - 2, 0) * DAY for number in range(attempts)]
    failed = failed_at(shop, *begun, slot=slot)
    due = begun[-1] + DAY

    early = make_plan(Inventory((shop,), failed), Settings(), due - timedelta(seconds=1))
    late = make_plan(Inventory((shop,), failed), Settings(), due)

    assert early.actions == ()
    assert line(early).next_attempt == due
    assert [create.target.snapshot for create in created(late)] == [f"{failed[0].name}-{attempts + 1}"]
    assert line(late).next_attempt is None


def test_the_next_attempt_may_be_the_one_for_the_next_slot() -> None:
    shop = source(backup="daily")
    failed = failed_at(shop, *(NOW - hours * HOUR for hours in (8, 7, 6)))

    assert line(make_plan(Inventory((shop,), failed), Settings(), NOW)).next_attempt == NOW.replace(day=16, hour=3)


def test_nothing_is_pruned_while_every_attempt_at_the_slot_has_failed() -> None:
    shop = source(backup="daily", backup_keep="1")
    failed = failed_at(shop, *(NOW - hours * HOUR for hours in (8, 7, 6)))
    older = daily(shop, [2, 3])

    plan = make_plan(Inventory((shop,), (*failed, *daily(shop, [1]), *older)), Settings(), NOW)

    assert plan.actions == ()
    assert plan.problems == (), "errors are no tag problem"
    assert {why(plan)[each.name] for each in older} == {
        ("nothing is pruned while no snapshot succeeds: 3 snapshots for the slot 2026-06-15T03:00:00Z ended in error",)
    }


def test_errors_of_another_slot_are_no_attempts_at_this_one() -> None:
    shop = source(backup="daily")
    failed = failed_at(shop, *(NOW - hours * HOUR for hours in (32, 31, 30)), slot=NOW.replace(day=14, hour=3))

    (create,) = created(make_plan(Inventory((shop,), failed), Settings(), NOW))

    assert create.target.snapshot == snapshot_name("shop", shop.arn, "Lightkeeper", NOW.replace(hour=3))


# Lists that fail


@pytest.mark.parametrize(
    ("listing", "expected"), [("GetDiskSnapshots", Status.UNKNOWN), ("GetInstances", Status.OVERDUE)]
)
def test_where_its_snapshots_were_not_listed_nobody_claims_to_know_how_a_source_stands(
    listing: str, expected: Status
) -> None:
    failure = ReadFailure(REGION, listing, "refused")

    plan = make_plan(Inventory((source(backup="daily"),), (), failures=(failure,)), Settings(), NOW)

    assert status(plan) is expected
    assert plan.failures == (failure,)


@pytest.mark.parametrize(
    ("listing", "kind", "created"),
    [
        ("GetDiskSnapshots", SourceKind.DISK, False),
        ("GetInstanceSnapshots", SourceKind.DISK, True),
        ("GetDiskSnapshots", SourceKind.INSTANCE, False),
        ("GetInstanceSnapshots", SourceKind.INSTANCE, False),
        ("GetDisks", SourceKind.INSTANCE, True),
    ],
)
def test_a_snapshot_is_taken_only_if_those_that_may_cover_its_slot_were_listed(
    listing: str, kind: SourceKind, *, created: bool
) -> None:
    failure = ReadFailure(REGION, listing, "refused")

    plan = make_plan(Inventory((source(kind=kind, backup="daily"),), (), failures=(failure,)), Settings(), NOW)

    assert bool(plan.actions) is created


def test_of_a_region_that_failed_as_a_whole_nothing_is_known_and_nothing_is_done() -> None:
    shop = source(backup="daily", backup_keep="1")
    failure = ReadFailure(REGION, None, "no answer in time")

    plan = make_plan(Inventory((shop,), daily(shop, [1, 2, 3], expires_at=NOW), failures=(failure,)), Settings(), NOW)

    assert plan.actions == ()
    assert status(plan) is Status.UNKNOWN


def test_from_half_a_list_nothing_is_pruned_and_no_deletion_is_cancelled() -> None:
    shop = source(backup="daily", backup_keep="3")
    points = daily(shop, range(6), expires_at=NOW - HOUR)
    failure = ReadFailure(REGION, "GetInstances", "refused")

    plan = make_plan(Inventory((shop,), points, failures=(failure,)), Settings(), NOW)

    assert plan.actions == ()
    assert len(plan.kept) == 6


# Lists that nobody believes


def messages(plan: Plan) -> list[str]:
    return [problem.message for problem in plan.problems]


def fleet(number: int, kind: SourceKind = SourceKind.DISK) -> list[Source]:
    return [source(f"{kind}-{each}", kind, backup="daily", backup_keep="1") for each in range(number)]


def of_all(sources: Iterable[Source], days: Sequence[int]) -> tuple[RecoveryPoint, ...]:
    """Return a series for each, of which all but the newest are marked."""
    return tuple(each for of in sources for each in (*daily(of, days[:1]), *daily(of, days[1:], expires_at=NOW)))


@pytest.mark.parametrize(
    ("left", "says"),
    [
        (0, "the list is empty, and lacks 5 that were backed up lately"),
        (2, "the list has only 2 left, and lacks 3 that were backed up lately"),
    ],
)
@pytest.mark.parametrize("orphans", Orphans)
def test_a_list_that_lacks_most_of_what_was_backed_up_lately_is_not_believed(
    left: int, says: str, orphans: Orphans
) -> None:
    disks = fleet(5)

    plan = make_plan(
        Inventory(tuple(disks[:left]), of_all(disks, range(4))), Settings(orphans=orphans), NOW.replace(hour=4)
    )

    assert plan.actions == ()
    assert plan.doubted == (REGION,)
    (problem,) = plan.problems
    assert (problem.region, problem.source, problem.arn) == (REGION, "GetDisks", None)
    assert problem.severity is Severity.WARNING
    assert problem.message == (
        f"{says}, so nothing of its kind is marked or deleted; expected the list to be whole: if they were deleted on "
        "purpose, wait"
    )
    assert {status(plan, each.name) for each in disks[left:]} == {Status.UNKNOWN}
    assert len(plan.kept) == 20
    blocked = ("nothing is pruned while GetDisks of the Region lacks most of what was backed up lately",)
    assert {kept.reasons for kept in plan.kept if kept.point.source_arn == disks[-1].arn} == {blocked}


def test_a_list_without_the_only_one_that_was_backed_up_says_so_of_one() -> None:
    plan = make_plan(Inventory((), daily(source(backup="daily"), [1])), Settings(), NOW)

    assert [message.partition(", so")[0] for message in messages(plan)] == [
        "the list is empty, and lacks 1 that was backed up lately"
    ]


def test_a_list_that_has_lost_half_of_what_was_backed_up_is_believed() -> None:
    disks = fleet(4)

    plan = make_plan(Inventory(tuple(disks[:2]), of_all(disks, range(4))), EXPIRING, NOW)

    assert plan.doubted == ()
    assert {status(plan, each.name) for each in disks[2:]} == {Status.GONE}
    assert len(deleted(plan)) > 0


def test_doubts_about_the_disks_hold_nothing_back_of_the_instances() -> None:
    disks, instances = fleet(3), fleet(1, SourceKind.INSTANCE)
    whole = daily(instances[0], range(4), kind=SnapshotKind.INSTANCE, expires_at=NOW)

    plan = make_plan(Inventory(tuple(instances), (*of_all(disks, range(4)), *whole)), EXPIRING, NOW)

    assert {action.target.source for action in plan.actions} == {instances[0].name}
    assert len(deleted(plan)) == 3


def test_doubts_hold_no_snapshot_back() -> None:
    disks = fleet(5)

    plan = make_plan(Inventory(tuple(disks[:1]), of_all(disks, [1, 2])), Settings(), NOW)

    assert [type(action) for action in plan.actions] == [Create]


@pytest.mark.parametrize(
    ("policy", "days", "doubted"),
    [
        ("daily", 6, True),
        ("daily", 7, False),
        ("monthly", 10, True),
        ("monthly", 45, True),
        ("monthly", 46, False),
        ("weekly", 8, True),
        ("weekly", 15, False),
    ],
)
def test_a_list_is_doubted_for_what_was_still_backed_up_when_it_was_last_due(
    policy: str, days: int, *, doubted: bool
) -> None:
    gone = source(backup=policy)
    last = point(gone, NOW - days * DAY)

    plan = make_plan(Inventory((), (last,)), Settings(), NOW)

    assert plan.doubted == ((REGION,) if doubted else ())
    assert status(plan) is (Status.UNKNOWN if doubted else Status.GONE)


# After the run


def test_a_snapshot_that_the_run_has_begun_is_on_its_way() -> None:
    never, before = source("never", backup="daily"), source("before", backup="daily")
    plan = make_plan(Inventory((never, before), daily(before, [4])), Settings(), NOW)
    assert (status(plan, "never"), status(plan, "before")) == (Status.OVERDUE, Status.OVERDUE)

    after = with_begun(plan, plan.actions)

    assert (status(after, "never"), status(after, "before")) == (Status.WAITING, Status.PROTECTED)
    assert with_begun(plan, []) == plan


def test_a_snapshot_that_the_run_has_begun_changes_nothing_after_an_error_or_beside_a_stuck_one() -> None:
    failing, stuck = source("failing", backup="daily"), source("stuck", backup="daily")
    points = (
        *failed_at(failing, NOW - 8 * HOUR),
        point(stuck, NOW - 2 * DAY, SnapshotState.PENDING),
    )
    plan = make_plan(Inventory((failing, stuck), points), Settings(), NOW)

    after = with_begun(plan, plan.actions)

    assert (status(after, "failing"), status(after, "stuck")) == (Status.OVERDUE, Status.OVERDUE)


def test_what_is_gone_is_by_its_arn_what_it_was_and_else_by_what_was_taken_of_it() -> None:
    odd = replace(web(), arn=web().arn.replace("Instance/", "Thing/"))
    old = daily(odd, range(40, 42), kind=WHOLE)

    assert line(make_plan(Inventory((), old), Settings(), NOW), "web").kind is SourceKind.INSTANCE
    files = daily(web(), range(40, 42))
    assert line(make_plan(Inventory((), files), Settings(), NOW), "web").kind is SourceKind.INSTANCE


# Plans that are joined, and parts of one


def test_what_is_doubted_in_one_region_is_doubted_there_only() -> None:
    settings = Settings()
    one = make_plan(Inventory((), of_all(fleet(2), [0]), regions=(REGION,)), settings, NOW)
    other = make_plan(Inventory((), (), regions=("us-east-1",)), settings, NOW)

    joined = join_plans([one, other])

    assert joined.doubted == (REGION,)
    assert joined.regions == (REGION, "us-east-1")


def test_a_plan_says_of_which_recovery_points_and_targets_it_is() -> None:
    shop = source(backup="daily")
    plan = make_plan(Inventory((shop,), daily(shop, range(2)), targets=("eu-north-1",)), Settings(), NOW)

    assert (plan.points, plan.targets) == (daily(shop, range(2)), ("eu-north-1",))


def test_regions_that_copies_go_to_are_those_of_any_home() -> None:
    empty = make_plan(Inventory((), (), targets=("eu-north-1",)), Settings(), NOW)
    further = make_plan(Inventory((), (), targets=("eu-north-1", "us-west-2")), Settings(), NOW)

    assert join_plans([empty, further]).targets == ("eu-north-1", "us-west-2")


def test_the_plans_of_several_regions_are_one_with_everything_that_each_has() -> None:
    shop, typo = source(backup="daily", backup_keep="1"), source("typo", backup="dialy")
    failure = ReadFailure("us-east-1", "GetInstances", "refused")
    one = make_plan(Inventory((shop, typo), daily(shop, range(3)), regions=(REGION,)), Settings(), NOW)
    other = make_plan(Inventory((), (), failures=(failure,), regions=("us-east-1",)), Settings(), NOW)
    assert one.actions
    assert one.kept
    assert one.problems

    assert join_plans([one]) == one
    assert join_plans([one, other]) == replace(one, failures=(failure,), regions=(REGION, "us-east-1"))


def test_in_plans_that_are_joined_no_deletion_comes_before_a_snapshot_that_is_taken() -> None:
    shop, late = source(backup="daily", backup_keep="1"), source("late", backup="daily")
    older = daily(shop, [1, 2], expires_at=NOW)
    deletes = make_plan(Inventory((shop,), (*daily(shop, [0]), *older)), Settings(), NOW)
    creates = make_plan(Inventory((late,), ()), Settings(), NOW)

    assert [type(action) for action in join_plans([deletes, creates]).actions] == [Create, Delete, Delete]


def test_a_plan_that_only_creates_has_all_the_rest_as_it_was() -> None:
    shop, late = source(backup="daily", backup_keep="1"), source("late", backup="daily")
    points = (*daily(shop, [0, 1]), *daily(shop, [2], expires_at=NOW))
    plan = make_plan(Inventory((shop, late), points, regions=(REGION,)), Settings(), NOW)
    assert [type(action) for action in plan.actions] == [Create, ScheduleDeletion, Delete]

    assert creates_only(plan) == replace(plan, actions=tuple(created(plan)))


def test_a_source_that_cannot_be_snapshotted_now_is_due_and_says_what_it_waits_for() -> None:
    busy = replace(source(backup="daily"), not_now='the database is "modifying", not "available"')

    plan = make_plan(Inventory((busy,), ()), Settings(), NOW)

    assert [create.not_now for create in created(plan)] == [f"{busy.not_now}; the next run tries again"]
    assert line(plan).not_now == busy.not_now
