"""Does what a restore's plan says: step by step, several plans side by side, and again where an earlier try ended.

What it makes carries which restore made it; so the same command, run again after a fault at any call, goes on where it
was and makes nothing twice. It deletes nothing.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final, Protocol, TypeVar, assert_never

from lightkeeper.faults import CallError, Fault
from lightkeeper.inventory import Reader, with_static_ip
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.restore_steps import (
    RESTORE_KEY,
    RESTORED_AT,
    AttachDisk,
    Bundle,
    Condition,
    Create,
    CreateDatabase,
    CreateDisk,
    CreateInstance,
    MoveAddress,
    OpenPorts,
    Place,
    Restored,
    RestorePlan,
    SetOptions,
    Step,
    StepOutcome,
    StepResult,
    Until,
    Wait,
)
from lightkeeper.times import format_instant

WAIT_SECONDS: Final = 1800
"""The longest that anything is waited for. No time is published; most instances run within a minute."""
_MAX_SIDE_BY_SIDE: Final = 200
_FIRST_POLL_SECONDS: Final = 0.5
_SLOWEST_POLL_SECONDS: Final = 10.0
_T = TypeVar("_T")


class RestoreRegion(Reader, Protocol):
    """What a restore needs of Lightsail in a Region. Each method raises `CallError` when its call fails."""

    def restore(self, step: Create) -> None:
        """Make what a step says, together with its tags."""

    def put_ports(self, step: OpenPorts) -> None:
        """Give an instance exactly these rules."""

    def set_options(self, step: SetOptions) -> None:
        """Set what cannot be said when it is made."""

    def attach_disk(self, step: AttachDisk) -> None:
        """Attach a disk to an instance."""

    def detach_address(self, name: str) -> None:
        """Take a static IP from the instance that has it."""

    def attach_address(self, name: str, instance: str) -> None:
        """Give a static IP to an instance."""

    def mark(self, name: str, key: str, value: str) -> None:
        """Set a tag on what a restore has made."""

    def conditions(self, kind: SourceKind) -> Mapping[str, Condition]:
        """Return how each of a kind stands, by its name."""

    def bundles(self) -> tuple[Bundle, ...]:
        """Return the bundles of instances."""

    def database_bundles(self) -> tuple[Bundle, ...]:
        """Return the bundles of databases."""

    def zones(self) -> tuple[str, ...]:
        """Return the Region's zones."""

    def key_pairs(self) -> tuple[str, ...]:
        """Return the names of the key pairs."""

    def names(self) -> frozenset[str]:
        """Return every name in use."""

    def cpus_in_use(self) -> int:
        """Return how many vCPUs the instances have together."""


def read_places(regions: Mapping[str, RestoreRegion]) -> tuple[Place, ...]:
    """Return what each Region holds, as far as a restore could use it or meet it; what cannot be read is said there.

    Raises
    ------
    CallError
        If every Region refuses the credentials.
    """
    with ThreadPoolExecutor(len(regions), "regions") as pool:
        read = list(pool.map(lambda name: _read_place(name, regions[name]), regions))
    refused = [error for _, errors in read for error in errors if error.fault is Fault.UNAUTHENTICATED]
    if refused and all(any(error.fault is Fault.UNAUTHENTICATED for error in errors) for _, errors in read):
        raise refused[0]
    return tuple(place for place, _ in read)


def _read_place(name: str, region: RestoreRegion) -> tuple[Place, Sequence[CallError]]:
    errors: list[CallError] = []

    def attempt(call: Callable[[], _T]) -> _T | None:
        try:
            return call()
        except CallError as error:
            errors.append(error)
            return None

    with ThreadPoolExecutor(16, f"reads {name}") as pool:

        def begin(call: Callable[[], _T]) -> "Future[_T | None]":
            return pool.submit(attempt, call)

        sources = [begin(partial(lambda kind: tuple(region.sources(kind)), kind)) for kind in SourceKind]
        snapshots = [begin(partial(lambda kind: tuple(region.snapshots(kind)), kind)) for kind in SnapshotKind]
        static_ips = begin(lambda: tuple(region.static_ips()))
        bundles, database_bundles = begin(region.bundles), begin(region.database_bundles)
        zones, key_pairs = begin(region.zones), begin(region.key_pairs)
        names, cpus = begin(region.names), begin(region.cpus_in_use)
    found_ips = static_ips.result()
    found = [source for part in sources for source in part.result() or ()]
    taken = [snapshot for part in snapshots for snapshot in part.result() or ()]
    place = Place(
        region=name,
        sources=tuple(with_static_ip(source, found_ips) for source in found),
        snapshots=tuple(taken),
        static_ips=found_ips or (),
        bundles=bundles.result() or (),
        database_bundles=database_bundles.result() or (),
        zones=zones.result() or (),
        key_pairs=key_pairs.result() or (),
        names=names.result() or frozenset(),
        cpus_in_use=cpus.result() or 0,
        failures=tuple(str(error) for error in errors),
    )
    return place, errors


def restore(  # noqa: PLR0913 - a restore has that many sides
    plans: Sequence[RestorePlan],
    regions: Mapping[str, RestoreRegion],
    *,
    now: Callable[[], datetime],
    clock: Callable[[], float],
    on_step: Callable[[RestorePlan, Step, StepOutcome | None], None],
    pause: Callable[[float], object] | None = None,
) -> tuple[Restored, ...]:
    """Do what the plans say, side by side, and return how each ended, in their order. What fails stops no other.

    Parameters
    ----------
    plans
        What to do; one that has problems is left alone.
    regions
        Lightsail in the Regions of the plans.
    now
        Tells the time, UTC.
    clock
        Counts seconds.
    on_step
        Called when a step begins, with None, and when it has ended, one call at a time.
    pause
        Waits so many seconds; None: as time goes.
    """
    stopping, speaking = threading.Event(), threading.Lock()
    wait = pause or stopping.wait
    watches = {name: _Watch(region, clock, wait) for name, region in regions.items()}
    begun: dict[tuple[str, str], Future[Restored]] = {}

    def tell(plan: RestorePlan, step: Step, outcome: StepOutcome | None) -> None:
        with speaking:
            on_step(plan, step, outcome)

    def work(plan: RestorePlan) -> Restored:
        if plan.problems:
            return Restored(plan, (), 0.0)
        before = begun.get((plan.region, plan.after or ""))
        region = regions[plan.region]
        return _Work(plan, region, watches[plan.region], before, clock, wait, stopping).do(tell, now)

    with ThreadPoolExecutor(min(max(len(plans), 1), _MAX_SIDE_BY_SIDE), "restores") as pool:
        try:
            for plan in plans:
                begun[plan.region, plan.resource] = pool.submit(work, plan)
            return tuple(begun[plan.region, plan.resource].result() for plan in plans)
        except BaseException:
            # Whoever interrupts waits for the calls under way, and for no more.
            stopping.set()
            raise


class _Watch:
    """Looks how everything stands in a Region: once for all who want to know."""

    def __init__(self, region: RestoreRegion, clock: Callable[[], float], pause: Callable[[float], object]) -> None:
        self._region = region
        self._clock = clock
        self._pause = pause
        self._since = clock()
        self._locks = {kind: threading.Lock() for kind in SourceKind}
        self._found: dict[SourceKind, tuple[float, Mapping[str, Condition]]] = {}

    def look(self, kind: SourceKind) -> Mapping[str, Condition]:
        """Return how each of a kind stands, by its name; not oftener than is good for the rate of calls."""
        asked = self._clock()
        with self._locks[kind]:
            at, found = self._found.get(kind, (float("-inf"), {}))
            if at >= asked:
                return found
            interval = min(_SLOWEST_POLL_SECONDS, _FIRST_POLL_SECONDS + (asked - self._since) / 20)
            if asked - at < interval:
                self._pause(interval - (asked - at))
            found = self._region.conditions(kind)
            self._found[kind] = (self._clock(), found)
            return found


class _Stopped(Exception):  # noqa: N818 - no error: a person has interrupted
    """The restore is interrupted."""


class _Work:
    """One plan, being done."""

    def __init__(  # noqa: PLR0913, PLR0917 - made in one place
        self,
        plan: RestorePlan,
        region: RestoreRegion,
        watch: _Watch,
        before: "Future[Restored] | None",
        clock: Callable[[], float],
        pause: Callable[[float], object],
        stopping: threading.Event,
    ) -> None:
        self._plan = plan
        self._region = region
        self._watch = watch
        self._before = before
        self._clock = clock
        self._pause = pause
        self._stopping = stopping

    def do(
        self, tell: Callable[[RestorePlan, Step, StepOutcome | None], None], now: Callable[[], datetime]
    ) -> Restored:
        """Do the steps in order, and return how they ended."""
        plan, start = self._plan, self._clock()
        outcomes: list[StepOutcome] = []
        for step in plan.steps:
            if any(outcome.result is StepResult.FAILED for outcome in outcomes):
                outcome = StepOutcome(step, StepResult.SKIPPED, "a step before it failed")
            else:
                tell(plan, step, None)
                outcome = self._outcome(step)
            outcomes.append(outcome)
            tell(plan, step, outcome)
        ended = Restored(plan, tuple(outcomes), self._clock() - start)
        if ended.has_failed:
            return ended
        try:
            if not plan.is_finished:
                self._patiently(lambda: self._region.mark(plan.resource, RESTORED_AT, format_instant(now())))
            condition = self._region.conditions(plan.kind).get(plan.resource)
        except (CallError, _Stopped) as error:
            return replace(ended, error=f"all steps are done, but not noted: {error}")
        return replace(ended, condition=condition, seconds=self._clock() - start)

    def _outcome(self, step: Step) -> StepOutcome:
        try:
            return self._do(step)
        except _Stopped:
            return StepOutcome(step, StepResult.FAILED, "interrupted; the same command again goes on from here")
        except CallError as error:
            return StepOutcome(step, StepResult.FAILED, f"{error}; {_what_to_do(error.fault)}")

    def _do(self, step: Step) -> StepOutcome:
        match step:
            case CreateInstance() | CreateDisk() | CreateDatabase():
                return self._create(step)
            case Wait():
                return self._wait(step)
            case OpenPorts():
                return self._set(step, lambda: self._region.put_ports(step))
            case SetOptions():
                return self._set(step, lambda: self._region.set_options(step))
            case MoveAddress():
                return self._move_address(step)
            case AttachDisk():
                return self._attach(step)
            case _:
                assert_never(step)

    def _create(self, step: Create) -> StepOutcome:
        if self._plan.exists:
            return StepOutcome(step, StepResult.ALREADY)
        try:
            self._patiently(lambda: self._region.restore(step))
        except CallError as error:
            if error.fault is not Fault.INVALID_INPUT:
                raise
            # The name may be in use because an earlier attempt took effect and only its answer was lost.
            made = self._region.conditions(self._plan.kind).get(step.resource)
            if made is None or made.tags.get(RESTORE_KEY) != self._plan.key:
                raise
            return StepOutcome(step, StepResult.ALREADY)
        return StepOutcome(step, StepResult.DONE)

    def _wait(self, step: Wait) -> StepOutcome:
        start = self._clock()
        while True:
            self._go_on()
            condition = self._look(step.kind).get(step.resource)
            if condition:
                if condition.runs if step.until is Until.RUNS else condition.is_healthy:
                    return StepOutcome(step, StepResult.DONE)
                if condition.has_failed:
                    return StepOutcome(
                        step,
                        StepResult.FAILED,
                        f'{step.resource} is "{condition.state}"; expected it to become usable: delete it, and run the '
                        "same command again",
                    )
            if self._clock() - start > WAIT_SECONDS:
                stands = f'"{condition.state}", health "{condition.health}"' if condition else "not to be seen"
                return StepOutcome(
                    step,
                    StepResult.FAILED,
                    f"{step.resource} is {stands} after {WAIT_SECONDS // 60} minutes; expected it to be usable by now: "
                    "look at it in the console; the same command again goes on from here",
                )

    def _look(self, kind: SourceKind) -> Mapping[str, Condition]:
        try:
            return self._watch.look(kind)
        except CallError as error:
            if error.fault is not Fault.THROTTLED:
                raise
            self._pause(_SLOWEST_POLL_SECONDS)
            return {}

    def _set(self, step: OpenPorts | SetOptions, call: Callable[[], None]) -> StepOutcome:
        # What a person has changed since the restore was finished is theirs.
        if self._plan.is_finished:
            return StepOutcome(step, StepResult.ALREADY)
        self._patiently(call)
        return StepOutcome(step, StepResult.DONE)

    def _move_address(self, step: MoveAddress) -> StepOutcome:
        found = next((each for each in self._region.static_ips() if each.name == step.static_ip), None)
        if found is None:
            return StepOutcome(step, StepResult.FAILED, f"there is no static IP {step.static_ip} any more")
        holder = found.attached_to
        if holder == step.resource:
            return StepOutcome(step, StepResult.ALREADY)
        if holder not in {None, step.taken_from}:
            return StepOutcome(step, StepResult.FAILED, f"{holder} has {step.static_ip} by now, and keeps it")
        if holder:
            self._patiently(lambda: self._region.detach_address(step.static_ip))
        self._patiently(lambda: self._region.attach_address(step.static_ip, step.resource))
        return StepOutcome(step, StepResult.DONE)

    def _attach(self, step: AttachDisk) -> StepOutcome:
        if self._before and self._before.result().has_failed:
            return StepOutcome(
                step, StepResult.FAILED, f"{step.instance} was not restored, so there is nowhere to attach"
            )
        disk = self._region.conditions(SourceKind.DISK).get(step.resource)
        if disk and disk.attached_to == step.instance:
            return StepOutcome(step, StepResult.ALREADY)
        self._patiently(lambda: self._region.attach_disk(step))
        return StepOutcome(step, StepResult.DONE)

    def _patiently(self, call: Callable[[], None]) -> None:
        """Make a call; one that Lightsail throttles is made again until the time for it is over."""
        start = self._clock()
        while True:
            self._go_on()
            try:
                return call()
            except CallError as error:
                if error.fault is not Fault.THROTTLED or self._clock() - start > WAIT_SECONDS:
                    raise
                self._pause(_SLOWEST_POLL_SECONDS)

    def _go_on(self) -> None:
        if self._stopping.is_set():
            raise _Stopped


def _what_to_do(fault: Fault) -> str:
    """Return how a person goes on after a call that failed."""
    match fault:
        case Fault.INVALID_INPUT:
            return "correct what it says, or take another --as, --zone or --bundle"
        case Fault.NOT_FOUND:
            return "somebody has deleted it meanwhile; run the same command again"
        case Fault.OPERATION_FAILED:
            return "Lightsail cannot do it now; run the same command again in some minutes, and it goes on from here"
        case Fault.ACCESS_DENIED:
            return "grant it, and run the same command again: it goes on from here"
        case Fault.UNAUTHENTICATED:
            return "get valid credentials, and run the same command again: it goes on from here"
        case Fault.THROTTLED | Fault.UNAVAILABLE:
            return "run the same command again: it goes on from here"
        case _:
            assert_never(fault)
