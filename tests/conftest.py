import functools
import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import boto3
import botocore.session
import hypothesis
import pytest

from lightkeeper import handler
from lightkeeper.notify import DASHBOARD_VARIABLE, TOPIC_VARIABLE
from lightkeeper.organization import ORGANIZATION_VARIABLE, RESULTS_VARIABLE, Organization
from lightkeeper.times import format_instant
from lightsail_sandbox.client import Sandbox
from recovery_calendar import handler as calendar
from tests.support.asking import make_client
from tests.support.fleets import Accounts
from tests.support.functions import Run, invoke
from tests.support.hub import BUCKET, Hub, local_hub
from tests.support.keeper import NOON, OTHER_REGION, REGION, Keeper, enter_sandbox, make_keeper
from tests.support.listening import Listener, listening
from tests.support.shortcut import Shortcut, sandbox_in_this_process
from tests.support.world import World, no_waiting

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient

# The CDK's libraries start Node as soon as they are imported. `test_node.py` says so where it is missing.
NEEDS_NODE = ["infra", "contract", "e2e", "docs/test_configuration.py", "fuzz/test_props.py"]
collect_ignore = [] if shutil.which("node") else NEEDS_NODE

_BUCKETS = itertools.count(1)

# How fast examples come says something about the machine, nothing about the code.
AT_ANY_PACE = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("ci", AT_ANY_PACE, derandomize=True, print_blob=True)
# HYPOTHESIS_PROFILE=hunt: many more examples, other ones each time.
hypothesis.settings.register_profile("hunt", AT_ANY_PACE, max_examples=2000, print_blob=True)
# Thousands of times over: it is enough that a test fails, however long the example.
hypothesis.settings.register_profile(
    "mutants",
    AT_ANY_PACE,
    derandomize=True,
    max_examples=10,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session", autouse=True)
def _models_are_read_once() -> Iterator[None]:
    """Let all of boto3's sessions share what they only read: each would parse megabytes of models again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
        yield


@pytest.fixture(scope="session")
def _shortcut() -> Iterator[tuple[Sandbox, Shortcut]]:
    with sandbox_in_this_process() as opened:
        yield opened


@pytest.fixture(scope="session")
def _session_sandbox(_shortcut: tuple[Sandbox, Shortcut]) -> Sandbox:
    return _shortcut[0]


@pytest.fixture
def over_http(_shortcut: tuple[Sandbox, Shortcut]) -> Iterator[None]:
    """Let all calls to the sandbox go over sockets: the story is about what these do."""
    shortcut = _shortcut[1]
    shortcut.is_open = False
    yield
    shortcut.is_open = True


@pytest.fixture
def sandbox(_session_sandbox: Sandbox) -> Sandbox:
    """An empty local Lightsail where it is noon on 15 June 2026, and stays so until the test moves the clock."""
    _session_sandbox.reset()
    _session_sandbox.set_time(NOON)
    return _session_sandbox


@pytest.fixture(scope="session")
def _session_keeper(_session_sandbox: Sandbox) -> Iterator[Keeper]:
    with pytest.MonkeyPatch.context() as patch:
        enter_sandbox(_session_sandbox, patch)
        keeper = make_keeper(_session_sandbox, (REGION, OTHER_REGION))
    yield keeper
    keeper.user.close()
    for region in (*keeper.regions.values(), *keeper.others.values()):
        region.close()


@pytest.fixture
def aws(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The sandbox, as what this process takes for AWS."""
    enter_sandbox(sandbox, monkeypatch)
    return sandbox


@pytest.fixture
def keeper(aws: Sandbox, _session_keeper: Keeper) -> Keeper:
    """Lightkeeper with default settings in one Region of an empty sandbox, at noon on 15 June 2026."""
    regions = {REGION: _session_keeper.regions[REGION]}
    others = {OTHER_REGION: _session_keeper.regions[OTHER_REGION], **_session_keeper.others}
    return Keeper(aws, _session_keeper.user, regions, others)


@pytest.fixture
def two_regions(keeper: Keeper, _session_keeper: Keeper) -> Keeper:
    """The same in two Regions."""
    keeper.regions = _session_keeper.regions
    return keeper


@pytest.fixture
def world(two_regions: Keeper, monkeypatch: pytest.MonkeyPatch) -> World:
    """An empty world of two Regions, in which retries do not wait."""
    no_waiting(monkeypatch)
    return World(two_regions)


@pytest.fixture(scope="session")
def _session_lightsail(_session_sandbox: Sandbox) -> Iterator["LightsailClient"]:
    with closing(make_client(_session_sandbox)) as client:
        yield client


@pytest.fixture
def lightsail(sandbox: Sandbox, _session_lightsail: "LightsailClient") -> "LightsailClient":  # noqa: ARG001 - it empties the sandbox
    """A boto3 client without retries, on an empty sandbox."""
    return _session_lightsail


@pytest.fixture
def fresh_calendar(aws: Sandbox) -> Iterator[None]:  # noqa: ARG001 - its surroundings
    """Have the calendar's function connect to the sandbox, as if it had just been started."""
    calendar.connections.cache_clear()
    yield
    if calendar.connections.cache_info().currsize:
        for connection in calendar.connections(()).values():
            connection.close()
    calendar.connections.cache_clear()
    calendar.kept().clear()
    if calendar.results.cache_info().currsize:
        calendar.results(BUCKET, REGION).close()
    calendar.results.cache_clear()


@pytest.fixture(scope="session")
def _session_hub() -> Iterator[Hub]:
    with local_hub() as hub:
        yield hub


@pytest.fixture
def hub(aws: Sandbox, _session_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """STS, Organizations and an empty bucket beside the sandbox, which knows the accounts of STS's sessions."""
    _session_hub.empty()
    aws.set_options(sts_url=_session_hub.url)
    for name, value in _session_hub.environment().items():
        monkeypatch.setenv(name, value)
    return _session_hub


@pytest.fixture(scope="session")
def _session_listener() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture
def person(_session_listener: Listener, monkeypatch: pytest.MonkeyPatch, keeper: Keeper) -> Iterator[Listener]:  # noqa: ARG001 - its surroundings
    """Somebody who listens to the topic that the function was given."""
    _session_listener.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", _session_listener.url)
    monkeypatch.setenv(TOPIC_VARIABLE, _session_listener.topic)
    monkeypatch.setenv(DASHBOARD_VARIABLE, "https://console/dashboard")
    yield _session_listener
    if handler.topic.cache_info().currsize:
        handler.topic(_session_listener.topic or "").close()
    handler.topic.cache_clear()
    _session_listener.forget()


@pytest.fixture
def accounts(person: Listener, monkeypatch: pytest.MonkeyPatch) -> Iterator[Accounts]:
    """A deployment for many accounts, of which none is there yet, and a bucket with nothing in it."""
    bucket = f"results-{next(_BUCKETS)}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", person.url)
    monkeypatch.setenv(RESULTS_VARIABLE, bucket)
    monkeypatch.setenv(ORGANIZATION_VARIABLE, Organization(units=("r-ab12",)).to_json())
    monkeypatch.setenv("AWS_REGION", REGION)
    with closing(boto3.Session("listener", "listener", region_name=REGION).client("s3", endpoint_url=person.url)) as s3:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        person.server.asked.clear()
        yield Accounts(s3, bucket, monkeypatch)


@pytest.fixture
def run(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Let the function run at the sandbox's time, with the keeper's settings; whether it fails is not the story."""

    def run(**event: object) -> None:
        for name, value in keeper.settings.to_env().items():
            monkeypatch.setenv(name, value)
        try:
            invoke({"time": format_instant(keeper.sandbox.now()), **event})
        except handler.RunFailedError:
            return

    return run
