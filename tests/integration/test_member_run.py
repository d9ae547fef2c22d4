"""A run in one account of many: under the role of that account, and answered whatever becomes of it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from lightkeeper import handler
from lightkeeper.aws import SLOWEST_CALL_SECONDS
from lightkeeper.errors import InvalidValueError
from lightkeeper.faults import CallError
from lightkeeper.fleet import AccountAnswer, AccountReport, AccountState, account_key
from lightkeeper.members import NotOnboardedError
from lightkeeper.metrics import OF_COPIES, MetricName
from lightkeeper.model import Status
from lightkeeper.organization import MEMBER_ROLE_VARIABLE, RESULTS_VARIABLE
from lightkeeper.retries import READ_MARGIN_SECONDS, margin_seconds
from lightkeeper.settings import Settings
from lightkeeper.tags import SOURCE
from lightkeeper.times import format_instant
from lightsail_sandbox.client import ErrorAnswer, FaultRule, HoldCall, Sandbox, Seed
from tests.support.functions import NOON, Context, invoke, invoke_in, lines
from tests.support.hub import BUCKET, HUB, Hub
from tests.support.keeper import OTHER_REGION, REGION
from tests.support.listening import Listener
from tests.support.world import no_waiting

SHOP, CLINIC, SCHOOL = "111122223333", "222233334444", "333344445555"
ROLE = "Lightkeeper-member"
AGE = timedelta(days=100)


@dataclass
class Fleet:
    """Accounts with a disk of the same name each, and the function of a deployment that looks after them."""

    sandbox: Sandbox
    hub: Hub

    def disk(self, account: str, name: str = "data", **tags: str) -> str:
        born = self.sandbox.now() - AGE
        seed = Seed(kind="Disk", name=name, account=account, tags=tags or {"backup": "daily"}, created_at=born)
        return self.sandbox.seed([seed])[0]

    def run(self, account: str, context: Context | None = None, **event: object) -> AccountAnswer:
        """Let the function run in an account, at the sandbox's time."""
        return invoke_in(account, {"time": format_instant(self.sandbox.now()), **event}, context)

    def snapshots(self) -> dict[str, list[str]]:
        """Return of which sources there are snapshots, by account."""
        found: dict[str, list[str]] = {}
        for entry in self.sandbox.entries():
            if entry.source_arn:
                found.setdefault(entry.account, []).append(entry.source_arn)
        return found

    def report(self, account: str) -> AccountReport | None:
        """Return what the bucket has of an account."""
        document = self.hub.document(account_key(account))
        return AccountReport.from_json(document) if document else None

    def nobody_was_touched_under_another_s_role(self) -> bool:
        """Return whether each call was made by a session of its account's role, and is about what is in there."""
        calls = self.sandbox.calls()
        snapshots = [entry for entry in self.sandbox.entries() if entry.source_arn]
        return all(self.hub.account_of(call.access_key_id) == call.account for call in calls) and all(
            entry.tags[SOURCE].split(":")[4] == entry.account for entry in snapshots
        )


@pytest.fixture
def fleet(aws: Sandbox, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    no_waiting(monkeypatch)
    monkeypatch.setenv(MEMBER_ROLE_VARIABLE, ROLE)
    monkeypatch.setenv(RESULTS_VARIABLE, BUCKET)
    return Fleet(aws, hub)


class _Hurry(Context):
    """So little time that a run which keeps none for its result would still begin to write to Lightsail."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 1000 * (margin_seconds(Settings().max_concurrency) + READ_MARGIN_SECONDS + SLOWEST_CALL_SECONDS - 1)


def test_accounts_with_disks_of_the_same_name_get_a_snapshot_each_under_the_role_of_each(fleet: Fleet) -> None:
    fleet.hub.onboard(SHOP, CLINIC, SCHOOL)
    disks = {account: fleet.disk(account) for account in (SHOP, CLINIC, SCHOOL)}

    answers = [fleet.run(account, name=f"name of {account}") for account in disks]

    assert fleet.snapshots() == {account: [disk] for account, disk in disks.items()}
    assert fleet.nobody_was_touched_under_another_s_role()
    assert sorted(fleet.hub.services.sessions.values()) == [f"arn:aws:iam::{each}:role/{ROLE}" for each in disks]
    assert set(fleet.hub.services.names.values()) == {"Lightkeeper-run"}
    assert answers == [
        {"account": account, "name": f"name of {account}", "state": "waiting", "failed": False} for account in disks
    ]


def test_what_is_said_of_an_account_lies_in_the_bucket(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.hub.onboard(SHOP)
    fleet.disk(SHOP)
    fleet.run(SHOP)
    fleet.sandbox.advance(timedelta(hours=1))
    fleet.disk(SHOP, "typo", backup="dialy")
    capsys.readouterr()

    answer = fleet.run(SHOP, name="Shop")

    report = fleet.report(SHOP)
    assert report is not None
    assert (report.account, report.name, report.time) == (SHOP, "Shop", fleet.sandbox.now())
    assert report.state is AccountState.TROUBLE
    assert report.sentence == "1 problem; 1 of 2 sources protected."
    assert report.statuses == {Status.PROTECTED: 1, Status.PROBLEM: 1}
    assert report.numbers == {
        name: {
            "ResourcesProtected": 1,
            "ResourcesUnprotected": 1,
            "OldestRecoveryPointHours": 1,
            "TagProblems": 1,
            "StoredGiB": 32,
        }.get(name, 0)
        for name in MetricName
        if name not in OF_COPIES
    }
    assert (report.stored.gib, report.stored.full_gib) == (32, 32)
    assert [finding.source for finding in report.findings] == ["typo"]
    assert not report.is_partly_unseen
    assert report.failures == ()
    assert answer == {"account": SHOP, "name": "Shop", "state": "trouble", "failed": False}
    printed = lines(capsys)
    assert {line["account"] for line in printed} == {SHOP}
    assert [line["message"] for line in printed] == ["problem", "summary", "account"]


def test_an_account_without_the_role_is_not_onboarded_and_its_snapshots_stay_untouched(fleet: Fleet) -> None:
    fleet.hub.onboard(SHOP)
    fleet.disk(SHOP)
    fleet.run(SHOP)
    before = fleet.sandbox.entries()
    fleet.hub.services.roles.clear()
    fleet.sandbox.clear_calls()
    fleet.sandbox.advance(timedelta(days=2))

    answer = fleet.run(SHOP)

    assert answer == {"account": SHOP, "name": None, "state": "not onboarded", "failed": False}
    assert fleet.sandbox.calls() == ()
    assert [entry.arn for entry in fleet.sandbox.entries()] == [entry.arn for entry in before]
    report = fleet.report(SHOP)
    assert report is not None
    assert (report.state, report.failures, report.is_partly_unseen) == (AccountState.NOT_ONBOARDED, (), True)
    assert "AccessDenied" in report.sentence
    assert report.sentence.endswith(
        f'; expected the role arn:aws:iam::{SHOP}:role/{ROLE} in the account, with "Lightkeeper" as external id'
    )


def test_a_role_for_another_deployment_lets_nobody_in(fleet: Fleet) -> None:
    fleet.hub.onboard(SHOP, external_id="Night-Shift")
    fleet.disk(SHOP)

    assert fleet.run(SHOP)["state"] == "not onboarded"
    assert fleet.sandbox.calls() == ()


@pytest.mark.parametrize(
    "code", ["UnrecognizedClientException", "AccessDeniedException", "ServiceException", "ThrottlingException"]
)
def test_an_account_whose_lightsail_refuses_everything_costs_the_next_one_nothing(fleet: Fleet, code: str) -> None:
    fleet.hub.onboard(SHOP, CLINIC)
    fleet.disk(SHOP)
    disk = fleet.disk(CLINIC)
    fleet.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code=code), account=SHOP))

    answers = [fleet.run(SHOP), fleet.run(CLINIC)]

    assert [(answer["state"], answer["failed"]) for answer in answers] == [("unknown", True), ("waiting", False)]
    assert fleet.snapshots() == {CLINIC: [disk]}
    assert fleet.nobody_was_touched_under_another_s_role()
    refused = fleet.report(SHOP)
    assert refused is not None
    assert refused.failures
    assert refused.is_partly_unseen
    assert all(call.error is None for call in fleet.sandbox.calls() if call.account == CLINIC)


def test_a_snapshot_that_is_refused_is_trouble_and_a_failure(fleet: Fleet) -> None:
    fleet.hub.onboard(SHOP)
    fleet.disk(SHOP)
    fleet.sandbox.add_faults(
        FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="CreateDiskSnapshot", account=SHOP)
    )

    answer = fleet.run(SHOP)

    report = fleet.report(SHOP)
    assert report is not None
    assert (answer["state"], answer["failed"]) == ("trouble", True)
    assert report.sentence.startswith("1 action failed. ")
    assert [failure.partition(": Create")[0] for failure in report.failures] == ["eu-central-1: data"]


@pytest.mark.parametrize("code", ["Throttling", "ExpiredTokenException", "RegionDisabledException"])
def test_a_role_that_cannot_be_assumed_for_another_reason_is_a_failure(fleet: Fleet, code: str) -> None:
    fleet.hub.onboard(SHOP)
    fleet.disk(SHOP)
    fleet.hub.services.broken = code

    answer = fleet.run(SHOP)

    report = fleet.report(SHOP)
    assert report is not None
    assert (answer["state"], answer["failed"]) == ("unknown", True)
    assert report.sentence == f"sts:AssumeRole: {code}: no"
    assert report.failures == (report.sentence,)
    assert fleet.sandbox.calls() == ()


def test_the_deployment_s_own_account_is_looked_after_with_its_own_credentials(fleet: Fleet) -> None:
    disk = fleet.disk(HUB)

    answer = fleet.run(HUB)

    assert answer["failed"] is False
    assert fleet.snapshots() == {HUB: [disk]}
    assert fleet.hub.services.sessions == {}
    assert fleet.report(HUB) is not None


def test_two_runs_at_once_in_an_account_make_no_duplicate(fleet: Fleet) -> None:
    fleet.hub.onboard(SHOP)
    disk = fleet.disk(SHOP)
    # Both have read everything before either writes.
    fleet.sandbox.add_faults(FaultRule(effect=HoldCall(), operation="CreateDiskSnapshot"))

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(fleet.run, SHOP) for _ in range(2)]
        fleet.sandbox.wait_for_held(2)
        fleet.sandbox.clear_faults()
        answers = [each.result() for each in running]

    assert fleet.snapshots() == {SHOP: [disk]}
    assert [answer["failed"] for answer in answers] == [False, False]


def test_a_dry_run_writes_nothing_and_says_what_would_happen(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.hub.onboard(SHOP)
    fleet.disk(SHOP)

    summary = invoke({"time": NOON, "account": SHOP, "dryRun": True})

    assert (summary["dryRun"], summary["planned"]) == (True, {"create": 1})
    assert fleet.snapshots() == {}
    assert fleet.report(SHOP) is None
    assert {line["account"] for line in lines(capsys)} == {SHOP}


def test_a_dry_run_where_nobody_is_let_in_says_so(fleet: Fleet) -> None:
    with pytest.raises(NotOnboardedError, match=f"expected the role arn:aws:iam::{SHOP}:role/{ROLE}"):
        fleet.run(SHOP, dryRun=True)
    fleet.hub.services.broken = "Throttling"
    with pytest.raises(CallError, match="Throttling"):
        fleet.run(SHOP, dryRun=True)


def test_a_bucket_that_refuses_loses_no_run(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.hub.onboard(SHOP)
    disk = fleet.disk(SHOP)
    fleet.hub.services.refused.add("PUT")

    answer = fleet.run(SHOP)

    assert fleet.snapshots() == {SHOP: [disk]}
    assert answer == {"account": SHOP, "name": None, "state": "waiting", "failed": True}
    (said,) = (line["detail"]["message"] for line in lines(capsys) if line["message"] == "result")
    assert f'the bucket "{BUCKET}": s3:PutObject: AccessDenied: no; expected permission for s3:PutObject' in said


def test_a_run_over_chosen_regions_leaves_what_is_known_of_the_whole(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.hub.onboard(SHOP)
    disk = fleet.disk(SHOP)
    for name, value in Settings(regions=(REGION, OTHER_REGION)).to_env().items():
        monkeypatch.setenv(name, value)

    fleet.run(SHOP, regions=[REGION])
    assert fleet.snapshots() == {SHOP: [disk]}
    assert fleet.report(SHOP) is None

    fleet.run(SHOP, regions=[REGION, OTHER_REGION])
    assert fleet.report(SHOP) is not None


def test_a_run_that_comes_late_takes_what_is_missing_and_says_nothing_of_the_present(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The sandbox's time is months behind the clock, and now that counts.
    monkeypatch.setattr(handler, "is_at_aws", lambda: True)
    fleet.hub.onboard(SHOP)
    disk = fleet.disk(SHOP)

    answer = fleet.run(SHOP)

    assert answer["failed"] is False
    assert fleet.snapshots() == {SHOP: [disk]}
    assert fleet.report(SHOP) is None


def test_the_run_ends_early_enough_to_say_what_it_found(fleet: Fleet) -> None:
    fleet.hub.onboard(SHOP)
    fleet.disk(SHOP)

    answer = fleet.run(SHOP, _Hurry())

    assert fleet.snapshots() == {}
    assert answer["state"] == "unknown"
    assert fleet.report(SHOP) is not None


def test_nobody_is_notified_of_one_account_alone_and_no_metric_is_sent(
    fleet: Fleet, person: Listener, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.hub.onboard(SHOP)
    fleet.disk(SHOP, backup="dialy")

    fleet.run(SHOP)

    assert person.letters() == []
    assert person.tags() == {}
    assert not any("_aws" in line for line in lines(capsys))


@pytest.mark.parametrize(("account", "end"), [(SHOP, f" --account {SHOP}"), (HUB, " --stack Lightkeeper")])
def test_a_command_to_paste_names_the_account_where_it_is_another_one(fleet: Fleet, account: str, end: str) -> None:
    fleet.hub.onboard(SHOP)
    fleet.disk(account)
    fleet.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="ServiceException"), operation="CreateDiskSnapshot"))
    fleet.run(account)
    fleet.sandbox.advance(timedelta(hours=20))

    fleet.run(account)

    report = fleet.report(account)
    assert report is not None
    commands = [finding.command for finding in report.findings if finding.command]
    assert commands
    assert all(command.endswith(end) for command in commands)


@pytest.mark.parametrize(("account", "begins"), [(SHOP, f"aws --profile {SHOP} lightsail "), (HUB, "aws lightsail ")])
def test_a_tag_to_paste_cannot_land_on_the_same_name_in_another_account(
    fleet: Fleet, account: str, begins: str
) -> None:
    fleet.hub.onboard(SHOP)
    fleet.disk(account, backup="dialy")

    fleet.run(account)

    report = fleet.report(account)
    assert report
    (finding,) = (finding for finding in report.findings if finding.command and "tag-resource" in finding.command)
    assert str(finding.command).startswith(f"{begins}tag-resource ")


def test_the_lines_of_an_account_are_its_own(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.hub.onboard(SHOP)
    fleet.run(SHOP)
    capsys.readouterr()

    invoke({"testNotification": True})

    assert not any("account" in line for line in lines(capsys))


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ({"account": 111122223333}, "event.account: 111122223333 is not an id; expected the id of an account: 12 digi"),
        ({"account": "1111"}, 'event.account: "1111" is not an id; expected the id of an account: 12 digits'),
        ({"account": SHOP, "name": 7}, "event.name: 7 is not text"),
        ({}, f'event.account: missing, and this deployment looks after many; expected .* its own, "{HUB}"'),
    ],
)
def test_an_event_that_names_no_account_is_refused(fleet: Fleet, event: dict[str, Any], sentence: str) -> None:
    fleet.disk(HUB)

    with pytest.raises(InvalidValueError, match=sentence):
        invoke({"time": NOON, **event})

    assert fleet.sandbox.calls() == ()


def test_a_deployment_for_one_account_refuses_others(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MEMBER_ROLE_VARIABLE)
    fleet.hub.onboard(SHOP)
    fleet.disk(SHOP)

    with pytest.raises(InvalidValueError, match=r'event.account: this deployment .* expected none, or "organization"'):
        fleet.run(SHOP)

    assert fleet.sandbox.calls() == ()
