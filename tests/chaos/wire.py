"""The wire between botocore and the network: it can be cut, as if the process had died, or tapped for a moment."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from botocore.httpsession import URLLib3Session

from tests.witness import CONSOLE


class Died(BaseException):
    """The process is gone."""


@dataclass
class Wire:
    """Counts the calls that leave this process, and dies at one of them."""

    calls: int = 0
    _dies_at: int = 0
    _when: Literal["before", "after"] = "before"
    _is_dead: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def cut(self, at: int, when: Literal["before", "after"]) -> Iterator[None]:
        """Die before the call with this number leaves, or after it took effect; the block ends where that is felt."""
        self.calls, self._dies_at, self._when = 0, at, when
        try:
            yield
        except Died:
            pass
        finally:
            self._dies_at, self._is_dead = 0, False

    def send(self, real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed through
        """Send a request, or die."""
        with self._lock:
            if self._is_dead:
                raise Died
            self.calls += 1
            is_last = self.calls == self._dies_at
            if is_last:
                self._is_dead = True
        if is_last and self._when == "before":
            raise Died
        answer = real(*args, **kwargs)
        if is_last:
            raise Died
        return answer


def lay(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Put a wire between botocore and the network."""
    wire, real = Wire(), URLLib3Session.send

    def send(session: URLLib3Session, request: object) -> object:
        return wire.send(real, session, request)

    monkeypatch.setattr(URLLib3Session, "send", send)
    return wire


@contextmanager
def meanwhile(operation: str, region: str, act: Callable[[], None]) -> Iterator[None]:
    """Let something happen while a run works: once, right before its first such call leaves."""
    real, lock, waiting = URLLib3Session.send, threading.Lock(), [act]

    def send(session: URLLib3Session, request: Any) -> object:  # noqa: ANN401 - botocore's own
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        signature = headers.get("authorization", "")
        is_awaited = headers.get("x-amz-target", "").endswith(f".{operation}") and f"/{region}/" in signature
        with lock:
            due = waiting.pop() if waiting and is_awaited and f"Credential={CONSOLE}/" not in signature else None
        if due:
            due()
        return real(session, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(URLLib3Session, "send", send)
        yield


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
