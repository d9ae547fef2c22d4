"""The Lambda function: wiring only. Raises when something failed, so that Lambda retries and the alarm sees it."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Final
from zoneinfo import ZoneInfo

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lightkeeper.actions import Create, Outcome, Result
from lightkeeper.errors import InvalidValueError, as_json
from lightkeeper.inventory import plan_regions
from lightkeeper.json_objects import ObjectReader, as_object, switch, text
from lightkeeper.lightsail import Lightsail, connect, is_at_aws
from lightkeeper.model import Plan, Severity
from lightkeeper.notify import DASHBOARD_VARIABLE, MAX_CALLS, TOPIC_VARIABLE, TopicError, tell
from lightkeeper.report import (
    GAUGES,
    NAMESPACE,
    Summary,
    metrics,
    outcome_document,
    plan_document,
    plan_summary,
    problem_document,
    run_summary,
)
from lightkeeper.run import OFF_THE_CLOCK, Run, run_regions
from lightkeeper.settings import Settings
from lightkeeper.sns import SLOWEST_CALL_SECONDS, Topic
from lightkeeper.ticks import longest_gap_of_tick
from lightkeeper.times import format_instant, parse_instant

_TICKS_UNTIL_LATE: Final = 2


# Lambda keeps the process between invocations, and this connection with it. Those to Lightsail are made for each run:
# what botocore has learnt of throttling in one run would fail the calls of the next.
@lru_cache(maxsize=1)
def topic(arn: str) -> Topic:
    """Return the connection to the topic."""
    return Topic(arn)


class RunFailedError(Exception):
    """A run in which something failed; everything else was done."""


@dataclass(frozen=True, slots=True)
class Request:
    """What an event asks for."""

    now: datetime
    dry_run: bool
    regions: tuple[str, ...]


def handle(event: Mapping[str, object], context: LambdaContext) -> Summary:
    """Run one run.

    Parameters
    ----------
    event
        ``{"time": ISO 8601, "dryRun": bool, "regions": [names]}``, each optional: the time of the run (default: now),
        whether only to plan, and which Regions to look after (default: those of the settings, else the function's own).
    context
        Lambda's; its remaining time is heeded.

    Returns
    -------
    Summary
        Counts, and what failed.

    Raises
    ------
    RunFailedError
        If any list or action failed, or if nobody could be told.
    InvalidValueError, SettingsError
        If the event or the settings are not understood, or the event's time is more than an hour ahead.
    CallError
        If every Region refuses the credentials.
    """
    settings = Settings.from_env(os.environ)
    request = read_event(event, settings)
    is_late = False
    # A local Lightsail has a clock of its own.
    if is_at_aws():
        clock = datetime.now(UTC)  # noqa: TID251 - entry point
        _refuse_future(request.now, clock)
        is_late = request.now < clock - max(OFF_THE_CLOCK, _TICKS_UNTIL_LATE * longest_gap_of_tick(settings.tick))
    with ExitStack() as stack:
        regions = connect(request.regions, max_concurrency=settings.max_concurrency)
        for region in regions.values():
            stack.callback(region.close)
        return _run(request, regions, settings, context, is_late=is_late)


def _refuse_future(now: datetime, clock: datetime) -> None:
    """Refuse a run ahead of its time.

    Raises
    ------
    InvalidValueError
        If `now` is more than an hour ahead of the clock: it would skip the grace of what is marked.
    """
    if now > clock + OFF_THE_CLOCK:
        raise InvalidValueError(
            f'"time" is {format_instant(now)}, but it is {format_instant(clock)}; expected a time that has come: '
            "a run ahead of its time would delete what is still in its grace"
        )


def _run(
    request: Request, regions: Mapping[str, Lightsail], settings: Settings, context: LambdaContext, *, is_late: bool
) -> Summary:

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    # A cached Logger keeps its keys between invocations.
    logger = Logger(service=settings.deployment)
    logger.append_keys(run=request.now.isoformat(), request_id=context.aws_request_id)

    if request.dry_run:
        plan = plan_regions(regions, settings, request.now)
        for planned in plan_document(plan)["actions"]:
            logger.info("planned", extra={"detail": planned})
        _log_problems(logger, plan)
        return _end(plan_summary(plan), logger)

    run = run_regions(
        regions,
        settings,
        request.now,
        seconds_left=seconds_left,
        on_outcome=lambda outcome: _log_outcome(logger, outcome),
        is_late=is_late,
    )
    _log_problems(logger, run.plan)
    summary = run_summary(run)
    # A run over Regions of somebody's choice sees a part, and who asked for it reads the answer. To an event that comes
    # late, a dead letter sent again say, things stand as they stood then: that is no news.
    is_whole = request.regions == settings.regions and not is_late
    if is_late:
        logger.warning(
            "late", extra={"detail": {"message": "only what is missing is taken; the next run does the rest"}}
        )
    emf = Metrics(namespace=NAMESPACE, service=settings.deployment)
    for metric in metrics(run):
        if is_whole or metric.name not in GAUGES:
            emf.add_metric(metric.name, MetricUnit(metric.unit), metric.value)
    emf.flush_metrics()
    if is_whole:
        summary["failures"] += _tell(run, settings, logger, seconds_left=seconds_left())
    return _end(summary, logger)


def read_event(event: Mapping[str, object], settings: Settings) -> Request:
    """Return what an event asks for.

    Raises
    ------
    InvalidValueError
        If a key is unknown or a value is not understood.
    """
    read = ObjectReader(as_object(event, 'an object; expected one such as {"dryRun": true}'))
    time = read.value("time", partial(_time, zone=settings.time_zone), None)
    dry_run = read.value("dryRun", switch, default=False)
    regions = read.value("regions", _regions, settings.regions)
    if errors := read.errors():
        raise InvalidValueError("\n".join(f"event.{error}" for error in errors))
    now = time or datetime.now(UTC)  # noqa: TID251 - entry point
    return Request(now.replace(microsecond=0), dry_run, regions or settings.regions)


def _time(value: object, zone: ZoneInfo) -> datetime | None:
    return None if value is None else parse_instant(text(value, 'ISO 8601 such as "2026-11-23T03:00:00Z"'), zone)


def _regions(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(region, str) for region in value):
        raise InvalidValueError(f'{as_json(value)} is not a list of Regions; expected one such as ["eu-central-1"]')
    return tuple(value)


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


def _tell(run: Run, settings: Settings, logger: Logger, *, seconds_left: float) -> list[str]:
    """Tell the topic, if there is one; return what failed."""
    arn = os.environ.get(TOPIC_VARIABLE)
    if not arn:
        return []
    if seconds_left < MAX_CALLS * SLOWEST_CALL_SECONDS:
        return ["notification: no time left in this run; the next one tells"]
    try:
        message = tell(run, settings, topic(arn), dashboard=os.environ.get(DASHBOARD_VARIABLE))
    except TopicError as error:
        return [f"notification: {error}"]
    if message:
        logger.info("told", extra={"detail": {"subject": message.subject}})
    return []


def _end(summary: Summary, logger: Logger) -> Summary:
    logger.info("summary", extra={"detail": summary})
    if summary["failures"]:
        raise RunFailedError(f"{len(summary['failures'])} failed: {'; '.join(summary['failures'][:10])}")
    return summary
