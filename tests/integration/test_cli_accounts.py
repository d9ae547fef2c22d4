"""One account of many, from the command line: whoever names one works in that one, and in no other."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import boto3
import pytest
from typer.core import TyperGroup
from typer.main import get_command

from lightkeeper.fleet import FLEET_KEY
from lightkeeper.organization import MEMBER_ROLE_VARIABLE, RESULTS_VARIABLE
from lightkeeper.settings import Settings
from lightkeeper.times import format_instant
from lightkeeper_cli import recipe, restoring
from lightkeeper_cli.main import app
from lightkeeper_cli.members import Caller
from lightkeeper_cli.settings import choose
from lightsail_sandbox.client import Sandbox, Seed
from tests.support.cloud import Cloud, local_cloud
from tests.support.command import lightkeeper
from tests.support.fleet_rows import a_fleet, a_row
from tests.support.keeper import DAY, REGION

AT = ("--at", "2026-06-15T12:00:00Z")
STACK = "Lightkeeper"
ROLE = "Lightkeeper-member"
BUCKET = "results-that-a-command-reads"
HUB, SHOP, CLINIC = "123456789012", "222222222222", "333333333333"
IN_SHOP = ("--stack", STACK, "--account", SHOP)
OPERATOR = f"arn:aws:iam::{SHOP}:role/{ROLE}-operator"


@pytest.fixture(scope="module")
def _cloud() -> Iterator[Cloud]:
    with local_cloud() as cloud:
        yield cloud


@pytest.fixture
def cloud(_cloud: Cloud, aws: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Cloud]:
    """An organization's deployment in the hub account; its role for people is in the account SHOP, and in no other."""
    monkeypatch.chdir(tmp_path)
    for name, value in _cloud.environment().items():
        monkeypatch.setenv(name, value)
    aws.set_options(sts_url=_cloud.url, snapshot_seconds=0, disk_seconds=0)
    for module in (restoring, recipe):
        monkeypatch.setattr(module, "clock", aws.now)
    _cloud.deploy(STACK, REGION, variables())
    _cloud.server.trusts[OPERATOR] = STACK
    yield _cloud
    _cloud.clear()


def variables(**settings: object) -> dict[str, str]:
    given = {MEMBER_ROLE_VARIABLE: ROLE, RESULTS_VARIABLE: BUCKET}
    return Settings.from_mapping(settings).to_env() | given


def disk(sandbox: Sandbox, name: str, account: str, policy: str = "daily") -> None:
    born = sandbox.now() - 100 * DAY
    sandbox.seed(
        [Seed(kind="Disk", name=name, region=REGION, tags={"backup": policy}, created_at=born, account=account)]
    )


def snapshots(sandbox: Sandbox) -> dict[str, list[str]]:
    """Return the sources of all snapshots, by account."""
    found: dict[str, list[str]] = {}
    for entry in sandbox.entries():
        if entry.state is not None:
            found.setdefault(entry.account, []).append(entry.source_name or "")
    return found


def accounts(sandbox: Sandbox, after: int = 0) -> set[str]:
    """Return the accounts in which there have been calls."""
    return {call.account for call in sandbox.calls(after)}


def verbs_that_read_lightsail() -> list[str]:
    """Return all verbs that can be pointed at Regions."""
    commands = get_command(app)
    assert isinstance(commands, TyperGroup)
    return [name for name, each in commands.commands.items() if any("--region" in of.opts for of in each.params)]


# Every verb, in that account and in no other

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "plan": AT,
    "run": AT,
    "take": ("data", *AT),
    "status": AT,
    "snapshots": AT,
    "rescue": ("data", "--yes"),
    "recipe": ("data",),
    "restore": ("data", "--yes"),
}


@pytest.mark.parametrize("verb", verbs_that_read_lightsail())
def test_every_verb_works_in_the_account_that_is_named_and_in_no_other(cloud: Cloud, aws: Sandbox, verb: str) -> None:
    disk(aws, "data", HUB)
    disk(aws, "data", SHOP)
    lightkeeper("run", *IN_SHOP, *AT)
    before = aws.calls()[-1].number

    ended = lightkeeper(verb, *ARGUMENTS[verb], *IN_SHOP)

    assert accounts(aws, before) == {SHOP}, ended.err
    assert f"working in the account {SHOP}, by its role {ROLE}-operator" in ended.err
    assert {session.rpartition("/")[0] for session in cloud.server.sessions} == {OPERATOR}


def test_a_run_there_takes_a_snapshot_there_and_none_of_what_has_the_same_name_here(cloud: Cloud, aws: Sandbox) -> None:
    for account in (HUB, SHOP, CLINIC):
        disk(aws, "data", account)

    ended = lightkeeper("run", *IN_SHOP, *AT)

    assert ended.status == 0
    assert snapshots(aws) == {SHOP: ["data"]}
    assert cloud.server.asked.count("AssumeRole") == 1


def test_what_a_restore_makes_is_made_there(cloud: Cloud, aws: Sandbox) -> None:
    del cloud
    disk(aws, "data", HUB)
    disk(aws, "data", SHOP)
    lightkeeper("run", *IN_SHOP, *AT)
    aws.advance(DAY)

    ended = lightkeeper("restore", "data", *IN_SHOP, "--as", "back", "--yes")

    assert ended.status == 0, ended.err
    assert [entry.account for entry in aws.entries() if entry.name == "back"] == [SHOP]


def test_an_account_that_has_no_such_source_is_not_looked_for_elsewhere(cloud: Cloud, aws: Sandbox) -> None:
    del cloud
    disk(aws, "only-here", HUB)

    ended = lightkeeper("take", "only-here", *IN_SHOP, *AT)

    assert ended.status != 0
    assert snapshots(aws) == {}


@pytest.mark.parametrize("verb", ["plan", "status", "snapshots"])
def test_the_account_stands_above_all_and_in_the_document(cloud: Cloud, aws: Sandbox, verb: str) -> None:
    cloud.put(BUCKET, FLEET_KEY, a_fleet(a_row(SHOP, "Shop"), a_row(HUB, "Hub")).to_json(), REGION)
    disk(aws, "data", SHOP)

    shown, document = lightkeeper(verb, *IN_SHOP, *AT).out, lightkeeper(verb, *IN_SHOP, *AT, "--json").document

    assert f"Account {SHOP} (Shop), {REGION}" in shown.partition("\n\n")[0]
    assert (document["account"], document["alias"]) == (SHOP, None)


def test_even_where_there_is_nothing_the_account_is_known(cloud: Cloud) -> None:
    del cloud

    assert lightkeeper("plan", *IN_SHOP, *AT, "--json").document["account"] == SHOP


def test_without_the_option_it_is_the_account_of_the_credentials_and_says_so(cloud: Cloud, aws: Sandbox) -> None:
    disk(aws, "data", HUB)
    disk(aws, "data", SHOP)

    ended = lightkeeper("run", "--stack", STACK, *AT)

    assert snapshots(aws) == {HUB: ["data"]}
    assert "only the account of your credentials is looked at; --account ID names another" in ended.err
    assert "AssumeRole" not in cloud.server.asked


def test_a_deployment_of_one_account_is_not_told_of_others(cloud: Cloud) -> None:
    cloud.deploy("Single", REGION, Settings().to_env())

    assert "--account" not in lightkeeper("plan", "--stack", "Single", *AT).err


def test_the_caller_s_own_account_takes_no_role(cloud: Cloud, aws: Sandbox) -> None:
    disk(aws, "data", HUB)
    disk(aws, "data", SHOP)

    ended = lightkeeper("run", "--stack", STACK, "--account", HUB, *AT)

    assert ended.status == 0
    assert snapshots(aws) == {HUB: ["data"]}
    assert "AssumeRole" not in cloud.server.asked


def test_nor_does_it_take_an_organization(cloud: Cloud, aws: Sandbox) -> None:
    cloud.deploy("Single", REGION, Settings().to_env())
    disk(aws, "data", HUB)

    ended = lightkeeper("run", "--stack", "Single", "--account", HUB, *AT)

    assert (ended.status, snapshots(aws)) == (0, {HUB: ["data"]})


def test_the_next_command_is_as_before(cloud: Cloud, aws: Sandbox) -> None:
    del cloud
    disk(aws, "data", HUB)
    lightkeeper("plan", *IN_SHOP, *AT)
    before = aws.calls()[-1].number

    lightkeeper("plan", "--stack", STACK, *AT)

    assert accounts(aws, before) == {HUB}


# Whose credentials


def test_a_profile_s_credentials_let_the_caller_in_and_its_region_stays(
    cloud: Cloud, aws: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text(f"[profile agency]\nregion = {REGION}\n")
    (tmp_path / "credentials").write_text("[agency]\naws_access_key_id = AKIAAGENCY\naws_secret_access_key = agency\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    disk(aws, "data", HUB)
    disk(aws, "data", SHOP)

    ended = lightkeeper("run", *IN_SHOP, "--profile", "agency", *AT)

    assert (ended.status, snapshots(aws)) == (0, {SHOP: ["data"]}), ended.err
    assert cloud.server.sessions == [f"{OPERATOR}/moto"]


def test_nothing_of_the_caller_s_credentials_is_left_in_force(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    del cloud
    soon = format_instant(datetime.now(UTC) + timedelta(minutes=30))  # noqa: TID251 - botocore compares with it
    for name, value in (("AWS_SESSION_TOKEN", "mine"), ("AWS_CREDENTIAL_EXPIRATION", soon), ("AWS_ACCOUNT_ID", HUB)):
        monkeypatch.setenv(name, value)

    with mock.patch.dict(os.environ):
        chosen = choose(None, STACK, SHOP, quietly=True)
        found, account = boto3.Session().get_credentials(), os.environ.get("AWS_ACCOUNT_ID")

    assert chosen.member
    assert found is not None
    assert type(found).__name__ == "Credentials", "they do not end when those of the caller do"
    assert found.access_key.startswith("ASIA")
    assert found.token != "mine"  # noqa: S105 - the caller's, in this story
    assert account is None


# Which deployment


def test_the_settings_file_names_the_role_where_it_has_an_organization(cloud: Cloud, aws: Sandbox) -> None:
    settings = {"deployment": "Nightly", "organization": {"accounts": [SHOP], "roleName": "Backups"}}
    Path("cdk.json").write_text(json.dumps({"lightkeeper": settings}), encoding="utf-8")
    cloud.server.trusts[f"arn:aws:iam::{SHOP}:role/Backups-operator"] = "Nightly"
    disk(aws, "data", SHOP)

    ended = lightkeeper("run", "--account", SHOP, *AT)

    assert ended.status == 0, ended.err
    assert snapshots(aws) == {SHOP: ["data"]}


def test_what_is_wrong_with_the_organization_of_a_file_matters_to_who_names_an_account_only(cloud: Cloud) -> None:
    Path("cdk.json").write_text('{"lightkeeper": {"organization": {"accounts": ["1"]}}}', encoding="utf-8")

    without, named = lightkeeper("plan", *AT), lightkeeper("plan", "--account", SHOP, *AT)

    assert without.status == 0
    assert (named.status, named.out) == (2, "")
    assert 'cdk.json: organization.accounts: "1" is not an id' in named.err
    assert "AssumeRole" not in cloud.server.asked


# Who


@pytest.mark.parametrize(
    ("arn", "session"),
    [
        ("arn:aws:iam::123456789012:user/alice", "alice"),
        ("arn:aws:iam::123456789012:user/staff/alice", "alice"),
        ("arn:aws:sts::123456789012:assumed-role/Admin/alice@example.com", "alice@example.com"),
        ("arn:aws:iam::123456789012:root", "root"),
        ("arn:aws:iam::123456789012:user/x", "user-x"),
        ("arn:aws:sts::123456789012:federated-user/Renée Ünal", "Ren-e-nal"),
        (f"arn:aws-cn:iam::123456789012:user/{'long' * 30}", "long" * 16),
    ],
)
def test_the_session_is_named_after_the_caller(arn: str, session: str) -> None:
    caller = Caller.of(arn)

    assert (caller.account, caller.partition, caller.session) == ("123456789012", arn.split(":")[1], session)


def test_cloudtrail_there_will_say_who_it_was(cloud: Cloud) -> None:
    lightkeeper("plan", *IN_SHOP, *AT)

    # As moto calls whoever has no user.
    assert cloud.server.sessions == [f"{OPERATOR}/moto"]


# What is refused


@pytest.mark.parametrize("account", ["12345678901", "1234567890123", "Shop", "", "12345678901x", "\u0661" * 12])
def test_what_is_no_id_is_refused_before_anything_is_asked(cloud: Cloud, aws: Sandbox, account: str) -> None:
    ended = lightkeeper("run", "--stack", STACK, "--account", account, *AT)

    assert (ended.status, ended.out) == (2, "")
    assert f'--account "{account}" is not the id of an account; expected its 12 digits' in ended.err
    assert (set(cloud.server.asked), aws.calls()) == ({"CreateStack"}, ())


@pytest.mark.parametrize("verb", ["run", "plan", "restore"])
def test_an_account_that_lets_nobody_in_is_answered_with_a_sentence(cloud: Cloud, aws: Sandbox, verb: str) -> None:
    disk(aws, "data", HUB)
    disk(aws, "data", CLINIC)
    arguments = ("data", "--yes") if verb == "restore" else AT

    ended = lightkeeper(verb, "--stack", STACK, "--account", CLINIC, *arguments)

    assert (ended.status, ended.out) == (1, "")
    for words in (
        f"the account {CLINIC} does not let you in: it has no role {ROLE}-operator for the deployment {STACK}",
        "`make deploy-members`",
        "permission for sts:AssumeRole",
    ):
        assert words in ended.err
    assert "Traceback" not in ended.err
    assert aws.calls() == (), "nowhere, not even in the caller's own account"
    assert cloud.server.asked.count("AssumeRole") == 1


def test_a_role_that_trusts_another_deployment_lets_nobody_in(cloud: Cloud, aws: Sandbox) -> None:
    cloud.server.trusts[OPERATOR] = "Another"

    ended = lightkeeper("run", *IN_SHOP, *AT)

    assert (ended.status, aws.calls()) == (1, ())
    assert f"the account {SHOP} does not let you in" in ended.err


def test_a_deployment_of_its_own_account_alone_has_no_other(cloud: Cloud, aws: Sandbox) -> None:
    cloud.deploy("Single", REGION, Settings().to_env())

    ended = lightkeeper("run", "--stack", "Single", "--account", SHOP, *AT)

    assert (ended.status, ended.out, aws.calls()) == (2, "", ())
    for words in (f"--account {SHOP}", f"of the account {HUB}", '"organization"', "--profile NAME"):
        assert words in ended.err


def test_without_any_settings_there_is_no_other_account(cloud: Cloud, aws: Sandbox) -> None:
    del cloud

    ended = lightkeeper("plan", "--account", SHOP, *AT)

    assert (ended.status, ended.out, aws.calls()) == (2, "", ())
    assert 'expected a deployment with "organization"' in ended.err


def test_who_cannot_say_who_they_are_gets_no_further(cloud: Cloud, aws: Sandbox) -> None:
    cloud.server.refused.add("GetCallerIdentity")

    ended = lightkeeper("run", *IN_SHOP, *AT)

    assert (ended.status, ended.out, aws.calls()) == (1, "", ())
    assert "GetCallerIdentity: AccessDenied" in ended.err


@pytest.mark.parametrize(
    ("organization", "warning"),
    [
        ({"accounts": [CLINIC]}, f'{SHOP} is not in "accounts" of "organization": no run looks after it'),
        (
            {"units": ["ou-ab12-cd34ef56"], "except": [SHOP]},
            f'{SHOP} is in "except" of "organization": no run looks after it',
        ),
        ({"accounts": [SHOP]}, None),
        ({"units": ["ou-ab12-cd34ef56"]}, None),
    ],
)
def test_an_account_that_no_run_looks_after_is_told_and_worked_in_all_the_same(
    cloud: Cloud, aws: Sandbox, organization: dict[str, object], warning: str | None
) -> None:
    Path("cdk.json").write_text(json.dumps({"lightkeeper": {"organization": organization}}), encoding="utf-8")
    del cloud
    disk(aws, "data", SHOP)

    ended = lightkeeper("run", "--account", SHOP, *AT)

    assert (ended.status, snapshots(aws)) == (0, {SHOP: ["data"]})
    assert ("no run looks after it" in ended.err) == (warning is not None)
    assert (warning or "") in ended.err


@pytest.mark.parametrize(("listed", "is_told"), [(SHOP, False), (CLINIC, True)])
def test_with_a_stack_the_last_run_says_which_accounts_are_looked_after(
    cloud: Cloud, listed: str, *, is_told: bool
) -> None:
    cloud.put(BUCKET, FLEET_KEY, a_fleet(a_row(listed), a_row(HUB)).to_json(), REGION)

    ended = lightkeeper("plan", *IN_SHOP, *AT)

    assert ended.status == 0
    assert (f"{SHOP} was not among the accounts of the last run: no run looks after it" in ended.err) is is_told


def test_a_bucket_that_cannot_be_read_is_no_obstacle(cloud: Cloud, aws: Sandbox) -> None:
    disk(aws, "data", SHOP)
    cloud.put(BUCKET, FLEET_KEY, "of another release", REGION)

    assert lightkeeper("run", *IN_SHOP, *AT).status == 0


def test_a_check_says_in_its_line_that_an_account_lets_nobody_in(cloud: Cloud) -> None:
    del cloud

    ended = lightkeeper("status", "--check", "--stack", STACK, "--account", CLINIC, *AT)

    assert (ended.status, ended.err) == (3, "")
    assert ended.out.startswith(f"UNKNOWN: the account {CLINIC} does not let you in")


# What is to be pasted


def test_a_command_that_helps_names_the_deployment_and_the_account(cloud: Cloud, aws: Sandbox) -> None:
    del cloud
    disk(aws, "data", SHOP)

    ended = lightkeeper("status", *IN_SHOP, "--at", "2026-06-20T12:00:00Z")

    assert ended.status == 3
    take = f"lightkeeper take data --kind disk --region {REGION} --stack {STACK} --account {SHOP}"
    assert f"AWS_REGION={REGION} {take}" in ended.out


def test_a_command_of_the_aws_cli_cannot_change_what_has_the_same_name_in_another_account(
    cloud: Cloud, aws: Sandbox
) -> None:
    del cloud
    disk(aws, "data", SHOP, policy="dialy")

    for verb in ("plan", "run", "status"):
        ended = lightkeeper(verb, *IN_SHOP, *AT)
        (command,) = (line for line in ended.out.splitlines() if "lightsail tag-resource" in line)
        assert command.strip().startswith(f"aws --profile {SHOP} lightsail tag-resource ")
        assert f'"aws --profile {SHOP}" above is a profile with credentials of that account' in ended.err


def test_in_one_s_own_account_it_is_as_ever(cloud: Cloud, aws: Sandbox) -> None:
    del cloud
    disk(aws, "data", HUB, policy="dialy")

    ended = lightkeeper("plan", "--stack", STACK, "--account", HUB, *AT)

    (command,) = (line for line in ended.out.splitlines() if "aws lightsail tag-resource" in line)
    assert "--profile" not in command + ended.err


def test_nor_can_what_a_restore_leaves_to_be_done_by_hand(cloud: Cloud, aws: Sandbox) -> None:
    del cloud
    born = aws.now() - 100 * DAY
    for account in (HUB, SHOP):
        seed = Seed(kind="RelationalDatabase", name="till", tags={"backup": "daily"}, created_at=born, account=account)
        aws.seed([seed])
    aws.set_options(database_seconds=0)
    lightkeeper("run", *IN_SHOP, *AT)
    aws.advance(DAY)

    ended = lightkeeper("restore", "till", *IN_SHOP, "--yes")

    assert ended.status == 0, ended.err
    words = " ".join(ended.out.split())
    assert f"aws --profile {SHOP} lightsail get-relational-database-master-user-password" in words
    assert "aws lightsail" not in words
    assert f'"aws --profile {SHOP}" above is a profile' in ended.err


def test_another_restore_that_is_suggested_is_one_there(cloud: Cloud, aws: Sandbox) -> None:
    del cloud
    named = f"lightkeeper restore --stack {STACK} --account {SHOP} "
    aws.set_options(boot_seconds=0, health_seconds=0)
    for account in (HUB, SHOP):
        instance = Seed(kind="Instance", name="web", tags={"backup": "daily"}, account=account)
        attached = Seed(kind="Disk", name="data", tags={"backup": "daily"}, attached_to="web", account=account)
        aws.seed([instance, attached])
    lightkeeper("run", *IN_SHOP, *AT)
    aws.advance(2 * DAY)
    lightkeeper("take", "data", "--stack", STACK, "--account", SHOP, "--at", "2026-06-17T12:00:00Z")
    aws.advance(DAY)

    ended = lightkeeper("restore", "--all", "--dry-run", *IN_SHOP)

    words = " ".join(ended.out.split())
    assert named in words, words
    assert "lightkeeper restore " not in words.replace(named, "")
