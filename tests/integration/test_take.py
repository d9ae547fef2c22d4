"""A recovery point on demand, as a person types it: before an upgrade, say."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from lightkeeper.run import run_regions
from lightsail_sandbox.client import ErrorAnswer, FaultRule, Sandbox, Seed
from tests.support.command import Ended, lightkeeper
from tests.support.keeper import DAY, HOUR, OTHER_REGION, REGION, Keeper, noop


@pytest.fixture(autouse=True)
def folder(
    aws: Sandbox,  # noqa: ARG001 - what the command takes for AWS
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Path:
    """Stand in the folder of a cdk.json, with the sandbox for AWS."""
    (tmp_path / "cdk.json").write_text('{"lightkeeper": {}}')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def take(keeper: Keeper, *arguments: str) -> Ended:
    return lightkeeper("take", *arguments, "--at", keeper.sandbox.now().isoformat())


def live(keeper: Keeper, days: int) -> None:
    """Let days pass, with a run now and after each. No witness: it knows of scheduled snapshots only."""
    for day in range(days + 1):
        keeper.sandbox.advance(DAY if day else timedelta())
        now = keeper.sandbox.now()
        run_regions(keeper.regions, keeper.settings, now, seconds_left=lambda: 900.0, on_outcome=noop)


def test_a_recovery_point_is_taken_though_none_is_due(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.run()
    keeper.sandbox.advance(HOUR)

    ended = take(keeper, "shop")

    assert ended.status == 0
    assert ended.err == "lightkeeper: using the settings in cdk.json\n"
    for words in ("create", "shop-20260615-1300-", "asked for by hand", "done"):
        assert words in ended.out
    assert len(keeper.snapshots("shop")) == 2
    assert keeper.writes().count("CreateDiskSnapshot") == 2


def test_it_covers_what_is_due_and_the_rules_drop_it_like_any_other(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})

    take(keeper, "shop")
    (by_hand,) = keeper.snapshots("shop")

    live(keeper, 0)
    assert list(keeper.snapshots("shop")) == [by_hand], "the slot of this morning is covered"
    live(keeper, 4)
    assert by_hand not in keeper.snapshots("shop")


@pytest.mark.parametrize("hold", ["2026-06-25", ""])
def test_held_it_stays_through_that_day_or_for_good(keeper: Keeper, hold: str) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})

    take(keeper, "shop", "--hold", hold)
    (by_hand,) = keeper.snapshots("shop")

    assert keeper.snapshots("shop")[by_hand]["backup:hold"] == hold
    live(keeper, 10)
    assert by_hand in keeper.snapshots("shop")
    live(keeper, 5)
    assert (by_hand in keeper.snapshots("shop")) == (hold == "")


def test_of_what_no_policy_backs_up_it_stays_and_the_command_says_so(keeper: Keeper) -> None:
    keeper.disk("shop", {})

    ended = take(keeper, "shop")

    assert ended.status == 0
    assert "no rule ever drops this recovery point; delete it yourself" in ended.out


def test_the_json_says_what_was_taken(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})

    ended = take(keeper, "shop", "--json")

    (action,) = ended.document["actions"]
    assert [action["snapshot"]] == list(keeper.snapshots("shop"))
    assert (action["action"], action["outcome"], action["error"]) == ("create", "done", None)


def test_the_region_and_the_kind_say_which_is_meant(two_regions: Keeper) -> None:
    two_regions.disk("shop", {"backup": "daily"}, REGION)
    two_regions.disk("shop", {"backup": "daily"}, OTHER_REGION)
    two_regions.sandbox.seed([Seed(kind="Instance", name="blog", region=REGION)])
    regions = ("--region", REGION, "--region", OTHER_REGION)

    either = take(two_regions, "shop", *regions)
    assert either.status == 2
    assert f'"shop" is more than one source: "disk in {REGION}", "disk in {OTHER_REGION}"' in either.err
    assert "expected --region and --kind to say which" in either.err
    assert two_regions.writes() == []

    there = take(two_regions, "shop", "--region", OTHER_REGION, "--json")
    assert [action["region"] for action in there.document["actions"]] == [OTHER_REGION]
    blog = take(two_regions, "blog", *regions, "--kind", "instance", "--json")
    assert [action["source"] for action in blog.document["actions"]] == ["blog"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("shpo",),
            '"shpo" is no disk, instance or database in eu-central-1; expected the name of one; did you mean "shop"?',
        ),
        (("shop", "--kind", "instance"), '"shop" is no instance in eu-central-1'),
        (("shop", "--kind", "disc"), "'disc' is not one of 'disk', 'instance'"),
        (("shop", "--hold", "2026-06-01"), 'the hold "2026-06-01" is over'),
        (("shop", "--hold", "tomorrow"), '"tomorrow" is not a time'),
        (("shop", "--region", "eu-centrl-1"), 'did you mean "eu-central-1"?'),
        (("shop", "--config", "a.json", "--stack", "Lightkeeper"), "both --config and --stack"),
        (("blog",), 'blog: backup: "dialy" is not a policy'),
        ((), "Missing argument 'SOURCE'"),
    ],
)
def test_a_mistake_takes_nothing_and_is_answered_with_a_sentence(
    keeper: Keeper, arguments: tuple[str, ...], sentence: str
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.disk("blog", {"backup": "dialy"})

    ended = take(keeper, *arguments)

    assert (ended.status, ended.out) == (2, "")
    assert sentence in ended.err
    assert keeper.writes() == []


def test_away_from_any_settings_nothing_is_taken(keeper: Keeper, folder: Path) -> None:
    keeper.disk("shop", {"backup": "daily"})
    (folder / "cdk.json").unlink()

    ended = take(keeper, "shop")

    assert ended.status == 2
    assert "no cdk.json in this folder" in ended.err
    assert keeper.writes() == []


def test_it_is_taken_with_the_settings_that_are_named(keeper: Keeper, folder: Path) -> None:
    keeper.disk("shop", {})
    (folder / "mine.json").write_text(json.dumps({"deployment": "Mine"}))

    take(keeper, "shop", "--config", "mine.json")

    assert [tags["lightkeeper:owner"] for tags in keeper.snapshots("shop").values()] == ["Mine"]


@pytest.mark.parametrize("code", ["OperationFailureException", "InvalidInputException", "AccessDeniedException"])
def test_who_relies_on_it_learns_that_it_was_not_taken(keeper: Keeper, code: str) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code=code), operation="CreateDiskSnapshot"))

    ended = take(keeper, "shop")

    assert ended.status == 1, "also where a run would leave it to the next one: an automatic snapshot in progress"
    assert code in ended.out
    assert ended.err.endswith("lightkeeper: no recovery point of shop was taken; nothing tries again by itself\n")
    assert keeper.snapshots() == {}
