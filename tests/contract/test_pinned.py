"""A list that is read page by page stays as it was while events arrive late: in a file, in its chunks, in a cluster."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from contract.reader import ids
from support.indexing import index, set_up
from support.opensearch.server import Server
from support.records import identifier, item, records, stamp
from whodid_indexer.query.model import ALL, AuditQuery, Term, Text
from whodid_indexer.store.base import Item, Page, Reader
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import connect
from whodid_indexer.store.opensearch.read import OpenSearchReader
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore, chunks, pages
from whodid_schema.meta import default_meta

START = 1_795_000_000_000_000
THERE = [item(record) for record in records(21, 120, START, 1_000_000)]
LATE = [
    item(msgspec.structs.replace(record, id=identifier(1_000 + place), received_at=stamp(START + 200_000_000 + place)))
    for place, record in enumerate(records(22, 60, START + 500_000, 2_000_000))
]
"""Their times are between those of the others; they came after all of them."""

QUERIES = [
    ALL,
    AuditQuery(since=START + 10_000_000, until=START + 100_000_000),
    AuditQuery(terms=(Term("verb", ("delete",), negated=True),)),
    AuditQuery(texts=(Text("did on"),)),
]

Store = tuple[Callable[[Sequence[Item]], None], Reader]


@pytest.fixture(params=["file", "chunks", "cluster"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """What stores, and a reader."""
    if request.param == "cluster":
        node: Server = request.getfixturevalue("opensearch")
        set_up(node)
        with closing(OpenSearchReader(*connect(node.url, Access()))) as reader:
            yield lambda items: check(index(node, items)), reader
        return
    if request.param == "chunks":
        monkeypatch.setattr(chunks, "SIZE", 40)
        monkeypatch.setattr(chunks, "_AT_ONCE", 1_000)
        monkeypatch.setattr(pages, "WALK", 0)
        monkeypatch.setattr(pages, "FEW", 3)
    path = tmp_path / "audit.db"
    SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    with closing(SqliteStore(path)) as writer, closing(SqliteReader(path)) as file:
        yield lambda items: check([result.outcome for result in writer.create(items)]), file


def check(outcomes: Sequence[object]) -> None:
    assert set(outcomes) <= {201, "indexed"}


def test_pages_and_totals_of_a_pinned_list_stay_whatever_arrives_and_however_old_it_is(store: Store) -> None:
    put, reader = store
    put(THERE)
    for query in QUERIES:
        assert reader.search(query, Page(limit=5)).mark is None
    before = [reader.search(query, Page(limit=500, pinned=True)) for query in QUERIES]
    assert all(found.total > 40 for found in before)
    put(LATE[:30])
    put(LATE[30:])
    for query, found in zip(QUERIES, before, strict=True):
        assert reader.search(query, Page()).total > found.total, "they belong to the list as it is now"
        for offset in (0, 20, 40):
            page = reader.search(query, Page(limit=20, offset=offset, mark=found.mark))
            assert (page.total, page.mark) == (found.total, found.mark)
            assert ids(page.records) == ids(found.records[offset : offset + 20])
        place = reader.search(query, Page(limit=20, mark=found.mark)).next
        behind = reader.search(query, Page(limit=20, after=place, mark=found.mark))
        assert ids(behind.records) == ids(found.records[20:40])
        upwards = reader.search(query, Page(limit=500, ascending=True, mark=found.mark))
        assert ids(upwards.records) == ids(found.records)[::-1]


def test_a_mark_of_a_list_without_records_and_one_from_the_future_leave_nothing_out(store: Store) -> None:
    put, reader = store
    put(THERE[:10])
    none = reader.search(AuditQuery(terms=(Term("actor", ("nobody",)),)), Page(pinned=True))
    assert none.total == 0
    assert reader.search(ALL, Page(mark=none.mark)).total == 10
    assert reader.search(ALL, Page(mark=9_000_000_000_000_000)).total == 10
