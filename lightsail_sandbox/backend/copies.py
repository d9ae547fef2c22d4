"""Copies of snapshots, asked for in the Region where they are to be.

Source: CopySnapshot in AWS's model, and the Lightsail guide's page on snapshots: within an account, of disks and
instances only, without tags. What AWS does not say is inferred: a copy is created when it is made, is made from what
its original was made from, counts as a manual snapshot, and says that it is from an automatic one where that is so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from lightsail_sandbox.backend.exceptions import InvalidInputError, NotFoundError, OperationFailureError
from lightsail_sandbox.backend.instances import Instance
from lightsail_sandbox.backend.models import lightsail_backends
from lightsail_sandbox.backend.names import check_snapshot_name
from lightsail_sandbox.backend.resources import AddOnSource
from lightsail_sandbox.backend.settings import current_script, settings
from lightsail_sandbox.backend.snapshots import DiskSnapshot, InstanceSnapshot, Snapshot

if TYPE_CHECKING:
    from lightsail_sandbox.backend.models import LightsailBackend
    from lightsail_sandbox.backend.operations import Operation


@dataclass(frozen=True, slots=True)
class _Original:
    name: str
    kind: type[Snapshot]
    members: Mapping[str, Any]
    content_at: datetime


def copy_snapshot(backend: "LightsailBackend", params: Mapping[str, Any]) -> "list[Operation]":
    """Copy a snapshot into this Region."""
    name, region = params["targetSnapshotName"], params["sourceRegion"]
    check_snapshot_name(name)
    regions = lightsail_backends[backend.account_id]
    if region not in regions:
        raise InvalidInputError(f"Lightsail has no endpoint in the Region {region!r}.")
    original = _original(regions[region], params)
    backend.check_free(name)
    members = {
        **original.members,
        "takes": timedelta(seconds=settings.options.copy_seconds),
        "copied_at": original.content_at,
    }
    copy = backend.new_anywhere(original.kind, name, {}, members=members)
    copy.script_end(current_script().snapshot_end)
    parts = [(copy, f"{region}:{original.name}")]
    return backend.carry_out("CopySnapshot", parts, lambda: backend.add(copy), copy)


def _original(backend: "LightsailBackend", params: Mapping[str, Any]) -> _Original:
    named, automatic = params.get("sourceSnapshotName"), params.get("sourceResourceName")
    if (named is None) == (automatic is None):
        raise InvalidInputError("Invalid input: give either sourceSnapshotName or sourceResourceName, and not both.")
    return _manual(backend, named) if named is not None else _automatic(backend, str(automatic), params)


def _manual(backend: "LightsailBackend", name: str) -> _Original:
    snapshot = backend.find(Snapshot, name)
    if not isinstance(snapshot, DiskSnapshot | InstanceSnapshot):
        raise InvalidInputError(f"The {snapshot.kind} {name} cannot be copied: only those of disks and instances can.")
    if snapshot.state(backend.now) != snapshot.usable:
        raise OperationFailureError(
            f"The snapshot {name} is {snapshot.state(backend.now)}: wait until it is {snapshot.usable}."
        )
    return _Original(name, type(snapshot), snapshot.kept(), snapshot.content_at)


def _automatic(backend: "LightsailBackend", name: str, params: Mapping[str, Any]) -> _Original:
    date, latest = params.get("restoreDate"), params.get("useLatestRestorableAutoSnapshot", False)
    if (date is None) is not bool(latest):
        raise InvalidInputError("Invalid input: give either restoreDate or useLatestRestorableAutoSnapshot.")
    source = backend.find(AddOnSource, name)
    finished = [each for each in backend.automatic_snapshots_of(source) if each.is_complete]
    found = next((each for each in finished if latest or each.created_at.date().isoformat() == date), None)
    if found is None:
        raise NotFoundError(f"The automatic snapshot does not exist: {name} of {date or 'any day'}")
    kind = InstanceSnapshot if isinstance(source, Instance) else DiskSnapshot
    return _Original(name, kind, kind.origin(source) | {"from_automatic": True}, found.created_at)
