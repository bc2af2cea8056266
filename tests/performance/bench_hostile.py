"""What lines made to cost time cost: `bench_hostile.py`.

Prints for each kind of line its size, CPU microseconds of the generic profile with redaction (best of fifteen), and how
many times the budget of 200 µs + 1 µs per 100 bytes that is. Lines of new keys have others each time.
"""

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from whodid_agent.normalise.contract import InputOptions, Origin, Stream
from whodid_agent.normalise.pipeline import Pipeline
from whodid_agent.normalise.profiles import ProfileSet
from whodid_schema.meta import default_meta

RECEIVED = "2026-06-01T12:00:00.000000Z"
BASE: dict[str, Any] = {"timestamp": "2026-03-05T10:00:00Z", "actor": {"id": "1"}, "action": "a.b"}
ROUNDS = 15


def events(turn: int) -> Iterator[tuple[str, Any]]:
    """Kinds of events by name; `turn` is how often they were asked for."""
    yield "plain", BASE
    yield "300 new keys", BASE | {f"k{turn}x{number}": number for number in range(300)}
    yield "100 new keys in objects", BASE | {f"k{turn}x{number}": {f"a{turn}": number} for number in range(100)}
    yield "300 keys", BASE | {f"k{number}": number for number in range(300)}
    yield "2,000 keys", BASE | {f"k{number}": number for number in range(2000)}
    yield "100,000 keys", {f"k{number}": number for number in range(100_000)}
    yield "an actor spelt 250 ways", {f"a{'_' * number}ctor": number for number in range(250)}
    yield "250 keys in _by", {f"x{number}_by": {"id": None} for number in range(250)}
    yield "200 texts of JSON", {f"k{number}": '{"a":1}' for number in range(200)}
    yield "a text of 1 MB", BASE | {"note": "x" * 1_000_000}
    yield "a user agent of 1 MB", BASE | {"user_agent": "Mozilla/5.0 " + "(" * 1_000_000}
    yield "200 addresses", {f"a{number}": f"203.0.113.{number}" for number in range(200)}
    yield "200 that look like addresses", {f"a{number}_addr": f"999.0.113.{number}" for number in range(200)}
    yield "200 that look like times", {f"a{number}_at": "2026-03-05 10:00:00 nonsense" for number in range(200)}
    yield "5,000 forwarded addresses", BASE | {"x_forwarded_for": ", ".join(["10.0.0.1"] * 5000)}
    yield "100 passwords", {f"password{number}": "s3cr3ts3cr3t" for number in range(100)}
    yield "100 tokens, nested", {f"k{number}": {"token": {"x": {"y": "abcdefgh"}}} for number in range(100)}
    yield "100 bearer tokens", {f"k{number}": "Bearer abcdefghijklmnop" for number in range(100)}
    yield "100 card numbers", {f"k{number}": "4539578763621486" for number in range(100)}
    yield "1,000 near card numbers", {"k": ["4539578763621487"] * 1000}
    yield "1,000 assignments in a text", {"msg": "token = " * 1000}
    yield "500 addresses with passwords", {"msg": "https://a:b@c/ " * 500}
    yield "20,000 equal numbers", BASE | {"l": [1.5] * 20_000}
    yield "2,000 changes", BASE | {"changes": {f"f{n}": {"from": n, "to": n + 1} for n in range(2000)}}


def lines(turn: int = 0) -> Iterator[tuple[str, bytes]]:
    """Kinds of lines by name: the events, and what no encoder writes."""
    for name, event in events(turn):
        yield name, json.dumps(event).encode()
    yield "nested 900 times", b'{"a":' * 900 + b"1" + b"}" * 900
    yield "10,000 escapes", b'{"action":"a","x":"' + b'\\u0041\\n\\"' * 3333 + b'"}'
    yield "an escaped key", b'{"action":"a","p\\u0061ssword":"xyzxyzxyz","x":"' + b"y" * 500 + b'"}'
    yield "1,000 doubled keys", b"{" + b",".join(b'"a":%d' % number for number in range(1000)) + b"}"


def main() -> None:
    meta = default_meta(datetime(2026, 6, 1, tzinfo=UTC))
    pipeline = Pipeline(InputOptions(profile="generic"), meta, ProfileSet.load(), "a", "h")
    origin = Origin(Stream("file", "h:/bench", "0" * 32, RECEIVED, "a", "h"), 0, RECEIVED)
    turns = [dict(lines(turn)) for turn in range(ROUNDS)]
    for name, line in turns[0].items():
        best = float("inf")
        for turn in turns:
            started = time.process_time()
            pipeline.events(pipeline.redact(turn[name] + b"\n")[:-1], origin)
            best = min(best, time.process_time() - started)
        budget = 200 + len(line) / 100
        sys.stdout.write(f"{name:<30} {len(line):>9} B {best * 1e6:>10.0f} µs  {best * 1e6 / budget:>5.1f} × budget\n")


if __name__ == "__main__":
    main()
