"""How each source stands: protected, waiting, overdue, and since when. Pure.

Source of the rule on attached disks: Lightsail's documentation on instance snapshots, which contain them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from lightkeeper.interpret import Facts, by_content, usable_of
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import (
    Mode,
    Policy,
    Problem,
    RecoveryPoint,
    Severity,
    SnapshotState,
    Source,
    SourceStatus,
    Status,
    problem_of,
)
from lightkeeper.names import undated, undated_names
from lightkeeper.retention import is_replaced
from lightkeeper.schedule import current_slot, next_slot
from lightkeeper.settings import Settings
from lightkeeper.tags import NoPolicy


def status_of(
    facts: Facts, settings: Settings, now: datetime, *, is_unknown: bool, next_attempt: datetime | None
) -> SourceStatus:
    """Return how a source stands at `now` (UTC), but for the disks that their instance's snapshots include.

    Parameters
    ----------
    facts
        The source's.
    settings
        The deployment's.
    now
        The scheduled time of the run, UTC.
    is_unknown
        Whether a list that would say so cannot be read, or is not believed.
    next_attempt
        When the next attempt at its slot is due, UTC, where several have ended in error.
    """
    policy = facts.policy if isinstance(facts.policy, Policy) else None
    usable = facts.usable
    line = SourceStatus(
        region=facts.region,
        kind=facts.kind,
        name=facts.name,
        arn=facts.arn,
        policy=policy,
        status=Status.UNKNOWN if is_unknown else _without_policy(facts),
        slot=current_slot(policy.schedule, now) if policy else None,
        next_slot=next_slot(policy.schedule, now) if policy else None,
        usable=usable,
        pending=tuple(point for point in facts.points if point.state is SnapshotState.PENDING),
        errors=tuple(
            point
            for point in facts.points
            if policy and point.state is SnapshotState.ERROR and not is_replaced(point, usable)
        ),
        next_attempt=next_attempt,
        not_now=facts.source.not_now if facts.source else None,
        stopped_since=None if policy else _stopped_since(facts),
    )
    if is_unknown or policy is None or facts.source is None:
        return line
    return _kept_up(line, policy, facts.source.created_at, settings, now)


def _without_policy(facts: Facts) -> Status:
    if facts.source is None:
        return Status.GONE
    match facts.policy:
        case NoPolicy.UNREADABLE:
            return Status.PROBLEM
        case NoPolicy.OFF:
            return Status.OFF
        case NoPolicy.UNTAGGED:
            return Status.UNTAGGED
        case Policy():
            return Status.WAITING


def _stopped_since(facts: Facts) -> datetime | None:
    """Return from when on a source was not backed up any more that was while its newest recovery point was taken.

    Copies tell it, too: they may be all that is left.
    """
    copies = (point for there in facts.copies for point in usable_of(there.points))
    newest = max((*facts.usable, *copies), key=by_content, default=None)
    if newest is None:
        return None
    return next_slot(facts.inherited.schedule, newest.covers_until) if facts.inherited else newest.taken


def _kept_up(
    line: SourceStatus, policy: Policy, created_at: datetime, settings: Settings, now: datetime
) -> SourceStatus:
    """Return the line with whether it is overdue: the one rule for status, metric and message.

    What is pending is on its way, unless one is pending for too long or those before it ended in error: then one more
    that is begun is no sign that it will be usable.
    """
    limit = settings.overdue_after.before(now, policy.schedule.zone)
    due = current_slot(policy.schedule, limit)
    newest = line.newest
    uncovered_since: datetime | None = None
    if created_at <= limit and not (newest and newest.covers_until >= due):
        uncovered_since = next_slot(policy.schedule, newest.covers_until) if newest else due
    is_stuck = any(point.made <= limit for point in line.pending)
    line = replace(line, uncovered_since=uncovered_since, is_stuck=is_stuck)
    is_on_its_way = bool(line.pending) and not line.is_failing
    if uncovered_since and not is_on_its_way:
        return replace(line, status=Status.OVERDUE)
    return replace(line, status=Status.PROTECTED if newest else Status.WAITING)


def look_at_attached(
    facts: Iterable[Facts], lines: Mapping[str, SourceStatus], settings: Settings, now: datetime
) -> Iterator[SourceStatus | Problem]:
    """Yield what an instance's snapshots mean for each disk that is attached to it: its new line, and advice.

    A disk that is in its instance's newest whole snapshot is protected; one that its instance's mode leaves out gets
    advice; one that is backed up twice, too.

    Parameters
    ----------
    facts
        Those of all sources in a Region or several.
    lines
        How each stands by itself, by ARN.
    settings
        The deployment's.
    now
        The scheduled time of the run, UTC.
    """
    existing = [(each, each.source) for each in facts if each.source]
    instances: dict[tuple[str, str | None], Facts] = {
        (each.region, each.name): each for each, source in existing if source.kind is SourceKind.INSTANCE
    }
    for each, disk in existing:
        instance = instances.get((disk.region, disk.attached_to))
        if instance is None:
            continue
        is_whole = instance.takes is SnapshotKind.INSTANCE
        if each.policy is NoPolicy.UNTAGGED:
            line, its_instance = lines[disk.arn], lines[instance.arn]
            yield _included(line, disk, its_instance, settings, now) if is_whole else _once(line, disk, its_instance)
            if instance.takes is SnapshotKind.DISK:
                yield _left_out(disk, instance, settings)
        elif isinstance(each.policy, Policy) and is_whole:
            yield _double_billed(disk, instance, settings)


def look_at_restored(
    facts: Sequence[Facts], lines: Mapping[str, SourceStatus], settings: Settings
) -> Iterator[SourceStatus]:
    """Yield the new line of each source that is gone and that a restore has brought back.

    What came back tells of which snapshot it was made, and the snapshot's name of which source. It has to be of the
    same kind, since a disk with a server's files is no server, and backed up, since else nobody looks after it. Nor has
    it brought back a source that lived on beside it, such as one that was made to try things on.

    Parameters
    ----------
    facts
        Those of all sources in a Region or several.
    lines
        How each stands by itself, by ARN.
    settings
        The deployment's.
    """
    back: dict[tuple[str, SourceKind, str | None], Source] = {}
    for each in facts:
        if each.source and each.restored_from and isinstance(each.policy, Policy):
            key = each.region, each.kind, undated(each.restored_from)
            # Of several, the last one is what a person looks for.
            back[key] = max(back.get(key, each.source), each.source, key=lambda source: source.created_at)
    for each in facts if back else ():
        if each.source is None:
            names = undated_names(each.name, each.arn, settings.deployment, each.region)
            made = next((back[key] for name in names if (key := (each.region, each.kind, name)) in back), None)
            newest = [*each.points[:1], *(point for there in each.copies for point in there.points[:1])]
            lived_on = made is not None and any(made.created_at <= point.taken for point in newest)
            if made and not lived_on and lines[each.arn].status is Status.GONE:
                yield replace(lines[each.arn], restored_as=made.name)


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


def _included(
    line: SourceStatus, disk: Source, instance: SourceStatus, settings: Settings, now: datetime
) -> SourceStatus:
    """Return the line of a disk whose instance is backed up as a whole: by the whole snapshots that include it."""
    if instance.status is Status.UNKNOWN or instance.policy is None:
        return replace(line, status=Status.UNKNOWN)
    whole = _whole_with(disk, instance)
    if whole is None:
        # From the next whole snapshot on it is protected.
        return replace(line, status=Status.WAITING)
    line = replace(line, included_in=instance.name)
    schedule = instance.policy.schedule
    limit = settings.overdue_after.before(now, schedule.zone)
    if whole.covers_until >= current_slot(schedule, limit):
        return replace(line, status=Status.PROTECTED)
    # A snapshot of the system disk may cover its instance's slots, but not the disk's.
    is_on_its_way = any(point.kind is SnapshotKind.INSTANCE for point in instance.pending) and not instance.is_failing
    since = next_slot(schedule, whole.covers_until)
    return replace(line, status=Status.WAITING if is_on_its_way else Status.OVERDUE, uncovered_since=since)


def _once(line: SourceStatus, disk: Source, instance: SourceStatus) -> SourceStatus:
    """Return the line of a disk whose instance is not backed up as a whole, any more perhaps."""
    return replace(line, included_in=instance.name) if _whole_with(disk, instance) else line


def _left_out(disk: Source, instance: Facts, settings: Settings) -> Problem:
    return problem_of(
        disk,
        f'attached to the instance "{instance.name}", whose snapshots hold its system disk only, so this disk '
        f'is in none; expected the tag "{settings.tag_key}" on it, or "{settings.tag_key}:mode" = "{Mode.INSTANCE}" '
        "on the instance",
        Severity.ADVICE,
    )


def _double_billed(disk: Source, instance: Facts, settings: Settings) -> Problem:
    return problem_of(
        disk,
        f'attached to the instance "{instance.name}", whose snapshots include it, so it is paid for '
        f'twice; expected one of the two, or "{settings.tag_key}:mode" = "{Mode.SYSTEM_DISK}" on the instance',
        Severity.ADVICE,
        tag=settings.tag_key,
        value=disk.tags[settings.tag_key],
    )
