"""What redaction costs. usage: bench_redact.py FILE.jsonl [FILE …]

Prints, for each file and engine, CPU microseconds per event of the scan alone and of the whole redaction (best of
seven, in chunks of 256 KiB), and what the slow way costs for one line of the file.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from whodid_agent.normalise.redact import Redactor

CHUNK = 256 * 1024
ROUNDS = 7


def chunks(data: bytes) -> list[bytes]:
    """The data in whole lines of about CHUNK bytes."""
    parts: list[bytes] = []
    start = 0
    while start < len(data):
        end = data.find(b"\n", min(start + CHUNK, len(data) - 1)) + 1 or len(data)
        parts.append(data[start:end])
        start = end
    return parts


def best(work: Callable[[], object]) -> float:
    """CPU seconds of the fastest of ROUNDS."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def measure(path: Path, redactor: Redactor, name: str) -> str:
    """One line of the report."""
    data = path.read_bytes()
    lines = data.splitlines()
    parts = chunks(data)
    scan = redactor._scan
    scanned = best(lambda: [scan(part) for part in parts]) if scan else 0.0
    redacted = best(lambda: [redactor.redact(part) for part in parts])
    some = lines[:: max(1, len(lines) // 200)]
    slow = best(lambda: [redactor._line(line) for line in some]) / len(some)
    each = 1e6 / len(lines)
    return (
        f"{path.name:28}{name:11}{len(data) // len(lines):6} B/event"
        f"   scan {scanned * each:6.2f}   redact {redacted * each:6.2f}   slow line {slow * 1e6:6.1f} µs"
    )


def main(paths: list[str]) -> None:
    """Measures every file with every engine."""
    for path in paths:
        for name in ("hyperscan", "re2", "none"):
            print(measure(Path(path), Redactor(engine_name=name), name))  # noqa: T201 - a report for people


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
