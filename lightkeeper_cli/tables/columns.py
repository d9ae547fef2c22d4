"""Tables for terminals of any width: what matters least goes first, and a name stays in one piece."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final

from rich.console import Console
from rich.text import Text

_GAP: Final = 2
_INDENT: Final = 2
HEADING: Final = "bold"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, and a cell for each row."""

    heading: str
    cells: Sequence[Text]
    goes: int = 0
    """Where there is no room, the column with the highest number goes first; one with 0 never does."""
    is_name: bool = False
    """Whether its cells are never broken: a long one stands on a line of its own."""
    wraps_at: int | None = None
    """To how many cells it may shrink, its words then standing below each other; None: it does not wrap."""
    is_right: bool = False
    """Whether it has numbers."""
    instead: "Column | None" = None
    """A narrower one that comes before it goes."""

    def width(self, name_limit: int) -> int:
        """Return how many cells of a terminal it takes in one line; of names, without those beyond the limit."""
        widths = [_width(self.heading), *(cell.cell_len for cell in self.cells)]
        return max(width for width in widths if not self.is_name or width <= name_limit)

    def least(self, name_limit: int) -> int:
        """Return how many it takes at least."""
        width = self.width(name_limit)
        return width if self.wraps_at is None else min(width, max(self.wraps_at, _width(self.heading)))


@dataclass(frozen=True, slots=True)
class Table:
    """What is to be printed: the columns that there is room for, and which have gone."""

    columns: tuple[Column, ...]
    widths: tuple[int, ...]
    below: Column | None
    """What stands below each row, for want of room beside it."""
    indent: int
    hidden: tuple[str, ...] = field(default=())
    """The headings of what has gone, in the order of the columns."""


def fit(columns: Sequence[Column], width: int, *, detail: Column | None = None, indent: int = 0) -> Table:
    """Return what of a table fits.

    Parameters
    ----------
    columns
        From left to right. One of them has the names.
    width
        The cells of the terminal.
    detail
        What is said of each row at length: in the last column, or below the row if that is too narrow.
    indent
        How far from the left it stands.
    """
    room = width - indent
    # One long name must not cost all rows their facts.
    limit = max(room // 2, max((_width(each.heading) for each in columns if each.is_name), default=0))
    beside = (*columns, detail) if detail else tuple(columns)
    if detail and _needed(beside, limit) > room:
        beside = tuple(columns)
    below = detail if detail and detail not in beside else None
    shown = list(beside)
    while _needed(shown, limit) > room and any(each.goes for each in shown):
        least = max(range(len(shown)), key=lambda number: (shown[number].goes, number))
        narrower = shown[least].instead
        shown[least : least + 1] = [narrower] if narrower else []
    return Table(
        columns=tuple(shown),
        widths=tuple(_widths(shown, limit, room)),
        below=below,
        indent=indent,
        hidden=tuple(each.heading for each in beside if not any(form in shown for form in _forms(each))),
    )


def show(table: Table, console: Console) -> None:
    """Print a table; a name that is wider than the terminal is left whole for it to break."""
    for line in lines(table, console):
        console.print(line, no_wrap=True, overflow="ignore", crop=False)


def lines(table: Table, console: Console) -> Iterator[Text]:
    """Yield the lines of a table, its headings first."""
    headings = [Text(column.heading, HEADING) for column in table.columns]
    yield from _row(headings, table, console)
    for number, cells in enumerate(zip(*(column.cells for column in table.columns), strict=True)):
        yield from _row(cells, table, console)
        if table.below:
            indent = " " * (table.indent + _INDENT)
            for line in table.below.cells[number].wrap(console, max(console.width - len(indent), 1)):
                yield Text.assemble(indent, line)


def show_hidden(tables: Iterable[Table | None], console: Console) -> None:
    """Say which columns have gone, and what shows them."""
    hidden = [*dict.fromkeys(heading for table in tables if table for heading in table.hidden)]
    if hidden:
        what = f"Hidden at {console.width} columns: {', '.join(hidden)}. A wider terminal or --json shows them."
        console.print(Text(what, "dim"))


def _row(cells: Sequence[Text], table: Table, console: Console) -> Iterator[Text]:
    long = [
        number
        for number, (column, width) in enumerate(zip(table.columns, table.widths, strict=True))
        if column.is_name and cells[number].cell_len > width
    ]
    for number in long:
        yield _line([*cells[: number + 1]], table)
        cells = [*(Text() for _ in cells[: number + 1]), *cells[number + 1 :]]
    blocks = [
        [*cell.wrap(console, width)] if column.wraps_at is not None and cell.cell_len > width else [cell]
        for cell, column, width in zip(cells, table.columns, table.widths, strict=True)
    ]
    for parts in zip_longest(*blocks):
        line = _line([part or Text() for part in parts], table)
        if line.plain or not long:
            yield line


def _line(cells: Sequence[Text], table: Table) -> Text:
    line = Text(" " * table.indent)
    for number, (cell, column, width) in enumerate(zip(cells, table.columns, table.widths, strict=False)):
        blank = " " * max(width - cell.cell_len, 0)
        line.append_text(
            Text.assemble(" " * _GAP if number else "", *((blank, cell) if column.is_right else (cell, blank)))
        )
    line.rstrip()
    return line


def _forms(column: Column) -> Iterator[Column]:
    yield column
    if column.instead:
        yield from _forms(column.instead)


def _needed(columns: Sequence[Column], limit: int) -> int:
    return sum(column.least(limit) for column in columns) + _GAP * (len(columns) - 1)


def _widths(columns: Sequence[Column], limit: int, room: int) -> Iterator[int]:
    """Yield the width of each column: those that wrap share what is left."""
    spare = room - _needed(columns, limit)
    for column in columns:
        least = column.least(limit)
        more = max(min(spare, column.width(limit) - least), 0)
        spare -= more
        # Where even the last facts have no room beside it, a name has none.
        yield max(least + min(spare, 0), _INDENT) if column.is_name else least + more


def _width(text: str) -> int:
    return Text(text).cell_len
