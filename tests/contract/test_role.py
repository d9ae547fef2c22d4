"""The function's role, enforced: enough for everything Lightkeeper does, and for nothing else."""

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from lightkeeper.model import Result
from lightkeeper.tags import EXPIRES, OWNER, SLOT, SOURCE
from sandbox.client import ErrorAnswer, FaultRule, LoseAnswer, Sandbox, Seed
from tests.infra.synth import CALENDAR, lightsail_policy, template
from tests.integration.keeper import DAY, REGION, Keeper, count
from tests.integration.test_calendar import _fresh_calendar, widget
from tests.sandbox.asking import refused

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient

__all__ = ["_fresh_calendar"]
pytestmark = pytest.mark.xdist_group("stack")


@pytest.fixture(scope="module")
def policy() -> dict[str, Any]:
    """What the synthesized template lets the function do in Lightsail."""
    return lightsail_policy(template())


@pytest.fixture
def function(sandbox: Sandbox, policy: dict[str, Any]) -> Iterator["LightsailClient"]:
    """A client with the function's own credentials; everybody else may do everything."""
    sandbox.enforce_role(policy, access_key_id="FUNCTION")
    options = sandbox.client_options(REGION)
    options["aws_access_key_id"] = "FUNCTION"
    with closing(boto3.client("lightsail", **options)) as client:
        yield client


def test_a_life_of_backups_needs_no_more_than_the_role_allows(keeper: Keeper, policy: dict[str, Any]) -> None:
    keeper.configure(grace="1d", orphans="expire", maxDeletesPerSource=10)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3", "team": "sales"})
    keeper.instance("web", {"backup": "daily", "backup:keep": "3"})
    keeper.instance("mail", {"backup": "daily", "backup:keep": "3", "backup:mode": "system-disk"})
    keeper.sandbox.enforce_role(policy)
    # A retry of a create that had succeeded looks the name up.
    keeper.sandbox.add_faults(
        FaultRule(operation="CreateDiskSnapshot", calls=(1,), effect=LoseAnswer()),
        FaultRule(operation="CreateInstanceSnapshot", calls=(1,), effect=LoseAnswer()),
    )

    ticks = [keeper.tick(), *keeper.live(6 * DAY)]
    keeper.sandbox.enforce_role(None)
    keeper.tag("shop", "backup:keep", "7")
    keeper.sandbox.enforce_role(policy)
    ticks.append(keeper.tick())

    assert [failure for tick in ticks for failure in tick.failures] == []
    done = {kind: sum(count(tick, kind) for tick in ticks) for kind in ("create", "announce", "rescue", "delete")}
    assert done["create"] == 21
    assert all(done.values()), done
    asked = {call.operation for call in keeper.sandbox.calls()}
    allowed = {action.removeprefix("lightsail:") for each in policy["Statement"] for action in each["Action"]}
    assert asked == allowed, "and every permission was needed"


def test_the_calendar_needs_no_more_than_its_own_role_allows_and_can_write_nothing(
    keeper: Keeper, function: "LightsailClient"
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.tick()
    (ours,) = keeper.snapshots()
    keeper.sandbox.enforce_role(lightsail_policy(template(), CALENDAR), access_key_id="FUNCTION")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "FUNCTION")
        html = widget()

    assert "1 source overdue; 0 of 1 source protected." in html, "everything was read; the snapshot is pending"
    with refused("AccessDeniedException", "lightsail:DeleteDiskSnapshot"):
        function.delete_disk_snapshot(diskSnapshotName=ours)
    with refused("AccessDeniedException", "lightsail:TagResource"):
        function.tag_resource(resourceName=ours, tags=[{"key": "backup:hold"}])
    with refused("AccessDeniedException", "lightsail:CreateDiskSnapshot"):
        function.create_disk_snapshot(diskSnapshotName="new", diskName="shop", tags=[{"key": OWNER, "value": "x"}])


def test_what_is_not_ours_cannot_be_deleted_with_the_function_s_own_credentials(
    keeper: Keeper, function: "LightsailClient"
) -> None:
    keeper.disk("shop", {})
    keeper.instance("web", {})
    keeper.sandbox.seed(
        [
            Seed(kind="DiskSnapshot", name="by-hand", source="shop"),
            Seed(kind="DiskSnapshot", name="another-s", source="shop", tags={OWNER: "Another"}),
            Seed(kind="InstanceSnapshot", name="web-by-hand", source="web"),
        ]
    )

    for name in ("by-hand", "another-s"):
        with refused("AccessDeniedException", "lightsail:DeleteDiskSnapshot"):
            function.delete_disk_snapshot(diskSnapshotName=name)
    with refused("AccessDeniedException", "lightsail:DeleteInstanceSnapshot"):
        function.delete_instance_snapshot(instanceSnapshotName="web-by-hand")
    assert set(keeper.snapshots()) == {"by-hand", "another-s", "web-by-hand"}


def test_what_is_not_ours_cannot_be_tagged_not_even_to_make_it_ours(
    keeper: Keeper, function: "LightsailClient"
) -> None:
    arn = keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.seed([Seed(kind="DiskSnapshot", name="by-hand", source="shop", tags={"team": "sales"})])
    make_ours = {OWNER: "Lightkeeper", SOURCE: arn, SLOT: "2026-06-15T03:00:00Z"}

    for tags in (make_ours, {OWNER: "Lightkeeper"}, {EXPIRES: "2026-06-15T03:00:00Z"}):
        with refused("AccessDeniedException", "lightsail:TagResource"):
            function.tag_resource(
                resourceName="by-hand", tags=[{"key": key, "value": value} for key, value in tags.items()]
            )
    with refused("AccessDeniedException", "lightsail:UntagResource"):
        function.untag_resource(resourceName="by-hand", tagKeys=["team"])
    with refused("AccessDeniedException", "lightsail:TagResource"):
        function.tag_resource(resourceName="shop", tags=[{"key": "backup", "value": "off"}])
    assert keeper.snapshots() == {"by-hand": {"team": "sales"}}


def test_a_snapshot_cannot_be_taken_without_our_owner_tag(keeper: Keeper, function: "LightsailClient") -> None:
    keeper.disk("shop", {})

    with refused("AccessDeniedException", "lightsail:CreateDiskSnapshot"):
        function.create_disk_snapshot(diskSnapshotName="sly", diskName="shop")
    with refused("AccessDeniedException"):
        function.create_disk_snapshot(
            diskSnapshotName="sly", diskName="shop", tags=[{"key": OWNER, "value": "Another"}]
        )
    assert keeper.snapshots() == {}


def test_disks_and_instances_themselves_are_out_of_reach(keeper: Keeper, function: "LightsailClient") -> None:
    keeper.disk("shop", {OWNER: "Lightkeeper"})
    keeper.instance("web", {OWNER: "Lightkeeper"})

    with refused("AccessDeniedException"):
        function.delete_disk(diskName="shop")
    with refused("AccessDeniedException"):
        function.delete_instance(instanceName="web")
    with refused("AccessDeniedException"):
        function.create_disk_from_snapshot(
            diskName="copy", diskSnapshotName="x", availabilityZone="eu-central-1a", sizeInGb=32
        )


def test_a_permission_taken_away_is_named_by_the_failure(keeper: Keeper, policy: dict[str, Any]) -> None:
    keeper.disk("shop", {"backup": "daily"})
    reads = {**policy, "Statement": policy["Statement"][:1]}
    keeper.sandbox.enforce_role(reads)

    (outcome,) = keeper.tick().outcomes

    assert outcome.result is Result.FAILED
    assert "expected permission for lightsail:CreateDiskSnapshot" in (outcome.error or "")


def test_a_fault_still_goes_before_the_role(keeper: Keeper, function: "LightsailClient") -> None:
    keeper.sandbox.add_faults(FaultRule(operation="GetDisks", effect=ErrorAnswer(code="NotFoundException")))

    with refused("NotFoundException"):
        function.get_disks()
