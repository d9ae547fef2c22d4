"""Which copies are to be made in other Regions, and how those that are there stand. Pure.

What counts is content: a slot of a copy is covered by a copy of what was the newest usable recovery point at that slot,
or of newer content, whenever it was made.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Final, assert_never

from lightkeeper.actions import Copy, Target
from lightkeeper.copies import COPIED
from lightkeeper.interpret import Begun, CopyFacts, Facts, attempt_at_copy, by_content, usable_of
from lightkeeper.model import CopyStatus, Policy, RecoveryPoint, SnapshotState
from lightkeeper.names import copy_name
from lightkeeper.retention import is_replaced
from lightkeeper.schedule import current_slot, next_slot
from lightkeeper.settings import Settings
from lightkeeper.ticks import longest_gap_of_tick
from lightkeeper.times import format_instant

QUICK_ATTEMPTS: Final = 3
"""At a slot, and at a snapshot, one in each run; after them one a day."""
_DAY: Final = timedelta(days=1)
_PATIENCE: Final = timedelta(days=3)
"""With a copy that does not end, before the same content is copied once more: that of a large disk takes long."""
_MOMENT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """What is to be copied of a source into a Region."""

    copies: tuple[Copy, ...]
    """To make, and to finish."""
    waits: str | None = None
    """Why none is made that is due: those before it ended in error."""


def copies_to_make(
    facts: Facts, there: CopyFacts, settings: Settings, now: datetime, *, taking: datetime | None
) -> CopyPlan:
    """Return the copies of a source to make in a Region at `now` (UTC), and those to finish.

    Parameters
    ----------
    facts
        The source's.
    there
        What there is of its copies in that Region.
    settings
        The deployment's.
    now
        The scheduled time of the run, UTC.
    taking
        The slot (UTC) for which this run takes a snapshot of the source, if it takes one.
    """
    begun = tuple(_finish(facts, there, each) for each in there.begun)
    made = _made(there)
    slot = current_slot(there.rule.schedule, now)
    limit = settings.overdue_after.before(now, there.rule.schedule.zone)
    # Where the next run has a slot of its own, each would wait for the one after it.
    gap = longest_gap_of_tick(settings.tick)
    may_wait = now + gap < next_slot(there.rule.schedule, now)
    waits = may_wait and _is_awaited(facts, slot, min(limit, now - gap), taking=taking)
    original = None if waits else _due(facts, there, slot, limit, now)
    if original is None:
        return CopyPlan(begun)
    failed = [
        point.made
        for point in made
        if point.state is SnapshotState.ERROR and (_is_copy_of(point, original) or point.made >= slot)
    ]
    # What somebody's tags have made theirs was a copy once, and cost as much.
    taken = [
        each.made
        for each in there.strangers
        if each.made >= slot or attempt_at_copy(each.name, each.region, original, settings)
    ]
    in_vain = [*failed, *taken]
    if len(in_vain) >= QUICK_ATTEMPTS and now < max(in_vain) + _DAY:
        lost = ", or have tags that are not ours" if taken else ""
        return CopyPlan(begun, f"{len(in_vain)} copies to {there.region} ended in error{lost}")
    # Whatever has the name of an earlier attempt does not cover the slot: else none would be due.
    attempt = max((point.attempt for point in made if _is_copy_of(point, original)), default=0) + 1
    reason = f"{there.region} has nothing as new for the slot {format_instant(slot)}"
    if attempt > 1:
        reason = f"attempt {attempt}: the copy before ended in error, or does not end"
    # A name that is somebody else's stays so: to ask for it again and again would fail for ever.
    names = (
        copy_name(facts.name, facts.arn, settings.deployment, original.slot, there.region, each)
        for each in count(attempt)
    )
    in_use = {stranger.name for stranger in there.strangers}.union(there.untagged)
    name = next(each for each in names if each not in in_use)
    due = Copy(
        _target(facts, original, there.region, name),
        _target(facts, original, original.region, original.name),
        reason,
    )
    return CopyPlan((*begun, due))


def _finish(facts: Facts, there: CopyFacts, begun: Begun) -> Copy:
    return Copy(
        _target(facts, begun.original, there.region, begun.copy.name),
        _target(facts, begun.original, begun.original.region, begun.original.name),
        "it was copied, and has no tags yet",
        is_begun=True,
    )


def copy_status(
    facts: Facts, there: CopyFacts, settings: Settings, now: datetime, *, is_unknown: bool
) -> CopyStatus | None:
    """Return how the copies of a source in a Region stand at `now` (UTC); None where there are none, nor are to be.

    `is_unknown` says whether a list cannot be read that would tell.
    """
    if not (there.is_wanted or there.points):
        return None
    usable = usable_of(there.points)
    pending = tuple(point for point in there.points if point.state is SnapshotState.PENDING)
    untagged = (each.copy for each in there.begun if each.copy.state is SnapshotState.PENDING)
    # What a run takes is copied by the next one at the earliest.
    by_tick = now - 2 * longest_gap_of_tick(settings.tick)
    limit = min(settings.overdue_after.before(now, there.rule.schedule.zone), by_tick)
    status = CopyStatus(
        region=there.region,
        is_wanted=there.is_wanted,
        is_unknown=is_unknown,
        usable=usable,
        pending=pending,
        errors=tuple(
            point for point in there.points if point.state is SnapshotState.ERROR and not is_replaced(point, usable)
        ),
        next_slot=next_slot(there.rule.schedule, now) if there.is_wanted else None,
        is_stuck=any(point.made <= limit for point in (*pending, *untagged)),
        taken_over=tuple(
            stranger.name
            for stranger in there.strangers
            if any(attempt_at_copy(stranger.name, stranger.region, original, settings) for original in facts.usable)
        ),
        stopped_since=next_slot(there.rule.schedule, usable[0].taken) if usable and not there.is_wanted else None,
        held=sum(point.name in facts.held for point in usable),
    )
    return status if is_unknown else replace(status, overdue_since=_missed(facts, there, status, limit))


def _candidates(facts: Facts) -> Sequence[RecoveryPoint]:
    """Return what can be copied, newest content first: of the kind that is taken now, else of that of the newest.

    What a newer release has made may say of itself what this one would not understand on a copy.
    """
    usable = [point for point in facts.usable if point.kind in COPIED and point.newer_format is None]
    kinds = [point.kind for point in usable]
    kind = facts.takes if facts.takes in kinds else next(iter(kinds), None)
    return [point for point in usable if point.kind is kind]


def _covering(
    facts: Facts, there: CopyFacts, candidates: Sequence[RecoveryPoint], slot: datetime
) -> Callable[[RecoveryPoint], bool]:
    """Return what tells whether a copy has the content that a slot asks for: that of what was newest then, or newer.

    That may be gone, where little is kept at home: then a copy will do that was made for the slot, of what was taken
    since the one before.
    """
    before = current_slot(there.rule.schedule, slot - _MOMENT)
    newest = next((point for point in candidates if _belongs_before(point, slot)), None)
    if newest and (
        newest is candidates[0] or not _belongs_before(newest, before) or _was_last_asked_for(newest, facts, slot)
    ):
        return lambda copy: copy.taken >= _content(newest)
    return lambda copy: (
        copy.taken >= _content(candidates[0]) or (copy.made >= slot and not _belongs_before(copy, before))
    )


def _content(original: RecoveryPoint) -> datetime:
    """Return of when a copy says that its content is: to the second. Lightsail says it of the original more exactly."""
    return original.taken.replace(microsecond=0)


def _was_last_asked_for(point: RecoveryPoint, facts: Facts, slot: datetime) -> bool:
    """Return whether the source's own schedule has asked for no snapshot from a recovery point up to a slot."""
    return isinstance(facts.policy, Policy) and point.covers_until >= current_slot(facts.policy.schedule, slot)


def _is_awaited(facts: Facts, slot: datetime, limit: datetime, *, taking: datetime | None) -> bool:
    """Return whether a snapshot that belongs before the slot is on its way: a copy of the one before would be in vain.

    One that has not ended by the limit, or that run after run fails to begin, is not waited for.
    """
    return (taking is not None and limit < taking <= slot) or any(
        point.state is SnapshotState.PENDING and point.taken > limit and _belongs_before(point, slot)
        for point in facts.points
    )


def _belongs_before(point: RecoveryPoint, slot: datetime) -> bool:
    """Return whether a recovery point was asked for at a slot or before; it is taken a little later."""
    return min(point.slot, point.taken) <= slot


def _due(facts: Facts, there: CopyFacts, slot: datetime, limit: datetime, now: datetime) -> RecoveryPoint | None:
    """Return the recovery point that is to be copied now; None where the slot is covered, or nothing is wanted."""
    candidates = _candidates(facts)
    if not (there.is_wanted and candidates):
        return None
    since = min(slot, limit)
    # The same content once more would take as long, and be paid for twice.
    since_if_same = min(since, now - _PATIENCE)
    copies = [
        point
        for point in _made(there)
        if _may_cover(point, since_if_same if _is_copy_of(point, candidates[0]) else since)
    ]
    return None if any(map(_covering(facts, there, candidates, slot), copies)) else candidates[0]


def _made(there: CopyFacts) -> Sequence[RecoveryPoint]:
    """Return the copies that are there, those among them that lack their tags, too: they are finished first."""
    return (*there.points, *(begun.copy for begun in there.begun))


def _may_cover(point: RecoveryPoint, since: datetime) -> bool:
    """Return whether a copy is usable, or may be soon: not if it was made before that time (UTC) and has not ended."""
    match point.state:
        case SnapshotState.USABLE | SnapshotState.UNKNOWN:
            return True
        case SnapshotState.PENDING:
            return point.made >= since
        case SnapshotState.ERROR:
            return False
        case _:
            assert_never(point.state)


def _is_copy_of(point: RecoveryPoint, original: RecoveryPoint) -> bool:
    return (point.kind, point.slot) == (original.kind, original.slot)


def _missed(facts: Facts, there: CopyFacts, status: CopyStatus, limit: datetime) -> datetime | None:
    """Return the first slot by `limit` for which there was something to copy, and whose content is not usable there.

    Where nothing has ever been there, and the first slot is yet to come, that is the first slot at home.

    As at home, what is pending is on its way, unless those before it ended in error or do not end.
    """
    candidates, made = _candidates(facts), _made(there)
    # What ended in error there was to be copied, too, and may be gone at home by now.
    known = sorted((*candidates, *made), key=by_content)
    # What is newer than the limit has had no time to be copied.
    has_had_time = any(point.taken <= limit for point in known)
    if not (there.is_wanted and candidates and has_had_time):
        return None
    due = current_slot(there.rule.schedule, limit)
    covers = _covering(facts, there, candidates, due)
    newest = status.newest
    if newest and covers(newest):
        return None
    # One that has no tags yet, too.
    untagged = (begun.copy for begun in there.begun if begun.copy.made > limit)
    on_its_way = (*status.pending, *(copy for copy in untagged if copy.state is not SnapshotState.ERROR))
    if any(map(covers, on_its_way)) and not status.is_failing:
        return None
    first_lacking = next(point for point in known if newest is None or _content(point) > newest.taken)
    asked_for = min(first_lacking.slot, first_lacking.taken)
    first = next_slot(there.rule.schedule, asked_for - _MOMENT)
    if newest:
        # What was to be copied at the slots between may be gone at home by now.
        return min(first, due)
    # The first run copies at once, for the slot that has passed.
    tried = (current_slot(there.rule.schedule, copy.made) for copy in made if copy.made <= limit)
    first = min((first, *tried))
    if first <= due:
        return first
    # Where there is not even one that has failed, no run has come to it, for as long as there was something to copy.
    return None if made else asked_for


def _target(facts: Facts, point: RecoveryPoint, region: str, snapshot: str) -> Target:
    return Target(
        region=region,
        source=facts.name,
        source_arn=facts.arn,
        snapshot=snapshot,
        kind=point.kind,
        slot=point.slot,
        policy=facts.policy.name if isinstance(facts.policy, Policy) else None,
    )
