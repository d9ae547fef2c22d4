"""What needs a person after a run. Pure: a run in, findings out; message.py makes the e-mail's text of them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from lightkeeper.actions import Action, Cause, Create, Defer, Outcome, Result, ScheduleDeletion
from lightkeeper.commands import keeper_command, tag_command
from lightkeeper.errors import counted
from lightkeeper.finding import Finding, FindingKind, key_of
from lightkeeper.kinds import SnapshotKind
from lightkeeper.model import Orphans, Plan, Problem, Severity, SourceStatus, Status
from lightkeeper.overview import (
    Help,
    command_for,
    is_doubt,
    is_news,
    is_open,
    is_overdue_by_errors,
    said_of_copies,
    what_helps,
    what_helps_stopped,
    why_overdue,
    why_stopped,
)
from lightkeeper.run import Run
from lightkeeper.sender import Sender
from lightkeeper.settings import Settings
from lightkeeper.times import format_instant, format_minute

EXPECTED_DELETIONS: Final = 3
"""For one source in one run. A new snapshot pushes out one, or one more where periods of several clauses end together;
a run after a gap a few. A rule that was cut pushes out more at once."""
_NAMED: Final = 5
"""Sources that are named where a whole fleet is meant."""
_GRANT: Final = "If it names a permission, grant it. Otherwise wait: the next run tries again."


def findings(
    run: Run, settings: Settings, regions_before: Iterable[str] = (), *, sender: Sender | None = None
) -> tuple[Finding, ...]:
    """Return what needs a person, each finding once, the most pressing kind first.

    Parameters
    ----------
    run
        What stood, and what was done.
    settings
        The deployment's.
    regions_before
        Which Regions an earlier run looked after.
    sender
        The deployment, for commands that work without its files; None where whoever reads them has these.
    """
    zone = settings.time_zone
    found = (
        *_unread(run.plan, settings, sender),
        *_overdue(run, zone, sender),
        *_stopped(run, settings, sender),
        *_not_copied(run, settings),
        *_copies(run.plan, zone, sender),
        *dropped_regions(run.plan.regions, regions_before, run.plan.now, zone),
        *_errors(run.plan, zone, sender),
        *_failed(run, zone),
        *_expiring(run, settings),
        *_problems(run.plan, zone, sender),
    )
    first: dict[str, Finding] = {}
    for finding in found:
        first.setdefault(finding.key, finding)
    return tuple(first.values())


def _copies(plan: Plan, zone: ZoneInfo, sender: Sender | None) -> Iterator[Finding]:
    """Yield the sources of which a copy is overdue, in each Region."""
    for source in plan.sources:
        for copy in source.copies:
            if copy.overdue_since is None:
                continue
            words = ("plan", "--region", source.region)
            yield _finding(
                FindingKind.COPY,
                copy.region,
                source.name,
                what=f"{said_of_copies(copy, zone)}. If {source.region} is lost, so is what was changed since.",
                since=f"The slot of {format_minute(copy.overdue_since, zone)}.",
                do="Each run tries again. See why in the log of the last runs, or in what a run would do:",
                marks=[source.arn],
                command=sender.command("plan") if sender else keeper_command(*words),
            )


def unseen_regions(run: Run, settings: Settings) -> frozenset[str]:
    """Return the Regions where the run has not seen and tried everything: what is not found there may not be over."""
    put_off = (
        outcome.action.target.region
        for outcome in run.outcomes
        if outcome.result is Result.DEFERRED and not _is_expected(outcome.action)
    )
    unread = {failure.region for failure in run.plan.failures}.union(run.plan.doubted)
    # Nobody knows how copies stand of what is not known itself.
    copied_to = settings.copies if unread.intersection(run.plan.regions) else ()
    return frozenset((*unread, *copied_to, *put_off))


def overdue_keys(plan: Plan) -> frozenset[str]:
    """Return the keys by which the sources of a plan are told to be overdue, whether they are or not."""
    return frozenset(key_of(source.region, FindingKind.OVERDUE, source.arn) for source in plan.sources)


def _is_expected(action: Action) -> bool:
    """Return whether an action was planned to wait: a run that leaves it has seen and tried everything else."""
    return isinstance(action, Defer) or (isinstance(action, Create) and action.not_now is not None)


def _finding(  # noqa: PLR0913 - a finding has that many sides
    kind: FindingKind,
    region: str,
    source: str | None,
    *,
    what: str,
    since: str,
    do: str,
    marks: Sequence[str] = (),
    command: str | None = None,
    because_of: str | None = None,
) -> Finding:
    """Return a finding. Its key is made of kind, Region and `marks`: a source's ARN, as names are used again."""
    return Finding(kind, region, source, what, since, do, key_of(region, kind, *marks), command, because_of)


def _unread(plan: Plan, settings: Settings, sender: Sender | None) -> Iterator[Finding]:
    for failure in plan.failures:
        helps = _what_helps_unread(failure.region, plan, settings, sender)
        yield _finding(
            FindingKind.UNREAD,
            failure.region,
            None,
            what=failure.message,
            since=f"The run of {format_minute(plan.now, settings.time_zone)}. Lightkeeper deletes nothing in this "
            "Region until it can read it again.",
            do=helps.words,
            marks=[failure.listing or ""],
            command=helps.command,
        )


def _what_helps_unread(region: str, plan: Plan, settings: Settings, sender: Sender | None) -> Help:
    """Return what to do about a list that fails; where nothing of a Region is seen, what was copied may be wanted."""
    away = next((name for name in settings.copies if name != region), None)
    is_dark = region in plan.regions and all(source.region != region for source in plan.sources)
    if not (away and is_dark):
        return Help(_GRANT)
    words = ("restore", "--all", "--gone", "--region", away, "--dry-run")
    return Help(
        f'{_GRANT} If the Region is down and you cannot wait, see "The whole Region is down" in the runbook: what has '
        f"copies in {away} can be restored there. This shows it, and changes nothing:",
        command_for(sender, *words),
    )


def _overdue(run: Run, zone: ZoneInfo, sender: Sender | None) -> Iterator[Finding]:
    """Yield the sources that are overdue, each with why and what helps."""
    errors = {
        outcome.action.target.source_arn: outcome.error
        for outcome in run.outcomes
        if isinstance(outcome.action, Create) and outcome.error
    }
    for source in run.plan.sources:
        if source.overdue_since:
            refused = errors.get(source.arn)
            # One that never ends keeps a database busy, so the run could not start another.
            is_refused = refused and not source.is_stuck
            helps = what_helps(source, sender)
            why = f"this run could not start one: {refused}" if is_refused else why_overdue(source, zone)
            yield _finding(
                FindingKind.OVERDUE,
                source.region,
                source.name,
                what=f"{source.name} has no usable snapshot for a slot that has passed: {why}.",
                since=f"The slot of {format_minute(source.overdue_since, zone)}, the first it missed. "
                f"{_newest(source, zone)}",
                do=_sentence(helps),
                command=helps.command,
                marks=[source.arn],
                because_of=_cause(source, is_refused=bool(is_refused)),
            )


def _cause(source: SourceStatus, *, is_refused: bool) -> str | None:
    """Return the key of what makes a source overdue, where that is a finding itself."""
    if is_refused:
        return key_of(source.region, FindingKind.FAILED, source.arn, Create.verb)
    return key_of(source.region, FindingKind.ERROR, *_error_marks(source)) if is_overdue_by_errors(source) else None


def _error_marks(source: SourceStatus) -> Sequence[str]:
    # That the quick attempts are over is news.
    return [source.arn, "waits" if source.next_attempt else ""]


def _sentence(helps: Help) -> str:
    return f"{helps.words[0].upper()}{helps.words[1:]}{_end(helps)}"


def _end(helps: Help) -> str:
    return ":" if helps.command else "."


def _stopped(run: Run, settings: Settings, sender: Sender | None) -> Iterator[Finding]:
    """Yield the sources that have recovery points and are not backed up any more."""
    zone = settings.time_zone
    for source in run.plan.sources:
        if not is_open(source, run.plan.now):
            continue
        helps = what_helps_stopped(source, settings, sender)
        yield _finding(
            FindingKind.STOPPED,
            source.region,
            source.name,
            what=f"Lightkeeper takes no more snapshots of {source.name}: {why_stopped(source, settings)}. "
            f"{_what_is_left(source, settings)}",
            since=_newest(source, zone) if source.usable else f"The run of {format_minute(run.plan.now, zone)}.",
            do=f"If you meant it, do nothing: this message comes once. Otherwise, {helps.words}{_end(helps)}",
            command=helps.command,
            marks=[source.arn, source.status],
        )


def _not_copied(run: Run, settings: Settings) -> Iterator[Finding]:
    """Yield the sources that are backed up, and into another Region not copied any more."""
    tag = f"{settings.tag_key}:copy"
    for source in run.plan.sources:
        for copy in source.copies:
            if source.policy is None or not is_news(copy, run.plan.now) or copy.newest is None:
                continue
            many = "1 copy there is" if len(copy.usable) == 1 else f"{len(copy.usable):,} copies there are"
            goes = "deleted one by one; the newest is kept" if settings.orphans is Orphans.EXPIRE else "kept"
            yield _finding(
                FindingKind.STOPPED,
                copy.region,
                source.name,
                what=f"Lightkeeper copies {source.name} to {copy.region} no more: neither its tags nor its policy ask "
                f"for it. Its {many} {goes if len(copy.usable) > 1 else 'kept'}.",
                since=f"Its newest copy there is of {format_minute(copy.newest.taken, settings.time_zone)}.",
                do="If you meant it, do nothing: this message comes once. Otherwise, tag it again:",
                command=tag_command(source.name, source.region, tag, copy.region),
                marks=[source.arn, "copies"],
            )


def _what_is_left(source: SourceStatus, settings: Settings) -> str:
    """Return what becomes of the recovery points of a source that has stopped."""
    copies = [(len(copy.usable), copy.region) for copy in source.copies if copy.usable]
    left = [counted(len(source.usable), "recovery point")] if source.usable else []
    left += [f"{counted(number, 'copy')} in {region}" for number, region in copies]
    if not left:
        return f"What there is of it is in whole snapshots of {source.included_in}, which go by that one's rule."
    most = max([len(source.usable), *(number for number, _ in copies)])
    if most == 1 or settings.orphans is Orphans.KEEP:
        return f"Its {' and '.join(left)} {'is' if most == len(left) == 1 else 'are'} kept."
    newest = "the newest in each Region" if len(left) > 1 else "the newest"
    return f"Its {' and '.join(left)} are deleted one by one; {newest} is kept."


def dropped_regions(
    regions: Iterable[str], regions_before: Iterable[str], now: datetime, zone: ZoneInfo
) -> Iterator[Finding]:
    """Yield the Regions that an earlier run looked after and the one of `now` (UTC) does not."""
    for region in sorted(set(regions_before) - set(regions)):
        yield _finding(
            FindingKind.REGION,
            region,
            None,
            what=f"The settings no longer name {region}: Lightkeeper backs up nothing there, and deletes nothing.",
            since=f"The run of {format_minute(now, zone)}.",
            do='If you did not mean that, add it to "regions" in the settings and deploy. If you did, do nothing: this '
            "message comes once.",
        )


def _newest(source: SourceStatus | None, zone: ZoneInfo) -> str:
    if source is None or source.newest is None:
        return "It has no recovery point."
    return f"Its newest recovery point was taken at {format_minute(source.newest.taken, zone)}."


def _errors(plan: Plan, zone: ZoneInfo, sender: Sender | None) -> Iterator[Finding]:
    for source in plan.sources:
        if source.errors:
            last, first = source.errors[0], source.errors[-1]
            helps = what_helps(source, sender)
            number = len(source.errors)
            what = f"The snapshot {last.name} of {source.name} ended in error"
            before = f", as did the {number - 1} before it" if number > 1 else ""
            again = f"at {format_minute(source.next_attempt, zone)}" if source.next_attempt else "in the next run"
            yield _finding(
                FindingKind.ERROR,
                source.region,
                source.name,
                what=f"{what}{before}.",
                since=f"{format_minute(first.taken, zone)}. {_newest(source, zone)}",
                do=f"Lightkeeper tries again {again}; AWS support can say why it fails. If its attempts keep failing, "
                f"{helps.words}{_end(helps)}",
                command=helps.command,
                marks=_error_marks(source),
            )


def _failed(run: Run, zone: ZoneInfo) -> Iterator[Finding]:
    sources = {source.arn: source for source in run.plan.sources}
    groups: defaultdict[tuple[str, str, str, str], list[Outcome]] = defaultdict(list)
    for outcome in run.outcomes:
        if outcome.result is Result.FAILED:
            target = outcome.action.target
            groups[target.region, target.source, target.source_arn, outcome.action.verb].append(outcome)
    for (region, source, arn, action), outcomes in groups.items():
        more = f" ({len(outcomes) - 1} more like it)" if len(outcomes) > 1 else ""
        first = outcomes[0]
        is_create = isinstance(first.action, Create)
        yield _finding(
            FindingKind.FAILED,
            region,
            source,
            what=f"{source}: {first.action.doing} failed{more}: {first.error}",
            since=f"Its slot of {format_minute(first.action.target.slot, zone)}. {_newest(sources.get(arn), zone)}"
            if is_create
            else f"The run of {format_minute(run.plan.now, zone)}.",
            do=f"{_GRANT} Until then Lightkeeper deletes no snapshot of {source}." if is_create else _GRANT,
            marks=[arn, action],
        )


def _problems(plan: Plan, zone: ZoneInfo, sender: Sender | None) -> Iterator[Finding]:
    sources = {source.arn: source for source in plan.sources}
    for problem in plan.problems:
        if problem.severity is not Severity.ADVICE:
            newest = f"{_newest(sources[problem.arn], zone)} " if problem.arn in sources else ""
            helps = _what_helps_problem(problem, sender)
            held_back = "takes and deletes" if problem.severity is Severity.ERROR else "deletes"
            yield _finding(
                FindingKind.PROBLEM,
                problem.region,
                problem.source,
                what=_problem(problem),
                since=f"{newest}Until this is corrected, Lightkeeper {held_back} no snapshot of it.",
                do=f"{helps.words}{_end(helps)}",
                command=helps.command,
                marks=[problem.arn or problem.source, problem.tag or "", problem.value or "", _what_is_wrong(problem)],
            )


def _what_helps_problem(problem: Problem, sender: Sender | None) -> Help:
    if is_doubt(problem):
        return Help(
            "Look at once whether they still exist. If they are gone and should not be, bring each back by its name, "
            'see "The server is gone" in the runbook. Otherwise wait. Which they are',
            sender.command("status") if sender else None,
        )
    if problem.suggestion is None:
        return Help("Do as it says; the next run reads it again")
    meant = f'Did you mean "{problem.suggestion}"?'
    if problem.command is None:
        return Help(f"{meant} The next run reads it again")
    return Help(f"{meant} This command writes it, and the next run reads it", problem.command)


def _what_is_wrong(problem: Problem) -> str:
    """Return what sets a problem apart from others of its source; where it has a tag, the tag and its value do."""
    return "" if problem.tag else problem.message.partition(",")[0]


def _problem(problem: Problem) -> str:
    if problem.tag is None:
        return f"{problem.source}: {problem.message}."
    return f'{problem.source}: the tag "{problem.tag}" = "{problem.value}": {problem.message}.'


def _expiring(run: Run, settings: Settings) -> Iterator[Finding]:
    """Yield what is marked to be deleted and is not everyday: of an orphan, many of a source at once, or by a cut."""
    marked = [*_marked(run)]
    sources = {source.arn: source for source in run.plan.sources}
    at_once = Counter((mark.series, mark.expires_at, mark.cause is Cause.ORPHANED) for mark in marked)
    orphans: set[tuple[str, str, SnapshotKind]] = set()
    # The fleet first: a message that is full still names it.
    yield from _cut(marked, settings)
    for (series, expires_at, is_orphan), number in sorted(at_once.items()):
        if series in orphans or (number <= EXPECTED_DELETIONS and not is_orphan):
            continue
        if is_orphan:
            orphans.add(series)
        arn, region, kind = series
        source = sources[arn]
        why = _why(source, region, kind, settings, is_orphan=is_orphan)
        undo = _undo(source, region, settings, is_orphan=is_orphan)
        yield _finding(
            FindingKind.EXPIRING,
            region,
            source.name,
            what=f"{_counted_in(region, number, source)} will be deleted: {why}.",
            since=_from(expires_at, settings),
            do=f"If you did not mean that, do this before then: {undo.words}{_end(undo)}",
            command=undo.command,
            # Of an orphan one after the other goes: that is one finding until all have gone.
            marks=[arn, kind] if is_orphan else [arn, format_instant(expires_at)],
        )


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
        yield _finding(
            FindingKind.EXPIRING,
            region,
            None,
            what=f"{counted(len(marks), 'snapshot')} of {counted(len(names), 'source')} will be deleted: their rules "
            f"keep fewer than before, and no newer snapshots take their place ({some}).",
            since=_from(expires_at, settings),
            do="If you did not mean that, do this before then: give the policy or the tags a wider rule; the next run "
            "cancels the deletions.",
            marks=[format_instant(expires_at)],
        )


def _from(expires_at: datetime, settings: Settings) -> str:
    most = settings.max_deletes_per_source
    begin = format_minute(expires_at, settings.time_zone)
    return f"Deletions begin at {begin}, the oldest first, at most {most} of a source in a run."


@dataclass(frozen=True, slots=True)
class _Marked:
    """A snapshot that is marked to be deleted."""

    region: str
    source: str
    arn: str
    kind: SnapshotKind
    expires_at: datetime
    cause: Cause

    @property
    def series(self) -> tuple[str, str, SnapshotKind]:
        """What it is one of: a source's ARN, a Region (for copies another than the source's), and a kind."""
        return self.arn, self.region, self.kind


def _marked(run: Run) -> Iterator[_Marked]:
    for outcome in run.outcomes:
        if isinstance(outcome.action, ScheduleDeletion) and outcome.result is Result.DONE:
            target, mark = outcome.action.target, outcome.action
            yield _Marked(target.region, target.source, target.source_arn, target.kind, mark.expires_at, mark.cause)
    for kept in run.plan.kept:
        if kept.expires_at:
            point = kept.point
            yield _Marked(point.region, point.source_name, point.source_arn, point.kind, kept.expires_at, kept.cause)


def _counted_in(region: str, number: int, source: SourceStatus) -> str:
    """Return so many snapshots of a source, or where the Region is not its own, so many copies, in words."""
    if region == source.region:
        return f"{counted(number, 'snapshot')} of {source.name}"
    return f"{counted(number, 'copy')} of {source.name} in {region}"


def _why(source: SourceStatus, region: str, kind: SnapshotKind, settings: Settings, *, is_orphan: bool) -> str:
    is_copied = region != source.region
    if not is_orphan:
        if source.policy is None:
            return "no rule keeps them"
        if is_copied:
            rule = settings.copies[region].for_copies(source.policy.copies)
            return f'the rule "{rule.keep}" for them no longer keeps them'
        return f'its rule "{source.policy.keep}" no longer keeps them'
    is_what = f"it is {source.status}"
    if source.policy:
        is_what = f"no more {kind}s of it are copied there" if is_copied else f"Lightkeeper takes no more {kind}s of it"
    return f'{is_what}, and "orphans" is "{Orphans.EXPIRE}"'


def _undo(source: SourceStatus, region: str, settings: Settings, *, is_orphan: bool) -> Help:
    hold = f"{settings.tag_key}:hold"
    if source.status is Status.GONE:
        return Help(
            f'tag those you want to keep with "{hold}", or set "orphans" to "keep"; the next run cancels the deletions'
        )
    keep = "keep" if region == source.region else "copy-keep"
    wider = "" if is_orphan else f'give it a wider "{settings.tag_key}:{keep}", or '
    return Help(
        f"{wider}hold them all, and the next run cancels the deletions", tag_command(source.name, source.region, hold)
    )
