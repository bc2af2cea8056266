"""Numbered pages over a file and a cluster while events arrive whose times are older than the newest row's."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from support.browsing import Browser
from support.indexing import index, set_up
from support.opensearch.server import Server as OpenSearch
from support.records import item
from support.serving import NEWEST, Server, make
from whodid_schema.record import Record
from whodid_schema.timestamp import from_micros

THERE = [make(number) for number in range(0, 90, 2)]
LATE = [make(number, received_at=from_micros(NEWEST + 60_000_000 + number)) for number in range(1, 60, 2)]


@pytest.fixture(params=["file", "cluster"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    store = None
    if request.param == "cluster":
        node: OpenSearch = request.getfixturevalue("opensearch")
        set_up(node)
        store = node.url
    with Server(tmp_path, store) as running:
        yield running
    assert "Traceback" not in running.log.read_text()


def put(server: Server, request: pytest.FixtureRequest, records: list[Record]) -> None:
    """As an agent of that store does."""
    if server.store.startswith("sqlite"):
        assert {result.outcome for result in server.create(records)} == {"indexed"}
    else:
        node: OpenSearch = request.getfixturevalue("opensearch")
        assert set(index(node, [item(record) for record in records])) == {201}


def test_pages_do_not_shift_while_older_events_arrive_and_the_page_says_that_they_do(
    server: Server, request: pytest.FixtureRequest
) -> None:
    put(server, request, THERE)
    with Browser(server.url) as browser:
        page = browser.get("/?last=all")
        seen = list(page.rows)
        assert "events keep coming" not in page.root.one("p", id="shown").text
        for late in (LATE[:15], LATE[15:]):
            put(server, request, late)
            page = browser.get(page.root.find("a", rel="next")[0]["href"])
            shown = page.root.one("p", id="shown").text
            assert " of 45 · events keep coming: the figures count " in shown
            seen += page.rows
        assert seen == [record.id for record in THERE], "none twice, none left out"
        assert not page.root.find("a", rel="next")
        back = page.root.find("a", rel="prev")[0]["href"]
        assert browser.get(back).rows == seen[20:40]
        fresh = browser.get("/?last=all")
        assert fresh.total == 75


def test_an_older_address_without_the_mark_of_arrivals_still_works(
    server: Server, request: pytest.FixtureRequest
) -> None:
    put(server, request, THERE)
    with Browser(server.url) as browser:
        assert browser.get(f"/?last=all&page=2&snapshot={NEWEST}.{NEWEST}").rows == [r.id for r in THERE[20:40]]
        for wrong in ("1.2.3.4", "1.2.x", f"1.2.{'9' * 18}", "1..2"):
            assert browser.get(f"/?last=all&snapshot={wrong}").status == 400
        assert msgspec.json.decode(browser.get("/api/v1/count").text) == {"count": 45}
