"""What is to be said of a source that is not as it should be: why, since when, what helps. Pure."""

import shlex
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from lightkeeper.model import SourceStatus, Status
from lightkeeper.times import format_instant

_OPEN_FOR: Final = timedelta(days=90)


def why_overdue(source: SourceStatus) -> str:
    """Return why nothing usable covers an overdue source's slots, as far as its snapshots tell."""
    if source.is_stuck:
        oldest = source.pending[-1]
        return f"snapshot {oldest.name} has been pending since {format_instant(oldest.taken)}"
    if source.errors:
        last, number = source.errors[0], len(source.errors)
        times = "ended in error" if number == 1 else f"and {number - 1} before it ended in error"
        following = f"; the next attempt is due at {format_instant(source.next_attempt)}" if source.next_attempt else ""
        return f"snapshot {last.name} {times}, the last at {format_instant(last.taken)}{following}"
    return "no snapshot was begun, or Lightsail refused it: the log of the last runs says why"


def what_helps(source: SourceStatus) -> str:
    """Return what to do about an overdue source, as a command that can be pasted."""
    return f"take one now: {take_command(source.name, source.region)}"


def take_command(name: str, region: str) -> str:
    """Return the command that takes a recovery point of a source."""
    return shlex.join(["lightkeeper", "take", name, "--region", region])


def stopped(sources: Iterable[SourceStatus]) -> Iterator[SourceStatus]:
    """Yield the sources that have recovery points and are not backed up any more."""
    return (source for source in sources if source.has_stopped)


def is_open(source: SourceStatus, now: datetime) -> bool:
    """Return whether a source that has stopped still wants a person at `now` (UTC).

    One without a tag does for as long as it has recovery points. One that is switched off or gone may be meant so: it
    does until its newest recovery point is 90 days old.
    """
    if not source.has_stopped or source.newest is None:
        return False
    return source.status is Status.UNTAGGED or source.newest.taken > now - _OPEN_FOR
