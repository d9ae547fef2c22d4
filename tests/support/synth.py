"""Synthesizes the stack for tests. As a command: writes the templates that were reviewed, to be reviewed again."""

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from aws_cdk import App
from aws_cdk.assertions import Template
from moto.core.models import DEFAULT_ACCOUNT_ID

from infra.props import Props
from infra.stack import LightkeeperStack

_FOLDER = Path(__file__).parents[1] / "infra"
REVIEWED = _FOLDER / "template.json"
REVIEWED_FLEET = _FOLDER / "template-organization.json"
MANY: dict[str, object] = {"organization": {"units": ["ou-ab12-cd34ef56"]}}
"""The settings of the second."""
HOW = "python -m tests.support.synth"
KEEPER = "lightkeeper.handler.handle"
CALENDAR = "recovery_calendar.handler.handle"


def stack(**keys: object) -> LightkeeperStack:
    """Return the stack of a `lightkeeper` object, without its bundle."""
    props = Props.from_document({"lightkeeper": keys})
    return LightkeeperStack(App(context={"aws:cdk:bundling-stacks": []}), props.stack_name, props=props)


def template(**keys: object) -> dict[str, Any]:
    """Return its template, without the name of the bundle, which every change of the code changes."""
    of: dict[str, Any] = json.loads(_synthesized(json.dumps(keys)))
    return of


@cache
def _synthesized(keys: str) -> str:
    """Return a template as text: who asks for it again gets a copy of their own."""
    synthesized = dict(Template.from_stack(stack(**json.loads(keys))).to_json())
    for resource in synthesized["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Code"]["S3Key"] = "bundle.zip"
    return json.dumps(synthesized)


def resources(of: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the resources of a type."""
    return [resource for resource in of["Resources"].values() if resource["Type"] == kind]


def only(of: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the properties of the only resource of a type."""
    (resource,) = resources(of, kind)
    properties: dict[str, Any] = resource["Properties"]
    return properties


def function(of: dict[str, Any], handler: str = KEEPER) -> dict[str, Any]:
    """Return the properties of the function with that handler."""
    (properties,) = (
        each["Properties"]
        for each in resources(of, "AWS::Lambda::Function")
        if each["Properties"]["Handler"] == handler
    )
    found: dict[str, Any] = properties
    return found


def function_role(of: dict[str, Any], handler: str = KEEPER) -> dict[str, Any]:
    """Return the properties of a function's role."""
    name = function(of, handler)["Role"]["Fn::GetAtt"][0]
    properties: dict[str, Any] = of["Resources"][name]["Properties"]
    return properties


def lightsail_policy(of: dict[str, Any], handler: str = KEEPER) -> dict[str, Any]:
    """Return the policy document that says what a function may do in Lightsail, as it is in the sandbox's account."""
    (policy,) = (each for each in function_role(of, handler)["Policies"] if each["PolicyName"] == "Lightsail")
    document: dict[str, Any] = _resolved(policy["PolicyDocument"])
    return document


def _resolved(part: Any) -> Any:  # noqa: ANN401 - any part of a template
    match part:
        case {"Fn::Join": [str(between), [*parts]]}:
            return between.join(_resolved(each) for each in parts)
        case {"Ref": str(name)}:
            return {"AWS::Partition": "aws", "AWS::AccountId": DEFAULT_ACCOUNT_ID}[name]
        case dict():
            return {key: _resolved(value) for key, value in part.items()}
        case list():
            return [_resolved(each) for each in part]
        case _:
            return part


def dashboard_text(of: dict[str, Any]) -> str:
    """Return the text of the dashboard, with names as long as real ones in it."""
    parts = only(of, "AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Join"][1]
    return "".join(part if isinstance(part, str) else "-".join(_leaves(part)).ljust(140, "x") for part in parts)


def widgets(of: dict[str, Any], kind: str | None = None) -> list[dict[str, Any]]:
    """Return the widgets of the dashboard, of a type if one is named."""
    every: list[dict[str, Any]] = json.loads(dashboard_text(of))["widgets"]
    return [widget for widget in every if kind in {None, widget["type"]}]


def dashboard_metrics(of: dict[str, Any], namespace: str) -> list[tuple[str, dict[str, str], dict[str, Any]]]:
    """Return the metrics of a namespace that the dashboard shows: name, dimensions, and how each is shown."""
    found = []
    for widget in widgets(of, "metric"):
        for first, *rest in widget["properties"]["metrics"]:
            if first == namespace:
                name, *dimensions, shown = rest
                found.append((name, dict(zip(dimensions[::2], dimensions[1::2], strict=True)), shown))
    return found


def _leaves(part: object) -> list[str]:
    match part:
        case str():
            return [part]
        case dict():
            return [leaf for value in part.values() for leaf in _leaves(value)]
        case list():
            return [leaf for value in part for leaf in _leaves(value)]
        case _:
            raise ValueError(f"{part!r} is no part of a template's text")


def text(of: dict[str, Any]) -> str:
    """Return a template as it is reviewed."""
    return json.dumps(of, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    for path, keys in ((REVIEWED, {}), (REVIEWED_FLEET, MANY)):
        path.write_text(text(template(**keys)), encoding="utf-8")
        sys.stdout.write(f"{path}: read the difference before you commit it.\n")
