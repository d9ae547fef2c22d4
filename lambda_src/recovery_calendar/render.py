"""A view into HTML: no script, nothing from elsewhere, every text escaped by the template engine."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from recovery_calendar.fleet_view import Account, FleetKey, FleetOrder, FleetView
from recovery_calendar.order import Column, Ordering
from recovery_calendar.view import DAYS, Day, Mark, Order, Period, Row, Run, SortKey, View, periods, span, suggestions

_TEMPLATES: Final = Path(__file__).parent / "templates"
_HOURS: Final = 24
# Of a strip, in its own units.
_CELL, _BAR, _TOP, _HOUR = 10, 8, 5, 1
_MANY: Final = 6
_WORDS: Final = {Mark.PENDING: "being taken", Mark.EXPIRING: "about to expire", Mark.HELD: "held"}


class Theme(StrEnum):
    """CloudWatch's two, and what a browser of one's own prefers."""

    LIGHT = "light"
    DARK = "dark"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Opened:
    """An account that was opened from the list of all."""

    account: str
    """12 digits."""
    last: Account | None
    """What the last report says of it; None: nothing, or nobody could read it."""
    order: FleetOrder
    page: int
    """Of the list, to go back to."""
    page_size: int
    has_list: bool
    """Whether there is a list to go back to: there is none where a widget is of this account only."""

    @property
    def kept(self) -> Mapping[str, object]:
        """The parameters that its pages and orders keep."""
        return {"account": self.account, "back": {"sort": str(self.order), "page": self.page}}

    @property
    def back(self) -> Mapping[str, object] | None:
        """The parameters of the list; None: there is none."""
        if not self.has_list:
            return None
        return {"view": "calendar", "sort": str(self.order), "page": self.page, "pageSize": self.page_size}


@dataclass(frozen=True, slots=True)
class Links:
    """How CloudWatch asks for something else to be shown."""

    endpoint: str
    """The ARN of the function that it calls."""
    kept: Mapping[str, object]
    """Parameters that another page or order keeps."""

    def show(self, order: Ordering[Column], page: int, page_size: int) -> Mapping[str, object]:
        """Return the parameters of another page or order."""
        return {"view": "calendar", **self.kept, "sort": str(order), "page": page, "pageSize": page_size}

    def open(self, account: str, view: FleetView) -> Mapping[str, object]:
        """Return the parameters of an account's own calendar."""
        opened = Opened(account, None, view.order, view.page, view.page_size, has_list=True)
        return {"view": "calendar", **opened.kept, "sort": str(Order()), "page": 1, "pageSize": view.page_size}


def render_calendar(view: View, *, theme: Theme, endpoint: str | None = None, opened: Opened | None = None) -> str:
    """Return the calendar as a fragment of HTML.

    Parameters
    ----------
    view
        What to show.
    theme
        The colours.
    endpoint
        The ARN of the function that CloudWatch is to call for another page or order; None: neither can be asked for.
    opened
        Whose calendar it is, where there are several accounts.
    """
    return _render("calendar.html", view=view, theme=theme, links=_links(endpoint, opened), opened=opened)


def render_sentence(view: View, *, theme: Theme) -> str:
    """Return how everything stands, in one sentence, as a fragment of HTML."""
    return _render("sentence.html", view=view, theme=theme)


def render_fleet(view: FleetView, *, theme: Theme, endpoint: str | None = None) -> str:
    """Return the accounts of the fleet as a fragment of HTML.

    Parameters
    ----------
    view
        What to show.
    theme
        The colours.
    endpoint
        The ARN of the function that CloudWatch is to call for another page or order, or for an account's calendar;
        None: none of these can be asked for.
    """
    return _render("fleet.html", view=view, theme=theme, links=_links(endpoint, None), has_accounts=True)


def render_fleet_sentence(view: FleetView, *, theme: Theme) -> str:
    """Return how the fleet stands, in one sentence, as a fragment of HTML."""
    return _render("fleet_sentence.html", view=view, theme=theme)


def render_message(message: str, *, theme: Theme, endpoint: str | None = None, opened: Opened | None = None) -> str:
    """Return why there is nothing to show, as a fragment of HTML.

    Parameters
    ----------
    message
        Why, in a sentence or more, each on a line of its own.
    theme
        The colours.
    endpoint
        The ARN of the function that CloudWatch is to call for what there is instead; None: for nothing.
    opened
        The account that cannot be shown, where it is about one.
    """
    return _render("message.html", message=message, theme=theme, links=_links(endpoint, opened), opened=opened)


def render_page(view: View, *, theme: Theme) -> str:
    """Return the calendar as a document of its own."""
    return _render("page.html", view=view, theme=theme, links=None, is_page=True)


def _links(endpoint: str | None, opened: Opened | None) -> Links | None:
    return Links(endpoint, opened.kept if opened else {}) if endpoint else None


def _render(template: str, *, is_page: bool = False, **what: object) -> str:
    return (
        _environment().get_template(template).render({"is_page": is_page, "opened": None, "has_accounts": False} | what)
    )


# Lambda keeps the process between invocations, and compiled templates with it.
@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "stamp": _stamp,
        "date": _date,
        "whole_date": _whole_date,
        "periods": say_periods,
        "times": _times,
        "span": span,
        "suggestions": suggestions,
        "tip": _tip,
        "box": _box,
    }
    environment.globals |= {
        "SortKey": SortKey,
        "FleetKey": FleetKey,
        "DAYS": DAYS,
        "WIDTH": DAYS * _CELL,
        "HEIGHT": _TOP + _HOURS * _HOUR,
    }
    return environment


def _date(day: date, now: datetime) -> str:
    """Return a day as people write it, without the year it is in."""
    return f"{day.day} {day:%b}" + ("" if day.year == now.year else f" {day.year}")


def _whole_date(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _stamp(at: datetime, now: datetime) -> str:
    return f"{_date(at, now)} {at:%H:%M}"


def say_periods(told: Iterable[Period]) -> str:
    """Return days as people say them: `25 Oct, 1 to 3 Nov 2026`; a year stands after its last day."""
    said: list[str] = []
    year: int | None = None
    for period in reversed(tuple(told)):
        first, last = period.first, period.last
        text = f"{last.day} {last:%b}" + ("" if last.year == year else f" {last.year}")
        if first.year != last.year:
            text = f"{_whole_date(first)} to {text}"
        elif first.month != last.month:
            text = f"{first.day} {first:%b} to {text}"
        elif first != last:
            text = f"{first.day} to {text}"
        said.append(text)
        year = first.year
    return ", ".join(reversed(said))


def _tip(day: Day, now: datetime) -> str:
    """Return what is said of a day's cell."""
    return f"{_date(day.date, now)}: {_said_of(day)}"


def _times(row: Row) -> Iterator[tuple[str, str]]:
    """Yield days of which the same is said, with that; the oldest first."""
    alike: defaultdict[str, list[date]] = defaultdict(list)
    for day in row.days:
        if day.moments:
            alike[_said_of(day)].append(day.date)
    for said, days in alike.items():
        yield say_periods(periods(days)), said


def _said_of(day: Day) -> str:
    """Return the times of a day, and what is special about them."""
    if not day.moments:
        return "overdue"
    times = [f"{moment.wall:%H:%M}" for moment in day.moments]
    listed = ", ".join(times) if len(times) < _MANY else f"{len(times)} times, {times[0]} to {times[-1]}"
    marks = sorted({moment.mark for moment in day.moments})
    part = "some " if len(marks) > 1 else ""
    return listed + "".join(f", {part}{_WORDS[mark]}" for mark in marks if mark in _WORDS)


def _box(run: Run, cell: int) -> dict[str, int]:
    """Return where a run of hours lies on a strip; part of a day that may go, or is not there yet, is half as wide."""
    whole = run.hours == _HOURS
    slim = not whole and run.mark in {Mark.EXPIRING, Mark.PENDING}
    return {
        "x": cell * _CELL + 1,
        "y": _TOP + run.start * _HOUR,
        "width": _BAR // 2 if slim else _BAR,
        "height": run.hours * _HOUR,
    }
