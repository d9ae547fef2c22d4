"""`lightkeeper status` of an organization's deployment: how all accounts stand, by what the last run has left."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from lightkeeper.fleet import FLEET_KEY, AccountState, Fleet, FleetRow
from lightkeeper.organization import MEMBER_ROLE_VARIABLE, RESULTS_VARIABLE
from lightkeeper.settings import Settings
from lightkeeper.times import format_instant
from lightsail_sandbox.client import Sandbox
from tests.support.cloud import Cloud, local_cloud
from tests.support.command import Ended, lightkeeper
from tests.support.fleet_rows import a_fleet, a_row
from tests.support.inventories import NOW
from tests.support.keeper import REGION

STACK = "Lightkeeper"
BUCKET = "results-that-a-command-reads"
HUB, SHOP, CLINIC, FARM = "123456789012", "222222222222", "333333333333", "444444444444"
HOUR = timedelta(hours=1)
GOOD = (a_row(HUB, "Hub"), a_row(SHOP, "Shop"))
TROUBLE = a_row(CLINIC, "Clinic", AccountState.TROUBLE)
UNKNOWN = a_row(FARM, "Farm", AccountState.UNKNOWN)
LOST = a_row(CLINIC, "Clinic", AccountState.NOT_ONBOARDED)
NEW = a_row(FARM, "Farm", AccountState.NOT_ONBOARDED, was_seen=False)
EMPTY = a_row(FARM, "Farm", AccountState.EMPTY)


@pytest.fixture(scope="module")
def _cloud() -> Iterator[Cloud]:
    with local_cloud() as cloud:
        cloud.deploy(STACK, REGION, variables())
        yield cloud
        cloud.clear()


@pytest.fixture
def cloud(_cloud: Cloud, aws: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Cloud]:
    """An organization's deployment that has made no run yet."""
    del aws
    monkeypatch.chdir(tmp_path)
    for name, value in _cloud.environment().items():
        monkeypatch.setenv(name, value)
    yield _cloud
    _cloud.server.refused.clear()
    _cloud.empty_buckets()


def variables(**settings: object) -> dict[str, str]:
    given = {MEMBER_ROLE_VARIABLE: "Lightkeeper-member", RESULTS_VARIABLE: BUCKET}
    return Settings.from_mapping(settings).to_env() | given


def status(*arguments: str, stack: str = STACK, at: datetime = NOW + timedelta(minutes=25)) -> Ended:
    return lightkeeper("status", "--stack", stack, "--at", format_instant(at), *arguments)


def after(cloud: Cloud, fleet: Fleet) -> Cloud:
    """Let a run leave that document."""
    cloud.put(BUCKET, FLEET_KEY, fleet.to_json(), REGION)
    return cloud


def test_it_prints_the_accounts_worst_first_with_the_sentence_and_the_age(cloud: Cloud, aws: Sandbox) -> None:
    after(cloud, a_fleet(*GOOD, TROUBLE, UNKNOWN))

    ended = status()

    lines = ended.out.splitlines()
    assert lines[0] == "1 account with trouble, 1 unknown; 2 of 4 accounts protected."
    assert "Deployment Lightkeeper, 4 accounts; as of 2026-06-15 12:00, 25 minutes ago; times in UTC" in lines
    table = [line.split()[0] for line in lines if line[:1].isdigit() and len(line.split()[0]) == len(HUB)]
    assert table == [CLINIC, FARM, HUB, SHOP]
    assert f"Clinic ({CLINIC}) 3 sources overdue; 17 of 20 sources protected." in lines
    assert lines[-1] == f"  lightkeeper status --stack {STACK} --account {CLINIC}"
    assert aws.calls() == (), "it is the document that is read, and no Lightsail"


def test_the_command_that_it_ends_with_looks_into_that_account(cloud: Cloud) -> None:
    after(cloud, a_fleet(a_row(HUB, "Hub", AccountState.TROUBLE)))

    command = status().out.splitlines()[-1].split()
    ended = lightkeeper(*command[1:], "--json")

    assert ended.status == 0
    assert (ended.document["account"], ended.document["sources"]) == (HUB, [])


@pytest.mark.parametrize(
    ("rows", "unlisted", "expected"),
    [
        (GOOD, (), 0),
        ((*GOOD, EMPTY), (), 0),
        ((*GOOD, a_row(FARM, "Farm", AccountState.WAITING)), (), 0),
        # Counted and named, but nobody is woken up for them.
        ((*GOOD, NEW), (), 0),
        ((*GOOD, UNKNOWN), (), 1),
        (GOOD, ("ou-ab12-cd34ef56: AccessDenied",), 1),
        ((*GOOD, TROUBLE), (), 3),
        ((*GOOD, LOST), (), 3),
        ((*GOOD, TROUBLE, UNKNOWN), (), 3),
    ],
)
def test_the_exit_status_says_how_they_stand(
    cloud: Cloud, rows: tuple[FleetRow, ...], unlisted: tuple[str, ...], expected: int
) -> None:
    after(cloud, a_fleet(*rows, unlisted=unlisted))

    assert status().status == expected
    assert status("--json").status == expected


@pytest.mark.parametrize(
    ("rows", "code", "begins"),
    [
        (GOOD, 0, "OK: All 2 accounts protected. |"),
        ((*GOOD, NEW), 0, "OK: 2 of 3 accounts protected; 1 not onboarded. |"),
        ((EMPTY,), 1, "WARNING: No account has anything to back up. |"),
        ((NEW,), 1, "WARNING: 0 of 1 account protected; 1 not onboarded. |"),
        (
            (*GOOD, TROUBLE),
            2,
            f"CRITICAL: 1 account with trouble; 2 of 3 accounts protected. Look at: Clinic ({CLINIC}). |",
        ),
        (
            (*GOOD, LOST),
            2,
            (
                "CRITICAL: 1 account no longer lets Lightkeeper in; 2 of 3 accounts protected. "
                f"Look at: Clinic ({CLINIC}). |"
            ),
        ),
        ((*GOOD, TROUBLE, UNKNOWN), 2, "CRITICAL: 1 account with trouble, 1 unknown; 2 of 4 accounts protected. Look"),
        ((*GOOD, UNKNOWN), 3, f"UNKNOWN: 1 account unknown; 2 of 3 accounts protected. Look at: Farm ({FARM}). |"),
    ],
)
def test_a_check_is_one_line_for_the_fleet(cloud: Cloud, rows: tuple[FleetRow, ...], code: int, begins: str) -> None:
    after(cloud, a_fleet(*rows))

    ended = status("--check")

    assert (ended.status, ended.err, ended.out.count("\n")) == (code, "", 1)
    assert ended.out.startswith(begins)


def test_behind_the_bar_stand_figures(cloud: Cloud) -> None:
    after(cloud, a_fleet(*GOOD, TROUBLE, NEW))

    assert status("--check").out.rstrip().partition(" | ")[2] == (
        "accounts=4 trouble=1 unknown=0 not_onboarded=1 waiting=0 protected=2 empty=0 sources_protected=57 "
        "sources_overdue=3 report_age=1500s stored_gib=240.0"
    )


# How old it is


@pytest.mark.parametrize(("age", "is_stale"), [(3 * HOUR, False), (3 * HOUR + timedelta(seconds=1), True)])
def test_a_report_older_than_three_ticks_is_never_good(cloud: Cloud, age: timedelta, *, is_stale: bool) -> None:
    after(cloud, a_fleet(*GOOD))

    shown, line = status(at=NOW + age), status("--check", at=NOW + age)

    assert (shown.status, line.status) == ((1, 3) if is_stale else (0, 0))
    assert line.out.startswith(
        "UNKNOWN: As of 15 Jun 2026 12:00, 3 hours ago; since then no report." if is_stale else "OK"
    )
    assert ("Nobody knows how the accounts stand now" in shown.out) is is_stale
    assert ("At that time: All 2 accounts protected." in shown.out) is is_stale


def test_nor_does_an_old_one_say_that_somebody_is_needed(cloud: Cloud) -> None:
    after(cloud, a_fleet(*GOOD, TROUBLE))

    assert status(at=NOW + 5 * HOUR).status == 1
    assert status("--json", at=NOW + 5 * HOUR).document["health"] == "unknown"


def test_before_the_first_run_nobody_can_tell(cloud: Cloud) -> None:
    cloud.put(BUCKET, "accounts/1.json", "{}", REGION)

    ended, line = status(), status("--check")

    assert (ended.status, ended.out, line.status) == (1, "", 3)
    assert f"there is no {FLEET_KEY} in the bucket {BUCKET} yet" in ended.err
    assert line.out.startswith(f"UNKNOWN: there is no {FLEET_KEY}")


def test_a_document_of_another_release_is_answered_with_a_sentence(cloud: Cloud) -> None:
    cloud.put(BUCKET, FLEET_KEY, '{"deployment": 1}', REGION)

    ended = status()

    assert (ended.status, ended.out) == (2, "")
    assert f"{FLEET_KEY} in the bucket {BUCKET}: the fleet's document cannot be read" in ended.err


def test_who_may_not_read_the_bucket_learns_which_permission_it_takes(cloud: Cloud) -> None:
    after(cloud, a_fleet(*GOOD))
    cloud.server.refused.add(f"GET /{BUCKET}/{FLEET_KEY}")

    ended = status()

    assert (ended.status, ended.out) == (1, "")
    assert "s3:GetObject" in ended.err


# The document


def test_the_document_has_all_accounts(cloud: Cloud) -> None:
    after(cloud, a_fleet(*GOOD, TROUBLE, NEW, unlisted=("ou-ab12-cd34ef56: AccessDenied",)))

    document = status("--json").document

    assert {key: value for key, value in document.items() if key != "accounts"} == {
        "now": "2026-06-15T12:25:00Z",
        "deployment": "Lightkeeper",
        "time": "2026-06-15T12:00:00Z",
        "health": "unknown",
        "sentence": "The accounts of 1 unit could not be listed; 1 account with trouble; "
        "2 of 4 known accounts protected; 1 not onboarded.",
        "silence": None,
        "counts": {"trouble": 1, "unknown": 0, "not onboarded": 1, "waiting": 0, "protected": 2, "empty": 0},
        "sources": {"protected": 57, "overdue": 3},
        "storedGiB": 240.0,
        "usdPerMonth": 12.0,
        "unlisted": ["ou-ab12-cd34ef56: AccessDenied"],
        "dropped": [],
    }
    assert [account["account"] for account in document["accounts"]] == [CLINIC, FARM, HUB, SHOP]
    assert document["accounts"][0] == {
        "account": CLINIC,
        "name": "Clinic",
        "state": "trouble",
        "sentence": "3 sources overdue; 17 of 20 sources protected.",
        "wantsAPerson": True,
        "since": "2026-06-15T09:00:00Z",
        "seen": "2026-06-15T12:00:00Z",
        "findings": 3,
        "sources": {"protected": 17, "overdue": 3},
        "storedGiB": 80.0,
        "usdPerMonth": 4.0,
    }
    assert document["accounts"][1]["seen"] is None


def test_a_page_of_all_accounts_is_written(cloud: Cloud, tmp_path: Path) -> None:
    after(cloud, a_fleet(*GOOD, TROUBLE))

    ended = status("--html", "fleet.html")

    page = (tmp_path / "fleet.html").read_text(encoding="utf-8")
    assert (ended.status, ended.out) == (3, "")
    assert [name in page for name in ("Clinic", "Hub", "Shop", "Accounts <small>of Lightkeeper")] == [True] * 4


# What belongs to one account


@pytest.mark.parametrize(
    ("arguments", "option"),
    [(("--region", REGION), "--region"), (("--endpoint-url", "http://127.0.0.1:1"), "--endpoint-url")],
)
def test_what_is_for_one_account_is_refused(cloud: Cloud, arguments: tuple[str, ...], option: str) -> None:
    after(cloud, a_fleet(*GOOD))

    ended = status(*arguments)

    assert (ended.status, ended.out) == (2, "")
    assert f"{option} is for one account, and this deployment looks after many; expected --account ID" in ended.err


def test_the_accounts_can_be_sorted(cloud: Cloud) -> None:
    after(cloud, a_fleet(*GOOD, TROUBLE))

    lines = status("--sort", "-name").out.splitlines()

    assert [line.split()[1] for line in lines if line[:3] in {HUB[:3], SHOP[:3], CLINIC[:3]}] == [
        "Shop",
        "Hub",
        "Clinic",
    ]


def test_an_order_that_is_none_is_refused(cloud: Cloud) -> None:
    after(cloud, a_fleet(*GOOD))

    ended = status("--sort", "colour")

    assert (ended.status, ended.out) == (2, "")
    assert '"colour" is not an order' in ended.err


def test_with_a_file_of_settings_it_is_one_account_and_says_so(cloud: Cloud, tmp_path: Path) -> None:
    del cloud
    (tmp_path / "cdk.json").write_text('{"lightkeeper": {"organization": {"accounts": ["222222222222"]}}}')

    ended = lightkeeper("status", "--json")

    assert "sources" in ended.document
    assert "only the account of your credentials is looked at" in ended.err


def test_of_a_deployment_for_one_account_it_is_the_calendar_as_ever(cloud: Cloud) -> None:
    cloud.deploy("Single", REGION, Settings().to_env())

    ended = status("--json", stack="Single")

    assert "sources" in ended.document
    assert "accounts" not in ended.document
