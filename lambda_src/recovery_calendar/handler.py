"""The function behind the dashboard's widgets: wiring only. It reads; it has nothing to write with.

Source of the protocol: Amazon CloudWatch's documentation on custom widgets.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache, partial
from typing import Final, Protocol, TypeAlias

from lightkeeper.errors import InvalidValueError
from lightkeeper.faults import CallError
from lightkeeper.inventory import plan_regions
from lightkeeper.json_objects import ObjectReader, as_object, one_of, text, whole_number
from lightkeeper.lightsail import Lightsail, connect
from lightkeeper.settings import Settings, SettingsError
from lightkeeper.times import parse_instant
from recovery_calendar.render import Theme, render_calendar, render_message, render_sentence
from recovery_calendar.view import Order, make_view, parse_order

MAX_PAGE_SIZE: Final = 200
# What CloudWatch adds to the parameters of a widget.
_CONTEXT: Final = "widgetContext"
DOCUMENTATION: Final = f"""
## Lightkeeper: the recovery calendar

To which days and hours each disk, instance and database can be recovered. It only reads.

| parameter | meaning |
|---|---|
| `view` | `calendar`, or `sentence`: only how everything stands |
| `sort` | `status`, `name`, `newest`, `next`, `expires`, `size` or `cost`; `-name` is the reverse |
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


class Kind(StrEnum):
    """What a widget shows."""

    CALENDAR = "calendar"
    SENTENCE = "sentence"


class Context(Protocol):
    """What is needed of Lambda's context."""

    @property
    def invoked_function_arn(self) -> str:
        """The ARN this function was called by."""


Event: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Request:
    """What a widget asks for."""

    kind: Kind = Kind.CALENDAR
    order: Order = Order()
    page: int = 1
    page_size: int = 25
    time: str | None = None


# Lambda keeps the process between invocations, and a connection with it. It only reads, four lists at each look.
@lru_cache(maxsize=1)
def connections(regions: tuple[str, ...]) -> dict[str, Lightsail]:
    """Return the connections to these Regions, or to the function's own."""
    return connect(regions, max_concurrency=1)


def handle(event: Event, context: Context) -> str:
    """Return what a custom widget shows.

    Parameters
    ----------
    event
        The widget's parameters, with CloudWatch's own `widgetContext` among them; or `describe`.
    context
        Lambda's.

    Returns
    -------
    str
        HTML; a mistake in the parameters or settings, or a refusal, is a sentence in it. To `describe`: Markdown.
    """
    if _mapping(event).get("describe"):
        return DOCUMENTATION
    theme = _theme(event)
    try:
        request = read_event(event)
        settings = Settings.from_env(os.environ)
        now = parse_instant(request.time, settings.time_zone) if request.time else datetime.now(UTC)  # noqa: TID251 - an entry point
        plan = plan_regions(connections(settings.regions), settings, now.replace(microsecond=0))
    except (InvalidValueError, SettingsError, CallError) as error:
        return render_message(str(error), theme=theme)
    view = make_view(plan, settings, request.order, request.page, request.page_size)
    match request.kind:
        case Kind.CALENDAR:
            return render_calendar(view, theme=theme, endpoint=context.invoked_function_arn)
        case Kind.SENTENCE:
            return render_sentence(view, theme=theme)


def read_event(event: Event) -> Request:
    """Return what a widget asks for: its parameters, and above them those of what was clicked.

    Raises
    ------
    InvalidValueError
        If a parameter is unknown or a value is not understood.
    """
    clicked = as_object(event, 'an object; expected one such as {"view": "calendar"}')
    parameters = _mapping(_mapping(event.get(_CONTEXT)).get("params"))
    default = Request()
    read = ObjectReader(
        {**parameters, **{key: value for key, value in clicked.items() if key not in {_CONTEXT, "describe"}}}
    )
    request = Request(
        kind=read.value("view", lambda view: Kind(one_of(view, Kind)), default.kind),
        order=read.value("sort", lambda sort: parse_order(text(sort)), default.order),
        page=read.value("page", whole_number, default.page),
        page_size=read.value("pageSize", partial(whole_number, most=MAX_PAGE_SIZE), default.page_size),
        time=read.value("time", text, "") or None,
    )
    if errors := read.errors():
        raise InvalidValueError("\n".join(errors))
    return request


def _theme(event: Event) -> Theme:
    return Theme.DARK if _mapping(_mapping(event).get(_CONTEXT)).get("theme") == "dark" else Theme.LIGHT


def _mapping(value: object) -> Event:
    return value if isinstance(value, Mapping) else {}
