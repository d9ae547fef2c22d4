"""Reads an account while a person waits: what does not answer in time is not waited for."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Thread
from typing import Final, Generic, Protocol, TypeVar

from lightkeeper.faults import Fault
from lightkeeper.inventory import Reader, join_regions, plan_region
from lightkeeper.model import Plan, ReadFailure
from lightkeeper.settings import Settings

THREADS: Final = "read"
"""How the names of threads begin that may outlast the look they were started for."""
_MOST_KEPT: Final = 8
# A session that one role has begun for another ends after an hour, whatever the roles allow.
_KEPT_FOR: Final = timedelta(minutes=45)
_T = TypeVar("_T")


class LateError(Exception):
    """There was no answer in time."""


def in_time(work: Callable[[], _T], seconds: float) -> _T:
    """Return what the work comes to, or raise what it raises.

    Parameters
    ----------
    work
        Something that may hang.
    seconds
        How long it is waited for. It goes on by itself, and nobody looks at what comes of it.

    Raises
    ------
    LateError
        If it has not ended by then.
    """
    ending: Future[_T] = Future()

    def run() -> None:
        try:
            ending.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it, whatever it is
            ending.set_exception(error)

    # Not a pool: whoever ends a program waits for the threads of a pool.
    Thread(target=run, name=f"{THREADS} in time", daemon=True).start()
    wait((ending,), max(seconds, 0))
    if not ending.done():
        raise _late(seconds)
    return ending.result()


def plan_in_time(
    regions: Mapping[str, Reader],
    settings: Settings,
    now: datetime,
    seconds_left: Callable[[], float],
    targets: Mapping[str, Reader],
) -> Plan:
    """Return the plan for `now` (UTC); a Region that does not answer in time is a failure in it. Reads only.

    Raises
    ------
    CallError
        If every Region refuses the credentials.
    LateError
        If no Region has answered.
    """
    parts: dict[str, Plan] = {}

    def read(name: str) -> None:
        parts[name] = plan_region(name, regions[name], settings, now, seconds_left, targets=targets)

    seconds = seconds_left()
    threads = [Thread(target=read, args=(name,), name=f"{THREADS} {name}", daemon=True) for name in regions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(seconds_left(), 0))
    there = dict(parts)
    if not there:
        raise _late(seconds)
    return join_regions(there.get(name) or _unanswered(name, now) for name in regions)


def _late(seconds: float) -> LateError:
    return LateError(f"no answer within {max(seconds, 0):.0f} seconds")


def _unanswered(name: str, now: datetime) -> Plan:
    failure = ReadFailure(name, None, "no answer in time", Fault.UNAVAILABLE)
    return Plan(now, (), (), (), (), (failure,), (name,))


class Connection(Protocol):
    """What can be closed."""

    def close(self) -> None:
        """Close the connections."""


_C = TypeVar("_C", bound=Connection)


@dataclass(slots=True)
class Kept(Generic[_C]):
    """Connections to accounts, by Region: a few, each account's apart, and only while its credentials are valid."""

    _kept: dict[str, tuple[datetime, Mapping[str, _C]]] = field(default_factory=dict)

    def connections(self, account: str, clock: datetime, connect: Callable[[], Mapping[str, _C]]) -> Mapping[str, _C]:
        """Return the connections to an account.

        Parameters
        ----------
        account
            Whose they are: 12 digits.
        clock
            The time, UTC.
        connect
            Makes them, with credentials that last for an hour from then on.
        """
        made, connections = self._kept.pop(account, (None, {}))
        if made is None or not made <= clock < made + _KEPT_FOR:
            _close(connections)
            made, connections = clock, connect()
        # The one that was looked at longest ago is the first to go.
        self._kept[account] = made, connections
        while len(self._kept) > _MOST_KEPT:
            self.forget(next(iter(self._kept)))
        return connections

    def forget(self, account: str) -> None:
        """Close the connections to an account: the next look makes new ones."""
        _, connections = self._kept.pop(account, (None, {}))
        _close(connections)

    def clear(self) -> None:
        """Close all."""
        for account in [*self._kept]:
            self.forget(account)


def _close(connections: Mapping[str, _C]) -> None:
    for connection in connections.values():
        connection.close()
