"""Where tables are printed."""

import os
import sys
from typing import Final

from rich.console import Console

from lightkeeper_cli.signs import show_every_sign

# A pipe has no width of its own; rows that do not wrap can be searched.
_PIPE_WIDTH: Final = 200


class _Console(Console):
    """A console that goes on in silence when nobody reads any more, as after `| head`.

    Rich itself would end the command there: a restore would make nothing, and a status its health unsaid.
    """

    def on_broken_pipe(self) -> None:
        """Write nothing more, and leave nothing for Python to write in the end."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)


def make_console(*, stderr: bool = False) -> Console:
    """Return the standard output, or the standard error, as wide as its terminal, in signs that it can show."""
    show_every_sign(sys.stderr if stderr else sys.stdout)
    console = _Console(stderr=stderr)
    return console if console.is_terminal else _Console(stderr=stderr, width=_PIPE_WIDTH)
