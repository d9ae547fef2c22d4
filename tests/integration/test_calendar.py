"""The calendar's function as CloudWatch calls it, on the sandbox: parameters in, HTML out, nothing written."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from lightkeeper.settings import ENVIRONMENT_VARIABLE
from lightsail_sandbox.client import EndSnapshots, ErrorAnswer, FaultRule, Seed
from recovery_calendar import handler
from recovery_calendar.handler import handle
from recovery_calendar.request import DOCUMENTATION, MAX_PAGE_SIZE, read_event
from tests.support.functions import ARN, WidgetContext, widget
from tests.support.keeper import DAY, READS, REGION, Keeper

pytestmark = pytest.mark.usefixtures("fresh_calendar")


def names(html: str) -> list[str]:
    return re.findall(r'<th scope="row"><div>([^<]+)', html)


def actions(html: str) -> list[dict[str, Any]]:
    """Return the parameters with which CloudWatch would call the function again."""
    return [json.loads(text) for text in re.findall(r"<cwdb-action [^>]+>([^<]+)</cwdb-action>", html)]


def test_a_row_says_what_can_be_recovered_what_comes_and_what_goes(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    keeper.run()
    keeper.live(3 * DAY)
    keeper.tag(next(iter(keeper.snapshots())), "backup:hold")

    keeper.sandbox.advance(timedelta(hours=1))

    html = widget(time="2026-06-18T13:00:00Z")

    assert names(html) == ["shop"]
    for words in (
        "The one source is protected.",
        'aria-label="shop: recoverable to 4 of the last 30 days"',
        "daily: last=2",
        "15 to 18 Jun 2026</summary>",
        "<li>15 Jun 2026: 12:00, held</li>",
        "<li>16 Jun 2026: 12:00, about to expire</li>",
        "<li>17 to 18 Jun 2026: 12:00</li>",
        "18 Jun 2026 12:00",
        "1 h ago;",
        "4 in all",
        "19 Jun 03:00",
        "1 held",
        ": on hold",
        "32 GiB",
        "stored: about 34 GiB, 1.70 USD a month (at full size at most 6.40), an estimate",
    ):
        assert words in html, words


def test_a_snapshot_that_is_still_being_taken_recovers_nothing_yet(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.live(DAY)
    keeper.live(DAY)

    html = widget(time="2026-06-17T12:00:30Z")

    assert 'aria-label="shop: recoverable to 1 of the last 30 days"' in html, "it is on its way, so not overdue"
    assert "17 Jun: 12:00, being taken" in html


def test_what_is_no_longer_backed_up_says_so_in_its_row_and_in_the_sentence(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.run()
    keeper.untag("shop", "backup")
    keeper.sandbox.advance(timedelta(hours=1))

    html = widget(time="2026-06-15T13:00:00Z")

    assert "1 source no longer backed up; nothing is backed up: 1 source without the tag" in html
    assert "no longer backed up: it has no tag &#34;backup&#34;; tag it again" in html
    assert "<title>15 Jun: 12:00</title>" in html, "and what it can be recovered to"


def test_a_disk_in_its_instance_s_snapshots_shows_no_gaps_of_its_own(keeper: Keeper) -> None:
    keeper.instance("web", {"backup": "daily"})
    keeper.sandbox.seed([Seed(kind="Disk", name="data", attached_to="web")])
    keeper.run()
    keeper.sandbox.advance(timedelta(hours=1))

    html = widget(time="2026-06-15T13:00:00Z")

    assert "All 2 sources protected." in html
    assert "in the snapshots of web" in html
    assert "data: recoverable to 0" not in html


def test_an_overdue_row_says_why_and_what_helps(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(operation="CreateDiskSnapshot", effect=EndSnapshots(state="error")))
    keeper.run()
    keeper.sandbox.advance(timedelta(hours=1))

    html = widget(time="2026-06-15T13:00:00Z")

    (snapshot,) = keeper.snapshots()
    assert f"overdue since 15 Jun 03:00: snapshot {snapshot} of 2026-06-15 12:00 UTC ended in error" in html
    assert "take one now: lightkeeper take shop --kind disk --region eu-central-1" in html


def test_it_only_reads(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})

    widget()

    assert {(call.operation, call.region) for call in keeper.sandbox.calls()} == {(each, REGION) for each in READS}


def test_the_sentence_alone_can_be_asked_for(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})

    html = widget({"view": "sentence"})

    assert "1 source overdue; 0 of 1 source protected." in html
    assert "<table" not in html


def test_a_problem_stands_there_with_what_to_write_instead(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "dialy"})

    html = widget()

    assert "&#34;dialy&#34; is not a policy" in html
    assert "did you mean &#34;daily&#34;?" in html


def test_headings_and_pages_call_the_function_again_and_keep_what_was_chosen(keeper: Keeper) -> None:
    for number in range(5):
        keeper.disk(f"disk-{number}", {})

    html = widget({"page": 2}, original={"pageSize": 2, "sort": "name"})

    assert names(html) == ["disk-2", "disk-3"]
    assert set(re.findall(r'endpoint="([^"]+)"', html)) == {ARN}
    assert {"view": "calendar", "sort": "-name", "page": 1, "pageSize": 2} in actions(html)
    *headings, previous, following = actions(html)
    assert {action["page"] for action in headings} == {1}, "another order begins at its first page"
    assert [previous["page"], following["page"]] == [1, 3]
    assert names(widget(following, original={"pageSize": 2})) == ["disk-4"]


def test_the_theme_is_cloudwatch_s(keeper: Keeper) -> None:  # noqa: ARG001 - an empty account
    assert 'class="lk lk-dark' in widget(theme="dark")
    assert 'class="lk lk-light' in widget(theme="light")


def test_the_parameters_are_described_and_the_described_example_is_understood() -> None:
    documentation = handle({"describe": True}, WidgetContext())

    assert documentation == DOCUMENTATION
    (example,) = re.findall(r"``` yaml\n(.*?)```", documentation, re.DOTALL)
    pairs = (line.split(": ") for line in example.splitlines())
    shown = {key: int(value) if value.isdigit() else value for key, value in pairs}
    assert read_event(shown) == read_event({}), "and is the default"
    described = re.findall(r"^\| `(\w+)` \|", documentation, re.MULTILINE)
    with pytest.raises(ValueError, match="unknown key") as raised:
        read_event({"?": 1})
    assert described == re.findall(r'"(\w+)"', str(raised.value).partition("expected one of")[2])


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"srot": "name"}, 'srot: unknown key; expected one of "view", "sort", "page", "pageSize", "time"; did you'),
        ({"sort": "newst"}, '"newst" is not an order'),
        ({"sort": 3}, "sort: 3 is not text; expected text"),
        ({"view": "calender"}, 'view: "calender" is not known; expected one of "calendar", "sentence"; did you mean'),
        ({"page": 0}, "page: 0 is not a whole number from 1 up"),
        ({"page": "2"}, 'page: "2" is not a whole number'),
        ({"page": True}, "page: true is not a whole number"),
        ({"pageSize": MAX_PAGE_SIZE + 1}, f"is not a whole number from 1 to {MAX_PAGE_SIZE}"),
        ({"time": "noon"}, '"noon" is not a time'),
        ({"page": 0, "sort": 3}, "sort: 3 is not text; expected text in double quotes\npage: 0 is not a whole number"),
        ({"<script>": 1}, "<script>: unknown key"),
    ],
)
def test_a_wrong_parameter_is_a_sentence_in_the_widget(parameters: dict[str, object], sentence: str) -> None:
    html = widget(parameters)

    assert sentence.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;") in html
    assert 'role="alert"' in html
    assert "<table" not in html


@pytest.mark.parametrize("event", [[], ["describe"], "describe", 1, None])
def test_an_event_that_is_no_object_is_a_sentence_in_the_widget(event: Any) -> None:  # noqa: ANN401 - anything
    html = handle(event, WidgetContext())

    assert "is not an object; expected one such as {&#34;view&#34;" in html
    assert 'role="alert"' in html


def test_wrong_settings_and_refused_credentials_are_sentences_too(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.sandbox.add_faults(FaultRule(operation="GetDisks", effect=ErrorAnswer(code="UnauthenticatedException")))
    assert "GetDisks: UnauthenticatedException" in widget()

    monkeypatch.setenv(ENVIRONMENT_VARIABLE, '{"graze": "1d"}')
    assert "did you mean &#34;grace&#34;?" in widget()


def test_a_list_that_cannot_be_read_is_said_above_what_could_be(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.run()
    keeper.sandbox.advance(timedelta(hours=1))
    keeper.sandbox.add_faults(FaultRule(operation="GetDiskSnapshots", effect=ErrorAnswer(code="AccessDeniedException")))

    html = widget()

    assert (
        "Cannot tell how everything stands: 1 list could not be read; of 1 source seen, 0 protected; 1 unknown." in html
    )
    assert "expected permission for lightsail:GetDiskSnapshots" in html
    assert names(html) == ["shop"]


def test_a_dashboard_that_is_open_all_day_connects_once(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})

    for _ in range(3):
        widget()

    assert handler.connections.cache_info().misses == 1
