"""The plan: examples of what the stories on the sandbox do not reach, and what holds for every inventory."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.actions import CancelDeletion, Cause, Create, Defer, Delete, RemoveHold, ScheduleDeletion, Target
from lightkeeper.kinds import SOURCES, SnapshotKind, SourceKind
from lightkeeper.model import (
    Inventory,
    Orphans,
    Plan,
    Problem,
    ReadFailure,
    RecoveryPoint,
    Severity,
    SnapshotState,
    Source,
    SourceStatus,
    Status,
)
from lightkeeper.names import snapshot_name
from lightkeeper.plan import join_plans, make_plan, with_begun
from lightkeeper.settings import Settings
from lightkeeper.tags import snapshot_tags
from lightkeeper.times import Duration

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
REGION = "eu-central-1"
AT_ONCE = Settings(grace=Duration())
EXPIRING = Settings(orphans=Orphans.EXPIRE)


def source(
    name: str = "shop",
    kind: SourceKind = SourceKind.DISK,
    *,
    attached_to: str | None = None,
    path: str | None = None,
    age: timedelta = 100 * DAY,
    **tags: str,
) -> Source:
    arn = f"arn:aws:lightsail:{REGION}:1:{SOURCES[kind].arn_type}/{name}"
    written = {key.replace("_", ":"): value for key, value in tags.items()}
    return Source(kind, name, arn, REGION, NOW - age, written, attached_to, path)


def web(**tags: str) -> Source:
    written = {"backup": "daily"} | {key.replace("_", ":"): value for key, value in tags.items()}
    return replace(source("web", SourceKind.INSTANCE), tags=written)


CLINIC = source("clinic")
"""Beside a source that is gone: a list with nothing else in it would not be believed."""


def point(
    of: Source,
    slot: datetime,
    state: SnapshotState = SnapshotState.USABLE,
    *,
    kind: SnapshotKind = SnapshotKind.DISK,
    taken: datetime | None = None,
    attempt: int = 1,
    expires_at: datetime | None = None,
    tags: Mapping[str, str] | None = None,
    disks: Iterable[str] = (),
) -> RecoveryPoint:
    return RecoveryPoint(
        kind=kind,
        name=snapshot_name(of.name, of.arn, "Lightkeeper", slot, attempt),
        region=of.region,
        state=state,
        taken=taken or slot,
        size_gib=8,
        source_name=of.name,
        source_arn=of.arn,
        slot=slot,
        attempt=attempt,
        expires_at=expires_at,
        tags=of.tags if tags is None else tags,
        disks=frozenset(disks),
    )


def daily(
    of: Source,
    days: Iterable[int],
    *,
    kind: SnapshotKind = SnapshotKind.DISK,
    expires_at: datetime | None = None,
    **tags: str,
) -> tuple[RecoveryPoint, ...]:
    """Return a point for the slot so many days ago, for each."""
    more = {key.replace("_", ":"): value for key, value in tags.items()}
    return tuple(
        point(
            of,
            datetime(2026, 6, 15, 3, tzinfo=UTC) - day * DAY,
            kind=kind,
            expires_at=expires_at,
            tags={**of.tags, **more},
        )
        for day in days
    )


def failed_at(of: Source, *times: datetime, slot: datetime | None = None) -> tuple[RecoveryPoint, ...]:
    """Return the attempts at the slot of today that ended in error, begun at these times."""
    slot = slot or NOW.replace(hour=3)
    return tuple(
        point(of, slot, SnapshotState.ERROR, attempt=number, taken=time) for number, time in enumerate(times, 1)
    )


def status(plan: Plan, name: str = "shop") -> Status:
    return line(plan, name).status


def line(plan: Plan, name: str = "shop") -> SourceStatus:
    return next(entry for entry in plan.sources if entry.name == name)


def created(plan: Plan) -> list[Create]:
    return [action for action in plan.actions if isinstance(action, Create)]


def dropped(plan: Plan) -> list[str]:
    """Return the snapshots that go, or are on their way out."""
    return [action.target.snapshot for action in plan.actions if isinstance(action, ScheduleDeletion | Delete | Defer)]


def marked(plan: Plan) -> list[str]:
    return [action.target.snapshot for action in plan.actions if isinstance(action, ScheduleDeletion)]


def deleted(plan: Plan) -> list[str]:
    return [action.target.snapshot for action in plan.actions if isinstance(action, Delete)]


def names(points: Iterable[RecoveryPoint]) -> list[str]:
    return [each.name for each in points]


def target(of: RecoveryPoint, policy: str | None = "daily") -> Target:
    return Target(REGION, of.source_name, of.source_arn, of.name, of.kind, of.slot, policy)


def why(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {kept.point.name: kept.reasons for kept in plan.kept}


def messages(plan: Plan) -> list[str]:
    return [problem.message for problem in plan.problems]


# Content, not labels


def test_what_is_newest_goes_by_when_it_was_taken_and_not_by_its_slot() -> None:
    shop = source(backup="daily", backup_keep="1")
    # The time of day was moved from 23:00 to 03:00: today's slot was asked for before yesterday evening's was taken.
    by_slot = point(shop, NOW.replace(hour=3), taken=NOW - 20 * HOUR)
    by_content = point(shop, NOW - 13 * HOUR, taken=NOW - HOUR)

    plan = make_plan(Inventory((shop,), (by_slot, by_content)), Settings(), NOW)

    assert line(plan).newest == by_content
    assert line(plan).usable == (by_content, by_slot)
    assert marked(plan) == [by_slot.name]


def test_a_rule_judges_by_the_day_of_the_content() -> None:
    shop = source(backup="daily", backup_keep="daily=2")
    # Slots of two days, but both were taken today: the run for the first came late.
    late = point(shop, NOW.replace(day=14, hour=3), taken=NOW.replace(hour=2))
    today = point(shop, NOW.replace(hour=3))
    two_days_ago = point(shop, NOW.replace(day=13, hour=3))
    before = point(shop, NOW.replace(day=12, hour=3))

    plan = make_plan(Inventory((shop,), (late, today, two_days_ago, before)), Settings(), NOW)

    assert set(marked(plan)) == {late.name, before.name}


def test_within_counts_back_from_when_the_newest_was_taken() -> None:
    shop = source(backup="daily", backup_keep="within=2d")
    newest = point(shop, NOW.replace(hour=3), taken=NOW.replace(hour=11))
    inside = point(shop, NOW.replace(day=13, hour=3), taken=NOW.replace(day=13, hour=11, minute=1))
    outside = point(shop, NOW.replace(day=13, hour=4), taken=NOW.replace(day=13, hour=11))

    plan = make_plan(Inventory((shop,), (newest, inside, outside)), Settings(), NOW)

    assert marked(plan) == [outside.name]


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


def test_a_mark_that_a_replayed_event_makes_leaves_the_same_time_to_see_it() -> None:
    shop = source(backup="daily", backup_keep="2")

    plan = make_plan(Inventory((shop,), daily(shop, range(4))), Settings(), NOW - 26 * HOUR)

    newest = daily(shop, [0])[0].taken
    assert {action.expires_at for action in plan.actions if isinstance(action, ScheduleDeletion)} == {newest + DAY}


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


def test_two_with_the_same_time_are_in_order_by_slot_and_attempt() -> None:
    shop = source(backup="daily", backup_keep="1")
    slot = NOW.replace(hour=3)
    points = (
        point(shop, slot - DAY, taken=NOW),
        point(shop, slot, taken=NOW),
        point(shop, slot, taken=NOW, attempt=2),
    )

    plan = make_plan(Inventory((shop,), points), Settings(), NOW)

    assert line(plan).usable == points[::-1]


# Overdue, and on its way


@pytest.mark.parametrize(
    ("newest_days_ago", "hour", "expected"),
    [
        (1, 8, Status.PROTECTED),
        (1, 9, Status.OVERDUE),
        (0, 23, Status.PROTECTED),
        (0, 3, Status.PROTECTED),
    ],
)
def test_a_source_is_overdue_six_hours_after_a_slot_that_nothing_usable_covers(
    newest_days_ago: int, hour: int, expected: Status
) -> None:
    shop = source(backup="daily")

    plan = make_plan(Inventory((shop,), daily(shop, [newest_days_ago])), Settings(), NOW.replace(hour=hour))

    assert status(plan) is expected
    since = NOW.replace(hour=3) if expected is Status.OVERDUE else None
    assert line(plan).uncovered_since == since


def test_an_overdue_source_says_since_when_it_has_been_uncovered() -> None:
    shop = source(backup="daily")

    plan = make_plan(Inventory((shop,), daily(shop, [4])), Settings(), NOW)

    assert line(plan).uncovered_since == NOW.replace(day=12, hour=3)


@pytest.mark.parametrize(("hours", "expected"), [(5, Status.WAITING), (6, Status.OVERDUE)])
def test_a_new_source_waits_and_is_not_overdue_at_once(hours: int, expected: Status) -> None:
    plan = make_plan(Inventory((source(backup="daily", age=timedelta(hours=hours)),), ()), Settings(), NOW)

    assert status(plan) is expected


@pytest.mark.parametrize(("minute", "expected"), [(30, Status.PROTECTED), (60, Status.OVERDUE)])
def test_a_source_is_overdue_after_days_of_its_own_clock(minute: int, expected: Status) -> None:
    shop = source(backup="daily", backup_at="12:00 Europe/Zurich", age=300 * DAY)
    before_last = point(shop, datetime(2026, 10, 23, 10, tzinfo=UTC))
    # The slot of 24 October was missed; the 25th has 25 hours in Zurich.
    now = datetime(2026, 10, 25, 10, tzinfo=UTC) + timedelta(minutes=minute)

    plan = make_plan(Inventory((shop,), (before_last,)), Settings(overdue_after=Duration(days=1)), now)

    assert status(plan) is expected


@pytest.mark.parametrize(
    ("older", "expected"), [([], Status.WAITING), ([4], Status.PROTECTED)], ids=["the first", "one more"]
)
def test_what_is_pending_is_on_its_way(older: list[int], expected: Status) -> None:
    shop = source(backup="daily")
    pending = point(shop, NOW.replace(hour=3), SnapshotState.PENDING, taken=NOW - HOUR)

    plan = make_plan(Inventory((shop,), (pending, *daily(shop, older))), Settings(), NOW)

    assert status(plan) is expected
    assert line(plan).uncovered_since is not None
    assert plan.actions == ()


@pytest.mark.parametrize(("hours", "is_stuck"), [(5, False), (6, True)])
def test_what_is_pending_for_too_long_is_stuck_and_not_on_its_way(hours: int, *, is_stuck: bool) -> None:
    shop = source(backup="daily")
    pending = point(shop, NOW - timedelta(hours=hours), SnapshotState.PENDING)

    plan = make_plan(Inventory((shop,), (pending, *daily(shop, [4]))), Settings(), NOW)

    assert line(plan).is_stuck is is_stuck
    assert status(plan) is (Status.OVERDUE if is_stuck else Status.PROTECTED)


def test_one_more_that_is_begun_each_hour_hides_no_stuck_one() -> None:
    shop = source(backup="hourly")
    pending = [point(shop, NOW - hours * HOUR, SnapshotState.PENDING) for hours in range(8)]

    plan = make_plan(Inventory((shop,), tuple(pending)), Settings(), NOW)

    assert status(plan) is Status.OVERDUE
    assert line(plan).pending == tuple(pending)


def test_one_more_that_is_begun_after_errors_is_no_sign_that_it_will_be_usable() -> None:
    shop = source(backup="hourly")
    errors = [point(shop, NOW - hours * HOUR, SnapshotState.ERROR) for hours in range(1, 9)]
    pending = point(shop, NOW, SnapshotState.PENDING)
    usable = point(shop, NOW - 9 * HOUR)

    plan = make_plan(Inventory((shop,), (pending, *errors, usable)), Settings(), NOW)

    assert status(plan) is Status.OVERDUE
    assert line(plan).errors == tuple(errors)


def test_a_snapshot_that_the_run_has_begun_is_on_its_way() -> None:
    never, before = source("never", backup="daily"), source("before", backup="daily")
    plan = make_plan(Inventory((never, before), daily(before, [4])), Settings(), NOW)
    assert (status(plan, "never"), status(plan, "before")) == (Status.OVERDUE, Status.OVERDUE)

    after = with_begun(plan, frozenset([never.arn, before.arn]))

    assert (status(after, "never"), status(after, "before")) == (Status.WAITING, Status.PROTECTED)
    assert with_begun(plan, frozenset()) == plan


def test_a_snapshot_that_the_run_has_begun_changes_nothing_after_an_error_or_beside_a_stuck_one() -> None:
    failing, stuck = source("failing", backup="daily"), source("stuck", backup="daily")
    points = (
        *failed_at(failing, NOW - 8 * HOUR),
        point(stuck, NOW - 2 * DAY, SnapshotState.PENDING),
    )
    plan = make_plan(Inventory((failing, stuck), points), Settings(), NOW)

    after = with_begun(plan, frozenset([failing.arn, stuck.arn]))

    assert (status(after, "failing"), status(after, "stuck")) == (Status.OVERDUE, Status.OVERDUE)


# Attempts that end in error


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


def test_where_a_list_failed_nobody_claims_that_a_source_is_gone() -> None:
    failure = ReadFailure(REGION, "GetInstances", "refused")

    plan = make_plan(Inventory((), daily(source("gone"), [3]), failures=(failure,)), Settings(), NOW)

    assert plan.sources == ()
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


def test_nothing_is_rescued_or_pruned_from_half_a_list() -> None:
    shop = source(backup="daily", backup_keep="3")
    points = daily(shop, range(6), expires_at=NOW - HOUR)
    failure = ReadFailure(REGION, "GetInstances", "refused")

    plan = make_plan(Inventory((shop,), points, failures=(failure,)), Settings(), NOW)

    assert plan.actions == ()
    assert len(plan.kept) == 6


# Lists that nobody believes


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
    assert (problem.source, problem.arn, problem.severity) == ("GetDisks", None, Severity.WARNING)
    assert problem.message.startswith(says)
    assert {status(plan, each.name) for each in disks[left:]} == {Status.UNKNOWN}
    assert len(plan.kept) == 20
    blocked = ("nothing is pruned while GetDisks of the Region lacks most of what was backed up lately",)
    assert {kept.reasons for kept in plan.kept if kept.point.source_arn == disks[-1].arn} == {blocked}


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


def test_what_is_doubted_in_one_region_is_doubted_there_only() -> None:
    settings = Settings()
    one = make_plan(Inventory((), of_all(fleet(2), [0]), regions=(REGION,)), settings, NOW)
    other = make_plan(Inventory((), (), regions=("us-east-1",)), settings, NOW)

    joined = join_plans([one, other])

    assert joined.doubted == (REGION,)
    assert joined.regions == (REGION, "us-east-1")


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


# A series for each kind

WHOLE = SnapshotKind.INSTANCE


@pytest.mark.parametrize(
    ("tags", "settings"),
    [
        ({"backup_mode": "system-disk"}, Settings()),
        ({}, Settings.from_mapping({"instanceMode": "system-disk"})),
    ],
    ids=["by its tag", "by the settings"],
)
def test_system_disk_snapshots_push_no_whole_instance_out(tags: dict[str, str], settings: Settings) -> None:
    of = web(backup_keep="1", **tags)
    whole = daily(of, range(5, 9), kind=WHOLE)
    system = daily(of, range(3))

    plan = make_plan(Inventory((of,), (*whole, *system)), settings, NOW)

    assert marked(plan) == names(system[1:])
    assert {why(plan)[each.name] for each in whole} == {("it is backed up by disk-snapshots now; orphans are kept",)}


def test_whole_instances_push_no_system_disk_snapshot_out() -> None:
    of = web(backup_keep="1")
    whole, system = daily(of, range(3), kind=WHOLE), daily(of, range(5, 9))

    plan = make_plan(Inventory((of,), (*whole, *system)), Settings(), NOW)

    assert marked(plan) == names(whole[1:])
    assert {why(plan)[each.name] for each in system} == {
        ("it is backed up by instance-snapshots now; orphans are kept",)
    }


def test_the_series_that_is_not_fed_any_more_expires_with_the_orphans_down_to_its_last() -> None:
    of = web(backup_keep="2", backup_mode="system-disk")
    before = replace(of, tags={"backup": "daily", "backup:keep": "2"})
    whole = daily(before, range(40, 44), kind=WHOLE)

    plan = make_plan(Inventory((of,), (*whole, *daily(of, range(2)))), EXPIRING, NOW)

    assert marked(plan) == names(whole[1:])
    assert why(plan)[whole[0].name] == ("newest usable snapshot",)


def test_an_announcement_in_the_series_that_is_not_fed_any_more_is_taken_back_where_orphans_are_kept() -> None:
    of = web(backup_keep="2", backup_mode="system-disk")
    whole = daily(of, [40, 41], kind=WHOLE, expires_at=NOW)

    plan = make_plan(Inventory((of,), (*whole, *daily(of, [0]))), Settings(), NOW)

    assert [(type(action), action.target.snapshot) for action in plan.actions] == [
        (CancelDeletion, each.name) for each in whole
    ]


def test_the_slot_of_an_instance_is_covered_by_a_snapshot_of_either_kind() -> None:
    of = web(backup_mode="system-disk")

    assert make_plan(Inventory((of,), daily(of, [0], kind=WHOLE)), Settings(), NOW).actions == ()


def test_the_newest_of_each_series_stays_whatever_the_rules_say() -> None:
    gone = web(backup_keep="within=1h")
    points = (*daily(gone, [40, 41], kind=WHOLE, expires_at=NOW), *daily(gone, [50, 51], expires_at=NOW))
    others = source("other", SourceKind.INSTANCE)

    plan = make_plan(Inventory((others,), points), EXPIRING, NOW)

    assert deleted(plan) == [points[3].name, points[1].name]
    assert {why(plan)[points[number].name] for number in (0, 2)} == {("newest usable snapshot",)}


def test_the_limit_of_deletions_is_for_both_series_of_a_source_together() -> None:
    of = web(backup_keep="1", backup_mode="system-disk")
    before = replace(of, tags={"backup": "daily", "backup:keep": "1"})
    whole = daily(before, range(40, 44), kind=WHOLE, expires_at=NOW)
    system = daily(of, range(4), expires_at=NOW)

    plan = make_plan(Inventory((of,), (*whole, *system)), replace(EXPIRING, max_deletes_per_source=4), NOW)

    assert deleted(plan) == names([*whole[:0:-1], system[3]])
    deferred = [action.target.snapshot for action in plan.actions if isinstance(action, Defer)]
    assert deferred == names([system[2], system[1]])


def test_an_error_in_one_series_is_replaced_by_a_newer_one_in_the_other_and_no_open_matter() -> None:
    of = web(backup_mode="system-disk")
    failed = replace(daily(of, [2], kind=WHOLE)[0], state=SnapshotState.ERROR)

    plan = make_plan(Inventory((of,), (failed, *daily(of, [0]))), Settings(), NOW)

    assert line(plan, "web").errors == ()


# Marks, and deletions in a later run


def test_what_the_rules_drop_is_announced_waits_and_is_deleted_when_its_time_has_come() -> None:
    shop = source(backup="daily", backup_keep="1")
    newest, dropped, waiting, over = daily(shop, range(4))
    waiting = replace(waiting, expires_at=NOW + HOUR)
    over = replace(over, expires_at=NOW)

    plan = make_plan(Inventory((shop,), (newest, dropped, waiting, over)), Settings(), NOW)

    because = 'no rule of "last=1" keeps it'
    mark = ScheduleDeletion(
        target(dropped), NOW + DAY, f"{because}; to be deleted from 2026-06-16T12:00:00Z", Cause.CUT
    )
    assert plan.actions == (mark, Delete(target(over), over.taken, f"{because}; announced until 2026-06-15T12:00:00Z"))
    assert why(plan) == {
        newest.name: ("last snapshot",),
        waiting.name: (f"{because}; to be deleted from 2026-06-15T13:00:00Z",),
    }
    assert {kept.point.name: kept.expires_at for kept in plan.kept} == {
        newest.name: None,
        waiting.name: waiting.expires_at,
    }


@pytest.mark.parametrize("state", [SnapshotState.USABLE, SnapshotState.ERROR])
def test_without_grace_too_what_goes_is_marked_in_one_run_and_deleted_in_another(state: SnapshotState) -> None:
    shop = source(backup="daily", backup_keep="1")
    old = replace(daily(shop, [1])[0], state=state)

    first = make_plan(Inventory((shop,), (*daily(shop, [0]), old)), AT_ONCE, NOW)
    (mark,) = first.actions
    assert isinstance(mark, ScheduleDeletion)
    inventory = Inventory((shop,), (*daily(shop, [0]), replace(old, expires_at=mark.expires_at)))

    assert make_plan(inventory, AT_ONCE, NOW).actions == (), "a retry of the run that has marked it"
    assert deleted(make_plan(inventory, AT_ONCE, NOW + timedelta(minutes=1))) == [old.name]


def test_a_failed_snapshot_is_announced_once_a_newer_one_is_usable() -> None:
    shop = source(backup="daily")
    failed = point(shop, NOW.replace(hour=3) - DAY, SnapshotState.ERROR)

    plan = make_plan(Inventory((shop,), (*daily(shop, [0]), failed)), Settings(), NOW)

    reason = "ended in error, and a newer one is usable; to be deleted from 2026-06-16T12:00:00Z"
    assert plan.actions == (ScheduleDeletion(target(failed), NOW + DAY, reason),)
    assert line(plan).errors == ()


def test_a_failed_snapshot_that_was_announced_goes() -> None:
    shop = source(backup="daily")
    failed = point(shop, NOW.replace(hour=3) - DAY, SnapshotState.ERROR, expires_at=NOW)

    plan = make_plan(Inventory((shop,), (*daily(shop, [0]), failed)), Settings(), NOW)

    reason = "ended in error, and a newer one is usable; announced until 2026-06-15T12:00:00Z"
    assert plan.actions == (Delete(target(failed), failed.taken, reason),)


@pytest.mark.parametrize(
    ("tick", "hours", "stale"),
    [
        ("rate(1 hour)", 3, False),
        ("rate(1 hour)", 4, True),
        ("rate(1 day)", 72, False),
        ("rate(1 day)", 73, True),
        # From Friday's last run to Monday's first.
        ("cron(0 8-18 ? * MON-FRI *)", 3 * 62, False),
        ("cron(0 8-18 ? * MON-FRI *)", 3 * 62 + 1, True),
    ],
)
def test_a_mark_that_some_runs_should_have_acted_on_long_ago_is_made_again(
    tick: str, hours: int, *, stale: bool
) -> None:
    shop = source(backup="monthly", backup_keep="1")
    old = point(shop, NOW.replace(day=1, hour=3) - 30 * DAY, expires_at=NOW - hours * HOUR)
    newest = point(shop, NOW.replace(day=1, hour=3))

    plan = make_plan(Inventory((shop,), (newest, old)), Settings(tick=tick), NOW)

    assert marked(plan) == ([old.name] if stale else [])
    assert deleted(plan) == ([] if stale else [old.name])
    if stale:
        (mark,) = plan.actions
        assert isinstance(mark, ScheduleDeletion)
        assert mark.expires_at == NOW + DAY
        assert "too long ago to be known" in mark.reason


def test_after_90_days_without_a_run_nothing_goes_at_once() -> None:
    shop = source(backup="daily", backup_keep="3")
    points = daily(shop, range(90, 110), expires_at=NOW - 89 * DAY)

    plan = make_plan(Inventory((shop,), points), Settings(), NOW)

    assert deleted(plan) == []
    assert marked(plan) == names(points[3:])
    assert len(created(plan)) == 1


def full(of: RecoveryPoint) -> RecoveryPoint:
    return replace(of, is_full=True)


def test_a_snapshot_without_room_for_a_mark_stays_and_is_reported_and_the_others_go() -> None:
    shop = source(backup="daily", backup_keep="1")
    newest, crammed, old = daily(shop, range(3))

    plan = make_plan(Inventory((shop,), (newest, full(crammed), old)), Settings(), NOW)

    assert marked(plan) == [old.name]
    assert why(plan)[crammed.name] == (
        'no rule of "last=1" keeps it, but it has 50 tags, so there is no room for a mark',
    )
    (problem,) = plan.problems
    assert (problem.region, problem.source, problem.arn) == (REGION, "shop", shop.arn)
    assert problem.severity is Severity.ADVICE
    assert problem.message == (
        f"on snapshot {crammed.name}: it has 50 tags, so it cannot be marked and is never deleted; expected room for "
        "one more: remove a tag"
    )


def test_a_full_snapshot_whose_hold_is_over_gets_its_room_from_that_and_needs_nobody() -> None:
    shop = source(backup="daily", backup_keep="1")
    (crammed,) = map(full, daily(shop, [20], backup_hold="2026-06-14"))

    plan = make_plan(Inventory((shop,), (*daily(shop, [0]), crammed)), Settings(), NOW)

    assert [type(action) for action in plan.actions] == [RemoveHold]
    assert why(plan)[crammed.name] == ('no rule of "last=1" keeps it, but its hold has to be taken off first',)
    assert plan.problems == ()


def test_a_full_snapshot_that_the_rules_keep_is_nobodys_business() -> None:
    shop = source(backup="daily", backup_keep="7")

    plan = make_plan(Inventory((shop,), tuple(map(full, daily(shop, range(3))))), Settings(), NOW)

    assert (plan.actions, plan.problems) == ((), ())


def test_what_the_rules_take_back_is_rescued_with_the_reasons_to_keep_it() -> None:
    shop = source(backup="daily", backup_keep="last=1 daily=1")
    (announced,) = daily(shop, [0], expires_at=NOW)

    plan = make_plan(Inventory((shop,), (announced,)), Settings(), NOW)

    assert plan.actions == (CancelDeletion(target(announced), "last snapshot, daily snapshot"),)


def test_an_announcement_is_taken_back_even_while_a_problem_forbids_to_prune() -> None:
    shop = source(backup="daily", backup_keep="30", backup_kepe="1")
    announced = replace(daily(shop, [1])[0], expires_at=NOW + DAY)

    plan = make_plan(Inventory((shop,), (*daily(shop, [0]), announced)), Settings(), NOW)

    assert [type(action) for action in plan.actions] == [CancelDeletion]


def test_a_day_of_grace_is_a_day_of_the_deployments_clock() -> None:
    now = datetime(2026, 10, 24, 12, tzinfo=UTC)
    shop = source(backup="daily", backup_keep="1", age=500 * DAY)
    points = (point(shop, now.replace(hour=3)), point(shop, now.replace(hour=3) - DAY))

    (announce,) = make_plan(Inventory((shop,), points), Settings(time_zone=ZoneInfo("Europe/Zurich")), now).actions

    assert isinstance(announce, ScheduleDeletion)
    assert announce.expires_at == now + timedelta(hours=25), "the clocks go back that night"


def test_deletions_beyond_the_limit_are_deferred_the_oldest_go_first() -> None:
    shop = source(backup="daily", backup_keep="1")
    points = daily(shop, range(6), expires_at=NOW)

    plan = make_plan(Inventory((shop,), points), replace(AT_ONCE, max_deletes_per_source=2), NOW)

    assert [(type(action), action.target.slot.day) for action in plan.actions[1:]] == [
        (Defer, 12),
        (Defer, 13),
        (Defer, 14),
        (Delete, 10),
        (Delete, 11),
    ]
    because = 'no rule of "last=1" keeps it; announced until 2026-06-15T12:00:00Z'
    assert plan.actions[1] == Defer(
        target(points[3]), NOW + timedelta(minutes=1), f"at most 2 deletions per source and run; {because}"
    )


def test_the_oldest_by_content_go_first() -> None:
    shop = source(backup="daily", backup_keep="1")
    newest = point(shop, NOW.replace(hour=3))
    older_slot = point(shop, NOW - 9 * DAY, taken=NOW - 2 * DAY, expires_at=NOW)
    older_content = point(shop, NOW - 8 * DAY, expires_at=NOW)

    plan = make_plan(Inventory((shop,), (newest, older_slot, older_content)), Settings(max_deletes_per_source=1), NOW)

    assert deleted(plan) == [older_content.name]


# Cuts: what goes although nothing newer pushes it out


def walk(
    shop: Source, settings: Settings, start: datetime, hours: int, points: Sequence[RecoveryPoint] = ()
) -> Iterator[tuple[Plan, tuple[RecoveryPoint, ...]]]:
    """Yield the plan of a run each hour, and what there is after it; a snapshot is usable some minutes after a run.

    Runs that have nothing to do are left out until a slot comes or a mark is over: for them, nothing has changed.
    """
    there = {each.name: each for each in points}
    idle_until = start
    for now in (start + hour * HOUR for hour in range(hours)):
        if now < idle_until:
            continue
        there = {
            name: replace(each, state=SnapshotState.USABLE) if each.taken < now else each
            for name, each in there.items()
        }
        plan = make_plan(Inventory((shop,), tuple(there.values())), settings, now)
        for action in plan.actions:
            name = action.target.snapshot
            match action:
                case Create():
                    there[name] = point(
                        shop, action.target.slot, SnapshotState.PENDING, taken=now + timedelta(seconds=20)
                    )
                case ScheduleDeletion(expires_at=at) | Defer(until=at):
                    there[name] = replace(there[name], expires_at=at)
                case CancelDeletion():
                    there[name] = replace(there[name], expires_at=None)
                case RemoveHold():
                    pytest.fail("nothing is held")
                case Delete():
                    del there[name]
        if not plan.actions:
            over = [each.expires_at for each in there.values() if each.expires_at]
            idle_until = min(each for each in (*over, plan.sources[0].next_slot) if each)
        yield plan, tuple(there.values())


def cut(plan: Plan) -> set[str]:
    """Return what this run marks because of a cut."""
    return {
        action.target.snapshot
        for action in plan.actions
        if isinstance(action, ScheduleDeletion) and action.cause is Cause.CUT
    }


@pytest.mark.parametrize(
    ("policy", "keep", "days", "zone"),
    [
        ("daily", "daily=7 weekly=4 monthly=12", 366, "UTC"),
        ("daily", "daily=7 weekly=4", 100, "Europe/Zurich"),
        ("daily", "within=9d", 30, "UTC"),
        ("hourly", "hourly=24 daily=7", 20, "UTC"),
        ("hourly", "30", 5, "America/New_York"),
    ],
)
def test_nothing_goes_by_a_cut_on_ordinary_days(policy: str, keep: str, days: int, zone: str) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    shop = replace(source(backup=policy, backup_keep=keep), created_at=start)
    plans = [plan for plan, _ in walk(shop, Settings.from_mapping({"timeZone": zone}), start, days * 24)]

    assert sum(len(marked(plan)) for plan in plans) > days // 2
    assert [plan.now for plan in plans if cut(plan)] == []


@pytest.mark.parametrize(
    ("policy", "before", "after", "gone"),
    [
        ("daily", "daily=7", "daily=6", 1),
        ("daily", "daily=7", "daily=5", 2),
        ("daily", "daily=7 weekly=4", "1", 8),
        ("daily", "30", "1", 29),
        ("daily", "within=10d", "within=9d", 1),
        ("hourly", "48", "46", 1),
        ("hourly", "48", "2", 45),
    ],
)
def test_what_a_narrower_rule_drops_goes_by_a_cut_and_what_was_marked_before_it_does_not(
    policy: str, before: str, after: str, gone: int
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    days = 4 if policy == "hourly" else 50
    wide = replace(source(backup=policy, backup_keep=before), created_at=start)
    narrow = replace(wide, tags={**wide.tags, "backup:keep": after})
    *_, (last, points) = walk(wide, Settings(), start, days * 24 - 9)
    assert not cut(last)

    noon = start + (days * 24 - 9) * HOUR
    first, *following = (plan for plan, _ in walk(narrow, Settings(), noon, 24, points))

    assert len(cut(first)) >= gone
    assert not any(cut(plan) for plan in following), "from then on, days are ordinary"


def test_a_cut_right_after_the_night_s_run_is_a_cut_of_what_it_drops_and_of_nothing_else() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    wide = replace(source(backup="daily", backup_keep="daily=7"), created_at=start)
    narrow = replace(wide, tags={**wide.tags, "backup:keep": "daily=6"})
    # At 04:00 the snapshot of 03:00 has become usable and pushed one out.
    *_, (night, points) = walk(wide, Settings(), start, 20 * 24 + 5)
    assert len(marked(night)) == 1

    first, *_ = (plan for plan, _ in walk(narrow, Settings(), start + (20 * 24 + 5) * HOUR, 1, points))

    assert len(cut(first)) == 1
    assert cut(first) == set(marked(first)), "the mark of the night is every day's business"


def test_orphans_that_expire_go_by_no_cut() -> None:
    points = daily(source(backup="daily", backup_keep="3"), range(40, 50))

    plan = make_plan(Inventory((), points), EXPIRING, NOW)

    assert len(marked(plan)) == 9
    assert not cut(plan)


# Holds


def test_a_plan_says_which_snapshots_are_held() -> None:
    shop = source(backup="daily", backup_keep="1")
    newest, older = daily(shop, range(2))
    held = replace(older, tags={**older.tags, "backup:hold": ""})

    plan = make_plan(Inventory((shop,), (newest, held)), Settings(), NOW)

    assert {kept.point.name: kept.held for kept in plan.kept} == {newest.name: False, held.name: True}


def test_a_held_snapshot_uses_no_count_even_if_it_is_the_newest() -> None:
    shop = source(backup="daily", backup_keep="2")
    held = daily(shop, [0], backup_hold="")
    others = daily(shop, [1, 2, 3])

    plan = make_plan(Inventory((shop,), (*held, *others)), AT_ONCE, NOW)

    assert dropped(plan) == [others[2].name]


def test_a_held_snapshot_does_not_stand_for_its_day() -> None:
    shop = source(backup="daily", backup_keep="daily=2")
    held = point(shop, NOW.replace(hour=4), tags={"backup:hold": ""})
    others = daily(shop, [0, 1, 2])

    plan = make_plan(Inventory((shop,), (held, *others)), AT_ONCE, NOW)

    assert dropped(plan) == [others[2].name]


@pytest.mark.parametrize("key", ["backup:hold", "hold", "Legal-Hold", "save:hold", "on hold"])
def test_a_hold_holds_whoever_made_its_key(key: str) -> None:
    shop = source(backup="daily", backup_keep="1")
    newest, older = daily(shop, range(2), expires_at=NOW)
    held = replace(older, tags={**shop.tags, key: ""})

    plan = make_plan(Inventory((shop,), (newest, held)), Settings(), NOW)

    assert {type(action) for action in plan.actions} == {CancelDeletion}
    assert plan.problems == ()


def test_a_hold_on_one_orphan_holds_that_one_only() -> None:
    gone = source(backup="daily", backup_keep="1")
    points = daily(gone, range(40, 45), expires_at=NOW)
    held = replace(points[2], tags={**gone.tags, "backup:hold": ""})

    plan = make_plan(Inventory((), (*points[:2], held, *points[3:])), EXPIRING, NOW)

    assert deleted(plan) == names([points[4], points[3], points[1]])
    assert why(plan)[held.name] == ("on hold",)


def test_a_hold_on_the_newest_orphan_is_no_hold_on_the_others() -> None:
    gone = source(backup="daily", backup_keep="1")
    points = (*daily(gone, [40], backup_hold=""), *daily(gone, [41, 42], expires_at=NOW))

    plan = make_plan(Inventory((), points), EXPIRING, NOW)

    assert deleted(plan) == names([points[2], points[1]])


def test_a_hold_on_a_source_that_is_off_holds_the_snapshots_it_has() -> None:
    points = daily(source(backup="daily", backup_keep="1"), range(40, 44))

    plan = make_plan(Inventory((source(backup="off", backup_hold=""),), points), EXPIRING, NOW)

    assert plan.actions == ()
    assert why(plan) == {each.name: ("on hold",) for each in points}


def test_a_hold_that_is_over_is_taken_off_when_its_snapshot_is_marked() -> None:
    shop = source(backup="daily", backup_keep="1")
    (old,) = daily(shop, [20], backup_hold="2026-06-14")

    plan = make_plan(Inventory((shop,), (*daily(shop, [0]), old)), Settings(), NOW)

    because = 'no rule of "last=1" keeps it, and its hold is over'
    assert plan.actions[0] == RemoveHold(target(old), "backup:hold", because)
    assert marked(plan) == [old.name]
    assert len(plan.actions) == 2


def test_a_snapshot_is_not_deleted_in_the_run_that_takes_its_hold_off() -> None:
    shop = source(backup="daily", backup_keep="1")
    (old,) = daily(shop, [20], expires_at=NOW, backup_hold="2026-06-14")

    plan = make_plan(Inventory((shop,), (*daily(shop, [0]), old)), Settings(), NOW)

    assert [type(action) for action in plan.actions] == [RemoveHold]
    (waiting,) = (kept for kept in plan.kept if kept.point == old)
    assert waiting.reasons == ('no rule of "last=1" keeps it, but its hold has to be taken off first',)
    assert waiting.expires_at == NOW


def test_a_hold_that_is_over_stays_on_what_the_rules_keep() -> None:
    shop = source(backup="daily", backup_keep="7")

    plan = make_plan(Inventory((shop,), daily(shop, [0, 1], backup_hold="2026-06-14")), Settings(), NOW)

    assert plan.actions == ()


@pytest.mark.parametrize(("until", "severity"), [("2026-06-10", Severity.ADVICE), ("2020-01-01", Severity.WARNING)])
def test_a_hold_on_a_source_that_is_over_is_reported_and_more_gravely_if_it_never_held(
    until: str, severity: Severity
) -> None:
    shop = source(backup="daily", backup_hold=until)

    (problem,) = make_plan(Inventory((shop,), daily(shop, [0])), Settings(), NOW).problems

    assert (problem.tag, problem.value, problem.severity) == ("backup:hold", until, severity)
    assert problem.message.startswith("is over since 20")
    assert (problem.source, problem.arn) == ("shop", shop.arn)


def test_a_hold_on_a_source_that_is_on_is_no_problem() -> None:
    shop = source(backup="daily", backup_hold="2026-06-15")

    assert make_plan(Inventory((shop,), daily(shop, [0])), Settings(), NOW).problems == ()


def test_a_hold_that_is_not_understood_on_one_snapshot_forbids_to_prune_the_others() -> None:
    shop = source(backup="daily", backup_keep="1")
    held = daily(shop, [3], backup_hold="next week")

    plan = make_plan(Inventory((shop,), (*held, *daily(shop, [0, 1, 2]))), AT_ONCE, NOW)

    assert plan.actions == ()


def test_a_hold_that_is_not_understood_on_one_orphan_forbids_to_prune_the_others() -> None:
    gone = source(backup="daily", backup_keep="1")
    points = (*daily(gone, [40, 41, 42], expires_at=NOW), *daily(gone, [43], backup_hold="next week"))

    plan = make_plan(Inventory((), points), EXPIRING, NOW)

    assert deleted(plan) == marked(plan) == []
    assert [problem.tag for problem in plan.problems] == ["backup:hold"]
    kept = make_plan(Inventory((), points), Settings(), NOW)
    assert [type(action) for action in kept.actions] == [CancelDeletion] * 3, (
        "where orphans are kept, none stays marked"
    )


def test_an_unknown_tag_of_ours_on_one_snapshot_holds_it_and_forbids_to_prune_the_others() -> None:
    shop = source(backup="daily", backup_keep="1")
    held = daily(shop, [3], backup_protect="yes")

    plan = make_plan(Inventory((shop,), (*daily(shop, [0, 1, 2]), *held)), AT_ONCE, NOW)

    assert plan.actions == ()
    assert why(plan)[held[0].name] == ('on hold by the tag "backup:protect"',)
    assert [(problem.tag, problem.severity) for problem in plan.problems] == [("backup:protect", Severity.WARNING)]


def test_after_another_tag_key_the_holds_made_with_the_old_one_hold() -> None:
    shop = source(save="daily", save_keep="1", backup="daily", backup_hold="")
    before = source(backup="daily", backup_hold="")
    points = (*daily(shop, [0]), *daily(before, range(1, 4), expires_at=NOW))

    plan = make_plan(Inventory((shop,), points), Settings(tag_key="save"), NOW)

    assert {type(action) for action in plan.actions} == {CancelDeletion}
    assert {why(plan)[each.name] for each in points[1:]} == {('on hold by the tag "backup:hold"',)}


# Attached disks, modes and money

VOLUME = "/dev/xvdf"
DATA = source("data", attached_to="web", path=VOLUME)


@pytest.mark.parametrize("said", ["data", VOLUME], ids=["by name", "by path"])
def test_a_disk_inside_its_instances_newest_whole_snapshot_is_protected(said: str) -> None:
    whole = point(web(), NOW.replace(hour=3), kind=WHOLE, disks=[said])

    plan = make_plan(Inventory((web(), DATA), (whole,)), Settings(), NOW)

    assert (status(plan, "data"), line(plan, "data").included_in) == (Status.PROTECTED, "web")
    assert plan.problems == ()


@pytest.mark.parametrize("disks", [[], ["other", "/dev/xvdg"]])
def test_a_disk_that_its_instances_newest_snapshot_does_not_include_waits_for_the_next(disks: list[str]) -> None:
    whole = point(web(), NOW.replace(hour=3), kind=WHOLE, disks=disks)

    plan = make_plan(Inventory((web(), DATA), (whole,)), Settings(), NOW)

    assert (status(plan, "data"), line(plan, "data").included_in) == (Status.WAITING, None)


def test_a_disk_that_only_an_older_whole_snapshot_includes_is_overdue_although_its_instance_is_not() -> None:
    older = point(web(), NOW.replace(hour=3) - 40 * DAY, kind=WHOLE, disks=["data"])
    system_disk = point(web(), NOW.replace(hour=3))

    plan = make_plan(Inventory((web(), DATA), (system_disk, older)), Settings(), NOW)

    assert status(plan, "web") is Status.PROTECTED
    assert (status(plan, "data"), line(plan, "data").uncovered_since) == (Status.OVERDUE, older.taken + DAY)


def test_a_disk_waits_for_a_whole_snapshot_that_is_pending_unless_those_before_it_ended_in_error() -> None:
    older = point(web(), NOW.replace(hour=3) - 40 * DAY, kind=WHOLE, disks=["data"])
    pending = replace(point(web(), NOW.replace(hour=3), SnapshotState.PENDING, kind=WHOLE), taken=NOW)
    failed = point(web(), NOW.replace(hour=3) - DAY, SnapshotState.ERROR, kind=WHOLE)

    waiting = make_plan(Inventory((web(), DATA), (pending, older)), Settings(), NOW)
    failing = make_plan(Inventory((web(), DATA), (pending, failed, older)), Settings(), NOW)

    assert (status(waiting, "web"), status(waiting, "data")) == (Status.PROTECTED, Status.WAITING)
    assert (status(failing, "web"), status(failing, "data")) == (Status.OVERDUE, Status.OVERDUE)


@pytest.mark.parametrize("of", [web(backup_mode="system-disk"), source("web", SourceKind.INSTANCE)])
def test_a_disk_that_whole_snapshots_included_and_include_no_more_is_no_longer_backed_up(of: Source) -> None:
    whole = point(web(), NOW.replace(hour=3) - DAY, kind=WHOLE, disks=["data"])

    plan = make_plan(Inventory((of, DATA), (whole,)), Settings(), NOW)

    assert (status(plan, "data"), line(plan, "data").included_in) == (Status.UNTAGGED, "web")
    assert line(plan, "data").has_stopped


def test_what_was_only_taken_by_hand_was_never_backed_up() -> None:
    plain = source()
    by_hand = replace(point(plain, NOW - DAY), by_hand=True)

    plan = make_plan(Inventory((plain,), (by_hand,)), Settings(), NOW)

    assert status(plan) is Status.UNTAGGED
    assert not line(plan).has_stopped


@pytest.mark.parametrize(("seconds", "is_in"), [(0, True), (1, False), (8 * 3600, False)])
def test_a_new_disk_is_not_credited_with_what_was_taken_of_another_in_its_place(seconds: int, *, is_in: bool) -> None:
    whole = point(web(), NOW.replace(hour=3), kind=WHOLE, disks=["data", VOLUME])
    made_again = replace(DATA, created_at=whole.taken + timedelta(seconds=seconds))

    plan = make_plan(Inventory((web(), made_again), (whole,)), Settings(), NOW)

    assert line(plan, "data").included_in == ("web" if is_in else None)
    assert status(plan, "data") is (Status.PROTECTED if is_in else Status.WAITING)


def test_a_disk_stands_no_better_than_its_instance() -> None:
    whole = point(web(), NOW.replace(hour=3) - 3 * DAY, kind=WHOLE, disks=["data"])

    plan = make_plan(Inventory((web(), DATA), (whole,)), Settings(), NOW)

    assert status(plan, "web") is Status.OVERDUE
    assert status(plan, "data") is Status.OVERDUE


def test_nobody_can_tell_of_a_disk_whose_instances_snapshots_were_not_listed() -> None:
    failure = ReadFailure(REGION, "GetInstanceSnapshots", "refused")

    plan = make_plan(Inventory((web(), DATA), (), failures=(failure,)), Settings(), NOW)

    assert status(plan, "data") is Status.UNKNOWN


def test_a_disk_that_the_mode_of_its_instance_leaves_out_gets_advice() -> None:
    of = web(backup_mode="system-disk")

    plan = make_plan(Inventory((of, DATA), ()), Settings(), NOW)

    assert status(plan, "data") is Status.UNTAGGED
    (problem,) = plan.problems
    assert (problem.region, problem.source, problem.arn) == (REGION, "data", DATA.arn)
    assert problem.severity is Severity.ADVICE
    assert problem.message == (
        'attached to the instance "web", whose snapshots hold its system disk only, so this disk is in none; expected '
        'the tag "backup" on it, or "backup:mode" = "instance" on the instance'
    )


@pytest.mark.parametrize(
    "instance", [source("web", SourceKind.INSTANCE), web(backup="off"), web(backup="dialy"), replace(web(), name="x")]
)
def test_a_disk_whose_instance_is_not_backed_up_is_untagged(instance: Source) -> None:
    assert status(make_plan(Inventory((instance, DATA), ()), Settings(), NOW), "data") is Status.UNTAGGED


def test_a_disk_that_is_off_is_off_also_inside_its_instance() -> None:
    data = replace(DATA, tags={"backup": "off"})
    whole = point(web(), NOW.replace(hour=3), kind=WHOLE, disks=["data"])

    plan = make_plan(Inventory((web(), data), (whole,)), Settings(), NOW)

    assert status(plan, "data") is Status.OFF
    assert plan.problems == ()


def test_a_disk_that_is_part_of_a_whole_instance_snapshot_is_paid_twice() -> None:
    data = source("data", attached_to="web", backup="daily")

    (problem,) = make_plan(Inventory((web(), data), ()), Settings(), NOW).problems

    assert problem == Problem(
        region=REGION,
        source="data",
        arn=data.arn,
        tag="backup",
        value="daily",
        message='attached to the instance "web", whose snapshots include it, so it is paid for twice; expected one of '
        'the two, or "backup:mode" = "system-disk" on the instance',
        suggestion=None,
        severity=Severity.ADVICE,
    )


@pytest.mark.parametrize(
    "instance",
    [web(backup_mode="system-disk"), source("web", SourceKind.INSTANCE), source("other", SourceKind.INSTANCE)],
)
def test_a_disk_is_not_paid_twice_otherwise(instance: Source) -> None:
    data = source("data", attached_to="web", backup="daily")

    assert make_plan(Inventory((instance, data), ()), Settings(), NOW).problems == ()


def test_the_settings_mode_applies_where_neither_tag_nor_policy_says_otherwise() -> None:
    settings = Settings.from_mapping({"instanceMode": "system-disk"})

    (create,) = make_plan(Inventory((web(),), ()), settings, NOW).actions

    assert isinstance(create, Create)
    assert (create.target.kind, create.of) == (SnapshotKind.DISK, SourceKind.INSTANCE)


# A tick that is rarer than a policy


@pytest.mark.parametrize(
    ("tick", "zone", "policy", "is_rare"),
    [
        ("rate(1 day)", "UTC", "hourly", True),
        ("rate(1 day)", "UTC", "daily", False),
        ("rate(2 days)", "UTC", "daily", True),
        ("cron(0 8-18 ? * MON-FRI *)", "UTC", "weekly", False),
        ("cron(0 8-18 ? * MON-FRI *)", "UTC", "daily", True),
        ("cron(0 8-18 * * ? *)", "Europe/Zurich", "office", False),
        ("cron(0 8-18 * * ? *)", "Europe/Zurich", "office UTC", True),
    ],
)
def test_a_tick_rarer_than_a_policy_is_a_problem_of_each_source_that_asks_for_it(
    tick: str, zone: str, policy: str, *, is_rare: bool
) -> None:
    office = {"schedule": "0 8-18 * * *", "keep": "20"}
    settings = Settings.from_mapping(
        {
            "tick": tick,
            "timeZone": zone,
            "policies": {"office": office, "office UTC": office | {"timeZone": "UTC"}},
        }
    )
    shop = source(backup=policy)

    plan = make_plan(Inventory((shop,), ()), settings, NOW)

    assert len(created(plan)) == 1, "what can be taken is taken"
    if is_rare:
        (problem,) = plan.problems
        assert (problem.region, problem.source, problem.arn) == (REGION, "shop", shop.arn)
        assert (problem.tag, problem.value, problem.severity) == ("backup", policy, Severity.WARNING)
        assert f'oftener than the tick "{tick}" comes' in problem.message
    else:
        assert plan.problems == ()


def test_nothing_is_pruned_of_a_source_whose_policy_the_tick_cannot_keep() -> None:
    shop = source(backup="hourly", backup_keep="1")

    plan = make_plan(Inventory((shop,), daily(shop, range(4), expires_at=NOW)), Settings(tick="rate(1 day)"), NOW)

    assert deleted(plan) == []


# Orphans


@pytest.mark.parametrize("grace", [Duration(), Duration(hours=2), Duration(days=1)])
def test_orphans_have_a_day_of_grace_at_least(grace: Duration) -> None:
    points = daily(source(backup="daily", backup_keep="1"), range(40, 43))

    plan = make_plan(Inventory((), points), replace(EXPIRING, grace=grace), NOW)

    assert [action.expires_at for action in plan.actions if isinstance(action, ScheduleDeletion)] == [NOW + DAY] * 2


def test_a_longer_grace_is_the_orphans_too() -> None:
    points = daily(source(backup="daily", backup_keep="1"), range(40, 42))

    (mark,) = make_plan(Inventory((), points), replace(EXPIRING, grace=Duration(days=9)), NOW).actions

    assert isinstance(mark, ScheduleDeletion)
    assert mark.expires_at == NOW + 9 * DAY


@pytest.mark.parametrize("state", [SnapshotState.ERROR, SnapshotState.PENDING, SnapshotState.UNKNOWN])
def test_orphans_of_which_none_is_usable_stay(state: SnapshotState) -> None:
    shop = source(backup="daily", backup_keep="1")
    points = [replace(each, state=state) for each in daily(shop, range(40, 44))]

    plan = make_plan(Inventory((), tuple(points)), replace(AT_ONCE, orphans=Orphans.EXPIRE), NOW)

    assert plan.actions == ()
    assert {kept.reasons for kept in plan.kept} == {("its source is gone; orphans are kept",)}


def test_orphans_that_expire_leave_alone_what_a_misspelt_tag_may_have_meant() -> None:
    shop = source(Backup="daily")
    points = daily(source(backup="daily", backup_keep="1"), range(40, 44))

    plan = make_plan(Inventory((shop,), points), EXPIRING, NOW)

    assert plan.actions == ()
    assert [problem.suggestion for problem in plan.problems] == ["backup"]


def test_orphans_whose_own_tags_name_no_policy_stay_and_say_so() -> None:
    (last,) = daily(source(), [40])

    plan = make_plan(Inventory((), (last,)), EXPIRING, NOW)

    assert why(plan) == {last.name: ("its source is gone, and its own tags name no policy",)}


def test_orphans_that_expire_age_as_if_their_schedule_had_gone_on() -> None:
    points = daily(source(backup="daily", backup_keep="3"), [2, 3, 4])

    plan = make_plan(Inventory((CLINIC,), points), EXPIRING, NOW)

    assert why(plan) == {points[0].name: ("last snapshot",)}
    assert dropped(plan) == names(points[1:])


def test_the_last_of_the_orphans_stays_although_no_rule_keeps_it_on_the_clock_of_its_zone() -> None:
    shop = source(backup="hourly", backup_keep="daily=2")
    last = point(shop, NOW - 40 * DAY)
    settings = replace(Settings.from_mapping({"timeZone": "Asia/Tokyo"}), orphans=Orphans.EXPIRE)

    plan = make_plan(Inventory((), (last,)), settings, NOW)

    assert why(plan) == {last.name: ("newest usable snapshot",)}


# The awkward ones


def test_a_snapshot_from_the_future_is_newest_and_covers_what_is_due_before_it() -> None:
    shop = source(backup="daily", backup_keep="1")
    future = point(shop, NOW + 30 * DAY)

    plan = make_plan(Inventory((shop,), (future, *daily(shop, [1]))), Settings(), NOW)

    assert created(plan) == []
    assert line(plan).newest == future
    assert status(plan) is Status.PROTECTED
    assert future.name in why(plan)


def test_without_new_snapshots_nothing_ages_out_of_within() -> None:
    shop = source(backup="daily", backup_keep="within=3d", age=500 * DAY)
    points = daily(shop, range(200, 206))

    plan = make_plan(Inventory((shop,), points), AT_ONCE, NOW)

    assert dropped(plan) == names(points[3:])


def test_failed_snapshots_of_a_source_that_is_off_are_nobodys_failure() -> None:
    failed = point(source(backup="daily"), NOW - 3 * DAY, SnapshotState.ERROR)

    plan = make_plan(Inventory((source(backup="off"),), (failed,)), Settings(), NOW)

    assert plan.sources[0].errors == ()


def test_a_failed_attempt_that_is_newer_than_all_usable_ones_stays_for_now() -> None:
    shop = source(backup="daily")
    failed = point(shop, NOW.replace(hour=3), SnapshotState.ERROR)

    plan = make_plan(Inventory((shop,), (failed, *daily(shop, [1]))), Settings(), NOW)

    (create,) = plan.actions
    assert create.target.snapshot == f"{failed.name}-2"
    assert plan.sources[0].errors == (failed,)
    assert ("ended in error, but no newer one is usable yet",) in [kept.reasons for kept in plan.kept]


def test_a_held_failed_snapshot_stays() -> None:
    shop = source(backup="daily")
    failed = point(shop, NOW.replace(hour=3) - DAY, SnapshotState.ERROR, tags={"backup:hold": ""})

    plan = make_plan(Inventory((shop,), (failed, *daily(shop, [0]))), Settings(), NOW)

    assert plan.actions == ()
    assert ("on hold",) in [kept.reasons for kept in plan.kept]


# What a plan says of each snapshot, and why


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


def test_a_snapshot_is_born_without_a_hold_that_is_over() -> None:
    shop = source(backup="daily", backup_hold="2026-06-14")

    (create,) = created(make_plan(Inventory((shop,), ()), Settings(), NOW))

    assert "backup:hold" not in create.tags


def test_what_is_under_way_or_unknown_is_kept_and_says_so() -> None:
    shop = source(backup="daily", backup_keep="1")
    slot = NOW.replace(hour=3)
    pending, unknown = point(shop, slot, SnapshotState.PENDING), point(shop, slot - DAY, SnapshotState.UNKNOWN)

    plan = make_plan(Inventory((shop,), (pending, unknown)), Settings(), NOW)

    assert why(plan) == {pending.name: ("still being taken",), unknown.name: ("its state is unknown",)}


@pytest.mark.parametrize(
    ("tags", "expected", "reason"),
    [
        ({"backup": "dialy"}, Status.PROBLEM, "its source has a problem in its tags"),
        ({"backup": "off"}, Status.OFF, "its source is off; orphans are kept"),
        ({}, Status.UNTAGGED, "its source is untagged; orphans are kept"),
    ],
)
def test_a_source_that_is_not_backed_up_says_how_it_stands_and_what_becomes_of_its_snapshots(
    tags: Mapping[str, str], expected: Status, reason: str
) -> None:
    shop = replace(source(), tags=tags)
    (last,) = daily(source(backup="daily"), [40])

    plan = make_plan(Inventory((shop,), (last,)), Settings(), NOW)

    assert plan.sources == (
        SourceStatus(
            REGION,
            SourceKind.DISK,
            "shop",
            shop.arn,
            None,
            expected,
            None,
            None,
            (last,),
            (),
            (),
            stopped_since=last.taken + DAY,
        ),
    )
    assert plan.sources[0].has_stopped is (expected is not Status.PROBLEM)
    assert why(plan) == {last.name: (reason,)}


def test_a_source_that_is_backed_up_says_what_is_newest_and_when_the_next_one_comes() -> None:
    shop = source(backup="daily")
    points = daily(shop, [0, 1])
    now = points[0].slot

    plan = make_plan(Inventory((shop,), points), Settings(), now)

    assert plan.now == now
    assert plan.sources == (
        SourceStatus(
            region=REGION,
            kind=SourceKind.DISK,
            name="shop",
            arn=shop.arn,
            policy=Settings().policies["daily"],
            status=Status.PROTECTED,
            slot=now,
            next_slot=now + DAY,
            usable=points,
            pending=(),
            errors=(),
        ),
    )


@pytest.mark.parametrize("kind", SourceKind)
def test_a_source_that_is_gone_is_still_listed_with_what_can_be_restored(kind: SourceKind) -> None:
    shop = source(kind=kind, backup="daily")
    last, older = daily(shop, [40, 41])
    announced = replace(older, expires_at=NOW)

    plan = make_plan(Inventory((), (announced, last)), Settings(), NOW)

    assert plan.sources == (
        SourceStatus(
            REGION,
            kind,
            "shop",
            shop.arn,
            None,
            Status.GONE,
            None,
            None,
            (last, announced),
            (),
            (),
            stopped_since=last.taken + DAY,
        ),
    )
    assert plan.sources[0].has_stopped
    assert plan.actions == (CancelDeletion(target(announced, None), "its source is gone; orphans are kept"),)


def test_a_source_made_again_under_its_name_is_not_credited_with_its_namesakes_snapshots() -> None:
    gone, again = source(backup="daily"), replace(source(backup="daily", age=HOUR), arn=source("another").arn)

    plan = make_plan(Inventory((again,), daily(gone, [40])), Settings(), NOW)

    assert [(each.arn, each.status, each.newest is None) for each in plan.sources] == [
        (again.arn, Status.WAITING, True),
        (gone.arn, Status.GONE, False),
    ]


def test_a_day_of_a_rule_is_a_day_of_the_policys_zone() -> None:
    shop = source(backup="hourly", backup_keep="daily=2")
    # In Tokyo, one o'clock on the 15th and eleven in the evening of the 14th.
    night, evening, older = (
        point(shop, NOW - timedelta(hours=20)),
        point(shop, NOW - timedelta(hours=22)),
        point(shop, NOW - 3 * DAY),
    )
    settings = replace(Settings.from_mapping({"timeZone": "Asia/Tokyo"}), grace=Duration())

    plan = make_plan(Inventory((shop,), (night, evening, older)), settings, NOW)

    assert why(plan) == {night.name: ("daily snapshot",), evening.name: ("daily snapshot",)}


def test_a_snapshot_of_this_very_minute_is_what_within_counts_back_from() -> None:
    shop = source(backup="daily", backup_keep="within=2d")
    points = daily(shop, range(4))

    plan = make_plan(Inventory((shop,), points), AT_ONCE, NOW.replace(hour=3))

    assert dropped(plan) == names(points[2:])


# Whatever the inventory

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
def test_only_an_announced_snapshot_is_rescued_and_it_is_kept(inventory: Inventory, settings: Settings) -> None:
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
