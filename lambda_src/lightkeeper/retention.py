"""How long: keep rules, with the meaning of restic's ``forget``.

Source of the rules: restic's manual, *Removing backup snapshots*. Differences: an empty rule is refused, periods are
counted in a given zone, and the newest time is handed in rather than read from the clock.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias, assert_never
from zoneinfo import ZoneInfo

from lightkeeper.times import Duration, is_duration, parse_duration
from lightkeeper.wording import InvalidValueError, nearest, quoted

FOREVER = "forever"
ALL = "all"
_NUMBER = re.compile(r"[0-9]{1,6}")


class Period(StrEnum):
    """A calendar period of which a rule keeps the newest snapshot."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"


PeriodKey: TypeAlias = tuple[int, ...]

_PERIOD_KEY: dict[Period, Callable[[datetime], PeriodKey]] = {
    Period.HOURLY: lambda wall: (wall.year, wall.month, wall.day, wall.hour),
    Period.DAILY: lambda wall: (wall.year, wall.month, wall.day),
    Period.WEEKLY: lambda wall: wall.isocalendar()[:2],
    Period.MONTHLY: lambda wall: (wall.year, wall.month),
    Period.YEARLY: lambda wall: (wall.year,),
}


@dataclass(frozen=True, slots=True)
class Count:
    """Keep the newest snapshot of each of `limit` periods; without a period, each snapshot counts."""

    period: Period | None
    limit: int | None
    """How many to keep; None keeps them all."""

    def __str__(self) -> str:
        """Return the clause as it is written in a tag."""
        return f"{self.period or 'last'}={ALL if self.limit is None else self.limit}"

    @property
    def reason(self) -> str:
        """Why a snapshot is kept, in restic's words."""
        return f"{self.period or 'last'} snapshot"


@dataclass(frozen=True, slots=True)
class Within:
    """Keep the newest snapshot of each period, or every one, made less than `duration` before the newest."""

    period: Period | None
    duration: Duration

    def __str__(self) -> str:
        """Return the clause as it is written in a tag."""
        return f"{f'within-{self.period}' if self.period else 'within'}={self.duration}"

    @property
    def reason(self) -> str:
        """Why a snapshot is kept, in restic's words."""
        return f"{self.period} within {self.duration}" if self.period else f"within {self.duration}"


@dataclass(frozen=True, slots=True)
class KeepRule:
    """What to keep: clauses that are ORed, in the order in which their reasons are given."""

    clauses: tuple[Count | Within, ...]

    def __str__(self) -> str:
        """Return the rule as it is written in a tag."""
        return " ".join(map(str, self.clauses))


# In the order of restic's reasons: all within, then the counts, then each period within.
_COUNTS: dict[str, Period | None] = {"last": None, **{period.value: period for period in Period}}
_WITHINS: dict[str, Period | None] = {"within": None, **{f"within-{period}": period for period in Period}}
_ORDER = ("within", *_COUNTS, *(key for key in _WITHINS if key != "within"))


def parse_keep(text: str) -> KeepRule:
    """Return the rule written as `7`, `30d`, `daily=7 weekly=4 within=2d` or `forever`.

    Raises
    ------
    InvalidValueError
        If a word is not understood, stands twice, or the rule would keep nothing.
    """
    try:
        return _rule(text.split())
    except InvalidValueError as error:
        raise InvalidValueError(error.message, _if_valid(error.suggestion)) from None


def _rule(words: Sequence[str]) -> KeepRule:
    """Return the rule; an error suggests the whole of it with its first wrong word mended, whatever else is wrong."""
    if words == [FOREVER]:
        return KeepRule((Count(None, None),))
    clauses: dict[str, Count | Within] = {}
    for number, word in enumerate(words):
        try:
            key, clause = _parse_word(word)
        except InvalidValueError as error:
            mended = " ".join([*words[:number], error.suggestion or "", *words[number + 1 :]])
            raise InvalidValueError(error.message, " ".join(mended.split())) from None
        if key in clauses:
            raise InvalidValueError(f'"{key}" stands twice in "{" ".join(words)}"; expected each rule once')
        clauses[key] = clause
    if not clauses:
        raise InvalidValueError('an empty keep rule would keep nothing; expected a rule such as "daily=7 weekly=4"')
    return KeepRule(tuple(clauses[key] for key in _ORDER if key in clauses))


def _if_valid(suggestion: str | None) -> str | None:
    """Return the suggestion if following it would help."""
    try:
        _rule((suggestion or "").split())
    except InvalidValueError:
        return None
    return suggestion


def _parse_word(word: str) -> tuple[str, Count | Within]:
    key, equals, value = word.partition("=")
    if not equals:
        if _NUMBER.fullmatch(word):
            key, value = "last", word
        elif word[0].isdigit():
            key, value = "within", word
    if key in _COUNTS and value:
        return key, Count(_COUNTS[key], _parse_count(key, value))
    if key in _WITHINS and value:
        return key, Within(_WITHINS[key], _parse_within(key, value))
    if key == FOREVER:
        raise InvalidValueError(f'"{FOREVER}" keeps everything; expected it alone')
    if key in _ORDER:
        expected = "a duration" if key in _WITHINS else "a number"
        raise InvalidValueError(
            f'"{word}" has no value; expected {expected} after "="', _nearest_word(word, key, value)
        )
    raise InvalidValueError(
        f'"{word}" is not a keep rule; expected a number, a duration, "{FOREVER}", or key=value with a key among '
        f"{quoted(_ORDER)}",
        _nearest_word(word, key, value),
    )


def _nearest_word(word: str, key: str, value: str) -> str | None:
    if "," in word:
        return word.replace(",", " ")
    near = nearest(key, (*_ORDER, FOREVER))
    if near is None or near == FOREVER:
        return near
    return f"{near}={value or ('30d' if near in _WITHINS else '7')}"


def _parse_count(key: str, value: str) -> int | None:
    if value == ALL:
        return None
    if _NUMBER.fullmatch(value) and int(value) > 0:
        return int(value)
    within = "within" if key == "last" else f"within-{key}"
    suggestion = value.replace(",", " ") if "," in value else nearest(value, (ALL,))
    raise InvalidValueError(
        f'"{key}={value}" does not say how many to keep; expected a number from 1 to 999999 or "{ALL}"',
        f"{within}={value}" if is_duration(value) else suggestion and f"{key}={suggestion}",
    )


def _parse_within(key: str, value: str) -> Duration:
    try:
        duration = parse_duration(value)
    except InvalidValueError as error:
        suggestion = f"{key}={value}d" if _NUMBER.fullmatch(value) else None
        raise InvalidValueError(f"in {key}={value}, {error.message}", suggestion) from None
    if not duration:
        raise InvalidValueError(f'"{key}={value}" would keep nothing; expected a duration of an hour or more')
    return duration


def judge(rule: KeepRule, times: Sequence[datetime], *, zone: ZoneInfo, newest: datetime | None) -> list[list[str]]:
    """Return, for each time, the reasons to keep it; none means remove.

    Parameters
    ----------
    rule
        The keep rule.
    times
        When the snapshots were taken (their slots), UTC, **newest first**. Equal times stay in the given order.
    zone
        Whose calendar gives the hours, days, ISO weeks, months and years.
    newest
        What `within` counts back from, UTC: the newest snapshot that does not lie in the future. None when there is
        no such snapshot: then nothing is old enough to be outside.

    Notes
    -----
    Each count keeps the newest of every period that it has not seen, until it is used up; a period without a snapshot
    uses no count. The oldest snapshot is kept while a clause still has count, so that history is as long as it can be
    (restic's manual: "the oldest snapshot in the group is kept additionally").
    """
    walls = [time.astimezone(zone) for time in times]
    reasons: list[list[str]] = [[] for _ in times]
    for clause in rule.clauses:
        matches = _newest_of_each(walls, clause)
        match clause:
            case Count(limit=limit):
                kept = matches[:limit]
            case Within(duration=duration):
                start = duration.before(newest, zone) if newest else None
                kept = [(index, reason) for index, reason in matches if start is None or times[index] > start]
            case _:
                assert_never(clause)
        for index, reason in kept:
            reasons[index].append(reason)
    return reasons


def using_up(rule: KeepRule, times: Iterable[datetime], zone: ZoneInfo) -> list[datetime]:
    """Return the first of `times` (UTC, newest first), as far as it takes to use up every count of the rule.

    What is older changes no verdict, as nothing is left to keep it but *all* and *within*.
    """
    counts = [clause for clause in rule.clauses if isinstance(clause, Count) and clause.limit is not None]
    seen: list[set[PeriodKey]] = [set() for _ in counts]
    taken: list[datetime] = []
    for number, time in enumerate(times):
        taken.append(time)
        wall = time.astimezone(zone)
        for clause, keys in zip(counts, seen, strict=True):
            keys.add(_PERIOD_KEY[clause.period](wall) if clause.period else (number,))
        if all(len(keys) >= (clause.limit or 0) for clause, keys in zip(counts, seen, strict=True)):
            break
    return taken


def _newest_of_each(walls: Sequence[datetime], clause: Count | Within) -> list[tuple[int, str]]:
    if clause.period is None:
        return [(index, clause.reason) for index in range(len(walls))]
    key_of = _PERIOD_KEY[clause.period]
    matches: list[tuple[int, str]] = []
    previous: PeriodKey | None = None
    for index, wall in enumerate(walls):
        key = key_of(wall)
        if key != previous:
            matches.append((index, clause.reason))
        elif index == len(walls) - 1:
            matches.append((index, f"oldest {clause.reason}"))
        previous = key
    return matches
