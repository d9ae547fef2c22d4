"""`make destroy`: it lifts the stack's protection, and puts it back where the stack stays."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def destroy(folder: Path, *, lifted: bool = True, cdk_ends_with: int = 0) -> tuple[list[str], int]:
    """Run `make destroy` with programs that only write down how they were called; return that, and how it ended."""
    calls = folder / "calls"
    programs = {
        "python": f'echo "$*" >> {calls}; test "$3" = on -o {int(lifted)} = 1',
        "cdk": f'echo "cdk $*" >> {calls}; exit {cdk_ends_with}',
    }
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    ready = ["--assume-old=.venv/ready", "--assume-old=node_modules/ready"]
    done = subprocess.run(  # noqa: S603 - our own arguments
        ["make", "--silent", *ready, "destroy", f"BIN={folder}", f"CDK={folder / 'cdk'}"],  # noqa: S607 - whichever there is
        cwd=ROOT,
        check=False,
        capture_output=True,
    )
    return calls.read_text(encoding="utf-8").splitlines(), done.returncode


@pytest.mark.parametrize("ends_with", [0, 1])
def test_the_protection_is_lifted_and_put_back_however_it_ends(tmp_path: Path, ends_with: int) -> None:
    calls, ended = destroy(tmp_path, cdk_ends_with=ends_with)

    assert calls == ["-m infra.protection off", "cdk destroy", "-m infra.protection on"]
    assert (ended == 0) is (ends_with == 0)


def test_nothing_is_destroyed_where_the_protection_stays(tmp_path: Path) -> None:
    calls, ended = destroy(tmp_path, lifted=False)

    assert calls == ["-m infra.protection off"]
    assert ended != 0


def test_the_protection_is_on_or_off() -> None:
    command = [sys.executable, "-m", "infra.protection", "maybe"]

    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)  # noqa: S603 - our own arguments

    assert (done.returncode, done.stderr) == (1, '"maybe" is not a state; expected "on" or "off"\n')
