"""Rescues automatic snapshots: copies each, gives the copy its tags, and waits until all are complete.

There is no record: the same command, run again after a fault at any call, finds what is there by its name, goes on
where it was and makes nothing twice. It deletes nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, assert_never

from lightkeeper.actions import Target
from lightkeeper.automatic import AutomaticSnapshot
from lightkeeper.errors import InvalidValueError, quote_all
from lightkeeper.execute import Writer
from lightkeeper.faults import CallError, Fault
from lightkeeper.inventory import Reader, join_inventories, read_region
from lightkeeper.kinds import SourceKind, snapshot_kind
from lightkeeper.model import Inventory, Mode, RecoveryPoint, Snapshot, SnapshotState
from lightkeeper.rescue_plan import RESCUED, Day, RescuePlan, Verdict, is_ours_to_tag, plan_rescue, refuse_databases
from lightkeeper.settings import Settings
from lightkeeper.tags import read_snapshot
from lightkeeper.take import find_source

_FIRST_POLL_SECONDS: Final = 2.0
_SLOWEST_POLL_SECONDS: Final = 20.0
# Nobody waits for ever for what only may pass.
_MAX_REFUSALS: Final = 10
_PASSES: Final = (Fault.OPERATION_FAILED, Fault.THROTTLED, Fault.UNAVAILABLE)


class RescueRegion(Reader, Writer, Protocol):
    """What a rescue needs of Lightsail in a Region. Each method raises `CallError` when its call fails."""

    def automatic_snapshots(self, source: str) -> Sequence[AutomaticSnapshot]:
        """Return the automatic snapshots of a disk or an instance."""

    def copy_automatic(self, target: Target, date: str) -> None:
        """Copy the automatic snapshot of a day of the target's source."""


class Stage(StrEnum):
    """How far the rescue of a day is."""

    TO_COPY = "to-copy"
    TO_TAG = "to-tag"
    PENDING = "pending"
    """It is ours, and Lightsail is copying it."""
    COMPLETE = "complete"
    FAILED = "failed"
    LEFT = "left"
    """Nothing was to be done about it."""

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self in {Stage.TO_COPY, Stage.TO_TAG, Stage.PENDING}


@dataclass(frozen=True, slots=True)
class Rescued:
    """A day, and how its rescue stands."""

    day: Day
    stage: Stage
    error: str | None = None
    """Why it failed, or has not gone on yet."""


def prepare(  # noqa: PLR0913 - a rescue has that many sides
    regions: Mapping[str, RescueRegion],
    settings: Settings,
    now: datetime,
    name: str,
    *,
    kind: SourceKind | None,
    hold: str,
    every_day: bool,
    seconds_left: Callable[[], float],
) -> RescuePlan:
    """Read what there is, and return how the automatic snapshots of a source are rescued. See `plan_rescue`.

    Raises
    ------
    InvalidValueError
        If there is no such source, or more than one; if it is a database; or if the hold is no day to come.
    CallError
        If what has to be known cannot be read.
    """
    with ThreadPoolExecutor(len(regions), "regions") as pool:
        parts = list(pool.map(lambda each: read_region(each, regions[each], settings, seconds_left), regions))
    inventory = join_inventories(parts)
    try:
        source = find_source(inventory, name, kind)
    except InvalidValueError:
        _refuse_gone(inventory, name)
        raise
    refuse_databases(source)
    region = regions[source.region]
    snapshots = tuple(region.snapshots(snapshot_kind(source.kind, Mode.INSTANCE)))
    automatic = region.automatic_snapshots(source.name)
    return plan_rescue(source, automatic, snapshots, settings, now, hold=hold, every_day=every_day)


def _refuse_gone(inventory: Inventory, name: str) -> None:
    if inventory.failures:
        return
    homes = {point.home for point in inventory.points if point.source_name == name}
    if not_seen := sorted(homes.difference(inventory.regions)):
        raise InvalidValueError(
            f'only copies of "{name}" are in {quote_all(inventory.regions)}; it is of {quote_all(not_seen)}, where '
            f"nobody has looked; expected the Region that it is in: --region {not_seen[0]}"
        )
    if homes:
        raise InvalidValueError(
            f'"{name}" is gone, and its automatic snapshots went with it; lightkeeper snapshots {name} lists what is '
            "left; expected a source that is still there"
        )


def rescue(  # noqa: PLR0913 - a rescue has that many sides
    plan: RescuePlan,
    region: RescueRegion,
    settings: Settings,
    *,
    seconds_left: Callable[[], float],
    pause: Callable[[float], object],
    on_stage: Callable[[Rescued], None],
) -> tuple[Rescued, ...]:
    """Do what the plan says, wait until all is complete, and return how each day ended. What fails stops no other.

    Parameters
    ----------
    plan
        What to do.
    region
        Lightsail in the source's Region.
    settings
        For what is ours.
    seconds_left
        How long it may still take.
    pause
        Waits so many seconds.
    on_stage
        Called whenever a day has come further, or cannot for now.
    """
    days = {day.date: Rescued(day, _FIRST_STAGE[day.verdict]) for day in plan.days}
    refusals = dict.fromkeys(days, 0)
    seconds = _FIRST_POLL_SECONDS
    while True:
        for date, rescued in days.items():
            if not rescued.stage.is_open:
                continue
            further = _further(rescued, region, settings)
            if further.error is not None and further.stage.is_open:
                # It may wait for another one: who knows how many Lightsail copies at once.
                refusals[date] += not any(other.stage is Stage.PENDING for other in days.values())
                if refusals[date] >= _MAX_REFUSALS:
                    further = Rescued(further.day, Stage.FAILED, further.error)
            days[date] = further
            if further != rescued:
                on_stage(further)
        if not any(rescued.stage.is_open for rescued in days.values()) or seconds_left() <= seconds:
            return tuple(days.values())
        pause(seconds)
        seconds = min(2 * seconds, _SLOWEST_POLL_SECONDS)


def is_complete(days: Iterable[Rescued], plan: RescuePlan) -> bool:
    """Return whether nothing that can be copied goes with the source any more."""
    done = {rescued.day.date for rescued in days if rescued.stage is Stage.COMPLETE}
    wanted = {day.date for day in plan.days if day.verdict in {*RESCUED, Verdict.LATER}}
    return wanted <= done


_FIRST_STAGE: Final[Mapping[Verdict, Stage]] = {
    Verdict.RESCUE: Stage.TO_COPY,
    Verdict.FINISH: Stage.TO_TAG,
    Verdict.THERE: Stage.PENDING,
    Verdict.COVERED: Stage.LEFT,
    Verdict.LATER: Stage.LEFT,
    Verdict.LOST: Stage.LEFT,
}


def _further(rescued: Rescued, region: RescueRegion, settings: Settings) -> Rescued:
    """Return a day as it stands after its next calls."""
    day, stage = rescued.day, rescued.stage
    try:
        match stage:
            case Stage.TO_COPY:
                stage = _copy(day, region, settings)
                return Rescued(day, _tag(day, region) if stage is Stage.TO_TAG else stage)
            case Stage.TO_TAG:
                return _finish(day, region, settings)
            case Stage.PENDING:
                return _look(day, region.find(day.target))
            case Stage.COMPLETE | Stage.FAILED | Stage.LEFT:
                return rescued
            case _:
                assert_never(stage)
    except CallError as error:
        why = f"it is copied, and lacks its tags: {error}" if stage is Stage.TO_TAG else str(error)
        return Rescued(day, stage if error.fault in _PASSES else Stage.FAILED, why)


def _copy(day: Day, region: RescueRegion, settings: Settings) -> Stage:
    try:
        region.copy_automatic(day.target, day.date)
    except CallError as error:
        # Whatever was answered: an earlier attempt may have taken effect.
        there = _find(day, region)
        if there is None:
            raise
        if _is_ours(day, there, settings):
            return Stage.PENDING
        if not _lacks_tags(day, there):
            raise CallError(error.fault, f"{error}; the name belongs to a snapshot that is not ours") from None
    return Stage.TO_TAG


def _finish(day: Day, region: RescueRegion, settings: Settings) -> Rescued:
    """Give a copy its tags, if it is still without any."""
    there = region.find(day.target)
    if _is_ours(day, there, settings):
        return _look(day, there)
    if not _lacks_tags(day, there):
        return Rescued(day, Stage.FAILED, f"looked at again right before: {there.name} has got tags meanwhile")
    return Rescued(day, _tag(day, region))


def _tag(day: Day, region: RescueRegion) -> Stage:
    region.tag(day.target, day.tags)
    return Stage.PENDING


def _find(day: Day, region: RescueRegion) -> Snapshot | None:
    try:
        return region.find(day.target)
    except CallError:
        # What the copy itself was answered is what has to be told.
        return None


def _is_ours(day: Day, there: Snapshot, settings: Settings) -> bool:
    point = read_snapshot(there, settings)
    return isinstance(point, RecoveryPoint) and (point.source_arn, point.slot) == (
        day.target.source_arn,
        day.target.slot,
    )


def _lacks_tags(day: Day, there: Snapshot) -> bool:
    return is_ours_to_tag(there, day.target, day.size_gib)


def _look(day: Day, there: Snapshot) -> Rescued:
    match there.state:
        case SnapshotState.USABLE:
            return Rescued(day, Stage.COMPLETE)
        case SnapshotState.ERROR:
            return Rescued(day, Stage.FAILED, f"{there.name} ended in error; the same command copies it once more")
        case SnapshotState.PENDING | SnapshotState.UNKNOWN:
            return Rescued(day, Stage.PENDING)
        case _:
            assert_never(there.state)
