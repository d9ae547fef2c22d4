"""What the lists mean: every tag is read here, once, into facts that a plan can be made from. Pure.

What is about content goes by when a snapshot was *taken*, never by its slot.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias, assert_never

from lightkeeper.automatic import automatic_window
from lightkeeper.copies import can_be_copied
from lightkeeper.kinds import STATIC_IPS, SnapshotKind, SourceKind, snapshot_kind, source_kind_of
from lightkeeper.model import (
    CopyRule,
    Inventory,
    Policy,
    Problem,
    RecoveryPoint,
    Severity,
    Snapshot,
    SnapshotState,
    Source,
    Stranger,
    Tags,
    problem_of,
)
from lightkeeper.names import attempt_of_copy, copy_digest, digest_in
from lightkeeper.recipe import PART_WORDS
from lightkeeper.restore_steps import RESTORED_AT, RESTORED_FROM
from lightkeeper.schedule import Schedule, next_slot
from lightkeeper.settings import Settings
from lightkeeper.tags import (
    FORMAT,
    FORMAT_NOW,
    NOT_HELD,
    Hold,
    NoPolicy,
    TagReading,
    hold_key,
    read_hold,
    read_inherited,
    read_source,
    recipe_without_room,
)
from lightkeeper.ticks import is_rarer
from lightkeeper.times import format_instant

_Nameless: TypeAlias = Mapping[tuple[str, str | None], Sequence[Snapshot]]
"""Snapshots without tags, by Region and by the digest in their names."""
_Strangers: TypeAlias = Mapping[tuple[str, str | None], Sequence[Stranger]]
"""What is not ours and has tags, in the same way."""
_DAY: Final = timedelta(days=1)
_WINDOW: Final = re.compile(r"([0-2][0-9]:[0-5][0-9])-([0-2][0-9]:[0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Series:
    """The recovery points of one source that are of one kind, newest first."""

    kind: SnapshotKind
    points: Sequence[RecoveryPoint]
    policy: Policy | None
    """Whose rule decides on them: the source's own while it is fed, else the one that its newest usable inherited."""
    unfed: str | None = None
    """Why nothing new is added to it; None while it is fed."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with the tags that its newest usable one inherited, where its rule is read from them."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A copy that lacks its tags."""

    original: RecoveryPoint
    copy: RecoveryPoint
    """As it will be once it has them."""


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """The copies of one source in one other Region."""

    region: str
    is_wanted: bool
    """Whether new ones are to be made there."""
    rule: CopyRule
    """When, and how long each is kept."""
    points: Sequence[RecoveryPoint]
    """Newest content first."""
    begun: tuple[Begun, ...]
    """What an earlier run has begun to copy there, and has not given its tags."""
    strangers: Sequence[Stranger]
    """What has a name of the form of its copies', and tags, and is not ours."""
    untagged: Collection[str]
    """The names of that form of what has no tags, ours or not."""
    series: tuple[Series, ...]
    """By kind; none of a source whose tags are not understood."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A source, or what is left of one that is gone."""

    region: str
    kind: SourceKind
    name: str
    arn: str
    source: Source | None
    """None: it is gone."""
    policy: Policy | NoPolicy
    takes: SnapshotKind | None
    """What its policy takes of it."""
    points: Sequence[RecoveryPoint]
    """All of it, newest first."""
    usable: tuple[RecoveryPoint, ...]
    series: tuple[Series, ...]
    """The same by kind; none of a source whose tags are not understood."""
    held: Mapping[str, Sequence[str]]
    """Why a snapshot is held, by its name; only those that are."""
    inherited: Policy | None
    """Without a policy of its own: the one that its newest usable recovery point was taken under."""
    problems: tuple[Problem, ...]
    """What is wrong with its tags, and with the holds on its snapshots."""
    copies: tuple[CopyFacts, ...] = ()
    """In each Region that the deployment copies to, but the source's own."""
    being_copied: Mapping[str, str] = field(default_factory=dict)
    """Why a snapshot has to stay until a copy of it is complete, by its name; only those that have to."""
    busy_until: datetime | None = None
    """Until when, UTC, Lightsail may be making an automatic snapshot of it: it refuses another meanwhile."""
    restored_from: str | None = None
    """Of what a restore has made, and finished: the name of the snapshot that it was made of."""


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """What was seen in the Regions that copies go to, but for what is known to be a copy."""

    regions: Collection[str]
    nameless: _Nameless
    strangers: _Strangers


def interpret(inventory: Inventory, settings: Settings, now: datetime) -> Iterator[Facts]:
    """Yield the facts about each source at `now` (UTC), and then about each that is gone.

    Where a list of a Region fails, nobody knows what is gone there; but for that of static IPs, which are no sources.
    """
    by_source: defaultdict[str, list[RecoveryPoint]] = defaultdict(list)
    for point in inventory.points:
        # Where nobody looked at the home of a copy, nothing is known of its source.
        if not point.is_copy or point.home in inventory.regions:
            by_source[point.source_arn].append(point)
    for points in by_source.values():
        points.sort(key=by_content, reverse=True)
    nameless: defaultdict[tuple[str, str | None], list[Snapshot]] = defaultdict(list)
    for snapshot in inventory.nameless:
        nameless[snapshot.region, digest_in(snapshot.name)].append(snapshot)
    unread = {failure.region for failure in inventory.failures if failure.listing != STATIC_IPS}
    strangers: defaultdict[tuple[str, str | None], list[Stranger]] = defaultdict(list)
    for stranger in inventory.strangers:
        strangers[stranger.region, digest_in(stranger.name)].append(stranger)
    elsewhere = _Elsewhere(inventory.targets, nameless, strangers)
    # What nobody could read may have been copied.
    without_names = _Elsewhere(inventory.targets, {}, {})
    for source in inventory.sources:
        there = without_names if source.region in unread else elsewhere
        yield _facts_of(source, by_source.pop(source.arn, ()), there, settings, now)
    for points in by_source.values():
        if points[0].home not in unread:
            yield _facts_of_gone(points, elsewhere, settings, now)


def by_content(point: RecoveryPoint) -> tuple[datetime, datetime, int]:
    """Return the key that sorts recovery points: their content. The rest only breaks ties."""
    return point.taken, point.slot, point.attempt


def usable_of(points: Iterable[RecoveryPoint]) -> tuple[RecoveryPoint, ...]:
    """Return those that can be restored, in the same order."""
    return tuple(point for point in points if point.state is SnapshotState.USABLE)


def newest_anywhere(facts: Facts) -> RecoveryPoint | None:
    """Return the usable recovery point of a source with the newest content, a copy or not."""
    usable = (*facts.usable, *(point for there in facts.copies for point in usable_of(there.points)))
    return max(usable, key=by_content, default=None)


def _facts_of(
    source: Source, all_points: Sequence[RecoveryPoint], elsewhere: _Elsewhere, settings: Settings, now: datetime
) -> Facts:
    reading = read_source(source, settings)
    held, hold_problems = _holds(all_points, reading.hold, source.tags, settings, now)
    problems = [*reading.problems, *_over_hold(source, reading, settings, now), *hold_problems]
    problems.extend(_of_newer_releases(all_points))
    points = [point for point in all_points if not point.is_copy]
    takes: SnapshotKind | None = None
    inherited: Policy | None = None
    usable = usable_of(points)
    match reading.policy:
        case Policy() as policy:
            takes = snapshot_kind(source.kind, policy.mode or settings.instance_mode)
            if is_rarer(settings.tick, policy.schedule, settings.time_zone):
                problems.append(_rare_tick(source, policy, settings))
            problems.extend(problem_of(source, advice, Severity.ADVICE) for advice in source.advice)
            problems.extend(_outside_quiet_window(source, policy, settings, now))
            problems.extend(_in_automatic_window(source, policy, settings, now))
            problems.extend(_recipe_without_room(source, settings))
            problems.extend(_copied_nowhere(source, policy, settings))
            series = _series(points, settings, f"it is backed up by {takes}s now", fed=(takes, policy))
        case NoPolicy.UNREADABLE:
            series = ()
            inherited = _inherited(usable, settings)
        case NoPolicy.OFF | NoPolicy.UNTAGGED as why:
            series = _series(points, settings, f"its source is {why.name.lower()}")
            inherited = _inherited(usable, settings)
        case _:
            assert_never(reading.policy)
    facts = Facts(
        region=source.region,
        kind=source.kind,
        name=source.name,
        arn=source.arn,
        source=source,
        policy=reading.policy,
        takes=takes,
        points=points,
        usable=usable,
        series=series,
        held=held,
        inherited=inherited,
        problems=tuple(problems),
        busy_until=window[1] if (window := automatic_window(source.recipe, now)) else None,
        restored_from=source.tags.get(RESTORED_FROM) if RESTORED_AT in source.tags else None,
    )
    return _with_copies(facts, all_points, elsewhere, settings)


def _facts_of_gone(
    all_points: Sequence[RecoveryPoint], elsewhere: _Elsewhere, settings: Settings, now: datetime
) -> Facts:
    newest = all_points[0]
    # Each holds for itself: there is no source whose hold would go for all.
    held, problems = _holds(all_points, NOT_HELD, {}, settings, now)
    points = [point for point in all_points if not point.is_copy]
    # Where nothing is left at home, its copies still say what it was backed up by.
    inherited = _inherited(usable_of(all_points), settings)
    facts = Facts(
        region=newest.home,
        kind=source_kind_of(newest.source_arn, newest.kind),
        name=newest.source_name,
        arn=newest.source_arn,
        source=None,
        policy=NoPolicy.UNTAGGED,
        takes=None,
        points=points,
        usable=usable_of(points),
        series=_series(points, settings, "its source is gone"),
        held=held,
        inherited=inherited,
        problems=(*problems, *_of_newer_releases(all_points)),
    )
    return _with_copies(facts, all_points, elsewhere, settings)


def _with_copies(facts: Facts, all_points: Sequence[RecoveryPoint], elsewhere: _Elsewhere, settings: Settings) -> Facts:
    copies = tuple(_copies(facts, all_points, elsewhere, settings))
    if not copies:
        return facts
    problems = (*facts.problems, *_never_finished(facts, copies, elsewhere.nameless, settings))
    return replace(facts, copies=copies, being_copied=dict(_being_copied(facts.points, copies)), problems=problems)


def _copies(
    facts: Facts, all_points: Sequence[RecoveryPoint], elsewhere: _Elsewhere, settings: Settings
) -> Iterator[CopyFacts]:
    """Yield what there is of a source's copies, and is to be, in each Region that the deployment copies to.

    Of a source that is not backed up any more, what it still has is copied as its newest recovery point asks for.
    Where nobody has looked, nothing is known, and nothing is copied.
    """
    policy = facts.policy if isinstance(facts.policy, Policy) else None
    asked = policy or (facts.inherited if facts.policy is not NoPolicy.OFF else None)
    copies = asked.copies if asked and can_be_copied(facts.kind) else None
    for region, rule in settings.copies.items():
        if region == facts.region or region not in elsewhere.regions:
            continue
        there = [point for point in all_points if point.region == region]
        is_wanted = copies is not None and copies.go_to(region)
        own = rule.for_copies(copies)
        key = region, copy_digest(facts.arn, settings.deployment, region)
        begun = tuple(_begun(facts, elsewhere.nameless.get(key, ()), settings))
        fed = (facts.takes, _kept_by(policy, own)) if policy and facts.takes and is_wanted else None
        yield CopyFacts(
            region=region,
            is_wanted=is_wanted,
            rule=own,
            points=there,
            begun=begun,
            strangers=elsewhere.strangers.get(key, ()),
            untagged=frozenset(snapshot.name for snapshot in elsewhere.nameless.get(key, ())),
            series=()
            if facts.policy is NoPolicy.UNREADABLE
            else _series(there, settings, _why_unfed(facts, is_wanted=is_wanted), fed, rule),
        )


def _why_unfed(facts: Facts, *, is_wanted: bool) -> str:
    """Return why nothing new is added to copies of one kind, where nothing is."""
    if not isinstance(facts.policy, Policy):
        return "its source is not backed up any more"
    return f"it is copied by {facts.takes}s now" if is_wanted else "its source is not copied here any more"


def _kept_by(policy: Policy, rule: CopyRule) -> Policy:
    """Return what decides on the copies that are made under a policy."""
    return replace(policy, schedule=rule.schedule, keep=rule.keep)


def _begun(facts: Facts, nameless: Iterable[Snapshot], settings: Settings) -> Iterator[Begun]:
    """Yield the copies without tags that are ours: of the very name, kind and size that a copy of a snapshot has."""
    for snapshot in nameless:
        original = next((point for point in facts.points if _may_be_copy(snapshot, point, settings)), None)
        if original:
            yield Begun(
                original,
                replace(
                    original,
                    name=snapshot.name,
                    region=snapshot.region,
                    state=snapshot.state,
                    attempt=attempt_at_copy(snapshot.name, snapshot.region, original, settings) or 1,
                    copied_at=snapshot.created_at,
                    expires_at=None,
                ),
            )


def _may_be_copy(snapshot: Snapshot, point: RecoveryPoint, settings: Settings) -> bool:
    """Return whether what has no tags is what we would make of a recovery point at home in that Region."""
    # Lightsail copies what is complete: what is older than its content is a copy of what had the name before.
    if point.state is not SnapshotState.USABLE or snapshot.created_at < point.taken:
        return False
    if (point.kind, point.size_gib) != (snapshot.kind, snapshot.size_gib):
        return False
    return point.newer_format is None and attempt_at_copy(snapshot.name, snapshot.region, point, settings) is not None


def attempt_at_copy(name: str, region: str, point: RecoveryPoint, settings: Settings) -> int | None:
    """Return at which attempt a copy of a recovery point gets a name in a Region; None: at none."""
    return attempt_of_copy(name, point.source_name, point.source_arn, settings.deployment, point.slot, region)


def _never_finished(
    facts: Facts, copies: Iterable[CopyFacts], nameless: _Nameless, settings: Settings
) -> Iterator[Problem]:
    """Yield that there are copies without tags whose originals are gone: they cost, and protect nothing."""
    for there in copies:
        for snapshot in nameless.get((there.region, copy_digest(facts.arn, settings.deployment, there.region)), ()):
            if any(attempt_at_copy(snapshot.name, snapshot.region, point, settings) for point in facts.points):
                continue
            yield Problem(
                region=facts.region,
                source=facts.name,
                arn=facts.arn,
                tag=None,
                value=None,
                message=f"{snapshot.name} in {there.region} has the name of a copy and no tags, and what it would be a "
                "copy of is gone: nobody knows of when it is, so it is left alone, and it costs; expected that you "
                "tag it as yours, or delete it",
                suggestion=None,
                severity=Severity.ADVICE,
            )


def _being_copied(points: Iterable[RecoveryPoint], copies: Iterable[CopyFacts]) -> Iterator[tuple[str, str]]:
    """Yield which snapshots have to stay, with why: what is deleted while it is copied may be lost twice."""
    for there in copies:
        why = f"being copied to {there.region}"
        yield from ((begun.original.name, why) for begun in there.begun)
        unended = (SnapshotState.PENDING, SnapshotState.UNKNOWN)
        pending = {(copy.kind, copy.slot) for copy in there.points if copy.state in unended}
        if pending:
            yield from ((point.name, why) for point in points if (point.kind, point.slot) in pending)


def _series(
    points: Sequence[RecoveryPoint],
    settings: Settings,
    unfed: str,
    fed: tuple[SnapshotKind, Policy] | None = None,
    rule: CopyRule | None = None,
) -> tuple[Series, ...]:
    """Return the recovery points by kind, with what decides on each.

    `fed` says which kind is still taken. `rule` is that of copies, where they are.
    """
    by_kind: dict[SnapshotKind, list[RecoveryPoint]] = {kind: [] for kind in SnapshotKind}
    for point in points:
        by_kind[point.kind].append(point)
    found: list[Series] = []
    for kind, of_kind in by_kind.items():
        if not of_kind:
            continue
        if fed and kind is fed[0]:
            found.append(Series(kind, of_kind, fed[1]))
            continue
        usable = usable_of(of_kind)
        own = read_inherited(usable[0], settings) if usable else None
        policy = own.policy if own and isinstance(own.policy, Policy) else None
        if policy and rule:
            policy = _kept_by(policy, rule.for_copies(policy.copies))
        found.append(Series(kind, of_kind, policy, unfed, own.problems if own else ()))
    return tuple(found)


def _inherited(usable: Sequence[RecoveryPoint], settings: Settings) -> Policy | None:
    policy = read_inherited(usable[0], settings).policy if usable else None
    return policy if isinstance(policy, Policy) else None


def _holds(
    points: Iterable[RecoveryPoint], source_hold: Hold, source_tags: Tags, settings: Settings, now: datetime
) -> tuple[Mapping[str, Sequence[str]], tuple[Problem, ...]]:
    """Return why each recovery point that is held is held, and what is wrong with its hold."""
    held: dict[str, Sequence[str]] = {}
    problems: list[Problem] = []
    for point in points:
        if point.newer_format is not None:
            held[point.name] = (f"made by a newer release (format {point.newer_format}), so it is left alone",)
            continue
        own, found = read_hold(point, source_tags, settings)
        problems.extend(found)
        if own is source_hold is NOT_HELD:
            continue
        # A hold on the source is inherited: one reason is enough.
        reasons = [*dict.fromkeys(hold.reason for hold in (own, source_hold) if hold.is_on(now))]
        if reasons:
            held[point.name] = reasons
    return held, tuple(problems)


def _of_newer_releases(points: Iterable[RecoveryPoint]) -> Iterator[Problem]:
    """Yield that there are recovery points in a format that is not known: nobody can tell what they replace."""
    point = next((point for point in points if point.newer_format is not None), None)
    if point:
        yield problem_of(
            point,
            f"on snapshot {point.name}: made by a newer release of Lightkeeper (format {point.newer_format}), so it is "
            f'left alone, and nothing of its source is marked or deleted; expected "{FORMAT_NOW}": upgrade Lightkeeper '
            "to that release, or to a later one",
            Severity.WARNING,
            tag=FORMAT,
            value=point.newer_format,
        )


def _over_hold(source: Source, reading: TagReading, settings: Settings, now: datetime) -> Iterator[Problem]:
    """Yield what is to be said of a source's hold whose day is over: its owner may count on it."""
    until = reading.hold.until
    if until is None or now < until:
        return
    tag = hold_key(settings)
    yield problem_of(
        source,
        f"is over since {format_instant(until)}, so it holds nothing; expected a day to come, or no such tag",
        # From before the source was made: it never held anything.
        Severity.WARNING if until <= source.created_at else Severity.ADVICE,
        tag=tag,
        value=source.tags[tag],
    )


def _outside_quiet_window(source: Source, policy: Policy, settings: Settings, now: datetime) -> Iterator[Problem]:
    """Yield what is to be said of slots at which a snapshot interrupts the source at the wrong time of day."""
    window = _WINDOW.fullmatch(source.quiet_window or "")
    if window is None:
        return
    slots = _slots_of_a_day(policy.schedule, now)
    outside = next((slot for slot in slots if not _lies_in(window[1], window[2], slot)), None)
    if outside is None:
        return
    tag = f"{settings.tag_key}:at"
    yield problem_of(
        source,
        f"a snapshot interrupts it for seconds to minutes, and its slot at {outside:%H:%M} UTC lies outside its "
        f'backup window, {window[0]} UTC; expected "{tag}" = "{window[1]} UTC", with a policy of one time of day',
        Severity.ADVICE,
        tag=tag if tag in source.tags else None,
        value=source.tags.get(tag),
    )


def _in_automatic_window(source: Source, policy: Policy, settings: Settings, now: datetime) -> Iterator[Problem]:
    """Yield what is to be said of a slot at which Lightsail may be making an automatic snapshot of the source.

    Of a policy with several slots a day one may well wait for the run after; it could not be moved anyway.
    """
    slots = [*_slots_of_a_day(policy.schedule, now)]
    window = automatic_window(source.recipe, slots[0]) if len(slots) == 1 else None
    if window is None:
        return
    tag = f"{settings.tag_key}:at"
    start, end = (f"{time:%H:%M}" for time in window)
    yield problem_of(
        source,
        f"its slot at {slots[0]:%H:%M} UTC lies where Lightsail makes its automatic snapshot, {start}-{end} UTC, and "
        f'refuses another, so it waits for the run after; expected "{tag}" = "{end} UTC" or later',
        Severity.ADVICE,
        tag=tag if tag in source.tags else None,
        value=source.tags.get(tag),
    )


def _copied_nowhere(source: Source, policy: Policy, settings: Settings) -> Iterator[Problem]:
    """Yield what is to be said where copies are asked for in the source's own Region and in no other."""
    if policy.copies is None or any(map(policy.copies.go_to, {*settings.copies} - {source.region})):
        return
    nowhere = f"names no Region but its own, {source.region}, so nothing is copied; expected another one"
    if "copy" in policy.overrides:
        tag = f"{settings.tag_key}:copy"
        yield problem_of(source, nowhere, Severity.WARNING, tag=tag, value=source.tags[tag])
    else:
        yield problem_of(source, f'the "copy" of its policy "{policy.name}" {nowhere}', Severity.ADVICE)


def _recipe_without_room(source: Source, settings: Settings) -> Iterator[Problem]:
    """Yield what is to be said of what a restore will not put back, for want of room in the tags of a snapshot."""
    if parts := recipe_without_room(source, settings):
        yield problem_of(
            source,
            f"the tags of its snapshots have no room for {', '.join(PART_WORDS[part] for part in parts)}, so a restore "
            "will not put that back; expected fewer tags on it, or fewer and shorter rules: write them down elsewhere",
            Severity.ADVICE,
        )


def _slots_of_a_day(schedule: Schedule, now: datetime) -> Iterator[datetime]:
    """Yield the next slot, and those that come within a day of it."""
    slot = next_slot(schedule, now)
    end = slot + _DAY
    while slot < end:
        yield slot
        slot = next_slot(schedule, slot)


def _lies_in(start: str, end: str, instant: datetime) -> bool:
    """Return whether an instant lies in a window of each day; one that ends before it starts passes midnight."""
    time = f"{instant:%H:%M}"
    return start <= time < end if start <= end else time >= start or time < end


def _rare_tick(source: Source, policy: Policy, settings: Settings) -> Problem:
    return problem_of(
        source,
        f'the policy "{policy.name}" ({policy.schedule}) asks for snapshots oftener than the tick "{settings.tick}" '
        "comes, so some are never taken; expected a tick at least as often, or a rarer policy",
        Severity.WARNING,
        tag=settings.tag_key,
        value=source.tags[settings.tag_key],
    )
