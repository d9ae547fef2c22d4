"""`lightkeeper status --check`: how everything stands as a line and an exit status for monitoring systems."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Final

from lightkeeper.fleet import AccountState, Fleet
from lightkeeper.model import Problem, Severity, Status
from lightkeeper.overview import Health
from recovery_calendar.fleet_view import FleetView
from recovery_calendar.view import View

_FEW: Final = 5
"""So many names are said one by one."""


class Level(IntEnum):
    """What a monitoring system makes of it; the values are exit statuses."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """How everything stands."""

    level: Level
    line: str


def check(view: View) -> Verdict:
    """Return how everything stands, with the names of what needs a person, and figures for graphs."""
    level = _level(view)
    wanting = [row.name for row in view.rows if row.wants or any(_is_error(note) for note in row.notes)]
    return Verdict(level, f"{_line(level, view.sentence + _look_at(wanting))} | {' '.join(_figures(view))}")


def check_fleet(fleet: Fleet, view: FleetView) -> Verdict:
    """Return how all accounts stand, with the names of those that need a person, and figures for graphs."""
    level = _fleet_level(fleet, view)
    sentence = f"{view.silence}; at that time: {fleet.sentence}" if view.silence else fleet.sentence
    wanting = [row.label for row in fleet.rows if row.wants_a_person]
    return Verdict(level, f"{_line(level, sentence + _look_at(wanting))} | {' '.join(_fleet_figures(fleet, view))}")


def failed(error: Exception) -> Verdict:
    """Return that nobody can tell, and why not."""
    return Verdict(Level.UNKNOWN, _line(Level.UNKNOWN, str(error)))


def _look_at(wanting: Sequence[str]) -> str:
    more = f" and {len(wanting) - _FEW} more" if wanting[_FEW:] else ""
    return f" Look at: {', '.join(wanting[:_FEW])}{more}." if wanting else ""


def _line(level: Level, words: str) -> str:
    # The bar begins the figures, and a second line would not be read.
    return f"{level.name}: {' '.join(words.replace('|', '/').split())}"


def _level(view: View) -> Level:
    if view.health is Health.UNKNOWN:
        return Level.UNKNOWN
    notes = [*view.others, *(note for row in view.rows for note in row.notes)]
    if view.doubted or any(row.wants for row in view.rows) or any(map(_is_error, notes)):
        return Level.CRITICAL
    # What is backed up is safe, but something is not as it was meant.
    is_backed_up = any(row.policy or row.status is Status.PROTECTED for row in view.rows)
    if view.health is Health.DEGRADED or not is_backed_up:
        return Level.WARNING
    return Level.OK


def _fleet_level(fleet: Fleet, view: FleetView) -> Level:
    if view.silence:
        return Level.UNKNOWN
    # One account of which nobody can tell does not hide that another needs a person.
    if needs_a_person(fleet):
        return Level.CRITICAL
    if fleet.health is Health.UNKNOWN:
        return Level.UNKNOWN
    is_backed_up = fleet.counts[AccountState.PROTECTED] or fleet.statuses.get(Status.PROTECTED)
    return Level.OK if is_backed_up else Level.WARNING


def needs_a_person(fleet: Fleet) -> bool:
    """Return whether an account has trouble, or does not let Lightkeeper in any more."""
    return any(row.state is AccountState.TROUBLE or row.refuses for row in fleet.rows)


def _is_error(problem: Problem) -> bool:
    return problem.severity is Severity.ERROR


def _figures(view: View) -> Iterator[str]:
    """Yield the figures, as Nagios writes them."""
    rows = view.rows
    yield f"sources={len(rows)}"
    for status in (Status.PROTECTED, Status.WAITING, Status.OVERDUE, Status.PROBLEM):
        yield f"{status}={sum(row.status is status for row in rows)}"
    yield f"stopped={sum(row.stopped and row.wants for row in rows)}"
    yield f"recovery_points={sum(row.points for row in rows)}"
    ages = [view.now - row.newest for row in rows if row.newest and row.policy]
    if ages:
        yield f"oldest_newest={_seconds(ages)}s"
    yield f"stored_gib={view.stored.gib:.1f}"


def _fleet_figures(fleet: Fleet, view: FleetView) -> Iterator[str]:
    yield f"accounts={len(fleet.rows)}"
    for state in AccountState:
        yield f"{state.replace(' ', '_')}={fleet.counts[state]}"
    for status in (Status.PROTECTED, Status.OVERDUE):
        yield f"sources_{status}={fleet.statuses.get(status, 0)}"
    yield f"report_age={round((view.now - view.time).total_seconds())}s"
    yield f"stored_gib={fleet.stored.gib:.1f}"


def _seconds(ages: Iterable[timedelta]) -> int:
    return round(max(ages).total_seconds())
