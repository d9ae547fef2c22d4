"""Instants, zones and durations as people write them.

Every `datetime` in Lightkeeper is aware and in UTC, except where a name says *wall* (naive, in a named zone).
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from lightkeeper.errors import InvalidValueError, closest

OFF_THE_CLOCK: Final = timedelta(hours=1)
"""What a time may differ from the clock at AWS: machines' clocks do, and a scheduled time lies back."""
_DURATION = re.compile(r"(?:[0-9]{1,6}[ymdh])+")
_PART = re.compile(r"([0-9]+)([ymdh])")
# For a longer or dotted name the database's package would be searched as deep as the name has parts.
_ZONE = re.compile(r"[A-Za-z0-9_+/-]{1,64}")
# Around every year a schedule or a retention rule reaches back from; arithmetic beyond would leave datetime's range.
_FIRST_YEAR, _LAST_YEAR = 1970, 2999
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Duration:
    """A calendar duration such as `2y5m7d3h`, in the units and notation of restic's ``--keep-within``."""

    years: int = 0
    months: int = 0
    days: int = 0
    hours: int = 0

    def __str__(self) -> str:
        """Return the shortest notation, largest unit first; `0d` for none."""
        parts = ((self.years, "y"), (self.months, "m"), (self.days, "d"), (self.hours, "h"))
        return "".join(f"{number}{unit}" for number, unit in parts if number) or "0d"

    def __bool__(self) -> bool:
        """Return whether the duration is longer than nothing."""
        return any((self.years, self.months, self.days, self.hours))

    def before(self, instant: datetime, zone: ZoneInfo) -> datetime:
        """Return the instant this long before `instant` (UTC), counting calendar units on the clock of `zone`.

        A day that a month does not have runs over into the next one (31 March less a month is 3 March), as in Go's
        ``AddDate``, which restic uses. What would lie before the calendar begins is its beginning.
        """
        return self._shifted(instant, zone, -1)

    def after(self, instant: datetime, zone: ZoneInfo) -> datetime:
        """Return the instant this long after `instant` (UTC), counting calendar units on the clock of `zone`."""
        return self._shifted(instant, zone, +1)

    def _shifted(self, instant: datetime, zone: ZoneInfo, sign: int) -> datetime:
        try:
            wall = instant.astimezone(zone)
            months = wall.year * 12 + (wall.month - 1) + sign * (self.years * 12 + self.months)
            first = date(months // 12, months % 12 + 1, 1)
            day = first + timedelta(days=wall.day - 1 + sign * self.days)
            shifted = datetime.combine(day, wall.timetz()).astimezone(UTC)
            return shifted + timedelta(hours=sign * self.hours)
        except (OverflowError, ValueError):
            return _BEGINNING if sign < 0 else _END


def is_duration(text: str) -> bool:
    """Return whether `text` reads as `2y5m7d3h`: whole years, months, days, hours, each at most once."""
    units = [unit for _, unit in _PART.findall(text)]
    return bool(_DURATION.fullmatch(text)) and len(units) == len(set(units))


def parse_duration(text: str) -> Duration:
    """Return the duration written as `2y5m7d3h`.

    Raises
    ------
    InvalidValueError
        If `text` is anything else.
    """
    if not is_duration(text):
        raise InvalidValueError(
            f'"{text}" is not a duration; expected years, months, days and hours such as "30d", "12h" or "2y5m7d3h"'
        )
    parts = {unit: int(number) for number, unit in _PART.findall(text)}
    return Duration(parts.get("y", 0), parts.get("m", 0), parts.get("d", 0), parts.get("h", 0))


def parse_instant(text: str, zone: ZoneInfo) -> datetime:
    """Return the ISO 8601 time `text` in UTC; without an offset it is a wall-clock time in `zone`.

    Raises
    ------
    InvalidValueError
        If `text` is not an ISO 8601 time.
    """
    try:
        parsed = datetime.fromisoformat(text)
        instant = (parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)).astimezone(UTC)
    # An OverflowError comes from an offset that leads out of the calendar.
    except (ValueError, OverflowError):
        instant = None
    # What is written is UTC, so that is what must lie in range to be read again.
    if instant is None or not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
        raise InvalidValueError(f'"{text}" is not a time; expected ISO 8601 such as "2026-11-23T03:00:00Z"')
    return instant


def parse_day_or_instant(text: str, zone: ZoneInfo) -> datetime:
    """Return the end of the day `text` names in `zone`, or the instant it names, in UTC.

    A day in a year too far off to calculate with, such as 9999-12-31, is as good as the end of time.

    Raises
    ------
    InvalidValueError
        If `text` is neither a date nor a time in ISO 8601.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.year < _FIRST_YEAR:
        return parse_instant(text, zone)
    if day.year > _LAST_YEAR:
        return _END
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), tzinfo=zone).astimezone(UTC)


def format_instant(instant: datetime) -> str:
    """Return `instant` as `2026-11-23T03:00:00Z`, which is also a valid Lightsail tag value."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_minute(instant: datetime, zone: tzinfo = UTC) -> str:
    """Return `instant` as people write it, on the clock of `zone`: `2026-11-23 04:00 Europe/Zurich`."""
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M} {zone}"


@cache
def parse_zone(name: str) -> ZoneInfo:
    """Return the time zone of that IANA name.

    Raises
    ------
    InvalidValueError
        If the time zone database has no such zone.
    """
    try:
        if _ZONE.fullmatch(name):
            return ZoneInfo(name)
    # A folder of the database, such as "Europe", is an OSError of one kind or another.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise InvalidValueError(
        f'"{name}" is not a time zone; expected an IANA name such as "UTC" or "Europe/Zurich"',
        closest(name, available_timezones()),
    )
