"""What docs/configuration.md says is what cdk.json and tags may say."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.props import Props
from lightkeeper.keep_rules import parse_keep
from lightkeeper.kinds import SourceKind
from lightkeeper.model import Copies, Policy, Source
from lightkeeper.rows import rows_of
from lightkeeper.settings import Settings, StackSettings
from lightkeeper.tags import read_source, vocabulary

pytestmark = pytest.mark.xdist_group("stack")
DOCS = Path(__file__).parents[2] / "docs"
CONFIGURATION = (DOCS / "configuration.md").read_text(encoding="utf-8")


def table(heading: str, text: str = CONFIGURATION) -> list[list[str]]:
    """Return the rows of the table with that first heading, cell by cell."""
    rows = text.partition(f"\n| {heading} |")[2].splitlines()[2:]
    shown = rows[: next((number for number, row in enumerate(rows) if not row.startswith("|")), len(rows))]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in shown]


ROWS = {row.key: row for kind in (Settings, StackSettings) for row in rows_of(kind).values()}
DEFAULTS = Props.from_document({})


@pytest.mark.parametrize("key", ROWS)
def test_the_default_of_a_key_is_what_a_missing_key_means(key: str) -> None:
    assert Props.from_document({"lightkeeper": {key: ROWS[key].default}}) == DEFAULTS


@pytest.mark.parametrize("key", ROWS)
def test_the_example_of_a_key_is_understood_and_changes_something(key: str) -> None:
    assert Props.from_document({"lightkeeper": {key: ROWS[key].example}}) != DEFAULTS


@pytest.mark.parametrize("example", re.findall(r"```json\n(.*?)```", CONFIGURATION, re.DOTALL))
def test_an_example_of_cdk_json_is_understood(example: str) -> None:
    assert Props.from_document({"lightkeeper": json.loads(example)}) != DEFAULTS


def test_the_file_of_a_customer_is_understood() -> None:
    (example,) = re.findall(r"<<'EOF'\n(.*?)EOF\n", CONFIGURATION, re.DOTALL)

    assert Props.from_document(json.loads(example)).stack_name == "Lightkeeper-Shop"


def test_the_example_of_the_security_document_is_understood() -> None:
    blocks = re.findall(r"```json\n(.*?)```", (DOCS / "security.md").read_text(encoding="utf-8"), re.DOTALL)
    (example,) = (block for block in blocks if "Statement" not in block)

    assert not Props.from_document({"lightkeeper": json.loads(example)}).own.tag_on_create


def test_every_tag_is_there_with_an_example_that_is_understood() -> None:
    tags = {cells[0].strip("` "): cells[-1].strip("`| ") for cells in table("tag")}
    source = Source(SourceKind.INSTANCE, "web", "arn", "eu-central-1", datetime(2026, 1, 1, tzinfo=UTC), tags)
    settings = Settings.from_mapping({"copies": ROWS["copies"].example})

    reading = read_source(source, settings)

    assert tuple(tags) == vocabulary(settings)
    assert reading.problems == ()
    assert isinstance(reading.policy, Policy)
    assert reading.policy.copies == Copies(("eu-north-1",), parse_keep("daily=7 monthly=12"))


def test_the_keep_rules_of_the_text_are_understood() -> None:
    paragraph = CONFIGURATION.partition("\n`keep` is made of")[2].partition("\n[")[0]
    rules = list(re.findall(r"`([^`]+)`", paragraph))

    assert len(rules) > 9
    assert all(parse_keep(rule) for rule in rules)
