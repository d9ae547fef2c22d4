"""Which snapshot a source comes back from: the newest usable one that a person means. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import assert_never

from lightkeeper.errors import InvalidValueError, closest, quote_all
from lightkeeper.kinds import SNAPSHOTS, SnapshotKind, SourceKind, source_kind_of
from lightkeeper.model import RecoveryPoint, Snapshot, SnapshotState, Source, region_of
from lightkeeper.names import copy_digest, digest_in
from lightkeeper.recipe import (
    Recipe,
    read_database_recipe,
    read_disk_recipe,
    read_instance_recipe,
)
from lightkeeper.restore_steps import (
    RESTORE_KEY,
    RESTORED_AT,
    RESTORED_FROM,
    Place,
    Request,
)
from lightkeeper.settings import Settings
from lightkeeper.tags import read_snapshot
from lightkeeper.times import format_instant, format_minute


class NothingToRestoreError(InvalidValueError):
    """Of what is asked for there is nothing that can be restored where it was looked for.

    Parameters
    ----------
    nothing
        The sentence that says so.
    expected
        How it ends: what was expected instead.
    suggestion
        The nearest name of something that there is, if one is near.
    """

    def __init__(self, nothing: str, expected: str, suggestion: str | None = None) -> None:
        self.nothing = nothing
        super().__init__(f"{nothing}; {expected}", suggestion)


@dataclass(frozen=True, slots=True)
class Found:
    """A snapshot that a source could come back from."""

    place: Place
    snapshot: Snapshot
    source_name: str
    source_arn: str | None
    source_kind: SourceKind
    taken: datetime
    """When its content is from, UTC: of a copy, that of its original."""
    newer: "Found | None" = None
    """A newer one of the same source: of its system disk alone, or than what an earlier restore has taken."""

    @property
    def home(self) -> str:
        """The Region of its source: another one than its own where it is a copy."""
        return region_of(self.source_arn) if self.source_arn else self.place.region

    @property
    def is_copy(self) -> bool:
        """Whether it was copied from another Region."""
        return self.home != self.place.region

    @property
    def makes(self) -> SourceKind:
        """What can be made of it: of an instance's system disk, a disk, which boots no server."""
        return made_of(self.snapshot.kind)


def made_of(kind: SnapshotKind) -> SourceKind:
    """Return what can be made of a kind of snapshot."""
    match kind:
        case SnapshotKind.INSTANCE:
            return SourceKind.INSTANCE
        case SnapshotKind.DISK:
            return SourceKind.DISK
        case SnapshotKind.DATABASE:
            return SourceKind.DATABASE
        case _:
            assert_never(kind)


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


def find_recipe(request: Request, places: Sequence[Place], settings: Settings) -> tuple[Found, Recipe | None]:
    """Return what a restore would use, and its recipe.

    Raises
    ------
    InvalidValueError
        If there is no such source, snapshot or time, or more than one.
    """
    found = find(request, places, settings)
    return found, read_recipe(found.snapshot, found.source_kind)


def with_newer(found: Found, newest: Found) -> Found:
    """Return what was found, with the newest of the same source where that is another."""
    return replace(found, newer=newest) if newest.taken > found.taken else found


def our_snapshots(places: Sequence[Place], settings: Settings) -> Iterator[Found]:
    """Yield the recovery points of this deployment; copies only where nobody looks at their home.

    What is looked for at home comes back there, or not at all: whoever wants it elsewhere names that Region alone.
    """
    searched = {place.region for place in places}
    return (found for found in _ours(places, settings) if not (found.is_copy and found.home in searched))


def _ours(places: Iterable[Place], settings: Settings) -> Iterator[Found]:
    """Yield the recovery points of this deployment, every copy among them."""
    for place in places:
        for snapshot in place.snapshots:
            point = read_snapshot(snapshot, settings)
            if isinstance(point, RecoveryPoint):
                yield _of_point(place, snapshot, point)


def usable_ones(found: Iterable[Found], at: datetime | None) -> Iterator[Found]:
    """Yield those that can be restored, of content that is of `at` (UTC) or before."""
    for each in found:
        if each.snapshot.state is SnapshotState.USABLE and (at is None or each.taken <= at):
            yield each


def preference(found: Found) -> tuple[bool, datetime]:
    """Return the key that sorts snapshots of a source: a whole instance before its system disk, then by content."""
    return found.source_kind is found.makes, found.taken


def restore_key(found: Found, request: Request) -> str:
    """Return what a restore is recognised by: what was asked for, and not what it makes."""
    parts = (
        found.place.region,
        found.source_arn or found.source_name,
        found.makes,
        request.snapshot or "",
        format_instant(request.at) if request.at else "",
        request.name or "",
        request.zone or "",
        request.bundle or "",
    )
    return sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()[:16]


def made_before(found: Found, request: Request) -> Source | None:
    """Return what an earlier try of the same restore has made, unless it was finished with another snapshot."""
    keys = {restore_key(found, request)}
    if request.snapshot:
        # The same command without it, or with a time, has made it of this very snapshot.
        keys.add(restore_key(found, replace(request, snapshot=None)))

    def is_of_it(source: Source) -> bool:
        # A name that was asked for can be only one: whatever was taken since, that is what is meant.
        is_same = source.tags.get(RESTORED_FROM) == found.snapshot.name or source.name == request.name
        is_begun = RESTORED_FROM in source.tags and RESTORED_AT not in source.tags and not request.snapshot
        return source.tags.get(RESTORE_KEY) in keys and (is_same or is_begun)

    made = [source for source in found.place.sources if source.kind is found.makes and is_of_it(source)]
    return min(made, key=lambda source: RESTORED_AT in source.tags, default=None)


def content_of(snapshot: Snapshot, settings: Settings) -> datetime:
    """Return when the content of a snapshot is from, UTC."""
    point = read_snapshot(snapshot, settings)
    return point.taken if isinstance(point, RecoveryPoint) else snapshot.created_at


def _of_point(place: Place, snapshot: Snapshot, point: RecoveryPoint) -> Found:
    kind = source_kind_of(point.source_arn, point.kind)
    return Found(place, snapshot, point.source_name, point.source_arn, kind, point.taken)


def _of_snapshot(request: Request, places: Sequence[Place], settings: Settings) -> Found:
    named = [(place, snapshot) for place in places for snapshot in place.snapshots if snapshot.name == request.snapshot]
    if not named:
        if region := _where_it_is_a_copy(request, places, settings):
            raise InvalidValueError(
                f'"{request.snapshot}" is the name of a copy in {region}, and comes back there; expected '
                f"--region {region}, and no other"
            )
        names = sorted({snapshot.name for place in places for snapshot in place.snapshots})
        raise InvalidValueError(
            f'there is no snapshot "{request.snapshot}" in {regions_of(places)}{unread_of(places)}; expected one '
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
    if isinstance(point, RecoveryPoint):
        found = _of_point(place, snapshot, point)
    else:
        arn = next(iter(snapshot.source_arns), None)
        name = snapshot.source_name or request.source
        found = Found(place, snapshot, name, arn, source_kind_of(arn or "", snapshot.kind), snapshot.created_at)
    if found.source_name != request.source:
        raise InvalidValueError(
            f'the snapshot "{snapshot.name}" is of "{found.source_name}", not of "{request.source}"; expected a '
            "snapshot of it",
            found.source_name,
        )
    if request.kind not in {None, found.makes}:
        raise InvalidValueError(
            f'the snapshot "{snapshot.name}" comes back as {with_article(found.makes)}, not as '
            f"{with_article(request.kind)}; expected "
            f"--kind {found.makes}, or another snapshot"
        )
    return found


def _where_it_is_a_copy(request: Request, places: Sequence[Place], settings: Settings) -> str | None:
    """Return the Region, if any, where a copy of a snapshot that is in these places would have the name asked for."""
    digest, searched = digest_in(request.snapshot or ""), {place.region for place in places}
    arns = {found.source_arn for found in our_snapshots(places, settings) if found.source_name == request.source}
    return next(
        (
            region
            for region in settings.copies
            if region not in searched
            and any(copy_digest(arn, settings.deployment, region) == digest for arn in arns if arn)
        ),
        None,
    )


def _newest(request: Request, places: Sequence[Place], settings: Settings) -> Found:
    ours = [found for found in our_snapshots(places, settings) if found.source_name == request.source]
    wanted = [
        found
        for found in ours
        if request.kind in {None, found.makes, found.source_kind} and request.home in {None, found.home}
    ]
    if request.kind is not None and any(found.makes is request.kind for found in wanted):
        wanted = [found for found in wanted if found.makes is request.kind]
    if not wanted:
        raise _nothing_of(request, ours, places, settings)
    if begun := _begun(wanted, request):
        # What it made may have a name that others have, and recovery points of its own.
        same = [
            each for each in wanted if _origin_of(each) == _origin_of(begun) and each.source_arn == begun.source_arn
        ]
        return with_newer(begun, max(usable_ones(same, request.at), key=lambda each: each.taken, default=begun))
    _refuse_several([*wanted, *_unseen(wanted, request, places, settings)], request)
    usable = sorted(usable_ones(wanted, request.at), key=preference)
    if usable:
        return with_newer(usable[-1], max(usable, key=lambda each: each.taken))
    if request.at and (later := sorted(usable_ones(wanted, None), key=preference)):
        oldest = min(found.taken for found in later)
        raise NothingToRestoreError(
            f'nothing of "{request.source}" is as old as {format_minute(request.at)}: its oldest recovery point was '
            f"taken at {format_minute(oldest)}",
            "expected that time or later",
        )
    newest = max(wanted, key=lambda found: found.taken)
    raise NothingToRestoreError(
        f'"{request.source}" has no usable recovery point: {newest.snapshot.name} is "{newest.snapshot.state}"',
        "expected one that is complete: wait, or look with lightkeeper status",
    )


def _begun(wanted: Iterable[Found], request: Request) -> Found | None:
    """Return what an earlier try of the same restore has used: what it made may have recovery points of its own now."""
    for found in wanted:
        if any(source.tags.get(RESTORED_FROM) == found.snapshot.name for source in found.place.sources):
            made = made_before(found, request)
            if made and (RESTORED_AT not in made.tags or made.name == request.name):
                return found
    return None


def _unseen(wanted: Iterable[Found], request: Request, places: Sequence[Place], settings: Settings) -> Iterator[Found]:
    """Yield copies of another source of that name whose own snapshots could not be listed where it is from.

    They do not come back where its home was asked; but that another one has the name is known from them.
    """
    homes = {found.home for found in wanted}
    unread = {place.region: place.unread for place in places}
    if request.home is not None:
        return
    for found in _ours(places, settings):
        is_asked_for = found.source_name == request.source and request.kind in {None, found.makes, found.source_kind}
        is_unread = SNAPSHOTS[found.snapshot.kind].listing in unread.get(found.home, frozenset())
        if found.is_copy and is_asked_for and is_unread and found.home not in homes:
            yield found


def _refuse_several(wanted: Sequence[Found], request: Request) -> None:
    """Refuse to guess which of several sources of one name is meant.

    Raises
    ------
    InvalidValueError
        If there are several.
    """
    origins = set(map(_origin_of, wanted))
    if len(origins) == 1:
        return
    these = quote_all(sorted(_origin(*origin) for origin in origins))
    regions, homes, kinds = map(set, zip(*origins, strict=True))
    options = [
        *(["--from"] if len(homes) > 1 and homes != regions else []),
        *(["--region"] if len(regions) > 1 else []),
        *(["--kind"] if len(kinds) > 1 else []),
    ]
    raise InvalidValueError(
        f'"{request.source}" is more than one source: {these}; expected {" and ".join(options)} to say which'
    )


def _origin_of(found: Found) -> tuple[str, str, SourceKind]:
    return found.place.region, found.home, found.source_kind


def _origin(region: str, home: str, kind: SourceKind) -> str:
    return f"{kind} in {region}" if home == region else f"{kind} from {home}, copied to {region}"


def _nothing_of(
    request: Request, ours: Sequence[Found], places: Sequence[Place], settings: Settings
) -> InvalidValueError:
    homes = sorted({found.home for found in ours})
    if ours and request.home and request.home not in homes:
        return InvalidValueError(
            f'"{request.source}" has no recovery point from {request.home} in {regions_of(places)}; expected --from as '
            f"one of {quote_all(homes)}",
            closest(request.home, homes),
        )
    if ours:
        kinds = quote_all(sorted({found.makes for found in ours}))
        return InvalidValueError(
            f'"{request.source}" has no recovery point that comes back as {with_article(request.kind)}; expected '
            f"--kind as one of {kinds}"
        )
    if any(source.name == request.source for place in places for source in place.sources):
        return NothingToRestoreError(
            f'"{request.source}" has no recovery point of the deployment "{settings.deployment}"{unread_of(places)}',
            "expected one: lightkeeper take, or --snapshot with the name of a snapshot of your own",
        )
    others = [*our_snapshots(places, settings)]
    meant = closest(request.source, sorted({found.source_name for found in others}))
    is_misspelt = meant is not None or not any(found.is_copy for found in others)
    no_database = "" if is_misspelt else "; of a database there is no copy, as Lightsail makes none"
    return NothingToRestoreError(
        f'"{request.source}" is no source that has a recovery point in {regions_of(places)}{unread_of(places)}',
        f"expected the name of one{no_database}",
        meant,
    )


def regions_of(places: Iterable[Place]) -> str:
    """Return the Regions, in words."""
    return ", ".join(place.region for place in places)


def unread_of(places: Iterable[Place]) -> str:
    """Return how a sentence goes on about what there is, where not all could be read."""
    failures = [failure for place in places for failure in place.failures]
    return f", as far as could be read ({failures[0]})" if failures else ""


def with_article(kind: SourceKind | None) -> str:
    """Return a kind as a sentence names one of it: `an instance`."""
    return f"an {kind}" if kind is SourceKind.INSTANCE else f"a {kind}"
