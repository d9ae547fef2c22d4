"""The Lambda function: wiring only. Raises when something failed, so that Lambda retries and the alarm sees it."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lightkeeper.aws import SLOWEST_CALL_SECONDS
from lightkeeper.event import Request, read_event, refuse_account
from lightkeeper.fleet import AccountAnswer
from lightkeeper.lightsail import is_at_aws
from lightkeeper.logged_run import Connections, connected, log_plan, log_run
from lightkeeper.member_run import Hub, credentials_of, run_account
from lightkeeper.message import compose_test
from lightkeeper.metrics import NAMESPACE, publishable
from lightkeeper.notify import DASHBOARD_VARIABLE, RUNBOOK_VARIABLE, TOPIC_VARIABLE, TopicError, max_calls, notify, send
from lightkeeper.organization import MEMBER_ROLE_VARIABLE, RESULTS_VARIABLE
from lightkeeper.report import Sent, Summary, run_summary
from lightkeeper.run import Run, is_long_past, refuse_future
from lightkeeper.sender import Sender
from lightkeeper.settings import MAX_TOPICS, Settings
from lightkeeper.sns import Topic


# Lambda keeps the process between invocations, and these connections with it.
@lru_cache(maxsize=1 + MAX_TOPICS)
def topic(arn: str) -> Topic:
    """Return the connection to the topic."""
    return Topic(arn)


class RunFailedError(Exception):
    """A run in which something failed; everything else was done."""


def handle(event: Mapping[str, object], context: LambdaContext) -> Summary | AccountAnswer | Sent:
    """Make a run, or send a test message.

    Parameters
    ----------
    event
        ``{"time": ISO 8601, "dryRun": bool, "regions": [names]}``, each optional: the time of the run (default: now),
        whether only to plan, and which Regions to look after (default: those of the settings, else the function's own).
        Where the deployment looks after an organization's accounts, also ``{"account": 12 digits, "name": its name}``:
        in which account the run is, and whose run it is; the name is optional.
        With ``{"testNotification": true}`` no run is made: a message goes the way that those of runs go.
    context
        Lambda's: the run ends before its remaining time does.

    Returns
    -------
    Summary, AccountAnswer or Sent
        Counts, and what failed; of a run in one account of many, how the account stands, whatever went wrong in it; of
        a test message, to which topics it went.

    Raises
    ------
    RunFailedError
        If any list or action failed, or if nobody could be notified.
    InvalidValueError, SettingsError
        If the event or the settings are not understood, or the event's time is more than an hour ahead.
    CallError
        If every Region refuses the credentials.
    NotOnboardedError
        If it is only to plan in an account that does not let this deployment in.
    """
    settings = Settings.from_env(os.environ)
    clock = datetime.now(UTC)  # noqa: TID251 - entry point
    request = read_event(event, settings, clock)
    if request.is_test:
        return _send_test(settings, clock, context)
    hub = _hub(settings, context)
    refuse_account(request, sender_of(settings, context).account, has_members=hub is not None)
    is_late = False
    # A local Lightsail has a clock of its own.
    if is_at_aws():
        refuse_future(request.now, clock)
        is_late = is_long_past(request.now, clock, settings)

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    # A cached Logger keeps its keys between invocations.
    logger = Logger(service=settings.deployment)
    logger.append_keys(run=request.now.isoformat(), request_id=context.aws_request_id)
    if request.account is None or hub is None:
        with connected(request.regions, settings) as connections:
            return _run(request, connections, settings, context, logger, seconds_left=seconds_left, is_late=is_late)
    with logger.append_context_keys(account=request.account):
        if request.dry_run:
            credentials = credentials_of(request.account, settings, hub)
            with connected(request.regions, settings, credentials) as connections:
                return _end(log_plan(connections, settings, request.now, logger), logger)
        return run_account(request, request.account, settings, hub, logger, seconds_left=seconds_left, is_late=is_late)


def _run(  # noqa: PLR0913 - a run has that many sides
    request: Request,
    connections: Connections,
    settings: Settings,
    context: LambdaContext,
    logger: Logger,
    *,
    seconds_left: Callable[[], float],
    is_late: bool,
) -> Summary:
    if request.dry_run:
        return _end(log_plan(connections, settings, request.now, logger), logger)
    run = log_run(connections, settings, request.now, logger, seconds_left=seconds_left, is_late=is_late)
    summary = run_summary(run)
    # A run over chosen Regions sees a part, and whoever asked for it reads the answer. An event that comes late, a dead
    # letter sent again for example, shows how things stood then: that is no news.
    is_whole = request.regions == settings.regions and not is_late
    unsent = _notify(run, settings, logger, context, seconds_left=seconds_left()) if is_whole else []
    summary["failures"] += unsent
    emf = Metrics(namespace=NAMESPACE, service=settings.deployment)
    for name, value in publishable(run, is_whole=is_whole, is_notified=not unsent).items():
        emf.add_metric(name, MetricUnit(name.unit), value)
    emf.flush_metrics()
    return _end(summary, logger)


def _notify(run: Run, settings: Settings, logger: Logger, context: LambdaContext, *, seconds_left: float) -> list[str]:
    """Notify by the topic, if there is one; return what failed."""
    arn = os.environ.get(TOPIC_VARIABLE)
    if not arn:
        return []
    if seconds_left < max_calls(settings) * SLOWEST_CALL_SECONDS:
        return ["notification: no time left in this run; the next one sends it"]
    others = [topic(other) for other in settings.notify_topics]
    try:
        message = notify(run, settings, topic(arn), others, sender=sender_of(settings, context))
    except TopicError as error:
        return [f"notification: {error}"]
    if message:
        logger.info("notified", extra={"detail": {"subject": message.subject}})
    return []


def _send_test(settings: Settings, clock: datetime, context: LambdaContext) -> Sent:
    message = compose_test(settings, clock, sender_of(settings, context))
    own = os.environ.get(TOPIC_VARIABLE)
    topics = [topic(arn) for arn in ([own] if own else []) + [*settings.notify_topics]]
    missed = send((each, message) for each in topics)
    ended = Sent(
        sent=[each.arn for each in topics if each.arn not in missed],
        failures=[f"{arn}: {error}" for arn, error in missed.items()],
    )
    Logger(service=settings.deployment).info("test notification", extra={"detail": ended})
    return ended


def sender_of(settings: Settings, context: LambdaContext) -> Sender:
    """Return where the messages of this function come from."""
    return Sender.of(
        context.invoked_function_arn,
        settings.deployment,
        runbook=os.environ.get(RUNBOOK_VARIABLE),
        dashboard=os.environ.get(DASHBOARD_VARIABLE),
    )


def _hub(settings: Settings, context: LambdaContext) -> Hub | None:
    """Return what is needed for an organization's accounts; None where the deployment looks after its own alone."""
    role = os.environ.get(MEMBER_ROLE_VARIABLE)
    if not role:
        return None
    _, partition, *_ = context.invoked_function_arn.split(":")
    return Hub(sender=sender_of(settings, context), partition=partition, role=role, bucket=os.environ[RESULTS_VARIABLE])


def _end(summary: Summary, logger: Logger) -> Summary:
    logger.info("summary", extra={"detail": summary})
    if summary["failures"]:
        raise RunFailedError(f"{len(summary['failures'])} failed: {'; '.join(summary['failures'][:10])}")
    return summary
