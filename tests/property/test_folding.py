"""Folding under arbitrary texts, against the real FTS5."""

import apsw
from hypothesis import given
from hypothesis import strategies as st

from whodid_schema import folding

texts = st.text(st.characters(exclude_categories=["Cs"]))
fts5 = apsw.Connection(":memory:").fts5_tokenizer("unicode61", ["remove_diacritics", "2"])


def fts5_tokens(text: str) -> list[object]:
    """What the store's tokeniser makes of a text."""
    found = fts5(text.encode(), apsw.FTS5_TOKENIZE_DOCUMENT, None, include_offsets=False, include_colocated=False)
    return list(found)


@given(texts)
def test_tokens_are_those_of_fts5(text: str) -> None:
    assert folding.tokens(text) == fts5_tokens(folding.fold(text))


@given(texts)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folding.fold(folding.fold(text)) == folding.fold(text)


@given(texts)
def test_the_shadow_of_a_shadow_is_the_shadow(text: str) -> None:
    assert folding.shadow(folding.shadow(text)) == folding.shadow(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_case_never_matters(text: str) -> None:
    assert folding.fold(text.upper()) == folding.fold(text.lower())
    assert folding.shadow(text.upper()) == folding.shadow(text.lower())
