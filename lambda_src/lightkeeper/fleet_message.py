"""The text of the e-mail about a fleet: what is new, account by account, the worst first, and how all stand. Pure.

Texts in it come from tags, from names of accounts and from AWS's answers, so each is made plain text of one line here.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from lightkeeper.errors import counted
from lightkeeper.finding import Finding
from lightkeeper.fleet import AccountState, Fleet, FleetRow
from lightkeeper.fleet_findings import ABOUT_ACCOUNTS
from lightkeeper.message import (
    MAX_PART_BYTES,
    MAX_SHOWN,
    MAX_SUBJECT,
    Message,
    cut,
    first_lines,
    head_of,
    plain,
    told,
    where_to_look,
)
from lightkeeper.model import Status
from lightkeeper.sender import Sender
from lightkeeper.settings import Settings
from lightkeeper.times import format_minute

_MAX_OF_A_GROUP: Final = 5
"""Findings of one account, while others have some, too."""
_MAX_NAMED: Final = 10
"""Accounts in a list of names."""
_MAX_LISTED: Final = 20
"""Accounts in a digest, a line each."""
_MAX_LABEL: Final = 80
"""Characters of an account's name and id, where many are listed: AWS allows names of 50."""
_AWS: Final = "aws "
_CREDENTIALS: Final = "A command of aws wants credentials of the account that it stands under."


def compose_fleet(  # noqa: PLR0913 - a message has that many sides
    new: Sequence[Finding],
    still: Sequence[Finding],
    fleet: Fleet,
    settings: Settings,
    *,
    daily: bool,
    sender: Sender,
) -> Message:
    """Return the message about a run over all accounts.

    Parameters
    ----------
    new, still
        What is new, and what people were notified of before and is still open.
    fleet
        How it stands.
    settings
        The deployment's.
    daily
        Whether it is the day's digest too.
    sender
        Which deployment, of which account, in which Region.
    """
    rows = {row.account: row for row in (*fleet.dropped, *fleet.rows)}
    parts = [first_lines(sender, _headline(new, still), "Run of", fleet.time, settings)]
    parts += _new(new, rows, sender)
    parts += _still("STILL OPEN" if new else "OPEN", still, rows)
    parts += _worst(fleet, settings) if daily else []
    parts += ["HOW THE FLEET STANDS\n" + "\n".join(_standing(fleet))]
    parts += [where_to_look(sender, "How every account stands", "status")]
    return Message(_subject(new, still, rows, sender, daily=daily), "\n\n".join(parts) + "\n")


def _headline(new: Sequence[Finding], still: Sequence[Finding]) -> str:
    if not new and not still:
        return "nothing needs you"
    parts = [f"{len(new):,} new{_in_accounts(new)}"] * bool(new)
    parts += [f"{len(still):,} {'still ' if new else ''}open{'' if new else _in_accounts(still)}"] * bool(still)
    return ", ".join(parts)


def _in_accounts(findings: Iterable[Finding]) -> str:
    number = len({finding.account for finding in findings if finding.account})
    return f" in {counted(number, 'account')}" if number > 1 else ""


def _subject(
    new: Sequence[Finding], still: Sequence[Finding], rows: Mapping[str, FleetRow], sender: Sender, *, daily: bool
) -> str:
    head = f"{head_of(sender)}: "
    if len(new) == 1 and not still:
        (finding,) = new
        said = f": {finding.kind}"
        place = finding.place if finding.kind in ABOUT_ACCOUNTS else _place(finding, rows)
        # The kind is never cut: where there is no room for all of a name, its beginning will do.
        return cut(head, plain(place, MAX_SUBJECT - len(head) - len(said)) + said)
    return cut(head, f"{'daily digest: ' if daily and not new else ''}{_headline(new, still)}")


def _place(finding: Finding, rows: Mapping[str, FleetRow]) -> str:
    """Return what a finding is about and the account that it is in, as short as a subject wants it."""
    if finding.account is None:
        return finding.place
    row = rows.get(finding.account)
    return f"{row.name if row and row.name else finding.account}: {finding.place}"


def _new(findings: Sequence[Finding], rows: Mapping[str, FleetRow], sender: Sender) -> list[str]:
    """Return the part with what is new, as much of it as there is room for."""
    if not findings:
        return []
    groups = [[*group] for _, group in groupby(findings, _group)]
    most = MAX_SHOWN if len(groups) == 1 and findings[0].kind not in ABOUT_ACCOUNTS else _MAX_OF_A_GROUP
    parts: list[str] = []
    number, room = 0, MAX_PART_BYTES
    unseen: list[Finding] = []
    for group in groups:
        shown = 0
        for finding in group[:most]:
            where = f" ({finding.region})" if finding.region else ""
            text = told(finding, f"{number + 1}. {plain(finding.place)}: {finding.kind}{where}", sender)
            text = text if shown else "\n\n".join([*_heading(finding, rows), text])
            room -= len(text.encode())
            if room < 0 or number == MAX_SHOWN:
                break
            parts.append(text)
            number, shown = number + 1, shown + 1
        if shown and shown < len(group):
            parts.append(f"and {_more(group[shown:], rows)}")
        unseen += [] if shown else group
    if unseen:
        parts.append(f"and {len(unseen):,} more{_in_accounts(unseen)}")
    in_all = [f"In all: {_kinds(findings)}"] if number < len(findings) else []
    wants_credentials = any((finding.command or "").startswith(_AWS) for finding in findings)
    return ["NEW", *in_all, *parts, *([_CREDENTIALS] if wants_credentials else [])]


def _group(finding: Finding) -> str | None:
    """Return what findings stand together by: the account that they are in, or what many accounts have in common."""
    return finding.kind if finding.kind in ABOUT_ACCOUNTS else finding.account


def _heading(finding: Finding, rows: Mapping[str, FleetRow]) -> list[str]:
    row = rows.get(finding.account or "")
    return [plain(f"{row.label}: {row.sentence}")] if row and finding.kind not in ABOUT_ACCOUNTS else []


def _more(findings: Sequence[Finding], rows: Mapping[str, FleetRow]) -> str:
    first = findings[0]
    if first.kind in ABOUT_ACCOUNTS:
        return f"{len(findings):,} more: {_names(finding.place for finding in findings)}"
    row = rows.get(first.account or "")
    return f"{len(findings):,} more{f' in {plain(row.label, _MAX_LABEL)}' if row else ''}"


def _still(heading: str, findings: Sequence[Finding], rows: Mapping[str, FleetRow]) -> list[str]:
    """Return the part with what is still open, counted by account."""
    groups = [[*group] for _, group in groupby(findings, lambda finding: finding.account)]
    lines = []
    for number, group in enumerate(groups[:MAX_SHOWN], 1):
        row = rows.get(group[0].account or "")
        place = row.label if row else ", ".join(finding.place for finding in group[:_MAX_OF_A_GROUP])
        lines.append(f"{number}. {plain(place, _MAX_LABEL)}: {_kinds(group)}")
    more = [f"and {counted(len(groups) - len(lines), 'account')} more"] if len(groups) > len(lines) else []
    return [heading, "\n".join([*lines, *more])] if findings else []


def _worst(fleet: Fleet, settings: Settings) -> list[str]:
    """Return the part with the accounts that are not as they should be, the worst first."""
    worst = [row for row in fleet.rows if row.wants_a_person]
    lines = [
        plain(
            f"{number}. {row.label}: {row.state} since {format_minute(row.since, settings.time_zone)}. {row.sentence}"
        )
        for number, row in enumerate(worst[:_MAX_LISTED], 1)
    ]
    more = [f"and {len(worst) - len(lines)} more"] if len(worst) > len(lines) else []
    return ["WORST FIRST", "\n".join([*lines, *more])] if worst else []


def _standing(fleet: Fleet) -> Iterator[str]:
    """Yield how the fleet stands."""
    accounts = ", ".join(f"{fleet.counts[state]} {state}" for state in AccountState if fleet.counts[state])
    resources = ", ".join(f"{number:,} {status}" for status in Status if (number := fleet.statuses.get(status)))
    yield fleet.sentence
    yield f"Accounts: {accounts or 'none'}"
    yield f"Resources: {resources or 'none'}"
    if waiting := [row.label for row in fleet.rows if row.state is AccountState.NOT_ONBOARDED and not row.refuses]:
        yield f"Not onboarded: {_names(waiting)}"
    for sentence in fleet.unlisted[:_MAX_NAMED]:
        yield f"Not listed: {plain(sentence)}"
    yield f"Stored: {fleet.stored}"


def _kinds(findings: Iterable[Finding]) -> str:
    kinds = Counter(finding.kind for finding in findings).most_common()
    return ", ".join(f"{kind} ({number:,})" for kind, number in kinds)


def _names(names: Iterable[str]) -> str:
    all_names = [plain(name, _MAX_LABEL) for name in names]
    more = len(all_names) - _MAX_NAMED
    return ", ".join(all_names[:_MAX_NAMED]) + (f" and {more:,} more" if more > 0 else "")
