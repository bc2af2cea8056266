"""The whole chain, file → agent → server → SQLite, in real processes: events per second, and CPU of either side.

Beside it in the same run, in turn: the bare way of the same events into SQLite, one process that decodes each line,
names it by its hash, encodes it, and appends it to one table with synchronous=FULL, no text, no axes. What the machine
is like drops out of the ratio. Usage: bench_chain.py [EVENTS, default 100000] [ROUNDS, default 3] [--file FILE]
"""

import argparse
import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import apsw
import msgspec

BIN = Path(sysconfig.get_path("scripts"))
BATCH = 4_000


class Cost(NamedTuple):
    """What one run took: seconds on the clock, seconds of CPU of the agent and of whoever wrote into SQLite."""

    wall: float
    agent: float
    server: float


def write(path: Path, events: int) -> None:
    """Events of about 500 bytes, each from an address of its own, one in five with typographic quotes."""
    rng = random.Random(1)
    with path.open("w") as file:
        for number in range(events):
            actor, title = rng.randrange(5000), rng.choice(["plan draft", "plan draft", "“budget”", "review", "notes"])
            event = {
                "timestamp": 1746057600 + number,
                "actor": {"id": f"usr_{actor}", "email": f"u{actor}@example.com", "name": f"U {actor}", "type": "user"},
                "action": rng.choice(["document.update", "user.login", "report.export", "team.create"]),
                "target": {"type": "document", "id": f"doc_{rng.randrange(20_000)}", "name": f"{title} {number % 997}"},
                "changes": {"title": {"from": "a plan", "to": "another plan"}, "visibility": {"from": "team"}},
                "metadata": {"request_id": f"req_{rng.getrandbits(64):x}", "latency_ms": rng.randrange(500)},
                "ip": f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}",
                "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
                "result": "success",
            }
            file.write(json.dumps(event) + "\n")


def ended(process: "subprocess.Popen[str]") -> float:
    """Wait for the process; the CPU seconds that it used. Raises RuntimeError where it failed."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


def chain(file: Path, folder: Path, events: int) -> Cost:
    """One run of server and agent from nothing. Raises RuntimeError where not every event is in the store."""
    store = folder / "audit.db"
    serve = [str(BIN / "whodid"), "serve", "--store", f"sqlite:///{store}", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().rpartition(" ")[2].strip()
            run = [
                str(BIN / "whodid-agent"),
                "run",
                "--once",
                str(file),
                "--target",
                url,
                "--state-dir",
                str(folder / "state"),
            ]
            begun = time.perf_counter()
            with subprocess.Popen(run, stdout=subprocess.DEVNULL, text=True) as agent:
                agent_cpu = ended(agent)
            wall = time.perf_counter() - begun
            server.terminate()
            server_cpu = ended(server)
        except BaseException:
            server.kill()
            raise
    stored = apsw.Connection(os.fspath(store)).execute("SELECT count(*) FROM event").get
    if stored != events:
        raise RuntimeError(f"{stored} of {events} events are in the store")
    return Cost(wall, agent_cpu, server_cpu)


def bare(file: Path, folder: Path) -> None:
    """Append the file's events to one table."""
    connection = apsw.Connection(os.fspath(folder / "bare.db"))
    for name, value in (("page_size", 8192), ("journal_mode", "wal"), ("synchronous", "full")):
        connection.pragma(name, value)
    connection.execute("CREATE TABLE event(seq INTEGER PRIMARY KEY, id BLOB, body BLOB)")
    decode, encode = msgspec.json.decode, msgspec.json.encode
    with file.open("rb") as lines:
        while batch := list(islice(lines, BATCH)):
            rows = [(hashlib.sha256(line).digest()[:16], encode(decode(line))) for line in batch]
            with connection:
                connection.executemany("INSERT INTO event(id, body) VALUES (?, ?)", rows)


def measure(file: Path, events: int, way: str) -> Cost:
    """One run of one way, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        if way == "chain":
            return chain(file, Path(folder), events)
        begun = time.perf_counter()
        with subprocess.Popen([sys.executable, __file__, "--bare", folder, "--file", str(file)], text=True) as process:
            return Cost(server=ended(process), agent=0.0, wall=time.perf_counter() - begun)


def main() -> None:
    """Measure in turn and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", nargs="?", type=int, default=100_000)
    parser.add_argument("rounds", nargs="?", type=int, default=3)
    parser.add_argument("--file", type=Path, help="events to send instead of made ones")
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.bare:
        bare(given.file, given.bare)
        return
    with tempfile.TemporaryDirectory() as folder:
        file, events = given.file, given.events
        if file is None:
            file = Path(folder, "audit.jsonl")
            write(file, events)
        else:
            with file.open("rb") as lines:
                events = sum(1 for _ in lines)
        costs: dict[str, list[Cost]] = {"chain": [], "bare": []}
        for _ in range(given.rounds):
            for way, taken in costs.items():
                taken.append(measure(file, events, way))
    report(costs, events)


def report(costs: dict[str, list[Cost]], events: int) -> None:
    """Print a line for either way, and the ratio."""
    middle = {way: Cost(*map(statistics.median, zip(*taken, strict=True))) for way, taken in costs.items()}
    for way, cost in middle.items():
        parts = {"events/s": round(events / cost.wall)} | {
            f"{side}_us": round(seconds / events * 1e6, 1)
            for side, seconds in (("agent", cost.agent), ("server", cost.server))
            if seconds
        }
        sys.stdout.write(f"{way:6s} {json.dumps(parts)}\n")
    whole = middle["chain"].agent + middle["chain"].server
    sys.stdout.write(f"the chain takes {whole / middle['bare'].server:.1f} times the CPU of the bare way; ")
    sys.stdout.write(f"two cores to itself would give it at most {2 * events / whole:,.0f} events/s\n")


if __name__ == "__main__":
    main()
