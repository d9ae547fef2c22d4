"""Reading everything, and the plan that follows from it. Writes nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Final, Protocol

from lightkeeper.faults import CallError, Fault
from lightkeeper.model import (
    Inventory,
    Listing,
    Plan,
    Problem,
    ReadFailure,
    RecoveryPoint,
    Snapshot,
    Source,
)
from lightkeeper.plan import make_plan
from lightkeeper.settings import Settings
from lightkeeper.tags import read_snapshot

_READERS: Final = 32


class Reader(Protocol):
    """The four lists of a Region. Each raises `CallError` if it cannot be read to its end."""

    def disks(self) -> Iterator[Source]:
        """Yield the disks."""

    def instances(self) -> Iterator[Source]:
        """Yield the instances."""

    def disk_snapshots(self) -> Iterator[Snapshot]:
        """Yield the disk snapshots."""

    def instance_snapshots(self) -> Iterator[Snapshot]:
        """Yield the instance snapshots."""


def plan_tick(regions: Mapping[str, Reader], settings: Settings, now: datetime) -> Plan:
    """Return the plan for `now` (UTC). Reads only.

    Raises
    ------
    CallError
        If the credentials are refused.
    """
    return make_plan(read_inventory(regions, settings), settings, now)


def read_inventory(regions: Mapping[str, Reader], settings: Settings) -> Inventory:
    """Read every page of every list of every Region, side by side.

    Raises
    ------
    CallError
        If the credentials are refused; any other failure is part of the inventory.
    """
    reads: list[Callable[[], Inventory]] = []
    for name, region in regions.items():
        reads += [
            partial(_sources, name, Listing.DISKS, region.disks),
            partial(_sources, name, Listing.INSTANCES, region.instances),
            partial(_points, name, Listing.DISK_SNAPSHOTS, region.disk_snapshots, settings),
            partial(_points, name, Listing.INSTANCE_SNAPSHOTS, region.instance_snapshots, settings),
        ]
    with ThreadPoolExecutor(min(_READERS, len(reads)), "reads") as pool:
        parts = list(pool.map(lambda read: read(), reads))
    # A list that changes while its pages are read may give an entry twice; counted twice, it would push others out.
    sources = {source.arn: source for part in parts for source in part.sources}
    points = {(point.region, point.name): point for part in parts for point in part.points}
    return Inventory(
        sources=tuple(sources.values()),
        points=tuple(points.values()),
        problems=tuple(dict.fromkeys(problem for part in parts for problem in part.problems)),
        failures=tuple(failure for part in parts for failure in part.failures),
    )


def _failed(region: str, listing: Listing, error: CallError) -> Inventory:
    if error.fault is Fault.UNAUTHENTICATED:
        raise error
    return Inventory((), (), failures=(ReadFailure(region, listing, str(error)),))


def _sources(region: str, listing: Listing, read: Callable[[], Iterable[Source]]) -> Inventory:
    try:
        return Inventory(sources=tuple(read()), points=())
    except CallError as error:
        return _failed(region, listing, error)


def _points(region: str, listing: Listing, read: Callable[[], Iterable[Snapshot]], settings: Settings) -> Inventory:
    points: list[RecoveryPoint] = []
    problems: list[Problem] = []
    try:
        for snapshot in read():
            match read_snapshot(snapshot, settings):
                case RecoveryPoint() as point:
                    points.append(point)
                case Problem() as problem:
                    problems.append(problem)
                case None:
                    pass
    except CallError as error:
        return _failed(region, listing, error)
    return Inventory((), tuple(points), tuple(problems))
