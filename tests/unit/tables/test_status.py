"""What `lightkeeper status` prints, in terminals of several widths."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper_cli.tables.status import show_status
from recovery_calendar.view import View
from tests.support.inventories import DAY, THREE, daily, point, source
from tests.unit.test_calendar_view import fine, view


def printed(seen: View, width: int) -> list[str]:
    out = StringIO()
    show_status(seen, None, Console(width=width, file=out))
    return [line.rstrip() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_a_source_is_one_line_with_its_name_and_its_whole_strip(width: int) -> None:
    of, taken = fine("customer-4711-data")

    lines = printed(view([of], [taken, *daily(of, range(1, 30))]), width)

    (row,) = [line for line in lines if line.startswith("customer-4711-data")]
    assert "protected" in row
    assert "█" in row
    assert sum(row.count(sign) for sign in "█▒") == 30
    assert max(map(len, lines)) <= width


def test_the_command_that_helps_is_never_broken_into_lines() -> None:
    shop = source(backup="daily")

    lines = printed(view([shop], daily(shop, range(3, 9))), 60)

    (why,) = [line for line in lines if line.startswith("shop overdue")]
    assert why.startswith("shop overdue since 2026-06-13 03:00: ")
    assert why.endswith("; take one now: lightkeeper take shop --kind disk --region eu-central-1")


def test_a_wrong_tag_has_the_command_that_corrects_it_on_a_line_of_its_own_below() -> None:
    shown = printed(view([source("blog", backup="dialy")]), 60)

    command = (
        "        aws lightsail tag-resource --region eu-central-1 --resource-name blog --tags key=backup,value=daily"
    )
    at = shown.index(command)
    assert 'did you mean "daily"?' in " ".join(shown[at - 4 : at])


def test_who_holds_is_said_once_for_each_reason() -> None:
    shop = source(backup="daily", backup_keep="1")
    held = [point(shop, THREE - back * DAY, tags={"legal-hold": ""}) for back in range(3, 6)]

    assert 'shop 3 on hold by the tag "legal-hold"' in printed(view([shop], [*daily(shop, range(1)), *held]), 100)


def test_a_disk_in_its_instance_s_snapshots_has_no_gaps_of_its_own() -> None:
    web = source("web", SourceKind.INSTANCE, backup="daily")
    data = source("data", attached_to="web")
    whole = point(web, THREE, kind=SnapshotKind.INSTANCE, disks=["data"])

    lines = printed(view([web, data], [whole]), 100)

    (row,) = [line for line in lines if line.startswith("data")]
    assert row.split() == ["data", "disk", "protected", "in", "web", *4 * "-"]


def test_own_recovery_points_of_such_a_disk_are_shown_too() -> None:
    web = source("web", SourceKind.INSTANCE, backup="daily")
    data = source("data", attached_to="web")
    whole = point(web, THREE, kind=SnapshotKind.INSTANCE, disks=["data"])

    lines = printed(view([web, data], [whole, *daily(data, range(3, 9))]), 100)

    (row,) = [line for line in lines if line.split()[:2] == ["data", "disk"]]
    assert row.count("█") == 6
    assert "data in the snapshots of web, too" in lines


def test_what_comes_back_in_part_is_said_once_for_all_that_have_the_same_reason() -> None:
    fleet = [source(f"shop-{number}", backup="daily") for number in range(7)]
    whole = replace(point(fleet[0], THREE), lacks=())

    lines = printed(view(fleet, [whole, *(point(of, THREE) for of in fleet[1:])]), 300)

    (said,) = [line for line in lines if line.startswith("Restorable in part: ")]
    assert said == (
        "Restorable in part: shop-1, shop-2, shop-3, shop-4, shop-5 and 1 more: its newest recovery point has no "
        "recipe, so it does not keep where it was attached, or the add-ons; the next one will"
    )
