"""The drill: the home Region refuses every call, and one command brings the whole fleet back in the second one."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import typer

from lightkeeper.restore_steps import RESTORED_AT, RESTORED_FROM
from lightkeeper.run import run_regions
from lightkeeper.schedule import current_slot
from lightkeeper_cli import copies, recipe, restoring
from lightsail_sandbox.client import Entry, ErrorAnswer, FaultRule, HoldCall, Sandbox
from lightsail_sandbox.fleet import WEB_SERVER, fleet
from tests.support.command import Ended, lightkeeper
from tests.support.keeper import DAY, HOUR, NOON, REGION, Keeper, _connect, noop
from tests.support.world import no_waiting

AWAY = "eu-north-1"
SETTINGS: Mapping[str, Any] = {"copies": {AWAY: {"schedule": "0 5 * * *", "keep": "daily=3"}}}
EVERYTHING = ("restore", "--all", "--gone", "--region", AWAY)
MAKES = ("CreateInstancesFromSnapshot", "CreateDiskFromSnapshot", "CreateRelationalDatabaseFromSnapshot")
COPIED = {"shop-web", "old-site", "shop-data", "shop-files", "ledger", "blog", "mail-store"}
"""What a fleet of the demonstration has that comes back; beside the system disk of a server, which boots none."""


@pytest.fixture
def fleet_with_copies(keeper: Keeper, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Keeper:
    """The demonstration's fleet, copied for three days, and a person in the folder of its settings."""
    no_waiting(monkeypatch)
    (tmp_path / "cdk.json").write_text(json.dumps({"lightkeeper": SETTINGS}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for module in (restoring, recipe):
        monkeypatch.setattr(module, "clock", keeper.sandbox.now)
    # The command waits by the real clock.
    keeper.sandbox.set_options(boot_seconds=0, health_seconds=0, disk_seconds=0, database_seconds=0)
    keeper.configure(**SETTINGS)
    keeper.user.create_key_pair(keyPairName="owner")
    keeper.sandbox.seed(
        replace(
            seed,
            tags={**seed.tags, "backup:copy": ""} if seed.kind in {"Disk", "Instance"} and seed.tags else seed.tags,
            key_pair="owner" if seed.name == WEB_SERVER else None,
        )
        for seed in fleet(NOON)
    )
    live(keeper, 3 * DAY)
    return keeper


def live(keeper: Keeper, time: timedelta, *regions: str) -> None:
    """Let time pass, with a run each hour: in home, or in these Regions."""
    targets, looked_after = _connect([AWAY], keeper.sandbox.url), _connect(regions or [REGION], keeper.sandbox.url)
    for _ in range(time // HOUR):
        keeper.sandbox.advance(HOUR)
        run_regions(
            looked_after,
            keeper.settings,
            keeper.sandbox.now(),
            seconds_left=lambda: 900.0,
            on_outcome=noop,
            targets=targets,
        )
    for region in (*targets.values(), *looked_after.values()):
        region.close()


def go_dark(sandbox: Sandbox) -> None:
    """Let home refuse every call from now on."""
    sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="ServiceException"), region=REGION))
    sandbox.clear_calls()


def there(keeper: Keeper, region: str = AWAY) -> dict[str, Entry]:
    """Return the sources of a Region by name."""
    return {entry.name: entry for entry in keeper.sandbox.entries() if entry.region == region and entry.state is None}


def made_of(keeper: Keeper, source: str) -> Entry:
    """Return what was made of a source in the second Region."""
    (made,) = (
        entry for entry in there(keeper).values() if RESTORED_AT in entry.tags and entry.name.startswith(f"{source}-r")
    )
    return made


def promised(keeper: Keeper, source: str, now: datetime) -> datetime:
    """Return when the newest content is from that the copies of a source promise: that of the last slot."""
    slot = current_slot(keeper.settings.copies[AWAY].schedule, now)
    contents = (entry.content_at for entry in keeper.sandbox.entries() if entry.source_name == source)
    return max(content for content in contents if content and content <= slot)


def ports(entry: Entry) -> list[dict[str, Any]]:
    return sorted(
        ({key: value for key, value in port.items() if value} for port in entry.shown["networking"]["ports"]),
        key=lambda port: int(port["fromPort"]),
    )


def bring_back() -> Ended:
    return lightkeeper(*EVERYTHING, "--yes")


def test_one_command_brings_the_fleet_back_in_the_second_region(fleet_with_copies: Keeper) -> None:
    keeper, now = fleet_with_copies, fleet_with_copies.sandbox.now()
    before = there(keeper, REGION)
    go_dark(keeper.sandbox)

    ended = bring_back()

    assert {call.region for call in keeper.sandbox.calls()} == {AWAY}, "home is not even asked"
    assert ended.status == 1, "one of them cannot come back whole, and that is said"
    assert "clinic-db" in ended.out.partition("\nrefused ")[2].splitlines()[0]
    web = made_of(keeper, WEB_SERVER)
    for source in COPIED - {"shop-files"}:
        made = made_of(keeper, source)
        used = next(entry for entry in keeper.sandbox.entries() if entry.name == made.tags[RESTORED_FROM])
        assert used.content_at == promised(keeper, source, now), source
        assert made.shown["location"]["availabilityZone"] == f"{AWAY}a"
        assert made.tags["backup"] == before[source].tags["backup"]
    assert ports(web) == ports(before[WEB_SERVER])
    assert len(ports(web)) == 3
    assert web.shown["bundleId"] == before[WEB_SERVER].shown["bundleId"]
    (files,) = (entry for entry in there(keeper).values() if entry.name.startswith("shop-files"))
    assert (files.shown["attachedTo"], files.shown["path"]) == (web.name, before["shop-files"].shown["path"])
    assert (before[WEB_SERVER].shown["sshKeyName"], web.shown["sshKeyName"]) == ("owner", "LightsailDefaultKeyPair")
    for sentence in (
        f"the source, {WEB_SERVER}, is of {REGION}, where nobody has looked",
        f"the static IP shop-address: it stays in {REGION}, so what is made gets a new address",
        f"the key pair owner: {AWAY} has none of that name",
        f"the databases of {REGION} are not among these",
        f"nothing backs up what is made in {AWAY}",
    ):
        assert sentence in " ".join(ended.out.split()), sentence


def test_the_same_command_again_makes_nothing_twice(fleet_with_copies: Keeper) -> None:
    go_dark(fleet_with_copies.sandbox)
    bring_back()
    made = there(fleet_with_copies)
    fleet_with_copies.sandbox.advance(HOUR)
    fleet_with_copies.sandbox.clear_calls()

    again = bring_back()

    assert there(fleet_with_copies) == made
    assert not [call for call in fleet_with_copies.sandbox.calls() if call.operation in MAKES]
    assert "an earlier restore has done all of this" in again.out


def test_nothing_is_made_twice_either_where_home_goes_on_and_is_copied(fleet_with_copies: Keeper) -> None:
    bring_back()
    made = there(fleet_with_copies)
    live(fleet_with_copies, DAY)

    bring_back()

    assert there(fleet_with_copies).keys() == made.keys()


def test_what_is_restored_is_backed_up_where_it_is_now(fleet_with_copies: Keeper) -> None:
    go_dark(fleet_with_copies.sandbox)
    bring_back()

    live(fleet_with_copies, DAY, AWAY)

    taken = {entry.source_name for entry in fleet_with_copies.sandbox.entries() if entry.region == AWAY}
    assert {made_of(fleet_with_copies, source).name for source in COPIED - {"shop-files"}} <= taken


def test_the_files_of_a_system_disk_come_back_as_a_disk(fleet_with_copies: Keeper) -> None:
    go_dark(fleet_with_copies.sandbox)

    ended = lightkeeper("restore", "clinic-db", "--kind", "disk", "--region", AWAY, "--as", "clinic-files", "--yes")

    assert ended.status == 0
    assert there(fleet_with_copies)["clinic-files"].kind == "Disk"


def test_whoever_looks_at_a_dark_home_is_told_where_the_copies_are(fleet_with_copies: Keeper) -> None:
    go_dark(fleet_with_copies.sandbox)

    one = lightkeeper("restore", WEB_SERVER, "--as", "web", "--yes")
    everything = lightkeeper("restore", "--all", "--gone", "--yes")
    kept = lightkeeper("recipe", WEB_SERVER)

    assert (one.status, everything.status, kept.status) == (2, 2, 2)
    assert f"lightkeeper restore {WEB_SERVER} --as web --region {AWAY}" in one.err
    assert "that can be restored there: lightkeeper restore --all --gone --region eu-north-1" in everything.err
    assert f"lightkeeper recipe {WEB_SERVER} --region {AWAY}" in kept.err
    assert there(fleet_with_copies) == {}, "nothing is restored elsewhere unasked"

    pasted = one.err.rpartition(": lightkeeper ")[2].split()
    assert lightkeeper(*pasted, "--yes").status == 0
    assert set(there(fleet_with_copies)) >= {"web"}


def test_a_drill_long_ago_is_not_taken_for_the_server_of_today(fleet_with_copies: Keeper) -> None:
    keeper = fleet_with_copies
    drill = ("restore", WEB_SERVER, "--region", AWAY, "--as", "drill", "--yes")
    assert lightkeeper(*drill).status == 0
    origin, made = there(keeper)["drill"].tags[RESTORED_FROM], there(keeper).keys()
    live(keeper, 5 * DAY)
    assert origin not in {entry.name for entry in keeper.sandbox.entries()}, "its copy has gone by its rule"
    newest = promised(keeper, WEB_SERVER, keeper.sandbox.now())
    go_dark(keeper.sandbox)

    again, everything = lightkeeper(*drill), bring_back()

    assert again.status == 2
    assert f"drill is what an earlier restore has made of {origin}" in " ".join(again.out.split())
    assert f"of {newest:%Y-%m-%d %H:%M} UTC, is newer; expected --as with another name" in " ".join(again.out.split())
    said = " ".join(everything.out.split())
    assert f'{WEB_SERVER} of {REGION} is back already, as "drill"' in said
    pasted = said.partition('"drill"; ')[2].partition("is newer: ")[2].partition(" brings that back, too")[0]
    assert pasted.startswith(f"lightkeeper restore {WEB_SERVER} --region {AWAY} --snapshot {WEB_SERVER}-")
    assert not any(name.startswith(f"{WEB_SERVER}-restored") for name in there(keeper).keys() - made)

    assert lightkeeper(*pasted.replace("NAME", "today").split()[1:], "--yes").status == 0
    used = there(keeper)["today"].tags[RESTORED_FROM]
    assert [each.content_at for each in keeper.sandbox.entries() if each.name == used] == [newest]


def test_what_has_only_copies_is_named_beside_what_comes_back_at_home(fleet_with_copies: Keeper) -> None:
    keeper = fleet_with_copies
    for name in ("ledger", "blog"):
        kind = there(keeper, REGION)[name].kind
        if kind == "Disk":
            keeper.user.delete_disk(diskName=name)
        else:
            keeper.user.delete_instance(instanceName=name)
    for entry in keeper.sandbox.entries():
        if entry.region == REGION and entry.source_name == "ledger" and entry.state:
            if entry.kind == "DiskSnapshot":
                keeper.user.delete_disk_snapshot(diskSnapshotName=entry.name)
            else:
                keeper.user.delete_instance_snapshot(instanceSnapshotName=entry.name)

    ended = lightkeeper("restore", "--all", "--gone", "--dry-run")

    said = " ".join(ended.out.split())
    assert "the source, blog, is gone" in said
    command = f"lightkeeper restore ledger --region {AWAY}"
    assert "of ledger, nothing usable can be seen at home; eu-north-1 has a copy, of " in said
    assert command in said
    assert "--all --gone --region" not in said, "that would make a second one of all that lives"
    assert lightkeeper(*command.split()[1:], "--dry-run").status == 0


def test_with_one_of_two_homes_dark_only_what_is_from_there_comes_back_elsewhere(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    further = "eu-west-1"
    (tmp_path / "cdk.json").write_text(json.dumps({"lightkeeper": {**SETTINGS, "regions": [REGION, further]}}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(restoring, "clock", keeper.sandbox.now)
    keeper.configure(**SETTINGS)
    for name in ("data", "till"):
        keeper.disk(name, {"backup": "daily", "backup:copy": ""})
    keeper.disk("erp", {"backup": "daily", "backup:copy": ""}, further)
    live(keeper, 2 * DAY, REGION, further)
    go_dark(keeper.sandbox)
    command = f"lightkeeper restore --all --gone --from {REGION} --region {AWAY}"

    stands = lightkeeper("status", "--at", f"{keeper.sandbox.now():%Y-%m-%dT%H:%M:%SZ}")
    home = lightkeeper("restore", "--all", "--gone", "--dry-run")
    pasted = lightkeeper(*command.split()[1:], "--dry-run")

    assert stands.out.rstrip().endswith(
        f"{AWAY} has copies of 2 sources, the newest of 2026-06-17 03:00 UTC, that can be restored there: {command}"
    )
    assert home.status == 2
    assert command in home.err
    assert "erp" not in home.err
    assert pasted.status == 0
    assert "the source, data, is of" in pasted.out
    assert "the source, till, is of" in pasted.out
    assert "erp" not in pasted.out, "it lives"


def test_while_home_is_dark_nobody_gets_what_another_customer_has_under_the_same_name(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = {**SETTINGS, "regions": [REGION, AWAY]}
    (tmp_path / "cdk.json").write_text(json.dumps({"lightkeeper": settings}))
    monkeypatch.chdir(tmp_path)
    no_waiting(monkeypatch)
    monkeypatch.setattr(restoring, "clock", keeper.sandbox.now)
    keeper.sandbox.set_options(disk_seconds=0)
    keeper.configure(**settings)
    for region, customer in ((REGION, "bakery"), (AWAY, "florist")):
        keeper.disk("data", {"backup": "daily", "backup:copy": "", "customer": customer}, region)
    live(keeper, 2 * DAY, REGION, AWAY)
    before = there(keeper).keys()
    go_dark(keeper.sandbox)

    refused = lightkeeper("restore", "data", "--yes")
    made = there(keeper).keys() - before
    brought = lightkeeper("restore", "data", "--region", AWAY, "--from", REGION, "--as", "bakery-data", "--yes")

    assert (refused.status, made) == (2, set())
    assert f"disk from {REGION}, copied to {AWAY}" in refused.err
    assert "expected --from to say which" in refused.err
    assert brought.status == 0
    assert there(keeper)["bakery-data"].tags["customer"] == "bakery"


def test_whoever_waits_for_a_home_that_hangs_is_told_meanwhile(
    fleet_with_copies: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = fleet_with_copies.sandbox
    sandbox.add_faults(FaultRule(effect=HoldCall(), region=REGION, operation="GetInstanceSnapshots"))
    monkeypatch.setattr(copies, "SILENT_SECONDS", 0.0)
    said = Event()
    echo = typer.echo

    def heard(message: str, *, err: bool = False, nl: bool = True) -> None:
        echo(message, err=err, nl=nl)
        if "no answer yet" in message:
            sandbox.clear_faults()
            said.set()

    monkeypatch.setattr(typer, "echo", heard)

    ended = lightkeeper("restore", WEB_SERVER, "--dry-run")

    assert said.is_set()
    assert ended.status == 0, "home has answered in the end, and comes first"
    assert f"no answer yet from {REGION}; {AWAY} has a copy, of 2026-06-18 03:00 UTC" in ended.err
    assert there(fleet_with_copies) == {}


@pytest.mark.usefixtures("aws")
def test_whoever_has_lost_the_stack_with_its_region_is_told_what_does_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    no_waiting(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", "http://127.0.0.1:1")

    ended = lightkeeper("restore", "--all", "--gone", "--region", AWAY, "--stack", "Lightkeeper", "--yes")

    assert ended.status == 1
    assert "--config with a file of its settings does as well" in ended.err
