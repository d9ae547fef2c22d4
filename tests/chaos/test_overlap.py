"""Two runs at once, on real threads over HTTP: together they end where one alone would have."""

import pytest

from tests.support.busy import State, busy, state
from tests.support.world import World

SLOWLY = 0.01


@pytest.fixture
def alone(world: World) -> State:
    """Return what a single run leaves where there is something of everything to do; the world is before it again."""
    busy(world)
    world.keeper.configure(maxConcurrency=8)
    world.run()
    left = state(world)
    world.keeper.witness.restore()
    return left


def test_two_runs_at_once_do_what_one_does(world: World, alone: State) -> None:
    for _ in range(5):
        world.keeper.witness.restore()
        world.keeper.sandbox.set_options(latency_seconds=SLOWLY)

        world.runs_at_once()

        assert state(world) == alone


@pytest.mark.parametrize("part", range(2))
def test_a_retry_that_starts_at_any_moment_of_the_first_run_does_no_harm(world: World, alone: State, part: int) -> None:
    for already in range(1 + part, 33, 4):
        world.keeper.witness.restore()
        world.keeper.sandbox.set_options(latency_seconds=SLOWLY)

        world.retry_after(already)

        assert state(world) == alone, f"the retry began when the first run had made {already} calls"


@pytest.mark.parametrize("operation", ["CreateDiskSnapshot", "CreateRelationalDatabaseSnapshot", "TagResource"])
def test_a_retry_while_the_first_run_hangs_in_a_call_takes_no_second_snapshot(
    world: World, alone: State, operation: str
) -> None:
    world.retry_while_held(operation)

    assert state(world) == alone
