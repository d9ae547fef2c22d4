"""What `lightkeeper plan` and `snapshots` say of what is kept and what goes."""

from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console

from lightkeeper.errors import InvalidValueError
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import Inventory, Plan, ReadFailure, SnapshotState
from lightkeeper.plan import make_plan
from lightkeeper.settings import Settings
from lightkeeper_cli.account import Account, Where
from lightkeeper_cli.fates import Ending, fates_of, of_source
from lightkeeper_cli.tables.plan import show_plan
from lightkeeper_cli.tables.snapshots import show_snapshots
from tests.support.inventories import AT_ONCE, DAY, NOW, REGION, THREE, daily, point, source, web

WHERE = Where(Account("123456789012", "shop"), (REGION, "us-east-1"))


def a_plan(settings: Settings = AT_ONCE) -> Plan:
    """Return the plan of a disk of which two are kept, one is held, one expires, one is to be marked and one goes."""
    shop = source(backup="daily", backup_keep="2")
    points = (
        *daily(shop, [0, 1]),
        point(shop, THREE - 2 * DAY, tags={**shop.tags, "backup:hold": ""}),
        point(shop, THREE - 3 * DAY, expires_at=NOW + DAY),
        *daily(shop, [4]),
        point(shop, THREE - 5 * DAY, expires_at=NOW - timedelta(minutes=5)),
    )
    gone = daily(source("attic", backup="daily"), [40])
    return make_plan(Inventory((shop,), (*gone, *points), regions=(REGION, "us-east-1")), settings, NOW)


def printed(plan: Plan, *, is_verbose: bool = False, width: int = 200) -> list[str]:
    out = StringIO()
    show_plan(plan, WHERE, Console(width=width, file=out), is_verbose=is_verbose)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_each_source_has_a_line_on_what_is_kept_by_which_reason_and_on_what_goes() -> None:
    shown = printed(a_plan())

    assert shown[0] == "Account 123456789012 (shop), eu-central-1, us-east-1"
    assert "us-east-1: no disk, instance or database there" in shown
    start = shown.index("Recovery points: what is kept, and what goes")
    assert [line.split(maxsplit=4) for line in shown[start + 1 : start + 4]] == [
        ["Source", "Kept", "Expiring", "Deleted", "Why"],
        ["shop", "3", "2", "1", "2 last, 1 on hold; expiring from 2026-06-15 12:01"],
        ["attic", "1", "-", "-", "its source is gone; orphans are kept"],
    ]


def test_a_reason_that_is_a_sentence_follows_its_number_as_one() -> None:
    shop = source(backup="daily", backup_keep="2", backup_kepe="3")

    shown = printed(make_plan(Inventory((shop,), daily(shop, [0, 1, 2]), regions=(REGION,)), AT_ONCE, NOW))

    (line,) = (line for line in shown if "2 last" in line)
    assert line.endswith("2 last, 1 as nothing is pruned while its source has a problem")


def test_verbose_names_each_recovery_point_newest_first_with_its_reason() -> None:
    shown = printed(a_plan(), is_verbose=True)

    start = shown.index("shop in eu-central-1: 3 kept, 2 expiring, 1 deleted")
    rows = [line.split(maxsplit=4) for line in shown[start + 2 : start + 8]]
    assert [row[0] for row in rows] == ["kept", "kept", "kept", "expiring", "expiring", "deleted"]
    assert [row[2] for row in rows] == [f"2026-06-{day}" for day in (15, 14, 13, 12, 11, 10)]
    assert rows[2][4] == "on hold"
    assert rows[5][4].startswith('no rule of "last=2" keeps it; its deletion was scheduled for 2026-06-15T11:55:00Z')
    assert "Recovery points: what is kept, and what goes" not in shown


def test_a_plan_of_nothing_says_which_region_is_empty_and_who_looks_after_others() -> None:
    shown = " ".join(printed(make_plan(Inventory((), (), regions=(REGION,)), Settings(), NOW)))

    assert "eu-central-1: no disk, instance or database there" in shown
    assert "Lightkeeper looks after eu-central-1 alone: name others with --region" in shown


def test_a_region_that_cannot_be_read_is_not_said_to_be_empty() -> None:
    unread = Inventory((), (), failures=(ReadFailure(REGION, "GetDisks", "no"),), regions=(REGION,))

    assert not any("no disk" in line for line in printed(make_plan(unread, Settings(), NOW)))


def test_every_recovery_point_has_exactly_one_fate() -> None:
    plan = a_plan()

    fates = fates_of(plan)

    assert sorted(fate.point.name for fate in fates) == sorted(each.name for each in plan.points)
    of_shop = [fate for fate in fates if fate.point.source_name == "shop"]
    assert [fate.ending for fate in of_shop] == [
        Ending.KEPT,
        Ending.KEPT,
        Ending.KEPT,
        Ending.EXPIRING,
        Ending.EXPIRING,
        Ending.DELETED,
    ]
    assert [fate.held for fate in of_shop] == [False, False, True, False, False, False]
    assert [fate.expires_at is None for fate in of_shop] == [True, True, True, False, False, False]


def test_what_is_put_off_is_expiring_and_says_why() -> None:
    shop = source(backup="daily", backup_keep="1")
    late = [replace(each, expires_at=NOW - timedelta(minutes=5)) for each in daily(shop, range(1, 7))]

    fates = fates_of(make_plan(Inventory((shop,), (*daily(shop, [0]), *late)), Settings(), NOW))

    assert [fate.ending for fate in fates] == [Ending.KEPT, *3 * [Ending.EXPIRING], *3 * [Ending.DELETED]]
    assert fates[1].reasons[0].startswith("at most 3 deletions per source and run")


def test_where_a_list_fails_what_is_left_of_others_is_listed_too() -> None:
    gone = daily(source("attic", backup="daily"), [40])
    failure = ReadFailure(REGION, "GetDisks", "GetDisks: AccessDeniedException")

    (fate,) = fates_of(make_plan(Inventory((), gone, failures=(failure,), regions=(REGION,)), Settings(), NOW))

    assert (fate.ending, fate.reasons) == (
        Ending.KEPT,
        ("nothing is deleted while a list of its Region cannot be read",),
    )


def test_a_system_disk_of_an_instance_is_called_so() -> None:
    of = web(backup_mode="system-disk")
    points = (*daily(of, [0]), point(of, THREE - DAY, kind=SnapshotKind.INSTANCE))

    fates = fates_of(make_plan(Inventory((of,), points), Settings(), NOW))

    assert [(fate.source_kind, fate.kind) for fate in fates] == [
        (SourceKind.INSTANCE, "system-disk"),
        (SourceKind.INSTANCE, "instance"),
    ]


def test_a_source_that_nobody_knows_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(InvalidValueError) as raised:
        of_source("attci", a_plan())

    assert str(raised.value) == (
        '"attci" is no source there is or was in eu-central-1, us-east-1; expected the name of one; '
        'did you mean "attic"?'
    )


def snapshots(plan: Plan, name: str | None) -> list[str]:
    out = StringIO()
    show_snapshots(of_source(name, plan), plan, name, WHERE, Console(width=200, file=out))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_snapshots_of_a_source_say_until_when_each_is_kept_and_how_to_bring_one_back() -> None:
    shown = snapshots(a_plan(), "shop")

    assert shown[0] == "Account 123456789012 (shop), eu-central-1, us-east-1; 2026-06-15 12:00 UTC"
    assert shown[2] == "shop disk in eu-central-1, protected: 6 recovery points"
    assert shown[3].split() == ["Snapshot", "Taken", "Slot", "Kind", "GiB", "State", "Expires", "Why"]
    assert shown[7].endswith('2026-06-16 12:00  no rule of "last=2" keeps it; to be deleted from 2026-06-16T12:00:00Z')
    newest = shown[4].split()[0]
    assert shown[-1] == f"To bring one back: lightkeeper restore shop --region eu-central-1 --snapshot {newest}"


def test_a_snapshot_that_failed_or_is_on_its_way_is_no_advice_for_a_restore() -> None:
    shop = source(backup="daily")
    points = (point(shop, THREE, SnapshotState.PENDING), point(shop, THREE - DAY, SnapshotState.ERROR))

    shown = snapshots(make_plan(Inventory((shop,), points), Settings(), NOW), "shop")

    assert not any("To bring one back" in line for line in shown)
    assert any("pending" in line and "still being taken" in line for line in shown)
    assert any("error" in line and "ended in error, but no newer one is usable yet" in line for line in shown)


def test_a_source_without_a_recovery_point_says_so() -> None:
    shown = snapshots(make_plan(Inventory((source(),), (), regions=(REGION,)), Settings(), NOW), "shop")

    assert shown[-1] == "There is no recovery point of shop yet."
