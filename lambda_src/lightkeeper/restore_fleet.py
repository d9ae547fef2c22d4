"""How a whole fleet comes back: one plan for each source, none in the way of another. Pure."""

import re
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from lightkeeper.errors import InvalidValueError
from lightkeeper.kinds import SourceKind
from lightkeeper.model import Source
from lightkeeper.names import undated
from lightkeeper.recipe import (
    read_disk_recipe,
)
from lightkeeper.restore_choice import (
    Found,
    NothingToRestoreError,
    made_before,
    our_snapshots,
    preference,
    regions_of,
    unread_of,
    usable_ones,
    with_newer,
)
from lightkeeper.restore_draft import MAX_NAME, Beside, aws_command
from lightkeeper.restore_plan import plan_found
from lightkeeper.restore_steps import (
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

    found = [each for each in our_snapshots(places, settings) if home in {None, each.home}]
    usable = sorted(usable_ones(found, at), key=preference)
    if gone:
        usable = [*_gone(usable, request)]
    chosen: dict[_SourceKey, Found] = {}
    newest: dict[_SourceKey, Found] = {}
    for each in usable:
        # The last one wins: of a source, the newest; and of an instance, one that boots.
        key = _key(each)
        chosen[key] = each
        newest[key] = max(newest.get(key, each), each, key=lambda one: one.taken)
    if not chosen:
        what = "no source that is gone has" if gone else "nothing has"
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
    beside = {place.region: Beside() for place in places}
    plans = {
        key: plan_found(with_newer(found, newest[key]), request(found), settings, now, beside[found.place.region])
        for key, found in sorted(chosen.items(), key=lambda item: _rank(item[0]))
    }
    return _one_address_each(_in_order(plans, chosen))


def _key(found: Found) -> _SourceKey:
    return found.place.region, found.home, found.source_kind, found.source_name


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
            f"another path: {aws_command('attach-disk', plan.region if plan.home else None)} --disk-name "
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
