"""`lightkeeper plan`, `run` and `take`, printed: the sources, the actions with reasons and outcomes, the problems."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from lightkeeper.actions import Action, Create, Outcome, Result
from lightkeeper.errors import did_you_mean
from lightkeeper.model import Origin, Plan, Policy, Problem, ReadFailure, RecoveryPoint, Severity, SourceStatus, Status
from lightkeeper.overview import empty_regions, what_follows
from lightkeeper.run import Run
from lightkeeper_cli.fates import Ending, Fate, fates_of
from lightkeeper_cli.tables.columns import Column, Table, fit, rows_of, show, show_hidden
from lightkeeper_cli.tables.header import header, show_empty

if TYPE_CHECKING:
    from lightkeeper_cli.account import Where

STATUS_STYLES: Final = {
    Status.PROTECTED: "green",
    Status.WAITING: "yellow",
    Status.OVERDUE: "bold red",
    Status.PROBLEM: "bold red",
    Status.UNKNOWN: "bold red",
    Status.UNTAGGED: "dim",
    Status.OFF: "dim",
    Status.GONE: "dim",
}
_ACTION_STYLES: Final = {
    "create": "green",
    "copy": "green",
    "schedule-deletion": "yellow",
    "cancel-deletion": "cyan",
    "remove-hold": "yellow",
    "delete": "red",
    "defer": "dim",
}
FATE_STYLES: Final = {Ending.KEPT: "green", Ending.EXPIRING: "yellow", Ending.DELETED: "red"}
# A reason that has less room stands below.
DETAIL: Final = 40
SHORT_DETAIL: Final = 24
_RESULT_STYLES: Final = {
    Result.DONE: "green",
    Result.SKIPPED: "dim",
    Result.DEFERRED: "yellow",
    Result.FAILED: "bold red",
}
_SEVERITY_STYLES: Final = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.ADVICE: "cyan"}


_INDENT: Final = " " * 8


def show_plan(plan: Plan, where: "Where | None", console: Console, *, is_verbose: bool = False) -> None:
    """Print a plan; of each source a line on what is kept and what goes, or all of its recovery points."""
    if where:
        console.print(header(where), end="\n\n")
    tables = [_show_sources(plan, console)]
    if plan.points:
        tables.append(_show_points(plan, console) if is_verbose else _show_kept(plan, console))
    if plan.actions:
        tables.append(_show_actions(_planned(plan.actions), console))
    elif not plan.failures:
        console.print("Nothing to do.")
    show_the_rest(plan.failures, plan.problems, console)
    show_hidden(tables, console)


def show_run(run: Run, where: "Where | None", console: Console) -> None:
    """Print a run: what stood before it, and what it did."""
    if where:
        console.print(header(where), end="\n\n")
    tables = [_show_sources(run.plan, console)]
    if run.outcomes:
        tables.append(_show_actions(_done(run.outcomes), console))
    elif not run.plan.failures:
        console.print("Nothing to do.")
    show_the_rest(run.plan.failures, run.plan.problems, console)
    show_hidden(tables, console)


def show_outcomes(run: Run, where: "Where", console: Console) -> None:
    """Print what was done, without the sources."""
    console.print(header(where), end="\n\n")
    _show_actions(_done(run.outcomes), console)
    show_the_rest(run.plan.failures, run.plan.problems, console)


def show_the_rest(failures: Iterable[ReadFailure], problems: Iterable[Problem], console: Console) -> None:
    """Print problems, and what could not be read."""
    for problem in problems:
        console.print(_problem(problem))
        show_command(problem, console)
    for failure in failures:
        console.print(Text.assemble(("could not be read ", "bold red"), f"{failure.region}: {failure.message}"))


def show_command(problem: Problem, console: Console) -> None:
    """Print the command that does as a problem suggests, if there is one; it stands below the problem."""
    if problem.command:
        # To be pasted, so in one line whatever the width.
        console.print(Text(f"{_INDENT}{problem.command}", "bold"), soft_wrap=True)


def _titled(title: str, table: Table, console: Console) -> Table:
    console.print(Text(title, "italic"))
    show(table, console)
    console.print()
    return table


def _show_sources(plan: Plan, console: Console) -> Table | None:
    show_empty(empty_regions(plan), plan.regions, console)
    if not plan.sources:
        return None
    return _titled(f"Sources at {instant(plan.now)} UTC", _sources(plan, console.width), console)


def _sources(plan: Plan, width: int) -> Table:
    sources = plan.sources
    policies = [source.policy for source in sources]
    # One Region goes without saying.
    regions = [Column("Region", [Text(source.region) for source in sources], 50)]
    columns = (
        Column("Source", [Text(source.name, "bold") for source in sources], is_name=True),
        Column("Kind", [Text(source.kind, "dim") for source in sources], 60),
        *(regions if len({source.region for source in sources}) > 1 else ()),
        Column("Policy", [_policy(each) for each in policies], 40),
        Column("Keep", [_keep(each) for each in policies], 80, wraps_at=16),
        Column("Last recovery point", [Text(_last(source)) for source in sources], 30),
        Column("Next slot", [Text(instant(source.next_slot)) for source in sources], 70),
        Column("Status", [Text(source.status, STATUS_STYLES[source.status]) for source in sources]),
    )
    return fit(columns, width)


def _policy(policy: Policy | None) -> Text:
    return Text.assemble(policy.name, _origin(policy.named_by, Origin.DEFAULT)) if policy else Text("-")


def _keep(policy: Policy | None) -> Text:
    return Text.assemble(str(policy.keep), _origin(policy.keep_from, Origin.TAG)) if policy else Text("-")


def _origin(origin: Origin, told: Origin) -> tuple[str, str]:
    """Return where a value comes from, if that is not where one looks first."""
    return (f" ({origin})", "dim") if origin is told else ("", "")


def _last(source: SourceStatus) -> str:
    return f"{instant(source.newest.taken)} ({len(source.usable)})" if source.newest else "-"


def instant(instant: datetime | None) -> str:
    """Return an instant without what every row would repeat."""
    if instant is None:
        return "-"
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}".removesuffix(":00")


def _planned(actions: Iterable[Action]) -> "_Actions":
    details = []
    for action in actions:
        waits = action.not_now if isinstance(action, Create) else None
        details.append(Text.assemble(action.reason, (f"; deferred: {waits}", "yellow") if waits else ""))
    return _Actions(tuple(actions), details)


def _done(outcomes: Sequence[Outcome]) -> "_Actions":
    return _Actions(
        actions=[outcome.action for outcome in outcomes],
        details=[_error(outcome) if outcome.error else Text(outcome.action.reason) for outcome in outcomes],
        results=[outcome.result for outcome in outcomes],
    )


def _error(outcome: Outcome) -> Text:
    return Text.assemble(
        outcome.action.reason, (f"; {outcome.result}: {outcome.error}", _RESULT_STYLES[outcome.result])
    )


@dataclass(frozen=True, slots=True)
class _Actions:
    """What is planned, or was done."""

    actions: Sequence[Action]
    details: Sequence[Text]
    results: Sequence[Result] = ()
    """How each ended; none where nothing was done yet."""


def _show_actions(what: _Actions, console: Console) -> Table:
    verbs = [Text(action.verb, _ACTION_STYLES[action.verb]) for action in what.actions]
    results = [Text(result, _RESULT_STYLES[result]) for result in what.results]
    columns = (
        Column("Action", verbs),
        *([Column("Outcome", results)] if results else ()),
        Column("Snapshot", [Text(action.target.snapshot) for action in what.actions], is_name=True),
    )
    detail = Column("Reason", what.details, wraps_at=DETAIL)
    return _titled("Actions", fit(columns, console.width, detail=detail), console)


def _show_kept(plan: Plan, console: Console) -> Table:
    """Print of each source, and of its copies in each Region, what is kept, by which reason, and what goes."""
    groups = [[*group] for _, group in groupby(fates_of(plan), lambda each: (each.point.source_arn, each.point.region))]

    def number(ending: Ending) -> Sequence[Text]:
        counts = [sum(each.ending is ending for each in group) for group in groups]
        return [Text(str(count or "-"), FATE_STYLES[ending] if count else "dim") for count in counts]

    columns = (
        Column("Source", [_series(group[0].point) for group in groups], is_name=True),
        *(Column(ending.capitalize(), number(ending), is_right=True) for ending in FATE_STYLES),
    )
    detail = Column("Why", [_counted(group) for group in groups], wraps_at=DETAIL)
    return _titled("Recovery points: what is kept, and what goes", fit(columns, console.width, detail=detail), console)


def _series(point: RecoveryPoint) -> Text:
    """Return what recovery points are of that go by one rule."""
    return Text.assemble((point.source_name, "bold"), f" in {point.region}" if point.is_copy else "")


def _counted(fates: Sequence[Fate]) -> Text:
    """Return how many recovery points each reason keeps, and from when on the first one goes."""
    kept = [each for each in fates if each.ending is Ending.KEPT]
    numbers = Counter(reason for each in kept for reason in each.reasons)
    reasons = [
        # Whatever keeps it, it is a snapshot.
        reason if number == len(kept) and len(numbers) == 1 else f"{number} {_without_noun(reason)}"
        for reason, number in numbers.items()
    ]
    until = min((each.expires_at for each in fates if each.ending is Ending.EXPIRING and each.expires_at), default=None)
    expiring = f"expiring from {instant(until)}" if until else ""
    return Text("; ".join(filter(None, (", ".join(reasons), expiring))))


def _without_noun(reason: str) -> str:
    """Return a reason as it follows a number."""
    return f"as {reason}" if reason.startswith("nothing ") else reason.removesuffix(" snapshot")


def _show_points(plan: Plan, console: Console) -> Table:
    """Print all recovery points, source by source, and what becomes of each."""
    fates = fates_of(plan)
    columns = (
        Column("Fate", [Text(each.ending, FATE_STYLES[each.ending]) for each in fates]),
        Column("Snapshot", [Text(each.point.name) for each in fates], is_name=True),
        *of_copies(fates),
        Column("Taken", [Text(instant(each.point.taken)) for each in fates]),
    )
    detail = Column("Why", [Text(", ".join(each.reasons)) for each in fates], wraps_at=SHORT_DETAIL)
    table = fit(columns, console.width, detail=detail, indent=2)
    number = 0
    for group in _by_source(fates):
        counts = Counter(each.ending for each in group)
        words = ", ".join(f"{counts[ending]} {ending}" for ending in FATE_STYLES if counts[ending])
        point = group[0].point
        console.print(Text.assemble((point.source_name, "bold"), f" in {point.home}: {words}"))
        show(rows_of(table, slice(number, number + len(group))), console)
        console.print()
        number += len(group)
    return table


def of_copies(fates: Iterable[Fate]) -> Sequence[Column]:
    """Return the column of the Regions that recovery points are in; none where all are where their sources are."""
    points = [each.point for each in fates]
    regions = [Text(point.region, "cyan" if point.is_copy else "dim") for point in points]
    return [Column("Region", regions, 10)] if any(point.is_copy for point in points) else []


def _by_source(fates: Iterable[Fate]) -> Sequence[Sequence[Fate]]:
    return [[*group] for _, group in groupby(fates, key=lambda fate: fate.point.source_arn)]


def _problem(problem: Problem) -> Text:
    """Return a problem, with what to do."""
    tag = f" {problem.tag}={problem.value or ''}" if problem.tag else ""
    return Text.assemble(
        (f"{problem.severity:<8}", _SEVERITY_STYLES[problem.severity]),
        (f"{problem.source}{tag}", "bold"),
        f" {problem.message}{what_follows(problem)}",
        (did_you_mean(problem.suggestion), "bold"),
    )
