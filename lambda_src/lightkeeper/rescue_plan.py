"""What becomes of a source's automatic snapshots before it is deleted, as they go with it. Pure.

Each day of them becomes an ordinary snapshot of ours: a recovery point, whose content is of then and not of now. What
is there already, and what cannot be copied, is said day by day.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import count, groupby
from typing import Final

from lightkeeper.actions import Target
from lightkeeper.automatic import AutomaticSnapshot, AutomaticState
from lightkeeper.errors import InvalidValueError
from lightkeeper.kinds import SourceKind, snapshot_kind
from lightkeeper.model import Mode, Policy, RecoveryPoint, Snapshot, SnapshotState, Source, Tags
from lightkeeper.names import copy_name
from lightkeeper.overview import Stored
from lightkeeper.pricing import stored_gib
from lightkeeper.settings import Settings
from lightkeeper.tags import BY_HAND, NAME, TAKEN, hold_key, own_hold, read_snapshot, read_source, snapshot_tags
from lightkeeper.take import check_hold
from lightkeeper.times import format_instant, format_minute


class Verdict(StrEnum):
    """What becomes of an automatic snapshot."""

    RESCUE = "rescue"
    """It is copied, and the copy gets its tags."""
    FINISH = "finish"
    """An earlier try has copied it; the copy lacks its tags."""
    THERE = "there"
    """An earlier try has rescued it."""
    COVERED = "covered"
    """There is a recovery point of that day with the same or newer content."""
    LATER = "later"
    """Lightsail is still making it."""
    LOST = "lost"
    """There is nothing to copy."""


RESCUED: Final = (Verdict.RESCUE, Verdict.FINISH, Verdict.THERE)
"""What ends as an ordinary snapshot."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day of which there is an automatic snapshot, and what becomes of it."""

    date: str
    """By which Lightsail knows it, such as ``2026-06-15``."""
    taken: datetime
    """When its content is from, UTC."""
    verdict: Verdict
    reason: str
    target: Target
    """The snapshot that it becomes, or is; where it is covered, the one that covers it."""
    tags: Tags
    """What that is to carry."""
    size_gib: int


@dataclass(frozen=True, slots=True)
class RescuePlan:
    """How the automatic snapshots of a source are rescued, and why so."""

    source: Source
    hold: str
    """Until the end of which day no rule drops them; ``""``: for good."""
    days: tuple[Day, ...]
    """Newest first."""
    notes: tuple[str, ...]
    """What a person should know before they say yes, a sentence each."""
    stored: Stored
    """What it adds to what is stored."""

    @property
    def to_do(self) -> tuple[Day, ...]:
        """The days that something is to be done about."""
        return tuple(day for day in self.days if day.verdict in {Verdict.RESCUE, Verdict.FINISH})


def plan_rescue(  # noqa: PLR0913 - a rescue has that many sides
    source: Source,
    automatic: Iterable[AutomaticSnapshot],
    snapshots: Iterable[Snapshot],
    settings: Settings,
    now: datetime,
    *,
    hold: str = "",
    every_day: bool = False,
) -> RescuePlan:
    """Return how the automatic snapshots of a source are rescued at `now` (UTC).

    Parameters
    ----------
    source
        The disk or the instance.
    automatic
        Its automatic snapshots.
    snapshots
        All snapshots of its kind in its Region, anybody's.
    settings
        The deployment's.
    now
        The time, UTC.
    hold
        Until the end of which day, in the settings' zone, no rule may drop them; ``""``: for good.
    every_day
        Whether those days are rescued, too, of which there is a recovery point with newer content.

    Raises
    ------
    InvalidValueError
        If it is a database, or the hold is no day to come.
    """
    refuse_databases(source)
    check_hold(hold, settings, now)
    planner = _Planner(source, snapshots, settings, now, hold, every_day=every_day)
    by_date = sorted(automatic, key=lambda each: (each.date, each.taken), reverse=True)
    days = [planner.day([*of_day]) for _, of_day in groupby(by_date, key=lambda each: each.date)]
    new = [day for day in days if day.verdict in {Verdict.RESCUE, Verdict.FINISH}]
    largest = max((day.size_gib for day in new), default=0)
    return RescuePlan(
        source=source,
        hold=hold,
        days=tuple(days),
        notes=tuple(planner.notes),
        stored=Stored(stored_gib((day.taken for day in new), largest), sum(day.size_gib for day in new)),
    )


def refuse_databases(source: Source) -> None:
    """Refuse to rescue what has no automatic snapshots.

    Raises
    ------
    InvalidValueError
        If the source is a database.
    """
    if source.kind is SourceKind.DATABASE:
        raise InvalidValueError(
            f'"{source.name}" is a database, of which Lightsail makes no automatic snapshots: its native backups '
            f'cannot be copied, and go with it; expected a recovery point: lightkeeper take {source.name} --hold ""'
        )


class _Planner:
    """Decides day by day."""

    def __init__(  # noqa: PLR0913 - made in one place
        self,
        source: Source,
        snapshots: Iterable[Snapshot],
        settings: Settings,
        now: datetime,
        hold: str,
        *,
        every_day: bool,
    ) -> None:
        self._source = source
        self._settings = settings
        self._now = now
        self._hold = hold
        self._every_day = every_day
        self._kind = snapshot_kind(source.kind, Mode.INSTANCE)
        self._there: Mapping[str, Snapshot] = {each.name: each for each in snapshots if each.region == source.region}
        self._points = [*self._own_points()]
        reading = read_source(source, settings)
        self._policy = reading.policy.name if isinstance(reading.policy, Policy) else None
        self.notes: list[str] = []

    def day(self, found: Sequence[AutomaticSnapshot]) -> Day:
        """Return what becomes of the automatic snapshots of a day: hardly ever more than one."""
        # Lightsail is asked by the day, and does not say which of them it then copies: nothing is labelled too new.
        usable = [each for each in found if each.state is AutomaticState.USABLE]
        oldest = min(usable or found, key=lambda each: each.taken)
        if len(usable) > 1:
            self.notes.append(
                f"{oldest.date} has {len(usable)} automatic snapshots; Lightsail copies one of them and does not say "
                f"which, so its content counts as of {format_minute(oldest.taken)}"
            )
        size = self._source.size_gib + oldest.disks_gib
        target, verdict, reason = self._decide(oldest, size)
        slot = _slot(oldest)
        also = {
            TAKEN: format_instant(oldest.taken),
            NAME: self._source.name,
            BY_HAND: "",
            hold_key(self._settings): self._hold,
        }
        tags, left_out = snapshot_tags(self._source, slot, self._settings, self._now, also)
        if left_out and verdict in {Verdict.RESCUE, Verdict.FINISH}:
            note = f"there is no room for these tags of {self._source.name}: {', '.join(left_out)}"
            self.notes += [] if note in self.notes else [note]
        return Day(oldest.date, oldest.taken, verdict, reason, target, tags, size)

    def _decide(self, found: AutomaticSnapshot, size: int) -> tuple[Target, Verdict, str]:
        slot = _slot(found)
        for attempt in count(1):
            target = self._target(
                copy_name(
                    self._source.name,
                    self._source.arn,
                    self._settings.deployment,
                    slot,
                    self._source.region,
                    attempt,
                ),
                slot,
            )
            there = self._there.get(target.snapshot)
            if there is None:
                return self._begin(target, found)
            point = read_snapshot(there, self._settings)
            if isinstance(point, RecoveryPoint) and point.source_arn == self._source.arn:
                if point.state is SnapshotState.ERROR:
                    self.notes.append(f"{there.name}, of an earlier try, ended in error; delete it when you like")
                    continue
                return target, Verdict.THERE, f"rescued already{self._without_hold(there)}"
            if is_ours_to_tag(there, target, size):
                return target, Verdict.FINISH, "an earlier try has copied it, and it has no tags yet"
            self.notes.append(f"the name {there.name} belongs to a snapshot that is not ours; it is left alone")
        raise AssertionError  # names do not end

    def _begin(self, target: Target, found: AutomaticSnapshot) -> tuple[Target, Verdict, str]:
        match found.state:
            case AutomaticState.PENDING:
                return target, Verdict.LATER, "Lightsail is still making it: run this again when it is complete"
            case AutomaticState.FAILED:
                return target, Verdict.LOST, "Lightsail could not make it, so there is nothing to copy"
            case AutomaticState.USABLE:
                pass
        newer = None if self._every_day else self._covers(found)
        if newer:
            how = f"{newer.name} has the content of {format_minute(newer.taken)}"
            return self._target(newer.name, newer.slot), Verdict.COVERED, f"{how}, and its deletion is not scheduled"
        return target, Verdict.RESCUE, "it goes with its source"

    def _covers(self, found: AutomaticSnapshot) -> RecoveryPoint | None:
        """Return a recovery point of the same day whose content is the same or newer, and that is not about to go."""
        return next(
            (
                point
                for point in self._points
                if point.state is SnapshotState.USABLE
                and point.expires_at is None
                and point.taken >= found.taken
                and f"{point.taken:%Y-%m-%d}" == found.date
            ),
            None,
        )

    def _own_points(self) -> Iterator[RecoveryPoint]:
        """Yield the recovery points that hold as much as an automatic snapshot of the source."""
        for snapshot in self._there.values():
            point = read_snapshot(snapshot, self._settings)
            if isinstance(point, RecoveryPoint) and (point.source_arn, point.kind) == (self._source.arn, self._kind):
                yield point

    def _without_hold(self, there: Snapshot) -> str:
        is_held = own_hold(there.tags, self._settings).is_on(self._now)
        return "" if is_held else "; it is not on hold any more, so its rules decide on it"

    def _target(self, name: str, slot: datetime) -> Target:
        return Target(
            self._source.region, self._source.name, self._source.arn, name, self._kind, slot, policy=self._policy
        )


def is_ours_to_tag(there: Snapshot, target: Target, size_gib: int) -> bool:
    """Return whether what bears the name of a rescue is ours to tag: without any tag, and of its source, kind, size."""
    is_of_it = not there.source_arns or target.source_arn in there.source_arns
    return not there.tags and is_of_it and (there.kind, there.size_gib) == (target.kind, size_gib)


def _slot(found: AutomaticSnapshot) -> datetime:
    """Return the minute that an automatic snapshot is of: it makes the name."""
    return found.taken.replace(second=0, microsecond=0)
