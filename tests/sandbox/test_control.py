from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from lightsail_sandbox.client import Options, Sandbox, SandboxError, Seed, running_sandbox
from tests.support.asking import REGION, add_disk, refused
from tests.support.keeper import NOON

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient

pytestmark = pytest.mark.usefixtures("over_http")


def test_the_clock_stands_still_where_it_is_set_until_it_is_moved(sandbox: Sandbox) -> None:
    assert sandbox.now() == NOON
    assert sandbox.advance(timedelta(hours=1)) == NOON + timedelta(hours=1)
    assert sandbox.now() == NOON + timedelta(hours=1)


def test_the_clock_can_go_back_to_real_time(sandbox: Sandbox) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)  # noqa: TID251 - real time is what this test is about

    assert sandbox.set_time(None) >= before


def test_a_time_without_offset_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="offset"):
        sandbox.set_time(NOON.replace(tzinfo=None))


def test_options_are_changed_one_by_one(sandbox: Sandbox) -> None:
    assert sandbox.set_options(page_size=7) == Options(page_size=7)
    assert sandbox.set_options(snapshot_seconds=60) == Options(page_size=7, snapshot_seconds=60)


def test_an_impossible_option_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="at least 1"):
        sandbox.set_options(page_size=0)
    with pytest.raises(SandboxError, match="boot_seconds is -1, but time does not run backwards"):
        sandbox.set_options(boot_seconds=-1)
    with pytest.raises(SandboxError, match="vcpu_quota is -1"):
        sandbox.set_options(vcpu_quota=-1)
    assert sandbox.options() == Options()


def test_every_call_is_recorded_in_order(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    sandbox.advance(timedelta(minutes=1))
    with refused("NotFoundException"):
        lightsail.delete_disk(diskName="gone")

    [create, get, delete] = sandbox.calls()
    assert [call.number for call in (create, get, delete)] == [1, 2, 3]
    assert (create.operation, create.region, create.at) == ("CreateDisk", REGION, NOON)
    assert create.parameters["diskName"] == "data"
    assert (create.status, create.error, create.answer, create.items, create.more) == (200, None, "sent", None, None)
    assert create.access_key_id == "sandbox"
    assert (delete.status, delete.error, delete.took_effect) == (404, "NotFoundException", False)
    assert delete.at == NOON + timedelta(minutes=1)
    assert delete.duration_ms > 0
    assert sandbox.calls(after=2) == (delete,)


def test_the_record_can_be_cleared(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    lightsail.get_disks()
    sandbox.clear_calls()
    lightsail.get_instances()

    assert [(call.number, call.operation) for call in sandbox.calls()] == [(1, "GetInstances")]


def test_latency_delays_the_answer(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.set_options(latency_seconds=0.05)
    lightsail.get_disks()

    assert sandbox.calls()[0].duration_ms >= 50


def test_seeds_are_as_old_and_in_the_state_they_are_given(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    last_year = NOON - timedelta(days=365)
    [disk_arn, instance_arn, *_] = sandbox.seed(
        [
            Seed(kind="Disk", name="data", tags={"backup": "", "aws:cloudformation:stack-name": "prod"}, size_gb=64),
            Seed(kind="Instance", name="web"),
            Seed(kind="Disk", name="logs", attached_to="web"),
            Seed(kind="DiskSnapshot", name="data-1", source="data", created_at=last_year),
            Seed(kind="DiskSnapshot", name="web-system", source="web", state="error"),
            Seed(kind="InstanceSnapshot", name="web-1", source="web", created_at=NOON),
        ]
    )

    assert lightsail.get_disk(diskName="data")["disk"]["tags"] == [
        {"key": "backup"},
        {"key": "aws:cloudformation:stack-name", "value": "prod"},
    ]
    assert lightsail.get_disk(diskName="logs")["disk"]["attachedTo"] == "web"
    [of_data, of_system] = lightsail.get_disk_snapshots()["diskSnapshots"]
    assert (of_data["createdAt"], of_data["state"], of_data["sizeInGb"]) == (last_year, "completed", 64)
    assert of_data["fromDiskArn"] == disk_arn
    assert (of_system["fromInstanceArn"], of_system["state"]) == (instance_arn, "error")
    [of_web] = lightsail.get_instance_snapshots()["instanceSnapshots"]
    assert (of_web["state"], [disk["name"] for disk in of_web["fromAttachedDisks"]]) == ("pending", ["logs"])


def test_a_server_can_be_seeded_as_one_wants_it(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.seed(
        [
            Seed(kind="KeyPair", name="ops-key", tags={"team": "ops"}),
            Seed(
                kind="Instance",
                name="desk",
                zone="eu-central-1b",
                blueprint_id="windows_server_2022",
                bundle_id="small_win_3_0",
                firewall=[{"protocol": "tcp", "fromPort": 3389, "toPort": 3389, "cidrs": ["203.0.113.0/24"]}],
                metadata_options={"httpTokens": "required", "httpPutResponseHopLimit": 2},
            ),
            Seed(kind="Instance", name="blog", blueprint_id="wordpress", key_pair="ops-key"),
            Seed(kind="Instance", name="six", bundle_id="nano_ipv6_3_0", ip_address_type="ipv6"),
            Seed(kind="Disk", name="data", attached_to="blog"),
            Seed(kind="Disk", name="logs", attached_to="blog"),
            Seed(kind="StaticIp", name="front", attached_to="blog"),
        ]
    )

    desk, blog, six = lightsail.get_instances()["instances"]
    assert (desk["username"], desk["location"]["availabilityZone"]) == ("Administrator", "eu-central-1b")
    assert [(port["fromPort"], port["cidrs"]) for port in desk["networking"]["ports"]] == [(3389, ["203.0.113.0/24"])]
    assert (desk["metadataOptions"]["httpTokens"], desk["metadataOptions"]["httpPutResponseHopLimit"]) == (
        "required",
        2,
    )
    assert (blog["sshKeyName"], blog["isStaticIp"], blog["state"]["name"]) == ("ops-key", True, "running")
    assert [disk["path"] for disk in blog["hardware"]["disks"]] == ["/dev/xvda", "/dev/xvdf", "/dev/xvdg"]
    assert (six["ipAddressType"], "publicIpAddress" in six) == ("ipv6", False)
    assert lightsail.get_key_pair(keyPairName="ops-key")["keyPair"]["tags"] == [{"key": "team", "value": "ops"}]


def test_a_snapshot_can_be_seeded_whose_source_is_gone(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    gone = "arn:aws:lightsail:eu-central-1:123456789012:Disk/00000000-0000-4000-8000-000000000000"

    sandbox.seed([Seed(kind="DiskSnapshot", name="orphan-1", source="gone", source_arn=gone)])

    [orphan] = lightsail.get_disk_snapshots()["diskSnapshots"]
    assert (orphan["fromDiskName"], orphan["fromDiskArn"]) == ("gone", gone)
    assert lightsail.get_disks()["disks"] == []


def test_a_database_can_be_seeded_as_one_wants_it(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    last_year, stalled = NOON - timedelta(days=365), NOON - timedelta(days=2, minutes=1)
    database_arn, *_ = sandbox.seed(
        [
            Seed(
                kind="RelationalDatabase",
                name="orders",
                created_at=last_year,
                tags={"backup": "daily"},
                blueprint_id="postgres_12",
                bundle_id="small_ha_2_0",
                backup_window="16:00-16:30",
                restorable_until=stalled,
            ),
            Seed(kind="RelationalDatabase", name="wiki", size_gb=99, backup_retention=False),
            Seed(kind="RelationalDatabaseSnapshot", name="orders-1", source="orders", created_at=last_year),
            Seed(kind="RelationalDatabaseSnapshot", name="orders-2", source="orders", state="failed"),
        ]
    )

    [orders, wiki] = lightsail.get_relational_databases()["relationalDatabases"]
    assert (orders["createdAt"], orders["tags"]) == (last_year, [{"key": "backup", "value": "daily"}])
    assert (orders["engine"], orders["engineVersion"]) == ("postgres", "12")
    assert (orders["secondaryAvailabilityZone"], orders["preferredBackupWindow"]) == ("eu-central-1b", "16:00-16:30")
    assert orders["latestRestorableTime"] == NOON - timedelta(days=2, minutes=5)
    assert (wiki["backupRetentionEnabled"], wiki["hardware"]["diskSizeInGb"]) == (False, 99)
    [old, failed] = lightsail.get_relational_database_snapshots()["relationalDatabaseSnapshots"]
    assert (old["createdAt"], old["state"], old["sizeInGb"]) == (last_year, "available", 80)
    assert (old["fromRelationalDatabaseArn"], failed["state"]) == (database_arn, "failed")


def test_a_snapshot_of_a_database_can_be_seeded_whose_database_is_gone(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    gone = f"arn:aws:lightsail:{REGION}:123456789012:RelationalDatabase/00000000-0000-4000-8000-000000000000"

    sandbox.seed([Seed(kind="RelationalDatabaseSnapshot", name="orphan-1", source="gone", source_arn=gone)])

    [orphan] = lightsail.get_relational_database_snapshots()["relationalDatabaseSnapshots"]
    assert (orphan["fromRelationalDatabaseName"], orphan["fromRelationalDatabaseArn"]) == ("gone", gone)
    assert lightsail.get_relational_databases()["relationalDatabases"] == []


def test_a_checkpoint_knows_which_database_is_being_backed_up(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.seed([Seed(kind="RelationalDatabase", name="orders")])
    sandbox.seed([Seed(kind="RelationalDatabaseSnapshot", name="orders-1", source="orders")])
    sandbox.checkpoint()

    for _ in range(2):
        [busy] = lightsail.get_relational_databases()["relationalDatabases"]
        lightsail.delete_relational_database_snapshot(relationalDatabaseSnapshotName="orders-1")
        [free] = lightsail.get_relational_databases()["relationalDatabases"]
        sandbox.restore()
        assert (busy["state"], free["state"]) == ("backing-up", "available")


def test_a_checkpoint_can_be_gone_back_to_again_and_again(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.seed([Seed(kind="Disk", name="data", tags={"backup": ""})])
    sandbox.checkpoint()
    before = sandbox.entries()
    arns = set()

    for _ in range(2):
        sandbox.advance(timedelta(hours=1))
        lightsail.tag_resource(resourceName="data", tags=[{"key": "by", "value": "hand"}])
        lightsail.create_disk_snapshot(diskSnapshotName="data-1", diskName="data")
        sandbox.seed([Seed(kind="Disk", name="far", region="us-east-1")])
        arns.add(lightsail.get_disk_snapshot(diskSnapshotName="data-1")["diskSnapshot"]["arn"])
        sandbox.restore()

        assert sandbox.entries() == before
        assert sandbox.now() == NOON
    assert len(arns) == 1, "even identifiers come again"


def test_without_a_checkpoint_there_is_no_way_back() -> None:
    with running_sandbox() as fresh, pytest.raises(SandboxError, match="no checkpoint"):
        fresh.restore()


def test_all_there_is_can_be_seen_at_once(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    seeds = [
        Seed(kind="Disk", name="data", tags={"backup": ""}),
        Seed(kind="DiskSnapshot", name="data-1", source="data", created_at=NOON, tags={"by": "hand"}),
        Seed(kind="Instance", name="far", region="us-east-1"),
    ]
    [data, snapshot, far] = sandbox.seed(seeds)
    lightsail.delete_disk(diskName="data")
    sandbox.clear_calls()

    entries = {entry.arn: entry for entry in sandbox.entries()}

    assert set(entries) == {snapshot, far}
    assert (entries[snapshot].tags, entries[snapshot].state) == ({"by": "hand"}, "pending")
    assert (entries[snapshot].source_name, entries[snapshot].source_arn) == ("data", data)
    assert (entries[far].region, entries[far].state, entries[far].created_at) == ("us-east-1", None, NOON)
    assert sandbox.calls() == ()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Seed(kind="Disk", name="data"), "already in use: data"),
        (Seed(kind="DiskSnapshot", name="gone-1", source="gone"), "does not exist: gone"),
        (Seed(kind="DiskSnapshot", name="data-1"), "without a source"),
        (Seed(kind="InstanceSnapshot", name="data-1", source="data"), "its source data is a Disk"),
        (Seed(kind="DiskSnapshot", name="db-1", source="db"), "its source db is a RelationalDatabase"),
        (Seed(kind="RelationalDatabaseSnapshot", name="data-1", source="data"), "its source data is a Disk"),
        (Seed(kind="RelationalDatabase", name="late", backup_window="16:00"), "Invalid preferredBackupWindow: '16:00'"),
        (Seed(kind="Database", name="wrong"), "expected Disk, .* or KeyPair"),  # type: ignore[arg-type] # what this is about
        (Seed(kind="Disk", name="far", region="mars-north-1"), "mars-north-1"),
        (Seed(kind="Disk", name="logs", attached_to="gone"), "does not exist: gone"),
        (Seed(kind="Instance", name="web", key_pair="gone-key"), "does not exist: gone-key"),
        (Seed(kind="Instance", name="web", firewall=[{"protocol": "tcp"}]), "Invalid ports of tcp"),
        (Seed(kind="Instance", name="web", metadata_options={"httpTokens": "maybe"}), "Invalid metadata options"),
        (Seed(kind="Instance", name="web", zone="us-east-1a"), "Invalid availability zone: 'us-east-1a'"),
    ],
)
def test_a_wrong_seed_refuses_the_lot(sandbox: Sandbox, lightsail: "LightsailClient", wrong: Seed, words: str) -> None:
    with pytest.raises(SandboxError, match=words):
        sandbox.seed([Seed(kind="Disk", name="data"), Seed(kind="RelationalDatabase", name="db"), wrong])

    assert lightsail.get_disks()["disks"] == []


def test_a_reset_empties_the_sandbox_and_repeats_its_ids(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    first = add_disk(lightsail)

    sandbox.reset()

    assert lightsail.get_disks()["disks"] == []
    assert [call.operation for call in sandbox.calls()] == ["GetDisks"]
    assert add_disk(lightsail) == first


def test_the_reset_of_moto_resets_the_sandbox(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    address = urlsplit(sandbox.url)
    connection = HTTPConnection(address.hostname or "", address.port)

    connection.request("POST", "/moto-api/reset")

    assert connection.getresponse().status == 200
    connection.close()
    assert lightsail.get_disks()["disks"] == []
    assert len(sandbox.calls()) == 1


def test_an_unknown_control_route_is_refused(sandbox: Sandbox) -> None:
    address = urlsplit(sandbox.url)
    connection = HTTPConnection(address.hostname or "", address.port)

    connection.request("GET", "/sandbox/weather")

    response = connection.getresponse()
    assert response.status == 404
    assert b"The sandbox has no GET /sandbox/weather." in response.read()
    connection.close()


def test_thirty_two_clients_at_once_create_one_snapshot_each_and_never_the_same(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail)

    def create(number: int) -> str | None:
        try:
            lightsail.create_disk_snapshot(diskName="data", diskSnapshotName=f"data-{number // 2}")
        except lightsail.exceptions.InvalidInputException as error:
            return error.response["Error"]["Code"]
        return None

    with ThreadPoolExecutor(32) as pool:
        errors = list(pool.map(create, range(64)))

    assert errors.count(None) == 32
    assert len(lightsail.get_disk_snapshots()["diskSnapshots"]) == 32
    assert [call.number for call in sandbox.calls()] == list(range(1, 68))
