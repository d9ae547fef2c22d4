"""One tick: read everything, plan, and do the difference. What exists in Lightsail is the only state."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lightkeeper.execute import Writer, execute
from lightkeeper.inventory import Reader, plan_tick
from lightkeeper.model import Outcome, Plan, Result
from lightkeeper.settings import Settings


class Region(Reader, Writer, Protocol):
    """Lightsail in one Region, to read and to write."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A plan and how its actions ended."""

    plan: Plan
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


def run_tick(
    regions: Mapping[str, Region],
    settings: Settings,
    now: datetime,
    *,
    seconds_left: Callable[[], float],
    on_outcome: Callable[[Outcome], None],
) -> Tick:
    """Plan for `now` (UTC) and do it.

    Parameters
    ----------
    regions
        Lightsail in each Region to look after.
    settings
        The deployment's.
    now
        The scheduled time of the tick, UTC: the same on every retry.
    seconds_left
        How long this run may still take.
    on_outcome
        Called with each outcome as soon as it is known.

    Raises
    ------
    CallError
        If the credentials are refused.
    """
    plan = plan_tick(regions, settings, now)
    return Tick(plan, execute(plan, regions, settings, seconds_left=seconds_left, on_outcome=on_outcome))
