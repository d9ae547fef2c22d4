"""The fleet's document into what the calendar shows of all accounts: counts, rows in order and page by page. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from lightkeeper.errors import counted
from lightkeeper.fleet import AccountState, Fleet, FleetRow
from lightkeeper.model import Status
from lightkeeper.overview import Health, Stored
from lightkeeper.settings import Settings
from lightkeeper.ticks import longest_gap_of_tick
from recovery_calendar.order import Column, Direction, Ordering, Value, cut, read_order, sort_rows

_TICKS_UNTIL_SILENT: Final = 3
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
_STATES: Final = tuple(AccountState)
_NOT_WANTED: Final = frozenset({Status.GONE, Status.OFF})
# Of a bar, in thousandths: one account of a thousand is still seen.
_WHOLE: Final = 1000
_THINNEST: Final = 12


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the fleet, as the last report has it. Its times are in the view's zone."""

    account: str
    """12 digits."""
    name: str | None
    state: AccountState
    since: datetime
    sentence: str
    """What is to be said of it."""
    protected: int
    wanted: int
    """Sources that exist and have not been switched off."""
    findings: int
    """How many things in it need a person."""
    stored: Stored
    seen: datetime | None
    """When a run could last look at all of it; None: never, as far as is known."""
    is_past: bool
    """Whether the last run could not look at all of it: the numbers are older ones, if there are any."""
    refuses: bool
    """Whether it has let Lightkeeper in, and does not any more."""

    @classmethod
    def of(cls, row: FleetRow, fleet: Fleet, zone: ZoneInfo) -> "Account":
        """Return a row of the document as it is shown."""
        return cls(
            account=row.account,
            name=row.name,
            state=row.state,
            since=row.since.astimezone(zone),
            sentence=row.sentence,
            protected=row.statuses.get(Status.PROTECTED, 0),
            wanted=sum(number for status, number in row.statuses.items() if status not in _NOT_WANTED),
            findings=row.findings,
            stored=row.stored,
            seen=row.seen.astimezone(zone) if row.seen else None,
            is_past=row.seen is None or row.seen < fleet.time,
            refuses=row.refuses,
        )

    @property
    def title(self) -> str:
        """Its name; its number where it has none."""
        return self.name or self.account


class FleetKey(Column):
    """What accounts can be sorted by."""

    STATE = "state"
    NAME = "name"
    SINCE = "since"
    PROTECTED = "protected"
    FINDINGS = "findings"
    COST = "cost"
    SEEN = "seen"

    @property
    def direction(self) -> Direction:
        """How its values run, unless the order is backwards."""
        match self:
            case FleetKey.STATE:
                return Direction.OTHER
            case FleetKey.FINDINGS | FleetKey.COST:
                return Direction.DESCENDING
            case _:
                return Direction.ASCENDING


@dataclass(frozen=True, slots=True)
class FleetOrder(Ordering[FleetKey]):
    """An order of accounts."""

    key: FleetKey = FleetKey.STATE


def parse_fleet_order(text: str) -> FleetOrder:
    """Return the order written as `name`, or `-name` for its reverse.

    Raises
    ------
    InvalidValueError
        If there is no such order.
    """
    return FleetOrder(*read_order(text, FleetKey))


@dataclass(frozen=True, slots=True)
class Share:
    """The accounts in a state."""

    state: AccountState
    accounts: int
    start: int
    width: int
    """Of its part of a bar, in thousandths; a thin part is drawn wider than it is, so that it is seen."""


@dataclass(frozen=True, slots=True)
class FleetView:
    """What is shown of the fleet: a page of accounts, and what goes for all of them."""

    now: datetime
    """In the zone, as are all times of the view."""
    zone: ZoneInfo
    time: datetime
    """Of the last report."""
    silence: str | None
    """What is to be said where the next report should long have come."""
    health: Health
    sentence: str
    shares: tuple[Share, ...]
    """The states that there are, the worst first."""
    rows: tuple[Account, ...]
    order: FleetOrder
    page: int
    """From 1."""
    pages: int
    page_size: int
    total: int
    """Accounts on all pages."""
    stored: Stored
    """On all pages."""
    deployment: str
    unlisted: tuple[str, ...]
    """Sentences: of which units the accounts could not be listed, and why."""
    dropped: tuple[str, ...]
    """Accounts that are no longer looked after, until everybody has been told so: names and numbers."""


def make_fleet_view(  # noqa: PLR0913 - a view has that many sides
    fleet: Fleet,
    settings: Settings,
    now: datetime,
    *,
    order: FleetOrder | None = None,
    page: int = 1,
    page_size: int | None = None,
) -> FleetView:
    """Return what the calendar shows of the fleet.

    Parameters
    ----------
    fleet
        The last report.
    settings
        The deployment's; times are those of its zone.
    now
        UTC.
    order
        Of the accounts; None: the worst first.
    page, page_size
        Which accounts. A page past the last is the last; no size is all of them on one page.
    """
    zone = settings.time_zone
    order = order or FleetOrder()
    rows = order_accounts((Account.of(row, fleet, zone) for row in fleet.rows), order)
    shown = cut(rows, page, page_size)
    silence = silence_of(fleet, settings, now)
    return FleetView(
        now=now.astimezone(zone),
        zone=zone,
        time=fleet.time.astimezone(zone),
        silence=silence,
        health=Health.UNKNOWN if silence else fleet.health,
        sentence=fleet.sentence,
        shares=_shares(fleet.counts),
        rows=shown.rows,
        order=order,
        page=shown.number,
        pages=shown.pages,
        page_size=shown.size,
        total=len(rows),
        stored=fleet.stored,
        deployment=fleet.deployment,
        unlisted=fleet.unlisted,
        dropped=tuple(row.label for row in fleet.dropped),
    )


def order_accounts(accounts: Iterable[Account], order: FleetOrder | None = None) -> list[Account]:
    """Sort accounts, by name within what is equal; None: the worst first."""
    return sort_rows(accounts, order or FleetOrder(), value=_value, name=_name)


def silence_of(fleet: Fleet, settings: Settings, now: datetime) -> str | None:
    """Return what is to be said at `now` (UTC) where three ticks have passed since the last report; else None."""
    age = now - fleet.time
    if age <= _TICKS_UNTIL_SILENT * longest_gap_of_tick(settings.tick):
        return None
    time = fleet.time.astimezone(settings.time_zone)
    return (
        f"As of {time.day} {time:%b %Y %H:%M}, {long_span(age)} ago; since then no report. Nobody knows how the "
        "accounts stand now: look at the last executions of the state machine in Step Functions"
    )


def long_span(time: timedelta) -> str:
    """Return a length of time in its largest unit, in words: `3 days`, `9 hours`, `1 minute`."""
    time = abs(time)
    if time >= 2 * _DAY:
        return counted(time // _DAY, "day")
    return counted(time // _HOUR, "hour") if time >= _HOUR else counted(time // _MINUTE, "minute")


def _shares(counts: Mapping[AccountState, int]) -> tuple[Share, ...]:
    there = [(state, counts[state]) for state in _STATES if counts[state]]
    total = sum(number for _, number in there)
    widths = [max(_WHOLE * number / total, _THINNEST) for _, number in there]
    shares: list[Share] = []
    for (state, number), width in zip(there, widths, strict=True):
        start = shares[-1].start + shares[-1].width if shares else 0
        shares.append(Share(state, number, start, round(width * _WHOLE / sum(widths))))
    return tuple(shares)


def _name(account: Account) -> tuple[str, str]:
    return (account.name or "").casefold(), account.account


def _value(account: Account, key: FleetKey) -> Value | None:  # noqa: PLR0911 - one for each order
    match key:
        case FleetKey.STATE:
            return account.state.rank
        case FleetKey.NAME:
            return _name(account)
        case FleetKey.SINCE:
            return account.since.timestamp()
        case FleetKey.PROTECTED:
            return account.protected / account.wanted if account.wanted else None
        case FleetKey.FINDINGS:
            return -account.findings if account.findings else None
        case FleetKey.COST:
            return -account.stored.gib if account.stored.gib else None
        case FleetKey.SEEN:
            return account.seen.timestamp() if account.seen else None
        case _:
            assert_never(key)
