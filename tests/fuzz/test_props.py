"""What `cdk` reads: whatever stands in cdk.json makes a stack, or sentences that name the key."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.props import Props
from lightkeeper.rows import rows_of
from lightkeeper.settings import LOG_RETENTIONS, Settings, SettingsError, StackSettings
from tests.support.words import any_text, anything_or, deep_values, json_values, near

pytestmark = pytest.mark.xdist_group("stack")

OWN = {row.key: row.example for row in rows_of(StackSettings).values()}
MAY_BE_NULL = ["runbookUrl", "organization"]
KNOWN = (*Settings().to_mapping(), *OWN)
TICKS = ["rate(1 minute)", "rate(5 minutes)", "rate(2 days)", "rate(9999 days)", "rate(0 hours)"]
TICKS += [f"cron({fields} *)" for fields in ("0 * * * ?", "0 8-17 ? * 2-6", "0/5 * ? * SUN", "* * 1 1 ?", "0 3 * * *")]
IDS = ["ou-ab12-cd34ef56", "r-ab12", "111122223333", "222233334444"]
values = json_values | deep_values | st.sampled_from([*LOG_RETENTIONS, 30.0, "30", 0, 1]) | anything_or(TICKS)


def read(document: object) -> Props | tuple[str, ...]:
    """Return the props, or the sentences with which they are refused; props have periods that CloudWatch can take."""
    try:
        props = Props.from_document(document)
    except SettingsError as refused:
        assert refused.errors  # noqa: PT017 - both outcomes are right
        return refused.errors
    assert 1 <= props.news_period.to_minutes() <= 60
    assert 60 <= props.error_period.to_minutes() <= 90
    assert props.news_period.to_days(integral=False) * props.rhythm.periods_without_a_run <= 7
    return props


@settings(max_examples=40)  # each asks Node for its periods
@given(st.sampled_from(sorted(OWN)), values)
def test_one_wrong_value_is_named_by_its_key_alone(key: str, value: object) -> None:
    match read({"app": "x", "lightkeeper": OWN | {key: value}}):
        case Props():
            assert type(value) is type(OWN[key]) or (value is None and key in MAY_BE_NULL)
        case errors:
            assert {re.split("[:.]", error)[0] for error in errors} == {key}


@settings(max_examples=40)
@given(st.sampled_from(["tick", "deployment"]), values | any_text)
def test_what_would_do_for_a_run_but_not_for_a_stack_is_named_too(key: str, value: object) -> None:
    match read({"lightkeeper": {key: value}}):
        case Props() as props:
            assert Settings.from_mapping({key: value}) == props.settings
        case errors:
            assert {error.partition(": ")[0] for error in errors} == {key}


ids = st.lists(anything_or(IDS) | json_values, max_size=3) | json_values | deep_values
organizations = st.fixed_dictionaries(
    {},
    optional={
        "units": ids,
        "accounts": ids,
        "except": ids,
        "roleName": near(["Backups", "a" * 55]) | json_values,
        "maxConcurrency": st.integers(-1, 1001) | json_values,
    },
)


@settings(max_examples=40)
@given(organizations | st.dictionaries(near(["units", "accounts", "except", "unit"]), ids))
def test_any_organization_is_understood_or_named_by_its_key_alone(organization: object) -> None:
    match read({"lightkeeper": {"organization": organization}}):
        case Props() as props:
            assert props.own.organization
            again = props.own.organization.to_mapping()
            assert Props.from_document({"lightkeeper": {"organization": again}}).own == props.own
        case errors:
            assert {re.split("[:.]", error)[0] for error in errors} == {"organization"}


@given(
    json_values
    | deep_values
    | st.dictionaries(near(["app", "lightkeeper"]), values | st.dictionaries(near(KNOWN), values))
)
def test_any_document_is_props_or_sentences(document: object) -> None:
    read(document)
