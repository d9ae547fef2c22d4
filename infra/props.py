"""What the stack is made of: the runtime's settings, and the few keys that only the stack needs."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar

from aws_cdk import Duration
from aws_cdk.aws_logs import RetentionDays

from lightkeeper.settings import Settings, SettingsError
from lightkeeper.wording import InvalidValueError, shown

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
"""By days; CloudWatch Logs takes no other numbers, but for a few between these."""
_T = TypeVar("_T")
_STACK_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,99}")
# A parenthesis would end a link in Markdown, and the sections' anchors follow the address.
_ADDRESS: Final = re.compile(r"https://[^\s()<>\[\]#\"\\]{1,500}")
_MINUTE: Final = timedelta(minutes=1)
_HOUR_MINUTES: Final = 60
_DAY_MINUTES: Final = 24 * 60
_TICKS_WITHOUT_A_RUN: Final = 3
# CloudWatch looks back a week at most.
_MAX_LOOK_BACK_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Props:
    """The props of the stack."""

    settings: Settings
    log_retention_days: int = 90
    encrypt_notifications: bool = False
    """With a customer-managed key, which costs a dollar a month."""
    tag_on_create: bool = False
    """Whether creating a snapshot with tags needs `lightsail:TagResource` too; see docs/security.md."""
    runbook_address: str | None = None
    """Where people read docs/runbook.md, for the dashboard's links; without it, the dashboard names the file."""

    @classmethod
    def from_document(cls, document: object) -> "Props":
        """Return the props in a cdk.json, as parsed JSON.

        Raises
        ------
        SettingsError
            With a sentence for every wrong key and value.
        """
        errors: list[str] = []
        settings = Settings()
        try:
            settings = Settings.from_file(document)
        except SettingsError as error:
            errors.extend(error.errors)
        given = document.get("lightkeeper") if isinstance(document, Mapping) else None
        own = given if isinstance(given, Mapping) else {}
        default = cls(settings)
        props = cls(
            settings=settings,
            log_retention_days=_value(own, "logRetentionDays", _retention, default.log_retention_days, errors),
            encrypt_notifications=_value(own, "encryptNotifications", _switch, default.encrypt_notifications, errors),
            tag_on_create=_value(own, "tagOnCreate", _switch, default.tag_on_create, errors),
            runbook_address=_value(own, "runbookAddress", _address, default.runbook_address, errors),
        )
        errors.extend(props._misfits())
        if errors:
            raise SettingsError(errors)
        return props

    @property
    def stack_name(self) -> str:
        """The deployment's name, so that two deployments are two stacks."""
        return self.settings.deployment

    @property
    def news_period(self) -> Duration:
        """The period of what each run tells: from tick to tick, and an hour at most."""
        return Duration.minutes(min(self._tick_minutes, _HOUR_MINUTES))

    @property
    def run_period(self) -> Duration:
        """The period in which a run is expected: from tick to tick, and a day at most."""
        return Duration.minutes(min(self._tick_minutes, _DAY_MINUTES))

    @property
    def periods_without_a_run(self) -> int:
        """How many of those periods three missed ticks are."""
        return -(-_TICKS_WITHOUT_A_RUN * self._tick_minutes // min(self._tick_minutes, _DAY_MINUTES))

    @property
    def _tick_minutes(self) -> int:
        """Minutes from tick to tick; a day where the tick is a cron expression."""
        period = self.settings.tick_period
        return period // _MINUTE if period else _DAY_MINUTES

    def _misfits(self) -> list[str]:
        """Name the settings that would do for a run, but not for a stack."""
        errors: list[str] = []
        if not _STACK_NAME.fullmatch(self.stack_name):
            errors.append(
                f'deployment: "{self.stack_name}" cannot be the name of a stack; '
                'expected up to 100 letters, digits and "-", the first a letter'
            )
        if _TICKS_WITHOUT_A_RUN * self._tick_minutes > _MAX_LOOK_BACK_DAYS * _DAY_MINUTES:
            errors.append(
                f'tick: "{self.settings.tick}" is too rare to notice that it has stopped; '
                'expected "rate(2 days)" or more often'
            )
        return errors


def _value(own: Mapping[str, object], key: str, parse: Callable[[object], _T], default: _T, errors: list[str]) -> _T:
    if key not in own:
        return default
    try:
        return parse(own[key])
    except InvalidValueError as error:
        errors.append(f"{key}: {error}")
        return default


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidValueError(f"{shown(value)} is neither true nor false")
    return value


def _address(value: object) -> str | None:
    if value is not None and (not isinstance(value, str) or not _ADDRESS.fullmatch(value)):
        raise InvalidValueError(
            f'{shown(value)} is not an address; expected "https://..." without space, parenthesis or "#", or null'
        )
    return value


def _retention(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in LOG_RETENTION:
        raise InvalidValueError(
            f"{shown(value)} is not a retention; expected one of {', '.join(map(str, LOG_RETENTION))}"
        )
    return value
