"""Resources put into a sandbox directly, past the AWS interface: many at once, of any age and state."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal[
    "Disk",
    "Instance",
    "RelationalDatabase",
    "DiskSnapshot",
    "InstanceSnapshot",
    "RelationalDatabaseSnapshot",
    "StaticIp",
    "KeyPair",
]
SnapshotState = Literal["pending", "creating", "completed", "available", "error", "failed", "unknown"]
"""Each kind of snapshot has a word of its own for some of these; any kind's word will do for all of them."""

_TIMES = ("created_at", "restorable_until")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """One resource to put into a sandbox.

    Parameters
    ----------
    kind, name, region
        What it is and where. The name must be free in its Region, as in AWS.
    account
        Whose it is: 12 digits. None: that of every access key that says nothing about one.
    tags
        An empty value makes a key-only tag. AWS's own ``aws:`` tags are allowed here: AWS sets them too.
    created_at
        None: the sandbox time.
    size_gb
        Of a disk, or of an instance's system volume. None: 32 for a disk, the bundle's for an
        instance or a database, the source's for a snapshot.
    zone
        Of a disk, an instance or a database, such as ``eu-central-1b``. None: the Region's first one.
    attached_to
        The instance of a disk or a static IP; it must exist.
    blueprint_id, bundle_id
        Of an instance or a database. A bundle such as ``micro_ha_2_0`` makes a database highly available. None: Amazon
        Linux or MySQL, micro, in a single zone.
    key_pair
        An instance's. None: the Region's default one.
    ip_address_type
        An instance's: ``dualstack``, ``ipv4`` or ``ipv6``.
    firewall
        An instance's open ports, as PutInstancePublicPorts takes them. None: those of its blueprint.
    metadata_options
        An instance's, as UpdateInstanceMetadataOptions takes them. None: Lightsail's defaults.
    publicly_accessible
        Whether a database is reachable from outside of its account.
    backup_window
        A database's, in UTC, such as ``16:00-16:30``. None: 10:01-10:31.
    backup_retention
        Whether a database has native backups, from its creation on.
    restorable_until
        A database's native backups have come to a stop there. None: they go on.
    source
        A snapshot's source, by name. A disk snapshot of an instance is one of its system volume.
    source_arn
        For a snapshot whose source is gone: the ARN it had. It ends in ``:<kind>/<uuid>``, such as ``:Disk/<uuid>``.
    state
        A snapshot's state, for good. None: by its age, as if it had been created through the AWS interface.
    """

    kind: Kind
    name: str
    region: str = "eu-central-1"
    account: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None
    size_gb: int | None = None
    zone: str | None = None
    attached_to: str | None = None
    blueprint_id: str | None = None
    bundle_id: str | None = None
    key_pair: str | None = None
    ip_address_type: Literal["dualstack", "ipv4", "ipv6"] = "dualstack"
    firewall: Sequence[Mapping[str, Any]] | None = None
    metadata_options: Mapping[str, Any] | None = None
    publicly_accessible: bool = False
    backup_window: str | None = None
    backup_retention: bool = True
    restorable_until: datetime | None = None
    source: str | None = None
    source_arn: str | None = None
    state: SnapshotState | None = None

    def to_json(self) -> dict[str, Any]:
        """Write the seed as the control interface has it."""
        seed = asdict(self)
        return seed | {name: seed[name].isoformat() for name in _TIMES if seed[name] is not None}

    @classmethod
    def from_json(cls, seed: Mapping[str, Any]) -> "Seed":
        """Read a seed as the control interface has it."""
        times = {name: datetime.fromisoformat(seed[name]) for name in _TIMES if seed.get(name) is not None}
        try:
            return cls(**{**seed, **times})
        except TypeError as error:
            raise ValueError(f"The seed {seed!r} cannot be read: {error}.") from error
