"""Automatic snapshots: daily, seven kept, a pure function of when they were switched on and of the time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

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
    in_progress: bool


def automatic_snapshots(
    switchings: Iterable[Switching], now: datetime, duration: timedelta
) -> tuple[AutomaticSnapshot, ...]:
    """Give the snapshots there are, newest first: the last seven finished ones, and one that may be in progress."""
    starts = sorted({start for switching in switchings for start in _starts(switching, now)}, reverse=True)
    snapshots = [AutomaticSnapshot(start, in_progress=now < start + duration) for start in starts]
    running = [snapshot for snapshot in snapshots if snapshot.in_progress]
    finished = [snapshot for snapshot in snapshots if not snapshot.in_progress]
    return (*running, *finished[:KEPT])


def _starts(switching: Switching, now: datetime) -> Iterator[datetime]:
    end = min(now, switching.until or now)
    start = end.replace(hour=switching.hour, minute=0, second=0, microsecond=0)
    if start > end:
        start -= _DAY
    for days in range(KEPT + 1):
        if start - days * _DAY < switching.since:
            return
        yield start - days * _DAY
