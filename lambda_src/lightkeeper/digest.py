"""What needs a person after a tick, and the message that tells it. Pure: a tick in, sentences out.

Each matter has a key that stays the same while the same state lasts. Texts come from tags and from Lightsail's answers,
so everything in a message is made plain text of one line each.
"""

import hashlib
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, assert_never

from lightkeeper.cycle import Tick
from lightkeeper.model import (
    Action,
    Announce,
    Create,
    Defer,
    Delete,
    Outcome,
    Plan,
    Problem,
    RemoveHold,
    Rescue,
    Result,
    Severity,
    SourceStatus,
    Status,
)
from lightkeeper.report import MetricName, metrics, verb
from lightkeeper.schedule import next_slot
from lightkeeper.settings import Settings
from lightkeeper.storage import usd_per_month
from lightkeeper.times import format_instant

NORMAL_ANNOUNCEMENTS: Final = 3
"""For one source in one tick. A new snapshot pushes out one, or one more where periods of several clauses end together;
a tick after a gap a few. A rule that was cut pushes out more at once."""
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


class Kind(StrEnum):
    """What sort of matter it is, as a subject line says it."""

    OVERDUE = "overdue"
    FAILED = "an action failed"
    ERROR = "a snapshot ended in error"
    UNREAD = "a list cannot be read"
    PROBLEM = "a problem"
    EXPIRING = "many snapshots will expire"


RUNBOOK: Final = {
    Kind.OVERDUE: "Resources overdue",
    Kind.FAILED: "Function errors",
    Kind.ERROR: "Snapshots failed",
    Kind.UNREAD: "Function errors",
    Kind.PROBLEM: "Tag problems",
    Kind.EXPIRING: "Many snapshots will expire",
}
"""The section of docs/runbook.md for each kind."""


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that needs a person."""

    kind: Kind
    region: str
    source: str | None
    what: str
    since: str
    do: str
    key: str
    """A fingerprint of the state: the same on every tick while it lasts."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: plain text."""

    subject: str
    body: str


def matters(tick: Tick, settings: Settings) -> tuple[Matter, ...]:
    """Return what needs a person, each matter once, the most pressing kind first."""
    found = (
        *_unread(tick.plan),
        *_overdue(tick, settings),
        *_errors(tick.plan),
        *_failed(tick),
        *_expiring(tick, settings),
        *_problems(tick.plan),
    )
    first: dict[str, Matter] = {}
    for matter in found:
        first.setdefault(matter.key, matter)
    return tuple(first.values())


def is_complete(tick: Tick) -> bool:
    """Return whether the tick has seen and tried everything: only then is what is not found any more over."""
    return not tick.plan.failures and not any(
        outcome.result is Result.DEFERRED and not isinstance(outcome.action, Defer) for outcome in tick.outcomes
    )


def compose(  # noqa: PLR0913 - a message has that many sides
    new: Sequence[Matter],
    still: Sequence[Matter],
    tick: Tick,
    settings: Settings,
    *,
    daily: bool,
    dashboard: str | None,
) -> Message:
    """Return the message about a tick.

    Parameters
    ----------
    new, still
        What was not told before, and what was and is still open.
    tick
        For how everything stands.
    settings
        The deployment's.
    daily
        Whether it is the day's digest too.
    dashboard
        The dashboard's address, if there is one.
    """
    parts = [f"{settings.deployment}, run of {_at(tick.plan.now)}: {_headline(new, still)}."]
    parts += _part("NEW", new)
    parts += _part("STILL OPEN" if new else "OPEN", still)
    parts += ["HOW EVERYTHING STANDS\n" + "\n".join(_standing(tick, settings))]
    look = ["Look: .venv/bin/lightkeeper plan"] + ([f"Dashboard: {dashboard}"] if dashboard else [])
    parts += ["\n".join(look)]
    return Message(_subject(new, still, settings, daily=daily), "\n\n".join(parts) + "\n")


def _key(*marks: str) -> str:
    return hashlib.sha256("\0".join(marks).encode(errors="surrogatepass")).hexdigest()[:8]


def _plain(text: str, most: int = _MAX_SENTENCE) -> str:
    """Return `text` on one line, without what is not printable, and cut where it is longer than any sentence."""
    line = " ".join("".join(letter if letter.isprintable() or letter.isspace() else "?" for letter in text).split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def _at(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _matter(  # noqa: PLR0913 - a matter has that many sides
    kind: Kind, region: str, source: str | None, *, what: str, since: str, do: str, marks: Sequence[str] = ()
) -> Matter:
    return Matter(
        kind=kind,
        region=region,
        source=_plain(source) if source else None,
        what=_plain(what),
        since=_plain(since),
        do=_plain(do),
        key=_key(kind, region, source or "", *marks),
    )


def _unread(plan: Plan) -> Iterator[Matter]:
    for failure in plan.failures:
        yield _matter(
            Kind.UNREAD,
            failure.region,
            None,
            what=failure.message,
            since=f"In the run of {_at(plan.now)}. Nothing is deleted in this Region meanwhile.",
            do="If it names a permission, give it; else wait, the next run reads again.",
            marks=[failure.listing],
        )


def _overdue(tick: Tick, settings: Settings) -> Iterator[Matter]:
    """Yield the sources that are overdue, but for those whose snapshot is on its way: they need nobody yet."""
    on_their_way = _on_their_way(tick, settings)
    for source in tick.plan.sources:
        if source.status is Status.OVERDUE and source.arn not in on_their_way:
            pending = f" One is in the making since {_at(source.pending[-1].taken)}." if source.pending else ""
            yield _matter(
                Kind.OVERDUE,
                source.region,
                source.name,
                what=f"{source.name} has no usable snapshot for a slot that has passed.{pending}",
                since=f"{_missed(source, tick.plan.now)}{_newest(source)}",
                do="See why in the log or by lightkeeper plan, and take one now by lightkeeper run.",
            )


def _on_their_way(tick: Tick, settings: Settings) -> set[str]:
    """Return the ARNs of the sources whose snapshot is being taken, and none for so long that it may never end."""
    patience = settings.overdue_after.before(tick.plan.now, settings.time_zone)
    begun = {
        outcome.action.target.source_arn
        for outcome in tick.outcomes
        if isinstance(outcome.action, Create) and outcome.result is Result.DONE
    }
    return {
        source.arn
        for source in tick.plan.sources
        if (source.pending or source.arn in begun) and all(point.taken > patience for point in source.pending)
    }


def _missed(source: SourceStatus, now: datetime) -> str:
    """Return the first slot that nothing usable covers."""
    if source.policy is None or source.newest is None or source.newest.slot > now:
        return ""
    return f"From its slot of {_at(next_slot(source.policy.schedule, source.newest.slot))} on. "


def _newest(source: SourceStatus | None) -> str:
    if source is None or source.newest is None:
        return "It has no recovery point."
    return f"Its newest recovery point is of {_at(source.newest.slot)}."


def _errors(plan: Plan) -> Iterator[Matter]:
    for source in plan.sources:
        if source.errors:
            last, first = source.errors[0], source.errors[-1]
            yield _matter(
                Kind.ERROR,
                source.region,
                source.name,
                what=f"The snapshot {last.name} of {source.name} ended in error.",
                since=f"For its slot of {_at(first.slot)}. {_newest(source)}",
                do="Lightkeeper tries twice more for a slot, then at the next one. If all fail, take one by hand.",
            )


def _failed(tick: Tick) -> Iterator[Matter]:
    sources = {source.arn: source for source in tick.plan.sources}
    groups: defaultdict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
    for outcome in tick.outcomes:
        if outcome.result is Result.FAILED:
            target = outcome.action.target
            groups[target.region, target.source, verb(outcome.action)].append(outcome)
    for (region, source, action), outcomes in groups.items():
        more = f" ({len(outcomes) - 1} more like it)" if len(outcomes) > 1 else ""
        first = outcomes[0]
        yield _matter(
            Kind.FAILED,
            region,
            source,
            what=f"{source}: {_doing(first.action)} failed{more}: {first.error}",
            since=f"For its slot of {_at(first.action.target.slot)}. {_newest(sources[first.action.target.source_arn])}"
            if isinstance(first.action, Create)
            else f"In the run of {_at(tick.plan.now)}.",
            do="If it names a permission, give it; else wait, the next run tries again. Nothing of it is deleted."
            if isinstance(first.action, Create)
            else "If it names a permission, give it; else wait, the next run tries again.",
            marks=[action],
        )


def _doing(action: Action) -> str:
    match action:
        case Create():
            return "taking a snapshot"
        case Announce():
            return "announcing a deletion"
        case Rescue():
            return "taking back the announcement of a deletion"
        case Delete():
            return "deleting a snapshot"
        case RemoveHold():
            return "taking off a hold that is over"
        case Defer():
            return "putting off a deletion"
        case _:
            assert_never(action)


def _problems(plan: Plan) -> Iterator[Matter]:
    sources = {(source.region, source.name): source for source in plan.sources}
    for problem in plan.problems:
        if problem.severity is not Severity.ADVICE:
            newest = _newest(sources.get((problem.region, problem.source)))
            held = "No snapshot of it is taken, none deleted." if problem.severity is Severity.ERROR else ""
            yield _matter(
                Kind.PROBLEM,
                problem.region,
                problem.source,
                what=_problem(problem),
                since=f"{newest} {held or 'Nothing of it is deleted.'}",
                do=f'Did you mean "{problem.suggestion}"? The next run reads it again.'
                if problem.suggestion
                else "Mend it as it says; the next run reads it again.",
                marks=[problem.tag or "", problem.value or ""],
            )


def _problem(problem: Problem) -> str:
    if problem.tag is None:
        return f"{problem.source}: {problem.message}."
    return f'{problem.source}: the tag "{problem.tag}" = "{problem.value}": {problem.message}.'


def _expiring(tick: Tick, settings: Settings) -> Iterator[Matter]:
    """Yield the sources of which more than a normal number of snapshots was announced at once, until they may go."""
    at_once: Counter[tuple[str, datetime]] = Counter(
        (outcome.action.target.source_arn, outcome.action.expires_at)
        for outcome in tick.outcomes
        if isinstance(outcome.action, Announce) and outcome.result is Result.DONE
    )
    at_once.update((kept.point.source_arn, kept.goes_at) for kept in tick.plan.kept if kept.goes_at)
    sources = {source.arn: source for source in tick.plan.sources}
    for (arn, goes_at), number in at_once.items():
        if number <= NORMAL_ANNOUNCEMENTS:
            continue
        source = sources[arn]
        yield _matter(
            Kind.EXPIRING,
            source.region,
            source.name,
            what=f"{number} snapshots of {source.name} were announced at once to be deleted: {_why(source)}.",
            since=f"They go from {_at(goes_at)} on, oldest first, up to {settings.max_deletes_per_source} in a run.",
            do=f"If that is not meant, before then: {_undo(source, settings)}",
            marks=[format_instant(goes_at)],
        )


def _why(source: SourceStatus) -> str:
    return f'its rule "{source.policy.keep}" keeps no more' if source.policy else f"it is {source.status}"


def _undo(source: SourceStatus, settings: Settings) -> str:
    hold = f"{settings.tag_key}:hold"
    if source.status is Status.GONE:
        return f'tag those to be kept with "{hold}", or set "orphans" to "keep"; the next run takes it back.'
    command = ["aws", "lightsail", "tag-resource", "--region", source.region, "--resource-name", source.name]
    command += ["--tags", f"key={hold}"]
    wider = f'give it a wider "{settings.tag_key}:keep", or ' if source.policy else ""
    return f"{wider}hold them all, and the next run takes it back: {shlex.join(command)}"


def _headline(new: Sequence[Matter], still: Sequence[Matter]) -> str:
    if not new and not still:
        return "nothing needs you"
    return ", ".join([f"{len(new)} new"] * bool(new) + [f"{len(still)} {'still ' if new else ''}open"] * bool(still))


def _subject(new: Sequence[Matter], still: Sequence[Matter], settings: Settings, *, daily: bool) -> str:
    name = _plain(settings.deployment, _MAX_NAME)
    if len(new) == 1 and not still:
        (matter,) = new
        place = _plain(matter.source or matter.region, _MAX_NAME)
        text = f"{name}: {place}: {matter.kind}"
    else:
        text = f"{name}: {'daily digest: ' if daily and not new else ''}{_headline(new, still)}"
    return text.encode("ascii", "replace").decode()[:MAX_SUBJECT]


def _part(heading: str, found: Sequence[Matter]) -> list[str]:
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


def _standing(tick: Tick, settings: Settings) -> Iterable[str]:
    """Yield how everything stands, by the numbers that go to CloudWatch."""
    counts = Counter(source.status for source in tick.plan.sources)
    numbers = {metric.name: metric.value for metric in metrics(tick)}
    stored = numbers[MetricName.STORED_GIB]
    overdue = {source.arn for source in tick.plan.sources if source.status is Status.OVERDUE}
    begun = overdue & _on_their_way(tick, settings)
    notes = {Status.OVERDUE: f" (of {len(begun)} a snapshot is being taken)"} if begun else {}
    yield "Resources: " + (
        ", ".join(f"{counts[status]} {status}{notes.get(status, '')}" for status in Status if counts[status]) or "none"
    )
    newest = [source.newest for source in tick.plan.sources if source.policy and source.newest]
    if newest:
        oldest = min(newest, key=lambda point: point.taken)
        place = f"{_plain(oldest.source_name)} ({oldest.region})"
        hours = numbers[MetricName.OLDEST_RECOVERY_POINT_HOURS]
        yield f"Longest without a new recovery point: {place}, {hours:.0f} h, since {_at(oldest.taken)}"
    yield f"Stored: {stored:g} GiB at full size, at most {usd_per_month(stored):.2f} USD a month"
