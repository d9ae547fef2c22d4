"""Signs for every terminal: what its encoding lacks is written in ASCII, and what differs goes on to differ."""

import codecs
import io
from typing import Final, TextIO

ASCII: Final = {
    "█": "#",
    "▒": "~",
    "░": ":",
    "·": ".",
    "…": ">",
}
"""Each as wide as the sign that it stands for, so that columns stay columns."""
_NAME: Final = "lightkeeper.signs"
# Of the spinner, which turns where it can.
_BRAILLE: Final = range(0x2800, 0x2900)


def show_every_sign(stream: TextIO | None) -> None:
    """Let a stream write whatever it is given, in its own encoding: never an error, and no "?" for a sign.

    A name that the encoding lacks is written with escapes, as Python writes it.
    """
    # Without a console a Python has none; and what is no file of its own has an encoding of its own, too.
    if isinstance(stream, io.TextIOWrapper) and stream.errors != _NAME:
        stream.reconfigure(errors=_NAME)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_in_ascii, error.object[error.start : error.end])), error.end


def _in_ascii(sign: str) -> str:
    if ord(sign) in _BRAILLE:
        return "*"
    return ASCII.get(sign) or sign.encode("ascii", "backslashreplace").decode("ascii")


codecs.register_error(_NAME, _replaced)
