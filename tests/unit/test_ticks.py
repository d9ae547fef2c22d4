from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightkeeper.errors import InvalidValueError
from lightkeeper.schedule import Schedule, parse_schedule
from lightkeeper.ticks import (
    Cron,
    Rate,
    is_rarer,
    longest_gap_of_tick,
    longest_span_of_tick,
    parse_tick,
    shortest_gap,
)
from lightkeeper.times import parse_zone

UTC = parse_zone("UTC")
ZURICH = parse_zone("Europe/Zurich")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

# An independent oracle: a clerk with a calendar, who ticks off each day of four years that an expression names, and the
# first one after them; and on such a day each time of day. The clerk reads EventBridge's fields as AWS documents them,
# and cron's as Debian does.

Matcher = Callable[[datetime], bool]
Field = tuple[str, Matcher]
FIRST = datetime(2000, 1, 1)  # noqa: DTZ001 - a wall clock
CALENDAR = [FIRST + number * DAY for number in range(9 * 366)]
TIMES = [number * MINUTE for number in range(24 * 60)]


def last_day(wall: datetime) -> bool:
    return (wall + DAY).month != wall.month


def weekday(*isoweekdays: int) -> Matcher:
    return lambda wall: wall.isoweekday() in isoweekdays


def every(_: datetime) -> bool:
    return True


MINUTES: list[Field] = [
    ("0", lambda wall: wall.minute == 0),
    ("30", lambda wall: wall.minute == 30),
    ("5,45", lambda wall: wall.minute in {5, 45}),
    ("10/25", lambda wall: wall.minute in {10, 35}),
]
HOURS: list[Field] = [
    ("*", every),
    ("3", lambda wall: wall.hour == 3),
    ("8-17", lambda wall: 8 <= wall.hour <= 17),
    ("*/6", lambda wall: wall.hour % 6 == 0),
]
MONTHS: list[Field] = [
    ("*", every),
    ("1", lambda wall: wall.month == 1),
    ("JAN,OCT-DEC", lambda wall: wall.month in {1, 10, 11, 12}),
]
DAYS: list[Field] = [
    ("*", every),
    ("L", last_day),
    ("29", lambda wall: wall.day == 29),
    ("1,15", lambda wall: wall.day in {1, 15}),
    ("*/2", lambda wall: wall.day % 2 == 1),
]
EVENTBRIDGE_WEEKDAYS: list[Field] = [
    ("*", every),
    ("1", weekday(7)),
    ("7", weekday(6)),
    ("2-6", weekday(1, 2, 3, 4, 5)),
    ("mon-FRI", weekday(1, 2, 3, 4, 5)),
    ("SUN,4", weekday(7, 3)),
    ("L", weekday(6)),
    ("6L", lambda wall: wall.isoweekday() == 5 and (wall + 7 * DAY).month != wall.month),
    ("3#2", lambda wall: wall.isoweekday() == 2 and 8 <= wall.day <= 14),
]
CRON_WEEKDAYS: list[Field] = [
    ("*", every),
    ("0", weekday(7)),
    ("1-5", weekday(1, 2, 3, 4, 5)),
    ("0,3", weekday(7, 3)),
    ("5L", lambda wall: wall.isoweekday() == 5 and (wall + 7 * DAY).month != wall.month),
]


@st.composite
def ticks(draw: st.DrawFn) -> tuple[str, Field, Field, Matcher]:
    """Return a tick, its minute and hour, and the days it names."""
    minute, hour, month = (draw(st.sampled_from(fields)) for fields in (MINUTES, HOURS, MONTHS))
    by_date = draw(st.booleans())
    days = draw(st.sampled_from(DAYS if by_date else EVENTBRIDGE_WEEKDAYS))
    dates = f"{days[0]} {month[0]} ?" if by_date else f"? {month[0]} {days[0]}"
    return f"cron({minute[0]} {hour[0]} {dates} *)", minute, hour, lambda wall: month[1](wall) and days[1](wall)


@st.composite
def schedules(draw: st.DrawFn) -> tuple[str, Field, Field, Matcher]:
    """Return a policy's schedule, its minute and hour, and the days it names."""
    minute, hour, month, day, week = (
        draw(st.sampled_from(fields)) for fields in (MINUTES, HOURS, MONTHS, DAYS, CRON_WEEKDAYS)
    )
    both = day[0].startswith("*") or week[0] == "*"

    def matches(wall: datetime) -> bool:
        found = (day[1](wall), week[1](wall))
        return month[1](wall) and (all(found) if both else any(found))

    return f"{minute[0]} {hour[0]} {day[0]} {month[0]} {week[0]}", minute, hour, matches


@cache
def times_of_day(minute: Field, hour: Field) -> list[timedelta]:
    return [time for time in TIMES if minute[1](FIRST + time) and hour[1](FIRST + time)]


def ticked_off(minute: Field, hour: Field, days: Matcher) -> list[datetime]:
    found = [day for day in CALENDAR if days(day)]
    four_years = [day for day in found if day < FIRST + 4 * 366 * DAY]
    return [day + time for day in found[: len(four_years) + 1] for time in times_of_day(minute, hour)]


def gaps(walls: list[datetime]) -> list[timedelta]:
    return [later - earlier for earlier, later in pairwise(walls)]


@settings(max_examples=80, deadline=None)
@given(ticks())
def test_the_longest_gap_of_a_tick_is_the_one_in_the_clerk_s_calendar(tick: tuple[str, Field, Field, Matcher]) -> None:
    assert longest_gap_of_tick(tick[0]) == max(gaps(ticked_off(*tick[1:])))


@settings(max_examples=80, deadline=None)
@given(ticks(), st.integers(1, 5))
def test_the_longest_span_of_some_ticks_is_the_one_in_the_clerk_s_calendar(
    tick: tuple[str, Field, Field, Matcher], number: int
) -> None:
    walls = ticked_off(*tick[1:])
    spans = [later - earlier for earlier, later in zip(walls, walls[number:], strict=False)]

    # Where a tick is so rare, four years and one day more may not hold as many.
    assert not spans or longest_span_of_tick(tick[0], number) == max(spans)


@settings(max_examples=80, deadline=None)
@given(schedules())
def test_the_shortest_gap_of_a_schedule_is_the_one_in_the_clerk_s_calendar(
    schedule: tuple[str, Field, Field, Matcher],
) -> None:
    walls = ticked_off(*schedule[1:])

    assert shortest_gap(parse_schedule(schedule[0], UTC)) == min(gaps(walls))


@settings(max_examples=80, deadline=None)
@given(ticks(), schedules())
def test_a_tick_is_rarer_when_two_slots_pass_between_two_ticks(
    tick: tuple[str, Field, Field, Matcher], schedule: tuple[str, Field, Field, Matcher]
) -> None:
    runs, slots = ticked_off(*tick[1:]), ticked_off(*schedule[1:])
    missed = any(
        bisect_left(runs, slot) == bisect_left(runs, next_slot) < len(runs) for slot, next_slot in pairwise(slots)
    )

    assert is_rarer(tick[0], parse_schedule(schedule[0], UTC), UTC) == missed


# Examples.


@pytest.mark.parametrize(
    ("text", "tick", "gap"),
    [
        ("rate(1 minute)", Rate(MINUTE), MINUTE),
        ("rate(90 minutes)", Rate(90 * MINUTE), 90 * MINUTE),
        ("rate(1 hour)", Rate(HOUR), HOUR),
        ("rate(2 days)", Rate(2 * DAY), 2 * DAY),
        ("cron(15 * * * ? *)", Cron("15 * * * *"), HOUR),
        ("cron(0 3 * * ? *)", Cron("0 3 * * *"), DAY),
        ("cron(0 8-17 ? * MON-FRI *)", Cron("0 8-17 * * 1-5"), 2 * DAY + 15 * HOUR),
        ("cron(0 3 29 2 ? *)", Cron("0 3 29 2 *"), 1461 * DAY),
        ("cron(* * * 1 ? *)", Cron("* * * 1 *"), 335 * DAY + MINUTE),
    ],
)
def test_a_tick_is_read_as_eventbridge_reads_it(text: str, tick: Rate | Cron, gap: timedelta) -> None:
    assert parse_tick(text) == tick
    assert longest_gap_of_tick(text) == gap


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("rate(1 hour)", 3 * HOUR),
        ("cron(0 3 * * ? *)", 3 * DAY),
        ("cron(0 3 ? * MON-FRI *)", 5 * DAY),
        # From Friday at five to Monday at ten.
        ("cron(0 8-17 ? * MON-FRI *)", 2 * DAY + 17 * HOUR),
        # From Friday at five to Tuesday at eight.
        ("cron(0 8,17 ? * MON-FRI *)", 3 * DAY + 15 * HOUR),
        ("cron(0 3 29 2 ? *)", 3 * 4 * 366 * DAY),
    ],
)
def test_three_ticks_take_as_long_as_the_calendar_says(text: str, span: timedelta) -> None:
    assert longest_span_of_tick(text, 3) == span


@pytest.mark.parametrize(
    ("tick", "schedule", "rarer"),
    [
        ("rate(1 hour)", "0 * * * *", False),
        ("rate(61 minutes)", "0 * * * *", True),
        ("rate(1 day)", "0 3 * * *", False),
        ("rate(2 days)", "0 3 * * *", True),
        ("rate(2 days)", "0 3 * * 0", False),
        ("cron(0 3 * * ? *)", "0 3 * * *", False),
        ("cron(0 3 1 * ? *)", "0 3 1 * *", False),
        ("cron(0 3 1 * ? *)", "0 3 1,15 * *", True),
        ("cron(0 3 ? * MON-FRI *)", "0 3 * * MON-FRI", False),
        ("cron(0 3 ? * MON-FRI *)", "0 3 * * *", True),
        ("cron(0 8-17 ? * MON-FRI *)", "0 8-17 * * MON-FRI", False),
        ("cron(0 8-17 ? * MON-FRI *)", "0 * * * *", True),
        ("cron(0 3 ? * SUN *)", "0 3 * * 0", False),
        ("cron(0 3 ? * 7 *)", "0 3,4 * * 0", True),
        ("cron(* * ? * MON-FRI *)", "* * * * MON-FRI", False),
    ],
)
def test_a_tick_is_rarer_than_a_policy_whose_slots_it_skips(tick: str, schedule: str, *, rarer: bool) -> None:
    assert is_rarer(tick, parse_schedule(schedule, ZURICH), ZURICH) is rarer


def test_on_two_clocks_a_tick_must_come_as_often_as_the_schedule_may() -> None:
    working_days = "cron(0 3 ? * MON-FRI *)"
    schedule = parse_schedule("0 3 * * MON-FRI", ZURICH)

    assert is_rarer(working_days, schedule)
    assert is_rarer(working_days, schedule, UTC)
    assert not is_rarer("cron(0 3 * * ? *)", schedule, UTC)


def test_a_change_of_the_clocks_does_not_count() -> None:
    daily = parse_schedule("0 3 * * *", ZURICH)

    assert shortest_gap(daily) == DAY
    assert not is_rarer("rate(1 day)", daily)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", '"" is not a tick; expected "rate(1 hour)" or an EventBridge "cron(...)"'),
        ("hourly", '"hourly" is not a tick'),
        ("rate(1 hours)", '"rate(1 hours)" is not a tick'),
        ("rate(2 hour)", '"rate(2 hour)" is not a tick'),
        ("rate(0 days)", '"rate(0 days)" is not a tick'),
        ("rate(1 hour) ", "is not a tick"),
        ("cron(0 3 * * ?)", "is not a tick"),
        ("cron(0  3 * * ? *)", "is not a tick"),
        ("cron(0 3 * * ? 2027)", 'ends with the year "2027"; backups would end with it; expected "*" for the year'),
        ("cron(0 3 * * * *)", 'needs "?" for either the day of the month or the day of the week'),
        ("cron(0 3 ? * ? *)", 'needs "?" for either the day of the month or the day of the week'),
        ("cron(0 3 15W * ? *)", 'counts working days ("W"), which cannot be checked'),
        ("cron(0 3 LW * ? *)", 'counts working days ("W"), which cannot be checked'),
        ("cron(? 3 1 * ? *)", 'has "?" where EventBridge takes none'),
        ("cron(0 3 ? * 0 *)", 'has "0" for a day of the week; expected 1 (Sunday) to 7, or SUN to SAT'),
        ("cron(0 3 ? * MON,8 *)", 'has "8" for a day of the week'),
        ("cron(0 3 ? * 2/2 *)", 'has "2/2" for a day of the week'),
        ("cron(0 3 ? * FRI-MON *)", "cannot be read (bad day-of-week)"),
        ("cron(60 3 * * ? *)", "cannot be read (bad minute)"),
        ("cron(0 3 30 2 ? *)", "cannot be read (bad day-of-month)"),
        (f"cron({'9' * 5000} 3 1 * ? *)", "cannot be read"),
    ],
)
def test_what_is_no_tick_is_refused_with_a_sentence(text: str, says: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_tick(text)

    assert says in caught.value.message
    assert caught.value.message.startswith(f'"{text}"')


@given(st.text("0123456789*/-,#?LWMONFEB ", max_size=20).map(lambda text: f"cron({text})") | st.text(max_size=12))
def test_any_text_is_a_tick_with_a_gap_or_an_error_in_words(text: str) -> None:
    try:
        gap = longest_gap_of_tick(text)
    except InvalidValueError as error:
        assert error.message.startswith(f'"{text}" ')  # noqa: PT017 - most texts are no ticks
    else:
        assert gap >= MINUTE


def test_a_schedule_that_fires_once_in_decades_has_a_gap_too() -> None:
    leap_sunday = Schedule("0 0 29 2 */7", UTC)

    assert shortest_gap(leap_sunday) == timedelta(days=28 * 365 + 7)
