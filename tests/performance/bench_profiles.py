"""CPU per event of the built-in profiles beside a bare normaliser of each format: `bench_profiles.py [N] [PROFILE …]`.

Ours has everything in it: redaction, recognition, ids, the sentence, metadata, the original, the record's JSON. Events
are the golden ones that the bare normaliser (`support.bare`) can read, varied by a seed; medians of interleaved rounds.
Prints µs/event and the ratio, asked to stay below 2.2, and the share of recognition, asked to stay below a tenth.
"""

import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from support.bare import BARE
from support.events import profile_events
from support.golden import golden
from whodid_agent.normalise.contract import InputOptions, Origin, Stream
from whodid_agent.normalise.pipeline import Pipeline
from whodid_agent.normalise.profiles import ProfileSet
from whodid_schema.meta import default_meta

RECEIVED = "2026-06-01T12:00:00.000000Z"
ROUNDS = 5
WARM = 3
"""Times that the whole input is seen before the first round: functions are made of what is met often."""

_NAMES = re.compile(r"\b(jane|bob|ann|alice|mateo|octocat|hubot|carol|mallory)\b")
_HOST = re.compile(r"\b(203\.0\.113|192\.0\.2|198\.51\.100|10\.0\.0)\.\d+\b")
_CLOCK = re.compile(r"T\d\d:\d\d:\d\d")
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")


def varied(line: bytes, rng: random.Random) -> bytes:
    """The event with other names, addresses, hours and ids, in the same form."""
    text = _NAMES.sub(lambda found: f"{found[0]}{rng.randrange(500)}", line.decode())
    text = _HOST.sub(lambda found: f"{found[1]}.{rng.randrange(1, 255)}", text)
    text = _CLOCK.sub(lambda _: f"T{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}", text)
    return _UUID.sub(lambda found: f"{rng.randrange(16**8):08x}{found[0][8:]}", text).encode()


def lines_of(name: str, number: int) -> tuple[list[bytes], int]:
    """So many lines, and of how many different events they are made."""
    events = golden().get(name)
    found = [one.line for one in events] if events else list(map(msgspec.json.encode, profile_events(name)))
    readable = [line for line in found if _reads(BARE[name], line)]
    rng = random.Random(name)  # the same events every time
    return [varied(readable[turn % len(readable)], rng) for turn in range(number)], len(readable)


def _reads(bare: Callable[[bytes], bytes], line: bytes) -> bool:
    try:
        bare(line)
    except msgspec.ValidationError:
        return False
    return True


def ours(lines: Sequence[bytes], profiles: ProfileSet) -> Callable[[], None]:
    pipeline = Pipeline(InputOptions(), default_meta(datetime(2026, 6, 1, tzinfo=UTC)), profiles, "a", "h")
    stream = Stream("file", "h:/bench", "0" * 32, RECEIVED, "a", "h")
    chunks = [b"".join(line + b"\n" for line in lines[start : start + 400]) for start in range(0, len(lines), 400)]

    def run() -> None:
        offset = 0
        for chunk in chunks:
            for line in pipeline.redact(chunk).split(b"\n")[:-1]:
                pipeline.events(line, Origin(stream, offset, RECEIVED))
                offset += len(line) + 1

    return run


def reference(name: str, lines: Sequence[bytes]) -> Callable[[], None]:
    bulk = BARE[name]

    def run() -> None:
        for line in lines:
            bulk(line)

    return run


def recognition(lines: Sequence[bytes], profiles: ProfileSet) -> Callable[[], None]:
    events = [msgspec.json.decode(line) for line in lines]

    def run() -> None:
        for event in events:
            profiles.mapper_of(event, tuple(event))

    return run


def cpu(run: Callable[[], None], events: int) -> float:
    started = time.process_time()
    run()
    return (time.process_time() - started) / events * 1e6


def measure(name: str, number: int) -> str:
    lines, kinds = lines_of(name, number)
    profiles = ProfileSet.load()
    runs = (ours(lines, profiles), reference(name, lines), recognition(lines, profiles))
    for _ in range(WARM):
        for run in runs:
            run()
    rounds = [[cpu(run, number) for run in runs] for _ in range(ROUNDS)]
    left, right, told = (statistics.median(side) for side in zip(*rounds, strict=True))
    ratio = statistics.median(one / other for one, other, _ in rounds)
    size = sum(map(len, lines)) // number
    return (
        f"{name:18} {kinds:3} kinds {size:5} B  whodid {left:5.1f}  bare {right:5.1f} µs/event  "
        f"ratio {ratio:.2f}  recognition {told:.2f} µs, {told / left:.0%}\n"
    )


def main() -> None:
    words = sys.argv[1:]
    number = int(words.pop(0)) if words and words[0].isdecimal() else 4_000
    for name in words or BARE:
        sys.stdout.write(measure(name, number))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
