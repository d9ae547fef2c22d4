"""What a run can do, and how each action ended: one class for each action, with its words and its place in the run."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

if TYPE_CHECKING:
    from lightkeeper.kinds import SnapshotKind, SourceKind
    from lightkeeper.model import Tags


class Phase(IntEnum):
    """When an action's turn comes: deletions wait for what protects from them."""

    CREATE = 0
    COPY = 1
    MARK = 2
    DELETE = 3


@dataclass(frozen=True, slots=True)
class Target:
    """The snapshot that an action is about."""

    region: str
    source: str
    source_arn: str
    snapshot: str
    kind: "SnapshotKind"
    slot: datetime
    policy: str | None


@dataclass(frozen=True, slots=True)
class Create:
    """Take a snapshot, with its tags, in one call."""

    verb: ClassVar = "create"
    doing: ClassVar = "taking a snapshot"
    phase: ClassVar = Phase.CREATE
    prunes: ClassVar = False

    target: Target
    of: "SourceKind"
    tags: "Tags"
    left_out: tuple[str, ...]
    """Keys of the source's tags for which there was no room."""
    reason: str
    not_now: str | None = None
    """Why it has to wait for a later run."""


@dataclass(frozen=True, slots=True)
class Copy:
    """Copy a snapshot into another Region, the target's, and then give the copy its tags: in two calls."""

    verb: ClassVar = "copy"
    doing: ClassVar = "copying a snapshot"
    phase: ClassVar = Phase.COPY
    prunes: ClassVar = False

    target: Target
    original: Target
    reason: str
    is_begun: bool = False
    """Whether there is a copy already that only lacks its tags: an earlier run ended between the two calls."""


class Cause(StrEnum):
    """Why no rule keeps a snapshot."""

    PUSHED_OUT = "pushed out"
    """Newer ones take its place: every day's business."""
    CUT = "cut"
    """Nothing newer pushes it out: the rule itself keeps less than it did."""
    ORPHANED = "orphaned"
    """Nothing new is added to its series, and orphans expire."""


@dataclass(frozen=True, slots=True)
class ScheduleDeletion:
    """Tag a snapshot with the time from which it may be deleted."""

    verb: ClassVar = "schedule-deletion"
    doing: ClassVar = "scheduling a deletion"
    phase: ClassVar = Phase.MARK
    prunes: ClassVar = True

    target: Target
    expires_at: datetime
    reason: str
    cause: Cause = Cause.PUSHED_OUT


@dataclass(frozen=True, slots=True)
class CancelDeletion:
    """Remove that tag."""

    verb: ClassVar = "cancel-deletion"
    doing: ClassVar = "canceling a deletion"
    phase: ClassVar = Phase.MARK
    prunes: ClassVar = False

    target: Target
    reason: str


@dataclass(frozen=True, slots=True)
class RemoveHold:
    """Remove a hold whose last day is over: AWS itself refuses to delete what carries one."""

    verb: ClassVar = "remove-hold"
    doing: ClassVar = "taking off a hold that is over"
    phase: ClassVar = Phase.MARK
    prunes: ClassVar = True

    target: Target
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Defer:
    """Leave a deletion to a later run, and say so in that tag: a retry of this run leaves it, too."""

    verb: ClassVar = "defer"
    doing: ClassVar = "deferring a deletion"
    phase: ClassVar = Phase.MARK
    prunes: ClassVar = True

    target: Target
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a snapshot."""

    verb: ClassVar = "delete"
    doing: ClassVar = "deleting a snapshot"
    phase: ClassVar = Phase.DELETE
    prunes: ClassVar = True

    target: Target
    taken: datetime
    """When its content is from, UTC: the oldest go first."""
    reason: str


Action: TypeAlias = Create | Copy | ScheduleDeletion | CancelDeletion | RemoveHold | Defer | Delete
ACTIONS: Final[tuple[type[Action], ...]] = (Create, Copy, ScheduleDeletion, CancelDeletion, RemoveHold, Defer, Delete)


class Result(StrEnum):
    """How an action ended."""

    DONE = "done"
    SKIPPED = "skipped"
    """It had become needless, or another failure of its source forbade it."""
    DEFERRED = "deferred"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An action and how it ended."""

    action: Action
    result: Result
    error: str | None = None
