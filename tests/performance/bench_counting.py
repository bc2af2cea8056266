"""How fast the embedded store counts: `python tests/performance/bench_counting.py [RECORDS] [--file FILE]`.

Loads RECORDS (200,000) made from a seed over a year (into FILE, which is used as it is where it is there), then asks
for what a first view shows (the newest 50 with their total, eight facets, statistics with the period before) over 7
days, 90 days and the year, plain and filtered, and for lists under filters that find little. Milliseconds of
processor time: the median and the 95th percentile of the rounds.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

from support.records import item, records
from whodid_indexer.query.axis import COMMON
from whodid_indexer.query.counting import Axis, Measure
from whodid_indexer.query.model import AuditQuery, Term, Text
from whodid_indexer.store.base import Page
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_schema.meta import default_meta

DAY = 86_400_000_000
SPAN = 365 * DAY
START = 1_763_000_000_000_000
END = START + SPAN
ROUNDS = 15
AXES = [Axis(name) for name in COMMON]


def load(path: Path, number: int) -> None:
    """Fill the store."""
    SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    store = SqliteStore(path)
    made = (item(record) for record in records(7, number, START, SPAN // number))
    while batch := list(islice(made, 5_000)):
        store.create(batch)
    store.close()


def measure(name: str, ask: Callable[[], object]) -> None:
    """Print what one question takes."""
    ask()
    taken = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        answer = ask()
        taken.append((time.process_time() - begun) * 1e3)
    taken.sort()
    worst = taken[round(0.95 * (len(taken) - 1))]
    sys.stdout.write(f"{name:52s} p50 {statistics.median(taken):7.1f}  p95 {worst:7.1f} ms   {answer}\n")


def views(reader: SqliteReader) -> None:
    """List, facets, statistics."""
    filters = {
        "": (),
        ", 2 filters": (Term("verb", ("update",)), Term("outcome", ("failure",))),
        ", actor": (Term("actor", ("user3@example.com",)),),
        ", not verb": (Term("verb", ("sign_in",), negated=True),),
    }
    for days in (7, 90, 365):
        for title, terms in filters.items():
            query = AuditQuery(END - days * DAY, END, terms)

            def ask(query: AuditQuery = query) -> str:
                found = reader.search(query, Page(limit=50))
                reader.facets(query, AXES)
                stats = reader.stats(query, Measure(END))
                return f"{found.total:,} of {stats.current.total:,}"

            measure(f"list + 8 facets + statistics, {days} d{title}", ask)
        words = AuditQuery(END - days * DAY, END, texts=(Text("migration"),))
        measure(f"8 facets, {days} d, a word", partial(_counted, reader, words))


def _counted(reader: SqliteReader, query: AuditQuery) -> int:
    return len(reader.facets(query, AXES))


def lists(reader: SqliteReader) -> None:
    """The newest 50 of the year."""
    asked = {
        "nothing": AuditQuery(START, END),
        "frequent actor by e-mail": AuditQuery(terms=(Term("actor", ("user1@example.com",)),)),
        "frequent actor": AuditQuery(terms=(Term("actor.key", ("shop/user:1",)),)),
        "rare actor": AuditQuery(terms=(Term("actor.key", ("shop/user:4321",)),)),
        "not verb": AuditQuery(terms=(Term("verb", ("sign_in",), negated=True),)),
        "network": AuditQuery(terms=(Term("ip", ("10.3.0.0/16",)),)),
        "five filters, broad": AuditQuery(
            terms=(
                Term("kind", ("write",)),
                Term("outcome", ("failure",), negated=True),
                Term("category", ("notes", "teams")),
                Term("role", ("member",)),
                Term("ip", ("10.0.0.0/8",)),
            )
        ),
        "five filters, nothing": AuditQuery(
            terms=(
                Term("kind", ("auth",)),
                Term("outcome", ("failure",)),
                Term("category", ("auth",)),
                Term("role", ("member",)),
                Term("type", ("note",)),
            )
        ),
    }
    for name, query in asked.items():

        def ask(query: AuditQuery = query) -> str:
            found = reader.search(query, Page(limit=50))
            return f"{len(found.records)} of {found.total:,}"

        measure(f"list, {name}", ask)


def main() -> None:
    """Load, then ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", nargs="?", type=int, default=200_000)
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.file or Path(folder) / "audit.db"
        if not path.exists():
            load(path, given.records)
        reader = SqliteReader(path)
        lists(reader)
        views(reader)
        reader.close()


if __name__ == "__main__":
    main()
