"""A deletion is taken back as the runbook says, with the commands that it shows."""

import os
import re
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path

import pytest

from lightkeeper.tags import EXPIRES
from tests.support.keeper import DAY, REGION, Keeper
from tests.support.witness import CONSOLE

RUNBOOK = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text(encoding="utf-8")
SECTION = RUNBOOK.partition("\n## Taking a deletion back\n")[2].partition("\n## ")[0]
COMMANDS = [textwrap.dedent(block) for block in re.findall(r"^ *```sh\n(.*?)```", SECTION, re.DOTALL | re.MULTILINE)]
LIST, HOLD, HOLD_ALL, WIDEN, LEAVE, STOP, _ = COMMANDS
EXAMPLE = "my-disk-20261101-0300-1a2b3c"


@pytest.fixture(autouse=True)
def _cut_rule(keeper: Keeper) -> None:
    """A disk with a week of snapshots, whose rule was cut to two yesterday: the older ones are marked."""
    # A run a day: a mark that many runs have left standing would be made again.
    keeper.configure(tick="rate(1 day)")
    keeper.disk("my-disk", {"backup": "daily", "backup:keep": "7"})
    keeper.live(7 * DAY)
    keeper.tag("my-disk", "backup:keep", "2")
    keeper.run()
    keeper.sandbox.advance(timedelta(hours=20))


def marked(keeper: Keeper) -> list[str]:
    return [name for name, tags in keeper.snapshots("my-disk").items() if EXPIRES in tags]


def paste(keeper: Keeper, command: str) -> str:
    """Do as a user does: in a shell, with their own credentials."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = keeper.sandbox.environment(REGION) | {"PATH": path, "AWS_ACCESS_KEY_ID": CONSOLE}
    done = subprocess.run(  # noqa: S603 - our own document
        ["/bin/bash", "-euo", "pipefail", "-c", command], env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_the_runbook_s_way_to_list_them_shows_each_with_its_time(keeper: Keeper) -> None:
    shown = dict(line.split("\t") for line in paste(keeper, LIST).splitlines())

    assert shown == {name: tags[EXPIRES] for name, tags in keeper.snapshots().items() if EXPIRES in tags}
    assert len(shown) == 4, "of seven: two are kept, and the newest is still being taken"


def test_without_it_they_go(keeper: Keeper) -> None:
    gone = marked(keeper)

    keeper.live(3 * DAY)

    assert not set(gone) & set(keeper.snapshots())


def test_a_hold_on_one_keeps_that_one(keeper: Keeper) -> None:
    chosen, *others = marked(keeper)

    paste(keeper, HOLD.replace(EXAMPLE, chosen))
    keeper.live(3 * DAY)

    assert EXPIRES not in keeper.snapshots()[chosen]
    assert not set(others) & set(keeper.snapshots())


@pytest.mark.parametrize("command", [HOLD_ALL, WIDEN, LEAVE], ids=["a hold", "a wider rule", "no schedule"])
def test_a_tag_on_the_resource_keeps_them_all(keeper: Keeper, command: str) -> None:
    before = marked(keeper)

    paste(keeper, command)
    keeper.run()

    assert marked(keeper) == []
    keeper.live(5 * DAY)
    assert set(before) <= set(keeper.snapshots())


def test_while_nothing_runs_nothing_goes_and_a_hold_is_still_in_time_afterwards(keeper: Keeper) -> None:
    before = marked(keeper)
    assert "DISABLED" in STOP

    keeper.sandbox.advance(30 * DAY)
    assert marked(keeper) == before
    paste(keeper, HOLD_ALL)
    keeper.run()

    assert marked(keeper) == []
    assert set(before) <= set(keeper.snapshots())
