"""What cdk.json may say to the stack, and how it is told that something is wrong."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.props import Props
from lightkeeper.settings import Settings, SettingsError

pytestmark = pytest.mark.xdist_group("stack")
ROOT = Path(__file__).parents[2]


def errors(**keys: object) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        Props.from_document({"app": "x", "lightkeeper": keys})
    return list(raised.value.errors)


def test_the_shipped_cdk_json_is_the_defaults() -> None:
    assert Props.from_document(json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))) == Props(Settings())


def test_the_stack_s_own_keys_stand_beside_those_of_the_runtime() -> None:
    props = Props.from_document(
        {"lightkeeper": {"grace": "2d", "encryptNotifications": True, "logRetentionDays": 30, "tagOnCreate": True}}
    )

    assert props.settings == Settings.from_mapping({"grace": "2d"})
    assert (props.encrypt_notifications, props.log_retention_days, props.tag_on_create) == (True, 30, True)


def test_the_command_line_reads_the_same_file_without_complaint() -> None:
    assert Settings.from_file({"lightkeeper": {"encryptNotifications": True}}) == Settings()


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"encryptNotification": True}, 'did you mean "encryptNotifications"?'),
        ({"graze": "1d"}, 'did you mean "grace"?'),
        ({"encryptNotifications": "yes"}, 'encryptNotifications: "yes" is neither true nor false'),
        ({"logRetentionDays": 31}, "logRetentionDays: 31 is not a retention; expected one of 1, 3, 5, 7, 14, 30,"),
        ({"logRetentionDays": True}, "logRetentionDays: true is not a retention"),
        ({"deployment": "my backups"}, 'deployment: "my backups" cannot be the name of a stack'),
        ({"tick": "rate(3 days)"}, 'tick: "rate(3 days)" is too rare to notice that it has stopped'),
    ],
)
def test_a_wrong_value_is_told_in_one_sentence(keys: dict[str, object], sentence: str) -> None:
    (error,) = errors(**keys)

    assert sentence in error


def test_everything_that_is_wrong_is_told_at_once_in_the_runtime_s_words() -> None:
    given = {"grace": "soon", "orphans": "keeep"}
    with pytest.raises(SettingsError) as runtime:
        Settings.from_mapping(given)

    assert errors(**given, logRetentionDays=0)[:2] == list(runtime.value.errors)
    assert len(errors(**given, logRetentionDays=0)) == 3


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (b'{"lightkeeper": {"grace": "soon", "tagKy": "save"}}', ["cdk.json: lightkeeper: "] * 2),
        (b'{"lightkeeper": {', ["cdk.json: not JSON "]),
        (b'{"lightkeeper": "\xff"}', ["cdk.json: not JSON "]),
        (b"[" * 100_000, ["cdk.json: not JSON "]),
    ],
)
def test_synth_ends_with_those_sentences_and_nothing_else(tmp_path: Path, text: bytes, sentences: list[str]) -> None:
    shutil.copy(ROOT / "app.py", tmp_path)
    (tmp_path / "cdk.json").write_bytes(text)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}

    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT), "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1"},
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    told = [line for line in done.stderr.splitlines() if line.startswith("cdk.json: ")]
    assert [line[: len(words)] for line, words in zip(told, sentences, strict=True)] == sentences
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "address", ["docs/runbook.md", "http://example.com", "https://a.example/b) [c](d", "https://a#b", 7]
)
def test_an_address_that_would_make_no_link_is_refused(address: object) -> None:
    (error,) = errors(runbookAddress=address)

    assert error.startswith(f"runbookAddress: {json.dumps(address)} is not an address; expected ")
