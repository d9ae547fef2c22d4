import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise, permutations, product
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from lightkeeper.errors import InvalidValueError
from lightkeeper.keep_rules import Count, KeepRule, Period, Within, apply_rule, parse_keep, until_counts_exhausted
from lightkeeper.times import Duration

GMT = ZoneInfo("UTC")
ZURICH = ZoneInfo("Europe/Zurich")
ZONES = [
    ZoneInfo(name) for name in ("UTC", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
]

# A naive second opinion, written from restic's manual: newest first, each rule remembers the periods it has seen.

LABELS = {"hourly": "%Y-%m-%d %H", "daily": "%Y-%m-%d", "weekly": "%G week %V", "monthly": "%Y-%m", "yearly": "%Y"}
ORDER = ["within", "last", *LABELS, *(f"within-{period}" for period in LABELS)]


def second_opinion(text: str, times: Sequence[datetime], zone: ZoneInfo, newest: datetime | None) -> list[list[str]]:
    reasons: list[list[str]] = [[] for _ in times]
    for word in sorted(text.split(), key=lambda word: ORDER.index(word.partition("=")[0])):
        key, _, value = word.partition("=")
        period = key.removeprefix("within-")
        name = f"{period} within {value}" if key in ORDER[7:] else f"within {value}" if key == "within" else None
        left = int(value) if value.isdigit() else len(times)
        seen: set[str] = set()
        for index, time in enumerate(times):
            too_old = name and newest and time <= go_add_date(newest, value, zone)
            label = time.astimezone(zone).strftime(LABELS[period]) if period in LABELS else str(index)
            is_oldest = index == len(times) - 1
            if not too_old and left > 0 and (label not in seen or is_oldest):
                reasons[index].append(("oldest " if label in seen else "") + (name or f"{period} snapshot"))
                left -= 1
                seen.add(label)
    return reasons


def go_add_date(instant: datetime, duration: str, zone: ZoneInfo) -> datetime:
    less = {unit: int(number) for number, unit in re.findall("([0-9]+)([ymdh])", duration)}
    wall = instant.astimezone(zone)
    year, month = wall.year - less.get("y", 0), wall.month - less.get("m", 0)
    while month < 1:
        year, month = year - 1, month + 12
    day = wall.replace(year=year, month=month, day=1) + timedelta(days=wall.day - 1 - less.get("d", 0))
    return day.astimezone(UTC) - timedelta(hours=less.get("h", 0))


# Times that collide: around changes of the clocks, ends of months, years and ISO years, a few steps apart.
landmarks = st.sampled_from(
    [
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
        datetime(2026, 11, 1, 6, tzinfo=UTC),
        datetime(2026, 4, 4, 15, tzinfo=UTC),
        datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
        datetime(2021, 1, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
        datetime(2024, 12, 30, tzinfo=UTC),
        datetime(2028, 2, 29, 23, tzinfo=UTC),
        datetime(2026, 5, 31, tzinfo=UTC),
    ]
)
minutes = st.integers(-9, 9).map(lambda steps: timedelta(minutes=15 * steps))
steps = st.sampled_from([timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=31)])
offsets = st.builds(lambda step, number, rest: step * number + rest, steps, st.integers(-5, 5), minutes)
histories = st.builds(
    lambda start, away: sorted((start + offset for offset in away), reverse=True),
    landmarks,
    st.lists(offsets | minutes, min_size=1, max_size=14),
)
zones = st.sampled_from(ZONES)

counts = st.integers(1, 6).map(str) | st.just("all")
lengths = st.sampled_from(["1h", "3h", "1d", "1d2h", "7d", "1m", "1m14d", "2m", "1y", "2y5m7d3h"])
clauses = st.tuples(st.sampled_from(ORDER[1:7]), counts) | st.tuples(st.sampled_from([*ORDER[:1], *ORDER[7:]]), lengths)
rules = st.lists(clauses, min_size=1, max_size=5, unique_by=lambda clause: clause[0]).map(
    lambda chosen: " ".join(f"{key}={value}" for key, value in chosen)
)


def kept(rule: str, times: Sequence[datetime], zone: ZoneInfo = GMT) -> set[int]:
    reasons = apply_rule(parse_keep(rule), times, zone=zone, newest=times[0])
    return {index for index, why in enumerate(reasons) if why}


@settings(max_examples=300)
@given(rules, histories, zones, st.integers(0, 3) | st.none())
def test_a_naive_second_opinion_agrees_with_every_verdict_and_its_reasons(
    rule: str, times: list[datetime], zone: ZoneInfo, in_the_future: int | None
) -> None:
    newest = None if in_the_future is None or in_the_future >= len(times) else times[in_the_future]

    verdict = apply_rule(parse_keep(rule), times, zone=zone, newest=newest)

    assert verdict == second_opinion(rule, times, zone, newest)


@given(rules, histories, zones)
def test_the_newest_snapshot_is_always_kept(rule: str, times: list[datetime], zone: ZoneInfo) -> None:
    assert 0 in kept(rule, times, zone)


@given(st.sampled_from(ORDER[1:7]), st.integers(1, 10), histories, zones)
def test_a_greater_count_keeps_no_less(key: str, count: int, times: list[datetime], zone: ZoneInfo) -> None:
    fewer, more, everything = (kept(f"{key}={number}", times, zone) for number in (count, count + 1, "all"))

    assert fewer <= more <= everything


@given(
    st.sampled_from([*ORDER[:1], *ORDER[7:]]),
    st.tuples(*[st.integers(0, 3)] * 4).filter(any),
    st.tuples(*[st.integers(0, 3)] * 4),
    histories,
    zones,
)
def test_a_longer_duration_keeps_no_less(
    key: str, short: tuple[int, ...], extra: tuple[int, ...], times: list[datetime], zone: ZoneInfo
) -> None:
    longer = Duration(*(one + other for one, other in zip(short, extra, strict=True)))

    assert kept(f"{key}={Duration(*short)}", times, zone) <= kept(f"{key}={longer}", times, zone)


@given(rules, clauses, histories, zones)
def test_one_more_clause_keeps_no_less(
    rule: str, clause: tuple[str, str], times: list[datetime], zone: ZoneInfo
) -> None:
    longer = rule if f"{clause[0]}=" in rule else f"{rule} {clause[0]}={clause[1]}"

    assert kept(rule, times, zone) <= kept(longer, times, zone)


@given(rules, st.randoms())
def test_the_order_of_clauses_does_not_matter(rule: str, chance: Random) -> None:
    words = rule.split()
    chance.shuffle(words)

    assert parse_keep(" ".join(words)) == parse_keep(rule)


@given(rules)
@example("forever")
@example("7")
@example("30d")
def test_a_rule_is_read_as_it_was_written(rule: str) -> None:
    assert parse_keep(str(parse_keep(rule))) == parse_keep(rule)


@given(st.text(max_size=12) | st.text("0179adehilmnoruwkty= -", max_size=24))
def test_any_text_is_a_rule_that_keeps_something_or_an_error_in_words(text: str) -> None:
    try:
        rule = parse_keep(text)
    except InvalidValueError as error:
        assert error.message  # noqa: PT017 - most texts are no rules
    else:
        assert apply_rule(
            rule, [datetime(2026, 6, 15, tzinfo=UTC)], zone=GMT, newest=datetime(2026, 6, 15, tzinfo=UTC)
        )[0]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("7", KeepRule((Count(None, 7),))),
        ("30d", KeepRule((Within(None, Duration(days=30)),))),
        ("forever", KeepRule((Count(None, None),))),
        (" forever ", KeepRule((Count(None, None),))),
        ("last=all", KeepRule((Count(None, None),))),
        ("daily=7  weekly=4", KeepRule((Count(Period.DAILY, 7), Count(Period.WEEKLY, 4)))),
        ("yearly=all 2d 3", KeepRule((Within(None, Duration(days=2)), Count(None, 3), Count(Period.YEARLY, None)))),
        ("within-hourly=1d", KeepRule((Within(Period.HOURLY, Duration(days=1)),))),
        ("12 hours", KeepRule((Within(None, Duration(hours=12)),))),
        ("7 days", KeepRule((Within(None, Duration(days=7)),))),
        ("1 Day", KeepRule((Within(None, Duration(days=1)),))),
        ("3 weeks", KeepRule((Within(None, Duration(days=21)),))),
        ("12  MONTHS", KeepRule((Within(None, Duration(months=12)),))),
        ("2 years", KeepRule((Within(None, Duration(years=2)),))),
        ("within=2 weeks", KeepRule((Within(None, Duration(days=14)),))),
        ("within-monthly=1 year", KeepRule((Within(Period.MONTHLY, Duration(years=1)),))),
        ("daily=7 2 weeks", KeepRule((Within(None, Duration(days=14)), Count(Period.DAILY, 7)))),
        ("daily=7 within=500 days", KeepRule((Within(None, Duration(days=500)), Count(Period.DAILY, 7)))),
    ],
)
def test_a_rule_is_a_number_a_duration_or_clauses(text: str, rule: KeepRule) -> None:
    assert parse_keep(text) == rule


@pytest.mark.parametrize(
    ("text", "says", "suggestion"),
    [
        ("", 'an empty keep rule would keep nothing; expected a rule such as "daily=7 weekly=4"', None),
        ("  ", "an empty keep rule would keep nothing", None),
        ("dayly=7", '"dayly=7" is not a keep rule', "daily=7"),
        ("Weekly=4", '"Weekly=4" is not a keep rule', "weekly=4"),
        ("within-dayly=4d", '"within-dayly=4d" is not a keep rule', "within-daily=4d"),
        ("forevr", '"forevr" is not a keep rule', "forever"),
        ("Forever", '"Forever" is not a keep rule', "forever"),
        ("all", '"all" is not a keep rule', "forever"),
        ("-7", '"-7" is not a keep rule', None),
        ("=7", '"=7" is not a keep rule', None),
        ("daily", '"daily" has no value; expected a number after "="', None),
        ("daily=", '"daily=" has no value', None),
        ("within", '"within" has no value; expected a duration after "="', None),
        ("within-weekly=", '"within-weekly=" has no value', None),
        ("0", '"last=0" does not say how many to keep; expected a number from 1 to 999999', None),
        ("daily=0", '"daily=0" does not say how many to keep', None),
        ("daily=7, weekly=4", '"daily=7," does not say how many to keep', "daily=7 weekly=4"),
        ("forever 7", '"forever" keeps everything; expected it alone', "forever"),
        ("forever=1", '"forever" keeps everything; expected it alone', "forever"),
        ("7 forevr", '"forevr" is not a keep rule', "forever"),
        ("dailly=0", '"dailly=0" is not a keep rule', None),
        ("7,weekly=4", '"7,weekly=4" is not a keep rule', "7 weekly=4"),
        ("within=0", 'in within=0, "0" is not a duration', None),
        ("daily=1000000", '"daily=1000000" does not say how many to keep', None),
        ("daily=-1", '"daily=-1" does not say how many to keep', None),
        ("daily=7,weekly=4", '"daily=7,weekly=4" does not say how many to keep', "daily=7 weekly=4"),
        ("daily=30d", '"daily=30d" does not say how many to keep', "within-daily=30d"),
        ("last=30d", '"last=30d" does not say how many to keep', "within=30d"),
        ("yearly=All", '"yearly=All" does not say how many to keep', "yearly=all"),
        ("within=7", "in within=7,", None),
        ("within-daily=14", "in within-daily=14,", None),
        ("within-monthly=12", "in within-monthly=12,", None),
        ("2w", 'in within=2w, "2w" is not a duration', "within=14d"),
        ("7days", 'in within=7days, "7days" is not a duration', "within=7d"),
        ("30 D", 'in within=30 D, "30 D" is not a duration', "within=30d"),
        ("within=12Months", "in within=12Months,", "within=12m"),
        ("1w2d", "in within=1w2d,", None),
        ("7d 4w", "in within=4w,", None),
        ("7 days 4 weeks", '"within" stands twice in "7 days 4 weeks"', None),
        ("999999 weeks", "in within=999999 weeks,", None),
        ("0 days", '"within=0 days" would keep nothing', None),
        ("1 500 days", '"1 500 days" may be one number or two; expected one number before "days"', None),
        ("daily=1 500 days", '"daily=1 500 days" may be one number or two', None),
        ("last=7 days", '"last=7 days" does not say how many to keep', "within=7d"),
        ("daily=2 weeks", '"daily=2 weeks" does not say how many to keep', "within-daily=14d"),
        ("weekly=4w", '"weekly=4w" does not say how many to keep', "within-weekly=28d"),
        ("weekly=30d", '"weekly=30d" does not say how many to keep', None),
        ("monthly=1y6m", '"monthly=1y6m" does not say how many to keep', "within-monthly=1y6m"),
        ("hourly=90m", '"hourly=90m" does not say how many to keep', "within-hourly=90m"),
        ("daily:30", '"daily:30" is not a keep rule', "daily=30"),
        ("within-7d", '"within-7d" is not a keep rule', "within=7d"),
        ("within_monthly=2y", '"within_monthly=2y" is not a keep rule', "within-monthly=2y"),
        ("with-in-daily=30d", '"with-in-daily=30d" is not a keep rule', "within-daily=30d"),
        ("witin=2 weeks", '"witin=2 weeks" is not a keep rule', "within=14d"),
        ("witin=1y6m", '"witin=1y6m" is not a keep rule', "within=1y6m"),
        ("mnthy=12", '"mnthy=12" is not a keep rule', "monthly=12"),
        ("within-last=3d", '"within-last=3d" is not a keep rule', None),
        ("within-wearly=2y", '"within-wearly=2y" is not a keep rule', None),
        ("days=7", '"days=7" is not a keep rule', "7d"),
        ("weeks=4 daily=7", '"weeks=4" is not a keep rule', "28d daily=7"),
        ("daily 7 Weekly 4", '"daily" has no value', "daily=7 weekly=4"),
        ("7 daily 4 weekly", '"daily" has no value', "daily=7 weekly=4"),
        ("daily = 7 weekly= 4", '"daily" has no value', "daily=7 weekly=4"),
        ("12 months monthly", '"monthly" has no value', None),
        ("12monthly", "in within=12monthly,", None),
        ("last 30 days", '"last" has no value', None),
        ("keep 30", '"keep" is not a keep rule', None),
        ("7 centuries=1", '"centuries=1" is not a keep rule', None),
        ("biweekly=4", '"biweekly=4" is not a keep rule', None),
        ("halfyearly=4", '"halfyearly=4" is not a keep rule', None),
        ("minutly=60", '"minutly=60" is not a keep rule', None),
        ("daily=50%", '"daily=50%" does not say how many to keep', None),
        ("daily=1,500", '"daily=1,500" does not say how many to keep', None),
        ("daily=1, 500", '"daily=1," does not say how many to keep', None),
        ("dayly=1 500", '"dayly=1" is not a keep rule', None),
        ("dayly=7 30d", '"dayly=7" is not a keep rule', "daily=7 30d"),
        ("within=1h2", 'in within=1h2, "1h2" is not a duration', None),
        ("within=all", 'in within=all, "all" is not a duration', None),
        ("0d", '"within=0d" would keep nothing', None),
        ("within-yearly=0y", '"within-yearly=0y" would keep nothing', None),
        ("7 last=3", '"last" stands twice in "7 last=3"', None),
        ("daily=7 daily=7", '"daily" stands twice', None),
        ("dayly=7 weekley=4", '"dayly=7" is not a keep rule', None),
        ("foo " * 2000, '"foo" is not a keep rule', None),
        ("daily=7 weekley=4", '"weekley=4" is not a keep rule', "daily=7 weekly=4"),
    ],
)
def test_a_bad_rule_is_answered_with_what_is_wrong_and_what_may_be_meant(
    text: str, says: str, suggestion: str | None
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_keep(text)

    assert caught.value.message.startswith(says)
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize("value", ["7", "all"])
def test_an_unknown_rule_is_answered_with_all_that_exist(value: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_keep(f"century={value}")

    assert [key for key in ORDER if f'"{key}"' not in caught.value.message] == []


# What a suggestion would keep, of two and a half years of hourly snapshots, against what was written can mean.

# On the last day of a month whose predecessor is shorter, with the day half over.
HOURS = [datetime(2026, 3, 31, 12, tzinfo=UTC) - timedelta(hours=hour) for hour in range(5 * 183 * 24)]
UNITS = {"hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly", "year": "yearly"}


@cache
def kept_of_hours(rule: str) -> set[int]:
    return kept(rule, HOURS)


def keeps_no_less(rule: str, reading: str) -> bool:
    return parse_keep(rule) == parse_keep(reading) or kept_of_hours(reading) <= kept_of_hours(rule)


def suggested(text: str) -> str | None:
    try:
        parse_keep(text)
    except InvalidValueError as error:
        return error.suggestion
    return None


def a_span(number: int, unit: str) -> str:
    return f"{7 * number}d" if unit == "week" else f"{number}{unit[0]}"


def mistakes() -> Iterator[tuple[str, list[str]]]:
    """Yield plausible mistakes, each with every rule that it may stand for."""
    for unit, period, number in product(UNITS, UNITS.values(), (2, 12)):
        if period == UNITS[unit]:
            yield from mistakes_with_a_unit(unit, period, number)
            yield from mistakes_with_a_period(unit, period, number)
    for (unit, period), (other, other_period) in permutations(UNITS.items(), 2):
        both = [f"{period}=7 {other_period}=4"]
        yield from written_as("7{0}s 4{1}s|7{2} 4{3}|7 {0}s 4 {1}s", both, unit, other, unit[0], other[0])
        yield from written_as("7{2}4{3}|7{0}s, 4 {1}s|7 {0}s and 4 {1}s", both, unit, other, unit[0], other[0])
        yield from written_as("{0} 7 {1} 4|{0}:7,{1}:4|7 {0} 4 {1}|{0}=7;{1}=4|{0}=7+4", both, period, other_period)
    yield from written_as("1,500|1.500|1 500|last=1 500|lats=1 500|1, 500", ["last=1500"])
    yield from written_as("daily=1,500|dayly=1 500|1 500 days|daily=1 500 days", ["daily=1500"])
    yield from written_as("all|7 forever|forever=7|Forever|for ever|daily=7 forevr", ["forever"])
    # How much of them was meant, nobody can tell.
    yield from written_as("hourly|daily=|days|within|within-daily=|week|last|7 foo|foo=1 7d", ["forever"])


def written_as(templates: str, readings: list[str], *words: object) -> Iterator[tuple[str, list[str]]]:
    for template in templates.split("|"):
        yield template.format(*words), readings


def mistakes_with_a_unit(unit: str, period: str, number: int) -> Iterator[tuple[str, list[str]]]:
    within, every = f"within={a_span(number, unit)}", f"within-{period}={a_span(number, unit)}"
    for amount in (f"{number}{unit}", f"{number}{unit}s", f"{number} {unit[0]}", f"{number}{unit[0].upper()}"):
        forms = "{}|within={}|last={}|last {}|keep {}|{} ago|within:{}|within {}"
        yield from written_as(forms, [within, f"{period}={number}"], amount)
        yield from written_as("{1}={0}|{1}:{0}", [every, f"{period}={number}"], amount, period)
    forms = "{}={}|{}s={}|{}s:{}|{}s {}|{}s{}|{}-{}"
    yield from written_as(forms, [within, f"{period}={number}"], unit, number)
    yield from written_as("within-{0}={1}|within-{0}:{1}|within-{0}-{1}", [within, every], unit, f"{number}{unit[0]}")
    twice = [f"within-{period}={a_span(2 * number, unit)}"]
    yield from written_as("bi{0}={1}|bi-{0}={1}|fort{0}={1}", twice, period, number)
    yield from written_as("half{0}={1}|semi-{0}={1}|min{0}={1}", [f"last={number}"], period, number)


def mistakes_with_a_period(unit: str, period: str, number: int) -> Iterator[tuple[str, list[str]]]:
    forms = "{0}:{1}|{0} {1}|{0}-{1}|{0}{1}|{0}s={1}|{0}=={1}|{0} = {1}|{0}= {1}|{0}={1}%|{0}={1},|{0}=>{1}|{0}={1}x"
    for key in (period, period.title(), period[:2] + period[3:], period[0] + period[2] + period[1] + period[3:]):
        yield from written_as(forms, [f"{period}={number}"], key, number)
        # A day's or a year's worth, and whatever else.
        lengths = [f"within-{period}={a_span(number, each)}" for each in UNITS]
        yield from written_as("within-{0}={1}|within-{0}:{1}|within-{0} {1}", lengths, key, number)
    yield from written_as("{1} {0}|{1}{0}|{1}x{0}|{1}={0}|{1}-{0}", [f"{period}={number}"], period, number)
    yield from written_as(
        "within={0}|within:{0}", [f"within={a_span(number, each)}" for each in (unit, "year")], number
    )


def test_a_suggestion_keeps_no_less_than_any_of_what_was_written_can_mean() -> None:
    helped = [(text, suggestion, meant) for text, meant in mistakes() if (suggestion := suggested(text))]

    less = [
        (text, suggestion, reading)
        for text, suggestion, readings in helped
        for reading in readings
        if not keeps_no_less(suggestion, reading)
    ]
    assert less == []
    assert len(helped) > 400, "suggestions are still of help"


@pytest.mark.parametrize(("unit", "period"), UNITS.items())
@pytest.mark.parametrize("number", [1, 12])
def test_a_number_of_units_keeps_as_much_as_so_many_periods(unit: str, period: str, number: int) -> None:
    for text in (f"{number} {unit}", f"{number} {unit}s", f"{number} {unit.title()}S", f"within={number} {unit}s"):
        assert parse_keep(text) == parse_keep(a_span(number, unit))
        assert keeps_no_less(text, f"{period}={number}")


WRITTEN = ["daily=7 weekly=4", "hourly=24", "monthly=12", "yearly=2 last=3", "within=30d", "within-daily=2m", "3 2d"]
WRITTEN += [
    "within-weekly=1y",
    "within-monthly=2y",
    "within-hourly=48h",
    "within-yearly=2y",
    "1y",
    "forever",
    "last=all",
]


@settings(max_examples=1000)
@given(st.sampled_from(WRITTEN), st.data())
def test_a_slip_of_the_finger_is_never_answered_with_less_than_was_meant(meant: str, data: st.DataObject) -> None:
    text = meant
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(text) - 1))
        letter, rest = text[at], text[at + 1 :]
        # Another number or unit is no slip that anybody could see.
        if letter.isdigit() or text[at - 1].isdigit():
            continue
        other = data.draw(st.sampled_from("abdehilmnortuwy=:-, "))
        slips = [
            rest,
            letter * 2 + rest,
            letter.upper() + rest,
            other + rest,
            other + letter + rest,
            letter + other + rest,
        ]
        text = text[:at] + data.draw(st.sampled_from(slips))
    suggestion = suggested(text)
    event("helped" if suggestion else "not helped")

    assert suggestion is None or keeps_no_less(suggestion, meant)


# Examples, each with its reasons.


def each_day(first: str, last: str, hour: int = 3) -> list[datetime]:
    day, end = (datetime.fromisoformat(text).replace(hour=hour, tzinfo=UTC) for text in (first, last))
    return [end - timedelta(days=number) for number in range((end - day).days + 1)]


def with_reasons(
    rule: str, times: Sequence[datetime], zone: ZoneInfo = GMT, *, form: str = "%Y-%m-%d"
) -> list[tuple[str, list[str]]]:
    verdict = apply_rule(parse_keep(rule), times, zone=zone, newest=times[0])
    return [(time.astimezone(zone).strftime(form), why) for time, why in zip(times, verdict, strict=True) if why]


def test_the_last_three_are_the_newest_three() -> None:
    assert with_reasons("last=3", each_day("2026-06-01", "2026-06-10")) == [
        ("2026-06-10", ["last snapshot"]),
        ("2026-06-09", ["last snapshot"]),
        ("2026-06-08", ["last snapshot"]),
    ]


def test_a_daily_rule_keeps_the_newest_of_each_day() -> None:
    twice_a_day = sorted(
        each_day("2026-06-01", "2026-06-09") + each_day("2026-06-01", "2026-06-09", hour=15), reverse=True
    )

    assert with_reasons("daily=7", twice_a_day, form="%d %H:%M") == [
        (f"{day:02} 15:00", ["daily snapshot"]) for day in range(9, 2, -1)
    ]


def test_days_without_a_snapshot_use_no_count() -> None:
    days = [datetime(2026, 6, day, tzinfo=UTC) for day in (28, 15, 14, 2, 1)]

    assert [day for day, _ in with_reasons("daily=4", days, form="%d")] == ["28", "15", "14", "02"]


@pytest.mark.parametrize(
    ("first", "last", "sundays"),
    [
        ("2020-12-01", "2021-01-12", ["2021-01-12", "2021-01-10", "2021-01-03", "2020-12-27"]),
        ("2026-12-01", "2027-01-12", ["2027-01-12", "2027-01-10", "2027-01-03", "2026-12-27"]),
        ("2025-12-01", "2026-01-06", ["2026-01-06", "2026-01-04", "2025-12-28", "2025-12-21"]),
    ],
)
def test_the_week_around_new_year_is_one_week(first: str, last: str, sundays: list[str]) -> None:
    assert with_reasons("weekly=4", each_day(first, last)) == [(day, ["weekly snapshot"]) for day in sundays]


def test_every_year_keeps_its_newest_for_ever() -> None:
    yearly = with_reasons("yearly=all", each_day("2023-06-01", "2026-02-03"))

    assert yearly == [
        ("2026-02-03", ["yearly snapshot"]),
        ("2025-12-31", ["yearly snapshot"]),
        ("2024-12-31", ["yearly snapshot"]),
        ("2023-12-31", ["yearly snapshot"]),
        ("2023-06-01", ["oldest yearly snapshot"]),
    ]


def test_within_a_month_and_fourteen_days_of_the_newest() -> None:
    days = with_reasons("within=1m14d", each_day("2026-01-01", "2026-06-15"))

    assert (days[0], days[-1]) == (("2026-06-15", ["within 1m14d"]), ("2026-05-02", ["within 1m14d"]))
    assert len(days) == 45


def test_a_snapshot_exactly_as_old_as_the_duration_is_no_longer_within() -> None:
    newest = datetime(2026, 6, 15, tzinfo=UTC)
    times = [newest, newest - timedelta(hours=6) + timedelta(seconds=1), newest - timedelta(hours=6)]

    assert kept("within=6h", times) == {0, 1}


def test_one_an_hour_within_a_day() -> None:
    every_half_hour = [datetime(2026, 6, 15, 12, 30, tzinfo=UTC) - timedelta(minutes=30 * n) for n in range(100)]

    hours = with_reasons("within-hourly=1d", every_half_hour, form="%d %H:%M")

    assert len(hours) == 24
    assert hours[0] == ("15 12:30", ["hourly within 1d"])
    assert hours[-1] == ("14 13:30", ["hourly within 1d"])


def test_the_oldest_is_kept_while_its_rule_has_count_left() -> None:
    assert with_reasons("weekly=4", each_day("2026-06-01", "2026-06-05")) == [
        ("2026-06-05", ["weekly snapshot"]),
        ("2026-06-01", ["oldest weekly snapshot"]),
    ]


def test_the_oldest_is_not_kept_once_its_rule_has_used_its_count() -> None:
    assert with_reasons("weekly=1", each_day("2026-06-01", "2026-06-05")) == [("2026-06-05", ["weekly snapshot"])]


def test_the_oldest_within_is_kept_too() -> None:
    assert with_reasons("within-monthly=1y", each_day("2026-06-01", "2026-06-05")) == [
        ("2026-06-05", ["monthly within 1y"]),
        ("2026-06-01", ["oldest monthly within 1y"]),
    ]


def test_a_snapshot_that_several_rules_keep_carries_all_their_reasons() -> None:
    everything = "within-yearly=1y daily=1 within=1d yearly=1 hourly=1 last=1"

    assert with_reasons(everything, each_day("2026-06-15", "2026-06-15")) == [
        (
            "2026-06-15",
            ["within 1d", "last snapshot", "hourly snapshot", "daily snapshot", "yearly snapshot", "yearly within 1y"],
        )
    ]


def test_equal_times_are_one_period_and_the_first_given_is_its_newest() -> None:
    twins = [datetime(2026, 6, 15, tzinfo=UTC)] * 3

    assert kept("hourly=1", twins) == {0}
    assert kept("last=2", twins) == {0, 1}
    assert kept("within=1h", twins) == {0, 1, 2}


def test_days_are_days_of_the_zone() -> None:
    times = [datetime(2026, 6, 15, 23, tzinfo=UTC), datetime(2026, 6, 15, 21, tzinfo=UTC)]

    assert kept("daily=1", times, GMT) == {0}
    assert kept("daily=2 last=1", times, ZURICH) == {0, 1}
    assert with_reasons("daily=2", times, GMT)[1][1] == ["oldest daily snapshot"]
    assert with_reasons("daily=2", times, ZURICH)[1][1] == ["daily snapshot"]


def test_the_repeated_hour_of_autumn_is_one_hour() -> None:
    first_pass, second_pass = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    before = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)

    assert with_reasons("hourly=2", [second_pass, first_pass, before], ZURICH, form="%H:%M") == [
        ("02:30", ["hourly snapshot"]),
        ("01:30", ["hourly snapshot"]),
    ]


def test_a_snapshot_dated_in_the_future_does_not_move_what_within_counts_back_from() -> None:
    future, *rest = times = [
        datetime(2027, 1, 1, tzinfo=UTC),
        datetime(2026, 6, 15, tzinfo=UTC),
        datetime(2026, 6, 10, tzinfo=UTC),
        datetime(2026, 6, 1, tzinfo=UTC),
    ]

    assert apply_rule(parse_keep("7d"), times, zone=GMT, newest=rest[0]) == [
        ["within 7d"],
        ["within 7d"],
        ["within 7d"],
        [],
    ]
    assert apply_rule(parse_keep("7d"), times, zone=GMT, newest=future) == [["within 7d"], [], [], []]


def test_without_a_newest_nothing_is_old_enough_to_go() -> None:
    times = each_day("2025-01-01", "2026-06-15")

    assert all(apply_rule(parse_keep("within=1h"), times, zone=GMT, newest=None))


def test_a_day_within_is_a_day_on_the_clock_of_the_zone() -> None:
    noon = datetime(2026, 10, 25, 11, tzinfo=UTC)
    day_before = [noon - timedelta(hours=hours) for hours in (24, 25)]

    assert kept("within=1d", [noon, *day_before], ZoneInfo("Europe/Zurich")) == {0, 1}, (
        "the clocks went back that night"
    )
    assert kept("within=1d", [noon, *day_before], GMT) == {0}


def test_nothing_to_judge_is_no_verdict() -> None:
    assert apply_rule(parse_keep("daily=7 within=7d"), [], zone=GMT, newest=None) == []


@pytest.mark.parametrize(
    ("rule", "zone", "enough"),
    [
        ("last=3", GMT, 3),
        # From midnight back: 24 hours and one more make two days; in Tokyo it is nine in the morning.
        ("daily=2", GMT, 2),
        ("daily=3", GMT, 26),
        ("daily=2", ZoneInfo("Asia/Tokyo"), 11),
        ("last=5 daily=2", GMT, 5),
        ("hourly=4 daily=3 monthly=all", GMT, 26),
        ("forever", GMT, 1),
    ],
)
def test_so_many_of_hourly_times_use_up_a_rule(rule: str, zone: ZoneInfo, enough: int) -> None:
    midnight = datetime(2026, 6, 15, tzinfo=UTC)
    hours = [midnight - timedelta(hours=hour) for hour in range(100)]

    assert until_counts_exhausted(parse_keep(rule), iter(hours), zone) == hours[:enough]


@given(rules, histories, zones)
def test_what_is_older_than_what_uses_up_a_rule_changes_no_verdict(
    rule: str, times: list[datetime], zone: ZoneInfo
) -> None:
    enough = until_counts_exhausted(parse_keep(rule), times, zone)
    older = times[-1] - timedelta(days=5000)
    counts = KeepRule(
        tuple(clause for clause in parse_keep(rule).clauses if isinstance(clause, Count) and clause.limit)
    )

    after_all = apply_rule(counts, [*times, older, older - timedelta(1)], zone=zone, newest=times[0])[-2:]
    after_enough = apply_rule(counts, [*enough, older, older - timedelta(1)], zone=zone, newest=times[0])[-2:]

    assert len(enough) == len(times) or after_enough == after_all == [[], []]


def test_a_daily_run_over_three_years_settles_at_the_promised_history() -> None:
    left: list[datetime] = []
    for today in reversed(each_day("2024-01-01", "2026-12-31")):
        left = [today, *left]
        left = [left[index] for index in sorted(kept("daily=7 weekly=4 monthly=12", left))]

    assert len(left) == 7 + 2 + 11
    assert [newer - older for newer, older in pairwise(left[:7])] == [timedelta(days=1)] * 6
    assert left[-1] == datetime(2026, 1, 31, 3, tzinfo=UTC)
