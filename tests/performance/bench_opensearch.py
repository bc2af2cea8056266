"""How little reading OpenSearch costs beside it: `python tests/performance/bench_opensearch.py [RECORDS]`.

Loads RECORDS (30,000) made from a seed over 30 days into a real node (WHODID_TEST_OPENSEARCH names an empty one, else
one is started). Each question is asked in turn by the reader and by a bare httpx loop that posts the same query and
reads the answer's bytes; the ratio is that of the medians. The scan is compared with a loop over a point in time, in
pages of the same size, whose answers are decoded for the place to go on; a process of its own says what memory the
scan takes. Facets and statistics have nothing to be compared with: milliseconds, as the median and the slowest.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import msgspec

from support.indexing import index, set_up
from support.opensearch.find import find
from support.opensearch.server import Server
from support.records import item, records
from whodid_indexer.query.counting import Axis, Measure
from whodid_indexer.query.model import ALL, AuditQuery, Term, Text
from whodid_indexer.store.base import Page
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.compile import compile_query
from whodid_indexer.store.opensearch.connect import connect
from whodid_indexer.store.opensearch.hits import order
from whodid_indexer.store.opensearch.read import OpenSearchReader
from whodid_indexer.store.opensearch.scan import MOST

DAY = 86_400_000_000
END = 1_795_000_000_000_000
START = END - 30 * DAY
ROUNDS = 60
WEEK = AuditQuery(END - 7 * DAY, END)
QUESTIONS = {
    "newest 50": ALL,
    "newest 50 of 7 days": WEEK,
    "one actor": AuditQuery(terms=(Term("actor.key", ("shop/user:3",)),)),
    "two axes, 7 days": AuditQuery(WEEK.since, WEEK.until, (Term("verb", ("create",)), Term("workspace", ("ws-1",)))),
    "words": AuditQuery(texts=(Text("cedar invoice"),)),
}
VIEWER = [Axis(name) for name in ("actor", "verb", "category", "type", "workspace", "outcome", "app", "surface")]


def load(server: Server, number: int) -> None:
    """Fill the store."""
    set_up(server)
    made = (item(record) for record in records(7, number, START, (END - START) // number))
    while batch := list(islice(made, 5_000)):
        if set(index(server, batch)) != {201}:
            raise SystemExit("the node did not take every record")


def overhead(reader: OpenSearchReader, bare: httpx.Client) -> None:
    """What the reader adds to each question."""
    for name, query in QUESTIONS.items():
        body = {"query": compile_query(query), "sort": order(ascending=False), "track_total_hits": True, "size": 51}
        sent = msgspec.json.encode(body | {"from": 0})

        def post(sent: bytes = sent) -> None:
            bare.post("/whodid/_search?allow_partial_search_results=false", content=sent).read()

        def ask(query: AuditQuery = query) -> None:
            reader.search(query, Page(limit=50))

        raw, ours = _in_turn(post, ask)
        sys.stdout.write(f"{name:24s} raw {raw * 1e3:6.2f} ms   reader {ours * 1e3:6.2f} ms   × {ours / raw:5.3f}\n")


def _in_turn(one: Callable[[], object], other: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """The medians of both, asked in turn so that both meet the same machine."""
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 5):
        for ask, times in zip((one, other), taken, strict=True):
            begun = time.perf_counter()
            ask()
            if number >= 5:
                times.append(time.perf_counter() - begun)
    return statistics.median(taken[0]), statistics.median(taken[1])


def raw_scan(bare: httpx.Client) -> Iterator[Any]:
    """Every hit of one moment, in the scan's order and its largest pages."""
    begun = bare.post("/whodid/_search/point_in_time?keep_alive=1m").json()["pit_id"]
    body: dict[str, Any] = {"sort": order(ascending=False), "track_total_hits": False, "size": MOST}
    body |= {"query": compile_query(ALL), "pit": {"id": begun, "keep_alive": "1m"}}
    while hits := msgspec.json.decode(bare.post("/_search", content=msgspec.json.encode(body)).content)["hits"]["hits"]:
        yield from hits
        body["search_after"] = hits[-1]["sort"]
    bare.request("DELETE", "/_search/point_in_time", content=msgspec.json.encode({"pit_id": [begun]}))


def scan(reader: OpenSearchReader, bare: httpx.Client, number: int) -> None:
    """The rate of a scan beside that of the bare loop."""
    raw, ours = _in_turn(lambda: _all(raw_scan(bare), number), lambda: _all(reader.scan(ALL), number), 5)
    sys.stdout.write(
        f"{'scan':24s} raw {number / raw:8,.0f}/s   reader {number / ours:8,.0f}/s   {raw / ours:4.0%} of raw\n"
    )


def _all(found: Iterator[Any], number: int) -> None:
    if sum(1 for _ in found) != number:
        raise SystemExit("the scan did not find every record")


def memory(url: str, number: int) -> None:
    """What a scan of everything adds to a process beyond what half of it does."""
    few, all_of_them = (
        int(subprocess.check_output([sys.executable, __file__, "--scan", str(many), "--url", url]))
        for many in (number // 2, number)
    )
    sys.stdout.write(f"{'memory of a scan':24s} {few / 1e3:.0f} MB for half, {all_of_them / 1e3:.0f} MB for all\n")


def counting(reader: OpenSearchReader) -> None:
    """Facets and statistics."""
    busy = AuditQuery(WEEK.since, WEEK.until, (Term("actor.key", ("shop/user:1",)), Term("verb", ("update",))))
    asked: dict[str, Callable[[], object]] = {
        "8 facets, 7 days": lambda: reader.facets(WEEK, VIEWER),
        "8 facets, 2 selected": lambda: reader.facets(busy, VIEWER),
        "8 facets, all": lambda: reader.facets(ALL, VIEWER),
        "targets and addresses": lambda: reader.facets(WEEK, [Axis("target"), Axis("ip")]),
        "statistics, 7 days": lambda: reader.stats(WEEK, Measure(END, "day", "Europe/Berlin")),
        "statistics, all": lambda: reader.stats(ALL, Measure(END, "hour", "Europe/Berlin")),
    }
    for name, ask in asked.items():
        taken = []
        for _ in range(12):
            begun = time.perf_counter()
            ask()
            taken.append((time.perf_counter() - begun) * 1e3)
        sys.stdout.write(f"{name:24s} {statistics.median(taken):6.1f} ms, slowest {max(taken):6.1f} ms\n")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", nargs="?", type=int, default=30_000)
    parser.add_argument("--scan", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.scan is not None:
        with closing(OpenSearchReader(*connect(given.url, Access()))) as reader:
            for _ in islice(reader.scan(ALL), given.scan):
                pass
        status = Path("/proc/self/status").read_text()  # getrusage would say the parent's, where that was larger
        sys.stdout.write(status.partition("VmHWM:")[2].split()[0])
        return
    with find() as server:
        load(server, given.records)
        headers = {"content-type": "application/json"}
        with (
            closing(OpenSearchReader(*connect(server.url, Access()))) as reader,
            httpx.Client(base_url=server.url, timeout=60, trust_env=False, headers=headers) as bare,
        ):
            overhead(reader, bare)
            scan(reader, bare, given.records)
            memory(server.url, given.records)
            counting(reader)
        server.clean()


if __name__ == "__main__":
    main()
