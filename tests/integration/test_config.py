"""`lightkeeper config`: what is wrong with settings, and which are in force."""

import json
from pathlib import Path

import pytest

from lightkeeper.organization import MEMBER_ROLE_VARIABLE, ORGANIZATION_VARIABLE, Organization
from lightkeeper.rows import rows_of
from lightkeeper.settings import Settings, StackSettings
from tests.support.cloud import local_cloud
from tests.support.command import lightkeeper
from tests.support.keeper import REGION

OFFICE = {"schedule": "0 18 * * 1-5", "keep": "daily=5"}


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def write(settings: object, path: str = "cdk.json") -> None:
    Path(path).write_text(json.dumps(settings))


def origins(*arguments: str) -> dict[str, str]:
    """Return where each setting comes from, by its key."""
    rows = lightkeeper("config", "show", *arguments, "--json").document["settings"]
    return {row["key"]: row["from"] for row in rows}


# validate


def test_good_settings_are_said_to_be_good() -> None:
    write({"app": "app.py", "lightkeeper": {"grace": "2d", "tagOnCreate": False}})
    write({"grace": "2d"}, "shop.json")

    assert lightkeeper("config", "validate").out == "cdk.json: good\n"
    assert lightkeeper("config", "validate", "shop.json").out == "shop.json: good\n"


def test_of_many_accounts_it_is_said_which_they_are() -> None:
    write({"organization": {"units": ["ou-ab12-cd34ef56", "r-ab12"], "except": ["111122223333"]}})
    write({"organization": {"accounts": ["222222222222"]}}, "list.json")

    assert lightkeeper("config", "validate").out == (
        "cdk.json: good; beside its own account, it looks after unit ou-ab12-cd34ef56, unit r-ab12, but for "
        "111122223333\n"
    )
    assert lightkeeper("config", "validate", "list.json").out.endswith("it looks after account 222222222222\n")


def test_everything_that_is_wrong_is_said_at_once() -> None:
    write({"grase": "1d", "overdueAfter": "soon", "runbookUrl": 7, "policies": {"office": {"keep": "dayly=5"}}})

    ended = lightkeeper("config", "validate")

    assert (ended.status, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 5
    for words in ('did you mean "grace"?', '"soon" is not a duration', "7 is not an address", 'mean "daily=5"?'):
        assert words in ended.err


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"regions": ["eu-centrl-1"]}, 'cdk.json: regions: "eu-centrl-1" is not a Region with Lightsail'),
        ({"tick": "rate(2 hours)", "policies": {"busy": {"schedule": "0 * * * *", "keep": "7"}}}, '"busy"'),
        ({"deployment": "my shop"}, "cannot be the name of a stack"),
        ({"notify": [f"{number:050}@example.com" for number in range(80)]}, "which is all that Lambda takes"),
    ],
)
def test_what_only_a_deployment_refuses_is_said_too(settings: object, sentence: str) -> None:
    write(settings)

    ended = lightkeeper("config", "validate")

    assert ended.status == 2
    assert sentence in ended.err


@pytest.mark.parametrize(("name", "sentence"), [("none.json", "No such file"), (".", "Is a directory")])
def test_what_is_no_file_is_a_sentence(name: str, sentence: str) -> None:
    ended = lightkeeper("config", "validate", name)

    assert (ended.status, sentence in ended.err) == (2, True)


# show


def test_without_a_file_everything_is_a_default() -> None:
    shown = origins()

    policies = {f"policies.{name}" for name in ("hourly", "daily", "weekly", "monthly")}
    keys = {row.key for kind in (Settings, StackSettings) for row in rows_of(kind).values()} - {"policies"}
    assert shown == dict.fromkeys(keys, "default") | dict.fromkeys(policies, "built-in")


def test_what_a_file_says_is_said_to_be_from_it() -> None:
    write({"grace": "1d", "logRetentionDays": 30, "policies": {"office": OFFICE, "daily": OFFICE}}, "shop.json")

    shown = origins("--config", "shop.json")

    theirs = {key for key, origin in shown.items() if origin == "shop.json"}
    assert theirs == {"grace", "logRetentionDays", "policies.office", "policies.daily"}


def test_the_table_has_a_row_for_each_setting() -> None:
    write({"timeZone": "Europe/Zurich", "regions": [REGION]})

    lines = [line.split() for line in lightkeeper("config", "show").out.splitlines()]

    assert ["timeZone", "Europe/Zurich", "cdk.json"] in lines
    assert ["regions", f'["{REGION}"]', "cdk.json"] in lines
    assert ["grace", "1d", "default"] in lines
    assert any(line[0] == "policies.daily" and line[-1] == "built-in" for line in lines)


def test_wrong_settings_are_not_shown() -> None:
    write({"grase": "1d", "tagOnCreate": "no"})

    ended = lightkeeper("config", "show")

    assert (ended.status, ended.out, len(ended.err.splitlines())) == (2, "", 2)


@pytest.mark.usefixtures("keeper")
def test_a_stack_s_settings_are_those_of_its_function(monkeypatch: pytest.MonkeyPatch) -> None:
    deployed = Settings.from_mapping({"grace": "3d", "policies": {"office": OFFICE}})
    with local_cloud() as cloud:
        cloud.deploy("Shop", REGION, deployed.to_env())
        for name, value in cloud.environment().items():
            monkeypatch.setenv(name, value)
        shown = lightkeeper("config", "show", "--stack", "Shop", "--json").document["settings"]
        cloud.clear()

    rows = {row["key"]: row for row in shown}
    assert rows["grace"] == {"key": "grace", "value": "3d", "from": "stack Shop"}
    assert rows["policies.office"]["from"] == "stack Shop"
    assert rows["policies.daily"]["from"] == "built-in"
    assert "logRetentionDays" not in rows, "the function does not know it"


@pytest.mark.usefixtures("keeper")
def test_a_stack_s_organization_is_that_of_the_function_that_lists_the_accounts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    organization = Organization(units=("ou-ab12-cd34ef56",))
    own = Settings().to_env() | {MEMBER_ROLE_VARIABLE: "Lightkeeper-member"}
    with local_cloud() as cloud:
        cloud.deploy("Shop", REGION, own, lists={ORGANIZATION_VARIABLE: organization.to_json()})
        for name, value in cloud.environment().items():
            monkeypatch.setenv(name, value)
        rows = lightkeeper("config", "show", "--stack", "Shop", "--json").document["settings"]
        shown = lightkeeper("config", "show", "--stack", "Shop").out
        cloud.clear()

    assert rows[-1] == {"key": "organization", "value": organization.to_mapping(), "from": "stack Shop"}
    assert 'units ["ou-ab12-cd34ef56"], maxConcurrency 20' in shown


def test_two_sets_of_settings_are_refused() -> None:
    ended = lightkeeper("config", "show", "--stack", "Shop", "--config", "shop.json")

    assert (ended.status, "both --config and --stack" in ended.err) == (2, True)
