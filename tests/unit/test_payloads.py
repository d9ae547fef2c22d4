"""What a state machine carries for 500 accounts: 256 KiB at any step, whatever they are called."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import pytest

from lightkeeper.accounts import Account, find_accounts
from lightkeeper.fleet import AccountAnswer, AccountState
from lightkeeper.fleet_handler import AccountsAnswer, ListedAccount, ReportAnswer
from lightkeeper.fleet_report import cause, failures_of, read_answers
from lightkeeper.lightsail import available_regions
from lightkeeper.organization import Organization
from lightkeeper.times import parse_zone

LIMIT: Final = 256 * 1024
ACCOUNTS: Final = 500
TIME: Final = "2026-11-23T03:00:00Z"
OWN: Final = "123456789012"
UNIT: Final = "ou-ab12-cd34ef56"
ERROR: Final = "Lambda.ClientExecutionTimeoutException"
"""As long as the names of errors come that Step Functions has for a function."""
NAMES = [
    pytest.param("A" * 50, id="50 letters"),
    pytest.param("\N{GREEK SMALL LETTER ALPHA}" * 50, id="50 of two bytes"),
    pytest.param("\N{HIRAGANA LETTER A}" * 50, id="50 of three bytes"),
    pytest.param("\N{HIRAGANA LETTER A}" * 128, id="128, as AWS's model allows"),
]


@dataclass(frozen=True)
class Directory:
    """An organization of one unit, whose accounts all have the same long name."""

    name: str

    def accounts(self, unit: str) -> Iterator[Account]:
        assert unit == UNIT
        for number in range(ACCOUNTS):
            yield Account(f"{200_000_000_000 + number}", self.name)

    def units(self, unit: str) -> Iterator[str]:
        assert unit == UNIT
        yield from ()


def listed(name: str) -> AccountsAnswer:
    found = find_accounts(Organization(units=(UNIT,)), OWN, Directory(name))
    accounts = [ListedAccount(account=each.id, name=each.name) for each in found.found]
    return AccountsAnswer(time=TIME, regions=available_regions(), accounts=accounts, unlisted=[f"{UNIT}: {'x' * 300}"])


def sizes(payload: object) -> Iterable[int]:
    """Return how many bytes a payload has, as runtimes write it: some know ASCII only."""
    return [len(json.dumps(payload, ensure_ascii=ascii_only).encode()) for ascii_only in (False, True)]


def report_event(results: Iterable[Mapping[str, object]]) -> dict[str, object]:
    return {"time": TIME, "results": [*results], "unlisted": [f"{UNIT}: {'x' * 300}"]}


@pytest.mark.parametrize("name", NAMES)
def test_500_accounts_go_through_the_state_machine_whatever_they_are_called(name: str) -> None:
    answer = listed(name)
    assert len(answer["accounts"]) == ACCOUNTS + 1, "the deployment's own is among them"
    item = {**answer["accounts"][0], "time": TIME, "regions": answer["regions"]}
    ended = [AccountAnswer(**each, state=max(AccountState, key=len).value, failed=False) for each in answer["accounts"]]
    failed = [{**each, "error": ERROR} for each in answer["accounts"]]

    for payload in (answer, item, ended[0], report_event(ended), report_event(failed)):
        assert max(sizes(payload)) < LIMIT


@pytest.mark.parametrize("name", NAMES)
def test_what_the_report_answers_is_short_however_many_accounts_have_failed(name: str) -> None:
    failed = [{**each, "error": ERROR} for each in listed(name)["accounts"]]
    failures = failures_of(read_answers(report_event(failed), parse_zone("UTC")))

    answer = ReportAnswer(
        failed=len(failures),
        cause=cause(failures),
        accounts={state.value: ACCOUNTS for state in AccountState},
    )

    assert len(failures) == ACCOUNTS + 2
    assert max(sizes(answer)) < LIMIT // 16
