"""The command line: whatever is typed, piped in or stands in a file is done or answered in words, and writes nothing.

Nothing here can lead to another address than the sandbox's, to a file outside an empty folder, or to a whole demo.
"""

import json
import os
from pathlib import Path
from typing import Final

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from tests.support.command import lightkeeper
from tests.support.keeper import OTHER_REGION, REGION, Keeper
from tests.support.words import any_text, anything_or, json_values, near, numbers_as_text

FILES: Final = {
    "good.json": b'{"lightkeeper": {"regions": ["eu-central-1"], "timeZone": "Europe/Zurich"}}',
    "latin.json": b'{"tagKey": "\xff\xfe"}',
    "deep.json": b'{"grace":' * 100_000,
    "array.json": b"[" * 990 + b"]" * 990,
    "huge.json": b'{"maxConcurrency": ' + b"9" * 5000 + b"}",
    "float.json": b'{"maxConcurrency": 1e999, "maxDeletesPerSource": NaN}',
    "bom.json": b"\xef\xbb\xbf{}",
    "empty.json": b"",
    "nul.json": b"\0" * 100,
    "surrogate.json": b'{"\\ud800": "\\udfff", "policies": {"\\ud800": null}}',
    "often.json": b'{"tick": "cron(0 * * * ? *)", "policies": {"daily": {"schedule": "* * * * *", "keep": "1"}}}',
    "long.json": b'{"grace": "9999y", "overdueAfter": "999999h", "digest": "24:00"}',
}


def as_argument(text: str) -> str:
    """Return what Python makes of an argument with that text: no shell can pass more."""
    return os.fsdecode(text.encode(errors="replace").replace(b"\0", b""))


arguments = (anything_or(["--help", "--", "-", "--json", "plan", "@cdk.json", "*", "[bold]"]) | any_text).map(
    as_argument
) | st.binary(max_size=12).map(lambda typed: os.fsdecode(typed.replace(b"\0", b"")))
times = anything_or(["2026-06-15T12:00:00Z", "2999-12-31", "9999-12-31", "1970-01-01", "0001-01-01"]).map(as_argument)
rules = anything_or(["7", "daily=7 weekly=4", "forever", "daily=999999999999", "within=9999y"]).map(as_argument)
names = arguments.map(lambda text: text.replace("/", ""))
values = {
    "--config": st.sampled_from([*FILES, "folder", "missing.json", "loop", "", "/dev/null", "x" * 5000]) | names,
    "--stack": near(["Lightkeeper", "arn:aws:cloudformation:eu-central-1:123456789012:stack/L/1"]).map(as_argument)
    | arguments,
    "--region": near([REGION, OTHER_REGION, "us-west-1"]).map(as_argument) | arguments,
    "--endpoint-url": st.sampled_from(
        ["http://", "http://[", "http://127.0.0.1:99999", "http://127.0.0.1:x", "127.0.0.1", "a b", "\udcff", "://"]
    ),
    "--at": times,
    "--json": st.just(""),
    "--hold": anything_or(["2026-06-20", "2026-01-01", "9999-12-31"]).map(as_argument),
    "--kind": near(["disk", "instance"]).map(as_argument) | arguments,
    "--html": st.sampled_from(["out.html", "folder", "missing/out.html", "", ".", "/dev/full", "x" * 5000]) | names,
    "--sort": near(["name", "-cost", "status"]).map(as_argument) | arguments,
    "--theme": near(["dark", "auto"]).map(as_argument) | arguments,
    "--zone": anything_or(["UTC", "Europe/Zurich", "../UTC", "a." * 500]).map(as_argument),
    "--policy": near(["daily", "monthly"]).map(as_argument) | arguments,
    "--keep": rules,
    "--against": rules,
    # A few days only, whatever else is right.
    "--days": st.sampled_from(["0", "1", "3", "-1", "3661", "9" * 30, "1e3", "", "NaN", "three"]),
    "--size": numbers_as_text | arguments,
    "--change": anything_or(["2%/day", "101%", "nan%"]).map(as_argument),
    "--from": times,
    "--plot": st.sampled_from(["plot.gif", "missing/plot.png", "folder", "", "plot", ".png/x"]),
}
OPTIONS: Final = {
    "plan": ("--config", "--stack", "--region", "--endpoint-url", "--at", "--json"),
    "run": ("--config", "--stack", "--region", "--endpoint-url", "--at", "--json"),
    "take": ("--config", "--stack", "--region", "--endpoint-url", "--at", "--json", "--hold", "--kind"),
    "status": (
        *("--config", "--stack", "--region", "--endpoint-url", "--at", "--json", "--html", "--sort", "--theme"),
    ),
    "keep": ("--zone", "--config", "--at", "--json"),
    "simulate": (
        *("--policy", "--keep", "--against", "--days", "--size", "--change", "--from", "--plot", "--config", "--json"),
    ),
    "demo": ("--config", "--days"),
}


@st.composite
def options(draw: st.DrawFn, command: str) -> list[str]:
    """Give some options of a command with values of all sorts."""
    typed: list[str] = []
    for name in draw(st.lists(st.sampled_from(OPTIONS[command]), max_size=3)):
        value = draw(values[name])
        typed += [name] if name == "--json" else draw(st.sampled_from([[name, value], [f"{name}={value}"]]))
    return typed


@st.composite
def commands(draw: st.DrawFn) -> list[str]:
    """Give what is typed after `lightkeeper`: mostly a command with its own options."""
    command = draw(st.sampled_from(list(OPTIONS)))
    typed = [command, *draw(options(command)), *draw(st.lists(arguments, max_size=1))]
    match command:
        case "keep":
            return [*typed, draw(rules)]
        case "take":
            return [*typed, draw(near(["shop", "shop-1"]).map(as_argument) | arguments)]
        case "simulate":
            return ["simulate", "--days=3", *typed[1:]]
        case "demo":
            return [*typed, "--days=13"]
        case _:
            return typed


def assert_answered(typed: list[str], stdin: bytes = b"") -> None:
    ended = lightkeeper(*typed, stdin=stdin)
    event(f"{typed[0] if typed and typed[0] in OPTIONS else '?'}: {ended.status}")
    assert "Traceback" not in ended.out + ended.err
    match ended.status:
        case 0:
            # Times that nobody gave are answered with none, and a picture that was written with nothing.
            assert ended.out or typed[0] in {"keep", "status"}
        case 1:
            assert "lightkeeper: " in ended.err or "could not be read" in ended.out
        case 2:
            words = ("lightkeeper: ", "Error: ") if typed else ("Usage: ",)
            assert any(line.startswith(words) for line in (ended.out + ended.err).splitlines())
        case _:
            assert (ended.status, typed[0]) == (3, "status")


@pytest.fixture
def folder(keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with odd files, in front of an account in which whatever is due is not understood."""
    keeper.disk("shop", {"backup": "dialy"})
    for name, text in FILES.items():
        (tmp_path / name).write_bytes(text)
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.chdir(tmp_path)
    # It knows no stack, and answers so in words that are not CloudFormation's.
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", keeper.sandbox.url)
    return tmp_path


def test_whatever_is_typed_after_a_command_is_done_or_answered_in_words(keeper: Keeper, folder: Path) -> None:
    del folder

    @given(commands(), st.binary(max_size=20) | times.map(os.fsencode))
    @example(["status", "--html", "out.html", "--sort=-name"], b"")
    @example(["simulate", "--days=3", "--keep", "foo " * 2000], b"")
    @example(["keep", "7", "--zone", ".a" * 1000], b"")
    @example(["plan", "--stack", "Lightkeeper"], b"")
    @example(["take", "shop", "--config=good.json", "--hold", "2026-01-01"], b"")
    @example(["run", "--stack=Lightkeeper", "--config=good.json"], b"")
    def type_it(typed: list[str], stdin: bytes) -> None:
        assert_answered(typed, stdin)

    type_it()
    assert keeper.writes() == []


def test_whatever_is_typed_instead_of_a_command_is_answered_in_words(keeper: Keeper, folder: Path) -> None:
    del folder

    @given(st.lists(arguments, max_size=3).filter(lambda typed: not OPTIONS.keys() & typed))
    @example([])
    @example(["--help"])
    @example(["--version"])
    @example(["[bold]"])
    def type_it(typed: list[str]) -> None:
        assert_answered(typed)

    type_it()
    assert keeper.writes() == []


def test_whatever_stands_in_the_settings_is_used_or_answered_in_words(keeper: Keeper, folder: Path) -> None:
    contents = st.binary(max_size=40) | st.builds(
        lambda given, settings: json.dumps({**given, "lightkeeper": settings}).encode(),
        st.dictionaries(near(["app", "context"]), json_values, max_size=2),
        st.dictionaries(near(["grace", "regions", "timeZone", "tick"]), json_values, max_size=2) | json_values,
    )

    @given(contents, st.sampled_from([["keep", "7"], ["simulate", "--days=3"], ["plan"], ["run"], ["status"]]))
    def write_it(content: bytes, typed: list[str]) -> None:
        (folder / "cdk.json").write_bytes(content)
        assert_answered(typed, b"2026-06-15T03:00:00Z\n")

    write_it()
    assert keeper.writes() == []


@pytest.mark.parametrize("name", [*FILES, "folder", "loop"])
def test_an_odd_file_of_settings_is_answered_in_words(keeper: Keeper, folder: Path, name: str) -> None:
    ended = lightkeeper("plan", "--config", name)

    used = name in {"good.json", "often.json"}
    assert ended.status == (0 if used else 2)
    assert (ended.err == f"lightkeeper: using the settings in {name}\n") == used
    assert "Traceback" not in ended.err
    assert keeper.writes() == []
    assert folder.is_dir()
