"""Applies the plan of a Region: several writes at a time, deletions last, each failure kept to its source."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from datetime import datetime
from typing import Final, Protocol, assert_never

from lightkeeper.actions import (
    Action,
    CancelDeletion,
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
from lightkeeper.model import Plan, RecoveryPoint, Snapshot, SnapshotState
from lightkeeper.retries import READ_MARGIN_SECONDS, margin_seconds
from lightkeeper.settings import Settings
from lightkeeper.tags import EXPIRES, is_hold, own_hold, read_snapshot
from lightkeeper.times import format_instant

_MAX_TRIES: Final = 20
"""Of an action that Lightsail throttles: each is several attempts of botocore, ever slower."""


class Writer(Protocol):
    """What a plan needs of Lightsail in a Region. Each method raises `CallError` when its call fails."""

    def create(self, create: Create) -> None:
        """Take a snapshot together with its tags."""

    def tag(self, target: Target, key: str, value: str) -> None:
        """Set a tag on a snapshot."""

    def untag(self, target: Target, key: str) -> None:
        """Remove a tag from a snapshot."""

    def delete(self, target: Target) -> None:
        """Delete a snapshot."""

    def find(self, target: Target) -> Snapshot:
        """Return the snapshot of the target's name and kind."""


def execute(  # noqa: PLR0913 - a run has that many sides
    plan: Plan,
    writer: Writer,
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
    writer
        What writes in the plan's Region.
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
    writes = _Writes(plan.now, writer, settings, seconds_left, on_outcome)
    outcomes: dict[int, Outcome] = {}
    blocked: frozenset[str] = frozenset()
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
        blocked |= frozenset(outcome.action.target.source_arn for outcome in outcomes.values() if _blocks(outcome))
    return tuple(outcomes[id(action)] for action in plan.actions)


def _second_look(
    deletes: Iterable[Action], blocked: frozenset[str], writes: "_Writes", look_again: Callable[[], Plan]
) -> dict[int, Outcome]:
    """Return the outcomes of those deletions that a fresh look at everything takes back."""
    wanted = [delete for delete in deletes if delete.target.source_arn not in blocked]
    if not wanted:
        return {}
    if why := writes.cannot_go_on(READ_MARGIN_SECONDS):
        return {id(delete): Outcome(delete, Result.DEFERRED, why) for delete in wanted}
    fresh = look_again()
    if fresh.failures:
        why = f"cannot look again before a deletion: {fresh.failures[0].message}"
        return {id(delete): Outcome(delete, Result.FAILED, why) for delete in wanted}
    still = {(action.target.kind, action.target.snapshot) for action in fresh.actions if isinstance(action, Delete)}
    reasons = {(kept.point.kind, kept.point.name): ", ".join(kept.reasons) for kept in fresh.kept}
    stays: dict[int, Outcome] = {}
    for delete in wanted:
        key = delete.target.kind, delete.target.snapshot
        if key not in still:
            why = reasons.get(key, "it is not to be deleted any more")
            stays[id(delete)] = Outcome(delete, Result.SKIPPED, f"looked at again right before: {why}")
    return stays


class _Writes:
    """The writes of one run in one Region."""

    def __init__(
        self,
        now: datetime,
        writer: Writer,
        settings: Settings,
        seconds_left: Callable[[], float],
        on_outcome: Callable[[Outcome], None],
    ) -> None:
        self._now = now
        self._writer = writer
        self._settings = settings
        self._seconds_left = seconds_left
        self._margin = margin_seconds(settings.max_concurrency)
        self._on_outcome = on_outcome
        self._is_refused = False

    def cannot_go_on(self, reserve_seconds: float = 0) -> str | None:
        """Return why no further call may start, with so many seconds in reserve; None where one may."""
        if self._is_refused:
            return "the credentials are refused in this Region; the next run goes on"
        if self._seconds_left() < self._margin + reserve_seconds:
            return "no time left in this run; the next one goes on"
        return None

    def apply_all(self, actions: Iterable[Action], blocked: frozenset[str]) -> dict[int, Outcome]:
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

    def _work(self, queue: deque[tuple[Action, int]], blocked: frozenset[str]) -> list[Outcome]:
        done: list[Outcome] = []
        for action, tries in _taken_from(queue):
            outcome = self._apply(action, blocked, is_last_try=tries >= _MAX_TRIES)
            if outcome is None:
                queue.append((action, tries + 1))
                continue
            done.append(outcome)
            self._on_outcome(outcome)
        return done

    def _apply(self, action: Action, blocked: frozenset[str], *, is_last_try: bool) -> Outcome | None:
        """Return how an action ended; None where it is throttled and has to be tried again later."""
        if action.prunes and action.target.source_arn in blocked:
            return Outcome(action, Result.SKIPPED, "nothing is pruned after a failure of the same source")
        not_now = action.not_now if isinstance(action, Create) else None
        if why := not_now or self.cannot_go_on():
            return Outcome(action, Result.DEFERRED, why)
        try:
            return _do(action, self._writer, self._settings, self._now)
        except CallError as error:
            # Noted by the thread that meets it: any other would learn of it some writes later.
            self._is_refused = self._is_refused or error.fault is Fault.UNAUTHENTICATED
            if error.fault is Fault.THROTTLED and not is_last_try:
                return None
            return _ended(action, error, self._writer)
        except Exception as error:  # noqa: BLE001 - a defect met in one action must not stop the others; the run still fails
            return Outcome(action, Result.FAILED, f"unexpected {type(error).__name__}: {error}")


def _taken_from(queue: deque[tuple[Action, int]]) -> Iterator[tuple[Action, int]]:
    with suppress(IndexError):
        while True:
            yield queue.popleft()


def _blocks(outcome: Outcome) -> bool:
    """Return whether nothing further of the same source may be pruned in this run."""
    match outcome.action:
        case Create():
            return outcome.result is not Result.DONE
        case Defer():
            # For want of time, too: a retry would not know what this run has deleted.
            return outcome.error is not None
        case ScheduleDeletion() | CancelDeletion() | RemoveHold() | Delete():
            return False
        case _:
            assert_never(outcome.action)


def _do(action: Action, writer: Writer, settings: Settings, now: datetime) -> Outcome:
    match action:
        case Create():
            return _create(action, writer, settings)
        case ScheduleDeletion(target=target, expires_at=expires_at):
            writer.tag(target, EXPIRES, format_instant(expires_at))
        case CancelDeletion(target=target):
            writer.untag(target, EXPIRES)
        case RemoveHold():
            return _remove_hold(action, writer, settings, now)
        case Delete(target=target):
            writer.delete(target)
        case Defer(target=target, until=until):
            writer.tag(target, EXPIRES, format_instant(until))
            return Outcome(action, Result.DEFERRED)
        case _:
            assert_never(action)
    return Outcome(action, Result.DONE)


def _ended(action: Action, error: CallError, writer: Writer) -> Outcome:
    """Return what a failed call means for its action."""
    match error.fault:
        case Fault.NOT_FOUND if isinstance(action, Delete):
            return Outcome(action, Result.DONE)
        case Fault.NOT_FOUND if not isinstance(action, Create):
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
        return _look_up(create, writer, settings, error)
    return Outcome(create, Result.DONE)


def _look_up(create: Create, writer: Writer, settings: Settings, refused: CallError) -> Outcome:
    try:
        point = read_snapshot(writer.find(create.target), settings)
    except CallError as error:
        if error.fault is not Fault.NOT_FOUND:
            raise
        return Outcome(create, Result.FAILED, str(refused))
    if not isinstance(point, RecoveryPoint) or (point.source_arn, point.slot) != (
        create.target.source_arn,
        create.target.slot,
    ):
        return Outcome(create, Result.FAILED, f"{refused}; the name belongs to a snapshot that is not ours")
    if point.state is SnapshotState.ERROR:
        return Outcome(create, Result.FAILED, f"snapshot {point.name} ended in error")
    return Outcome(create, Result.DONE)
