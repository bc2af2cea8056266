"""One file of the spool: its name, its head, and what is found in it after a crash.

    name   <start, 20 digits>-<first frame number, 12 digits>.spool
    head   offset  size  field
           0       7     "whodspl"
           7       1     version of the form, 1
           8       8     start: the running spool position of this file's first byte
           16      8     number of the first frame
           24      4     CRC-32 of the 24 bytes before
    then   frames (see frame.py), nothing between them

Files are only appended to, and only the last one. A file's end may stand before the next one's start: what lay between
was cut off as torn or damaged, and its positions are not used again.
"""

import os
import re
import zlib
from pathlib import Path
from typing import NamedTuple, Self

from whodid_agent.spool import frame
from whodid_agent.state import sync_folder
from whodid_schema.errors import StateError

_MAGIC = b"whodspl"
_VERSION = 1
HEAD_SIZE = 28
_NAME = re.compile(r"(\d{20})-(\d{12,20})\.spool")


class Segment(NamedTuple):
    """A file of the spool: it begins at spool position `start` and its first frame has the number `first`."""

    path: Path
    start: int
    first: int

    @classmethod
    def at(cls, folder: Path, start: int, first: int) -> Self:
        """The segment of that start and first frame number in the folder."""
        return cls(folder / f"{start:020d}-{first:012d}.spool", start, first)

    @classmethod
    def named(cls, path: Path) -> Self | None:
        """The segment that a file is by its name; None for other files."""
        match = _NAME.fullmatch(path.name)
        return cls(path, int(match[1]), int(match[2])) if match else None

    def head(self) -> bytes:
        """The file's first 28 bytes."""
        plain = _MAGIC + bytes((_VERSION,)) + self.start.to_bytes(8, "big") + self.first.to_bytes(8, "big")
        return plain + zlib.crc32(plain).to_bytes(4, "big")


class Recovered(NamedTuple):
    """What a scan found: whole frames up to offset `end`, `size` bytes in all, and the next free frame number.

    `torn`: the bytes behind `end` are the beginning of a write that was never acknowledged.
    """

    end: int
    size: int
    next_number: int
    torn: bool


def create(segment: Segment) -> int:
    """Make the file with its head, durable in its folder; gives the descriptor to append with."""
    descriptor = os.open(segment.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, segment.head())
        os.fsync(descriptor)
        sync_folder(segment.path.parent)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def recover(segment: Segment) -> Recovered:
    """Read the whole file and find its last whole frame. Raises StateError for a newer version's file.

    Damage that whole frames follow is no end: the reader goes round it.
    """
    data = segment.path.read_bytes()
    head = data[:HEAD_SIZE]
    unharmed = len(head) == HEAD_SIZE and zlib.crc32(head[:24]) == int.from_bytes(head[24:], "big")
    if unharmed and head.startswith(_MAGIC) and head[7] != _VERSION:
        raise StateError(
            f"{segment.path}: spool segment of version {head[7]}, this whodid-agent reads version {_VERSION}",
            "run the version that wrote it until the spool is drained",
        )
    offset = HEAD_SIZE if unharmed else frame.find(data, 0)
    end, number = min(HEAD_SIZE, len(data)), segment.first
    while offset < len(data):
        found = frame.decode(data, offset, offset)
        if found is None:
            offset = frame.find(data, offset + 1)
            continue
        offset = end = found.end
        number = found.number + 1
    if end < len(data) or not unharmed:
        # Frames may have been lost here: no number that one of them can have had is used again.
        number = max(number, segment.first + len(data) // frame.HEAD_SIZE + 1)
    return Recovered(end, len(data), number, _is_torn(data, end) if unharmed else len(data) < HEAD_SIZE)


def _is_torn(data: bytes, offset: int) -> bool:
    """Whether the bytes from `offset` are the beginning of one unfinished frame, or never written blocks."""
    if offset == len(data) or not any(memoryview(data)[offset:]):
        return True
    length = frame.length_at(data, offset)
    if length is None:
        return len(data) - offset < frame.HEAD_SIZE
    return offset + length > len(data)
