"""The tag vocabulary: what users write on sources, what Lightkeeper writes on snapshots. Pure.

Reading is strict and never guesses: a tag that is not understood becomes a `Problem`, with what was expected.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from lightkeeper.model import (
    Mode,
    Policy,
    Problem,
    RecoveryPoint,
    Severity,
    Snapshot,
    Source,
    SourceKind,
    Tags,
)
from lightkeeper.retention import parse_keep
from lightkeeper.schedule import moved
from lightkeeper.settings import OFF, Settings
from lightkeeper.times import format_instant, parse_day_or_instant, parse_instant, parse_zone
from lightkeeper.wording import InvalidValueError, nearest, quoted

OWN_PREFIX: Final = "lightkeeper:"
OWNER: Final = "lightkeeper:owner"
SOURCE: Final = "lightkeeper:source"
SLOT: Final = "lightkeeper:slot"
EXPIRES: Final = "lightkeeper:expires"
MAX_TAGS: Final = 50
"""Lightsail's limit for a resource."""
MAX_ATTEMPTS: Final = 3
"""Snapshots of one slot, when those before ended in error."""
_SUFFIXES: Final = ("keep", "at", "mode", "hold")
# Of the 50: three of ours at create, and room for an announcement and for a user's hold later.
_ROOM: Final = MAX_TAGS - len((OWNER, SOURCE, SLOT)) - len((EXPIRES, "hold"))
_MAX_NAME: Final = 254


class Choice(Enum):
    """What a source's tags say besides a policy."""

    OFF = auto()
    UNTAGGED = auto()
    UNREADABLE = auto()


@dataclass(frozen=True, slots=True)
class Hold:
    """Whether, and until when, a tag forbids to prune."""

    held: bool
    until: datetime | None = None
    """UTC; None is for good."""

    def is_on(self, now: datetime) -> bool:
        """Return whether the hold is in force at `now`."""
        return self.held and (self.until is None or now < self.until)

    @property
    def reason(self) -> str:
        """Why a held snapshot is kept."""
        return f"on hold until {format_instant(self.until)}" if self.until else "on hold"


NOT_HELD: Final = Hold(held=False)
HELD: Final = Hold(held=True)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the tags of a source say."""

    choice: Policy | Choice
    hold: Hold
    problems: tuple[Problem, ...]


def vocabulary(settings: Settings) -> tuple[str, ...]:
    """Return the keys that users may write: `backup`, `backup:keep`, and so on."""
    return (settings.tag_key, *(f"{settings.tag_key}:{suffix}" for suffix in _SUFFIXES))


def users_tags(tags: Tags, settings: Settings) -> dict[str, str]:
    """Return those tags that belong to the user's vocabulary, known or misspelt, or that look like one that does."""
    ours = _written_for_us(tags, settings)
    return {key: value for key, value in tags.items() if key in ours or _meant(key, settings)}


def _written_for_us(tags: Tags, settings: Settings) -> dict[str, str]:
    """Return `backup` and each `backup:...`."""
    prefix = f"{settings.tag_key}:"
    return {key: value for key, value in tags.items() if key == settings.tag_key or key.startswith(prefix)}


def read_source(source: Source, settings: Settings) -> Reading:
    """Return the policy that a source's tags ask for, its hold, and what is wrong with them."""
    reading = _read(source.kind, source.tags, settings)
    return replace(reading, problems=_of(source.region, source.name, reading.problems))


def read_orphan(newest: RecoveryPoint, settings: Settings) -> Reading:
    """Return the policy in the tags that a recovery point inherited from its source."""
    reading = _read(None, newest.tags, settings)
    return replace(reading, problems=_of(newest.region, newest.source_name, reading.problems))


def read_hold(point: RecoveryPoint, settings: Settings) -> tuple[Hold, tuple[Problem, ...]]:
    """Return the hold on a recovery point; one that is misspelt or not understood holds for good, and is a problem."""
    hold, found = _read_hold(point.tags, settings)
    tag = _hold_key(settings)
    misspelt = [key for key in point.tags if key != tag and _meant(key, settings) == tag]
    error = InvalidValueError(f'looks like "{tag}" but is another tag', tag)
    problems = (*found, *(_problem(key, point.tags[key], error, Severity.WARNING) for key in misspelt))
    where = f"on snapshot {point.name}: "
    named = (replace(problem, message=where + problem.message) for problem in problems)
    return HELD if misspelt else hold, _of(point.region, point.source_name, named)


def _hold_key(settings: Settings) -> str:
    return f"{settings.tag_key}:hold"


def _of(region: str, source: str, problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(replace(problem, region=region, source=source) for problem in problems)


def _problem(tag: str, value: str, error: InvalidValueError, severity: Severity) -> Problem:
    return Problem("", "", tag, value, error.message, error.suggestion, severity)


def _read(kind: SourceKind | None, tags: Tags, settings: Settings) -> Reading:
    key = settings.tag_key
    hold, hold_problems = _read_hold(tags, settings)
    if key not in tags:
        misspelt = _misspelt_keys(tags, settings, alone=Severity.WARNING)
        return Reading(Choice.UNTAGGED, hold, (*hold_problems, *misspelt, *_suffixes_alone(tags, settings)))
    found = [
        *hold_problems,
        *_unknown_suffixes(tags, settings),
        *_misspelt_keys(tags, settings, alone=Severity.ADVICE),
    ]
    if tags[key] == OFF:
        _policy({**tags, key: ""}, settings, found)
        # Nothing is to be snapshotted anyway; but what the wrong value was to keep is not known.
        return Reading(Choice.OFF, hold, tuple(_at_most_warning(problem) for problem in found))
    mode = f"{key}:mode"
    if kind is SourceKind.DISK and mode in tags:
        error = InvalidValueError("has no effect on a disk; expected on instances only")
        found.append(_problem(mode, tags[mode], error, Severity.ADVICE))
        tags = {tag: value for tag, value in tags.items() if tag != mode}
    policy = _policy(tags, settings, found)
    unreadable = any(problem.severity is Severity.ERROR for problem in found)
    return Reading(Choice.UNREADABLE if unreadable else policy, hold, tuple(found))


def _at_most_warning(problem: Problem) -> Problem:
    return replace(problem, severity=Severity.WARNING) if problem.severity is Severity.ERROR else problem


def _policy(tags: Tags, settings: Settings, found: list[Problem]) -> Policy:
    """Return the policy with the overrides of the tags; what is wrong is added to `found`."""
    key = settings.tag_key
    name = tags[key] or settings.default_policy
    policy = settings.policies.get(name)
    if policy is None:
        words = (*settings.policies, OFF)
        error = InvalidValueError(
            f'"{name}" is not a policy; expected {quoted(words)}, or nothing for "{settings.default_policy}"',
            nearest(name, words),
        )
        found.append(_problem(key, name, error, Severity.ERROR))
        policy = settings.policies[settings.default_policy]

    def override(suffix: str, policy: Policy) -> Policy:
        tag = f"{key}:{suffix}"
        if tag not in tags:
            return policy
        try:
            match suffix:
                case "keep":
                    return replace(policy, keep=parse_keep(tags[tag]))
                case "at":
                    return replace(policy, schedule=moved(policy.schedule, tags[tag]))
                case _:
                    return replace(policy, mode=_mode(tags[tag]))
        except InvalidValueError as error:
            found.append(_problem(tag, tags[tag], error, Severity.ERROR))
            return policy

    for suffix in ("keep", "at", "mode"):
        policy = override(suffix, policy)
    return policy


def _mode(value: str) -> Mode:
    if value not in list(Mode):
        raise InvalidValueError(f'"{value}" is not a mode; expected {quoted(Mode)}', nearest(value, Mode))
    return Mode(value)


def _read_hold(tags: Tags, settings: Settings) -> tuple[Hold, tuple[Problem, ...]]:
    tag = _hold_key(settings)
    value = tags.get(tag)
    if value is None:
        return NOT_HELD, ()
    if not value:
        return HELD, ()
    try:
        return Hold(held=True, until=parse_day_or_instant(value, settings.time_zone)), ()
    except InvalidValueError:
        error = InvalidValueError(f'"{value}" is not a date; expected nothing, or a date such as "2027-01-31"')
        return HELD, (_problem(tag, value, error, Severity.WARNING),)


def _unknown_suffixes(tags: Tags, settings: Settings) -> list[Problem]:
    """Return a warning for each `backup:...` that is not in the vocabulary: what it was to say is not known."""
    known = vocabulary(settings)
    expected = f"unknown tag; expected {quoted(known)}"
    return [
        _problem(key, tags[key], InvalidValueError(expected, _meant(key, settings)), Severity.WARNING)
        for key in _written_for_us(tags, settings)
        if key not in known
    ]


def _suffixes_alone(tags: Tags, settings: Settings) -> list[Problem]:
    """Return a warning for each `backup:...` that stands without `backup`; a hold is meant to."""
    key = settings.tag_key
    error = InvalidValueError(f'has no effect without the tag "{key}"; expected both', key)
    alone = (tag for tag in _written_for_us(tags, settings) if tag != _hold_key(settings))
    return [_problem(tag, tags[tag], error, Severity.WARNING) for tag in alone]


def _misspelt_keys(tags: Tags, settings: Settings, *, alone: Severity) -> list[Problem]:
    """Return a problem for each tag that looks like one of ours but is another: `Backup`, `backups`, `Backup:keep`.

    A look-alike of `backup` itself is as severe as `alone` says; one of `backup:keep` was surely meant for us.
    """
    known = vocabulary(settings)
    ours = _written_for_us(tags, settings)
    found: list[Problem] = []
    for key, value in tags.items():
        near = None if key in ours else _meant(key, settings)
        if near:
            error = InvalidValueError(f'looks like "{near}" but is another tag, so it is not read', near)
            found.append(_problem(key, value, error, alone if near == known[0] else Severity.WARNING))
    return found


def _meant(key: str, settings: Settings) -> str | None:
    """Return the key of the vocabulary that `key` is, or most likely was meant to be."""
    return None if key.startswith(("aws:", OWN_PREFIX)) else _nearest_key(key, vocabulary(settings))


@lru_cache(maxsize=4096)
def _nearest_key(key: str, known: tuple[str, ...]) -> str | None:
    if key in known:
        return key
    if key.startswith(f"{known[0]}:"):
        return nearest(key, known)

    def plain(word: str) -> str:
        return re.sub(r"[ ._/-]", ":", word)

    by_plain = {plain(word): word for word in known}
    # A longer word has to be nearer: much of it is "backup:" anyway.
    main = nearest(plain(key), [plain(known[0])], cutoff=0.82)
    near = nearest(plain(key), by_plain, cutoff=0.87) or main
    return by_plain[near] if near else None


def snapshot_name(source_name: str, source_arn: str, slot: datetime, attempt: int = 1) -> str:
    """Return the name of a source's snapshot for a slot: `<source>-<YYYYMMDD>-<HHMM>-<6 hex>`, UTC.

    It is dated, the same on every retry, unique for the source's ARN, and valid for Lightsail whatever the source is
    called: letters, digits and hyphens, at most 254 of them. Attempts after the first end in `-2`, `-3`.
    """
    return _stem(source_name) + _name_end(source_arn, slot, attempt)


def _name_end(source_arn: str, slot: datetime, attempt: int) -> str:
    return f"-{slot:%Y%m%d-%H%M}-{_digest(source_arn)}{f'-{attempt}' if attempt > 1 else ''}"


@lru_cache(maxsize=16384)
def _stem(source_name: str) -> str:
    # Room for the longest attempt, so that all names of a source share their beginning.
    room = _MAX_NAME - len("-YYYYMMDD-HHMM-abcdef-2")
    return re.sub(r"[^A-Za-z0-9]+", "-", source_name).strip("-")[:room]


@lru_cache(maxsize=16384)
def _digest(source_arn: str) -> str:
    return hashlib.sha256(source_arn.encode(errors="surrogatepass")).hexdigest()[:6]


def snapshot_tags(source: Source, slot: datetime, settings: Settings) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the tags a snapshot of `source` is born with, and the keys for which there was no room.

    The source's tags are inherited, except those of AWS and of ours. The user's vocabulary comes first, as the
    retention of an orphan depends on it.
    """
    inherited = {key: value for key, value in source.tags.items() if not key.startswith(("aws:", OWN_PREFIX))}
    first = users_tags(inherited, settings)
    keys = [*first, *sorted(key for key in inherited if key not in first)]
    tags = {key: inherited[key] for key in keys[:_ROOM]}
    own = {OWNER: settings.deployment, SOURCE: source.arn, SLOT: format_instant(slot)}
    return tags | own, tuple(keys[_ROOM:])


def read_snapshot(snapshot: Snapshot, settings: Settings) -> RecoveryPoint | Problem | None:
    """Return the recovery point that a snapshot is, if it is ours; a problem if it only half looks so; else None.

    Ours are those that carry our owner tag and a source tag, *and* whose name and origin are what those tags say. A
    snapshot with tags copied from ours is a user's own, and so never touched; it is reported.
    """
    owner, source_arn, slot_text = (snapshot.tags.get(key) for key in (OWNER, SOURCE, SLOT))
    if owner != settings.deployment or not source_arn or snapshot.from_auto_snapshot:
        return None
    slot = _own_instant(slot_text)
    attempt = _attempt(snapshot, source_arn, slot) if slot else None
    elsewhere = f":{snapshot.region}:" not in source_arn
    foreign = bool(snapshot.source_arns) and source_arn not in snapshot.source_arns
    if slot is None or attempt is None or elsewhere or foreign:
        return Problem(
            region=snapshot.region,
            source=snapshot.source_name,
            tag=OWNER,
            value=owner,
            message=f"on snapshot {snapshot.name}: carries Lightkeeper's tags, but its name or origin says otherwise, "
            "so it is left alone; expected no tags of ours on your own snapshots",
            suggestion=None,
            severity=Severity.ADVICE,
        )
    return RecoveryPoint(
        kind=snapshot.kind,
        name=snapshot.name,
        region=snapshot.region,
        state=snapshot.state,
        created_at=snapshot.created_at,
        size_gib=snapshot.size_gib,
        source_name=snapshot.source_name,
        source_arn=source_arn,
        slot=slot,
        attempt=attempt,
        expires_at=_own_instant(snapshot.tags.get(EXPIRES)),
        tags=users_tags(snapshot.tags, settings),
    )


@lru_cache(maxsize=16384)
def _own_instant(text: str | None) -> datetime | None:
    """Return the instant in a tag of ours, or None if it is not as we write it."""
    try:
        slot = parse_instant(text or "", parse_zone("UTC"))
    except InvalidValueError:
        return None
    return slot if format_instant(slot) == text else None


def _attempt(snapshot: Snapshot, source_arn: str, slot: datetime) -> int | None:
    if slot.second:
        return None
    for attempt in range(1, MAX_ATTEMPTS + 1):
        if snapshot.name == snapshot_name(snapshot.source_name, source_arn, slot, attempt):
            return attempt
    return None
