"""The settings: cdk.json, a file of them, the function's environment. Whatever stands there are settings or sentences.

Each sentence begins with the key that it is about.
"""

import json
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.rows import rows_of
from lightkeeper.settings import ENVIRONMENT_VARIABLE, RENAMED, Settings, SettingsError, StackSettings
from tests.support.words import any_text, anything_or, deep_values, json_values, near

POLICY = {"schedule": "0 3 * * *", "keep": "7", "timeZone": "Europe/Zurich", "mode": "instance"}
EXAMPLES: dict[str, object] = {row.key: row.example for row in rows_of(Settings).values()}
EVERYTHING = EXAMPLES | {"policies": {"own": POLICY}}
OF_THE_STACK = tuple(row.key for row in rows_of(StackSettings).values())
PATHS = [(key,) for key in EVERYTHING] + [("policies", "own"), *(("policies", "own", key) for key in POLICY)]
WORDS = [
    *EVERYTHING,
    *(value for value in EVERYTHING.values() if isinstance(value, str)),
    *POLICY.values(),
    *OF_THE_STACK,
    *RENAMED,
    "rate(5 minutes)",
    "rate(99999999999 days)",
    "cron(0 * * * ? *)",
    "9999y",
    "expire",
    "off",
    "aws:tag",
]
values = json_values | anything_or(WORDS) | st.integers(-1, 1001) | st.lists(anything_or(["eu-central-1", "a@b.ch"]))
documents = st.recursive(
    values,
    lambda inner: st.dictionaries(near([*EVERYTHING, *POLICY, "lightkeeper", "app", "context"]), inner, max_size=4),
    max_leaves=8,
)


def replaced(document: object, path: tuple[str, ...], name: str, value: object) -> dict[str, object]:
    """Return the document with what lies at the path under another name, or as another value."""
    assert isinstance(document, dict)
    first, *rest = path
    if rest:
        return {
            key: replaced(inner, tuple(rest), name, value) if key == first else inner for key, inner in document.items()
        }
    return {name if key == first else key: value if key == first else inner for key, inner in document.items()}


def refusals(read: Callable[[], Settings]) -> tuple[str, ...]:
    """Return the sentences with which something is refused; none if it is understood."""
    try:
        settings = read()
    except SettingsError as refused:
        assert refused.errors  # noqa: PT017 - both outcomes are right
        return refused.errors
    assert Settings.from_env(settings.to_env()) == settings
    assert Settings.from_file({"lightkeeper": settings.to_mapping()}) == settings
    return ()


def test_what_is_broken_below_is_right_to_begin_with() -> None:
    assert refusals(lambda: Settings.from_mapping(EVERYTHING)) == ()


@given(st.sampled_from(PATHS), values | deep_values)
def test_a_wrong_value_is_named_by_its_key_and_nothing_else_is(path: tuple[str, ...], value: object) -> None:
    errors = refusals(lambda: Settings.from_mapping(replaced(EVERYTHING, path, path[-1], value)))

    # Without its own policy, or on another clock, what else is written may not be right any more.
    assert all(error.startswith((".".join(path), "defaultPolicy: ")) for error in errors)


@given(st.sampled_from(PATHS), anything_or(WORDS))
def test_a_wrong_key_is_named(path: tuple[str, ...], name: str) -> None:
    document = replaced(EVERYTHING, path, name, "7")
    errors = refusals(lambda: Settings.from_mapping(document))

    if name not in (*path, *EVERYTHING, *POLICY, *OF_THE_STACK):
        assert errors or path == ("policies", "own")
        assert any(error.startswith(".".join((*path[:-1], name))) for error in errors)


@given(documents | deep_values)
def test_any_document_is_settings_or_sentences(document: object) -> None:
    in_the_file = refusals(lambda: Settings.from_file(document))

    if isinstance(document, dict) and not document.keys() & {"app", "context", "lightkeeper"}:
        assert in_the_file == refusals(lambda: Settings.from_mapping(document))
    assert all(": " in error or "expected" in error for error in in_the_file)


@given(
    documents.map(json.dumps)
    | anything_or(["{}", "[]", '{"grace": "1d"}', "NaN", "\ufeff{}"])
    | st.builds(lambda letter, times: letter * times, st.sampled_from(["[", '{"a":', "[1,"]), st.integers(1, 100_000))
    | st.builds(lambda depth: f'{{"grace":{"[" * depth}{"]" * depth}}}', st.integers(900, 1100))
)
def test_any_environment_is_settings_or_sentences(text: str) -> None:
    refusals(lambda: Settings.from_env({ENVIRONMENT_VARIABLE: text}))


@given(documents)
def test_a_file_and_the_environment_say_the_same_of_an_object(document: object) -> None:
    in_the_environment = refusals(lambda: Settings.from_env({ENVIRONMENT_VARIABLE: json.dumps(document)}))
    in_the_file = refusals(lambda: Settings.from_file({"lightkeeper": document}))

    if isinstance(document, dict):
        assert in_the_environment == in_the_file
    assert len(in_the_environment) == len(in_the_file)


@given(
    st.dictionaries(
        any_text.filter(lambda key: key not in (*EVERYTHING, *OF_THE_STACK)), json_values, min_size=1, max_size=3
    )
)
def test_each_of_several_unknown_keys_is_named(given: dict[str, object]) -> None:
    errors = refusals(lambda: Settings.from_mapping(given))

    assert [error.split(": unknown key; expected one of ")[0] for error in errors] == list(given)
