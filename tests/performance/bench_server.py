"""The server by itself: requests as an agent sends them, posted by a client that does nothing else, into SQLite.

An agent's own run makes the requests first (4,000 records each); then they are posted one after the other over one
connection, into a server that begins with nothing, so the server has a core to itself. Events per second, and the
server's CPU without its start. Usage: PYTHONPATH=tests bench_server.py [EVENTS, default 100000] [ROUNDS, default 3]
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from performance.bench_chain import BATCH, BIN, chain, ended, write
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.store.sqlite.read import SqliteReader
from whodid_schema.bulk import request_body
from whodid_schema.record import decode

INDEX = "whodid-activity"


def requests(folder: Path, events: int) -> list[bytes]:
    """What an agent sends of made events, in the order of its batches."""
    file = folder / "audit.jsonl"
    write(file, events)
    chain(file, folder, events)
    reader = SqliteReader(folder / "audit.db")
    records = reader.scan(AuditQuery(), ascending=True)
    bodies: list[bytes] = []
    while batch := list(islice(records, BATCH)):
        bodies.append(request_body([INDEX] * len(batch), [decode(record).id or "" for record in batch], batch))
    reader.close()
    return bodies


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A server over a store of its own: its host and port, and the process, which is to be ended by the caller."""
    command = [str(BIN / "whodid"), "serve", "--store", f"sqlite:///{folder / 'audit.db'}", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().rpartition("/")[2].strip(), server
        finally:
            if server.poll() is None:
                server.kill()


def used(process: "subprocess.Popen[str]") -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def post(address: str, bodies: list[bytes]) -> float:
    """Post them all; the seconds it took. Raises RuntimeError where one was not stored as a whole."""
    connection = http.client.HTTPConnection(address)
    begun = time.perf_counter()
    for body in bodies:
        connection.request("POST", "/_bulk", body, {"Content-Type": "application/x-ndjson"})
        answer = connection.getresponse().read()
        if b'"errors":false' not in answer[:100]:
            raise RuntimeError(f"not all of a request was stored: {answer[:300]!r}")
    connection.close()
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", nargs="?", type=int, default=100_000)
    parser.add_argument("rounds", nargs="?", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bodies = requests(Path(folder), given.events)
    walls, cpus = [], []
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as (address, server):
            start = used(server)
            walls.append(post(address, bodies))
            server.terminate()
            cpus.append(ended(server) - start)
    wall, cpu = statistics.median(walls), statistics.median(cpus)
    found = {"events/s": round(given.events / wall), "server_us": round(cpu / given.events * 1e6, 1)}
    sys.stdout.write(f"server {json.dumps(found)} on {os.cpu_count()} cores\n")


if __name__ == "__main__":
    main()
