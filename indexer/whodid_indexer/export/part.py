"""The file of an export while it is made, in a form that an interrupted export can go on with.

    .NAME.part         what is written so far; locked while a process writes it
    .NAME.part.json    what was asked for, and a mark: how many bytes of the file are whole rows, and the last of them

The mark is moved every few seconds, after the bytes below it are on disk, and at any end that leaves a moment for it.
Going on, the file is cut back to the mark. A gzip file is a row of members, a new one about every `SEGMENT` bytes, and
the mark stands between two of them: where they end follows from the content alone, so that an export which was
interrupted becomes the same file, byte for byte, as one which was not.
"""

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from whodid_indexer.export.file import put_in_place, sync_folder, write_state
from whodid_indexer.store.base import Key
from whodid_schema.errors import StateError, UsageError, WhodidError

SEGMENT = 4 << 20
"""Bytes of text in a member of a gzip file, at least."""

EVERY = 2.0
"""Seconds between two marks on disk."""

_READ = 1 << 20


class Mark(Struct, frozen=True):
    """How far the file is: bytes and rows that are whole, and the places of the first and the last of the rows."""

    size: int = 0
    rows: int = 0
    first: Key | None = None
    last: Key | None = None


class Compressor(Protocol):
    """One member of a gzip file."""

    def compress(self, data: bytes) -> bytes:
        """What can be written already."""

    def flush(self) -> bytes:
        """The rest; the member is at its end."""


def gzip_member() -> Compressor:
    """A new member; the same text gives the same bytes."""
    from isal import isal_zlib  # noqa: PLC0415  only where something is compressed

    member: Compressor = isal_zlib.compressobj(isal_zlib.ISAL_DEFAULT_COMPRESSION, isal_zlib.DEFLATED, 31)
    return member


class Part:
    """The unfinished file for `target`. Raises UsageError where another process is writing it."""

    def __init__(self, target: Path, *, gzip: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self.target = target
        self.path = target.with_name(f".{target.name}.part")
        self._state = target.with_name(f".{target.name}.part.json")
        self._gzip = gzip
        self._clock = clock
        self._saved_at = clock()
        self._asked: Any = None
        self._member: Compressor | None = None
        self._segment = 0
        self._hash = hashlib.sha256()
        self._size = 0
        self.mark = Mark()
        self._file = self._locked()

    def _locked(self) -> int:
        if self.path.exists() and self.target.exists() and self.path.samefile(self.target):
            self.path.unlink()  # it was finished, and has its name: only this one was left over
            self._state.unlink(missing_ok=True)
        while True:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(file).st_ino == self.path.stat().st_ino:
                    return file
            except BlockingIOError as error:
                os.close(file)
                raise UsageError(f"another export is writing {self.target}", "wait for it, or choose a name") from error
            except FileNotFoundError:
                pass  # the one who held it has just put it in place: there is a new one to lock
            os.close(file)

    def begin(self, asked: Any) -> None:
        """From nothing. `asked` is what `go_on` gives back to another process: anything that becomes JSON."""
        os.ftruncate(self._file, 0)
        self._asked = asked
        self._save()

    def go_on(self) -> Any:
        """Cut back to the mark; what was asked for, or None where there is nothing to go on with."""
        try:
            state = msgspec.json.decode(self._state.read_bytes())
            self._asked, self.mark = state["asked"], msgspec.convert(state["mark"], Mark)
        except FileNotFoundError:
            return None
        except (msgspec.MsgspecError, KeyError, TypeError) as error:
            raise StateError(f"{self._state} is damaged", "begin again, without --resume") from error
        if os.fstat(self._file).st_size < self.mark.size:
            raise StateError(f"{self.path} is shorter than it was", "begin again, without --resume")
        os.ftruncate(self._file, self.mark.size)
        while piece := os.read(self._file, _READ):
            self._hash.update(piece)
        self._size = self.mark.size
        return self._asked

    def remember(self, asked: Any) -> None:
        """Note something else about what is asked, where the file stands as it is. Raises OSError."""
        self._asked = asked
        self._save()

    def write(self, piece: bytes, mark: Mark) -> None:
        """Append whole rows; `mark` says what is in the file with them (its size is counted here). Raises OSError."""
        if self._gzip:
            self._member = self._member or gzip_member()
            self._put(self._member.compress(piece))
            self._segment += len(piece)
            if self._segment < SEGMENT:
                return
            self._end_member()
        else:
            self._put(piece)
        self.mark = msgspec.structs.replace(mark, size=self._size)
        if self._clock() - self._saved_at >= EVERY:
            os.fsync(self._file)
            self._save()

    def _end_member(self) -> None:
        if self._member is not None:
            self._put(self._member.flush())
        self._member, self._segment = None, 0

    def _put(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        self._hash.update(data)
        self._size += len(data)

    def finish(self) -> tuple[int, str]:
        """Everything is on disk; its size in bytes and its SHA-256. Raises OSError."""
        if self._gzip and not self._size:
            self._member = self._member or gzip_member()
        self._end_member()
        os.fchmod(self._file, 0o666 & ~_umask())
        os.fsync(self._file)
        sync_folder(self.path.parent)
        return self._size, self._hash.hexdigest()

    def place(self, *, force: bool) -> None:
        """Give the finished file its name. Raises UsageError where a file has it and there is no `force`."""
        put_in_place(self.path, self.target, force=force)
        self._state.unlink(missing_ok=True)
        self.close()

    def suspend(self) -> bool:
        """Leave it as it is, to go on with later; whether there is anything to go on with."""
        if self._asked is None:  # it never began: what an export before left stays, an empty file does not
            if not os.fstat(self._file).st_size:
                self.path.unlink(missing_ok=True)
        else:
            with contextlib.suppress(OSError):  # a full disk: the mark that is on disk still holds
                os.fsync(self._file)
                self._save()
        self.close()
        return self._asked is not None and self.mark.rows > 0

    def discard(self) -> None:
        """Leave nothing."""
        self.path.unlink(missing_ok=True)
        self._state.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Give back the file and its lock."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _save(self) -> None:
        write_state(self._state, msgspec.json.encode({"asked": self._asked, "mark": self.mark}))
        self._saved_at = self._clock()


def _umask() -> int:
    """The process' umask; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def cannot_write(path: Path, error: OSError, *, kept: bool = False) -> WhodidError:
    """The clear line for a disk that is full, a folder that is not there."""
    hint = "go on with --resume" if kept else "is the folder there and writable?"
    return WhodidError(f"cannot write {path}: {error.strerror}", hint)
