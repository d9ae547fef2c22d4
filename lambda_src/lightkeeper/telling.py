"""Tells a person what is new, once. What was told is remembered where it was told: in tags of the topic.

There is no database for it. A tick compares what is open with what the topic remembers, publishes if anything is new,
and then remembers what is open now. In this order: a crash in between tells twice rather than never. Two runs at the
same time may both tell; the one that ends last is remembered, and the next tick puts that right.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from lightkeeper.cycle import Tick
from lightkeeper.digest import Message, compose, is_complete, matters
from lightkeeper.schedule import current_slot
from lightkeeper.settings import Settings
from lightkeeper.times import format_instant, parse_instant, parse_zone
from lightkeeper.wording import InvalidValueError

TOPIC_VARIABLE: Final = "LIGHTKEEPER_TOPIC"
"""The environment variable with the topic's ARN; without it nobody is told."""
DASHBOARD_VARIABLE: Final = "LIGHTKEEPER_DASHBOARD"
"""The environment variable with the dashboard's address."""
MAX_CALLS: Final = 4
"""That telling makes: what is remembered, the message, and two to remember."""
_TOLD: Final = "lightkeeper:told:"
_DIGEST: Final = "lightkeeper:digest"
_ALL: Final = "all="
_SEPARATOR: Final = " "
# A tag's value has 256 characters, a resource 50 tags; ten are left to the user.
_KEYS_IN_A_TAG: Final = 28
_MAX_TAGS: Final = 39
CAPACITY: Final = _KEYS_IN_A_TAG * _MAX_TAGS
"""Matters that can be remembered one by one. Beyond, they are remembered as a whole: any change is then news."""


class Channel(Protocol):
    """Where people are told. Every method raises `TopicError` when its call fails."""

    def publish(self, message: Message) -> None:
        """Send a message to everybody who listens."""

    def tags(self) -> Mapping[str, str]:
        """Return the topic's tags, anybody's."""

    def tag(self, tags: Mapping[str, str]) -> None:
        """Set tags."""

    def untag(self, keys: Iterable[str]) -> None:
        """Remove tags."""


class TopicError(Exception):
    """Nobody could be told, or it could not be remembered; a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What was last told."""

    told: frozenset[str] = frozenset()
    """The keys of the matters that were open."""
    whole: str | None = None
    """A fingerprint of all of them, where they are too many for `told`."""
    digest: datetime | None = None
    """The time of day, UTC, that the last daily digest was for."""

    @classmethod
    def of(cls, told: frozenset[str], digest: datetime | None) -> "Memory":
        """Return the memory of open matters."""
        return cls(told, None, digest) if len(told) <= CAPACITY else cls(frozenset(), _fingerprint(told), digest)

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> "Memory":
        """Return the memory in a topic's tags; what is none of ours, or not understood, is as if forgotten."""
        values = [value for key, value in tags.items() if key.startswith(_TOLD)]
        whole = next((value.removeprefix(_ALL) for value in values if value.startswith(_ALL)), None)
        told = frozenset() if whole else frozenset(key for value in values for key in value.split(_SEPARATOR) if key)
        return cls(told, whole, _instant(tags.get(_DIGEST)))

    def to_tags(self) -> dict[str, str]:
        """Return the tags that `from_tags` reads this from."""
        keys = sorted(self.told)
        chunks = [keys[start : start + _KEYS_IN_A_TAG] for start in range(0, len(keys), _KEYS_IN_A_TAG)]
        values = [_ALL + self.whole] if self.whole else [_SEPARATOR.join(chunk) for chunk in chunks]
        tags = {f"{_TOLD}{number}": value for number, value in enumerate(values, 1)}
        return tags | ({_DIGEST: format_instant(self.digest)} if self.digest else {})

    def known(self, keys: frozenset[str]) -> frozenset[str]:
        """Return those of the open matters that were told."""
        if self.whole:
            return keys if self.whole == _fingerprint(keys) else frozenset()
        return keys & self.told


def tell(tick: Tick, settings: Settings, channel: Channel, *, dashboard: str | None) -> Message | None:
    """Tell what is new, and the day's digest where it is due; return the message, or None if there was nothing to tell.

    Raises
    ------
    TopicError
        If it could not be told or remembered: then the next run tells it.
    """
    tags = channel.tags()
    memory = Memory.from_tags(tags)
    due = _due(tick, settings, memory)
    found = matters(tick, settings)
    open_now = frozenset(matter.key for matter in found)
    known = memory.known(open_now)
    new = [matter for matter in found if matter.key not in known]
    still = [matter for matter in found if matter.key in known]
    message = None
    if new or due:
        message = compose(new, still, tick, settings, daily=bool(due), dashboard=dashboard)
        channel.publish(message)
    # What an incomplete tick has not seen is not over.
    not_over = frozenset() if is_complete(tick) else memory.told
    _remember(channel, tags, Memory.of(open_now | not_over, due or memory.digest))
    return message


def _due(tick: Tick, settings: Settings, memory: Memory) -> datetime | None:
    """Return the time of day whose digest is due, or None."""
    if settings.digest is None:
        return None
    slot = current_slot(settings.digest, tick.plan.now)
    return slot if memory.digest is None or slot > memory.digest else None


def _remember(channel: Channel, tags: Mapping[str, str], memory: Memory) -> None:
    wanted = memory.to_tags()
    changed = {key: value for key, value in wanted.items() if tags.get(key) != value}
    stale = [key for key in tags if key.startswith((_TOLD, _DIGEST)) and key not in wanted]
    if changed:
        channel.tag(changed)
    if stale:
        channel.untag(stale)


def _fingerprint(keys: Iterable[str]) -> str:
    return hashlib.sha256(json.dumps(sorted(keys)).encode()).hexdigest()[:16]


def _instant(text: str | None) -> datetime | None:
    try:
        return parse_instant(text or "", parse_zone("UTC"))
    except InvalidValueError:
        return None
