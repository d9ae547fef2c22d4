"""The policies: the built-in ones, and how cdk.json and the function's environment write them."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from lightkeeper.copies import parse_copy, write_copy
from lightkeeper.errors import InvalidValueError
from lightkeeper.json_objects import InvalidObjectError, ObjectReader, as_object, one_of, text
from lightkeeper.keep_rules import parse_keep
from lightkeeper.model import Mode, Policy
from lightkeeper.schedule import parse_schedule
from lightkeeper.times import parse_zone

BUILT_IN: Final = {
    "hourly": ("0 * * * *", "hourly=24 daily=7"),
    "daily": ("0 3 * * *", "daily=7 weekly=4"),
    "weekly": ("0 3 * * 0", "weekly=8"),
    "monthly": ("0 3 1 * *", "monthly=12"),
}
"""Schedule and keep rule of the policies that exist without being defined, by name."""
OFF: Final = "off"
"""What stands where a policy could, and turns backups off."""
# What Lightsail takes in a tag.
TAG_TEXT: Final = re.compile(r"[A-Za-z0-9 +\-=._:/@]+")
_MAX_TAG_VALUE: Final = 256


def built_in_policies(zone: ZoneInfo) -> dict[str, Policy]:
    """Return the policies that exist without being defined, in that time zone."""
    return {name: Policy(name, parse_schedule(cron, zone), parse_keep(keep)) for name, (cron, keep) in BUILT_IN.items()}


def read_policies(value: object, zone: ZoneInfo) -> dict[str, Policy]:
    """Return the built-in policies and, beside them or in their place, those that are written.

    Parameters
    ----------
    value
        The policies by name, as parsed JSON.
    zone
        Of the policies that name none.

    Raises
    ------
    InvalidValueError
        If it is no object.
    InvalidObjectError
        With a sentence for everything that is wrong in it.
    """
    given = as_object(value, "an object of policies by name")
    built_in = built_in_policies(zone)
    read = ObjectReader(given)
    written = {name: read.value(name, partial(_read_policy, name, zone), built_in["daily"]) for name in given}
    if errors := read.errors():
        raise InvalidObjectError(errors)
    return built_in | written


def write_policies(policies: Mapping[str, Policy]) -> dict[str, dict[str, str]]:
    """Return the object that `read_policies` reads these policies from."""
    return {name: _write_policy(policy) for name, policy in policies.items()}


def tag_value(value: object) -> str:
    """Return `value` if Lightsail takes it as the value of a tag, which a policy's name has to be.

    Raises
    ------
    InvalidValueError
        If Lightsail does not.
    """
    word = text(value)
    if not TAG_TEXT.fullmatch(word) or len(word) > _MAX_TAG_VALUE or word.lower().startswith("aws:"):
        raise InvalidValueError(
            f'"{word}" cannot be a tag value; expected up to {_MAX_TAG_VALUE} letters, digits, spaces and '
            '+ - = . _ : / @, not starting with "aws:"'
        )
    return word


def _read_policy(name: str, zone: ZoneInfo, value: object) -> Policy:
    if name.lower() == OFF or not name.strip() or name != tag_value(name).strip():
        raise InvalidValueError(f'"{name}" cannot be the name of a policy; expected a word other than "{OFF}"')
    given = as_object(value, 'a policy; expected {"schedule": ..., "keep": ...}')
    read = ObjectReader(given)
    own_zone = read.value("timeZone", lambda zone: parse_zone(text(zone)), zone)
    fallback = built_in_policies(own_zone)["daily"]
    policy = Policy(
        name=name,
        schedule=read.value("schedule", lambda cron: parse_schedule(text(cron), own_zone), fallback.schedule),
        keep=read.value("keep", lambda keep: parse_keep(text(keep)), fallback.keep),
        mode=read.value("mode", lambda mode: Mode(one_of(mode, Mode)), None),
        copies=read.value("copy", lambda copy: parse_copy(text(copy)), None),
    )
    errors = read.errors() + [
        f"{key}: missing; expected {example} or the like"
        for key, example in (("schedule", '"0 3 * * *"'), ("keep", '"daily=7 weekly=4"'))
        if key not in given
    ]
    if errors:
        raise InvalidObjectError(errors)
    return policy


def _write_policy(policy: Policy) -> dict[str, str]:
    written = {
        "schedule": policy.schedule.cron,
        "keep": str(policy.keep),
        "timeZone": policy.schedule.zone.key,
    }
    mode = {"mode": policy.mode.value} if policy.mode else {}
    return written | mode | ({"copy": write_copy(policy.copies)} if policy.copies else {})
