"""`make deploy CONFIG=FILE`: the settings of a deployment are in a file of its own."""

import json
import os
import pty
import runpy
import shutil
import subprocess
from functools import partial
from pathlib import Path

import aws_cdk
import pytest

from infra import distribution, protection
from infra.config_file import ConfigFileError, read_config_file
from infra.props import Props

pytestmark = pytest.mark.xdist_group("stack")
ROOT = Path(__file__).parents[2]
SHOP = {"deployment": "Shop-Backups", "timeZone": "Europe/Zurich"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a checkout whose cdk.json has a wrong setting."""
    shutil.copy(ROOT / "app.py", tmp_path)
    (tmp_path / "cdk.json").write_text('{"lightkeeper": {"grace": "soon"}}', encoding="utf-8")
    (tmp_path / "customers").mkdir()
    (tmp_path / "customers" / "shop.json").write_text(json.dumps(SHOP), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def synth(folder: Path, monkeypatch: pytest.MonkeyPatch, config: object) -> list[str]:
    """Synthesize with what the CDK hands over; return the names of the stacks."""
    context = {"config": config, "aws:cdk:bundling-stacks": []}
    # The CDK hands it over in the environment, which its libraries have read long since.
    monkeypatch.setattr(aws_cdk, "App", partial(aws_cdk.App, context=context, outdir=str(folder / "cdk.out")))
    runpy.run_path(str(folder / "app.py"), run_name="__main__")
    return sorted(path.name.removesuffix(".template.json") for path in (folder / "cdk.out").glob("*.template.json"))


def test_the_file_is_the_only_stack_and_cdk_json_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert synth(folder, monkeypatch, "customers/shop.json") == ["Shop-Backups"]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (None, ["customers/blog.json: No such file or directory; expected a readable file of settings"]),
        ("{", ["customers/blog.json: not JSON "]),
        ('{"grace": "soon", "tagKy": "save"}', ["customers/blog.json: tagKy: ", 'customers/blog.json: grace: "soon" ']),
        ('{"tick": "rate(3 days)"}', ["customers/blog.json: tick: "] * 2),
        ('{"context": {"lightkeeper": {}}}', ['customers/blog.json: lightkeeper: found under "context"']),
    ],
)
def test_a_wrong_file_ends_it_with_sentences_that_name_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, sentences: list[str]
) -> None:
    if text is not None:
        (folder / "customers" / "blog.json").write_text(text, encoding="utf-8")

    with pytest.raises(SystemExit) as ended:
        synth(folder, monkeypatch, "customers/blog.json")

    told = str(ended.value.code).splitlines()
    assert [line[: len(words)] for line, words in zip(told, sentences, strict=True)] == sentences


def test_a_folder_or_no_text_is_no_file() -> None:
    for config, sentence in (("customers", "customers: Is a directory; "), (7, "config: 7 is not text; ")):
        with pytest.raises(ConfigFileError) as refused:
            read_config_file(config, Props.from_document)
        assert str(refused.value).startswith(sentence)


def test_the_protection_is_that_of_the_file_s_stack_and_only_one_for_many_accounts_leaves_something_behind(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switched: list[tuple[str, str]] = []
    (folder / "customers" / "all.json").write_text(
        json.dumps({"lightkeeper": {"deployment": "All", "organization": {"accounts": ["111122223333"]}}}),
        encoding="utf-8",
    )

    def cleared(stack: str) -> str:
        switched.append(("clear up", stack))
        return ""

    monkeypatch.setattr(protection, "switch", lambda state, stack: switched.append((state, stack)))
    monkeypatch.setattr(protection, "clear_up", cleared)

    protection.main("off", "customers/shop.json")
    protection.main("on")
    protection.main("off", "customers/all.json")
    protection.main("on", "customers/all.json")

    assert switched == [
        ("off", "Shop-Backups"),
        ("on", "Lightkeeper"),
        ("off", "All"),
        ("on", "All"),
        ("clear up", "All"),
    ]


def test_where_the_file_is_wrong_no_protection_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protection, "switch", lambda *_: pytest.fail("it was touched"))

    with pytest.raises(SystemExit) as ended:
        protection.main("off", "customers/blog.json")

    assert str(ended.value.code).startswith("customers/blog.json: No such file or directory; ")


def test_a_plain_template_for_many_accounts_is_refused_before_anything_is_built(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization = {"accounts": ["111122223333"]}
    (folder / "customers" / "shop.json").write_text(json.dumps(SHOP | {"organization": organization}), encoding="utf-8")
    monkeypatch.setattr(distribution, "write_distribution", lambda *_: pytest.fail("it was built"))

    with pytest.raises(SystemExit) as ended:
        distribution.main("customers/shop.json")

    assert str(ended.value.code) == (
        "customers/shop.json: organization: a plain template looks after one account, its own; expected null, or a "
        "deployment from a checkout, see docs/organisation.md"
    )


# What make does with it


def made(
    folder: Path, *arguments: str, preview_ends_with: int = 0, at_a_terminal: bool = True, **environment: str
) -> tuple[list[str], int, str]:
    """Run make with programs that only write down how they were called; return that, how it ended, and its errors."""
    calls = folder / "calls"
    programs = {
        "lightkeeper": f'echo "lightkeeper $*" >> {calls}; exit {preview_ends_with}',
        "python": f'echo "python $*" >> {calls}',
        "cdk": f'echo "cdk $*" >> {calls}',
    }
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    ready = ["--assume-old=.venv/ready", "--assume-old=node_modules/ready"]
    terminal, end = pty.openpty()
    done = subprocess.run(  # noqa: S603 - our own arguments
        ["make", "--silent", *ready, f"BIN={folder}", f"CDK={folder / 'cdk'}", *arguments],  # noqa: S607 - whichever there is
        cwd=ROOT,
        env=os.environ | environment,
        check=False,
        stdin=end if at_a_terminal else subprocess.DEVNULL,
        stdout=end,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(terminal)
    os.close(end)
    said = calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []
    return said, done.returncode, done.stderr


CONFIG = "CONFIG=customers/shop.json"
OPTIONS = "--context config=customers/shop.json --output cdk.out/customers-shop"


def test_a_deployment_is_previewed_and_asks_at_any_change(folder: Path) -> None:
    assert made(folder, "deploy", CONFIG)[0][:2] == [
        "lightkeeper preview --config customers/shop.json",
        f"cdk deploy --require-approval any-change {OPTIONS}",
    ]


def test_a_file_without_its_variable_is_no_target_beside_which_cdk_json_is_deployed(folder: Path) -> None:
    calls, ended, said = made(folder, "deploy", "customers/shop.json", "YES=1")

    assert (calls, ended) == ([], 2)
    assert "expected CONFIG=customers/shop.json" in said


def test_after_a_deployment_it_says_who_hears(folder: Path) -> None:
    *_, last = made(folder, "deploy", CONFIG)[0]

    assert last == "python -m infra.listeners --config customers/shop.json"
    assert made(folder, "deploy")[0][-1] == "python -m infra.listeners"


def test_without_a_file_it_is_cdk_json_s(folder: Path) -> None:
    calls, *_ = made(folder, "deploy", CONFIG="elsewhere.json", YES="1")

    assert calls[:2] == ["lightkeeper preview", "cdk deploy --require-approval any-change"], (
        "the environment is no answer"
    )


def test_who_has_said_yes_is_shown_the_same_and_not_asked(folder: Path) -> None:
    assert made(folder, "deploy", CONFIG, "YES=1")[0][:2] == [
        "lightkeeper preview --config customers/shop.json",
        f"cdk deploy --require-approval never {OPTIONS}",
    ]


def test_where_nobody_can_be_asked_it_ends_before_the_cdk_begins_and_says_so(folder: Path) -> None:
    calls, ended, said = made(folder, "deploy", CONFIG, at_a_terminal=False)

    assert calls == ["lightkeeper preview --config customers/shop.json"]
    assert ended != 0
    assert said.startswith("Not deployed: nobody can be asked, ")
    assert made(folder, "deploy", CONFIG, "YES=1", at_a_terminal=False)[0][-2].startswith("cdk deploy ")


@pytest.mark.parametrize(("preview", "goes_on"), [(1, True), (2, False), (130, False)])
def test_wrong_settings_stop_it_but_not_that_there_is_no_preview(folder: Path, preview: int, *, goes_on: bool) -> None:
    calls, ended, _ = made(folder, "deploy", CONFIG, preview_ends_with=preview)

    assert any(call.startswith("cdk deploy") for call in calls) is goes_on
    assert (ended == 0) is goes_on


@pytest.mark.parametrize("target", ["diff", "drift", "bootstrap"])
def test_what_else_looks_at_the_stack_takes_the_file_too(folder: Path, target: str) -> None:
    (call,), *_ = made(folder, target, CONFIG)

    assert call.startswith(f"cdk {target}")
    assert call.endswith(OPTIONS)


def test_what_is_destroyed_is_the_file_s_stack(folder: Path) -> None:
    calls, *_ = made(folder, "destroy", CONFIG, "YES=1")

    assert calls == [
        "python -m infra.protection off customers/shop.json",
        f"cdk destroy --force {OPTIONS}",
        "python -m infra.protection on customers/shop.json",
    ]


@pytest.mark.parametrize("name", ["my shop", "o'neil & sons", 'say "hi"; true', "süß,sauer"])
def test_a_file_may_be_called_as_the_customer_is(folder: Path, name: str) -> None:
    file = f"customers/{name}.json"
    written = f"--context config={file} --output cdk.out/customers-{name}"

    assert made(folder, "deploy", f"CONFIG={file}")[0] == [
        f"lightkeeper preview --config {file}",
        f"cdk deploy --require-approval any-change {written}",
        f"python -m infra.listeners --config {file}",
    ]
    (folder / "calls").unlink()
    assert made(folder, "destroy", f"CONFIG={file}")[0] == [
        f"python -m infra.protection off {file}",
        f"cdk destroy {written}",
        f"python -m infra.protection on {file}",
    ]
    (folder / "calls").unlink()
    assert made(folder, "dist", f"CONFIG={file}")[0] == [f"python -m infra.distribution {file}"]
