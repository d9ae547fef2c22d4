"""`lightkeeper preview`: what `make deploy` shows before it asks."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from lightkeeper.fleet import FLEET_KEY
from lightkeeper.organization import MEMBER_ROLE_VARIABLE, ORGANIZATION_VARIABLE, RESULTS_VARIABLE, Organization
from lightkeeper.settings import Settings
from lightkeeper.times import format_instant
from lightkeeper_cli import account
from lightkeeper_cli.account import Account
from lightsail_sandbox.client import ErrorAnswer, FaultRule, Sandbox
from tests.support.cloud import Cloud, local_cloud
from tests.support.command import Ended, lightkeeper
from tests.support.fleet_rows import a_fleet, a_row
from tests.support.keeper import AWAY, DAY, OTHER_REGION, READS, REGION, Keeper

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


def test_the_copies_in_a_region_that_is_copied_to_no_more_are_counted(keeper: Keeper, cloud: Cloud) -> None:
    copies = {AWAY: {"schedule": "0 5 * * *", "keep": "daily=7"}}
    two_weeks(keeper, cloud, copies=copies)
    keeper.tag("shop", "backup:copy")
    keeper.live(2 * DAY)
    there = [entry for entry in keeper.sandbox.entries() if entry.region == AWAY]
    kept = preview(keeper, copies=copies)
    keeper.sandbox.clear_calls()

    ended = preview(keeper)

    assert len(there) == 2
    assert (ended.status, keeper.writes()) == (0, [])
    assert (
        f"\nNO LONGER copied to: {AWAY}. 2 copies there stay: no run looks after them any more, "
        "and they cost money until you delete them.\n"
    ) in ended.out
    assert preview(keeper, "--json").document["abandonedCopies"] == {AWAY: 2}
    assert "NO LONGER" not in kept.out


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


# Many accounts


CLINIC = "333333333333"
UNITS = {"units": ["ou-ab12-cd34ef56"]}
TWO = {"accounts": ["222222222222", CLINIC]}


def organized(cloud: Cloud, organization: Mapping[str, object] | None) -> None:
    """Deploy the stack for these accounts; None: for its own alone."""
    settings = Settings.from_mapping({"deployment": STACK}).to_env()
    if organization is None:
        cloud.deploy(STACK, REGION, settings)
        return
    lists = {ORGANIZATION_VARIABLE: Organization.from_mapping(organization).to_json()}
    own = {MEMBER_ROLE_VARIABLE: "Backups", RESULTS_VARIABLE: "results"}
    cloud.deploy(STACK, REGION, settings | own, lists=lists)


@pytest.mark.parametrize(
    ("before", "after", "starts", "stops"),
    [
        (TWO, TWO, [], []),
        (None, UNITS, ["unit ou-ab12-cd34ef56"], []),
        (None, TWO, ["account 222222222222", f"account {CLINIC}"], []),
        (TWO, None, [], ["account 222222222222", f"account {CLINIC}"]),
        (TWO, {"accounts": ["222222222222"]}, [], [f"account {CLINIC}"]),
        ({"accounts": ["222222222222"]}, TWO, [f"account {CLINIC}"], []),
        (UNITS, UNITS | {"except": [CLINIC]}, [], [f"account {CLINIC}"]),
        (UNITS | {"except": [CLINIC]}, UNITS, [f"account {CLINIC}"], []),
        (UNITS, {"units": ["ou-ab12-99999999"]}, ["unit ou-ab12-99999999"], ["unit ou-ab12-cd34ef56"]),
        (
            UNITS,
            TWO,
            ["account 222222222222", f"account {CLINIC}"],
            ["unit ou-ab12-cd34ef56, but for the accounts that are listed"],
        ),
        (
            {"accounts": [CLINIC]},
            UNITS,
            ["unit ou-ab12-cd34ef56"],
            [f"account {CLINIC}, unless it is in one of the units"],
        ),
        # The deployment's own, which is among those that are looked after unless it is left out.
        (TWO, TWO | {"except": [ACCOUNT]}, [], [f"account {ACCOUNT}"]),
        (None, UNITS | {"except": [ACCOUNT, CLINIC]}, ["unit ou-ab12-cd34ef56"], [f"account {ACCOUNT}"]),
        (TWO | {"except": [ACCOUNT]}, TWO, [f"account {ACCOUNT}"], []),
        # It was not looked after before either.
        (TWO, TWO | {"except": ["444444444444"]}, [], []),
    ],
)
def test_which_accounts_begin_and_cease_to_be_looked_after(  # noqa: PLR0917 - before and after, and what it comes to
    keeper: Keeper,
    cloud: Cloud,
    before: dict[str, object] | None,
    after: dict[str, object] | None,
    starts: list[str],
    stops: list[str],
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    role = {"roleName": "Backups"}
    organized(cloud, before and before | role)

    document = preview(keeper, "--json", organization=after and after | role).document

    assert document["accounts"] == {"starts": starts, "stops": stops, "role": None}


def test_a_deployment_of_one_account_that_stays_one_is_not_told_of_any(keeper: Keeper, cloud: Cloud) -> None:
    organized(cloud, None)

    ended, document = preview(keeper), preview(keeper, "--json").document

    assert document["accounts"] is None
    assert "account" not in ended.out.partition("\n")[2]


def test_accounts_whose_backups_stop_are_named_as_the_last_run_knew_them(keeper: Keeper, cloud: Cloud) -> None:
    organized(cloud, TWO)
    cloud.put("results", FLEET_KEY, a_fleet(a_row(CLINIC, "Clinic")).to_json(), REGION)

    ended = preview(keeper, organization={"accounts": ["222222222222"], "roleName": "Backups"})

    assert ended.status == 0
    stops = "NO LONGER looked after: no snapshot is taken there any more, and none is deleted:"
    assert f"{stops}\n  account Clinic ({CLINIC})\n" in ended.out
    assert f'organization.accounts: ["222222222222", "{CLINIC}"] -> ["222222222222"]' in ended.out
    plan = "lightkeeper plan --config shop.json --account ID"
    assert f"Only this account's sources are compared. What the next run would do in another one: {plan}" in ended.out


def test_a_role_of_another_name_keeps_lightkeeper_out_until_it_is_there(keeper: Keeper, cloud: Cloud) -> None:
    organized(cloud, TWO | {"roleName": "Old"})

    ended = preview(keeper, organization=TWO | {"roleName": "New"})

    assert "The role in each account is another one: Old -> New.\n" in ended.out
    assert "Until make deploy-members" in ended.out


@pytest.mark.parametrize(
    "lists", [None, {}, {ORGANIZATION_VARIABLE: "{"}, {ORGANIZATION_VARIABLE: '{"colour": "red"}'}]
)
def test_where_it_cannot_be_read_which_accounts_there_are_nothing_is_said_to_begin_or_cease(
    keeper: Keeper, cloud: Cloud, lists: dict[str, str] | None
) -> None:
    own = {MEMBER_ROLE_VARIABLE: "Backups", RESULTS_VARIABLE: "results"}
    cloud.deploy(STACK, REGION, Settings.from_mapping({"deployment": STACK}).to_env() | own, lists=lists)

    ended = preview(keeper, organization=TWO)

    assert ended.status == 0
    assert "beside what is deployed; but " in ended.out.partition("\n")[0]
    assert "ooked after" not in ended.out


def test_an_organization_that_is_wrong_is_no_organization_that_is_gone(keeper: Keeper, cloud: Cloud) -> None:
    organized(cloud, TWO)

    ended = preview(keeper, organization={"accounts": ["1"]})

    assert (ended.status, ended.out) == (2, "")
    assert 'shop.json: organization.accounts: "1" is not an id' in ended.err
