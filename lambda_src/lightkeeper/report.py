"""What machines read of a plan or a run: the document of `--json`, the details of log lines, the function's summary.

A document's keys are a contract, written once, here: a test compares them with those in docs/command-line.md.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias, TypedDict

from lightkeeper.actions import Action, Outcome
from lightkeeper.model import Kept, Plan, Policy, Problem, ReadFailure, SourceStatus
from lightkeeper.run import Run
from lightkeeper.times import format_instant
from lightkeeper.version import VERSION

Document: TypeAlias = dict[str, object]
"""A JSON object."""


class Summary(TypedDict):
    """What the function returns and logs in the end."""

    version: str
    """The release that made the run."""
    now: str
    dryRun: bool
    sources: dict[str, int]
    planned: dict[str, int]
    outcomes: dict[str, int]
    problems: int
    failures: list[str]


class Sent(TypedDict):
    """What the function returns of a test message."""

    sent: list[str]
    """The ARNs of the topics that took it."""
    failures: list[str]


def plan_document(plan: Plan) -> Document:
    """Return a plan as a JSON document."""
    return _document(plan, map(action_document, plan.actions))


def run_document(run: Run) -> Document:
    """Return a run as a JSON document: the plan, with the outcome and error of each action."""
    return _document(run.plan, map(outcome_document, run.outcomes))


def _document(plan: Plan, actions: Iterable[Document]) -> Document:
    return {
        "now": format_instant(plan.now),
        "sources": [_source(source) for source in plan.sources],
        "actions": [*actions],
        "kept": [_kept(kept) for kept in plan.kept],
        "problems": [problem_document(problem) for problem in plan.problems],
        "failures": [failure_document(failure) for failure in plan.failures],
    }


def _source(source: SourceStatus) -> Document:
    return {
        "name": source.name,
        "kind": source.kind.value,
        "arn": source.arn,
        "region": source.region,
        "policy": {**policy_document(source.policy), "from": _origins(source.policy)} if source.policy else None,
        "slot": _instant(source.slot),
        "nextSlot": _instant(source.next_slot),
        "lastRecoveryPoint": _instant(source.newest.taken) if source.newest else None,
        "recoveryPoints": len(source.usable),
        "status": source.status.value,
    }


def _origins(policy: Policy) -> Document:
    """Return where the values that are in force for a source come from."""
    return {"name": policy.named_by.value, "schedule": policy.schedule_from.value, "keep": policy.keep_from.value}


def policy_document(policy: Policy) -> Document:
    """Return a policy."""
    return {
        "name": policy.name,
        "schedule": policy.schedule.cron,
        "timeZone": policy.schedule.zone.key,
        "keep": str(policy.keep),
    }


def action_document(action: Action) -> Document:
    """Return an action: an entry of a plan's document, and a log line."""
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


def outcome_document(outcome: Outcome) -> Document:
    """Return an action and how it ended: an entry of a run's document, and a log line."""
    return {**action_document(outcome.action), "outcome": outcome.result.value, "error": outcome.error}


def _kept(kept: Kept) -> Document:
    point = kept.point
    return {
        "region": point.region,
        "source": point.source_name,
        "snapshot": point.name,
        "taken": format_instant(point.taken),
        "slot": format_instant(point.slot),
        "reasons": list(kept.reasons),
    }


def problem_document(problem: Problem) -> Document:
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


def failure_document(failure: ReadFailure) -> Document:
    """Return a list that could not be read."""
    return {"region": failure.region, "listing": failure.listing, "message": failure.message}


def plan_summary(plan: Plan) -> Summary:
    """Return what a dry run comes to."""
    return run_summary(Run(plan, ())) | {"dryRun": True}


def run_summary(run: Run) -> Summary:
    """Return what a run came to."""
    plan = run.plan
    return {
        "version": VERSION,
        "now": format_instant(plan.now),
        "dryRun": False,
        "sources": dict(Counter(source.status.value for source in plan.sources)),
        "planned": dict(Counter(action.verb for action in plan.actions)),
        "outcomes": dict(Counter(outcome.result.value for outcome in run.outcomes)),
        "problems": len(plan.problems),
        "failures": list(run.failures),
    }


def _instant(instant: datetime | None) -> str | None:
    return format_instant(instant) if instant else None
