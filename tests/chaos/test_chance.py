"""Chance: thousands of steps of whatever can happen, each judged by the witness."""

import pytest

from tests.support.chance import WRITES, run_chance
from tests.support.witness import CREATES, LISTS
from tests.support.world import World


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))])
def test_no_rule_is_broken_whatever_happens(world: World, seed: int) -> None:
    steps = run_chance(world, seed, examples=11)

    assert steps >= 500
    assert all(world.judged[operation] for operation in (*LISTS, *WRITES)), "and there was something to judge"
    assert sum(world.judged[operation] for operation in CREATES) >= 200
