"""`lightkeeper preview`."""

from typing import TYPE_CHECKING

import typer

from lightkeeper.errors import InvalidValueError
from lightkeeper.faults import CallError, Fault
from lightkeeper.settings import SettingsError
from lightkeeper_cli.options import AsJson, At, Config, Endpoint, Profile, now, print_document, use_profile

if TYPE_CHECKING:
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
    from lightkeeper_cli.comparison import Comparison, changed_settings, compare, new_problems, other_deployments
    from lightkeeper_cli.documents import located, preview_document
    from lightkeeper_cli.read_once import ReadOnce
    from lightkeeper_cli.settings import choose
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
    whose = ask_account(endpoint_url)
    deployed, origin = _deployed(settings.deployment, region)
    after, before = settings.regions or (region,), deployed and (deployed.regions or (region,))
    regions = tuple(dict.fromkeys((*after, *(before or ()))))
    connected = connect_regions(regions, chosen, endpoint_url)
    readers = {name: ReadOnce(reader) for name, reader in connected.items()}
    new = plan_regions({name: readers[name] for name in after}, settings, moment)
    old = plan_regions({name: readers[name] for name in before}, deployed, moment) if deployed and before else None
    comparison = Comparison(
        settings=tuple(changed_settings(deployed, settings)) if deployed else (),
        sources=compare(old, new),
        problems=new_problems(old, new),
        failures=tuple(dict.fromkeys((*new.failures, *(old.failures if old else ())))),
        is_deployed=deployed is not None,
        others=other_deployments(
            (each for name in after for each in readers[name].readable_snapshots()), settings.deployment
        ),
    )
    where = Where(whose(source.arn for source in comparison.sources), regions)
    if as_json:
        document = preview_document(comparison, settings.deployment, region, moment)
        print_document(located(document, where))
    else:
        show_preview(comparison, where, f"{settings.deployment} in {region}, {origin}", moment, make_console())
    if comparison.failures:
        raise typer.Exit(1)


def _deployed(stack: str, region: str) -> tuple["Settings | None", str]:
    """Return the settings that a stack is deployed with, and how to say so; None where there are none to be read.

    Whatever else keeps them from being read must not stop a deployment: a deployment is how a broken one is repaired.
    """
    from lightkeeper_cli.stack import MissingStackError, read_deployed

    try:
        return read_deployed(stack, region).settings, "beside what is deployed"
    except MissingStackError:
        return None, "there is no such stack yet: this is its first deployment"
    except (InvalidValueError, SettingsError) as error:
        return None, f"beside nothing, for what is deployed cannot be read: {error}"
