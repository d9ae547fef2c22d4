"""`lightkeeper plan`."""

import typer

from lightkeeper_cli.options import (
    AsJson,
    At,
    Config,
    Endpoint,
    Profile,
    Regions,
    Stack,
    now,
    print_document,
    use_profile,
)


def plan(  # noqa: PLR0913 - one for each option
    *,
    config: Config = None,
    stack: Stack = None,
    profile: Profile = None,
    region: Regions = None,
    endpoint_url: Endpoint = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Show what would happen, and why. Changes nothing."""
    from lightkeeper.inventory import plan_regions
    from lightkeeper.report import plan_document
    from lightkeeper_cli.aws import connect_regions
    from lightkeeper_cli.settings import choose, say_without_pruning
    from lightkeeper_cli.tables.console import make_console
    from lightkeeper_cli.tables.plan import show_plan

    use_profile(profile)
    chosen = choose(config, stack)
    moment = now(at, chosen.settings)
    planned = plan_regions(
        connect_regions(region, chosen.settings, chosen.region, endpoint_url), chosen.settings, moment
    )
    if as_json:
        print_document(plan_document(planned))
    else:
        show_plan(planned, make_console())
        say_without_pruning(planned, chosen.settings)
    if planned.failures:
        raise typer.Exit(1)
