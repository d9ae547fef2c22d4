"""Copies of snapshots in another Region: what they hold, and what they lack."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from lightsail_sandbox.client import EndSnapshots, FaultRule, Sandbox
from tests.support.asking import LONG_ENOUGH, add_database, add_disk, add_instance, make_client, refused

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient

HOME: Final = "eu-central-1"
AWAY: Final = "eu-north-1"
TAGS = [{"key": "team", "value": "shop"}]
COPIED = timedelta(minutes=11)


@pytest.fixture
def away(sandbox: Sandbox) -> Iterator["LightsailClient"]:
    with closing(make_client(sandbox, AWAY)) as client:
        yield client


@pytest.fixture
def snapshot(sandbox: Sandbox, lightsail: "LightsailClient") -> str:
    add_disk(lightsail)
    lightsail.create_disk_snapshot(diskSnapshotName="data-1", diskName="data", tags=TAGS)  # type: ignore[arg-type] # the stubs want a TypedDict
    sandbox.advance(LONG_ENOUGH)
    return "data-1"


def _copy(away: "LightsailClient", original: str, name: str = "data-copy") -> None:
    away.copy_snapshot(sourceRegion=HOME, sourceSnapshotName=original, targetSnapshotName=name)


def test_a_copy_holds_what_its_original_does_and_no_tags(
    sandbox: Sandbox, lightsail: "LightsailClient", away: "LightsailClient", snapshot: str
) -> None:
    _copy(away, snapshot)

    copy = away.get_disk_snapshot(diskSnapshotName="data-copy")["diskSnapshot"]
    original = lightsail.get_disk_snapshot(diskSnapshotName=snapshot)["diskSnapshot"]
    assert (copy["state"], copy["tags"]) == ("pending", [])
    assert copy["createdAt"] > original["createdAt"]
    assert copy["fromDiskArn"] == original["fromDiskArn"]
    sandbox.advance(COPIED)
    assert away.get_disk_snapshot(diskSnapshotName="data-copy")["diskSnapshot"]["state"] == "completed"
    taken = {entry.name: entry.content_at for entry in sandbox.entries() if entry.content_at}
    assert taken["data-copy"] == taken[snapshot] == original["createdAt"]


def test_a_copy_may_refuse_tags_until_it_is_complete(
    sandbox: Sandbox, lightsail: "LightsailClient", away: "LightsailClient", snapshot: str
) -> None:
    sandbox.set_options(refusal_of_tags="OperationFailureException")
    _copy(away, snapshot)

    with refused("OperationFailureException", "still being copied"):
        away.tag_resource(resourceName="data-copy", tags=TAGS)  # type: ignore[arg-type] # as above
    lightsail.tag_resource(resourceName=snapshot, tags=TAGS)  # type: ignore[arg-type] # as above
    sandbox.advance(COPIED)
    away.tag_resource(resourceName="data-copy", tags=TAGS)  # type: ignore[arg-type] # as above
    assert away.get_disk_snapshot(diskSnapshotName="data-copy")["diskSnapshot"]["tags"] == TAGS


def test_an_instance_comes_back_from_a_copy_with_its_disks(
    sandbox: Sandbox, lightsail: "LightsailClient", away: "LightsailClient"
) -> None:
    add_instance(lightsail)
    add_disk(lightsail)
    sandbox.advance(LONG_ENOUGH)
    lightsail.attach_disk(diskName="data", instanceName="web", diskPath="/dev/xvdf")
    lightsail.create_instance_snapshot(instanceName="web", instanceSnapshotName="web-1")
    sandbox.advance(LONG_ENOUGH)
    _copy(away, "web-1", "web-copy")
    sandbox.advance(COPIED)

    away.create_instances_from_snapshot(
        instanceNames=["web"], availabilityZone=f"{AWAY}a", bundleId="small_3_0", instanceSnapshotName="web-copy"
    )

    sandbox.advance(LONG_ENOUGH)
    (web,) = away.get_instances()["instances"]
    assert (web["name"], web["blueprintId"]) == ("web", "debian_12")
    assert [disk["attachedTo"] for disk in away.get_disks()["disks"]] == ["web"]


def test_a_copy_stays_when_its_original_is_deleted(
    sandbox: Sandbox, lightsail: "LightsailClient", away: "LightsailClient", snapshot: str
) -> None:
    _copy(away, snapshot)

    lightsail.delete_disk_snapshot(diskSnapshotName=snapshot)

    sandbox.advance(COPIED)
    assert away.get_disk_snapshot(diskSnapshotName="data-copy")["diskSnapshot"]["state"] == "completed"


def test_what_is_not_complete_or_there_or_of_a_database_is_not_copied(
    sandbox: Sandbox, lightsail: "LightsailClient", away: "LightsailClient", snapshot: str
) -> None:
    lightsail.create_disk_snapshot(diskSnapshotName="data-2", diskName="data")
    with refused("OperationFailureException", "data-2 is pending"):
        _copy(away, "data-2")
    with refused("NotFoundException"):
        _copy(away, "data-3")
    add_database(lightsail)
    lightsail.create_relational_database_snapshot(
        relationalDatabaseName="orders", relationalDatabaseSnapshotName="orders-1"
    )
    sandbox.advance(LONG_ENOUGH)
    with refused("InvalidInputException", "cannot be copied"):
        _copy(away, "orders-1")
    _copy(away, snapshot)
    with refused("InvalidInputException", "already in use"):
        _copy(away, snapshot)


def test_a_copy_may_end_in_error_as_any_snapshot(sandbox: Sandbox, away: "LightsailClient", snapshot: str) -> None:
    sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation="CopySnapshot"))

    _copy(away, snapshot)

    sandbox.advance(COPIED)
    assert away.get_disk_snapshot(diskSnapshotName="data-copy")["diskSnapshot"]["state"] == "error"


def test_an_automatic_snapshot_becomes_an_ordinary_one_that_outlives_its_source(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail)
    lightsail.enable_add_on(
        resourceName="data",
        addOnRequest={"addOnType": "AutoSnapshot", "autoSnapshotAddOnRequest": {"snapshotTimeOfDay": "20:00"}},
    )
    sandbox.advance(timedelta(days=2))
    days = [each["date"] for each in lightsail.get_auto_snapshots(resourceName="data")["autoSnapshots"]]

    lightsail.copy_snapshot(
        sourceRegion=HOME, sourceResourceName="data", restoreDate=days[-1], targetSnapshotName="data-kept"
    )
    with refused("NotFoundException"):
        lightsail.copy_snapshot(
            sourceRegion=HOME, sourceResourceName="data", restoreDate="2020-01-01", targetSnapshotName="data-none"
        )
    with refused("InvalidInputException", "restoreDate or useLatestRestorableAutoSnapshot"):
        lightsail.copy_snapshot(sourceRegion=HOME, sourceResourceName="data", targetSnapshotName="data-none")

    lightsail.delete_disk(diskName="data")
    sandbox.advance(COPIED)
    kept = lightsail.get_disk_snapshot(diskSnapshotName="data-kept")["diskSnapshot"]
    assert (kept["state"], kept["isFromAutoSnapshot"]) == ("completed", True)
    (entry,) = sandbox.entries()
    assert entry.content_at is not None
    assert entry.content_at.date().isoformat() == days[-1]
