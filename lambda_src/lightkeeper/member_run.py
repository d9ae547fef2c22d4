"""A run in one account of an organization: into the account, the same run as everywhere, and its document. Wiring only.

What goes wrong in the account is an answer and no error: the accounts of a deployment never stop each other.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from lightkeeper.account_report import report_not_onboarded, report_run, report_unknown
from lightkeeper.aws import SLOWEST_CALL_SECONDS
from lightkeeper.credentials import Credentials
from lightkeeper.event import Request
from lightkeeper.faults import CallError
from lightkeeper.fleet import AccountAnswer, AccountReport, account_key
from lightkeeper.logged_run import connected, log_run
from lightkeeper.members import NotOnboardedError, assume, session_name
from lightkeeper.organization import role_arn
from lightkeeper.report import run_summary
from lightkeeper.results import Results, ResultsError
from lightkeeper.sender import Sender
from lightkeeper.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """What a deployment needs to look after the accounts of an organization."""

    sender: Sender
    """The deployment: its own account, and the Region where it is."""
    partition: str
    """Of AWS, such as `aws`."""
    role: str
    """The name of the role that runs assume in each other account."""
    bucket: str
    """Where the results go."""


def credentials_of(account: str, settings: Settings, hub: Hub) -> Credentials | None:
    """Return credentials for an account; None: it is the deployment's own, and what boto3 finds is right.

    Raises
    ------
    NotOnboardedError
        If the account does not let this deployment in.
    CallError
        If the role cannot be assumed for another reason.
    """
    if account == hub.sender.account:
        return None
    return assume(
        role_arn(hub.partition, account, hub.role),
        external_id=settings.deployment,
        session=session_name(settings.deployment, "run"),
        region=hub.sender.region,
    )


def run_account(  # noqa: PLR0913 - a run has that many sides
    request: Request,
    account: str,
    settings: Settings,
    hub: Hub,
    logger: Logger,
    *,
    seconds_left: Callable[[], float],
    is_late: bool,
) -> AccountAnswer:
    """Make a run in an account, write what it says of it into the bucket, and return that in few words.

    A run over chosen Regions sees a part, and one that comes late sees how things stood then: they write nothing.

    Raises
    ------
    InvalidValueError
        If there is no Region to look after.
    """
    report = _look_after(request, account, settings, hub, logger, seconds_left=seconds_left, is_late=is_late)
    failed = bool(report.failures)
    if request.regions == settings.regions and not is_late:
        try:
            with closing(Results(hub.bucket, region=hub.sender.region)) as results:
                results.put(account_key(account), report.to_json())
        except ResultsError as error:
            logger.error("result", extra={"detail": {"message": f"nobody will know of this run: {error}"}})  # noqa: TRY400 - a sentence, and no traceback
            failed = True
    answer = AccountAnswer(account=account, name=request.name, state=report.state.value, failed=failed)
    logger.info("account", extra={"detail": {**answer, "sentence": report.sentence, "failures": [*report.failures]}})
    return answer


def _look_after(  # noqa: PLR0913 - as above
    request: Request,
    account: str,
    settings: Settings,
    hub: Hub,
    logger: Logger,
    *,
    seconds_left: Callable[[], float],
    is_late: bool,
) -> AccountReport:
    now, name = request.now, request.name
    try:
        credentials = credentials_of(account, settings, hub)
        with connected(request.regions, settings, credentials) as connections:
            run = log_run(
                connections,
                settings,
                now,
                logger,
                # What was done is of no use to anybody who does not hear of it.
                seconds_left=lambda: seconds_left() - SLOWEST_CALL_SECONDS,
                is_late=is_late,
            )
    except NotOnboardedError as error:
        return report_not_onboarded(str(error), now, account=account, name=name)
    except CallError as error:
        return report_unknown(str(error), now, account=account, name=name)
    logger.info("summary", extra={"detail": run_summary(run)})
    sender = replace(hub.sender, member=account) if credentials else hub.sender
    return report_run(run, settings, account=account, name=name, sender=sender)
