"""The check of the settings, asked and answered as CloudFormation does it: an event, and a request to its address."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from lightkeeper.settings import Settings, StackSettings, settings_object
from lightkeeper.settings_check import MAX_ANSWER_BYTES, attributes, handle, seen_in

STACK = "arn:aws:cloudformation:eu-central-1:123456789012:stack/Nights/1"
FIXED = {"tagKey": "backup"}


@dataclass
class CloudFormation:
    """What waits for an answer."""

    url: str
    answers: list[dict[str, Any]] = field(default_factory=list)
    types: list[str | None] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)

    def ask(self, request: str = "Create", **properties: object) -> dict[str, Any]:
        """Let the function check, and return its answer."""
        handle(self.event(request, **properties), None)
        return self.answers[-1]

    def event(self, request: str = "Create", **properties: object) -> dict[str, object]:
        """Return the event of a custom resource."""
        given = properties.get("Settings", "{}")
        event: dict[str, object] = {
            "RequestType": request,
            "RequestId": "request-1",
            "StackId": STACK,
            "ResponseURL": self.url,
            "LogicalResourceId": "Checked",
            "ResourceProperties": {
                "ServiceToken": "arn:aws:lambda:eu-central-1:123456789012:function:check",
                "StackName": "Nights",
                "Fixed": json.dumps(FIXED),
                "Seen": seen(given),
                "Settings": "{}",
            }
            | properties,
        }
        return event if request == "Create" else event | {"PhysicalResourceId": "Nights-settings"}


def seen(given: object) -> dict[str, str]:
    """Return what conditions have seen that read right; nothing of what cannot be read."""
    try:
        mapping = settings_object(json.loads(str(given)))
        return seen_in(Settings.from_mapping(mapping), StackSettings.from_mapping(mapping))
    except (RecursionError, ValueError):
        return {}


@pytest.fixture
def formation() -> Iterator[CloudFormation]:
    with waiting() as found:
        yield found


@contextmanager
def waiting() -> Iterator[CloudFormation]:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.answers.append(json.loads(body))
            found.types.append(self.headers["Content-Type"])
            found.bytes.append(len(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    found = CloudFormation(f"http://127.0.0.1:{server.server_port}/answer?signature=x")
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_settings_that_will_do_are_answered_with_what_follows_from_them(
    formation: CloudFormation, request_type: str
) -> None:
    given = {"tick": "rate(15 minutes)", "notify": ["ops@example.com"], "logRetentionDays": 7}

    answer = formation.ask(request_type, Settings=json.dumps(given))

    assert {key: answer[key] for key in answer if key != "Data"} == {
        "Status": "SUCCESS",
        "StackId": STACK,
        "RequestId": "request-1",
        "LogicalResourceId": "Checked",
        "PhysicalResourceId": "Nights-settings",
    }
    named = Settings.from_mapping({"deployment": "Nights", "tick": given["tick"], "notify": given["notify"]})
    assert answer["Data"] == attributes(named, StackSettings.from_mapping({"logRetentionDays": 7}))
    assert (answer["Data"]["NewsPeriod"], answer["Data"]["ErrorPeriod"]) == ("900", "3600")
    assert (answer["Data"]["Endpoint1"], answer["Data"]["Protocol1"]) == ("ops@example.com", "email")


def test_the_address_is_signed_for_a_request_without_a_type(formation: CloudFormation) -> None:
    formation.ask()

    assert formation.types == [""]


def test_the_deployment_is_the_stack_s_name_unless_the_settings_name_it(formation: CloudFormation) -> None:
    assert formation.ask()["Data"]["Deployment"] == "Nights"
    assert formation.ask(Settings='{"deployment": "Days"}')["Data"]["Deployment"] == "Days"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "[" * 4000], ids=len)
def test_what_is_no_object_is_refused_with_a_sentence(formation: CloudFormation, text: str) -> None:
    answer = formation.ask(Settings=text)

    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("Settings: ")
    assert "JSON" in answer["Reason"]
    assert "Data" not in answer


def test_everything_that_is_wrong_is_said_at_once_as_far_as_there_is_room(formation: CloudFormation) -> None:
    wrong = {f"key-{number}-{'x' * 100}": "" for number in range(25)}

    reason = formation.ask(Settings=json.dumps(wrong))["Reason"]

    *sentences, last = reason.splitlines()
    assert len(sentences) >= 3
    assert last == f"Settings: {25 - len(sentences)} more errors"
    assert formation.bytes[-1] <= MAX_ANSWER_BYTES


def test_one_error_too_long_to_read_is_cut(formation: CloudFormation) -> None:
    reason = formation.ask(Settings=json.dumps({"tagKey": "x" * 4000}))["Reason"]

    assert reason.startswith('Settings: tagKey: "xxx')
    assert reason.endswith("...")
    assert formation.bytes[-1] <= MAX_ANSWER_BYTES


@pytest.mark.parametrize("given", [{"tagKey": "\ud800"}, {"\ud83d": 1}, {"policies": {"daily": {"keep": "\udfff"}}}])
def test_half_a_letter_is_refused_with_the_sentence_for_it_too(
    formation: CloudFormation, given: dict[str, object]
) -> None:
    reason = formation.ask(Settings=json.dumps(given))["Reason"]

    assert reason.startswith(f"Settings: {next(iter(given))}".encode(errors="replace").decode())
    assert "expected" in reason


def test_settings_that_make_an_answer_too_long_are_refused_with_what_to_do(formation: CloudFormation) -> None:
    def asked(number: int) -> dict[str, Any]:
        policy = {"schedule": "0 3 * * *", "keep": "daily=7"}
        return formation.ask(Settings=json.dumps({"policies": {f"number-{each}": policy for each in range(number)}}))

    refused = next(answer for answer in map(asked, range(20, 60)) if answer["Status"] == "FAILED")

    assert refused["Reason"].startswith("Settings: all settings together make an answer of 4,")
    assert refused["Reason"].endswith("or make two deployments")
    assert max(formation.bytes) > MAX_ANSWER_BYTES - 100


def test_a_topic_is_refused_with_what_to_write(formation: CloudFormation) -> None:
    topic = "arn:aws:sns:eu-central-1:123456789012:ops"

    answer = formation.ask(Settings=json.dumps({"notify": [topic]}))

    assert answer["Reason"] == (
        f'Settings: notify: "{topic}" is a topic, and this template has alarms for its own only; expected an e-mail or '
        "https address"
    )


def test_other_accounts_are_refused_with_what_to_do(formation: CloudFormation) -> None:
    answer = formation.ask(Settings='{"organization": {"units": ["ou-ab12-cd34ef56"]}}')

    assert answer["Reason"] == (
        "Settings: organization: a plain template looks after one account, its own; expected null, or a deployment "
        "from a checkout, see docs/organisation.md"
    )


def test_a_deletion_is_always_answered_well(formation: CloudFormation) -> None:
    assert formation.ask("Delete", Settings="nonsense")["Status"] == "SUCCESS"


def test_what_nobody_expects_is_answered_too_and_is_in_the_log(formation: CloudFormation) -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        handle(formation.event(Fixed=""), None)

    (answer,) = formation.answers
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("the settings could not be checked; the log of the stack's checking function")
