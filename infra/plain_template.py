"""The stack as a plain template, whose settings are a parameter: made of the CDK's own templates, never by hand.

The stack is synthesized with settings that stand for others: where one of these comes out of the CDK, an attribute of
the checked settings takes its place. What a setting adds or leaves out is found by synthesizing both ways, and put
under a condition. A test resolves the result for many settings, and gets the CDK's template for each.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from aws_cdk import App

from infra.bundling import CALENDAR, KEEPER
from infra.props import Props
from infra.settings_check import TIMEOUT, SettingsCheck
from infra.stack import LightkeeperStack
from infra.template_trees import Node, PlainTemplateError, Template, either_template, put_into, replaced
from lightkeeper.deployable import Rhythm
from lightkeeper.rows import write_rows
from lightkeeper.settings import ENVIRONMENT_VARIABLE, Settings, StackSettings
from lightkeeper.settings_check import COPIES, SUBSCRIPTIONS

CHECKED: Final = "Checked"
"""The resource whose attributes the others take."""
FIXED: Final = ("tagKey", "tags")
"""Settings at places where CloudFormation takes no attribute: the template is written for one value of each."""
_CHECK: Final = "lightkeeper.settings_check.handle"
_ZIPS: Final = {
    "lightkeeper.handler.handle": KEEPER.name,
    _CHECK: KEEPER.name,
    "recovery_calendar.handler.handle": CALENDAR.name,
}
_WHITE_SPACE: Final = (" ", "\n", "\r", "\t")
_NO_NAME: Final = "~"
_SUBSCRIPTION: Final = re.compile(r"Endpoint([0-9]+)")

# What stands for others: valid, and nowhere else in a template.
_DEPLOYMENT: Final = "Stands-For-Deployment"
_TICK: Final = "rate(1237 minutes)"
_ZONE: Final = "Antarctica/DumontDUrville"
_POLICY: Final = "stands-for-policy"
_RUNBOOK: Final = "https://stands-for-runbook.example"
_RHYTHM: Final = Rhythm(
    news_period=timedelta(minutes=661),
    error_period=timedelta(minutes=673),
    periods_without_a_run=683,
    overdue_age=timedelta(hours=7919),
)
_RETENTION: Final = 1827
_ADDRESSES: Final = tuple(f"stands-for-{number}@example.com" for number in range(1, SUBSCRIPTIONS + 1))


@dataclass(frozen=True, slots=True)
class _Shape:
    """The settings that add to the template, or take away from it."""

    runbook: bool = False
    heard: bool = False
    encrypted: bool = False
    tag_on_create: bool = True


def plain_template(props: Props, version: str, given: Mapping[str, object]) -> Template:
    """Return the template, as parsed JSON.

    Parameters
    ----------
    props
        The template is written for their fixed settings; all others can be changed when it is deployed.
    version
        The release's: it stands in the addresses of the zips.
    given
        The settings of a deployment that says nothing else, as they stand in a file.

    Raises
    ------
    PlainTemplateError
        If a setting is at a place of the template that takes no attribute, or two settings are at the same place.
    """
    plain = _with_all_shapes(props)
    resources = {name: _plain_resource(each, version) for name, each in plain["Resources"].items()}
    (check,) = (name for name, each in resources.items() if each["Properties"].get("Handler") == _CHECK)
    written = props.settings.to_mapping() | write_rows(props.own)
    resources[CHECKED] = {
        "Type": "Custom::LightkeeperSettings",
        "Properties": {
            "ServiceToken": {"Fn::GetAtt": [check, "Arn"]},
            "ServiceTimeout": 2 * int(TIMEOUT.to_seconds()),
            "Settings": {"Ref": "Settings"},
            "StackName": {"Ref": "AWS::StackName"},
            "Fixed": json.dumps({**{key: written[key] for key in FIXED}, COPIES: bool(props.settings.copies)}),
            "Seen": {
                "runbookUrl": {"Fn::If": ["Runbook", "true", "false"]},
                "encryptNotifications": {"Fn::If": ["Encrypted", "true", "false"]},
                "tagOnCreate": {"Fn::If": ["TagOnCreate", "true", "false"]},
                "notify": _number_of_names(),
            },
            # Another release checks again.
            "Version": version,
        },
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": plain["Description"],
        "Parameters": _parameters(given),
        "Conditions": _conditions(),
        "Resources": resources,
        "Outputs": plain["Outputs"],
    }


def _parameters(given: Mapping[str, object]) -> Template:
    return {
        "CodeBucket": {
            "Type": "String",
            "Description": "The S3 bucket with the folder of this release in it, in the Region of this stack",
            "AllowedPattern": "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
            "ConstraintDescription": "CodeBucket: expected the name of a bucket, without s3://",
        },
        "CodePrefix": {
            "Type": "String",
            "Default": "",
            "Description": 'Where in the bucket that folder is, such as "tools/"; empty: at the top',
            "AllowedPattern": "(\\S+/)?",
            "ConstraintDescription": 'CodePrefix: expected nothing, or a prefix that ends with "/"',
        },
        "Settings": {
            "Type": "String",
            "Default": json.dumps(given),
            "Description": 'The settings as JSON, such as {"notify": ["ops@example.com"]}; see docs/configuration.md',
        },
    }


def _plain_resource(resource: Template, version: str) -> Template:
    """Return a resource with its code in the bucket, a subscription where there is an address, and no metadata."""
    properties = resource["Properties"]
    plain = {key: value for key, value in resource.items() if key != "Metadata"}
    if resource["Type"] == "AWS::Lambda::Function":
        key = f"${{CodePrefix}}lightkeeper-{version}/{_ZIPS[properties['Handler']]}"
        code = {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Fn::Sub": key}}
        plain["Properties"] = {**properties, "Code": code}
    if resource["Type"] == "AWS::SNS::Subscription":
        match properties["Endpoint"]:
            case {"Fn::GetAtt": [_, str(name)]} if found := _SUBSCRIPTION.fullmatch(name):
                plain["Condition"] = f"Notify{found[1]}"
                plain["Properties"] = {**properties, "Protocol": _attribute(f"Protocol{found[1]}")}
            case endpoint:
                raise PlainTemplateError(f"{endpoint}: is no address of the settings")
    return plain


def _attribute(name: str) -> Node:
    return {"Fn::GetAtt": [CHECKED, name]}


# What CloudFormation reads out of the text of the settings. The function compares it with what they say.


def _conditions() -> Template:
    return {
        "Runbook": _says('"runbookUrl":"'),
        "Encrypted": _says('"encryptNotifications":true'),
        "TagOnCreate": {"Fn::Not": [_says('"tagOnCreate":false')]},
        "Heard": {"Fn::Not": [{"Fn::Equals": [_name(1), _NO_NAME]}]},
        **{
            f"Notify{number}": {"Fn::Not": [{"Fn::Equals": [_name(number), _NO_NAME]}]}
            for number in range(1, SUBSCRIPTIONS + 1)
        },
    }


def _says(words: str) -> Node:
    """Return the condition that the settings have these words: split at them, they are not whole any more."""
    return {
        "Fn::Not": [
            {"Fn::Equals": [{"Fn::Select": [0, {"Fn::Split": [words, _compact_settings()]}]}, _compact_settings()]}
        ]
    }


def _name(number: int) -> Node:
    """Return the so-manieth text between quotes of the list `notify`, or what stands for none."""
    opening = '"notify":['
    padded = {"Fn::Join": ["", [_compact_settings(), f"{opening}]"]]}
    names = {"Fn::Select": [0, {"Fn::Split": ["]", {"Fn::Select": [1, {"Fn::Split": [opening, padded]}]}]}]}
    enough = {"Fn::Join": ["", [names, f'"{_NO_NAME}' * 2 * SUBSCRIPTIONS]]}
    return {"Fn::Select": [2 * number - 1, {"Fn::Split": ['"', enough]}]}


def _compact_settings() -> Node:
    text: Node = {"Ref": "Settings"}
    for space in _WHITE_SPACE:
        text = {"Fn::Join": ["", {"Fn::Split": [space, text]}]}
    return text


def _number_of_names() -> Node:
    seen: Node = str(SUBSCRIPTIONS)
    for number in range(SUBSCRIPTIONS, 0, -1):
        seen = {"Fn::If": [f"Notify{number}", seen, str(number - 1)]}
    return seen


# What is synthesized


def _with_all_shapes(props: Props) -> Template:
    plain, heard, runbook, both = (
        _synthesized(props, _Shape(runbook=has_runbook, heard=is_heard))
        for has_runbook in (False, True)
        for is_heard in (False, True)
    )
    # These two meet in one text.
    merged = either_template("Runbook", either_template("Heard", both, runbook), either_template("Heard", heard, plain))
    for condition, shape, holds in (
        ("Encrypted", _Shape(encrypted=True), True),
        ("TagOnCreate", _Shape(tag_on_create=False), False),
    ):
        changed = _synthesized(props, shape)
        added = {name: each for name, each in changed["Resources"].items() if name not in plain["Resources"]}
        shared = {name: each for name, each in changed["Resources"].items() if name in plain["Resources"]}
        merged = put_into(merged, condition, plain, {**changed, "Resources": shared}, changed_where_it_holds=holds)
        merged["Resources"] |= {name: {**each, "Condition": condition} for name, each in added.items()}
    return merged


def _synthesized(props: Props, shape: _Shape) -> Template:
    settings = replace(
        props.settings,
        deployment=_DEPLOYMENT,
        tick=_TICK,
        time_zone=ZoneInfo(_ZONE),
        default_policy=_POLICY,
        policies={**props.settings.policies, _POLICY: next(iter(props.settings.policies.values()))},
        notify=_ADDRESSES if shape.heard else (),
    )
    own = replace(
        props.own,
        log_retention_days=_RETENTION,
        runbook_url=_RUNBOOK if shape.runbook else None,
        encrypt_notifications=shape.encrypted,
        tag_on_create=shape.tag_on_create,
        # What it would add stands in places that take no attribute; `settings_check` refuses it.
        organization=None,
    )
    app = App(context={"aws:cdk:bundling-stacks": []}, analytics_reporting=False)
    stack = LightkeeperStack(app, _DEPLOYMENT, props=Props(settings, own, _RHYTHM))
    SettingsCheck(stack, "Check")
    template: Template = app.synth().get_stack_by_name(_DEPLOYMENT).template
    stand_ins: dict[str | int, Node] = {
        each: _attribute(attribute) for each, attribute in _stand_ins(settings, own).items()
    }
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Scheduler::ScheduleGroup":
            # The CDK makes a name of the deployment's, in its own way; CloudFormation makes one, too.
            stand_ins = {resource["Properties"].pop("Name"): {"Ref": name}} | stand_ins
    return {part: replaced(template[part], stand_ins) for part in ("Description", "Resources", "Outputs")}


def _stand_ins(settings: Settings, own: StackSettings) -> dict[str | int, str]:
    news, errors = (int(each.total_seconds()) for each in (_RHYTHM.news_period, _RHYTHM.error_period))
    return {
        settings.to_env()[ENVIRONMENT_VARIABLE]: "Environment",
        f"{SUBSCRIPTIONS} addresses": "Addresses",
        **{address: f"Endpoint{number}" for number, address in enumerate(settings.notify, start=1)},
        **({own.runbook_url: "RunbookUrl"} if own.runbook_url else {}),
        _DEPLOYMENT: "Deployment",
        _TICK: "Tick",
        _ZONE: "TimeZone",
        _POLICY: "DefaultPolicy",
        str(news): "NewsPeriod",
        str(errors): "ErrorPeriod",
        f"{_RHYTHM.overdue_age / timedelta(hours=1):g}": "OverdueHours",
        news: "NewsPeriod",
        errors: "ErrorPeriod",
        _RHYTHM.periods_without_a_run: "PeriodsWithoutARun",
        _RETENTION: "LogRetentionDays",
    }
