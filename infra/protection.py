"""Turns the stack's protection against deletion off before `cdk destroy`, which cannot, and on again where it stays.

Where a stack for many accounts is gone, it deletes what that has left behind. As a command: ``python -m
infra.protection off`` or ``on``, and the file of settings where it is not cdk.json; with the AWS CLI that stands beside
this Python.
"""

import sys
from typing import Final, Literal

from infra.aws_cli import NO_STACK, AwsCliError, ask
from infra.config_file import ConfigFileError, read_config_file
from infra.leftovers import delete_leftovers
from lightkeeper.settings import Settings, StackSettings, settings_object

_SWITCHES: Final = {"on": "--enable-termination-protection", "off": "--no-enable-termination-protection"}


def switch(state: Literal["on", "off"], stack: str) -> str | None:
    """Turn a stack's protection on or off; return what went wrong, in AWS's words.

    What does not exist needs no protection any more; but who wants to destroy it is told that it is not there.
    """
    try:
        ask("cloudformation", "update-termination-protection", _SWITCHES[state], "--stack-name", stack)
    except AwsCliError as error:
        return None if state == "on" and NO_STACK in str(error) else str(error)
    return None


def clear_up(stack: str) -> str:
    """Delete what a stack has left behind that is gone; return what is to be said of it, if anything."""
    try:
        return "".join(f"{stack}: deleted {bucket}, too\n" for bucket in delete_leftovers(stack))
    except AwsCliError as error:
        return (
            f"{stack}: what it has left behind cannot be deleted: {error}\nThere is nothing but a cache in it, which "
            "empties itself within 30 days.\n"
        )


def main(state: str, config: str = "") -> None:
    """Turn the protection of the stack of those settings on or off, or end with what went wrong."""
    if state not in _SWITCHES:
        sys.exit(f'"{state}" is not a state; expected "on" or "off"')
    try:
        settings, own = read_config_file(config, _read)
    except ConfigFileError as error:
        sys.exit(str(error))
    stack = settings.deployment
    wrong = switch("off" if state == "off" else "on", stack)
    if wrong:
        sys.exit(f"{stack}: its protection against deletion cannot be turned {state}: {wrong}")
    if state == "on" and own.organization:
        sys.stderr.write(clear_up(stack))


def _read(document: object) -> tuple[Settings, StackSettings]:
    return Settings.from_file(document), StackSettings.from_mapping(settings_object(document))


if __name__ == "__main__":
    main(*sys.argv[1:])
