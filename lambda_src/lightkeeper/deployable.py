"""Whether settings will do for a deployment, which asks more of them than a run, and what a deployment derives of them.

`cdk synth`, a template's deployment (`settings_check`) and the command line answer from here, in the same sentences.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar

from lightkeeper.errors import InvalidValueError, closest, counted, quote_all
from lightkeeper.json_objects import ObjectReader
from lightkeeper.notify import DASHBOARD_VARIABLE, RUNBOOK_VARIABLE, TOPIC_VARIABLE
from lightkeeper.organization import (
    MEMBER_ROLE_VARIABLE,
    ORGANIZATION_VARIABLE,
    RESULTS_VARIABLE,
    Organization,
    wrong_deployment,
)
from lightkeeper.schedule import longest_gap
from lightkeeper.settings import Settings, SettingsError, StackSettings
from lightkeeper.ticks import Cron, is_rarer, longest_gap_of_tick, longest_span_of_tick, parse_tick

RUN_LIMIT: Final = timedelta(minutes=15)
"""Where Lambda ends a run."""
MAX_ENVIRONMENT_BYTES: Final = 4096
"""What Lambda takes, as JSON."""
_T = TypeVar("_T", Settings, StackSettings)
_STACK_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,99}")
_HOUR: Final = timedelta(hours=1)
_NO_TIME: Final = timedelta()
# CloudWatch looks back a week at most.
_LOOKS_BACK: Final = timedelta(days=7)
_MISSED_RUNS: Final = 3
# A run that failed altogether may still succeed when it is tried again, twice, and each try may last to the limit. Nor
# is an error known before its run has ended, and Lambda stamps it at the start.
_SHORTEST_PERIOD_OF_ERRORS: Final = 4 * RUN_LIMIT
_HALF_A_GAP_MORE: Final = 1.5
# As long as what only AWS knows can be: its Regions, and what it adds to the name of a resource.
_LONGEST_REGION: Final = "x" * 16
_LONGEST_TOPIC: Final = f"arn:aws-us-gov:sns:{_LONGEST_REGION}:{'0' * 12}:{{}}-{'x' * 48}"
_LONGEST_DASHBOARD: Final = f"{_LONGEST_REGION * 3}{{}}{'x' * 96}"
_LONGEST_BUCKET: Final = "x" * 63


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often there is news of runs, and when their silence is too long."""

    news_period: timedelta
    """Of what each run reports: from run to run, and an hour at most."""
    error_period: timedelta
    """In which runs are looked for that failed, and that ended: an hour, or half of that more. It is longer than from
    run to run, so that the last run that ended is seen until the next one has had its time."""
    periods_without_a_run: int
    """How many periods of news pass while three runs are missed, where the week or the month has the fewest."""
    overdue_age: timedelta
    """How old a source's newest recovery point can be before the source is overdue, under the default policy."""


def rhythm(settings: Settings) -> Rhythm:
    """Return what follows from the tick and from the default policy.

    Raises
    ------
    KeyError
        If there is no default policy; none is missing in settings that were read.
    """
    news = min(longest_gap_of_tick(settings.tick), _HOUR)
    schedule = settings.policies[settings.default_policy].schedule
    gap = longest_gap(schedule)
    return Rhythm(
        news_period=news,
        error_period=max(news * _HALF_A_GAP_MORE, _SHORTEST_PERIOD_OF_ERRORS),
        periods_without_a_run=-(-_silence(settings.tick) // news),
        overdue_age=gap.length + (settings.overdue_after.after(gap.end, schedule.zone) - gap.end),
    )


def read_deployable(
    given: Mapping[str, object], *, regions_with_lightsail: Sequence[str]
) -> tuple[Settings, StackSettings]:
    """Return the settings of runs and those of the stack in a `lightkeeper` object.

    Parameters
    ----------
    given
        The object, as parsed JSON.
    regions_with_lightsail
        Every Region that may be named.

    Raises
    ------
    SettingsError
        With a sentence for everything that is wrong: in itself, or for a deployment.
    """
    errors: list[str] = []
    settings = _read(Settings, given, errors)
    own = _read(StackSettings, given, errors)
    defined = ObjectReader(given).keys_of("policies")
    errors.extend(
        misfits(
            settings,
            defined=defined,
            regions_with_lightsail=regions_with_lightsail,
            runbook=own.runbook_url,
            organization=own.organization,
        )
    )
    errors.extend(_tags_that_users_write(settings, own))
    if errors:
        raise SettingsError(errors)
    return settings, own


def misfits(
    settings: Settings,
    *,
    defined: Iterable[str],
    regions_with_lightsail: Sequence[str],
    runbook: str | None = None,
    organization: Organization | None = None,
) -> list[str]:
    """Return a sentence for each setting that would do for a run, but not for a deployment.

    Parameters
    ----------
    settings
        Those of the runs.
    defined
        The policies that they define, by name.
    regions_with_lightsail
        Every Region that may be named.
    runbook
        The runbook's address, which the function's environment has, too.
    organization
        Which other accounts are looked after, if any are: that is in the environments, too.
    """
    errors = [
        *_regions_without_lightsail("regions", settings.regions, regions_with_lightsail),
        *_regions_without_lightsail("copies", settings.copies, regions_with_lightsail),
    ]
    if not _STACK_NAME.fullmatch(settings.deployment):
        errors.append(
            f'deployment: "{settings.deployment}" cannot be the name of a stack; '
            'expected up to 100 letters, digits and "-", the first a letter'
        )
    try:
        errors.extend(_ticks_too_rare(settings, defined))
    except InvalidValueError as error:
        errors.append(f"tick: {error}")
    if organization:
        errors.extend(_misfits_of_organization(settings, organization, runbook=runbook))
    size = environment_bytes(longest_environment(settings, runbook=runbook, organization=organization))
    if size > MAX_ENVIRONMENT_BYTES:
        mapping = settings.to_mapping()
        longest = max(mapping, key=lambda key: len(json.dumps(mapping[key])))
        errors.append(
            f"{longest}: with it, all settings together are {size:,} bytes in the function's environment; "
            f"expected at most {MAX_ENVIRONMENT_BYTES:,}, which is all that Lambda takes: shorten {longest}, "
            "or make two deployments"
        )
    return errors


def environment(settings: Settings, *, topic: str, dashboard: str, runbook: str | None) -> dict[str, str]:
    """Return the function's environment."""
    links = {RUNBOOK_VARIABLE: runbook} if runbook else {}
    return {**settings.to_env(), TOPIC_VARIABLE: topic, DASHBOARD_VARIABLE: dashboard, **links}


def member_environment(settings: Settings, organization: Organization, *, results: str) -> dict[str, str]:
    """Return what the function's environment has beside `environment` where there are other accounts.

    Parameters
    ----------
    settings
        Those of the runs.
    organization
        The other accounts.
    results
        The name of the bucket that runs write their results to.
    """
    return {MEMBER_ROLE_VARIABLE: organization.roles(settings.deployment).member, RESULTS_VARIABLE: results}


def accounts_environment(settings: Settings, organization: Organization) -> dict[str, str]:
    """Return the environment of the function that lists the accounts. The one that reports on them has it, too."""
    return {**settings.to_env(), ORGANIZATION_VARIABLE: organization.to_json()}


def longest_environment(
    settings: Settings, *, runbook: str | None = None, organization: Organization | None = None
) -> dict[str, str]:
    """Return the function's environment where all that only AWS knows is as long as it can be."""
    members = member_environment(settings, organization, results=_LONGEST_BUCKET) if organization else {}
    return members | environment(
        settings,
        topic=_LONGEST_TOPIC.format(settings.deployment),
        dashboard=_LONGEST_DASHBOARD.format(settings.deployment),
        runbook=runbook,
    )


def environment_bytes(variables: Mapping[str, str]) -> int:
    """Return how much an environment is for Lambda, which measures it as JSON."""
    return len(json.dumps(variables, separators=(",", ":"), ensure_ascii=False).encode())


def _misfits_of_organization(settings: Settings, organization: Organization, *, runbook: str | None) -> Iterator[str]:
    if why := wrong_deployment(settings.deployment, organization):
        yield f'deployment: "{settings.deployment}" {why}'
    others = longest_environment(settings, runbook=runbook, organization=organization)
    size = environment_bytes(others | accounts_environment(settings, organization))
    # What is too much without the accounts is said of the settings.
    if environment_bytes(others) <= MAX_ENVIRONMENT_BYTES < size:
        number = len(organization.accounts) + len(organization.excluded)
        yield (
            f"organization: with {counted(number, 'account')} in it, the environment of the function that reports on "
            f"them has {size:,} bytes; expected at most {MAX_ENVIRONMENT_BYTES:,}, which is all that Lambda takes: "
            'name the "units" that the accounts are in, or make two deployments'
        )


def _silence(tick: str) -> timedelta:
    """Return how long no run is heard of when three were missed. One is heard of when it ends."""
    late = RUN_LIMIT + (_HOUR if isinstance(parse_tick(tick), Cron) else _NO_TIME)  # when the clocks are put back
    return max(longest_span_of_tick(tick, _MISSED_RUNS), longest_gap_of_tick(tick) + late)


def _ticks_too_rare(settings: Settings, defined: Iterable[str]) -> Iterator[str]:
    tick = settings.tick
    if _silence(tick) > _LOOKS_BACK:
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
    for region, rule in settings.copies.items():
        if is_rarer(tick, rule.schedule, settings.time_zone):
            yield (
                f'tick: "{tick}" is rarer than the schedule of copies to {region} ("{rule.schedule}"): '
                "some of them would never be made; expected a run for each of its slots"
            )


def _regions_without_lightsail(key: str, regions: Iterable[str], known: Sequence[str]) -> Iterator[str]:
    for region in regions:
        if region not in known:
            expected = f'"{region}" is not a Region with Lightsail; expected one of {quote_all(known)}'
            yield f"{key}: {InvalidValueError(expected, closest(region, known))}"


def _tags_that_users_write(settings: Settings, own: StackSettings) -> Iterator[str]:
    for key in own.tags:
        if f"{key}:".lower().startswith(f"{settings.tag_key}:".lower()):
            yield (f'tags.{key}: it is the tag that users write (tagKey), "{settings.tag_key}"; expected another key')


def _read(kind: type[_T], given: Mapping[str, object], errors: list[str]) -> _T:
    """Return the settings of that kind; where something is wrong with them, say so and return the defaults."""
    try:
        return kind.from_mapping(given)
    except SettingsError as error:
        errors.extend(error.errors)
        return kind()
