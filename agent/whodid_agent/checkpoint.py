"""The checkpoint: how far every stream is settled, its counters, and what lies parked. It moves last.

    {"settled": 41,                      every batch up to this journal number is counted here
     "written": "2026-05-01T08:00:00.000000Z",
     "streams": [{"key": "…", "input": "…", "position": 8123, "counters": {…}, "detail": {…}}, …],
     "parked": [{"name": "…", "index": "…", "kind": "index", "reason": "…", "events": {"<key>": 12}, "bytes": 9120}],
     "released": ["<entry id>", …],      quarantine entries already counted as replayed, to be taken out of their files
     "expired": {"<class>": {"events": 3, "oldest": "…", "newest": "…", "examples": […]}}}

The row `<input>#earlier` is the sum of streams of that input that ended long ago, so that rotations do not add up.
Invariants: a stream has a row before its first batch is journaled; a batch is journaled before it is sent; an event
is counted here only when the store has it or it lies fsynced in quarantine or parking. What the previous generation
still needs (journals, parking files, spool segments) is given up only when that generation has passed it too.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from whodid_agent.expired import Expired
from whodid_agent.inputs.contract import StreamRow
from whodid_agent.state import StateFile


class Parked(Struct, frozen=True):
    """One file of parked events; `events` counts them by stream, `kind` says what is probed: the index or the value."""

    name: str
    index: str
    kind: str
    reason: str
    events: dict[str, int]
    bytes: int


class Checkpoint(Struct, kw_only=True):
    """One generation of the checkpoint."""

    settled: int = 0
    written: str = ""
    streams: list[StreamRow] = []
    parked: list[Parked] = []
    released: list[str] = []
    expired: dict[str, Expired] = {}


def now() -> str:
    """This moment as the record writes times."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class CheckpointFile:
    """Reads and writes generations; a row that has not changed since the last write is not encoded again."""

    def __init__(self, folder: Path) -> None:
        self._file = StateFile(folder / "checkpoint.json", "checkpoint", Checkpoint, generations=True)
        self._encoder = msgspec.json.Encoder()
        self._rows: dict[str, bytes] = {}

    def read(self) -> Checkpoint:
        """The last generation; an empty one at the very first start. Raises StateError where both are damaged."""
        return self._file.read() or Checkpoint()

    def write(self, settled: int, rows: Mapping[str, StreamRow], changed: set[str], **rest: Any) -> None:
        """Make this the current generation, fsynced. `changed` names the rows that differ from the last write."""
        for key, row in rows.items():
            if key in changed or key not in self._rows:
                self._rows[key] = self._encoder.encode(row)
        for key in self._rows.keys() - rows.keys():
            del self._rows[key]
        streams = [msgspec.Raw(encoded) for encoded in self._rows.values()]
        self._file.write(self._encoder.encode({"settled": settled, "written": now(), "streams": streams, **rest}))
