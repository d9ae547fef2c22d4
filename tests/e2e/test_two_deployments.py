"""Several deployments from one checkout, each with a file of its own: make, the CDK and a local AWS."""

import faulthandler
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from lightsail_sandbox.client import Sandbox, Seed, running_sandbox
from tests.support.local_aws import ACCOUNT, CDK, MINISTACK, REGION, ROOT, LocalAws, running_local_aws

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("two deployments"),
    pytest.mark.skipif(
        not (CDK.exists() and MINISTACK.exists()),
        reason="there is no Node, or no `make test-all` yet: it brings the CDK and a local AWS where Node is present",
    ),
]


@dataclass(frozen=True)
class Agency:
    """A checkout, a file for each customer, and a local AWS that looks like theirs."""

    aws: LocalAws
    sandbox: Sandbox

    def write(self, customer: str, **settings: object) -> None:
        """Write a customer's file."""
        self._file(customer).write_text(json.dumps({"deployment": customer} | settings), encoding="utf-8")

    def make(self, target: str, customer: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run make where nobody can be asked."""
        # The app with what a local AWS needs; the rest of the command is make's own.
        cdk = f"CDK_DISABLE_VERSION_CHECK=1 {CDK} --no-notices --app '{sys.executable} -m tests.support.app'"
        ready = ["--assume-old=.venv/ready", "--assume-old=node_modules/ready"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE"))}
        environment |= self.aws.credentials | {
            "HOME": str(self.aws.folder),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "AWS_ENDPOINT_URL_LIGHTSAIL": self.sandbox.url,
            "SANDBOX_URL": self.sandbox.url,
        }
        return subprocess.run(  # noqa: S603 - our own arguments
            ["make", *ready, f"CDK={cdk}", target, f"CONFIG={self._file(customer)}", *arguments],  # noqa: S607 - whichever there is
            cwd=ROOT,
            env=environment,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def stacks(self) -> dict[str, dict[str, Any]]:
        """Return the stacks that are deployed, by name, without the CDK's own."""
        with closing(self._client("cloudformation")) as client:
            return {
                stack["StackName"]: stack
                for stack in client.describe_stacks()["Stacks"]
                if stack["StackName"] != "CDKToolkit" and stack["StackStatus"].endswith("_COMPLETE")
            }

    def settings(self, customer: str) -> dict[str, Any]:
        """Return the settings of a deployed function."""
        (name,) = (
            output["OutputValue"]
            for output in self.stacks()[customer]["Outputs"]
            if output["OutputKey"] == "FunctionName"
        )
        with closing(self._client("lambda")) as client:
            variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        settings: dict[str, Any] = json.loads(variables["LIGHTKEEPER"])
        return settings

    def _client(self, service: str) -> Any:  # noqa: ANN401 - a client of a service that has no types here
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)  # noqa: S106
        return session.client(service, endpoint_url=self.aws.url)  # type: ignore[call-overload] # any service

    def _file(self, customer: str) -> Path:
        return self.aws.folder / f"{customer}.json"

    def output_of_cdk(self, customer: str) -> Path:
        """Return where make lets the CDK write."""
        return ROOT / "cdk.out" / str(self._file(customer).with_suffix("")).replace("/", "-")


@pytest.fixture
def agency(tmp_path: Path) -> Iterator[Agency]:
    """An agency with two customers, and a disk to back up."""
    with running_sandbox() as sandbox, running_local_aws(tmp_path) as aws:
        sandbox.seed([Seed(kind="Disk", name="cellar", region=REGION, tags={"backup": "daily"})])
        agency = Agency(aws, sandbox)
        customers = ("Shop", "Blog")
        for customer in customers:
            agency.write(customer, regions=[REGION], tags={"customer": customer})
        yield agency
        for customer in customers:
            shutil.rmtree(agency.output_of_cdk(customer), ignore_errors=True)


def test_each_customer_has_a_stack_of_their_own_and_no_change_goes_out_unasked(agency: Agency) -> None:
    faulthandler.cancel_dump_traceback_later()  # seven times the CDK: minutes on a busy machine
    assert agency.make("bootstrap", "Shop").returncode == 0

    # Where nobody can be asked, a deployment only says what it would do.
    refused = agency.make("deploy", "Shop")
    assert refused.returncode != 0
    first = f"Account {ACCOUNT}, {REGION}; Shop in {REGION}, there is no such stack yet: this is its first deployment\n"
    assert first in refused.stdout
    assert f"cellar (disk, {REGION})\n" in refused.stdout
    assert "Not deployed: nobody can be asked" in refused.stdout
    assert agency.stacks() == {}

    for customer in ("Shop", "Blog"):
        done = agency.make("deploy", customer, "YES=1")
        assert done.returncode == 0, done.stdout
        assert agency.output_of_cdk(customer).is_dir()
    stacks = agency.stacks()
    assert set(stacks) == {"Shop", "Blog"}
    tags = {name: {tag["Key"]: tag["Value"] for tag in stack["Tags"]} for name, stack in stacks.items()}
    assert tags == {"Shop": {"customer": "Shop"}, "Blog": {"customer": "Blog"}}

    # Neither a permission nor a resource changes: so the CDK alone would not have asked.
    agency.write("Shop", regions=[REGION], tags={"customer": "Shop"}, grace="0d", maxDeletesPerSource=1000)
    unasked = agency.make("deploy", "Shop")
    assert unasked.returncode != 0
    assert '  grace: "1d" -> "0d"\n  maxDeletesPerSource: 3 -> 1000\n' in unasked.stdout
    assert agency.settings("Shop")["grace"] == "1d"

    wrong = agency.make("deploy", "Cellar", "YES=1")
    assert wrong.returncode != 0
    assert "Cellar.json: No such file or directory; expected a readable file of settings" in wrong.stdout

    gone = agency.make("destroy", "Shop", "YES=1")
    assert gone.returncode == 0, gone.stdout
    assert set(agency.stacks()) == {"Blog"}
    assert agency.stacks()["Blog"]["EnableTerminationProtection"]
    assert agency.settings("Blog")["deployment"] == "Blog"
