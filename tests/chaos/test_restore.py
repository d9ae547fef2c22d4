"""A restore that dies, or meets a fault, at any of its calls: the same command again ends where it would have ended."""

import re
from collections import Counter
from datetime import timedelta
from typing import Literal

import pytest

from lightkeeper.restore_steps import RESTORED_AT, Restored
from lightsail_sandbox.client import Effect, ErrorAnswer, FailOperation, FaultRule, LoseAnswer
from tests.support import wire
from tests.support.keeper import Keeper
from tests.support.restoring import Shop, errors_of, tags_of
from tests.support.wire import Wire
from tests.support.world import no_waiting

World = dict[str, object]
WHAT_TO_DO = re.compile("same command again|correct what it says")

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
    shop.open_database("books")
    shop.back_up()
    user.create_disk(diskName="photos", availabilityZone="eu-central-1b", sizeInGb=8, tags=daily)  # type: ignore[arg-type]
    user.attach_disk(diskName="photos", instanceName="web", diskPath="/dev/xvdg")
    shop.back_up()


def bring_back_server(shop: Shop) -> tuple[Restored, ...]:
    """Bring the server back beside the living one, and move its address."""
    return shop.do(shop.plan("web", move_address=True))


def bring_back_everything(shop: Shop) -> tuple[Restored, ...]:
    """Bring everything back, side by side."""
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
        "noted": sorted(RESTORED_AT in tags_of(shop.instance(name)) for name in servers),
    }


WAYS = {"server": bring_back_server, "everything": bring_back_everything}
WRITES = {
    "server": (
        "CreateInstancesFromSnapshot",
        "PutInstancePublicPorts",
        "UpdateInstanceMetadataOptions",
        "DetachStaticIp",
        "AttachStaticIp",
        "TagResource",
    ),
    "everything": (
        "CreateInstancesFromSnapshot",
        "CreateDiskFromSnapshot",
        "CreateRelationalDatabaseFromSnapshot",
        "PutInstancePublicPorts",
        "UpdateInstanceMetadataOptions",
        "UpdateRelationalDatabase",
        "AttachDisk",
        "TagResource",
    ),
}
CALLS = [
    *(("server", operation) for operation in WRITES["server"]),
    *(("everything", operation) for operation in WRITES["everything"] if operation not in WRITES["server"]),
]


def undisturbed(shop: Shop, way: str) -> World:
    """Return what there is where nothing goes wrong; go back to before that."""
    shop.keeper.sandbox.clear_calls()
    assert [errors_of(each) for each in WAYS[way](shop) if errors_of(each)] == []
    assert set(shop.writes()) == set(WRITES[way]), "every write there is"
    expected = seen(shop)
    shop.keeper.sandbox.restore()
    return expected


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("way", WAYS)
def test_a_crash_at_any_write_leaves_a_restore_that_the_same_command_ends(
    shop: Shop, cable: Wire, when: Literal["before", "after"], way: str
) -> None:
    expected = undisturbed(shop, way)

    for operation in WRITES[way]:
        for number in range(1, 4 if operation == "TagResource" and way == "everything" else 2):
            shop.keeper.sandbox.restore()
            with cable.cut(number, when, operation):
                WAYS[way](shop)
            assert cable.calls == number, f"{operation} was not called {number} times"
            shop.keeper.sandbox.advance(timedelta(minutes=7))

            ended = WAYS[way](shop)

            assert [errors_of(each) for each in ended if errors_of(each)] == [], f"died {when} {operation} {number}"
            assert seen(shop) == expected, f"died {when} {operation} {number}"


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("part", range(3))
def test_a_crash_at_any_call_leaves_a_restore_that_the_same_command_ends(
    shop: Shop, cable: Wire, when: Literal["before", "after"], part: int
) -> None:
    expected = undisturbed(shop, "server")
    shop.keeper.sandbox.restore()
    with cable.cut(0, when):
        bring_back_server(shop)
    calls = cable.calls

    for call in range(1 + part, calls + 1, 3):
        shop.keeper.sandbox.restore()
        with cable.cut(call, when):
            bring_back_server(shop)
        shop.keeper.sandbox.advance(timedelta(minutes=7))

        (ended,) = bring_back_server(shop)

        assert errors_of(ended) == [], f"died {when} call {call} of {calls}"
        assert seen(shop) == expected, f"died {when} call {call} of {calls}"


@pytest.mark.slow
@pytest.mark.parametrize(("way", "operation"), CALLS)
def test_each_fault_at_each_write_is_said_in_a_sentence_and_the_same_command_ends_well(
    shop: Shop, way: str, operation: str
) -> None:
    expected = undisturbed(shop, way)

    for fault, effect in FAULTS.items():
        shop.keeper.sandbox.restore()
        shop.keeper.sandbox.add_faults(FaultRule(effect=effect, operation=operation))
        ended = WAYS[way](shop)
        shop.keeper.sandbox.clear_faults()
        shop.keeper.sandbox.advance(timedelta(minutes=7))

        said = [error for each in ended for error in errors_of(each)]
        assert any(operation in error and WHAT_TO_DO.search(error) for error in said), (fault, said)
        again = WAYS[way](shop)

        assert [errors_of(each) for each in again if errors_of(each)] == [], fault
        assert seen(shop) == expected, fault


@pytest.mark.slow
@pytest.mark.parametrize(("way", "operation"), CALLS)
@pytest.mark.parametrize("lost", [1, 5], ids=["once", "always"])
def test_an_answer_that_is_lost_is_no_failure(shop: Shop, way: str, operation: str, lost: int) -> None:
    expected = undisturbed(shop, way)
    shop.keeper.sandbox.add_faults(FaultRule(effect=LoseAnswer(), operation=operation, first=1, last=lost))

    ended = WAYS[way](shop)
    shop.keeper.sandbox.clear_faults()

    said = [error for each in ended for error in errors_of(each)]
    if lost == 1:
        assert said == []
    elif said:
        shop.keeper.sandbox.advance(timedelta(minutes=7))
        assert [errors_of(each) for each in WAYS[way](shop) if errors_of(each)] == []
    assert seen(shop) == expected


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_restore_that_is_throttled_for_a_while_ends_well(shop: Shop, way: str) -> None:
    expected = undisturbed(shop, way)
    throttled = ErrorAnswer(code="ThrottlingException")
    for operation in (*WRITES[way], "GetInstances", "GetDisks", "GetStaticIps"):
        # Reading what there is comes first, and is not the story.
        first = 3 if operation.startswith("Get") else 1
        shop.keeper.sandbox.add_faults(FaultRule(effect=throttled, operation=operation, first=first, last=first + 11))

    ended = WAYS[way](shop)

    assert [errors_of(each) for each in ended if errors_of(each)] == []
    assert seen(shop) == expected
