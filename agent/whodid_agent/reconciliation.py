"""The reconciliation: what was read and what became of it, exact at any moment, running or stopped.

    bytes    position = line + blank + skipped                                        (missed beside it)
    events   decoded = indexed + duplicate + quarantined + dropped + expired + in flight

A stream's counters in the checkpoint hold what is settled or parked. What the journal holds beyond the checkpoint is
added here as decoded and in flight (a stream has its row before it is journaled); what is in flight is counted from
the journal and the parking files themselves. Posts that wait in a spool and were not read yet are in neither: they are
named beside the streams, in bytes, as what was written to a file and not read is the file's.
"""

import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from whodid_agent import parking
from whodid_agent.checkpoint import CheckpointFile
from whodid_agent.inputs.contract import Counters, StreamRow
from whodid_agent.journal import Journal
from whodid_agent.spool.segment import HEAD_SIZE, Segment
from whodid_schema.errors import StateError

EVENTS = ("decoded", "indexed", "duplicate", "quarantined", "dropped", "expired", "in_flight")
BYTES = ("line_bytes", "blank_bytes", "skipped_bytes")


class StreamStatus(Struct):
    """One stream as `status` shows it; `path` is where its file was last seen, empty for what is no file."""

    key: str
    input: str
    path: str
    position: int
    line_bytes: int
    blank_bytes: int
    skipped_bytes: int
    missed_bytes: int
    decoded: int
    indexed: int
    duplicate: int
    quarantined: int
    dropped: int
    expired: int
    in_flight: int

    def balances(self) -> bool:
        """Whether every byte and every event is accounted for."""
        events = self.indexed + self.duplicate + self.quarantined + self.dropped + self.expired + self.in_flight
        return self.decoded == events and self.position == self.line_bytes + self.blank_bytes + self.skipped_bytes


def add(total: Counters, delta: Counters) -> None:
    """Add every counter of `delta` to `total`."""
    for name in Counters.__struct_fields__:
        setattr(total, name, getattr(total, name) + getattr(delta, name))


def streams(state_dir: Path) -> list[StreamStatus]:
    """Every stream's reconciliation. Raises StateError where there is no state or it is damaged."""
    for _ in range(20):
        # Journals first: what is settled meanwhile is recognised by the positions read after them.
        entries = list(Journal(state_dir / "journal").all())
        checkpoint = CheckpointFile(state_dir).read()
        try:
            parked = [parking.count(state_dir / "parking", each) for each in checkpoint.parked]
        except FileNotFoundError:
            time.sleep(0.05)  # a running agent has just delivered it; the next checkpoint no longer names it
            continue
        positions = {row.key: row.position for row in checkpoint.streams}
        journaled: Counter[str] = Counter()
        for each in (each for entry in entries for each in entry.ranges):
            if each.key in positions and each.end > positions[each.key]:
                journaled[each.key] += each.shipped()
        waiting = sum((Counter(each) for each in parked), Counter())
        return [_status(row, journaled[row.key], waiting[row.key]) for row in checkpoint.streams]
    raise StateError(f"{state_dir / 'parking'}: parked files named in the checkpoint are missing", "restore them")


def _status(row: StreamRow, journaled: int, parked: int) -> StreamStatus:
    counters = msgspec.structs.asdict(row.counters)
    counters["decoded"] += journaled
    path = str(row.detail.get("path") or "")
    return StreamStatus(row.key, row.input, path, row.position, **counters, in_flight=journaled + parked)


def unread(state_dir: Path) -> dict[str, int]:
    """Bytes of posts that lie in each receiver's spool and are in no stream's counters yet: nothing has read them."""
    reached = {row.key: row.position for row in CheckpointFile(state_dir).read().streams}
    for entry in Journal(state_dir / "journal").all():
        for each in entry.ranges:
            reached[each.key] = max(reached.get(each.key, 0), each.end)
    found = {}
    for folder in sorted((state_dir / "spool").glob("*/")):
        name = unquote(folder.name)
        waits = _end(folder) - reached.get(f"spool:http:{name}", 0)
        if waits > 0:
            found[f"http:{name}"] = waits
    return found


def _end(folder: Path) -> int:
    """The spool position behind the last byte of this spool; 0 where nothing was ever posted."""
    ends = [0]
    for segment in filter(None, map(Segment.named, folder.iterdir())):
        with suppress(FileNotFoundError):  # delivered meanwhile
            size = segment.path.stat().st_size
            if size > HEAD_SIZE:
                ends.append(segment.start + size)
    return max(ends)


def report(state_dir: Path) -> dict[str, Any]:
    """The document of `status --format json`."""
    rows = streams(state_dir)
    totals = {name: sum(getattr(row, name) for row in rows) for name in (*EVENTS, "missed_bytes")}
    expired = CheckpointFile(state_dir).read().expired
    found = {"streams": [msgspec.to_builtins(row) for row in rows], "totals": totals, "unread": unread(state_dir)}
    return found | ({"expired": msgspec.to_builtins(expired)} if expired else {})
