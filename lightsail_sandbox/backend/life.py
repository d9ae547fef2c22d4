"""When an instance runs, and what Lightsail's checks say about it.

AWS says that an instance is ``pending`` and then ``running``, and that ``running`` comes before its system answers.
What an instance looks like that cannot be made is inferred: its operation fails and its state is ``error``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from lightsail_sandbox.backend.resources import Making

InstanceEnd = Literal["pending", "error", "initializing", "impaired"]
"""How a new instance ends that does not come to life: it never runs, its making fails, its checks never end or fail."""

_AT_ONCE: Final = timedelta(0)
_CODES: Final = {"pending": 0, "running": 16, "error": 48, "stopping": 64, "stopped": 80}
_DETAILS: Final = {"ok": "passed", "impaired": "failed", "initializing": "initializing"}
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """When an instance was started and stopped last.

    Parameters
    ----------
    started_at
        When it was.
    boots, checks
        How long it then takes until it runs, and until it is known to be healthy after that.
    stopped_at
        When it was stopped; None: it has not been since.
    stops
        How long that takes.
    end
        How it is scripted to end; None: it comes to life.
    """

    started_at: datetime
    boots: timedelta = _AT_ONCE
    checks: timedelta = _AT_ONCE
    stopped_at: datetime | None = None
    stops: timedelta = _AT_ONCE
    end: InstanceEnd | None = None

    def stop(self, now: datetime, stops: timedelta) -> "Life":
        """Give the life of an instance that is stopped now."""
        return replace(self, stopped_at=now, stops=stops)

    def state(self, now: datetime) -> str:
        """Give the state at a time."""
        if self.stopped_at is not None:
            return "stopping" if _is_within(self.stopped_at, self.stops, now) else "stopped"
        if self.end == "pending" or _is_within(self.started_at, self.boots, now):
            return "pending"
        return "error" if self.end == "error" else "running"

    def render_state(self, now: datetime) -> dict[str, Any]:
        """Give the state as answers show it."""
        state = self.state(now)
        return {"code": _CODES[state], "name": state}

    def making(self, now: datetime) -> Making:
        """Say how far the start has come, or the stop."""
        match self.state(now):
            case "stopping":
                return Making("Started", self.stopped_at or self.started_at)
            case "stopped":
                return Making("Succeeded", (self.stopped_at or self.started_at) + self.stops)
            case "pending":
                return Making("Started", self.started_at)
            case "error":
                return Making("Failed", self.started_at + self.boots, "The instance could not be started.")
            case _:
                return Making("Succeeded", self.started_at + self.boots)

    def health(self, now: datetime) -> str:
        """Give what the checks of the instance say."""
        if self.state(now) != "running":
            return "not-applicable"
        if self.end == "initializing" or _is_within(self.started_at, self.boots + self.checks, now):
            return "initializing"
        return "impaired" if self.end == "impaired" else "ok"

    def render_health(self, now: datetime) -> dict[str, Any]:
        """Give what the checks of the instance and of what it runs on say, as answers show it."""
        health = self.health(now)
        system = "ok" if health == "impaired" else health
        return {"instanceStatus": self._render_status(health), "systemStatus": self._render_status(system)}

    def _render_status(self, status: str) -> dict[str, Any]:
        if status not in _DETAILS:
            return {"status": status, "details": []}
        detail: dict[str, Any] = {"name": "reachability", "status": _DETAILS[status]}
        if status == "impaired":
            detail["impairedSince"] = self.started_at.timestamp()
        return {"status": status, "details": [detail]}

    def checked_minutes(self, start: datetime, end: datetime, now: datetime) -> Iterator[datetime]:
        """Give the full minutes for which there is a result of the checks."""
        if self.health(now) not in ("ok", "impaired"):
            return
        first = max(start, self.started_at + self.boots + self.checks)
        minute = first.replace(second=0, microsecond=0)
        while minute < min(end, now):
            if minute >= first:
                yield minute
            minute += _MINUTE


def _is_within(since: datetime, length: timedelta, now: datetime) -> bool:
    return length > _AT_ONCE and now < since + length
