"""What a person sees: tables of a plan or a run, from the same document that `--json` prints."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lightkeeper.report import ActionDocument, Document, ProblemDocument, SourceDocument

_STATUS_STYLES = {
    "protected": "green",
    "waiting": "yellow",
    "overdue": "bold red",
    "problem": "bold red",
    "unknown": "bold red",
    "untagged": "dim",
    "off": "dim",
    "gone": "dim",
}
_ACTION_STYLES = {
    "create": "green",
    "schedule-deletion": "yellow",
    "cancel-deletion": "cyan",
    "remove-hold": "yellow",
    "delete": "red",
    "defer": "dim",
}
_OUTCOME_STYLES = {"done": "green", "skipped": "dim", "deferred": "yellow", "failed": "bold red"}
_SEVERITY_STYLES = {"error": "bold red", "warning": "yellow", "advice": "cyan"}


def show_document(document: Document, console: Console) -> None:
    """Print a plan or a run."""
    console.print(sources_table(document))
    if document["actions"]:
        console.print(actions_table(document["actions"]))
    elif not document["failures"]:
        console.print("Nothing to do.")
    _show_the_rest(document, console)


def show_actions(document: Document, console: Console) -> None:
    """Print what was done, without the sources."""
    console.print(actions_table(document["actions"]))
    _show_the_rest(document, console)


def _show_the_rest(document: Document, console: Console) -> None:
    show_problems(document["problems"], console)
    for failure in document["failures"]:
        console.print(Text.assemble(("could not be read ", "bold red"), f"{failure['region']}: {failure['message']}"))


def clock(instant: str | None) -> str:
    """Return an instant of the document without what every row would repeat."""
    return instant.removesuffix("Z").removesuffix(":00").replace("T", " ") if instant else "-"


def sources_table(document: Document) -> Table:
    """Return the overview of sources."""
    table = Table(title=f"Sources at {clock(document['now'])} UTC", title_justify="left", expand=False)
    for heading in ("Source", "Region", "Policy", "Keep", "Last recovery point", "Next slot", "Status"):
        table.add_column(heading, overflow="fold", no_wrap=heading in {"Last recovery point", "Next slot", "Status"})
    for source in document["sources"]:
        policy = source["policy"]
        table.add_row(
            Text.assemble(source["name"], (f" {source['kind']}", "dim")),
            source["region"],
            policy["name"] if policy else "-",
            policy["keep"] if policy else "-",
            _last(source),
            clock(source["nextSlot"]),
            Text(source["status"], _STATUS_STYLES[source["status"]]),
        )
    return table


def _last(source: SourceDocument) -> str:
    return f"{clock(source['lastRecoveryPoint'])} ({source['recoveryPoints']})" if source["recoveryPoints"] else "-"


def actions_table(actions: list[ActionDocument]) -> Table:
    """Return the actions with their reasons, and with how they ended if they were done."""
    table = Table(title="Actions", title_justify="left", expand=False)
    for heading in ("Action", "Snapshot", "Reason", *(("Outcome",) if "outcome" in actions[0] else ())):
        table.add_column(heading, overflow="fold", no_wrap=heading == "Action")
    for action in actions:
        cells = [
            Text(action["action"], _ACTION_STYLES[action["action"]]),
            Text(action["snapshot"]),
            Text(action["reason"]),
        ]
        if "outcome" in action:
            cells.append(_outcome(action["outcome"], action.get("error")))
        table.add_row(*cells)
    return table


def _outcome(outcome: str, error: str | None) -> Text:
    return Text.assemble((outcome, _OUTCOME_STYLES[outcome]), f": {error}" if error else "")


def show_problems(problems: Iterable[ProblemDocument], console: Console) -> None:
    """Print problems, each with what to do."""
    for problem in problems:
        tag = f" {problem['tag']}={problem['value'] or ''}" if problem["tag"] else ""
        console.print(
            Text.assemble(
                (f"{problem['severity']:<8}", _SEVERITY_STYLES[problem["severity"]]),
                (f"{problem['source']}{tag}", "bold"),
                f" {problem['message']}",
                (f"; did you mean {problem['suggestion']}?", "bold") if problem["suggestion"] else "",
            )
        )
