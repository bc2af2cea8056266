"""The receiver's speed: events per second and the 99th percentile of answers, by events in a post.

A receiver in a process of its own (real redaction, real fsync), 32 keep-alive connections from this one. Printed
beside it: the same requests to `/healthz`, which is what HTTP alone costs, and plain fdatasync of the same bytes.
Usage: bench_receiver.py [SECONDS for each line, default 3]
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve()
SERVE = HERE.parents[1] / "agent" / "inputs" / "http" / "serve_receiver.py"
EVENT = {
    "timestamp": "2026-04-30T14:22:11.123456Z",
    "actor": {"type": "user", "id": "783", "name": "Jane Doe", "email": "jane@example.com"},
    "action": "activity_log.user.updated",
    "target": {"type": "user", "id": "12", "name": "John Roe"},
    "changes": {"hourly_limit": {"from": "30000", "to": "50000"}},
    "ip": "203.0.113.42",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
    "metadata": {"source": "bench", "numbers": [1, 2, 3]},
}
CONNECTIONS = 32


def request(events: int) -> bytes:
    """One post of that many events; 0: a GET of /healthz."""
    if not events:
        return b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    body = "\n".join([json.dumps(EVENT)] * events).encode()
    head = (
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def client(address: str, data: bytes, until: float, times: list[float]) -> None:
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    while (start := time.perf_counter()) < until:
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith((b"HTTP/1.1 202", b"HTTP/1.1 200")):
            raise RuntimeError(head.decode())
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(int(length.partition(b":")[2]))
        times.append(time.perf_counter() - start)
    writer.close()
    await writer.wait_closed()


async def load(address: str, data: bytes, seconds: float) -> list[float]:
    times: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(client(address, data, until, times) for _ in range(CONNECTIONS)))
    return sorted(times)


def fdatasyncs(folder: Path, size: int, seconds: float) -> float:
    """How often a second this disk makes that many appended bytes durable."""
    count, until = 0, time.perf_counter() + seconds
    with (folder / "plain").open("wb") as file:
        while time.perf_counter() < until:
            file.write(bytes(size))
            file.flush()
            os.fdatasync(file.fileno())
            count += 1
    return count / seconds


def main() -> None:
    """Print one line for each size of post."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, str(SERVE), str(folder / "spool"), str(64 << 20)]
        environment = {"PYTHONPATH": str(HERE.parents[1])}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            try:
                assert process.stdout is not None
                address = process.stdout.readline().strip()
                for events in (0, 1, 10, 100, 1000):
                    data = request(events)
                    times = asyncio.run(load(address, data, seconds))
                    rate = len(times) / seconds
                    what = f"{events:5} events a post" if events else "     GET /healthz  "
                    p50, p99 = times[len(times) // 2] * 1000, times[int(len(times) * 0.99)] * 1000
                    synced = fdatasyncs(folder, len(data), 0.5)
                    print(  # noqa: T201  a bench prints
                        f"{what} {rate:8.0f} requests/s {rate * events:9.0f} events/s  "
                        f"p50 {p50:6.2f} ms  p99 {p99:6.2f} ms  (plain fdatasync: {synced:.0f}/s)"
                    )
            finally:
                process.kill()


if __name__ == "__main__":
    main()
