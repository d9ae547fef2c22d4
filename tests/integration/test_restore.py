"""A shop is lost and brought back: on the local Lightsail, with boto3, from snapshots that real runs have taken."""

import pytest

from lightkeeper.restore_steps import RESTORED_AT, RESTORED_FROM
from tests.support.keeper import Keeper
from tests.support.restoring import Shop, errors_of, tags_of


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
