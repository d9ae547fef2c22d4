"""`lightkeeper plan`, `run` and `take`, printed: the sources, the actions with reasons and outcomes, the problems."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lightkeeper.actions import Action, Create, Outcome, Result
from lightkeeper.errors import did_you_mean
from lightkeeper.model import Origin, Plan, Problem, Severity, SourceStatus, Status
from lightkeeper.run import Run

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
    "schedule-deletion": "yellow",
    "cancel-deletion": "cyan",
    "remove-hold": "yellow",
    "delete": "red",
    "defer": "dim",
}
_RESULT_STYLES: Final = {
    Result.DONE: "green",
    Result.SKIPPED: "dim",
    Result.DEFERRED: "yellow",
    Result.FAILED: "bold red",
}
_SEVERITY_STYLES: Final = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.ADVICE: "cyan"}


_FOLLOWS: Final = {
    Severity.ERROR: "; until then no snapshot of it is taken, and none is deleted",
    Severity.WARNING: "; until then no snapshot of it is deleted",
    Severity.ADVICE: "",
}
"""What comes of a tag that Lightkeeper does not understand."""
_INDENT: Final = " " * 8


def show_plan(plan: Plan, console: Console) -> None:
    """Print a plan."""
    _show(plan, _planned(plan.actions) if plan.actions else None, console)


def show_run(run: Run, console: Console) -> None:
    """Print a run: what stood before it, and what it did."""
    _show(run.plan, _done(run.outcomes) if run.outcomes else None, console)


def show_outcomes(run: Run, console: Console) -> None:
    """Print what was done, without the sources."""
    console.print(_done(run.outcomes))
    _show_the_rest(run.plan, console)


def _show(plan: Plan, actions: Table | None, console: Console) -> None:
    console.print(sources_table(plan))
    if actions:
        console.print(actions)
    elif not plan.failures:
        console.print("Nothing to do.")
    _show_the_rest(plan, console)


def _show_the_rest(plan: Plan, console: Console) -> None:
    for problem in plan.problems:
        console.print(_problem(problem))
        if problem.command:
            # To be pasted, so in one line whatever the width.
            console.print(Text(f"{_INDENT}{problem.command}", "bold"), soft_wrap=True)
    for failure in plan.failures:
        console.print(Text.assemble(("could not be read ", "bold red"), f"{failure.region}: {failure.message}"))


def sources_table(plan: Plan) -> Table:
    """Return the overview of sources."""
    table = Table(title=f"Sources at {_instant(plan.now)} UTC", title_justify="left", expand=False)
    for heading in ("Source", "Region", "Policy", "Keep", "Last recovery point", "Next slot", "Status"):
        table.add_column(heading, overflow="fold", no_wrap=heading in {"Last recovery point", "Next slot", "Status"})
    for source in plan.sources:
        policy = source.policy
        table.add_row(
            Text.assemble(source.name, (f" {source.kind}", "dim")),
            source.region,
            Text.assemble(policy.name, _origin(policy.named_by, Origin.DEFAULT)) if policy else "-",
            Text.assemble(str(policy.keep), _origin(policy.keep_from, Origin.TAG)) if policy else "-",
            _last(source),
            _instant(source.next_slot),
            Text(source.status, STATUS_STYLES[source.status]),
        )
    return table


def _origin(origin: Origin, told: Origin) -> tuple[str, str]:
    """Return where a value comes from, if that is not where one looks first."""
    return (f" ({origin})", "dim") if origin is told else ("", "")


def _last(source: SourceStatus) -> str:
    return f"{_instant(source.newest.taken)} ({len(source.usable)})" if source.newest else "-"


def _instant(instant: datetime | None) -> str:
    """Return an instant without what every row would repeat."""
    if instant is None:
        return "-"
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}".removesuffix(":00")


def _planned(actions: Iterable[Action]) -> Table:
    table = _actions_table("Action", "Snapshot", "Reason")
    for action in actions:
        verb, snapshot, reason = _cells(action)
        waits = action.not_now if isinstance(action, Create) else None
        table.add_row(verb, snapshot, Text.assemble(reason, (f"; deferred: {waits}", "yellow") if waits else ""))
    return table


def _done(outcomes: Iterable[Outcome]) -> Table:
    table = _actions_table("Action", "Snapshot", "Reason", "Outcome")
    for outcome in outcomes:
        ended = (outcome.result, _RESULT_STYLES[outcome.result])
        table.add_row(*_cells(outcome.action), Text.assemble(ended, f": {outcome.error}" if outcome.error else ""))
    return table


def _actions_table(*headings: str) -> Table:
    table = Table(title="Actions", title_justify="left", expand=False)
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading == "Action")
    return table


def _cells(action: Action) -> tuple[Text, Text, Text]:
    return Text(action.verb, _ACTION_STYLES[action.verb]), Text(action.target.snapshot), Text(action.reason)


def _problem(problem: Problem) -> Text:
    """Return a problem, with what to do."""
    tag = f" {problem.tag}={problem.value or ''}" if problem.tag else ""
    follows = _FOLLOWS[problem.severity] if problem.tag else ""
    return Text.assemble(
        (f"{problem.severity:<8}", _SEVERITY_STYLES[problem.severity]),
        (f"{problem.source}{tag}", "bold"),
        f" {problem.message}{follows}",
        (did_you_mean(problem.suggestion), "bold"),
    )
