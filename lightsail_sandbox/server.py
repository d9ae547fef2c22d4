"""The HTTP server that real clients talk to."""

import socket
from contextlib import suppress
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.test import run_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class _Handler(MotoRequestHandler):
    """Keeps connections open, which werkzeug's own handler does not: a client pays once, not for each call."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer goes out at once, whatever the client has acknowledged
    wbufsize = -1

    def run_wsgi(self) -> None:
        """Answer one request, or close the connection where the application says that the answer is lost."""
        self.environ = environ = self.make_environ()
        environ["wsgi.input"] = BytesIO(self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0)))
        try:
            chunks, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        except ConnectionAbortedError:
            self.close_connection = True
            return
        body = b"".join(chunks)
        code = int(status.split()[0])
        self.send_response(code, HTTPStatus(code).phrase)
        for name, value in headers:
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def handle_expect_100(self) -> bool:
        """Say at once that the body may come: a client waits a second for that."""
        goes_on = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def finish(self) -> None:
        """Close the connection; a client that has died in the meantime is no error of the server."""
        with suppress(ConnectionError):
            super().finish()


class _QuietHandler(_Handler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing about a request that went well or not: the control interface tells the calls."""


def make_sandbox_server(app: "WSGIApplication", host: str, port: int, *, verbose: bool) -> BaseWSGIServer:
    """Make a server that is bound already; port 0 takes a free one.

    Raises
    ------
    OSError
        If the address cannot be had.
    """
    listener = socket.create_server((host, port))
    try:
        handler = _Handler if verbose else _QuietHandler
        return make_server(host, port, app, threaded=True, request_handler=handler, fd=listener.fileno())
    finally:
        listener.close()
