"""The widget of a deployment for many accounts, as CloudWatch calls it: all accounts, and the calendar of one."""

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from html import unescape
from time import process_time
from typing import Any

import pytest

from lightkeeper import handler
from lightkeeper.fleet import FLEET_KEY, AccountReport, AccountState, Fleet, FleetRow
from lightkeeper.fleet_handler import report_fleet
from lightkeeper.fleet_report import Answer, Answers, make_report
from lightkeeper.model import Status
from lightkeeper.organization import (
    MEMBER_ROLE_VARIABLE,
    ORGANIZATION_VARIABLE,
    RESULTS_VARIABLE,
    Organization,
    role_arn,
)
from lightkeeper.overview import Stored
from lightkeeper.settings import ENVIRONMENT_VARIABLE, Settings
from lightkeeper.times import format_instant
from lightsail_sandbox.client import ErrorAnswer, FaultRule, Hang, Sandbox, Seed
from recovery_calendar import handler as calendar
from recovery_calendar.fleet_view import FleetKey
from recovery_calendar.live import THREADS
from recovery_calendar.request import FLEET_DOCUMENTATION, read_event
from tests.support.functions import Context, WidgetContext, widget
from tests.support.hub import BUCKET, HUB, Hub
from tests.support.keeper import NOON, OTHER_REGION, REGION
from tests.support.world import no_waiting

pytestmark = pytest.mark.usefixtures("fresh_calendar", "organization")
SHOP, CLINIC, SCHOOL = "111122223333", "222233334444", "333344445555"
NAMES = {SHOP: "Shop", CLINIC: "Clinic", SCHOOL: "School", HUB: "Agency"}
ROLE = "Lightkeeper-member"
HOUR = timedelta(hours=1)
BACK = "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK} All accounts"
HOSTILE = ('"><script>alert(1)</script>', "</cwdb-action><img src=x onerror=alert(1)>", "{{ 7 * 7 }}", "' onclick='x")


@pytest.fixture
def organization(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the functions what the stack of a deployment for many accounts gives them."""
    no_waiting(monkeypatch)
    monkeypatch.setenv(MEMBER_ROLE_VARIABLE, ROLE)
    monkeypatch.setenv(RESULTS_VARIABLE, BUCKET)
    monkeypatch.setenv(ORGANIZATION_VARIABLE, Organization(units=("r-ab12",)).to_json())


def disk(sandbox: Sandbox, account: str, name: str, **tags: str) -> None:
    born = sandbox.now() - timedelta(days=100)
    sandbox.seed([Seed(kind="Disk", name=name, account=account, tags=tags or {"backup": "daily"}, created_at=born)])


def run(sandbox: Sandbox, *accounts: str) -> None:
    """Look after these accounts, and report."""
    time = format_instant(sandbox.now())
    results = [
        handler.handle({"time": time, "account": account, "name": NAMES[account]}, Context()) for account in accounts
    ]
    report_fleet({"time": time, "results": results, "unlisted": []}, Context())


def put(hub: Hub, fleet: Fleet | str) -> None:
    document = fleet if isinstance(fleet, str) else fleet.to_json()
    hub.s3.put_object(Bucket=BUCKET, Key=FLEET_KEY, Body=document.encode())


def row(account: str, name: str | None, state: AccountState = AccountState.PROTECTED, **given: Any) -> FleetRow:  # noqa: ANN401 - whatever a row has
    default = FleetRow(
        account=account,
        name=name,
        state=state,
        sentence="All 2 sources protected.",
        statuses={Status.PROTECTED: 2},
        stored=Stored(10, 20),
        findings=0,
        since=NOON - HOUR,
        seen=NOON,
        let_in=NOON,
    )
    return replace(default, **given)


def fleet_of(rows: Iterable[FleetRow], **given: Any) -> Fleet:  # noqa: ANN401 - whatever a fleet has
    return replace(Fleet(deployment="Lightkeeper", time=NOON, rows=tuple(rows), unlisted=()), **given)


def text_of(html: str) -> str:
    """Return what is read, without the parameters of links."""
    bare = re.sub(r"<style>.*?</style>|<cwdb-action.*?</cwdb-action>|<title>.*?</title>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", bare)))


def links(html: str) -> dict[str, dict[str, Any]]:
    """Return the parameters with which CloudWatch would call the function again, by what is clicked."""
    found = re.findall(r'<a class="lk-go[^>]*>([^<]*)</a><cwdb-action [^>]+>([^<]+)</cwdb-action>', html)
    return {unescape(label).strip(" ▴▾"): json.loads(text) for label, text in found}


def accounts(html: str) -> list[str]:
    """Return the names of the accounts in the list."""
    return re.findall(r'<th scope="row"><div>\s*<a [^>]*>([^<]+)</a>', html)


def sources(html: str) -> list[str]:
    return re.findall(r'<th scope="row"><div>([^<]+)</div>', html)


@pytest.fixture
def hanging(aws: Sandbox) -> Iterator[Callable[[FaultRule], None]]:
    """Let calls hang until the story is over."""
    yield aws.add_faults
    aws.clear_faults()
    for thread in threading.enumerate():
        if thread.name.startswith(THREADS):
            thread.join(60)
            assert not thread.is_alive()


def sessions(hub: Hub) -> list[str]:
    """Return the roles that were assumed."""
    return sorted(hub.services.sessions.values())


def viewer(account: str) -> str:
    return role_arn("aws", account, f"{ROLE}-viewer")


# All accounts


def test_three_accounts_are_looked_after_and_the_widget_shows_all_of_them_the_worst_first(
    aws: Sandbox, hub: Hub
) -> None:
    hub.onboard(SHOP, CLINIC)
    for account in (SHOP, CLINIC, SCHOOL, HUB):
        disk(aws, account, "data")
    run(aws, SHOP, CLINIC, SCHOOL, HUB)
    aws.advance(HOUR)
    disk(aws, CLINIC, "typo", backup="dialy")
    run(aws, SHOP, CLINIC, SCHOOL, HUB)

    html = widget(time="2026-06-15T13:20:00Z")

    assert accounts(html) == ["Clinic", "School", "Agency", "Shop"]
    text = text_of(html)
    assert "1 account with trouble; 2 of 4 accounts protected; 1 not onboarded." in text
    assert "1 trouble 1 not onboarded 2 protected" in text, "counts, too"
    assert f"Clinic {CLINIC} ✕ trouble since 15 Jun 13:00 1 problem; 1 of 2 sources protected." in text
    assert "1 of 2 findings 1 stored, cost 32 GiB 1.60 USD a month last seen 15 Jun 13:00 20 min ago" in text
    assert f"School {SCHOOL} ! not onboarded" in text
    assert "The one source is protected. protected 1 of 1 stored, cost 32 GiB" in text
    assert "as of 15 Jun 2026 13:00, 20 min ago" in text
    assert 'role="alert"' not in html


def test_the_list_is_drawn_from_the_report_alone(aws: Sandbox, hub: Hub) -> None:
    put(hub, fleet_of([row(SHOP, "Shop")]))
    aws.clear_calls()

    widget()

    assert aws.calls() == ()
    assert sessions(hub) == []


def test_the_sentence_of_the_fleet_alone_can_be_asked_for(hub: Hub) -> None:
    put(hub, fleet_of([row(SHOP, "Shop"), row(CLINIC, "Clinic")]))

    html = widget({"view": "sentence"})

    assert text_of(html).strip() == "✓ All 2 accounts protected."
    assert "<table" not in html


def test_names_are_text_whatever_somebody_calls_an_account(hub: Hub) -> None:
    harmless = fleet_of([row(f"{number:012}", "harmless", sentence="harmless") for number in range(len(HOSTILE))])
    put(hub, harmless)
    tags = re.findall(r"<[^\s>]*", widget())
    put(hub, replace(harmless, rows=tuple(
        replace(each, name=text, sentence=text) for each, text in zip(harmless.rows, HOSTILE, strict=True)
    )))  # fmt: skip

    html = widget()

    assert re.findall(r"<[^\s>]*", html) == tags
    assert {unescape(name) for name in accounts(html)} == set(HOSTILE)
    assert {link.get("account") for link in links(html).values()} == {None, *(each.account for each in harmless.rows)}


def test_an_account_without_a_name_is_shown_by_its_number(hub: Hub) -> None:
    put(hub, fleet_of([row(SHOP, None)]))

    assert accounts(widget()) == [SHOP]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("state", ["c", "b", "a"]),
        ("-state", ["a", "b", "c"]),
        ("name", ["a", "b", "c"]),
        ("-name", ["c", "b", "a"]),
        ("since", ["b", "c", "a"]),
        ("protected", ["c", "a", "b"]),
        ("findings", ["b", "c", "a"]),
        ("-findings", ["c", "b", "a"]),
        ("cost", ["a", "c", "b"]),
        ("seen", ["c", "a", "b"]),
    ],
)
def test_it_can_be_sorted_by_each_column(hub: Hub, order: str, expected: list[str]) -> None:
    rows = [
        row(SHOP, "a", since=NOON - HOUR, stored=Stored(30, 30)),
        row(CLINIC, "b", AccountState.NOT_ONBOARDED, since=NOON - 9 * HOUR, statuses={}, findings=4, seen=None,
            stored=Stored(0, 0)),
        row(SCHOOL, "c", AccountState.TROUBLE, since=NOON - 3 * HOUR, statuses={Status.PROTECTED: 1, Status.OVERDUE: 1},
            findings=2, seen=NOON - HOUR),
    ]  # fmt: skip
    put(hub, fleet_of(rows))

    html = widget({"sort": order})

    assert accounts(html) == expected
    direction = "other" if "state" in order else "descending" if order in {"-name", "findings", "cost"} else "ascending"
    assert re.findall(r'aria-sort="(\w+)"', html) == [direction]
    assert {order.removeprefix("-") for order in {each["sort"] for each in links(html).values()} - {"status"}} == {
        *FleetKey
    }, "each can be clicked"


def test_five_hundred_accounts_are_paged(hub: Hub) -> None:
    put(hub, fleet_of(row(f"{number:012}", f"customer {number:03}") for number in range(500)))

    first = widget()
    last = widget({"page": 99})

    assert accounts(first) == [f"customer {number:03}" for number in range(25)]
    assert "1 to 25 of 500" in first
    assert links(first)["Next"] == {"view": "calendar", "sort": "state", "page": 2, "pageSize": 25}
    assert accounts(widget(links(first)["Next"]))[0] == "customer 025"
    assert accounts(last)[-1] == "customer 499", "a page past the last is the last"
    assert links(last)["Previous"]["page"] == 19
    assert links(last)["Account"] == {"view": "calendar", "sort": "name", "page": 1, "pageSize": 25}


def test_five_hundred_accounts_are_reported_and_shown_within_two_seconds(hub: Hub) -> None:
    rows = [row(f"{number:012}", f"customer {number:03}") for number in range(500)]
    reports = {
        each.account: AccountReport(
            account=each.account, name=each.name, time=NOON, state=each.state, sentence=each.sentence,
            statuses=each.statuses, numbers={"ResourcesProtected": 20}, stored=each.stored, findings=(),
            is_partly_unseen=False, failures=(),
        ).to_json()
        for each in rows
    }  # fmt: skip
    answers = tuple(Answer(account=each.account, name=each.name, failed=False) for each in rows)
    widget()
    # The processor's seconds: how busy the machine is with something else is not the story.
    began = process_time()

    report = make_report(
        Answers(time=NOON, answers=answers, nameless=0, unlisted=()),
        {account: AccountReport.from_json(document) for account, document in reports.items()},
        None,
        excluded=(),
        unread={},
        deployment="Lightkeeper",
        zone=Settings().time_zone,
    )
    put(hub, report.fleet)
    html = widget()

    assert process_time() - began < 2
    assert "All 500 accounts protected." in html
    assert len(html.encode()) < 50_000


def test_what_could_not_be_listed_and_what_is_no_longer_looked_after_is_said(hub: Hub) -> None:
    unlisted = ("ou-ab12-cd34ef56: AccessDeniedException",)
    put(hub, fleet_of([row(SHOP, "Shop")], unlisted=unlisted, dropped=(row(CLINIC, "Clinic"),)))

    text = text_of(widget())

    assert "Could not be listed: ou-ab12-cd34ef56: AccessDeniedException" in text
    assert f"No longer looked after: Clinic ({CLINIC})" in text


@pytest.mark.parametrize(("tick", "hours"), [("rate(1 hour)", 3), ("rate(4 hours)", 12), ("cron(0 8 * * ? *)", 72)])
def test_a_report_that_is_older_than_three_ticks_says_so_first(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, tick: str, hours: int
) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, json.dumps({"tick": tick}))
    put(hub, fleet_of([row(SHOP, "Shop")]))

    in_time = widget(time=format_instant(NOON + hours * HOUR))
    late = widget(time=format_instant(NOON + hours * HOUR + timedelta(minutes=1)))

    assert "since then no report" not in in_time
    age = f"{hours} hours" if hours < 48 else f"{hours // 24} days"
    said = f"As of 15 Jun 2026 12:00, {age} ago; since then no report."
    assert text_of(late).strip().startswith(f"✕ {said}"), "before all else"
    assert "look at the last executions of the state machine in Step Functions" in late
    assert re.findall(r'role="alert"', late) == ['role="alert"']
    assert "lk-ok" not in late.partition("</style>")[2].partition("<table")[0], "and nothing is green above the list"
    alone = text_of(widget({"view": "sentence"}, time=format_instant(NOON + hours * HOUR + timedelta(minutes=1))))
    assert said in alone
    assert "At that time: The one account is protected." in alone


def test_before_the_first_report_it_says_what_to_wait_for(hub: Hub) -> None:  # noqa: ARG001 - an empty bucket
    html = widget()

    assert "There is no report of the accounts yet: the next run writes the first one." in html
    assert 'role="alert"' in html


@pytest.mark.parametrize("document", ["", "{", "[]", "null", '{"deployment": "Lightkeeper"}', "\x00"])
def test_a_report_of_another_release_or_a_torn_one_is_a_sentence(hub: Hub, document: str) -> None:
    put(hub, document)

    assert "The last report of the accounts cannot be read: the fleet's document" in unescape(widget())


def test_a_bucket_that_refuses_is_a_sentence_that_names_the_permission(hub: Hub) -> None:
    hub.services.refused.add("GET")

    html = unescape(widget())

    assert f'cannot be read: the bucket "{BUCKET}": s3:GetObject: AccessDenied' in html
    assert "expected permission for s3:GetObject" in html


# One account


def test_an_account_opens_its_own_calendar_read_at_that_moment_by_the_viewer_s_role(aws: Sandbox, hub: Hub) -> None:
    hub.onboard(SHOP, CLINIC)
    disk(aws, SHOP, "data")
    run(aws, SHOP, CLINIC)
    aws.advance(HOUR)
    disk(aws, SHOP, "since the report", backup="daily")
    aws.clear_calls()
    hub.services.sessions.clear()

    html = widget(links(widget())["Shop"], time="2026-06-15T13:00:00Z")

    assert sources(html) == ["since the report", "data"]
    assert f"{BACK} Shop {SHOP}" in text_of(html)
    assert sessions(hub) == [viewer(SHOP)]
    assert set(hub.services.names.values()) >= {"Lightkeeper-calendar"}
    assert {call.account for call in aws.calls()} == {SHOP}
    assert {call.operation[:3] for call in aws.calls()} == {"Get"}, "it only reads"
    assert f"--stack Lightkeeper --account {SHOP}" in html, "and what helps works in that account"


def test_the_deployment_s_own_account_opens_with_the_function_s_own_credentials(aws: Sandbox, hub: Hub) -> None:
    disk(aws, HUB, "data")
    put(hub, fleet_of([row(HUB, "Agency")]))

    html = widget(links(widget())["Agency"])

    assert sources(html) == ["data"]
    assert f"Agency {HUB}" in text_of(html)
    assert sessions(hub) == []
    assert "--account" not in html


def test_pages_and_orders_stay_in_the_account_and_the_way_back_leads_to_where_one_was(aws: Sandbox, hub: Hub) -> None:
    hub.onboard(SHOP)
    for number in range(5):
        disk(aws, SHOP, f"disk-{number}", backup="daily")
    put(hub, fleet_of([row(CLINIC, "Clinic"), row(SHOP, "Shop"), row(HUB, "Agency")]))
    listed = widget({"sort": "-name", "page": 1}, original={"pageSize": 2})

    opened = widget(links(listed)["Shop"], original={"pageSize": 2})
    by_name = widget(links(opened)["Source"], original={"pageSize": 2})
    second = widget(links(by_name)["Next"], original={"pageSize": 2})

    assert accounts(listed) == ["Shop", "Clinic"]
    assert sources(second) == ["disk-2", "disk-3"]
    assert {each.get("account") for label, each in links(second).items() if label != BACK} == {SHOP}
    assert links(second)[BACK] == {"view": "calendar", "sort": "-name", "page": 1, "pageSize": 2}
    assert accounts(widget(links(second)[BACK])) == accounts(listed)


def test_a_widget_of_one_account_has_no_list_to_go_back_to(aws: Sandbox, hub: Hub) -> None:
    hub.onboard(SHOP)
    disk(aws, SHOP, "data")

    html = widget(original={"account": SHOP})

    assert sources(html) == ["data"]
    assert SHOP in text_of(html), "its name stands in no report"
    assert BACK not in html
    assert sources(widget(links(html)["Source"], original={"account": SHOP})) == ["data"]
    assert text_of(widget({"view": "sentence"}, original={"account": SHOP})).strip().startswith("✕ 1 source overdue")


@pytest.mark.parametrize("external_id", [None, "somebody else's"])
def test_an_account_that_does_not_let_us_in_is_a_sentence_with_what_the_last_report_said(
    aws: Sandbox, hub: Hub, external_id: str | None
) -> None:
    disk(aws, SHOP, "data")
    if external_id:
        hub.onboard(SHOP, external_id=external_id)
    put(hub, fleet_of([row(SHOP, "Shop", AccountState.NOT_ONBOARDED, sentence="It does not let Lightkeeper in.")]))

    html = widget(links(widget())["Shop"])

    text = text_of(html)
    assert f"{BACK} Shop {SHOP} Account {SHOP} cannot be shown: sts:AssumeRole: AccessDenied" in text
    assert f'expected the role {viewer(SHOP)} in the account, with "Lightkeeper" as external id' in text
    assert "In the last report: not onboarded. It does not let Lightkeeper in." in text
    assert 'role="alert"' in html
    assert accounts(widget(links(html)[BACK])) == ["Shop"], "and one gets back"


def test_an_account_whose_lists_are_refused_says_which_permission_it_lacks(aws: Sandbox, hub: Hub) -> None:
    hub.onboard(SHOP)
    disk(aws, SHOP, "data")
    refusal = ErrorAnswer(code="AccessDeniedException")
    aws.add_faults(FaultRule(operation="GetDiskSnapshots", account=SHOP, effect=refusal))

    html = widget({"account": SHOP})

    assert sources(html) == ["data"]
    assert "expected permission for lightsail:GetDiskSnapshots" in html


def test_refused_credentials_are_forgotten_and_the_next_look_gets_others(aws: Sandbox, hub: Hub) -> None:
    hub.onboard(SHOP)
    disk(aws, SHOP, "data")
    rule = FaultRule(account=SHOP, effect=ErrorAnswer(code="UnauthenticatedException"))
    widget({"account": SHOP})
    aws.add_faults(rule)
    refused = widget({"account": SHOP})
    aws.clear_faults()

    html = widget({"account": SHOP})

    assert f"Account {SHOP} cannot be shown: every Region refuses the credentials" in refused
    assert sources(html) == ["data"]
    assert sessions(hub) == [viewer(SHOP)] * 2


def test_an_account_that_hangs_is_a_sentence_before_the_function_s_time_is_over(
    aws: Sandbox, hub: Hub, hanging: Callable[[FaultRule], None]
) -> None:
    hub.onboard(SHOP, CLINIC)
    disk(aws, CLINIC, "data")
    hanging(FaultRule(account=SHOP, effect=Hang()))

    html = widget({"account": SHOP}, seconds=7)

    assert f"Account {SHOP} cannot be shown: no answer within 1 seconds" in text_of(html)
    assert sources(widget({"account": CLINIC})) == ["data"], "and the next one is not touched by that"


@pytest.mark.slow  # it has time enough for the Region that answers, on a busy machine, too, and waits for all of it
def test_a_region_that_hangs_does_not_hide_the_others(
    aws: Sandbox, hub: Hub, hanging: Callable[[FaultRule], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, json.dumps({"regions": [REGION, OTHER_REGION]}))
    hub.onboard(SHOP)
    disk(aws, SHOP, "data")
    hanging(FaultRule(account=SHOP, region=OTHER_REGION, effect=Hang()))

    html = widget({"account": SHOP}, seconds=14)

    assert sources(html) == ["data"]
    assert f"Could not be read: {OTHER_REGION}: no answer in time" in html


def test_a_bucket_that_fails_does_not_keep_an_account_from_opening(aws: Sandbox, hub: Hub) -> None:
    hub.onboard(SHOP)
    disk(aws, SHOP, "data")
    put(hub, "torn")

    assert sources(widget({"account": SHOP})) == ["data"]


def test_accounts_with_disks_of_the_same_name_are_never_mixed_up(aws: Sandbox, hub: Hub) -> None:
    hub.onboard(SHOP, CLINIC)
    disk(aws, SHOP, "data", backup="daily")
    disk(aws, CLINIC, "data", backup="weekly")
    disk(aws, CLINIC, "x-rays", backup="daily")

    for _ in range(2):
        assert "weekly: " not in text_of(widget({"account": SHOP}))
        assert sources(widget({"account": CLINIC})) == ["data", "x-rays"]

    assert {(hub.account_of(call.access_key_id), call.account) for call in aws.calls()} == {
        (account, account) for account in (SHOP, CLINIC)
    }
    assert sessions(hub) == [viewer(SHOP), viewer(CLINIC)], "and each is asked for credentials once"


# Parameters


def test_the_parameters_are_described_and_the_described_example_is_the_default(hub: Hub) -> None:  # noqa: ARG001
    documentation = calendar.handle({"describe": True}, WidgetContext())

    assert documentation == FLEET_DOCUMENTATION
    (example,) = re.findall(r"``` yaml\n(.*?)```", documentation, re.DOTALL)
    pairs = (line.split(": ") for line in example.splitlines())
    shown = {key: int(value) if value.isdigit() else value for key, value in pairs}
    assert read_event(shown, has_accounts=True) == read_event({}, has_accounts=True)
    described = re.findall(r"^\| `(\w+)` \|", documentation, re.MULTILINE)
    with pytest.raises(ValueError, match="unknown key") as raised:
        read_event({"?": 1}, has_accounts=True)
    known = re.findall(r'"(\w+)"', str(raised.value).partition("expected one of")[2])
    assert sorted(described) == sorted(known)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"account": 111122223333}, "account: 111122223333 is not an account; expected 12 digits in double quotes"),
        ({"account": "1111"}, 'account: "1111" is not an account'),
        ({"account": "../../fleet.json"}, "is not an account"),
        ({"account": "١١١١٢٢٢٢٣٣٣٣"}, "is not an account"),
        ({"acount": SHOP}, 'did you mean "account"?'),
        ({"sort": "newest"}, 'sort: "newest" is not an order; expected "state", "name"'),
        ({"sort": "sate"}, 'did you mean "state"?'),
        ({"account": SHOP, "sort": "state"}, 'sort: "state" is not an order; expected "status"'),
        ({"back": "page 2"}, 'back: "page 2" is not an object'),
        ({"account": SHOP, "back": {"page": 0}}, "back: page: 0 is not a whole number"),
        ({"account": SHOP, "back": {"pgae": 2}}, 'did you mean "page"?'),
    ],
)
def test_a_wrong_parameter_is_a_sentence_in_the_widget(
    aws: Sandbox, hub: Hub, parameters: Mapping[str, object], sentence: str
) -> None:
    put(hub, fleet_of([row(SHOP, "Shop")]))

    html = widget(parameters)

    assert sentence in unescape(html)
    assert 'role="alert"' in html
    assert aws.calls() == ()


def test_without_an_organization_there_is_one_account_and_no_such_parameter(
    hub: Hub, aws: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(RESULTS_VARIABLE)
    put(hub, fleet_of([row(SHOP, "Shop")]))
    disk(aws, HUB, "data")

    assert sources(widget()) == ["data"]
    assert "account: unknown key" in widget({"account": SHOP})
