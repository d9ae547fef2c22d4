"""`lightkeeper plan`."""

from typing import Annotated

import typer

from lightkeeper_cli.options import AsJson, At, Config, Endpoint, Regions, Stack, now, print_document


def plan(  # noqa: PLR0913 - one for each option
    *,
    config: Config = None,
    stack: Stack = None,
    region: Regions = None,
    endpoint_url: Endpoint = None,
    at: At = None,
    as_json: AsJson = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Each recovery point: whether it is kept, and why.")
    ] = False,
) -> None:
    """Show what would happen, what is kept, and why. Changes nothing."""
    from lightkeeper.inventory import plan_regions
    from lightkeeper.report import plan_document
    from lightkeeper_cli.account import Where, ask_account
    from lightkeeper_cli.aws import connect_regions
    from lightkeeper_cli.documents import located
    from lightkeeper_cli.settings import choose, say_without_pruning
    from lightkeeper_cli.tables.console import make_console
    from lightkeeper_cli.tables.plan import show_plan

    chosen = choose(config, stack)
    moment = now(at, chosen.settings)
    regions = connect_regions(region, chosen.settings, chosen.region, endpoint_url)
    whose = ask_account(endpoint_url)
    planned = plan_regions(regions, chosen.settings, moment)
    where = Where(whose(source.arn for source in planned.sources), planned.regions)
    if as_json:
        print_document(located(plan_document(planned), where))
    else:
        show_plan(planned, where, make_console(), is_verbose=verbose)
        say_without_pruning(planned, chosen.settings)
    if planned.failures:
        raise typer.Exit(1)
