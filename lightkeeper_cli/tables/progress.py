"""How far a verb is, on the standard error of a terminal; nothing of it stays."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from lightkeeper.actions import Outcome, Result
from lightkeeper.model import Plan


@contextmanager
def showing_run(regions: Iterable[str]) -> Iterator[tuple[Callable[[Plan], None], Callable[[Outcome], None]]]:
    """Show a run in these Regions; yield what to call with each Region's plan, and with each outcome."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task(f"reading {', '.join(regions)}", total=None)
        planned = 0

        def begin(plan: Plan) -> None:
            nonlocal planned
            planned += len(plan.actions)
            progress.update(task, total=planned, description="writing")

        def advance(outcome: Outcome) -> None:
            progress.update(task, advance=1, description=f"{outcome.action.verb} {outcome.action.target.snapshot}")
            if outcome.result is Result.FAILED:
                progress.console.print(f"[bold red]failed[/] {escape(str(outcome.error))}")

        yield begin, advance


@contextmanager
def showing_days(total: int) -> Iterator[Callable[[], None]]:
    """Show a simulation of so many days; yield what to call after each."""
    with Progress(
        TextColumn("{task.description}"), BarColumn(), console=Console(stderr=True), transient=True
    ) as progress:
        task = progress.add_task("simulating", total=total)
        yield lambda: progress.advance(task)
