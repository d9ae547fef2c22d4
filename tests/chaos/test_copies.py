"""Copies through crashes, faults, overlaps and bad weeks: each slot has its one copy in the end, and none is lost."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest

from lightkeeper.overview import Health, Overview
from lightkeeper_cli import recipe, restoring
from lightsail_sandbox.client import (
    Effect,
    EndSnapshots,
    Entry,
    ErrorAnswer,
    FaultRule,
    Hang,
    HoldCall,
    LoseAnswer,
)
from tests.support import wire
from tests.support.asking import make_client
from tests.support.busy import State, state
from tests.support.command import lightkeeper
from tests.support.functions import Run
from tests.support.keeper import AWAY, DAY, HOUR, NOON, OTHER_REGION, REGION, Keeper, why_not
from tests.support.listening import Listener
from tests.support.wire import Wire
from tests.support.witness import EXPIRES, NAME_OF_SOURCE, OWNER, SLOT, SOURCE
from tests.support.world import World, no_waiting

SLOW = pytest.mark.slow
# Each part dies at every fourth call.
PARTS = [0, *(pytest.param(part, marks=SLOW) for part in range(1, 4))]
EACH_MORNING = {"schedule": "0 5 * * *", "keep": "2"}
SERVICE_EXCEPTION = ErrorAnswer(code="ServiceException")
DENIED = ErrorAnswer(code="AccessDeniedException")
SLOWLY = 0.01


# A run with something of everything to do, in three Regions


def busy(world: World) -> None:
    """Come to a run that copies, tags a copy that an earlier run left without tags, and prunes at home and away."""
    world.reset(NOON - 5 * DAY - 8 * HOUR + timedelta(minutes=30))
    keeper = world.keeper
    world.configure(copies={AWAY: EACH_MORNING}, grace="1h")
    # What a retry tags is still pending then, and pushes nothing out yet.
    keeper.sandbox.set_options(copy_seconds=2 * HOUR.total_seconds())
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2", "backup:copy": ""})
    keeper.disk("attic", {"backup": "daily", "backup:keep": "7", "backup:copy": "", "backup:copy-keep": "7"})
    keeper.disk("clinic", {"backup": "daily", "backup:keep": "2", "backup:copy": ""}, OTHER_REGION)
    keeper.instance("web", {"backup": "daily", "backup:keep": "2", "backup:copy": ""})
    keeper.disk("notes", {"backup": "hourly", "backup:keep": "2", "backup:copy": "", "backup:copy-keep": "1"})
    for _ in range(3):
        # At 04:30 what is taken at night, and what the copies of the day before push out; at 05:30 the copies.
        for pause in (HOUR, HOUR, DAY - 2 * HOUR):
            world.run()
            world.advance(pause)
    world.run()
    world.advance(HOUR)
    # One of them is copied, and gets no tags; the others are not even copied.
    others = (entry.name for entry in newest(world) if entry.source_name != "shop")
    world.faulty_run(
        FaultRule(effect=DENIED, operation="TagResource", region=AWAY),
        *(FaultRule(effect=DENIED, operation="CopySnapshot", resource=name) for name in others),
    )
    keeper.tag("attic", "backup:keep", "2")
    keeper.tag("attic", "backup:copy-keep", "2")
    keeper.tag("web", "backup:copy-keep", "7")
    world.advance(HOUR)
    keeper.sandbox.set_options(page_size=5)
    keeper.witness.checkpoint()


def newest(world: World) -> Iterable[Entry]:
    """Return the newest snapshot at home of each source."""
    at_home = [entry for entry in world.snapshots() if entry.region != AWAY]
    return {entry.source_arn: entry for entry in sorted(at_home, key=lambda entry: entry.created_at)}.values()


def there(keeper: Keeper) -> list[Entry]:
    """Return all snapshots in the second Region, anybody's, the oldest content first."""
    entries = [entry for entry in keeper.sandbox.entries() if entry.region == AWAY and entry.state]
    return sorted(entries, key=lambda entry: (entry.content_at or entry.created_at, entry.created_at))


def nights(keeper: Keeper, source: str = "shop") -> list[int]:
    """Return of which days of the month the content of a source's copies is."""
    copies = (entry for entry in there(keeper) if entry.tags.get(NAME_OF_SOURCE) == source)
    return [copy.content_at.day for copy in copies if copy.content_at]


def at_home(keeper: Keeper, source: str = "shop") -> list[int]:
    """Return of which days of the month the snapshots of a source are that are at home."""
    entries = [entry for entry in keeper.sandbox.entries() if (entry.region, entry.source_name) == (REGION, source)]
    return sorted(entry.created_at.day for entry in entries)


def insist_on_one_copy_of_each(keeper: Keeper) -> None:
    """Insist that everything in the second Region has its tags, and that no snapshot has two usable copies."""
    copies = there(keeper)
    assert [copy.name for copy in copies if OWNER not in copy.tags] == [], "left without tags"
    of = Counter((copy.tags[SOURCE], copy.tags[SLOT], copy.kind) for copy in copies if copy.state != "error")
    assert [each for each, number in of.items() if number > 1] == [], "copied twice"


@pytest.fixture
def cable(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return wire.lay(monkeypatch)


@pytest.fixture
def alone(world: World) -> State:
    """Return what a single run leaves where there is something of everything to do; the world is before it again."""
    busy(world)
    world.run()
    left = state(world)
    world.keeper.witness.restore()
    return left


def test_a_busy_run_has_something_of_everything_to_do_at_home_and_away(world: World, cable: Wire) -> None:
    busy(world)
    assert len([entry for entry in there(world.keeper) if not entry.tags]) == 1
    with cable.cut(0, "before"):
        run = world.keeper.run()

    assert run.failures == ()
    places = Counter(
        (outcome.action.verb, "away" if outcome.action.target.region == AWAY else "home")
        for outcome in run.outcomes
        if outcome.result.value == "done"
    )
    assert places == {
        ("create", "home"): 1,
        ("copy", "away"): 5,
        ("schedule-deletion", "home"): 3,
        ("schedule-deletion", "away"): 1,
        ("cancel-deletion", "away"): 1,
        ("delete", "home"): 4,
        ("delete", "away"): 2,
    }
    assert cable.calls > 60
    insist_on_one_copy_of_each(world.keeper)


# Crashes


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("part", PARTS)
def test_a_retry_after_a_crash_ends_where_the_run_would_have(
    world: World, cable: Wire, alone: State, when: Literal["before", "after"], part: int
) -> None:
    with cable.cut(0, when):
        world.run()
    calls = cable.calls

    for call in range(1 + part, calls + 1, 4):
        world.keeper.witness.restore()
        with cable.cut(call, when):
            world.keeper.run()
        world.run()

        assert state(world) == alone, f"the process died {when} call {call}"
        insist_on_one_copy_of_each(world.keeper)


@pytest.mark.parametrize(
    ("operation", "when"),
    [
        ("CopySnapshot", "after"),
        *(
            pytest.param(operation, when, marks=SLOW)
            for operation in ("CopySnapshot", "TagResource", "UntagResource")
            for when in ("before", "after")
            if (operation, when) != ("CopySnapshot", "after")
        ),
    ],
)
def test_a_crash_at_each_write_that_makes_or_marks_a_copy_is_healed_by_the_run_of_the_next_hour(
    world: World, cable: Wire, when: Literal["before", "after"], operation: str
) -> None:
    busy(world)
    with cable.cut(0, when, operation):
        world.run()
    calls = cable.calls
    later(world)
    usual = copied_once_a_day(world)

    for call in range(1, calls + 1):
        world.keeper.witness.restore()
        with cable.cut(call, when, operation):
            world.keeper.run()
        later(world)

        assert copied_once_a_day(world) >= usual, f"lost, died {when} {operation} {call}"
        insist_on_one_copy_of_each(world.keeper)


def copied_once_a_day(world: World) -> set[str]:
    """Return the copies of what is taken once a day: what is newest of the others an hour later is another one."""
    return {copy.name for copy in there(world.keeper) if copy.tags.get(NAME_OF_SOURCE) != "notes"}


def later(world: World) -> None:
    """Let two hours go by, with a run each."""
    for _ in range(2):
        world.advance(HOUR)
        world.run()


# Faults

EFFECTS: dict[str, Effect] = {
    "throttled": ErrorAnswer(code="ThrottlingException"),
    "service exception": SERVICE_EXCEPTION,
    "connection lost before": Hang(seconds=0),
    "connection lost after": LoseAnswer(),
}
WRITES = (
    ("CopySnapshot", AWAY),
    ("TagResource", AWAY),
    ("UntagResource", AWAY),
    ("DeleteDiskSnapshot", AWAY),
    ("CreateDiskSnapshot", REGION),
    ("TagResource", REGION),
    ("DeleteDiskSnapshot", REGION),
)


@pytest.mark.parametrize(
    "effect", [pytest.param(effect, marks=SLOW if effect != "connection lost after" else ()) for effect in EFFECTS]
)
def test_a_fault_that_passes_at_any_write_changes_nothing(world: World, alone: State, effect: str) -> None:
    for operation, region in WRITES:
        world.keeper.witness.restore()
        before = len(world.keeper.sandbox.calls())
        world.faulty_run(FaultRule(effect=EFFECTS[effect], operation=operation, region=region, calls=(1,)))

        struck = [call for call in world.keeper.sandbox.calls()[before:] if call.operation == operation]
        assert any(call.error or call.answer != "sent" for call in struck), f"no {operation} in {region} met it"
        assert state(world) == alone, f"{effect} at {operation} in {region}"


@pytest.mark.slow
@pytest.mark.parametrize("effect", EFFECTS)
def test_a_fault_that_stays_for_a_run_is_healed_by_the_next_one(world: World, alone: State, effect: str) -> None:
    for operation, region in WRITES:
        for first in (1, 2):
            world.keeper.witness.restore()
            world.faulty_run(FaultRule(effect=EFFECTS[effect], operation=operation, region=region, first=first))
            world.run()

            assert state(world) == alone, f"{effect} from {operation} {first} in {region} on"


# Two runs at once


def test_two_runs_at_once_do_what_one_does(world: World, alone: State) -> None:
    world.keeper.configure(maxConcurrency=8)
    for _ in range(5):
        world.keeper.witness.restore()
        world.keeper.sandbox.set_options(latency_seconds=SLOWLY)

        world.runs_at_once()

        assert state(world) == alone


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_a_retry_that_starts_at_any_moment_of_the_first_run_does_no_harm(world: World, alone: State, part: int) -> None:
    world.keeper.configure(maxConcurrency=8)
    for already in range(1 + part, 61, 4):
        world.keeper.witness.restore()
        world.keeper.sandbox.set_options(latency_seconds=SLOWLY)

        world.retry_after(already)

        assert state(world) == alone, f"the retry began when the first run had made {already} calls"


@pytest.mark.parametrize("operation", ["CopySnapshot", "TagResource", pytest.param("UntagResource", marks=SLOW)])
def test_a_retry_while_the_first_run_hangs_in_a_call_copies_nothing_twice(
    world: World, alone: State, operation: str
) -> None:
    world.retry_while_held(operation, AWAY)

    assert state(world) == alone
    insist_on_one_copy_of_each(world.keeper)


# Bad weeks


@pytest.fixture
def shop(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> Keeper:
    """A shop with three days of snapshots, and of copies in the second Region, beside a disk that is not copied."""
    no_waiting(monkeypatch)
    keeper.configure(copies={AWAY: EACH_MORNING}, grace="0d")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3", "backup:copy": ""})
    keeper.disk("diary", {"backup": "daily", "backup:keep": "3"})
    days(keeper, 3)
    assert nights(keeper) == [17, 18]
    return keeper


def days(keeper: Keeper, number: int, hear: Callable[[], list[str]] | None = None) -> list[str]:
    """Let days go by, with a run every three hours; return what a person is told, if one listens."""
    told: list[str] = []
    for _ in range(number * 8):
        keeper.sandbox.advance(3 * HOUR)
        if hear:
            told += hear()
        else:
            keeper.run()
    return told


def to_the_morning(keeper: Keeper) -> None:
    """Let a night go by, with its snapshot, until it is time to copy that."""
    keeper.sandbox.advance(15 * HOUR)
    keeper.run()
    keeper.sandbox.advance(3 * HOUR)


@pytest.fixture
def hear(keeper: Keeper, person: Listener, run: Run) -> Callable[[], list[str]]:
    """Let the function run, have the witness judge what it did and what it said, and return the messages."""

    def hear() -> list[str]:
        with keeper.witness.watching(keeper.settings.to_mapping()):
            run()
        letters = person.letters()
        keeper.witness.said(text for _, text in letters)
        return [f"{subject}\n{text}" for subject, text in letters]

    return hear


def copies_made(keeper: Keeper) -> int:
    """Return how often somebody has copied something."""
    return sum(call.operation == "CopySnapshot" and call.took_effect for call in keeper.sandbox.calls())


def published(printed: str) -> set[str]:
    """Return the names of the metrics that the function has published."""
    records = [json.loads(line) for line in printed.splitlines()]
    return {
        metric["Name"]
        for record in records
        for directive in record.get("_aws", {}).get("CloudWatchMetrics", ())
        for metric in directive["Metrics"]
    }


@pytest.mark.parametrize(
    "effect",
    [pytest.param(SERVICE_EXCEPTION, id="refuses"), pytest.param(Hang(seconds=0), id="hangs up", marks=SLOW)],
)
def test_a_home_that_is_dark_for_a_week_costs_no_copy_and_heals_with_one(
    shop: Keeper, hear: Callable[[], list[str]], capsys: pytest.CaptureFixture[str], effect: Effect
) -> None:
    assert days(shop, 1, hear) == []
    before, home = there(shop), at_home(shop)
    made = copies_made(shop)
    capsys.readouterr()
    shop.sandbox.add_faults(FaultRule(effect=effect, region=REGION))

    told = days(shop, 7, hear)

    assert there(shop) == before
    assert at_home(shop) == home
    (once,) = told
    assert f"{REGION}: a list cannot be read" in once
    assert "Cannot tell how everything stands" in once
    assert published(capsys.readouterr().out).isdisjoint({"CopiesOverdue", "ResourcesOverdue", "ResourcesProtected"})
    assert Overview.of(shop.plan()).health is Health.UNKNOWN

    shop.sandbox.clear_faults()
    shop.sandbox.advance(HOUR)
    assert hear() == []
    shop.sandbox.advance(HOUR)
    hear()
    assert copies_made(shop) == made + 1, "what is newest, and not seven"
    assert days(shop, 2, hear) == []
    assert nights(shop) == [27, 28]
    assert at_home(shop) == [26, 27, 28]
    assert Overview.of(shop.plan()).health is Health.OK
    insist_on_one_copy_of_each(shop)


def test_a_source_is_restored_from_its_copy_while_its_home_is_dark_and_nothing_of_it_is_lost(
    shop: Keeper, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cdk.json").write_text(json.dumps({"lightkeeper": {"copies": {AWAY: EACH_MORNING}}}))
    monkeypatch.chdir(tmp_path)
    for module in (restoring, recipe):
        monkeypatch.setattr(module, "clock", shop.sandbox.now)
    shop.sandbox.set_options(disk_seconds=0)
    shop.sandbox.add_faults(FaultRule(effect=SERVICE_EXCEPTION, region=REGION))
    days(shop, 5)
    before = there(shop)

    ended = lightkeeper("restore", "shop", "--region", AWAY, "--as", "shop-again", "--yes")

    assert ended.status == 0, ended.err
    (made,) = (entry for entry in shop.sandbox.entries() if entry.name == "shop-again")
    assert made.tags["lightkeeper:restored-from"] == before[-1].name
    shop.sandbox.clear_faults()
    days(shop, 2)
    assert before[-1].name in {copy.name for copy in there(shop)} or nights(shop) == [24, 25]


def test_a_second_region_that_is_dark_for_a_week_does_not_hinder_home_and_heals_with_one_copy(
    shop: Keeper, hear: Callable[[], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert days(shop, 1, hear) == []
    before, made = there(shop), copies_made(shop)
    capsys.readouterr()
    shop.sandbox.add_faults(FaultRule(effect=SERVICE_EXCEPTION, region=AWAY))

    told = days(shop, 7, hear)

    assert there(shop) == before
    assert at_home(shop) == at_home(shop, "diary") == [24, 25, 26], "home goes on as ever"
    (once,) = told
    assert f"{AWAY}: a list cannot be read" in once
    assert f"Nobody can tell of the copies in {AWAY}" in once
    assert "CopiesOverdue" not in published(capsys.readouterr().out)
    assert Overview.of(shop.plan()).health is Health.DEGRADED

    shop.sandbox.clear_faults()
    shop.sandbox.advance(HOUR)
    assert hear() == []
    assert copies_made(shop) == made + 1
    assert nights(shop)[-1] == 26
    assert days(shop, 2, hear) == []
    assert nights(shop) == [27, 28]
    assert Overview.of(shop.plan()).health is Health.OK
    insist_on_one_copy_of_each(shop)


@pytest.mark.parametrize("state_of_it", ["completed", "error"])
def test_an_original_that_a_person_deletes_while_it_is_copied_costs_no_other_copy(
    shop: Keeper, state_of_it: Literal["completed", "error"]
) -> None:
    shop.sandbox.set_options(copy_seconds=DAY.total_seconds())
    to_the_morning(shop)
    shop.run()
    copy = there(shop)[-1]
    (original,) = (
        entry
        for entry in shop.sandbox.entries()
        if (entry.region, entry.source_name, entry.created_at) == (REGION, "shop", copy.content_at)
    )
    assert copy.state == "pending"

    shop.user.delete_disk_snapshot(diskSnapshotName=original.name)
    shop.sandbox.set_options(copy_seconds=600)
    shop.sandbox.set_snapshot_state(AWAY, copy.name, state_of_it)
    days(shop, 3)

    newest = [entry for entry in there(shop) if entry.state == "completed"]
    assert [entry.content_at.day for entry in newest if entry.content_at] == [20, 21]
    assert "error" not in {entry.state for entry in there(shop)}, "one that failed goes once it is replaced"
    insist_on_one_copy_of_each(shop)


def test_an_original_that_is_deleted_right_before_it_is_copied_fails_alone_and_the_next_newest_is_copied(
    shop: Keeper,
) -> None:
    to_the_morning(shop)
    shop.sandbox.add_faults(FaultRule(effect=HoldCall(), operation="CopySnapshot", calls=(1,)))
    newest_at_home = max(
        (entry for entry in shop.sandbox.entries() if (entry.region, entry.source_name) == (REGION, "shop")),
        key=lambda entry: entry.created_at,
    )
    with shop.running() as running:
        shop.sandbox.wait_for_held()
        shop.user.delete_disk_snapshot(diskSnapshotName=newest_at_home.name)
        shop.sandbox.release()
        run = running.result()

    assert "NotFoundException" in why_not(run, "copy")[0]
    shop.run()
    shop.sandbox.advance(HOUR)
    shop.run()
    assert nights(shop)[-1] == 19, "it was taken again, and copied"
    insist_on_one_copy_of_each(shop)


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["error", "pending"])
def test_a_week_of_copies_that_fail_or_hang_costs_none_of_those_there_were(
    shop: Keeper, ending: Literal["error", "pending"]
) -> None:
    before = nights(shop)
    shop.sandbox.add_faults(FaultRule(effect=EndSnapshots(state=ending), operation="CopySnapshot"))

    days(shop, 7)

    usable = [copy.content_at.day for copy in there(shop) if copy.state == "completed" and copy.content_at]
    assert usable == before
    assert at_home(shop, "diary") == [23, 24, 25]
    made = {"error": 3 * 7, "pending": 7}[ending]
    assert len(there(shop)) == len(before) + made, "three tries for each morning, or one that does not end"
    copies = {"error": [23, 24, 25], "pending": [19, 20, 21, 22, 23, 24, 25]}[ending]
    assert at_home(shop) == copies, "an original stays while a copy of it may still come"

    shop.sandbox.clear_faults()
    days(shop, 3)
    assert [copy.content_at.day for copy in there(shop) if copy.state == "completed" and copy.content_at] == [27, 28]
    assert [copy.state for copy in there(shop)].count("error") == 0


def test_a_person_who_deletes_each_copy_for_a_week_gets_it_again_and_a_held_one_stays(shop: Keeper) -> None:
    held = there(shop)[0]
    with closing(make_client(shop.sandbox, AWAY)) as person:
        person.tag_resource(resourceName=held.name, tags=[{"key": "backup:hold"}])
        for day in range(19, 26):
            days(shop, 1)
            newest = there(shop)[-1]
            assert nights(shop)[-1] == day
            person.delete_disk_snapshot(diskSnapshotName=newest.name)
        made = copies_made(shop)
        days(shop, 1)

    assert copies_made(shop) - made == 2, "the one that was deleted while its slot lasted, and the next morning's"
    assert held.name in {copy.name for copy in there(shop)}


def test_a_rule_that_is_cut_while_home_is_dark_marks_nothing_before_home_is_seen_again(shop: Keeper) -> None:
    shop.configure(copies={AWAY: {**EACH_MORNING, "keep": "7"}})
    days(shop, 4)
    before = there(shop)
    assert len(before) == 6
    shop.sandbox.add_faults(FaultRule(effect=SERVICE_EXCEPTION, region=REGION))
    days(shop, 2)
    shop.configure(copies={AWAY: {**EACH_MORNING, "keep": "1"}}, grace="1d")
    days(shop, 3)
    assert there(shop) == before

    shop.sandbox.clear_faults()
    shop.run()
    assert len([copy for copy in there(shop) if EXPIRES in copy.tags]) == 5
    assert len(there(shop)) == 6, "and nothing goes within the grace"
    shop.configure(copies={AWAY: {**EACH_MORNING, "keep": "7"}})
    shop.run()
    assert not [copy for copy in there(shop) if EXPIRES in copy.tags], "undone in time"


def test_a_deployment_that_is_renamed_while_home_is_dark_leaves_the_copies_of_before_alone(shop: Keeper) -> None:
    days(shop, 1)
    before = there(shop)
    shop.sandbox.add_faults(FaultRule(effect=SERVICE_EXCEPTION, region=REGION))
    days(shop, 2)
    shop.configure(deployment="Night-Shift", orphans="expire")
    days(shop, 2)
    shop.sandbox.clear_faults()
    days(shop, 4)

    assert [copy for copy in there(shop) if copy.tags.get(OWNER) == "Lightkeeper"] == before
    theirs = [copy for copy in there(shop) if copy.tags.get(OWNER) == "Night-Shift"]
    assert [copy.content_at.day for copy in theirs if copy.content_at] == [26, 27]


# A copy that takes no tags before it is complete: AWS does not say whether it does


@pytest.mark.parametrize(
    "code",
    [
        "InvalidInputException",
        *(pytest.param(each, marks=SLOW) for each in ("NotFoundException", "OperationFailureException")),
    ],
)
def test_where_a_copy_takes_no_tags_before_it_is_complete_it_gets_them_later_and_nobody_is_told(
    shop: Keeper, hear: Callable[[], list[str]], capsys: pytest.CaptureFixture[str], code: str
) -> None:
    shop.configure(overdueAfter="12h")
    shop.sandbox.set_options(copy_seconds=5 * HOUR.total_seconds(), refusal_of_tags=code)
    made = copies_made(shop)
    capsys.readouterr()

    told = days(shop, 4, hear)

    assert told == []
    summaries = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"message":"summary"' in line]
    assert len(summaries) == 4 * 8
    assert [each["detail"]["failures"] for each in summaries if each["detail"]["failures"]] == []
    assert copies_made(shop) == made + 4
    shop.live(6 * HOUR, 3 * HOUR)
    assert nights(shop) == [21, 22], "what they push out goes a little later"
    insist_on_one_copy_of_each(shop)


def test_a_copy_that_takes_no_tags_for_another_reason_is_a_failure(shop: Keeper) -> None:
    to_the_morning(shop)
    refused = ErrorAnswer(code="InvalidInputException", message="A tag is too long.")
    shop.sandbox.add_faults(FaultRule(effect=refused, operation="TagResource", region=AWAY, last=1))
    # It is complete at once.
    shop.sandbox.set_options(copy_seconds=0)

    run = shop.run()

    assert ["A tag is too long" in failure for failure in run.failures] == [True]
    shop.run()
    insist_on_one_copy_of_each(shop)
