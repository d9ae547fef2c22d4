"""A real `cdk bootstrap` and `cdk deploy`, into a local AWS: the Scheduler fires, the bundle runs, snapshots appear."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from sandbox.client import ErrorAnswer, FaultRule, Sandbox, Seed, running_sandbox
from tests.e2e.local_aws import ACCOUNT, CDK, MINISTACK, REGION, LocalAws, running_local_aws, wait_until
from tests.integration.keeper import READS

pytestmark = [
    pytest.mark.xdist_group("deployment"),
    pytest.mark.skipif(
        not (CDK.exists() and MINISTACK.exists()),
        reason="there is no Node, or no `make test` yet: it brings the CDK and a local AWS where Node is present",
    ),
]
_A_FIRING_SECONDS = 90  # a minute for the tick, and ten seconds between two looks of the local scheduler


@dataclass(frozen=True)
class Deployment:
    """Lightkeeper, deployed."""

    aws: LocalAws
    sandbox: Sandbox
    said: str
    clients: dict[str, Any] = field(default_factory=dict)

    def ask(self, service: str, operation: str, **parameters: object) -> dict[str, Any]:
        """Call the local AWS, or Lightsail in the sandbox."""
        client = self.clients.get(service)
        if client is None:
            url = self.sandbox.url if service == "lightsail" else self.aws.url
            # A local AWS asks for no credentials, but boto3 does.
            session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)  # noqa: S106
            client = self.clients[service] = session.client(service, endpoint_url=url)  # type: ignore[call-overload] # any service
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

    def snapshots(self) -> dict[str, dict[str, str]]:
        """Return the tags of the snapshots in the sandbox, by name."""
        found = [
            *self.ask("lightsail", "get_disk_snapshots")["diskSnapshots"],
            *self.ask("lightsail", "get_instance_snapshots")["instanceSnapshots"],
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


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Lightkeeper in a local AWS, with a disk and an instance to back up and its role enforced."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(running_sandbox())
        aws = stack.enter_context(running_local_aws(tmp_path_factory.mktemp("local-aws")))
        sandbox.seed(
            [
                Seed(kind="Disk", name="shop", region=REGION, tags={"backup": "yearly", "team": "sales"}),
                Seed(kind="Instance", name="web", region=REGION, tags={"backup": "yearly"}),
                Seed(kind="Disk", name="scratch", region=REGION),
            ]
        )
        aws.cdk("synth", "--quiet", app=f"{sys.executable} -m tests.e2e.app", sandbox_url=sandbox.url)
        aws.cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}")
        said = aws.cdk("deploy", "--require-approval", "never")
        deployed = Deployment(aws, sandbox, said)
        role = deployed.configuration()["Role"].rpartition("/")[2]
        policy = deployed.ask("iam", "get_role_policy", RoleName=role, PolicyName="Lightsail")
        sandbox.enforce_role(policy["PolicyDocument"])
        yield deployed
        for client in deployed.clients.values():
            client.close()


@pytest.fixture(scope="module")
def fired(deployment: Deployment) -> Deployment:
    """The same after the Scheduler has fired for the first time."""
    wait_until(lambda: len(deployment.snapshots()) == 2, "two snapshots after a firing", _A_FIRING_SECONDS)
    return deployment


def test_the_deployment_says_where_everything_is(deployment: Deployment) -> None:
    assert deployment.configuration()["FunctionName"] == deployment.output("FunctionName")
    assert deployment.output("DashboardAddress").startswith(f"https://{REGION}.console.aws.amazon.com/cloudwatch/")
    assert deployment.output("TopicArn").startswith(f"arn:aws:sns:{REGION}:{ACCOUNT}:")


def test_the_scheduler_fires_and_dated_tagged_snapshots_appear(fired: Deployment) -> None:
    year = datetime.now(UTC).year  # noqa: TID251 - the deployed function has no other clock
    tags = {re.sub(r"-[0-9a-f]{6}$", "", name): tags for name, tags in fired.snapshots().items()}

    assert set(tags) == {f"shop-{year}0101-0300", f"web-{year}0101-0300"}
    shop = tags[f"shop-{year}0101-0300"]
    assert shop["lightkeeper:owner"] == "Lightkeeper"
    assert shop["lightkeeper:slot"] == f"{year}-01-01T03:00:00Z"
    assert ":Disk/" in shop["lightkeeper:source"]
    assert (shop["backup"], shop["team"]) == ("yearly", "sales")


def test_the_log_is_json_and_says_what_was_done_and_why(fired: Deployment) -> None:
    wait_until(lambda: any('"summary"' in line for line in fired.log()), "a summary in the log", 30)
    lines = [json.loads(line) for line in fired.log()]

    done = {line["detail"]["source"]: line["detail"] for line in lines if line.get("message") == "action"}
    assert set(done) == {"shop", "web"}
    for detail in done.values():
        assert (detail["action"], detail["outcome"]) == ("create", "done")
        assert detail["reason"].startswith("no snapshot for the slot ")
    assert any("_aws" in line for line in lines), "and metrics"


def test_a_run_that_fails_on_every_attempt_reaches_the_dead_letter_queue(fired: Deployment) -> None:
    event = {"time": "2031-01-01T03:00:00Z", "dryRun": True}
    fired.sandbox.add_faults(FaultRule(operation="GetDisks", effect=ErrorAnswer(code="AccessDeniedException")))
    try:
        fired.ask(
            "lambda",
            "invoke",
            FunctionName=fired.output("FunctionName"),
            InvocationType="Event",
            Payload=json.dumps(event),
        )
        queue = fired.output("DeadLetterQueueAddress").replace("localhost", "127.0.0.1")
        found: list[dict[str, Any]] = []

        def arrived() -> bool:
            answer = fired.ask("sqs", "receive_message", QueueUrl=queue, WaitTimeSeconds=1)
            found.extend(json.loads(message["Body"]) for message in answer.get("Messages", []))
            return any(body["requestPayload"] == event for body in found)

        wait_until(arrived, "the event in the dead-letter queue", 60)
    finally:
        fired.sandbox.clear_faults()

    letter = next(body for body in found if body["requestPayload"] == event)
    assert letter["requestContext"]["approximateInvokeCount"] == 3
    assert "expected permission for lightsail:GetDisks" in json.dumps(letter["responsePayload"])


def test_a_second_firing_adds_nothing(fired: Deployment) -> None:
    before, runs = fired.snapshots(), fired.runs()

    wait_until(lambda: fired.runs() > runs, "another firing", _A_FIRING_SECONDS)

    assert fired.snapshots() == before
    assert [call.operation for call in fired.sandbox.calls() if call.error] == ["GetDisks"] * 3, "only as scripted"


def test_destroying_the_stack_leaves_every_snapshot(fired: Deployment) -> None:
    before = fired.snapshots()

    fired.aws.cdk("destroy", "--force")

    stacks = fired.ask("cloudformation", "list_stacks", StackStatusFilter=["CREATE_COMPLETE", "UPDATE_COMPLETE"])
    assert [stack["StackName"] for stack in stacks["StackSummaries"]] == ["CDKToolkit"]
    assert fired.ask("lambda", "list_functions")["Functions"] == []
    assert fired.ask("scheduler", "list_schedules")["Schedules"] == []
    assert fired.snapshots() == before
