"""The folder that `make dist` writes, deployed into a local AWS with CloudFormation alone."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from infra.plain_template import CHECKED
from lightkeeper.metrics import NAMESPACE, MetricName
from tests.support.formation import Formation
from tests.support.local_aws import REGION, LocalAws, wait_until

BUCKET = "anybody-s-tools"
PREFIX = "backups/"
STACK = "Lightkeeper"


@dataclass(frozen=True)
class PlainStack:
    """A bucket with the folder in it, and the stacks that are made of it."""

    aws: LocalAws
    template: dict[str, Any]
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:  # noqa: ANN401 - a client of any service
        """Return a client of the local AWS."""
        if service not in self.clients:
            # A local AWS asks for no credentials, but boto3 does.
            session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)  # noqa: S106
            self.clients[service] = session.client(service, endpoint_url=self.aws.url)  # type: ignore[call-overload] # any service
        return self.clients[service]

    def deploy(self, settings: str, *, name: str = STACK, update: bool = False) -> str:
        """Create the stack with these settings, or update it; return its state when that has ended."""
        formation = self.client("cloudformation")
        given = {"CodeBucket": BUCKET, "CodePrefix": PREFIX, "Settings": settings}
        (formation.update_stack if update else formation.create_stack)(
            StackName=name,
            TemplateBody=json.dumps(_with_conditions_worked_out(self.template, settings)),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        wait_until(lambda: not self.state(name).endswith("_IN_PROGRESS"), f"the end of {name}'s deployment", 120)
        return self.state(name)

    def state(self, name: str = STACK) -> str:
        """Return a stack's state."""
        (described,) = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        state: str = described["StackStatus"]
        return state

    def outputs(self, name: str = STACK) -> dict[str, str]:
        """Return a stack's outputs."""
        (described,) = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}

    def said(self, name: str = STACK) -> list[str]:
        """Return what the events of a stack say of what failed."""
        events = self.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
        return [each["ResourceStatusReason"] for each in events if "FAILED" in each.get("ResourceStatus", "")]

    def schedule(self) -> dict[str, Any]:
        """Return the only schedule."""
        scheduler = self.client("scheduler")
        (found,) = scheduler.list_schedules()["Schedules"]
        schedule: dict[str, Any] = scheduler.get_schedule(Name=found["Name"], GroupName=found["GroupName"])
        return schedule

    def alarm(self, part: str) -> dict[str, Any]:
        """Return the alarm whose name has this part."""
        alarms = self.client("cloudwatch").describe_alarms()["MetricAlarms"]
        (found,) = (each for each in alarms if part in each["AlarmName"])
        alarm: dict[str, Any] = found
        return alarm

    def invoke(self, event: dict[str, object]) -> dict[str, Any]:
        """Let the function run, and return its summary."""
        answer = self.client("lambda").invoke(
            FunctionName=self.outputs()["FunctionName"], Payload=json.dumps(event).encode()
        )
        summary: dict[str, Any] = json.loads(answer["Payload"].read())
        return summary


@contextmanager
def uploaded(folder: Path, aws: LocalAws, sandbox_url: str) -> Iterator[PlainStack]:
    """Put the folder into a bucket, as its README says."""
    template = json.loads((folder / "template.json").read_text(encoding="utf-8"))
    stack = PlainStack(aws, _for_a_local_aws(template, sandbox_url))
    try:
        s3 = stack.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        for path in folder.iterdir():
            s3.upload_file(str(path), BUCKET, f"{PREFIX}{folder.name}/{path.name}")
        yield stack
    finally:
        for client in stack.clients.values():
            client.close()


def _for_a_local_aws(template: dict[str, Any], sandbox_url: str) -> dict[str, Any]:
    """Return the template with what a local AWS needs and no deployment has, as `app` has it for the CDK's."""
    for resource in template["Resources"].values():
        properties = resource["Properties"]
        match resource["Type"]:
            case "AWS::Lambda::Function" if "Environment" in properties:
                properties["Environment"]["Variables"]["AWS_ENDPOINT_URL_LIGHTSAIL"] = sandbox_url
            case "AWS::Scheduler::Schedule":
                properties["Target"]["Input"] = "{}"
            case "AWS::CloudWatch::Alarm" if "Metrics" in properties:
                metrics = [each["MetricStat"] for each in properties.pop("Metrics") if "MetricStat" in each]
                (news,) = {json.dumps(each["Period"]) for each in metrics}
                properties |= {"Namespace": NAMESPACE, "MetricName": MetricName.RESOURCES_PROTECTED.value}
                properties |= {"Period": json.loads(news), "Statistic": "SampleCount"}
            case _:
                pass
    return template


def _with_conditions_worked_out(template: dict[str, Any], settings: str) -> dict[str, Any]:
    """Return the template for these settings only: in conditions, the local CloudFormation neither joins nor splits."""
    of = Formation(template, {"Settings": settings}, CHECKED, {})
    worked_out = {name: {"Fn::Equals": [str(of.holds(name)), "True"]} for name in template["Conditions"]}
    return {**template, "Conditions": worked_out}
