"""`POST /_bulk`: one result per item, nothing of a refused request, everything acknowledged survives a kill."""

import gzip
import http.client
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import zstandard

from support.running import wait_until
from support.serving import Server, bulk_body, make
from whodid_schema.bulk import DUPLICATE, INDEXED, Outcome, Result, action, read_response


def test_each_item_has_its_own_result_in_order(server: Server) -> None:
    broken = action("whodid-activity", "0" * 26) + b'{"@timestamp":\n'
    body = bulk_body([make(1000)]) + broken + bulk_body([make(1000), make(1001)])
    results = read_response(server.post(body).content, 4)
    assert results[0] == INDEXED
    assert results[1].outcome is Outcome.REJECTED
    assert results[2:] == [DUPLICATE, INDEXED]


def test_a_rejected_item_says_why(server: Server) -> None:
    item = server.post(action("whodid-activity", "0" * 26) + b"[1]\n").json()["items"][0]["create"]
    assert item["status"] == 400
    assert item["error"]["type"]
    assert item["error"]["reason"]


def test_what_was_sent_twice_is_there_once(server: Server) -> None:
    records = [make(number) for number in range(2000, 2010)]
    assert server.create(records) == [INDEXED] * 10
    assert server.create(records) == [DUPLICATE] * 10
    assert server.get("/api/v1/count", {"target": "report:2003"}).json() == {"count": 1}


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(bulk_body([make(3000)]), mtime=0)),
        ("zstd", zstandard.ZstdCompressor().compress(bulk_body([make(3001)]))),
        ("identity", bulk_body([make(3002)])),
    ],
)
def test_bodies_may_be_packed(server: Server, encoding: str, packed: bytes) -> None:
    response = server.post(packed, content_encoding=encoding)
    assert read_response(response.content, 1)[0].outcome in (Outcome.INDEXED, Outcome.DUPLICATE)


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"", {}, 400, "malformed_bulk"),
        (b"\n", {}, 400, "malformed_bulk"),
        (b'{"create":{"_id":"x"}}\n{}\n', {}, 400, "malformed_bulk"),
        (b'{"index":{"_index":"whodid-activity","_id":"x"}}\n{}\n', {}, 400, "malformed_bulk"),
        (action("whodid-activity", "x"), {}, 400, "malformed_bulk"),
        (action("whodid-activity", "x") + b"{}", {}, 400, "malformed_bulk"),
        (b"\xff\xfe\n\x00\n", {}, 400, "malformed_bulk"),
        (b"[" * 100_000 + b"\n{}\n", {}, 400, "malformed_bulk"),
        (bulk_body([make(4000)]), {"content_type": "text/plain"}, 415, "unsupported_media_type"),
        (bulk_body([make(4000)]), {"content_type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        (bulk_body([make(4000)]), {"content_encoding": "br"}, 415, "unsupported_encoding"),
        (bulk_body([make(4000)]), {"content_encoding": "gzip"}, 400, "broken_encoding"),
        (bulk_body([make(4000)]), {"content_encoding": "zstd"}, 400, "broken_encoding"),
        (gzip.compress(bulk_body([make(4000)]), mtime=0)[:-9], {"content_encoding": "gzip"}, 400, "broken_encoding"),
        (zstandard.compress(bulk_body([make(4000)]))[:-2], {"content_encoding": "zstd"}, 400, "broken_encoding"),
        (gzip.compress(b" " * (81 << 20), 1, mtime=0), {"content_encoding": "gzip"}, 413, "too_large"),
        (zstandard.compress(b" " * (81 << 20)), {"content_encoding": "zstd"}, 413, "too_large"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_whole(
    server: Server, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    response = server.post(body, **headers)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert server.get("/api/v1/count", {"target": "report:4000"}).json() == {"count": 0}


def test_a_fault_names_its_line(server: Server) -> None:
    response = server.post(bulk_body([make(4001)]) + b'{"delete":{"_index":"i","_id":"x"}}\n{}\n')
    assert response.json()["detail"].startswith("line 3:")


def declare(server: Server, size: int) -> socket.socket:
    """A connection that has said how much it is about to post, and nothing more."""
    connection = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=10)
    connection.sendall(
        b"POST /_bulk HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n"
        b"Content-Length: %d\r\n\r\n" % size
    )
    return connection


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(server: Server) -> None:
    with declare(server, 999_999_999) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_more_than_the_server_may_hold_is_put_off_and_welcome_later(server: Server) -> None:
    with declare(server, 79 << 20), declare(server, 79 << 20):
        wait_until(lambda: b"held_bytes 1.65" in server.get("/metrics").content, "both declared", 10)
        with declare(server, 79 << 20) as third:
            answer = third.recv(4096)
            assert answer.startswith(b"HTTP/1.1 429 ")
            assert b"retry-after: 1\r\n" in answer
    wait_until(lambda: b"held_bytes 0.0" in server.get("/metrics").content, "their places given back", 10)
    assert server.create([make(6000)]) == [INDEXED]


def test_a_chunked_body_is_taken(server: Server) -> None:
    whole = bulk_body([make(5000), make(5001)])
    response = httpx.post(
        server.url + "/_bulk",
        content=iter([whole[:100], whole[100:]]),
        headers={"content-type": "application/json; charset=utf-8"},
    )
    assert read_response(response.content, 2) == [INDEXED, INDEXED]


def test_clients_that_write_at_once_each_get_their_own_results(tmp_path: Path) -> None:
    """Eight clients post overlapping batches; every record is new to exactly one of them."""
    answers: list[list[Result]] = [[] for _ in range(8)]
    with Server(tmp_path) as server:

        def client(who: int) -> None:
            with httpx.Client() as own:
                for batch in range(10):
                    records = [make(batch * 100 + place * 8 + who) for place in range(20)]
                    shared = [make(100_000 + batch)]
                    body = bulk_body(records + shared)
                    headers = {"content-type": "application/x-ndjson"}
                    response = own.post(server.url + "/_bulk", content=body, headers=headers, timeout=30)
                    answers[who] += read_response(response.content, 21)

        threads = [threading.Thread(target=client, args=(who,)) for who in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        distinct = len(
            {batch * 100 + place * 8 + who for who in range(8) for batch in range(10) for place in range(20)}
        )
        assert server.get("/api/v1/count").json() == {"count": distinct + 10}
        assert sum(result == INDEXED for answer in answers for result in answer) == distinct + 10
        assert all(result in (INDEXED, DUPLICATE) for answer in answers for result in answer)


def test_everything_acknowledged_is_there_once_after_kill_9(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    server = Server(tmp_path)
    with server:
        for life in range(2):
            stop = threading.Event()
            thread = threading.Thread(target=_post_until_cut, args=(server, life, acknowledged, stop))
            thread.start()
            stop.wait(0.7)
            server.daemon.kill()
            thread.join()
            server.start()
        lines = server.get("/api/v1/export.ndjson").text.splitlines()
    stored = [json.loads(line)["id"] for line in lines]
    assert len(stored) == len(set(stored))
    assert acknowledged
    assert acknowledged <= set(stored)


def _post_until_cut(server: Server, life: int, acknowledged: set[str], stop: threading.Event) -> None:
    url = server.url
    with httpx.Client() as client:
        for batch in range(10_000):
            records = [make(life * 1_000_000 + batch * 50 + place) for place in range(50)]
            try:
                response = client.post(
                    url + "/_bulk", content=bulk_body(records), headers={"content-type": "application/x-ndjson"}
                )
            except httpx.HTTPError:
                stop.set()
                return
            assert response.status_code == 200
            acknowledged.update(str(record.id) for record in records)


def test_sigterm_lets_what_is_under_way_end_and_leaves_with_0(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        body = bulk_body(make(number) for number in range(3000))
        with closing(http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)) as sender:
            sender.putrequest("POST", "/_bulk")
            for header, value in (("Content-Type", "application/x-ndjson"), ("Content-Length", str(len(body)))):
                sender.putheader(header, value)
            sender.endheaders(body[:1000])
            assert server.get("/healthz").status_code == 200  # connections are taken in their order: ours was
            with ThreadPoolExecutor() as pool:
                left = pool.submit(server.daemon.stop)
                sender.send(body[1000:])
                assert read_response(sender.getresponse().read(), 3000) == [INDEXED] * 3000
                assert left.result(timeout=30) == 0
        server.start()
        assert server.get("/api/v1/count").json() == {"count": 3000}
