"""The functions' zips: size, import time and memory, beside those of boto3 alone.

Method: a zip is made, unpacked, and run by a Python that has the standard library, boto3 and what boto3 needs, as
Lambda's runtime has. Each run is a process of its own and writes no byte code, as in Lambda, where the folder is
read-only: our code is compiled each time, boto3 is not. Ours import their handler and make a client; the other
imports boto3 and makes a client. Medians of the seconds inside the process; *peak* is the most memory it
has held, as Linux says.
"""

import json
import sys
import tempfile
import zipfile
from pathlib import Path
from statistics import median

from infra.bundling import CALENDAR, KEEPER, Bundle, write_zip
from tests.support.interpreter import LIKE_LAMBDA, run_like_lambda

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
from lightkeeper import handler, logged_run
logged_run.connect((), max_concurrency=8)
"""
_CALENDAR = """
from recovery_calendar import handler
handler.connections(())
"""
_ENVIRONMENT = {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1"}


def main() -> None:
    """Measure and print."""
    if not LIKE_LAMBDA.exists():
        sys.exit(f"There is no {LIKE_LAMBDA}; `make bench` brings it.")
    print(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        tasks = {bundle.name: _unpacked(bundle, Path(folder)) for bundle in (KEEPER, CALENDAR)}
        print(f"\n{'':24}{'median':>10}{'fastest':>10}{'peak':>10}")
        for name, code, task in (
            ("boto3 and a client", _BARE, tasks[KEEPER.name]),
            ("Lightkeeper", _OURS, tasks[KEEPER.name]),
            ("the calendar", _CALENDAR, tasks[CALENDAR.name]),
        ):
            measured = [_measure(code, task) for _ in range(RUNS)]
            seconds = [each[0] for each in measured]
            peak = median(each[1] for each in measured)
            print(f"{name:24}{median(seconds):8.2f} s{min(seconds):8.2f} s{peak:6.0f} MiB")


def _unpacked(bundle: Bundle, folder: Path) -> Path:
    path = folder / bundle.name
    write_zip(path, bundle)
    task = folder / bundle.name.removesuffix(".zip") / "task"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(task)
    print(f"{bundle.name}: {path.stat().st_size:,} bytes, {len(list(task.rglob('*.py'))):,} Python files")
    return task


def _measure(code: str, task: Path) -> tuple[float, float]:
    done = run_like_lambda(_MEASURE.format(code=code), task, _ENVIRONMENT)
    if done.returncode:
        sys.exit(done.stderr)
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak


if __name__ == "__main__":
    main()
