"""A deployment that looks after an organization, in a local AWS that enforces every role and policy."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from infra.member_stack import member_stack_name, member_template
from infra.props import Props
from lightkeeper.fleet import FLEET_KEY, Fleet
from lightkeeper.organization import HubRoles, MemberRoles
from lightkeeper.tags import SLOT
from lightkeeper.times import format_instant
from lightsail_sandbox.client import Sandbox
from tests.support.customers import Customers
from tests.support.local_aws import ACCOUNT, REGION, LocalAws, wait_until

DEPLOYMENT: Final = "Lightkeeper"
SIDE_BY_SIDE: Final = 4
RUNS: Final = "lightkeeper.handler.handle"
SHOWS: Final = "recovery_calendar.handler.handle"
REPORTS: Final = "lightkeeper.fleet_handler.report_fleet"
_EXECUTION_SECONDS: Final = 600
_QUEUE: Final = "people"


@dataclass(frozen=True)
class Execution:
    """How an execution of the state machine has ended."""

    arn: str
    status: str
    error: str | None
    cause: str | None


@dataclass(frozen=True)
class Hub:
    """The deployment."""

    aws: LocalAws
    sandbox: Sandbox
    customers: Customers
    props: Props
    member_template: dict[str, Any]
    """What an account takes to let Lightkeeper in."""
    clients: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def accounts(self) -> tuple[str, ...]:
        """All that are looked after: the customers', and its own."""
        return (*self.customers.accounts, ACCOUNT)

    @property
    def roles(self) -> MemberRoles:
        """The names of the roles in each account."""
        organization = self.props.own.organization
        assert organization is not None
        return organization.roles(DEPLOYMENT)

    def ask(self, service: str, operation: str, **parameters: object) -> dict[str, Any]:
        """Call the local AWS in the deployment's account."""
        if service not in self.clients:
            self.clients[service] = self.aws.client(service)
        answer: dict[str, Any] = getattr(self.clients[service], operation)(**parameters)
        return answer

    def function(self, handler: str) -> str:
        """Return the name of the function with this handler."""
        functions = self.ask("lambda", "list_functions")["Functions"]
        (name,) = (each["FunctionName"] for each in functions if each["Handler"] == handler)
        return str(name)

    def onboard(self, accounts: Iterable[str], *, external_id: str = DEPLOYMENT) -> None:
        """Let Lightkeeper into accounts: a person with rights there pastes the template."""
        accounts = tuple(accounts)
        template, stack = _with_external_id(self.member_template, external_id), member_stack_name(DEPLOYMENT)
        for account in accounts:
            self.customers.deploy(
                account, stack, template, HubAccount=ACCOUNT, OrganizationId=self.customers.organization
            )
        self.customers.wait_for(accounts, stack)

    def offboard(self, account: str) -> None:
        """Take the roles away from an account."""
        self.customers.delete(account, member_stack_name(DEPLOYMENT))

    def enforce(self, account: str) -> None:
        """Let the sandbox refuse what the account's role for runs does not allow, as it was deployed."""
        role = HubRoles.of(DEPLOYMENT).keeper if account == ACCOUNT else self.roles.member
        with closing(self.aws.client("iam", account)) as iam:
            policy = iam.get_role_policy(RoleName=role, PolicyName="Lightsail")
        self.sandbox.enforce_role(policy["PolicyDocument"], account=account)

    def executions(self) -> list[str]:
        """Return the ARNs of the state machine's executions."""
        listed = self.ask("stepfunctions", "list_executions", stateMachineArn=self.outputs["StateMachineArn"])
        return [each["executionArn"] for each in listed["executions"]]

    def start(self, time: datetime) -> str:
        """Start an execution as the schedule does, at a time; return its ARN."""
        given = json.dumps({"time": format_instant(time)})
        machine = self.outputs["StateMachineArn"]
        started = self.ask("stepfunctions", "start_execution", stateMachineArn=machine, input=given)
        return str(started["executionArn"])

    def stop(self, execution: str) -> None:
        """End an execution between two of its steps."""
        self.ask("stepfunctions", "stop_execution", executionArn=execution)

    def end_of(self, execution: str) -> Execution:
        """Wait until an execution has ended, and return how."""

        def described() -> dict[str, Any]:
            return self.ask("stepfunctions", "describe_execution", executionArn=execution)

        wait_until(lambda: described()["status"] != "RUNNING", "the end of an execution", _EXECUTION_SECONDS)
        ended = described()
        return Execution(execution, ended["status"], ended.get("error"), ended.get("cause"))

    @contextmanager
    def impatient(self, seconds: int) -> Iterator[None]:
        """Let executions that begin now wait no longer than this for the run of an account."""
        machine = self.outputs["StateMachineArn"]
        deployed = self.ask("stepfunctions", "describe_state_machine", stateMachineArn=machine)["definition"]
        changed = json.loads(deployed)
        changed["States"]["EachAccount"]["ItemProcessor"]["States"]["Run"]["TimeoutSeconds"] = seconds
        self.ask("stepfunctions", "update_state_machine", stateMachineArn=machine, definition=json.dumps(changed))
        try:
            yield
        finally:
            self.ask("stepfunctions", "update_state_machine", stateMachineArn=machine, definition=deployed)

    def runs_of(self, execution: str) -> dict[str, int]:
        """Return how many runs of accounts an execution has made, by how they ended; none if it came to none."""
        for run in self.ask("stepfunctions", "list_map_runs", executionArn=execution)["mapRuns"]:
            described = self.ask("stepfunctions", "describe_map_run", mapRunArn=run["mapRunArn"])
            counts: dict[str, int] = described["itemCounts"]
            return {name: count for name, count in counts.items() if count}
        return {}

    def allow_runs(self, count: int | None) -> None:
        """Let no more runs go side by side; None: as many as there are."""
        name = self.function(RUNS)
        if count is None:
            self.ask("lambda", "delete_function_concurrency", FunctionName=name)
        else:
            self.ask("lambda", "put_function_concurrency", FunctionName=name, ReservedConcurrentExecutions=count)

    def kill_runs(self) -> None:
        """Kill the processes in which runs are made: Lambda starts a function anew whose configuration was changed."""
        name = self.function(RUNS)
        memory = self.ask("lambda", "get_function_configuration", FunctionName=name)["MemorySize"]
        self.ask("lambda", "update_function_configuration", FunctionName=name, MemorySize=memory + 1)

    def fleet(self) -> Fleet:
        """Return the fleet's document."""
        answer = self.ask("s3", "get_object", Bucket=self.outputs["ResultsBucket"], Key=FLEET_KEY)
        with closing(answer["Body"]) as body:
            return Fleet.from_json(body.read().decode())

    def snapshots(self) -> Counter[tuple[str, str]]:
        """Return how many snapshots there are, by account and slot."""
        return Counter(
            (entry.account, entry.tags[SLOT]) for entry in self.sandbox.entries() if entry.kind == "DiskSnapshot"
        )

    def messages(self) -> list[dict[str, str]]:
        """Return what people were told since this was last asked: ``Subject``, ``Message`` and more."""
        (queue,) = self.ask("sqs", "list_queues", QueueNamePrefix=_QUEUE)["QueueUrls"]
        told: list[dict[str, str]] = []
        while found := self.ask("sqs", "receive_message", QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            told += [json.loads(message["Body"]) for message in found]
            for message in found:
                self.ask("sqs", "delete_message", QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return told

    def lightkeeper(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the command as somebody does who may do everything in the deployment's account."""
        environment = {"HOME": str(self.aws.folder), "AWS_ENDPOINT_URL_LIGHTSAIL": self.sandbox.url}
        return subprocess.run(  # noqa: S603 - our own arguments
            [sys.executable, "-m", "lightkeeper_cli", *arguments, "--stack", DEPLOYMENT],
            cwd=self.aws.folder,
            env=environment | self.aws.credentials,
            check=False,
            capture_output=True,
            text=True,
        )

    def widget(self, **parameters: str) -> str:
        """Return what the dashboard's widget shows, on whichever page of it."""
        event = json.dumps({"widgetContext": {"theme": "light"}, **parameters})
        answer = self.ask("lambda", "invoke", FunctionName=self.function(SHOWS), Payload=event)
        with closing(answer["Payload"]) as payload:
            return str(json.loads(payload.read()))

    def log(self, handler: str) -> list[dict[str, Any]]:
        """Return the lines of JSON that a function has written."""
        configuration = self.ask("lambda", "get_function_configuration", FunctionName=self.function(handler))
        events = self.ask("logs", "filter_log_events", logGroupName=configuration["LoggingConfig"]["LogGroup"])
        lines = (line for event in events["events"] for line in event["message"].splitlines())
        return [json.loads(line) for line in lines if line.startswith("{")]


@contextmanager
def bootstrapped_hub(aws: LocalAws, sandbox: Sandbox, customers: Customers) -> Iterator[Hub]:
    """Prepare a deployment as the CDK does; `deploy_hub` deploys it."""
    settings = {
        "tick": "rate(1 minute)",
        "regions": [REGION],
        "organization": {"units": [customers.unit], "maxConcurrency": SIDE_BY_SIDE},
    }
    file = aws.folder / "hub.json"
    file.write_text(json.dumps(settings), encoding="utf-8")
    app = f"{sys.executable} -m tests.support.app"
    aws.cdk("synth", "--quiet", "--context", f"config={file}", app=app, sandbox_url=sandbox.url)
    aws.cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}")
    props = Props.from_document({"lightkeeper": settings})
    assert props.own.organization is not None
    hub = Hub(aws, sandbox, customers, props, _for_a_local_aws(member_template(props, props.own.organization)))
    try:
        yield hub
    finally:
        for client in hub.clients.values():
            client.close()


def deploy_hub(hub: Hub) -> None:
    """Deploy it, with a queue that gets what people are told."""
    hub.aws.cdk("deploy", "--require-approval", "never")
    (stack,) = hub.ask("cloudformation", "describe_stacks", StackName=DEPLOYMENT)["Stacks"]
    hub.outputs.update({each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]})
    topic = hub.outputs["TopicArn"]
    queue = hub.ask("sqs", "create_queue", QueueName=_QUEUE)["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{_QUEUE}"
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    hub.ask("sqs", "set_queue_attributes", QueueUrl=queue, Attributes={"Policy": policy})
    hub.ask("sns", "subscribe", TopicArn=topic, Protocol="sqs", Endpoint=arn)


def _for_a_local_aws(template: dict[str, Any]) -> dict[str, Any]:
    """Return the members' template with what a local AWS needs and no account has.

    AWS holds the ARN of the caller's role against `aws:PrincipalArn`, and the local one that of its session.
    """
    for role in template["Resources"].values():
        (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        for named in statement["Condition"].get("ArnEquals", {}).values():
            role_arn = json.dumps(named)
            session = json.loads(role_arn.replace(":iam::", ":sts::").replace(":role/", ":assumed-role/"))
            session["Fn::Join"][1].append("/*")
            statement["Condition"]["ArnEquals"]["aws:PrincipalArn"] = [named, session]
    return template


def _with_external_id(template: dict[str, Any], external_id: str) -> dict[str, Any]:
    """Return the members' template as somebody would have it who has named another deployment."""
    ours, theirs = (json.dumps({"sts:ExternalId": each})[1:-1] for each in (DEPLOYMENT, external_id))
    text = json.dumps(template)
    assert text.count(ours) == len(template["Resources"])
    changed: dict[str, Any] = json.loads(text.replace(ours, theirs))
    return changed
