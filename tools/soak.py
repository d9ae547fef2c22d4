"""`make soak`: chance in one account and in two, with ever new seeds. Ends with the time, or with Ctrl-C."""

import argparse
import time
from itertools import cycle

import pytest

from tests.support.accounts import CLINIC, SHOP, make_fleet
from tests.support.chance import FleetChance, run_chance
from tests.support.hub import HUB, local_hub
from tests.support.keeper import OTHER_REGION, REGION, enter_sandbox, make_keeper
from tests.support.shortcut import sandbox_in_this_process
from tests.support.world import World, no_waiting

EXAMPLES = 20
EXAMPLES_IN_TWO = 5


def soak(minutes: float, seed: int) -> None:
    """Go on from a seed until the time is up; a broken rule ends it with the steps that show it."""
    until = time.monotonic() + 60 * minutes
    steps = 0
    with pytest.MonkeyPatch.context() as patch, sandbox_in_this_process() as (sandbox, _), local_hub() as hub:
        enter_sandbox(sandbox, patch)
        no_waiting(patch)
        world = World(make_keeper(sandbox, (REGION, OTHER_REGION)))
        fleets = cycle([make_fleet(sandbox, hub, patch, accounts) for accounts in ((SHOP, CLINIC), (SHOP, HUB))])
        while time.monotonic() < until:
            print(f"seed {seed}: {steps} steps so far, no rule broken", flush=True)
            steps += run_chance(world, seed, EXAMPLES)
            steps += run_chance(next(fleets), seed, EXAMPLES_IN_TWO, kind=FleetChance)
            seed += 1
    print(f"{steps} steps, no rule broken; go on with --seed {seed}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1000, help="the first seed")
    given = parser.parse_args()
    try:
        soak(given.minutes, given.seed)
    except KeyboardInterrupt:
        print("Ended.")
