"""The command line, as a person types it."""

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from lightsail_sandbox.client import EndSnapshots, ErrorAnswer, FaultRule, Sandbox
from tests.support.command import lightkeeper
from tests.support.keeper import DAY, HOUR, OTHER_REGION, REGION, Keeper

AT = ("--at", "2026-06-15T12:00:00Z")
CONFIG = ("--config", "settings.json")


@pytest.fixture(autouse=True)
def folder(
    aws: Sandbox,  # noqa: ARG001 - what the command takes for AWS
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Stand in a folder with a file of settings that has to be named, with the sandbox for AWS."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings.json").write_text("{}")


# plan


def test_plan_shows_what_would_happen_and_why_and_changes_nothing(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.disk("blog", {"backup": "dialy"})

    ended = lightkeeper("plan", *AT)

    assert ended.status == 0
    assert ended.err == "lightkeeper: using the default settings: no cdk.json in this folder\n"
    for words in ("shop    disk", "daily=7 weekly=4", "overdue", "nothing covers the slot 2026-06-15T03:00:00Z"):
        assert words in ended.out
    assert 'error   blog backup=dialy "dialy" is not a policy' in ended.out
    assert 'did you mean "daily"?' in " ".join(ended.out.split()), "in lines of so many columns"
    assert (
        "\n        aws lightsail tag-resource --region eu-central-1 --resource-name blog --tags key=backup,"
        in ended.out
    )
    assert keeper.writes() == []


def test_plan_says_so_when_there_is_nothing_to_do() -> None:
    assert "Nothing to do." in lightkeeper("plan", *AT).out


def test_the_json_of_a_plan_is_one_document_with_the_documented_keys(keeper: Keeper) -> None:
    arn = keeper.disk("shop", {"backup": "daily", "backup:keep": "1", "backup:kepe": "2"})
    keeper.run()
    keeper.sandbox.advance(keeper.sandbox.now() - keeper.sandbox.now().replace(hour=11))
    slot, taken = "2026-06-15T03:00:00Z", "2026-06-15T12:00:00Z"
    (name,) = keeper.snapshots()

    document = lightkeeper("plan", "--at", "2026-06-16T03:00:00Z", "--json").document

    assert document == {
        "now": "2026-06-16T03:00:00Z",
        "account": "123456789012",
        "alias": None,
        "regions": [REGION],
        "sources": [
            {
                "name": "shop",
                "kind": "disk",
                "arn": arn,
                "region": REGION,
                "policy": {
                    "name": "daily",
                    "schedule": "0 3 * * *",
                    "timeZone": "UTC",
                    "keep": "last=1",
                    "from": {"name": "tag", "schedule": "policy", "keep": "tag"},
                },
                "slot": "2026-06-16T03:00:00Z",
                "nextSlot": "2026-06-17T03:00:00Z",
                "lastRecoveryPoint": taken,
                "recoveryPoints": 1,
                "status": "protected",
            }
        ],
        "actions": [
            {
                "action": "create",
                "region": REGION,
                "source": "shop",
                "snapshot": name.replace("20260615", "20260616"),
                "slot": "2026-06-16T03:00:00Z",
                "policy": "daily",
                "reason": "nothing covers the slot 2026-06-16T03:00:00Z",
            }
        ],
        "kept": [
            {
                "region": REGION,
                "source": "shop",
                "snapshot": name,
                "taken": taken,
                "slot": slot,
                "reasons": ["last snapshot"],
            }
        ],
        "problems": [
            {
                "region": REGION,
                "source": "shop",
                "arn": arn,
                "tag": "backup:kepe",
                "value": "2",
                "message": 'unknown tag; expected "backup", "backup:keep", "backup:at", "backup:mode", "backup:hold", '
                '"backup:copy", "backup:copy-keep"',
                "suggestion": "backup:keep",
                "severity": "warning",
            }
        ],
        "failures": [],
    }


def test_plan_fails_where_a_region_cannot_be_read(keeper: Keeper) -> None:
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="GetDisks"))

    ended = lightkeeper("plan", *AT)

    assert ended.status == 1
    assert "could not be read eu-central-1: GetDisks: AccessDeniedException" in ended.out
    assert "expected permission for lightsail:GetDisks" in ended.out


# status


def test_status_shows_the_calendar_and_says_with_its_exit_status_that_somebody_is_needed(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.disk("blog", {"backup": "dialy"})

    ended = lightkeeper("status", *AT)

    assert ended.status == 3
    assert ended.out.startswith("1 source overdue, 1 problem; 0 of 2 sources protected.\n")
    assert f"{29 * '·'}x" in ended.out
    said = " ".join(ended.out.split())
    assert 'blog backup=dialy: "dialy" is not a policy' in said
    assert 'until then no snapshot of it is taken, and none is deleted; did you mean "daily"?' in said
    assert keeper.writes() == []


def test_status_of_a_fleet_that_is_well_is_zero(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    keeper.run()
    keeper.live(5 * DAY)
    keeper.sandbox.advance(HOUR)

    ended = lightkeeper("status", "--at", "2026-06-20T13:00:00Z")

    assert ended.status == 0
    assert ended.out.startswith("The one source is protected.\n")
    assert "▒██" in ended.out


def test_status_says_what_is_not_backed_up_and_a_disk_without_a_tag_is_no_trouble(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.disk("scratch", {})
    keeper.run()
    keeper.sandbox.advance(HOUR)

    ended = lightkeeper("status", "--at", "2026-06-15T13:00:00Z")

    assert ended.status == 0
    assert ended.out.startswith("1 of 2 sources protected; 1 not backed up.\n")


def test_status_says_when_content_was_taken_not_for_which_slot(keeper: Keeper) -> None:
    """A monthly disk whose first run is in the middle of the month: its snapshot bears the slot of the first."""
    keeper.disk("shop", {"backup": "monthly"})
    keeper.run()
    keeper.sandbox.advance(HOUR)

    (source,) = lightkeeper("status", "--json", "--at", "2026-06-15T13:00:00Z").document["sources"]

    taken = "2026-06-15T12:00:00Z"
    assert source["days"] == {"2026-06-15": [{"taken": taken, "slot": "2026-06-01T03:00:00Z", "mark": "kept"}]}
    assert (source["newest"], source["oldest"]) == (taken, taken)


def test_status_that_cannot_be_read_is_one_and_is_not_taken_for_nothing_to_back_up(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "dialy"})
    keeper.sandbox.add_faults(FaultRule(operation="GetDisks", effect=ErrorAnswer(code="AccessDeniedException")))

    ended = lightkeeper("status", *AT)

    assert ended.status == 1
    assert ended.out.startswith("Cannot tell how everything stands: 1 list could not be read.\n")
    assert "could not be read eu-central-1: GetDisks" in ended.out
    assert "Nothing" not in ended.out


def test_status_says_why_a_source_is_overdue_and_what_helps(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(operation="CreateDiskSnapshot", effect=EndSnapshots(state="error")))
    keeper.run()
    keeper.sandbox.advance(HOUR)
    at = ("--at", "2026-06-15T13:00:00Z")
    (snapshot,) = keeper.snapshots()

    ended = lightkeeper("status", *at)
    (source,) = lightkeeper("status", "--json", *at).document["sources"]

    assert ended.status == 3
    assert (
        f"shop overdue since 2026-06-15 03:00: snapshot {snapshot} of 2026-06-15 12:00 UTC ended in error" in ended.out
    )
    assert "; take one now: lightkeeper take shop --kind disk --region eu-central-1\n" in ended.out, (
        "on one line, to be pasted"
    )
    assert source["why"].startswith(f"snapshot {snapshot} of 2026-06-15 12:00 UTC ended in error")
    assert source["helps"] == "take one now: lightkeeper take shop --kind disk --region eu-central-1"
    assert source["overdueSince"] == "2026-06-15T03:00:00Z"


def test_status_is_three_while_something_is_no_longer_backed_up(keeper: Keeper) -> None:
    keeper.disk("blog", {"backup": "daily"})
    keeper.disk("shop", {"backup": "daily"})
    keeper.run()
    keeper.untag("shop", "backup")
    keeper.sandbox.advance(HOUR)

    ended = lightkeeper("status", "--at", "2026-06-15T13:00:00Z")

    assert ended.status == 3
    assert ended.out.startswith("1 source no longer backed up; 1 of 2 sources protected; 1 not backed up.\n")
    assert 'shop no longer backed up: it has no tag "backup"; tag it again: "backup" = "daily"' in ended.out


def test_where_prune_is_off_plan_run_and_status_say_in_a_line_what_would_go(keeper: Keeper, tmp_path: Path) -> None:
    keeper.configure(prune="off")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    (tmp_path / "off.json").write_text('{"prune": "off"}')
    off, at = ("--config", "off.json"), ("--at", "2026-06-15T13:00:00Z")
    sentence = "prune is off: nothing would be scheduled for deletion."
    assert sentence.capitalize() in lightkeeper("plan", *off, *at).out.splitlines()

    keeper.run()
    keeper.live(4 * DAY)
    at = ("--at", "2026-06-19T13:00:00Z")

    sentence = "prune is off: 2 would be scheduled for deletion."
    for verb in ("plan", "run"):
        assert sentence.capitalize() in lightkeeper(verb, *off, *at).out.splitlines()
    assert lightkeeper("status", *off, *at).out.startswith(f"The one source is protected; {sentence}\n")
    assert keeper.days("shop") == ["20260615", "20260616", "20260617", "20260618", "20260619"]
    kept = lightkeeper("plan", *off, *at, "--json").document["kept"]
    assert [each["reasons"] for each in kept].count(['no rule of "last=2" keeps it, but prune is off']) == 2


def test_where_prune_is_on_nothing_is_said_of_it(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})

    assert not any("prune" in lightkeeper(verb, *CONFIG, *AT).out for verb in ("plan", "run", "status"))


def test_a_simulation_shows_what_a_rule_does_once_prune_is_on(tmp_path: Path) -> None:
    (tmp_path / "off.json").write_text('{"prune": "off"}')
    days = ("--keep", "3", "--days", "10", "--from", "2026-01-01", "--json")

    off, on = lightkeeper("simulate", *days, "--config", "off.json"), lightkeeper("simulate", *days)

    assert off.document == on.document
    assert off.err.startswith("lightkeeper: prune is off in these settings; ")


def test_status_finds_what_was_left_in_a_region_that_nobody_looks_after(two_regions: Keeper) -> None:
    """A Region taken out of `regions`: its sources are not listed any more, its recovery points stay."""
    for region in (REGION, OTHER_REGION):
        two_regions.disk("shop", {"backup": "daily"}, region)
    two_regions.run()
    two_regions.sandbox.advance(HOUR)
    refusing = FaultRule(region="ap-east-1", effect=ErrorAnswer(code="UnrecognizedClientException"))
    two_regions.sandbox.add_faults(refusing)
    before = len(two_regions.sandbox.calls())
    at = ("--at", "2026-06-15T13:00:00Z")

    ended = lightkeeper("status", *at)
    elsewhere = lightkeeper("status", "--json", *at).document["elsewhere"]

    assert ended.status == 3
    assert ended.out.startswith(
        "1 recovery point in us-east-1, which nobody looks after; the one source is protected.\n"
    )
    assert "Could not be looked at for recovery points left behind: ap-east-1\n" in ended.out
    assert elsewhere["recoveryPoints"] == {OTHER_REGION: 1}
    assert {failure["region"] for failure in elsewhere["failures"]} == {"ap-east-1"}
    asked = {call.operation for call in two_regions.sandbox.calls()[before:] if call.region != REGION}
    assert asked == {"GetDiskSnapshots", "GetInstanceSnapshots", "GetRelationalDatabaseSnapshots"}


def test_status_of_a_region_of_somebody_s_choice_looks_nowhere_else(two_regions: Keeper) -> None:
    for region in (REGION, OTHER_REGION):
        two_regions.disk("shop", {"backup": "daily"}, region)
    two_regions.run()
    two_regions.sandbox.advance(HOUR)

    ended = lightkeeper("status", "--json", "--region", REGION, "--at", "2026-06-15T13:00:00Z")

    assert (ended.status, ended.document["elsewhere"]) == (0, None)


def test_status_where_nothing_is_tagged_is_zero_and_says_so() -> None:
    ended = lightkeeper("status", *AT)

    assert ended.status == 0
    alone = f'Lightkeeper looks after {REGION} alone: name others with --region, or in "regions" of the settings'
    assert ended.out.splitlines() == [
        'Nothing is backed up: no disk, instance or database has the tag "backup".',
        f"Account unknown, {REGION}",
        f"{REGION}: no disk, instance or database there",
        f"{alone}; there is no recovery point in any other Region.",
    ]


def test_the_json_of_status_has_the_documented_keys(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    keeper.run()
    keeper.live(3 * DAY)
    keeper.tag(next(iter(keeper.snapshots())), "backup:hold")
    keeper.sandbox.advance(HOUR)

    document = lightkeeper("status", "--json", "--at", "2026-06-18T13:00:00Z").document

    (source,) = document["sources"]
    assert document["health"] == "ok"
    assert list(source["days"]) == ["2026-06-15", "2026-06-16", "2026-06-17", "2026-06-18"]
    assert [day[0]["mark"] for day in source["days"].values()] == ["held", "expiring", "kept", "kept"]
    assert (len(source["expiring"]), len(source["held"]), source["recoveryPoints"]) == (1, 1, 4)
    assert source["heldBy"] == {source["held"][0]: "on hold"}
    assert (source["why"], source["helps"], source["overdueSince"], source["includedIn"]) == (None, None, None, None)
    assert (source["stopped"], document["doubted"], document["failures"]) == (False, [], [])


def test_status_writes_the_dashboard_s_calendar_to_a_file(keeper: Keeper, tmp_path: Path) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.disk("attic", {"backup": "off"})

    ended = lightkeeper("status", "--html", "calendar.html", "--sort", "name", "--theme", "dark", *AT)

    html = (tmp_path / "calendar.html").read_text(encoding="utf-8")
    assert (ended.status, ended.out) == (3, "")
    assert ended.err.endswith("lightkeeper: the calendar is in calendar.html\n")
    assert html.startswith("<!doctype html>")
    assert 'class="lk lk-dark' in html
    assert html.index("attic") < html.index("shop")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--sort", "newst"), '"newst" is not an order'),
        (("--html", "no/such/folder.html"), "no/such/folder.html: No such file or directory; expected a file that can"),
    ],
)
def test_a_wrong_option_of_status_is_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    ended = lightkeeper("status", *arguments, *AT)

    assert ended.status == 2
    assert sentence in ended.err


def test_check_is_one_line_for_a_monitoring_system_and_its_exit_status(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.run()
    keeper.sandbox.advance(HOUR)
    soon, late = "2026-06-15T13:00:00Z", "2026-06-17T13:00:00Z"

    well, overdue = (lightkeeper("status", "--check", "--at", at) for at in (soon, late))

    assert (well.status, well.err) == (0, "")
    assert well.out == (
        "OK: The one source is protected. | sources=1 protected=1 waiting=0 overdue=0 problem=0 stopped=0 "
        "recovery_points=1 oldest_newest=3600s stored_gib=32.0\n"
    )
    assert (overdue.status, overdue.err) == (2, "")
    assert overdue.out.startswith("CRITICAL: 1 source overdue; 0 of 1 source protected. Look at: shop. | ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--region", "eu-centrl-1"), '"eu-centrl-1" is not a Region'),
        (("--config", "missing.json"), "missing.json: No such file"),
        (("--sort", "newst"), '"newst" is not an order'),
        (("--endpoint-url", "http://127.0.0.1:1"), "Cannot tell how everything stands"),
    ],
)
def test_a_check_that_cannot_tell_is_unknown_and_still_one_line(arguments: tuple[str, ...], words: str) -> None:
    ended = lightkeeper("status", "--check", *arguments, *AT)

    assert (ended.status, ended.err) == (3, "")
    assert ended.out.startswith("UNKNOWN: ")
    assert words in ended.out
    assert ended.out.count("\n") == 1


@pytest.mark.parametrize("other", [("--json",), ("--html", "calendar.html")])
def test_a_check_is_nothing_else_at_once(other: tuple[str, ...]) -> None:
    ended = lightkeeper("status", "--check", *other, *AT)

    assert (ended.status, ended.out) == (2, "")
    assert "both --check and" in ended.err


# snapshots


def test_snapshots_lists_the_recovery_points_of_a_source_and_of_one_that_is_gone(keeper: Keeper) -> None:
    for name in ("blog", "shop"):
        keeper.disk(name, {"backup": "daily", "backup:keep": "2"})
    keeper.run()
    keeper.live(3 * DAY)
    newest = list(keeper.snapshots("shop"))[::-1]
    keeper.tag(newest[2], "backup:hold")
    keeper.user.delete_disk(diskName="blog")
    before = len(keeper.writes())
    at = ("--at", "2026-06-18T13:00:00Z")

    of_shop = lightkeeper("snapshots", "shop", *at)
    gone = lightkeeper("snapshots", "blog", *at)
    every = lightkeeper("snapshots", "--json", *at).document

    assert (of_shop.status, gone.status) == (0, 0)
    assert f"shop disk in {REGION}, protected: " in of_shop.out
    assert all(name in of_shop.out for name in newest)
    assert "blog" not in of_shop.out
    assert f"blog disk in {REGION}, gone: " in gone.out
    assert "its source is gone; orphans are kept" in gone.out
    assert {each["source"] for each in every["snapshots"]} == {"shop", "blog"}
    shop = {each["name"]: each for each in every["snapshots"] if each["source"] == "shop"}
    assert list(shop) == newest
    assert [each["held"] for each in shop.values()] == [name == newest[2] for name in newest]
    assert shop[newest[2]]["reasons"] == ["on hold"]
    assert len(keeper.writes()) == before


def test_snapshots_of_a_source_that_there_never_was_names_the_nearest(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.run()

    ended = lightkeeper("snapshots", "shpo", *AT)

    assert (ended.status, ended.out) == (2, "")
    assert ended.err.endswith(
        f'"shpo" is no source there is or was in {REGION}; expected the name of one; did you mean "shop"?\n'
    )


def test_snapshots_fails_where_a_region_cannot_be_read(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.run()
    refused = FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="GetInstanceSnapshots")
    keeper.sandbox.add_faults(refused)

    ended = lightkeeper("snapshots", *AT)

    assert ended.status == 1
    assert "shop disk" in ended.out
    assert f"could not be read {REGION}: GetInstanceSnapshots" in ended.out


# run


def test_run_does_what_the_plan_says_and_a_second_run_finds_nothing_to_do(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})

    first = lightkeeper("run", *CONFIG, *AT)
    second = lightkeeper("run", *CONFIG, *AT)

    assert (first.status, second.status) == (0, 0)
    assert "done" in first.out
    assert "Nothing to do." in second.out
    assert len(keeper.snapshots()) == 1


def test_the_json_of_a_run_says_how_each_action_ended(keeper: Keeper) -> None:
    keeper.disk("clinic", {"backup": "daily"})
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="InvalidInputException"), resource="shop"))

    ended = lightkeeper("run", *CONFIG, *AT, "--json")

    assert ended.status == 1
    assert [(action["source"], action["outcome"], action["error"]) for action in ended.document["actions"]] == [
        ("clinic", "done", None),
        ("shop", "failed", "CreateDiskSnapshot: InvalidInputException: Scripted by the sandbox."),
    ]


def test_what_a_run_leaves_to_the_next_one_is_no_failure(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="OperationFailureException"), resource="shop"))

    ended = lightkeeper("run", *CONFIG, *AT, "--json")

    assert ended.status == 0
    assert [action["outcome"] for action in ended.document["actions"]] == ["deferred"]


def test_regions_are_repeatable_and_go_before_the_settings(two_regions: Keeper, tmp_path: Path) -> None:
    for region in (REGION, OTHER_REGION):
        two_regions.disk("shop", {"backup": "daily"}, region)
    (tmp_path / "settings.json").write_text('{"regions": ["eu-west-1"]}')

    ended = lightkeeper("run", *AT, "--config", "settings.json", "--region", REGION, "--region", OTHER_REGION, "--json")

    assert [action["region"] for action in ended.document["actions"]] == [REGION, OTHER_REGION]


def test_another_endpoint_can_be_named(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper.disk("shop", {"backup": "daily"})
    monkeypatch.setenv("AWS_ENDPOINT_URL_LIGHTSAIL", "http://127.0.0.1:1")

    document = lightkeeper("plan", *AT, "--endpoint-url", keeper.sandbox.url, "--json").document

    assert [source["name"] for source in document["sources"]] == ["shop"]


# keep


def test_keep_says_for_each_time_whether_and_why_newest_first() -> None:
    times = ["2026-01-01T09:00:00Z", "2026-01-02 23:30:00", "2026-01-02T23:00:00Z", "2025-12-20", "2025-12-28T12:00Z"]

    ended = lightkeeper("keep", "daily=2 weekly=2", *AT, stdin="\n".join([*times, "", ""]).encode())

    assert ended.out.splitlines() == [
        "keep 2026-01-02 23:30:00 daily snapshot, weekly snapshot",
        "remove 2026-01-02T23:00:00Z",
        "keep 2026-01-01T09:00:00Z daily snapshot",
        "keep 2025-12-28T12:00Z weekly snapshot",
        "remove 2025-12-20",
    ]


def test_keep_counts_days_in_the_given_zone() -> None:
    times = "2026-01-02T23:30:00Z\n2026-01-02T22:30:00Z\n"

    assert lightkeeper("keep", "daily=9", *AT, stdin=times.encode()).out.count("oldest daily snapshot") == 1
    assert lightkeeper("keep", "daily=9", "--zone", "Europe/Zurich", *AT, stdin=times.encode()).out.count("oldest") == 0


def test_keep_counts_within_back_from_the_newest_time_that_is_not_in_the_future() -> None:
    times = "2030-01-01\n2026-06-14\n2026-06-10\n"

    assert lightkeeper("keep", "2d", *AT, stdin=times.encode()).out.splitlines() == [
        "keep 2030-01-01 within 2d",
        "keep 2026-06-14 within 2d",
        "remove 2026-06-10",
    ]


def test_the_json_of_keep() -> None:
    assert lightkeeper("keep", "1", *AT, "--json", stdin=b"2026-01-02\n2026-01-01\n").document == {
        "rule": "last=1",
        "zone": "UTC",
        "times": [
            {"time": "2026-01-02", "verdict": "keep", "reasons": ["last snapshot"]},
            {"time": "2026-01-01", "verdict": "remove", "reasons": []},
        ],
    }


def test_keep_of_nothing_is_nothing() -> None:
    ended = lightkeeper("keep", "1")

    assert (ended.status, ended.out) == (0, "")


# What a person gets wrong


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("keep", "dayly=7"), 'did you mean "daily=7"?'),
        (("keep", "7", "--zone", "Europe/Zurch"), 'did you mean "Europe/Zurich"?'),
        (("plan", "--at", "noon"), '"noon" is not a time; expected ISO 8601'),
        (("plan", "--region", "eu-centrl-1"), 'did you mean "eu-central-1"?'),
        (("plan", "--endpoint-url", "localhost"), "expected an address such as"),
        (("plan", "--endpoint-url", "http://localhost:99999"), "expected an address such as"),
        (("plan", "--endpoint-url", "http://["), "expected an address such as"),
        (("plan", "--config", "missing.json"), "missing.json: No such file or directory"),
        (("plan", "--config", "."), ".: Is a directory"),
        (("run", "--conifg", "x"), "No such option: --conifg"),
        (("rnu",), "No such command 'rnu'"),
        (("demo", "--days", "3"), "greater than or equal to 14"),
    ],
)
def test_a_mistake_is_answered_with_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    ended = lightkeeper(*arguments)

    assert ended.status == 2
    assert ended.out == ""
    assert sentence in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "not JSON"),
        ("[]", "is not a JSON object"),
        ('{"grase": "1d"}', "settings.json: grase: unknown key"),
        ('{"app": "x", "lightkeeper": {"grace": "1w"}}', '"1w" is not a duration'),
        ('{"lightkeeper": []}', "is not an object of settings"),
        ('{"context": {"lightkeeper": {}}}', 'found under "context"; expected at the top of the file'),
        ("[" * 100_000, "not JSON"),
        ("\xff", "not JSON"),
    ],
)
def test_wrong_settings_are_answered_with_sentences(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "settings.json").write_bytes(text.encode("latin-1"))

    ended = lightkeeper("plan", "--config", "settings.json")

    assert ended.status == 2
    assert sentence in ended.err


def test_a_wrong_line_is_named_by_its_number() -> None:
    ended = lightkeeper("keep", "1", stdin=b"2026-01-01\n\nyesterday\n")

    assert ended.status == 2
    assert ended.err.startswith('lightkeeper: line 3: "yesterday" is not a time')


def test_without_a_region_the_command_says_where_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    ended = lightkeeper("plan")

    assert ended.status == 2
    assert ended.err.splitlines()[-1] == (
        'lightkeeper: no Region; expected "regions" in the settings, --region, or AWS_REGION; '
        '"aws configure" stores one'
    )


def test_without_credentials_the_command_fails_with_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))

    ended = lightkeeper("plan")

    assert ended.status == 1
    assert "Unable to locate credentials" in ended.err


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("AWS_SECRET_ACCESS_KEY", None, "Partial credentials"),
        ("AWS_DEFAULTS_MODE", "weird", "weird"),
        ("AWS_ENDPOINT_URL_LIGHTSAIL", "garbage", "expected an address such as"),
    ],
)
def test_a_wrong_environment_is_answered_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None, words: str
) -> None:
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)

    ended = lightkeeper("plan")

    assert ended.status in {1, 2}
    assert words in ended.err
    assert "Traceback" not in ended.err


def test_keep_without_a_standard_input_says_so() -> None:
    ended = lightkeeper("keep", "7", stdin=None)

    assert ended.status == 2
    assert "lightkeeper: standard input is closed" in ended.err


def test_a_profile_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    ended = lightkeeper("plan")

    assert ended.status == 1
    assert "nobody" in ended.err


def test_what_is_no_lightsail_is_answered_with_a_sentence(keeper: Keeper) -> None:
    ended = lightkeeper("plan", "--endpoint-url", f"{keeper.sandbox.url}/sandbox/clock")

    assert ended.status == 1
    assert "could not be read" in ended.out


def test_an_answer_that_is_no_json_is_answered_with_a_sentence() -> None:
    class Greeter(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Greeter) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            ended = lightkeeper("plan", "--endpoint-url", f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()

    assert ended.status == 1
    assert "could not be read eu-central-1: GetDisks: the answer is of type none; expected Lightsail's" in ended.out


# The installed command, in a process of its own


@pytest.mark.slow
def test_the_demo_shows_what_a_user_wants_to_see() -> None:
    command = [str(Path(sys.executable).parent / "lightkeeper"), "demo", "--days", "14"]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)  # noqa: S603

    assert ended.stderr == ""
    assert ended.returncode == 0
    for words in (
        "on a local Lightsail on this machine",
        "What came of it: lightkeeper status",
        "The same as a calendar, as the dashboard shows it: lightkeeper-demo.html",
        "To which days everything can be brought back: lightkeeper status",
        "Sources at 2026-09-28 23:00 UTC",
        "on hold",
        "its source is gone; orphans are kept",
        "ended in error, and a newer one is usable",
        "about to expire: pushed out",
        "before-the-big-upgrade",
        "ResourcesProtected",
        "shop-web is deleted by mistake: lightkeeper restore shop-web --yes",
        "shop-web-restored-20260928-2312 restored from shop-web-20260928-0300-",
        "move-address     done  shop-address (100.64.0.2)",
        "address  100.64.0.2         198.18.3.79            100.64.0.2",
        "22/tcp   203.0.113.0/24     anybody                203.0.113.0/24",
        "443/tcp  anybody            closed                 anybody",
        "336 runs",
    ):
        assert words in ended.stdout
    for meant in ("daily", "backup:keep"):
        assert f'did you mean "{meant}"?' in " ".join(ended.stdout.split()), "in lines of so many columns"
