"""Columns beside the rows: they are what the rows are, however records come and go."""

import itertools
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from support import counted, questions
from support.records import item, records
from whodid_indexer.query.counting import Axis, Measure
from whodid_indexer.query.model import ALL, AuditQuery, Term, Text
from whodid_indexer.store.base import Key, Page
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore, chunks, pages
from whodid_schema.errors import UsageError
from whodid_schema.meta import default_meta

START = 1_795_000_000_000_000
RECORDS = list(records(5, 500, START, 60_000_000, actors=40))
SIZE = 50


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "SIZE", SIZE)
    monkeypatch.setattr(pages, "WALK", 0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    path = tmp_path / "audit.db"
    SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    with closing(SqliteStore(path)) as opened:
        yield opened


def columns_of(path: Path) -> list[list[tuple[int, ...]]]:
    """Each chunk's records as the columns have them."""
    with closing(apsw.Connection(str(path))) as connection:
        numbers = [number for (number,) in connection.execute("SELECT id FROM chunk ORDER BY id")]
        found = []
        for number in numbers:
            columns = [chunks.read_column(connection, number, place) for place in range(len(chunks.COLUMNS))]
            found.append([(row[0], row[1] + number * SIZE, *row[2:]) for row in zip(*columns, strict=True)])
    return found


def rows_of(path: Path) -> list[tuple[int, ...]]:
    with closing(apsw.Connection(str(path))) as connection:
        names = ", ".join(chunks.COLUMNS)
        return list(connection.execute(f"SELECT {names} FROM event ORDER BY ts, seq"))  # noqa: S608  names are ours


def forget(path: Path, numbers: list[int]) -> None:
    with closing(apsw.Connection(str(path))) as connection, connection:
        connection.executemany("DELETE FROM event WHERE seq = ?", [(number,) for number in numbers])
        connection.executemany("DELETE FROM ft WHERE rowid = ?", [(number,) for number in numbers])
        chunks.forget_rows(connection, numbers)


def test_a_chunk_is_written_in_the_transaction_that_fills_it(store: SqliteStore) -> None:
    store.create([item(record) for record in RECORDS[:49]])
    assert columns_of(store.path) == []
    store.create([item(RECORDS[49])])
    assert len(columns_of(store.path)) == 1
    for start in range(50, 330, 7):
        store.create([item(record) for record in RECORDS[start : start + 7]])
    found = columns_of(store.path)
    assert [len(chunk) for chunk in found] == [SIZE] * 6
    assert sorted(row for chunk in found for row in chunk) == [row for row in rows_of(store.path) if row[1] <= 300]
    assert all(chunk == sorted(chunk, key=lambda row: row[0]) for chunk in found)


def test_a_transaction_that_is_undone_leaves_no_chunk(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(connection: apsw.Connection) -> None:
        chunks_fill(connection)
        raise apsw.FullError("no room")

    chunks_fill = chunks.fill
    monkeypatch.setattr(chunks, "fill", fail)
    with pytest.raises(Exception, match="disk is full"):
        store.create([item(record) for record in RECORDS[:120]])
    assert columns_of(store.path) == []
    monkeypatch.setattr(chunks, "fill", chunks_fill)
    store.create([item(record) for record in RECORDS[:120]])
    assert len(columns_of(store.path)) == 2


def test_a_file_without_chunks_is_counted_all_the_same_and_gets_them_bit_by_bit(store: SqliteStore) -> None:
    store.create([item(record) for record in RECORDS[:480]])
    with closing(apsw.Connection(str(store.path))) as connection:
        connection.execute("DELETE FROM chunk; DELETE FROM cell")
    with closing(SqliteReader(store.path)) as reader:
        assert reader.stats(ALL, Measure(START)).current == counted.totals(RECORDS[:480])
        store.create([item(record) for record in RECORDS[480:490]])
        assert len(columns_of(store.path)) == 4
        assert reader.stats(ALL, Measure(START)).current == counted.totals(RECORDS[:490])


@pytest.mark.parametrize("gone", [range(1, 51), range(20, 230), [3, 260, 301, 350], range(301, 331), range(1, 331)])
def test_what_is_deleted_is_counted_no_more(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, gone: list[int]
) -> None:
    monkeypatch.setattr(chunks, "_AT_ONCE", 10)
    store.create([item(record) for record in RECORDS[:330]])
    numbers = list(gone)
    forget(store.path, numbers)
    left = [record for number, record in enumerate(RECORDS[:330], 1) if number not in numbers]
    found = [row for chunk in columns_of(store.path) for row in chunk]
    assert sorted(found) == [row for row in rows_of(store.path) if row[1] <= 300]
    with closing(SqliteReader(store.path)) as reader:
        assert reader.count(ALL) == len(left)
        assert reader.stats(ALL, Measure(START)).current == counted.totals(left)
        facet = reader.facets(ALL, [Axis("actor", 50)])[0]
        wanted = counted.facet(left, ALL, Axis("actor", 50))
        assert [(one.value, one.count) for one in facet.values] == [(one.value, one.count) for one in wanted.values]
    forget(store.path, numbers)
    store.create([item(record) for record in RECORDS[330:400]])
    assert sum(map(len, columns_of(store.path))) == len([row for row in rows_of(store.path) if row[1] <= 400])


@pytest.mark.parametrize("ascending", [False, True])
@pytest.mark.parametrize("query", [ALL, AuditQuery(terms=(Term("kind", ("auth",)),))], ids=["all", "filtered"])
def test_pages_from_chunks_are_those_of_a_walk(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, query: AuditQuery, ascending: bool
) -> None:
    store.create([item(record) for record in RECORDS])
    with closing(SqliteReader(store.path)) as reader:
        for offset in (0, 1, 37, 220, 499, 600):
            for limit in (0, 1, 20):
                first = reader.search(query, Page(7, None, 3, ascending))
                asked = [Page(limit, None, offset, ascending), Page(limit, first.next, offset, ascending)]
                found = [reader.search(query, page) for page in asked]
                monkeypatch.setattr(pages, "WALK", 10**9)
                assert [reader.search(query, page) for page in asked] == found
                monkeypatch.setattr(pages, "WALK", 0)


def test_a_place_that_is_none_is_refused_by_chunks_too(store: SqliteStore) -> None:
    store.create([item(record) for record in RECORDS[:100]])
    with closing(SqliteReader(store.path)) as reader, pytest.raises(UsageError, match="not a record's id"):
        reader.search(ALL, Page(after=Key(START, "nonsense")))


def test_a_count_under_a_budget_ends_with_the_budget(store: SqliteStore) -> None:
    store.create([item(record) for record in RECORDS])
    with closing(SqliteReader(store.path)) as reader:
        target, verb = reader.facets(ALL, [Axis("target"), Axis("verb")], budget=0.0)
        assert (target.complete, target.values, target.other) == (False, (), 0)
        assert verb.complete
        assert reader.facets(ALL, [Axis("target")], budget=60.0) == reader.facets(ALL, [Axis("target")])


def test_plain_questions_of_a_small_store_do_not_load_numpy(store: SqliteStore) -> None:
    store.create([item(record) for record in RECORDS[:60]])
    program = (
        "import sys; from pathlib import Path; from whodid_indexer.store.sqlite import SqliteReader\n"
        "from whodid_indexer.store.base import Page; from whodid_indexer.query.model import ALL\n"
        "reader = SqliteReader(Path(sys.argv[1])); reader.search(ALL, Page()); reader.count(ALL)\n"
        "assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, str(store.path)], check=True, timeout=60)


def test_what_is_behind_the_last_chunk_is_counted_as_it_is_however_it_changes_between_two_questions(
    store: SqliteStore,
) -> None:
    """A reader keeps those rows: what arrives, is deleted, or has gone into a chunk since is seen nevertheless."""
    there: list[int] = []
    arrived = 0
    actor = Term("actor.key", ("shop/user:7",))
    with closing(SqliteReader(store.path)) as reader:
        changes: list[tuple[int, Sequence[int]]] = [(20, []), (7, [3]), (0, [20, 27]), (40, []), (0, [51, 67])]
        for adding, gone in [*changes, (33, [60]), (0, range(61, 101)), (50, [101])]:
            store.create([item(record) for record in RECORDS[arrived : arrived + adding]])
            there += range(arrived + 1, arrived + adding + 1)
            arrived += adding
            forget(store.path, list(gone))
            there = [number for number in there if number not in gone]
            left = [RECORDS[number - 1] for number in there]
            assert reader.stats(ALL, Measure(START)).current == counted.totals(left)
            assert reader.count(AuditQuery(terms=(actor,))) == sum(questions.matches(record, actor) for record in left)
            assert reader.search(ALL, Page(1_000)).total == len(left)


def test_a_question_that_is_answered_keeps_nothing_open(store: SqliteStore) -> None:
    """Else the reader would see an old moment, and the log could never be emptied."""
    store.create([item(record) for record in RECORDS[:120]])
    with closing(SqliteReader(store.path)) as reader, closing(apsw.Connection(str(store.path))) as other:
        for ask in (lambda: reader.count(ALL), lambda: reader.facets(ALL, [Axis("verb")])):
            ask()
            store.create([item(record) for record in RECORDS[120:130]])
            busy, *_ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() or (1,)
            assert not busy


def test_who_was_never_seen_is_not_looked_for_in_the_texts(store: SqliteStore) -> None:
    store.create([item(record) for record in RECORDS[:60]])
    with closing(SqliteReader(store.path)) as reader:
        nobody = AuditQuery(terms=(Term("actor", ("nobody",)), Term("verb", ("update",))))
        assert reader.search(nobody, Page()).total == 0
        assert "?1 = 'x : \"\"'" in reader.explain(nobody)


@pytest.mark.parametrize("ascending", [False, True])
def test_words_that_many_records_have_are_paged_from_chunks_as_from_a_walk(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, ascending: bool
) -> None:
    store.create([item(record) for record in RECORDS])
    query = AuditQuery(texts=(Text("did"),))
    with closing(SqliteReader(store.path)) as reader:
        for offset, mark in itertools.product((0, 1, 120, 499), (None, 33, 480)):
            page = Page(20, None, offset, ascending, mark, mark is not None)
            monkeypatch.setattr(pages, "FEW", 1)
            found = reader.search(query, page)
            monkeypatch.setattr(pages, "FEW", 1_000)
            assert reader.search(query, page) == found
            assert found.total == (mark or 500)


def test_counting_starts_no_threads() -> None:
    """numpy's linear algebra would have one for each processor: 25 ms of every command that counts."""
    program = "import whodid_indexer.store.sqlite.arrays; print(open('/proc/self/status').read())"
    status = subprocess.run([sys.executable, "-c", program], check=True, timeout=60, capture_output=True, text=True)
    assert "Threads:\t1\n" in status.stdout
