"""The core journeys where the store is an OpenSearch: from a word to the event and back, pages, a view's command."""

import json
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from support.indexing import index, set_up
from support.opensearch.server import Server as OpenSearch
from support.records import item
from support.running import Daemon, wait_until, whodid
from support.visits import Visit, Visitor
from support.week import recent


def own_index_is_ready(opensearch: OpenSearch) -> bool:
    """Whether the index for whodid's own events, which the first question begins, answers too."""
    shards = opensearch.request("GET", "/_cat/shards/whodid-audit-*?format=json&h=prirep,state")
    return ("p", "STARTED") in {(shard["prirep"], shard["state"]) for shard in shards}


@pytest.fixture
def cluster(opensearch: OpenSearch, tmp_path: Path, visitor: Visitor) -> Iterator[Visit]:
    """A tab at a server over a cluster with sixty records of three people."""
    set_up(opensearch)
    index(opensearch, [item(record) for record in recent(range(60), datetime.now(UTC))])
    ready, log = tmp_path / "url", tmp_path / "log"
    arguments = ["serve", "--store", opensearch.url, "--listen", "127.0.0.1:0", "--ready-file", str(ready)]
    with Daemon("whodid", arguments, log):
        wait_until(lambda: ready.exists() and ready.read_text() != "", f"the server: {log.read_text()}")
        url = ready.read_text().strip()
        httpx.get(f"{url}/", headers={"accept": "text/html"}, timeout=30)
        wait_until(lambda: own_index_is_ready(opensearch), "the index of whodid's own events")
        yield visitor(url)
    assert "Traceback" not in log.read_text()


def test_from_a_word_and_a_facet_to_the_event_and_back_over_a_cluster(cluster: Visit) -> None:
    page = cluster.open()
    assert cluster.total == 60
    page.get_by_role("searchbox", name="Search").fill("updated")
    cluster.follow(page.get_by_role("button", name="Search"))
    choice = page.locator(".choice", has=page.get_by_role("link", name="failure", exact=True))
    promised = int(choice.locator(".count").inner_text())
    cluster.follow(choice.locator("a.what"))
    expect(page.locator(".pills li")).to_have_count(2)
    assert cluster.total == promised == 12
    description = page.locator(".events a.event").first.inner_text()
    cluster.follow(page.locator(".events a.event").first)
    expect(page.get_by_role("heading", level=1)).to_have_text(description)
    cluster.follow(page.get_by_role("link", name="Back to the list"))
    assert cluster.total == 12


def test_pages_and_the_command_of_a_view_over_a_cluster(cluster: Visit, opensearch: OpenSearch) -> None:
    page = cluster.open("/?q=-outcome:failure")
    command = shlex.split(page.locator("#as-cli").input_value())
    seen = cluster.ids()
    while page.locator("a[rel=next]").count():
        cluster.follow(page.locator("a[rel=next]"))
        seen += cluster.ids()
    printed = whodid(*command[1:], "--store", opensearch.url, "--format", "ndjson", "--limit", "100").stdout
    assert [json.loads(line)["id"] for line in printed.splitlines()] == seen
    assert len(seen) == 48
