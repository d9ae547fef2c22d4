"""The simulator: days of the real schedule, plan and retention, on snapshots that exist only in memory. Pure.

It makes a run wherever one could do something: the plan is a function of inventory and time, and with the same
inventory it changes at the next slot, of copies too, or at the time of a scheduled deletion, not in between. It takes
every snapshot and every copy to be usable by the next run, and no call to fail. What is stored and sent, and what it
costs, is the estimate of `lightkeeper.pricing`.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final, assert_never

from lightkeeper.actions import Action, CancelDeletion, Copy, Create, Defer, Delete, RemoveHold, ScheduleDeletion
from lightkeeper.errors import InvalidValueError
from lightkeeper.keep_rules import KeepRule
from lightkeeper.kinds import SourceKind
from lightkeeper.model import Copies, CopyRule, Inventory, Policy, RecoveryPoint, SnapshotState, Source
from lightkeeper.plan import make_plan
from lightkeeper.pricing import changed_gib, stored_gib
from lightkeeper.schedule import Schedule, next_slot
from lightkeeper.settings import Settings

LAST_DAYS: Final = 30
"""The days before the end of which each rule says how many can be recovered."""
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
_NUMBER: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,6})?")
_CHANGE: Final = re.compile(rf"({_NUMBER.pattern}) ?%(?: ?/ ?day)?")
_FIRST_YEAR, _LAST_YEAR = 1970, 2999
_NAME: Final = "simulated"
_ARN: Final = f"arn:aws:lightsail:{_NAME}:000000000000:Disk/{_NAME}"
_TARGET: Final = "elsewhere"


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is simulated, whatever the rule: one source, from its first snapshot on."""

    policy: Policy
    start: date
    """The first day is the one of the first slot on or after this day, in the policy's zone."""
    days: int
    size_gib: int
    """How much of the source is in use."""
    change_per_day: float
    """The part of it that changes in a day, from 0 to 1."""
    copies: CopyRule | None = None
    """When it is copied into another Region, and how long that is kept there; None: it is not copied."""


@dataclass(frozen=True, slots=True)
class Day:
    """How a simulated day ended."""

    date: date
    """In the policy's zone."""
    held: int
    stored_gib: float


@dataclass(frozen=True, slots=True)
class CopiesMade:
    """What became of the copies in another Region."""

    rule: CopyRule
    points: tuple[RecoveryPoint, ...]
    """Those held at the end, newest content first."""
    made: int
    most_held: int
    """At any moment, as for the snapshots at home."""
    stored_gib: float
    """What is stored there at the end."""
    sent_gib: float
    """What was sent there in all."""
    sent_gib_lately: float
    """What of it was sent in the last `LAST_DAYS` days."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a rule made of a scenario."""

    scenario: Scenario
    keep: KeepRule
    days: tuple[Day, ...]
    points: tuple[RecoveryPoint, ...]
    """The snapshots held at the end, newest first."""
    taken: int
    most_held: int
    """At any moment: a run creates before it deletes, so this may be more than any day ends with."""
    copies: CopiesMade | None = None

    @property
    def end(self) -> datetime:
        """The end of the last day, UTC."""
        return _midnight(self.days[-1].date + _DAY, self.scenario.policy.schedule)

    def day_of(self, point: RecoveryPoint) -> date:
        """Return the day that a recovery point makes recoverable, in the policy's zone."""
        return point.taken.astimezone(self.scenario.policy.schedule.zone).date()

    @property
    def recoverable(self) -> list[date]:
        """The days with a recovery point that is held at the end, oldest first."""
        return sorted({self.day_of(point) for point in self.points})

    @property
    def recoverable_lately(self) -> list[date]:
        """Those of the last `LAST_DAYS` days."""
        before = self.days[-1].date - LAST_DAYS * _DAY
        return [day for day in self.recoverable if day > before]

    @property
    def oldest_age(self) -> float:
        """How old the oldest snapshot is at the end, in days."""
        return (self.end - self.points[-1].taken) / _DAY

    @property
    def stored_gib(self) -> float:
        """What is stored at the end."""
        return self.days[-1].stored_gib

    @property
    def most_stored_gib(self) -> float:
        """The most that is stored at any day's end."""
        return max(day.stored_gib for day in self.days)

    @property
    def longest_gap(self) -> int:
        """The most days in a row without a recovery point, from the oldest one to the end."""
        days = [*self.recoverable, self.days[-1].date + _DAY]
        return max((later - earlier).days - 1 for earlier, later in pairwise(days))


def parse_change(text: str) -> float:
    """Return the part, from 0 to 1, that `2%/day` says changes in a day; `2%` is the same.

    Raises
    ------
    InvalidValueError
        If `text` is not such a percentage, or more than all of it.
    """
    match = _CHANGE.fullmatch(text.strip())
    if not match or float(match[1]) > 100:  # noqa: PLR2004 - percent
        plain = _NUMBER.fullmatch(text.strip())
        raise InvalidValueError(
            f'"{text}" is not a rate of change; expected a percentage for each day, from 0% to 100%, such as "2%/day"',
            f"{text.strip()}%/day" if plain and float(plain[0]) <= 100 else None,  # noqa: PLR2004 - percent
        )
    return float(match[1]) / 100


def parse_day(text: str) -> date:
    """Return the day written as `2026-11-23`.

    Raises
    ------
    InvalidValueError
        If `text` is not a date, or one that is too far off.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or not _FIRST_YEAR < day.year < _LAST_YEAR:
        raise InvalidValueError(f'"{text}" is not a date; expected one such as "2026-11-23"')
    return day


def _midnight(day: date, schedule: Schedule) -> datetime:
    return datetime.combine(day, time(), tzinfo=schedule.zone).astimezone(UTC)


def simulate(scenario: Scenario, keep: KeepRule, settings: Settings, on_day: Callable[[], None]) -> Simulation:
    """Run the scenario under that rule, with a run wherever the settings' tick has one.

    Parameters
    ----------
    scenario
        What to simulate; the rule of its policy is not used.
    keep
        The rule.
    settings
        For the tick, the grace and the limit of deletions.
    on_day
        Called after each simulated day.

    Raises
    ------
    InvalidValueError
        If the settings' tick is a cron expression.
    """
    tick = settings.tick_period
    if tick is None:
        raise InvalidValueError(
            f'"{settings.tick}" cannot be simulated; expected a tick such as "rate(1 hour)": give a --config with one'
        )
    target = {_TARGET: scenario.copies} if scenario.copies else {}
    policy = replace(scenario.policy, keep=keep, copies=Copies() if target else None)
    settings = replace(settings, policies={policy.name: policy}, default_policy=policy.name, copies=target)
    begin = next_slot(policy.schedule, _midnight(scenario.start, policy.schedule) - _SECOND)
    source = Source(SourceKind.DISK, _NAME, _ARN, _NAME, begin, {settings.tag_key: policy.name})
    first = begin.astimezone(policy.schedule.zone).date()

    points: tuple[RecoveryPoint, ...] = ()
    days: list[Day] = []
    sent: list[tuple[datetime, float]] = []
    now, taken, most_held, most_copies = begin, 0, 0, 0
    for day in (first + number * _DAY for number in range(scenario.days)):
        end = _midnight(day + _DAY, policy.schedule)
        while now < end:
            plan = make_plan(Inventory((source,), points, regions=(_NAME,), targets=tuple(target)), settings, now)
            created = [_point(action, now, scenario) for action in plan.actions if isinstance(action, Create)]
            copied = [_copy(action, now, points) for action in plan.actions if isinstance(action, Copy)]
            sent += [(now, _sent_gib(copy, points, scenario)) for copy in copied]
            taken += len(created)
            most_held = max(most_held, len(_at_home(points)) + len(created))
            most_copies = max(most_copies, len(_copies(points)) + len(copied))
            points = (*created, *copied, *_pruned(points, plan.actions))
            # What a run did may give the very next one something to do.
            change = now + tick
            if not plan.actions:
                line = plan.sources[0]
                slots = line.next_slot, *(copy.next_slot for copy in line.copies)
                following = (*slots, *(point.expires_at for point in points))
                change = min(instant for instant in following if instant)
            now = begin - (begin - change) // tick * tick
        held = _at_home(points)
        days.append(Day(day, len(held), _stored_gib(held, scenario)))
        on_day()
    if scenario.copies is None:
        return Simulation(scenario, keep, tuple(days), points, taken, most_held)
    lately = _midnight(days[-1].date - (LAST_DAYS - 1) * _DAY, policy.schedule)
    copies = CopiesMade(
        rule=scenario.copies,
        points=_copies(points),
        made=len(sent),
        most_held=most_copies,
        stored_gib=_stored_gib(_copies(points), scenario),
        sent_gib=sum(gib for _, gib in sent),
        sent_gib_lately=sum(gib for at, gib in sent if at >= lately),
    )
    return Simulation(scenario, keep, tuple(days), _at_home(points), taken, most_held, copies)


def _at_home(points: Iterable[RecoveryPoint]) -> tuple[RecoveryPoint, ...]:
    return tuple(point for point in points if not point.is_copy)


def _copies(points: Iterable[RecoveryPoint]) -> tuple[RecoveryPoint, ...]:
    return tuple(point for point in points if point.is_copy)


def _stored_gib(points: Iterable[RecoveryPoint], scenario: Scenario) -> float:
    return stored_gib((point.taken for point in points), scenario.size_gib, scenario.change_per_day)


def _sent_gib(copy: RecoveryPoint, points: Iterable[RecoveryPoint], scenario: Scenario) -> float:
    """Return how much a copy sends: what has changed since the content of the newest that is there, else all."""
    before = max((point.taken for point in _copies(points)), default=None)
    if before is None:
        return scenario.size_gib
    return changed_gib(copy.taken - before, scenario.size_gib, scenario.change_per_day)


def _point(create: Create, now: datetime, scenario: Scenario) -> RecoveryPoint:
    target = create.target
    return RecoveryPoint(
        kind=target.kind,
        name=target.snapshot,
        region=target.region,
        state=SnapshotState.USABLE,
        taken=now,
        size_gib=scenario.size_gib,
        source_name=target.source,
        source_arn=target.source_arn,
        slot=target.slot,
        attempt=1,
        expires_at=None,
        # They matter for holds and orphans, of which there are none.
        tags={},
    )


def _copy(copy: Copy, now: datetime, points: Iterable[RecoveryPoint]) -> RecoveryPoint:
    (original,) = (point for point in points if point.name == copy.original.snapshot)
    return replace(original, name=copy.target.snapshot, region=copy.target.region, expires_at=None, copied_at=now)


def _pruned(points: Iterable[RecoveryPoint], actions: Iterable[Action]) -> list[RecoveryPoint]:
    """Return the points as the actions leave them."""
    by_name = {point.name: point for point in points}
    for action in actions:
        name = action.target.snapshot
        match action:
            case ScheduleDeletion():
                by_name[name] = replace(by_name[name], expires_at=action.expires_at)
            case CancelDeletion():
                by_name[name] = replace(by_name[name], expires_at=None)
            case Delete():
                del by_name[name]
            case Defer():
                by_name[name] = replace(by_name[name], expires_at=action.until)
            case Create() | Copy() | RemoveHold():
                pass
            case _:
                assert_never(action)
    return list(by_name.values())
