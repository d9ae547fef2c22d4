"""Which settings a verb works with: a file's, a deployment's, or the defaults; and what it says about that."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from lightkeeper.errors import InvalidValueError
from lightkeeper.model import Plan
from lightkeeper.organization import MemberRoles, Organization
from lightkeeper.overview import Overview
from lightkeeper.sender import Sender
from lightkeeper.settings import Settings, SettingsError, StackSettings, settings_object
from lightkeeper.version import VERSION

if TYPE_CHECKING:
    from lightkeeper_cli.members import Member

_ACCOUNT: Final = re.compile(r"[0-9]{12}")
CDK_JSON: Final = Path("cdk.json")
_KEY: Final = "lightkeeper"
_FIRST_IN_A_STACK: Final = "0.3.0"
"""The first release that a stack says it was deployed with."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Settings, where they are from, and in which account a verb works with them."""

    settings: Settings
    origin: str
    """In words that follow "using"."""
    region: str | None = None
    """The deployment's own Region, where they are a deployment's."""
    notes: tuple[str, ...] = ()
    """What there is to know of that deployment."""
    roles: MemberRoles | None = None
    """Those in the other accounts of the deployment; None: it looks after its own alone, or nobody knows."""
    organization: Organization | None = None
    """Which accounts these are, where a file says so."""
    stack: str | None = None
    """The deployment's own name, where they are a deployment's."""
    results: str | None = None
    """The bucket with the fleet's document, where a deployment has one."""
    member: "Member | None" = None
    """The account that a person has named; None: that of the credentials, whichever it is."""

    @property
    def deployment(self) -> str:
        """The deployment's name."""
        return self.settings.deployment

    @property
    def is_of_fleet(self) -> bool:
        """Whether a deployment for many accounts was named, and none of these."""
        return self.results is not None and self.member is None

    @property
    def sender(self) -> Sender | None:
        """What commands to paste are to name; None: they work as this one was typed, beside the same files."""
        return self.member.sender if self.member else None


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
    return Settings() if config is None and not path.exists() else _of_document(path, read_document(path))


def choose(
    config: Path | None,
    stack: str | None,
    account: str | None,
    *,
    quietly: bool = False,
    shows_fleet: bool = False,
) -> Chosen:
    """Return the settings of the file or deployment that is named, or of the folder's cdk.json, or the defaults.

    Where an account is named, all that talks to AWS works in it from then on. Says which settings and which account
    on the standard error, unless it is to be quiet.

    Parameters
    ----------
    config, stack, account
        The options of these names.
    quietly
        Whether to say nothing.
    shows_fleet
        Whether the verb shows all accounts of a deployment where none is named.

    Raises
    ------
    InvalidValueError, SettingsError
        If they cannot be read, or two are asked for; or if the account is none, or none of that deployment.
    CallError
        If AWS cannot be asked, or the account does not let the caller in.
    """
    chosen = _find(config, stack, account) or Chosen(Settings(), f"the default settings: {_why_none()}")
    said = () if quietly else tuple(_about(chosen, account, shows_fleet=shows_fleet))
    return _in_account(account, chosen, said)


def choose_to_write(config: Path | None, stack: str | None, account: str | None) -> Chosen:
    """Return the same for a verb that writes: defaults that nobody has chosen are refused.

    Raises
    ------
    InvalidValueError, SettingsError
        If they cannot be read, two are asked for, or none; or if the account is none, or none of that deployment.
    CallError
        If AWS cannot be asked, or the account does not let the caller in.
    """
    chosen = _find(config, stack, account)
    if chosen is None:
        raise InvalidValueError(
            f"{_why_none()}, and with other settings than its own a deployment's snapshots may be deleted; expected "
            f"--stack NAME (the settings of that deployment), --config FILE, or to stand in the folder of a {CDK_JSON} "
            f'that has a "{_KEY}" object'
        )
    return _in_account(account, chosen, tuple(_about(chosen, account, shows_fleet=False)))


def say_without_pruning(plan: Plan, settings: Settings) -> None:
    """Say what pruning would come to, where the settings turn it off."""
    if told := Overview.of(plan).without_pruning(settings):
        typer.echo(f"{told[0].upper()}{told[1:]}.")


def _about(chosen: Chosen, account: str | None, *, shows_fleet: bool) -> Iterator[str]:
    """Yield which settings these are, and in which account they are used where that may surprise."""
    yield f"using {chosen.origin}"
    yield from chosen.notes
    if account is None and chosen.roles and not (shows_fleet and chosen.results):
        yield "only the account of your credentials is looked at; --account ID names another one of this deployment"


def _in_account(account: str | None, chosen: Chosen, said: Sequence[str]) -> Chosen:
    """Say that, and let all that talks to AWS work in the account that is named, if one is; nothing said is quiet."""
    _say(said)
    if account is None:
        return chosen
    from lightkeeper_cli.members import enter

    member = enter(account, chosen)
    if said:
        _say(member.notes)
    return replace(chosen, member=member)


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(f"lightkeeper: {line}", file=sys.stderr)  # noqa: T201 - plain, as the errors of the command


def _other_release(stack: str, version: str | None) -> str | None:
    """Return what is to be said where a stack's release is not this one: the two may plan differently."""
    if version == VERSION:
        return None
    deployed = version or f"a release before {_FIRST_IN_A_STACK}"
    return f"the stack {stack} was deployed with {deployed}, this command is {VERSION}; docs/upgrade.md has what to do"


def _why_none() -> str:
    return f'{CDK_JSON} has no "{_KEY}" object' if CDK_JSON.exists() else f"no {CDK_JSON} in this folder"


def _find(config: Path | None, stack: str | None, account: str | None) -> Chosen | None:
    if account is not None and not _ACCOUNT.fullmatch(account):
        raise InvalidValueError(f'--account "{account}" is not the id of an account; expected its 12 digits')
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
            tuple(filter(None, (_other_release(stack, deployed.version),))),
            roles=deployed.roles,
            results=deployed.results,
            stack=stack,
        )
    if config is None and not CDK_JSON.exists():
        return None
    path = config or CDK_JSON
    document = read_document(path)
    # Of any other project of the CDK.
    if config is None and isinstance(document, dict) and "app" in document and _KEY not in document:
        _of_document(path, document)
        return None
    settings, organization = _of_document(path, document), _organization(path, document, account)
    return Chosen(
        settings,
        f"the settings in {path}",
        roles=organization.roles(settings.deployment) if organization else None,
        organization=organization,
    )


def read_document(path: Path) -> object:
    """Return what a file of settings holds, as parsed JSON.

    Raises
    ------
    InvalidValueError
        If it cannot be read, or is no JSON.
    """
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


def _organization(path: Path, document: object, account: str | None) -> Organization | None:
    """Return which accounts a file names; whoever asks for none of them need not care what is wrong with it."""
    try:
        return StackSettings.from_mapping(settings_object(document)).organization
    except SettingsError as error:
        if account is None:
            return None
        raise SettingsError(f"{path}: {sentence}" for sentence in error.errors) from None
