"""Reads everything, and makes the plan that follows from it. Writes nothing. Each Region is read on its own."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from threading import Thread
from typing import Final, Protocol, TypeVar

from lightkeeper.copies import COPIED
from lightkeeper.faults import CallError, Fault
from lightkeeper.kinds import SNAPSHOTS, SOURCES, STATIC_IPS, SnapshotKind, SourceKind
from lightkeeper.model import (
    Inventory,
    Plan,
    Problem,
    ReadFailure,
    RecoveryPoint,
    Snapshot,
    Source,
    StaticIp,
    Stranger,
    region_of,
)
from lightkeeper.names import digest_in
from lightkeeper.plan import join_plans, make_plan
from lightkeeper.recipe import InstanceRecipe, Part
from lightkeeper.settings import Settings
from lightkeeper.tags import SOURCE, is_unfinished, read_snapshot

_T = TypeVar("_T")
_NO_TARGETS: Final[Mapping[str, "Reader"]] = {}


class Reader(Protocol):
    """The lists of a Region. Each raises `CallError` if it cannot be read to its end."""

    def sources(self, kind: SourceKind) -> Iterator[Source]:
        """Yield all sources of a kind."""

    def snapshots(self, kind: SnapshotKind) -> Iterator[Snapshot]:
        """Yield all snapshots of a kind, anybody's."""

    def static_ips(self) -> Iterator[StaticIp]:
        """Yield all static IPs."""


def plan_regions(
    regions: Mapping[str, Reader], settings: Settings, now: datetime, targets: Mapping[str, Reader] = _NO_TARGETS
) -> Plan:
    """Return the plan for `now` (UTC). Reads only.

    Parameters
    ----------
    regions
        Lightsail in each Region to look after.
    settings
        The deployment's.
    now
        The scheduled time of the run, UTC.
    targets
        Lightsail in each Region that copies go to.

    Raises
    ------
    CallError
        If every Region refuses the credentials.
    """
    with ThreadPoolExecutor(len(regions), "regions") as pool:
        parts = list(pool.map(lambda name: plan_region(name, regions[name], settings, now, targets=targets), regions))
    return join_regions(parts)


def plan_region(  # noqa: PLR0913 - reading has that many sides
    name: str,
    reader: Reader,
    settings: Settings,
    now: datetime,
    time_left: Callable[[], float] = lambda: math.inf,
    *,
    targets: Mapping[str, Reader] = _NO_TARGETS,
) -> Plan:
    """Return the plan for `now` (UTC) of one Region; what cannot be read is part of it. Reads only.

    Parameters
    ----------
    name
        The Region's.
    reader
        Its lists.
    settings
        The deployment's.
    now
        The scheduled time of the run, UTC.
    time_left
        How many seconds reading may still take: no page is read that would begin later.
    targets
        Lightsail in each Region that copies go to.
    """
    try:
        return make_plan(read_with_copies(name, reader, settings, time_left, targets), settings, now)
    except Exception as error:  # noqa: BLE001 - a defect met in one Region must not stop the others; the run still fails
        return failed_plan(name, now, error)


def failed_plan(name: str, now: datetime, error: Exception) -> Plan:
    """Return the plan of a Region in which nothing can be done, for an error that nobody expected."""
    failure = ReadFailure(name, None, f"unexpected {type(error).__name__}: {error}")
    return Plan(now, (), (), (), (), (failure,), (name,))


def join_regions(parts: Iterable[Plan]) -> Plan:
    """Return the plans of several Regions as one.

    Raises
    ------
    CallError
        If every Region refuses the credentials: then they are to blame, and nothing could be done anywhere.
    """
    plan = join_plans(parts)
    _refuse_where_all_refuse(plan.regions, plan.failures)
    return plan


def join_inventories(parts: Iterable[Inventory]) -> Inventory:
    """Return the inventories of several Regions as one.

    Raises
    ------
    CallError
        If every Region refuses the credentials.
    """
    inventories = tuple(parts)
    whole = _joined(inventories, tuple(region for part in inventories for region in part.regions))
    _refuse_where_all_refuse(whole.regions, whole.failures)
    return whole


def _joined(parts: Iterable[Inventory], regions: tuple[str, ...]) -> Inventory:
    inventories = tuple(parts)
    return Inventory(
        sources=tuple(source for part in inventories for source in part.sources),
        points=tuple(point for part in inventories for point in part.points),
        problems=tuple(problem for part in inventories for problem in part.problems),
        failures=tuple(failure for part in inventories for failure in part.failures),
        regions=regions,
        targets=tuple(target for part in inventories for target in part.targets),
        nameless=tuple(snapshot for part in inventories for snapshot in part.nameless),
        strangers=tuple(stranger for part in inventories for stranger in part.strangers),
    )


def _refuse_where_all_refuse(regions: Iterable[str], failures: Iterable[ReadFailure]) -> None:
    refused = {failure.region: failure for failure in failures if failure.fault is Fault.UNAUTHENTICATED}
    # Those that copies go to may refuse them, too.
    if refused and set(refused) >= set(regions):
        why = next(iter(refused.values())).message
        raise CallError(Fault.UNAUTHENTICATED, f"every Region refuses the credentials: {why}")


def read_region(name: str, reader: Reader, settings: Settings, time_left: Callable[[], float]) -> Inventory:
    """Read every page of every list of a Region, side by side; what cannot be read is part of the inventory."""
    reads: tuple[Callable[[], Inventory], ...] = (
        *(partial(_sources, name, kind, reader, time_left) for kind in SourceKind),
        *(partial(_points, name, kind, reader, time_left, settings) for kind in SnapshotKind),
    )
    with ThreadPoolExecutor(len(reads) + 1, f"reads {name}") as pool:
        reading = pool.submit(_static_ips, name, reader, time_left)
        parts = list(pool.map(lambda read: read(), reads))
        static_ips = reading.result()
    # A list that changes while its pages are read may give an entry twice; counted twice, it would push others out.
    sources = {source.arn: source for part in parts for source in part.sources}
    points = {point.name: point for part in parts for point in part.points}
    failures = [failure for part in parts for failure in part.failures]
    if isinstance(static_ips, ReadFailure):
        failures.append(static_ips)
    by_instance = None if isinstance(static_ips, ReadFailure) else static_ips_by_instance(static_ips)
    return Inventory(
        sources=tuple(with_static_ip(source, by_instance) for source in sources.values()),
        points=tuple(points.values()),
        problems=tuple(dict.fromkeys(problem for part in parts for problem in part.problems)),
        failures=tuple(failures),
        regions=(name,),
    )


def read_with_copies(
    name: str, reader: Reader, settings: Settings, time_left: Callable[[], float], targets: Mapping[str, Reader]
) -> Inventory:
    """Read a Region, and its copies in those that copies go to; what cannot be read is part of the inventory."""
    others = {region: target for region, target in targets.items() if region != name}
    if not others:
        return read_region(name, reader, settings, time_left)
    # All lists at once: one that hangs holds up home for as long as one of its own would.
    with ThreadPoolExecutor(len(others) * len(COPIED), f"copies of {name}") as pool:
        reading = {
            region: [pool.submit(_copies, name, region, kind, target, time_left, settings) for kind in COPIED]
            for region, target in others.items()
        }
        home = read_region(name, reader, settings, time_left)
        parts = [_of_target(region, [part.result() for part in lists]) for region, lists in reading.items()]
    return _joined([home, *parts], (name,))


def _of_target(region: str, parts: Sequence[Inventory]) -> Inventory:
    """Return what there is in a Region that copies go to; while one of its lists fails, nothing is known of it."""
    whole = replace(_joined(parts, ()), targets=(region,))
    return Inventory((), (), failures=whole.failures, targets=(region,)) if whole.failures else whole


def _copies(  # noqa: PLR0913, PLR0917 - where from, where, of what, and by what
    home: str,
    region: str,
    kind: SnapshotKind,
    reader: Reader,
    time_left: Callable[[], float],
    settings: Settings,
) -> Inventory:
    """Return what there is of one kind in a Region, of copies from another one."""
    points: dict[str, RecoveryPoint] = {}
    nameless: dict[str, Snapshot] = {}
    strangers: dict[Stranger, None] = {}
    problems: dict[Problem, None] = {}
    listing = SNAPSHOTS[kind].listing
    try:
        for snapshot in _in_time(listing, reader.snapshots(kind), time_left):
            found = read_snapshot(snapshot, settings)
            if not isinstance(found, RecoveryPoint) and snapshot.tags and digest_in(snapshot.name):
                strangers[Stranger(region, snapshot.name, snapshot.created_at)] = None
            match found:
                case RecoveryPoint() as point if point.is_copy and point.home == home:
                    points[point.name] = point
                case Problem() as problem if region_of(snapshot.tags[SOURCE]) == home:
                    problems[problem] = None
                case None if is_unfinished(snapshot):
                    nameless[snapshot.name] = snapshot
                case _:
                    pass
    except Exception as error:  # noqa: BLE001 - an answer nobody expected fails its list, not the other Regions
        return Inventory((), (), failures=(_failure(region, listing, error),))
    return Inventory(
        sources=(),
        points=tuple(points.values()),
        problems=tuple(problems),
        nameless=tuple(nameless.values()),
        strangers=tuple(strangers),
    )


def static_ips_by_instance(static_ips: Iterable[StaticIp]) -> dict[str, str]:
    """Return the names of the static IPs that instances have, by the instance."""
    return {found.attached_to: found.name for found in static_ips if found.attached_to}


def with_static_ip(source: Source, by_instance: Mapping[str, str] | None) -> Source:
    """Return an instance with the static IP that it has in its recipe; None: nobody knows which there are."""
    if not isinstance(source.recipe, InstanceRecipe):
        return source
    if by_instance is None:
        return replace(source, recipe=replace(source.recipe, missing=(*source.recipe.missing, Part.STATIC_IP)))
    name = by_instance.get(source.name)
    return replace(source, recipe=replace(source.recipe, static_ip=name)) if name else source


def read_points_elsewhere(
    regions: Mapping[str, Reader], settings: Settings, time_left: Callable[[], float]
) -> Inventory:
    """Return our recovery points in Regions that nobody looks after.

    Parameters
    ----------
    regions
        Those Regions. One that refuses, or does not answer in time, is a failure in the inventory and nothing more.
    settings
        The deployment's.
    time_left
        How many seconds it may still take. A call that hangs is not waited for.
    """
    found: dict[str, Inventory] = {}

    def read(name: str, reader: Reader) -> None:
        parts: list[Inventory] = []
        for kind in SnapshotKind:
            parts.append(_points(name, kind, reader, time_left, settings))
            # A Region that refuses one list refuses the others.
            if parts[-1].failures:
                break
        found[name] = _joined(parts, (name,))

    # Not a pool: whoever ends a program waits for the threads of a pool.
    threads = [Thread(target=read, args=each, name=f"elsewhere {each[0]}", daemon=True) for each in regions.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(time_left(), 0))
    late = ReadFailure("", None, "no answer in time")
    return _joined(
        (found.get(name) or Inventory((), (), failures=(replace(late, region=name),)) for name in regions),
        tuple(regions),
    )


def _in_time(listing: str, entries: Iterator[_T], time_left: Callable[[], float]) -> Iterator[_T]:
    """Yield the entries of a list, as long as there is time to ask for another page."""
    while True:
        if time_left() <= 0:
            raise CallError(Fault.UNAVAILABLE, f"{listing}: no time left in this run to read it to its end")
        try:
            entry = next(entries)
        except StopIteration:
            return
        yield entry


def _failed(region: str, listing: str, error: Exception) -> Inventory:
    return Inventory((), (), failures=(_failure(region, listing, error),))


def _failure(region: str, listing: str, error: Exception) -> ReadFailure:
    if isinstance(error, CallError):
        return ReadFailure(region, listing, str(error), error.fault)
    return ReadFailure(region, listing, f"{listing}: unexpected {type(error).__name__}: {error}")


def _sources(region: str, kind: SourceKind, reader: Reader, time_left: Callable[[], float]) -> Inventory:
    listing = SOURCES[kind].listing
    try:
        return Inventory(sources=tuple(_in_time(listing, reader.sources(kind), time_left)), points=())
    except Exception as error:  # noqa: BLE001 - an answer nobody expected fails its list, not the other Regions
        return _failed(region, listing, error)


def _static_ips(region: str, reader: Reader, time_left: Callable[[], float]) -> Sequence[StaticIp] | ReadFailure:
    try:
        return tuple(_in_time(STATIC_IPS, reader.static_ips(), time_left))
    except Exception as error:  # noqa: BLE001 - as above
        return _failure(region, STATIC_IPS, error)


def _points(
    region: str, kind: SnapshotKind, reader: Reader, time_left: Callable[[], float], settings: Settings
) -> Inventory:
    listing = SNAPSHOTS[kind].listing
    points: list[RecoveryPoint] = []
    problems: list[Problem] = []
    try:
        for snapshot in _in_time(listing, reader.snapshots(kind), time_left):
            match read_snapshot(snapshot, settings):
                case RecoveryPoint() as point:
                    points.append(point)
                case Problem() as problem:
                    problems.append(problem)
                case None:
                    pass
    except Exception as error:  # noqa: BLE001 - as above
        return _failed(region, listing, error)
    return Inventory((), tuple(points), tuple(problems))
