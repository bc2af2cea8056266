"""Request bodies as they come over the wire: plain, gzip or zstd, unpacked to no more than a limit."""

import io
import zlib
from collections.abc import Callable, Iterator

import zstandard
from isal import igzip, isal_zlib

from whodid_schema.errors import UsageError

_CHUNK = 1 << 18
_ZSTD_STEP = 256
"""So many packed bytes at a time: a block of four bytes may unpack to 128 KiB, so a step makes at most 8 MiB."""

_MAX_WINDOW = 1 << 27
"""A zstd frame that wants more than 128 MiB of history is refused: it would bound our memory, not the output."""


class UnknownEncoding(UsageError):
    """A Content-Encoding that is not spoken."""

    code = "unsupported_encoding"


class BrokenEncoding(UsageError):
    """The body is not what its Content-Encoding says, or was cut off."""

    code = "broken_encoding"


class TooLarge(UsageError):
    """The body is larger than the server takes, packed or unpacked."""

    code = "too_large"


def _gzip(body: bytes) -> Iterator[bytes]:
    with igzip.IGzipFile(fileobj=io.BytesIO(body)) as reader:  # type: ignore[no-untyped-call]  # isal has no stubs for it
        while piece := reader.read(_CHUNK):
            yield piece


def _zstd(body: bytes) -> Iterator[bytes]:
    """Frame by frame: zstandard's stream reader would take a frame that was cut off for a whole one."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
    frame = decompressor.decompressobj()
    view = memoryview(body)
    for start in range(0, len(view), _ZSTD_STEP):
        rest = bytes(view[start : start + _ZSTD_STEP])
        while rest:
            if frame.eof:
                frame = decompressor.decompressobj()
            yield frame.decompress(rest)
            rest = frame.unused_data
    if not frame.eof:
        raise EOFError("it ends before its last frame does")


_READERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {"gzip": _gzip, "x-gzip": _gzip, "zstd": _zstd}
_FAULTS = (
    OSError,
    EOFError,
    zlib.error,
    isal_zlib.IsalError,
    zstandard.ZstdError,
)


def check(encoding: str) -> None:
    """Raises UnknownEncoding for what `unpack` would not read."""
    if encoding not in ("", "identity", *_READERS):
        raise UnknownEncoding(f"Content-Encoding {encoding!r} is not spoken here", "send gzip, zstd or none")


def unpack(body: bytes, encoding: str, limit: int, grow: Callable[[int], None]) -> bytes:
    """The plain body; `grow` is told of every piece before the next is unpacked, and may refuse by raising.

    Raises UnknownEncoding, BrokenEncoding, or TooLarge where it would be more than `limit` bytes.
    """
    check(encoding)
    if encoding in ("", "identity"):
        return body
    pieces: list[bytes] = []
    size = 0
    try:
        for piece in _READERS[encoding](body):
            size += len(piece)
            if size > limit:
                raise TooLarge(f"the body unpacks to more than {limit} bytes", "send fewer events in one request")
            grow(len(piece))
            pieces.append(piece)
    except _FAULTS as error:  # type: ignore[misc]  # the stubs of isal take its error class for an instance
        raise BrokenEncoding(f"the body is not {encoding}: {error}") from error
    return b"".join(pieces)
