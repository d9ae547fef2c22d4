"""How everything stands, for a monitoring system: a line and an exit status."""

from dataclasses import replace

import pytest

from lightkeeper.errors import InvalidValueError
from lightkeeper.model import Inventory, ReadFailure, Source
from lightkeeper.plan import make_plan
from lightkeeper.settings import Settings
from lightkeeper_cli.check import Level, check, failed
from recovery_calendar.view import View, make_view
from tests.support.inventories import DAY, NOW, REGION, daily, point, source


def view(*sources: Source, days: int = 0, inventory: Inventory | None = None, elsewhere: bool = False) -> View:
    """Return what is seen of sources whose newest recovery point is so many days old."""
    points = tuple(each for of in sources for each in daily(of, [days, days + 1]))
    found = inventory or Inventory(sources, points)
    left = Inventory((), (point(source(), NOW - DAY),)) if elsewhere else None
    return make_view(make_plan(found, Settings(), NOW), Settings(), elsewhere=left)


SHOP = source(backup="daily")
WAITING = source("new", backup="daily", age=DAY / 24)


@pytest.mark.parametrize(
    ("seen", "level"),
    [
        (view(SHOP), Level.OK),
        (
            view(SHOP, source("plain", age=DAY), inventory=Inventory((SHOP, source("plain")), daily(SHOP, [0]))),
            Level.OK,
        ),
        (view(inventory=Inventory((WAITING,), ())), Level.OK),
        (view(inventory=Inventory((), ())), Level.WARNING),
        (view(inventory=Inventory((source(backup="off"),), ())), Level.WARNING),
        (view(source(backup="daily", backup_kepe="7")), Level.WARNING),
        (view(SHOP, elsewhere=True), Level.WARNING),
        (view(SHOP, days=3), Level.CRITICAL),
        (view(source(backup="dialy")), Level.CRITICAL),
        (view(SHOP, inventory=Inventory((source(),), daily(SHOP, [3]))), Level.CRITICAL),
        (view(inventory=Inventory((), daily(SHOP, [0]))), Level.CRITICAL),
        (view(inventory=Inventory((SHOP,), (), failures=(ReadFailure(REGION, "GetDisks", "no"),))), Level.UNKNOWN),
    ],
    ids=[
        "protected",
        "without a tag",
        "waiting",
        "nothing there",
        "all switched off",
        "a tag that nobody knows",
        "left in another Region",
        "overdue",
        "a wrong policy",
        "no longer backed up",
        "a list in doubt",
        "unread",
    ],
)
def test_what_it_comes_to(seen: View, level: Level) -> None:
    verdict = check(seen)

    assert verdict.level is level
    assert verdict.line.startswith(f"{level.name}: {seen.sentence}")


def test_those_that_need_a_person_are_named_the_first_of_them() -> None:
    shops = [source(f"shop-{number}", backup="daily") for number in range(7)]

    line = check(view(*shops, days=3)).line

    assert " Look at: shop-0, shop-1, shop-2, shop-3, shop-4 and 2 more. | " in line


def test_the_figures_are_as_nagios_writes_them() -> None:
    figures = dict(pair.split("=") for pair in check(view(SHOP, WAITING, days=0)).line.partition(" | ")[2].split())

    assert figures == {
        "sources": "2",
        "protected": "2",
        "waiting": "0",
        "overdue": "0",
        "problem": "0",
        "stopped": "0",
        "recovery_points": "4",
        "oldest_newest": "32400s",
        "stored_gib": figures["stored_gib"],
    }


def test_what_is_written_never_breaks_the_line_nor_begins_figures() -> None:
    odd = replace(SHOP, name="a|b\nc")

    line = check(view(odd, days=3)).line

    assert line.count("|") == 1
    assert "\n" not in line
    assert "Look at: a/b c." in line
    assert failed(InvalidValueError("no\nsuch | thing")).line == "UNKNOWN: no such / thing"
