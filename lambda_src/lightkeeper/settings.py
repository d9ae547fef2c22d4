"""The deployment's settings: the `lightkeeper` object of cdk.json, checked once, with every error at once.

A setting is one row, and all else follows from it: what cdk.json and the function's environment may say, what the
command line and `cdk synth` answer to a wrong value, and the table in docs/configuration.md (`make docs`).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final, Self, TypeVar
from zoneinfo import ZoneInfo

from lightkeeper.copies import check_regions, read_copy_rules, write_copy_rules
from lightkeeper.errors import InvalidValueError, as_json, quote_all
from lightkeeper.json_objects import InvalidObjectError, ObjectReader, as_object, one_of, switch, text, whole_number
from lightkeeper.model import CopyRule, Mode, Orphans, Policy, Prune
from lightkeeper.organization import Organization
from lightkeeper.policies import OFF, TAG_TEXT, read_policies, tag_value, write_policies
from lightkeeper.rows import UTC_ZONE, Form, read_rows, rows_of, setting, write_rows
from lightkeeper.schedule import Schedule, parse_schedule, with_time_of_day
from lightkeeper.ticks import Rate, parse_tick
from lightkeeper.times import Duration, parse_duration, parse_zone

ENVIRONMENT_VARIABLE: Final = "LIGHTKEEPER"
LOG_RETENTIONS: Final = (1, 3, 5, 7, 14, 30, 60, 90, 180, 365, 731, 1827, 3653)
"""In days; CloudWatch Logs takes no other numbers, but for a few between these."""
RENAMED: Final = {"writers": "maxConcurrency", "runbookAddress": "runbookUrl"}
"""The present names of keys by those they had in earlier releases."""
_EVERY_DAY: Final = "0 0 * * *"
# The longest of our own suffixes (":keep", ":mode", ":hold") must still fit in 128.
_MAX_TAG_KEY: Final = 128 - len(":keep")
_RESERVED: Final = ("aws:", "lightkeeper:")
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_EMAIL: Final = re.compile(r"[^@\s/]+@[^@\s./]+(\.[^@\s./]+)+")
_ENDPOINT: Final = re.compile(r"https://[^\s<>\"\\/]+(/[^\s<>\"\\]{0,500})?")
_TOPIC: Final = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_-]{1,256}")
_A_LISTENER: Final = 'an e-mail address, an "https://" address or the ARN of an SNS topic'
MAX_TOPICS: Final = 4
"""In `notify`. An alarm in CloudWatch has five actions at most, and the deployment's own topic is one."""
# A parenthesis would end a link in Markdown, and the sections' anchors follow the address.
_HTTPS: Final = re.compile(r"https://[^\s()<>\[\]#\"\\]{1,500}")
# A run keeps time for the slowest call, and the more wait for their turn, the longer that takes.
_MAX_CONCURRENCY: Final = 32
_MAX_DELETES: Final = 1000
_MAX_DAYS: Final = 3660
# The topic remembers in its tags what people were notified of; of 50, ten are left.
_MAX_STACK_TAGS: Final = 10
_STACK_TAG_TEXT: Final = re.compile(r"[\w +\-=.:/@]+")
_MAX_STACK_TAG_KEY: Final = 128
_MAX_STACK_TAG_VALUE: Final = 256
_T = TypeVar("_T")
_Word = TypeVar("_Word", Mode, Orphans, Prune)


class SettingsError(InvalidObjectError):
    """Settings that cannot be used."""


# The forms


def _duration(value: object) -> Duration:
    duration = parse_duration(text(value))
    days = duration.years * 366 + duration.months * 31 + duration.days + duration.hours / 24
    if days > _MAX_DAYS:
        raise InvalidValueError(f'"{value}" is too long; expected at most "10y"')
    return duration


def _an_hour_or_more(value: object) -> Duration:
    duration = _duration(value)
    if not duration:
        raise InvalidValueError(f'"{value}" is too short; expected an hour or more')
    return duration


def _tag_key(value: object) -> str:
    key = text(value)
    reserved = f"{key}:".lower().startswith(_RESERVED)
    if not TAG_TEXT.fullmatch(key) or key != key.strip() or len(key) > _MAX_TAG_KEY or reserved:
        raise InvalidValueError(
            f'"{key}" cannot be a tag key; expected up to {_MAX_TAG_KEY} letters, digits, spaces and + - = . _ : / @, '
            f"not starting with {quote_all(_RESERVED)}"
        )
    return key


def _tick(value: object) -> str:
    tick = text(value)
    parse_tick(tick)
    return tick


def _time_of_day(value: object, zone: ZoneInfo) -> Schedule | None:
    time = text(value)
    return None if time == OFF else with_time_of_day(parse_schedule(_EVERY_DAY, zone), time)


def _write_time_of_day(schedule: Schedule | None) -> str:
    if schedule is None:
        return OFF
    minute, hour, *_ = schedule.cron.split()
    return f"{hour:0>2}:{minute:0>2} {schedule.zone.key}"


def _address(value: object) -> str | None:
    if value is None or (isinstance(value, str) and _HTTPS.fullmatch(value)):
        return value
    raise InvalidValueError(
        f'{as_json(value)} is not an address; expected "https://..." without space, parenthesis or "#", or null'
    )


def _listeners(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise InvalidValueError(f"{as_json(value)} is not a list; expected [{_A_LISTENER}, ...]")
    listeners = tuple(dict.fromkeys(_listener(each) for each in value))
    topics = sum(1 for each in listeners if _TOPIC.fullmatch(each))
    if topics > MAX_TOPICS:
        raise InvalidValueError(
            f"{topics} topics are too many; expected at most {MAX_TOPICS}: subscribe the others to one of these"
        )
    return listeners


def _listener(value: object) -> str:
    if isinstance(value, str):
        if any(form.fullmatch(value) for form in (_EMAIL, _ENDPOINT, _TOPIC)):
            return value
        if value.startswith("http://"):
            raise InvalidValueError(
                f"{as_json(value)} would get messages that anybody on the way can read; expected https://"
            )
        if value.startswith("arn:") and value.endswith(".fifo"):
            raise InvalidValueError(
                f"{as_json(value)} is a FIFO topic, which takes no alarms; expected the ARN of a standard one"
            )
        if value.startswith("arn:"):
            raise InvalidValueError(
                f'{as_json(value)} is not the ARN of an SNS topic; expected "arn:aws:sns:REGION:ACCOUNT:NAME"'
            )
    raise InvalidValueError(f"{as_json(value)} is not {_A_LISTENER}")


def _retention(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in LOG_RETENTIONS:
        raise InvalidValueError(
            f"{as_json(value)} is not a retention; expected one of {', '.join(map(str, LOG_RETENTIONS))}"
        )
    return value


def _texts(value: object, *, pattern: re.Pattern[str], expected: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise InvalidValueError(f"{as_json(value)} is not a list; expected [{expected}, ...]")
    wrong = [each for each in value if not isinstance(each, str) or not pattern.fullmatch(each)]
    if wrong:
        raise InvalidValueError(f"{as_json(wrong[0])} is not {expected}")
    return tuple(dict.fromkeys(value))


def _stack_tags(value: object) -> Mapping[str, str]:
    given = as_object(value, 'an object of tags; expected {"cost-centre": "backup"}')
    if len(given) > _MAX_STACK_TAGS:
        raise InvalidValueError(f"{len(given)} tags are too many; expected at most {_MAX_STACK_TAGS}")
    wrong = {key: why for key, tag in given.items() if (why := _wrong_stack_tag(key, tag))}
    first = {key.lower(): key for key in reversed([*given])}
    twice = (key for key in given if first[key.lower()] != key and key not in wrong)
    # To IAM they are the same.
    wrong |= {key: f'differs from "{first[key.lower()]}" only in case; expected one of them' for key in twice}
    if wrong:
        raise InvalidObjectError(f"{key}: {why}" for key, why in wrong.items())
    return {key: str(tag) for key, tag in given.items()}


def _wrong_stack_tag(key: str, value: object) -> str | None:
    reserved = f"{key}:".lower().startswith(_RESERVED)
    if not _STACK_TAG_TEXT.fullmatch(key) or key != key.strip() or len(key) > _MAX_STACK_TAG_KEY or reserved:
        return (
            f"cannot be a tag key; expected up to {_MAX_STACK_TAG_KEY} letters, digits, spaces and + - = . _ : / @, "
            f"not starting with {quote_all(_RESERVED)}"
        )
    is_text = isinstance(value, str) and _STACK_TAG_TEXT.fullmatch(value) and value == value.strip()
    if not is_text or len(str(value)) > _MAX_STACK_TAG_VALUE or str(value).lower().startswith("aws:"):
        return (
            f"{as_json(value)} cannot be a tag value; expected text in double quotes, of up to {_MAX_STACK_TAG_VALUE} "
            'letters, digits, spaces and + - = . _ : / @, not starting with "aws:"'
        )
    return None


def _organization(value: object) -> Organization | None:
    if value is None:
        return None
    return Organization.from_mapping(
        as_object(value, 'an object; expected one such as {"units": ["ou-ab12-cd34ef56"]}')
    )


def _as_it_is(value: _T) -> _T:
    return value


def _word(words: type[_Word]) -> Form[_Word]:
    limits = ", ".join(f"`{word}`" for word in words)
    return Form(read=lambda value: words(one_of(value, words)), write=str, limits=limits)


def _up_to(most: int) -> Form[int]:
    return Form(read=partial(whole_number, most=most), write=_as_it_is, limits=f"1 to {most}")


def _list_of(pattern: re.Pattern[str], expected: str, *, limits: str) -> Form[tuple[str, ...]]:
    return Form(read=partial(_texts, pattern=pattern, expected=expected), write=list, limits=limits)


def _policies_in(zone: ZoneInfo) -> Form[Mapping[str, Policy]]:
    return Form(read=partial(read_policies, zone=zone), write=write_policies, limits="see below")


def _copies_in(zone: ZoneInfo) -> Form[Mapping[str, CopyRule]]:
    return Form(
        read=partial(read_copy_rules, zone=zone),
        write=write_copy_rules,
        limits='an object by Region: a `schedule` and a `keep` for each; see ["Copies"](#copies)',
    )


def _time_of_day_in(zone: ZoneInfo) -> Form[Schedule | None]:
    return Form(
        read=partial(_time_of_day, zone=zone),
        write=_write_time_of_day,
        limits=f"`{OFF}`, or a time of day, and a zone if you like",
    )


# Named, because mypy would not compare how to read and how to write where a form stands within a row.
_STACK_NAME: Final = Form(tag_value, _as_it_is, limits="up to 100 letters, digits and `-`, the first a letter")
_TAG_KEY: Final = Form(
    _tag_key,
    _as_it_is,
    limits=f"up to {_MAX_TAG_KEY} letters, digits, spaces and `+ - = . _ : / @`, not starting with "
    f"{' or '.join(f'`{prefix}`' for prefix in _RESERVED)}",
)
_TICK: Final = Form(
    _tick,
    _as_it_is,
    limits="up to `rate(2 days)`, or an EventBridge `cron(...)` in `timeZone` without a year or `W`, three times a "
    "week or more; one for each slot of the policies in use",
)
_ZONE: Final = Form(lambda value: parse_zone(text(value)), str, limits="a time zone's name")
_POLICY: Final = Form(text, _as_it_is, limits="a policy by name")
_DURATION: Final = Form(_duration, str, limits="a duration; `0d` for none")
_AN_HOUR_OR_MORE: Final = Form(_an_hour_or_more, str, limits="a duration, an hour or more")
_SWITCH: Final = Form(switch, _as_it_is, limits="`true`, `false`")
_RETENTION: Final = Form(_retention, _as_it_is, limits=", ".join(map(str, LOG_RETENTIONS)))
_STACK_TAGS: Final = Form(
    _stack_tags,
    dict,
    limits=f"up to {_MAX_STACK_TAGS} tags with a value; no `tagKey`, and no key that starts with "
    f"{' or '.join(f'`{prefix}`' for prefix in _RESERVED)}",
)
_NOTIFY: Final = Form(
    _listeners,
    list,
    limits="e-mail addresses, `https://` addresses, and ARNs of standard SNS topics of the stack's Region, up to "
    f'{MAX_TOPICS} of these; see ["Who hears"](#who-hears)',
)
_ORGANIZATION: Final = Form(
    _organization,
    lambda organization: organization.to_mapping() if organization else None,
    limits="`null`, or an object: see [organisation.md](organisation.md)",
)
_ADDRESS: Final = Form(
    _address, _as_it_is, limits="an `https://` address at which you read [runbook.md](runbook.md), or `null`"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one deployment, by which a run works."""

    deployment: str = setting(
        "deployment",
        _STACK_NAME,
        default="Lightkeeper",
        example="Night-Shift",
        meaning="the stack's name, and what the owner tag of each snapshot says; change it and the snapshots so far "
        "are another deployment's",
    )
    tag_key: str = setting(
        "tagKey",
        _TAG_KEY,
        default="backup",
        example="save",
        meaning="the tag that users write",
    )
    regions: tuple[str, ...] = setting(
        "regions",
        _list_of(_REGION, 'a Region such as "eu-central-1"', limits="Regions that have Lightsail, by boto3's list"),
        default=[],
        example=["eu-central-1", "us-east-1"],
        meaning="which Regions to look after; none: the deployment's own",
    )
    tick: str = setting(
        "tick",
        _TICK,
        default="rate(1 hour)",
        example="rate(15 minutes)",
        meaning="how often a run is due: the first one after a slot takes its snapshot, if there is nothing newer; if "
        "you run `lightkeeper run` yourself instead, say how often: a run makes a mark again that was due more than "
        "three runs ago",
    )
    time_zone: ZoneInfo = setting(
        "timeZone",
        _ZONE,
        default=UTC_ZONE.key,
        example="Europe/Zurich",
        meaning="of schedules and of days, weeks and months, unless a policy or a tag says otherwise",
    )
    policies: Mapping[str, Policy] = setting(
        "policies",
        _policies_in,
        default={},
        example={"office": {"schedule": "0 18 * * 1-5", "keep": "daily=5 weekly=4"}},
        meaning="policies of your own, beside the built-in ones or in their place",
    )
    copies: Mapping[str, CopyRule] = setting(
        "copies",
        _copies_in,
        default={},
        example={"eu-north-1": {"schedule": "0 5 * * *", "keep": "daily=7 monthly=12"}},
        meaning="which other Regions may get copies of recovery points, when, and how long they are kept there; tags "
        "and policies say what is copied",
    )
    default_policy: str = setting(
        "defaultPolicy",
        _POLICY,
        default="daily",
        example="weekly",
        meaning="for a `backup` tag without a value",
    )
    instance_mode: Mode = setting(
        "instanceMode",
        _word(Mode),
        default="instance",
        example="system-disk",
        meaning="whether instances are backed up whole, with attached disks, or only their system disk",
    )
    prune: Prune = setting(
        "prune",
        _word(Prune),
        default="on",
        example="off",
        meaning="whether anything is deleted; with `off`, nothing is marked either, and marks so far are taken back: "
        "for [a first week without deletions](#a-first-week-without-deletions)",
    )
    grace: Duration = setting(
        "grace",
        _DURATION,
        default="1d",
        example="3d",
        meaning="from the mark of a deletion to the deletion, which a later run does",
    )
    orphans: Orphans = setting(
        "orphans",
        _word(Orphans),
        default="keep",
        example="expire",
        meaning="whether snapshots whose source is gone, untagged or `off`, or backed up in the other mode now, stay, "
        "or age out down to the last, with a day of grace at least",
    )
    max_deletes_per_source: int = setting(
        "maxDeletesPerSource",
        _up_to(_MAX_DELETES),
        default=3,
        example=10,
        meaning="deletions of one resource's snapshots in one run",
    )
    overdue_after: Duration = setting(
        "overdueAfter",
        _AN_HOUR_OR_MORE,
        default="6h",
        example="12h",
        meaning="how long after a slot a missing snapshot is an alarm",
    )
    max_concurrency: int = setting(
        "maxConcurrency",
        _up_to(_MAX_CONCURRENCY),
        default=8,
        example=4,
        meaning="calls in flight in a Region; fewer if Lightsail throttles",
    )
    notify: tuple[str, ...] = setting(
        "notify",
        _NOTIFY,
        default=[],
        example=["ops@example.com"],
        meaning="who hears of alarms, and of what a run finds that needs attention; with none, nobody: `make deploy` "
        "warns, and the dashboard says so",
    )
    digest: Schedule | None = setting(
        "digest",
        _time_of_day_in,
        default=OFF,
        example="08:00 Europe/Zurich",
        meaning="when each day a summary is sent, even if all is well: by the first run at or after that time, and "
        "once when it is turned on",
    )

    @classmethod
    def from_mapping(cls, given: Mapping[str, object]) -> Self:
        """Return the settings of a `lightkeeper` object as it stands in cdk.json.

        Raises
        ------
        SettingsError
            With a sentence for every wrong key and value.
        """
        # One that is wrong is told about where its own row is read.
        zone = ObjectReader(given).value("timeZone", _ZONE.read, UTC_ZONE)
        read = ObjectReader(given)
        settings = read_rows(cls, rows_of(cls), read, zone=zone)
        errors = read.errors(also_known=(row.key for row in rows_of(StackSettings).values()), renamed=RENAMED)
        # A policy that is itself wrong is named where it is wrong, not as an unknown default too.
        names = dict.fromkeys([*settings.policies, *read.keys_of("policies")])
        try:
            one_of(settings.default_policy, names)
        except InvalidValueError as error:
            errors.append(f"defaultPolicy: {error}")
        for name, policy in settings.policies.items():
            try:
                if policy.copies:
                    check_regions(policy.copies, read.keys_of("copies"))
            except InvalidValueError as error:
                errors.append(f"policies.{name}.copy: {error}")
        if errors:
            raise SettingsError(errors)
        return settings

    @classmethod
    def from_file(cls, document: object) -> Self:
        """Return the settings in a cdk.json, or in a file that holds just the `lightkeeper` object, as parsed JSON.

        Raises
        ------
        SettingsError
            With a sentence for every wrong key and value.
        """
        return cls.from_mapping(settings_object(document))

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Return the settings in the environment of the Lambda function; without any, the defaults.

        Raises
        ------
        SettingsError
            With a sentence for every wrong key and value.
        """
        try:
            given: object = json.loads(environ.get(ENVIRONMENT_VARIABLE, "{}"))
        except (ValueError, RecursionError) as error:
            raise SettingsError([f"{ENVIRONMENT_VARIABLE}: not JSON ({error}); expected a JSON object"]) from None
        return cls.from_mapping(_object(given, "a JSON object", name=f"{ENVIRONMENT_VARIABLE}: "))

    @property
    def notify_topics(self) -> tuple[str, ...]:
        """The ARNs among `notify`: topics that the function publishes to, beside its own."""
        return tuple(each for each in self.notify if _TOPIC.fullmatch(each))

    @property
    def notify_endpoints(self) -> tuple[str, ...]:
        """The `https://` addresses among `notify`."""
        return tuple(each for each in self.notify if _ENDPOINT.fullmatch(each))

    @property
    def notify_addresses(self) -> tuple[str, ...]:
        """The e-mail addresses among `notify`."""
        return tuple(each for each in self.notify if _EMAIL.fullmatch(each))

    @property
    def tick_period(self) -> timedelta | None:
        """From tick to tick; None where the tick is a cron expression."""
        tick = parse_tick(self.tick)
        return tick.period if isinstance(tick, Rate) else None

    def to_env(self) -> dict[str, str]:
        """Return the environment from which `from_env` reads these settings."""
        return {ENVIRONMENT_VARIABLE: json.dumps(self.to_mapping(), separators=(",", ":"))}

    def to_mapping(self) -> dict[str, object]:
        """Return the `lightkeeper` object that `from_mapping` reads these settings from, every key spelt out."""
        return write_rows(self, zone=self.time_zone)


@dataclass(frozen=True, slots=True)
class StackSettings:
    """The settings that stand in the same object, and that only the stack needs: no run knows them."""

    encrypt_notifications: bool = setting(
        "encryptNotifications",
        _SWITCH,
        default=False,
        example=True,
        meaning="a key of your own for the topic; 1 USD a month",
    )
    log_retention_days: int = setting(
        "logRetentionDays",
        _RETENTION,
        default=90,
        example=30,
        meaning="how long the function's log is kept",
    )
    runbook_url: str | None = setting(
        "runbookUrl",
        _ADDRESS,
        default=None,
        example="https://example.com/docs/runbook.md",
        meaning="where the links to the runbook lead, in messages, in alarms and on the dashboard; without it, they "
        "name the file and the section",
    )
    organization: Organization | None = setting(
        "organization",
        _ORGANIZATION,
        default=None,
        example={"units": ["ou-ab12-cd34ef56"], "except": ["111122223333"]},
        meaning="which other accounts to look after: those of units of your organization, or a list; `null`: this "
        "account alone",
    )
    tag_on_create: bool = setting(
        "tagOnCreate",
        _SWITCH,
        default=True,
        example=False,
        meaning="whether the role may tag at creates; `false` is stricter, and fails where AWS asks for it: "
        "[security.md](security.md)",
    )
    tags: Mapping[str, str] = setting(
        "tags",
        _STACK_TAGS,
        default={},
        example={"cost-centre": "backup"},
        meaning="tags for what the stack itself is made of, such as its functions; no snapshot gets them",
    )

    @classmethod
    def from_mapping(cls, given: Mapping[str, object]) -> Self:
        """Return the stack's settings of a `lightkeeper` object; all other keys of it are those of `Settings`.

        Raises
        ------
        SettingsError
            With a sentence for every wrong value.
        """
        read = ObjectReader(given)
        settings = read_rows(cls, rows_of(cls), read)
        if errors := read.errors(also_known=given):
            raise SettingsError(errors)
        return settings


def settings_object(document: object) -> Mapping[str, object]:
    """Return the `lightkeeper` object of a cdk.json, or the document itself if that holds just the settings.

    Raises
    ------
    SettingsError
        If there is none where it should be.
    """
    file = _object(document, "a JSON object; expected a cdk.json, or the settings themselves")
    if "lightkeeper" in ObjectReader(file).keys_of("context"):
        raise SettingsError(['lightkeeper: found under "context"; expected at the top of the file'])
    is_cdk = "lightkeeper" in file or "app" in file
    return _object(file.get("lightkeeper", {}), "an object of settings", name="lightkeeper: ") if is_cdk else file


def _object(value: object, expected: str, *, name: str = "") -> Mapping[str, object]:
    try:
        return as_object(value, expected)
    except InvalidValueError as error:
        raise SettingsError([f"{name}{error}"]) from None
