"""How a whole fleet comes back: one plan for each source, none in the way of another. Pure."""

import re
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from lightkeeper.commands import lightsail_command
from lightkeeper.errors import InvalidValueError
from lightkeeper.kinds import SourceKind, source_kind_of
from lightkeeper.model import RecoveryPoint, Source
from lightkeeper.names import slot_in, undated
from lightkeeper.recipe import read_disk_recipe
from lightkeeper.restore_choice import (
    Found,
    NothingToRestoreError,
    content_of,
    made_before,
    our_snapshots,
    preference,
    regions_of,
    unread_of,
    usable_ones,
    with_newer,
)
from lightkeeper.restore_draft import MAX_NAME, Beside
from lightkeeper.restore_plan import plan_found
from lightkeeper.restore_steps import (
    RESTORED_AT,
    RESTORED_FROM,
    AttachDisk,
    CreateDisk,
    CreateInstance,
    MoveAddress,
    Place,
    Request,
    RestorePlan,
    Step,
)
from lightkeeper.settings import Settings
from lightkeeper.times import format_minute

_SourceKey: TypeAlias = tuple[str, str, SourceKind, str]
"""Where its snapshots are, its home, kind and name: what a person calls one source, though names are used again."""


def plan_fleet(  # noqa: PLR0913 - a fleet is chosen by that much
    places: Sequence[Place],
    settings: Settings,
    now: datetime,
    *,
    at: datetime | None = None,
    gone: bool = False,
    home: str | None = None,
    suffix: str | None = None,
) -> tuple[RestorePlan, ...]:
    """Return how everything that has a recovery point comes back: instances first, then the disks that go to them.

    Parameters
    ----------
    places
        What the Regions hold that are to be searched.
    settings
        The deployment's, for what is ours.
    now
        The time, UTC.
    at
        The newest content of this time (UTC) or before; None: the newest.
    gone
        Only what no longer exists. Of a copy nobody knows, so it is what no restore has brought back where the copy is.
    home
        Only what is from this Region; None: from any.
    suffix
        What the names of what is made end in; None: ``-restored-<YYYYMMDD>-<HHMM>``.

    Raises
    ------
    InvalidValueError
        If the suffix is not one, or there is nothing to restore.
    """
    if suffix is not None and not re.fullmatch(r"[A-Za-z0-9_.-]{0,99}[A-Za-z0-9]", suffix):
        raise InvalidValueError(
            f'"{suffix}" cannot end a name; expected up to 100 letters, digits, "-", "_" and ".", the last a '
            "letter or digit"
        )

    def request(found: Found) -> Request:
        name = None if suffix is None else f"{found.source_name[: MAX_NAME - len(suffix)]}{suffix}"
        return Request(found.source_name, found.source_kind, at=at, name=name)

    usable = _usable(places, settings, at, home)
    # The last one wins: of a source, the newest; and of an instance, one that boots.
    chosen = {_key(each): each for each in (_gone(usable, request) if gone else usable)}
    # Of what is gone, what has its name now is another source.
    newest = {_life(each, gone=gone): each for each in sorted(usable, key=lambda each: each.taken)}
    if not chosen:
        what = "no source that is gone has" if gone else "nothing has"
        if gone and any(already_back((), places, settings, at=at, home=home)):
            what = "no source that is gone, and not back already, has"
        whose = f" from {home}" if home else ""
        raise NothingToRestoreError(
            f"{what} a usable recovery point{whose} in {regions_of(places)}{unread_of(places)}",
            "expected another Region, or another time",
        )
    if (
        suffix
        and not re.fullmatch(r"[A-Za-z0-9-]*", suffix)
        and any(found.makes is SourceKind.DATABASE for found in chosen.values())
    ):
        raise InvalidValueError(f'"{suffix}" cannot end the name of a database; expected letters, digits and "-"')
    beside = {place.region: Beside(is_fleet=True) for place in places}
    plans = {
        key: plan_found(
            with_newer(found, newest[_life(found, gone=gone)]),
            request(found),
            settings,
            now,
            beside[found.place.region],
        )
        for key, found in sorted(chosen.items(), key=lambda item: _rank(item[0]))
    }
    return _one_address_each(_in_order(plans, chosen))


@dataclass(frozen=True, slots=True)
class Back:
    """A source that restores have brought back in the Region of its copies, so that it is not gone there."""

    region: str
    source: str
    home: str
    made: tuple[str, ...]
    """The names of what they have made."""
    is_begun: bool
    """Whether not one of these is finished."""
    newer: Found | None
    """The newest copy, where its content is newer than all that they were made of."""


def already_back(
    plans: Iterable[RestorePlan],
    places: Sequence[Place],
    settings: Settings,
    *,
    at: datetime | None = None,
    home: str | None = None,
) -> Iterator[Back]:
    """Yield what has copies and is not among the plans of what is gone, since restores have brought it back.

    Parameters
    ----------
    plans
        Those of `plan_fleet`, of what is gone.
    places, settings, at, home
        As it was given them.
    """
    usable = _usable(places, settings, at, home)
    planned = {(plan.region, plan.source_arn) for plan in plans}
    is_planned = {_key(each) for each in usable if (each.place.region, each.source_arn) in planned}
    newest = {_key(each): each for each in usable}
    for key, made in _restored(usable).items():
        if key in is_planned:
            continue
        last = newest[key]
        origins = [_content_made(source, last.place, settings) for source in made]
        yield Back(
            region=last.place.region,
            source=last.source_name,
            home=last.home,
            made=tuple(source.name for source in made),
            is_begun=not any(RESTORED_AT in source.tags for source in made),
            newer=last if all(origin is not None and origin < last.taken for origin in origins) else None,
        )


def _content_made(source: Source, place: Place, settings: Settings) -> datetime | None:
    """Return when the content is from, UTC, of which a restore has made a source; None where nobody knows."""
    name = source.tags[RESTORED_FROM]
    origin = next((each for each in place.snapshots if each.name == name), None)
    return content_of(origin, settings) if origin else slot_in(name)


def only_copied(
    points: Iterable[RecoveryPoint],
    places: Sequence[Place],
    settings: Settings,
    *,
    at: datetime | None,
    gone: bool,
) -> Iterator[RecoveryPoint]:
    """Yield the copies of what a restore of everything at home leaves out, as nothing usable is there of it.

    Parameters
    ----------
    points
        In whatever Region.
    places
        What the homes hold that were searched.
    settings
        The deployment's.
    at
        The newest content of this time (UTC) or before; None: the newest.
    gone
        Only of what no longer exists.
    """
    known = {(each.home, each.source_kind, each.source_name) for each in _usable(places, settings, at, None)}
    living = {source.arn for place in places for source in place.sources}
    back = {(place.region, kind, name) for place in places for kind, name in _come_back(place, ())}
    for point in points:
        key = point.home, source_kind_of(point.source_arn, point.kind), point.source_name
        is_there = point.source_arn in living or key in back
        if point.is_copy and key not in known and not (gone and is_there):
            yield point


def _usable(places: Sequence[Place], settings: Settings, at: datetime | None, home: str | None) -> Sequence[Found]:
    """Return what can be restored, in the order of preference."""
    found = (each for each in our_snapshots(places, settings) if home in {None, each.home})
    return sorted(usable_ones(found, at), key=preference)


def _key(found: Found) -> _SourceKey:
    return found.place.region, found.home, found.source_kind, found.source_name


def _life(found: Found, *, gone: bool) -> tuple[_SourceKey, str | None]:
    return _key(found), found.source_arn if gone else None


def _gone(usable: Sequence[Found], request: Callable[[Found], Request]) -> Iterator[Found]:
    """Yield those of what no longer exists, in their order."""
    places = {found.place.region: found.place for found in usable}
    copies = {(found.place.region, found.snapshot.name) for found in usable if found.is_copy}
    living = {region: {source.arn for source in place.sources} for region, place in places.items()}
    come_back = {region: _come_back(place, copies) for region, place in places.items()}
    restored = _restored(usable)
    for found in usable:
        if found.is_copy:
            made = restored.get(_key(found), ())
            # By the same command: what it made is shown, and gone on with.
            is_to_do = all(made_before(found, request(found)) == source for source in made)
        else:
            region = found.place.region
            is_to_do = not (
                found.source_arn in living[region] or (found.source_kind, found.source_name) in come_back[region]
            )
        if is_to_do:
            yield found


def _come_back(place: Place, copies: Container[tuple[str, str]]) -> frozenset[tuple[SourceKind, str]]:
    """Return what a restore has brought back under its own name: it is another resource, but it is not gone."""
    origins = {
        snapshot.name: snapshot.source_name
        for snapshot in place.snapshots
        if (place.region, snapshot.name) not in copies
    }
    return frozenset(
        (source.kind, source.name)
        for source in place.sources
        if origins.get(source.tags.get(RESTORED_FROM, "")) == source.name
    )


def _restored(usable: Iterable[Found]) -> Mapping[_SourceKey, Sequence[Source]]:
    """Return what restores have made of the copies of each source, under whatever name: it is not gone here."""
    keys: dict[tuple[str, str], _SourceKey] = {}
    places: dict[str, Place] = {}
    for found in usable:
        places[found.place.region] = found.place
        if found.is_copy and (stem := undated(found.snapshot.name)):
            keys[found.place.region, stem] = _key(found)
    made: defaultdict[_SourceKey, list[Source]] = defaultdict(list)
    for region, place in places.items():
        for source in place.sources:
            key = keys.get((region, undated(source.tags.get(RESTORED_FROM, "")) or ""))
            # A disk with a server's files is no server.
            if key and source.kind is key[2]:
                made[key].append(source)
    return made


def _rank(key: _SourceKey) -> tuple[int, _SourceKey]:
    """Return the key that sorts a fleet: instances, then databases, then the disks."""
    return {SourceKind.INSTANCE: 0, SourceKind.DATABASE: 1, SourceKind.DISK: 2}[key[2]], key


def _in_order(plans: Mapping[_SourceKey, RestorePlan], chosen: Mapping[_SourceKey, Found]) -> Sequence[RestorePlan]:
    """Return the plans, disks after their instances; a disk that is in an instance's snapshot comes with that."""
    ordered: dict[_SourceKey, RestorePlan] = {}
    for key, plan in plans.items():
        region, home, kind, name = key
        recipe = read_disk_recipe(chosen[key].snapshot.tags) if kind is SourceKind.DISK else None
        instance = (region, home, SourceKind.INSTANCE, (recipe.attached_to if recipe else None) or "")
        server = ordered.get(instance)
        if server is None or server.problems or server.kind is not SourceKind.INSTANCE:
            ordered[key] = plan
        elif name not in chosen[instance].snapshot.disks:
            ordered[key] = _attached(plan, server, recipe.path if recipe else None)
        elif plan.taken > server.taken:
            ordered[instance] = replace(
                server,
                notes=(*server.notes, _of_disk_inside(name, server, plan)),
            )
    return tuple(ordered.values())


def _of_disk_inside(name: str, server: RestorePlan, own: RestorePlan) -> str:
    where = f" --region {own.region}" if own.home else ""
    return (
        f"the disk {name} comes back as it was when {server.snapshot} was taken, {format_minute(server.taken)}; its "
        f"own newest recovery point, {own.snapshot}, is of {format_minute(own.taken)}: lightkeeper restore {name}"
        f"{where} brings that back beside it"
    )


def _attached(plan: RestorePlan, instance: RestorePlan, path: str | None) -> RestorePlan:
    """Return the plan of a disk that is attached to an instance which is restored as well."""
    if plan.is_finished or not path:
        # Where it is now is a person's choice.
        return replace(plan, after=instance.resource)
    made = next((step for step in instance.steps if isinstance(step, CreateInstance)), None)
    zone = made.zone if made else None
    steps = [
        replace(step, zone=zone) if isinstance(step, CreateDisk) and zone and not plan.exists else step
        for step in plan.steps
    ]
    # The instance's snapshot may be older than the disk's: another disk had the path then.
    if taken := dict(made.disks if made else ()).get(path):
        left = (
            f"its attachment: {path} of {instance.resource} is taken by {taken}, which comes with it; attach it at "
            f"another path: {lightsail_command('attach-disk', plan.region)} --disk-name "
            f"{plan.resource} --instance-name {instance.resource} --disk-path ..."
        )
        return replace(plan, steps=tuple(steps), not_restored=(left,), after=instance.resource)
    steps.append(AttachDisk(plan.resource, instance.resource, path, "where it was attached"))
    return replace(plan, steps=tuple(steps), not_restored=(), after=instance.resource)


def _one_address_each(plans: Sequence[RestorePlan]) -> tuple[RestorePlan, ...]:
    """Return the plans with each static IP moved once: names are used again, and so are addresses."""
    newest: dict[tuple[str, str], RestorePlan] = {}
    for plan in plans:
        for step in plan.steps:
            if isinstance(step, MoveAddress):
                key = plan.region, step.static_ip
                newest[key] = max(newest.get(key, plan), plan, key=lambda each: each.taken)

    def loses(plan: RestorePlan, step: Step) -> bool:
        return isinstance(step, MoveAddress) and newest[plan.region, step.static_ip] is not plan

    return tuple(
        replace(
            plan,
            steps=tuple(step for step in plan.steps if not loses(plan, step)),
            not_restored=(
                *plan.not_restored,
                *(
                    f"the static IP {step.static_ip} ({step.address}): {newest[plan.region, step.static_ip].resource} "
                    "gets it, whose snapshot is newer"
                    for step in plan.steps
                    if isinstance(step, MoveAddress) and loses(plan, step)
                ),
            ),
        )
        for plan in plans
    )
