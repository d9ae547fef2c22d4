"""The function as Lambda calls it: events in; log lines, metrics, a summary or an exception out."""

from datetime import UTC, datetime
from typing import Any

import pytest

from lightkeeper import handler
from lightkeeper.errors import InvalidValueError
from lightkeeper.lightsail import Lightsail, connect
from lightkeeper.metrics import GAUGES, NAMESPACE, OF_COPIES, MetricName
from lightkeeper.settings import Settings, SettingsError
from lightkeeper.times import format_instant
from lightkeeper.version import VERSION
from lightsail_sandbox.client import ErrorAnswer, FaultRule, Sandbox
from tests.support.functions import NOON, invoke, lines
from tests.support.keeper import DAY, OTHER_REGION, REGION, Keeper, did


@pytest.fixture(autouse=True)
def _fresh_process(aws: Sandbox) -> None:
    """Have the sandbox be what the function takes for AWS."""


def test_a_run_returns_a_summary_logs_each_action_and_sends_the_metrics(
    keeper: Keeper, capsys: pytest.CaptureFixture[str]
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.disk("scratch", {})
    keeper.disk("typo", {"backup": "dialy"})

    summary = invoke({"time": NOON})

    printed = lines(capsys)
    (action,) = (line["detail"] for line in printed if line.get("message") == "action")
    assert summary["outcomes"] == {"done": 1}
    assert summary["sources"] == {"waiting": 1, "untagged": 1, "problem": 1}
    assert action == {
        "action": "create",
        "region": REGION,
        "source": "shop",
        "snapshot": next(iter(keeper.snapshots())),
        "slot": "2026-06-15T03:00:00Z",
        "policy": "daily",
        "reason": "nothing covers the slot 2026-06-15T03:00:00Z",
        "outcome": "done",
        "error": None,
    }
    assert next(line["detail"] for line in printed if line.get("message") == "summary") == summary
    assert next(line["detail"] for line in printed if line.get("message") == "problem")["suggestion"] == "daily"
    (emf,) = (line for line in printed if "_aws" in line)
    (directive,) = emf["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == NAMESPACE
    assert directive["Dimensions"] == [["service"]]
    assert emf["service"] == "Lightkeeper"
    sent = {metric["Name"]: emf[metric["Name"]] for metric in directive["Metrics"]}
    assert sent == {
        "ResourcesProtected": [0],
        "ResourcesUnprotected": [3],
        "ResourcesOverdue": [0],
        "SnapshotsCreated": [1],
        "SnapshotsDeleted": [0],
        "SnapshotsFailed": [0],
        "TagProblems": [1],
        "ActionsDeferred": [0],
        "StoredGiB": [0],
    }


def test_all_ten_metrics_are_sent_once_there_is_a_recovery_point(
    keeper: Keeper, capsys: pytest.CaptureFixture[str]
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    invoke({"time": NOON})
    capsys.readouterr()
    keeper.sandbox.advance(keeper.sandbox.now() - keeper.sandbox.now().replace(hour=10))

    invoke({"time": "2026-06-15T14:00:00Z"})

    (emf,) = (line for line in lines(capsys) if "_aws" in line)
    units = {metric["Name"]: metric["Unit"] for metric in emf["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert set(units) == set(MetricName) - OF_COPIES
    assert units["StoredGiB"] == "Gigabytes"
    assert emf["OldestRecoveryPointHours"] == [2]
    assert emf["StoredGiB"] == [32]
    assert emf["ResourcesProtected"] == [1]


@pytest.mark.parametrize("event", [{"time": NOON}, {"time": NOON, "dryRun": True}])
def test_each_summary_says_which_release_made_the_run(
    keeper: Keeper, capsys: pytest.CaptureFixture[str], event: dict[str, object]
) -> None:
    keeper.disk("shop", {"backup": "daily"})

    summary = invoke(event)

    assert summary["version"] == VERSION
    assert [line["detail"] for line in lines(capsys) if line.get("message") == "summary"] == [summary]


def test_a_dry_run_changes_nothing_and_says_what_would_happen(
    keeper: Keeper, capsys: pytest.CaptureFixture[str]
) -> None:
    keeper.disk("shop", {"backup": "daily"})

    summary = invoke({"time": NOON, "dryRun": True})

    assert summary["dryRun"] is True
    assert summary["planned"] == {"create": 1}
    assert [line["detail"]["action"] for line in lines(capsys) if line.get("message") == "planned"] == ["create"]
    assert keeper.snapshots() == {}
    assert keeper.writes() == []


def test_a_run_in_which_something_failed_does_the_rest_and_then_raises(
    keeper: Keeper, capsys: pytest.CaptureFixture[str]
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.disk("clinic", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), resource="shop"))

    with pytest.raises(handler.RunFailedError, match=r"1 failed: eu-central-1: shop: .*lightsail:CreateDiskSnapshot"):
        invoke({"time": NOON})

    printed = lines(capsys)
    assert len(keeper.snapshots()) == 1
    assert [line["level"] for line in printed if line.get("message") == "action"].count("ERROR") == 1
    assert next(line for line in printed if "_aws" in line)["SnapshotsFailed"] == [1]


def test_the_regions_of_an_event_go_before_those_of_the_settings(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.disk("shop", {"backup": "daily"}, OTHER_REGION)
    keeper.disk("shop", {"backup": "daily"}, REGION)
    for name, value in Settings(regions=(REGION,)).to_env().items():
        monkeypatch.setenv(name, value)

    summary = invoke({"time": NOON, "regions": [OTHER_REGION]})

    assert summary["outcomes"] == {"done": 1}
    assert {call.region for call in keeper.sandbox.calls()} == {OTHER_REGION}


def metrics_sent(capsys: pytest.CaptureFixture[str]) -> set[str]:
    (emf,) = (line for line in lines(capsys) if "_aws" in line)
    return {metric["Name"] for metric in emf["_aws"]["CloudWatchMetrics"][0]["Metrics"]}


def test_a_run_over_regions_of_somebodys_choice_says_what_it_did_but_not_how_everything_stands(
    keeper: Keeper, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    for name, value in Settings(regions=(REGION, OTHER_REGION)).to_env().items():
        monkeypatch.setenv(name, value)

    invoke({"time": NOON, "regions": [REGION]})
    of_choice = metrics_sent(capsys)
    invoke({"time": NOON})
    whole = metrics_sent(capsys)

    assert of_choice == {"SnapshotsCreated", "SnapshotsDeleted", "SnapshotsFailed", "ActionsDeferred"}
    assert whole > of_choice | {"ResourcesOverdue", "ResourcesProtected"}


def test_a_run_with_a_list_that_fails_publishes_no_gauge(keeper: Keeper, capsys: pytest.CaptureFixture[str]) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="GetInstances"))

    with pytest.raises(handler.RunFailedError, match="GetInstances"):
        invoke({"time": NOON})

    assert metrics_sent(capsys) == {"SnapshotsCreated", "SnapshotsDeleted", "ActionsDeferred"}
    assert len(keeper.snapshots()) == 1


def test_a_region_that_does_not_exist_fails_the_run_by_name_but_keeps_no_other_from_its_snapshots(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    for name, value in Settings(regions=("eu-nowhere-9", REGION)).to_env().items():
        monkeypatch.setenv(name, value)

    with pytest.raises(handler.RunFailedError, match=r"^7 failed: eu-nowhere-9: GetDisks: "):
        invoke({"time": NOON})

    assert len(keeper.snapshots()) == 1


def test_an_event_that_is_more_than_an_hour_ahead_is_refused_before_any_call(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    monkeypatch.delenv("AWS_ENDPOINT_URL_LIGHTSAIL")

    with pytest.raises(InvalidValueError, match="expected a time that has come"):
        invoke({"time": "2199-06-15T12:00:00Z"})

    assert keeper.sandbox.calls() == ()


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_LIGHTSAIL", "AWS_ENDPOINT_URL"])
def test_another_lightsail_has_a_clock_of_its_own(keeper: Keeper, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_LIGHTSAIL")
    monkeypatch.setenv(name, keeper.sandbox.url)
    keeper.sandbox.set_time(datetime(2199, 6, 15, 12, tzinfo=UTC))
    keeper.disk("shop", {"backup": "daily"})

    assert invoke({"time": "2199-06-15T12:00:00Z"})["outcomes"] == {"done": 1}


def test_an_event_that_comes_late_takes_what_is_missing_and_neither_marks_nor_speaks_of_the_present(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The sandbox's time is months behind the clock, and now that counts.
    monkeypatch.setattr(handler, "is_at_aws", lambda: True)
    keeper.disk("shop", {"backup": "daily"})
    keeper.live(3 * DAY)
    keeper.tag("shop", "backup:keep", "1")
    keeper.disk("clinic", {"backup": "daily"})
    assert {action for action, _, _ in did(keeper.run())} == {"create", "schedule-deletion"}
    for name, tags in keeper.snapshots().items():
        if "lightkeeper:expires" in tags:
            keeper.untag(name, "lightkeeper:expires")
    keeper.disk("archive", {"backup": "daily"})

    summary = invoke({"time": format_instant(keeper.sandbox.now())})

    assert summary["planned"] == {"create": 1}
    assert not any("lightkeeper:expires" in tags for tags in keeper.snapshots().values())
    logged = lines(capsys)
    assert [line["message"] for line in logged if line.get("message") == "late"] == ["late"]
    assert not any(name in line for line in logged for name in GAUGES)


def test_what_one_run_has_learnt_of_throttling_does_not_slow_the_next(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Lightsail] = []

    def remembered(*args: Any, **options: Any) -> dict[str, Lightsail]:  # noqa: ANN401 - whatever the handler gives
        found = connect(*args, **options)
        made.extend(found.values())
        return found

    monkeypatch.setattr("lightkeeper.logged_run.connect", remembered)
    keeper.disk("shop", {"backup": "daily"})

    invoke({"time": NOON})
    invoke({"time": NOON})

    assert len(set(map(id, made))) == 2


def test_without_a_time_the_run_is_for_now(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})

    assert invoke({})["planned"] == {"create": 1}


def test_tags_for_which_there_was_no_room_are_logged(keeper: Keeper, capsys: pytest.CaptureFixture[str]) -> None:
    keeper.disk("shop", {f"tag-{number:02}": "x" for number in range(49)} | {"backup": "daily"})

    invoke({"time": NOON})

    left_out = next(line for line in lines(capsys) if line.get("message") == "no room for all tags")
    assert left_out["detail"]["tags"] == [f"tag-{number}" for number in range(38, 49)], "the recipe goes first"


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (
            {"tiem": NOON},
            'event.tiem: unknown key; expected one of "time", .*"name"; did you mean "time"',
        ),
        ({"time": "tomorrow"}, 'event.time: "tomorrow" is not a time'),
        ({"time": "<aws.scheduler.scheduled-time>"}, "is not a time"),
        ({"time": 5}, "event.time: 5 is not text; expected ISO 8601"),
        ({"dryRun": "yes"}, 'event.dryRun: "yes" is neither true nor false'),
        ({"regions": "eu-central-1"}, 'event.regions: "eu-central-1" is not a list of Regions; expected one such as'),
        ({"regions": [7], "tiem": NOON}, "event.tiem: unknown key; .*\\nevent.regions: .7. is not a list of Regions"),
        ([], "is not an object; expected one such as"),
    ],
)
def test_an_event_that_is_not_understood_is_refused_with_a_sentence(event: Any, sentence: str) -> None:  # noqa: ANN401
    with pytest.raises(InvalidValueError, match=sentence):
        invoke(event)


def test_settings_that_are_not_understood_are_refused_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIGHTKEEPER", '{"grace": "soon", "orphan": "keep"}')

    with pytest.raises(SettingsError) as raised:
        invoke({"time": NOON})

    assert len(raised.value.errors) == 2
