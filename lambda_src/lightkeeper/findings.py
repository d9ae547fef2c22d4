"""What needs a person after a run, and the message that tells it. Pure: a run in, sentences out.

Each matter has a key that stays the same while the same state lasts. Texts come from tags and from Lightsail's answers,
so everything in a message is made plain text of one line each.
"""

import base64
import hashlib
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from lightkeeper.actions import (
    Cause,
    Create,
    Defer,
    Outcome,
    Result,
    ScheduleDeletion,
)
from lightkeeper.kinds import SnapshotKind
from lightkeeper.model import Orphans, Plan, Problem, Severity, SourceStatus, Status
from lightkeeper.overview import is_open, sentence, stopped, what_helps, what_helps_stopped, why_overdue, why_stopped
from lightkeeper.pricing import usd_per_month
from lightkeeper.report import MetricName, all_metrics
from lightkeeper.run import Run
from lightkeeper.settings import Settings
from lightkeeper.times import format_instant

EXPECTED_DELETIONS: Final = 3
"""For one source in one run. A new snapshot pushes out one, or one more where periods of several clauses end together;
a run after a gap a few. A rule that was cut pushes out more at once."""
MAX_SUBJECT: Final = 99
"""Characters. Source: Amazon SNS's documentation of Publish: less than 100, no line breaks, no control characters."""
MAX_BODY_BYTES: Final = 256 * 1024
"""Source: Amazon SNS's quotas."""
_MAX_SHOWN: Final = 50
"""Matters in one part of a message: nobody reads more."""
_MAX_PART_BYTES: Final = MAX_BODY_BYTES * 2 // 5
"""Of each of two parts; the rest is for what stands around them."""
_MAX_SENTENCE: Final = 600
_MAX_NAME: Final = 40
_NAMED: Final = 5
"""Sources that are named where a whole fleet is meant."""
# Letters of a key, and those of them that say which Region.
_KEY: Final = 8
_MARK: Final = 2


class Kind(StrEnum):
    """What sort of matter it is, as a subject line says it."""

    OVERDUE = "overdue"
    FAILED = "an action failed"
    ERROR = "a snapshot ended in error"
    UNREAD = "a list cannot be read"
    PROBLEM = "a problem"
    EXPIRING = "snapshots will expire"
    STOPPED = "no longer backed up"
    REGION = "a Region is no longer looked after"


RUNBOOK: Final = {
    Kind.OVERDUE: "Resources overdue",
    Kind.FAILED: "Function errors",
    Kind.ERROR: "Snapshots failed",
    Kind.UNREAD: "Function errors",
    Kind.PROBLEM: "Tag problems",
    Kind.EXPIRING: "Many snapshots will expire",
    Kind.STOPPED: "No longer backed up",
    Kind.REGION: "No longer backed up",
}
"""The section of docs/runbook.md for each kind."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that needs a person."""

    kind: Kind
    region: str
    source: str | None
    what: str
    since: str
    do: str
    key: str
    """A fingerprint of the state: the same on every run while it lasts. It begins with `region_mark`."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: plain text."""

    subject: str
    body: str


def findings_of(run: Run, settings: Settings, regions_before: Iterable[str] = ()) -> tuple[Finding, ...]:
    """Return what needs a person, each matter once, the most pressing kind first.

    Parameters
    ----------
    run
        What stood, and what was done.
    settings
        The deployment's.
    regions_before
        Which Regions an earlier run looked after.
    """
    found = (
        *_unread(run.plan),
        *_overdue(run),
        *_stopped(run, settings),
        *_dropped_regions(run.plan, regions_before),
        *_errors(run.plan),
        *_failed(run),
        *_expiring(run, settings),
        *_problems(run.plan),
    )
    first: dict[str, Finding] = {}
    for matter in found:
        first.setdefault(matter.key, matter)
    return tuple(first.values())


def unseen_regions(run: Run) -> frozenset[str]:
    """Return the Regions where the run has not seen and tried everything: what is not found there may not be over."""
    put_off = (
        outcome.action.target.region
        for outcome in run.outcomes
        if outcome.result is Result.DEFERRED and not isinstance(outcome.action, Defer)
    )
    unread = (failure.region for failure in run.plan.failures)
    return frozenset((*unread, *run.plan.doubted, *put_off))


def region_mark(region: str) -> str:
    """Return the two letters that the keys of a Region's findings_of begin with."""
    return _letters(region)[:_MARK]


def compose(  # noqa: PLR0913 - a message has that many sides
    new: Sequence[Finding],
    still: Sequence[Finding],
    run: Run,
    settings: Settings,
    *,
    daily: bool,
    dashboard: str | None,
) -> Message:
    """Return the message about a run.

    Parameters
    ----------
    new, still
        What was not told before, and what was and is still open.
    run
        For how everything stands.
    settings
        The deployment's.
    daily
        Whether it is the day's digest too.
    dashboard
        The dashboard's address, if there is one.
    """
    parts = [f"{settings.deployment}, run of {_at(run.plan.now)}: {_headline(new, still)}."]
    parts += _part("NEW", new)
    parts += _part("STILL OPEN" if new else "OPEN", still)
    parts += ["HOW EVERYTHING STANDS\n" + "\n".join(_standing(run, settings))]
    look = ["Look: .venv/bin/lightkeeper plan"] + ([f"Dashboard: {dashboard}"] if dashboard else [])
    parts += ["\n".join(look)]
    return Message(_subject(new, still, settings, daily=daily), "\n\n".join(parts) + "\n")


def _letters(*marks: str) -> str:
    digest = hashlib.sha256("\0".join(marks).encode(errors="surrogatepass")).digest()
    return base64.b32encode(digest).decode().lower()


def _key(region: str, *marks: str) -> str:
    return region_mark(region) + _letters(region, *marks)[: _KEY - _MARK]


def _plain(text: str, most: int = _MAX_SENTENCE) -> str:
    """Return `text` on one line, without what is not printable, and cut where it is longer than any sentence."""
    line = " ".join("".join(letter if letter.isprintable() or letter.isspace() else "?" for letter in text).split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def _at(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _matter(  # noqa: PLR0913 - a matter has that many sides
    kind: Kind, region: str, source: str | None, *, what: str, since: str, do: str, marks: Sequence[str] = ()
) -> Finding:
    """Return a matter. Its key is made of kind, Region and `marks`: a source's ARN, as names are used again."""
    return Finding(
        kind=kind,
        region=region,
        source=_plain(source) if source else None,
        what=_plain(what),
        since=_plain(since),
        do=_plain(do),
        key=_key(region, kind, *marks),
    )


def _unread(plan: Plan) -> Iterator[Finding]:
    for failure in plan.failures:
        yield _matter(
            Kind.UNREAD,
            failure.region,
            None,
            what=failure.message,
            since=f"In the run of {_at(plan.now)}. Nothing is deleted in this Region meanwhile.",
            do="If it names a permission, give it; else wait, the next run reads again.",
            marks=[failure.listing or ""],
        )


def _overdue(run: Run) -> Iterator[Finding]:
    """Yield the sources that are overdue, each with why and what helps."""
    errors = {
        outcome.action.target.source_arn: outcome.error
        for outcome in run.outcomes
        if isinstance(outcome.action, Create) and outcome.error
    }
    for source in run.plan.sources:
        if source.status is Status.OVERDUE:
            refused = errors.get(source.arn)
            why = f"this run could not begin one: {refused}" if refused else why_overdue(source)
            yield _matter(
                Kind.OVERDUE,
                source.region,
                source.name,
                what=f"{source.name} has no usable snapshot for a slot that has passed: {why}.",
                since=f"{_missed(source)}{_newest(source)}",
                do=f"{what_helps(source)}.",
                marks=[source.arn],
            )


def _stopped(run: Run, settings: Settings) -> Iterator[Finding]:
    """Yield the sources that have recovery points and are not backed up any more."""
    for source in stopped(run.plan.sources):
        if not is_open(source, run.plan.now):
            continue
        left = "kept" if settings.orphans is Orphans.KEEP else "deleted one by one, down to the last"
        number = len(source.usable)
        inside = f"What there is of it is in whole snapshots of {source.included_in}, which go by that one's rule."
        rest = f"Its {_many(number, 'recovery point')} {'is' if number == 1 else 'are'} {left}." if number else inside
        yield _matter(
            Kind.STOPPED,
            source.region,
            source.name,
            what=f"No further snapshot of {source.name} is taken: {why_stopped(source, settings)}. {rest}",
            since=_newest(source) if number else f"In the run of {_at(run.plan.now)}.",
            do=f"{what_helps_stopped(source, settings)}. If it is meant, this is told once.",
            marks=[source.arn, source.status],
        )


def _dropped_regions(plan: Plan, regions_before: Iterable[str]) -> Iterator[Finding]:
    """Yield the Regions that an earlier run looked after and this one does not."""
    for region in sorted(set(regions_before) - set(plan.regions)):
        yield _matter(
            Kind.REGION,
            region,
            None,
            what=f"The settings do not name {region} any more: nothing there is backed up or deleted.",
            since=f"In the run of {_at(plan.now)}.",
            do='If that is not meant, add it to "regions" in cdk.json and deploy. Else this is told once.',
        )


def _missed(source: SourceStatus) -> str:
    """Return the first slot that nothing usable covers."""
    return f"From its slot of {_at(source.uncovered_since)} on. " if source.uncovered_since else ""


def _newest(source: SourceStatus | None) -> str:
    if source is None or source.newest is None:
        return "It has no recovery point."
    return f"Its newest recovery point was taken at {_at(source.newest.taken)}."


def _errors(plan: Plan) -> Iterator[Finding]:
    for source in plan.sources:
        if source.errors:
            last, first = source.errors[0], source.errors[-1]
            number = len(source.errors)
            what = f"The snapshot {last.name} of {source.name} ended in error"
            before = f", as did the {number - 1} before it" if number > 1 else ""
            again = f"at {_at(source.next_attempt)}" if source.next_attempt else "in the next run"
            yield _matter(
                Kind.ERROR,
                source.region,
                source.name,
                what=f"{what}{before}.",
                since=f"Since {_at(first.taken)}. {_newest(source)}",
                do=f"Lightkeeper tries again {again}. If all fail, {what_helps(source)}; AWS support can say why.",
                # That the quick attempts are over is news.
                marks=[source.arn, "waits" if source.next_attempt else ""],
            )


def _failed(run: Run) -> Iterator[Finding]:
    sources = {source.arn: source for source in run.plan.sources}
    groups: defaultdict[tuple[str, str, str, str], list[Outcome]] = defaultdict(list)
    for outcome in run.outcomes:
        if outcome.result is Result.FAILED:
            target = outcome.action.target
            groups[target.region, target.source, target.source_arn, outcome.action.verb].append(outcome)
    for (region, source, arn, action), outcomes in groups.items():
        more = f" ({len(outcomes) - 1} more like it)" if len(outcomes) > 1 else ""
        first = outcomes[0]
        yield _matter(
            Kind.FAILED,
            region,
            source,
            what=f"{source}: {first.action.doing} failed{more}: {first.error}",
            since=f"For its slot of {_at(first.action.target.slot)}. {_newest(sources.get(arn))}"
            if isinstance(first.action, Create)
            else f"In the run of {_at(run.plan.now)}.",
            do="If it names a permission, give it; else wait, the next run tries again. Nothing of it is deleted."
            if isinstance(first.action, Create)
            else "If it names a permission, give it; else wait, the next run tries again.",
            marks=[arn, action],
        )


def _problems(plan: Plan) -> Iterator[Finding]:
    sources = {source.arn: source for source in plan.sources}
    for problem in plan.problems:
        if problem.severity is not Severity.ADVICE:
            newest = f"{_newest(sources[problem.arn])} " if problem.arn in sources else ""
            held = "No snapshot of it is taken, none deleted." if problem.severity is Severity.ERROR else ""
            yield _matter(
                Kind.PROBLEM,
                problem.region,
                problem.source,
                what=_problem(problem),
                since=f"{newest}{held or 'Nothing of it is deleted.'}",
                do=f'Did you mean "{problem.suggestion}"? The next run reads it again.'
                if problem.suggestion
                else "Do as it says; the next run reads it again.",
                marks=[problem.arn or problem.source, problem.tag or "", problem.value or "", _what_is_wrong(problem)],
            )


def _what_is_wrong(problem: Problem) -> str:
    """Return what tells a problem from another with the same tag; one with a tag is told by the tag alone."""
    return "" if problem.tag else problem.message.partition(",")[0]


def _problem(problem: Problem) -> str:
    if problem.tag is None:
        return f"{problem.source}: {problem.message}."
    return f'{problem.source}: the tag "{problem.tag}" = "{problem.value}": {problem.message}.'


def _expiring(run: Run, settings: Settings) -> Iterator[Finding]:
    """Yield what is marked to be deleted and is not everyday: of an orphan, many of a source at once, or by a cut."""
    marked = [*_marked(run)]
    sources = {source.arn: source for source in run.plan.sources}
    at_once = Counter((mark.arn, mark.kind, mark.expires_at, mark.cause is Cause.ORPHANED) for mark in marked)
    orphans: set[tuple[str, SnapshotKind]] = set()
    for (arn, kind, expires_at, is_orphan), number in sorted(at_once.items()):
        source = sources[arn]
        if (arn, kind) in orphans or (number <= EXPECTED_DELETIONS and not is_orphan):
            continue
        if is_orphan:
            orphans.add((arn, kind))
        what = (
            f"{_many(number, 'snapshot')} of {source.name} will be deleted: {_why(source, kind, is_orphan=is_orphan)}."
        )
        yield _matter(
            Kind.EXPIRING,
            source.region,
            source.name,
            what=what,
            since=_from(expires_at, settings),
            do=f"If that is not meant, before then: {_undo(source, settings, is_orphan=is_orphan)}",
            # Of an orphan one after the other goes: that is one matter until all have gone.
            marks=[arn, kind] if is_orphan else [arn, format_instant(expires_at)],
        )
    yield from _cut(marked, settings)


def _cut(marked: Sequence["_Marked"], settings: Settings) -> Iterator[Finding]:
    """Yield each run that marked snapshots of several sources although nothing newer pushes them out."""
    runs: defaultdict[tuple[str, datetime], list[_Marked]] = defaultdict(list)
    for mark in marked:
        if mark.cause is Cause.CUT:
            runs[mark.region, mark.expires_at].append(mark)
    for (region, expires_at), marks in sorted(runs.items()):
        names = sorted({mark.source for mark in marks})
        if len(marks) <= EXPECTED_DELETIONS or len(names) == 1:
            continue
        some = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
        yield _matter(
            Kind.EXPIRING,
            region,
            None,
            what=f"{len(marks)} snapshots of {len(names)} sources will be deleted, and nothing newer pushes them out: "
            f"their rules keep less than they did ({some}).",
            since=_from(expires_at, settings),
            do="If that is not meant, before then: give the policy or the tags a wider rule; the next run takes the "
            "deletions back.",
            marks=[format_instant(expires_at)],
        )


def _from(expires_at: datetime, settings: Settings) -> str:
    most = settings.max_deletes_per_source
    return f"They go from {_at(expires_at)} on, oldest first, up to {most} of a source in a run."


@dataclass(frozen=True, slots=True)
class _Marked:
    """A snapshot that is marked to be deleted."""

    region: str
    source: str
    arn: str
    kind: SnapshotKind
    expires_at: datetime
    cause: Cause


def _marked(run: Run) -> Iterator[_Marked]:
    for outcome in run.outcomes:
        if isinstance(outcome.action, ScheduleDeletion) and outcome.result is Result.DONE:
            target, mark = outcome.action.target, outcome.action
            yield _Marked(target.region, target.source, target.source_arn, target.kind, mark.expires_at, mark.cause)
    for kept in run.plan.kept:
        if kept.expires_at:
            point = kept.point
            yield _Marked(point.region, point.source_name, point.source_arn, point.kind, kept.expires_at, kept.cause)


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _why(source: SourceStatus, kind: SnapshotKind, *, is_orphan: bool) -> str:
    if not is_orphan:
        return f'its rule "{source.policy.keep}" keeps no more' if source.policy else "no rule keeps them"
    is_what = f"no further {kind} of it is taken" if source.policy else f"it is {source.status}"
    return f'{is_what}, and "orphans" is "{Orphans.EXPIRE}"'


def _undo(source: SourceStatus, settings: Settings, *, is_orphan: bool) -> str:
    hold = f"{settings.tag_key}:hold"
    if source.status is Status.GONE:
        return f'tag those to be kept with "{hold}", or set "orphans" to "keep"; the next run takes it back.'
    command = ["aws", "lightsail", "tag-resource", "--region", source.region, "--resource-name", source.name]
    command += ["--tags", f"key={hold}"]
    wider = "" if is_orphan else f'give it a wider "{settings.tag_key}:keep", or '
    return f"{wider}hold them all, and the next run takes it back: {shlex.join(command)}"


def _headline(new: Sequence[Finding], still: Sequence[Finding]) -> str:
    if not new and not still:
        return "nothing needs you"
    return ", ".join([f"{len(new)} new"] * bool(new) + [f"{len(still)} {'still ' if new else ''}open"] * bool(still))


def _subject(new: Sequence[Finding], still: Sequence[Finding], settings: Settings, *, daily: bool) -> str:
    name = _plain(settings.deployment, _MAX_NAME)
    if len(new) == 1 and not still:
        (matter,) = new
        place = _plain(matter.source or matter.region, _MAX_NAME)
        text = f"{name}: {place}: {matter.kind}"
    else:
        text = f"{name}: {'daily digest: ' if daily and not new else ''}{_headline(new, still)}"
    return text.encode("ascii", "replace").decode()[:MAX_SUBJECT]


def _part(heading: str, found: Sequence[Finding]) -> list[str]:
    """Return a part of the message, as much of it as there is room for."""
    shown: list[str] = []
    room = _MAX_PART_BYTES
    for number, matter in enumerate(found[:_MAX_SHOWN], 1):
        text = (
            f"{number}. {matter.source or matter.region}: {matter.kind} ({matter.region})\n"
            f"   What:  {matter.what}\n"
            f"   Since: {matter.since}\n"
            f"   Do:    {matter.do}\n"
            f'   Read:  "{RUNBOOK[matter.kind]}" in docs/runbook.md'
        )
        room -= len(text.encode())
        if room < 0:
            break
        shown.append(text)
    more = [f"and {len(found) - len(shown)} more"] if len(found) > len(shown) else []
    return [heading, *shown, *more] if found else []


def _standing(run: Run, settings: Settings) -> Iterable[str]:
    """Yield how everything stands, by the numbers that go to CloudWatch."""
    counts = Counter(source.status for source in run.plan.sources)
    numbers = {metric.name: metric.value for metric in all_metrics(run)}
    stored = numbers[MetricName.STORED_GIB]
    yield sentence(run.plan, settings)
    yield "Resources: " + (", ".join(f"{counts[status]} {status}" for status in Status if counts[status]) or "none")
    newest = [source.newest for source in run.plan.sources if source.policy and source.newest]
    if newest:
        oldest = min(newest, key=lambda point: point.taken)
        place = f"{_plain(oldest.source_name)} ({oldest.region})"
        hours = numbers[MetricName.OLDEST_RECOVERY_POINT_HOURS]
        yield f"Longest without a new recovery point: {place}, {hours:.0f} h, since {_at(oldest.taken)}"
    yield f"Stored: {stored:g} GiB at full size, at most {usd_per_month(stored):.2f} USD a month"
