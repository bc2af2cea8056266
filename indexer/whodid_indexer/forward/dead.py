"""Dead letters: records that a webhook refused, or did not take for too long, each with the reason.

NAME.dead.jsonl       {"at":"…","delivery":"…","reason":"…","record":{…}} a line, on disk before the bookmark moves
NAME.dead.replaying   the same, while `forward replay NAME --dead` sends it again; gone once all of it was taken
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from whodid_indexer.export.file import sync_folder
from whodid_schema import timestamp
from whodid_schema.errors import StateError


class _Line(Struct):
    record: msgspec.Raw


class DeadLetters:
    """The dead letters of one consumer."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.dead.jsonl"
        self._replaying = folder / f"{name}.dead.replaying"
        self._gate = folder / f"{name}.dead.lock"

    def add(self, bodies: Sequence[bytes], delivery: str, reason: str) -> None:
        """Keep these records, on disk when it returns. Raises StateError: they must then not count as dead."""
        head = msgspec.json.encode({"at": timestamp.now(), "delivery": delivery, "reason": reason})[:-1]
        data = b"".join(b'%s,"record":%s}\n' % (head, body) for body in bodies)
        try:
            with self._held():
                self._append(data)
        except OSError as error:
            raise StateError(f"{self.path} cannot be written: {error}", "see to its disk and rights") from error

    def _append(self, data: bytes) -> None:
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "ab") as file:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                file.write(b"\n")  # a line without its end was being written when the process ended
            file.write(data)
            file.flush()
            os.fsync(handle)
        sync_folder(self.path.parent)

    def waiting(self) -> int:
        """How many there are, also those of a replay that was interrupted."""
        return sum(1 for path in (self.path, self._replaying) for _ in _lines(path))

    def take(self) -> Iterator[bytes]:
        """The records, each once; those that come later stay for the next time. `taken` when all were sent."""
        if not self._replaying.exists() and self.path.exists():
            with self._held():
                self.path.replace(self._replaying)
                sync_folder(self.path.parent)
        seen: set[bytes] = set()
        for line in _lines(self._replaying):
            body = bytes(msgspec.json.decode(line, type=_Line).record)
            if body not in seen:  # a crash between here and the bookmark writes a batch twice
                seen.add(body)
                yield body

    def taken(self) -> None:
        """Let go of what `take` gave."""
        self._replaying.unlink(missing_ok=True)
        sync_folder(self.path.parent)

    @contextmanager
    def _held(self) -> Iterator[None]:
        handle = os.open(self._gate, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _lines(path: Path) -> Iterator[bytes]:
    """The whole lines of a file."""
    try:
        with path.open("rb") as file:
            yield from (line for line in file if line.endswith(b"}\n"))
    except FileNotFoundError:
        return
