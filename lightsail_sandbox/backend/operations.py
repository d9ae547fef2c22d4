"""Operations: what Lightsail answers to a write, and lets one ask about later."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lightsail_sandbox.backend.resources import Made


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a write has done to one resource.

    Parameters
    ----------
    details
        The name of the other resource that took part, if any.
    made
        What this makes: the operation goes on for as long as that does.
    failure
        Code and details of a failed operation.
    """

    position: int
    id: str
    operation_type: str
    resource_name: str
    resource_type: str
    location: dict[str, str]
    created_at: datetime
    details: str | None = None
    made: Made | None = None
    failure: tuple[str, str] | None = None

    def render(self, now: datetime) -> dict[str, Any]:
        """Give the operation as answers show it."""
        status, changed_at, failure = self._status(now)
        rendering: dict[str, Any] = {
            "id": self.id,
            "resourceName": self.resource_name,
            "resourceType": self.resource_type,
            "createdAt": self.created_at.timestamp(),
            "location": self.location,
            "isTerminal": status != "Started",
            "operationType": self.operation_type,
            "status": status,
            "statusChangedAt": changed_at.timestamp(),
        }
        if self.details is not None:
            rendering["operationDetails"] = self.details
        if failure is not None:
            rendering["errorCode"], rendering["errorDetails"] = failure
        return rendering

    def _status(self, now: datetime) -> tuple[str, datetime, tuple[str, str] | None]:
        if self.failure is not None:
            return "Failed", self.created_at, self.failure
        if self.made is None:
            return "Succeeded", self.created_at, None
        making = self.made.making(now)
        if making.status != "Failed":
            return making.status, making.since, None
        return "Failed", making.since, ("InternalFailure", making.problem)
