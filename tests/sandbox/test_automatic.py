from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from lightsail_sandbox.client import Sandbox
from tests.support.asking import REGION, add_disk, add_instance, refused
from tests.support.keeper import NOON

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient

_SIX = datetime(2026, 6, 16, 6, tzinfo=UTC)


def _enable(lightsail: "LightsailClient", name: str, time_of_day: str = "06:00") -> None:
    lightsail.enable_add_on(
        resourceName=name,
        addOnRequest={
            "addOnType": "AutoSnapshot",
            "autoSnapshotAddOnRequest": {"snapshotTimeOfDay": time_of_day},
        },
    )


def _dates(lightsail: "LightsailClient", name: str = "data") -> list[tuple[str, str]]:
    snapshots = lightsail.get_auto_snapshots(resourceName=name)["autoSnapshots"]
    return [(each["date"], each["status"]) for each in snapshots]


def test_an_automatic_snapshot_is_taken_daily_at_its_hour(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    _enable(lightsail, "data")
    assert _dates(lightsail) == []

    sandbox.set_time(_SIX)
    assert _dates(lightsail) == [("2026-06-16", "InProgress")]
    sandbox.set_time(_SIX + timedelta(days=1, minutes=5))
    assert _dates(lightsail) == [("2026-06-17", "Success"), ("2026-06-16", "Success")]


def test_seven_automatic_snapshots_are_kept_and_none_is_a_disk_snapshot(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail)
    _enable(lightsail, "data")

    sandbox.set_time(NOON + timedelta(days=30))

    assert _dates(lightsail) == [(f"2026-07-{day:02}", "Success") for day in range(15, 8, -1)]
    assert lightsail.get_disk_snapshots()["diskSnapshots"] == []


def test_while_it_runs_a_manual_snapshot_is_refused_and_afterwards_taken(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_instance(lightsail)
    _enable(lightsail, "web")
    sandbox.set_options(automatic_snapshot_seconds=600)

    sandbox.set_time(_SIX + timedelta(minutes=9))
    with refused("OperationFailureException", "automatic snapshot", "web"):
        lightsail.create_instance_snapshot(instanceName="web", instanceSnapshotName="web-1")
    with refused("OperationFailureException"):
        lightsail.create_disk_snapshot(instanceName="web", diskSnapshotName="web-1")
    sandbox.set_time(_SIX + timedelta(minutes=10))
    lightsail.create_instance_snapshot(instanceName="web", instanceSnapshotName="web-1")


def test_one_that_begins_late_in_its_hour_is_of_then_and_refuses_others_from_then_on(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail)
    _enable(lightsail, "data")
    late = timedelta(minutes=40)
    sandbox.set_options(automatic_snapshot_delay_seconds=late.total_seconds())

    sandbox.set_time(_SIX + late - timedelta(seconds=1))
    assert _dates(lightsail) == []
    lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-1")
    sandbox.set_time(_SIX + late)

    (automatic,) = lightsail.get_auto_snapshots(resourceName="data")["autoSnapshots"]
    assert automatic["createdAt"] == _SIX + late
    with refused("OperationFailureException", "automatic snapshot", "data"):
        lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-2")


def test_one_that_fails_is_listed_and_can_be_neither_copied_nor_restored(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail)
    _enable(lightsail, "data")
    sandbox.fail_automatic_snapshot(REGION, "data", _SIX.date())

    sandbox.set_time(_SIX + timedelta(days=1, minutes=10))

    assert _dates(lightsail) == [("2026-06-17", "Success"), ("2026-06-16", "Failed")]
    with refused("NotFoundException"):
        lightsail.copy_snapshot(
            sourceRegion="eu-central-1",
            sourceResourceName="data",
            restoreDate="2026-06-16",
            targetSnapshotName="data-kept",
        )


def test_while_a_disk_s_runs_no_snapshot_of_it_is_taken_but_those_of_others_are(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail)
    add_disk(lightsail, "other")
    _enable(lightsail, "data")
    sandbox.set_time(_SIX)
    sandbox.clear_calls()

    with refused("OperationFailureException", "automatic snapshot", "data"):
        lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-1")
    lightsail.create_disk_snapshot(diskName="other", diskSnapshotName="other-1")

    assert [snapshot["name"] for snapshot in lightsail.get_disk_snapshots()["diskSnapshots"]] == ["other-1"]
    assert [call.took_effect for call in sandbox.calls()] == [False, True, True]


def test_what_is_wrong_with_a_request_is_said_before_anything_about_the_automatic_snapshot(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail)
    _enable(lightsail, "data")
    sandbox.set_time(_SIX)

    with refused("InvalidInputException", "already in use"):
        lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data")


def test_switched_off_no_more_are_taken_and_those_there_are_stay(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail)
    _enable(lightsail, "data")
    assert lightsail.get_disk(diskName="data")["disk"]["addOns"][0]["snapshotTimeOfDay"] == "06:00"
    sandbox.set_time(_SIX + timedelta(hours=1))
    lightsail.disable_add_on(resourceName="data", addOnType="AutoSnapshot")

    sandbox.set_time(_SIX + timedelta(days=5))

    assert _dates(lightsail) == [("2026-06-16", "Success")]
    assert lightsail.get_disk(diskName="data")["disk"]["addOns"] == []


def test_automatic_snapshots_go_with_their_source(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    _enable(lightsail, "data")
    sandbox.set_time(_SIX + timedelta(hours=1))
    lightsail.delete_disk(diskName="data")

    with refused("NotFoundException", "data"):
        lightsail.get_auto_snapshots(resourceName="data")
    add_disk(lightsail)
    assert _dates(lightsail) == []


@pytest.mark.parametrize("time_of_day", ["06:30", "24:00", "6"])
def test_the_time_of_day_is_a_full_hour(lightsail: "LightsailClient", time_of_day: str) -> None:
    add_disk(lightsail)

    with refused("InvalidInputException", "snapshotTimeOfDay"):
        _enable(lightsail, "data", time_of_day)
