"""The stores against an oracle that reads every record, for generated queries over generated records."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from support.indexing import index, set_up
from support.opensearch.server import Server
from support.questions import RECORDS, expected, queries
from support.records import item
from whodid_indexer.query.model import AuditQuery, Group, Member
from whodid_indexer.store.base import Page, Reader
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import connect
from whodid_indexer.store.opensearch.read import OpenSearchReader
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore, pages
from whodid_schema.meta import default_meta
from whodid_schema.record import decode


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteReader]:
    path: Path = tmp_path_factory.mktemp("store") / "audit.db"
    SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    with closing(SqliteStore(path)) as store:
        store.create([item(record) for record in RECORDS])
    with closing(SqliteReader(path)) as opened:
        yield opened


def check(reader: Reader, query: AuditQuery) -> None:
    wanted = expected(query)
    found = reader.search(query, Page(limit=1_000))
    assert [decode(body).id for body in found.records] == wanted
    assert (found.total, reader.count(query)) == (len(wanted), len(wanted))
    assert [decode(body).id for body in reader.scan(query)] == wanted
    members: tuple[Member, ...] = (*query.terms, *query.texts, *query.groups)
    if members:
        whole = [AuditQuery(groups=(Group(members, negated=negated),)) for negated in (False, True)]
        assert sum(map(reader.count, whole)) == len(RECORDS)


many = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("few", [20_000, 1], ids=["ft leads", "fx leads"])
def test_every_query_finds_what_reading_every_record_finds(
    reader: SqliteReader, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(pages, "FEW", few)

    @many
    @given(queries)
    def every(query: AuditQuery) -> None:
        check(reader, query)

    every()


def test_opensearch_finds_it_too(opensearch: Server) -> None:
    set_up(opensearch)
    assert set(index(opensearch, [item(record) for record in RECORDS])) == {201}
    with closing(OpenSearchReader(*connect(opensearch.url, Access()))) as reader:

        @settings(many, max_examples=60)
        @given(queries)
        def every(query: AuditQuery) -> None:
            check(reader, query)

        every()
