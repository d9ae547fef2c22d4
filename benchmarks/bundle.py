"""The function's zip: size, import time and memory, beside those of boto3 alone.

Method: the zip is made, unpacked, and run by a Python that has the standard library, boto3 and what boto3 needs, as
Lambda's runtime has. Each run is a process of its own and writes no byte code, as in Lambda, where the folder is
read-only: our code is compiled anew each time, boto3 is not. Ours imports the handler and makes a client; the other
imports boto3 and makes a client. Medians of the seconds inside the process; *peak* is the most memory it
has held, as Linux says.
"""

import json
import sys
import tempfile
import zipfile
from pathlib import Path
from statistics import median

from infra.bundling import write_zip
from tests.infra.interpreter import LIKE_LAMBDA, run_like_lambda

RUNS = 11
_MEASURE = r"""
import json, re, sys, time
from pathlib import Path
sys.dont_write_bytecode = True
start = time.perf_counter()
{code}
seconds = time.perf_counter() - start
peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]
print(json.dumps([seconds, int(peak) / 1024]))
"""
_BARE = """
import boto3
boto3.client("lightsail")
"""
_OURS = """
from lightkeeper import handler
handler.connections((), 8)
"""
_ENVIRONMENT = {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1"}


def main() -> None:
    """Measure and print."""
    if not LIKE_LAMBDA.exists():
        sys.exit(f"There is no {LIKE_LAMBDA}; `make bench` brings it.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lightkeeper.zip"
        write_zip(path)
        task = Path(folder) / "task"
        with zipfile.ZipFile(path) as archive:
            archive.extractall(task)
        print(__doc__)
        print(f"zip: {path.stat().st_size:,} bytes, {len(list(task.rglob('*.py'))):,} Python files\n")
        print(f"{'':24}{'median':>10}{'fastest':>10}{'peak':>10}")
        for name, code in (("boto3 and a client", _BARE), ("Lightkeeper", _OURS)):
            measured = [_measure(code, task) for _ in range(RUNS)]
            seconds = [each[0] for each in measured]
            peak = median(each[1] for each in measured)
            print(f"{name:24}{median(seconds):8.2f} s{min(seconds):8.2f} s{peak:6.0f} MiB")


def _measure(code: str, task: Path) -> tuple[float, float]:
    done = run_like_lambda(_MEASURE.format(code=code), task, _ENVIRONMENT)
    if done.returncode:
        sys.exit(done.stderr)
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak


if __name__ == "__main__":
    main()
