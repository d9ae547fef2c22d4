"""Automatic snapshots: daily, seven kept, a pure function of when they were switched on and of the time.

AWS makes one between the hour of the add-on and 45 minutes after; how long after is an option here.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

KEPT = 7
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Switching:
    """A time during which automatic snapshots of a resource are taken at an hour of the day (UTC)."""

    hour: int
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AutomaticSnapshot:
    """One automatic snapshot."""

    created_at: datetime
    status: Literal["InProgress", "Success", "Failed"]

    @property
    def in_progress(self) -> bool:
        """Whether it is being made."""
        return self.status == "InProgress"

    @property
    def is_complete(self) -> bool:
        """Whether it can be copied and restored."""
        return self.status == "Success"


@dataclass(frozen=True, slots=True)
class Timing:
    """When automatic snapshots are made."""

    delay: timedelta
    """How long after its hour one begins."""
    duration: timedelta


def automatic_snapshots(
    switchings: Iterable[Switching], now: datetime, timing: Timing, failed: Collection[date] = ()
) -> tuple[AutomaticSnapshot, ...]:
    """Give the snapshots there are, newest first: the last seven that ended, and one that may be in progress.

    `failed` has the days (UTC) whose snapshot fails.
    """
    starts = sorted({start for switching in switchings for start in _starts(switching, now, timing)}, reverse=True)
    running = [AutomaticSnapshot(start, "InProgress") for start in starts if now < start + timing.duration]
    ended = [
        AutomaticSnapshot(start, "Failed" if start.date() in failed else "Success")
        for start in starts
        if now >= start + timing.duration
    ]
    return (*running, *ended[:KEPT])


def _starts(switching: Switching, now: datetime, timing: Timing) -> Iterator[datetime]:
    end = min(now, switching.until or now)
    start = end.replace(hour=switching.hour, minute=0, second=0, microsecond=0) + timing.delay
    if start > end:
        start -= _DAY
    for days in range(KEPT + 1):
        if start - days * _DAY < switching.since:
            return
        yield start - days * _DAY
