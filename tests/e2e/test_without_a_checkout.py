"""The folder that `make dist` writes, put into a bucket of a local AWS and deployed from there by CloudFormation."""

import faulthandler
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from infra.distribution import write_distribution
from infra.props import Props
from lightsail_sandbox.client import Sandbox, Seed, running_sandbox
from tests.support.local_aws import MINISTACK, REGION, running_local_aws, wait_until
from tests.support.plain_stack import PlainStack, uploaded

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("without a checkout"),
    pytest.mark.skipif(
        not MINISTACK.exists(), reason="there is no `make test-all` yet: it brings a local AWS where Node is present"
    ),
]
_A_FIRING_SECONDS = 180
SETTINGS = '{\n  "tick": "rate(1 minute)",\n  "notify": ["ops@example.com"],\n  "logRetentionDays": 30\n}'
SLOWER = '{"tick": "rate(15 minutes)", "notify": ["ops@example.com", "https://example.com/hook"]}'
WRONG = '{"tick": "rate(3 days)", "regions": ["eu-central-3"]}'
MISSPELT = '{"graze": "1d"}'


@dataclass(frozen=True, kw_only=True)
class Story:
    """What has happened, in this order."""

    created: str
    """The stack's state after its creation."""
    outputs: dict[str, str]
    first: list[str]
    """The snapshots after a firing of the schedule."""
    subscribed: list[tuple[str, str]]
    periods: tuple[int, int]
    """Of the alarms on the function's silence and on its errors, in seconds."""
    retention: set[int]
    """Of the two functions' logs, in days."""
    updated: str
    """The stack's state after it has got other settings."""
    tick: str
    subscribed_then: list[tuple[str, str]]
    period_then: int
    refused: str
    """The stack's state after it was to get wrong settings."""
    said: list[str]
    tick_then: str
    refused_at_once: str
    """The state of a stack that was to be created with wrong settings."""
    said_at_once: list[str]
    left: list[Any]
    """The functions and schedules that are left when the stacks are deleted."""
    last: list[str]
    """The snapshots after that."""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Deploy the folder, change the settings, and delete it all."""
    faulthandler.cancel_dump_traceback_later()  # a firing takes a minute; each wait here has its own limit
    folder = write_distribution(tmp_path_factory.mktemp("dist"), Props.from_document({}), {})
    with (
        running_sandbox() as sandbox,
        running_local_aws(tmp_path_factory.mktemp("local-aws")) as aws,
        uploaded(folder, aws, sandbox.url) as stack,
    ):
        sandbox.seed([Seed(kind="Disk", name="shop", region=REGION, tags={"backup": "daily"})])
        yield told(stack, sandbox)


def told(stack: PlainStack, sandbox: Sandbox) -> Story:
    """Return the story, told once for all tests: they come in any order."""
    created = stack.deploy(SETTINGS)
    assert created == "CREATE_COMPLETE", stack.said()
    outputs = stack.outputs()
    wait_until(lambda: snapshots(sandbox), "a snapshot after a firing", _A_FIRING_SECONDS)
    first = snapshots(sandbox)
    seen: dict[str, Any] = {
        "created": created,
        "outputs": outputs,
        "first": first,
        "subscribed": subscriptions(stack),
        "periods": (stack.alarm("no run")["Period"], stack.alarm("function errors")["Period"]),
        "retention": {
            group.get("retentionInDays", 0)
            for group in stack.client("logs").describe_log_groups()["logGroups"]
            if "Check" not in group["logGroupName"]
        },
    }
    seen |= {
        "updated": stack.deploy(SLOWER, update=True),
        "tick": stack.schedule()["ScheduleExpression"],
        "subscribed_then": subscriptions(stack),
        "period_then": stack.alarm("no run")["Period"],
    }
    seen |= {
        "refused": stack.deploy(WRONG, update=True),
        "said": stack.said(),
        "tick_then": stack.schedule()["ScheduleExpression"],
    }
    seen |= {"refused_at_once": stack.deploy(MISSPELT, name="Another"), "said_at_once": stack.said("Another")}
    formation = stack.client("cloudformation")
    for name in ("Another", "Lightkeeper"):
        formation.delete_stack(StackName=name)
    left = stack.client("scheduler").list_schedules
    wait_until(lambda: not left()["Schedules"], "the end of the schedule", 60)
    functions = stack.client("lambda").list_functions
    wait_until(lambda: not functions()["Functions"], "the end of the functions", 60)
    return Story(**seen, left=[*left()["Schedules"], *functions()["Functions"]], last=snapshots(sandbox))


def snapshots(sandbox: Sandbox) -> list[str]:
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)  # noqa: S106
    client = session.client("lightsail", endpoint_url=sandbox.url)
    try:
        return [each["name"] for each in client.get_disk_snapshots()["diskSnapshots"]]
    finally:
        client.close()


def subscriptions(stack: PlainStack) -> list[tuple[str, str]]:
    found = stack.client("sns").list_subscriptions_by_topic(TopicArn=stack.outputs()["TopicArn"])["Subscriptions"]
    return sorted((each["Protocol"], each["Endpoint"]) for each in found)


def test_the_stack_comes_up_from_any_bucket(story: Story) -> None:
    assert story.created == "CREATE_COMPLETE"
    assert story.outputs["FunctionName"].startswith("Lightkeeper-")
    assert story.outputs["DashboardAddress"].endswith(f"#dashboards/dashboard/Lightkeeper-{REGION}")


def test_the_scheduler_fires_and_a_snapshot_appears(story: Story) -> None:
    (name,) = story.first

    assert name.startswith("shop-")


def test_the_settings_shape_the_stack(story: Story) -> None:
    assert story.subscribed == [("email", "ops@example.com")]
    assert story.periods == (60, 3600)
    assert story.retention == {30}


def test_other_settings_change_the_stack(story: Story) -> None:
    assert story.updated == "UPDATE_COMPLETE"
    assert story.tick == "rate(15 minutes)"
    assert story.period_then == 900
    assert story.subscribed_then == [("email", "ops@example.com"), ("https", "https://example.com/hook")]


def test_wrong_settings_change_nothing_and_the_events_say_what_was_expected(story: Story) -> None:
    assert story.refused == "UPDATE_ROLLBACK_COMPLETE"
    assert story.tick_then == "rate(15 minutes)"
    (said,) = {each for each in story.said if "Settings: " in each}
    assert 'Settings: regions: "eu-central-3" is not a Region with Lightsail; expected one of "ap-' in said
    assert 'Settings: tick: "rate(3 days)" is too rare to notice that it has stopped' in said


def test_a_stack_with_wrong_settings_is_not_made(story: Story) -> None:
    assert story.refused_at_once == "ROLLBACK_COMPLETE"
    assert any('did you mean "grace"?' in each for each in story.said_at_once)


def test_deleting_the_stack_leaves_every_snapshot(story: Story) -> None:
    assert story.left == []
    assert story.last[: len(story.first)] == story.first
