"""Mutants that no test can kill, or that none should: each with the reason why, in one line."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A change that makes no difference that matters."""

    function: str
    """As `plan._reasons`; empty for any."""
    change: str
    """A part of the lines that differ, which are shown as `- old` and `+ new`."""
    reason: str

    def covers(self, function: str, change: str) -> bool:
        """Return whether a mutant of `function` that changes this is meant."""
        return self.function in {"", function} and self.change in change


EQUIVALENTS: Final = (
    Equivalent("", "- assert_never(", "Never reached: mypy proves that the cases are complete."),
    Equivalent("", "zip(series.points, ", "The two are made with equal lengths; `strict` says so to the reader."),
    Equivalent("", "zip(counts, seen, ", "The two are made with equal lengths; `strict` says so to the reader."),
    Equivalent("execute._in_parallel", "ThreadPoolExecutor(per_region, ", "The name of a thread is for a debugger."),
    Equivalent("execute.execute", "apply_all(creates, None)", "No create is held back, so nobody looks into the set."),
    Equivalent("plan._is_replaced", "_age(newest) >= _age(point)", "Two snapshots of one age would have one name."),
    Equivalent("retention._parse_word", "_nearest_word(word, key, None)", "There is no value here to be nearest to."),
    Equivalent("retention.using_up", "clause.limit or 1", "A counted clause has a limit; `or` is there for mypy."),
    Equivalent("retention._newest_of_each", 'previous: PeriodKey | None = ""', "No period is equal to either."),
    Equivalent("schedule.slots_since", 'previous = ""', "No slot is equal to either."),
    Equivalent("schedule._slots_back", "seconds=2", "What a later start adds is after `now`, and so left out."),
    Equivalent(
        "schedule._slots_back", "wall.replace(tzinfo=None, ", "What a later start adds is after `now`, and so left out."
    ),
    Equivalent("tags._problem", "+ return Problem(", "Region and source are filled in by `_of`."),
)
