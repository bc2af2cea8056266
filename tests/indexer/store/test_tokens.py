"""Exact tokens stay one token, keep prefixes, and can be read back."""

import apsw
from hypothesis import given
from hypothesis import strategies as st

from whodid_indexer.store.sqlite.entry import halves, joined
from whodid_indexer.store.sqlite.tokens import LONGEST, spell, unspell
from whodid_schema.identity import native_id

values = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(values)
def test_a_value_is_one_token_to_fts5(value: str) -> None:
    connection = apsw.Connection(":memory:")
    tokenize = connection.fts5_tokenizer("unicode61", ["remove_diacritics", "2"])
    spelled = "t" + spell(value)
    found = tokenize(
        spelled.encode(), apsw.FTS5_TOKENIZE_DOCUMENT, None, include_offsets=False, include_colocated=False
    )
    assert found == [spelled]


@given(values, values)
def test_spelling_keeps_prefixes_and_tells_values_apart(first: str, second: str) -> None:
    assert spell(first + second).startswith(spell(first))
    assert (spell(first) == spell(second)) == (first == second)


@given(values)
def test_what_was_spelled_can_be_read_back(value: str) -> None:
    assert unspell(spell(value)) == value


def test_endless_values_stay_short_and_apart() -> None:
    one, two = "x" * 100_000, "x" * 99_999 + "y"
    assert spell(one) != spell(two)
    assert len(spell(one)) < LONGEST + 40
    assert unspell(spell(one)) == "x" * LONGEST


def test_halves_sort_as_ids_do_and_join_to_them_again() -> None:
    ids = sorted([native_id("shop", [str(number)], b"") for number in range(200)] + ["0" * 26, "7" + "z" * 25])
    keys = [halves(identity) for identity in ids]
    assert keys == sorted(key for key in keys if key is not None)
    assert [joined(*key) for key in keys if key is not None] == ids
    assert halves("8" + "z" * 25) is None
