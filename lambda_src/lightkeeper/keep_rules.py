"""How long: keep rules, with the meaning of restic's ``forget``.

Source of the rules: restic's manual, *Removing backup snapshots*. Differences: an empty rule is refused, periods are
counted in a given zone, and the newest time is handed in rather than read from the clock.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import TypeAlias, assert_never
from zoneinfo import ZoneInfo

from lightkeeper.errors import InvalidValueError, closest, quote_all
from lightkeeper.times import Duration, is_duration, parse_duration

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


_SLIPS = 2
# As people write them after a number. Weeks are no unit of a duration, so they are read as days.
_UNITS = {
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), (1, "h")),
    **dict.fromkeys(("d", "day", "days"), (1, "d")),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), (7, "d")),
    **dict.fromkeys(("m", "mo", "mon", "mth", "month", "months"), (1, "m")),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years"), (1, "y")),
}
_WORD_UNITS = frozenset(f"{unit}{plural}" for unit in ("hour", "day", "week", "month", "year") for plural in ("", "s"))
_AMOUNT = re.compile(r"([0-9]{1,6}) ?([A-Za-z]+)")
_KEY_AND_REST = re.compile(r"([A-Za-z]+(?:[-_][A-Za-z]+)*)[=:_-]*(.*)")
# 1,500 and 1 500 and 1,5: one number as people write it, and two for who splits it.
_GROUPED = re.compile(r"[0-9][,.'_][0-9]|[0-9][,.'_]? [0-9]{3}(?![0-9])")
_UNIT_DAYS = {"h": 1 / 24, "d": 1, "m": 28, "y": 365}
_PERIOD_DAYS = {"last": 1 / 24, "hourly": 1 / 24, "daily": 1, "weekly": 7, "monthly": 28, "yearly": 365}


def parse_keep(text: str) -> KeepRule:
    """Return the rule written as `7`, `30d`, `2 weeks`, `daily=7 weekly=4 within=2d` or `forever`.

    An error suggests a rule only if it keeps no less than what was written can mean.

    Raises
    ------
    InvalidValueError
        If a word is not understood, stands twice, or the rule would keep nothing.
    """
    words = text.split()
    try:
        return _rule(_joined(words))
    except InvalidValueError as error:
        suggestion = _put_together(words) or error.suggestion
        raise InvalidValueError(error.message, _if_valid(suggestion, text)) from None


def _joined(words: Sequence[str]) -> list[str]:
    """Return the words with each number and the unit after it as one: `within=2 weeks` and `2 weeks` are words."""
    joined: list[str] = []
    for word in words:
        before = joined[-1] if joined else ""
        _, _, number = before.rpartition("=")
        if not (_NUMBER.fullmatch(number) and word.lower() in _UNITS):
            joined.append(word)
            continue
        if len(joined) > 1 and before == number and _may_go_on(joined[-2], number):
            raise InvalidValueError(
                f'"{joined[-2]} {number} {word}" may be one number or two; expected one number before "{word}"'
            )
        joined[-1] = f"{before} {word}"
    return joined


def _may_go_on(word: str, number: str) -> bool:
    """Return whether the two may be meant as one number, such as the 1 500 of `1 500 days`."""
    return bool(_NUMBER.fullmatch(word) or (word[-1].isdigit() and re.fullmatch("[0-9]{3}", number)))


def _rule(words: Sequence[str]) -> KeepRule:
    """Return the rule; an error suggests the whole of it with its first wrong word put right, if no more is wrong."""
    if words == [FOREVER]:
        return KeepRule((Count(None, None),))
    clauses: dict[str, Count | Within] = {}
    for number, word in enumerate(words):
        try:
            key, clause = _parse_word(word)
        except InvalidValueError as error:
            if error.suggestion is None or error.suggestion == FOREVER:
                raise
            right = " ".join([*words[:number], error.suggestion, *words[number + 1 :]])
            raise InvalidValueError(error.message, right) from None
        if key in clauses:
            raise InvalidValueError(f'"{key}" stands twice in "{" ".join(words)}"; expected each rule once')
        clauses[key] = clause
    if not clauses:
        raise InvalidValueError('an empty keep rule would keep nothing; expected a rule such as "daily=7 weekly=4"')
    return KeepRule(tuple(clauses[key] for key in _ORDER if key in clauses))


def _if_valid(suggestion: str | None, written: str) -> str | None:
    """Return the suggestion if following it would help, and if no number in it can be a part of one that was written.

    What is grouped, such as 1,500, must not become two numbers.
    """
    if suggestion is None or (suggestion != FOREVER and _GROUPED.search(written)):
        return None
    words = suggestion.split()
    try:
        _rule(_joined(words))
    except InvalidValueError:
        return None
    return " ".join(words)


def _put_together(words: Sequence[str]) -> str | None:
    """Return the rule for `daily = 7`, `daily 7 weekly 4` or `7 daily 4 weekly`, where that is all that is written."""
    apart = " ".join(words)
    if (together := re.sub(" ?= ?", "=", apart)) != apart:
        return together
    for keys, numbers in ((words[::2], words[1::2]), (words[1::2], words[::2])):
        if len(keys) == len(numbers) and all(map(_NUMBER.fullmatch, numbers)):
            known = [key.lower() for key in keys]
            if all(key in _COUNTS for key in known):
                return " ".join(f"{key}={number}" for key, number in zip(known, numbers, strict=True))
    return None


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
        raise InvalidValueError(f'"{FOREVER}" keeps everything; expected it alone', FOREVER)
    if key in _ORDER:
        expected = "a duration" if key in _WITHINS else "a number"
        raise InvalidValueError(f'"{word}" has no value; expected {expected} after "="')
    raise InvalidValueError(
        f'"{word}" is not a keep rule; expected a number, a duration, "{FOREVER}", or key=value with a key among '
        f"{quote_all(_ORDER)}",
        _nearest_word(word),
    )


def _nearest_word(word: str) -> str | None:
    """Return the word that is meant by one whose key is none; what it says of how much is never made up."""
    if "," in word:
        return word.replace(",", " ")
    if closest(word, (FOREVER, ALL)):
        return FOREVER
    parts = _KEY_AND_REST.fullmatch(word)
    if parts is None or not parts[2]:
        return None
    amount = parts[2]
    if parts[1].lower() in _UNITS and _NUMBER.fullmatch(amount):
        return _spelt(f"{amount} {parts[1]}")
    near = _closest_known(parts[1].lower().replace("_", "-"))
    if near in _WITHINS:
        return f"{near}={_spelt(amount) or amount}"
    return near and f"{near}={amount}"


def _closest_known(key: str) -> str | None:
    """Return the key that was mistyped, if it is one: `biweekly`, `minutely` and `week` are other words."""
    if key in _UNITS:
        return None
    head, dash, period = key.rpartition("-")
    if dash:
        near = _typed("within", head) and _closest_known(period)
        return f"within-{near}" if near in list(Period) else None
    return next((known for known in ("within", *_COUNTS) if _typed(known, key)), None)


def _typed(known: str, word: str) -> bool:
    alike = known[0] == word[:1] and abs(len(known) - len(word)) <= _SLIPS
    return alike and closest(word, (known,), cutoff=0.8) is not None


def _parse_count(key: str, value: str) -> int | None:
    if value == ALL:
        return None
    if _NUMBER.fullmatch(value) and int(value) > 0:
        return int(value)
    raise InvalidValueError(
        f'"{key}={value}" does not say how many to keep; expected a number from 1 to 999999 or "{ALL}"',
        _nearest_count(key, value),
    )


def _nearest_count(key: str, value: str) -> str | None:
    if "," in value:
        return f"{key}={value.replace(',', ' ')}"
    duration = _spelt(value) or value
    if not is_duration(duration):
        return f"{key}={ALL}" if closest(value, (ALL,)) else None
    # Four weekly ones are more than those within four days.
    if _shortest_unit(value) < _PERIOD_DAYS[key]:
        return None
    return f"{'within' if key == 'last' else f'within-{key}'}={duration}"


def _shortest_unit(amount: str) -> float:
    """Return the days of the shortest unit in an amount such as `1m14d` or `2 weeks`."""
    if found := _AMOUNT.fullmatch(amount):
        times, unit = _UNITS[found[2].lower()]
        return times * _UNIT_DAYS[unit]
    return min(days for unit, days in _UNIT_DAYS.items() if unit in amount)


def _parse_within(key: str, value: str) -> Duration:
    number, _, unit = value.partition(" ")
    text = (_spelt(value) or value) if unit.lower() in _WORD_UNITS and _NUMBER.fullmatch(number) else value
    try:
        duration = parse_duration(text)
    except InvalidValueError as error:
        near = _spelt(value)
        raise InvalidValueError(f"in {key}={value}, {error.message}", near and f"{key}={near}") from None
    if not duration:
        raise InvalidValueError(f'"{key}={value}" would keep nothing; expected a duration of an hour or more')
    return duration


def _spelt(amount: str) -> str | None:
    """Return the duration for an amount such as `2 weeks`, `2w` or `14D`, as it is written in a tag."""
    found = _AMOUNT.fullmatch(amount)
    if found is None or found[2].lower() not in _UNITS:
        return None
    times, unit = _UNITS[found[2].lower()]
    return f"{int(found[1]) * times}{unit}"


def apply_rule(
    rule: KeepRule, times: Sequence[datetime], *, zone: ZoneInfo, newest: datetime | None
) -> list[list[str]]:
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


def until_counts_exhausted(rule: KeepRule, times: Iterable[datetime], zone: ZoneInfo) -> list[datetime]:
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
    reason = clause.reason
    if clause.period is None:
        return [(index, reason) for index in range(len(walls))]
    key_of = _PERIOD_KEY[clause.period]
    matches: list[tuple[int, str]] = []
    for index, (newer, key) in enumerate(pairwise([None, *map(key_of, walls)])):
        if key != newer:
            matches.append((index, reason))
        elif index == len(walls) - 1:
            matches.append((index, f"oldest {reason}"))
    return matches
