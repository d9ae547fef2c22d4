"""The state of Lightsail in one Region of one account, and the operations on it."""

import itertools
import re
import uuid
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from random import Random
from typing import Any, TypeVar

from moto.core.base_backend import BackendDict, BaseBackend

from lightsail_sandbox.backend.automatic import AutomaticSnapshot, Timing, automatic_snapshots
from lightsail_sandbox.backend.database_bundles import database_bundle_or_alike
from lightsail_sandbox.backend.databases import (
    BACKUP_WINDOW,
    MAINTENANCE_WINDOW,
    RelationalDatabase,
    RelationalDatabaseSnapshot,
    check_backup_window,
    check_maintenance_window,
)
from lightsail_sandbox.backend.exceptions import (
    InvalidInputError,
    LightsailError,
    NotFoundError,
    OperationFailureError,
)
from lightsail_sandbox.backend.instances import Disk, Instance
from lightsail_sandbox.backend.kinds import KINDS
from lightsail_sandbox.backend.names import (
    check_database_name,
    check_snapshot_name,
    check_source_name,
    check_tag_count,
    read_tags,
)
from lightsail_sandbox.backend.operations import Operation
from lightsail_sandbox.backend.paging import cut_page, cut_shifting_page
from lightsail_sandbox.backend.resources import AddOnSource, Made, Resource, Source
from lightsail_sandbox.backend.settings import current_script, settings
from lightsail_sandbox.backend.snapshots import DiskSnapshot, Snapshot
from lightsail_sandbox.backend.static_ips import detach_from

R = TypeVar("R", bound=Resource)
S = TypeVar("S", bound=Snapshot)
Tags = Iterable[Mapping[str, str]]
AddOns = Iterable[Mapping[str, Any]]

_DISK_SIZES_GB = range(8, 16_384 + 1)
_HOUR = re.compile(r"([01]\d|2[0-3]):00")
_ANYWHERE = "all"
_NOTHING: Mapping[str, Any] = {}


class LightsailBackend(BaseBackend):
    """Lightsail in one Region of one account."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        # Ids come from here and not from the system, so that a run can be repeated to the letter.
        self._random = Random(f"{account_id} {region_name}")  # noqa: S311 - no secret
        self._positions = itertools.count(1)
        self._by_name: dict[str, Resource] = {}
        self._by_kind: dict[str, list[Any]] = {kind.kind: [] for kind in KINDS}
        self._operations: list[Operation] = []

    @property
    def now(self) -> datetime:
        """The sandbox time."""
        return settings.clock.now()

    # Reading

    def find(self, kind: type[R], name: str) -> R:
        """Give the resource of this kind and name."""
        resource = self._by_name.get(name)
        if not isinstance(resource, kind):
            raise NotFoundError(f"The {_label(kind)} does not exist: {name}")
        return resource

    def resources(self) -> Iterable[Resource]:
        """Give everything, each kind in the order of creation."""
        return itertools.chain.from_iterable(self._by_kind.values())

    def page(self, kind: type[R], token: str | None) -> tuple[Sequence[R], str | None]:
        """Give a page of the resources of one kind, and the token of the next one."""
        return self.cut(self._by_kind[kind.kind], token, kind.kind)

    def all_of(self, kind: type[R]) -> Sequence[R]:
        """Give the resources of one kind, in the order of creation."""
        return self._by_kind[kind.kind]

    def page_of_names(self, token: str | None) -> tuple[Sequence[Resource], str | None]:
        """Give a page of everything that has a name."""
        return self.cut(sorted(self._by_name.values(), key=attrgetter("position")), token, "names")

    def find_operation(self, operation_id: str) -> Operation:
        """Give the operation with this id."""
        for operation in reversed(self._operations):
            if operation.id == operation_id:
                return operation
        raise NotFoundError(f"The Operation does not exist: {operation_id}")

    def page_operations(self, resource_name: str | None, token: str | None) -> tuple[Sequence[Operation], str | None]:
        """Give a page of the operations, of one resource or of all, oldest first."""
        operations = [each for each in self._operations if resource_name in (None, each.resource_name)]
        if resource_name is not None and not operations:
            self.find(Resource, resource_name)
        return self.cut(operations, token, f"operations {resource_name or ''}")

    def automatic_snapshots_of(self, source: AddOnSource) -> tuple[AutomaticSnapshot, ...]:
        """Give a source's automatic snapshots, newest first."""
        options = settings.options
        timing = Timing(
            delay=timedelta(seconds=options.automatic_snapshot_delay_seconds),
            duration=timedelta(seconds=options.automatic_snapshot_seconds),
        )
        return automatic_snapshots(source.switchings, self.now, timing, source.failed_automatic_days)

    def cut(self, entries: Sequence[Any], token: str | None, what: str) -> tuple[Sequence[Any], str | None]:
        """Give a page of anything that has a position, and the token of the next one; `what` names the list."""
        scope = f"{self.account_id} {self.region_name} {what}"
        cut = cut_shifting_page if settings.options.shifting_pages else cut_page
        return cut(entries[: current_script().shown], token, scope, settings.options.page_size)

    # Disks and instances

    def create_disk(self, name: str, zone: str, size_gb: int, tags: Tags, add_ons: AddOns) -> list[Operation]:
        """Create a block storage disk."""
        disk = self.new_disk(name, zone, size_gb, tags, add_ons)
        return self.carry_out("CreateDisk", [(disk, None)], lambda: self.add(disk))

    def new_disk(  # noqa: PLR0913 - AWS asks for that much
        self, name: str, zone: str, size_gb: int, tags: Tags, add_ons: AddOns, *, takes: timedelta = timedelta(0)
    ) -> Disk:
        """Make a disk that is not there yet, if all of this is right."""
        check_source_name(name)
        self.check_zone(zone)
        if size_gb not in _DISK_SIZES_GB:
            raise InvalidInputError(
                f"Invalid disk size: {size_gb} GB. A disk has {_DISK_SIZES_GB[0]} to {_DISK_SIZES_GB[-1]} GB."
            )
        hours = self.automatic_hours(add_ons)
        read = read_tags(tags)
        self.check_free(name)
        disk = self.new(Disk, name, zone, read, {"size_gb": size_gb, "takes": takes})
        for hour in hours:
            disk.switch_automatic(hour, self.now)
        return disk

    def attach_disk(self, disk_name: str, instance_name: str, path: str) -> list[Operation]:
        """Attach a disk to an instance."""
        disk, instance = self.find(Disk, disk_name), self.find(Instance, instance_name)
        if disk.attached_to is not None:
            raise OperationFailureError(f"The disk {disk.name} is attached to {disk.attached_to.name} already.")
        if disk.state(self.now) != "available":
            raise OperationFailureError(f"The disk {disk.name} is {disk.state(self.now)}: wait until it is available.")
        if instance.state(self.now) not in ("running", "stopped"):
            raise OperationFailureError(
                f"The instance {instance.name} is {instance.state(self.now)}: wait until it is running or stopped."
            )
        if disk.zone != instance.zone:
            raise InvalidInputError(
                f"The disk {disk.name} is in {disk.zone}, but the instance {instance.name} is in {instance.zone}."
            )
        if any(path == other.path for other in instance.disks):
            raise OperationFailureError(f"The path {path} of {instance.name} is taken by another disk.")
        parts = [(disk, instance.name), (instance, disk.name)]
        return self.carry_out("AttachDisk", parts, lambda: disk.attach(instance, path))

    def detach_disk(self, disk_name: str) -> list[Operation]:
        """Detach a disk from its instance."""
        disk = self.find(Disk, disk_name)
        if disk.attached_to is None:
            raise OperationFailureError(f"The disk {disk.name} is not attached to any instance.")
        if disk.attached_to.state(self.now) != "stopped":
            raise OperationFailureError(
                f"The instance {disk.attached_to.name} is {disk.attached_to.state(self.now)}: "
                f"stop it before you detach the disk {disk.name}."
            )
        return self._detach(disk, disk.attached_to)

    def _detach(self, disk: Disk, instance: Instance) -> list[Operation]:
        parts = [(disk, instance.name), (instance, disk.name)]
        return self.carry_out("DetachDisk", parts, disk.detach)

    def delete_disk(self, name: str) -> list[Operation]:
        """Delete a disk; its snapshots stay."""
        disk = self.find(Disk, name)
        if disk.attached_to is not None:
            raise OperationFailureError(
                f"The disk {name} is attached to {disk.attached_to.name}: detach it before you delete it."
            )
        if disk.state(self.now) != "available":
            raise OperationFailureError(f"The disk {name} is {disk.state(self.now)}: wait until it is available.")
        return self.carry_out("DeleteDisk", [(disk, None)], lambda: self.remove(disk))

    def delete_instance(self, name: str) -> list[Operation]:
        """Delete an instance; its snapshots stay, and its disks and its static IP are detached."""
        instance = self.find(Instance, name)
        detached: list[Operation] = []
        for disk in list(instance.disks):
            detached += self._detach(disk, instance)
        detached += detach_from(self, instance)
        if any(operation.failure for operation in detached):
            return detached
        return detached + self.carry_out("DeleteInstance", [(instance, None)], lambda: self.remove(instance))

    def automatic_hours(self, add_ons: AddOns) -> list[int]:
        """Give the hours of the day at which add-ons take automatic snapshots, or refuse the add-ons."""
        return [_automatic_hour(add_on) for add_on in add_ons]

    # Databases

    def create_relational_database(  # noqa: PLR0913 - AWS asks for that much
        self,
        name: str,
        zone: str | None,
        tags: Tags,
        *,
        bundle: tuple[str, str],
        master: tuple[str, str],
        backup_window: str | None,
        maintenance_window: str | None,
        password: str | None,
        publicly_accessible: bool,
    ) -> list[Operation]:
        """Create a database; `bundle` is blueprint and bundle, `master` is the first database and its user."""
        check_database_name(name)
        zone = zone or f"{self.region_name}a"
        self.check_zone(zone)
        if backup_window is not None:
            check_backup_window(backup_window)
        if maintenance_window is not None:
            check_maintenance_window(maintenance_window)
        read = read_tags(tags)
        self.check_free(name)
        blueprint_id, bundle_id = bundle
        master_database_name, master_username = master
        members = {
            "blueprint_id": blueprint_id,
            "bundle_id": bundle_id,
            "size_gb": database_bundle_or_alike(bundle_id).disk_gb,
            "master_database_name": master_database_name,
            "master_username": master_username,
            "backup_window": backup_window or BACKUP_WINDOW,
            "maintenance_window": maintenance_window or MAINTENANCE_WINDOW,
            "retained_since": self.now,
            "own_password": password,
            "publicly_accessible": publicly_accessible,
        }
        database = self.new(RelationalDatabase, name, zone, read, members)
        return self.carry_out("CreateRelationalDatabase", [(database, None)], lambda: self.add(database))

    def update_relational_database(
        self,
        name: str,
        *,
        retain_backups: bool | None,
        backup_window: str | None,
        maintenance_window: str | None,
        publicly_accessible: bool | None,
    ) -> list[Operation]:
        """Switch native backups on or off, set a window, or open the database; None leaves it as it is."""
        if backup_window is not None:
            check_backup_window(backup_window)
        if maintenance_window is not None:
            check_maintenance_window(maintenance_window)
        database = self.find(RelationalDatabase, name)
        self.check_available(database)

        def update() -> None:
            if retain_backups is not None:
                database.retain_backups(self.now if retain_backups else None)
            if backup_window is not None:
                database.set_backup_window(backup_window)
            if maintenance_window is not None:
                database.set_maintenance_window(maintenance_window)
            if publicly_accessible is not None:
                database.set_publicly_accessible(publicly_accessible=publicly_accessible)

        return self.carry_out("UpdateRelationalDatabase", [(database, None)], update)

    def delete_relational_database(self, name: str, final_snapshot: str | None) -> list[Operation]:
        """Delete a database, after a final snapshot of this name; None: without one, whatever the database's state."""
        database = self.find(RelationalDatabase, name)
        taken: list[Operation] = []
        if final_snapshot is not None:
            taken = self.create_snapshot(RelationalDatabaseSnapshot, final_snapshot, RelationalDatabase, name, ())
        deleted = self.carry_out("DeleteRelationalDatabase", [(database, None)], lambda: self.remove(database))
        return [*deleted, *reversed(taken)]

    def check_available(self, database: RelationalDatabase) -> None:
        """Refuse what is done to a database that is busy."""
        if not database.is_available(self.now):
            raise OperationFailureError(
                f"The database {database.name} is not available but {database.state(self.now)}. Try again later."
            )

    # Snapshots

    def create_disk_snapshot(
        self, name: str, disk_name: str | None, instance_name: str | None, tags: Tags
    ) -> list[Operation]:
        """Create a snapshot of a disk or, given an instance, of that instance's system volume."""
        if (disk_name is None) == (instance_name is None):
            raise InvalidInputError("Invalid input: give either diskName or instanceName, and not both.")
        kind: type[Source] = Disk if disk_name is not None else Instance
        return self.create_snapshot(DiskSnapshot, name, kind, disk_name or instance_name or "", tags)

    def create_snapshot(
        self, kind: type[Snapshot], name: str, source_kind: type[Source], source_name: str, tags: Tags
    ) -> list[Operation]:
        """Create a snapshot of this kind. For one of an instance, the attached disks are in it."""
        check_name = check_database_name if kind is RelationalDatabaseSnapshot else check_snapshot_name
        check_name(name)
        read = read_tags(tags)
        self.check_free(name)
        source = self._ready_source(source_kind, source_name)
        snapshot = self.new_snapshot(kind, name, source, read)
        snapshot.script_end(current_script().snapshot_end)
        parts = [(snapshot, source.name), (source, snapshot.name)]
        return self.carry_out(f"Create{kind.kind}", parts, lambda: self.add(snapshot), snapshot)

    def delete_snapshot(self, kind: type[Snapshot], name: str) -> list[Operation]:
        """Delete a snapshot."""
        snapshot = self.find(kind, name)
        return self.carry_out(f"Delete{kind.kind}", [(snapshot, None)], lambda: self.remove(snapshot))

    def new_snapshot(
        self, kind: type[S], name: str, source: Source, tags: dict[str, str], created_at: datetime | None = None
    ) -> S:
        """Make a snapshot that is not there yet: `add` puts it there. Its source is of a kind that it is made of."""
        members = kind.origin(source) | {"takes": timedelta(seconds=settings.options.snapshot_seconds)}
        return self.new_anywhere(kind, name, tags, created_at, members=members)

    def _ready_source(self, kind: type[Source], name: str) -> Source:
        source = self.find(kind, name)
        match source:
            case AddOnSource() if any(each.in_progress for each in self.automatic_snapshots_of(source)):
                raise OperationFailureError(
                    f"An automatic snapshot of {name} is in progress. Try again when it is complete."
                )
            case RelationalDatabase():
                self.check_available(source)
            case _:
                pass
        return source

    # Tags and add-ons

    def tag_resource(self, name: str, arn: str | None, tags: Tags) -> list[Operation]:
        """Add tags to a resource, or give tags it has another value."""
        resource = self._find_for_tags(name, arn)
        refusal = settings.options.refusal_of_tags
        if refusal and isinstance(resource, Snapshot) and resource.is_copy_in_progress(self.now):
            raise LightsailError(refusal, f"The snapshot {name} is still being copied.")
        merged = resource.tags | read_tags(tags)
        check_tag_count(merged)
        return self.carry_out("TagResource", [(resource, None)], lambda: resource.set_tags(merged))

    def untag_resource(self, name: str, arn: str | None, keys: Iterable[str]) -> list[Operation]:
        """Take tags from a resource; keys it does not have are no error."""
        resource = self._find_for_tags(name, arn)
        gone = set(keys)
        kept = {key: value for key, value in resource.tags.items() if key not in gone}
        return self.carry_out("UntagResource", [(resource, None)], lambda: resource.set_tags(kept))

    def enable_add_on(self, name: str, add_on: Mapping[str, Any]) -> list[Operation]:
        """Take automatic snapshots of a disk or an instance from now on."""
        source, hour = self.find(AddOnSource, name), _automatic_hour(add_on)
        return self.carry_out("EnableAddOn", [(source, None)], lambda: source.switch_automatic(hour, self.now))

    def disable_add_on(self, name: str, add_on_type: str) -> list[Operation]:
        """Take no more automatic snapshots; those there are stay."""
        _check_add_on_type(add_on_type)
        source = self.find(AddOnSource, name)
        return self.carry_out("DisableAddOn", [(source, None)], lambda: source.switch_automatic(None, self.now))

    def _find_for_tags(self, name: str, arn: str | None) -> Resource:
        resource = self.find(Resource, name)
        if arn not in (None, resource.arn):
            raise InvalidInputError(f"The resource {name} has another ARN than {arn}.")
        return resource

    # What all of them use

    def new(  # noqa: PLR0913 - what all kinds have, and what this one has
        self,
        kind: type[R],
        name: str,
        zone: str,
        tags: dict[str, str],
        members: Mapping[str, Any],
        *,
        created_at: datetime | None = None,
    ) -> R:
        """Make a resource that is not there yet: `add` puts it there. `members` are those of its kind."""
        identity = self.new_uuid()
        return kind(
            name=name,
            arn=f"arn:{self.partition}:lightsail:{self.region_name}:{self.account_id}:{kind.kind}/{identity}",
            support_code=f"{self.account_id}/{kind.support_prefix}-{identity.replace('-', '')[:17]}",
            created_at=created_at or self.now,
            region=self.region_name,
            zone=zone,
            tags=tags,
            position=next(self._positions),
            **members,
        )

    def new_anywhere(
        self,
        kind: type[R],
        name: str,
        tags: dict[str, str],
        created_at: datetime | None = None,
        *,
        members: Mapping[str, Any] = _NOTHING,
    ) -> R:
        """Make a resource that is in no zone."""
        return self.new(kind, name, _ANYWHERE, tags, members, created_at=created_at)

    def new_position(self) -> int:
        """Give a number that nothing else in this Region ever gets."""
        return next(self._positions)

    def add(self, resource: Resource) -> None:
        """Put a resource there. Its name must be free."""
        self.check_free(resource.name)
        self._by_name[resource.name] = resource
        self._by_kind[resource.kind].append(resource)
        resource.added()

    def remove(self, resource: Resource) -> None:
        """Take a resource away, whatever its state."""
        del self._by_name[resource.name]
        siblings = self._by_kind[resource.kind]
        del siblings[bisect_left(siblings, resource.position, key=attrgetter("position"))]
        resource.removed()

    def check_free(self, *names: str) -> None:
        """Refuse names that something in the Region has, whatever its kind."""
        used = [name for name in names if name in self._by_name]
        if used:
            raise InvalidInputError(f"Some names are already in use: {', '.join(used)}")

    def check_running(self, instance: Instance) -> None:
        """Refuse what is done to an instance that does not run."""
        state = instance.state(self.now)
        if state != "running":
            raise OperationFailureError(f"The instance {instance.name} is not running but {state}.")

    def check_zone(self, zone: str) -> None:
        """Refuse a zone of another Region."""
        if not re.fullmatch(f"{re.escape(self.region_name)}[a-f]", zone):
            raise InvalidInputError(
                f"Invalid availability zone: {zone!r}. Expected one of {self.region_name}, such as {self.region_name}a."
            )

    def carry_out(
        self,
        operation_type: str,
        parts: Sequence[tuple[Resource, str | None]],
        change: Callable[[], None],
        made: Made | None = None,
    ) -> list[Operation]:
        """Make a change, unless it is scripted to fail, and record it for each resource that takes part in it.

        The operations go on for as long as the making of what is `made` by it.
        """
        script = current_script()
        operations = [
            Operation(
                position=next(self._positions),
                id=self.new_uuid(),
                operation_type=operation_type,
                resource_name=resource.name,
                resource_type=resource.kind,
                location=resource.location(),
                created_at=self.now,
                details=details,
                made=made,
                failure=script.failure,
            )
            for resource, details in parts
        ]
        if script.failure is None:
            change()
        else:
            script.failed = True
        self._operations += operations
        return operations

    def new_uuid(self) -> str:
        """Give an id that nothing else has."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


def _label(kind: type[Resource]) -> str:
    return getattr(kind, "kind", "resource")


def _automatic_hour(add_on: Mapping[str, Any]) -> int:
    _check_add_on_type(add_on["addOnType"])
    time_of_day = add_on.get("autoSnapshotAddOnRequest", {}).get("snapshotTimeOfDay", "06:00")
    match = _HOUR.fullmatch(time_of_day)
    if match is None:
        raise InvalidInputError(f"Invalid snapshotTimeOfDay: {time_of_day!r}. Expected a full hour, such as 06:00.")
    return int(match[1])


def _check_add_on_type(add_on_type: str) -> None:
    if add_on_type != "AutoSnapshot":
        raise InvalidInputError(f"Invalid add-on type: {add_on_type!r}. The sandbox has AutoSnapshot only.")


lightsail_backends = BackendDict(LightsailBackend, "lightsail")
