"""Accounts in memory, what the runs in them leave in a bucket, and the function that reports on all of them."""

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from lightkeeper.account_report import report_not_onboarded, report_run, report_unknown
from lightkeeper.actions import Create, Outcome, Result
from lightkeeper.fleet import FLEET_KEY, AccountReport, Fleet, account_key
from lightkeeper.fleet_handler import ReportAnswer, report_fleet
from lightkeeper.model import Inventory, ReadFailure, RecoveryPoint, Source
from lightkeeper.plan import make_plan
from lightkeeper.run import Run
from lightkeeper.sender import Sender
from lightkeeper.settings import Settings
from lightkeeper.times import format_instant
from tests.support.functions import Context
from tests.support.inventories import HOUR, NOW, REGION, daily, point, source, written

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HUB = "123456789012"
REFUSED = "CreateDiskSnapshot: AccessDeniedException: not you; expected permission for lightsail:CreateDiskSnapshot"
NOT_IN = "sts:AssumeRole: AccessDenied: no; expected the role of the deployment in the account"


@dataclass
class Member:
    """An account with its disks, and what becomes of a run in it."""

    account: str
    name: str | None
    sources: dict[str, Source] = field(default_factory=dict)
    points: list[RecoveryPoint] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    """Disks of which no snapshot can be taken."""
    unread: str | None = None
    """Why a list of it cannot be read."""
    closed: str | None = None
    """Why it does not let Lightkeeper in."""
    broken: str | None = None
    """Why its role cannot be assumed although it does."""
    error: str | None = None
    """What its run ends with that does not come to its end."""

    def disk(self, name: str, *, days: range = range(8), **tags: str) -> None:
        """Give it a disk, with a recovery point for the slots of so many days ago."""
        disk = replace(source(name), tags=written(tags or {"backup": "daily"}))
        self.sources[name] = disk
        self.points += daily(disk, days)

    def overdue(self, name: str = "web") -> None:
        """Give it a disk that cannot be backed up any more."""
        self.disk(name, days=range(2, 8))
        self.refused.add(name)

    def report(self, settings: Settings, now: datetime) -> AccountReport:
        """Return what a run of it leaves."""
        if self.closed:
            return report_not_onboarded(self.closed, now, account=self.account, name=self.name)
        if self.broken:
            return report_unknown(self.broken, now, account=self.account, name=self.name)
        failures = (ReadFailure(REGION, "GetDisks", self.unread),) if self.unread else ()
        sources = () if self.unread else tuple(self.sources.values())
        points = tuple({point.name: point for point in self.points}.values())
        plan = make_plan(Inventory(sources, points, failures=failures, regions=(REGION,)), settings, now)
        creates = [action for action in plan.actions if isinstance(action, Create)]
        taken = [action.target for action in creates if action.target.source not in self.refused]
        self.points += [point(self.sources[target.source], target.slot) for target in taken]
        outcomes = tuple(
            Outcome(action, Result.DONE) if action.target in taken else Outcome(action, Result.FAILED, REFUSED)
            for action in creates
        )
        member = None if self.account == HUB else self.account
        sender = Sender("Lightkeeper", HUB, REGION, member=member)
        return report_run(Run(plan, outcomes), settings, account=self.account, name=self.name, sender=sender)


@dataclass
class Accounts:
    """The accounts of a deployment, the bucket, and the function that reports."""

    s3: "S3Client"
    bucket: str
    patch: pytest.MonkeyPatch
    settings: Settings = field(default_factory=Settings)
    members: dict[str, Member] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)
    now: datetime = NOW

    def configure(self, **changes: object) -> None:
        """Change settings, by the keys of cdk.json."""
        self.settings = Settings.from_mapping(self.settings.to_mapping() | changes)
        for name, value in self.settings.to_env().items():
            self.patch.setenv(name, value)

    def add(self, name: str, account: str | None = None) -> Member:
        """Add an account with nothing in it; its number follows from how many there are."""
        number = account or f"{111_111_111_000 + len(self.members):012}"
        self.members[name] = member = Member(number, name)
        return member

    def healthy(self, *names: str) -> None:
        """Add accounts with a protected disk each, which all have the same name."""
        for name in names:
            self.add(name).disk("data")

    def leave(self, member: Member) -> dict[str, object]:
        """Let a run be made in an account: what it leaves in the bucket, and what it answers."""
        if member.error:
            return {"account": member.account, "name": member.name, "error": member.error}
        report = member.report(self.settings, self.now)
        self.put(account_key(member.account), report.to_json())
        failed = bool(report.failures)
        return {"account": member.account, "name": member.name, "state": report.state.value, "failed": failed}

    def run(self, context: Context | None = None) -> ReportAnswer:
        """Let the runs in all accounts be made, and report on them."""
        return self.report([self.leave(member) for member in self.members.values()], context)

    def report(self, results: list[object], context: Context | None = None) -> ReportAnswer:
        """Report on runs that have answered so."""
        # A Logger keeps the standard output it was born with: that of an earlier test.
        for stream in logging.getLogger("Lightkeeper").handlers:
            assert isinstance(stream, logging.StreamHandler)
            stream.stream = sys.stdout
        event = {"time": format_instant(self.now), "results": results, "unlisted": self.unlisted}
        return report_fleet(event, context or Context())

    def hours_later(self, hours: int = 1) -> ReportAnswer:
        """Let time pass, then the same again."""
        self.now += hours * HOUR
        return self.run()

    def put(self, key: str, document: str) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=document.encode())

    def fleet(self) -> Fleet:
        """Return the fleet's document."""
        return Fleet.from_json(self.s3.get_object(Bucket=self.bucket, Key=FLEET_KEY)["Body"].read().decode())

    def states(self) -> Mapping[str, str]:
        """Return how each account stands, in the document's order."""
        return {row.name or row.account: row.state.value for row in self.fleet().rows}
