"""What the lists mean: every tag is read here, once, into facts that a plan can be made from. Pure.

What is about content goes by when a snapshot was *taken*, never by its slot.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never

from lightkeeper.kinds import STATIC_IPS, SnapshotKind, SourceKind, snapshot_kind, source_kind_of
from lightkeeper.model import (
    Inventory,
    Policy,
    Problem,
    RecoveryPoint,
    Severity,
    SnapshotState,
    Source,
    Tags,
    problem_of,
)
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
    restored_from: str | None = None
    """Of what a restore has made, and finished: the name of the snapshot that it was made of."""


def interpret(inventory: Inventory, settings: Settings, now: datetime) -> Iterator[Facts]:
    """Yield the facts about each source at `now` (UTC), and then about each that is gone.

    Where a list of a Region fails, nobody knows what is gone there; but for that of static IPs, which are no sources.
    """
    by_source: defaultdict[str, list[RecoveryPoint]] = defaultdict(list)
    for point in inventory.points:
        by_source[point.source_arn].append(point)
    for points in by_source.values():
        points.sort(key=by_content, reverse=True)
    for source in inventory.sources:
        yield _facts_of(source, by_source.pop(source.arn, ()), settings, now)
    unread = {failure.region for failure in inventory.failures if failure.listing != STATIC_IPS}
    for points in by_source.values():
        if points[0].region not in unread:
            yield _facts_of_gone(points, settings, now)


def by_content(point: RecoveryPoint) -> tuple[datetime, datetime, int]:
    """Return the key that sorts recovery points: their content. The rest only breaks ties."""
    return point.taken, point.slot, point.attempt


def usable_of(points: Iterable[RecoveryPoint]) -> tuple[RecoveryPoint, ...]:
    """Return those that can be restored, in the same order."""
    return tuple(point for point in points if point.state is SnapshotState.USABLE)


def _facts_of(source: Source, points: Sequence[RecoveryPoint], settings: Settings, now: datetime) -> Facts:
    reading = read_source(source, settings)
    held, hold_problems = _holds(points, reading.hold, source.tags, settings, now)
    problems = [*reading.problems, *_over_hold(source, reading, settings, now), *hold_problems]
    problems.extend(_of_newer_releases(points))
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
            problems.extend(_recipe_without_room(source, settings))
            series = _series(points, settings, f"it is backed up by {takes}s now", fed=(takes, policy))
        case NoPolicy.UNREADABLE:
            series = ()
            inherited = _inherited(usable, settings)
        case NoPolicy.OFF | NoPolicy.UNTAGGED as why:
            series = _series(points, settings, f"its source is {why.name.lower()}")
            inherited = _inherited(usable, settings)
        case _:
            assert_never(reading.policy)
    return Facts(
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
        restored_from=source.tags.get(RESTORED_FROM) if RESTORED_AT in source.tags else None,
    )


def _facts_of_gone(points: Sequence[RecoveryPoint], settings: Settings, now: datetime) -> Facts:
    newest = points[0]
    # Each holds for itself: there is no source whose hold would go for all.
    held, problems = _holds(points, NOT_HELD, {}, settings, now)
    usable = usable_of(points)
    return Facts(
        region=newest.region,
        kind=source_kind_of(newest.source_arn, newest.kind),
        name=newest.source_name,
        arn=newest.source_arn,
        source=None,
        policy=NoPolicy.UNTAGGED,
        takes=None,
        points=points,
        usable=usable,
        series=_series(points, settings, "its source is gone"),
        held=held,
        inherited=_inherited(usable, settings),
        problems=(*problems, *_of_newer_releases(points)),
    )


def _series(
    points: Sequence[RecoveryPoint],
    settings: Settings,
    unfed: str,
    fed: tuple[SnapshotKind, Policy] | None = None,
) -> tuple[Series, ...]:
    """Return the recovery points by kind, with what decides on each; `fed` says which kind is still taken."""
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
