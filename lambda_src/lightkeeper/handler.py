"""The Lambda function: wiring only. Raises when something failed, so that Lambda retries and the alarm sees it."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import lru_cache

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lightkeeper.actions import Create, Outcome, Result
from lightkeeper.event import Request, read_event
from lightkeeper.inventory import plan_regions
from lightkeeper.lightsail import Lightsail, connect, is_at_aws
from lightkeeper.message import compose_test
from lightkeeper.metrics import NAMESPACE, publishable
from lightkeeper.model import Plan, Severity
from lightkeeper.notify import DASHBOARD_VARIABLE, RUNBOOK_VARIABLE, TOPIC_VARIABLE, TopicError, max_calls, notify
from lightkeeper.report import (
    Sent,
    Summary,
    action_document,
    outcome_document,
    plan_summary,
    problem_document,
    run_summary,
)
from lightkeeper.run import Run, is_long_past, refuse_future, run_regions
from lightkeeper.sender import Sender
from lightkeeper.settings import MAX_TOPICS, Settings
from lightkeeper.sns import SLOWEST_CALL_SECONDS, Topic


# Lambda keeps the process between invocations, and these connections with it. Those to Lightsail are made for each run:
# what botocore has learnt of throttling in one run would fail the calls of the next.
@lru_cache(maxsize=1 + MAX_TOPICS)
def topic(arn: str) -> Topic:
    """Return the connection to the topic."""
    return Topic(arn)


class RunFailedError(Exception):
    """A run in which something failed; everything else was done."""


def handle(event: Mapping[str, object], context: LambdaContext) -> Summary | Sent:
    """Make a run, or send a test message.

    Parameters
    ----------
    event
        ``{"time": ISO 8601, "dryRun": bool, "regions": [names]}``, each optional: the time of the run (default: now),
        whether only to plan, and which Regions to look after (default: those of the settings, else the function's own).
        With ``{"testNotification": true}`` no run is made: a message goes the way that those of runs go.
    context
        Lambda's: the run ends before its remaining time does.

    Returns
    -------
    Summary or Sent
        Counts, and what failed; of a test message, to which topics it went.

    Raises
    ------
    RunFailedError
        If any list or action failed, or if nobody could be notified.
    InvalidValueError, SettingsError
        If the event or the settings are not understood, or the event's time is more than an hour ahead.
    CallError
        If every Region refuses the credentials.
    """
    settings = Settings.from_env(os.environ)
    clock = datetime.now(UTC)  # noqa: TID251 - entry point
    request = read_event(event, settings, clock)
    if request.is_test:
        return _send_test(settings, clock, context)
    is_late = False
    # A local Lightsail has a clock of its own.
    if is_at_aws():
        refuse_future(request.now, clock)
        is_late = is_long_past(request.now, clock, settings)
    with ExitStack() as stack:
        regions = connect(request.regions, max_concurrency=settings.max_concurrency)
        for region in regions.values():
            stack.callback(region.close)
        return _run(request, regions, settings, context, is_late=is_late)


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
        for action in plan.actions:
            logger.info("planned", extra={"detail": action_document(action)})
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
    # A run over chosen Regions sees a part, and whoever asked for it reads the answer. An event that comes late, a dead
    # letter sent again for example, shows how things stood then: that is no news.
    is_whole = request.regions == settings.regions and not is_late
    if is_late:
        logger.warning(
            "late", extra={"detail": {"message": "only what is missing is taken; the next run does the rest"}}
        )
    unsent = _notify(run, settings, logger, context, seconds_left=seconds_left()) if is_whole else []
    summary["failures"] += unsent
    emf = Metrics(namespace=NAMESPACE, service=settings.deployment)
    for name, value in publishable(run, is_whole=is_whole, is_notified=not unsent).items():
        emf.add_metric(name, MetricUnit(name.unit), value)
    emf.flush_metrics()
    return _end(summary, logger)


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


def _notify(run: Run, settings: Settings, logger: Logger, context: LambdaContext, *, seconds_left: float) -> list[str]:
    """Notify by the topic, if there is one; return what failed."""
    arn = os.environ.get(TOPIC_VARIABLE)
    if not arn:
        return []
    if seconds_left < max_calls(settings) * SLOWEST_CALL_SECONDS:
        return ["notification: no time left in this run; the next one sends it"]
    others = [topic(other) for other in settings.notify_topics]
    try:
        message = notify(run, settings, topic(arn), others, sender=_sender(settings, context))
    except TopicError as error:
        return [f"notification: {error}"]
    if message:
        logger.info("notified", extra={"detail": {"subject": message.subject}})
    return []


def _send_test(settings: Settings, clock: datetime, context: LambdaContext) -> Sent:
    message = compose_test(settings, clock, _sender(settings, context))
    ended = Sent(sent=[], failures=[])
    own = os.environ.get(TOPIC_VARIABLE)
    for arn in ([own] if own else []) + [*settings.notify_topics]:
        try:
            topic(arn).publish(message)
        except TopicError as error:
            ended["failures"].append(f"{arn}: {error}")
        else:
            ended["sent"].append(arn)
    Logger(service=settings.deployment).info("test notification", extra={"detail": ended})
    return ended


def _sender(settings: Settings, context: LambdaContext) -> Sender:
    return Sender.of(
        context.invoked_function_arn,
        settings.deployment,
        runbook=os.environ.get(RUNBOOK_VARIABLE),
        dashboard=os.environ.get(DASHBOARD_VARIABLE),
    )


def _end(summary: Summary, logger: Logger) -> Summary:
    logger.info("summary", extra={"detail": summary})
    if summary["failures"]:
        raise RunFailedError(f"{len(summary['failures'])} failed: {'; '.join(summary['failures'][:10])}")
    return summary
