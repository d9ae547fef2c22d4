"""What the stack is made of: the settings of runs, its own, and what follows from them."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Final

import boto3
from aws_cdk import Duration
from aws_cdk.aws_logs import RetentionDays

from lightkeeper import deployable
from lightkeeper.deployable import Rhythm, read_deployable, rhythm
from lightkeeper.settings import Settings, StackSettings, settings_object
from lightkeeper.ticks import longest_gap_of_tick

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
_MINUTE: Final = timedelta(minutes=1)
_HALF_A_GAP_MORE: Final = 1.5


@dataclass(frozen=True, slots=True)
class Props:
    """The props of the stack."""

    settings: Settings
    """Those of the runs."""
    own: StackSettings
    """The stack's."""
    rhythm: Rhythm
    """What follows from the tick and the policies."""

    @classmethod
    def from_document(cls, document: object) -> "Props":
        """Return the props in a cdk.json, as parsed JSON.

        Raises
        ------
        SettingsError
            With a sentence for every wrong key and value.
        """
        settings, own = read_deployable(settings_object(document), regions_with_lightsail=_regions_with_lightsail())
        return cls(settings, own, rhythm(settings))

    @property
    def stack_name(self) -> str:
        """The deployment's name, so that two deployments are two stacks."""
        return self.settings.deployment

    @property
    def news_period(self) -> Duration:
        """The period of what each run reports."""
        return _in_minutes(self.rhythm.news_period)

    @property
    def error_period(self) -> Duration:
        """The period in which runs are looked for that failed, and that ended."""
        return _in_minutes(self.rhythm.error_period)

    @property
    def fleet_error_period(self) -> Duration:
        """The same for runs over many accounts, long enough to see the run before even where runs are rare.

        An account that fails may fail each of them for weeks: until one has told how it ended, the one before counts.
        """
        gap = longest_gap_of_tick(self.settings.tick) * _HALF_A_GAP_MORE
        return _in_minutes(max(gap, self.rhythm.error_period))

    def environment(self, *, topic: str, dashboard: str) -> dict[str, str]:
        """Return the function's environment."""
        return deployable.environment(self.settings, topic=topic, dashboard=dashboard, runbook=self.own.runbook_url)


def _in_minutes(period: timedelta) -> Duration:
    return Duration.minutes(period // _MINUTE)


@cache
def _regions_with_lightsail() -> tuple[str, ...]:
    """Return what this release of boto3 knows: it reads megabytes for that."""
    return tuple(boto3.Session().get_available_regions("lightsail"))
