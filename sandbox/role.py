"""The role that callers have: which call its policy lets through."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.lightsail.exceptions import LightsailError
from sandbox.lightsail.resources import Resource
from sandbox.planting import region_backend
from sandbox.policy import Policy, Request

# Which member of the request names the resource whose tags conditions may ask for, by the Service Authorization
# Reference. Creates have no such resource: what they make does not exist yet.
_NAMED_BY: Final = {
    "DeleteDisk": "diskName",
    "DeleteInstance": "instanceName",
    "DeleteDiskSnapshot": "diskSnapshotName",
    "DeleteInstanceSnapshot": "instanceSnapshotName",
    "TagResource": "resourceName",
    "UntagResource": "resourceName",
}


@dataclass(frozen=True, slots=True)
class Role:
    """A role in force.

    Parameters
    ----------
    policy
        What it may do.
    access_key_id
        Whose calls it is about. None: everybody's.
    """

    policy: Policy
    access_key_id: str | None = None

    @classmethod
    def from_json(cls, role: Mapping[str, Any]) -> "Role":
        """Read a role as the control interface has it."""
        return cls(Policy.from_json(role["policy"]), role.get("access_key_id"))

    def refusal(self, operation: str, region: str, parameters: Mapping[str, Any], access_key_id: str) -> str | None:
        """Say why a call is refused; None: it is not.

        A resource that does not exist has no tags to ask for: that call goes on, and is told that there is no such
        resource.
        """
        if self.access_key_id not in (None, access_key_id):
            return None
        context = _request_tags(parameters)
        arn = None
        if operation in _NAMED_BY:
            try:
                resource = region_backend(region).find(Resource, str(parameters.get(_NAMED_BY[operation])))
            except (LightsailError, ValueError):
                return None
            arn = resource.arn
            context |= {f"aws:ResourceTag/{key}": (value,) for key, value in resource.tags.items()}
        if self.policy.allows(Request(action=f"lightsail:{operation}", resource=arn, context=context)):
            return None
        return f"The role is not authorized to perform lightsail:{operation} on {arn or '*'}."


def _request_tags(parameters: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    tags = {tag["key"]: tag.get("value", "") for tag in parameters.get("tags", [])}
    keys = (*tags, *parameters.get("tagKeys", []))
    context = {f"aws:RequestTag/{key}": (value,) for key, value in tags.items()}
    return context | ({"aws:TagKeys": keys} if keys else {})
