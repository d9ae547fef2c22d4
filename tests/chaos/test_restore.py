"""A restore that dies, or meets a fault, at any of its calls: the same command again ends where it would have ended."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

import pytest

from lightkeeper.restore_steps import RESTORED_AT, RESTORED_FROM, Restored, RestorePlan
from lightsail_sandbox.client import Effect, ErrorAnswer, FailOperation, FaultRule, LoseAnswer
from tests.support import wire
from tests.support.keeper import AWAY, REGION, Keeper
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
    """Have a shop with something of everything, of which a backup is there: server, disk of its own, database.

    What can be copied is in the second Region, too.
    """
    user = shop.keeper.user
    shop.keeper.configure(copies={AWAY: {"schedule": "0 * * * *", "keep": "2"}})
    shop.open(disks=("orders",))
    daily = [{"key": "backup", "value": "daily"}]
    shop.open_database("books")
    shop.back_up()
    user.create_disk(diskName="photos", availabilityZone="eu-central-1b", sizeInGb=8, tags=daily)  # type: ignore[arg-type]
    user.attach_disk(diskName="photos", instanceName="web", diskPath="/dev/xvdg")
    shop.back_up()
    for name in ("web", "photos"):
        shop.keeper.tag(name, "backup:copy")
    shop.keeper.sandbox.advance(timedelta(hours=1))
    shop.back_up()
    shop.keeper.sandbox.advance(timedelta(hours=1))


@dataclass(frozen=True)
class Way:
    """A way to bring things back."""

    plans: Callable[[Shop], Iterable[RestorePlan]]
    writes: tuple[str, ...]
    """The operations, each of which it needs."""
    region: str = REGION
    sources: int = 1
    """How many come back: each gets a tag when it has."""


def beside_the_living_one(shop: Shop) -> Iterable[RestorePlan]:
    """Return the plan for a server beside the living one, with its address."""
    return [shop.plan("web", move_address=shop.region == REGION)]


_OF_A_SERVER = ("CreateInstancesFromSnapshot", "PutInstancePublicPorts", "UpdateInstanceMetadataOptions", "TagResource")
_OF_A_DISK = ("CreateDiskFromSnapshot", "AttachDisk")
WAYS = {
    "server": Way(beside_the_living_one, (*_OF_A_SERVER, "DetachStaticIp", "AttachStaticIp")),
    "everything": Way(
        Shop.plan_all,
        (*_OF_A_SERVER, *_OF_A_DISK, "CreateRelationalDatabaseFromSnapshot", "UpdateRelationalDatabase"),
        sources=3,
    ),
    "server from its copy": Way(beside_the_living_one, _OF_A_SERVER, AWAY),
    "everything from copies": Way(Shop.plan_all, (*_OF_A_SERVER, *_OF_A_DISK), AWAY, sources=2),
}


def bring_back(shop: Shop, way: str) -> tuple[Restored, ...]:
    """Bring things back, side by side."""
    there = replace(shop, region=WAYS[way].region)
    return there.do(*WAYS[way].plans(there))


def seen(shop: Shop, way: str) -> World:
    """Return what there is, but for what follows from the minute in which it was made."""
    there = replace(shop, region=WAYS[way].region)
    entries = [entry for entry in shop.keeper.sandbox.entries() if entry.state is None]
    made = [entry.name for entry in entries if RESTORED_FROM in entry.tags]
    servers = [entry.name for entry in entries if entry.name in made and entry.kind == "Instance"]
    return {
        "kinds": Counter((entry.kind, entry.region) for entry in entries),
        "made": Counter(name.partition("-restored-")[0] for name in made),
        "address": (shop.holder() or "").partition("-restored-")[0] + ("+" if shop.holder() in servers else ""),
        "ports": [there.ports(name) for name in servers],
        "options": [there.instance(name)["metadataOptions"] for name in servers],
        "disks": [
            {path: disk.partition("-restored-")[0] for path, disk in there.disks_of(name).items()} for name in servers
        ],
        "noted": sorted(RESTORED_AT in tags_of(there.instance(name)) for name in servers),
    }


CALLS = [
    *(("server", operation) for operation in WAYS["server"].writes),
    *(("everything", operation) for operation in WAYS["everything"].writes if operation not in WAYS["server"].writes),
]


def undisturbed(shop: Shop, way: str) -> World:
    """Return what there is where nothing goes wrong; go back to before that."""
    shop.keeper.sandbox.clear_calls()
    assert [errors_of(each) for each in bring_back(shop, way) if errors_of(each)] == []
    assert set(shop.writes()) == set(WAYS[way].writes), "every write there is"
    expected = seen(shop, way)
    shop.keeper.sandbox.restore()
    return expected


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("way", WAYS)
def test_a_crash_at_any_write_leaves_a_restore_that_the_same_command_ends(
    shop: Shop, cable: Wire, when: Literal["before", "after"], way: str
) -> None:
    expected = undisturbed(shop, way)

    for operation in WAYS[way].writes:
        for number in range(1, 1 + (WAYS[way].sources if operation == "TagResource" else 1)):
            shop.keeper.sandbox.restore()
            with cable.cut(number, when, operation):
                bring_back(shop, way)
            assert cable.calls == number, f"{operation} was not called {number} times"
            shop.keeper.sandbox.advance(timedelta(minutes=7))

            ended = bring_back(shop, way)

            assert [errors_of(each) for each in ended if errors_of(each)] == [], f"died {when} {operation} {number}"
            assert seen(shop, way) == expected, f"died {when} {operation} {number}"


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("part", range(3))
def test_a_crash_at_any_call_leaves_a_restore_that_the_same_command_ends(
    shop: Shop, cable: Wire, when: Literal["before", "after"], part: int
) -> None:
    expected = undisturbed(shop, "server")
    shop.keeper.sandbox.restore()
    with cable.cut(0, when):
        bring_back(shop, "server")
    calls = cable.calls

    for call in range(1 + part, calls + 1, 3):
        shop.keeper.sandbox.restore()
        with cable.cut(call, when):
            bring_back(shop, "server")
        shop.keeper.sandbox.advance(timedelta(minutes=7))

        (ended,) = bring_back(shop, "server")

        assert errors_of(ended) == [], f"died {when} call {call} of {calls}"
        assert seen(shop, "server") == expected, f"died {when} call {call} of {calls}"


@pytest.mark.slow
@pytest.mark.parametrize(("way", "operation"), CALLS)
def test_each_fault_at_each_write_is_said_in_a_sentence_and_the_same_command_ends_well(
    shop: Shop, way: str, operation: str
) -> None:
    expected = undisturbed(shop, way)

    for fault, effect in FAULTS.items():
        shop.keeper.sandbox.restore()
        shop.keeper.sandbox.add_faults(FaultRule(effect=effect, operation=operation))
        ended = bring_back(shop, way)
        shop.keeper.sandbox.clear_faults()
        shop.keeper.sandbox.advance(timedelta(minutes=7))

        said = [error for each in ended for error in errors_of(each)]
        assert any(operation in error and WHAT_TO_DO.search(error) for error in said), (fault, said)
        again = bring_back(shop, way)

        assert [errors_of(each) for each in again if errors_of(each)] == [], fault
        assert seen(shop, way) == expected, fault


@pytest.mark.slow
@pytest.mark.parametrize(("way", "operation"), CALLS)
@pytest.mark.parametrize("lost", [1, 5], ids=["once", "always"])
def test_an_answer_that_is_lost_is_no_failure(shop: Shop, way: str, operation: str, lost: int) -> None:
    expected = undisturbed(shop, way)
    shop.keeper.sandbox.add_faults(FaultRule(effect=LoseAnswer(), operation=operation, first=1, last=lost))

    ended = bring_back(shop, way)
    shop.keeper.sandbox.clear_faults()

    said = [error for each in ended for error in errors_of(each)]
    if lost == 1:
        assert said == []
    elif said:
        shop.keeper.sandbox.advance(timedelta(minutes=7))
        assert [errors_of(each) for each in bring_back(shop, way) if errors_of(each)] == []
    assert seen(shop, way) == expected


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_restore_that_is_throttled_for_a_while_ends_well(shop: Shop, way: str) -> None:
    expected = undisturbed(shop, way)
    throttled = ErrorAnswer(code="ThrottlingException")
    for operation in (*WAYS[way].writes, "GetInstances", "GetDisks", "GetStaticIps"):
        # Reading what there is comes first, and is not the story.
        first = 3 if operation.startswith("Get") else 1
        shop.keeper.sandbox.add_faults(FaultRule(effect=throttled, operation=operation, first=first, last=first + 11))

    ended = bring_back(shop, way)

    assert [errors_of(each) for each in ended if errors_of(each)] == []
    assert seen(shop, way) == expected
