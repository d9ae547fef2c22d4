"""The metrics of a run: their names and units, what each counts, and which of them are published. Pure."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Final

from lightkeeper.actions import Create, Delete, Outcome, Result
from lightkeeper.model import Plan, RecoveryPoint, Severity, Status
from lightkeeper.overview import Stored
from lightkeeper.run import Run

NAMESPACE: Final = "Lightkeeper"
_HOUR: Final = timedelta(hours=1)


class Unit(StrEnum):
    """CloudWatch's units, as far as they are used."""

    COUNT = "Count"
    GIGABYTES = "Gigabytes"
    NONE = "None"


class MetricName(StrEnum):
    """The metrics; without copies at most ten: CloudWatch's free tier."""

    RESOURCES_PROTECTED = "ResourcesProtected"
    RESOURCES_UNPROTECTED = "ResourcesUnprotected"
    RESOURCES_OVERDUE = "ResourcesOverdue"
    OLDEST_RECOVERY_POINT_HOURS = "OldestRecoveryPointHours"
    SNAPSHOTS_CREATED = "SnapshotsCreated"
    SNAPSHOTS_DELETED = "SnapshotsDeleted"
    SNAPSHOTS_FAILED = "SnapshotsFailed"
    TAG_PROBLEMS = "TagProblems"
    ACTIONS_DEFERRED = "ActionsDeferred"
    STORED_GIB = "StoredGiB"
    COPIES_OVERDUE = "CopiesOverdue"

    @property
    def unit(self) -> Unit:
        """What it counts in. CloudWatch has no unit for hours."""
        return _UNITS.get(self, Unit.COUNT)


_UNITS: Final = {
    MetricName.STORED_GIB: Unit.GIGABYTES,
    MetricName.OLDEST_RECOVERY_POINT_HOURS: Unit.NONE,
}
GAUGES: Final = frozenset(
    {
        MetricName.RESOURCES_PROTECTED,
        MetricName.RESOURCES_UNPROTECTED,
        MetricName.RESOURCES_OVERDUE,
        MetricName.OLDEST_RECOVERY_POINT_HOURS,
        MetricName.TAG_PROBLEMS,
        MetricName.STORED_GIB,
        MetricName.COPIES_OVERDUE,
    }
)
"""Metrics that say how everything stands; the others say what a run did."""
OF_COPIES: Final = frozenset({MetricName.COPIES_OVERDUE})
"""Those that are published only where there are copies in other Regions, or are to be."""
RUN_ENDED: Final = MetricName.ACTIONS_DEFERRED
"""Every run publishes it that came to its end and could tell people what they had to know, whatever failed in it: by
how often it comes, an alarm sees whether runs still work. Another metric for that would be the eleventh."""
ALARMING: Final = frozenset({MetricName.RESOURCES_OVERDUE, MetricName.SNAPSHOTS_FAILED, MetricName.TAG_PROBLEMS})
"""Those that alarms watch: zero is good news, so it has to be true."""


def measure(run: Run) -> dict[MetricName, float]:
    """Return the numbers of a run, as far as it could see.

    Protected, unprotected and overdue sources together are all sources that exist, except those that are switched off
    and those of a Region that could not be read. A source that waits for its first recovery point is unprotected.
    Without any recovery point there is no age of the oldest.
    """
    plan, sources = run.plan, run.plan.sources
    by_status = Counter(source.status for source in sources)
    unprotected = (Status.WAITING, Status.PROBLEM, Status.UNTAGGED)
    numbers: dict[MetricName, float] = {
        MetricName.RESOURCES_PROTECTED: by_status[Status.PROTECTED],
        MetricName.RESOURCES_UNPROTECTED: sum(by_status[status] for status in unprotected),
        MetricName.RESOURCES_OVERDUE: by_status[Status.OVERDUE],
        MetricName.SNAPSHOTS_CREATED: _count(run.outcomes, Create, Result.DONE),
        MetricName.SNAPSHOTS_DELETED: _count(run.outcomes, Delete, Result.DONE),
        MetricName.SNAPSHOTS_FAILED: _count(run.outcomes, Create, Result.FAILED)
        + sum(len(source.errors) for source in sources),
        MetricName.TAG_PROBLEMS: sum(
            1 for problem in plan.problems if problem.tag and problem.severity is not Severity.ADVICE
        ),
        MetricName.ACTIONS_DEFERRED: sum(1 for outcome in run.outcomes if outcome.result is Result.DEFERRED),
        MetricName.STORED_GIB: Stored.of(sources).full_gib,
    }
    copies = [copy for source in sources for copy in source.copies]
    if copies:
        numbers[MetricName.COPIES_OVERDUE] = sum(copy.overdue_since is not None for copy in copies)
    if oldest := longest_without(plan):
        numbers[MetricName.OLDEST_RECOVERY_POINT_HOURS] = round((plan.now - oldest.taken) / _HOUR, 2)
    return numbers


def publishable(run: Run, *, is_whole: bool, is_notified: bool = True) -> dict[MetricName, float]:
    """Return the numbers of a run that CloudWatch may have.

    While a list fails, no gauge is among them. Nor is good news that an alarm watches, while a list fails or is in
    doubt: an alarm must not end because nobody looks. Bad news is true all the same. Where the list is of a Region that
    only copies go to, that goes for what counts copies, alone.

    Parameters
    ----------
    run
        The run.
    is_whole
        Whether it saw all Regions of the settings as they stand now: else its gauges say nothing of the whole.
    is_notified
        Whether people were notified of what they have to know: else `RUN_ENDED` is not among them.
    """
    numbers = measure(run)
    withheld: set[MetricName] = set()
    if run.plan.unread or not is_whole:
        withheld |= GAUGES
    if run.plan.unread_copies:
        withheld |= OF_COPIES | {MetricName.STORED_GIB}
        # There are some of copies, too.
        withheld |= set() if numbers[MetricName.TAG_PROBLEMS] else {MetricName.TAG_PROBLEMS}
    if run.plan.unread or run.plan.doubted:
        withheld |= {name for name in ALARMING if not numbers[name]}
    if not is_notified:
        withheld.add(RUN_ENDED)
    return {name: value for name, value in numbers.items() if name not in withheld}


def longest_without(plan: Plan) -> RecoveryPoint | None:
    """Return the newest recovery point of the source with a policy that has had no new one for longest."""
    newest = [source.newest for source in plan.sources if source.policy and source.newest]
    return min(newest, key=lambda point: point.taken, default=None)


def _count(outcomes: Iterable[Outcome], kind: type[Create | Delete], result: Result) -> int:
    return sum(1 for outcome in outcomes if isinstance(outcome.action, kind) and outcome.result is result)
