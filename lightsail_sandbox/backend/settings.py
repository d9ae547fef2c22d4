"""The sandbox clock and the options, shared by all Regions and accounts."""

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lightsail_sandbox.backend.life import InstanceEnd
from lightsail_sandbox.options import Options


class Clock:
    """Real time until it is set; from then on it stands still until it is set again or moved on."""

    def __init__(self) -> None:
        self._standing_at: datetime | None = None

    @property
    def stands_still(self) -> bool:
        """Whether the clock has been set."""
        return self._standing_at is not None

    def now(self) -> datetime:
        """Read the clock, to the millisecond, as AWS's times are."""
        now = self._standing_at or datetime.now(UTC)  # noqa: TID251 - the one place where the sandbox reads real time
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def set(self, now: datetime | None) -> None:
        """Stand still at `now`. None: go with real time again."""
        if now is not None and now.tzinfo is None:
            raise ValueError(f"The time {now.isoformat()} has no offset from UTC; write {now.isoformat()}Z, say.")
        self._standing_at = now

    def advance(self, by: timedelta) -> None:
        """Move on, and stand still there."""
        self._standing_at = self.now() + by


class Settings:
    """What holds for every backend of this process."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.options = Options()


settings = Settings()


@dataclass(slots=True)
class CallScript:
    """What the sandbox wants of the call in progress, and what the backend has to tell about it."""

    failure: tuple[str, str] | None = None
    """The code and details with which a write's operations fail."""
    snapshot_end: str | None = None
    """How a snapshot created by the call ends."""
    instance_end: InstanceEnd | None = None
    """How an instance restored by the call ends."""
    shown: int | None = None
    """How many entries a list shows; None for all."""
    failed: bool = False
    """Whether the scripted failure has happened."""
    items: int | None = None
    """How many entries the page had."""
    more: bool | None = None
    """Whether the page named a next one."""


call_script: ContextVar[CallScript | None] = ContextVar("call_script", default=None)


def current_script() -> CallScript:
    """Give the script of the call in progress: an empty one where nobody has written any."""
    return call_script.get() or CallScript()
