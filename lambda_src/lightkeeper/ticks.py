"""How often a run is due: the tick, as EventBridge Scheduler reads it, beside the schedules of policies.

All of it is on the wall clock: a change of the clocks makes no tick rarer and no schedule more frequent.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain, pairwise
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from lightkeeper.errors import InvalidValueError
from lightkeeper.schedule import Schedule

_RATE: Final = re.compile(r"rate\((?:1 (minute|hour|day)|([2-9]|[1-9][0-9]{1,3}) (minute|hour|day)s)\)")
_CRON: Final = re.compile(r"cron\(([^() ]+(?: [^() ]+){5})\)")
_UNITS: Final = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_WEEKDAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_WEEKDAY: Final = re.compile(r"([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(L|#[1-5])?")
_DAY: Final = timedelta(days=1)
# From a leap year's beginning, long enough for 29 February to come again.
_START: Final = datetime(1999, 12, 31, 23, 59)  # noqa: DTZ001 - a wall-clock time
_LOOKED_AT: Final = timedelta(days=4 * 366)


@dataclass(frozen=True, slots=True)
class Rate:
    """Every so often, whatever the clock shows."""

    period: timedelta


@dataclass(frozen=True, slots=True)
class Cron:
    """At times on the wall clock."""

    expression: str
    """Five fields, as cronsim reads them."""


Tick: TypeAlias = Rate | Cron


@lru_cache(maxsize=64)
def parse_tick(text: str) -> Tick:
    """Return the tick of that `rate(...)` or six-field `cron(...)`.

    Raises
    ------
    InvalidValueError
        If EventBridge Scheduler would refuse it, if it never fires, if its year ends it, or if it cannot be read here.
    """
    if rate := _RATE.fullmatch(text):
        number, unit = rate[2] or "1", rate[1] or rate[3]
        return Rate(int(number) * _UNITS[unit])
    cron = _CRON.fullmatch(text)
    if not cron:
        raise InvalidValueError(f'"{text}" is not a tick; expected "rate(1 hour)" or an EventBridge "cron(...)"')
    expression = _five_fields(text, cron[1].upper().split())
    try:
        next(CronSim(expression, _START))
    # A ValueError comes from a number too long to be one.
    except (CronSimError, ValueError) as error:
        raise _refused(text, f"cannot be read ({str(error).lower()})") from None
    except StopIteration:
        raise _refused(text, "never fires") from None
    return Cron(expression)


def longest_gap_of_tick(text: str) -> timedelta:
    """Return the longest time from tick to tick, in four years.

    Raises
    ------
    InvalidValueError
        If `text` is not a tick.
    """
    return longest_span_of_tick(text, 1)


@lru_cache(maxsize=64)
def longest_span_of_tick(text: str, ticks: int) -> timedelta:
    """Return the longest time, in four years, from a tick to the last one of so many ticks after it.

    Raises
    ------
    InvalidValueError
        If `text` is not a tick.
    """
    match parse_tick(text):
        case Rate(period):
            return ticks * period
        case Cron(expression):
            return max(_spans(expression, ticks))


@lru_cache(maxsize=1024)
def shortest_gap(schedule: Schedule) -> timedelta:
    """Return the shortest time from slot to slot, in four years."""
    return min(_spans(schedule.cron, 1))


@lru_cache(maxsize=1024)
def is_rarer(tick: str, schedule: Schedule, zone: ZoneInfo | None = None) -> bool:
    """Return whether two slots of the schedule can pass from one tick to the next: the older one would be missed.

    Parameters
    ----------
    tick
        As parse_tick reads it.
    schedule
        A policy's.
    zone
        The tick's, if known: on the same clock, a tick of office hours is not rarer than a schedule of office hours.
        On another clock, or an unknown one, the longest time between ticks must not exceed the shortest between slots.

    Raises
    ------
    InvalidValueError
        If `tick` is not a tick.
    """
    if longest_gap_of_tick(tick) <= shortest_gap(schedule):
        return False
    match parse_tick(tick):
        case Cron(expression) if zone == schedule.zone:
            return _misses_a_slot(expression, schedule.cron)
        case Rate() | Cron():
            return True


def _five_fields(text: str, fields: list[str]) -> str:
    minute, hour, day, month, weekday, year = fields
    if year != "*":
        raise _refused(text, f'ends with the year "{year}"; backups would end with it; expected "*" for the year')
    if (day == "?") == (weekday == "?"):
        raise _refused(text, 'needs "?" for either the day of the month or the day of the week, and for one only')
    if "W" in day:
        raise _refused(text, 'counts working days ("W"), which cannot be checked; expected days or weekdays')
    if "?" in minute + hour + month:
        raise _refused(text, 'has "?" where EventBridge takes none')
    return " ".join([minute, hour, day.replace("?", "*"), month, _weekdays(text, weekday)])


def _weekdays(text: str, field: str) -> str:
    """Return the field in cron's numbers: EventBridge counts from 1, and its `L` alone is Saturday."""
    if field in {"?", "*"}:
        return "*"
    terms = []
    for term in field.split(","):
        days = ["7"] if term == "L" else term.split("-")
        read = [_WEEKDAY.fullmatch(day) for day in days]
        numbers = [_number(day[1]) + (day[2] or "") for day in read if day and day[1]]
        if len(numbers) != len(days):
            raise _refused(text, f'has "{term}" for a day of the week; expected 1 (Sunday) to 7, or SUN to SAT')
        terms.append("-".join(numbers))
    return ",".join(terms)


def _number(day: str) -> str:
    return str(_WEEKDAYS.index(day) if day in _WEEKDAYS else int(day) - 1)


def _refused(text: str, why: str) -> InvalidValueError:
    return InvalidValueError(f'"{text}" {why}')


def _spans(cron: str, steps: int) -> Iterator[timedelta]:
    """Yield how long so many firings after one another can take: on one day, and from one day into another."""
    times = _times_of_day(cron)
    if len(times) < steps:
        walls = [*_firings(cron)]
        found = [later - earlier for earlier, later in zip(walls, walls[steps:], strict=False)]
        # What is too rare to come as often in four years takes longer than anything that is asked for here.
        return iter(found or [steps * _LOOKED_AT])
    days = {later - earlier for earlier, later in pairwise(_days(cron))}
    by_day = (later - earlier for earlier, later in zip(times, times[steps:], strict=False))
    overnight = [times[steps - before] - times[-before] for before in range(1, steps + 1)]
    return chain(by_day, (gap + rest for gap in days for rest in overnight))


def _misses_a_slot(tick: str, schedule: str) -> bool:
    """Return whether no tick comes between a slot and the next: at the slot or later, and before the next one."""
    ticks = _firings(tick)
    following = next(ticks)
    for slot, next_slot in pairwise(_firings(schedule)):
        while following < slot:
            later = next(ticks, None)
            if later is None:
                return False
            following = later
        if following >= next_slot:
            return True
    return False


def _firings(cron: str) -> Iterator[datetime]:
    times = _times_of_day(cron)
    return (day + time for day in _days(cron) for time in times)


@lru_cache(maxsize=64)
def _times_of_day(cron: str) -> tuple[timedelta, ...]:
    minute, hour, *_ = cron.split()
    midnight = _START + timedelta(minutes=1)
    times = []
    for wall in CronSim(f"{minute} {hour} * * *", _START):
        if wall >= midnight + _DAY:
            break
        times.append(wall - midnight)
    return tuple(times)


@lru_cache(maxsize=64)
def _days(cron: str) -> tuple[datetime, ...]:
    """Return the days in four years, and the first one after them."""
    _, _, *days = cron.split()
    found = []
    for day in CronSim(f"0 0 {' '.join(days)}", _START):
        found.append(day)
        if len(found) > 1 and day - _START > _LOOKED_AT:
            break
    return tuple(found)
