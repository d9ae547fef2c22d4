"""`lightkeeper run`."""

import typer

from lightkeeper_cli.options import AsJson, At, Config, Endpoint, Regions, Stack, now_to_write, patience, print_document


def run(  # noqa: PLR0913 - one for each option
    *,
    config: Config = None,
    stack: Stack = None,
    region: Regions = None,
    endpoint_url: Endpoint = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Take the snapshots that are due and prune what the rules drop."""
    from lightkeeper.report import run_document
    from lightkeeper.run import run_regions
    from lightkeeper_cli.account import Where, ask_account
    from lightkeeper_cli.aws import connect_regions
    from lightkeeper_cli.documents import located
    from lightkeeper_cli.settings import choose_to_write, say_without_pruning
    from lightkeeper_cli.tables.console import make_console
    from lightkeeper_cli.tables.plan import show_run
    from lightkeeper_cli.tables.progress import showing_run

    chosen = choose_to_write(config, stack)
    moment = now_to_write(at, chosen.settings, endpoint_url)
    regions = connect_regions(region, chosen.settings, chosen.region, endpoint_url)
    whose = ask_account(endpoint_url)
    with showing_run(regions) as (on_plan, on_outcome):
        ended = run_regions(
            regions, chosen.settings, moment, seconds_left=patience(), on_outcome=on_outcome, on_plan=on_plan
        )
    where = Where(whose(source.arn for source in ended.plan.sources), ended.plan.regions)
    if as_json:
        print_document(located(run_document(ended), where))
    else:
        show_run(ended, where, make_console())
        say_without_pruning(ended.plan, chosen.settings)
    if ended.failures:
        raise typer.Exit(1)
