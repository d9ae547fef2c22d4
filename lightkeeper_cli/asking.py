"""What is asked before a verb writes with a person's own credentials."""

import sys

import typer

from lightkeeper.errors import InvalidValueError


def agrees(question: str) -> bool:
    """Ask a person whether to go on, on the standard error, and return whether they say yes.

    Raises
    ------
    InvalidValueError
        If there is nobody to ask.
    """
    # Without a console a Python has no standard input at all.
    if sys.stdin is None or not sys.stdin.isatty():
        raise InvalidValueError("nobody can be asked, since the standard input is no terminal; expected --yes")
    # Typer's own question writes a blank to the standard output.
    typer.echo(f"{question} [y/N] ", err=True, nl=False)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
