"""The kinds of source and of snapshot in Lightsail: one class each, which says how to list, take, find and delete it.

A new kind is a member, a class and its line in `SOURCES` or `SNAPSHOTS`; lists, plans, permissions and words follow.
The calls are boto3's own, typed; what makes the client and what becomes of errors is `lightsail`'s.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from sys import intern
from typing import TYPE_CHECKING, ClassVar, Final, Protocol, TypeVar

from lightkeeper.automatic import AutomaticSnapshot, AutomaticState
from lightkeeper.faults import CallError, Fault
from lightkeeper.model import AttachedDisk, Mode, Snapshot, SnapshotState, Source, StaticIp, Tags
from lightkeeper.recipe import (
    ANYWHERE,
    ANYWHERE_V6,
    DatabaseRecipe,
    DiskRecipe,
    InstanceRecipe,
    MetadataOptions,
    Part,
    PortRule,
    merged_rules,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mypy_boto3_lightsail import LightsailClient
    from mypy_boto3_lightsail.type_defs import (
        AddOnTypeDef,
        DiskSnapshotTypeDef,
        DiskTypeDef,
        InstanceMetadataOptionsTypeDef,
        InstancePortInfoTypeDef,
        InstanceSnapshotTypeDef,
        InstanceTypeDef,
        OperationTypeDef,
        RelationalDatabaseSnapshotTypeDef,
        RelationalDatabaseTypeDef,
        ResponseMetadataTypeDef,
        TagTypeDef,
    )

_T = TypeVar("_T")
_NO_NATIVE_BACKUPS: Final = (
    "its native backups are off, as in import mode, so it cannot be restored to a point in time between two snapshots; "
    "expected them on: aws lightsail update-relational-database --enable-backup-retention "
    "--relational-database-name {}"
)


class SourceKind(StrEnum):
    """What can be backed up."""

    DISK = "disk"
    INSTANCE = "instance"
    DATABASE = "database"


class SnapshotKind(StrEnum):
    """The kinds of Lightsail snapshot. A system volume's is a disk snapshot."""

    DISK = "disk-snapshot"
    INSTANCE = "instance-snapshot"
    DATABASE = "database-snapshot"


class SourceApi(Protocol):
    """What Lightsail offers for a kind of source."""

    arn_type: ClassVar[str]
    """What its ARNs call it: `arn:aws:lightsail:REGION:ACCOUNT:<type>/UUID`."""
    listing: ClassVar[str]
    """The operation that lists it."""
    snapshots: ClassVar[Mapping[Mode | None, SnapshotKind]]
    """What is taken of it in which mode; None where it has no modes."""

    def list(self, client: "LightsailClient", region: str) -> Iterator[Source]:
        """Yield all of this kind in the client's Region."""


class SnapshotApi(Protocol):
    """What Lightsail offers for a kind of snapshot."""

    arn_type: ClassVar[str]
    """What its ARNs call it."""
    listing: ClassVar[str]
    getting: ClassVar[str]
    creating: ClassVar[str]
    deleting: ClassVar[str]
    """The operations that list, find, take and delete it."""

    def list(self, client: "LightsailClient", region: str) -> Iterator[Snapshot]:
        """Yield all of this kind in the client's Region, anybody's."""

    def find(self, client: "LightsailClient", region: str, name: str) -> Snapshot:
        """Return the one of that name."""

    def create(
        self, client: "LightsailClient", name: str, of: SourceKind, source: str, tags: "Sequence[TagTypeDef]"
    ) -> "Iterable[OperationTypeDef]":
        """Take one of a source, together with its tags; return what Lightsail has begun."""

    def delete(self, client: "LightsailClient", name: str) -> "Iterable[OperationTypeDef]":
        """Delete the one of that name; return what Lightsail has begun."""


class Disks:
    """Block storage disks. A system disk is its instance's."""

    arn_type: ClassVar = "Disk"
    listing: ClassVar = "GetDisks"
    snapshots: ClassVar[Mapping[Mode | None, SnapshotKind]] = {None: SnapshotKind.DISK}

    def list(self, client: "LightsailClient", region: str) -> Iterator[Source]:
        """Yield the block storage disks."""
        for page in client.get_paginator("get_disks").paginate():
            for disk in entries(self.listing, page.get("disks"), page["ResponseMetadata"]):
                if not disk.get("isSystemDisk"):
                    yield Source(
                        kind=SourceKind.DISK,
                        name=disk["name"],
                        arn=intern(disk["arn"]),
                        region=region,
                        created_at=_utc(disk["createdAt"]),
                        tags=read_tags(disk.get("tags")),
                        attached_to=disk.get("attachedTo") or None,
                        path=disk.get("path") or None,
                        recipe=_disk_recipe(disk),
                        size_gib=disk.get("sizeInGb", 0),
                    )


class Instances:
    """Instances: as a whole, with the disks that are attached, or their system disk alone."""

    arn_type: ClassVar = "Instance"
    listing: ClassVar = "GetInstances"
    snapshots: ClassVar[Mapping[Mode | None, SnapshotKind]] = {
        Mode.INSTANCE: SnapshotKind.INSTANCE,
        Mode.SYSTEM_DISK: SnapshotKind.DISK,
    }

    def list(self, client: "LightsailClient", region: str) -> Iterator[Source]:
        """Yield the instances."""
        for page in client.get_paginator("get_instances").paginate():
            for instance in entries(self.listing, page.get("instances"), page["ResponseMetadata"]):
                yield Source(
                    kind=SourceKind.INSTANCE,
                    name=instance["name"],
                    arn=intern(instance["arn"]),
                    region=region,
                    created_at=_utc(instance["createdAt"]),
                    tags=read_tags(instance.get("tags")),
                    recipe=_instance_recipe(instance),
                    cpus=instance.get("hardware", {}).get("cpuCount", 0),
                    size_gib=sum(
                        disk.get("sizeInGb", 0)
                        for disk in instance.get("hardware", {}).get("disks", [])
                        if disk.get("isSystemDisk")
                    ),
                )


class Databases:
    """Relational databases."""

    arn_type: ClassVar = "RelationalDatabase"
    listing: ClassVar = "GetRelationalDatabases"
    snapshots: ClassVar[Mapping[Mode | None, SnapshotKind]] = {None: SnapshotKind.DATABASE}

    def list(self, client: "LightsailClient", region: str) -> Iterator[Source]:
        """Yield the databases."""
        for page in client.get_paginator("get_relational_databases").paginate():
            for database in entries(self.listing, page.get("relationalDatabases"), page["ResponseMetadata"]):
                yield Source(
                    kind=SourceKind.DATABASE,
                    name=database["name"],
                    arn=intern(database["arn"]),
                    region=region,
                    created_at=_utc(database["createdAt"]),
                    tags=read_tags(database.get("tags")),
                    not_now=_not_available(database.get("state")),
                    # Where there is a standby, the snapshot is taken of that.
                    quiet_window=None
                    if database.get("secondaryAvailabilityZone")
                    else database.get("preferredBackupWindow"),
                    advice=()
                    if database.get("backupRetentionEnabled", True)
                    else (_NO_NATIVE_BACKUPS.format(database["name"]),),
                    recipe=_database_recipe(database),
                )


class DiskSnapshots:
    """Snapshots of disks and of instances' system volumes."""

    arn_type: ClassVar = "DiskSnapshot"
    listing: ClassVar = "GetDiskSnapshots"
    getting: ClassVar = "GetDiskSnapshot"
    creating: ClassVar = "CreateDiskSnapshot"
    deleting: ClassVar = "DeleteDiskSnapshot"
    _states: ClassVar = {
        "pending": SnapshotState.PENDING,
        "completed": SnapshotState.USABLE,
        "error": SnapshotState.ERROR,
    }

    def list(self, client: "LightsailClient", region: str) -> Iterator[Snapshot]:
        """Yield the disk snapshots."""
        for page in client.get_paginator("get_disk_snapshots").paginate():
            for snapshot in entries(self.listing, page.get("diskSnapshots"), page["ResponseMetadata"]):
                yield self._read(snapshot, region)

    def find(self, client: "LightsailClient", region: str, name: str) -> Snapshot:
        """Return the one of that name."""
        return self._read(client.get_disk_snapshot(diskSnapshotName=name)["diskSnapshot"], region)

    def create(
        self, client: "LightsailClient", name: str, of: SourceKind, source: str, tags: "Sequence[TagTypeDef]"
    ) -> "Iterable[OperationTypeDef]":
        """Take one of a disk, or of an instance's system volume."""
        if of is SourceKind.INSTANCE:
            answer = client.create_disk_snapshot(diskSnapshotName=name, instanceName=source, tags=tags)
        else:
            answer = client.create_disk_snapshot(diskSnapshotName=name, diskName=source, tags=tags)
        return answer.get("operations", [])

    def delete(self, client: "LightsailClient", name: str) -> "Iterable[OperationTypeDef]":
        """Delete the one of that name."""
        return client.delete_disk_snapshot(diskSnapshotName=name).get("operations", [])

    def _read(self, snapshot: "DiskSnapshotTypeDef", region: str) -> Snapshot:
        return Snapshot(
            kind=SnapshotKind.DISK,
            name=snapshot["name"],
            region=region,
            state=self._states.get(snapshot.get("state", ""), SnapshotState.UNKNOWN),
            created_at=_utc(snapshot["createdAt"]),
            size_gib=snapshot.get("sizeInGb", 0),
            source_name=intern(snapshot.get("fromDiskName") or snapshot.get("fromInstanceName") or ""),
            source_arns=_arns(snapshot.get("fromDiskArn"), snapshot.get("fromInstanceArn")),
            from_auto_snapshot=snapshot.get("isFromAutoSnapshot", False),
            tags=read_tags(snapshot.get("tags")),
        )


class InstanceSnapshots:
    """Snapshots of whole instances, with the disks that were attached."""

    arn_type: ClassVar = "InstanceSnapshot"
    listing: ClassVar = "GetInstanceSnapshots"
    getting: ClassVar = "GetInstanceSnapshot"
    creating: ClassVar = "CreateInstanceSnapshot"
    deleting: ClassVar = "DeleteInstanceSnapshot"
    _states: ClassVar = {
        "pending": SnapshotState.PENDING,
        "available": SnapshotState.USABLE,
        "error": SnapshotState.ERROR,
    }

    def list(self, client: "LightsailClient", region: str) -> Iterator[Snapshot]:
        """Yield the instance snapshots."""
        for page in client.get_paginator("get_instance_snapshots").paginate():
            for snapshot in entries(self.listing, page.get("instanceSnapshots"), page["ResponseMetadata"]):
                yield self._read(snapshot, region)

    def find(self, client: "LightsailClient", region: str, name: str) -> Snapshot:
        """Return the one of that name."""
        return self._read(client.get_instance_snapshot(instanceSnapshotName=name)["instanceSnapshot"], region)

    def create(
        self,
        client: "LightsailClient",
        name: str,
        of: SourceKind,  # noqa: ARG002 - there are none of anything else
        source: str,
        tags: "Sequence[TagTypeDef]",
    ) -> "Iterable[OperationTypeDef]":
        """Take one of an instance."""
        answer = client.create_instance_snapshot(instanceSnapshotName=name, instanceName=source, tags=tags)
        return answer.get("operations", [])

    def delete(self, client: "LightsailClient", name: str) -> "Iterable[OperationTypeDef]":
        """Delete the one of that name."""
        return client.delete_instance_snapshot(instanceSnapshotName=name).get("operations", [])

    def _read(self, snapshot: "InstanceSnapshotTypeDef", region: str) -> Snapshot:
        attached = tuple(
            AttachedDisk(intern(disk.get("path", "")), intern(disk.get("name", "")) or None, disk.get("sizeInGb", 0))
            for disk in snapshot.get("fromAttachedDisks", [])
            if not disk.get("isSystemDisk")
        )
        return Snapshot(
            kind=SnapshotKind.INSTANCE,
            name=snapshot["name"],
            region=region,
            state=self._states.get(snapshot.get("state", ""), SnapshotState.UNKNOWN),
            created_at=_utc(snapshot["createdAt"]),
            # Its own size is the system disk's; the attached disks are in it too.
            size_gib=snapshot.get("sizeInGb", 0) + sum(disk.size_gib for disk in attached),
            source_name=intern(snapshot.get("fromInstanceName") or ""),
            source_arns=_arns(snapshot.get("fromInstanceArn")),
            from_auto_snapshot=snapshot.get("isFromAutoSnapshot", False),
            tags=read_tags(snapshot.get("tags")),
            attached=attached,
            bundle=snapshot.get("fromBundleId"),
        )


class DatabaseSnapshots:
    """Snapshots of databases."""

    arn_type: ClassVar = "RelationalDatabaseSnapshot"
    listing: ClassVar = "GetRelationalDatabaseSnapshots"
    getting: ClassVar = "GetRelationalDatabaseSnapshot"
    creating: ClassVar = "CreateRelationalDatabaseSnapshot"
    deleting: ClassVar = "DeleteRelationalDatabaseSnapshot"
    # Lightsail lists no words for them: they are those of Amazon RDS.
    _states: ClassVar = {
        "pending": SnapshotState.PENDING,
        "creating": SnapshotState.PENDING,
        "available": SnapshotState.USABLE,
        "error": SnapshotState.ERROR,
        "failed": SnapshotState.ERROR,
    }

    def list(self, client: "LightsailClient", region: str) -> Iterator[Snapshot]:
        """Yield the database snapshots."""
        for page in client.get_paginator("get_relational_database_snapshots").paginate():
            for snapshot in entries(self.listing, page.get("relationalDatabaseSnapshots"), page["ResponseMetadata"]):
                yield self._read(snapshot, region)

    def find(self, client: "LightsailClient", region: str, name: str) -> Snapshot:
        """Return the one of that name."""
        answer = client.get_relational_database_snapshot(relationalDatabaseSnapshotName=name)
        return self._read(answer["relationalDatabaseSnapshot"], region)

    def create(
        self,
        client: "LightsailClient",
        name: str,
        of: SourceKind,  # noqa: ARG002 - there are none of anything else
        source: str,
        tags: "Sequence[TagTypeDef]",
    ) -> "Iterable[OperationTypeDef]":
        """Take one of a database."""
        answer = client.create_relational_database_snapshot(
            relationalDatabaseSnapshotName=name, relationalDatabaseName=source, tags=tags
        )
        return answer.get("operations", [])

    def delete(self, client: "LightsailClient", name: str) -> "Iterable[OperationTypeDef]":
        """Delete the one of that name."""
        answer = client.delete_relational_database_snapshot(relationalDatabaseSnapshotName=name)
        return answer.get("operations", [])

    def _read(self, snapshot: "RelationalDatabaseSnapshotTypeDef", region: str) -> Snapshot:
        return Snapshot(
            kind=SnapshotKind.DATABASE,
            name=snapshot["name"],
            region=region,
            state=self._states.get(snapshot.get("state", ""), SnapshotState.UNKNOWN),
            created_at=_utc(snapshot["createdAt"]),
            size_gib=snapshot.get("sizeInGb", 0),
            source_name=intern(snapshot.get("fromRelationalDatabaseName") or ""),
            source_arns=_arns(snapshot.get("fromRelationalDatabaseArn")),
            # Native backups of databases are no snapshots.
            from_auto_snapshot=False,
            tags=read_tags(snapshot.get("tags")),
            bundle=snapshot.get("fromRelationalDatabaseBundleId"),
        )


SOURCES: Final[Mapping[SourceKind, SourceApi]] = {
    SourceKind.DISK: Disks(),
    SourceKind.INSTANCE: Instances(),
    SourceKind.DATABASE: Databases(),
}
SNAPSHOTS: Final[Mapping[SnapshotKind, SnapshotApi]] = {
    SnapshotKind.DISK: DiskSnapshots(),
    SnapshotKind.INSTANCE: InstanceSnapshots(),
    SnapshotKind.DATABASE: DatabaseSnapshots(),
}
STATIC_IPS: Final = "GetStaticIps"
"""The operation that lists the static IPs: an instance does not say which one it has."""
AUTOMATIC_SNAPSHOTS: Final = "GetAutoSnapshots"
"""The operation that lists the automatic snapshots of one disk or instance."""
_AUTOMATIC_STATES: Final[Mapping[str, AutomaticState]] = {
    "InProgress": AutomaticState.PENDING,
    "Failed": AutomaticState.FAILED,
    "NotFound": AutomaticState.FAILED,
}
LISTINGS: Final = (
    *(api.listing for api in SOURCES.values()),
    *(api.listing for api in SNAPSHOTS.values()),
    STATIC_IPS,
)
"""The lists that make an inventory, by their operations."""

ANY_SOURCE: Final = f"{', '.join([*SourceKind][:-1])} or {[*SourceKind][-1]}"
"""For sentences: all that can be backed up, in words."""


def snapshot_kind(kind: SourceKind, mode: Mode) -> SnapshotKind:
    """Return what is taken of a kind of source; the mode matters where it has modes."""
    of = SOURCES[kind].snapshots
    return of[mode] if mode in of else of[None]


def has_modes(kind: SourceKind) -> bool:
    """Return whether there is more than one way to back up this kind of source."""
    return None not in SOURCES[kind].snapshots


def source_kind_of(arn: str, taken: SnapshotKind) -> SourceKind:
    """Return what a source was of which only snapshots are left: by its ARN, else by what was taken of it."""
    arn_type = arn.rpartition("/")[0].rpartition(":")[2]
    named = (kind for kind, api in SOURCES.items() if api.arn_type == arn_type)
    likely = (kind for kind, api in SOURCES.items() if taken in api.snapshots.values())
    return next(named, None) or next(likely)


def list_static_ips(client: "LightsailClient") -> Iterator[StaticIp]:
    """Yield the static IPs in the client's Region."""
    for page in client.get_paginator("get_static_ips").paginate():
        for found in entries(STATIC_IPS, page.get("staticIps"), page["ResponseMetadata"]):
            yield StaticIp(found["name"], found.get("ipAddress", ""), found.get("attachedTo") or None)


def list_automatic_snapshots(client: "LightsailClient", source: str) -> Iterator[AutomaticSnapshot]:
    """Yield the automatic snapshots of a disk or an instance, in no order."""
    answer = client.get_auto_snapshots(resourceName=source)
    for found in entries(AUTOMATIC_SNAPSHOTS, answer.get("autoSnapshots"), answer["ResponseMetadata"]):
        yield AutomaticSnapshot(
            date=found["date"],
            taken=_utc(found["createdAt"]),
            state=_AUTOMATIC_STATES.get(found.get("status", ""), AutomaticState.USABLE),
            disks_gib=sum(disk.get("sizeInGb", 0) for disk in found.get("fromAttachedDisks", [])),
        )


def entries(listing: str, found: "Sequence[_T] | None", metadata: "ResponseMetadataTypeDef") -> "Sequence[_T]":
    """Return the entries of a page; what is not Lightsail's own answer must not pass for an empty list.

    Raises
    ------
    CallError
        If a page without entries is not JSON.
    """
    if found:
        return found
    content_type = metadata["HTTPHeaders"].get("content-type", "none")
    if "json" not in content_type:
        raise CallError(
            Fault.UNAVAILABLE, f"{listing}: the answer is of type {content_type}; expected Lightsail's JSON"
        )
    return ()


def _instance_recipe(instance: "InstanceTypeDef") -> InstanceRecipe:
    ports = instance.get("networking", {}).get("ports")
    options = instance.get("metadataOptions")
    return InstanceRecipe(
        zone=instance.get("location", {}).get("availabilityZone"),
        bundle=instance.get("bundleId"),
        ports=None if ports is None else _shared(merged_rules(_port_rule(port) for port in ports)),
        key=instance.get("sshKeyName"),
        address_type=instance.get("ipAddressType"),
        metadata=_metadata_options(options) if options else None,
        auto_snapshot=_auto_snapshot(instance.get("addOns")),
        missing=(Part.PORTS,) if ports is None else (),
    )


@lru_cache(maxsize=4096)
def _shared(rules: tuple[PortRule, ...]) -> tuple[PortRule, ...]:
    """Return a firewall as one object for all that have it: most have their blueprint's."""
    return rules


def _port_rule(port: "InstancePortInfoTypeDef") -> PortRule:
    cidrs = tuple(map(intern, port.get("cidrs", ())))
    ipv6_cidrs = tuple(map(intern, port.get("ipv6Cidrs", ())))
    aliases = tuple(port.get("cidrListAliases", ()))
    protocol = port.get("protocol", "tcp")
    # Where Lightsail names no place, all the world may come in, as it says of such ports: "Anywhere".
    if not (cidrs or ipv6_cidrs or aliases) and port.get("accessType", "Public") == "Public":
        cidrs = () if protocol == "icmpv6" else (ANYWHERE,)
        ipv6_cidrs = () if protocol == "icmp" else (ANYWHERE_V6,)
    return PortRule(
        intern(protocol),
        port.get("fromPort", 0),
        port.get("toPort", port.get("fromPort", 0)),
        cidrs=cidrs,
        ipv6_cidrs=ipv6_cidrs,
        aliases=aliases,
    )


def _metadata_options(options: "InstanceMetadataOptionsTypeDef") -> MetadataOptions:
    return MetadataOptions(
        tokens=options.get("httpTokens"),
        endpoint=options.get("httpEndpoint"),
        hops=options.get("httpPutResponseHopLimit"),
        ipv6=options.get("httpProtocolIpv6"),
    )


def _disk_recipe(disk: "DiskTypeDef") -> DiskRecipe:
    return DiskRecipe(
        zone=disk.get("location", {}).get("availabilityZone"),
        size_gib=disk.get("sizeInGb"),
        attached_to=disk.get("attachedTo") or None,
        path=disk.get("path") or None,
        auto_snapshot=_auto_snapshot(disk.get("addOns")),
    )


def _database_recipe(database: "RelationalDatabaseTypeDef") -> DatabaseRecipe:
    return DatabaseRecipe(
        zone=database.get("location", {}).get("availabilityZone"),
        bundle=database.get("relationalDatabaseBundleId"),
        is_public=database.get("publiclyAccessible"),
        backup_window=database.get("preferredBackupWindow"),
        maintenance_window=database.get("preferredMaintenanceWindow"),
    )


def _auto_snapshot(add_ons: "Iterable[AddOnTypeDef] | None") -> str | None:
    """Return the hour of automatic snapshots, where they are on; which words say so is not documented."""
    return next(
        (
            add_on.get("snapshotTimeOfDay")
            for add_on in add_ons or ()
            if add_on.get("name") == "AutoSnapshot" and not add_on.get("status", "").lower().startswith("disabl")
        ),
        None,
    )


def _not_available(state: str | None) -> str | None:
    return None if state == "available" else f'the database is "{state}", not "available"'


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)


def read_tags(tags: "Iterable[TagTypeDef] | None") -> Tags:
    """Return the tags of an answer."""
    return {tag["key"]: tag.get("value", "") for tag in tags or ()}


def _arns(*arns: str | None) -> frozenset[str]:
    return frozenset(arn for arn in arns if arn)
