"""A shop is lost and brought back: on the local Lightsail, with boto3, from snapshots that real runs have taken."""

import itertools
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from lightkeeper.kinds import SourceKind
from lightkeeper.recipe import PortRule, merged_rules
from lightkeeper.restore_steps import RESTORED_AT, RESTORED_FROM, Attachment, CreateInstance
from lightsail_sandbox.client import ErrorAnswer, FailOperation, FaultRule, Seed
from lightsail_sandbox.faults import EndInstances
from tests.support.keeper import DAY, REGION, Keeper
from tests.support.restoring import DISK, Shop, errors_of, tags_of


@pytest.fixture
def shop(keeper: Keeper) -> Shop:
    return Shop(keeper)


def test_a_deleted_server_comes_back_as_it_was_and_its_address_with_it(shop: Shop) -> None:
    shop.open(disks=("orders", "photos"))
    shop.back_up()
    before, ports = shop.instance("web"), shop.ports("web")
    shop.lose(disks=("orders", "photos"))

    restored = shop.bring_back("web")

    assert errors_of(restored) == []
    name = restored.plan.resource
    assert name == "web-restored-20260615-1220"
    after = shop.instance(name)
    assert shop.ports(name) == ports
    assert shop.holder() == name
    assert after["publicIpAddress"] == before["publicIpAddress"]
    for same in ("bundleId", "blueprintId", "sshKeyName", "ipAddressType", "metadataOptions", "addOns", "location"):
        assert after[same] == before[same], same
    assert shop.disks_of(name) == {
        "/dev/xvdf": "orders-restored-20260615-1220",
        "/dev/xvdg": "photos-restored-20260615-1220",
    }
    assert tags_of(after) == {
        "backup": "daily",
        "customer": "shop",
        RESTORED_FROM: restored.plan.snapshot,
        "lightkeeper:restore": restored.plan.key,
        RESTORED_AT: tags_of(after)[RESTORED_AT],
    }
    assert restored.condition is not None
    assert restored.condition.address == before["publicIpAddress"]


def test_a_living_server_keeps_its_address_until_it_is_asked_for(shop: Shop) -> None:
    shop.open()
    shop.back_up()

    beside = shop.bring_back("web")

    assert errors_of(beside) == []
    assert shop.holder() == "web"
    assert any("web has it; run the same command again with --snapshot" in each for each in beside.plan.not_restored)

    # Meanwhile the next backup is taken, of what is broken: the one that was looked at gets the address all the same.
    shop.keeper.sandbox.advance(DAY)
    shop.back_up()
    moved = shop.bring_back("web", snapshot=beside.plan.snapshot, move_address=True)

    assert errors_of(moved) == []
    assert moved.plan.resource == beside.plan.resource == shop.holder()
    assert {name for name, kind in shop.all_sources().items() if kind == "Instance"} == {"web", beside.plan.resource}
    assert any(each.startswith("to move the address back: aws lightsail detach") for each in moved.plan.notes)


def test_the_address_is_moved_in_one_go_where_that_is_asked_for(shop: Shop) -> None:
    shop.open()
    shop.back_up()

    restored = shop.bring_back("web", move_address=True, name="web2")

    assert errors_of(restored) == []
    assert shop.holder() == "web2"
    assert shop.disks_of("web2") == {"/dev/xvdf": "orders-web2"}
    healthy = shop.told.index(("web2", "move-address", None))
    assert shop.told[healthy - 1] == ("web2", "wait", "done"), "only what answers takes the address"


def test_the_same_command_again_changes_nothing_that_a_person_has_changed_since(shop: Shop) -> None:
    shop.open()
    shop.back_up()
    shop.lose()
    first = shop.bring_back("web")
    name, user = first.plan.resource, shop.keeper.user
    user.put_instance_public_ports(instanceName=name, portInfos=[{"fromPort": 1, "toPort": 2, "protocol": "tcp"}])
    user.update_instance_metadata_options(instanceName=name, httpTokens="optional")
    user.detach_static_ip(staticIpName="shop-ip")
    user.untag_resource(resourceName=name, tagKeys=["customer"])
    user.stop_instance(instanceName=name)
    shop.keeper.sandbox.advance(timedelta(hours=1))
    before, sources = shop.instance(name), shop.all_sources()
    shop.keeper.sandbox.clear_calls()

    again = shop.bring_back("web")

    assert errors_of(again) == []
    assert {outcome.result for outcome in again.outcomes} == {"already"}
    assert shop.writes() == []
    assert shop.instance(name) == before
    assert shop.all_sources() == sources
    assert shop.holder() is None
    assert again.seconds < 60, "nothing is waited for"
    assert any("nobody has it now; run the same command again" in each for each in again.plan.not_restored)


def test_a_newer_snapshot_does_not_make_an_interrupted_restore_begin_again(shop: Shop) -> None:
    shop.open()
    shop.back_up()
    shop.keeper.sandbox.add_faults(refused("PutInstancePublicPorts"))
    begun = shop.bring_back("web")
    shop.keeper.sandbox.clear_faults()
    assert "PutInstancePublicPorts" in errors_of(begun)[0]
    shop.keeper.sandbox.advance(DAY)
    shop.back_up()

    again = shop.bring_back("web")

    assert errors_of(again) == []
    assert (again.plan.resource, again.plan.snapshot) == (begun.plan.resource, begun.plan.snapshot)
    assert again.plan.steps[0].disks == (("/dev/xvdf", "orders-restored-20260615-1220"),)  # type: ignore[union-attr]
    assert shop.ports(begun.plan.resource) == shop.ports("web")


def test_once_it_is_finished_a_newer_snapshot_comes_back_beside_it_and_that_is_said(shop: Shop) -> None:
    shop.open()
    shop.back_up()
    first = shop.bring_back("web")
    shop.keeper.sandbox.advance(DAY)
    shop.back_up()

    second = shop.plan("web")

    assert second.resource != first.plan.resource
    assert any(first.plan.resource in note and "--snapshot" in note for note in second.notes)


def test_a_windows_server_comes_back_with_its_firewall_and_without_a_key(shop: Shop) -> None:
    shop.seed(
        Seed(
            kind="Instance",
            name="till",
            blueprint_id="windows_server_2022",
            bundle_id="medium_win_3_0",
            tags={"backup": "daily"},
        )
    )
    shop.keeper.user.put_instance_public_ports(
        instanceName="till", portInfos=[{"fromPort": 3389, "toPort": 3389, "protocol": "tcp", "cidrs": ["10.0.0.0/8"]}]
    )
    ports = shop.ports("till")
    shop.back_up()
    shop.keeper.user.delete_instance(instanceName="till")

    restored = shop.bring_back("till")

    assert errors_of(restored) == []
    assert shop.ports(restored.plan.resource) == ports
    assert shop.instance(restored.plan.resource)["bundleId"] == "medium_win_3_0"
    assert restored.condition is not None
    assert restored.condition.is_windows
    assert any("password" in each for each in restored.plan.not_restored)


def test_an_application_comes_back_with_all_ports_closed_as_they_were(shop: Shop) -> None:
    shop.seed(Seed(kind="Instance", name="blog", blueprint_id="wordpress", tags={"backup": "daily"}))
    shop.keeper.user.put_instance_public_ports(instanceName="blog", portInfos=[])
    shop.back_up()
    shop.keeper.user.delete_instance(instanceName="blog")

    restored = shop.bring_back("blog")

    assert errors_of(restored) == []
    assert shop.ports(restored.plan.resource) == []


def test_a_server_with_ipv6_only_comes_back_as_one(shop: Shop) -> None:
    shop.keeper.user.create_instances(
        instanceNames=["six"],
        availabilityZone="eu-central-1c",
        blueprintId="debian_12",
        bundleId="nano_ipv6_3_0",
        ipAddressType="ipv6",
        tags=[{"key": "backup", "value": "daily"}],
    )
    shop.back_up()
    shop.keeper.user.delete_instance(instanceName="six")

    restored = shop.bring_back("six")

    assert errors_of(restored) == []
    after = shop.instance(restored.plan.resource)
    assert after["ipAddressType"] == "ipv6"
    assert after["location"]["availabilityZone"] == "eu-central-1c"
    assert restored.condition is not None
    assert restored.condition.address == after["ipv6Addresses"][0]
    assert any("AAAA" in each for each in restored.plan.not_restored)


def test_a_disk_comes_back_alone_and_is_attached_where_it_is_asked_for(shop: Shop) -> None:
    shop.open(disks=())
    shop.keeper.user.create_disk(
        diskName="ledger",
        availabilityZone="eu-central-1b",
        sizeInGb=8,
        tags=[{"key": "backup", "value": "daily"}],
        addOns=[{"addOnType": "AutoSnapshot", "autoSnapshotAddOnRequest": {"snapshotTimeOfDay": "05:00"}}],
    )
    shop.back_up()
    shop.keeper.user.delete_disk(diskName="ledger")

    restored = shop.bring_back("ledger", attach=Attachment("web", "/dev/xvdf"))

    assert errors_of(restored) == []
    after = shop.disk(restored.plan.resource)
    assert (after["attachedTo"], after["path"], after["sizeInGb"]) == ("web", "/dev/xvdf", 8)
    assert after["location"]["availabilityZone"] == "eu-central-1b"
    assert after["addOns"][0]["snapshotTimeOfDay"] == "05:00"
    assert tags_of(after)["backup"] == "daily"
    shop.keeper.sandbox.clear_calls()
    assert errors_of(shop.bring_back("ledger", attach=Attachment("web", "/dev/xvdf"))) == []
    assert shop.writes() == []


def test_a_system_disk_comes_back_as_a_disk_with_its_files(shop: Shop) -> None:
    shop.open(disks=(), tags={"backup": "daily", "backup:mode": "system-disk"})
    shop.back_up()

    assert "cannot boot a server; expected --kind disk" in shop.plan("web").problems[0]
    restored = shop.bring_back("web", kind=DISK, attach=Attachment("web", "/dev/xvdf"))

    assert errors_of(restored) == []
    after = shop.disk(restored.plan.resource)
    assert (after["attachedTo"], after["sizeInGb"]) == ("web", 60)


def test_a_database_comes_back_public_with_its_windows(shop: Shop) -> None:
    shop.open_database("orders", preferredBackupWindow="16:00-16:30")
    shop.keeper.sandbox.advance(timedelta(hours=1))
    shop.back_up()
    shop.keeper.user.delete_relational_database(relationalDatabaseName="orders", skipFinalSnapshot=True)

    restored = shop.bring_back("orders")

    assert errors_of(restored) == []
    after = shop.database(restored.plan.resource)
    assert after["publiclyAccessible"] is True
    assert after["relationalDatabaseBundleId"] == "small_2_0"
    assert after["preferredBackupWindow"] == "16:00-16:30"
    assert after["preferredMaintenanceWindow"].lower() == "tue:17:00-tue:17:30"
    assert restored.condition is not None
    assert restored.condition.address == f"{after['masterEndpoint']['address']}:{after['masterEndpoint']['port']}"
    assert any("password" in each for each in restored.plan.not_restored)


# What goes wrong in the middle


def test_a_server_that_somebody_deletes_while_it_is_waited_for_is_missed_soon(shop: Shop) -> None:
    shop.open()
    shop.back_up()
    plan = shop.plan("web")
    shop.on_step = lambda _, step, outcome: (
        shop.keeper.user.delete_instance(instanceName=plan.resource)
        if (step.step, outcome) == ("open-ports", None)
        else None
    )
    restored = shop.do(plan)[0]
    shop.on_step = None

    assert "NotFoundException" in errors_of(restored)[0]
    assert "run the same command again" in errors_of(restored)[0]


def test_a_server_that_is_gone_between_two_looks_is_said_to_be_deleted(shop: Shop) -> None:
    shop.open()
    shop.back_up()
    plan = shop.plan("web")
    begun = shop.keeper.sandbox.now()

    def delete() -> None:
        if plan.resource in shop.all_sources() and shop.keeper.sandbox.now() - begun > timedelta(seconds=20):
            shop.keeper.user.delete_instance(instanceName=plan.resource)

    shop.on_pause = delete
    restored = shop.do(plan)[0]
    shop.on_pause = None

    assert "somebody has deleted it: run the same command again, and it is made again" in errors_of(restored)[0]
    assert restored.seconds < 120
    assert errors_of(shop.bring_back("web")) == []


def test_an_answer_that_is_not_lightsails_does_not_say_that_somebody_has_deleted_it(shop: Shop) -> None:
    shop.open()
    shop.back_up()
    shop.lose()

    def a_proxy_answers(parsed: dict[str, Any], **_: object) -> None:
        parsed.pop("instances", None)
        parsed["ResponseMetadata"]["HTTPHeaders"]["content-type"] = "text/html"

    events, call = shop.regions[REGION]._client.meta.events, "after-call.lightsail.GetInstances"  # noqa: SLF001 - no fault of the sandbox comes between
    plan = shop.plan("web")
    events.register(call, a_proxy_answers)
    try:
        (said,) = errors_of(shop.do(plan)[0])
    finally:
        events.unregister(call, a_proxy_answers)

    assert said.startswith("GetInstances: the answer is of type text/html; expected Lightsail's JSON")
    assert "the same command again" in said


def test_an_address_that_somebody_else_took_meanwhile_stays_there(shop: Shop) -> None:
    shop.open()
    shop.back_up()
    shop.lose()
    shop.seed(Seed(kind="Instance", name="other"))
    plan = shop.plan("web")
    shop.keeper.user.attach_static_ip(staticIpName="shop-ip", instanceName="other")

    restored = shop.do(plan)[0]

    assert "other has shop-ip by now, and keeps it" in errors_of(restored)[0]
    assert shop.holder() == "other"
    again = shop.bring_back("web")
    assert errors_of(again) == []
    assert any("other has it, and keeps it" in each for each in again.plan.not_restored)


@pytest.mark.parametrize("end", ["initializing", "impaired", "pending", "error"])
def test_the_address_stays_where_it_was_if_what_is_made_never_gets_healthy(shop: Shop, end: str) -> None:
    shop.open()
    shop.back_up()
    effect = EndInstances(state=end)  # type: ignore[arg-type]
    shop.keeper.sandbox.add_faults(FaultRule(effect=effect, operation="CreateInstancesFromSnapshot"))

    restored = shop.bring_back("web", move_address=True)

    assert shop.holder() == "web"
    (said,) = errors_of(restored)
    words = {
        "initializing": 'is "running", its health "initializing" after 30 minutes',
        "impaired": 'is "running", its health "impaired" after 30 minutes',
        "pending": 'is "pending", its health "not-applicable" after 30 minutes',
        "error": 'is "error"; expected it to become usable: delete it',
    }
    assert words[end] in said
    assert restored.outcomes[-1].result == "skipped"


def test_a_snapshot_that_is_deleted_between_plan_and_create_leads_to_the_next_one(shop: Shop) -> None:
    shop.open()
    shop.back_up()
    shop.keeper.sandbox.advance(DAY)
    shop.back_up()
    plan = shop.plan("web")
    shop.keeper.user.delete_instance_snapshot(instanceSnapshotName=plan.snapshot)

    restored = shop.do(plan)[0]

    assert "somebody has deleted it meanwhile; run the same command again" in errors_of(restored)[0]
    again = shop.bring_back("web")
    assert errors_of(again) == []
    assert again.plan.snapshot != plan.snapshot


def test_an_address_that_the_new_server_does_not_get_goes_back_to_the_old_one(shop: Shop) -> None:
    shop.open()
    shop.back_up()
    failed = FaultRule(effect=FailOperation(), operation="AttachStaticIp", calls=(1,))
    shop.keeper.sandbox.add_faults(failed)

    restored = shop.bring_back("web", move_address=True)

    assert "web has shop-ip again" in errors_of(restored)[0]
    assert shop.holder() == "web"
    assert errors_of(shop.bring_back("web", move_address=True)) == []
    assert shop.holder() == restored.plan.resource


def test_an_address_that_nobody_gets_is_said_to_be_nobodys_and_how_to_give_it_back(shop: Shop) -> None:
    shop.open()
    shop.back_up()
    shop.keeper.sandbox.add_faults(refused("AttachStaticIp"))

    restored = shop.bring_back("web", move_address=True)

    assert "nobody has shop-ip now" in errors_of(restored)[0]
    assert f"attach-static-ip --region {REGION} --static-ip-name shop-ip --instance-name web" in errors_of(restored)[0]
    shop.keeper.sandbox.clear_faults()
    assert errors_of(shop.bring_back("web", move_address=True)) == []
    assert shop.holder() == restored.plan.resource


@pytest.mark.parametrize("listing", ["GetInstances", "GetStaticIps", "GetKeyPairs", "GetBundles", "GetRegions"])
def test_a_list_that_cannot_be_read_is_no_empty_list(shop: Shop, listing: str) -> None:
    shop.open()
    shop.back_up()
    shop.lose()
    shop.keeper.sandbox.add_faults(refused(listing))

    plan = shop.plan("web")

    match listing:
        case "GetInstances":
            assert "nobody knows whether an earlier try has made it already" in plan.problems[0]
        case "GetStaticIps":
            assert any("could not be read; run the same command again" in each for each in plan.not_restored)
        case "GetKeyPairs":
            assert isinstance(plan.steps[0], CreateInstance)
            assert plan.steps[0].key == "owner"
        case _:
            assert plan.problems == ()
            assert isinstance(plan.steps[0], CreateInstance)
            assert (plan.steps[0].zone, plan.steps[0].bundle) == ("eu-central-1b", "small_3_0")


def forget_health(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the connection one of an older boto3, whose model has no health."""
    client = shop.regions[REGION]._client  # noqa: SLF001 - what boto3 has made
    shape = client.meta.service_model.operation_model("GetInstances").input_shape
    assert shape is not None
    monkeypatch.delitem(shape.members, "includeHealthStatus")


def test_with_a_boto3_that_does_not_know_health_the_metric_of_the_status_checks_says_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.open()
    shop.back_up()
    shop.lose()
    forget_health(shop, monkeypatch)

    restored = shop.bring_back("web")

    assert errors_of(restored) == []
    calls = Counter(call.operation for call in shop.keeper.sandbox.calls())
    assert calls["GetInstanceMetricData"] > 0
    assert restored.condition is not None
    assert restored.condition.health == "ok"


def test_with_such_a_boto3_what_is_impaired_takes_no_address(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.open()
    shop.back_up()
    shop.lose()
    shop.keeper.sandbox.add_faults(
        FaultRule(effect=EndInstances(state="impaired"), operation="CreateInstancesFromSnapshot")
    )
    forget_health(shop, monkeypatch)

    restored = shop.bring_back("web")

    assert '"running", its health "impaired" after 30 minutes' in errors_of(restored)[0]
    assert shop.holder() is None


# Any server


PLACES = st.sampled_from(["0.0.0.0/0", "198.51.100.0/24", "203.0.113.7/32", "192.0.2.128/25"])
PLACES_V6 = st.sampled_from(["::/0", "2001:db8::/32", "2001:db8:1::5/128"])


@st.composite
def doors(draw: st.DrawFn) -> PortRule:
    first, last = sorted(draw(st.tuples(st.integers(1, 65_535), st.integers(1, 65_535))))
    cidrs = tuple(draw(st.lists(PLACES, max_size=4, unique=True)))
    ipv6_cidrs = tuple(draw(st.lists(PLACES_V6, max_size=3, unique=True, min_size=0 if cidrs else 1)))
    return PortRule(draw(st.sampled_from(["tcp", "udp"])), first, last, cidrs, ipv6_cidrs)


SERVERS = st.fixed_dictionaries(
    {
        "firewall": st.lists(doors(), max_size=8).map(merged_rules),
        "bundle_id": st.sampled_from(["nano_3_0", "small_3_0", "medium_3_0"]),
        "key_pair": st.sampled_from(["owner", None]),
        "hour": st.none() | st.integers(0, 23),
        "tags": st.dictionaries(st.sampled_from(["customer", "stage", "team"]), st.sampled_from(["", "shop", "a b"])),
    }
)
NUMBERS = itertools.count()


@pytest.mark.slow
@examples(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(server=SERVERS)
def test_any_server_comes_back_as_it_was_when_its_snapshot_was_taken(shop: Shop, server: dict[str, Any]) -> None:
    user, name = shop.keeper.user, f"any-{next(NUMBERS)}"
    if "owner" not in {pair["name"] for pair in user.get_key_pairs()["keyPairs"]}:
        user.create_key_pair(keyPairName="owner")
    firewall = [
        {
            "fromPort": rule.first,
            "toPort": rule.last,
            "protocol": rule.protocol,
            "cidrs": list(rule.cidrs),
            "ipv6Cidrs": list(rule.ipv6_cidrs),
        }
        for rule in server["firewall"]
    ]
    shop.seed(
        Seed(
            kind="Instance",
            name=name,
            tags={"backup": "daily", **server["tags"]},
            created_at=shop.keeper.sandbox.now() - DAY,
            bundle_id=server["bundle_id"],
            key_pair=server["key_pair"],
            firewall=firewall,
        )
    )
    if server["hour"] is not None:
        on = {"addOnType": "AutoSnapshot", "autoSnapshotAddOnRequest": {"snapshotTimeOfDay": f"{server['hour']:02}:00"}}
        user.enable_add_on(resourceName=name, addOnRequest=on)  # type: ignore[arg-type] # the stubs know no such text
    shop.back_up()
    before, ports = shop.instance(name), shop.ports(name)
    # What came later is not what the snapshot is of.
    user.put_instance_public_ports(instanceName=name, portInfos=[{"fromPort": 1, "toPort": 1, "protocol": "tcp"}])
    user.delete_instance(instanceName=name)

    restored = shop.bring_back(name, kind=SourceKind.INSTANCE)

    assert errors_of(restored) == []
    after = shop.instance(restored.plan.resource)
    assert shop.ports(restored.plan.resource) == ports
    users = {key: value for key, value in tags_of(after).items() if not key.startswith("lightkeeper:")}
    assert users == tags_of(before)
    for same in ("bundleId", "blueprintId", "sshKeyName", "ipAddressType", "metadataOptions", "addOns", "location"):
        assert after.get(same) == before.get(same), same
    # So that it is not backed up with the next one.
    user.delete_instance(instanceName=restored.plan.resource)


# A fleet


def test_a_fleet_comes_back_side_by_side_with_one_list_for_all(shop: Shop) -> None:
    fleet(shop, 8)
    one = shop.do(shop.plan_all()[0])[0].seconds
    for number in range(8):
        shop.keeper.user.delete_instance(instanceName=f"web-{number}")
    shop.keeper.sandbox.clear_calls()
    start = shop.keeper.sandbox.now()

    ended = shop.do(*shop.plan_all(suffix="-again"))

    assert [errors_of(each) for each in ended] == [[]] * 16
    assert max(each.seconds for each in ended) <= 1.3 * one + 60
    for number in range(8):
        assert shop.disks_of(f"web-{number}-again") == {"/dev/xvdg": f"own-{number}-again"}
    lists = Counter(call.operation for call in shop.keeper.sandbox.calls())
    # In simulated time, whoever waits moves the clock for all; each looking for itself would be eight times as many.
    every_ten_seconds = (shop.keeper.sandbox.now() - start).total_seconds() / 10
    assert lists["GetInstances"] <= every_ten_seconds + 60, "one list for all of them"
    assert lists["GetDisks"] <= every_ten_seconds + 60


def fleet(shop: Shop, size: int) -> None:
    """Have servers with a disk each, which is backed up on its own and was attached after the server's backup."""
    daily = {"backup": "daily"}
    shop.seed(*(Seed(kind="Instance", name=f"web-{number}", tags=daily) for number in range(size)))
    shop.back_up()
    for number in range(size):
        shop.seed(Seed(kind="Disk", name=f"own-{number}", tags=daily))
        shop.keeper.user.attach_disk(diskName=f"own-{number}", instanceName=f"web-{number}", diskPath="/dev/xvdg")
    shop.back_up()


def refused(operation: str) -> FaultRule:
    return FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation=operation)
