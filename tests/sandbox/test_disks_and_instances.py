from typing import TYPE_CHECKING

import pytest

from lightsail_sandbox.client import Sandbox
from tests.support.asking import REGION, ZONE, add_disk, add_instance, detach, make_client, refused
from tests.support.keeper import NOON

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient


def test_a_new_disk_is_there_with_its_arn_tags_and_time(lightsail: "LightsailClient") -> None:
    add_disk(lightsail, "data.example-1", backup="", owner="ops")

    [disk] = lightsail.get_disks()["disks"]
    assert disk["name"] == "data.example-1"
    assert disk["arn"].startswith("arn:aws:lightsail:eu-central-1:123456789012:Disk/")
    assert disk["tags"] == [{"key": "backup"}, {"key": "owner", "value": "ops"}]
    assert disk["createdAt"] == NOON
    assert (disk["sizeInGb"], disk["state"], disk["isSystemDisk"]) == (8, "available", False)


def test_a_new_instance_has_a_system_disk_without_name_or_arn(lightsail: "LightsailClient") -> None:
    add_instance(lightsail)

    [instance] = lightsail.get_instances()["instances"]
    assert instance["state"] == {"code": 16, "name": "running"}
    [system_disk] = instance["hardware"]["disks"]
    assert system_disk["isSystemDisk"]
    assert system_disk["sizeInGb"] == 60
    assert not {"name", "arn"} & set(system_disk)
    assert lightsail.get_disks()["disks"] == []


def test_an_attached_disk_is_in_use_and_listed_with_its_instance(lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    add_instance(lightsail)

    lightsail.attach_disk(diskName="data", instanceName="web", diskPath="/dev/xvdf")

    disk = lightsail.get_disk(diskName="data")["disk"]
    assert (disk["state"], disk["attachedTo"], disk["path"]) == ("in-use", "web", "/dev/xvdf")
    names = [each.get("name") for each in lightsail.get_instance(instanceName="web")["instance"]["hardware"]["disks"]]
    assert names == [None, "data"]


def test_an_attached_disk_cannot_be_deleted_until_it_is_detached(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail)
    add_instance(lightsail)
    lightsail.attach_disk(diskName="data", instanceName="web", diskPath="/dev/xvdf")

    with refused("OperationFailureException", "data", "web"):
        lightsail.delete_disk(diskName="data")
    detach(sandbox, lightsail)
    lightsail.delete_disk(diskName="data")

    assert lightsail.get_disks()["disks"] == []


def test_a_deleted_instance_lets_go_of_its_disks(lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    add_instance(lightsail)
    lightsail.attach_disk(diskName="data", instanceName="web", diskPath="/dev/xvdf")

    operations = lightsail.delete_instance(instanceName="web")["operations"]

    assert [each["operationType"] for each in operations] == ["DetachDisk", "DetachDisk", "DeleteInstance"]
    assert lightsail.get_disk(diskName="data")["disk"]["state"] == "available"
    with refused("NotFoundException", "web"):
        lightsail.get_instance(instanceName="web")


def test_a_disk_cannot_be_attached_twice(lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    add_instance(lightsail)
    lightsail.attach_disk(diskName="data", instanceName="web", diskPath="/dev/xvdf")

    with refused("OperationFailureException", "data"):
        lightsail.attach_disk(diskName="data", instanceName="web", diskPath="/dev/xvdg")


def test_a_name_is_taken_across_all_kinds(lightsail: "LightsailClient") -> None:
    add_disk(lightsail, "alpha")
    add_disk(lightsail, "beta")
    lightsail.create_disk_snapshot(diskName="alpha", diskSnapshotName="gamma")

    for name in ("beta", "gamma"):
        with refused("InvalidInputException", f"Some names are already in use: {name}"):
            add_instance(lightsail, name)


def test_a_name_is_free_again_after_deletion_but_the_arn_is_another(lightsail: "LightsailClient") -> None:
    first = add_disk(lightsail)
    lightsail.delete_disk(diskName="data")

    assert add_disk(lightsail) != first


def test_of_several_instances_none_is_created_if_one_name_is_taken(lightsail: "LightsailClient") -> None:
    add_instance(lightsail, "web-2")

    with refused("InvalidInputException", "web-2"):
        lightsail.create_instances(
            instanceNames=["web-1", "web-2"], availabilityZone=ZONE, blueprintId="debian_12", bundleId="nano_3_0"
        )

    assert [each["name"] for each in lightsail.get_instances()["instances"]] == ["web-2"]


@pytest.mark.parametrize("name", ["a", "-data", "data-", "da ta", "d" * 256])
def test_a_name_that_lightsail_has_not_is_refused(lightsail: "LightsailClient", name: str) -> None:
    with refused("InvalidInputException", "name"):
        add_disk(lightsail, name)


def test_a_disk_is_created_in_a_zone_of_the_region(lightsail: "LightsailClient") -> None:
    with refused("InvalidInputException", "us-east-1a", REGION):
        lightsail.create_disk(diskName="data", availabilityZone="us-east-1a", sizeInGb=8)


def test_a_disk_has_at_least_eight_gigabytes(lightsail: "LightsailClient") -> None:
    with refused("InvalidInputException", "7 GB"):
        lightsail.create_disk(diskName="data", availabilityZone=ZONE, sizeInGb=7)


def test_regions_know_nothing_of_each_other(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    elsewhere = make_client(sandbox, "us-east-1")

    assert elsewhere.get_disks()["disks"] == []
    elsewhere.create_disk(diskName="data", availabilityZone="us-east-1b", sizeInGb=8)
    assert ":us-east-1:" in elsewhere.get_disk(diskName="data")["disk"]["arn"]
    elsewhere.close()


def test_all_regions_with_an_endpoint_are_listed_with_their_zones(lightsail: "LightsailClient") -> None:
    regions = {each["name"]: each for each in lightsail.get_regions(includeAvailabilityZones=True)["regions"]}

    assert {"eu-central-1", "us-east-1", "ap-southeast-5"} <= set(regions)
    assert "us-west-1" not in regions
    assert regions["eu-central-1"]["availabilityZones"][0] == {"zoneName": "eu-central-1a", "state": "available"}
