"""Dataclasses whose fields are rows: each says by what key, and in which form, it stands in an object in JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from zoneinfo import ZoneInfo

from lightkeeper.json_objects import ObjectReader
from lightkeeper.times import parse_zone

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

UTC_ZONE: Final = parse_zone("UTC")
_ROW: Final = "row"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Form(Generic[_T]):
    """How a value stands in JSON."""

    read: Callable[[object], _T]
    """Raises `InvalidValueError`, or `InvalidObjectError` for an object within."""
    write: Callable[[_T], object]
    limits: str
    """What may stand there, for the documentation, in Markdown."""


@dataclass(frozen=True, slots=True)
class Row(Generic[_T]):
    """A setting."""

    key: str
    """Its name in cdk.json and in the function's environment."""
    form: Form[_T] | Callable[[ZoneInfo], Form[_T]]
    """The latter where it depends on the deployment's time zone."""
    default: object
    """What a missing key stands for, as parsed JSON."""
    example: object
    """Another value, as parsed JSON."""
    meaning: str
    """For the documentation, in Markdown."""

    def form_in(self, zone: ZoneInfo) -> Form[_T]:
        """Return its form in that time zone."""
        return self.form if isinstance(self.form, Form) else self.form(zone)

    def default_in(self, zone: ZoneInfo) -> _T:
        """Return its default in that time zone."""
        return self.form_in(zone).read(self.default)


def setting(
    key: str, form: Form[_T] | Callable[[ZoneInfo], Form[_T]], *, default: object, example: object, meaning: str
) -> _T:
    """Make a field of a dataclass a setting; its parameters are those of `Row`."""
    row = Row(key, form, default, example, meaning)
    return field(default_factory=partial(row.default_in, UTC_ZONE), metadata={_ROW: row})


def rows_of(settings: "type[DataclassInstance]") -> dict[str, Row[object]]:
    """Return the rows of a class of settings, by the names of its fields."""
    return {each.name: each.metadata[_ROW] for each in fields(settings)}


def read_rows(
    make: Callable[..., _T], rows: Mapping[str, Row[object]], read: ObjectReader, *, zone: ZoneInfo = UTC_ZONE
) -> _T:
    """Return what `make` makes of the values that an object has for these rows.

    Parameters
    ----------
    make
        The dataclass that the rows are of.
    rows
        By the names of its fields.
    read
        The object's reader; remembers what was wrong. A value that is missing or wrong has its row's default.
    zone
        The deployment's.
    """
    return make(
        **{name: read.value(row.key, row.form_in(zone).read, row.default_in(zone)) for name, row in rows.items()}
    )


def write_rows(settings: "DataclassInstance", *, zone: ZoneInfo = UTC_ZONE) -> dict[str, object]:
    """Return the object from which `read_rows` reads these settings, every key spelt out."""
    rows = rows_of(type(settings))
    return {row.key: row.form_in(zone).write(getattr(settings, name)) for name, row in rows.items()}
