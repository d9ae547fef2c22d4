"""What an event asks for, as EventBridge Scheduler or a person sends it to the function. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from lightkeeper.errors import InvalidValueError, as_json
from lightkeeper.json_objects import ObjectReader, as_object, switch, text
from lightkeeper.organization import account_id
from lightkeeper.settings import Settings
from lightkeeper.times import parse_instant


@dataclass(frozen=True, slots=True)
class Request:
    """What an event asks for."""

    now: datetime
    """The time of the run, UTC: the clock's, where the event names none."""
    dry_run: bool
    """Whether only to plan."""
    regions: tuple[str, ...]
    """Which to look after: those of the settings, where the event names none."""
    is_test: bool = False
    """Whether only to send a test message to whoever is notified: no run is made."""
    account: str | None = None
    """The account to look after, 12 digits, where the deployment looks after an organization's."""
    name: str | None = None
    """The account's name, where that is known."""


def read_event(event: Mapping[str, object], settings: Settings, clock: datetime) -> Request:
    """Return what an event asks for.

    Parameters
    ----------
    event
        ``{"time": ISO 8601, "dryRun": bool, "regions": [names], "testNotification": bool, "account": 12 digits,
        "name": the account's}``, each optional.
    settings
        The deployment's.
    clock
        What the clock says, UTC.

    Raises
    ------
    InvalidValueError
        If a key is unknown or a value is not understood.
    """
    read = ObjectReader(as_object(event, 'an object; expected one such as {"dryRun": true}'))
    time = read.value("time", partial(_time, zone=settings.time_zone), None)
    dry_run = read.value("dryRun", switch, default=False)
    regions = read.value("regions", _regions, settings.regions)
    is_test = read.value("testNotification", switch, default=False)
    account = read.value("account", _account, None)
    name = read.value("name", _name, None)
    _refuse_errors(read)
    now = (time or clock).replace(microsecond=0)
    return Request(now, dry_run, regions or settings.regions, is_test, account, name)


def read_time(event: Mapping[str, object], settings: Settings, clock: datetime) -> datetime:
    """Return the time, UTC, that an event names for the runs in all accounts: it can ask for nothing else.

    Parameters
    ----------
    event
        ``{"time": ISO 8601}``, optional.
    settings
        The deployment's.
    clock
        What the clock says, UTC.

    Raises
    ------
    InvalidValueError
        If a key is unknown or a value is not understood.
    """
    read = ObjectReader(as_object(event, 'an object; expected one such as {"time": "2026-11-23T03:00:00Z"}'))
    time = read.value("time", partial(_time, zone=settings.time_zone), None)
    _refuse_errors(read)
    return (time or clock).replace(microsecond=0)


def refuse_account(request: Request, own: str, *, has_members: bool) -> None:
    """Refuse a run that names an account where there is but one, or none where there are many.

    Parameters
    ----------
    request
        What the event asks for.
    own
        The deployment's own account, 12 digits.
    has_members
        Whether the deployment looks after an organization's accounts.

    Raises
    ------
    InvalidValueError
        With what was expected.
    """
    if request.account and not has_members:
        raise InvalidValueError(
            'event.account: this deployment looks after its own account alone; expected none, or "organization" in '
            "the settings"
        )
    if has_members and not request.account:
        raise InvalidValueError(
            "event.account: missing, and this deployment looks after many; expected the one to look after, such as "
            f'its own, "{own}"'
        )


def _refuse_errors(read: ObjectReader) -> None:
    if errors := read.errors():
        raise InvalidValueError("\n".join(f"event.{error}" for error in errors))


def _time(value: object, zone: ZoneInfo) -> datetime | None:
    return None if value is None else parse_instant(text(value, 'ISO 8601 such as "2026-11-23T03:00:00Z"'), zone)


def _account(value: object) -> str | None:
    return None if value is None else account_id(value)


def _name(value: object) -> str | None:
    return None if value is None else text(value)


def _regions(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(region, str) for region in value):
        raise InvalidValueError(f'{as_json(value)} is not a list of Regions; expected one such as ["eu-central-1"]')
    return tuple(value)
