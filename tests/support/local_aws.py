"""A local AWS with the CDK's command line beside it, both of their own for the length of a test."""

import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID

from tests.support.tls import Authority, make_authority

ROOT = Path(__file__).parents[2]
MINISTACK = ROOT / ".aws-local" / "bin" / "ministack"
CDK = ROOT / "node_modules" / ".bin" / "cdk"
# The account of the sandbox: a policy of the one names resources of the other.
ACCOUNT, REGION = DEFAULT_ACCOUNT_ID, "eu-central-1"
_PATIENCE_SECONDS = 20
# It forgets old sessions when a function starts, and fails where another one has just begun: then it ends all processes
# of that function, those too that are still starting, and the same happens to them. No session here grows old.
_WITH_ALL_SESSIONS = (
    "from ministack.services import sts; sts._evict_expired_sessions = lambda: None\n"
    "from ministack.app import main; main()"
)


@dataclass(frozen=True)
class LocalAws:
    """A running local AWS."""

    port: int
    folder: Path
    authority: Authority | None = None
    """Who has signed its certificate; None: it speaks plain HTTP, and everybody may do everything."""
    session: boto3.Session = field(default_factory=boto3.Session, repr=False)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{'https' if self.authority else 'http'}://127.0.0.1:{self.port}"

    @property
    def credentials(self) -> dict[str, str]:
        """What a process needs to take it for AWS."""
        return {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            **_trust(self.authority),
        }

    def client(self, service: str, account: str = ACCOUNT) -> Any:  # noqa: ANN401 - a client of any service
        """Return a client of a service, as the root user of an account."""
        return self.session.client(  # type: ignore[call-overload] # any service
            service,
            endpoint_url=self.url,
            region_name=REGION,
            verify=str(self.authority.certificate) if self.authority else None,
            aws_access_key_id=account,
            aws_secret_access_key="test",  # noqa: S106 - that of every root user of a local AWS
        )

    @property
    def assembly(self) -> Path:
        """Where the synthesized stack lies."""
        return self.folder / "cdk.out"

    def cdk(self, *arguments: str, app: str | None = None, sandbox_url: str = "", ends_with: int = 0) -> str:
        """Run the CDK's command line against it, with an app or with what one has synthesized; return what it said."""
        # A home of its own: nothing of the user's is read or written, and nobody is asked for news.
        quiet = {"HOME": str(self.folder), "CDK_DISABLE_VERSION_CHECK": "1", "CDK_DISABLE_CLI_TELEMETRY": "true"}
        command = [str(CDK), *arguments, "--no-notices", "--ci", "--app", app or str(self.assembly)]
        command += ["--output", str(self.assembly)] if app else []
        done = subprocess.run(  # noqa: S603 - our own arguments
            command,
            cwd=ROOT,
            env=_bare() | self.credentials | quiet | {"SANDBOX_URL": sandbox_url},
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == ends_with, done.stdout
        return done.stdout


def wait_until(condition: Callable[[], object], what: str, seconds: float) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} seconds: {what}"
        time.sleep(0.25)


@contextmanager
def running_local_aws(folder: Path) -> Iterator[LocalAws]:
    """Start a local AWS on a free loopback port; end it, and every function it runs, when the block ends."""
    with _running(folder, None) as aws:
        yield aws


@contextmanager
def running_strict_aws(folder: Path) -> Iterator[LocalAws]:
    """Start a local AWS that enforces IAM, and so all that is TLS only: it speaks TLS. Else as `running_local_aws`.

    An access key of 12 digits is the root user of that account. Each role's session has keys of its own.
    """
    with _running(folder, make_authority(folder / "authority")) as aws:
        yield aws


@contextmanager
def _running(folder: Path, authority: Authority | None) -> Iterator[LocalAws]:
    strict = {"AUTH": "true", "USE_SSL": "1", **_served(authority), **_trust(authority)} if authority else {}
    command = [str(MINISTACK.with_name("python")), "-c", _WITH_ALL_SESSIONS] if authority else [str(MINISTACK)]
    with _held_port() as port, (folder / "local-aws.log").open("w") as log:
        aws = LocalAws(port, folder, authority)
        environment = {
            **_bare(),
            **strict,
            # Functions run in the first Python on the path: it has boto3, as Lambda has, and nothing of this project.
            "PATH": f"{MINISTACK.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "S3_DATA_DIR": str(folder / "s3"),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.1",
        }
        process = subprocess.Popen(  # noqa: S603 - our own arguments
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            wait_until(lambda: process.poll() is not None or _answers(aws), "a local AWS that answers", 60)
            assert process.poll() is None, (folder / "local-aws.log").read_text(encoding="utf-8")
            yield aws
        finally:
            # Its functions are processes of its session.
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                # It waits for the functions that it still runs, and they for its answers.
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(timeout=_PATIENCE_SECONDS)
            wait_until(lambda: not _group_lives(process.pid), "the end of all that the local AWS has started", 60)


def _bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST_", "COV_"))}


@contextmanager
def _held_port() -> Iterator[int]:
    """Hold a free port for a server to come: while it is bound here, too, no other connection is given it."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        port: int = holder.getsockname()[1]
        yield port


def _served(authority: Authority) -> dict[str, str]:
    return {"MINISTACK_SSL_CERT": str(authority.server), "MINISTACK_SSL_KEY": str(authority.server)}


def _trust(authority: Authority | None) -> dict[str, str]:
    """Return what Python and Node need to trust an authority."""
    if authority is None:
        return {}
    return {"AWS_CA_BUNDLE": str(authority.certificate), "NODE_EXTRA_CA_CERTS": str(authority.certificate)}


def _answers(aws: LocalAws) -> bool:
    connection = (
        HTTPSConnection(
            "127.0.0.1",
            aws.port,
            timeout=5,
            context=ssl.create_default_context(cafile=str(aws.authority.certificate)),
        )
        if aws.authority
        else HTTPConnection("127.0.0.1", aws.port, timeout=5)
    )
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
