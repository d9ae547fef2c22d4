"""Automatic snapshots are rescued before their source is deleted, and go on as recovery points."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lightkeeper.model import RecoveryPoint, SnapshotState, Status
from lightkeeper_cli import rescuing, restoring
from lightsail_sandbox.client import Entry, ErrorAnswer, FaultRule, LoseAnswer, Meanwhile, Sandbox
from tests.support.command import Ended, lightkeeper
from tests.support.keeper import AWAY, DAY, HOUR, REGION, Keeper
from tests.support.witness import CONSOLE

START = datetime(2026, 6, 15, 12, tzinfo=UTC)
SIX = timedelta(hours=6)


@pytest.fixture(autouse=True)
def folder(aws: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Stand in the folder of a cdk.json, with the sandbox for AWS and the clock; waiting moves that on."""
    (tmp_path / "cdk.json").write_text('{"lightkeeper": {}}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    aws.set_options(snapshot_seconds=0, boot_seconds=0, health_seconds=0, disk_seconds=0)
    for module in (rescuing, restoring):
        monkeypatch.setattr(module, "clock", aws.now)
    monkeypatch.setattr("time.sleep", lambda seconds: aws.advance(timedelta(seconds=seconds)))
    monkeypatch.setattr(rescuing, "patience", lambda: an_hour_of(aws))
    return tmp_path


def an_hour_of(aws: Sandbox) -> Callable[[], float]:
    end = aws.now() + HOUR

    def left() -> float:
        return (end - aws.now()).total_seconds()

    return left


@pytest.fixture
def shop(keeper: Keeper) -> Keeper:
    """A server with a firewall of its own and a disk: for eight days, only Lightsail itself has kept anything of it."""
    keeper.instance("web", {"customer": "bakery"})
    user = keeper.user
    user.create_disk(diskName="data", availabilityZone=f"{REGION}a", sizeInGb=64)
    user.attach_disk(diskName="data", instanceName="web", diskPath="/dev/xvdf")
    user.put_instance_public_ports(
        instanceName="web",
        portInfos=[{"fromPort": 443, "toPort": 443, "protocol": "tcp", "cidrs": ["203.0.113.0/24"], "ipv6Cidrs": []}],
    )
    switch_on(keeper, "web")
    keeper.sandbox.advance(8 * DAY)
    return keeper


def switch_on(keeper: Keeper, name: str, hour: str = "06:00") -> None:
    keeper.user.enable_add_on(
        resourceName=name,
        addOnRequest={"addOnType": "AutoSnapshot", "autoSnapshotAddOnRequest": {"snapshotTimeOfDay": hour}},
    )


def rescue(*arguments: str) -> Ended:
    return lightkeeper("rescue", *arguments)


def rescue_as_ours(keeper: Keeper, *arguments: str) -> Ended:
    """Rescue, and tell the witness of runs whose the snapshots are."""
    ended = rescue(*arguments)
    keeper.witness.adopt(entry.name for entry in rescued(keeper))
    return ended


def rescued(keeper: Keeper) -> list[Entry]:
    """Return what was copied from automatic snapshots, newest content first."""
    copies = [entry for entry in keeper.sandbox.entries() if entry.content_at and entry.content_at < entry.created_at]
    return sorted(copies, key=lambda entry: str(entry.content_at), reverse=True)


def contents(keeper: Keeper) -> list[str]:
    return [f"{entry.content_at:%m-%d %H:%M}" for entry in rescued(keeper)]


def copies_made(keeper: Keeper) -> int:
    """Return how many snapshots were asked for, by the calls, so that nothing that was made twice is overlooked."""
    return keeper.writes().count("CopySnapshot")


def verdicts(document: dict[str, Any]) -> dict[str, str]:
    return {day["date"]: day["verdict"] for day in document["days"]}


SEVEN = [f"06-{day} 06:00" for day in range(23, 16, -1)]


# The whole story


def test_seven_days_outlive_their_source_as_recovery_points_of_when_they_were_taken(shop: Keeper) -> None:
    ended = rescue("web", "--yes")

    assert ended.status == 0, ended.err
    assert "7 of 7 automatic snapshots of web rescued" in ended.out
    assert contents(shop) == SEVEN
    assert {entry.state for entry in rescued(shop)} == {"available"}
    shop.user.delete_instance(instanceName="web", forceDeleteAddOns=True)
    shop.sandbox.advance(DAY)

    points = [point for point in shop.plan().points if point.source_name == "web"]

    by_name = {entry.name: entry for entry in rescued(shop)}
    assert [point.taken for point in sorted_points(points)] == [entry.content_at for entry in rescued(shop)]
    assert {point.state for point in points} == {SnapshotState.USABLE}
    for point in points:
        entry = by_name[point.name]
        assert entry.created_at > point.taken, "its label is of its content, not of the copy"
        assert point.copied_at == entry.created_at
        assert (entry.tags["customer"], entry.tags["backup:hold"]) == ("bakery", "")
        assert entry.tags["lightkeeper:ports"].startswith("tcp:443=203.0.113.0/24")
        assert point.size_gib == 40 + 64


def sorted_points(points: list[RecoveryPoint]) -> list[RecoveryPoint]:
    return sorted(points, key=lambda point: point.taken, reverse=True)


def test_runs_keep_them_all_whatever_the_rules_say(shop: Keeper) -> None:
    shop.configure(orphans="expire", grace="0d", tick="rate(1 day)")
    shop.instance("mail", {})
    shop.tag("web", "backup", "daily")
    shop.tag("web", "backup:keep", "1")
    shop.run()
    rescue_as_ours(shop, "web", "--yes", "--every-day")

    shop.live(5 * DAY)
    shop.user.delete_instance(instanceName="web", forceDeleteAddOns=True)
    runs = shop.live(5 * DAY)

    assert contents(shop) == SEVEN
    assert all(run.failures == () for run in runs)
    reasons = {kept.reasons for kept in runs[-1].plan.kept if kept.point.is_rescued}
    assert reasons == {("on hold",)}


def test_they_use_no_count_of_the_rule_and_are_pruned_once_their_hold_is_off(shop: Keeper) -> None:
    shop.configure(grace="0d", tick="rate(1 day)")
    shop.tag("web", "backup", "daily")
    shop.tag("web", "backup:keep", "3")
    rescue_as_ours(shop, "web", "--yes", "--every-day")
    shop.live(4 * DAY)
    own = [name for name in shop.snapshots("web") if name not in {entry.name for entry in rescued(shop)}]
    assert len(own) in {3, 4}, "three, and what is in its grace"

    for entry in rescued(shop):
        shop.untag(entry.name, "backup:hold")
    shop.live(5 * DAY)

    assert rescued(shop) == []


def test_one_of_them_comes_back_by_the_time_of_its_content(shop: Keeper) -> None:
    rescue("web", "--yes")
    shop.user.delete_instance(instanceName="web", forceDeleteAddOns=True)
    shop.sandbox.advance(DAY)

    def snapshot(*arguments: str) -> object:
        ended = lightkeeper("restore", "web", "--dry-run", "--json", *arguments)
        assert ended.status == 0, ended.err
        (plan,) = ended.document["restores"]
        return plan["takenAt"], plan["snapshot"]

    newest, older = rescued(shop)[0], rescued(shop)[2]
    assert snapshot() == ("2026-06-23T06:00:00Z", newest.name)
    assert snapshot("--at", "2026-06-22T05:59Z") == ("2026-06-21T06:00:00Z", older.name)
    assert lightkeeper("restore", "web", "--as", "web", "--at", "2026-06-22T05:59Z", "--yes").status == 0
    instance = shop.user.get_instance(instanceName="web")["instance"]
    assert [port["fromPort"] for port in instance["networking"]["ports"]] == [443]


def test_what_was_never_backed_up_has_not_stopped_to_be(shop: Keeper) -> None:
    shop.instance("mail", {"backup": "off"})
    rescue("web", "--yes")
    shop.user.delete_instance(instanceName="web", forceDeleteAddOns=True)
    shop.sandbox.advance(8 * DAY)

    (line,) = (source for source in shop.plan().sources if source.name == "web")

    assert (line.status, line.has_stopped, len(line.usable)) == (Status.GONE, False, 7)


def test_a_disk_is_rescued_like_a_server(keeper: Keeper) -> None:
    keeper.disk("files", {"backup": "off"})
    switch_on(keeper, "files")
    keeper.sandbox.advance(3 * DAY)

    ended = rescue("files", "--yes")

    assert ended.status == 0
    assert [entry.kind for entry in rescued(keeper)] == 3 * ["DiskSnapshot"]
    assert "aws lightsail delete-disk --region eu-central-1 --disk-name files --force-delete-add-ons" in ended.out


# Twice, and after a fault at any call


def test_twice_makes_nothing_twice(shop: Keeper) -> None:
    rescue("web", "--yes")
    before = rescued(shop)
    shop.sandbox.clear_calls()

    again = rescue("web", "--yes", "--json")

    assert again.status == 0
    assert {call.operation for call in shop.sandbox.calls() if not call.operation.startswith("Get")} == set()
    assert rescued(shop) == before
    assert set(verdicts(again.document).values()) == {"there"}
    assert again.document["complete"]


def test_a_new_day_is_all_that_is_left_to_do_on_the_next(shop: Keeper) -> None:
    rescue("web", "--yes")
    shop.sandbox.advance(DAY)
    shop.sandbox.clear_calls()

    rescue("web", "--yes")

    assert (copies_made(shop), len(rescued(shop))) == (1, 8)


@pytest.mark.parametrize("code", ["AccessDeniedException", "NotFoundException"])
def test_what_dies_between_copy_and_tags_is_finished_by_the_next_try(shop: Keeper, code: str) -> None:
    shop.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code=code), operation="TagResource", last=7))
    first = rescue("web", "--yes")
    assert first.status == 1
    assert "it is copied, and lacks its tags" in first.out
    assert {len(entry.tags) for entry in rescued(shop)} == {0}
    shop.sandbox.clear_faults()

    second = rescue("web", "--yes", "--json")

    assert second.status == 0
    assert set(verdicts(second.document).values()) == {"finish"}
    assert (copies_made(shop), contents(shop)) == (7, SEVEN)
    assert {entry.tags["lightkeeper:owner"] for entry in rescued(shop)} == {"Lightkeeper"}


def test_an_answer_that_is_lost_is_no_failure(shop: Keeper) -> None:
    shop.sandbox.add_faults(FaultRule(effect=LoseAnswer(), operation="CopySnapshot", calls=(2,)))

    ended = rescue("web", "--yes")

    assert (ended.status, contents(shop)) == (0, SEVEN)


def test_one_day_fails_and_the_others_go_on(shop: Keeper) -> None:
    shop.sandbox.add_faults(
        FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="CopySnapshot", calls=(3,))
    )

    first = rescue("web", "--yes", "--json")

    assert first.status == 1
    stages = {day["date"]: day["stage"] for day in first.document["days"]}
    assert [date for date, stage in stages.items() if stage == "failed"] == ["2026-06-21"]
    assert "web is not to be deleted yet: 1 of 7 snapshots not complete; the same command goes on" in first.err
    assert contents(shop) == [*SEVEN[:2], *SEVEN[3:]]
    shop.sandbox.clear_faults()
    assert rescue("web", "--yes").status == 0
    assert contents(shop) == SEVEN


def test_where_lightsail_is_busy_it_is_asked_again(shop: Keeper) -> None:
    shop.sandbox.add_faults(
        FaultRule(effect=ErrorAnswer(code="OperationFailureException"), operation="CopySnapshot", calls=(1, 2, 3))
    )

    assert rescue("web", "--yes").status == 0
    assert contents(shop) == SEVEN


def test_where_it_stays_busy_that_is_said_in_the_end(shop: Keeper) -> None:
    shop.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="OperationFailureException"), operation="CopySnapshot"))

    ended = rescue("web", "--yes")

    assert ended.status == 1
    assert "OperationFailureException" in ended.out
    assert rescued(shop) == []


def test_one_that_ends_in_error_is_copied_once_more(shop: Keeper) -> None:
    shop.sandbox.set_options(copy_seconds=0)
    rescue("web", "--yes")
    broken = rescued(shop)[0]
    shop.sandbox.set_snapshot_state(REGION, broken.name, "error")

    again = rescue("web", "--yes")

    assert again.status == 0
    assert f"{broken.name}, of an earlier try, ended in error" in again.out
    assert [entry.name for entry in rescued(shop) if entry.content_at == broken.content_at] == [
        broken.name,
        f"{broken.name}-2",
    ]


def test_it_is_not_complete_before_all_copies_are(shop: Keeper) -> None:
    shop.sandbox.set_options(copy_seconds=5 * 3600)

    waited = rescue("web", "--yes", "--json")

    assert waited.status == 1
    assert {day["stage"] for day in waited.document["days"]} == {"pending"}
    assert not waited.document["complete"]
    shop.sandbox.advance(5 * HOUR)
    assert rescue("web", "--yes").status == 0


# What is not ours, and what is there


def test_a_name_that_is_in_use_is_left_to_whoever_has_it(shop: Keeper) -> None:
    day = rescue("web", "--dry-run", "--json").document["days"][0]
    shop.user.create_instance_snapshot(
        instanceName="web", instanceSnapshotName=day["snapshot"], tags=[{"key": "team", "value": "sales"}]
    )

    ended = rescue("web", "--yes")

    assert ended.status == 0
    assert f"the name {day['snapshot']} belongs to a snapshot that is not ours" in ended.out
    assert shop.snapshots()[day["snapshot"]] == {"team": "sales"}
    assert rescued(shop)[0].name == f"{day['snapshot']}-2"


def test_what_has_the_name_but_not_the_size_is_nobody_s_to_tag(shop: Keeper) -> None:
    day = rescue("web", "--dry-run", "--json").document["days"][0]
    shop.user.create_instance_snapshot(instanceName="web", instanceSnapshotName=day["snapshot"])
    shop.user.create_disk(diskName="more", availabilityZone=f"{REGION}a", sizeInGb=8)
    shop.user.attach_disk(diskName="more", instanceName="web", diskPath="/dev/xvdg")

    rescue("web", "--yes")

    assert shop.snapshots()[day["snapshot"]] == {}
    assert rescued(shop)[0].name == f"{day['snapshot']}-2"


def test_what_has_the_name_and_is_of_another_kind_costs_that_day_alone(shop: Keeper) -> None:
    day = rescue("web", "--dry-run", "--json").document["days"][0]
    shop.user.create_disk_snapshot(instanceName="web", diskSnapshotName=day["snapshot"])

    ended = rescue("web", "--yes")

    assert ended.status == 1
    assert "Some names are already in use" in ended.out
    assert (shop.snapshots()[day["snapshot"]], contents(shop)) == ({}, SEVEN[1:])


def test_what_gets_tags_meanwhile_is_not_taken_over(shop: Keeper) -> None:
    shop.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="TagResource"))
    rescue("web", "--yes")
    shop.sandbox.clear_faults()
    begun = rescued(shop)[0]
    # After the lists are read, and before it looks again.
    tag = {"resourceName": begun.name, "tags": [{"key": "team", "value": "sales"}]}
    meanwhile = Meanwhile(operation="TagResource", parameters=tag, access_key_id=CONSOLE)
    shop.sandbox.add_faults(FaultRule(effect=meanwhile, operation="GetAutoSnapshots", last=1))

    ended = rescue("web", "--yes")

    assert ended.status == 1
    assert "looked at again right before" in ended.out
    assert shop.snapshots()[begun.name] == {"team": "sales"}


def test_a_day_of_which_there_is_newer_content_is_said_and_copied_only_where_asked_for(shop: Keeper) -> None:
    shop.tag("web", "backup", "daily")
    shop.run()
    (own,) = shop.snapshots("web")

    plan = rescue("web", "--dry-run", "--json").document
    assert verdicts(plan)["2026-06-23"] == "covered"
    assert (plan["days"][0]["snapshot"], plan["days"][0]["takenAt"]) == (own, "2026-06-23T06:00:00Z")
    assert f"{own} has the content of 2026-06-23 12:00 UTC" in plan["days"][0]["reason"]
    assert rescue("web", "--yes").status == 0
    assert contents(shop) == SEVEN[1:]

    assert rescue("web", "--yes", "--every-day").status == 0
    assert contents(shop) == SEVEN


def test_what_is_older_than_the_automatic_one_or_about_to_go_covers_nothing(shop: Keeper) -> None:
    shop.configure(grace="9d", tick="rate(1 day)")
    shop.tag("web", "backup", "daily")
    shop.tag("web", "backup:keep", "1")
    shop.run()
    shop.live(2 * DAY)
    shop.run()

    found = verdicts(rescue("web", "--dry-run", "--json").document)

    assert found["2026-06-25"] == "covered", "it is the newest"
    assert (found["2026-06-24"], found["2026-06-23"]) == ("rescue", "rescue"), "marked, both"


# What Lightsail says


def test_a_day_that_failed_or_is_being_made_is_said_and_the_source_is_not_to_be_deleted_yet(shop: Keeper) -> None:
    shop.sandbox.fail_automatic_snapshot(REGION, "web", datetime(2026, 6, 21, tzinfo=UTC).date())
    shop.sandbox.set_options(automatic_snapshot_seconds=3000, copy_seconds=0)
    shop.sandbox.set_time(datetime(2026, 6, 24, 6, 10, tzinfo=UTC))

    ended = rescue("web", "--yes", "--json")

    assert ended.status == 1
    found = verdicts(ended.document)
    assert (found["2026-06-24"], found["2026-06-21"]) == ("later", "lost")
    assert "Lightsail is still making the automatic snapshot of 2026-06-24" in ended.err
    assert contents(shop) == [*SEVEN[:2], *SEVEN[3:]]
    shop.sandbox.advance(HOUR)
    assert rescue("web", "--yes").status == 0
    assert contents(shop)[0] == "06-24 06:00"


@pytest.mark.parametrize("knows_none", [False, True])
def test_without_automatic_snapshots_none_go_with_it(keeper: Keeper, *, knows_none: bool) -> None:
    keeper.disk("files", {})
    if knows_none:
        keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="NotFoundException"), operation="GetAutoSnapshots"))

    ended = rescue("files", "--yes")

    assert ended.status == 0
    assert "files has no automatic snapshots, so none go with it" in ended.out
    assert "\nTo keep what is on files now, take a recovery point and wait until it is usable:\n" in ended.out
    assert copies_made(keeper) == 0


def test_what_lacks_is_counted_from_the_newest_day_that_is_kept(shop: Keeper) -> None:
    shop.sandbox.fail_automatic_snapshot(REGION, "web", datetime(2026, 6, 23, tzinfo=UTC).date())

    ended = rescue("web", "--yes")

    assert contents(shop)[0] == "06-22 06:00"
    assert "What was written since 2026-06-22 06:00 UTC is in none of them." in ended.out


def test_a_day_with_two_counts_as_of_the_older_one(keeper: Keeper) -> None:
    keeper.disk("files", {})
    switch_on(keeper, "files", "13:00")
    keeper.sandbox.set_time(START + 2 * HOUR)
    switch_on(keeper, "files", "15:00")
    keeper.sandbox.set_time(START + 4 * HOUR)

    ended = rescue("files", "--yes")

    assert ended.status == 0
    assert "2026-06-15 has 2 automatic snapshots" in ended.out
    (point,) = keeper.plan().points
    assert point.taken == START + HOUR


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("orders",), '"orders" is a database, of which Lightsail makes no automatic snapshots'),
        (("wbe",), '"wbe" is no disk, instance or database'),
        (("gone",), '"gone" is gone, and its automatic snapshots went with it'),
        (("web", "--hold", "yesterday"), '"yesterday" is not a time'),
        (("web", "--hold", "2026-06-01"), 'the hold "2026-06-01" is over'),
        (("web", "--kind", "disk"), '"web" is no disk in eu-central-1'),
    ],
)
def test_a_mistake_copies_nothing_and_is_answered_with_a_sentence(
    shop: Keeper, arguments: tuple[str, ...], sentence: str
) -> None:
    shop.database("orders", {})
    shop.disk("gone", {"backup": "daily"})
    shop.run()
    shop.user.delete_disk(diskName="gone")

    ended = rescue(*arguments, "--yes")

    assert ended.status == 2
    assert sentence in ended.err
    assert copies_made(shop) == 0


def test_what_is_only_copied_to_a_region_is_not_said_to_be_gone(shop: Keeper) -> None:
    shop.configure(copies={AWAY: {"schedule": "0 5 * * *", "keep": "2"}})
    shop.tag("web", "backup", "daily")
    shop.tag("web", "backup:copy")
    shop.live(DAY, SIX)
    calls = copies_made(shop)

    ended = rescue("web", "--yes", "--region", AWAY)

    assert ended.status == 2
    assert "gone" not in ended.err
    assert f"expected the Region that it is in: --region {REGION}" in ended.err
    assert copies_made(shop) == calls


# Before anything is done


def test_the_plan_says_what_it_costs_and_changes_nothing(shop: Keeper) -> None:
    ended = rescue("web", "--dry-run", "--hold", "2026-12-31")

    assert ended.status == 0
    for words in (
        "2026-06-17",
        "rescue",
        "held through 2026-12-31",
        "about 116 GiB, 5.82 USD a month",
        "at most 36.40",
    ):
        assert words in ended.out
    assert copies_made(shop) == 0


def test_where_nobody_can_be_asked_yes_has_to_be_said(shop: Keeper) -> None:
    ended = rescue("web")

    assert ended.status == 2
    assert "expected --yes" in ended.err
    assert copies_made(shop) == 0


def test_a_hold_through_a_day_ends_with_it(shop: Keeper) -> None:
    shop.configure(orphans="expire", grace="0d", tick="rate(1 day)")
    shop.tag("web", "backup", "daily")
    shop.tag("web", "backup:keep", "2")
    shop.sandbox.advance(timedelta(hours=-10))
    rescue_as_ours(shop, "web", "--yes", "--hold", "2026-06-26")
    shop.live(3 * DAY)
    assert len(rescued(shop)) == 7

    shop.live(6 * DAY)

    assert rescued(shop) == []


# Beside copies in another Region, and what came back


def test_what_is_newest_is_copied_to_the_other_region_as_what_it_is(shop: Keeper) -> None:
    shop.sandbox.set_options(copy_seconds=0)
    shop.configure(copies={AWAY: {"schedule": "0 5 * * *", "keep": "daily=3"}})
    shop.tag("web", "backup", "monthly")
    shop.tag("web", "backup:copy")
    shop.run()
    shop.sandbox.advance(DAY)
    rescue_as_ours(shop, "web", "--yes", "--every-day")
    # A run that dies between the copy and its tags.
    shop.sandbox.add_faults(
        FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="TagResource", region=AWAY, last=1)
    )

    shop.live(DAY, HOUR)

    (copy,) = (entry for entry in shop.sandbox.entries() if entry.region == AWAY)
    assert f"{copy.content_at:%d %H:%M}" == "24 06:00"
    assert (copy.tags["lightkeeper:taken"], copy.tags["lightkeeper:name"]) == ("2026-06-24T06:00:00Z", "web")


def test_what_came_back_from_a_rescued_one_is_back(shop: Keeper) -> None:
    shop.tag("web", "backup", "daily")
    shop.run()
    rescue_as_ours(shop, "web", "--yes", "--every-day")
    shop.user.delete_instance(instanceName="web", forceDeleteAddOns=True)
    oldest = rescued(shop)[-1].name
    shop.sandbox.advance(HOUR)

    assert lightkeeper("restore", "web", "--snapshot", oldest, "--as", "web-2", "--yes").status == 0

    (gone,) = (source for source in shop.plan().sources if source.name == "web")
    assert (gone.restored_as, gone.has_stopped) == ("web-2", False)
