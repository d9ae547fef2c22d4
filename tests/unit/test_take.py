"""A recovery point on demand: of what, with which name and tags, and what is refused in words."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lightkeeper.actions import Create
from lightkeeper.errors import InvalidValueError
from lightkeeper.faults import Fault
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import Inventory, Plan, ReadFailure, RecoveryPoint, Severity, SnapshotState, Source
from lightkeeper.names import snapshot_name
from lightkeeper.plan import make_plan
from lightkeeper.settings import Settings
from lightkeeper.tags import FORMAT, OWNER, SLOT, SOURCE
from lightkeeper.take import plan_take
from lightkeeper.times import parse_zone

NOW = datetime(2026, 6, 15, 12, 34, 56, tzinfo=UTC)
MINUTE = datetime(2026, 6, 15, 12, 34, tzinfo=UTC)
REGION, OTHER_REGION = "eu-central-1", "us-east-1"
SETTINGS = Settings()


def source(
    name: str = "shop",
    kind: SourceKind = SourceKind.DISK,
    region: str = REGION,
    tags: Mapping[str, str] | None = None,
) -> Source:
    arn = f"arn:aws:lightsail:{region}:1:{kind.title()}/{name}"
    return Source(kind, name, arn, region, NOW - timedelta(days=100), {"backup": "daily"} if tags is None else tags)


def holding(*sources: Source, failures: tuple[ReadFailure, ...] = ()) -> Inventory:
    return Inventory(sources, (), failures=failures, regions=(REGION, OTHER_REGION))


def taken(plan: Plan) -> Create:
    (create,) = plan.actions
    assert isinstance(create, Create)
    return create


def as_point(create: Create, state: SnapshotState = SnapshotState.USABLE) -> RecoveryPoint:
    return RecoveryPoint(
        kind=create.target.kind,
        name=create.target.snapshot,
        region=create.target.region,
        state=state,
        taken=NOW,
        size_gib=8,
        source_name=create.target.source,
        source_arn=create.target.source_arn,
        slot=create.target.slot,
        attempt=1,
        expires_at=None,
        tags={key: value for key, value in create.tags.items() if key.startswith("backup")},
    )


def test_a_recovery_point_on_demand_is_like_any_other_for_the_slot_of_this_minute() -> None:
    shop = source()

    plan = plan_take(holding(shop, source("clinic")), SETTINGS, NOW, "shop")

    create = taken(plan)
    assert create.target.snapshot == snapshot_name("shop", shop.arn, "Lightkeeper", MINUTE)
    assert (create.target.slot, create.target.policy, create.of) == (MINUTE, "daily", SourceKind.DISK)
    assert create.tags == {
        "backup": "daily",
        OWNER: "Lightkeeper",
        SOURCE: shop.arn,
        SLOT: "2026-06-15T12:34:00Z",
        FORMAT: "1",
        "lightkeeper:by-hand": "",
    }
    assert create.reason == "asked for by hand"
    assert (plan.problems, plan.kept, plan.regions) == ((), (), (REGION, OTHER_REGION))


def test_asking_twice_within_a_minute_asks_for_one_snapshot_and_a_minute_later_for_another() -> None:
    inventory = holding(source())

    names = [
        taken(plan_take(inventory, SETTINGS, NOW + timedelta(seconds=seconds), "shop")).target.snapshot
        for seconds in (0, 3, 63)
    ]

    assert names[0] == names[1] != names[2]


def test_what_was_taken_by_hand_covers_the_slots_before_it_and_no_later_one() -> None:
    shop = source()
    point = as_point(taken(plan_take(holding(shop), SETTINGS, NOW, "shop")))
    inventory = Inventory((shop,), (point,))

    assert make_plan(inventory, SETTINGS, NOW).actions == ()
    tomorrow = make_plan(inventory, SETTINGS, NOW.replace(day=16, hour=3, minute=0, second=0))
    assert [type(action) for action in tomorrow.actions] == [Create]


@pytest.mark.parametrize(
    ("tags", "settings", "kind"),
    [
        ({"backup": "daily"}, SETTINGS, SnapshotKind.INSTANCE),
        ({"backup": "daily", "backup:mode": "system-disk"}, SETTINGS, SnapshotKind.DISK),
        ({}, SETTINGS, SnapshotKind.INSTANCE),
        ({}, Settings.from_mapping({"instanceMode": "system-disk"}), SnapshotKind.DISK),
    ],
)
def test_an_instance_is_taken_in_its_mode(tags: dict[str, str], settings: Settings, kind: SnapshotKind) -> None:
    web = source("web", SourceKind.INSTANCE, tags=tags)

    create = taken(plan_take(holding(web), settings, NOW, "web"))

    assert (create.target.kind, create.of) == (kind, SourceKind.INSTANCE)


# Holds


@pytest.mark.parametrize("hold", ["", "2026-06-15", "2026-12-31", "2026-06-15T12:35:00Z"])
def test_a_hold_is_a_tag_that_the_snapshot_is_born_with(hold: str) -> None:
    assert taken(plan_take(holding(source()), SETTINGS, NOW, "shop", hold=hold)).tags["backup:hold"] == hold


def test_without_a_hold_there_is_none() -> None:
    assert "backup:hold" not in taken(plan_take(holding(source()), SETTINGS, NOW, "shop")).tags


def test_a_hold_given_by_hand_goes_before_the_one_of_the_source() -> None:
    shop = source(tags={"backup": "daily", "backup:hold": "2026-07-01"})

    assert taken(plan_take(holding(shop), SETTINGS, NOW, "shop", hold="")).tags["backup:hold"] == ""


def test_a_hold_lasts_to_the_end_of_its_day_in_the_zone_of_the_settings() -> None:
    settings = Settings(time_zone=parse_zone("Asia/Tokyo"))

    with pytest.raises(InvalidValueError, match="is over"):
        plan_take(holding(source()), settings, NOW.replace(hour=15), "shop", hold="2026-06-15")


@pytest.mark.parametrize(
    ("hold", "says"),
    [
        ("2026-06-14", 'the hold "2026-06-14" is over at 2026-06-15T12:34:56Z; expected a day to come'),
        ("2026-06-15T12:34:56Z", "is over"),
        ("next week", '"next week" is not a time'),
    ],
)
def test_a_hold_that_would_hold_nothing_is_refused(hold: str, says: str) -> None:
    with pytest.raises(InvalidValueError, match=says):
        plan_take(holding(source()), SETTINGS, NOW, "shop", hold=hold)


def test_there_is_room_for_a_hold_beside_all_tags_that_a_source_can_have() -> None:
    shop = source(tags={"backup": "daily", **{f"app{number:02}": "x" for number in range(49)}})

    tags = taken(plan_take(holding(shop), SETTINGS, NOW, "shop", hold="")).tags

    assert len(tags) <= 49, "and room for a mark"


@pytest.mark.parametrize("first", [None, "2026-07-01"])
def test_a_hold_that_comes_within_the_minute_is_refused_and_not_lost(first: str | None) -> None:
    inventory = holding(source())
    point = as_point(taken(plan_take(inventory, SETTINGS, NOW, "shop", hold=first)))
    again = replace(inventory, points=(point,))

    with pytest.raises(InvalidValueError, match=f"{point.name} was taken within this minute") as refused:
        plan_take(again, SETTINGS, NOW, "shop", hold="2026-12-31")

    assert "expected a minute between them" in str(refused.value)
    assert taken(plan_take(again, SETTINGS, NOW, "shop", hold=first)).target.snapshot == point.name


# Of what


def test_a_name_that_sources_of_several_kinds_share_needs_its_kind() -> None:
    inventory = holding(*(source("web", kind) for kind in SourceKind))

    with pytest.raises(InvalidValueError) as refused:
        plan_take(inventory, SETTINGS, NOW, "web")

    assert str(refused.value) == (
        '"web" is more than one source: "database in eu-central-1", "disk in eu-central-1", '
        '"instance in eu-central-1"; expected --region and --kind to say which'
    )
    for kind in SourceKind:
        assert taken(plan_take(inventory, SETTINGS, NOW, "web", kind=kind)).of is kind


def test_a_name_in_two_regions_needs_its_region() -> None:
    with pytest.raises(InvalidValueError, match='"disk in eu-central-1", "disk in us-east-1"'):
        plan_take(holding(source(), source(region=OTHER_REGION)), SETTINGS, NOW, "shop")


@pytest.mark.parametrize(
    ("name", "kind", "says", "suggestion"),
    [
        ("shpo", None, '"shpo" is no disk, instance or database in eu-central-1, us-east-1', "shop"),
        ("shop", SourceKind.INSTANCE, '"shop" is no instance in eu-central-1, us-east-1', None),
        ("nowhere", None, '"nowhere" is no disk, instance or database', None),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(
    name: str, kind: SourceKind | None, says: str, suggestion: str | None
) -> None:
    with pytest.raises(InvalidValueError) as refused:
        plan_take(holding(source()), SETTINGS, NOW, name, kind=kind)

    assert refused.value.message.startswith(says)
    assert refused.value.suggestion == suggestion


def test_where_a_list_failed_an_unknown_name_is_not_called_unknown() -> None:
    failure = ReadFailure(OTHER_REGION, "GetDisks", "GetDisks: refused", Fault.ACCESS_DENIED)

    with pytest.raises(InvalidValueError) as refused:
        plan_take(holding(source(), failures=(failure,)), SETTINGS, NOW, "clinic")

    assert str(refused.value) == '"clinic" is not among what could be read; us-east-1: GetDisks: refused'


def test_what_could_be_read_is_taken_although_a_list_failed() -> None:
    failure = ReadFailure(OTHER_REGION, "GetDisks", "GetDisks: refused")

    plan = plan_take(holding(source(), failures=(failure,)), SETTINGS, NOW, "shop")

    assert taken(plan).target.source == "shop"
    assert plan.failures == (failure,)


@pytest.mark.parametrize("tags", [{}, {"backup": "off"}])
def test_what_no_policy_backs_up_is_taken_and_said_to_stay_for_ever(tags: dict[str, str]) -> None:
    shop = source(tags=tags)

    plan = plan_take(holding(shop), SETTINGS, NOW, "shop")

    assert taken(plan).target.policy is None
    (problem,) = plan.problems
    assert (problem.source, problem.arn, problem.severity) == ("shop", shop.arn, Severity.ADVICE)
    assert "no rule ever drops this recovery point; delete it yourself" in problem.message


def test_a_source_whose_tags_are_not_understood_is_not_taken_by_guess() -> None:
    shop = source(tags={"backup": "dialy"})

    with pytest.raises(InvalidValueError) as refused:
        plan_take(holding(shop), SETTINGS, NOW, "shop")

    assert refused.value.message.startswith('shop: backup: "dialy" is not a policy')
    assert refused.value.suggestion == "daily"
