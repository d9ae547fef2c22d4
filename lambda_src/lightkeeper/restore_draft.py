"""A plan for how a source comes back, while it is made, and what all kinds of source have in common in it. Pure.

Nothing of the user's is ever deleted or overwritten: what is made gets a name that is free.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from lightkeeper.commands import keeper_command, lightsail_command
from lightkeeper.errors import closest, did_you_mean, quote_all
from lightkeeper.kinds import SNAPSHOTS
from lightkeeper.model import Source, Tags
from lightkeeper.recipe import PART_WORDS, Part
from lightkeeper.restore_choice import Found, restore_key
from lightkeeper.restore_steps import RESTORED_AT, Bundle, Place, Request, RestorePlan, Step
from lightkeeper.times import format_instant, format_minute

MAX_NAME: Final = 254
"""Characters of a name that we give."""


@dataclass
class Beside:
    """What the other restores of a fleet take, so that none takes it twice."""

    names: set[str] = field(default_factory=set)
    cpus: int = 0
    is_fleet: bool = False
    """Whether everything was asked for, so that options for a single source do not go with the same command."""


class Draft:
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
            self.name = request.name or self.free(stamped(found.source_name, self.stamp))
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

    @property
    def why(self) -> str:
        """Why this snapshot is taken."""
        if self.request.snapshot:
            return "--snapshot asks for it"
        if self.existing:
            return "an earlier restore has taken it"
        until = f" of {format_minute(self.request.at)} or before" if self.request.at else ""
        return f"the newest usable snapshot{until}"

    def alone(self, *options: str) -> str:
        """Return the command that restores this source alone, with these options."""
        return keeper_command("restore", self.found.source_name, "--region", self.place.region, *options)

    def asking(self, option: str, value: str) -> str:
        """Return what a person adds to get this source otherwise: an option, or where all were asked for, a command."""
        return self.alone(option, value) if self.beside.is_fleet else f"{option} {value}"

    @property
    def can_be_named(self) -> bool:
        """Whether the snapshot is still there, so that a person can ask for it by name."""
        return self.found.snapshot in self.place.snapshots

    def again(self, by_hand: str, option: str, value: str | None = None) -> str:
        """Return how the same command finds what was made, and does one thing more, whatever snapshots come.

        `by_hand` is the command that does it where no restore finds what was made: its snapshot is gone.
        """
        request = self.request
        words = (option,) if value is None else (option, value)
        if request.at:
            which: tuple[str, ...] = ("--at", format_instant(request.at))
        elif self.can_be_named:
            which = ("--snapshot", self.found.snapshot.name)
        elif request.name:
            which = ()
        else:
            return f"run {by_hand}"
        if self.beside.is_fleet:
            return f"run {self.alone(*(('--as', request.name) if request.name else ()), *which, *words)}"
        given = () if request.snapshot or request.at else which
        return f"run the same command again with {' '.join((*given, *words))}"

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
        return lightsail_command(operation, self.place.region)


def zone_of(draft: Draft, known: str | None) -> tuple[str, str]:
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


def _zone_of_copy(draft: Draft, known: str | None) -> tuple[str, str]:
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


def bundle_of(draft: Draft, wanted: str | None, least: str | None, bundles: Sequence[Bundle]) -> Bundle | None:
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
            f"expected {draft.asking('--bundle', 'ID')}"
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


def stamped(name: str, stamp: str) -> str:
    """Return a name with a stamp at its end, cut to what there is room for."""
    return f"{name[: MAX_NAME - len(stamp)]}{stamp}"


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
