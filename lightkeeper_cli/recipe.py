"""`lightkeeper recipe`."""

from typing import Annotated

import typer

from lightkeeper.kinds import SourceKind
from lightkeeper_cli.options import (
    AsJson,
    Config,
    Endpoint,
    Home,
    InAccount,
    Profile,
    Regions,
    Stack,
    clock,
    print_document,
    use_profile,
)


def recipe(  # noqa: PLR0913 - one for each option
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="The name of a disk, an instance or a database, gone or not.")
    ],
    *,
    kind: Annotated[
        SourceKind | None, typer.Option("--kind", help="Which one is meant, where several have the name.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Of the newest content of this time or before.")
    ] = None,
    snapshot: Annotated[str | None, typer.Option("--snapshot", metavar="NAME", help="Of this snapshot.")] = None,
    home: Home = None,
    config: Config = None,
    stack: Stack = None,
    account: InAccount = None,
    profile: Profile = None,
    region: Regions = None,
    endpoint_url: Endpoint = None,
    as_json: AsJson = False,
) -> None:
    """Show what a restore puts back beside the content: firewall, address, zone and the like. Changes nothing."""
    from lightkeeper.restore import read_places
    from lightkeeper.restore_choice import NothingToRestoreError, find_recipe
    from lightkeeper.restore_steps import Request
    from lightkeeper_cli.aws import connect_regions
    from lightkeeper_cli.copies import Sought, or_copies
    from lightkeeper_cli.documents import recipe_document
    from lightkeeper_cli.restoring import check_point, parse_at
    from lightkeeper_cli.settings import choose
    from lightkeeper_cli.tables.console import make_console
    from lightkeeper_cli.tables.restore import show_recipe

    use_profile(profile)
    check_point(at, snapshot)
    chosen = choose(config, stack, account)
    now = clock()
    request = Request(source, kind=kind, home=home, at=parse_at(at, chosen.settings, now), snapshot=snapshot)
    places = read_places(connect_regions(region, chosen, endpoint_url))
    try:
        found, kept = find_recipe(request, places, chosen.settings)
    except NothingToRestoreError as error:
        options = {"--kind": kind, "--at": at, "--config": config, "--stack": stack, "--account": account}
        given = options | {"--profile": profile, "--endpoint-url": endpoint_url}
        raise or_copies(error, Sought("recipe", given, request, request.at, endpoint_url), places, chosen) from None
    if as_json:
        print_document(recipe_document(found, kept))
    else:
        show_recipe(found, kept, now, make_console())
