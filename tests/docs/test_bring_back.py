"""What is lost comes back as the runbook and the README say, with the commands that they show."""

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lightkeeper.inventory import plan_regions
from lightkeeper.lightsail import Lightsail, connect
from lightkeeper.model import Plan
from lightkeeper.rescue import Stage
from lightkeeper.rescue_plan import Verdict
from lightkeeper.restore_steps import RESTORED_AT
from lightkeeper.run import Run, run_regions
from lightkeeper.settings import Settings
from lightsail_sandbox.client import Entry, ErrorAnswer, FaultRule, Seed
from tests.support.code import ROOT
from tests.support.keeper import DAY, HOUR, REGION, Keeper, noop
from tests.support.witness import CONSOLE

pytestmark = pytest.mark.slow

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
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
    moved = " ".join(paste(keeper, second).split())
    assert "attach-static-ip --region eu-central-1 --static-ip-name mail-address --instance-name mail" in moved
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
    go_dark(keeper)
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
    keeper.configure(regions=[REGION], copies={region: {"schedule": "0 5 * * *", "keep": "daily=7"}})
    for name in names:
        keeper.tag(name, "backup:copy")
    run(keeper, keeper.settings)
    keeper.sandbox.advance(HOUR)


def run(keeper: Keeper, settings: Settings) -> Run:
    """Make the run of a deployment with these settings."""
    now, homes, targets = keeper.sandbox.now(), reach(keeper, settings.regions), reach(keeper, settings.copies)
    return run_regions(homes, settings, now, seconds_left=lambda: 900.0, on_outcome=noop, targets=targets)


def plan(keeper: Keeper, settings: Settings) -> Plan:
    """Return what that run would do."""
    targets = reach(keeper, settings.copies)
    return plan_regions(reach(keeper, settings.regions), settings, keeper.sandbox.now(), targets)


def reach(keeper: Keeper, regions: Iterable[str]) -> dict[str, Lightsail]:
    return connect([*regions], max_concurrency=4, endpoint_url=keeper.sandbox.url)


def deployments_elsewhere() -> list[Settings]:
    """Return the settings of the document for a deployment in the second Region: before an outage, and after."""
    section = re.split(r"\n##+ ", CONFIGURATION.partition("\n### Where the function runs\n")[2])[0]
    return [Settings.from_mapping(json.loads(block)) for block in re.findall(r"```json\n(.*?)```", section, re.DOTALL)]


def go_dark(keeper: Keeper) -> None:
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="ServiceException"), region=REGION))


def snapshots_in(keeper: Keeper, region: str) -> dict[str, Entry]:
    """Return the snapshots in a Region, with their tags."""
    return {entry.name: entry for entry in keeper.sandbox.entries() if entry.region == region and entry.source_arn}


@pytest.mark.parametrize("number", [0, 1], ids=["before the outage", "after it"])
def test_a_deployment_in_the_second_region_backs_up_what_was_restored_and_leaves_the_copies(
    keeper: Keeper, number: int
) -> None:
    copy_to(keeper, AWAY, "web")
    go_dark(keeper)
    paste(keeper, f"lightkeeper restore web --region {AWAY} --as web --yes")
    copies = snapshots_in(keeper, AWAY)
    assert copies

    def next_day() -> Run:
        keeper.sandbox.advance(DAY)
        return run(keeper, deployments_elsewhere()[number])

    *_, ended = [next_day() for _ in range(14)]

    there = snapshots_in(keeper, AWAY)
    assert {name: there[name].tags for name in copies} == {name: entry.tags for name, entry in copies.items()}
    taken = [entry for name, entry in there.items() if name not in copies]
    assert {entry.source_name for entry in taken} == {"web"}
    assert 8 <= len(taken) < 14, "its own recovery points are pruned by their rule"
    assert ended.plan.problems == ()
    assert {failure.region for failure in ended.plan.failures} == ({REGION} if number == 0 else set())


def test_two_deployments_of_a_name_share_nothing_once_the_first_region_is_back(keeper: Keeper) -> None:
    copy_to(keeper, AWAY, "web")
    paste(keeper, f"lightkeeper restore web --region {AWAY} --as web --yes")
    first, second = keeper.settings, deployments_elsewhere()[1]
    keeper.sandbox.advance(DAY)

    for settings, other in ((first, second), (second, first)):
        before = [(action.verb, action.target) for action in plan(keeper, other).actions]
        ended = run(keeper, settings)
        assert [outcome.result for outcome in ended.outcomes]
        assert [(action.verb, action.target) for action in plan(keeper, other).actions] == before


def test_before_you_delete_a_server(keeper: Keeper) -> None:
    look, save, take, delete, bring_back = blocks(RUNBOOK, "Before you delete a server")
    with_automatic_snapshots(keeper, 3)
    before = snapshots_in(keeper, REGION)

    assert "it goes with its source" in paste(keeper, look)
    assert snapshots_in(keeper, REGION) == before

    assert "3 of 3 automatic snapshots of web rescued" in paste(keeper, save)
    rescued = {name: entry for name, entry in snapshots_in(keeper, REGION).items() if name not in before}
    days = ["11-24 06:00", "11-25 06:00", "11-26 06:00"]
    assert sorted(f"{entry.content_at:%m-%d %H:%M}" for entry in rescued.values()) == days

    paste(keeper, take)
    paste(keeper, delete)
    assert "web" not in entries(keeper)
    assert before.keys() | rescued.keys() < snapshots_in(keeper, REGION).keys(), "and the one that was taken by hand"

    (name,) = (name for name, entry in rescued.items() if entry.content_at and entry.content_at.day == 24)
    assert name in paste(keeper, bring_back)
    assert "web" not in entries(keeper)


def with_automatic_snapshots(keeper: Keeper, days: int) -> None:
    """Have Lightsail make automatic snapshots of the server, for so many days in which nothing else happens."""
    keeper.sandbox.set_options(copy_seconds=0, snapshot_seconds=0)
    keeper.user.enable_add_on(
        resourceName="web",
        addOnRequest={"addOnType": "AutoSnapshot", "autoSnapshotAddOnRequest": {"snapshotTimeOfDay": "06:00"}},
    )
    keeper.sandbox.advance(days * DAY)


def test_a_copy_is_overdue(keeper: Keeper) -> None:
    away, _, pending, _, by_hand, leave = blocks(RUNBOOK, "A copy is overdue")
    copy_to(keeper, AWAY, "my-disk")
    keeper.sandbox.set_options(copy_seconds=3600)
    keeper.live(DAY)
    keeper.sandbox.advance(HOUR)
    run(keeper, keeper.settings)
    (on_its_way,) = (name for name, entry in snapshots_in(keeper, AWAY).items() if entry.state == "pending")

    assert on_its_way in paste(keeper, away + pending)

    paste(keeper, away + by_hand)
    keeper.sandbox.advance(HOUR)
    run(keeper, keeper.settings)
    there = snapshots_in(keeper, AWAY)
    assert there["my-disk-by-hand"].tags == {}
    assert there["my-disk-by-hand"].content_at == there[on_its_way].content_at, "the newest"

    paste(keeper, leave)
    keeper.live(DAY)
    keeper.sandbox.advance(HOUR)
    run(keeper, keeper.settings)
    assert snapshots_in(keeper, AWAY) == there


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


def words_of(verb: str) -> set[str]:
    """Return what is set as code where the command line's document has that verb."""
    section = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8").partition(f"\n## {verb}\n")[2]
    return set(re.findall(r"`([a-zA-Z-]+)`", section.partition("\n## ")[0]))


def test_each_key_and_word_of_a_rescue_is_documented(keeper: Keeper) -> None:
    with_automatic_snapshots(keeper, 1)

    document = json.loads(paste(keeper, "lightkeeper rescue web --dry-run --json"))

    assert {*document, *document["days"][0], *Verdict, *Stage} <= words_of("rescue")


def test_each_key_of_the_document_is_documented(keeper: Keeper) -> None:
    words = words_of("restore")

    document = json.loads(paste(keeper, "lightkeeper restore web --dry-run --json"))
    (shown,) = document["restores"]

    assert {*document, *shown, *shown["steps"][0]} <= words


def test_every_command_of_those_sections_is_tried() -> None:
    headings = re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE)

    assert headings[:6] == [
        "The server is gone",
        "A file was deleted",
        "The Region is in trouble",
        "I need yesterday's database",
        "Before you delete a server",
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
