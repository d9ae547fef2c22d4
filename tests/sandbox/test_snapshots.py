from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lightsail_sandbox.client import EndSnapshots, FaultRule, Sandbox
from tests.support.asking import LONG_ENOUGH, REGION, add_disk, add_instance, refused
from tests.support.keeper import NOON

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient


def test_a_disk_snapshot_is_pending_then_completed(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    arn = add_disk(lightsail)
    lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-1", tags=[{"key": "slot", "value": "1"}])

    [snapshot] = lightsail.get_disk_snapshots()["diskSnapshots"]
    assert (snapshot["state"], snapshot["progress"], snapshot["createdAt"]) == ("pending", "0%", NOON)
    assert (snapshot["fromDiskName"], snapshot["fromDiskArn"]) == ("data", arn)
    assert snapshot["tags"] == [{"key": "slot", "value": "1"}]
    assert snapshot["isFromAutoSnapshot"] is False
    assert snapshot["sizeInGb"] == 8

    sandbox.advance(timedelta(seconds=60))
    assert lightsail.get_disk_snapshot(diskSnapshotName="data-1")["diskSnapshot"]["progress"] == "50%"
    sandbox.advance(timedelta(seconds=60))
    completed = lightsail.get_disk_snapshot(diskSnapshotName="data-1")["diskSnapshot"]
    assert (completed["state"], completed["progress"]) == ("completed", "100%")


def test_a_snapshot_takes_as_long_as_was_set_when_it_began(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    sandbox.set_options(snapshot_seconds=3600)
    lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="slow-one")
    sandbox.set_options(snapshot_seconds=1)

    sandbox.advance(timedelta(minutes=59))
    assert lightsail.get_disk_snapshot(diskSnapshotName="slow-one")["diskSnapshot"]["state"] == "pending"
    sandbox.advance(timedelta(minutes=1))
    assert lightsail.get_disk_snapshot(diskSnapshotName="slow-one")["diskSnapshot"]["state"] == "completed"


def test_an_instance_snapshot_becomes_available_and_holds_the_attached_disks(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    arn = add_instance(lightsail)
    add_disk(lightsail)
    lightsail.attach_disk(diskName="data", instanceName="web", diskPath="/dev/xvdf")
    lightsail.create_instance_snapshot(instanceName="web", instanceSnapshotName="web-1")

    [snapshot] = lightsail.get_instance_snapshots()["instanceSnapshots"]
    assert snapshot["state"] == "pending"
    assert "progress" not in snapshot
    assert (snapshot["fromInstanceName"], snapshot["fromInstanceArn"]) == ("web", arn)
    assert (snapshot["fromBlueprintId"], snapshot["fromBundleId"]) == ("debian_12", "small_3_0")
    assert [disk["name"] for disk in snapshot["fromAttachedDisks"]] == ["data"]

    sandbox.advance(LONG_ENOUGH)
    available = lightsail.get_instance_snapshot(instanceSnapshotName="web-1")["instanceSnapshot"]
    assert available["state"] == "available"


def test_a_system_volume_snapshot_names_the_instance_and_no_disk(lightsail: "LightsailClient") -> None:
    arn = add_instance(lightsail)

    operations = lightsail.create_disk_snapshot(instanceName="web", diskSnapshotName="web-system")["operations"]

    assert [(each["resourceType"], each["resourceName"]) for each in operations] == [
        ("DiskSnapshot", "web-system"),
        ("Instance", "web"),
    ]
    snapshot = lightsail.get_disk_snapshot(diskSnapshotName="web-system")["diskSnapshot"]
    assert (snapshot["fromInstanceName"], snapshot["fromInstanceArn"], snapshot["sizeInGb"]) == ("web", arn, 60)
    assert not {"fromDiskName", "fromDiskArn"} & set(snapshot)


def test_a_disk_snapshot_has_exactly_one_source(lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    add_instance(lightsail)

    with refused("InvalidInputException", "diskName", "instanceName"):
        lightsail.create_disk_snapshot(diskSnapshotName="both", diskName="data", instanceName="web")
    with refused("InvalidInputException", "diskName", "instanceName"):
        lightsail.create_disk_snapshot(diskSnapshotName="neither")


def test_a_source_that_is_not_there_is_not_found(lightsail: "LightsailClient") -> None:
    add_disk(lightsail)

    with refused("NotFoundException", "Disk", "gone"):
        lightsail.create_disk_snapshot(diskSnapshotName="gone-1", diskName="gone")
    with refused("NotFoundException", "Instance", "data"):
        lightsail.create_instance_snapshot(instanceSnapshotName="data-1", instanceName="data")


def test_a_snapshot_name_has_no_dots(lightsail: "LightsailClient") -> None:
    add_disk(lightsail, "data.example")

    with refused("InvalidInputException", "data.example-1"):
        lightsail.create_disk_snapshot(diskName="data.example", diskSnapshotName="data.example-1")


def test_the_same_snapshot_cannot_be_created_twice(lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-1")

    with refused("InvalidInputException", "Some names are already in use: data-1"):
        lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-1")


def test_snapshots_outlive_their_source(lightsail: "LightsailClient") -> None:
    arn = add_disk(lightsail)
    lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-1")

    lightsail.delete_disk(diskName="data")

    [snapshot] = lightsail.get_disk_snapshots()["diskSnapshots"]
    assert snapshot["fromDiskArn"] == arn


def test_a_deleted_snapshot_is_gone(lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-1")

    [operation] = lightsail.delete_disk_snapshot(diskSnapshotName="data-1")["operations"]

    assert (operation["operationType"], operation["status"]) == ("DeleteDiskSnapshot", "Succeeded")
    with refused("NotFoundException", "data-1"):
        lightsail.delete_disk_snapshot(diskSnapshotName="data-1")


@pytest.mark.parametrize(
    ("end", "operation_status"), [("error", "Failed"), ("unknown", "Succeeded"), ("pending", "Started")]
)
def test_a_snapshot_ends_as_scripted(
    sandbox: Sandbox, lightsail: "LightsailClient", end: str, operation_status: str
) -> None:
    add_disk(lightsail)
    sandbox.add_faults(FaultRule(operation="CreateDiskSnapshot", effect=EndSnapshots(state=end)))  # type: ignore[arg-type] # pytest's parameters are plain strings
    [operation, _] = lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-1")["operations"]
    assert lightsail.get_disk_snapshots()["diskSnapshots"][0]["state"] == "pending"

    sandbox.advance(timedelta(days=30))

    assert lightsail.get_disk_snapshots()["diskSnapshots"][0]["state"] == end
    assert lightsail.get_operation(operationId=operation["id"])["operation"]["status"] == operation_status


def test_a_test_can_give_a_snapshot_any_state(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-1")

    sandbox.set_snapshot_state(REGION, "data-1", "error")

    assert lightsail.get_disk_snapshots()["diskSnapshots"][0]["state"] == "error"


def test_an_operation_goes_on_until_the_snapshot_is_complete(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    [operation, _] = lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-1")["operations"]
    assert (operation["status"], operation["isTerminal"]) == ("Started", False)
    assert operation["operationDetails"] == "data"

    sandbox.advance(LONG_ENOUGH)

    later = lightsail.get_operation(operationId=operation["id"])["operation"]
    assert (later["status"], later["isTerminal"]) == ("Succeeded", True)
    assert later["statusChangedAt"] == NOON + timedelta(seconds=120)


def test_operations_are_listed_oldest_first_and_by_resource(lightsail: "LightsailClient") -> None:
    add_disk(lightsail, "alpha")
    add_disk(lightsail, "beta")
    lightsail.create_disk_snapshot(diskName="alpha", diskSnapshotName="alpha-1")

    types = [each["operationType"] for each in lightsail.get_operations()["operations"]]
    assert types == ["CreateDisk", "CreateDisk", "CreateDiskSnapshot", "CreateDiskSnapshot"]
    of_alpha = lightsail.get_operations_for_resource(resourceName="alpha")["operations"]
    assert [each["operationType"] for each in of_alpha] == ["CreateDisk", "CreateDiskSnapshot"]
