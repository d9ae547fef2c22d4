"""`lightkeeper plan`."""

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


def plan(  # noqa: PLR0913 - one for each option
    *,
    config: Config = None,
    stack: Stack = None,
    account: InAccount = None,
    profile: Profile = None,
    region: Regions = None,
    endpoint_url: Endpoint = None,
    at: At = None,
    as_json: AsJson = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Each recovery point: whether it is kept, and why.")
    ] = False,
) -> None:
    """Show what would happen, what is kept, and why. Changes nothing."""
    from lightkeeper.report import plan_document
    from lightkeeper_cli.documents import located
    from lightkeeper_cli.looking import look
    from lightkeeper_cli.pasting import say_whose_profile
    from lightkeeper_cli.settings import choose, say_without_pruning
    from lightkeeper_cli.tables.console import make_console
    from lightkeeper_cli.tables.plan import show_plan

    use_profile(profile)
    chosen = choose(config, stack, account)
    looked = look(chosen, regions=region, endpoint_url=endpoint_url, at=at)
    if as_json:
        print_document(located(plan_document(looked.plan), looked.where))
    else:
        show_plan(looked.plan, looked.where, make_console(), is_verbose=verbose)
        say_without_pruning(looked.plan, chosen.settings)
        say_whose_profile(chosen.member, looked.plan.problems)
    if looked.plan.failures:
        raise typer.Exit(1)
