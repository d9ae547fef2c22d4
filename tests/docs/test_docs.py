"""What README and docs say is what the code does."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lightkeeper.digest import RUNBOOK, Kind
from lightkeeper.model import Status
from lightkeeper.report import (
    ActionDocument,
    Document,
    FailureDocument,
    KeptDocument,
    PolicyDocument,
    ProblemDocument,
    SourceDocument,
)
from lightkeeper.retention import parse_keep
from lightkeeper.settings import Settings
from lightkeeper.tags import vocabulary

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND_LINE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def first_cells(text: str, heading: str) -> list[list[str]]:
    """Return the words set as code in the first cells of the table with that heading, row by row."""
    rows = text.partition(f"\n| {heading} |")[2].splitlines()[2:]
    table = rows[: next((number for number, row in enumerate(rows) if not row.startswith("|")), len(rows))]
    return [re.findall(r"`([^`]+)`", row.split("|")[1]) for row in table]


@pytest.mark.parametrize("example", blocks(COMMAND_LINE, "console"))
def test_an_example_of_a_command_prints_what_is_shown(example: str, tmp_path: Path) -> None:
    first, _, shown = example.partition("\n")
    command = first.removeprefix("$ ")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    ended = subprocess.run(command, shell=True, cwd=tmp_path, env={"PATH": path}, capture_output=True, check=True)  # noqa: S602 - our own document

    assert ended.stdout.decode() == shown


def test_the_documented_json_has_the_keys_of_the_document() -> None:
    (block,) = blocks(COMMAND_LINE, "json")
    document: dict[str, Any] = json.loads(block)

    assert set(document) == set(Document.__annotations__)
    for key, shape in {
        "sources": SourceDocument,
        "actions": ActionDocument,
        "kept": KeptDocument,
        "problems": ProblemDocument,
        "failures": FailureDocument,
    }.items():
        assert set(document[key][0]) == set(shape.__annotations__), key
    assert set(document["sources"][0]["policy"]) == set(PolicyDocument.__annotations__)


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


def test_every_kind_of_matter_is_in_the_runbook_with_its_section() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    rows = re.findall(r'^\| `([^`]+)` \| [^|]+ \| "([^"]+)" \|$', runbook, re.MULTILINE)

    assert dict(rows) == {kind.value: section for kind, section in RUNBOOK.items()}
    assert set(RUNBOOK) == set(Kind)
    assert all(f"\n## {section}\n" in runbook for section in RUNBOOK.values())
