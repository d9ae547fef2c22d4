"""What a hub account has of AWS beside Lightsail, over HTTP: an STS that knows who may assume what, and moto's S3."""

import re
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Request, Response

from lightsail_sandbox.accounts import DEFAULT_ACCOUNT
from lightsail_sandbox.server import make_sandbox_server
from tests.support.witness import Session

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from mypy_boto3_s3 import S3Client

ROLE: Final = "Lightkeeper-member"
"""The role that each account has for the hub."""
_ROLE_ARN: Final = re.compile(r"arn:aws:iam::(?P<account>\d{12}):role/(?P<name>.+)")


@dataclass
class LocalHub:
    """The WSGI application. A key that STS has given out tells by itself whose it is."""

    trusts: dict[str, str] = field(default_factory=dict)
    """Accounts that have the role, with the external id that its trust asks for."""
    broken: dict[str, str] = field(default_factory=dict)
    """Accounts whose role STS does not give out at the moment, with the error that it answers instead."""
    sessions: list[Session] = field(default_factory=list)
    """Those given out, in order."""

    bucket: str = ""
    """Where the results go."""
    s3: "S3Client | None" = None

    def __post_init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._lock = Lock()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        body = Request(environ).get_data()
        environ["wsgi.input"] = BytesIO(body)  # moto reads it again
        asked = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
        match asked.get("Action"):
            case "AssumeRole":
                return self._assume(asked)(environ, start_response)
            case "GetAccessKeyInfo":
                account = f"<Account>{asked['AccessKeyId'].removeprefix('ASIA')[:12]}</Account>"
                return _answer("GetAccessKeyInfo", account)(environ, start_response)
            case _:
                answered: Iterable[bytes] = self._moto(environ, start_response)
                return answered

    def get(self, key: str) -> bytes:
        """Return a document in the bucket."""
        assert self.s3, "the hub does not run"
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def _assume(self, asked: dict[str, str]) -> Response:
        role = _ROLE_ARN.fullmatch(asked["RoleArn"])
        assert role, f"AWS refuses the ARN of a role that is {asked['RoleArn']}"
        account = role["account"]
        if code := self.broken.get(account):
            return _refusal(code, "Scripted by the hub.", 503 if code == "ServiceUnavailable" else 400)
        if role["name"] != ROLE or self.trusts.get(account) != asked.get("ExternalId"):
            who = f"arn:aws:sts::{DEFAULT_ACCOUNT}:assumed-role/Lightkeeper-hub/run"
            why = f"User: {who} is not authorized to perform: sts:AssumeRole on resource: {asked['RoleArn']}"
            return _refusal("AccessDenied", why, 403)
        with self._lock:
            session = Session(account=account, access_key_id=f"ASIA{account}{len(self.sessions):06}")
            self.sessions.append(session)
        keys = {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": "secret",
            "SessionToken": "token",
            "Expiration": "2100-01-01T00:00:00Z",
        }
        written = "".join(f"<{name}>{value}</{name}>" for name, value in keys.items())
        return _answer("AssumeRole", f"<Credentials>{written}</Credentials>")


def _answer(action: str, result: str) -> Response:
    written = f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"
    return Response(written, mimetype="text/xml")


def _refusal(code: str, message: str, status: int) -> Response:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return Response(f"<ErrorResponse>{error}</ErrorResponse>", status=status, mimetype="text/xml")


@contextmanager
def running_hub() -> Iterator[tuple[LocalHub, str]]:
    """Start one on a free loopback port, and give it with its address; end it with the block."""
    app = LocalHub()
    server = make_sandbox_server(app, "127.0.0.1", 0, verbose=False)
    thread = Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.port}"
    try:
        # moto remembers what was there before: hence a name of its own.
        app.bucket = f"results-{server.port}"
        with closing(boto3.client("s3", "us-east-1", endpoint_url=url)) as app.s3:
            app.s3.create_bucket(Bucket=app.bucket)
            yield app, url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
