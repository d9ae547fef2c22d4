"""CloudWatch's alarms over simulated hours: it evaluates each alarm of a template every minute, over sliding windows.

As CloudWatch documents it: a period of an alarm is a sliding window; in an expression, what has no data has no value
unless `FILL` gives it one; an alarm that ignores missing data keeps its state.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

MINUTE: Final = timedelta(minutes=1)
_FILLED: Final = re.compile(r"FILL\((\w+), 0\)")
_PART: Final = re.compile(r"Fleet([A-Z][a-z]+)Function")


@dataclass(frozen=True)
class Point:
    """A value of a metric."""

    stamp: datetime
    value: float
    known: datetime
    """When CloudWatch has it: later than its stamp."""


@dataclass(frozen=True)
class Change:
    """An alarm that begins or ends."""

    at: datetime
    alarm: str
    """What stands between "Lightkeeper: " and the deployment in its name."""
    is_on: bool
    rings: bool
    """Whether people are told."""


@dataclass
class Watch:
    """The alarms of a template, and the metrics they watch."""

    template: Mapping[str, Any]
    points: dict[str, list[Point]] = field(default_factory=dict)
    """By the metric's name; where several functions have one of that name, with whose it is, as `Errors of Report`."""
    changes: list[Change] = field(default_factory=list)
    _on: dict[str, bool] = field(default_factory=dict)

    def add(self, metric: str, stamp: datetime, value: float, known: datetime | None = None) -> None:
        """Add a value of a metric, by its name."""
        self.points.setdefault(metric, []).append(Point(stamp, value, known or stamp))

    def live(self, begin: datetime, end: datetime) -> None:
        """Evaluate every alarm at each minute."""
        now = begin
        while now < end:
            for name, alarm in self._alarms():
                self._evaluate(name, alarm, now)
            now += MINUTE

    def rung(self) -> list[str]:
        """Return what people were told by alarms, that one is over included."""
        return [f"{change.alarm}: {'on' if change.is_on else 'over'}" for change in self.changes if change.rings]

    def on(self) -> set[str]:
        """Return the alarms that are on, whether they ring or not."""
        return {name for name, is_on in self._on.items() if is_on}

    def _alarms(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        for resource in self.template["Resources"].values():
            if resource["Type"] == "AWS::CloudWatch::Alarm":
                alarm = resource["Properties"]
                first = alarm["AlarmName"]["Fn::Join"][1][0]
                yield first.removeprefix("Lightkeeper: ").partition(" (")[0], alarm

    def _evaluate(self, name: str, alarm: Mapping[str, Any], now: datetime) -> None:
        values = [self._value(alarm, now, back) for back in range(alarm["EvaluationPeriods"])]
        treatment = alarm["TreatMissingData"]
        was = self._on.get(name, False)
        if treatment == "ignore" and all(value is None for value in values):
            return
        is_on = all(_breaches(alarm, value, missing=treatment == "breaching") for value in values)
        self._on[name] = is_on
        if is_on != was:
            self.changes.append(Change(now, name, is_on, "AlarmActions" in alarm))

    def _value(self, alarm: Mapping[str, Any], now: datetime, back: int) -> float | None:
        if "Metrics" not in alarm:
            return self._statistic(alarm["MetricName"], alarm["Statistic"], alarm["Period"], now, back)
        given: dict[str, float | None] = {}
        expression = ""
        for each in alarm["Metrics"]:
            if "Expression" in each:
                expression = each["Expression"]
            else:
                stat = each["MetricStat"]
                name = stat["Metric"]["MetricName"]
                own = f"{name} of {_owner(stat['Metric'])}"
                given[each["Id"]] = self._statistic(
                    own if own in self.points else name, stat["Stat"], stat["Period"], now, back
                )
        expression = _FILLED.sub(lambda found: str(given[found[1]] or 0), expression)
        names = {name: value for name, value in given.items() if re.search(rf"\b{name}\b", expression)}
        if any(value is None for value in names.values()):
            return None
        return float(eval(expression, {}, dict(names)))  # noqa: S307 - an expression of our own template

    def _statistic(self, metric: str, statistic: str, period: int, now: datetime, back: int) -> float | None:
        length = timedelta(seconds=period)
        end = now - back * length
        values = [
            point.value
            for point in self.points.get(metric, ())
            if end - length < point.stamp <= end and point.known <= now
        ]
        if not values:
            return None
        match statistic:
            case "Sum":
                return sum(values)
            case "Maximum":
                return max(values)
            case "Minimum":
                return min(values)
            case _:
                assert statistic == "SampleCount"
                return len(values)


def _owner(metric: Mapping[str, Any]) -> str:
    """Return the part of the template that a metric is of, by the path in its logical id; nothing: of none."""
    found = _PART.search(str(metric.get("Dimensions")))
    return found[1] if found else ""


def _breaches(alarm: Mapping[str, Any], value: float | None, *, missing: bool) -> bool:
    if value is None:
        return missing
    below = alarm["ComparisonOperator"] == "LessThanThreshold"
    threshold = float(alarm["Threshold"])
    return value < threshold if below else value >= threshold
