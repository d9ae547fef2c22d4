"""A role in force: on what each call is judged, and in which words it is refused."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lightsail_sandbox.client import Sandbox, SandboxError, Seed
from lightsail_sandbox.seeds import Kind, SnapshotState
from tests.sandbox.test_policy import allow
from tests.support.asking import ZONE, add_database, add_disk, add_instance, make_client, refused

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient

NOTHING: dict[str, Any] = {"Statement": []}
OURS: Any = [{"key": "owner", "value": "us"}]
DELETES = "lightsail:Delete*Snapshot"


def role(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [*statements]}


@pytest.fixture
def snapshots(sandbox: Sandbox) -> None:
    sandbox.seed(
        [
            Seed(kind="Disk", name="data"),
            Seed(kind="DiskSnapshot", name="plain", source="data"),
            Seed(kind="DiskSnapshot", name="marked", source="data", tags={"expires": "2026-06-15"}),
            Seed(kind="DiskSnapshot", name="held", source="data", tags={"expires": "2026-06-15", "hold": ""}),
        ]
    )


def _names(lightsail: "LightsailClient") -> list[str]:
    return [snapshot["name"] for snapshot in lightsail.get_disk_snapshots()["diskSnapshots"]]


def _take(lightsail: "LightsailClient", **more: Any) -> None:  # noqa: ANN401 - the parameters that a test is about
    lightsail.create_disk_snapshot(**{"diskSnapshotName": "new-1", "diskName": "data"} | more)


# Tags that are there, and tags that are not


@pytest.mark.usefixtures("snapshots")
def test_a_role_may_delete_what_is_marked_and_not_held_and_a_key_without_a_value_holds(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    conditions = {"aws:ResourceTag/expires": "False", "aws:ResourceTag/hold": "True"}
    sandbox.enforce_role(role(allow("lightsail:Get*"), allow(DELETES, condition={"Null": conditions})))

    for name in ("plain", "held"):
        with refused("AccessDeniedException", "lightsail:DeleteDiskSnapshot"):
            lightsail.delete_disk_snapshot(diskSnapshotName=name)
    lightsail.delete_disk_snapshot(diskSnapshotName="marked")

    assert _names(lightsail) == ["plain", "held"]


@pytest.mark.usefixtures("snapshots")
def test_a_role_may_tag_with_one_key_and_not_with_another(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.enforce_role(role(allow("lightsail:TagResource", condition={"Null": {"aws:RequestTag/hold": "true"}})))

    lightsail.tag_resource(resourceName="plain", tags=[{"key": "team", "value": "x"}])
    with refused("AccessDeniedException", "lightsail:TagResource"):
        lightsail.tag_resource(resourceName="plain", tags=[{"key": "team", "value": "x"}, {"key": "hold"}])


# Creates


def test_a_snapshot_is_authorised_on_the_tags_of_its_disk(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail, "data", backup="daily")
    add_disk(lightsail, "secret")
    sandbox.enforce_role(
        role(allow(condition={"StringEquals": {"aws:ResourceTag/backup": "daily", "aws:RequestTag/owner": "us"}}))
    )

    _take(lightsail, tags=OURS)
    with refused("AccessDeniedException", "lightsail:CreateDiskSnapshot", ":Disk/"):
        _take(lightsail, diskName="secret", diskSnapshotName="secret-1", tags=OURS)
    with refused("AccessDeniedException", "lightsail:CreateDiskSnapshot"):
        _take(lightsail, diskSnapshotName="new-2")


def test_a_snapshot_is_authorised_on_its_source_s_arn(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    web = add_instance(lightsail)
    other = add_instance(lightsail, "other")
    sandbox.enforce_role(role(allow(resource=web)))

    lightsail.create_instance_snapshot(instanceName="web", instanceSnapshotName="web-1")
    lightsail.create_disk_snapshot(instanceName="web", diskSnapshotName="web-system-1")
    with refused("AccessDeniedException", f"on resource: {other} because"):
        lightsail.create_instance_snapshot(instanceName="other", instanceSnapshotName="other-1")
    with refused("AccessDeniedException", f"on resource: {other} because"):
        lightsail.create_disk_snapshot(instanceName="other", diskSnapshotName="other-system-1")
    with refused("AccessDeniedException", ":Disk/"):
        _take(lightsail)


def test_a_star_is_about_every_source_and_the_snapshot_s_own_type_about_none(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail)

    sandbox.enforce_role(role(allow("lightsail:CreateDiskSnapshot")))
    _take(lightsail)
    sandbox.enforce_role(role(allow(resource="arn:aws:lightsail:*:*:DiskSnapshot/*")))
    with refused("AccessDeniedException"):
        _take(lightsail, diskSnapshotName="new-2")


def test_a_snapshot_of_both_or_of_nothing_is_refused_by_lightsail_itself(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail)
    add_instance(lightsail)
    sandbox.enforce_role(role(allow()))

    with refused("InvalidInputException", "either diskName or instanceName"):
        _take(lightsail, instanceName="web")
    with refused("InvalidInputException", "either diskName or instanceName"):
        lightsail.create_disk_snapshot(diskSnapshotName="new-1")


def test_a_disk_is_attached_by_who_may_do_so_to_the_disk_whatever_the_instance(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail, "ours", owner="us")
    add_disk(lightsail, "secret")
    add_instance(lightsail)
    lightsail.stop_instance(instanceName="web")
    sandbox.advance(timedelta(minutes=1))
    sandbox.enforce_role(role(allow(condition={"StringEquals": {"aws:ResourceTag/owner": "us"}})))

    with refused("AccessDeniedException", "lightsail:AttachDisk", ":Disk/"):
        lightsail.attach_disk(diskName="secret", instanceName="web", diskPath="/dev/xvdf")
    lightsail.attach_disk(diskName="ours", instanceName="web", diskPath="/dev/xvdf")
    lightsail.detach_disk(diskName="ours")


# Databases


def _take_of_database(lightsail: "LightsailClient", name: str, **more: Any) -> None:  # noqa: ANN401 - the parameters that a test is about
    lightsail.create_relational_database_snapshot(
        relationalDatabaseName="orders", relationalDatabaseSnapshotName=name, **more
    )


def test_a_snapshot_of_a_database_is_authorised_on_its_own_tags_and_on_nothing_else(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    arn = add_database(lightsail, bundle="micro_ha_2_0", backup="daily")
    create = "lightsail:CreateRelationalDatabaseSnapshot"

    sandbox.enforce_role(role(allow(create, condition={"StringEquals": {"aws:RequestTag/owner": "us"}})))
    _take_of_database(lightsail, "tagged", tags=OURS)
    with refused("AccessDeniedException", f"perform: {create} on resource: * because"):
        _take_of_database(lightsail, "untagged")
    for limited in (
        allow(create, resource=arn),
        allow(create, resource="arn:aws:lightsail:*:*:RelationalDatabase*"),
        allow(create, condition={"StringEquals": {"aws:ResourceTag/backup": "daily"}}),
    ):
        sandbox.enforce_role(role(limited))
        with refused("AccessDeniedException", f"perform: {create} on resource: * because"):
            _take_of_database(lightsail, "limited", tags=OURS)

    assert [entry.name for entry in sandbox.entries() if entry.state] == ["tagged"]


def test_a_snapshot_of_a_database_is_tagged_at_create_by_who_may_tag_one(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_database(lightsail)
    create = allow("lightsail:CreateRelationalDatabaseSnapshot")

    sandbox.enforce_role(role(create), tag_on_create=True)
    with refused("AccessDeniedException", "lightsail:TagResource", ":RelationalDatabaseSnapshot/*"):
        _take_of_database(lightsail, "orders-1", tags=OURS)
    tagging = allow("lightsail:TagResource", "arn:aws:lightsail:*:*:RelationalDatabaseSnapshot/*")
    sandbox.enforce_role(role(create, tagging), tag_on_create=True)
    _take_of_database(lightsail, "orders-1", tags=OURS)


def test_a_snapshot_of_a_database_is_deleted_and_tagged_by_who_owns_it(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    sandbox.seed(
        [
            Seed(kind="RelationalDatabase", name="orders"),
            Seed(kind="RelationalDatabaseSnapshot", name="theirs", source="orders"),
            Seed(kind="RelationalDatabaseSnapshot", name="ours", source="orders", tags={"owner": "us"}),
        ]
    )
    owned = {"StringEquals": {"aws:ResourceTag/owner": "us"}}
    tagging = allow("lightsail:TagResource", condition=owned)
    sandbox.enforce_role(role(allow(DELETES, condition=owned), tagging))

    lightsail.tag_resource(resourceName="ours", tags=[{"key": "expires"}])
    with refused("AccessDeniedException", "lightsail:TagResource", ":RelationalDatabaseSnapshot/"):
        lightsail.tag_resource(resourceName="theirs", tags=[{"key": "expires"}])
    with refused("AccessDeniedException", "lightsail:DeleteRelationalDatabaseSnapshot"):
        lightsail.delete_relational_database_snapshot(relationalDatabaseSnapshotName="theirs")
    lightsail.delete_relational_database_snapshot(relationalDatabaseSnapshotName="ours")
    assert [entry.name for entry in sandbox.entries() if entry.state] == ["theirs"]


def test_a_database_is_updated_and_deleted_by_who_may_do_so_to_that_one(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    ours = add_database(lightsail)
    other = add_database(lightsail, "other")
    sandbox.enforce_role(role(allow(resource=ours)))

    lightsail.update_relational_database(relationalDatabaseName="orders", preferredBackupWindow="01:00-02:00")
    with refused("AccessDeniedException", f"lightsail:UpdateRelationalDatabase on resource: {other} because"):
        lightsail.update_relational_database(relationalDatabaseName="other", preferredBackupWindow="01:00-02:00")
    with refused("AccessDeniedException", f"lightsail:DeleteRelationalDatabase on resource: {other} because"):
        lightsail.delete_relational_database(relationalDatabaseName="other", skipFinalSnapshot=True)
    lightsail.delete_relational_database(relationalDatabaseName="orders", skipFinalSnapshot=True)

    assert [entry.name for entry in sandbox.entries()] == ["other"]


# Creates with tags: one permission or two


@pytest.mark.parametrize(
    "tagging",
    [
        allow("lightsail:TagResource", condition={"StringEquals": {"aws:RequestTag/owner": "us"}}),
        allow("lightsail:TagResource", "arn:aws:lightsail:*:*:DiskSnapshot/*"),
    ],
)
def test_tagging_at_create_is_a_permission_of_its_own_where_aws_wants_it(
    sandbox: Sandbox, lightsail: "LightsailClient", tagging: dict[str, Any]
) -> None:
    add_disk(lightsail)
    create = allow("lightsail:CreateDiskSnapshot")

    sandbox.enforce_role(role(create), tag_on_create=True)
    with refused("AccessDeniedException", "perform: lightsail:TagResource", ":DiskSnapshot/"):
        _take(lightsail, tags=OURS)
    _take(lightsail, diskSnapshotName="untagged-1")
    sandbox.enforce_role(role(create), tag_on_create=False)
    _take(lightsail, diskSnapshotName="one-permission", tags=OURS)
    sandbox.enforce_role(role(create, tagging), tag_on_create=True)
    _take(lightsail, diskSnapshotName="two-permissions", tags=OURS)

    sandbox.enforce_role(None)
    assert _names(lightsail) == ["untagged-1", "one-permission", "two-permissions"]


@pytest.mark.parametrize(
    "tagging",
    [
        allow("lightsail:TagResource", condition={"StringEquals": {"aws:RequestTag/owner": "others"}}),
        allow("lightsail:TagResource", condition={"StringEquals": {"aws:ResourceTag/backup": "daily"}}),
        allow("lightsail:TagResource", "arn:aws:lightsail:*:*:Disk/*"),
        allow("lightsail:TagResource", "arn:aws:lightsail:*:*:DiskSnapshot/00000000-0000-4000-8000-000000000000"),
    ],
)
def test_tagging_at_create_knows_no_tags_but_the_request_s_and_no_arn(
    sandbox: Sandbox, lightsail: "LightsailClient", tagging: dict[str, Any]
) -> None:
    add_disk(lightsail, backup="daily")
    sandbox.enforce_role(role(allow("lightsail:CreateDiskSnapshot"), tagging), tag_on_create=True)

    with refused("AccessDeniedException", "perform: lightsail:TagResource"):
        _take(lightsail, tags=OURS)

    sandbox.enforce_role(None)
    assert _names(lightsail) == []


def test_without_the_create_itself_that_is_what_is_named(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_instance(lightsail)
    sandbox.enforce_role(NOTHING, tag_on_create=True)

    with refused("AccessDeniedException", "perform: lightsail:CreateInstanceSnapshot", ":Instance/"):
        lightsail.create_instance_snapshot(instanceName="web", instanceSnapshotName="web-1", tags=OURS)


# Restores, and what is asked of one instance


@pytest.fixture
def web(sandbox: Sandbox) -> tuple[str, ...]:
    """A server and a database of each owner, with an address, a disk's snapshot and one of their own; their ARNs."""
    return sandbox.seed(
        [
            Seed(
                kind=kind,
                name=f"{name}-{owner}",
                source=source and f"{source}-{owner}",
                tags={"owner": owner},
                state=state,
            )
            for owner in ("us", "them")
            for kind, name, source, state in _THINGS
        ]
    )


_THINGS: tuple[tuple[Kind, str, str | None, SnapshotState | None], ...] = (
    ("Instance", "web", None, None),
    ("InstanceSnapshot", "web-1", "web", "available"),
    ("DiskSnapshot", "disk-1", "web", "completed"),
    ("RelationalDatabase", "orders", None, None),
    ("RelationalDatabaseSnapshot", "orders-1", "orders", "available"),
    ("StaticIp", "front", None, None),
    ("KeyPair", "key", None, None),
)
_HTTPS: Any = {"protocol": "tcp", "fromPort": 443, "toPort": 443}
_CALLS: dict[str, Any] = {
    "CreateInstancesFromSnapshot": lambda client, owner: client.create_instances_from_snapshot(
        instanceNames=["new"], instanceSnapshotName=f"web-1-{owner}", availabilityZone=ZONE, bundleId="micro_3_0"
    ),
    "CreateDiskFromSnapshot": lambda client, owner: client.create_disk_from_snapshot(
        diskName="new", diskSnapshotName=f"disk-1-{owner}", availabilityZone=ZONE, sizeInGb=40
    ),
    "CreateRelationalDatabaseFromSnapshot": lambda client, owner: client.create_relational_database_from_snapshot(
        relationalDatabaseName="new", relationalDatabaseSnapshotName=f"orders-1-{owner}"
    ),
    "GetRelationalDatabaseMasterUserPassword": lambda client, owner: (
        client.get_relational_database_master_user_password(relationalDatabaseName=f"orders-{owner}")
    ),
    "PutInstancePublicPorts": lambda client, owner: client.put_instance_public_ports(
        instanceName=f"web-{owner}", portInfos=[_HTTPS]
    ),
    "OpenInstancePublicPorts": lambda client, owner: client.open_instance_public_ports(
        instanceName=f"web-{owner}", portInfo=_HTTPS
    ),
    "CloseInstancePublicPorts": lambda client, owner: client.close_instance_public_ports(
        instanceName=f"web-{owner}", portInfo=_HTTPS
    ),
    "UpdateInstanceMetadataOptions": lambda client, owner: client.update_instance_metadata_options(
        instanceName=f"web-{owner}", httpTokens="required"
    ),
    "RebootInstance": lambda client, owner: client.reboot_instance(instanceName=f"web-{owner}"),
    "StopInstance": lambda client, owner: client.stop_instance(instanceName=f"web-{owner}"),
    "ReleaseStaticIp": lambda client, owner: client.release_static_ip(staticIpName=f"front-{owner}"),
    "DeleteKeyPair": lambda client, owner: client.delete_key_pair(keyPairName=f"key-{owner}"),
    "DeleteInstance": lambda client, owner: client.delete_instance(instanceName=f"web-{owner}"),
}


@pytest.mark.parametrize("operation", _CALLS)
@pytest.mark.usefixtures("web")
def test_a_restore_and_what_follows_are_authorised_on_what_they_are_about(
    sandbox: Sandbox, lightsail: "LightsailClient", operation: str
) -> None:
    sandbox.enforce_role(role(allow(condition={"StringEquals": {"aws:ResourceTag/owner": "us"}})))

    with refused("AccessDeniedException", f"perform: lightsail:{operation} on resource: arn:aws:lightsail:"):
        _CALLS[operation](lightsail, "them")
    _CALLS[operation](lightsail, "us")


@pytest.mark.usefixtures("web")
def test_a_static_ip_is_attached_by_who_may_do_so_to_both(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.enforce_role(role(allow(condition={"StringEquals": {"aws:ResourceTag/owner": "us"}})))

    for address, instance, kind in (("us", "them", "Instance"), ("them", "us", "StaticIp")):
        with refused("AccessDeniedException", "perform: lightsail:AttachStaticIp", f":{kind}/"):
            lightsail.attach_static_ip(staticIpName=f"front-{address}", instanceName=f"web-{instance}")
    lightsail.attach_static_ip(staticIpName="front-us", instanceName="web-us")
    lightsail.detach_static_ip(staticIpName="front-us")


@pytest.mark.usefixtures("web")
def test_a_restore_is_authorised_on_its_own_tags_too(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    create, tagged = "lightsail:CreateInstancesFromSnapshot", {"StringEquals": {"aws:RequestTag/owner": "us"}}

    def restore(name: str, **more: Any) -> None:  # noqa: ANN401 - the parameters that a test is about
        lightsail.create_instances_from_snapshot(
            instanceNames=[name],
            instanceSnapshotName="web-1-us",
            availabilityZone=ZONE,
            bundleId="micro_3_0",
            **more,
        )

    sandbox.enforce_role(role(allow(create, condition=tagged)), tag_on_create=True)
    with refused("AccessDeniedException", f"perform: {create}"):
        restore("untagged")
    with refused("AccessDeniedException", "perform: lightsail:TagResource", ":Instance/*"):
        restore("tagged", tags=OURS)
    sandbox.enforce_role(role(allow(create), allow("lightsail:TagResource", condition=tagged)), tag_on_create=True)
    restore("tagged", tags=OURS)

    assert {entry.name for entry in sandbox.entries()} >= {"tagged"}


@pytest.mark.usefixtures("web")
def test_what_only_reads_is_authorised_on_nothing(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.enforce_role(role(allow("lightsail:Get*", condition={"StringEquals": {"aws:ResourceTag/owner": "us"}})))

    for read in (
        lightsail.get_bundles,
        lightsail.get_static_ips,
        lambda: lightsail.get_static_ip(staticIpName="front-us"),
        lambda: lightsail.get_instance_state(instanceName="web-us"),
        lambda: lightsail.get_instance_port_states(instanceName="web-us"),
    ):
        with refused("AccessDeniedException", "on resource: * because"):
            read()


# What does not exist


def test_what_does_not_exist_is_not_found_whatever_the_role(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.enforce_role(NOTHING, tag_on_create=True)

    with refused("NotFoundException"):
        lightsail.delete_disk_snapshot(diskSnapshotName="gone")
    with refused("NotFoundException"):
        _take(lightsail, diskName="gone", tags=OURS)


def test_what_does_not_exist_can_be_judged_as_something_without_tags(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    owned = role(allow(condition={"StringEquals": {"aws:ResourceTag/owner": "us"}}))
    sandbox.enforce_role(owned, missing_resource="untagged")

    with refused("AccessDeniedException", "lightsail:DeleteDiskSnapshot"):
        lightsail.delete_disk_snapshot(diskSnapshotName="gone")
    with refused("AccessDeniedException", "lightsail:CreateDiskSnapshot"):
        _take(lightsail, diskName="gone")
    with refused("AccessDeniedException", "lightsail:TagResource on resource: * because"):
        lightsail.tag_resource(resourceName="gone", tags=OURS)


@pytest.mark.parametrize(
    "allowed",
    [
        allow(),
        allow(condition={"Null": {"aws:ResourceTag/hold": "true"}}),
        allow(resource="arn:aws:lightsail:*:*:DiskSnapshot/*"),
    ],
)
def test_where_the_role_lets_the_call_through_the_answer_is_that_there_is_no_such_thing(
    sandbox: Sandbox, lightsail: "LightsailClient", allowed: dict[str, Any]
) -> None:
    sandbox.enforce_role(role(allowed), missing_resource="untagged")

    with refused("NotFoundException"):
        lightsail.delete_disk_snapshot(diskSnapshotName="gone")


def test_a_pattern_for_one_arn_is_not_about_what_does_not_exist(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    one = "arn:aws:lightsail:*:*:DiskSnapshot/00000000-0000-4000-8000-000000000000"
    sandbox.enforce_role(role(allow(resource=one)), missing_resource="untagged")

    with refused("AccessDeniedException"):
        lightsail.delete_disk_snapshot(diskSnapshotName="gone")


def test_a_snapshot_is_not_deleted_as_what_it_is_not(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail, owner="us")
    sandbox.enforce_role(
        role(allow(condition={"StringEquals": {"aws:ResourceTag/owner": "us"}})), missing_resource="untagged"
    )

    with refused("AccessDeniedException", ":DiskSnapshot/"):
        lightsail.delete_disk_snapshot(diskSnapshotName="data")


def test_another_word_for_what_is_missing_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="missing_resource is 'perhaps'; expected not-found or untagged"):
        sandbox.enforce_role(NOTHING, missing_resource="perhaps")  # type: ignore[arg-type] # what this test is about


# AWS's words


def test_a_refusal_is_worded_as_aws_words_it(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    arn = add_disk(lightsail)

    sandbox.enforce_role(NOTHING)
    with refused(
        "AccessDeniedException",
        "User: arn:aws:sts::123456789012:assumed-role/sandbox/sandbox is not authorized to perform: "
        f"lightsail:DeleteDisk on resource: {arn} because no identity-based policy allows the "
        "lightsail:DeleteDisk action",
    ):
        lightsail.delete_disk(diskName="data")
    with refused("AccessDeniedException", "perform: lightsail:GetDisks on resource: * because"):
        lightsail.get_disks()
    sandbox.enforce_role(role(allow(), allow("lightsail:DeleteDisk") | {"Effect": "Deny"}))
    with refused("AccessDeniedException", "with an explicit deny in an identity-based policy"):
        lightsail.delete_disk(diskName="data")


@pytest.fixture
def elsewhere(sandbox: Sandbox) -> Iterator["LightsailClient"]:
    with closing(make_client(sandbox, "us-east-1")) as client:
        yield client


def test_a_region_without_lightsail_says_so_whatever_the_role(sandbox: Sandbox) -> None:
    sandbox.enforce_role(NOTHING)

    with closing(make_client(sandbox, "us-west-1")) as nowhere, refused("InvalidInputException", "us-west-1"):
        nowhere.delete_disk(diskName="data")


def test_a_name_is_looked_up_where_the_call_goes(
    sandbox: Sandbox, lightsail: "LightsailClient", elsewhere: "LightsailClient"
) -> None:
    add_disk(lightsail, owner="us")
    sandbox.seed([Seed(kind="Disk", name="data", region="us-east-1")])
    sandbox.enforce_role(role(allow(condition={"StringEquals": {"aws:ResourceTag/owner": "us"}})))

    with refused("AccessDeniedException", ":us-east-1:"):
        elsewhere.delete_disk(diskName="data")
    lightsail.delete_disk(diskName="data")

    assert [entry.region for entry in sandbox.entries()] == ["us-east-1"]
