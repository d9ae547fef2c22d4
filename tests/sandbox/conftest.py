from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from sandbox.client import Sandbox
from tests.sandbox.asking import make_client

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient


@pytest.fixture(scope="session")
def _session_lightsail(_session_sandbox: Sandbox) -> Iterator["LightsailClient"]:
    with closing(make_client(_session_sandbox)) as client:
        yield client


@pytest.fixture
def lightsail(sandbox: Sandbox, _session_lightsail: "LightsailClient") -> "LightsailClient":  # noqa: ARG001 - it empties the sandbox
    """A boto3 client without retries, on an empty sandbox."""
    return _session_lightsail
