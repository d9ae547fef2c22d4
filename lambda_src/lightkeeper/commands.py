"""Commands to paste: quoted as a shell takes them, and within that as the AWS CLI reads its shorthand."""

import re
import shlex
from typing import Final

_LIGHTSAIL: Final = "aws lightsail "
# In what the AWS CLI reads as key=...,value=...; all else stands between quotes of its own.
_PLAIN: Final = re.compile(r"[A-Za-z0-9 +\-=._:/@]+")


def keeper_command(*words: str) -> str:
    """Return a command of `lightkeeper`."""
    return shlex.join(["lightkeeper", *words])


def lightsail_command(operation: str, region: str, *words: str) -> str:
    """Return a command of the AWS CLI for Lightsail, or how one begins.

    It always names the Region: in the one that is configured something else may have the same name.
    """
    return _LIGHTSAIL + shlex.join([operation, "--region", region, *words])


def tag_command(resource: str, region: str, key: str, value: str = "") -> str:
    """Return the command that sets a tag on a resource of Lightsail; an empty value is none."""
    tag = f"key={_shorthand(key)}" + (f",value={_shorthand(value)}" if value else "")
    return lightsail_command("tag-resource", region, "--resource-name", resource, "--tags", tag)


def untag_command(resource: str, region: str, key: str) -> str:
    """Return the command that takes a tag off a resource of Lightsail."""
    return lightsail_command("untag-resource", region, "--resource-name", resource, "--tag-keys", key)


def delete_source_command(kind: str, name: str, region: str) -> str:
    """Return the command that deletes a disk or an instance of Lightsail, whose add-ons go with it."""
    return lightsail_command(f"delete-{kind}", region, f"--{kind}-name", name, "--force-delete-add-ons")


def in_account(words: str, account: str) -> str:
    """Return words with their commands of the AWS CLI such that these work in that account (12 digits), or not at all.

    With other credentials they would change what bears the same name in another account. There is no profile of that
    name unless a person has made one for the account, and without it the AWS CLI refuses.
    """
    return words.replace(_LIGHTSAIL, f"{profile_option(account)} lightsail ")


def profile_option(account: str) -> str:
    """Return how a command of the AWS CLI begins that `in_account` has made."""
    return f"aws --profile {account}"


def _shorthand(text: str) -> str:
    if _PLAIN.fullmatch(text) and text == text.strip():
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
