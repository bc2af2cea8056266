"""How fast the embedded store takes and answers: `python tests/performance/bench_store.py [RECORDS] [--folder DIR]`.

Loads RECORDS (200,000) made from a seed over 30 days in batches of 5,000, then asks what people ask and prints
milliseconds (median of 15, and the slowest), all on one core. Records are made beforehand, outside the measured time.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from support.records import item, records
from whodid_indexer.query.model import ALL, AuditQuery, Term, Text
from whodid_indexer.store.base import Item, Page
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_schema.meta import default_meta

START = 1_793_000_000_000_000
SPAN = 30 * 86_400_000_000
BATCH = 5_000
ROUNDS = 15


def batches(number: int) -> Iterator[list[Item]]:
    """Items in batches."""
    made = (item(record) for record in records(7, number, START, SPAN // number))
    while batch := list(islice(made, BATCH)):
        yield batch


def load(path: Path, number: int) -> None:
    """Fill the store and print the rate."""
    SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    store = SqliteStore(path)
    wall = cpu = 0.0
    sent = 0
    for batch in batches(number):
        sent += sum(len(one.body) for one in batch)
        begun, used = time.perf_counter(), time.process_time()
        store.create(batch)
        wall += time.perf_counter() - begun
        cpu += time.process_time() - used
    store.close()
    sys.stdout.write(
        f"append  {number / wall:9,.0f} records/s  {cpu / number * 1e6:6.1f} µs CPU each, batches of {BATCH}\n"
    )
    sys.stdout.write(f"size    {path.stat().st_size / number:9,.0f} B/record of {sent / number:,.0f} B JSON\n")


def measure(name: str, ask: Callable[[], object]) -> None:
    """Print what one question takes."""
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        answer = ask()
        taken.append((time.perf_counter() - begun) * 1e3)
    sys.stdout.write(f"{name:58s} {statistics.median(taken):8.1f} ms  slowest {max(taken):8.1f}   {answer}\n")


def questions(path: Path, number: int) -> None:
    """Ask, and print the times."""
    week = START + SPAN - 7 * 86_400_000_000
    asked = {
        "nothing": ALL,
        "7 days": AuditQuery(since=week),
        "frequent actor": AuditQuery(terms=(Term("actor", ("shop/user:1",)),)),
        "rare actor": AuditQuery(terms=(Term("actor", ("user1234@example.com",)),)),
        "verb": AuditQuery(terms=(Term("verb", ("delete",)),)),
        "not verb": AuditQuery(terms=(Term("verb", ("sign_in",), negated=True),)),
        "network, 7 days": AuditQuery(since=week, terms=(Term("ip", ("10.3.0.0/16",)),)),
        "frequent word": AuditQuery(texts=(Text("quota"),)),
        "word, 7 days": AuditQuery(since=week, texts=(Text("migration"),)),
        "phrase": AuditQuery(texts=(Text("amber brook", phrase=True),)),
        "prefix": AuditQuery(texts=(Text("mig*"),)),
        "actor + verb + word + 30 days": AuditQuery(
            since=START,
            until=START + SPAN,
            terms=(Term("actor", ("shop/user:1",)), Term("verb", ("update",))),
            texts=(Text("migration"),),
        ),
        "rare actor + verb + word + 30 days": AuditQuery(
            since=START,
            until=START + SPAN,
            terms=(Term("actor", ("shop/user:77",)), Term("verb", ("update",))),
            texts=(Text("migration"),),
        ),
        "word everybody has + verb + 30 days": AuditQuery(
            since=START, until=START + SPAN, terms=(Term("verb", ("update",)),), texts=(Text("did"),)
        ),
        "target by name*": AuditQuery(terms=(Term("target", ("amber brook*",)),)),
        "target *infix*": AuditQuery(terms=(Term("target", ("*er brook 49*",)),)),
        "not word": AuditQuery(texts=(Text("quota", negated=True),)),
    }
    reader = SqliteReader(path)
    for name, query in asked.items():

        def ask(query: AuditQuery = query) -> str:
            found = reader.search(query, Page(limit=20))
            return f"{len(found.records)} of {found.total:,}"

        measure(name, ask)
    known = reader.search(ALL, Page(limit=1, offset=number // 2)).records[0]
    identity = known.partition(b'"id":"')[2][:26].decode()
    measure("get", lambda: len(reader.get(identity) or b""))
    begun = time.perf_counter()
    scanned = sum(1 for _ in reader.scan(ALL))
    sys.stdout.write(f"scan    {scanned / (time.perf_counter() - begun):9,.0f} records/s\n")
    reader.close()


def main() -> None:
    """Load, then ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", nargs="?", type=int, default=200_000)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        path = Path(folder) / "audit.db"
        load(path, given.records)
        questions(path, given.records)


if __name__ == "__main__":
    main()
