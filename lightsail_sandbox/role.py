"""The role that callers have: which call its policy lets through."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

from lightsail_sandbox.backend.databases import RelationalDatabase, RelationalDatabaseSnapshot
from lightsail_sandbox.backend.exceptions import NotFoundError
from lightsail_sandbox.backend.instances import Disk, Instance
from lightsail_sandbox.backend.kinds import KINDS
from lightsail_sandbox.backend.models import LightsailBackend
from lightsail_sandbox.backend.resources import Resource
from lightsail_sandbox.backend.snapshots import DiskSnapshot, InstanceSnapshot
from lightsail_sandbox.backend.static_ips import StaticIp
from lightsail_sandbox.planting import region_backend
from lightsail_sandbox.policy import Policy, Request

MissingResource = Literal["not-found", "untagged"]

_ON_AN_INSTANCE: Final = (
    "CloseInstancePublicPorts",
    "OpenInstancePublicPorts",
    "PutInstancePublicPorts",
    "RebootInstance",
    "StartInstance",
    "StopInstance",
    "UpdateInstanceMetadataOptions",
)
# Which member of the request names the resource that the call is authorised on, and of which kind that is, by the
# Service Authorization Reference. A snapshot is authorised on what it is made of, as it does not exist yet itself. One
# of a database is authorised on nothing at all: a policy can only ask what tags the snapshot gets.
_AUTHORISED_ON: Final[Mapping[str, Mapping[str, type[Resource]]]] = {
    "AttachDisk": {"diskName": Disk},
    "AttachStaticIp": {"instanceName": Instance, "staticIpName": StaticIp},
    "CreateDiskFromSnapshot": {"diskSnapshotName": DiskSnapshot},
    "CreateInstancesFromSnapshot": {"instanceSnapshotName": InstanceSnapshot},
    "CreateRelationalDatabaseFromSnapshot": {"relationalDatabaseSnapshotName": RelationalDatabaseSnapshot},
    "DetachStaticIp": {"staticIpName": StaticIp},
    "GetRelationalDatabaseMasterUserPassword": {"relationalDatabaseName": RelationalDatabase},
    "ReleaseStaticIp": {"staticIpName": StaticIp},
    **{operation: {"instanceName": Instance} for operation in _ON_AN_INSTANCE},
    "DetachDisk": {"diskName": Disk},
    "CreateDiskSnapshot": {"diskName": Disk, "instanceName": Instance},
    "CreateInstanceSnapshot": {"instanceName": Instance},
    "UpdateRelationalDatabase": {"relationalDatabaseName": RelationalDatabase},
    "TagResource": {"resourceName": Resource},
    "UntagResource": {"resourceName": Resource},
    **{f"Delete{kind.kind}": {f"{kind.member()}Name": kind} for kind in KINDS},
}
_FROM_SNAPSHOTS: Final = (
    "CreateDiskFromSnapshot",
    "CreateInstancesFromSnapshot",
    "CreateRelationalDatabaseFromSnapshot",
)
"""They can be asked for without naming a snapshot; what AWS then looks at is not known."""
_MAKES: Final[Mapping[str, type[Resource]]] = {
    "CreateDiskFromSnapshot": Disk,
    "CreateInstances": Instance,
    "CreateInstancesFromSnapshot": Instance,
    "CreateRelationalDatabaseFromSnapshot": RelationalDatabase,
    **{f"Create{kind.kind}": kind for kind in KINDS if kind is not Instance},
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
    account
        In which account it is in force. None: in those that have no role of their own.
    missing_resource
        What becomes of a call on a resource that does not exist, which AWS does not say. ``not-found``: whatever the
        role, it is told so. ``untagged``: it is judged as a call on a resource without tags, whose ARN nobody knows.
    tag_on_create
        Whether a create with tags is authorised as ``lightsail:TagResource`` too, which AWS does not quite say.
    """

    policy: Policy
    access_key_id: str | None = None
    account: str | None = None
    missing_resource: MissingResource = "not-found"
    tag_on_create: bool = False

    def __post_init__(self) -> None:
        if self.missing_resource not in get_args(MissingResource):
            raise ValueError(
                f"missing_resource is {self.missing_resource!r}; expected {' or '.join(get_args(MissingResource))}."
            )

    @classmethod
    def from_json(cls, role: Mapping[str, Any]) -> "Role":
        """Read a role as the control interface has it."""
        return cls(**{**role, "policy": Policy.from_json(role["policy"])})

    def refusal(
        self, operation: str, region: str, parameters: Mapping[str, Any], access_key_id: str, account: str
    ) -> str | None:
        """Say why a call is refused, as AWS words it; None: it is not."""
        if self.access_key_id not in (None, access_key_id):
            return None
        try:
            requests = [*self._requests(operation, region, account, parameters)]
        except ValueError:
            return None  # there is no Lightsail in this Region, and it says so itself
        refused = (request for request in requests if not self.policy.allows(request))
        return next((self._words(request, access_key_id, account) for request in refused), None)

    def _requests(self, operation: str, region: str, account: str, parameters: Mapping[str, Any]) -> Iterator[Request]:
        asked = Request(action=f"lightsail:{operation}", context=_request_tags(parameters))
        named = _AUTHORISED_ON.get(operation)
        if named is None or (operation in _FROM_SNAPSHOTS and not set(named) & set(parameters)):
            yield asked
        for member, kind in (named or {}).items():
            if member in parameters:
                judged = self._on(asked, region_backend(region, account), kind, str(parameters[member]))
                if judged is None:
                    return
                yield judged
        if self.tag_on_create and operation in _MAKES and parameters.get("tags"):
            made = _arn(region_backend(region, account), _MAKES[operation])
            yield replace(asked, action="lightsail:TagResource", resource=made)

    def _on(self, asked: Request, backend: LightsailBackend, kind: type[Resource], name: str) -> Request | None:
        """Give the call as IAM sees it, on this resource; None: it is not judged."""
        try:
            resource = backend.find(kind, name)
        except NotFoundError:
            return replace(asked, resource=_arn(backend, kind)) if self.missing_resource == "untagged" else None
        tags = {f"aws:ResourceTag/{key}": (value,) for key, value in resource.tags.items()}
        return replace(asked, resource=resource.arn, context={**asked.context, **tags})

    def _words(self, request: Request, access_key_id: str, account: str) -> str:
        why = (
            "with an explicit deny in an identity-based policy"
            if self.policy.denies(request)
            else f"because no identity-based policy allows the {request.action} action"
        )
        user = f"arn:aws:sts::{account}:assumed-role/sandbox/{access_key_id}"
        return (
            f"User: {user} is not authorized to perform: {request.action} on resource: {request.resource or '*'} {why}"
        )


def _arn(backend: LightsailBackend, kind: type[Resource]) -> str | None:
    """Give what stands for the ARN of something that does not exist, as AWS writes it: any of its kind."""
    if kind is Resource:
        return None
    return f"arn:{backend.partition}:lightsail:{backend.region_name}:{backend.account_id}:{kind.kind}/*"


def _request_tags(parameters: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    tags = {tag["key"]: tag.get("value", "") for tag in parameters.get("tags", [])}
    keys = (*tags, *parameters.get("tagKeys", []))
    context = {f"aws:RequestTag/{key}": (value,) for key, value in tags.items()}
    return context | ({"aws:TagKeys": keys} if keys else {})
