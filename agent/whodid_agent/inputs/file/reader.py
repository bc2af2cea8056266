"""The bytes of a file by position, plain or compressed; positions count decompressed bytes.

A plain file is read from its descriptor, whatever happens to its name. A .gz or .zst is decompressed from front to
back; a position before the one reached begins again at the front.
"""

import os
import stat
from pathlib import Path
from typing import Any, Protocol

import zstandard
from isal import isal_zlib

_new_gzip: Any = isal_zlib.decompressobj  # isal publishes no types
_gzip_error: Any = isal_zlib.error
_DAMAGE: tuple[type[Exception], ...] = (OSError, _gzip_error, zstandard.ZstdError)
_GZIP_MEMBER = 31
# compressed bytes taken at once: at the formats' largest ratio (NULs) they come to some 20 and 40 MB
_GZIP_STEP = 16 * 1024
_ZSTD_STEP = 1024


class Bytes(Protocol):
    """An open file."""

    packed: bool
    fault: str

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset`; fewer only at the end (of a damaged file: at the damage, see `fault`)."""

    def unread(self, offset: int) -> int:
        """How many bytes lie behind `offset`; of a compressed file that has not been read to its end: at least 1."""

    def stat(self) -> os.stat_result:
        """What the file is now."""

    def close(self) -> None:
        """Give back the descriptor."""


class NotAFileError(OSError):
    """What has the name is a directory, a socket or the like."""


def is_packed(path: str) -> bool:
    """Whether the name says that the file is compressed."""
    return path.endswith((".gz", ".zst"))


def open_bytes(path: str) -> Bytes:
    """Open for reading. Raises OSError, NotAFileError among them."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotAFileError(None, "is not a regular file", path)
    except OSError:
        os.close(descriptor)
        raise
    return _Packed(descriptor, Path(path).suffix) if is_packed(path) else _Plain(descriptor)


class _Plain:
    packed = False
    fault = ""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, offset: int, size: int) -> bytes:
        data = os.pread(self._descriptor, size, offset)
        if not data or len(data) == size:
            return data
        # one call gives at most 2 GiB, and fewer when a signal comes
        pieces = [data]
        got = len(data)
        while got < size and (more := os.pread(self._descriptor, size - got, offset + got)):
            pieces.append(more)
            got += len(more)
        return b"".join(pieces)

    def unread(self, offset: int) -> int:
        return max(0, self.stat().st_size - offset)

    def stat(self) -> os.stat_result:
        return os.fstat(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


class _Packed:
    packed = True

    def __init__(self, descriptor: int, suffix: str) -> None:
        self._file = os.fdopen(descriptor, "rb")
        self._suffix = suffix
        self.fault = ""
        self._zstd = zstandard.ZstdDecompressor()
        self._size: int | None = None
        self._judged: tuple[int, int] = (0, 0)
        self._rewind()

    def _rewind(self) -> None:
        self._file.seek(0)
        self._offset = 0
        self._ahead = memoryview(b"")
        self._input = b""
        self._member: Any = None

    def read(self, offset: int, size: int) -> bytes:
        self._forget_old_end()
        if self._size is not None and offset >= self._size:
            return b""
        if offset < self._offset:
            self._rewind()
        while self._offset < offset:
            if not self._next(min(1 << 20, offset - self._offset)):
                return b""
        pieces: list[bytes] = []
        while size > 0 and (piece := self._next(size)):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _forget_old_end(self) -> None:
        """A compressed file that was still being written has another end now."""
        now = self.stat()
        if self._size is not None and (now.st_size, now.st_mtime_ns) != self._judged:
            self._size, self.fault = None, ""
            self._rewind()

    def _next(self, size: int) -> bytes:
        """The next decompressed bytes, at most `size`; nothing: the end, or damage."""
        now = self.stat()
        try:
            while not self._ahead and self._decompress():
                pass
        except _DAMAGE as error:
            self.fault = str(error) or type(error).__name__
        piece = bytes(self._ahead[:size])
        self._ahead = self._ahead[size:]
        if not piece:
            self._size, self._judged = self._offset, (now.st_size, now.st_mtime_ns)
        self._offset += len(piece)
        return piece

    def _decompress(self) -> bool:
        """Decompress one step further, from one member (gzip) or frame (zstd) into the next; False: the end."""
        data = self._input or self._file.read(_GZIP_STEP if self._suffix == ".gz" else _ZSTD_STEP)
        self._input = b""
        if not data:
            self.fault = "it ends in the middle" if self._member is not None else self.fault
            return False
        if self._member is None:
            data = data.lstrip(b"\0")  # padding between members
            if not data:
                return True
            self._member = _new_gzip(_GZIP_MEMBER) if self._suffix == ".gz" else self._zstd.decompressobj()
        self._ahead = memoryview(self._member.decompress(data))
        if self._member.eof:
            self._input, self._member = self._member.unused_data, None
        return True

    def unread(self, offset: int) -> int:
        self._forget_old_end()
        return 1 if self._size is None else max(0, self._size - offset)

    def stat(self) -> os.stat_result:
        return os.fstat(self._file.fileno())

    def close(self) -> None:
        self._file.close()
