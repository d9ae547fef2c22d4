"""The accounts of a fleet in terminals of any width."""

from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console

from lightkeeper.fleet import AccountState, Fleet
from lightkeeper.settings import Settings
from lightkeeper_cli.tables.fleet import show_fleet
from recovery_calendar.fleet_view import make_fleet_view
from tests.support.fleet_rows import a_fleet, a_row
from tests.support.inventories import NOW

WIDTHS = (60, 80, 100, 120)
NAMES = (
    "Shop",
    "Customer 4711",
    "Agency, production, of the whole of Europe",
    "a-name-in-one-piece-as-long-as-AWS-has-it",
)


def number(index: int) -> str:
    return f"{index:012d}"


def of_names(*names: str | None) -> Fleet:
    """Return a fleet with an account of each name, in as many states as there are."""
    states = [*AccountState]
    return a_fleet(*(a_row(number(at), name, states[at % len(states)]) for at, name in enumerate(names)))


def look(account: str) -> str:
    return f"lightkeeper status --stack a-stack-with-a-name-that-is-rather-long-too --account {account}"


def printed(fleet: Fleet, width: int, *, after: timedelta = timedelta(minutes=25)) -> list[str]:
    out = StringIO()
    show_fleet(fleet, make_fleet_view(fleet, Settings(), NOW + after), look, Console(width=width, file=out))
    return [line.rstrip() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("width", WIDTHS)
def test_every_account_has_its_name_and_its_number_whole_and_no_line_is_too_wide(width: int) -> None:
    shown = printed(of_names(*NAMES, *NAMES), width)

    for index, name in enumerate(NAMES * 2):
        assert any(line.startswith(number(index)) for line in shown)
        assert any(name in line for line in shown)
    # The command is to be pasted.
    assert [line for line in shown if len(line) > width and "lightkeeper" not in line] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_state_of_each_is_beside_it_and_the_command_in_one_line(width: int) -> None:
    shown = printed(of_names("Shop", "Farm"), width)

    rows = [line.split()[:3] for line in shown if line.startswith("0000")]
    assert rows == [[number(0), "Shop", "trouble"], [number(1), "Farm", "unknown"]]
    assert shown[-1] == f"  {look(number(0))}"


@pytest.mark.parametrize(
    ("width", "hidden"), [(60, "Findings, Since, Seen, GiB, USD"), (80, "Seen, GiB, USD"), (100, None)]
)
def test_what_matters_least_goes_first(width: int, hidden: str | None) -> None:
    shown = " ".join(printed(of_names("Shop", "Farm", "Customer 4711"), width))

    assert (f"Hidden at {width} columns: {hidden}. A wider terminal or --json shows them." in shown) is bool(hidden)


@pytest.mark.parametrize("width", WIDTHS)
def test_accounts_of_a_fixed_list_have_no_names_and_no_column_for_them(width: int) -> None:
    shown = printed(of_names(None, None, None), width)

    (heading,) = (line.split()[:2] for line in shown if line.startswith("Account"))
    assert heading == ["Account", "State"]
    assert [line.split()[0] for line in shown if line.startswith("0000")][:3] == [number(0), number(1), number(2)]


def test_five_hundred_accounts_in_trouble_have_a_row_each_and_a_few_lines_more() -> None:
    fleet = a_fleet(*(a_row(number(index), f"Shop {index}", AccountState.TROUBLE) for index in range(500)))

    shown = printed(fleet, 100)

    assert sum(line.startswith("000") for line in shown) == 500
    assert "... and 480 more that need a person (--json has all of them)" in shown
    assert len(shown) < 540


def test_those_that_were_never_let_into_are_named_and_what_lets_lightkeeper_in() -> None:
    new = [a_row(number(index), f"New {index}", AccountState.NOT_ONBOARDED, was_seen=False) for index in range(7)]

    shown = " ".join(printed(a_fleet(a_row(number(9), "Hub"), *new), 120))

    assert "7 accounts not onboarded, so nothing is backed up there: New 0 (000000000000), " in shown
    assert " and 2 more. " in shown
    assert '"make deploy-members" lets Lightkeeper into all accounts' in shown
    assert shown.endswith(look(number(9))), "there is nothing to be seen in the others"


def test_a_fleet_that_lets_nobody_in_has_no_account_to_look_into() -> None:
    shown = printed(a_fleet(a_row(number(1), "New", AccountState.NOT_ONBOARDED, was_seen=False)), 120)

    assert not any("Look into one" in line for line in shown)


def test_units_that_could_not_be_listed_and_accounts_that_are_dropped_are_named() -> None:
    fleet = Fleet(
        deployment="Lightkeeper",
        time=NOW,
        rows=(a_row(number(1), "Hub"),),
        unlisted=("ou-ab12-cd34ef56: AccessDeniedException",),
        dropped=(a_row(number(2), "Sold"),),
    )

    shown = printed(fleet, 100)

    assert "could not be listed ou-ab12-cd34ef56: AccessDeniedException" in shown
    assert f"no longer looked after Sold ({number(2)})" in shown


def test_an_old_report_says_so_before_all_else() -> None:
    shown = printed(of_names("Shop"), 120, after=timedelta(days=2))

    assert shown[0].startswith("As of 15 Jun 2026 12:00, 2 days ago; since then no report.")
    assert any(line.startswith("At that time: 1 account with trouble") for line in shown)
