"""Where the command begins. Ctrl-C is answered with a sentence from here on, while everything else is loaded, too."""

import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, Final

from lightkeeper_cli.stopping import INTERRUPTED

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_AGAIN: Final = "interrupted twice; a call that was under way may still take effect"
# Of what shows progress: it hides the cursor while it is at work.
_SHOW_CURSOR: Final = "\x1b[?25h"


def main() -> None:
    """Run the command line."""
    # A shell tells what it runs in its background to ignore Ctrl-C, and it is left so.
    is_heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heeded:
        # Nothing has been done, and not every module that is being loaded would let an exception through.
        signal.signal(signal.SIGINT, lambda _signal, _frame: _end("interrupted"))
    from lightkeeper_cli.main import main as run

    if is_heeded:
        signal.signal(signal.SIGINT, _interrupt)
        sys.unraisablehook = _not_in_vain
    try:
        run()
    except KeyboardInterrupt:
        _end("interrupted")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Let the verb end with what it has done so far; whoever presses again does not want to wait for that."""
    signal.signal(signal.SIGINT, lambda _signal, _frame: _end(_AGAIN))
    raise KeyboardInterrupt


def _not_in_vain(ignored: "UnraisableHookArgs") -> None:
    """End where Python itself would print a traceback and go on, as in a finaliser."""
    if ignored.exc_type is KeyboardInterrupt:
        _end("interrupted")
    sys.__unraisablehook__(ignored)


def _end(sentence: str) -> None:
    """End at once: threads that wait for an answer are not waited for."""
    cursor = _SHOW_CURSOR if os.isatty(2) else ""
    os.write(2, f"{cursor}lightkeeper: {sentence}\n".encode())
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
