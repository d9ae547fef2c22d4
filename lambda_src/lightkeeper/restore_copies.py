"""What a person has to know who restores in another Region than home: where copies are, and what lacks there. Pure.

Nothing is restored elsewhere unasked: whoever finds nothing at home is told where the copies are.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from lightkeeper.commands import lightsail_command
from lightkeeper.errors import quote_all
from lightkeeper.kinds import SourceKind, source_kind_of
from lightkeeper.model import RecoveryPoint, SnapshotState
from lightkeeper.restore_choice import made_of
from lightkeeper.restore_steps import Place, Request, RestorePlan
from lightkeeper.settings import Settings
from lightkeeper.tags import read_snapshot


@dataclass(frozen=True, slots=True)
class CopiesThere:
    """What can be restored in a Region of sources whose home is another."""

    region: str
    sources: int
    newest: datetime
    """When the newest content is from, UTC."""
    home: str | None = None
    """Where the source is from, where there is another one of its name in that Region."""


def copies_among(places: Iterable[Place], settings: Settings) -> Iterator[RecoveryPoint]:
    """Yield our recovery points in the Regions that were searched: copies among them."""
    for place in places:
        for snapshot in place.snapshots:
            point = read_snapshot(snapshot, settings)
            if isinstance(point, RecoveryPoint):
                yield point


def copies_there(
    points: Iterable[RecoveryPoint], homes: Collection[str], request: Request | None, at: datetime | None
) -> Sequence[CopiesThere]:
    """Return where there are usable copies of what is asked for, newest content first.

    Parameters
    ----------
    points
        In whatever Region.
    homes
        Only copies from these Regions.
    request
        What a person asks for; None: everything.
    at
        The newest content of this time (UTC) or before; None: the newest.
    """
    known = [point for point in points if request is None or _is_asked_for(point, request)]
    by_region: defaultdict[str, list[RecoveryPoint]] = defaultdict(list)
    for point in known:
        is_usable = point.state is SnapshotState.USABLE and (at is None or point.taken <= at)
        if point.is_copy and point.home in homes and is_usable:
            by_region[point.region].append(point)
    others = {point.region for point in known if not point.is_copy or point.home not in homes} if request else ()
    there = (
        CopiesThere(
            region,
            sources=len({(copy.home, copy.source_name) for copy in copies}),
            newest=max(copy.taken for copy in copies),
            home=copies[0].home if region in others else None,
        )
        for region, copies in by_region.items()
    )
    return sorted(there, key=lambda each: each.newest, reverse=True)


def about_copies(
    plans: Iterable[RestorePlan], settings: Settings, looked_after: Collection[str], *, is_fleet: bool
) -> tuple[str, ...]:
    """Return what there is to know of restores in another Region than home, beside what each plan says.

    Parameters
    ----------
    plans
        What is to be restored.
    settings
        The deployment's.
    looked_after
        The Regions that the deployment backs up, as far as that is known.
    is_fleet
        Whether everything was asked for, so that what cannot be there lacks.
    """
    plans = tuple(plans)
    homes = sorted({(plan.region, plan.home) for plan in plans if plan.home is not None})
    of_servers = {(plan.region, plan.home) for plan in plans if plan.kind is SourceKind.INSTANCE}
    return (
        *(
            f"{home} was not looked at: what still runs there, or runs there again, does everything twice, such as "
            "scheduled jobs and mail, until one of the two is stopped"
            for region, home in homes
            if (region, home) in of_servers
        ),
        *(
            f"the databases of {home} are not among these: Lightsail copies no snapshot of a database, so none comes "
            f"back in {region}. Until {home} is there again, load a dump of your own into a new one: "
            f"{lightsail_command('create-relational-database', region)} ..."
            for region, home in homes
            if is_fleet
        ),
        *(_backed_up(region, settings, looked_after) for region in sorted({region for region, _ in homes})),
    )


def _backed_up(region: str, settings: Settings, looked_after: Collection[str]) -> str:
    """Return by whom what is made in a Region is backed up: nothing stops being protected in silence."""
    if region not in looked_after:
        return (
            f'nothing backs up what is made in {region}: "regions" of the settings names '
            f"{quote_all(looked_after) or 'none'}; expected {region} among them, or a deployment there"
        )
    others = [name for name in settings.copies if name != region]
    copied = (
        f"copied as its tags say to {quote_all(others)}" if others else 'copied nowhere, as "copies" names no other'
    )
    return (
        f"what is made in {region} is backed up there, and {copied}, while the deployment's own Region runs; by hand: "
        f"lightkeeper run --region {region}"
    )


def _is_asked_for(point: RecoveryPoint, request: Request) -> bool:
    kinds = {None, source_kind_of(point.source_arn, point.kind), made_of(point.kind)}
    return point.source_name == request.source and request.kind in kinds and request.home in {None, point.home}
