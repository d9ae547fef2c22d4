"""How everything stands, in a word and a sentence; what is to be said of a source that is not as it should be. Pure.

Terminal, dashboard and message take it from here, so that they never say different things.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from lightkeeper.commands import keeper_command
from lightkeeper.errors import counted
from lightkeeper.kinds import ANY_SOURCE, LISTINGS
from lightkeeper.model import (
    CopyStatus,
    Inventory,
    Plan,
    Problem,
    Prune,
    RecoveryPoint,
    Severity,
    SnapshotState,
    SourceStatus,
    Status,
)
from lightkeeper.pricing import stored_gib, usd_per_month
from lightkeeper.sender import Sender
from lightkeeper.settings import Settings
from lightkeeper.times import format_minute

_OPEN_FOR: Final = timedelta(days=90)
# What exists and has not been switched off.
_WANTED: Final = (
    Status.PROTECTED,
    Status.WAITING,
    Status.OVERDUE,
    Status.PROBLEM,
    Status.UNKNOWN,
    Status.UNTAGGED,
)

_FOLLOWS: Final = {
    Severity.ERROR: "; until then no snapshot of it is taken, and none is deleted",
    Severity.WARNING: "; until then no snapshot of it is deleted",
    Severity.ADVICE: "",
}


class Health(StrEnum):
    """How everything stands, in a word."""

    OK = "ok"
    """All that is not switched off is protected."""
    WAITING = "waiting"
    """Nothing is wrong, but something is not protected yet, or has no tag, or there is nothing to protect."""
    DEGRADED = "degraded"
    """Something is overdue, has a problem, is no longer backed up, or is in doubt."""
    UNKNOWN = "unknown"
    """Something could not be read, so nobody can tell."""


@dataclass(frozen=True, slots=True)
class Overview:
    """How everything stands, counted."""

    counts: Mapping[Status, int]
    """Sources, by how they stand."""
    unread: int
    """Lists that could not be read."""
    doubted: tuple[str, ...]
    """Regions of which a list is not believed."""
    problems: int
    """Those that hold something back, except lists in doubt: `doubted` has them."""
    stopped: int
    """Sources that are no longer backed up, while that wants a person."""
    deleted: int
    """Sources that are gone and have recovery points, once that wants nobody any more."""
    elsewhere: Mapping[str, int]
    """Recovery points in Regions that nobody looks after, where there are any."""
    unpruned: int
    """Recovery points that nothing keeps but that nothing is pruned."""
    copies_overdue: int = 0
    """In other Regions: of how many sources a copy is overdue, each Region counted."""
    unread_copies: tuple[str, ...] = ()
    """Regions that only copies go to, and in which a list could not be read."""

    @classmethod
    def of(cls, plan: Plan, elsewhere: Inventory | None = None) -> "Overview":
        """Return how everything stands. `elsewhere` is what was found in Regions that nobody looks after."""
        return cls(
            counts=Counter(source.status for source in plan.sources),
            unread=len(plan.unread),
            unread_copies=plan.unread_copies,
            doubted=plan.doubted,
            problems=sum(_counts(problem) for problem in plan.problems),
            stopped=sum(is_open(source, plan.now) for source in plan.sources),
            deleted=sum(
                source.status is Status.GONE
                and (source.has_stopped or source.restored_as is not None)
                and not is_open(source, plan.now)
                for source in plan.sources
            ),
            elsewhere=_usable_elsewhere(elsewhere),
            unpruned=sum(kept.unpruned for kept in plan.kept),
            copies_overdue=sum(1 for source in plan.sources for copy in source.copies if copy.overdue_since),
        )

    @property
    def health(self) -> Health:
        """How everything stands, in a word."""
        if self.unread:
            return Health.UNKNOWN
        troubles = self.counts[Status.OVERDUE], self.copies_overdue, self.problems, self.stopped
        if self.doubted or any(troubles) or self.elsewhere or self.unread_copies:
            return Health.DEGRADED
        return Health.OK if self.counts[Status.PROTECTED] == self.wanted > 0 else Health.WAITING

    def sentence(self, settings: Settings) -> str:
        """Return the same in a sentence: what wants a person first, and always what is not backed up."""
        troubles = (
            (self.counts[Status.OVERDUE], "{} overdue", "source"),
            (self.copies_overdue, "{} in another Region overdue", "copy"),
            (self.problems, "{}", "problem"),
            (self.stopped, "{} no longer backed up", "source"),
        )
        forgotten = ", ".join(
            counted(number, "recovery point") + f" in {name}" for name, number in self.elsewhere.items()
        )
        facts = (
            f"cannot tell how everything stands: {counted(self.unread, 'list')} could not be read"
            if self.unread
            else "",
            f"a list of {', '.join(self.doubted)} is in doubt" if self.doubted else "",
            f"nobody can tell of the copies in {', '.join(self.unread_copies)}: a list there could not be read"
            if self.unread_copies
            else "",
            ", ".join(said.format(counted(number, noun)) for number, said, noun in troubles if number),
            f"{forgotten}, which nobody looks after" if forgotten else "",
            self._protected(settings),
            *self._rest(),
            self.without_pruning(settings) or "",
        )
        said = "; ".join(filter(None, facts))
        return f"{said[0].upper()}{said[1:]}."

    def without_pruning(self, settings: Settings) -> str | None:
        """Return what pruning would come to, where it is off."""
        if settings.prune is not Prune.OFF:
            return None
        return f"prune is off: {self.unpruned or 'nothing'} would be scheduled for deletion"

    @property
    def wanted(self) -> int:
        """Sources that exist and have not been switched off."""
        return sum(self.counts[status] for status in _WANTED)

    def _protected(self, settings: Settings) -> str:
        """Return how much of what is not switched off is protected; what has no tag counts, it is not."""
        protected, wanted = self.counts[Status.PROTECTED], self.wanted
        if self.unread:
            return f"of {counted(wanted, 'source')} seen, {protected} protected" if wanted else ""
        if self.counts[Status.UNTAGGED] == wanted:
            if wanted:
                return f'nothing is backed up: {counted(wanted, "source")} without the tag "{settings.tag_key}"'
            no_tag = f': no {ANY_SOURCE} has the tag "{settings.tag_key}"'
            return f"nothing is backed up{'' if self.counts[Status.OFF] else no_tag}"
        if protected == wanted:
            return f"all {wanted} sources protected" if wanted > 1 else "the one source is protected"
        return f"{protected} of {counted(wanted, 'source')} protected"

    def _rest(self) -> Iterator[str]:
        """Yield what is said of the sources that are not protected, and want nobody at once."""
        if number := self.counts[Status.UNKNOWN]:
            yield f"{number} unknown"
        if number := self.counts[Status.WAITING]:
            yield f"{number} waiting for a first recovery point"
        # Where nothing at all is backed up, that has been said.
        if (number := self.counts[Status.UNTAGGED]) and (self.unread or number < self.wanted):
            yield f"{number} not backed up"
        if number := self.counts[Status.OFF]:
            yield f"{number} switched off"
        if self.deleted:
            yield f"{counted(self.deleted, 'deleted source')} with recovery points"


def _counts(problem: Problem) -> bool:
    """Return whether a problem holds something back, and is not the one that says that a list is in doubt."""
    return problem.severity is not Severity.ADVICE and not is_doubt(problem)


def is_doubt(problem: Problem) -> bool:
    """Return whether a problem is the one that says that a list is in doubt."""
    return problem.arn is None and problem.source in LISTINGS


def _usable_elsewhere(elsewhere: Inventory | None) -> dict[str, int]:
    """Return how many recovery points there are in each Region that nobody looks after, where there are any."""
    points = elsewhere.points if elsewhere else ()
    usable = Counter(point.region for point in points if point.state is SnapshotState.USABLE)
    return dict(sorted(usable.items()))


@dataclass(frozen=True, slots=True)
class Stored:
    """What recovery points store and cost: the estimate that everything says, and the most that it can be."""

    gib: float
    """Estimated by `pricing.stored_gib`."""
    full_gib: float
    """With each recovery point at its full size, as the metric `StoredGiB` counts them: no bill is higher."""

    @classmethod
    def of(cls, sources: Iterable[SourceStatus]) -> "Stored":
        """Return what the usable recovery points of these sources store together, copies in other Regions too."""
        gib = full_gib = 0.0
        for source in sources:
            # Each Region has all of a source once.
            for usable in (source.usable, *(copy.usable for copy in source.copies)):
                size = usable[0].size_gib if usable else 0
                full = sum(point.size_gib for point in usable)
                # Where kinds of snapshots are mixed, older ones may be smaller than the newest.
                gib += min(stored_gib((point.taken for point in usable), size), full)
                full_gib += full
        return cls(gib, full_gib)

    @property
    def usd(self) -> float:
        """What it costs a month, in USD: the estimate."""
        return usd_per_month(self.gib)

    @property
    def most_usd(self) -> float:
        """What it costs a month at most, in USD."""
        return usd_per_month(self.full_gib)

    def __str__(self) -> str:
        """Return both in words: `about 633 GiB, 31.67 USD a month (at full size at most 236.40)`."""
        return f"about {self.gib:,.0f} GiB, {self.usd:,.2f} USD a month (at full size at most {self.most_usd:,.2f})"


def why_overdue(source: SourceStatus, zone: ZoneInfo) -> str:
    """Return why nothing usable covers an overdue source's slots, as far as its snapshots say, times in `zone`."""
    if source.included_in:
        return f"the newest whole snapshot of {source.included_in} that includes it is older"
    if source.is_stuck:
        return f"snapshot {_hangs(source.pending, zone)}"
    if is_overdue_by_errors(source):
        last, number = source.errors[0], len(source.errors)
        before = f" and {number - 1} before it" if number > 1 else ""
        following = (
            f"; the next attempt is due at {format_minute(source.next_attempt, zone)}" if source.next_attempt else ""
        )
        return f"snapshot {last.name} of {format_minute(last.taken, zone)}{before} ended in error{following}"
    return source.not_now or "no snapshot was started, or Lightsail refused it; the log of the last runs says why"


def _hangs(pending: Iterable[RecoveryPoint], zone: ZoneInfo) -> str:
    """Return which of what is pending has been so for longest, and since when, times in `zone`."""
    oldest = min(pending, key=lambda point: point.made)
    return f"{oldest.name} has been pending since {format_minute(oldest.made, zone)}"


def is_overdue_by_errors(source: SourceStatus) -> bool:
    """Return whether a source is overdue because its snapshots ended in error: then `why_overdue` speaks of them."""
    is_otherwise = source.included_in or source.is_stuck
    return source.overdue_since is not None and bool(source.errors) and not is_otherwise


@dataclass(frozen=True, slots=True)
class Help:
    """What a person can do."""

    words: str
    command: str | None = None
    """As it can be pasted."""

    def __str__(self) -> str:
        """Return both on one line."""
        return f"{self.words}: {self.command}" if self.command else self.words


def what_helps(source: SourceStatus, sender: Sender | None = None) -> Help:
    """Return what to do about an overdue source; with its `sender`, a command works without the deployment's files."""
    if source.not_now and source.is_stuck:
        return Help("wait; if that snapshot never ends, delete it, and ask AWS support why")
    if source.not_now:
        return Help("start it, or wait until it is available: then the next run takes one")
    return Help("take one now", take_command(source, sender))


def take_command(source: SourceStatus, sender: Sender | None = None) -> str:
    """Return the command that takes a recovery point of a source."""
    return command_for(sender, "take", source.name, "--kind", source.kind, "--region", source.region)


def command_for(sender: Sender | None, *words: str) -> str:
    """Return a command of `lightkeeper` to paste: about the sender's deployment, or with the files at hand."""
    return sender.command(*words) if sender else keeper_command(*words)


def said_of_copies(copy: CopyStatus, zone: ZoneInfo) -> str:
    """Return how the copies of a source in another Region stand, in a sentence, times in `zone`."""
    newest = f"the newest of {format_minute(copy.newest.taken, zone)}" if copy.newest else None
    there = f"{counted(len(copy.usable), 'recovery point')} in {copy.region}, {newest}" if newest else ""
    there = ", ".join(filter(None, (there, *_goes_and_stays(copy, zone))))
    if copy.is_unknown:
        return f"copies in {copy.region} cannot be told of: a list could not be read"
    if copy.overdue_since:
        why = ""
        if copy.errors:
            why = f"; copy {copy.errors[0].name} ended in error"
        elif copy.taken_over:
            why = f"; {copy.taken_over[-1]} has the name of a copy, and tags that are not ours"
        elif copy.pending:
            why = f"; copy {copy.pending[0].name} is being made"
        return (
            f"copy in {copy.region} overdue since {format_minute(copy.overdue_since, zone)}{why}; "
            f"{there or 'there is none yet'}"
        )
    if copy.is_stuck and copy.pending:
        hangs = f"copy {_hangs(copy.pending, zone)}"
        there = f"{there}; {hangs}" if there else hangs
    if there:
        return there if copy.is_wanted else f"{there}; none is added any more"
    return f"copy in {copy.region} is being made" if copy.pending else f"no copy in {copy.region} yet"


def _goes_and_stays(copy: CopyStatus, zone: ZoneInfo) -> Iterator[str]:
    """Yield how many copies are scheduled for deletion, and how many a hold keeps, times in `zone`."""
    going = [point.expires_at for point in copy.expiring if point.expires_at]
    if going:
        yield f"{len(going)} scheduled for deletion from {format_minute(min(going), zone)} on"
    if copy.held:
        yield f"{copy.held} on hold"


def what_follows(problem: Problem) -> str:
    """Return what comes of a tag that Lightkeeper does not understand, as it stands behind the problem's message."""
    return _FOLLOWS[problem.severity] if problem.tag else ""


def why_stopped(source: SourceStatus, settings: Settings) -> str:
    """Return why a source that has recovery points is no longer backed up."""
    match source.status:
        case Status.GONE:
            return "it is gone"
        case Status.OFF:
            return f'its tag "{settings.tag_key}" says "off"'
        case _:
            return f'it has no tag "{settings.tag_key}"'


def what_helps_stopped(source: SourceStatus, settings: Settings, sender: Sender | None = None) -> Help:
    """Return what to do about a source that is no longer backed up."""
    match source.status:
        case Status.GONE:
            # Copies may be all that is left.
            away = (copy.region for copy in source.copies if copy.usable and not source.usable)
            restore = command_for(sender, "restore", source.name, "--region", next(away, source.region))
            return Help("if it was deleted by mistake, bring it back", restore)
        case Status.OFF:
            return Help(
                f'if you did not mean that, give it a policy: "{settings.tag_key}" = "{settings.default_policy}"'
            )
        case _:
            return Help(
                f'tag it again: "{settings.tag_key}" = "{settings.default_policy}"; or, if you meant it, say so: '
                f'"{settings.tag_key}" = "off"'
            )


def is_open(source: SourceStatus, now: datetime) -> bool:
    """Return whether a source that has stopped still wants a person at `now` (UTC).

    One without a tag does for as long as it has recovery points. One that is switched off or gone may be meant so: it
    does for 90 days from the first slot on that was missed.
    """
    if not source.has_stopped:
        return False
    return source.status is Status.UNTAGGED or (
        source.stopped_since is not None and source.stopped_since > now - _OPEN_FOR
    )


def is_news(copy: CopyStatus, now: datetime) -> bool:
    """Return whether people have to know at `now` (UTC) that a source is not copied into a Region any more.

    That may be meant so: it goes for 90 days, as for a source that is switched off.
    """
    return copy.stopped_since is not None and copy.stopped_since > now - _OPEN_FOR


def empty_regions(plan: Plan) -> tuple[str, ...]:
    """Return the Regions in which there is nothing to back up: all their lists were read, and are believed."""
    seen = {source.region for source in plan.sources if source.status is not Status.GONE}
    seen.update(plan.doubted, (failure.region for failure in plan.failures))
    return tuple(region for region in dict.fromkeys(plan.regions) if region not in seen)
