"""What docs/architecture.md names is there, so that the first place to look is the right one."""

import re

import pytest

from lightkeeper.settings import Settings
from tests.support.code import ROOT, code_called

TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CODE = sorted(set(re.findall(r"`([^`]+)`", TEXT)))
# All that is neither a path nor a name in a module: words of the command line, of settings and of Python.
WORDS = {
    "lightkeeper plan",
    "lightkeeper run",
    "lightkeeper status",
    "make contracts",
    "make docs",
    "make dist",
    "match",
    "organization",
    "plan",
}
WORDS |= {
    "assert_never",
    "lightkeeper restore",
    "lightkeeper rescue",
    "--all",
    "--json",
    ".venv/bin/python -m tests.support.synth",
    *Settings().policies,
}
PATHS = [each for each in CODE if each not in WORDS and ("/" in each or each.endswith((".md", ".toml")))]
NAMES = [each for each in CODE if each not in WORDS and each not in PATHS]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_is_named_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_a_module_that_is_quoted_is_there(name: str) -> None:
    assert code_called(name)


def test_each_of_a_newcomer_s_questions_has_a_room() -> None:
    rows = TEXT.partition("\n## Where is …?\n")[2].partition("\n## ")[0].splitlines()
    answers = [row.split("|")[2] for row in rows if row.startswith("| …")]

    assert len(answers) == 41
    assert all(set(re.findall(r"`([^`]+)`", answer)) & {*PATHS, *NAMES} for answer in answers)


def test_a_name_that_no_module_has_is_missed() -> None:
    for name in ("plan.make_plans", "plans.make_plan", "model.Plan.nothing", "infra.alarms", "words"):
        with pytest.raises(LookupError):
            code_called(name)
