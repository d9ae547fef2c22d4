"""`lightkeeper status`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lightkeeper.copies import COPIED
from lightkeeper.errors import InvalidValueError
from lightkeeper.faults import CallError
from lightkeeper.kinds import SNAPSHOTS
from lightkeeper.overview import Health
from lightkeeper.settings import SettingsError
from lightkeeper_cli.options import (
    AsJson,
    At,
    Config,
    Endpoint,
    InAccount,
    Profile,
    Regions,
    Stack,
    now,
    print_document,
    use_profile,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lightkeeper.fleet import Fleet
    from lightkeeper_cli.account import Where
    from lightkeeper_cli.settings import Chosen
    from recovery_calendar.fleet_view import FleetView
    from recovery_calendar.view import View

_WORST_FIRST = "status"
_EXITS = {Health.OK: 0, Health.WAITING: 0, Health.UNKNOWN: 1, Health.DEGRADED: 3}


def status(  # noqa: PLR0913 - one for each option
    *,
    config: Config = None,
    stack: Stack = None,
    account: InAccount = None,
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
    ] = _WORST_FIRST,
    theme: Annotated[Literal["light", "dark", "auto"], typer.Option("--theme", help="Colours of the HTML.")] = "auto",
    check: Annotated[
        bool, typer.Option("--check", help="One line for a monitoring system, and its exit status: 0, 1, 2 or 3.")
    ] = False,
) -> None:
    """Show to which days each source can be recovered; of an organization's deployment, how each account stands.

    Changes nothing. Exit status 3 says that something needs a person: a source is overdue, has a problem or is no
    longer backed up, or there are recovery points in a Region that Lightkeeper does not look after; or there is an
    account with such.
    """
    from lightkeeper_cli.settings import choose

    use_profile(profile)
    asked = _Asked(region, endpoint_url, at, sort)
    if check:
        if as_json or html is not None:
            raise InvalidValueError("both --check and another form of output, --json or --html; expected one of them")
        raise typer.Exit(_check(config, stack, account, asked))
    chosen = choose(config, stack, account, shows_fleet=True)
    if chosen.is_of_fleet:
        fleet, accounts = _look_at_fleet(chosen, asked)
        if html is not None:
            _write(accounts, html, theme)
        if as_json or html is None:
            _show_fleet(fleet, accounts, chosen, as_json=as_json)
        raise typer.Exit(_fleet_exit(fleet, accounts))
    view, where, dark = _look(chosen, asked)
    if html is not None:
        _write(view, html, theme)
    if as_json:
        from lightkeeper_cli.documents import located, status_document

        print_document(located(status_document(view), where))
    elif html is None:
        from lightkeeper_cli.pasting import commands_in, say_whose_profile
        from lightkeeper_cli.tables.console import make_console
        from lightkeeper_cli.tables.status import show_status

        show_status(view, where, make_console())
        say_whose_profile(chosen.member, commands_in(note for row in view.rows for note in row.notes))
        options = {"--config": config, "--stack": stack, "--account": account, "--profile": profile}
        _say_of_copies(dark, options | {"--endpoint-url": endpoint_url}, endpoint_url, chosen)
    raise typer.Exit(_EXITS[view.health])


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a person has written, as it stands."""

    regions: Sequence[str] | None
    endpoint_url: str | None
    at: str | None
    sort: str


def _say_of_copies(
    homes: "Collection[str]", options: "Mapping[str, object]", endpoint_url: str | None, chosen: "Chosen"
) -> None:
    """Say where there are copies of what cannot be seen at home, and how they are restored."""
    if not (homes and chosen.settings.copies):
        return
    from lightkeeper_cli.copies import Sought, find_copies

    for sentence in find_copies(Sought("restore", options, None, None, endpoint_url), (), homes, chosen):
        typer.echo(sentence)


def _look(chosen: "Chosen", asked: _Asked) -> "tuple[View, Where, frozenset[str]]":
    """Return how everything stands, where that is, and in which Regions the snapshots could not be listed."""
    from lightkeeper_cli.aws import look_elsewhere
    from lightkeeper_cli.looking import look
    from recovery_calendar.view import make_view, parse_order

    order, settings = parse_order(asked.sort), chosen.settings
    looked = look(chosen, regions=asked.regions, endpoint_url=asked.endpoint_url, at=asked.at)
    elsewhere = None if asked.regions else look_elsewhere(looked.plan.regions, settings, asked.endpoint_url)
    view = make_view(looked.plan, settings, order, elsewhere=elsewhere, sender=chosen.sender)
    # What can be restored is told by the lists of snapshots.
    lists = {SNAPSHOTS[kind].listing for kind in COPIED}
    dark = frozenset(failure.region for failure in looked.plan.failures if failure.listing in {None, *lists})
    return view, looked.where, dark.intersection(looked.plan.regions)


def _look_at_fleet(chosen: "Chosen", asked: _Asked) -> "tuple[Fleet, FleetView]":
    from lightkeeper_cli.fleet import look_at_fleet
    from recovery_calendar.fleet_view import FleetKey, parse_fleet_order

    for option, is_given in (("--region", asked.regions), ("--endpoint-url", asked.endpoint_url)):
        if is_given:
            raise _is_for_one_account(option)
    order = parse_fleet_order(FleetKey.STATE if asked.sort == _WORST_FIRST else asked.sort)
    return look_at_fleet(chosen, now(asked.at, chosen.settings), order)


def _is_for_one_account(option: str) -> InvalidValueError:
    return InvalidValueError(
        f"{option} is for one account, and this deployment looks after many; expected --account ID beside it"
    )


def _write(view: "View | FleetView", path: Path, theme: str) -> None:
    from lightkeeper_cli.files import write_file
    from recovery_calendar.render import Theme, render_page

    write_file(path, render_page(view, theme=Theme(theme)))
    typer.echo(f"lightkeeper: the calendar is in {path}", err=True)


def _show_fleet(fleet: "Fleet", view: "FleetView", chosen: "Chosen", *, as_json: bool) -> None:
    from lightkeeper.commands import keeper_command
    from lightkeeper_cli.documents import fleet_document
    from lightkeeper_cli.tables.console import make_console
    from lightkeeper_cli.tables.fleet import show_fleet

    if as_json:
        print_document(fleet_document(fleet, view))
    else:
        stack = chosen.stack or chosen.deployment
        show_fleet(
            fleet,
            view,
            lambda account: keeper_command("status", "--stack", stack, "--account", account),
            make_console(),
        )


def _fleet_exit(fleet: "Fleet", view: "FleetView") -> int:
    from lightkeeper_cli.check import needs_a_person

    # One account of which nobody can tell does not hide that another needs a person.
    return _EXITS[Health.DEGRADED if needs_a_person(fleet) and not view.silence else view.health]


def _check(config: Path | None, stack: str | None, account: str | None, asked: _Asked) -> int:
    """Print the line for a monitoring system, whatever goes wrong, and return the exit status that it reads."""
    from lightkeeper_cli.check import check, check_fleet, failed
    from lightkeeper_cli.settings import choose

    try:
        chosen = choose(config, stack, account, quietly=True)
        is_fleet = chosen.is_of_fleet
        verdict = check_fleet(*_look_at_fleet(chosen, asked)) if is_fleet else check(_look(chosen, asked)[0])
    except (InvalidValueError, SettingsError, CallError, OSError) as error:
        verdict = failed(error)
    typer.echo(verdict.line)
    return int(verdict.level)
