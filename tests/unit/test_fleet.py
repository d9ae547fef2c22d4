"""How accounts and the fleet stand: in a word, in a sentence, and in documents that are read as they were written."""

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.finding import Finding, FindingKind
from lightkeeper.fleet import AccountReport, AccountState, DocumentError, Fleet, FleetRow, account_key, in_order
from lightkeeper.metrics import MetricName
from lightkeeper.model import Status
from lightkeeper.overview import Health, Overview, Stored

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
SHOP, CLINIC = "111122223333", "222233334444"
accounts = st.from_regex(r"[0-9]{12}", fullmatch=True)
texts = st.text(max_size=40)
moments = st.integers(0, 10**8).map(lambda seconds: NOON + timedelta(seconds=seconds))
statuses = st.dictionaries(st.sampled_from(Status), st.integers(0, 10**6), max_size=4)
# As documents have it.
amounts = st.floats(0, 10**6).map(lambda gib: round(gib, 3))
stored = st.builds(Stored, amounts, amounts)
found = st.builds(
    Finding,
    kind=st.sampled_from(FindingKind),
    region=texts,
    source=st.none() | texts,
    what=texts,
    since=texts,
    do=texts,
    key=texts,
    command=st.none() | texts,
    because_of=st.none() | texts,
    account=st.none() | accounts,
)
reports = st.builds(
    AccountReport,
    account=accounts,
    name=st.none() | texts,
    time=moments,
    state=st.sampled_from(AccountState),
    sentence=texts,
    statuses=statuses,
    numbers=st.dictionaries(st.sampled_from([name.value for name in MetricName]), st.integers(0, 99) | amounts),
    stored=stored,
    findings=st.lists(found, max_size=3).map(tuple),
    is_partly_unseen=st.booleans(),
    failures=st.lists(texts, max_size=3).map(tuple),
)
rows = st.builds(
    FleetRow,
    account=accounts,
    name=st.none() | texts,
    state=st.sampled_from(AccountState),
    sentence=texts,
    statuses=statuses,
    stored=stored,
    findings=st.integers(0, 10**4),
    since=moments,
    seen=st.none() | moments,
    let_in=st.none() | moments,
)
several = st.lists(rows, max_size=3).map(tuple)
words = st.lists(texts, max_size=3).map(tuple)
fleets = st.builds(Fleet, deployment=texts, time=moments, rows=several, unlisted=words, dropped=several, told=words)


def row(state: AccountState, name: str | None = "Shop", account: str = SHOP, **others: object) -> FleetRow:
    whole: dict[str, Any] = {
        "sentence": "The one source is protected.",
        "statuses": {Status.PROTECTED: 1},
        "stored": Stored(8.0, 20.0),
        "findings": 0,
        "since": NOON,
        "seen": NOON,
        "let_in": NOON,
    }
    return FleetRow(account=account, name=name, state=state, **(whole | others))


def fleet(counts: Mapping[AccountState, int], *, refusing: int = 0, unlisted: int = 0) -> Fleet:
    """Return a fleet with so many accounts in each state; those that are not onboarded never were, but for some."""
    made = [
        row(state, let_in=NOON if state is not AccountState.NOT_ONBOARDED or number < refusing else None)
        for state, total in counts.items()
        for number in range(total)
    ]
    return Fleet(deployment="Lightkeeper", time=NOON, rows=in_order(made), unlisted=("ou: no",) * unlisted)


@given(reports)
def test_an_account_s_document_is_read_as_it_was_written(report: AccountReport) -> None:
    assert AccountReport.from_json(report.to_json()) == report


@given(fleets)
def test_the_fleet_s_document_is_read_as_it_was_written(whole: Fleet) -> None:
    assert Fleet.from_json(whole.to_json()) == whole


@given(reports, st.data())
def test_an_account_s_document_that_lacks_anything_is_not_understood(
    report: AccountReport, data: st.DataObject
) -> None:
    document = json.loads(report.to_json())
    del document[data.draw(st.sampled_from(sorted(document)))]

    with pytest.raises(DocumentError, match="an account's document cannot be read"):
        AccountReport.from_json(json.dumps(document))


@given(fleets, st.data())
def test_the_fleet_s_document_that_lacks_anything_is_not_understood(whole: Fleet, data: st.DataObject) -> None:
    document = json.loads(whole.to_json())
    del document[data.draw(st.sampled_from(sorted(document)))]

    with pytest.raises(DocumentError, match="the fleet's document cannot be read"):
        Fleet.from_json(json.dumps(document))


@pytest.mark.parametrize("document", ["", "{", "[]", "null", "7", '"text"', '{"account": {}}', '{"accounts": [[]]}'])
def test_what_is_no_document_of_ours_is_not_understood(document: str) -> None:
    for read in (AccountReport.from_json, Fleet.from_json):
        with pytest.raises(DocumentError, match="document cannot be read"):
            read(document)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("state", "better than ever"),
        ("statuses", {"asleep": 1}),
        ("time", "yesterday"),
        ("findings", [{"kind": "odd"}]),
    ],
)
def test_a_word_of_another_release_is_not_guessed_at(key: str, value: object) -> None:
    report = AccountReport(
        account=SHOP,
        name="Shop",
        time=NOON,
        state=AccountState.PROTECTED,
        sentence="",
        statuses={},
        numbers={},
        stored=Stored(0, 0),
        findings=(),
        is_partly_unseen=False,
        failures=(),
    )
    document = json.loads(report.to_json()) | {key: value}

    with pytest.raises(DocumentError, match="an account's document cannot be read"):
        AccountReport.from_json(json.dumps(document))


def test_where_documents_lie() -> None:
    assert account_key(SHOP) == "accounts/111122223333.json"


@pytest.mark.parametrize(
    ("counts", "overview", "state", "with_failures"),
    [
        ({Status.PROTECTED: 2}, {}, AccountState.PROTECTED, AccountState.TROUBLE),
        ({Status.PROTECTED: 1, Status.WAITING: 1}, {}, AccountState.WAITING, AccountState.TROUBLE),
        ({Status.UNTAGGED: 1}, {}, AccountState.WAITING, AccountState.TROUBLE),
        ({Status.OFF: 3, Status.GONE: 1}, {}, AccountState.EMPTY, AccountState.TROUBLE),
        ({}, {}, AccountState.EMPTY, AccountState.TROUBLE),
        ({Status.OVERDUE: 1, Status.PROTECTED: 9}, {}, AccountState.TROUBLE, AccountState.TROUBLE),
        ({Status.PROTECTED: 1}, {"problems": 1}, AccountState.TROUBLE, AccountState.TROUBLE),
        ({Status.PROTECTED: 1}, {"stopped": 1}, AccountState.TROUBLE, AccountState.TROUBLE),
        ({Status.OVERDUE: 1}, {"unread": 1}, AccountState.UNKNOWN, AccountState.UNKNOWN),
    ],
)
def test_how_an_account_stands_follows_from_its_sources(
    counts: Mapping[Status, int], overview: Mapping[str, Any], state: AccountState, with_failures: AccountState
) -> None:
    none: dict[str, Any] = dict.fromkeys((each.name for each in fields(Overview)), 0)
    seen = {"doubted": (), "elsewhere": {}, "counts": {each: counts.get(each, 0) for each in Status}}
    stands = Overview(**{**none, **seen, **overview})

    assert AccountState.of(stands, has_failures=False) is state
    assert AccountState.of(stands, has_failures=True) is with_failures


def test_the_worst_come_first_then_by_name_and_those_without_a_name_by_number() -> None:
    unordered = [
        row(AccountState.PROTECTED, "Atelier"),
        row(AccountState.TROUBLE, "zoo"),
        row(AccountState.EMPTY, "Attic"),
        row(AccountState.TROUBLE, "Bakery"),
        row(AccountState.UNKNOWN, None, CLINIC),
        row(AccountState.UNKNOWN, None, SHOP),
        row(AccountState.NOT_ONBOARDED, "New"),
        row(AccountState.WAITING, "Young"),
    ]

    assert [each.name or each.account for each in in_order(unordered)] == [
        "Bakery",
        "zoo",
        SHOP,
        CLINIC,
        "New",
        "Young",
        "Atelier",
        "Attic",
    ]


T, U, N, W, P, E = AccountState  # in the order of their declaration: the worst first


@pytest.mark.parametrize(
    ("counts", "sentence", "health"),
    [
        (
            {T: 2, U: 1, P: 43, N: 4},
            "2 accounts with trouble, 1 unknown; 43 of 50 accounts protected; 4 not onboarded.",
            Health.UNKNOWN,
        ),
        ({T: 1, P: 1}, "1 account with trouble; 1 of 2 accounts protected.", Health.DEGRADED),
        ({U: 2, P: 1}, "2 accounts unknown; 1 of 3 accounts protected.", Health.UNKNOWN),
        ({P: 50}, "All 50 accounts protected.", Health.OK),
        ({P: 1}, "The one account is protected.", Health.OK),
        ({P: 2, E: 3}, "All 2 accounts protected; 3 with nothing to back up.", Health.OK),
        ({P: 2, W: 1}, "2 of 3 accounts protected; 1 waiting.", Health.WAITING),
        ({P: 2, N: 1}, "2 of 3 accounts protected; 1 not onboarded.", Health.WAITING),
        ({E: 2}, "No account has anything to back up.", Health.WAITING),
        ({}, "No account is looked after.", Health.WAITING),
    ],
)
def test_how_the_fleet_stands_in_a_sentence_and_in_a_word(
    counts: Mapping[AccountState, int], sentence: str, health: Health
) -> None:
    assert fleet(counts).sentence == sentence
    assert fleet(counts).health is health


def test_who_refuses_now_is_counted_apart_from_who_was_never_in() -> None:
    one, some = fleet({N: 3, P: 1}, refusing=1), fleet({N: 3, P: 1}, refusing=2)

    assert one.sentence == ("1 account no longer lets Lightkeeper in; 1 of 4 accounts protected; 2 not onboarded.")
    assert some.sentence.startswith("2 accounts no longer let Lightkeeper in; ")
    assert one.health is Health.DEGRADED
    assert [each.wants_a_person for each in one.rows].count(True) == 1


def test_a_unit_that_cannot_be_listed_is_said_first_and_nobody_can_tell_the_whole() -> None:
    blind = fleet({P: 3}, unlisted=2)

    assert blind.sentence == "The accounts of 2 units could not be listed; 3 of 3 known accounts protected."
    assert blind.health is Health.UNKNOWN


def test_the_fleet_counts_its_sources_and_what_they_store() -> None:
    whole = replace(fleet({P: 2}), rows=(row(P), row(T, statuses={Status.PROTECTED: 2, Status.OVERDUE: 1})))

    assert whole.statuses == {Status.PROTECTED: 3, Status.OVERDUE: 1}
    assert whole.stored == Stored(16.0, 40.0)
    assert whole.counts == {P: 1, T: 1}


def test_an_account_is_called_by_name_and_number() -> None:
    assert row(P).label == "Shop (111122223333)"
    assert row(P, None).label == SHOP
