"""Which snapshot a source comes back from: the newest usable one that a person means. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from lightkeeper.errors import InvalidValueError, closest, quote_all
from lightkeeper.kinds import SnapshotKind, SourceKind, source_kind_of
from lightkeeper.model import RecoveryPoint, Snapshot, SnapshotState
from lightkeeper.recipe import (
    Recipe,
    read_database_recipe,
    read_disk_recipe,
    read_instance_recipe,
)
from lightkeeper.restore_steps import (
    Place,
    Request,
)
from lightkeeper.settings import Settings
from lightkeeper.tags import read_snapshot
from lightkeeper.times import format_minute


@dataclass(frozen=True, slots=True)
class Found:
    """A snapshot that a source could come back from."""

    place: Place
    snapshot: Snapshot
    source_name: str
    source_arn: str | None
    source_kind: SourceKind
    newer: Snapshot | None = None
    """A newer one of the same source that cannot stand for it: of its system disk alone."""

    @property
    def makes(self) -> SourceKind:
        """What can be made of it: of an instance's system disk, a disk, which boots no server."""
        match self.snapshot.kind:
            case SnapshotKind.INSTANCE:
                return SourceKind.INSTANCE
            case SnapshotKind.DISK:
                return SourceKind.DISK
            case SnapshotKind.DATABASE:
                return SourceKind.DATABASE
            case _:
                assert_never(self.snapshot.kind)


def find(request: Request, places: Sequence[Place], settings: Settings) -> Found:
    """Return the snapshot that is to come back.

    Raises
    ------
    InvalidValueError
        If there is no such source, snapshot or time, or more than one.
    """
    return _of_snapshot(request, places, settings) if request.snapshot else _newest(request, places, settings)


def read_recipe(snapshot: Snapshot, kind: SourceKind) -> Recipe | None:
    """Return what the tags of a snapshot keep for a restore; `kind` is what the source was."""
    match kind:
        case SourceKind.INSTANCE:
            return read_instance_recipe(snapshot.tags)
        case SourceKind.DISK:
            return read_disk_recipe(snapshot.tags)
        case SourceKind.DATABASE:
            return read_database_recipe(snapshot.tags)
        case _:
            assert_never(kind)


def find_recipe(
    request: Request, places: Sequence[Place], settings: Settings
) -> tuple[Snapshot, SourceKind, Recipe | None]:
    """Return the snapshot that a restore would use, what its source was, and its recipe.

    Raises
    ------
    InvalidValueError
        If there is no such source, snapshot or time, or more than one.
    """
    found = find(request, places, settings)
    return found.snapshot, found.source_kind, read_recipe(found.snapshot, found.source_kind)


def with_newer(found: Found, newest: Snapshot) -> Found:
    """Return what was found, with the newest of the same source where that is another."""
    return replace(found, newer=newest) if newest.created_at > found.snapshot.created_at else found


def our_snapshots(places: Iterable[Place], settings: Settings) -> Iterator[Found]:
    """Yield the recovery points of this deployment."""
    for place in places:
        for snapshot in place.snapshots:
            point = read_snapshot(snapshot, settings)
            if isinstance(point, RecoveryPoint):
                kind = source_kind_of(point.source_arn, point.kind)
                yield Found(place, snapshot, point.source_name, point.source_arn, kind)


def usable_ones(found: Iterable[Found], at: datetime | None) -> Iterator[Found]:
    """Yield those that can be restored, of content that is of `at` (UTC) or before."""
    for each in found:
        if each.snapshot.state is SnapshotState.USABLE and (at is None or each.snapshot.created_at <= at):
            yield each


def preference(found: Found) -> tuple[bool, datetime]:
    """Return the key that sorts snapshots of a source: a whole instance before its system disk, then by content."""
    return found.source_kind is found.makes, found.snapshot.created_at


def _of_snapshot(request: Request, places: Sequence[Place], settings: Settings) -> Found:
    named = [(place, snapshot) for place in places for snapshot in place.snapshots if snapshot.name == request.snapshot]
    if not named:
        names = sorted({snapshot.name for place in places for snapshot in place.snapshots})
        raise InvalidValueError(
            f'there is no snapshot "{request.snapshot}" in {regions_of(places)}{_unread(places)}; expected one '
            "there is",
            closest(request.snapshot or "", names),
        )
    place, snapshot = named[0]
    if len(named) > 1:
        where = quote_all(sorted(each.region for each, _ in named))
        raise InvalidValueError(
            f'"{request.snapshot}" is in more than one Region: {where}; expected --region to say which'
        )
    point = read_snapshot(snapshot, settings)
    arn = point.source_arn if isinstance(point, RecoveryPoint) else next(iter(snapshot.source_arns), None)
    name = snapshot.source_name or request.source
    if name != request.source:
        raise InvalidValueError(
            f'the snapshot "{snapshot.name}" is of "{name}", not of "{request.source}"; expected a snapshot of it', name
        )
    found = Found(place, snapshot, name, arn, source_kind_of(arn or "", snapshot.kind))
    if request.kind not in {None, found.makes}:
        raise InvalidValueError(
            f'the snapshot "{snapshot.name}" comes back as {with_article(found.makes)}, not as '
            f"{with_article(request.kind)}; expected "
            f"--kind {found.makes}, or another snapshot"
        )
    return found


def _newest(request: Request, places: Sequence[Place], settings: Settings) -> Found:
    ours = [found for found in our_snapshots(places, settings) if found.source_name == request.source]
    wanted = [found for found in ours if request.kind in {None, found.makes, found.source_kind}]
    if request.kind is not None and any(found.makes is request.kind for found in wanted):
        wanted = [found for found in wanted if found.makes is request.kind]
    if not wanted:
        raise _nothing_of(request, ours, places, settings)
    origins = {(found.place.region, found.source_kind) for found in wanted}
    if len(origins) > 1:
        these = quote_all(sorted(f"{kind} in {region}" for region, kind in origins))
        raise InvalidValueError(
            f'"{request.source}" is more than one source: {these}; expected --region and --kind to say which'
        )
    usable = sorted(usable_ones(wanted, request.at), key=preference)
    if usable:
        return with_newer(usable[-1], max((each.snapshot for each in usable), key=lambda each: each.created_at))
    if request.at and (later := sorted(usable_ones(wanted, None), key=preference)):
        oldest = min(found.snapshot.created_at for found in later)
        raise InvalidValueError(
            f'nothing of "{request.source}" is as old as {format_minute(request.at)}: its oldest recovery point was '
            f"taken at {format_minute(oldest)}; expected that time or later"
        )
    newest = max(wanted, key=lambda found: found.snapshot.created_at)
    raise InvalidValueError(
        f'"{request.source}" has no usable recovery point: {newest.snapshot.name} is "{newest.snapshot.state}"; '
        "expected one that is complete: wait, or look with lightkeeper status"
    )


def _nothing_of(
    request: Request, ours: Sequence[Found], places: Sequence[Place], settings: Settings
) -> InvalidValueError:
    if ours:
        kinds = quote_all(sorted({found.makes for found in ours}))
        return InvalidValueError(
            f'"{request.source}" has no recovery point that comes back as {with_article(request.kind)}; expected '
            f"--kind as one of {kinds}"
        )
    if any(source.name == request.source for place in places for source in place.sources):
        return InvalidValueError(
            f'"{request.source}" has no recovery point of the deployment "{settings.deployment}"{_unread(places)}; '
            "expected one: lightkeeper take, or --snapshot with the name of a snapshot of your own"
        )
    names = sorted({found.source_name for found in our_snapshots(places, settings)})
    return InvalidValueError(
        f'"{request.source}" is no source that has a recovery point in {regions_of(places)}{_unread(places)}; expected '
        "the name of one",
        closest(request.source, names),
    )


def regions_of(places: Iterable[Place]) -> str:
    """Return the Regions, in words."""
    return ", ".join(place.region for place in places)


def _unread(places: Iterable[Place]) -> str:
    failures = [failure for place in places for failure in place.failures]
    return f", as far as could be read ({failures[0]})" if failures else ""


def with_article(kind: SourceKind | None) -> str:
    """Return a kind as a sentence names one of it: `an instance`."""
    return f"an {kind}" if kind is SourceKind.INSTANCE else f"a {kind}"
