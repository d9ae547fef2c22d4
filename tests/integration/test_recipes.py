"""What a snapshot is born with, so that a restore can put back what the snapshot itself does not hold."""

from datetime import timedelta
from pathlib import Path

import pytest

from lightkeeper.actions import Result
from lightkeeper.recipe import RECIPE
from lightsail_sandbox.client import ErrorAnswer, FaultRule, Sandbox
from tests.support.command import lightkeeper
from tests.support.keeper import DAY, HOUR, Keeper, count

MINUTE = timedelta(minutes=1)


def recipe(keeper: Keeper, source: str) -> dict[str, str]:
    """Return what the newest snapshot of a source says beside whose it is."""
    tags = [*keeper.snapshots(source).values()][-1]
    whose = {"owner", "source", "slot", "format", "by-hand", "expires"}
    own = {key.removeprefix("lightkeeper:"): value for key, value in tags.items() if key.startswith("lightkeeper:")}
    return {part: value for part, value in own.items() if part not in whose}


def open_ports(keeper: Keeper, *ports: int) -> None:
    rules = [{"fromPort": port, "toPort": port, "protocol": "tcp", "cidrs": ["192.0.2.0/24"]} for port in ports]
    keeper.user.put_instance_public_ports(instanceName="web", portInfos=rules)  # type: ignore[arg-type] # the stubs know no TypedDict made in a loop


def furnish(keeper: Keeper) -> None:
    """Give an instance everything that a snapshot does not hold."""
    keeper.instance("web", {"backup": "daily"})
    open_ports(keeper, 22, 443)
    keeper.user.allocate_static_ip(staticIpName="front-door")
    keeper.user.attach_static_ip(staticIpName="front-door", instanceName="web")
    keeper.user.update_instance_metadata_options(instanceName="web", httpTokens="required", httpPutResponseHopLimit=2)
    keeper.user.enable_add_on(
        resourceName="web",
        addOnRequest={"addOnType": "AutoSnapshot", "autoSnapshotAddOnRequest": {"snapshotTimeOfDay": "06:00"}},
    )


def test_the_snapshot_of_an_instance_says_what_the_instance_has(keeper: Keeper) -> None:
    furnish(keeper)

    keeper.run()

    web = keeper.user.get_instance(instanceName="web")["instance"]
    assert recipe(keeper, "web") == {
        "recipe": "1",
        "ports": "tcp:22=192.0.2.0/24 tcp:443=192.0.2.0/24",
        "static-ip": "front-door",
        "zone": "eu-central-1a",
        "bundle": web["bundleId"],
        "key": web["sshKeyName"],
        "address-type": "dualstack",
        "metadata": "tokens=required endpoint=enabled hops=2 ipv6=disabled",
        "add-ons": "AutoSnapshot 06:00",
    }


def test_that_of_a_disk_says_where_it_was_attached(keeper: Keeper) -> None:
    keeper.instance("web", {})
    keeper.disk("data", {"backup": "daily"}, attached_to="web")

    keeper.run()

    path = keeper.user.get_disk(diskName="data")["disk"]["path"]
    assert recipe(keeper, "data") == {
        "recipe": "1",
        "zone": "eu-central-1a",
        "attached-to": f"web {path}",
        "size": "32",
    }


def test_that_of_a_database_says_its_windows(keeper: Keeper) -> None:
    keeper.database("till", {"backup": "daily"}, window="16:00-16:30")

    keeper.run()

    assert recipe(keeper, "till")["backup-window"] == "16:00-16:30"
    assert recipe(keeper, "till")["maintenance-window"] == "sat:11:14-sat:11:44"
    assert recipe(keeper, "till")["public"] == "no"


def test_what_a_person_changes_later_is_in_the_next_snapshot_only(keeper: Keeper) -> None:
    furnish(keeper)
    keeper.run()
    (first,) = keeper.snapshots("web")
    before = keeper.snapshots("web")[first]

    open_ports(keeper)
    keeper.live(DAY)

    assert keeper.snapshots("web")[first] == before
    assert recipe(keeper, "web")["ports"] == "none"


def test_one_that_is_taken_by_hand_says_the_same(
    keeper: Keeper,
    aws: Sandbox,  # noqa: ARG001 - what the command takes for AWS
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "cdk.json").write_text('{"lightkeeper": {}}')
    monkeypatch.chdir(tmp_path)
    furnish(keeper)
    keeper.run()
    scheduled = recipe(keeper, "web")
    keeper.sandbox.advance(HOUR)

    ended = lightkeeper("take", "web", "--at", keeper.sandbox.now().isoformat())

    assert ended.status == 0
    assert len(keeper.snapshots("web")) == 2
    assert recipe(keeper, "web") == scheduled


def test_while_the_static_ips_cannot_be_listed_snapshots_say_so_and_nothing_is_pruned(keeper: Keeper) -> None:
    furnish(keeper)
    keeper.tag("web", "backup:keep", "1")
    keeper.run()
    keeper.live(2 * DAY)
    keeper.sandbox.advance(DAY)
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="GetStaticIps"))

    run = keeper.run()

    assert [outcome.action.verb for outcome in run.outcomes if outcome.result is Result.DONE] == ["create"]
    assert recipe(keeper, "web")["recipe"] == "1 without static-ip"
    assert "static-ip" not in recipe(keeper, "web")
    assert any("GetStaticIps" in failure for failure in run.failures)
    keeper.sandbox.clear_faults()
    keeper.sandbox.advance(HOUR)
    assert count(keeper.run(), "delete") == 1, "after it, all goes on"
    keeper.live(DAY)
    assert recipe(keeper, "web")["recipe"] == "1"


def test_what_a_restore_has_written_on_a_source_is_not_on_its_snapshots(keeper: Keeper) -> None:
    marks = {"lightkeeper:restored-from": "web-1", "lightkeeper:restore": "abc", "lightkeeper:restored-at": "x"}
    keeper.disk("data", {"backup": "daily", "team": "sales"} | marks)

    keeper.run()

    (tags,) = keeper.snapshots("data").values()
    assert not marks.keys() & tags.keys()
    assert (tags["team"], tags[RECIPE]) == ("sales", "1")
    assert [line.status for line in keeper.plan().sources] != []
