"""The tables of the documents that follow from the code; `make docs` writes them where they stand."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lightkeeper.policies import BUILT_IN
from lightkeeper.rows import UTC_ZONE, rows_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def settings_table(*kinds: "type[DataclassInstance]") -> str:
    """Return the table of the keys that classes of settings have rows for."""
    return _table(
        ("key", "default", "limits", "meaning", "example"),
        (
            (
                f"`{row.key}`",
                f"`{json.dumps(row.default)}`",
                row.form_in(UTC_ZONE).limits,
                row.meaning,
                f"`{json.dumps(row.example)}`",
            )
            for kind in kinds
            for row in rows_of(kind).values()
        ),
    )


def policies_table() -> str:
    """Return the table of the built-in policies."""
    return _table(
        ("policy", "schedule", "keep"),
        ((f"`{name}`", f"`{schedule}`", f"`{keep}`") for name, (schedule, keep) in BUILT_IN.items()),
    )


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table in Markdown, with a line before and after it, where the comments stand that frame it."""
    heading, *below = (f"| {' | '.join(cells)} |" for cells in (headings, *rows))
    return "\n".join(["", heading, f"|{'---|' * len(headings)}", *below, ""])
