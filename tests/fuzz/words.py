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
