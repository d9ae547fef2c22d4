"""Sources and recovery points in memory, and what a plan says of them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lightkeeper.actions import Create, Defer, Delete, ScheduleDeletion, Target
from lightkeeper.kinds import SOURCES, SnapshotKind, SourceKind
from lightkeeper.model import Orphans, Plan, RecoveryPoint, SnapshotState, Source, SourceStatus, Status
from lightkeeper.names import snapshot_name
from lightkeeper.settings import Settings
from lightkeeper.times import Duration

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
THREE = NOW.replace(hour=3)
"""The current slot of a daily policy."""
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
REGION = "eu-central-1"
AT_ONCE = Settings(grace=Duration())
WHOLE = SnapshotKind.INSTANCE
EXPIRING = Settings(orphans=Orphans.EXPIRE)


def written(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags as they are written: `backup:keep` for `backup_keep`."""
    return {key.replace("_", ":"): value for key, value in tags.items()}


def source(
    name: str = "shop",
    kind: SourceKind = SourceKind.DISK,
    *,
    attached_to: str | None = None,
    path: str | None = None,
    age: timedelta = 100 * DAY,
    **tags: str,
) -> Source:
    """Return a source of this age."""
    arn = f"arn:aws:lightsail:{REGION}:1:{SOURCES[kind].arn_type}/{name}"
    return Source(kind, name, arn, REGION, NOW - age, written(tags), attached_to, path)


def web(**tags: str) -> Source:
    """Return an instance that is backed up daily, unless its tags say otherwise."""
    return replace(source("web", SourceKind.INSTANCE), tags={"backup": "daily"} | written(tags))


def point(
    of: Source,
    slot: datetime,
    state: SnapshotState = SnapshotState.USABLE,
    *,
    kind: SnapshotKind = SnapshotKind.DISK,
    taken: datetime | None = None,
    attempt: int = 1,
    expires_at: datetime | None = None,
    tags: Mapping[str, str] | None = None,
    disks: Iterable[str] = (),
) -> RecoveryPoint:
    """Return a recovery point of a source; unless given, its time is that of its slot and its tags are its source's."""
    return RecoveryPoint(
        kind=kind,
        name=snapshot_name(of.name, of.arn, "Lightkeeper", slot, attempt),
        region=of.region,
        state=state,
        taken=taken or slot,
        size_gib=8,
        source_name=of.name,
        source_arn=of.arn,
        slot=slot,
        attempt=attempt,
        expires_at=expires_at,
        tags=of.tags if tags is None else tags,
        disks=frozenset(disks),
    )


def daily(
    of: Source,
    days: Iterable[int],
    *,
    kind: SnapshotKind = SnapshotKind.DISK,
    expires_at: datetime | None = None,
    **tags: str,
) -> tuple[RecoveryPoint, ...]:
    """Return a point for the slot so many days ago, for each."""
    own = {**of.tags, **written(tags)}
    return tuple(point(of, THREE - day * DAY, kind=kind, expires_at=expires_at, tags=own) for day in days)


def status(plan: Plan, name: str = "shop") -> Status:
    """Return how a source stands."""
    return line(plan, name).status


def line(plan: Plan, name: str = "shop") -> SourceStatus:
    """Return the line of a source."""
    return next(entry for entry in plan.sources if entry.name == name)


def created(plan: Plan) -> list[Create]:
    """Return the snapshots that are taken."""
    return [action for action in plan.actions if isinstance(action, Create)]


def dropped(plan: Plan) -> list[str]:
    """Return the snapshots that go, or are on their way out."""
    return [action.target.snapshot for action in plan.actions if isinstance(action, ScheduleDeletion | Delete | Defer)]


def marked(plan: Plan) -> list[str]:
    """Return the snapshots whose deletion is scheduled."""
    return [action.target.snapshot for action in plan.actions if isinstance(action, ScheduleDeletion)]


def deleted(plan: Plan) -> list[str]:
    """Return the snapshots that are deleted now."""
    return [action.target.snapshot for action in plan.actions if isinstance(action, Delete)]


def names(points: Iterable[RecoveryPoint]) -> list[str]:
    """Return their names."""
    return [each.name for each in points]


def target(of: RecoveryPoint, policy: str | None = "daily") -> Target:
    """Return what an action on a recovery point is aimed at."""
    return Target(REGION, of.source_name, of.source_arn, of.name, of.kind, of.slot, policy)


def why(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return the reasons for what is kept, by snapshot."""
    return {kept.point.name: kept.reasons for kept in plan.kept}
