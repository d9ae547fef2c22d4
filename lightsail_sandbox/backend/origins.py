"""What a restore is made from: a snapshot with a name, or what Lightsail has kept by itself.

Lightsail's own backups have no content here. What is restored from one has the plan and the disks that its source has
now, whatever these were then.
"""

from collections.abc import Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.utils import parse_timestamp

from lightsail_sandbox.backend.databases import RelationalDatabase, RelationalDatabaseSnapshot
from lightsail_sandbox.backend.exceptions import InvalidInputError, NotFoundError, OperationFailureError
from lightsail_sandbox.backend.instances import Disk, Instance
from lightsail_sandbox.backend.snapshots import DiskSnapshot, InstanceSnapshot, Snapshot

if TYPE_CHECKING:
    from lightsail_sandbox.backend.models import LightsailBackend
    from lightsail_sandbox.backend.resources import AddOnSource

S = TypeVar("S", bound=Snapshot)

_AUTOMATIC: Final = ("restoreDate", "useLatestRestorableAutoSnapshot")
_BY_TIME: Final = ("restoreTime", "useLatestRestorableTime")


def instance_origin(backend: "LightsailBackend", params: Mapping[str, Any]) -> InstanceSnapshot:
    """Give what instances are restored from."""
    name = _either(params, "instanceSnapshotName", "sourceInstanceName", _AUTOMATIC)
    if name is not None:
        return _usable(backend, InstanceSnapshot, name)
    return _automatic(backend, InstanceSnapshot, backend.find(Instance, params["sourceInstanceName"]), params)


def disk_origin(backend: "LightsailBackend", params: Mapping[str, Any]) -> DiskSnapshot:
    """Give what a disk is restored from: a snapshot of a disk, or of a system volume."""
    name = _either(params, "diskSnapshotName", "sourceDiskName", _AUTOMATIC)
    if name is not None:
        return _usable(backend, DiskSnapshot, name)
    return _automatic(backend, DiskSnapshot, backend.find(Disk, params["sourceDiskName"]), params)


def database_origin(backend: "LightsailBackend", params: Mapping[str, Any]) -> RelationalDatabaseSnapshot:
    """Give what a database is restored from: a snapshot, or another database as it was at a time."""
    name = _either(params, "relationalDatabaseSnapshotName", "sourceRelationalDatabaseName", _BY_TIME)
    if name is not None:
        return _usable(backend, RelationalDatabaseSnapshot, name)
    database = backend.find(RelationalDatabase, params["sourceRelationalDatabaseName"])
    latest = database.latest_restorable_time(backend.now)
    if latest is None or database.retained_since is None:
        raise OperationFailureError(f"The database {database.name} has no native backups to restore from.")
    time = parse_timestamp(params["restoreTime"]).astimezone(UTC) if "restoreTime" in params else latest
    if not database.retained_since <= time <= latest:
        raise InvalidInputError(
            f"Invalid restoreTime: {time.isoformat()}. The database {database.name} can be restored from "
            f"{database.retained_since.isoformat()} to {latest.isoformat()}."
        )
    return backend.new_snapshot(RelationalDatabaseSnapshot, database.name, database, {}, time)


def _either(params: Mapping[str, Any], snapshot: str, source: str, times: tuple[str, str]) -> str | None:
    """Give the name of a snapshot. None: the request names a source and a time, and not only one of these."""
    given = [member for member in times if params.get(member)]
    is_by_source = params.get(source) is not None
    if (params.get(snapshot) is not None) is is_by_source or len(given) != int(is_by_source):
        raise InvalidInputError(
            f"Invalid input: give either {snapshot}, or {source} with either {times[0]} or {times[1]}."
        )
    return params.get(snapshot)


def _usable(backend: "LightsailBackend", kind: type[S], name: str) -> S:
    snapshot = backend.find(kind, name)
    state = snapshot.state(backend.now)
    if state != snapshot.usable:
        raise OperationFailureError(f"The snapshot {name} is not {snapshot.usable} but {state}.")
    return snapshot


def _automatic(backend: "LightsailBackend", kind: type[S], source: "AddOnSource", params: Mapping[str, Any]) -> S:
    date = params.get("restoreDate")
    finished = (each for each in backend.automatic_snapshots_of(source) if each.is_complete)
    chosen = next((each for each in finished if date in (None, each.created_at.date().isoformat())), None)
    if chosen is None:
        raise NotFoundError(f"There is no automatic snapshot of {source.name}{f' of {date}' if date else ''}.")
    return backend.new_snapshot(kind, source.name, source, {}, chosen.created_at)
