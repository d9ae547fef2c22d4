"""Errors as sentences: what was written, what was expected, and the nearest valid word."""

import json
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

_MAX_SHOWN: Final = 200


class InvalidValueError(ValueError):
    """A value a person wrote that Lightkeeper does not understand.

    Parameters
    ----------
    message
        One sentence: the value, and what was expected instead.
    suggestion
        The nearest valid value, if one is near.
    """

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        self.message = message
        self.suggestion = suggestion
        super().__init__(message + did_you_mean(suggestion))


def did_you_mean(suggestion: str | None) -> str:
    """Return how a sentence ends that has a suggestion; nothing where there is none."""
    return f'; did you mean "{suggestion}"?' if suggestion else ""


def closest(word: str, words: Iterable[str], cutoff: float = 0.7) -> str | None:
    """Return the word most like `word`, or None when none is near enough (0 to 1) to be meant."""
    by_lower = {candidate.lower(): candidate for candidate in words}
    matches = get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[matches[0]] if matches else None


def quote_all(words: Iterable[str]) -> str:
    """Return `"a", "b"`: a list of words for use in a sentence."""
    return ", ".join(f'"{word}"' for word in words)


def counted(number: int, noun: str) -> str:
    """Return `1 snapshot`, `1,200 snapshots`, `2 copies`: a number of things for use in a sentence."""
    many = f"{noun[:-1]}ies" if noun.endswith("py") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else many}"


def as_json(value: object) -> str:
    """Return a parsed JSON value as JSON, for use in a sentence: no longer than one can read."""
    try:
        text = json.dumps(value)
    except RecursionError:
        # Python reads JSON a little deeper than it writes it.
        text = f"{'[' if isinstance(value, list) else '{'}..."
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."
