"""Folding under arbitrary texts, against the real FTS5."""

from collections.abc import Iterator
from typing import Any

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


keys = st.sampled_from(["", "a", "A", "b.c", "x=y", "line\nbreak", "ß", "k" * 600])
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["", "v", "V", "w\n"])
values = st.recursive(leaves | texts, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=8)


def leaves_below(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every leaf that says something, with its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves_below(inner, (f"{path}.{key}" if path else key)[: folding.META_PAIR_LENGTH])
    elif isinstance(value, list):
        for inner in value:
            yield from leaves_below(inner, path)
    elif value is not None and value != "":
        yield path, value


@given(st.dictionaries(keys, values))
def test_the_pairs_of_metadata_are_those_of_its_leaves_one_by_one(metadata: dict[str, Any]) -> None:
    expected = dict.fromkeys(folding.meta_pair(path, value) for path, value in leaves_below(metadata, ""))
    assert folding.meta_pairs(metadata) == list(expected)
