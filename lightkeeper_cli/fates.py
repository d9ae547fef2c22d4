"""What becomes of each recovery point, by a plan: kept and why, about to expire and when, or deleted. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from lightkeeper.actions import CancelDeletion, Copy, Create, Defer, Delete, RemoveHold, ScheduleDeletion
from lightkeeper.errors import InvalidValueError, closest
from lightkeeper.interpret import by_content
from lightkeeper.kinds import SnapshotKind, SourceKind, source_kind_of
from lightkeeper.model import Mode, Plan, RecoveryPoint


class Ending(StrEnum):
    """What becomes of a recovery point."""

    KEPT = "kept"
    EXPIRING = "expiring"
    """Nothing but its grace keeps it."""
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Fate:
    """A recovery point, and what becomes of it."""

    point: RecoveryPoint
    ending: Ending
    reasons: tuple[str, ...]
    held: bool = False
    """Whether a user's hold keeps it."""
    expires_at: datetime | None = None
    """Where nothing but its grace keeps it: from when it may be deleted, UTC."""
    waits: bool = False
    """Whether it might be deleted now, but more go before it than one run deletes."""

    @property
    def source_kind(self) -> SourceKind:
        """What its source is, or was."""
        return source_kind_of(self.point.source_arn, self.point.kind)

    @property
    def kind(self) -> str:
        """What it holds, in the user's words: an instance, a disk, a system disk alone, or a database."""
        is_system_disk = self.point.kind is SnapshotKind.DISK and self.source_kind is SourceKind.INSTANCE
        return Mode.SYSTEM_DISK.value if is_system_disk else self.source_kind.value


def fates_of(plan: Plan) -> tuple[Fate, ...]:
    """Return what becomes of all recovery points that were read: source by source as in the plan, newest first."""
    known = {(fate.point.region, fate.point.name): fate for fate in _fates(plan)}
    rank = {source.arn: number for number, source in enumerate(plan.sources)}
    found = (
        known.get((point.region, point.name)) or Fate(point, Ending.KEPT, (_why_unknown(point, plan),))
        for point in plan.points
    )
    newest_first = sorted(found, key=lambda fate: by_content(fate.point), reverse=True)
    return tuple(sorted(newest_first, key=lambda fate: _place(fate.point, rank)))


def _place(point: RecoveryPoint, rank: Mapping[str, int]) -> tuple[int, str, bool, str]:
    """Return what sorts the recovery points of each source together, and those in its own Region before its copies."""
    return rank.get(point.source_arn, len(rank)), point.source_arn, point.is_copy, point.region


def _why_unknown(point: RecoveryPoint, plan: Plan) -> str:
    """Return why a plan says nothing of a recovery point: nothing is deleted whose source is not known."""
    if point.home not in plan.regions:
        return f"{point.home}, where its source is, was not looked at"
    # Where a list fails, nobody knows of which sources no more than these is left.
    return "nothing is deleted while a list of its Region cannot be read"


def _fates(plan: Plan) -> Iterator[Fate]:
    points = {(point.region, point.name): point for point in plan.points}
    for kept in plan.kept:
        ending = Ending.EXPIRING if kept.expires_at else Ending.KEPT
        yield Fate(kept.point, ending, kept.reasons, kept.held, kept.expires_at)
    for action in plan.actions:
        match action:
            case ScheduleDeletion(target=target, expires_at=at):
                yield Fate(points[target.region, target.snapshot], Ending.EXPIRING, (action.reason,), expires_at=at)
            case Defer(target=target):
                point = points[target.region, target.snapshot]
                yield Fate(point, Ending.EXPIRING, (action.reason,), expires_at=point.expires_at, waits=True)
            case Delete(target=target):
                point = points[target.region, target.snapshot]
                yield Fate(point, Ending.DELETED, (action.reason,), expires_at=point.expires_at)
            case Create() | Copy() | CancelDeletion() | RemoveHold():
                # What these are about is kept, or about to expire, as said above.
                pass
            case _:
                assert_never(action)


def of_source(name: str | None, plan: Plan) -> tuple[Fate, ...]:
    """Return what becomes of the recovery points of the sources of that name; of all, if none is named.

    Raises
    ------
    InvalidValueError
        If there is no such source, and never was one that recovery points are left of.
    """
    fates = fates_of(plan)
    if name is None:
        return fates
    names = {source.name for source in plan.sources} | {fate.point.source_name for fate in fates}
    if name not in names:
        unread = f", as far as could be read ({plan.failures[0].message})" if plan.failures else ""
        raise InvalidValueError(
            f'"{name}" is no source there is or was in {", ".join(plan.regions)}{unread}; expected the name of one',
            closest(name, sorted(names)),
        )
    return tuple(fate for fate in fates if fate.point.source_name == name)
