"""A finding: what needs a person, and the key that stays the same while the same state lasts. Pure."""

import base64
import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

# Letters of a key, and those of them that say which Region.
_KEY: Final = 8
_REGION_KEY: Final = 2
# And those that say which account: of 500 accounts, few begin as another one does.
_ACCOUNT_KEY: Final = 3


class FindingKind(StrEnum):
    """What sort of finding it is, as a subject line says it. It is part of the key: another word makes it a new one."""

    OVERDUE = "overdue"
    FAILED = "an action failed"
    ERROR = "a snapshot ended in error"
    UNREAD = "a list cannot be read"
    PROBLEM = "a problem"
    EXPIRING = "snapshots will expire"
    STOPPED = "no longer backed up"
    REGION = "a Region is no longer looked after"
    COPY = "a copy is overdue"
    UNSEEN = "an account cannot be looked at"
    UNLISTED = "accounts cannot be listed"
    REFUSED = "no longer lets Lightkeeper in"
    ACCOUNT = "an account is no longer looked after"


RUNBOOK: Final = {
    FindingKind.OVERDUE: "Resources overdue",
    FindingKind.FAILED: "An action failed",
    FindingKind.ERROR: "Snapshots failed",
    FindingKind.UNREAD: "An action failed",
    FindingKind.PROBLEM: "Tag problems",
    FindingKind.EXPIRING: "Many snapshots will expire",
    FindingKind.STOPPED: "No longer backed up",
    FindingKind.REGION: "No longer backed up",
    FindingKind.COPY: "A copy is overdue",
    FindingKind.UNSEEN: "Accounts unknown",
    FindingKind.UNLISTED: "Accounts unknown",
    FindingKind.REFUSED: "An account is no longer looked after",
    FindingKind.ACCOUNT: "An account is no longer looked after",
}
"""The section of docs/runbook.md for each kind."""
WAITS: Final = {
    FindingKind.OVERDUE: "no",
    FindingKind.FAILED: "yes",
    FindingKind.ERROR: "yes",
    FindingKind.UNREAD: "yes",
    FindingKind.PROBLEM: "yes, unless it says that a list is empty or lacks resources",
    FindingKind.EXPIRING: "no",
    FindingKind.STOPPED: "yes, unless it was deleted by mistake",
    FindingKind.REGION: "yes",
    FindingKind.COPY: "yes, unless the Region of the source is in trouble",
    FindingKind.UNSEEN: "yes",
    FindingKind.UNLISTED: "no",
    FindingKind.REFUSED: "yes",
    FindingKind.ACCOUNT: "yes",
}
"""Whether each kind waits until morning, in the words of the message and of docs/runbook.md."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that needs a person. Its texts are as tags and Lightsail have them: on several lines, perhaps."""

    kind: FindingKind
    region: str
    source: str | None
    what: str
    since: str
    do: str
    key: str
    """A fingerprint of the state: the same on every run while it lasts. It begins with `region_key`."""
    command: str | None = None
    """What `do` ends with: a command as it can be pasted, on a line of its own."""
    because_of: str | None = None
    """The key of the finding that is its cause, where there is one: who knows that one is told this one by an alarm."""
    account: str | None = None
    """In the report of a fleet, the account that it is about, 12 digits; None where it is about all of them."""

    @property
    def place(self) -> str:
        """What it is about: a source's name, or a Region's."""
        return self.source or self.region


def region_key(region: str) -> str:
    """Return the two letters that the keys of a Region's findings begin with."""
    return _letters(region)[:_REGION_KEY]


def account_key(account: str) -> str:
    """Return the three letters that the keys of an account's findings begin with in the report of a fleet."""
    return _letters(account)[:_ACCOUNT_KEY]


def key_in(account: str, *marks: str) -> str:
    """Return the key of a finding about an account in the report of a fleet."""
    return account_key(account) + _letters(account, *marks)[: _KEY - _ACCOUNT_KEY]


def found_in(account: str, finding: Finding) -> Finding:
    """Return a finding of a run in one account as the report of a fleet has it: accounts have sources of one name."""
    return replace(
        finding,
        account=account,
        key=key_in(account, finding.key),
        because_of=key_in(account, finding.because_of) if finding.because_of else None,
    )


def key_of(region: str, *marks: str) -> str:
    """Return the key of a finding in a Region, made of what tells its state from others."""
    return region_key(region) + _letters(region, *marks)[: _KEY - _REGION_KEY]


def _letters(*marks: str) -> str:
    digest = hashlib.sha256("\0".join(marks).encode(errors="surrogatepass")).digest()
    return base64.b32encode(digest).decode().lower()
