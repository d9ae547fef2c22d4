"""Mutates the modules that decide, with mutmut, and accounts for every mutant that no test kills.

mutmut wants the package at the top of the project, and leaves its files there; so it works on a copy, in `.mutants/`.
`cd .mutants && ../.venv/bin/mutmut browse` shows the mutants of the last run.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from tests.mutation.equivalents import EQUIVALENTS, Equivalent
from tests.mutation.rules import ROOT

ENOUGH: Final = 0.9
"""Of a module's mutants, killed or explained."""
_FOLDER: Final = ROOT / ".mutants"
# A mutant that runs out of its time has been noticed.
_KILLED: Final = ("killed", "timeout")


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that no test has killed."""

    name: str
    change: str
    """The lines that differ, as `- old` and `+ new`."""

    @property
    def function(self) -> str:
        """The function as `plan._reasons`."""
        mangled = self.name.removeprefix("lightkeeper.").partition("__mutmut_")[0]
        return re.sub(r"\.x_|\.xǁ|ǁ", ".", mangled)

    @property
    def equivalent(self) -> Equivalent | None:
        """Why no test can kill it, if that is known."""
        return next((each for each in EQUIVALENTS if each.covers(self.function, self.change)), None)


def run() -> list[str]:
    """Try every mutant, tell the numbers for each module, and return what is wrong: a sentence each."""
    _copy()
    _mutmut("run", "--max-children", str(os.cpu_count()))
    results = dict(line.strip().split(": ") for line in _mutmut("results", "--all", "true").splitlines())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        survivors = [*pool.map(_survivor, (name for name, result in results.items() if result not in _KILLED))]
    return [*_reported(Counter(map(_module, results)), survivors)]


def _reported(mutants: Counter[str], survivors: list[Survivor]) -> Iterator[str]:
    explained = Counter(_module(survivor.name) for survivor in survivors if survivor.equivalent)
    survived = Counter(_module(survivor.name) for survivor in survivors if not survivor.equivalent)
    print(f"{'':12}{'mutants':>9}{'killed':>9}{'explained':>11}{'survived':>10}")
    for module, total in mutants.items():
        killed = total - explained[module] - survived[module]
        print(f"{module:12}{total:9}{killed:9}{explained[module]:11}{survived[module]:10}")
        if survived[module] > (1 - ENOUGH) * total:
            yield f"{module}: {survived[module]} of {total} mutants survive; expected at most {1 - ENOUGH:.0%}"
    for survivor in survivors:
        if not survivor.equivalent:
            print(f"\n{survivor.name} survived:\n{survivor.change}")
    used = {survivor.equivalent for survivor in survivors}
    for each in EQUIVALENTS:
        if each not in used:
            yield f"{each.function}: no mutant survives by {each.change!r} any more; expected no explanation for it"


def _copy() -> None:
    shutil.rmtree(_FOLDER, ignore_errors=True)
    shutil.copytree(ROOT / "lambda_src" / "lightkeeper", _FOLDER / "lightkeeper")
    # mutmut leaves decorated functions alone; a cache makes no difference but in speed. What is not mutated keeps it.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for name in project["tool"]["mutmut"]["only_mutate"]:
        file = _FOLDER / name
        code = file.read_text(encoding="utf-8")
        file.write_text(re.sub(r"^@lru_cache\(.*\)\n", "", code, flags=re.MULTILINE), encoding="utf-8")
    for name in ("tests", "lightsail_sandbox"):
        shutil.copytree(ROOT / name, _FOLDER / name)
    shutil.copy2(ROOT / "pyproject.toml", _FOLDER)


def _survivor(name: str) -> Survivor:
    diff = _mutmut("show", name).partition("\n+++")[2].splitlines()[1:]
    changed = (line for line in diff if line.startswith(("-", "+")))
    return Survivor(name, "\n".join(f"{line[0]} {line[1:].strip()}" for line in changed))


def _module(mutant: str) -> str:
    return mutant.split(".")[1]


def _mutmut(*arguments: str) -> str:
    ended = subprocess.run(  # noqa: S603 - our own arguments
        [sys.executable, "-m", "mutmut", *arguments],
        cwd=_FOLDER,
        env=os.environ | {"HYPOTHESIS_PROFILE": "mutants"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return ended.stdout
