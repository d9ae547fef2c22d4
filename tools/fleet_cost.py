"""What a deployment for many accounts costs in a month, worked out from its template. Pure. Prices as in `cost`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tools.cost import (
    ACTION_LOG_BYTES,
    ACTIONS_A_DAY,
    DAYS,
    GIB,
    MAILS_A_DAY,
    PROBLEM_LOG_BYTES,
    PROBLEMS,
    QUIET_RUN_LOG_BYTES,
    RESOURCES,
    SECONDS_A_VIEW,
    VIEW_LOG_BYTES,
    VIEWS_A_DAY,
    Line,
    as_number,
    custom_metrics,
    days_in_view,
    lines,
    log_lines,
    metrics_watched,
    of_kind,
    reviewed,
    runs_a_month,
    together,
)

REVIEWED: Final = Path(__file__).parents[1] / "tests" / "infra" / "template-organization.json"
"""The template of a deployment over an organization's units; a test says that it is."""
ACCOUNTS: Final = 100
RESOURCES_AN_ACCOUNT: Final = 20
SECONDS_AN_ACCOUNT: Final = 4
"""Of a run in an account with 16 Regions: 64 lists, 32 at a time, and what it takes to connect."""
ACCOUNTS_A_PAGE: Final = 20
"""What AWS Organizations answers at once."""
SECONDS_A_PAGE: Final = 0.5
SECONDS_TO_START: Final = 2
"""Of each function around the accounts: it imports, connects, and writes."""
DOCUMENTS_A_SECOND: Final = 100
"""Which the report reads, 16 at a time."""
STATE_LOG_BYTES: Final = 600
"""An event of an execution, without what goes in and out."""
EVENTS_A_STATE: Final = 3
"""At most: it is entered, invokes a function, and is left."""
_MAP: Final = "EachAccount"
_BEGIN_AND_END: Final = 1


def reviewed_fleet() -> dict[str, Any]:
    """Return the template of a deployment for many accounts."""
    template: dict[str, Any] = json.loads(REVIEWED.read_text(encoding="utf-8"))
    return template


def transitions(template: Mapping[str, Any]) -> tuple[int, int]:
    """Return the state transitions of a run over all accounts, and of each account in it, if nothing fails."""
    (machine,) = of_kind(template, "AWS::StepFunctions::StateMachine")
    parts = machine["DefinitionString"]["Fn::Join"][1]
    definition = json.loads("".join(part if isinstance(part, str) else "function" for part in parts))
    inner = definition["States"][_MAP]["ItemProcessor"]
    return _states(definition) + _BEGIN_AND_END, _states(inner) + _BEGIN_AND_END


def fleet_lines(template: Mapping[str, Any], *, accounts: int = ACCOUNTS) -> list[Line]:
    """Return the bill of a template, for so many accounts with 20 disks and instances each."""
    (schedule,) = of_kind(template, "AWS::Scheduler::Schedule")
    runs, calls = runs_a_month(schedule["ScheduleExpression"]), 2 * VIEWS_A_DAY * DAYS
    each = runs * accounts
    of_all, of_each = transitions(template)
    gib = {
        function["Handler"]: function["MemorySize"] / 1024 for function in of_kind(template, "AWS::Lambda::Function")
    }
    listing = SECONDS_TO_START + accounts / ACCOUNTS_A_PAGE * SECONDS_A_PAGE
    reporting = SECONDS_TO_START + accounts / DOCUMENTS_A_SECOND
    gib_seconds = (
        each * SECONDS_AN_ACCOUNT * gib["lightkeeper.handler.handle"]
        + runs * listing * gib["lightkeeper.fleet_handler.list_accounts"]
        + runs * reporting * gib["lightkeeper.fleet_handler.report_fleet"]
        + calls * SECONDS_A_VIEW * gib["recovery_calendar.handler.handle"]
    )
    run_log = each * (QUIET_RUN_LOG_BYTES + PROBLEMS * PROBLEM_LOG_BYTES * RESOURCES_AN_ACCOUNT / RESOURCES)
    run_log += DAYS * accounts * RESOURCES_AN_ACCOUNT * ACTIONS_A_DAY * ACTION_LOG_BYTES
    machine_log = runs * (of_all + accounts * of_each) * EVENTS_A_STATE * STATE_LOG_BYTES
    written = run_log + machine_log + 2 * runs * QUIET_RUN_LOG_BYTES + calls * VIEW_LOG_BYTES
    kept = written * max(group["RetentionInDays"] for group in of_kind(template, "AWS::Logs::LogGroup")) / DAYS
    read = VIEWS_A_DAY * run_log * days_in_view(template)
    mails = MAILS_A_DAY * DAYS * len(of_kind(template, "AWS::SNS::Subscription"))
    alarms = of_kind(template, "AWS::CloudWatch::Alarm")
    return [
        Line("CloudWatch metrics", len(custom_metrics(template)), "", 10, 0.30),
        Line("CloudWatch alarms, by metric", sum(map(metrics_watched, alarms)), "", 10, 0.10),
        Line("CloudWatch dashboards", len(of_kind(template, "AWS::CloudWatch::Dashboard")), "", 3, 3.00),
        *log_lines(written / GIB, kept / GIB, read / GIB),
        Line("Lambda requests", each + 2 * runs + calls, "", 1_000_000, 0.20e-6),
        Line("Lambda compute", gib_seconds, "GB-s", 400_000, 1.33334e-5),
        Line("Step Functions transitions", runs * of_all + each * of_each, "", 4_000, 25e-6),
        Line("X-Ray traces", runs + each, "", 100_000, 5e-6),
        # In place of a document comes another.
        Line("S3 writes", runs + each, "", 0, 5e-6),
        Line("S3 reads", 2 * runs + each + calls, "", 0, 0.4e-6),
        Line("Scheduler invocations", runs, "", 14_000_000, 1e-6),
        Line("SNS requests", runs, "", 1_000_000, 0.50e-6),
        Line("SNS e-mails", mails, "", 1_000, 2e-5),
        Line("KMS keys, from the third year on", 3 * len(of_kind(template, "AWS::KMS::Key")), "", 0, 1.00),
    ]


def a_stack_in_each(accounts: int) -> list[Line]:
    """Return the bill of as many deployments, each for its own account: an organization has one free tier.

    Nobody looks at more dashboards because there are more.
    """
    one = lines(reviewed(), resources=RESOURCES_AN_ACCOUNT, views=max(1, VIEWS_A_DAY // accounts))
    return [replace(line, count=line.count * accounts) for line in one]


def fleet_comparison(sizes: Sequence[int] = (10, ACCOUNTS, 500)) -> str:
    """Return the table of docs/cost.md that compares one deployment for many accounts with a stack in each."""
    columns = ("accounts", "runs in them", "Step Functions", "Lambda", "logs", "S3", "metrics, alarms, dashboard")
    totals = ("USD", "without the free tier", "a stack in each: USD", "without the free tier")
    head = ["", f"| {' | '.join((*columns, *totals))} |", f"|{'---:|' * (len(columns) + len(totals))}"]
    return "\n".join([*head, *map(_row, sizes), ""])


def _row(accounts: int) -> str:
    bill = fleet_lines(reviewed_fleet(), accounts=accounts)

    def cost(*names: str) -> str:
        return f"{sum(line.cost for line in bill if line.what.startswith(names)):.2f}"

    (runs,) = (line.count for line in bill if line.what == "Scheduler invocations")
    shown = (
        as_number(accounts),
        as_number(runs * accounts),
        cost("Step Functions", "X-Ray"),
        cost("Lambda"),
        cost("CloudWatch logs"),
        cost("S3"),
        cost("CloudWatch metrics", "CloudWatch alarms", "CloudWatch dashboards"),
        *(f"**{total:.2f}**" for total in together(bill)),
        *(f"{total:.2f}" for total in together(a_stack_in_each(accounts))),
    )
    return f"| {' | '.join(shown)} |"


def _states(of: Mapping[str, Any]) -> int:
    """Return how many states are on the way through a definition where all goes well."""
    name, number = of["StartAt"], 1
    while onwards := of["States"][name].get("Next") or of["States"][name].get("Default"):
        name, number = onwards, number + 1
    return number
