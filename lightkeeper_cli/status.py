"""`lightkeeper status`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from lightkeeper.errors import InvalidValueError
from lightkeeper.overview import Health
from lightkeeper_cli.options import (
    AsJson,
    At,
    Config,
    Endpoint,
    Profile,
    Regions,
    Stack,
    now,
    print_document,
    use_profile,
)

_EXITS = {Health.OK: 0, Health.WAITING: 0, Health.UNKNOWN: 1, Health.DEGRADED: 3}


def status(  # noqa: PLR0913 - one for each option
    *,
    config: Config = None,
    stack: Stack = None,
    profile: Profile = None,
    region: Regions = None,
    endpoint_url: Endpoint = None,
    at: At = None,
    as_json: AsJson = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the dashboard's calendar to a file instead.")
    ] = None,
    sort: Annotated[
        str,
        typer.Option(
            "--sort", metavar="ORDER", help="status, name, newest, next, expires, size or cost; -name is the reverse."
        ),
    ] = "status",
    theme: Annotated[Literal["light", "dark", "auto"], typer.Option("--theme", help="Colours of the HTML.")] = "auto",
) -> None:
    """Show to which days each source can be recovered. Changes nothing.

    Exit status 3 says that something needs a person: a source is overdue, has a problem or is no longer backed up, or
    there are recovery points in a Region that Lightkeeper does not look after.
    """
    from lightkeeper.inventory import plan_regions
    from lightkeeper_cli.aws import connect_regions, look_elsewhere
    from lightkeeper_cli.documents import status_document
    from lightkeeper_cli.settings import choose
    from lightkeeper_cli.tables.console import make_console
    from lightkeeper_cli.tables.status import show_status
    from recovery_calendar.view import make_view, parse_order

    use_profile(profile)
    chosen = choose(config, stack)
    order = parse_order(sort)
    moment = now(at, chosen.settings)
    planned = plan_regions(
        connect_regions(region, chosen.settings, chosen.region, endpoint_url), chosen.settings, moment
    )
    elsewhere = None if region else look_elsewhere(planned.regions, chosen.settings, endpoint_url)
    view = make_view(planned, chosen.settings, order, elsewhere=elsewhere)
    if html is not None:
        from recovery_calendar.render import Theme, render_page

        _write(html, render_page(view, theme=Theme(theme)))
    if as_json:
        print_document(status_document(view))
    elif html is None:
        show_status(view, make_console())
    raise typer.Exit(_EXITS[view.health])


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidValueError(f"{path}: {error.strerror}; expected a file that can be written") from None
