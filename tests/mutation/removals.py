"""Takes each part of each safety rule out of a copy of the project, and runs the test that must then fail."""

import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from tests.mutation.rules import ROOT, RULES, Removal

_COPIED: Final = ("lambda_src", "infra", "lightkeeper_cli", "lightsail_sandbox", "tests", "docs")


def run(numbers: Collection[int]) -> list[str]:
    """Take every part of these rules out, or of all; tell how each ended, and return what is wrong: a sentence each."""
    rules = [rule for rule in RULES if rule.number in numbers or not numbers]
    parts = [(rule.number, removal) for rule in rules for removal in rule.removals]
    with copied() as tree:
        ended = run_tests(tree, dict.fromkeys(removal.node for _, removal in parts))
    if ended.code is not pytest.ExitCode.OK:
        return [f"the tests of the rules end with {ended.code!r} before anything is taken out; expected them to pass"]
    return [*_reported(parts)]


def _reported(parts: Sequence[tuple[int, Removal]]) -> Iterator[str]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        wrongs = pool.map(_take_out, (removal for _, removal in parts))
        for (number, removal), wrong in zip(parts, wrongs, strict=True):
            print(f"{number:2}  {'SURVIVED' if wrong else 'killed'}  {removal.code}: {removal.what}", flush=True)
            if wrong:
                yield f"rule {number}, {removal.code}: {removal.what}: {wrong}"


def _take_out(removal: Removal) -> str | None:
    """Return what is wrong, or None if the test failed, as it must."""
    with copied() as tree:
        if (times := take_out(removal, tree)) != 1:
            return f"its code stands {times} times in {removal.path}; expected once"
        ended = run_tests(tree, [removal.node])
    match ended.code:
        case pytest.ExitCode.TESTS_FAILED:
            return None
        case pytest.ExitCode.OK:
            return f"{removal.node} passes without it; expected it to fail"
        case code:
            return f"{removal.node} ends with {code!r}; expected it to run, and to fail"


def take_out(removal: Removal, tree: Path) -> int:
    """Take a part of a rule out of a copy; return how often its code stood there."""
    code = (tree / removal.path).read_text(encoding="utf-8")
    (tree / removal.path).write_text(code.replace(removal.old, removal.new), encoding="utf-8")
    return code.count(removal.old)


@contextmanager
def copied() -> Iterator[Path]:
    """Give a copy of the project."""
    with TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in _COPIED:
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        for file in ROOT.iterdir():
            if file.is_file():
                shutil.copy2(file, tree)
        yield tree


@dataclass(frozen=True, slots=True)
class Ended:
    """How tests ended, and what they said."""

    code: pytest.ExitCode
    output: str


def run_tests(tree: Path, nodes: Iterable[str]) -> Ended:
    """Run tests in a copy, up to the first that fails."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider", *nodes]
    # Before the work tree, where this project itself is installed from.
    path = os.pathsep.join([str(tree / "lambda_src"), str(tree)])
    environment = os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(  # noqa: S603 - ourselves
        command, cwd=tree, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return Ended(pytest.ExitCode(ended.returncode), ended.stdout)
