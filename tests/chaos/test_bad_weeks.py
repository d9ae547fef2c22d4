"""Bad weeks: what goes wrong for long, and what is left of the backups afterwards."""

from datetime import timedelta

import pytest

from lightkeeper.lightsail import connect
from lightkeeper.run import Run
from lightkeeper.tags import EXPIRES, SLOT
from lightsail_sandbox.client import EndSnapshots, ErrorAnswer, FaultRule, Seed
from tests.support.keeper import DAY, HOUR, OTHER_REGION, READS, REGION, Keeper, count
from tests.support.world import World

REGIONS = (
    *("us-east-1", "us-east-2", "us-west-2", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2"),
    *("eu-west-3", "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    *("ap-southeast-3", "ap-southeast-5"),
)


def restorable(keeper: Keeper, source: str) -> list[str]:
    """Return the days, MMDD, to which a source can be restored."""
    entries = [
        entry for entry in keeper.sandbox.entries() if entry.source_name == source and entry.state == "completed"
    ]
    return sorted(f"{entry.tags[SLOT][5:7]}{entry.tags[SLOT][8:10]}" for entry in entries)


def marked(keeper: Keeper) -> list[str]:
    """Return the days, MMDD, of the snapshots whose deletion is scheduled."""
    marks = [tags[SLOT] for tags in keeper.snapshots().values() if EXPIRES in tags]
    return sorted(f"{slot[5:7]}{slot[8:10]}" for slot in marks)


def weeks(keeper: Keeper, days: int, step: timedelta = 8 * HOUR) -> list[Run]:
    """Let days pass, with a run every eight hours."""
    return keeper.live(days * DAY, step)


def test_three_weeks_of_snapshots_that_fail_cost_none_of_those_there_were(keeper: Keeper) -> None:
    keeper.configure(tick="rate(8 hours)")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "5"})
    weeks(keeper, 7)
    before = restorable(keeper, "shop")
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation="CreateDiskSnapshot"))

    weeks(keeper, 21)

    assert restorable(keeper, "shop")[-5:] == before[-5:]
    tries = [name for name in keeper.snapshots("shop") if name[-2:] in {"-2", "-3"}]
    assert len(tries) == 2 * 20 + 1, "each slot is tried three times and no more; the last one's third try is to come"

    keeper.sandbox.clear_faults()
    weeks(keeper, 14)
    # Five are kept, and the one before them is marked.
    assert restorable(keeper, "shop") == ["0722", "0723", "0724", "0725", "0726", "0727"]
    assert len(keeper.snapshots("shop")) == 6, "the failed ones are gone"


def test_three_weeks_of_refused_calls_prune_nothing_and_then_all_goes_on(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3"})
    weeks(keeper, 7)
    before = restorable(keeper, "shop")
    keeper.sandbox.add_faults(
        FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="CreateDiskSnapshot")
    )

    runs = weeks(keeper, 21)

    assert restorable(keeper, "shop") == before
    assert all(run.failures for run in runs[4:])
    keeper.sandbox.clear_faults()
    weeks(keeper, 5)
    assert restorable(keeper, "shop")[-3:] == ["0716", "0717", "0718"]


def test_snapshots_that_hang_for_weeks_are_left_alone_and_push_nothing_out(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3"})
    weeks(keeper, 7)
    before = restorable(keeper, "shop")
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="pending"), operation="CreateDiskSnapshot"))

    weeks(keeper, 14)

    assert restorable(keeper, "shop") == before[-3:]
    states = [entry.state for entry in keeper.sandbox.entries() if entry.source_name == "shop"]
    assert states.count("pending") == 14


def test_after_a_month_without_runs_one_snapshot_is_taken_and_the_old_ones_are_still_there(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "daily=7 weekly=4"})
    keeper.disk("notes", {"backup": "hourly", "backup:keep": "12"})
    weeks(keeper, 10)
    keeper.live(8 * HOUR, HOUR)
    before = {source: restorable(keeper, source) for source in ("shop", "notes")}
    marked = [name for name, tags in keeper.snapshots().items() if EXPIRES in tags]

    keeper.sandbox.advance(31 * DAY)
    run = keeper.run()

    assert count(run, "create") == 2
    assert len(marked) > 2
    assert count(run, "delete") == 0, "what was marked a month ago is marked again"
    keeper.sandbox.advance(HOUR)
    keeper.run()
    assert restorable(keeper, "shop")[-8:-1] == before["shop"][-7:]


def test_a_schedule_that_moves_every_day_gives_one_snapshot_for_each_slot(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "forever"})
    times = ["03:00", "15:30", "02:30 Europe/Zurich", "23:59", "00:00 America/Chicago"]

    for day in range(20):
        keeper.tag("shop", "backup:at", times[day % len(times)])
        keeper.live(DAY, 6 * HOUR)
    keeper.untag("shop", "backup:at")
    for policy in ("hourly", "weekly", "monthly", "daily"):
        keeper.tag("shop", "backup", policy)
        keeper.live(DAY, 6 * HOUR)

    slots = [tags[SLOT] for tags in keeper.snapshots("shop").values()]
    assert len(slots) == len(set(slots))
    days = {slot[:10] for slot in slots}
    assert {f"2026-06-{day}" for day in range(15, 31)} <= days, "no day was left out"


@pytest.mark.slow
def test_a_keep_rule_cut_from_thirty_to_three_can_be_undone_for_a_day_and_then_goes_slowly(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "30"})
    keeper.live(32 * DAY)
    keeper.tag("shop", "backup:keep", "3")

    (marking,) = keeper.live(HOUR, HOUR)
    (still,) = keeper.live(20 * HOUR, 20 * HOUR)
    assert count(marking, "schedule-deletion") == 28
    assert count(still, "delete") == 0
    assert len(restorable(keeper, "shop")) == 32, "the thirty, one that was marked before, and a new one"

    keeper.tag("shop", "backup:keep", "30")
    (undoing,) = keeper.live(HOUR, HOUR)
    assert count(undoing, "cancel-deletion") == 26
    assert marked(keeper) == ["0616", "0617", "0618"], "what thirty leave out, too"
    keeper.live(14 * HOUR, 2 * HOUR)
    thirty = restorable(keeper, "shop")
    assert len(thirty) == 30
    assert thirty[-1] == "0718"
    assert marked(keeper) == []

    keeper.tag("shop", "backup:keep", "3")
    (marking,) = keeper.live(HOUR, HOUR)
    waiting = keeper.live(22 * HOUR, 2 * HOUR)
    assert count(marking, "schedule-deletion") == 27
    assert sum(count(run, "delete") for run in waiting) == 0
    deleted = [count(run, "delete") for run in keeper.live(11 * HOUR, HOUR)]
    assert deleted == [0, *[3] * 9, 1], "the twenty-seven, and one that a new one has pushed out since"
    # Three are kept, and the one before them is marked.
    assert restorable(keeper, "shop") == ["0717", "0718", "0719", "0720"]


def test_a_source_with_forty_nine_tags_lives_a_whole_life(keeper: Keeper) -> None:
    tags = {f"tag-{number:02}": "x" * 256 for number in range(46)}
    keeper.disk("shop", tags | {"backup": "daily", "backup:keep": "3", "backup:at": "04:00"})

    keeper.live(10 * DAY)
    held = next(iter(keeper.snapshots()))
    keeper.tag(held, "backup:hold")
    keeper.live(5 * DAY)

    assert len(keeper.snapshots("shop")) == 6, "three kept, one marked, one held, one being taken"
    assert held in keeper.snapshots()
    assert all(len(born) <= 50 for born in keeper.snapshots().values())


def test_all_sixteen_regions_throttle_at_once(world: World) -> None:
    keeper = world.keeper
    for region in REGIONS:
        keeper.disk(f"disk-{region}", {"backup": "daily"}, region)
    keeper.regions = connect(REGIONS, max_concurrency=8, endpoint_url=keeper.sandbox.url)
    throttled = ErrorAnswer(code="ThrottlingException")
    keeper.sandbox.add_faults(
        *(
            FaultRule(effect=throttled, operation=operation, region=region, last=4)
            for operation in (*READS, "CreateDiskSnapshot")
            for region in REGIONS
        )
    )

    run = keeper.run()

    assert run.failures == ()
    assert count(run, "create") == 16
    assert sum(call.error == "ThrottlingException" for call in keeper.sandbox.calls()) == 4 * (len(READS) + 1) * 16


def test_all_sixteen_regions_throttle_without_end(world: World) -> None:
    keeper = world.keeper
    keeper.configure(grace="0d")
    for region in REGIONS:
        keeper.disk(f"disk-{region}", {"backup": "daily", "backup:keep": "1"}, region)
    keeper.regions = connect(REGIONS, max_concurrency=8, endpoint_url=keeper.sandbox.url)
    keeper.live(2 * DAY)
    before = {entry.name for entry in keeper.sandbox.entries()}
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="ThrottlingException")))

    keeper.sandbox.advance(DAY)
    run = keeper.run()

    assert len(run.failures) == len(READS) * 16
    assert {entry.name for entry in keeper.sandbox.entries()} == before
    keeper.sandbox.clear_faults()
    assert count(keeper.run(), "create") == 16


@pytest.mark.parametrize("operation", ["GetDisks", "GetDiskSnapshots"])
def test_a_list_that_fails_on_page_seven(two_regions: Keeper, operation: str) -> None:
    keeper = two_regions
    keeper.configure(grace="0d")
    sources = [
        Seed(kind="Disk", name=f"{region}-{number}", region=region, tags={"backup": "daily", "backup:keep": "1"})
        for region in (REGION, OTHER_REGION)
        for number in range(20)
    ]
    keeper.sandbox.seed(sources)
    keeper.live(2 * DAY)
    keeper.sandbox.set_options(page_size=3)
    before = {entry.name: entry.tags for entry in keeper.sandbox.entries() if entry.region == REGION}
    gone_wrong = FaultRule(
        effect=ErrorAnswer(code="AccessDeniedException"), operation=operation, region=REGION, first=7
    )
    keeper.sandbox.add_faults(gone_wrong)

    keeper.sandbox.advance(HOUR)
    run = keeper.run()

    assert [failure for failure in run.failures if operation not in failure] == []
    after = {entry.name: entry.tags for entry in keeper.sandbox.entries() if entry.region == REGION}
    assert after == before, "nothing was judged from six pages"
    assert {outcome.action.target.region for outcome in run.outcomes} == {OTHER_REGION}
    keeper.sandbox.clear_faults()
    keeper.run()
    keeper.sandbox.advance(HOUR)
    assert count(keeper.run(), "delete") == 40
