"""`lightkeeper status`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lightkeeper.errors import InvalidValueError
from lightkeeper.faults import CallError
from lightkeeper.overview import Health
from lightkeeper.settings import SettingsError
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

if TYPE_CHECKING:
    from lightkeeper_cli.account import Where
    from recovery_calendar.view import View

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
    check: Annotated[
        bool, typer.Option("--check", help="One line for a monitoring system, and its exit status: 0, 1, 2 or 3.")
    ] = False,
) -> None:
    """Show to which days each source can be recovered. Changes nothing.

    Exit status 3 says that something needs a person: a source is overdue, has a problem or is no longer backed up, or
    there are recovery points in a Region that Lightkeeper does not look after.
    """
    from lightkeeper_cli.documents import located, status_document
    from lightkeeper_cli.tables.console import make_console
    from lightkeeper_cli.tables.status import show_status

    use_profile(profile)
    asked = _Asked(config, stack, region, endpoint_url, at, sort)
    if check:
        if as_json or html is not None:
            raise InvalidValueError("both --check and another form of output, --json or --html; expected one of them")
        raise typer.Exit(_check(asked))
    view, where = _look(asked, quietly=False)
    if html is not None:
        from lightkeeper_cli.files import write_file
        from recovery_calendar.render import Theme, render_page

        write_file(html, render_page(view, theme=Theme(theme)))
        typer.echo(f"lightkeeper: the calendar is in {html}", err=True)
    if as_json:
        print_document(located(status_document(view), where))
    elif html is None:
        show_status(view, where, make_console())
    raise typer.Exit(_EXITS[view.health])


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a person has written, as it stands."""

    config: Path | None
    stack: str | None
    regions: Sequence[str] | None
    endpoint_url: str | None
    at: str | None
    sort: str


def _look(asked: _Asked, *, quietly: bool) -> "tuple[View, Where]":
    from lightkeeper.inventory import plan_regions
    from lightkeeper_cli.account import Where, ask_account
    from lightkeeper_cli.aws import connect_regions, look_elsewhere
    from lightkeeper_cli.settings import choose
    from recovery_calendar.view import make_view, parse_order

    chosen = choose(asked.config, asked.stack, quietly=quietly)
    order = parse_order(asked.sort)
    moment = now(asked.at, chosen.settings)
    regions = connect_regions(asked.regions, chosen.settings, chosen.region, asked.endpoint_url)
    whose = ask_account(asked.endpoint_url)
    planned = plan_regions(regions, chosen.settings, moment)
    elsewhere = None if asked.regions else look_elsewhere(planned.regions, chosen.settings, asked.endpoint_url)
    where = Where(whose(source.arn for source in planned.sources), planned.regions)
    return make_view(planned, chosen.settings, order, elsewhere=elsewhere), where


def _check(asked: _Asked) -> int:
    """Print the line for a monitoring system, whatever goes wrong, and return the exit status that it reads."""
    from lightkeeper_cli.check import check, failed

    try:
        verdict = check(_look(asked, quietly=True)[0])
    except (InvalidValueError, SettingsError, CallError, OSError) as error:
        verdict = failed(error)
    typer.echo(verdict.line)
    return int(verdict.level)
