"""A handle on a running sandbox, and a way to start one.

Nothing here talks to AWS's interface: `Sandbox.client_options` gives what a boto3 client needs for that.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from http.client import HTTPConnection
from typing import Any, TypedDict
from urllib.parse import urlsplit

from lightsail_sandbox.backend.life import InstanceEnd
from lightsail_sandbox.calls import Call, HeldCall
from lightsail_sandbox.entries import Entry
from lightsail_sandbox.faults import (
    Effect,
    EndInstances,
    EndSnapshots,
    ErrorAnswer,
    FailOperation,
    FaultRule,
    Hang,
    HoldAnswer,
    HoldCall,
    LoseAnswer,
    Meanwhile,
    ShortList,
    Throttle,
)
from lightsail_sandbox.options import Options
from lightsail_sandbox.role import MissingResource
from lightsail_sandbox.seeds import Seed, SnapshotState

__all__ = [
    "Call",
    "ClientOptions",
    "Effect",
    "EndInstances",
    "EndSnapshots",
    "Entry",
    "ErrorAnswer",
    "FailOperation",
    "FaultRule",
    "Hang",
    "HeldCall",
    "HoldAnswer",
    "HoldCall",
    "InstanceEnd",
    "LoseAnswer",
    "Meanwhile",
    "MissingResource",
    "Options",
    "Sandbox",
    "SandboxError",
    "Seed",
    "ShortList",
    "Throttle",
    "ask_over_http",
    "running_sandbox",
]

_CONTROL_TIMEOUT_SECONDS = 60


class ClientOptions(TypedDict):
    """What `boto3.client("lightsail", **options)` needs to reach a sandbox."""

    endpoint_url: str
    region_name: str
    aws_access_key_id: str
    aws_secret_access_key: str


class SandboxError(Exception):
    """The sandbox has refused a control request, or could not be started."""


def ask_over_http(url: str, method: str, path: str, body: bytes, patience_seconds: float) -> tuple[int, bytes]:
    """Make a request to a sandbox, and give the status and the body of its answer."""
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=patience_seconds)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox, by its URL.

    Parameters
    ----------
    url
        Where it listens, without a slash at the end.
    ask
        How its control interface is reached.
    """

    url: str
    ask: Callable[[str, str, str, bytes, float], tuple[int, bytes]] = field(default=ask_over_http, repr=False)

    def client_options(self, region: str, account: str | None = None) -> ClientOptions:
        """Give the arguments with which `boto3.client` reaches this sandbox, in an account if that matters."""
        return ClientOptions(
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=account or "sandbox",
            aws_secret_access_key="sandbox",  # noqa: S106 - the sandbox checks no signature; boto3 only insists on a value
        )

    def environment(self, region: str) -> dict[str, str]:
        """Give the environment with which a process reaches this sandbox as if it were AWS."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return kept | {
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_LIGHTSAIL": self.url,
        }

    def now(self) -> datetime:
        """Read the sandbox clock."""
        return _time(self._ask("GET", "/clock"))

    def set_time(self, now: datetime | None) -> datetime:
        """Set the sandbox clock, which then stands still. None: back to real time."""
        return _time(self._ask("PUT", "/clock", {"now": now.isoformat() if now else None}))

    def advance(self, by: timedelta) -> datetime:
        """Move the sandbox clock on; from then on it stands still."""
        return _time(self._ask("POST", "/clock/advance", {"seconds": by.total_seconds()}))

    def options(self) -> Options:
        """Read the options."""
        return Options(**self._ask("GET", "/options"))

    def set_options(  # noqa: PLR0913 - one for each option
        self,
        *,
        page_size: int | None = None,
        snapshot_seconds: float | None = None,
        copy_seconds: float | None = None,
        refusal_of_tags: str | None = None,
        automatic_snapshot_seconds: float | None = None,
        automatic_snapshot_delay_seconds: float | None = None,
        boot_seconds: float | None = None,
        health_seconds: float | None = None,
        stop_seconds: float | None = None,
        disk_seconds: float | None = None,
        database_seconds: float | None = None,
        vcpu_quota: int | None = None,
        latency_seconds: float | None = None,
        sts_url: str | None = None,
        shifting_pages: bool | None = None,
    ) -> Options:
        """Change the options that are given, until the next reset."""
        given = {
            "page_size": page_size,
            "snapshot_seconds": snapshot_seconds,
            "copy_seconds": copy_seconds,
            "refusal_of_tags": refusal_of_tags,
            "automatic_snapshot_seconds": automatic_snapshot_seconds,
            "automatic_snapshot_delay_seconds": automatic_snapshot_delay_seconds,
            "boot_seconds": boot_seconds,
            "health_seconds": health_seconds,
            "stop_seconds": stop_seconds,
            "disk_seconds": disk_seconds,
            "database_seconds": database_seconds,
            "vcpu_quota": vcpu_quota,
            "latency_seconds": latency_seconds,
            "sts_url": sts_url,
            "shifting_pages": shifting_pages,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        return Options(**self._ask("PATCH", "/options", changes))

    def add_faults(self, *rules: FaultRule) -> None:
        """Put fault rules in force, after those that already are."""
        self._ask("POST", "/faults", [rule.to_json() for rule in rules])

    def faults(self) -> tuple[FaultRule, ...]:
        """Give the fault rules in force."""
        return tuple(FaultRule.from_json(rule) for rule in self._ask("GET", "/faults"))

    def clear_faults(self) -> None:
        """Forget all fault rules and let go of the calls and answers they hold."""
        self._ask("DELETE", "/faults")

    def release(self) -> None:
        """Let go of the calls and answers that faults hold at this moment; the rules stay in force."""
        self._ask("POST", "/faults/release")

    def held(self) -> tuple[HeldCall, ...]:
        """Give the calls that `HoldCall` holds at this moment, in the order in which they came."""
        return tuple(HeldCall(**call) for call in self._ask("GET", "/held"))

    def wait_for_held(self, count: int = 1, timeout: timedelta = timedelta(minutes=2)) -> tuple[HeldCall, ...]:
        """Wait until `HoldCall` holds so many calls, and give those it holds.

        Raises
        ------
        SandboxError
            If it does not when the time is up.
        """
        seconds = timeout.total_seconds()
        path = f"/held?wait_for={count}&timeout={seconds}"
        return tuple(HeldCall(**call) for call in self._ask("GET", path, wait_seconds=seconds))

    def enforce_role(
        self,
        policy: Mapping[str, Any] | None,
        access_key_id: str | None = None,
        *,
        account: str | None = None,
        missing_resource: MissingResource = "not-found",
        tag_on_create: bool = False,
    ) -> None:
        """Refuse every call that a role's policy does not allow, until the next reset.

        Parameters
        ----------
        policy
            A policy document, as IAM has it. None: everybody may do everything again.
        access_key_id
            Only the calls made with this access key have the role. None: all calls.
        account
            Only the calls in this account have the role. None: those in accounts without a role of their own.
        missing_resource
            What becomes of a call on a resource that does not exist, which AWS does not say. ``not-found``: whatever
            the role, it is told so. ``untagged``: it is judged as a call on a resource without tags.
        tag_on_create
            Whether a create with tags is judged as ``lightsail:TagResource`` too, which AWS does not quite say.
        """
        role = {
            "policy": policy,
            "access_key_id": access_key_id,
            "account": account,
            "missing_resource": missing_resource,
            "tag_on_create": tag_on_create,
        }
        self._ask("PUT", "/role", role if policy is not None else None)

    def entries(self) -> tuple[Entry, ...]:
        """Give every source and snapshot of every Region, without a call to AWS's interface."""
        return tuple(Entry.from_json(entry) for entry in self._ask("GET", "/entries"))

    def calls(self, after: int = 0) -> tuple[Call, ...]:
        """Give the AWS calls so far, in the order in which they took effect.

        Parameters
        ----------
        after
            Only calls with a greater number than this.
        """
        return tuple(Call.from_json(call) for call in self._ask("GET", f"/calls?after={after}"))

    def wait_for_call(self, number: int, timeout: timedelta = timedelta(minutes=2)) -> tuple[Call, ...]:
        """Wait until the AWS call with this number has taken effect, and give all calls so far.

        Raises
        ------
        SandboxError
            If there has been no such call when the time is up.
        """
        seconds = timeout.total_seconds()
        path = f"/calls?wait_for={number}&timeout={seconds}"
        return tuple(Call.from_json(call) for call in self._ask("GET", path, wait_seconds=seconds))

    def clear_calls(self) -> None:
        """Forget the calls so far and number from 1 again."""
        self._ask("DELETE", "/calls")

    def seed(self, seeds: Iterable[Seed]) -> tuple[str, ...]:
        """Put resources into the sandbox, in order, and give their ARNs. All or none: a wrong seed refuses the lot."""
        return tuple(self._ask("POST", "/seed", [seed.to_json() for seed in seeds]))

    def set_snapshot_state(self, region: str, name: str, state: SnapshotState, *, account: str | None = None) -> None:
        """Give a snapshot a state, for good, in any kind's word for it."""
        body = {"region": region, "name": name, "state": state, "account": account}
        self._ask("PUT", "/snapshot-state", body)

    def set_database_state(self, region: str, name: str, state: str | None, *, account: str | None = None) -> None:
        """Give a database a state, such as ``stopped``: it stays so until another call.

        Parameters
        ----------
        region, name
            Which database.
        state
            Any text, as in AWS. None: the state follows from what is done to the database again.
        account
            Whose it is: 12 digits. None: that of every access key that says nothing about one.
        """
        body = {"region": region, "name": name, "state": state, "account": account}
        self._ask("PUT", "/database-state", body)

    def fail_automatic_snapshot(self, region: str, name: str, day: date) -> None:
        """Let the automatic snapshot of a disk or an instance of a day (UTC) fail: one that has been, or is to come."""
        self._ask("PUT", "/automatic-failure", {"region": region, "name": name, "day": day.isoformat()})

    def set_instance_end(self, region: str, name: str, end: InstanceEnd | None) -> None:
        """Let an instance be as if it had not come to life, such as ``impaired``. None: it is well again."""
        self._ask("PUT", "/instance-end", {"region": region, "name": name, "end": end})

    def checkpoint(self) -> None:
        """Remember resources, clock and options, to go back to; an older checkpoint is forgotten."""
        self._ask("POST", "/checkpoint")

    def restore(self) -> None:
        """Go back to the checkpoint, as often as one likes, until the next reset of the process."""
        self._ask("POST", "/restore")

    def reset(self) -> None:
        """Empty the sandbox: resources, faults and calls go; clock and options are as at the start."""
        self._ask("POST", "/reset")

    def _ask(self, method: str, path: str, body: object = None, wait_seconds: float = 0) -> Any:  # noqa: ANN401 - JSON; each caller knows its shape
        patience = _CONTROL_TIMEOUT_SECONDS + wait_seconds
        status, answered = self.ask(self.url, method, f"/sandbox{path}", json.dumps(body).encode(), patience)
        answer = json.loads(answered)
        if status >= 400:  # noqa: PLR2004 - HTTP's own threshold for a refusal
            raise SandboxError(answer["error"])
        return answer


def _time(answer: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(answer["now"])


@contextmanager
def running_sandbox(options: Options | None = None) -> Iterator[Sandbox]:
    """Start a sandbox of its own on a free loopback port, and end it when the block ends.

    The sandbox also ends when this process dies, however that happens.

    Parameters
    ----------
    options
        The options to start with, and to go back to at each reset.
    """
    options = options or Options()
    command = [
        *(sys.executable, "-m", "lightsail_sandbox", "--host", "127.0.0.1", "--port", "0", "--until-stdin-closes"),
        *("--page-size", str(options.page_size)),
        *("--snapshot-duration", str(options.snapshot_seconds)),
        *("--copy-duration", str(options.copy_seconds)),
        *("--automatic-snapshot-duration", str(options.automatic_snapshot_seconds)),
        *("--automatic-snapshot-delay", str(options.automatic_snapshot_delay_seconds)),
        *("--boot-duration", str(options.boot_seconds)),
        *("--health-duration", str(options.health_seconds)),
        *("--stop-duration", str(options.stop_seconds)),
        *("--disk-duration", str(options.disk_seconds)),
        *("--database-duration", str(options.database_seconds)),
        *(("--vcpu-quota", str(options.vcpu_quota)) if options.vcpu_quota is not None else ()),
        *(("--sts-url", options.sts_url) if options.sts_url is not None else ()),
        *("--latency", str(options.latency_seconds)),
    ]
    with subprocess.Popen(  # noqa: S603 - no shell, every argument is ours
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C at a terminal is for the program that asked for the sandbox, which ends it.
        start_new_session=True,
    ) as process:
        try:
            yield Sandbox(_ready_url(process))
        finally:
            process.terminate()


def _ready_url(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout else ""
    url = re.search(r"http://\S+", line)
    if url is None:
        raise SandboxError(
            f"The sandbox ended before it was ready (exit code {process.wait()}); its own words are above."
        )
    return url.group()
