"""Puts seeds into the backends."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from lightsail_sandbox.accounts import DEFAULT_ACCOUNT
from lightsail_sandbox.backend.bundles import bundle_or_alike
from lightsail_sandbox.backend.database_bundles import database_bundle_or_alike
from lightsail_sandbox.backend.databases import BACKUP_WINDOW, RelationalDatabase, check_backup_window
from lightsail_sandbox.backend.exceptions import LightsailError
from lightsail_sandbox.backend.firewall import read_rules
from lightsail_sandbox.backend.instances import DEFAULT_KEY_PAIR, Disk, Instance, MetadataOptions
from lightsail_sandbox.backend.key_pairs import check_key_pair
from lightsail_sandbox.backend.kinds import KINDS, OTHER_KINDS, SOURCE_KINDS
from lightsail_sandbox.backend.models import LightsailBackend, lightsail_backends
from lightsail_sandbox.backend.resources import Resource, Source
from lightsail_sandbox.backend.snapshots import Snapshot
from lightsail_sandbox.backend.static_ips import StaticIp
from lightsail_sandbox.seeds import Seed

R = TypeVar("R", bound=Resource)

_DISK_SIZE_GB: Final = 32
_BLUEPRINTS: Final[Mapping[type[Resource], str]] = {Instance: "amazon_linux_2023", RelationalDatabase: "mysql_8_0"}
_BUNDLES: Final[Mapping[type[Resource], str]] = {Instance: "micro_3_0", RelationalDatabase: "micro_2_0"}


def region_backend(region: str, account: str = DEFAULT_ACCOUNT) -> LightsailBackend:
    """Give the backend of a Region, in an account."""
    regions = lightsail_backends[account]
    if region not in regions:
        raise ValueError(f"Lightsail has no endpoint in the Region {region!r}; it has {', '.join(regions.regions)}.")
    return regions[region]


def plant(seeds: Iterable[Seed]) -> list[str]:
    """Put resources there, in order, and give their ARNs. All or none."""
    planted: list[tuple[LightsailBackend, Resource]] = []
    try:
        for seed in seeds:
            backend = region_backend(seed.region, seed.account or DEFAULT_ACCOUNT)
            resource = _resource(backend, seed)
            backend.add(resource)
            planted.append((backend, resource))
            if seed.attached_to is not None:
                _attach(backend, resource, seed.attached_to)
    except (LightsailError, ValueError) as error:
        for backend, resource in reversed(planted):
            match resource:
                case Disk():
                    resource.detach()
                case StaticIp():
                    resource.detach(backend.new_position())
                case _:
                    pass
            backend.remove(resource)
        raise ValueError(f"Nothing was seeded. {error}") from error
    return [resource.arn for _, resource in planted]


def _attach(backend: LightsailBackend, resource: Resource, instance_name: str) -> None:
    instance = backend.find(Instance, instance_name)
    match resource:
        case Disk():
            resource.attach(instance, f"/dev/xvd{chr(ord('f') + len(instance.disks))}")
        case StaticIp() if instance.static_address is None and instance.ip_address_type != "ipv6":
            resource.attach(instance)
        case StaticIp():
            raise ValueError(f"{instance.name} has a static IP already, or IPv6 only; {resource.name} needs room.")
        case _:
            raise ValueError(f"{resource.name} is a {resource.kind}; only a Disk or a StaticIp is attached.")


def _resource(backend: LightsailBackend, seed: Seed) -> Resource:
    kind = next((kind for kind in KINDS if kind.kind == seed.kind), None)
    if kind is None:
        expected = [kind.kind for kind in KINDS]
        raise ValueError(f"{seed.name} is a {seed.kind!r}; expected {', '.join(expected[:-1])} or {expected[-1]}.")
    if issubclass(kind, Snapshot):
        return _snapshot(backend, seed, kind)
    if kind in OTHER_KINDS:
        return backend.new_anywhere(kind, seed.name, dict(seed.tags), seed.created_at)
    return _source(backend, seed, kind, seed.name, dict(seed.tags))


def _source(backend: LightsailBackend, seed: Seed, kind: type[R], name: str, tags: dict[str, str]) -> R:
    created_at = seed.created_at or backend.now
    zone = seed.zone or f"{seed.region}a"
    backend.check_zone(zone)
    if seed.key_pair is not None:
        check_key_pair(backend, seed.key_pair)
    return backend.new(kind, name, zone, tags, _members(kind, seed, created_at), created_at=created_at)


def _members(kind: type[Resource], seed: Seed, created_at: datetime) -> dict[str, Any]:
    """Give what a source of this kind has and others have not."""
    if kind is Disk:
        return {"size_gb": seed.size_gb or _DISK_SIZE_GB}
    bundle_id = seed.bundle_id or _BUNDLES[kind]
    members = {"blueprint_id": seed.blueprint_id or _BLUEPRINTS[kind], "bundle_id": bundle_id}
    if kind is Instance:
        return members | {
            "size_gb": seed.size_gb or bundle_or_alike(bundle_id).disk_gb,
            "key_pair_name": seed.key_pair or DEFAULT_KEY_PAIR,
            "ip_address_type": seed.ip_address_type,
            "rules": read_rules(seed.firewall) if seed.firewall is not None else None,
            "metadata": MetadataOptions().updated(seed.metadata_options or {}),
        }
    window = seed.backup_window or BACKUP_WINDOW
    check_backup_window(window)
    return members | {
        "size_gb": seed.size_gb or database_bundle_or_alike(bundle_id).disk_gb,
        "backup_window": window,
        "publicly_accessible": seed.publicly_accessible,
        "retained_since": created_at if seed.backup_retention else None,
        "stalled_at": seed.restorable_until,
    }


def _snapshot(backend: LightsailBackend, seed: Seed, kind: type[Snapshot]) -> Snapshot:
    source = _source_of(backend, seed)
    if not isinstance(source, kind.sources):
        raise ValueError(f"{seed.name} is a {seed.kind}, but its source {source.name} is a {source.kind}.")  # noqa: TRY004 - the input's content is wrong, not a Python type
    snapshot = backend.new_snapshot(kind, seed.name, source, dict(seed.tags), seed.created_at)
    snapshot.size_gb = seed.size_gb or snapshot.size_gb
    if seed.state is not None:
        snapshot.fix_state(seed.state)
    return snapshot


def _source_of(backend: LightsailBackend, seed: Seed) -> Source:
    if seed.source is None:
        raise ValueError(f"{seed.name} is a {seed.kind} without a source; name what it is made of.")
    if seed.source_arn is None:
        return backend.find(Source, seed.source)
    kind = next((kind for kind in SOURCE_KINDS if f":{kind.kind}/" in seed.source_arn), Disk)
    gone = _source(backend, seed, kind, seed.source, {})
    gone.arn = seed.source_arn
    return gone
