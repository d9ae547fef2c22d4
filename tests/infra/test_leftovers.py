"""What a destroyed stack leaves behind: nothing, once it is cleared up; and never anything of a stack that is there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.leftovers import delete_leftovers
from infra.protection import clear_up
from tests.support.local_aws import MINISTACK, REGION, running_local_aws
from tests.support.synth import template

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("stack"),
    pytest.mark.skipif(not MINISTACK.exists(), reason="there is no local AWS yet: `make test-all` brings it"),
]
KEPT = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}


class Account:
    """A local AWS account, with stacks of nothing but buckets."""

    def __init__(self, url: str) -> None:
        session = boto3.Session("test", "test", region_name=REGION)
        self.stacks = session.client("cloudformation", endpoint_url=url)
        self.s3 = session.client("s3", endpoint_url=url)

    def deploy(self, name: str, of: dict[str, Any]) -> str:
        """Create a stack of one bucket, with an object in it; return the bucket's name."""
        self.stacks.create_stack(StackName=name, TemplateBody=json.dumps(of))
        self.stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        (made,) = self.stacks.list_stack_resources(StackName=name)["StackResourceSummaries"]
        bucket: str = made["PhysicalResourceId"]
        self.s3.put_object(Bucket=bucket, Key="accounts/111122223333.json", Body=b"{}")
        return bucket

    def destroy(self, name: str) -> None:
        self.stacks.delete_stack(StackName=name)
        self.stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})

    def buckets(self) -> list[str]:
        return [each["Name"] for each in self.s3.list_buckets()["Buckets"]]


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with running_local_aws(tmp_path) as aws:
        for name, value in aws.credentials.items():
            monkeypatch.setenv(name, value)
        yield Account(aws.url)


def deployment() -> dict[str, Any]:
    """Return a template with the bucket of a deployment's, and its output."""
    of = template(organization={"accounts": ["111122223333"]})
    buckets = {name: each for name, each in of["Resources"].items() if each["Type"] == "AWS::S3::Bucket"}
    return {"Resources": buckets, "Outputs": {"ResultsBucket": of["Outputs"]["ResultsBucket"]}}


def test_what_a_stack_leaves_behind_is_deleted_with_what_is_in_it_and_no_other_bucket(account: Account) -> None:
    bucket = account.deploy("Lightkeeper", deployment())
    neighbour = account.deploy("Shop", deployment())
    theirs = account.deploy("Photos", {"Resources": {"Photos": KEPT}})

    assert delete_leftovers("Lightkeeper") == []
    assert bucket in account.buckets(), "a stack that is there loses nothing"

    for stack in ("Lightkeeper", "Photos"):
        account.destroy(stack)
    assert bucket in account.buckets(), "CloudFormation deletes none with something in it"
    assert clear_up("Lightkeeper") == f"Lightkeeper: deleted {bucket}, too\n"
    assert clear_up("Lightkeeper") == "", "it was deleted before"
    assert clear_up("Photos") == ""
    assert set(account.buckets()) == {neighbour, theirs}


def test_where_it_cannot_be_deleted_that_is_said_and_why_it_does_not_matter(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = account.deploy("Lightkeeper", deployment())
    account.destroy("Lightkeeper")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")

    said = clear_up("Lightkeeper")

    assert said.startswith("Lightkeeper: what it has left behind cannot be deleted: ")
    assert said.endswith("which empties itself within 30 days.\n")
    assert bucket in account.buckets()
