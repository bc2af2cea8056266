"""How many records a second each forwarder sends on: `bench_forward.py [RECORDS]`; at least 20,000 are promised.

A SQLite store is forwarded whole, from its feed to the receiver's acknowledgement, bookmark on disk: into a file; to a
webhook and to syslog, whose receivers are processes of their own that read everything and keep nothing. Both the wall's
rate and the rate by this process's CPU time are shown; the machine may be busy with other things.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.forwarding import add, store_in
from support.records import records
from support.running import listening, wait_until
from whodid_indexer.forward.consumer import Consumer
from whodid_indexer.forward.feed import query_of
from whodid_indexer.forward.run import Order, run
from whodid_indexer.forward.settings import FORMS, ConsumerSettings
from whodid_indexer.store.open import open_reader

PROMISED = 20_000
START = 1_793_000_000_000_000
ROUNDS = 3

_SINK = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    connection, _ = server.accept()
    with connection:
        while connection.recv(1 << 20):
            pass
"""
_HOOK = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        left = int(self.headers["content-length"])
        while left:
            left -= len(self.rfile.read(min(left, 1 << 20)))
        self.send_response(204)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextmanager
def receiver(program: str) -> Iterator[int]:
    """A process that takes everything; its port."""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        wait_until(listening(port), "the receiver listens")
        yield port
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def say(text: str) -> None:
    """What is wrong."""
    sys.stderr.write(f"{text}\n")


def measure(store: str, number: int, settings: dict[str, Any]) -> tuple[float, float]:
    """Records a second by the wall's clock and by this process's CPU time; the best of some rounds."""
    best = (0.0, 0.0)
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            given = {"name": "bench", **settings}
            if given["kind"] == "file":
                given["address"] = f"{folder}/out.jsonl"
            consumer = ConsumerSettings.model_validate(given)
            seen: list[Consumer] = []
            order = Order([consumer], store, lambda: open_reader(store), Path(folder), say, once=True)
            wall, cpu = time.perf_counter(), time.process_time()
            thread = threading.Thread(target=run, args=(order, seen.extend))
            thread.start()
            thread.join()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            assert seen[0].now.counts.sent == number, seen[0].now
            best = (max(best[0], number / wall), max(best[1], number / cpu))
    return best


def main() -> None:
    """Print a line for each; exit 1 where one is below what is promised."""
    parser = argparse.ArgumentParser()
    parser.add_argument("records", nargs="?", type=int, default=30_000)
    number = parser.parse_args().records
    slow = []
    with tempfile.TemporaryDirectory() as folder, receiver(_SINK) as sink, receiver(_HOOK) as hook:
        store = store_in(Path(folder))
        add(store, records(7, number, START, 5_000_000))
        where = {"file": "", "syslog": f"tcp://127.0.0.1:{sink}", "webhook": f"http://127.0.0.1:{hook}/"}
        cases = [(kind, form, "") for kind in where for form in FORMS[kind]] + [("webhook", "json", "kind:write")]
        sys.stdout.write(f"{number:,} records of a SQLite store; records/s by the wall, by CPU time\n")
        for kind, form, query in cases:
            expected = number
            if query:
                reader = open_reader(store)
                expected = reader.count(query_of(query))
                reader.close()
            settings = {"kind": kind, "form": form, "query": query, "address": where[kind]}
            wall, cpu = measure(store, expected, settings)
            wall, cpu = wall * number / expected, cpu * number / expected
            sys.stdout.write(f"{kind:8} {form:5} {query:12} {wall:9,.0f} {cpu:9,.0f}\n")
            if cpu < PROMISED:
                slow.append(f"{kind} {form} {query}")
    if slow:
        raise SystemExit(f"below {PROMISED:,} records/s: {', '.join(slow)}")


if __name__ == "__main__":
    main()
