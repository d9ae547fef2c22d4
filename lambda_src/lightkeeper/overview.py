"""How everything stands, in a word and a sentence; what is to be said of a source that is not as it should be. Pure.

Terminal, dashboard and message take it from here, so that they never say different things.
"""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from lightkeeper.errors import counted
from lightkeeper.kinds import ANY_SOURCE, LISTINGS
from lightkeeper.model import Inventory, Plan, Problem, Severity, SnapshotState, SourceStatus, Status
from lightkeeper.settings import Settings
from lightkeeper.times import format_instant

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


def health(plan: Plan, elsewhere: Inventory | None = None) -> Health:
    """Return how everything stands. `elsewhere` is what was found in Regions that nobody looks after."""
    counts = Counter(source.status for source in plan.sources)
    if plan.failures:
        return Health.UNKNOWN
    if (
        plan.doubted
        or counts[Status.OVERDUE]
        or any(_counts(problem) for problem in plan.problems)
        or any(is_open(source, plan.now) for source in plan.sources)
        or points_elsewhere(elsewhere)
    ):
        return Health.DEGRADED
    is_well = counts[Status.PROTECTED] and not any(
        counts[status] for status in _WANTED if status is not Status.PROTECTED
    )
    return Health.OK if is_well else Health.WAITING


def sentence(plan: Plan, settings: Settings, elsewhere: Inventory | None = None) -> str:
    """Return how everything stands, in one sentence: what wants a person first, and always what is not backed up.

    Parameters
    ----------
    plan
        What there is.
    settings
        The deployment's.
    elsewhere
        What was found in Regions that nobody looks after, if they were looked at.
    """
    counts = Counter(source.status for source in plan.sources)
    facts: list[str] = []
    if plan.failures:
        facts.append(f"cannot tell how everything stands: {counted(len(plan.failures), 'list')} could not be read")
    if plan.doubted:
        facts.append(f"a list of {', '.join(plan.doubted)} is in doubt")
    troubles = (
        (counts[Status.OVERDUE], "{} overdue", "source"),
        (sum(map(_counts, plan.problems)), "{}", "problem"),
        (sum(is_open(source, plan.now) for source in plan.sources), "{} no longer backed up", "source"),
    )
    facts.append(", ".join(said.format(counted(number, noun)) for number, said, noun in troubles if number))
    forgotten = [
        counted(number, "recovery point") + f" in {name}" for name, number in points_elsewhere(elsewhere).items()
    ]
    if forgotten:
        facts.append(f"{', '.join(forgotten)}, which nobody looks after")
    facts.append(_protected(plan, counts, settings))
    facts.extend(_rest(plan, counts))
    said = "; ".join(filter(None, facts))
    return f"{said[0].upper()}{said[1:]}."


def _protected(plan: Plan, counts: Mapping[Status, int], settings: Settings) -> str:
    """Return how much of what is not switched off is protected; what has no tag counts, it is not."""
    protected, wanted = counts[Status.PROTECTED], sum(counts[status] for status in _WANTED)
    if plan.failures:
        return f"of {counted(wanted, 'source')} seen, {protected} protected" if wanted else ""
    if counts[Status.UNTAGGED] == wanted:
        if wanted:
            return f'nothing is backed up: {counted(wanted, "source")} without the tag "{settings.tag_key}"'
        no_tag = f': no {ANY_SOURCE} has the tag "{settings.tag_key}"'
        return f"nothing is backed up{'' if counts[Status.OFF] else no_tag}"
    if protected == wanted:
        return f"all {wanted} sources protected" if wanted > 1 else "the one source is protected"
    return f"{protected} of {counted(wanted, 'source')} protected"


def _rest(plan: Plan, counts: Mapping[Status, int]) -> Iterator[str]:
    """Yield what is said of the sources that are not protected, and want nobody at once."""
    if counts[Status.UNKNOWN]:
        yield f"{counts[Status.UNKNOWN]} unknown"
    if counts[Status.WAITING]:
        yield f"{counts[Status.WAITING]} waiting for a first recovery point"
    # Where nothing at all is backed up, that has been said.
    if counts[Status.UNTAGGED] and (plan.failures or any(counts[each] for each in _WANTED if each != Status.UNTAGGED)):
        yield f"{counts[Status.UNTAGGED]} not backed up"
    if counts[Status.OFF]:
        yield f"{counts[Status.OFF]} switched off"
    gone = sum(
        source.status is Status.GONE and source.has_stopped and not is_open(source, plan.now) for source in plan.sources
    )
    if gone:
        yield f"{counted(gone, 'deleted source')} with recovery points"


def _counts(problem: Problem) -> bool:
    """Return whether a problem is trouble; a list in doubt is told by its Region."""
    is_doubt = problem.arn is None and problem.source in LISTINGS
    return problem.severity is not Severity.ADVICE and not is_doubt


def points_elsewhere(elsewhere: Inventory | None) -> dict[str, int]:
    """Return how many recovery points there are in each Region that nobody looks after, where there are any."""
    points = elsewhere.points if elsewhere else ()
    usable = Counter(point.region for point in points if point.state is SnapshotState.USABLE)
    return dict(sorted(usable.items()))


def why_overdue(source: SourceStatus) -> str:
    """Return why nothing usable covers an overdue source's slots, as far as its snapshots tell."""
    if source.included_in:
        return f"the newest whole snapshot of {source.included_in} that includes it is older"
    if source.is_stuck:
        oldest = source.pending[-1]
        return f"snapshot {oldest.name} has been pending since {format_instant(oldest.taken)}"
    if is_overdue_by_errors(source):
        last, number = source.errors[0], len(source.errors)
        before = f" and {number - 1} before it" if number > 1 else ""
        following = f"; the next attempt is due at {format_instant(source.next_attempt)}" if source.next_attempt else ""
        return f"snapshot {last.name} of {format_instant(last.taken)}{before} ended in error{following}"
    return "no snapshot was started, or Lightsail refused it; the log of the last runs says why"


def is_overdue_by_errors(source: SourceStatus) -> bool:
    """Return whether a source is overdue because its snapshots ended in error: then `why_overdue` speaks of them."""
    is_otherwise = source.included_in or source.is_stuck
    return source.overdue_since is not None and bool(source.errors) and not is_otherwise


def what_helps(source: SourceStatus) -> str:
    """Return what to do about an overdue source, as a command that can be pasted."""
    return f"take one now: {take_command(source)}"


def take_command(source: SourceStatus) -> str:
    """Return the command that takes a recovery point of a source."""
    return shlex.join(["lightkeeper", "take", source.name, "--kind", source.kind, "--region", source.region])


def why_stopped(source: SourceStatus, settings: Settings) -> str:
    """Return why a source that has recovery points is no longer backed up."""
    match source.status:
        case Status.GONE:
            return "it is gone"
        case Status.OFF:
            return f'its tag "{settings.tag_key}" says "off"'
        case _:
            return f'it has no tag "{settings.tag_key}"'


def what_helps_stopped(source: SourceStatus, settings: Settings) -> str:
    """Return what to do about a source that is no longer backed up."""
    match source.status:
        case Status.GONE:
            return "if it was deleted by mistake, bring it back from its newest recovery point"
        case Status.OFF:
            return f'if you did not mean that, give it a policy: "{settings.tag_key}" = "{settings.default_policy}"'
        case _:
            return (
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
