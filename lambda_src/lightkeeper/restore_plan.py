"""How a source comes back: what is asked for and what the Regions hold in; steps, each with its reason, out. Pure.

Nothing of the user's is ever deleted or overwritten: what is made gets a name that is free.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, assert_never

from lightkeeper.errors import InvalidValueError, closest, did_you_mean, quote_all
from lightkeeper.kinds import SNAPSHOTS, SOURCES, STATIC_IPS, SourceKind
from lightkeeper.model import AttachedDisk, SnapshotState, Source, StaticIp, Tags
from lightkeeper.pricing import USD_PER_DISK_GB_MONTH
from lightkeeper.recipe import (
    PART_WORDS,
    DatabaseRecipe,
    DiskRecipe,
    InstanceRecipe,
    MetadataOptions,
    Part,
    Recipe,
)
from lightkeeper.restore_choice import Found, content_of, find, made_before, read_recipe, restore_key, with_article
from lightkeeper.restore_steps import (
    KEY_PAIRS,
    RESTORE_KEY,
    RESTORED_AT,
    RESTORED_FROM,
    AttachDisk,
    Attachment,
    Bundle,
    CreateDatabase,
    CreateDisk,
    CreateInstance,
    MoveAddress,
    OpenPorts,
    Place,
    Request,
    RestorePlan,
    SetOptions,
    Step,
    Until,
    Wait,
)
from lightkeeper.settings import Settings
from lightkeeper.tags import MAX_TAGS, is_hold, is_reserved, policy_tags
from lightkeeper.times import format_minute

CPU_QUOTA: Final = 20
"""vCPUs of all instances in a Region, until AWS allows more. Source: the AWS General Reference, *Lightsail quotas*."""
_DEFAULT_KEY: Final = "LightsailDefaultKeyPair"
_WINDOWS: Final = "WINDOWS"
# Letters, digits, `-`, `_` and `.`; of a database no `_` and no `.`.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,253}[A-Za-z0-9]")
_DATABASE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,253}[A-Za-z0-9]")
_PATH: Final = re.compile(r"/dev/[a-z0-9]+")
MAX_NAME: Final = 254
"""Characters of a name that we give."""
_DEFAULT_METADATA: Final = (
    MetadataOptions(),
    MetadataOptions("optional", "enabled", 1, "disabled"),
    MetadataOptions("optional", "enabled", 1),
)


@dataclass
class Beside:
    """What the other restores of a fleet take, so that none takes it twice."""

    names: set[str] = field(default_factory=set)
    cpus: int = 0


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
        # A newer snapshot may have been taken since: what was begun is finished with its own.
        begun = next((each for each in found.place.snapshots if each.name == existing.tags[RESTORED_FROM]), None)
        if begun:
            found = replace(found, snapshot=begun, taken=content_of(begun, settings))
    draft = _Draft(found, request, now, existing, beside)
    living = next((source for source in found.place.sources if source.arn == found.source_arn), None)
    recipe = _recipe(draft, living)
    draft.tags = _tags(draft, settings)
    _say_of_time(draft)
    _check(draft)
    match found.makes:
        case SourceKind.INSTANCE:
            assert not isinstance(recipe, DiskRecipe | DatabaseRecipe)  # noqa: S101 - of an instance
            return _instance(draft, recipe or InstanceRecipe(), living)
        case SourceKind.DISK:
            return _disk(draft, recipe if isinstance(recipe, DiskRecipe) else _as_disk(recipe))
        case SourceKind.DATABASE:
            return _database(draft, recipe if isinstance(recipe, DatabaseRecipe) else DatabaseRecipe())
        case _:
            assert_never(found.makes)


class _Draft:
    """A plan while it is made."""

    def __init__(self, found: Found, request: Request, now: datetime, existing: Source | None, beside: Beside) -> None:
        self.found = found
        self.request = request
        self.place = found.place
        self.stamp = f"-restored-{now:%Y%m%d-%H%M}"
        self.key = restore_key(found, request)
        self.existing = existing
        self.beside = beside
        self.is_finished = existing is not None and RESTORED_AT in existing.tags
        self.tags: Tags = {}
        self.steps: list[Step] = []
        self.not_restored: list[str] = []
        self.problems: list[str] = []
        self.notes: list[str] = []
        if self.existing:
            self.name = self.existing.name
        else:
            self.name = request.name or self.free(_stamped(found.source_name, self.stamp))
        if not self.existing and (holder := self.holder(self.name)):
            self.problems.append(
                f'the name "{self.name}" is in use by {holder}, and names are unique in a Region; expected --as with a '
                "name that is free"
            )

        beside.names.add(self.name)

    def holder(self, name: str) -> str | None:
        """Return what has a name, in words; None where it is free."""
        return _holder(name, self.place) or ("another that is restored with it" if name in self.beside.names else None)

    def free(self, wanted: str) -> str:
        """Return a name that nothing has: the one that is wanted, or that and a number."""
        name, number = wanted, 2
        while self.holder(name):
            end = f"-{number}"
            name = f"{wanted[: MAX_NAME - len(end)]}{end}"
            number += 1
        return name

    def again(self, option: str) -> str:
        """Return how the same command finds what was made, and does one thing more, whatever snapshots come."""
        is_fixed = self.request.snapshot or self.request.at
        return (
            f"run the same command again with {'' if is_fixed else f'--snapshot {self.found.snapshot.name} '}{option}"
        )

    def lack(self, parts: Iterable[Part]) -> None:
        """Say what the recipe lacks."""
        # Of a firewall that is not known there is more to say.
        self.not_restored.extend(f"{PART_WORDS[part]}: it is not in the recipe" for part in parts if part != Part.PORTS)

    def done(self, usd_per_month: float | None, cpus_in_use: int | None = None) -> RestorePlan:
        """Return the plan."""
        return RestorePlan(
            source=self.found.source_name,
            source_arn=self.found.source_arn,
            kind=self.found.makes,
            region=self.place.region,
            snapshot=self.found.snapshot.name,
            taken=self.found.taken,
            resource=self.name,
            key=self.key,
            steps=tuple(self.steps),
            not_restored=tuple(self.not_restored),
            problems=tuple(self.problems),
            notes=tuple(self.notes),
            usd_per_month=usd_per_month,
            cpus_in_use=cpus_in_use,
            exists=self.existing is not None,
            is_finished=self.is_finished,
            home=self.found.home if self.found.is_copy else None,
        )

    def aws(self, operation: str) -> str:
        """Return how a command of the AWS CLI begins that a person is to type."""
        return aws_command(operation, self.place.region if self.found.is_copy else None)


def aws_command(operation: str, region: str | None) -> str:
    """Return how a command of the AWS CLI begins that is to work in a Region; None: in the one that is configured."""
    return f"aws lightsail {operation}{f' --region {region}' if region else ''}"


def _recipe(draft: _Draft, living: Source | None) -> Recipe | None:
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


def _check(draft: _Draft) -> None:
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
            f"{found.snapshot.name} is of the system disk alone, which cannot boot a server; expected --kind disk: it "
            "comes back as a disk, to be attached to another instance for its files"
        )


def _say_of_time(draft: _Draft) -> None:
    """Say where there is something newer, or something that an earlier restore has made."""
    found, newer = draft.found, draft.found.newer
    if newer and not draft.existing:
        draft.notes.append(
            f"{newer.snapshot.name}, of the system disk alone, is newer: its files are of "
            f"{format_minute(newer.taken)}, and this is of {format_minute(found.taken)}; --kind disk brings those back"
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
        draft.notes.append(
            f"{quote_all(older)} came back by the same command from an older snapshot, and this makes another one; to "
            "go on with that one, add --snapshot with the name in its tag "
            f'"{RESTORED_FROM}"'
        )


def _instance(draft: _Draft, recipe: InstanceRecipe, living: Source | None) -> RestorePlan:
    found, place, request = draft.found, draft.place, draft.request
    if request.attach:
        draft.problems.append(f"--attach is for a disk, and {draft.name} is an instance; expected none")
    zone, zone_reason = _zone(draft, recipe.zone)
    wanted = request.bundle or recipe.bundle or found.snapshot.bundle
    bundle = _bundle(draft, wanted, found.snapshot.bundle, place.bundles)
    if bundle is None and not wanted:
        draft.problems.append(f"nobody knows which bundle {found.source_name} had; expected --bundle to name one")
    address_type = recipe.address_type
    if request.bundle and bundle and address_type and bundle.has_ipv4 is (address_type == "ipv6"):
        address_type = "dualstack" if bundle.has_ipv4 else "ipv6"
        draft.notes.append(f"with the bundle {bundle.id} its addresses are {address_type}, not {recipe.address_type}")
    is_windows = (bundle.platform if bundle else None) == _WINDOWS
    key = _key_pair(draft, recipe.key, is_windows=is_windows)
    disks = tuple((disk.path, _disk_name(draft, disk)) for disk in found.snapshot.attached)
    draft.steps.append(
        CreateInstance(
            draft.name,
            found.snapshot.name,
            zone,
            bundle.id if bundle else wanted or "",
            draft.tags,
            f"{_which(request)}; {zone_reason}",
            key=key,
            address_type=address_type,
            auto_snapshot=recipe.auto_snapshot,
            disks=disks,
        )
    )
    draft.steps.append(Wait(draft.name, SourceKind.INSTANCE, Until.RUNS, "a firewall is set only while it runs"))
    if recipe.ports is not None:
        draft.steps.append(
            OpenPorts(draft.name, recipe.ports, "until then it has its blueprint's firewall, open to the world")
        )
    else:
        draft.not_restored.append(
            "the firewall: it is the blueprint's default, open to the world; close what must not be open: "
            f"{draft.aws('put-instance-public-ports')} --instance-name {draft.name} --port-infos ..."
        )
    if recipe.metadata and recipe.metadata not in _DEFAULT_METADATA:
        draft.steps.append(SetOptions(draft.name, "the source had them", metadata=recipe.metadata))
    checked = len(draft.steps)
    _address(draft, recipe, living)
    moves = len(draft.steps) > checked
    why = "the address moves only to a server that answers" if moves else "a server that runs does not yet answer"
    draft.steps.insert(checked, Wait(draft.name, SourceKind.INSTANCE, Until.HEALTHY, why))
    if living:
        draft.notes.append(
            f"{living.name} is still there: what runs on both, such as scheduled jobs and mail, is done twice until "
            "one of them is stopped"
        )
    _left_of_instance(draft, recipe, is_windows=is_windows)
    cost = None
    if bundle:
        cost = bundle.usd_per_month + USD_PER_DISK_GB_MONTH * sum(disk.size_gib for disk in found.snapshot.attached)
    cpus = None
    if bundle:
        draft.beside.cpus += 0 if draft.existing else bundle.cpus
        cpus = place.cpus_in_use + draft.beside.cpus
        if cpus > CPU_QUOTA:
            draft.notes.append(
                f"the instances of {place.region} then have {cpus} vCPUs, more than the {CPU_QUOTA} that Lightsail "
                "allows unless AWS has raised it for you"
            )
    return draft.done(cost, cpus)


def _address(draft: _Draft, recipe: InstanceRecipe, living: Source | None) -> None:
    """Add the step that moves the static IP, or say why there is none."""
    asked, region = draft.request.move_address, draft.place.region
    name = recipe.static_ip
    found = next((each for each in draft.place.static_ips if each.name == name), None)
    left = problem = None
    if name is None:
        problem = f"{draft.found.source_name} had no static IP when the snapshot was taken; expected no --move-address"
        if Part.STATIC_IP not in recipe.missing:
            left = "the address: it had no static IP, so it gets a new one; point what uses it there"
    elif STATIC_IPS in draft.place.unread:
        left = f"the static IP {name}: nobody knows who has it, as {STATIC_IPS} of {region} could not be read"
        left = f"{left}; {draft.again('--move-address')} to move it"
        problem = f"{STATIC_IPS} of {region} could not be read, so the static IP {name} cannot be moved now; expected "
        problem += "a list that can be read: run the same command again"
    elif found is None:
        left, problem = _lost_address(draft, name)
    else:
        left, problem = _move(draft, found, living)
    if left:
        draft.not_restored.append(left)
    if asked and problem:
        draft.problems.append(problem)


def _lost_address(draft: _Draft, name: str) -> tuple[str, str]:
    """Return what is left where a static IP is not in the Region, and why --move-address is refused."""
    region, home = draft.place.region, draft.found.home
    if not draft.found.is_copy:
        left = f"the static IP {name}: it is not in {region} any more, so what is made gets a new address"
        return left, f"there is no static IP {name} any more; expected no --move-address"
    allocate = f"{draft.aws('allocate-static-ip')} --static-ip-name {name}"
    attach = f"{draft.aws('attach-static-ip')} --static-ip-name {name} --instance-name {draft.name}"
    left = (
        f"the static IP {name}: it stays in {home}, so what is made gets a new address. For one that stays: {allocate} "
        f"&& {attach}; then change the DNS records that name the old one"
    )
    return (
        left,
        f"there is no static IP {name} in {region}; expected no --move-address, or one of that name: {allocate}",
    )


def _move(draft: _Draft, found: StaticIp, living: Source | None) -> tuple[str | None, str | None]:
    """Add the step that moves a static IP; else return what is left, and why it is refused where it was asked for."""
    asked, name, holder = draft.request.move_address, found.name, found.attached_to
    old = living.name if living else None
    if draft.is_finished and holder == draft.name:
        return None, None
    # Whoever has taken it away since an earlier try was finished had a reason.
    if (holder is None and (asked or not draft.is_finished)) or holder == draft.name:
        reason = "nobody has it now"
        if draft.found.is_copy:
            draft.not_restored.append(
                f"its address: {name} of {draft.place.region} is {found.address}, another one than that of "
                f"{draft.found.home}; change the DNS records that name the old one"
            )
    elif asked and holder == old:
        reason = f"it is {old}'s, and --move-address asks for it"
        draft.notes.append(
            f"to move the address back: aws lightsail detach-static-ip --static-ip-name {name} && aws lightsail "
            f"attach-static-ip --static-ip-name {name} --instance-name {old}"
        )
    elif holder in {None, old}:
        has = f"{old} has it" if holder else "nobody has it now"
        return f"the static IP {name} ({found.address}): {has}; {draft.again('--move-address')} to move it", None
    else:
        refusal = (
            f"the static IP {name} is attached to {holder}, which is not the {draft.found.source_name} that the "
            "snapshot is of; expected no --move-address, or that you detach it first"
        )
        return f"the static IP {name} ({found.address}): {holder} has it, and keeps it", refusal
    draft.steps.append(MoveAddress(draft.name, name, found.address, old if holder == old else None, reason))
    return None, None


def _left_of_instance(draft: _Draft, recipe: InstanceRecipe, *, is_windows: bool) -> None:
    draft.not_restored.append(
        "load balancers and distributions that sent traffic to it: attach it again, "
        f"{draft.aws('attach-instances-to-load-balancer')} --instance-names {draft.name} --load-balancer-name ..."
    )
    draft.not_restored.append(
        f"its alarms: set them again, {draft.aws('put-alarm')} --monitored-resource-name {draft.name} ..."
    )
    if recipe.address_type != "ipv4":
        draft.not_restored.append("its IPv6 address: it gets a new one; change the AAAA records that name the old one")
    if is_windows:
        draft.not_restored.append(
            "the administrator's password: unless Sysprep ran before the snapshot, the old one stays, and Lightsail's "
            "own client does not log in"
        )
    if draft.found.snapshot.attached:
        draft.not_restored.append("the tags and add-ons of the disks that come with it")
    names = {disk.name for disk in draft.found.snapshot.attached}
    left = [source.name for source in draft.place.sources if source.kind is SourceKind.DISK and source.name in names]
    if left and not draft.existing:
        draft.notes.append(
            f"{quote_all(left)}: still there, with what was written after the snapshot; what comes back is a copy of "
            "what it was then, and takes its path"
        )


def _disk(draft: _Draft, recipe: DiskRecipe) -> RestorePlan:
    found, request = draft.found, draft.request
    if request.bundle:
        draft.problems.append(f"--bundle is for an instance or a database, and {draft.name} is a disk; expected none")
    if request.move_address:
        draft.problems.append(f"--move-address is for an instance, and {draft.name} is a disk; expected none")
    target = _target(draft)
    target_zone = target.recipe.zone if target and isinstance(target.recipe, InstanceRecipe) else None
    zone, zone_reason = _zone(draft, target_zone or recipe.zone)
    if target_zone and not request.zone:
        zone_reason = f"in the zone of {target.name if target else ''}, to be attached there"
    made_in = draft.existing.recipe.zone if draft.existing and draft.existing.recipe else None
    if made_in and target and target_zone and made_in != target_zone:
        draft.problems.append(
            f"{draft.name} was made in {made_in}, and {target.name} is in {target_zone}: a disk is attached only in "
            f"its own zone; expected --zone {target_zone}, which makes another one there"
        )
    elif made_in:
        zone, zone_reason = made_in, "where an earlier try has made it"
    if target_zone and zone != target_zone and request.zone:
        draft.problems.append(
            f"{target.name if target else ''} is in {target_zone}, and a disk is attached only in its own zone; "
            f"expected --zone {target_zone}, or none"
        )
    size = max(recipe.size_gib or 0, found.snapshot.size_gib)
    draft.steps.append(
        CreateDisk(
            draft.name,
            found.snapshot.name,
            zone,
            size,
            draft.tags,
            f"{_which(request)}; {zone_reason}",
            auto_snapshot=recipe.auto_snapshot,
        )
    )
    draft.steps.append(Wait(draft.name, SourceKind.DISK, Until.RUNS, "a disk is attached only when it is available"))
    if request.attach:
        if draft.is_finished and draft.existing and draft.existing.attached_to == request.attach.instance:
            return draft.done(USD_PER_DISK_GB_MONTH * size)
        draft.steps.append(AttachDisk(draft.name, request.attach.instance, request.attach.path, "--attach asks for it"))
        draft.not_restored.append(
            f"its mount: in {request.attach.instance}, mount it where you want its files, such as sudo mount -o ro "
            f"{request.attach.path} /mnt"
        )
    else:
        where = f"{recipe.attached_to}:{recipe.path or '/dev/xvdf'}" if recipe.attached_to else "INSTANCE:/dev/xvdf"
        what = "its attachment" if recipe.attached_to else "it is attached to no instance"
        draft.not_restored.append(f"{what}: {draft.again(f'--attach {where}')}, or {draft.aws('attach-disk')}")
    return draft.done(USD_PER_DISK_GB_MONTH * size)


def _target(draft: _Draft) -> Source | None:
    """Return the instance that a disk is to be attached to; what is wrong with it is a problem."""
    attach = draft.request.attach
    if attach is None:
        return None
    instances = [source for source in draft.place.sources if source.kind is SourceKind.INSTANCE]
    target = next((source for source in instances if source.name == attach.instance), None)
    if target is None:
        hint = did_you_mean(closest(attach.instance, [source.name for source in instances]))
        draft.problems.append(
            f'--attach: there is no instance "{attach.instance}" in {draft.place.region}; expected one there is{hint}'
        )
        return None
    taken = next(
        (
            source
            for source in draft.place.sources
            if source.attached_to == target.name and source.path == attach.path and source != draft.existing
        ),
        None,
    )
    if taken:
        draft.problems.append(
            f"--attach: {attach.path} of {target.name} is taken by {taken.name}; expected a path that is free"
        )
    return target


def _database(draft: _Draft, recipe: DatabaseRecipe) -> RestorePlan:
    found, place, request = draft.found, draft.place, draft.request
    if request.attach or request.move_address:
        option = "--attach" if request.attach else "--move-address"
        draft.problems.append(f"{option} is not for a database; expected none")
    wanted = request.bundle or recipe.bundle or found.snapshot.bundle
    bundle = _bundle(draft, wanted, found.snapshot.bundle, place.database_bundles)
    zone, zone_reason = _zone(draft, recipe.zone)
    draft.steps.append(
        CreateDatabase(
            draft.name,
            found.snapshot.name,
            bundle.id if bundle else wanted,
            draft.tags,
            f"{_which(request)}; {zone_reason}",
            zone=zone or None,
            is_public=recipe.is_public,
        )
    )
    draft.steps.append(Wait(draft.name, SourceKind.DATABASE, Until.RUNS, "nothing connects before"))
    if recipe.backup_window or recipe.maintenance_window:
        draft.steps.append(
            SetOptions(
                draft.name,
                "the source had them, and they cannot be said before",
                backup_window=recipe.backup_window,
                maintenance_window=recipe.maintenance_window,
            )
        )
    draft.not_restored.append(
        f"its endpoint: it gets a new one; write it into your applications: {draft.aws('get-relational-database')} "
        f"--relational-database-name {draft.name} --query relationalDatabase.masterEndpoint"
    )
    draft.not_restored.append(
        f"its password: Lightsail makes a new one: {draft.aws('get-relational-database-master-user-password')} "
        f"--relational-database-name {draft.name}"
    )
    draft.not_restored.append("its parameters and its alarms: set again what you had changed")
    return draft.done(bundle.usd_per_month if bundle else None)


def _zone(draft: _Draft, known: str | None) -> tuple[str, str]:
    """Return the zone, and why that one."""
    zones = draft.place.zones
    asked = draft.request.zone
    if asked:
        if zones and asked not in zones:
            hint = did_you_mean(closest(asked, zones))
            draft.problems.append(
                f'"{asked}" is no zone of {draft.place.region}; expected one of {quote_all(zones)}{hint}'
            )
        return asked, "--zone asks for it"
    if draft.found.is_copy:
        return _zone_of_copy(draft, known)
    if known and (not zones or known in zones):
        return known, "in the zone where the source was"
    first = zones[0] if zones else f"{draft.place.region}a"
    return (
        first,
        f"{known or 'the zone of the source'} is not {'to be had' if known else 'known'}, so the first is taken",
    )


def _zone_of_copy(draft: _Draft, known: str | None) -> tuple[str, str]:
    """Return the zone where the source's is of another Region: what was together there, such as its disks, is here."""
    zones, region = draft.place.zones, draft.place.region
    if known and known.startswith(region):
        # That of the instance which a disk is to be attached to.
        return known, f"a zone of {region}"
    alike = f"{region}{known.removeprefix(draft.found.home)}" if known else None
    if alike in zones:
        return alike, f"as the source was in {known}"
    was = f"the source was in {known}" if known else "the zone of the source is not known"
    return zones[0] if zones else f"{region}a", f"the first zone, as {was}"


def _bundle(draft: _Draft, wanted: str | None, least: str | None, bundles: Sequence[Bundle]) -> Bundle | None:
    """Return the bundle, or None where it is not known; what is wrong with it is a problem."""
    by_id = {bundle.id: bundle for bundle in bundles}
    asked = draft.request.bundle
    floor = by_id.get(least or "")
    if not bundles:
        draft.notes.append(
            "the bundles could not be read, so neither its price nor whether it is large enough is known"
        )
        return None
    found = by_id.get(wanted or "")
    if asked:
        if found is None:
            hint = did_you_mean(closest(asked, by_id))
            draft.problems.append(f'"{asked}" is no bundle of Lightsail{hint}; expected one such as "{least}"')
        elif not found.is_active:
            fits = _cheapest(floor or found, bundles)
            hint = f", such as {fits.id}" if fits else ""
            draft.problems.append(f"the bundle {asked} is not to be had any more; expected one that is{hint}")
        elif floor and (why := _too_small(found, floor)):
            fits = _cheapest(floor, bundles)
            hint = f", such as {fits.id}" if fits else ""
            draft.problems.append(f"the bundle {asked} {why}; expected one at least as large{hint}")
        return found
    if found and found.is_active:
        return found
    like = found or floor
    replacement = _cheapest(like, bundles) if like else None
    if replacement is None:
        draft.problems.append(
            f'the bundle "{wanted}" of {draft.found.source_name} is not to be had any more, and none is as large; '
            "expected --bundle to name one"
        )
        return None
    draft.notes.append(
        f"the bundle {wanted} is not to be had any more; {replacement.id} is the cheapest that is as large"
    )
    return replacement


def _too_small(bundle: Bundle, least: Bundle) -> str | None:
    """Return why a bundle cannot take what another had, or None if it can."""
    if bundle.platform != least.platform:
        return f"is for {bundle.platform}, and the snapshot is of {least.platform}"
    for have, need, unit in (
        (bundle.disk_gib, least.disk_gib, "GB of disk"),
        (bundle.ram_gib, least.ram_gib, "GB of memory"),
        (bundle.cpus, least.cpus, "vCPUs"),
    ):
        if have < need:
            return f"has {have:g} {unit}, and the snapshot's ({least.id}) has {need:g}"
    return None


def _cheapest(least: Bundle, bundles: Iterable[Bundle]) -> Bundle | None:
    fit = (
        bundle
        for bundle in bundles
        if bundle.is_active and bundle.has_ipv4 == least.has_ipv4 and _too_small(bundle, least) is None
    )
    return min(fit, key=lambda bundle: (bundle.usd_per_month, bundle.id), default=None)


def _key_pair(draft: _Draft, key: str | None, *, is_windows: bool) -> str | None:
    if key is None or is_windows:
        return None
    region, inside = draft.place.region, "the keys inside the image still work"
    if key == _DEFAULT_KEY and draft.found.is_copy:
        draft.not_restored.append(
            f"its key pair: each Region has a default one of its own; {inside}. To get that of {region}: "
            f"{draft.aws('download-default-key-pair')}"
        )
        return None
    if key == _DEFAULT_KEY or key in draft.place.key_pairs:
        return key
    if not draft.found.is_copy:
        if KEY_PAIRS in draft.place.unread:
            return key
        draft.not_restored.append(
            f"the key pair {key}: it is not in {region} any more, so Lightsail's default is set; {inside}"
        )
        return None
    # Where nobody knows, one that is not there would be refused.
    why = f"could not be asked for it ({KEY_PAIRS})" if KEY_PAIRS in draft.place.unread else "has none of that name"
    draft.not_restored.append(
        f"the key pair {key}: {region} {why}, so Lightsail's default there is set; {inside}. An instance gets its key "
        f"only when it is made, so import it first: {draft.aws('import-key-pair')} --key-pair-name {key} "
        "--public-key-base64 ..."
    )
    return None


def _as_disk(recipe: Recipe | None) -> DiskRecipe:
    """Return what a disk made of an instance's system disk takes over: the zone."""
    return DiskRecipe(zone=recipe.zone) if recipe else DiskRecipe()


def _which(request: Request) -> str:
    """Return why this snapshot is taken."""
    if request.snapshot:
        return "--snapshot asks for it"
    until = f" of {format_minute(request.at)} or before" if request.at else ""
    return f"the newest usable snapshot{until}"


def _tags(draft: _Draft, settings: Settings) -> Tags:
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


def _stamped(name: str, stamp: str) -> str:
    return f"{name[: MAX_NAME - len(stamp)]}{stamp}"


def _disk_name(draft: _Draft, disk: AttachedDisk) -> str:
    """Return what the disk of a restored instance is called."""
    made = (
        source
        for source in draft.place.sources
        if draft.existing and source.attached_to == draft.existing.name and source.path == disk.path
    )
    if already := next(made, None):
        return already.name
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", disk.name or disk.path).strip("-_.") or "disk"
    own = draft.request.name
    name = draft.free(_stamped(stem, draft.stamp) if own is None else f"{stem}-{own}"[:MAX_NAME].rstrip("-_."))
    draft.beside.names.add(name)
    return name


def _holder(name: str, place: Place) -> str | None:
    """Return what has a name, in words; None where nothing has."""
    for source in place.sources:
        if source.name == name:
            return f"the {source.kind} {name}"
    for snapshot in place.snapshots:
        if snapshot.name == name:
            return f"the {SNAPSHOTS[snapshot.kind].arn_type} {name}"
    if any(found.name == name for found in place.static_ips):
        return f"the static IP {name}"
    if name in place.key_pairs:
        return f"the key pair {name}"
    return "another resource" if name in place.names else None
