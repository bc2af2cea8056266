"""What an export costs beside the bare minimum: `bench_export.py [RECORDS] [--opensearch URL]`.

SQLite: the reference reads the same rows in the same order (SELECT), decompresses and decodes them, and hands the plain
values to csv.writer; nothing is escaped, guarded, counted, hashed or put on disk safely. Both write to a file on the
same disk, in turn, and are compared by process CPU time; the best of ROUNDS counts. With --opensearch the reference is
the store's raw scan of a cluster that holds records already, compared by the clock, since the cluster does the work.
"""

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

import apsw

from support.records import item, records
from support.running import BIN
from whodid_indexer.export.columns import AUDITOR
from whodid_indexer.export.lines import Lines
from whodid_indexer.export.run import Asked, Destination, RowWriter, export_file
from whodid_indexer.export.sheet import Sheet
from whodid_indexer.query.model import ALL
from whodid_indexer.store.base import Item, Reader
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_indexer.store.sqlite.bodies import Unpacker
from whodid_schema.meta import default_meta
from whodid_schema.record import Actor, Client, Record, Ref, Target, decode

START = 1_793_000_000_000_000
STEP = 5_000_000
BATCH = 5_000
ROUNDS = 5


def load(path: Path, number: int) -> None:
    """Fill a store with records made from a seed."""
    SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    made: Iterator[Item] = (item(record) for record in records(7, number, START, STEP))
    with closing(SqliteStore(path)) as store:
        while batch := list(islice(made, BATCH)):
            store.create(batch)


def plain(record: Record) -> list[str | None]:
    """The values of the auditor's columns as they lie in the record."""
    actor, client = record.actor or Actor(), record.client or Client()
    target, workspace = record.target or Target(), record.workspace or Ref()
    who = (record.timestamp, record.layer, record.outcome, actor.name, workspace.name, record.action)
    return [*who, target.name, client.ip, client.device, record.description, record.id]


def bare(path: Path, out: Path) -> None:
    """SELECT, decompress, decode, csv.writer."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    unpack = Unpacker(connection).unpack
    with out.open("w", newline="") as file:
        write = csv.writer(file).writerow
        for (body,) in connection.execute("SELECT body FROM event INDEXED BY fx ORDER BY ts DESC, idh DESC"):
            write(plain(decode(unpack(body))))
    connection.close()


def written(asked: Asked) -> RowWriter:
    """The product's own writer."""
    return Lines() if asked.form == "ndjson" else Sheet(asked.columns or ())


def export(reader: Reader, out: Path, form: str = "csv", *, gzip: bool = False) -> None:
    """The product's export, whole: snapshot, count, guard, hash, manifest."""
    asked = Asked(ALL, "", form, "bench", "UTC", AUDITOR if form == "csv" else None, gzip=gzip)
    export_file(reader, asked, Destination(out, force=True), written)


def best(acts: Sequence[Callable[[], object]], clock: Callable[[], float]) -> list[float]:
    """Seconds of the best round of each, taken in turn: what else the machine does meets all of them."""
    taken: list[list[float]] = [[] for _ in acts]
    for _ in range(ROUNDS):
        for act, seconds in zip(acts, taken, strict=True):
            begun = clock()
            act()
            seconds.append(clock() - begun)
    return [min(seconds) for seconds in taken]


def say(name: str, number: int, seconds: float, reference: float) -> None:
    """One line: rows a second, and the share of the reference's speed."""
    share = f"{reference / seconds:6.0%} of the reference" if seconds != reference else ""
    sys.stdout.write(f"{name:34s} {number / seconds:10,.0f} rows/s {share}\n")


def bench_sqlite(folder: Path, number: int) -> None:
    """Exports of a file."""
    path = folder / "audit.db"
    load(path, number)
    with closing(SqliteReader(path)) as reader:
        acts: dict[str, Callable[[], object]] = {
            "SELECT + decompress + csv.writer": lambda: bare(path, folder / "bare.csv"),
            "export, CSV": lambda: export(reader, folder / "a.csv"),
            "export, CSV, gzip": lambda: export(reader, folder / "a.gz", gzip=True),
            "export, NDJSON": lambda: export(reader, folder / "a.ndjson", "ndjson"),
        }
        compare(acts, number, time.process_time)


def bench_opensearch(folder: Path, url: str) -> None:
    """Exports of a cluster."""
    from whodid_indexer.store.opensearch.access import Access  # noqa: PLC0415  only where there is a cluster
    from whodid_indexer.store.opensearch.connect import connect  # noqa: PLC0415  as above
    from whodid_indexer.store.opensearch.read import OpenSearchReader  # noqa: PLC0415  as above

    with closing(OpenSearchReader(*connect(url, Access()))) as reader:
        number = reader.count(ALL)
        acts: dict[str, Callable[[], object]] = {
            f"raw scan of {number:,}": lambda: sum(1 for _ in reader.scan(ALL)),
            "export, CSV": lambda: export(reader, folder / "a.csv"),
            "export, NDJSON": lambda: export(reader, folder / "a.ndjson", "ndjson"),
        }
        compare(acts, number, time.perf_counter)


def compare(acts: Mapping[str, Callable[[], object]], number: int, clock: Callable[[], float]) -> None:
    """Print the speed of each, beside that of the first."""
    reference, *others = best(list(acts.values()), clock)
    for name, seconds in zip(acts, (reference, *others), strict=True):
        say(name, number, seconds, reference)


def bench_start(store: str) -> None:
    """How long a command takes to begin and end."""
    for arguments in (["--version"], ["count", "--store", store], ["export", "--help"]):
        command = [str(BIN / "whodid"), *arguments]
        [taken] = best([partial(subprocess.run, command, check=True, capture_output=True)], time.perf_counter)
        sys.stdout.write(f"whodid {arguments[0]:27s} {taken * 1e3:10,.0f} ms\n")


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("records", type=int, nargs="?", default=100_000)
    options.add_argument("--opensearch", metavar="URL")
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-export-"))
    try:
        if given.opensearch:
            bench_opensearch(folder, given.opensearch)
            return
        bench_sqlite(folder, given.records)
        bench_start(f"sqlite://{folder}/audit.db")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
