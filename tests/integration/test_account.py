"""Whose account a verb works in: asked of AWS beside its work, or told by what it finds; never a reason to fail."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from lightkeeper_cli import account
from lightkeeper_cli.account import Account, ask_account
from lightsail_sandbox.client import Sandbox
from tests.support.command import lightkeeper
from tests.support.keeper import NOON, Keeper

ARN = "arn:aws:lightsail:eu-central-1:210987654321:Disk/1"
CALLER = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
ALIASES = (
    "<ListAccountAliasesResponse><ListAccountAliasesResult><AccountAliases><member>my-shop</member></AccountAliases>"
    "<IsTruncated>false</IsTruncated></ListAccountAliasesResult></ListAccountAliasesResponse>"
)
REFUSED = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"


@contextmanager
def answering(**answers: str | None) -> Iterator[str]:
    """Be STS and IAM: answer each action with that, refuse what is not there, and let None hang."""
    done = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            action = body.partition("Action=")[2].partition("&")[0]
            answer = answers.get(action, REFUSED)
            if answer is None:
                done.wait(30)
                return
            self.send_response(403 if answer is REFUSED else 200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            done.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def at_aws(aws: Sandbox, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:  # noqa: ARG001 - its surroundings
    """Let the command take the sandbox for AWS itself, where there are STS and IAM, too."""
    monkeypatch.setattr(account, "is_at_aws", lambda _: True)
    return monkeypatch


def ask(patch: pytest.MonkeyPatch, url: str, arns: tuple[str, ...] = (ARN,)) -> Account:
    for service in ("STS", "IAM"):
        patch.setenv(f"AWS_ENDPOINT_URL_{service}", url)
    return ask_account(None)(arns)


def test_aws_says_whose_the_credentials_are_and_what_the_account_is_called(at_aws: pytest.MonkeyPatch) -> None:
    with answering(GetCallerIdentity=CALLER, ListAccountAliases=ALIASES) as url:
        assert ask(at_aws, url) == Account("123456789012", "my-shop")


def test_a_refused_alias_is_left_out(at_aws: pytest.MonkeyPatch) -> None:
    with answering(GetCallerIdentity=CALLER) as url:
        assert ask(at_aws, url) == Account("123456789012")


@pytest.mark.parametrize(("arns", "known"), [((ARN,), "210987654321"), ((), None)])
def test_where_nobody_says_so_what_is_found_tells_the_account(
    at_aws: pytest.MonkeyPatch, arns: tuple[str, ...], known: str | None
) -> None:
    with answering() as url:
        assert ask(at_aws, url, arns) == Account(known)


def test_nobody_waits_for_a_name(at_aws: pytest.MonkeyPatch) -> None:
    at_aws.setattr(account, "_PATIENCE_SECONDS", 0.1)
    began = time.monotonic()

    with answering(GetCallerIdentity=None) as url:
        found = ask(at_aws, url)
        took = time.monotonic() - began

    assert found == Account("210987654321")
    assert took < 1.9, "less than the call itself may take"


def test_an_address_that_is_none_leaves_the_account_unknown(at_aws: pytest.MonkeyPatch) -> None:
    assert ask(at_aws, "garbage", ()) == Account(None)


def test_a_local_lightsail_has_nobody_to_ask(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = keeper.disk("shop", {"backup": "daily"})
    with answering(GetCallerIdentity=CALLER, ListAccountAliases=ALIASES) as url:
        for service in ("STS", "IAM"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", url)

        found = ask_account(None)([arn])

    assert found == Account(arn.split(":")[4]), "of the sandbox, not of AWS"


@pytest.mark.parametrize("verb", [("plan",), ("status",), ("snapshots",)])
def test_the_account_and_the_regions_stand_above_what_is_shown(keeper: Keeper, verb: tuple[str, ...]) -> None:
    keeper.disk("shop", {"backup": "daily"})
    at = ("--at", f"{NOON:%Y-%m-%dT%H:%M:%SZ}")

    shown, document = lightkeeper(*verb, *at).out, lightkeeper(*verb, *at, "--json").document

    assert "Account 123456789012, eu-central-1" in shown.partition("\n\n")[0]
    assert (document["account"], document["alias"], document["regions"]) == ("123456789012", None, ["eu-central-1"])
