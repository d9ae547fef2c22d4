"""What Lightsail takes for a name and for a tag."""

import re
from collections.abc import Iterable, Mapping

from lightsail_sandbox.backend.exceptions import InvalidInputError

_SNAPSHOT_NAME = re.compile(r"\w[\w\-]*\w", re.ASCII)
_SOURCE_NAME = re.compile(r"\w[\w\-.]*\w", re.ASCII)
_DATABASE_NAME = re.compile(r"[a-z0-9][a-z0-9\-]*[a-z0-9]", re.ASCII | re.IGNORECASE)
_NAME_LENGTH = 255

_TAG_TEXT = re.compile(r"[\w .:/=+\-@]*")
_TAGS_PER_RESOURCE = 50
_TAG_KEY_LENGTH = 128
_TAG_VALUE_LENGTH = 256


def check_source_name(name: str) -> None:
    """Refuse what cannot be the name of a disk or an instance."""
    _check_name(name, _SOURCE_NAME, "letters, digits, hyphens, underscores and dots")


def check_snapshot_name(name: str) -> None:
    """Refuse what cannot be the name of a snapshot of a disk or an instance: no dots here."""
    _check_name(name, _SNAPSHOT_NAME, "letters, digits, hyphens and underscores")


def check_database_name(name: str) -> None:
    """Refuse what cannot be the name of a database or of a snapshot of one: no underscores either."""
    _check_name(name, _DATABASE_NAME, "letters, digits and hyphens")


def _check_name(name: str, pattern: re.Pattern[str], characters: str) -> None:
    if len(name) > _NAME_LENGTH or not pattern.fullmatch(name):
        raise InvalidInputError(
            f"Invalid resource name: {name!r}. A name has 2 to {_NAME_LENGTH} characters: {characters}, "
            "with a letter or digit at both ends."
        )


def read_tags(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Read a request's tags, or refuse them all. A tag without a value gets an empty one here."""
    read: dict[str, str] = {}
    for tag in tags:
        key, value = tag.get("key", ""), tag.get("value", "")
        _check_tag(key, value)
        if key in read:
            raise InvalidInputError(f"Duplicate tag key: {key!r}.")
        read[key] = value
    check_tag_count(read)
    return read


def check_tag_count(tags: Mapping[str, str]) -> None:
    """Refuse more tags than a resource can have."""
    if len(tags) > _TAGS_PER_RESOURCE:
        raise InvalidInputError(f"A resource has at most {_TAGS_PER_RESOURCE} tags; this would make {len(tags)}.")


def _check_tag(key: str, value: str) -> None:
    if not 1 <= len(key) <= _TAG_KEY_LENGTH:
        raise InvalidInputError(f"Invalid tag key: {key!r}. A key has 1 to {_TAG_KEY_LENGTH} characters.")
    if len(value) > _TAG_VALUE_LENGTH:
        raise InvalidInputError(f"Invalid value of tag {key!r}: it has more than {_TAG_VALUE_LENGTH} characters.")
    for text in (key, value):
        if not _TAG_TEXT.fullmatch(text):
            raise InvalidInputError(
                f"Invalid tag: {text!r}. A tag has letters, digits, spaces and + - = . _ : / @ only."
            )
        if text.lower().startswith("aws:"):
            raise InvalidInputError(f"Invalid tag: {text!r}. What starts with aws: is reserved for AWS.")


def write_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Write tags as answers show them: a key-only tag has no value at all."""
    return [{"key": key, "value": value} if value else {"key": key} for key, value in tags.items()]
