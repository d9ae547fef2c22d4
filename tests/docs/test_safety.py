"""What docs/safety.md says is what the code does, and can be shown again."""

import re

import botocore.session
import pytest

from tests.mutation.equivalents import EQUIVALENTS
from tests.mutation.rules import ROOT, RULES, Removal
from tests.support.code import code_of

SAFETY = (ROOT / "docs" / "safety.md").read_text(encoding="utf-8")
REMOVALS = [removal for rule in RULES for removal in rule.removals]


def test_there_are_thirteen_rules_and_each_is_kept_by_something() -> None:
    assert [rule.number for rule in RULES] == list(range(1, 14))
    assert all(rule.removals for rule in RULES)


@pytest.mark.parametrize("removal", REMOVALS, ids=lambda removal: f"{removal.code}: {removal.what}")
def test_the_code_that_keeps_a_rule_is_where_the_table_says(removal: Removal) -> None:
    path = ROOT / removal.path

    assert path.read_text(encoding="utf-8").count(removal.old) == 1
    assert removal.old.strip() in code_of(path, removal.name)
    assert removal.old != removal.new


def test_every_error_that_lightsail_declares_is_among_the_faults() -> None:
    model = botocore.session.get_session().get_service_model("lightsail").operation_model("CreateDiskSnapshot")
    faults = SAFETY.partition("\n## The faults\n")[2].partition("\n## ")[0]

    assert {shape.name for shape in model.error_shapes} <= set(re.findall(r"`(\w+Exception)`", faults))


@pytest.mark.parametrize("node", sorted(set(re.findall(r"`(\w+/test_\w+\.py::test_[^`]+)`", SAFETY))))
def test_a_test_that_is_named_exists(node: str) -> None:
    path, _, name = node.partition("::")

    assert code_of(ROOT / "tests" / path, name.partition("[")[0])


def test_a_mutant_that_no_test_can_kill_is_explained_in_one_sentence_by_the_function_it_is_in() -> None:
    for each in EQUIVALENTS:
        assert each.reason.endswith("."), each
        if each.function:
            module, _, name = each.function.partition(".")
            assert code_of(ROOT / "lambda_src" / "lightkeeper" / f"{module}.py", name)
