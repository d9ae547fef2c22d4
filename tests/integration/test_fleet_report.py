"""What is told of a fleet, and that it is told once: stories on a local SNS and a local bucket, both over HTTP."""

from typing import Any

import pytest

from lightkeeper import fleet_handler
from lightkeeper.errors import InvalidValueError
from lightkeeper.fleet import FLEET_KEY, AccountState, account_key
from lightkeeper.notify import CAPACITY, TOPIC_VARIABLE
from lightkeeper.organization import ORGANIZATION_VARIABLE, Organization
from lightkeeper.results import Results
from tests.support.fleets import HUB, NOT_IN, Accounts
from tests.support.functions import Context, lines
from tests.support.inventories import DAY, HOUR, REGION
from tests.support.listening import Listener

HEAD = "Lightkeeper 123456789012 eu-central-1"


def numbers(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """Return the metrics that were printed since this was asked last."""
    (emf,) = (line for line in lines(capsys) if "_aws" in line)
    (directive,) = emf["_aws"]["CloudWatchMetrics"]
    return {metric["Name"]: emf[metric["Name"]][0] for metric in directive["Metrics"]}


def part(text: str, heading: str) -> str:
    """Return the part of a message under a heading."""
    return text.partition(f"\n\n{heading}\n")[2].partition("\n\nHOW THE FLEET STANDS")[0].partition("\n\nSTILL OPEN")[0]


def test_of_four_accounts_in_trouble_among_fifty_one_message_tells_which_and_why(
    accounts: Accounts, person: Listener, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts.healthy(*(f"customer-{number:02}" for number in range(43)))
    accounts.add("Shop").overdue("web")
    accounts.add("Clinic").disk("typo", backup="dialy")
    accounts.add("School").error = "States.Timeout"
    for name in ("New", "Newer", "Newest", "Late"):
        accounts.add(name).closed = NOT_IN

    answer = accounts.run()

    ((subject, text),) = person.letters()
    sentence = "2 accounts with trouble, 1 unknown; 43 of 50 accounts protected; 4 not onboarded."
    assert subject == f"{HEAD}: 4 new in 3 accounts"
    assert text.startswith(
        "Lightkeeper, account 123456789012, eu-central-1: 4 new in 3 accounts.\nRun of 2026-06-15 12:00 UTC.\n\nNEW\n"
    )
    assert f"\n\nHOW THE FLEET STANDS\n{sentence}\n" in text
    assert accounts.fleet().sentence == sentence
    assert "Not onboarded: Late (" in text
    new = part(text, "NEW")
    assert new.index("Clinic (") < new.index("Shop (") < new.index("School ("), "the worst first, then by name"
    assert "\n\nAWS_REGION" not in new
    shop = accounts.members["Shop"].account
    assert f"lightkeeper take web --kind disk --region eu-central-1 --stack Lightkeeper --account {shop}" in new
    assert text.endswith("lightkeeper status --stack Lightkeeper\nDashboard:\nhttps://console/dashboard\n")
    assert answer["failed"] == 2
    assert "Shop (" in answer["cause"]
    assert "School (" in answer["cause"]
    assert answer["accounts"] == {"trouble": 2, "unknown": 1, "not onboarded": 4, "protected": 43}
    assert numbers(capsys)["AccountsNotOnboarded"] == 4


def test_while_all_is_well_nobody_is_notified_and_the_fleet_is_written(accounts: Accounts, person: Listener) -> None:
    accounts.healthy("Bakery", "Atelier")

    for _ in range(3):
        assert accounts.hours_later() == {"failed": 0, "cause": "", "accounts": {"protected": 2}}

    assert person.letters() == []
    assert accounts.states() == {"Atelier": "protected", "Bakery": "protected"}
    assert accounts.fleet().time == accounts.now


def test_what_was_told_is_told_once_and_again_when_it_comes_back(accounts: Accounts, person: Listener) -> None:
    accounts.healthy("Bakery")
    shop = accounts.add("Shop")
    shop.disk("typo", backup="dialy")
    accounts.run()
    assert [subject for subject, _ in person.letters()] == [f"{HEAD}: Shop: typo: a problem"]
    accounts.hours_later()
    assert person.letters() == []
    shop.disk("typo", backup="daily")
    accounts.hours_later()
    assert person.letters() == [], "that it is over, the alarm says"

    shop.disk("typo", backup="dialy")
    accounts.hours_later()

    assert [subject for subject, _ in person.letters()] == [f"{HEAD}: Shop: typo: a problem"]


def test_disks_of_one_name_in_two_accounts_are_two_findings(accounts: Accounts, person: Listener) -> None:
    accounts.add("Shop").disk("data", backup="dialy")
    accounts.run()
    accounts.add("Clinic").disk("data", backup="dialy")
    accounts.hours_later()

    assert [subject for subject, _ in person.letters()] == [
        f"{HEAD}: Shop: data: a problem",
        f"{HEAD}: 1 new, 1 still open",
    ]


def test_what_is_open_in_an_account_that_is_unknown_today_is_not_over(accounts: Accounts, person: Listener) -> None:
    accounts.healthy("Bakery")
    shop = accounts.add("Shop")
    shop.disk("typo", backup="dialy")
    accounts.run()
    person.letters()
    told = []

    for trouble in ("error", "broken", "unread", "closed"):
        setattr(shop, trouble, "States.Timeout")
        accounts.hours_later()
        told += [subject for subject, _ in person.letters()]
        setattr(shop, trouble, None)
    accounts.hours_later()
    assert person.letters() == [], "the typo was told before"

    account = shop.account
    assert told == [
        f"{HEAD}: Shop ({account}): an account cannot be looked at",
        f"{HEAD}: Shop: {REGION}: a list cannot be read",
        f"{HEAD}: Shop ({account}): no longer lets Lightkeeper in",
    ]


def test_an_account_that_is_unknown_keeps_what_was_known_and_says_since_when(accounts: Accounts) -> None:
    shop = accounts.add("Shop")
    shop.disk("data")
    accounts.run()
    shop.error = "Lambda.Unknown"
    first = accounts.now + HOUR

    accounts.hours_later()
    accounts.hours_later()

    (row,) = accounts.fleet().rows
    assert row.state is AccountState.UNKNOWN
    assert row.since == first
    assert row.seen == row.let_in == first - HOUR
    assert row.statuses == {"protected": 1}
    assert row.sentence == (
        "Unknown since 2026-06-15 13:00 UTC: its run ended with Lambda.Unknown. Last seen at 2026-06-15 12:00 UTC."
    )


def test_a_document_of_an_earlier_run_says_nothing_of_this_one(accounts: Accounts, person: Listener) -> None:
    accounts.healthy("Shop")
    accounts.run()
    shop = accounts.members["Shop"]
    accounts.now += HOUR

    answer = accounts.report([{"account": shop.account, "name": "Shop", "state": "protected", "failed": False}])

    assert accounts.states() == {"Shop": "unknown"}
    assert answer["failed"] == 1
    ((_, text),) = person.letters()
    assert "its run has left no document. Last seen at 2026-06-15 12:00 UTC." in text


def test_where_runs_take_longer_than_it_is_to_the_next_one_what_was_seen_since_counts(accounts: Accounts) -> None:
    accounts.healthy("Shop")
    accounts.now += HOUR
    answer = accounts.leave(accounts.members["Shop"])
    accounts.now -= HOUR

    accounts.report([answer])

    assert accounts.states() == {"Shop": "protected"}
    assert accounts.fleet().rows[0].seen == accounts.now + HOUR


def test_an_account_that_has_never_let_anybody_in_is_counted_and_no_news(accounts: Accounts, person: Listener) -> None:
    accounts.healthy("Bakery")
    accounts.add("New").closed = NOT_IN

    assert accounts.run() == {"failed": 0, "cause": "", "accounts": {"protected": 1, "not onboarded": 1}}
    accounts.hours_later()

    assert person.letters() == []
    assert accounts.fleet().sentence == "1 of 2 accounts protected; 1 not onboarded."


def test_an_account_that_lets_nobody_in_any_more_is_news_once_and_open_until_it_does(
    accounts: Accounts, person: Listener
) -> None:
    accounts.healthy("Bakery", "Shop")
    accounts.run()
    shop = accounts.members["Shop"]
    shop.closed = NOT_IN

    answers = [accounts.hours_later() for _ in range(3)]

    ((subject, text),) = person.letters()
    assert subject == f"{HEAD}: Shop ({shop.account}): no longer lets Lightkeeper in"
    assert f"What: Shop ({shop.account}) let Lightkeeper in until 2026-06-15 12:00 UTC. {NOT_IN}." in text
    assert [answer["failed"] for answer in answers] == [0, 0, 0], "not a failed run"
    assert accounts.fleet().sentence == "1 account no longer lets Lightkeeper in; 1 of 2 accounts protected."
    shop.closed = None
    accounts.hours_later()
    shop.closed = NOT_IN
    accounts.hours_later()
    assert len(person.letters()) == 1


def test_an_account_of_which_a_part_was_never_seen_and_that_refuses_then_is_news_all_the_same(
    accounts: Accounts, person: Listener
) -> None:
    shop = accounts.add("Shop")
    shop.disk("data")
    shop.unread = "GetDisks: AccessDeniedException"
    accounts.run()
    person.letters()
    assert accounts.fleet().rows[0].seen is None
    shop.closed = NOT_IN

    accounts.hours_later()

    assert [subject for subject, _ in person.letters()] == [
        f"{HEAD}: Shop ({shop.account}): no longer lets Lightkeeper in"
    ]


def test_an_account_that_is_not_listed_any_more_is_news_once(accounts: Accounts, person: Listener) -> None:
    accounts.healthy("Bakery", "Shop")
    accounts.run()
    shop = accounts.members.pop("Shop")

    answer = accounts.hours_later()
    accounts.hours_later()

    ((subject, text),) = person.letters()
    assert subject == f"{HEAD}: Shop ({shop.account}): an account is no longer looked after"
    assert "or it is suspended or closed. Lightkeeper backs up nothing there" in text
    assert "How it stood: The one source is protected." in text
    assert answer["failed"] == 0
    assert accounts.states() == {"Bakery": "protected"}
    assert person.tags() == {}


def test_an_account_that_the_settings_leave_out_is_no_news(
    accounts: Accounts, person: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.healthy("Bakery", "Shop")
    accounts.run()
    left_out = Organization(units=("r-ab12",), excluded=(accounts.members.pop("Shop").account,))
    monkeypatch.setenv(ORGANIZATION_VARIABLE, left_out.to_json())

    accounts.hours_later()

    assert person.letters() == []
    assert accounts.states() == {"Bakery": "protected"}


def test_that_an_account_is_not_looked_after_any_more_is_not_forgotten_before_somebody_has_been_told(
    accounts: Accounts, person: Listener
) -> None:
    accounts.healthy("Bakery", "Shop")
    accounts.run()
    del accounts.members["Shop"]
    person.server.refused.add("Publish")

    answer = accounts.hours_later()
    assert answer["failed"] == 1
    assert (
        "notification: Publish: AuthorizationError: no Publish; expected permission for sns:Publish" in answer["cause"]
    )
    person.server.refused.clear()
    accounts.hours_later()
    accounts.hours_later()

    assert len(person.letters()) == 1


def test_accounts_of_a_unit_that_cannot_be_listed_are_unknown_and_not_taken_for_dropped(
    accounts: Accounts, person: Listener, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts.healthy("Bakery", "Shop", "Clinic")
    accounts.run()
    gone = [accounts.members.pop(name) for name in ("Shop", "Clinic")]
    accounts.unlisted = ["ou-ab12-cd34ef56: organizations:ListAccountsForParent: AccessDeniedException: no"]
    numbers(capsys)

    answer = accounts.hours_later()
    accounts.hours_later()

    ((subject, text),) = person.letters()
    assert subject == f"{HEAD}: ou-ab12-cd34ef56: accounts cannot be listed"
    assert "What: ou-ab12-cd34ef56: organizations:ListAccountsForParent: AccessDeniedException: no." in text
    assert "it backs up nothing in those accounts" in text
    assert "\nNot listed: ou-ab12-cd34ef56: " in text
    sentence = "The accounts of 1 unit could not be listed; 2 accounts unknown; 1 of 3 known accounts protected."
    assert sentence in text
    assert accounts.states() == {"Clinic": "unknown", "Shop": "unknown", "Bakery": "protected"}
    assert answer["failed"] == 1, "the unit; its accounts are no failures of their own"
    accounts.unlisted = []
    accounts.members |= {member.name or "": member for member in gone}
    accounts.hours_later()
    assert person.letters() == []
    assert accounts.states() == {"Bakery": "protected", "Clinic": "protected", "Shop": "protected"}


def test_a_run_of_which_nobody_knows_whose_it_was_makes_no_account_look_dropped(
    accounts: Accounts, person: Listener
) -> None:
    accounts.healthy("Bakery", "Shop", "Clinic")
    accounts.run()
    bakery = accounts.leave(accounts.members["Bakery"])
    record = {"Error": "States.DataLimitExceeded", "Input": f'{{"account": "{accounts.members["Clinic"].account}"}}'}
    accounts.now += HOUR
    bakery = accounts.leave(accounts.members["Bakery"])

    answer = accounts.report([bakery, None, record])

    assert accounts.states() == {"Clinic": "unknown", "Shop": "unknown", "Bakery": "protected"}
    assert answer["failed"] == 2
    assert "1 run ended without a word of which account" in answer["cause"]
    ((_, text),) = person.letters()
    assert "an account cannot be looked at (2)" not in text
    assert text.count("an account cannot be looked at") == 2


def test_the_daily_digest_has_the_worst_first_and_comes_once(accounts: Accounts, person: Listener) -> None:
    accounts.configure(digest="08:00")
    accounts.healthy("Bakery")
    accounts.add("New").closed = NOT_IN
    accounts.add("Zoo").overdue()
    accounts.add("Atelier").error = "States.Timeout"
    accounts.run()
    person.letters()
    accounts.now += DAY - 4 * HOUR

    accounts.run()
    accounts.hours_later()

    ((subject, text),) = person.letters()
    assert subject == f"{HEAD}: daily digest: 3 open in 2 accounts"
    worst = part(text, "WORST FIRST")
    assert worst.splitlines()[1].startswith(
        "1. Zoo (111111111002): trouble since 2026-06-15 12:00 UTC. 1 action failed."
    )
    assert worst.splitlines()[2].startswith("2. Atelier (111111111003): unknown since 2026-06-15 12:00 UTC. Unknown")
    assert "\nNot onboarded: New (111111111001)\n" in text
    assert "\nAccounts: 1 trouble, 1 unknown, 1 not onboarded, 1 protected\n" in text


def test_a_fleet_of_which_all_accounts_fail_at_once_is_one_readable_message(
    accounts: Accounts, person: Listener
) -> None:
    for number in range(300):
        accounts.add(f"customer-{number:03}").error = "States.Timeout"

    answer = accounts.run()
    accounts.hours_later()

    ((subject, text),) = person.letters()
    assert subject == f"{HEAD}: 300 new in 300 accounts"
    assert "\n\nIn all: an account cannot be looked at (300)\n" in text
    assert text.count("What:") == 5
    assert "and 295 more: customer-005 (111111111005), customer-006 (111111111006)," in text
    assert len(text) < 6000
    assert answer["failed"] == 300
    assert len(answer["cause"]) < 2000


def test_more_findings_than_the_topic_can_remember_are_told_once_one_by_one(
    accounts: Accounts, person: Listener
) -> None:
    for number in range(20):
        member = accounts.add(f"customer-{number:03}")
        for disk in range(60):
            member.disk(f"disk-{disk}", days=range(0), backup=f"typo-{disk}")
    assert CAPACITY < 20 * 60

    accounts.run()
    accounts.hours_later()
    accounts.members["customer-007"].disk("disk-3", backup="daily")
    accounts.hours_later()
    accounts.members["customer-008"].error = "States.Timeout"
    accounts.hours_later()
    accounts.members["customer-008"].error = None
    accounts.hours_later()
    accounts.members["customer-009"].disk("new", backup="dialy")
    accounts.hours_later()

    assert [subject for subject, _ in person.letters()] == [
        f"{HEAD}: 1,200 new in 20 accounts",
        f"{HEAD}: 1 new, 1,139 still open",
        f"{HEAD}: 1 new, 1,199 still open",
    ]
    assert [*person.tags()] == ["lightkeeper:told:1"], "a fingerprint; the fleet's document has the rest"


def test_where_the_document_with_what_was_told_is_lost_it_is_told_again_once(
    accounts: Accounts, person: Listener
) -> None:
    for number in range(20):
        member = accounts.add(f"customer-{number:03}")
        for disk in range(50):
            member.disk(f"disk-{disk}", days=range(0), backup=f"typo-{disk}")
    accounts.run()
    accounts.s3.delete_object(Bucket=accounts.bucket, Key=FLEET_KEY)
    accounts.hours_later()
    assert len(person.letters()) == 1, "the topic knows that it is the same"
    accounts.s3.delete_object(Bucket=accounts.bucket, Key=FLEET_KEY)
    accounts.members["customer-000"].disk("new", backup="dialy")

    accounts.hours_later()
    accounts.hours_later()

    assert [subject for subject, _ in person.letters()] == [f"{HEAD}: 1,001 new in 20 accounts"]


def test_what_follows_from_a_failure_that_was_told_is_left_to_the_alarm(accounts: Accounts, person: Listener) -> None:
    accounts.healthy("Bakery")
    shop = accounts.add("Shop")
    shop.disk("web", days=range(1, 8))
    shop.refused.add("web")
    accounts.now -= 8 * HOUR
    accounts.run()
    assert [subject for subject, _ in person.letters()] == [f"{HEAD}: Shop: web: an action failed"]

    for _ in range(8):
        accounts.hours_later()

    assert person.letters() == []
    assert accounts.fleet().rows[0].statuses == {"overdue": 1}
    clinic = accounts.add("Clinic")
    clinic.disk("web", days=range(1, 8))
    clinic.refused.add("web")
    accounts.hours_later()
    ((_, text),) = person.letters()
    assert "1. web: overdue" in part(text, "NEW"), "the alarm is on already"


def test_a_bucket_that_refuses_the_fleet_is_a_failure_and_tells_nobody_twice(
    accounts: Accounts, person: Listener
) -> None:
    accounts.add("Shop").disk("typo", backup="dialy")
    results = [accounts.leave(accounts.members["Shop"])]
    person.server.refused.add("PUT")
    answers = [accounts.report([*results]) for _ in range(2)]
    person.server.refused.clear()

    assert [answer["failed"] for answer in answers] == [1, 1]
    assert answers[0]["cause"].startswith("1 failed: how the fleet stands could not be written: the bucket ")
    assert "s3:PutObject" in answers[0]["cause"]
    assert len(person.letters()) == 1


def test_a_report_that_dies_between_its_message_and_its_document_is_made_good_by_the_next(
    accounts: Accounts, person: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    accounts.healthy("Bakery", "Shop", "Clinic")
    accounts.run()
    del accounts.members["Shop"]
    accounts.members["Clinic"].closed = NOT_IN
    with monkeypatch.context() as patch:
        patch.setattr(Results, "put", die)
        with pytest.raises(KeyboardInterrupt):
            accounts.hours_later()
    ((subject, _),) = person.letters()
    assert subject == f"{HEAD}: 2 new in 2 accounts"

    accounts.hours_later()
    accounts.hours_later()

    assert person.letters() == []
    assert accounts.states() == {"Clinic": "not onboarded", "Bakery": "protected"}


def test_a_report_that_dies_before_its_message_is_made_good_by_the_next(
    accounts: Accounts, person: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    accounts.healthy("Bakery", "Shop")
    accounts.run()
    del accounts.members["Shop"]
    with monkeypatch.context() as patch:
        patch.setattr(fleet_handler, "tell", die)
        with pytest.raises(KeyboardInterrupt):
            accounts.hours_later()
    assert person.letters() == []

    accounts.hours_later()

    assert len(person.letters()) == 1


def test_where_it_cannot_be_read_how_the_fleet_stood_its_document_stays(accounts: Accounts, person: Listener) -> None:
    accounts.healthy("Bakery", "Shop")
    accounts.run()
    before = accounts.fleet()
    person.server.refused.add("GET")
    answer = accounts.hours_later()
    person.server.refused.clear()

    assert answer["failed"] == 3
    assert (
        "Bakery (111111111000): Unknown since 2026-06-15 13:00 UTC: what its run has left could not be read"
        in (answer["cause"])
    )
    assert accounts.fleet() == before


def test_a_document_that_nobody_understands_is_as_good_as_none(accounts: Accounts, person: Listener) -> None:
    accounts.healthy("Bakery", "Shop")
    accounts.put(FLEET_KEY, "<html>")
    results: list[object] = [accounts.leave(member) for member in accounts.members.values()]
    accounts.put(account_key(accounts.members["Shop"].account), '{"account": "of another release"}')

    answer = accounts.report(results)

    assert accounts.states() == {"Shop": "unknown", "Bakery": "protected"}
    assert answer["failed"] == 1
    assert "an account's document cannot be read (KeyError: 'name')" in answer["cause"]
    assert len(person.letters()) == 1


def test_with_no_time_left_the_next_run_tells(accounts: Accounts, person: Listener) -> None:
    class Hurry(Context):
        @staticmethod
        def get_remaining_time_in_millis() -> int:
            return 100_000

    accounts.healthy("Bakery")
    accounts.add("Shop").disk("typo", backup="dialy")

    answer = accounts.run(Hurry())
    assert person.letters() == []
    assert "notification: no time left in this run; the next one sends it" in answer["cause"]
    accounts.hours_later()

    assert [subject for subject, _ in person.letters()] == [f"{HEAD}: Shop: typo: a problem"]


def test_a_report_that_comes_after_a_later_one_tells_nobody_and_leaves_the_fleet_as_it_is(
    accounts: Accounts, person: Listener, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts.healthy("Bakery")
    accounts.hours_later()
    before = accounts.fleet()
    accounts.add("Shop").disk("typo", backup="dialy")
    accounts.now -= HOUR
    numbers(capsys)

    answer = accounts.run()

    assert answer["failed"] == 0
    assert person.letters() == []
    assert accounts.fleet() == before
    assert numbers(capsys) == {"ActionsDeferred": 0}


def test_runs_that_began_long_after_their_time_have_left_nothing_and_are_no_news(
    accounts: Accounts, person: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_handler, "is_at_aws", lambda: True)
    accounts.healthy("Bakery", "Shop")
    answers: list[object] = [
        {"account": each.account, "name": each.name, "state": "protected", "failed": each.name == "Shop"}
        for each in accounts.members.values()
    ]

    answer = accounts.report(answers)

    assert answer["failed"] == 1
    assert answer["cause"] == "1 failed: 111111111001: something failed in its run; its log says what"
    assert person.letters() == []
    assert accounts.s3.list_objects_v2(Bucket=accounts.bucket)["KeyCount"] == 0


def test_runs_that_took_long_are_news_however_late_their_report_is(
    accounts: Accounts, person: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_handler, "is_at_aws", lambda: True)
    accounts.healthy("Bakery")
    accounts.add("Shop").disk("typo", backup="dialy")

    accounts.run()

    assert len(person.letters()) == 1
    assert accounts.states() == {"Shop": "trouble", "Bakery": "protected"}


def test_a_report_ahead_of_its_time_is_refused(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_handler, "is_at_aws", lambda: True)
    accounts.now += 100 * 365 * DAY

    with pytest.raises(InvalidValueError, match="expected a time that has come"):
        accounts.run()


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ({"time": "2026-06-15T12:00:00Z"}, "event.results: null is not a list; expected the results of the map"),
        ({"time": "2026-06-15T12:00:00Z", "results": [], "unlisted": "ou"}, "event.unlisted: .* is not a list of"),
        ({"results": []}, "null is not text; expected ISO 8601"),
        ({"time": "soon", "results": []}, "soon"),
    ],
)
def test_an_event_that_is_not_the_state_machine_s_is_refused_with_a_sentence(
    accounts: Accounts, event: dict[str, object], why: str
) -> None:
    assert accounts.members == {}

    with pytest.raises(InvalidValueError, match=why):
        fleet_handler.report_fleet(event, Context())


def test_two_reports_of_one_run_tell_once(accounts: Accounts, person: Listener) -> None:
    accounts.add("Shop").disk("typo", backup="dialy")

    accounts.run()
    accounts.run()

    assert len(person.letters()) == 1


def test_without_a_topic_nobody_is_notified_and_the_fleet_is_written(
    accounts: Accounts, person: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TOPIC_VARIABLE)
    accounts.add("Shop").disk("typo", backup="dialy")

    assert accounts.run()["failed"] == 0

    assert set(person.server.asked) == {"GET", "PUT"}
    assert accounts.states() == {"Shop": "trouble"}


def test_where_the_topic_cannot_be_tagged_all_that_is_open_comes_once_a_day(
    accounts: Accounts, person: Listener
) -> None:
    accounts.add("Shop").disk("typo", backup="dialy")
    person.server.refused.add("TagResource")

    for _ in range(24):
        assert accounts.hours_later()["failed"] == 1

    ((subject, text),) = person.letters()
    assert subject == f"{HEAD}: 2 new"
    assert "Lightkeeper cannot remember what it has notified you of" in text
    assert "Shop (111111111000): 1 problem" in text


def test_a_topic_that_missed_the_message_gets_all_that_is_open_later(accounts: Accounts, person: Listener) -> None:
    gone = f"{person.topic}-of-others"
    accounts.configure(notify=[gone])
    accounts.healthy("Bakery", "Shop")
    accounts.run()
    del accounts.members["Shop"]

    answer = accounts.hours_later()
    assert f"notification: {gone}: Publish:" in answer["cause"]
    person.letters()
    person.sns.create_topic(Name="Lightkeeper-of-others")
    person.sns.subscribe(
        TopicArn=gone,
        Protocol="sqs",
        Endpoint=person.sqs.get_queue_attributes(QueueUrl=person.queue, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ],
    )
    assert accounts.hours_later()["failed"] == 0
    accounts.hours_later()

    ((subject, _),) = person.letters()
    assert subject.endswith(": an account is no longer looked after")
    person.sns.delete_topic(TopicArn=gone)


def test_where_the_settings_name_no_region_the_deployment_s_own_is_looked_after(
    accounts: Accounts, person: Listener
) -> None:
    person.sns.tag_resource(ResourceArn=person.topic, Tags=[{"Key": "lightkeeper:regions:1", "Value": REGION}])
    accounts.healthy("Bakery")

    accounts.run()

    assert accounts.settings.regions == ()
    assert person.letters() == []


def test_the_hub_s_own_account_is_one_of_them_and_its_commands_name_no_account(
    accounts: Accounts, person: Listener
) -> None:
    accounts.add("Hub", HUB).overdue()

    accounts.run()

    ((subject, text),) = person.letters()
    assert subject == f"{HEAD}: 2 new"
    assert "--stack Lightkeeper\n" in text
    assert "--account" not in text


def test_while_an_account_is_unknown_no_alarm_ends_and_bad_news_is_true_all_the_same(
    accounts: Accounts, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts.healthy("Bakery")
    accounts.add("Shop").overdue()
    accounts.run()
    assert numbers(capsys) == {
        "AccountsProtected": 1,
        "AccountsWaiting": 0,
        "AccountsWithTrouble": 1,
        "AccountsNotOnboarded": 0,
        "AccountsUnknown": 0,
        "ResourcesProtected": 1,
        "ResourcesOverdue": 1,
        "SnapshotsFailed": 1,
        "TagProblems": 0,
        "ActionsDeferred": 0,
    }
    accounts.members["Shop"].error = "States.Timeout"
    accounts.hours_later()
    assert numbers(capsys) == {
        "AccountsProtected": 1,
        "AccountsWaiting": 0,
        "AccountsWithTrouble": 0,
        "AccountsNotOnboarded": 0,
        "AccountsUnknown": 1,
        "ActionsDeferred": 0,
    }
    accounts.add("Clinic").overdue()
    accounts.hours_later()
    seen = numbers(capsys)
    assert (seen["ResourcesOverdue"], seen["SnapshotsFailed"]) == (1, 1)
    assert not {"ResourcesProtected", "TagProblems"} & set(seen)


def test_whoever_looks_into_the_log_finds_one_line_of_the_whole(
    accounts: Accounts, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts.healthy("Bakery")
    accounts.add("Shop").error = "States.Timeout"

    accounts.run()

    (detail,) = (line["detail"] for line in lines(capsys) if line.get("message") == "summary")
    expected: dict[str, Any] = {
        "now": "2026-06-15T12:00:00Z",
        "accounts": {"unknown": 1, "protected": 1},
        "sources": {"protected": 1},
        "sentence": "1 account unknown; 1 of 2 accounts protected.",
        "unlisted": [],
        "failed": 1,
        "failures": ["Shop (111111111001): its run ended with States.Timeout"],
    }
    assert {key: value for key, value in detail.items() if key != "version"} == expected
