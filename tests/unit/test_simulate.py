"""The simulator: known answers worked out by hand, and the same as a run at every tick."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lightkeeper.actions import CancelDeletion, Copy, Create, Defer, Delete, RemoveHold, ScheduleDeletion
from lightkeeper.errors import InvalidValueError
from lightkeeper.keep_rules import parse_keep
from lightkeeper.kinds import SourceKind
from lightkeeper.model import CopyRule, Inventory, Policy, RecoveryPoint, SnapshotState, Source
from lightkeeper.plan import make_plan
from lightkeeper.schedule import parse_schedule, slots_since
from lightkeeper.settings import Settings
from lightkeeper.times import Duration
from lightkeeper_cli.documents import simulation_document
from lightkeeper_cli.simulation import Scenario, Simulation, parse_change, parse_day, simulate

UTC_ZONE = ZoneInfo("UTC")
ZURICH = ZoneInfo("Europe/Zurich")
DAY = timedelta(days=1)
AT_ONCE = Settings(grace=Duration())


def simulated(
    keep: str,
    *,
    days: int = 400,
    start: date = date(2026, 1, 1),
    cron: str = "0 3 * * *",
    zone: ZoneInfo = UTC_ZONE,
    deployed: Settings = AT_ONCE,
    copies: CopyRule | None = None,
) -> Simulation:
    rule = parse_keep(keep)
    policy = Policy("simulated", parse_schedule(cron, zone), rule)
    return simulate(Scenario(policy, start, days, 80, 0.02, copies), rule, deployed, lambda: None)


def copied(keep: str, cron: str = "0 5 * * *") -> CopyRule:
    return CopyRule(parse_schedule(cron, UTC_ZONE), parse_keep(keep))


def held(simulation: Simulation) -> list[int]:
    return [day.held for day in simulation.days]


def days_from(first: date, last: date) -> list[date]:
    return [first + number * DAY for number in range((last - first).days + 1)]


# Known answers


def test_copies_are_kept_by_a_rule_of_their_own_and_outlive_their_originals() -> None:
    simulation = simulated("2", copies=copied("daily=3 monthly=2"))

    assert simulation.recoverable == days_from(date(2027, 2, 3), date(2027, 2, 4))
    assert simulation.copies is not None
    # Of each month the last, and the last of all.
    assert [point.taken.date() for point in simulation.copies.points] == [
        *(date(2027, 2, day) for day in (4, 3, 2)),
        date(2027, 1, 31),
    ]
    assert simulation.copies.made == 400
    # The four, and for an hour the new one.
    assert simulation.copies.most_held == 5
    assert simulation.copies.stored_gib == pytest.approx(80 + 80 * (1 - 0.98**2) + 2 * 1.6)


def test_the_first_copy_sends_everything_and_each_later_one_what_changed_since() -> None:
    simulation = simulated("7", days=40, copies=copied("7"))

    assert simulation.copies is not None
    assert simulation.copies.sent_gib == pytest.approx(80 + 39 * 1.6)
    assert simulation.copies.sent_gib_lately == pytest.approx(30 * 1.6)


def test_a_rarer_copy_sends_in_one_what_several_would_have_sent_and_less_of_it() -> None:
    # From 4 January 2026, a Sunday, on.
    simulation = simulated("7", start=date(2026, 1, 4), days=15, copies=copied("7", cron="0 5 * * 0"))

    assert simulation.copies is not None
    assert [point.taken.date() for point in simulation.copies.points] == [date(2026, 1, day) for day in (18, 11, 4)]
    assert simulation.copies.sent_gib == pytest.approx(80 + 2 * 80 * (1 - 0.98**7))


def test_what_is_held_at_home_is_the_same_with_copies_and_without() -> None:
    keep = "daily=7 weekly=4 monthly=12"

    with_copies, without = simulated(keep, copies=copied("daily=2")), simulated(keep)

    assert (with_copies.days, with_copies.points, with_copies.most_held) == (
        without.days,
        without.points,
        without.most_held,
    )
    assert without.copies is None


def test_copies_in_the_settings_are_not_simulated_unless_they_are_asked_for() -> None:
    deployed = replace(AT_ONCE, copies={"eu-north-1": copied("7")})

    assert simulated("7", days=10, deployed=deployed) == simulated("7", days=10)


def test_the_last_seven_are_seven_and_the_expiring_one_and_for_an_hour_the_new_one_too() -> None:
    simulation = simulated("7", deployed=Settings())

    assert held(simulation) == [min(number, 8) for number in range(1, 401)]
    assert (simulation.taken, simulation.most_held) == (400, 9)
    assert simulation.recoverable == days_from(date(2027, 1, 28), date(2027, 2, 4))
    assert [bool(point.expires_at) for point in simulation.points] == [False] * 7 + [True]


def test_without_a_grace_the_last_seven_are_seven() -> None:
    simulation = simulated("7")

    assert held(simulation) == [min(number, 7) for number in range(1, 401)]
    assert simulation.most_held == 8


def test_a_longer_grace_holds_as_many_more() -> None:
    assert held(simulated("7", deployed=Settings(grace=Duration(days=3))))[-1] == 10


def test_grandfather_father_and_son() -> None:
    simulation = simulated("daily=7 weekly=4 monthly=12")

    # 4 February 2027 is a Thursday. Of each month before, the last day; of each week before, the Sunday.
    assert simulation.recoverable == [
        *(date(2026, month, day) for month, day in ((3, 31), (4, 30), (5, 31), (6, 30), (7, 31), (8, 31))),
        *(date(2026, month, day) for month, day in ((9, 30), (10, 31), (11, 30), (12, 31))),
        *(date(2027, 1, day) for day in (17, 24, 29, 30, 31)),
        *(date(2027, 2, day) for day in (1, 2, 3, 4)),
    ]
    assert held(simulation)[-1] == 19
    assert simulation.longest_gap == 30


def test_an_hourly_policy_keeps_a_day_of_hours_and_a_week_of_days() -> None:
    simulation = simulated("hourly=24 daily=7", cron="0 * * * *", days=10)

    per_day = Counter(map(simulation.day_of, simulation.points))
    assert simulation.taken == 240
    # The last hour was taken by the last run, so the one that it replaces is still there; it is also that day's last.
    # What the hour before replaces was marked by that run, and goes in the next.
    assert per_day == {
        **dict.fromkeys(days_from(date(2026, 1, 4), date(2026, 1, 8)), 1),
        date(2026, 1, 9): 2,
        date(2026, 1, 10): 24,
    }


def test_forever_holds_everything() -> None:
    simulation = simulated("forever", days=50)

    assert held(simulation) == list(range(1, 51))
    assert simulation.longest_gap == 0
    assert simulation.days[-1].stored_gib == pytest.approx(80 + 49 * 1.6)


def test_an_expiring_one_stays_until_its_grace_is_over() -> None:
    simulation = simulated("weekly=1", cron="0 3 * * 0", days=9, deployed=Settings())

    assert simulation.days[0].date == date(2026, 1, 4)
    assert held(simulation) == [1, 1, 1, 1, 1, 1, 1, 2, 1]


def test_a_deletion_that_the_calendar_takes_back_is_cancelled() -> None:
    # A month before 31 March is 3 March, as February is short; a month before 1 April is 1 March.
    simulation = simulated("1m", start=date(2026, 2, 20), days=41, deployed=Settings())

    assert simulation.recoverable == days_from(date(2026, 3, 3), date(2026, 4, 1))
    assert [point.expires_at for point in simulation.points] == [None] * 30


def test_the_first_day_is_that_of_the_first_slot() -> None:
    simulation = simulated("monthly=12", cron="0 3 1 * *", start=date(2026, 1, 15), days=2)

    assert [day.date for day in simulation.days] == [date(2026, 2, 1), date(2026, 2, 2)]
    assert held(simulation) == [1, 1]


# The settings count


def test_a_tick_rarer_than_the_slots_leaves_gaps() -> None:
    simulation = simulated("daily=30", days=10, deployed=replace(AT_ONCE, tick="rate(2 days)"))

    assert [day.day for day in simulation.recoverable] == [1, 3, 5, 7, 9]
    assert simulation.longest_gap == 1


def test_a_cron_tick_is_refused_with_a_sentence() -> None:
    with pytest.raises(InvalidValueError, match=r'^"cron\(0 3 \* \* \? \*\)" cannot be simulated; expected a tick'):
        simulated("7", deployed=replace(AT_ONCE, tick="cron(0 3 * * ? *)"))


# Changes of the clocks


@pytest.mark.parametrize(
    ("start", "slots"),
    [
        (date(2026, 3, 28), ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"]),
        (date(2026, 10, 24), ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]),
    ],
)
def test_a_change_of_the_clocks_takes_each_day_once(start: date, slots: list[str]) -> None:
    simulation = simulated("7", cron="30 2 * * *", zone=ZURICH, start=start, days=3)

    assert [f"{point.slot:%Y-%m-%dT%H:%M}" for point in reversed(simulation.points)] == slots
    assert simulation.recoverable == days_from(start, start + 2 * DAY)
    assert held(simulation) == [1, 2, 3]


@pytest.mark.parametrize(("start", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 24)])
def test_a_changed_day_has_its_own_number_of_hours(start: date, hours: int) -> None:
    simulation = simulated("forever", cron="0 * * * *", zone=ZURICH, start=start, days=2)

    assert held(simulation) == [hours, hours + 24]


# What holds for every scenario


def written(clauses: dict[str, int]) -> str:
    return " ".join(f"{period}={limit}" for period, limit in clauses.items())


counts = st.dictionaries(
    st.sampled_from(["last", "hourly", "daily", "weekly", "monthly"]), st.integers(1, 9), min_size=1, max_size=3
)
crons = st.sampled_from(["0 3 * * *", "30 2 * * *", "0 */6 * * *", "0 3 * * 0", "15 1,2 * * *"])
zones = st.sampled_from([UTC_ZONE, ZURICH, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")])
# Around the changes of the clocks in 2026.
starts = st.dates(date(2026, 2, 20), date(2026, 3, 29)) | st.dates(date(2026, 9, 20), date(2026, 10, 31))


@settings(max_examples=60)
@example(
    keep="last=2",
    cron="0 3 * * *",
    zone=UTC_ZONE,
    start=date(2026, 9, 20),
    days=8,
    tick="rate(5 hours)",
    grace=Duration(days=1),
    most=3,
)
# The last run leaves a deletion for later.
@example(
    keep="last=4 daily=2",
    cron="0 */6 * * *",
    zone=UTC_ZONE,
    start=date(2026, 2, 20),
    days=15,
    tick="rate(5 hours)",
    grace=Duration(),
    most=1,
)
@given(
    keep=counts.map(written) | st.sampled_from(["1m", "2d12h"]),
    cron=crons,
    zone=zones,
    start=starts,
    days=st.integers(1, 25),
    tick=st.sampled_from(["rate(1 hour)", "rate(20 minutes)", "rate(5 hours)", "rate(1 day)"]),
    grace=st.sampled_from([Duration(), Duration(days=1), Duration(hours=5), Duration(days=3)]),
    most=st.integers(1, 3),
)
def test_it_is_the_same_as_with_a_run_at_every_tick(
    *,
    keep: str,
    cron: str,
    zone: ZoneInfo,
    start: date,
    days: int,
    tick: str,
    grace: Duration,
    most: int,
) -> None:
    deployed = Settings(tick=tick, grace=grace, max_deletes_per_source=most)

    simulation = simulated(keep, cron=cron, zone=zone, start=start, days=days, deployed=deployed)

    assert (held(simulation), [(point.slot, point.expires_at) for point in simulation.points]) == with_every_tick(
        simulation, deployed
    )


def with_every_tick(
    simulation: Simulation, deployed: Settings
) -> tuple[list[int], list[tuple[datetime, datetime | None]]]:
    """Return the snapshots at the end of each day, and those at the end of all, with a plan at every single tick."""
    policy, start = replace(simulation.scenario.policy, keep=simulation.keep), simulation.scenario.start
    zone, tick = policy.schedule.zone, deployed.tick_period
    assert tick
    deployed = replace(deployed, policies={policy.name: policy}, default_policy=policy.name)
    midnight = datetime.combine(start, datetime.min.time(), tzinfo=zone).astimezone(UTC)
    *_, now = slots_since(policy.schedule, midnight - timedelta(seconds=1), midnight + 10 * DAY)
    shop = Source(
        SourceKind.DISK, "shop", "arn:aws:lightsail:eu-central-1:1:Disk/shop", "eu-central-1", now, {"backup": ""}
    )
    points: dict[datetime, RecoveryPoint] = {}
    ends: list[int] = []
    for day in simulation.days:
        end = datetime.combine(day.date + DAY, datetime.min.time(), tzinfo=zone).astimezone(UTC)
        while now < end:
            for action in make_plan(Inventory((shop,), tuple(points.values())), deployed, now).actions:
                slot = action.target.slot
                match action:
                    case Create():
                        points[slot] = RecoveryPoint(
                            kind=action.target.kind,
                            name=action.target.snapshot,
                            region=shop.region,
                            state=SnapshotState.USABLE,
                            taken=now,
                            size_gib=80,
                            source_name=shop.name,
                            source_arn=shop.arn,
                            slot=slot,
                            attempt=1,
                            expires_at=None,
                            tags=action.tags,
                        )
                    case ScheduleDeletion(expires_at=expires_at):
                        points[slot] = replace(points[slot], expires_at=expires_at)
                    case CancelDeletion():
                        points[slot] = replace(points[slot], expires_at=None)
                    case Delete():
                        del points[slot]
                    case Defer(until=until):
                        points[slot] = replace(points[slot], expires_at=until)
                    case Copy() | RemoveHold():
                        pytest.fail("nothing is held or copied")
            now += tick
        ends.append(len(points))
    return ends, [(point.slot, point.expires_at) for _, point in sorted(points.items(), reverse=True)]


@settings(max_examples=50)
@given(clauses=counts, cron=st.sampled_from(["0 3 * * *", "0 3 * * 0"]), start=starts, days=st.integers(1, 60))
def test_no_more_is_held_than_the_counts_allow_and_the_newest_always(
    clauses: dict[str, int], cron: str, start: date, days: int
) -> None:
    simulation = simulated(written(clauses), cron=cron, start=start, days=days)

    assert max(held(simulation)) <= sum(clauses.values())
    assert min(held(simulation)) >= 1
    assert simulation.points[0].slot == max(point.slot for point in simulation.points)
    assert simulation.end - simulation.points[0].slot <= (DAY if cron == "0 3 * * *" else 7 * DAY)


@settings(max_examples=50)
@given(clauses=counts, more=counts, start=starts, days=st.integers(1, 60), cron=crons, zone=zones)
def test_a_more_generous_rule_recovers_every_day_that_the_other_does(
    *, clauses: dict[str, int], more: dict[str, int], start: date, days: int, cron: str, zone: ZoneInfo
) -> None:
    generous = {period: clauses.get(period, 0) + more.get(period, 0) for period in clauses | more}

    some = simulated(written(clauses), cron=cron, zone=zone, start=start, days=days)
    others = simulated(written(generous), cron=cron, zone=zone, start=start, days=days)

    assert set(some.recoverable) <= set(others.recoverable)
    assert all(few <= many for few, many in zip(held(some), held(others), strict=True))


@settings(max_examples=20)
@given(clauses=counts, start=starts, days=st.integers(1, 40))
def test_the_document_agrees_with_itself(clauses: dict[str, int], start: date, days: int) -> None:
    simulation = simulated(written(clauses), start=start, days=days, deployed=Settings())

    document = simulation_document([simulation], Settings())

    (rule,) = document["rules"]
    assert [day["date"] for day in rule["series"]] == [
        day.isoformat() for day in days_from(start, start + (days - 1) * DAY)
    ]
    last = rule["series"][-1]
    assert (last["held"], last["storedGib"], last["usdPerMonth"]) == (
        rule["held"],
        rule["storedGib"],
        rule["usdPerMonth"],
    )
    assert len(rule["recoveryPoints"]) == rule["held"] <= rule["mostHeld"] <= rule["taken"] == days
    assert len({point["day"] for point in rule["recoveryPoints"]}) == rule["recoverableDays"]
    assert rule["mostUsdPerMonth"] == max(day["usdPerMonth"] for day in rule["series"])
    assert (document["firstDay"], document["lastDay"]) == (rule["series"][0]["date"], last["date"])


# What a person writes


@pytest.mark.parametrize(
    ("text", "part"),
    [("2%/day", 0.02), ("2%", 0.02), (" 0.5 % / day ", 0.005), ("0%", 0), ("100%/day", 1), ("12.25%", 0.1225)],
)
def test_a_rate_of_change_is_a_percentage_a_day(text: str, part: float) -> None:
    assert parse_change(text) == pytest.approx(part)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("2", "2%/day"),
        ("0.02", "0.02%/day"),
        ("200", None),
        ("0002", None),
        ("101%", None),
        ("-1%", None),
        ("2%/week", None),
        ("2%/day/day", None),
        ("", None),
        ("nan%", None),
        ("٢%", None),
        ("1" * 400, None),
    ],
)
def test_any_other_rate_is_answered_with_a_sentence(text: str, suggestion: str | None) -> None:
    with pytest.raises(InvalidValueError, match=r'expected a percentage for each day, .* such as "2%/day"') as raised:
        parse_change(text)

    assert raised.value.suggestion == suggestion


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-02-30", "0001-01-01", "9999-12-31", "2026-11-23T03:00"])
def test_what_is_no_date_is_answered_with_a_sentence(text: str) -> None:
    with pytest.raises(InvalidValueError, match='is not a date; expected one such as "2026-11-23"'):
        parse_day(text)
