"""The witness condemns: for each rule, a run that breaks it, which Lightkeeper would never be."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from sandbox.client import EndSnapshots, FaultRule
from tests.integration.keeper import DAY, HOUR, READS, REGION, Keeper
from tests.witness import BrokenPromiseError, Witness

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient


@dataclass
class Rogue:
    """A run that does what it likes, where a disk has four snapshots of ours: one announced, the newest just taken."""

    keeper: Keeper
    client: "LightsailClient"

    @property
    def names(self) -> list[str]:
        return list(self.keeper.snapshots("shop"))

    def read(self) -> None:
        """Read all lists, as a run has to."""
        for operation in ("get_disks", "get_instances", "get_disk_snapshots", "get_instance_snapshots"):
            getattr(self.client, operation)()

    def delete(self, name: str) -> None:
        self.client.delete_disk_snapshot(diskSnapshotName=name)

    def create(self, name: str, **changes: str) -> None:
        tags = {**next(reversed(self.keeper.snapshots("shop").values())), **changes}
        self.client.create_disk_snapshot(
            diskName="shop", diskSnapshotName=name, tags=[{"key": key, "value": tags[key]} for key in tags]
        )

    def mark(self, name: str, at: str) -> None:
        self.client.tag_resource(resourceName=name, tags=[{"key": "lightkeeper:expires", "value": at}])


@pytest.fixture
def rogue(keeper: Keeper) -> Iterator[Rogue]:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    keeper.live(4 * DAY)
    keeper.sandbox.advance(HOUR)
    client = boto3.client("lightsail", **keeper.sandbox.client_options(REGION))
    yield Rogue(keeper, client)
    client.close()


def announced_and_over(rogue: Rogue) -> str:
    """Return the one that may be deleted, after its time has passed."""
    rogue.keeper.sandbox.advance(DAY)
    return rogue.names[0]


def touches_what_is_not_ours(rogue: Rogue) -> None:
    rogue.keeper.user.create_disk_snapshot(diskName="shop", diskSnapshotName="by-hand")
    rogue.keeper.witness.look()
    rogue.read()
    rogue.delete("by-hand")


def tags_what_is_not_its_to_tag(rogue: Rogue) -> None:
    rogue.client.tag_resource(resourceName="shop", tags=[{"key": "backup:keep", "value": "1"}])


def deletes_the_newest(rogue: Rogue) -> None:
    rogue.read()
    rogue.delete(rogue.names[-1])


def takes_a_failed_one_for_the_newest(rogue: Rogue) -> None:
    newest = rogue.names[-1]
    rogue.keeper.sandbox.add_faults(FaultRule(effect=EndSnapshots(state="error"), operation="CreateDiskSnapshot"))
    rogue.keeper.live(DAY)
    rogue.keeper.witness.look()
    rogue.read()
    rogue.delete(newest)


def prunes_where_the_tags_have_a_problem(rogue: Rogue) -> None:
    over = announced_and_over(rogue)
    rogue.keeper.tag("shop", "backup:kepe", "30")
    rogue.keeper.witness.look()
    rogue.read()
    rogue.delete(over)


def prunes_where_the_snapshot_failed(rogue: Rogue) -> None:
    over = announced_and_over(rogue)
    rogue.read()
    with pytest.raises(rogue.client.exceptions.InvalidInputException):
        rogue.create(rogue.names[0], **{"lightkeeper:slot": "2026-06-20T03:00:00Z"})
    rogue.delete(over)


def takes_a_slot_twice(rogue: Rogue) -> None:
    rogue.read()
    rogue.create("shop-again")


def takes_a_slot_that_is_to_come(rogue: Rogue) -> None:
    rogue.read()
    rogue.create("shop-early", **{"lightkeeper:slot": "2026-07-20T03:00:00Z"})


def deletes_what_is_held(rogue: Rogue) -> None:
    over = announced_and_over(rogue)
    rogue.keeper.tag(over, "backup:hold")
    rogue.keeper.witness.look()
    rogue.read()
    rogue.delete(over)


def deletes_too_early(rogue: Rogue) -> None:
    rogue.read()
    rogue.delete(rogue.names[0])


def deletes_what_a_rule_keeps(rogue: Rogue) -> None:
    rogue.keeper.tag("shop", "backup:keep", "30")
    over = announced_and_over(rogue)
    rogue.keeper.witness.look()
    rogue.read()
    rogue.delete(over)


def announces_for_too_soon(rogue: Rogue) -> None:
    rogue.keeper.tag("shop", "backup:keep", "1")
    rogue.keeper.witness.look()
    rogue.read()
    rogue.mark(rogue.names[-2], "2026-06-19T14:00:00Z")


def prunes_an_orphan(rogue: Rogue) -> None:
    over = announced_and_over(rogue)
    rogue.keeper.untag("shop", "backup")
    rogue.keeper.witness.look()
    rogue.read()
    rogue.delete(over)


def deletes_four_at_once(rogue: Rogue) -> None:
    keeper = rogue.keeper
    keeper.tag("shop", "backup:keep", "30")
    keeper.live(8 * DAY)
    keeper.tag("shop", "backup:keep", "2")
    keeper.tick()
    keeper.sandbox.advance(DAY)
    keeper.witness.look()
    rogue.read()
    for name in rogue.names[:4]:
        rogue.delete(name)


def prunes_without_having_read(rogue: Rogue) -> None:
    rogue.delete(announced_and_over(rogue))


def prunes_from_half_a_list(rogue: Rogue) -> None:
    over = announced_and_over(rogue)
    rogue.keeper.sandbox.set_options(page_size=1)
    rogue.read()
    rogue.delete(over)


def reads_on_after_it_has_written(rogue: Rogue) -> None:
    over = announced_and_over(rogue)
    rogue.read()
    rogue.delete(over)
    rogue.read()


def leaves_a_source_out(rogue: Rogue) -> None:
    rogue.keeper.disk("clinic", {"backup": "daily"})
    rogue.keeper.witness.look()
    rogue.read()


CRIMES: dict[int, tuple[Callable[[Rogue], None], ...]] = {
    1: (touches_what_is_not_ours, tags_what_is_not_its_to_tag),
    2: (deletes_the_newest, takes_a_failed_one_for_the_newest),
    3: (prunes_where_the_tags_have_a_problem, prunes_where_the_snapshot_failed),
    4: (takes_a_slot_twice, takes_a_slot_that_is_to_come),
    6: (deletes_what_is_held,),
    7: (deletes_too_early, deletes_what_a_rule_keeps, announces_for_too_soon),
    8: (prunes_an_orphan,),
    9: (deletes_four_at_once,),
    10: (prunes_without_having_read, prunes_from_half_a_list, reads_on_after_it_has_written),
    11: (leaves_a_source_out,),
}


@pytest.mark.parametrize(
    ("rule", "crime"),
    [(rule, crime) for rule, crimes in CRIMES.items() for crime in crimes],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_a_run_that_breaks_a_rule_is_condemned_for_it(rogue: Rogue, rule: int, crime: Callable[[Rogue], None]) -> None:
    document = rogue.keeper.settings.to_mapping()

    with (
        pytest.raises(BrokenPromiseError, match=rf"^rule {rule}: "),
        rogue.keeper.witness.watching(document, expect_all=True),
    ):
        crime(rogue)


def test_a_run_that_keeps_them_is_not(rogue: Rogue) -> None:
    over = announced_and_over(rogue)

    with rogue.keeper.witness.watching(rogue.keeper.settings.to_mapping()):
        rogue.read()
        rogue.delete(over)

    assert {call.operation for call in rogue.keeper.sandbox.calls() if call.access_key_id == "sandbox"} > READS


def test_the_witness_knows_nothing_of_lightkeeper() -> None:
    path = Path(__file__).parents[1] / "witness.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}

    assert {name for name in imported if "." in name or name in {"lightkeeper", "cli", "infra"}} == {
        "collections.abc",
        "sandbox.client",
    }
    assert Witness.__module__ == "tests.witness"
