"""How a rescue goes on, call by call: each day for itself, nothing twice, nothing of somebody's, and it ends."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from lightkeeper.actions import Create, Target
from lightkeeper.automatic import AutomaticSnapshot, AutomaticState
from lightkeeper.errors import InvalidValueError
from lightkeeper.faults import CallError, Fault
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import Snapshot, SnapshotState, Source, StaticIp, Tags
from lightkeeper.names import copy_name
from lightkeeper.rescue import Rescued, RescueRegion, Stage, is_complete, prepare, rescue
from lightkeeper.rescue_plan import Day, RescuePlan, Verdict
from lightkeeper.tags import NAME, OWNER, TAKEN, snapshot_tags
from tests.support.inventories import DAY, NOW, REGION, source
from tests.unit.test_rescue_plan import DATA, SETTINGS, WEB, automatic, made, of_a_run, planned

BUSY = CallError(Fault.OPERATION_FAILED, "an automatic snapshot is in progress")
REFUSED = CallError(Fault.ACCESS_DENIED, "expected permission for lightsail:CopySnapshot")
IN_USE = CallError(Fault.INVALID_INPUT, "the name is in use")


@dataclass
class Region:
    """Lightsail in memory, where a copy is complete after some looks at it."""

    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    faults: dict[tuple[str, str], list[CallError | None]] = field(default_factory=dict)
    """By call and date: what each call of that day is answered with, one after the other; then all is well."""
    looks_until_complete: int = 1
    calls: list[tuple[str, str]] = field(default_factory=list)
    after_copy: Callable[[Snapshot], Snapshot] = lambda copied: copied
    looks: dict[str, int] = field(default_factory=dict)

    def copy_automatic(self, target: Target, date: str) -> None:
        fault = self._called("copy", date)
        if target.snapshot in self.snapshots:
            raise fault or IN_USE
        if fault is None or fault.fault is Fault.UNAVAILABLE:
            size = 40 if target.source == "web" else 8
            copied = Snapshot(
                target.kind,
                target.snapshot,
                REGION,
                SnapshotState.PENDING,
                NOW,
                size,
                target.source,
                frozenset([target.source_arn]),
                from_auto_snapshot=True,
                tags={},
            )
            self.snapshots[target.snapshot] = self.after_copy(copied)
        if fault:
            raise fault

    def tag(self, target: Target, tags: Tags) -> None:
        if fault := self._called("tag", f"{target.slot:%Y-%m-%d}"):
            raise fault
        found = self.snapshots[target.snapshot]
        self.snapshots[target.snapshot] = replace(found, tags={**found.tags, **tags})

    def find(self, target: Target) -> Snapshot:
        if fault := self._called("find", f"{target.slot:%Y-%m-%d}"):
            raise fault
        if target.snapshot not in self.snapshots:
            raise CallError(Fault.NOT_FOUND, "no such snapshot")
        found = self.snapshots[target.snapshot]
        self.looks[found.name] = self.looks.get(found.name, 0) + 1
        if found.state is SnapshotState.PENDING and self.looks[found.name] >= self.looks_until_complete:
            found = self.snapshots[target.snapshot] = replace(found, state=SnapshotState.USABLE)
        return found

    def _called(self, call: str, date: str) -> CallError | None:
        self.calls.append((call, date))
        answers = self.faults.get((call, date), [])
        return answers.pop(0) if answers else None

    # What a rescue does not do.

    def automatic_snapshots(self, source: str) -> Sequence[AutomaticSnapshot]:
        raise AssertionError(source)

    def create(self, create: Create) -> None:
        raise AssertionError(create)

    def copy(self, target: Target, original: Target) -> None:
        raise AssertionError(target, original)

    def untag(self, target: Target, key: str) -> None:
        raise AssertionError(target, key)

    def delete(self, target: Target) -> None:
        raise AssertionError(target)

    def sources(self, kind: object) -> Sequence[object]:
        raise AssertionError(kind)

    def static_ips(self) -> Sequence[object]:
        raise AssertionError


@dataclass
class Told:
    """How a rescue went."""

    ended: tuple[Rescued, ...]
    stages: list[tuple[str, Stage, str | None]]
    """In the order in which they were told."""
    pauses: list[float]


def save(region: Region, plan: RescuePlan, *, seconds: float = 3600) -> Told:
    pauses: list[float] = []
    stages: list[tuple[str, Stage, str | None]] = []
    of_region: RescueRegion = region  # type: ignore[assignment] # it reads no lists
    ended = rescue(
        plan,
        of_region,
        SETTINGS,
        seconds_left=lambda: seconds - sum(pauses),
        pause=pauses.append,
        on_stage=lambda each: stages.append((each.day.date, each.stage, each.error)),
    )
    return Told(ended, stages, pauses)


def stages(told: Told) -> dict[str, Stage]:
    return {each.day.date: each.stage for each in told.ended}


def only(told: Told) -> Rescued:
    (ended,) = told.ended
    return ended


TODAY, YESTERDAY = "2026-06-15", "2026-06-14"
DAYS = [automatic(0), automatic(1)]


def one() -> tuple[RescuePlan, Day]:
    plan = planned([automatic()])
    return plan, plan.days[0]


# How it goes


def test_each_day_is_copied_gets_its_tags_at_once_and_is_waited_for() -> None:
    region, plan = Region(looks_until_complete=3), planned(DAYS)

    told = save(region, plan)

    assert stages(told) == {TODAY: Stage.COMPLETE, YESTERDAY: Stage.COMPLETE}
    assert region.calls[:4] == [("copy", TODAY), ("tag", TODAY), ("copy", YESTERDAY), ("tag", YESTERDAY)]
    assert {day.target.snapshot: day.tags for day in plan.days} == {
        each.name: each.tags for each in region.snapshots.values()
    }
    assert [(date, stage) for date, stage, _ in told.stages] == [
        (TODAY, Stage.PENDING),
        (YESTERDAY, Stage.PENDING),
        (TODAY, Stage.COMPLETE),
        (YESTERDAY, Stage.COMPLETE),
    ]
    assert is_complete(told.ended, plan)


def test_it_looks_ever_more_seldom_and_ends_once_its_time_is_over() -> None:
    plan = planned([automatic()])

    told = save(Region(looks_until_complete=1000), plan, seconds=100)

    assert told.pauses == [2, 4, 8, 16, 20, 20, 20]
    assert only(told).stage is Stage.PENDING
    assert not is_complete(told.ended, plan)


def test_what_is_there_is_only_waited_for_and_what_is_covered_or_lost_is_left() -> None:
    plan, day = one()
    there = Region({day.target.snapshot: made(day)})

    told = save(there, planned([automatic()], there.snapshots.values()))

    assert (only(told).stage, there.calls) == (Stage.COMPLETE, [("find", TODAY)])
    for left in (
        planned([automatic()], [of_a_run(plan.days[0].taken)]),
        planned([automatic(0, AutomaticState.FAILED)]),
    ):
        told = save(nothing := Region(), left)
        assert (only(told).stage, nothing.calls, told.stages, told.pauses) == (Stage.LEFT, [], [], [])
        assert is_complete(told.ended, left)


def test_while_lightsail_is_still_making_one_the_source_is_not_to_be_deleted() -> None:
    plan = planned([automatic(0, AutomaticState.PENDING)])

    told = save(Region(), plan)

    assert only(told).stage is Stage.LEFT
    assert not is_complete(told.ended, plan)


# What goes wrong


def test_one_that_fails_stops_no_other_and_is_not_tried_again() -> None:
    region = Region(faults={("copy", TODAY): [REFUSED]})

    told = save(region, plan := planned(DAYS))

    assert stages(told) == {TODAY: Stage.FAILED, YESTERDAY: Stage.COMPLETE}
    assert told.ended[0].error == str(REFUSED)
    assert region.calls.count(("copy", TODAY)) == 1
    assert not is_complete(told.ended, plan)


@pytest.mark.parametrize("fault", [Fault.OPERATION_FAILED, Fault.THROTTLED])
def test_what_may_pass_is_asked_for_again(fault: Fault) -> None:
    region = Region(faults={("copy", TODAY): [CallError(fault, "not now")] * 3})

    told = save(region, planned([automatic()]))

    assert only(told).stage is Stage.COMPLETE
    assert (TODAY, Stage.TO_COPY, "not now") in told.stages
    assert [each for each in told.stages if each[1] is Stage.TO_COPY] == [(TODAY, Stage.TO_COPY, "not now")], (
        "told once"
    )


def test_but_not_for_ever() -> None:
    region = Region(faults={("copy", TODAY): [BUSY] * 50})

    told = save(region, planned([automatic()]))

    assert (only(told).stage, only(told).error) == (Stage.FAILED, str(BUSY))
    assert region.calls.count(("copy", TODAY)) == 10


def test_what_is_refused_nine_times_and_then_begins_is_rescued() -> None:
    plan, _ = one()

    told = save(Region(faults={("copy", TODAY): [BUSY] * 9}), plan)

    assert only(told).stage is Stage.COMPLETE


def test_no_pause_outlasts_its_time() -> None:
    region, (plan, _) = Region(looks_until_complete=99), one()

    assert save(region, plan, seconds=2).pauses == []
    assert save(Region(looks_until_complete=99), plan, seconds=2.5).pauses == [2]


def test_unless_it_waits_for_another_one() -> None:
    """Who knows how many Lightsail copies at once."""
    region = Region(looks_until_complete=30, faults={("copy", YESTERDAY): [BUSY] * 25})

    told = save(region, planned(DAYS))

    assert stages(told) == {TODAY: Stage.COMPLETE, YESTERDAY: Stage.COMPLETE}


def test_a_copy_whose_answer_is_lost_gets_its_tags_all_the_same() -> None:
    region = Region(faults={("copy", TODAY): [CallError(Fault.UNAVAILABLE, "connection lost")]})

    told = save(region, planned([automatic()]))

    assert only(told).stage is Stage.COMPLETE
    assert region.calls.count(("copy", TODAY)) == 1
    (saved,) = region.snapshots.values()
    assert saved.tags[OWNER] == "Lightkeeper"


def test_what_is_refused_and_not_there_has_failed_with_the_refusal() -> None:
    region = Region(faults={("copy", TODAY): [REFUSED], ("find", TODAY): [CallError(Fault.ACCESS_DENIED, "find")]})

    assert only(save(region, planned([automatic()]))).error == str(REFUSED)


def test_a_copy_that_cannot_get_its_tags_says_that_it_lacks_them() -> None:
    region = Region(faults={("tag", TODAY): [CallError(Fault.ACCESS_DENIED, "expected permission")]})

    # The copy is made in this try, so the next one finds it by its name.
    told = save(region, plan := planned([automatic()]))
    again = save(region, planned([automatic()], region.snapshots.values()))

    assert (only(told).stage, only(told).error) == (
        Stage.FAILED,
        "it is copied, and lacks its tags: expected permission",
    )
    assert not is_complete(told.ended, plan)
    assert only(again).stage is Stage.COMPLETE
    assert region.calls.count(("copy", TODAY)) == 1


def test_tags_that_are_refused_for_now_are_set_later() -> None:
    plan, day = one()
    region = Region({day.target.snapshot: made(day, tags={})}, faults={("tag", TODAY): [BUSY]})

    told = save(region, planned([automatic()], region.snapshots.values()))

    assert (TODAY, Stage.TO_TAG, f"it is copied, and lacks its tags: {BUSY}") in told.stages
    assert only(told).stage is Stage.COMPLETE
    assert region.snapshots[day.target.snapshot].tags == plan.days[0].tags


def test_one_that_ends_in_error_says_what_to_do() -> None:
    def fails(copied: Snapshot) -> Snapshot:
        return replace(copied, state=SnapshotState.ERROR)

    told = save(Region(after_copy=fails), planned([automatic()]))

    assert only(told).stage is Stage.FAILED
    assert "ended in error; the same command copies it once more" in (only(told).error or "")


def test_one_whose_state_nobody_knows_is_waited_for() -> None:
    def puzzles(copied: Snapshot) -> Snapshot:
        return replace(copied, state=SnapshotState.UNKNOWN)

    assert only(save(Region(after_copy=puzzles), planned([automatic()]), seconds=30)).stage is Stage.PENDING


# What is not ours


FOREIGN: Mapping[str, Mapping[str, object]] = {
    "a tag of somebody's": {"tags": {"customer": "bakery"}},
    "another deployment's": {"tags": {OWNER: "Night-Shift"}},
    "another size": {"tags": {}, "size_gib": 41},
    "another kind": {"tags": {}, "kind": SnapshotKind.DISK},
    "another source": {"tags": {}, "source_arns": frozenset([DATA.arn])},
}


@pytest.mark.parametrize("changes", FOREIGN.values(), ids=FOREIGN)
def test_what_got_the_name_after_the_plan_was_made_is_left_alone(changes: Mapping[str, object]) -> None:
    plan, day = one()
    theirs = replace(made(day), **changes)  # type: ignore[arg-type]
    region = Region({theirs.name: theirs})

    told = save(region, plan)

    assert only(told).stage is Stage.FAILED
    assert (only(told).error or "").endswith("the name belongs to a snapshot that is not ours")
    assert region.snapshots == {theirs.name: theirs}


def test_a_name_that_is_somebody_s_while_lightsail_does_not_answer_is_asked_for_again_before_it_has_failed() -> None:
    plan, day = one()
    theirs = made(day, tags={"customer": "bakery"})
    region = Region({theirs.name: theirs}, {("copy", TODAY): [CallError(Fault.UNAVAILABLE, "down")]})

    told = save(region, plan)

    assert [(stage, error) for _, stage, error in told.stages] == [
        (Stage.TO_COPY, "down; the name belongs to a snapshot that is not ours"),
        (Stage.FAILED, "the name is in use; the name belongs to a snapshot that is not ours"),
    ]
    assert region.snapshots == {theirs.name: theirs}


def test_what_got_tags_after_the_plan_was_made_is_left_alone() -> None:
    _, day = one()
    bare = made(day, tags={})
    plan = planned([automatic()], [bare])
    region = Region({bare.name: replace(bare, tags={"customer": "bakery"})})

    told = save(region, plan)

    assert only(told).stage is Stage.FAILED
    assert only(told).error == f"looked at again right before: {bare.name} has got tags meanwhile"
    assert region.snapshots[bare.name].tags == {"customer": "bakery"}


def test_what_another_try_has_tagged_meanwhile_is_rescued() -> None:
    plan, day = one()
    ours = Region({day.target.snapshot: made(day)})
    begun = planned([automatic()], [made(day, tags={})])

    for each in (plan, begun):
        told = save(ours, each)
        assert only(told).stage is Stage.COMPLETE
        assert ("tag", TODAY) not in ours.calls


def test_a_source_is_of_no_use_under_another_s_name() -> None:
    """Without the source's ARN, its tags could make any snapshot of ours pass for a rescued one."""
    plan, day = one()
    of_another = made(day, tags={**day.tags, "lightkeeper:source": DATA.arn.replace("data", "web")})

    told = save(Region({of_another.name: of_another}), plan)

    assert only(told).stage is Stage.FAILED
    assert WEB.arn not in of_another.tags.values()


# What it reads


@dataclass
class Lists:
    """The lists of a Region, in memory."""

    fleet: Sequence[Source] = ()
    taken: Sequence[Snapshot] = ()
    automatic: Mapping[str, Sequence[AutomaticSnapshot]] = field(default_factory=dict)
    """By source."""
    refused: CallError | None = None

    def sources(self, kind: SourceKind) -> Iterator[Source]:
        if self.refused:
            raise self.refused
        yield from (each for each in self.fleet if each.kind is kind)

    def snapshots(self, kind: SnapshotKind) -> Iterator[Snapshot]:
        yield from (each for each in self.taken if each.kind is kind)

    def static_ips(self) -> Iterator[StaticIp]:
        yield from ()

    def automatic_snapshots(self, source: str) -> Sequence[AutomaticSnapshot]:
        return self.automatic[source]


OTHER_REGION = "us-east-1"
IN_TIME: Callable[[], float] = lambda: 900.0  # noqa: E731 - as it is passed


def prepared(
    name: str,
    *regions: Lists,
    kind: SourceKind | None = None,
    hold: str = "",
    every_day: bool = False,
    seconds_left: Callable[[], float] = IN_TIME,
) -> RescuePlan:
    """Return the plan where the first is the Region of all stories here, and the second another one."""
    lists: Mapping[str, RescueRegion] = dict(zip((REGION, OTHER_REGION), regions, strict=False))  # type: ignore[arg-type] # it only reads
    return prepare(lists, SETTINGS, NOW, name, kind=kind, hold=hold, every_day=every_day, seconds_left=seconds_left)


def copied_to_another_region(of: Source) -> Snapshot:
    """Return a copy of a snapshot of a source as it lies in the other Region."""
    tags, _ = snapshot_tags(of, NOW, SETTINGS, NOW)
    called = copy_name(of.name, of.arn, SETTINGS.deployment, NOW, OTHER_REGION)
    return replace(
        of_a_run(NOW),
        name=called,
        region=OTHER_REGION,
        tags={**tags, TAKEN: f"{NOW:%Y-%m-%dT%H:%M:%SZ}", NAME: of.name},
    )


def test_a_source_is_looked_for_in_every_region_and_planned_from_the_lists_of_its_own() -> None:
    newer = of_a_run(NOW - DAY)
    home = Lists([DATA, WEB], [newer], {"web": DAYS})

    plan = prepared("web", home, Lists())

    assert plan == planned(DAYS, [newer])
    assert {day.verdict for day in plan.days} == {Verdict.RESCUE, Verdict.COVERED}
    assert prepared("data", replace(home, automatic={"data": DAYS}), Lists()) == planned(DAYS, of=DATA)


def test_a_disk_s_are_looked_for_among_the_snapshots_of_disks() -> None:
    begun = [made(day) for day in planned(DAYS, of=DATA).days]

    plan = prepared("data", Lists([DATA], begun, {"data": DAYS}))

    assert [day.verdict for day in plan.days] == [Verdict.THERE, Verdict.THERE]


def test_every_day_and_the_hold_are_those_that_were_asked_for() -> None:
    newer = of_a_run(NOW - DAY)

    plan = prepared("web", Lists([WEB], [newer], {"web": DAYS}), hold="2027-01-01", every_day=True)

    assert plan == planned(DAYS, [newer], hold="2027-01-01", every_day=True)
    assert {day.verdict for day in plan.days} == {Verdict.RESCUE}


def test_of_two_sources_of_a_name_the_kind_says_which() -> None:
    twin = replace(DATA, name="web", arn=DATA.arn.replace("data", "web"))
    both = Lists([WEB, twin], (), {"web": DAYS})

    assert prepared("web", both, kind=SourceKind.DISK) == planned(DAYS, of=twin)
    with pytest.raises(InvalidValueError, match=r'^"web" is more than one source'):
        prepared("web", both)


def test_of_a_database_nothing_is_asked_for() -> None:
    orders = source("orders", SourceKind.DATABASE)

    with pytest.raises(InvalidValueError, match=r'^"orders" is a database'):
        prepared("orders", Lists([orders]), hold="2027-01-01")


def test_once_it_is_gone_there_is_nothing_to_rescue_and_its_snapshots_are_what_is_left() -> None:
    with pytest.raises(InvalidValueError) as refused:
        prepared("web", Lists(taken=[of_a_run(NOW)]), Lists())

    assert str(refused.value) == (
        '"web" is gone, and its automatic snapshots went with it; lightkeeper snapshots web lists what is left; '
        "expected a source that is still there"
    )


def test_what_only_copies_are_of_is_looked_for_in_its_own_region() -> None:
    with pytest.raises(InvalidValueError) as refused:
        prepare(
            {OTHER_REGION: Lists(taken=[copied_to_another_region(WEB)])},  # type: ignore[dict-item] # it only reads
            SETTINGS,
            NOW,
            "web",
            kind=None,
            hold="",
            every_day=False,
            seconds_left=IN_TIME,
        )

    assert str(refused.value) == (
        f'only copies of "web" are in "{OTHER_REGION}"; it is of "{REGION}", where nobody has looked; '
        f"expected the Region that it is in: --region {REGION}"
    )


def test_one_of_which_nothing_is_left_is_not_said_to_be_gone() -> None:
    with pytest.raises(InvalidValueError, match=rf'^"webb" is no .* in {REGION}, {OTHER_REGION}') as refused:
        prepared("webb", Lists([WEB], [of_a_run(NOW)]), Lists())

    assert refused.value.suggestion == "web"


def test_while_a_list_cannot_be_read_nothing_is_said_to_be_gone() -> None:
    half = Lists(taken=[of_a_run(NOW)], refused=REFUSED)

    with pytest.raises(InvalidValueError, match=r'^"web" is not among what could be read; .*CopySnapshot'):
        prepared("web", half, Lists())
    with pytest.raises(InvalidValueError, match=r"no time left"):
        prepared("web", Lists([WEB], (), {"web": DAYS}), seconds_left=lambda: 0.0)
