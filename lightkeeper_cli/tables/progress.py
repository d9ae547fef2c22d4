"""How far a verb is, on the standard error of a terminal; nothing of it stays."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from lightkeeper.actions import Outcome, Result
from lightkeeper.model import Plan
from lightkeeper.rescue import Rescued
from lightkeeper.rescue_plan import RESCUED, RescuePlan
from lightkeeper.restore_steps import RestorePlan, Step, StepOutcome, StepResult, Wait
from lightkeeper_cli.tables.console import make_console


@contextmanager
def showing_run(regions: Iterable[str]) -> Iterator[tuple[Callable[[Plan], None], Callable[[Outcome], None]]]:
    """Show a run in these Regions; yield what to call with each Region's plan, and with each outcome."""
    console = make_console(stderr=True)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
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
    console = make_console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("simulating", total=total)
        yield lambda: progress.advance(task)


def step_words(step: Step) -> str:
    """Return a step of a restore in so many words that those of one restore differ."""
    return f"{step.step} {step.detail}" if isinstance(step, Wait) else step.step


@contextmanager
def showing_rescue(plan: RescuePlan, console: Console) -> Iterator[Callable[[Rescued], None]]:
    """Show a rescue; yield what to call when a day has come further, or cannot. Without a terminal, a line for each."""
    days = [day for day in plan.days if day.verdict in RESCUED]
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        bar = progress.add_task("copying", total=len(days), visible=bool(days))

        def show(rescued: Rescued) -> None:
            ends = not rescued.stage.is_open
            progress.update(bar, advance=int(ends), description=f"{rescued.day.date} {rescued.stage}")
            if rescued.error or not console.is_terminal:
                why = f": {rescued.error}" if rescued.error else ""
                words = f"{plan.source.name} {rescued.day.date} {rescued.stage}{why}"
                progress.console.print(words, markup=False, highlight=False, soft_wrap=not console.is_terminal)

        yield show


@contextmanager
def showing_restore(console: Console) -> Iterator[Callable[[RestorePlan, Step, StepOutcome | None], None]]:
    """Show restores, a bar each while it is at work; yield what to call when a step begins, and when it has ended.

    Without a terminal, a line for each step that has ended.
    """
    started: dict[int, float] = {}
    bars: dict[int, TaskID] = {}
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", table_column=Column(overflow="fold")),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:

        def show(plan: RestorePlan, step: Step, outcome: StepOutcome | None) -> None:
            if id(plan) not in bars:
                bars[id(plan)] = progress.add_task("", total=len(plan.steps))
            bar = bars[id(plan)]
            if outcome is None:
                started[id(plan)] = time.monotonic()
                progress.update(bar, description=f"{escape(plan.resource)} {step.step}")
                return
            progress.update(bar, advance=1, visible=step is not plan.steps[-1])
            if outcome.result is StepResult.SKIPPED:
                return
            took = f"{time.monotonic() - started[id(plan)]:.0f} s"
            # The plan and the end say it all on a terminal; here, where it stands.
            if outcome.result is StepResult.FAILED:
                what = escape(f"{plan.resource} {step.step}: {outcome.error}")
                progress.console.print(f"[bold red]failed[/] {what}", soft_wrap=not console.is_terminal)
            elif not console.is_terminal:
                words = f"{plan.resource} {step_words(step)}: {outcome.result} after {took}"
                console.print(words, markup=False, highlight=False)

        yield show
