"""The deployment's settings: the `lightkeeper` object of cdk.json, checked once, with every error at once.

The command line reads the object itself; the Lambda function gets it in one environment variable, so that both, and
the stack, say the same about a wrong value.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from lightkeeper.errors import InvalidValueError, as_json, closest, quote_all
from lightkeeper.keep_rules import parse_keep
from lightkeeper.model import Mode, Orphans, Policy
from lightkeeper.schedule import Schedule, parse_schedule, with_time_of_day
from lightkeeper.ticks import parse_tick
from lightkeeper.times import Duration, parse_duration, parse_zone

ENVIRONMENT_VARIABLE: Final = "LIGHTKEEPER"
OFF: Final = "off"
_EVERY_DAY: Final = "0 0 * * *"
_BUILT_IN: Final = {
    "hourly": ("0 * * * *", "hourly=24 daily=7"),
    "daily": ("0 3 * * *", "daily=7 weekly=4"),
    "weekly": ("0 3 * * 0", "weekly=8"),
    "monthly": ("0 3 1 * *", "monthly=12"),
}
# What Lightsail takes in a tag; the longest of our own suffixes (":keep", ":mode", ":hold") must still fit in 128.
_TAG_TEXT: Final = re.compile(r"[A-Za-z0-9 +\-=._:/@]+")
_MAX_TAG_KEY: Final = 128 - len(":keep")
_MAX_TAG_VALUE: Final = 256
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_RATE: Final = re.compile(r"rate\(([0-9]+) (minute|hour|day)s?\)")
_UNITS: Final = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_RESERVED: Final = ("aws:", "lightkeeper:")
# A run keeps time for the slowest call, and the more wait for their turn, the longer that takes.
_MAX_CONCURRENCY: Final = 32
# They stand in the same object of cdk.json and are the stack's to read; here they are only known.
_STACK_KEYS: Final = ("encryptNotifications", "logRetentionDays", "runbookUrl", "tagOnCreate")
_MAX_DELETES: Final = 1000
_MAX_DAYS: Final = 3660


class SettingsError(ValueError):
    """Settings that cannot be used.

    Parameters
    ----------
    errors
        One sentence for each thing that is wrong.
    """

    def __init__(self, errors: Iterable[str]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(self.errors))


def built_in_policies(zone: ZoneInfo) -> dict[str, Policy]:
    """Return the policies that exist without being defined, in that time zone."""
    return {
        name: Policy(name, parse_schedule(cron, zone), parse_keep(keep)) for name, (cron, keep) in _BUILT_IN.items()
    }


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one deployment; their defaults are the documented ones."""

    deployment: str = "Lightkeeper"
    """What the owner tag of every snapshot says; two deployments in an account need two names."""
    tag_key: str = "backup"
    regions: tuple[str, ...] = ()
    """Empty means the deployment's own Region."""
    tick: str = "rate(1 hour)"
    time_zone: ZoneInfo = parse_zone("UTC")
    policies: Mapping[str, Policy] = field(default_factory=lambda: built_in_policies(parse_zone("UTC")))
    default_policy: str = "daily"
    instance_mode: Mode = Mode.INSTANCE
    grace: Duration = Duration(days=1)
    orphans: Orphans = Orphans.KEEP
    max_deletes_per_source: int = 3
    overdue_after: Duration = Duration(hours=6)
    max_concurrency: int = 8
    notify: tuple[str, ...] = ()
    digest: Schedule | None = None
    """When each day a summary is told, whatever there is to tell; None: never."""

    @classmethod
    def from_mapping(cls, given: Mapping[str, object]) -> "Settings":
        """Return the settings of a `lightkeeper` object as it stands in cdk.json.

        Raises
        ------
        SettingsError
            With a sentence for every wrong key and value.
        """
        default = cls()
        read = _Reader(given)
        zone = read.value("timeZone", _zone, default.time_zone)
        policies = read.value("policies", partial(_policies, zone=zone), built_in_policies(zone))
        # A policy that is itself wrong is named where it is wrong, not as an unknown default too.
        names = dict.fromkeys([*policies, *read.keys_of("policies")])
        settings = cls(
            deployment=read.value("deployment", _tag_value, default.deployment),
            tag_key=read.value("tagKey", _tag_key, default.tag_key),
            regions=read.value("regions", _texts(_REGION, 'a Region such as "eu-central-1"'), default.regions),
            tick=read.value("tick", _tick, default.tick),
            time_zone=zone,
            policies=policies,
            # A policy that is itself wrong is named where it is wrong, not here again.
            default_policy=read.value("defaultPolicy", _one_of(names), default.default_policy),
            instance_mode=read.value("instanceMode", _word(Mode), default.instance_mode),
            grace=read.value("grace", _duration, default.grace),
            orphans=read.value("orphans", _word(Orphans), default.orphans),
            max_deletes_per_source=read.value(
                "maxDeletesPerSource", _number(_MAX_DELETES), default.max_deletes_per_source
            ),
            overdue_after=read.value("overdueAfter", _overdue_after, default.overdue_after),
            max_concurrency=read.value("maxConcurrency", _number(_MAX_CONCURRENCY), default.max_concurrency),
            notify=read.value("notify", _texts(_EMAIL, "an e-mail address"), default.notify),
            digest=read.value("digest", partial(_digest, zone=zone), default.digest),
        )
        errors = read.all_errors(also_known=_STACK_KEYS)
        if errors:
            raise SettingsError(errors)
        return settings

    @classmethod
    def from_file(cls, document: object) -> "Settings":
        """Return the settings in a cdk.json, or in a file that holds just the `lightkeeper` object, as parsed JSON.

        Raises
        ------
        SettingsError
            With a sentence for every wrong key and value.
        """
        if not isinstance(document, dict):
            raise SettingsError(["expected a JSON object: a cdk.json, or the settings themselves"])
        context = document.get("context")
        if isinstance(context, dict) and "lightkeeper" in context:
            raise SettingsError(['lightkeeper: found under "context"; expected at the top of the file'])
        is_cdk = "lightkeeper" in document or "app" in document
        given = document.get("lightkeeper", {}) if is_cdk else document
        if not isinstance(given, dict):
            raise SettingsError([f"lightkeeper: {as_json(given)} is not an object of settings"])
        return cls.from_mapping(given)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Return the settings in the environment of the Lambda function; without any, the defaults.

        Raises
        ------
        SettingsError
            With a sentence for every wrong key and value.
        """
        text = environ.get(ENVIRONMENT_VARIABLE, "{}")
        try:
            given = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SettingsError([f"{ENVIRONMENT_VARIABLE}: not JSON ({error}); expected a JSON object"]) from None
        if not isinstance(given, dict):
            raise SettingsError([f"{ENVIRONMENT_VARIABLE}: {as_json(given)} is not a JSON object"])
        return cls.from_mapping(given)

    @property
    def tick_period(self) -> timedelta | None:
        """From tick to tick; None where the tick is a cron expression."""
        rate = _RATE.fullmatch(self.tick)
        return int(rate[1]) * _UNITS[rate[2]] if rate else None

    def to_env(self) -> dict[str, str]:
        """Return the environment from which `from_env` reads these settings."""
        return {ENVIRONMENT_VARIABLE: json.dumps(self.to_mapping(), separators=(",", ":"))}

    def to_mapping(self) -> dict[str, object]:
        """Return the `lightkeeper` object that `from_mapping` reads these settings from, every key spelt out."""
        return {
            "deployment": self.deployment,
            "tagKey": self.tag_key,
            "regions": list(self.regions),
            "tick": self.tick,
            "timeZone": self.time_zone.key,
            "policies": {name: _policy_mapping(policy) for name, policy in self.policies.items()},
            "defaultPolicy": self.default_policy,
            "instanceMode": self.instance_mode.value,
            "grace": str(self.grace),
            "orphans": self.orphans.value,
            "maxDeletesPerSource": self.max_deletes_per_source,
            "overdueAfter": str(self.overdue_after),
            "maxConcurrency": self.max_concurrency,
            "notify": list(self.notify),
            "digest": _time_of_day(self.digest) if self.digest else OFF,
        }


def _policy_mapping(policy: Policy) -> dict[str, str]:
    mapping = {
        "schedule": policy.schedule.cron,
        "keep": str(policy.keep),
        "timeZone": policy.schedule.zone.key,
    }
    return mapping | ({"mode": policy.mode.value} if policy.mode else {})


_T = TypeVar("_T")
_Word = TypeVar("_Word", Mode, Orphans)


class _Reader:
    """Reads the keys of an object one by one and remembers what was wrong, so that a person sees it all at once."""

    def __init__(self, given: Mapping[str, object]) -> None:
        self._given = given
        self._known: list[str] = []
        self._errors: list[str] = []

    def value(self, key: str, parse: Callable[[object], _T], default: _T) -> _T:
        self._known.append(key)
        if key not in self._given:
            return default
        try:
            return parse(self._given[key])
        except InvalidValueError as error:
            self._errors.append(f"{key}: {error}")
        except SettingsError as inner:
            self._errors.extend(f"{key}.{error}" for error in inner.errors)
        return default

    def keys_of(self, key: str) -> list[str]:
        inner = self._given.get(key)
        return list(inner) if isinstance(inner, dict) else []

    def all_errors(self, also_known: Iterable[str] = ()) -> list[str]:
        known = [*self._known, *also_known]
        unknown = [key for key in self._given if key not in known]
        expected = f"unknown key; expected one of {quote_all(known)}"
        return [f"{key}: {InvalidValueError(expected, closest(key, known))}" for key in unknown] + self._errors


def _policies(value: object, *, zone: ZoneInfo) -> dict[str, Policy]:
    if not isinstance(value, dict):
        raise InvalidValueError(f"{as_json(value)} is not an object of policies by name")
    policies = built_in_policies(zone)
    errors: list[str] = []
    for name, definition in value.items():
        try:
            policies[name] = _policy(name, definition, zone)
        except InvalidValueError as error:
            errors.append(f"{name}: {error}")
        except SettingsError as inner:
            errors.extend(f"{name}.{error}" for error in inner.errors)
    if errors:
        raise SettingsError(errors)
    return policies


def _policy(name: str, definition: object, zone: ZoneInfo) -> Policy:
    if name.lower() == OFF or not name.strip() or name != _tag_value(name).strip():
        raise InvalidValueError(f'"{name}" cannot be the name of a policy; expected a word other than "{OFF}"')
    if not isinstance(definition, dict):
        raise InvalidValueError(f'{as_json(definition)} is not a policy; expected {{"schedule": ..., "keep": ...}}')
    read = _Reader(definition)
    own_zone = read.value("timeZone", _zone, zone)
    fallback = built_in_policies(own_zone)["daily"]
    policy = Policy(
        name=name,
        schedule=read.value("schedule", lambda cron: parse_schedule(_text(cron), own_zone), fallback.schedule),
        keep=read.value("keep", lambda keep: parse_keep(_text(keep)), fallback.keep),
        mode=read.value("mode", _word(Mode), None),
    )
    errors = read.all_errors() + [
        f"{key}: missing; expected {example} or the like"
        for key, example in (("schedule", '"0 3 * * *"'), ("keep", '"daily=7 weekly=4"'))
        if key not in definition
    ]
    if errors:
        raise SettingsError(errors)
    return policy


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidValueError(f"{as_json(value)} is not text")
    return value


def _zone(value: object) -> ZoneInfo:
    return parse_zone(_text(value))


def _duration(value: object) -> Duration:
    duration = parse_duration(_text(value))
    days = duration.years * 366 + duration.months * 31 + duration.days + duration.hours / 24
    if days > _MAX_DAYS:
        raise InvalidValueError(f'"{value}" is too long; expected at most "10y"')
    return duration


def _overdue_after(value: object) -> Duration:
    duration = _duration(value)
    if not duration:
        raise InvalidValueError(f'"{value}" is too short; expected an hour or more')
    return duration


def _digest(value: object, *, zone: ZoneInfo) -> Schedule | None:
    text = _text(value)
    return None if text == OFF else with_time_of_day(parse_schedule(_EVERY_DAY, zone), text)


def _time_of_day(schedule: Schedule) -> str:
    minute, hour, *_ = schedule.cron.split()
    return f"{hour:0>2}:{minute:0>2} {schedule.zone.key}"


def _one_of(words: Iterable[str]) -> Callable[[object], str]:
    known = list(words)

    def parse(value: object) -> str:
        text = _text(value)
        if text not in known:
            raise InvalidValueError(f'"{text}" is not known; expected one of {quote_all(known)}', closest(text, known))
        return text

    return parse


def _word(words: type[_Word]) -> Callable[[object], _Word]:
    parse = _one_of(words)
    return lambda value: words(parse(value))


def _number(most: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise InvalidValueError(f"{as_json(value)} is not a whole number from 1 to {most}")
        return value

    return parse


def _texts(pattern: re.Pattern[str], expected: str) -> Callable[[object], tuple[str, ...]]:
    def parse(value: object) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise InvalidValueError(f"{as_json(value)} is not a list; expected [{expected}, ...]")
        wrong = [text for text in value if not isinstance(text, str) or not pattern.fullmatch(text)]
        if wrong:
            raise InvalidValueError(f"{as_json(wrong[0])} is not {expected}")
        return tuple(dict.fromkeys(value))

    return parse


def _tag_key(value: object) -> str:
    text = _text(value)
    reserved = f"{text}:".lower().startswith(_RESERVED)
    if not _TAG_TEXT.fullmatch(text) or text != text.strip() or len(text) > _MAX_TAG_KEY or reserved:
        raise InvalidValueError(
            f'"{text}" cannot be a tag key; expected up to {_MAX_TAG_KEY} letters, digits, spaces and + - = . _ : / @, '
            f"not starting with {quote_all(_RESERVED)}"
        )
    return text


def _tag_value(value: object) -> str:
    text = _text(value)
    if not _TAG_TEXT.fullmatch(text) or len(text) > _MAX_TAG_VALUE or text.lower().startswith("aws:"):
        raise InvalidValueError(
            f'"{text}" cannot be a tag value; expected up to {_MAX_TAG_VALUE} letters, digits, spaces and '
            '+ - = . _ : / @, not starting with "aws:"'
        )
    return text


def _tick(value: object) -> str:
    text = _text(value)
    parse_tick(text)
    return text
