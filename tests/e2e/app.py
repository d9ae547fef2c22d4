"""The stack as it is deployed into a local AWS: app.py's, plus what a local AWS needs and no deployment has."""

import os

from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler

from infra.props import Props
from infra.stack import LightkeeperStack
from lightkeeper.settings import Settings


def _child(stack: Stack, kind: type, wanted: int = 1) -> object:
    found = [child for child in stack.node.find_all() if isinstance(child, kind)]
    assert len(found) == wanted, found
    return found[0]


def main() -> None:
    app = App()
    props = Props(Settings.from_mapping({"tick": "rate(1 minute)", "regions": ["eu-central-1"]}))
    stack = LightkeeperStack(app, props.stack_name, props=props)
    function = _child(stack, lambda_.Function)
    assert isinstance(function, lambda_.Function)
    function.add_environment("AWS_ENDPOINT_URL_LIGHTSAIL", os.environ["SANDBOX_URL"])
    schedule = _child(stack, scheduler.CfnSchedule)
    assert isinstance(schedule, scheduler.CfnSchedule)
    # The local scheduler would hand over "<aws.scheduler.scheduled-time>" as it stands. Without a time, it is now.
    schedule.add_property_override("Target.Input", "{}")
    app.synth()


main()
