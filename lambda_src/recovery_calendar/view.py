"""A plan into what the calendar shows: rows with their strips, in order and page by page, and one sentence. Pure.

Its days and times are those of content: when a snapshot was taken, never the slot that it was taken for.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Final, TypeAlias, assert_never
from zoneinfo import ZoneInfo

from lightkeeper.actions import CancelDeletion, Copy, Create, Defer, Delete, RemoveHold, ScheduleDeletion
from lightkeeper.errors import did_you_mean
from lightkeeper.kinds import SourceKind
from lightkeeper.model import (
    CopyStatus,
    Inventory,
    Plan,
    Problem,
    ReadFailure,
    RecoveryPoint,
    Severity,
    SnapshotState,
    SourceStatus,
    Status,
)
from lightkeeper.overview import (
    Health,
    Overview,
    Stored,
    empty_regions,
    is_open,
    is_overdue_by_errors,
    said_of_copies,
    what_follows,
    what_helps,
    what_helps_stopped,
    why_overdue,
    why_stopped,
)
from lightkeeper.restorable import Restorable, restorable
from lightkeeper.sender import Sender
from lightkeeper.settings import Settings
from recovery_calendar.order import Column, Direction, Ordering, Value, cut, read_order, sort_rows

DAYS: Final = 30
"""How far back a strip goes, today included."""
_HOURS: Final = 24
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
# What wants a person first.
_STATUSES: Final = (
    Status.OVERDUE,
    Status.PROBLEM,
    Status.UNKNOWN,
    Status.WAITING,
    Status.PROTECTED,
    Status.GONE,
    Status.UNTAGGED,
    Status.OFF,
)
# What is no longer backed up comes after the statuses that want a person, and before all others with their notes.
_A_LITTLE: Final = 0.25
_SEVERITIES: Final = (Severity.ERROR, Severity.WARNING, Severity.ADVICE)


class Mark(StrEnum):
    """What is to be said of a recovery point, the weightiest last."""

    PENDING = "pending"
    """Still being taken."""
    EXPIRING = "expiring"
    """Its deletion is scheduled or due, and nothing keeps it."""
    KEPT = "kept"
    HELD = "held"
    """A user's hold keeps it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A recovery point on a strip."""

    wall: datetime
    """When it was taken, in the view's zone."""
    slot: datetime
    """For which slot, UTC."""
    mark: Mark


@dataclass(frozen=True, slots=True)
class Run:
    """Hours on end of a day to which a source can be recovered."""

    start: int
    hours: int
    mark: Mark


@dataclass(frozen=True, slots=True)
class Day:
    """A cell of a strip."""

    date: date
    moments: tuple[Moment, ...]
    """Oldest first."""
    missed: bool
    """Whether its source is overdue since that day or an earlier one, and nothing was taken on it."""

    @property
    def mark(self) -> Mark | None:
        """The weightiest mark of the day; None for a gap."""
        return max((moment.mark for moment in self.moments), key=list(Mark).index, default=None)

    @property
    def runs(self) -> tuple[Run, ...]:
        """The day's hours; a single recovery point stands for the whole day."""
        if len(self.moments) == 1:
            return (Run(0, _HOURS, self.moments[0].mark),)
        marks = {moment.wall.hour: moment.mark for moment in self.moments}
        # Hours on end have the same difference from their rank.
        ranked = enumerate(sorted(marks))
        runs = (list(group) for _, group in groupby(ranked, lambda pair: (pair[1] - pair[0], marks[pair[1]])))
        return tuple(Run(run[0][1], len(run), marks[run[0][1]]) for run in runs)


@dataclass(frozen=True, slots=True)
class Period:
    """Days on end."""

    first: date
    last: date


def periods(days: Iterable[date]) -> tuple[Period, ...]:
    """Return the periods that these days make, in their order; `days` are ascending."""
    made: list[Period] = []
    for day in days:
        if made and day - made[-1].last == _DAY:
            made[-1] = Period(made[-1].first, day)
        else:
            made.append(Period(day, day))
    return tuple(made)


@dataclass(frozen=True, slots=True)
class Expiring:
    """A snapshot that is about to expire."""

    snapshot: str
    at: datetime
    """From when it may be deleted, in the view's zone."""


@dataclass(frozen=True, slots=True)
class Held:
    """A snapshot that a user's hold keeps."""

    snapshot: str
    by: str
    """What holds it, and until when."""


@dataclass(frozen=True, slots=True)
class Row:
    """A source."""

    name: str
    kind: SourceKind
    region: str
    status: Status
    policy: str | None
    schedule: str | None
    keep: str | None
    days: tuple[Day, ...]
    """Oldest first, today last."""
    points: int
    """How many it can be recovered to, of whatever age."""
    older: int
    """How many of them were taken before the strip begins."""
    newest: datetime | None
    oldest: datetime | None
    next: datetime | None
    expiring: tuple[Expiring, ...]
    """Soonest first."""
    held: tuple[Held, ...]
    failed: tuple[str, ...]
    """Snapshots that ended in error and that no newer one has replaced."""
    is_overdue_by_errors: bool
    """Whether it is overdue because of those: then `why` speaks of them."""
    included_in: str | None
    """Of a disk: the instance whose snapshots hold it."""
    overdue_since: datetime | None
    """The first slot that it missed, in the view's zone, where it is overdue."""
    stopped: bool
    """Whether it has recovery points and is no longer backed up."""
    wants: bool
    """Whether it wants a person, since it is overdue or no longer backed up."""
    why: str | None
    """Why it is overdue or no longer backed up."""
    helps: str | None
    """What to do about that."""
    restored_as: str | None
    """Of one that is gone: under which name a restore has brought it back."""
    copies: tuple[CopyStatus, ...]
    """In other Regions, those that want a person first."""
    copies_said: tuple[str, ...]
    """The same in sentences."""
    restorable: Restorable | None
    """How much of it its newest recovery point brings back; None where there is none."""
    restorable_why: str | None
    """Why not the whole."""
    notes: tuple[Problem, ...]
    """What is wrong with it, the worst first."""
    size_gib: int | None
    """Of the source, by its newest recovery point."""
    stored: Stored
    """What all its recovery points store, and cost."""

    @property
    def usd(self) -> float:
        """What they cost a month: an estimate."""
        return self.stored.usd

    @property
    def recoverable(self) -> tuple[Period, ...]:
        """The days of the strip to which it can be recovered, days on end as one period, oldest first."""
        return periods(day.date for day in self.days if day.mark not in {None, Mark.PENDING})

    @property
    def failed_besides(self) -> tuple[str, ...]:
        """Snapshots that ended in error, where `why` does not speak of them."""
        return () if self.is_overdue_by_errors else self.failed


class SortKey(Column):
    """What rows can be sorted by."""

    STATUS = "status"
    NAME = "name"
    NEWEST = "newest"
    NEXT = "next"
    EXPIRES = "expires"
    SIZE = "size"
    COST = "cost"

    @property
    def direction(self) -> Direction:
        """How its values run, unless the order is backwards."""
        match self:
            case SortKey.STATUS:
                return Direction.OTHER
            case SortKey.SIZE | SortKey.COST:
                return Direction.DESCENDING
            case _:
                return Direction.ASCENDING


@dataclass(frozen=True, slots=True)
class Order(Ordering[SortKey]):
    """An order of sources."""

    key: SortKey = SortKey.STATUS


def parse_order(text: str) -> Order:
    """Return the order written as `name`, or `-name` for its reverse.

    Raises
    ------
    InvalidValueError
        If there is no such order.
    """
    return Order(*read_order(text, SortKey))


@dataclass(frozen=True, slots=True)
class View:
    """What is shown: a page of rows, and what goes for all of them."""

    now: datetime
    """In the zone, as are all times of the view."""
    zone: ZoneInfo
    days: tuple[date, ...]
    health: Health
    sentence: str
    rows: tuple[Row, ...]
    order: Order
    page: int
    """From 1."""
    pages: int
    page_size: int
    total: int
    """Sources on all pages."""
    stored: Stored
    """On all pages."""
    deployment: str
    account: str | None
    """Whose sources they are, as their ARNs say; None where there are none, or of several accounts."""
    regions: tuple[str, ...]
    """Which Regions were looked at."""
    others: tuple[Problem, ...]
    """Problems of no source that is listed."""
    failures: tuple[ReadFailure, ...]
    doubted: tuple[str, ...]
    """Regions of which a list is not believed."""
    empty: tuple[str, ...]
    """In which of them there is nothing to back up."""
    elsewhere: Mapping[str, int] | None
    """Recovery points in Regions that nobody looks after; None where nobody looked."""
    unseen: tuple[ReadFailure, ...]
    """Of those Regions: what could not be read."""

    @property
    def period(self) -> Period:
        """The days of the strips."""
        return Period(self.days[0], self.days[-1])


def make_view(  # noqa: PLR0913 - a view has that many sides
    plan: Plan,
    settings: Settings,
    order: Order | None = None,
    page: int = 1,
    page_size: int | None = None,
    *,
    elsewhere: Inventory | None = None,
    sender: Sender | None = None,
) -> View:
    """Return what the calendar shows of a plan.

    Parameters
    ----------
    plan
        What there is, and what becomes of it.
    settings
        The deployment's; days and times are those of its zone.
    order
        Of the rows; None: the worst first.
    page, page_size
        Which rows. A page past the last is the last; no size is all of them on one page.
    elsewhere
        What was found in Regions that nobody looks after; None where nobody looked.
    sender
        Whose sources they are: then the commands that help work without the deployment's files, and in that account.
    """
    zone = settings.time_zone
    order = order or Order()
    now = plan.now.astimezone(zone)
    days = tuple(now.date() - _DAY * back for back in reversed(range(DAYS)))
    facts = _Facts.of(plan)
    rows = sort_rows(
        (_row(source, facts, days, settings, sender) for source in plan.sources), order, value=_value, name=_name
    )
    shown = cut(rows, page, page_size)
    listed = {source.arn for source in plan.sources}
    overview = Overview.of(plan, elsewhere)
    return View(
        now=now,
        zone=zone,
        days=days,
        health=overview.health,
        sentence=overview.sentence(settings),
        rows=shown.rows,
        order=order,
        page=shown.number,
        pages=shown.pages,
        page_size=shown.size,
        total=len(rows),
        stored=Stored.of(plan.sources),
        deployment=settings.deployment,
        account=_account(plan.sources),
        regions=plan.regions,
        others=tuple(problem for problem in plan.problems if problem.arn not in listed),
        failures=plan.failures,
        doubted=plan.doubted,
        empty=empty_regions(plan),
        elsewhere=overview.elsewhere if elsewhere else None,
        unseen=elsewhere.failures if elsewhere else (),
    )


def _account(sources: Iterable[SourceStatus]) -> str | None:
    # arn:aws:lightsail:<Region>:<account>:<what>
    accounts = {account for source in sources for account in source.arn.split(":")[4:5]}
    return accounts.pop() if len(accounts) == 1 else None


def span(time: timedelta) -> str:
    """Return a length of time in its largest unit: `3 d`, `9 h`, `5 min`."""
    time = abs(time)
    if time >= 2 * _DAY:
        return f"{time // _DAY} d"
    return f"{time // _HOUR} h" if time >= _HOUR else f"{time // _MINUTE} min"


_Point: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the plan says of single snapshots, by Region and name, and of sources, by ARN."""

    now: datetime
    held: Mapping[_Point, str]
    expiring: Mapping[_Point, datetime]
    problems: Mapping[str, Sequence[Problem]]

    @classmethod
    def of(cls, plan: Plan) -> "_Facts":
        problems: defaultdict[str, list[Problem]] = defaultdict(list)
        for problem in plan.problems:
            if problem.arn:
                problems[problem.arn].append(problem)
        return cls(
            now=plan.now,
            held={(kept.point.region, kept.point.name): ", ".join(kept.reasons) for kept in plan.kept if kept.held},
            expiring=dict(_expiring(plan)),
            problems=problems,
        )

    def mark(self, point: RecoveryPoint) -> Mark:
        if (point.region, point.name) in self.held:
            return Mark.HELD
        return Mark.EXPIRING if (point.region, point.name) in self.expiring else Mark.KEPT


def _expiring(plan: Plan) -> Iterator[tuple[_Point, datetime]]:
    """Yield the snapshots that nothing keeps, with the time from which they may be deleted (UTC)."""
    for kept in plan.kept:
        if kept.expires_at:
            yield (kept.point.region, kept.point.name), kept.expires_at
    for action in plan.actions:
        target = action.target
        match action:
            case ScheduleDeletion(expires_at=at):
                yield (target.region, target.snapshot), at
            case Delete() | Defer():
                yield (target.region, target.snapshot), plan.now
            case Create() | Copy() | CancelDeletion() | RemoveHold():
                pass
            case _:
                assert_never(action)


def _row(source: SourceStatus, facts: _Facts, days: Sequence[date], settings: Settings, sender: Sender | None) -> Row:
    zone = settings.time_zone

    def wall(instant: datetime | None) -> datetime | None:
        return instant.astimezone(zone) if instant else None

    policy, newest = source.policy, source.newest
    expiring = (
        Expiring(point.name, facts.expiring[point.region, point.name].astimezone(zone))
        for point in source.usable
        if facts.mark(point) is Mark.EXPIRING
    )
    notes = facts.problems.get(source.arn, ())
    why, helps = _why_and_help(source, settings, sender)
    how_much, why_in_part = restorable(source)
    return Row(
        name=source.name,
        kind=source.kind,
        region=source.region,
        status=source.status,
        policy=policy.name if policy else None,
        schedule=str(policy.schedule) if policy else None,
        keep=str(policy.keep) if policy else None,
        days=_days(source, facts, days, zone),
        points=len(source.usable),
        older=sum(point.taken.astimezone(zone).date() < days[0] for point in source.usable),
        newest=wall(newest.taken) if newest else None,
        oldest=wall(source.usable[-1].taken) if source.usable else None,
        next=wall(source.next_slot),
        expiring=tuple(sorted(expiring, key=lambda each: each.at)),
        held=tuple(
            Held(point.name, facts.held[point.region, point.name])
            for point in source.usable
            if facts.mark(point) is Mark.HELD
        ),
        failed=tuple(point.name for point in source.errors),
        is_overdue_by_errors=is_overdue_by_errors(source),
        included_in=source.included_in,
        overdue_since=wall(source.overdue_since),
        stopped=source.has_stopped,
        wants=source.overdue_since is not None or is_open(source, facts.now),
        why=why,
        helps=helps,
        restored_as=source.restored_as,
        copies=(copies := tuple(sorted(source.copies, key=lambda copy: copy.overdue_since is None))),
        copies_said=tuple(said_of_copies(copy, zone) for copy in copies),
        restorable=how_much,
        restorable_why=why_in_part,
        notes=tuple(sorted(notes, key=lambda problem: _SEVERITIES.index(problem.severity))),
        size_gib=newest.size_gib if newest else None,
        stored=Stored.of((source,)),
    )


def _why_and_help(source: SourceStatus, settings: Settings, sender: Sender | None) -> tuple[str | None, str | None]:
    if source.overdue_since:
        return why_overdue(source, settings.time_zone), str(what_helps(source, sender))
    if source.has_stopped:
        return why_stopped(source, settings), str(what_helps_stopped(source, settings, sender))
    return None, None


def _days(source: SourceStatus, facts: _Facts, days: Sequence[date], zone: ZoneInfo) -> tuple[Day, ...]:
    moments: defaultdict[date, list[Moment]] = defaultdict(list)
    for point in (*source.usable, *source.pending):
        mark = Mark.PENDING if point.state is SnapshotState.PENDING else facts.mark(point)
        moment = Moment(point.taken.astimezone(zone), point.slot, mark)
        moments[moment.wall.date()].append(moment)
    since = source.overdue_since.astimezone(zone).date() if source.overdue_since else None
    return tuple(
        Day(
            date=day,
            moments=tuple(sorted(moments[day], key=lambda moment: moment.wall)) if day in moments else (),
            missed=day not in moments and since is not None and since <= day,
        )
        for day in days
    )


def _name(row: Row) -> tuple[str, str]:
    return row.name.casefold(), row.region


def _value(row: Row, key: SortKey) -> Value | None:  # noqa: PLR0911 - one for each order
    match key:
        case SortKey.STATUS:
            return _trouble(row)
        case SortKey.NAME:
            return _name(row)
        case SortKey.NEWEST:
            return row.newest.timestamp() if row.newest else None
        case SortKey.NEXT:
            return row.next.timestamp() if row.next else None
        case SortKey.EXPIRES:
            return row.expiring[0].at.timestamp() if row.expiring else None
        case SortKey.SIZE:
            return -row.size_gib if row.size_gib else None
        case SortKey.COST:
            return -row.usd if row.usd else None
        case _:
            assert_never(key)


def _trouble(row: Row) -> float:
    if row.stopped and row.wants:
        return _STATUSES.index(Status.UNKNOWN) + _A_LITTLE
    late = any(copy.overdue_since for copy in row.copies)
    noted = any(note.severity is not Severity.ADVICE for note in row.notes) or bool(row.failed) or late
    return _STATUSES.index(row.status) - noted / 2


def suggestions(problems: Iterable[Problem]) -> Iterator[str]:
    """Yield each problem as a sentence that says what follows from it, and what to do."""
    for problem in problems:
        tag = f"{problem.tag}={problem.value}: " if problem.tag else ""
        yield f"{tag}{problem.message}{what_follows(problem)}{did_you_mean(problem.suggestion)}"
