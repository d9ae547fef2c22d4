"""The stack as it is deployed into a local AWS: app.py's, plus what a local AWS needs and no deployment has."""

import os
from typing import TypeVar

from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler

from infra.props import Props
from infra.stack import LightkeeperStack

_T = TypeVar("_T")
# The current slot does not change while the test runs, but for one minute of the year.
SETTINGS = {"tick": "rate(1 minute)", "policies": {"yearly": {"schedule": "0 3 1 1 *", "keep": "yearly=2"}}}


def _only(stack: Stack, kind: type[_T]) -> _T:
    (found,) = (child for child in stack.node.find_all() if isinstance(child, kind))
    return found


def main() -> None:
    app = App()
    props = Props.from_document({"lightkeeper": SETTINGS})
    stack = LightkeeperStack(app, props.stack_name, props=props)
    for function in stack.node.find_all():
        if isinstance(function, lambda_.Function):
            function.add_environment("AWS_ENDPOINT_URL_LIGHTSAIL", os.environ["SANDBOX_URL"])
    # The local scheduler would hand over "<aws.scheduler.scheduled-time>" as it stands. Without a time, it is now.
    _only(stack, scheduler.CfnSchedule).add_property_override("Target.Input", "{}")
    app.synth()


if __name__ == "__main__":
    main()
