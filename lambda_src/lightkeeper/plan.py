"""Inventory, settings and the time in; what should be done, and why, out. Pure.

One source is looked at after the other, each with its own recovery points; none can hinder another.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, assert_never

from lightkeeper.model import (
    Announce,
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
    Rescue,
    Severity,
    SnapshotKind,
    SnapshotState,
    Source,
    SourceKind,
    SourceStatus,
    Status,
    Target,
)
from lightkeeper.retention import judge, using_up
from lightkeeper.schedule import current_slot, next_slot, slots_since
from lightkeeper.settings import Settings
from lightkeeper.tags import (
    MAX_ATTEMPTS,
    Choice,
    Hold,
    Reading,
    read_hold,
    read_orphan,
    read_source,
    snapshot_name,
    snapshot_tags,
)
from lightkeeper.times import format_instant

_SNAPSHOT_LISTINGS: Final = {
    SourceKind.DISK: {Listing.DISK_SNAPSHOTS},
    # An instance may have been backed up in either mode within the same slot.
    SourceKind.INSTANCE: {Listing.DISK_SNAPSHOTS, Listing.INSTANCE_SNAPSHOTS},
}
# A deferred deletion waits at least until the tick after this one.
_SHORTEST_TICK: Final = timedelta(minutes=1)
_COVERS_SLOT: Final = (SnapshotState.PENDING, SnapshotState.USABLE, SnapshotState.UNKNOWN)


@dataclass(slots=True)
class _Draft:
    """What is gathered while the sources are gone through."""

    now: datetime
    settings: Settings
    unread: Mapping[str, set[Listing]]
    sources: list[SourceStatus] = field(default_factory=list)
    creates: list[Create] = field(default_factory=list)
    marks: list[Announce | Rescue | Defer] = field(default_factory=list)
    deletes: list[Delete] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def make_plan(inventory: Inventory, settings: Settings, now: datetime) -> Plan:
    """Return what should be done at `now` (UTC).

    Given the same inventory, settings and time, the plan is the same: a retry repeats it.
    """
    unread: defaultdict[str, set[Listing]] = defaultdict(set)
    for failure in inventory.failures:
        unread[failure.region].add(failure.listing)
    draft = _Draft(now, settings, unread)
    draft.problems.extend(inventory.problems)

    series: defaultdict[str, list[RecoveryPoint]] = defaultdict(list)
    for point in inventory.points:
        series[point.source_arn].append(point)
    for points in series.values():
        points.sort(key=_age, reverse=True)

    readings = {source.arn: read_source(source, settings) for source in inventory.sources}
    for source in sorted(inventory.sources, key=lambda source: (source.region, source.name)):
        _plan_source(draft, source, readings[source.arn], series.get(source.arn, []))
    draft.problems.extend(_paid_twice(inventory.sources, readings, settings))

    gone = (points for arn, points in series.items() if arn not in readings and not unread[points[0].region])
    for points in sorted(gone, key=lambda points: (points[0].region, points[0].source_name)):
        _plan_gone(draft, points)

    return Plan(
        now=now,
        sources=tuple(draft.sources),
        actions=(*draft.creates, *draft.marks, *draft.deletes),
        kept=tuple(draft.kept),
        problems=tuple(draft.problems),
        failures=inventory.failures,
    )


def _age(point: RecoveryPoint) -> tuple[datetime, int]:
    return point.slot, point.attempt


def _usable(points: Iterable[RecoveryPoint]) -> tuple[RecoveryPoint, ...]:
    return tuple(point for point in points if point.state is SnapshotState.USABLE)


def _pending(points: Iterable[RecoveryPoint]) -> tuple[RecoveryPoint, ...]:
    return tuple(point for point in points if point.state is SnapshotState.PENDING)


def _newest(usable: Sequence[RecoveryPoint], now: datetime) -> RecoveryPoint | None:
    """Return the newest of the usable points; a slot still to come covers nothing while there is another."""
    return next((point for point in usable if point.slot <= now), usable[0] if usable else None)


def _is_replaced(point: RecoveryPoint, newest: RecoveryPoint | None) -> bool:
    """Return whether a failed snapshot has a newer usable one."""
    return newest is not None and _age(newest) > _age(point)


def _plan_source(draft: _Draft, source: Source, reading: Reading, points: Sequence[RecoveryPoint]) -> None:
    draft.problems.extend(reading.problems)
    unread = draft.unread[source.region]
    policy: Policy | None = None
    match reading.choice:
        case Policy() as policy:
            unseen = unread & _SNAPSHOT_LISTINGS[source.kind]
            status = Status.UNKNOWN if unseen else _status(source, policy, points, draft)
            problems = () if unseen else _plan_create(draft, source, policy, points)
            _plan_prune(draft, _Series(policy, points, reading.hold), (*reading.problems, *problems))
        case Choice.UNREADABLE:
            status = Status.PROBLEM
            _keep_all(draft, points, "its source has a problem in its tags")
        case Choice.OFF | Choice.UNTAGGED as choice:
            status = Status.OFF if choice is Choice.OFF else Status.UNTAGGED
            _plan_orphan(draft, points, reading, f"its source is {status}")
        case _:
            assert_never(reading.choice)
    draft.sources.append(_source_status(draft, source, policy, status, points))


def _plan_gone(draft: _Draft, points: Sequence[RecoveryPoint]) -> None:
    newest = points[0]
    _plan_orphan(draft, points, None, "its source is gone")
    draft.sources.append(
        SourceStatus(
            region=newest.region,
            kind=SourceKind.DISK if ":Disk/" in newest.source_arn else SourceKind.INSTANCE,
            name=newest.source_name,
            arn=newest.source_arn,
            policy=None,
            status=Status.GONE,
            slot=None,
            next_slot=None,
            usable=_usable(points),
            newest=_newest(_usable(points), draft.now),
            pending=_pending(points),
            errors=(),
        )
    )


def _source_status(
    draft: _Draft, source: Source, policy: Policy | None, status: Status, points: Sequence[RecoveryPoint]
) -> SourceStatus:
    usable = _usable(points)
    newest = _newest(usable, draft.now)
    return SourceStatus(
        region=source.region,
        kind=source.kind,
        name=source.name,
        arn=source.arn,
        policy=policy,
        status=status,
        slot=current_slot(policy.schedule, draft.now) if policy else None,
        next_slot=next_slot(policy.schedule, draft.now) if policy else None,
        usable=usable,
        newest=newest,
        pending=_pending(points),
        errors=tuple(
            point
            for point in points
            if policy and point.state is SnapshotState.ERROR and not _is_replaced(point, newest)
        ),
    )


def _status(source: Source, policy: Policy, points: Sequence[RecoveryPoint], draft: _Draft) -> Status:
    limit = draft.settings.overdue_after.before(draft.now, policy.schedule.zone)
    newest = _newest(_usable(points), draft.now)
    covered = newest and current_slot(policy.schedule, limit) <= newest.slot <= draft.now
    if source.created_at <= limit and not covered:
        return Status.OVERDUE
    return Status.PROTECTED if newest else Status.WAITING


def _blocked(problems: Iterable[Problem], unread: Iterable[Listing]) -> str | None:
    """Return why nothing of a source may be pruned, or None if it may."""
    for listing in sorted(unread):
        return f"nothing is pruned while {listing} of the Region fails"
    for problem in problems:
        if problem.severity is not Severity.ADVICE:
            return "nothing is pruned while its source has a problem"
    return None


def _plan_create(draft: _Draft, source: Source, policy: Policy, points: Sequence[RecoveryPoint]) -> tuple[Problem, ...]:
    """Plan the snapshot of the current slot if there is none; return the problem if it was tried often enough."""
    slot = current_slot(policy.schedule, draft.now)
    of_slot = [point for point in points if point.slot == slot]
    if any(point.state in _COVERS_SLOT for point in of_slot):
        return ()
    attempt = max((point.attempt for point in of_slot), default=0) + 1
    if attempt > MAX_ATTEMPTS:
        following = next_slot(policy.schedule, draft.now)
        message = (
            f"{MAX_ATTEMPTS} snapshots for the slot {format_instant(slot)} ended in error, so there is no further try "
            f"before the slot {format_instant(following)}; expected one to succeed: look at them in Lightsail"
        )
        problem = Problem(source.region, source.name, None, None, message, None, Severity.WARNING)
        draft.problems.append(problem)
        return (problem,)
    mode = policy.mode or draft.settings.instance_mode
    whole = source.kind is SourceKind.INSTANCE and mode is Mode.INSTANCE
    tags, left_out = snapshot_tags(source, slot, draft.settings)
    target = Target(
        region=source.region,
        source=source.name,
        source_arn=source.arn,
        snapshot=snapshot_name(source.name, source.arn, slot, attempt),
        kind=SnapshotKind.INSTANCE if whole else SnapshotKind.DISK,
        slot=slot,
        policy=policy.name,
    )
    reason = f"no snapshot for the slot {format_instant(slot)}"
    if attempt > 1:
        reason = f"attempt {attempt} for the slot {format_instant(slot)}: the one before ended in error"
    draft.creates.append(Create(target, source.kind, tags, left_out, reason))
    return ()


@dataclass(frozen=True, slots=True)
class _Series:
    """The recovery points of one source, newest first, and what decides on them."""

    policy: Policy
    points: Sequence[RecoveryPoint]
    hold: Hold
    missed: Sequence[datetime] = ()
    """Slots since the newest point that count as if they had been taken; newest first."""


def _plan_orphan(draft: _Draft, points: Sequence[RecoveryPoint], reading: Reading | None, why: str) -> None:
    """Plan for the recovery points of a source that is not backed up any more."""
    usable = _usable(points)
    if draft.settings.orphans is Orphans.KEEP or not usable:
        _keep_all(draft, points, f"{why}; orphans are kept")
        draft.marks.extend(_rescues(points, f"{why}; orphans are kept"))
        return
    own = read_orphan(usable[0], draft.settings)
    draft.problems.extend(own.problems)
    if not isinstance(own.choice, Policy):
        _keep_all(draft, points, f"{why}, and its own tags name no policy")
        return
    # As if the schedule had gone on: otherwise nothing new would ever push the old ones out of a count.
    schedule = own.choice.schedule
    missed = using_up(own.choice.keep, slots_since(schedule, usable[0].slot, draft.now), schedule.zone)
    series = _Series(own.choice, points, reading.hold if reading else own.hold, missed)
    _plan_prune(draft, series, (*own.problems, *(reading.problems if reading else ())))


def _keep_all(draft: _Draft, points: Iterable[RecoveryPoint], why: str) -> None:
    draft.kept.extend(Kept(point, (why,)) for point in points)


def _rescues(points: Iterable[RecoveryPoint], why: str) -> Iterator[Rescue]:
    return (Rescue(_target(point, None), why) for point in points if point.expires_at)


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


def _plan_prune(draft: _Draft, series: _Series, problems: Iterable[Problem]) -> None:
    """Plan what becomes of each recovery point of a source; deletions oldest first, up to the limit."""
    if not series.points:
        return
    holds, hold_problems = _holds(draft, series)
    draft.problems.extend(hold_problems)
    unread = draft.unread[series.points[0].region]
    blocked = _blocked((*problems, *hold_problems), unread)
    deletions: list[Delete] = []
    for point, held, reasons in zip(series.points, holds, _reasons(draft.now, series, holds), strict=True):
        if reasons:
            draft.kept.append(Kept(point, tuple(reasons), held=bool(held)))
            # From half a list nobody can tell what the rules keep.
            if point.expires_at and not unread:
                draft.marks.append(Rescue(_target(point, series.policy), ", ".join(reasons)))
        elif blocked:
            draft.kept.append(Kept(point, (blocked,)))
        else:
            verdict = _prune(draft, series, point)
            match verdict:
                case Delete():
                    deletions.append(verdict)
                case Announce():
                    draft.marks.append(verdict)
                case Kept():
                    draft.kept.append(verdict)
                case _:
                    assert_never(verdict)
    most = draft.settings.max_deletes_per_source
    deletions.reverse()
    draft.deletes.extend(deletions[:most])
    until = draft.now + _SHORTEST_TICK
    draft.marks.extend(
        Defer(delete.target, until, f"at most {most} deletions per source and tick; {delete.reason}")
        for delete in deletions[most:]
    )


def _prune(draft: _Draft, series: _Series, point: RecoveryPoint) -> Delete | Announce | Kept:
    """Return what becomes of a recovery point that nothing keeps."""
    target = _target(point, series.policy)
    is_failed = point.state is SnapshotState.ERROR
    why = "ended in error, and a newer one is usable" if is_failed else f'no rule of "{series.policy.keep}" keeps it'
    if point.expires_at and point.expires_at > draft.now:
        reason = f"{why}; to be deleted from {format_instant(point.expires_at)}"
        return Kept(point, (reason,), goes_at=point.expires_at)
    if is_failed:
        return Delete(target, why)
    if point.expires_at:
        return Delete(target, f"{why}; announced until {format_instant(point.expires_at)}")
    if draft.settings.grace:
        expires_at = draft.settings.grace.after(draft.now, draft.settings.time_zone)
        return Announce(target, expires_at, f"{why}; to be deleted from {format_instant(expires_at)}")
    return Delete(target, f"{why}; no grace")


def _holds(draft: _Draft, series: _Series) -> tuple[list[list[str]], list[Problem]]:
    """Return, for each recovery point of a series, the holds on it, and what is wrong with their tags."""
    holds: list[list[str]] = []
    problems: list[Problem] = []
    for point in series.points:
        own, found = read_hold(point, draft.settings)
        problems.extend(found)
        holds.append([hold.reason for hold in (own, series.hold) if hold.is_on(draft.now)])
    return holds, problems


def _reasons(now: datetime, series: _Series, holds: Sequence[list[str]]) -> Iterator[list[str]]:
    """Yield, for each recovery point of a series, the reasons to keep it; none lets it be pruned."""
    usable = _usable(series.points)
    newest = _newest(usable, now)
    # Held ones use no count.
    judged = [
        point.slot
        for point, held in zip(series.points, holds, strict=True)
        if point.state is SnapshotState.USABLE and not held
    ]
    anchor = next((slot for slot in (*series.missed, *(point.slot for point in usable)) if slot <= now), None)
    verdicts = judge(series.policy.keep, [*series.missed, *judged], zone=series.policy.schedule.zone, newest=anchor)
    by_rule = iter(verdicts[len(series.missed) :])
    for point, held in zip(series.points, holds, strict=True):
        match point.state:
            case SnapshotState.PENDING:
                yield [*held, "still being taken"]
            case SnapshotState.UNKNOWN:
                yield [*held, "its state is unknown"]
            case SnapshotState.ERROR:
                replaced = _is_replaced(point, newest)
                yield held or ([] if replaced else ["ended in error, but no newer one is usable yet"])
            case SnapshotState.USABLE:
                only = ["newest usable snapshot"] if point in (newest, usable[0]) else []
                yield held or next(by_rule) or only
            case _:
                assert_never(point.state)


def _paid_twice(sources: Sequence[Source], readings: Mapping[str, Reading], settings: Settings) -> Iterator[Problem]:
    """Yield advice for each backed-up disk of an instance whose own snapshots include it.

    Source: Lightsail's documentation on instance snapshots, which contain the attached disks.
    """

    def policy_of(source: Source) -> Policy | None:
        choice = readings[source.arn].choice
        return choice if isinstance(choice, Policy) else None

    whole = {
        (source.region, source.name)
        for source in sources
        if source.kind is SourceKind.INSTANCE
        and (policy := policy_of(source))
        and (policy.mode or settings.instance_mode) is Mode.INSTANCE
    }
    for disk in sources:
        if disk.kind is SourceKind.DISK and (disk.region, disk.attached_to) in whole and policy_of(disk):
            yield Problem(
                region=disk.region,
                source=disk.name,
                tag=settings.tag_key,
                value=disk.tags[settings.tag_key],
                message=f'attached to the instance "{disk.attached_to}", whose snapshots include it, so it is paid for '
                f'twice; expected one of the two, or "{settings.tag_key}:mode" = "{Mode.SYSTEM_DISK}" on the instance',
                suggestion=None,
                severity=Severity.ADVICE,
            )
