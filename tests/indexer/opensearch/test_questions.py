"""The commands on OpenSearch: what they print is what they print of the embedded store, and no secret leaves them."""

import http.server
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.asking import ask
from support.indexing import index, set_up
from support.opensearch.server import Server
from support.records import item
from support.running import free_port
from support.serving import HOSTILE, make
from whodid_indexer.cli.tail import feed
from whodid_indexer.query.model import ALL, AuditQuery, Term
from whodid_indexer.store.base import Item
from whodid_indexer.store.open import open_reader
from whodid_indexer.store.sqlite import SqliteStore
from whodid_schema.meta import default_meta
from whodid_schema.record import Actor, Record, Target

QUESTIONS: Sequence[Sequence[str]] = [
    ("count",),
    ("count", "--actor", "Ana Ruiz,devi*", "--not-outcome", "failure"),
    ("count", "--ip", "203.0.113.0/29", "-q", "report*"),
    ("search",),
    ("search", "-n", "7", "--page", "3", "--format", "ndjson"),
    ("search", "--format", "json", "--oldest-first", "-n", "5"),
    ("search", "--format", "csv", "--since", "2025-11-24T15:59:56Z"),
    ("search", "--actor", "nobody"),
    ("search", "--last", "1h"),
    ("show", str(make(4).id)),
    ("show", str(make(4).id), "--format", "json"),
    ("show", str(make(700).id)),
    ("show", "0" * 26),
    ("export",),
    ("export", "--format", "ndjson", "--oldest-first", "--app", "hostile"),
    ("tail", "--no-follow", "-n", "12"),
    ("search", "--actor", ""),
    ("search", "--verb", "destroy"),
    ("search", "-q", '"half'),
]


def _hostile(number: int, text: str) -> Record:
    target = Target(text, text, text)
    return make(number, app="hostile", action=text, reason=text, actor=Actor(text, text, text), target=target, raw=text)


ITEMS: list[Item] = [
    *(item(make(number)) for number in range(30)),
    *(item(_hostile(number, text)) for number, text in enumerate(HOSTILE.values(), 500)),
]


def test_every_command_prints_what_it_prints_of_the_embedded_store(opensearch: Server, tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    with closing(SqliteStore(path)) as store:
        store.create(ITEMS)
    set_up(opensearch)
    assert set(index(opensearch, ITEMS)) == {201}
    for question in QUESTIONS:
        embedded = ask(*question, "--store", f"sqlite://{path}")
        assert ask(*question, "--store", opensearch.url) == embedded, question


def test_tail_shows_the_newest_then_what_arrives_once(opensearch: Server) -> None:
    set_up(opensearch)
    index(opensearch, ITEMS[:5])
    with closing(open_reader(opensearch.url)) as reader:
        batches = feed(reader, AuditQuery(terms=(Term("app", ("shop",)),)), 3, 0.01)
        assert len(next(batches)) == 3
        index(opensearch, ITEMS[5:8], refresh=False)
        assert sorted(next(batches)) == sorted(one.body for one in ITEMS[5:8])
        index(opensearch, ITEMS[4:9], refresh=False)
        assert next(batches) == [ITEMS[8].body]
        assert reader.count(ALL) == 9


def test_an_empty_cluster_is_an_empty_store(opensearch: Server) -> None:
    assert ask("count", "--store", opensearch.url).text == "0\n"
    assert "the store is empty" in ask("search", "--store", opensearch.url).err
    assert ask("export", "--store", opensearch.url, "--format", "ndjson").out == b""


class _Canned(http.server.BaseHTTPRequestHandler):
    """Says the same of itself to everybody."""

    status, answer = 200, b""

    def do_GET(self) -> None:
        """The answer."""
        self.send_response(self.status)
        self.send_header("content-length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def somebody() -> Iterator[tuple[str, type[_Canned]]]:
    """A server of whatever kind, and what it answers."""

    class Answering(_Canned):
        pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", Answering
        server.shutdown()
        thread.join()


OLD = {"version": {"number": "2.11.0", "distribution": "opensearch"}, "tagline": "The OpenSearch Project"}
ELASTIC = {"version": {"number": "8.15.0", "build_flavor": "default"}, "tagline": "You Know, for Search"}


@pytest.mark.parametrize(
    ("status", "answer", "code", "said"),
    [
        (200, b"<html>hello</html>", 4, "web page"),
        (404, b"nothing here", 4, "answers 404"),
        (200, json.dumps(ELASTIC).encode(), 4, "is Elasticsearch 8.15.0"),
        (200, json.dumps(OLD).encode(), 4, "2.19 or later"),
        (200, b'{"product":"something"}', 4, "is not OpenSearch"),
        (401, b"Unauthorized", 3, "asks who we are"),
        (503, b'{"error":{"type":"x","reason":"OpenSearch Security not initialized."},"status":503}', 4, "not init"),
    ],
)
def test_who_is_no_store_is_named_in_one_line(
    somebody: tuple[str, type[_Canned]], status: int, answer: bytes, code: int, said: str
) -> None:
    url, answering = somebody
    answering.status, answering.answer = status, answer
    found = ask("count", "--store", url)
    assert (found.out, found.code) == (b"", code)
    assert said in found.err
    assert url in found.err
    assert "Traceback" not in found.err


def test_nobody_there_is_said_with_the_address() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    found = ask("search", "--store", url)
    assert (found.code, url in found.err, "--store" in found.err) == (4, True, True)


def test_credentials_in_the_url_are_refused_and_not_repeated() -> None:
    found = ask("count", "--store", "http://ada:hunter2@127.0.0.1:9")
    assert found.code == 2
    assert "store_password_file" in found.err
    assert "hunter2" not in found.err
