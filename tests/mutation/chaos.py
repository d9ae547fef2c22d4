"""Which parts of the rules are missed by chance and by crashes, too, where no test is meant for them alone.

There the witness is what has to notice: it knows the promises and the record of calls, and nothing of the code.
"""

import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, zip_longest
from pathlib import Path
from typing import Final

import pytest

from tests.mutation.removals import copied, run_tests, take_out
from tests.mutation.rules import RULES, Removal

SEEDS: Final = range(4)
_CHANCE: Final = "tests/chaos/test_chance.py"
_CRASH: Final = "tests/chaos/test_crash.py"
# The handler, the roles and what AWS answers are not part of that world.
_SEEN_THERE: Final = re.compile(r"lambda_src/lightkeeper/(model|tags|plan|execute|run|inventory)\.py")


def run() -> list[str]:
    """Take the parts out, the first of each rule first, and tell who notices. Nothing is wrong if nobody does."""
    rounds = zip_longest(*([(rule.number, removal) for removal in rule.removals] for rule in RULES))
    parts = [part for part in chain.from_iterable(rounds) if part and _SEEN_THERE.match(part[1].path)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for (number, removal), noticed in zip(parts, pool.map(_noticed, (each for _, each in parts)), strict=True):
            print(f"{number:2}  {', '.join(noticed) or 'NOBODY'}  {removal.code}: {removal.what}", flush=True)
    return []


def _noticed(removal: Removal) -> list[str]:
    with copied() as tree:
        take_out(removal, tree)
        _do_not_shrink(tree)
        seeds = [f"{_CHANCE}::test_no_rule_is_broken_whatever_happens[{seed}]" for seed in SEEDS]
        return [*_by("chance", tree, seeds), *_by("crash", tree, [_CRASH])]


def _by(name: str, tree: Path, nodes: Iterable[str]) -> Iterator[str]:
    ended = run_tests(tree, nodes)
    if ended.code is pytest.ExitCode.TESTS_FAILED:
        broken = re.search(r"BrokenPromiseError: (rule \d+)", ended.output)
        yield f"{name} ({broken[1] if broken else 'another end'})"
    elif ended.code is not pytest.ExitCode.OK:
        raise RuntimeError(f"{name} ends with {ended.code!r}; expected it to run:\n{ended.output[-2000:]}")


def _do_not_shrink(tree: Path) -> None:
    # The shortest series of steps is for a person, and takes minutes.
    path = tree / _CHANCE
    path.write_text(path.read_text(encoding="utf-8").replace("examples=11)", "examples=11, shrink=False)"))
