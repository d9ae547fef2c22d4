"""What the calendar shows of a fleet's document: numbers, order, shares of a bar, and how long it has been silent."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.errors import InvalidValueError
from lightkeeper.fleet import AccountState, Fleet, FleetRow, in_order
from lightkeeper.model import Status
from lightkeeper.overview import Health, Stored
from lightkeeper.settings import Settings
from recovery_calendar.fleet_view import (
    FleetKey,
    FleetOrder,
    FleetView,
    long_span,
    make_fleet_view,
    parse_fleet_order,
)
from tests.support.inventories import HOUR, NOW


def row(number: int, state: AccountState = AccountState.PROTECTED, **given: Any) -> FleetRow:  # noqa: ANN401 - whatever a row has
    usual = FleetRow(
        account=f"{number:012}", name=None, state=state, sentence="", statuses={}, stored=Stored(0, 0), findings=0,
        since=NOW, seen=NOW, let_in=NOW,
    )  # fmt: skip
    return replace(usual, **given)


def view(*rows: FleetRow, now: Any = NOW, settings: Settings | None = None, **asked: Any) -> FleetView:  # noqa: ANN401
    fleet = Fleet(deployment="Lightkeeper", time=NOW, rows=in_order(rows), unlisted=())
    return make_fleet_view(fleet, settings or Settings(), now, **asked)


def test_what_is_switched_off_or_gone_does_not_count_as_unprotected() -> None:
    statuses = {Status.PROTECTED: 3, Status.OVERDUE: 1, Status.UNTAGGED: 1, Status.OFF: 5, Status.GONE: 7}

    (account,) = view(row(1, statuses=statuses)).rows

    assert (account.protected, account.wanted) == (3, 5)


def test_numbers_of_an_account_that_the_last_run_could_not_look_at_are_past() -> None:
    rows = view(row(1), row(2, seen=NOW - HOUR), row(3, seen=None)).rows

    assert [account.is_past for account in rows] == [False, True, True]


def test_times_are_those_of_the_deployment_s_zone() -> None:
    shown = view(row(1), settings=Settings.from_mapping({"timeZone": "Europe/Zurich"}))

    assert {shown.now.hour, shown.time.hour, shown.rows[0].since.hour} == {NOW.hour + 2}


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=59), "59 minutes"),
        (HOUR, "1 hour"),
        (47 * HOUR, "47 hours"),
        (48 * HOUR, "2 days"),
    ],
)
def test_an_age_is_said_in_its_largest_unit(age: timedelta, said: str) -> None:
    assert long_span(age) == said


def test_silence_makes_everything_unknown_until_the_next_report() -> None:
    assert view(row(1), now=NOW + 3 * HOUR).health is Health.OK
    silent = view(row(1), now=NOW + 4 * HOUR)
    assert silent.health is Health.UNKNOWN
    assert silent.silence is not None


def test_a_report_ahead_of_the_clock_is_not_silent() -> None:
    assert view(row(1), now=NOW - 9 * HOUR).silence is None


states = st.lists(st.sampled_from(AccountState), min_size=1, max_size=800)


@given(states)
def test_the_order_is_the_document_s_own_unless_another_one_is_asked_for(given: list[AccountState]) -> None:
    rows = [row(number, state, name=f"n{number % 7}") for number, state in enumerate(given)]

    shown = view(*rows)

    assert [account.account for account in shown.rows] == [each.account for each in in_order(rows)]


@given(states)
def test_the_shares_fill_the_bar_and_none_is_too_thin_to_be_seen(given: list[AccountState]) -> None:
    shares = view(*(row(number, state) for number, state in enumerate(given))).shares

    assert sum(share.accounts for share in shares) == len(given)
    assert [share.state for share in shares] == sorted({*given}, key=list(AccountState).index)
    assert all(share.width >= 10 for share in shares)
    assert [share.start for share in shares[1:]] == [share.start + share.width for share in shares[:-1]]
    assert shares[0].start == 0
    assert abs(shares[-1].start + shares[-1].width - 1000) <= len(AccountState)


@given(st.sampled_from(FleetKey), st.booleans(), states)
def test_every_order_shows_every_account_once(key: FleetKey, backwards: bool, given: list[AccountState]) -> None:  # noqa: FBT001
    rows = [
        row(number, state, findings=number % 3, stored=Stored(number % 5, 9), seen=None if number % 2 else NOW)
        for number, state in enumerate(given)
    ]

    shown = [account for page in range(1, 9) for account in view(
        *rows, order=FleetOrder(key, backwards), page=page, page_size=100
    ).rows if page <= -(-len(rows) // 100)]  # fmt: skip

    assert sorted(account.account for account in shown) == [each.account for each in rows]


def test_an_order_that_there_is_not_is_refused_with_the_nearest() -> None:
    assert parse_fleet_order("-cost") == FleetOrder(FleetKey.COST, backwards=True)
    assert str(parse_fleet_order("-cost")) == "-cost"
    with pytest.raises(InvalidValueError, match='did you mean "findings"'):
        parse_fleet_order("finding")


def test_no_account_at_all_is_a_view_too() -> None:
    empty = view()

    assert (empty.rows, empty.shares, empty.pages, empty.total) == ((), (), 1, 0)
