"""What Lightkeeper speaks of: sources, recovery points, policies, plans. Data only."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Self, TypeAlias, assert_never

from lightkeeper.actions import Action, Cause
from lightkeeper.faults import Fault
from lightkeeper.keep_rules import KeepRule
from lightkeeper.recipe import Recipe
from lightkeeper.schedule import Schedule

if TYPE_CHECKING:
    from lightkeeper.kinds import SnapshotKind, SourceKind

Tags: TypeAlias = Mapping[str, str]
"""Tag keys and values; a key-only tag has the value ``""``."""


_NO_DISKS: Final[frozenset[str]] = frozenset()
_REGION_IN_ARN: Final = 3


class SnapshotState(StrEnum):
    """A snapshot's state, with the two kinds' own words for *usable* made one."""

    PENDING = "pending"
    USABLE = "usable"
    ERROR = "error"
    UNKNOWN = "unknown"


class Mode(StrEnum):
    """How an instance is backed up."""

    INSTANCE = "instance"
    SYSTEM_DISK = "system-disk"


class Orphans(StrEnum):
    """What becomes of the recovery points of a source that is gone, untagged or off."""

    KEEP = "keep"
    EXPIRE = "expire"


class Prune(StrEnum):
    """Whether a deployment deletes anything."""

    ON = "on"
    OFF = "off"
    """Nothing is marked, no hold is taken off, nothing is deleted."""


class Origin(StrEnum):
    """Where a value that is in force for a source comes from."""

    TAG = "tag"
    """Of the source."""
    POLICY = "policy"
    DEFAULT = "default"
    """The deployment's."""


@dataclass(frozen=True, slots=True)
class Copies:
    """Into which other Regions recovery points of a source are copied."""

    regions: tuple[str, ...] | None = None
    """None: into every one that the deployment's `copies` names."""
    keep: KeepRule | None = None
    """How long they are kept there; None leaves it to `copies`."""

    def go_to(self, region: str) -> bool:
        """Return whether they are copied into a Region that the deployment's `copies` names."""
        return self.regions is None or region in self.regions


@dataclass(frozen=True, slots=True)
class CopyRule:
    """When to copy the newest recovery points into another Region, and how long to keep them there."""

    schedule: Schedule
    keep: KeepRule

    def for_copies(self, copies: Copies | None) -> Self:
        """Return the rule for copies that may be kept for longer or shorter."""
        return replace(self, keep=copies.keep) if copies and copies.keep else self


@dataclass(frozen=True, slots=True)
class Policy:
    """When to take recovery points, how long to keep them and, for instances, of what."""

    name: str
    schedule: Schedule
    keep: KeepRule
    mode: Mode | None = None
    """None leaves it to the deployment's `instanceMode`."""
    copies: Copies | None = None
    """None: they are not copied."""
    named_by: Origin = field(default=Origin.TAG, compare=False)
    overrides: frozenset[str] = field(default=frozenset(), compare=False)
    """What the source's tags say instead of the policy: ``keep``, ``at``, ``mode``, ``copy``, ``copy-keep``."""

    @property
    def schedule_from(self) -> Origin:
        """Where its time of day comes from."""
        return Origin.TAG if "at" in self.overrides else Origin.POLICY

    @property
    def keep_from(self) -> Origin:
        """Where its keep rule comes from."""
        return Origin.TAG if "keep" in self.overrides else Origin.POLICY


@dataclass(frozen=True, slots=True)
class Source:
    """A disk, an instance or a database as Lightsail lists it."""

    kind: "SourceKind"
    name: str
    arn: str
    region: str
    created_at: datetime
    tags: Tags
    attached_to: str | None = None
    """The name of the instance a disk is attached to."""
    path: str | None = None
    """Where it is attached there, such as ``/dev/xvdf``."""
    not_now: str | None = None
    """Why no snapshot of it can be taken now."""
    quiet_window: str | None = None
    """Where a snapshot interrupts it: the time of day, UTC, for that, such as ``16:00-16:30``."""
    advice: tuple[str, ...] = ()
    """What its owner should know about it, a sentence each."""
    recipe: Recipe | None = None
    """What a restore needs and its snapshots do not hold."""
    cpus: int = 0
    """Of an instance: its vCPUs, which count against a quota."""
    size_gib: int = 0
    """Of a disk, or of an instance's system disk; 0: not known."""


@dataclass(frozen=True, slots=True)
class StaticIp:
    """An address that stays the account's when its instance is deleted."""

    name: str
    address: str
    attached_to: str | None
    """The name of the instance that has it now."""


@dataclass(frozen=True, slots=True)
class AttachedDisk:
    """A disk that was attached to an instance when a snapshot of it was taken."""

    path: str
    name: str | None
    size_gib: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot as Lightsail lists it: anybody's."""

    kind: "SnapshotKind"
    name: str
    region: str
    state: SnapshotState
    created_at: datetime
    size_gib: int
    source_name: str
    source_arns: frozenset[str]
    """What Lightsail says it was made from: the disk, or the instance; empty where it does not say."""
    from_auto_snapshot: bool
    tags: Tags
    attached: tuple[AttachedDisk, ...] = ()
    """Of a whole instance: the attached disks that are in it."""
    bundle: str | None = None
    """Of an instance or a database: the bundle it had, the least that a restore needs."""

    @property
    def disks(self) -> frozenset[str]:
        """Of a whole instance: the attached disks that are in it, by name where Lightsail says it, else by path."""
        # One object for all without: there are hundreds of thousands of snapshots.
        return frozenset(disk.name or disk.path for disk in self.attached) if self.attached else _NO_DISKS


@lru_cache(maxsize=16384)  # asked of each recovery point, again and again: there are some dozen of each source
def region_of(arn: str) -> str:
    """Return the Region in an ARN (`arn:aws:lightsail:REGION:ACCOUNT:<type>/UUID`); in what is none, nothing."""
    parts = arn.split(":")
    return parts[_REGION_IN_ARN] if len(parts) > _REGION_IN_ARN else ""


@dataclass(frozen=True, slots=True)
class RecoveryPoint:
    """A snapshot of ours: owner, source, slot and name all agree.

    Two times that must not be mixed up: its *slot* makes its name and guards against duplicates; *taken* is when its
    content is from. Order, newest, retention and coverage go by taken.
    """

    kind: "SnapshotKind"
    name: str
    region: str
    state: SnapshotState
    taken: datetime
    """When its content is from, UTC: Lightsail's ``createdAt``; of a copy, and of what was rescued, its original's."""
    size_gib: int
    source_name: str
    source_arn: str
    slot: datetime
    """The time, UTC, for which the schedule asked for it."""
    attempt: int
    """1, or more for a slot whose earlier snapshots ended in error."""
    expires_at: datetime | None
    """When its scheduled deletion may happen; None if none is scheduled."""
    tags: Tags
    """Only those of the user's vocabulary, what looks like it, and holds: inherited from the source or added since."""
    disks: frozenset[str] = frozenset()
    """Of a whole instance: the attached disks that are in it."""
    is_full: bool = False
    """Whether it has no room for one more tag."""
    by_hand: bool = False
    """Whether a person asked for it, not a schedule."""
    lacks: tuple[str, ...] | None = None
    """Which parts its recipe lacks; None: it has no recipe."""
    copied_at: datetime | None = None
    """Of a copy, and of what was rescued: when it was made, UTC."""
    newer_format: str | None = None
    """The format of its tags where this release does not know it: a newer one made it, so it is left alone."""

    @property
    def home(self) -> str:
        """The Region of its source: another one than its own where it is a copy."""
        return region_of(self.source_arn)

    @property
    def is_copy(self) -> bool:
        """Whether it was copied from another Region."""
        return self.home != self.region

    @property
    def made(self) -> datetime:
        """When it was made, UTC: of a copy, some time after its content was taken."""
        return self.copied_at or self.taken

    @property
    def is_rescued(self) -> bool:
        """Whether it was an automatic snapshot of Lightsail's, which is gone with its source."""
        return self.copied_at is not None and not self.is_copy

    @property
    def covers_until(self) -> datetime:
        """The last moment, UTC, whose slot it covers: its own slot, and every one up to when it was taken."""
        return max(self.taken, self.slot)


class Severity(StrEnum):
    """What a problem holds back."""

    ERROR = "error"
    """The source is neither snapshotted nor pruned."""
    WARNING = "warning"
    """Nothing is pruned."""
    ADVICE = "advice"
    """Nothing is held back."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person should correct."""

    region: str
    source: str
    """The source's name; the list's, where a whole list is in doubt."""
    arn: str | None
    """The source's: names are used again. None where no single source is meant, or nobody knows which."""
    tag: str | None
    value: str | None
    message: str
    suggestion: str | None
    severity: Severity
    command: str | None = None
    """What to type to do as suggested, where that is a tag's value."""


def problem_of(  # noqa: PLR0913 - a problem has that many sides
    what: Source | RecoveryPoint,
    message: str,
    severity: Severity,
    *,
    tag: str | None = None,
    value: str | None = None,
    suggestion: str | None = None,
    command: str | None = None,
) -> Problem:
    """Return a problem of a source: that source itself, or the one a recovery point was taken of."""
    match what:
        case Source(name=name, arn=arn):
            return Problem(what.region, name, arn, tag, value, message, suggestion, severity, command)
        case RecoveryPoint(source_name=name, source_arn=arn):
            return Problem(what.region, name, arn, tag, value, message, suggestion, severity, command)
        case _:
            assert_never(what)


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """A list that could not be read to its end, or a Region in which a run met a defect."""

    region: str
    listing: str | None
    """The operation that lists it; None: the Region as a whole."""
    message: str
    fault: Fault = Fault.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Stranger:
    """What has a name of the form that copies have, and tags, and is not ours: it is never touched."""

    region: str
    name: str
    made: datetime
    """UTC."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything that was read: the sources and recovery points of all Regions."""

    sources: tuple[Source, ...]
    points: tuple[RecoveryPoint, ...]
    problems: tuple[Problem, ...] = ()
    failures: tuple[ReadFailure, ...] = ()
    regions: tuple[str, ...] = ()
    """Which Regions were looked at."""
    targets: tuple[str, ...] = ()
    """Which Regions were looked at for copies."""
    nameless: tuple[Snapshot, ...] = ()
    """There: snapshots without any tag whose names have the form of ours."""
    strangers: tuple[Stranger, ...] = ()
    """There: snapshots that have tags and a name of the form of ours, and are not ours."""


class Status(StrEnum):
    """How a source stands, at the time of the plan."""

    PROTECTED = "protected"
    """It has a usable recovery point, and none is overdue. Also a disk that its instance's snapshots include."""
    WAITING = "waiting"
    """It has no usable recovery point yet, and none is overdue."""
    OVERDUE = "overdue"
    """A slot passed longer than `overdueAfter` ago, nothing usable covers it, and nothing is on its way."""
    PROBLEM = "problem"
    """Its tags are not understood."""
    UNTAGGED = "untagged"
    OFF = "off"
    GONE = "gone"
    """The source was deleted; recovery points of it remain."""
    UNKNOWN = "unknown"
    """A list of its Region could not be read, so nobody can tell."""


@dataclass(frozen=True, slots=True)
class CopyStatus:
    """How the copies of a source in another Region stand."""

    region: str
    is_wanted: bool
    """Whether new ones are to be made there."""
    is_unknown: bool
    """Whether a list could not be read that would say so."""
    usable: tuple[RecoveryPoint, ...]
    """What can be restored there, newest content first."""
    pending: tuple[RecoveryPoint, ...]
    errors: tuple[RecoveryPoint, ...]
    """Those that ended in error and that no usable one with newer content has replaced."""
    next_slot: datetime | None
    """When the next one is due, UTC; None where none is wanted."""
    overdue_since: datetime | None = None
    """The slot, UTC, that passed longer than `overdueAfter` ago without the content it asks for being there."""

    is_stuck: bool = False
    """Whether one has been pending for longer than `overdueAfter`."""
    taken_over: tuple[str, ...] = ()
    """What has the name that a copy of what is usable at home would have, and tags of somebody's: it is not ours."""
    stopped_since: datetime | None = None
    """Of what has been copied there and is not any more: the first slot, UTC, that asked for no copy."""
    held: int = 0
    """How many of the usable ones a hold keeps."""

    @property
    def expiring(self) -> tuple[RecoveryPoint, ...]:
        """The usable ones that are scheduled for deletion."""
        return tuple(point for point in self.usable if point.expires_at)

    @property
    def newest(self) -> RecoveryPoint | None:
        """The usable one with the newest content."""
        return self.usable[0] if self.usable else None

    @property
    def is_failing(self) -> bool:
        """Whether one more that is begun is no sign that it will be usable."""
        return bool(self.errors) or self.is_stuck or bool(self.taken_over)


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One line of the overview: a source, its policy, and how it stands."""

    region: str
    kind: "SourceKind"
    name: str
    arn: str
    policy: Policy | None
    status: Status
    slot: datetime | None
    """The current slot."""
    next_slot: datetime | None
    usable: tuple[RecoveryPoint, ...]
    """What can be restored, newest first."""
    pending: tuple[RecoveryPoint, ...]
    """What is still being taken, newest first."""
    errors: tuple[RecoveryPoint, ...]
    """Of a source with a policy: those that ended in error and that no newer usable one has replaced."""
    uncovered_since: datetime | None = None
    """The first slot, UTC, that nothing usable covers, where it passed longer than `overdueAfter` ago."""
    is_stuck: bool = False
    """Whether a snapshot is pending for longer than `overdueAfter`."""
    next_attempt: datetime | None = None
    """Where the attempts at its slot have ended in error: when the next one is due, UTC."""
    not_now: str | None = None
    """Why no snapshot of it can be taken now."""
    included_in: str | None = None
    """Of a disk without a policy: the name of its instance, where a whole snapshot of that includes it."""
    stopped_since: datetime | None = None
    """Without a policy: the first slot, UTC, that the policy its newest recovery point was taken under has missed."""
    restored_as: str | None = None
    """Of one that is gone: the name of the source that a restore has made of it, where that is backed up."""
    copies: tuple[CopyStatus, ...] = ()
    """In each Region where there are copies of it, or are to be."""

    @property
    def newest(self) -> RecoveryPoint | None:
        """The usable one that was taken last."""
        return self.usable[0] if self.usable else None

    @property
    def overdue_since(self) -> datetime | None:
        """The first slot, UTC, that it missed; None where it is not overdue."""
        return self.uncovered_since if self.status is Status.OVERDUE else None

    @property
    def is_failing(self) -> bool:
        """Whether its snapshots end in error, or do not end: one more that is begun is no sign of one to come."""
        return self.is_stuck or bool(self.errors)

    @property
    def has_stopped(self) -> bool:
        """Whether it was backed up and is not any more. What was only taken by hand has never been.

        What is back under another name is backed up there.
        """
        if self.restored_as is not None:
            return False
        points = (*self.usable, *(point for there in self.copies for point in there.usable))
        was = self.included_in is not None or any(not point.by_hand for point in points)
        return was and self.status in (Status.UNTAGGED, Status.OFF, Status.GONE)


@dataclass(frozen=True, slots=True)
class Kept:
    """A recovery point that stays, and why."""

    point: RecoveryPoint
    reasons: tuple[str, ...]
    held: bool = False
    """Whether a user's hold keeps it."""
    expires_at: datetime | None = None
    """Where nothing keeps it but the grace of its scheduled deletion: from when it may be deleted."""
    cause: Cause = Cause.PUSHED_OUT
    """Why it goes then; a cut is told apart in the run that marks, only."""
    unpruned: bool = False
    """Whether nothing keeps it but that the deployment prunes nothing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What should be done at `now` (UTC), and why: creates come first, deletions last."""

    now: datetime
    sources: tuple[SourceStatus, ...]
    actions: tuple[Action, ...]
    kept: tuple[Kept, ...]
    problems: tuple[Problem, ...]
    failures: tuple[ReadFailure, ...]
    regions: tuple[str, ...] = ()
    """Which Regions were looked at."""
    doubted: tuple[str, ...] = ()
    """Regions of which a list of sources is not believed: it lacks most of what was backed up a moment ago."""
    points: tuple[RecoveryPoint, ...] = ()
    """All recovery points that were read."""
    targets: tuple[str, ...] = ()
    """Which Regions were looked at for copies."""

    @property
    def unread(self) -> tuple[ReadFailure, ...]:
        """The failures without which one could tell how the sources stand: all but those about copies alone."""
        return tuple(failure for failure in self.failures if failure.region not in self.unread_copies)

    @property
    def unread_copies(self) -> tuple[str, ...]:
        """Regions with a failure that are not looked after: only copies go there."""
        only_copies = set(self.targets).difference(self.regions)
        return tuple(dict.fromkeys(each.region for each in self.failures if each.region in only_copies))
