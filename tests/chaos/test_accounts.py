"""Two accounts under one deployment: whatever happens in one, the other has what it would have alone."""

from collections.abc import Iterator

import pytest

from lightsail_sandbox.client import Sandbox
from tests.support.chance import WRITES, FleetChance, run_chance
from tests.support.members import CLINIC, OWN, SHOP, Member, running_fleet
from tests.support.witness import LISTS
from tests.support.world import no_waiting


@pytest.fixture(params=[(SHOP, CLINIC)])
def shop(request: pytest.FixtureRequest, aws: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Member]:
    """One of two accounts with the same sources, neither of which is the hub's."""
    no_waiting(monkeypatch)
    with running_fleet(aws, monkeypatch, request.param) as member:
        yield member


def test_no_rule_is_broken_in_either_account(shop: Member) -> None:
    steps = run_chance(shop, 4, examples=2, kind=FleetChance, shrink=False)

    assert steps >= 100
    for each in (shop, *shop.neighbours):
        assert all(each.judged[operation] for operation in LISTS)
