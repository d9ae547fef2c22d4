from collections.abc import Iterator

import pytest

from sandbox.client import Sandbox
from tests.integration.keeper import OTHER_REGION, REGION, Keeper, enter_sandbox, make_keeper


@pytest.fixture(scope="session")
def _session_keeper(_session_sandbox: Sandbox) -> Iterator[Keeper]:
    with pytest.MonkeyPatch.context() as patch:
        enter_sandbox(_session_sandbox, patch)
        keeper = make_keeper(_session_sandbox, (REGION, OTHER_REGION))
    yield keeper
    keeper.user.close()
    for region in keeper.regions.values():
        region.close()


@pytest.fixture
def aws(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The sandbox, as what this process takes for AWS."""
    enter_sandbox(sandbox, monkeypatch)
    return sandbox


@pytest.fixture
def keeper(aws: Sandbox, _session_keeper: Keeper) -> Keeper:
    """Lightkeeper with default settings in one Region of an empty sandbox, at noon on 15 June 2026."""
    regions = {REGION: _session_keeper.regions[REGION]}
    return Keeper(aws, _session_keeper.user, regions)


@pytest.fixture
def two_regions(keeper: Keeper, _session_keeper: Keeper) -> Keeper:
    """The same in two Regions."""
    keeper.regions = _session_keeper.regions
    return keeper
