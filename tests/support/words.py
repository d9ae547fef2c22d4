"""What people and programs may hand to Lightkeeper: anything, and nearly the right thing."""

import string
from collections.abc import Iterable
from typing import Final

from hypothesis import strategies as st

# Lone surrogates included: JSON and the command line both let them through.
any_text: Final = st.text(st.characters(), max_size=20)
huge_text: Final = st.builds(lambda part, times: part * times, st.text(min_size=1, max_size=3), st.integers(500, 5000))
numbers_as_text: Final = st.sampled_from(
    ["0", "-1", "1", "007", "999999", "1000000", "9" * 20, "9" * 5000, "1e9", "٣", "²", "½", "0x10", "1_000", "+5"]
)
"""Numbers as nobody should write them; more digits than Python itself would read among them."""


@st.composite
def _spoilt(draw: st.DrawFn, words: st.SearchStrategy[str]) -> str:
    word = draw(words)
    at = draw(st.integers(0, len(word)))
    return draw(
        st.sampled_from(
            [
                word[:at] + draw(any_text) + word[at:],
                word[:at] + word[at + 1 :],
                word[:at] + draw(st.sampled_from(string.printable)) + word[at + 1 :],
                word.swapcase(),
                word.upper(),
                f"{word} ",
                f"\t{word}\n",
                word * 40,
            ]
        )
    )


def near(words: Iterable[str]) -> st.SearchStrategy[str]:
    """Give words that are right, or nearly so."""
    right = st.sampled_from(list(words))
    return right | _spoilt(right)


def anything_or(words: Iterable[str]) -> st.SearchStrategy[str]:
    """Give any text, short and huge, and words that are right, or nearly so."""
    return near(words) | any_text | numbers_as_text | huge_text


scalars: Final = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | any_text
    | st.sampled_from([0, -1, 10**18, 10**4000, 1e308, float("nan"), "", " "])
)
json_values: Final = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)
"""What a JSON text can say; Python takes NaN for JSON, too."""


def _nested(opening: str, depth: int) -> object:
    value: object = []
    for _ in range(depth):
        value = [value] if opening == "[" else {"a": value}
    return value


deep_values: Final = st.builds(_nested, st.sampled_from("[{"), st.integers(900, 1000))
"""Nested as deeply as Python still reads, or nearly: it writes a little less deep."""
