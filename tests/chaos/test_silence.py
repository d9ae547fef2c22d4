"""Nothing stops being protected in silence: whole runs of the function, and what a person hears of them."""

from collections.abc import Callable

import pytest

from lightsail_sandbox.client import ErrorAnswer, FaultRule, ShortList
from tests.support.functions import Run
from tests.support.keeper import DAY, HOUR, REGION, Keeper
from tests.support.listening import Listener

Fleet = tuple[str, ...]
FLEET: Fleet = tuple(f"disk-{number:02}" for number in range(7))
Hear = Callable[[], list[str]]


@pytest.fixture
def hear(keeper: Keeper, person: Listener, run: Run) -> Hear:
    """Let the function run, have the witness judge what it did and what it said, and return the subjects."""

    def hear() -> list[str]:
        with keeper.witness.watching(keeper.settings.to_mapping()):
            run()
        letters = person.letters()
        keeper.witness.said(text for _, text in letters)
        return [subject for subject, _ in letters]

    return hear


@pytest.fixture
def fleet(keeper: Keeper, hear: Hear) -> Fleet:
    """Seven disks and an instance, backed up for a week."""
    for name in FLEET:
        keeper.disk(name, {"backup": "daily", "backup:keep": "7"})
    keeper.instance("web", {"backup": "daily", "backup:keep": "7"})
    for _ in range(8):
        keeper.sandbox.advance(DAY)
        assert hear() == []
    return FLEET


def untagged(keeper: Keeper, name: str) -> None:
    # What stays of the vocabulary would be a problem, and reported as such.
    for key in ("backup:keep", "backup"):
        keeper.untag(name, key)


def turned_off(keeper: Keeper, name: str) -> None:
    keeper.tag(name, "backup", "off")


def deleted(keeper: Keeper, name: str) -> None:
    keeper.user.delete_disk(diskName=name)


@pytest.mark.parametrize("orphans", ["keep", "expire"])
@pytest.mark.parametrize("stop", [untagged, turned_off, deleted])
def test_each_source_that_stops_being_backed_up_is_reported_once(
    keeper: Keeper, fleet: Fleet, hear: Hear, stop: Callable[[Keeper, str], None], orphans: str
) -> None:
    keeper.configure(orphans=orphans)
    for name in fleet[:2]:
        stop(keeper, name)
        keeper.sandbox.advance(HOUR)
        assert len(hear()) == 1
        keeper.sandbox.advance(HOUR)
        assert hear() == []


@pytest.mark.parametrize("stop", [untagged, turned_off])
def test_a_fleet_that_stops_being_backed_up_is_reported_in_one_message(
    keeper: Keeper, fleet: Fleet, hear: Hear, stop: Callable[[Keeper, str], None]
) -> None:
    for name in fleet:
        stop(keeper, name)
    keeper.sandbox.advance(HOUR)

    assert len(hear()) == 1
    for _ in range(3):
        keeper.sandbox.advance(DAY)
        assert hear() == []


def test_what_stopped_while_its_list_failed_is_reported_when_the_list_can_be_read_again(
    keeper: Keeper, fleet: Fleet, hear: Hear
) -> None:
    untagged(keeper, fleet[0])
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="ServiceException"), operation="GetDisks"))
    keeper.sandbox.advance(HOUR)
    hear()
    keeper.sandbox.clear_faults()
    keeper.sandbox.advance(HOUR)

    assert len(hear()) == 1


def test_a_rule_that_is_cut_for_the_fleet_is_reported(keeper: Keeper, fleet: Fleet, hear: Hear) -> None:
    for name in fleet:
        keeper.tag(name, "backup:keep", "5")
    keeper.sandbox.advance(HOUR)

    assert len(hear()) == 1


def test_a_list_that_is_suddenly_empty_is_reported_and_nothing_is_marked(
    keeper: Keeper, fleet: Fleet, hear: Hear
) -> None:
    keeper.configure(orphans="expire")
    before = {name: keeper.snapshots(name) for name in fleet}
    keeper.sandbox.add_faults(FaultRule(effect=ShortList(), operation="GetDisks", region=REGION))
    keeper.sandbox.advance(HOUR)

    assert len(hear()) == 1
    assert {name: keeper.snapshots(name) for name in fleet} == before
