import itertools
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.errors import InvalidValueError
from lightkeeper.times import (
    Duration,
    format_instant,
    is_duration,
    parse_day_or_instant,
    parse_duration,
    parse_instant,
    parse_zone,
)

GMT = ZoneInfo("UTC")
ZURICH = ZoneInfo("Europe/Zurich")
ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC",
        "Europe/Zurich",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "Pacific/Kiritimati",
    )
]

amounts = st.integers(0, 999_999)
durations = st.builds(Duration, amounts, amounts, amounts, amounts)
instants = st.datetimes(datetime(1970, 1, 2), datetime(2999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
zones = st.sampled_from(ZONES)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("2y5m7d3h", Duration(years=2, months=5, days=7, hours=3)),
        ("30d", Duration(days=30)),
        ("12h", Duration(hours=12)),
        ("1m14d", Duration(months=1, days=14)),
        ("0d", Duration()),
        ("007d", Duration(days=7)),
        ("999999y", Duration(years=999_999)),
    ],
)
def test_durations_are_years_months_days_and_hours(text: str, duration: Duration) -> None:
    assert parse_duration(text) == duration


def test_the_units_of_a_duration_come_in_any_order() -> None:
    orders = ["".join(parts) for parts in itertools.permutations(["2y", "5m", "7d", "3h"])]

    assert {parse_duration(text) for text in orders} == {Duration(2, 5, 7, 3)}


@pytest.mark.parametrize(
    "text", ["", "7", "d", "7w", "7D", "-7d", "1.5d", "7d7d", "1d2h3d", "7 d", " 7d", "7d\n", "1000000d", "٣d", "7d "]
)
def test_anything_else_is_no_duration_and_says_what_one_looks_like(text: str) -> None:
    assert not is_duration(text)
    with pytest.raises(InvalidValueError, match=r'is not a duration; expected .* such as "30d", "12h" or "2y5m7d3h"'):
        parse_duration(text)


@given(durations)
def test_a_duration_is_read_as_it_was_written(duration: Duration) -> None:
    assert parse_duration(str(duration)) == duration


@given(st.text("0123456789ymdhw ", max_size=8))
def test_a_duration_is_a_row_of_numbers_each_with_a_unit_of_its_own(text: str) -> None:
    numbers, units = re.split("[ymdh]", text), re.sub("[0-9]", "", text)
    is_row = numbers.pop() == "" and all(number.isdigit() and len(number) <= 6 for number in numbers)
    expected = is_row and len(units) > 0 and len(set(units)) == len(units)

    assert is_duration(text) == expected


def test_a_duration_of_nothing_is_false_and_written_as_no_days() -> None:
    assert not Duration()
    assert str(Duration()) == "0d"
    assert all([Duration(years=1), Duration(months=1), Duration(days=1), Duration(hours=1)])


@pytest.mark.parametrize(
    ("instant", "text", "before"),
    [
        ("2026-03-31T12:00", "1m", "2026-03-03T12:00"),
        ("2028-03-31T12:00", "1m", "2028-03-02T12:00"),
        ("2026-05-31T12:00", "1m", "2026-05-01T12:00"),
        ("2024-02-29T12:00", "1y", "2023-03-01T12:00"),
        ("2024-02-29T12:00", "4y", "2020-02-29T12:00"),
        ("2026-01-15T12:00", "1m14d", "2025-12-01T12:00"),
        ("2026-03-31T12:00", "1m3d", "2026-02-28T12:00"),
        ("2026-01-01T01:00", "3h", "2025-12-31T22:00"),
        ("2026-06-15T12:00", "2y5m7d3h", "2024-01-08T09:00"),
        ("2026-06-15T12:00", "0d", "2026-06-15T12:00"),
    ],
)
def test_a_month_without_that_day_runs_over_into_the_next(instant: str, text: str, before: str) -> None:
    assert parse_duration(text).before(utc(instant), GMT) == utc(before)


@pytest.mark.parametrize(
    ("instant", "text", "after"),
    [
        ("2026-01-31T12:00", "1m", "2026-03-03T12:00"),
        ("2026-12-31T12:00", "1d", "2027-01-01T12:00"),
        ("2024-02-29T12:00", "1y", "2025-03-01T12:00"),
        ("2026-11-15T23:00", "2m2h", "2027-01-16T01:00"),
    ],
)
def test_a_duration_can_be_counted_forwards(instant: str, text: str, after: str) -> None:
    assert parse_duration(text).after(utc(instant), GMT) == utc(after)


def test_a_day_keeps_the_time_on_the_clock_when_the_clocks_change() -> None:
    noon_after_the_change = utc("2026-03-29T10:00")

    assert Duration(days=1).before(noon_after_the_change, ZURICH) == utc("2026-03-28T11:00")
    assert Duration(hours=24).before(noon_after_the_change, ZURICH) == utc("2026-03-28T10:00")


def test_hours_are_counted_from_the_right_pass_of_the_repeated_hour() -> None:
    second_pass = utc("2026-10-25T01:30")

    assert Duration(hours=1).before(second_pass, ZURICH) == utc("2026-10-25T00:30")
    assert Duration(hours=1).after(second_pass, ZURICH) == utc("2026-10-25T02:30")


def test_a_time_in_the_gap_of_spring_is_read_with_the_offset_from_before_it() -> None:
    half_past_two = utc("2026-03-28T01:30")

    assert Duration(days=1).after(half_past_two, ZURICH) == utc("2026-03-29T01:30")


@given(instants, zones, amounts)
def test_hours_are_hours_whatever_the_clocks_do(instant: datetime, zone: ZoneInfo, hours: int) -> None:
    assert Duration(hours=hours).before(instant, zone) == instant - timedelta(hours=hours)
    assert Duration(hours=hours).after(instant, zone) == instant + timedelta(hours=hours)


@given(instants, st.integers(0, 900), st.integers(0, 11))
def test_months_keep_the_day_where_every_month_has_it(instant: datetime, years: int, months: int) -> None:
    instant = instant.replace(day=min(instant.day, 28))
    past = Duration(years=years, months=months).before(instant, GMT)

    assert past.replace(year=2000, month=1) == instant.replace(year=2000, month=1)
    assert (instant.year - past.year) * 12 + instant.month - past.month == years * 12 + months


@given(durations, instants, zones)
def test_no_duration_is_too_long_for_the_calendar(duration: Duration, instant: datetime, zone: ZoneInfo) -> None:
    assert duration.before(instant, zone) <= instant <= duration.after(instant, zone)


def test_beyond_the_calendar_lies_its_beginning_or_its_end() -> None:
    ages = parse_duration("999999y")

    assert ages.before(utc("2026-06-15"), ZURICH) == datetime.min.replace(tzinfo=UTC)
    assert ages.after(utc("2026-06-15"), ZURICH) == datetime.max.replace(tzinfo=UTC)
    assert parse_duration("999999d").before(utc("2026-06-15"), ZURICH) == datetime.min.replace(tzinfo=UTC)
    assert parse_duration("8000y").after(utc("2026-06-15"), ZURICH) == datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-23T03:00:00Z", "2026-11-23T03:00"),
        ("2026-11-23T03:00:00+02:00", "2026-11-23T01:00"),
        ("2026-11-23T03:00:00", "2026-11-23T02:00"),
        ("2026-07-23T03:00", "2026-07-23T01:00"),
        ("2026-11-23 03:00", "2026-11-23T02:00"),
        ("2026-11-23", "2026-11-22T23:00"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00"),
        ("2999-12-31T23:59:59Z", "2999-12-31T23:59:59"),
        ("2026-10-25T02:30", "2026-10-25T00:30"),
        ("2026-03-29T02:30", "2026-03-29T01:30"),
    ],
)
def test_a_time_without_an_offset_is_on_the_clock_of_the_zone(text: str, instant: str) -> None:
    assert parse_instant(text, ZURICH) == utc(instant)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "03:00",
        "2026-13-01T00:00:00Z",
        "2026-02-30",
        "1969-12-31T23:59:59Z",
        "3000-01-01T00:00:00Z",
        # In range as written, but not in UTC, in which it would be written back.
        "1970-01-01T00:00:00+05:00",
        "2999-12-31T23:59:59-05:00",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
        "2026-11-23T",
    ],
)
def test_anything_else_is_no_time_and_says_what_one_looks_like(text: str) -> None:
    for parse in (parse_instant, parse_day_or_instant):
        with pytest.raises(InvalidValueError, match=r'is not a time; expected ISO 8601 such as "2026-11-23T03:00:00Z"'):
            parse(text, ZURICH)


@given(instants.map(lambda instant: instant.replace(microsecond=0)), zones)
def test_an_instant_is_read_as_it_was_written(instant: datetime, zone: ZoneInfo) -> None:
    text = format_instant(instant.astimezone(zone))

    assert parse_instant(text, zone) == instant
    assert re.fullmatch(r"[A-Za-z0-9 +\-=._:/@]{1,256}", text)


@given(st.text(max_size=30) | st.from_regex(r"[0-9]{4}-?(W?[0-9]{2})-?[0-9]{0,2}([T ][0-9:.,+\-Z]*)?", fullmatch=True))
def test_any_text_is_a_time_or_an_error_in_words(text: str) -> None:
    for parse in (parse_instant, parse_day_or_instant):
        try:
            instant = parse(text, ZURICH)
        except InvalidValueError as error:
            assert "is not a time" in error.message  # noqa: PT017 - most texts are no times
        else:
            assert instant.tzinfo is UTC
            assert 1969 <= instant.year <= 3000 or instant.year == 9999


@pytest.mark.parametrize(
    ("text", "zone", "end"),
    [
        ("2027-01-31", "UTC", "2027-02-01T00:00"),
        ("2027-01-31", "Europe/Zurich", "2027-01-31T23:00"),
        ("2027-06-30", "Europe/Zurich", "2027-06-30T22:00"),
        ("2027-01-31", "Asia/Kathmandu", "2027-01-31T18:15"),
        ("2026-03-29", "Europe/Zurich", "2026-03-29T22:00"),
        ("2999-12-31", "UTC", "3000-01-01T00:00"),
        # The next day begins at one o'clock.
        ("2018-11-03", "America/Sao_Paulo", "2018-11-04T03:00"),
        # The day after the named one was left out.
        ("2011-12-29", "Pacific/Apia", "2011-12-30T10:00"),
    ],
)
def test_a_day_is_over_when_the_next_one_begins_in_the_zone(text: str, zone: str, end: str) -> None:
    assert parse_day_or_instant(text, ZoneInfo(zone)) == utc(end)


@pytest.mark.parametrize("text", ["3000-01-01", "9999-12-31"])
def test_a_day_too_far_off_to_reckon_with_is_the_end_of_time(text: str) -> None:
    assert format_instant(parse_day_or_instant(text, ZURICH)) == "9999-12-31T23:59:59Z"


def test_a_day_with_a_time_is_that_time() -> None:
    assert parse_day_or_instant("2027-01-31T12:00", ZURICH) == utc("2027-01-31T11:00")


def test_every_zone_of_the_database_is_known_by_its_name() -> None:
    names = available_timezones()

    assert {parse_zone(name).key for name in names} == names


@pytest.mark.parametrize(
    ("name", "hours"), [("Asia/Kathmandu", 5.75), ("Australia/Lord_Howe", 10.5), ("Asia/Kolkata", 5.5), ("UTC", 0)]
)
def test_zones_may_be_off_by_parts_of_an_hour(name: str, hours: float) -> None:
    assert utc("2026-06-15").astimezone(parse_zone(name)).utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("Europe/Zurch", "Europe/Zurich"),
        ("europe/zuerich", "Europe/Zurich"),
        ("America/NewYork", "America/New_York"),
        ("Etc/UCT ", "Etc/UCT"),
    ],
)
def test_a_misspelt_zone_is_answered_with_the_nearest_one(name: str, suggestion: str) -> None:
    with pytest.raises(InvalidValueError, match="is not a time zone; expected an IANA name") as caught:
        parse_zone(name)
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "Europe",
        "../etc/passwd",
        "/etc/localtime",
        "tzdata.zi",
        "a\0b",
        "\ud800",
        "Europe//Zurich",
        ".a" * 1000,
        "a/" * 1000 + "a",
    ],
)
def test_what_is_no_zone_is_refused_in_words_too(name: str) -> None:
    with pytest.raises(InvalidValueError, match="is not a time zone"):
        parse_zone(name)
