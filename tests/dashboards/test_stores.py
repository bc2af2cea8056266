"""The same pages over OpenSearch as over the embedded store: rows, totals, figures, values, bars, an event."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.browsing import Browser, Page
from support.indexing import index, set_up
from support.opensearch.server import Server as OpenSearch
from support.records import item, records
from support.running import Daemon, wait_until
from support.serving import Server

DAY = 86_400_000_000
NOW = time.time_ns() // 1000
STORED = list(records(11, 120, NOW - 6 * DAY, DAY // 24, actors=9))


@pytest.fixture
def both(opensearch: OpenSearch, tmp_path: Path) -> Iterator[tuple[Browser, Browser]]:
    """A browser at a server over a file, and one at a server over a cluster, with the same records."""
    set_up(opensearch)
    index(opensearch, [item(record) for record in STORED])
    ready, log = tmp_path / "cluster-url", tmp_path / "cluster-log"
    arguments = ["serve", "--store", opensearch.url, "--listen", "127.0.0.1:0", "--ready-file", str(ready)]
    with Server(tmp_path) as file, Daemon("whodid", arguments, log):
        file.create(STORED)
        wait_until(lambda: ready.exists() and ready.read_text() != "", f"the server: {log.read_text()}")
        with Browser(file.url) as first, Browser(ready.read_text().strip()) as second:
            yield first, second
    assert "Traceback" not in log.read_text()


PARTS = {"figures", "volume", "mix", "people", "categories", "results", "around", "signed", "sections", "wide"}


def shown(page: Page) -> list[tuple[str, list[str]]]:
    """What a person reads, and the links, in the parts that come from the store.

    Not the filters' column: what of it is counted depends on how fast a loaded machine is.
    """
    parts = [one for one in page.root.walk() if PARTS.intersection(one.get("class").split())]
    return [(one.text, [each["href"] for each in one.find("a")]) for one in parts]


def answered(browser: Browser, way: str) -> Page:
    """The page; asked again where the cluster has just begun an index (what is asked is recorded) and says 503."""
    page = browser.get(way)
    for _ in range(20):
        if page.status != 503:
            break
        assert page.response.headers["retry-after"]
        time.sleep(0.3)
        page = browser.get(way)
    return page


def test_every_page_says_the_same_on_both_stores(both: tuple[Browser, Browser]) -> None:
    ways = [
        "/?last=all",
        "/?last=all&verb=update,sign_in&not-outcome=failure&tz=Europe/Paris",
        "/?last=all&q=-(verb:update+OR+ip:10.1.0.0/16)&interval=hour",
        "/?last=all&page=3",
        "/?actor=nobody&last=all",
        *(f"/values/{axis}?last=all&anyway=1&not-verb=create" for axis in ("actor", "verb", "type", "ip", "target")),
        f"/event/{STORED[-1].id}?last=all&kind=write",
    ]
    for way in ways:
        file, cluster = (answered(browser, f"{way}&snapshot={NOW}.{NOW}") for browser in both)
        assert (file.status, cluster.status) == (200, 200), cluster.root.text
        for one, other in zip(shown(file), shown(cluster), strict=True):
            assert one == other, way


def test_a_list_is_walked_whole_and_bad_input_is_a_page_over_a_cluster(both: tuple[Browser, Browser]) -> None:
    _, cluster = both
    page = answered(cluster, "/?last=all")
    seen = list(page.rows)
    while page.root.find("a", rel="next"):
        page = answered(cluster, page.root.find("a", rel="next")[0]["href"])
        seen += page.rows
    newest_first = sorted(STORED, key=lambda one: (one.timestamp or "", one.id or ""), reverse=True)
    assert seen == [record.id for record in newest_first]
    for query, status in (("q=actr:x", 400), ("page=501", 400), ("tz=Mars", 400)):
        assert cluster.get(f"/?{query}").status == status
    assert cluster.get("/event/0000").status == 404
