"""`lightkeeper restore`."""

from typing import Annotated

import typer

from lightkeeper.kinds import SourceKind
from lightkeeper_cli.options import AsJson, Config, Endpoint, Home, InAccount, Profile, Regions, Stack, use_profile


def restore(  # noqa: PLR0913 - one for each option
    source: Annotated[
        str | None,
        typer.Argument(metavar="[SOURCE]", help="The name of a disk, an instance or a database, gone or not."),
    ] = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Everything that has a recovery point, side by side.")
    ] = False,
    gone: Annotated[bool, typer.Option("--gone", help="With --all: only what no longer exists.")] = False,
    suffix: Annotated[
        str | None, typer.Option("--suffix", metavar="S", help="With --all: what the new names end in.")
    ] = None,
    kind: Annotated[
        SourceKind | None,
        typer.Option("--kind", help="What to make; of an instance's system disk, a disk with its files."),
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="The newest content of this time or before, in ISO 8601.")
    ] = None,
    snapshot: Annotated[
        str | None, typer.Option("--snapshot", metavar="NAME", help="This snapshot, whoever made it.")
    ] = None,
    home: Home = None,
    name: Annotated[str | None, typer.Option("--as", metavar="NAME", help="The name of what is made.")] = None,
    zone: Annotated[str | None, typer.Option("--zone", metavar="AZ", help="Default: the source's.")] = None,
    bundle: Annotated[str | None, typer.Option("--bundle", metavar="ID", help="Default: the source's.")] = None,
    attach: Annotated[
        str | None, typer.Option("--attach", metavar="INSTANCE:PATH", help="Attach the disk there in the end.")
    ] = None,
    move_address: Annotated[
        bool, typer.Option("--move-address", help="Take the static IP from the instance that still has it.")
    ] = False,
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
    """Bring back what a snapshot holds, with its firewall and its address. Deletes and overwrites nothing.

    Run again after an interruption, it goes on where it was. With --region and a Region that copies went to, what is
    there comes back there, and nothing is asked of the Region that the source was in.
    """
    from lightkeeper_cli.restoring import Asked, How, bring_back

    use_profile(profile)
    asked = Asked(
        source=source,
        everything=everything,
        gone=gone,
        suffix=suffix,
        kind=kind,
        at=at,
        snapshot=snapshot,
        home=home,
        name=name,
        zone=zone,
        bundle=bundle,
        attach=attach,
        move_address=move_address,
    )
    how = How(
        config=config,
        stack=stack,
        account=account,
        profile=profile,
        regions=region,
        endpoint_url=endpoint_url,
        as_json=as_json,
        dry_run=dry_run,
        yes=yes,
    )
    raise typer.Exit(bring_back(asked, how))
