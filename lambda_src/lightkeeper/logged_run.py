"""A run, or a plan alone, with its connections and its log lines: what the function's runs have in common."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

from aws_lambda_powertools import Logger

from lightkeeper.actions import Create, Outcome, Result
from lightkeeper.credentials import Credentials
from lightkeeper.inventory import plan_regions
from lightkeeper.lightsail import Lightsail, connect
from lightkeeper.model import Plan, Severity
from lightkeeper.report import Summary, action_document, outcome_document, plan_summary, problem_document
from lightkeeper.run import Run, run_regions
from lightkeeper.settings import Settings


@dataclass(frozen=True, slots=True)
class Connections:
    """Lightsail in each Region that a run needs."""

    regions: Mapping[str, Lightsail]
    """Those to look after."""
    targets: Mapping[str, Lightsail]
    """Those that copies go to."""


@contextmanager
def connected(
    regions: Iterable[str], settings: Settings, credentials: Credentials | None = None
) -> Iterator[Connections]:
    """Connect to Lightsail until the block ends; see `lightkeeper.lightsail.connect`.

    Lambda keeps the process between invocations. These connections are made for each run: what botocore has learnt of
    throttling in one run would fail the calls of the next, and of one account those of another.
    """
    with ExitStack() as stack:

        def connect_to(names: Iterable[str]) -> Mapping[str, Lightsail]:
            made = connect(names, max_concurrency=settings.max_concurrency, credentials=credentials)
            for connection in made.values():
                stack.callback(connection.close)
            return made

        yield Connections(connect_to(regions), connect_to(settings.copies) if settings.copies else {})


def log_plan(connections: Connections, settings: Settings, now: datetime, logger: Logger) -> Summary:
    """Plan for `now` (UTC), log what would be done, and return what it comes to."""
    plan = plan_regions(connections.regions, settings, now, connections.targets)
    for action in plan.actions:
        logger.info("planned", extra={"detail": action_document(action)})
    _log_problems(logger, plan)
    return plan_summary(plan)


def log_run(  # noqa: PLR0913 - a run has that many sides
    connections: Connections,
    settings: Settings,
    now: datetime,
    logger: Logger,
    *,
    seconds_left: Callable[[], float],
    is_late: bool,
) -> Run:
    """Run, and log each outcome as soon as it is known. The parameters are those of `lightkeeper.run.run_regions`."""
    run = run_regions(
        connections.regions,
        settings,
        now,
        seconds_left=seconds_left,
        on_outcome=lambda outcome: _log_outcome(logger, outcome),
        is_late=is_late,
        targets=connections.targets,
    )
    _log_problems(logger, run.plan)
    if is_late:
        logger.warning(
            "late", extra={"detail": {"message": "only what is missing is taken; the next run does the rest"}}
        )
    return run


def _log_outcome(logger: Logger, outcome: Outcome) -> None:
    level = logger.error if outcome.result is Result.FAILED else logger.info
    level("action", extra={"detail": outcome_document(outcome)})
    if isinstance(outcome.action, Create) and outcome.action.left_out:
        logger.warning(
            "no room for all tags",
            extra={"detail": {"snapshot": outcome.action.target.snapshot, "tags": list(outcome.action.left_out)}},
        )


def _log_problems(logger: Logger, plan: Plan) -> None:
    for problem in plan.problems:
        level = logger.info if problem.severity is Severity.ADVICE else logger.warning
        level("problem", extra={"detail": problem_document(problem)})
