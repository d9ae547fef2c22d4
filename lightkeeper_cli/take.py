"""`lightkeeper take`."""

from typing import Annotated

import typer

from lightkeeper.kinds import SourceKind
from lightkeeper_cli.options import (
    AsJson,
    At,
    Config,
    Endpoint,
    InAccount,
    Profile,
    Regions,
    Stack,
    now_to_write,
    patience,
    print_document,
    use_profile,
)


def take(  # noqa: PLR0913 - one for each option
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The name of a disk, an instance or a database.")],
    *,
    hold: Annotated[
        str | None,
        typer.Option("--hold", metavar="DAY", help='Keep it through this day, whatever the rules say; "": for good.'),
    ] = None,
    kind: Annotated[
        SourceKind | None,
        typer.Option("--kind", help="Which one is meant, where sources of several kinds have the name."),
    ] = None,
    config: Config = None,
    stack: Stack = None,
    account: InAccount = None,
    profile: Profile = None,
    region: Regions = None,
    endpoint_url: Endpoint = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Take a recovery point now, such as before an upgrade. The rules keep it like any other.

    Exit status 0 says that Lightsail is taking it.
    """
    from dataclasses import replace

    from lightkeeper.actions import Outcome, Result
    from lightkeeper.report import run_document
    from lightkeeper.run import take as take_point
    from lightkeeper_cli.account import Where, ask_account
    from lightkeeper_cli.aws import connect_regions
    from lightkeeper_cli.documents import located
    from lightkeeper_cli.pasting import commands_for, say_whose_profile
    from lightkeeper_cli.settings import choose_to_write
    from lightkeeper_cli.stopping import StoppedError
    from lightkeeper_cli.tables.console import make_console
    from lightkeeper_cli.tables.plan import show_outcomes

    use_profile(profile)
    chosen = choose_to_write(config, stack, account)
    moment = now_to_write(at, chosen.settings, endpoint_url)
    regions = connect_regions(region, chosen, endpoint_url)
    whose = ask_account(endpoint_url, chosen.member)
    outcomes: list[Outcome] = []
    try:
        ended = take_point(
            regions,
            chosen.settings,
            moment,
            source,
            kind=kind,
            hold=hold,
            seconds_left=patience(),
            on_outcome=outcomes.append,
        )
        ended = replace(ended, plan=commands_for(chosen.member, ended.plan))
        where = Where(whose(outcome.action.target.source_arn for outcome in ended.outcomes), tuple(regions))
        if as_json:
            print_document(located(run_document(ended), where))
        else:
            show_outcomes(ended, where, make_console())
            say_whose_profile(chosen.member, ended.plan.problems)
    except KeyboardInterrupt:
        taken = [outcome.action.target.snapshot for outcome in outcomes if outcome.result is Result.DONE]
        said = f"Lightsail is taking {taken[0]} all the same" if taken else f"no recovery point of {source} was taken"
        raise StoppedError(said) from None
    # No later run takes up what was asked for here.
    if any(outcome.result is not Result.DONE for outcome in ended.outcomes):
        typer.echo(f"lightkeeper: no recovery point of {source} was taken; nothing tries again by itself", err=True)
        raise typer.Exit(1)
