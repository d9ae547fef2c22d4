"""A wire that can be cut: after that no call of this process leaves it any more, as if the process had died."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from botocore.httpsession import URLLib3Session


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
