"""Inventory, settings and the time in; what should be done, and why, out. Pure.

One source is looked at after the other, each with its own recovery points; none can hinder another. Its recovery points
are one series for each kind of snapshot. What is about content goes by when a snapshot was *taken*, never by its slot.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, assert_never

from lightkeeper.keep_rules import apply_rule, until_counts_exhausted
from lightkeeper.model import (
    Action,
    CancelDeletion,
    Cause,
    Create,
    Defer,
    Delete,
    Inventory,
    Kept,
    Listing,
    Mode,
    Orphans,
    Plan,
    Policy,
    Problem,
    RecoveryPoint,
    RemoveHold,
    ScheduleDeletion,
    Severity,
    SnapshotKind,
    SnapshotState,
    Source,
    SourceKind,
    SourceStatus,
    Status,
    Tags,
    Target,
)
from lightkeeper.schedule import current_slot, next_slot, slots_since
from lightkeeper.settings import Settings
from lightkeeper.tags import (
    MAX_TAGS,
    NOT_HELD,
    Hold,
    NoPolicy,
    TagReading,
    hold_key,
    read_hold,
    read_orphan,
    read_source,
    snapshot_name,
    snapshot_tags,
)
from lightkeeper.ticks import is_rarer, longest_gap_of_tick
from lightkeeper.times import format_instant

QUICK_ATTEMPTS: Final = 3
"""At a slot, one in each run; after them one a day."""
_SNAPSHOT_LISTINGS: Final = {
    SourceKind.DISK: {Listing.DISK_SNAPSHOTS},
    # An instance may have been backed up in either mode within the same slot.
    SourceKind.INSTANCE: {Listing.DISK_SNAPSHOTS, Listing.INSTANCE_SNAPSHOTS},
}
_SOURCE_LISTINGS: Final = {SourceKind.DISK: Listing.DISKS, SourceKind.INSTANCE: Listing.INSTANCES}
# What was marked or put off may go in the run after this one at the earliest.
_SHORTEST_TICK: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)
# A mark that as many runs have left standing comes from before a pause: who was to see it may not have been there.
_STALE_TICKS: Final = 3
# What was backed up so lately is missed where a list of sources lacks it.
_LATELY: Final = timedelta(days=7)
_COVERS_SLOT: Final = (SnapshotState.PENDING, SnapshotState.USABLE, SnapshotState.UNKNOWN)


@dataclass(slots=True)
class _Draft:
    """What is gathered while the sources are gone through."""

    now: datetime
    settings: Settings
    unread: Mapping[str, set[Listing]]
    doubted: Mapping[tuple[str, SourceKind], str]
    """Why a list of sources is not believed."""
    sources: list[SourceStatus] = field(default_factory=list)
    creates: list[Create] = field(default_factory=list)
    marks: list[ScheduleDeletion | CancelDeletion | RemoveHold | Defer] = field(default_factory=list)
    deletes: list[Delete] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def make_plan(inventory: Inventory, settings: Settings, now: datetime) -> Plan:
    """Return what should be done at `now` (UTC).

    Given the same inventory, settings and time, the plan is the same: a retry repeats it.
    """
    unread: defaultdict[str, set[Listing]] = defaultdict(set)
    for failure in inventory.failures:
        # Without a listing the Region as a whole has failed: then there is no inventory of it.
        unread[failure.region].update([failure.listing] if failure.listing else Listing)
    by_source: defaultdict[str, list[RecoveryPoint]] = defaultdict(list)
    for point in inventory.points:
        by_source[point.source_arn].append(point)
    for points in by_source.values():
        points.sort(key=_age, reverse=True)
    readings = {source.arn: read_source(source, settings) for source in inventory.sources}
    gone = [points for arn, points in by_source.items() if arn not in readings and not unread[points[0].region]]

    draft = _Draft(now, settings, unread, dict(_doubts(inventory.sources, gone, settings, now)))
    draft.problems.extend(inventory.problems)
    draft.problems.extend(
        Problem(region, _SOURCE_LISTINGS[kind].value, None, None, None, why, None, Severity.WARNING)
        for (region, kind), why in draft.doubted.items()
    )
    for source in inventory.sources:
        _plan_source(draft, source, readings[source.arn], by_source.get(source.arn, []))
    for points in gone:
        _plan_gone(draft, points)
    _look_at_attached(draft, inventory.sources, readings)
    return _in_order(
        Plan(
            now=now,
            sources=tuple(draft.sources),
            actions=(*draft.creates, *draft.marks, *draft.deletes),
            kept=tuple(draft.kept),
            problems=tuple(draft.problems),
            failures=inventory.failures,
            regions=inventory.regions,
            doubted=tuple(dict.fromkeys(region for region, _ in draft.doubted)),
        )
    )


def join_plans(parts: Iterable[Plan]) -> Plan:
    """Return the plans of several Regions for the same time as one."""
    plans = tuple(parts)
    return _in_order(
        Plan(
            now=plans[0].now,
            sources=tuple(source for plan in plans for source in plan.sources),
            actions=tuple(action for plan in plans for action in plan.actions),
            kept=tuple(kept for plan in plans for kept in plan.kept),
            problems=tuple(problem for plan in plans for problem in plan.problems),
            failures=tuple(failure for plan in plans for failure in plan.failures),
            regions=tuple(region for plan in plans for region in plan.regions),
            doubted=tuple(region for plan in plans for region in plan.doubted),
        )
    )


def with_begun(plan: Plan, begun: frozenset[str]) -> Plan:
    """Return the plan after a run that has begun snapshots of these sources (ARNs): they are on their way.

    Where the ones before ended in error or never end, one more that is begun is no sign that it will be usable.
    """

    def after(source: SourceStatus) -> SourceStatus:
        if source.status is not Status.OVERDUE or source.arn not in begun or source.errors or source.is_stuck:
            return source
        return replace(source, status=Status.PROTECTED if source.newest else Status.WAITING)

    return replace(plan, sources=tuple(map(after, plan.sources)))


def creates_only(plan: Plan) -> Plan:
    """Return the plan without what marks, frees or deletes."""
    return replace(plan, actions=tuple(action for action in plan.actions if isinstance(action, Create)))


def phase_of(action: Action) -> int:
    """Return when in a run an action's turn comes: creates first, deletions last."""
    match action:
        case Create():
            return 0
        case ScheduleDeletion() | CancelDeletion() | RemoveHold() | Defer():
            return 1
        case Delete():
            return 2
        case _:
            assert_never(action)


def _in_order(plan: Plan) -> Plan:
    """Return the plan with what exists before what is gone, by Region and name, and its actions in phases."""
    return replace(
        plan,
        sources=tuple(
            sorted(plan.sources, key=lambda source: (source.status is Status.GONE, source.region, source.name))
        ),
        actions=tuple(sorted(plan.actions, key=phase_of)),
    )


def _age(point: RecoveryPoint) -> tuple[datetime, datetime, int]:
    """Return by what recovery points are in order: their content. The rest only breaks ties."""
    return point.taken, point.slot, point.attempt


def _usable(points: Iterable[RecoveryPoint]) -> tuple[RecoveryPoint, ...]:
    return tuple(point for point in points if point.state is SnapshotState.USABLE)


def _is_replaced(point: RecoveryPoint, usable: Sequence[RecoveryPoint]) -> bool:
    """Return whether a failed snapshot has a newer usable one."""
    return bool(usable) and _age(usable[0]) > _age(point)


def _kind_of(newest: RecoveryPoint) -> SourceKind:
    """Return what a source was of which only recovery points are left."""
    is_disk = newest.kind is SnapshotKind.DISK and ":Disk/" in newest.source_arn
    return SourceKind.DISK if is_disk else SourceKind.INSTANCE


def _doubts(
    sources: Iterable[Source], gone: Iterable[Sequence[RecoveryPoint]], settings: Settings, now: datetime
) -> Iterator[tuple[tuple[str, SourceKind], str]]:
    """Yield the lists of sources that are not believed, with why: most of what was backed up lately is not in them."""
    listed: defaultdict[tuple[str, SourceKind], int] = defaultdict(int)
    lost: defaultdict[tuple[str, SourceKind], int] = defaultdict(int)
    for source in sources:
        listed[source.region, source.kind] += 1
    for points in gone:
        usable = _usable(points)
        if usable and _was_due_lately(usable[0], settings, now):
            lost[usable[0].region, _kind_of(usable[0])] += 1
    for place, missing in lost.items():
        if missing > listed[place]:
            what = f"has only {listed[place]} left" if listed[place] else "is empty"
            why = (
                f"the list {what}, and lacks {missing} that {'was' if missing == 1 else 'were'} backed up lately, so "
                "nothing of its kind is marked or deleted; expected the list to be whole: if they were deleted on "
                "purpose, wait"
            )
            yield place, why


def _was_due_lately(newest: RecoveryPoint, settings: Settings, now: datetime) -> bool:
    """Return whether a source that is gone was still backed up when it was last due, or within the last days."""
    if newest.taken > now - _LATELY:
        return True
    policy = read_orphan(newest, settings).policy
    if not isinstance(policy, Policy):
        return False
    missed = slots_since(policy.schedule, newest.taken, now)
    next(missed, None)
    return next(missed, None) is None


def _plan_source(draft: _Draft, source: Source, reading: TagReading, points: Sequence[RecoveryPoint]) -> None:
    problems = [*reading.problems, *_over_hold(source, reading, draft)]
    unread = draft.unread[source.region]
    policy: Policy | None = None
    status: Status | None = None
    waits: _Waits | None = None
    holds = _holds(draft, points, reading.hold, source.tags)
    problems.extend(holds.problems)
    match reading.policy:
        case Policy() as policy:
            if is_rarer(draft.settings.tick, policy.schedule, draft.settings.time_zone):
                problems.append(_rare_tick(source, policy, draft.settings))
            if unread & _SNAPSHOT_LISTINGS[source.kind]:
                status = Status.UNKNOWN
            else:
                waits = _plan_create(draft, source, policy, points)
            why_not = _blocked(draft, source.region, source.kind, problems) or (
                f"nothing is pruned while no snapshot succeeds: {waits.why}" if waits else None
            )
            fed = snapshot_kind(source, policy, draft.settings)
            deletes: list[Delete] = []
            for kind in SnapshotKind:
                series = _Series(policy, [point for point in points if point.kind is kind])
                if kind is fed:
                    deletes += _plan_prune(draft, series, holds, why_not)
                else:
                    what = f"it is backed up by {fed}s now"
                    deletes += _plan_orphan(draft, series.points, holds, what, why_not)
            _limit(draft, deletes)
        case NoPolicy.UNREADABLE:
            status = Status.PROBLEM
            _keep_all(draft, points, "its source has a problem in its tags")
        case NoPolicy.OFF | NoPolicy.UNTAGGED as choice:
            status = Status.OFF if choice is NoPolicy.OFF else Status.UNTAGGED
            why_not = _blocked(draft, source.region, source.kind, problems)
            _plan_orphans(draft, points, holds, f"its source is {status}", why_not)
        case _:
            assert_never(reading.policy)
    draft.problems.extend(problems)
    draft.sources.append(_source_status(draft, source, policy, status, points, waits))


def _plan_gone(draft: _Draft, points: Sequence[RecoveryPoint]) -> None:
    newest = points[0]
    kind = _kind_of(newest)
    # Each holds for itself: there is no source whose hold would go for all.
    holds = _holds(draft, points, NOT_HELD, {})
    draft.problems.extend(holds.problems)
    blocked = _blocked(draft, newest.region, kind, holds.problems)
    if blocked and (newest.region, kind) in draft.doubted:
        _keep_all(draft, points, blocked)
    else:
        _plan_orphans(draft, points, holds, "its source is gone", blocked)
    usable = _usable(points)
    draft.sources.append(
        SourceStatus(
            region=newest.region,
            kind=kind,
            name=newest.source_name,
            arn=newest.source_arn,
            policy=None,
            status=Status.UNKNOWN if (newest.region, kind) in draft.doubted else Status.GONE,
            slot=None,
            next_slot=None,
            usable=usable,
            newest=usable[0] if usable else None,
            pending=tuple(point for point in points if point.state is SnapshotState.PENDING),
            errors=(),
            stopped_since=_stopped_since(usable[0], draft.settings) if usable else None,
        )
    )


def _stopped_since(newest: RecoveryPoint, settings: Settings) -> datetime:
    """Return from when on a source was not backed up any more that was while its newest recovery point was taken."""
    policy = read_orphan(newest, settings).policy
    return next_slot(policy.schedule, newest.covers_until) if isinstance(policy, Policy) else newest.taken


def _source_status(  # noqa: PLR0913, PLR0917 - a status has that many sides
    draft: _Draft,
    source: Source,
    policy: Policy | None,
    status: Status | None,
    points: Sequence[RecoveryPoint],
    waits: "_Waits | None",
) -> SourceStatus:
    """Return a source's line; where no `status` is given, how its policy is kept."""
    usable = _usable(points)
    standing = SourceStatus(
        region=source.region,
        kind=source.kind,
        name=source.name,
        arn=source.arn,
        policy=policy,
        status=status or Status.WAITING,
        slot=current_slot(policy.schedule, draft.now) if policy else None,
        next_slot=next_slot(policy.schedule, draft.now) if policy else None,
        usable=usable,
        newest=usable[0] if usable else None,
        pending=tuple(point for point in points if point.state is SnapshotState.PENDING),
        errors=tuple(
            point
            for point in points
            if policy and point.state is SnapshotState.ERROR and not _is_replaced(point, usable)
        ),
        next_attempt=waits.until if waits else None,
        stopped_since=_stopped_since(usable[0], draft.settings) if usable and not policy else None,
    )
    return standing if status or not policy else _kept_up(standing, policy, source.created_at, draft)


def _kept_up(standing: SourceStatus, policy: Policy, created_at: datetime, draft: _Draft) -> SourceStatus:
    """Return the line with whether it is overdue: the one rule for status, metric and message.

    What is pending is on its way, unless one is pending for too long or those before it ended in error: then one more
    that is begun is no sign that it will be usable.
    """
    limit = draft.settings.overdue_after.before(draft.now, policy.schedule.zone)
    due = current_slot(policy.schedule, limit)
    newest = standing.newest
    uncovered_since: datetime | None = None
    if created_at <= limit and not (newest and newest.covers_until >= due):
        uncovered_since = next_slot(policy.schedule, newest.covers_until) if newest else due
    is_stuck = any(point.taken <= limit for point in standing.pending)
    is_on_its_way = bool(standing.pending) and not is_stuck and not standing.errors
    status = Status.PROTECTED if newest else Status.WAITING
    if uncovered_since and not is_on_its_way:
        status = Status.OVERDUE
    return replace(standing, status=status, uncovered_since=uncovered_since, is_stuck=is_stuck)


def _rare_tick(source: Source, policy: Policy, settings: Settings) -> Problem:
    return Problem(
        region=source.region,
        source=source.name,
        arn=source.arn,
        tag=settings.tag_key,
        value=source.tags[settings.tag_key],
        message=f'the policy "{policy.name}" ({policy.schedule}) asks for snapshots oftener than the tick '
        f'"{settings.tick}" comes, so some are never taken; expected a tick at least as often, or a rarer policy',
        suggestion=None,
        severity=Severity.WARNING,
    )


def _over_hold(source: Source, reading: TagReading, draft: _Draft) -> Iterator[Problem]:
    """Yield what is to be said of a source's hold whose day is over: somebody may count on it."""
    until = reading.hold.until
    if until is None or draft.now < until:
        return
    tag = hold_key(draft.settings)
    yield Problem(
        region=source.region,
        source=source.name,
        arn=source.arn,
        tag=tag,
        value=source.tags[tag],
        message=f"is over since {format_instant(until)}, so it holds nothing; expected a day to come, or no such tag",
        suggestion=None,
        # From before the source was made: it never held anything.
        severity=Severity.WARNING if until <= source.created_at else Severity.ADVICE,
    )


def _blocked(draft: _Draft, region: str, kind: SourceKind, problems: Iterable[Problem]) -> str | None:
    """Return why nothing of a source may be pruned, or None if it may."""
    for listing in sorted(draft.unread[region]):
        return f"nothing is pruned while {listing} of the Region fails"
    if (region, kind) in draft.doubted:
        return f"nothing is pruned while {_SOURCE_LISTINGS[kind]} of the Region lacks most of what was backed up lately"
    for problem in problems:
        if problem.severity is not Severity.ADVICE:
            return "nothing is pruned while its source has a problem"
    return None


def snapshot_kind(source: Source, policy: Policy, settings: Settings) -> SnapshotKind:
    """Return what kind of snapshot a policy takes of a source."""
    mode = policy.mode or settings.instance_mode
    is_whole = source.kind is SourceKind.INSTANCE and mode is Mode.INSTANCE
    return SnapshotKind.INSTANCE if is_whole else SnapshotKind.DISK


@dataclass(frozen=True, slots=True)
class _Waits:
    """Attempts at a slot that ended in error, and the next one is not due yet."""

    until: datetime
    why: str


def _plan_create(draft: _Draft, source: Source, policy: Policy, points: Sequence[RecoveryPoint]) -> _Waits | None:
    """Plan the snapshot of the current slot if nothing covers it; return what it waits for, if it was tried often."""
    slot = current_slot(policy.schedule, draft.now)
    if any(point.state in _COVERS_SLOT and point.covers_until >= slot for point in points):
        return None
    failed = [point for point in points if point.slot == slot]
    attempt = max((point.attempt for point in failed), default=0) + 1
    if attempt > QUICK_ATTEMPTS:
        until = max(point.taken for point in failed) + _DAY
        if draft.now < until:
            following = min(until, next_slot(policy.schedule, draft.now))
            return _Waits(following, f"{attempt - 1} snapshots for the slot {format_instant(slot)} ended in error")
    reason = f"nothing covers the slot {format_instant(slot)}"
    if attempt > 1:
        reason = f"attempt {attempt} for the slot {format_instant(slot)}: the one before ended in error"
    draft.creates.append(
        create_for(
            source,
            policy.name,
            snapshot_kind(source, policy, draft.settings),
            slot,
            draft.settings,
            draft.now,
            attempt=attempt,
            reason=reason,
        )
    )
    return None


def create_for(  # noqa: PLR0913, PLR0917 - a snapshot to take has that many sides
    source: Source,
    policy: str | None,
    kind: SnapshotKind,
    slot: datetime,
    settings: Settings,
    now: datetime,
    *,
    attempt: int = 1,
    reason: str,
    also: Tags = MappingProxyType({}),
) -> Create:
    """Return the snapshot of a source to take for a slot (UTC), born at `now` (UTC) with its name and tags.

    What `also` has is among its tags.
    """
    tags, left_out = snapshot_tags(source, slot, settings, now, also)
    target = Target(
        region=source.region,
        source=source.name,
        source_arn=source.arn,
        snapshot=snapshot_name(source.name, source.arn, settings.deployment, slot, attempt),
        kind=kind,
        slot=slot,
        policy=policy,
    )
    return Create(target, source.kind, tags, left_out, reason)


@dataclass(frozen=True, slots=True)
class _Holds:
    """The holds on the recovery points of a source."""

    reasons: Mapping[str, Sequence[str]]
    """By the snapshot's name: why it is held; empty where it is not."""
    problems: Sequence[Problem]


def _holds(draft: _Draft, points: Iterable[RecoveryPoint], source_hold: Hold, source_tags: Tags) -> _Holds:
    reasons: dict[str, list[str]] = {}
    problems: list[Problem] = []
    for point in points:
        own, found = read_hold(point, source_tags, draft.settings)
        problems.extend(found)
        # A hold on the source is inherited: one reason is enough.
        given = dict.fromkeys(hold.reason for hold in (own, source_hold) if hold.is_on(draft.now))
        reasons[point.name] = [*given]
    return _Holds(reasons, problems)


@dataclass(frozen=True, slots=True)
class _Series:
    """The recovery points of one source and kind, newest first, and what decides on them."""

    policy: Policy
    points: Sequence[RecoveryPoint]
    missed: Sequence[datetime] = ()
    """Slots since the newest point that count as if they had been taken; newest first."""
    shortest_grace: timedelta = _SHORTEST_TICK
    cause: Cause = Cause.PUSHED_OUT
    """Why what no rule keeps is not kept, unless the rule was cut."""


def _plan_orphans(draft: _Draft, points: Sequence[RecoveryPoint], holds: _Holds, why: str, blocked: str | None) -> None:
    """Plan for the recovery points of a source that is not backed up any more, each kind for itself."""
    deletes: list[Delete] = []
    for kind in SnapshotKind:
        deletes += _plan_orphan(draft, [point for point in points if point.kind is kind], holds, why, blocked)
    _limit(draft, deletes)


def _plan_orphan(
    draft: _Draft, points: Sequence[RecoveryPoint], holds: _Holds, why: str, blocked: str | None
) -> list[Delete]:
    """Plan for a series that nothing new is added to; return what is to be deleted of it."""
    usable = _usable(points)
    if draft.settings.orphans is Orphans.KEEP or not usable:
        _keep_all(draft, points, f"{why}; orphans are kept")
        draft.marks.extend(_rescues(points, f"{why}; orphans are kept"))
        return []
    own = read_orphan(usable[0], draft.settings)
    draft.problems.extend(own.problems)
    if not isinstance(own.policy, Policy):
        _keep_all(draft, points, f"{why}, and its own tags name no policy")
        return []
    newest = usable[0]
    own_blocked = _blocked(draft, newest.region, _kind_of(newest), own.problems)
    # As if the schedule had gone on: otherwise nothing new would ever push the old ones out of a count.
    schedule = own.policy.schedule
    missed = until_counts_exhausted(own.policy.keep, slots_since(schedule, newest.taken, draft.now), schedule.zone)
    series = _Series(own.policy, points, missed, _DAY, Cause.ORPHANED)
    return _plan_prune(draft, series, holds, blocked or own_blocked)


def _keep_all(draft: _Draft, points: Iterable[RecoveryPoint], why: str) -> None:
    draft.kept.extend(Kept(point, (why,)) for point in points)


def _rescues(points: Iterable[RecoveryPoint], why: str) -> Iterator[CancelDeletion]:
    return (CancelDeletion(_target(point, None), why) for point in points if point.expires_at)


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


def _plan_prune(draft: _Draft, series: _Series, holds: _Holds, blocked: str | None) -> list[Delete]:
    """Plan what becomes of each recovery point of a series; return what is to be deleted of it."""
    deletes: list[Delete] = []
    if not series.points:
        return deletes
    unread = draft.unread[series.points[0].region]
    cut = _Cut(series, holds, draft.settings)
    for point, reasons in zip(series.points, _reasons(series, holds), strict=True):
        if reasons:
            draft.kept.append(Kept(point, tuple(reasons), held=bool(holds.reasons[point.name])))
            # From half a list nobody can tell what the rules keep.
            if point.expires_at and not unread:
                draft.marks.append(CancelDeletion(_target(point, series.policy), ", ".join(reasons)))
        elif blocked:
            draft.kept.append(Kept(point, (blocked,)))
        else:
            deletes += _prune(draft, series, cut, point)
    return deletes


def _limit(draft: _Draft, deletes: Sequence[Delete]) -> None:
    """Take a source's deletions over into the draft: the oldest, up to the limit; the rest is put off."""
    most = draft.settings.max_deletes_per_source
    ordered = sorted(deletes, key=lambda delete: delete.taken)
    draft.deletes.extend(ordered[:most])
    until = draft.now + _SHORTEST_TICK
    draft.marks.extend(
        Defer(delete.target, until, f"at most {most} deletions per source and run; {delete.reason}")
        for delete in ordered[most:]
    )


def _prune(draft: _Draft, series: _Series, cut: "_Cut", point: RecoveryPoint) -> list[Delete]:
    """Plan for a recovery point that nothing keeps; return its deletion if it is due."""
    target = _target(point, series.policy)
    is_failed = point.state is SnapshotState.ERROR
    why = "ended in error, and a newer one is usable" if is_failed else f'no rule of "{series.policy.keep}" keeps it'
    tag = hold_key(draft.settings)
    has_hold = tag in point.tags
    if has_hold:
        draft.marks.append(RemoveHold(target, tag, f"{why}, and its hold is over"))
    # The hold that goes makes room.
    if point.is_full and has_hold:
        draft.kept.append(Kept(point, (f"{why}, but its hold has to be taken off first",)))
        return []
    if point.is_full:
        draft.kept.append(Kept(point, (f"{why}, but it has {MAX_TAGS} tags, so there is no room for a mark",)))
        draft.problems.append(_full(point))
        return []
    at = point.expires_at
    stale = at is not None and at < draft.now - _STALE_TICKS * longest_gap_of_tick(draft.settings.tick)
    if at is None or stale:
        settings = draft.settings
        # An event that is replayed has a time long past: the grace counts from when there was newer content.
        begun = max(draft.now, cut.newest)
        expires_at = max(settings.grace.after(begun, settings.time_zone), begun + series.shortest_grace)
        again = f"; it was marked for {format_instant(at)}, too long ago to be known" if at else ""
        reason = f"{why}; to be deleted from {format_instant(expires_at)}{again}"
        cause = Cause.CUT if not is_failed and cut.drops(point, draft.now) else series.cause
        draft.marks.append(ScheduleDeletion(target, expires_at, reason, cause))
        return []
    if at > draft.now:
        reasons = (f"{why}; to be deleted from {format_instant(at)}",)
        draft.kept.append(Kept(point, reasons, expires_at=at, cause=series.cause))
        return []
    if has_hold:
        draft.kept.append(Kept(point, (f"{why}, but its hold has to be taken off first",), expires_at=draft.now))
        return []
    return [Delete(target, point.taken, f"{why}; announced until {format_instant(at)}")]


def _full(point: RecoveryPoint) -> Problem:
    return Problem(
        region=point.region,
        source=point.source_name,
        arn=point.source_arn,
        tag=None,
        value=None,
        message=f"on snapshot {point.name}: it has {MAX_TAGS} tags, so it cannot be marked and is never deleted; "
        "expected room for one more: remove a tag",
        suggestion=None,
        severity=Severity.ADVICE,
    )


class _Cut:
    """Tells what goes because a rule keeps less than it did from what newer snapshots push out.

    What the rule would have dropped in an earlier run, too, would have been marked in that run. Only the newest one may
    have become usable since: not if it was taken so long ago that it would be overdue by now, nor if something was
    marked after it was taken, as then it has pushed out what it does.
    """

    def __init__(self, series: _Series, holds: _Holds, settings: Settings) -> None:
        self._series = series
        self._settings = settings
        usable = _usable(series.points)
        self.newest = usable[0].taken if usable else series.points[0].taken
        """When the newest usable one was taken, UTC."""
        self._judged = [point for point in usable if not holds.reasons[point.name]]
        self._dropped: frozenset[str] | None = None

    def drops(self, point: RecoveryPoint, now: datetime) -> bool:
        """Return whether a point that is marked now (UTC) goes by a cut."""
        if self._series.cause is Cause.ORPHANED:
            return False
        if self._dropped is None:
            policy = self._series.policy
            before = self._judged[1:] if self._may_be_new(now) else self._judged
            times = [each.taken for each in before]
            verdicts = apply_rule(policy.keep, times, zone=policy.schedule.zone, newest=times[0] if times else None)
            self._dropped = frozenset(each.name for each, reasons in zip(before, verdicts, strict=True) if not reasons)
        return point.name in self._dropped

    def _may_be_new(self, now: datetime) -> bool:
        zone = self._settings.time_zone
        marked = (point.expires_at for point in self._series.points if point.expires_at)
        return self.newest > self._settings.overdue_after.before(now, zone) and not any(
            self._settings.grace.before(at, zone) > self.newest for at in marked
        )


def _reasons(series: _Series, holds: _Holds) -> Iterator[Sequence[str]]:
    """Yield, for each recovery point of a series, the reasons to keep it; none lets it be pruned."""
    usable = _usable(series.points)
    # Held ones use no count.
    judged = [point.taken for point in usable if not holds.reasons[point.name]]
    newest = next(iter((*series.missed[:1], *(point.taken for point in usable[:1]))), None)
    verdicts = apply_rule(
        series.policy.keep, [*series.missed, *judged], zone=series.policy.schedule.zone, newest=newest
    )
    by_rule = iter(verdicts[len(series.missed) :])
    for point in series.points:
        held = holds.reasons[point.name]
        match point.state:
            case SnapshotState.PENDING:
                yield [*held, "still being taken"]
            case SnapshotState.UNKNOWN:
                yield [*held, "its state is unknown"]
            case SnapshotState.ERROR:
                replaced = _is_replaced(point, usable)
                yield held or ([] if replaced else ["ended in error, but no newer one is usable yet"])
            case SnapshotState.USABLE:
                only = ["newest usable snapshot"] if point is usable[0] else []
                yield held or next(by_rule) or only
            case _:
                assert_never(point.state)


def _look_at_attached(draft: _Draft, sources: Sequence[Source], readings: Mapping[str, TagReading]) -> None:
    """Say of each attached disk what its instance's snapshots mean for it.

    A disk that is in its instance's newest whole snapshot is protected; one that its instance's mode leaves out gets
    advice; one that is backed up twice, too. Source: Lightsail's documentation on instance snapshots, which contain
    the attached disks.
    """
    lines = {line.arn: number for number, line in enumerate(draft.sources)}
    instances = {(source.region, source.name): source for source in sources if source.kind is SourceKind.INSTANCE}
    for disk in sources:
        instance = instances.get((disk.region, disk.attached_to or ""))
        if disk.kind is not SourceKind.DISK or instance is None:
            continue
        policy = readings[instance.arn].policy
        kind = snapshot_kind(instance, policy, draft.settings) if isinstance(policy, Policy) else None
        is_whole = kind is SnapshotKind.INSTANCE
        own = readings[disk.arn].policy
        if own is NoPolicy.UNTAGGED:
            number = lines[disk.arn]
            line, its_instance = draft.sources[number], draft.sources[lines[instance.arn]]
            draft.sources[number] = (
                _included(line, disk, its_instance, draft) if is_whole else _once_included(line, disk, its_instance)
            )
            if kind is SnapshotKind.DISK:
                draft.problems.append(_left_out(disk, instance, draft.settings))
        elif isinstance(own, Policy) and is_whole:
            draft.problems.append(_double_billed(disk, instance, draft.settings))


def _whole_with(disk: Source, instance: SourceStatus) -> RecoveryPoint | None:
    """Return the newest whole snapshot of an instance that includes a disk."""
    return next(
        (
            point
            for point in instance.usable
            if point.kind is SnapshotKind.INSTANCE
            # Names and places are used again: a disk that was made since is in none.
            and disk.created_at <= point.taken
            and not point.disks.isdisjoint({disk.name, disk.path})
        ),
        None,
    )


def _included(line: SourceStatus, disk: Source, instance: SourceStatus, draft: _Draft) -> SourceStatus:
    """Return the line of a disk whose instance is backed up as a whole: by the whole snapshots that include it."""
    if instance.status is Status.UNKNOWN or instance.policy is None:
        return replace(line, status=Status.UNKNOWN)
    whole = _whole_with(disk, instance)
    if whole is None:
        # From the next whole snapshot on it is protected.
        return replace(line, status=Status.WAITING)
    line = replace(line, included_in=instance.name)
    schedule = instance.policy.schedule
    limit = draft.settings.overdue_after.before(draft.now, schedule.zone)
    if whole.covers_until >= current_slot(schedule, limit):
        return replace(line, status=Status.PROTECTED)
    # A snapshot of the system disk may cover its instance's slots, but not the disk's.
    is_on_its_way = any(point.kind is SnapshotKind.INSTANCE for point in instance.pending) and not instance.is_stuck
    since = next_slot(schedule, whole.covers_until)
    return replace(line, status=Status.WAITING if is_on_its_way else Status.OVERDUE, uncovered_since=since)


def _once_included(line: SourceStatus, disk: Source, instance: SourceStatus) -> SourceStatus:
    """Return the line of a disk whose instance is not backed up as a whole, any more perhaps."""
    return replace(line, included_in=instance.name) if _whole_with(disk, instance) else line


def _left_out(disk: Source, instance: Source, settings: Settings) -> Problem:
    return Problem(
        region=disk.region,
        source=disk.name,
        arn=disk.arn,
        tag=None,
        value=None,
        message=f'attached to the instance "{instance.name}", whose snapshots hold its system disk only, so this disk '
        f'is in none; expected the tag "{settings.tag_key}" on it, or "{settings.tag_key}:mode" = "{Mode.INSTANCE}" '
        "on the instance",
        suggestion=None,
        severity=Severity.ADVICE,
    )


def _double_billed(disk: Source, instance: Source, settings: Settings) -> Problem:
    return Problem(
        region=disk.region,
        source=disk.name,
        arn=disk.arn,
        tag=settings.tag_key,
        value=disk.tags[settings.tag_key],
        message=f'attached to the instance "{instance.name}", whose snapshots include it, so it is paid for '
        f'twice; expected one of the two, or "{settings.tag_key}:mode" = "{Mode.SYSTEM_DISK}" on the instance',
        suggestion=None,
        severity=Severity.ADVICE,
    )
