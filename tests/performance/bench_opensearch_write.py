"""Writing to a real OpenSearch: what the agent asks of the node, beside the same bodies posted raw, in turn.

    node CPU     microseconds of the node's CPU per document: agent ≤ 1.02 × the same bodies posted raw
    rate         file → OpenSearch ≥ 82 % of the raw rate, both on this machine's cores
    agent CPU    ≤ 15 % of what agent and node take together

Raw is one connection that posts bodies prepared before, one after the other. They are those that the agent sends:
recorded from its own loop. `beside` is raw while another process normalises events and throws them away, for as large
a share of a processor as the agent took: where two processors are threads of one core, whatever runs on the second
makes a node's work on the first take longer, and only this tells what the agent's requests cost it.
Usage: bench_opensearch_write.py [EVENTS, default 60000] [ROUNDS, default 3]
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import httpx

sys.path.insert(0, str(Path(__file__).parent.parent))

from performance.bench_chain import BIN, ended, write
from support.indexing import META, set_up
from support.opensearch.node import Node
from support.running import clean_environment
from whodid_agent.inputs.file.source import FileSource
from whodid_agent.normalise.contract import InputOptions, Origin, Stream
from whodid_agent.normalise.pipeline import Pipeline
from whodid_agent.normalise.profiles import ProfileSet
from whodid_agent.runner import Options, Runner
from whodid_agent.state import StateDirectory
from whodid_agent.target.client import Client
from whodid_indexer.store.opensearch.template import template
from whodid_schema.bulk import CONTENT_TYPE, FILTER_PATH

NODE_LIMIT, RATE_LIMIT, AGENT_LIMIT = 1.02, 0.82, 0.15
RECEIVED = "2026-06-01T12:00:00.000000Z"


class Cost(NamedTuple):
    """Of one run: seconds on the clock, and of CPU of the node and of the agent."""

    wall: float
    node: float
    agent: float = 0.0


class Recorder(httpx.BaseTransport):
    """An OpenSearch that takes everything and keeps the bodies."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/_bulk":
            self.bodies.append(request.read())
            items = [{"create": {"status": 201}}] * (self.bodies[-1].count(b"\n") // 2)
            return httpx.Response(200, json={"errors": False, "items": items})
        if path.startswith("/_index_template"):
            return httpx.Response(200, json={"index_templates": [{"index_template": template(META)}]})
        version = {"distribution": "opensearch", "number": "3.8.0"}
        return httpx.Response(200, json={"version": version, "cluster_uuid": "bench"})


def record(file: Path) -> list[bytes]:
    """The bodies that the agent sends for the file."""
    pipeline = Pipeline(InputOptions(), META, ProfileSet.load())
    source = FileSource("bench", [file], pipeline, host="bench")
    recorder = Recorder()
    with (
        tempfile.TemporaryDirectory() as folder,
        StateDirectory(Path(folder)) as state,
        Client("http://store", transport=recorder) as client,
    ):
        runner = Runner([source], state, client, pipeline.file_by, threading.Event(), Options(once=True))
        assert runner.run()
    return recorder.bodies


def post(node: Node, bodies: list[bytes]) -> None:
    """Post them as they are."""
    host = node.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=60)
    for body in bodies:
        connection.request("POST", f"/_bulk?filter_path={FILTER_PATH}", body, {"content-type": CONTENT_TYPE})
        answer = json.loads(connection.getresponse().read())
        assert answer["errors"] is False, answer
    connection.close()


def run_agent(node: Node, file: Path, folder: Path) -> float:
    """The agent's process to the end of the file; the CPU seconds that it took."""
    arguments = ["run", "--once", str(file), "--target", node.url, "--state-dir", str(folder)]
    environment = clean_environment()
    with subprocess.Popen([str(BIN / "whodid-agent"), *arguments], env=environment, text=True) as process:
        return ended(process)


def work(share: float) -> None:
    """Normalise the same events again and again, for this share of a processor, until killed."""
    pipeline = Pipeline(InputOptions(), META, ProfileSet.load())
    stream = Stream("file", "bench:/bench", "0" * 32, RECEIVED, "a", "bench")
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "audit.jsonl"), 500)
        lines = pipeline.redact(Path(folder, "audit.jsonl").read_bytes()).splitlines()
    while True:
        begun = time.process_time()
        for line in lines:
            pipeline.events(line, Origin(stream, 0, RECEIVED))
        time.sleep((time.process_time() - begun) * (1 - share) / share)


def post_beside(node: Node, bodies: list[bytes], share: float) -> None:
    """Post them as they are, while another process works."""
    with subprocess.Popen([sys.executable, __file__, "--work", str(share)], env=clean_environment()) as other:
        try:
            post(node, bodies)
        finally:
            other.kill()


def cpu_of(node: Node) -> float:
    """Seconds of CPU that the node's process has used."""
    fields = Path(f"/proc/{node.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(node: Node, way: str, file: Path, bodies: list[bytes], share: float = 0.0) -> Cost:
    """One run of one way into an empty store."""
    events = sum(body.count(b"\n") for body in bodies) // 2
    node.clean()
    set_up(node)
    with tempfile.TemporaryDirectory() as folder:
        cpu, begun = cpu_of(node), time.perf_counter()
        agent = run_agent(node, file, Path(folder)) if way == "agent" else 0.0
        if way == "raw":
            post(node, bodies)
        elif way == "beside":
            post_beside(node, bodies, share)
        wall = time.perf_counter() - begun
    node.request("POST", "/whodid*/_flush")
    time.sleep(1)  # merges that the writing has begun
    used = cpu_of(node) - cpu
    node.request("POST", "/whodid*/_refresh")
    assert node.request("GET", "/whodid*/_count")["count"] == events
    return Cost(wall, used, agent)


def main() -> int:
    """Measure in turn, print medians and ratios beside their limits."""
    if sys.argv[1:2] == ["--work"]:
        work(float(sys.argv[2]))
    events, rounds = (int(given) for given in (sys.argv[1:] + ["60000", "3"][len(sys.argv) - 1 :])[:2])
    costs: dict[str, list[Cost]] = {"raw": [], "agent": [], "beside": []}
    with tempfile.TemporaryDirectory() as folder, Node() as node:
        file = Path(folder, "audit.jsonl")
        write(file, events)
        bodies = record(file)
        measure(node, "raw", file, bodies)  # the node compiles what it will need
        for _ in range(rounds):
            costs["raw"].append(measure(node, "raw", file, bodies))
            costs["agent"].append(last := measure(node, "agent", file, bodies))
            costs["beside"].append(measure(node, "beside", file, bodies, last.agent / last.wall))
    report(costs, events)
    return 0


def report(costs: dict[str, list[Cost]], events: int) -> None:
    """Print what each way took, and the ratios."""
    middle = {way: Cost(*map(statistics.median, zip(*taken, strict=True))) for way, taken in costs.items()}
    for way, cost in middle.items():
        print(  # noqa: T201 - a bench prints
            f"{way:<6} {events / cost.wall:8.0f} events/s  node {cost.node / events * 1e6:6.1f} us/event  "
            f"agent {cost.agent / events * 1e6:6.1f} us/event"
        )
    raw, agent = middle["raw"], middle["agent"]
    for way in ("beside", "raw"):
        ratio = statistics.median(a.node / r.node for a, r in zip(costs["agent"], costs[way], strict=True))
        print(f"node CPU   {ratio:5.3f} x {way} (limit {NODE_LIMIT})")  # noqa: T201
    print(f"rate       {raw.wall / agent.wall:5.0%} of raw (at least {RATE_LIMIT:.0%})")  # noqa: T201
    print(f"agent CPU  {agent.agent / (agent.agent + agent.node):5.0%} of both (limit {AGENT_LIMIT:.0%})")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
