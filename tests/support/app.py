"""The stack as it is deployed into a local AWS: app.py's, plus what a local AWS needs and no deployment has."""

import os
import sys
from typing import Final, TypeVar

from aws_cdk import App, Fn, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler

from infra.config_file import read_config_file
from infra.props import Props
from infra.stack import LightkeeperStack
from lightkeeper.fleet_metrics import FleetMetricName
from lightkeeper.metrics import NAMESPACE, MetricName
from tests.support.local_hub import REPORTS

AWAY: Final = "eu-north-1"
"""Where copies go to."""
_T = TypeVar("_T")
_WATCHED: Final = {
    "NoRun": (NAMESPACE, MetricName.RESOURCES_PROTECTED.value, "SampleCount"),
    "FunctionErrors": ("AWS/Lambda", "Errors", "Sum"),
    "DeadLetters": ("AWS/SQS", "NumberOfMessagesSent", "Sum"),
}
_WATCHED_OF_A_FLEET: Final = {
    **_WATCHED,
    "NoRun": (NAMESPACE, FleetMetricName.ACCOUNTS_PROTECTED.value, "SampleCount"),
    "FleetRunsFailed": ("AWS/States", "ExecutionsFailed", "Sum"),
}


def _only(stack: Stack, kind: type[_T]) -> _T:
    (found,) = (child for child in stack.node.find_all() if isinstance(child, kind))
    return found


def main(month: str = "") -> None:
    """Synthesize a deployment that has a slot once a year, in that month; without one, that of `CONFIG=FILE`."""
    app = App()
    yearly = {"schedule": f"0 3 1 {month} *", "keep": "yearly=2"}
    settings = {"tick": "rate(1 minute)", "policies": {"yearly": yearly}, "copies": {AWAY: yearly}}
    props = (
        Props.from_document({"lightkeeper": settings})
        if month
        else read_config_file(app.node.try_get_context("config"), Props.from_document)
    )
    stack = LightkeeperStack(app, props.stack_name, props=props)
    for function in stack.node.find_all():
        if isinstance(function, lambda_.Function):
            function.add_environment("AWS_ENDPOINT_URL_LIGHTSAIL", os.environ["SANDBOX_URL"])
    # The local scheduler would hand over "<aws.scheduler.scheduled-time>" as it stands. Without a time, it is now.
    _only(stack, scheduler.CfnSchedule).add_property_override("Target.Input", "{}")
    # The local CloudWatch knows no metric math: there each alarm that uses it watches the first of its metrics itself.
    for alarm in stack.node.find_all():
        if isinstance(alarm, cloudwatch.CfnAlarm) and not alarm.metric_name:
            watched = _WATCHED_OF_A_FLEET if props.own.organization else _WATCHED
            namespace, name, statistic = watched[alarm.node.path.split("/")[-2]]
            dimensions = [{"Name": "service", "Value": props.settings.deployment}] if namespace == NAMESPACE else []
            alarm.add_property_deletion_override("Metrics")
            alarm.add_property_override("Namespace", namespace)
            alarm.add_property_override("MetricName", name)
            alarm.add_property_override("Dimensions", dimensions)
            alarm.add_property_override("Period", 60)
            alarm.add_property_override("Statistic", statistic)
    if props.own.organization:
        _allow_tags_of_topics(stack)
    app.synth()


def _allow_tags_of_topics(stack: Stack) -> None:
    """Let the report remember what it has told: of tags, the local IAM does not see which topic's they are."""
    (report,) = (
        each for each in stack.node.find_all() if isinstance(each, lambda_.CfnFunction) and each.handler == REPORTS
    )
    role = stack.resolve(report.role)["Fn::GetAtt"][0]
    actions = [f"sns:{action}" for action in ("ListTagsForResource", "TagResource", "UntagResource")]
    allowed = iam.PolicyStatement(actions=actions, resources=["*"])
    iam.CfnPolicy(
        stack,
        "TagsOfTopics",
        policy_name="TagsOfTopics",
        policy_document=iam.PolicyDocument(statements=[allowed]),
        roles=[Fn.ref(role)],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
