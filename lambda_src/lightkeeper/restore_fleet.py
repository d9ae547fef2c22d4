"""How a whole fleet comes back: one plan for each source, none in the way of another. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from lightkeeper.errors import InvalidValueError
from lightkeeper.kinds import SourceKind
from lightkeeper.recipe import (
    read_disk_recipe,
)
from lightkeeper.restore_choice import Found, our_snapshots, preference, regions_of, usable_ones, with_newer
from lightkeeper.restore_plan import MAX_NAME, Beside, plan_found
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

_SourceKey: TypeAlias = tuple[str, SourceKind, str]
"""Region, kind and name: what a person calls one source, though names are used again."""


def plan_fleet(  # noqa: PLR0913 - a fleet is chosen by that much
    places: Sequence[Place],
    settings: Settings,
    now: datetime,
    *,
    at: datetime | None = None,
    gone: bool = False,
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
        Only what no longer exists.
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
    chosen: dict[_SourceKey, Found] = {}
    newest: dict[_SourceKey, Found] = {}
    living = {place.region: {source.arn for source in place.sources} for place in places}
    come_back = {place.region: _come_back(place) for place in places}
    for found in sorted(usable_ones(our_snapshots(places, settings), at), key=preference):
        key = found.place.region, found.source_kind, found.source_name
        if not (gone and (found.source_arn in living[key[0]] or key[1:] in come_back[key[0]])):
            # The last one wins: of a source, the newest; and of an instance, one that boots.
            chosen[key] = found
            newest[key] = max(newest.get(key, found), found, key=lambda each: each.snapshot.created_at)
    if not chosen:
        what = "no source that is gone has" if gone else "nothing has"
        raise InvalidValueError(f"{what} a usable recovery point in {regions_of(places)}")

    def request(found: Found) -> Request:
        name = None if suffix is None else f"{found.source_name[: MAX_NAME - len(suffix)]}{suffix}"
        return Request(found.source_name, found.source_kind, at, name=name)

    if (
        suffix
        and not re.fullmatch(r"[A-Za-z0-9-]*", suffix)
        and any(found.makes is SourceKind.DATABASE for found in chosen.values())
    ):
        raise InvalidValueError(f'"{suffix}" cannot end the name of a database; expected letters, digits and "-"')
    beside = {place.region: Beside() for place in places}
    plans = {
        key: plan_found(
            with_newer(found, newest[key].snapshot), request(found), settings, now, beside[found.place.region]
        )
        for key, found in sorted(chosen.items(), key=lambda item: _rank(item[0]))
    }
    return _one_address_each(_in_order(plans, chosen))


def _come_back(place: Place) -> frozenset[tuple[SourceKind, str]]:
    """Return what a restore has brought back under its own name: it is another resource, but it is not gone."""
    origins = {snapshot.name: snapshot.source_name for snapshot in place.snapshots}
    return frozenset(
        (source.kind, source.name)
        for source in place.sources
        if origins.get(source.tags.get(RESTORED_FROM, "")) == source.name
    )


def _rank(key: _SourceKey) -> tuple[int, _SourceKey]:
    """Return the key that sorts a fleet: instances, then databases, then the disks."""
    return {SourceKind.INSTANCE: 0, SourceKind.DATABASE: 1, SourceKind.DISK: 2}[key[1]], key


def _in_order(plans: Mapping[_SourceKey, RestorePlan], chosen: Mapping[_SourceKey, Found]) -> Sequence[RestorePlan]:
    """Return the plans, disks after their instances; a disk that is in an instance's snapshot comes with that."""
    ordered: dict[_SourceKey, RestorePlan] = {}
    for key, plan in plans.items():
        region, kind, name = key
        recipe = read_disk_recipe(chosen[key].snapshot.tags) if kind is SourceKind.DISK else None
        instance = (region, SourceKind.INSTANCE, (recipe.attached_to if recipe else None) or "")
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
    return (
        f"the disk {name} comes back as it was when {server.snapshot} was taken, {format_minute(server.taken)}; its "
        f"own newest recovery point, {own.snapshot}, is of {format_minute(own.taken)}: lightkeeper restore {name} "
        "brings that back beside it"
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
            f"another path: aws lightsail attach-disk --disk-name {plan.resource} --instance-name {instance.resource} "
            "--disk-path ..."
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
