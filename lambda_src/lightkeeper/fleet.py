"""How the accounts of a fleet stand: what a run says of one account, and all of them, as they lie in the bucket. Pure.

The bucket is a cache, written anew by each run: the snapshots are the only state.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypedDict

from lightkeeper.errors import counted
from lightkeeper.finding import Finding, FindingKind
from lightkeeper.model import Status
from lightkeeper.overview import Health, Overview, Stored
from lightkeeper.times import format_instant, parse_instant, parse_zone

FLEET_KEY: Final = "fleet.json"
"""Where the fleet's document lies in the bucket."""
_UTC: Final = parse_zone("UTC")


class DocumentError(Exception):
    """A document in the bucket that this release does not understand: the next run writes it anew."""


def account_key(account: str) -> str:
    """Return where an account's document lies in the bucket."""
    return f"accounts/{account}.json"


class AccountState(StrEnum):
    """How an account stands, the worst first."""

    TROUBLE = "trouble"
    """Something is overdue, has a problem, has failed or is no longer backed up."""
    UNKNOWN = "unknown"
    """Something could not be read, or the run did not come to its end: nobody can tell."""
    NOT_ONBOARDED = "not onboarded"
    """It does not let Lightkeeper in: it has no member role, or one for another deployment."""
    WAITING = "waiting"
    """Nothing is wrong, but something is not protected yet, or has no tag."""
    PROTECTED = "protected"
    """All that is not switched off is protected."""
    EMPTY = "empty"
    """There is nothing to back up, or all of it is switched off."""

    @classmethod
    def of(cls, overview: Overview, *, has_failures: bool) -> "AccountState":
        """Return how an account stands that was looked at."""
        match overview.health:
            case Health.UNKNOWN:
                return cls.UNKNOWN
            case Health.DEGRADED:
                return cls.TROUBLE
            case Health.OK | Health.WAITING if has_failures:
                return cls.TROUBLE
            case Health.OK:
                return cls.PROTECTED
            case Health.WAITING:
                return cls.WAITING if overview.wanted else cls.EMPTY

    @property
    def rank(self) -> int:
        """Its place among the states, the worst first."""
        return [*AccountState].index(self)


class AccountAnswer(TypedDict):
    """What the function returns of a run in one account: few bytes, for Step Functions carries 256 KiB at most."""

    account: str
    name: str | None
    state: str
    """An `AccountState`."""
    failed: bool
    """Whether the execution is to fail for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """What a run says of one account."""

    account: str
    """12 digits."""
    name: str | None
    """Its name in the organization, where that is known."""
    time: datetime
    """The scheduled time of the run, UTC."""
    state: AccountState
    sentence: str
    """How everything in it stands; of one that nobody could look at, why."""
    statuses: Mapping[Status, int]
    """Its sources, by how they stand."""
    numbers: Mapping[str, float]
    """The metrics of the run that may be published, by their names; none, where nobody could look at it."""
    stored: Stored
    findings: tuple[Finding, ...]
    """What needs a person in it, the most pressing first."""
    is_partly_unseen: bool
    """Whether something was not seen or tried: then what is not found may not be over."""
    failures: tuple[str, ...]
    """What failed, a sentence each."""

    def to_json(self) -> str:
        """Return the document in the bucket."""
        document = {
            **_head(self),
            "time": format_instant(self.time),
            "numbers": dict(self.numbers),
            "findings": [_without_none(asdict(finding)) for finding in self.findings],
            "isPartlyUnseen": self.is_partly_unseen,
            "failures": [*self.failures],
        }
        return json.dumps(document, separators=(",", ":"))

    @classmethod
    def from_json(cls, document: str) -> "AccountReport":
        """Return what `to_json` has written.

        Raises
        ------
        DocumentError
            If it is anything else.
        """
        with _reading("an account's"):
            given = json.loads(document)
            return cls(
                account=given["account"],
                name=given["name"],
                time=_instant(given["time"]),
                state=AccountState(given["state"]),
                sentence=given["sentence"],
                statuses=_statuses(given),
                numbers=given["numbers"],
                stored=_stored(given),
                findings=tuple(_finding(each) for each in given["findings"]),
                is_partly_unseen=given["isPartlyUnseen"],
                failures=tuple(given["failures"]),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRow:
    """An account in the fleet's document."""

    account: str
    name: str | None
    state: AccountState
    sentence: str
    statuses: Mapping[Status, int]
    """As they were when it was last looked at."""
    stored: Stored
    findings: int
    """How many things in it need a person."""
    since: datetime
    """From which run on it has been in this state, UTC."""
    seen: datetime | None
    """The last run that could look at all of it, UTC; None: there was none, as far as is known."""
    let_in: datetime | None
    """The last run that it let in, UTC, whether that could look at all of it; None: there was none, as far as is
    known."""

    @property
    def label(self) -> str:
        """Its name and its id, as people find it."""
        return f"{self.name} ({self.account})" if self.name else self.account

    @property
    def refuses(self) -> bool:
        """Whether it has let Lightkeeper in, and does not any more."""
        return self.state is AccountState.NOT_ONBOARDED and self.let_in is not None

    @property
    def wants_a_person(self) -> bool:
        """Whether it is not as it should be. One that has never let Lightkeeper in is only counted."""
        return self.state in {AccountState.TROUBLE, AccountState.UNKNOWN} or self.refuses


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """How all accounts stand after a run."""

    deployment: str
    time: datetime
    """The scheduled time of the run, UTC."""
    rows: tuple[FleetRow, ...]
    """Worst first, then by name."""
    unlisted: tuple[str, ...]
    """Sentences: of which units the accounts could not be listed, and why."""
    dropped: tuple[FleetRow, ...] = ()
    """Accounts that are no longer looked after, until everybody has been told so."""
    told: tuple[str, ...] = ()
    """The findings that people were last notified of: `notify.Told.words`. The topic's tags say whether that is so."""

    @property
    def counts(self) -> Mapping[AccountState, int]:
        """How many accounts there are in each state."""
        return Counter(row.state for row in self.rows)

    @property
    def statuses(self) -> Mapping[Status, int]:
        """The sources of all accounts, by how they stand, or stood when they were last looked at."""
        return sum((Counter(row.statuses) for row in self.rows), Counter())

    @property
    def stored(self) -> Stored:
        """What all accounts store, or stored when they were last looked at."""
        rows = self.rows
        return Stored(sum(row.stored.gib for row in rows), sum(row.stored.full_gib for row in rows))

    @property
    def health(self) -> Health:
        """How the fleet stands, in a word. An account that has never let Lightkeeper in is no trouble."""
        if self.unlisted or self.counts[AccountState.UNKNOWN]:
            return Health.UNKNOWN
        if any(row.wants_a_person for row in self.rows):
            return Health.DEGRADED
        return Health.OK if self.counts[AccountState.PROTECTED] == self._wanted > 0 else Health.WAITING

    @property
    def sentence(self) -> str:
        """Return the same in a sentence: what wants a person first, then how much is protected.

        Message, dashboard and command line take it from here.
        """
        counts, refusing = self.counts, sum(row.refuses for row in self.rows)
        troubles = (
            f"{counted(counts[AccountState.TROUBLE], 'account')} with trouble" if counts[AccountState.TROUBLE] else "",
            _unknown(counts[AccountState.UNKNOWN], is_first=not counts[AccountState.TROUBLE]),
        )
        facts = (
            f"the accounts of {counted(len(self.unlisted), 'unit')} could not be listed" if self.unlisted else "",
            ", ".join(filter(None, troubles)),
            f"{counted(refusing, 'account')} no longer {'lets' if refusing == 1 else 'let'} Lightkeeper in"
            if refusing
            else "",
            self._protected(),
            f"{counts[AccountState.WAITING]} waiting" if counts[AccountState.WAITING] else "",
            f"{new} not onboarded" if (new := counts[AccountState.NOT_ONBOARDED] - refusing) else "",
            f"{counts[AccountState.EMPTY]} with nothing to back up"
            if counts[AccountState.EMPTY] and self._wanted
            else "",
        )
        said = "; ".join(filter(None, facts))
        return f"{said[0].upper()}{said[1:]}."

    @property
    def _wanted(self) -> int:
        """Accounts but for those with nothing to back up."""
        return len(self.rows) - self.counts[AccountState.EMPTY]

    def _protected(self) -> str:
        protected, wanted = self.counts[AccountState.PROTECTED], self._wanted
        if not wanted:
            return "no account has anything to back up" if self.rows else "no account is looked after"
        if self.unlisted:
            return f"{protected} of {counted(wanted, 'known account')} protected"
        if protected == wanted:
            return f"all {wanted} accounts protected" if wanted > 1 else "the one account is protected"
        return f"{protected} of {counted(wanted, 'account')} protected"

    def to_json(self) -> str:
        """Return the document in the bucket."""
        document = {
            "deployment": self.deployment,
            "time": format_instant(self.time),
            "accounts": [_row_document(row) for row in self.rows],
            "unlisted": [*self.unlisted],
            "dropped": [_row_document(row) for row in self.dropped],
            "told": [*self.told],
        }
        return json.dumps(document, separators=(",", ":"))

    @classmethod
    def from_json(cls, document: str) -> "Fleet":
        """Return what `to_json` has written.

        Raises
        ------
        DocumentError
            If it is anything else.
        """
        with _reading("the fleet's"):
            given = json.loads(document)
            return cls(
                deployment=given["deployment"],
                time=_instant(given["time"]),
                rows=tuple(_row(each) for each in given["accounts"]),
                unlisted=tuple(given["unlisted"]),
                dropped=tuple(_row(each) for each in given["dropped"]),
                told=tuple(given["told"]),
            )


def in_order(rows: Iterable[FleetRow]) -> tuple[FleetRow, ...]:
    """Return the accounts, the worst first, then by name."""
    return tuple(sorted(rows, key=lambda row: (row.state.rank, (row.name or "").casefold(), row.account)))


def _unknown(number: int, *, is_first: bool) -> str:
    if not number:
        return ""
    return f"{counted(number, 'account')} unknown" if is_first else f"{number} unknown"


def _row_document(row: FleetRow) -> dict[str, object]:
    return {
        **_head(row),
        "findings": row.findings,
        "since": format_instant(row.since),
        "seen": format_instant(row.seen) if row.seen else None,
        "letIn": format_instant(row.let_in) if row.let_in else None,
    }


def _without_none(document: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in document.items() if value is not None}


def _head(of: AccountReport | FleetRow) -> dict[str, object]:
    return {
        "account": of.account,
        "name": of.name,
        "state": of.state.value,
        "sentence": of.sentence,
        "statuses": {status.value: number for status, number in of.statuses.items()},
        "gib": round(of.stored.gib, 3),
        "fullGib": round(of.stored.full_gib, 3),
    }


def _row(given: Mapping[str, Any]) -> FleetRow:
    return FleetRow(
        account=given["account"],
        name=given["name"],
        state=AccountState(given["state"]),
        sentence=given["sentence"],
        statuses=_statuses(given),
        stored=_stored(given),
        findings=given["findings"],
        since=_instant(given["since"]),
        seen=_instant(given["seen"]) if given["seen"] else None,
        let_in=_instant(given["letIn"]) if given["letIn"] else None,
    )


def _statuses(given: Mapping[str, Any]) -> Mapping[Status, int]:
    return {Status(status): number for status, number in given["statuses"].items()}


def _stored(given: Mapping[str, Any]) -> Stored:
    return Stored(given["gib"], given["fullGib"])


def _finding(given: Mapping[str, Any]) -> Finding:
    return Finding(**{"source": None, **given, "kind": FindingKind(given["kind"])})


def _instant(text: str) -> datetime:
    return parse_instant(text, _UTC)


@contextmanager
def _reading(whose: str) -> Iterator[None]:
    """Take whatever is wrong with a document for what it is: one of another release, or of somebody else."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DocumentError(f"{whose} document cannot be read ({type(error).__name__}: {error})") from None
