"""Notifies people of what is new, once. What they were notified of is remembered where they were: in the topic's tags.

There is no database for it. A run compares what is open with what the topic remembers, publishes if anything is new,
and then remembers what is open now. In this order: a crash in between notifies twice rather than never. Two runs at the
same time may both notify; the one that ends last is remembered, and the next run puts that right.

Where the topic refuses to be tagged, nothing can be remembered: then each day one message has all that is open.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol

from lightkeeper.errors import InvalidValueError
from lightkeeper.finding import Finding, FindingKind, region_key
from lightkeeper.findings import findings, overdue_keys, unseen_regions
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
# A tag's value has 256 characters, a resource 50 tags; ten are left to the user, and six to what else is remembered.
_KEYS_IN_A_TAG: Final = 28
_MAX_TAGS: Final = 34
_REGIONS_IN_A_TAG: Final = 12
# When the message comes of what cannot be remembered, where no digest has a time of its own.
_MORNING: Final = "0 8 * * *"
CAPACITY: Final = _KEYS_IN_A_TAG * _MAX_TAGS
"""Findings that can be remembered one by one. Beyond, they are remembered as a whole: any change is then news, unless
they are at hand elsewhere: `News.told_before`."""


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
    left: frozenset[str] = frozenset()
    """The keys of the findings that were open and left to the alarm, as what they follow from was told."""

    @classmethod
    def of(
        cls,
        notified: frozenset[str],
        digest: datetime | None,
        regions: Iterable[str],
        missed: frozenset[str] = frozenset(),
        left: frozenset[str] = frozenset(),
    ) -> "Memory":
        """Return the memory of open findings."""
        if len(notified) + len(left) > CAPACITY:
            return cls(frozenset(), _fingerprint(notified), digest, tuple(regions), missed)
        return cls(notified, None, digest, tuple(regions), missed, left)

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> "Memory":
        """Return the memory in a topic's tags; what is none of ours, or not understood, is as if forgotten."""
        values = [value for key, value in tags.items() if key.startswith(_NOTIFIED)]
        whole = next((value.removeprefix(_ALL) for value in values if value.startswith(_ALL)), None)
        words = () if whole else [word for value in values for word in value.split(_SEPARATOR) if word]
        regions = [name for key in sorted(tags) if key.startswith(_REGIONS) for name in tags[key].split(_SEPARATOR)]
        notified, left = _keys(words)
        return cls(
            notified,
            whole,
            _instant(tags.get(_DIGEST)),
            tuple(name for name in regions if name),
            frozenset(tags.get(_MISSED, "").split()),
            left,
        )

    def to_tags(self) -> dict[str, str]:
        """Return the tags that `from_tags` reads this from."""
        notified = [_ALL + self.whole] if self.whole else _chunks(_words(self.notified, self.left), _KEYS_IN_A_TAG)
        regions = _chunks(self.regions, _REGIONS_IN_A_TAG)
        tags = {f"{_NOTIFIED}{number}": value for number, value in enumerate(notified, 1)}
        tags |= {f"{_REGIONS}{number}": value for number, value in enumerate(regions, 1)}
        tags |= {_MISSED: _SEPARATOR.join(sorted(self.missed))} if self.missed else {}
        return tags | ({_DIGEST: format_instant(self.digest)} if self.digest else {})

    def recalled(self, words: Iterable[str]) -> "Memory":
        """Return the same with its findings one by one, where they are remembered as a whole and these are they."""
        notified, left = _keys(words)
        if self.whole is None or self.whole != _fingerprint(notified):
            return self
        return replace(self, whole=None, notified=notified, left=left)

    def known(self, keys: frozenset[str]) -> frozenset[str]:
        """Return those of the open findings that people were notified of."""
        if self.whole:
            return keys if self.whole == _fingerprint(keys) else frozenset()
        return keys & self.notified


class News(Protocol):
    """What there is to tell people: of a run, or of a fleet."""

    @property
    def now(self) -> datetime:
        """The scheduled time of the run, UTC."""

    @property
    def regions(self) -> tuple[str, ...]:
        """Which Regions are looked after."""

    @property
    def unseen(self) -> tuple[str, ...]:
        """What the keys of those findings begin with that may not be over, as nobody has seen that they are."""

    @property
    def told_before(self) -> Iterable[str]:
        """The `Told.words` of last time, as far as they are at hand; the topic's tags say whether they are these."""

    def findings(self, regions_before: Iterable[str]) -> Sequence[Finding]:
        """Return what needs a person, the most pressing first; `regions_before` are those looked after before."""

    def alarm_begins(self, memory: Memory) -> bool:
        """Return whether the alarm on what is overdue can begin now."""

    def compose(self, new: Sequence[Finding], still: Sequence[Finding], *, daily: bool) -> Message:
        """Return the message: what is new, what is still open, and whether it is the day's digest, too."""


@dataclass(frozen=True, slots=True)
class Told:
    """What people have been told."""

    message: Message | None
    """None: there was nothing to send."""
    words: tuple[str, ...]
    """What they have been notified of, and what was left to the alarm, as a topic's tags have it."""
    missed: Mapping[str, TopicError] = field(default_factory=dict)
    """The ARNs of the topics that it could not be sent to, and why."""


@dataclass(frozen=True, slots=True)
class _RunNews:
    """What there is to tell of a run in one account."""

    run: Run
    settings: Settings
    sender: Sender
    told_before: tuple[str, ...] = ()

    @property
    def now(self) -> datetime:
        return self.run.plan.now

    @property
    def regions(self) -> tuple[str, ...]:
        return self.run.plan.regions

    @property
    def unseen(self) -> tuple[str, ...]:
        return tuple(map(region_key, unseen_regions(self.run, self.settings)))

    def findings(self, regions_before: Iterable[str]) -> Sequence[Finding]:
        return findings(self.run, self.settings, regions_before, sender=self.sender)

    def alarm_begins(self, memory: Memory) -> bool:
        # It does not ring a second time for another source, and while a list fails it is given no number.
        is_on = memory.whole is not None or bool((memory.notified | memory.left) & overdue_keys(self.run.plan))
        return not is_on and not self.run.plan.unread

    def compose(self, new: Sequence[Finding], still: Sequence[Finding], *, daily: bool) -> Message:
        return compose(new, still, self.run, self.settings, daily=daily, sender=self.sender)


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
    told = tell(_RunNews(run, settings, sender), settings, channel, others)
    if told.missed:
        raise missed_by(told.missed)
    return told.message


def missed_by(topics: Mapping[str, TopicError]) -> TopicError:
    """Return what is wrong where other people's topics could not be reached."""
    return TopicError("; ".join(f"{arn}: {error}" for arn, error in topics.items()))


def tell(news: News, settings: Settings, channel: Channel, others: Sequence[Publisher]) -> Told:
    """Send what is new, and the day's digest where it is due, and remember it; for the parameters, see `notify`.

    Raises
    ------
    TopicError
        If it could not be sent to the deployment's own topic, or remembered: then the next run sends it.
    """
    try:
        tags = channel.tags()
        memory = Memory.from_tags(tags).recalled(news.told_before)
        digest = _due(news, settings, memory)
        found = news.findings(memory.regions)
        open_now = frozenset(finding.key for finding in found)
        known = memory.known(open_now)
        new = [finding for finding in found if finding.key not in known]
        # What follows from something that people know is left to the alarm: where that rings, and until the other is
        # over. In a message for another reason it is listed.
        rings = news.alarm_begins(memory)
        is_news = any(each.because_of not in known or not (rings or each.key in memory.left) for each in new)
        if is_news or digest:
            # Whether it can be remembered shows before it is sent: else it would be sent in every run.
            channel.tag({_NOTIFYING: format_instant(news.now)})
    except TopicError as error:
        if error.is_refused:
            _notify_once_a_day(news, settings, channel, others, str(error))
        raise
    message = None
    still = [finding for finding in found if finding.key in known and finding.kind is not FindingKind.STOPPED]
    if is_news or digest:
        message = news.compose(new, still, daily=bool(digest))
        channel.publish(message)
    behind = memory.missed
    # Also what is said once only: they have not heard it.
    caught_up = news.compose(found, [], daily=False) if behind else message
    wanted = ((topic, caught_up if _topic_key(topic.arn) in behind else message) for topic in others)
    missed = send((topic, due) for topic, due in wanted if due is not None)
    # What a run has not seen is not over.
    not_over = frozenset(key for key in memory.notified if key.startswith(news.unseen))
    left_unseen = frozenset(key for key in memory.left if key.startswith(news.unseen))
    fingerprints = frozenset(map(_topic_key, missed))
    told = (open_now if message else known) | not_over
    left = (open_now | left_unseen) - told
    # Nor is a Region forgotten of which somebody has yet to hear that it is no longer looked after.
    regions = dict.fromkeys([*news.regions, *(memory.regions if missed else ())])
    _remember(channel, tags, Memory.of(told, digest or memory.digest, regions, fingerprints, left))
    return Told(message, tuple(_words(told, left)), missed)


def send(messages: Iterable[tuple[Publisher, Message]]) -> dict[str, TopicError]:
    """Send each topic its message, whatever becomes of the others'; return by ARN why it could not be sent."""
    missed: dict[str, TopicError] = {}
    for topic, message in messages:
        try:
            topic.publish(message)
        except TopicError as error:
            missed[topic.arn] = error
    return missed


def _notify_once_a_day(news: News, settings: Settings, channel: Channel, others: Sequence[Publisher], why: str) -> None:
    """Send everything that is open, in the first run of the day, and that it cannot be remembered."""
    morning = settings.digest or parse_schedule(_MORNING, settings.time_zone)
    slot = current_slot(morning, news.now)
    if slot <= news.now - longest_gap_of_tick(settings.tick) or channel.notified_for == slot:
        return
    forgetful = Finding(
        kind=FindingKind.FAILED,
        region="",
        source=settings.deployment,
        what=f"Lightkeeper cannot remember what it has notified you of: {why}.",
        since=f"The run of {format_minute(news.now, settings.time_zone)}. Until it can, this message comes once a day.",
        do="Grant the function's role the permission, or deploy again.",
        key="",
    )
    message = news.compose([*news.findings(()), forgetful], [], daily=False)
    channel.publish(message)
    channel.notified_for = slot
    # That this goes wrong, too, cannot be remembered either; the run fails as it is.
    send((topic, message) for topic in others)


def _due(news: News, settings: Settings, memory: Memory) -> datetime | None:
    """Return the time of day whose digest is due, or None."""
    if settings.digest is None:
        return None
    slot = current_slot(settings.digest, news.now)
    return slot if memory.digest is None or slot > memory.digest else None


def _remember(channel: Channel, tags: Mapping[str, str], memory: Memory) -> None:
    wanted = memory.to_tags()
    changed = {key: value for key, value in wanted.items() if tags.get(key) != value}
    stale = [key for key in tags if key.startswith((_NOTIFIED, _DIGEST, _REGIONS, _MISSED)) and key not in wanted]
    if changed:
        channel.tag(changed)
    if stale:
        channel.untag(stale)


def _words(notified: Iterable[str], left: Iterable[str]) -> list[str]:
    # In capitals, a key takes no more room. An earlier release does not know it, and tells people of it again.
    return sorted([*notified, *map(str.upper, left)])


def _keys(words: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return what people were notified of, and what was left to the alarm."""
    both = frozenset(words)
    notified = frozenset(word for word in both if word == word.lower())
    return notified, frozenset(map(str.lower, both - notified))


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
