"""How a source comes back from a copy in another Region: by its content, and as that Region has things."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from lightkeeper.errors import InvalidValueError
from lightkeeper.kinds import SourceKind
from lightkeeper.model import RecoveryPoint, Snapshot, SnapshotState, Source, StaticIp
from lightkeeper.names import copy_name
from lightkeeper.recipe import DiskRecipe
from lightkeeper.restore_choice import find_recipe
from lightkeeper.restore_copies import about_copies, copies_among, copies_there
from lightkeeper.restore_fleet import already_back, only_copied
from lightkeeper.restore_steps import (
    KEY_PAIRS,
    RESTORE_KEY,
    RESTORED_AT,
    RESTORED_FROM,
    AttachDisk,
    Attachment,
    CreateDisk,
    MoveAddress,
    OpenPorts,
    Place,
    Request,
    RestorePlan,
)
from lightkeeper.settings import Settings
from lightkeeper.tags import copy_tags, read_snapshot
from lightkeeper.times import format_minute
from tests.unit.test_restore_plan import (
    DAY,
    NOW,
    OPEN,
    REGION,
    SETTINGS,
    WEB,
    arn,
    disk_snap,
    fleet,
    has,
    living,
    made,
    place,
    plan,
    refusal,
    snap,
    system_disk,
)

AWAY = "eu-north-1"
HOUR = timedelta(hours=1)


def copied(original: Snapshot, *, late: timedelta = HOUR, region: str = AWAY) -> Snapshot:
    """Return the copy of a snapshot, of which Lightsail says nothing but that it was made so much later."""
    point = read_snapshot(original, SETTINGS)
    assert isinstance(point, RecoveryPoint)
    tags, _ = copy_tags(original, point, SETTINGS)
    return replace(
        original,
        name=copy_name(point.source_name, point.source_arn, SETTINGS.deployment, point.slot, region),
        region=region,
        created_at=original.created_at + late,
        source_name="",
        source_arns=frozenset(),
        tags=tags,
    )


def away(*found: Snapshot | Source | StaticIp, **changes: object) -> Place:
    return place(*found, region=AWAY, **({"key_pairs": ()} | changes))


def there(source: Source, **changes: object) -> Source:
    """Return a source as it would be in the second Region."""
    own = {"region": AWAY, "arn": arn(source.kind, source.name, 1, AWAY)}
    return replace(source, **(own | changes))  # type: ignore[arg-type]


def restored(from_plan: RestorePlan, source: Source, *, finished: datetime | None = NOW) -> Source:
    """Return what a plan has made."""
    end = {RESTORED_AT: f"{finished:%Y-%m-%dT%H:%M:%SZ}"} if finished else {}
    tags = {RESTORED_FROM: from_plan.snapshot, RESTORE_KEY: from_plan.key, **end}
    return replace(there(source), name=from_plan.resource, tags={**source.tags, **tags})


# Which one


def test_the_newest_content_comes_back_whenever_it_was_copied() -> None:
    old, new = copied(snap(age=3 * DAY), late=2 * DAY + 5 * HOUR), copied(snap(age=DAY))

    found = plan(away(new, old))

    assert (found.snapshot, found.taken) == (new.name, NOW - DAY)
    assert (found.home, found.region, found.source_arn) == (REGION, AWAY, arn(SourceKind.INSTANCE, "web"))


def test_a_time_that_is_asked_for_is_of_content() -> None:
    old, new = copied(snap(age=3 * DAY), late=2 * DAY + 5 * HOUR), copied(snap(age=DAY))

    assert plan(away(new, old), at=NOW - 2 * DAY).snapshot == old.name
    assert "nothing of" in refusal(away(new, old), at=NOW - 4 * DAY)


def test_files_that_are_newer_are_named_by_their_content() -> None:
    whole, files = copied(snap(age=2 * DAY), late=DAY), copied(system_disk(age=DAY))

    assert has(plan(away(whole, files)).notes, "its files are of 2026-06-14 12:00 UTC, and this is of 2026-06-13 12:00")
    assert has(fleet(away(whole, files))[0].notes, "of the system disk alone, is newer")
    older = copied(system_disk(age=3 * DAY), late=2 * DAY + 5 * HOUR)
    assert not plan(away(whole, older)).notes


def test_a_copy_that_is_not_complete_is_none() -> None:
    pending = replace(copied(snap(age=DAY)), state=SnapshotState.PENDING)

    assert plan(away(pending, copied(snap(age=2 * DAY)))).taken == NOW - 2 * DAY
    assert "has no usable recovery point" in refusal(away(pending))


def test_a_copy_can_be_named() -> None:
    old = copied(snap(age=3 * DAY))

    found = plan(away(copied(snap()), old), snapshot=old.name)

    assert (found.taken, found.home) == (NOW - 3 * DAY, REGION)
    assert 'is of "web", not of "mail"' in refusal(away(old), source="mail", snapshot=old.name)


def test_a_copy_s_name_that_is_looked_for_at_home_is_answered_with_its_region() -> None:
    original = snap(age=DAY)
    settings = replace(
        SETTINGS, copies=Settings.from_mapping({"copies": {AWAY: {"schedule": "0 5 * * *", "keep": "7"}}}).copies
    )

    with pytest.raises(InvalidValueError) as refused:
        find_recipe(Request("web", snapshot=copied(original).name), [place(original)], settings)

    assert str(refused.value) == (
        f'"{copied(original).name}" is the name of a copy in {AWAY}, and comes back there; expected --region {AWAY}, '
        "and no other"
    )
    for name in (original.name.replace("-2026", "-2025"), copied(original, region="us-west-2").name):
        with pytest.raises(InvalidValueError, match="there is no snapshot"):
            find_recipe(Request("web", snapshot=name), [place(original)], settings)


def test_what_home_is_asked_for_comes_back_at_home_or_not_at_all() -> None:
    both = place(snap(age=2 * DAY)), away(copied(snap(age=DAY)))

    assert plan(*both).region == REGION
    assert "no source that has a recovery point" in refusal(place(), both[1])
    assert [found.region for found in fleet(*both)] == [REGION]


def test_two_sources_of_a_name_are_told_apart_by_their_homes() -> None:
    own = replace(snap(region=AWAY), region=AWAY)
    there = away(own, copied(snap(age=2 * DAY)))

    assert refusal(there) == (
        '"web" is more than one source: "instance from eu-central-1, copied to eu-north-1", "instance in eu-north-1"; '
        "expected --from to say which"
    )
    assert plan(there, home=REGION).home == REGION
    assert plan(there, home=AWAY).home is None
    assert 'no recovery point from eu-west-1 in eu-north-1; expected --from as one of "eu-central-1", "eu-north-1"' in (
        refusal(there, home="eu-west-1")
    )
    assert {found.home for found in fleet(there)} == {REGION, None}
    assert [found.home for found in fleet(there, home=REGION)] == [REGION]


def test_of_a_database_nobody_finds_a_copy_and_that_is_said() -> None:
    assert "of a database there is no copy" in refusal(away(copied(snap())), source="books")
    assert "of a database" not in refusal(place(snap()), source="books")


def test_the_files_of_a_copied_system_disk_come_back_as_a_disk() -> None:
    found = plan(away(copied(system_disk())), kind=SourceKind.DISK)

    assert (found.kind, found.problems) == (SourceKind.DISK, ())
    assert has(plan(away(copied(system_disk()))).problems, "cannot boot a server")


def test_the_recipe_of_a_copy_can_be_read() -> None:
    found, recipe = find_recipe(Request("web"), (away(copied(snap(), late=2 * DAY)),), SETTINGS)

    assert (found.source_name, found.taken, recipe) == ("web", NOW - DAY, WEB)


# As the Region has things


def test_a_server_comes_into_the_zone_of_the_same_letter_with_its_very_firewall() -> None:
    found = plan(away(copied(snap())))

    assert made(found).zone == "eu-north-1b"
    assert "as the source was in eu-central-1b" in made(found).reason
    assert [step.ports for step in found.steps if isinstance(step, OpenPorts)] == [(OPEN,)]


def test_where_there_is_no_such_zone_the_first_one_does() -> None:
    found = plan(away(copied(snap()), zones=("eu-north-1c", "eu-north-1d")))

    assert made(found).zone == "eu-north-1c"
    assert "the first zone, as the source was in eu-central-1b" in made(found).reason
    assert made(plan(away(copied(snap()), zones=()))).zone == "eu-north-1a"
    assert made(plan(away(copied(snap())), zone="eu-north-1c")).zone == "eu-north-1c"


def test_a_key_pair_is_set_only_where_the_region_has_it() -> None:
    without = plan(away(copied(snap())))
    unread = plan(away(copied(snap()), unread=frozenset({KEY_PAIRS})))
    default = plan(away(copied(snap(recipe=replace(WEB, key="LightsailDefaultKeyPair")))))

    assert made(plan(away(copied(snap()), key_pairs=("owner",)))).key == "owner"
    assert (made(without).key, made(unread).key, made(default).key) == (None, None, None)
    assert has(without.not_restored, "the key pair owner: eu-north-1 has none of that name")
    assert has(without.not_restored, "aws lightsail import-key-pair --region eu-north-1 --key-pair-name owner")
    assert has(unread.not_restored, "could not be asked for it (GetKeyPairs)")
    assert has(default.not_restored, "aws lightsail download-default-key-pair --region eu-north-1")


def test_an_address_stays_at_home_and_the_plan_says_what_to_do() -> None:
    found = plan(away(copied(snap())))

    assert has(found.not_restored, "the static IP shop-ip: it stays in eu-central-1")
    allocate = "aws lightsail allocate-static-ip --region eu-north-1 --static-ip-name shop-ip"
    assert has(found.not_restored, f"{allocate} && aws lightsail attach-static-ip --region eu-north-1")
    assert has(found.not_restored, "change the DNS records")
    refused = plan(away(copied(snap())), move_address=True)
    assert has(
        refused.problems,
        f"no static IP shop-ip in eu-north-1; expected no --move-address, or one of that name: {allocate}",
    )


def test_an_address_that_waits_there_under_the_name_is_given_to_it() -> None:
    found = plan(away(copied(snap()), StaticIp("shop-ip", "203.0.113.9", None)))

    (move,) = (step for step in found.steps if isinstance(step, MoveAddress))
    assert (move.static_ip, move.taken_from) == ("shop-ip", None)
    assert has(found.not_restored, "shop-ip of eu-north-1 is 203.0.113.9, another one than that of eu-central-1")
    taken = plan(away(copied(snap()), StaticIp("shop-ip", "203.0.113.9", "other")), move_address=True)
    assert has(taken.problems, "is attached to other")


def test_every_command_to_paste_names_the_region() -> None:
    found = plan(away(copied(snap(recipe=replace(WEB, ports=None)))))

    commands = [part for each in found.not_restored for part in each.split("aws lightsail ")[1:]]
    assert len(commands) >= 5
    assert all(" --region eu-north-1 " in f"{command} " for command in commands)


def test_a_disk_is_attached_to_an_instance_of_that_region_in_its_zone() -> None:
    server = there(living("db"), recipe=replace(WEB, zone="eu-north-1c"))

    found = plan(away(copied(disk_snap()), server), source="data", attach=Attachment("db", "/dev/xvdf"))

    assert not found.problems
    (create, *_, attach) = found.steps
    assert isinstance(create, CreateDisk)
    assert (create.zone, create.size_gib) == ("eu-north-1c", 64)
    assert attach == AttachDisk(found.resource, "db", "/dev/xvdf", "--attach asks for it")


# A fleet


def test_a_fleet_comes_back_with_its_disks_in_the_zones_of_their_servers() -> None:
    web, data = fleet(
        away(copied(snap()), copied(disk_snap(recipe=DiskRecipe("eu-central-1b", 64, "web", "/dev/xvdf")))), gone=True
    )

    assert (web.source, data.source, data.after) == ("web", "data", web.resource)
    assert data.steps[-1] == AttachDisk(data.resource, web.resource, "/dev/xvdf", "where it was attached")


def test_what_is_restored_there_under_whatever_name_is_not_gone() -> None:
    old, new = copied(snap(age=2 * DAY)), copied(snap(age=DAY))
    by_hand = plan(away(old), name="web-2")
    came_back = restored(by_hand, living())
    with_data = away(old, new, came_back, copied(disk_snap("data")))
    is_newest = away(new, restored(plan(away(new), name="web-2"), living()), copied(disk_snap("data")))
    begun = away(old, new, restored(by_hand, living(), finished=None), copied(disk_snap("data")))
    origin_gone = away(new, came_back, copied(disk_snap("data")))

    with pytest.raises(InvalidValueError, match="no source that is gone, and not back already, has a usable"):
        fleet(away(old, new, came_back), gone=True)
    for there in (with_data, begun, origin_gone):
        (data,) = fleet(there, gone=True)
        (back,) = already_back([data], [there], SETTINGS)
        assert data.source == "data"
        assert (back.source, back.home, back.region, back.made) == ("web", REGION, AWAY, ("web-2",))
        assert back.newer
        assert back.newer.snapshot == new
        assert back.is_begun is (there is begun)
    (up_to_date,) = already_back(fleet(is_newest, gone=True), [is_newest], SETTINGS)
    assert up_to_date.newer is None
    (earlier,) = already_back([], [with_data], SETTINGS, at=NOW - 2 * DAY)
    assert earlier.newer is None, "nothing of that time is newer than what it was made of"
    (again,) = fleet(away(copied(snap(age=DAY)), came_back))
    assert not again.exists, "who does not say --gone wants another one"


def test_who_cannot_see_the_home_of_one_of_two_sources_of_a_name_does_not_get_the_other() -> None:
    florist = replace(snap(region=AWAY), region=AWAY)
    there = away(florist, copied(snap(age=2 * DAY)))
    dark = place(unread=frozenset({"GetInstanceSnapshots"}))

    assert refusal(dark, there).endswith(
        '"instance from eu-central-1, copied to eu-north-1", "instance in eu-north-1"; expected --from to say which'
    )
    assert plan(dark, there, home=AWAY).snapshot == florist.name
    assert plan(place(), there).snapshot == florist.name, "home has answered, and has no other"
    disks = place(unread=frozenset({"GetDiskSnapshots"}))
    assert plan(disks, there).snapshot == florist.name, "home has answered as to instances"
    assert "comes back as a disk" in refusal(dark, there, kind=SourceKind.DISK)
    assert "is no source that has a recovery point" in refusal(dark, away(copied(snap()))), "nothing comes back unasked"


def test_a_fleet_at_home_leaves_out_what_has_copies_only_and_that_can_be_told() -> None:
    points = [*copies_among([away(copied(snap("web")), copied(snap("shop")), copied(disk_snap("data")))], SETTINGS)]
    home = place(snap("shop"), living("web"))

    def left_out(home: Place, *, gone: bool, at: datetime | None = None) -> list[str]:
        return sorted(point.source_name for point in only_copied(points, [home], SETTINGS, at=at, gone=gone))

    assert left_out(home, gone=False) == ["data", "web"]
    assert left_out(home, gone=True) == ["data"], "web is still there"
    assert left_out(home, gone=True, at=NOW - 9 * DAY) == ["data", "shop"], "shop has nothing as old as that"
    come_back = living("web", life=7, tags={RESTORED_FROM: snap("web").name})
    assert left_out(place(snap("web", age=9 * DAY), snap("web"), come_back), gone=True) == ["data", "shop"]
    assert left_out(place(unread=frozenset({"GetDisks"})), gone=True) == ["data", "shop", "web"]


def test_what_a_fleet_advises_can_be_typed() -> None:
    disk, system = (
        copied(disk_snap("data", recipe=DiskRecipe(attached_to="mail", path="/dev/xvdf"))),
        system_disk("web"),
    )

    plans = {each.source: each for each in fleet(away(disk, copied(system)), gone=True)}
    suffixed = {each.source: each for each in fleet(away(disk), gone=True, suffix="-b")}

    made = plans["data"].resource
    assert plans["data"].not_restored[0] == (
        f"its attachment: run lightkeeper restore data --region {AWAY} --snapshot {disk.name} --attach mail:/dev/xvdf, "
        f"or aws lightsail attach-disk --region {AWAY} --disk-name {made} --instance-name mail --disk-path /dev/xvdf"
    )
    assert has(suffixed["data"].not_restored, f"--region {AWAY} --as data-b --snapshot {disk.name} --attach mail:")
    assert has(plans["web"].problems, f"expected lightkeeper restore web --region {AWAY} --kind disk: it comes back")


def test_the_same_fleet_goes_on_though_its_snapshots_are_gone() -> None:
    old, new = copied(snap(age=9 * DAY)), copied(snap(age=DAY))
    (first,) = fleet(away(old), gone=True, suffix="-drill")
    for finished in (None, NOW - 8 * DAY):
        there = away(new, restored(first, living(), finished=finished))

        (again,) = fleet(there, gone=True, suffix="-drill")

        assert (again.resource, again.snapshot, again.exists) == ("web-drill", old.name, True)
        assert [*already_back([again], [there], SETTINGS)] == []
        pasted = f"lightkeeper restore web --region {AWAY} --snapshot {new.name} --as NAME brings that back, too"
        assert has(again.notes, pasted)


def test_what_was_restored_under_its_name_and_is_backed_up_itself_is_no_newer_content_of_the_source() -> None:
    original = copied(snap(age=2 * DAY))
    made = restored(plan(away(original), name="web"), living())
    own = replace(snap(region=AWAY), region=AWAY)

    again = plan(away(original, own, made), name="web")

    assert (again.snapshot, again.exists, again.problems, again.notes) == (original.name, True, (), ())


def test_the_same_fleet_again_is_the_one_that_was_made_whatever_was_copied_since() -> None:
    old, new = copied(snap(age=2 * DAY)), copied(snap(age=DAY))
    (first,) = fleet(away(old), gone=True)

    (finished,) = fleet(away(old, new, restored(first, living())), gone=True)
    (begun,) = fleet(away(old, new, restored(first, living(), finished=None)), gone=True)

    assert (finished.exists, finished.is_finished, finished.resource) == (True, True, first.resource)
    assert (finished.snapshot, finished.steps[0].reason.partition(";")[0]) == (
        old.name,
        "an earlier restore has taken it",
    )
    assert has(
        finished.notes, f"{new.name}, of {format_minute(NOW - DAY)}, is newer: lightkeeper restore web --region "
    )
    assert (begun.exists, begun.is_finished, begun.snapshot, begun.taken) == (True, False, old.name, NOW - 2 * DAY)


def test_a_server_of_the_same_name_that_lives_there_is_another_one() -> None:
    own = there(living())

    (found,) = fleet(away(copied(snap()), replace(snap(region=AWAY), region=AWAY), own), gone=True)

    assert found.home == REGION
    assert has(plan(away(copied(snap()), own), name="web").problems, 'the name "web" is in use by the instance web')


def test_a_restore_that_has_recovery_points_of_its_own_by_now_is_gone_on_with() -> None:
    first = plan(away(copied(snap())), name="web")
    begun = restored(first, living(), finished=None)
    own = replace(snap(age=HOUR, region=AWAY), region=AWAY)

    for end in (None, NOW):
        again = plan(away(copied(snap()), own, restored(first, living(), finished=end)), name="web")
        assert (again.exists, again.is_finished, again.snapshot) == (True, bool(end), first.snapshot)
        assert (again.problems, again.notes) == ((), ()), "its own is not newer content of the source"
    assert plan(away(copied(snap()), own, begun), name="web", home=AWAY).problems


# What is said


def test_copies_are_found_by_content_for_whoever_has_lost_home() -> None:
    points = [
        *copies_among([away(copied(snap(age=3 * DAY), late=2 * DAY + 5 * HOUR), copied(disk_snap()))], SETTINGS),
        *copies_among([place(copied(snap(age=2 * DAY), region="us-east-1"), region="us-east-1")], SETTINGS),
        *copies_among([place(snap(age=HOUR))], SETTINGS),
    ]

    web = copies_there(points, {REGION}, Request("web"), None)
    assert [(each.region, each.newest, each.home) for each in web] == [
        ("us-east-1", NOW - 2 * DAY, None),
        (AWAY, NOW - 3 * DAY, None),
    ]
    assert [each.region for each in copies_there(points, {REGION}, Request("web"), NOW - 3 * DAY)] == [AWAY]
    assert [(each.region, each.sources) for each in copies_there(points, {REGION}, None, None)] == [
        (AWAY, 2),
        ("us-east-1", 1),
    ]
    assert not copies_there(points, {"eu-west-1"}, None, None)
    assert not copies_there(points, {REGION}, Request("web", SourceKind.DISK), None)


def test_where_the_region_has_a_source_of_that_name_itself_its_home_is_to_be_named() -> None:
    there = away(copied(snap(age=2 * DAY)), replace(snap(region=AWAY), region=AWAY))

    (found,) = copies_there(copies_among([there], SETTINGS), {REGION}, Request("web"), None)

    assert (found.region, found.home) == (AWAY, REGION)
    (everything,) = copies_there(copies_among([there], SETTINGS), {REGION}, None, None)
    assert everything.home is None, "whoever asks for everything names no source"


def test_so_it_is_where_copies_of_a_third_region_s_lie() -> None:
    there = away(copied(snap(age=2 * DAY)), copied(replace(snap(region="us-east-1"), region="us-east-1")))

    (found,) = copies_there(copies_among([there], SETTINGS), {REGION}, Request("web"), None)

    assert (found.region, found.sources, found.home) == (AWAY, 1, REGION)


def test_whoever_restores_all_elsewhere_hears_how_a_database_is_made_there() -> None:
    said = about_copies(fleet(away(copied(snap())), gone=True), SETTINGS, [REGION], is_fleet=True)

    assert has(
        tuple(said),
        f"load a dump of your own into a new one: aws lightsail create-relational-database --region {AWAY} ",
    )


def test_what_is_made_elsewhere_is_backed_up_or_that_is_said() -> None:
    plans = fleet(away(copied(snap())), gone=True)
    copies = Settings.from_mapping({"copies": {AWAY: {"schedule": "0 5 * * *", "keep": "3"}}})
    both = Settings.from_mapping(
        {"copies": {region: {"schedule": "0 5 * * *", "keep": "3"} for region in (AWAY, "eu-west-1")}}
    )

    def said(settings: Settings, *looked_after: str) -> str:
        return about_copies(plans, settings, looked_after, is_fleet=True)[-1]

    assert said(copies, REGION).startswith(
        'nothing backs up what is made in eu-north-1: "regions" of the settings names "eu'
    )
    assert "names none; expected eu-north-1 among them, or a deployment there" in said(copies)
    assert said(copies, REGION, AWAY).startswith("what is made in eu-north-1 is backed up there, and copied nowhere")
    assert said(both, AWAY).startswith(
        'what is made in eu-north-1 is backed up there, and copied as its tags say to "eu-west-1", while'
    )
    assert about_copies(fleet(place(snap())), copies, (), is_fleet=True) == ()


def test_a_fleet_says_that_databases_lack_and_that_home_may_run_on() -> None:
    plans = fleet(away(copied(snap())), gone=True)

    assert has(about_copies(plans, SETTINGS, (), is_fleet=True), "the databases of eu-central-1 are not among these")
    assert not has(about_copies(plans, SETTINGS, (), is_fleet=False), "databases")
    assert about_copies(plans, SETTINGS, (), is_fleet=False)[0] == (
        "eu-central-1 was not looked at: what still runs there, or runs there again, does everything twice, such as "
        "scheduled jobs and mail, until one of the two is stopped"
    )
    disks = fleet(away(copied(disk_snap())), gone=True)
    assert not has(about_copies(disks, SETTINGS, (), is_fleet=False), "was not looked at")
