"""The calls of a restore, boto3's own, typed. What makes the client and what becomes of errors is `lightsail`'s.

They are made with the credentials of the person who restores: the function has no permission for any but the lists.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar, assert_never, cast

from lightkeeper.kinds import SOURCES, SourceKind, entries, read_tags
from lightkeeper.recipe import PortRule
from lightkeeper.restore_steps import (
    BUNDLES,
    DATABASE_BUNDLES,
    KEY_PAIRS,
    NAMES,
    AttachDisk,
    Bundle,
    Condition,
    Create,
    CreateDatabase,
    CreateDisk,
    CreateInstance,
    OpenPorts,
    SetOptions,
)

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient
    from mypy_boto3_lightsail.literals import NetworkProtocolType
    from mypy_boto3_lightsail.type_defs import (
        AddOnRequestTypeDef,
        BundleTypeDef,
        InstanceTypeDef,
        OperationTypeDef,
        PortInfoTypeDef,
        RelationalDatabaseBundleTypeDef,
        TagTypeDef,
    )

_T = TypeVar("_T")
CREATE: Final[Mapping[type[Create], str]] = {
    CreateInstance: "CreateInstancesFromSnapshot",
    CreateDisk: "CreateDiskFromSnapshot",
    CreateDatabase: "CreateRelationalDatabaseFromSnapshot",
}
_METRIC_MINUTES: Final = 10
_FAILED: Final = frozenset({"error", "failed", "terminated"})


def create(client: "LightsailClient", step: Create, tags: "list[TagTypeDef]") -> "Iterable[OperationTypeDef]":
    """Make what a step says, of its snapshot and together with its tags."""
    match step:
        case CreateInstance():
            optional: dict[str, Any] = {}
            if step.key:
                optional["keyPairName"] = step.key
            if step.address_type:
                optional["ipAddressType"] = step.address_type
            if step.disks:
                pairs = [{"originalDiskPath": path, "newDiskName": name} for path, name in step.disks]
                optional["attachedDiskMapping"] = {step.resource: pairs}
            return client.create_instances_from_snapshot(
                instanceNames=[step.resource],
                instanceSnapshotName=step.snapshot,
                availabilityZone=step.zone,
                bundleId=step.bundle,
                tags=tags,
                addOns=_add_ons(step.auto_snapshot),
                **optional,
            ).get("operations", [])
        case CreateDisk():
            return client.create_disk_from_snapshot(
                diskName=step.resource,
                diskSnapshotName=step.snapshot,
                availabilityZone=step.zone,
                sizeInGb=step.size_gib,
                tags=tags,
                addOns=_add_ons(step.auto_snapshot),
            ).get("operations", [])
        case CreateDatabase():
            optional = {}
            if step.zone:
                optional["availabilityZone"] = step.zone
            if step.bundle:
                optional["relationalDatabaseBundleId"] = step.bundle
            if step.is_public is not None:
                optional["publiclyAccessible"] = step.is_public
            return client.create_relational_database_from_snapshot(
                relationalDatabaseName=step.resource,
                relationalDatabaseSnapshotName=step.snapshot,
                tags=tags,
                **optional,
            ).get("operations", [])
        case _:
            assert_never(step)


def put_ports(client: "LightsailClient", step: OpenPorts) -> "Iterable[OperationTypeDef]":
    """Give an instance exactly these rules."""
    answer = client.put_instance_public_ports(
        instanceName=step.resource, portInfos=[_port_info(rule) for rule in step.ports]
    )
    return [answer["operation"]]


def set_options(client: "LightsailClient", step: SetOptions) -> "Iterable[OperationTypeDef]":
    """Set the metadata options of an instance, or the windows of a database."""
    optional: dict[str, Any]
    if step.metadata:
        options = step.metadata
        optional = {
            "httpTokens": options.tokens,
            "httpEndpoint": options.endpoint,
            "httpPutResponseHopLimit": options.hops,
            "httpProtocolIpv6": options.ipv6,
        }
        answer = client.update_instance_metadata_options(instanceName=step.resource, **_given(optional))
        return [answer["operation"]]
    optional = {
        "preferredBackupWindow": step.backup_window,
        "preferredMaintenanceWindow": step.maintenance_window,
    }
    return client.update_relational_database(relationalDatabaseName=step.resource, **_given(optional)).get(
        "operations", []
    )


def attach_disk(client: "LightsailClient", step: AttachDisk) -> "Iterable[OperationTypeDef]":
    """Attach a disk to an instance."""
    return client.attach_disk(diskName=step.resource, instanceName=step.instance, diskPath=step.path).get(
        "operations", []
    )


def conditions(client: "LightsailClient", kind: SourceKind, now: datetime) -> Iterator[tuple[str, Condition]]:
    """Yield how each instance, disk or database stands at `now` (UTC), by its name."""
    match kind:
        case SourceKind.INSTANCE:
            yield from _instances(client, now)
        case SourceKind.DISK:
            for disks in client.get_paginator("get_disks").paginate():
                for disk in entries(SOURCES[kind].listing, disks.get("disks"), disks["ResponseMetadata"]):
                    state = disk.get("state", "unknown")
                    ready = state in {"available", "in-use"}
                    yield (
                        disk["name"],
                        Condition(
                            state,
                            ready,
                            ready,
                            has_failed=state in _FAILED,
                            attached_to=disk.get("attachedTo") or None,
                            tags=read_tags(disk.get("tags")),
                        ),
                    )
        case SourceKind.DATABASE:
            for databases in client.get_paginator("get_relational_databases").paginate():
                listed = databases.get("relationalDatabases")
                for database in entries(SOURCES[kind].listing, listed, databases["ResponseMetadata"]):
                    stands = database.get("state", "unknown")
                    endpoint = database.get("masterEndpoint", {})
                    address = f"{endpoint['address']}:{endpoint.get('port', '')}" if endpoint.get("address") else None
                    yield (
                        database["name"],
                        Condition(
                            stands,
                            stands == "available",
                            stands == "available",
                            has_failed=stands in _FAILED,
                            address=address,
                            user=database.get("masterUsername"),
                            tags=read_tags(database.get("tags")),
                        ),
                    )
        case _:
            assert_never(kind)


def bundles(client: "LightsailClient") -> Iterator[Bundle]:
    """Yield the bundles of instances, those that are not offered any more, too."""
    for page in client.get_paginator("get_bundles").paginate(includeInactive=True):
        for bundle in entries(BUNDLES, page.get("bundles"), page["ResponseMetadata"]):
            yield replace(
                _bundle(bundle),
                platform=next(iter(bundle.get("supportedPlatforms", [])), None),
                has_ipv4=bundle.get("publicIpv4AddressCount", 1) > 0,
            )


def database_bundles(client: "LightsailClient") -> Iterator[Bundle]:
    """Yield the bundles of databases."""
    for page in client.get_paginator("get_relational_database_bundles").paginate(includeInactive=True):
        for bundle in entries(DATABASE_BUNDLES, page.get("bundles"), page["ResponseMetadata"]):
            yield _bundle(bundle)


def _bundle(bundle: "BundleTypeDef | RelationalDatabaseBundleTypeDef") -> Bundle:
    """Return what the bundles of instances and of databases have alike."""
    return Bundle(
        id=bundle["bundleId"],
        cpus=bundle.get("cpuCount", 0),
        ram_gib=bundle.get("ramSizeInGb", 0.0),
        disk_gib=bundle.get("diskSizeInGb", 0),
        usd_per_month=bundle.get("price", 0.0),
        is_active=bundle.get("isActive", True),
    )


def zones(client: "LightsailClient", region: str) -> Iterator[str]:
    """Yield the zones of a Region."""
    for found in client.get_regions(includeAvailabilityZones=True).get("regions", []):
        if found.get("name") == region:
            yield from (zone["zoneName"] for zone in found.get("availabilityZones", []))


def key_pairs(client: "LightsailClient") -> Iterator[str]:
    """Yield the names of the key pairs."""
    for page in client.get_paginator("get_key_pairs").paginate():
        yield from (pair["name"] for pair in entries(KEY_PAIRS, page.get("keyPairs"), page["ResponseMetadata"]))


def names(client: "LightsailClient") -> Iterator[str]:
    """Yield every name in use in a Region, of whatever kind of resource."""
    for page in client.get_paginator("get_active_names").paginate():
        yield from entries(NAMES, page.get("activeNames"), page["ResponseMetadata"])


def _instances(client: "LightsailClient", now: datetime) -> Iterator[tuple[str, Condition]]:
    # An older boto3 does not know the option, and refuses it.
    input_shape: Any = client.meta.service_model.operation_model("GetInstances").input_shape
    knows_health = "includeHealthStatus" in input_shape.members
    options: dict[str, Any] = {"includeHealthStatus": True} if knows_health else {}
    for page in client.get_paginator("get_instances").paginate(**options):
        listing = SOURCES[SourceKind.INSTANCE].listing
        for instance in entries(listing, page.get("instances"), page["ResponseMetadata"]):
            state = instance.get("state", {}).get("name", "unknown")
            health = _health(instance) if knows_health else _checks(client, instance["name"], state, now)
            yield (
                instance["name"],
                Condition(
                    state,
                    state == "running",
                    state == "running" and health == "ok",
                    health=health,
                    has_failed=state in _FAILED,
                    address=instance.get("publicIpAddress") or next(iter(instance.get("ipv6Addresses", [])), None),
                    user=instance.get("username"),
                    is_windows=instance.get("username", "").lower() == "administrator",
                    tags=read_tags(instance.get("tags")),
                ),
            )


def _health(instance: "InstanceTypeDef") -> str:
    """Return the worse of the two status checks."""
    unknown = "insufficient-data"
    # Not every release of the stubs knows them.
    told = cast("Mapping[str, Mapping[str, str]]", instance)
    both = (
        told.get("instanceStatus", {}).get("status", unknown),
        told.get("systemStatus", {}).get("status", unknown),
    )
    return next((status for status in both if status != "ok"), "ok")


def _checks(client: "LightsailClient", name: str, state: str, now: datetime) -> str:
    """Return the same from the metric of the status checks; no number is no pass."""
    if state != "running":
        return "not-applicable"
    points = client.get_instance_metric_data(
        instanceName=name,
        metricName="StatusCheckFailed",
        period=60,
        startTime=now - timedelta(minutes=_METRIC_MINUTES),
        endTime=now,
        unit="Count",
        statistics=["Sum"],
    ).get("metricData", [])
    newest = max(points, key=lambda point: point["timestamp"], default=None)
    if newest is None:
        return "initializing"
    return "impaired" if newest.get("sum", 0) else "ok"


def _add_ons(hour: str | None) -> "list[AddOnRequestTypeDef]":
    if hour is None:
        return []
    return [{"addOnType": "AutoSnapshot", "autoSnapshotAddOnRequest": {"snapshotTimeOfDay": hour}}]


def _port_info(rule: PortRule) -> "PortInfoTypeDef":
    # An empty list says that nobody may come from there; what one that is left out says is not documented.
    return {
        "fromPort": rule.first,
        "toPort": rule.last,
        "protocol": cast("NetworkProtocolType", rule.protocol),
        "cidrs": list(rule.cidrs),
        "ipv6Cidrs": list(rule.ipv6_cidrs),
        "cidrListAliases": list(rule.aliases),
    }


def _given(options: Mapping[str, _T | None]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}
