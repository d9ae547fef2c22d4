"""Lightsail's operations over HTTP: requests in, answers out."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from botocore import xform_name
from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import AccessDeniedError as MotoAccessDeniedError
from moto.core.responses import BaseResponse
from werkzeug.exceptions import HTTPException

from lightsail_sandbox.backend.answers import ANSWERS, Answering
from lightsail_sandbox.backend.databases import RelationalDatabase, RelationalDatabaseSnapshot
from lightsail_sandbox.backend.exceptions import (
    AccessDeniedError,
    InvalidInputError,
    LightsailError,
    UnauthenticatedError,
    UnknownOperationError,
    error_body,
    error_status,
)
from lightsail_sandbox.backend.instances import Instance
from lightsail_sandbox.backend.kinds import KINDS, SNAPSHOT_KINDS
from lightsail_sandbox.backend.models import LightsailBackend, lightsail_backends
from lightsail_sandbox.backend.operations import Operation
from lightsail_sandbox.backend.regions import render_region
from lightsail_sandbox.backend.resources import AddOnSource, Resource, Source
from lightsail_sandbox.backend.shapes import read_request, write_answer
from lightsail_sandbox.backend.snapshots import InstanceSnapshot, Snapshot
from lightsail_sandbox.backend.writing import Answer, write_operations, write_page

K = TypeVar("K")

_CONTENT_TYPE = "application/x-amz-json-1.1"
_UPDATES_OF_DATABASES: Final = {
    "relationalDatabaseName",
    "enableBackupRetention",
    "disableBackupRetention",
    "preferredBackupWindow",
    "preferredMaintenanceWindow",
    "publiclyAccessible",
    "applyImmediately",
}


class LightsailResponse(BaseResponse):
    """One request. The operations are the methods named as in boto3."""

    def __init__(self) -> None:
        super().__init__(service_name="lightsail")
        self.params: dict[str, Any] = {}

    @property
    def backend(self) -> LightsailBackend:
        """Lightsail in the request's Region and account."""
        regions = lightsail_backends[self.current_account]
        if self.region not in regions:
            raise InvalidInputError(f"Lightsail has no endpoint in the Region {self.region!r}.")
        return regions[self.region]

    def call_action(self) -> TYPE_RESPONSE:
        """Carry the request out.

        moto's own way visits each possible member of each entry of an answer, twenty milliseconds for a page. Here the
        answer is a dictionary already, and whether it fits AWS's model is checked once per resource.
        """
        try:
            status, body = 200, self._answer()
        except LightsailError as error:
            status, body = error_status(error.code), error_body(error.code, error.message)
        # The body stays out of this: moto would search all of it for an XML element.
        headers, _ = self._enrich_response({**self.response_headers, "Content-Type": _CONTENT_TYPE}, "")
        return status, headers, body

    def _answer(self) -> str:
        operation = self._get_action()
        self._authenticate_and_authorize_normal_action()
        self.params = read_request(operation, self.body)
        method = self._methods().get(xform_name(operation))
        if method is None:
            raise UnknownOperationError(f"The sandbox does not do {operation}; it does what backups need.")
        return write_answer(operation, method(self))

    def _authenticate_and_authorize_normal_action(self, resource: str = "*") -> None:
        try:
            super()._authenticate_and_authorize_normal_action(resource)
        except HTTPException as refusal:
            # moto refuses in XML, which no client of a JSON protocol can read.
            kind = AccessDeniedError if isinstance(refusal, MotoAccessDeniedError) else UnauthenticatedError
            raise kind(getattr(refusal, "message", str(refusal))) from refusal

    # Disks and instances

    def create_disk(self) -> Answer:
        """Handle CreateDisk."""
        params = self.params
        return self._operations(
            self.backend.create_disk(
                params["diskName"],
                params["availabilityZone"],
                params["sizeInGb"],
                params.get("tags", []),
                params.get("addOns", []),
            )
        )

    def attach_disk(self) -> Answer:
        """Handle AttachDisk."""
        params = self.params
        return self._operations(
            self.backend.attach_disk(params["diskName"], params["instanceName"], params["diskPath"])
        )

    def detach_disk(self) -> Answer:
        """Handle DetachDisk."""
        return self._operations(self.backend.detach_disk(self.params["diskName"]))

    def delete_disk(self) -> Answer:
        """Handle DeleteDisk."""
        return self._operations(self.backend.delete_disk(self.params["diskName"]))

    def delete_instance(self) -> Answer:
        """Handle DeleteInstance."""
        return self._operations(self.backend.delete_instance(self.params["instanceName"]))

    # Databases

    def create_relational_database(self) -> Answer:
        """Handle CreateRelationalDatabase."""
        params = self.params
        return self._operations(
            self.backend.create_relational_database(
                params["relationalDatabaseName"],
                params.get("availabilityZone"),
                params.get("tags", []),
                bundle=(params["relationalDatabaseBlueprintId"], params["relationalDatabaseBundleId"]),
                master=(params["masterDatabaseName"], params["masterUsername"]),
                backup_window=params.get("preferredBackupWindow"),
                maintenance_window=params.get("preferredMaintenanceWindow"),
                password=params.get("masterUserPassword"),
                publicly_accessible=params.get("publiclyAccessible", False),
            )
        )

    def update_relational_database(self) -> Answer:
        """Handle UpdateRelationalDatabase, as far as backups go."""
        params = self.params
        unknown = sorted(set(params) - _UPDATES_OF_DATABASES)
        if unknown:
            raise InvalidInputError(f"The sandbox does not update {unknown[0]}; it updates what backups need.")
        enable, disable = params.get("enableBackupRetention", False), params.get("disableBackupRetention", False)
        if enable and disable:
            raise InvalidInputError("Invalid input: give either enableBackupRetention or disableBackupRetention.")
        return self._operations(
            self.backend.update_relational_database(
                params["relationalDatabaseName"],
                retain_backups=enable if enable or disable else None,
                backup_window=params.get("preferredBackupWindow"),
                maintenance_window=params.get("preferredMaintenanceWindow"),
                publicly_accessible=params.get("publiclyAccessible"),
            )
        )

    def delete_relational_database(self) -> Answer:
        """Handle DeleteRelationalDatabase."""
        name, final = self.params["relationalDatabaseName"], self.params.get("finalRelationalDatabaseSnapshotName")
        if not self.params.get("skipFinalSnapshot", False):
            # AWS calls the name mandatory, and its own example does without.
            final = final or f"{name}-FinalSnapshot-{int(1000 * self.backend.now.timestamp())}"
        elif final is not None:
            raise InvalidInputError(
                f"Invalid input: skipFinalSnapshot is true, and yet a final snapshot is named: {final}."
            )
        return self._operations(self.backend.delete_relational_database(name, final))

    # Snapshots

    def create_disk_snapshot(self) -> Answer:
        """Handle CreateDiskSnapshot."""
        params = self.params
        return self._operations(
            self.backend.create_disk_snapshot(
                params["diskSnapshotName"],
                params.get("diskName"),
                params.get("instanceName"),
                params.get("tags", []),
            )
        )

    def create_instance_snapshot(self) -> Answer:
        """Handle CreateInstanceSnapshot."""
        return self._create_snapshot(InstanceSnapshot, Instance)

    def create_relational_database_snapshot(self) -> Answer:
        """Handle CreateRelationalDatabaseSnapshot."""
        return self._create_snapshot(RelationalDatabaseSnapshot, RelationalDatabase)

    def get_auto_snapshots(self) -> Answer:
        """Handle GetAutoSnapshots."""
        source = self.backend.find(AddOnSource, self.params["resourceName"])
        disks = source.disks if isinstance(source, Instance) else []
        return {
            "resourceName": source.name,
            "resourceType": source.kind,
            "autoSnapshots": [
                {
                    "date": snapshot.created_at.date().isoformat(),
                    "createdAt": snapshot.created_at.timestamp(),
                    "status": snapshot.status,
                    "fromAttachedDisks": [{"path": disk.path, "sizeInGb": disk.size_gb} for disk in disks],
                }
                for snapshot in self.backend.automatic_snapshots_of(source)
            ],
        }

    # Tags and add-ons

    def tag_resource(self) -> Answer:
        """Handle TagResource."""
        params = self.params
        return self._operations(
            self.backend.tag_resource(params["resourceName"], params.get("resourceArn"), params["tags"])
        )

    def untag_resource(self) -> Answer:
        """Handle UntagResource."""
        params = self.params
        return self._operations(
            self.backend.untag_resource(params["resourceName"], params.get("resourceArn"), params["tagKeys"])
        )

    def enable_add_on(self) -> Answer:
        """Handle EnableAddOn."""
        return self._operations(self.backend.enable_add_on(self.params["resourceName"], self.params["addOnRequest"]))

    def disable_add_on(self) -> Answer:
        """Handle DisableAddOn."""
        return self._operations(self.backend.disable_add_on(self.params["resourceName"], self.params["addOnType"]))

    # Operations and Regions

    def get_operation(self) -> Answer:
        """Handle GetOperation."""
        return {"operation": self.backend.find_operation(self.params["operationId"]).render(self.backend.now)}

    def get_operations(self) -> Answer:
        """Handle GetOperations."""
        return self._page_of_operations(None)

    def get_operations_for_resource(self) -> Answer:
        """Handle GetOperationsForResource."""
        return self._page_of_operations(self.params["resourceName"])

    def get_regions(self) -> Answer:
        """Handle GetRegions."""
        with_zones = self.params.get("includeAvailabilityZones", False)
        with_database_zones = self.params.get("includeRelationalDatabaseAvailabilityZones", False)
        return {
            "regions": [
                render_region(name, with_zones=with_zones, with_database_zones=with_database_zones)
                for name in sorted(lightsail_backends[self.current_account].regions)
            ]
        }

    # What all of them use

    def _operations(self, operations: Sequence[Operation]) -> Answer:
        return write_operations(self.backend, operations)

    def _create_snapshot(self, kind: type[Snapshot], source: type[Source]) -> Answer:
        params = self.params
        return self._operations(
            self.backend.create_snapshot(
                kind,
                params[f"{kind.member()}Name"],
                source,
                params[f"{source.member()}Name"],
                params.get("tags", []),
            )
        )

    def _delete_snapshot(self, kind: type[Snapshot]) -> Answer:
        return self._operations(self.backend.delete_snapshot(kind, self.params[f"{kind.member()}Name"]))

    def _get(self, kind: type[Resource]) -> Answer:
        found = self.backend.find(kind, self.params[f"{kind.member()}Name"])
        return {kind.member(): found.render(self.backend.now)}

    def _list(self, kind: type[Resource]) -> Answer:
        return self._write_page(f"{kind.member()}s", *self.backend.page(kind, self.params.get("pageToken")))

    def _page_of_operations(self, resource_name: str | None) -> Answer:
        page = self.backend.page_operations(resource_name, self.params.get("pageToken"))
        return self._write_page("operations", *page)

    def _write_page(self, member: str, entries: Sequence[Resource | Operation], token: str | None) -> Answer:
        now = self.backend.now
        return write_page(member, [entry.render(now) for entry in entries], token)

    @classmethod
    @functools.cache
    def _methods(cls) -> dict[str, Callable[["LightsailResponse"], Answer]]:
        """Give what answers each operation, by its name in boto3. What every kind has is the same for all of them."""
        own = {name: method for name, method in vars(cls).items() if not name.startswith("_")}
        gets = {f"Get{kind.kind}": _for_kind(cls._get, kind) for kind in KINDS}
        lists = {f"Get{kind.kind}s": _for_kind(cls._list, kind) for kind in KINDS}
        deletes = {f"Delete{kind.kind}": _for_kind(cls._delete_snapshot, kind) for kind in SNAPSHOT_KINDS}
        functions = {name: _for_function(answering) for name, answering in ANSWERS.items()}
        return own | {xform_name(name): method for name, method in (gets | lists | deletes | functions).items()}


def _for_kind(method: Callable[[LightsailResponse, K], Answer], kind: K) -> Callable[[LightsailResponse], Answer]:
    return lambda response: method(response, kind)


def _for_function(answering: Answering) -> Callable[[LightsailResponse], Answer]:
    return lambda response: answering(response.backend, response.params)
