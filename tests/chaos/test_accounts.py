"""Two accounts under one deployment: whatever happens in one, the other has what it would have alone."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from typing import Literal

import pytest

from lightsail_sandbox.client import (
    Call,
    ErrorAnswer,
    FailOperation,
    FaultRule,
    Hang,
    HoldAnswer,
    LoseAnswer,
    Sandbox,
    ShortList,
)
from tests.support import wire
from tests.support.accounts import CLINIC, SHOP, Member, make_fleet
from tests.support.busy import State, busy, state
from tests.support.chance import FleetChance, run_chance
from tests.support.hub import HUB, Hub
from tests.support.keeper import NOON
from tests.support.wire import Wire
from tests.support.witness import CREATES, DELETES, LISTS, LISTS_OF_SOURCES, BrokenPromiseError, judge_accounts
from tests.support.world import SOURCES, no_waiting

SLOW = pytest.mark.slow
SLOWLY = 0.01
Trouble = Callable[[Member], AbstractContextManager[None]]
MEMBERS, WITH_THE_HUB = (SHOP, CLINIC), (SHOP, HUB)
# Each part dies at every sixteenth call.
CRASHES = [
    pytest.param(MEMBERS, 0, "after", id="0-after"),
    # A run itself is cut at each of its calls in test_crash.py: here, at each fourth, and at the last.
    *(pytest.param(MEMBERS, part, "after", marks=SLOW, id=f"{part}-after") for part in (4, 8, 12)),
    pytest.param(MEMBERS, 0, "before", marks=SLOW, id="0-before"),
    pytest.param(WITH_THE_HUB, 0, "after", marks=SLOW, id="with the hub"),
]


@pytest.fixture(params=[pytest.param(MEMBERS, id="members"), pytest.param(WITH_THE_HUB, id="with-the-hub", marks=SLOW)])
def shop(request: pytest.FixtureRequest, aws: Sandbox, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Member:
    """One of two accounts with the same sources."""
    no_waiting(monkeypatch)
    return make_fleet(aws, hub, monkeypatch, request.param)


@pytest.fixture
def clinic(shop: Member) -> Member:
    """The other one."""
    (other,) = shop.neighbours
    assert isinstance(other, Member)
    return other


@pytest.fixture
def alone(shop: Member, clinic: Member) -> State:
    """Return what a run leaves in the other account where none is made in the first; both are before it again."""
    busy(shop)
    with clinic.keeper.witness.watching(clinic.keeper.settings.to_mapping(), expect_all=True):
        clinic.run_here()
    left = state(clinic)
    before(shop, clinic)
    return left


def before(*members: Member) -> None:
    for each in members:
        each.keeper.witness.restore()


# Chance


def test_no_rule_is_broken_in_either_account_in_some_steps_of_whatever_happens(shop: Member, clinic: Member) -> None:
    steps = run_chance(shop, 4, examples=1, steps=30, kind=FleetChance)

    assert steps >= 20
    for each in (shop, clinic):
        assert all(each.judged[operation] for operation in LISTS), "and there was something to judge"
        assert sum(each.judged[operation] for operation in CREATES) >= 10


@pytest.mark.slow
def test_no_rule_is_broken_in_either_account_whatever_happens(shop: Member, clinic: Member) -> None:
    steps = run_chance(shop, 0, examples=5, kind=FleetChance)

    assert steps >= 200
    for each in (shop, clinic):
        assert sum(each.judged[operation] for operation in CREATES) >= 50
        assert sum(each.judged[operation] for operation in DELETES) >= 5


# What goes wrong in one account


def broken(*faults: FaultRule) -> Trouble:
    @contextmanager
    def trouble(member: Member) -> Iterator[None]:
        member.break_down(*faults)
        yield
        member.fleet.sandbox.clear_faults()

    return trouble


def every_call(code: str) -> Trouble:
    return broken(FaultRule(effect=ErrorAnswer(code=code)))


TROUBLES: dict[str, tuple[Trouble, str]] = {
    "none": (lambda _: nullcontext(), "protected"),
    "every call refused": (every_call("AccessDeniedException"), "unknown"),
    "credentials refused": (every_call("UnrecognizedClientException"), "unknown"),
    "throttled without end": (every_call("ThrottlingException"), "unknown"),
    "connections lost": (broken(FaultRule(effect=Hang(seconds=0))), "unknown"),
    "answers lost": (broken(FaultRule(effect=LoseAnswer())), "unknown"),
    "every write fails": (broken(FaultRule(effect=FailOperation())), "trouble"),
    "lists cut": (broken(*(FaultRule(effect=ShortList(), operation=each) for each in LISTS_OF_SOURCES)), "trouble"),
    "no role": (Member.closed, "not onboarded"),
    "a role that trusts somebody else": (lambda member: member.closed("Somebody"), "not onboarded"),
    "no STS": (lambda member: member.sts_answers("ServiceUnavailable"), "unknown"),
}
"""What can go wrong in an account, and what its run then says of it."""


def test_whatever_goes_wrong_in_an_account_the_other_ends_as_if_it_were_alone(
    shop: Member, clinic: Member, alone: State
) -> None:
    for what, (trouble, said) in TROUBLES.items():
        before(shop, clinic)

        with trouble(shop):
            shop.fire()

        assert state(clinic) == alone, what
        assert shop.answer["state"] == shop.document()["state"] == said, what
        assert clinic.answer["state"] == clinic.document()["state"] == "protected", what


def test_while_the_run_of_an_account_hangs_the_other_is_looked_after(
    shop: Member, clinic: Member, alone: State
) -> None:
    sandbox = shop.fleet.sandbox
    shop.break_down(FaultRule(effect=HoldAnswer(), operation="CreateDiskSnapshot", calls=(1,)))

    with shop.firing(), ThreadPoolExecutor(1) as pool:
        hangs = pool.submit(shop.invoke)
        try:
            wait_for(sandbox, "CreateDiskSnapshot")
            clinic.invoke()

            assert not hangs.done()
            assert state(clinic) == alone
        finally:
            sandbox.clear_faults()
        hangs.result()


def wait_for(sandbox: Sandbox, operation: str) -> None:
    number = sandbox.calls()[-1].number
    while operation not in {call.operation for call in sandbox.calls(number)}:
        sandbox.wait_for_call(sandbox.calls()[-1].number + 1)


def test_an_account_that_lets_nobody_in_is_not_touched_by_other_credentials(shop: Member, clinic: Member) -> None:
    shop.reset(NOON)
    for each in (shop, clinic):
        for name in SOURCES:
            each.make(name, {"backup": "daily"})

    with shop.closed():
        shop.run_here()

    assert (shop.snapshots(), clinic.snapshots()) == ([], [])
    assert shop.answer == {
        "account": SHOP,
        "name": f"The {SHOP}",
        "state": "not onboarded",
        "failed": False,
    }


# Two at once, and crashes


def test_two_firings_at_once_do_in_each_account_what_one_run_does(shop: Member, clinic: Member, alone: State) -> None:
    shop.fire()
    in_shop = state(shop)
    for _ in range(2):
        before(shop, clinic)
        shop.fleet.sandbox.set_options(latency_seconds=SLOWLY)

        shop.fire(2)

        assert state(shop) == in_shop
        assert state(clinic) == alone


@pytest.fixture
def cable(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return wire.lay(monkeypatch)


@pytest.mark.parametrize(("shop", "part", "when"), CRASHES, indirect=["shop"])
def test_the_next_firing_heals_what_a_crash_at_any_call_has_left(
    shop: Member, clinic: Member, cable: Wire, part: int, when: Literal["before", "after"]
) -> None:
    busy(shop)
    with cable.cut(0, when):
        watched(shop)
    calls = cable.calls
    shop.run()
    without_a_crash = state(shop), state(clinic)

    for call in sorted({*range(1 + part, calls + 1, 16), calls}):
        before(shop, clinic)
        with cable.cut(call, when):
            watched(shop)
        shop.run()

        assert (state(shop), state(clinic)) == without_a_crash, f"the process died {when} call {call}"
        assert {datetime.fromisoformat(each.document()["time"]) for each in (shop, clinic)} == {now(shop)}


def watched(member: Member) -> None:
    with member.keeper.witness.watching(member.keeper.settings.to_mapping()):
        member.run_here()


def now(member: Member) -> datetime:
    return member.fleet.sandbox.now()


# The judge condemns


KEYS = {f"ASIA{SHOP}000000": SHOP, f"ASIA{CLINIC}000001": CLINIC}


def call(key: str, account: str, **parameters: str) -> Call:
    return Call(
        number=1,
        operation="CreateDiskSnapshot",
        region="eu-central-1",
        access_key_id=key,
        account=account,
        parameters=parameters,
        at=datetime.fromisoformat("2026-06-15T12:00:00Z"),
        took_effect=True,
        status=200,
        error=None,
        answer="sent",
        items=None,
        more=None,
        duration_ms=0.0,
    )


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(call("sandbox", HUB), id="the function's own credentials, where a role's are wanted"),
        pytest.param(call(f"ASIA{SHOP}999999", SHOP), id="credentials that an earlier run was given"),
        pytest.param(call(f"ASIA{SHOP}000000", CLINIC), id="in an account with the role of another"),
        pytest.param(
            call(f"ASIA{SHOP}000000", SHOP, tag=f"arn:aws:lightsail:eu-central-1:{CLINIC}:Disk/1"),
            id="about what is in another account",
        ),
    ],
)
def test_the_judge_condemns(wrong: Call) -> None:
    with pytest.raises(BrokenPromiseError):
        judge_accounts([wrong], KEYS)


def test_the_judge_lets_pass_what_is_right() -> None:
    own = f"arn:aws:lightsail:eu-central-1:{SHOP}:Disk/1"

    judge_accounts([call(f"ASIA{SHOP}000000", SHOP, tag=own), call("console", SHOP), call(CLINIC, CLINIC)], KEYS)
