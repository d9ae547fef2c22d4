"""`lightkeeper config validate` and `lightkeeper config show`."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lightkeeper.errors import InvalidValueError
from lightkeeper.json_objects import ObjectReader
from lightkeeper.organization import Organization
from lightkeeper.policies import built_in_policies, write_policies
from lightkeeper.rows import write_rows
from lightkeeper.settings import Settings, SettingsError, StackSettings, settings_object
from lightkeeper_cli.options import AsJson, Config, Profile, Stack, print_document, use_profile
from lightkeeper_cli.settings import CDK_JSON, read_document

if TYPE_CHECKING:
    from rich.table import Table

_POLICIES: Final = "policies"
_UNSAID: Final = ("default", "built-in")


def validate(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A cdk.json, or just its lightkeeper object.")
    ] = None,
) -> None:
    """Say everything that is wrong with the settings in a file, as a deployment would. Default: cdk.json.

    Needs neither AWS nor the CDK.
    """
    from lightkeeper.deployable import read_deployable
    from lightkeeper.lightsail import available_regions

    path = file or CDK_JSON
    document = read_document(path)
    try:
        _, own = read_deployable(settings_object(document), regions_with_lightsail=available_regions())
    except SettingsError as error:
        raise SettingsError(f"{path}: {sentence}" for sentence in error.errors) from None
    typer.echo(f"{path}: good{_accounts(own.organization)}")


def show(*, config: Config = None, stack: Stack = None, profile: Profile = None, as_json: AsJson = False) -> None:
    """Show the settings in force, each with where it comes from.

    Of a stack, these are the function's: what only the stack itself needs, but for "organization", no function knows.
    """
    from lightkeeper_cli.tables.console import make_console

    use_profile(profile)
    if stack is not None and config is not None:
        raise InvalidValueError("both --config and --stack; expected one of them: they name two sets of settings")
    effective = _of_stack(stack) if stack is not None else _of_file(config)
    if as_json:
        print_document({"settings": [{"key": row.key, "value": row.value, "from": row.origin} for row in effective]})
    else:
        make_console().print(_table(effective))


def _accounts(organization: Organization | None) -> str:
    """Return which accounts settings are for, as it follows a word; nothing where it is one."""
    if organization is None:
        return ""
    what = [*(f"unit {each}" for each in organization.units), *(f"account {each}" for each in organization.accounts)]
    without = f", but for {', '.join(organization.excluded)}" if organization.excluded else ""
    return f"; beside its own account, it looks after {', '.join(what)}{without}"


@dataclass(frozen=True, slots=True)
class _Effective:
    """A setting in force."""

    key: str
    """Of a policy, `policies.` and its name."""
    value: object
    """As parsed JSON."""
    origin: str


def _of_stack(stack: str) -> list[_Effective]:
    from lightkeeper_cli.aws import own_region
    from lightkeeper_cli.stack import read_deployed, read_organization

    found = read_deployed(stack, own_region())
    deployed, organization = found.settings, read_organization(found, stack)
    built_in = write_policies(built_in_policies(deployed.time_zone))
    # The function has every setting spelt out: what the file has left to a default cannot be told any more.
    written = {key for key in deployed.to_mapping() if key != _POLICIES}
    written |= {f"{_POLICIES}.{name}" for name, policy in _policies(deployed) if policy != built_in.get(name)}
    effective = [*_effective(deployed, (), written, f"stack {stack}")]
    if organization:
        effective.append(_Effective("organization", organization.to_mapping(), f"stack {stack}"))
    return effective


def _of_file(config: Path | None) -> list[_Effective]:
    path = config or CDK_JSON
    errors: list[str] = []
    settings, own, given = Settings(), StackSettings(), dict[str, object]()
    try:
        if config is not None or path.exists():
            given = dict(settings_object(read_document(path)))
        settings = Settings.from_mapping(given)
    except SettingsError as error:
        errors += error.errors
    try:
        own = StackSettings.from_mapping(given)
    except SettingsError as error:
        errors += error.errors
    if errors:
        raise SettingsError(f"{path}: {sentence}" for sentence in errors)
    written = {*given, *(f"{_POLICIES}.{name}" for name in ObjectReader(given).keys_of(_POLICIES))}
    return [*_effective(settings, (own,), written, str(path))]


def _effective(
    settings: Settings, own: Collection[StackSettings], written: Collection[str], origin: str
) -> Iterator[_Effective]:
    """Yield every setting; those not among the keys that are `written` are defaults."""
    values = write_rows(settings, zone=settings.time_zone)
    for each in own:
        values |= write_rows(each)
    for key, value in values.items():
        if key != _POLICIES:
            yield _Effective(key, value, origin if key in written else "default")
    for name, policy in _policies(settings):
        key = f"{_POLICIES}.{name}"
        yield _Effective(key, policy, origin if key in written else "built-in")


def _policies(settings: Settings) -> Collection[tuple[str, dict[str, str]]]:
    return write_policies(settings.policies).items()


def _table(rows: Collection[_Effective]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("Setting", no_wrap=True)
    table.add_column("Value", overflow="fold")
    table.add_column("From", overflow="fold")
    for row in rows:
        style = "dim" if row.origin in _UNSAID else ""
        table.add_row(Text(row.key), Text(_words(row.value)), Text(row.origin, style))
    return table


def _words(value: object) -> str:
    """Return a value as a person writes it: text bare, as all of it would be in quotes."""
    if isinstance(value, dict) and value:
        return ", ".join(f"{key} {_words(inner)}" for key, inner in value.items())
    return value if isinstance(value, str) else json.dumps(value)
