"""How fast the server answers while it is written to: `python tests/performance/bench_api.py [RECORDS] [--file FILE]`.

Loads RECORDS (200,000) made from a seed over a year (into FILE, which is used as it is where it is there), starts
`whodid serve` over it, posts EVENTS (2,000) a second to `_bulk`, and lets READERS (32) ask for lists at once, each
PAUSE seconds after its last answer. Prints milliseconds from request to answer for each kind of list, for `/healthz`
asked in between (what the machine and the event loop make of a request that asks nothing: the reference), and for the
posts; and the processor time that the server took.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections import defaultdict
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode

from performance.bench_counting import END, load
from support.records import records
from support.running import Daemon, wait_until
from support.serving import bulk_body

BATCH = 200
WARM = 5.0
"""Seconds at the beginning that are not counted: each of the server's readers meets the file for the first time."""

DAY = 86_400_000_000

LISTS: dict[str, dict[str, str]] = {
    "newest": {},
    "last page of 100": {"limit": "100", "offset": "1000"},
    "verb and outcome": {"verb": "update", "outcome": "failure"},
    "actor": {"actor": "user3@example.com"},
    "not a verb": {"not-verb": "sign_in"},
    "two words": {"q": "amber migration"},
    "address": {"ip": "10.3.0.0/16"},
}
"""Lists by what they show; each of the last week of the records."""


class Times:
    """Milliseconds of each kind of request, and answers that were none; what began before `since` is not counted."""

    def __init__(self, since: float = 0) -> None:
        self._since = since
        self._taken: defaultdict[str, list[float]] = defaultdict(list)
        self.refused: defaultdict[int, int] = defaultdict(int)

    def add(self, kind: str, begun: float, status: int) -> None:
        if begun >= self._since:
            self._taken[kind].append((time.perf_counter() - begun) * 1e3)
        if status != 200:
            self.refused[status] += 1

    def print(self, seconds: float) -> None:
        lists = [each for kind, taken in self._taken.items() if kind in LISTS for each in taken]
        for kind, taken in [*sorted(self._taken.items()), ("all lists", lists)]:
            taken.sort()
            p50, p95, p99 = (taken[int(share * (len(taken) - 1))] for share in (0.5, 0.95, 0.99))
            rate = len(taken) / seconds
            sys.stdout.write(f"{kind:20s} {rate:7.1f}/s   p50 {p50:7.1f}  p95 {p95:7.1f}  p99 {p99:7.1f} ms\n")


class Connection:
    """One kept-alive connection, spoken by hand so that the client costs little of the machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, head: str, body: bytes = b"") -> int:
        """The status of the answer, which is read to its end."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(f"{head}\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(answer.partition("content-length: ")[2].partition("\r\n")[0]))
        return int(answer.split(" ", 2)[1])


async def read(port: int, end: float, pause: float, number: int, times: Times) -> None:
    """One reader."""
    rng = random.Random(number)
    connection = Connection(port)
    await asyncio.sleep(rng.random() * pause)
    while time.perf_counter() < end:
        kind = rng.choice([*LISTS, "healthz"])
        path = "/healthz" if kind == "healthz" else f"/api/v1/events?{urlencode(LISTS[kind] | week())}"
        begun = time.perf_counter()
        status = await connection.ask(f"GET {path} HTTP/1.1")
        times.add(kind, begun, status)
        await asyncio.sleep(pause)


def week() -> dict[str, str]:
    """The last week of the records that were loaded."""
    return {"since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime((END - 7 * DAY) // 1_000_000))}


async def write(port: int, end: float, events: int, bodies: list[bytes], times: Times) -> int:
    """The agents: a post every so often, whether the one before was quick or not; records stored."""
    connection = Connection(port)
    head = "POST /_bulk HTTP/1.1\r\nContent-Type: application/x-ndjson"
    due, sent = time.perf_counter(), 0
    for body in bodies:
        if time.perf_counter() >= end:
            break
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        begun = time.perf_counter()
        status = await connection.ask(head, body)
        times.add("_bulk", begun, status)
        sent += BATCH
        due += BATCH / events
    return sent


async def ask(port: int, options: argparse.Namespace, bodies: list[bytes], times: Times) -> int:
    """Everybody at once, until the time is over; records stored meanwhile."""
    end = time.perf_counter() + options.seconds
    writing = asyncio.create_task(write(port, end, options.events, bodies, times))
    await asyncio.gather(*(read(port, end, options.pause, number, times) for number in range(options.readers)))
    return await writing


def processor(pid: int) -> float:
    """Seconds of processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Load, serve, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", nargs="?", type=int, default=200_000)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--readers", type=int, default=32)
    parser.add_argument("--pause", type=float, default=1.0)
    parser.add_argument("--events", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.file or Path(folder) / "audit.db"
        if not path.exists():
            load(path, options.records)
        made = records(time.time_ns(), int(options.events * options.seconds), END, 1_000)
        arriving = (record for record in made)
        bodies = []
        while batch := list(islice(arriving, BATCH)):
            bodies.append(bulk_body(batch))
        config, ready = Path(folder) / "whodid.yaml", Path(folder) / "url"
        config.write_text("serve_rate: 0\nserve_retention: false\n")
        arguments = ["serve", "--store", f"sqlite://{path}", "--listen", "127.0.0.1:0", "--config", str(config)]
        with Daemon("whodid", [*arguments, "--ready-file", str(ready)], Path(folder) / "log") as daemon:
            wait_until(lambda: ready.exists() and ready.read_text() != "", "the server")
            port = int(ready.read_text().strip().rpartition(":")[2])
            before, begun = processor(daemon.pid), time.perf_counter()
            times = Times(begun + WARM)
            sent = asyncio.run(ask(port, options, bodies, times))
            seconds = time.perf_counter() - begun
            used = processor(daemon.pid) - before
        times.print(seconds - WARM)
        sys.stdout.write(f"{sent / seconds:,.0f} events/s stored; {used / seconds:.0%} of a processor by the server; ")
        sys.stdout.write(f"load of the machine {os.getloadavg()[0]:.1f}; refused {dict(times.refused)}\n")


if __name__ == "__main__":
    main()
