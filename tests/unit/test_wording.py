import pytest

from lightkeeper.wording import InvalidValueError, nearest, quoted


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
    assert nearest(written, ["daily", "weekly", "Off"]) == meant


def test_a_stricter_cutoff_finds_fewer_words() -> None:
    assert nearest("backup-it", ["backup"], cutoff=0.8) == "backup"
    assert nearest("backup-it", ["backup"], cutoff=0.9) is None


def test_words_are_quoted_for_a_sentence() -> None:
    assert quoted(["a", "b c"]) == '"a", "b c"'
    assert quoted([]) == ""
