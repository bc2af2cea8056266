"""How fast the pages come up in a real Chromium: `python tests/performance/bench_viewer.py [RECORDS] [ROUNDS]`.

Loads RECORDS (500,000) made from a seed over the last seven days, starts `whodid serve` over them and opens pages as
somebody does who looks at all seven days: the first view, a filter by one click on a value (another one each time), an
event by one click. Prints milliseconds from the click to the page that is loaded, styled and painted, how many of
them the server took to its answer's last byte, and how large the page is as it is sent (gzip). Beside them the limits
that the pages are held to. The first visit of all is left out.
"""

import argparse
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page, sync_playwright

from support import chromium
from support.records import item, records
from support.serving import Server
from whodid_indexer.store.sqlite import SqliteStore
from whodid_schema.meta import default_meta

SPAN = 7 * 86_400_000_000
LIMITS = {"first view": 600, "filter": 400, "detail": 100}
"""Milliseconds."""
LARGEST = 60
"""Kilobytes of a page, compressed."""

TIMING = """async () => {
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const [visit] = performance.getEntriesByType("navigation");
  const painted = performance.getEntriesByName("first-contentful-paint").map((one) => one.startTime);
  return [Math.max(visit.loadEventEnd, ...painted), visit.responseEnd - visit.requestStart, visit.encodedBodySize];
}"""


class Visit(NamedTuple):
    """Milliseconds to the painted page, those that the server took of them, and the page's bytes."""

    painted: float
    server: float
    size: int


def load(path: Path, number: int, end: int) -> None:
    """Fill the store with the seven days before `end`."""
    SqliteStore.setup(path, default_meta(datetime.now(UTC)))
    store = SqliteStore(path)
    made = (item(record) for record in records(7, number, end - SPAN, SPAN // number))
    while batch := list(islice(made, 5_000)):
        store.create(batch)
    store.close()


def timed(page: Page) -> Visit:
    """Of the page that is being loaded."""
    page.wait_for_load_state("load")
    painted, server, size = page.evaluate(TIMING)
    return Visit(painted, server, size)


def journey(page: Page, url: str, rounds: int) -> dict[str, list[Visit]]:
    """The visits by their kind."""
    found: dict[str, list[Visit]] = {kind: [] for kind in LIMITS}
    for turn in range(rounds + 1):
        page.goto(url, wait_until="commit")
        first = timed(page)
        values = page.locator(".filters a.what:not([aria-current])")
        values.nth(turn % values.count()).click(no_wait_after=True)
        page.wait_for_url(lambda now: now != url, wait_until="commit")
        filtered = timed(page)
        page.locator("a.event").first.click(no_wait_after=True)
        page.wait_for_url("**/event/**", wait_until="commit")
        for kind, visit in zip(LIMITS, (first, filtered, timed(page)), strict=True):
            if turn:
                found[kind].append(visit)
    return found


def report(kind: str, visits: list[Visit]) -> str:
    """A line: medians and 95th percentiles, the largest page, the limits."""
    painted, server = (sorted(values) for values in list(zip(*visits, strict=True))[:2])
    worst = round(0.95 * (len(visits) - 1))
    return (
        f"{kind:12s} painted p50 {statistics.median(painted):6.0f}  p95 {painted[worst]:6.0f} ms (limit {LIMITS[kind]})"
        f"   server p50 {statistics.median(server):6.0f}  p95 {server[worst]:6.0f} ms"
        f"   page {max(visit.size for visit in visits) / 1_000:5.1f} kB (limit {LARGEST})\n"
    )


def main() -> None:
    """Load, serve, look."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", nargs="?", type=int, default=500_000)
    parser.add_argument("rounds", nargs="?", type=int, default=15)
    given = parser.parse_args()
    browser = chromium.find()
    if browser is None:
        sys.exit("Chromium is not installed (make system)")
    with tempfile.TemporaryDirectory() as folder:
        load(Path(folder) / "audit.db", given.records, time.time_ns() // 1_000)
        with Server(Path(folder)) as server, sync_playwright() as playwright:
            running = playwright.chromium.launch(executable_path=browser, args=list(chromium.ARGUMENTS))
            page = running.new_page(viewport={"width": 1280, "height": 900})
            for kind, visits in journey(page, f"{server.url}/?last=7d", given.rounds).items():
                sys.stdout.write(report(kind, visits))
            running.close()


if __name__ == "__main__":
    main()
