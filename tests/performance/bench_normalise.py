"""CPU per event of the normaliser beside the yardstick's bare reference, in one run: `bench_normalise.py [N]`.

Prints µs/event and the ratio (medians of five interleaved rounds) for the yardstick's events, by the profile that
fits them and as if none did (`generic`). YARDSTICK names the folder with generate.py and reference_record.py.
"""

import importlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from whodid_agent.normalise.contract import InputOptions, Origin, Stream
from whodid_agent.normalise.pipeline import Pipeline
from whodid_agent.normalise.profiles import ProfileSet
from whodid_schema.meta import default_meta

RECEIVED = "2026-06-01T12:00:00.000000Z"
CHUNK = 256 * 1024
ROUNDS = 5


def chunks_of(data: bytes) -> list[bytes]:
    """Whole lines, about a read of the file input each."""
    found, start = [], 0
    while start < len(data):
        end = data.find(b"\n", min(start + CHUNK, len(data) - 1)) + 1
        found.append(data[start:end])
        start = end
    return found


def ours(chunks: list[bytes], profile: str | None = None) -> Callable[[], None]:
    options = InputOptions(profile=profile)
    pipeline = Pipeline(options, default_meta(datetime(2026, 6, 1, tzinfo=UTC)), ProfileSet.load(), "a", "h")
    stream = Stream("file", "h:/bench", "0" * 32, RECEIVED, "a", "h")

    def run() -> None:
        offset = 0
        for chunk in chunks:
            for line in pipeline.redact(chunk).split(b"\n")[:-1]:
                pipeline.events(line, Origin(stream, offset, RECEIVED))
                offset += len(line) + 1

    return run


def reference(lines: list[bytes], folder: str) -> Callable[[], None]:
    sys.path.insert(0, folder)
    bare = importlib.import_module("reference_record")

    def run() -> None:
        for line in lines:
            bare.bulk_lines([bare.normalize(bare.decoder.decode(line), line)], "x")

    return run


def cpu(run: Callable[[], None], events: int) -> float:
    started = time.process_time()
    run()
    return (time.process_time() - started) / events * 1e6


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    folder = os.environ["YARDSTICK"]
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "events.jsonl"
        subprocess.run([sys.executable, f"{folder}/generate.py", str(number), str(file)], check=True)
        data = file.read_bytes()
    bare = reference(data.splitlines(), folder)
    for name, mine in (("whodid", ours(chunks_of(data))), ("generic", ours(chunks_of(data), "generic"))):
        mine()
        bare()
        rounds = [(cpu(mine, number), cpu(bare, number)) for _ in range(ROUNDS)]
        left, right = (statistics.median(side) for side in zip(*rounds, strict=True))
        ratio = statistics.median(one / other for one, other in rounds)
        sys.stdout.write(f"{name} {left:.1f} µs/event, reference {right:.1f} µs/event, ratio {ratio:.2f}\n")


if __name__ == "__main__":
    main()
