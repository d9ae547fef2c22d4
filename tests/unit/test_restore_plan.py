"""How a source comes back, and why it does not: each refusal is a sentence that says what to do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lightkeeper.errors import InvalidValueError
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import AttachedDisk, Snapshot, SnapshotState, Source, StaticIp
from lightkeeper.names import snapshot_name
from lightkeeper.recipe import DatabaseRecipe, DiskRecipe, InstanceRecipe, Part, PortRule, Recipe, recipe_tags
from lightkeeper.restore_choice import find_recipe
from lightkeeper.restore_fleet import plan_fleet
from lightkeeper.restore_plan import parse_attachment, plan_restore
from lightkeeper.restore_steps import (
    RESTORE_KEY,
    RESTORED_AT,
    RESTORED_FROM,
    AttachDisk,
    Attachment,
    Bundle,
    CreateDatabase,
    CreateDisk,
    CreateInstance,
    MoveAddress,
    OpenPorts,
    Place,
    Request,
    RestorePlan,
    Until,
    Wait,
)
from lightkeeper.settings import Settings
from lightkeeper.times import format_minute

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
REGION = "eu-central-1"
SETTINGS = Settings()
ARN_TYPES = {SourceKind.INSTANCE: "Instance", SourceKind.DISK: "Disk", SourceKind.DATABASE: "RelationalDatabase"}
OPEN = PortRule("tcp", 443, 443, ("0.0.0.0/0",), ("::/0",))
WEB = InstanceRecipe(
    zone="eu-central-1b",
    bundle="small",
    ports=(OPEN,),
    static_ip="shop-ip",
    key="owner",
    address_type="dualstack",
    auto_snapshot="06:00",
)
BUNDLES = (
    Bundle("nano", 2, 0.5, 20, 5.0, is_active=True, platform="LINUX_UNIX"),
    Bundle("small", 2, 2, 60, 12.0, is_active=True, platform="LINUX_UNIX"),
    Bundle("medium", 2, 4, 80, 24.0, is_active=True, platform="LINUX_UNIX"),
    Bundle("small_old", 1, 2, 60, 10.0, is_active=False, platform="LINUX_UNIX"),
    Bundle("small_v6", 2, 2, 60, 10.0, is_active=True, platform="LINUX_UNIX", has_ipv4=False),
    Bundle("small_win", 2, 2, 60, 22.0, is_active=True, platform="WINDOWS"),
    Bundle("huge", 16, 64, 1280, 384.0, is_active=True, platform="LINUX_UNIX"),
)


def arn(kind: SourceKind, name: str, life: int = 1, region: str = REGION) -> str:
    return f"arn:aws:lightsail:{region}:1:{ARN_TYPES[kind]}/{name}-{life}"


def snap(
    name: str = "web",
    *,
    kind: SnapshotKind = SnapshotKind.INSTANCE,
    of: SourceKind = SourceKind.INSTANCE,
    age: timedelta = DAY,
    life: int = 1,
    recipe: Recipe | None = WEB,
    tags: dict[str, str] | None = None,
    state: SnapshotState = SnapshotState.USABLE,
    region: str = REGION,
    attached: tuple[AttachedDisk, ...] = (),
    bundle: str | None = "small",
    size: int = 60,
) -> Snapshot:
    taken = NOW - age
    own = {
        "lightkeeper:owner": SETTINGS.deployment,
        "lightkeeper:source": arn(of, name, life, region),
        "lightkeeper:slot": f"{taken:%Y-%m-%dT%H:%M:%SZ}",
    }
    return Snapshot(
        kind=kind,
        name=snapshot_name(name, own["lightkeeper:source"], SETTINGS.deployment, taken),
        region=region,
        state=state,
        created_at=taken,
        size_gib=size,
        source_name=name,
        source_arns=frozenset({own["lightkeeper:source"]}),
        from_auto_snapshot=False,
        tags=(tags or {"backup": "daily"}) | (recipe_tags(recipe, 30)[0] if recipe else {}) | own,
        attached=attached,
        bundle=bundle,
    )


def system_disk(name: str = "web", age: timedelta = DAY) -> Snapshot:
    return snap(name, kind=SnapshotKind.DISK, age=age, bundle=None)


def disk_snap(name: str = "data", age: timedelta = DAY, recipe: Recipe | None = None, life: int = 1) -> Snapshot:
    recipe = recipe or DiskRecipe(zone="eu-central-1b", size_gib=64, attached_to="web", path="/dev/xvdf")
    return snap(
        name, kind=SnapshotKind.DISK, of=SourceKind.DISK, age=age, recipe=recipe, bundle=None, size=32, life=life
    )


def database_snap(name: str = "books", recipe: Recipe | None = None) -> Snapshot:
    recipe = recipe or DatabaseRecipe("eu-central-1a", "small_db", is_public=True, backup_window="16:00-16:30")
    return snap(name, kind=SnapshotKind.DATABASE, of=SourceKind.DATABASE, recipe=recipe, bundle="small_db")


def living(
    name: str = "web",
    kind: SourceKind = SourceKind.INSTANCE,
    life: int = 1,
    *,
    tags: dict[str, str] | None = None,
    recipe: Recipe | None = WEB,
    attached_to: str | None = None,
    path: str | None = None,
) -> Source:
    return Source(
        kind, name, arn(kind, name, life), REGION, NOW - 9 * DAY, tags or {}, attached_to, path, recipe=recipe
    )


def place(*found: Snapshot | Source | StaticIp, region: str = REGION, **changes: object) -> Place:
    known = Place(
        region=region,
        sources=tuple(each for each in found if isinstance(each, Source)),
        snapshots=tuple(each for each in found if isinstance(each, Snapshot)),
        static_ips=tuple(each for each in found if isinstance(each, StaticIp)),
        bundles=BUNDLES,
        database_bundles=(Bundle("small_db", 2, 2, 40, 30.0, is_active=True),),
        zones=tuple(f"{region}{letter}" for letter in "abc"),
        key_pairs=("owner",),
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def plan(*places: Place, source: str = "web", **asked: object) -> RestorePlan:
    return plan_restore(Request(source, **asked), places, SETTINGS, NOW)  # type: ignore[arg-type]


def fleet(*places: Place, **asked: object) -> tuple[RestorePlan, ...]:
    return plan_fleet(places, SETTINGS, NOW, **asked)  # type: ignore[arg-type]


def made(found: RestorePlan) -> CreateInstance:
    step = found.steps[0]
    assert isinstance(step, CreateInstance)
    return step


def refusal(*places: Place, source: str = "web", **asked: object) -> str:
    with pytest.raises(InvalidValueError) as error:
        plan(*places, source=source, **asked)
    return str(error.value)


def has(found: tuple[str, ...], words: str) -> bool:
    return any(words in each for each in found)


# What is asked for, and is not there


def test_an_unknown_source_is_refused_with_the_nearest_one() -> None:
    assert refusal(place(snap()), source="webb") == (
        '"webb" is no source that has a recovery point in eu-central-1; expected the name of one; did you mean "web"?'
    )


def test_a_source_without_a_recovery_point_is_told_how_to_get_one() -> None:
    said = refusal(place(snap(), living("shop")), source="shop")

    assert said.startswith('"shop" has no recovery point of the deployment')
    assert "lightkeeper take, or --snapshot" in said


def test_what_could_not_be_read_is_said_where_something_is_missing() -> None:
    assert "as far as could be read (GetDisks: no)" in refusal(place(failures=("GetDisks: no",)), source="x")


def test_a_name_of_two_sources_is_refused_with_both() -> None:
    both = place(snap("data"), disk_snap("data"))

    assert refusal(both, source="data") == (
        '"data" is more than one source: "disk in eu-central-1", "instance in eu-central-1"; expected --kind '
        "to say which"
    )
    assert plan(both, source="data", kind=SourceKind.DISK).kind is SourceKind.DISK


def test_a_name_in_two_regions_is_refused_with_both() -> None:
    there = place(snap(region="us-east-1"), region="us-east-1")

    assert '"instance in eu-central-1", "instance in us-east-1"' in refusal(place(snap()), there)


def test_a_kind_that_a_source_has_not_is_refused_with_those_it_has() -> None:
    assert refusal(place(snap()), kind=SourceKind.DATABASE) == (
        '"web" has no recovery point that comes back as a database; expected --kind as one of "instance"'
    )


def test_a_time_before_the_oldest_is_refused_with_the_oldest() -> None:
    said = refusal(place(snap(age=DAY), snap(age=3 * DAY)), at=NOW - 5 * DAY)

    assert "its oldest recovery point was taken at 2026-06-12 12:00" in said
    assert "expected that time or later" in said


def test_the_newest_of_a_time_is_taken() -> None:
    older, newer = snap(age=3 * DAY), snap(age=DAY)

    assert plan(place(older, newer)).snapshot == newer.name
    assert plan(place(newer, older), at=NOW - 2 * DAY).snapshot == older.name
    assert plan(place(newer, older), at=older.created_at).snapshot == older.name


@pytest.mark.parametrize("state", [SnapshotState.PENDING, SnapshotState.ERROR, SnapshotState.UNKNOWN])
def test_only_a_usable_snapshot_comes_back(state: SnapshotState) -> None:
    broken = snap(state=state)

    assert f'has no usable recovery point: {broken.name} is "{state}"' in refusal(place(broken))
    assert (
        f'{broken.name} is "{state}"; expected one that is complete'
        in plan(place(broken), snapshot=broken.name).problems[0]
    )
    older = snap(age=2 * DAY)
    assert plan(place(broken, older)).snapshot == older.name


# --snapshot


def test_a_snapshot_of_somebody_else_comes_back_too() -> None:
    foreign = replace(snap(recipe=None), name="by-hand", tags={"customer": "shop"})

    found = plan(place(foreign), snapshot="by-hand")

    assert found.problems == ()
    assert found.snapshot == "by-hand"
    assert has(found.not_restored, "by-hand has no recipe, so nobody knows what web had")
    assert has(found.not_restored, "the firewall: it is the blueprint's default, open to the world")


def test_a_snapshot_that_is_not_there_is_refused_with_the_nearest() -> None:
    foreign = replace(snap(), name="before-upgrade", tags={})

    assert (
        'there is no snapshot "befor-upgrade" in eu-central-1; expected one there is; did you mean "before-upgrade"?'
        in (refusal(place(foreign), snapshot="befor-upgrade"))
    )


def test_a_snapshot_of_another_source_is_refused() -> None:
    other = snap("shop")

    assert (
        f'the snapshot "{other.name}" is of "shop", not of "web"; expected a snapshot of it; did you mean "shop"?'
        == (refusal(place(other), snapshot=other.name))
    )


def test_a_snapshot_in_two_regions_or_of_another_kind_is_refused() -> None:
    one = replace(snap(), name="by-hand", tags={})
    two = replace(one, region="us-east-1")

    assert 'is in more than one Region: "eu-central-1", "us-east-1"; expected --region' in refusal(
        place(one), place(two, region="us-east-1"), snapshot="by-hand"
    )
    assert "comes back as an instance, not as a disk; expected --kind instance" in refusal(
        place(one), snapshot="by-hand", kind=SourceKind.DISK
    )


# Bundles


def test_a_bundle_that_nobody_knows_is_refused_with_the_nearest() -> None:
    found = plan(place(snap()), bundle="smal")

    assert found.problems == ('"smal" is no bundle of Lightsail; did you mean "small"?; expected one such as "small"',)


def test_a_bundle_that_is_too_small_is_refused_with_one_that_is_not() -> None:
    (said,) = plan(place(snap()), bundle="nano").problems

    assert said.startswith("the bundle nano has 20 GB of disk, and the snapshot's (small) has 60")
    assert said.endswith("expected one at least as large, such as small")


def test_a_bundle_of_another_platform_is_refused() -> None:
    assert (
        "small_win is for WINDOWS, and the snapshot is of LINUX_UNIX"
        in plan(place(snap()), bundle="small_win").problems[0]
    )


def test_a_bundle_that_is_not_sold_any_more_is_replaced_by_the_cheapest_that_is_as_large() -> None:
    old = snap(recipe=replace(WEB, bundle="small_old"), bundle="small_old")

    found = plan(place(old))

    assert made(found).bundle == "small"
    assert has(found.notes, "the bundle small_old is not to be had any more; small is the cheapest that is as large")
    assert plan(place(snap()), bundle="small_old").problems == (
        "the bundle small_old is not to be had any more; expected one that is, such as small",
    )


def test_a_bundle_for_which_there_is_no_other_has_to_be_named() -> None:
    gone = snap(recipe=replace(WEB, bundle="xl"), bundle="xl")

    assert "and none is as large; expected --bundle ID" in plan(place(gone)).problems[0]
    assert plan(place(snap(recipe=None, bundle=None), bundles=())).problems == (
        "nobody knows which bundle web had; expected --bundle ID",
    )


def test_a_larger_bundle_is_taken_and_priced() -> None:
    found = plan(place(snap(attached=(AttachedDisk("/dev/xvdf", "data", 100),))), bundle="medium")

    assert made(found).bundle == "medium"
    assert found.usd_per_month == pytest.approx(34.0)


def test_more_processors_than_the_quota_are_said() -> None:
    assert not has(plan(place(snap(), cpus_in_use=18)).notes, "vCPUs")
    assert has(plan(place(snap(), cpus_in_use=19)).notes, "then have 21 vCPUs, more than the 20")


def test_a_fleet_counts_the_processors_of_all_of_it() -> None:
    plans = fleet(place(*(snap(f"web-{number:02}") for number in range(11)), cpus_in_use=0))

    assert [found.cpus_in_use for found in plans] == list(range(2, 23, 2))
    assert [has(found.notes, "vCPUs") for found in plans] == [False] * 10 + [True]


def test_windows_gets_no_key_and_is_told_of_its_password() -> None:
    found = plan(place(snap(recipe=replace(WEB, bundle="small_win"), bundle="small_win")))

    assert made(found).key is None
    assert has(found.not_restored, "Sysprep")


def test_ipv6_only_stays_so_and_follows_the_bundle_that_is_asked_for() -> None:
    six = snap(recipe=replace(WEB, bundle="small_v6", address_type="ipv6", static_ip=None), bundle="small_v6")

    assert made(plan(place(six))).address_type == "ipv6"
    four = plan(place(six), bundle="medium")
    assert made(four).address_type == "dualstack"
    assert has(four.notes, "with the bundle medium its addresses are dualstack, not ipv6")


# Zones and names


def test_a_zone_that_the_region_has_not_is_refused_with_the_nearest() -> None:
    said = plan(place(snap()), zone="eu-central-1d").problems[0]

    assert '"eu-central-1d" is no zone of eu-central-1; expected one of "eu-central-1a"' in said


def test_the_zone_is_the_sources_or_the_first() -> None:
    assert made(plan(place(snap()))).zone == "eu-central-1b"
    assert made(plan(place(snap()), zone="eu-central-1c")).zone == "eu-central-1c"
    found = made(plan(place(snap(), zones=("eu-central-1a",))))
    assert found.zone == "eu-central-1a"
    assert "eu-central-1b is not to be had, so the first is taken" in found.reason
    assert "the zone of the source is not known" in made(plan(place(snap(recipe=None)))).reason


@pytest.mark.parametrize(
    ("holder", "words"),
    [
        (living("new"), "the instance new"),
        (living("new", SourceKind.DISK), "the disk new"),
        (living("new", SourceKind.DATABASE), "the database new"),
        (replace(snap("other"), name="new"), "the InstanceSnapshot new"),
        (StaticIp("new", "192.0.2.1", None), "the static IP new"),
    ],
)
def test_a_name_in_use_is_refused_with_what_has_it(holder: Snapshot | Source | StaticIp, words: str) -> None:
    said = plan(place(snap(), holder), name="new").problems

    assert len(said) == 1
    assert said[0].startswith(f'the name "new" is in use by {words}, and names are unique in a Region; expected --as')


def test_a_name_in_use_by_something_else_is_refused_too() -> None:
    assert "by the key pair owner" in plan(place(snap()), name="owner").problems[0]
    assert "by another resource" in plan(place(snap(), names=frozenset({"lb"})), name="lb").problems[0]


def test_our_own_name_is_another_one_where_it_is_in_use() -> None:
    assert plan(place(snap())).resource == "web-restored-20260615-1200"
    assert plan(place(snap(), living("web-restored-20260615-1200"))).resource == "web-restored-20260615-1200-2"


@pytest.mark.parametrize("name", ["-web", "web-", "w", "web shop", "wéb", "", "x" * 256])
def test_a_name_that_lightsail_does_not_allow_is_refused(name: str) -> None:
    assert "cannot be the name of an instance; expected 2 to 255 characters" in refusal(place(snap()), name=name)


def test_a_database_has_a_narrower_alphabet_and_that_is_known_without_a_kind() -> None:
    said = refusal(place(database_snap()), source="books", name="my_books")

    assert '"my_books" cannot be the name of a database; expected 2 to 255 characters: letters, digits and "-"' in said


def test_the_longest_name_still_fits() -> None:
    long = "w" * 254

    found = plan(place(snap(long)), source=long)

    assert found.problems == ()
    assert len(found.resource) <= 254
    assert found.resource.endswith("-restored-20260615-1200")


# System disks


def test_a_system_disk_cannot_boot_and_is_offered_as_a_disk() -> None:
    found = plan(place(system_disk()))

    assert "of the system disk alone, which cannot boot a server; expected --kind disk" in found.problems[0]
    as_disk = plan(place(system_disk()), kind=SourceKind.DISK)
    assert as_disk.problems == ()
    assert isinstance(as_disk.steps[0], CreateDisk)
    assert as_disk.steps[0].zone == "eu-central-1b"
    assert not has(as_disk.not_restored, "firewall")


def test_a_whole_server_is_preferred_to_a_newer_system_disk_and_that_is_said() -> None:
    whole, files = snap(age=9 * DAY), system_disk(age=DAY)

    found = plan(place(whole, files))

    assert found.snapshot == whole.name
    assert has(found.notes, f"{files.name}, of the system disk alone, is newer")
    assert plan(place(whole, files), kind=SourceKind.DISK).snapshot == files.name
    assert has(fleet(place(whole, files))[0].notes, "of the system disk alone, is newer")


# Attachments


@pytest.mark.parametrize("text", ["web", "web:", ":/dev/xvdf", "web:xvdf", "web:/dev/", "web:/dev/xvdf 1", ""])
def test_an_attachment_is_an_instance_and_a_path(text: str) -> None:
    with pytest.raises(InvalidValueError, match='expected such as "web:/dev/xvdf"'):
        parse_attachment(text)


def test_an_attachment_is_read() -> None:
    assert parse_attachment("web:/dev/xvdf") == Attachment("web", "/dev/xvdf")


def test_a_disk_is_not_attached_to_what_is_not_there() -> None:
    said = plan(place(disk_snap(), living()), source="data", attach=Attachment("webb", "/dev/xvdf")).problems

    assert said == (
        '--attach: there is no instance "webb" in eu-central-1; expected one there is; did you mean "web"?',
    )


def test_a_disk_that_was_attached_to_nothing_has_not_lost_an_attachment() -> None:
    attached = plan(place(disk_snap()), source="data").not_restored
    free = plan(place(disk_snap(recipe=DiskRecipe(zone="eu-central-1b", size_gib=64))), source="data").not_restored

    assert has(attached, "its attachment: ")
    assert has(attached, "--attach web:/dev/xvdf")
    assert not has(free, "its attachment")
    assert has(free, "it is attached to no instance: ")
    assert has(free, "--attach INSTANCE:/dev/xvdf")


def test_a_disk_is_not_attached_where_another_is() -> None:
    other = living("files", SourceKind.DISK, attached_to="web", path="/dev/xvdf")

    said = plan(place(disk_snap(), living(), other), source="data", attach=Attachment("web", "/dev/xvdf")).problems

    assert said == ("--attach: /dev/xvdf of web is taken by files; expected a path that is free",)


def test_a_disk_follows_the_zone_of_its_instance() -> None:
    there = living(recipe=replace(WEB, zone="eu-central-1c"))
    where = Attachment("web", "/dev/xvdf")

    found = plan(place(disk_snap(), there), source="data", attach=where)

    assert isinstance(found.steps[0], CreateDisk)
    assert (found.steps[0].zone, found.steps[0].size_gib) == ("eu-central-1c", 64)
    assert "in the zone of web, to be attached there" in found.steps[0].reason
    assert found.steps[-1] == AttachDisk(found.resource, "web", "/dev/xvdf", "--attach asks for it")
    wrong = plan(place(disk_snap(), there), source="data", attach=where, zone="eu-central-1a")
    assert wrong.problems == (
        "web is in eu-central-1c, and a disk is attached only in its own zone; expected --zone eu-central-1c, or none",
    )


def test_options_of_another_kind_are_refused() -> None:
    assert plan(place(snap()), attach=Attachment("web", "/dev/xvdf")).problems[0].startswith("--attach is for a disk")
    on_disk = plan(place(disk_snap()), source="data", bundle="small", move_address=True).problems
    assert [said.partition(" is for")[0] for said in on_disk] == ["--bundle", "--move-address"]
    on_database = plan(place(database_snap()), source="books", move_address=True).problems
    assert on_database == ("--move-address is not for a database; expected none",)


# Addresses


def ip(holder: str | None) -> StaticIp:
    return StaticIp("shop-ip", "192.0.2.7", holder)


def moves(found: RestorePlan) -> list[MoveAddress]:
    return [step for step in found.steps if isinstance(step, MoveAddress)]


def test_an_address_that_nobody_has_comes_back() -> None:
    (move,) = moves(plan(place(snap(), ip(None))))

    assert (move.static_ip, move.address, move.taken_from) == ("shop-ip", "192.0.2.7", None)


def test_an_address_of_the_living_one_stays_unless_it_is_asked_for() -> None:
    there = place(snap(), living(), ip("web"))

    beside, asked = plan(there), plan(there, move_address=True)

    assert moves(beside) == []
    assert has(
        beside.not_restored, f"web has it; run the same command again with --snapshot {beside.snapshot} --move-address"
    )
    assert moves(asked)[0].taken_from == "web"
    assert asked.steps[-1] == moves(asked)[0], "the last step"
    assert has(asked.notes, "--static-ip-name shop-ip --instance-name web")


def test_an_address_of_another_is_never_taken() -> None:
    there = place(snap(), ip("other"), living("other"))

    assert has(plan(there).not_restored, "the static IP shop-ip (192.0.2.7): other has it, and keeps it")
    assert plan(there, move_address=True).problems[0].startswith("the static IP shop-ip is attached to other")


def test_an_address_of_a_new_one_of_the_same_name_is_another_ones() -> None:
    there = place(snap(), ip("web"), living(life=2))

    found = plan(there, move_address=True)

    assert found.problems[0].startswith("the static IP shop-ip is attached to web, which is not the web")


def test_there_may_be_no_address_any_more_or_never_have_been() -> None:
    assert plan(place(snap()), move_address=True).problems == (
        "there is no static IP shop-ip any more; expected no --move-address",
    )
    never = place(snap(recipe=replace(WEB, static_ip=None)))
    assert plan(never, move_address=True).problems[0].startswith("web had no static IP when the snapshot was taken")
    assert has(plan(never).not_restored, "the address: it had no static IP")


@pytest.mark.parametrize(
    ("holder", "why"),
    [
        (None, "the address moves only to a server that answers"),
        ("other", "a server that runs does not yet answer"),
    ],
)
def test_the_plan_speaks_of_an_address_that_moves_only_where_one_does(holder: str | None, why: str) -> None:
    found = plan(place(snap(), ip(holder)))

    (checks,) = (step for step in found.steps if isinstance(step, Wait) and step.until is Until.HEALTHY)
    assert checks.reason == why
    assert [type(step) for step in found.steps[found.steps.index(checks) + 1 :]] == [MoveAddress] * (holder is None)


# Recipes and tags


def test_the_firewall_is_the_recipes() -> None:
    (ports,) = [step for step in plan(place(snap())).steps if isinstance(step, OpenPorts)]

    assert ports.ports == (OPEN,)


def test_without_a_recipe_the_living_source_is_asked() -> None:
    found = plan(place(snap(recipe=None), living()))

    assert made(found).zone == "eu-central-1b"
    assert has(found.notes, "has no recipe, so what it does not hold is as web has it now")


def test_what_a_recipe_lacks_is_said() -> None:
    found = plan(place(snap(recipe=replace(WEB, ports=None, static_ip=None, missing=(Part.PORTS, Part.STATIC_IP)))))

    assert has(found.not_restored, "the name of the static IP: it is not in the recipe")
    assert has(found.not_restored, "put-instance-public-ports")
    assert not any(isinstance(step, OpenPorts) for step in found.steps)


def test_a_key_pair_that_is_gone_is_said() -> None:
    found = plan(place(snap(), key_pairs=()))

    assert made(found).key is None
    assert has(found.not_restored, "the key pair owner: it is not in eu-central-1 any more")


def test_what_is_made_has_the_users_tags_and_none_of_ours() -> None:
    users = {"backup": "daily", "backup:keep": "7", "customer": "shop"}
    held = users | {"backup:hold": "", "legal-hold": "", "lightkeeper:expires": "2026-06-16T12:00:00Z"}

    found = plan(place(snap(tags=held)))

    assert made(found).tags == users | {RESTORED_FROM: found.snapshot, RESTORE_KEY: found.key}


def test_the_policy_comes_first_where_there_is_no_room_for_all_tags() -> None:
    many = {f"a{number:02}": "x" for number in range(49)} | {"backup": "daily"}
    foreign = replace(snap(), name="by-hand", tags=many)

    found = plan(place(foreign), snapshot="by-hand")

    assert len(made(found).tags) == 49, "one more is written in the end"
    assert made(found).tags["backup"] == "daily"
    assert has(found.not_restored, 'the tags "a46", "a47", "a48"')


# What an earlier try has made


def begun(found: RestorePlan, name: str = "web-x", **tags: str) -> Source:
    return living(name, found.kind, 7, tags={RESTORED_FROM: found.snapshot, RESTORE_KEY: found.key, **tags})


def test_what_was_begun_is_gone_on_with_though_there_is_something_newer() -> None:
    old = snap(age=2 * DAY)
    first = plan(place(old))

    again = plan(place(snap(), old, begun(first)))

    assert (again.resource, again.snapshot, again.exists, again.is_finished) == ("web-x", old.name, True, False)
    assert not plan(place(snap(), old, begun(first)), zone="eu-central-1c").exists, "another command"


def test_what_is_finished_is_not_done_again_but_for_something_newer() -> None:
    old = snap(age=2 * DAY)
    finished = begun(plan(place(old)), **{RESTORED_AT: "2026-06-14T00:00:00Z"})

    assert plan(place(old, finished)).is_finished
    newer = plan(place(snap(), old, finished))
    assert not newer.exists
    assert has(newer.notes, "web-x")
    assert plan(place(snap(), old, finished), snapshot=old.name).resource == "web-x"


def test_what_has_the_name_that_was_asked_for_is_gone_on_with_unless_there_is_something_newer() -> None:
    old, new = snap(age=2 * DAY), snap()
    finished = begun(plan(place(old), name="web-x"), **{RESTORED_AT: "2026-06-14T00:00:00Z"})

    again = plan(place(old, finished, living(), ip("web")), name="web-x", move_address=True)
    older = plan(place(new, old, finished, living(), ip("web")), name="web-x", move_address=True)
    meant = plan(place(new, old, finished, living(), ip("web")), name="web-x", move_address=True, snapshot=old.name)

    for each in (again, meant):
        assert (each.resource, each.snapshot, each.problems) == ("web-x", old.name, ())
        assert [step.static_ip for step in moves(each)] == ["shop-ip"]
    assert older.snapshot == old.name, "what it was made of, and not what it would be made of today"
    (refused,) = older.problems
    assert refused == (
        f"web-x is what an earlier restore has made of {old.name}, of {format_minute(old.created_at)}; {new.name}, of "
        f"{format_minute(new.created_at)}, is newer; expected --as with another name to bring that back, or --snapshot "
        f"{old.name} to go on with this one"
    )


def test_what_was_made_of_a_snapshot_that_is_gone_is_not_taken_for_what_is_there_now() -> None:
    old, new = snap(age=9 * DAY), snap()
    drill = plan(place(old), name="web-x")
    finished, unfinished = begun(drill, **{RESTORED_AT: "2026-06-08T00:00:00Z"}), begun(drill)

    again = plan(place(new, finished), name="web-x")
    moved = plan(place(new, finished, ip("other")), name="web-x", move_address=True)
    gone_on = plan(place(new, unfinished), name="web-x")

    for each in (again, moved, gone_on):
        assert each.snapshot == old.name
        assert abs(each.taken - old.created_at) < timedelta(days=1)
    assert has(again.problems, f"{new.name}, of {format_minute(new.created_at)}, is newer; expected --as with another")
    assert not has(again.problems, "--snapshot")
    assert has(gone_on.notes, f"lightkeeper restore web --region {REGION} --snapshot {new.name} --as NAME brings that")
    inside = replace(new, attached=(AttachedDisk("/dev/xvdf", "data", 32),))
    assert made(plan(place(inside, unfinished), name="web-x")).disks == (), "nobody knows which it had"
    assert gone_on.problems == ()


def test_a_disk_of_the_lost_server_that_is_still_there_is_pointed_at() -> None:
    inside = snap(attached=(AttachedDisk("/dev/xvdf", "data", 32),))

    assert has(plan(place(inside, living("data", SourceKind.DISK))).notes, '"data": still there')
    assert plan(place(inside)).notes == ()


def test_another_snapshot_by_name_is_not_what_was_begun() -> None:
    old, new = snap(age=2 * DAY), snap()
    first = plan(place(new))

    assert not plan(place(old, new, begun(first)), snapshot=old.name).exists


def test_a_source_that_cannot_be_looked_for_is_not_made_a_second_time() -> None:
    found = plan(place(snap(), unread=frozenset({"GetInstances"})))

    assert found.problems[0].startswith("GetInstances of eu-central-1 could not be read, so nobody knows whether")


# Names that are used again


def test_the_older_source_of_a_name_comes_back_where_its_time_is_asked_for() -> None:
    first, second = snap(age=9 * DAY), snap(age=DAY, life=2)

    assert plan(place(first, second)).source_arn == arn(SourceKind.INSTANCE, "web", 2)
    assert plan(place(first, second), at=NOW - 5 * DAY).source_arn == arn(SourceKind.INSTANCE, "web", 1)


def test_only_what_is_gone_comes_back_where_that_is_asked_for() -> None:
    there = place(
        snap("web"), living("web"), snap("old"), snap("again"), snap("again", life=2), living("again", life=2)
    )

    assert [found.source for found in fleet(there, gone=True)] == ["again", "old"]
    assert fleet(there, gone=True)[0].source_arn == arn(SourceKind.INSTANCE, "again", 1)
    with pytest.raises(InvalidValueError, match="no source that is gone has a usable recovery point"):
        fleet(place(snap(), living()), gone=True)
    with pytest.raises(InvalidValueError, match="nothing has a usable recovery point"):
        fleet(place())


def test_what_has_come_back_under_its_own_name_is_not_gone() -> None:
    web, mail = snap("web"), snap("mail")
    back = replace(living("web", life=2), tags={RESTORED_FROM: web.name, RESTORE_KEY: "of restore web --as web"})
    for_a_look = replace(living("mail-rescue"), tags={RESTORED_FROM: mail.name, RESTORE_KEY: "--as mail-rescue"})

    assert [found.source for found in fleet(place(web, mail, back, for_a_look), gone=True)] == ["mail"]


# A fleet


def test_disks_come_after_their_instances_in_the_same_zone() -> None:
    own = disk_snap(recipe=DiskRecipe("eu-central-1c", 64, "web", "/dev/xvdf"))

    web, data = fleet(place(own, snap()))

    assert (web.source, data.source, data.after) == ("web", "data", web.resource)
    assert isinstance(data.steps[0], CreateDisk)
    assert data.steps[0].zone == made(web).zone
    assert data.steps[-1] == AttachDisk(data.resource, web.resource, "/dev/xvdf", "where it was attached")


def test_a_disk_inside_its_instances_snapshot_is_not_restored_twice() -> None:
    web = snap(attached=(AttachedDisk("/dev/xvdf", "data", 64),), age=2 * DAY)

    (only,) = fleet(place(web, disk_snap(age=3 * DAY)))
    assert made(only).disks == (("/dev/xvdf", "data-restored-20260615-1200"),)
    assert not has(only.notes, "data")

    (only,) = fleet(place(web, disk_snap(age=DAY)))
    assert has(only.notes, "lightkeeper restore data brings that back beside it")


def test_a_disk_is_not_attached_where_another_comes_with_the_instance() -> None:
    web = snap(attached=(AttachedDisk("/dev/xvdf", "before", 64),), age=2 * DAY)

    server, data = fleet(place(web, disk_snap(age=DAY)))

    assert made(server).disks == (("/dev/xvdf", "before-restored-20260615-1200"),)
    assert not any(isinstance(step, AttachDisk) for step in data.steps)
    assert isinstance(data.steps[0], CreateDisk)
    assert data.steps[0].zone == made(server).zone
    assert has(data.not_restored, "is taken by before-restored-20260615-1200")


def test_a_disk_whose_instance_cannot_come_back_comes_back_alone() -> None:
    refused = snap(attached=(AttachedDisk("/dev/xvdf", "data", 64),), recipe=replace(WEB, bundle="xl"), bundle="xl")

    web, data = fleet(place(refused, disk_snap()))

    assert web.problems
    assert (data.after, data.problems) == (None, ())
    assert isinstance(data.steps[0], CreateDisk)


def test_a_system_disk_has_no_place_for_another_disk() -> None:
    web, data = fleet(place(system_disk(), disk_snap()))

    assert web.problems
    assert data.after is None


def test_no_two_of_a_fleet_get_the_same_name() -> None:
    one = snap("one", attached=(AttachedDisk("/dev/xvdf", "data", 64),))
    two = snap("two", attached=(AttachedDisk("/dev/xvdf", "data", 64),))
    lonely = disk_snap(recipe=DiskRecipe("eu-central-1b", 64))

    names = [name for found in fleet(place(one, two, lonely)) for name in _names(found)]

    assert len(names) == len(set(names)) == 5


def _names(found: RestorePlan) -> list[str]:
    step = found.steps[0]
    return [found.resource, *(name for _, name in step.disks)] if isinstance(step, CreateInstance) else [found.resource]


def test_no_two_of_a_fleet_get_the_same_address() -> None:
    old, new = fleet(place(snap("old", age=2 * DAY), snap("new"), ip(None)))[::-1]

    assert moves(old) == []
    assert has(old.not_restored, f"{new.resource} gets it, whose snapshot is newer")
    assert len(moves(new)) == 1


@pytest.mark.parametrize("suffix", ["", "-", "-x y", "é", "."])
def test_a_suffix_ends_a_name(suffix: str) -> None:
    with pytest.raises(InvalidValueError, match="cannot end a name"):
        fleet(place(snap()), suffix=suffix)


def test_a_suffix_is_that_of_all_names() -> None:
    assert [found.resource for found in fleet(place(snap(), database_snap()), suffix="-2")] == ["web-2", "books-2"]
    with pytest.raises(InvalidValueError, match="cannot end the name of a database"):
        fleet(place(snap(), database_snap()), suffix="_2")
    assert fleet(place(snap()), suffix="_2")[0].resource == "web_2"


# Databases


def test_a_database_comes_back_with_its_bundle_and_is_as_public_as_it_was() -> None:
    found = plan(place(database_snap()), source="books")

    step = found.steps[0]
    assert isinstance(step, CreateDatabase)
    assert (step.bundle, step.zone, step.is_public) == ("small_db", "eu-central-1a", True)
    assert found.usd_per_month == pytest.approx(30.0)
    assert has(found.not_restored, "its endpoint")
    assert has(found.not_restored, "its password")


def test_the_recipe_of_what_would_come_back_can_be_read() -> None:
    there = place(snap())

    found, recipe = find_recipe(Request("web"), (there,), SETTINGS)

    assert (found.snapshot, found.source_kind, recipe) == (there.snapshots[0], SourceKind.INSTANCE, WEB)


def test_two_of_the_same_server_do_everything_twice_and_that_is_said() -> None:
    assert has(plan(place(snap(), living())).notes, "web is still there: what runs on both")
    assert not has(plan(place(snap())).notes, "is still there")
