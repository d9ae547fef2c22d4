"""`python -m lightsail_sandbox`: a local Lightsail that any client can talk to."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence

from werkzeug.serving import BaseWSGIServer

from lightsail_sandbox.app import SandboxApp
from lightsail_sandbox.options import Options
from lightsail_sandbox.server import make_sandbox_server

_PORT = 5055
_LAST_PORT = 65_535
_UNAVAILABLE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    asked = _parse(arguments)
    try:
        defaults = Options(
            page_size=asked.page_size,
            snapshot_seconds=asked.snapshot_duration,
            copy_seconds=asked.copy_duration,
            automatic_snapshot_seconds=asked.automatic_snapshot_duration,
            automatic_snapshot_delay_seconds=asked.automatic_snapshot_delay,
            boot_seconds=asked.boot_duration,
            health_seconds=asked.health_duration,
            stop_seconds=asked.stop_duration,
            disk_seconds=asked.disk_duration,
            database_seconds=asked.database_duration,
            vcpu_quota=asked.vcpu_quota,
            sts_url=asked.sts_url,
            latency_seconds=asked.latency,
        )
        server = make_sandbox_server(SandboxApp(defaults), asked.host, asked.port, verbose=asked.verbose)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return _UNAVAILABLE
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0]  # Python appends the address once more
        sys.stderr.write(f"Cannot listen on {asked.host}:{asked.port}: {reason}. Choose another with --port.\n")
        return _UNAVAILABLE
    try:
        for ending in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ending, signal.default_int_handler)
        _serve(server, host=asked.host, until_stdin_closes=asked.until_stdin_closes)
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
    return 0


def _serve(server: BaseWSGIServer, *, host: str, until_stdin_closes: bool) -> None:
    if until_stdin_closes:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    url = f"http://{host}:{server.port}"
    sys.stdout.write(
        f"Lightsail is at {url} (Ctrl-C ends it); try: "
        f"aws lightsail get-disks --endpoint-url {url} --region eu-central-1\n"
    )
    sys.stdout.flush()
    server.serve_forever()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    defaults = Options()
    parser = argparse.ArgumentParser(prog="python -m lightsail_sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=_port, default=_PORT, help="the port to listen on, 0 for any free one (%(default)s)"
    )
    parser.add_argument("--page-size", type=int, default=defaults.page_size, help="entries per page (%(default)s)")
    parser.add_argument(
        "--snapshot-duration",
        type=float,
        default=defaults.snapshot_seconds,
        metavar="SECONDS",
        help="how long a new snapshot stays pending (%(default)s)",
    )
    parser.add_argument(
        "--automatic-snapshot-duration",
        type=float,
        default=defaults.automatic_snapshot_seconds,
        metavar="SECONDS",
        help="how long a daily automatic snapshot runs (%(default)s)",
    )
    parser.add_argument(
        "--automatic-snapshot-delay",
        type=float,
        default=defaults.automatic_snapshot_delay_seconds,
        metavar="SECONDS",
        help="how long after its hour a daily automatic snapshot begins (%(default)s)",
    )
    for name, default, what in (
        ("copy", defaults.copy_seconds, "a copy of a snapshot is pending"),
        ("boot", defaults.boot_seconds, "a restored or started instance is pending"),
        ("health", defaults.health_seconds, "the checks of a running instance then go on"),
        ("stop", defaults.stop_seconds, "an instance is stopping"),
        ("disk", defaults.disk_seconds, "a restored disk is pending"),
        ("database", defaults.database_seconds, "a restored database is being created"),
    ):
        parser.add_argument(
            f"--{name}-duration",
            type=float,
            default=default,
            metavar="SECONDS",
            help=f"how long {what} (%(default)s)",
        )
    parser.add_argument("--vcpu-quota", type=int, help="vCPUs that the instances of a Region may have (any number)")
    parser.add_argument("--sts-url", metavar="URL", help="an STS that knows the accounts of roles' sessions")
    parser.add_argument(
        "--latency",
        type=float,
        default=defaults.latency_seconds,
        metavar="SECONDS",
        help="how long each answer is on its way (%(default)s)",
    )
    parser.add_argument("--verbose", action="store_true", help="log each request")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the process that started this one")
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: expected a number from 0 to {_LAST_PORT}")
    return int(text)


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 1024):  # not through sys.stdin, whose lock must be free when Python ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
