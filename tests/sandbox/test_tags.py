from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from lightsail_sandbox.client import Sandbox
from tests.support.asking import add_disk, refused

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient


def _tags(lightsail: "LightsailClient", name: str = "data") -> dict[str, str | None]:
    return {tag["key"]: tag.get("value") for tag in lightsail.get_disk(diskName=name)["disk"]["tags"]}


def test_tags_are_added_replaced_and_taken_away(lightsail: "LightsailClient") -> None:
    arn = add_disk(lightsail, backup="daily", owner="ops")

    lightsail.tag_resource(resourceName="data", resourceArn=arn, tags=[{"key": "backup", "value": "weekly"}])
    assert _tags(lightsail) == {"backup": "weekly", "owner": "ops"}
    lightsail.untag_resource(resourceName="data", tagKeys=["owner", "never-there"])
    assert _tags(lightsail) == {"backup": "weekly"}


def test_a_key_only_tag_has_no_value_member(lightsail: "LightsailClient") -> None:
    add_disk(lightsail)

    lightsail.tag_resource(resourceName="data", tags=[{"key": "backup"}, {"key": "empty", "value": ""}])

    assert lightsail.get_disk(diskName="data")["disk"]["tags"] == [{"key": "backup"}, {"key": "empty"}]


def test_a_snapshot_does_not_inherit_tags(lightsail: "LightsailClient") -> None:
    add_disk(lightsail, backup="daily")

    lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-1")

    assert lightsail.get_disk_snapshots()["diskSnapshots"][0]["tags"] == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("", "x"),
        ("k" * 129, "x"),
        ("key", "v" * 257),
        ("key", "0 3 * * *"),
        ("a,b", "x"),
        ("aws:key", "x"),
        ("key", "aws:value"),
    ],
)
def test_a_tag_that_lightsail_has_not_creates_nothing(lightsail: "LightsailClient", key: str, value: str) -> None:
    add_disk(lightsail)

    with refused("InvalidInputException", "tag"):
        lightsail.create_disk_snapshot(
            diskName="data", diskSnapshotName="data-1", tags=[{"key": "good"}, {"key": key, "value": value}]
        )

    assert lightsail.get_disk_snapshots()["diskSnapshots"] == []


def test_longest_key_and_value_and_all_characters_are_taken(lightsail: "LightsailClient") -> None:
    add_disk(lightsail)

    lightsail.tag_resource(
        resourceName="data", tags=[{"key": "k" * 128, "value": "v" * 256}, {"key": "+-=._:/@ ", "value": "äöü 1"}]
    )

    assert _tags(lightsail) == {"k" * 128: "v" * 256, "+-=._:/@ ": "äöü 1"}


def test_a_resource_has_at_most_fifty_tags(lightsail: "LightsailClient") -> None:
    add_disk(lightsail, **{f"tag-{number}": "x" for number in range(50)})

    with refused("InvalidInputException", "50"):
        lightsail.tag_resource(resourceName="data", tags=[{"key": "one-more"}])
    lightsail.tag_resource(resourceName="data", tags=[{"key": "tag-0", "value": "changed"}])

    assert len(_tags(lightsail)) == 50


def test_a_snapshot_has_at_most_fifty_tags_too(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    fifty: Any = [{"key": f"tag-{number}", "value": "x"} for number in range(50)]

    with refused("InvalidInputException", "50", "51"):
        lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-1", tags=[*fifty, {"key": "one-more"}])
    lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-1", tags=fifty[:49])
    with refused("InvalidInputException", "50", "51"):
        lightsail.tag_resource(
            resourceName="data-1", tags=[{"key": "tag-0", "value": "changed"}, {"key": "a"}, {"key": "b"}]
        )
    assert _snapshot_tags(sandbox) == {f"tag-{number}": "x" for number in range(49)}
    lightsail.tag_resource(resourceName="data-1", tags=[{"key": "the-last"}])
    with refused("InvalidInputException", "50", "51"):
        lightsail.tag_resource(resourceName="data-1", tags=[{"key": "one-more"}])
    lightsail.untag_resource(resourceName="data-1", tagKeys=["tag-0"])
    lightsail.tag_resource(resourceName="data-1", tags=[{"key": "one-more"}])

    assert len(_snapshot_tags(sandbox)) == 50


def _snapshot_tags(sandbox: Sandbox) -> Mapping[str, str]:
    [snapshot] = [entry for entry in sandbox.entries() if entry.state]
    return snapshot.tags


def test_a_wrong_arn_tags_nothing(lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    other = add_disk(lightsail, "other")

    with refused("InvalidInputException", "data", other):
        lightsail.tag_resource(resourceName="data", resourceArn=other, tags=[{"key": "backup"}])

    assert _tags(lightsail) == {}


def test_what_is_not_there_cannot_be_tagged(lightsail: "LightsailClient") -> None:
    with refused("NotFoundException", "gone"):
        lightsail.tag_resource(resourceName="gone", tags=[{"key": "backup"}])
