"""Sources made from snapshots.

What AWS does not say is inferred: a disk in a snapshot that nobody gives a name gets one of Lightsail's; the key of a
disk mapping is the name of the new instance; a restored database is reachable from its own account only, unless asked
for; a bundle that is not sold any more will do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from lightsail_sandbox.backend.blueprints import blueprint_or_alike
from lightsail_sandbox.backend.bundles import BUNDLES, bundle_or_alike, lack_of
from lightsail_sandbox.backend.database_bundles import DATABASE_BUNDLES, database_bundle_or_alike
from lightsail_sandbox.backend.databases import RelationalDatabase, RelationalDatabaseSnapshot
from lightsail_sandbox.backend.exceptions import InvalidInputError
from lightsail_sandbox.backend.instances import Disk, Instance
from lightsail_sandbox.backend.launches import check_names, new_instances
from lightsail_sandbox.backend.names import check_database_name, read_tags
from lightsail_sandbox.backend.origins import database_origin, disk_origin, instance_origin
from lightsail_sandbox.backend.settings import settings
from lightsail_sandbox.backend.snapshots import InstanceSnapshot

if TYPE_CHECKING:
    from lightsail_sandbox.backend.models import LightsailBackend
    from lightsail_sandbox.backend.operations import Operation


@dataclass(frozen=True, slots=True)
class _NewDisk:
    instance_name: str
    name: str
    path: str
    size_gb: int


def create_instances_from_snapshot(backend: "LightsailBackend", params: Mapping[str, Any]) -> "list[Operation]":
    """Create instances with their disks; they boot first."""
    snapshot = instance_origin(backend, params)
    wanted = _new_disks(backend, snapshot, params)
    check_names(backend, params["instanceNames"], [disk.name for disk in wanted])
    _check_bundle(snapshot, params["bundleId"])
    instances = new_instances(backend, params, snapshot.blueprint_id, boots=True)
    takes = timedelta(seconds=settings.options.disk_seconds)
    disks = [
        (instance, disk.path, backend.new_disk(disk.name, instance.zone, disk.size_gb, (), (), takes=takes))
        for instance in instances
        for disk in wanted
        if disk.instance_name == instance.name
    ]
    operations: list[Operation] = []
    for made in instances:
        add = partial(backend.add, made)
        operations += backend.carry_out("CreateInstancesFromSnapshot", [(made, None)], add, made.lived)
    for instance, path, disk in disks:
        attach = partial(_add_attached, backend, disk, instance, path)
        operations += backend.carry_out("CreateDiskFromSnapshot", [(disk, instance.name)], attach, disk)
    return operations


def create_disk_from_snapshot(backend: "LightsailBackend", params: Mapping[str, Any]) -> "list[Operation]":
    """Create a disk, of a snapshot of a disk or of a system volume alike."""
    snapshot = disk_origin(backend, params)
    size_gb = params["sizeInGb"]
    if size_gb < snapshot.size_gb:
        raise InvalidInputError(
            f"Invalid disk size: {size_gb} GB. The snapshot {snapshot.name} has {snapshot.size_gb} GB, "
            "and a disk made from it has as much at least."
        )
    disk = backend.new_disk(
        params["diskName"],
        params["availabilityZone"],
        size_gb,
        params.get("tags", []),
        params.get("addOns", []),
        takes=timedelta(seconds=settings.options.disk_seconds),
    )
    return backend.carry_out("CreateDiskFromSnapshot", [(disk, None)], lambda: backend.add(disk), disk)


def create_relational_database_from_snapshot(
    backend: "LightsailBackend", params: Mapping[str, Any]
) -> "list[Operation]":
    """Create a database, which gets another endpoint and another password than the one that was backed up."""
    snapshot = database_origin(backend, params)
    name = params["relationalDatabaseName"]
    check_database_name(name)
    zone = params.get("availabilityZone") or f"{backend.region_name}a"
    backend.check_zone(zone)
    bundle_id = params.get("relationalDatabaseBundleId", snapshot.bundle_id)
    _check_database_bundle(snapshot, bundle_id)
    read = read_tags(params.get("tags", []))
    backend.check_free(name)
    members = {
        "blueprint_id": snapshot.blueprint_id,
        "bundle_id": bundle_id,
        "size_gb": max(snapshot.size_gb, database_bundle_or_alike(bundle_id).disk_gb),
        "master_database_name": snapshot.database.master_database_name,
        "master_username": snapshot.database.master_username,
        "publicly_accessible": params.get("publiclyAccessible", False),
        "retained_since": backend.now,
        "takes": timedelta(seconds=settings.options.database_seconds),
    }
    database = backend.new(RelationalDatabase, name, zone, read, members)
    return backend.carry_out(
        "CreateRelationalDatabaseFromSnapshot", [(database, None)], lambda: backend.add(database), database
    )


def _add_attached(backend: "LightsailBackend", disk: Disk, instance: Instance, path: str) -> None:
    backend.add(disk)
    disk.attach(instance, path)


def _check_bundle(snapshot: InstanceSnapshot, bundle_id: str) -> None:
    bundle, source = BUNDLES.get(bundle_id), bundle_or_alike(snapshot.bundle_id)
    if bundle is None:
        raise InvalidInputError(f"Invalid bundle: {bundle_id}. There is none of this id.")
    platform = blueprint_or_alike(snapshot.blueprint_id).platform
    if bundle.platform != platform:
        raise InvalidInputError(
            f"Invalid bundle: {bundle_id} is for {bundle.platform}, and the snapshot {snapshot.name} is of {platform}."
        )
    lack = lack_of(bundle, source)
    if lack is not None:
        raise InvalidInputError(
            f"Invalid bundle: {bundle_id} is smaller than {snapshot.bundle_id}, which the snapshot {snapshot.name} "
            f"is from: {lack}."
        )


def _check_database_bundle(snapshot: RelationalDatabaseSnapshot, bundle_id: str) -> None:
    if bundle_id == snapshot.bundle_id:
        return
    bundle = DATABASE_BUNDLES.get(bundle_id)
    if bundle is None:
        raise InvalidInputError(f"Invalid database bundle: {bundle_id}. There is none of this id.")
    lack = lack_of(bundle, database_bundle_or_alike(snapshot.bundle_id))
    if lack is not None:
        raise InvalidInputError(
            f"Invalid database bundle: {bundle_id} is smaller than {snapshot.bundle_id}, which the snapshot "
            f"{snapshot.name} is from: {lack}."
        )


def _new_disks(backend: "LightsailBackend", snapshot: InstanceSnapshot, params: Mapping[str, Any]) -> list[_NewDisk]:
    mapping: Mapping[str, list[Mapping[str, str]]] = params.get("attachedDiskMapping", {})
    strangers = sorted(set(mapping) - set(params["instanceNames"]))
    if strangers:
        raise InvalidInputError(f"Invalid attachedDiskMapping: {strangers[0]} is none of the new instances.")
    return [
        _NewDisk(name, names.get(disk["path"]) or f"Disk-{backend.new_uuid()[:8]}", disk["path"], disk["sizeInGb"])
        for name in params["instanceNames"]
        for names in [_names_by_path(snapshot, mapping.get(name, []))]
        for disk in snapshot.attached_disks
    ]


def _names_by_path(snapshot: InstanceSnapshot, mapped: list[Mapping[str, str]]) -> dict[str, str]:
    paths = [disk["path"] for disk in snapshot.attached_disks]
    names: dict[str, str] = {}
    for each in mapped:
        path, name = each.get("originalDiskPath", ""), each.get("newDiskName")
        if path not in paths:
            raise InvalidInputError(
                f"Invalid attachedDiskMapping: the snapshot {snapshot.name} has no disk at {path!r}; "
                f"it has {', '.join(paths) or 'none at all'}."
            )
        if path in names:
            raise InvalidInputError(f"Invalid attachedDiskMapping: it maps {path} twice.")
        if name is not None:
            names[path] = name
    return names
