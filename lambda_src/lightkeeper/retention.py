"""What becomes of a source's recovery points: kept, to be deleted later, or deleted now. Pure.

Each kind of snapshot is a series of its own: one kind never pushes out another. What is about content goes by when a
snapshot was *taken*, never by its slot. The newest usable one of a series is never deleted.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Final, assert_never

from lightkeeper.actions import (
    CancelDeletion,
    Cause,
    Defer,
    Delete,
    RemoveHold,
    ScheduleDeletion,
    Target,
)
from lightkeeper.interpret import Facts, Series, by_content, usable_of
from lightkeeper.keep_rules import apply_rule, until_counts_exhausted
from lightkeeper.model import (
    Kept,
    Orphans,
    Policy,
    Problem,
    Prune,
    RecoveryPoint,
    Severity,
    SnapshotState,
    problem_of,
)
from lightkeeper.schedule import slots_since
from lightkeeper.settings import Settings
from lightkeeper.tags import MAX_TAGS, NoPolicy, hold_key
from lightkeeper.ticks import longest_gap_of_tick
from lightkeeper.times import format_instant

# What was marked or put off may go in the run after this one at the earliest.
_SHORTEST_TICK: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)
# A mark that as many runs have left standing comes from before a pause: who was to see it may not have been there.
_STALE_TICKS: Final = 3


@dataclass(slots=True)
class Pruning:
    """What is gathered while the series of a source are gone through."""

    settings: Settings
    now: datetime
    marks: list[ScheduleDeletion | CancelDeletion | RemoveHold | Defer] = field(default_factory=list)
    deletes: list[Delete] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def keep(self, points: Iterable[RecoveryPoint], why: str) -> None:
        """Keep them all, for one reason."""
        self.kept.extend(Kept(point, (why,)) for point in points)


def prune(  # noqa: PLR0913 - what holds back has that many sides
    facts: Facts,
    settings: Settings,
    now: datetime,
    *,
    blocked: str | None,
    is_unread: bool,
    is_doubted: bool,
) -> Pruning:
    """Return what becomes of each recovery point of a source in one Region at `now` (UTC).

    Parameters
    ----------
    facts
        The source's.
    settings
        The deployment's.
    now
        The scheduled time of the run, UTC.
    blocked
        Why nothing of it may be pruned in this run.
    is_unread
        Whether a list of its Region fails: from half a list nobody can tell what the rules keep.
    is_doubted
        Whether it is gone by a list that is not believed.
    """
    pruning = Pruning(settings, now)
    _decide(pruning, facts, blocked, is_unread=is_unread, is_doubted=is_doubted)
    if settings.prune is Prune.OFF:
        _take_marks_back(pruning, facts)
    return pruning


def _decide(pruning: Pruning, facts: Facts, blocked: str | None, *, is_unread: bool, is_doubted: bool) -> None:
    if facts.policy is NoPolicy.UNREADABLE:
        pruning.keep(facts.points, "its source has a problem in its tags")
        return
    if is_doubted and blocked:
        pruning.keep(facts.points, blocked)
        return
    for series in facts.series:
        if series.unfed is None and series.policy:
            _prune(pruning, facts, _Rule(series, series.policy), blocked, is_unread=is_unread)
        else:
            _prune_unfed(pruning, facts, series, blocked, is_unread=is_unread)
    _limit(pruning)


def _take_marks_back(pruning: Pruning, facts: Facts) -> None:
    """Take every mark back, whatever else is the matter: what is pruned again later has a whole grace before it."""
    policy = facts.policy if isinstance(facts.policy, Policy) else None
    taken_back = {mark.target.snapshot for mark in pruning.marks}
    pruning.marks.extend(
        CancelDeletion(_target(point, policy), "prune is off")
        for point in facts.points
        if point.expires_at and point.name not in taken_back
    )


def blocked_by(problems: Iterable[Problem]) -> str | None:
    """Return why nothing of a source is pruned, where something is wrong with its tags."""
    if any(problem.severity is not Severity.ADVICE for problem in problems):
        return "nothing is pruned while its source has a problem"
    return None


@dataclass(frozen=True, slots=True)
class _Rule:
    """What decides on a series."""

    series: Series
    policy: Policy
    missed: Sequence[datetime] = ()
    """Slots since the newest point that count as if they had been taken; newest first."""
    shortest_grace: timedelta = _SHORTEST_TICK
    cause: Cause = Cause.PUSHED_OUT
    """Why what no rule keeps is not kept, unless the rule was cut."""


def _prune_unfed(pruning: Pruning, facts: Facts, series: Series, blocked: str | None, *, is_unread: bool) -> None:
    """Plan for a series that nothing new is added to."""
    usable, settings = usable_of(series.points), pruning.settings
    if settings.orphans is Orphans.KEEP or not usable:
        why = f"{series.unfed}; orphans are kept"
        pruning.keep(series.points, why)
        pruning.marks.extend(CancelDeletion(_target(point, None), why) for point in series.points if point.expires_at)
        return
    pruning.problems.extend(series.problems)
    if series.policy is None:
        pruning.keep(series.points, f"{series.unfed}, and its own tags name no policy")
        return
    # As if the schedule had gone on: otherwise nothing new would ever push the old ones out of a count.
    schedule = series.policy.schedule
    slots = slots_since(schedule, usable[0].taken, pruning.now)
    missed = until_counts_exhausted(series.policy.keep, slots, schedule.zone)
    rule = _Rule(series, series.policy, missed, _DAY, Cause.ORPHANED)
    _prune(pruning, facts, rule, blocked or blocked_by(series.problems), is_unread=is_unread)


def _prune(pruning: Pruning, facts: Facts, rule: _Rule, blocked: str | None, *, is_unread: bool) -> None:
    """Plan what becomes of each recovery point of a series."""
    cut = _Cut(rule, facts, pruning.settings)
    dropped = f'no rule of "{rule.policy.keep}" keeps it'
    expires_at = _expiry(rule, cut, pruning)
    for point, reasons in zip(rule.series.points, _reasons(rule, facts), strict=True):
        if reasons:
            pruning.kept.append(Kept(point, tuple(reasons), held=point.name in facts.held))
            if point.expires_at and not is_unread:
                pruning.marks.append(CancelDeletion(_target(point, rule.policy), ", ".join(reasons)))
        elif blocked:
            pruning.kept.append(Kept(point, (blocked,)))
        else:
            is_failed = point.state is SnapshotState.ERROR
            why = "ended in error, and a newer one is usable" if is_failed else dropped
            _drop(pruning, rule, cut, point, why, expires_at)


def _reasons(rule: _Rule, facts: Facts) -> Iterator[Sequence[str]]:
    """Yield, for each recovery point of a series, the reasons to keep it; none lets it be pruned."""
    points, policy, missed = rule.series.points, rule.policy, rule.missed
    usable = usable_of(points)
    # Held ones use no count.
    judged = [point.taken for point in usable if point.name not in facts.held]
    newest = next(chain(missed, (point.taken for point in usable)), None)
    verdicts = apply_rule(policy.keep, [*missed, *judged], zone=policy.schedule.zone, newest=newest)
    by_rule = iter(verdicts[len(missed) :])
    for point in points:
        held = facts.held.get(point.name, ())
        match point.state:
            case SnapshotState.PENDING:
                yield [*held, "still being taken"]
            case SnapshotState.UNKNOWN:
                yield [*held, "its state is unknown"]
            case SnapshotState.ERROR:
                replaced = is_replaced(point, usable)
                yield held or ([] if replaced else ["ended in error, but no newer one is usable yet"])
            case SnapshotState.USABLE:
                only = ["newest usable snapshot"] if point is usable[0] else []
                copied = [facts.being_copied[point.name]] if point.name in facts.being_copied else []
                yield held or next(by_rule) or only or copied
            case _:
                assert_never(point.state)


def is_replaced(point: RecoveryPoint, usable: Sequence[RecoveryPoint]) -> bool:
    """Return whether a failed snapshot has a newer usable one."""
    return bool(usable) and by_content(usable[0]) > by_content(point)


def _expiry(rule: _Rule, cut: "_Cut", pruning: Pruning) -> datetime:
    """Return from when on what this run marks may be deleted, UTC."""
    settings = pruning.settings
    # An event that is replayed has a time long past: the grace counts from when there was something newer.
    begun = max(pruning.now, cut.newest)
    return max(settings.grace.after(begun, settings.time_zone), begun + rule.shortest_grace)


def _drop(  # noqa: PLR0913, PLR0917 - what decides has that many sides
    pruning: Pruning, rule: _Rule, cut: "_Cut", point: RecoveryPoint, why: str, expires_at: datetime
) -> None:
    """Plan for a recovery point that nothing keeps, and `why`; one that is marked now expires then."""
    settings, now = pruning.settings, pruning.now
    target = _target(point, rule.policy)
    if settings.prune is Prune.OFF:
        pruning.kept.append(Kept(point, (f"{why}, but prune is off",), unpruned=True))
        return
    tag = hold_key(settings)
    has_hold = tag in point.tags
    if has_hold:
        pruning.marks.append(RemoveHold(target, tag, f"{why}, and its hold is over"))
    # The hold that goes makes room.
    if point.is_full and has_hold:
        pruning.kept.append(Kept(point, (f"{why}, but its hold has to be taken off first",)))
        return
    if point.is_full:
        pruning.kept.append(Kept(point, (f"{why}, but it has {MAX_TAGS} tags, so there is no room for a mark",)))
        pruning.problems.append(_full(point))
        return
    at = point.expires_at
    stale = at is not None and at < now - _STALE_TICKS * longest_gap_of_tick(settings.tick)
    if at is None or stale:
        again = f"; it was marked for {format_instant(at)}, too long ago to be known" if at else ""
        reason = f"{why}; to be deleted from {format_instant(expires_at)}{again}"
        cause = Cause.CUT if cut.drops(point, now) else rule.cause
        pruning.marks.append(ScheduleDeletion(target, expires_at, reason, cause))
    elif at > now:
        reasons = (f"{why}; to be deleted from {format_instant(at)}",)
        pruning.kept.append(Kept(point, reasons, expires_at=at, cause=rule.cause))
    elif has_hold:
        reasons = (f"{why}, but its hold has to be taken off first",)
        pruning.kept.append(Kept(point, reasons, expires_at=now, cause=rule.cause))
    else:
        pruning.deletes.append(
            Delete(target, point.taken, f"{why}; its deletion was scheduled for {format_instant(at)}")
        )


def _limit(pruning: Pruning) -> None:
    """Leave the deletion of the oldest, up to the limit; the rest is put off."""
    most = pruning.settings.max_deletes_per_source
    ordered = sorted(pruning.deletes, key=lambda delete: delete.taken)
    until = pruning.now + _SHORTEST_TICK
    pruning.deletes = ordered[:most]
    pruning.marks.extend(
        Defer(delete.target, until, f"at most {most} deletions per source and run; {delete.reason}")
        for delete in ordered[most:]
    )


def _target(point: RecoveryPoint, policy: Policy | None) -> Target:
    return Target(
        region=point.region,
        source=point.source_name,
        source_arn=point.source_arn,
        snapshot=point.name,
        kind=point.kind,
        slot=point.slot,
        policy=policy.name if policy else None,
    )


def _full(point: RecoveryPoint) -> Problem:
    return problem_of(
        point,
        f"on snapshot {point.name}: it has {MAX_TAGS} tags, so it cannot be marked and is never deleted; "
        "expected room for one more: remove a tag",
        Severity.ADVICE,
    )


class _Cut:
    """Tells what goes because a rule keeps less than it did from what newer snapshots push out.

    What the rule would have dropped in an earlier run, too, would have been marked in that run. Only the newest one may
    have become usable since: not if it was made so long ago that it would be overdue by now, and runs have come since,
    nor if something was marked after it was made, as then it has pushed out what it does.
    """

    def __init__(self, rule: _Rule, facts: Facts, settings: Settings) -> None:
        self._rule = rule
        self._settings = settings
        usable = usable_of(rule.series.points)
        self._newest = usable[0] if usable else rule.series.points[0]
        self._judged = [point for point in usable if point.name not in facts.held]
        self._dropped: frozenset[str] | None = None

    @property
    def newest(self) -> datetime:
        """When the newest usable one was made, UTC: of a copy, that is some time after its content was taken."""
        return self._newest.made

    def drops(self, point: RecoveryPoint, now: datetime) -> bool:
        """Return whether a point that is marked now (UTC) goes by a cut."""
        if self._rule.cause is Cause.ORPHANED:
            return False
        if self._dropped is None:
            policy = self._rule.policy
            new = self._newest if self._may_be_new(now) else None
            before = [each for each in self._judged if each is not new]
            times = [each.taken for each in before]
            verdicts = apply_rule(policy.keep, times, zone=policy.schedule.zone, newest=times[0] if times else None)
            self._dropped = frozenset(each.name for each, reasons in zip(before, verdicts, strict=True) if not reasons)
        return point.name in self._dropped

    def _may_be_new(self, now: datetime) -> bool:
        zone = self._settings.time_zone
        marked = (point.expires_at for point in self._rule.series.points if point.expires_at)
        by_tick = now - 2 * longest_gap_of_tick(self._settings.tick)
        return self.newest > min(self._settings.overdue_after.before(now, zone), by_tick) and not any(
            self._settings.grace.before(at, zone) > self.newest for at in marked
        )
