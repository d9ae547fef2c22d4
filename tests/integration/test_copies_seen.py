"""Copies in a second Region, as people see them: message, metric, calendar, terminal and JSON."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from lightkeeper.finding import FindingKind, region_key
from lightkeeper.findings import findings, unseen_regions
from lightkeeper.inventory import plan_regions
from lightkeeper.metrics import OF_COPIES, MetricName, measure, publishable
from lightkeeper.overview import Health, Overview
from lightkeeper.run import Run, run_regions
from lightsail_sandbox.client import EndSnapshots, ErrorAnswer, FaultRule, Sandbox
from recovery_calendar.render import Theme, render_page
from recovery_calendar.view import View, make_view
from tests.support.command import lightkeeper
from tests.support.keeper import DAY, HOUR, REGION, Keeper, _connect, console, noop

AWAY, FURTHER = "eu-north-1", "eu-west-1"
RULE = {"schedule": "0 5 * * *", "keep": "daily=3"}
DARK_AWAY = FaultRule(operation="GetDiskSnapshots", region=AWAY, effect=ErrorAnswer(code="ServiceException"))
REFUSED = FaultRule(operation="CopySnapshot", effect=ErrorAnswer(code="ServiceException"))


@pytest.fixture(autouse=True)
def folder(
    aws: Sandbox,  # noqa: ARG001 - what the command takes for AWS
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Stand in a folder with settings that have a target, with the sandbox for AWS."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cdk.json").write_text(json.dumps({"lightkeeper": {"copies": {AWAY: RULE}}}))


@pytest.fixture
def shop(keeper: Keeper) -> Keeper:
    """A shop with a disk that is copied, one that is not, and two days of backups."""
    keeper.configure(copies={AWAY: RULE})
    keeper.disk("shop", {"backup": "daily", "backup:copy": ""})
    keeper.disk("blog", {"backup": "daily"})
    live(keeper, 2 * DAY)
    return keeper


def live(keeper: Keeper, time: timedelta, step: timedelta = 3 * HOUR) -> Run:
    """Live on so long, with a run at each step; return the last one."""
    targets = _connect([*keeper.settings.copies], keeper.sandbox.url)

    def run() -> Run:
        keeper.sandbox.advance(step)
        return run_regions(
            keeper.regions,
            keeper.settings,
            keeper.sandbox.now(),
            seconds_left=lambda: 900.0,
            on_outcome=noop,
            targets=targets,
        )

    try:
        for _ in range(time // step - 1):
            run()
        return run()
    finally:
        for target in targets.values():
            target.close()


def calendar(keeper: Keeper) -> View:
    targets = _connect([*keeper.settings.copies], keeper.sandbox.url)
    try:
        plan = plan_regions(keeper.regions, keeper.settings, keeper.sandbox.now(), targets)
    finally:
        for target in targets.values():
            target.close()
    return make_view(plan, keeper.settings)


def at(keeper: Keeper) -> tuple[str, str]:
    return "--at", f"{keeper.sandbox.now():%Y-%m-%dT%H:%M:%SZ}"


def test_what_is_copied_says_where_else_it_can_be_recovered_from_and_nothing_is_wrong(shop: Keeper) -> None:
    run = live(shop, 3 * HOUR)

    assert Overview.of(run.plan).health is Health.OK
    assert findings(run, shop.settings) == ()
    assert measure(run)[MetricName.COPIES_OVERDUE] == 0
    ended = lightkeeper("status", *at(shop))
    assert ended.status == 0, ended.out
    assert re.search(rf"shop +\d recovery points in {AWAY}, the newest of 2026-06-17 03:00", ended.out)
    assert f"in {AWAY}" not in "".join(line for line in ended.out.splitlines() if line.strip().startswith("blog"))


def test_a_copy_is_not_left_in_a_region_that_nobody_looks_after_unless_its_region_is_taken_out(
    shop: Keeper, tmp_path: Path
) -> None:
    assert lightkeeper("status", "--json", *at(shop)).document["elsewhere"]["recoveryPoints"] == {}

    (tmp_path / "cdk.json").write_text('{"lightkeeper": {}}')

    assert lightkeeper("status", "--json", *at(shop)).document["elsewhere"]["recoveryPoints"] == {AWAY: 3}


def test_an_overdue_copy_is_a_finding_with_the_slot_the_region_and_a_command(shop: Keeper) -> None:
    shop.sandbox.add_faults(REFUSED)

    run = live(shop, 30 * HOUR)

    (copy,) = (each for each in findings(run, shop.settings) if each.kind is FindingKind.COPY)
    assert (copy.region, copy.source) == (AWAY, "shop")
    assert copy.what.startswith(f"copy in {AWAY} overdue since 2026-06-18 05:00 UTC; ")
    assert copy.what.endswith(f"If {REGION} is lost, so is what was changed since.")
    assert copy.since == "The slot of 2026-06-18 05:00 UTC."
    assert copy.command == f"lightkeeper plan --region {REGION}"


def test_it_is_counted_for_each_region_and_the_sentence_says_so(shop: Keeper) -> None:
    shop.configure(copies={AWAY: RULE, FURTHER: RULE})
    shop.sandbox.add_faults(REFUSED)

    run = live(shop, 2 * DAY)

    overview = Overview.of(run.plan)
    assert measure(run)[MetricName.COPIES_OVERDUE] == 2
    assert overview.health is Health.DEGRADED
    assert overview.sentence(shop.settings).startswith("2 copies in another Region overdue; ")


def test_without_copies_there_is_no_such_number(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})

    assert OF_COPIES.isdisjoint(measure(keeper.run()))


def test_copies_of_what_is_not_to_be_copied_any_more_are_not_overdue(shop: Keeper) -> None:
    shop.tag("shop", "backup:copy", "off")

    run = live(shop, 3 * DAY)

    assert measure(run)[MetricName.COPIES_OVERDUE] == 0
    assert "3 recovery points in eu-north-1, the newest of 2026-06-17 03:00 UTC; none is added any more" in [
        said for row in calendar(shop).rows for said in row.copies_said
    ]


def test_that_a_source_is_copied_no_more_is_told_for_ninety_days(shop: Keeper) -> None:
    shop.tag("shop", "backup:copy", "off")

    (told,) = findings(live(shop, 3 * HOUR), shop.settings)

    assert (told.kind, told.region, told.source) == (FindingKind.STOPPED, AWAY, "shop")
    assert told.what == (
        f"Lightkeeper copies shop to {AWAY} no more: neither its tags nor its policy ask for it. Its 3 copies there "
        "are kept."
    )
    paste_tag = f"aws lightsail tag-resource --region {REGION} --resource-name shop --tags key=backup:copy,value={AWAY}"
    assert told.command == paste_tag
    shop.configure(tick="rate(1 day)")
    assert findings(live(shop, 89 * DAY, DAY), shop.settings) == (told,)
    assert findings(live(shop, 2 * DAY, DAY), shop.settings) == ()


def test_the_calendar_puts_what_is_overdue_elsewhere_before_what_is_not_and_says_it_in_red(shop: Keeper) -> None:
    shop.sandbox.add_faults(REFUSED)
    live(shop, 2 * DAY)

    view = calendar(shop)

    assert [row.name for row in view.rows] == ["shop", "blog"], "though b comes before s"
    (item,) = re.findall(r'<li class="([^"]+)">copy in eu-north-1 overdue since', render_page(view, theme=Theme.LIGHT))
    assert item == "lk-bad"


def test_a_list_that_cannot_be_read_there_is_said_and_is_not_overdue(shop: Keeper) -> None:
    shop.sandbox.add_faults(DARK_AWAY)

    run = live(shop, 2 * DAY)

    assert measure(run)[MetricName.COPIES_OVERDUE] == 0
    (said,) = (said for row in calendar(shop).rows for said in row.copies_said)
    assert said == "copies in eu-north-1 cannot be told of: a list could not be read"


def test_a_second_region_that_cannot_be_read_hides_nothing_of_home(shop: Keeper) -> None:
    shop.tag("blog", "backup:keep", "a week")
    shop.sandbox.add_faults(DARK_AWAY)

    run = live(shop, 9 * HOUR)

    numbers = publishable(run, is_whole=True)
    assert (numbers[MetricName.RESOURCES_PROTECTED], numbers[MetricName.RESOURCES_OVERDUE]) == (1, 0)
    assert numbers[MetricName.TAG_PROBLEMS] == 1
    assert numbers.keys().isdisjoint({MetricName.COPIES_OVERDUE, MetricName.STORED_GIB}), "nobody knows"
    overview = Overview.of(run.plan)
    assert overview.health is Health.DEGRADED
    assert overview.sentence(shop.settings).startswith(
        f"Nobody can tell of the copies in {AWAY}: a list there could not be read; 1 problem"
    )


def test_no_problem_is_good_news_only_where_the_copies_were_read_too(shop: Keeper) -> None:
    shop.sandbox.add_faults(DARK_AWAY)

    assert MetricName.TAG_PROBLEMS not in publishable(live(shop, 9 * HOUR), is_whole=True)


@pytest.mark.parametrize("dark", [AWAY, REGION])
def test_a_copy_that_is_overdue_is_not_taken_to_be_over_while_one_of_the_two_regions_is_dark(
    shop: Keeper, dark: str
) -> None:
    shop.sandbox.add_faults(REFUSED)
    (before,) = (each for each in findings(live(shop, 30 * HOUR), shop.settings) if each.kind is FindingKind.COPY)
    shop.sandbox.add_faults(FaultRule(region=dark, effect=ErrorAnswer(code="ServiceException")))

    run = live(shop, 3 * HOUR)

    assert before.key not in {finding.key for finding in findings(run, shop.settings)}
    assert before.key.startswith(tuple(map(region_key, unseen_regions(run, shop.settings))))


def test_whoever_hears_that_home_is_dark_hears_how_to_bring_back_what_was_copied(shop: Keeper) -> None:
    error = ErrorAnswer(code="ServiceException")
    shop.sandbox.add_faults(FaultRule(operation="GetDiskSnapshots", region=REGION, effect=error))
    (partly,) = (each for each in findings(live(shop, 3 * HOUR), shop.settings) if each.kind is FindingKind.UNREAD)
    assert partly.command is None, "its sources are seen"

    shop.sandbox.add_faults(FaultRule(region=REGION, effect=error))

    for told in findings(live(shop, 3 * HOUR), shop.settings):
        assert (told.kind, told.region) == (FindingKind.UNREAD, REGION)
        assert f"what has copies in {AWAY} can be restored there" in told.do
        assert told.command == f"lightkeeper restore --all --gone --region {AWAY} --dry-run"


def test_whoever_hears_that_the_second_region_is_dark_need_not_bring_anything_back(shop: Keeper) -> None:
    shop.sandbox.add_faults(FaultRule(region=AWAY, effect=ErrorAnswer(code="ServiceException")))

    told = [each for each in findings(live(shop, 3 * HOUR), shop.settings) if each.kind is FindingKind.UNREAD]

    assert {(each.region, each.command) for each in told} == {(AWAY, None)}


def test_what_is_stored_counts_the_copies(shop: Keeper) -> None:
    run = live(shop, 3 * HOUR)

    (shop_line,) = (source for source in run.plan.sources if source.name == "shop")
    copies = sum(copy.size_gib for copy in shop_line.copies[0].usable)
    at_home = sum(point.size_gib for source in run.plan.sources for point in source.usable)
    assert copies > 0
    assert measure(run)[MetricName.STORED_GIB] == at_home + copies


def test_many_copies_that_will_expire_are_told_apart_from_what_goes_at_home(shop: Keeper) -> None:
    shop.configure(copies={AWAY: {**RULE, "keep": "daily=20"}}, maxDeletesPerSource=20)
    shop.tag("shop", "backup:keep", "2")
    live(shop, 9 * DAY)
    shop.tag("shop", "backup:copy-keep", "1")

    run = live(shop, 3 * HOUR)

    (told,) = (each for each in findings(run, shop.settings) if each.kind is FindingKind.EXPIRING)
    assert (told.region, told.source) == (AWAY, "shop")
    assert told.what == f'11 copies of shop in {AWAY} will be deleted: the rule "last=1" for them no longer keeps them.'
    assert 'give it a wider "backup:copy-keep", or hold them all' in told.do


def test_who_cannot_see_home_sees_what_can_be_restored_elsewhere_and_how(shop: Keeper) -> None:
    shop.sandbox.add_faults(FaultRule(region=REGION, effect=ErrorAnswer(code="ServiceException")))

    ended = lightkeeper("status", *at(shop))

    assert ended.status == 1
    assert ended.out.endswith(
        f"{AWAY} has copies of 1 source, the newest of 2026-06-17 03:00 UTC, that can be restored there: lightkeeper "
        f"restore --all --gone --region {AWAY}\n"
    )


def test_a_deleted_source_of_which_only_copies_are_left_still_wants_a_person(shop: Keeper) -> None:
    shop.user.delete_disk(diskName="shop")
    for entry in shop.sandbox.entries():
        if entry.region == REGION and entry.source_name == "shop":
            shop.user.delete_disk_snapshot(diskSnapshotName=entry.name)
    run = live(shop, 12 * HOUR)

    (told,) = (each for each in findings(run, shop.settings) if each.kind is FindingKind.STOPPED)
    assert told.source == "shop"
    assert Overview.of(run.plan).stopped == 1


def test_what_has_stopped_says_what_is_left_in_each_region(shop: Keeper) -> None:
    shop.untag("shop", "backup")

    run = live(shop, 3 * HOUR)

    (told,) = (each for each in findings(run, shop.settings) if each.kind is FindingKind.STOPPED)
    assert told.what.endswith(f"Its 3 recovery points and 3 copies in {AWAY} are kept.")


def test_status_exits_with_3_and_its_json_says_which(shop: Keeper) -> None:
    shop.sandbox.add_faults(REFUSED)
    live(shop, 30 * HOUR)

    ended = lightkeeper("status", "--json", *at(shop))

    assert ended.status == 3
    sources = {each["name"]: each for each in ended.document["sources"]}
    assert sources["blog"]["copies"] == []
    assert sources["shop"]["copies"] == [
        {
            "region": AWAY,
            "recoveryPoints": 3,
            "newest": "2026-06-17T03:00:00Z",
            "nextSlot": "2026-06-19T05:00:00Z",
            "overdueSince": "2026-06-18T05:00:00Z",
            "wanted": True,
            "expiring": [],
            "held": 0,
        }
    ]


def test_copies_that_will_go_and_those_that_are_held_are_seen_beside_how_many_there_are(shop: Keeper) -> None:
    live(shop, DAY)
    away = console(shop.sandbox, AWAY)
    oldest, *_ = sorted(entry.name for entry in shop.sandbox.entries() if entry.region == AWAY)
    away.tag_resource(resourceName=oldest, tags=[{"key": "backup:hold"}])
    shop.tag("shop", "backup:copy-keep", "1")
    live(shop, 3 * HOUR)

    shown = " ".join(lightkeeper("status", *at(shop)).out.split())
    (copied,) = (each for each in lightkeeper("status", "--json", *at(shop)).document["sources"] if each["copies"])

    (copies,) = copied["copies"]
    assert (copies["recoveryPoints"], copies["held"], len(copies["expiring"])) == (4, 1, 2)
    assert oldest not in copies["expiring"]
    assert f"4 recovery points in {AWAY}, the newest of 2026-06-18 03:00 UTC, 2 scheduled for deletion from " in shown
    assert " on, 1 on hold" in shown


def test_one_copy_that_hangs_is_seen_though_newer_ones_are_well(shop: Keeper) -> None:
    shop.sandbox.add_faults(FaultRule(operation="CopySnapshot", calls=(1,), effect=EndSnapshots(state="pending")))
    live(shop, 2 * DAY)

    shown = " ".join(lightkeeper("status", *at(shop)).out.split())

    (hangs,) = (entry for entry in shop.sandbox.entries() if entry.region == AWAY and entry.state == "pending")
    assert "overdue since" not in shown
    assert f"; copy {hangs.name} has been pending since {hangs.created_at:%Y-%m-%d %H:%M} UTC" in shown


def test_the_list_of_recovery_points_tells_copies_from_what_is_at_home(shop: Keeper) -> None:
    live(shop, 3 * HOUR)

    out = lightkeeper("snapshots", "shop", *at(shop)).out

    at_home, copied = out.split(f"shop disk in {REGION}, copied to {AWAY}: 3 recovery points")
    assert f"shop disk in {REGION}, protected: 3 recovery points" in at_home
    assert "6 recovery points of 1 source" in copied
    for entry in shop.sandbox.entries():
        if entry.source_name == "shop" or entry.region == AWAY:
            assert entry.name in (at_home if entry.region == REGION else copied)


def test_copies_are_listed_where_their_home_is_not_looked_at(shop: Keeper) -> None:
    shop.sandbox.add_faults(FaultRule(region=REGION, effect=ErrorAnswer(code="ServiceException")))

    ended = lightkeeper("snapshots", "shop", "--region", AWAY, "--json", *at(shop))

    assert ended.status == 0, ended.out
    listed = ended.document["snapshots"]
    assert {each["region"] for each in listed} == {AWAY}
    assert [each["taken"] for each in listed] == [f"2026-06-{taken}:00:00Z" for taken in ("17T03", "16T03", "15T15")]
    assert {*map(str, listed[0]["reasons"])} == {f"{REGION}, where its source is, was not looked at"}


@pytest.mark.parametrize("columns", [60, 80, 100, 120])
def test_in_a_terminal_of_any_width_the_copies_stay_readable(
    shop: Keeper, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("FORCE_COLOR", "1")
    # Rich takes 80 columns for a dumb one, whatever it has.
    monkeypatch.setenv("TERM", "xterm")
    shop.sandbox.add_faults(REFUSED)
    live(shop, 30 * HOUR)

    out = re.sub(r"\x1b\[[0-9;]*m", "", lightkeeper("status", *at(shop)).out)

    assert max(map(len, out.splitlines())) <= columns
    assert "copy in eu-north-1 overdue since 2026-06-18 05:00 UTC; 3 recovery points in eu-north-1" in " ".join(
        out.split()
    )


def test_plan_and_run_name_each_copy_in_the_terminal(shop: Keeper) -> None:
    shop.sandbox.advance(DAY)
    lightkeeper("run", *at(shop))
    shop.sandbox.advance(HOUR)

    planned, ended = lightkeeper("plan", *at(shop)), lightkeeper("run", *at(shop))

    (copy,) = (entry for entry in shop.sandbox.entries() if entry.region == AWAY and entry.state == "pending")
    reason = "eu-north-1 has nothing as new for the slot 2026-06-18T05:00:00Z"
    assert f"copy    {copy.name}  {reason}" in planned.out
    assert f"copy    done     {copy.name}  {reason}" in ended.out
    kept = [line.split("  ")[0] for line in planned.out.partition("what is kept, and what goes")[2].splitlines()]
    assert [name for name in kept if name.startswith("shop")] == ["shop", f"shop in {AWAY}"], "by rules of their own"


def test_a_verbose_plan_lists_each_recovery_point_with_the_region_that_it_is_in(shop: Keeper) -> None:
    ended = lightkeeper("plan", "--verbose", *at(shop))

    entries = [entry for entry in shop.sandbox.entries() if entry.source_name == "shop" or entry.region == AWAY]
    assert {entry.region for entry in entries} == {REGION, AWAY}
    for entry in entries:
        assert f"{entry.name}  {entry.region}" in ended.out
    assert len(re.findall(rf"^shop\b.* in {REGION}", ended.out, re.MULTILINE)) == 1, "the source, by its home"


def test_where_nothing_is_copied_no_region_is_listed(keeper: Keeper) -> None:
    keeper.disk("blog", {"backup": "daily"})
    keeper.run()

    assert "Region " not in lightkeeper("plan", "--verbose", *at(keeper)).out
