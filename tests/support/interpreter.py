"""A Python that has what Lambda's runtime has, and nothing else: the standard library, boto3 and what boto3 needs."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

LIKE_LAMBDA = Path(__file__).parents[2] / ".aws-local" / "bin" / "python"
_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
_START = """
import sys
import zoneinfo
zoneinfo.reset_tzpath(())  # Amazon Linux has no time zone database
sys.path[:0] = [{task!r}, {runtime!r}]
"""


def run_like_lambda(code: str, task: Path, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run code with the task's files on the path, as Lambda has them; the project's and the environment's are not."""
    runtime = task.parent / "runtime"
    if not runtime.exists():
        runtime.mkdir()
        (packages,) = LIKE_LAMBDA.parents[1].glob("lib/python*/site-packages")
        for name in _RUNTIME:
            (runtime / name).symlink_to(packages / name)
    start = _START.format(task=str(task), runtime=str(runtime))
    command = [str(LIKE_LAMBDA), "-I", "-S", "-c", start + code]
    return subprocess.run(  # noqa: S603 - our own arguments
        command, cwd=task, env={**environment}, check=False, capture_output=True, text=True
    )
