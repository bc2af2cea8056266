"""Questions that stand for very much: many values, many actors, many hits."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.records import identifier, item, stamp
from whodid_indexer.query.model import AuditQuery, Term, Text
from whodid_indexer.store.base import Page
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_indexer.store.sqlite.compile import MOST_TOKENS
from whodid_schema.errors import BadQuery
from whodid_schema.meta import default_meta
from whodid_schema.record import Actor, Record, Target

START = 1_795_000_000_000_000
MANY = MOST_TOKENS + 200


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteReader]:
    path: Path = tmp_path_factory.mktemp("store") / "audit.db"
    SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    with closing(SqliteStore(path)) as store:
        store.create([item(made(number)) for number in range(MANY)])
    with closing(SqliteReader(path)) as opened:
        yield opened


def made(number: int) -> Record:
    return Record(
        timestamp=stamp(START + number),
        received_at=stamp(START),
        id=identifier(number),
        description=f"common word {number}",
        actor=Actor("user", f"u{number}", key=f"shop/user:u{number}"),
        target=Target("row" if number < MOST_TOKENS else "rest", f"{number}-row", None),
    )


def asked(field: str, *values: str) -> AuditQuery:
    return AuditQuery(terms=(Term(field, values),))


def test_a_wildcard_may_stand_for_many_values(reader: SqliteReader) -> None:
    assert reader.count(asked("target", "*5-row")) == MANY // 10
    assert reader.count(asked("target", "r*w:*")) == MOST_TOKENS


def test_a_wildcard_that_stands_for_too_much_is_refused_not_answered_in_part(reader: SqliteReader) -> None:
    with pytest.raises(BadQuery, match=f"more than {MOST_TOKENS}"):
        reader.count(asked("target", "*w"))


def test_a_prefix_may_stand_for_everything(reader: SqliteReader) -> None:
    assert reader.count(asked("actor", "u*")) == MANY
    assert reader.count(asked("target", "1*")) == sum(str(number).startswith("1") for number in range(MANY))


def test_many_actors_and_words_together(reader: SqliteReader) -> None:
    query = AuditQuery(terms=(Term("actor", ("u1*",)),), texts=(Text("common word", phrase=True),))
    wanted = sum(str(number).startswith("1") for number in range(MANY))
    assert reader.search(query, Page(limit=3)).total == wanted


def test_many_values_may_be_given(reader: SqliteReader) -> None:
    assert reader.count(asked("actor", *(f"u{number}" for number in range(200)))) == 200
    assert reader.count(asked("workspace", *(f"w{number}" for number in range(200)))) == 0
    assert reader.count(asked("target", *(f"row:{number}-row" for number in range(200)))) == 200
    with pytest.raises(BadQuery, match="more than 200"):
        reader.count(asked("actor", *(f"u{number}" for number in range(201))))
