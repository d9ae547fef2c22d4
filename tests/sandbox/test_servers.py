"""What one instance is asked: to stop and start, how it is, what it is reached by."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lightsail_sandbox.client import InstanceEnd, Sandbox, SandboxError, Seed
from tests.support.asking import REGION, ZONE, add_disk, add_instance, refused
from tests.support.keeper import NOON

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _web(sandbox: Sandbox) -> None:
    sandbox.seed([Seed(kind="Instance", name="web", created_at=NOON - timedelta(days=30))])


def state(lightsail: "LightsailClient") -> tuple[int, str]:
    shown = lightsail.get_instance_state(instanceName="web")["state"]
    assert lightsail.get_instance(instanceName="web")["instance"]["state"] == shown
    return shown["code"], shown["name"]


def health(lightsail: "LightsailClient") -> dict[str, Any]:
    newer_than_its_stubs: Any = lightsail
    [instance] = newer_than_its_stubs.get_instances(includeHealthStatus=True)["instances"]
    return {"instance": instance["instanceStatus"], "system": instance["systemStatus"]}


def test_an_instance_stops_and_starts_in_its_time(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    assert state(lightsail) == (16, "running")

    [stop] = lightsail.stop_instance(instanceName="web")["operations"]
    assert (state(lightsail), stop["operationType"], stop["status"]) == ((64, "stopping"), "StopInstance", "Started")
    sandbox.advance(MINUTE)
    assert state(lightsail) == (80, "stopped")

    [start] = lightsail.start_instance(instanceName="web")["operations"]
    assert (state(lightsail), start["operationType"], start["status"]) == ((0, "pending"), "StartInstance", "Started")
    sandbox.advance(MINUTE)
    assert state(lightsail) == (16, "running")
    done = [lightsail.get_operation(operationId=each["id"])["operation"] for each in (stop, start)]
    assert [(each["status"], each["statusChangedAt"] - NOON) for each in done] == [
        ("Succeeded", timedelta(seconds=30)),
        ("Succeeded", timedelta(seconds=100)),
    ]
    lightsail.reboot_instance(instanceName="web")
    assert state(lightsail) == (16, "running")


def test_what_an_instance_is_not_ready_for_is_refused(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    with refused("OperationFailureException", "not stopped but running"):
        lightsail.start_instance(instanceName="web")
    lightsail.stop_instance(instanceName="web")
    with refused("OperationFailureException", "not running but stopping"):
        lightsail.stop_instance(instanceName="web")
    sandbox.advance(MINUTE)
    with refused("OperationFailureException", "not running but stopped"):
        lightsail.reboot_instance(instanceName="web")


def test_a_disk_is_detached_from_a_stopped_instance_only(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    lightsail.attach_disk(diskName="data", instanceName="web", diskPath="/dev/xvdf")

    with refused("OperationFailureException", "web is running: stop it before you detach the disk data"):
        lightsail.detach_disk(diskName="data")
    lightsail.stop_instance(instanceName="web")
    with refused("OperationFailureException", "web is stopping"):
        lightsail.detach_disk(diskName="data")
    sandbox.advance(MINUTE)
    lightsail.detach_disk(diskName="data")

    assert lightsail.get_disk(diskName="data")["disk"]["state"] == "available"
    lightsail.attach_disk(diskName="data", instanceName="web", diskPath="/dev/xvdf")
    assert lightsail.get_disk(diskName="data")["disk"]["state"] == "in-use", "attached to what is stopped"


# Health


def test_health_is_shown_to_who_asks_for_it(lightsail: "LightsailClient") -> None:
    assert "instanceStatus" not in lightsail.get_instance(instanceName="web")["instance"]
    fine = {"status": "ok", "details": [{"name": "reachability", "status": "passed"}]}
    assert health(lightsail) == {"instance": fine, "system": fine}


def test_a_started_instance_is_checked_again(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    statuses = []
    lightsail.stop_instance(instanceName="web")
    sandbox.advance(MINUTE)
    statuses.append(health(lightsail)["instance"]["status"])
    lightsail.start_instance(instanceName="web")
    for _ in range(5):
        sandbox.advance(MINUTE)
        statuses.append(health(lightsail)["instance"]["status"])

    assert statuses == ["not-applicable", *3 * ["initializing"], "ok", "ok"]


def test_an_instance_falls_ill_and_is_well_again(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.set_instance_end(REGION, "web", "impaired")

    ill = health(lightsail)
    assert (ill["instance"]["status"], ill["system"]["status"]) == ("impaired", "ok")
    assert ill["instance"]["details"] == [
        {"name": "reachability", "status": "failed", "impairedSince": NOON - timedelta(days=30)}
    ]
    sandbox.set_instance_end(REGION, "web", None)
    assert health(lightsail)["instance"]["status"] == "ok"
    with pytest.raises(SandboxError, match="'tired' is no end of an instance; expected pending, error"):
        sandbox.set_instance_end(REGION, "web", "tired")  # type: ignore[arg-type] # what this is about


# Metrics


def metric(lightsail: "LightsailClient", name: str = "StatusCheckFailed", minutes: int = 10, **more: Any) -> list[Any]:  # noqa: ANN401 - the parameters that a test is about
    asked: Any = {
        "instanceName": "web",
        "metricName": name,
        "period": 60,
        "startTime": NOON,
        "endTime": NOON + minutes * MINUTE,
        "unit": "Count",
        "statistics": ["Sum"],
    }
    return list(lightsail.get_instance_metric_data(**{**asked, **more})["metricData"])


def test_status_checks_give_a_point_a_minute_in_no_order(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.advance(timedelta(hours=1))

    points = metric(lightsail)

    times = [point["timestamp"] for point in points]
    assert sorted(times) == [NOON + minute * MINUTE for minute in range(10)]
    assert times != sorted(times)
    assert {(point["sum"], point["unit"], point.get("average")) for point in points} == {(0.0, "Count", None)}


@pytest.mark.parametrize(
    ("end", "sums"),
    [("impaired", {"": 10.0, "_Instance": 10.0, "_System": 0.0}), (None, {"": 0.0, "_Instance": 0.0, "_System": 0.0})],
)
def test_status_checks_say_what_has_failed(
    sandbox: Sandbox, lightsail: "LightsailClient", end: InstanceEnd | None, sums: dict[str, float]
) -> None:
    sandbox.set_instance_end(REGION, "web", end)
    sandbox.advance(timedelta(hours=1))

    found = {which: sum(point["sum"] for point in metric(lightsail, f"StatusCheckFailed{which}")) for which in sums}

    assert found == sums


def test_there_are_no_points_before_the_checks_have_ended(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    lightsail.stop_instance(instanceName="web")
    sandbox.advance(MINUTE)
    assert metric(lightsail) == []
    lightsail.start_instance(instanceName="web")
    sandbox.advance(3 * MINUTE)
    assert metric(lightsail) == []
    sandbox.advance(4 * MINUTE)

    first = min(point["timestamp"] for point in metric(lightsail))
    assert first == NOON + 5 * MINUTE, "a minute to stop, 40 seconds to boot, three minutes of checks"


def test_points_are_summed_up_in_longer_periods(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.set_instance_end(REGION, "web", "impaired")
    sandbox.advance(timedelta(hours=1))

    points = metric(lightsail, period=300, statistics=["Sum", "Average", "SampleCount"])

    assert {(point["sum"], point["average"], point["sampleCount"]) for point in points} == {(5.0, 1.0, 5.0)}
    assert len(points) == 2


def test_nothing_else_is_measured_and_nonsense_is_refused(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.advance(timedelta(hours=1))

    assert metric(lightsail, "CPUUtilization", unit="Percent") == []
    assert metric(lightsail, unit="Bytes") == []
    with refused("InvalidInputException", "startTime is not before endTime"):
        metric(lightsail, minutes=0)
    with refused("InvalidInputException", "90 seconds"):
        metric(lightsail, period=90)


# How it is reached


def test_metadata_options_are_changed_one_by_one(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    def options() -> Any:  # noqa: ANN401 - as answers show them
        return lightsail.get_instance(instanceName="web")["instance"]["metadataOptions"]

    fresh = {
        "state": "applied",
        "httpTokens": "optional",
        "httpEndpoint": "enabled",
        "httpPutResponseHopLimit": 1,
        "httpProtocolIpv6": "disabled",
    }
    assert options() == fresh

    operation = lightsail.update_instance_metadata_options(
        instanceName="web", httpTokens="required", httpPutResponseHopLimit=2
    )["operation"]
    assert operation["operationType"] == "UpdateInstanceMetadataOptions"
    assert options() == fresh | {"httpTokens": "required", "httpPutResponseHopLimit": 2}

    with refused("InvalidInputException", "1 to 64 hops"):
        lightsail.update_instance_metadata_options(instanceName="web", httpPutResponseHopLimit=65)
    lightsail.stop_instance(instanceName="web")
    with refused("OperationFailureException", "neither running nor stopped"):
        lightsail.update_instance_metadata_options(instanceName="web", httpTokens="optional")
    sandbox.advance(MINUTE)
    lightsail.update_instance_metadata_options(instanceName="web", httpEndpoint="disabled")
    assert options()["httpEndpoint"] == "disabled"


def test_a_new_instance_has_what_it_was_asked_to_have(lightsail: "LightsailClient") -> None:
    lightsail.create_key_pair(keyPairName="ops-key")
    lightsail.create_instances(
        instanceNames=["blog"],
        availabilityZone=ZONE,
        blueprintId="wordpress",
        bundleId="nano_ipv6_3_0",
        keyPairName="ops-key",
        ipAddressType="ipv6",
    )
    add_instance(lightsail, "plain")

    blog, plain = (lightsail.get_instance(instanceName=name)["instance"] for name in ("blog", "plain"))
    assert (blog["blueprintName"], blog["username"], blog["sshKeyName"]) == ("WordPress", "bitnami", "ops-key")
    assert (blog["ipAddressType"], "publicIpAddress" in blog) == ("ipv6", False)
    assert (plain["username"], plain["sshKeyName"], plain["ipAddressType"]) == (
        "admin",
        "LightsailDefaultKeyPair",
        "dualstack",
    )
    assert plain["hardware"]["cpuCount"] == 2
    with refused("NotFoundException", "gone-key"):
        lightsail.create_instances(
            instanceNames=["more"],
            availabilityZone=ZONE,
            blueprintId="debian_12",
            bundleId="nano_3_0",
            keyPairName="gone-key",
        )
