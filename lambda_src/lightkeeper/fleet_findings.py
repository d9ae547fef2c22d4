"""What needs a person in a fleet: what the runs of its accounts have found, and what is wrong with accounts themselves.

Pure. Each key names the account, so that what is not seen of one is not taken for over.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from lightkeeper.finding import Finding, FindingKind, account_key, found_in, key_in
from lightkeeper.findings import dropped_regions
from lightkeeper.fleet import AccountReport, AccountState, FleetRow
from lightkeeper.fleet_report import FleetReport
from lightkeeper.sender import Sender
from lightkeeper.times import format_minute

ABOUT_ACCOUNTS: Final = frozenset({FindingKind.UNSEEN, FindingKind.REFUSED, FindingKind.ACCOUNT})
"""Kinds that are about an account itself, not about something in it."""


def findings(
    report: FleetReport, regions: Iterable[str], regions_before: Iterable[str], *, sender: Sender, zone: ZoneInfo
) -> tuple[Finding, ...]:
    """Return what needs a person: what is wrong with the fleet, then account by account, the worst first.

    Parameters
    ----------
    report
        How the fleet stands.
    regions, regions_before
        Which Regions are looked after, and which an earlier run looked after.
    sender
        The deployment, for commands.
    zone
        The deployment's.
    """
    fleet = report.fleet
    found = [
        *_unlisted(fleet.unlisted, fleet.time, zone),
        *dropped_regions(regions, regions_before, fleet.time, zone),
        *(_dropped(row, fleet.time, zone) for row in fleet.dropped),
    ]
    for row in fleet.rows:
        # Of one that was not listed, the unit that could not be tells.
        is_told = row.account in report.listed or not fleet.unlisted
        found += _in(row, report.reports.get(row.account), sender, zone, is_told=is_told)
    first: dict[str, Finding] = {}
    for finding in found:
        first.setdefault(finding.key, finding)
    return tuple(first.values())


def unseen_keys(report: FleetReport) -> tuple[str, ...]:
    """Return what the keys begin with of accounts of which not all was seen: what is not found there may be open."""
    return tuple(account_key(row.account) for row in report.fleet.rows if _is_unseen(row, report))


def _is_unseen(row: FleetRow, report: FleetReport) -> bool:
    if row.state is AccountState.NOT_ONBOARDED:
        return row.refuses
    seen = report.reports.get(row.account)
    return row.state is AccountState.UNKNOWN or (seen is not None and seen.is_partly_unseen)


def _in(
    row: FleetRow, report: AccountReport | None, sender: Sender, zone: ZoneInfo, *, is_told: bool
) -> Iterator[Finding]:
    found = report.findings if report else ()
    if row.refuses:
        yield _refused(row, zone)
    elif row.state is AccountState.UNKNOWN and is_told and not found:
        yield _unseen(row, sender, zone)
    yield from (found_in(row.account, finding) for finding in found)


def _unlisted(sentences: Iterable[str], now: datetime, zone: ZoneInfo) -> Iterator[Finding]:
    for sentence in sentences:
        unit, _, _ = sentence.partition(": ")
        yield Finding(
            kind=FindingKind.UNLISTED,
            region="",
            source=unit,
            what=f"{sentence}.",
            since=f"The run of {format_minute(now, zone)}. Until Lightkeeper can list them, it backs up nothing in "
            "those accounts, and deletes nothing.",
            do="If it names a permission, grant it. Otherwise wait: the next run tries again.",
            key=key_in(unit, FindingKind.UNLISTED),
        )


def _dropped(row: FleetRow, now: datetime, zone: ZoneInfo) -> Finding:
    return Finding(
        kind=FindingKind.ACCOUNT,
        region="",
        source=row.label,
        what=f"{row.label} is not among the accounts of the settings any more: it was taken from the list or moved to "
        "another unit, or it is suspended or closed. Lightkeeper backs up nothing there, and deletes nothing. How it "
        f"stood: {row.sentence}",
        since=f"The run of {format_minute(now, zone)}.",
        do="If you did not mean that, bring it back. If you did, do nothing: this message comes once.",
        key=key_in(row.account, FindingKind.ACCOUNT),
        account=row.account,
    )


def _refused(row: FleetRow, zone: ZoneInfo) -> Finding:
    last = format_minute(row.let_in, zone) if row.let_in else "an earlier run"
    return Finding(
        kind=FindingKind.REFUSED,
        region="",
        source=row.label,
        what=f"{row.label} let Lightkeeper in until {last}. {row.sentence}",
        since=f"The run of {format_minute(row.since, zone)}. Until it does again, Lightkeeper backs up nothing there, "
        "and deletes nothing.",
        do="If you did not mean that, deploy its member role again, see docs/organisation.md. If you did, add it to "
        '"except" in the settings and deploy.',
        key=key_in(row.account, FindingKind.REFUSED),
        account=row.account,
    )


def _unseen(row: FleetRow, sender: Sender, zone: ZoneInfo) -> Finding:
    return Finding(
        kind=FindingKind.UNSEEN,
        region="",
        source=row.label,
        what=f"Nobody can tell how {row.label} stands. {row.sentence}",
        since=f"The run of {format_minute(row.since, zone)}. New recovery points may be missing there.",
        do="Wait: the next run tries again. If it stays, look how it stands:",
        command=replace(sender, member=row.account).command("status"),
        key=key_in(row.account, FindingKind.UNSEEN),
        account=row.account,
    )
