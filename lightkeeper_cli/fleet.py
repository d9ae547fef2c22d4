"""How all accounts of a deployment stand: the document that the last run has left in its bucket.

Import this only in a verb: it loads what talks to AWS.
"""

from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING

from lightkeeper.errors import InvalidValueError
from lightkeeper.faults import CallError, Fault
from lightkeeper.fleet import FLEET_KEY, DocumentError, Fleet
from lightkeeper.results import Results, ResultsError
from recovery_calendar.fleet_view import FleetOrder, FleetView, make_fleet_view

if TYPE_CHECKING:
    from lightkeeper_cli.settings import Chosen


def read_fleet(chosen: "Chosen") -> Fleet | None:
    """Return how all accounts stood after the last run; None: there is no bucket, or no document in it yet.

    Raises
    ------
    InvalidValueError
        If this release does not understand the document.
    CallError
        If the bucket cannot be read.
    """
    if chosen.results is None or chosen.region is None:
        return None
    try:
        with closing(Results(chosen.results, region=chosen.region)) as results:
            document = results.get(FLEET_KEY)
        return Fleet.from_json(document) if document is not None else None
    except ResultsError as error:
        raise CallError(Fault.UNAVAILABLE, str(error)) from None
    except DocumentError as error:
        raise InvalidValueError(f"{FLEET_KEY} in the bucket {chosen.results}: {error}") from None


def look_at_fleet(chosen: "Chosen", now: datetime, order: FleetOrder) -> tuple[Fleet, FleetView]:
    """Return how all accounts stood after the last run, and what is to be shown of that at `now` (UTC).

    Raises
    ------
    InvalidValueError
        If this release does not understand the document.
    CallError
        If the bucket cannot be read, or there is no document in it yet.
    """
    fleet = read_fleet(chosen)
    if fleet is None:
        raise CallError(
            Fault.NOT_FOUND,
            f"there is no {FLEET_KEY} in the bucket {chosen.results} yet, so nobody can tell how the accounts stand: "
            "the first run over all accounts writes it, within a tick of the deployment; --account ID looks into one",
        )
    return fleet, make_fleet_view(fleet, chosen.settings, now, order=order)
