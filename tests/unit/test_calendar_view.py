"""What the recovery calendar shows of a plan: strips, marks, order, pages and the one sentence."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from lightkeeper.errors import InvalidValueError
from lightkeeper.kinds import LISTINGS, SnapshotKind, SourceKind
from lightkeeper.model import Inventory, ReadFailure, RecoveryPoint, SnapshotState, Source, Status
from lightkeeper.overview import Health
from lightkeeper.plan import make_plan
from lightkeeper.pricing import stored_gib, usd_per_month
from lightkeeper.restorable import Restorable
from lightkeeper.settings import Settings
from recovery_calendar.order import Direction
from recovery_calendar.render import Theme, render_calendar, render_page, say_periods
from recovery_calendar.view import (
    Held,
    Mark,
    Order,
    Period,
    Row,
    Run,
    SortKey,
    View,
    make_view,
    parse_order,
    periods,
    span,
)
from tests.support.inventories import DAY, HOUR, NOW, REGION, THREE, daily, point, source


def view(
    sources: Sequence[Source],
    points: Sequence[RecoveryPoint] = (),
    settings: Settings | None = None,
    *,
    failures: Sequence[ReadFailure] = (),
    order: str = "status",
    page: int = 1,
    page_size: int | None = None,
    elsewhere: Inventory | None = None,
) -> View:
    settings = settings or Settings()
    inventory = Inventory(tuple(sources), tuple(points), failures=tuple(failures))
    plan = make_plan(inventory, settings, NOW)
    return make_view(plan, settings, parse_order(order), page, page_size, elsewhere=elsewhere)


def strip(row: Row) -> str:
    letters = {Mark.KEPT: "#", Mark.HELD: "H", Mark.EXPIRING: "e", Mark.PENDING: "p"}
    return "".join("x" if day.missed else letters[day.mark] if day.mark else "." for day in row.days)


# Strips


def test_a_strip_is_the_last_thirty_days_with_today_at_the_right() -> None:
    shop = source(backup="daily")

    (row,) = view([shop], [point(shop, THREE), point(shop, THREE - 29 * DAY), point(shop, THREE - 30 * DAY)]).rows

    assert [row.days[0].date, row.days[-1].date] == [date(2026, 5, 17), date(2026, 6, 15)]
    assert strip(row) == "#" + 28 * "." + "#"
    assert (row.points, row.oldest) == (3, THREE - 30 * DAY), "what is older is said, though not shown"


def test_it_goes_by_when_content_was_taken_never_by_the_slot() -> None:
    """A run on 25 November for the slot of 1 November cannot bring the first of November back."""
    shop = source(backup="monthly")
    first = NOW.replace(day=1, hour=3)
    late = NOW - 2 * HOUR

    (row,) = view([shop], [point(shop, first, taken=late)]).rows

    assert strip(row) == 29 * "." + "#"
    (moment,) = row.days[-1].moments
    assert (moment.wall, moment.slot) == (late, first)
    assert (row.newest, row.oldest) == (late, late)


def test_days_are_those_of_the_settings_zone() -> None:
    shop = source(backup="hourly")
    late = NOW.replace(hour=23) - DAY
    settings = Settings.from_mapping({"timeZone": "Europe/Zurich"})

    (row,) = view([shop], [point(shop, late)], settings).rows

    (moment,) = row.days[-1].moments
    assert moment.wall.isoformat() == "2026-06-15T01:00:00+02:00"


def test_hours_on_end_are_one_run_and_a_single_recovery_point_is_the_whole_day() -> None:
    shop = source(backup="hourly", backup_keep="forever")
    today = [NOW.replace(hour=hour) for hour in (2, 3, 4, 9, 12)]

    (row,) = view([shop], [point(shop, slot) for slot in (*today, THREE - DAY)]).rows

    assert row.days[-1].runs == (Run(2, 3, Mark.KEPT), Run(9, 1, Mark.KEPT), Run(12, 1, Mark.KEPT))
    assert row.days[-2].runs == (Run(0, 24, Mark.KEPT),)
    assert row.days[-3].runs == ()


def test_what_is_marked_and_what_falls_out_now_is_shown_with_its_time() -> None:
    shop = source(backup="daily", backup_keep="3")
    marked = point(shop, THREE - 4 * DAY, expires_at=NOW + 5 * HOUR)

    (row,) = view([shop], [*daily(shop, range(4)), marked]).rows

    assert strip(row) == 25 * "." + "ee###"
    assert [(each.snapshot, each.at) for each in row.expiring] == [
        (marked.name, NOW + 5 * HOUR),
        (point(shop, THREE - 3 * DAY).name, NOW + DAY),
    ], "soonest first"


def test_what_is_due_goes_now_even_if_a_limit_defers_it() -> None:
    shop = source(backup="daily", backup_keep="1")
    due = [point(shop, THREE - back * DAY, expires_at=NOW - HOUR) for back in range(1, 6)]

    (row,) = view([shop], [point(shop, THREE), *due]).rows

    assert [each.at for each in row.expiring] == [NOW] * 5


def test_a_deletion_that_is_cancelled_or_cannot_go_on_is_not_shown() -> None:
    cancelled = source("cancelled", backup="daily")
    blocked = source("blocked", backup="daily", backup_keep="1", backup_kepe="2")
    points = [
        point(cancelled, THREE, expires_at=NOW + HOUR),
        point(blocked, THREE),
        point(blocked, THREE - DAY, expires_at=NOW - HOUR),
    ]

    assert [row.expiring for row in view([cancelled, blocked], points).rows] == [(), ()]


def test_a_hold_weighs_more_than_anything_else_on_its_day() -> None:
    shop = source(backup="daily", backup_keep="1")
    held = point(shop, THREE - 5 * DAY, tags={"backup:hold": ""})

    (row,) = view([shop], [point(shop, THREE), held]).rows

    assert strip(row) == 24 * "." + "H....#"
    assert row.held == (Held(held.name, "on hold"),)


def test_who_holds_a_snapshot_and_until_when_is_said() -> None:
    shop = source(backup="daily", backup_keep="1")
    held = point(shop, THREE - 5 * DAY, tags={"legal-hold": ""})
    dated = point(shop, THREE - 4 * DAY, tags={"backup:hold": "2026-06-30"})

    (row,) = view([shop], [point(shop, THREE), held, dated]).rows

    assert [each.by for each in row.held] == ["on hold until 2026-07-01T00:00:00Z", 'on hold by the tag "legal-hold"']


def test_what_is_still_being_taken_is_no_recovery_point() -> None:
    shop = source(backup="daily")

    (row,) = view([shop], [point(shop, THREE, SnapshotState.PENDING), point(shop, THREE - DAY)]).rows

    assert strip(row) == 28 * "." + "#p"
    assert (row.points, row.newest) == (1, THREE - DAY)


def test_the_days_since_a_slot_was_missed_are_marked_where_a_source_is_overdue() -> None:
    shop, new = source("shop", backup="daily"), source("new", backup="daily")

    rows = {row.name: row for row in view([shop, new], daily(shop, range(3, 6))).rows}

    assert strip(rows["shop"]) == 24 * "." + "###xxx"
    assert strip(rows["new"]) == 29 * "." + "x", "it never had one: overdue since the current slot"


def test_a_slot_that_newer_content_covers_is_not_missed() -> None:
    """A run that came two days late took what is newer than the slots it came too late for."""
    shop = source(backup="daily")
    late = point(shop, THREE - 4 * DAY, taken=THREE - 2 * DAY + 9 * HOUR)

    (row,) = view([shop], [late]).rows

    assert strip(row) == 27 * "." + "#xx"
    assert row.overdue_since == THREE - DAY


def test_a_weekly_policy_has_gaps_and_misses_nothing() -> None:
    shop = source(backup="weekly")
    sunday = datetime(2026, 6, 14, 3, tzinfo=UTC)

    (row,) = view([shop], [point(shop, sunday - back * 7 * DAY) for back in range(5)]).rows

    assert "x" not in strip(row)
    assert strip(row).count("#") == 5


def test_days_on_end_are_one_period() -> None:
    shop = source(backup="daily")
    pending = point(shop, NOW, SnapshotState.PENDING)

    (row,) = view([shop], [*daily(shop, (1, 2, 3, 9)), point(shop, THREE - 40 * DAY), pending]).rows

    assert row.recoverable == (
        Period(date(2026, 6, 6), date(2026, 6, 6)),
        Period(date(2026, 6, 12), date(2026, 6, 14)),
    ), "nothing can be recovered to what is still being taken"
    assert (row.points, row.older) == (5, 1)


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ((), ""),
        ((date(2026, 6, 6),), "6 Jun 2026"),
        ((date(2026, 5, 31), date(2026, 6, 1), date(2026, 6, 5)), "31 May to 1 Jun, 5 Jun 2026"),
        ((date(2025, 12, 30), date(2026, 1, 2)), "30 Dec 2025, 2 Jan 2026"),
        ((date(2025, 12, 25), date(2025, 12, 31), date(2026, 1, 1)), "25 Dec, 31 Dec 2025 to 1 Jan 2026"),
    ],
)
def test_days_are_said_as_people_say_them(days: Sequence[date], said: str) -> None:
    assert say_periods(periods(days)) == said


# Facts of a row


def test_size_and_cost_are_those_of_the_storage_model() -> None:
    shop = source(backup="daily")
    points = daily(shop, range(5))

    (row,) = view([shop], points).rows

    assert row.size_gib == 8
    assert row.stored.gib == stored_gib([each.taken for each in points], 8)
    assert row.usd == usd_per_month(row.stored.gib)
    assert row.stored.full_gib == 5 * 8


def test_the_estimate_leads_and_what_it_can_be_at_most_stands_in_brackets() -> None:
    shop, attic = source("shop", backup="daily"), source("attic", backup="daily")

    seen = view([shop, attic], [*daily(shop, range(5)), point(attic, THREE)])

    page = render_page(seen, theme=Theme.LIGHT)
    assert "Stored: about 17 GiB, 0.83 USD a month (at full size at most 2.40), an estimate." in page
    assert "<li>stored: about 9 GiB, 0.43 USD a month (at full size at most 2.00), an estimate</li>" in page
    assert "Full size is that of the source, free space included." in page


def test_the_page_names_the_deployment_the_account_and_the_regions() -> None:
    shop = source(backup="daily")
    plan = replace(make_plan(Inventory((shop,), ()), Settings(), NOW), regions=(REGION, "us-east-1"))
    foreign = replace(plan.sources[0], arn="arn:aws:lightsail:eu-central-1:2:Disk/other")

    seen = make_view(plan, Settings(deployment="Clinic"))

    assert (seen.deployment, seen.account, seen.regions) == ("Clinic", "1", (REGION, "us-east-1"))
    assert "<small>of Clinic, account 1, eu-central-1, us-east-1</small>" in render_page(seen, theme=Theme.AUTO)
    assert view([]).account is None
    assert make_view(replace(plan, sources=(*plan.sources, foreign)), Settings()).account is None


def test_problems_stand_with_their_source_the_worst_first_and_others_apart() -> None:
    shop = source(backup="dialy", Backup="daily")
    inventory = Inventory((shop,), ())
    plan = make_plan(inventory, Settings(), NOW)
    foreign = replace(plan.problems[0], arn="arn:of-a-namesake-that-is-gone")

    seen = make_view(replace(plan, problems=(*plan.problems, foreign)), Settings())

    assert [note.severity.value for note in seen.rows[0].notes] == ["error", "advice"]
    assert seen.others == (foreign,)


def test_what_ended_in_error_is_named() -> None:
    shop = source(backup="daily")
    broken = point(shop, THREE, SnapshotState.ERROR)

    (row,) = view([shop], [broken, point(shop, THREE - DAY)]).rows

    assert row.failed == (broken.name,)
    assert strip(row) == 28 * "." + "#x"


def test_an_overdue_source_says_since_when_why_and_what_helps() -> None:
    quiet, broken, stuck = (source(name, backup="daily") for name in ("quiet", "broken", "stuck"))
    points = [
        point(quiet, THREE - 2 * DAY),
        point(broken, THREE - DAY),
        point(broken, THREE, SnapshotState.ERROR),
        point(stuck, THREE, SnapshotState.PENDING),
    ]

    rows = {row.name: row for row in view([quiet, broken, stuck], points).rows}

    assert {row.status for row in rows.values()} == {Status.OVERDUE}
    assert rows["quiet"].overdue_since == THREE - DAY
    assert "no snapshot was started" in str(rows["quiet"].why)
    assert f"{points[2].name} of 2026-06-15 03:00 UTC ended in error" in str(rows["broken"].why)
    assert rows["broken"].failed_besides == (), "why says it already"
    assert f"{points[3].name} has been pending since 2026-06-15 03:00 UTC" in str(rows["stuck"].why)
    assert rows["stuck"].helps == "take one now: lightkeeper take stuck --kind disk --region eu-central-1"


def test_a_source_that_is_protected_says_neither_why_nor_what_helps() -> None:
    shop = source(backup="daily")

    (row,) = view([shop], daily(shop, range(3))).rows

    assert (row.why, row.helps, row.overdue_since, row.wants) == (None, None, None, False)


@pytest.mark.parametrize(
    ("now_tagged", "why"),
    [
        ({}, 'it has no tag "backup"'),
        ({"backup": "off"}, 'its tag "backup" says "off"'),
        (None, "it is gone"),
    ],
)
def test_what_has_recovery_points_and_is_no_longer_backed_up_says_so(
    now_tagged: Mapping[str, str] | None, why: str
) -> None:
    was = source(backup="daily")
    other, on_other = fine("other")
    sources = [other] if now_tagged is None else [other, replace(was, tags=now_tagged)]

    seen = view(sources, [*daily(was, range(3)), on_other])

    shop = seen.rows[0]
    assert (shop.name, shop.stopped, shop.wants, shop.why) == ("shop", True, True, why)
    assert strip(shop) == 27 * "." + "###", "it can still be recovered"
    assert seen.health is Health.DEGRADED
    assert seen.sentence.startswith("1 source no longer backed up; ")


def test_what_was_switched_off_or_deleted_long_ago_is_only_counted() -> None:
    off, gone = source("off", backup="off"), source("gone", backup="daily")
    other, on_other = fine("other")
    old = [point(each, THREE - 91 * DAY) for each in (off, gone)]

    seen = view([off, other], [*old, on_other])

    assert state(seen) == (
        Health.OK,
        "The one source is protected; 1 switched off; 1 deleted source with recovery points.",
    )
    assert [(row.name, row.stopped, row.wants) for row in seen.rows] == [
        ("other", False, False),
        ("gone", True, False),
        ("off", True, False),
    ]


def test_a_source_that_lost_its_tag_stays_open_however_old_its_recovery_points_are() -> None:
    shop = source()

    seen = view([shop], [point(shop, THREE - 400 * DAY)])

    assert (seen.health, seen.rows[0].wants) == (Health.DEGRADED, True)


def test_a_disk_inside_its_instance_s_snapshots_is_protected_and_says_in_which() -> None:
    web = source("web", SourceKind.INSTANCE, backup="daily")
    data = source("data", attached_to="web")
    whole = point(web, THREE, kind=SnapshotKind.INSTANCE, disks=["data"])

    seen = view([web, data], [whole])

    assert [(row.name, row.status, row.included_in) for row in seen.rows] == [
        ("data", Status.PROTECTED, "web"),
        ("web", Status.PROTECTED, None),
    ]
    assert state(seen) == (Health.OK, "All 2 sources protected.")


def test_a_disk_that_its_instance_s_snapshots_lack_is_not_credited_with_them() -> None:
    web = source("web", SourceKind.INSTANCE, backup="daily")
    added = source("added", attached_to="web")
    whole = point(web, THREE, kind=SnapshotKind.INSTANCE, disks=["data"])

    seen = view([web, added], [whole])

    assert [(row.name, row.status, row.included_in) for row in seen.rows] == [
        ("added", Status.WAITING, None),
        ("web", Status.PROTECTED, None),
    ]


# Order and pages


def test_what_wants_a_person_comes_first() -> None:
    sources = [
        source("a-off", backup="off"),
        source("b-fine", backup="daily"),
        source("c-wrong", backup="dialy"),
        source("d-late", backup="daily"),
        source("e-noted", backup="daily", backup_kepe="1"),
        source("f-new", backup="daily", age=HOUR),
    ]
    points = [point(sources[1], THREE), point(sources[4], THREE)]

    names = [row.name for row in view(sources, points).rows]

    assert names == ["d-late", "c-wrong", "f-new", "e-noted", "b-fine", "a-off"]
    assert [row.name for row in view(sources, points, order="-status").rows] == names[::-1]


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("name", "a b c d"),
        ("-name", "d c b a"),
        ("newest", "b c a d"),
        ("-newest", "a c b d"),
        ("next", "b a c d"),
        ("expires", "c a b d"),
        ("size", "c b a d"),
        ("cost", "c b a d"),
        ("-cost", "a b c d"),
    ],
)
def test_each_order_puts_what_has_no_value_last(order: str, names: str) -> None:
    a, b = source("a", backup="daily", backup_keep="1"), source("b", backup="hourly")
    c, d = source("c", backup="daily", backup_keep="1"), source("d")
    points = [
        point(a, THREE),
        point(b, THREE - 2 * DAY),
        point(c, THREE - DAY),
        replace(point(c, THREE - 9 * DAY), expires_at=NOW + HOUR),
    ]
    sized = {"a": 8, "b": 16, "c": 32}
    points = [replace(each, size_gib=sized[each.source_name]) for each in points]
    if order == "expires":
        points.append(point(a, THREE - 9 * DAY))

    assert " ".join(row.name for row in view([d, c, b, a], points, order=order).rows) == names


def test_a_second_click_turns_an_order_round() -> None:
    order = Order().toggled(SortKey.COST)

    assert [str(order), str(order.toggled(SortKey.COST)), str(order.toggled(SortKey.COST).toggled(SortKey.COST))] == [
        "cost",
        "-cost",
        "cost",
    ]


@pytest.mark.parametrize(
    ("order", "is_falling", "direction"),
    [
        ("name", False, Direction.ASCENDING),
        ("-newest", True, Direction.DESCENDING),
        ("size", True, Direction.DESCENDING),
        ("-cost", False, Direction.ASCENDING),
        ("status", False, Direction.OTHER),
        ("-status", True, Direction.OTHER),
    ],
)
def test_an_order_says_how_its_values_run(order: str, *, is_falling: bool, direction: Direction) -> None:
    parsed = parse_order(order)

    assert (parsed.is_falling, parsed.direction) == (is_falling, direction)


def test_an_unknown_order_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(InvalidValueError, match='did you mean "newest"'):
        parse_order("newst")


def test_pages_are_cut_from_the_whole_order_and_the_totals_are_of_all() -> None:
    sources = [source(f"disk-{number}", backup="daily") for number in range(7)]
    points = [point(each, THREE) for each in sources]

    pages = [view(sources, points, order="name", page=page, page_size=3) for page in (1, 2, 3, 99)]

    assert [[row.name[-1] for row in page.rows] for page in pages] == [list("012"), list("345"), list("6"), list("6")]
    assert {(page.pages, page.total, page.stored.gib) for page in pages} == {(3, 7, 56.0)}
    assert pages[-1].page == 3, "a page past the last is the last"


# The sentence


def failure() -> ReadFailure:
    return ReadFailure(REGION, "GetDiskSnapshots", "GetDiskSnapshots: refused")


def fine(name: str) -> tuple[Source, RecoveryPoint]:
    of = source(name, backup="daily")
    return of, point(of, THREE)


def test_all_is_well() -> None:
    (a, on_a), (b, on_b) = fine("a"), fine("b")

    assert state(view([a, b], [on_a, on_b])) == (Health.OK, "All 2 sources protected.")
    assert state(view([a], [on_a])) == (Health.OK, "The one source is protected.")


def test_a_disk_without_a_tag_is_counted_and_all_is_not_well() -> None:
    a, on_a = fine("a")

    assert state(view([a, source("scratch")], [on_a])) == (
        Health.WAITING,
        "1 of 2 sources protected; 1 not backed up.",
    )


def test_what_is_switched_off_is_meant_so_and_counted() -> None:
    a, on_a = fine("a")

    assert state(view([a, source("scratch", backup="off")], [on_a])) == (
        Health.OK,
        "The one source is protected; 1 switched off.",
    )


def test_trouble_comes_first() -> None:
    a, on_a = fine("a")
    late, wrong = source("late", backup="daily"), source("wrong", backup="dialy")

    assert state(view([a, late, wrong, source("scratch")], [on_a])) == (
        Health.DEGRADED,
        "1 source overdue, 1 problem; 1 of 4 sources protected; 1 not backed up.",
    )


def test_a_newcomer_is_no_trouble() -> None:
    a, on_a = fine("a")

    assert state(view([a, source("new", backup="daily", age=HOUR)], [on_a])) == (
        Health.WAITING,
        "1 of 2 sources protected; 1 waiting for a first recovery point.",
    )


@pytest.mark.parametrize(
    ("sources", "sentence"),
    [
        ([], 'Nothing is backed up: no disk, instance or database has the tag "backup".'),
        ([source("a")], 'Nothing is backed up: 1 source without the tag "backup".'),
        (
            [source("a"), source("b"), source("c", backup="off")],
            'Nothing is backed up: 2 sources without the tag "backup"; 1 switched off.',
        ),
        ([source("c", backup="off")], "Nothing is backed up; 1 switched off."),
    ],
)
def test_nothing_that_is_backed_up_is_not_well(sources: Sequence[Source], sentence: str) -> None:
    assert state(view(sources)) == (Health.WAITING, sentence)


def test_what_could_not_be_read_weighs_most() -> None:
    (a, on_a), late = fine("a"), source("late", backup="dialy")

    seen = view([a, late, source("scratch")], [on_a], failures=[failure()])

    assert seen.health is Health.UNKNOWN
    assert seen.sentence == (
        "Cannot tell how everything stands: 1 list could not be read; 1 problem; of 3 sources seen, 0 protected; "
        "1 unknown; 1 not backed up."
    )
    assert {row.name: row.status for row in seen.rows}["a"] is Status.UNKNOWN
    assert seen.failures == (failure(),)


def test_lists_that_are_refused_are_not_taken_for_nothing_to_back_up() -> None:
    failures = [ReadFailure(REGION, listing, "refused") for listing in LISTINGS]

    assert state(view([], failures=failures)) == (
        Health.UNKNOWN,
        "Cannot tell how everything stands: 7 lists could not be read.",
    )


def test_a_source_that_is_seen_while_a_list_fails_is_never_all_there_is() -> None:
    a, on_a = fine("a")
    unread = ReadFailure("us-east-1", "GetDisks", "refused")

    assert state(view([a], [on_a], failures=[unread]))[1] == (
        "Cannot tell how everything stands: 1 list could not be read; of 1 source seen, 1 protected."
    )


def test_a_list_that_is_suddenly_empty_is_in_doubt_and_its_sources_are_unknown() -> None:
    """Most of what was backed up yesterday is not listed: the list is doubted, not the sources."""
    were = [source(name, backup="daily") for name in ("a", "b", "c")]

    seen = view([], [point(each, THREE) for each in were])

    assert state(seen) == (
        Health.DEGRADED,
        "A list of eu-central-1 is in doubt; 0 of 3 sources protected; 3 unknown.",
    )
    assert seen.doubted == (REGION,)
    assert ["the list is empty" in problem.message for problem in seen.others] == [True]


def test_recovery_points_in_a_region_that_nobody_looks_after_are_trouble() -> None:
    a, on_a = fine("a")
    left = [replace(point(a, THREE - back * DAY), region="eu-west-1") for back in range(3)]
    broken = replace(point(a, THREE, SnapshotState.ERROR), region="us-east-1")
    refused = ReadFailure("ap-east-1", "GetDiskSnapshots", "refused")
    elsewhere = Inventory((), (*left, broken), failures=(refused,))

    seen = view([a], [on_a], elsewhere=elsewhere)

    assert state(seen) == (
        Health.DEGRADED,
        "3 recovery points in eu-west-1, which nobody looks after; the one source is protected.",
    )
    assert (seen.elsewhere, seen.unseen) == ({"eu-west-1": 3}, (refused,))


def test_a_region_that_nobody_looks_after_and_that_refuses_is_no_trouble() -> None:
    a, on_a = fine("a")
    refused = ReadFailure("ap-east-1", "GetDiskSnapshots", "refused")

    seen = view([a], [on_a], elsewhere=Inventory((), (), failures=(refused,)))

    assert state(seen) == (Health.OK, "The one source is protected.")


def state(seen: View) -> tuple[Health, str]:
    return seen.health, seen.sentence


@pytest.mark.parametrize(
    ("time", "said"),
    [(timedelta(seconds=59), "0 min"), (timedelta(minutes=59), "59 min"), (47 * HOUR, "47 h"), (49 * HOUR, "2 d")],
)
def test_a_span_is_said_in_its_largest_unit(time: timedelta, said: str) -> None:
    assert span(time) == span(-time) == said


# Colours


@pytest.mark.parametrize("theme", Theme)
def test_each_colour_is_one_that_old_browsers_and_mail_programs_know(theme: Theme) -> None:
    page = render_page(view([source(backup="daily")]), theme=theme)

    style = "".join(re.findall(r"<style>(.*?)</style>", page, re.DOTALL))
    assert "#0f141a" in style
    assert not re.search(r"var\(|light-dark\(|\boklch|color-mix", style)
    assert ("#ebebf0" in style.partition("@media screen")[2]) is (theme is not Theme.LIGHT)
    assert "#ebebf0" not in style.partition("@media screen")[0], "paper is light"


def test_the_same_view_is_the_same_html() -> None:
    shop = source(backup="hourly")
    points = [point(shop, NOW - hours * HOUR) for hours in range(1, 60, 2)]

    pages = {render_calendar(view([shop], points[::way]), theme=Theme.AUTO) for way in (1, -1)}

    assert len(pages) == 1


# What a restore brings back


def test_a_row_says_how_much_comes_back_and_the_page_only_where_it_is_not_the_whole() -> None:
    whole, part = source("bakery", backup="daily"), source("smithy", backup="daily")
    points = [replace(point(whole, THREE), lacks=()), replace(point(part, THREE), lacks=("zone",))]

    shown = view([whole, part], points)

    assert [(row.name, row.restorable, row.restorable_why) for row in shown.rows] == [
        ("bakery", Restorable.WHOLE, None),
        ("smithy", Restorable.IN_PART, "its newest recovery point does not keep the zone"),
    ]
    page = render_page(shown, theme=Theme.LIGHT)
    assert page.count("restorable in part") == 1
    assert page.count("its newest recovery point does not keep the zone") == 1


def test_the_style_of_the_page_is_in_its_head_and_that_of_a_widget_goes_with_it() -> None:
    seen = view([source(backup="daily")])

    page, widget = render_page(seen, theme=Theme.AUTO), render_calendar(seen, theme=Theme.LIGHT)

    assert "<style" not in page.partition("</head>")[2]
    assert widget.count("<style>") == 1
