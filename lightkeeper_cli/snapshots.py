"""`lightkeeper snapshots`."""

from typing import Annotated

import typer

from lightkeeper_cli.options import (
    AsJson,
    At,
    Config,
    Endpoint,
    InAccount,
    Profile,
    Regions,
    Stack,
    print_document,
    use_profile,
)


def snapshots(  # noqa: PLR0913 - one for each option
    source: Annotated[
        str | None,
        typer.Argument(metavar="[SOURCE]", help="The name of a disk, an instance or a database, gone or not."),
    ] = None,
    *,
    config: Config = None,
    stack: Stack = None,
    account: InAccount = None,
    profile: Profile = None,
    region: Regions = None,
    endpoint_url: Endpoint = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """List the recovery points, newest first: when each was taken, until when it is kept, and why. Changes nothing."""
    from lightkeeper_cli.documents import located, snapshots_document
    from lightkeeper_cli.fates import of_source
    from lightkeeper_cli.looking import look
    from lightkeeper_cli.settings import choose
    from lightkeeper_cli.tables.console import make_console
    from lightkeeper_cli.tables.snapshots import show_snapshots

    use_profile(profile)
    looked = look(choose(config, stack, account), regions=region, endpoint_url=endpoint_url, at=at)
    fates = of_source(source, looked.plan)
    if as_json:
        print_document(located(snapshots_document(fates, looked.plan), looked.where))
    else:
        show_snapshots(fates, looked.plan, source, looked.where, make_console())
    if looked.plan.failures:
        raise typer.Exit(1)
