"""Which copies are made in another Region, and how those there stand: by content and by time."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.actions import CancelDeletion, Copy, ScheduleDeletion
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import (
    CopyStatus,
    Inventory,
    Plan,
    Problem,
    Prune,
    ReadFailure,
    RecoveryPoint,
    Severity,
    Snapshot,
    SnapshotState,
    Source,
    Status,
    Stranger,
)
from lightkeeper.names import attempt_of_copy, copy_name
from lightkeeper.overview import said_of_copies
from lightkeeper.plan import make_plan, with_begun
from lightkeeper.settings import Settings
from tests.support.inventories import (
    DAY,
    HOUR,
    NOW,
    REGION,
    THREE,
    WHOLE,
    created,
    daily,
    deleted,
    line,
    marked,
    point,
    source,
    web,
    why,
)

AWAY, FURTHER = "eu-north-1", "us-east-1"
FIVE = NOW.replace(hour=5)
"""The current slot of copies."""
RULE = {"schedule": "0 5 * * *", "keep": "daily=7"}
SETTINGS = Settings.from_mapping({"copies": {AWAY: RULE}})
OFTEN = Settings.from_mapping({"copies": {AWAY: RULE}, "policies": {"often": {"schedule": "0 * * * *", "keep": "2"}}})
A_LITTLE = timedelta(seconds=7)
PENDING, USABLE, ERROR, UNKNOWN = (
    SnapshotState.PENDING,
    SnapshotState.USABLE,
    SnapshotState.ERROR,
    SnapshotState.UNKNOWN,
)
SHOP = source(backup="daily", backup_copy="")
SHOP_TODAY = point(SHOP, THREE)


def copy(
    of: RecoveryPoint,
    state: SnapshotState = USABLE,
    *,
    made: datetime | None = None,
    attempt: int = 1,
    region: str = AWAY,
) -> RecoveryPoint:
    """Return the copy of a recovery point; unless given, it was made two hours after that was asked for."""
    name = copy_name(of.source_name, of.source_arn, "Lightkeeper", of.slot, region, attempt)
    return replace(
        of,
        name=name,
        region=region,
        state=state,
        attempt=attempt,
        copied_at=made or of.slot + 2 * HOUR,
        expires_at=None,
    )


def stranger(name: str, made: datetime = NOW) -> Stranger:
    return Stranger(AWAY, name, made)


def without_tags(of: RecoveryPoint, **changes: object) -> Snapshot:
    """Return the copy of a recovery point to which its tags were not given."""
    bare = Snapshot(
        kind=of.kind,
        name=copy(of).name,
        region=AWAY,
        state=USABLE,
        created_at=NOW,
        size_gib=of.size_gib,
        source_name="",
        source_arns=frozenset(),
        from_auto_snapshot=False,
        tags={},
    )
    return replace(bare, **changes)  # type: ignore[arg-type]


def plan_of(
    what: Source | None,
    points: Iterable[RecoveryPoint],
    settings: Settings = SETTINGS,
    now: datetime = NOW,
    *,
    nameless: Iterable[Snapshot] = (),
    strangers: Iterable[Stranger] = (),
    unread: ReadFailure | None = None,
) -> Plan:
    """Return the plan of a Region and its copies."""
    inventory = Inventory(
        sources=(what,) if what else (),
        points=tuple(points),
        failures=(unread,) if unread else (),
        regions=(REGION,),
        targets=tuple(settings.copies),
        nameless=tuple(nameless),
        strangers=tuple(strangers),
    )
    return make_plan(inventory, settings, now)


def copies(plan: Plan) -> list[Copy]:
    """Return what is copied."""
    return [action for action in plan.actions if isinstance(action, Copy)]


def copied(plan: Plan) -> list[datetime]:
    """Return of which slots the snapshots are that are copied."""
    return [each.original.slot for each in copies(plan)]


def there(plan: Plan, name: str = "shop") -> CopyStatus:
    """Return how the copies of a source stand in the one Region where there are any."""
    (found,) = line(plan, name).copies
    return found


def attempt_in(each: Copy, of: Source = SHOP) -> int | None:
    """Return which attempt the name of a copy says it is."""
    return attempt_of_copy(each.target.snapshot, of.name, of.arn, "Lightkeeper", each.target.slot, each.target.region)


# What is copied, and when


def test_what_is_newest_is_copied_at_the_slot_and_the_reason_says_so() -> None:
    today, yesterday = daily(SHOP, range(2))

    (made,) = copies(plan_of(SHOP, [today, yesterday, copy(yesterday)]))

    assert (made.original.region, made.original.snapshot) == (REGION, today.name)
    assert (made.target.region, made.target.snapshot) == (AWAY, copy(today).name)
    for of in (made.target, made.original):
        assert (of.slot, of.kind, of.policy) == (THREE, SnapshotKind.DISK, "daily")
        assert (of.source, of.source_arn) == ("shop", SHOP.arn)
    assert made.reason == "eu-north-1 has nothing as new for the slot 2026-06-15T05:00:00Z"
    assert not made.is_begun


def test_before_its_slot_nothing_is_copied_however_new() -> None:
    today, yesterday = daily(SHOP, range(2))
    points = [today, yesterday, copy(yesterday)]

    assert copied(plan_of(SHOP, points, now=FIVE - timedelta(minutes=1))) == []
    assert copied(plan_of(SHOP, points, now=FIVE)) == [THREE]


def test_a_copy_waits_for_a_snapshot_that_this_run_is_the_first_to_take_however_old_its_slot_is() -> None:
    """One run a day, and long after the slot: without it each slot of copies would be copied twice."""
    settings = Settings.from_mapping(
        {
            "tick": "cron(0 7 * * ? *)",
            "copies": {AWAY: {"schedule": "0 5 * * 0", "keep": "weekly=8"}},
            "policies": {"afternoon": {"schedule": "0 15 * * *", "keep": "7"}},
        }
    )
    shop = source(backup="afternoon", backup_copy="")
    sunday = datetime(2026, 6, 14, 7, tzinfo=UTC)
    week = [point(shop, sunday.replace(hour=15) - n * DAY, taken=sunday - (n - 1) * DAY) for n in range(2, 9)]

    first = plan_of(shop, [*week, copy(week[-1])], settings, sunday)
    taken = point(shop, sunday.replace(hour=15) - DAY, taken=sunday + A_LITTLE)
    second = plan_of(shop, [taken, *week, copy(week[-1])], settings, sunday + DAY)

    assert (len(created(first)), copied(first)) == (1, [])
    assert copied(second) == [taken.slot]


def test_where_both_are_due_at_once_the_copy_waits_for_the_snapshot_that_the_run_takes() -> None:
    settings = Settings.from_mapping({"copies": {AWAY: RULE | {"schedule": "0 3 * * *"}}})
    yesterday, before = daily(SHOP, (1, 2))

    plan = plan_of(SHOP, [yesterday, before, copy(before)], settings, THREE)

    assert [create.target.slot for create in created(plan)] == [THREE]
    assert copied(plan) == []


@pytest.mark.parametrize("state", [USABLE, UNKNOWN, PENDING])
def test_a_copy_of_what_was_newest_covers_the_slot(state: SnapshotState) -> None:
    today, yesterday = daily(SHOP, range(2))

    assert copied(plan_of(SHOP, [today, yesterday, copy(today, state, made=FIVE)])) == []


def test_so_does_one_of_newer_content_and_one_that_was_made_before_its_slot() -> None:
    shop = source(backup="often", backup_copy="")
    noon, eleven, five = (point(shop, NOW.replace(hour=hour)) for hour in (12, 11, 5))

    assert copied(plan_of(shop, [noon, eleven, five, copy(eleven, made=NOW)], OFTEN)) == []
    today, yesterday = daily(SHOP, range(2))
    assert copied(plan_of(SHOP, [today, yesterday, copy(today, made=FIVE - HOUR)])) == []


def test_a_copy_of_old_content_covers_nothing_however_late_it_was_made() -> None:
    today, yesterday = daily(SHOP, range(2))

    assert copied(plan_of(SHOP, [today, yesterday, copy(yesterday, made=NOW)])) == [THREE]


def test_what_comes_after_a_slot_waits_for_the_next_one() -> None:
    shop = source(backup="often", backup_copy="")
    noon, eleven, five = (point(shop, NOW.replace(hour=hour)) for hour in (12, 11, 5))

    assert copied(plan_of(shop, [noon, eleven, five, copy(five)], OFTEN)) == []


def test_a_late_copy_has_the_newest_content_there_is() -> None:
    shop = source(backup="often", backup_copy="")
    noon, eleven, five = (point(shop, NOW.replace(hour=hour)) for hour in (12, 11, 5))

    assert copied(plan_of(shop, [noon, eleven, five], OFTEN)) == [NOW]


def test_only_what_is_usable_is_copied() -> None:
    today, yesterday = daily(SHOP, range(2))

    for state in (ERROR, UNKNOWN):
        assert copied(plan_of(SHOP, [replace(today, state=state), yesterday])) == [yesterday.slot]


@pytest.mark.parametrize("tags", [{}, {"backup_copy": "off"}])
def test_what_nobody_asks_for_is_not_copied(tags: dict[str, str]) -> None:
    shop = replace(SHOP, tags={"backup": "daily"} | {key.replace("_", ":"): value for key, value in tags.items()})

    plan = plan_of(shop, daily(shop, range(2)))

    assert (copied(plan), line(plan).copies) == ([], ())


def test_each_region_is_copied_to_at_its_own_time() -> None:
    settings = Settings.from_mapping({"copies": {AWAY: RULE, FURTHER: RULE | {"schedule": "0 5 * * 0"}}})
    days = daily(SHOP, range(3))
    sunday = days[1]

    plan = plan_of(SHOP, [*days, copy(sunday, region=FURTHER)], settings)

    assert [(each.target.region, each.original.slot) for each in copies(plan)] == [(AWAY, THREE)]


def test_a_rule_counts_in_its_own_zone() -> None:
    """Five in Tokyo is eight in the evening before, UTC."""
    settings = Settings.from_mapping({"copies": {AWAY: RULE | {"timeZone": "Asia/Tokyo"}}})
    today, yesterday = daily(SHOP, range(2))
    points = [today, yesterday, copy(yesterday)]

    assert copied(plan_of(SHOP, points, settings)) == []
    evening = NOW.replace(hour=20)
    assert copied(plan_of(SHOP, points, settings, evening - timedelta(minutes=1))) == []
    assert copied(plan_of(SHOP, points, settings, evening)) == [THREE]
    assert there(plan_of(SHOP, points, settings)).next_slot == evening


def test_what_is_left_of_a_source_that_is_gone_is_copied() -> None:
    today, yesterday = daily(SHOP, range(2))

    (made,) = copies(plan_of(None, [today, yesterday]))
    assert (made.original.slot, made.target.policy) == (THREE, None)
    assert copied(plan_of(None, [today, yesterday, copy(today)])) == []


# Where little is kept at home


def hourly(hours: Iterable[int], shop: Source) -> list[RecoveryPoint]:
    """Return a point for each of these hours of today, newest first; each is taken a little after its slot."""
    return [point(shop, slot := NOW.replace(hour=hour), taken=slot + A_LITTLE) for hour in sorted(hours, reverse=True)]


def test_where_what_was_newest_is_gone_content_of_since_the_slot_before_will_do() -> None:
    shop = source(backup="often", backup_copy="")
    (five,) = hourly([5], shop)

    assert copied(plan_of(shop, [*hourly([11, 12], shop), copy(five)], OFTEN)) == []


def test_and_content_of_the_slot_before_will_not() -> None:
    shop = source(backup="often", backup_copy="")
    yesterday = point(shop, FIVE - DAY, taken=FIVE - DAY + A_LITTLE)

    assert copied(plan_of(shop, [*hourly([11, 12], shop), copy(yesterday)], OFTEN)) == [NOW]


def test_an_old_one_that_is_kept_beside_the_newest_stands_for_nothing_that_is_gone() -> None:
    """By `last=2 monthly=12`, what was newest at the slot is gone, and that of a week ago stays."""
    shop = source(backup="often", backup_copy="")
    first = point(shop, NOW - 7 * DAY)
    yesterday = point(shop, FIVE - DAY, taken=FIVE - DAY + A_LITTLE)
    at_home = [*hourly([11, 12], shop), first]

    assert copied(plan_of(shop, [*at_home, copy(yesterday)], OFTEN)) == [NOW]
    assert copied(plan_of(shop, [*at_home, copy(hourly([5], shop)[0])], OFTEN)) == []


def test_the_newest_of_those_before_the_slot_that_are_left_stands_for_what_is_gone() -> None:
    """By `last=2 daily=7`, of yesterday its last one stays."""
    shop = source(backup="often", backup_copy="")
    last, earlier = (point(shop, NOW.replace(day=14, hour=hour)) for hour in (23, 10))
    at_home = [*hourly([11, 12], shop), last]

    assert copied(plan_of(shop, [*at_home, copy(earlier)], OFTEN)) == [NOW]
    assert copied(plan_of(shop, [*at_home, copy(last)], OFTEN)) == []


@pytest.mark.parametrize(("minutes", "is_due"), [(60, False), (30, True)])
def test_content_that_was_asked_for_long_ago_and_taken_late_counts_as_of_when_it_was_taken(
    minutes: int, *, is_due: bool
) -> None:
    shop = source(backup="often", backup_copy="")
    eleven, ten = (point(shop, NOW.replace(hour=hour)) for hour in (11, 10))
    late = point(shop, THREE - DAY, taken=ten.taken + timedelta(minutes=minutes))

    assert copied(plan_of(shop, [eleven, ten, copy(late)], OFTEN, NOW - HOUR)) == ([eleven.slot] if is_due else [])


def test_what_is_taken_rarely_is_copied_once() -> None:
    shop = source(backup="weekly", backup_copy="")
    this, last = (point(shop, THREE - days * DAY) for days in (1, 8))

    assert copied(plan_of(shop, [this, last, copy(this)])) == []
    before_its_slot = NOW.replace(day=14, hour=4)
    assert copied(plan_of(shop, [this, last, copy(last)], now=before_its_slot)) == []
    assert copied(plan_of(shop, [this, last, copy(last)], now=before_its_slot + HOUR)) == [this.slot]


def test_while_home_takes_nothing_the_same_is_not_copied_again() -> None:
    old = point(SHOP, THREE - 5 * DAY)
    failed = [point(SHOP, THREE, ERROR, attempt=attempt) for attempt in (3, 2, 1)]

    assert copied(plan_of(SHOP, [*failed, old, copy(old)])) == []


def test_a_name_that_is_somebody_elses_in_that_region_is_left_to_them() -> None:
    (today,) = daily(SHOP, [0])
    his, hers = (copy(today, attempt=attempt).name for attempt in (1, 2))

    def attempt_beside(*strangers: Stranger) -> int | None:
        (planned,) = copies(plan_of(SHOP, [today], strangers=strangers))
        return attempt_in(planned)

    assert attempt_beside(stranger(his), stranger(hers)) == 3
    assert attempt_beside(stranger(hers)) == 1
    elsewhere = stranger(copy(today, region=FURTHER).name)
    assert attempt_beside(replace(stranger(his), region=FURTHER), elsewhere) == 1


def test_a_name_that_something_untagged_has_which_is_no_copy_is_not_asked_for_either() -> None:
    (today,) = daily(SHOP, [0])

    (planned,) = copies(plan_of(SHOP, [today], nameless=[without_tags(today, size_gib=9)]))

    assert attempt_in(planned) == 2


def test_copies_that_somebody_s_tags_make_theirs_are_made_again_as_often_as_those_that_fail_and_it_is_told() -> None:
    """Each costs as much as one of ours: an automation that writes tags must not have one made in every run."""
    monthly = source(backup="monthly", backup_copy="")
    first = point(monthly, NOW.replace(day=1, hour=3))
    lost = [stranger(copy(first, attempt=n + 1).name, FIVE - 2 * DAY + n * HOUR) for n in range(3)]
    at = FIVE - 2 * DAY + 3 * HOUR

    tried = plan_of(monthly, [first], now=at, strangers=lost[:2])
    waiting = plan_of(monthly, [first], now=at, strangers=lost)
    a_day_later = plan_of(monthly, [first], now=lost[2].made + DAY, strangers=lost)

    assert [attempt_in(each, monthly) for each in copies(tried)] == [3]
    assert copies(waiting) == []
    assert [attempt_in(each, monthly) for each in copies(a_day_later)] == [4]
    assert there(a_day_later).overdue_since == FIVE - 14 * DAY
    assert there(with_begun(a_day_later, copies(a_day_later))).overdue_since, "one more is no sign that it stays ours"
    assert f"; {lost[2].name} has the name of a copy, and tags that are not ours; there is none yet" in said_of_copies(
        there(a_day_later), ZoneInfo("UTC")
    )
    assert there(plan_of(monthly, [first], now=at, strangers=[stranger(copy(SHOP_TODAY).name)])).taken_over == ()


def test_those_at_one_slot_are_counted_together_whatever_was_newest_each_time() -> None:
    shop = source(backup="often", backup_copy="")
    points = hourly([5, 6, 7, 12], shop)
    lost = [stranger(copy(each).name, each.slot + HOUR) for each in points[1:]]

    assert copied(plan_of(shop, points, OFTEN, strangers=lost)) == []
    assert copied(plan_of(shop, points, OFTEN, strangers=lost[1:])) == [NOW]
    at_the_slot = replace(lost[0], made=FIVE)
    assert copied(plan_of(shop, points, OFTEN, strangers=[at_the_slot, *lost[1:]])) == []


def test_meanwhile_nothing_is_pruned_there_and_the_reason_names_the_tags() -> None:
    old, older = daily(SHOP, (9, 10))
    (today,) = daily(SHOP, [0])
    lost = [stranger(copy(today, attempt=n + 1).name, FIVE + n * HOUR) for n in range(3)]
    settings = Settings.from_mapping({"copies": {AWAY: RULE | {"keep": "1"}}})

    plan = plan_of(SHOP, [today, old, older, copy(old), copy(older)], settings, strangers=lost)

    (reason,) = why(plan)[copy(older).name]
    assert reason.startswith("nothing is pruned while no copy succeeds: 3 copies to eu-north-1 ended in error")
    assert reason.endswith("ended in error, or have tags that are not ours")


# What is on its way


def test_a_snapshot_that_is_on_its_way_is_waited_for() -> None:
    today, yesterday = daily(SHOP, range(2))
    taking = replace(today, state=PENDING)

    assert copied(plan_of(SHOP, [taking, yesterday], now=FIVE)) == []
    assert copied(plan_of(SHOP, [today, yesterday], now=FIVE + HOUR)) == [THREE]


def test_so_is_one_that_this_run_takes() -> None:
    (yesterday,) = daily(SHOP, [1])

    plan = plan_of(SHOP, [yesterday], now=FIVE)

    assert [each.target.slot for each in created(plan)] == [THREE]
    assert copied(plan) == []


@pytest.mark.parametrize(("tick", "is_waited_for"), [("rate(23 hours)", True), ("rate(24 hours)", False)])
def test_neither_is_waited_for_where_the_next_run_has_a_slot_of_its_own(tick: str, *, is_waited_for: bool) -> None:
    settings = Settings.from_mapping({"copies": {AWAY: RULE}, "tick": tick})
    today, yesterday = daily(SHOP, range(2))

    for points in ([replace(today, state=PENDING), yesterday], [yesterday]):
        assert copied(plan_of(SHOP, points, settings, now=FIVE)) == ([] if is_waited_for else [yesterday.slot])


def test_one_that_does_not_end_or_cannot_be_begun_is_not_waited_for_longer_than_until_it_is_overdue() -> None:
    today, yesterday = daily(SHOP, range(2))
    hangs = replace(today, state=PENDING)

    for points in ([hangs, yesterday], [yesterday]):
        assert copied(plan_of(SHOP, points, now=THREE + 6 * HOUR - timedelta(minutes=1))) == []
        assert copied(plan_of(SHOP, points, now=THREE + 6 * HOUR)) == [yesterday.slot]


def test_one_that_was_asked_for_after_the_slot_is_not_waited_for() -> None:
    shop = source(backup="often", backup_copy="")
    noon, eleven, five = hourly([5, 11, 12], shop)

    assert copied(plan_of(shop, [replace(noon, state=PENDING), eleven, five], OFTEN)) == [eleven.slot]


# Copies that fail


def failures(of: RecoveryPoint, *hours: int) -> list[RecoveryPoint]:
    """Return the copies of a recovery point that were made at these hours of today and ended in error."""
    return [copy(of, ERROR, made=NOW.replace(hour=hour), attempt=n) for n, hour in enumerate(hours, 1)]


@pytest.mark.parametrize(("hours", "attempt"), [((), 1), ((5,), 2), ((5, 6), 3)])
def test_one_that_ended_in_error_is_tried_again_at_once_up_to_three_times(hours: tuple[int, ...], attempt: int) -> None:
    today, yesterday = daily(SHOP, range(2))

    (again,) = copies(plan_of(SHOP, [today, yesterday, copy(yesterday), *failures(today, *hours)]))

    assert (again.original.slot, attempt_in(again)) == (THREE, attempt)
    assert again.reason.startswith(f"attempt {attempt}: " if attempt > 1 else "eu-north-1 has nothing as new")


def test_after_three_it_is_tried_once_a_day_and_meanwhile_nothing_is_pruned_there() -> None:
    monthly = source(backup="monthly", backup_copy="")
    first = point(monthly, NOW.replace(day=1, hour=3))
    old = [point(monthly, NOW.replace(month=month, day=1, hour=3)) for month in (5, 4)]
    settings = Settings.from_mapping({"copies": {AWAY: RULE | {"keep": "1"}}})
    points = [first, *old, *map(copy, old), *failures(first, 5, 6, 7)]

    waiting = plan_of(monthly, points, settings, NOW.replace(hour=7) + DAY - timedelta(minutes=1))
    (fourth,) = copies(plan_of(monthly, points, settings, NOW.replace(hour=7) + DAY))

    assert copied(waiting) == []
    assert why(waiting)[copy(old[1]).name] == (
        "nothing is pruned while no copy succeeds: 3 copies to eu-north-1 ended in error",
    )
    assert attempt_in(fourth, monthly) == 4


def test_errors_of_another_day_s_content_are_no_attempts_at_today_s() -> None:
    today, yesterday = daily(SHOP, range(2))
    failed = [copy(yesterday, ERROR, made=FIVE - DAY + n * HOUR, attempt=n + 1) for n in range(3)]

    (made,) = copies(plan_of(SHOP, [today, yesterday, *failed]))

    assert (made.original.slot, attempt_in(made)) == (THREE, 1)


def test_three_errors_from_the_slot_on_are_three_attempts_at_it() -> None:
    today, yesterday = daily(SHOP, range(2))
    failed = [copy(yesterday, ERROR, made=FIVE + n * HOUR, attempt=n + 1) for n in range(3)]

    assert copied(plan_of(SHOP, [today, yesterday, *failed])) == []
    assert copied(plan_of(SHOP, [today, yesterday, *failed[1:]])) == [THREE]


def test_copies_of_old_content_that_came_late_are_no_errors() -> None:
    today, *old = daily(SHOP, range(4))

    assert copied(plan_of(SHOP, [today, *old, *(copy(each, made=FIVE) for each in old)])) == [THREE]


def test_errors_at_one_slot_are_counted_together_whatever_was_newest_each_time() -> None:
    """An hourly source has something newer in each run: it would be tried in each for ever."""
    shop = source(backup="often", backup_copy="")
    points = hourly([5, 6, 7, 12], shop)
    failed = [copy(each, ERROR, made=each.slot + HOUR) for each in points[1:]]

    assert copied(plan_of(shop, [*points, *failed], OFTEN)) == []
    assert copied(plan_of(shop, [*points, *failed[1:]], OFTEN)) == [NOW]


def test_a_copy_of_the_same_content_that_has_not_ended_covers_a_slot_for_three_days() -> None:
    monthly = source(backup="monthly", backup_copy="")
    first = point(monthly, NOW.replace(day=1, hour=3))

    def made_again(made: datetime, now: datetime = FIVE) -> list[int | None]:
        plan = plan_of(monthly, [first, copy(first, PENDING, made=made)], now=now)
        return [attempt_in(each, monthly) for each in copies(plan)]

    assert made_again(FIVE - HOUR) == []
    assert made_again(FIVE - 3 * DAY) == [], "that of a large disk takes long"
    assert made_again(FIVE - 3 * DAY - timedelta(minutes=1)) == [2]
    assert made_again(FIVE, NOW.replace(hour=23)) == [], "not twice at one slot"


@pytest.mark.parametrize("changes", [{"overdueAfter": "9d"}, {"copies": {AWAY: RULE | {"schedule": "0 5 1 * *"}}}])
def test_nor_where_the_slot_or_patience_with_it_is_longer(changes: dict[str, object]) -> None:
    monthly = source(backup="monthly", backup_copy="")
    first = point(monthly, NOW.replace(day=1, hour=3))
    settings = Settings.from_mapping(SETTINGS.to_mapping() | changes)

    assert copied(plan_of(monthly, [first, copy(first, PENDING, made=FIVE - 5 * DAY)], settings)) == []


def test_one_without_tags_that_does_not_end_or_ended_in_error_is_made_again_too() -> None:
    monthly = source(backup="monthly", backup_copy="")
    first = point(monthly, NOW.replace(day=1, hour=3))

    def made_again(state: SnapshotState, made: datetime) -> list[int | None]:
        bare = without_tags(first, state=state, created_at=made)
        plan = plan_of(monthly, [first], now=FIVE, nameless=[bare])
        return [attempt_in(each, monthly) for each in copies(plan) if not each.is_begun]

    assert made_again(PENDING, FIVE - 3 * DAY) == []
    assert made_again(PENDING, FIVE - 3 * DAY - timedelta(minutes=1)) == [2]
    assert made_again(USABLE, FIVE - 9 * DAY) == []
    assert made_again(ERROR, FIVE - HOUR) == [2]
    second = without_tags(first, state=ERROR, created_at=FIVE - HOUR, name=copy(first, attempt=2).name)
    marked_first = replace(first, expires_at=NOW + HOUR)
    third = [attempt_in(each, monthly) for each in copies(plan_of(monthly, [marked_first], nameless=[second]))]
    assert third == [2, 3], "that one is finished, and one made after it"


def test_one_without_tags_that_has_hung_for_long_is_no_sign_that_the_next_one_will_be_usable() -> None:
    today, yesterday = daily(SHOP, range(2))
    for state, is_stuck in ((PENDING, True), (USABLE, False)):
        bare = without_tags(yesterday, state=state, created_at=NOW - DAY)
        assert there(plan_of(SHOP, [today, yesterday], nameless=[bare])).is_stuck is is_stuck


def test_what_is_older_than_its_content_is_no_copy_of_it() -> None:
    """The snapshot of a slot was deleted and taken anew: what was copied before then is of the former."""
    today, *_ = daily(SHOP, range(2))
    former = without_tags(today, created_at=today.taken - HOUR)

    plan = plan_of(SHOP, [today], nameless=[former])

    (made,) = copies(plan)
    assert (made.is_begun, made.target.snapshot != former.name, attempt_in(made)) == (False, True, 2)
    assert copies(plan_of(SHOP, [today], nameless=[without_tags(today, created_at=today.taken)]))[0].is_begun


def test_whatever_its_state_no_copy_has_the_name_of_one_that_is_there() -> None:
    today, yesterday = daily(SHOP, range(2))
    hangs = copy(today, PENDING, made=FIVE - 4 * DAY)

    (made,) = copies(plan_of(SHOP, [today, yesterday, hangs, copy(today, ERROR, attempt=2)]))

    assert attempt_in(made) == 3


# Between copy and tags


@pytest.mark.parametrize(("state", "stays"), [(PENDING, True), (UNKNOWN, True), (USABLE, False), (ERROR, False)])
def test_an_original_stays_while_nobody_knows_that_its_copy_has_ended(state: SnapshotState, *, stays: bool) -> None:
    shop = source(backup="daily", backup_keep="1", backup_copy="")
    today, yesterday = daily(shop, range(2))

    plan = plan_of(shop, [today, yesterday, copy(today), copy(yesterday, state)])

    assert (yesterday.name not in marked(plan)) is stays


def test_a_copy_without_tags_is_finished_and_covers_what_it_is_of() -> None:
    today, yesterday = daily(SHOP, range(2))

    (finish,) = copies(plan_of(SHOP, [today, yesterday], nameless=[without_tags(today)]))

    assert finish.is_begun
    assert (finish.original.region, finish.original.snapshot) == (REGION, today.name)
    assert (finish.target.region, finish.target.snapshot) == (AWAY, copy(today).name)
    assert finish.reason == "it was copied, and has no tags yet"


def test_one_of_older_content_is_finished_and_the_newest_is_copied_beside_it() -> None:
    today, yesterday = daily(SHOP, range(2))

    begun, new = copies(plan_of(SHOP, [today, yesterday], nameless=[without_tags(yesterday)]))

    assert (begun.is_begun, begun.original.slot) == (True, yesterday.slot)
    assert (new.is_begun, new.original.slot) == (False, THREE)


def test_one_is_finished_although_nothing_is_copied_any_more_or_a_snapshot_is_waited_for() -> None:
    today, yesterday = daily(SHOP, range(2))
    bare = without_tags(yesterday)
    no_more = replace(SHOP, tags={"backup": "daily"})

    for what, points in ((no_more, [today, yesterday]), (SHOP, [replace(today, state=PENDING), yesterday])):
        (finish,) = copies(plan_of(what, points, now=FIVE, nameless=[bare]))
        assert (finish.is_begun, finish.original.slot) == (True, yesterday.slot)


@pytest.mark.parametrize(
    "changes",
    [
        {"size_gib": 9},
        {"kind": SnapshotKind.INSTANCE},
        {"region": FURTHER},
        {"name": "by-hand"},
        {"name": copy(point(replace(SHOP, name="shop2"), THREE)).name},
        {"name": copy(point(SHOP, THREE - HOUR)).name},
        {"name": point(SHOP, THREE).name},
    ],
)
def test_what_is_not_of_the_very_name_kind_and_size_is_not_ours_to_tag(changes: dict[str, object]) -> None:
    today, yesterday = daily(SHOP, range(2))

    plan = plan_of(SHOP, [today, yesterday, copy(today)], nameless=[without_tags(today, **changes)])

    assert copies(plan) == []


def test_nor_is_what_may_be_the_copy_of_something_of_which_none_can_have_been_made() -> None:
    today, yesterday = daily(SHOP, range(2))
    never = replace(today, state=PENDING)

    assert copies(plan_of(SHOP, [never, yesterday, copy(yesterday)], nameless=[without_tags(today)])) == []


def test_nor_is_what_may_be_the_copy_of_something_that_is_gone() -> None:
    today, yesterday = daily(SHOP, range(2))

    assert copies(plan_of(SHOP, [today, copy(today)], nameless=[without_tags(yesterday)])) == []


def test_what_has_a_copy_s_name_while_its_original_is_gone_is_said_as_advice() -> None:
    today, yesterday, before = daily(SHOP, range(3))
    lost = without_tags(before)

    plan = plan_of(SHOP, [today, yesterday, copy(yesterday)], nameless=[without_tags(today), lost])

    assert plan.problems == (
        Problem(
            region=REGION,
            source="shop",
            arn=SHOP.arn,
            tag=None,
            value=None,
            message=f"{lost.name} in {AWAY} has the name of a copy and no tags, and what it would be a copy of is "
            "gone: nobody knows of when it is, so it is left alone, and it costs; expected that you tag it as yours, "
            "or delete it",
            suggestion=None,
            severity=Severity.ADVICE,
        ),
    )


def test_a_snapshot_stays_at_home_until_its_copy_has_its_tags() -> None:
    shop = source(backup="daily", backup_keep="1", backup_copy="")
    today, yesterday = daily(shop, range(2))

    plan = plan_of(shop, [today, yesterday, copy(today)], nameless=[without_tags(yesterday)])

    assert why(plan)[yesterday.name] == ("being copied to eu-north-1",)
    assert yesterday.name not in why(plan_of(shop, [today, yesterday, copy(today)]))


# Kinds and formats


def test_after_a_switch_what_is_taken_now_is_copied_once_there_is_one() -> None:
    instance = web(backup_copy="", backup_mode="system-disk")
    whole = point(instance, THREE - DAY, kind=WHOLE)
    files = point(instance, THREE, kind=SnapshotKind.DISK)

    assert [each.target.kind for each in copies(plan_of(instance, [whole], now=NOW))] == [WHOLE]
    assert [each.target.kind for each in copies(plan_of(instance, [files, whole]))] == [SnapshotKind.DISK]


def test_a_newer_one_of_a_kind_that_is_not_taken_any_more_is_not_copied_instead() -> None:
    instance = web(backup_copy="")
    whole = point(instance, THREE, kind=WHOLE)
    files = point(instance, NOW - HOUR, kind=SnapshotKind.DISK)

    assert copied(plan_of(instance, [files, whole])) == [THREE]


def test_of_a_database_nothing_is_copied() -> None:
    orders = replace(source("orders", SourceKind.DATABASE), tags={"backup": "daily", "backup:copy": ""})
    points = daily(orders, range(2), kind=SnapshotKind.DATABASE)

    plan = plan_of(orders, points)

    assert (copies(plan), line(plan, "orders").copies) == ([], ())


def test_what_a_newer_release_has_made_is_left_alone_and_the_newest_of_the_others_is_copied() -> None:
    today, yesterday = daily(SHOP, range(2))
    newer = replace(today, newer_format="2")

    assert copied(plan_of(SHOP, [newer, yesterday])) == [yesterday.slot]
    assert copies(plan_of(SHOP, [newer, yesterday, copy(yesterday)], nameless=[without_tags(today)])) == []


# How they stand


def test_what_is_covered_says_what_is_there_and_when_the_next_one_comes() -> None:
    today, yesterday = daily(SHOP, range(2))

    status = there(plan_of(SHOP, [today, yesterday, copy(today), copy(yesterday)]))

    assert (status.region, status.is_wanted, status.is_unknown) == (AWAY, True, False)
    assert [each.taken for each in status.usable] == [THREE, THREE - DAY]
    assert status.newest
    assert status.newest.taken == THREE
    assert (status.next_slot, status.overdue_since) == (FIVE + DAY, None)
    assert (status.pending, status.errors) == ((), ())


def test_a_copy_is_overdue_once_its_slot_is_as_long_ago_as_a_snapshot_s_would_have_to_be() -> None:
    today, yesterday = daily(SHOP, range(2))
    points = [today, yesterday, copy(yesterday)]

    assert there(plan_of(SHOP, points, now=FIVE + 6 * HOUR - timedelta(minutes=1))).overdue_since is None
    assert there(plan_of(SHOP, points, now=FIVE + 6 * HOUR)).overdue_since == FIVE


def test_so_is_one_of_the_very_first_snapshot() -> None:
    settings = Settings.from_mapping({"copies": {AWAY: RULE | {"schedule": "0 3 * * *"}}})
    late = THREE + 6 * HOUR

    assert there(plan_of(SHOP, daily(SHOP, [0]), settings, late - timedelta(minutes=1))).overdue_since is None
    assert there(plan_of(SHOP, daily(SHOP, [0]), settings, late)).overdue_since == THREE


def test_it_is_overdue_since_the_first_slot_that_was_missed() -> None:
    days = daily(SHOP, range(5))

    assert there(plan_of(SHOP, [*days, copy(days[3])])).overdue_since == FIVE - 2 * DAY
    assert there(plan_of(SHOP, days)).overdue_since == FIVE - 4 * DAY, "there was something to copy since"


def test_a_copy_on_its_way_is_not_overdue_unless_those_before_it_failed_or_it_does_not_end() -> None:
    today, yesterday = daily(SHOP, range(2))
    behind = [today, yesterday, copy(yesterday)]

    assert there(plan_of(SHOP, [*behind, copy(today, PENDING, made=NOW - HOUR)])).overdue_since is None
    assert there(plan_of(SHOP, [*behind, copy(today, PENDING, made=FIVE)])).overdue_since == FIVE
    again = [copy(today, PENDING, made=NOW - HOUR, attempt=2), copy(today, ERROR)]
    status = there(plan_of(SHOP, [*behind, *again]))
    assert (status.overdue_since, [each.attempt for each in status.errors]) == (FIVE, [1])


def test_an_error_is_told_until_newer_content_is_usable() -> None:
    today, yesterday = daily(SHOP, range(2))
    failed = copy(yesterday, ERROR)

    assert there(plan_of(SHOP, [today, yesterday, failed])).errors == (failed,)
    assert there(plan_of(SHOP, [today, yesterday, failed, copy(today)])).errors == ()


def test_a_copy_that_takes_no_tags_yet_is_on_its_way_as_long_as_one_with_them_would_be() -> None:
    today, yesterday = daily(SHOP, [0, 1])
    points, now = [today, yesterday, copy(yesterday)], FIVE + 7 * HOUR

    for made, expected in ((now - HOUR, None), (now - 6 * HOUR, FIVE)):
        bare = without_tags(today, state=PENDING, created_at=made)
        assert there(plan_of(SHOP, points, now=now, nameless=[bare])).overdue_since == expected


def test_where_a_run_is_rare_a_copy_has_the_time_of_two_runs() -> None:
    today, yesterday, before = daily(SHOP, range(3))
    points = [today, yesterday, before, copy(before)]
    daily_run = Settings.from_mapping({"copies": {AWAY: RULE}, "tick": "rate(1 day)"})

    assert there(plan_of(SHOP, points, now=FIVE + 7 * HOUR)).overdue_since == FIVE - DAY
    assert there(plan_of(SHOP, points, daily_run, now=FIVE + DAY - HOUR)).overdue_since is None
    assert there(plan_of(SHOP, points, daily_run, now=FIVE + DAY)).overdue_since == FIVE - DAY


def test_a_copy_that_the_run_has_begun_is_on_its_way() -> None:
    today, yesterday = daily(SHOP, [0, 1])
    plan = plan_of(SHOP, [today, yesterday, copy(yesterday)])
    failing = plan_of(SHOP, [today, yesterday, copy(yesterday), copy(today, ERROR)])
    assert (there(plan).overdue_since, there(failing).overdue_since) == (FIVE, FIVE)

    assert there(with_begun(plan, plan.actions)).overdue_since is None
    assert there(with_begun(plan, [])).overdue_since == FIVE
    assert there(with_begun(failing, failing.actions)).overdue_since == FIVE, (
        "one more is no sign that it will end well"
    )


def test_where_little_is_kept_at_home_and_no_copy_succeeds_it_is_overdue_all_the_same() -> None:
    shop = source(backup="often", backup_copy="")
    yesterday = point(shop, FIVE - DAY, taken=FIVE - DAY + A_LITTLE)
    at_home = hourly([11, 12], shop)

    assert there(plan_of(shop, [*at_home, copy(yesterday)], OFTEN)).overdue_since == FIVE
    monthly = point(shop, NOW - 7 * DAY)
    assert there(plan_of(shop, [*at_home, monthly, copy(yesterday)], OFTEN)).overdue_since == FIVE
    assert there(plan_of(shop, [*at_home, copy(hourly([5], shop)[0])], OFTEN)).overdue_since is None


def test_of_what_was_backed_up_for_the_first_time_after_the_slot_no_copy_is_overdue() -> None:
    shop = source(backup="often", backup_copy="", age=3 * HOUR)

    status = there(plan_of(shop, hourly([11, 12], shop), OFTEN))

    assert (status.overdue_since, status.usable) == (None, ())


@pytest.mark.parametrize(
    "unread", [ReadFailure(AWAY, "GetDiskSnapshots", "x"), ReadFailure(REGION, "GetInstanceSnapshots", "x")]
)
def test_where_a_list_of_snapshots_fails_nothing_is_copied_and_nothing_is_claimed(unread: ReadFailure) -> None:
    today, yesterday = daily(SHOP, range(2))

    plan = plan_of(SHOP, [today, yesterday, copy(yesterday)], unread=unread)

    assert (copies(plan), there(plan).is_unknown, there(plan).overdue_since) == ([], True, None)


def test_where_a_list_fails_that_has_no_copies_in_it_the_copies_are_made() -> None:
    today, yesterday = daily(SHOP, range(2))
    unread = ReadFailure(AWAY, "GetDisks", "x")

    plan = plan_of(SHOP, [today, yesterday, copy(yesterday)], unread=unread)

    assert (copied(plan), there(plan).is_unknown) == ([THREE], False)


def test_what_is_not_copied_any_more_is_said_and_is_never_overdue() -> None:
    shop = source(backup="daily")
    today, yesterday = daily(shop, range(2))

    status = there(plan_of(shop, [today, yesterday, copy(yesterday)]))

    assert (status.is_wanted, status.next_slot, status.overdue_since) == (False, None, None)
    assert [each.taken for each in status.usable] == [yesterday.taken]
    assert status.stopped_since == FIVE - DAY, "the first slot of which there is no copy"


def test_what_is_copied_has_not_stopped_nor_has_what_never_was() -> None:
    today, yesterday = daily(SHOP, range(2))
    no_more = source(backup="daily")

    assert there(plan_of(SHOP, [today, yesterday, copy(yesterday)])).stopped_since is None
    assert there(plan_of(SHOP, [today, yesterday])).stopped_since is None
    assert there(plan_of(no_more, [today, copy(yesterday, ERROR)])).stopped_since is None


MONTHLY = Settings.from_mapping(
    {
        "copies": {AWAY: {"schedule": "0 5 1 * *", "keep": "monthly=12"}},
        "policies": {"shop": {"schedule": "0 3 * * *", "keep": "daily=7"}},
    }
)


@pytest.mark.parametrize("day", [2, 8, 9, 31])
def test_a_slot_that_was_missed_stays_missed_when_home_has_nothing_of_it_any_more(day: int) -> None:
    """A copy of June was made in June; that July has one is not to be had from it, whatever home keeps."""
    shop = source(backup="shop", backup_copy="")
    june = copy(point(shop, datetime(2026, 6, 10, 3, tzinfo=UTC)))
    now = datetime(2026, 7, day, 12, tzinfo=UTC)
    week = [point(shop, now.replace(hour=3) - days * DAY) for days in range(8)]

    plan = plan_of(shop, [*week, june], MONTHLY, now)

    assert copied(plan) == [week[0].slot]
    assert there(plan).overdue_since == datetime(2026, 7, 1, 5, tzinfo=UTC)
    made = copy(week[0], made=now)
    at_its_slot = copy(point(shop, datetime(2026, 7, 1, 3, tzinfo=UTC)), made=datetime(2026, 7, 1, 5, tzinfo=UTC))
    assert copied(plan_of(shop, [*week, june, at_its_slot], MONTHLY, now)) == []
    covered = plan_of(shop, [*week, june, made], MONTHLY, now + 9 * DAY if day < 20 else now)
    assert (copied(covered), there(covered).overdue_since) == ([], None)


@pytest.mark.parametrize(("month", "day"), [(6, 11), (6, 30), (7, 8), (7, 9), (7, 31)])
def test_where_no_copy_has_ever_succeeded_it_is_overdue_for_as_long_as_that_lasts(month: int, day: int) -> None:
    shop = source(backup="shop", backup_copy="")
    first = datetime(2026, 6, 10, 3, tzinfo=UTC)
    failed = [copy(point(shop, first + n * DAY), ERROR) for n in range(2)]
    now = datetime(2026, month, day, 12, tzinfo=UTC)
    week = [point(shop, now.replace(hour=3) - days * DAY) for days in range(8)]

    plan = plan_of(shop, [*week, *failed], MONTHLY, now)

    assert there(plan).overdue_since == datetime(2026, 6, 1, 5, tzinfo=UTC), "the slot for which the first run copies"


def test_the_first_copies_have_until_they_would_be_overdue_too() -> None:
    shop = source(backup="shop", backup_copy="")
    first = point(shop, datetime(2026, 6, 10, 3, tzinfo=UTC))
    failed = copy(first, ERROR)

    for late, since in ((6 * HOUR - A_LITTLE, None), (6 * HOUR, datetime(2026, 6, 1, 5, tzinfo=UTC))):
        assert there(plan_of(shop, [first, failed], MONTHLY, failed.made + late)).overdue_since == since


def test_nor_is_it_silent_where_home_keeps_nothing_long_enough_to_be_overdue() -> None:
    often = source(backup="often", backup_copy="")
    failed = [copy(point(often, FIVE - n * DAY), ERROR, made=FIVE - n * DAY + HOUR) for n in range(30)]

    plan = plan_of(often, [point(often, NOW), point(often, NOW - HOUR), *failed], OFTEN)

    assert there(plan).overdue_since == FIVE - 29 * DAY


def test_a_slot_that_had_nothing_to_copy_is_not_missed() -> None:
    """What is there was taken after the slot, and the first run copies it at once: it has as long as any."""
    settings = Settings.from_mapping({"copies": {AWAY: RULE}, "overdueAfter": "1d"})
    late = point(SHOP, FIVE - DAY + HOUR)

    for now, since in (
        (late.taken + DAY - HOUR, None),
        (late.taken + DAY, late.slot),
        (FIVE + DAY - HOUR, late.slot),
        (FIVE + DAY, FIVE),
    ):
        plan = plan_of(SHOP, [late], settings, now)
        assert there(plan).overdue_since == since


def test_copies_that_never_came_stay_overdue_though_home_keeps_less_than_lies_between_their_slots() -> None:
    settings = Settings.from_mapping({"copies": {AWAY: {"schedule": "0 5 * * 0", "keep": "weekly=8"}}})
    week = [point(SHOP, FIVE - 2 * HOUR + days * DAY) for days in range(8)]

    for before, last in pairwise(week):
        for hours in (7, 12, 23):
            plan = plan_of(SHOP, [last, before], settings, last.slot + hours * HOUR)
            assert there(plan).overdue_since, f"{hours} hours after {last.slot}"


def test_overdue_copies_do_not_make_the_source_itself_overdue() -> None:
    plan = plan_of(SHOP, daily(SHOP, range(2)))

    assert there(plan).overdue_since
    assert line(plan).status is Status.PROTECTED


def test_a_day_of_patience_is_a_day_of_the_zone() -> None:
    """The day on which Berlin's clocks go forward has 23 hours."""
    rule = RULE | {"timeZone": "Europe/Berlin"}
    settings = Settings.from_mapping({"copies": {AWAY: rule}, "overdueAfter": "1d", "timeZone": "Europe/Berlin"})
    spring = datetime.fromisoformat("2026-03-28T03:00:00+00:00")
    slot = datetime.fromisoformat("2026-03-28T04:00:00+00:00")
    old, new = point(SHOP, spring - DAY), point(SHOP, spring)
    points = [new, old, copy(old)]

    late = slot + timedelta(hours=23)
    assert there(plan_of(SHOP, points, settings, late - timedelta(minutes=1))).overdue_since is None
    assert there(plan_of(SHOP, points, settings, late)).overdue_since == slot


def test_what_does_not_end_for_such_a_day_is_stuck() -> None:
    rule = RULE | {"timeZone": "Europe/Berlin"}
    settings = Settings.from_mapping({"copies": {AWAY: rule}, "overdueAfter": "1d", "timeZone": "UTC"})
    monthly = source(backup="monthly", backup_copy="")
    first = point(monthly, datetime.fromisoformat("2026-03-01T03:00:00+00:00"))
    begun = datetime.fromisoformat("2026-03-28T13:30:00+00:00")
    hangs = copy(first, PENDING, made=begun)

    day = timedelta(hours=23)
    for late, is_stuck in ((day - A_LITTLE, False), (day, True)):
        assert there(plan_of(monthly, [first, hangs], settings, begun + late)).is_stuck is is_stuck


def test_a_snapshot_that_has_not_ended_for_such_a_day_is_not_waited_for_any_more() -> None:
    rule = RULE | {"timeZone": "Europe/Berlin"}
    settings = Settings.from_mapping({"copies": {AWAY: rule}, "overdueAfter": "1d", "timeZone": "UTC"})
    begun = datetime.fromisoformat("2026-03-28T13:30:00+00:00")
    monthly = source(backup="monthly", backup_copy="")
    hangs, before = point(monthly, begun, PENDING), point(monthly, begun - 2 * DAY)

    day = timedelta(hours=23)
    for late, expected in ((day - A_LITTLE, []), (day, [before.slot])):
        assert copied(plan_of(monthly, [hangs, before], settings, begun + late)) == expected


# Whatever there is

HOURS_AGO = st.integers(0, 24 * 40)
THERE_NOW = st.tuples(st.sampled_from([USABLE, PENDING, ERROR, UNKNOWN]), st.integers(1, 60), st.integers(1, 4))
"""Of a copy: its state, so many hours after its content it was made, and which attempt it is."""


@given(
    st.dictionaries(HOURS_AGO, st.tuples(st.sampled_from([USABLE, PENDING, ERROR]), st.none() | THERE_NOW), max_size=9),
    st.sampled_from(["often", "daily", "weekly", "monthly"]),
    st.sets(HOURS_AGO, max_size=4),
)
def test_one_copy_at_most_is_made_and_once_it_is_there_none_is_due_or_overdue(
    found: dict[int, tuple[SnapshotState, tuple[SnapshotState, int, int] | None]], policy: str, gone: set[int]
) -> None:
    shop = source(backup=policy, backup_copy="")
    at_home = [point(shop, NOW - hours * HOUR, state) for hours, (state, _) in sorted(found.items())]
    made = [
        copy(at, state, made=min(at.slot + late * HOUR, NOW), attempt=attempt)
        for at, hours in zip(at_home, sorted(found), strict=True)
        if (at_away := found[hours][1])
        for state, late, attempt in [at_away]
    ]
    # What pruning, or a person, has taken away at home or there.
    points = [*(at for at in at_home if (NOW - at.slot) // HOUR not in gone), *made]

    new = copies(plan_of(shop, points, OFTEN))

    assert len(new) <= 1
    for due in new:
        original = next(at for at in at_home if at.name == due.original.snapshot)
        assert original.state is USABLE
        assert due.target.snapshot not in {at.name for at in made}, "a name of its own"
        assert not any(at.state is USABLE and at.taken >= original.taken for at in made), "nothing is stored twice"
        begun = copy(original, PENDING, made=NOW, attempt=attempt_in(due, shop) or 0)
        assert copies(plan_of(shop, [*points, begun], OFTEN)) == []
        ended = plan_of(shop, [*points, replace(begun, state=USABLE)], OFTEN)
        assert (copies(ended), there(ended).overdue_since) == ([], None)


# What becomes of them


FEW = Settings.from_mapping({"copies": {AWAY: RULE | {"keep": "2"}}, "orphans": "expire"})


def marked_there(plan: Plan) -> list[str]:
    """Return the copies whose deletion is scheduled."""
    return [
        action.target.snapshot
        for action in plan.actions
        if isinstance(action, ScheduleDeletion) and action.target.region == AWAY
    ]


def freed(plan: Plan) -> set[str]:
    """Return the copies whose deletion is scheduled no more."""
    return {
        action.target.snapshot
        for action in plan.actions
        if isinstance(action, CancelDeletion) and action.target.region == AWAY
    }


def test_copies_are_kept_by_the_rule_of_their_region_whatever_home_keeps() -> None:
    shop = source(backup="daily", backup_keep="1", backup_copy="")
    days = daily(shop, range(4))
    made = [copy(each) for each in days]

    plan = plan_of(shop, [*days, *made], FEW)

    assert marked_there(plan) == [made[2].name, made[3].name]
    assert marked(plan) == [each.name for each in (*days[1:], *made[2:])]


def test_a_tag_says_how_long_the_copies_of_one_source_are_kept() -> None:
    shop = replace(SHOP, tags={**SHOP.tags, "backup:copy-keep": "3"})
    made = [copy(each) for each in daily(shop, range(4))]

    assert marked_there(plan_of(shop, [*daily(shop, range(4)), *made], FEW)) == [made[3].name]


def test_what_pushes_a_copy_out_is_newer_content_not_a_newer_copy() -> None:
    """A copy of old content that was made last is the first to go."""
    days = daily(SHOP, range(3))
    made = [copy(days[0]), copy(days[1]), copy(days[2], made=NOW)]

    assert marked_there(plan_of(SHOP, [*days, *made], FEW)) == [made[2].name]


def test_the_copy_with_the_newest_content_stays_for_ever_although_it_was_not_made_last() -> None:
    days = daily(SHOP, range(100, 103))
    made = [copy(days[0]), copy(days[1]), copy(days[2], made=NOW)]

    assert marked_there(plan_of(None, made, FEW)) == [made[1].name, made[2].name]


def test_the_grace_of_a_copy_counts_from_when_something_newer_was_there_to_replace_it() -> None:
    """An event that is replayed has a time long past; the content of a copy is older than the copy."""
    days = daily(SHOP, range(3))
    made = [copy(days[0], made=NOW), copy(days[1]), copy(days[2])]

    plan = plan_of(SHOP, [*days, *made], FEW, THREE + HOUR)

    (mark,) = (each for each in plan.actions if isinstance(each, ScheduleDeletion) and each.target.region == AWAY)
    assert mark.expires_at == NOW + DAY


@pytest.mark.parametrize("listing", ["GetDisks", "GetDiskSnapshots", "GetInstances"])
def test_while_home_cannot_be_read_no_copy_goes(listing: str) -> None:
    days = daily(SHOP, range(4))
    made = [copy(each) for each in days]

    plan = plan_of(SHOP, [*days, *made], FEW, unread=ReadFailure(REGION, listing, "x"))

    assert marked(plan) == []
    assert why(plan)[made[3].name] == (f"nothing is pruned while {listing} of the Region fails",)


def test_while_a_list_of_copies_cannot_be_read_none_of_them_goes_and_home_goes_on() -> None:
    shop = source(backup="daily", backup_keep="2", backup_copy="")
    days = daily(shop, range(4))
    made = [copy(each) for each in days]

    plan = plan_of(shop, [*days, *made], FEW, unread=ReadFailure(AWAY, "GetInstanceSnapshots", "x"))

    assert marked(plan) == [days[2].name, days[3].name]
    assert why(plan)[made[3].name] == ("nothing is pruned while GetInstanceSnapshots of eu-north-1 fails",)


def test_a_problem_in_the_tags_of_a_source_keeps_its_copies() -> None:
    days = daily(SHOP, range(4))
    for wrong in ({"backup:keep": "a while"}, {"backup:copy-keep": "a while"}, {"backup:copy": "mars"}):
        shop = replace(SHOP, tags={**SHOP.tags, **wrong})
        plan = plan_of(shop, [*days, *map(copy, days)], FEW)
        assert marked(plan) == [], wrong


def test_who_asks_for_copies_in_the_source_s_own_region_only_is_told_that_there_are_none() -> None:
    """By a tag, pruning waits for a better one; by a policy, which goes for many sources, it is advice."""
    nowhere = f"names no Region but its own, {REGION}, so nothing is copied; expected another one"
    rules = {"copies": {REGION: RULE, AWAY: RULE}}
    by_policy = Settings.from_mapping(
        rules | {"policies": {"safe": {"schedule": "0 3 * * *", "keep": "7", "copy": REGION}}}
    )

    (of_tag,) = plan_of(source(backup="daily", backup_copy=REGION), [], Settings.from_mapping(rules)).problems
    (of_policy,) = plan_of(source(backup="safe"), [], by_policy).problems

    assert (of_tag.message, of_tag.severity, of_tag.tag, of_tag.value, of_tag.source) == (
        nowhere,
        Severity.WARNING,
        "backup:copy",
        REGION,
        "shop",
    )
    assert (of_policy.message, of_policy.severity, of_policy.tag, of_policy.source) == (
        f'the "copy" of its policy "safe" {nowhere}',
        Severity.ADVICE,
        None,
        "shop",
    )
    assert (
        plan_of(source(backup="daily", backup_copy=f"{REGION} {AWAY}"), [], Settings.from_mapping(rules)).problems == ()
    )


def test_copies_to_which_nothing_new_is_added_say_why_they_are_kept() -> None:
    files = [copy(each) for each in daily(web(), range(40, 42))]
    whole = copy(point(web(), THREE - 5 * DAY, kind=WHOLE))
    files_only = web(backup_copy="", backup_mode="system-disk")
    not_backed_up = "its source is not backed up any more; orphans are kept"

    for of, made, expected in (
        (None, files, not_backed_up),
        (web(backup="off"), files, not_backed_up),
        (web(), files, "its source is not copied here any more; orphans are kept"),
        (files_only, [whole], "it is copied by disk-snapshots now; orphans are kept"),
    ):
        assert {why(plan_of(of, [*daily(web(), range(40, 42)), *made]))[each.name] for each in made} == {(expected,)}


def test_days_of_copies_are_those_of_the_zone_of_their_rule() -> None:
    """In Auckland it is past midnight at 13:00 UTC: what is two days there is one here."""
    rule = RULE | {"keep": "daily=2", "timeZone": "Pacific/Auckland"}
    settings = Settings.from_mapping({"copies": {AWAY: rule}})
    late, early, old = (copy(point(SHOP, slot)) for slot in (NOW - 23 * HOUR, THREE - DAY, THREE - 2 * DAY))

    plan = plan_of(SHOP, [*daily(SHOP, range(2)), late, early, old], settings)

    assert marked_there(plan) == [old.name]


def test_while_home_s_tags_are_not_understood_its_copies_are_kept_and_it_is_said() -> None:
    days = daily(SHOP, range(2))
    typo = source(backup="dialy", backup_copy="")

    plan = plan_of(typo, [*days, *map(copy, days)], FEW)

    assert {why(plan)[copy(each).name] for each in days} == {("its source has a problem in its tags",)}


def test_with_prune_off_the_marks_of_copies_are_taken_back_too() -> None:
    days = daily(SHOP, range(4))
    made = [replace(copy(each), expires_at=NOW + HOUR) for each in days]
    off = replace(FEW, prune=Prune.OFF)

    plan = plan_of(SHOP, [*days, *made], off)

    assert freed(plan) == {each.name for each in made}
    assert [each for each in plan.actions if not isinstance(each, CancelDeletion | Copy)] == []


@pytest.mark.parametrize("region", [REGION, AWAY])
def test_by_half_a_list_no_mark_of_a_copy_is_taken_back(region: str) -> None:
    days = daily(SHOP, range(2))
    made = [replace(copy(each), expires_at=NOW + HOUR) for each in days]

    assert freed(plan_of(SHOP, [*days, *made], FEW)) == {each.name for each in made}
    unread = ReadFailure(region, "GetInstanceSnapshots", "x")
    assert freed(plan_of(SHOP, [*days, *made], FEW, unread=unread)) == set()


def test_by_a_list_that_nobody_believes_no_mark_of_a_copy_is_set_or_taken_back() -> None:
    """Of three that were backed up lately, none is listed."""
    gone = [source(name, backup="daily", backup_keep="1", backup_copy="") for name in ("a", "b", "c")]
    at_home = [each for of in gone for each in daily(of, range(4))]
    made = [copy(each) for each in at_home[:-1]]
    marked_one = replace(copy(at_home[0]), expires_at=NOW + HOUR)

    plan = plan_of(None, [*at_home, marked_one, *made[1:]], FEW)

    assert plan.doubted == (REGION,)
    assert [action for action in plan.actions if not isinstance(action, Copy)] == []


def test_a_copy_on_hold_stays_and_uses_no_count() -> None:
    days = daily(SHOP, range(4))
    made = [copy(each) for each in days]
    held = replace(made[0], tags={**SHOP.tags, "backup:hold": ""})

    plan = plan_of(SHOP, [*days, held, *made[1:]], FEW)

    assert marked_there(plan) == [made[3].name]
    on_hold = replace(SHOP, tags={**SHOP.tags, "backup:hold": ""})
    assert marked_there(plan_of(on_hold, [*days, *made], FEW)) == []


def test_a_copy_on_hold_stays_although_its_source_is_gone() -> None:
    made = [copy(each) for each in daily(SHOP, range(100, 103))]
    held = replace(made[2], tags={**SHOP.tags, "backup:hold": ""})

    assert marked_there(plan_of(None, [*made[:2], held], FEW)) == [made[1].name]


def test_a_copy_that_ended_in_error_goes_once_newer_content_is_usable_there() -> None:
    today, yesterday = daily(SHOP, range(2))
    failed = copy(yesterday, ERROR)

    assert marked_there(plan_of(SHOP, [today, yesterday, failed], FEW)) == []
    assert marked_there(plan_of(SHOP, [today, yesterday, failed, copy(today)], FEW)) == [failed.name]


def test_at_most_so_many_copies_go_in_a_run_and_those_of_home_are_not_counted_with_them() -> None:
    past = NOW - HOUR
    shop = source(backup="daily", backup_keep="1", backup_copy="")
    days = [replace(each, expires_at=past) for each in daily(shop, range(1, 6))]
    today = point(shop, THREE)
    made = [replace(copy(each), expires_at=past) for each in days]
    settings = Settings.from_mapping({"copies": {AWAY: RULE | {"keep": "1"}}})

    plan = plan_of(shop, [today, copy(today), *days, *made], settings)

    assert deleted(plan) == [each.name for each in (*reversed(days[2:]), *reversed(made[2:]))]


def test_an_original_stays_while_its_copy_is_pending_and_goes_when_that_is_complete() -> None:
    shop = source(backup="daily", backup_keep="1", backup_copy="")
    today, yesterday = daily(shop, range(2))

    plan = plan_of(shop, [today, yesterday, copy(today), copy(yesterday, PENDING, made=NOW - HOUR)])

    assert why(plan)[yesterday.name] == ("being copied to eu-north-1",)
    assert marked(plan_of(shop, [today, yesterday, copy(today), copy(yesterday)])) == [yesterday.name]


def test_a_copy_outlives_all_that_is_gone_at_home() -> None:
    days = daily(SHOP, range(3))

    plan = plan_of(None, map(copy, days), Settings.from_mapping({"copies": {AWAY: RULE}}))

    assert (copies(plan), marked(plan)) == ([], [])
    assert len(there(plan).usable) == 3


# To where, and of what


def test_no_region_is_a_target_of_itself_and_those_after_it_are_targets_all_the_same() -> None:
    settings = Settings.from_mapping({"copies": {REGION: RULE, AWAY: RULE}})

    plan = plan_of(SHOP, daily(SHOP, range(2)), settings)

    assert [each.region for each in line(plan).copies] == [AWAY]
    assert [each.target.region for each in copies(plan)] == [AWAY]


def test_only_to_the_regions_that_its_tag_names_is_a_source_copied() -> None:
    settings = Settings.from_mapping({"copies": {AWAY: RULE, FURTHER: RULE}})
    further = source(backup="daily", backup_copy=FURTHER)

    plan = plan_of(further, daily(further, range(2)), settings)

    assert [each.target.region for each in copies(plan)] == [FURTHER]
    assert [each.region for each in line(plan).copies] == [FURTHER]
    assert len(copies(plan_of(SHOP, daily(SHOP, range(2)), settings))) == 2


def test_what_is_switched_off_is_copied_no_more_and_what_lost_its_tag_still_is() -> None:
    points = daily(SHOP, range(2))

    assert copies(plan_of(source(backup="off", backup_copy=""), points)) == []
    assert copied(plan_of(source(), points)) == [THREE]


def test_a_wrong_word_for_where_copies_go_copies_nowhere_whatever_the_policy_says() -> None:
    daily_too = {"daily": {"schedule": "0 3 * * *", "keep": "daily=7", "copy": ""}}
    settings = Settings.from_mapping({"copies": {AWAY: RULE}, "policies": daily_too})
    wrong = source(backup="daily", backup_copy="nowhere")

    assert copies(plan_of(wrong, daily(wrong, range(2)), settings)) == []
    assert copies(plan_of(source(backup="daily"), daily(source(backup="daily"), range(2)), settings))


def test_copies_of_what_has_tags_that_are_not_understood_are_not_pruned() -> None:
    wrong = source(backup="dialy", backup_copy="")
    points = daily(SHOP, range(12))

    assert marked(plan_of(wrong, [*points, *map(copy, points)])) == []
    assert marked(plan_of(SHOP, [*points, *map(copy, points)]))


def test_the_next_attempt_counts_one_that_has_no_tags_yet() -> None:
    today, yesterday = daily(SHOP, range(2))
    second = without_tags(today, name=copy(today, attempt=2).name, state=ERROR)

    finished, made = copies(plan_of(SHOP, [today, yesterday], nameless=[second]))

    assert (finished.is_begun, attempt_in(finished)) == (True, 2)
    assert (made.is_begun, attempt_in(made)) == (False, 3)
    assert made.reason.startswith("attempt 3: ")


def test_how_many_copies_are_held_is_part_of_how_they_stand() -> None:
    points = daily(SHOP, range(3))
    held = replace(copy(points[2]), tags={**points[2].tags, "backup:hold": ""})

    stands = there(plan_of(SHOP, [*points, copy(points[0]), copy(points[1]), held]))

    assert (len(stands.usable), stands.held) == (3, 1)
    assert "3 recovery points in eu-north-1" in said_of_copies(stands, ZoneInfo("UTC"))
    assert said_of_copies(stands, ZoneInfo("UTC")).endswith(", 1 on hold")


def test_while_home_cannot_be_read_nothing_without_tags_is_said_to_have_lost_its_original() -> None:
    bare = [without_tags(SHOP_TODAY)]
    dark = ReadFailure(REGION, "GetDiskSnapshots", "it does not answer")

    def said(unread: ReadFailure | None) -> list[str]:
        problems = plan_of(SHOP, [], nameless=bare, unread=unread).problems
        return [each.message for each in problems if "has the name of a copy and no tags" in each.message]

    assert len(said(None)) == 1
    assert said(dark) == []


def test_tags_about_copies_that_come_to_nothing_are_told_with_their_value() -> None:
    database = source("orders", SourceKind.DATABASE, backup="daily", backup_copy="eu-north-1")
    without = replace(SHOP, tags={"backup": "daily", "backup:copy-keep": "3"})

    (of_database,) = plan_of(database, []).problems
    (of_keep,) = plan_of(without, []).problems

    assert (of_database.tag, of_database.value, of_database.severity) == ("backup:copy", AWAY, Severity.WARNING)
    assert (of_keep.tag, of_keep.value, of_keep.severity) == ("backup:copy-keep", "3", Severity.ADVICE)
    assert plan_of(source("orders", SourceKind.DATABASE, backup="daily", backup_copy="off"), []).problems == ()
