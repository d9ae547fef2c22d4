"""Snapshots of disks and instances: what they are, and how answers show them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from lightsail_sandbox.backend.instances import Disk, Instance
from lightsail_sandbox.backend.resources import Making, Resource, Source


@dataclass(kw_only=True)
class Snapshot(Resource):
    """A snapshot, whose state follows from its age and from how it is to end. Each kind words states its own way."""

    sources: ClassVar[tuple[type[Source], ...]]
    """What a snapshot of this kind is made of."""
    pending: ClassVar[str] = "pending"
    usable: ClassVar[str]
    failed: ClassVar[str] = "error"

    size_gb: int
    source_kind: str
    source_name: str
    source_arn: str
    takes: timedelta
    end: str | None = None
    """The scripted end: a state, the one for pending meaning never, or None to become usable."""
    fixed_state: str | None = None
    """A state that holds whatever the time is."""
    copied_at: datetime | None = None
    """Of a copy: when what it holds was taken."""
    from_automatic: bool = False
    """Whether it was copied from an automatic snapshot, or from such a copy."""

    @classmethod
    def kept_of(cls, source: Source) -> dict[str, Any]:
        """Give the members that a new snapshot has from its source, which is one of `sources`."""
        return {"size_gb": source.size_gb}

    @classmethod
    def origin(cls, source: Source) -> dict[str, Any]:
        """Give all that a new snapshot has from its source, which is one of `sources`."""
        named = {"source_kind": source.kind, "source_name": source.name, "source_arn": source.arn}
        return named | cls.kept_of(source)

    def kept(self) -> dict[str, Any]:
        """Give the same, as a copy has it."""
        named = {"source_kind": self.source_kind, "source_name": self.source_name, "source_arn": self.source_arn}
        return named | {"size_gb": self.size_gb, "from_automatic": self.from_automatic}

    @property
    def content_at(self) -> datetime:
        """When what it holds was taken."""
        return self.copied_at or self.created_at

    @classmethod
    def own_word(cls, state: str) -> str:
        """Give this kind's word for a state; any kind's word will do."""
        match state:
            case "pending" | "creating":
                return cls.pending
            case "completed" | "available":
                return cls.usable
            case "error" | "failed":
                return cls.failed
            case _:
                return state

    def state(self, now: datetime) -> str:
        """Give the state at a time."""
        if self.fixed_state is not None:
            return self.fixed_state
        if self.end == self.pending or now < self.created_at + self.takes:
            return self.pending
        return self.end or self.usable

    def is_copy_in_progress(self, now: datetime) -> bool:
        """Say whether it is a copy that is not complete yet."""
        return self.copied_at is not None and self.state(now) == self.pending

    def making(self, now: datetime) -> Making:
        """Say how far the making of it has come."""
        match self.state(now):
            case self.pending:
                return Making("Started", self.created_at)
            case self.failed:
                problem = f"The snapshot {self.name} could not be completed."
                return Making("Failed", self.created_at + self.takes, problem)
            case _:
                return Making("Succeeded", self.created_at + self.takes)

    def script_end(self, state: str | None) -> None:
        """Let the snapshot end in this state, in any kind's word; None: it becomes usable."""
        self.end = self.own_word(state) if state is not None else None

    def fix_state(self, state: str) -> None:
        """Give the snapshot a state for good, in any kind's word."""
        self.fixed_state = self.own_word(state)


@dataclass(kw_only=True)
class DiskSnapshot(Snapshot):
    """A snapshot of a block storage disk, or of an instance's system volume."""

    kind: ClassVar[str] = "DiskSnapshot"
    support_prefix: ClassVar[str] = "snap"
    sources: ClassVar[tuple[type[Source], ...]] = (Disk, Instance)
    usable: ClassVar[str] = "completed"

    def progress(self, now: datetime) -> str:
        """Give how far it has come, as a percentage."""
        if self.state(now) == self.usable:
            return "100%"
        share = (now - self.created_at) / self.takes if self.takes else 0.0
        return f"{min(99, max(0, int(100 * share)))}%"

    def _appearance(self, now: datetime) -> object:
        return self.state(now), self.progress(now)

    def _members(self, now: datetime) -> dict[str, Any]:
        return {
            "sizeInGb": self.size_gb,
            "state": self.state(now),
            "progress": self.progress(now),
            f"from{self.source_kind}Name": self.source_name,
            f"from{self.source_kind}Arn": self.source_arn,
            "isFromAutoSnapshot": self.from_automatic,
        }


@dataclass(kw_only=True)
class InstanceSnapshot(Snapshot):
    """A snapshot of an instance with its attached disks. AWS shows no progress for it."""

    kind: ClassVar[str] = "InstanceSnapshot"
    support_prefix: ClassVar[str] = "ami"
    sources: ClassVar[tuple[type[Source], ...]] = (Instance,)
    usable: ClassVar[str] = "available"

    blueprint_id: str
    bundle_id: str
    attached_disks: list[dict[str, Any]]

    @classmethod
    def kept_of(cls, source: Instance) -> dict[str, Any]:  # type: ignore[override] # `sources` says so
        """Give the members that a new snapshot has from its instance."""
        return {
            "size_gb": source.size_gb,
            "blueprint_id": source.blueprint_id,
            "bundle_id": source.bundle_id,
            "attached_disks": [
                {"name": disk.name, "path": disk.path, "sizeInGb": disk.size_gb, "isSystemDisk": False}
                for disk in source.disks
            ],
        }

    def kept(self) -> dict[str, Any]:
        """Give what a copy has from it."""
        own = {"blueprint_id": self.blueprint_id, "bundle_id": self.bundle_id, "attached_disks": self.attached_disks}
        return super().kept() | own

    def _appearance(self, now: datetime) -> object:
        return self.state(now)

    def _members(self, now: datetime) -> dict[str, Any]:
        return {
            "state": self.state(now),
            "fromAttachedDisks": self.attached_disks,
            "fromInstanceName": self.source_name,
            "fromInstanceArn": self.source_arn,
            "fromBlueprintId": self.blueprint_id,
            "fromBundleId": self.bundle_id,
            "isFromAutoSnapshot": self.from_automatic,
            "sizeInGb": self.size_gb,
        }
