"""Outcomes into what people and machines read: one document, log lines, a summary, metrics."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NotRequired, TypedDict

from lightkeeper.actions import (
    Action,
    Create,
    Delete,
    Outcome,
    Result,
)
from lightkeeper.model import Kept, Plan, Problem, Severity, SourceStatus, Status
from lightkeeper.run import Run
from lightkeeper.times import format_instant

NAMESPACE: Final = "Lightkeeper"
_HOUR: Final = timedelta(hours=1)


class Unit(StrEnum):
    """CloudWatch's units, as far as they are used."""

    COUNT = "Count"
    GIGABYTES = "Gigabytes"
    NONE = "None"


class MetricName(StrEnum):
    """The metrics, at most ten: CloudWatch's free tier."""

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


@dataclass(frozen=True, slots=True)
class Metric:
    """A number for CloudWatch."""

    name: MetricName
    unit: Unit
    value: float


class PolicyDocument(TypedDict):
    """A policy in the document."""

    name: str
    schedule: str
    timeZone: str
    keep: str


class SourceDocument(TypedDict):
    """A source in the document."""

    name: str
    kind: str
    arn: str
    region: str
    policy: PolicyDocument | None
    slot: str | None
    nextSlot: str | None
    lastRecoveryPoint: str | None
    recoveryPoints: int
    status: str


class ActionDocument(TypedDict):
    """An action in the document; after a run also how it ended."""

    action: str
    region: str
    source: str
    snapshot: str
    slot: str
    policy: str | None
    reason: str
    outcome: NotRequired[str]
    error: NotRequired[str | None]


class KeptDocument(TypedDict):
    """A kept snapshot in the document."""

    region: str
    source: str
    snapshot: str
    taken: str
    slot: str
    reasons: list[str]


class ProblemDocument(TypedDict):
    """A problem in the document."""

    region: str
    source: str
    arn: str | None
    tag: str | None
    value: str | None
    message: str
    suggestion: str | None
    severity: str


class FailureDocument(TypedDict):
    """A list that could not be read."""

    region: str
    listing: str | None
    message: str


class Document(TypedDict):
    """A plan, or a run, as one JSON document."""

    now: str
    sources: list[SourceDocument]
    actions: list[ActionDocument]
    kept: list[KeptDocument]
    problems: list[ProblemDocument]
    failures: list[FailureDocument]


class Summary(TypedDict):
    """What the function returns and logs in the end."""

    now: str
    dryRun: bool
    sources: dict[str, int]
    planned: dict[str, int]
    outcomes: dict[str, int]
    problems: int
    failures: list[str]


def plan_document(plan: Plan) -> Document:
    """Return a plan as a JSON document."""
    return _document(plan, [_action(action) for action in plan.actions])


def run_document(run: Run) -> Document:
    """Return a run as a JSON document: the plan, with the outcome and error of each action."""
    return _document(run.plan, [outcome_document(outcome) for outcome in run.outcomes])


def _document(plan: Plan, actions: list[ActionDocument]) -> Document:
    return {
        "now": format_instant(plan.now),
        "sources": [_source(source) for source in plan.sources],
        "actions": actions,
        "kept": [_kept(kept) for kept in plan.kept],
        "problems": [problem_document(problem) for problem in plan.problems],
        "failures": [
            {"region": failure.region, "listing": failure.listing, "message": failure.message}
            for failure in plan.failures
        ],
    }


def _instant(instant: datetime | None) -> str | None:
    return format_instant(instant) if instant else None


def _source(source: SourceStatus) -> SourceDocument:
    policy = source.policy
    return {
        "name": source.name,
        "kind": source.kind.value,
        "arn": source.arn,
        "region": source.region,
        "policy": {
            "name": policy.name,
            "schedule": policy.schedule.cron,
            "timeZone": policy.schedule.zone.key,
            "keep": str(policy.keep),
        }
        if policy
        else None,
        "slot": _instant(source.slot),
        "nextSlot": _instant(source.next_slot),
        "lastRecoveryPoint": _instant(source.newest.taken) if source.newest else None,
        "recoveryPoints": len(source.usable),
        "status": source.status.value,
    }


def _action(action: Action) -> ActionDocument:
    target = action.target
    return {
        "action": action.verb,
        "region": target.region,
        "source": target.source,
        "snapshot": target.snapshot,
        "slot": format_instant(target.slot),
        "policy": target.policy,
        "reason": action.reason,
    }


def outcome_document(outcome: Outcome) -> ActionDocument:
    """Return an action and how it ended: an entry of a run's document, and a log line."""
    return {**_action(outcome.action), "outcome": outcome.result.value, "error": outcome.error}


def _kept(kept: Kept) -> KeptDocument:
    point = kept.point
    return {
        "region": point.region,
        "source": point.source_name,
        "snapshot": point.name,
        "taken": format_instant(point.taken),
        "slot": format_instant(point.slot),
        "reasons": list(kept.reasons),
    }


def problem_document(problem: Problem) -> ProblemDocument:
    """Return a problem: an entry of the document, and a log line."""
    return {
        "region": problem.region,
        "source": problem.source,
        "arn": problem.arn,
        "tag": problem.tag,
        "value": problem.value,
        "message": problem.message,
        "suggestion": problem.suggestion,
        "severity": problem.severity.value,
    }


def plan_summary(plan: Plan) -> Summary:
    """Return what a dry run comes to."""
    return {
        "now": format_instant(plan.now),
        "dryRun": True,
        "sources": dict(Counter(source.status.value for source in plan.sources)),
        "planned": dict(Counter(action.verb for action in plan.actions)),
        "outcomes": {},
        "problems": len(plan.problems),
        "failures": list(Run(plan, ()).failures),
    }


def run_summary(run: Run) -> Summary:
    """Return what a run came to."""
    return plan_summary(run.plan) | {
        "dryRun": False,
        "outcomes": dict(Counter(outcome.result.value for outcome in run.outcomes)),
        "failures": list(run.failures),
    }


GAUGES: Final = frozenset(
    {
        MetricName.RESOURCES_PROTECTED,
        MetricName.RESOURCES_UNPROTECTED,
        MetricName.RESOURCES_OVERDUE,
        MetricName.OLDEST_RECOVERY_POINT_HOURS,
        MetricName.TAG_PROBLEMS,
        MetricName.STORED_GIB,
    }
)
"""Metrics that say how everything stands; the others say what a run did."""
_ALARMING: Final = frozenset({MetricName.RESOURCES_OVERDUE, MetricName.SNAPSHOTS_FAILED, MetricName.TAG_PROBLEMS})
"""Those that alarms watch: none is good news, so that it has to be true."""


def metrics(run: Run) -> list[Metric]:
    """Return the metrics of a run over everything.

    While a list fails, no gauge is among them. Nor is good news that an alarm watches, while one fails or is in doubt:
    an alarm must not end because nobody looks. Bad news is true all the same.
    """
    found = all_metrics(run)
    if not run.plan.failures and not run.plan.doubted:
        return found
    withheld = GAUGES if run.plan.failures else frozenset[MetricName]()
    return [
        metric
        for metric in found
        if metric.name not in withheld and not (metric.name in _ALARMING and not metric.value)
    ]


def all_metrics(run: Run) -> list[Metric]:
    """Return the numbers of a run, as far as it could see.

    Protected, unprotected and overdue sources together are all sources that exist, less those that are switched off and
    those of a Region that could not be read. A source that waits for its first recovery point is unprotected.
    """
    plan, sources = run.plan, run.plan.sources
    by_status = Counter(source.status for source in sources)
    unprotected = (Status.WAITING, Status.PROBLEM, Status.UNTAGGED)
    ages = [(plan.now - source.newest.taken) / _HOUR for source in sources if source.policy and source.newest]
    failed = _count(run.outcomes, Create, Result.FAILED) + sum(len(source.errors) for source in sources)
    deferred = sum(1 for outcome in run.outcomes if outcome.result is Result.DEFERRED)
    tag_problems = sum(1 for problem in plan.problems if problem.tag and problem.severity is not Severity.ADVICE)
    stored = sum(point.size_gib for source in sources for point in source.usable)
    found = [
        Metric(MetricName.RESOURCES_PROTECTED, Unit.COUNT, by_status[Status.PROTECTED]),
        Metric(MetricName.RESOURCES_UNPROTECTED, Unit.COUNT, sum(by_status[status] for status in unprotected)),
        Metric(MetricName.RESOURCES_OVERDUE, Unit.COUNT, by_status[Status.OVERDUE]),
        Metric(MetricName.SNAPSHOTS_CREATED, Unit.COUNT, _count(run.outcomes, Create, Result.DONE)),
        Metric(MetricName.SNAPSHOTS_DELETED, Unit.COUNT, _count(run.outcomes, Delete, Result.DONE)),
        Metric(MetricName.SNAPSHOTS_FAILED, Unit.COUNT, failed),
        Metric(MetricName.TAG_PROBLEMS, Unit.COUNT, tag_problems),
        Metric(MetricName.ACTIONS_DEFERRED, Unit.COUNT, deferred),
        Metric(MetricName.STORED_GIB, Unit.GIGABYTES, stored),
    ]
    if ages:
        # CloudWatch has no unit for hours.
        found.append(Metric(MetricName.OLDEST_RECOVERY_POINT_HOURS, Unit.NONE, round(max(ages), 2)))
    return found


def _count(outcomes: Iterable[Outcome], kind: type[Create | Delete], result: Result) -> int:
    return sum(1 for outcome in outcomes if isinstance(outcome.action, kind) and outcome.result is result)
