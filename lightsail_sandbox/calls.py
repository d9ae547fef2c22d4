"""The record of every AWS call a sandbox has had."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any, Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One AWS call, as the sandbox has seen it.

    Parameters
    ----------
    number
        1, 2, 3, ... in the order in which the calls took effect.
    operation
        The name in AWS's model, such as ``CreateDiskSnapshot``.
    region
        The Region it was signed for.
    access_key_id
        The access key it was signed with: who called, where a test gives each caller a key.
    account
        The account that the key belongs to: 12 digits.
    parameters
        What was asked for.
    at
        The sandbox time at which it took effect or was refused.
    took_effect
        Whether it was carried out: false for a refused call and for a scripted ``Failed`` operation. Recorded before
        the answer leaves, so that it is true even if the client has died in the meantime.
    status
        The HTTP status of the answer; 0 for a call that hung and never got one.
    error
        The error code of the answer, None if there is none.
    answer
        ``on its way`` (latency, held by a fault, or hanging), ``sent`` or ``lost`` (by a fault).
    items
        How many entries the page of a list call had; None for other calls.
    more
        Whether the page of a list call named a next one; None for other calls.
    duration_ms
        From the arrival of the request to the end of the answer, latency included, in real time.
    """

    number: int
    operation: str
    region: str
    access_key_id: str
    account: str
    parameters: Mapping[str, Any]
    at: datetime
    took_effect: bool
    status: int
    error: str | None
    answer: Literal["on its way", "sent", "lost"]
    items: int | None
    more: bool | None
    duration_ms: float

    def to_json(self) -> dict[str, Any]:
        """Write the call as the control interface has it."""
        return {name: getattr(self, name) for name in _CALL} | {"at": self.at.isoformat()}

    @classmethod
    def from_json(cls, call: Mapping[str, Any]) -> "Call":
        """Read a call as the control interface has it."""
        return cls(**{**call, "at": datetime.fromisoformat(call["at"])})


# `asdict` copies deeply, which is slow where a record is long and its reader only writes it down.
_CALL: Final = tuple(each.name for each in fields(Call))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCall:
    """An AWS call that a fault holds before it takes effect: it is not among the calls yet.

    Parameters
    ----------
    operation, region, access_key_id, account, parameters
        As in `Call`.
    """

    operation: str
    region: str
    access_key_id: str
    account: str
    parameters: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Write the call as the control interface has it."""
        return asdict(self)


class Waiting:
    """The calls that are held before they take effect, in the order in which they came."""

    def __init__(self) -> None:
        self._held: list[HeldCall] = []
        self._changed = threading.Condition()

    def add(self, call: HeldCall) -> HeldCall:
        """Have a call among those that are held."""
        with self._changed:
            self._held.append(call)
            self._changed.notify_all()
            return call

    def remove(self, call: HeldCall) -> None:
        """Say that a call waits no more; it may be known already."""
        with self._changed:
            self._held = [each for each in self._held if each is not call]

    def clear(self) -> None:
        """Say that no call waits any more."""
        with self._changed:
            self._held.clear()

    def calls(self) -> list[HeldCall]:
        """Give the calls that are held."""
        with self._changed:
            return [*self._held]

    def wait_for(self, count: int, timeout_seconds: float) -> bool:
        """Wait until so many calls are held."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._held) >= count, timeout_seconds)


class Journal:
    """The calls in order. It has a lock of its own, so that one can wait for a call while others are served."""

    _KEPT = 200_000

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=self._KEPT)
        self._last_number = 0
        self._changed = threading.Condition()

    def add(self, call: Call) -> Call:
        """Record a call that has taken effect or was refused, and give it its number."""
        with self._changed:
            self._last_number += 1
            numbered = replace(call, number=self._last_number)
            self._calls.append(numbered)
            self._changed.notify_all()
            return numbered

    def close(self, call: Call, answer: Literal["sent", "lost"], duration_ms: float) -> None:
        """Record what became of a call's answer."""
        with self._changed:
            index = call.number - self._last_number - 1
            if -len(self._calls) <= index < 0 and self._calls[index] is call:  # not cleared in the meantime
                self._calls[index] = replace(call, answer=answer, duration_ms=duration_ms)

    def calls(self, after: int = 0) -> list[Call]:
        """Give the calls whose number is greater than `after`."""
        with self._changed:
            return [call for call in self._calls if call.number > after]

    def wait_for(self, number: int, timeout_seconds: float) -> bool:
        """Wait until there has been a call with this number."""
        with self._changed:
            return self._changed.wait_for(lambda: self._last_number >= number, timeout_seconds)

    def clear(self) -> None:
        """Forget all calls and number from 1 again."""
        with self._changed:
            self._calls.clear()
            self._last_number = 0
