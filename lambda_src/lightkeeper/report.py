"""What machines read of a plan or a run: the document of `--json`, the details of log lines, the function's summary."""

from collections import Counter
from datetime import datetime
from typing import NotRequired, TypedDict

from lightkeeper.actions import Action, Outcome
from lightkeeper.model import Kept, Plan, Problem, SourceStatus
from lightkeeper.run import Run
from lightkeeper.times import format_instant


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
