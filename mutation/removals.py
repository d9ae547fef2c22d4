"""Takes each part of each safety rule out of a copy of the project, and runs the test that must then fail."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from mutation.rules import ROOT, RULES, Removal

_COPIED: Final = ("lambda_src", "calendar_src", "infra", "cli", "sandbox", "tests", "docs", "mutation")


def run() -> list[str]:
    """Take every part of every rule out, tell how each ended, and return what is wrong: a sentence each."""
    parts = [(rule.number, removal) for rule in RULES for removal in rule.removals]
    with TemporaryDirectory() as folder:
        ended = _test(_copy(Path(folder)), dict.fromkeys(removal.node for _, removal in parts))
    if ended is not pytest.ExitCode.OK:
        return [f"the tests of the rules end with {ended!r} before anything is taken out; expected them to pass"]
    return [*_told(parts)]


def _told(parts: Sequence[tuple[int, Removal]]) -> Iterator[str]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        wrongs = pool.map(_take_out, (removal for _, removal in parts))
        for (number, removal), wrong in zip(parts, wrongs, strict=True):
            print(f"{number:2}  {'SURVIVED' if wrong else 'killed'}  {removal.code}: {removal.what}", flush=True)
            if wrong:
                yield f"rule {number}, {removal.code}: {removal.what}: {wrong}"


def _take_out(removal: Removal) -> str | None:
    """Return what is wrong, or None if the test failed, as it must."""
    with TemporaryDirectory() as folder:
        tree = _copy(Path(folder))
        code = (tree / removal.path).read_text(encoding="utf-8")
        if (times := code.count(removal.old)) != 1:
            return f"its code stands {times} times in {removal.path}; expected once"
        (tree / removal.path).write_text(code.replace(removal.old, removal.new), encoding="utf-8")
        ended = _test(tree, [removal.node])
    match ended:
        case pytest.ExitCode.TESTS_FAILED:
            return None
        case pytest.ExitCode.OK:
            return f"{removal.node} passes without it; expected it to fail"
        case _:
            return f"{removal.node} ends with {ended!r}; expected it to run, and to fail"


def _copy(tree: Path) -> Path:
    for name in _COPIED:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ROOT.iterdir():
        if file.is_file():
            shutil.copy2(file, tree)
    return tree


def _test(tree: Path, nodes: Iterable[str]) -> pytest.ExitCode:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider", *nodes]
    # Before the work tree, where this project itself is installed from.
    path = os.pathsep.join([str(tree / "lambda_src"), str(tree / "calendar_src"), str(tree)])
    environment = os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(command, cwd=tree, env=environment, capture_output=True, check=False)  # noqa: S603 - ourselves
    return pytest.ExitCode(ended.returncode)
