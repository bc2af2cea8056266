"""Exports over HTTP: named, counted beforehand, packed for who takes it, and let go of when nobody reads."""

import csv
import gzip
import io
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import Message

from support.records import item
from support.serving import Server, make
from whodid_indexer.access.caller import OPEN, enter
from whodid_indexer.api.exports import EXPORTS_AT_ONCE, Exports, takes_gzip
from whodid_indexer.api.readers import Readers
from whodid_indexer.api.trail import Trail
from whodid_indexer.ingest.budget import Overloaded
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_schema.meta import default_meta
from whodid_schema.record import Record

UNTIL = {"until": "2025-11-24T16:00:01Z"}


def rows_of(response: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.text.removeprefix("\ufeff"), newline="")))


@pytest.mark.parametrize("form", ["ndjson", "jsonl", "csv"])
def test_an_export_says_beforehand_how_many_rows_it_has(server: Server, form: str) -> None:
    response = server.get(f"/api/v1/export.{form}", UNTIL | {"actor": "Ana Ruiz"})
    rows = rows_of(response) if form == "csv" else response.text.splitlines()
    assert response.headers["whodid-rows"] == str(len(rows)) == "17"
    name = response.headers["content-disposition"]
    assert name.startswith('attachment; filename="whodid-2')
    assert name.endswith('.csv"' if form == "csv" else '.ndjson"')


def test_jsonl_is_another_name_of_ndjson(server: Server) -> None:
    lines, same = (server.get(f"/api/v1/export.{form}", UNTIL) for form in ("ndjson", "jsonl"))
    assert lines.content == same.content
    assert lines.headers["content-type"] == same.headers["content-type"] == "application/x-ndjson"


def test_an_empty_export_has_its_heading_and_no_rows(server: Server) -> None:
    response = server.get("/api/v1/export.csv", {"actor": "nobody"})
    assert response.text == "time,layer,outcome,actor,workspace,action,target,ip,device,details,id\r\n"
    assert response.headers["whodid-rows"] == "0"
    assert server.get("/api/v1/export.ndjson", {"actor": "nobody"}).content == b""


def test_who_is_asked_for_the_head_alone_sends_no_rows(server: Server) -> None:
    response = server.client.head(server.url + "/api/v1/export.csv", params=UNTIL)
    assert (response.status_code, response.headers["whodid-rows"], response.content) == (200, "50", b"")
    for _ in range(EXPORTS_AT_ONCE + 1):
        assert server.client.head(server.url + "/api/v1/export.ndjson").status_code == 200


def test_times_are_in_the_zone_asked_for(server: Server) -> None:
    asked = {"target": "report:0", "columns": "time"}
    assert server.get("/api/v1/export.csv", asked).text == "time\r\n2025-11-24T16:00:00.000000Z\r\n"
    assert server.get("/api/v1/export.csv", asked | {"tz": "Asia/Tokyo"}).text == (
        "time\r\n2025-11-25T01:00:00.000000+09:00\r\n"
    )
    assert server.get("/api/v1/export.csv", asked | {"tz": "Asia/Tokyo", "excel": "true"}).content.decode() == (
        "\ufefftime (Asia/Tokyo)\r\n2025-11-25 01:00:00\r\n"
    )


def test_an_export_is_packed_for_who_takes_it(server: Server) -> None:
    plain = server.get("/api/v1/export.csv", UNTIL, headers={"accept-encoding": "identity"})
    with server.client.stream(
        "GET", server.url + "/api/v1/export.csv", params=UNTIL, headers={"accept-encoding": "gzip;q=0.5, br"}
    ) as packed:
        body = b"".join(packed.iter_raw())
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(body) == plain.content
    assert len(body) < len(plain.content)


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        ("", False),
        ("gzip", True),
        ("GZip , deflate", True),
        ("deflate, br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("gzip;q=0.001", True),
        ("*", True),
        ("*;q=0", False),
        ("identity, x-gzip", True),
        (";;,,q=0", False),
    ],
)
def test_what_accept_encoding_says(accepted: str, taken: bool) -> None:
    assert takes_gzip(accepted) is taken


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"tz": "Mars/Olympus"}, "bad_query"),
        ({"tz": "../../etc/passwd"}, "bad_query"),
        ({"excel": "maybe"}, "usage"),
        ({"columns": "tiem"}, "usage"),
        ({"columns": ","}, "usage"),
        ({"order": "up"}, "usage"),
        ({"column": "id"}, "unknown_parameter"),
    ],
)
def test_what_cannot_be_exported_is_refused_before_anything_is_sent(
    server: Server, parameters: dict[str, str], code: str
) -> None:
    response = server.get("/api/v1/export.csv", parameters)
    assert (response.status_code, response.json()["code"]) == (400, code)
    assert "whodid-rows" not in response.headers


class _Recorded:
    """A recorder that has recorded everything: no part of what these tests are about."""

    def record(self, event: Record) -> str | None:
        return None


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    """Over a store with three records; a client is stalled after a twentieth of a second."""
    path = tmp_path / "audit.db"
    SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    with closing(SqliteStore(path)) as store:
        store.create([item(make(number)) for number in range(3)])
    return Exports(Readers(lambda: SqliteReader(path)), stalled=0.05)


def _request() -> Request:
    app = Starlette()
    app.state.trail = Trail(_Recorded())
    return Request({"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "app": app})


def test_a_client_that_stops_reading_is_let_go_of_and_its_place_is_free(exports: Exports) -> None:
    sent: list[Message] = []

    async def silent() -> Message:
        await anyio.sleep_forever()
        raise AssertionError

    async def full(message: Message) -> None:
        sent.append(message)
        await anyio.sleep_forever()

    async def stalled() -> None:
        enter(OPEN)
        request = _request()
        response = await exports.lines(request)
        await response(request.scope, silent, full)

    for _ in range(EXPORTS_AT_ONCE + 1):
        anyio.run(stalled)
    assert [message["type"] for message in sent] == ["http.response.start"] * (EXPORTS_AT_ONCE + 1)


def test_there_is_a_bound_to_exports_at_once_and_waiting_is_said(exports: Exports) -> None:
    async def many() -> None:
        enter(OPEN)
        for _ in range(EXPORTS_AT_ONCE):
            await exports.lines(_request())
        with pytest.raises(Overloaded):
            await exports.lines(_request())

    anyio.run(many)
