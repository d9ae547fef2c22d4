"""Tables for terminals of any width: what matters least goes first, and a name stays in one piece."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
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
    """Where there is no room, the column with the highest number goes first; one with 0 never does.

    What is said at length stands below each row instead: with 0 before any column goes.
    """
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
        if self.wraps_at is None:
            return width
        # A word may be the name of a snapshot.
        return min(width, max(self.wraps_at, _width(self.heading), *map(_longest_word, self.cells)))


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
        What is said of each row at length: in the last column; or below the row, where that leaves no room for a
        column that goes later.
    indent
        How far from the left it stands.
    """
    room = width - indent
    limit = _name_limit(columns, room)
    every = (*columns, detail) if detail else tuple(columns)
    shown = _dropped(every, limit, room, least=detail.goes or sys.maxsize) if detail else every
    is_beside = _needed(shown, limit) <= room
    if not is_beside:
        every = tuple(columns)
        shown = _dropped(every, limit, room, least=0)
    return Table(
        columns=shown,
        widths=tuple(_widths(shown, limit, room)),
        below=None if is_beside else detail,
        indent=indent,
        hidden=tuple(each.heading for each in every if not any(form in shown for form in _forms(each))),
    )


def rows_of(table: Table, rows: slice) -> Table:
    """Return some rows of a table, with the columns and widths that all of it has."""

    def part(column: Column) -> Column:
        return replace(column, cells=column.cells[rows])

    below = part(table.below) if table.below else None
    return replace(table, columns=tuple(map(part, table.columns)), below=below)


def show(table: Table, console: Console) -> None:
    """Print a table; a name that is wider than the terminal is left whole for it to break."""
    for line in lines(table, console):
        console.print(line, no_wrap=True, overflow="ignore", crop=False)


def lines(table: Table, console: Console) -> Iterator[Text]:
    """Yield the lines of a table, its headings first."""
    headings = [Text(column.heading, HEADING) for column in table.columns]
    if any(heading.plain for heading in headings):
        yield from _row(headings, table, console)
    for number, cells in enumerate(zip(*(column.cells for column in table.columns), strict=True)):
        yield from _row(cells, table, console)
        if table.below:
            indent = " " * (table.indent + _INDENT)
            detail = table.below.cells[number]
            for line in detail.wrap(console, max(console.width - len(indent), _longest_word(detail), 1)):
                yield Text.assemble(indent, line)


def show_hidden(tables: Iterable[Table | None], console: Console) -> None:
    """Say which columns have gone, and what shows them."""
    hidden = [*dict.fromkeys(heading for table in tables if table for heading in table.hidden)]
    if hidden:
        what = f"Hidden at {console.width} columns: {', '.join(hidden)}. A wider terminal or --json shows them."
        console.print(Text(what, "dim"))


def _row(cells: Sequence[Text], table: Table, console: Console) -> Iterator[Text]:
    name = next((number for number, column in enumerate(table.columns) if column.is_name), 0)
    long = cells[name] if table.columns and cells[name].cell_len > table.widths[name] else None
    # A long name follows what stands before it, else it has a line of its own.
    if long and (line := _line(cells[: name + 1], table)).cell_len <= console.width:
        yield line
        cells, long = [*(Text() for _ in cells[: name + 1]), *cells[name + 1 :]], None
    elif long and name == 0:
        yield _alone(long, table.indent, console)
        cells, long = [Text(), *cells[1:]], None
    elif long:
        cells = [*cells[:name], Text(), *cells[name + 1 :]]
    blocks = [
        [*cell.wrap(console, width)] if column.wraps_at is not None and cell.cell_len > width else [cell]
        for cell, column, width in zip(cells, table.columns, table.widths, strict=True)
    ]
    lines_of_row = (_line([part or Text() for part in parts], table) for parts in zip_longest(*blocks))
    yield from (line for line in lines_of_row if line.plain.strip())
    if long:
        yield _alone(long, table.indent + _INDENT, console)


def _alone(name: Text, indent: int, console: Console) -> Text:
    """Return a long name on a line of its own, as far from the left as there is room."""
    return Text.assemble(" " * max(min(indent, console.width - name.cell_len), 0), name)


def _line(cells: Sequence[Text], table: Table) -> Text:
    line = Text(" " * table.indent)
    for number, (cell, column, width) in enumerate(zip(cells, table.columns, table.widths, strict=False)):
        blank = " " * max(width - cell.cell_len, 0)
        line.append_text(
            Text.assemble(" " * _GAP if number else "", *((blank, cell) if column.is_right else (cell, blank)))
        )
    line.rstrip()
    return line


def _dropped(columns: Sequence[Column], limit: int, room: int, *, least: int) -> tuple[Column, ...]:
    """Return the columns without those that have to go, as long as they may: those above the least."""
    shown = list(columns)
    while _needed(shown, limit) > room and any(each.goes > least for each in shown):
        first = max(range(len(shown)), key=lambda number: (shown[number].goes, number))
        narrower = shown[first].instead
        shown[first : first + 1] = [narrower] if narrower else []
    return tuple(shown)


def _name_limit(columns: Sequence[Column], room: int) -> int:
    """Return how wide a name may be that stands beside its facts: one long name must not cost all rows theirs."""
    (names,) = (column for column in columns if column.is_name)
    others = [column for column in columns if not column.goes and not column.is_name]
    beside = room - _needed(others, 0) - _GAP
    widths = sorted(cell.cell_len for cell in names.cells)
    usual = widths[3 * (len(widths) - 1) // 4] if widths else 0
    return max(room // 2, _width(names.heading), usual if usual <= beside else 0)


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


def _longest_word(text: Text) -> int:
    return max(map(_width, text.plain.split()), default=0)


def _width(text: str) -> int:
    return Text(text).cell_len
