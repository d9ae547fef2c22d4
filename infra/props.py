"""What the stack is made of: the runtime's settings, and the few keys that only the stack needs."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk.aws_logs import RetentionDays

from lightkeeper.settings import Settings, SettingsError

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
_STACK_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,99}")
_RATE: Final = re.compile(r"rate\(([0-9]+) (minute|hour|day)s?\)")
_MINUTES: Final = {"minute": 1, "hour": 60, "day": 24 * 60}
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
            log_retention_days=own.get("logRetentionDays", default.log_retention_days),
            encrypt_notifications=own.get("encryptNotifications", default.encrypt_notifications),
            tag_on_create=own.get("tagOnCreate", default.tag_on_create),
        )
        errors.extend(props._errors())  # noqa: SLF001 - its own
        if errors:
            raise SettingsError(errors)
        return props

    @property
    def stack_name(self) -> str:
        """The deployment's name, so that two deployments are two stacks."""
        return self.settings.deployment

    @property
    def period(self) -> Duration:
        """The time from tick to tick, a day at most; a day where the tick is a cron expression."""
        return Duration.minutes(min(self._tick_minutes, _DAY_MINUTES))

    @property
    def periods_without_a_run(self) -> int:
        """How many periods without an invocation are three missed ticks."""
        return -(-_TICKS_WITHOUT_A_RUN * self._tick_minutes // min(self._tick_minutes, _DAY_MINUTES))

    @property
    def _tick_minutes(self) -> int:
        rate = _RATE.fullmatch(self.settings.tick)
        return int(rate[1]) * _MINUTES[rate[2]] if rate else _DAY_MINUTES

    def _errors(self) -> list[str]:
        errors: list[str] = []
        if not _STACK_NAME.fullmatch(self.stack_name):
            errors.append(
                f'deployment: "{self.stack_name}" cannot be the name of a stack; '
                'expected up to 100 letters, digits and "-", the first a letter'
            )
        if isinstance(self.log_retention_days, bool) or self.log_retention_days not in tuple(LOG_RETENTION):
            errors.append(
                f"logRetentionDays: {json.dumps(self.log_retention_days)} is not a retention; "
                f"expected one of {', '.join(map(str, LOG_RETENTION))}"
            )
        errors += [
            f"{key}: {json.dumps(value)} is neither true nor false"
            for key, value in (
                ("encryptNotifications", self.encrypt_notifications),
                ("tagOnCreate", self.tag_on_create),
            )
            if not isinstance(value, bool)
        ]
        if _TICKS_WITHOUT_A_RUN * self._tick_minutes > _MAX_LOOK_BACK_DAYS * _DAY_MINUTES:
            errors.append(
                f'tick: "{self.settings.tick}" is too rare to notice that it has stopped; '
                'expected "rate(2 days)" or more often'
            )
        return errors
