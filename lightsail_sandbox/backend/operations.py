"""Operations: what Lightsail answers to a write, and lets one ask about later."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lightsail_sandbox.backend.resources import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a write has done to one resource.

    Parameters
    ----------
    details
        The name of the other resource that took part, if any.
    snapshot
        The snapshot whose making this is: the operation goes on for as long as that is pending.
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
    snapshot: Snapshot | None = None
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
        if self.snapshot is None:
            return "Succeeded", self.created_at, None
        match self.snapshot.state(now):
            case self.snapshot.pending:
                return "Started", self.created_at, None
            case self.snapshot.failed:
                failure = ("InternalFailure", f"The snapshot {self.snapshot.name} could not be completed.")
                return "Failed", self.created_at + self.snapshot.takes, failure
            case _:
                return "Succeeded", self.created_at + self.snapshot.takes, None
