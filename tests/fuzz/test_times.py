"""Times, durations, zones, keep rules and schedules: whatever is written is understood or refused, and nothing else.

What is understood is written back as the same, and can be reckoned with at any time.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lightkeeper.errors import InvalidValueError
from lightkeeper.keep_rules import apply_rule, parse_keep, until_counts_exhausted
from lightkeeper.schedule import Schedule, current_slot, longest_gap, next_slot, parse_schedule, with_time_of_day
from lightkeeper.times import (
    Duration,
    format_instant,
    parse_day_or_instant,
    parse_duration,
    parse_instant,
    parse_zone,
)
from lightkeeper_cli.simulation import parse_change, parse_day
from tests.support.words import anything_or, near, numbers_as_text

UTC_ZONE = parse_zone("UTC")
EVERY_DAY = parse_schedule("0 3 * * *", UTC_ZONE)
ZONES = st.sampled_from([ZoneInfo(name) for name in ("UTC", "Europe/Zurich", "Pacific/Apia", "Pacific/Kiritimati")])
# The first and the last instant that can be written, with what lies around a change of the clocks.
NOWS = st.sampled_from(
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        datetime(2026, 6, 15, 12, tzinfo=UTC),
        datetime(2999, 12, 31, 23, 59, 59, tzinfo=UTC),
    ]
)

years = st.sampled_from([0, 1, 999, 1969, 1970, 2026, 2999, 3000, 9999, 10000]).map("{:04}".format)
days = st.builds("{}-{:02}-{:02}".format, years, st.integers(0, 13), st.integers(0, 32))
clocks = st.builds(
    "{}{:02}:{:02}{}".format, st.sampled_from("T t"), st.integers(0, 25), st.integers(0, 60), st.just("")
)
offsets = st.sampled_from(["", "Z", "z", "+00:00", "+23:59", "-23:59", "+24:00", "+05", "-00:00:00.000001", "UTC"])
times = st.builds("{}{}{}".format, days, clocks, offsets)
instants = times | anything_or(["2026-11-23T03:00:00Z", "2026-11-23", "2026-W48-1", "20261123T030000Z"])
parts = st.builds("{}{}".format, st.integers(0, 10_000_000) | numbers_as_text, st.sampled_from("ymdhwYMDH "))
durations = st.lists(parts, max_size=5).map("".join) | anything_or(["2y5m7d3h", "30d", "9999y", "999999h"])
clauses = st.builds(
    "{}={}".format,
    near(["last", "hourly", "daily", "weekly", "monthly", "yearly", "within", "within-daily", "within-yearly"]),
    st.sampled_from(["all", "1", "7", "999999", "999999999999", "999999y", "0d"]) | numbers_as_text | durations,
)
keeps = st.lists(clauses, max_size=6).map(" ".join) | anything_or(["7", "30d", "daily=7 weekly=4", "forever"])
fields = (
    st.sampled_from(["*", "0", "3", "*/5", "1-5", "1,15", "L", "LW", "5#5", "1#5", "MON", "29", "30", "2", "FEB"])
    | st.builds("{}-{}/{}".format, numbers_as_text, numbers_as_text, numbers_as_text)
    | st.builds("*/{}".format, numbers_as_text)
    | near(["*/15", "0-59", "SUN-SAT", "1-12/3", "*/29", "31"])
)
crons = st.lists(fields, min_size=5, max_size=5).map(" ".join) | anything_or(["0 3 * * *", "* * * * *", "0 0 29 2 1#5"])
zone_names = anything_or(["UTC", "Europe/Zurich", "Europe", "zone.tab", "posixrules", "/etc/passwd", "../zone", "a//b"])
ats = st.builds("{} {}".format, near(["02:30", "23:59", "24:00", "2:30"]), zone_names) | anything_or(["02:30"])


T = TypeVar("T")


def understood(parse: Callable[[str], T], text: str) -> T | None:
    """Return what `text` is taken for; None if it is refused, with a sentence."""
    try:
        return parse(text)
    except InvalidValueError as error:
        assert "expected" in error.message  # noqa: PT017 - both outcomes are right
        if error.suggestion is not None:
            parse(error.suggestion)
        return None


@given(instants, ZONES)
@example("2999-12-31T23:59:59-23:59", UTC_ZONE)
@example("1970-01-01T00:00:00+23:59", UTC_ZONE)
def test_a_time_is_refused_or_written_back_as_the_same_second(text: str, zone: ZoneInfo) -> None:
    instant = understood(lambda text: parse_instant(text, zone), text)

    if instant is not None:
        assert parse_instant(format_instant(instant), zone) == instant.replace(microsecond=0)


@given(instants, ZONES)
def test_a_day_is_refused_or_ends_in_utc_within_the_calendar(text: str, zone: ZoneInfo) -> None:
    instant = understood(lambda text: parse_day_or_instant(text, zone), text)

    if instant is not None:
        assert instant.tzinfo is UTC
        assert format_instant(instant)


@given(durations, NOWS, ZONES)
def test_a_duration_is_refused_or_written_back_and_reckoned_with(text: str, now: datetime, zone: ZoneInfo) -> None:
    duration = understood(parse_duration, text)

    if duration is not None:
        assert parse_duration(str(duration)) == duration
        assert duration.before(now, zone) <= now <= duration.after(now, zone)


@given(st.builds(Duration, *[st.integers(0, 999_999)] * 4), NOWS, ZONES)
def test_no_duration_is_too_long_to_reckon_with(duration: Duration, now: datetime, zone: ZoneInfo) -> None:
    assert duration.before(now, zone) <= now <= duration.after(now, zone)


@given(keeps, NOWS, ZONES)
def test_a_keep_rule_is_refused_or_written_back_and_never_drops_the_newest(
    text: str, now: datetime, zone: ZoneInfo
) -> None:
    rule = understood(parse_keep, text)

    if rule is not None:
        taken = [now, now - timedelta(days=40), now - timedelta(days=400)]
        assert parse_keep(str(rule)) == rule
        assert apply_rule(rule, taken, zone=zone, newest=now)[0]
        assert until_counts_exhausted(rule, taken, zone)[0] == now


@given(crons, NOWS, ZONES)
def test_a_cron_expression_is_refused_or_fires_around_any_time(text: str, now: datetime, zone: ZoneInfo) -> None:
    schedule = understood(lambda text: parse_schedule(text, zone), text)

    if schedule is not None:
        assert parse_schedule(schedule.cron, zone) == schedule
        assert current_slot(schedule, now) <= now < next_slot(schedule, now)
        assert longest_gap(schedule).length > timedelta()


@given(ats, st.sampled_from([EVERY_DAY, parse_schedule("0 * * * *", UTC_ZONE)]), NOWS)
def test_a_time_of_day_is_refused_or_moves_the_schedule(text: str, schedule: Schedule, now: datetime) -> None:
    at = understood(lambda text: with_time_of_day(schedule, text), text)

    if at is not None:
        assert parse_schedule(at.cron, at.zone) == at
        assert current_slot(at, now) <= now < next_slot(at, now)


@given(zone_names)
def test_a_zone_is_refused_or_is_the_one_of_that_name(text: str) -> None:
    zone = understood(parse_zone, text)

    assert zone is None or zone.key == text


@given(anything_or(["2%/day", "0.5 %", "100%", "2026-11-23", "2%"]) | days)
def test_what_the_simulator_is_given_is_refused_or_in_range(text: str) -> None:
    change = understood(parse_change, text)
    day = understood(parse_day, text)

    assert change is None or 0 <= change <= 1
    assert day is None or 1970 < day.year < 2999


@pytest.mark.parametrize("text", ["9" * 5000, "9" * 5000 + "d", "daily=" + "9" * 5000, "-1", "1e9"])
def test_no_number_is_too_long_to_be_refused(text: str) -> None:
    for parse in (parse_duration, parse_keep, parse_change, parse_day):
        with pytest.raises(InvalidValueError):
            parse(text)
