"""What one side writes, the other reads: settings, metrics and permissions, between stack and function."""

import ast
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from botocore.model import ServiceModel
from botocore.session import get_session

from infra.props import Props
from lightkeeper import kinds, lightsail, sns
from lightkeeper.inventory import Reader
from lightkeeper.kinds import LISTINGS, list_automatic_snapshots
from lightkeeper.metrics import ALARMING, NAMESPACE, OF_COPIES, MetricName
from lightkeeper.notify import DASHBOARD_VARIABLE, TOPIC_VARIABLE
from lightkeeper.rescue import RescueRegion
from lightkeeper.restore import RestoreRegion
from lightkeeper.settings import Settings
from tests.support.functions import invoke, lines
from tests.support.keeper import Keeper
from tests.support.synth import (
    CALENDAR,
    KEEPER,
    dashboard_metrics,
    function,
    function_role,
    lightsail_policy,
    resources,
    template,
)

pytestmark = pytest.mark.xdist_group("stack")
SECURITY = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
COPIES = {"eu-north-1": {"schedule": "0 5 * * *", "keep": "daily=7", "timeZone": "UTC"}}
MAXIMAL: dict[str, object] = {
    "deployment": "Night-Shift",
    "tagKey": "save",
    "regions": ["eu-central-1", "us-east-1"],
    "tick": "rate(30 minutes)",
    "timeZone": "Europe/Zurich",
    "policies": {"office": {"schedule": "0 18 * * 1-5", "keep": "daily=5 weekly=4", "mode": "system-disk", "copy": ""}},
    "copies": COPIES,
    "defaultPolicy": "office",
    "instanceMode": "system-disk",
    "grace": "2d",
    "orphans": "expire",
    "maxDeletesPerSource": 5,
    "overdueAfter": "12h",
    "maxConcurrency": 4,
    "notify": ["ops@example.com"],
    "digest": "08:05 Europe/Dublin",
}


# Settings


@pytest.mark.parametrize("handler", [KEEPER, CALENDAR])
@pytest.mark.parametrize("keys", [{}, MAXIMAL, MAXIMAL | {"encryptNotifications": True, "logRetentionDays": 7}])
def test_a_function_reads_from_its_environment_what_cdk_json_says(keys: dict[str, object], handler: str) -> None:
    variables = function(template(**keys), handler)["Environment"]["Variables"]

    assert Settings.from_env(variables) == Props.from_document({"lightkeeper": keys}).settings


def test_the_function_gets_its_topic_and_its_dashboard_and_the_calendar_neither() -> None:
    of = template()
    (topic,) = (name for name, each in of["Resources"].items() if each["Type"] == "AWS::SNS::Topic")
    keeper, calendar = (function(of, handler)["Environment"]["Variables"] for handler in (KEEPER, CALENDAR))

    assert keeper[TOPIC_VARIABLE] == {"Ref": topic}
    assert keeper[DASHBOARD_VARIABLE] == of["Outputs"]["DashboardAddress"]["Value"]
    assert not {TOPIC_VARIABLE, DASHBOARD_VARIABLE} & calendar.keys()


# Metrics


def test_the_metrics_that_alarms_watch_are_those_whose_good_news_has_to_be_true() -> None:
    alarms = [resource["Properties"] for resource in resources(template(), "AWS::CloudWatch::Alarm")]

    assert {alarm["MetricName"] for alarm in alarms if alarm.get("Namespace") == NAMESPACE} == ALARMING


def watched(of: dict[str, Any]) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """Return the metrics of ours that alarms and dashboard name, with their dimensions."""
    alarms = [resource["Properties"] for resource in resources(of, "AWS::CloudWatch::Alarm")]
    metrics = [
        each["MetricStat"]["Metric"] for alarm in alarms for each in alarm.get("Metrics", ()) if "MetricStat" in each
    ]
    found = {
        (metric["MetricName"], tuple((each["Name"], each["Value"]) for each in metric["Dimensions"]))
        for metric in [*metrics, *(alarm for alarm in alarms if "MetricName" in alarm)]
        if metric["Namespace"] == NAMESPACE
    }
    found |= {(name, tuple(dimensions.items())) for name, dimensions, _ in dashboard_metrics(of, NAMESPACE)}
    return found


@pytest.mark.parametrize("deployment", ["Lightkeeper", "Night-Shift"])
def test_every_metric_that_is_watched_is_sent_with_exactly_those_dimensions(
    keeper: Keeper, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, deployment: str
) -> None:
    of = template(deployment=deployment)
    for name, value in function(of)["Environment"]["Variables"].items():
        if isinstance(value, str):  # an ARN is not known before it is deployed
            monkeypatch.setenv(name, value)
    keeper.disk("shop", {"backup": "daily"})
    invoke({"time": "2026-06-15T12:00:00Z"})
    capsys.readouterr()
    keeper.sandbox.advance(keeper.sandbox.now() - keeper.sandbox.now().replace(hour=10))
    invoke({"time": "2026-06-15T14:00:00Z"})

    (emf,) = (line for line in lines(capsys) if "_aws" in line)

    (directive,) = emf["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == NAMESPACE
    (keys,) = directive["Dimensions"]
    dimensions = tuple((key, emf[key]) for key in keys)
    sent = {(metric["Name"], dimensions) for metric in directive["Metrics"]}
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    assert watched(of) == sent, "and every metric that is sent is watched"
    others = {"StoredGiB": "Gigabytes", "OldestRecoveryPointHours": "None"}
    assert units == dict.fromkeys(set(MetricName) - OF_COPIES, "Count") | others


def test_no_alarm_asks_for_a_unit_in_which_its_metric_is_not_sent() -> None:
    # Without a unit an alarm takes whatever is sent.
    assert '"Unit"' not in json.dumps(resources(template(), "AWS::CloudWatch::Alarm"))


# Permissions


def is_client(node: ast.AST, module: ModuleType) -> bool:
    """Return whether that is a client: an attribute of the class that holds it, or what a kind is handed."""
    match node:
        case ast.Attribute(attr="_client"):
            return True
        case ast.Name(id="client"):
            return module is kinds
        case _:
            return False


A_PERSONS = {
    name for name in {*vars(RestoreRegion), *vars(RescueRegion)} - {*vars(Reader)} if not name.startswith("_")
} | {list_automatic_snapshots.__name__}
"""What only a restore or a rescue does, and never the function: see test_restore_role.py and test_rescue_role.py."""


def tree_of(module: ModuleType) -> list[ast.AST]:
    """Return all that stands in a module, but for what only a person does."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef) and module in {lightsail, kinds}:
            node.body = [each for each in node.body if getattr(each, "name", None) not in A_PERSONS]
    return [*ast.walk(tree)]


def test_no_run_calls_what_only_a_person_does() -> None:
    folder = Path(str(kinds.__file__)).parent
    of_persons = {path for word in ("restore", "rescue") for path in folder.glob(f"{word}*.py")}
    persons = of_persons | {folder / "lightsail.py"}

    for path in {*folder.glob("*.py")} - persons:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        called = {
            node.func.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        assert not called & A_PERSONS, path.name


def calls_of_the_code(*modules: ModuleType, service: str = "lightsail") -> tuple[set[str], set[str]]:
    """Return the operations that the only modules with a client of a service can call, and the lists among them."""
    model = ServiceModel(get_session().get_component("data_loader").load_service_model(service, "service-2"))
    by_method = {_snake(name): name for name in model.operation_names}
    found: set[str] = set()
    lists: set[str] = set()
    for module in modules:
        for node in tree_of(module):
            match node:
                case ast.Call(func=ast.Attribute(attr="get_paginator", value=value), args=[name]) if is_client(
                    value, module
                ):
                    lists.add(by_method[ast.literal_eval(name)])
                case ast.Call(func=ast.Attribute(attr=method, value=value)) if is_client(value, module):
                    found.add(method)
    return {by_method[method] for method in found - {"close"}} | lists, lists


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def allowed_calls(handler: str, **keys: object) -> list[str]:
    return [
        action
        for statement in lightsail_policy(template(**keys), handler)["Statement"]
        for action in (statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]])
    ]


def test_the_role_allows_exactly_the_calls_that_the_code_can_make() -> None:
    strict = allowed_calls(KEEPER, tagOnCreate=False)
    every, _ = calls_of_the_code(lightsail, kinds)

    assert len(strict) == len(set(strict)), "none twice"
    assert set(strict) == {f"lightsail:{name}" for name in every - {"CopySnapshot"}}
    at_creates, of_copies = ["lightsail:TagResource"], ["lightsail:CopySnapshot", "lightsail:TagResource"]
    assert allowed_calls(KEEPER) == [*strict, *at_creates]
    assert allowed_calls(KEEPER, copies=COPIES) == [*strict, *at_creates, *of_copies]
    assert "CopySnapshot" in every


def test_the_calendar_s_role_allows_exactly_the_lists_that_make_an_inventory() -> None:
    _, lists = calls_of_the_code(lightsail, kinds)

    assert sorted(allowed_calls(CALENDAR)) == sorted(f"lightsail:{listing}" for listing in LISTINGS)
    assert lists == set(LISTINGS)


@pytest.mark.parametrize(
    ("heading", "handler"), [("What the function may do", KEEPER), ("What the calendar may do", CALENDAR)]
)
def test_the_security_document_lists_every_permission_of_a_role_and_no_other(heading: str, handler: str) -> None:
    section = SECURITY.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    listed = re.findall(r"`([a-z]+:[A-Za-z]+)`", "".join(re.findall(r"^\|([^|]+)\|", section, re.MULTILINE)))
    granted = [
        action
        for policy in function_role(template(copies=COPIES), handler)["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    ]

    assert sorted(listed) == sorted(granted)


@pytest.mark.parametrize("encrypted", [False, True])
def test_the_role_allows_exactly_the_calls_about_the_topic_that_the_code_can_make(*, encrypted: bool) -> None:
    of = template(encryptNotifications=encrypted)
    every, _ = calls_of_the_code(sns, service="sns")
    (policy,) = (each for each in function_role(of)["Policies"] if each["PolicyName"] == "Notifications")
    tell, *use_key = policy["PolicyDocument"]["Statement"]

    assert sorted(tell["Action"]) == sorted(f"sns:{name}" for name in every)
    assert of["Resources"][tell["Resource"]["Ref"]]["Type"] == "AWS::SNS::Topic"
    assert "Condition" not in tell
    assert [statement["Action"] for statement in use_key] == [["kms:Decrypt", "kms:GenerateDataKey"]] * encrypted
    for statement in use_key:
        assert of["Resources"][statement["Resource"]["Fn::GetAtt"][0]]["Type"] == "AWS::KMS::Key"


@pytest.mark.parametrize("module", [lightsail, kinds, sns])
def test_a_client_is_used_in_no_other_way_than_by_calling_its_methods_or_handing_it_to_a_kind(
    module: ModuleType,
) -> None:
    of_kinds = {*vars(kinds.SourceApi), *vars(kinds.SnapshotApi)}
    nodes = tree_of(module)
    calls = [
        (node.func, node.args) for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    good = [method.value for method, _ in calls]
    good += [args[0] for method, args in calls if method.attr in of_kinds and args]
    good += [
        node.args[0]
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "list_static_ips"
    ]

    uses = [node for node in nodes if is_client(node, module) and isinstance(getattr(node, "ctx", None), ast.Load)]
    assert uses
    assert [ast.unparse(use) for use in uses if use not in good] == []
