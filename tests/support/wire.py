"""A wire that can be cut: after that no call of this process leaves it any more, as if the process had died."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.httpsession import URLLib3Session


class Died(BaseException):
    """The process is gone."""


@dataclass
class Wire:
    """Counts the calls that leave this process, and dies at one of them."""

    calls: int = 0
    _dies_at: int = 0
    _when: Literal["before", "after"] = "before"
    _operation: str | None = None
    _is_dead: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def cut(self, at: int, when: Literal["before", "after"], operation: str | None = None) -> Iterator[None]:
        """Die before the call with this number leaves, or after it took effect; the block ends where that is felt.

        Where an operation is named, only its calls are counted.
        """
        self.calls, self._dies_at, self._when, self._operation = 0, at, when, operation
        try:
            yield
        except Died:
            pass
        finally:
            self._dies_at, self._is_dead, self._operation = 0, False, None

    def send(self, real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed through
        """Send a request, or die."""
        with self._lock:
            if self._is_dead:
                raise Died
            counts = self._operation is None or _operation_of(args[-1]) == self._operation
            self.calls += counts
            is_last = counts and self.calls == self._dies_at
            if is_last:
                self._is_dead = True
        if is_last and self._when == "before":
            raise Died
        answer = real(*args, **kwargs)
        if is_last:
            raise Died
        return answer


def _operation_of(request: AWSPreparedRequest) -> str:
    # What is signed is bytes, whatever the stubs say.
    target = cast("str | bytes", request.headers.get("X-Amz-Target", ""))
    return (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]


def lay(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Put a wire between botocore and the network."""
    wire, real = Wire(), URLLib3Session.send

    def send(session: URLLib3Session, request: object) -> object:
        return wire.send(real, session, request)

    monkeypatch.setattr(URLLib3Session, "send", send)
    return wire
