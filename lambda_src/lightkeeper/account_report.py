"""What a run says of one account: a run, or why there was none, in; the account's document out. Pure."""

from collections import Counter
from dataclasses import replace
from datetime import datetime

from lightkeeper.actions import Result
from lightkeeper.commands import in_account
from lightkeeper.errors import counted
from lightkeeper.finding import Finding
from lightkeeper.findings import findings, unseen_regions
from lightkeeper.fleet import AccountReport, AccountState
from lightkeeper.metrics import publishable
from lightkeeper.overview import Overview, Stored
from lightkeeper.run import Run
from lightkeeper.sender import Sender
from lightkeeper.settings import Settings


def report_run(run: Run, settings: Settings, *, account: str, name: str | None, sender: Sender) -> AccountReport:
    """Return what a run over all Regions has found in an account, and has done.

    Parameters
    ----------
    run
        The run.
    settings
        The deployment's.
    account
        12 digits.
    name
        The account's name, where that is known.
    sender
        The deployment, with the account as its member if it is another one than the deployment's own.
    """
    overview = Overview.of(run.plan)
    failed = sum(outcome.result is Result.FAILED for outcome in run.outcomes)
    sentence = overview.sentence(settings)
    return AccountReport(
        account=account,
        name=name,
        time=run.plan.now,
        state=AccountState.of(overview, has_failures=bool(run.failures)),
        sentence=f"{counted(failed, 'action')} failed. {sentence}" if failed else sentence,
        statuses=Counter(source.status for source in run.plan.sources),
        numbers={metric.value: number for metric, number in publishable(run, is_whole=True).items()},
        stored=Stored.of(run.plan.sources),
        findings=tuple(_for_its_account(finding, sender) for finding in findings(run, settings, sender=sender)),
        is_partly_unseen=bool(unseen_regions(run, settings)),
        failures=run.failures,
    )


def _for_its_account(finding: Finding, sender: Sender) -> Finding:
    """Return a finding whose commands of the AWS CLI work in its account alone: whoever pastes may be elsewhere."""
    account = sender.member
    if account is None:
        return finding
    what, do = (in_account(words, account) for words in (finding.what, finding.do))
    return replace(finding, what=what, do=do, command=finding.command and in_account(finding.command, account))


def report_not_onboarded(why: str, now: datetime, *, account: str, name: str | None) -> AccountReport:
    """Return what is said of an account that does not let the deployment in, at `now` (UTC): that is no failure."""
    return _unseen(AccountState.NOT_ONBOARDED, why, now, account, name, failures=())


def report_unknown(why: str, now: datetime, *, account: str, name: str | None) -> AccountReport:
    """Return what is said of an account that nobody could look at, at `now` (UTC)."""
    return _unseen(AccountState.UNKNOWN, why, now, account, name, failures=(why,))


def _unseen(  # noqa: PLR0913 - what a document has where nothing was seen
    state: AccountState, why: str, now: datetime, account: str, name: str | None, *, failures: tuple[str, ...]
) -> AccountReport:
    return AccountReport(
        account=account,
        name=name,
        time=now,
        state=state,
        sentence=why,
        statuses={},
        numbers={},
        stored=Stored(0, 0),
        findings=(),
        is_partly_unseen=True,
        failures=failures,
    )
