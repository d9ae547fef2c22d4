"""TLS before a local Lightsail: an authority of one's own, a server with its certificate, and a proxy on the way.

As a command, the server in a process of its own: ``python -m tests.support.tls FOLDER URL`` says where it listens.
"""

import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
_DAY = timedelta(days=1)
_SECONDS = 30


@dataclass(frozen=True)
class Authority:
    """Who signs the certificate of a server."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """The file of who trusts it."""
        return self.folder / "authority.pem"

    @property
    def server(self) -> Path:
        """The file of the server: its key and its certificate."""
        return self.folder / "server.pem"


def make_authority(folder: Path, *, address: str = HOST) -> Authority:
    """Make an authority, and by it a server's certificate for an address, in files of that folder."""
    folder.mkdir(exist_ok=True)
    authority = Authority(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"Authority of {folder.name}")
    root = _certificate(name, key, name, key).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    authority.certificate.write_bytes(root.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    server_key = ec.generate_private_key(ec.SECP256R1())
    of_server = _certificate(_name("Lightsail"), server_key, name, key).add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False
    )
    authority.server.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + of_server.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    return authority


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)  # noqa: TID251 - whoever checks a certificate reads the clock
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(issuer_id, critical=False)
    )


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that refuses this server's certificate."""


@contextmanager
def tls_before(url: str, authority: Authority) -> Iterator[str]:
    """Put a server with the authority's certificate before another one; yield its URL."""
    with _serving(_tls_server(url, authority)) as port:
        yield f"https://{HOST}:{port}"


def _tls_server(url: str, authority: Authority) -> ThreadingHTTPServer:
    target = urlsplit(url).netloc

    class Forward(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = _SECONDS
        disable_nagle_algorithm = True
        wbufsize = -1

        def handle(self) -> None:
            with closing(HTTPConnection(target, timeout=_SECONDS)) as self.behind:
                super().handle()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.behind.request("POST", self.path, body, dict(self.headers))
            answer = self.behind.getresponse()
            text = answer.read()
            self.send_response_only(answer.status)
            for header in ("Content-Type", "x-amzn-RequestId"):
                self.send_header(header, answer.headers.get(header, ""))
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    server = _Quiet((HOST, 0), Forward)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server)
    # The handshake is made by the connection's own thread, when it reads.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return server


@contextmanager
def proxy() -> Iterator[tuple[str, list[str]]]:
    """Run a proxy that makes tunnels; yield its URL, and the addresses it has made them to."""
    tunnels: list[str] = []

    class Tunnel(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            tunnels.append(self.path)
            host, _, port = self.path.partition(":")
            with socket.create_connection((host, int(port)), timeout=_SECONDS) as far:
                self.send_response_only(200)
                self.end_headers()
                back = Thread(target=_pump, args=(far, self.connection))
                back.start()
                _pump(self.connection, far)
                back.join()

        def log_message(self, *_: object) -> None:
            pass

    with _serving(_Quiet((HOST, 0), Tunnel)) as port:
        yield f"http://{HOST}:{port}", tunnels


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def _serving(server: ThreadingHTTPServer) -> Iterator[int]:
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if __name__ == "__main__":
    with _tls_server(sys.argv[2], Authority(Path(sys.argv[1]))) as server:
        print(f"https://{HOST}:{server.server_port}", flush=True)  # noqa: T201 - for who started it
        server.serve_forever()
