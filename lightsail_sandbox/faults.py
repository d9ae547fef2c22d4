"""Scripted faults: which calls go wrong, and how.

A `FaultRule` says which calls it is about and what becomes of them. Each rule counts the calls it is
about for itself, from 1.
"""

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from lightsail_sandbox.backend.life import InstanceEnd
from lightsail_sandbox.calls import Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorAnswer:
    """The call is refused with this error and has no effect."""

    code: str
    message: str = "Scripted by the sandbox."


@dataclass(frozen=True, slots=True)
class LoseAnswer:
    """The call takes effect, then the connection closes without an answer, as on a broken network."""


@dataclass(frozen=True, slots=True)
class HoldAnswer:
    """The call takes effect, then its answer waits until the faults are cleared: time to kill a client right there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldCall:
    """The call waits before it takes effect, so that something can happen first: then it goes on as if it came now.

    Parameters
    ----------
    seconds
        How long it waits at most, in real time. None: until it is released, or the faults are cleared.
    """

    seconds: float | None = None

    def __post_init__(self) -> None:
        _check_seconds(self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang:
    """The call waits, then the connection closes without an answer: it never takes effect.

    Parameters
    ----------
    seconds
        How long it waits at most, in real time. None: until it is released, or the faults are cleared.
    """

    seconds: float | None = None

    def __post_init__(self) -> None:
        _check_seconds(self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meanwhile:
    """Right before the call takes effect, another client makes another one in the same Region.

    That call meets no fault and no role, and is on record like any other: look there whether it was carried out.

    Parameters
    ----------
    operation
        The name in AWS's model, such as ``TagResource``.
    parameters
        What is asked for, in AWS's words.
    access_key_id
        Who asks.
    """

    operation: str
    parameters: Mapping[str, Any]
    access_key_id: str = "somebody"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortList:
    """A page of a list is answered as if there were only so many entries, the oldest ones.

    Parameters
    ----------
    entries
        How many. The list then ends there, whatever the page size.
    """

    entries: int = 0

    def __post_init__(self) -> None:
        if self.entries < 0:
            raise ValueError(f"A list cannot be cut to {self.entries} entries; use 0 or more.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FailOperation:
    """A write is answered normally (200), but its operations are ``Failed`` and it has no effect."""

    code: str = "InternalFailure"
    details: str = "Scripted by the sandbox."


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSnapshots:
    """A snapshot created by the call ends as ``error`` or ``unknown``, or stays ``pending`` for ever.

    A snapshot of a database says ``failed`` and ``creating`` instead; a database in a single zone goes on being backed
    up for as long as it does.
    """

    state: Literal["error", "pending", "unknown"]

    def __post_init__(self) -> None:
        if self.state not in ("error", "pending", "unknown"):
            raise ValueError(f"A snapshot cannot be made to end as {self.state!r}; expected error, pending or unknown.")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndInstances:
    """An instance restored by the call does not come to life.

    Parameters
    ----------
    state
        ``pending``: it never runs. ``error``: its making fails. ``initializing``: it runs, and Lightsail's checks of it
        never end. ``impaired``: it runs, and the checks fail.
    """

    state: InstanceEnd

    def __post_init__(self) -> None:
        if self.state not in get_args(InstanceEnd):
            raise ValueError(
                f"An instance cannot be made to end as {self.state!r}; expected {', '.join(get_args(InstanceEnd))}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """Calls that come too fast, in real time, are refused with ``ThrottlingException``.

    Parameters
    ----------
    per_second
        How many calls go through in a second.
    burst
        How many a bucket holds that is full at first and refilled at that rate: each call takes one out. That is how
        AWS documents the throttling of its interfaces. None: no more than `per_second` in any second.
    """

    per_second: int
    burst: int | None = None


Effect = (
    ErrorAnswer
    | LoseAnswer
    | HoldAnswer
    | HoldCall
    | Hang
    | Meanwhile
    | ShortList
    | FailOperation
    | EndSnapshots
    | EndInstances
    | Throttle
)

_EFFECTS: Mapping[str, type[Effect]] = {
    "error": ErrorAnswer,
    "lose_answer": LoseAnswer,
    "hold_answer": HoldAnswer,
    "hold_call": HoldCall,
    "hang": Hang,
    "meanwhile": Meanwhile,
    "short_list": ShortList,
    "operation_failed": FailOperation,
    "snapshot_ends": EndSnapshots,
    "instance_ends": EndInstances,
    "throttle": Throttle,
}
_EFFECT_NAMES: Mapping[type[Effect], str] = {effect: name for name, effect in _EFFECTS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """Which calls go wrong, and how.

    Parameters
    ----------
    effect
        What becomes of the calls.
    operation
        The name in AWS's model, such as ``CreateDiskSnapshot``. None: every operation.
    region
        Only calls to this Region. None: every Region.
    account
        Only calls in this account. None: every account.
    resource
        Only calls that name this resource, as source, snapshot or anything else. None: every call.
    calls
        Only these of the calls the rule is about: ``(1, 3)`` is the first and the third. None: see `first` and `last`.
    first, last
        Only the calls from `first` to `last`, both included. A `last` of None: no end.
    """

    effect: Effect
    operation: str | None = None
    region: str | None = None
    account: str | None = None
    resource: str | None = None
    calls: tuple[int, ...] | None = None
    first: int = 1
    last: int | None = None

    def is_about(self, operation: str, region: str, account: str, names: frozenset[str]) -> bool:
        """Say whether a call counts for this rule."""
        return (
            self.operation in (None, operation)
            and self.region in (None, region)
            and self.account in (None, account)
            and (self.resource is None or self.resource in names)
        )

    def strikes(self, count: int) -> bool:
        """Say whether the rule has its effect on the call with this count."""
        if self.calls is not None:
            return count in self.calls
        return self.first <= count and (self.last is None or count <= self.last)

    def to_json(self) -> dict[str, Any]:
        """Write the rule as the control interface has it."""
        effect = {"type": _EFFECT_NAMES[type(self.effect)], **asdict(self.effect)}
        calls = list(self.calls) if self.calls is not None else {"from": self.first, "to": self.last}
        return {
            "operation": self.operation,
            "region": self.region,
            "account": self.account,
            "resource": self.resource,
            "calls": calls,
            "effect": effect,
        }

    @classmethod
    def from_json(cls, rule: Mapping[str, Any]) -> "FaultRule":
        """Read a rule as the control interface has it."""
        unknown = sorted(set(rule) - {"operation", "region", "account", "resource", "calls", "effect"})
        if unknown:
            raise ValueError(
                f"A fault rule has no {unknown[0]!r}; it has operation, region, account, resource, calls and effect."
            )
        count = _count_from_json(rule.get("calls"))
        return cls(
            effect=_effect_from_json(rule.get("effect")),
            operation=rule.get("operation"),
            region=rule.get("region"),
            account=rule.get("account"),
            resource=rule.get("resource"),
            **count,
        )


def _check_seconds(seconds: float | None) -> None:
    if seconds is not None and seconds < 0:
        raise ValueError(f"A call cannot wait for {seconds} seconds; use 0 or more, or None for no end.")


def _effect_from_json(effect: Any) -> Effect:  # noqa: ANN401 - JSON, checked here
    if not isinstance(effect, dict) or effect.get("type") not in _EFFECTS:
        raise ValueError(f"The effect is {effect!r}; expected an object whose `type` is one of {', '.join(_EFFECTS)}.")
    values = {name: value for name, value in effect.items() if name != "type"}
    try:
        return _EFFECTS[effect["type"]](**values)
    except TypeError as error:
        raise ValueError(f"The effect {effect['type']!r} cannot be read: {error}.") from error


def _count_from_json(calls: object) -> dict[str, Any]:
    match calls:
        case None:
            return {}
        case list():
            return {"calls": tuple(calls)}
        case dict() if set(calls) <= {"from", "to"}:
            return {"first": calls.get("from") or 1, "last": calls.get("to")}
        case _:
            raise ValueError(f'`calls` is {calls!r}; expected null, a list such as [1, 3] or {{"from": 2, "to": 5}}.')


@dataclass(slots=True)
class _Counted:
    rule: FaultRule
    count: int = 0
    recent: deque[float] = field(default_factory=deque)
    bucket: tuple[float, float] | None = None
    """When it was last looked into, and what it held then."""

    def effect(self, now: float) -> Effect | None:
        self.count += 1
        if not self.rule.strikes(self.count):
            return None
        if isinstance(self.rule.effect, Throttle) and not self._is_throttled(self.rule.effect, now):
            return None
        return self.rule.effect

    def _is_throttled(self, throttle: Throttle, now: float) -> bool:
        if throttle.burst is not None:
            return self._is_empty(throttle.per_second, throttle.burst, now)
        while self.recent and self.recent[0] <= now - 1:
            self.recent.popleft()
        if len(self.recent) >= throttle.per_second:
            return True
        self.recent.append(now)
        return False

    def _is_empty(self, per_second: int, burst: int, now: float) -> bool:
        held = burst if self.bucket is None else min(burst, self.bucket[1] + (now - self.bucket[0]) * per_second)
        is_empty = held < 1
        self.bucket = now, held if is_empty else held - 1
        return is_empty


class FaultScript:
    """The rules in force, and how often each has been met. The caller holds the sandbox's lock."""

    def __init__(self) -> None:
        self._counted: list[_Counted] = []
        self.waiting = Waiting()
        self.released = threading.Event()
        self.world = 0
        """Another one after each reset: what was held before must not take effect there."""

    @property
    def rules(self) -> tuple[FaultRule, ...]:
        """The rules in force, in the order they were added."""
        return tuple(counted.rule for counted in self._counted)

    def add(self, rules: Iterable[FaultRule]) -> None:
        """Put more rules in force."""
        self._counted.extend(_Counted(rule) for rule in rules)

    def release(self) -> None:
        """Let go of the calls and answers that are held; the rules stay in force."""
        self.waiting.clear()
        self.released.set()
        self.released = threading.Event()

    def clear(self) -> None:
        """Forget all rules and let go of the calls and answers they hold."""
        self._counted.clear()
        self.release()

    def reset(self) -> None:
        """Forget all rules; the calls they hold never take effect."""
        self.world += 1
        self.clear()

    def effects(
        self, operation: str, region: str, account: str, names: frozenset[str], now: float
    ) -> tuple[Effect, ...]:
        """Count a call and say what becomes of it, in the order of the rules; `now` is in seconds of real time."""
        about = [counted for counted in self._counted if counted.rule.is_about(operation, region, account, names)]
        return tuple(effect for effect in (counted.effect(now) for counted in about) if effect is not None)
