"""In which order rows stand, and which of them are on a page. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, Self, TypeAlias, TypeVar

from lightkeeper.errors import InvalidValueError, closest, quote_all


class Direction(StrEnum):
    """How the values of the sorted column run, in the words of `aria-sort`."""

    ASCENDING = "ascending"
    DESCENDING = "descending"
    OTHER = "other"
    """By what no value of the column says: how much a status wants a person."""


class Column(StrEnum):
    """What rows can be sorted by."""

    @property
    def direction(self) -> Direction:
        """How its values run, unless the order is backwards."""
        return Direction.ASCENDING


_C = TypeVar("_C", bound=Column)
_R = TypeVar("_R")
Value: TypeAlias = float | tuple[str, str]
"""What rows are compared by: a number, or a name with what tells equal names apart."""


@dataclass(frozen=True, slots=True)
class Ordering(Generic[_C]):
    """An order of rows: worst, oldest, soonest or dearest first, or the other way round."""

    key: _C
    backwards: bool = False

    def __str__(self) -> str:
        """Return the order as it is written: `cost`, or `-cost`."""
        return f"-{self.key}" if self.backwards else self.key.value

    @property
    def is_falling(self) -> bool:
        """Whether the greater comes first."""
        return (self.key.direction is Direction.DESCENDING) is not self.backwards

    @property
    def direction(self) -> Direction:
        """How its values run."""
        if self.key.direction is Direction.OTHER:
            return Direction.OTHER
        return Direction.DESCENDING if self.is_falling else Direction.ASCENDING

    def toggled(self, key: _C) -> Self:
        """Return the order that a click on a heading asks for."""
        return replace(self, key=key, backwards=key is self.key and not self.backwards)


def read_order(text: str, columns: type[_C]) -> tuple[_C, bool]:
    """Return the column and whether it runs backwards, of an order written as `name`, or `-name` for its reverse.

    Raises
    ------
    InvalidValueError
        If there is no such order.
    """
    key = text.removeprefix("-")
    if key not in list(columns):
        raise InvalidValueError(
            f'"{text}" is not an order; expected {quote_all(columns)}, or one of them after a "-"',
            closest(key, columns),
        )
    return columns(key), text != key


def sort_rows(
    rows: Iterable[_R],
    order: Ordering[_C],
    *,
    value: Callable[[_R, _C], Value | None],
    name: Callable[[_R], tuple[str, str]],
) -> list[_R]:
    """Sort rows, by name within what is equal; those without such a value come last."""
    valued = [(value(row, order.key), row) for row in sorted(rows, key=name)]
    there = [(each, row) for each, row in valued if each is not None]
    there.sort(key=lambda pair: pair[0], reverse=order.backwards)
    return [*(row for _, row in there), *(row for each, row in valued if each is None)]


@dataclass(frozen=True, slots=True)
class Page(Generic[_R]):
    """Some of the rows."""

    rows: tuple[_R, ...]
    number: int
    """From 1."""
    pages: int
    size: int


def cut(rows: Sequence[_R], page: int, size: int | None) -> Page[_R]:
    """Return a page of rows: a page past the last is the last; no size is all of them on one page."""
    size = size or max(len(rows), 1)
    pages = max(-(-len(rows) // size), 1)
    page = min(page, pages)
    return Page(tuple(rows[(page - 1) * size : page * size]), page, pages, size)
