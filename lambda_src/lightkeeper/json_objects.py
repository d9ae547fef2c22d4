"""Objects in JSON that people write: read key by key, with everything that is wrong said at once."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

from lightkeeper.errors import InvalidValueError, as_json, closest, quote_all

_NONE_RENAMED: Final[Mapping[str, str]] = {}
_T = TypeVar("_T")


class InvalidObjectError(ValueError):
    """An object a person wrote with keys or values that Lightkeeper does not understand.

    Parameters
    ----------
    errors
        One sentence for each thing that is wrong.
    """

    def __init__(self, errors: Iterable[str]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(self.errors))


class ObjectReader:
    """Reads the keys of an object one by one and remembers what was wrong, so that a person sees it all at once.

    Parameters
    ----------
    given
        The object.
    """

    def __init__(self, given: Mapping[str, object]) -> None:
        self._given = given
        self._known: list[str] = []
        self._wrong: list[str] = []

    def value(self, key: str, read: Callable[[object], _T], default: _T) -> _T:
        """Return what `read` makes of the key's value; the default where the key is missing or its value is wrong.

        Parameters
        ----------
        key
            From now on a known one.
        read
            May raise `InvalidValueError`, or `InvalidObjectError` for an object within.
        """
        self._known.append(key)
        if key not in self._given:
            return default
        try:
            return read(self._given[key])
        except InvalidValueError as error:
            self._wrong.append(f"{key}: {error}")
        except InvalidObjectError as inner:
            self._wrong.extend(f"{key}.{error}" for error in inner.errors)
        return default

    def keys_of(self, key: str) -> list[str]:
        """Return the keys of the object within under that key, right or wrong; none where there is no object."""
        inner = self._given.get(key)
        return [*inner] if isinstance(inner, Mapping) else []

    def errors(self, *, also_known: Iterable[str] = (), renamed: Mapping[str, str] = _NONE_RENAMED) -> list[str]:
        """Return a sentence for every key that is unknown and every value that was wrong.

        Parameters
        ----------
        also_known
            Keys of the object that another reader reads.
        renamed
            The present names of keys by those they once had.
        """
        known = [*self._known, *also_known]
        expected = f"unknown key; expected one of {quote_all(known)}"
        unknown = [
            f'{key}: was renamed; expected "{renamed[key]}"'
            if key in renamed
            else f"{key}: {InvalidValueError(expected, closest(key, known))}"
            for key in self._given
            if key not in known
        ]
        return unknown + self._wrong


def as_object(value: object, expected: str) -> Mapping[str, object]:
    """Return `value` if it is an object.

    Parameters
    ----------
    value
        Parsed JSON.
    expected
        What should stand there, in words that follow "is not".

    Raises
    ------
    InvalidValueError
        If it is anything else.
    """
    if not isinstance(value, Mapping):
        raise InvalidValueError(f"{as_json(value)} is not {expected}")
    return value


def text(value: object, expected: str = "text in double quotes") -> str:
    """Return `value` if it is text, or raise `InvalidValueError` with what was expected."""
    if not isinstance(value, str):
        raise InvalidValueError(f"{as_json(value)} is not text; expected {expected}")
    return value


def switch(value: object) -> bool:
    """Return `value` if it is true or false, or raise `InvalidValueError`."""
    if not isinstance(value, bool):
        raise InvalidValueError(f"{as_json(value)} is neither true nor false")
    return value


def whole_number(value: object, *, most: int | None = None) -> int:
    """Return `value` if it is a whole number from 1 to `most`, or raise `InvalidValueError`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1 or (most is not None and value > most):
        limits = f"from 1 to {most}" if most is not None else "from 1 up"
        raise InvalidValueError(f"{as_json(value)} is not a whole number {limits}")
    return value


def one_of(value: object, words: Iterable[str]) -> str:
    """Return `value` if it is one of these words, or raise `InvalidValueError`."""
    word, known = text(value), [*words]
    if word not in known:
        raise InvalidValueError(f'"{word}" is not known; expected one of {quote_all(known)}', closest(word, known))
    return word
