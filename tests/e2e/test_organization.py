"""An organization for real: a hub that looks after fifty accounts, in a local AWS that enforces every role and policy.

What a local AWS cannot show, the tests of the template do: what the state machine's own role lets it do, that it tries
throttled calls again, its metrics and so its alarms, and a StackSet that puts the roles into accounts by itself.
"""

import faulthandler
import json
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lightkeeper.fleet import AccountState, Fleet
from lightkeeper.organization import role_arn
from lightkeeper.times import format_instant
from lightsail_sandbox.client import (
    Call,
    ErrorAnswer,
    FaultRule,
    Hang,
    HoldAnswer,
    HoldCall,
    Options,
    Seed,
    running_sandbox,
)
from tests.support.customers import found_organization
from tests.support.local_aws import ACCOUNT, CDK, MINISTACK, REGION, running_strict_aws, wait_until
from tests.support.local_hub import DEPLOYMENT, REPORTS, Execution, Hub, bootstrapped_hub, deploy_hub
from tests.support.runbook import commands_about_many, known_once, paste

if TYPE_CHECKING:
    import subprocess

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("organization"),
    pytest.mark.skipif(
        not (CDK.exists() and MINISTACK.exists()),
        reason="there is no Node, or no `make test-all` yet: it brings the CDK and a local AWS where Node is present",
    ),
]
CUSTOMERS = 50
_A_FIRING_SECONDS = 180  # a minute, ten seconds between two looks of the local scheduler; a busy machine
_RUNS_SECONDS = 600  # half a minute where the machine has nothing else to do; that of CI has
_PATIENCE_SECONDS = 30  # with a run that takes one, or some on a busy machine
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Look:
    """What there is when executions have ended."""

    executions: tuple[Execution, ...]
    runs: dict[str, int]
    """How many accounts they have looked after, by how that ended."""
    calls: tuple[Call, ...]
    """What was asked of Lightsail until then."""
    new: Counter[str]
    """The snapshots that were not there before, by account."""
    fleet: Fleet
    messages: tuple[str, ...]
    """What people were told."""


@dataclass(frozen=True, kw_only=True)
class Four:
    """The accounts in which something is wrong for a while."""

    removed: str
    """It has no role any more."""
    wrong: str
    """Its role asks for another external id."""
    refusing: str
    """Its Lightsail refuses every call."""
    hanging: str
    """Its Lightsail never answers."""


@dataclass(frozen=True, kw_only=True)
class People:
    """What people see who have the rights of the hub's account."""

    status: "subprocess.CompletedProcess[str]"
    """All accounts, by the command."""
    plan: "subprocess.CompletedProcess[str]"
    """What a run would do in an account with nothing wrong in it."""
    refused: "subprocess.CompletedProcess[str]"
    """The same of an account that lets nobody in."""
    listed: str
    """All accounts, on the dashboard."""
    opened: str
    """The one with nothing wrong in it, on the dashboard."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """What has happened, in this order."""

    hub: Hub
    strangers: dict[str, str]
    """How it ended when others than the hub's functions wanted to be let into an account: the error, if any."""
    first: Look
    """After a firing of the schedule."""
    four: Four
    second: Look
    """A day later, with something wrong in four accounts."""
    people: People
    """What people see at that time."""
    together: Look
    """Another day later: Lightsail works again everywhere, and two executions begin at the same time."""
    lost: Counter[str]
    """The snapshots, by account, that another day later were left by an execution that ended before any run did, ..."""
    torn: Counter[str]
    """... and by the next one, which ended amid the runs."""
    unreported: Look
    """After one that ended before its report."""
    last: Look
    """After the next execution, when every account lets Lightkeeper in again."""
    pasted: list["subprocess.CompletedProcess[str]"]
    """The commands of the runbook about many accounts, as they ended: with the first one, somebody starts a run, ..."""
    started: Look
    """... of which this is the end. By the clock it is that of a day long past."""
    calls: tuple[Call, ...]
    """All that was asked of Lightsail."""
    snapshots: Counter[tuple[str, str]]
    """How many there are in the end, by account and slot."""
    reports: tuple[dict[str, Any], ...]
    """The metrics that were reported."""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Tell the story, once for all tests: they come in any order."""
    faulthandler.cancel_dump_traceback_later()  # a firing takes a minute; each wait here has its own limit
    with ExitStack() as stack:
        aws = stack.enter_context(running_strict_aws(tmp_path_factory.mktemp("local-aws")))
        assert aws.authority is not None
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(aws.authority.certificate))  # for asking whose a session is
            sandbox = stack.enter_context(running_sandbox(Options(sts_url=aws.url)))
        customers = found_organization(aws, CUSTOMERS)
        hub = stack.enter_context(bootstrapped_hub(aws, sandbox, customers))
        hub.onboard(customers.accounts)
        tags = {"backup": "daily"}
        disks = [*hub.accounts, customers.closed]
        sandbox.seed([Seed(kind="Disk", name="data", region=REGION, account=each, tags=tags) for each in disks])
        deploy_hub(hub)
        for account in hub.accounts:
            hub.enforce(account)
        return told(hub)


def told(hub: Hub) -> Story:
    """Tell it from the deployment on."""
    sandbox = hub.sandbox
    strangers = attempts(hub)
    sandbox.clear_calls()
    wait_until(hub.executions, "a firing of the schedule", _A_FIRING_SECONDS)
    switch_off_the_schedule(hub)
    first = look(hub, *hub.executions(), before=Counter())

    removed, wrong, refusing, hanging = hub.customers.accounts[10::10]
    hub.offboard(removed)
    hub.offboard(wrong)
    hub.onboard([wrong], external_id="Another")
    sandbox.add_faults(
        FaultRule(account=refusing, effect=ErrorAnswer(code="AccessDeniedException")),
        FaultRule(account=hanging, effect=Hang()),
    )
    before = hub.snapshots()
    noon = (sandbox.now() + DAY).replace(hour=12, minute=0, second=0)
    sandbox.set_time(noon)
    with hub.impatient(_PATIENCE_SECONDS):
        second = look(hub, hub.start(noon), before=before)
    people = looked_at(hub, hub.customers.accounts[0], removed)
    # At AWS, Lambda has ended a run before the state machine is out of patience.
    hub.kill_runs()
    sandbox.clear_faults()

    before, now = hub.snapshots(), sandbox.advance(DAY)
    together = look(hub, hub.start(now), hub.start(now), before=before)

    before, now = hub.snapshots(), sandbox.advance(DAY)
    in_order = sorted({*hub.accounts} - {removed, wrong})  # as they are looked after, but for those that let nobody in
    sandbox.add_faults(FaultRule(effect=HoldCall()))
    execution = hub.start(now)
    sandbox.wait_for_held()
    die(hub, execution)
    lost = new_since(before, hub)

    middle = in_order[len(in_order) // 2]
    sandbox.add_faults(FaultRule(operation="CreateDiskSnapshot", account=middle, effect=HoldAnswer()))
    execution = hub.start(sandbox.advance(MINUTE))
    wait_until(lambda: new_since(before, hub)[middle], "a run that has just taken a snapshot", _RUNS_SECONDS)
    die(hub, execution)
    torn = new_since(before, hub)

    sandbox.add_faults(FaultRule(operation="CreateDiskSnapshot", account=in_order[-1], effect=HoldCall()))
    execution = hub.start(sandbox.advance(MINUTE))
    all_but_one = {"running": 1, "succeeded": CUSTOMERS, "total": CUSTOMERS + 1}
    wait_until(lambda: hub.runs_of(execution) == all_but_one, "the last run", _RUNS_SECONDS)
    hub.stop(execution)
    sandbox.clear_faults()
    unreported = look(hub, execution, before=before)

    hub.offboard(wrong)
    hub.onboard([removed, wrong])
    before = hub.snapshots()
    last = look(hub, hub.start(sandbox.advance(HOUR)), before=before)
    reports = tuple(line for line in hub.log(REPORTS) if "_aws" in line)

    before, earlier, known = hub.snapshots(), {*hub.executions()}, known_once(hub.aws)
    pasted = [paste(hub.aws, f"{known}\n{command}") for command in commands_about_many()]
    started = look(hub, *({*hub.executions()} - earlier), before=before)
    return Story(
        hub=hub,
        strangers=strangers,
        first=first,
        four=Four(removed=removed, wrong=wrong, refusing=refusing, hanging=hanging),
        second=second,
        people=people,
        together=together,
        lost=lost,
        torn=torn,
        unreported=unreported,
        last=last,
        pasted=pasted,
        started=started,
        calls=sandbox.calls(),
        snapshots=hub.snapshots(),
        reports=reports,
    )


def attempts(hub: Hub) -> dict[str, str]:
    """Ask a customer's account to let others in than the functions that it is for; return the errors."""
    customer, another, *_ = hub.customers.accounts
    roles, named = hub.roles, {"ExternalId": DEPLOYMENT}

    def attempt(who: str, role: str, **parameters: str) -> str:
        arn = role_arn("aws", customer, role)
        with closing(hub.aws.client("sts", who)) as sts:
            try:
                sts.assume_role(RoleArn=arn, RoleSessionName="somebody", **parameters)
            except ClientError as error:
                return error.response["Error"]["Code"]
        return ""

    return {
        "people of the hub, as a run": attempt(ACCOUNT, roles.member, **named),
        "people of the hub, as the calendar": attempt(ACCOUNT, roles.viewer, **named),
        "people of the hub, without an external id": attempt(ACCOUNT, roles.operator),
        "people of the hub": attempt(ACCOUNT, roles.operator, **named),
        "another customer": attempt(another, roles.operator, **named),
        "a deletion under the role of runs": deletion(hub, customer),
    }


def deletion(hub: Hub, account: str) -> str:
    """Delete a disk: in each account, the sandbox takes everybody for a run. Return the error."""
    with closing(boto3.client("lightsail", **hub.sandbox.client_options(REGION, account))) as lightsail:
        try:
            lightsail.delete_disk(diskName="data")
        except ClientError as error:
            return error.response["Error"]["Code"]
    return ""


def looked_at(hub: Hub, well: str, closed: str) -> People:
    """Look at all accounts as people do, and into two of them."""
    at = ("--at", format_instant(hub.sandbox.now()))
    return People(
        status=hub.lightkeeper("status", "--json"),
        plan=hub.lightkeeper("plan", "--json", *at, "--account", well),
        refused=hub.lightkeeper("plan", "--json", *at, "--account", closed),
        listed=hub.widget(),
        opened=hub.widget(account=well),
    )


def switch_off_the_schedule(hub: Hub) -> None:
    """Let no other execution begin by itself."""
    (listed,) = hub.ask("scheduler", "list_schedules")["Schedules"]
    schedule = hub.ask("scheduler", "get_schedule", Name=listed["Name"], GroupName=listed["GroupName"])
    kept = ("Name", "GroupName", "ScheduleExpression", "Target", "FlexibleTimeWindow")
    hub.ask("scheduler", "update_schedule", **{name: schedule[name] for name in kept}, State="DISABLED")


def look(hub: Hub, *executions: str, before: Counter[tuple[str, str]]) -> Look:
    """Wait until executions have ended, and look."""
    ended = tuple(hub.end_of(execution) for execution in executions)
    wait_until(lambda: not any(is_running(hub, each) for each in executions), "the end of all runs", _RUNS_SECONDS)
    return Look(
        executions=ended,
        calls=hub.sandbox.calls(),
        runs=sum((Counter(hub.runs_of(execution)) for execution in executions), Counter()),
        new=new_since(before, hub),
        fleet=hub.fleet(),
        messages=tuple(message["Message"] for message in hub.messages()),
    )


def is_running(hub: Hub, execution: str) -> bool:
    return bool({"pending", "running"} & set(hub.runs_of(execution)))


def new_since(before: Counter[tuple[str, str]], hub: Hub) -> Counter[str]:
    """Return the snapshots that were not there before, by account."""
    return Counter(account for account, _ in (hub.snapshots() - before).elements())


def die(hub: Hub, execution: str) -> None:
    """End an execution with all its runs, wherever they are, and let go of what the sandbox holds."""
    hub.allow_runs(0)
    hub.stop(execution)
    hub.kill_runs()
    wait_until(lambda: not is_running(hub, execution), "the end of all runs", _RUNS_SECONDS)
    hub.sandbox.clear_faults()
    hub.allow_runs(None)


def labels(story: Story, *accounts: str) -> list[str]:
    return [row.label for row in story.second.fleet.rows if row.account in accounts]


def test_a_firing_of_the_schedule_looks_after_every_account(story: Story) -> None:
    (fired,) = story.first.executions

    assert (fired.status, fired.cause) == ("SUCCEEDED", None)
    assert story.first.runs == {"succeeded": CUSTOMERS + 1, "total": CUSTOMERS + 1}
    assert story.first.new == Counter(story.hub.accounts), "a snapshot in each, its own among them"
    assert {row.account for row in story.first.fleet.rows} == {*story.hub.accounts}


def test_each_account_is_looked_after_under_a_role_of_its_own(story: Story) -> None:
    accounts: dict[str, set[str]] = {}
    for call in story.calls:
        accounts.setdefault(call.access_key_id, set()).add(call.account)
    creates = [call for call in story.first.calls if call.operation == "CreateDiskSnapshot"]

    assert {len(of_a_key) for of_a_key in accounts.values()} == {1}, "no key is of two accounts"
    assert {call.account for call in creates} == {*story.hub.accounts}
    assert len({call.access_key_id for call in creates}) == CUSTOMERS + 1
    assert {call.error for call in story.first.calls} == {None}, "and the role is enough"


def test_an_account_that_is_closed_is_left_alone(story: Story) -> None:
    assert story.hub.customers.closed not in {call.account for call in story.calls}


def test_an_account_lets_in_nobody_but_whom_each_role_is_for(story: Story) -> None:
    assert story.strangers == {
        "people of the hub, as a run": "AccessDenied",
        "people of the hub, as the calendar": "AccessDenied",
        "people of the hub, without an external id": "AccessDenied",
        "people of the hub": "",
        "another customer": "AccessDenied",
        "a deletion under the role of runs": "AccessDeniedException",
    }


def test_what_is_wrong_in_some_accounts_costs_the_others_nothing(story: Story) -> None:
    well = {*story.hub.accounts} - {*asdict(story.four).values()}

    assert story.second.new == Counter(well)
    assert story.second.runs == story.first.runs
    assert story.second.fleet.counts[AccountState.PROTECTED] == len(well) == CUSTOMERS + 1 - 4


def test_the_report_names_each_account_in_which_something_is_wrong(story: Story) -> None:
    four, (message,) = story.four, story.second.messages
    states = {row.account: row.state for row in story.second.fleet.rows}

    assert states[four.removed] is states[four.wrong] is AccountState.NOT_ONBOARDED
    assert states[four.refusing] is states[four.hanging] is AccountState.UNKNOWN
    for label in labels(story, *asdict(four).values()):
        assert label in message
    assert "2 unknown, 2 not onboarded, 47 protected" in message


def test_what_is_still_wrong_is_not_told_again(story: Story) -> None:
    assert (story.first.messages, story.together.messages, story.last.messages) == ((), (), ())


def test_an_execution_fails_for_what_failed_and_not_for_who_lets_nobody_in(story: Story) -> None:
    (execution,), four = story.second.executions, story.four

    assert (execution.status, execution.error) == ("FAILED", "AccountsFailed")
    named = {row.account for row in story.second.fleet.rows if row.label in (execution.cause or "")}
    assert named == {four.refusing, four.hanging}
    assert "States.Timeout" in (execution.cause or "")
    assert story.together.fleet.counts[AccountState.NOT_ONBOARDED] == 2
    assert [(each.status, each.cause) for each in story.together.executions] == [("SUCCEEDED", None)] * 2


def test_people_see_what_the_last_report_says(story: Story) -> None:
    people, four = story.people, asdict(story.four).values()
    states = {each["account"]: each["state"] for each in json.loads(people.status.stdout)["accounts"]}

    assert people.status.returncode == 3, "something needs a person"
    assert states == {row.account: row.state.value for row in story.second.fleet.rows}
    assert all(row.name in people.listed for row in story.second.fleet.rows if row.name and row.account in four)


def test_people_look_into_an_account_by_the_role_that_it_has_for_that(story: Story) -> None:
    people, well = story.people, story.hub.customers.accounts[0]
    plan = json.loads(people.plan.stdout)

    assert (people.plan.returncode, plan["account"]) == (0, well)
    assert [(source["name"], source["status"]) for source in plan["sources"]] == [("data", "protected")]
    assert 'aria-label="data: ' in people.opened
    assert people.refused.returncode == 1
    assert f"the account {story.four.removed} does not let you in" in people.refused.stderr


def test_two_executions_at_once_take_no_snapshot_twice(story: Story) -> None:
    assert story.together.runs == {"succeeded": 2 * (CUSTOMERS + 1), "total": 2 * (CUSTOMERS + 1)}
    assert story.together.new == Counter({*story.hub.accounts} - {story.four.removed, story.four.wrong})
    assert {*story.snapshots.values()} == {1}, "nor does anything else that happens here"


def test_what_a_hub_that_dies_has_not_done_the_next_execution_does(story: Story) -> None:
    onboarded = {*story.hub.accounts} - {story.four.removed, story.four.wrong}
    (aborted,), (healed,) = story.unreported.executions, story.last.executions

    assert story.lost == Counter()
    assert 0 < story.torn.total() < len(onboarded)
    assert aborted.status == "ABORTED"
    assert story.unreported.new == Counter(onboarded)
    assert story.unreported.fleet == story.together.fleet, "nobody has reported since"
    assert healed.status == "SUCCEEDED"
    assert story.last.new == Counter([story.four.removed, story.four.wrong])
    assert story.last.fleet.counts == {AccountState.PROTECTED: CUSTOMERS + 1}
    assert story.last.fleet.time > story.together.fleet.time


def test_the_commands_of_the_runbook_can_be_pasted(story: Story) -> None:
    assert [done.stderr for done in story.pasted if done.returncode] == []
    _, logged, failed = (done.stdout for done in story.pasted)

    assert '"accounts"' in logged, "of the function that lists them"
    assert failed.split() == ["ABORTED", "None", "None", "EachAccount"], "the last one that did not succeed"


def test_a_run_that_somebody_starts_late_changes_nothing(story: Story) -> None:
    (execution,) = story.started.executions

    assert (execution.status, execution.cause) == ("SUCCEEDED", None)
    assert story.started.new == Counter()
    assert story.started.fleet == story.last.fleet
    assert story.started.messages == ()


def test_each_execution_that_comes_to_its_end_reports_how_many_accounts_stand_how(story: Story) -> None:
    names = ("AccountsProtected", "AccountsWaiting", "AccountsWithTrouble", "AccountsNotOnboarded", "AccountsUnknown")

    assert [[report[name] for name in names] for report in story.reports] == [
        [[0], [51], [0], [0], [0]],
        [[47], [0], [0], [2], [2]],
        [[49], [0], [0], [2], [0]],
        [[49], [0], [0], [2], [0]],
        [[51], [0], [0], [0], [0]],
    ]
