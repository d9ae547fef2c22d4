"""How a fleet stands after a run over its accounts, of what each of these runs has left. Pure.

The runs of the accounts answer in few bytes, and write the rest into the bucket: see `fleet`. What one of them has not
seen is unknown, and what was last known of it stays.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeGuard
from zoneinfo import ZoneInfo

from lightkeeper.errors import InvalidValueError, as_json, counted
from lightkeeper.fleet import AccountReport, AccountState, Fleet, FleetRow, in_order
from lightkeeper.json_objects import as_object, text
from lightkeeper.overview import Stored
from lightkeeper.times import format_minute, parse_instant

_EXPECTED: Final = 'an object; expected one such as {"time": "2026-11-23T03:00:00Z", "results": [], "unlisted": []}'
_NOTHING: Final = Stored(0.0, 0.0)
_ALL_READ: Final[Mapping[str, str]] = {}
_NAMED: Final = 5
"""Accounts that are named where many failed."""
_LONGEST: Final = 300
"""Characters of what is said of one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How the run of an account ended."""

    account: str
    name: str | None
    failed: bool
    """Whether the execution is to fail for it."""
    error: str | None = None
    """Why it did not come to its end, as AWS Step Functions calls it; None: it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How the runs of all accounts ended: what the state machine hands to the report."""

    time: datetime
    """The scheduled time of the run, UTC."""
    answers: tuple[Answer, ...]
    """By account, each once."""
    nameless: int
    """Runs that ended in a way that does not even say of which account they were."""
    unlisted: tuple[str, ...]
    """Sentences: of which units the accounts could not be listed, and why."""

    @property
    def is_complete(self) -> bool:
        """Whether all accounts that are looked after are among them."""
        return not self.unlisted and not self.nameless


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetReport:
    """What there is to say of a fleet after a run."""

    fleet: Fleet
    previous: Fleet | None
    """How it stood before; None: nobody knows."""
    reports: Mapping[str, AccountReport]
    """What this run, or one since, says of the accounts, by account."""
    listed: frozenset[str]
    """The accounts that this run was to look at."""
    is_complete: bool
    """Whether these are all that are looked after."""
    failures: tuple[str, ...]
    """What failed in it, a sentence each."""

    @property
    def is_old(self) -> bool:
        """Whether a later run has been reported: then this one is no news any more."""
        return self.previous is not None and self.previous.time > self.fleet.time


def read_answers(event: Mapping[str, object], zone: ZoneInfo) -> Answers:
    """Return what the state machine says.

    Parameters
    ----------
    event
        ``{"time": ISO 8601, "results": [...], "unlisted": [sentences]}``. A result is an `AccountAnswer`, or
        ``{"account", "name", "error"}`` of a run that did not come to its end, or what AWS Step Functions makes of an
        execution that failed: its record, or null.
    zone
        The deployment's, for a time without an offset.

    Raises
    ------
    InvalidValueError
        If it is anything else.
    """
    given = as_object(event, _EXPECTED)
    results, unlisted = given.get("results"), given.get("unlisted", [])
    if not isinstance(results, list):
        raise InvalidValueError(f"event.results: {as_json(results)} is not a list; expected the results of the map")
    if not isinstance(unlisted, list) or not all(isinstance(each, str) for each in unlisted):
        raise InvalidValueError(f"event.unlisted: {as_json(unlisted)} is not a list of sentences")
    read = [_answer(each) for each in results]
    answers = {answer.account: answer for answer in read if answer}
    return Answers(
        time=parse_instant(text(given.get("time"), 'ISO 8601 such as "2026-11-23T03:00:00Z"'), zone).replace(
            microsecond=0
        ),
        answers=tuple(answers[account] for account in sorted(answers)),
        nameless=read.count(None),
        unlisted=tuple(unlisted),
    )


def make_report(  # noqa: PLR0913 - a fleet has that many sides
    answers: Answers,
    documents: Mapping[str, AccountReport],
    previous: Fleet | None,
    *,
    excluded: Collection[str],
    deployment: str,
    zone: ZoneInfo,
    unread: Mapping[str, str] = _ALL_READ,
) -> FleetReport:
    """Return how the fleet stands.

    Parameters
    ----------
    answers
        How the runs of the accounts ended.
    documents
        What runs have left of accounts, by account; those of earlier runs say nothing of this one.
    previous
        How the fleet stood before; None: nobody knows.
    excluded
        Accounts that the settings leave out.
    deployment
        The stack's name.
    zone
        The deployment's, for the times in sentences.
    unread
        Why what was left of an account could not be read, by account.
    """
    time = answers.time
    # Where a run takes longer than it is to the next one, some accounts have been looked at again since.
    reports = {account: report for account, report in documents.items() if report.time >= time}
    before = {row.account: row for row in previous.rows} if previous else {}
    listed = {answer.account for answer in answers.answers}
    rows = [
        _seen(answer, reports[answer.account], before.get(answer.account), time)
        if answer.account in reports
        else _unseen(answer, before.get(answer.account), time, _why(answer, unread.get(answer.account)), zone)
        for answer in answers.answers
    ]
    missing = [row for row in before.values() if row.account not in listed and row.account not in excluded]
    dropped = [row for row in (previous.dropped if previous else ()) if row.account not in listed | {*excluded}]
    if answers.is_complete:
        dropped += missing
    else:
        why = "not all accounts could be listed, and it is not among the others"
        rows += [_unseen(_answer_of(row), row, time, why, zone) for row in missing]
    fleet = Fleet(
        deployment=deployment,
        time=time,
        rows=in_order(rows),
        unlisted=answers.unlisted,
        dropped=in_order({row.account: row for row in dropped}.values()),
    )
    return FleetReport(
        fleet=fleet,
        previous=previous,
        reports=reports,
        listed=frozenset(listed),
        is_complete=answers.is_complete,
        failures=(*_failed(answers, fleet), *_unlisted(answers)),
    )


def cause(failures: Collection[str]) -> str:
    """Return in a sentence of few bytes why the run over all accounts fails; nothing where it does not."""
    if not failures:
        return ""
    some = [each if len(each) <= _LONGEST else f"{each[: _LONGEST - 3]}..." for each in [*failures][:_NAMED]]
    more = f"; and {len(failures) - len(some)} more" if len(failures) > len(some) else ""
    return f"{len(failures)} failed: {'; '.join(some)}{more}"


def _seen(answer: Answer, report: AccountReport, before: FleetRow | None, time: datetime) -> FleetRow:
    """Return the row of an account whose run has left its document."""
    # Where nobody could look, it has no numbers.
    has_let_in = bool(report.numbers)
    known = report if has_let_in or before is None else before
    return FleetRow(
        account=answer.account,
        name=_name(answer, report, before),
        state=report.state,
        sentence=report.sentence if report.sentence.endswith(".") else f"{report.sentence}.",
        statuses=known.statuses,
        stored=known.stored,
        findings=len(report.findings),
        since=_since(report.state, before, time),
        seen=report.time
        if has_let_in and report.state is not AccountState.UNKNOWN
        else (before.seen if before else None),
        let_in=report.time if has_let_in else (before.let_in if before else None),
    )


def _unseen(answer: Answer, before: FleetRow | None, time: datetime, why: str, zone: ZoneInfo) -> FleetRow:
    """Return the row of an account of which nobody can tell how it stands."""
    since = _since(AccountState.UNKNOWN, before, time)
    seen = before.seen if before else None
    last = f"Last seen at {format_minute(seen, zone)}." if seen else "It has not been seen yet."
    sentence = f"Unknown since {format_minute(since, zone)}: {why}. {last}"
    row = before or FleetRow(
        account=answer.account,
        name=None,
        state=AccountState.UNKNOWN,
        sentence=sentence,
        statuses={},
        stored=_NOTHING,
        findings=0,
        since=since,
        seen=None,
        let_in=None,
    )
    return replace(row, name=_name(answer, None, before), state=AccountState.UNKNOWN, sentence=sentence, since=since)


def _since(state: AccountState, before: FleetRow | None, time: datetime) -> datetime:
    """Return the run at which the account came into this state."""
    return before.since if before and before.state is state else time


def _name(answer: Answer, report: AccountReport | None, before: FleetRow | None) -> str | None:
    return answer.name or (report.name if report else None) or (before.name if before else None)


def _why(answer: Answer, unread: str | None = None) -> str:
    if answer.error:
        return f"its run ended with {answer.error}"
    return f"what its run has left could not be read: {unread}" if unread else "its run has left no document"


def failures_of(answers: Answers) -> tuple[str, ...]:
    """Return what failed in the runs of the accounts, a sentence each, where nothing is known but their answers."""
    failed = (answer for answer in answers.answers if answer.failed)
    sentences = (
        f"{answer.account}: {_why(answer) if answer.error else 'something failed in its run; its log says what'}"
        for answer in failed
    )
    return (*sentences, *_unlisted(answers))


def _failed(answers: Answers, fleet: Fleet) -> Iterator[str]:
    ended = {answer.account: answer for answer in answers.answers}
    for row in fleet.rows:
        # Of one that was not listed, the unit that could not be is what failed.
        answer = ended.get(row.account)
        if answer and (answer.failed or row.state is AccountState.UNKNOWN):
            yield f"{row.label}: {_why(answer) if answer.error else row.sentence}"


def _unlisted(answers: Answers) -> Iterator[str]:
    yield from answers.unlisted
    if answers.nameless:
        yield f"{counted(answers.nameless, 'run')} ended without a word of which account"


def _answer_of(row: FleetRow) -> Answer:
    return Answer(account=row.account, name=row.name, failed=False)


def _answer(result: object) -> Answer | None:
    """Return what a result says; None where it does not even name the account."""
    if not _is_object(result):
        return None
    if "account" not in result:
        # The record of a failed execution: what it was started with names the account.
        return _ended_with(_parsed(result.get("Input")), result.get("Error"))
    if "error" in result:
        return _ended_with(result, result["error"])
    account = _text(result["account"])
    failed = result.get("failed") is not False
    return Answer(account=account, name=_text(result.get("name")) or None, failed=failed) if account else None


def _ended_with(result: object, error: object) -> Answer | None:
    account = _text(result.get("account")) if _is_object(result) else ""
    if not _is_object(result) or not account:
        return None
    return Answer(
        account=account, name=_text(result.get("name")) or None, failed=True, error=_text(error) or "an unknown error"
    )


def _parsed(document: object) -> object:
    try:
        return json.loads(document) if isinstance(document, str) else document
    except ValueError:
        return None


def _is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
