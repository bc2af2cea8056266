"""What lines made to cost time cost: `bench_hostile.py [PART OF A KIND'S NAME …]`.

Prints for each kind of line (`support.costly`) its size, CPU microseconds of redaction and normalisation (best of
fifteen), and how many times the budget that is: 200 µs, of an event that holds several so much for each, and 1 µs per
100 bytes. Lines of new keys have others each time.
"""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from support.costly import lines
from whodid_agent.normalise.contract import InputOptions, Origin, Stream
from whodid_agent.normalise.pipeline import Pipeline
from whodid_agent.normalise.profiles import ProfileSet
from whodid_schema.meta import default_meta

RECEIVED = "2026-06-01T12:00:00.000000Z"
ROUNDS = 15


def main(wanted: Sequence[str]) -> None:
    meta = default_meta(datetime(2026, 6, 1, tzinfo=UTC))
    pipeline = Pipeline(InputOptions(), meta, ProfileSet.load(), "a", "h")
    origin = Origin(Stream("file", "h:/bench", "0" * 32, RECEIVED, "a", "h"), 0, RECEIVED)
    kinds: dict[str, list[bytes]] = {}
    for turn in range(ROUNDS):
        for name, line in lines(turn):
            if not wanted or any(part in name for part in wanted):
                kinds.setdefault(name, []).append(line)
    over = 0
    for name, turns in kinds.items():
        spent, many, size = float("inf"), 0, len(turns[0])
        for line in turns:
            started = time.process_time()
            many = len(pipeline.events(pipeline.redact(line + b"\n")[:-1], origin))
            spent = min(spent, (time.process_time() - started) * 1e6)
        ratio = spent / (200 * max(1, many) + size / 100)
        over += ratio > 1
        sys.stdout.write(f"{name:<38} {size:>9} B {spent:>10.0f} µs  {ratio:>6.2f} × budget\n")
    sys.stdout.write(f"{over} of {len(kinds)} kinds are over\n")


if __name__ == "__main__":
    main(sys.argv[1:])
