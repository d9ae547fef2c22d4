"""What stands above all that a verb shows: whose account, which Regions, and which of them are empty."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from lightkeeper.kinds import ANY_SOURCE

if TYPE_CHECKING:
    from lightkeeper_cli.account import Where


def header(where: "Where", *more: str) -> Text:
    """Return the line above all: the account, the Regions, and what else goes for everything below."""
    account = where.account
    name = account.alias or account.name
    alias = f" ({name})" if name else ""
    words = (", ".join(where.regions), *more)
    return Text.assemble((f"Account {account.id or 'unknown'}{alias}", "bold"), f", {'; '.join(filter(None, words))}")


def show_empty(empty: Sequence[str], regions: Sequence[str], console: Console, *, beside: str = "") -> None:
    """Say in which Regions there is nothing, and that nobody looks at others; `beside` is what is known of those."""
    for region in empty:
        console.print(Text(f"{region}: no {ANY_SOURCE} there", "yellow"))
    if empty:
        others = 'name others with --region, or in "regions" of the settings'
        console.print(Text(f"Lightkeeper looks after {_these(regions)} alone: {others}{beside}.", "dim"))


def _these(regions: Iterable[str]) -> str:
    *most, last = dict.fromkeys(regions)
    return f"{', '.join(most)} and {last}" if most else last
