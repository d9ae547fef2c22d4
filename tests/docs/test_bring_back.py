"""What is lost comes back as the runbook and the README say, with the commands that they show."""

import json
import os
import re
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lightkeeper.lightsail import connect
from lightkeeper.restore_steps import RESTORED_AT
from lightkeeper.run import run_regions
from lightsail_sandbox.client import Entry, ErrorAnswer, FaultRule, Seed
from tests.support.code import ROOT
from tests.support.keeper import DAY, HOUR, REGION, Keeper, noop
from tests.support.witness import CONSOLE

pytestmark = pytest.mark.slow

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
AWAY = "eu-north-1"
FIREWALL = [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrs": ["203.0.113.0/24"]}]
BEGINNING = datetime(2026, 11, 19, 6, tzinfo=UTC)
"""Four days before the time that the commands name is not long ago."""


@pytest.fixture(autouse=True)
def _well_backed_up(keeper: Keeper) -> None:
    """Two servers with static IPs, a disk, a server's system disk and a database, with four days of recovery points."""
    sandbox = keeper.sandbox
    sandbox.set_time(BEGINNING)
    # The command waits by the real clock.
    sandbox.set_options(boot_seconds=0, health_seconds=0, stop_seconds=0, disk_seconds=0, database_seconds=0)
    backup = {"backup": "daily"}
    sandbox.seed(
        [
            Seed(kind="Instance", name="web", tags=backup, firewall=FIREWALL),
            Seed(kind="StaticIp", name="web-address", attached_to="web"),
            Seed(kind="Disk", name="web-data", attached_to="web"),
            Seed(kind="Instance", name="mail", tags=backup),
            Seed(kind="StaticIp", name="mail-address", attached_to="mail"),
            Seed(kind="Instance", name="clinic", tags=backup | {"backup:mode": "system-disk"}),
            Seed(kind="Disk", name="my-disk", tags=backup),
            Seed(kind="RelationalDatabase", name="my-database", tags=backup),
        ]
    )
    keeper.live(4 * DAY)
    keeper.sandbox.advance(HOUR)


def blocks(text: str, heading: str) -> list[str]:
    """Return the commands of a section, in their order."""
    section = re.split(r"\n## ", text.partition(f"\n## {heading}\n")[2])[0]
    found = re.findall(r"^ *```sh\n(.*?)```", section, re.DOTALL | re.MULTILINE)
    assert found, f"no commands under {heading}"
    return [textwrap.dedent(block).replace(".venv/bin/", "") for block in found]


def paste(keeper: Keeper, command: str) -> str:
    """Do as a user does: in a shell, with their own credentials."""
    environment = keeper.sandbox.environment(REGION) | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AWS_ACCESS_KEY_ID": CONSOLE,
    }
    ended = subprocess.run(  # noqa: S603 - our own document
        ["/bin/bash", "-euo", "pipefail", "-c", command],
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"
    return ended.stdout


def entries(keeper: Keeper) -> dict[str, Entry]:
    return {entry.name: entry for entry in keeper.sandbox.entries() if entry.state is None}


def holders(keeper: Keeper) -> dict[str, str | None]:
    """Return which instance has each static IP."""
    return {found["name"]: found.get("attachedTo") for found in keeper.user.get_static_ips()["staticIps"]}


def attached(keeper: Keeper, instance: str) -> dict[str, str]:
    """Return the disks that are attached to an instance, with their paths."""
    disks = keeper.user.get_disks()["disks"]
    return {disk["name"]: disk["path"] for disk in disks if disk.get("attachedTo") == instance}


def content(keeper: Keeper, name: str) -> str:
    """Return the snapshot that something was restored from; it has all that it was to have."""
    tags = entries(keeper)[name].tags
    assert RESTORED_AT in tags
    return tags["lightkeeper:restored-from"]


def test_the_server_is_gone(keeper: Keeper) -> None:
    look, bring_back, attach, everything, move = blocks(RUNBOOK, "The server is gone")
    keeper.user.delete_instance(instanceName="web")
    keeper.user.delete_disk(diskName="my-disk")

    assert "Does not come back by itself" in paste(keeper, look)
    assert "web" not in entries(keeper)

    paste(keeper, bring_back)
    assert content(keeper, "web").startswith("web-20261123-0300-")
    (rule,) = keeper.user.get_instance_port_states(instanceName="web")["portStates"]
    assert (rule["fromPort"], rule["cidrs"]) == (443, ["203.0.113.0/24"])
    assert holders(keeper)["web-address"] == "web"

    paste(keeper, attach)
    assert attached(keeper, "web")["web-data"] == "/dev/xvdg"
    assert len(attached(keeper, "web")) == 2, "the old one, and the copy of it"

    paste(keeper, everything)
    (disk,) = (name for name in entries(keeper) if name.startswith("my-disk-restored-"))
    assert content(keeper, disk).startswith("my-disk-")

    first, second = move.splitlines()
    paste(keeper, first)
    assert holders(keeper)["mail-address"] == "mail"
    assert "attach-static-ip --static-ip-name mail-address --instance-name mail" in paste(keeper, second)
    assert holders(keeper)["mail-address"] == "mail-2"
    assert "mail" in entries(keeper)
    assert len([name for name in entries(keeper) if name.startswith("mail")]) == 2


def test_a_file_was_deleted(keeper: Keeper) -> None:
    disk, system_disk, stop, remove, server, delete = blocks(RUNBOOK, "A file was deleted")

    paste(keeper, disk)
    paste(keeper, system_disk)
    paths = attached(keeper, "web")
    assert (paths["my-disk-rescue"], paths["clinic-rescue"]) == ("/dev/xvdg", "/dev/xvdh")
    assert content(keeper, "my-disk-rescue").startswith("my-disk-20261122-0300-"), "of that time or before"
    assert content(keeper, "clinic-rescue").startswith("clinic-20261123-0300-"), "the newest"

    assert paste(keeper, stop).splitlines()[-1] == "stopped"
    paste(keeper, remove)
    assert "my-disk-rescue" not in entries(keeper)

    paste(keeper, server)
    assert content(keeper, "web-rescue").startswith("web-20261122-0300-")
    assert holders(keeper)["web-address"] == "web"
    before = keeper.snapshots()
    keeper.run()
    assert keeper.snapshots() == before, "of what is there for a look, no snapshot is taken"
    paste(keeper, delete)
    assert "web-rescue" not in entries(keeper)
    assert "web" in entries(keeper)


def test_the_region_is_in_trouble(keeper: Keeper) -> None:
    zones, away, move, several, *_ = blocks(RUNBOOK, "The Region is in trouble")

    assert "eu-central-1b" in paste(keeper, zones)
    paste(keeper, away)
    assert holders(keeper)["web-address"] == "web"
    paste(keeper, move)
    assert holders(keeper)["web-address"] == "web-b"
    paste(keeper, several)

    user = keeper.user
    places = [
        *(each["location"] for each in user.get_instances()["instances"] if each["name"] == "web-b"),
        *(each["location"] for each in user.get_disks()["disks"] if each["name"] == "my-disk-b"),
        *(each["location"] for each in user.get_disks()["disks"] if each.get("attachedTo") == "web-b"),
        user.get_relational_database(relationalDatabaseName="my-database-b")["relationalDatabase"]["location"],
    ]
    assert [place["availabilityZone"] for place in places] == ["eu-central-1b"] * 4


def test_the_whole_region_is_down(keeper: Keeper) -> None:
    look, allocate, bring_back, back_up = blocks(RUNBOOK, "The Region is in trouble")[4:]
    copy_to(keeper, AWAY, "web", "mail", "my-disk")
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="ServiceException"), region=REGION))
    keeper.sandbox.clear_calls()

    assert "the databases of eu-central-1 are not among these" in paste(keeper, look)
    paste(keeper, allocate)
    paste(keeper, bring_back)

    there = {name: entry for name, entry in entries(keeper).items() if entry.region == AWAY}
    assert sorted(name.partition("-restored-")[0] for name in there) == ["mail", "my-disk", "web", "web-data-web"]
    assert content(keeper, "web").startswith("web-20261123-0300-")
    (rule,) = there["web"].shown["networking"]["ports"]
    assert (rule["fromPort"], rule["cidrs"]) == (443, ["203.0.113.0/24"])
    assert there["web"].shown["staticIp"] == "web-address"

    paste(keeper, back_up)
    taken = {entry.source_name for entry in keeper.sandbox.entries() if entry.region == AWAY and entry.source_arn}
    assert "web" in taken
    assert {call.region for call in keeper.sandbox.calls()} == {AWAY}


def copy_to(keeper: Keeper, region: str, *names: str) -> None:
    """Have a run copy what is newest of these to another Region."""
    keeper.configure(copies={region: {"schedule": "0 5 * * *", "keep": "daily=7"}})
    for name in names:
        keeper.tag(name, "backup:copy")
    targets = connect([region], max_concurrency=4, endpoint_url=keeper.sandbox.url)
    now = keeper.sandbox.now()
    run_regions(keeper.regions, keeper.settings, now, seconds_left=lambda: 900.0, on_outcome=noop, targets=targets)
    keeper.sandbox.advance(HOUR)


def test_i_need_yesterday_s_database(keeper: Keeper) -> None:
    look, make, reach, switch_off, delete = blocks(RUNBOOK, "I need yesterday's database")

    assert "my-database-20261122-0300-" in paste(keeper, look)
    assert "my-database-yesterday" not in entries(keeper)
    paste(keeper, make)
    assert content(keeper, "my-database-yesterday").startswith("my-database-20261122-0300-")
    *endpoint, password = paste(keeper, reach).splitlines()
    assert "address" in "".join(endpoint)
    assert len(password) > 8

    paste(keeper, switch_off)
    keeper.live(DAY)
    assert not keeper.snapshots("my-database-yesterday")

    paste(keeper, delete)
    assert {"my-database", "my-database-yesterday"} & set(entries(keeper)) == {"my-database"}


def test_each_key_of_the_document_is_documented(keeper: Keeper) -> None:
    section = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8").partition("\n## restore\n")[2]
    words = set(re.findall(r"`(\w+)`", section.partition("\n## ")[0]))

    document = json.loads(paste(keeper, "lightkeeper restore web --dry-run --json"))
    (shown,) = document["restores"]

    assert {*document, *shown, *shown["steps"][0]} <= words


def test_every_command_of_those_sections_is_tried() -> None:
    headings = re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE)

    assert headings[:5] == [
        "The server is gone",
        "A file was deleted",
        "The Region is in trouble",
        "I need yesterday's database",
        "Before the alarms",
    ]


def test_the_readme_s_commands_bring_back_what_is_gone(keeper: Keeper) -> None:
    keeper.sandbox.seed([Seed(kind="Instance", name="my-server", tags={"backup": "daily"}, firewall=FIREWALL)])
    keeper.live(DAY)
    keeper.sandbox.advance(HOUR)
    keeper.user.delete_instance(instanceName="my-server")
    keeper.user.delete_disk(diskName="my-disk")

    for command in blocks(README, "Bring it back"):
        paste(keeper, command)

    made = [name for name in entries(keeper) if "-restored-" in name]
    assert sorted(name.partition("-restored-")[0] for name in made) == ["my-disk", "my-server"]
