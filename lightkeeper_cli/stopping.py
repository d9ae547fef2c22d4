"""Ctrl-C: a verb ends with a sentence on what it has done so far."""

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

INTERRUPTED: Final = 130
"""The exit status, as shells have it: 128, and the number of the signal."""
_P = ParamSpec("_P")
_T = TypeVar("_T")


class StoppedError(Exception):
    """A verb that a person has interrupted.

    Parameters
    ----------
    done
        What it has done so far, in words that follow "interrupted;".
    """

    def __init__(self, done: str) -> None:
        super().__init__(f"interrupted; {done}")


def stoppable(verb: Callable[_P, _T]) -> Callable[_P, _T]:
    """Return a verb that says so where it was interrupted and has not said itself what it had done: nothing."""

    @wraps(verb)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return verb(*args, **kwargs)
        except KeyboardInterrupt:
            # Left to Typer, it would be no word at all.
            raise StoppedError("nothing was changed") from None

    return run
