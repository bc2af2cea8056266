"""What delivery costs beyond normalising: CPU per event of batching, journal, requests, answers, checkpoint.

The same file is read and normalised with and without delivery, in turn, in processes of their own; the store is a
counting socket in another process. Usage: bench_agent.py [EVENTS, default 100000] [ROUNDS, default 3]
"""

import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from whodid_agent.inputs.file.source import FileSource
from whodid_agent.normalise.contract import InputOptions
from whodid_agent.normalise.pipeline import Pipeline
from whodid_agent.normalise.profiles import ProfileSet
from whodid_agent.runner import Options, Runner
from whodid_agent.state import StateDirectory
from whodid_agent.target.client import Client
from whodid_schema.meta import Meta, default_meta

BUDGET = 3.0
"""Microseconds of CPU per event that delivery may cost."""


class Sink(asyncio.Protocol):
    """Answers every bulk request with as many 201 as it had documents."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.data = bytearray()
        self.missing = 0

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.data[:end]).lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            if len(self.data) < end + 4 + length:
                return
            body = bytes(self.data[end + 4 : end + 4 + length])
            del self.data[: end + 4 + length]
            self.transport.write(answer(head, body))


def answer(head: bytes, body: bytes) -> bytes:
    """The whole HTTP answer to a request."""
    if head.startswith(b"post"):
        items = b",".join([b'{"create":{"status":201}}'] * (body.count(b"\n") // 2))
        text = b'{"errors":false,"items":[' + items + b"]}"
    elif b"_index_template" in head:
        import msgspec  # noqa: PLC0415 - the sink alone needs it

        meta = msgspec.to_builtins(default_meta(datetime.now(UTC)))
        text = json.dumps({"index_templates": [{"index_template": {"_meta": meta}}]}).encode()
    else:
        text = b'{"product":"whodid"}'
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(text), text)


async def sink() -> None:
    """Serve on a free port, and print it."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - that is its result
    await server.serve_forever()


def source_of(path: Path) -> tuple[FileSource, Pipeline]:
    """The real input and the real pipeline."""
    pipeline = Pipeline(InputOptions(), default_meta(datetime.now(UTC)), ProfileSet.load())
    return FileSource("bench", [path], pipeline, host="bench"), pipeline


def normalise(path: Path, _url: str) -> int:
    """Read and normalise only."""
    source, pipeline = source_of(path)
    source.open({})
    count = 0
    while (block := source.read(256 << 10)) is not None:
        for line in block.lines:
            count += len(pipeline.events(line.data, line.origin))
        source.poll()
    source.close()
    return count


def deliver(path: Path, url: str) -> int:
    """The whole way."""
    source, pipeline = source_of(path)

    def follow(meta: Meta) -> None:
        pipeline.file_by(meta)

    with tempfile.TemporaryDirectory() as folder, StateDirectory(Path(folder)) as state, Client(url) as client:
        runner = Runner([source], state, client, follow, threading.Event(), Options(once=True))
        assert runner.run()
        return 0


def write(path: Path, events: int) -> None:
    """Events of about 500 bytes."""
    rng = random.Random(1)
    with path.open("w") as file:
        for number in range(events):
            event = {
                "timestamp": 1746057600 + number,
                "actor": {
                    "id": f"usr_{rng.randrange(5000)}",
                    "email": f"u{rng.randrange(5000)}@example.com",
                    "type": "user",
                },
                "action": rng.choice(["document.update", "user.login", "report.export", "team.create"]),
                "target": {"type": "document", "id": f"doc_{number}", "name": "plan draft"},
                "changes": {
                    "title": {"from": "a plan", "to": "another plan"},
                    "visibility": {"from": "team", "to": "all"},
                },
                "metadata": {"request_id": f"req_{rng.getrandbits(64):x}", "latency_ms": rng.randrange(500)},
                "ip": f"10.0.{rng.randrange(256)}.{rng.randrange(256)}",
                "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
                "result": "success",
            }
            file.write(json.dumps(event) + "\n")


def measure(work: Callable[[Path, str], int], path: Path, url: str, events: int) -> tuple[float, float]:
    """CPU microseconds per event, and events per second."""
    cpu, wall = time.process_time(), time.perf_counter()
    work(path, url)
    return (time.process_time() - cpu) / events * 1e6, events / (time.perf_counter() - wall)


def main() -> int:
    """Measure in turn and compare with the budget."""
    events, rounds = (int(given) for given in (sys.argv[1:] + ["100000", "3"][len(sys.argv) - 1 :])[:2])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "audit.jsonl")
        write(path, events)
        server = subprocess.Popen([sys.executable, __file__, "--sink"], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
            command = [sys.executable, __file__, "--one"]
            rows: dict[str, list[tuple[float, float]]] = {"normalise": [], "deliver": []}
            for _ in range(rounds):
                for name, values in rows.items():
                    done = subprocess.run(
                        [*command, name, str(path), url, str(events)], capture_output=True, check=True
                    )
                    values.append(tuple(json.loads(done.stdout)))
        finally:
            server.terminate()
            server.wait()
    middle = {
        name: [statistics.median(column) for column in zip(*values, strict=True)] for name, values in rows.items()
    }
    for name, (cpu, speed) in middle.items():
        print(f"{name:<10} {cpu:6.2f} us CPU/event  {speed:8.0f} events/s")  # noqa: T201 - a bench prints
    cost = middle["deliver"][0] - middle["normalise"][0]
    print(f"delivery   {cost:6.2f} us CPU/event beyond normalising (budget {BUDGET})")  # noqa: T201
    return int(cost > BUDGET)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--sink"]:
        asyncio.run(sink())
    elif sys.argv[1:2] == ["--one"]:
        name, file, address, count = sys.argv[2:]
        print(json.dumps(measure({"normalise": normalise, "deliver": deliver}[name], Path(file), address, int(count))))  # noqa: T201
    else:
        sys.exit(main())
