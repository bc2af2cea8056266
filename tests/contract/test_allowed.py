"""What a reader that is held to an access tells, on both stores: what may be seen, and nothing of the rest."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from support.indexing import index, set_up
from support.opensearch.server import Server
from support.outside import GRANTS, HELD, IDS, MARK, NUMBERS, RECORDS, SEEN
from whodid_indexer.query.access import Access, restrict
from whodid_indexer.query.around import around
from whodid_indexer.query.axis import AXES
from whodid_indexer.query.counting import Axis, Measure
from whodid_indexer.query.model import ALL, AuditQuery, Group, Term
from whodid_indexer.store.allowed import allowed
from whodid_indexer.store.base import Item, Page, Reader
from whodid_indexer.store.opensearch.access import Access as Way
from whodid_indexer.store.opensearch.connect import connect
from whodid_indexer.store.opensearch.read import OpenSearchReader
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_schema.meta import default_meta
from whodid_schema.record import decode, encode

ITEMS = [Item("whodid-activity", str(record.id), encode(record)) for record in RECORDS]
QUESTIONS = [
    ALL,
    AuditQuery(groups=(Group((Term("id", ("*",)),), any=True),)),
    AuditQuery(terms=(Term("actor.key", ("shop/user:66",)),)),
    AuditQuery(terms=(Term("workspace.id", ("other", "ACME")),)),
    AuditQuery(terms=(Term("workspace", ("acme",)),)),
    AuditQuery(terms=(Term("type", (f"{MARK[:-1]}*",), negated=True),)),
]
GUESSED = {
    "actor": ("shop/user:66", "shop/user:2"),
    "workspace": ("other",),
    "app": ("shop 2",),
    "ip": ("198.51.100.66",),
}


@pytest.fixture(params=["sqlite", "opensearch"])
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reader]:
    if request.param == "sqlite":
        path = tmp_path / "audit.db"
        SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
        with closing(SqliteStore(path)) as store:
            assert {result.outcome for result in store.create(ITEMS)} == {"indexed"}
        with closing(SqliteReader(path)) as opened:
            yield opened
        return
    node: Server = request.getfixturevalue("opensearch")
    set_up(node)
    assert set(index(node, ITEMS)) == {201}
    with closing(OpenSearchReader(*connect(node.url, Way()))) as there:
        yield there


def _seen(who: str) -> set[str]:
    return {IDS[place] for place, number in enumerate(NUMBERS) if number in SEEN[who]}


def _told(answer: object) -> str:
    return msgspec.json.encode(answer).decode().lower()


def test_everything_that_is_told_may_be_seen(reader: Reader) -> None:
    for who in HELD:
        held, wanted = allowed(reader, GRANTS[who].access), _seen(who)
        for query in QUESTIONS:
            found = held.search(query, Page(100))
            assert {decode(body).id for body in found.records} <= wanted
            assert found.total == len(found.records) == held.count(query) == len(list(held.scan(query)))
            axes = [Axis(name, 100, "", GUESSED.get(name, ())) for name in AXES]
            assert MARK not in _told(held.facets(query, axes)), (who, query)
            assert held.facets(query, [Axis("actor", 10, MARK)])[0].values == ()
            stats = held.stats(query, Measure(now=0, actors=100))
            assert stats.current.total == found.total
            assert MARK not in _told(stats), (who, query)
        assert {decode(body).id for body in held.scan(ALL)} == wanted
        for identifier in IDS:
            body = held.get(identifier)
            assert (body is not None) == (identifier in wanted)
            if body is not None:
                assert MARK not in _told(around(held, decode(body)))


@pytest.mark.parametrize("limit", [1, 3, 1_000])
def test_what_arrives_is_what_may_be_seen_and_only_the_end_is_empty(reader: Reader, limit: int) -> None:
    for who in SEEN:
        held = allowed(reader, GRANTS[who].access)
        found: list[str | None] = []
        cursor: str | None = None
        while page := (changes := held.changes(cursor, limit)).records:
            assert len(page) <= limit
            found += [decode(stored.body).id for stored in page]
            cursor = changes.cursor
        assert len(found) == len(set(found))
        assert set(found) == _seen(who)


def test_a_query_is_held_to_an_access_once(reader: Reader) -> None:
    access = GRANTS["admin"].access
    once = restrict(ALL, access)
    assert restrict(once, access) is once
    assert allowed(reader, Access("platform")) is reader
    assert allowed(reader, access).explain(ALL) == reader.explain(once)
