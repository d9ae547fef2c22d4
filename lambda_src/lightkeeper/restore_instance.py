"""How an instance comes back, with its firewall, address and disks. Pure."""

import re
from typing import Final

from lightkeeper.errors import quote_all
from lightkeeper.kinds import STATIC_IPS, SourceKind
from lightkeeper.model import AttachedDisk, Source, StaticIp
from lightkeeper.pricing import USD_PER_DISK_GB_MONTH
from lightkeeper.recipe import InstanceRecipe, MetadataOptions, Part
from lightkeeper.restore_draft import MAX_NAME, Draft, bundle_of, stamped, zone_of
from lightkeeper.restore_steps import (
    KEY_PAIRS,
    CreateInstance,
    MoveAddress,
    OpenPorts,
    RestorePlan,
    SetOptions,
    Until,
    Wait,
)

CPU_QUOTA: Final = 20
"""vCPUs of all instances in a Region, until AWS allows more. Source: the AWS General Reference, *Lightsail quotas*."""
_DEFAULT_KEY: Final = "LightsailDefaultKeyPair"
_WINDOWS: Final = "WINDOWS"
_DEFAULT_METADATA: Final = (
    MetadataOptions(),
    MetadataOptions("optional", "enabled", 1, "disabled"),
    MetadataOptions("optional", "enabled", 1),
)


def plan_instance(draft: Draft, recipe: InstanceRecipe, living: Source | None) -> RestorePlan:
    """Return how an instance comes back; `living` is the source itself, where it is still there."""
    found, place, request = draft.found, draft.place, draft.request
    if request.attach:
        draft.problems.append(f"--attach is for a disk, and {draft.name} is an instance; expected none")
    zone, zone_reason = zone_of(draft, recipe.zone)
    wanted = request.bundle or recipe.bundle or found.snapshot.bundle
    bundle = bundle_of(draft, wanted, found.snapshot.bundle, place.bundles)
    if bundle is None and not wanted:
        draft.problems.append(
            f"nobody knows which bundle {found.source_name} had; expected {draft.asking('--bundle', 'ID')}"
        )
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
            f"{draft.why}; {zone_reason}",
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


def _address(draft: Draft, recipe: InstanceRecipe, living: Source | None) -> None:
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
        left = f"{left}; {draft.again(_attach_address(draft, name), '--move-address')} to move it"
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


def _lost_address(draft: Draft, name: str) -> tuple[str, str]:
    """Return what is left where a static IP is not in the Region, and why --move-address is refused."""
    region, home = draft.place.region, draft.found.home
    if not draft.found.is_copy:
        left = f"the static IP {name}: it is not in {region} any more, so what is made gets a new address"
        return left, f"there is no static IP {name} any more; expected no --move-address"
    allocate = f"{draft.aws('allocate-static-ip')} --static-ip-name {name}"
    attach = _attach_address(draft, name)
    left = (
        f"the static IP {name}: it stays in {home}, so what is made gets a new address. For one that stays: {allocate} "
        f"&& {attach}; then change the DNS records that name the old one"
    )
    return (
        left,
        f"there is no static IP {name} in {region}; expected no --move-address, or one of that name: {allocate}",
    )


def _attach_address(draft: Draft, static_ip: str) -> str:
    return f"{draft.aws('attach-static-ip')} --static-ip-name {static_ip} --instance-name {draft.name}"


def _move(draft: Draft, found: StaticIp, living: Source | None) -> tuple[str | None, str | None]:
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
            f"to move the address back: {draft.aws('detach-static-ip')} --static-ip-name {name} && "
            f"{draft.aws('attach-static-ip')} --static-ip-name {name} --instance-name {old}"
        )
    elif holder in {None, old}:
        has = f"{old} has it" if holder else "nobody has it now"
        by_hand = _attach_address(draft, name)
        if holder:
            by_hand = f"{draft.aws('detach-static-ip')} --static-ip-name {name} && {by_hand}"
        again = draft.again(by_hand, "--move-address")
        return f"the static IP {name} ({found.address}): {has}; {again} to move it", None
    else:
        refusal = (
            f"the static IP {name} is attached to {holder}, which is not the {draft.found.source_name} that the "
            "snapshot is of; expected no --move-address, or that you detach it first"
        )
        return f"the static IP {name} ({found.address}): {holder} has it, and keeps it", refusal
    draft.steps.append(MoveAddress(draft.name, name, found.address, old if holder == old else None, reason))
    return None, None


def _left_of_instance(draft: Draft, recipe: InstanceRecipe, *, is_windows: bool) -> None:
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


def _key_pair(draft: Draft, key: str | None, *, is_windows: bool) -> str | None:
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


def _disk_name(draft: Draft, disk: AttachedDisk) -> str:
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
    name = draft.free(stamped(stem, draft.stamp) if own is None else f"{stem}-{own}"[:MAX_NAME].rstrip("-_."))
    draft.beside.names.add(name)
    return name
