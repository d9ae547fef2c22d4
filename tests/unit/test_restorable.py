"""How much of a source comes back, by its newest recovery point."""

from dataclasses import replace

import pytest

from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import Inventory, ReadFailure, RecoveryPoint, SnapshotState, Source
from lightkeeper.plan import make_plan
from lightkeeper.restorable import Restorable, restorable
from lightkeeper.settings import Settings
from tests.support.inventories import DAY, NOW, REGION, THREE, WHOLE, line, point, source, web

TAKES = {
    SourceKind.DISK: SnapshotKind.DISK,
    SourceKind.INSTANCE: SnapshotKind.INSTANCE,
    SourceKind.DATABASE: SnapshotKind.DATABASE,
}


def of(shop: Source, *points: RecoveryPoint) -> tuple[Restorable | None, str | None]:
    return restorable(line(make_plan(Inventory((shop,), points), Settings(), NOW), shop.name))


@pytest.mark.parametrize("kind", SourceKind)
def test_one_whose_newest_recovery_point_lacks_nothing_comes_back_whole(kind: SourceKind) -> None:
    shop = source("shop", kind, backup="daily")
    whole = replace(point(shop, THREE, kind=TAKES[kind]), lacks=())
    older = point(shop, THREE - DAY, kind=TAKES[kind])

    assert of(shop, whole, older) == (Restorable.WHOLE, None)


def test_one_that_lacks_a_part_comes_back_in_part_and_the_part_is_named() -> None:
    lacking = replace(point(web(), THREE, kind=WHOLE), lacks=("ports", "static-ip"))

    assert of(web(), lacking) == (
        Restorable.IN_PART,
        "its newest recovery point does not keep the firewall, the name of the static IP",
    )


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (SourceKind.INSTANCE, "the firewall, the static IP or the add-ons"),
        (SourceKind.DISK, "where it was attached, or the add-ons"),
        (SourceKind.DATABASE, "whether it was public, or its windows"),
    ],
)
def test_one_from_before_there_were_recipes_says_what_is_lost_and_that_the_next_one_keeps_it(
    kind: SourceKind, what: str
) -> None:
    shop = source("shop", kind, backup="daily")
    old = point(shop, THREE, kind=TAKES[kind])

    why = f"its newest recovery point has no recipe, so it does not keep {what}"
    assert of(shop, old) == (Restorable.IN_PART, f"{why}; the next one will")
    assert of(replace(shop, tags={}), old) == (Restorable.IN_PART, why), "no next one comes"


def test_of_an_instance_s_system_disk_no_instance_comes_back_whatever_the_recipe() -> None:
    system = replace(point(web(), THREE), lacks=())

    how_much, why = of(web(), system)

    assert how_much is Restorable.IN_PART
    assert why == "its newest recovery point holds the system disk alone: that gives a disk with its files, no instance"


def test_only_what_is_usable_counts() -> None:
    shop = source(backup="daily")
    pending = point(shop, THREE, SnapshotState.PENDING)

    assert of(shop) == (None, None)
    assert of(shop, pending) == (None, None)
    assert of(shop, pending, replace(point(shop, THREE - DAY), lacks=()))[0] is Restorable.WHOLE


def test_a_source_that_is_gone_is_still_shown_where_only_the_static_ips_cannot_be_listed() -> None:
    shop = source(backup="daily")
    failures = (ReadFailure(REGION, "GetStaticIps", "refused"),)
    left = replace(point(shop, THREE), lacks=())

    plan = make_plan(Inventory((), (left,), failures=failures), Settings(), NOW)

    assert restorable(line(plan)) == (Restorable.WHOLE, None)
    assert plan.actions == ()
