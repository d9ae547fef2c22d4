"""A real `cdk bootstrap` and `cdk deploy`, into a local AWS: the Scheduler fires, the bundle runs, snapshots appear."""

import faulthandler
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lightkeeper.version import VERSION
from lightsail_sandbox.client import ErrorAnswer, FaultRule, Sandbox, Seed, running_sandbox
from tests.support.app import AWAY
from tests.support.keeper import READS
from tests.support.local_aws import ACCOUNT, CDK, MINISTACK, REGION, ROOT, LocalAws, running_local_aws, wait_until
from tests.support.runbook import commands_about_one, known_once, paste

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("deployment"),
    pytest.mark.skipif(
        not (CDK.exists() and MINISTACK.exists()),
        reason="there is no Node, or no `make test-all` yet: it brings the CDK and a local AWS where Node is present",
    ),
]
_A_FIRING_SECONDS = 180  # a minute for the run, ten seconds between two looks of the local scheduler; a busy machine


@dataclass(frozen=True)
class Deployment:
    """Lightkeeper, deployed."""

    aws: LocalAws
    sandbox: Sandbox
    said: str
    slot: datetime
    clients: dict[str, Any] = field(default_factory=dict)

    def ask(self, service: str, operation: str, **parameters: object) -> dict[str, Any]:
        """Call the local AWS, or Lightsail in the sandbox, in the deployment's Region."""
        return self.ask_in(REGION, service, operation, **parameters)

    def ask_in(self, region: str, service: str, operation: str, **parameters: object) -> dict[str, Any]:
        """Call it in some Region."""
        client = self.clients.get(f"{service} {region}")
        if client is None:
            url = self.sandbox.url if service == "lightsail" else self.aws.url
            # A local AWS asks for no credentials, but boto3 does.
            session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=region)  # noqa: S106
            client = self.clients[f"{service} {region}"] = session.client(service, endpoint_url=url)  # type: ignore[call-overload] # any service
        answer: dict[str, Any] = getattr(client, operation)(**parameters)
        return answer

    def output(self, name: str) -> str:
        """Return an output of the stack, as the deployment has said it."""
        found = re.search(rf"^Lightkeeper\.{name} = (.+)$", self.said, re.MULTILINE)
        assert found, self.said
        return found[1]

    def configuration(self) -> dict[str, Any]:
        """Return the function's configuration."""
        return self.ask("lambda", "get_function_configuration", FunctionName=self.output("FunctionName"))

    def snapshots(self, region: str = REGION) -> dict[str, dict[str, str]]:
        """Return the tags of the snapshots in a Region of the sandbox, by name."""
        found = [
            *self.ask_in(region, "lightsail", "get_disk_snapshots")["diskSnapshots"],
            *self.ask_in(region, "lightsail", "get_instance_snapshots")["instanceSnapshots"],
            *self.ask_in(region, "lightsail", "get_relational_database_snapshots")["relationalDatabaseSnapshots"],
        ]
        return {each["name"]: {tag["key"]: tag.get("value", "") for tag in each["tags"]} for each in found}

    def runs(self) -> int:
        """Return how many runs have read all their lists."""
        asked = [call.operation for call in self.sandbox.calls() if call.parameters.get("pageToken") is None]
        return min(asked.count(read) for read in READS)

    def log(self) -> list[str]:
        """Return the lines that the function has written."""
        group = self.configuration()["LoggingConfig"]["LogGroup"]
        events = self.ask("logs", "filter_log_events", logGroupName=group)["events"]
        return [
            line
            for event in events
            for line in event["message"].splitlines()
            if not line.startswith(("START RequestId", "END RequestId", "REPORT RequestId"))
        ]


@dataclass(frozen=True, kw_only=True)
class Story:
    """What has happened, in this order."""

    deployment: Deployment
    first: dict[str, dict[str, str]]
    """The snapshots after the first firing."""
    log: list[str]
    pasted: list["subprocess.CompletedProcess[str]"]
    """The commands of the runbook, as they ended."""
    states: list[str]
    """Whether the schedule was on after each of them."""
    letters: list[dict[str, Any]]
    """What came out of the dead-letter queue after a run that failed on every attempt."""
    second: dict[str, dict[str, str]]
    """The snapshots after the second firing."""
    second_calls: list[str]
    """What the second firing asked of Lightsail."""
    archive: dict[str, dict[str, str]]
    """The snapshots of a disk that is to be copied, after two runs more."""
    copies: dict[str, dict[str, str]]
    """What there was in the Region that copies go to."""
    refused: dict[str, str]
    """The snapshots that the function's own role was to delete, and the error; none where one was deleted."""
    drift: list[str]
    """What was said to have been changed by hand: before somebody did, and after."""
    protected: list[str]
    """What became of a deletion by a slip: of the deployed stack, and of one that was not destroyed after all."""
    gone: "subprocess.CompletedProcess[str]"
    """How it ended to lift the protection of a stack that is not there any more."""
    there: dict[str, list[str]]
    """What there was of each kind while the stack was deployed."""
    left: dict[str, list[str]]
    """What was left of it when the stack was destroyed."""
    last: dict[str, dict[str, str]]
    """The snapshots after that."""


OURS = {"lightkeeper:owner": "Lightkeeper"}
MARKED = OURS | {"lightkeeper:expires": "2020-01-01T00:00:00Z"}
# No source and no slot: to the function they are nobody's, so it never touches them by itself.
PLANTED = {"marked": MARKED, "held": MARKED | {"backup:hold": ""}, "by-hand": {}}
FAILING = {"time": "2031-01-01T03:00:00Z", "dryRun": True}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Deploy Lightkeeper, with its role enforced, let it live for two firings, and destroy it.

    One fixture for all: the tests of a group come in any order, and what is destroyed cannot be asked any more.
    """
    faulthandler.cancel_dump_traceback_later()  # two firings are two minutes; each wait here has its own limit
    with ExitStack() as stack:
        sandbox = stack.enter_context(running_sandbox())
        aws = stack.enter_context(running_local_aws(tmp_path_factory.mktemp("local-aws")))
        deployment = stack.enter_context(deployed(aws, sandbox))

        wait_until(lambda: len(deployment.snapshots()) == 3, "three snapshots after a firing", _A_FIRING_SECONDS)
        wait_until(lambda: any('"summary"' in line for line in deployment.log()), "a summary in the log", 60)
        first, log = deployment.snapshots(), deployment.log()

        pasted, states = [], []
        known = known_once(aws)
        for command in commands_about_one():
            pasted.append(paste(aws, f"{known}\n{command}"))
            states.append(deployment.ask("scheduler", "list_schedules")["Schedules"][0]["State"])
        letters = failed_run(deployment)

        sandbox.clear_calls()
        wait_until(lambda: deployment.runs() >= 1, "another firing", _A_FIRING_SECONDS)
        second = deployment.snapshots()
        function_calls = [call.operation for call in sandbox.calls()]

        copies = copied(deployment)
        archive = {name: tags for name, tags in deployment.snapshots().items() if name not in second}

        refused = {name: deletion(deployment, name) for name in [*second, *plant(sandbox)]}

        drift = [aws.cdk("drift", "--fail")]
        deployment.ask(
            "lambda", "update_function_configuration", FunctionName=deployment.output("FunctionName"), MemorySize=128
        )
        drift.append(aws.cdk("drift", "--fail", ends_with=1))

        protected = [code_of(deployment, "cloudformation", "delete_stack", StackName="Lightkeeper")]
        switched = [protect(aws, "off"), protect(aws, "on")]
        protected.append(code_of(deployment, "cloudformation", "delete_stack", StackName="Lightkeeper"))
        switched.append(protect(aws, "off"))
        there = what_there_is(deployment)
        aws.cdk("destroy", "--force")
        switched.append(protect(aws, "on"))  # there is nothing to protect any more
        assert [(done.returncode, done.stderr) for done in switched] == [(0, "")] * 4
        gone = protect(aws, "off")
        left = what_there_is(deployment)
        return Story(
            deployment=deployment,
            first=first,
            log=log,
            pasted=pasted,
            states=states,
            letters=letters,
            second=second,
            second_calls=function_calls,
            archive=archive,
            copies=copies,
            refused=refused,
            drift=drift,
            protected=protected,
            gone=gone,
            there=there,
            left=left,
            last={name: tags for name, tags in deployment.snapshots().items() if name not in PLANTED},
        )


def what_there_is(deployment: Deployment) -> dict[str, list[str]]:
    """Return the names of what an account has, of each kind that a deployment of the stack or the CDK makes."""
    stacks = deployment.ask("cloudformation", "list_stacks", StackStatusFilter=["CREATE_COMPLETE", "UPDATE_COMPLETE"])
    groups = deployment.ask("scheduler", "list_schedule_groups")["ScheduleGroups"]
    return {
        "stacks": [each["StackName"] for each in stacks["StackSummaries"]],
        "functions": [each["FunctionName"] for each in deployment.ask("lambda", "list_functions")["Functions"]],
        "roles": [each["RoleName"] for each in deployment.ask("iam", "list_roles")["Roles"]],
        "schedules": [each["Name"] for each in deployment.ask("scheduler", "list_schedules")["Schedules"]],
        "groups": [each["Name"] for each in groups if each["Name"] != "default"],
        "logs": [each["logGroupName"] for each in deployment.ask("logs", "describe_log_groups")["logGroups"]],
        "queues": deployment.ask("sqs", "list_queues").get("QueueUrls", []),
        "topics": [each["TopicArn"] for each in deployment.ask("sns", "list_topics")["Topics"]],
        "alarms": [each["AlarmName"] for each in deployment.ask("cloudwatch", "describe_alarms")["MetricAlarms"]],
        "dashboards": [
            each["DashboardName"] for each in deployment.ask("cloudwatch", "list_dashboards")["DashboardEntries"]
        ],
        "buckets": [each["Name"] for each in deployment.ask("s3", "list_buckets")["Buckets"]],
    }


@contextmanager
def deployed(aws: LocalAws, sandbox: Sandbox) -> Iterator[Deployment]:
    """Deploy Lightkeeper where there is one source of each kind to back up, and enforce the role it was given."""
    sandbox.seed(
        [
            Seed(kind="Disk", name="shop", region=REGION, tags={"backup": "yearly", "team": "sales"}),
            Seed(kind="Instance", name="web", region=REGION, tags={"backup": "yearly"}),
            # In two zones: where a snapshot interrupts it, its slot would be advised against.
            Seed(
                kind="RelationalDatabase",
                name="orders",
                region=REGION,
                tags={"backup": "yearly"},
                bundle_id="micro_ha_2_0",
            ),
            Seed(kind="Disk", name="scratch", region=REGION),
            Seed(kind="Disk", name="typo", region=REGION, tags={"backup": "yearley"}),
        ]
    )
    slot = half_a_year_ago()
    aws.cdk("synth", "--quiet", app=f"{sys.executable} -m tests.support.app {slot.month}", sandbox_url=sandbox.url)
    aws.cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}")
    deployment = Deployment(aws, sandbox, aws.cdk("deploy", "--require-approval", "never"), slot)
    try:
        role = deployment.configuration()["Role"].rpartition("/")[2]
        policy = deployment.ask("iam", "get_role_policy", RoleName=role, PolicyName="Lightsail")
        sandbox.enforce_role(policy["PolicyDocument"])
        yield deployment
    finally:
        for client in deployment.clients.values():
            client.close()


def half_a_year_ago() -> datetime:
    """Return the slot of a yearly policy that no test sees change, on whatever day it runs."""
    now = datetime.now(UTC)  # noqa: TID251 - the deployed function has no other clock
    year, month = divmod(12 * now.year + now.month - 1 - 6, 12)
    return datetime(year, month + 1, 1, 3, tzinfo=UTC)


def failed_run(deployment: Deployment) -> list[dict[str, Any]]:
    """Let a run fail on every attempt, and return what comes out of the dead-letter queue."""
    rule = FaultRule(operation="GetDisks", effect=ErrorAnswer(code="AccessDeniedException"))
    deployment.sandbox.add_faults(rule)
    deployment.ask(
        "lambda",
        "invoke",
        FunctionName=deployment.output("FunctionName"),
        InvocationType="Event",
        Payload=json.dumps(FAILING),
    )
    queue = deployment.output("DeadLetterQueueAddress").replace("localhost", "127.0.0.1")
    found: list[dict[str, Any]] = []

    def arrived() -> bool:
        answer = deployment.ask("sqs", "receive_message", QueueUrl=queue, WaitTimeSeconds=1)
        found.extend(json.loads(message["Body"]) for message in answer.get("Messages", []))
        return any(body["requestPayload"] == FAILING for body in found)

    wait_until(arrived, "the event in the dead-letter queue", 60)
    deployment.sandbox.clear_faults()
    return found


def copied(deployment: Deployment) -> dict[str, dict[str, str]]:
    """Let a disk that is to be copied live through two runs, and return what there is then in the other Region."""
    deployment.sandbox.set_options(snapshot_seconds=0)
    archive = Seed(kind="Disk", name="archive", region=REGION, tags={"backup": "yearly", "backup:copy": AWAY})
    deployment.sandbox.seed([archive])
    for _ in range(2):
        ended = deployment.ask("lambda", "invoke", FunctionName=deployment.output("FunctionName"), Payload="{}")
        assert "FunctionError" not in ended, ended["Payload"].read().decode()
    return deployment.snapshots(AWAY)


def plant(sandbox: Sandbox) -> list[str]:
    """Plant snapshots to be deleted, or not; return their names."""
    sandbox.seed(
        [
            Seed(kind="DiskSnapshot", name=name, region=REGION, source="shop", tags=tags)
            for name, tags in PLANTED.items()
        ]
    )
    return [*PLANTED]


def code_of(deployment: Deployment, service: str, operation: str, **parameters: object) -> str:
    """Return the error of a call; none if it has none."""
    try:
        deployment.ask(service, operation, **parameters)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


def deletion(deployment: Deployment, name: str) -> str:
    """Delete a snapshot as the function could, for the sandbox enforces its role on everybody; return the error."""
    kinds = {"web": ("instance", "instance"), "orders": ("relational_database", "relationalDatabase")}
    operation, parameter = kinds.get(name.partition("-")[0], ("disk", "disk"))
    return code_of(deployment, "lightsail", f"delete_{operation}_snapshot", **{f"{parameter}SnapshotName": name})


def protect(aws: LocalAws, state: str) -> "subprocess.CompletedProcess[str]":
    """Turn the stack's protection on or off as `make destroy` does."""
    return subprocess.run(  # noqa: S603 - our own arguments
        [sys.executable, "-m", "infra.protection", state],
        cwd=ROOT,
        env={"HOME": str(aws.folder), **aws.credentials},
        check=False,
        capture_output=True,
        text=True,
    )


def test_the_deployment_says_where_everything_is(story: Story) -> None:
    deployment = story.deployment

    assert deployment.output("FunctionName").startswith("Lightkeeper-")
    assert deployment.output("Version") == VERSION
    assert deployment.output("DashboardAddress").startswith(f"https://{REGION}.console.aws.amazon.com/cloudwatch/")
    assert deployment.output("TopicArn").startswith(f"arn:aws:sns:{REGION}:{ACCOUNT}:")


def test_the_scheduler_fires_and_dated_tagged_snapshots_appear(story: Story) -> None:
    slot = story.deployment.slot
    tags = {re.sub(r"-[0-9a-f]{6}$", "", name): tags for name, tags in story.first.items()}

    assert set(tags) == {f"{source}-{slot:%Y%m%d-%H%M}" for source in ("shop", "web", "orders")}
    shop = tags[f"shop-{slot:%Y%m%d-%H%M}"]
    assert shop["lightkeeper:owner"] == "Lightkeeper"
    assert shop["lightkeeper:slot"] == f"{slot:%Y-%m-%dT%H:%M:%SZ}"
    assert ":Disk/" in shop["lightkeeper:source"]
    assert (shop["backup"], shop["team"]) == ("yearly", "sales")


def test_the_log_is_json_and_says_what_was_done_and_why(story: Story) -> None:
    lines = [json.loads(line) for line in story.log]

    done = {line["detail"]["source"]: line["detail"] for line in lines if line.get("message") == "action"}
    assert set(done) == {"shop", "web", "orders"}
    for detail in done.values():
        assert (detail["action"], detail["outcome"]) == ("create", "done")
        assert detail["reason"].startswith("nothing covers the slot ")
    assert any("_aws" in line for line in lines), "and metrics"
    notified = [line["detail"]["subject"] for line in lines if line.get("message") == "notified"]
    assert notified == [f"Lightkeeper {ACCOUNT} {REGION}: typo: a problem"]
    assert not any(line["detail"]["failures"] for line in lines if line.get("message") == "summary")


def test_the_commands_of_the_runbook_can_be_pasted(story: Story) -> None:
    assert [done.stderr for done in story.pasted if done.returncode] == []
    said = [done.stdout for done in story.pasted]
    log, run, dry_run, subscriptions, notified, stopped, started, schedules, _ = said
    assert subscriptions == ""
    assert re.search(r"^lightkeeper:told:1\s[0-9a-z]{8}$", notified, re.MULTILINE), "the wrong tag is remembered"
    assert '"summary"' in log
    assert '"dryRun": false' in run
    assert '"dryRun": true' in dry_run
    assert stopped == started
    assert '"ScheduleArn"' in stopped
    assert story.states == ["ENABLED"] * 5 + ["DISABLED"] + ["ENABLED"] * 3
    assert schedules.split()[-1] == "ENABLED"


def test_a_run_that_fails_on_every_attempt_reaches_the_dead_letter_queue(story: Story) -> None:
    letter = next(body for body in story.letters if body["requestPayload"] == FAILING)

    assert letter["requestContext"]["approximateInvokeCount"] == 3
    assert "expected permission for lightsail:GetDisks" in json.dumps(letter["responsePayload"])


def test_a_second_firing_adds_nothing(story: Story) -> None:
    assert story.second == story.first
    assert set(story.second_calls) == READS


def test_what_is_to_be_copied_lies_in_the_other_region_with_all_its_tags_and_nothing_else_does(story: Story) -> None:
    (original,) = story.archive.values()
    (copy,) = story.copies.values()

    own = {"lightkeeper:taken", "lightkeeper:name"}
    assert {key: value for key, value in copy.items() if key not in own} == original
    assert (copy["lightkeeper:name"], copy["backup:copy"]) == ("archive", AWAY)
    assert copy["lightkeeper:taken"].startswith(f"{datetime.now(UTC):%Y-}"), "it is of now"  # noqa: TID251


def test_what_is_held_or_not_marked_cannot_be_deleted_with_the_function_s_own_role(story: Story) -> None:
    refused = dict.fromkeys([*story.first, "held", "by-hand"], "AccessDeniedException")

    assert story.refused == refused | {"marked": ""}


def test_what_was_changed_by_hand_is_shown(story: Story) -> None:
    before, after = story.drift

    assert "MemorySize" not in before
    assert re.search(r"AWS::Lambda::Function\W+Keeper/Function", after)
    assert re.search(r"MemorySize.*512.*128", after, re.DOTALL)


def test_a_slip_does_not_delete_the_stack(story: Story) -> None:
    assert story.protected == ["ValidationError"] * 2


def test_who_destroys_what_is_not_there_is_answered_so(story: Story) -> None:
    assert story.gone.returncode == 1
    assert story.gone.stderr.startswith("Lightkeeper: its protection against deletion cannot be turned off: ")
    assert "does not exist" in story.gone.stderr


def test_that_nobody_hears_is_said_by_the_deployment_and_does_not_stop_it(story: Story) -> None:
    assert "Nobody hears of any alarm" in story.deployment.said


def test_destroying_the_stack_leaves_every_snapshot(story: Story) -> None:
    assert story.last == story.first | story.archive


def test_destroying_the_stack_leaves_what_is_the_cdk_s_and_nothing_of_its_own(story: Story) -> None:
    assert all(story.there.values()), "each kind was there"
    (bucket,) = story.left.pop("buckets")
    roles = story.left.pop("roles")

    assert bucket == f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
    assert roles
    assert all(role.startswith("cdk-hnb659fds-") for role in roles)
    assert story.left.pop("stacks") == ["CDKToolkit"]
    assert not any(story.left.values()), story.left
