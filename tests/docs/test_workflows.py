"""What the workflows run is what was read: actions are pinned by commit, and may only read."""

import re
from pathlib import Path

import pytest

GITHUB = Path(__file__).parents[2] / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
_PINNED = re.compile(r"uses: (?P<action>[\w./-]+)@(?P<commit>[0-9a-f]{40}) # (?P<release>v\d+\.\d+\.\d+)$")


def uses(path: Path) -> list[str]:
    return [
        line.strip().removeprefix("- ") for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line
    ]


def test_there_are_workflows() -> None:
    assert {path.stem for path in WORKFLOWS} >= {"check", "nightly"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_each_action_is_pinned_by_its_commit_with_its_release_beside_it(path: Path) -> None:
    assert uses(path)
    assert [line for line in uses(path) if not _PINNED.match(line)] == []


def test_an_action_has_one_commit_everywhere() -> None:
    pins = {_PINNED.sub(r"\g<action> \g<commit> \g<release>", line) for path in WORKFLOWS for line in uses(path)}

    actions = [pin.split()[0] for pin in pins]
    assert len(actions) == len(set(actions)), sorted(pins)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert re.findall(r"permissions:\n((?: +.*\n)+)", text) == ["  contents: read\n"]
    assert text.count("persist-credentials: false") == text.count("actions/checkout@")


def test_the_night_tries_newer_locks_chance_and_mutants() -> None:
    nightly = (GITHUB / "workflows" / "nightly.yml").read_text(encoding="utf-8")

    for step in ("make lock LOCK=--upgrade", "bash .ci/run", "make soak ", "make mutants"):
        assert f"- run: {step}" in nightly


def test_dependabot_looks_after_each_file_of_pins_once_a_week() -> None:
    text = (GITHUB / "dependabot.yml").read_text(encoding="utf-8")

    kinds = re.findall(r"package-ecosystem: (\S+)", text)
    assert sorted(kinds) == ["github-actions", "npm", "pip"]
    assert text.count("interval: weekly") == text.count('patterns: ["*"]') == len(kinds)
    (folders,) = re.findall(r"directories: \[(.*)\]", text)
    root = GITHUB.parent
    locks = {path.parent for path in (*root.glob("*requirements*.txt"), *root.glob("*/*requirements*.txt"))}
    assert {root / name.strip("/") for name in folders.split(", ")} == locks
