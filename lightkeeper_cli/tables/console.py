"""Where tables are printed."""

from typing import Final

from rich.console import Console

# A pipe has no width of its own; rows that do not wrap can be searched.
_PIPE_WIDTH: Final = 200


def make_console() -> Console:
    """Return the standard output, as wide as its terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=_PIPE_WIDTH)
