"""Turns the stack's protection against deletion off before `cdk destroy`, which cannot, and on again where it stays.

As a command: ``python -m infra.protection off`` or ``on``, and the file of settings where it is not cdk.json; with the
AWS CLI that stands beside this Python.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final, Literal

from infra.config_file import ConfigFileError, read_config_file
from lightkeeper.settings import Settings

_AWS: Final = Path(sys.executable).parent / "aws"
_SWITCHES: Final = {"on": "--enable-termination-protection", "off": "--no-enable-termination-protection"}
_NO_STACK: Final = "does not exist"


def switch(state: Literal["on", "off"], stack: str) -> str | None:
    """Turn a stack's protection on or off; return what went wrong, in AWS's words.

    What does not exist needs no protection any more; but who wants to destroy it is told that it is not there.
    """
    command = [str(_AWS), "cloudformation", "update-termination-protection", _SWITCHES[state], "--stack-name", stack]
    # The CDK looks for the Region here first, and this must be the same stack.
    region = os.environ.get("AWS_REGION")
    environment = os.environ | ({"AWS_DEFAULT_REGION": region} if region else {})
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)  # noqa: S603 - our own arguments
    if not done.returncode or (state == "on" and _NO_STACK in done.stderr):
        return None
    return done.stderr.strip()


def main(state: str, config: str = "") -> None:
    """Turn the protection of the stack of those settings on or off, or end with what went wrong."""
    if state not in _SWITCHES:
        sys.exit(f'"{state}" is not a state; expected "on" or "off"')
    try:
        stack = read_config_file(config, Settings.from_file).deployment
    except ConfigFileError as error:
        sys.exit(str(error))
    wrong = switch("off" if state == "off" else "on", stack)
    if wrong:
        sys.exit(f"{stack}: its protection against deletion cannot be turned {state}: {wrong}")


if __name__ == "__main__":
    main(*sys.argv[1:])
