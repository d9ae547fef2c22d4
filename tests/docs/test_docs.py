"""What README and docs say is what the code does."""

import json
import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from lightkeeper.actions import Outcome, Result
from lightkeeper.finding import RUNBOOK, FindingKind
from lightkeeper.fleet import AccountState
from lightkeeper.keep_rules import parse_keep
from lightkeeper.model import Inventory, ReadFailure, Status
from lightkeeper.plan import make_plan
from lightkeeper.pricing import CHANGE_PER_DAY, USD_PER_GB_MONTH
from lightkeeper.report import plan_document, run_document
from lightkeeper.run import Run
from lightkeeper.settings import RENAMED, Settings
from lightkeeper.tags import vocabulary
from lightkeeper.version import VERSION
from lightkeeper_cli.account import Account, Where
from lightkeeper_cli.documents import fleet_document, located, snapshots_document
from lightkeeper_cli.fates import fates_of
from lightkeeper_cli.main import app
from lightkeeper_cli.tables.status import SIGNS
from lightsail_sandbox.client import Sandbox
from recovery_calendar.fleet_view import FleetKey, make_fleet_view
from recovery_calendar.request import FLEET_DOCUMENTATION, MAX_PAGE_SIZE, read_event
from recovery_calendar.view import SortKey
from tests.support.asking import make_client
from tests.support.fleet_rows import a_fleet, a_row
from tests.support.inventories import NOW, daily, source

WHERE = Where(Account("123456789012", "my-shop"), ("eu-central-1",))
ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CALENDAR = (ROOT / "docs" / "calendar.md").read_text(encoding="utf-8")
COMMAND_LINE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def first_cells(text: str, heading: str) -> list[list[str]]:
    """Return the words set as code in the first cells of the table with that heading, row by row."""
    rows = text.partition(f"\n| {heading} |")[2].splitlines()[2:]
    table = rows[: next((number for number, row in enumerate(rows) if not row.startswith("|")), len(rows))]
    return [re.findall(r"`([^`]+)`", row.split("|")[1]) for row in table]


def test_make_docs_would_change_nothing() -> None:
    files = [str(path.relative_to(ROOT)) for path in (*(ROOT / "docs").glob("*.md"), ROOT / "README.md")]
    cog = [sys.executable, "-m", "cogapp", "-I", ".", "--check"]

    checked = subprocess.run([*cog, *files], cwd=ROOT, check=False, capture_output=True, text=True)  # noqa: S603 - our own files

    assert checked.returncode == 0, f"run `make docs`: {checked.stdout}{checked.stderr}"


@pytest.mark.parametrize("example", blocks(COMMAND_LINE, "console"))
def test_an_example_of_a_command_prints_what_is_shown(example: str, tmp_path: Path) -> None:
    first, _, shown = example.partition("\n")
    command = first.removeprefix("$ ")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    ended = subprocess.run(command, shell=True, cwd=tmp_path, env={"PATH": path}, capture_output=True, check=True)  # noqa: S602 - our own document

    assert ended.stdout.decode() == shown


def keys(value: object) -> object:
    """Return the keys of a document, and of what is in it; lists are lists of one kind of thing."""
    match value:
        case dict():
            return {key: keys(each) for key, each in value.items()}
        case [first, *_]:
            return [keys(first)]
        case _:
            return None


def test_the_documented_json_has_the_keys_of_the_document() -> None:
    documented: dict[str, Any] = next(each for each in map(json.loads, blocks(COMMAND_LINE, "json")) if "kept" in each)
    shop, typo = source("shop", backup="daily"), source("typo", backup="dialy")
    failure = ReadFailure("us-east-1", "GetDisks", "GetDisks: AccessDeniedException")
    plan = make_plan(Inventory((shop, typo), daily(shop, [30]), failures=(failure,)), Settings(), NOW)
    run = Run(plan, tuple(Outcome(action, Result.DONE) for action in plan.actions))

    assert keys(located(run_document(run), WHERE)) == keys(documented)
    for ended in ("outcome", "error"):
        del documented["actions"][0][ended]
    assert keys(located(plan_document(plan), WHERE)) == keys(documented)


def test_the_documented_json_of_snapshots_has_the_keys_of_the_document() -> None:
    documented = next(each for each in map(json.loads, blocks(COMMAND_LINE, "json")) if "snapshots" in each)
    shop = source("shop", backup="daily")
    failure = ReadFailure("us-east-1", "GetDisks", "GetDisks: AccessDeniedException")
    plan = make_plan(Inventory((shop,), daily(shop, [0]), failures=(failure,)), Settings(), NOW)

    assert keys(located(snapshots_document(fates_of(plan), plan), WHERE)) == keys(documented)


def test_the_documented_json_of_a_fleet_has_the_keys_of_the_document() -> None:
    documented = next(each for each in map(json.loads, blocks(COMMAND_LINE, "json")) if "accounts" in each)
    states = (AccountState.TROUBLE, AccountState.PROTECTED, AccountState.PROTECTED)
    rows = [a_row(f"{at:012d}", "Shop", state) for at, state in enumerate(states)]
    fleet = a_fleet(*rows, a_row("444444444444", "Farm", AccountState.NOT_ONBOARDED, was_seen=False))

    document = fleet_document(fleet, make_fleet_view(fleet, Settings(), NOW))

    assert keys(document) == keys(documented)
    for key in ("health", "sentence", "silence", "counts", "sources", "storedGiB", "usdPerMonth"):
        assert document[key] == documented[key]


def test_every_state_of_an_account_is_documented() -> None:
    assert [cell[0] for cell in first_cells(COMMAND_LINE, "state")] == [*AccountState]


def test_every_verb_that_works_in_another_account_is_documented() -> None:
    commands = get_command(app)
    assert isinstance(commands, TyperGroup)
    verbs = {name for name, each in commands.commands.items() if any("--account" in of.opts for of in each.params)}

    section = COMMAND_LINE.partition("## Another account\n")[2].partition("take it.")[0]
    assert verbs == {*re.findall(r"`([a-z]+)`", section)}


@pytest.mark.parametrize("path", ["README.md", "docs/cost.md", "docs/command-line.md"])
def test_the_price_of_a_snapshot_is_the_one_that_is_reckoned_with(path: str) -> None:
    text = " ".join((ROOT / path).read_text(encoding="utf-8").split())

    assert set(re.findall(r"([0-9.]+) USD for a GB and month", text)) == {str(USD_PER_GB_MONTH)}


def test_every_status_is_documented() -> None:
    assert {word for cell in first_cells(COMMAND_LINE, "status") for word in cell} == set(Status)


def test_the_tag_table_is_the_vocabulary() -> None:
    assert [cell[0] for cell in first_cells(README, "tag")] == list(vocabulary(Settings()))


def test_the_keep_rules_of_the_tag_table_are_understood() -> None:
    row = next(line for line in README.splitlines() if line.startswith("| `backup:keep`"))
    rules = re.findall(r"`([^`]+)`", row.split("|")[2])

    assert [str(parse_keep(rule)) for rule in rules] == [
        "last=7",
        "within=30d",
        "daily=7 weekly=4 monthly=12",
        "last=all",
    ]


def test_the_policy_table_is_the_built_in_policies() -> None:
    rows = {cell[0] for cell in first_cells(README, "policy")}
    shown = re.findall(r"^\| `(\w+)` \| [^|]+ \| `([^`]+)` \|$", README, re.MULTILINE)

    policies = Settings().policies
    assert rows == set(policies)
    assert dict(shown) == {name: str(policy.keep) for name, policy in policies.items()}


def test_every_make_target_that_is_named_exists() -> None:
    named = set(re.findall(r"make ([a-z]+)", " ".join(re.findall(r"`make [a-z]+`|^make [a-z]+", README, re.MULTILINE))))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    assert {"demo", "test", "check", "sandbox"} <= named <= targets


def test_the_parameters_of_the_calendar_are_those_of_the_widget() -> None:
    rows = CALENDAR.partition("\n| parameter |")[2].splitlines()[2:]
    shown = {row.split("|")[1].strip(" `"): row.split("|")[2].strip(" `") for row in rows if row.startswith("| `")}

    request = read_event({})
    assert shown == {
        "view": request.kind.value,
        "sort": str(request.of.order),
        "page": str(request.page),
        "pageSize": str(request.page_size),
        "time": "now",
    }
    assert f"up to {MAX_PAGE_SIZE} " in CALENDAR
    assert all(f"`{key}`" in CALENDAR for key in SortKey)
    (sort,) = (row for row in COMMAND_LINE.splitlines() if row.startswith("| `--sort ORDER` |"))
    assert re.findall(r"\w+", sort.split("|")[2].partition(";")[0].replace(" or ", ", ")) == list(SortKey)


def test_the_parameters_of_the_calendar_of_many_accounts_are_those_of_the_widget() -> None:
    rows = CALENDAR.partition("\n| parameter there |")[2].partition("\n\n")[0].splitlines()[2:]
    shown = {row.split("|")[1].strip(" `"): row.split("|")[2].strip(" `") for row in rows}

    request = read_event({}, has_accounts=True)
    assert shown == {
        "view": request.kind.value,
        "account": "none",
        "sort": str(request.of.order),
        "page": str(request.page),
        "pageSize": str(request.page_size),
        "time": "now",
        "back": "none",
    }
    assert re.findall(r"^\| `(\w+)` \|", FLEET_DOCUMENTATION, re.MULTILINE) == [*shown]
    (sort,) = (row for row in rows if row.startswith("| `sort` |"))
    assert re.findall(r"`(\w+)`", sort.split("|")[3]) == list(FleetKey)


def test_the_signs_of_the_calendar_are_those_of_the_terminal() -> None:
    rows = CALENDAR.partition("\n| sign |")[2].partition("\n\n")[0].splitlines()[2:]

    assert {row.split("|")[2].strip(" `") for row in rows} == {sign for sign, _ in SIGNS}


def test_the_price_and_the_change_of_the_calendar_are_those_it_reckons_with() -> None:
    assert f"{CHANGE_PER_DAY:.0%} a day, at {USD_PER_GB_MONTH} USD".replace("%", " %") in CALENDAR


def test_every_kind_of_finding_is_in_the_runbook_with_its_section() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    rows = re.findall(r'^\| `([^`]+)` \| [^|]+ \| "([^"]+)" \|$', runbook, re.MULTILINE)

    assert dict(rows) == {kind.value: section for kind, section in RUNBOOK.items()}
    assert set(RUNBOOK) == set(FindingKind)
    assert all(f"\n## {section}\n" in runbook for section in RUNBOOK.values())


def test_the_pictures_are_there_and_said_in_words() -> None:
    shown = re.findall(r'(?:srcset|src)="([^"]+)"', README) + re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    shown += [f"docs/{path}" for path in re.findall(r'(?:srcset|src)="([^"]+)"', CALENDAR)]

    assert set(shown) == {f"docs/pictures/{path.name}" for path in (ROOT / "docs" / "pictures").iterdir()}
    for text in (README, CALENDAR):
        assert text.count("<img ") == text.count(' alt="')


def test_the_folders_of_the_readme_are_those_there_are() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    named = [cell[0] for cell in first_cells(README, "folder")]

    assert {path.partition("/")[0] for path in named} == {"docs", "lambda_src", *packages}
    assert all((ROOT / path).is_dir() for path in named)


def test_each_word_of_the_glossary_stands_once_and_in_order() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = re.findall(r"^\| ([a-z ]+) \| ", glossary.partition("|---|")[2], re.MULTILINE)

    assert len(words) > 20
    assert words == sorted(set(words))


def test_the_newest_release_of_the_changelog_is_this_release_and_each_key_that_was_renamed_is_in_one() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = next(entry for entry in changelog.split("\n## ")[1:] if not entry.startswith("[Unreleased]\n"))

    assert newest.startswith(f"[{VERSION}] - ")
    assert all(f"`{old}` | `{new}` |" in changelog for old, new in RENAMED.items())


def test_what_the_readme_says_of_a_first_tag_and_of_the_local_lightsail_can_be_pasted(sandbox: Sandbox) -> None:
    first, play = (
        next(block for block in blocks(README, "sh") if word in block) for word in ("aws lightsail tag", "export AWS")
    )
    command = f"{play}{first}".replace("http://127.0.0.1:5055", sandbox.url)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    subprocess.run(  # noqa: S603 - our own document
        ["/bin/bash", "-euo", "pipefail", "-c", command.replace(".venv/bin/", "")],
        cwd=ROOT,
        env={"PATH": path},
        check=True,
        capture_output=True,
    )

    with closing(make_client(sandbox, "eu-central-1")) as lightsail:
        (snapshot,) = lightsail.get_disk_snapshots()["diskSnapshots"]
        (server,) = lightsail.get_instance_snapshots()["instanceSnapshots"]
    assert snapshot["fromDiskName"] == "my-disk", "taken by the first run, and not again by the second"
    assert f"restore {server['fromInstanceName']} " in README, "what comes back in the next section is there"


def test_the_simulation_of_the_readme_can_be_pasted(tmp_path: Path) -> None:
    (command,) = (block for block in blocks(README, "sh") if "simulate" in block)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    subprocess.run(command.replace(".venv/bin/", ""), shell=True, cwd=tmp_path, env={"PATH": path}, check=True)  # noqa: S602 - our own document

    assert (tmp_path / "simulation.png").read_bytes().startswith(b"\x89PNG")
