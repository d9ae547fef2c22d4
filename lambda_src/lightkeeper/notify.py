"""Notifies people of what is new, once. What they were notified of is remembered where they were: in the topic's tags.

There is no database for it. A run compares what is open with what the topic remembers, publishes if anything is new,
and then remembers what is open now. In this order: a crash in between notifies twice rather than never. Two runs at the
same time may both notify; the one that ends last is remembered, and the next run puts that right.

Where the topic refuses to be tagged, nothing can be remembered: then each day one message has all that is open.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from lightkeeper.errors import InvalidValueError
from lightkeeper.findings import Finding, FindingKind, findings, overdue_keys, region_key, unseen_regions
from lightkeeper.message import Message, compose
from lightkeeper.run import Run
from lightkeeper.schedule import current_slot, parse_schedule
from lightkeeper.sender import Sender
from lightkeeper.settings import Settings
from lightkeeper.ticks import longest_gap_of_tick
from lightkeeper.times import format_instant, format_minute, parse_instant, parse_zone

TOPIC_VARIABLE: Final = "LIGHTKEEPER_TOPIC"
"""The environment variable with the topic's ARN; without it nobody is notified."""
DASHBOARD_VARIABLE: Final = "LIGHTKEEPER_DASHBOARD"
"""The environment variable with the dashboard's address."""
RUNBOOK_VARIABLE: Final = "LIGHTKEEPER_RUNBOOK"
"""The environment variable with the runbook's address, if there is one."""
MAX_CALLS: Final = 5
"""That a notification makes: what is remembered, whether it can be, the message, and two to remember.

Each topic that `notify` in the settings names takes one more, see `max_calls`.
"""
# The keys of the topic's tags: another word would forget what deployed stacks remember.
_NOTIFIED: Final = "lightkeeper:told:"
_NOTIFYING: Final = "lightkeeper:telling"
_REGIONS: Final = "lightkeeper:regions:"
_DIGEST: Final = "lightkeeper:digest"
_MISSED: Final = "lightkeeper:missed"
_ALL: Final = "all="
_SEPARATOR: Final = " "
# A tag's value has 256 characters, a resource 50 tags; ten are left to the user.
_KEYS_IN_A_TAG: Final = 28
_MAX_TAGS: Final = 36
_REGIONS_IN_A_TAG: Final = 12
# When the message comes of what cannot be remembered, where no digest has a time of its own.
_MORNING: Final = "0 8 * * *"
CAPACITY: Final = _KEYS_IN_A_TAG * _MAX_TAGS
"""Findings that can be remembered one by one. Beyond, they are remembered as a whole: any change is then news."""


class Publisher(Protocol):
    """Where people are notified."""

    @property
    def arn(self) -> str:
        """The topic's ARN."""

    def publish(self, message: Message) -> None:
        """Send a message to everybody who listens. Raises `TopicError` if the call fails."""


class Channel(Publisher, Protocol):
    """The deployment's own topic. Every method raises `TopicError` when its call fails."""

    notified_for: datetime | None
    """Where the topic cannot be tagged: the morning, UTC, for which this process has notified. A retry must not do it
    again."""

    def tags(self) -> Mapping[str, str]:
        """Return the topic's tags, anybody's."""

    def tag(self, tags: Mapping[str, str]) -> None:
        """Set tags."""

    def untag(self, keys: Iterable[str]) -> None:
        """Remove tags."""


class TopicError(Exception):
    """Nobody could be notified, or it could not be remembered; a sentence that says why.

    Parameters
    ----------
    message
        The sentence.
    is_refused
        Whether a permission is missing: trying again does not help.
    """

    def __init__(self, message: str, *, is_refused: bool = False) -> None:
        self.is_refused = is_refused
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Memory:
    """What people were last notified of."""

    notified: frozenset[str] = frozenset()
    """The keys of the findings that were open."""
    whole: str | None = None
    """A fingerprint of all of them, where they are too many for `notified`."""
    digest: datetime | None = None
    """The time of day, UTC, that the last daily digest was for."""
    regions: tuple[str, ...] = ()
    """Which Regions were looked after."""
    missed: frozenset[str] = frozenset()
    """Fingerprints of the topics that the last message could not be sent to."""

    @classmethod
    def of(
        cls,
        notified: frozenset[str],
        digest: datetime | None,
        regions: Iterable[str],
        missed: frozenset[str] = frozenset(),
    ) -> "Memory":
        """Return the memory of open findings."""
        if len(notified) > CAPACITY:
            return cls(frozenset(), _fingerprint(notified), digest, tuple(regions), missed)
        return cls(notified, None, digest, tuple(regions), missed)

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> "Memory":
        """Return the memory in a topic's tags; what is none of ours, or not understood, is as if forgotten."""
        values = [value for key, value in tags.items() if key.startswith(_NOTIFIED)]
        whole = next((value.removeprefix(_ALL) for value in values if value.startswith(_ALL)), None)
        keys = () if whole else (key for value in values for key in value.split(_SEPARATOR) if key)
        regions = [name for key in sorted(tags) if key.startswith(_REGIONS) for name in tags[key].split(_SEPARATOR)]
        return cls(
            frozenset(keys),
            whole,
            _instant(tags.get(_DIGEST)),
            tuple(name for name in regions if name),
            frozenset(tags.get(_MISSED, "").split()),
        )

    def to_tags(self) -> dict[str, str]:
        """Return the tags that `from_tags` reads this from."""
        notified = [_ALL + self.whole] if self.whole else _chunks(sorted(self.notified), _KEYS_IN_A_TAG)
        regions = _chunks(self.regions, _REGIONS_IN_A_TAG)
        tags = {f"{_NOTIFIED}{number}": value for number, value in enumerate(notified, 1)}
        tags |= {f"{_REGIONS}{number}": value for number, value in enumerate(regions, 1)}
        tags |= {_MISSED: _SEPARATOR.join(sorted(self.missed))} if self.missed else {}
        return tags | ({_DIGEST: format_instant(self.digest)} if self.digest else {})

    def known(self, keys: frozenset[str]) -> frozenset[str]:
        """Return those of the open findings that people were notified of."""
        if self.whole:
            return keys if self.whole == _fingerprint(keys) else frozenset()
        return keys & self.notified


def max_calls(settings: Settings) -> int:
    """Return how many calls a notification makes at most."""
    return MAX_CALLS + len(settings.notify_topics)


def notify(
    run: Run, settings: Settings, channel: Channel, others: Sequence[Publisher] = (), *, sender: Sender
) -> Message | None:
    """Send what is new, and the day's digest where it is due; return the message, or None if there was nothing to send.

    Parameters
    ----------
    run
        What stands, and what was done.
    settings
        The deployment's.
    channel
        Its own topic, which remembers.
    others
        Topics of other people that get the same. One that a message could not be sent to gets all that is open, as
        soon as it can be reached again.
    sender
        Which deployment, of which account, in which Region.

    Raises
    ------
    TopicError
        If it could not be sent or remembered: then the next run sends it.
    """
    try:
        tags = channel.tags()
        memory = Memory.from_tags(tags)
        due = _due(run, settings, memory)
        found = findings(run, settings, memory.regions, sender=sender)
        open_now = frozenset(finding.key for finding in found)
        known = memory.known(open_now)
        new = [finding for finding in found if finding.key not in known]
        # What follows from something that people know is listed, and left to the alarm: where that rings.
        causes = known if _alarm_begins(run, memory) else frozenset()
        is_news = any(finding.because_of is None or finding.because_of not in causes for finding in new)
        if is_news or due:
            # Whether it can be remembered shows before it is sent: else it would be sent in every run.
            channel.tag({_NOTIFYING: format_instant(run.plan.now)})
    except TopicError as error:
        if error.is_refused:
            _notify_once_a_day(run, settings, channel, others, str(error), sender=sender)
        raise
    message = None
    still = [finding for finding in found if finding.key in known and finding.kind is not FindingKind.STOPPED]
    if is_news or due:
        message = compose(new, still, run, settings, daily=bool(due), sender=sender)
        channel.publish(message)
    behind = memory.missed
    caught_up = compose([*new, *still], [], run, settings, daily=False, sender=sender) if behind else message
    missed = _publish_to(others, message, caught_up, behind)
    # What a run has not seen is not over.
    unseen = tuple(map(region_key, unseen_regions(run)))
    not_over = frozenset(key for key in memory.notified if key.startswith(unseen))
    fingerprints = frozenset(map(_topic_key, missed))
    known_now = Memory.of(open_now | not_over, due or memory.digest, run.plan.regions, fingerprints)
    _remember(channel, tags, known_now)
    if missed:
        raise TopicError("; ".join(f"{arn}: {error}" for arn, error in missed.items()))
    return message


def _alarm_begins(run: Run, memory: Memory) -> bool:
    """Return whether the alarm on what is overdue can begin with this run.

    It does not ring a second time for another source, and while a list fails it is given no number.
    """
    is_on = memory.whole is not None or bool(memory.notified & overdue_keys(run.plan))
    return not is_on and not run.plan.failures


def _publish_to(
    others: Sequence[Publisher], message: Message | None, caught_up: Message | None, behind: frozenset[str]
) -> dict[str, TopicError]:
    """Send the message, or all that is open to those that have missed one; return by ARN why not."""
    missed: dict[str, TopicError] = {}
    for topic in others:
        due = caught_up if _topic_key(topic.arn) in behind else message
        if due is not None:
            try:
                topic.publish(due)
            except TopicError as error:
                missed[topic.arn] = error
    return missed


def _notify_once_a_day(  # noqa: PLR0913 - all that a notification needs, and why it is this one
    run: Run, settings: Settings, channel: Channel, others: Sequence[Publisher], why: str, *, sender: Sender
) -> None:
    """Send everything that is open, in the first run of the day, and that it cannot be remembered."""
    morning = settings.digest or parse_schedule(_MORNING, settings.time_zone)
    slot = current_slot(morning, run.plan.now)
    if slot <= run.plan.now - longest_gap_of_tick(settings.tick) or channel.notified_for == slot:
        return
    found = findings(run, settings, sender=sender)
    forgetful = Finding(
        kind=FindingKind.FAILED,
        region="",
        source=settings.deployment,
        what=f"Lightkeeper cannot remember what it has notified you of: {why}.",
        since=f"The run of {format_minute(run.plan.now, settings.time_zone)}. Until it can, this message comes once a "
        "day.",
        do="Grant the function's role the permission, or deploy again.",
        key="",
    )
    message = compose([*found, forgetful], [], run, settings, daily=False, sender=sender)
    channel.publish(message)
    channel.notified_for = slot
    # That this goes wrong, too, cannot be remembered either; the run fails as it is.
    _publish_to(others, message, message, frozenset())


def _due(run: Run, settings: Settings, memory: Memory) -> datetime | None:
    """Return the time of day whose digest is due, or None."""
    if settings.digest is None:
        return None
    slot = current_slot(settings.digest, run.plan.now)
    return slot if memory.digest is None or slot > memory.digest else None


def _remember(channel: Channel, tags: Mapping[str, str], memory: Memory) -> None:
    wanted = memory.to_tags()
    changed = {key: value for key, value in wanted.items() if tags.get(key) != value}
    stale = [key for key in tags if key.startswith((_NOTIFIED, _DIGEST, _REGIONS, _MISSED)) and key not in wanted]
    if changed:
        channel.tag(changed)
    if stale:
        channel.untag(stale)


def _chunks(words: Sequence[str], size: int) -> list[str]:
    return [_SEPARATOR.join(words[start : start + size]) for start in range(0, len(words), size)]


def _topic_key(arn: str) -> str:
    return hashlib.sha256(arn.encode()).hexdigest()[:8]


def _fingerprint(keys: Iterable[str]) -> str:
    return hashlib.sha256(json.dumps(sorted(keys)).encode()).hexdigest()[:16]


def _instant(text: str | None) -> datetime | None:
    try:
        return parse_instant(text or "", parse_zone("UTC"))
    except InvalidValueError:
        return None
