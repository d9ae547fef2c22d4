"""What becomes of a source's automatic snapshots before it is deleted: day by day, with the reason."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lightkeeper.automatic import AutomaticSnapshot, AutomaticState
from lightkeeper.errors import InvalidValueError
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import RecoveryPoint, Snapshot, SnapshotState, Source
from lightkeeper.names import attempt_of_copy, snapshot_name
from lightkeeper.rescue_plan import Day, RescuePlan, Verdict, is_ours_to_tag, plan_rescue
from lightkeeper.settings import Settings
from lightkeeper.tags import BY_HAND, EXPIRES, MAX_TAGS, NAME, OWNER, SLOT, SOURCE, TAKEN, read_snapshot
from tests.support.inventories import DAY, HOUR, NOW, REGION, WHOLE, source

SETTINGS = Settings()
SIX = datetime(2026, 6, 15, 6, 11, 42, 500_000, tzinfo=UTC)
"""When today's automatic snapshot was taken: some time after the add-on's hour."""
WEB = replace(
    source("web", SourceKind.INSTANCE, customer="bakery"), size_gib=40, tags={"backup": "daily", "customer": "bakery"}
)
DATA = replace(source("data"), size_gib=8, tags={})


def automatic(
    days: int = 0, state: AutomaticState = AutomaticState.USABLE, *, taken: datetime | None = None, disks_gib: int = 0
) -> AutomaticSnapshot:
    """Return the automatic snapshot of so many days ago."""
    taken = taken or SIX - days * DAY
    return AutomaticSnapshot(f"{SIX - days * DAY:%Y-%m-%d}", taken, state, disks_gib)


def planned(
    found: Iterable[AutomaticSnapshot],
    snapshots: Iterable[Snapshot] = (),
    of: Source = WEB,
    *,
    hold: str = "",
    every_day: bool = False,
) -> RescuePlan:
    return plan_rescue(of, found, snapshots, SETTINGS, NOW, hold=hold, every_day=every_day)


def only(plan: RescuePlan) -> Day:
    (day,) = plan.days
    return day


def made(day: Day, state: SnapshotState = SnapshotState.USABLE, **changes: object) -> Snapshot:
    """Return what a rescue makes of a day."""
    snapshot = Snapshot(
        kind=day.target.kind,
        name=day.target.snapshot,
        region=REGION,
        state=state,
        created_at=NOW,
        size_gib=day.size_gib,
        source_name=day.target.source,
        source_arns=frozenset([day.target.source_arn]),
        from_auto_snapshot=True,
        tags=day.tags,
    )
    return replace(snapshot, **changes)  # type: ignore[arg-type]


def of_a_run(taken: datetime, kind: SnapshotKind = WHOLE, **changes: object) -> Snapshot:
    """Return a snapshot that a run has taken of the server."""
    slot = taken.replace(minute=0, second=0, microsecond=0)
    snapshot = Snapshot(
        kind=kind,
        name=snapshot_name(WEB.name, WEB.arn, "Lightkeeper", slot),
        region=REGION,
        state=SnapshotState.USABLE,
        created_at=taken,
        size_gib=40,
        source_name=WEB.name,
        source_arns=frozenset([WEB.arn]),
        from_auto_snapshot=False,
        tags={OWNER: "Lightkeeper", SOURCE: WEB.arn, SLOT: f"{slot:%Y-%m-%dT%H:%M:%SZ}"},
    )
    return replace(snapshot, **changes)  # type: ignore[arg-type]


# What it becomes


def test_each_day_becomes_a_recovery_point_of_when_it_was_taken() -> None:
    plan = planned([automatic(1), automatic(0)])

    assert [(day.date, day.verdict) for day in plan.days] == [
        ("2026-06-15", Verdict.RESCUE),
        ("2026-06-14", Verdict.RESCUE),
    ]
    for day in plan.days:
        point = read_snapshot(made(day), SETTINGS)
        assert isinstance(point, RecoveryPoint)
        assert (point.taken, point.source_arn, point.kind) == (day.taken.replace(microsecond=0), WEB.arn, WHOLE)
        assert point.is_rescued
        assert not point.is_copy
    assert {day.reason for day in plan.days} == {"it goes with its source"}
    assert plan.to_do == plan.days
    assert (plan.source, plan.hold) == (WEB, "")
    assert plan == plan_rescue(WEB, [automatic(0), automatic(1)], (), SETTINGS, NOW), "for good, unless it is said"
    assert plan.notes == ()


def test_it_has_the_tags_of_its_source_and_what_keeps_it_and_says_of_when_it_is() -> None:
    day = only(planned([automatic()]))

    assert day.tags == {
        **day.tags,
        "backup": "daily",
        "customer": "bakery",
        OWNER: "Lightkeeper",
        SOURCE: WEB.arn,
        SLOT: "2026-06-15T06:11:00Z",
        TAKEN: "2026-06-15T06:11:42Z",
        NAME: "web",
        BY_HAND: "",
        "backup:hold": "",
    }
    assert EXPIRES not in day.tags
    held = planned([automatic()], hold="2027-01-01")
    assert (held.hold, only(held).tags["backup:hold"]) == ("2027-01-01", "2027-01-01")


def test_of_its_source_s_hold_that_is_over_nothing_is_left() -> None:
    over = replace(WEB, tags={**WEB.tags, "backup:hold": "2026-06-01"})

    assert only(planned([automatic()], of=over, hold="2027-01-01")).tags["backup:hold"] == "2027-01-01"


def test_its_name_is_of_its_minute_and_nobody_else_makes_it() -> None:
    target = only(planned([automatic()])).target

    slot = SIX.replace(second=0, microsecond=0)
    assert target.slot == slot
    assert attempt_of_copy(target.snapshot, "web", WEB.arn, "Lightkeeper", slot, REGION) == 1
    assert target.snapshot != snapshot_name("web", WEB.arn, "Lightkeeper", slot), "not that of a run's"
    assert (target.region, target.source, target.source_arn, target.policy) == (REGION, "web", WEB.arn, "daily")


def test_a_disk_becomes_a_snapshot_of_a_disk() -> None:
    day = only(planned([automatic()], of=DATA))

    assert (day.target.kind, day.size_gib, day.target.policy) == (SnapshotKind.DISK, 8, None)


def test_of_a_server_the_disks_that_are_attached_to_it_are_in_it_and_cost() -> None:
    plan = planned([automatic(0, disks_gib=100), automatic(1, disks_gib=100)])

    assert [day.size_gib for day in plan.days] == [140, 140]
    assert plan.stored.full_gib == 280
    assert 140 < plan.stored.gib < 280, "the second one stores what has changed"


def test_what_adds_nothing_costs_nothing() -> None:
    day = only(planned([automatic()]))

    plan = planned([automatic()], [made(day)])

    assert (plan.stored.gib, plan.stored.full_gib, plan.to_do) == (0, 0, ())


def test_tags_without_room_are_named_once() -> None:
    full = replace(WEB, tags={f"app{number:02}": "x" for number in range(50)})

    plan = planned([automatic(0), automatic(1)], of=full)

    (note,) = plan.notes
    assert note.startswith("there is no room for these tags of web: app")
    left_out = [key for key in full.tags if key not in plan.days[0].tags]
    assert note.endswith(f": {', '.join(left_out)}")
    for day in plan.days:
        assert len(day.tags) <= MAX_TAGS
        assert {OWNER, SOURCE, SLOT, TAKEN, NAME, BY_HAND, "backup:hold"} <= {*day.tags}


# What needs none


@pytest.mark.parametrize(
    ("state", "verdict", "words"),
    [
        (
            AutomaticState.PENDING,
            Verdict.LATER,
            "Lightsail is still making it: run this again when it is complete",
        ),
        (AutomaticState.FAILED, Verdict.LOST, "Lightsail could not make it, so there is nothing to copy"),
    ],
)
def test_what_is_not_there_cannot_be_copied(state: AutomaticState, verdict: Verdict, words: str) -> None:
    day = only(planned([automatic(0, state)]))

    assert (day.verdict, day.reason) == (verdict, words)


@pytest.mark.parametrize(
    ("taken", "verdict"),
    [
        (SIX, Verdict.COVERED),
        (SIX + HOUR, Verdict.COVERED),
        (SIX - timedelta(seconds=1), Verdict.RESCUE),
        (SIX + DAY, Verdict.RESCUE),
    ],
)
def test_a_recovery_point_of_the_same_day_with_the_same_or_newer_content_covers_it(
    taken: datetime, verdict: Verdict
) -> None:
    assert only(planned([automatic()], [of_a_run(taken)])).verdict is verdict


@pytest.mark.parametrize(
    "point",
    [
        of_a_run(SIX + HOUR, state=SnapshotState.PENDING),
        of_a_run(SIX + HOUR, state=SnapshotState.ERROR),
        of_a_run(SIX + HOUR, SnapshotKind.DISK),
        of_a_run(SIX + HOUR, region="eu-north-1"),
        of_a_run(SIX + HOUR, tags={**of_a_run(SIX + HOUR).tags, EXPIRES: "2026-06-20T00:00:00Z"}),
        of_a_run(SIX + HOUR, tags={**of_a_run(SIX + HOUR).tags, OWNER: "Night-Shift"}),
        of_a_run(SIX + HOUR, tags={}),
    ],
    ids=["pending", "error", "files only", "elsewhere", "about to go", "another deployment's", "by hand"],
)
def test_nothing_else_does(point: Snapshot) -> None:
    assert only(planned([automatic()], [point])).verdict is Verdict.RESCUE


def test_where_every_day_is_asked_for_nothing_covers_another() -> None:
    covered = only(plan_rescue(WEB, [automatic()], [of_a_run(SIX + HOUR)], SETTINGS, NOW))

    own = of_a_run(SIX + HOUR)
    assert (covered.target.snapshot, covered.target.slot) == (
        own.name,
        SIX.replace(hour=7, minute=0, second=0, microsecond=0),
    )
    assert covered.reason == f"{own.name} has the content of 2026-06-15 07:11 UTC, and its deletion is not scheduled"
    assert only(planned([automatic()], [of_a_run(SIX + HOUR)], every_day=True)).verdict is Verdict.RESCUE


# The same command again


def test_what_was_rescued_is_there_however_it_stands() -> None:
    day = only(planned([automatic()]))

    for state in (SnapshotState.USABLE, SnapshotState.PENDING, SnapshotState.UNKNOWN):
        again = only(planned([automatic()], [made(day, state)]))
        assert (again.verdict, again.reason, again.target) == (Verdict.THERE, "rescued already", day.target)


def test_that_its_hold_is_off_is_said() -> None:
    day = only(planned([automatic()]))
    tags = {key: value for key, value in day.tags.items() if key != "backup:hold"}

    for off in (tags, {**tags, "backup:hold": "2026-06-01"}):
        reason = only(planned([automatic()], [made(day, tags=off)])).reason
        assert reason == "rescued already; it is not on hold any more, so its rules decide on it"


def test_one_that_ended_in_error_is_made_again_under_the_next_name() -> None:
    day = only(planned([automatic()]))

    plan = planned([automatic()], [made(day, SnapshotState.ERROR)])

    again = only(plan)
    assert again.verdict is Verdict.RESCUE
    assert attempt_of_copy(again.target.snapshot, "web", WEB.arn, "Lightkeeper", day.target.slot, REGION) == 2
    assert plan.notes == (f"{day.target.snapshot}, of an earlier try, ended in error; delete it when you like",)


def test_what_was_copied_and_not_tagged_is_finished() -> None:
    day = only(planned([automatic()]))

    again = only(planned([automatic()], [made(day, tags={})]))

    assert (again.verdict, again.target, again.tags) == (Verdict.FINISH, day.target, day.tags)
    assert again.reason == "an earlier try has copied it, and it has no tags yet"


def test_what_is_there_without_tags_is_finished_although_something_newer_covers_that_day_by_now() -> None:
    day = only(planned([automatic()]))

    assert only(planned([automatic()], [made(day, tags={}), of_a_run(SIX + HOUR)])).verdict is Verdict.FINISH


FOREIGN = {
    "a tag of somebody's": {"tags": {"customer": "bakery"}},
    "another deployment": {"tags": {OWNER: "Night-Shift"}},
    "another size": {"tags": {}, "size_gib": 41},
    "another kind": {"tags": {}, "kind": SnapshotKind.DISK},
    "another source": {"tags": {}, "source_arns": frozenset([DATA.arn])},
}


@pytest.mark.parametrize("changes", FOREIGN.values(), ids=FOREIGN)
def test_what_has_its_name_and_is_not_ours_is_left_alone_and_the_day_gets_another(changes: dict[str, object]) -> None:
    day = only(planned([automatic()]))
    foreign = replace(made(day), **changes)  # type: ignore[arg-type]

    plan = planned([automatic()], [foreign])

    assert not is_ours_to_tag(foreign, day.target, day.size_gib)
    assert (only(plan).verdict, only(plan).target.snapshot) == (Verdict.RESCUE, f"{day.target.snapshot}-2")
    assert plan.notes == (f"the name {foreign.name} belongs to a snapshot that is not ours; it is left alone",)


def test_where_lightsail_does_not_say_what_it_is_of_an_untagged_one_of_the_name_is_ours() -> None:
    day = only(planned([automatic()]))

    assert is_ours_to_tag(made(day, tags={}, source_arns=frozenset()), day.target, day.size_gib)


def test_what_has_its_name_in_another_region_is_in_nobody_s_way() -> None:
    day = only(planned([automatic()]))

    assert only(planned([automatic()], [made(day, region="eu-north-1", tags={"x": "y"})])).target == day.target


# What Lightsail says


def test_of_two_of_a_day_it_counts_as_of_the_older_usable_one_and_that_is_said() -> None:
    found = [
        automatic(taken=SIX + HOUR),
        automatic(taken=SIX),
        automatic(0, AutomaticState.FAILED, taken=SIX - HOUR),
    ]

    plan = planned(found)

    assert (only(plan).taken, only(plan).verdict) == (SIX, Verdict.RESCUE)
    (note,) = plan.notes
    assert note.startswith("2026-06-15 has 2 automatic snapshots; ")
    assert "its content counts as of 2026-06-15 06:11 UTC" in note


def test_one_that_failed_beside_one_that_is_there_is_not_worth_a_word() -> None:
    plan = planned([automatic(), automatic(0, AutomaticState.FAILED, taken=SIX - HOUR)])

    assert (only(plan).verdict, plan.notes) == (Verdict.RESCUE, ())


def test_without_any_there_is_nothing_to_do() -> None:
    plan = planned([])

    assert (plan.days, plan.to_do, plan.stored.gib) == ((), (), 0)


def test_a_database_and_a_hold_that_is_over_are_refused_with_a_sentence() -> None:
    orders = source("orders", SourceKind.DATABASE)

    with pytest.raises(InvalidValueError, match=r'"orders" is a database, .*lightkeeper take orders --hold ""'):
        planned([], of=orders)
    with pytest.raises(InvalidValueError, match=r'the hold "2026-06-14" is over at .*; expected a day to come'):
        planned([automatic()], hold="2026-06-14")
