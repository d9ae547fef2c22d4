"""Which settings a verb works with: a file's, a deployment's, or the defaults; and what it says about that."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

from lightkeeper.errors import InvalidValueError
from lightkeeper.model import Plan
from lightkeeper.overview import Overview
from lightkeeper.settings import Settings, SettingsError
from lightkeeper.version import VERSION

CDK_JSON: Final = Path("cdk.json")
_KEY: Final = "lightkeeper"
_FIRST_IN_A_STACK: Final = "0.3.0"
"""The first release that a stack says it was deployed with."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Settings, and where they are from."""

    settings: Settings
    origin: str
    """In words that follow "using"."""
    region: str | None = None
    """The deployment's own Region, where they are a deployment's."""
    note: str | None = None
    """What there is to know of that deployment."""


def read_file(config: Path | None) -> Settings:
    """Return the settings in a file; in the folder's cdk.json if none is named; or the defaults.

    Raises
    ------
    InvalidValueError
        If the file cannot be read, or is no JSON.
    SettingsError
        With a sentence for every wrong key and value.
    """
    path = config or CDK_JSON
    return Settings() if config is None and not path.exists() else _of_document(path, _document(path))


def choose(config: Path | None, stack: str | None, *, quietly: bool = False) -> Chosen:
    """Return the settings of the file or deployment that is named, or of the folder's cdk.json, or the defaults.

    Says which on the standard error, unless it is to be quiet.

    Raises
    ------
    InvalidValueError, SettingsError
        If they cannot be read, or two are asked for.
    CallError
        If AWS cannot be asked.
    """
    chosen = _find(config, stack) or Chosen(Settings(), f"the default settings: {_why_none()}")
    return chosen if quietly else _said(chosen)


def choose_to_write(config: Path | None, stack: str | None) -> Chosen:
    """Return the same for a verb that writes: defaults that nobody has chosen are refused.

    Raises
    ------
    InvalidValueError, SettingsError
        If they cannot be read, two are asked for, or none.
    CallError
        If AWS cannot be asked.
    """
    chosen = _find(config, stack)
    if chosen is None:
        raise InvalidValueError(
            f"{_why_none()}, and with other settings than its own a deployment's snapshots may be deleted; expected "
            f"--stack NAME (the settings of that deployment), --config FILE, or to stand in the folder of a {CDK_JSON} "
            f'that has a "{_KEY}" object'
        )
    return _said(chosen)


def say_without_pruning(plan: Plan, settings: Settings) -> None:
    """Say what pruning would come to, where the settings turn it off."""
    if told := Overview.of(plan).without_pruning(settings):
        typer.echo(f"{told[0].upper()}{told[1:]}.")


def _said(chosen: Chosen) -> Chosen:
    for line in filter(None, (f"using {chosen.origin}", chosen.note)):
        print(f"lightkeeper: {line}", file=sys.stderr)  # noqa: T201 - plain, as the errors of the command
    return chosen


def _other_release(stack: str, version: str | None) -> str | None:
    """Return what is to be said where a stack's release is not this one: the two may plan differently."""
    if version == VERSION:
        return None
    deployed = version or f"a release before {_FIRST_IN_A_STACK}"
    return f"the stack {stack} was deployed with {deployed}, this command is {VERSION}; docs/upgrade.md has what to do"


def _why_none() -> str:
    return f'{CDK_JSON} has no "{_KEY}" object' if CDK_JSON.exists() else f"no {CDK_JSON} in this folder"


def _find(config: Path | None, stack: str | None) -> Chosen | None:
    if config is not None and stack is not None:
        raise InvalidValueError("both --config and --stack; expected one of them: they name two sets of settings")
    if stack is not None:
        from lightkeeper_cli.aws import own_region
        from lightkeeper_cli.stack import read_deployed

        deployed = read_deployed(stack, own_region())
        return Chosen(
            deployed.settings,
            f"the settings of the deployed stack {stack} in {deployed.region}",
            deployed.region,
            _other_release(stack, deployed.version),
        )
    if config is None and not CDK_JSON.exists():
        return None
    path = config or CDK_JSON
    document = _document(path)
    # Of any other project of the CDK.
    if config is None and isinstance(document, dict) and "app" in document and _KEY not in document:
        _of_document(path, document)
        return None
    return Chosen(_of_document(path, document), f"the settings in {path}")


def _document(path: Path) -> object:
    try:
        parsed: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidValueError(f"{path}: {error.strerror}; expected a readable file of settings") from None
    except (ValueError, RecursionError) as error:
        raise InvalidValueError(f"{path}: not JSON ({error}); expected a JSON object of settings") from None
    return parsed


def _of_document(path: Path, document: object) -> Settings:
    try:
        return Settings.from_file(document)
    except SettingsError as error:
        raise SettingsError(f"{path}: {sentence}" for sentence in error.errors) from None
