"""The functions before and after the runs in an organization's accounts: wiring only."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, TypedDict

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lightkeeper.accounts import Organizations, find_accounts
from lightkeeper.aws import SLOWEST_CALL_SECONDS
from lightkeeper.event import read_time
from lightkeeper.fleet import FLEET_KEY, AccountReport, DocumentError, Fleet, FleetRow, account_key
from lightkeeper.fleet_metrics import publishable
from lightkeeper.fleet_news import FleetNews
from lightkeeper.fleet_report import Answers, FleetReport, cause, failures_of, make_report, read_answers
from lightkeeper.handler import sender_of, topic
from lightkeeper.lightsail import is_at_aws
from lightkeeper.metrics import NAMESPACE, RUN_ENDED, Unit
from lightkeeper.notify import TOPIC_VARIABLE, TopicError, max_calls, missed_by, tell
from lightkeeper.organization import ORGANIZATION_VARIABLE, RESULTS_VARIABLE, Organization
from lightkeeper.results import READERS, Results, ResultsError
from lightkeeper.run import is_long_past, refuse_future
from lightkeeper.sender import Sender
from lightkeeper.settings import Settings
from lightkeeper.times import format_instant
from lightkeeper.version import VERSION

_MAX_LOGGED: Final = 50
"""Failures in a log line."""


class ListedAccount(TypedDict):
    """An account to look after."""

    account: str
    """12 digits."""
    name: str | None
    """Its name in the organization, where that is known."""


class AccountsAnswer(TypedDict):
    """What the runs of one time are about."""

    time: str
    """Their scheduled time, ISO 8601, UTC: the same for all accounts."""
    regions: list[str]
    """The Regions of the settings; none: the deployment's own."""
    accounts: list[ListedAccount]
    """By id, each once."""
    unlisted: list[str]
    """Sentences: of which units the accounts could not be listed, and why."""


def list_accounts(event: Mapping[str, object], context: LambdaContext) -> AccountsAnswer:
    """Return which accounts to look after: those of the settings and the deployment's own.

    Parameters
    ----------
    event
        ``{"time": ISO 8601}``: the scheduled time of the runs (default: now).
    context
        Lambda's: the function's ARN says which account is the deployment's own.

    Raises
    ------
    CallError
        If no unit at all could be listed.
    InvalidValueError, SettingsError
        If the event or the settings are not understood.
    """
    settings = Settings.from_env(os.environ)
    organization = Organization.from_json(os.environ[ORGANIZATION_VARIABLE])
    now = read_time(event, settings, datetime.now(UTC))  # noqa: TID251 - entry point
    sender = Sender.of(context.invoked_function_arn, settings.deployment, runbook=None, dashboard=None)
    with closing(Organizations(sender.region)) as directory:
        accounts = find_accounts(organization, sender.account, directory)
    answer = AccountsAnswer(
        time=format_instant(now),
        regions=[*settings.regions],
        accounts=[ListedAccount(account=each.id, name=each.name) for each in accounts.found],
        unlisted=[*accounts.unlisted],
    )
    logger = Logger(service=settings.deployment)
    logger.append_keys(run=now.isoformat(), request_id=context.aws_request_id)
    for sentence in accounts.unlisted:
        logger.error("unlisted", extra={"detail": {"message": sentence}})
    logger.info("accounts", extra={"detail": {"accounts": len(accounts.found), "unlisted": len(accounts.unlisted)}})
    return answer


class ReportAnswer(TypedDict):
    """What the runs in all accounts have come to: few bytes, for the state machine decides by it."""

    failed: int
    """How many accounts failed, and what else did; more than none fail the execution."""
    cause: str
    """Why, in a sentence."""
    accounts: dict[str, int]
    """How many there are in each state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What lies in the bucket."""

    documents: Mapping[str, AccountReport] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    """Why the document of an account could not be read."""
    previous: Fleet | None = None
    failures: tuple[str, ...] = ()
    """Why it is not known how the fleet stood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What the fleet's document keeps of the notification."""

    told: tuple[str, ...]
    dropped: tuple[FleetRow, ...]
    failures: tuple[str, ...] = ()


def report_fleet(event: Mapping[str, object], context: LambdaContext) -> ReportAnswer:
    """Report how all accounts stand after the runs in them: metrics, one message, one document.

    In this order: people are told first, then the document is written that says so. A crash in between tells them
    twice rather than never; nothing else is lost by it.

    Parameters
    ----------
    event
        ``{"time": ISO 8601, "results": [...], "unlisted": [sentences]}``: see `fleet_report.read_answers`.
    context
        Lambda's: the report ends before its remaining time does.

    Returns
    -------
    ReportAnswer
        What failed: accounts, units that could not be listed, and what nobody could be told.

    Raises
    ------
    InvalidValueError, SettingsError
        If the event or the settings are not understood, or the event's time is more than an hour ahead.
    ResultsError
        If the configured profile cannot be used.
    """
    settings = Settings.from_env(os.environ)
    clock = datetime.now(UTC)  # noqa: TID251 - entry point
    organization = Organization.from_json(os.environ[ORGANIZATION_VARIABLE])
    answers = read_answers(event, settings.time_zone)
    logger = Logger(service=settings.deployment)
    logger.append_keys(run=answers.time.isoformat(), request_id=context.aws_request_id)
    is_late = False
    # A local AWS has a clock of its own.
    if is_at_aws():
        refuse_future(answers.time, clock)
        is_late = is_long_past(answers.time, clock, settings)
    sender = sender_of(settings, context)

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    with closing(Results(os.environ[RESULTS_VARIABLE], region=sender.region)) as results:
        found = _read(results, answers, settings, logger, seconds_left)
        report = make_report(
            answers,
            found.documents,
            found.previous,
            excluded=organization.excluded,
            unread=found.unread,
            deployment=settings.deployment,
            zone=settings.time_zone,
        )
        # Runs that began long after their time have left nothing. Those that took long have, and that is news.
        if report.is_old or (is_late and not report.reports):
            logger.warning(
                "late", extra={"detail": {"message": "nobody is told: a later run shows how all stands now"}}
            )
            _publish({RUN_ENDED.value: 0}, settings)
            return _end(report, failures_of(answers), logger)
        kept = _tell(report, settings, sender, logger, seconds_left=seconds_left())
        is_notified = not kept.failures
        _publish(
            {name.value: number for name, number in publishable(report, is_notified=is_notified).items()}, settings
        )
        # Where it is not known how the fleet stood, its document stays: the next run may know.
        unwritten = found.failures or _write(results, replace(report.fleet, told=kept.told, dropped=kept.dropped))
    return _end(report, (*report.failures, *kept.failures, *unwritten), logger)


def _read(
    results: Results, answers: Answers, settings: Settings, logger: Logger, seconds_left: Callable[[], float]
) -> _Found:
    """Read what runs have left of the accounts, and how the fleet stood before."""
    documents: dict[str, AccountReport] = {}
    unread: dict[str, str] = {}
    # So much it takes to tell people, and to write the fleet's document.
    margin = (max_calls(settings) + 2) * SLOWEST_CALL_SECONDS

    def read(account: str) -> None:
        if seconds_left() < margin:
            unread[account] = "there was no time left"
            return
        try:
            if document := results.get(account_key(account)):
                documents[account] = AccountReport.from_json(document)
        except (ResultsError, DocumentError) as error:
            unread[account] = str(error)

    with ThreadPoolExecutor(READERS, "documents") as pool:
        for _ in pool.map(read, [answer.account for answer in answers.answers]):
            pass
    try:
        document = results.get(FLEET_KEY)
        return _Found(documents=documents, unread=unread, previous=Fleet.from_json(document) if document else None)
    except DocumentError as error:
        logger.warning("forgotten", extra={"detail": {"message": str(error)}})
        return _Found(documents=documents, unread=unread)
    except ResultsError as error:
        return _Found(documents=documents, unread=unread, failures=(f"how the fleet stood is not known: {error}",))


def _tell(report: FleetReport, settings: Settings, sender: Sender, logger: Logger, *, seconds_left: float) -> _Kept:
    """Notify by the topic, if there is one; return what the fleet's document is to keep of it."""
    arn = os.environ.get(TOPIC_VARIABLE)
    if not arn:
        return _Kept(told=(), dropped=())
    news = FleetNews(report, settings, sender)
    untold = _Kept(told=news.told_before, dropped=report.fleet.dropped)
    if seconds_left < max_calls(settings) * SLOWEST_CALL_SECONDS:
        return replace(untold, failures=("notification: no time left in this run; the next one sends it",))
    try:
        told = tell(news, settings, topic(arn), [topic(other) for other in settings.notify_topics])
    except TopicError as error:
        return replace(untold, failures=(f"notification: {error}",))
    if told.message:
        logger.info("notified", extra={"detail": {"subject": told.message.subject}})
    if told.missed:
        return replace(untold, told=told.words, failures=(f"notification: {missed_by(told.missed)}",))
    return _Kept(told=told.words, dropped=())


def _publish(numbers: Mapping[str, float], settings: Settings) -> None:
    emf = Metrics(namespace=NAMESPACE, service=settings.deployment)
    for name, number in numbers.items():
        emf.add_metric(name, MetricUnit(Unit.COUNT), number)
    emf.flush_metrics()


def _write(results: Results, fleet: Fleet) -> tuple[str, ...]:
    try:
        results.put(FLEET_KEY, fleet.to_json())
    except ResultsError as error:
        return (f"how the fleet stands could not be written: {error}",)
    return ()


def _end(report: FleetReport, failures: tuple[str, ...], logger: Logger) -> ReportAnswer:
    fleet = report.fleet
    answer = ReportAnswer(
        failed=len(failures),
        cause=cause(failures),
        accounts={state.value: number for state, number in fleet.counts.items()},
    )
    logger.info(
        "summary",
        extra={
            "detail": {
                "version": VERSION,
                "now": format_instant(fleet.time),
                "accounts": answer["accounts"],
                "sources": {status.value: number for status, number in fleet.statuses.items()},
                "sentence": fleet.sentence,
                "unlisted": [*fleet.unlisted],
                "failed": len(failures),
                "failures": [*failures[:_MAX_LOGGED]],
            }
        },
    )
    return answer
