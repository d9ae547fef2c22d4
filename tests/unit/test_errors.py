import pytest

from lightkeeper.errors import InvalidValueError, as_json, closest, quote_all


def test_an_error_reads_as_one_sentence_that_ends_in_the_nearest_word() -> None:
    error = InvalidValueError('"dayly" is not a policy', "daily")

    assert str(error) == '"dayly" is not a policy; did you mean "daily"?'
    assert (error.message, error.suggestion) == ('"dayly" is not a policy', "daily")


def test_an_error_without_a_near_word_suggests_nothing() -> None:
    error = InvalidValueError("that is wrong")

    assert str(error) == "that is wrong"
    assert error.suggestion is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [("dayly", "daily"), ("DAILY", "daily"), ("off ", "Off"), ("weekly", "weekly"), ("fortnightly", None), ("", None)],
)
def test_the_nearest_word_is_found_whatever_its_case_and_none_is_forced(written: str, meant: str | None) -> None:
    assert closest(written, ["daily", "weekly", "Off"]) == meant


def test_a_stricter_cutoff_finds_fewer_words() -> None:
    assert closest("backup-it", ["backup"], cutoff=0.8) == "backup"
    assert closest("backup-it", ["backup"], cutoff=0.9) is None


def test_words_are_quoted_for_a_sentence() -> None:
    assert quote_all(["a", "b c"]) == '"a", "b c"'
    assert quote_all([]) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, None, "ü"]}, '{"a": [1, null, "\\u00fc"]}'),
        ("x" * 500, '"' + "x" * 196 + "..."),
        (["x"] * 500, '["x", ' + '"x", ' * 38 + '"...'),
    ],
)
def test_a_value_is_shown_as_json_and_no_longer_than_one_can_read(value: object, text: str) -> None:
    assert as_json(value) == text


def test_a_value_too_deep_to_be_written_is_shown_by_how_it_begins() -> None:
    deep: object = []
    for _ in range(5000):
        deep = [deep]

    assert as_json(deep) == "[..."
    assert as_json({"a": deep}) == "{..."
