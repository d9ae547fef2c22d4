"""What Lightkeeper itself costs: docs/cost.md is worked out from the template, and the template stays free."""

from pathlib import Path
from typing import Any

import pytest

from lightkeeper.metrics import MetricName
from tests.support.functions import invoke
from tests.support.keeper import Keeper
from tests.support.synth import template
from tools.cost import ACTION_LOG_BYTES, QUIET_RUN_LOG_BYTES, RESOURCES, lines, table

pytestmark = pytest.mark.xdist_group("stack")
COST = (Path(__file__).parents[2] / "docs" / "cost.md").read_text(encoding="utf-8")


def test_the_document_has_the_bill_of_the_template(default: dict[str, Any]) -> None:
    assert table(default) in COST


def test_everything_is_inside_the_free_tier(default: dict[str, Any]) -> None:
    assert [line.what for line in lines(default) if not line.is_free] == []


def test_the_metrics_are_counted(default: dict[str, Any]) -> None:
    counts = {line.what: line.count for line in lines(default)}

    assert counts["CloudWatch metrics"] == len(MetricName)
    assert counts["CloudWatch alarms, by metric"] == 9
    assert counts["CloudWatch dashboards"] == 1


def test_a_key_is_the_one_thing_that_costs() -> None:
    encrypted = template(encryptNotifications=True)

    assert [line.what for line in lines(encrypted) if not line.is_free] == ["KMS keys"]
    assert "| **together** | | | **1.00** |" in table(encrypted)


def test_runs_do_not_write_more_log_than_is_reckoned_with(keeper: Keeper, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(RESOURCES):
        keeper.disk(f"customer-number-{number:03}-data", {"backup": "daily", "customer": str(number)})
    invoke({"time": "2026-06-15T12:00:00Z"})
    busy = len(capsys.readouterr().out)

    invoke({"time": "2026-06-15T13:00:00Z"})
    quiet = len(capsys.readouterr().out)

    # Lambda adds lines of its own, START, REPORT and the like: about a thousand bytes as JSON.
    assert quiet + 1_000 <= QUIET_RUN_LOG_BYTES
    assert (busy - quiet) / RESOURCES <= ACTION_LOG_BYTES
