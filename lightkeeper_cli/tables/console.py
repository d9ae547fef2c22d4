"""Where tables are printed."""

from typing import Final

from rich.console import Console

# A pipe has no width of its own; rows that do not wrap can be searched.
_PIPE_WIDTH: Final = 200


def make_console(*, stderr: bool = False) -> Console:
    """Return the standard output, or the standard error, as wide as its terminal."""
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=_PIPE_WIDTH)
