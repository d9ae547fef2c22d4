"""Names stand whole in terminals of any width: other columns go first, in the order of what matters least."""

from collections.abc import Callable
from io import StringIO

import pytest
from rich.console import Console
from rich.text import Text

from lightkeeper.actions import Outcome, Result
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import Inventory, Plan, RecoveryPoint, Source
from lightkeeper.plan import make_plan
from lightkeeper.restore_steps import (
    CreateInstance,
    Restored,
    RestorePlan,
    StepOutcome,
    StepResult,
    Until,
    Wait,
)
from lightkeeper.run import Run
from lightkeeper.settings import Settings
from lightkeeper_cli.account import Account, Where
from lightkeeper_cli.fates import fates_of
from lightkeeper_cli.tables.columns import Column, fit, lines, show_hidden
from lightkeeper_cli.tables.plan import show_outcomes, show_plan, show_run
from lightkeeper_cli.tables.restore import show_plans, show_restored
from lightkeeper_cli.tables.snapshots import show_snapshots
from lightkeeper_cli.tables.status import show_status
from recovery_calendar.view import make_view
from tests.support.inventories import DAY, HOUR, NOW, REGION, THREE, daily, point, source

WIDTHS = (60, 80, 100, 120)
WHERE = Where(Account("123456789012", "shop"), (REGION,))
DUE = THREE + HOUR
"""A slot is due, and nothing overdue."""
LONG = "a-name-that-is-longer-than-any-terminal-of-these-widths-so-that-it-has-a-line-of-its-own-and-more-than-one"
NAMES = (
    "db",
    "customer-4711-web",
    "shop-orders-production-eu-central-1b",
    "warehouse-of-the-whole-of-europe-and-its-files",
)


def fleet(*names: str) -> Plan:
    """Return the plan of instances of these names: a slot is due, one snapshot is held, one expires and one goes."""
    made = [source(name, SourceKind.INSTANCE, backup="daily", backup_keep="3") for name in names]
    points = [each for of in made for each in of_source(of)]
    return make_plan(Inventory(tuple(made), tuple(points), regions=(REGION,)), Settings(), DUE)


def of_source(of: Source) -> list[RecoveryPoint]:
    whole = SnapshotKind.INSTANCE
    return [
        *daily(of, range(1, 5), kind=whole),
        point(of, THREE - 5 * DAY, kind=whole, tags={**of.tags, "backup:hold": ""}),
        point(of, THREE - 6 * DAY, kind=whole, expires_at=NOW + DAY),
        point(of, THREE - 7 * DAY, kind=whole, expires_at=DUE - HOUR),
    ]


def a_run(of: Plan) -> Run:
    return Run(of, tuple(Outcome(action, Result.FAILED, f"{action.verb}: no permission") for action in of.actions))


def a_restore(name: str) -> RestorePlan:
    resource, snapshot = f"{name}-restored-20260615-1200", f"{name}-20260615-0300-a2d42d"
    made = CreateInstance(resource, snapshot, "eu-central-1b", "small_3_0", {}, "the newest usable snapshot")
    waits = Wait(resource, SourceKind.INSTANCE, Until.RUNS, "what follows needs it")
    return RestorePlan(
        name, "arn", SourceKind.INSTANCE, REGION, snapshot, THREE, resource, "key", (made, waits), usd_per_month=5.0
    )


def show_restores(console: Console) -> None:
    plans = [a_restore(name) for name in NAMES]
    show_plans(plans, (), NOW, console)
    show_restored(
        [Restored(plan, tuple(StepOutcome(step, StepResult.DONE) for step in plan.steps), 1.0) for plan in plans],
        console,
    )


SHOWN: dict[str, Callable[[Plan, Console], None]] = {
    "status": lambda plan, console: show_status(make_view(plan, Settings()), WHERE, console),
    "plan": lambda plan, console: show_plan(plan, WHERE, console),
    "plan -v": lambda plan, console: show_plan(plan, WHERE, console, is_verbose=True),
    "run": lambda plan, console: show_run(a_run(plan), WHERE, console),
    "take": lambda plan, console: show_outcomes(a_run(plan), WHERE, console),
    "snapshots": lambda plan, console: show_snapshots(fates_of(plan), plan, None, WHERE, console),
}


def printed(show: Callable[[Console], None], width: int) -> list[str]:
    out = StringIO()
    show(Console(width=width, file=out))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def whole(name: str, shown: list[str]) -> bool:
    return any(name in line for line in shown)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("verb", ["status", "plan", "plan -v", "run", "snapshots"])
def test_every_source_is_named_whole_and_no_line_is_wider_than_the_terminal(verb: str, width: int) -> None:
    shown = printed(lambda console: SHOWN[verb](fleet(*NAMES), console), width)

    assert [name for name in NAMES if not whole(name, shown)] == []
    # A name that is wider than the terminal is all there is on its line.
    assert [line for line in shown if len(line) > width and " " in line] == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("verb", ["plan", "plan -v", "run", "take", "snapshots"])
def test_every_snapshot_that_is_named_is_named_whole(verb: str, width: int) -> None:
    plan = fleet(*NAMES)
    names = {action.target.snapshot for action in plan.actions}
    if verb in {"plan -v", "snapshots"}:
        names = {each.name for each in plan.points}
    fitting = {name for name in names if len(name) + 4 <= width}
    assert fitting

    shown = printed(lambda console: SHOWN[verb](plan, console), width)

    assert {name for name in fitting if not whole(name, shown)} == set()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_restore_names_sources_snapshots_and_what_is_made_whole(width: int) -> None:
    shown = printed(show_restores, width)

    for plan in map(a_restore, NAMES):
        for name in (plan.source, plan.snapshot, plan.resource):
            assert whole(name, shown) or len(name) > width, name
        in_steps = [line for line in shown if plan.snapshot in line and "from " not in line.partition(plan.snapshot)[2]]
        assert in_steps or len(plan.snapshot) + 4 > width


@pytest.mark.parametrize("verb", [*SHOWN])
def test_a_name_that_is_wider_than_the_terminal_is_left_whole_for_it_to_break(verb: str) -> None:
    plan = fleet("db", "web", LONG)

    shown = printed(lambda console: SHOWN[verb](plan, console), 60)

    assert whole(LONG if verb != "take" else plan.actions[-1].target.snapshot, shown)
    assert any(line.startswith("db") or " db-" in line for line in shown)


def test_one_long_name_does_not_cost_the_others_their_facts() -> None:
    names = ("db", "mail", "web")

    (short,) = [line for line in printed(lambda to: SHOWN["status"](fleet(*names), to), 80) if line.startswith("db  ")]
    beside = printed(lambda to: SHOWN["status"](fleet(*names, NAMES[-1]), to), 80)

    (row,) = [line for line in beside if line.startswith("db  ")]
    assert row.split() == short.split()
    assert NAMES[-1] in beside
    after = beside[beside.index(NAMES[-1]) + 1]
    assert after.split() == row.split()[1:], "its facts stand below it, in the same columns"


def test_the_days_become_fewer_before_they_go() -> None:
    strips = {
        width: len(next(line for line in printed(lambda to: SHOWN["status"](fleet("db"), to), width) if "█" in line))
        for width in (60, 40, 30)
    }
    assert strips[60] > strips[40] > strips[30]

    shown = printed(lambda to: SHOWN["status"](fleet("db"), to), 30)
    assert "7 days" in " ".join(shown)
    assert any(line.startswith("db") and "protected" in line for line in shown)


@pytest.mark.parametrize(("width", "gone"), [(60, "Kind, Newest, Next, Expires, Held, GiB, USD"), (120, None)])
def test_what_has_gone_is_said_and_what_shows_it(width: int, gone: str | None) -> None:
    shown = " ".join(printed(lambda to: SHOWN["status"](fleet("customer-4711"), to), width))

    said = f"Hidden at {width} columns: {gone}. A wider terminal or --json shows them."
    assert (said in shown) is (gone is not None)
    assert ("Hidden" in shown) is (gone is not None)


# The columns themselves


def table(width: int, *, name: str = "web", why: str | None = None) -> list[str]:
    out = Console(width=width, file=StringIO())
    columns = (
        Column("Name", [Text(name)], is_name=True),
        Column("First", [Text("1111111111")], 1),
        Column("Last", [Text("2222222222")], 2),
        Column("State", [Text("usable")]),
    )
    detail = Column("Why", [Text(why)], wraps_at=10) if why else None
    made = fit(columns, width, detail=detail)
    assert made.hidden == tuple(each.heading for each in columns if each not in made.columns)
    return [line.plain for line in lines(made, out)]


def test_columns_go_one_after_the_other_the_highest_number_first() -> None:
    headings = {width: table(width)[0].split() for width in (40, 35, 30, 25, 20, 12)}

    assert headings == {
        40: ["Name", "First", "Last", "State"],
        35: ["Name", "First", "State"],
        30: ["Name", "First", "State"],
        25: ["Name", "First", "State"],
        20: ["Name", "State"],
        12: ["Name", "State"],
    }


def test_what_is_said_at_length_stands_beside_or_else_below_and_its_words_are_never_broken() -> None:
    why = "kept by web-20260615-0300-a2d42d"

    assert table(70, why=why)[1].endswith(f"usable  {why}")
    below = table(45, why=why)
    assert (below[0].split(), below[2:]) == (["Name", "First", "Last", "State"], [f"  {why}"])
    assert table(20, why=why)[2:] == ["  kept by ", "  web-20260615-0300-a2d42d"]


def test_letters_of_two_cells_are_counted_as_such() -> None:
    (_, row) = table(40, name="東京")

    assert row == "東京  1111111111  2222222222  usable"


def test_nothing_hidden_is_not_spoken_of() -> None:
    out = StringIO()
    show_hidden([None, fit((Column("Name", [Text("web")], is_name=True),), 80)], Console(file=out, width=80))

    assert out.getvalue() == ""
