"""One run: in each Region, read everything, plan, and do the difference. What exists in Lightsail is the only state.

The Regions go side by side and never wait for each other: one that hangs or refuses costs the others nothing.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, Protocol

from lightkeeper.actions import Outcome, Result
from lightkeeper.errors import InvalidValueError
from lightkeeper.execute import Writer, execute
from lightkeeper.inventory import (
    Reader,
    join_inventories,
    join_regions,
    plan_region,
    read_region,
)
from lightkeeper.kinds import SourceKind
from lightkeeper.model import Plan
from lightkeeper.plan import creates_only, with_begun
from lightkeeper.retries import READ_MARGIN_SECONDS, margin_seconds
from lightkeeper.settings import Settings
from lightkeeper.take import plan_take
from lightkeeper.ticks import longest_gap_of_tick
from lightkeeper.times import OFF_THE_CLOCK, format_instant

_TICKS_UNTIL_LATE: Final = 2


class Region(Reader, Writer, Protocol):
    """Lightsail in one Region, to read and to write."""


_NO_TARGETS: Final[Mapping[str, Region]] = {}


@dataclass(frozen=True, slots=True)
class Run:
    """A plan and how its actions ended."""

    plan: Plan
    """What stood and was to be done, but for the sources whose snapshot this run has begun: they are not overdue."""
    outcomes: tuple[Outcome, ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """What failed, a sentence each."""
        lists = (f"{failure.region}: {failure.message}" for failure in self.plan.failures)
        actions = (
            f"{outcome.action.target.region}: {outcome.action.target.source}: {outcome.error}"
            for outcome in self.outcomes
            if outcome.result is Result.FAILED
        )
        return (*lists, *actions)


def refuse_future(now: datetime, clock: datetime) -> None:
    """Refuse a run ahead of its time: it would delete what is still in its grace.

    Raises
    ------
    InvalidValueError
        If `now` (UTC) is more than an hour ahead of the clock.
    """
    if now > clock + OFF_THE_CLOCK:
        raise InvalidValueError(
            f'"time" is {format_instant(now)}, but it is {format_instant(clock)}; expected a time that has come: '
            "a run ahead of its time would delete what is still in its grace"
        )


def is_long_past(now: datetime, clock: datetime, settings: Settings) -> bool:
    """Return whether `now` (UTC) is so long past by the clock that a run must not mark or delete: see `run_regions`."""
    return now < clock - max(OFF_THE_CLOCK, _TICKS_UNTIL_LATE * longest_gap_of_tick(settings.tick))


def run_regions(  # noqa: PLR0913 - a run has that many sides
    regions: Mapping[str, Region],
    settings: Settings,
    now: datetime,
    *,
    seconds_left: Callable[[], float],
    on_outcome: Callable[[Outcome], None],
    on_plan: Callable[[Plan], None] = lambda _: None,
    is_late: bool = False,
    targets: Mapping[str, Region] = _NO_TARGETS,
) -> Run:
    """Plan for `now` (UTC) and do it.

    Parameters
    ----------
    regions
        Lightsail in each Region to look after.
    settings
        The deployment's.
    now
        The scheduled time of the run, UTC: the same on every retry.
    seconds_left
        How long this run may still take.
    on_outcome
        Called with each outcome as soon as it is known, one call at a time.
    on_plan
        Called with the plan of each Region before anything of it is done, one call at a time.
    is_late
        Whether `now` is long past by the clock: then only what is missing is taken. A mark would leave less than the
        grace, and what has to go goes in the next run.
    targets
        Lightsail in each Region that copies go to.

    Raises
    ------
    CallError
        If every Region refuses the credentials.
    """
    stopping = threading.Event()
    speaking = threading.Lock()

    def left() -> float:
        return 0.0 if stopping.is_set() else seconds_left()

    def report(outcome: Outcome) -> None:
        with speaking:
            on_outcome(outcome)

    def run(name: str) -> Run:
        region = regions[name]
        before_writes = margin_seconds(settings.max_concurrency)

        def look() -> Plan:
            time_to_read = partial(_less, left, before_writes + READ_MARGIN_SECONDS)
            whole = plan_region(name, region, settings, now, time_to_read, targets=targets)
            return creates_only(whole) if is_late else whole

        plan = look()
        with speaking:
            on_plan(plan)
        writers = {**targets, name: region}
        return Run(plan, execute(plan, writers, settings, seconds_left=left, on_outcome=report, look_again=look))

    with ThreadPoolExecutor(len(regions), "regions") as pool:
        try:
            parts = list(pool.map(run, regions))
        except BaseException:
            # Whoever interrupts a run waits for the calls under way, and for no more.
            stopping.set()
            raise
    return _joined(parts)


def take(  # noqa: PLR0913 - a recovery point on demand has that many sides
    regions: Mapping[str, Region],
    settings: Settings,
    now: datetime,
    name: str,
    *,
    kind: SourceKind | None,
    hold: str | None,
    seconds_left: Callable[[], float],
    on_outcome: Callable[[Outcome], None],
) -> Run:
    """Take a recovery point of a source at `now` (UTC), and do nothing else. See `plan_take` for the parameters.

    Raises
    ------
    InvalidValueError
        If there is no such source or more than one, its tags are not understood, or the hold is no day to come.
    CallError
        If every Region refuses the credentials.
    """
    with ThreadPoolExecutor(len(regions), "regions") as pool:
        parts = list(pool.map(lambda each: read_region(each, regions[each], settings, seconds_left), regions))
    plan = plan_take(join_inventories(parts), settings, now, name, kind=kind, hold=hold)
    outcomes = execute(
        plan, regions, settings, seconds_left=seconds_left, on_outcome=on_outcome, look_again=lambda: plan
    )
    return Run(plan, outcomes)


def _less(left: Callable[[], float], seconds: float) -> float:
    return left() - seconds


def _joined(parts: list[Run]) -> Run:
    plan = join_regions(part.plan for part in parts)
    outcomes = sorted(
        (outcome for part in parts for outcome in part.outcomes), key=lambda outcome: outcome.action.phase
    )
    done = (outcome.action for outcome in outcomes if outcome.result is Result.DONE)
    return Run(with_begun(plan, done), tuple(outcomes))
