"""Planning for many sources: seconds and peak memory, and how they grow.

Method: each size runs in a process of its own. Its inventory comes page by page, in the shape botocore returns, and
goes through the real `lightkeeper.lightsail`, `inventory.read_region` and `plan.make_plan`. *read* includes making
the pages, *plan* is planning alone, *peak* is the process's maximum resident set with boto3 loaded.
"""

import json
import math
import resource
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

import boto3

from lightkeeper.inventory import read_region
from lightkeeper.lightsail import Lightsail
from lightkeeper.names import snapshot_name
from lightkeeper.plan import make_plan
from lightkeeper.settings import Settings
from lightkeeper.tags import OWNER, SLOT, SOURCE
from lightkeeper.times import format_instant

SIZES = (1_000, 2_000, 5_000, 10_000)
SNAPSHOTS_EACH = 30
PAGE = 100
REGION = "eu-central-1"
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
DEPLOYMENT = Settings().deployment
LIMIT_MIB = 512
_METADATA = {"HTTPHeaders": {"content-type": "application/x-amz-json-1.1"}}


class Pages:
    """A client whose lists are made up as they are read; it stands in for the network alone."""

    def __init__(self, disks: int) -> None:
        self._disks = disks

    def get_paginator(self, operation: str) -> "Paginator":
        """Return the pages of a list."""
        match operation:
            case "get_disks":
                return Paginator("disks", self._all_disks())
            case "get_disk_snapshots":
                return Paginator("diskSnapshots", self._all_snapshots())
            case _:
                return Paginator("", ())

    def _arn(self, disk: int) -> str:
        return f"arn:aws:lightsail:{REGION}:123456789012:Disk/00000000-0000-4000-8000-{disk:012}"

    def _all_disks(self) -> Iterator[dict[str, Any]]:
        for disk in range(self._disks):
            yield {
                "name": f"customer-{disk:05}-data",
                "arn": self._arn(disk),
                "createdAt": NOW - timedelta(days=400),
                "tags": _tags({"backup": "daily", "backup:keep": "daily=20 weekly=4", "customer": str(disk)}),
            }

    def _all_snapshots(self) -> Iterator[dict[str, Any]]:
        for number in range(SNAPSHOTS_EACH):
            slot = datetime(2026, 6, 15, 3, tzinfo=UTC) - timedelta(days=number)
            for disk in range(self._disks):
                name, arn = f"customer-{disk:05}-data", self._arn(disk)
                yield {
                    "name": snapshot_name(name, arn, DEPLOYMENT, slot),
                    "state": "completed",
                    "createdAt": slot + timedelta(seconds=disk),
                    "sizeInGb": 32,
                    "fromDiskName": "".join(name),
                    "fromDiskArn": arn,
                    "tags": _tags(
                        {
                            "backup": "daily",
                            "backup:keep": "daily=20 weekly=4",
                            "customer": str(disk),
                            OWNER: DEPLOYMENT,
                            SOURCE: arn,
                            SLOT: format_instant(slot),
                        }
                    ),
                }


class Paginator:
    """Pages of made-up entries."""

    def __init__(self, key: str, entries: Iterable[dict[str, Any]]) -> None:
        self._key = key
        self._entries = iter(entries)

    def paginate(self) -> Iterator[dict[str, Any]]:
        """Yield the pages."""
        page: list[dict[str, Any]] = []
        for entry in self._entries:
            page.append(entry)
            if len(page) == PAGE:
                yield {self._key: page, "ResponseMetadata": _METADATA}
                page = []
        yield {self._key: page, "ResponseMetadata": _METADATA}


def _tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def measure(disks: int) -> dict[str, Any]:
    """Return the figures for that many disks, in this process."""
    boto3.client("lightsail", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106 - never used
    settings = Settings()
    region = Lightsail(Pages(disks), REGION)  # type: ignore[arg-type]  # stands in for the client
    began = perf_counter()
    inventory = read_region(REGION, region, settings, lambda: math.inf)
    read = perf_counter()
    plan = make_plan(inventory, settings, NOW)
    planned = perf_counter()
    verbs = [action.verb for action in plan.actions]
    return {
        "disks": disks,
        "snapshots": len(inventory.points),
        "actions": {word: verbs.count(word) for word in sorted(set(verbs))},
        "read": read - began,
        "plan": planned - read,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Measure every size in a process of its own and print a table."""
    print(__doc__)
    print(f"{'sources':>8} {'snapshots':>10} {'read s':>8} {'plan s':>8} {'peak MiB':>9}  actions")
    rows = []
    for size in SIZES:
        command = [sys.executable, "-m", "tools.bench.planning", str(size)]
        rows.append(row := json.loads(subprocess.run(command, check=True, capture_output=True).stdout))  # noqa: S603 - ourselves
        print(
            f"{row['disks']:>8,} {row['snapshots']:>10,} {row['read']:>8.2f} {row['plan']:>8.2f} {row['peak']:>9.0f}"
            f"  {row['actions']}"
        )
    first, last = rows[0], rows[-1]
    times = {key: last[key] / first[key] for key in ("disks", "plan", "read")}
    print(
        f"\n{times['disks']:.0f} times the sources: {times['plan']:.1f} the planning, {times['read']:.1f} the reading."
    )
    print(f"{last['peak']:.0f} MiB of the {LIMIT_MIB} MiB of a small Lambda function.")


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(measure(int(sys.argv[1]))))
    else:
        main()
