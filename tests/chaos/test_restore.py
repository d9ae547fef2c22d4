"""A restore that dies, or meets a fault, at any of its calls: the same command again ends where it would have ended."""

from collections import Counter
from datetime import timedelta
from typing import Literal

import pytest

from lightkeeper.restore_steps import RESTORED_AT, Restored
from lightsail_sandbox.client import Effect, ErrorAnswer, FailOperation, FaultRule, LoseAnswer
from tests.support import wire
from tests.support.keeper import DAY, Keeper
from tests.support.restoring import Shop, errors_of, tags_of
from tests.support.wire import Wire
from tests.support.world import no_waiting

World = dict[str, object]

EVERYTHING = dict.fromkeys(
    (
        "CreateInstancesFromSnapshot",
        "PutInstancePublicPorts",
        "UpdateInstanceMetadataOptions",
        "DetachStaticIp",
        "AttachStaticIp",
        "TagResource",
        "CreateDiskFromSnapshot",
        "AttachDisk",
        "CreateRelationalDatabaseFromSnapshot",
        "UpdateRelationalDatabase",
    )
)
"""Every write that a restore knows."""
FAULTS: dict[str, Effect] = {
    "throttling": ErrorAnswer(code="ThrottlingException"),
    "unavailable": ErrorAnswer(code="ServiceException"),
    "access denied": ErrorAnswer(code="AccessDeniedException"),
    "invalid input": ErrorAnswer(code="InvalidInputException"),
    "not found": ErrorAnswer(code="NotFoundException"),
    "refused for now": ErrorAnswer(code="OperationFailureException"),
    "operation failed": FailOperation(),
}


@pytest.fixture
def shop(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> Shop:
    no_waiting(monkeypatch)
    opened = Shop(keeper)
    full(opened)
    keeper.sandbox.checkpoint()
    return opened


@pytest.fixture
def cable(monkeypatch: pytest.MonkeyPatch, shop: Shop) -> Wire:  # noqa: ARG001 - the wire is laid afterwards
    return wire.lay(monkeypatch)


def full(shop: Shop) -> None:
    """Have a shop with something of everything, of which a backup is there: server, disk of its own, database."""
    user = shop.keeper.user
    shop.open(disks=("orders",))
    daily = [{"key": "backup", "value": "daily"}]
    user.create_relational_database(
        relationalDatabaseName="books",
        availabilityZone="eu-central-1a",
        relationalDatabaseBlueprintId="mysql_8_0",
        relationalDatabaseBundleId="small_2_0",
        masterDatabaseName="shop",
        masterUsername="admin",
        publiclyAccessible=True,
        preferredMaintenanceWindow="Tue:17:00-Tue:17:30",
        tags=daily,  # type: ignore[arg-type]
    )
    shop.back_up()
    user.create_disk(diskName="photos", availabilityZone="eu-central-1b", sizeInGb=8, tags=daily)  # type: ignore[arg-type]
    user.attach_disk(diskName="photos", instanceName="web", diskPath="/dev/xvdg")
    shop.back_up()


def server(shop: Shop) -> tuple[Restored, ...]:
    """Bring the server back beside the living one, and move its address."""
    return shop.do(shop.plan("web", move_address=True))


def rest(shop: Shop) -> tuple[Restored, ...]:
    """Bring everything back."""
    return shop.do(*shop.plan_all())


def seen(shop: Shop) -> World:
    """Return what there is, but for what follows from the minute in which it was made."""
    kinds = Counter(kind for kind in shop.all_sources().values())
    made = [name for name in shop.all_sources() if "-restored-" in name]
    servers = [name for name in made if name.startswith("web-")]
    return {
        "kinds": kinds,
        "made": Counter(name.partition("-restored-")[0] for name in made),
        "address": (shop.holder() or "").partition("-restored-")[0] + ("+" if shop.holder() in servers else ""),
        "ports": [shop.ports(name) for name in servers],
        "options": [shop.instance(name)["metadataOptions"] for name in servers],
        "disks": [
            {path: disk.partition("-restored-")[0] for path, disk in shop.disks_of(name).items()} for name in servers
        ],
        "noted": sorted(
            RESTORED_AT in tags_of(shop.instance(name)) for name in servers
        ),
    }


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("of", [server, rest], ids=["server", "everything"])
def test_a_crash_at_any_call_leaves_a_restore_that_the_same_command_ends(
    shop: Shop, cable: Wire, when: Literal["before", "after"], of: "type[server]"
) -> None:
    with cable.cut(0, when):
        assert [errors_of(each) for each in of(shop)] == [[] for _ in of_all(shop, of)]
    expected, calls = seen(shop), cable.calls
    writes = calls_that_write(shop)
    assert expected["noted"] == [True]

    for call in sorted(writes | {1, calls // 3, calls // 2, calls}):
        shop.keeper.sandbox.restore()
        with cable.cut(call, when):
            of(shop)
        shop.keeper.sandbox.advance(timedelta(minutes=7))

        ended = of(shop)

        assert [errors_of(each) for each in ended] == [[] for _ in ended], f"died {when} call {call}"
        assert seen(shop) == expected, f"died {when} call {call}"
