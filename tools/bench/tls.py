"""A run over TLS: what reading the file of trusted authorities for each connection costs, and what once for all does.

Method: a local Lightsail, and before it a server that speaks TLS, each in a process of its own, with a certificate of
an authority made for this. A process plans (`lightkeeper.inventory.plan_regions`) over REGIONS, in which there is
nothing, so that nearly all it does is connecting: once unmeasured, then once measured, each time with new clients, as
in the function. It trusts what botocore trusts by default, and that authority. Processes with a context for each
client, as boto3 has it, and with one for all take turns, RUNS of each. Medians; *CPU* is that of the process alone, and
*reads* are those of the file.
"""

import json
import resource
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from botocore.httpsession import get_cert_path

from lightkeeper.inventory import plan_regions
from lightkeeper.lightsail import connect
from lightkeeper.settings import Settings
from lightsail_sandbox.client import running_sandbox
from tests.support.tls import Authority, make_authority

RUNS = 11
REGIONS = (
    *("us-east-1", "us-east-2", "us-west-2", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2"),
    *("eu-west-3", "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    *("ap-southeast-3", "ap-southeast-5"),
)
_EACH = "each"


def main() -> None:
    """Print the numbers."""
    print(__doc__)
    with tempfile.TemporaryDirectory() as folder, running_sandbox() as sandbox:
        authority = make_authority(Path(folder) / "authority")
        trusted = Path(folder) / "trusted.pem"
        trusted.write_bytes(Path(str(get_cert_path(verify=True))).read_bytes() + authority.certificate.read_bytes())
        now = sandbox.now().isoformat()
        with _tls_server(authority, sandbox.url) as url:
            environment = sandbox.environment(REGIONS[0]) | {"AWS_CA_BUNDLE": str(trusted)}
            measured: dict[str, list[dict[str, float]]] = {_EACH: [], "one": []}
            for _ in range(RUNS):
                for way, found in measured.items():
                    found.append(_in_a_process(way, url, now, environment))
    print(f"{'':24}{'CPU':>10}{'wall':>10}{'reads':>8}{'peak':>10}")
    for way, name in ((_EACH, "a context for each"), ("one", "one for all")):
        cpu, wall, reads, peak = (median(run[key] for run in measured[way]) for key in ("cpu", "wall", "reads", "peak"))
        print(f"{name:24}{cpu:8.2f} s{wall:8.2f} s{reads:8.0f}{peak:6.0f} MiB")
    each, one = (median(run["cpu"] for run in measured[way]) for way in (_EACH, "one"))
    print(f"one for all takes {one / each:.0%} of the CPU")


def measure(way: str, url: str, now: datetime) -> dict[str, float]:
    """Return what a plan over all Regions takes, in this process."""
    real, reads = ssl.SSLContext.load_verify_locations, 0

    def counted(context: ssl.SSLContext, *files: Any) -> None:  # noqa: ANN401 - passed through
        nonlocal reads
        reads += 1
        real(context, *files)

    with ExitStack() as stack:
        stack.enter_context(patch.object(ssl.SSLContext, "load_verify_locations", counted))
        if way == _EACH:
            stack.enter_context(patch("lightkeeper.lightsail.share_context"))
        _plan(url, now)
        reads = 0
        cpu, wall = time.process_time(), time.perf_counter()
        _plan(url, now)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu": cpu, "wall": wall, "reads": reads, "peak": peak}


def _plan(url: str, now: datetime) -> None:
    with ExitStack() as stack:
        regions = connect(REGIONS, max_concurrency=8, endpoint_url=url)
        for region in regions.values():
            stack.callback(region.close)
        plan = plan_regions(regions, Settings(), now)
    if plan.failures:
        sys.exit(plan.failures[0].message)


def _in_a_process(way: str, url: str, now: str, environment: dict[str, str]) -> dict[str, float]:
    command = [sys.executable, "-m", "tools.bench.tls", way, url, now]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)  # noqa: S603 - ourselves
    found: dict[str, float] = json.loads(done.stdout)
    return found


@contextmanager
def _tls_server(authority: Authority, url: str) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.support.tls", str(authority.folder), url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ourselves
        try:
            yield (process.stdout.readline() if process.stdout else "").strip()
        finally:
            process.terminate()


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(measure(sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3]))))
    else:
        main()
