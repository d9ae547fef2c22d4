"""`lightkeeper status` of an organization's deployment, printed: how each account stands, the worst first."""

from collections.abc import Callable, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from lightkeeper.errors import counted
from lightkeeper.fleet import AccountState, Fleet, FleetRow
from lightkeeper.overview import Health
from lightkeeper_cli.tables.columns import Column, Table, fit, show, show_hidden
from lightkeeper_cli.tables.status import HEALTH_STYLES
from recovery_calendar.fleet_view import Account, FleetView, long_span
from recovery_calendar.view import span

_STATE_STYLES: Final = {
    AccountState.TROUBLE: "bold red",
    AccountState.UNKNOWN: "bold red",
    AccountState.NOT_ONBOARDED: "dim",
    AccountState.WAITING: "yellow",
    AccountState.PROTECTED: "green",
    AccountState.EMPTY: "dim",
}
_FEW: Final = 5
"""So many accounts are named one by one."""


def show_fleet(fleet: Fleet, view: FleetView, look: Callable[[str], str], console: Console) -> None:
    """Print how all accounts stand.

    Parameters
    ----------
    fleet
        The document.
    view
        What is shown of it.
    look
        Returns the command that looks into an account.
    console
        Where to print.
    """
    if view.silence:
        console.print(Text(f"{view.silence}.", HEALTH_STYLES[Health.UNKNOWN]))
        console.print(Text(f"At that time: {fleet.sentence}"))
    else:
        console.print(Text(fleet.sentence, HEALTH_STYLES[fleet.health]))
    age = f"{long_span(view.now - view.time)} ago"
    console.print(
        Text.assemble(
            (f"Deployment {view.deployment}", "bold"),
            f", {counted(view.total, 'account')}; as of {view.time:%Y-%m-%d %H:%M}, {age}; times in {view.zone.key}",
        )
    )
    for sentence in view.unlisted:
        console.print(Text.assemble(("could not be listed ", "bold red"), sentence))
    if view.rows:
        console.print()
        refusing = {row.account for row in fleet.rows if row.refuses}
        table = _table(view, refusing, console.width)
        show(table, console)
        console.print(Text(f"\nStored: {view.stored}"))
        show_hidden([table], console)
    _show_notes(fleet, look, console)


def _table(view: FleetView, refusing: set[str], width: int) -> Table:
    rows = view.rows

    def style(row: Account) -> str:
        return "bold red" if row.account in refusing else _STATE_STYLES[row.state]

    def facts(heading: str, goes: int, fact: Callable[[Account], str], *, is_right: bool = False) -> Column:
        return Column(heading, [Text(fact(row)) for row in rows], goes, is_right=is_right)

    ids = [Text(row.account) for row in rows]
    # Those of a fixed list have no names.
    has_names = any(row.name for row in rows)
    names = (Column("Name", [Text(row.name or "-", "bold") for row in rows], is_name=True),)
    columns = (
        Column("Account", ids, is_name=not has_names),
        *(names if has_names else ()),
        Column("State", [Text(row.state, style(row)) for row in rows]),
        facts("Protected", 20, lambda row: f"{row.protected} of {row.wanted}" if row.seen else "-", is_right=True),
        facts("Findings", 30, lambda row: str(row.findings or "-"), is_right=True),
        facts("Since", 40, lambda row: span(view.now - row.since)),
        facts("Seen", 50, lambda row: f"{span(view.now - row.seen)} ago" if row.seen else "never"),
        facts("GiB", 70, lambda row: f"{row.stored.gib:,.0f}", is_right=True),
        facts("USD", 80, lambda row: f"{row.stored.usd:,.2f}", is_right=True),
    )
    return fit(columns, width)


def _show_notes(fleet: Fleet, look: Callable[[str], str], console: Console) -> None:
    """Print what there is to say of accounts that are not as they should be, and what to type next."""
    wanting = [row for row in fleet.rows if row.wants_a_person]
    if wanting:
        console.print()
    for row in wanting:
        console.print(Text.assemble((f"{row.label} ", "bold"), row.sentence))
    new = [row for row in fleet.rows if row.state is AccountState.NOT_ONBOARDED and not row.refuses]
    if new:
        never = f"{counted(len(new), 'account')} not onboarded: {_few(new)}. "
        what = 'make deploy-members, or make deploy-member in one, lets Lightkeeper in; "except" leaves one out.'
        console.print(Text.assemble(("\n" if wanting else "", "dim"), (never, "dim"), (what, "dim")))
    looked_into = [row for row in fleet.rows if row.state is not AccountState.NOT_ONBOARDED]
    if looked_into:
        console.print("\nLook into one:")
        # To be pasted, so in one line whatever the width.
        console.print(Text(f"  {look(looked_into[0].account)}", "bold"), soft_wrap=True)


def _few(rows: Sequence[FleetRow]) -> str:
    more = f" and {len(rows) - _FEW} more" if rows[_FEW:] else ""
    return f"{', '.join(row.label for row in rows[:_FEW])}{more}"
