"""Planning for many sources: seconds and peak memory, and how they grow.

Method: each size runs in a process of its own. Its inventory comes page by page, in the shape botocore returns, and
goes through the real `lightkeeper.lightsail`, `inventory.read_region` and `plan.make_plan`. Every second source is an
instance with a firewall of six rules and a static IP, the others are disks; each, and each snapshot, has its recipe.
*read* includes making the pages, *plan* is planning alone, both in seconds of the processor; *peak* is the process's
maximum resident set with boto3 loaded.

With *targets*, each source is copied into so many other Regions, in which each has the copies that
`daily=7 monthly=12` keeps: once all of today are there, and once none is.
"""

import json
import math
import resource
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any

import boto3

from lightkeeper.inventory import read_with_copies
from lightkeeper.lightsail import Lightsail
from lightkeeper.names import copy_name, snapshot_name
from lightkeeper.plan import make_plan
from lightkeeper.settings import Settings
from lightkeeper.tags import NAME, OWNER, SLOT, SOURCE, TAKEN
from lightkeeper.times import format_instant

SIZES = (1_000, 2_000, 5_000, 10_000)
SNAPSHOTS_EACH = 30
COPIED_DAYS, COPIED_MONTHS = 7, 12
TARGETS = ("eu-north-1", "eu-west-1")
WITH_TARGETS = 1_000
PAGE = 100
REGION = "eu-central-1"
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
FIRST_SLOT = datetime(2026, 6, 15, 3, tzinfo=UTC)
DEPLOYMENT = Settings().deployment
LIMIT_MIB = 512
_METADATA = {"HTTPHeaders": {"content-type": "application/x-amz-json-1.1"}}


def _copied_days() -> Iterator[int]:
    """Yield how many days before today each copy is from: the last days, and the last one of each month."""
    yield from range(COPIED_DAYS)
    end = FIRST_SLOT
    for _ in range(COPIED_MONTHS - 1):
        end = end.replace(day=1) - timedelta(days=1)
        yield (FIRST_SLOT - end).days


class Pages:
    """A client whose lists are made up as they are read; it stands in for the network alone."""

    def __init__(self, sources: int) -> None:
        self._sources = sources

    def get_paginator(self, operation: str) -> "Paginator":
        """Return the pages of a list."""
        match operation:
            case "get_disks":
                return Paginator("disks", (_disk(number) for number in range(1, self._sources, 2)))
            case "get_instances":
                return Paginator("instances", (_instance(number) for number in range(0, self._sources, 2)))
            case "get_disk_snapshots":
                return Paginator("diskSnapshots", self._snapshots(1))
            case "get_instance_snapshots":
                return Paginator("instanceSnapshots", self._snapshots(0))
            case "get_static_ips":
                return Paginator("staticIps", (_static_ip(number) for number in range(0, self._sources, 2)))
            case _:
                return Paginator("", ())

    def _snapshots(self, first: int) -> Iterator[dict[str, Any]]:
        for back in range(SNAPSHOTS_EACH):
            slot = FIRST_SLOT - timedelta(days=back)
            for number in range(first, self._sources, 2):
                yield _snapshot(number, slot)


class PagesOfCopies:
    """The same in a Region that copies go to."""

    def __init__(self, sources: int, region: str, days: Sequence[int]) -> None:
        self._sources = sources
        self._region = region
        self._days = days

    def get_paginator(self, operation: str) -> "Paginator":
        """Return the pages of a list."""
        match operation:
            case "get_disk_snapshots":
                return Paginator("diskSnapshots", self._copies(1))
            case "get_instance_snapshots":
                return Paginator("instanceSnapshots", self._copies(0))
            case _:
                return Paginator("", ())

    def _copies(self, first: int) -> Iterator[dict[str, Any]]:
        for back in self._days:
            slot = FIRST_SLOT - timedelta(days=back)
            for number in range(first, self._sources, 2):
                yield _copy(number, slot, self._region)


def _name(number: int) -> str:
    return f"customer-{number:05}-{'data' if number % 2 else 'web'}"


def _arn(number: int) -> str:
    kind = "Disk" if number % 2 else "Instance"
    return f"arn:aws:lightsail:{REGION}:123456789012:{kind}/00000000-0000-4000-8000-{number:012}"


def _common(number: int) -> dict[str, Any]:
    return {
        "name": _name(number),
        "arn": _arn(number),
        "createdAt": NOW - timedelta(days=400),
        "location": {"availabilityZone": f"{REGION}a", "regionName": REGION},
        "addOns": [{"name": "AutoSnapshot", "status": "Enabled", "snapshotTimeOfDay": "06:00"}],
        "tags": _tags(_own_tags(number)),
    }


def _own_tags(number: int) -> dict[str, str]:
    return {"backup": "daily", "backup:keep": "daily=20 weekly=4", "customer": str(number)}


def _disk(number: int) -> dict[str, Any]:
    return _common(number) | {"sizeInGb": 32, "attachedTo": f"other-{number:05}", "path": "/dev/xvdf"}


def _instance(number: int) -> dict[str, Any]:
    office = [f"203.0.113.{number % 256}/32", "198.51.100.0/24"]
    ports = [
        {"fromPort": port, "toPort": port, "protocol": "tcp", "cidrs": cidrs, "ipv6Cidrs": ipv6, "cidrListAliases": []}
        for port, cidrs, ipv6 in (
            (22, office, []),
            (80, ["0.0.0.0/0"], ["::/0"]),
            (443, ["0.0.0.0/0"], ["::/0"]),
            (3306, office, []),
            (5432, office, []),
            (8080, office, ["2001:db8::/48"]),
        )
    ]
    return _common(number) | {
        "bundleId": "small_3_0",
        "networking": {"ports": ports},
        "sshKeyName": "LightsailDefaultKeyPair",
        "ipAddressType": "dualstack",
        "metadataOptions": {
            "httpTokens": "required",
            "httpEndpoint": "enabled",
            "httpPutResponseHopLimit": 1,
            "httpProtocolIpv6": "disabled",
        },
    }


def _static_ip(number: int) -> dict[str, Any]:
    return {"name": f"address-{number:05}", "ipAddress": "192.0.2.1", "attachedTo": _name(number)}


def _snapshot(number: int, slot: datetime) -> dict[str, Any]:
    name, arn = _name(number), _arn(number)
    recipe = {"lightkeeper:recipe": "1", "lightkeeper:zone": f"{REGION}a", "lightkeeper:add-ons": "AutoSnapshot 06:00"}
    if number % 2:
        own: dict[str, Any] = {"state": "completed", "fromDiskName": "".join(name), "fromDiskArn": arn}
        recipe |= {"lightkeeper:size": "32", "lightkeeper:attached-to": f"other-{number:05} /dev/xvdf"}
    else:
        own = {"state": "available", "fromInstanceName": "".join(name), "fromInstanceArn": arn}
        office = f"203.0.113.{number % 256}/32+198.51.100.0/24"
        recipe |= {
            "lightkeeper:ports": f"tcp:22={office} tcp:80=0.0.0.0/0+::/0 tcp:443=0.0.0.0/0+::/0 tcp:3306={office} "
            f"tcp:5432={office} tcp:8080={office}+2001:db8::/48",
            "lightkeeper:static-ip": f"address-{number:05}",
            "lightkeeper:bundle": "small_3_0",
            "lightkeeper:key": "LightsailDefaultKeyPair",
            "lightkeeper:address-type": "dualstack",
            "lightkeeper:metadata": "tokens=required endpoint=enabled hops=1 ipv6=disabled",
        }
    ours = {OWNER: DEPLOYMENT, SOURCE: arn, SLOT: format_instant(slot)}
    return own | {
        "name": snapshot_name(name, arn, DEPLOYMENT, slot),
        "createdAt": slot + timedelta(seconds=number),
        "sizeInGb": 32,
        "tags": _tags(_own_tags(number) | recipe | ours),
    }


def _copy(number: int, slot: datetime, region: str) -> dict[str, Any]:
    original, name, arn = _snapshot(number, slot), _name(number), _arn(number)
    taken = {TAKEN: format_instant(original["createdAt"]), NAME: name}
    return original | {
        "name": copy_name(name, arn, DEPLOYMENT, slot, region),
        "createdAt": slot + timedelta(hours=2),
        "tags": [*original["tags"], *_tags(taken)],
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


def measure(sources: int, copied_days: Sequence[int] | None) -> dict[str, Any]:
    """Return the figures for that many sources, in this process; `copied_days`: how old the copies are, if any."""
    boto3.client("lightsail", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106 - never used
    settings, targets = Settings(), {}
    if copied_days is not None:
        rule = {"schedule": "0 5 * * *", "keep": f"daily={COPIED_DAYS} monthly={COPIED_MONTHS}"}
        daily = {"schedule": "0 3 * * *", "keep": "daily=7", "copy": ""}
        settings = Settings.from_mapping({"copies": dict.fromkeys(TARGETS, rule), "policies": {"daily": daily}})
        targets = {
            name: Lightsail(PagesOfCopies(sources, name, copied_days), name)  # type: ignore[arg-type]
            for name in TARGETS
        }
    region = Lightsail(Pages(sources), REGION)  # type: ignore[arg-type]  # stands in for the client
    began = process_time()
    inventory = read_with_copies(REGION, region, settings, lambda: math.inf, targets)
    read = process_time()
    plan = make_plan(inventory, settings, NOW)
    planned = process_time()
    verbs = [action.verb for action in plan.actions]
    return {
        "sources": sources,
        "targets": len(targets),
        "snapshots": len(inventory.points),
        "actions": {word: verbs.count(word) for word in sorted(set(verbs))},
        "read": read - began,
        "plan": planned - read,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Measure every size in a process of its own and print a table."""
    print(__doc__)
    print(f"{'sources':>8} {'targets':>7} {'snapshots':>10} {'read s':>8} {'plan s':>8} {'peak MiB':>9}  actions")
    rows = [_row(size) for size in SIZES]
    _row(WITH_TARGETS, "all")
    _row(WITH_TARGETS, "none")
    first, last = rows[0], rows[-1]
    times = {key: last[key] / first[key] for key in ("sources", "plan", "read")}
    print(
        f"\n{times['sources']:.0f} times the sources: {times['plan']:.1f} the planning, "
        f"{times['read']:.1f} the reading."
    )
    print(f"{last['peak']:.0f} MiB of the {LIMIT_MIB} MiB of a small Lambda function.")


def _row(size: int, *copied: str) -> dict[str, Any]:
    """Measure in a process of its own, print the row, and return it."""
    command = [sys.executable, "-m", "tools.bench.planning", str(size), *copied]
    row: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: S603 - ourselves
    print(
        f"{row['sources']:>8,} {row['targets']:>7} {row['snapshots']:>10,} {row['read']:>8.2f} {row['plan']:>8.2f} "
        f"{row['peak']:>9.0f}  {row['actions']}"
    )
    return row


if __name__ == "__main__":
    if sys.argv[1:]:
        first, *others = _copied_days()
        copied = {(): None, ("all",): (first, *others), ("none",): others}[*sys.argv[2:]]
        print(json.dumps(measure(int(sys.argv[1]), copied)))
    else:
        main()
