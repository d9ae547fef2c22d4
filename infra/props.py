"""What the stack is made of: the settings of runs, its own, and what follows from them."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Final, TypeVar

import boto3
from aws_cdk import Duration
from aws_cdk.aws_logs import RetentionDays

from lightkeeper.errors import InvalidValueError, closest, quote_all
from lightkeeper.json_objects import ObjectReader
from lightkeeper.notify import DASHBOARD_VARIABLE, RUNBOOK_VARIABLE, TOPIC_VARIABLE
from lightkeeper.settings import Settings, SettingsError, StackSettings, settings_object
from lightkeeper.ticks import Cron, is_rarer, longest_gap_of_tick, longest_span_of_tick, parse_tick

LOG_RETENTION: Final = {
    1: RetentionDays.ONE_DAY,
    3: RetentionDays.THREE_DAYS,
    5: RetentionDays.FIVE_DAYS,
    7: RetentionDays.ONE_WEEK,
    14: RetentionDays.TWO_WEEKS,
    30: RetentionDays.ONE_MONTH,
    60: RetentionDays.TWO_MONTHS,
    90: RetentionDays.THREE_MONTHS,
    180: RetentionDays.SIX_MONTHS,
    365: RetentionDays.ONE_YEAR,
    731: RetentionDays.TWO_YEARS,
    1827: RetentionDays.FIVE_YEARS,
    3653: RetentionDays.TEN_YEARS,
}
"""As the CDK calls those days."""
_T = TypeVar("_T", Settings, StackSettings)
_STACK_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,99}")
_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_NO_TIME: Final = timedelta()
# CloudWatch looks back a week at most.
_LOOKS_BACK: Final = timedelta(days=7)
_MISSED_RUNS: Final = 3
RUN_LIMIT: Final = timedelta(minutes=15)
"""Where Lambda ends a run."""
# A run that failed altogether may still succeed when it is tried again, twice, and each try may last to the limit. Nor
# is an error known before its run has ended, and Lambda stamps it at the start.
_SHORTEST_PERIOD_OF_ERRORS: Final = 4 * RUN_LIMIT
_HALF_A_GAP_MORE: Final = 1.5
MAX_ENVIRONMENT_BYTES: Final = 4096
"""What Lambda takes, as JSON."""
# As long as what only AWS knows can be: its Regions, and what it adds to the name of a resource.
_LONGEST_REGION: Final = "x" * 16
_LONGEST_TOPIC: Final = f"arn:aws-us-gov:sns:{_LONGEST_REGION}:{'0' * 12}:{{}}-{'x' * 48}"
_LONGEST_DASHBOARD: Final = f"{_LONGEST_REGION * 3}{{}}{'x' * 96}"


@dataclass(frozen=True, slots=True)
class Props:
    """The props of the stack."""

    settings: Settings
    """Those of the runs."""
    own: StackSettings
    """The stack's."""

    @classmethod
    def from_document(cls, document: object) -> "Props":
        """Return the props in a cdk.json, as parsed JSON.

        Raises
        ------
        SettingsError
            With a sentence for every wrong key and value.
        """
        given = settings_object(document)
        errors: list[str] = []
        props = cls(_read(Settings, given, errors), _read(StackSettings, given, errors))
        errors.extend(props._misfits(ObjectReader(given).keys_of("policies")))
        if errors:
            raise SettingsError(errors)
        return props

    @property
    def stack_name(self) -> str:
        """The deployment's name, so that two deployments are two stacks."""
        return self.settings.deployment

    @property
    def news_period(self) -> Duration:
        """The period of what each run reports: from run to run, and an hour at most."""
        return _in_minutes(min(longest_gap_of_tick(self.settings.tick), _HOUR))

    @property
    def error_period(self) -> Duration:
        """The period in which runs are looked for that failed, and that ended: an hour, or half of that more.

        It is longer than from run to run, so that the last run that ended is seen until the next one has had its time.
        """
        gap = min(longest_gap_of_tick(self.settings.tick), _HOUR)
        return _in_minutes(max(gap * _HALF_A_GAP_MORE, _SHORTEST_PERIOD_OF_ERRORS))

    @property
    def periods_without_a_run(self) -> int:
        """How many periods of news pass while three runs are missed, where the week or the month has the fewest."""
        return -(-self._silence // min(longest_gap_of_tick(self.settings.tick), _HOUR))

    @property
    def _silence(self) -> timedelta:
        """How long no run is heard of when three were missed. One is heard of when it ends."""
        tick = self.settings.tick
        late = RUN_LIMIT + (_HOUR if isinstance(parse_tick(tick), Cron) else _NO_TIME)  # when the clocks are put back
        return max(longest_span_of_tick(tick, _MISSED_RUNS), longest_gap_of_tick(tick) + late)

    def environment(self, *, topic: str, dashboard: str) -> dict[str, str]:
        """Return the function's environment."""
        runbook = {RUNBOOK_VARIABLE: self.own.runbook_url} if self.own.runbook_url else {}
        return {**self.settings.to_env(), TOPIC_VARIABLE: topic, DASHBOARD_VARIABLE: dashboard, **runbook}

    @property
    def longest_environment(self) -> dict[str, str]:
        """The function's environment where all that only AWS knows is as long as it can be."""
        return self.environment(
            topic=_LONGEST_TOPIC.format(self.stack_name), dashboard=_LONGEST_DASHBOARD.format(self.stack_name)
        )

    def _misfits(self, defined: Iterable[str]) -> list[str]:
        """Name the settings that would do for a run, but not for a stack.

        Parameters
        ----------
        defined
            The policies that cdk.json defines, by name.
        """
        errors = [*_regions_without_lightsail(self.settings.regions)]
        if not _STACK_NAME.fullmatch(self.stack_name):
            errors.append(
                f'deployment: "{self.stack_name}" cannot be the name of a stack; '
                'expected up to 100 letters, digits and "-", the first a letter'
            )
        try:
            errors.extend(self._ticks_too_rare(defined))
        except InvalidValueError as error:
            errors.append(f"tick: {error}")
        size = environment_bytes(self.longest_environment)
        if size > MAX_ENVIRONMENT_BYTES:
            mapping = self.settings.to_mapping()
            longest = max(mapping, key=lambda key: len(json.dumps(mapping[key])))
            errors.append(
                f"{longest}: with it, all settings together are {size:,} bytes in the function's environment; "
                f"expected at most {MAX_ENVIRONMENT_BYTES:,}, which is all that Lambda takes: shorten {longest}, "
                "or make two deployments"
            )
        return errors

    def _ticks_too_rare(self, defined: Iterable[str]) -> Iterator[str]:
        settings = self.settings
        tick = settings.tick
        if self._silence > _LOOKS_BACK:
            yield (
                f'tick: "{tick}" is too rare to notice that it has stopped; expected three runs within a week, '
                'such as "rate(2 days)"'
            )
        for name in dict.fromkeys([*defined, settings.default_policy]):
            policy = settings.policies.get(name)
            if policy and is_rarer(tick, policy.schedule, settings.time_zone):
                yield (
                    f'tick: "{tick}" is rarer than the policy "{name}" ("{policy.schedule}"): '
                    "some of its snapshots would never be taken; expected a run for each of its slots"
                )


def environment_bytes(environment: Mapping[str, str]) -> int:
    """Return how much an environment is for Lambda, which measures it as JSON."""
    return len(json.dumps(environment, separators=(",", ":"), ensure_ascii=False).encode())


def _in_minutes(period: timedelta) -> Duration:
    return Duration.minutes(period // _MINUTE)


@cache
def _regions_with_lightsail() -> tuple[str, ...]:
    """Return what this release of boto3 knows: it reads megabytes for that."""
    return tuple(boto3.Session().get_available_regions("lightsail"))


def _regions_without_lightsail(regions: Iterable[str]) -> Iterator[str]:
    known = _regions_with_lightsail()
    for region in regions:
        if region not in known:
            expected = f'"{region}" is not a Region with Lightsail; expected one of {quote_all(known)}'
            yield f"regions: {InvalidValueError(expected, closest(region, known))}"


def _read(kind: type[_T], given: Mapping[str, object], errors: list[str]) -> _T:
    """Return the settings of that kind; where something is wrong with them, say so and return the defaults."""
    try:
        return kind.from_mapping(given)
    except SettingsError as error:
        errors.extend(error.errors)
        return kind()
