"""`lightkeeper demo`."""

from typing import Annotated

import typer

from lightkeeper_cli.options import extra


def demo(
    *,
    days: Annotated[int, typer.Option(min=14, max=400, help="How many days to simulate.")] = 60,
) -> None:
    """Run the real handler through simulated days of backups on a local Lightsail; then restore a lost server."""
    from lightkeeper_cli.tables.console import make_console

    with extra("demo"):
        from lightkeeper_cli.demonstration import run_demo
    run_demo(days, make_console())
