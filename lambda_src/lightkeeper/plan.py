"""Facts and the time in; what should be done, and why, out. Pure.

One source is looked at after the other, each with its own recovery points; none can hinder another.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from lightkeeper.actions import Action, Copy, Create, Target
from lightkeeper.copies import COPIED
from lightkeeper.copy_plan import CopyPlan, copies_to_make, copy_status
from lightkeeper.interpret import CopyFacts, Facts, interpret, newest_anywhere
from lightkeeper.kinds import LISTINGS, SNAPSHOTS, SOURCES, SnapshotKind, SourceKind
from lightkeeper.model import (
    CopyStatus,
    Inventory,
    Kept,
    Plan,
    Policy,
    Problem,
    RecoveryPoint,
    Severity,
    SnapshotState,
    Source,
    SourceStatus,
    Status,
    Tags,
)
from lightkeeper.names import snapshot_name
from lightkeeper.retention import blocked_by, prune
from lightkeeper.schedule import current_slot, next_slot, slots_since
from lightkeeper.settings import Settings
from lightkeeper.status import look_at_attached, look_at_restored, status_of
from lightkeeper.tags import snapshot_tags
from lightkeeper.ticks import longest_gap_of_tick
from lightkeeper.times import format_instant

QUICK_ATTEMPTS: Final = 3
"""At a slot, one in each run; after them one a day."""
_DAY: Final = timedelta(days=1)
# What was backed up so lately is missed where a list of sources lacks it.
_LATELY: Final = timedelta(days=7)
_COPIED_LISTINGS: Final = frozenset(SNAPSHOTS[kind].listing for kind in COPIED)
_COVERS_SLOT: Final = (SnapshotState.PENDING, SnapshotState.USABLE, SnapshotState.UNKNOWN)


def make_plan(inventory: Inventory, settings: Settings, now: datetime) -> Plan:
    """Return what should be done at `now` (UTC).

    Given the same inventory, settings and time, the plan is the same: a retry repeats it.
    """
    unread: defaultdict[str, set[str]] = defaultdict(set)
    for failure in inventory.failures:
        # Without a listing the Region as a whole has failed: then there is no inventory of it.
        unread[failure.region].update([failure.listing] if failure.listing else LISTINGS)
    facts = [*interpret(inventory, settings, now)]
    doubted = dict(_doubts(facts, now))
    problems = [
        *inventory.problems,
        *(
            Problem(region, SOURCES[kind].listing, None, None, None, why, None, Severity.WARNING)
            for (region, kind), why in doubted.items()
        ),
    ]
    lines: dict[str, SourceStatus] = {}
    actions: list[Action] = []
    kept: list[Kept] = []
    for each in facts:
        is_doubted = (each.region, each.kind) in doubted
        part = _plan_source(each, settings, now, unread[each.region], is_doubted=is_doubted)
        of_copies = [
            _plan_copies(
                each,
                there,
                part,
                settings,
                now,
                unread_at_home=unread[each.region],
                unread_there=unread[there.region],
            )
            for there in each.copies
        ]
        parts: tuple[_Part | _CopiesPart, ...] = (part, *of_copies)
        for planned in parts:
            actions += planned.actions
            kept += planned.kept
            problems += planned.problems
        lines[each.arn] = replace(part.line, copies=tuple(copy.line for copy in of_copies if copy.line))
    for found in look_at_attached(facts, lines, settings, now):
        match found:
            case SourceStatus():
                lines[found.arn] = found
            case Problem():
                problems.append(found)
    for line in look_at_restored(facts, lines, settings):
        lines[line.arn] = line
    return _in_order(
        Plan(
            now=now,
            sources=tuple(lines.values()),
            actions=tuple(actions),
            kept=tuple(kept),
            problems=tuple(problems),
            failures=inventory.failures,
            regions=inventory.regions,
            doubted=tuple(dict.fromkeys(region for region, _ in doubted)),
            points=inventory.points,
            targets=inventory.targets,
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
            # A Region that copies go to is read for each home.
            problems=tuple(dict.fromkeys(problem for plan in plans for problem in plan.problems)),
            failures=tuple(dict.fromkeys(failure for plan in plans for failure in plan.failures)),
            regions=tuple(region for plan in plans for region in plan.regions),
            doubted=tuple(region for plan in plans for region in plan.doubted),
            # A copy is read for its home, and with its own Region where that is looked after, too.
            points=tuple({(point.region, point.name): point for plan in plans for point in plan.points}.values()),
            targets=tuple(dict.fromkeys(target for plan in plans for target in plan.targets)),
        )
    )


def with_begun(plan: Plan, done: Iterable[Action]) -> Plan:
    """Return the plan after a run that has done these actions: what they have begun is on its way.

    Where the ones before ended in error or never end, one more that is begun is no sign that it will be usable.
    """
    done = tuple(done)
    begun = {action.target.source_arn for action in done if isinstance(action, Create)}
    copied = {(action.target.source_arn, action.target.region) for action in done if isinstance(action, Copy)}

    def after(source: SourceStatus) -> SourceStatus:
        copies = tuple(
            replace(copy, overdue_since=None)
            if copy.overdue_since and (source.arn, copy.region) in copied and not copy.is_failing
            else copy
            for copy in source.copies
        )
        source = replace(source, copies=copies)
        if source.status is not Status.OVERDUE or source.arn not in begun or source.is_failing:
            return source
        return replace(source, status=Status.PROTECTED if source.newest else Status.WAITING)

    return replace(plan, sources=tuple(map(after, plan.sources)))


def creates_only(plan: Plan) -> Plan:
    """Return the plan without what marks, frees or deletes."""
    return replace(plan, actions=tuple(action for action in plan.actions if isinstance(action, Create | Copy)))


def _in_order(plan: Plan) -> Plan:
    """Return the plan with what exists before what is gone, by Region and name, and its actions in phases."""
    return replace(
        plan,
        sources=tuple(
            sorted(plan.sources, key=lambda source: (source.status is Status.GONE, source.region, source.name))
        ),
        actions=tuple(sorted(plan.actions, key=lambda action: action.phase)),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """The plan for one source."""

    line: SourceStatus
    actions: Sequence[Action]
    kept: Sequence[Kept]
    problems: Sequence[Problem]
    blocked: str | None
    """Why nothing of it may be pruned, wherever it lies."""
    is_doubted: bool
    """Whether it is gone by a list that is not believed."""

    @property
    def taking(self) -> datetime | None:
        """The slot, UTC, for which a snapshot of it is taken, or waits for the end of an automatic one."""
        creates = (action for action in self.actions if isinstance(action, Create))
        return next((create.target.slot for create in creates), None) if self.line.not_now is None else None


def _plan_source(facts: Facts, settings: Settings, now: datetime, unread: set[str], *, is_doubted: bool) -> _Part:
    attempt: Create | _Waits | None = None
    is_unknown = is_doubted and facts.source is None
    if facts.source and isinstance(facts.policy, Policy) and facts.takes:
        # In whatever mode a slot was covered, it is.
        if unread.isdisjoint(SNAPSHOTS[kind].listing for kind in SOURCES[facts.kind].snapshots.values()):
            attempt = _attempt(facts, facts.source, facts.policy, facts.takes, settings, now)
        else:
            is_unknown = True
    waits = attempt if isinstance(attempt, _Waits) else None
    blocked = _blocked(facts, unread, is_doubted=is_doubted) or (
        f"nothing is pruned while no snapshot succeeds: {waits.why}" if waits else None
    )
    is_doubted = is_doubted and facts.source is None
    pruning = prune(facts, settings, now, blocked=blocked, is_unread=bool(unread), is_doubted=is_doubted)
    return _Part(
        line=status_of(facts, settings, now, is_unknown=is_unknown, next_attempt=waits.until if waits else None),
        actions=(*([attempt] if isinstance(attempt, Create) else []), *pruning.marks, *pruning.deletes),
        kept=pruning.kept,
        problems=(*facts.problems, *pruning.problems),
        blocked=blocked,
        is_doubted=is_doubted,
    )


@dataclass(frozen=True, slots=True)
class _CopiesPart:
    """The plan for the copies of one source in one Region."""

    line: CopyStatus | None
    actions: Sequence[Action]
    kept: Sequence[Kept]
    problems: Sequence[Problem]


def _plan_copies(  # noqa: PLR0913 - what decides has that many sides
    facts: Facts,
    there: CopyFacts,
    at_home: _Part,
    settings: Settings,
    now: datetime,
    *,
    unread_at_home: set[str],
    unread_there: set[str],
) -> _CopiesPart:
    """Return the plan for copies: as for recovery points at home, in series of their own."""
    failing = sorted(unread_there & _COPIED_LISTINGS)
    is_unknown = bool(failing) or not _COPIED_LISTINGS.isdisjoint(unread_at_home)
    copying = CopyPlan(()) if is_unknown else copies_to_make(facts, there, settings, now, taking=at_home.taking)
    blocked = at_home.blocked
    if failing:
        blocked = blocked or f"nothing is pruned while {failing[0]} of {there.region} fails"
    if copying.waits:
        blocked = blocked or f"nothing is pruned while no copy succeeds: {copying.waits}"
    pruning = prune(
        replace(facts, points=there.points, series=there.series),
        settings,
        now,
        blocked=blocked,
        is_unread=is_unknown,
        is_doubted=at_home.is_doubted,
    )
    return _CopiesPart(
        line=copy_status(facts, there, settings, now, is_unknown=is_unknown),
        actions=(*copying.copies, *pruning.marks, *pruning.deletes),
        kept=pruning.kept,
        problems=pruning.problems,
    )


def _blocked(facts: Facts, unread: set[str], *, is_doubted: bool) -> str | None:
    """Return why nothing of a source may be pruned, or None if it may."""
    for listing in sorted(unread):
        return f"nothing is pruned while {listing} of the Region fails"
    if is_doubted:
        listing = SOURCES[facts.kind].listing
        return f"nothing is pruned while {listing} of the Region lacks most of what was backed up lately"
    return blocked_by(facts.problems)


def _doubts(facts: Iterable[Facts], now: datetime) -> Iterator[tuple[tuple[str, SourceKind], str]]:
    """Yield the lists of sources that are not believed, with why: most of what was backed up lately is not in them."""
    listed: defaultdict[tuple[str, SourceKind], int] = defaultdict(int)
    lost: defaultdict[tuple[str, SourceKind], int] = defaultdict(int)
    for each in facts:
        if each.source:
            listed[each.region, each.kind] += 1
        elif (newest := newest_anywhere(each)) and _was_due_lately(each, newest, now):
            lost[each.region, each.kind] += 1
    for place, missing in lost.items():
        if missing > listed[place]:
            what = f"has only {listed[place]} left" if listed[place] else "is empty"
            why = (
                f"the list {what}, and lacks {missing} that {'was' if missing == 1 else 'were'} backed up lately, so "
                "nothing of its kind is marked or deleted; expected the list to be whole: if they were deleted on "
                "purpose, wait"
            )
            yield place, why


def _was_due_lately(facts: Facts, newest: RecoveryPoint, now: datetime) -> bool:
    """Return whether a source that is gone was still backed up when it was last due, or within the last days."""
    if newest.taken > now - _LATELY:
        return True
    if facts.inherited is None:
        return False
    missed = slots_since(facts.inherited.schedule, newest.taken, now)
    next(missed, None)
    return next(missed, None) is None


@dataclass(frozen=True, slots=True)
class _Waits:
    """Attempts at a slot that ended in error, and the next one is not due yet."""

    until: datetime
    why: str


def _attempt(  # noqa: PLR0913, PLR0917 - a snapshot to take has that many sides
    facts: Facts, source: Source, policy: Policy, kind: SnapshotKind, settings: Settings, now: datetime
) -> Create | _Waits | None:
    """Return the snapshot of the current slot if nothing covers it, or what it waits for, if it was tried often."""
    slot = current_slot(policy.schedule, now)
    if any(point.state in _COVERS_SLOT and point.covers_until >= slot for point in facts.points):
        return None
    failed = [point for point in facts.points if point.slot == slot and not point.is_rescued]
    attempt = max((point.attempt for point in failed), default=0) + 1
    if attempt > QUICK_ATTEMPTS:
        until = max(point.taken for point in failed) + _DAY
        if now < until:
            following = min(until, next_slot(policy.schedule, now))
            return _Waits(following, f"{attempt - 1} snapshots for the slot {format_instant(slot)} ended in error")
    reason = f"nothing covers the slot {format_instant(slot)}"
    if attempt > 1:
        reason = f"attempt {attempt} for the slot {format_instant(slot)}: the one before ended in error"
    create = create_for(source, policy.name, kind, slot, settings, now, attempt=attempt, reason=reason)
    if create.not_now:
        return replace(create, not_now=f"{create.not_now}; the next run tries again")
    if facts.busy_until and _comes_in_time(facts.busy_until, slot, policy, settings):
        end = f"{facts.busy_until:%H:%M}"
        why = f"Lightsail may be making its automatic snapshot until {end} UTC, and refuses another meanwhile"
        return replace(create, not_now=f"{why}; the first run after that takes it")
    return create


def _comes_in_time(end: datetime, slot: datetime, policy: Policy, settings: Settings) -> bool:
    """Return whether a run comes after that time (UTC) before the slot is overdue: else nothing is worth waiting for.

    Where each run falls into the same window, that of a daily tick, Lightsail itself says whether it is busy.
    """
    return end + longest_gap_of_tick(settings.tick) <= settings.overdue_after.after(slot, policy.schedule.zone)


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
    return Create(target, source.kind, tags, left_out, reason, source.not_now)
