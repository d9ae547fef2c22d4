"""How a disk comes back, and what it is attached to. Pure."""

from lightkeeper.errors import closest, did_you_mean
from lightkeeper.kinds import SourceKind
from lightkeeper.model import Source
from lightkeeper.pricing import USD_PER_DISK_GB_MONTH
from lightkeeper.recipe import DiskRecipe, InstanceRecipe
from lightkeeper.restore_draft import Draft, zone_of
from lightkeeper.restore_steps import AttachDisk, CreateDisk, RestorePlan, Until, Wait


def plan_disk(draft: Draft, recipe: DiskRecipe) -> RestorePlan:
    """Return how a disk comes back."""
    found, request = draft.found, draft.request
    if request.bundle:
        draft.problems.append(f"--bundle is for an instance or a database, and {draft.name} is a disk; expected none")
    if request.move_address:
        draft.problems.append(f"--move-address is for an instance, and {draft.name} is a disk; expected none")
    target = _target(draft)
    target_zone = target.recipe.zone if target and isinstance(target.recipe, InstanceRecipe) else None
    zone, zone_reason = zone_of(draft, target_zone or recipe.zone)
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
            f"{draft.why}; {zone_reason}",
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
        instance, path = recipe.attached_to or "INSTANCE", (recipe.attached_to and recipe.path) or "/dev/xvdf"
        what = "its attachment" if recipe.attached_to else "it is attached to no instance"
        by_hand = f"{draft.aws('attach-disk')} --disk-name {draft.name} --instance-name {instance} --disk-path {path}"
        again = draft.again(by_hand, "--attach", f"{instance}:{path}")
        draft.not_restored.append(f"{what}: {again if by_hand in again else f'{again}, or {by_hand}'}")
    return draft.done(USD_PER_DISK_GB_MONTH * size)


def _target(draft: Draft) -> Source | None:
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
