"""Relational databases and their snapshots: what Lightsail shows of them, what it does, and what it refuses."""

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lightsail_sandbox.client import EndSnapshots, ErrorAnswer, FailOperation, FaultRule, Sandbox, SandboxError, Seed
from tests.support.asking import LONG_ENOUGH, REGION, ZONE, add_database, add_disk, make_client, refused
from tests.support.keeper import NOON

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient
    from mypy_boto3_lightsail.type_defs import OperationTypeDef, RelationalDatabaseTypeDef

    from lightsail_sandbox.seeds import Kind, SnapshotState

_SINGLE_ZONE, _HIGHLY_AVAILABLE = "micro_2_0", "micro_ha_2_0"
_TWO_MINUTES = timedelta(minutes=2)  # as long as a snapshot takes


def _database(lightsail: "LightsailClient", name: str = "orders") -> "RelationalDatabaseTypeDef":
    return lightsail.get_relational_database(relationalDatabaseName=name)["relationalDatabase"]


def _update(lightsail: "LightsailClient", **changes: Any) -> None:  # noqa: ANN401 - the parameters that a test is about
    lightsail.update_relational_database(relationalDatabaseName="orders", **changes)


def _take(lightsail: "LightsailClient", name: str = "orders-1", **more: Any) -> list["OperationTypeDef"]:  # noqa: ANN401 - the parameters that a test is about
    return lightsail.create_relational_database_snapshot(
        **{"relationalDatabaseName": "orders", "relationalDatabaseSnapshotName": name} | more
    )["operations"]


def _states(lightsail: "LightsailClient") -> dict[str, str]:
    snapshots = lightsail.get_relational_database_snapshots()["relationalDatabaseSnapshots"]
    return {snapshot["name"]: snapshot["state"] for snapshot in snapshots}


# Databases


def test_a_new_database_is_there_with_all_that_aws_shows(lightsail: "LightsailClient") -> None:
    add_database(lightsail, backup="daily")

    [database] = lightsail.get_relational_databases()["relationalDatabases"]
    assert database["arn"].startswith("arn:aws:lightsail:eu-central-1:123456789012:RelationalDatabase/")
    assert (database["name"], database["resourceType"], database["createdAt"]) == ("orders", "RelationalDatabase", NOON)
    assert database["tags"] == [{"key": "backup", "value": "daily"}]
    assert database["location"] == {"availabilityZone": ZONE, "regionName": REGION}
    assert (database["state"], database["engine"], database["engineVersion"]) == ("available", "mysql", "8.0")
    assert database["relationalDatabaseBlueprintId"] == "mysql_8_0"
    assert database["relationalDatabaseBundleId"] == "micro_2_0"
    assert database["hardware"] == {"cpuCount": 2, "diskSizeInGb": 40, "ramSizeInGb": 1.0}
    assert (database["masterDatabaseName"], database["masterUsername"]) == ("shop", "admin")
    assert database["backupRetentionEnabled"]
    assert database["preferredBackupWindow"] == "10:01-10:31"
    assert database["masterEndpoint"]["port"] == 3306


def test_a_highly_available_database_has_a_second_zone_and_another_has_none(lightsail: "LightsailClient") -> None:
    add_database(lightsail, "alone", _SINGLE_ZONE)
    add_database(lightsail, "twice", _HIGHLY_AVAILABLE)

    assert "secondaryAvailabilityZone" not in _database(lightsail, "alone")
    twice = _database(lightsail, "twice")
    assert (twice["location"]["availabilityZone"], twice["secondaryAvailabilityZone"]) == (ZONE, "eu-central-1b")


def test_a_database_can_be_brought_back_to_five_minutes_ago_while_native_backups_are_on(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    sandbox.set_time(NOON + timedelta(minutes=2))
    add_database(lightsail)
    assert "latestRestorableTime" not in _database(lightsail)
    sandbox.set_time(NOON + timedelta(minutes=9))
    assert _database(lightsail)["latestRestorableTime"] == NOON + timedelta(minutes=5)

    _update(lightsail, disableBackupRetention=True, applyImmediately=True)
    without = _database(lightsail)
    assert (without["backupRetentionEnabled"], "latestRestorableTime" in without) == (False, False)

    _update(lightsail, enableBackupRetention=True)
    again = _database(lightsail)
    assert (again["backupRetentionEnabled"], "latestRestorableTime" in again) == (True, False)
    sandbox.set_time(NOON + timedelta(minutes=11))
    _update(lightsail, enableBackupRetention=True)  # which it is already
    assert _database(lightsail)["latestRestorableTime"] == NOON + timedelta(minutes=10)


def test_the_backup_window_can_be_moved_and_that_leaves_native_backups_as_they_are(
    lightsail: "LightsailClient",
) -> None:
    add_database(lightsail)

    seen = []
    for changes in (
        {"preferredBackupWindow": "23:45-00:15"},
        {"preferredBackupWindow": "01:00-01:30", "disableBackupRetention": True},
        {"preferredBackupWindow": "02:00-02:30"},
    ):
        _update(lightsail, **changes)
        database = _database(lightsail)
        seen.append((database["preferredBackupWindow"], database["backupRetentionEnabled"]))

    assert seen == [("23:45-00:15", True), ("01:00-01:30", False), ("02:00-02:30", False)]


@pytest.mark.parametrize("window", ["16:00", "16:00-16:29", "16:00-16:00", "24:00-24:30", "16:00-16:60", "4:00-5:00"])
def test_a_backup_window_is_half_an_hour_at_least(lightsail: "LightsailClient", window: str) -> None:
    add_database(lightsail)

    with refused("InvalidInputException", "preferredBackupWindow", window):
        _update(lightsail, preferredBackupWindow=window)
    with refused("InvalidInputException", "preferredBackupWindow", window):
        lightsail.create_relational_database(
            relationalDatabaseName="other",
            relationalDatabaseBlueprintId="mysql_8_0",
            relationalDatabaseBundleId="micro_2_0",
            masterDatabaseName="shop",
            masterUsername="admin",
            preferredBackupWindow=window,
        )

    [database] = lightsail.get_relational_databases()["relationalDatabases"]
    assert (database["name"], database["preferredBackupWindow"]) == ("orders", "10:01-10:31")


def test_an_update_that_contradicts_itself_or_that_the_sandbox_has_not_changes_nothing(
    lightsail: "LightsailClient",
) -> None:
    add_database(lightsail)

    with refused("InvalidInputException", "enableBackupRetention", "disableBackupRetention"):
        _update(lightsail, enableBackupRetention=True, disableBackupRetention=True)
    with refused("InvalidInputException", "rotateMasterUserPassword"):
        _update(lightsail, disableBackupRetention=True, rotateMasterUserPassword=True)
    with refused("NotFoundException", "gone"):
        lightsail.update_relational_database(relationalDatabaseName="gone", disableBackupRetention=True)

    assert _database(lightsail)["backupRetentionEnabled"]


@pytest.mark.parametrize("name", ["a", "-orders", "or_ders", "or.ders", "d" * 256])
def test_the_name_of_a_database_or_its_snapshot_has_letters_digits_and_hyphens(
    lightsail: "LightsailClient", name: str
) -> None:
    add_database(lightsail)

    with refused("InvalidInputException", "name", name):
        add_database(lightsail, name)
    with refused("InvalidInputException", "name", name):
        _take(lightsail, name)


def test_names_are_shared_with_all_other_kinds(lightsail: "LightsailClient") -> None:
    add_database(lightsail, bundle=_HIGHLY_AVAILABLE)
    add_disk(lightsail)
    _take(lightsail)

    for name in ("orders", "orders-1"):
        with refused("InvalidInputException", f"Some names are already in use: {name}"):
            add_disk(lightsail, name)
    for name in ("data", "orders", "orders-1"):
        with refused("InvalidInputException", f"Some names are already in use: {name}"):
            add_database(lightsail, name)
        with refused("InvalidInputException", f"Some names are already in use: {name}"):
            _take(lightsail, name)
    assert _states(lightsail) == {"orders-1": "creating"}


def test_lightsail_takes_no_automatic_snapshots_of_a_database(lightsail: "LightsailClient") -> None:
    add_database(lightsail)

    with refused("NotFoundException", "orders"):
        lightsail.get_auto_snapshots(resourceName="orders")
    with refused("NotFoundException", "orders"):
        lightsail.enable_add_on(resourceName="orders", addOnRequest={"addOnType": "AutoSnapshot"})


# Snapshots


def test_a_snapshot_is_being_created_and_then_available(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    arn = add_database(lightsail, backup="daily")
    _take(lightsail, tags=[{"key": "slot", "value": "1"}])

    [snapshot] = lightsail.get_relational_database_snapshots()["relationalDatabaseSnapshots"]
    assert snapshot["arn"].startswith("arn:aws:lightsail:eu-central-1:123456789012:RelationalDatabaseSnapshot/")
    assert (snapshot["state"], snapshot["createdAt"], snapshot["sizeInGb"]) == ("creating", NOON, 40)
    assert (snapshot["engine"], snapshot["engineVersion"]) == ("mysql", "8.0")
    assert (snapshot["fromRelationalDatabaseName"], snapshot["fromRelationalDatabaseArn"]) == ("orders", arn)
    assert snapshot["fromRelationalDatabaseBlueprintId"] == "mysql_8_0"
    assert snapshot["fromRelationalDatabaseBundleId"] == "micro_2_0"
    assert snapshot["tags"] == [{"key": "slot", "value": "1"}], "nothing is inherited"
    assert snapshot["location"] == {"availabilityZone": "all", "regionName": REGION}
    assert not {"progress", "isFromAutoSnapshot"} & set(snapshot)

    sandbox.advance(_TWO_MINUTES)
    one = lightsail.get_relational_database_snapshot(relationalDatabaseSnapshotName="orders-1")
    assert one["relationalDatabaseSnapshot"]["state"] == "available"


def test_a_create_answers_with_an_operation_on_the_snapshot_and_one_on_the_database(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_database(lightsail)

    operations = _take(lightsail)

    assert [(each["resourceType"], each["resourceName"], each["operationDetails"]) for each in operations] == [
        ("RelationalDatabaseSnapshot", "orders-1", "orders"),
        ("RelationalDatabase", "orders", "orders-1"),
    ]
    assert {(each["operationType"], each["status"]) for each in operations} == {
        ("CreateRelationalDatabaseSnapshot", "Started")
    }
    sandbox.advance(_TWO_MINUTES)
    later = lightsail.get_operations_for_resource(resourceName="orders-1")["operations"]
    assert [(each["status"], each["isTerminal"]) for each in later] == [("Succeeded", True)]


def test_a_database_in_one_zone_is_backed_up_until_its_snapshot_is_available(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_database(lightsail, bundle=_SINGLE_ZONE)
    _take(lightsail)

    sandbox.advance(_TWO_MINUTES - timedelta(seconds=1))
    assert _database(lightsail)["state"] == "backing-up"
    with refused("OperationFailureException", "orders", "backing-up"):
        _take(lightsail, "orders-2")
    with refused("OperationFailureException", "orders", "backing-up"):
        _update(lightsail, disableBackupRetention=True)
    sandbox.advance(timedelta(seconds=1))
    assert _database(lightsail)["state"] == "available"
    _take(lightsail, "orders-2")

    assert _states(lightsail) == {"orders-1": "available", "orders-2": "creating"}


def test_a_highly_available_database_stays_available(lightsail: "LightsailClient") -> None:
    add_database(lightsail, bundle=_HIGHLY_AVAILABLE)
    _take(lightsail)

    assert _database(lightsail)["state"] == "available"
    _take(lightsail, "orders-2")
    assert _states(lightsail) == {"orders-1": "creating", "orders-2": "creating"}


def test_a_database_is_free_when_its_running_snapshot_is_deleted(lightsail: "LightsailClient") -> None:
    add_database(lightsail)
    _take(lightsail)

    [operation] = lightsail.delete_relational_database_snapshot(relationalDatabaseSnapshotName="orders-1")["operations"]

    assert (operation["operationType"], operation["status"]) == ("DeleteRelationalDatabaseSnapshot", "Succeeded")
    assert (_states(lightsail), _database(lightsail)["state"]) == ({}, "available")


@pytest.mark.parametrize("state", ["creating", "modifying", "stopped", "failed", "never-heard-of"])
def test_of_a_database_that_is_not_available_no_snapshot_is_taken(
    sandbox: Sandbox, lightsail: "LightsailClient", state: str
) -> None:
    add_database(lightsail, bundle=_HIGHLY_AVAILABLE)
    sandbox.set_database_state(REGION, "orders", state)
    sandbox.clear_calls()

    assert _database(lightsail)["state"] == state
    with refused("OperationFailureException", "orders", f"not available but {state}"):
        _take(lightsail)
    assert (_states(lightsail), sandbox.calls()[1].took_effect) == ({}, False)
    sandbox.set_database_state(REGION, "orders", None)
    _take(lightsail)


def test_what_is_wrong_with_a_request_is_said_before_anything_about_the_state(lightsail: "LightsailClient") -> None:
    add_database(lightsail)
    _take(lightsail)

    with refused("InvalidInputException", "Some names are already in use: orders-1"):
        _take(lightsail)


def test_only_a_database_has_the_state_of_one(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail)

    with pytest.raises(SandboxError, match="RelationalDatabase does not exist: data"):
        sandbox.set_database_state(REGION, "data", "stopped")


def test_what_is_not_there_is_not_found(lightsail: "LightsailClient") -> None:
    add_disk(lightsail)

    for name in ("gone", "data"):
        with refused("NotFoundException", f"RelationalDatabase does not exist: {name}"):
            _take(lightsail, "new-1", relationalDatabaseName=name)
        with refused("NotFoundException", f"RelationalDatabase does not exist: {name}"):
            lightsail.get_relational_database(relationalDatabaseName=name)
        with refused("NotFoundException", f"RelationalDatabaseSnapshot does not exist: {name}"):
            lightsail.get_relational_database_snapshot(relationalDatabaseSnapshotName=name)
        with refused("NotFoundException", f"RelationalDatabaseSnapshot does not exist: {name}"):
            lightsail.delete_relational_database_snapshot(relationalDatabaseSnapshotName=name)


@pytest.mark.parametrize(
    ("end", "after"),
    [
        ("error", ("failed", "Failed", "available")),
        ("unknown", ("unknown", "Succeeded", "available")),
        ("pending", ("creating", "Started", "backing-up")),
    ],
)
def test_a_snapshot_ends_as_scripted(
    sandbox: Sandbox, lightsail: "LightsailClient", end: "SnapshotState", after: tuple[str, str, str]
) -> None:
    add_database(lightsail)
    sandbox.add_faults(FaultRule(operation="CreateRelationalDatabaseSnapshot", effect=EndSnapshots(state=end)))  # type: ignore[arg-type] # pytest's parameters are plain
    [operation, _] = _take(lightsail)
    assert _states(lightsail) == {"orders-1": "creating"}

    sandbox.advance(timedelta(days=30))

    later = lightsail.get_operation(operationId=operation["id"])["operation"]
    assert (_states(lightsail)["orders-1"], later["status"], _database(lightsail)["state"]) == after


def test_a_snapshot_that_is_stuck_keeps_its_database_busy_whatever_came_after_it(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    last_month = NOON - timedelta(days=30)
    sandbox.seed([Seed(kind="RelationalDatabase", name="orders", created_at=last_month)])
    kind: Kind = "RelationalDatabaseSnapshot"
    sandbox.seed(
        [
            Seed(kind=kind, name="stuck", source="orders", created_at=last_month, state="pending"),
            Seed(kind=kind, name="orders-1", source="orders", created_at=NOON - timedelta(days=1)),
        ]
    )

    assert _states(lightsail) == {"stuck": "creating", "orders-1": "available"}
    assert _database(lightsail)["state"] == "backing-up"


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("pending", "creating"),
        ("creating", "creating"),
        ("completed", "available"),
        ("available", "available"),
        ("error", "failed"),
        ("failed", "failed"),
        ("unknown", "unknown"),
    ],
)
def test_a_test_can_give_a_snapshot_any_state_in_any_kind_s_word(
    sandbox: Sandbox, lightsail: "LightsailClient", word: "SnapshotState", state: str
) -> None:
    add_database(lightsail)
    _take(lightsail)

    sandbox.set_snapshot_state(REGION, "orders-1", word)

    assert _states(lightsail) == {"orders-1": state}
    assert _database(lightsail)["state"] == ("backing-up" if state == "creating" else "available")


def test_a_disk_s_snapshot_says_it_in_its_own_words(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.seed(
        [
            Seed(kind="Disk", name="data"),
            Seed(kind="DiskSnapshot", name="data-1", source="data", state="failed"),
            Seed(kind="DiskSnapshot", name="data-2", source="data", state="creating"),
        ]
    )

    states = [snapshot["state"] for snapshot in lightsail.get_disk_snapshots()["diskSnapshots"]]
    assert states == ["error", "pending"]


# Deletion


def test_a_deleted_database_leaves_a_final_snapshot_behind(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    arn = add_database(lightsail, backup="daily")
    final = f"orders-FinalSnapshot-{int(NOON.timestamp())}000"

    operations = lightsail.delete_relational_database(relationalDatabaseName="orders")["operations"]

    assert [(each["operationType"], each["resourceName"], each.get("operationDetails")) for each in operations] == [
        ("DeleteRelationalDatabase", "orders", None),
        ("CreateRelationalDatabaseSnapshot", "orders", final),
        ("CreateRelationalDatabaseSnapshot", final, "orders"),
    ]
    sandbox.advance(LONG_ENOUGH)
    [entry] = sandbox.entries()
    assert (entry.kind, entry.name, entry.state) == ("RelationalDatabaseSnapshot", final, "available")
    assert (entry.source_name, entry.source_arn, entry.tags) == ("orders", arn, {})
    assert lightsail.get_relational_databases()["relationalDatabases"] == []


def test_the_final_snapshot_can_be_given_a_name_or_be_left_out(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    for name in ("kept", "thrown-away"):
        add_database(lightsail, name)

    lightsail.delete_relational_database(
        relationalDatabaseName="kept", finalRelationalDatabaseSnapshotName="kept-at-last"
    )
    operations = lightsail.delete_relational_database(relationalDatabaseName="thrown-away", skipFinalSnapshot=True)

    assert [each["operationType"] for each in operations["operations"]] == ["DeleteRelationalDatabase"]
    assert [entry.name for entry in sandbox.entries()] == ["kept-at-last"]


def test_a_database_whose_final_snapshot_cannot_be_taken_stays(lightsail: "LightsailClient") -> None:
    add_database(lightsail)
    add_disk(lightsail)

    with refused("InvalidInputException", "Some names are already in use: data"):
        lightsail.delete_relational_database(
            relationalDatabaseName="orders", finalRelationalDatabaseSnapshotName="data"
        )
    with refused("InvalidInputException", "skipFinalSnapshot", "orders-1"):
        lightsail.delete_relational_database(
            relationalDatabaseName="orders", skipFinalSnapshot=True, finalRelationalDatabaseSnapshotName="orders-1"
        )
    _take(lightsail)
    with refused("OperationFailureException", "backing-up"):
        lightsail.delete_relational_database(relationalDatabaseName="orders")

    assert _database(lightsail)["state"] == "backing-up"


def test_without_a_final_snapshot_a_database_goes_in_any_state_and_its_snapshots_stay(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    first = add_database(lightsail)
    _take(lightsail)
    sandbox.set_database_state(REGION, "orders", "failed")

    lightsail.delete_relational_database(relationalDatabaseName="orders", skipFinalSnapshot=True)
    sandbox.advance(_TWO_MINUTES)

    assert _states(lightsail) == {"orders-1": "available"}
    assert add_database(lightsail) != first, "the name is free again, but the ARN is another"
    assert _database(lightsail)["state"] == "available"


# What goes wrong


def test_a_failed_operation_takes_no_snapshot_and_deletes_no_database(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_database(lightsail)
    sandbox.add_faults(FaultRule(effect=FailOperation(code="NoCapacity")))

    taken = _take(lightsail)
    deleted = lightsail.delete_relational_database(relationalDatabaseName="orders")["operations"]
    _update(lightsail, disableBackupRetention=True)

    assert [(each["status"], each["errorCode"]) for each in taken] == [("Failed", "NoCapacity")] * 2
    assert {each["status"] for each in deleted} == {"Failed"}
    database = _database(lightsail)
    assert (database["state"], database["backupRetentionEnabled"], _states(lightsail)) == ("available", True, {})


def test_a_rule_can_be_about_one_database(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_database(lightsail)
    add_database(lightsail, "other")
    broken = ErrorAnswer(code="ServiceException")
    sandbox.add_faults(FaultRule(operation="CreateRelationalDatabaseSnapshot", resource="orders", effect=broken))

    with refused("ServiceException"):
        _take(lightsail)
    _take(lightsail, "other-1", relationalDatabaseName="other")

    assert _states(lightsail) == {"other-1": "creating"}


# Tags and lists


def test_databases_and_their_snapshots_are_tagged_like_everything_else(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    arn = add_database(lightsail, backup="daily")
    _take(lightsail, tags=[{"key": "slot", "value": "1"}])

    lightsail.tag_resource(resourceName="orders", resourceArn=arn, tags=[{"key": "backup", "value": "weekly"}])
    lightsail.tag_resource(resourceName="orders-1", tags=[{"key": "hold"}])
    lightsail.untag_resource(resourceName="orders-1", tagKeys=["slot"])
    with refused("InvalidInputException", "orders-1", arn):
        lightsail.tag_resource(resourceName="orders-1", resourceArn=arn, tags=[{"key": "backup"}])

    assert {entry.name: entry.tags for entry in sandbox.entries()} == {
        "orders": {"backup": "weekly"},
        "orders-1": {"hold": ""},
    }
    assert _database(lightsail)["tags"] == [{"key": "backup", "value": "weekly"}]


def test_a_tag_that_lightsail_has_not_creates_nothing(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_database(lightsail)

    with refused("InvalidInputException", "tag"):
        _take(lightsail, tags=[{"key": "good"}, {"key": "a,b"}])
    with refused("InvalidInputException", "tag"):
        add_database(lightsail, "other", backup="0 3 * * *")

    assert [entry.name for entry in sandbox.entries()] == ["orders"]
    assert _database(lightsail)["state"] == "available"


def test_both_lists_come_in_pages(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    databases = [f"db-{number}" for number in range(3)]
    sandbox.seed(Seed(kind="RelationalDatabase", name=name) for name in databases)
    sandbox.seed(Seed(kind="RelationalDatabaseSnapshot", name=f"{name}-1", source=name) for name in databases)
    sandbox.set_options(page_size=2)

    pages = list(lightsail.get_paginator("get_relational_databases").paginate())
    of_snapshots = list(lightsail.get_paginator("get_relational_database_snapshots").paginate())

    assert [[each["name"] for each in page["relationalDatabases"]] for page in pages] == [["db-0", "db-1"], ["db-2"]]
    names = [[each["name"] for each in page["relationalDatabaseSnapshots"]] for page in of_snapshots]
    assert names == [["db-0-1", "db-1-1"], ["db-2-1"]]
    with refused("InvalidInputException", "token"):
        lightsail.get_relational_database_snapshots(pageToken=pages[0]["nextPageToken"])


def test_a_region_knows_its_own_databases_only(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_database(lightsail)

    with closing(make_client(sandbox, "us-east-1")) as elsewhere:
        assert elsewhere.get_relational_databases()["relationalDatabases"] == []
        assert ":us-east-1:" in add_database(elsewhere)
        with refused("InvalidInputException", ZONE, "us-east-1"):
            elsewhere.create_relational_database(
                relationalDatabaseName="other",
                availabilityZone=ZONE,
                relationalDatabaseBlueprintId="mysql_8_0",
                relationalDatabaseBundleId="micro_2_0",
                masterDatabaseName="shop",
                masterUsername="admin",
            )
