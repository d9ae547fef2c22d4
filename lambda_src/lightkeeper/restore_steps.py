"""What a restore is made of: what is asked for, what a Region holds, the steps, and how each ended. Data only."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, TypeAlias

from lightkeeper.kinds import SourceKind
from lightkeeper.model import Snapshot, Source, StaticIp, Tags
from lightkeeper.recipe import MetadataOptions, PortRule

RESTORED_FROM: Final = "lightkeeper:restored-from"
"""On what a restore has made: the name of the snapshot."""
RESTORE_KEY: Final = "lightkeeper:restore"
"""On the same: which restore, so that the same command goes on with it and makes nothing twice."""
RESTORED_AT: Final = "lightkeeper:restored-at"
"""On the same: when the restore had done everything it was to do, UTC."""

BUNDLES: Final = "GetBundles"
DATABASE_BUNDLES: Final = "GetRelationalDatabaseBundles"
ZONES: Final = "GetRegions"
KEY_PAIRS: Final = "GetKeyPairs"
NAMES: Final = "GetActiveNames"
"""The operations that list what a restore may use, beside those of `kinds`."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """Where a disk is to be attached."""

    instance: str
    path: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for."""

    source: str
    kind: SourceKind | None = None
    """What is to be made; None: what the source was."""
    home: str | None = None
    """The Region of the source, where its copies are in another; None: any."""
    at: datetime | None = None
    """The newest content of this time (UTC) or before; None: the newest."""
    snapshot: str | None = None
    """The very snapshot, anybody's."""
    name: str | None = None
    """Of what is made."""
    zone: str | None = None
    bundle: str | None = None
    attach: Attachment | None = None
    move_address: bool = False


@dataclass(frozen=True, slots=True)
class Bundle:
    """A plan of Lightsail: what an instance or a database may use, and its price."""

    id: str
    cpus: int
    ram_gib: float
    disk_gib: int
    usd_per_month: float
    is_active: bool
    """Whether new ones can be made with it."""
    platform: str | None = None
    """Of instances: ``LINUX_UNIX`` or ``WINDOWS``."""
    has_ipv4: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """What a Region holds, as far as a restore could use it or meet it. What could not be read is empty."""

    region: str
    sources: tuple[Source, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    static_ips: tuple[StaticIp, ...] = ()
    bundles: tuple[Bundle, ...] = ()
    database_bundles: tuple[Bundle, ...] = ()
    zones: tuple[str, ...] = ()
    key_pairs: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    """Every name in use, of whatever kind of resource."""
    cpus_in_use: int = 0
    failures: tuple[str, ...] = ()
    """What could not be read, a sentence each."""
    unread: frozenset[str] = frozenset()
    """The same, by the operations that list it."""


class Until(StrEnum):
    """What is waited for."""

    RUNS = "runs"
    """It exists, and an instance runs."""
    HEALTHY = "healthy"
    """Its status checks pass, too."""


@dataclass(frozen=True, slots=True)
class CreateInstance:
    """Make an instance of a snapshot, with the disks that are in it."""

    step: ClassVar = "create-instance"

    resource: str
    snapshot: str
    zone: str
    bundle: str
    tags: Tags
    reason: str
    key: str | None = None
    address_type: str | None = None
    auto_snapshot: str | None = None
    disks: tuple[tuple[str, str], ...] = ()
    """The path of each disk in the snapshot, and what the new disk is called."""

    @property
    def detail(self) -> str:
        """What is made, in words."""
        disks = f", with {', '.join(f'{name} at {path}' for path, name in self.disks)}" if self.disks else ""
        return f"{self.bundle} in {self.zone}, from {self.snapshot}{disks}"


@dataclass(frozen=True, slots=True)
class CreateDisk:
    """Make a disk of a snapshot."""

    step: ClassVar = "create-disk"

    resource: str
    snapshot: str
    zone: str
    size_gib: int
    tags: Tags
    reason: str
    auto_snapshot: str | None = None

    @property
    def detail(self) -> str:
        """What is made, in words."""
        return f"{self.size_gib} GiB in {self.zone}, from {self.snapshot}"


@dataclass(frozen=True, slots=True)
class CreateDatabase:
    """Make a database of a snapshot."""

    step: ClassVar = "create-database"

    resource: str
    snapshot: str
    bundle: str | None
    tags: Tags
    reason: str
    zone: str | None = None
    is_public: bool | None = None

    @property
    def detail(self) -> str:
        """What is made, in words."""
        public = {True: ", public", False: ", not public", None: ""}[self.is_public]
        return f"{self.bundle or 'the bundle of the snapshot'}{public}, from {self.snapshot}"


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for what was made."""

    step: ClassVar = "wait"

    resource: str
    kind: SourceKind
    until: Until
    reason: str

    @property
    def detail(self) -> str:
        """What is waited for, in words."""
        match self.kind, self.until:
            case SourceKind.INSTANCE, Until.RUNS:
                return "until it runs"
            case SourceKind.INSTANCE, Until.HEALTHY:
                return "until its status checks pass"
            case _:
                return "until it is available"


@dataclass(frozen=True, slots=True)
class OpenPorts:
    """Give an instance exactly this firewall."""

    step: ClassVar = "open-ports"

    resource: str
    ports: tuple[PortRule, ...]
    reason: str

    @property
    def detail(self) -> str:
        """The firewall, in words."""
        return " ".join(map(str, self.ports)) or "none"


@dataclass(frozen=True, slots=True)
class SetOptions:
    """Set what cannot be said when an instance or a database is made."""

    step: ClassVar = "set-options"

    resource: str
    reason: str
    metadata: MetadataOptions | None = None
    backup_window: str | None = None
    maintenance_window: str | None = None

    @property
    def detail(self) -> str:
        """The options, in words."""
        if self.metadata:
            return f"metadata {'with IMDSv2 only' if self.metadata.tokens == 'required' else 'as it was'}"
        return f"backups {self.backup_window or 'as they are'}, maintenance {self.maintenance_window or 'as it is'}"


@dataclass(frozen=True, slots=True)
class MoveAddress:
    """Give an instance a static IP, which its owner keeps."""

    step: ClassVar = "move-address"

    resource: str
    static_ip: str
    address: str
    taken_from: str | None
    """The instance that has it; None: nobody has."""
    reason: str

    @property
    def detail(self) -> str:
        """Which address moves from where, in words."""
        return f"{self.static_ip} ({self.address}){f' from {self.taken_from}' if self.taken_from else ''}"


@dataclass(frozen=True, slots=True)
class AttachDisk:
    """Attach a disk to an instance."""

    step: ClassVar = "attach-disk"

    resource: str
    instance: str
    path: str
    reason: str

    @property
    def detail(self) -> str:
        """Where to, in words."""
        return f"to {self.instance} at {self.path}"


Create: TypeAlias = CreateInstance | CreateDisk | CreateDatabase
Step: TypeAlias = Create | Wait | OpenPorts | SetOptions | MoveAddress | AttachDisk


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """How one source comes back, and why that way."""

    source: str
    source_arn: str | None
    kind: SourceKind
    """Of what is made."""
    region: str
    snapshot: str
    taken: datetime
    """When its content is from, UTC."""
    resource: str
    """The name of what is made."""
    key: str
    steps: tuple[Step, ...]
    not_restored: tuple[str, ...] = ()
    """What does not come back by itself and what to do about it, a sentence each."""
    problems: tuple[str, ...] = ()
    """Why it is refused, a sentence each."""
    notes: tuple[str, ...] = ()
    """What a person should know before they say yes, a sentence each."""
    usd_per_month: float | None = None
    """What it will cost; None: not known."""
    cpus_in_use: int | None = None
    """How many vCPUs the instances of the Region have then."""
    exists: bool = False
    """Whether an earlier try has made it already."""
    is_finished: bool = False
    """Whether an earlier try has done all there was to do, but for what is asked for now."""
    after: str | None = None
    """The name of the instance, restored as well, that has to be there first."""
    home: str | None = None
    """Of a copy: the Region of its source; None: the plan's own."""


class StepResult(StrEnum):
    """How a step ended."""

    DONE = "done"
    ALREADY = "already"
    """An earlier try has done it."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """A step before it has failed."""


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """A step and how it ended."""

    step: Step
    result: StepResult
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """How an instance, a disk or a database stands, as its list says."""

    state: str
    """Lightsail's own word."""
    runs: bool
    """It exists, and an instance runs."""
    is_healthy: bool
    """Its status checks pass, too; of a disk or a database the same as `runs`."""
    health: str = ""
    """Of an instance, in Lightsail's own words."""
    has_failed: bool = False
    address: str | None = None
    """Where it is reached: the public address, or a database's endpoint."""
    user: str | None = None
    """Who logs in."""
    is_windows: bool = False
    attached_to: str | None = None
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Restored:
    """A plan and how its steps ended."""

    plan: RestorePlan
    outcomes: tuple[StepOutcome, ...]
    seconds: float
    condition: Condition | None = None
    """How it stood in the end."""
    error: str | None = None
    """What went wrong beside the steps."""

    @property
    def has_failed(self) -> bool:
        """Whether something was not done."""
        return bool(self.plan.problems or self.error) or any(
            outcome.result is StepResult.FAILED for outcome in self.outcomes
        )
