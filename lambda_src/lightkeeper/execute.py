"""Applies the plan of a Region and of its copies: several writes at a time, deletions last.

Each failure is kept to its source, and that of a copy to the Region it was to be made in.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, assert_never

from lightkeeper.actions import (
    Action,
    CancelDeletion,
    Copy,
    Create,
    Defer,
    Delete,
    Outcome,
    Phase,
    RemoveHold,
    Result,
    ScheduleDeletion,
    Target,
)
from lightkeeper.faults import CallError, Fault
from lightkeeper.model import Plan, RecoveryPoint, Snapshot, SnapshotState, Tags, region_of
from lightkeeper.retries import READ_MARGIN_SECONDS, margin_seconds
from lightkeeper.settings import Settings
from lightkeeper.tags import EXPIRES, copy_tags, is_hold, is_unfinished, own_hold, read_snapshot
from lightkeeper.times import format_instant

if TYPE_CHECKING:
    from lightkeeper.kinds import SnapshotKind

_MAX_TRIES: Final = 20
"""Of an action that Lightsail throttles: each is several attempts of botocore, ever slower."""
_NO_TAGS_YET: Final = (Fault.INVALID_INPUT, Fault.NOT_FOUND, Fault.OPERATION_FAILED)
"""How a copy in progress may refuse tags."""
_MAX_UNANSWERED: Final = 8
"""Copies into a Region that fail because it does not answer: each may take minutes, and what home has to do waits."""


class Writer(Protocol):
    """What a plan needs of Lightsail in a Region. Each method raises `CallError` when its call fails."""

    def create(self, create: Create) -> None:
        """Take a snapshot together with its tags."""

    def copy(self, target: Target, original: Target) -> None:
        """Copy a snapshot of another Region into this one."""

    def tag(self, target: Target, tags: Tags) -> None:
        """Set tags on a snapshot."""

    def untag(self, target: Target, key: str) -> None:
        """Remove a tag from a snapshot."""

    def delete(self, target: Target) -> None:
        """Delete a snapshot."""

    def find(self, target: Target) -> Snapshot:
        """Return the snapshot of the target's name and kind."""


def execute(  # noqa: PLR0913 - a run has that many sides
    plan: Plan,
    writers: Mapping[str, Writer],
    settings: Settings,
    *,
    seconds_left: Callable[[], float],
    on_outcome: Callable[[Outcome], None],
    look_again: Callable[[], Plan],
) -> tuple[Outcome, ...]:
    """Apply the actions of a Region's plan and return how each ended, in the plan's order.

    Parameters
    ----------
    plan
        What to do.
    writers
        What writes in the plan's Region, and in those that its copies go to.
    settings
        For the number of writes in flight, and for what is ours.
    seconds_left
        How long this run may still take.
    on_outcome
        Called with each outcome as soon as it is known, from several threads.
    look_again
        Makes the plan again, from fresh lists. Asked once, before the first deletion: what it does not delete any more
        stays, for a hold, a wider rule or anything else that came while the run worked.
    """
    writes = _Writes(plan.now, writers, settings, seconds_left, on_outcome)
    outcomes: dict[int, Outcome] = {}
    blocked: frozenset[_Blocked] = frozenset()
    phases: dict[Phase, list[Action]] = {}
    for action in plan.actions:
        phases.setdefault(action.phase, []).append(action)
    # Deletions wait for what protects from them: a snapshot taken, and a mark on each that is left to a later run.
    for phase in sorted(phases):
        actions = phases[phase]
        if phase is Phase.DELETE:
            stays = _second_look(actions, blocked, writes, look_again)
            actions = [action for action in actions if id(action) not in stays]
            for outcome in stays.values():
                on_outcome(outcome)
            outcomes |= stays
        outcomes |= writes.apply_all(actions, blocked)
        blocked = frozenset(_blocked_by(outcome.action) for outcome in outcomes.values() if _blocks(outcome))
    return tuple(outcomes[id(action)] for action in plan.actions)


def _second_look(
    deletes: Iterable[Action], blocked: "frozenset[_Blocked]", writes: "_Writes", look_again: Callable[[], Plan]
) -> dict[int, Outcome]:
    """Return the outcomes of those deletions that a fresh look at everything takes back."""
    stays: dict[int, Outcome] = {}
    wanted: list[Action] = []
    for delete in deletes:
        if _is_blocked(delete, blocked):
            continue
        regions = _home(delete.target), delete.target.region
        if why := writes.cannot_go_on(*regions, reserve_seconds=READ_MARGIN_SECONDS):
            stays[id(delete)] = Outcome(delete, Result.DEFERRED, why)
        else:
            wanted.append(delete)
    if not wanted:
        return stays
    fresh = look_again()
    failed = {failure.region: failure.message for failure in reversed(fresh.failures)}
    still = {_place(action.target) for action in fresh.actions if isinstance(action, Delete)}
    reasons = {(kept.point.region, kept.point.kind, kept.point.name): ", ".join(kept.reasons) for kept in fresh.kept}
    for delete in wanted:
        key = _place(delete.target)
        unread = failed.get(_home(delete.target)) or failed.get(delete.target.region)
        if unread:
            why = f"cannot look again before a deletion: {unread}"
            stays[id(delete)] = Outcome(delete, Result.FAILED, why)
        elif key not in still:
            why = reasons.get(key, "it is not to be deleted any more")
            stays[id(delete)] = Outcome(delete, Result.SKIPPED, f"looked at again right before: {why}")
    return stays


_Blocked: TypeAlias = tuple[str, str | None]
"""A source's ARN, and in which Region nothing of it may be pruned; None: in none at all."""


def _blocked_by(action: Action) -> _Blocked:
    """Return what may not be pruned after an action has failed: of one elsewhere, only the copies beside it."""
    target = action.target
    return target.source_arn, target.region if target.region != _home(target) else None


def _is_blocked(action: Action, blocked: "frozenset[_Blocked]") -> bool:
    arn = action.target.source_arn
    return (arn, None) in blocked or (arn, action.target.region) in blocked


def _home(target: Target) -> str:
    """Return the Region of a target's source."""
    return region_of(target.source_arn)


def _place(target: Target) -> "tuple[str, SnapshotKind, str]":
    return target.region, target.kind, target.snapshot


class _Writes:
    """The writes of one run in one Region, and for its copies in others."""

    def __init__(
        self,
        now: datetime,
        writers: Mapping[str, Writer],
        settings: Settings,
        seconds_left: Callable[[], float],
        on_outcome: Callable[[Outcome], None],
    ) -> None:
        self._now = now
        self._writers = writers
        self._settings = settings
        self._seconds_left = seconds_left
        self._margin = margin_seconds(settings.max_concurrency)
        self._on_outcome = on_outcome
        self._refused: set[str] = set()
        self._unanswered: Counter[str] = Counter()

    def cannot_go_on(self, *regions: str, reserve_seconds: float = 0) -> str | None:
        """Return why no further call may start in these Regions, with so many seconds left over; None where one may."""
        for region in self._refused.intersection(regions):
            return f"the credentials are refused in {region}; the next run goes on"
        if self._seconds_left() < self._margin + reserve_seconds:
            return "no time left in this run; the next one goes on"
        return None

    def apply_all(self, actions: Iterable[Action], blocked: "frozenset[_Blocked]") -> dict[int, Outcome]:
        """Return the outcomes by the identity of their actions."""
        queue = deque((action, 1) for action in actions)
        if not queue:
            return {}
        with ThreadPoolExecutor(min(self._settings.max_concurrency, len(queue)), "writes") as pool:
            workers = [
                pool.submit(self._work, queue, blocked) for _ in range(min(self._settings.max_concurrency, len(queue)))
            ]
            try:
                return {id(outcome.action): outcome for worker in as_completed(workers) for outcome in worker.result()}
            finally:
                # Where one of them meets a defect, the others end with the call they are at.
                queue.clear()

    def _work(self, queue: deque[tuple[Action, int]], blocked: "frozenset[_Blocked]") -> list[Outcome]:
        done: list[Outcome] = []
        for action, tries in _taken_from(queue):
            outcome = self._apply(action, blocked, is_last_try=tries >= _MAX_TRIES)
            if outcome is None:
                queue.append((action, tries + 1))
                continue
            done.append(outcome)
            self._on_outcome(outcome)
        return done

    def _apply(self, action: Action, blocked: "frozenset[_Blocked]", *, is_last_try: bool) -> Outcome | None:
        """Return how an action ended; None where it is throttled and has to be tried again later."""
        if action.prunes and _is_blocked(action, blocked):
            return Outcome(action, Result.SKIPPED, "nothing is pruned after a failure of the same source")
        not_now = action.not_now if isinstance(action, Create) else None
        region = action.target.region
        if isinstance(action, Copy) and self._unanswered[region] >= _MAX_UNANSWERED:
            not_now = f"{region} has not answered {_MAX_UNANSWERED} copies; the next run goes on"
        if why := not_now or self.cannot_go_on(region):
            return Outcome(action, Result.DEFERRED, why)
        try:
            return _do(action, self._writers, self._settings, self._now)
        except CallError as error:
            # Noted by the thread that meets it: any other would learn of it some writes later.
            if error.fault is Fault.UNAUTHENTICATED:
                self._refused.add(region)
            if error.fault is Fault.UNAVAILABLE and isinstance(action, Copy):
                self._unanswered[region] += 1
            if error.fault is Fault.THROTTLED and not is_last_try:
                return None
            return _ended(action, error, self._writers[region])
        except Exception as error:  # noqa: BLE001 - a defect met in one action must not stop the others; the run still fails
            return Outcome(action, Result.FAILED, f"unexpected {type(error).__name__}: {error}")


def _taken_from(queue: deque[tuple[Action, int]]) -> Iterator[tuple[Action, int]]:
    with suppress(IndexError):
        while True:
            yield queue.popleft()


def _blocks(outcome: Outcome) -> bool:
    """Return whether nothing further of the same source may be pruned in this run."""
    match outcome.action:
        case Create() | Copy():
            return outcome.result is not Result.DONE
        case Defer():
            # For want of time, too: a retry would not know what this run has deleted.
            return outcome.error is not None
        case ScheduleDeletion() | CancelDeletion() | RemoveHold() | Delete():
            return False
        case _:
            assert_never(outcome.action)


def _do(action: Action, writers: Mapping[str, Writer], settings: Settings, now: datetime) -> Outcome:
    writer = writers[action.target.region]
    match action:
        case Create():
            return _create(action, writer, settings)
        case Copy():
            return _copy(action, writers[action.original.region], writer, settings)
        case ScheduleDeletion(target=target, expires_at=expires_at):
            writer.tag(target, {EXPIRES: format_instant(expires_at)})
        case CancelDeletion(target=target):
            writer.untag(target, EXPIRES)
        case RemoveHold():
            return _remove_hold(action, writer, settings, now)
        case Delete(target=target):
            writer.delete(target)
        case Defer(target=target, until=until):
            writer.tag(target, {EXPIRES: format_instant(until)})
            return Outcome(action, Result.DEFERRED)
        case _:
            assert_never(action)
    return Outcome(action, Result.DONE)


def _ended(action: Action, error: CallError, writer: Writer) -> Outcome:
    """Return what a failed call means for its action."""
    match error.fault:
        case Fault.NOT_FOUND if isinstance(action, Delete):
            return Outcome(action, Result.DONE)
        case Fault.NOT_FOUND if not isinstance(action, Create | Copy):
            return Outcome(action, Result.SKIPPED, f"it has gone meanwhile ({error})")
        case Fault.OPERATION_FAILED:
            # An automatic snapshot is being taken, say: no failure. If it stays, the source becomes overdue.
            return Outcome(action, Result.DEFERRED, str(error))
        case Fault.THROTTLED:
            return Outcome(action, Result.DEFERRED, f"throttled until no time was left; the next run goes on ({error})")
        case Fault.ACCESS_DENIED if isinstance(action, Delete) and (hold := _hold_on(action, writer)):
            return Outcome(action, Result.SKIPPED, f'it has got the tag "{hold}" meanwhile, which AWS itself enforces')
        case _:
            return Outcome(action, Result.FAILED, str(error))


def _hold_on(delete: Delete, writer: Writer) -> str | None:
    """Return the key of a hold that a snapshot has, if one can be seen."""
    try:
        return next((key for key in writer.find(delete.target).tags if is_hold(key)), None)
    except CallError:
        # The refusal itself is what has to be told.
        return None


def _remove_hold(removal: RemoveHold, writer: Writer, settings: Settings, now: datetime) -> Outcome:
    # A person may have set another day since the lists were read; that hold would be lost.
    hold = own_hold(writer.find(removal.target).tags, settings)
    if hold.is_on(now):
        return Outcome(removal, Result.SKIPPED, f"looked at again right before: {hold.reason}")
    if hold.held:
        writer.untag(removal.target, removal.key)
    return Outcome(removal, Result.DONE)


def _create(create: Create, writer: Writer, settings: Settings) -> Outcome:
    try:
        writer.create(create)
    except CallError as error:
        if error.fault is not Fault.INVALID_INPUT:
            raise
        # The name may be in use because an earlier attempt took effect and only its answer was lost.
        return _judge(create, _named(create.target, writer), settings, error)
    return Outcome(create, Result.DONE)


def _copy(copy: Copy, home: Writer, there: Writer, settings: Settings) -> Outcome:
    """Copy a snapshot and give the copy its tags; what ends between the two is finished by a later run."""
    # Before the copy is made, so that what it is to say of itself is known.
    original = home.find(copy.original)
    point = read_snapshot(original, settings)
    if not isinstance(point, RecoveryPoint):
        return Outcome(copy, Result.FAILED, f"the snapshot {copy.original.snapshot} is not ours any more")
    tags, _ = copy_tags(original, point, settings)
    if copy.is_begun:
        if not _is_ours_to_tag(there.find(copy.target), point):
            return Outcome(copy, Result.SKIPPED, "looked at again right before: it is not as it was")
        return _give_tags(copy, tags, there)
    try:
        there.copy(copy.target, copy.original)
    except CallError as error:
        if error.fault is not Fault.INVALID_INPUT:
            raise
        # The name may be in use because an earlier attempt took effect and only its answer was lost.
        found = _named(copy.target, there)
        if found is None or not _is_ours_to_tag(found, point):
            return _judge(copy, found, settings, error)
    return _give_tags(copy, tags, there)


def _give_tags(copy: Copy, tags: Tags, there: Writer) -> Outcome:
    """Give a copy its tags; one that takes none before it is complete gets them in a later run."""
    try:
        there.tag(copy.target, tags)
    except CallError as error:
        # AWS does not say whether a copy takes tags while it is made, nor how it would refuse them.
        if error.fault not in _NO_TAGS_YET or not _is_being_made(copy.target, there):
            raise
        return Outcome(
            copy, Result.DEFERRED, f"it takes no tags before it is complete; a later run sets them ({error})"
        )
    return Outcome(copy, Result.DONE)


def _is_being_made(target: Target, there: Writer) -> bool:
    """Return whether a copy is not complete, or cannot even be seen yet."""
    try:
        return there.find(target).state is SnapshotState.PENDING
    except CallError as error:
        return error.fault is Fault.NOT_FOUND


def _is_ours_to_tag(found: Snapshot, original: RecoveryPoint) -> bool:
    """Return whether what bears the name of a copy only lacks its tags: it has none at all, and the original's size."""
    return is_unfinished(found) and (found.kind, found.size_gib) == (original.kind, original.size_gib)


def _named(target: Target, writer: Writer) -> Snapshot | None:
    """Return what has the name of a snapshot that was to be made; None where nothing has it."""
    try:
        return writer.find(target)
    except CallError as error:
        if error.fault is not Fault.NOT_FOUND:
            raise
        return None


def _judge(action: Create | Copy, found: Snapshot | None, settings: Settings, refused: CallError) -> Outcome:
    """Return how an action ended that was refused: well, if an earlier attempt at it has made what has its name."""
    if found is None:
        return Outcome(action, Result.FAILED, str(refused))
    point = read_snapshot(found, settings)
    if not isinstance(point, RecoveryPoint) or (point.source_arn, point.slot) != (
        action.target.source_arn,
        action.target.slot,
    ):
        return Outcome(action, Result.FAILED, f"{refused}; the name belongs to a snapshot that is not ours")
    if point.state is SnapshotState.ERROR:
        return Outcome(action, Result.FAILED, f"snapshot {point.name} ended in error")
    return Outcome(action, Result.DONE)
