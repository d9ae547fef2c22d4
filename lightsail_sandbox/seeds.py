"""Resources put into a sandbox directly, past the AWS interface: many at once, of any age and state."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal["Disk", "Instance", "DiskSnapshot", "InstanceSnapshot"]
SnapshotState = Literal["pending", "completed", "available", "error", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """One resource to put into a sandbox.

    Parameters
    ----------
    kind, name, region
        What it is and where. The name must be free in its Region, as in AWS.
    tags
        An empty value makes a key-only tag. AWS's own ``aws:`` tags are allowed here: AWS sets them too.
    created_at
        None: the sandbox time.
    size_gb
        Of a disk, or of an instance's system volume. None: 32 for a disk, the bundle's for an
        instance, the source's for a snapshot.
    attached_to
        A disk's instance, which must exist.
    source
        A snapshot's disk or instance, by name. A disk snapshot of an instance is one of its system volume.
    source_arn
        For a snapshot whose source is gone: the ARN it had. It ends in ``:Disk/<uuid>`` or ``:Instance/<uuid>``.
    state
        A snapshot's state, for good. None: by its age, as if it had been created through the AWS interface.
    """

    kind: Kind
    name: str
    region: str = "eu-central-1"
    tags: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None
    size_gb: int | None = None
    attached_to: str | None = None
    source: str | None = None
    source_arn: str | None = None
    state: SnapshotState | None = None

    def to_json(self) -> dict[str, Any]:
        """Write the seed as the control interface has it."""
        return {**asdict(self), "created_at": self.created_at.isoformat() if self.created_at else None}

    @classmethod
    def from_json(cls, seed: Mapping[str, Any]) -> "Seed":
        """Read a seed as the control interface has it."""
        created_at = seed.get("created_at")
        try:
            return cls(**{**seed, "created_at": datetime.fromisoformat(created_at) if created_at else None})
        except TypeError as error:
            raise ValueError(f"The seed {seed!r} cannot be read: {error}.") from error
