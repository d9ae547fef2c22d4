"""A local AWS with the CDK's command line beside it, both of their own for the length of a test."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from moto.core.models import DEFAULT_ACCOUNT_ID

ROOT = Path(__file__).parents[2]
MINISTACK = ROOT / ".aws-local" / "bin" / "ministack"
CDK = ROOT / "node_modules" / ".bin" / "cdk"
# The account of the sandbox: a policy of the one names resources of the other.
ACCOUNT, REGION = DEFAULT_ACCOUNT_ID, "eu-central-1"


@dataclass(frozen=True)
class LocalAws:
    """A running local AWS."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def credentials(self) -> dict[str, str]:
        """What a process needs to take it for AWS."""
        return {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
        }

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
    with _held_port() as port, (folder / "local-aws.log").open("w") as log:
        environment = _bare() | {
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
            [str(MINISTACK)], cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            wait_until(lambda: process.poll() is not None or _answers(port), "a local AWS that answers", 60)
            assert process.poll() is None, (folder / "local-aws.log").read_text(encoding="utf-8")
            yield LocalAws(port, folder)
        finally:
            # Its functions are processes of its session.
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=60)
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


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
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
