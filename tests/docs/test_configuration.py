"""What docs/configuration.md says is what cdk.json and tags may say."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.props import LOG_RETENTION, Props
from lightkeeper.keep_rules import parse_keep
from lightkeeper.kinds import SourceKind
from lightkeeper.model import Source
from lightkeeper.settings import Settings
from lightkeeper.tags import read_source, vocabulary

pytestmark = pytest.mark.xdist_group("stack")
DOCS = Path(__file__).parents[2] / "docs"
CONFIGURATION = (DOCS / "configuration.md").read_text(encoding="utf-8")


def table(heading: str, text: str = CONFIGURATION) -> list[list[str]]:
    """Return the rows of the table with that first heading, cell by cell."""
    rows = text.partition(f"\n| {heading} |")[2].splitlines()[2:]
    shown = rows[: next((number for number, row in enumerate(rows) if not row.startswith("|")), len(rows))]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in shown]


KEYS = {cells[0].strip("` "): cells for cells in table("key")}


def test_every_key_is_there() -> None:
    with pytest.raises(ValueError, match="unknown key") as raised:
        Props.from_document({"lightkeeper": {"?": 0}})

    assert set(KEYS) == set(re.findall(r'"(\w+)"', str(raised.value).partition("expected one of")[2]))


@pytest.mark.parametrize("key", [key for key in KEYS if key != "policies"])
def test_a_default_is_the_default(key: str) -> None:
    shown = json.loads(KEYS[key][1].strip("`"))

    assert Props.from_document({"lightkeeper": {key: shown}}) == Props(Settings())


@pytest.mark.parametrize("key", KEYS)
def test_the_example_of_a_key_is_understood_and_changes_something(key: str) -> None:
    example = json.loads(KEYS[key][-1].strip("`| "))

    assert Props.from_document({"lightkeeper": {key: example}}) != Props(Settings())


@pytest.mark.parametrize("example", re.findall(r"```json\n(.*?)```", CONFIGURATION, re.DOTALL))
def test_an_example_of_cdk_json_is_understood(example: str) -> None:
    assert Props.from_document({"lightkeeper": json.loads(example)}) != Props(Settings())


def test_the_example_of_the_security_document_is_understood() -> None:
    _, example = re.findall(r"```json\n(.*?)```", (DOCS / "security.md").read_text(encoding="utf-8"), re.DOTALL)

    assert not Props.from_document({"lightkeeper": json.loads(example)}).tag_on_create


def test_the_retentions_are_those_that_are_understood() -> None:
    assert KEYS["logRetentionDays"][2] == ", ".join(map(str, LOG_RETENTION))


def test_every_tag_is_there_with_an_example_that_is_understood() -> None:
    tags = {cells[0].strip("` "): cells[-1].strip("`| ") for cells in table("tag")}
    source = Source(SourceKind.INSTANCE, "web", "arn", "eu-central-1", datetime(2026, 1, 1, tzinfo=UTC), tags)

    assert tuple(tags) == vocabulary(Settings())
    assert read_source(source, Settings()).problems == ()


def test_the_built_in_policies_are_as_shown() -> None:
    shown = {name.strip("`"): (schedule.strip("`"), keep.strip("` |")) for name, schedule, keep in table("policy")}

    assert shown == {name: (policy.schedule.cron, str(policy.keep)) for name, policy in Settings().policies.items()}


def test_the_keep_rules_of_the_text_are_understood() -> None:
    paragraph = CONFIGURATION.partition("\n`keep` is made of")[2].partition("\n[")[0]
    rules = list(re.findall(r"`([^`]+)`", paragraph))

    assert len(rules) > 9
    assert all(parse_keep(rule) for rule in rules)


def test_the_limits_of_numbers_hold() -> None:
    for key, least, most in (("maxConcurrency", 1, 32), ("maxDeletesPerSource", 1, 1000)):
        assert KEYS[key][2] == f"{least} to {most}"
        for good in (least, most):
            Props.from_document({"lightkeeper": {key: good}})
        for bad in (least - 1, most + 1):
            with pytest.raises(ValueError, match=key):
                Props.from_document({"lightkeeper": {key: bad}})
