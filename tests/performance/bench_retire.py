"""How long writers wait beside retention and backup: `tests/performance/bench_retire.py [RECORDS] [--file FILE]`.

Loads RECORDS (200,000) made from a seed over a year, or takes a copy of FILE; starts `whodid serve` over it and posts
EVENTS (1,000) a second to `_bulk`, BATCH (50) at a time, each post when it is due whether those before were answered
or not. Meanwhile, in turn: nothing for a while, `whodid retention apply` that deletes the first DAYS (31), nothing,
`whodid backup`, nothing. Prints milliseconds from when a post was due to its answer for each of them: the ratio of
their p99 to that of nothing in the same run is what counts; and the longest waits with when they were.
"""

import argparse
import asyncio
import os
import shutil
import sys
import sysconfig
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path

from performance.bench_api import Connection, processor
from performance.bench_counting import load
from support.records import identifier, records
from support.running import Daemon, clean_environment, wait_until
from support.serving import bulk_body
from whodid_indexer.query.model import ALL
from whodid_indexer.store.base import Page
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_schema.meta import default_meta
from whodid_schema.record import Record, decode
from whodid_schema.timestamp import to_micros

CONNECTIONS = 8
HEAD = "POST /_bulk HTTP/1.1\r\nContent-Type: application/x-ndjson"
FRESH = 1_000_000_000
"""Numbers of records that no store made here has."""

Waits = defaultdict[str, list[tuple[float, float]]]
"""What went on beside → when each post was due, in seconds since that began, and milliseconds to its answer."""


class Posts:
    """Posts at a steady rate; `beside` names what goes on now."""

    def __init__(self, port: int, bodies: Iterator[bytes], every: float) -> None:
        self._free: asyncio.Queue[Connection] = asyncio.Queue()  # in turn: the server ends one that is silent for long
        for _ in range(CONNECTIONS):
            self._free.put_nowait(Connection(port))
        self._bodies = bodies
        self._every = every
        self._waiting: set[asyncio.Task[None]] = set()
        self.waits: Waits = defaultdict(list)
        self.beside = ""
        self._since = 0.0

    def now(self, beside: str) -> None:
        """What goes on from now on."""
        self.beside, self._since = beside, time.perf_counter()

    async def run(self) -> None:
        """Until it is cancelled."""
        due = time.perf_counter()
        for body in self._bodies:
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            task = asyncio.create_task(self._post(body, due, self.beside))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)
            due += self._every

    async def _post(self, body: bytes, due: float, beside: str) -> None:
        began = due - self._since
        connection = await self._free.get()
        status = await connection.ask(HEAD, body)
        self._free.put_nowait(connection)
        if status != 200:
            raise RuntimeError(f"a post was answered {status}")
        self.waits[beside].append((began, (time.perf_counter() - due) * 1e3))


def arriving(batch: int) -> Iterator[bytes]:
    """Bodies of records that happen now and no store has."""
    numbers = count(FRESH + time.time_ns() % FRESH)
    made: Iterator[Record] = records(time.time_ns(), 1 << 40, int(time.time() * 1e6), 1_000)
    while True:
        some = list(islice(made, batch))
        for one in some:
            one.id = identifier(next(numbers))
        yield bulk_body(some)


@asynccontextmanager
async def posting(posts: Posts) -> AsyncIterator[None]:
    """Posts go on within."""
    task = asyncio.create_task(posts.run())
    try:
        yield
    finally:
        task.cancel()


async def watched(path: Path, options: argparse.Namespace, posts: Posts) -> None:
    """Nothing, retention, nothing, backup, nothing."""
    steps = {
        "retention": ["retention", "apply", "--store", f"sqlite://{path}"],
        "backup": ["backup", str(path.with_name("copy.db")), "--store", f"sqlite://{path}"],
    }
    async with AsyncExitStack() as stack:
        posts.now("warm")
        await stack.enter_async_context(posting(posts))
        await asyncio.sleep(options.warm)
        for name, command in ((name, steps[name]) for name in options.what):
            posts.now(f"nothing before {name}")
            await asyncio.sleep(options.seconds)
            posts.now(name)
            began, used = time.perf_counter(), os.times().children_user + os.times().children_system
            process = await asyncio.create_subprocess_exec(
                str(Path(sysconfig.get_path("scripts")) / "whodid"), *command, env=clean_environment()
            )
            if await process.wait():
                raise RuntimeError(f"{command} failed")
            lasted = time.perf_counter() - began
            used = os.times().children_user + os.times().children_system - used
            sys.stdout.write(f"{name}: {lasted:.1f} s, {used:.1f} s of processor time\n")
        posts.now("nothing afterwards")
        await asyncio.sleep(options.seconds)
        posts.now("end")


def shown(waits: Waits) -> None:
    """A line for each of what went on, and the longest waits."""
    quiet = [took for beside, each in waits.items() if beside.startswith("nothing") for _, took in each]
    reference = _share(sorted(quiet), 0.99)
    for beside, each in [*waits.items(), ("nothing, all of it", [(0.0, took) for took in quiet])]:
        if beside in ("warm", "end"):
            continue
        taken = sorted(took for _, took in each)
        p50, p95, p99 = (_share(taken, share) for share in (0.5, 0.95, 0.99))
        sys.stdout.write(
            f"{beside:26s} {len(taken):6,} posts  p50 {p50:7.1f}  p95 {p95:7.1f}  p99 {p99:7.1f}  "
            f"max {taken[-1]:7.1f} ms   p99 {p99 / reference:4.1f} x nothing\n"
        )
        worst = sorted(each, key=lambda one: -one[1])[:5]
        sys.stdout.write(f"{'':26s}   longest: {', '.join(f'{took:.0f} ms at {at:.1f} s' for at, took in worst)}\n")


def _share(taken: list[float], share: float) -> float:
    return taken[int(share * (len(taken) - 1))]


def kept_days(path: Path, days: int) -> int:
    """How long the store has to keep records for its first `days` to be due."""
    with closing(SqliteReader(path)) as reader:
        oldest = to_micros(decode(reader.search(ALL, Page(limit=1, ascending=True)).records[0]).timestamp or "")
    return (datetime.now(UTC) - datetime.fromtimestamp(oldest / 1e6, UTC)).days - days


def main() -> None:
    """Load, serve, post, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", nargs="?", type=int, default=200_000)
    parser.add_argument("--file", type=Path, help="it is copied, not changed")
    parser.add_argument("--folder", type=Path, help="where the store and its backup are")
    parser.add_argument("--what", nargs="+", choices=["retention", "backup"], default=["retention", "backup"])
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--events", type=int, default=1_000)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--warm", type=float, default=10, help="seconds until the server knows a large file: 60 of 5M")
    parser.add_argument("--seconds", type=float, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "audit.db"
        if options.file is None:
            load(path, options.records)
        else:
            shutil.copyfile(options.file, path)
            SqliteStore.setup(path, default_meta(datetime.now(UTC)))  # to today's layout
        config, ready = Path(folder) / "whodid.yaml", Path(folder) / "url"
        kept = kept_days(path, options.days)
        config.write_text(f"serve_rate: 0\nserve_retention: false\nretention: {{activity: {kept}d}}\n")
        arguments = ["serve", "--store", f"sqlite://{path}", "--listen", "127.0.0.1:0", "--config", str(config)]
        with Daemon("whodid", [*arguments, "--ready-file", str(ready)], Path(folder) / "log") as daemon:
            wait_until(lambda: ready.exists() and ready.read_text() != "", "the server")
            port = int(ready.read_text().strip().rpartition(":")[2])
            posts = Posts(port, arriving(options.batch), options.batch / options.events)
            asyncio.run(watched(path, options, posts))
            used = processor(daemon.pid)
        shown(posts.waits)
        sys.stdout.write(f"the server took {used:.1f} s of processor time; load {os.getloadavg()[0]:.1f}\n")


if __name__ == "__main__":
    main()
