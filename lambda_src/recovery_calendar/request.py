"""What a widget asks for. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final, TypeAlias

from lightkeeper.errors import InvalidValueError, as_json, quote_all
from lightkeeper.json_objects import ObjectReader, as_object, one_of, text, whole_number
from recovery_calendar.fleet_view import FleetKey, FleetOrder, parse_fleet_order
from recovery_calendar.view import Order, SortKey, parse_order

MAX_PAGE_SIZE: Final = 200
# What CloudWatch adds to the parameters of a widget.
_CONTEXT: Final = "widgetContext"
_DESCRIBE: Final = "describe"
_ACCOUNT: Final = re.compile(r"[0-9]{12}")


def _or(words: type[StrEnum]) -> str:
    *others, last = (f"`{word}`" for word in words)
    return f"{', '.join(others)} or {last}"


DOCUMENTATION: Final = f"""
## Lightkeeper: the recovery calendar

To which days and hours each disk, instance and database can be recovered. It only reads.

| parameter | meaning |
|---|---|
| `view` | `calendar`, or `sentence`: only how everything stands |
| `sort` | {_or(SortKey)}; `-name` is the reverse |
| `page` | from 1 |
| `pageSize` | sources on a page, 1 to {MAX_PAGE_SIZE} |
| `time` | as if it were that time, in ISO 8601; without it, now |

``` yaml
view: calendar
sort: status
page: 1
pageSize: 25
```
"""
FLEET_DOCUMENTATION: Final = f"""
## Lightkeeper: the recovery calendar

How each account stands, by the last report of the fleet; and of one account, to which days and hours each disk,
instance and database in it can be recovered, read at that moment. It only reads.

| parameter | meaning |
|---|---|
| `view` | `calendar`, or `sentence`: only how everything stands |
| `account` | 12 digits in double quotes: the calendar of that account; without it, the list of all accounts |
| `sort` | of accounts: {_or(FleetKey)}; of one: {_or(SortKey)}; `-name` is the reverse |
| `page` | from 1 |
| `pageSize` | accounts or sources on a page, 1 to {MAX_PAGE_SIZE} |
| `time` | as if it were that time, in ISO 8601; without it, now |
| `back` | of an account: the `sort` and the `page` of the list that its link leads back to |

``` yaml
view: calendar
sort: state
page: 1
pageSize: 25
```
"""

Event: TypeAlias = Mapping[str, object]


class Kind(StrEnum):
    """What a widget shows."""

    CALENDAR = "calendar"
    SENTENCE = "sentence"


@dataclass(frozen=True, slots=True)
class Back:
    """Where in the list of all accounts a person was who opened one."""

    order: FleetOrder = FleetOrder()
    page: int = 1


@dataclass(frozen=True, slots=True)
class OnlyAccount:
    """The calendar of the only account that there is."""

    order: Order = Order()


@dataclass(frozen=True, slots=True)
class OneAccount:
    """The calendar of one account of several."""

    account: str
    """12 digits."""
    order: Order
    back: Back
    has_list: bool
    """Whether there is a list to go back to: there is none where a widget is of this account alone."""


@dataclass(frozen=True, slots=True)
class AllAccounts:
    """The list of all accounts."""

    order: FleetOrder = FleetOrder()


@dataclass(frozen=True, slots=True)
class Request:
    """What a widget asks for."""

    kind: Kind = Kind.CALENDAR
    of: OnlyAccount | OneAccount | AllAccounts = OnlyAccount()
    page: int = 1
    page_size: int = 25
    time: str | None = None


def wants_documentation(event: object) -> bool:
    """Return whether a widget only asks which parameters there are."""
    return bool(_mapping(event).get(_DESCRIBE))


def theme_of(event: object) -> object:
    """Return the theme that CloudWatch names."""
    return _mapping(_mapping(event).get(_CONTEXT)).get("theme")


def read_event(event: Event, *, has_accounts: bool = False) -> Request:
    """Return what a widget asks for: its parameters, and above them those of what was clicked.

    Parameters
    ----------
    event
        As CloudWatch sends it.
    has_accounts
        Whether there is more than one account to show.

    Raises
    ------
    InvalidValueError
        If a parameter is unknown or a value is not understood.
    """
    clicked = as_object(event, 'an object; expected one such as {"view": "calendar"}')
    parameters = _mapping(_mapping(event.get(_CONTEXT)).get("params"))
    default = Request()
    read = ObjectReader(
        {**parameters, **{key: value for key, value in clicked.items() if key not in {_CONTEXT, _DESCRIBE}}}
    )
    # In the order in which an unknown key is answered with those that are known.
    kind = read.value("view", lambda view: Kind(one_of(view, Kind)), default.kind)
    request = Request(
        kind=kind,
        of=_accounts(read, has_list="account" not in parameters) if has_accounts else OnlyAccount(_order(read)),
        page=read.value("page", whole_number, default.page),
        page_size=read.value("pageSize", partial(whole_number, most=MAX_PAGE_SIZE), default.page_size),
        time=read.value("time", text, "") or None,
    )
    if errors := read.errors():
        raise InvalidValueError("\n".join(errors))
    return request


def _accounts(read: ObjectReader, *, has_list: bool) -> OneAccount | AllAccounts:
    account = read.value("account", _account, None)
    back = read.value("back", _back, Back())
    if account is None:
        return AllAccounts(read.value("sort", lambda sort: parse_fleet_order(text(sort)), FleetOrder()))
    return OneAccount(account, _order(read), back, has_list)


def _order(read: ObjectReader) -> Order:
    return read.value("sort", lambda sort: parse_order(text(sort)), Order())


def _account(value: object) -> str | None:
    if not isinstance(value, str) or not _ACCOUNT.fullmatch(value):
        raise InvalidValueError(
            f'{as_json(value)} is not an account; expected 12 digits in double quotes, such as "111122223333"'
        )
    return value


def _back(value: object) -> Back:
    given = as_object(value, f"an object; expected {quote_all(['sort', 'page'])} of the list")
    read = ObjectReader(given)
    back = Back(
        read.value("sort", lambda sort: parse_fleet_order(text(sort)), FleetOrder()),
        read.value("page", whole_number, 1),
    )
    if errors := read.errors():
        raise InvalidValueError("; ".join(errors))
    return back


def _mapping(value: object) -> Event:
    return value if isinstance(value, Mapping) else {}
