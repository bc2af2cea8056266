"""What delivery costs beyond normalising: CPU per event of batching, journal, requests, answers, checkpoint.

The same file is read and normalised with and without delivery, in turn, in processes of their own; the store answers
in the process, so that no socket is measured, and what that costs is taken off.
Usage: bench_agent.py [EVENTS, default 100000] [ROUNDS, default 3]
"""

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

import httpx
import msgspec

from whodid_agent.inputs.file.source import FileSource
from whodid_agent.normalise.contract import InputOptions
from whodid_agent.normalise.pipeline import Pipeline
from whodid_agent.normalise.profiles import ProfileSet
from whodid_agent.runner import Options, Runner
from whodid_agent.state import StateDirectory
from whodid_agent.target.client import Client
from whodid_schema.meta import Meta, default_meta

BUDGET = 3.0
"""Microseconds of CPU per event that delivery may cost on an idle machine; printed beside what it did cost."""


class Null(httpx.BaseTransport):
    """A store that takes everything at once, without a socket; `cpu` is what it costs itself, which is nobody's."""

    cpu = 0.0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, and its cost."""
        began = time.thread_time()
        try:
            return self._answer(request)
        finally:
            Null.cpu += time.thread_time() - began

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            items = b",".join([b'{"create":{"status":201}}'] * (request.read().count(b"\n") // 2))
            return httpx.Response(200, content=b'{"errors":false,"items":[' + items + b"]}")
        if request.url.path.startswith("/_index_template"):
            template = {"index_template": {"_meta": msgspec.to_builtins(default_meta(datetime.now(UTC)))}}
            return httpx.Response(200, json={"index_templates": [template]})
        return httpx.Response(200, json={"product": "whodid"})


def source_of(path: Path) -> tuple[FileSource, Pipeline]:
    """The real input and the real pipeline."""
    pipeline = Pipeline(InputOptions(), default_meta(datetime.now(UTC)), ProfileSet.load())
    return FileSource("bench", [path], pipeline, host="bench"), pipeline


def normalise(path: Path) -> int:
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


def deliver(path: Path) -> int:
    """The whole way."""
    source, pipeline = source_of(path)

    def follow(meta: Meta) -> None:
        pipeline.file_by(meta)

    with (
        tempfile.TemporaryDirectory() as folder,
        StateDirectory(Path(folder)) as state,
        Client("http://store", transport=Null()) as client,
    ):
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


def measure(work: Callable[[Path], int], path: Path, events: int) -> tuple[float, float]:
    """CPU microseconds per event, and events per second."""
    cpu, wall = time.process_time(), time.perf_counter()
    work(path)
    return (time.process_time() - cpu - Null.cpu) / events * 1e6, events / (time.perf_counter() - wall)


def main() -> int:
    """Measure in turn and compare with the budget."""
    events, rounds = (int(given) for given in (sys.argv[1:] + ["100000", "3"][len(sys.argv) - 1 :])[:2])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "audit.jsonl")
        write(path, events)
        one = Path(folder, "one.jsonl")
        write(one, 1)
        rows: dict[str, list[tuple[float, float]]] = {"normalise": [], "deliver": []}
        starts: list[float] = []
        for _ in range(rounds):
            done = subprocess.run([sys.executable, __file__, "--start", str(one)], capture_output=True, check=True)
            starts.append(json.loads(done.stdout))
            for name, values in rows.items():
                command = [sys.executable, __file__, "--one", name, str(path), str(events)]
                done = subprocess.run(command, capture_output=True, check=True)
                values.append(tuple(json.loads(done.stdout)))
    middle = {
        name: [statistics.median(column) for column in zip(*values, strict=True)] for name, values in rows.items()
    }
    for name, (cpu, speed) in middle.items():
        print(f"{name:<10} {cpu:6.2f} us CPU/event  {speed:8.0f} events/s")  # noqa: T201 - a bench prints
    print(f"start-up   {statistics.median(starts):6.0f} ms CPU, of a whole process that delivers one event")  # noqa: T201
    cost = middle["deliver"][0] - middle["normalise"][0]
    print(f"delivery   {cost:6.2f} us CPU/event beyond normalising (budget {BUDGET})")  # noqa: T201
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        name, file, count = sys.argv[2:]
        print(json.dumps(measure({"normalise": normalise, "deliver": deliver}[name], Path(file), int(count))))  # noqa: T201
    elif sys.argv[1:2] == ["--start"]:
        deliver(Path(sys.argv[2]))
        print(json.dumps(time.process_time() * 1e3))  # noqa: T201
    else:
        sys.exit(main())
