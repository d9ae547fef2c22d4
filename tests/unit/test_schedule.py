from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightkeeper.errors import InvalidValueError
from lightkeeper.schedule import (
    Schedule,
    current_slot,
    longest_gap,
    next_slot,
    parse_schedule,
    slots_since,
    with_time_of_day,
)
from lightkeeper.times import parse_zone

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
INSTANT = timedelta(microseconds=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def at(cron: str, zone: str = "UTC") -> Schedule:
    return parse_schedule(cron, ZoneInfo(zone))


def slots(schedule: Schedule, start: str, end: str, form: str = "%d %H:%M") -> list[str]:
    """Return the slots after `start` and up to `end`, oldest first, in UTC."""
    return [slot.strftime(form) for slot in reversed(list(slots_since(schedule, utc(start), utc(end))))]


# An independent oracle: a clerk who looks at the clock on the wall every minute for three days. Whenever it shows a
# minute that it has not shown before, the clerk looks that minute up, and those it has jumped over.

WINDOWS = [
    ("Europe/Zurich", utc("2026-03-29T01:00")),
    ("Europe/Zurich", utc("2026-10-25T01:00")),
    ("America/New_York", utc("2026-03-08T07:00")),
    ("America/New_York", utc("2026-11-01T06:00")),
    ("Australia/Lord_Howe", utc("2026-10-03T15:30")),
    ("Australia/Lord_Howe", utc("2026-04-04T15:00")),
    ("America/Sao_Paulo", utc("2018-11-04T03:00")),
    ("America/Sao_Paulo", utc("2018-02-18T02:00")),
    ("America/St_Johns", utc("2010-11-07T02:31")),
    ("Antarctica/Troll", utc("2026-10-25T01:00")),
    ("Pacific/Apia", utc("2011-12-30T10:00")),
    ("Asia/Kathmandu", utc("2026-12-31T18:15")),
    ("UTC", utc("2028-02-29T00:00")),
    ("UTC", utc("2026-03-01T00:00")),
]
HALF_WINDOW = timedelta(hours=36)


@cache
def new_minutes(zone: str, middle: datetime) -> list[tuple[datetime, datetime]]:
    """Return each minute the wall clock shows or jumps over for the first time, and the instant when it does."""
    instant = middle - HALF_WINDOW
    end = instant + 2 * HALF_WINDOW
    shown = (instant - MINUTE).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    minutes = []
    while instant <= end:
        wall = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        while shown < wall:
            shown += MINUTE
            minutes.append((shown, instant))
        instant += MINUTE
    return minutes


Matcher = Callable[[datetime], bool]
Field = tuple[str, Matcher]


def last_day(wall: datetime) -> bool:
    return (wall + DAY).month != wall.month


MINUTES: list[Field] = [
    ("*", lambda _: True),
    ("*/20", lambda wall: wall.minute % 20 == 0),
    ("0", lambda wall: wall.minute == 0),
    ("30", lambda wall: wall.minute == 30),
    ("5,45", lambda wall: wall.minute in (5, 45)),
    ("10-12", lambda wall: 10 <= wall.minute <= 12),
]
HOURS: list[Field] = [
    ("*", lambda _: True),
    ("*/6", lambda wall: wall.hour % 6 == 0),
    ("1-3", lambda wall: 1 <= wall.hour <= 3),
    ("0", lambda wall: wall.hour == 0),
    ("2", lambda wall: wall.hour == 2),
    ("23", lambda wall: wall.hour == 23),
]
DAYS: list[Field] = [
    ("*", lambda _: True),
    ("L", last_day),
    ("31", lambda wall: wall.day == 31),
    ("29", lambda wall: wall.day == 29),
    ("1,30", lambda wall: wall.day in (1, 30)),
    ("*/2", lambda wall: wall.day % 2 == 1),
]
WEEKDAYS: list[Field] = [
    ("*", lambda _: True),
    ("0", lambda wall: wall.isoweekday() == 7),
    ("7", lambda wall: wall.isoweekday() == 7),
    ("MON-FRI", lambda wall: wall.isoweekday() <= 5),
    ("sat,sun", lambda wall: wall.isoweekday() >= 6),
    ("SUN#1", lambda wall: wall.isoweekday() == 7 and wall.day <= 7),
    ("0L", lambda wall: wall.isoweekday() == 7 and (wall + 7 * DAY).month != wall.month),
]


def expression(minute: Field, hour: Field, day: Field, weekday: Field) -> tuple[str, Matcher]:
    # Debian's cron: a day must satisfy both of its fields if one of them begins with a star, else either.
    both = day[0].startswith("*") or weekday[0].startswith("*")

    def matches(wall: datetime) -> bool:
        days = (day[1](wall), weekday[1](wall))
        return minute[1](wall) and hour[1](wall) and (all(days) if both else any(days))

    return f"{minute[0]} {hour[0]} {day[0]} * {weekday[0]}", matches


expressions = st.builds(expression, *(st.sampled_from(fields) for fields in (MINUTES, HOURS, DAYS, WEEKDAYS)))
windows = st.sampled_from(WINDOWS)
moments = st.timedeltas(-DAY, DAY) | st.integers(-30, 30).map(lambda number: number * timedelta(minutes=5))


def seen_by_the_clerk(matches: Matcher, zone: str, middle: datetime) -> list[datetime]:
    return sorted({instant for wall, instant in new_minutes(zone, middle) if matches(wall)})


@settings(max_examples=150)
@given(expressions, windows)
def test_the_slots_of_two_days_are_those_a_clerk_with_a_wall_clock_notes(
    cron: tuple[str, Matcher], window: tuple[str, datetime]
) -> None:
    schedule = at(cron[0], window[0])
    middle = window[1]
    start, end = middle - DAY, middle + DAY

    noted = [slot for slot in seen_by_the_clerk(cron[1], *window) if start < slot <= end]

    assert list(slots_since(schedule, start, end))[::-1] == noted


@settings(max_examples=150)
@given(expressions, windows, moments)
def test_now_lies_between_the_current_slot_and_the_next_and_nothing_else_does(
    cron: tuple[str, Matcher], window: tuple[str, datetime], moment: timedelta
) -> None:
    schedule = at(cron[0], window[0])
    middle = window[1]
    now = middle + moment
    noted = seen_by_the_clerk(cron[1], *window)

    current, following = current_slot(schedule, now), next_slot(schedule, now)

    assert current <= now < following
    assert [slot for slot in noted if current < slot < following] == []
    assert current in noted or current < middle - HALF_WINDOW
    assert following in noted or following > middle + HALF_WINDOW


@settings(max_examples=150)
@given(expressions, windows, moments)
def test_the_next_slot_becomes_the_current_one_when_it_comes(
    cron: tuple[str, Matcher], window: tuple[str, datetime], moment: timedelta
) -> None:
    schedule = at(cron[0], window[0])
    now = window[1] + moment
    following = next_slot(schedule, now)

    assert current_slot(schedule, following) == following
    assert current_slot(schedule, following - INSTANT) == current_slot(schedule, now)
    assert tuple(slots_since(schedule, now, following)) == (following,)


@given(expressions, windows, moments)
def test_the_slots_since_are_the_current_ones_one_after_another(
    cron: tuple[str, Matcher], window: tuple[str, datetime], moment: timedelta
) -> None:
    schedule = at(cron[0], window[0])
    now = window[1] + moment
    start = now - timedelta(hours=5)
    walked: list[datetime] = []
    slot = current_slot(schedule, now)
    while slot > start:
        walked.append(slot)
        slot = current_slot(schedule, slot - INSTANT)

    assert tuple(slots_since(schedule, start, now)) == tuple(walked)


@given(st.text("0123456789*/-,#LWMONFEB ", max_size=16) | st.text(max_size=12))
def test_any_text_is_a_schedule_that_fires_or_an_error_in_words(text: str) -> None:
    now = utc("2026-06-15T12:00")
    try:
        schedule = at(text)
    except InvalidValueError as error:
        assert "expected five fields" in error.message  # noqa: PT017 - most texts are no schedules
    else:
        assert current_slot(schedule, now) <= now < next_slot(schedule, now)


# Examples.


def test_in_spring_a_slot_in_the_gap_comes_when_the_gap_ends() -> None:
    daily = at("30 2 * * *", "Europe/Zurich")

    assert slots(daily, "2026-03-27T12:00", "2026-03-30T12:00") == ["28 01:30", "29 01:00", "30 00:30"]


def test_in_autumn_a_slot_in_the_repeated_hour_comes_once_at_its_first_pass() -> None:
    daily = at("30 2 * * *", "Europe/Zurich")

    assert slots(daily, "2026-10-23T12:00", "2026-10-26T12:00") == ["24 00:30", "25 00:30", "26 01:30"]
    assert current_slot(daily, utc("2026-10-25T01:15")) == utc("2026-10-25T00:30")
    assert next_slot(daily, utc("2026-10-25T01:15")) == utc("2026-10-26T01:30")


def test_an_hourly_schedule_has_one_slot_for_each_hour_on_the_clock() -> None:
    hourly = at("0 * * * *", "America/New_York")

    assert slots(hourly, "2026-03-08T05:30", "2026-03-08T08:30") == ["08 06:00", "08 07:00", "08 08:00"]
    assert slots(hourly, "2026-11-01T04:30", "2026-11-01T08:30") == ["01 05:00", "01 07:00", "01 08:00"]


def test_many_slots_in_the_gap_come_as_one() -> None:
    often = at("*/10 * * * *", "Europe/Zurich")

    assert slots(often, "2026-03-29T00:45", "2026-03-29T01:15") == ["29 00:50", "29 01:00", "29 01:10"]
    assert next_slot(often, utc("2026-03-29T00:50")) == utc("2026-03-29T01:00")
    assert next_slot(often, utc("2026-03-29T01:00")) == utc("2026-03-29T01:10")


def test_lord_howe_moves_its_clocks_by_half_an_hour() -> None:
    quarter_past_two, quarter_to_two = at("15 2 * * *", "Australia/Lord_Howe"), at("45 1 * * *", "Australia/Lord_Howe")

    # Spring: 02:00 +10:30 becomes 02:30 +11.
    assert slots(quarter_past_two, "2026-10-02T00:00", "2026-10-05T00:00") == ["02 15:45", "03 15:30", "04 15:15"]
    # Autumn: 02:00 +11 becomes 01:30 +10:30.
    assert slots(quarter_to_two, "2026-04-03T00:00", "2026-04-06T00:00") == ["03 14:45", "04 14:45", "05 15:15"]


def test_apia_left_out_a_whole_day_whose_slot_came_when_the_next_began() -> None:
    noon = at("0 12 * * *", "Pacific/Apia")

    # Noon of the 29th at -10; the 30th did not happen and ended as it began; noon of the 31st at +14.
    assert slots(noon, "2011-12-29T00:00", "2011-12-31T00:00") == ["29 22:00", "30 10:00", "30 22:00"]


def test_kathmandu_is_five_hours_and_three_quarters_ahead() -> None:
    assert current_slot(at("0 3 * * *", "Asia/Kathmandu"), utc("2026-06-15T12:00")) == utc("2026-06-14T21:15")


def test_slots_are_in_utc_wherever_the_machine_stands() -> None:
    schedule, now = at("0 3 * * *", "Europe/Zurich"), datetime(2026, 6, 15, 12, tzinfo=UTC)

    for slot in (current_slot(schedule, now), next_slot(schedule, now)):
        assert slot.tzinfo is UTC


def test_a_slot_is_current_from_its_very_instant() -> None:
    daily, slot = at("0 3 * * *"), utc("2026-06-15T03:00")

    assert current_slot(daily, slot) == slot
    assert current_slot(daily, slot - INSTANT) == slot - DAY
    assert next_slot(daily, slot - INSTANT) == slot
    assert next_slot(daily, slot) == slot + DAY
    assert tuple(slots_since(daily, slot - DAY, slot)) == (slot,)
    assert tuple(slots_since(daily, slot, slot)) == ()


def test_the_31st_comes_only_in_long_months_and_the_last_day_in_all() -> None:
    span = ("2026-01-01T00:00", "2026-06-30T12:00", "%m-%d")

    assert slots(at("0 3 31 * *"), *span) == ["01-31", "03-31", "05-31"]
    assert slots(at("0 3 L * *"), *span) == ["01-31", "02-28", "03-31", "04-30", "05-31", "06-30"]


def test_leap_days_come_every_four_years_but_for_most_centuries() -> None:
    leap_days = at("0 0 29 2 *")

    assert slots(leap_days, "2021-01-01T00:00", "2033-01-01T00:00", "%Y") == ["2024", "2028", "2032"]
    assert next_slot(leap_days, utc("2096-03-01T00:00")) == utc("2104-02-29T00:00")
    assert current_slot(leap_days, utc("2103-01-01T00:00")) == utc("2096-02-29T00:00")


def test_a_leap_day_on_a_given_weekday_is_found_across_decades() -> None:
    rare = at("0 0 29 2 */7")

    assert current_slot(rare, utc("2026-06-15T00:00")) == utc("2004-02-29T00:00")
    assert next_slot(rare, utc("2026-06-15T00:00")) == utc("2032-02-29T00:00")


@pytest.mark.parametrize(
    ("weekdays", "days"),
    [
        ("MON-FRI", ["15", "16", "17", "18", "19"]),
        ("sat,sun", ["20", "21"]),
        ("0", ["21"]),
        ("7", ["21"]),
        ("wed", ["17"]),
        ("MON#3", ["15"]),
        ("FRI#4", []),
    ],
)
def test_weekdays_have_names_and_numbers(weekdays: str, days: list[str]) -> None:
    assert slots(at(f"0 3 * * {weekdays}"), "2026-06-15T00:00", "2026-06-22T00:00", "%d") == days


def test_a_day_of_the_month_and_a_weekday_mean_either() -> None:
    assert slots(at("0 3 13 * FRI"), "2026-06-01T00:00", "2026-06-20T00:00", "%d") == ["05", "12", "13", "19"]


def test_a_schedule_is_read_whatever_its_spaces_and_shown_with_its_zone() -> None:
    schedule = at("  0   3 * *\t* ", "Europe/Zurich")

    assert schedule == at("0 3 * * *", "Europe/Zurich")
    assert str(schedule) == "0 3 * * * Europe/Zurich"


@pytest.mark.parametrize(
    ("cron", "says"),
    [
        ("", '"" is not a cron expression; expected five fields'),
        ("* * * *", '"* * * *" is not a cron expression; expected five fields'),
        ("0 0 3 * * *", '"0 0 3 * * *" is not a cron expression; expected five fields'),
        ("@daily", '"@daily" is not a cron expression; expected five fields'),
        ("60 3 * * *", "(bad minute); expected five fields"),
        ("*/0 3 * * *", "(bad minute)"),
        ("1, 3 * * *", "(bad minute)"),
        ("0 24 * * *", "(bad hour)"),
        ("0 5-3 * * *", "(bad hour)"),
        ("0 -1 * * *", "(bad hour)"),
        ("0 3 0 * *", "(bad day-of-month)"),
        ("0 3 ? * *", "(bad day-of-month)"),
        ("0 3 32 * *", "(bad day-of-month)"),
        ("0 3 * 13 *", "(bad month)"),
        ("0 3 * JUNE *", "(bad month)"),
        ("0 3 * * 8", "(bad day-of-week)"),
        ("0 3 * * FRIL", "(bad day-of-week)"),
        ("0 3 * * MON#6", "(bad day-of-week)"),
        ("0 3 30 2 *", '"0 3 30 2 *"'),
        ("0 3 31 4,6,9,11 *", '"0 3 31 4,6,9,11 *"'),
        ("0 3 */15 * MON#2", '"0 3 */15 * MON#2" never fires; expected five fields'),
    ],
)
def test_a_bad_expression_is_answered_with_the_field_that_is_wrong(cron: str, says: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        at(cron)

    assert says in caught.value.message
    assert 'such as "0 3 * * *"' in caught.value.message


@pytest.mark.parametrize(
    ("cron", "to", "cron_then", "zone"),
    [
        ("0 3 * * *", "02:30", "30 2 * * *", "Europe/Zurich"),
        ("0 3 * * *", " 23:59 ", "59 23 * * *", "Europe/Zurich"),
        ("0 3 * * *", "00:00", "0 0 * * *", "Europe/Zurich"),
        ("0 3 * * *", "02:30 Asia/Kathmandu", "30 2 * * *", "Asia/Kathmandu"),
        ("15 03 L * MON", "20:05  UTC", "5 20 L * MON", "UTC"),
    ],
)
def test_a_schedule_is_moved_to_another_time_and_zone(cron: str, to: str, cron_then: str, zone: str) -> None:
    assert with_time_of_day(at(cron, "Europe/Zurich"), to) == at(cron_then, zone)


@pytest.mark.parametrize("to", ["", "2:30", "24:00", "02:60", "0230", "noon", "02:30 UTC x", "02:30UTC", "02:30:00"])
def test_what_is_no_time_of_day_moves_nothing(to: str) -> None:
    with pytest.raises(
        InvalidValueError, match=r'is not a time of day; expected "02:30" or "02:30 Europe/Zurich"'
    ) as caught:
        with_time_of_day(at("0 3 * * *"), to)
    assert f'"{to}"' in caught.value.message


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *[
            (written, "03:00")
            for written in ("3:00", "3am", "3 AM", "3.00", "03h00", "3:00 a.m.", "03:00:00", "3:00am")
        ],
        *[(written, "15:00") for written in ("3pm", "15h00", "15.00", "3:00 PM")],
        ("12am", "00:00"),
        ("12pm", "12:00"),
        ("1am", "01:00"),
        ("1pm", "13:00"),
        ("noon", "12:00"),
        ("Midnight", "00:00"),
        ("3am Europe/Zurch", "03:00 Europe/Zurich"),
        *[(written, None) for written in ("", "3", "24:00", "13pm", "0am", "3:60", "03:00Z", "3am Atlantis", "early")],
    ],
)
def test_a_time_as_people_write_it_is_suggested_as_a_tag_has_it(written: str, meant: str | None) -> None:
    daily = at("0 9 * * *")

    with pytest.raises(InvalidValueError) as caught:
        with_time_of_day(daily, written)

    assert caught.value.suggestion == meant
    if meant:
        assert with_time_of_day(daily, meant).cron != daily.cron, "what is suggested is understood"


def test_where_no_time_of_day_can_be_moved_none_is_suggested() -> None:
    with pytest.raises(InvalidValueError) as caught:
        with_time_of_day(at("0 * * * *"), "3am")

    assert caught.value.suggestion is None


def test_a_zone_that_is_like_no_other_is_answered_without_a_guess() -> None:
    with pytest.raises(InvalidValueError, match='"Xyzzy" is not a time zone') as caught:
        with_time_of_day(at("0 3 * * *"), "02:30 Xyzzy")
    assert caught.value.suggestion is None


def test_a_wrong_zone_to_move_to_is_answered_with_the_nearest() -> None:
    with pytest.raises(InvalidValueError, match='"Europe/Zurch" is not a time zone') as caught:
        with_time_of_day(at("0 3 * * *"), "02:30 Europe/Zurch")
    assert "Europe/Zurich" in (caught.value.suggestion or "")


@pytest.mark.parametrize(
    "cron", ["0 * * * *", "* 3 * * *", "*/5 3 * * *", "0 3,15 * * *", "0 1-3 * * *", "0 */6 * * *"]
)
def test_only_a_fixed_time_of_day_can_be_moved(cron: str) -> None:
    with pytest.raises(InvalidValueError, match="which has no fixed hour and minute; expected a policy") as caught:
        with_time_of_day(at(cron), "02:30")
    assert f'"{cron}"' in caught.value.message


@pytest.mark.parametrize(
    ("cron", "zone", "hours"),
    [
        ("* * * * *", "UTC", 1 / 60),
        ("0 * * * *", "UTC", 1),
        ("0 3 * * *", "UTC", 24),
        # The night on which the clocks are put back.
        ("0 3 * * *", "Europe/Zurich", 25),
        ("0 3 * * *", "America/Chicago", 25),
        ("0 18 * * 1-5", "UTC", 72),
        ("*/5 9-16 * * 1-5", "UTC", 64 + 5 / 60),
        ("0 3 1 * *", "UTC", 31 * 24),
        ("0 3 1 1 *", "UTC", 366 * 24),
        ("0 3 29 2 *", "UTC", 1461 * 24),
        # Twenty thousand slots later it is still January: nobody waits for four years of minutes.
        ("* * * 1-11 *", "UTC", 1 / 60),
    ],
)
def test_the_longest_gap_is_the_longest_time_from_slot_to_slot(cron: str, zone: str, hours: float) -> None:
    assert longest_gap(parse_schedule(cron, parse_zone(zone))).length == timedelta(hours=hours)


def test_the_longest_gap_ends_with_the_later_of_its_slots() -> None:
    gap = longest_gap(at("0 18 * * 1-5"))

    assert gap.end == utc("2000-01-03T18:00") + DAY * 7
