"""Puts seeds into the backends."""

from collections.abc import Iterable
from datetime import timedelta

from moto.core.models import DEFAULT_ACCOUNT_ID

from lightsail_sandbox.backend.exceptions import LightsailError
from lightsail_sandbox.backend.models import LightsailBackend, lightsail_backends
from lightsail_sandbox.backend.resources import Disk, Instance, Resource, Snapshot, Source
from lightsail_sandbox.backend.settings import settings
from lightsail_sandbox.seeds import Seed

_DISK_SIZE_GB = 32
_BLUEPRINT, _BUNDLE = "amazon_linux_2023", "micro_3_0"


def region_backend(region: str) -> LightsailBackend:
    """Give the backend of a Region, in the account that every unknown access key belongs to."""
    regions = lightsail_backends[DEFAULT_ACCOUNT_ID]
    if region not in regions:
        raise ValueError(f"Lightsail has no endpoint in the Region {region!r}; it has {', '.join(regions.regions)}.")
    return regions[region]


def plant(seeds: Iterable[Seed]) -> list[str]:
    """Put resources there, in order, and give their ARNs. All or none."""
    planted: list[tuple[LightsailBackend, Resource]] = []
    try:
        for seed in seeds:
            backend = region_backend(seed.region)
            resource = _resource(backend, seed)
            backend.add(resource)
            planted.append((backend, resource))
            if seed.attached_to is not None:
                _attach(backend, resource, seed.attached_to)
    except (LightsailError, ValueError) as error:
        for backend, resource in reversed(planted):
            if isinstance(resource, Disk):
                resource.detach()
            backend.remove(resource)
        raise ValueError(f"Nothing was seeded. {error}") from error
    return [resource.arn for _, resource in planted]


def _attach(backend: LightsailBackend, disk: Resource, instance_name: str) -> None:
    instance = backend.find(Instance, instance_name)
    if not isinstance(disk, Disk):
        raise ValueError(f"{disk.name} is a {disk.kind}; only a Disk is attached to an instance.")  # noqa: TRY004 - the input's content is wrong, not a Python type
    disk.attach(instance, f"/dev/xvd{chr(ord('f') + len(instance.disks))}")


def _resource(backend: LightsailBackend, seed: Seed) -> Resource:
    tags, zone = dict(seed.tags), f"{seed.region}a"
    match seed.kind:
        case "Disk":
            size_gb = seed.size_gb or _DISK_SIZE_GB
            return backend.new_disk(seed.name, size_gb=size_gb, zone=zone, tags=tags, created_at=seed.created_at)
        case "Instance":
            return backend.new_instance(
                seed.name,
                blueprint_id=_BLUEPRINT,
                bundle_id=_BUNDLE,
                zone=zone,
                tags=tags,
                created_at=seed.created_at,
                size_gb=seed.size_gb,
            )
        case "DiskSnapshot" | "InstanceSnapshot":
            return _snapshot(backend, seed, tags)
        case _:
            raise ValueError(
                f"{seed.name} is a {seed.kind!r}; expected Disk, Instance, DiskSnapshot or InstanceSnapshot."
            )


def _snapshot(backend: LightsailBackend, seed: Seed, tags: dict[str, str]) -> Snapshot:
    source = _source(backend, seed)
    snapshot: Snapshot
    if seed.kind == "DiskSnapshot":
        snapshot = backend.new_disk_snapshot(seed.name, source, tags, seed.created_at)
    elif isinstance(source, Instance):
        snapshot = backend.new_instance_snapshot(seed.name, source, tags, seed.created_at)
    else:
        raise ValueError(f"{seed.name} is an InstanceSnapshot, but its source {source.name} is a {source.kind}.")
    snapshot.size_gb = seed.size_gb or snapshot.size_gb
    snapshot.takes = timedelta(seconds=settings.options.snapshot_seconds)
    if seed.state is not None:
        snapshot.fix_state(seed.state)
    return snapshot


def _source(backend: LightsailBackend, seed: Seed) -> Source:
    if seed.source is None:
        raise ValueError(f"{seed.name} is a {seed.kind} without a source; name the disk or instance it is made of.")
    if seed.source_arn is None:
        return backend.find(Source, seed.source)
    gone: Source
    zone = f"{seed.region}a"
    if ":Instance/" in seed.source_arn:
        gone = backend.new_instance(seed.source, blueprint_id=_BLUEPRINT, bundle_id=_BUNDLE, zone=zone, tags={})
    else:
        gone = backend.new_disk(seed.source, size_gb=seed.size_gb or _DISK_SIZE_GB, zone=zone, tags={})
    gone.arn = seed.source_arn
    return gone
