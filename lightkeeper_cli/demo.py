"""`lightkeeper demo`."""

from pathlib import Path
from typing import Annotated

import typer

from lightkeeper.errors import InvalidValueError
from lightkeeper_cli.options import extra


def demo(
    *,
    days: Annotated[int, typer.Option(min=14, max=400, help="How many days to simulate.")] = 60,
    output: Annotated[
        Path, typer.Option("--output", metavar="FILE", help="Where the calendar of what came of it goes.")
    ] = Path("lightkeeper-demo.html"),
) -> None:
    """Run the real handler through simulated days of backups on a local Lightsail; then restore a lost server."""
    from lightkeeper_cli.tables.console import make_console

    # Better now than after two minutes.
    if not output.parent.is_dir() or output.is_dir():
        raise InvalidValueError(f'"{output}" cannot be written; expected a file, in a folder that exists')
    with extra("demo"):
        from lightkeeper_cli.demonstration import run_demo
    run_demo(days, make_console(), output)
