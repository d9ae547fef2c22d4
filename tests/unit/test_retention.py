"""What becomes of recovery points: kept, marked, or deleted in a later run, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from lightkeeper.actions import CancelDeletion, Cause, Copy, Create, Defer, Delete, RemoveHold, ScheduleDeletion
from lightkeeper.kinds import SourceKind
from lightkeeper.model import (
    Inventory,
    Orphans,
    Plan,
    Prune,
    ReadFailure,
    RecoveryPoint,
    Severity,
    SnapshotState,
    Source,
)
from lightkeeper.plan import make_plan
from lightkeeper.settings import Settings
from lightkeeper.times import Duration
from tests.support.inventories import (
    AT_ONCE,
    DAY,
    EXPIRING,
    HOUR,
    NOW,
    REGION,
    THREE,
    WHOLE,
    created,
    daily,
    deleted,
    dropped,
    line,
    marked,
    names,
    point,
    source,
    target,
    web,
    why,
)

OFF = Settings(prune=Prune.OFF)

# What another release has made, and what nobody prunes


def test_what_a_newer_release_has_made_is_kept_for_that_and_so_is_all_else_of_its_source() -> None:
    shop = source(backup="daily", backup_keep="1")
    old, newest = point(shop, THREE - DAY, expires_at=NOW - HOUR), replace(point(shop, THREE), newer_format="2")

    plan = make_plan(Inventory((shop,), (old, newest)), Settings(), NOW)

    assert dropped(plan) == []
    assert why(plan) == {
        newest.name: ("made by a newer release (format 2), so it is left alone",),
        old.name: ("last snapshot",),
    }
    assert line(plan).newest == newest


def test_a_hold_on_what_a_newer_release_has_made_is_neither_read_nor_complained_about() -> None:
    shop = source(backup="daily")
    newer = replace(point(shop, THREE, tags={"backup:until": "soon"}), newer_format="2")

    plan = make_plan(Inventory((shop,), (newer,)), Settings(), NOW)

    assert [problem.tag for problem in plan.problems] == ["lightkeeper:format"]


def test_a_newer_release_s_snapshots_hold_back_their_own_source_only() -> None:
    shop, blog = source(backup="daily", backup_keep="1"), source("blog", backup="daily", backup_keep="1")
    newer = replace(point(shop, THREE), newer_format="2")

    plan = make_plan(Inventory((shop, blog), (newer, *daily(shop, [1, 2]), *daily(blog, [0, 1]))), Settings(), NOW)

    assert marked(plan) == names(daily(blog, [1]))


def test_with_prune_off_what_no_rule_keeps_is_kept_and_says_why() -> None:
    shop = source(backup="daily", backup_keep="1")
    failed = point(shop, THREE - 2 * DAY, SnapshotState.ERROR)
    newest, old = daily(shop, [0, 1])

    plan = make_plan(Inventory((shop,), (newest, old, failed)), OFF, NOW)

    assert plan.actions == ()
    assert {kept.point.name: (kept.reasons, kept.unpruned) for kept in plan.kept} == {
        newest.name: (("last snapshot",), False),
        old.name: (('no rule of "last=1" keeps it, but prune is off',), True),
        failed.name: (("ended in error, and a newer one is usable, but prune is off",), True),
    }


def test_with_prune_off_every_mark_is_taken_back_once_even_while_a_list_fails_or_tags_are_not_understood() -> None:
    shop, typo = source(backup="daily", backup_keep="1"), source("typo", backup="dialy")
    points = (*daily(shop, [0, 1], expires_at=NOW + HOUR), *daily(typo, [0, 1], expires_at=NOW - HOUR))
    failure = ReadFailure(REGION, "GetInstances", "no answer")

    for failures in ((), (failure,)):
        plan = make_plan(Inventory((shop, typo), points, failures=failures), OFF, NOW)

        assert dropped(plan) == []
        taken_back = [action for action in plan.actions if isinstance(action, CancelDeletion)]
        assert [action.target for action in taken_back] == [
            target(each, "daily" if each.source_name == "shop" else None) for each in points
        ]
        assert {action.reason for action in taken_back} - {"last snapshot"} == {"prune is off"}


def test_with_prune_off_snapshots_are_taken_as_ever() -> None:
    shop = source(backup="daily")

    assert len(created(make_plan(Inventory((shop,), ()), OFF, NOW))) == 1


# An event that comes late


def test_the_grace_counts_from_when_the_newest_usable_one_was_made_and_not_from_one_that_is_still_pending() -> None:
    shop = source(backup="daily", backup_keep="1")
    pending = point(shop, NOW + 2 * HOUR, SnapshotState.PENDING)
    newest, old = point(shop, NOW), point(shop, THREE - DAY)

    plan = make_plan(Inventory((shop,), (pending, newest, old)), Settings(), THREE + HOUR)

    (mark,) = (action for action in plan.actions if isinstance(action, ScheduleDeletion))
    assert (mark.target.snapshot, mark.expires_at) == (old.name, NOW + DAY)


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


def test_without_new_snapshots_nothing_ages_out_of_within() -> None:
    shop = source(backup="daily", backup_keep="within=3d", age=500 * DAY)
    points = daily(shop, range(200, 206))

    plan = make_plan(Inventory((shop,), points), AT_ONCE, NOW)

    assert dropped(plan) == names(points[3:])


def test_what_is_under_way_or_unknown_is_kept_and_says_so() -> None:
    shop = source(backup="daily", backup_keep="1")
    slot = NOW.replace(hour=3)
    pending, unknown = point(shop, slot, SnapshotState.PENDING), point(shop, slot - DAY, SnapshotState.UNKNOWN)

    plan = make_plan(Inventory((shop,), (pending, unknown)), Settings(), NOW)

    assert why(plan) == {pending.name: ("still being taken",), unknown.name: ("its state is unknown",)}


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


# A series for each kind


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


def test_where_orphans_are_kept_a_scheduled_deletion_in_the_series_that_is_not_fed_any_more_is_cancelled() -> None:
    of = web(backup_keep="2", backup_mode="system-disk")
    whole = daily(of, [40, 41], kind=WHOLE, expires_at=NOW)

    plan = make_plan(Inventory((of,), (*whole, *daily(of, [0]))), Settings(), NOW)

    assert [(type(action), action.target.snapshot) for action in plan.actions] == [
        (CancelDeletion, each.name) for each in whole
    ]


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


# Marks, and deletions in a later run


def test_a_mark_that_a_replayed_event_makes_leaves_the_same_time_to_see_it() -> None:
    shop = source(backup="daily", backup_keep="2")

    plan = make_plan(Inventory((shop,), daily(shop, range(4))), Settings(), NOW - 26 * HOUR)

    newest = daily(shop, [0])[0].taken
    assert {action.expires_at for action in plan.actions if isinstance(action, ScheduleDeletion)} == {newest + DAY}


def test_what_the_rules_drop_is_marked_waits_and_is_deleted_when_its_time_has_come() -> None:
    shop = source(backup="daily", backup_keep="1")
    newest, dropped, waiting, over = daily(shop, range(4))
    waiting = replace(waiting, expires_at=NOW + HOUR)
    over = replace(over, expires_at=NOW)

    plan = make_plan(Inventory((shop,), (newest, dropped, waiting, over)), Settings(), NOW)

    because = 'no rule of "last=1" keeps it'
    mark = ScheduleDeletion(
        target(dropped), NOW + DAY, f"{because}; to be deleted from 2026-06-16T12:00:00Z", Cause.CUT
    )
    assert plan.actions == (
        mark,
        Delete(target(over), over.taken, f"{because}; its deletion was scheduled for 2026-06-15T12:00:00Z"),
    )
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


def test_a_deletion_that_the_rules_take_back_is_cancelled_with_the_reasons_to_keep_it() -> None:
    shop = source(backup="daily", backup_keep="last=1 daily=1")
    (expiring,) = daily(shop, [0], expires_at=NOW)

    plan = make_plan(Inventory((shop,), (expiring,)), Settings(), NOW)

    assert plan.actions == (CancelDeletion(target(expiring), "last snapshot, daily snapshot"),)


def test_a_scheduled_deletion_is_cancelled_even_while_a_problem_forbids_to_prune() -> None:
    shop = source(backup="daily", backup_keep="30", backup_kepe="1")
    expiring = replace(daily(shop, [1])[0], expires_at=NOW + DAY)

    plan = make_plan(Inventory((shop,), (*daily(shop, [0]), expiring)), Settings(), NOW)

    assert [type(action) for action in plan.actions] == [CancelDeletion]


def test_a_day_of_grace_is_a_day_of_the_deployments_clock() -> None:
    now = datetime(2026, 10, 24, 12, tzinfo=UTC)
    shop = source(backup="daily", backup_keep="1", age=500 * DAY)
    points = (point(shop, now.replace(hour=3)), point(shop, now.replace(hour=3) - DAY))

    (mark,) = make_plan(Inventory((shop,), points), Settings(time_zone=ZoneInfo("Europe/Zurich")), now).actions

    assert isinstance(mark, ScheduleDeletion)
    assert mark.expires_at == now + timedelta(hours=25), "the clocks go back that night"


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
    because = 'no rule of "last=1" keeps it; its deletion was scheduled for 2026-06-15T12:00:00Z'
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


# Attempts that end in error


def test_a_failed_snapshot_is_marked_once_a_newer_one_is_usable() -> None:
    shop = source(backup="daily")
    failed = point(shop, NOW.replace(hour=3) - DAY, SnapshotState.ERROR)

    plan = make_plan(Inventory((shop,), (*daily(shop, [0]), failed)), Settings(), NOW)

    reason = "ended in error, and a newer one is usable; to be deleted from 2026-06-16T12:00:00Z"
    assert plan.actions == (ScheduleDeletion(target(failed), NOW + DAY, reason),)
    assert line(plan).errors == ()


def test_a_failed_snapshot_that_was_marked_goes() -> None:
    shop = source(backup="daily")
    failed = point(shop, NOW.replace(hour=3) - DAY, SnapshotState.ERROR, expires_at=NOW)

    plan = make_plan(Inventory((shop,), (*daily(shop, [0]), failed)), Settings(), NOW)

    reason = "ended in error, and a newer one is usable; its deletion was scheduled for 2026-06-15T12:00:00Z"
    assert plan.actions == (Delete(target(failed), failed.taken, reason),)


def test_a_failed_attempt_that_is_newer_than_all_usable_ones_stays_for_now() -> None:
    shop = source(backup="daily")
    failed = point(shop, NOW.replace(hour=3), SnapshotState.ERROR)

    plan = make_plan(Inventory((shop,), (failed, *daily(shop, [1]))), Settings(), NOW)

    (create,) = plan.actions
    assert create.target.snapshot == f"{failed.name}-2"
    assert plan.sources[0].errors == (failed,)
    assert ("ended in error, but no newer one is usable yet",) in [kept.reasons for kept in plan.kept]


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
                case RemoveHold() | Copy():
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


def test_a_cut_is_seen_in_full_while_the_next_snapshot_is_still_being_taken() -> None:
    shop = source(backup="daily", backup_keep="6")
    pending = point(shop, NOW.replace(hour=3), SnapshotState.PENDING, taken=NOW - HOUR)
    points = daily(shop, range(1, 8))

    plan = make_plan(Inventory((shop,), (pending, *points)), Settings(), NOW)

    assert marked(plan) == [points[-1].name]
    assert cut(plan) == {points[-1].name}, "what is not usable yet has pushed nothing out"


def test_of_a_cut_right_after_a_new_snapshot_only_one_is_every_day_s_business() -> None:
    shop = source(backup="daily", backup_keep="5")
    points = daily(shop, range(8))

    plan = make_plan(Inventory((shop,), points), Settings(), NOW.replace(hour=4))

    assert marked(plan) == names(points[5:])
    assert cut(plan) == {*names(points[6:])}


def test_a_cut_goes_by_the_days_of_the_policys_zone() -> None:
    shop = source(backup="daily", backup_keep="daily=2", backup_at="01:00 Pacific/Auckland")
    # In Auckland the 15th, the 14th and the 13th; in UTC two of one day, and one of the day before.
    points = [point(shop, NOW.replace(day=day, hour=hour)) for day, hour in ((14, 13), (14, 11), (13, 11))]

    plan = make_plan(Inventory((shop,), tuple(points)), Settings(), NOW)

    assert marked(plan) == [points[2].name]
    assert cut(plan) == {points[2].name}


def test_what_an_older_one_is_no_longer_within_of_a_newest_that_is_held_goes_by_no_cut() -> None:
    shop = source(backup="daily", backup_keep="within=2d")
    newest, old = point(shop, NOW.replace(hour=10), tags={**shop.tags, "backup:hold": ""}), *daily(shop, [5])

    plan = make_plan(Inventory((shop,), (newest, old)), Settings(), NOW)

    assert marked(plan) == [old.name]
    assert not cut(plan)


@pytest.mark.parametrize(("seconds", "is_cut"), [(-1, True), (0, True), (1, False)])
def test_a_snapshot_that_would_be_overdue_by_now_has_pushed_out_what_it_does_in_an_earlier_run(
    seconds: int, *, is_cut: bool
) -> None:
    shop = source(backup="daily", backup_keep="2")
    newest = point(shop, NOW.replace(hour=3), taken=NOW - 6 * HOUR + timedelta(seconds=seconds))
    points = (newest, *daily(shop, [1, 2]))

    plan = make_plan(Inventory((shop,), points), Settings(), NOW)

    assert marked(plan) == [points[2].name]
    assert cut(plan) == ({points[2].name} if is_cut else set())


@pytest.mark.parametrize(
    ("ago", "is_cut"),
    [(timedelta(hours=12) - timedelta(seconds=1), False), (timedelta(hours=12), True), (timedelta(hours=17), True)],
    ids=["a moment before two ticks", "two ticks", "nearly three"],
)
def test_a_snapshot_is_new_until_two_runs_could_have_come_since_however_rare_they_are(
    ago: timedelta, *, is_cut: bool
) -> None:
    shop = source(backup="daily", backup_keep="2")
    newest = point(shop, NOW - ago, taken=NOW - ago)
    points = (newest, *daily(shop, [1, 2]))

    plan = make_plan(Inventory((shop,), points), Settings.from_mapping({"tick": "rate(6 hours)"}), NOW)

    assert marked(plan) == [points[2].name]
    assert cut(plan) == ({points[2].name} if is_cut else set())


def test_whether_a_snapshot_is_new_goes_by_days_of_the_deployments_clock() -> None:
    shop = source(backup="daily", backup_keep="2", age=300 * DAY)
    settings = replace(Settings.from_mapping({"timeZone": "Europe/Zurich"}), overdue_after=Duration(days=1))
    # Of the day up to this noon in Zurich an hour is missing: it is spring.
    now = datetime(2026, 3, 29, 10, tzinfo=UTC)
    points = [point(shop, now - timedelta(hours=hours, minutes=30)) for hours in (23, 48, 72)]

    plan = make_plan(Inventory((shop,), tuple(points)), settings, now)

    assert marked(plan) == [points[2].name]
    assert cut(plan) == {points[2].name}


@pytest.mark.parametrize(
    ("seconds", "is_cut"), [(-1, False), (0, False), (1, True)], ids=["before it", "as it was taken", "after it"]
)
def test_what_was_marked_after_the_newest_was_taken_is_what_that_has_pushed_out(seconds: int, *, is_cut: bool) -> None:
    shop = source(backup="daily", backup_keep="2")
    newest, *older = daily(shop, range(4))
    # A day of grace.
    already = replace(older.pop(), expires_at=newest.taken + DAY + timedelta(seconds=seconds))

    plan = make_plan(Inventory((shop,), (newest, *older, already)), Settings(), NOW.replace(hour=4))

    assert marked(plan) == [older[1].name]
    assert cut(plan) == ({older[1].name} if is_cut else set())


def test_when_a_mark_was_made_goes_by_days_of_the_deployments_clock() -> None:
    shop = source(backup="daily", backup_keep="2", age=300 * DAY)
    settings = Settings.from_mapping({"timeZone": "Europe/Zurich"})
    now = datetime(2026, 3, 28, 12, tzinfo=UTC)
    newest, older, oldest = (point(shop, now - timedelta(hours=hours, minutes=30)) for hours in (1, 25, 49))
    # Made at noon in Zurich, half an hour after the newest was taken; until the next noon there are 23 hours.
    already = point(shop, now - 73 * HOUR, expires_at=datetime(2026, 3, 29, 10, tzinfo=UTC))

    plan = make_plan(Inventory((shop,), (newest, older, oldest, already)), settings, now)

    assert marked(plan) == [oldest.name]
    assert cut(plan) == {oldest.name}


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


def test_of_what_is_not_backed_up_any_more_no_mark_is_taken_back_while_a_list_fails() -> None:
    points = daily(source(backup="daily", backup_keep="3"), range(40, 46), expires_at=NOW + HOUR)
    failure = ReadFailure(REGION, "GetInstances", "refused")

    for failures, taken_back in (((), True), ((failure,), False)):
        plan = make_plan(Inventory((source(backup="off"),), points, failures=failures), EXPIRING, NOW)
        assert any(isinstance(action, CancelDeletion) for action in plan.actions) is taken_back


def test_what_waits_for_its_hold_to_be_taken_off_still_says_that_it_goes_as_an_orphan() -> None:
    newer, old = daily(source(backup="daily", backup_keep="1"), (40, 60), backup_hold="2026-06-01")

    plan = make_plan(Inventory((), (newer, replace(old, expires_at=NOW))), EXPIRING, NOW)

    (waiting,) = (kept for kept in plan.kept if kept.point.name == old.name)
    assert (waiting.expires_at, waiting.cause) == (NOW, Cause.ORPHANED)


def test_a_snapshot_is_not_deleted_in_the_run_that_takes_its_hold_off() -> None:
    shop = source(backup="daily", backup_keep="1")
    (old,) = daily(shop, [20], expires_at=NOW, backup_hold="2026-06-14")

    plan = make_plan(Inventory((shop,), (*daily(shop, [0]), old)), Settings(), NOW)

    assert [type(action) for action in plan.actions] == [RemoveHold]
    (waiting,) = (kept for kept in plan.kept if kept.point == old)
    assert waiting.reasons == ('no rule of "last=1" keeps it, but its hold has to be taken off first',)
    assert (waiting.expires_at, waiting.cause) == (NOW, Cause.PUSHED_OUT)


def test_a_hold_that_is_over_stays_on_what_the_rules_keep() -> None:
    shop = source(backup="daily", backup_keep="7")

    plan = make_plan(Inventory((shop,), daily(shop, [0, 1], backup_hold="2026-06-14")), Settings(), NOW)

    assert plan.actions == ()


def test_a_hold_that_is_not_understood_on_one_snapshot_forbids_to_prune_the_others() -> None:
    shop = source(backup="daily", backup_keep="1")
    held = daily(shop, [3], backup_hold="next week")

    others = daily(shop, [0, 1, 2])

    plan = make_plan(Inventory((shop,), (*held, *others)), AT_ONCE, NOW)

    assert plan.actions == ()
    assert {why(plan)[each.name] for each in others[1:]} == {("nothing is pruned while its source has a problem",)}


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


def test_a_held_failed_snapshot_stays() -> None:
    shop = source(backup="daily")
    failed = point(shop, NOW.replace(hour=3) - DAY, SnapshotState.ERROR, tags={"backup:hold": ""})

    plan = make_plan(Inventory((shop,), (failed, *daily(shop, [0]))), Settings(), NOW)

    assert plan.actions == ()
    assert ("on hold",) in [kept.reasons for kept in plan.kept]


# Problems forbid to prune


def test_nothing_is_pruned_of_a_source_whose_policy_the_tick_cannot_keep() -> None:
    shop = source(backup="hourly", backup_keep="1")

    plan = make_plan(Inventory((shop,), daily(shop, range(4), expires_at=NOW)), Settings(tick="rate(1 day)"), NOW)

    assert deleted(plan) == []


# Orphans


CLINIC = source("clinic")
"""Beside a source that is gone: a list with nothing else in it would not be believed."""


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


def test_orphans_that_expire_stay_while_their_own_tags_are_in_doubt() -> None:
    points = daily(source(backup="daily", backup_keep="1"), range(40, 44), expires_at=NOW, Backup_keep="forever")

    plan = make_plan(Inventory((), points), EXPIRING, NOW)

    assert [action.target.snapshot for action in plan.actions] == [points[0].name], "its newest is taken back"
    assert {why(plan)[each.name] for each in points[1:]} == {("nothing is pruned while its source has a problem",)}
    assert [problem.tag for problem in plan.problems] == ["Backup:keep"]


def test_orphans_whose_own_tags_name_no_policy_stay_and_say_so() -> None:
    (last,) = daily(source(), [40])

    plan = make_plan(Inventory((), (last,)), EXPIRING, NOW)

    assert why(plan) == {last.name: ("its source is gone, and its own tags name no policy",)}


def test_orphans_that_expire_age_as_if_their_schedule_had_gone_on() -> None:
    points = daily(source(backup="daily", backup_keep="3"), [2, 3, 4])

    plan = make_plan(Inventory((CLINIC,), points), EXPIRING, NOW)

    assert why(plan) == {points[0].name: ("last snapshot",)}
    assert dropped(plan) == names(points[1:])


def test_what_waits_for_its_deletion_says_whether_it_goes_as_an_orphan() -> None:
    gone, shop = source("gone", backup="daily", backup_keep="1"), source(backup="daily", backup_keep="1")
    orphans, pushed_out = daily(gone, [40, 41], expires_at=NOW + HOUR), daily(shop, [0, 1], expires_at=NOW + HOUR)

    plan = make_plan(Inventory((shop,), (*orphans, *pushed_out)), EXPIRING, NOW)

    assert {kept.point.name: kept.cause for kept in plan.kept if kept.expires_at} == {
        orphans[1].name: Cause.ORPHANED,
        pushed_out[1].name: Cause.PUSHED_OUT,
    }


def test_the_last_of_the_orphans_stays_although_no_rule_keeps_it_on_the_clock_of_its_zone() -> None:
    shop = source(backup="hourly", backup_keep="daily=2")
    last = point(shop, NOW - 40 * DAY)
    settings = replace(Settings.from_mapping({"timeZone": "Asia/Tokyo"}), orphans=Orphans.EXPIRE)

    plan = make_plan(Inventory((), (last,)), settings, NOW)

    assert why(plan) == {last.name: ("newest usable snapshot",)}
