"""The command at terminals of all sorts: their encodings, a reader that goes away, and Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

import pytest

from lightkeeper_cli.main import main
from lightkeeper_cli.signs import ASCII
from lightkeeper_cli.tables.status import SIGNS
from lightsail_sandbox.client import FaultRule, HoldCall, Sandbox
from tests.support.keeper import DAY, Keeper

COMMAND = str(Path(sys.executable).parent / "lightkeeper")
ENCODINGS = ["ascii", "latin-1", "cp1252", "cp437", "cp932", "utf-8"]
SIMULATE = ("simulate", "--days", "40", "--from", "2026-01-01")


@pytest.fixture(autouse=True)
def folder(
    aws: Sandbox,  # noqa: ARG001 - what the command takes for AWS
    over_http: None,  # noqa: ARG001 - a process of its own has to reach it
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Stand in a folder with settings."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings.json").write_text("{}")


def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[bytes]":
    command = [COMMAND, *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)  # noqa: S603 - ourselves


# Encodings


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_signs_of_a_strip_differ_in_every_encoding(encoding: str) -> None:
    signs = [sign for sign, _ in SIGNS]

    shown = [sign.encode(encoding, "lightkeeper.signs") for sign in signs]

    assert len(set(shown)) == len(signs)
    assert b"?" not in b"".join(shown)
    assert all(len(sign) == len(instead) == 1 for sign, instead in ASCII.items()), "columns stay columns"


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_simulation_is_shown_in_every_encoding(encoding: str) -> None:
    ended = run(*SIMULATE, PYTHONIOENCODING=encoding)

    shown = ended.stdout.decode(encoding)
    recoverable = "█" if encoding in {"utf-8", "cp437"} else "#"
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert f"{recoverable} can be recovered" in shown
    assert 7 * recoverable in shown, "its seven days, in the same sign as the legend's"
    assert "?" not in shown


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_status_is_shown_in_narrow_encodings(keeper: Keeper, encoding: str) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.run()
    keeper.live(3 * DAY)

    ended = run("status", "--at", "2026-06-18T12:30:00Z", PYTHONIOENCODING=encoding)

    assert ended.returncode == 0
    assert b"# recoverable" in ended.stdout
    assert b"###" in ended.stdout
    assert b"?" not in ended.stdout


@pytest.mark.slow
@pytest.mark.parametrize("variables", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "latin-1"}])
def test_a_mistake_in_letters_that_the_terminal_lacks_is_a_sentence(variables: dict[str, str]) -> None:
    ended = run("simulate", "--policy", "täglich \N{SNOWMAN}", **variables)

    assert ended.returncode == 2
    assert b"is not a policy; expected one of" in ended.stderr
    assert b"Traceback" not in ended.stderr


# A reader that goes away


def closed_pipe() -> int:
    """Return the end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def unread(*arguments: str) -> tuple[int, bytes]:
    """Run a command whose output nobody reads; return its exit status, and its standard error."""
    out = closed_pipe()
    try:
        ended = subprocess.run(  # noqa: S603 - ourselves
            [COMMAND, *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, timeout=60, check=False
        )
    finally:
        os.close(out)
    return ended.returncode, ended.stderr


@pytest.mark.slow
def test_a_status_that_nobody_reads_still_says_how_things_stand(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})

    assert unread("status", "--config", "settings.json", "--at", "2026-06-15T12:00:00Z") == (
        3,
        b"lightkeeper: using the settings in settings.json\n",
    )


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [SIMULATE, ("simulate", "--days", "1", "--json"), ("keep", "--help")])
def test_what_nobody_reads_ends_without_a_word(arguments: tuple[str, ...]) -> None:
    assert unread(*arguments)[1] == b""


@pytest.mark.slow
def test_a_restore_that_nobody_reads_is_done_all_the_same(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.run()
    keeper.live(DAY)
    keeper.sandbox.set_options(disk_seconds=0)

    status, said = unread("restore", "shop", "--as", "back", "--yes", "--config", "settings.json")

    assert b"Traceback" not in said
    assert (status, [disk["name"] for disk in keeper.user.get_disks()["disks"]]) == (0, ["shop", "back"])


# Ctrl-C


def start(*arguments: str) -> "subprocess.Popen[bytes]":
    """Begin a command as at a terminal: a shell that runs the tests in its background may ignore Ctrl-C."""
    heeds = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    return subprocess.Popen(  # noqa: S603 - our own arguments
        [sys.executable, "-c", f"{heeds}; from lightkeeper_cli.__main__ import main; main()", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def said(process: "subprocess.Popen[bytes]") -> str:
    """Wait for a command to end, and return what it said last."""
    try:
        _, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert b"Traceback" not in err
    assert process.returncode == 130
    return err.decode().splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("plan",), "nothing was changed"),
        (("status",), "nothing was changed"),
        (("recipe", "shop"), "nothing was changed"),
        (("run", "--config", "settings.json"), "nothing was done"),
        (("take", "shop", "--config", "settings.json"), "no recovery point of shop was taken"),
    ],
)
def test_ctrl_c_while_a_verb_reads_says_that_nothing_was_done(
    keeper: Keeper, arguments: tuple[str, ...], sentence: str
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=HoldCall(), operation="GetDisks"))
    with start(*arguments) as process:
        keeper.sandbox.wait_for_held()
        process.send_signal(signal.SIGINT)
        keeper.sandbox.clear_faults()

        assert said(process) == f"lightkeeper: interrupted; {sentence}"
    assert keeper.snapshots() == {}


@pytest.mark.slow
def test_ctrl_c_in_a_run_says_how_far_it_is_and_the_next_run_does_the_rest(keeper: Keeper) -> None:
    for name in ("attic", "blog", "shop"):
        keeper.disk(name, {"backup": "daily"})
    Path("settings.json").write_text('{"maxConcurrency": 1}')
    arguments = ("run", "--config", "settings.json", "--at", "2026-06-15T12:00:00Z", "--endpoint-url")
    keeper.sandbox.add_faults(FaultRule(effect=HoldCall(), operation="CreateDiskSnapshot", resource="blog"))
    with start(*arguments, keeper.sandbox.url) as process:
        keeper.sandbox.wait_for_held()
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)  # it has the signal before the answer
        keeper.sandbox.clear_faults()

        assert said(process) == "lightkeeper: interrupted; 2 of 3 actions done; the next run does the rest"

    assert run(*arguments, keeper.sandbox.url).returncode == 0
    assert len(keeper.snapshots()) == 3


@pytest.mark.slow
def test_ctrl_c_once_lightsail_has_been_asked_for_a_recovery_point_says_that_it_comes(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=HoldCall(), operation="CreateDiskSnapshot"))
    with start("take", "shop", "--config", "settings.json", "--endpoint-url", keeper.sandbox.url) as process:
        keeper.sandbox.wait_for_held()
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        keeper.sandbox.clear_faults()
        last = said(process)

    (name,) = keeper.snapshots()
    assert last == f"lightkeeper: interrupted; Lightsail is taking {name} all the same"


@pytest.mark.slow
def test_who_presses_ctrl_c_twice_does_not_wait_for_an_answer(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=HoldCall(), operation="CreateDiskSnapshot"))
    with start(
        "run", "--config", "settings.json", "--at", "2026-06-15T12:00:00Z", "--endpoint-url", keeper.sandbox.url
    ) as process:
        keeper.sandbox.wait_for_held()
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None, "it waits for the call that is under way"
        process.send_signal(signal.SIGINT)

        assert said(process) == "lightkeeper: interrupted twice; a call that was under way may still take effect"
    keeper.sandbox.clear_faults()


def test_ctrl_c_before_a_verb_begins_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["lightkeeper", "status"])
    monkeypatch.setattr("typer.core.TyperGroup.make_context", interrupt)

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 130
    assert capsys.readouterr().err == "lightkeeper: interrupted; nothing was changed\n"


@pytest.mark.slow
@pytest.mark.parametrize("milliseconds", range(60, 400, 60))
def test_ctrl_c_while_the_command_is_loaded_is_a_sentence(milliseconds: int) -> None:
    heeds = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    ready = f"{heeds}; from lightkeeper_cli.__main__ import main; print(flush=True); main()"
    command = [sys.executable, "-c", ready, "keep", "7"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603 - ourselves
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGINT)

        assert said(process).startswith("lightkeeper: interrupted")


_WHILE_A_CLASS_IS_MADE = """
import os, signal, sys
class Attribute:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), signal.SIGINT)
class Finder:
    def find_spec(self, name, *_):
        if name == "typer":
            type("Class", (), {"attribute": Attribute()})
sys.meta_path.insert(0, Finder())
signal.signal(signal.SIGINT, signal.default_int_handler)
from lightkeeper_cli.__main__ import main
main()
"""


def test_ctrl_c_in_what_makes_another_error_of_it_is_a_sentence_too() -> None:
    command = [sys.executable, "-c", _WHILE_A_CLASS_IS_MADE, "keep", "7"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - ourselves

    assert (ended.returncode, ended.stderr) == (130, "lightkeeper: interrupted\n")
