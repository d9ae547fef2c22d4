"""What Lightsail offers to everybody: bundles, blueprints, Regions. And what there is already: names and key pairs."""

from typing import TYPE_CHECKING

from lightsail_sandbox.client import Sandbox, Seed
from tests.support.asking import refused

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient


def test_bundles_say_what_they_cost_and_have(lightsail: "LightsailClient") -> None:
    bundles = {each["bundleId"]: each for each in lightsail.get_bundles()["bundles"]}

    assert bundles["nano_3_0"] == {
        "price": 5.0,
        "cpuCount": 2,
        "diskSizeInGb": 20,
        "bundleId": "nano_3_0",
        "instanceType": "nano",
        "isActive": True,
        "name": "Nano",
        "power": 298,
        "ramSizeInGb": 0.5,
        "transferPerMonthInGb": 1024,
        "supportedPlatforms": ["LINUX_UNIX"],
        "publicIpv4AddressCount": 1,
    }
    assert bundles["nano_win_3_0"]["supportedPlatforms"] == ["WINDOWS"]
    assert bundles["nano_win_3_0"]["price"] > bundles["nano_3_0"]["price"]
    assert bundles["nano_ipv6_3_0"]["publicIpv4AddressCount"] == 0
    assert bundles["nano_ipv6_3_0"]["price"] < bundles["nano_3_0"]["price"]


def test_what_is_not_sold_any_more_is_shown_to_who_asks(lightsail: "LightsailClient") -> None:
    sold = {each["bundleId"] for each in lightsail.get_bundles()["bundles"]}
    everything = {each["bundleId"]: each["isActive"] for each in lightsail.get_bundles(includeInactive=True)["bundles"]}

    assert "nano_2_0" not in sold
    assert {name for name, is_active in everything.items() if is_active} == sold
    assert everything["nano_2_0"] is False
    old = {each["blueprintId"] for each in lightsail.get_blueprints(includeInactive=True)["blueprints"]}
    assert old - {each["blueprintId"] for each in lightsail.get_blueprints()["blueprints"]} == {"debian_10"}


def test_blueprints_say_what_they_are(lightsail: "LightsailClient") -> None:
    blueprints = {each["blueprintId"]: each for each in lightsail.get_blueprints()["blueprints"]}

    found = {name: (blueprints[name]["type"], blueprints[name]["platform"]) for name in ("debian_12", "wordpress")}
    assert found == {"debian_12": ("os", "LINUX_UNIX"), "wordpress": ("app", "LINUX_UNIX")}
    assert blueprints["windows_server_2022"]["platform"] == "WINDOWS"


def test_databases_have_bundles_and_blueprints_of_their_own(lightsail: "LightsailClient") -> None:
    bundles = {each["bundleId"]: each for each in lightsail.get_relational_database_bundles()["bundles"]}
    blueprints = {each["blueprintId"]: each for each in lightsail.get_relational_database_blueprints()["blueprints"]}

    assert (bundles["micro_2_0"]["price"], bundles["micro_ha_2_0"]["price"]) == (15.0, 30.0)
    assert bundles["micro_ha_2_0"]["name"] == "Micro with High Availability"
    assert "micro_1_0" not in bundles
    assert (blueprints["postgres_12"]["engine"], blueprints["postgres_12"]["engineVersion"]) == ("postgres", "12")


def test_offers_come_in_pages(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    expected = [each["bundleId"] for each in lightsail.get_bundles(includeInactive=True)["bundles"]]
    sandbox.set_options(page_size=7)

    pages = [*lightsail.get_paginator("get_bundles").paginate(includeInactive=True)]

    assert len(pages) > 1
    assert [each["bundleId"] for page in pages for each in page["bundles"]] == expected
    with refused("InvalidInputException", "Invalid page token"):
        lightsail.get_blueprints(pageToken=pages[0]["nextPageToken"])


def test_regions_show_the_zones_of_databases_to_who_asks(lightsail: "LightsailClient") -> None:
    def zones(*, servers: bool, databases: bool) -> tuple[int, int]:
        regions = lightsail.get_regions(
            includeAvailabilityZones=servers, includeRelationalDatabaseAvailabilityZones=databases
        )["regions"]
        [here] = [each for each in regions if each["name"] == "eu-central-1"]
        return len(here["availabilityZones"]), len(here["relationalDatabaseAvailabilityZones"])

    assert (zones(servers=False, databases=True), zones(servers=True, databases=False)) == ((0, 3), (3, 0))


def test_every_name_in_use_is_listed_whatever_its_kind(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.seed(
        [
            Seed(kind="Instance", name="web"),
            Seed(kind="StaticIp", name="front", attached_to="web"),
            Seed(kind="KeyPair", name="ops-key"),
            Seed(kind="InstanceSnapshot", name="web-1", source="web"),
            Seed(kind="RelationalDatabase", name="orders"),
        ]
    )
    sandbox.set_options(page_size=2)

    pages = [*lightsail.get_paginator("get_active_names").paginate()]

    assert [page["activeNames"] for page in pages] == [["web", "front"], ["ops-key", "web-1"], ["orders"]]


# Key pairs


def test_a_key_pair_is_made_found_and_deleted(lightsail: "LightsailClient") -> None:
    made = lightsail.create_key_pair(keyPairName="ops-key", tags=[{"key": "team", "value": "ops"}])

    assert (made["operation"]["resourceName"], made["operation"]["status"]) == ("ops-key", "Succeeded")
    assert made["privateKeyBase64"]
    found = lightsail.get_key_pair(keyPairName="ops-key")["keyPair"]
    assert (found["fingerprint"], found["tags"]) == (made["keyPair"]["fingerprint"], [{"key": "team", "value": "ops"}])
    with refused("InvalidInputException", "Some names are already in use: ops-key"):
        lightsail.allocate_static_ip(staticIpName="ops-key")
    with refused("NotFoundException", "another fingerprint"):
        lightsail.delete_key_pair(keyPairName="ops-key", expectedFingerprint="00:11")
    lightsail.delete_key_pair(keyPairName="ops-key", expectedFingerprint=found["fingerprint"])
    assert lightsail.get_key_pairs()["keyPairs"] == []


def test_each_region_has_its_default_key_pair(lightsail: "LightsailClient") -> None:
    lightsail.create_key_pair(keyPairName="ops-key")

    shown = [each["name"] for each in lightsail.get_key_pairs(includeDefaultKeyPair=True)["keyPairs"]]

    assert shown == ["LightsailDefaultKeyPair", "ops-key"]
    assert [each["name"] for each in lightsail.get_key_pairs()["keyPairs"]] == ["ops-key"]
    assert lightsail.get_key_pair(keyPairName="LightsailDefaultKeyPair")["keyPair"]["fingerprint"]
    with refused("InvalidInputException", "LightsailDefaultKeyPair"):
        lightsail.create_key_pair(keyPairName="LightsailDefaultKeyPair")
