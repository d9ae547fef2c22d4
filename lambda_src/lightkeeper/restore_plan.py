"""How a source comes back: what is asked for and what the Regions hold in; steps, each with its reason, out. Pure."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from lightkeeper.errors import InvalidValueError, quote_all
from lightkeeper.kinds import SOURCES, SourceKind
from lightkeeper.model import SnapshotState, Source, Tags
from lightkeeper.names import slot_in
from lightkeeper.recipe import DatabaseRecipe, DiskRecipe, InstanceRecipe, Recipe
from lightkeeper.restore_choice import Found, content_of, find, made_before, read_recipe, with_article
from lightkeeper.restore_database import plan_database
from lightkeeper.restore_disk import plan_disk
from lightkeeper.restore_draft import Beside, Draft
from lightkeeper.restore_instance import plan_instance
from lightkeeper.restore_steps import (
    RESTORE_KEY,
    RESTORED_AT,
    RESTORED_FROM,
    Attachment,
    Place,
    Request,
    RestorePlan,
)
from lightkeeper.settings import Settings
from lightkeeper.tags import MAX_TAGS, is_hold, is_reserved, policy_tags
from lightkeeper.times import format_minute

# Letters, digits, `-`, `_` and `.`; of a database no `_` and no `.`.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,253}[A-Za-z0-9]")
_DATABASE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,253}[A-Za-z0-9]")
_PATH: Final = re.compile(r"/dev/[a-z0-9]+")


def plan_restore(request: Request, places: Sequence[Place], settings: Settings, now: datetime) -> RestorePlan:
    """Return how what is asked for comes back.

    Parameters
    ----------
    request
        What a person asks for.
    places
        What the Regions hold that are to be searched.
    settings
        The deployment's, for what is ours.
    now
        The time, UTC: part of the name of what is made.

    Raises
    ------
    InvalidValueError
        If there is no such source, snapshot or time, or more than one.
    """
    found = find(request, places, settings)
    _check_name(request.name, found.makes)
    return plan_found(found, request, settings, now, Beside())


def parse_attachment(text: str) -> Attachment:
    """Return the `INSTANCE:PATH` that a person has written.

    Raises
    ------
    InvalidValueError
        If it is not of that form.
    """
    instance, colon, path = text.partition(":")
    if not instance or not colon or not _PATH.fullmatch(path):
        raise InvalidValueError(f'"{text}" is no INSTANCE:PATH; expected such as "web:/dev/xvdf"')
    return Attachment(instance, path)


def _check_name(name: str | None, makes: SourceKind) -> None:
    if name is None:
        return
    is_database = makes is SourceKind.DATABASE
    if not (_DATABASE_NAME if is_database else _NAME).fullmatch(name):
        characters = 'letters, digits and "-"' if is_database else 'letters, digits, "-", "_" and "."'
        raise InvalidValueError(
            f'"{name}" cannot be the name of {with_article(makes)}; expected 2 to 255 characters: {characters}, the '
            "first and the last a letter or digit"
        )


def plan_found(found: Found, request: Request, settings: Settings, now: datetime, beside: Beside) -> RestorePlan:
    """Return how a source comes back from the snapshot that was found, beside what else comes back with it."""
    existing = made_before(found, request)
    if existing:
        found = _as_made(found, existing, settings)
    draft = Draft(found, request, now, existing, beside)
    living = next((source for source in found.place.sources if source.arn == found.source_arn), None)
    recipe = _recipe(draft, living)
    draft.tags = _tags(draft, settings)
    _say_of_time(draft)
    _check(draft)
    match found.makes:
        case SourceKind.INSTANCE:
            assert not isinstance(recipe, DiskRecipe | DatabaseRecipe)  # noqa: S101 - of an instance
            return plan_instance(draft, recipe or InstanceRecipe(), living)
        case SourceKind.DISK:
            return plan_disk(draft, recipe if isinstance(recipe, DiskRecipe) else _as_disk(recipe))
        case SourceKind.DATABASE:
            return plan_database(draft, recipe if isinstance(recipe, DatabaseRecipe) else DatabaseRecipe())
        case _:
            assert_never(found.makes)


def _as_made(found: Found, existing: Source, settings: Settings) -> Found:
    """Return what an earlier restore has taken: a newer snapshot may be there since, and its own may be gone."""
    origin = existing.tags[RESTORED_FROM]
    if origin == found.snapshot.name:
        return found
    own = next((each for each in found.place.snapshots if each.name == origin), None)
    # Of one that is gone, its name still says for when it was taken.
    taken = content_of(own, settings) if own else slot_in(origin) or existing.created_at
    snapshot = own or replace(found.snapshot, name=origin, attached=())
    return replace(found, snapshot=snapshot, taken=taken, newer=found if found.taken > taken else found.newer)


def _recipe(draft: Draft, living: Source | None) -> Recipe | None:
    """Return the recipe of the snapshot, else the living source's; what it lacks is said."""
    found = draft.found
    recipe = read_recipe(found.snapshot, found.source_kind)
    if recipe is None and living is not None and living.recipe is not None:
        recipe = living.recipe
        draft.notes.append(
            f"{found.snapshot.name} has no recipe, so what it does not hold is as {living.name} has it now"
        )
    elif recipe is None:
        draft.not_restored.append(
            f"{found.snapshot.name} has no recipe, so nobody knows what {found.source_name} had beside its content: "
            "look at what is made before you use it"
        )
    if recipe is not None and found.makes is found.source_kind:
        draft.lack(recipe.missing)
    return recipe


def _check(draft: Draft) -> None:
    """Refuse what cannot be made, whatever its kind."""
    found = draft.found
    listing = SOURCES[found.makes].listing
    if listing in found.place.unread:
        draft.problems.append(
            f"{listing} of {found.place.region} could not be read, so nobody knows whether an earlier try has made it "
            "already; expected a list that can be read: run the same command again"
        )
    if found.snapshot.state is not SnapshotState.USABLE and not draft.existing:
        draft.problems.append(
            f'{found.snapshot.name} is "{found.snapshot.state}"; expected one that is complete: wait until it is, or '
            "take another"
        )
    if draft.request.kind in {None, SourceKind.INSTANCE} and found.makes is not found.source_kind:
        draft.problems.append(
            f"{found.snapshot.name} is of the system disk alone, which cannot boot a server; expected "
            f"{draft.asking('--kind', 'disk')}: it comes back as a disk, to be attached to another instance for its "
            "files"
        )


def _say_of_newer(draft: Draft, newer: Found) -> None:
    """Say that what an earlier restore has made is older than what there is; do not take the one for the other."""
    found, request = draft.found, draft.request
    made = (
        f"{draft.name} is what an earlier restore has made of {found.snapshot.name}, of {format_minute(found.taken)}; "
        f"{newer.snapshot.name}, of {format_minute(newer.taken)}, is newer"
    )
    goes_on = request.snapshot or (not draft.can_be_named and (request.attach or request.move_address))
    if not draft.is_finished or draft.beside.is_fleet or newer.makes is not found.makes or goes_on:
        as_disk = ("--kind", newer.makes) if newer.makes is not found.makes else ()
        command = draft.alone(*as_disk, "--snapshot", newer.snapshot.name, "--as", "NAME")
        draft.notes.append(f"{made}: {command} brings that back, too")
        return
    or_this = f", or --snapshot {found.snapshot.name} to go on with this one" if draft.can_be_named else ""
    draft.problems.append(f"{made}; expected --as with another name to bring that back{or_this}")


def _say_of_time(draft: Draft) -> None:
    """Say where there is something newer, or something that an earlier restore has made."""
    found, newer = draft.found, draft.found.newer
    if newer and draft.existing:
        _say_of_newer(draft, newer)
    elif newer:
        draft.notes.append(
            f"{newer.snapshot.name}, of the system disk alone, is newer: its files are of "
            f"{format_minute(newer.taken)}, and this is of {format_minute(found.taken)}; "
            f"{draft.asking('--kind', 'disk')} brings those back"
        )
    older = [
        source.name
        for source in found.place.sources
        if source.kind is found.makes
        and source != draft.existing
        and source.tags.get(RESTORE_KEY) == draft.key
        and RESTORED_AT in source.tags
    ]
    if older and not draft.existing:
        how = "restore it alone with" if draft.beside.is_fleet else "add"
        draft.notes.append(
            f"{quote_all(older)} came back by the same command from an older snapshot, and this makes another one; to "
            f'go on with that one, {how} --snapshot and the name in its tag "{RESTORED_FROM}"'
        )


def _as_disk(recipe: Recipe | None) -> DiskRecipe:
    """Return what a disk made of an instance's system disk takes over: the zone."""
    return DiskRecipe(zone=recipe.zone) if recipe else DiskRecipe()


def _tags(draft: Draft, settings: Settings) -> Tags:
    """Return the tags of what is made: the user's, so that it is backed up again, and which restore made it."""
    tags = draft.found.snapshot.tags
    users = {key: value for key, value in tags.items() if not is_reserved(key) and not is_hold(key)}
    own = {RESTORED_FROM: draft.found.snapshot.name, RESTORE_KEY: draft.key}
    first = policy_tags(users, settings)
    keys = [*first, *sorted(key for key in users if key not in first)]
    # One more is written when everything is done.
    room = MAX_TAGS - len(own) - 1
    if keys[room:]:
        draft.not_restored.append(f"the tags {quote_all(keys[room:])}: there is room for {MAX_TAGS} only")
    return {key: users[key] for key in keys[:room]} | own
