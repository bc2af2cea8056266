"""Reading the spool from front to back: frame after frame, round whatever is damaged or not there.

    seek(position) ─► next() ─► Frame | Gap | None (nothing more is durable yet)

Used by one thread; the spool's writer may append meanwhile.
"""

import os
from typing import NamedTuple

from whodid_agent.spool import frame
from whodid_agent.spool.frame import Frame
from whodid_agent.spool.segment import HEAD_SIZE, Segment
from whodid_agent.spool.spool import Spool

CHUNK = 1 << 20


class Gap(NamedTuple):
    """Positions that hold no frame: cut off after a crash, damaged, or a file that is missing."""

    start: int
    end: int


class Reader:
    """A place in the spool; `position` is where the next frame or gap begins."""

    def __init__(self, spool: Spool, position: int = 0) -> None:
        self._spool = spool
        self._segment: Segment | None = None
        self._descriptor = -1
        self._data = b""
        self._base = 0
        self.position = 0
        self.seek(position)

    def seek(self, position: int) -> None:
        """Go to the frame that holds this position (its start may lie before it)."""
        place = self._spool.segment_behind(position)
        if place is None or place[0].start >= position:
            self.position = position
            return
        self.position = before = place[0].start
        while self.position < position and (item := self.next()):
            if item.end > position:
                self.position = before
                return
            before = item.end

    def next(self) -> Frame | Gap | None:
        """The next frame, or the gap before it; None: nothing more is durable."""
        place = self._spool.segment_behind(self.position)
        if place is None:
            return self._gap(self._spool.end) if self.position < self._spool.end else None
        segment, end = place
        if self.position < segment.start:
            return self._gap(segment.start)
        self._enter(segment)
        offset = max(self.position - segment.start, HEAD_SIZE)
        found = self._frame(offset, end - segment.start)
        if found is None:
            return self._damaged(segment, offset, end - segment.start)
        found = found._replace(start=self.position)
        self.position = found.end
        return found

    def close(self) -> None:
        """Give back the open file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._segment, self._data = -1, None, b""

    def _enter(self, segment: Segment) -> None:
        if segment != self._segment:
            self.close()
            self._descriptor = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
            self._segment, self._base = segment, 0

    def _frame(self, offset: int, limit: int) -> Frame | None:
        """The frame at `offset` of the open file, whose durable part ends at `limit`."""
        at = offset - self._base
        if 0 <= at < len(self._data):
            found = frame.decode(self._data, at, self._position_of(offset))
            if found is not None:
                return found
        self._load(offset, min(CHUNK, limit - offset))
        length = frame.length_at(self._data, 0)
        if length is not None and len(self._data) < length <= limit - offset:
            self._load(offset, length)
        return frame.decode(self._data, 0, self._position_of(offset))

    def _position_of(self, offset: int) -> int:
        return (self._segment.start if self._segment else 0) + offset

    def _load(self, offset: int, size: int) -> None:
        loaded = bytearray()
        while len(loaded) < size and (piece := os.pread(self._descriptor, size - len(loaded), offset + len(loaded))):
            loaded += piece
        self._data, self._base = bytes(loaded), offset

    def _damaged(self, segment: Segment, offset: int, limit: int) -> Gap:
        self._load(offset, limit - offset)
        end = offset + frame.find(self._data, 1)
        self._spool.set_aside(segment, offset, end)
        return self._gap(segment.start + end)

    def _gap(self, end: int) -> Gap:
        gap = Gap(self.position, end)
        self.position = end
        return gap
