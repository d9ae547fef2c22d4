"""Chance: thousands of steps of whatever can happen, each judged by the witness."""

import pytest

from tests.support.chance import WRITES, run_chance
from tests.support.witness import CREATES, LISTS
from tests.support.world import FOREIGN, World


def test_no_rule_is_broken_in_a_few_hundred_steps_of_whatever_happens(world: World) -> None:
    steps = run_chance(world, 4, examples=5)

    assert steps >= 200
    assert all(world.judged[operation] for operation in (*LISTS, *WRITES)), "and there was something to judge"
    assert sum(world.judged[operation] for operation in CREATES) >= 80
    assert world.judged["CopySnapshot"] >= 10
    assert world.planted, "and something foreign lay where copies do"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_no_rule_is_broken_whatever_happens(world: World, seed: int) -> None:
    steps = run_chance(world, seed, examples=11)

    assert steps >= 500
    assert all(world.judged[operation] for operation in (*LISTS, *WRITES)), "and there was something to judge"
    assert sum(world.judged[operation] for operation in CREATES) >= 200
    assert world.judged["CopySnapshot"] >= 30
    assert {*world.planted} >= {"by hand", "stripped"}, "and what lies where copies do was not all ours"
    assert {*world.planted} & {*FOREIGN}
