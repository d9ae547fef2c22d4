"""Disks, instances and their snapshots: what they are, and how answers show them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from lightsail_sandbox.backend.automatic import Switching
from lightsail_sandbox.backend.names import write_tags
from lightsail_sandbox.backend.shapes import Rendering

_BUNDLES = {  # system volume in GiB, processors, memory in GiB
    "nano": (20, 2, 0.5),
    "micro": (40, 2, 1.0),
    "small": (60, 2, 2.0),
    "medium": (80, 2, 4.0),
    "large": (160, 2, 8.0),
    "xlarge": (320, 4, 16.0),
    "2xlarge": (640, 8, 32.0),
}
_RUNNING = {"code": 16, "name": "running"}
_IOPS_PER_GB = 3
_LEAST_IOPS = 100


def bundle_size_gb(bundle_id: str) -> int:
    """Give the size of a bundle's system volume; an unknown bundle is taken for a micro one."""
    return _bundle(bundle_id)[0]


def _bundle(bundle_id: str) -> tuple[int, int, float]:
    return _BUNDLES.get(bundle_id.partition("_")[0], _BUNDLES["micro"])


@dataclass(kw_only=True)
class Resource:
    """What every kind has. Change it through its methods: answers show a rendering made before."""

    kind: ClassVar[str]
    support_prefix: ClassVar[str]

    name: str
    arn: str
    support_code: str
    created_at: datetime
    region: str
    zone: str
    tags: dict[str, str]
    size_gb: int
    position: int
    _rendering: Rendering | None = field(default=None, init=False)
    _rendered_for: object = field(default=None, init=False)

    @classmethod
    def member(cls) -> str:
        """Give the kind's word in requests and answers, such as ``diskSnapshot``."""
        return f"{cls.kind[0].lower()}{cls.kind[1:]}"

    def added(self) -> None:
        """Be told that it is there from now on."""

    def removed(self) -> None:
        """Be told that it is not there any more."""

    def set_tags(self, tags: dict[str, str]) -> None:
        """Replace all tags."""
        self.tags = tags
        self.forget_rendering()

    def forget_rendering(self) -> None:
        """Say that answers have to show something new."""
        self._rendering = None

    def render(self, now: datetime) -> Rendering:
        """Give the resource as answers show it."""
        appearance = self._appearance(now)
        if self._rendering is None or self._rendered_for != appearance:
            self._rendering = Rendering(self._common() | self._members(now))
            self._rendered_for = appearance
        return self._rendering

    def _appearance(self, _now: datetime) -> object:
        """Give what a rendering depends on besides what the methods change."""
        return None

    def _members(self, now: datetime) -> dict[str, Any]:
        raise NotImplementedError

    def _common(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "arn": self.arn,
            "supportCode": self.support_code,
            "createdAt": self.created_at.timestamp(),
            "location": self.location(),
            "resourceType": self.kind,
            "tags": write_tags(self.tags),
        }

    def location(self) -> dict[str, str]:
        """Give Region and zone as answers show them."""
        return {"availabilityZone": self.zone, "regionName": self.region}


@dataclass(kw_only=True)
class Source(Resource):
    """Something snapshots are made of."""


@dataclass(kw_only=True)
class AddOnSource(Source):
    """A disk or an instance: Lightsail takes daily automatic snapshots of it, where they are switched on."""

    switchings: list[Switching] = field(default_factory=list)

    @property
    def automatic_hour(self) -> int | None:
        """The hour of the daily automatic snapshot; None if it is switched off."""
        return self.switchings[-1].hour if self.switchings and self.switchings[-1].until is None else None

    def switch_automatic(self, hour: int | None, now: datetime) -> None:
        """Take automatic snapshots at this hour from now on. None: take no more, and keep those there are."""
        if self.automatic_hour is not None:
            last = self.switchings.pop()
            self.switchings.append(Switching(last.hour, last.since, now))
        if hour is not None:
            self.switchings.append(Switching(hour, now))
        self.forget_rendering()

    def _add_ons(self) -> list[dict[str, str]]:
        if self.automatic_hour is None:
            return []
        time_of_day = f"{self.automatic_hour:02}:00"
        return [
            {
                "name": "AutoSnapshot",
                "status": "Enabled",
                "snapshotTimeOfDay": time_of_day,
                "nextSnapshotTimeOfDay": time_of_day,
            }
        ]


@dataclass(kw_only=True)
class Disk(AddOnSource):
    """A block storage disk."""

    kind: ClassVar[str] = "Disk"
    support_prefix: ClassVar[str] = "vol"

    attached_to: "Instance | None" = None
    path: str | None = None

    def attach(self, instance: "Instance", path: str) -> None:
        """Attach the disk; the caller has seen to it that this is possible."""
        self.attached_to, self.path = instance, path
        instance.disks.append(self)
        self.forget_rendering()
        instance.forget_rendering()

    def detach(self) -> None:
        """Detach the disk from its instance, if it has one."""
        if self.attached_to is not None:
            self.attached_to.disks.remove(self)
            self.attached_to.forget_rendering()
        self.attached_to = self.path = None
        self.forget_rendering()

    def set_tags(self, tags: dict[str, str]) -> None:
        """Replace all tags."""
        super().set_tags(tags)
        if self.attached_to is not None:
            self.attached_to.forget_rendering()

    def _members(self, _now: datetime) -> dict[str, Any]:
        members = {
            "addOns": self._add_ons(),
            "sizeInGb": self.size_gb,
            "isSystemDisk": False,
            "iops": _iops(self.size_gb),
            "state": "available",
            "isAttached": False,
            "attachmentState": "detached",
        }
        if self.attached_to is not None:
            members |= {
                "path": self.path,
                "state": "in-use",
                "attachedTo": self.attached_to.name,
                "isAttached": True,
                "attachmentState": "attached",
            }
        return members


@dataclass(kw_only=True)
class Instance(AddOnSource):
    """A virtual server with its system volume."""

    kind: ClassVar[str] = "Instance"
    support_prefix: ClassVar[str] = "i"

    blueprint_id: str
    bundle_id: str
    disks: list[Disk] = field(default_factory=list)

    def _members(self, now: datetime) -> dict[str, Any]:
        _, processors, memory_gb = _bundle(self.bundle_id)
        system_disk = {  # neither a name nor an ARN: nobody can address it
            "createdAt": self.created_at.timestamp(),
            "sizeInGb": self.size_gb,
            "isSystemDisk": True,
            "iops": _iops(self.size_gb),
            "path": "/dev/xvda",
            "attachedTo": self.name,
            "attachmentState": "attached",
        }
        return {
            "blueprintId": self.blueprint_id,
            "blueprintName": self.blueprint_id,
            "bundleId": self.bundle_id,
            "addOns": self._add_ons(),
            "isStaticIp": False,
            "hardware": {
                "cpuCount": processors,
                "disks": [system_disk, *(disk.render(now) for disk in self.disks)],
                "ramSizeInGb": memory_gb,
            },
            "state": _RUNNING,
        }


@dataclass(kw_only=True)
class Snapshot(Resource):
    """A snapshot, whose state follows from its age and from how it is to end. Each kind words states its own way."""

    sources: ClassVar[tuple[type[Source], ...]]
    """What a snapshot of this kind is made of."""
    pending: ClassVar[str] = "pending"
    usable: ClassVar[str]
    failed: ClassVar[str] = "error"

    source_kind: str
    source_name: str
    source_arn: str
    takes: timedelta
    end: str | None = None
    """The scripted end: a state, the one for pending meaning never, or None to become usable."""
    fixed_state: str | None = None
    """A state that holds whatever the time is."""

    @classmethod
    def kept_of(cls, source: Source) -> dict[str, Any]:
        """Give the members that a new snapshot has from its source, which is one of `sources`."""
        return {"size_gb": source.size_gb}

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
            "isFromAutoSnapshot": False,
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
            "isFromAutoSnapshot": False,
            "sizeInGb": self.size_gb,
        }


def _iops(size_gb: int) -> int:
    return max(_LEAST_IOPS, _IOPS_PER_GB * size_gb)
