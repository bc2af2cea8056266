"""Reading a real OpenSearch while others write to it, in depth, with large values, and when something is wrong."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import islice

import httpx
import pytest

from support.indexing import index, set_up
from support.opensearch.server import Server
from support.records import identifier, item, stamp
from whodid_indexer.query.model import ALL, AuditQuery, Term, Text
from whodid_indexer.store.base import Item, Page
from whodid_indexer.store.opensearch import scan
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import Client, Info
from whodid_indexer.store.opensearch.read import OpenSearchReader
from whodid_schema.errors import BadQuery, NotAllowed, StoreUnreachable
from whodid_schema.record import Actor, Record, Ref, Target, decode
from whodid_schema.record import Client as From

START = 1_795_000_000_000_000


def made(number: int, micros: int, **fields: object) -> Item:
    time = stamp(micros)
    return item(Record(timestamp=time, received_at=time, id=identifier(number), surface="activity", **fields))  # type: ignore[arg-type]  # given by name


def ids(bodies: Sequence[bytes]) -> list[str | None]:
    return [decode(body).id for body in bodies]


@pytest.fixture
def reader(opensearch: Server) -> Iterator[OpenSearchReader]:
    set_up(opensearch)
    with closing(OpenSearchReader.open(opensearch.url, Access())) as opened:
        yield opened


def test_pages_stay_whole_while_records_arrive_before_and_behind_them(
    opensearch: Server, reader: OpenSearchReader
) -> None:
    first = [made(number, START + number * 10) for number in range(200)]
    index(opensearch, first)
    seen: list[str | None] = []
    page: Page | None = Page(limit=30)
    while page is not None:
        found = reader.search(ALL, page)
        seen += ids(found.records)
        newer = [made(1_000 + len(seen) + one, START + 5_000 + len(seen) + one) for one in range(5)]
        older = [made(2_000 + len(seen), START + (200 - len(seen)) * 10 + 1)]
        index(opensearch, newer + older)
        page = None if found.next is None else Page(limit=30, after=found.next)
    assert len(seen) == len(set(seen))
    assert {one.id for one in first} <= set(seen)


def test_a_scan_is_of_the_moment_it_began_in(
    opensearch: Server, reader: OpenSearchReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "FIRST", 7)
    monkeypatch.setattr(scan, "MOST", 50)
    first = [made(number, START + number * 10) for number in range(500)]
    index(opensearch, first)
    seen: list[bytes] = []
    bodies = reader.scan(ALL)
    for number in range(4):
        seen += islice(bodies, 100)
        index(opensearch, [made(1_000 + number, START + number * 900 + 5)])
    seen += bodies
    assert ids(seen) == [one.id for one in reversed(first)]
    assert reader.count(ALL) == 504


def test_no_moment_is_left_open(opensearch: Server, reader: OpenSearchReader) -> None:
    index(opensearch, [made(number, START + number) for number in range(300)])
    before = _moments(opensearch)
    list(reader.scan(ALL))
    left = reader.scan(ALL)
    next(left)
    assert _moments(opensearch) == before + 1
    reader.close()
    assert _moments(opensearch) == before


def _moments(server: Server) -> int:
    (stats,) = server.request("GET", "/_nodes/stats/indices/search")["nodes"].values()
    return int(stats["indices"]["search"]["point_in_time_current"])


def test_pages_beyond_what_one_request_reaches_are_found(opensearch: Server, reader: OpenSearchReader) -> None:
    many = [made(number, START + number) for number in range(10_400)]
    index(opensearch, many)
    newest_first = [one.id for one in reversed(many)]
    deep = reader.search(ALL, Page(limit=300, offset=10_000))
    assert (ids(deep.records), deep.total) == (newest_first[10_000:10_300], 10_400)
    rest = reader.search(ALL, Page(limit=1_000, after=deep.next))
    assert (ids(rest.records), rest.total, rest.next) == (newest_first[10_300:], 10_400, None)
    assert reader.search(ALL, Page(limit=10, offset=20_000)) == ([], 10_400, None)
    skipped = reader.search(ALL, Page(limit=5, after=reader.search(ALL, Page(limit=1)).next, offset=10_300))
    assert ids(skipped.records) == newest_first[10_301:10_306]
    assert len(list(reader.scan(ALL))) == 10_400


def test_a_megabyte_in_every_field_is_stored_found_and_given_back(opensearch: Server, reader: OpenSearchReader) -> None:
    long = "Long " + "x" * 1_000_000
    large = Record(
        timestamp=stamp(START),
        received_at=stamp(START),
        id=identifier(1),
        native_id=long,
        app=long,
        surface="activity",
        kind=long,
        category=long,
        category_label=long,
        action=long,
        verb=long,
        description=long,
        outcome=long,
        reason=long,
        actor=Actor(long, long, long, long, long, long, Ref(long, long), long, None, long),
        target=Target(long, long, long),
        targets=[Target(long, long, long)],
        target_refs=[long],
        target_types=[long],
        workspace=Ref(long, long),
        project=Ref(long, long),
        layer=long,
        client=From("203.0.113.7", long, long, long),
        session_id=long,
        request_id=long,
        changed=[long],
        metadata={"a": long},
        meta=[f"a={long}"[:1_024].lower()],
        related=[long],
        raw=long,
    )
    assert index(opensearch, [item(large), made(2, START + 1)]) == [201, 201]
    for field in ("app", "actor", "email", "target", "type", "workspace", "device", "session", "changed", "meta.a"):
        pattern = "Long xxx*" if field != "session" else "*"
        assert reader.count(AuditQuery(terms=(Term(field, (pattern,)),))) == 1, field
        assert reader.count(AuditQuery(terms=(Term(field, ("*",)),))) == 1, field
    assert reader.count(AuditQuery(texts=(Text("long xxxx*", phrase=True),))) == 1
    assert reader.get(identifier(1)) == item(large).body
    assert ids(list(reader.scan(ALL))) == [identifier(2), identifier(1)]


def test_a_scan_of_large_records_takes_few_at_a_time(
    opensearch: Server, reader: OpenSearchReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "COMFORTABLE", 400_000)
    index(opensearch, [made(number, START + number, raw="r" * 100_000) for number in range(130)])
    asked: list[int] = []
    real = Client.ask

    def noted(self: Client, method: str, path: str, body: object = None, params: object = None) -> bytes:
        if isinstance(body, dict) and "pit" in body:
            asked.append(body["size"])
        return real(self, method, path, body, params)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(Client, "ask", noted)
    assert len(list(reader.scan(ALL))) == 130
    assert asked == [100, *[3] * 11]


def test_more_wildcards_than_a_cluster_takes_are_a_bad_query(opensearch: Server, reader: OpenSearchReader) -> None:
    index(opensearch, [made(1, START)])
    wide = tuple(Term("target", tuple(f"a{number}*b{one}" for number in range(200))) for one in range(20))
    with pytest.raises(BadQuery, match="more at once"):
        reader.count(AuditQuery(terms=wide))


def test_a_store_without_template_asks_for_setup(opensearch: Server) -> None:
    with closing(OpenSearchReader.open(opensearch.url, Access())) as reader:
        with pytest.raises(StoreUnreachable, match="run whodid setup"):
            reader.meta()
        assert reader.search(ALL, Page()) == ([], 0, None)


def test_an_index_without_its_shards_is_an_error_and_never_a_smaller_answer(
    opensearch: Server, reader: OpenSearchReader
) -> None:
    index(opensearch, [made(1, START)])
    nowhere = {"settings": {"index.routing.allocation.require.name": "nobody"}}
    opensearch.request("PUT", "/whodid-activity-2020-01?wait_for_active_shards=0&timeout=1s", nowhere)
    asked: list[Callable[[], object]] = [
        lambda: reader.search(ALL, Page()),
        lambda: reader.count(ALL),
        lambda: reader.get(identifier(1)),
        lambda: list(reader.scan(ALL)),
    ]
    for question in asked:
        with pytest.raises(StoreUnreachable, match="whodid-activity-2020-01"):
            question()


def _answering(status: int, answer: object) -> OpenSearchReader:
    transport = httpx.MockTransport(lambda _request: httpx.Response(status, content=json.dumps(answer)))
    return OpenSearchReader(Client("http://127.0.0.1:1", Access("ada", "wrong"), transport), Info((3,), "3", "c", "u"))


def test_a_wrong_password_is_not_allowed_and_says_whose() -> None:
    with closing(_answering(401, {})) as reader, pytest.raises(NotAllowed, match="'ada'"):
        reader.count(ALL)


@pytest.mark.parametrize(
    "answer", [{}, [], {"hits": {"hits": [{"_id": "x", "sort": [1, "a"]}], "total": {"value": 1}}}]
)
def test_an_answer_that_no_opensearch_gives_is_said_to_be_one(answer: object) -> None:
    with closing(_answering(200, answer)) as reader, pytest.raises(StoreUnreachable):
        reader.search(ALL, Page())
