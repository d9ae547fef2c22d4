"""What was lost comes back, as a person types it."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lightkeeper.restore_steps import RESTORED_AT
from lightkeeper.run import run_regions
from lightkeeper_cli import recipe, restoring
from lightsail_sandbox.client import ErrorAnswer, FaultRule, HoldCall, Sandbox
from tests.support.command import Ended, lightkeeper
from tests.support.keeper import DAY, HOUR, NOON, OTHER_REGION, REGION, Keeper, noop

ZONE = f"{REGION}b"
STAMP = "-restored-20260615-1400"
"""What the names end in of what is restored two hours after noon."""
MAKES = {"CreateInstancesFromSnapshot", "CreateDiskFromSnapshot", "CreateRelationalDatabaseFromSnapshot"}


@pytest.fixture(autouse=True)
def folder(aws: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Stand in the folder of a cdk.json, with the sandbox for AWS and the clock; what is restored is there at once."""
    (tmp_path / "cdk.json").write_text('{"lightkeeper": {}}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    aws.set_options(snapshot_seconds=0, boot_seconds=0, health_seconds=0, disk_seconds=0, database_seconds=0)
    for module in (restoring, recipe):
        monkeypatch.setattr(module, "clock", aws.now)
    return tmp_path


@pytest.fixture
def shop(keeper: Keeper) -> Keeper:
    """A web server with a firewall, a static IP and a disk, a database, and a disk apart, two hours after a backup."""
    tags = [{"key": "backup", "value": "daily"}]
    user = keeper.user
    user.create_instances(
        instanceNames=["web"],
        availabilityZone=ZONE,
        blueprintId="debian_12",
        bundleId="small_3_0",
        tags=tags,  # type: ignore[arg-type] # the stubs know no TypedDict made in a list
    )
    user.create_disk(diskName="data", availabilityZone=ZONE, sizeInGb=64)
    user.attach_disk(diskName="data", instanceName="web", diskPath="/dev/xvdf")
    user.put_instance_public_ports(
        instanceName="web",
        portInfos=[
            {"fromPort": 22, "toPort": 22, "protocol": "tcp", "cidrs": ["203.0.113.0/24"]},
            {"fromPort": 443, "toPort": 443, "protocol": "tcp", "cidrs": ["0.0.0.0/0"]},
        ],
    )
    user.allocate_static_ip(staticIpName="web-ip")
    user.attach_static_ip(staticIpName="web-ip", instanceName="web")
    keeper.disk("scratch", {"backup": "daily"})
    keeper.database("orders", {"backup": "daily"})
    back_up(keeper)
    keeper.sandbox.advance(2 * HOUR)
    return keeper


def back_up(keeper: Keeper) -> None:
    """Take a snapshot of everything; other stories watch how."""
    now = keeper.sandbox.now()
    run_regions(keeper.regions, keeper.settings, now, seconds_left=lambda: 900.0, on_outcome=noop)


def lose(keeper: Keeper) -> None:
    """Delete everything but the snapshots and the static IP."""
    keeper.user.delete_instance(instanceName="web")
    keeper.user.delete_disk(diskName="scratch")
    keeper.user.delete_relational_database(relationalDatabaseName="orders", skipFinalSnapshot=True)


def restore(*arguments: str) -> Ended:
    return lightkeeper("restore", *arguments)


def made(keeper: Keeper) -> list[str]:
    """Return what was made by restores, by the calls, so that nothing that was made twice is overlooked."""
    return [operation for operation in keeper.writes() if operation in MAKES]


def sources(keeper: Keeper) -> set[str]:
    return {entry.name for entry in keeper.sandbox.entries() if entry.state is None}


def the_only(document: Mapping[str, Any]) -> dict[str, Any]:
    (restored,) = document["restores"]
    assert isinstance(restored, dict)
    return restored


# One


def test_a_server_that_is_gone_comes_back_with_its_firewall_and_its_address(shop: Keeper) -> None:
    address = shop.user.get_static_ip(staticIpName="web-ip")["staticIp"]["ipAddress"]
    lose(shop)

    ended = restore("web", "--yes")

    assert ended.status == 0
    assert "using the settings in cdk.json" in ended.err
    instance = shop.user.get_instance(instanceName=f"web{STAMP}")["instance"]
    ports = [(port["fromPort"], port["cidrs"]) for port in instance["networking"]["ports"]]
    assert ports == [(22, ["203.0.113.0/24"]), (443, ["0.0.0.0/0"])]
    assert instance["publicIpAddress"] == address
    for words in (
        "the source, web, is gone",
        "2 hours ago",
        "about 18.40 USD a month",
        f"in {REGION} then: 2, of a default quota of 20",
        "tcp:22=203.0.113.0/24",
        "open to the world",
        "Does not come back by itself",
        "its alarms: set them again",
        f"ssh admin@{address}",
        "Left to do by hand",
        f"web{STAMP} restored from web-20260615-0300-",
    ):
        assert words in ended.out
    assert f"web{STAMP} move-address: done after" in ended.err


def test_a_server_that_is_back_under_another_name_wants_nobody_any_more(shop: Keeper) -> None:
    def status(*more: str) -> Ended:
        return lightkeeper("status", "--at", f"{shop.sandbox.now():%Y-%m-%dT%H:%M:%SZ}", *more)

    shop.instance("mail", {"backup": "off"})
    shop.user.delete_instance(instanceName="web")
    lost = status()
    assert lost.status == 3
    assert "web no longer backed up: it is gone; if it was deleted by mistake, bring it back: " in lost.out

    assert restore("web", "--as", "web2", "--yes").status == 0
    back_up(shop)
    shop.sandbox.advance(HOUR)

    ended, sources = status(), status("--json").document["sources"]

    assert ended.status == 0, ended.out
    assert "web back as web2\n" in ended.out
    assert "no longer backed up" not in ended.out
    (gone,) = (source for source in sources if source["name"] == "web")
    assert (gone["status"], gone["restoredAs"], gone["stopped"], gone["why"]) == ("gone", "web2", False, None)
    assert gone["recoveryPoints"] == 1, "what there is of it is kept"
    assert "web instance in eu-central-1, gone, back as web2: 1 recovery point\n" in lightkeeper("snapshots", "web").out


def test_what_exists_stays_as_it_is_and_its_address_moves_only_when_asked(shop: Keeper) -> None:
    def holder() -> str:
        return shop.user.get_static_ip(staticIpName="web-ip")["staticIp"]["attachedTo"]

    first = restore("web", "--yes")
    assert (first.status, holder()) == (0, "web")
    assert "the source, web, is there, and stays as it is" in first.out
    assert "web has it" in first.out
    assert "--move-address" in first.out

    second = restore("web", "--yes", "--move-address")

    assert (second.status, holder()) == (0, f"web{STAMP}")
    assert "to move the address back: aws lightsail detach-static-ip" in second.out
    assert made(shop) == ["CreateInstancesFromSnapshot"], "the second goes on with what the first has made"
    assert "web" in sources(shop)


def test_a_disk_comes_back_where_it_is_asked_for(shop: Keeper) -> None:
    ended = restore("scratch", "--as", "files", "--attach", "web:/dev/xvdg", "--yes")

    assert ended.status == 0
    disk = shop.user.get_disk(diskName="files")["disk"]
    assert (disk["attachedTo"], disk["path"], disk["location"]["availabilityZone"]) == ("web", "/dev/xvdg", ZONE)
    assert "sudo mount -o ro /dev/xvdg /mnt" in ended.out


def test_a_database_comes_back_and_its_endpoint_is_told(shop: Keeper) -> None:
    lose(shop)

    ended = restore("orders", "--yes")

    assert ended.status == 0
    endpoint = shop.user.get_relational_database(relationalDatabaseName=f"orders{STAMP}")["relationalDatabase"]
    assert f"{endpoint['masterEndpoint']['address']}:3306" in ended.out
    assert "get-relational-database-master-user-password" in ended.out


def test_how_to_log_in_to_windows(keeper: Keeper) -> None:
    keeper.user.create_instances(
        instanceNames=["desk"],
        availabilityZone=ZONE,
        blueprintId="windows_server_2022",
        bundleId="small_win_3_0",
        tags=[{"key": "backup", "value": "daily"}],
    )
    back_up(keeper)
    keeper.sandbox.advance(2 * HOUR)

    ended = restore("desk", "--yes")

    address = keeper.user.get_instance(instanceName=f"desk{STAMP}")["instance"]["publicIpAddress"]
    assert f"RDP to {address} as Administrator" in ended.out
    assert "unless Sysprep ran before the snapshot" in ended.out


def test_the_time_and_the_snapshot_say_which_content(shop: Keeper) -> None:
    shop.sandbox.set_time(NOON + DAY)
    back_up(shop)
    shop.sandbox.set_time(NOON + DAY + HOUR)
    old, new = sorted(shop.snapshots("scratch"))

    def taken_from(*arguments: str) -> object:
        return the_only(restore("scratch", "--dry-run", "--json", *arguments).document)["snapshot"]

    assert taken_from() == new
    assert taken_from("--at", "2026-06-15T20:00Z") == old
    assert taken_from("--snapshot", old) == old


def test_the_region_says_which_is_meant(two_regions: Keeper) -> None:
    for region in (REGION, OTHER_REGION):
        two_regions.disk("files", {"backup": "daily"}, region)
    back_up(two_regions)
    two_regions.sandbox.advance(HOUR)
    both = ("--region", REGION, "--region", OTHER_REGION)

    either = restore("files", "--yes", *both)
    there = restore("files", "--yes", "--json", "--region", OTHER_REGION)

    assert (either.status, made(two_regions)) == (2, ["CreateDiskFromSnapshot"])
    assert '"files" is more than one source' in either.err
    assert the_only(there.document)["region"] == OTHER_REGION


# Before anything is done


def test_a_dry_run_shows_the_plan_and_makes_nothing(shop: Keeper) -> None:
    ended = restore("web", "--dry-run")

    assert ended.status == 0
    for words in ("create-instance", "open-ports", "a firewall is set only while it runs", ZONE):
        assert words in ended.out
    assert made(shop) == []


def test_where_nobody_can_be_asked_yes_has_to_be_said(shop: Keeper) -> None:
    for stdin in (b"y\n", None):
        ended = lightkeeper("restore", "web", stdin=stdin)

        assert ended.status == 2
        assert "nobody can be asked, since the standard input is no terminal; expected --yes" in ended.err
        assert "create-instance" in ended.out
    assert made(shop) == []


def test_what_the_plan_refuses_is_shown_and_not_done(shop: Keeper) -> None:
    for arguments in (("--yes",), ("--dry-run",)):
        ended = restore("web", "--as", "scratch", "--bundle", "nano_3_0", *arguments)

        assert ended.status == 2
        assert 'the name "scratch" is in use by the disk scratch' in ended.out
        assert "the bundle nano_3_0 has" in ended.out
    assert made(shop) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "neither SOURCE nor --all; expected the name of what is to come back, or --all"),
        (("web", "--all"), 'both SOURCE "web" and --all; expected one of them'),
        (("--all", "--as", "new"), "--as is for a single SOURCE, not for --all"),
        (("--all", "--kind", "disk"), "--kind is for a single SOURCE, not for --all"),
        (("--all", "--snapshot", "x"), "--snapshot is for a single SOURCE, not for --all"),
        (("--all", "--zone", ZONE), "--zone is for a single SOURCE, not for --all"),
        (("--all", "--bundle", "x"), "--bundle is for a single SOURCE, not for --all"),
        (("--all", "--attach", "a:/dev/xvdf"), "--attach is for a single SOURCE, not for --all"),
        (("--all", "--move-address"), "--move-address is for a single SOURCE, not for --all"),
        (("--all", "--suffix", "-ü"), '"-ü" cannot end a name; expected up to 100 letters'),
        (("web", "--gone"), "--gone is for --all, not for a single SOURCE"),
        (("web", "--suffix", "-new"), "--suffix is for --all, not for a single SOURCE"),
        (("web", "--at", "2026-06-15", "--snapshot", "x"), "both --at and --snapshot; expected one of them"),
        (("wbe",), '"wbe" is no source that has a recovery point'),
        (("scrach",), 'did you mean "scratch"?'),
        (("web", "--at", "yesterday"), '"yesterday" is not a time; expected ISO 8601'),
        (("web", "--at", "2026-06-16"), "--at 2026-06-16 is yet to come"),
        (("web", "--at", "2026-06-01"), "its oldest recovery point was taken at 2026-06-15 12:00 UTC"),
        (("web", "--kind", "disc"), "'disc' is not one of 'disk', 'instance'"),
        (("web", "--kind", "disk"), '"web" has no recovery point that comes back as a disk'),
        (("web", "--snapshot", "web-1"), 'there is no snapshot "web-1"'),
        (("web", "--as", "-"), '"-" cannot be the name of an instance'),
        (("web", "--region", "eu-centrl-1"), 'did you mean "eu-central-1"?'),
        (("web", "--zone", "eu-central-1z"), f'"eu-central-1z" is no zone of {REGION}'),
        (("web", "--bundle", "smal_3_0"), 'did you mean "small_3_0"?'),
        (("web", "--attach", "web:/dev/xvdg"), "--attach is for a disk"),
        (("scratch", "--attach", "web"), '"web" is no INSTANCE:PATH; expected such as "web:/dev/xvdf"'),
        (("scratch", "--attach", "wep:/dev/xvdg"), 'there is no instance "wep"'),
        (("scratch", "--attach", "web:/dev/xvdf"), "/dev/xvdf of web is taken by data"),
        (("scratch", "--move-address"), "--move-address is for an instance"),
        (("web", "--config", "a.json", "--stack", "Lightkeeper"), "both --config and --stack"),
        (("web", "--colour"), "No such option"),
    ],
)
def test_a_mistake_makes_nothing_and_is_answered_with_a_sentence(
    shop: Keeper, arguments: tuple[str, ...], sentence: str
) -> None:
    ended = restore(*arguments, "--yes")

    assert ended.status == 2
    assert sentence in ended.out + ended.err
    assert "Traceback" not in ended.err
    assert made(shop) == []


# A person at a terminal


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """A terminal: the person's end, and the command's."""
    ends = pty.openpty()
    yield ends
    for end in ends:
        with suppress(OSError):
            os.close(end)


def start(terminal: tuple[int, int], *arguments: str) -> "subprocess.Popen[bytes]":
    """Begin a command that reads from a terminal; what it prints goes to pipes."""
    # As Python begins at a terminal: a shell that runs the tests in its background has told it to ignore Ctrl-C.
    heeds = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    return subprocess.Popen(  # noqa: S603 - our own arguments
        [sys.executable, "-c", f"{heeds}; from lightkeeper_cli.__main__ import main; main()", "restore", *arguments],
        stdin=terminal[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def communicate(process: "subprocess.Popen[bytes]") -> tuple[bytes, bytes]:
    """Wait for a command to end, and return what it printed."""
    try:
        return process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


@pytest.mark.slow
@pytest.mark.usefixtures("over_http")
@pytest.mark.parametrize(("answer", "status", "count"), [(b"y\n", 0, 1), (b"n\n", 1, 0), (b"\n", 1, 0)])
def test_a_person_is_asked_and_no_is_no(
    shop: Keeper, terminal: tuple[int, int], answer: bytes, status: int, count: int
) -> None:
    os.write(terminal[0], answer)
    with start(terminal, "scratch", "--as", "files", "--json") as process:
        out, err = communicate(process)

    assert process.returncode == status
    assert b"create-disk" in err, "who is asked sees what about, and the document stays alone"
    assert b"Restore scratch as files? [y/N]" in err
    assert len(made(shop)) == count
    if count:
        assert the_only(json.loads(out))["resource"] == "files"
    else:
        assert (out, b"nothing was made" in err) == (b"", True)


@pytest.mark.slow
@pytest.mark.usefixtures("over_http")
@pytest.mark.parametrize("call", ["GetInstances", "CreateDiskFromSnapshot", "GetDisks"])
def test_ctrl_c_says_what_was_done_and_the_same_command_goes_on(
    shop: Keeper, terminal: tuple[int, int], call: str
) -> None:
    shop.sandbox.set_options(disk_seconds=3600)
    if call != "GetDisks":
        shop.sandbox.add_faults(FaultRule(effect=HoldCall(), operation=call))
    with start(terminal, "scratch", "--as", "files", "--yes") as process:
        if call == "GetDisks":
            while "files" not in sources(shop):
                shop.sandbox.wait_for_call(shop.sandbox.calls()[-1].number + 1)
        else:
            shop.sandbox.wait_for_held()
        process.send_signal(signal.SIGINT)
        shop.sandbox.clear_faults()
        out, err = communicate(process)

    assert process.returncode == 130
    assert b"Traceback" not in err
    if call == "GetInstances":
        assert b"interrupted; nothing was made" in err
        return
    assert b"interrupted; the same command goes on where it ended" in err
    assert b"files not complete" in out
    shop.sandbox.advance(2 * HOUR)
    again = restore("scratch", "--as", "files", "--yes")
    assert (again.status, made(shop)) == (0, ["CreateDiskFromSnapshot"])
    assert RESTORED_AT in {tag["key"] for tag in shop.user.get_disk(diskName="files")["disk"]["tags"]}


# What fails


def test_a_step_that_fails_says_so_and_the_same_command_goes_on(shop: Keeper) -> None:
    lose(shop)
    shop.sandbox.add_faults(
        FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="PutInstancePublicPorts")
    )

    first = restore("web", "--yes")

    assert first.status == 1
    assert "failed   PutInstancePublicPorts: AccessDeniedException" in first.out
    assert "grant it" in first.out
    assert first.err.endswith(
        "lightkeeper: 1 restore of 1 not complete; the same command goes on where it ended, and makes nothing twice\n"
    )
    shop.sandbox.clear_faults()
    shop.sandbox.advance(timedelta(minutes=10))
    second = restore("web", "--yes", "--json")
    assert (second.status, made(shop)) == (0, ["CreateInstancesFromSnapshot"])
    restored = the_only(second.document)
    assert (restored["resumed"], restored["resource"]) == (True, f"web{STAMP}")
    assert [step["outcome"] for step in restored["steps"]] == ["already", "done", "done", "done", "done"]


def test_what_cannot_be_read_is_said(shop: Keeper) -> None:
    shop.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="GetKeyPairs"))

    ended = restore("scratch", "--dry-run")

    assert f"could not be read {REGION}: GetKeyPairs: AccessDeniedException" in ended.out


def test_refused_credentials_are_a_sentence(shop: Keeper) -> None:
    shop.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="UnauthenticatedException")))

    ended = restore("web", "--yes")

    assert (ended.status, ended.out) == (1, "")
    assert "UnauthenticatedException" in ended.err
    assert "Traceback" not in ended.err


# JSON


def test_the_json_is_one_document_with_the_documented_keys(shop: Keeper) -> None:
    (snapshot,) = shop.snapshots("scratch")

    ended = restore("scratch", "--as", "files", "--yes", "--json")

    document = ended.document
    restored = the_only(document)
    assert restored.pop("seconds") >= 0
    (attachment,) = restored["notRestored"]
    assert attachment.startswith("it is attached to no instance: ")
    assert document == {
        "now": "2026-06-15T14:00:00Z",
        "account": "123456789012",
        "alias": None,
        "regions": [REGION],
        "notes": [],
        "restores": [
            {
                "source": "scratch",
                "kind": "disk",
                "region": REGION,
                "home": REGION,
                "snapshot": snapshot,
                "takenAt": "2026-06-15T12:00:00Z",
                "resource": "files",
                "resumed": False,
                "usdPerMonth": 3.2,
                "vcpus": None,
                "steps": [
                    {
                        "step": "create-disk",
                        "resource": "files",
                        "detail": f"32 GiB in {REGION}a, from {snapshot}",
                        "reason": restored["steps"][0]["reason"],
                        "outcome": "done",
                        "error": None,
                    },
                    {
                        "step": "wait",
                        "resource": "files",
                        "detail": "until it is available",
                        "reason": "a disk is attached only when it is available",
                        "outcome": "done",
                        "error": None,
                    },
                ],
                "notRestored": [attachment],
                "notes": [],
                "problems": [],
                "address": None,
                "user": None,
                "error": None,
            }
        ],
        "failures": [],
    }


def test_the_json_of_a_dry_run_and_of_a_refusal(shop: Keeper) -> None:
    dry = restore("web", "--dry-run", "--json")
    refused = restore("web", "--as", "scratch", "--yes", "--json")

    assert (dry.status, refused.status) == (0, 2)
    assert {step["outcome"] for step in the_only(dry.document)["steps"]} == {None}
    assert the_only(dry.document)["vcpus"] == 4
    assert "in use by the disk scratch" in the_only(refused.document)["problems"][0]
    assert made(shop) == []


# A fleet


def test_everything_that_is_gone_comes_back_at_once(shop: Keeper) -> None:
    shop.user.delete_instance(instanceName="web")
    shop.user.delete_relational_database(relationalDatabaseName="orders", skipFinalSnapshot=True)

    ended = restore("--all", "--gone", "--suffix", "-back", "--yes")

    assert ended.status == 0
    assert {"web-back", "orders-back"} <= sources(shop)
    assert "scratch-back" not in sources(shop), "it is there"
    assert "2 sources to restore" in ended.out
    assert "2 of 2 sources restored in" in ended.out


def test_what_is_refused_in_a_fleet_is_skipped_and_the_others_go_on(shop: Keeper) -> None:
    lose(shop)
    shop.disk("orders-back", {})

    dry = restore("--all", "--suffix", "-back", "--dry-run")
    ended = restore("--all", "--suffix", "-back", "--yes")

    assert (dry.status, ended.status) == (2, 1)
    assert 'the name "orders-back" is in use by the disk orders-back' in ended.out
    assert "2 sources to restore, about 18.40" not in ended.out
    assert "; 1 refused" in ended.out
    assert "refused orders" in ended.out
    assert "2 of 3 sources restored in" in ended.out
    assert {"web-back", "scratch-back"} <= sources(shop)


def test_a_fleet_whose_list_cannot_be_read_is_not_complete(shop: Keeper) -> None:
    shop.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="AccessDeniedException"), operation="GetDiskSnapshots"))

    assert restore("--all", "--dry-run").status == 1


def test_where_there_is_nothing_to_restore_that_is_said(keeper: Keeper) -> None:
    ended = restore("--all", "--yes")

    assert (ended.status, made(keeper)) == (2, [])
    assert f"nothing has a usable recovery point in {REGION}" in ended.err


# The recipe


def test_the_recipe_shows_what_a_restore_puts_back(shop: Keeper) -> None:
    lose(shop)

    ended = lightkeeper("recipe", "web")

    assert ended.status == 0
    for words in (ZONE, "small_3_0", "web-ip", "LightsailDefaultKeyPair", "tcp", "22", "203.0.113.0/24"):
        assert words in ended.out
    document = lightkeeper("recipe", "web", "--json").document
    assert document["recipe"]["ports"][0] == {
        "protocol": "tcp",
        "from": 22,
        "to": 22,
        "cidrs": ["203.0.113.0/24"],
        "ipv6Cidrs": [],
        "aliases": [],
    }
    assert (document["recipe"]["staticIp"], document["recipe"]["missing"]) == ("web-ip", [])
    assert lightkeeper("recipe", "scratch", "--json").document["recipe"]["sizeGiB"] == 32
    assert lightkeeper("recipe", "orders", "--json").document["recipe"]["public"] is False
    assert "10:01-10:31 UTC" in lightkeeper("recipe", "orders").out


def test_a_snapshot_without_a_recipe_says_what_that_means(shop: Keeper) -> None:
    shop.user.create_disk_snapshot(diskName="scratch", diskSnapshotName="mine")

    ended = lightkeeper("recipe", "scratch", "--snapshot", "mine")

    assert ended.status == 0
    assert "mine has no recipe: it is older than recipes, or not ours" in ended.out
    assert lightkeeper("recipe", "scratch", "--snapshot", "mine", "--json").document["recipe"] is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("scrach",), 'did you mean "scratch"?'),
        (("web", "--at", "soon"), '"soon" is not a time'),
        (("web", "--at", "2026-06-15", "--snapshot", "x"), "both --at and --snapshot"),
        (("web", "--snapshot", "x"), 'there is no snapshot "x"'),
        (("web", "--kind", "database"), "no recovery point that comes back as a database"),
        ((), "Missing argument 'SOURCE'"),
    ],
)
def test_a_mistake_about_a_recipe_is_a_sentence(shop: Keeper, arguments: tuple[str, ...], sentence: str) -> None:
    ended = lightkeeper("recipe", *arguments)

    assert (ended.status, ended.out) == (2, "")
    assert sentence in ended.err
    assert made(shop) == []
