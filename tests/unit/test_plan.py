"""The plan: examples of what the stories on the sandbox do not reach, and what holds for every inventory."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.model import (
    Announce,
    Create,
    Defer,
    Delete,
    Inventory,
    Listing,
    Orphans,
    Plan,
    Problem,
    ReadFailure,
    RecoveryPoint,
    Rescue,
    Severity,
    SnapshotKind,
    SnapshotState,
    Source,
    SourceKind,
    SourceStatus,
    Status,
    Target,
)
from lightkeeper.plan import make_plan
from lightkeeper.settings import Settings
from lightkeeper.tags import snapshot_name, snapshot_tags
from lightkeeper.times import Duration

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
REGION = "eu-central-1"
AT_ONCE = Settings(grace=Duration())


def source(
    name: str = "shop",
    kind: SourceKind = SourceKind.DISK,
    *,
    attached_to: str | None = None,
    age: timedelta = 100 * DAY,
    **tags: str,
) -> Source:
    arn = f"arn:aws:lightsail:{REGION}:1:{kind.title()}/{name}"
    written = {key.replace("_", ":"): value for key, value in tags.items()}
    return Source(kind, name, arn, REGION, NOW - age, written, attached_to)


def point(
    of: Source,
    slot: datetime,
    state: SnapshotState = SnapshotState.USABLE,
    *,
    attempt: int = 1,
    expires_at: datetime | None = None,
    tags: Mapping[str, str] | None = None,
) -> RecoveryPoint:
    return RecoveryPoint(
        kind=SnapshotKind.DISK,
        name=snapshot_name(of.name, of.arn, slot, attempt),
        region=of.region,
        state=state,
        created_at=slot,
        size_gib=8,
        source_name=of.name,
        source_arn=of.arn,
        slot=slot,
        attempt=attempt,
        expires_at=expires_at,
        tags=of.tags if tags is None else tags,
    )


def daily(of: Source, days: Iterable[int]) -> tuple[RecoveryPoint, ...]:
    """Return a point for the slot so many days ago, for each."""
    return tuple(point(of, datetime(2026, 6, 15, 3, tzinfo=UTC) - day * DAY) for day in days)


def status(plan: Plan, name: str = "shop") -> Status:
    return next(entry.status for entry in plan.sources if entry.name == name)


# Overdue


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


def test_a_pending_snapshot_does_not_cover_an_overdue_slot() -> None:
    shop = source(backup="daily")
    pending = point(shop, NOW.replace(hour=3), SnapshotState.PENDING)

    plan = make_plan(Inventory((shop,), (pending,)), Settings(), NOW)

    assert status(plan) is Status.OVERDUE
    assert plan.actions == ()


# Lists that fail


@pytest.mark.parametrize(
    ("listing", "expected"), [(Listing.DISK_SNAPSHOTS, Status.UNKNOWN), (Listing.INSTANCES, Status.OVERDUE)]
)
def test_where_its_snapshots_were_not_listed_nobody_claims_to_know_how_a_source_stands(
    listing: Listing, expected: Status
) -> None:
    failure = ReadFailure(REGION, listing, "refused")

    plan = make_plan(Inventory((source(backup="daily"),), (), failures=(failure,)), Settings(), NOW)

    assert status(plan) is expected


def test_where_a_list_failed_nobody_claims_that_a_source_is_gone() -> None:
    failure = ReadFailure(REGION, Listing.INSTANCES, "refused")

    plan = make_plan(Inventory((), daily(source("gone"), [3]), failures=(failure,)), Settings(), NOW)

    assert plan.sources == ()
    assert plan.failures == (failure,)


@pytest.mark.parametrize(
    ("listing", "kind", "created"),
    [
        (Listing.DISK_SNAPSHOTS, SourceKind.DISK, False),
        (Listing.INSTANCE_SNAPSHOTS, SourceKind.DISK, True),
        (Listing.DISK_SNAPSHOTS, SourceKind.INSTANCE, False),
        (Listing.INSTANCE_SNAPSHOTS, SourceKind.INSTANCE, False),
        (Listing.DISKS, SourceKind.INSTANCE, True),
    ],
)
def test_a_snapshot_is_taken_only_if_those_that_may_cover_its_slot_were_listed(
    listing: Listing, kind: SourceKind, *, created: bool
) -> None:
    failure = ReadFailure(REGION, listing, "refused")

    plan = make_plan(Inventory((source(kind=kind, backup="daily"),), (), failures=(failure,)), Settings(), NOW)

    assert bool(plan.actions) is created


def test_nothing_is_rescued_or_pruned_from_half_a_list() -> None:
    shop = source(backup="daily", backup_keep="3")
    points = [replace(each, expires_at=NOW - DAY) for each in daily(shop, range(6))]
    failure = ReadFailure(REGION, Listing.INSTANCES, "refused")

    plan = make_plan(Inventory((shop,), tuple(points), failures=(failure,)), Settings(), NOW)

    assert plan.actions == ()
    assert len(plan.kept) == 6


# Modes and money


def test_a_disk_that_is_part_of_a_whole_instance_snapshot_is_paid_twice() -> None:
    web = source("web", SourceKind.INSTANCE, backup="daily")
    data = source("data", attached_to="web", backup="daily")

    (problem,) = make_plan(Inventory((web, data), ()), Settings(), NOW).problems

    assert problem == Problem(
        region=REGION,
        source="data",
        tag="backup",
        value="daily",
        message='attached to the instance "web", whose snapshots include it, so it is paid for twice; expected one of '
        'the two, or "backup:mode" = "system-disk" on the instance',
        suggestion=None,
        severity=Severity.ADVICE,
    )


@pytest.mark.parametrize(
    "instance",
    [
        source("web", SourceKind.INSTANCE, backup="daily", backup_mode="system-disk"),
        source("web", SourceKind.INSTANCE),
        source("other", SourceKind.INSTANCE, backup="daily"),
    ],
)
def test_a_disk_is_not_paid_twice_otherwise(instance: Source) -> None:
    data = source("data", attached_to="web", backup="daily")

    assert make_plan(Inventory((instance, data), ()), Settings(), NOW).problems == ()


def test_the_settings_mode_applies_where_neither_tag_nor_policy_says_otherwise() -> None:
    web = source("web", SourceKind.INSTANCE, backup="daily")
    settings = Settings.from_mapping({"instanceMode": "system-disk"})

    (create,) = make_plan(Inventory((web,), ()), settings, NOW).actions

    assert isinstance(create, Create)
    assert (create.target.kind, create.of) == (SnapshotKind.DISK, SourceKind.INSTANCE)


# The awkward ones


def test_a_snapshot_from_the_future_neither_covers_the_slot_nor_anchors_within() -> None:
    shop = source(backup="daily", backup_keep="within=3d")
    future = point(shop, NOW + 30 * DAY)

    plan = make_plan(Inventory((shop,), (future, *daily(shop, range(1, 6)))), AT_ONCE, NOW)

    assert [action.target.slot.day for action in plan.actions if isinstance(action, Create)] == [15]
    assert [action.target.slot.day for action in plan.actions if isinstance(action, Delete)] == [10, 11]


def test_without_new_snapshots_nothing_ages_out_of_within() -> None:
    shop = source(backup="daily", backup_keep="within=3d", age=500 * DAY)
    points = daily(shop, range(200, 206))

    plan = make_plan(Inventory((shop,), points), AT_ONCE, NOW)

    dropped = [action.target.slot for action in plan.actions if not isinstance(action, Create)]
    assert dropped == [points[index].slot for index in (5, 4, 3)]


def test_a_snapshot_from_the_future_protects_neither_from_being_overdue_nor_the_newest_of_today() -> None:
    shop = source(backup="daily", backup_keep="1")
    future = point(shop, NOW + 30 * DAY)
    failed = point(shop, NOW.replace(hour=3), SnapshotState.ERROR)

    plan = make_plan(Inventory((shop,), (future, failed, *daily(shop, [2, 3]))), AT_ONCE, NOW)

    assert status(plan) is Status.OVERDUE
    assert plan.sources[0].newest == daily(shop, [2])[0]
    assert plan.sources[0].errors == (failed,)
    assert [action.target.slot.day for action in plan.actions if isinstance(action, Delete)] == [12]


def test_nothing_is_pruned_while_every_attempt_at_the_slot_has_failed() -> None:
    shop = source(backup="daily", backup_keep="1")
    failed = [point(shop, NOW.replace(hour=3), SnapshotState.ERROR, attempt=attempt) for attempt in (1, 2, 3)]

    plan = make_plan(Inventory((shop,), (*failed, *daily(shop, [1, 2, 3]))), AT_ONCE, NOW)

    assert plan.actions == ()
    assert plan.problems == (
        Problem(
            region=REGION,
            source="shop",
            tag=None,
            value=None,
            message="3 snapshots for the slot 2026-06-15T03:00:00Z ended in error, so there is no further try before "
            "the slot 2026-06-16T03:00:00Z; expected one to succeed: look at them in Lightsail",
            suggestion=None,
            severity=Severity.WARNING,
        ),
    )
    older = daily(shop, [2, 3])
    assert {why(plan)[each.name] for each in older} == {("nothing is pruned while its source has a problem",)}


def test_a_held_snapshot_uses_no_count_even_if_it_is_the_newest() -> None:
    shop = source(backup="daily", backup_keep="2")
    held = replace(daily(shop, [0])[0], tags={"backup:hold": ""})

    plan = make_plan(Inventory((shop,), (held, *daily(shop, [1, 2, 3]))), AT_ONCE, NOW)

    assert [action.target.slot.day for action in plan.actions] == [12]


def test_a_held_snapshot_does_not_stand_for_its_day() -> None:
    shop = source(backup="daily", backup_keep="daily=2")
    held = point(shop, NOW.replace(hour=4), tags={"backup:hold": ""})

    plan = make_plan(Inventory((shop,), (held, *daily(shop, [0, 1, 2]))), AT_ONCE, NOW)

    assert [action.target.slot.day for action in plan.actions] == [13]


def test_deletions_beyond_the_limit_are_deferred_the_oldest_go_first() -> None:
    shop = source(backup="daily", backup_keep="1")

    plan = make_plan(Inventory((shop,), daily(shop, range(6))), replace(AT_ONCE, max_deletes_per_source=2), NOW)

    assert [(type(action), action.target.slot.day) for action in plan.actions] == [
        (Defer, 12),
        (Defer, 13),
        (Defer, 14),
        (Delete, 10),
        (Delete, 11),
    ]


def test_a_hold_on_a_source_that_is_off_holds_the_snapshots_it_has() -> None:
    points = daily(source(backup="daily", backup_keep="1"), range(40, 44))
    settings = replace(AT_ONCE, orphans=Orphans.EXPIRE)

    plan = make_plan(Inventory((source(backup="off", backup_hold=""),), points), settings, NOW)

    assert plan.actions == ()
    assert why(plan) == {each.name: ("on hold",) for each in points}


def test_an_announcement_is_taken_back_even_while_a_problem_forbids_to_prune() -> None:
    shop = source(backup="daily", backup_keep="30", backup_kepe="1")
    announced = replace(daily(shop, [1])[0], expires_at=NOW + DAY)

    plan = make_plan(Inventory((shop,), (*daily(shop, [0]), announced)), Settings(), NOW)

    assert [type(action) for action in plan.actions] == [Rescue]


def test_failed_snapshots_of_a_source_that_is_off_are_nobodys_failure() -> None:
    failed = point(source(backup="daily"), NOW - 3 * DAY, SnapshotState.ERROR)

    plan = make_plan(Inventory((source(backup="off"),), (failed,)), Settings(), NOW)

    assert plan.sources[0].errors == ()


def test_a_hold_that_is_not_understood_on_one_snapshot_forbids_to_prune_the_others() -> None:
    shop = source(backup="daily", backup_keep="1")
    held = replace(daily(shop, [3])[0], tags={"backup:hold": "next week"})

    plan = make_plan(Inventory((shop,), (held, *daily(shop, [0, 1, 2]))), AT_ONCE, NOW)

    assert plan.actions == ()


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
    settings = replace(AT_ONCE, orphans=Orphans.EXPIRE)

    plan = make_plan(Inventory((shop,), points), settings, NOW)

    assert plan.actions == ()
    assert [problem.suggestion for problem in plan.problems] == ["backup"]


# What a plan says of each snapshot, and why


def target(of: RecoveryPoint, policy: str | None = "daily") -> Target:
    return Target(REGION, of.source_name, of.source_arn, of.name, of.kind, of.slot, policy)


def why(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {kept.point.name: kept.reasons for kept in plan.kept}


@pytest.mark.parametrize(
    ("kind", "taken"), [(SourceKind.DISK, SnapshotKind.DISK), (SourceKind.INSTANCE, SnapshotKind.INSTANCE)]
)
def test_a_create_says_what_is_taken_of_what_under_which_name_with_which_tags(
    kind: SourceKind, taken: SnapshotKind
) -> None:
    shop = source(kind=kind, backup="daily")
    slot = NOW.replace(hour=3)

    (create,) = make_plan(Inventory((shop,), ()), Settings(), NOW).actions

    assert create == Create(
        target=Target(REGION, "shop", shop.arn, snapshot_name("shop", shop.arn, slot), taken, slot, "daily"),
        of=kind,
        tags=snapshot_tags(shop, slot, Settings())[0],
        left_out=(),
        reason="no snapshot for the slot 2026-06-15T03:00:00Z",
    )


@pytest.mark.parametrize("attempt", [2, 3])
def test_a_further_attempt_says_that_the_one_before_ended_in_error(attempt: int) -> None:
    shop = source(backup="daily")
    failed = [point(shop, NOW.replace(hour=3), SnapshotState.ERROR, attempt=earlier) for earlier in range(1, attempt)]

    (create,) = make_plan(Inventory((shop,), tuple(failed)), Settings(), NOW).actions

    assert create.target.snapshot == f"{failed[0].name}-{attempt}"
    assert create.reason == f"attempt {attempt} for the slot 2026-06-15T03:00:00Z: the one before ended in error"


def test_what_the_rules_drop_is_announced_waits_and_is_deleted_when_its_time_has_come() -> None:
    shop = source(backup="daily", backup_keep="1")
    newest, dropped, waiting, over = daily(shop, range(4))
    waiting = replace(waiting, expires_at=NOW + timedelta(hours=1))
    over = replace(over, expires_at=NOW)

    plan = make_plan(Inventory((shop,), (newest, dropped, waiting, over)), Settings(), NOW)

    because = 'no rule of "last=1" keeps it'
    assert plan.actions == (
        Announce(target(dropped), NOW + DAY, f"{because}; to be deleted from 2026-06-16T12:00:00Z"),
        Delete(target(over), f"{because}; announced until 2026-06-15T12:00:00Z"),
    )
    assert why(plan) == {
        newest.name: ("last snapshot",),
        waiting.name: (f"{because}; to be deleted from 2026-06-15T13:00:00Z",),
    }
    assert {kept.point.name: kept.goes_at for kept in plan.kept} == {
        newest.name: None,
        waiting.name: waiting.expires_at,
    }


def test_a_plan_says_which_snapshots_are_held() -> None:
    shop = source(backup="daily", backup_keep="1")
    newest, older = daily(shop, range(2))
    held = replace(older, tags={**older.tags, "backup:hold": ""})

    plan = make_plan(Inventory((shop,), (newest, held)), Settings(), NOW)

    assert {kept.point.name: kept.held for kept in plan.kept} == {newest.name: False, held.name: True}


def test_a_day_of_grace_is_a_day_of_the_deployments_clock() -> None:
    now = datetime(2026, 10, 24, 12, tzinfo=UTC)
    shop = source(backup="daily", backup_keep="1", age=500 * DAY)
    points = (point(shop, now.replace(hour=3)), point(shop, now.replace(hour=3) - DAY))

    (announce,) = make_plan(Inventory((shop,), points), Settings(time_zone=ZoneInfo("Europe/Zurich")), now).actions

    assert isinstance(announce, Announce)
    assert announce.expires_at == now + timedelta(hours=25), "the clocks go back that night"


def test_without_grace_and_beyond_the_limit_the_plan_says_so() -> None:
    shop = source(backup="daily", backup_keep="1")
    _, later, sooner = points = daily(shop, range(3))

    plan = make_plan(Inventory((shop,), points), replace(AT_ONCE, max_deletes_per_source=1), NOW)

    because = 'no rule of "last=1" keeps it; no grace'
    assert plan.actions == (
        Defer(target(later), NOW + timedelta(minutes=1), f"at most 1 deletions per source and tick; {because}"),
        Delete(target(sooner), because),
    )


def test_a_failed_snapshot_goes_without_announcement_once_a_newer_one_is_usable() -> None:
    shop = source(backup="daily")
    failed = point(shop, NOW.replace(hour=3) - DAY, SnapshotState.ERROR)

    plan = make_plan(Inventory((shop,), (*daily(shop, [0]), failed)), Settings(), NOW)

    assert plan.actions == (Delete(target(failed), "ended in error, and a newer one is usable"),)
    assert plan.sources[0].errors == ()


def test_what_the_rules_take_back_is_rescued_with_the_reasons_to_keep_it() -> None:
    shop = source(backup="daily", backup_keep="last=1 daily=1")
    (announced,) = (replace(each, expires_at=NOW) for each in daily(shop, [0]))

    plan = make_plan(Inventory((shop,), (announced,)), Settings(), NOW)

    assert plan.actions == (Rescue(target(announced), "last snapshot, daily snapshot"),)


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
        SourceStatus(REGION, SourceKind.DISK, "shop", shop.arn, None, expected, None, None, (last,), last, (), ()),
    )
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
            newest=points[0],
            pending=(),
            errors=(),
        ),
    )


def test_a_snapshot_from_the_future_is_the_newest_where_there_is_no_other() -> None:
    shop = source(backup="daily")
    future = point(shop, NOW + 30 * DAY)

    plan = make_plan(Inventory((shop,), (future,)), Settings(), NOW)

    assert plan.sources[0].newest == future
    assert status(plan) is Status.OVERDUE


@pytest.mark.parametrize("kind", SourceKind)
def test_a_source_that_is_gone_is_still_listed_with_what_can_be_restored(kind: SourceKind) -> None:
    shop = source(kind=kind, backup="daily")
    last, older = daily(shop, [40, 41])
    announced = replace(older, expires_at=NOW)

    plan = make_plan(Inventory((), (announced, last)), Settings(), NOW)

    assert plan.sources == (
        SourceStatus(REGION, kind, "shop", shop.arn, None, Status.GONE, None, None, (last, announced), last, (), ()),
    )
    assert plan.actions == (Rescue(target(announced, None), "its source is gone; orphans are kept"),)


def test_orphans_whose_own_tags_name_no_policy_stay_and_say_so() -> None:
    (last,) = daily(source(), [40])

    plan = make_plan(Inventory((), (last,)), replace(AT_ONCE, orphans=Orphans.EXPIRE), NOW)

    assert why(plan) == {last.name: ("its source is gone, and its own tags name no policy",)}


def test_orphans_that_expire_age_as_if_their_schedule_had_gone_on() -> None:
    points = daily(source(backup="daily", backup_keep="3"), [2, 3, 4])

    plan = make_plan(Inventory((), points), replace(AT_ONCE, orphans=Orphans.EXPIRE), NOW)

    assert why(plan) == {points[0].name: ("last snapshot",)}
    assert [action.target.slot for action in plan.actions] == [points[2].slot, points[1].slot]


def test_the_last_of_the_orphans_stays_although_no_rule_keeps_it_on_the_clock_of_its_zone() -> None:
    shop = source(backup="hourly", backup_keep="daily=2")
    last = point(shop, NOW - 40 * DAY)
    settings = replace(Settings.from_mapping({"timeZone": "Asia/Tokyo"}), orphans=Orphans.EXPIRE)

    plan = make_plan(Inventory((), (last,)), settings, NOW)

    assert why(plan) == {last.name: ("newest usable snapshot",)}


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

    assert [action.target.slot for action in plan.actions] == [points[3].slot, points[2].slot]


# Whatever the inventory

slots = st.integers(-3, 60).map(lambda days: datetime(2026, 6, 15, 3, tzinfo=UTC) - days * DAY)
tag_values = {
    "backup": st.sampled_from(["", "daily", "hourly", "weekly", "off", "dialy"]),
    "backup:keep": st.sampled_from(["1", "3", "daily=2 weekly=2", "within=5d", "forever", "none"]),
    "backup:hold": st.sampled_from(["", "2026-06-20", "2020-01-01", "soon"]),
}
tag_sets = st.fixed_dictionaries({}, optional=tag_values)


@st.composite
def series(draw: st.DrawFn, name: str) -> tuple[Source, list[RecoveryPoint]]:
    shop = replace(source(name, draw(st.sampled_from(SourceKind))), tags=draw(tag_sets))
    taken = draw(st.dictionaries(st.tuples(slots, st.integers(1, 3)), st.sampled_from(SnapshotState), max_size=14))
    points = [
        point(
            shop,
            slot,
            state,
            attempt=attempt,
            expires_at=draw(st.sampled_from([None, None, NOW - DAY, NOW, NOW + DAY])),
            tags=draw(tag_sets),
        )
        for (slot, attempt), state in taken.items()
    ]
    return shop, points


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    drawn = [draw(series(name)) for name in ("a", "b", "c")]
    present = draw(st.lists(st.booleans(), min_size=3, max_size=3))
    failures = draw(st.sampled_from([(), (), (), (ReadFailure(REGION, Listing.DISKS, "refused"),)]))
    return Inventory(
        sources=tuple(shop for (shop, _), is_there in zip(drawn, present, strict=True) if is_there),
        points=tuple(each for _, points in drawn for each in points),
        failures=failures,
    )


all_settings = st.builds(
    Settings,
    grace=st.sampled_from([Duration(), Duration(days=1)]),
    orphans=st.sampled_from(Orphans),
    max_deletes_per_source=st.integers(1, 4),
)


@given(inventories(), all_settings)
def test_every_recovery_point_is_accounted_for_exactly_once(inventory: Inventory, settings: Settings) -> None:
    plan = make_plan(inventory, settings, NOW)

    kept = [kept.point.name for kept in plan.kept]
    dropped = [action.target.snapshot for action in plan.actions if isinstance(action, Announce | Delete | Defer)]
    unread = {failure.region for failure in inventory.failures}
    expected = {
        each.name
        for each in inventory.points
        if not unread or each.source_arn in {source.arn for source in inventory.sources}
    }
    assert Counter([*kept, *dropped]) == Counter(expected)
    assert all(kept.reasons for kept in plan.kept)


@given(inventories(), all_settings)
def test_what_is_deleted_may_be_deleted(inventory: Inventory, settings: Settings) -> None:
    plan = make_plan(inventory, settings, NOW)

    points = {each.name: each for each in inventory.points}
    deletions = [action for action in plan.actions if isinstance(action, Delete)]
    for name in (action.target.snapshot for action in deletions):
        doomed = points[name]
        usable = [
            each
            for each in inventory.points
            if each.source_arn == doomed.source_arn and each.state is SnapshotState.USABLE
        ]
        past = [each for each in usable if each.slot <= NOW] or usable
        newest = max(past, key=lambda each: (each.slot, each.attempt))
        assert doomed is not newest
        assert doomed.state in {SnapshotState.USABLE, SnapshotState.ERROR}
        assert doomed.tags.get("backup:hold") in {None, "2020-01-01"}
        if doomed.state is SnapshotState.USABLE and settings.grace:
            assert doomed.expires_at is not None
        if doomed.state is SnapshotState.USABLE and doomed.expires_at:
            assert doomed.expires_at <= NOW
        if doomed.state is SnapshotState.ERROR:
            assert (newest.slot, newest.attempt) > (doomed.slot, doomed.attempt)
    per_source = Counter(action.target.source_arn for action in deletions)
    assert max(per_source.values(), default=0) <= settings.max_deletes_per_source
    oldest_first = [action.target.slot for action in deletions if action.target.source == "a"]
    assert oldest_first == sorted(oldest_first)
    assert not (inventory.failures and plan.actions and deletions)


@given(inventories(), all_settings)
def test_what_is_created_covers_a_slot_that_nothing_covers(inventory: Inventory, settings: Settings) -> None:
    plan = make_plan(inventory, settings, NOW)

    taken = {each.name for each in inventory.points}
    creates = [action for action in plan.actions if isinstance(action, Create)]
    for create in creates:
        of_slot = [
            each
            for each in inventory.points
            if each.source_arn == create.target.source_arn and each.slot == create.target.slot
        ]
        assert {each.state for each in of_slot} <= {SnapshotState.ERROR}
        assert create.target.slot <= NOW
    names = [create.target.snapshot for create in creates]
    assert taken.isdisjoint(names)
    assert len(names) == len(set(names))
    assert [isinstance(action, Create) for action in plan.actions] == sorted(
        (isinstance(action, Create) for action in plan.actions), reverse=True
    )


@given(inventories(), all_settings)
def test_only_an_announced_snapshot_is_rescued_and_it_is_kept(inventory: Inventory, settings: Settings) -> None:
    plan = make_plan(inventory, settings, NOW)

    points = {each.name: each for each in inventory.points}
    kept = {kept.point.name for kept in plan.kept}
    for action in plan.actions:
        if isinstance(action, Rescue):
            assert points[action.target.snapshot].expires_at
            assert action.target.snapshot in kept


@given(inventories(), all_settings, st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_listed_changes_nothing(
    inventory: Inventory, settings: Settings, random: Random
) -> None:
    sources, points = list(inventory.sources), list(inventory.points)
    random.shuffle(sources)
    random.shuffle(points)
    shuffled = replace(inventory, sources=tuple(sources), points=tuple(points))

    plan, again = make_plan(inventory, settings, NOW), make_plan(shuffled, settings, NOW)

    assert again.actions == plan.actions
    assert Counter(again.problems) == Counter(plan.problems)


@given(inventories(), all_settings)
def test_a_source_is_judged_by_itself(inventory: Inventory, settings: Settings) -> None:
    together = make_plan(inventory, settings, NOW)

    for name in ("a", "b", "c"):
        alone = Inventory(
            tuple(each for each in inventory.sources if each.name == name),
            tuple(each for each in inventory.points if each.source_name == name),
            failures=inventory.failures,
        )
        assert make_plan(alone, settings, NOW).actions == tuple(
            action for action in together.actions if action.target.source == name
        )
