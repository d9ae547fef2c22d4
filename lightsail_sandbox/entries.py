"""What there is in a sandbox, seen from outside: every source and snapshot of all accounts and Regions."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final

from lightsail_sandbox.backend.databases import RelationalDatabase
from lightsail_sandbox.backend.models import lightsail_backends
from lightsail_sandbox.backend.resources import Resource, Source
from lightsail_sandbox.backend.settings import settings
from lightsail_sandbox.backend.snapshots import Snapshot
from lightsail_sandbox.backend.static_ips import StaticIp


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A disk, an instance, a database, or a snapshot of one.

    Parameters
    ----------
    kind, name, arn, region, tags
        As in AWS; an empty value is a key-only tag's.
    created_at
        UTC.
    state
        Of a snapshot, in Lightsail's words; None for a source.
    content_at
        When what a snapshot holds was taken, UTC: for a copy, before it was made. None for a source.
    size_gb
        Of a snapshot; of a whole instance's, its system volume's. None for a source.
    source_name, source_arn
        What a snapshot was made from; None for a source.
    database_state
        Of a database, such as ``available``; None for everything else.
    shown
        Of a source: what its list shows of it that no snapshot holds, such as ``networking``, in AWS's words; of an
        instance, ``staticIp`` has the name of its static IP.
    """

    kind: str
    name: str
    arn: str
    region: str
    created_at: datetime
    tags: Mapping[str, str]
    state: str | None
    source_name: str | None
    source_arn: str | None
    content_at: datetime | None = None
    size_gb: int | None = None
    database_state: str | None = None
    shown: Mapping[str, Any] = field(default_factory=dict)

    @property
    def account(self) -> str:
        """Whose it is: 12 digits."""
        return self.arn.split(":")[4]

    def to_json(self) -> dict[str, Any]:
        """Write the entry as the control interface has it."""
        return {name: getattr(self, name) for name in _ENTRY} | {
            name: time.isoformat() for name in _TIMES if (time := getattr(self, name)) is not None
        }

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "Entry":
        """Read an entry as the control interface has it."""
        times = {name: datetime.fromisoformat(entry[name]) for name in _TIMES if entry.get(name) is not None}
        return cls(**{**entry, **times})


# `asdict` copies deeply, which is slow where there is much and its reader only writes it down.
_SHOWN: Final = (
    *("location", "addOns", "sizeInGb", "attachedTo", "path"),
    *("bundleId", "networking", "sshKeyName", "ipAddressType", "metadataOptions"),
    *("relationalDatabaseBundleId", "publiclyAccessible", "preferredBackupWindow", "preferredMaintenanceWindow"),
)
_TIMES: Final = ("created_at", "content_at")
_ENTRY: Final = tuple(each.name for each in fields(Entry))


def entries() -> list[Entry]:
    """Give all sources and snapshots, by account and Region, each kind in the order of creation."""
    backends = [backend for regions in lightsail_backends.values() for backend in regions.values()]
    resources = [resource for backend in backends for resource in backend.resources()]
    addresses = {
        address.instance.arn: address.name
        for address in resources
        if isinstance(address, StaticIp) and address.instance is not None
    }
    return [_entry(resource, addresses) for resource in resources if isinstance(resource, Source | Snapshot)]


def _entry(resource: Resource, addresses: Mapping[str, str]) -> Entry:
    now = settings.clock.now()
    snapshot = resource if isinstance(resource, Snapshot) else None
    return Entry(
        kind=resource.kind,
        name=resource.name,
        arn=resource.arn,
        region=resource.region,
        created_at=resource.created_at,
        tags=resource.tags,
        state=snapshot.state(now) if snapshot else None,
        source_name=snapshot.source_name if snapshot else None,
        source_arn=snapshot.source_arn if snapshot else None,
        content_at=snapshot.content_at if snapshot else None,
        size_gb=snapshot.size_gb if snapshot else None,
        database_state=resource.state(now) if isinstance(resource, RelationalDatabase) else None,
        shown={} if snapshot else _shown(resource, now, addresses),
    )


def _shown(source: Resource, now: datetime, addresses: Mapping[str, str]) -> dict[str, Any]:
    rendering = source.render(now)
    shown = {name: rendering[name] for name in _SHOWN if name in rendering}
    return shown | ({"staticIp": addresses[source.arn]} if source.arn in addresses else {})
