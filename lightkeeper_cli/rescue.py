"""`lightkeeper rescue`."""

from typing import Annotated

import typer

from lightkeeper.kinds import SourceKind
from lightkeeper_cli.options import AsJson, Config, Endpoint, InAccount, Profile, Regions, Stack, use_profile


def rescue(  # noqa: PLR0913 - one for each option
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The name of a disk or an instance.")],
    *,
    hold: Annotated[
        str,
        typer.Option(
            "--hold", metavar="DAY", help="Keep them through this day, whatever the rules say. Default: for good."
        ),
    ] = "",
    every_day: Annotated[
        bool, typer.Option("--every-day", help="Also the days that a recovery point with newer content covers.")
    ] = False,
    kind: Annotated[
        SourceKind | None,
        typer.Option("--kind", help="Which one is meant, where sources of several kinds have the name."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, and end.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: Config = None,
    stack: Stack = None,
    account: InAccount = None,
    profile: Profile = None,
    region: Regions = None,
    endpoint_url: Endpoint = None,
    as_json: AsJson = False,
) -> None:
    """Keep a source's automatic snapshots: copy them into recovery points before it is deleted, as they go with it.

    Waits until all are complete: only then delete the source. Run again after an interruption, it goes on where it was.
    """
    from lightkeeper_cli.rescuing import Asked, How, save

    use_profile(profile)
    asked = Asked(source=source, hold=hold, every_day=every_day, kind=kind)
    how = How(
        config=config,
        stack=stack,
        account=account,
        regions=region,
        endpoint_url=endpoint_url,
        as_json=as_json,
        dry_run=dry_run,
        yes=yes,
    )
    raise typer.Exit(save(asked, how))
