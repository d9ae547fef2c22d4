"""Several accounts: each has resources, a role and faults of its own; an access key says whose call it is."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from lightsail_sandbox.accounts import DEFAULT_ACCOUNT
from lightsail_sandbox.client import ErrorAnswer, FaultRule, Sandbox, Seed
from tests.sandbox.test_policy import allow
from tests.sandbox.test_role import role
from tests.support.asking import add_disk, refused
from tests.support.local_aws import MINISTACK, running_local_aws

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient

SHOP, CLINIC = "111122223333", "444455556666"
In = Callable[[str], "LightsailClient"]


@pytest.fixture
def in_account(sandbox: Sandbox) -> Iterator[In]:
    with ExitStack() as stack:
        yield lambda account: stack.enter_context(
            closing(boto3.client("lightsail", **sandbox.client_options("eu-central-1", account)))
        )


def _disks(lightsail: "LightsailClient") -> list[str]:
    return [disk["arn"] for disk in lightsail.get_disks()["disks"]]


def test_two_accounts_have_a_disk_of_the_same_name_each(sandbox: Sandbox, in_account: In) -> None:
    shop, clinic = in_account(SHOP), in_account(CLINIC)

    first, second = add_disk(shop), add_disk(clinic)

    assert _disks(shop) == [first]
    assert _disks(clinic) == [second]
    assert first.startswith(f"arn:aws:lightsail:eu-central-1:{SHOP}:Disk/")
    assert {entry.account for entry in sandbox.entries()} == {SHOP, CLINIC}
    assert {(call.account, call.parameters["diskName"]) for call in sandbox.calls() if "Create" in call.operation} == {
        (SHOP, "data"),
        (CLINIC, "data"),
    }


def test_a_deletion_in_one_account_leaves_the_other_s(in_account: In) -> None:
    shop, clinic = in_account(SHOP), in_account(CLINIC)
    add_disk(shop)
    kept = add_disk(clinic)

    shop.delete_disk(diskName="data")

    assert _disks(shop) == []
    assert _disks(clinic) == [kept]


def test_a_key_that_names_no_account_is_in_the_default_one(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    assert add_disk(lightsail).split(":")[4] == DEFAULT_ACCOUNT
    assert {call.account for call in sandbox.calls()} == {DEFAULT_ACCOUNT}


def test_seeds_checkpoints_and_resets_are_about_all_accounts(sandbox: Sandbox, in_account: In) -> None:
    shop, clinic = in_account(SHOP), in_account(CLINIC)
    seeded = sandbox.seed([Seed(kind="Disk", name="data", account=account) for account in (SHOP, CLINIC)])
    sandbox.checkpoint()

    clinic.delete_disk(diskName="data")
    sandbox.restore()
    assert (*_disks(shop), *_disks(clinic)) == seeded

    sandbox.reset()
    assert sandbox.entries() == ()


def test_each_account_has_a_role_of_its_own(sandbox: Sandbox, in_account: In) -> None:
    shop, clinic = in_account(SHOP), in_account(CLINIC)
    sandbox.enforce_role(role(allow("lightsail:GetDisks")))
    sandbox.enforce_role(role(allow("lightsail:*")), account=CLINIC)

    add_disk(clinic)
    with refused("AccessDeniedException", f"arn:aws:sts::{SHOP}:assumed-role", "lightsail:CreateDisk"):
        add_disk(shop)

    sandbox.enforce_role(None)
    add_disk(shop)


def test_a_fault_strikes_in_one_account_only(sandbox: Sandbox, in_account: In) -> None:
    rule = FaultRule(effect=ErrorAnswer(code="ServiceException"), operation="GetDisks", account=SHOP)
    sandbox.add_faults(rule)

    assert sandbox.faults() == (rule,)
    assert _disks(in_account(CLINIC)) == []
    with refused("ServiceException"):
        _disks(in_account(SHOP))


def test_a_session_that_no_account_has_is_told_so(sandbox: Sandbox, in_account: In) -> None:
    sandbox.set_options(sts_url=sandbox.url)  # which is no STS

    with refused("UnrecognizedClientException", "ASIAUNKNOWN"):
        in_account("ASIAUNKNOWN").get_disks()


@pytest.mark.slow
@pytest.mark.skipif(not MINISTACK.exists(), reason="make test-all brings the local AWS")
def test_a_role_s_session_is_in_the_role_s_account(sandbox: Sandbox, tmp_path: Path) -> None:
    with running_local_aws(tmp_path) as local_aws:
        sandbox.set_options(sts_url=local_aws.url)

        def session_of(account: str) -> boto3.Session:
            return boto3.Session(aws_access_key_id=account, aws_secret_access_key="local", region_name="eu-central-1")  # noqa: S106 - nobody checks it

        with closing(session_of(CLINIC).client("iam", endpoint_url=local_aws.url)) as iam:
            trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{SHOP}:root"}, "Action": "sts:AssumeRole"}
            iam.create_role(RoleName="member", AssumeRolePolicyDocument=json.dumps(role(trust)))
        with closing(session_of(SHOP).client("sts", endpoint_url=local_aws.url)) as sts:
            session = sts.assume_role(RoleArn=f"arn:aws:iam::{CLINIC}:role/member", RoleSessionName="shop")
        keys = session["Credentials"]
        with closing(
            boto3.client(
                "lightsail",
                endpoint_url=sandbox.url,
                region_name="eu-central-1",
                aws_access_key_id=keys["AccessKeyId"],
                aws_secret_access_key=keys["SecretAccessKey"],
                aws_session_token=keys["SessionToken"],
            )
        ) as lightsail:
            assert add_disk(lightsail).split(":")[4] == CLINIC
