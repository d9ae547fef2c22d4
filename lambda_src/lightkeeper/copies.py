"""Copies in other Regions: how the settings' `copies`, a policy's `copy` and the tag `backup:copy` are written. Pure.

Source of what can be copied: CopySnapshot in AWS's model, and the Lightsail guide's page on snapshots: those of disks
and instances, within an account.
"""

import re
from collections.abc import Collection, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from lightkeeper.errors import InvalidValueError, closest, quote_all
from lightkeeper.json_objects import InvalidObjectError, ObjectReader, as_object, text
from lightkeeper.keep_rules import parse_keep
from lightkeeper.kinds import SOURCES, SnapshotKind, SourceKind
from lightkeeper.model import Copies, CopyRule
from lightkeeper.schedule import parse_schedule
from lightkeeper.times import parse_zone

COPIED: Final = (SnapshotKind.DISK, SnapshotKind.INSTANCE)
"""The kinds of snapshot that Lightsail copies."""
_OFF: Final = "off"
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
SCHEDULE: Final = "0 5 * * *"
"""The one that examples have, and a simulation."""
_KEEP: Final = "daily=7 monthly=12"
_RULE: Final = f'{{"schedule": "{SCHEDULE}", "keep": "{_KEEP}"}}'


def can_be_copied(kind: SourceKind) -> bool:
    """Return whether Lightsail copies snapshots of a kind of source."""
    return any(taken in COPIED for taken in SOURCES[kind].snapshots.values())


def read_copy_rules(value: object, zone: ZoneInfo) -> dict[str, CopyRule]:
    """Return the rules by the Region that copies go to.

    Parameters
    ----------
    value
        As parsed JSON.
    zone
        Of the schedules that name none.

    Raises
    ------
    InvalidValueError
        If it is no object.
    InvalidObjectError
        With a sentence for everything that is wrong in it.
    """
    given = as_object(value, f'an object of rules by Region; expected {{"eu-north-1": {_RULE}}}')
    read = ObjectReader(given)
    fallback = CopyRule(parse_schedule(SCHEDULE, zone), parse_keep(_KEEP))
    rules = {region: read.value(region, lambda rule: _read_rule(rule, zone), fallback) for region in given}
    errors = [
        f'{region}: it is not a Region; expected one such as "eu-north-1"'
        for region in given
        if not _REGION.fullmatch(region)
    ]
    if errors := [*errors, *read.errors()]:
        raise InvalidObjectError(errors)
    return rules


def write_copy_rules(rules: Mapping[str, CopyRule]) -> dict[str, dict[str, str]]:
    """Return the object that `read_copy_rules` reads these rules from."""
    return {
        region: {"schedule": rule.schedule.cron, "keep": str(rule.keep), "timeZone": rule.schedule.zone.key}
        for region, rule in rules.items()
    }


def parse_copy(value: str) -> Copies | None:
    """Return into which Regions something is copied; None: into none.

    Parameters
    ----------
    value
        Empty for every Region that the settings name, Regions with spaces between them, or `off`.

    Raises
    ------
    InvalidValueError
        If it is anything else.
    """
    words = value.split()
    if words == [_OFF]:
        return None
    for word in words:
        if not _REGION.fullmatch(word):
            raise InvalidValueError(
                f'"{value}" does not say where to; expected nothing for every Region of "copies", Regions such as '
                f'"eu-north-1" with spaces between them, or "{_OFF}"',
                closest(value, [_OFF]),
            )
    return Copies(tuple(dict.fromkeys(words)) or None)


def write_copy(copies: Copies) -> str:
    """Return the text that `parse_copy` reads these Regions from."""
    return " ".join(copies.regions or ())


def check_regions(copies: Copies, rules: Collection[str]) -> None:
    """Refuse Regions that the settings have no rule for.

    Raises
    ------
    InvalidValueError
        If there is none, or one of them has none.
    """
    if not rules:
        raise InvalidValueError('there are no "copies" in the settings, so nothing is copied; expected a rule there')
    for region in copies.regions or ():
        if region not in rules:
            raise InvalidValueError(
                f'"{region}" is not among the "copies" in the settings; expected {quote_all(rules)}',
                closest(region, rules),
            )


def _read_rule(value: object, zone: ZoneInfo) -> CopyRule:
    given = as_object(value, f"a rule; expected {_RULE}")
    read = ObjectReader(given)
    own_zone = read.value("timeZone", lambda name: parse_zone(text(name)), zone)
    rule = CopyRule(
        schedule=read.value(
            "schedule", lambda cron: parse_schedule(text(cron), own_zone), parse_schedule(SCHEDULE, own_zone)
        ),
        keep=read.value("keep", lambda keep: parse_keep(text(keep)), parse_keep(_KEEP)),
    )
    errors = read.errors() + [
        f"{key}: missing; expected {example} or the like"
        for key, example in (("schedule", f'"{SCHEDULE}"'), ("keep", f'"{_KEEP}"'))
        if key not in given
    ]
    if errors:
        raise InvalidObjectError(errors)
    return rule
