"""The commands of docs/runbook.md, pasted into a shell that takes a local AWS for AWS."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.support.local_aws import ROOT, LocalAws

_OF_MANY = ("$MACHINE", "Fleet")
# Those that bring something back are run elsewhere. Version 1 of the `aws` command has an address of its own for SQS,
# which goes before that of the local AWS, which in turn knows nothing of which Regions an account has.
_ELSEWHERE = ("lightsail", "aws sqs", "aws account")


def commands_about_one() -> list[str]:
    """Return its commands about alarms of a deployment that looks after its own account alone."""
    return [block for block in _commands() if not _is_about_many(block)]


def commands_about_many() -> list[str]:
    """Return those that are about many accounts."""
    return [block for block in _commands() if _is_about_many(block)]


def known_once(aws: LocalAws) -> str:
    """Return what a person's shell knows after the first block, which sets what the others need.

    Each command is run in a shell of its own.
    """
    once, *_ = _blocks()
    names = re.findall(r"^([A-Z]+)=", once, re.MULTILINE)
    done = paste(aws, f"{once}\ndeclare -p {' '.join(names)}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def paste(aws: LocalAws, command: str) -> "subprocess.CompletedProcess[str]":
    """Run what a person would paste into a shell."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(aws.folder),
    }
    return subprocess.run(  # noqa: S603 - our own document
        ["/bin/bash", "-euo", "pipefail", "-c", command],
        cwd=aws.folder,
        env=environment | aws.credentials,
        check=False,
        capture_output=True,
        text=True,
    )


def _commands() -> list[str]:
    _, *blocks = _blocks()
    return [block for block in blocks if "aws " in block and not any(each in block for each in _ELSEWHERE)]


def _is_about_many(block: str) -> bool:
    return any(each in block for each in _OF_MANY)


def _blocks() -> list[str]:
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8").partition("\n## Before the alarms\n")[2]
    return [textwrap.dedent(block) for block in re.findall(r"^ *```sh\n(.*?)```", runbook, re.DOTALL | re.MULTILINE)]
