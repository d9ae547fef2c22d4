"""Whose credentials a command works with, and what it says where AWS takes none."""

import shutil
import subprocess
from pathlib import Path

import pytest

from lightkeeper.credentials import what_helps
from lightsail_sandbox.client import ErrorAnswer, FaultRule, Sandbox
from tests.support.cloud import Cloud, local_cloud
from tests.support.command import lightkeeper
from tests.support.keeper import OTHER_REGION, REGION, Keeper

ROOT = Path(__file__).parents[2]
AT = ("--at", "2026-06-15T12:00:00Z")
CONFIG = ("--config", "settings.json")
PROFILES = f"""
[profile shop]
region = {REGION}
[profile agency]
region = {OTHER_REGION}
[profile "two words"]
region = {REGION}
[profile office]
sso_session = office
sso_account_id = 123456789012
sso_role_name = Backups
[sso-session office]
sso_region = {REGION}
sso_start_url = https://office.awsapps.com/start
"""
KEYS = """
[shop]
aws_access_key_id = AKIASHOP
aws_secret_access_key = shop
[agency]
aws_access_key_id = AKIAAGENCY
aws_secret_access_key = agency
"""


@pytest.fixture(autouse=True)
def folder(
    aws: Sandbox,  # noqa: ARG001 - what the command takes for AWS
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Path:
    """Stand in a folder with settings, with some profiles, and with other keys in the environment."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings.json").write_text("{}")
    (tmp_path / "config").write_text(PROFILES)
    (tmp_path / "credentials").write_text(KEYS)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT")
    return tmp_path


def without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", *AT),
        ("run", *CONFIG, *AT),
        ("take", "shop", *CONFIG, *AT),
        ("status", *AT),
        ("restore", "shop", "--dry-run"),
        ("recipe", "shop"),
    ],
)
def test_each_verb_works_with_the_keys_of_the_profile_and_no_others(keeper: Keeper, arguments: tuple[str, ...]) -> None:
    keeper.disk("shop", {"backup": "daily"})
    before = len(keeper.sandbox.calls())

    lightkeeper(*arguments, "--profile", "shop")

    assert {call.access_key_id for call in keeper.sandbox.calls()[before:]} == {"AKIASHOP"}


def test_the_next_command_is_as_before(keeper: Keeper) -> None:
    lightkeeper("plan", *AT, "--profile", "shop")
    before = len(keeper.sandbox.calls())
    lightkeeper("plan", *AT)

    assert {call.access_key_id for call in keeper.sandbox.calls()[before:]} == {"AKIAENVIRONMENT"}


def test_a_stack_is_looked_for_with_the_profile_and_in_its_region(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with local_cloud() as cloud:
        _deploy(cloud)
        for name, value in cloud.environment().items():
            monkeypatch.setenv(name, value)
        ended = lightkeeper("plan", "--stack", "Lightkeeper", "--profile", "agency", *AT)
        cloud.clear()

    using = f"lightkeeper: using the settings of the deployed stack Lightkeeper in {OTHER_REGION}\n"
    assert ended.err.startswith(using)
    assert ended.status == 0
    assert {call.access_key_id for call in keeper.sandbox.calls()} == {"AKIAAGENCY"}


def _deploy(cloud: Cloud) -> None:
    cloud.deploy("Lightkeeper", OTHER_REGION, {"LIGHTKEEPER": "{}"})


def test_a_profile_that_is_mistyped_is_answered_with_the_one_that_was_meant(keeper: Keeper) -> None:
    ended = lightkeeper("plan", "--profile", "shpo")

    assert (ended.status, ended.out) == (2, "")
    assert ended.err == (
        'lightkeeper: there is no AWS profile "shpo"; expected "agency", "office", "shop", "two words", or '
        '"aws configure --profile shpo" makes it; did you mean "shop"?\n'
    )
    assert keeper.sandbox.calls() == ()


def test_so_is_one_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "agncy")

    ended = lightkeeper("plan")

    assert ended.status == 1
    assert ended.err.endswith('did you mean "agency"?\n')


def test_without_credentials_the_command_says_how_to_get_some(monkeypatch: pytest.MonkeyPatch) -> None:
    without_keys(monkeypatch)

    ended = lightkeeper("plan")

    assert ended.status == 1
    assert '"aws configure" stores an access key, "aws sso login" logs in' in ended.err


def test_the_commands_name_the_profile_as_a_shell_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    without_keys(monkeypatch)

    ended = lightkeeper("plan", "--profile", "two words")

    assert "\"aws configure --profile 'two words'\" stores an access key" in ended.err


@pytest.mark.parametrize("verb", [("plan",), ("plan", "--stack", "Lightkeeper"), ("restore", "shop", "--dry-run")])
def test_who_is_not_logged_in_learns_how(verb: tuple[str, ...]) -> None:
    ended = lightkeeper(*verb, "--profile", "office")

    assert ended.status == 1
    assert ended.err.endswith('; log in again with "aws sso login --profile office"\n')


@pytest.mark.parametrize(
    ("code", "helps"),
    [
        ("ExpiredTokenException", 'they have expired: log in again with "aws sso login --profile shop"'),
        ("UnrecognizedClientException", 'AWS does not know this access key: "aws configure --profile shop"'),
        ("InvalidSignatureException", "the secret key does not fit the access key"),
    ],
)
def test_what_aws_refuses_ends_with_what_to_do(keeper: Keeper, code: str, helps: str) -> None:
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code=code)))

    ended = lightkeeper("status", "--profile", "shop", *AT)

    assert ended.status == 1
    assert helps in ended.err


def test_in_lambda_nobody_is_told_to_log_in(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "Lightkeeper")
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="ExpiredTokenException")))

    assert "aws sso login" not in lightkeeper("plan", *AT).err


def test_an_error_that_is_not_about_credentials_has_no_such_advice() -> None:
    assert what_helps("ServiceException", None) is None


# Node


@pytest.mark.parametrize("target", ["bootstrap", "deploy", "diff"])
def test_without_node_make_says_what_to_install(tmp_path: Path, target: str) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("there is no make")
    for name in ("Makefile", "package-lock.json", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    # All that make needs to get as far as Node, and a path on which there is none.
    for name in (".venv", ".uv/bin"):
        (tmp_path / name).mkdir(parents=True)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sed", "sh", "touch"):
        (tools / tool).symlink_to(shutil.which(tool) or "")

    command = [make, target, "--old-file", ".venv/ready", "SHELL=sh"]
    ended = subprocess.run(command, cwd=tmp_path, env={"PATH": str(tools)}, capture_output=True, text=True, check=False)  # noqa: S603 - the project's own

    assert ended.returncode == 2
    assert ended.stderr.startswith("There is no npm, which comes with Node.js")
    assert "Install Node.js 22 or newer" in ended.stderr
