"""Instances, disks and databases made from snapshots."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectionClosedError

from lightsail_sandbox.client import EndInstances, FailOperation, FaultRule, InstanceEnd, LoseAnswer, Sandbox, Seed
from tests.support.asking import LONG_ENOUGH, REGION, ZONE, refused
from tests.support.keeper import NOON

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient

BOOTED = timedelta(seconds=41)
HEALTHY = timedelta(seconds=221)
OUR_FIREWALL: Any = [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrs": ["203.0.113.0/24"]}]


@pytest.fixture
def web(sandbox: Sandbox) -> None:
    """A web server with two disks, all that a restore does not bring back, and a snapshot."""
    sandbox.seed(
        [
            Seed(kind="KeyPair", name="ops-key"),
            Seed(
                kind="Instance",
                name="web",
                blueprint_id="debian_12",
                bundle_id="small_3_0",
                tags={"backup": "daily"},
                key_pair="ops-key",
                firewall=OUR_FIREWALL,
                metadata_options={"httpTokens": "required"},
            ),
            Seed(kind="StaticIp", name="web-address", attached_to="web"),
            Seed(kind="Disk", name="data", size_gb=64, attached_to="web"),
            Seed(kind="Disk", name="logs", size_gb=8, attached_to="web"),
            Seed(kind="InstanceSnapshot", name="web-1", source="web", state="available"),
        ]
    )


def restore(lightsail: "LightsailClient", names: Sequence[str] = ("web-2",), **more: Any) -> list[Any]:  # noqa: ANN401 - the parameters that a test is about
    wanted = {"instanceSnapshotName": "web-1", "availabilityZone": ZONE, "bundleId": "small_3_0"}
    return lightsail.create_instances_from_snapshot(**{"instanceNames": [*names], **wanted, **more})["operations"]


def restore_from(lightsail: "LightsailClient", **origin: Any) -> list[Any]:  # noqa: ANN401 - the parameters that a test is about
    operations = lightsail.create_instances_from_snapshot(
        instanceNames=["web-2"], availabilityZone=ZONE, bundleId="small_3_0", **origin
    )
    return list(operations["operations"])


def state(lightsail: "LightsailClient", name: str = "web-2") -> str:
    return lightsail.get_instance_state(instanceName=name)["state"]["name"]


def health(lightsail: "LightsailClient", name: str = "web-2") -> tuple[str, str]:
    newer_than_its_stubs: Any = lightsail
    instance = newer_than_its_stubs.get_instance(instanceName=name, includeHealthStatus=True)["instance"]
    return instance["instanceStatus"]["status"], instance["systemStatus"]["status"]


# Instances


@pytest.mark.usefixtures("web")
def test_a_restored_instance_boots_runs_and_is_healthy_last(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    [made, *_] = restore(lightsail)

    assert (made["operationType"], made["resourceName"], made["status"]) == (
        "CreateInstancesFromSnapshot",
        "web-2",
        "Started",
    )
    assert (state(lightsail), health(lightsail)) == ("pending", ("not-applicable", "not-applicable"))
    sandbox.advance(BOOTED)
    operation = lightsail.get_operation(operationId=made["id"])["operation"]
    assert (operation["status"], operation["isTerminal"]) == ("Succeeded", True)
    assert (state(lightsail), health(lightsail)) == ("running", ("initializing", "initializing"))
    sandbox.advance(HEALTHY)
    assert (state(lightsail), health(lightsail)) == ("running", ("ok", "ok"))


@pytest.mark.usefixtures("web")
def test_a_restored_instance_has_the_image_and_none_of_the_settings(lightsail: "LightsailClient") -> None:
    source = lightsail.get_instance(instanceName="web")["instance"]

    restore(lightsail)

    made = lightsail.get_instance(instanceName="web-2")["instance"]
    assert (made["blueprintId"], made["bundleId"], made["username"]) == ("debian_12", "small_3_0", "admin")
    assert (made["tags"], made["addOns"], made["isStaticIp"]) == ([], [], False)
    assert made["sshKeyName"] == "LightsailDefaultKeyPair"
    assert made["metadataOptions"]["httpTokens"] == "optional"
    assert source["isStaticIp"]
    addresses = [each[address] for each in (source, made) for address in ("publicIpAddress", "privateIpAddress")]
    assert len({*addresses, *source["ipv6Addresses"], *made["ipv6Addresses"]}) == 6
    ports = lightsail.get_instance_port_states(instanceName="web-2")["portStates"]
    assert {(port["fromPort"], *port["cidrs"], *port["ipv6Cidrs"]) for port in ports} == {
        (22, "0.0.0.0/0", "::/0"),
        (80, "0.0.0.0/0", "::/0"),
    }


@pytest.mark.usefixtures("web")
def test_what_is_asked_for_is_there(lightsail: "LightsailClient") -> None:
    add_ons = [{"addOnType": "AutoSnapshot", "autoSnapshotAddOnRequest": {"snapshotTimeOfDay": "05:00"}}]

    restore(
        lightsail,
        availabilityZone="eu-central-1b",
        bundleId="medium_3_0",
        keyPairName="ops-key",
        ipAddressType="ipv4",
        tags=[{"key": "drill", "value": "2026-06"}],
        addOns=add_ons,
    )

    made = lightsail.get_instance(instanceName="web-2")["instance"]
    assert made["location"]["availabilityZone"] == "eu-central-1b"
    assert (made["bundleId"], made["hardware"]["ramSizeInGb"]) == ("medium_3_0", 4.0)
    assert (made["sshKeyName"], made["ipAddressType"], made.get("ipv6Addresses")) == ("ops-key", "ipv4", None)
    assert made["tags"] == [{"key": "drill", "value": "2026-06"}]
    assert [each["snapshotTimeOfDay"] for each in made["addOns"]] == ["05:00"]


@pytest.mark.usefixtures("web")
def test_disks_come_back_at_their_paths_under_their_new_names(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    mapping: Any = {"web-2": [{"originalDiskPath": "/dev/xvdf", "newDiskName": "data-2"}]}

    operations = restore(lightsail, attachedDiskMapping=mapping)

    assert [(each["operationType"], each["resourceType"]) for each in operations] == [
        ("CreateInstancesFromSnapshot", "Instance"),
        ("CreateDiskFromSnapshot", "Disk"),
        ("CreateDiskFromSnapshot", "Disk"),
    ]
    disks = {disk["path"]: disk for disk in lightsail.get_disks()["disks"] if disk["attachedTo"] == "web-2"}
    assert {path: disk["sizeInGb"] for path, disk in disks.items()} == {"/dev/xvdf": 64, "/dev/xvdg": 8}
    assert disks["/dev/xvdf"]["name"] == "data-2"
    assert disks["/dev/xvdg"]["name"] not in ("logs", "")
    assert {disk["state"] for disk in disks.values()} == {"pending"}
    sandbox.advance(BOOTED)
    made = lightsail.get_instance(instanceName="web-2")["instance"]
    assert [disk.get("state") for disk in made["hardware"]["disks"]] == [None, "in-use", "in-use"]


@pytest.mark.usefixtures("web")
def test_several_instances_have_disks_of_their_own(lightsail: "LightsailClient") -> None:
    names = [operation["resourceName"] for operation in restore(lightsail, ["web-2", "web-3"])]

    assert names[:2] == ["web-2", "web-3"]
    assert len(set(names)) == 6


@pytest.mark.usefixtures("web")
def test_a_deleted_instance_leaves_its_restored_disks(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    _, *of_disks = restore(lightsail)
    sandbox.advance(BOOTED)

    lightsail.delete_instance(instanceName="web-2")

    left = [lightsail.get_disk(diskName=each["resourceName"])["disk"] for each in of_disks]
    assert [disk["state"] for disk in left] == ["available", "available"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"availabilityZone": "us-east-1a"}, ("us-east-1a",)),
        ({"bundleId": "huge_9_0"}, ("huge_9_0",)),
        ({"bundleId": "micro_3_0"}, ("micro_3_0 is smaller than small_3_0", "40 GB of disk instead of 60")),
        ({"bundleId": "small_2_0"}, ("1 processors instead of 2",)),
        ({"bundleId": "small_win_3_0"}, ("is for WINDOWS",)),
        ({"bundleId": "small_ipv6_3_0"}, ("no public IPv4 address",)),
        ({"ipAddressType": "ipv6"}, ("a public IPv4 address",)),
        ({"ipAddressType": "ipv5"}, ("ipv5",)),
        ({"instanceNames": []}, ("instanceNames is empty",)),
        ({"instanceNames": ["web-2", "web-2"]}, ("twice",)),
        ({"instanceNames": ["data"]}, ("Some names are already in use: data",)),
        ({"instanceNames": ["web-address"]}, ("Some names are already in use: web-address",)),
        ({"attachedDiskMapping": {"web": []}}, ("web is none of the new instances",)),
        ({"attachedDiskMapping": {"web-2": [{"originalDiskPath": "/dev/xvdz"}]}}, ("/dev/xvdz", "/dev/xvdf")),
        (
            {"attachedDiskMapping": {"web-2": [{"originalDiskPath": "/dev/xvdf", "newDiskName": "logs"}]}},
            ("Some names are already in use: logs",),
        ),
        (
            {"attachedDiskMapping": {"web-2": [{"originalDiskPath": "/dev/xvdf", "newDiskName": "web-2"}]}},
            ("the same name",),
        ),
        (
            {"attachedDiskMapping": {"web-2": 2 * [{"originalDiskPath": "/dev/xvdf", "newDiskName": "data-2"}]}},
            ("maps /dev/xvdf twice",),
        ),
        ({"tags": [{"key": "aws:x"}]}, ("aws:",)),
    ],
)
@pytest.mark.usefixtures("web")
def test_a_wrong_request_is_refused_and_makes_nothing(
    sandbox: Sandbox, lightsail: "LightsailClient", wrong: dict[str, Any], words: tuple[str, ...]
) -> None:
    before = sandbox.entries()

    with refused("InvalidInputException", *words):
        restore(lightsail, **wrong)

    assert sandbox.entries() == before


@pytest.mark.usefixtures("web")
def test_what_is_not_there_is_not_found(lightsail: "LightsailClient") -> None:
    with refused("NotFoundException", "gone-key"):
        restore(lightsail, keyPairName="gone-key")
    with refused("NotFoundException", "gone-1"):
        restore(lightsail, instanceSnapshotName="gone-1")


@pytest.mark.usefixtures("web")
def test_a_snapshot_that_is_not_available_restores_nothing(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    lightsail.create_instance_snapshot(instanceName="web", instanceSnapshotName="web-now")

    with refused("OperationFailureException", "web-now", "pending"):
        restore(lightsail, instanceSnapshotName="web-now")
    sandbox.set_snapshot_state(REGION, "web-1", "error")
    with refused("OperationFailureException", "web-1", "error"):
        restore(lightsail)
    sandbox.advance(LONG_ENOUGH)
    restore(lightsail, instanceSnapshotName="web-now")


@pytest.mark.usefixtures("web")
def test_the_quota_of_processors_ends_restores(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.set_options(vcpu_quota=4)

    restore(lightsail)
    with refused("InvalidInputException", "quota of 4 vCPUs", "4 are in use"):
        restore(lightsail, ["web-3"])
    lightsail.delete_instance(instanceName="web-2")
    restore(lightsail, ["web-3"])


def test_each_blueprint_opens_its_own_ports(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.seed(
        [
            Seed(kind="KeyPair", name="ops-key"),
            Seed(kind="Instance", name="blog", blueprint_id="wordpress", firewall=[]),
            Seed(kind="InstanceSnapshot", name="blog-1", source="blog", state="available"),
            Seed(kind="Instance", name="desk", blueprint_id="windows_server_2022", bundle_id="small_win_3_0"),
            Seed(kind="InstanceSnapshot", name="desk-1", source="desk", state="available"),
        ]
    )

    restore(lightsail, ["blog-2"], instanceSnapshotName="blog-1", keyPairName="ops-key")
    restore(lightsail, ["desk-2"], instanceSnapshotName="desk-1", bundleId="medium_win_3_0", keyPairName="ops-key")

    open_ports = {
        instance["name"]: {port["fromPort"] for port in instance["networking"]["ports"]}
        for instance in lightsail.get_instances()["instances"]
    }
    assert open_ports == {"blog": set(), "desk": {22, 80, 3389}, "blog-2": {22, 80, 443}, "desk-2": {22, 80, 3389}}
    keys = {name: lightsail.get_instance(instanceName=name)["instance"]["sshKeyName"] for name in ("blog-2", "desk-2")}
    assert keys == {"blog-2": "ops-key", "desk-2": "LightsailDefaultKeyPair"}, "Windows always has the default key"


def test_an_instance_with_ipv6_only_has_no_public_ipv4_address(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.seed(
        [
            Seed(kind="Instance", name="six", bundle_id="nano_ipv6_3_0", ip_address_type="ipv6"),
            Seed(kind="InstanceSnapshot", name="six-1", source="six", state="available"),
        ]
    )

    restore(lightsail, ["six-2"], instanceSnapshotName="six-1", bundleId="nano_ipv6_3_0", ipAddressType="ipv6")

    made = lightsail.get_instance(instanceName="six-2")["instance"]
    assert (made["ipAddressType"], made.get("publicIpAddress"), len(made["ipv6Addresses"])) == ("ipv6", None, 1)


def test_a_bundle_that_is_not_sold_any_more_will_do(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.seed(
        [
            Seed(kind="Instance", name="old", bundle_id="nano_2_0"),
            Seed(kind="InstanceSnapshot", name="old-1", source="old", state="available"),
        ]
    )

    restore(lightsail, ["old-2"], instanceSnapshotName="old-1", bundleId="nano_2_0")
    restore(lightsail, ["old-3"], instanceSnapshotName="old-1", bundleId="nano_3_0")

    assert [each["bundleId"] for each in lightsail.get_instances()["instances"]] == ["nano_2_0", "nano_2_0", "nano_3_0"]


@pytest.mark.usefixtures("web")
def test_a_snapshot_of_a_system_volume_brings_no_server_back(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.seed([Seed(kind="DiskSnapshot", name="web-system-1", source="web", state="completed")])

    with refused("NotFoundException", "The InstanceSnapshot does not exist: web-system-1"):
        restore(lightsail, instanceSnapshotName="web-system-1")


# From what Lightsail keeps by itself


@pytest.mark.usefixtures("web")
def test_an_instance_comes_back_from_an_automatic_snapshot(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    lightsail.enable_add_on(resourceName="web", addOnRequest={"addOnType": "AutoSnapshot"})

    with refused("NotFoundException", "no automatic snapshot of web"):
        restore_from(lightsail, sourceInstanceName="web", useLatestRestorableAutoSnapshot=True)
    sandbox.advance(timedelta(days=2))
    with refused("NotFoundException", "no automatic snapshot of web of 2026-06-15"):
        restore_from(lightsail, sourceInstanceName="web", restoreDate="2026-06-15")
    assert len(restore_from(lightsail, sourceInstanceName="web", restoreDate="2026-06-16")) == 3

    for wrong in (
        {},
        {"sourceInstanceName": "web"},
        {"sourceInstanceName": "web", "restoreDate": "2026-06-16", "useLatestRestorableAutoSnapshot": True},
        {"sourceInstanceName": "web", "instanceSnapshotName": "web-1", "restoreDate": "2026-06-16"},
        {"instanceSnapshotName": "web-1", "restoreDate": "2026-06-16"},
    ):
        with refused("InvalidInputException", "give either instanceSnapshotName, or sourceInstanceName with"):
            restore_from(lightsail, **wrong)


def test_a_disk_comes_back_from_its_latest_automatic_snapshot(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.seed([Seed(kind="Disk", name="data", size_gb=64)])
    lightsail.enable_add_on(resourceName="data", addOnRequest={"addOnType": "AutoSnapshot"})
    sandbox.advance(timedelta(days=2))

    lightsail.create_disk_from_snapshot(
        diskName="data-2",
        sourceDiskName="data",
        useLatestRestorableAutoSnapshot=True,
        availabilityZone=ZONE,
        sizeInGb=64,
    )

    assert lightsail.get_disk(diskName="data-2")["disk"]["sizeInGb"] == 64


def test_a_database_comes_back_as_it_was_at_a_time(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.seed(
        [
            Seed(kind="RelationalDatabase", name="orders", created_at=NOON - timedelta(days=2)),
            Seed(kind="RelationalDatabase", name="wiki", backup_retention=False),
        ]
    )

    def restore(name: str, source: str, **time: Any) -> None:  # noqa: ANN401 - the parameters that a test is about
        lightsail.create_relational_database_from_snapshot(
            relationalDatabaseName=name, sourceRelationalDatabaseName=source, **time
        )

    restore("orders-2", "orders", restoreTime=NOON - timedelta(days=1))
    restore("orders-3", "orders", useLatestRestorableTime=True)
    with refused("InvalidInputException", "can be restored from 2026-06-13T12:00:00"):
        restore("orders-4", "orders", restoreTime=NOON - timedelta(days=3))
    with refused("OperationFailureException", "wiki has no native backups"):
        restore("wiki-2", "wiki", useLatestRestorableTime=True)

    names = [each["name"] for each in lightsail.get_relational_databases()["relationalDatabases"]]
    assert names == ["orders", "wiki", "orders-2", "orders-3"]


# Instances that do not come to life


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ("pending", ("Started", "pending", ("not-applicable", "not-applicable"))),
        ("error", ("Failed", "error", ("not-applicable", "not-applicable"))),
        ("initializing", ("Succeeded", "running", ("initializing", "initializing"))),
        ("impaired", ("Succeeded", "running", ("impaired", "ok"))),
    ],
)
@pytest.mark.usefixtures("web")
def test_a_restore_can_be_made_to_fail(
    sandbox: Sandbox, lightsail: "LightsailClient", end: InstanceEnd, outcome: object
) -> None:
    sandbox.add_faults(FaultRule(operation="CreateInstancesFromSnapshot", calls=(1,), effect=EndInstances(state=end)))

    [made, *_] = restore(lightsail)
    restore(lightsail, ["web-3"])
    sandbox.advance(timedelta(days=1))

    operation = lightsail.get_operation(operationId=made["id"])["operation"]
    assert (operation["status"], state(lightsail), health(lightsail)) == outcome
    assert (state(lightsail, "web-3"), health(lightsail, "web-3")) == ("running", ("ok", "ok"))


@pytest.mark.usefixtures("web")
def test_a_restore_that_fails_at_once_makes_nothing(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    before = sandbox.entries()
    sandbox.add_faults(FaultRule(operation="CreateInstancesFromSnapshot", effect=FailOperation()))

    statuses = {operation["status"] for operation in restore(lightsail)}

    assert statuses == {"Failed"}
    assert sandbox.entries() == before


@pytest.mark.usefixtures("web")
def test_a_fault_can_be_about_a_disk_that_is_to_be_made(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.add_faults(FaultRule(resource="data-2", effect=FailOperation()))
    mapping: Any = {"web-2": [{"originalDiskPath": "/dev/xvdf", "newDiskName": "data-2"}]}

    assert {operation["status"] for operation in restore(lightsail, attachedDiskMapping=mapping)} == {"Failed"}


@pytest.mark.usefixtures("web")
def test_a_restore_whose_answer_is_lost_has_happened(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.add_faults(FaultRule(operation="CreateInstancesFromSnapshot", calls=(1,), effect=LoseAnswer()))

    with pytest.raises(ConnectionClosedError):
        restore(lightsail)

    assert state(lightsail) == "pending"
    with refused("InvalidInputException", "Some names are already in use: web-2"):
        restore(lightsail)


# Disks


def test_a_disk_comes_back_empty_of_tags_and_at_least_as_large(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.seed(
        [
            Seed(kind="Disk", name="data", size_gb=64, tags={"backup": "daily"}),
            Seed(kind="DiskSnapshot", name="data-1", source="data", tags={"owner": "us"}, state="completed"),
        ]
    )

    with refused("InvalidInputException", "63 GB", "64 GB"):
        lightsail.create_disk_from_snapshot(
            diskName="data-2", diskSnapshotName="data-1", availabilityZone=ZONE, sizeInGb=63
        )
    [operation] = lightsail.create_disk_from_snapshot(
        diskName="data-2", diskSnapshotName="data-1", availabilityZone="eu-central-1b", sizeInGb=128
    )["operations"]

    made = lightsail.get_disk(diskName="data-2")["disk"]
    assert (operation["operationType"], operation["status"]) == ("CreateDiskFromSnapshot", "Started")
    assert (made["state"], made["sizeInGb"], made["tags"]) == ("pending", 128, [])
    assert made["location"]["availabilityZone"] == "eu-central-1b"
    sandbox.advance(timedelta(seconds=20))
    assert lightsail.get_disk(diskName="data-2")["disk"]["state"] == "available"
    assert lightsail.get_operation(operationId=operation["id"])["operation"]["status"] == "Succeeded"


def test_a_pending_disk_is_not_attached_and_a_far_one_neither(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.seed(
        [
            Seed(kind="Instance", name="web"),
            Seed(kind="DiskSnapshot", name="web-system-1", source="web", state="completed"),
        ]
    )
    for name, zone in (("near", ZONE), ("far", "eu-central-1b")):
        lightsail.create_disk_from_snapshot(
            diskName=name, diskSnapshotName="web-system-1", availabilityZone=zone, sizeInGb=40
        )

    with refused("OperationFailureException", "near is pending"):
        lightsail.attach_disk(diskName="near", instanceName="web", diskPath="/dev/xvdf")
    with refused("OperationFailureException", "near is pending"):
        lightsail.delete_disk(diskName="near")
    sandbox.advance(timedelta(minutes=1))
    with refused("InvalidInputException", "eu-central-1b"):
        lightsail.attach_disk(diskName="far", instanceName="web", diskPath="/dev/xvdf")
    lightsail.attach_disk(diskName="near", instanceName="web", diskPath="/dev/xvdf")

    assert lightsail.get_disk(diskName="near")["disk"]["isSystemDisk"] is False, "a system volume comes back as a disk"


def test_a_disk_snapshot_that_is_not_completed_restores_nothing(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.seed([Seed(kind="Disk", name="data", size_gb=8)])
    lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-1")

    with refused("OperationFailureException", "not completed but pending"):
        lightsail.create_disk_from_snapshot(
            diskName="data-2", diskSnapshotName="data-1", availabilityZone=ZONE, sizeInGb=8
        )


# Databases


def restore_database(lightsail: "LightsailClient", name: str = "orders-2", **more: Any) -> Any:  # noqa: ANN401 - an operation
    [operation] = lightsail.create_relational_database_from_snapshot(
        **{"relationalDatabaseName": name, "relationalDatabaseSnapshotName": "orders-1"} | more
    )["operations"]
    return operation


@pytest.fixture
def orders(sandbox: Sandbox) -> None:
    """A database that is reachable from everywhere, and a snapshot of it."""
    sandbox.seed(
        [
            Seed(kind="RelationalDatabase", name="orders", bundle_id="small_2_0", publicly_accessible=True),
            Seed(kind="RelationalDatabaseSnapshot", name="orders-1", source="orders", state="available"),
        ]
    )


@pytest.mark.usefixtures("orders")
def test_a_restored_database_is_another_one(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    operation = restore_database(lightsail, tags=[{"key": "drill"}])

    def get(name: str) -> Any:  # noqa: ANN401 - a database
        return lightsail.get_relational_database(relationalDatabaseName=name)["relationalDatabase"]

    made, source = get("orders-2"), get("orders")
    assert (operation["operationType"], operation["status"]) == ("CreateRelationalDatabaseFromSnapshot", "Started")
    assert (made["state"], made["publiclyAccessible"], source["publiclyAccessible"]) == ("creating", False, True)
    assert (made["relationalDatabaseBundleId"], made["engine"], made["tags"]) == (
        "small_2_0",
        "mysql",
        [{"key": "drill"}],
    )
    assert made["masterUsername"] == source["masterUsername"]
    assert made["masterEndpoint"] != source["masterEndpoint"]
    passwords = {
        lightsail.get_relational_database_master_user_password(relationalDatabaseName=name)["masterUserPassword"]
        for name in ("orders", "orders-2")
    }
    assert len(passwords) == 2
    sandbox.advance(timedelta(minutes=5))
    assert lightsail.get_operation(operationId=operation["id"])["operation"]["status"] == "Succeeded"
    assert get("orders-2")["state"] == "creating", "the operation may end before the database can be used"
    sandbox.advance(timedelta(minutes=5))
    assert get("orders-2")["state"] == "available"


@pytest.mark.usefixtures("orders")
def test_a_database_is_restored_into_a_larger_bundle_and_not_into_a_smaller_one(lightsail: "LightsailClient") -> None:
    with refused("InvalidInputException", "micro_2_0 is smaller than small_2_0"):
        restore_database(lightsail, relationalDatabaseBundleId="micro_2_0")
    with refused("InvalidInputException", "huge_1_0"):
        restore_database(lightsail, relationalDatabaseBundleId="huge_1_0")
    with refused("InvalidInputException", "us-east-1a"):
        restore_database(lightsail, availabilityZone="us-east-1a")
    with refused("InvalidInputException", "orders"):
        restore_database(lightsail, "orders")

    restore_database(lightsail, relationalDatabaseBundleId="medium_ha_2_0", publiclyAccessible=True)

    made = lightsail.get_relational_database(relationalDatabaseName="orders-2")["relationalDatabase"]
    assert (made["hardware"]["diskSizeInGb"], made["publiclyAccessible"]) == (120, True)
    assert made["secondaryAvailabilityZone"] == "eu-central-1b"


@pytest.mark.usefixtures("orders")
def test_a_database_that_is_being_created_is_not_backed_up(lightsail: "LightsailClient") -> None:
    restore_database(lightsail)

    with refused("OperationFailureException", "creating"):
        lightsail.create_relational_database_snapshot(
            relationalDatabaseName="orders-2", relationalDatabaseSnapshotName="orders-2-1"
        )
