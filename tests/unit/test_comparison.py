"""What other settings would change: said of each setting, each source and each snapshot."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from lightkeeper.model import Inventory, Plan, RecoveryPoint, SnapshotState, Source
from lightkeeper.plan import make_plan
from lightkeeper.settings import Settings
from lightkeeper_cli.comparison import (
    Comparison,
    Departure,
    SettingChange,
    SourceChange,
    changed_settings,
    compare,
    new_problems,
)
from lightkeeper_cli.tables.preview import preview_lines
from tests.support.inventories import DAY, NOW, THREE, daily, point, source

SHOP = source(backup="daily")
WEEK_KEPT = {"policies": {"daily": {"schedule": "0 3 * * *", "keep": "daily=7"}}}
THREE_KEPT = {"policies": {"daily": {"schedule": "0 3 * * *", "keep": "daily=3"}}}
MINUTE = timedelta(minutes=1)
IN_THE_NEXT_RUN = Departure(NOW)
IN_A_LATER_RUN = Departure(NOW, waits=True)
A_DAY_LATER = Departure(NOW + DAY)


def plan(points: Sequence[RecoveryPoint], *sources: Source, **settings: object) -> Plan:
    return make_plan(Inventory(sources or (SHOP,), tuple(points)), Settings.from_mapping(settings), NOW)


def days(count: int, expires_at: datetime | None = None) -> list[RecoveryPoint]:
    """Return the shop's snapshots of the last days, newest first."""
    return [point(SHOP, THREE - each * DAY, expires_at=expires_at if each else None) for each in range(count)]


def only(changes: Sequence[SourceChange]) -> SourceChange:
    (change,) = changes
    return change


def comparison(before: Plan | None, after: Plan) -> Comparison:
    return Comparison((), compare(before, after), new_problems(before, after))


# Snapshots


def test_a_rule_that_keeps_less_marks_snapshots_that_stayed() -> None:
    points = days(7)

    change = only(compare(plan(points, **WEEK_KEPT), plan(points, **THREE_KEPT)))

    assert change.kept == (7, 3)
    assert [(each.taken.day, each.before, each.after) for each in change.moved] == [
        (day, None, A_DAY_LATER) for day in (9, 10, 11, 12)
    ]


def test_a_rule_that_keeps_more_lets_stay_what_was_marked() -> None:
    points = [*days(3), *(point(SHOP, THREE - each * DAY, expires_at=NOW + DAY) for each in (3, 4))]

    change = only(compare(plan(points, **THREE_KEPT), plan(points, **WEEK_KEPT)))

    assert change.kept == (3, 5)
    assert [(each.before, each.after) for each in change.moved] == [(A_DAY_LATER, None)] * 2


def test_without_grace_the_same_snapshots_go_sooner() -> None:
    points = days(5)
    before = plan(points, **THREE_KEPT)

    change = only(compare(before, plan(points, **THREE_KEPT, grace="0d")))

    assert change.kept == (3, 3)
    assert [(each.before, each.after) for each in change.moved] == [(A_DAY_LATER, Departure(NOW + MINUTE))] * 2


def test_with_more_deletions_in_a_run_what_would_have_waited_goes_in_the_next_one() -> None:
    points = days(8, expires_at=NOW - MINUTE)
    before = plan(points, **THREE_KEPT)

    change = only(compare(before, plan(points, **THREE_KEPT, maxDeletesPerSource=1000)))

    assert change.kept == (3, 3)
    assert [(each.before, each.after) for each in change.moved] == [(IN_A_LATER_RUN, IN_THE_NEXT_RUN)] * 2


@pytest.mark.parametrize("expires_at", [None, NOW - MINUTE])
def test_where_pruning_is_turned_on_what_it_was_off_for_begins_to_go(expires_at: datetime | None) -> None:
    points = days(5, expires_at=expires_at)

    change = only(compare(plan(points, **THREE_KEPT, prune="off"), plan(points, **THREE_KEPT, prune="on")))

    assert change.kept == (5, 3)
    assert [each.before for each in change.moved] == [None, None]


def test_what_ended_in_error_goes_by_its_slot() -> None:
    points = [*days(2), point(SHOP, NOW - 10 * DAY, SnapshotState.ERROR)]

    change = only(compare(None, plan(points)))

    assert [(each.taken, each.after) for each in change.moved] == [(NOW - 10 * DAY, A_DAY_LATER)]


def test_the_same_settings_change_nothing() -> None:
    points = days(20)

    change = only(compare(plan(points), plan(points)))

    assert not change.differs
    assert change.kept[0] == change.kept[1] < 20


# Sources


def test_where_nothing_is_deployed_all_stays_and_nothing_is_taken() -> None:
    blog = source("blog", backup="daily")

    changes = compare(None, plan(days(4), SHOP, blog, **THREE_KEPT))

    assert [(each.name, each.before, each.takes, each.kept) for each in changes] == [
        ("blog", "no: nothing is deployed", (False, True), (0, 0)),
        ("shop", "no: nothing is deployed", (False, False), (4, 3)),
    ]


def test_what_another_tag_key_leaves_behind_is_named_and_its_snapshots_stay() -> None:
    points = days(5)

    change = only(compare(plan(points), plan(points, tagKey="save")))

    assert (change.before, change.after) == (
        'daily, "0 3 * * *" in UTC, keep "daily=7 weekly=4"',
        "no: it has no tag",
    )
    assert change.kept == (5, 5)
    assert change.differs


def test_a_region_that_is_not_looked_after_any_more_is_named_and_its_snapshots_stay() -> None:
    empty = make_plan(Inventory((), ()), Settings(), NOW)

    change = only(compare(plan(days(5)), empty))

    assert (change.after, change.kept) == ("no: its Region is not looked after", (5, 5))


def test_a_tag_that_new_settings_do_not_understand_is_a_new_problem() -> None:
    of = source(backup="office")
    before = plan((), of, policies={"office": {"schedule": "0 18 * * *", "keep": "7d"}})

    found = comparison(before, plan((), of))

    assert only(found.sources).after == "no: its tags are not understood"
    assert [(each.source, each.tag, each.value) for each in found.problems] == [("shop", "backup", "office")]
    assert new_problems(plan((), of), plan((), of)) == ()


# Settings


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({}, {}, []),
        ({}, {"grace": "0d"}, [SettingChange("grace", '"1d"', '"0d"')]),
        (
            {"maxDeletesPerSource": 3},
            {"maxDeletesPerSource": 1000},
            [SettingChange("maxDeletesPerSource", "3", "1000")],
        ),
        (WEEK_KEPT, THREE_KEPT, [SettingChange("policies.daily.keep", '"daily=7"', '"daily=3"')]),
        ({"regions": ["eu-central-1"]}, {}, [SettingChange("regions", '["eu-central-1"]', "[]")]),
    ],
)
def test_a_setting_that_changes_is_named_with_both_values(
    before: dict[str, object], after: dict[str, object], changes: list[SettingChange]
) -> None:
    assert [*changed_settings(Settings.from_mapping(before), Settings.from_mapping(after))] == changes


def test_a_policy_that_goes_has_no_value_any_more() -> None:
    office = Settings.from_mapping({"policies": {"office": {"schedule": "0 18 * * *", "keep": "7d"}}})

    changes = [*changed_settings(office, Settings())]

    assert {change.key.rpartition(".")[0] for change in changes} == {"policies.office"}
    assert {change.after for change in changes} == {None}


# In words


def lines(before: Plan | None, after: Plan) -> list[str]:
    return [*preview_lines(comparison(before, after), NOW)]


def test_each_source_that_changes_has_its_lines_and_all_have_a_sum() -> None:
    blog = source("blog", backup="daily")
    points = [*days(5), *daily(blog, range(3))]

    shown = lines(
        plan(points, SHOP, blog, **WEEK_KEPT),
        plan(points, SHOP, blog, **THREE_KEPT, grace="0d"),
    )

    assert "\n".join(shown) == (
        "\n"
        "blog (disk, eu-central-1)\n"
        '  backed up: daily, "0 3 * * *" in UTC, keep "daily=7" -> daily, "0 3 * * *" in UTC, keep "daily=3"\n'
        "  kept: 3 -> 3\n"
        "\n"
        "shop (disk, eu-central-1)\n"
        '  backed up: daily, "0 3 * * *" in UTC, keep "daily=7" -> daily, "0 3 * * *" in UTC, keep "daily=3"\n'
        "  kept: 5 -> 3\n"
        f"  {points[4].name}, taken 2026-06-11 03:00 UTC: stays -> goes from 2026-06-15 12:01 UTC on\n"
        f"  {points[3].name}, taken 2026-06-12 03:00 UTC: stays -> goes from 2026-06-15 12:01 UTC on\n"
        "\n"
        "In all: 8 -> 6 snapshots kept. Stayed and will go: 2; went and will stay: 0; will go at another time: 0.\n"
        "The next run takes 0 -> 0 snapshots.\n"
        "So far nothing has been changed."
    )


def test_a_fleet_is_counted_not_listed() -> None:
    fleet = [source(f"disk-{number:02}", backup="daily") for number in range(30)]
    points = [each for of in fleet for each in daily(of, range(12))]

    shown = lines(plan(points, *fleet, **WEEK_KEPT), plan(points, *fleet, **THREE_KEPT))

    assert "... and 10 more sources that change (--json has all of them)" in shown
    assert len(shown) < 200
    assert shown[-3].startswith("In all: 210 -> 90 snapshots kept. Stayed and will go: 120; ")


def test_of_a_source_the_first_are_listed_and_the_last_is_named() -> None:
    points = days(15)
    shown = lines(plan(points), plan(points, **THREE_KEPT))

    assert any(line.startswith("  ... and ") for line in shown)
