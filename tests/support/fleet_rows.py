"""Fleets as the tests need them: accounts in a row, and how they stand."""

from datetime import datetime, timedelta

from lightkeeper.fleet import AccountState, Fleet, FleetRow, in_order
from lightkeeper.model import Status
from lightkeeper.overview import Stored
from tests.support.inventories import NOW

_HOUR = timedelta(hours=1)
_SOURCES = {
    AccountState.TROUBLE: {Status.PROTECTED: 17, Status.OVERDUE: 3},
    AccountState.WAITING: {Status.WAITING: 2, Status.PROTECTED: 18},
    AccountState.PROTECTED: {Status.PROTECTED: 20},
}
_SENTENCES = {
    AccountState.TROUBLE: "3 sources overdue; 17 of 20 sources protected.",
    AccountState.UNKNOWN: "Unknown since 2026-06-15 09:00 UTC: its run has left no document.",
    AccountState.NOT_ONBOARDED: "It does not let Lightkeeper in.",
    AccountState.WAITING: "18 of 20 sources protected; 2 waiting for a first recovery point.",
    AccountState.PROTECTED: "All 20 sources protected.",
    AccountState.EMPTY: "Nothing is backed up.",
}


def a_row(
    account: str, name: str | None = None, state: AccountState = AccountState.PROTECTED, *, was_seen: bool = True
) -> FleetRow:
    """Return an account that has stood so for three hours, and that a run has seen, unless it is said to be new."""
    return FleetRow(
        account=account,
        name=name,
        state=state,
        sentence=_SENTENCES[state],
        statuses=_SOURCES.get(state, {}),
        stored=Stored(80.0, 400.0) if state in _SOURCES else Stored(0.0, 0.0),
        findings=3 if state is AccountState.TROUBLE else 0,
        since=NOW - 3 * _HOUR,
        seen=NOW if was_seen else None,
        let_in=NOW if was_seen else None,
    )


def a_fleet(*rows: FleetRow, time: datetime = NOW, unlisted: tuple[str, ...] = ()) -> Fleet:
    """Return what a run has left of these accounts."""
    return Fleet(deployment="Lightkeeper", time=time, rows=in_order(rows), unlisted=unlisted)
