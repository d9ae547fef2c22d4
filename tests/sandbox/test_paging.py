from typing import TYPE_CHECKING

import pytest

from lightsail_sandbox.client import Sandbox, Seed
from tests.support.asking import REGION, make_client, refused

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient


@pytest.fixture
def five_disks(sandbox: Sandbox) -> list[str]:
    names = [f"disk-{number}" for number in range(5)]
    sandbox.seed(Seed(kind="Disk", name=name) for name in names)
    sandbox.set_options(page_size=2)
    return names


def test_pages_hold_as_many_as_was_set_and_the_last_has_no_token(
    lightsail: "LightsailClient", five_disks: list[str]
) -> None:
    pages = list(lightsail.get_paginator("get_disks").paginate())

    assert [len(page["disks"]) for page in pages] == [2, 2, 1]
    assert [disk["name"] for page in pages for disk in page["disks"]] == five_disks
    assert "nextPageToken" not in pages[-1]


@pytest.mark.usefixtures("five_disks")
def test_what_others_delete_between_two_pages_makes_nothing_go_missing(lightsail: "LightsailClient") -> None:
    first = lightsail.get_disks()
    lightsail.delete_disk(diskName="disk-0")
    lightsail.delete_disk(diskName="disk-1")

    second = lightsail.get_disks(pageToken=first["nextPageToken"])

    assert [disk["name"] for disk in second["disks"]] == ["disk-2", "disk-3"]


@pytest.mark.usefixtures("five_disks")
def test_what_others_create_between_two_pages_comes_at_the_end_and_once(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    first = lightsail.get_disks()
    lightsail.delete_disk(diskName="disk-1")
    sandbox.seed([Seed(kind="Disk", name="disk-1")])

    second = lightsail.get_disks(pageToken=first["nextPageToken"])
    third = lightsail.get_disks(pageToken=second["nextPageToken"])

    assert [disk["name"] for disk in third["disks"]] == ["disk-4", "disk-1"]


def test_pages_that_shift_give_an_entry_twice_or_not_at_all(
    sandbox: Sandbox, lightsail: "LightsailClient", five_disks: list[str]
) -> None:
    sandbox.set_options(shifting_pages=True)
    assert [disk["name"] for page in lightsail.get_paginator("get_disks").paginate() for disk in page["disks"]] == [
        *reversed(five_disks)
    ]

    first = lightsail.get_disks()
    sandbox.seed([Seed(kind="Disk", name="disk-5")])
    second = lightsail.get_disks(pageToken=first["nextPageToken"])
    lightsail.delete_disk(diskName="disk-5")
    lightsail.delete_disk(diskName="disk-4")
    third = lightsail.get_disks(pageToken=second["nextPageToken"])

    names = [[disk["name"] for disk in page["disks"]] for page in (first, second, third)]
    assert names == [["disk-4", "disk-3"], ["disk-3", "disk-2"], []]


@pytest.mark.usefixtures("five_disks")
def test_a_token_is_good_for_its_own_list_and_region_only(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    token = lightsail.get_disks()["nextPageToken"]
    elsewhere = make_client(sandbox, "us-east-1")

    with refused("InvalidInputException", "token"):
        lightsail.get_instances(pageToken=token)
    with refused("InvalidInputException", "token"):
        elsewhere.get_disks(pageToken=token)
    elsewhere.close()


@pytest.mark.parametrize("token", ["", "2", "nonsense", "WzEsICJ4Il0="])
def test_a_made_up_token_is_refused(lightsail: "LightsailClient", token: str) -> None:
    with refused("InvalidInputException", "token"):
        lightsail.get_disks(pageToken=token)


def test_the_record_tells_how_many_each_page_had(
    sandbox: Sandbox, lightsail: "LightsailClient", five_disks: list[str]
) -> None:
    sandbox.clear_calls()
    list(lightsail.get_paginator("get_disks").paginate())

    calls = sandbox.calls()
    assert [(call.items, call.more) for call in calls] == [(2, True), (2, True), (1, False)]
    assert [call.region for call in calls] == [REGION] * 3
    assert sum(call.items or 0 for call in calls) == len(five_disks)
