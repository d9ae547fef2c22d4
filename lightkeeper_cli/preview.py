"""`lightkeeper preview`."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import typer

from lightkeeper.commands import keeper_command
from lightkeeper.errors import InvalidValueError
from lightkeeper.faults import CallError, Fault
from lightkeeper.settings import SettingsError
from lightkeeper_cli.options import AsJson, At, Config, Endpoint, Profile, now, print_document, use_profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from lightkeeper.model import Plan
    from lightkeeper.organization import Organization
    from lightkeeper.settings import Settings


def preview(
    *,
    config: Config = None,
    profile: Profile = None,
    endpoint_url: Endpoint = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Show what settings would keep and delete, beside those that their stack is deployed with. Changes nothing.

    `make deploy` shows this, and then asks.
    """
    from lightkeeper.inventory import plan_regions
    from lightkeeper_cli.account import Where, ask_account
    from lightkeeper_cli.aws import connect_regions, own_region
    from lightkeeper_cli.comparison import (
        Comparison,
        abandoned_targets,
        changed_organization,
        changed_settings,
        compare,
        compare_accounts,
        new_problems,
        other_deployments,
    )
    from lightkeeper_cli.documents import located, preview_document
    from lightkeeper_cli.read_once import ReadOnce
    from lightkeeper_cli.settings import choose, read_organization
    from lightkeeper_cli.tables.console import make_console
    from lightkeeper_cli.tables.preview import show_preview

    use_profile(profile)
    chosen = choose(config, None, None)
    settings = chosen.settings
    moment = now(at, settings)
    region = own_region()
    if region is None:
        raise CallError(
            Fault.UNAVAILABLE,
            "no Region is configured, so there is no telling what would change; expected AWS_REGION to name one",
        )
    organization = read_organization(config)
    whose = ask_account(endpoint_url)
    found, origin = _deployed(settings.deployment, region)
    deployed = found.settings if found else None
    after, before = settings.regions or (region,), deployed and (deployed.regions or (region,))
    regions = tuple(dict.fromkeys((*after, *(before or ()))))
    targets = dict.fromkeys((*settings.copies, *(deployed.copies if deployed else ())))
    connected = connect_regions([*dict.fromkeys((*regions, *targets))], chosen, endpoint_url)
    readers = {name: ReadOnce(reader) for name, reader in connected.items()}

    def planned(by: "Settings", names: "Iterable[str]") -> "Plan":
        return plan_regions(
            {name: readers[name] for name in names}, by, moment, {name: readers[name] for name in by.copies}
        )

    new = planned(settings, after)
    old = planned(deployed, before) if deployed and before else None
    comparison = Comparison(
        settings=(
            *(changed_settings(deployed, settings) if deployed else ()),
            *(changed_organization(found.organization, organization) if found and found.is_whole else ()),
        ),
        sources=compare(old, new),
        problems=new_problems(old, new),
        failures=tuple(dict.fromkeys((*new.failures, *(old.failures if old else ())))),
        is_deployed=deployed is not None,
        others=other_deployments(
            (each for name in after for each in readers[name].readable_snapshots()), settings.deployment
        ),
        abandoned=(
            abandoned_targets(old, (name for name in deployed.copies if name not in settings.copies))
            if old and deployed
            else ()
        ),
    )
    where = Where(whose(source.arn for source in comparison.sources), regions)
    if found is None or found.is_whole:
        accounts = compare_accounts(
            found.organization if found else None,
            organization,
            deployment=settings.deployment,
            own=where.account.id,
            labels=found.labels if found else {},
        )
        comparison = replace(comparison, accounts=accounts)
    if as_json:
        document = preview_document(comparison, settings.deployment, region, moment)
        print_document(located(document, where))
    else:
        show_preview(comparison, where, f"{settings.deployment} in {region}, {origin}", moment, make_console())
        if organization:
            typer.echo(_about_others(config))
    if comparison.failures:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a stack is deployed with."""

    settings: "Settings"
    organization: "Organization | None"
    is_whole: bool
    """Whether it could be read which accounts are looked after."""
    labels: "Mapping[str, str]"
    """How accounts are called, by their ids."""


def _about_others(config: "Path | None") -> str:
    file = ("--config", str(config)) if config is not None else ()
    command = keeper_command("plan", *file, "--account", "ID")
    return f"Only this account's sources are compared. What the next run would do in another one: {command}"


def _deployed(stack: str, region: str) -> tuple["_Found | None", str]:
    """Return what a stack is deployed with, and how to say so; None where there is nothing to be read.

    Whatever else keeps it from being read must not stop a deployment: a deployment is how a broken one is repaired.
    """
    from lightkeeper_cli.fleet import fleet_in
    from lightkeeper_cli.stack import MissingStackError, read_deployed, read_organization

    try:
        deployed = read_deployed(stack, region)
    except MissingStackError:
        return None, "there is no such stack yet: this is its first deployment"
    except (InvalidValueError, SettingsError) as error:
        return None, f"beside nothing, for what is deployed cannot be read: {error}"
    said = "beside what is deployed"
    try:
        organization = read_organization(deployed, stack)
    except (InvalidValueError, CallError) as error:
        return _Found(deployed.settings, None, is_whole=False, labels={}), f"{said}; but {error}"
    labels: dict[str, str] = {}
    # It is here for names only.
    with suppress(InvalidValueError, CallError):
        fleet = fleet_in(deployed.results, region) if deployed.results else None
        labels = {row.account: row.label for row in fleet.rows} if fleet else {}
    return _Found(deployed.settings, organization, is_whole=True, labels=labels), said
