"""visible() under arbitrary texts."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from whodid_schema.visible import visible

STEERING = {"Cc", "Cs", "Zl", "Zp"}
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}

texts = st.text(st.characters() | st.sampled_from("\x1b\x00\x9b\u202e\u2066\u2028\r\n\ud800\u200e"))


@given(texts)
def test_nothing_that_steers_is_left(text: str) -> None:
    shown = visible(text)
    assert not {unicodedata.category(char) for char in shown} & STEERING
    assert not {unicodedata.bidirectional(char) for char in shown} & BIDI
    shown.encode()


@given(texts)
def test_what_is_shown_is_shown_the_same_again(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@given(texts)
def test_only_line_feeds_are_spared(text: str) -> None:
    assert visible(text, newlines=True).replace("\n", "\\x0a") == visible(text)
