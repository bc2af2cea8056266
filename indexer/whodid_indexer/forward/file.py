"""A file of lines that a SIEM's own agent reads: rotated by size, and after kill -9 without a half or a double line.

Lines count once they are on disk and the bookmark knows the file's size. What stands behind that size at the start was
being written when the process ended: it is cut off and written again. A rotation is written down before it begins:

    bookmark `moving`    the file has its old name or the new one: it gets the new one
    renamed              whatever is at the path is a new file without a line that counts
    bookmark again       the new file counts
"""

import contextlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from whodid_indexer.export.file import sync_folder
from whodid_indexer.forward.bookmark import FileState
from whodid_indexer.forward.forms import form_of
from whodid_indexer.forward.settings import ConsumerSettings
from whodid_indexer.forward.sink import Batch, NotTaken
from whodid_schema.errors import StateError


class FileSink:
    """A Sink. `remember` puts the file's state into the bookmark, on disk."""

    def __init__(
        self, settings: ConsumerSettings, known: FileState | None, remember: Callable[[FileState], None]
    ) -> None:
        self._path = Path(settings.address)
        self._settings = settings
        self._remember = remember
        self._known = known
        self._handle: int | None = None
        self.line = form_of(settings.form)

    @property
    def state(self) -> FileState | None:
        """What of the file counts, for the bookmark."""
        return self._known

    def send(self, batch: Batch, delivery: str) -> int:  # noqa: ARG002  a file tells no deliveries apart
        """See Sink. Raises NotTaken where the disk is full or the folder is not there."""
        data = b"\n".join(batch.lines) + b"\n" if batch.lines else b""
        try:
            handle, known = self._opened()
            if known.size >= self._settings.rotate_bytes:
                handle, known = self._rotated(known)
            try:
                _write(handle, data)
                os.fsync(handle)
            except OSError:
                os.ftruncate(handle, known.size)
                raise
        except OSError as error:
            raise NotTaken(f"{self._path} cannot be written: {error.strerror or error}") from error
        self._known = FileState(known.inode, known.size + len(data))
        return 1

    def rest(self) -> int:
        """See Sink."""
        return 0

    def finish(self) -> int:
        """See Sink."""
        return 0

    def close(self) -> None:
        """See Sink."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _opened(self) -> tuple[int, FileState]:
        """The file, open, with what of it counts. Another file at the path (somebody moved ours) is gone on with."""
        if self._handle is not None and self._known is not None:
            with contextlib.suppress(FileNotFoundError):
                if self._path.stat().st_ino == self._known.inode:
                    return self._handle, self._known
        self.close()
        if self._known is not None and self._known.moving is not None:
            self._move(self._known, self._known.moving)
        return self._open()

    def _open(self) -> tuple[int, FileState]:
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
        self._handle = handle
        found = os.fstat(handle)
        ours = self._known is not None and self._known.inode == found.st_ino
        if self._known is not None and self._known.moving is not None and not ours:
            counts = 0  # it was made by the rotation that was interrupted
        elif self._known is not None and ours and self._known.size <= found.st_size:
            counts = self._known.size
        else:
            counts = found.st_size
        if counts and os.pread(handle, 1, counts - 1) != b"\n":
            self.close()
            raise StateError(f"{self._path} ends within a line, and is not as we left it", "move it away")
        os.ftruncate(handle, counts)
        os.fsync(handle)
        sync_folder(self._path.parent)
        self._known = FileState(found.st_ino, counts)
        self._remember(self._known)
        return handle, self._known

    def _rotated(self, known: FileState) -> tuple[int, FileState]:
        name = self._free_name()
        self._known = FileState(known.inode, known.size, name)
        self._remember(self._known)
        self._move(self._known, name)
        self.close()
        opened = self._open()
        self._forget()
        return opened

    def _move(self, known: FileState, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino == known.inode:
                self._path.rename(self._path.with_name(name))
        sync_folder(self._path.parent)

    def _free_name(self) -> str:
        """Of this moment; behind the newest there is where the clock was put back, so that `keep` goes by order."""
        stamp, number = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), 1
        rotated = self._rotated_ones()
        if rotated and stamp <= rotated[-1][0]:
            stamp, number = rotated[-1][0], rotated[-1][1] + 1
        return f"{self._path.stem}-{stamp}{f'-{number:03}' if number > 1 else ''}{self._path.suffix}"

    def _rotated_ones(self) -> list[tuple[str, int, Path]]:
        """Stamp, number and path of the rotated files that are there, the oldest first."""
        stem, suffix = re.escape(self._path.stem), re.escape(self._path.suffix)
        named = re.compile(rf"{stem}-(\d{{8}}T\d{{6}}Z)(?:-(\d{{3,9}}))?{suffix}").fullmatch
        found = ((named(one.name), one) for one in self._path.parent.iterdir())
        return sorted((match[1], int(match[2] or 1), one) for match, one in found if match is not None)

    def _forget(self) -> None:
        """Delete the oldest rotated files, where it was said how many are kept."""
        for _, _, old in self._rotated_ones()[: -self._settings.keep] if self._settings.keep else ():
            old.unlink(missing_ok=True)


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
