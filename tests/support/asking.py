"""What the sandbox's tests share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lightsail_sandbox.client import Sandbox

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient

REGION = "eu-central-1"
ZONE = "eu-central-1a"
LONG_ENOUGH = timedelta(minutes=3)  # for a snapshot to be complete

CODES = (
    "ServiceException",
    "InvalidInputException",
    "NotFoundException",
    "OperationFailureException",
    "AccessDeniedException",
    "AccountSetupInProgressException",
    "RegionSetupInProgressException",
    "UnauthenticatedException",
    "ThrottlingException",
)
"""The errors that Lightsail declares, and its throttling."""

LightsailFactory = Callable[..., "LightsailClient"]


@contextmanager
def refused(code: str, *words: str) -> Iterator[None]:
    """Expect an AWS error with this code, whose message has these words."""
    with pytest.raises(ClientError) as error:
        yield
    assert error.value.response["Error"]["Code"] == code
    for word in words:
        assert word in error.value.response["Error"]["Message"]


def make_client(
    sandbox: Sandbox, region: str = REGION, *, attempts: int = 1, validate: bool = True, read_timeout: float = 120
) -> "LightsailClient":
    """Make a boto3 client; the caller closes it."""
    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        parameter_validation=validate,
        read_timeout=read_timeout,
    )
    return boto3.client("lightsail", config=config, **sandbox.client_options(region))


def add_disk(lightsail: "LightsailClient", name: str = "data", **tags: str) -> str:
    """Create a disk and give its ARN."""
    written = [{"key": key, "value": value} for key, value in tags.items()]
    lightsail.create_disk(diskName=name, availabilityZone=ZONE, sizeInGb=8, tags=written)  # type: ignore[arg-type] # the stubs know no TypedDict made in a loop
    return lightsail.get_disk(diskName=name)["disk"]["arn"]


def add_instance(lightsail: "LightsailClient", name: str = "web") -> str:
    """Create an instance and give its ARN."""
    lightsail.create_instances(
        instanceNames=[name], availabilityZone=ZONE, blueprintId="debian_12", bundleId="small_3_0"
    )
    return lightsail.get_instance(instanceName=name)["instance"]["arn"]


def detach(sandbox: Sandbox, lightsail: "LightsailClient", disk: str = "data", instance: str = "web") -> None:
    """Detach a disk from its instance, which has to be stopped for that."""
    lightsail.stop_instance(instanceName=instance)
    sandbox.advance(timedelta(minutes=1))
    lightsail.detach_disk(diskName=disk)


def add_database(lightsail: "LightsailClient", name: str = "orders", bundle: str = "micro_2_0", **tags: str) -> str:
    """Create a database and give its ARN."""
    lightsail.create_relational_database(
        relationalDatabaseName=name,
        relationalDatabaseBlueprintId="mysql_8_0",
        relationalDatabaseBundleId=bundle,
        masterDatabaseName="shop",
        masterUsername="admin",
        tags=[{"key": key, "value": value} for key, value in tags.items()],
    )
    return lightsail.get_relational_database(relationalDatabaseName=name)["relationalDatabase"]["arn"]
