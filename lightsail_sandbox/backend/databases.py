"""Relational databases and their snapshots.

What AWS does not say is inferred here, so be lenient about it:

- A snapshot of a database in a single zone puts that database into the state ``backing-up`` until the snapshot is
  available; with a second zone (high availability) the database stays ``available``.
- In any other state than ``available`` a snapshot is refused with ``OperationFailureException``: nothing is wrong with
  the request, and the same one succeeds later. An update is refused like that too, and so is a deletion that is to
  leave a final snapshot behind.

Simpler than AWS: a new database is available at once unless it is restored, a deleted one gone at once, an update is
made at once, whatever the maintenance window, and native backups never make a database busy.
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from lightsail_sandbox.backend.database_bundles import database_bundle_or_alike, engine_and_version
from lightsail_sandbox.backend.exceptions import InvalidInputError
from lightsail_sandbox.backend.resources import Making, Source
from lightsail_sandbox.backend.snapshots import Snapshot

BACKUP_WINDOW = "10:01-10:31"
"""The one that the sandbox gives a database whose creator asks for none, where AWS draws lots."""
MAINTENANCE_WINDOW = "sat:11:14-sat:11:44"
"""The same for maintenance, which never happens here."""

_PORTS = {"mysql": 3306, "postgres": 5432}
_AVAILABLE = "available"
_RESTORABLE_EVERY = timedelta(minutes=5)
_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_MOMENT = r"(?:mon|tue|wed|thu|fri|sat|sun):(?:[01]\d|2[0-3]):[0-5]\d"
_MAINTENANCE = re.compile(f"{_MOMENT}-{_MOMENT}", re.IGNORECASE)
_SHORTEST_WINDOW_MINUTES = 30
_MINUTES_PER_DAY = 1440


def check_backup_window(window: str) -> None:
    """Refuse what is not a daily range of at least half an hour, in UTC."""
    match = _WINDOW.fullmatch(window)
    if match is not None:
        start_hour, start_minute, end_hour, end_minute = map(int, match.groups())
        minutes = (60 * (end_hour - start_hour) + end_minute - start_minute) % _MINUTES_PER_DAY
        if minutes >= _SHORTEST_WINDOW_MINUTES:
            return
    raise InvalidInputError(
        f"Invalid preferredBackupWindow: {window!r}. Expected at least {_SHORTEST_WINDOW_MINUTES} minutes, "
        "such as 16:00-16:30."
    )


def check_maintenance_window(window: str) -> None:
    """Refuse what is no time of the week."""
    if not _MAINTENANCE.fullmatch(window):
        raise InvalidInputError(
            f"Invalid preferredMaintenanceWindow: {window!r}. Expected a time of the week such as {MAINTENANCE_WINDOW}."
        )


@dataclass(kw_only=True)
class RelationalDatabase(Source):
    """A managed database."""

    kind: ClassVar[str] = "RelationalDatabase"
    support_prefix: ClassVar[str] = "ls"

    blueprint_id: str
    bundle_id: str
    backup_window: str = BACKUP_WINDOW
    maintenance_window: str = MAINTENANCE_WINDOW
    master_database_name: str = "dbmaster"
    master_username: str = "dbmasteruser"
    own_password: str | None = None
    """What its creator has chosen; None: Lightsail has."""
    publicly_accessible: bool = False
    takes: timedelta = timedelta(0)
    """How long its making takes."""
    retained_since: datetime | None
    """Since when there are native backups; None: they are switched off."""
    stalled_at: datetime | None = None
    """Up to when native backups can be restored, where they have come to a stop; None: they go on."""
    fixed_state: str | None = None
    """A state that holds whatever is done to the database."""
    _running: "list[RelationalDatabaseSnapshot]" = field(default_factory=list, init=False)

    @property
    def secondary_zone(self) -> str | None:
        """The zone of the standby; None: there is none."""
        if "_ha_" not in self.bundle_id:
            return None
        return f"{self.region}{'b' if self.zone.endswith('a') else 'a'}"

    def state(self, now: datetime) -> str:
        """Give the state at a time."""
        if self.fixed_state is not None:
            return self.fixed_state
        if self.takes and now < self.created_at + self.takes:
            return "creating"
        is_running = any(snapshot.state(now) == snapshot.pending for snapshot in self._running)
        return "backing-up" if is_running and self.secondary_zone is None else _AVAILABLE

    def making(self, now: datetime) -> Making:
        """Say how far the making of it has come. That ends before the database can be used, as it may in AWS."""
        ends_at = self.created_at + self.takes / 2
        return Making("Started", self.created_at) if now < ends_at else Making("Succeeded", ends_at)

    @property
    def master_password(self) -> str:
        """The password of its first user."""
        return self.own_password or hashlib.sha256(self.arn.encode()).hexdigest()[:32]

    def is_available(self, now: datetime) -> bool:
        """Say whether anything can be done with the database."""
        return self.state(now) == _AVAILABLE

    def fix_state(self, state: str | None) -> None:
        """Give the database a state for good; None: it follows from what is done again."""
        self.fixed_state = state

    def latest_restorable_time(self, now: datetime) -> datetime | None:
        """Give the time up to which native backups can bring the database back; None: there are none."""
        if self.retained_since is None:
            return None
        latest = min(now, self.stalled_at or now)
        latest -= (latest - datetime.min.replace(tzinfo=latest.tzinfo)) % _RESTORABLE_EVERY
        return latest if latest >= self.retained_since else None

    def retain_backups(self, since: datetime | None) -> None:
        """Make native backups from now on, if they are not made already. None: delete them all and make no more."""
        self.retained_since = (self.retained_since or since) if since is not None else None
        self.forget_rendering()

    def set_publicly_accessible(self, *, publicly_accessible: bool) -> None:
        """Be reachable from outside of the account, or not."""
        self.publicly_accessible = publicly_accessible
        self.forget_rendering()

    def set_backup_window(self, window: str) -> None:
        """Make native backups at another time of the day."""
        self.backup_window = window
        self.forget_rendering()

    def set_maintenance_window(self, window: str) -> None:
        """Be maintained at another time of the week."""
        self.maintenance_window = window
        self.forget_rendering()

    def note_running(self, snapshot: "RelationalDatabaseSnapshot") -> None:
        """Be told that a snapshot of this database is being made."""
        now = snapshot.created_at
        self._running = [other for other in self._running if other.state(now) == other.pending]
        self._running.append(snapshot)

    def forget_running(self, snapshot: "RelationalDatabaseSnapshot") -> None:
        """Be told that there is no such snapshot any more."""
        self._running = [other for other in self._running if other is not snapshot]

    def _appearance(self, now: datetime) -> object:
        return self.state(now), self.latest_restorable_time(now)

    def _members(self, now: datetime) -> dict[str, Any]:
        bundle = database_bundle_or_alike(self.bundle_id)
        engine, version = engine_and_version(self.blueprint_id)
        endpoint = f"{self.support_code.partition('/')[2]}.sandbox.{self.region}.rds.amazonaws.com"
        members = {
            "relationalDatabaseBlueprintId": self.blueprint_id,
            "relationalDatabaseBundleId": self.bundle_id,
            "masterDatabaseName": self.master_database_name,
            "hardware": {
                "cpuCount": bundle.cpu_count,
                "diskSizeInGb": self.size_gb,
                "ramSizeInGb": bundle.memory_gb,
            },
            "state": self.state(now),
            "backupRetentionEnabled": self.retained_since is not None,
            "pendingModifiedValues": {},
            "engine": engine,
            "engineVersion": version,
            "masterUsername": self.master_username,
            "parameterApplyStatus": "in-sync",
            "preferredBackupWindow": self.backup_window,
            "preferredMaintenanceWindow": self.maintenance_window,
            "publiclyAccessible": self.publicly_accessible,
            "masterEndpoint": {"port": _PORTS.get(engine, _PORTS["mysql"]), "address": endpoint},
            "pendingMaintenanceActions": [],
        }
        if self.secondary_zone is not None:
            members["secondaryAvailabilityZone"] = self.secondary_zone
        latest = self.latest_restorable_time(now)
        if latest is not None:
            members["latestRestorableTime"] = latest.timestamp()
        return members


@dataclass(kw_only=True)
class RelationalDatabaseSnapshot(Snapshot):
    """A snapshot of a database. AWS shows neither its progress nor whether it was taken automatically."""

    kind: ClassVar[str] = "RelationalDatabaseSnapshot"
    support_prefix: ClassVar[str] = "ls"
    sources: ClassVar[tuple[type[Source], ...]] = (RelationalDatabase,)
    pending: ClassVar[str] = "creating"
    usable: ClassVar[str] = "available"
    failed: ClassVar[str] = "failed"

    blueprint_id: str
    bundle_id: str
    database: RelationalDatabase

    @classmethod
    def kept_of(cls, source: RelationalDatabase) -> dict[str, Any]:  # type: ignore[override] # `sources` says so
        """Give the members that a new snapshot has from its database."""
        return {
            "size_gb": source.size_gb,
            "blueprint_id": source.blueprint_id,
            "bundle_id": source.bundle_id,
            "database": source,
        }

    def added(self) -> None:
        """Be told that it is there from now on: its database is backed up."""
        self.database.note_running(self)

    def removed(self) -> None:
        """Be told that it is not there any more: its database is free."""
        self.database.forget_running(self)

    def _appearance(self, now: datetime) -> object:
        return self.state(now)

    def _members(self, now: datetime) -> dict[str, Any]:
        engine, version = engine_and_version(self.blueprint_id)
        return {
            "engine": engine,
            "engineVersion": version,
            "sizeInGb": self.size_gb,
            "state": self.state(now),
            "fromRelationalDatabaseName": self.source_name,
            "fromRelationalDatabaseArn": self.source_arn,
            "fromRelationalDatabaseBundleId": self.bundle_id,
            "fromRelationalDatabaseBlueprintId": self.blueprint_id,
        }
