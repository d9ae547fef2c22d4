"""The dashboard: made of what there is, inside CloudWatch's limits, and drawn on purpose."""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.sections import FLEET_SECTIONS, SECTIONS, Section
from infra.widgets import GRID_COLUMNS
from lightkeeper.deployable import rhythm
from lightkeeper.fleet_metrics import FleetMetricName
from lightkeeper.metrics import NAMESPACE, OF_COPIES, MetricName
from lightkeeper.organization import MEMBER_ROLE_VARIABLE, RESULTS_VARIABLE
from lightkeeper.settings import Settings
from lightsail_sandbox.client import ErrorAnswer, FaultRule
from tests.support.functions import invoke, invoke_in, lines
from tests.support.hub import BUCKET, HUB, Hub
from tests.support.keeper import OTHER_REGION, Keeper
from tests.support.synth import MANY, dashboard_metrics, dashboard_text, function, only, template, widgets

pytestmark = pytest.mark.xdist_group("stack")
Template = dict[str, Any]
ROOT = Path(__file__).parents[2]
REGIONS = boto3.Session().get_available_regions("lightsail")
# By CloudWatch's quotas for dashboards. It documents none for the text; CloudFormation takes this much without help.
MAX_WIDGETS, MAX_METRICS, MAX_METRICS_OF_A_WIDGET, MAX_BYTES = 500, 2500, 500, 51_200
# What CloudWatch itself gives to each event of a log.
OF_CLOUDWATCH = {"@timestamp"}


@dataclass(frozen=True)
class Deployment:
    """A deployment, for one account or for many, and what is on its dashboard."""

    keys: dict[str, object]
    sections: tuple[Section, ...]
    metrics: set[str]

    def template(self, **more: object) -> Template:
        return template(**self.keys, **more)


@pytest.fixture(
    params=[
        Deployment({}, SECTIONS, {*MetricName} - OF_COPIES),
        Deployment(MANY, FLEET_SECTIONS, {*FleetMetricName}),
    ],
    ids=["one account", "many accounts"],
)
def deployment(request: pytest.FixtureRequest) -> Deployment:
    made: Deployment = request.param
    return made


def box(widget: dict[str, Any]) -> tuple[range, range]:
    return (
        range(widget["x"], widget["x"] + widget["width"]),
        range(widget["y"], widget["y"] + widget["height"]),
    )


def fields(document: object, path: str = "") -> set[str]:
    """Return the fields of a log line, as Logs Insights names them."""
    match document:
        case dict():
            return {field for key, value in document.items() for field in fields(value, f"{path}.{key}".lstrip("."))}
        case list():
            return {field for number, value in enumerate(document) for field in fields(value, f"{path}.{number}")}
        case _:
            return {path}


def limit_lines(of: Template) -> list[dict[str, Any]]:
    return [
        line
        for widget in widgets(of, "metric")
        for line in widget["properties"].get("annotations", {}).get("horizontal", [])
    ]


def test_every_metric_exists_in_what_a_run_sends(
    default: Template, keeper: Keeper, capsys: pytest.CaptureFixture[str]
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    invoke({"time": "2026-06-15T12:00:00Z"})
    capsys.readouterr()
    keeper.sandbox.advance(timedelta(hours=1))

    invoke({"time": "2026-06-15T13:00:00Z"})

    (emf,) = (line for line in lines(capsys) if "_aws" in line)
    (directive,) = emf["_aws"]["CloudWatchMetrics"]
    (keys,) = directive["Dimensions"]
    shown = dashboard_metrics(default, directive["Namespace"])
    assert directive["Namespace"] == NAMESPACE
    assert {name for name, _, _ in shown} == {each["Name"] for each in directive["Metrics"]}
    assert {name for name, _, _ in shown} == set(MetricName) - OF_COPIES
    assert all(dimensions == {key: emf[key] for key in keys} for _, dimensions, _ in shown)
    units = {each["Name"]: each["Unit"] for each in directive["Metrics"]}
    assert all(how.get("unit", units[name]) == units[name] for name, _, how in shown), "none asks for another unit"


def test_each_metric_is_shown_once_as_a_number_or_a_graph_and_none_of_a_single_account(deployment: Deployment) -> None:
    shown = dashboard_metrics(deployment.template(), NAMESPACE)

    assert {name for name, _, _ in shown} == deployment.metrics
    assert len(deployment.metrics) == 10
    assert all(dimensions == {"service": "Lightkeeper"} for _, dimensions, _ in shown)


def test_for_many_accounts_it_shows_how_runs_over_them_go() -> None:
    of = template(**MANY)
    machine = dashboard_metrics(of, "AWS/States")

    assert {name for name, _, _ in machine} == {
        "ExecutionsStarted",
        "ExecutionsFailed",
        "ExecutionsTimedOut",
        "ExecutionTime",
    }
    assert {name for name, _, _ in dashboard_metrics(of, "AWS/Lambda")} == {
        "Duration",
        "Errors",
        "Invocations",
        "Throttles",
    }
    (text,) = widgets(of, "text")
    for link in ("Runs", "The function's log", "The report's log"):
        assert f"[{link}](https://" in text["properties"]["markdown"]


def test_for_many_accounts_the_table_says_which_account_failed(
    hub: Hub, keeper: Keeper, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keeper.disk("typo", {"backup": "dialy"})
    for name, value in (hub.environment() | {MEMBER_ROLE_VARIABLE: "Lightkeeper-member"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(RESULTS_VARIABLE, BUCKET)

    invoke_in(HUB, {"time": "2026-06-15T12:00:00Z"})

    (problem,) = (line for line in lines(capsys) if line.get("message") == "problem")
    (table,) = widgets(template(**MANY), "log")
    assert problem["account"] == HUB
    assert "fields @timestamp, account, message, " in table["properties"]["query"]


def test_where_there_are_copies_it_shows_whether_one_is_overdue(default: Template) -> None:
    with_copies = template(copies={"eu-north-1": {"schedule": "0 5 * * *", "keep": "daily=7"}})

    def shown(of: Template) -> set[str]:
        return {name for name, _, _ in dashboard_metrics(of, NAMESPACE)}

    assert shown(with_copies) - shown(default) == OF_COPIES
    (graph,) = (each for each in widgets(with_copies, "metric") if "CopiesOverdue" in json.dumps(each))
    assert graph["properties"]["title"] == "Copies overdue, tag problems, and deferred actions"
    assert len(widgets(with_copies)) == len(widgets(default)), "in a graph that there is anyway"


def test_the_function_s_own_metrics_are_those_of_this_function(default: Template) -> None:
    shown = dashboard_metrics(default, "AWS/Lambda")

    assert {name for name, _, _ in shown} == {"Duration", "Errors", "Invocations"}
    assert {name[: len("KeeperFunction")] for _, dimensions, _ in shown for name in dimensions.values()} == {
        "KeeperFunction"
    }


def test_every_widget_fits_the_grid_and_none_lies_on_another(deployment: Deployment) -> None:
    boxes = [box(widget) for widget in widgets(deployment.template())]

    assert all(0 <= columns.start < columns.stop <= GRID_COLUMNS and rows for columns, rows in boxes)
    for (columns, rows), (other_columns, other_rows) in combinations(boxes, 2):
        assert not (set(columns) & set(other_columns) and set(rows) & set(other_rows))
    cells = sum(len(columns) * len(rows) for columns, rows in boxes)
    assert cells == GRID_COLUMNS * max(rows.stop for _, rows in boxes), "and there are no holes"


def test_with_every_region_it_stays_within_cloudwatch_s_limits(deployment: Deployment) -> None:
    assert len(REGIONS) >= 16
    of = deployment.template(regions=REGIONS, deployment="L" * 48, runbookUrl="https://example.com/" + "x" * 400)

    assert len(dashboard_text(of).encode()) <= MAX_BYTES
    assert len(widgets(of)) <= MAX_WIDGETS
    counts = [len(widget["properties"]["metrics"]) for widget in widgets(of, "metric")]
    assert max(counts) <= MAX_METRICS_OF_A_WIDGET
    assert sum(counts) <= MAX_METRICS


def test_the_first_rows_tell_how_things_stand(deployment: Deployment) -> None:
    first, *others = sorted(widgets(deployment.template()), key=lambda widget: (widget["y"], widget["x"]))

    assert (first["type"], first["properties"]["params"]) == ("custom", {"view": "sentence"})
    assert {widget["properties"]["view"] for widget in others if widget["y"] == first["height"]} == {"singleValue"}


def test_sentence_and_calendar_are_drawn_by_the_calendar_s_function(deployment: Deployment) -> None:
    sentence, calendar = widgets(deployment.template(), "custom")

    assert calendar["properties"]["params"] == {}
    for widget in (sentence, calendar):
        assert widget["properties"]["endpoint"].startswith("CalendarFunction")
        assert widget["properties"]["updateOn"] == {"refresh": True, "resize": False, "timeRange": False}


def test_every_alarm_is_in_the_status_widget(deployment: Deployment) -> None:
    of = deployment.template()
    (status,) = widgets(of, "alarm")
    alarms = [name for name, each in of["Resources"].items() if each["Type"] == "AWS::CloudWatch::Alarm"]

    assert sorted(arn.rstrip("x").removesuffix("-Arn") for arn in status["properties"]["alarms"]) == sorted(alarms)
    assert len(alarms) == len(deployment.sections)


def test_every_section_of_the_runbook_is_named_with_what_to_do_first(deployment: Deployment) -> None:
    (text,) = widgets(deployment.template(), "text")

    assert "docs/runbook.md" in text["properties"]["markdown"]
    for section in deployment.sections:
        assert f"| **{section.heading}** | {section.first} |" in text["properties"]["markdown"]


@pytest.mark.parametrize(
    ("notify", "says"),
    [
        ([], "**Nobody hears of any alarm, nor of what a run finds: `notify` in the settings names no address.**"),
        (["ops@example.com"], "Alarms and messages go to 1 address; an address gets them once it has "),
        (
            ["a@example.com", "https://example.com/hook", "arn:aws:sns:eu-central-1:123456789012:pager"],
            "Alarms and messages go to 2 addresses and 1 other topic; an address gets them once it has ",
        ),
    ],
)
def test_it_says_whether_anybody_hears_and_leads_to_who_has_not_confirmed(notify: list[str], says: str) -> None:
    (text,) = widgets(template(notify=notify), "text")
    markdown = text["properties"]["markdown"]

    assert markdown.startswith(says)
    assert re.search(r"\[[sS]ubscriptions\]\(https://\S+/sns/v3/home\?region=\S+#/topic/NotificationsTopic", markdown)
    assert "@" not in markdown, "who looks at the dashboard need not know the addresses"


def test_with_the_runbook_s_address_each_section_is_a_link_to_its_heading(deployment: Deployment) -> None:
    address = "https://example.com/docs/runbook.md"
    (text,) = widgets(deployment.template(runbookUrl=address), "text")
    headings = re.findall(r"^## (.*)$", (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8"), re.MULTILINE)

    links = dict(re.findall(r"\[([^\]]+)\]\(([^)]+)\)", text["properties"]["markdown"]))

    assert links["The runbook"] == address
    anchors = {heading: f"{address}#{heading.lower().replace(' ', '-')}" for heading in headings}
    assert {section.heading: links[section.heading] for section in deployment.sections}.items() <= anchors.items()


def test_range_periods_labels_units_and_colours_are_chosen(deployment: Deployment) -> None:
    of = deployment.template()
    body = json.loads(dashboard_text(of))

    assert (body["start"], body["periodOverride"]) == ("-P7D", "inherit")
    for widget in widgets(of, "metric"):
        properties = widget["properties"]
        assert properties["title"]
        assert properties["period"] == 3600
        shown = [each[-1] for each in properties["metrics"] if each[-1].get("visible", True)]
        assert all(each["label"] and re.fullmatch("#[0-9a-f]{6}", each["color"]) for each in shown), properties["title"]
        if properties["view"] == "timeSeries":
            for axis in properties["yAxis"].values():
                assert axis["label"]
                assert (axis["min"], axis["showUnits"]) == (0, False)


@pytest.mark.parametrize(
    ("keys", "hours"),
    [
        ({}, 24 + 6),
        ({"overdueAfter": "1d"}, 48),
        ({"defaultPolicy": "hourly"}, 1 + 6),
        ({"defaultPolicy": "weekly"}, 7 * 24 + 6),
        # The day on which the clocks are put back is an hour longer.
        ({"timeZone": "Europe/Zurich"}, 25 + 6),
        ({"defaultPolicy": "office", "policies": {"office": {"schedule": "0 18 * * 1-5", "keep": "7"}}}, 72 + 6),
    ],
)
def test_the_limit_of_age_is_drawn_where_the_default_policy_is_overdue(keys: dict[str, object], hours: float) -> None:
    limits = [line for line in limit_lines(template(**keys)) if line["label"].startswith("overdue")]

    assert rhythm(Settings.from_mapping(keys)).overdue_age == timedelta(hours=hours)
    assert [line["value"] for line in limits] == [hours]
    assert f'overdue from {hours} hours under the policy "{keys.get("defaultPolicy", "daily")}"' in limits[0]["label"]


def test_the_line_of_a_run_s_duration_is_the_function_s_timeout(deployment: Deployment) -> None:
    of = deployment.template()
    (limit,) = (line for line in limit_lines(of) if line["label"].startswith("Lambda"))

    assert limit["value"] == function(of)["Timeout"]


def test_the_calendar_alone_says_what_it_costs_so_that_no_other_number_stands_beside_it(deployment: Deployment) -> None:
    assert "USD" not in dashboard_text(deployment.template())


def test_the_table_asks_for_fields_that_the_log_has_and_finds_what_failed(
    default: Template, keeper: Keeper, capsys: pytest.CaptureFixture[str]
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.disk("typo", {"backup": "dialy"})
    keeper.sandbox.add_faults(
        FaultRule(effect=ErrorAnswer(code="ServiceException"), operation="CreateDiskSnapshot", resource="shop"),
        FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="GetDisks", region=OTHER_REGION),
    )
    with pytest.raises(Exception, match="2 failed"):
        invoke({"time": "2026-06-15T12:00:00Z", "regions": ["eu-central-1", OTHER_REGION]})
    written = [line for line in lines(capsys) if "_aws" not in line]

    (table,) = widgets(default, "log")
    query = table["properties"]["query"]
    source, first, condition, *_ = (part.strip() for part in query.split("\n|"))

    assert source.startswith("SOURCE 'KeeperLogs")
    assert table["properties"]["view"] == "table"
    named = set(re.findall(r"@?\b(?:detail\.[a-zA-Z0-9.]+|message|timestamp)\b", f"{first} {condition}"))
    assert "detail.failures.0" in named
    assert named <= {field for line in written for field in fields(line)} | OF_CLOUDWATCH
    for word, kind in re.findall(r'(message) = "(\w+)"', condition):
        assert any(line[word] == kind for line in written), kind


def test_its_name_is_the_deployment_s_and_its_region_s_because_dashboards_are_an_account_s(default: Template) -> None:
    name = only(default, "AWS::CloudWatch::Dashboard")["DashboardName"]

    assert name == {"Fn::Join": ["", ["Lightkeeper-", {"Ref": "AWS::Region"}]]}
    address = "".join(
        part if isinstance(part, str) else part["Ref"]
        for part in default["Outputs"]["DashboardAddress"]["Value"]["Fn::Join"][1]
    )
    assert address.endswith("region=AWS::Region#dashboards/dashboard/Lightkeeper-AWS::Region")
