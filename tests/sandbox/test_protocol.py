import json
import socket
import struct
import subprocess
import sys
from contextlib import ExitStack, closing
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
import pytest
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count

from lightsail_sandbox import backend
from lightsail_sandbox.__main__ import main
from lightsail_sandbox.backend.exceptions import SandboxAnswerError
from lightsail_sandbox.backend.shapes import Rendering, write_answer
from lightsail_sandbox.client import (
    Effect,
    FaultRule,
    Hang,
    HoldAnswer,
    HoldCall,
    Options,
    Sandbox,
    Seed,
    running_sandbox,
)
from tests.support.asking import REGION, ZONE, make_client, refused

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient

pytestmark = pytest.mark.usefixtures("over_http")

_GET_DISKS = b"POST / HTTP/1.1\r\nX-Amz-Target: Lightsail_20161128.GetDisks\r\nContent-Length: 2\r\n\r\n{}"


def test_a_request_that_lacks_something_is_refused_by_name(sandbox: Sandbox) -> None:
    with closing(make_client(sandbox, validate=False)) as careless:
        with refused("InvalidInputException", "sizeInGb"):
            careless.create_disk(diskName="data", availabilityZone=ZONE)  # type: ignore[call-arg] # it lacks the size
        with refused("InvalidInputException", "diskName"):
            careless.get_disk(diskName=7)  # type: ignore[arg-type] # it is no string


def test_a_body_that_is_not_json_is_refused(sandbox: Sandbox) -> None:
    address = urlsplit(sandbox.url)
    connection = HTTPConnection(address.hostname or "", address.port)

    connection.request("POST", "/", "not json", {"X-Amz-Target": "Lightsail_20161128.GetDisks"})

    response = connection.getresponse()
    assert response.status == 400
    assert b'"__type": "InvalidInputException"' in response.read()
    connection.close()


def test_an_operation_the_sandbox_has_not_is_refused_without_retries(sandbox: Sandbox) -> None:
    with closing(make_client(sandbox, attempts=3)) as client, refused("UnknownOperationException", "GetAlarms"):
        client.get_alarms()

    assert len(sandbox.calls()) == 1


def test_another_service_is_refused_in_words(sandbox: Sandbox) -> None:
    address = urlsplit(sandbox.url)
    connection = HTTPConnection(address.hostname or "", address.port)

    connection.request("GET", "/a-bucket")

    response = connection.getresponse()
    assert response.status == 404
    assert b"This is a local Lightsail." in response.read()
    connection.close()


def test_an_answer_that_awss_model_refuses_is_a_loud_bug() -> None:
    with pytest.raises(SandboxAnswerError, match=r"GetDisks.*sizeInGb"):
        write_answer("GetDisks", {"disks": [Rendering({"name": "data", "sizeInGb": "eight"})]})
    with pytest.raises(SandboxAnswerError, match="nextPage"):
        write_answer("GetDisks", {"disks": [], "nextPage": "x"})


def test_the_backend_works_in_mock_aws_too() -> None:
    backend.register()
    with mock_aws(), closing(boto3.client("lightsail", REGION)) as mocked:
        mocked.create_disk(diskName="data", availabilityZone=ZONE, sizeInGb=8)
        assert [disk["name"] for disk in mocked.get_disks()["disks"]] == ["data"]
        with refused("NotFoundException"):
            mocked.get_disk(diskName="gone")


@set_initial_no_auth_action_count(2)
@mock_aws
def test_motos_iam_refuses_in_json() -> None:
    backend.register()
    with closing(boto3.client("iam", REGION)) as iam:
        iam.create_user(UserName="nobody")
        key = iam.create_access_key(UserName="nobody")["AccessKey"]
    with (
        closing(
            boto3.client(
                "lightsail",
                REGION,
                aws_access_key_id=key["AccessKeyId"],
                aws_secret_access_key=key["SecretAccessKey"],
            )
        ) as powerless,
        refused("AccessDeniedException", "lightsail:GetDisks"),
    ):
        powerless.get_disks()


def test_a_port_in_use_is_one_clear_sentence(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    port = str(urlsplit(sandbox.url).port)

    assert main(["--port", port]) == 2

    complaint = f"Cannot listen on 127.0.0.1:{port}: Address already in use. Choose another with --port.\n"
    assert capsys.readouterr() == ("", complaint)


def test_a_sandbox_is_gone_when_its_block_ends() -> None:
    with running_sandbox() as short_lived:
        address = urlsplit(short_lived.url)
        assert short_lived.calls() == ()

    connection = HTTPConnection(address.hostname or "", address.port)
    with pytest.raises(ConnectionRefusedError):
        connection.request("GET", "/sandbox/clock")


@pytest.mark.slow
def test_a_sandbox_starts_with_the_options_it_is_given() -> None:
    options = Options(
        page_size=3,
        boot_seconds=1,
        health_seconds=2,
        stop_seconds=3,
        disk_seconds=4,
        database_seconds=5,
        vcpu_quota=6,
    )

    with running_sandbox(options) as started:
        assert started.options() == options


def test_a_client_that_dies_does_not_disturb_the_server() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "lightsail_sandbox", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        sandbox = Sandbox(process.stdout.readline().split()[3])
        sandbox.add_faults(FaultRule(effect=HoldAnswer()))
        address = urlsplit(sandbox.url)
        client = socket.create_connection((address.hostname or "", address.port or 0))
        client.sendall(_GET_DISKS)
        [call] = sandbox.wait_for_call(1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close without a goodbye
        client.close()
        sandbox.clear_faults()

        sandbox.reset()
        process.terminate()
        _, complaints = process.communicate()

    assert call.took_effect
    assert (process.returncode, complaints) == (0, "")


def test_calls_that_wait_do_not_keep_the_server_from_ending() -> None:
    effects: tuple[Effect, ...] = (HoldAnswer(), Hang(), HoldCall())
    with (
        subprocess.Popen(
            [sys.executable, "-m", "lightsail_sandbox", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
        ExitStack() as clients,
    ):
        assert process.stdout is not None
        sandbox = Sandbox(process.stdout.readline().split()[3])
        sandbox.add_faults(*(FaultRule(calls=(number,), effect=effect) for number, effect in enumerate(effects, 1)))
        address = urlsplit(sandbox.url)
        for _ in effects:
            client = clients.enter_context(socket.create_connection((address.hostname or "", address.port or 0)))
            client.sendall(_GET_DISKS)
        calls, held = sandbox.wait_for_call(2), sandbox.wait_for_held()
        process.terminate()
        _, complaints = process.communicate()

    assert (len(calls), len(held)) == (2, 1)
    assert (process.returncode, complaints) == (0, "")


def test_a_client_that_dies_while_its_call_is_held_does_not_disturb_the_server() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "lightsail_sandbox", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        sandbox = Sandbox(process.stdout.readline().split()[3])
        sandbox.add_faults(FaultRule(effect=HoldCall()))
        address = urlsplit(sandbox.url)
        client = socket.create_connection((address.hostname or "", address.port or 0))
        client.sendall(_GET_DISKS)
        sandbox.wait_for_held()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close without a goodbye
        client.close()
        sandbox.clear_faults()

        [call] = sandbox.wait_for_call(1)
        process.terminate()
        _, complaints = process.communicate()

    assert call.took_effect, "AWS does not know that nobody waits for the answer any more"
    assert (process.returncode, complaints) == (0, "")


def test_ctrl_c_ends_the_server_cleanly() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "lightsail_sandbox", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        process.send_signal(2)
        _, complaints = process.communicate()

    assert "aws lightsail get-disks --endpoint-url http://127.0.0.1:" in ready
    assert (process.returncode, complaints) == (0, "")


class TestTheAwsCommand:
    """The real `aws` command, which knows nothing of the sandbox but its URL."""

    def test_creates_tags_and_lists(self, sandbox: Sandbox) -> None:
        self._aws(sandbox, "create-disk --disk-name data --availability-zone eu-central-1a --size-in-gb 8")
        self._aws(
            sandbox, "create-disk-snapshot --disk-name data --disk-snapshot-name data-1 --tags key=a,value=b key=c"
        )

        query = "--query diskSnapshots[].[name,state,tags[0].value] --output text"
        assert self._aws(sandbox, f"get-disk-snapshots {query}").stdout == "data-1\tpending\tb\n"

    def test_follows_pages_by_itself(self, sandbox: Sandbox, lightsail: "LightsailClient") -> None:
        for number in range(5):
            lightsail.create_disk(diskName=f"disk-{number}", availabilityZone=ZONE, sizeInGb=8)
        sandbox.set_options(page_size=2)
        sandbox.clear_calls()

        assert self._aws(sandbox, "get-disks --query length(disks[])").stdout == "5\n"
        assert len(sandbox.calls()) == 3

    def test_shows_an_error_with_its_code(self, sandbox: Sandbox) -> None:
        failed = self._aws(sandbox, "delete-disk --disk-name gone", check=False)

        assert failed.returncode != 0
        assert "(NotFoundException)" in failed.stderr
        assert "The Disk does not exist: gone" in failed.stderr

    @pytest.mark.slow
    def test_brings_a_server_back_behind_its_address_and_firewall(self, sandbox: Sandbox) -> None:
        sandbox.seed(
            [
                Seed(kind="Instance", name="web", bundle_id="small_3_0"),
                Seed(kind="StaticIp", name="front", attached_to="web"),
                Seed(kind="InstanceSnapshot", name="web-1", source="web", state="available"),
            ]
        )
        kept = self._aws(sandbox, "get-static-ip --static-ip-name front --query staticIp.ipAddress").stdout

        self._aws(
            sandbox,
            "create-instances-from-snapshot --instance-names web-2 --instance-snapshot-name web-1 "
            "--availability-zone eu-central-1a --bundle-id small_3_0 --tags key=team,value=ops",
        )
        pending = self._aws(sandbox, "get-instance-state --instance-name web-2 --query state.name").stdout
        sandbox.advance(timedelta(minutes=5))
        self._aws(
            sandbox,
            "put-instance-public-ports --instance-name web-2 "
            "--port-infos fromPort=443,toPort=443,protocol=tcp,cidrs=203.0.113.0/24",
        )
        self._aws(sandbox, "detach-static-ip --static-ip-name front")
        self._aws(sandbox, "attach-static-ip --static-ip-name front --instance-name web-2")

        shown = "[state.name,publicIpAddress,networking.ports[].fromPort]"
        asked = f"get-instance --instance-name web-2 --query instance.{shown}"
        back = json.loads(self._aws(sandbox, asked).stdout)
        assert (json.loads(pending), back) == ("pending", ["running", json.loads(kept), [443]])

    def _aws(self, sandbox: Sandbox, command: str, *, check: bool = True) -> "subprocess.CompletedProcess[str]":
        aws = Path(sys.executable).parent / "aws"
        words = [sys.executable, str(aws), "lightsail", *command.split(), "--endpoint-url", sandbox.url]
        environment = sandbox.environment(REGION)
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=check)  # noqa: S603 - ours
