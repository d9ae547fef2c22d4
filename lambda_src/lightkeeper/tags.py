"""The tag vocabulary: what users write on sources, what Lightkeeper writes on snapshots. Pure.

Reading is strict and never guesses: a tag that is not understood becomes a `Problem`, with what was expected.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from functools import cache, lru_cache
from sys import intern
from types import MappingProxyType
from typing import Final

from lightkeeper.commands import tag_command
from lightkeeper.copies import can_be_copied, check_regions, parse_copy
from lightkeeper.errors import InvalidValueError, closest, quote_all
from lightkeeper.keep_rules import parse_keep
from lightkeeper.kinds import SourceKind, has_modes
from lightkeeper.model import (
    Copies,
    Mode,
    Origin,
    Policy,
    Problem,
    RecoveryPoint,
    Severity,
    Snapshot,
    Source,
    Tags,
    problem_of,
    region_of,
)
from lightkeeper.names import attempt_of, attempt_of_copy, digest_in
from lightkeeper.policies import OFF
from lightkeeper.recipe import Part, is_small, missing_parts, recipe_tags
from lightkeeper.schedule import is_time_of_day, with_time_of_day
from lightkeeper.settings import Settings
from lightkeeper.times import OFF_THE_CLOCK, format_instant, parse_day_or_instant, parse_instant, parse_zone

OWN_PREFIX: Final = "lightkeeper:"
_AWS_PREFIX: Final = "aws:"
OWNER: Final = "lightkeeper:owner"
SOURCE: Final = "lightkeeper:source"
SLOT: Final = "lightkeeper:slot"
FORMAT: Final = "lightkeeper:format"
"""In which form our tags and the name of a snapshot are written."""
FORMAT_NOW: Final = "1"
"""The only form there has been. What has no such tag is from before snapshots said so, and has this one, too."""
EXPIRES: Final = "lightkeeper:expires"
BY_HAND: Final = "lightkeeper:by-hand"
"""On what a person asked for, beside any schedule."""
MAX_TAGS: Final = 50
"""Lightsail's limit for a resource."""
TAKEN: Final = "lightkeeper:taken"
"""On a copy, and on what was rescued: when its content is from."""
NAME: Final = "lightkeeper:name"
"""On the same: the name of its source, which Lightsail does not promise to say."""
_SUFFIXES: Final = ("keep", "at", "mode", "hold", "copy", "copy-keep")
_OF_COPIES: Final = ("copy", "copy-keep")
# Of the 50: four of ours at create, two more on a copy, and room for a mark and for a user's hold later.
_ROOM: Final = MAX_TAGS - len((OWNER, SOURCE, SLOT, FORMAT)) - len((TAKEN, NAME)) - len((EXPIRES, "hold"))
# Beside so many, a small recipe always has room: to write each one down only to see that would cost a run seconds.
_FEW_TAGS: Final = 15
# What people write instead of a policy: a switch, as in other tools, or how often in their own words.
_YES: Final = frozenset({"yes", "y", "true", "on", "1", "enable", "enabled", "default"})
_NO: Final = frozenset({"no", "n", "false", "none", "never", "0", "disable", "disabled"})
_EVERY: Final = {
    **dict.fromkeys(("hour", "every hour"), "hourly"),
    **dict.fromkeys(("day", "every day", "everyday", "night", "nightly", "every night"), "daily"),
    **dict.fromkeys(("week", "every week"), "weekly"),
    **dict.fromkeys(("month", "every month"), "monthly"),
}
# Words that end in "hold" and hold nothing.
_NO_HOLDS: Final = frozenset({"freehold", "household", "leasehold", "threshold"})


class NoPolicy(Enum):
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
    key: str | None = None
    """The tag that says so, where it is not the vocabulary's own."""

    def is_on(self, now: datetime) -> bool:
        """Return whether the hold is in force at `now`."""
        return self.held and (self.until is None or now < self.until)

    @property
    def reason(self) -> str:
        """Why a held snapshot is kept."""
        by = f' by the tag "{self.key}"' if self.key else ""
        return f"on hold{by} until {format_instant(self.until)}" if self.until else f"on hold{by}"


NOT_HELD: Final = Hold(held=False)
HELD: Final = Hold(held=True)


@dataclass(frozen=True, slots=True)
class TagReading:
    """What the tags of a source say."""

    policy: Policy | NoPolicy
    hold: Hold
    problems: tuple[Problem, ...]


def vocabulary(settings: Settings) -> tuple[str, ...]:
    """Return the keys that users may write: `backup`, `backup:keep`, and so on."""
    return _vocabulary(settings.tag_key)


@cache
def _vocabulary(tag_key: str) -> tuple[str, ...]:
    return (tag_key, *(f"{tag_key}:{suffix}" for suffix in _SUFFIXES))


def policy_tags(tags: Tags, settings: Settings) -> dict[str, str]:
    """Return those tags that belong to the user's vocabulary, known or misspelt, or look like it, and every hold."""
    ours = _written_for_us(tags, settings)
    return {key: value for key, value in tags.items() if key in ours or _closest_key(key, settings) or is_hold(key)}


@lru_cache(maxsize=4096)
def is_hold(key: str) -> bool:
    """Return whether a tag holds, whoever made its key: it is ``hold``, or ends in it.

    So a hold outlives another `tagKey`, and a legal department's own tag counts.
    """
    lower = key.lower()
    last_word = re.split(r"[^a-z]", lower)[-1]
    return lower.endswith("hold") and last_word not in _NO_HOLDS and not is_reserved(key)


def hold_key(settings: Settings) -> str:
    """Return the vocabulary's own key of a hold: `backup:hold`."""
    return f"{settings.tag_key}:hold"


def is_reserved(key: str) -> bool:
    """Return whether a key is AWS's or ours, in whatever letters."""
    return key.lower().startswith((_AWS_PREFIX, OWN_PREFIX))


def _written_for_us(tags: Tags, settings: Settings) -> dict[str, str]:
    """Return `backup` and each `backup:...`."""
    prefix = f"{settings.tag_key}:"
    return {key: value for key, value in tags.items() if key == settings.tag_key or key.startswith(prefix)}


def read_source(source: Source, settings: Settings) -> TagReading:
    """Return the policy that a source's tags ask for, its hold, and what is wrong with them."""
    return _read(source, source.kind, settings)


def read_inherited(newest: RecoveryPoint, settings: Settings) -> TagReading:
    """Return the policy in the tags that a recovery point inherited from its source."""
    return _read(newest, None, settings)


def read_hold(point: RecoveryPoint, source_tags: Tags, settings: Settings) -> tuple[Hold, tuple[Problem, ...]]:
    """Return the hold on a recovery point, and what is wrong with it.

    What is misspelt or not understood holds for good and is a problem; so does a `backup:...` that neither the
    vocabulary nor the source's tags (none, where the source is gone) know: it may have been meant to protect.
    """
    tag = hold_key(settings)
    known = vocabulary(settings)
    if tag not in point.tags and all(key in known for key in point.tags):
        return NOT_HELD, ()
    hold, found = _read_hold(point.tags, settings)
    problems = [*found]
    if hold.until is not None and hold.until <= point.taken and source_tags.get(tag) != point.tags[tag]:
        error = InvalidValueError("was over before the snapshot was taken, so it holds nothing; expected a day to come")
        problems.append(_WrongTag(tag, point.tags[tag], error, Severity.WARNING))
    for key, value in point.tags.items():
        if key in known:
            continue
        if _closest_key(key, settings) == tag and not _is_others(key, point.tags, settings):
            error = InvalidValueError(f'looks like "{tag}" but is another tag', tag)
            problems.append(_WrongTag(key, value, error, Severity.WARNING))
        elif key.startswith(f"{settings.tag_key}:") and key not in source_tags:
            expected = f"unknown tag, so the snapshot is held; expected {quote_all(known)}"
            problems.append(_WrongTag(key, value, InvalidValueError(expected), Severity.WARNING))
        elif not is_hold(key):
            continue
        if not hold.held or hold.until is not None:
            hold = Hold(held=True, key=key)
    return hold, _complete(point, problems, where=f"on snapshot {point.name}: ")


def own_hold(tags: Tags, settings: Settings) -> Hold:
    """Return what the vocabulary's own hold says; one that is not understood holds for good."""
    return _read_hold(tags, settings)[0]


@dataclass(frozen=True, slots=True)
class _WrongTag:
    """What is wrong with a tag, whoever's it is."""

    tag: str
    value: str
    error: InvalidValueError
    severity: Severity
    is_value: bool = False
    """Whether it is the value that is wrong, and so a value that is suggested."""


def _complete(what: Source | RecoveryPoint, wrong: Iterable[_WrongTag], where: str = "") -> tuple[Problem, ...]:
    return tuple(
        problem_of(
            what,
            where + each.error.message,
            each.severity,
            tag=each.tag,
            value=each.value,
            suggestion=each.error.suggestion,
            command=tag_command(what.name, what.region, each.tag, each.error.suggestion)
            if each.is_value and each.error.suggestion and isinstance(what, Source)
            else None,
        )
        for each in wrong
    )


def _read(what: Source | RecoveryPoint, kind: SourceKind | None, settings: Settings) -> TagReading:
    policy, hold, wrong = _read_tags(kind, what.tags, settings)
    return TagReading(policy, hold, _complete(what, wrong))


def _read_tags(
    kind: SourceKind | None, tags: Tags, settings: Settings
) -> tuple[Policy | NoPolicy, Hold, Sequence[_WrongTag]]:
    key = settings.tag_key
    hold, hold_problems = _read_source_hold(tags, settings)
    if key not in tags:
        misspelt = _misspelt_keys(tags, settings, alone=Severity.WARNING)
        return NoPolicy.UNTAGGED, hold, [*hold_problems, *misspelt, *_suffixes_alone(tags, settings)]
    found = [
        *hold_problems,
        *_unknown_suffixes(tags, settings),
        *_misspelt_keys(tags, settings, alone=Severity.ADVICE),
    ]
    if tags[key] == OFF:
        _policy({**tags, key: ""}, settings, found)
        # Nothing is to be snapshotted anyway; but what the wrong value was to keep is not known.
        return NoPolicy.OFF, hold, [_at_most_warning(wrong) for wrong in found]
    mode = f"{key}:mode"
    if kind and mode in tags and not has_modes(kind):
        error = InvalidValueError(f"has no effect on a {kind}; expected on instances only")
        found.append(_WrongTag(mode, tags[mode], error, Severity.ADVICE))
        tags = {tag: value for tag, value in tags.items() if tag != mode}
    copy = f"{key}:copy"
    if kind and not can_be_copied(kind) and tags.get(copy, OFF) != OFF:
        error = InvalidValueError(
            f"Lightsail copies no snapshots of a {kind}, so there is none in another Region; expected no such tag on "
            f'it, or "{OFF}"'
        )
        found.append(_WrongTag(copy, tags[copy], error, Severity.WARNING))
        tags = {tag: value for tag, value in tags.items() if tag != copy}
    policy = _policy(tags, settings, found)
    if policy.copies is None and f"{copy}-keep" in tags and copy not in tags:
        error = InvalidValueError(f'has no effect where nothing is copied; expected "{copy}", too')
        found.append(_WrongTag(f"{copy}-keep", tags[f"{copy}-keep"], error, Severity.ADVICE))
    is_unreadable = any(wrong.severity is Severity.ERROR for wrong in found)
    return NoPolicy.UNREADABLE if is_unreadable else policy, hold, found


def _at_most_warning(wrong: _WrongTag) -> _WrongTag:
    return replace(wrong, severity=Severity.WARNING) if wrong.severity is Severity.ERROR else wrong


def _policy(tags: Tags, settings: Settings, found: list[_WrongTag]) -> Policy:
    """Return the policy with the overrides of the tags; what is wrong is added to `found`."""
    key = settings.tag_key
    name = tags[key] or settings.default_policy
    policy = settings.policies.get(name)
    if policy is None:
        words = (*settings.policies, OFF)
        # As in "3am", and in "daily 3:00".
        first, _, rest = name.strip().partition(" ")
        is_timed = is_time_of_day(name) or (first.lower() in settings.policies and is_time_of_day(rest))
        hint = f'; a time of day belongs in the tag "{key}:at"' if is_timed else ""
        error = InvalidValueError(
            f'"{name}" is not a policy; expected {quote_all(words)}, or nothing for "{settings.default_policy}"{hint}',
            _meant(name, settings) or closest(name.strip(), words),
        )
        found.append(_WrongTag(key, name, error, Severity.ERROR, is_value=True))
        policy = settings.policies[settings.default_policy]

    def override(suffix: str, policy: Policy) -> Policy:
        tag = f"{key}:{suffix}"
        if tag not in tags:
            return policy
        # Without its copies, a source is still to be backed up.
        severity = Severity.WARNING if suffix in _OF_COPIES else Severity.ERROR
        try:
            match suffix:
                case "keep":
                    policy = replace(policy, keep=parse_keep(tags[tag]))
                case "at":
                    policy = replace(policy, schedule=with_time_of_day(policy.schedule, tags[tag]))
                case "copy":
                    policy = replace(policy, copies=_copies(tags[tag], settings))
                case "copy-keep":
                    keep = parse_keep(tags[tag])
                    policy = replace(policy, copies=replace(policy.copies, keep=keep) if policy.copies else None)
                case _:
                    policy = replace(policy, mode=_mode(tags[tag]))
        except InvalidValueError as error:
            found.append(_WrongTag(tag, tags[tag], error, severity, is_value=True))
            return replace(policy, copies=None) if suffix == "copy" else policy
        return replace(policy, overrides=policy.overrides | {suffix})

    policy = replace(policy, named_by=Origin.TAG if tags[key] else Origin.DEFAULT)
    for suffix in ("keep", "at", "mode", *_OF_COPIES):
        policy = override(suffix, policy)
    return policy


def _meant(name: str, settings: Settings) -> str | None:
    """Return the policy that is meant by a word that people write instead of one; never acted on."""
    word = name.strip().lower()
    if word in _YES:
        return settings.default_policy
    if word in _NO:
        return OFF
    named = _EVERY.get(word)
    return named if named in settings.policies else None


def _copies(value: str, settings: Settings) -> Copies | None:
    copies = parse_copy(value)
    if copies:
        check_regions(copies, settings.copies)
    return copies


def _mode(value: str) -> Mode:
    if value not in list(Mode):
        raise InvalidValueError(f'"{value}" is not a mode; expected {quote_all(Mode)}', closest(value, Mode))
    return Mode(value)


def _read_hold(tags: Tags, settings: Settings) -> tuple[Hold, tuple[_WrongTag, ...]]:
    """Return what the vocabulary's own hold says."""
    tag = hold_key(settings)
    value = tags.get(tag)
    if value is None:
        return NOT_HELD, ()
    if not value:
        return HELD, ()
    try:
        return Hold(held=True, until=parse_day_or_instant(value, settings.time_zone)), ()
    except InvalidValueError:
        error = InvalidValueError(
            f'"{value}" is not a date, so it holds for good; expected nothing, or a date such as "2027-01-31"'
        )
        return HELD, (_WrongTag(tag, value, error, Severity.WARNING),)


def _read_source_hold(tags: Tags, settings: Settings) -> tuple[Hold, tuple[_WrongTag, ...]]:
    """Return the hold that a source's tags put on all of its snapshots: the vocabulary's, or another's for good."""
    hold, problems = _read_hold(tags, settings)
    if hold.held and hold.until is None:
        return hold, problems
    others = (key for key in tags if key != hold_key(settings) and is_hold(key))
    return next((Hold(held=True, key=key) for key in others), hold), problems


def _unknown_suffixes(tags: Tags, settings: Settings) -> list[_WrongTag]:
    """Return a warning for each `backup:...` that is not in the vocabulary: what it was to say is not known."""
    known = vocabulary(settings)
    expected = f"unknown tag; expected {quote_all(known)}"
    return [
        _WrongTag(key, tags[key], InvalidValueError(expected, _closest_key(key, settings)), Severity.WARNING)
        for key in _written_for_us(tags, settings)
        if key not in known
    ]


def _suffixes_alone(tags: Tags, settings: Settings) -> list[_WrongTag]:
    """Return a warning for each `backup:...` that stands without `backup`; a hold is meant to."""
    key = settings.tag_key
    error = InvalidValueError(f'has no effect without the tag "{key}", so no snapshot is taken; expected both', key)
    alone = (tag for tag in _written_for_us(tags, settings) if tag != hold_key(settings))
    return [_WrongTag(tag, tags[tag], error, Severity.WARNING) for tag in alone]


def _misspelt_keys(tags: Tags, settings: Settings, *, alone: Severity) -> list[_WrongTag]:
    """Return a problem for each tag that looks like one of ours but is another: `Backup`, `backups`, `Backup:keep`.

    A look-alike of `backup` itself is as severe as `alone` says; one of `backup:keep` was surely meant for us, unless
    it belongs to a look-alike of `backup` beside our own: then it is another deployment's vocabulary.
    """
    known = vocabulary(settings)
    ours = _written_for_us(tags, settings)
    found: list[_WrongTag] = []
    for key, value in tags.items():
        near = None if key in ours else _closest_key(key, settings)
        if near:
            is_others = _is_others(key, tags, settings)
            severity = alone if near == known[0] else Severity.ADVICE if is_others else Severity.WARNING
            follows = ", and no snapshot is taken" if near == known[0] and settings.tag_key not in tags else ""
            error = InvalidValueError(f'looks like "{near}" but is another tag, so it is not read{follows}', near)
            found.append(_WrongTag(key, value, error, severity))
    return found


def _is_others(key: str, tags: Tags, settings: Settings) -> bool:
    """Return whether a look-alike of `backup:keep` stands beside one of `backup` and our own."""
    stem = key.rpartition(":")[0]
    return settings.tag_key in tags and stem in tags and stem != settings.tag_key


def _closest_key(key: str, settings: Settings) -> str | None:
    """Return the key of the vocabulary that `key` is, or most likely was meant to be."""
    return None if is_reserved(key) else _closest_known(key, vocabulary(settings))


@lru_cache(maxsize=4096)
def _closest_known(key: str, known: tuple[str, ...]) -> str | None:
    if key in known:
        return key
    if key.startswith(f"{known[0]}:"):
        return closest(key, known)

    def plain(word: str) -> str:
        return re.sub(r"[ ._/-]", ":", word)

    by_plain = {plain(word): word for word in known}
    # A longer word has to be nearer: much of it is "backup:" anyway.
    main = closest(plain(key), [plain(known[0])], cutoff=0.82)
    near = closest(plain(key), by_plain, cutoff=0.87) or main
    return by_plain[near] if near else None


def snapshot_tags(
    source: Source, slot: datetime, settings: Settings, now: datetime, also: Tags = MappingProxyType({})
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the tags a snapshot of `source` is born with at `now` (UTC), and the keys for which there was no room.

    What `also` has is among them.

    The source's tags are inherited, except those of AWS and of ours, in whatever letters, and a hold that is over. The
    user's vocabulary comes first, as the retention of an orphan depends on it; then the recipe, then what else the
    source has.
    """
    hold, _ = _read_hold(source.tags, settings)
    is_over = hold.held and not hold.is_on(now)
    inherited = {
        key: value
        for key, value in source.tags.items()
        if not is_reserved(key) and not (is_over and key == hold_key(settings))
    }
    first = policy_tags(inherited, settings)
    room = _ROOM - len(also)
    recipe, _ = _recipe_in(source, room - len(first))
    room -= len(recipe)
    keys = [*first, *sorted(key for key in inherited if key not in first)]
    tags = {key: inherited[key] for key in keys[:room]}
    own = {
        **also,
        OWNER: settings.deployment,
        SOURCE: source.arn,
        SLOT: format_instant(slot),
        FORMAT: FORMAT_NOW,
    }
    return tags | recipe | own, tuple(keys[room:])


def copy_tags(original: Snapshot, point: RecoveryPoint, settings: Settings) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the tags for a copy, and the keys for which there was no room.

    It gets everything that its original has, but for a mark, and when its content is from, and of which source.
    """
    given = {
        key: value for key, value in original.tags.items() if key != EXPIRES and not key.lower().startswith(_AWS_PREFIX)
    }
    ours = {key: value for key, value in given.items() if is_reserved(key)}
    ours |= {TAKEN: format_instant(point.taken), NAME: point.source_name}
    users = {key: value for key, value in given.items() if key not in ours}
    first = policy_tags(users, settings)
    keys = [*first, *sorted(key for key in users if key not in first)]
    most = MAX_TAGS - len(ours)
    # For a mark, and for a user's hold where there is none yet; unless the vocabulary itself has no room beside them.
    room = max(most - 1 - (hold_key(settings) not in users), min(len(first), most))
    return {key: users[key] for key in keys[:room]} | ours, tuple(keys[room:])


def recipe_without_room(source: Source, settings: Settings) -> tuple[Part, ...]:
    """Return the parts of a source's recipe that are known, and for which the tags of its snapshots have no room."""
    if source.recipe is None or (len(source.tags) <= _FEW_TAGS and is_small(source.recipe)):
        return ()
    _, missing = _recipe_in(source, _ROOM - len(policy_tags(source.tags, settings)))
    return tuple(part for part in missing if part not in source.recipe.missing)


def _recipe_in(source: Source, room: int) -> tuple[dict[str, str], tuple[Part, ...]]:
    return recipe_tags(source.recipe, room) if source.recipe else ({}, ())


def read_snapshot(snapshot: Snapshot, settings: Settings) -> RecoveryPoint | Problem | None:
    """Return the recovery point that a snapshot is, if it is ours; a problem if it only half looks so; else None.

    Ours are those that carry our owner tag and a source tag, *and* whose name and origin are what those tags say. A
    snapshot with tags copied from ours is a user's own, and so never touched; it is reported. Of one in a format that
    this release does not know, slot and name may say what they say in another way: it is ours, and left alone.
    """
    owner, source_arn, slot_text = (snapshot.tags.get(key) for key in (OWNER, SOURCE, SLOT))
    is_rescued = TAKEN in snapshot.tags
    if owner != settings.deployment or not source_arn or (snapshot.from_auto_snapshot and not is_rescued):
        return None
    slot = _own_instant(slot_text)
    is_copy = region_of(source_arn) != snapshot.region
    # Both say themselves of when and of what they are: nobody knows what Lightsail says of that.
    is_made_of_another = is_copy or is_rescued
    source_name, taken = (
        _origin_of_copy(snapshot) if is_made_of_another else (snapshot.source_name, snapshot.created_at)
    )
    if is_made_of_another and slot and taken and taken < slot - OFF_THE_CLOCK:
        # Nothing is taken before it is asked for: somebody has edited it.
        taken = None
    attempt = _attempt_of(snapshot, source_name, source_arn, slot, settings) if slot else None
    newer_format = _newer_format(snapshot.tags)
    if newer_format is not None and attempt is None:
        # A slot that the name does not bear out may be none, and must not cover what is to come.
        slot, attempt = snapshot.created_at, 1
    foreign = not is_copy and bool(snapshot.source_arns) and source_arn not in snapshot.source_arns
    if slot is None or attempt is None or taken is None or not source_name or foreign:
        return Problem(
            region=snapshot.region,
            source=snapshot.source_name,
            arn=next(iter(snapshot.source_arns), None),
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
        taken=taken,
        size_gib=snapshot.size_gib,
        source_name=intern(source_name),
        source_arn=intern(source_arn),
        slot=slot,
        attempt=attempt,
        expires_at=_own_instant(snapshot.tags.get(EXPIRES)) if newer_format is None else None,
        tags=_shared(tuple(policy_tags(snapshot.tags, settings).items())),
        disks=snapshot.disks,
        is_full=len(snapshot.tags) >= MAX_TAGS and EXPIRES not in snapshot.tags,
        by_hand=BY_HAND in snapshot.tags,
        lacks=missing_parts(snapshot.tags),
        copied_at=snapshot.created_at if is_made_of_another else None,
        newer_format=newer_format,
    )


def is_unfinished(snapshot: Snapshot) -> bool:
    """Return whether a snapshot may be a copy that lacks its tags: it has none at all, and a name of our form."""
    return not snapshot.tags and digest_in(snapshot.name) is not None


def _origin_of_copy(snapshot: Snapshot) -> tuple[str, datetime | None]:
    """Return the name of the source of a copy, and when its content is from: no later than when it was made."""
    taken = _own_instant(snapshot.tags.get(TAKEN))
    return snapshot.tags.get(NAME, ""), min(taken, snapshot.created_at) if taken else None


def _attempt_of(
    snapshot: Snapshot, source_name: str, source_arn: str, slot: datetime, settings: Settings
) -> int | None:
    name, deployment, region = snapshot.name, settings.deployment, snapshot.region
    if region_of(source_arn) != region or TAKEN in snapshot.tags:
        return attempt_of_copy(name, source_name, source_arn, deployment, slot, region)
    return attempt_of(name, source_name, source_arn, deployment, slot)


def _newer_format(tags: Tags) -> str | None:
    """Return the format of a snapshot's tags if it is one that this release does not know."""
    told = tags.get(FORMAT)
    return None if told == FORMAT_NOW else told


@lru_cache(maxsize=16384)
def _shared(tags: tuple[tuple[str, str], ...]) -> Tags:
    """Return these tags as one object for all that have them: there are thousands of snapshots."""
    return dict(tags)


@lru_cache(maxsize=16384)
def _own_instant(text: str | None) -> datetime | None:
    """Return the instant in a tag of ours, or None if it is not as we write it."""
    try:
        slot = parse_instant(text or "", parse_zone("UTC"))
    except InvalidValueError:
        return None
    return slot if format_instant(slot) == text else None
