"""Whose settings a command works with, in which Region, and at what time."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lightkeeper.settings import Settings
from lightkeeper.times import format_instant
from lightkeeper.version import VERSION
from lightsail_sandbox.client import Sandbox
from tests.support.cloud import Cloud, local_cloud
from tests.support.command import Ended, lightkeeper
from tests.support.keeper import OTHER_REGION, REGION, Keeper

AT = ("--at", "2026-06-15T12:00:00Z")
NIGHTLY = {"tagKey": "save", "policies": {"nightly": {"schedule": "30 1 * * *", "keep": "30d"}}}
STACK = "Lightkeeper"
EVERY_VERB = pytest.mark.parametrize("verb", ["plan", "run", "status"])
VERBS_THAT_READ = pytest.mark.parametrize("verb", ["plan", "status"])


@pytest.fixture(autouse=True)
def folder(
    aws: Sandbox,  # noqa: ARG001 - what the command takes for AWS
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Path:
    """Stand in an empty folder, with the sandbox for AWS."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def _cloud() -> Iterator[Cloud]:
    with local_cloud() as cloud:
        yield cloud


@pytest.fixture
def cloud(_cloud: Cloud, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """CloudFormation and Lambda, with nothing deployed."""
    del folder
    for name, value in _cloud.environment().items():
        monkeypatch.setenv(name, value)
    yield _cloud
    _cloud.clear()


def deployed(**settings: object) -> dict[str, str]:
    return Settings.from_mapping(settings).to_env()


def names(ended: Ended) -> list[str]:
    return [source["name"] for source in ended.document["sources"]]


# Which settings


def test_away_from_any_settings_a_run_does_nothing_and_says_what_it_wants(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})

    ended = lightkeeper("run", *AT)

    assert (ended.status, ended.out) == (2, "")
    for words in ("no cdk.json in this folder", "--stack NAME", "--config FILE", '"lightkeeper" object'):
        assert words in ended.err
    assert not keeper.sandbox.calls()


@VERBS_THAT_READ
def test_what_only_reads_falls_back_to_the_defaults_and_says_so(keeper: Keeper, verb: str) -> None:
    keeper.disk("shop", {"backup": "daily"})

    ended = lightkeeper(verb, *AT, "--json")

    assert names(ended) == ["shop"]
    assert ended.err == "lightkeeper: using the default settings: no cdk.json in this folder\n"


@EVERY_VERB
def test_a_cdk_json_in_the_folder_is_used_and_named(keeper: Keeper, folder: Path, verb: str) -> None:
    keeper.disk("shop", {"save": "nightly"})
    (folder / "cdk.json").write_text(json.dumps({"app": "python app.py", "lightkeeper": NIGHTLY}))

    ended = lightkeeper(verb, *AT, "--json")

    assert [source["policy"] is None for source in ended.document["sources"]] == [False]
    assert ended.err.startswith("lightkeeper: using the settings in cdk.json\n")


def test_a_run_in_the_folder_of_another_project_of_the_cdk_does_nothing(keeper: Keeper, folder: Path) -> None:
    keeper.disk("shop", {"backup": "daily"})
    (folder / "cdk.json").write_text('{"app": "npx ts-node bin/shop.ts"}')

    ended = lightkeeper("run", *AT)
    planned = lightkeeper("plan", *AT)

    assert ended.status == 2
    assert 'cdk.json has no "lightkeeper" object' in ended.err
    assert planned.err == 'lightkeeper: using the default settings: cdk.json has no "lightkeeper" object\n'
    assert keeper.writes() == []


@EVERY_VERB
def test_a_file_that_is_named_goes_before_the_folder_s(keeper: Keeper, folder: Path, verb: str) -> None:
    keeper.disk("shop", {"save": "nightly"})
    (folder / "cdk.json").write_text('{"lightkeeper": {}}')
    (folder / "mine.json").write_text(json.dumps(NIGHTLY))

    ended = lightkeeper(verb, *AT, "--config", "mine.json", "--json")

    assert [source["policy"] is None for source in ended.document["sources"]] == [False]
    assert ended.err.startswith("lightkeeper: using the settings in mine.json\n")


@EVERY_VERB
def test_the_settings_of_a_deployment_are_read_from_its_function(
    keeper: Keeper, cloud: Cloud, folder: Path, verb: str
) -> None:
    keeper.disk("shop", {"save": "nightly"})
    keeper.disk("blog", {"backup": "daily"})
    (folder / "cdk.json").write_text('{"lightkeeper": {"grace": "0d"}}')
    cloud.deploy(STACK, REGION, deployed(**NIGHTLY))

    ended = lightkeeper(verb, *AT, "--stack", STACK, "--json")

    protected = [source["name"] for source in ended.document["sources"] if source["policy"]]
    assert protected == ["shop"]
    assert ended.err.startswith(f"lightkeeper: using the settings of the deployed stack {STACK} in {REGION}\n")


def test_a_run_with_a_deployment_s_settings_makes_the_snapshot_that_the_function_would_make(
    keeper: Keeper, cloud: Cloud
) -> None:
    keeper.disk("shop", {"save": "nightly"})
    keeper.configure(deployment="Production", **NIGHTLY)
    expected = [action.target.snapshot for action in keeper.plan().actions]
    cloud.deploy(STACK, REGION, keeper.settings.to_env())

    ended = lightkeeper("run", *AT, "--stack", STACK)

    assert ended.status == 0
    assert list(keeper.snapshots()) == expected
    assert keeper.run().outcomes == ()


@EVERY_VERB
@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ({"Version": "0.2.9"}, ["0.2.9"]),
        # From before a stack said so.
        ({}, ["a release before 0.3.0"]),
        ({"Version": VERSION}, []),
    ],
)
def test_a_stack_of_another_release_is_told_in_one_line(
    keeper: Keeper, cloud: Cloud, verb: str, outputs: dict[str, object], said: list[str]
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    cloud.deploy(STACK, REGION, deployed(), {"FunctionName": {"Ref": "Function"}, **outputs})

    ended = lightkeeper(verb, *AT, "--stack", STACK, "--json")

    assert [line for line in ended.err.splitlines() if "was deployed with" in line] == [
        f"lightkeeper: the stack {STACK} was deployed with {release}, this command is {VERSION}; "
        "docs/upgrade.md has what to do"
        for release in said
    ]


def test_a_deployment_looks_after_its_own_region_where_its_settings_name_none(
    two_regions: Keeper, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_regions.disk("here", {"backup": "daily"}, REGION)
    two_regions.disk("there", {"backup": "daily"}, OTHER_REGION)
    monkeypatch.setenv("AWS_REGION", OTHER_REGION)
    cloud.deploy(STACK, OTHER_REGION, deployed())
    cloud.deploy("Both", OTHER_REGION, deployed(regions=[REGION, OTHER_REGION]))

    assert names(lightkeeper("plan", *AT, "--stack", STACK, "--json")) == ["there"]
    assert names(lightkeeper("plan", *AT, "--stack", "Both", "--json")) == ["here", "there"]
    assert names(lightkeeper("plan", *AT, "--stack", "Both", "--region", REGION, "--json")) == ["here"]


@EVERY_VERB
def test_a_file_and_a_stack_are_two_sets_of_settings(cloud: Cloud, folder: Path, verb: str) -> None:
    (folder / "mine.json").write_text("{}")

    ended = lightkeeper(verb, "--config", "mine.json", "--stack", STACK)

    assert ended.status == 2
    assert "both --config and --stack; expected one of them" in ended.err
    assert cloud.server.asked == []


@pytest.mark.parametrize(
    ("variables", "outputs", "sentence"),
    [
        (deployed(), {}, f'the stack "{STACK}" has no output FunctionName; expected a stack of Lightkeeper'),
        (deployed(), {"FunctionName": "Gone"}, f'Gone, the function of the stack "{STACK}", is not in {REGION}'),
        ({"COLOUR": "red"}, None, "has no variable LIGHTKEEPER; expected a stack of Lightkeeper"),
        ({"LIGHTKEEPER": '{"colour": "red"}'}, None, f'the stack "{STACK}": colour: unknown key'),
        (
            {"LIGHTKEEPER": '{"writers": 8}'},
            None,
            f'the stack "{STACK}": writers: was renamed; expected "maxConcurrency"',
        ),
        ({"LIGHTKEEPER": '{"writers": 8}'}, None, f'deploy the stack "{STACK}" again with this release, or use the'),
        ({"LIGHTKEEPER": "{"}, None, f'the stack "{STACK}": LIGHTKEEPER: not JSON'),
    ],
)
def test_what_is_no_deployment_of_lightkeeper_is_answered_with_a_sentence(
    keeper: Keeper, cloud: Cloud, variables: dict[str, str], outputs: dict[str, object] | None, sentence: str
) -> None:
    cloud.deploy(STACK, REGION, variables, outputs)

    ended = lightkeeper("run", "--stack", STACK)

    assert (ended.status, ended.out) == (2, "")
    assert sentence in ended.err
    assert not keeper.sandbox.calls()


@pytest.mark.parametrize(
    ("stack", "sentence"),
    [
        ("Lihgtkeeper", f'there is no stack "Lihgtkeeper" in {REGION} (Stack with id Lihgtkeeper does not exist)'),
        ("Elsewhere", f'there is no stack "Elsewhere" in {REGION}'),
        ("", '"" is not the name of a stack'),
        (" ", '" " is not the name of a stack'),
    ],
)
def test_a_stack_that_is_not_there_is_answered_with_a_sentence(
    keeper: Keeper, cloud: Cloud, stack: str, sentence: str
) -> None:
    cloud.deploy(STACK, REGION, deployed())
    cloud.deploy("Elsewhere", OTHER_REGION, deployed())

    ended = lightkeeper("run", "--stack", stack)

    assert (ended.status, ended.out) == (2, "")
    assert sentence in ended.err
    assert not keeper.sandbox.calls()


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("DescribeStacks", "cloudformation:DescribeStacks"),
        ("GetFunctionConfiguration", "lambda:GetFunctionConfiguration"),
    ],
)
def test_who_may_not_read_the_stack_learns_which_permission_it_takes(
    keeper: Keeper, cloud: Cloud, operation: str, permission: str
) -> None:
    cloud.deploy(STACK, REGION, deployed())
    cloud.server.refused.add(operation)

    ended = lightkeeper("run", "--stack", STACK)

    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"lightkeeper: {operation}: AccessDenied")
    assert ended.err.endswith(f"; expected permission for {permission}\n")
    assert keeper.writes() == []


@pytest.mark.parametrize(
    ("variable", "value", "ends"),
    [
        ("AWS_SECRET_ACCESS_KEY", None, (1, "DescribeStacks: Partial credentials")),
        ("AWS_ENDPOINT_URL_CLOUDFORMATION", "garbage", (2, "expected an address such as")),
        ("AWS_ENDPOINT_URL_LAMBDA", "garbage", (2, "expected an address such as")),
        ("AWS_PROFILE", "nobody", (1, "nobody")),
        ("AWS_DEFAULT_REGION", None, (2, f'no Region to look for the stack "{STACK}" in; expected AWS_REGION')),
    ],
)
def test_a_stack_asked_for_in_a_wrong_environment_is_answered_with_a_sentence(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None, ends: tuple[int, str]
) -> None:
    cloud.deploy(STACK, REGION, deployed())
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)

    ended = lightkeeper("plan", "--stack", STACK)

    assert (ended.status, ended.out) == (ends[0], "")
    assert ends[1] in ended.err
    assert "Traceback" not in ended.err


# Where


@VERBS_THAT_READ
def test_the_region_is_read_as_the_aws_command_line_reads_it(
    two_regions: Keeper, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    for region in (REGION, OTHER_REGION):
        two_regions.disk(f"in-{region}", {"backup": "daily"}, region)
    assert names(lightkeeper(verb, *AT, "--json")) == [f"in-{REGION}"], "AWS_DEFAULT_REGION says so"

    monkeypatch.setenv("AWS_REGION", OTHER_REGION)
    assert names(lightkeeper(verb, *AT, "--json")) == [f"in-{OTHER_REGION}"]

    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert names(lightkeeper(verb, *AT, "--json")) == [f"in-{OTHER_REGION}"]


def test_a_profile_s_region_is_read_where_no_variable_names_one(
    two_regions: Keeper, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    two_regions.disk("there", {"backup": "daily"}, OTHER_REGION)
    (folder / "config").write_text(f"[default]\nregion = {OTHER_REGION}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    assert names(lightkeeper("plan", *AT, "--json")) == ["there"]


@EVERY_VERB
@pytest.mark.parametrize(("region", "nearest"), [("eu-centrl-1", "eu-central-1"), ("Frankfurt", None)])
def test_a_region_that_is_typed_wrong_is_a_mistake_before_anything_is_asked(
    keeper: Keeper, folder: Path, verb: str, region: str, nearest: str | None
) -> None:
    (folder / "cdk.json").write_text('{"lightkeeper": {}}')

    ended = lightkeeper(verb, "--region", REGION, "--region", region)

    assert (ended.status, ended.out) == (2, "")
    assert f'"{region}" is not a Region of Lightsail; expected one of' in ended.err
    assert (f'did you mean "{nearest}"?' in ended.err) == (nearest is not None)
    assert not keeper.sandbox.calls()


# When


def off_the_clock(**by: float) -> str:
    return format_instant(datetime.now(UTC) + timedelta(**by))  # noqa: TID251 - the command compares with it


@pytest.fixture
def at_aws(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lightsail is AWS's own, behind a proxy that nobody can reach; and there are settings."""
    monkeypatch.delenv("AWS_ENDPOINT_URL_LIGHTSAIL")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    (folder / "cdk.json").write_text('{"lightkeeper": {}}')
    return folder


@pytest.mark.parametrize("by", [{"hours": 2}, {"minutes": 61}, {"minutes": -61}, {"days": -200}, {"days": 3000}])
def test_at_aws_a_run_keeps_to_the_clock(at_aws: Path, by: dict[str, float]) -> None:
    del at_aws

    ended = lightkeeper("run", "--at", off_the_clock(**by))

    assert (ended.status, ended.out) == (2, "")
    for words in ("is more than an hour off the clock", "wrong names", "deleted too early", "expected a time within"):
        assert words in ended.err


def test_aws_s_own_address_is_no_way_round(at_aws: Path) -> None:
    del at_aws

    ended = lightkeeper(
        "run", "--at", off_the_clock(days=2), "--endpoint-url", "https://lightsail.eu-central-1.amazonaws.com"
    )

    assert ended.status == 2
    assert "is more than an hour off the clock" in ended.err


@pytest.mark.parametrize("way", ["--endpoint-url", "AWS_ENDPOINT_URL_LIGHTSAIL", "AWS_ENDPOINT_URL", "profile"])
def test_another_lightsail_may_have_another_time(
    keeper: Keeper, at_aws: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    url = keeper.sandbox.url
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    if way == "profile":
        (at_aws / "config").write_text(f"[default]\nendpoint_url = {url}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(at_aws / "config"))
    elif way.startswith("AWS"):
        monkeypatch.setenv(way, url)

    ended = lightkeeper("run", *AT, *((way, url) if way.startswith("--") else ()))

    assert ended.status == 0
    assert next(iter(keeper.snapshots())).startswith("shop-20260615-0300-")


def test_an_address_that_is_ignored_is_no_other_lightsail(
    keeper: Keeper, at_aws: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del at_aws
    monkeypatch.setenv("AWS_ENDPOINT_URL_LIGHTSAIL", keeper.sandbox.url)
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")

    assert lightkeeper("run", *AT).status == 2
    assert not keeper.sandbox.calls()


@pytest.mark.parametrize("arguments", [("run",), ("run", "--at", "now"), ("plan", *AT), ("status", *AT)])
def test_on_the_clock_and_where_nothing_is_written_any_time_will_do(at_aws: Path, arguments: tuple[str, ...]) -> None:
    del at_aws
    typed = [off_the_clock(minutes=50) if word == "now" else word for word in arguments]

    ended = lightkeeper(*typed)

    # As far as the lists, which nobody answers.
    assert ended.status == 1
    assert "off the clock" not in ended.err
