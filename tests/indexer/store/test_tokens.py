"""Exact tokens stay one token, keep prefixes, and can be read back."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import apsw
from hypothesis import given
from hypothesis import strategies as st

from support.records import identifier, item, stamp
from whodid_indexer.query.model import AuditQuery, Term, Text
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_indexer.store.sqlite.entry import halves, joined
from whodid_indexer.store.sqlite.tokens import LONGEST, exact_of, spell, texts_of, unspell
from whodid_schema.bulk import INDEXED
from whodid_schema.folding import shadow
from whodid_schema.identity import native_id
from whodid_schema.meta import default_meta
from whodid_schema.record import Record, Target

values = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)

hard = st.lists(st.sampled_from([*"aQq-_:@/.= \n\0\u0301\u0130ßÅ“汉🚀", "x" * 300]), max_size=6).map("".join)
given_records = st.builds(
    Record,
    target=st.builds(Target, hard | st.none(), hard | st.none(), hard | st.none()),
    changed=st.lists(hard, max_size=3) | st.none(),
    meta=st.lists(hard | values, max_size=3) | st.none(),
)


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


@given(st.lists(given_records, min_size=1, max_size=5))
def test_records_spelled_together_have_the_tokens_of_each_value_by_itself(given: list[Record]) -> None:
    """Whatever is in them: what parts the values of a record, or the records, upper case, marks that combine."""
    texts = texts_of([exact_of(record, 7) for record in given])
    assert texts == [" ".join(["a7", *map(token, values_of(record))]) for record in given]


def values_of(record: Record) -> list[tuple[str, str]]:
    """Letter and value of each token that is spelled."""
    assert record.target is not None
    kind, name, identity = record.target.type, record.target.name, record.target.id
    found = [("t", identity), ("t", f"{kind}:{identity}" if kind and identity else None), ("t", name)]
    found += [("c", path) for path in record.changed or ()]
    found += [("m", pair) for pair in record.meta or ()]
    return [(letter, value) for letter, value in found if value]


def token(one: tuple[str, str]) -> str:
    """One token as it is documented."""
    letter, value = one
    return letter + spell(shadow(value))


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


def test_an_id_finds_its_own_record_alone_though_others_speak_of_it(tmp_path: Path) -> None:
    path, time = tmp_path / "audit.db", stamp(1_795_000_000_000_000)
    own, other = (identifier(number) for number in (1, 2))
    SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    speaking = Record(timestamp=time, received_at=time, id=other, description=own, request_id=own)
    spoken_of = Record(timestamp=stamp(1_795_000_000_000_001), received_at=time, id=own, description="x" * 70_000)
    with closing(SqliteStore(path)) as store:
        assert store.create([item(speaking)]) == [INDEXED]
        assert store.create([item(spoken_of)]) == [INDEXED]
    with closing(SqliteReader(path)) as reader:
        assert reader.get(own) == item(spoken_of).body
        assert list(reader.scan(AuditQuery(terms=(Term("id", (own,)),)))) == [item(spoken_of).body]
        assert reader.count(AuditQuery(texts=(Text(own),))) == 2
