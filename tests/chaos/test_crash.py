"""A crash at every call of a busy run: the retry ends where the run would have ended without it."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Literal

import pytest

from lightsail_sandbox.client import FaultRule, HoldAnswer
from tests.support import wire
from tests.support.busy import busy, state
from tests.support.keeper import DAY, HOUR, OTHER_REGION, REGION, did
from tests.support.wire import Wire
from tests.support.witness import SLOT
from tests.support.world import World

SLOW = pytest.mark.slow
# Each part dies at every fourth call.
PARTS = [0, *(pytest.param(part, marks=SLOW) for part in range(1, 4))]


@pytest.fixture
def cable(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return wire.lay(monkeypatch)


def test_a_busy_run_has_something_of_everything_to_do(world: World, cable: Wire) -> None:
    busy(world)
    with cable.cut(0, "before"):
        run = world.keeper.run()

    assert Counter(action for action, _, _ in did(run)) == {
        "create": 6,
        "schedule-deletion": 2,
        "cancel-deletion": 2,
        "defer": 3,
        "delete": 11,
    }
    assert run.failures == ()
    assert cable.calls > 30, "lists have several pages, too"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("part", PARTS)
def test_a_retry_after_a_crash_ends_where_the_run_would_have(
    world: World, cable: Wire, when: Literal["before", "after"], part: int
) -> None:
    busy(world)
    with cable.cut(0, when):
        world.run()
    without_a_crash, calls = state(world), cable.calls

    for call in range(1 + part, calls + 1, 4):
        world.keeper.witness.restore()
        with cable.cut(call, when):
            world.keeper.run()
        world.run()

        assert state(world) == without_a_crash, f"the process died {when} call {call}"


@pytest.mark.parametrize("part", [0, pytest.param(1, marks=SLOW)])
def test_after_a_crash_the_run_of_the_next_hour_loses_and_doubles_nothing(world: World, cable: Wire, part: int) -> None:
    busy(world)
    with cable.cut(0, "before"):
        world.run()
    calls = cable.calls
    an_hour_and_two_days_later(world)
    # An hourly slot that passes without a run is not made up for: the next one is due.
    usual = {(region, name) for region, name in state(world) if not name.startswith("notes-20260613-1400")}

    for call in range(1 + part, calls + 1, 4):
        world.keeper.witness.restore()
        with cable.cut(call, "after"):
            world.keeper.run()
        an_hour_and_two_days_later(world)

        assert set(state(world)) >= usual, f"lost after a crash after call {call}"
        slots = Counter(
            (entry.source_arn, entry.tags.get(SLOT)) for entry in world.snapshots() if entry.state != "error"
        )
        assert set(slots.values()) == {1}, f"doubled after a crash after call {call}"


def an_hour_and_two_days_later(world: World) -> None:
    for later in (HOUR, DAY, DAY):
        world.advance(later)
        world.run()


@pytest.mark.parametrize(
    "operation",
    [
        "CreateDiskSnapshot",
        "TagResource",
        *(pytest.param(each, marks=SLOW) for each in ("UntagResource", "DeleteInstanceSnapshot")),
    ],
)
def test_a_real_process_that_is_killed_in_the_middle_of_a_call_leaves_nothing_half_done(
    world: World, operation: str, tmp_path: Path
) -> None:
    busy(world)
    world.run()
    without_a_crash = state(world)
    world.keeper.witness.restore()
    sandbox = world.keeper.sandbox
    config = tmp_path / "settings.json"
    config.write_text(json.dumps(world.keeper.settings.to_mapping() | {"regions": [REGION, OTHER_REGION]}))
    sandbox.add_faults(FaultRule(effect=HoldAnswer(), operation=operation, calls=(1,)))
    command = [
        sys.executable,
        "-c",
        "from lightkeeper_cli.main import main; main()",
        "run",
        "--config",
        str(config),
        "--at",
        sandbox.now().isoformat(),
    ]

    begun = len(sandbox.calls())
    with world.keeper.witness.watching(world.keeper.settings.to_mapping()):
        # A key of its own: a request of it that is still on its way is not taken for the next run's.
        own = os.environ | {"AWS_ACCESS_KEY_ID": "killed"}
        with subprocess.Popen(command, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - no shell, every argument is ours
            calls = sandbox.calls(begun)
            while not any(call.operation == operation for call in calls):
                calls = sandbox.wait_for_call(begun + len(calls) + 1)[begun:]
            process.send_signal(signal.SIGKILL)
        sandbox.clear_faults()
    assert process.returncode == -signal.SIGKILL
    world.run()

    assert state(world) == without_a_crash
