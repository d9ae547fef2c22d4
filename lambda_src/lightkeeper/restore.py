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

from lightkeeper.commands import lightsail_command
from lightkeeper.faults import CallError, Fault
from lightkeeper.inventory import Reader, static_ips_by_instance, with_static_ip
from lightkeeper.kinds import SNAPSHOTS, SOURCES, STATIC_IPS, SourceKind
from lightkeeper.model import StaticIp
from lightkeeper.restore_steps import (
    BUNDLES,
    DATABASE_BUNDLES,
    KEY_PAIRS,
    NAMES,
    RESTORE_KEY,
    RESTORED_AT,
    ZONES,
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
_INTERRUPTED: Final = "interrupted; the same command again goes on from here"
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

    def conditions(self, kind: SourceKind, now: datetime) -> Mapping[str, Condition]:
        """Return how each of a kind stands at `now` (UTC), by its name."""

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
    errors: dict[str, CallError] = {}

    def attempt(listing: str, call: Callable[[], _T]) -> _T | None:
        try:
            return call()
        except CallError as error:
            errors[listing] = error
            return None

    with ThreadPoolExecutor(16, f"reads {name}") as pool:

        def begin(listing: str, call: Callable[[], _T]) -> "Future[_T | None]":
            return pool.submit(attempt, listing, call)

        sources = [
            begin(api.listing, partial(lambda kind: tuple(region.sources(kind)), kind)) for kind, api in SOURCES.items()
        ]
        snapshots = [
            begin(api.listing, partial(lambda kind: tuple(region.snapshots(kind)), kind))
            for kind, api in SNAPSHOTS.items()
        ]
        static_ips = begin(STATIC_IPS, lambda: tuple(region.static_ips()))
        bundles, database_bundles = begin(BUNDLES, region.bundles), begin(DATABASE_BUNDLES, region.database_bundles)
        zones, key_pairs = begin(ZONES, region.zones), begin(KEY_PAIRS, region.key_pairs)
        names = begin(NAMES, region.names)
    found_ips = static_ips.result()
    by_instance = None if found_ips is None else static_ips_by_instance(found_ips)
    found = [source for part in sources for source in part.result() or ()]
    taken = [snapshot for part in snapshots for snapshot in part.result() or ()]
    place = Place(
        region=name,
        sources=tuple(with_static_ip(source, by_instance) for source in found),
        snapshots=tuple(taken),
        static_ips=found_ips or (),
        bundles=bundles.result() or (),
        database_bundles=database_bundles.result() or (),
        zones=zones.result() or (),
        key_pairs=key_pairs.result() or (),
        names=names.result() or frozenset(),
        cpus_in_use=sum(source.cpus for source in found),
        failures=tuple(dict.fromkeys(map(str, errors.values()))),
        unread=frozenset(errors),
    )
    return place, (*errors.values(),)


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
    watches = {name: _Watch(region, now, clock, wait) for name, region in regions.items()}
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

    def __init__(
        self,
        region: RestoreRegion,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        pause: Callable[[float], object],
    ) -> None:
        self._region = region
        self._now = now
        self._clock = clock
        self._pause = pause
        self._since = clock()
        self._locks = {kind: threading.Lock() for kind in SourceKind}
        self._found: dict[SourceKind, tuple[float, Mapping[str, Condition]]] = {}

    def look(self, kind: SourceKind, *, at_once: bool = False) -> Mapping[str, Condition]:
        """Return how each of a kind stands, by its name, not before this call.

        Not oftener than is good for the rate of calls, unless it is to be known at once.
        """
        asked = self._clock()
        with self._locks[kind]:
            begun, found = self._found.get(kind, (float("-inf"), {}))
            if begun > asked:
                return found
            interval = min(_SLOWEST_POLL_SECONDS, _FIRST_POLL_SECONDS + (asked - self._since) / 10)
            if not at_once and asked - begun < interval:
                self._pause(interval - (asked - begun))
            begun = self._clock()
            found = self._region.conditions(kind, self._now())
            self._found[kind] = (begun, found)
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
        except _Stopped:
            return replace(ended, error=f"all steps are done, but not noted on {plan.resource}: {_INTERRUPTED}")
        except CallError as error:
            what_to_do = _what_to_do(error.fault)
            return replace(ended, error=f"all steps are done, but not noted on {plan.resource}: {error}; {what_to_do}")
        try:
            condition = self._watch.look(plan.kind, at_once=True).get(plan.resource)
        except CallError as error:
            return replace(ended, error=f"all steps are done, but how {plan.resource} stands now is not known: {error}")
        return replace(ended, condition=condition, seconds=self._clock() - start)

    def _outcome(self, step: Step) -> StepOutcome:
        try:
            return self._do(step)
        except _Stopped:
            return StepOutcome(step, StepResult.FAILED, _INTERRUPTED)
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
        # A name may be in use because an earlier attempt took effect and only its answer was lost.
        self._make_sure(lambda: self._region.restore(step), lambda: self._is_made(step))
        return StepOutcome(step, StepResult.DONE)

    def _is_made(self, step: Create) -> bool:
        made = self._watch.look(self._plan.kind, at_once=True).get(step.resource)
        return made is not None and made.tags.get(RESTORE_KEY) == self._plan.key

    def _wait(self, step: Wait) -> StepOutcome:
        if self._plan.is_finished and not self._has_more_to_do:
            # A person may have stopped it since.
            return StepOutcome(step, StepResult.ALREADY)
        start = self._clock()
        was_there, misses = self._plan.exists, 0
        while True:
            self._go_on()
            found = self._look(step.kind)
            condition = found.get(step.resource) if found is not None else None
            if condition:
                was_there, misses = True, 0
                if condition.runs if step.until is Until.RUNS else condition.is_healthy:
                    return StepOutcome(step, StepResult.DONE)
                if condition.has_failed:
                    return StepOutcome(
                        step,
                        StepResult.FAILED,
                        f'{step.resource} is "{condition.state}"; expected it to become usable: delete it, and run the '
                        "same command again",
                    )
            elif found is not None and was_there:
                misses += 1
                # A page that shifts while a list is read may leave one out, once.
                if misses > 1:
                    return StepOutcome(
                        step,
                        StepResult.FAILED,
                        f"{step.resource} is not there any more, so somebody has deleted it: run the same command "
                        "again, and it is made again",
                    )
            if self._clock() - start > WAIT_SECONDS:
                stands = f'"{condition.state}"{_health(condition)}' if condition else "not to be seen"
                return StepOutcome(
                    step,
                    StepResult.FAILED,
                    f"{step.resource} is {stands} after {WAIT_SECONDS // 60} minutes; expected it to be usable by now: "
                    "look at it in the console; the same command again goes on from here",
                )

    @property
    def _has_more_to_do(self) -> bool:
        return any(isinstance(step, MoveAddress | AttachDisk) for step in self._plan.steps)

    def _look(self, kind: SourceKind) -> Mapping[str, Condition] | None:
        """Return how each of a kind stands; None where Lightsail has no time to say."""
        try:
            return self._watch.look(kind)
        except CallError as error:
            if error.fault is not Fault.THROTTLED:
                raise
            self._pause(_SLOWEST_POLL_SECONDS)
            return None

    def _set(self, step: OpenPorts | SetOptions, call: Callable[[], None]) -> StepOutcome:
        # What a person has changed since the restore was finished is theirs.
        if self._plan.is_finished:
            return StepOutcome(step, StepResult.ALREADY)
        self._patiently(call)
        return StepOutcome(step, StepResult.DONE)

    def _move_address(self, step: MoveAddress) -> StepOutcome:
        found = self._address(step.static_ip)
        if found is None:
            return StepOutcome(
                step,
                StepResult.FAILED,
                f"there is no static IP {step.static_ip} any more, so {step.resource} keeps the address it has: point "
                "what uses the old one there; the same command again goes on without it",
            )
        holder = found.attached_to
        if holder == step.resource:
            return StepOutcome(step, StepResult.ALREADY)
        if holder not in {None, step.taken_from}:
            return StepOutcome(
                step,
                StepResult.FAILED,
                f"{holder} has {step.static_ip} by now, and keeps it; {step.resource} runs at an address of its own: "
                "the same command again goes on without it",
            )
        if holder:
            self._make_sure(
                lambda: self._region.detach_address(step.static_ip), lambda: self._is_held_by(step.static_ip, None)
            )
        try:
            # Not even an interruption leaves the address with nobody.
            self._make_sure(
                lambda: self._region.attach_address(step.static_ip, step.resource),
                lambda: self._is_held_by(step.static_ip, step.resource),
                stoppable=holder is None,
            )
        except CallError as error:
            if holder is None:
                raise
            given_back = self._give_back(step.static_ip, holder)
            return StepOutcome(step, StepResult.FAILED, f"{error}; {given_back}; {_what_to_do(error.fault)}")
        return StepOutcome(step, StepResult.DONE)

    def _give_back(self, static_ip: str, holder: str) -> str:
        """Give an address back to the instance that had it, and return a sentence that says where it is."""
        try:
            self._make_sure(
                lambda: self._region.attach_address(static_ip, holder),
                lambda: self._is_held_by(static_ip, holder),
                stoppable=False,
            )
        except CallError as error:
            return (
                f"nobody has {static_ip} now, since {holder} does not get it back either ({error}): "
                f"{lightsail_command('attach-static-ip', self._plan.region)} --static-ip-name {static_ip} "
                f"--instance-name {holder}"
            )
        return f"{holder} has {static_ip} again"

    def _address(self, name: str) -> StaticIp | None:
        found = self._patiently(lambda: tuple(self._region.static_ips()))
        return next((each for each in found if each.name == name), None)

    def _is_held_by(self, name: str, instance: str | None) -> bool:
        found = self._address(name)
        return found is not None and found.attached_to == instance

    def _attach(self, step: AttachDisk) -> StepOutcome:
        if self._before and not _runs(self._before.result()):
            return StepOutcome(
                step,
                StepResult.FAILED,
                f"{step.instance} was not restored, so there is nowhere to attach {step.resource}: run the same "
                "command again",
            )
        if self._is_attached(step):
            return StepOutcome(step, StepResult.ALREADY)
        self._make_sure(lambda: self._region.attach_disk(step), lambda: self._is_attached(step))
        return StepOutcome(step, StepResult.DONE)

    def _is_attached(self, step: AttachDisk) -> bool:
        disk = self._patiently(lambda: self._watch.look(SourceKind.DISK, at_once=True)).get(step.resource)
        return disk is not None and disk.attached_to == step.instance

    def _make_sure(
        self, call: Callable[[], object], took_effect: Callable[[], bool], *, stoppable: bool = True
    ) -> None:
        """Make a call that cannot be made twice: where only its answer was lost, it has not failed."""
        try:
            self._patiently(call, stoppable=stoppable)
        except CallError:
            try:
                is_done = took_effect()
            except (CallError, _Stopped):
                is_done = False
            if not is_done:
                raise

    def _patiently(self, call: Callable[[], _T], *, stoppable: bool = True) -> _T:
        """Make a call; one that Lightsail throttles is made again until the time for it is over."""
        start = self._clock()
        while True:
            if stoppable:
                self._go_on()
            try:
                return call()
            except CallError as error:
                is_over = self._clock() - start > WAIT_SECONDS or self._stopping.is_set()
                if error.fault is not Fault.THROTTLED or is_over:
                    raise
                self._pause(_SLOWEST_POLL_SECONDS)

    def _go_on(self) -> None:
        if self._stopping.is_set():
            raise _Stopped


def _runs(restored: Restored) -> bool:
    """Return whether an instance was seen to run, whatever else of it was not done."""
    return any(
        isinstance(outcome.step, Wait) and outcome.result in {StepResult.DONE, StepResult.ALREADY}
        for outcome in restored.outcomes
    )


def _health(condition: Condition) -> str:
    return f', its health "{condition.health}"' if condition.health else ""


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
