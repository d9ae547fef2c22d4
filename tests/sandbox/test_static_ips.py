"""Static IP addresses, and which address an instance shows."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lightsail_sandbox.client import FailOperation, FaultRule, Sandbox, SandboxError, Seed
from tests.support.asking import add_disk, refused

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient

AWHILE = timedelta(minutes=1)  # enough to stop, and to start


@pytest.fixture(autouse=True)
def _web(sandbox: Sandbox) -> None:
    sandbox.seed([Seed(kind="Instance", name="web"), Seed(kind="Instance", name="other")])


def address(lightsail: "LightsailClient", name: str = "web") -> tuple[str | None, bool]:
    instance = lightsail.get_instance(instanceName=name)["instance"]
    return instance.get("publicIpAddress"), instance["isStaticIp"]


def test_a_static_ip_goes_from_one_instance_to_another(lightsail: "LightsailClient") -> None:
    before = address(lightsail)
    [allocated] = lightsail.allocate_static_ip(staticIpName="front")["operations"]
    assert (allocated["operationType"], allocated["status"], allocated["location"]["availabilityZone"]) == (
        "AllocateStaticIp",
        "Succeeded",
        "all",
    )
    static = lightsail.get_static_ip(staticIpName="front")["staticIp"]
    assert (static["isAttached"], static.get("attachedTo")) == (False, None)
    assert static["supportCode"].endswith(f"/{static['ipAddress']}")

    attached = lightsail.attach_static_ip(staticIpName="front", instanceName="web")["operations"]
    assert [(each["resourceType"], each["operationDetails"]) for each in attached] == [
        ("StaticIp", "web"),
        ("Instance", "front"),
    ]
    assert address(lightsail) == (static["ipAddress"], True)
    assert lightsail.get_static_ip(staticIpName="front")["staticIp"]["attachedTo"] == "web"

    lightsail.detach_static_ip(staticIpName="front")
    lightsail.attach_static_ip(staticIpName="front", instanceName="other")
    after, is_static = address(lightsail)
    assert (address(lightsail, "other"), is_static) == ((static["ipAddress"], True), False)
    assert after not in (before[0], static["ipAddress"]), "what has lost its address gets a new one"


def test_what_is_attached_is_attached_to_nothing_else_and_not_released(lightsail: "LightsailClient") -> None:
    for name in ("front", "back"):
        lightsail.allocate_static_ip(staticIpName=name)
    lightsail.attach_static_ip(staticIpName="front", instanceName="web")

    with refused("OperationFailureException", "front is attached to web"):
        lightsail.attach_static_ip(staticIpName="front", instanceName="other")
    with refused("OperationFailureException", "web has a static IP already"):
        lightsail.attach_static_ip(staticIpName="back", instanceName="web")
    with refused("OperationFailureException", "front is attached to web"):
        lightsail.release_static_ip(staticIpName="front")
    with refused("OperationFailureException", "back is not attached"):
        lightsail.detach_static_ip(staticIpName="back")
    lightsail.release_static_ip(staticIpName="back")

    assert [each["name"] for each in lightsail.get_static_ips()["staticIps"]] == ["front"]


def test_an_instance_that_does_not_run_gets_no_static_ip(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    lightsail.allocate_static_ip(staticIpName="front")
    lightsail.stop_instance(instanceName="web")

    with refused("OperationFailureException", "not running but stopping"):
        lightsail.attach_static_ip(staticIpName="front", instanceName="web")
    sandbox.seed([Seed(kind="Instance", name="six", ip_address_type="ipv6", bundle_id="nano_ipv6_3_0")])
    with refused("OperationFailureException", "six has IPv6 only"):
        lightsail.attach_static_ip(staticIpName="front", instanceName="six")
    with refused("NotFoundException", "gone"):
        lightsail.attach_static_ip(staticIpName="front", instanceName="gone")


def test_a_deleted_instance_leaves_its_static_ip(lightsail: "LightsailClient") -> None:
    lightsail.allocate_static_ip(staticIpName="front")
    lightsail.attach_static_ip(staticIpName="front", instanceName="web")
    kept = lightsail.get_static_ip(staticIpName="front")["staticIp"]["ipAddress"]

    operations = lightsail.delete_instance(instanceName="web")["operations"]

    assert [each["operationType"] for each in operations] == ["DetachStaticIp", "DetachStaticIp", "DeleteInstance"]
    static = lightsail.get_static_ip(staticIpName="front")["staticIp"]
    assert (static["isAttached"], static["ipAddress"]) == (False, kept)


def test_a_static_ip_outlives_a_stop_and_another_address_does_not(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    lightsail.allocate_static_ip(staticIpName="front")
    lightsail.attach_static_ip(staticIpName="front", instanceName="web")
    before = address(lightsail), address(lightsail, "other")

    for name in ("web", "other"):
        lightsail.stop_instance(instanceName=name)
    sandbox.advance(AWHILE)
    for name in ("web", "other"):
        lightsail.start_instance(instanceName=name)

    after = address(lightsail), address(lightsail, "other")
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_its_name_is_taken_across_all_kinds(lightsail: "LightsailClient") -> None:
    with refused("InvalidInputException", "Some names are already in use: web"):
        lightsail.allocate_static_ip(staticIpName="web")
    lightsail.allocate_static_ip(staticIpName="front")
    with refused("InvalidInputException", "Some names are already in use: front"):
        add_disk(lightsail, "front")


def test_static_ips_come_in_pages_and_are_no_sources(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    for number in range(5):
        lightsail.allocate_static_ip(staticIpName=f"address-{number}")
    sandbox.set_options(page_size=2)

    pages = [*lightsail.get_paginator("get_static_ips").paginate()]

    assert [len(page["staticIps"]) for page in pages] == [2, 2, 1]
    assert len({each["ipAddress"] for page in pages for each in page["staticIps"]}) == 5
    assert {entry.kind for entry in sandbox.entries()} == {"Instance"}


def test_an_attachment_can_be_made_to_fail(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    lightsail.allocate_static_ip(staticIpName="front")
    before = address(lightsail)
    sandbox.add_faults(FaultRule(operation="AttachStaticIp", effect=FailOperation()))

    operations = lightsail.attach_static_ip(staticIpName="front", instanceName="web")["operations"]

    assert {each["status"] for each in operations} == {"Failed"}
    assert (address(lightsail), lightsail.get_static_ip(staticIpName="front")["staticIp"]["isAttached"]) == (
        before,
        False,
    )


def test_a_static_ip_can_be_planted_with_its_instance(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.seed([Seed(kind="StaticIp", name="front", attached_to="web")])

    assert address(lightsail) == (lightsail.get_static_ip(staticIpName="front")["staticIp"]["ipAddress"], True)
    with pytest.raises(SandboxError, match=r"Nothing was seeded.*web has a static IP already"):
        sandbox.seed([Seed(kind="StaticIp", name="side", attached_to="web")])
    with pytest.raises(SandboxError, match=r"Nothing was seeded"):
        sandbox.seed(
            [
                Seed(kind="StaticIp", name="side", attached_to="other"),
                Seed(kind="KeyPair", name="key", attached_to="other"),
            ]
        )
    assert address(lightsail, "other")[1] is False, "all or none"


def test_a_checkpoint_holds_addresses_too(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.seed([Seed(kind="StaticIp", name="front", attached_to="web")])
    before = address(lightsail)
    sandbox.checkpoint()

    lightsail.detach_static_ip(staticIpName="front")
    lightsail.release_static_ip(staticIpName="front")
    sandbox.restore()

    assert address(lightsail) == before
    lightsail.detach_static_ip(staticIpName="front")
    assert address(lightsail)[1] is False, "the two still know each other"
