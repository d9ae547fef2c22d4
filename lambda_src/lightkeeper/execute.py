"""Applies a plan: several writes at a time in each Region, deletions last, each failure kept to its source."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from typing import Final, Protocol, assert_never

from lightkeeper.faults import CallError, Fault
from lightkeeper.model import (
    Action,
    Announce,
    Create,
    Defer,
    Delete,
    Outcome,
    Plan,
    RecoveryPoint,
    Rescue,
    Result,
    Snapshot,
    SnapshotState,
    Target,
)
from lightkeeper.settings import Settings
from lightkeeper.tags import EXPIRES, read_snapshot
from lightkeeper.times import format_instant

MARGIN_SECONDS: Final = 150.0
"""No write starts with less time than this left: the slowest call, with all its retries, still ends in it."""


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


def execute(
    plan: Plan,
    writers: Mapping[str, Writer],
    settings: Settings,
    *,
    seconds_left: Callable[[], float],
    on_outcome: Callable[[Outcome], None],
) -> tuple[Outcome, ...]:
    """Apply the actions of a plan and return how each ended, in the plan's order.

    Parameters
    ----------
    plan
        What to do.
    writers
        For each Region of the plan, what writes there.
    settings
        For the number of writes in flight per Region, and for what is ours.
    seconds_left
        How long this run may still take.
    on_outcome
        Called with each outcome as soon as it is known, from the calling thread.

    Raises
    ------
    CallError
        If the credentials are refused: then nothing further can succeed.
    """
    blocked: frozenset[str] = frozenset()
    refused: list[CallError] = []

    def apply(action: Action) -> Outcome:
        if refused:
            raise refused[0]
        if isinstance(action, Announce | Defer | Delete) and action.target.source_arn in blocked:
            return Outcome(action, Result.SKIPPED, "nothing is pruned after a failure of the same source")
        if seconds_left() < MARGIN_SECONDS:
            return Outcome(action, Result.DEFERRED, "no time left in this run; the next one goes on")
        try:
            return _apply(action, writers[action.target.region], settings)
        except CallError as error:
            # Noted by the thread that meets it: the calling thread learns of it some writes later.
            refused.append(error)
            raise

    outcomes: dict[int, Outcome] = {}
    # Deletions wait for what protects from them: a snapshot taken, and a mark on each that is left to a later tick.
    for kinds in (Create, (Announce, Rescue, Defer), Delete):
        actions = [action for action in plan.actions if isinstance(action, kinds)]
        outcomes |= _in_parallel(actions, apply, settings.writers, on_outcome)
        blocked = frozenset(outcome.action.target.source_arn for outcome in outcomes.values() if _blocks(outcome))
    return tuple(outcomes[id(action)] for action in plan.actions)


def _blocks(outcome: Outcome) -> bool:
    """Return whether nothing further of the same source may be pruned in this run."""
    match outcome.action:
        case Create():
            return outcome.result is not Result.DONE
        case Defer():
            # For want of time, too: a retry would not know what this run has deleted.
            return outcome.error is not None
        case Announce() | Rescue() | Delete():
            return False
        case _:
            assert_never(outcome.action)


def _in_parallel(
    actions: Iterable[Action],
    apply: Callable[[Action], Outcome],
    per_region: int,
    on_outcome: Callable[[Outcome], None],
) -> dict[int, Outcome]:
    """Return the outcomes by the identity of their actions."""
    outcomes: dict[int, Outcome] = {}
    with ExitStack() as stack:
        pools: dict[str, ThreadPoolExecutor] = {}
        futures: list[Future[Outcome]] = []
        for action in actions:
            region = action.target.region
            if region not in pools:
                pools[region] = stack.enter_context(ThreadPoolExecutor(per_region, f"writes {region}"))
            futures.append(pools[region].submit(apply, action))
        try:
            for future in as_completed(futures):
                outcome = future.result()
                outcomes[id(outcome.action)] = outcome
                on_outcome(outcome)
        finally:
            for future in futures:
                future.cancel()
    return outcomes


def _apply(action: Action, writer: Writer, settings: Settings) -> Outcome:
    try:
        return _do(action, writer, settings)
    except CallError as error:
        return _failed(action, error)
    except Exception as error:  # noqa: BLE001 - a defect met in one action must not stop the others; the run still fails
        return Outcome(action, Result.FAILED, f"unexpected {type(error).__name__}: {error}")


def _do(action: Action, writer: Writer, settings: Settings) -> Outcome:
    match action:
        case Create():
            return _create(action, writer, settings)
        case Announce(target=target, expires_at=expires_at):
            writer.tag(target, EXPIRES, format_instant(expires_at))
        case Rescue(target=target):
            writer.untag(target, EXPIRES)
        case Delete(target=target):
            writer.delete(target)
        case Defer(target=target, until=until):
            writer.tag(target, EXPIRES, format_instant(until))
            return Outcome(action, Result.DEFERRED)
        case _:
            assert_never(action)
    return Outcome(action, Result.DONE)


def _failed(action: Action, error: CallError) -> Outcome:
    match error.fault:
        case Fault.UNAUTHENTICATED:
            raise error
        case Fault.NOT_FOUND if isinstance(action, Delete):
            return Outcome(action, Result.DONE)
        case Fault.NOT_FOUND:
            return Outcome(action, Result.SKIPPED, f"it has gone meanwhile ({error})")
        case _:
            return Outcome(action, Result.FAILED, str(error))


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
