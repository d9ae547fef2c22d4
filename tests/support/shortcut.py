"""The sandbox in this process, called without a socket. Other processes reach the same one over HTTP."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from threading import Thread
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session
from botocore.useragent import UserAgentString
from werkzeug.test import run_wsgi_app

from lightsail_sandbox.app import SandboxApp
from lightsail_sandbox.client import Sandbox, ask_over_http
from lightsail_sandbox.options import Options
from lightsail_sandbox.server import make_sandbox_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from botocore.compat import HTTPHeaders

_Send = Callable[[URLLib3Session, AWSPreparedRequest], AWSResponse]


class _Body(BytesIO):
    """An answer's body, as botocore reads it."""

    def stream(self) -> Iterator[bytes]:
        """Give all there is."""
        yield self.read()


@dataclass
class Shortcut:
    """Calls the sandbox's application itself, unless it is closed: then all goes over HTTP, with its time-outs."""

    app: SandboxApp
    url: str
    is_open: bool = True

    def ask(self, url: str, method: str, path: str, body: bytes, patience_seconds: float) -> tuple[int, bytes]:
        """Make a request to the control interface."""
        if not self.is_open:
            return ask_over_http(url, method, path, body, patience_seconds)
        environ = self._environ(method, path, body)
        chunks, status, _ = run_wsgi_app(self.app, environ, buffered=True)
        return int(status.split()[0]), b"".join(chunks)

    def send(self, real: _Send, session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        """Make a call to the AWS interface, where it is for the sandbox."""
        if not self.is_open or not request.url.startswith(f"{self.url}/"):
            return real(session, request)
        body = request.body.encode() if isinstance(request.body, str) else cast("bytes", request.body or b"")
        environ = self._environ(request.method, request.url.removeprefix(self.url), body)
        for name, value in request.headers.items():
            raw = cast("str | bytes", value)  # what is signed is bytes, whatever the stubs say
            text = raw.decode() if isinstance(raw, bytes) else raw
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = text
        environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
        try:
            chunks, status, headers = run_wsgi_app(self.app, environ, buffered=True)
        except ConnectionAbortedError as error:
            raise ConnectionClosedError(error=error, request=request, endpoint_url=request.url) from error
        answer = _Body(b"".join(chunks))
        return AWSResponse(
            request.url, int(status.split()[0]), cast("HTTPHeaders", HeadersDict(headers.items())), answer
        )

    def _environ(self, method: str, target: str, body: bytes) -> "WSGIEnvironment":
        address = urlsplit(target)
        return {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": address.path,
            "QUERY_STRING": address.query,
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": self.url.rpartition(":")[2],
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": self.url.removeprefix("http://"),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }


@contextmanager
def sandbox_in_this_process() -> Iterator[tuple[Sandbox, Shortcut]]:
    """Start a sandbox on a free loopback port, with a shortcut to it for this process; end both with the block."""
    app = SandboxApp(Options())
    server = make_sandbox_server(app, "127.0.0.1", 0, verbose=False)
    thread = Thread(target=server.serve_forever)
    thread.start()
    shortcut, real = Shortcut(app, f"http://127.0.0.1:{server.port}"), URLLib3Session.send

    def send(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        return shortcut.send(real, session, request)

    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(URLLib3Session, "send", send)
            # botocore composes it twice for each call, a tenth of what a call costs. Nobody reads it.
            patch.setattr(UserAgentString, "to_string", lambda _: "shortcut")
            yield Sandbox(shortcut.url, shortcut.ask), shortcut
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
