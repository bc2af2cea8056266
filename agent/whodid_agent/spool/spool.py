"""The spool on disk: append durably, keep to the quota, delete what was delivered, survive any crash.

    append ─► whole frames written in one go ─► fdatasync ─► `end` moves ─► readers see them, the sender gets its 2xx

Invariants
- `end` only moves behind bytes that are durable; nobody reads past it.
- Positions and frame numbers increase and are never used twice, whatever was cut off, set aside or deleted.
- After a failed write the file is cut back to `end` and left; the next append begins a new file.
- The last file is never deleted, so the folder always says where to go on.
- Damaged bytes are copied to `damaged/` and counted; they stop nothing.

One thread appends at a time, one other may read and call `delivered`.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from whodid_agent.spool import frame
from whodid_agent.spool.frame import Post
from whodid_agent.spool.segment import HEAD_SIZE, Segment, create, recover
from whodid_agent.state import sync_folder
from whodid_schema.errors import StateError, WhodidError

QUOTA = 1 << 30
SEGMENT_BYTES = 64 << 20
DRAINED_BYTES = 1 << 20


class SpoolFull(WhodidError):
    """The quota is reached: the sender must wait until the store has taken some of the backlog."""

    code = "spool_full"


class Receipt(NamedTuple):
    """Where a durable post lies: its frame's number, and the spool position behind it."""

    number: int
    end: int


class Spool:
    """The spool in `folder`, opened and recovered. Raises StateError where that is not possible.

    `quota` bounds the bytes that are not yet delivered; on disk there is at most one `segment_bytes` file more.
    `sync` makes a descriptor's data durable (replaced by tests that make the disk fail).
    """

    def __init__(
        self,
        folder: Path,
        *,
        quota: int = QUOTA,
        segment_bytes: int = SEGMENT_BYTES,
        sync: Callable[[int], None] = os.fdatasync,
    ) -> None:
        self.folder = folder
        self.quota = quota
        self.damaged_bytes = 0
        self._segment_bytes = segment_bytes
        self._sync = sync
        self._lock = threading.RLock()
        self._descriptor = -1
        self._failed = False
        self._set_aside: set[str] = set()
        self._guard = self._claim()
        try:
            self._recover()
        except OSError as error:
            self.close()
            raise StateError(
                f"spool {folder}: cannot be opened: {error}", "mend the disk or the permissions"
            ) from error
        except StateError:
            self.close()
            raise

    # -- opening ------------------------------------------------------------------------------------------------

    def _claim(self) -> int:
        """Lock the folder for this process: two writers would number frames alike."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            guard = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(f"spool {self.folder}: cannot be opened: {error}", "mend the permissions") from error
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(guard)
            raise StateError(
                f"spool {self.folder}: another process uses it", "stop the other agent, or give each its own state_dir"
            ) from error
        return guard

    def _recover(self) -> None:
        found = (Segment.named(path) for path in self.folder.iterdir())
        self._segments = sorted((segment for segment in found if segment), key=lambda segment: segment.start)
        if not self._segments:
            self._begin(0, 1)
            self.delivered_position = 0
            return
        last = self._segments[-1]
        state = recover(last)
        self.delivered_position = self._segments[0].start
        self._next_number = state.next_number
        if state.size <= HEAD_SIZE:
            self._segments.pop()
            self._begin(last.start, last.first)
            return
        self._descriptor = os.open(last.path, os.O_RDWR | os.O_CLOEXEC)
        self._size = state.end
        if state.end < state.size:
            if not state.torn:
                self.set_aside(last, state.end, state.size)
            os.ftruncate(self._descriptor, state.end)
        # A killed process leaves whole frames that only the page cache holds; they count once they are durable.
        os.fsync(self._descriptor)
        if state.end < state.size:
            self._begin(last.start + state.size, state.next_number)

    def _begin(self, start: int, number: int) -> None:
        """Go on in a new file."""
        segment = Segment.at(self.folder, start, number)
        descriptor = create(segment)
        if self._descriptor >= 0:
            os.close(self._descriptor)
        with self._lock:
            self._segments = [*self._segments, segment]
            self._descriptor, self._size, self._next_number = descriptor, HEAD_SIZE, number

    def advance(self, position: int, number: int = 0) -> None:
        """The checkpoint knows of this position and of all frame numbers below `number`: never go behind them.

        Called before the first append; it matters where the spool was deleted or restored while its checkpoint stayed.
        """
        if position > self.end or number > self._next_number:
            self._begin(max(position, self._segments[-1].start + self._size), max(number, self._next_number))
        self.delivered_position = max(self.delivered_position, position)

    # -- what there is ------------------------------------------------------------------------------------------

    @property
    def start(self) -> int:
        """The position of the first byte that is still there."""
        return self._segments[0].start

    @property
    def end(self) -> int:
        """The position behind the last durable frame."""
        with self._lock:
            last = self._segments[-1]
            return last.start + self._size if self._size > HEAD_SIZE else last.start

    @property
    def next_number(self) -> int:
        """The number that the next frame gets."""
        return self._next_number

    @property
    def used(self) -> int:
        """Bytes that are not delivered yet."""
        return self.end - self.delivered_position

    @property
    def failed(self) -> bool:
        """Whether the last append failed."""
        return self._failed

    def segment_behind(self, position: int) -> tuple[Segment, int] | None:
        """The file that holds the first readable byte at or behind `position`, and the position of its end."""
        with self._lock:
            segments, size, end = self._segments, self._size, self.end
        for segment in segments[:-1]:
            file_size = segment.path.stat().st_size
            if file_size > HEAD_SIZE and position < segment.start + file_size:
                return segment, segment.start + file_size
        return (segments[-1], end) if position < end and size > HEAD_SIZE else None

    # -- writing ------------------------------------------------------------------------------------------------

    def admit(self, size: int) -> None:
        """Raise SpoolFull where `size` more bytes would pass the quota."""
        if self.used + size > self.quota:
            raise SpoolFull(
                f"the spool {self.folder} holds {self.used} of {self.quota} bytes that the store has not taken yet",
                "send again later; look at the store, or raise the quota",
            )

    def append(self, posts: Sequence[Post]) -> list[Receipt]:
        """Write the posts as frames, all with one fdatasync; when this returns they are durable.

        Raises StateError where the disk refuses: none of them counts then.
        """
        try:
            self._ready()
            receipts, frames, at = [], [], self._segments[-1].start + self._size
            for number, post in enumerate(posts, self._next_number):
                frames.append(frame.encode(number, post))
                at += len(frames[-1])
                receipts.append(Receipt(number, at))
            self._next_number += len(frames)
            self._write(b"".join(frames))
        except OSError as error:
            self._failed = True
            with contextlib.suppress(OSError):  # tried again before the next append
                os.ftruncate(self._descriptor, self._size)
            raise StateError(
                f"spool {self.folder}: cannot be written: {error.strerror}", "free or mend the disk"
            ) from error
        return receipts

    def _ready(self) -> None:
        """A file that can be appended to: after a failure, and when one is long enough, a new one."""
        if self._failed:
            # The kernel may have dropped the pages that it could not write: this file's tail is not to be trusted.
            os.ftruncate(self._descriptor, self._size)
            os.fsync(self._descriptor)
            self._begin(self._segments[-1].start + self._size, self._next_number)
            self._failed = False
        elif self._size >= (self._segment_bytes if self.used else min(self._segment_bytes, DRAINED_BYTES)):
            self._begin(self._segments[-1].start + self._size, self._next_number)

    def _write(self, data: bytes) -> None:
        view, offset = memoryview(data), self._size
        while view:
            written = os.pwrite(self._descriptor, view, offset)
            view, offset = view[written:], offset + written
        self._sync(self._descriptor)
        with self._lock:
            self._size = offset

    # -- giving up ----------------------------------------------------------------------------------------------

    def delivered(self, position: int) -> None:
        """The store has everything before `position`: files that lie before it are deleted."""
        with self._lock:
            self.delivered_position = max(self.delivered_position, min(position, self.end))
            gone = [
                before
                for before, after in zip(self._segments, self._segments[1:], strict=False)
                if after.start <= self.delivered_position
            ]
            self._segments = self._segments[len(gone) :]
        for segment in gone:
            segment.path.unlink(missing_ok=True)
        if gone:
            sync_folder(self.folder)

    def set_aside(self, segment: Segment, start: int, end: int) -> None:
        """Keep the damaged bytes from offset `start` to `end` of a file for people to look at, and count them once."""
        name = f"{segment.path.stem}-{start}"
        if name in self._set_aside:
            return
        self._set_aside.add(name)
        self.damaged_bytes += end - start
        folder = self.folder / "damaged"
        folder.mkdir(exist_ok=True, mode=0o700)
        with segment.path.open("rb") as file, (folder / name).open("wb") as kept:
            file.seek(start)
            kept.write(file.read(end - start))
            kept.flush()
            os.fsync(kept.fileno())

    def close(self) -> None:
        """Give back the file and the lock. What was appended is durable already."""
        for descriptor in (self._descriptor, self._guard):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._guard = -1
