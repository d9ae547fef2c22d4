"""`lightkeeper preview`: what `make deploy` shows before it asks."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from lightkeeper.times import format_instant
from lightkeeper_cli import account
from lightkeeper_cli.account import Account
from lightsail_sandbox.client import ErrorAnswer, FaultRule, Sandbox
from tests.support.cloud import Cloud, local_cloud
from tests.support.command import Ended, lightkeeper
from tests.support.keeper import DAY, OTHER_REGION, READS, REGION, Keeper

STACK = "Shop-Backups"
ACCOUNT = "123456789012"
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def _cloud() -> Iterator[Cloud]:
    with local_cloud() as cloud:
        yield cloud


@pytest.fixture
def cloud(_cloud: Cloud, aws: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """CloudFormation and Lambda, with nothing deployed; stand in an empty folder."""
    del aws
    monkeypatch.chdir(tmp_path)
    for name, value in _cloud.environment().items():
        monkeypatch.setenv(name, value)
    yield _cloud
    _cloud.clear()


def preview(keeper: Keeper, *arguments: str, **settings: object) -> Ended:
    """Preview settings in a file, at the sandbox's time."""
    Path("shop.json").write_text(json.dumps({"deployment": STACK} | settings), encoding="utf-8")
    at = format_instant(keeper.sandbox.now())
    return lightkeeper("preview", "--config", "shop.json", "--at", at, *arguments)


def two_weeks(keeper: Keeper, cloud: Cloud, **settings: object) -> None:
    """Let the deployment back up a disk for two weeks."""
    keeper.configure(deployment=STACK, **settings)
    cloud.deploy(STACK, REGION, keeper.settings.to_env())
    keeper.disk("shop", {"backup": "daily"})
    keeper.run()
    keeper.live(14 * DAY)
    keeper.sandbox.advance(HOUR)  # nothing is pending any more


def test_settings_that_keep_less_show_what_goes_and_when_and_nothing_is_changed(keeper: Keeper, cloud: Cloud) -> None:
    two_weeks(keeper, cloud)
    before = keeper.snapshots()
    keeper.sandbox.clear_calls()

    ended = preview(keeper, grace="0d", policies={"daily": {"schedule": "0 3 * * *", "keep": "daily=3"}})

    assert (ended.status, ended.err) == (0, "lightkeeper: using the settings in shop.json\n")
    assert ended.out.startswith(f"Account {ACCOUNT}, {REGION}; {STACK} in {REGION}, beside what is deployed\n\n")
    assert 'grace: "1d" -> "0d"\n' in ended.out
    assert 'policies.daily.keep: "daily=7 weekly=4" -> "daily=3"\n' in ended.out
    going = [line for line in ended.out.splitlines() if ": stays -> goes from " in line]
    assert going
    assert "\n  kept: 9 -> 3\n" in ended.out
    assert "In all: 9 -> 3 snapshots kept. Stayed and will go: 6; " in ended.out
    assert all(line.split(",")[0].strip() in before for line in going)
    assert ended.out.endswith("So far nothing has been changed.\n")
    assert keeper.snapshots() == before
    assert keeper.writes() == []


def test_the_first_line_names_the_account_that_the_credentials_are_of(
    keeper: Keeper, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    del cloud
    monkeypatch.setattr(account, "ask_account", lambda _: lambda _: Account("210987654321", "another-customer"))

    ended = preview(keeper)

    assert ended.out.startswith(f"Account 210987654321 (another-customer), {REGION}; {STACK} in {REGION}, there is no ")


def test_what_is_shown_is_what_the_next_runs_do(keeper: Keeper, cloud: Cloud) -> None:
    two_weeks(keeper, cloud)
    changes: dict[str, object] = {"grace": "2h", "policies": {"daily": {"schedule": "0 3 * * *", "keep": "daily=3"}}}

    document = preview(keeper, "--json", **changes).document

    assert (document["account"], document["regions"]) == (ACCOUNT, [REGION])
    (shop,) = document["sources"]
    stays = {each["name"] for each in shop["snapshots"] if each["goes"]["after"] is None}
    assert shop["kept"]["after"] == document["kept"]["after"] == len(stays)
    keeper.configure(**changes, maxDeletesPerSource=100)
    keeper.run()
    keeper.live(3 * HOUR, HOUR)
    assert set(keeper.snapshots()) == stays


def test_every_list_is_read_once(keeper: Keeper, cloud: Cloud) -> None:
    two_weeks(keeper, cloud)
    keeper.sandbox.clear_calls()

    assert preview(keeper, grace="3d").status == 0

    asked = [call.operation for call in keeper.sandbox.calls() if call.parameters.get("pageToken") is None]
    assert sorted(asked) == sorted(READS)


def test_the_same_settings_change_nothing(keeper: Keeper, cloud: Cloud) -> None:
    two_weeks(keeper, cloud)

    ended = preview(keeper)

    assert "->" not in ended.out.partition("In all")[0]
    assert "Not changed: 1 source.\n" in ended.out


def test_a_first_deployment_shows_what_it_will_take_and_what_it_finds(keeper: Keeper, cloud: Cloud) -> None:
    two_weeks(keeper, cloud)
    cloud.clear()  # destroyed: its snapshots stay
    keeper.disk("blog", {"backup": "daily"})

    ended = preview(keeper)

    assert ended.status == 0
    assert ended.out.startswith(
        f"Account {ACCOUNT}, {REGION}; {STACK} in {REGION}, there is no such stack yet: this is "
    )
    assert f"blog (disk, {REGION})\n  backed up: no: nothing is deployed -> daily, " in ended.out
    assert "  the next run takes a snapshot of it: no -> yes\n  kept: 0 -> 0\n" in ended.out
    assert "The next run takes 0 -> 1 snapshots.\n" in ended.out


def test_a_stack_whose_first_deployment_was_answered_with_no_is_none_yet(keeper: Keeper, cloud: Cloud) -> None:
    keeper.disk("shop", {"backup": "daily"})
    cloud.propose(STACK, REGION)

    ended = preview(keeper)

    assert ended.status == 0
    assert f"{STACK} in {REGION}, there is no such stack yet: this is " in ended.out
    assert "The next run takes 0 -> 1 snapshots.\n" in ended.out


def test_a_deployment_under_a_new_name_is_told_whose_snapshots_it_would_leave_behind(
    keeper: Keeper, cloud: Cloud
) -> None:
    two_weeks(keeper, cloud)
    there = len(keeper.snapshots())

    renamed = preview(keeper, deployment="Shop")

    assert (
        f"Other deployments have snapshots here: {STACK} {there}.\n"
        'This one leaves them alone. If it is one of those under a new name, keep the old one in "deployment".\n'
    ) in renamed.out
    assert preview(keeper, "--json", deployment="Shop").document["otherDeployments"] == {STACK: there}
    assert "Other deployments" not in preview(keeper).out, "they are its own"


def test_a_region_that_the_new_settings_leave_out_is_shown(two_regions: Keeper, cloud: Cloud) -> None:
    keeper = two_regions
    keeper.configure(deployment=STACK, regions=[REGION, OTHER_REGION])
    cloud.deploy(STACK, REGION, keeper.settings.to_env())
    keeper.disk("far", {"backup": "daily"}, OTHER_REGION)
    keeper.run()

    ended = preview(keeper, regions=[REGION])

    assert ended.out.startswith(f"Account {ACCOUNT}, {REGION}, {OTHER_REGION}; {STACK} in {REGION}, ")
    assert f"far (disk, {OTHER_REGION})\n  backed up: daily, " in ended.out
    assert " -> no: its Region is not looked after\n" in ended.out
    assert "  kept: 1 -> 1\n" in ended.out


def test_a_list_that_cannot_be_read_is_named_and_ends_it_with_1(keeper: Keeper, cloud: Cloud) -> None:
    two_weeks(keeper, cloud)
    keeper.sandbox.add_faults(FaultRule(operation="GetDisks", effect=ErrorAnswer(code="AccessDeniedException")))

    ended = preview(keeper)

    assert ended.status == 1
    assert f"could not be read, so what is there is not in the figures: {REGION}: GetDisks: " in ended.out


def test_a_stack_whose_settings_cannot_be_read_does_not_stop_its_repair(keeper: Keeper, cloud: Cloud) -> None:
    cloud.deploy(STACK, REGION, {"LIGHTKEEPER": '{"grace": "soon"}'})
    keeper.disk("shop", {"backup": "daily"})

    ended = preview(keeper)

    assert ended.status == 0
    assert f'beside nothing, for what is deployed cannot be read: the stack "{STACK}": grace: "soon" ' in ended.out


def test_where_aws_refuses_to_say_what_is_deployed_one_sentence_says_so(keeper: Keeper, cloud: Cloud) -> None:
    cloud.server.refused.add("DescribeStacks")

    ended = preview(keeper)

    assert (ended.status, ended.out) == (1, "")
    assert ended.err.splitlines()[-1].startswith("lightkeeper: DescribeStacks: AccessDenied: ")
    assert len(ended.err.splitlines()) == 2


def test_without_a_region_there_is_no_preview_and_one_sentence(
    keeper: Keeper, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    del cloud
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)

    ended = preview(keeper)

    assert (ended.status, ended.out) == (1, "")
    assert ended.err.splitlines()[-1].endswith("expected AWS_REGION to name one")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "shop.json: No such file or directory; expected a readable file of settings"),
        ("{", "shop.json: not JSON "),
        ('{"grace": "soon"}', 'shop.json: grace: "soon" '),
    ],
)
def test_a_wrong_file_is_named_and_ends_it_with_2(cloud: Cloud, text: str | None, sentence: str) -> None:
    del cloud
    if text is not None:
        Path("shop.json").write_text(text, encoding="utf-8")

    ended = lightkeeper("preview", "--config", "shop.json")

    assert ended.status == 2
    assert ended.err.startswith(f"lightkeeper: {sentence}")
