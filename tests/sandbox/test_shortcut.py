"""The shortcut that most stories take answers as the sandbox does over HTTP."""

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from lightsail_sandbox.client import FaultRule, LoseAnswer, Sandbox
from tests.support.asking import add_disk

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient


@pytest.fixture(params=["over HTTP", "by the shortcut"], autouse=True)
def _way(request: pytest.FixtureRequest) -> None:
    if request.param == "over HTTP":
        request.getfixturevalue("over_http")


def test_a_call_an_error_and_a_lost_answer_are_the_same_to_botocore(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail, "data", backup="daily")
    answer = lightsail.get_disk(diskName="data")
    with pytest.raises(ClientError) as refused:
        lightsail.get_disk(diskName="nothing")
    sandbox.add_faults(FaultRule(effect=LoseAnswer(), operation="DeleteDisk"))
    with pytest.raises(ConnectionClosedError):
        lightsail.delete_disk(diskName="data")

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["disk"]["tags"] == [{"key": "backup", "value": "daily"}]
    assert refused.value.response["Error"]["Code"] == "NotFoundException"
    assert sandbox.entries() == (), "the call took effect"
