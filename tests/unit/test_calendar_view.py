"""What the recovery calendar shows of a plan: strips, marks, order, pages and the one sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from lightkeeper.model import (
    Inventory,
    Listing,
    ReadFailure,
    RecoveryPoint,
    SnapshotKind,
    SnapshotState,
    Source,
    SourceKind,
    Status,
)
from lightkeeper.plan import make_plan
from lightkeeper.settings import Settings
from lightkeeper.standing import Health
from lightkeeper.storage import stored_gib, usd_per_month
from lightkeeper.tags import snapshot_name
from lightkeeper.wording import InvalidValueError
from recovery_calendar.view import Held, Mark, Order, Row, Run, SortKey, View, make_view, parse_order, span
from tests.unit.test_plan import DAY, NOW, REGION, source

HOUR = timedelta(hours=1)
THREE = NOW.replace(hour=3)
"""The current slot of a daily policy."""


def point(
    of: Source,
    taken: datetime,
    state: SnapshotState = SnapshotState.USABLE,
    *,
    slot: datetime | None = None,
    expires_at: datetime | None = None,
    tags: Mapping[str, str] | None = None,
    kind: SnapshotKind = SnapshotKind.DISK,
    disks: frozenset[str] = frozenset(),
) -> RecoveryPoint:
    """Return a recovery point of a source; where no slot is given, it was taken at its slot."""
    return RecoveryPoint(
        kind=kind,
        name=snapshot_name(of.name, of.arn, "Lightkeeper", slot or taken),
        region=of.region,
        state=state,
        taken=taken,
        size_gib=8,
        source_name=of.name,
        source_arn=of.arn,
        slot=slot or taken,
        attempt=1,
        expires_at=expires_at,
        tags=of.tags if tags is None else tags,
        disks=disks,
    )


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


def daily(of: Source, days: int, since: int = 0) -> list[RecoveryPoint]:
    return [point(of, THREE - back * DAY) for back in range(since, days)]


def strip(row: Row) -> str:
    letters = {Mark.KEPT: "#", Mark.HELD: "H", Mark.GOING: "e", Mark.PENDING: "p"}
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

    (row,) = view([shop], [point(shop, late, slot=first)]).rows

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


def test_what_is_announced_and_what_falls_out_now_is_marked_with_its_time() -> None:
    shop = source(backup="daily", backup_keep="3")
    announced = point(shop, THREE - 4 * DAY, expires_at=NOW + 5 * HOUR)

    (row,) = view([shop], [*daily(shop, 4), announced]).rows

    assert strip(row) == 25 * "." + "ee###"
    assert [(going.snapshot, going.at) for going in row.going] == [
        (announced.name, NOW + 5 * HOUR),
        (point(shop, THREE - 3 * DAY).name, NOW + DAY),
    ], "soonest first"


def test_what_is_due_goes_now_even_if_a_limit_defers_it() -> None:
    shop = source(backup="daily", backup_keep="1")
    due = [point(shop, THREE - back * DAY, expires_at=NOW - HOUR) for back in range(1, 6)]

    (row,) = view([shop], [point(shop, THREE), *due]).rows

    assert [going.at for going in row.going] == [NOW] * 5


def test_an_announcement_that_is_taken_back_or_cannot_go_on_marks_nothing() -> None:
    rescued = source("rescued", backup="daily")
    blocked = source("blocked", backup="daily", backup_keep="1", backup_kepe="2")
    points = [
        point(rescued, THREE, expires_at=NOW + HOUR),
        point(blocked, THREE),
        point(blocked, THREE - DAY, expires_at=NOW - HOUR),
    ]

    assert [row.going for row in view([rescued, blocked], points).rows] == [(), ()]


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

    rows = {row.name: row for row in view([shop, new], daily(shop, 6, since=3)).rows}

    assert strip(rows["shop"]) == 24 * "." + "###xxx"
    assert strip(rows["new"]) == 29 * "." + "x", "it never had one: overdue since the current slot"


def test_a_weekly_policy_has_gaps_and_misses_nothing() -> None:
    shop = source(backup="weekly")
    sunday = datetime(2026, 6, 14, 3, tzinfo=UTC)

    (row,) = view([shop], [point(shop, sunday - back * 7 * DAY) for back in range(5)]).rows

    assert "x" not in strip(row)
    assert strip(row).count("#") == 5


# Facts of a row


def test_size_and_cost_are_those_of_the_storage_model() -> None:
    shop = source(backup="daily")
    points = daily(shop, 5)

    (row,) = view([shop], points).rows

    assert row.size_gib == 8
    assert row.stored_gib == stored_gib([each.taken for each in points], 8)
    assert row.usd == usd_per_month(row.stored_gib)


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


def test_an_unknown_order_is_told_with_the_nearest_one() -> None:
    with pytest.raises(InvalidValueError, match='did you mean "newest"'):
        parse_order("newst")


def test_pages_are_cut_from_the_whole_order_and_the_totals_are_of_all() -> None:
    sources = [source(f"disk-{number}", backup="daily") for number in range(7)]
    points = [point(each, THREE) for each in sources]

    pages = [view(sources, points, order="name", page=page, page_size=3) for page in (1, 2, 3, 99)]

    assert [[row.name[-1] for row in page.rows] for page in pages] == [list("012"), list("345"), list("6"), list("6")]
    assert {(page.pages, page.total, page.stored_gib) for page in pages} == {(3, 7, 56.0)}
    assert pages[-1].page == 3, "a page past the last is the last"


# The sentence


def failure() -> ReadFailure:
    return ReadFailure(REGION, Listing.DISK_SNAPSHOTS, "GetDiskSnapshots: refused")


def fine(name: str) -> tuple[Source, RecoveryPoint]:
    of = source(name, backup="daily")
    return of, point(of, THREE)


def test_all_is_well() -> None:
    (a, on_a), (b, on_b) = fine("a"), fine("b")

    assert state(view([a, b, source("scratch")], [on_a, on_b])) == (Health.WELL, "All 2 sources protected.")
    assert state(view([a], [on_a])) == (Health.WELL, "The one source is protected.")


def test_trouble_comes_first() -> None:
    a, on_a = fine("a")
    late, wrong = source("late", backup="daily"), source("wrong", backup="dialy")

    assert state(view([a, late, wrong], [on_a])) == (
        Health.TROUBLE,
        "1 source overdue, 1 problem; 1 of 3 sources protected.",
    )


def test_a_newcomer_is_no_trouble() -> None:
    a, on_a = fine("a")

    assert state(view([a, source("new", backup="daily", age=HOUR)], [on_a])) == (
        Health.WAITING,
        "1 of 2 sources protected; 1 waiting for a first recovery point.",
    )


def test_nothing_to_back_up_is_not_well() -> None:
    sentence = 'Nothing is backed up: no disk or instance has the tag "backup".'

    assert state(view([source()])) == (Health.WAITING, sentence)
    assert state(view([])) == (Health.WAITING, sentence)


def test_what_could_not_be_read_weighs_most() -> None:
    a, on_a = fine("a")

    seen = view([a], [on_a], failures=[failure()])

    assert state(seen) == (Health.UNREADABLE, "1 list could not be read; 0 of 1 source protected; 1 unknown.")
    assert seen.rows[0].status is Status.UNKNOWN
    assert seen.failures == (failure(),)


def state(seen: View) -> tuple[Health, str]:
    return seen.health, seen.sentence


@pytest.mark.parametrize(
    ("time", "said"),
    [(timedelta(seconds=59), "0 min"), (timedelta(minutes=59), "59 min"), (47 * HOUR, "47 h"), (49 * HOUR, "2 d")],
)
def test_a_span_is_said_in_its_largest_unit(time: timedelta, said: str) -> None:
    assert span(time) == span(-time) == said
