"""What every input gives the runner: blocks of redacted lines, and the way back to them after a crash.

    Source.poll ─► Source.read ─► Block ─► (normalise, journal, send) ─► Source.detail ─► checkpoint ─► Source.delivered

A *stream* is one run of bytes that is read from front to back: a file instance, a spool. Positions are bytes in the
stream (of the decompressed file; of the spool). The runner owns positions and counters, a source owns its `detail`:
whatever it needs to find the same bytes again, kept in the stream's row of the checkpoint.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec
from msgspec import Struct

from whodid_agent.normalise.contract import Normaliser, Origin


class Counters(Struct):
    """The reconciliation of one stream.

    Bytes: `position = line_bytes + blank_bytes + skipped_bytes` (skipped: leading NULs); `missed_bytes`, a lower
    bound, were never seen. Events: `decoded = indexed + duplicate + quarantined + dropped + expired + in flight`.
    """

    line_bytes: int = 0
    blank_bytes: int = 0
    skipped_bytes: int = 0
    missed_bytes: int = 0
    decoded: int = 0
    indexed: int = 0
    duplicate: int = 0
    quarantined: int = 0
    dropped: int = 0
    expired: int = 0


class StreamRow(Struct, kw_only=True):
    """One stream in the checkpoint: everything before `position` is settled."""

    key: str
    input: str
    position: int = 0
    counters: Counters = msgspec.field(default_factory=Counters)
    detail: dict[str, Any] = msgspec.field(default_factory=dict)


class Line(NamedTuple):
    """One line, redacted, without its newline; `end` is the position behind it in the stream."""

    origin: Origin
    data: bytes
    end: int


class Block(NamedTuple):
    """Lines of one stream from position `start` to `end`. What lies between that is no line is counted here.

    `refused` are lines that cannot even be handed on (too long): (offset, reason, detail).
    """

    key: str
    start: int
    end: int
    lines: list[Line]
    blank_bytes: int = 0
    skipped_bytes: int = 0
    refused: tuple[tuple[int, str, str], ...] = ()


class Gone(Exception):
    """The bytes asked for are not there any more; `missed` of them at least are lost."""

    def __init__(self, missed: int) -> None:
        super().__init__(f"{missed} bytes are gone")
        self.missed = missed


class Source(Protocol):
    """One configured input, seen by the runner. Called from one thread only, except `wake`."""

    name: str
    normaliser: Normaliser

    def open(self, rows: Mapping[str, StreamRow]) -> None:
        """Called once, with this input's rows of the checkpoint: go on where each stands."""

    def poll(self) -> None:
        """Look for what is new: files, rotations, truncations. Cheap; called before each round of reads."""

    def read(self, limit: int) -> Block | None:
        """The next whole lines, about `limit` bytes of them, of the stream that is next; None: nothing now.

        What was read once is not read again unless `rewind` is called.
        """

    def replay(self, key: str, start: int, end: int, received_at: str) -> Iterator[Block]:
        """The same lines again, for the journal, with the receipt they had. Raises Gone where they are not there.

        Afterwards `read` goes on behind `end`.
        """

    def rewind(self, key: str, position: int) -> None:
        """Read this stream from `position` once more: what was read behind it could not be delivered."""

    def detail(self, key: str, position: int) -> dict[str, Any]:
        """What the checkpoint must keep so that the stream is found again at `position`."""

    def delivered(self, key: str, position: int) -> None:
        """The checkpoint stands at `position`, fsynced: what lies before it may be given up."""

    def missed(self) -> Mapping[str, int]:
        """Bytes that vanished unread since the last call, by stream (a lower bound), also of streams never read."""

    def at_risk(self) -> Mapping[str, int]:
        """Streams whose bytes only this process still holds (an unlinked file), and how many: gone when it ends."""

    def spent(self) -> Collection[str]:
        """Streams that ended long ago and were settled to their end: their rows may be summed up into one."""

    def forget(self, keys: Collection[str]) -> None:
        """These of the `spent` have no row any more."""

    def pending(self) -> int:
        """Bytes that are there and not read yet; 0 with `--once` means the end of everything."""

    def finish(self) -> None:
        """`--once`: from now on a last line without a newline counts, if it is a complete JSON value."""

    def close(self) -> None:
        """Give back files and threads; also called where `open` failed or another source's did."""
