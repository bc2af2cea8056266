"""One post on disk: a checksummed frame, and how the next whole one is found behind damage.

    offset  size  field
    0       4     mark, FF 'w' 'd' 01: FF never occurs in UTF-8, so no posted text can look like a frame
    4       4     CRC-32 of everything behind it
    8       4     length of source + key + lines
    12      8     frame number, from 1, increasing, never used twice
    20      4     number of the first event in the posted body
    24      2     length of source
    26      2     length of key
    28      27    received_at, RFC 3339 with six decimals
    55      …     source (UTF-8), key (UTF-8, may be empty), then the redacted events, each ended by a newline

Integers are big-endian. An empty line holds the place of an event that was refused, so that the numbers of the
others stay those of the body.
"""

import struct
import zlib
from typing import NamedTuple

MARK = b"\xffwd\x01"
_HEAD = struct.Struct(">4sIIQIHH27s")
HEAD_SIZE = _HEAD.size
MAX_LENGTH = (1 << 32) - 1


class Post(NamedTuple):
    """What the receiver hands to the spool: one accepted body. `lines` is every redacted event with its newline."""

    received_at: str
    source: str
    key: str
    lines: bytes
    first_item: int = 0


class Frame(NamedTuple):
    """One post as it lies in the spool, from byte `start` to byte `end` of the running spool position."""

    number: int
    start: int
    end: int
    post: Post

    @property
    def lines_start(self) -> int:
        """The spool position of the first line's first byte."""
        return self.end - len(self.post.lines)


def encode(number: int, post: Post) -> bytes:
    """The frame's bytes. `received_at` must have 27 characters, source and key less than 64 KiB each."""
    source, key = post.source.encode(), post.key.encode()
    length = len(source) + len(key) + len(post.lines)
    received_at = post.received_at.encode()
    if len(received_at) != 27:
        raise ValueError(f"received_at must be RFC 3339 with six decimals, not {post.received_at!r}")
    head = _HEAD.pack(MARK, 0, length, number, post.first_item, len(source), len(key), received_at)
    checksum = zlib.crc32(post.lines, zlib.crc32(key, zlib.crc32(source, zlib.crc32(head[8:]))))
    return b"".join((MARK, checksum.to_bytes(4, "big"), head[8:], source, key, post.lines))


def size_of(post: Post) -> int:
    """How many bytes the frame of this post takes."""
    return HEAD_SIZE + len(post.source.encode()) + len(post.key.encode()) + len(post.lines)


def length_at(data: bytes, offset: int) -> int | None:
    """The whole length that the frame at `offset` claims; None where no frame's head begins."""
    if len(data) - offset < HEAD_SIZE or data[offset : offset + 4] != MARK:
        return None
    return HEAD_SIZE + int.from_bytes(data[offset + 8 : offset + 12], "big")


def decode(data: bytes, offset: int, position: int) -> Frame | None:
    """The frame at `offset` of `data`, which stands at `position` of the spool; None: no whole, unharmed frame."""
    length = length_at(data, offset)
    if length is None or offset + length > len(data):
        return None
    _, checksum, body, number, first_item, source_length, key_length, received_at = _HEAD.unpack_from(data, offset)
    end = offset + length
    if source_length + key_length > body or zlib.crc32(memoryview(data)[offset + 8 : end]) != checksum:
        return None
    key_start = offset + HEAD_SIZE + source_length
    lines_start = key_start + key_length
    post = Post(
        received_at.decode("ascii"),
        data[offset + HEAD_SIZE : key_start].decode(),
        data[key_start:lines_start].decode(),
        data[lines_start:end],
        first_item,
    )
    return Frame(number, position, position + length, post)


def find(data: bytes, offset: int) -> int:
    """Where the first whole frame at or behind `offset` begins; the length of `data` where there is none."""
    at = data.find(MARK, offset)
    while at >= 0:
        if decode(data, at, 0) is not None:
            return at
        at = data.find(MARK, at + 1)
    return len(data)
