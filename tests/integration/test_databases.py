"""Relational databases: backed up like everything else, and what is special about them."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from lightkeeper.finding import FindingKind
from lightkeeper.findings import findings
from lightkeeper.metrics import MetricName, publishable
from lightkeeper.model import Severity, Status
from lightkeeper.run import Run
from lightkeeper.tags import EXPIRES, FORMAT, OWNER, SLOT, SOURCE
from lightsail_sandbox.client import EndSnapshots, ErrorAnswer, FaultRule, Meanwhile
from lightsail_sandbox.seeds import SnapshotState
from tests.support.command import lightkeeper
from tests.support.functions import widget
from tests.support.keeper import DAY, HOUR, REGION, Keeper, count, did, why_not
from tests.support.witness import CONSOLE

pytestmark = pytest.mark.usefixtures("fresh_calendar")

CREATE = "CreateRelationalDatabaseSnapshot"
HIGHLY_AVAILABLE = "small_ha_2_0"
KEEPS_TWO = {"backup": "daily", "backup:keep": "2"}
BUSY = pytest.mark.parametrize("state", ["modifying", "stopped", "backing-up", "never-heard-of"])


@pytest.fixture(autouse=True)
def _once_a_day(keeper: Keeper) -> None:
    """Have the runs that these stories make once a day for all that there are."""
    keeper.configure(tick="rate(1 day)", grace="0d")


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stand in the folder of a cdk.json."""
    (tmp_path / "cdk.json").write_text('{"lightkeeper": {}}')
    monkeypatch.chdir(tmp_path)


def delete(keeper: Keeper, name: str, *, final: str | None = None) -> None:
    """Delete a database as the user would, with a final snapshot of this name or without one."""
    if final:
        keeper.user.delete_relational_database(relationalDatabaseName=name, finalRelationalDatabaseSnapshotName=final)
    else:
        keeper.user.delete_relational_database(relationalDatabaseName=name, skipFinalSnapshot=True)


def status(keeper: Keeper) -> Status:
    (line,) = keeper.plan().sources
    return line.status


def advice(keeper: Keeper) -> list[str]:
    """Return what is said of the sources, all of which must be no more than advice."""
    problems = keeper.plan().problems
    assert {problem.severity for problem in problems} <= {Severity.ADVICE}
    return [problem.message for problem in problems]


def creates(keeper: Keeper) -> int:
    return keeper.writes().count(CREATE)


# Like everything else


def test_a_database_is_backed_up_every_day_and_its_snapshots_have_its_tags(keeper: Keeper) -> None:
    arn = keeper.database("orders", {"backup": "daily", "customer": "shop"})

    keeper.run()
    keeper.live(2 * DAY)

    assert keeper.days("orders") == ["20260615", "20260616", "20260617"]
    assert keeper.snapshots("orders").popitem()[1] == {
        "backup": "daily",
        "customer": "shop",
        OWNER: "Lightkeeper",
        SOURCE: arn,
        SLOT: "2026-06-17T03:00:00Z",
        FORMAT: "1",
        "lightkeeper:recipe": "1",
        "lightkeeper:zone": "eu-central-1a",
        "lightkeeper:bundle": "micro_2_0",
        "lightkeeper:public": "no",
        "lightkeeper:backup-window": "10:01-10:31",
        "lightkeeper:maintenance-window": "sat:11:14-sat:11:44",
    }


def test_a_database_without_the_tag_is_left_alone(keeper: Keeper) -> None:
    keeper.database("orders", {"customer": "shop"})

    keeper.run()

    assert keeper.writes() == []
    assert status(keeper) is Status.UNTAGGED


@pytest.mark.parametrize(
    ("state", "stands", "tries_again"),
    [
        ("creating", Status.WAITING, 0),
        ("available", Status.PROTECTED, 0),
        ("failed", Status.OVERDUE, 1),
        ("unknown", Status.OVERDUE, 0),
    ],
)
def test_only_an_available_snapshot_protects_and_only_a_failed_one_is_tried_again(
    keeper: Keeper, state: SnapshotState, stands: Status, tries_again: int
) -> None:
    keeper.database("orders", {"backup": "daily"}, bundle=HIGHLY_AVAILABLE)
    keeper.run()
    keeper.sandbox.set_snapshot_state(REGION, next(iter(keeper.snapshots())), state)
    keeper.sandbox.advance(HOUR)

    assert status(keeper) is stands
    assert count(keeper.run(), "create") == tries_again


def test_what_a_rule_drops_is_marked_and_a_later_run_deletes_it(keeper: Keeper) -> None:
    keeper.configure(grace="1d")
    keeper.database("orders", KEEPS_TWO)
    keeper.run()
    keeper.live(2 * DAY)
    keeper.sandbox.advance(HOUR)
    keeper.run()

    assert [EXPIRES in tags for tags in keeper.snapshots("orders").values()] == [True, False, False]
    keeper.live(5 * DAY)
    assert keeper.days("orders")[-2:] == ["20260621", "20260622"]
    assert "20260615" not in keeper.days("orders")
    assert "DeleteRelationalDatabaseSnapshot" in keeper.writes()


def test_a_hold_on_a_snapshot_or_on_the_database_keeps_it(keeper: Keeper) -> None:
    keeper.database("orders", KEEPS_TWO)
    keeper.database("wiki", KEEPS_TWO)
    keeper.run()
    keeper.tag(next(iter(keeper.snapshots("orders"))), "backup:hold")
    keeper.tag("wiki", "backup:hold")

    keeper.live(6 * DAY)

    assert keeper.days("orders")[0] == "20260615"
    assert len(keeper.days("orders")) < 6
    assert len(keeper.days("wiki")) == 7


def test_snapshots_that_fail_for_days_push_out_nothing_usable(keeper: Keeper) -> None:
    keeper.database("orders", KEEPS_TWO)
    keeper.run()
    keeper.live(2 * DAY)
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation=CREATE))

    keeper.live(4 * DAY)

    usable = [entry.tags[SLOT][:10] for entry in keeper.sandbox.entries() if entry.state == "available"]
    assert usable[-2:] == ["2026-06-16", "2026-06-17"]
    keeper.sandbox.clear_faults()
    keeper.live(5 * DAY)
    assert "failed" not in {entry.state for entry in keeper.sandbox.entries()}, "they go once a newer one is usable"


def test_a_list_of_databases_that_cannot_be_read_forbids_to_prune(keeper: Keeper) -> None:
    keeper.database("orders", KEEPS_TWO)
    keeper.run()
    keeper.live(4 * DAY)
    keeper.sandbox.add_faults(
        FaultRule(effect=ErrorAnswer(code="ServiceException"), operation="GetRelationalDatabases")
    )
    before = keeper.snapshots()

    run = keeper.live(DAY)[0]

    assert run.failures
    assert keeper.snapshots() == before


def test_the_metrics_count_a_database(keeper: Keeper) -> None:
    keeper.database("orders", {"backup": "daily"})
    keeper.database("wiki", {})
    created = keeper.run()
    keeper.sandbox.advance(HOUR)

    def sent(run: Run) -> dict[MetricName, float]:
        return publishable(run, is_whole=True)

    assert sent(created)[MetricName.SNAPSHOTS_CREATED] == 1
    now = sent(keeper.run())
    assert (now[MetricName.RESOURCES_PROTECTED], now[MetricName.RESOURCES_UNPROTECTED]) == (1, 1)
    assert now[MetricName.STORED_GIB] == 40, "the disk of the smallest bundle"


# Gone


@pytest.mark.parametrize("orphans", ["keep", "expire"])
def test_of_a_deleted_database_its_final_snapshot_stays_and_of_ours_the_newest_at_least(
    keeper: Keeper, orphans: str
) -> None:
    keeper.configure(orphans=orphans)
    keeper.database("orders", KEEPS_TWO)
    keeper.database("wiki", {})
    keeper.run()
    keeper.live(3 * DAY)
    keeper.sandbox.advance(HOUR)
    delete(keeper, "orders", final="orders-at-last")
    before = [*keeper.snapshots()]

    keeper.live(30 * DAY)

    left = [*keeper.snapshots()]
    assert left == (before if orphans == "keep" else [before[-2], "orders-at-last"])
    assert keeper.snapshots()["orders-at-last"] == {}, "it is the user's: neither marked nor deleted"


def test_a_database_that_is_gone_is_still_called_one(keeper: Keeper) -> None:
    keeper.database("orders", {"backup": "daily"})
    keeper.database("wiki", {})
    keeper.run()
    delete(keeper, "orders")
    keeper.sandbox.advance(HOUR)

    line = next(line for line in keeper.plan().sources if line.name == "orders")

    assert (line.status, line.kind) == (Status.GONE, "database")
    assert len(line.usable) == 1, "without a final snapshot, ours are what is left"


def test_a_new_database_under_an_old_name_shares_nothing_with_the_old_one(keeper: Keeper) -> None:
    keeper.database("orders", KEEPS_TWO)
    keeper.run()
    keeper.live(3 * DAY)
    old = set(keeper.snapshots())
    delete(keeper, "orders")
    keeper.database("orders", KEEPS_TWO, age=timedelta())

    keeper.run()
    keeper.live(6 * DAY)

    assert old <= set(keeper.snapshots()), "they are orphans now, also the one that was marked"
    assert len({tags[SOURCE] for tags in keeper.snapshots().values()}) == 2


# Not now


@BUSY
def test_a_database_that_is_not_available_is_deferred_without_a_call_and_nothing_of_it_is_pruned(
    keeper: Keeper, state: str
) -> None:
    keeper.database("orders", KEEPS_TWO)
    keeper.run()
    keeper.live(4 * DAY)
    before, calls = keeper.snapshots(), creates(keeper)
    keeper.sandbox.set_database_state(REGION, "orders", state)

    run = keeper.live(DAY)[0]

    assert [(verb, result) for verb, _, result in did(run) if verb == "create"] == [("create", "deferred")]
    assert why_not(run, "create") == [f'the database is "{state}", not "available"; the next run tries again']
    assert run.failures == (), "nothing has failed"
    assert keeper.snapshots() == before
    assert creates(keeper) == calls

    keeper.sandbox.set_database_state(REGION, "orders", None)
    keeper.sandbox.advance(HOUR)
    assert count(keeper.run(), "create") == 1
    keeper.live(DAY)
    assert len(keeper.snapshots()) <= len(before), "and what is pushed out goes again"


def test_a_database_that_stays_so_is_overdue(keeper: Keeper) -> None:
    keeper.database("orders", {"backup": "daily"})
    keeper.run()
    keeper.sandbox.set_database_state(REGION, "orders", "stopped")
    keeper.sandbox.set_time(keeper.sandbox.now().replace(day=16, hour=8))
    assert status(keeper) is Status.PROTECTED

    keeper.sandbox.advance(2 * HOUR)
    run = keeper.run()

    assert status(keeper) is Status.OVERDUE
    numbers = publishable(run, is_whole=True)
    assert (numbers[MetricName.RESOURCES_OVERDUE], numbers[MetricName.ACTIONS_DEFERRED]) == (1, 1)
    assert numbers[MetricName.SNAPSHOTS_FAILED] == 0


def test_what_is_said_of_it_then_is_why_and_no_command_that_cannot_help(keeper: Keeper) -> None:
    keeper.database("orders", {"backup": "daily"})
    keeper.run()
    keeper.sandbox.set_database_state(REGION, "orders", "stopped")
    keeper.sandbox.advance(2 * DAY)

    said = " ".join(lightkeeper("status", "--at", keeper.sandbox.now().isoformat()).out.split())

    assert (
        'orders overdue since 2026-06-16 03:00: the database is "stopped", not "available"; '
        "start it, or wait until it is available: then the next run takes one" in said
    )
    assert "lightkeeper take" not in said


def test_a_snapshot_that_never_ends_is_named_though_its_database_is_busy_too(keeper: Keeper) -> None:
    keeper.configure(tick="rate(1 hour)")
    keeper.database("orders", {"backup": "hourly"})
    keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="pending"), operation=CREATE))
    keeper.run()

    run = keeper.live(8 * HOUR, step=HOUR)[-1]

    (found,) = (each for each in findings(run, keeper.settings) if each.kind is FindingKind.OVERDUE)
    assert "has been pending since" in found.what
    assert found.do == "Wait; if that snapshot never ends, delete it, and ask AWS support why."


def test_a_database_that_is_due_nothing_is_pruned_whatever_its_state(keeper: Keeper) -> None:
    keeper.database("orders", KEEPS_TWO)
    keeper.run()
    keeper.live(3 * DAY)
    keeper.sandbox.set_database_state(REGION, "orders", "modifying")
    keeper.sandbox.advance(HOUR)

    assert count(keeper.run(), "schedule-deletion") == 1


def test_while_one_snapshot_is_taken_of_a_single_zone_database_the_next_one_waits(keeper: Keeper) -> None:
    keeper.configure(tick="rate(1 hour)")
    keeper.sandbox.set_options(snapshot_seconds=5400)
    keeper.database("orders", {"backup": "hourly"})
    keeper.database("shop", {"backup": "hourly"}, bundle=HIGHLY_AVAILABLE)
    keeper.run()

    runs = keeper.live(2 * HOUR, HOUR)

    assert [count(run, "create", "deferred") for run in runs] == [1, 0]
    assert (len(keeper.snapshots("orders")), len(keeper.snapshots("shop"))) == (2, 3)


def test_a_database_that_becomes_busy_between_the_list_and_the_call_is_deferred(keeper: Keeper) -> None:
    keeper.database("orders", {"backup": "daily"})
    by_hand = {"relationalDatabaseSnapshotName": "by-hand", "relationalDatabaseName": "orders"}
    act = Meanwhile(operation=CREATE, parameters=by_hand, access_key_id=CONSOLE)
    keeper.sandbox.add_faults(FaultRule(effect=act, operation=CREATE, calls=(1,)))

    run = keeper.run()

    assert [result for _, _, result in did(run)] == ["deferred"]
    assert "backing-up" in why_not(run, "create")[0]
    assert [*keeper.snapshots()] == ["by-hand"]


def test_a_plan_says_that_a_database_has_to_wait(keeper: Keeper) -> None:
    keeper.database("orders", {"backup": "daily"})
    keeper.sandbox.set_database_state(REGION, "orders", "modifying")

    printed = " ".join(lightkeeper("plan", "--at", keeper.sandbox.now().isoformat()).out.split())

    assert "modifying" in printed


# When


@pytest.mark.parametrize("window", ["16:00-16:30", "23:45-00:15", "00:00-00:30"])
@pytest.mark.parametrize("policy", ["daily", "weekly", "monthly"])
def test_who_follows_the_advice_hears_no_more_of_it_and_gets_backups_in_the_window(
    keeper: Keeper, window: str, policy: str
) -> None:
    keeper.database("orders", {"backup": policy}, window=window)
    (said,) = advice(keeper)
    assert f'"backup:at" = "{window[:5]} UTC"' in said

    keeper.tag("orders", "backup:at", f"{window[:5]} UTC")

    assert advice(keeper) == []
    keeper.live(8 * DAY)
    slots = [tags[SLOT][11:16] for tags in keeper.snapshots("orders").values()]
    assert set(slots) == {window[:5]}


def test_for_a_highly_available_database_any_slot_will_do(keeper: Keeper) -> None:
    keeper.configure(tick="rate(1 hour)")
    keeper.database("orders", {"backup": "hourly"}, bundle=HIGHLY_AVAILABLE, window="16:00-16:30")

    assert advice(keeper) == []


@pytest.mark.parametrize("tags", [{}, {"backup": "off"}])
def test_a_database_that_is_not_backed_up_gets_no_advice(keeper: Keeper, tags: dict[str, str]) -> None:
    keeper.database("orders", tags, native_backups=False)

    assert advice(keeper) == []


def test_native_backups_that_are_off_are_advised_against_until_they_are_on(keeper: Keeper) -> None:
    keeper.database("orders", {"backup": "daily"}, bundle=HIGHLY_AVAILABLE, native_backups=False)
    (said,) = advice(keeper)
    assert said.startswith("its native backups are off, as in import mode")
    assert count(keeper.run(), "create") == 1

    keeper.sandbox.advance(HOUR)
    keeper.user.update_relational_database(relationalDatabaseName="orders", enableBackupRetention=True)

    assert advice(keeper) == []


@pytest.mark.parametrize("mode", ["system-disk", "instance", "whole"])
def test_a_mode_is_advice_on_a_database_and_no_mode(keeper: Keeper, mode: str) -> None:
    keeper.database("orders", {**KEEPS_TWO, "backup:mode": mode}, bundle=HIGHLY_AVAILABLE)

    assert advice(keeper) == ["has no effect on a database; expected on instances only"]
    keeper.run()
    keeper.live(4 * DAY)
    assert {entry.kind for entry in keeper.sandbox.entries() if entry.state} == {"RelationalDatabaseSnapshot"}
    assert "DeleteRelationalDatabaseSnapshot" in keeper.writes(), "and nothing is held back"


# What a person sees


def test_the_command_calls_it_a_database(keeper: Keeper) -> None:
    keeper.database("orders", {"backup": "daily"})
    keeper.run()
    keeper.sandbox.advance(HOUR)
    at = ("--at", keeper.sandbox.now().isoformat())

    for verb in ("plan", "status"):
        assert re.search(r"^orders +database ", lightkeeper(verb, *at).out, re.MULTILINE)
        (source,) = lightkeeper(verb, *at, "--json").document["sources"]
        assert (source["name"], source["kind"], source["status"]) == ("orders", "database", "protected")


def test_a_recovery_point_of_a_database_is_taken_by_hand(keeper: Keeper) -> None:
    keeper.database("orders", {"backup": "daily"}, bundle=HIGHLY_AVAILABLE)
    keeper.run()
    keeper.sandbox.advance(HOUR)

    ended = lightkeeper("take", "orders", "--kind", "database", "--at", keeper.sandbox.now().isoformat())

    assert ended.status == 0
    assert creates(keeper) == 2


def test_of_a_database_that_is_not_available_none_is_taken_and_the_command_says_why(keeper: Keeper) -> None:
    keeper.database("orders", {"backup": "daily"})
    keeper.sandbox.set_database_state(REGION, "orders", "stopped")

    ended = lightkeeper("take", "orders", "--at", keeper.sandbox.now().isoformat())

    assert ended.status == 1
    assert 'the database is "stopped"' in " ".join(ended.out.split())
    assert "tries again" not in ended.out, "no run takes up what was asked for by hand"
    assert "nothing tries again by itself" in ended.err
    assert creates(keeper) == 0


def test_the_calendar_has_a_row_for_a_database_and_says_of_it_nothing_about_disks(keeper: Keeper) -> None:
    keeper.database("orders", {"backup": "daily"}, window="16:00-16:30")
    keeper.run()
    keeper.sandbox.advance(HOUR)

    html = widget()

    assert "orders" in html
    assert "database" in html
    assert "lies outside its backup window" in html
    assert "disk" not in html
    assert "instance" not in html


def test_asked_for_twice_in_a_minute_it_is_taken_once_though_it_is_busy_by_then(keeper: Keeper) -> None:
    keeper.database("orders", {"backup": "daily"})
    asked = "take", "orders", "--at", keeper.sandbox.now().isoformat()

    assert [lightkeeper(*asked).status for _ in range(2)] == [0, 0]

    assert creates(keeper) == 2, "the second finds the first by its name"
    assert len(keeper.snapshots()) == 1
