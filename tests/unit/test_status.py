"""How each source stands in a plan: protected, waiting, overdue, and since when."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lightkeeper.actions import CancelDeletion
from lightkeeper.finding import FindingKind
from lightkeeper.findings import findings
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import (
    Inventory,
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
from lightkeeper.overview import Health, Overview
from lightkeeper.plan import make_plan
from lightkeeper.restore_steps import RESTORED_AT, RESTORED_FROM
from lightkeeper.run import Run
from lightkeeper.settings import Settings
from lightkeeper.times import Duration
from tests.support.inventories import (
    DAY,
    EXPIRING,
    HOUR,
    NOW,
    REGION,
    WHOLE,
    daily,
    dropped,
    line,
    point,
    source,
    status,
    target,
    web,
    why,
    written,
)

# What a plan says of each source


def test_what_was_only_taken_by_hand_was_never_backed_up() -> None:
    plain = source()
    by_hand = replace(point(plain, NOW - DAY), by_hand=True)

    plan = make_plan(Inventory((plain,), (by_hand,)), Settings(), NOW)

    assert status(plan) is Status.UNTAGGED
    assert not line(plan).has_stopped


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
    marked = replace(older, expires_at=NOW)

    plan = make_plan(Inventory((), (marked, last)), Settings(), NOW)

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
            (last, marked),
            (),
            (),
            stopped_since=last.taken + DAY,
        ),
    )
    assert plan.sources[0].has_stopped
    assert plan.actions == (CancelDeletion(target(marked, None), "its source is gone; orphans are kept"),)


def test_a_source_made_again_under_its_name_is_not_credited_with_its_namesakes_snapshots() -> None:
    gone, again = source(backup="daily"), replace(source(backup="daily", age=HOUR), arn=source("another").arn)

    plan = make_plan(Inventory((again,), daily(gone, [40])), Settings(), NOW)

    assert [(each.arn, each.status, each.newest is None) for each in plan.sources] == [
        (again.arn, Status.WAITING, True),
        (gone.arn, Status.GONE, False),
    ]


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


# Attempts that end in error


def test_an_error_in_one_series_is_replaced_by_a_newer_one_in_the_other_and_no_finding() -> None:
    of = web(backup_mode="system-disk")
    failed = replace(daily(of, [2], kind=WHOLE)[0], state=SnapshotState.ERROR)

    plan = make_plan(Inventory((of,), (failed, *daily(of, [0]))), Settings(), NOW)

    assert line(plan, "web").errors == ()


def test_failed_snapshots_of_a_source_that_is_off_are_nobodys_failure() -> None:
    failed = point(source(backup="daily"), NOW - 3 * DAY, SnapshotState.ERROR)

    plan = make_plan(Inventory((source(backup="off"),), (failed,)), Settings(), NOW)

    assert plan.sources[0].errors == ()


# Attached disks, and money


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


@pytest.mark.parametrize(
    ("kind", "hours", "expected"),
    [(WHOLE, 5, Status.WAITING), (WHOLE, 6, Status.OVERDUE), (SnapshotKind.DISK, 5, Status.OVERDUE)],
    ids=["a whole one", "a stuck one", "one of the system disk"],
)
def test_the_next_snapshot_of_a_disk_is_on_its_way_with_a_whole_one_of_its_instance(
    kind: SnapshotKind, hours: int, expected: Status
) -> None:
    whole = point(web(), NOW.replace(hour=3) - 3 * DAY, kind=WHOLE, disks=["data"])
    pending = point(web(), NOW - hours * HOUR, SnapshotState.PENDING, kind=kind)

    plan = make_plan(Inventory((web(), DATA), (pending, whole)), Settings(), NOW)

    assert status(plan, "data") is expected
    assert line(plan, "data").uncovered_since == whole.taken + DAY


@pytest.mark.parametrize(("minute", "expected"), [(30, Status.PROTECTED), (60, Status.OVERDUE)])
def test_a_disk_in_whole_snapshots_is_overdue_after_days_of_its_instances_clock(minute: int, expected: Status) -> None:
    of = replace(web(backup_at="12:00 Europe/Zurich"), created_at=NOW - 300 * DAY)
    data = replace(DATA, created_at=NOW - 300 * DAY)
    whole = point(of, datetime(2026, 10, 23, 10, tzinfo=UTC), kind=WHOLE, disks=["data"])
    # The slot of 24 October was missed; the 25th has 25 hours in Zurich.
    now = datetime(2026, 10, 25, 10, tzinfo=UTC) + timedelta(minutes=minute)

    plan = make_plan(Inventory((of, data), (whole,)), Settings(overdue_after=Duration(days=1)), now)

    assert status(plan, "data") is expected


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
def test_a_disk_whose_instance_is_not_backed_up_is_untagged_and_has_never_been_backed_up(instance: Source) -> None:
    data = line(make_plan(Inventory((instance, DATA), ()), Settings(), NOW), "data")

    assert (data.status, data.included_in, data.has_stopped) == (Status.UNTAGGED, None, False)


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


# What is gone and has come back


def back(of: RecoveryPoint, name: str = "web2", **tags: str) -> Source:
    """Return the instance that a finished restore has made of a recovery point, an hour ago."""
    made = source(name, SourceKind.INSTANCE, age=HOUR)
    own = {RESTORED_FROM: of.name, RESTORED_AT: "2026-06-15T11:30:00Z"}
    return replace(made, tags={"backup": "daily"} | own | written(tags))


def test_what_is_gone_and_back_under_another_name_wants_nobody_and_says_where_it_is() -> None:
    (lost, older), settings = daily(web(), [0, 1], kind=WHOLE), Settings()

    others = (source("mail", SourceKind.INSTANCE), source("shop", SourceKind.INSTANCE))

    before = make_plan(Inventory(others, (lost, older)), settings, NOW)
    after = make_plan(Inventory((*others, back(older)), (lost, older)), settings, NOW)

    assert Overview.of(before).sentence(settings).startswith("1 source no longer backed up; ")
    gone = line(after, "web")
    assert (gone.status, gone.restored_as, gone.has_stopped) == (Status.GONE, "web2", False)
    assert Overview.of(after).health is not Health.DEGRADED
    assert Overview.of(after).sentence(settings).endswith("1 deleted source with recovery points.")
    assert line(after, "web2").restored_as is None
    assert [finding for finding in findings(Run(after, ()), settings) if finding.source == "web"] == []


def test_its_recovery_points_are_kept_and_expire_as_before() -> None:
    points = daily(web(), [8, 9, 10], kind=WHOLE)

    for settings in (Settings(), EXPIRING):
        before = make_plan(Inventory((), points), settings, NOW)
        after = make_plan(Inventory((back(points[0], backup="off"), back(points[1])), points), settings, NOW)

        assert {each.name: why for each, why in kept_of(after)} == {each.name: why for each, why in kept_of(before)}
        assert dropped(after) == dropped(before)


def kept_of(plan: Plan) -> list[tuple[RecoveryPoint, tuple[str, ...]]]:
    return [(kept.point, kept.reasons) for kept in plan.kept]


def test_it_stays_back_when_the_snapshot_that_it_came_from_is_gone_too() -> None:
    lost, older = daily(web(), [0, 1], kind=WHOLE)

    assert line(make_plan(Inventory((back(older),), (lost,)), Settings(), NOW), "web").restored_as == "web2"


def test_of_several_the_last_one_is_named() -> None:
    (lost,) = daily(web(), [0], kind=WHOLE)
    first = replace(back(lost, "web2"), created_at=NOW - 2 * HOUR)

    for made in ((first, back(lost, "web3")), (back(lost, "web3"), first)):
        assert line(make_plan(Inventory(made, (lost,)), Settings(), NOW), "web").restored_as == "web3"


def test_what_is_not_its_restoration_or_not_backed_up_does_not_settle_it() -> None:
    (lost,) = daily(web(), [0], kind=WHOLE)
    (of_another,) = daily(replace(web(), arn=source("another").arn), [0], kind=WHOLE)
    made = back(lost)
    unfinished = replace(made, tags={key: value for key, value in made.tags.items() if key != RESTORED_AT})
    files = replace(source("files", age=HOUR), tags=made.tags)
    elsewhere = replace(made, region="us-east-1")

    for other in (
        back(lost, backup="off"),
        back(lost, backup="dialy"),
        back(of_another),
        unfinished,
        files,
        elsewhere,
        replace(made, tags={**made.tags, RESTORED_FROM: "before-the-upgrade"}),
    ):
        there = (other, source("mail", SourceKind.INSTANCE))
        gone = line(make_plan(Inventory(there, (lost,)), Settings(), NOW), "web")
        assert (gone.restored_as, gone.has_stopped) == (None, True), other


def test_what_was_made_of_a_snapshot_while_the_source_lived_on_has_not_brought_it_back() -> None:
    newest, older = daily(web(), [0, 1], kind=WHOLE)
    to_try_things_on = replace(back(older, "staging"), created_at=newest.taken - HOUR)
    there = (to_try_things_on, source("mail", SourceKind.INSTANCE))

    plan = make_plan(Inventory(there, (newest, older)), Settings(), NOW)

    gone = line(plan, "web")
    assert (gone.restored_as, gone.has_stopped) == (None, True)
    assert [finding.kind for finding in findings(Run(plan, ()), Settings()) if finding.source == "web"] == [
        FindingKind.STOPPED
    ]


def test_a_source_that_is_still_there_is_not_said_to_be_back() -> None:
    of = web(backup="off")
    (last,) = daily(web(), [3], kind=WHOLE)

    there = line(make_plan(Inventory((of, back(last)), (last,)), Settings(), NOW), "web")

    assert (there.restored_as, there.has_stopped) == (None, True)
