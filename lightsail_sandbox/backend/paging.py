"""Opaque page tokens: such as stay good while entries come and go between two pages, and such as do not."""

import base64
import hashlib
import json
from bisect import bisect_right
from collections.abc import Sequence
from typing import Protocol, TypeVar

from lightsail_sandbox.backend.exceptions import InvalidInputError


class Positioned(Protocol):
    """Something with a place in the order of creation that nothing else ever takes."""

    @property
    def position(self) -> int:
        """Greater than that of everything created before."""


T = TypeVar("T", bound=Positioned)


def cut_page(entries: Sequence[T], token: str | None, scope: str, size: int) -> tuple[Sequence[T], str | None]:
    """Give one page of entries, and the token of the next page if there is one.

    A token names the position of the page's last entry. An entry that is deleted meanwhile moves no other one to
    another page, and a new entry comes at the end.

    Parameters
    ----------
    entries
        All of them, by position.
    token
        What the page before has given; None for the first page.
    scope
        The operation and Region; a token of one scope is refused in another.
    size
        How many entries a page holds.
    """
    start = 0 if token is None else bisect_right(entries, _read_token(token, scope), key=_position)
    page = entries[start : start + size]
    is_last = start + size >= len(entries)
    return page, None if is_last else _write_token(page[-1].position, scope)


def cut_shifting_page(entries: Sequence[T], token: str | None, scope: str, size: int) -> tuple[Sequence[T], str | None]:
    """Give one page of entries, newest first, and the token of the next page if there is one.

    A token counts the entries before: the arguments are those of `cut_page`, but what comes and goes moves the others.
    """
    newest_first = entries[::-1]
    start = 0 if token is None else _read_token(token, scope)
    end = start + size
    return newest_first[start:end], _write_token(end, scope) if end < len(entries) else None


def _position(entry: Positioned) -> int:
    return entry.position


def _write_token(position: int, scope: str) -> str:
    seal = hashlib.sha256(f"{scope} {position}".encode()).hexdigest()[:12]
    return base64.urlsafe_b64encode(json.dumps([position, seal]).encode()).decode()


def _read_token(token: str, scope: str) -> int:
    try:
        position, _ = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError) as error:
        raise InvalidInputError(f"Invalid page token: {token!r}.") from error
    if not isinstance(position, int) or token != _write_token(position, scope):
        raise InvalidInputError(f"Invalid page token: {token!r}. It belongs to another list or Region.")
    return position
