"""Files that a verb writes."""

from pathlib import Path

from lightkeeper.errors import InvalidValueError


def write_file(path: Path, text: str) -> None:
    """Write a file.

    Raises
    ------
    InvalidValueError
        If it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidValueError(f"{path}: {error.strerror}; expected a file that can be written") from None
