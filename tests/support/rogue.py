"""A run that does what it likes: the witness has to condemn it."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import boto3
from botocore.exceptions import ClientError

from lightsail_sandbox.client import ErrorAnswer, FaultRule, Sandbox, Seed
from lightsail_sandbox.seeds import SnapshotState
from tests.support.keeper import DAY, NOON, REGION, console
from tests.support.witness import EXPIRES, FORMAT, OWNER, RECIPE, SLOT, SOURCE, Witness, recipe_of

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient
    from mypy_boto3_lightsail.type_defs import TagTypeDef

FIRST, SECOND, THIRD, NEWEST = (f"shop-202606{day}-0300-abcdef" for day in (16, 17, 18, 19))
LISTS = (
    *("get_disks", "get_instances", "get_relational_databases"),
    *("get_disk_snapshots", "get_instance_snapshots", "get_relational_database_snapshots", "get_static_ips"),
)
MARKED = "2026-06-20T12:00:00Z"


def day(number: int, hour: int = 3) -> datetime:
    """Return an hour of a day of June."""
    return datetime(2026, 6, number, hour, tzinfo=UTC)


def text(time: datetime) -> str:
    """Return a time as our tags have it."""
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


@dataclass
class Rogue:
    """A run that does what it likes, where a disk that keeps two has four snapshots of ours: the first is marked."""

    sandbox: Sandbox
    witness: Witness
    user: "LightsailClient"
    client: "LightsailClient"
    document: dict[str, Any] = field(default_factory=dict)
    arns: dict[str, str] = field(default_factory=dict)

    # A run

    def read(self) -> None:
        """Read all lists, as a run has to."""
        for operation in LISTS:
            getattr(self.client, operation)()

    def delete(self, name: str) -> None:
        """Delete a snapshot."""
        if name.startswith("till"):
            self.client.delete_relational_database_snapshot(relationalDatabaseSnapshotName=name)
        elif name.startswith("web") and "disk" not in name:
            self.client.delete_instance_snapshot(instanceSnapshotName=name)
        else:
            self.client.delete_disk_snapshot(diskSnapshotName=name)

    def create(self, slot: datetime, name: str = "", **changes: str) -> None:
        """Take a snapshot of the disk."""
        born = {
            "backup": "daily",
            "backup:keep": "2",
            OWNER: "Lightkeeper",
            SOURCE: self.arns["shop"],
            SLOT: text(slot),
            FORMAT: "1",
        }
        tags = tag_list(born | self.recipe("shop") | changes)
        self.client.create_disk_snapshot(
            diskName="shop", diskSnapshotName=name or f"shop-{slot:%Y%m%d-%H%M}-abcdef", tags=tags
        )

    def recipe(self, name: str) -> dict[str, str]:
        """Return the tags that keep what a source has now."""
        (entry,) = (each for each in self.sandbox.entries() if each.name == name)
        parts = {f"lightkeeper:{part}": " ".join(sorted(words)) for part, words in recipe_of(entry).items()}
        return {RECIPE: "1"} | parts

    def mark(self, name: str, at: datetime) -> None:
        """Mark a snapshot."""
        self.client.tag_resource(resourceName=name, tags=[{"key": EXPIRES, "value": text(at)}])

    # What there is

    def plant(
        self,
        name: str,
        slot: datetime,
        taken: datetime,
        *,
        of: str = "shop",
        kind: Literal["DiskSnapshot", "InstanceSnapshot", "RelationalDatabaseSnapshot"] = "DiskSnapshot",
        state: SnapshotState | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Put a snapshot of ours there."""
        born = {OWNER: "Lightkeeper", SOURCE: self.arns[of], SLOT: text(slot), **(tags or {"backup": "daily"})}
        self.sandbox.seed([Seed(kind=kind, name=name, source=of, created_at=taken, tags=born, state=state)])
        self.witness.adopt([name])

    def at(self, time: datetime) -> None:
        """Let time pass."""
        self.sandbox.set_time(time)
        self.witness.look()

    def tag(self, name: str, key: str, value: str = "") -> None:
        """Tag something, as the user does."""
        self.user.tag_resource(resourceName=name, tags=tag_list({key: value}))
        self.witness.look()

    def untag(self, name: str, key: str) -> None:
        """Remove a tag, as the user does."""
        self.user.untag_resource(resourceName=name, tagKeys=[key])
        self.witness.look()

    def when_the_first_may_go(self) -> None:
        """Let a day pass, and the day's snapshot be taken."""
        self.plant("shop-20260620-0300-abcdef", day(20), day(20, 4))
        self.at(day(20, 13))


def tag_list(tags: Mapping[str, str]) -> "list[TagTypeDef]":
    """Return tags as a call has them."""
    return [{"key": key, "value": value} if value else {"key": key} for key, value in tags.items()]


@contextmanager
def a_rogue(sandbox: Sandbox) -> Iterator[Rogue]:
    """Have one, in the afternoon of the 19th of June."""
    with (
        closing(console(sandbox, REGION)) as user,
        closing(boto3.client("lightsail", **sandbox.client_options(REGION))) as client,
    ):
        rogue = Rogue(sandbox, Witness(sandbox), user, client)
        tags = {"backup": "daily", "backup:keep": "2"}
        (rogue.arns["shop"],) = sandbox.seed([Seed(kind="Disk", name="shop", tags=tags, created_at=NOON - 100 * DAY)])
        for number, name in enumerate((FIRST, SECOND, THIRD, NEWEST), start=16):
            marked = {EXPIRES: MARKED} if name == FIRST else {}
            rogue.plant(name, day(number), day(number, 12), tags={"backup": "daily", "backup:keep": "2", **marked})
        sandbox.set_time(day(19, 13))
        yield rogue


def a_list_fails(rogue: Rogue) -> None:
    """Let a run read all lists, of which one cannot be read."""
    rogue.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="ServiceException"), operation="GetInstances"))
    for operation in LISTS:
        with suppress(ClientError):
            getattr(rogue.client, operation)()
