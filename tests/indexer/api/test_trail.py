"""What is asked over HTTP is an event of the store: one for five minutes of the same; exports before they begin."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest
from starlette.requests import Request

from support.running import wait_until
from support.serving import Server, make
from whodid_indexer.access.caller import OPEN, enter
from whodid_indexer.api.trail import Trail
from whodid_indexer.query.model import AuditQuery, Term
from whodid_indexer.store.remote import ACTION_HEADER, RemoteStore
from whodid_schema.errors import StateError
from whodid_schema.record import Record, decode

OWN = AuditQuery(terms=(Term("surface", ("audit",)),))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as running:
        running.create(make(number) for number in range(9))
        yield running


def own(server: Server, least: int) -> list[Record]:
    """whodid's own events that are not about this question, oldest first, once there are `least`."""
    store = RemoteStore(server.url)
    found: list[Record] = []

    def there() -> bool:
        found[:] = [decode(body) for body in store.scan(OWN, ascending=True)]
        found[:] = [
            record for record in found if "surface:audit" not in (record.metadata or {}).get("question", "")[:13]
        ]
        return len(found) >= least

    wait_until(there, f"{least} events of whodid's own")
    store.close()
    return found


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("/api/v1/events?actor=Ana+Ruiz", "search"),
        ("/api/v1/count?actor=Ana+Ruiz", "count"),
        ("/api/v1/facets?actor=Ana+Ruiz", "facets"),
        ("/api/v1/stats?actor=Ana+Ruiz", "stats"),
        ("/api/v1/export.csv?actor=Ana+Ruiz", "export"),
        ("/api/v1/export.ndjson?actor=Ana+Ruiz", "export"),
    ],
)
def test_every_question_leaves_its_trail_once(server: Server, path: str, action: str) -> None:
    for _ in range(3):
        httpx.get(server.url + path, headers={"user-agent": "curl/8"}).raise_for_status()
    event, *more = own(server, 1)
    assert len(more) <= 1  # a second one where five minutes ended in between
    assert event.action == f"whodid.{action}"
    assert event.metadata is not None
    assert event.metadata["question"] == 'actor:"Ana Ruiz" -surface:audit'
    assert event.client is not None
    assert (event.client.ip, event.client.user_agent) == ("127.0.0.1", "curl/8")


def test_a_record_looked_at_is_named_and_one_that_is_not_there_is_not(server: Server) -> None:
    identity = make(3).id
    httpx.get(f"{server.url}/api/v1/events/{identity}").raise_for_status()
    assert httpx.get(f"{server.url}/api/v1/events/{'0' * 26}").status_code == 404
    (event,) = own(server, 1)
    assert event.target is not None
    assert event.target.id == identity


def test_a_client_says_what_it_does_but_never_that_an_export_is_less(server: Server) -> None:
    for action in ("export", "count"):
        httpx.get(f"{server.url}/api/v1/count", headers={ACTION_HEADER: action}).raise_for_status()
    httpx.get(f"{server.url}/api/v1/export.ndjson", headers={ACTION_HEADER: "search"}).raise_for_status()
    assert {event.action for event in own(server, 2)} == {"whodid.export", "whodid.count"}


class Full:
    """A recorder whose store takes nothing."""

    def record(self, event: Record) -> str | None:
        return "the disk is full"


def request() -> Request:
    enter(OPEN)
    return Request({"type": "http", "headers": [], "client": ("127.0.0.1", 1)})


def test_an_export_that_cannot_be_recorded_does_not_begin() -> None:
    trail = Trail(Full())
    with pytest.raises(StateError, match="the disk is full"):
        anyio.run(trail.require, request(), "export")
    assert trail.unrecorded == 1


def test_a_question_that_cannot_be_recorded_is_counted_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    trail = Trail(Full())
    trail.start()
    trail.note(request(), "search")
    wait_until(lambda: trail.unrecorded == 1, "the thread")
    trail.note(request(), "search")
    trail.close()
    assert trail.unrecorded == 2
    assert "is not recorded: the disk is full" in caplog.text
