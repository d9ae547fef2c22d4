"""What many accounts cost: docs/cost.md is worked out from the template of such a deployment."""

from pathlib import Path

import pytest

from lightkeeper.organization import MEMBER_ROLE_VARIABLE, RESULTS_VARIABLE
from tests.support.functions import invoke_in
from tests.support.hub import BUCKET, HUB, Hub
from tests.support.keeper import Keeper
from tests.support.synth import MANY, template
from tools.cost import PROBLEM_LOG_BYTES, PROBLEMS, QUIET_RUN_LOG_BYTES, RESOURCES, table, together
from tools.fleet_cost import (
    RESOURCES_AN_ACCOUNT,
    a_stack_in_each,
    fleet_comparison,
    fleet_lines,
    reviewed_fleet,
    transitions,
)

pytestmark = pytest.mark.xdist_group("stack")
COST = (Path(__file__).parents[2] / "docs" / "cost.md").read_text(encoding="utf-8")
LAMBDA_S_OWN = 1_000
"""Bytes of START, REPORT and the like, as JSON."""


def count(what: str, accounts: int) -> float:
    return {line.what: line.count for line in fleet_lines(reviewed_fleet(), accounts=accounts)}[what]


def test_the_document_has_the_bill_and_the_comparison_of_the_template() -> None:
    assert table(fleet_lines(template(**MANY))) in COST
    assert fleet_comparison() in COST


def test_a_state_more_on_the_way_is_a_transition_more() -> None:
    of = reviewed_fleet()
    assert transitions(of) == (6, 2)
    assert "2 for an account, 6 around all of them" in COST

    (machine,) = (
        each["Properties"] for each in of["Resources"].values() if each["Type"] == "AWS::StepFunctions::StateMachine"
    )
    parts = machine["DefinitionString"]["Fn::Join"][1]
    (at,) = (number for number, part in enumerate(parts) if isinstance(part, str) and '"Default":"Done"' in part)
    parts[at] = parts[at].replace('"Done":{"Type":"Succeed"}', '"Done":{"Type":"Pass","Next":"End"},"End":{}')
    assert transitions(of) == (7, 2)


def test_what_grows_with_the_accounts_is_neither_metrics_nor_alarms_nor_dashboards() -> None:
    for what in ("CloudWatch metrics", "CloudWatch alarms, by metric", "CloudWatch dashboards", "SNS requests"):
        assert count(what, 500) == count(what, 10)
    assert count("CloudWatch metrics", 500) == 10
    for what in ("Step Functions transitions", "S3 writes", "Lambda requests"):
        assert count(what, 500) > 10 * count(what, 10) / 3


def test_each_account_costs_a_few_cents_and_a_stack_in_each_dollars() -> None:
    few, many = (together(fleet_lines(reviewed_fleet(), accounts=number))[1] for number in (10, 500))
    stacks = together(a_stack_in_each(500))[1]

    assert 0.02 < (many - few) / 490 < 0.1
    assert stacks / 500 > 6
    assert many < stacks / 50


def test_a_run_in_an_account_writes_as_much_log_as_the_bill_assumes(
    hub: Hub, keeper: Keeper, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (hub.environment() | {MEMBER_ROLE_VARIABLE: "Lightkeeper-member"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(RESULTS_VARIABLE, BUCKET)
    for number in range(RESOURCES_AN_ACCOUNT):
        keeper.disk(f"customer-number-{number:03}-data", {"backup": "daily", "customer": str(number)})
    invoke_in(HUB, {"time": "2026-06-15T12:00:00Z"})
    capsys.readouterr()

    invoke_in(HUB, {"time": "2026-06-15T13:00:00Z"})
    quiet = len(capsys.readouterr().out)

    assumed = QUIET_RUN_LOG_BYTES + PROBLEMS * PROBLEM_LOG_BYTES * RESOURCES_AN_ACCOUNT / RESOURCES
    assert assumed / 3 < quiet + LAMBDA_S_OWN < assumed
