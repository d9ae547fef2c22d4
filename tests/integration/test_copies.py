"""Copies in a second Region: what is there when the first one is not."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from lightkeeper.actions import Copy, Result, ScheduleDeletion
from lightkeeper.model import Severity
from lightsail_sandbox.client import EndSnapshots, Entry, ErrorAnswer, FaultRule, Hang, LoseAnswer
from lightsail_sandbox.seeds import SnapshotState
from tests.support.asking import make_client
from tests.support.keeper import AWAY, DAY, HOUR, OTHER_REGION, REGION, Keeper, count, why_not
from tests.support.witness import EXPIRES, LISTS, LISTS_OF_COPIES, NAME_OF_SOURCE, OWNER, TAKEN

EACH_MORNING = {"schedule": "0 5 * * *", "keep": "daily=3"}
COPIES = {AWAY: EACH_MORNING}
STATES: tuple[SnapshotState, ...] = get_args(SnapshotState)


@pytest.fixture
def shop(keeper: Keeper) -> Keeper:
    """A shop whose disk is backed up each night, and copied to another Region."""
    keeper.configure(copies=COPIES)
    keeper.disk("shop", {"backup": "daily", "backup:copy": "", "customer": "bakery"})
    return keeper


def away(keeper: Keeper, source: str = "shop", region: str = AWAY) -> list[Entry]:
    """Return the copies of a source in another Region, the oldest content first."""
    there = [entry for entry in keeper.sandbox.entries() if entry.region == region and entry.state]
    copies = [entry for entry in there if entry.tags.get(NAME_OF_SOURCE) == source]
    return sorted(copies, key=lambda copy: (copy.content_at, copy.created_at))


def originals(keeper: Keeper, source: str = "shop", region: str = REGION) -> list[Entry]:
    """Return the snapshots of a source at home, the oldest first."""
    there = [entry for entry in keeper.sandbox.entries() if (entry.region, entry.source_name) == (region, source)]
    return sorted(there, key=lambda entry: entry.created_at)


def nights(keeper: Keeper, source: str = "shop", region: str = AWAY) -> list[int]:
    """Return of which days of the month the content of the copies is."""
    return [copy.content_at.day for copy in away(keeper, source, region) if copy.content_at]


def without_copies(keeper: Keeper) -> None:
    """Give the user a disk that is backed up as the shop is, keeps two, and is not copied: it shows how things go."""
    keeper.tag("shop", "backup:keep", "2")
    keeper.disk("notes", {"backup": "daily", "backup:keep": "2"})


def at_home(keeper: Keeper, source: str) -> list[int]:
    """Return of which days of the month the snapshots of a source are."""
    return [entry.created_at.day for entry in originals(keeper, source)]


def to_the(keeper: Keeper, day: int, hour: int = 12, step: timedelta = HOUR) -> None:
    """Let time pass until that day of the month, with a run every hour."""
    end = keeper.sandbox.now().replace(day=day, hour=hour)
    keeper.live(end - keeper.sandbox.now(), step)


# What is there


def test_what_is_newest_each_morning_lies_in_the_other_region_with_all_its_tags(shop: Keeper) -> None:
    to_the(shop, 18)

    assert nights(shop) == [15, 16, 17, 18], "one at once, and one each morning"
    by_content = {entry.content_at: entry for entry in originals(shop)}
    for copy in away(shop):
        original = by_content[copy.content_at]
        more = {TAKEN: f"{copy.content_at:%Y-%m-%dT%H:%M:%SZ}", NAME_OF_SOURCE: "shop"}
        assert {**original.tags, **more} == {key: value for key, value in copy.tags.items() if key != EXPIRES}


def test_one_copy_is_enough_whatever_fraction_of_a_second_lightsail_says(shop: Keeper) -> None:
    shop.sandbox.advance(timedelta(milliseconds=885))

    to_the(shop, 17)

    assert {entry.created_at.microsecond for entry in originals(shop)} == {885_000}
    assert nights(shop) == [15, 16, 17]


def test_a_copy_is_overdue_since_the_right_slot_whatever_fraction_of_a_second_lightsail_says(shop: Keeper) -> None:
    shop.sandbox.advance(timedelta(milliseconds=885))
    to_the(shop, 17)
    shop.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="ServiceException"), operation="CopySnapshot"))

    to_the(shop, 18)

    (line,) = shop.plan().sources
    assert [copy.overdue_since for copy in line.copies] == [datetime(2026, 6, 18, 5, tzinfo=UTC)]


def test_a_run_with_nothing_to_copy_asks_for_nothing_and_reads_each_list_once(shop: Keeper) -> None:
    to_the(shop, 16)
    shop.sandbox.clear_calls()

    shop.run()

    calls = Counter((call.region, call.operation) for call in shop.sandbox.calls())
    assert calls == {**{(REGION, each): 1 for each in LISTS}, **{(AWAY, each): 1 for each in LISTS_OF_COPIES}}


def test_without_copies_in_the_settings_no_other_region_is_asked_for_anything(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.live(2 * DAY)

    assert {call.region for call in keeper.sandbox.calls()} == {REGION}


def test_the_copies_are_pruned_by_their_own_rule_and_by_content(shop: Keeper) -> None:
    shop.configure(grace="0d")
    to_the(shop, 23)

    assert nights(shop) == [21, 22, 23]
    assert len(originals(shop)) == 8, "the originals by theirs"


def test_a_tag_says_how_long_the_copies_of_one_source_are_kept(shop: Keeper) -> None:
    shop.configure(grace="0d")
    shop.disk("till", {"backup": "daily", "backup:copy": AWAY, "backup:copy-keep": "1"})
    to_the(shop, 20)

    assert (nights(shop), nights(shop, "till")) == ([18, 19, 20], [20])


def test_what_is_kept_for_an_hour_only_is_copied_once_a_day(keeper: Keeper) -> None:
    keeper.configure(copies=COPIES, grace="0d")
    keeper.disk("till", {"backup": "hourly", "backup:keep": "1", "backup:copy": AWAY, "backup:copy-keep": "forever"})

    keeper.live(3 * DAY, HOUR)

    assert len(away(keeper, "till")) == 4, "one at once, and one each morning"


def test_a_policy_says_that_all_of_its_sources_are_copied_but_for_what_cannot_be(keeper: Keeper) -> None:
    policy = {"schedule": "0 3 * * *", "keep": "2", "copy": ""}
    keeper.configure(copies=COPIES, policies={"office": policy})
    keeper.disk("shop", {"backup": "office"})
    keeper.instance("web", {"backup": "office"})
    keeper.disk("notes", {"backup": "office", "backup:copy": "off"})
    keeper.database("till", {"backup": "office"})
    to_the(keeper, 16)

    assert [len(away(keeper, name)) for name in ("shop", "web", "notes", "till")] == [2, 2, 0, 0]
    lines = {line.name: line.copies for line in keeper.plan().sources}
    assert [bool(lines[name]) for name in ("shop", "web", "notes", "till")] == [True, True, False, False]


def test_a_database_that_is_to_be_copied_is_a_problem_and_is_backed_up_all_the_same(keeper: Keeper) -> None:
    keeper.configure(copies=COPIES)
    keeper.database("till", {"backup": "daily", "backup:copy": ""})
    keeper.live(DAY)

    (problem,) = (problem for problem in keeper.plan().problems if problem.tag == "backup:copy")
    assert "Lightsail copies no snapshots of a database" in problem.message
    assert len(originals(keeper, "till")) == 1
    assert not [call for call in keeper.sandbox.calls() if call.operation == "CopySnapshot"]


def test_a_tag_that_names_only_the_source_s_own_region_is_a_problem(keeper: Keeper) -> None:
    keeper.configure(copies={**COPIES, REGION: EACH_MORNING})
    keeper.disk("shop", {"backup": "daily", "backup:copy": REGION})

    (problem,) = keeper.plan().problems

    assert "names no Region but its own" in problem.message


# Several places


def test_a_source_is_copied_into_two_regions_each_with_its_own_rule(two_regions: Keeper) -> None:
    weekly = {"schedule": "0 6 * * 0", "keep": "weekly=8"}
    two_regions.configure(copies={AWAY: EACH_MORNING, OTHER_REGION: weekly}, grace="0d")
    two_regions.disk("shop", {"backup": "daily", "backup:copy": ""})
    to_the(two_regions, 29)

    assert (nights(two_regions), nights(two_regions, region=OTHER_REGION)) == ([27, 28, 29], [15, 21, 28])


def test_two_homes_copy_sources_of_the_same_name_into_one_region(two_regions: Keeper) -> None:
    two_regions.configure(copies=COPIES, grace="0d")
    here = two_regions.disk("shop", {"backup": "daily", "backup:copy": ""})
    there = two_regions.disk("shop", {"backup": "daily", "backup:copy": "", "backup:copy-keep": "1"}, OTHER_REGION)
    to_the(two_regions, 20)

    by_source = Counter(copy.tags["lightkeeper:source"] for copy in away(two_regions))
    assert by_source == {here: 3, there: 1}


def test_a_region_that_is_looked_after_itself_takes_copies_of_a_source_that_is_called_as_its_own(
    keeper: Keeper,
) -> None:
    keeper.regions = {**keeper.regions, AWAY: keeper.others[AWAY]}
    keeper.configure(copies=COPIES, grace="0d")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2", "backup:copy": "", "backup:copy-keep": "1"})
    own = keeper.disk("shop", {"backup": "daily", "backup:keep": "2"}, AWAY)
    to_the(keeper, 20)

    assert nights(keeper) == [20]
    assert len([each for each in keeper.sandbox.entries() if each.region == AWAY and each.source_arn == own]) == 2
    assert len(originals(keeper)) == 2
    plan = keeper.plan()
    assert [(line.region, len(line.copies)) for line in plan.sources] == [(REGION, 1), (AWAY, 0)]


def test_two_regions_that_are_each_other_s_second_one(two_regions: Keeper) -> None:
    two_regions.configure(copies={REGION: EACH_MORNING, OTHER_REGION: EACH_MORNING})
    two_regions.disk("shop", {"backup": "daily", "backup:copy": ""})
    two_regions.disk("clinic", {"backup": "daily", "backup:copy": ""}, OTHER_REGION)
    to_the(two_regions, 17)

    assert nights(two_regions, "shop", OTHER_REGION) == [15, 16, 17]
    assert nights(two_regions, "clinic", REGION) == [15, 16, 17]


@pytest.mark.parametrize(
    ("policy", "schedule", "tick", "days"),
    [
        ("hourly", "0 * * * *", HOUR, 1),
        ("hourly", "30 * * * *", HOUR, 1),
        ("half-hourly", "*/30 * * * *", HOUR / 2, 1),
        ("daily", "0 3 * * *", DAY, 4),
        ("daily", "0 5 * * *", DAY, 4),
    ],
)
def test_where_each_run_takes_a_snapshot_and_has_a_copy_to_make_it_copies_what_is_there(
    keeper: Keeper, policy: str, schedule: str, tick: timedelta, days: int
) -> None:
    keeper.configure(
        tick=f"rate({tick // timedelta(minutes=1)} minutes)",
        copies={AWAY: {"schedule": schedule, "keep": "last=3"}},
        policies={"half-hourly": {"schedule": "*/30 * * * *", "keep": "2"}},
    )
    keeper.disk("shop", {"backup": policy, "backup:copy": "", "backup:keep": "2"})
    keeper.sandbox.set_time(datetime(2026, 6, 15, 5, tzinfo=UTC))

    keeper.live(days * DAY, tick)

    newest = max(copy.content_at for copy in away(keeper) if copy.content_at)
    assert keeper.sandbox.now() - newest <= 2 * tick
    asked_for = days * DAY // tick
    assert keeper.writes().count("CopySnapshot") in {asked_for - 1, asked_for}, "one for each slot, and no more"


@pytest.mark.parametrize("name", ["a" * 255, f"{'b' * 254}𠀀", "𠀀" * 255], ids=["long", "wide", "nameless"])
def test_whatever_a_source_is_called_its_copies_are_made_found_again_and_pruned(keeper: Keeper, name: str) -> None:
    keeper.configure(copies={AWAY: {**EACH_MORNING, "keep": "1"}}, grace="0d")
    keeper.disk(name, {"backup": "daily", "backup:copy": ""} | {f"team-{number:02}": "x" * 200 for number in range(48)})

    to_the(keeper, 18)

    assert nights(keeper, name) == [18]
    assert len(away(keeper, name)[0].name) <= 254
    (line,) = keeper.plan().sources
    assert [copy.overdue_since for copy in line.copies] == [None]


# Between copy and tag


def test_a_copy_whose_answer_is_lost_is_made_once(shop: Keeper) -> None:
    shop.sandbox.add_faults(FaultRule(effect=LoseAnswer(), operation="CopySnapshot", calls=(1,)))

    runs = shop.live(3 * HOUR, HOUR)

    assert [ended.failures for ended in runs] == [(), (), ()], "it is looked up in the very run"
    (copy,) = away(shop)
    assert copy.tags[OWNER] == "Lightkeeper"


def test_a_run_that_cannot_tag_its_copy_fails_and_the_next_one_finishes_it(shop: Keeper) -> None:
    shop.sandbox.add_faults(
        FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="TagResource", region=AWAY, last=1)
    )

    runs = shop.live(2 * HOUR, HOUR)
    (copy,) = (entry for entry in shop.sandbox.entries() if entry.region == AWAY)
    assert not copy.tags
    assert any(outcome.result is Result.FAILED for ended in runs for outcome in ended.outcomes)
    shop.sandbox.clear_faults()
    shop.run()

    (copy,) = away(shop)
    assert copy.tags[OWNER] == "Lightkeeper"
    shop.run()
    assert len([call for call in shop.sandbox.calls() if call.operation == "CopySnapshot"]) == 1


def untagged_copy(shop: Keeper) -> Entry:
    """Come to where a run has made a copy, and died before it could give it its tags."""
    shop.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="TagResource"))
    shop.live(2 * HOUR, HOUR)
    shop.sandbox.clear_faults()
    (copy,) = (entry for entry in shop.sandbox.entries() if entry.region == AWAY)
    return copy


def test_a_copy_without_tags_that_somebody_tags_is_somebodys(shop: Keeper) -> None:
    copy = untagged_copy(shop)
    with closing(make_client(shop.sandbox, AWAY)) as client:
        client.tag_resource(resourceName=copy.name, tags=[{"key": "customer", "value": "bakery"}])

    run = shop.run()
    to_the(shop, 17)

    assert run.failures == ()
    (theirs,) = (entry for entry in shop.sandbox.entries() if entry.region == AWAY and entry.name == copy.name)
    assert theirs.tags == {"customer": "bakery"}
    assert nights(shop) == [15, 16, 17], "ours has another name"


def test_a_copy_without_tags_is_left_alone_once_its_original_is_gone_and_that_is_said(shop: Keeper) -> None:
    copy = untagged_copy(shop)
    (original,) = originals(shop)
    shop.user.delete_disk_snapshot(diskSnapshotName=original.name)

    *_, last = shop.live(2 * DAY)

    (nobodys,) = (entry for entry in shop.sandbox.entries() if entry.region == AWAY and entry.name == copy.name)
    assert not nobodys.tags
    (said,) = (problem for problem in last.plan.problems if copy.name in problem.message)
    assert (said.source, said.severity) == ("shop", Severity.ADVICE)
    assert said.message.startswith(f"{copy.name} in {AWAY} has the name of a copy and no tags, and what it would be")


def test_a_copy_without_tags_is_not_said_to_have_lost_its_original_while_nobody_can_tell(shop: Keeper) -> None:
    copy = untagged_copy(shop)
    shop.sandbox.clear_faults()
    shop.sandbox.add_faults(
        FaultRule(operation="GetDiskSnapshots", region=REGION, effect=ErrorAnswer(code="ServiceException"))
    )

    problems = shop.plan().problems

    assert not [problem for problem in problems if copy.name in problem.message]


def test_what_a_person_copied_by_hand_is_never_touched(shop: Keeper) -> None:
    shop.live(2 * HOUR, HOUR)
    (original,) = originals(shop)
    with closing(make_client(shop.sandbox, AWAY)) as client:
        client.copy_snapshot(sourceRegion="eu-central-1", sourceSnapshotName=original.name, targetSnapshotName="mine")

    shop.live(2 * DAY, HOUR)

    (mine,) = (entry for entry in shop.sandbox.entries() if entry.name == "mine")
    assert not mine.tags


def test_a_copy_that_has_lost_one_of_our_tags_is_nobodys_and_is_reported(shop: Keeper) -> None:
    to_the(shop, 16)
    copy = away(shop)[0]
    with closing(make_client(shop.sandbox, AWAY)) as client:
        client.untag_resource(resourceName=copy.name, tagKeys=[TAKEN])

    shop.configure(grace="0d", copies={AWAY: {**EACH_MORNING, "keep": "1"}})
    shop.live(3 * DAY, HOUR)

    assert copy.name in {entry.name for entry in shop.sandbox.entries()}
    (problem,) = shop.plan().problems
    assert f"on snapshot {copy.name}: carries Lightkeeper's tags" in problem.message


def test_a_copy_that_a_person_makes_his_own_is_replaced_once_and_no_run_fails(shop: Keeper) -> None:
    to_the(shop, 17)
    his = away(shop)[-1]
    with closing(make_client(shop.sandbox, AWAY)) as client:
        client.untag_resource(resourceName=his.name, tagKeys=[OWNER])
    shop.user.delete_disk(diskName="shop")
    made = shop.writes().count("CopySnapshot")

    runs = shop.live(3 * DAY, 6 * HOUR)

    assert [ended.failures for ended in runs if ended.failures] == []
    assert shop.writes().count("CopySnapshot") == made + 1
    newest = away(shop)[-1]
    assert (newest.name, newest.content_at) == (f"{his.name}-2", his.content_at)
    left = next(entry for entry in shop.sandbox.entries() if (entry.region, entry.name) == (AWAY, his.name))
    assert OWNER not in left.tags


# What goes wrong there


def test_copies_that_end_in_error_are_tried_again_twice_then_once_a_day_and_go_once_one_is_usable(shop: Keeper) -> None:
    shop.configure(grace="0d")
    to_the(shop, 16, 4)
    shop.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation="CopySnapshot"))
    to_the(shop, 17, 4)
    failed = [copy for copy in away(shop) if copy.state == "error"]
    assert len(failed) == 3
    assert nights(shop)[0] == 15, "the newest usable copy stays"
    assert not (set(why_not(shop.run(), "delete")))
    shop.sandbox.clear_faults()
    to_the(shop, 18)

    assert [copy.state for copy in away(shop)] == ["completed"] * 3
    assert nights(shop) == [15, 17, 18]


def test_while_no_copy_succeeds_nothing_is_pruned_there_but_at_home_as_ever(shop: Keeper) -> None:
    shop.configure(grace="0d", copies={AWAY: {**EACH_MORNING, "keep": "forever"}})
    without_copies(shop)
    to_the(shop, 18)
    shop.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation="CopySnapshot"))
    to_the(shop, 19, 9)
    shop.configure(copies={AWAY: {**EACH_MORNING, "keep": "1"}})
    before = [copy.name for copy in away(shop) if copy.state != "error"]
    to_the(shop, 20, 4)

    usable = [copy for copy in away(shop) if copy.state != "error"]
    assert [copy.name for copy in usable] == before
    assert not [copy for copy in usable if EXPIRES in copy.tags]
    assert at_home(shop, "shop") == at_home(shop, "notes") == [18, 19, 20]


def test_a_copy_that_never_ends_is_made_again_after_three_days_even_of_the_same_snapshot(keeper: Keeper) -> None:
    keeper.configure(copies=COPIES)
    keeper.disk("shop", {"backup": "monthly", "backup:copy": ""})
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="pending"), operation="CopySnapshot", calls=(1,)))
    to_the(keeper, 17)
    assert [copy.state for copy in away(keeper)] == ["pending"]

    to_the(keeper, 19)

    assert [copy.state for copy in away(keeper)] == ["pending", "completed"]
    (line,) = keeper.plan().sources
    assert [copy.overdue_since for copy in line.copies] == [None]


@pytest.mark.parametrize("code", ["UnrecognizedClientException", "RegionSetupInProgressException"])
def test_a_target_that_is_not_enabled_fails_alone(shop: Keeper, code: str) -> None:
    shop.configure(grace="0d")
    without_copies(shop)
    shop.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code=code), region=AWAY))

    runs = shop.live(5 * DAY, HOUR)

    assert at_home(shop, "shop") == at_home(shop, "notes") == [19, 20]
    assert all(AWAY in run.failures[0] for run in runs)
    assert not away(shop)
    shop.sandbox.clear_faults()
    shop.live(HOUR, HOUR)
    assert nights(shop) == [20]


@pytest.mark.usefixtures("over_http")
def test_all_lists_of_a_target_that_hangs_are_asked_for_at_once(shop: Keeper) -> None:
    shop.sandbox.add_faults(FaultRule(effect=Hang(), region=AWAY))

    with shop.running() as running:
        for listing in LISTS_OF_COPIES:
            shop.wait_for(listing, AWAY)
        assert not running.done()

    assert count(running.result(), "create") == 1


def test_a_copy_that_is_refused_holds_back_what_is_pruned_there_and_not_at_home(shop: Keeper) -> None:
    shop.configure(grace="0d")
    without_copies(shop)
    to_the(shop, 20, 4)
    before = nights(shop)
    shop.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="CopySnapshot"))
    shop.configure(copies={AWAY: {**EACH_MORNING, "keep": "1"}})

    runs = shop.live(12 * HOUR, HOUR)

    assert nights(shop) == before
    assert not [copy for copy in away(shop) if EXPIRES in copy.tags]
    assert at_home(shop, "shop") == at_home(shop, "notes") == [19, 20]
    assert "lightsail:CopySnapshot" in runs[-1].failures[0]


def test_where_every_region_refuses_the_credentials_its_targets_too_the_run_fails_at_once(shop: Keeper) -> None:
    shop.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="ExpiredTokenException")))

    with pytest.raises(Exception, match="every Region refuses the credentials"):
        shop.run()


# What a person does


def test_a_copy_that_a_person_deletes_is_made_again_while_its_slot_lasts(shop: Keeper) -> None:
    to_the(shop, 16)
    with closing(make_client(shop.sandbox, AWAY)) as client:
        client.delete_disk_snapshot(diskSnapshotName=away(shop)[-1].name)
    assert nights(shop) == [15]

    shop.run()

    assert nights(shop) == [15, 16]


def test_a_copy_on_hold_outlasts_every_rule_and_so_do_all_of_a_source_on_hold(shop: Keeper) -> None:
    shop.configure(grace="0d")
    to_the(shop, 16)
    with closing(make_client(shop.sandbox, AWAY)) as client:
        client.tag_resource(resourceName=away(shop)[0].name, tags=[{"key": "backup:hold"}])
    to_the(shop, 22)
    assert nights(shop) == [15, 20, 21, 22]

    shop.tag("shop", "backup:hold")
    to_the(shop, 25)

    assert nights(shop) == [15, 20, 21, 22, 23, 24, 25]


def test_a_hold_on_a_snapshot_travels_with_it(shop: Keeper) -> None:
    shop.sandbox.advance(HOUR)
    shop.run()
    shop.tag(originals(shop)[0].name, "backup:hold")
    shop.live(HOUR, HOUR)

    assert "backup:hold" in away(shop)[0].tags


def test_whoever_deletes_the_originals_deletes_no_copy(shop: Keeper) -> None:
    to_the(shop, 17)
    copies = {copy.name for copy in away(shop)}
    for original in originals(shop):
        shop.user.delete_disk_snapshot(diskSnapshotName=original.name)

    shop.live(DAY, HOUR)

    assert copies <= {copy.name for copy in away(shop)}


def test_a_renamed_deployment_leaves_the_copies_so_far_alone_and_makes_its_own(shop: Keeper) -> None:
    to_the(shop, 18)
    before = {copy.name: dict(copy.tags) for copy in away(shop)}
    shop.configure(deployment="Night-Shift", grace="0d")
    to_the(shop, 24)

    after = {copy.name: dict(copy.tags) for copy in away(shop)}
    assert {name: after[name] for name in before} == before
    owners = Counter(copy.tags[OWNER] for copy in away(shop))
    assert owners == {"Lightkeeper": len(before), "Night-Shift": 3}


# Copies and their rules


def test_a_rule_that_is_cut_marks_the_copies_and_deletes_them_after_the_grace(shop: Keeper) -> None:
    shop.configure(copies={AWAY: {**EACH_MORNING, "keep": "daily=7"}})
    to_the(shop, 20)
    shop.configure(copies={AWAY: {**EACH_MORNING, "keep": "1"}})
    shop.run()

    marked = [copy for copy in away(shop) if EXPIRES in copy.tags]
    assert nights(shop) == [15, 16, 17, 18, 19, 20]
    assert len(marked) == 5
    shop.configure(copies={AWAY: {**EACH_MORNING, "keep": "daily=7"}})
    shop.run()
    assert not [copy for copy in away(shop) if EXPIRES in copy.tags], "undone in time"


def test_what_a_new_copy_pushes_out_is_no_cut(keeper: Keeper) -> None:
    # The content of a copy is nine hours old when it is made.
    keeper.configure(copies=COPIES)
    keeper.disk("shop", {"backup": "daily", "backup:at": "20:00", "backup:copy": ""})
    runs = keeper.live(8 * DAY, HOUR)

    causes = [
        outcome.action.cause.value
        for run in runs
        for outcome in run.outcomes
        if isinstance(outcome.action, ScheduleDeletion)
    ]
    assert causes
    assert set(causes) == {"pushed out"}


def test_at_most_so_many_copies_of_a_source_are_deleted_in_a_run_the_oldest_first(shop: Keeper) -> None:
    shop.configure(grace="0d", maxDeletesPerSource=1, copies={AWAY: {**EACH_MORNING, "keep": "forever"}})
    to_the(shop, 20)
    shop.configure(copies={AWAY: {**EACH_MORNING, "keep": "1"}})
    shop.run()
    seen = []
    for _ in range(3):
        shop.sandbox.advance(timedelta(minutes=30))
        shop.run()
        seen.append(nights(shop))

    assert seen == [[16, 17, 18, 19, 20], [17, 18, 19, 20], [18, 19, 20]]


def test_with_prune_off_copies_are_made_and_none_is_marked_or_deleted(shop: Keeper) -> None:
    shop.configure(prune="off", grace="0d")
    to_the(shop, 21)

    assert nights(shop) == [15, 16, 17, 18, 19, 20, 21]
    assert not [copy for copy in away(shop) if EXPIRES in copy.tags]


def untagged(shop: Keeper) -> None:
    shop.untag("shop", "backup")
    shop.untag("shop", "backup:copy")


def turned_off(shop: Keeper) -> None:
    shop.tag("shop", "backup", "off")


def deleted(shop: Keeper) -> None:
    shop.user.delete_disk(diskName="shop")


def not_copied_any_more(shop: Keeper) -> None:
    shop.tag("shop", "backup:copy", "off")


ENDS = [untagged, turned_off, deleted, not_copied_any_more]


@pytest.mark.parametrize("ends", ENDS)
def test_the_copies_of_what_is_not_copied_any_more_stay(shop: Keeper, ends: Callable[[Keeper], None]) -> None:
    shop.configure(grace="0d")
    to_the(shop, 19)
    before = nights(shop)
    ends(shop)

    shop.live(20 * DAY)

    assert nights(shop) == before


@pytest.mark.parametrize("ends", ENDS)
def test_where_orphans_expire_copies_age_out_by_their_own_tags_down_to_the_last(
    shop: Keeper, ends: Callable[[Keeper], None]
) -> None:
    shop.configure(grace="0d", orphans="expire")
    shop.disk("attic", {"backup": "daily", "backup:copy": "", "backup:copy-keep": "forever"})
    to_the(shop, 19)
    forever = nights(shop, "attic")
    ends(shop)
    shop.user.delete_disk(diskName="attic")
    for original in originals(shop, "attic"):
        shop.user.delete_disk_snapshot(diskSnapshotName=original.name)

    shop.live(20 * DAY)

    assert nights(shop) == [19]
    assert nights(shop, "attic") == forever == [15, 16, 17, 18, 19]


def test_what_is_left_of_a_source_that_is_gone_is_still_copied_once(shop: Keeper) -> None:
    to_the(shop, 16, 4)
    shop.user.delete_disk(diskName="shop")

    shop.live(3 * DAY, HOUR)

    assert nights(shop) == [15, 16]
    assert len([call for call in shop.sandbox.calls() if call.operation == "CopySnapshot"]) == 2


def test_copies_that_the_instance_s_mode_makes_no_more_stay_beside_the_others(keeper: Keeper) -> None:
    keeper.configure(copies={AWAY: {**EACH_MORNING, "keep": "1"}}, grace="0d")
    keeper.instance("web", {"backup": "daily", "backup:copy": ""})
    to_the(keeper, 16)
    keeper.tag("web", "backup:mode", "system-disk")
    to_the(keeper, 20)

    assert [(copy.kind, copy.content_at and copy.content_at.day) for copy in away(keeper, "web")] == [
        ("InstanceSnapshot", 16),
        ("DiskSnapshot", 20),
    ]


def test_an_original_stays_while_it_is_copied(keeper: Keeper) -> None:
    keeper.configure(copies=COPIES, grace="0d")
    keeper.disk("till", {"backup": "hourly", "backup:keep": "1", "backup:copy": ""})
    keeper.sandbox.set_options(copy_seconds=2 * DAY.total_seconds())
    keeper.live(4 * HOUR, HOUR)
    (copy,) = away(keeper, "till")
    (original,) = (each for each in originals(keeper, "till") if each.created_at == copy.content_at)

    keeper.live(12 * HOUR, HOUR)
    assert original.name in {each.name for each in originals(keeper, "till")}
    keeper.live(3 * DAY, HOUR)

    assert original.name not in {each.name for each in originals(keeper, "till")}


def test_a_late_run_copies_nothing_that_newer_content_covers(shop: Keeper) -> None:
    to_the(shop, 18)
    before = nights(shop)

    run = shop.run(at=shop.sandbox.now() - 2 * DAY)

    assert count(run, Copy.verb) == 0
    assert nights(shop) == before


def test_a_region_that_is_taken_out_of_the_settings_keeps_its_copies(shop: Keeper) -> None:
    to_the(shop, 19)
    shop.untag("shop", "backup:copy")
    shop.configure(copies={}, grace="0d", orphans="expire")
    before = nights(shop)

    shop.live(10 * DAY)

    assert nights(shop) == before
    assert len(before) > 1
