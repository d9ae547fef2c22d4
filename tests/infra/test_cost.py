"""What Lightkeeper itself costs: docs/cost.md is worked out from the template, and the template stays free."""

import re
from pathlib import Path
from typing import Any

import pytest

from lightkeeper.metrics import OF_COPIES, MetricName
from tests.support.functions import invoke
from tests.support.keeper import Keeper
from tests.support.synth import template
from tools.cost import (
    ACTION_LOG_BYTES,
    FREE_LOG_GIB,
    KEY_VERSIONS,
    ON_A_WALL,
    PROBLEM_LOG_BYTES,
    QUIET_RUN_LOG_BYTES,
    RESOURCES,
    comparison,
    lines,
    reviewed,
    runs_a_month,
    table,
    together,
)

pytestmark = pytest.mark.xdist_group("stack")
COST = (Path(__file__).parents[2] / "docs" / "cost.md").read_text(encoding="utf-8")
LAMBDA_S_OWN = 1_000
"""Bytes of START, REPORT and the like, as JSON."""


def read(tick: str, views: int = 50) -> float:
    return {line.what: line.count for line in lines(reviewed(tick=tick), views=views)}["CloudWatch logs, read"]


def test_the_document_has_the_bill_of_the_template(default: dict[str, Any]) -> None:
    assert table(lines(default)) in COST
    assert comparison() in COST


def test_the_template_that_the_document_is_made_from_is_that_of_a_deployment_with_that_tick() -> None:
    tick = "rate(5 minutes)"

    assert lines(reviewed(tick=tick)) == lines(template(tick=tick))


def test_everything_is_inside_the_free_tier(default: dict[str, Any]) -> None:
    assert [line.what for line in lines(default) if not line.is_free] == []


def test_the_metrics_are_counted(default: dict[str, Any]) -> None:
    counts = {line.what: line.count for line in lines(default)}

    assert counts["CloudWatch metrics"] == len(set(MetricName) - OF_COPIES)
    assert counts["CloudWatch alarms, by metric"] == 9
    assert counts["CloudWatch dashboards"] == 1


@pytest.mark.parametrize(
    ("tick", "runs"),
    [
        ("rate(1 hour)", 729.6),
        ("rate(5 minutes)", 8755.2),
        ("cron(0 3 * * ? *)", 30.4),
        ("cron(0 6-17 ? * MON-FRI *)", 12 * 261 * 30.4 / 365),
    ],
)
def test_the_tick_makes_the_runs(tick: str, runs: float) -> None:
    assert runs_a_month(tick) == pytest.approx(runs)


def test_a_tick_of_five_minutes_is_read_out_of_the_free_tier_by_the_dashboard() -> None:
    assert 3 < read("rate(1 hour)") < FREE_LOG_GIB
    assert 12 < read("rate(5 minutes)") < 16
    over = [line for line in lines(reviewed(tick="rate(5 minutes)")) if not line.is_free]
    assert [line.what for line in over] == ["CloudWatch logs, read"]
    assert 0.03 < sum(line.cost for line in over) < 0.06


def test_each_view_reads_the_log_again() -> None:
    assert read("rate(1 hour)", views=ON_A_WALL) == pytest.approx(read("rate(1 hour)") * ON_A_WALL / 50)


def test_what_the_logs_have_free_they_have_together() -> None:
    wall = {line.what: line for line in lines(reviewed(), views=ON_A_WALL)}
    written, kept, searched = (wall[f"CloudWatch logs, {what}"] for what in ("written", "kept", "read"))

    assert searched.cost == pytest.approx((written.count + kept.count + searched.count - FREE_LOG_GIB) * 0.005)


def test_a_key_is_the_one_thing_that_costs_and_its_first_two_rotations_add_to_it() -> None:
    bill = lines(template(encryptNotifications=True))

    assert [line.what for line in bill if not line.is_free] == ["KMS keys, from the third year on"]
    assert together(bill)[0] == KEY_VERSIONS == 3
    assert "1 USD a month in the first year, 2 in the second, 3 from the third on" in COST


def test_the_wall_s_price_is_that_of_the_table() -> None:
    inside, outside = together(lines(reviewed(), views=ON_A_WALL))

    assert re.search(rf"\| on a wall \|.*\| {inside:.2f} \| {outside:.2f} \|", COST)


def test_runs_write_as_much_log_as_the_bill_assumes(keeper: Keeper, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(RESOURCES):
        keeper.disk(f"customer-number-{number:03}-data", {"backup": "daily", "customer": str(number)})
    invoke({"time": "2026-06-15T12:00:00Z"})
    busy = len(capsys.readouterr().out)

    invoke({"time": "2026-06-15T13:00:00Z"})
    quiet = len(capsys.readouterr().out)

    keeper.tag("customer-number-007-data", "backup:kepe", "7")
    invoke({"time": "2026-06-15T14:00:00Z"})
    with_a_problem = len(capsys.readouterr().out)

    assert QUIET_RUN_LOG_BYTES / 2 < quiet + LAMBDA_S_OWN < QUIET_RUN_LOG_BYTES
    assert ACTION_LOG_BYTES / 2 < (busy - quiet) / RESOURCES < ACTION_LOG_BYTES
    assert PROBLEM_LOG_BYTES / 2 < with_a_problem - quiet < PROBLEM_LOG_BYTES
