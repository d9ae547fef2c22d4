"""Snapshots are planned around the time of day at which Lightsail makes its own."""

from datetime import datetime, timedelta

import pytest

from lightkeeper.model import Severity, Status
from lightkeeper.run import Run, take
from tests.support.keeper import AWAY, DAY, HOUR, NOON, Keeper, count, noop, why_not

SIX = NOON.replace(hour=6) + DAY


@pytest.fixture
def web(keeper: Keeper) -> Keeper:
    """A server that is due at six, when Lightsail's own turn comes, on the eve of that."""
    keeper.instance("web", {"backup": "daily", "backup:at": "06:00"})
    switch_on(keeper)
    keeper.run()
    keeper.sandbox.set_time(SIX - HOUR)
    return keeper


def switch_on(keeper: Keeper, hour: str = "06:00") -> None:
    keeper.user.enable_add_on(
        resourceName="web",
        addOnRequest={"addOnType": "AutoSnapshot", "autoSnapshotAddOnRequest": {"snapshotTimeOfDay": hour}},
    )


def hours(keeper: Keeper) -> list[str]:
    """Return when the snapshots were taken."""
    entries = [entry for entry in keeper.sandbox.entries() if entry.source_name]
    return [f"{entry.created_at:%d %H:%M}" for entry in sorted(entries, key=lambda entry: entry.created_at)]


def refusals(keeper: Keeper) -> int:
    return sum(call.error == "OperationFailureException" for call in keeper.sandbox.calls())


def run_at(keeper: Keeper, time: datetime) -> Run:
    keeper.sandbox.set_time(time)
    return keeper.run()


def test_an_hourly_run_leaves_the_window_alone_and_the_next_one_takes_the_snapshot(web: Keeper) -> None:
    six, seven = web.live(2 * HOUR, HOUR)

    assert hours(web) == ["15 12:00", "16 07:00"]
    (why,) = why_not(six, "create")
    assert why == (
        "Lightsail may be making its automatic snapshot until 06:45 UTC, and refuses another meanwhile; the first run "
        "after that takes it"
    )
    assert (count(six, "create", "deferred"), six.failures, count(seven, "create")) == (1, (), 1)
    assert refusals(web) == 0


@pytest.mark.parametrize(("minutes", "is_taken"), [(-1, True), (0, False), (44, False), (45, True)])
def test_the_window_is_three_quarters_of_an_hour(web: Keeper, minutes: int, *, is_taken: bool) -> None:
    web.tag("web", "backup:at", "05:30")

    ended = run_at(web, SIX + timedelta(minutes=minutes))

    assert count(ended, "create") == int(is_taken)


def test_one_that_lightsail_begins_late_meets_none_of_ours(web: Keeper) -> None:
    web.sandbox.set_options(automatic_snapshot_delay_seconds=40 * 60)

    web.live(3 * DAY, timedelta(minutes=15))

    assert hours(web) == ["15 12:00", "16 06:45", "17 06:45", "18 06:45"]
    assert refusals(web) == 0


def test_a_window_around_midnight_counts_by_its_beginning(keeper: Keeper) -> None:
    keeper.instance("web", {"backup": "daily", "backup:at": "23:00"})
    switch_on(keeper, "23:00")
    keeper.run()

    (eleven, midnight) = [run_at(keeper, NOON + hours * HOUR) for hours in (11, 12)]

    assert (count(eleven, "create", "deferred"), count(midnight, "create")) == (1, 1)


def test_an_hourly_policy_leaves_out_one_hour_a_day_and_nothing_is_overdue(keeper: Keeper) -> None:
    keeper.instance("web", {"backup": "hourly"})
    switch_on(keeper)
    keeper.run()

    runs = keeper.live(2 * DAY, HOUR)

    assert refusals(keeper) == 0
    assert sum(count(run, "create", "deferred") for run in runs) == 2
    assert sum(count(run, "create") for run in runs) == 46
    assert {source.status for run in runs[1:] for source in run.plan.sources} == {Status.PROTECTED}


def test_a_tick_that_always_falls_into_the_window_asks_all_the_same(web: Keeper) -> None:
    """What Lightsail has not begun, or has ended, it does not refuse; nobody would ever take it else."""
    web.configure(tick="rate(1 day)")
    web.sandbox.set_options(automatic_snapshot_delay_seconds=20 * 60)

    runs = [run_at(web, SIX + day * DAY) for day in range(3)]

    assert [count(run, "create") for run in runs] == [1, 1, 1]


def test_where_lightsail_then_refuses_each_time_the_source_is_overdue(web: Keeper) -> None:
    web.configure(tick="rate(1 day)")

    runs = [run_at(web, SIX + day * DAY) for day in range(3)]

    assert [count(run, "create", "deferred") for run in runs] == [1, 1, 1]
    assert "automatic snapshot of web is in progress" in why_not(runs[-1], "create")[0]
    (line,) = runs[-1].plan.sources
    assert line.status is Status.OVERDUE


def test_what_is_overdue_already_waits_for_nothing(web: Keeper) -> None:
    web.sandbox.set_options(automatic_snapshot_seconds=60)
    web.tag("web", "backup:at", "23:00")
    web.sandbox.set_time(SIX + timedelta(minutes=5))

    assert count(web.run(), "create") == 1, "the slot of eleven passed seven hours ago"


def test_a_disk_has_a_window_and_a_database_has_none(keeper: Keeper) -> None:
    keeper.disk("files", {"backup": "daily", "backup:at": "06:00"})
    keeper.database("orders", {"backup": "daily", "backup:at": "06:00"}, window="05:45-06:15")
    keeper.user.enable_add_on(
        resourceName="files",
        addOnRequest={"addOnType": "AutoSnapshot", "autoSnapshotAddOnRequest": {"snapshotTimeOfDay": "06:00"}},
    )
    keeper.run()

    six = run_at(keeper, SIX)

    assert [(each.action.target.source, each.result) for each in six.outcomes] == [
        ("files", "deferred"),
        ("orders", "done"),
    ]


def test_with_the_add_on_off_nothing_is_waited_for(web: Keeper) -> None:
    web.user.disable_add_on(resourceName="web", addOnType="AutoSnapshot")

    assert count(run_at(web, SIX), "create") == 1


def test_a_person_who_takes_one_does_not_wait(web: Keeper) -> None:
    web.sandbox.set_options(automatic_snapshot_delay_seconds=1800)
    web.sandbox.set_time(SIX)

    taken = take(
        web.regions, web.settings, SIX, "web", kind=None, hold=None, seconds_left=lambda: 900.0, on_outcome=noop
    )

    assert count(taken, "create") == 1


# What is said


def advice(keeper: Keeper) -> list[str]:
    return [problem.message for problem in keeper.plan().problems if problem.severity is Severity.ADVICE]


def test_a_slot_in_the_window_gets_advice(web: Keeper) -> None:
    (problem,) = web.plan().problems
    assert problem.message == (
        "its slot at 06:00 UTC lies where Lightsail makes its automatic snapshot, 06:00-06:45 UTC, and refuses "
        'another, so it waits for the run after; expected "backup:at" = "06:45 UTC" or later'
    )
    assert (problem.tag, problem.value, problem.severity) == ("backup:at", "06:00", Severity.ADVICE)

    web.tag("web", "backup:at", "06:45 UTC")

    assert advice(web) == []


@pytest.mark.parametrize("at", ["05:59", "06:45", "12:00"])
def test_a_slot_outside_gets_none(web: Keeper, at: str) -> None:
    web.tag("web", "backup:at", at)

    assert advice(web) == []


def test_a_policy_of_several_slots_a_day_gets_none(keeper: Keeper) -> None:
    keeper.instance("web", {"backup": "hourly"})
    switch_on(keeper)

    assert advice(keeper) == []


# Copies in another Region


def test_what_waits_for_the_window_is_waited_for_by_its_copy(web: Keeper) -> None:
    web.configure(copies={AWAY: {"schedule": "0 6 * * *", "keep": "daily=7"}})
    web.tag("web", "backup:copy")
    web.run()

    web.live(4 * HOUR, HOUR)

    copies = [entry for entry in web.sandbox.entries() if entry.region == AWAY]
    assert sorted(f"{entry.content_at:%d %H:%M}" for entry in copies) == ["15 12:00", "16 07:00"]
