"""When: a cron expression in a time zone gives slots, on cronsim.

cronsim evaluates the expression on the wall clock; the zone is applied afterwards, so that a change of the clocks
gives each wall-clock slot once: in the gap of spring at the first instant after it, in autumn's repeated hour at the
first of the two.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from lightkeeper.errors import InvalidValueError
from lightkeeper.times import parse_zone

_FIELDS = 5
_FIXED_TIME = re.compile(r"[0-9]{1,2} +[0-9]{1,2} +(.*)")
_AT = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?: +(\S+))?")
_SPOKEN = re.compile(
    r"(?P<hour>[0-9]{1,2})(?:[:.hH](?P<minute>[0-5][0-9])(?::00)?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?(?: +(?P<zone>\S+))?"
)
_NAMED_TIMES = {"noon": "12:00", "midday": "12:00", "midnight": "00:00"}
_HOURS = 24
_HALF_A_DAY = 12
_MINUTE = timedelta(minutes=1)
# Any moment does: from here cronsim looks 50 years ahead for a first slot.
_ANY_WALL = datetime(2000, 1, 1)  # noqa: DTZ001 - a wall-clock time
# From a leap year's beginning, long enough for 29 February to come again.
_LOOKED_AT = timedelta(days=4 * 366)
_MANY_SLOTS = 20_000


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cron expression of five fields (Debian's cron) on the wall clock of a zone; make it with `parse_schedule`."""

    cron: str
    zone: ZoneInfo

    def __str__(self) -> str:
        """Return the expression and its zone."""
        return f"{self.cron} {self.zone.key}"


def parse_schedule(cron: str, zone: ZoneInfo) -> Schedule:
    """Return the schedule of that cron expression.

    Raises
    ------
    InvalidValueError
        If `cron` is not an expression of five fields, or never fires.
    """
    expected = 'expected five fields (minute, hour, day of month, month, day of week) such as "0 3 * * *"'
    fields = cron.split()
    if len(fields) != _FIELDS:
        raise InvalidValueError(f'"{cron}" is not a cron expression; {expected}')
    try:
        next(CronSim(cron, _ANY_WALL))
    # A ValueError comes from a number too long to be one.
    except (CronSimError, ValueError) as error:
        raise InvalidValueError(f'"{cron}" is not a cron expression ({str(error).lower()}); {expected}') from None
    except StopIteration:
        raise InvalidValueError(f'"{cron}" never fires; {expected}') from None
    return Schedule(" ".join(fields), zone)


def with_time_of_day(schedule: Schedule, at: str) -> Schedule:
    """Return `schedule` at another time of day, and in another zone if `at` names one: `02:30 Europe/Zurich`.

    Raises
    ------
    InvalidValueError
        If `at` is not such a time, or the schedule has no fixed hour and minute to move.
    """
    time, fixed = _AT.fullmatch(at.strip()), _FIXED_TIME.fullmatch(schedule.cron)
    if not time:
        raise InvalidValueError(
            f'"{at}" is not a time of day; expected "02:30" or "02:30 Europe/Zurich"',
            _time_meant(at) if fixed else None,
        )
    if not fixed:
        raise InvalidValueError(
            f'"{at}" cannot move the schedule "{schedule.cron}", which has no fixed hour and minute; '
            "expected a policy that runs at one time of day"
        )
    hour, minute, zone = time.groups()
    return Schedule(f"{int(minute)} {int(hour)} {fixed[1]}", _zone_at(at, zone) if zone else schedule.zone)


def is_time_of_day(text: str) -> bool:
    """Return whether a person means a time of day by it, rightly written or not: `02:30`, `3am`."""
    return bool(_AT.fullmatch(text.strip()) or _time_meant(text))


def _time_meant(at: str) -> str | None:
    """Return the time of day that people write as `3:00`, `3.00`, `3am` or `3 pm`, as it is written in a tag."""
    if word := _NAMED_TIMES.get(at.strip().lower()):
        return word
    found = _SPOKEN.fullmatch(at.strip())
    if found is None:
        return None
    hour, minute, half, zone = int(found["hour"]), found["minute"], found["half"], found["zone"]
    # A number alone may be an hour of the morning or the evening, or no hour at all.
    if (minute is None and not half) or hour >= _HOURS or (half and not 1 <= hour <= _HALF_A_DAY):
        return None
    if half:
        hour = hour % _HALF_A_DAY + (_HALF_A_DAY if half.lower() == "p" else 0)
    time = f"{hour:02}:{minute or '00'}"
    if zone is None:
        return time
    try:
        return f"{time} {parse_zone(zone).key}"
    except InvalidValueError as error:
        return error.suggestion and f"{time} {error.suggestion}"


def _zone_at(at: str, name: str) -> ZoneInfo:
    try:
        return parse_zone(name)
    except InvalidValueError as error:
        whole = at.replace(name, error.suggestion) if error.suggestion else None
        raise InvalidValueError(error.message, whole) from None


@lru_cache(maxsize=65536)
def current_slot(schedule: Schedule, now: datetime) -> datetime:
    """Return the latest slot at or before `now` (both UTC)."""
    return next(_slots_back(schedule, now))


@lru_cache(maxsize=65536)
def next_slot(schedule: Schedule, now: datetime) -> datetime:
    """Return the first slot after `now` (both UTC)."""
    walls = CronSim(schedule.cron, now.astimezone(schedule.zone).replace(tzinfo=None))
    return next(slot for slot in (_instant(wall, schedule.zone) for wall in walls) if slot > now)


@dataclass(frozen=True, slots=True)
class Gap:
    """The time from a slot to the next one."""

    end: datetime
    """The later slot, UTC."""
    length: timedelta


def longest_gap(schedule: Schedule) -> Gap:
    """Return the longest time from slot to slot in four years; where there are very many slots, among the first ones.

    The first slot is one of them, so a schedule that fires once in four years still has a gap.
    """
    walls = CronSim(schedule.cron, _ANY_WALL)
    slots = [_instant(next(walls), schedule.zone)]
    for wall in islice(walls, _MANY_SLOTS):
        slots.append(_instant(wall, schedule.zone))
        if wall - _ANY_WALL > _LOOKED_AT:
            break
    return max((Gap(later, later - earlier) for earlier, later in pairwise(slots)), key=lambda gap: gap.length)


def slots_since(schedule: Schedule, start: datetime, now: datetime) -> Iterator[datetime]:
    """Yield the slots after `start` and at or before `now` (all UTC), newest first."""
    previous = None
    for slot in _slots_back(schedule, now):
        if slot <= start:
            return
        # The slots inside a spring gap all fall on its end.
        if slot != previous:
            yield slot
        previous = slot


def _slots_back(schedule: Schedule, now: datetime) -> Iterator[datetime]:
    wall = now.astimezone(schedule.zone)
    # In the second pass of autumn's repeated hour, the whole hour's slots have been: at their first pass.
    repeated = (wall.replace(fold=0).utcoffset() or timedelta()) - (wall.utcoffset() or timedelta())
    start = wall.replace(tzinfo=None, microsecond=0) + repeated + timedelta(seconds=1)
    for slot_wall in CronSim(schedule.cron, start, reverse=True):
        slot = _instant(slot_wall, schedule.zone)
        if slot <= now:
            yield slot


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant of a wall-clock time: the first of two, or the end of the gap it lies in."""
    while True:
        instant = wall.replace(tzinfo=zone).astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None) == wall:
            return instant
        wall += _MINUTE
