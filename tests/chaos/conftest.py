import pytest

from tests.chaos.world import World, no_waiting
from tests.integration.conftest import _session_keeper, aws, keeper, two_regions
from tests.integration.keeper import Keeper

__all__ = ["_session_keeper", "aws", "keeper", "two_regions"]


@pytest.fixture
def world(two_regions: Keeper, monkeypatch: pytest.MonkeyPatch) -> World:
    """An empty world of two Regions, in which retries do not wait."""
    no_waiting(monkeypatch)
    return World(two_regions)
