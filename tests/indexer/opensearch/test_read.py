"""Reading a real OpenSearch while others write to it, in depth, with large values, and when something is wrong."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import httpx
import pytest

from support.indexing import index, set_up
from support.opensearch.server import Server
from support.records import identifier, item, stamp
from whodid_indexer.query.check import DEEPEST
from whodid_indexer.query.model import ALL, AuditQuery, Group, Term, Text
from whodid_indexer.store.base import Item, Page
from whodid_indexer.store.opensearch import scan
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import Client, Info, Refused, connect
from whodid_indexer.store.opensearch.read import OpenSearchReader
from whodid_schema.errors import BadQuery, NotAllowed, StoreUnreachable
from whodid_schema.record import Actor, Change, Person, Record, Ref, Target, decode
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
    with closing(OpenSearchReader(*connect(opensearch.url, Access()))) as opened:
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
    reader.close()  # with the next page on its way, which it waits for
    assert _moments(opensearch) == before
    del left  # it ends without a word


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
    assert reader.search(ALL, Page(limit=10, offset=20_000))[:3] == ([], 10_400, None)
    skipped = reader.search(ALL, Page(limit=5, after=reader.search(ALL, Page(limit=1)).next, offset=10_300))
    assert ids(skipped.records) == newest_first[10_301:10_306]
    assert len(list(reader.scan(ALL))) == 10_400


LONG = "Long " + "x" * 1_000_000
LARGE: dict[str, dict[str, object]] = {
    "app": {"app": LONG, "native_id": LONG},
    "category": {"category": LONG, "category_label": LONG},
    "action": {"action": LONG, "description": LONG},
    "reason": {"reason": LONG, "raw": LONG},
    "actor": {"actor": Actor(name=LONG, key=LONG, on_behalf_of=Person(LONG))},
    "actor.type": {"actor": Actor(type=LONG, owner=LONG)},
    "email": {"actor": Actor(email=LONG, token=Ref(LONG))},
    "role": {"actor": Actor(role=LONG)},
    "provider": {"actor": Actor(provider=LONG)},
    "target": {"target": Target(None, LONG), "targets": [Target(None, LONG)], "target_refs": [LONG]},
    "type": {"target_types": [LONG], "related": [LONG]},
    "workspace": {"workspace": Ref(LONG)},
    "project": {"project": Ref(None, LONG)},
    "device": {"client": From("203.0.113.7", LONG, LONG, LONG)},
    "session": {"session_id": LONG},
    "request": {"request_id": LONG},
    "changed": {"changed": [LONG], "changes": [Change("a", LONG, LONG)]},
    "meta.a": {"metadata": {"a": LONG}, "meta": [f"a={LONG}"[:1_024].lower()]},
}


def test_a_megabyte_in_any_field_is_stored_found_and_given_back(opensearch: Server, reader: OpenSearchReader) -> None:
    items = {field: made(number, START, **fields) for number, (field, fields) in enumerate(LARGE.items())}
    for one in items.values():
        assert index(opensearch, [one]) == [201]
    for field, one in items.items():
        for value in {"*", "*" if field in ("session", "request") else "Long xxx*"}:
            found = reader.search(AuditQuery(terms=(Term(field, (value,)), Term("id", (one.id,)))), Page())
            assert ids(found.records) == [one.id], field
        assert reader.get(one.id) == one.body
    assert (
        reader.count(AuditQuery(texts=(Text("long xxxx*", phrase=True),))) == len(items) - 1
    )  # types alone are no text


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


def test_where_the_cluster_has_no_memory_for_so_much_less_is_asked_for(
    opensearch: Server, reader: OpenSearchReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(opensearch, [made(number, START + number) for number in range(150)])
    real = Client.ask

    def breaking(self: Client, method: str, path: str, body: object = None, params: object = None) -> bytes:
        sizes = [one["size"] for one in _asked(body) if "size" in one]
        if path in ("/_search", "/_msearch") and max(sizes, default=0) > 10:
            raise Refused(path, 429, "circuit_breaking_exception", "[parent] Data too large")
        return real(self, method, path, body, params)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(Client, "ask", breaking)
    assert len(list(reader.scan(ALL))) == 150
    assert 0 < len(reader.changes(None).records) <= 10


def _asked(body: object) -> list[dict[str, Any]]:
    if isinstance(body, bytes):
        return [json.loads(line) for line in body.splitlines()]
    return [body] if isinstance(body, dict) else []


def test_a_closed_index_is_an_error_that_says_so(opensearch: Server, reader: OpenSearchReader) -> None:
    index(opensearch, [made(1, START)])
    opensearch.request("POST", "/whodid-activity-2026-11/_close")
    asked: list[Callable[[], object]] = [
        lambda: reader.count(ALL),
        lambda: list(reader.scan(ALL)),
        lambda: reader.changes(None),
    ]
    for question in asked:
        with pytest.raises(StoreUnreachable, match="is closed"):
            question()


def test_a_store_without_template_asks_for_setup(opensearch: Server) -> None:
    with closing(OpenSearchReader(*connect(opensearch.url, Access()))) as reader:
        with pytest.raises(StoreUnreachable, match="run whodid setup"):
            reader.meta()
        assert reader.search(ALL, Page())[:3] == ([], 0, None)


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


@pytest.mark.parametrize("any_of", [False, True])
def test_ten_levels_of_groups_are_no_more_than_a_cluster_takes(
    opensearch: Server, reader: OpenSearchReader, any_of: bool
) -> None:
    index(opensearch, [made(number, START, app=("shop", "desk")[number % 2]) for number in range(10)])
    shop = Term("app", ("shop",))
    group = Group((shop, Term("app", ("none", "no*"), negated=True)), any_of)
    for level in range(DEEPEST - 2):
        group = Group((shop, group), any=level % 2 == 0, negated=any_of)
    found = [reader.count(AuditQuery(groups=(each,))) for each in (group, Group((group,), negated=True))]
    assert sum(found) == 10
    assert found[0] in (0, 5, 10)
