"""An export with a ticket: its progress, its manifest, its end when it is not wanted any more; nobody else sees it."""

import time
from pathlib import Path

import httpx
import pytest

from support.records import records
from support.serving import NEWEST, Server
from support.tokens import make_token
from whodid_indexer.access.roles import Grant
from whodid_indexer.export.manifest import manifest_of, verify

TICKET = "0123456789abcdef"
UNTIL = {"until": "2025-11-24T16:00:01Z"}


def export(server: Server, ticket: str, **more: str) -> httpx.Response:
    return server.get("/api/v1/export.csv", UNTIL | {"ticket": ticket} | more)


def test_the_manifest_of_a_finished_export_verifies_its_file(server: Server, tmp_path: Path) -> None:
    answer = export(server, "verifies-its-file-1", actor="Ana Ruiz", columns="time,actor,ip")
    progress = server.get("/api/v1/exports/verifies-its-file-1").json()
    manifest = server.get("/api/v1/exports/verifies-its-file-1/manifest")
    file = tmp_path / answer.headers["content-disposition"].partition('"')[2].rstrip('"')
    file.write_bytes(answer.content)
    manifest_of(file).write_bytes(manifest.content)
    known = verify(file)
    assert (known.rows, known.columns, known.recorded) == (17, ("time", "actor", "ip"), True)
    assert known.query.text == 'until:2025-11-24T16:00:01Z actor:"Ana Ruiz" -surface:audit'
    assert progress == {
        "state": "complete", "rows": 17, "promised": [17, 17], "bytes": len(answer.content), "sha256": known.sha256,
    }  # fmt: skip
    assert manifest.headers["content-disposition"] == f'attachment; filename="{file.name}.manifest.json"'


def test_compressed_on_the_way_the_manifest_is_that_of_the_file_as_it_is_saved(server: Server) -> None:
    answer = server.client.get(
        server.url + "/api/v1/export.ndjson",
        params=UNTIL | {"ticket": "compressed-on-the-way"},
        headers={"accept-encoding": "gzip"},
    )
    assert answer.headers["content-encoding"] == "gzip"
    assert server.get("/api/v1/exports/compressed-on-the-way").json()["bytes"] == len(answer.content)


def test_an_export_that_is_not_wanted_any_more_is_broken_off(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.create(records(1, 8_000, NEWEST - 8_000_000_000, 1_000_000, actors=9))
        parameters = {"ticket": TICKET, "columns": "time,actor,raw,metadata,id"}
        plain = {"accept-encoding": "identity"}
        with httpx.stream("GET", f"{server.url}/api/v1/export.csv", params=parameters, headers=plain) as answer:
            pieces = answer.iter_raw(1024)
            next(pieces)
            assert server.client.delete(f"{server.url}/api/v1/exports/{TICKET}").status_code == 204
            with pytest.raises(httpx.RemoteProtocolError):
                list(pieces)
        deadline = time.monotonic() + 5
        while (progress := server.get(f"/api/v1/exports/{TICKET}").json())["state"] == "running":
            assert time.monotonic() < deadline
        assert progress["state"] == "broken"
        assert progress["rows"] < 8_000
        assert server.get(f"/api/v1/exports/{TICKET}/manifest").status_code == 404


@pytest.mark.parametrize("ticket", ["short", "a" * 65, "../../etc/passwd-xyz", "semicolon;semicolon"])
def test_what_is_no_ticket_is_refused_before_anything_is_exported(server: Server, ticket: str) -> None:
    answer = export(server, ticket)
    assert answer.status_code == 400
    assert "is no ticket" in answer.json()["detail"]


def test_a_ticket_serves_once(server: Server) -> None:
    assert export(server, "a-ticket-serves-once").status_code == 200
    assert export(server, "a-ticket-serves-once").status_code == 409


def test_nobody_else_sees_how_far_an_export_is_or_breaks_it_off(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.create(records(1, 10, NEWEST - 40_000_000, 1_000_000, actors=2))
        ours, theirs = (make_token(server.file, Grant("auditor"), name) for name in ("ours", "theirs"))
        mine, other = ({"authorization": f"Bearer {token}"} for token in (ours, theirs))
        address = f"{server.url}/api/v1/exports/{TICKET}"
        assert httpx.get(f"{server.url}/api/v1/export.csv", params={"ticket": TICKET}, headers=mine).status_code == 200
        assert httpx.get(address, headers=other).status_code == 404
        assert httpx.get(address + "/manifest", headers=other).status_code == 404
        assert httpx.get(address, headers=mine).json()["state"] == "complete"
