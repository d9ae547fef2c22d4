"""`lightkeeper snapshots`."""

from typing import Annotated

import typer

from lightkeeper_cli.options import AsJson, At, Config, Endpoint, Regions, Stack, now, print_document


def snapshots(  # noqa: PLR0913 - one for each option
    source: Annotated[
        str | None,
        typer.Argument(metavar="[SOURCE]", help="The name of a disk, an instance or a database, gone or not."),
    ] = None,
    *,
    config: Config = None,
    stack: Stack = None,
    region: Regions = None,
    endpoint_url: Endpoint = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """List the recovery points, newest first: when each was taken, until when it is kept, and why. Changes nothing."""
    from lightkeeper.inventory import plan_regions
    from lightkeeper_cli.account import Where, ask_account
    from lightkeeper_cli.aws import connect_regions
    from lightkeeper_cli.documents import located, snapshots_document
    from lightkeeper_cli.fates import of_source
    from lightkeeper_cli.settings import choose
    from lightkeeper_cli.tables.console import make_console
    from lightkeeper_cli.tables.snapshots import show_snapshots

    chosen = choose(config, stack)
    moment = now(at, chosen.settings)
    regions = connect_regions(region, chosen.settings, chosen.region, endpoint_url)
    whose = ask_account(endpoint_url)
    planned = plan_regions(regions, chosen.settings, moment)
    fates = of_source(source, planned)
    where = Where(whose(each.arn for each in planned.sources), planned.regions)
    if as_json:
        print_document(located(snapshots_document(fates, planned), where))
    else:
        show_snapshots(fates, planned, source, where, make_console())
    if planned.failures:
        raise typer.Exit(1)
