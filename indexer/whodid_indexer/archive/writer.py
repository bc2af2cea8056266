"""Archiving records that are about to be deleted: written, on the disk, and read back before anybody deletes one.

    .whodid-archive.part    what is being written; left by who was killed, removed by the next; on a full disk at once
    write     the records, compressed, and every one of their ids as the store has it
    sync      the file is on the disk, and the system's memory of it is given up
    verify    read back from the disk: its hash, the number of records, every id (`reader`)
    place     the manifest, then the file's name, in a way that replaces no file

Nothing here deletes or replaces an archive. One process writes into a folder at a time: the folder is locked. A file
that is there already with the very same contents (its records were archived, and the deletion was interrupted) is
verified and serves again.
"""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from whodid_indexer.archive.manifest import SUFFIX, ArchiveManifest, Ids, text_of
from whodid_indexer.archive.reader import read_ids, verify
from whodid_indexer.export.file import put_in_place, sync_folder, write_state
from whodid_indexer.export.manifest import manifest_of, measure, place, whoami, without_credentials
from whodid_indexer.export.part import SEGMENT, Compressor, gzip_member
from whodid_indexer.export.snapshot import place_of
from whodid_indexer.store.base import Key
from whodid_schema import __version__, timestamp
from whodid_schema.errors import StateError, WhodidError

PART = ".whodid-archive.part"

_CHUNK = 1 << 20


class Leaving(NamedTuple):
    """What is about to be deleted, in the words of the plan."""

    class_: str
    what: str
    why: str


class Kept(NamedTuple):
    """What is in the archive for certain."""

    path: Path
    records: int


class Archive:
    """A folder that takes what is deleted; `classes` None: of every class. Open it by `with`."""

    def __init__(self, folder: Path, store: str, classes: Collection[str] | None = None) -> None:
        self.folder = folder
        self._store = without_credentials(store)
        self._classes = classes
        self._lock = -1

    def takes(self, class_: str) -> bool:
        """Whether records of the class are archived before they are deleted."""
        return self._classes is None or class_ in self._classes

    def __enter__(self) -> Self:
        """Lock the folder. Raises WhodidError where it is not there, StateError where another process has it."""
        try:
            self._lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.__exit__()
            raise StateError(f"another process is archiving into {self.folder}", "wait for it") from error
        except OSError as error:
            self.__exit__()
            raise _cannot(self.folder, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def keep(self, leaving: Leaving, records: Iterable[tuple[str, bytes]]) -> Kept | None:
        """Archive records, given as the id that the store has for each and its JSON; None where there are none.

        On return all of them are on the disk and were read back. Raises WhodidError: then nothing may be deleted.
        """
        started = timestamp.now()
        part = self.folder / PART
        try:
            part.unlink(missing_ok=True)
            written = _written(part, records)
            if written is None:
                part.unlink()
                return None
            manifest = self._checked(part, leaving, written, started)
            return Kept(self._placed(part, manifest), manifest.records)
        except OSError as error:
            with contextlib.suppress(OSError):  # a full disk is full for others too
                part.unlink(missing_ok=True)
            raise _cannot(self.folder, error) from error

    def _checked(self, part: Path, leaving: Leaving, written: "_Written", started: str) -> ArchiveManifest:
        """The manifest of the part that was read back. Raises WhodidError where it is not what was written."""
        size, digest = measure(part)
        ids = read_ids(part)
        expected = written.size, written.sha256, written.records, written.ids
        if (size, digest, ids.number, ids.digest()) != expected:
            raise WhodidError(
                f"{part} reads back differently from what was written; nothing of it is deleted", "check the disk"
            )
        user, host = whoami()
        first, last = place(written.first), place(written.last)
        assert first is not None  # noqa: S101  there are records
        assert last is not None  # noqa: S101  as above
        return ArchiveManifest(
            whodid=__version__,
            file="",
            class_=leaving.class_,
            what=leaving.what,
            why=leaving.why,
            records=written.records,
            bytes=size,
            sha256=digest,
            ids=written.ids,
            first=first,
            last=last,
            store=self._store,
            user=user,
            host=host,
            started=started,
            finished=timestamp.now(),
        )

    def _placed(self, part: Path, manifest: ArchiveManifest) -> Path:
        """The file's final place: a name that no other file has, or that of one with the same contents."""
        name = f"whodid-{manifest.class_}-{_compact(manifest.first.time)}-{_compact(manifest.last.time)}"
        number = 1
        while True:
            path = self.folder / f"{name}{'' if number == 1 else f'.{number}'}{SUFFIX}"
            if not path.exists():
                named = msgspec.structs.replace(manifest, file=path.name)
                write_state(manifest_of(path), text_of(named))
                put_in_place(part, path, force=False)
                return path
            if _is_same(path, manifest):
                part.unlink()
                sync_folder(self.folder)
                return path
            number += 1


class _Written(NamedTuple):
    """What was written, and what the store said it was."""

    size: int
    sha256: str
    records: int
    ids: str
    first: Key
    last: Key


class _Packed:
    """A gzip file that is being written: a row of members, counted and hashed as they go out."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._member: Compressor | None = None
        self._segment = 0
        self.size = 0

    def write(self, text: bytes) -> None:
        """Whole lines. Raises OSError."""
        self._member = self._member or gzip_member()
        self._put(self._member.compress(text))
        self._segment += len(text)
        if self._segment >= SEGMENT:
            self.end()

    def end(self) -> str:
        """The member is at its end; the SHA-256 of everything."""
        if self._member is not None:
            self._put(self._member.flush())
        self._member, self._segment = None, 0
        return self._hash.hexdigest()

    def _put(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        self._hash.update(data)
        self.size += len(data)


def _written(part: Path, records: Iterable[tuple[str, bytes]]) -> _Written | None:
    """Write all records and see them on the disk; None where there are none. Raises OSError."""
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        packed, ids = _Packed(file), Ids()
        first = last = None
        waiting = bytearray()
        for identifier, body in records:
            ids.add(identifier)
            last = _place(identifier, body)
            first = first or last
            waiting += body.replace(b"\n", b" ") if b"\n" in body else body
            waiting += b"\n"
            if len(waiting) >= _CHUNK:
                packed.write(bytes(waiting))
                waiting.clear()
        packed.write(bytes(waiting))
        digest = packed.end()
        os.fsync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)  # what is read back comes from the disk
    finally:
        os.close(file)
    sync_folder(part.parent)
    if first is None or last is None:
        return None
    return _Written(packed.size, digest, ids.number, ids.digest(), first, last)


def _place(identifier: str, body: bytes) -> Key:
    """Where the record stands. Raises WhodidError where it has no time or id that whodid gave."""
    try:
        return place_of(body)
    except (msgspec.DecodeError, ValueError) as error:
        raise WhodidError(f"record {identifier[:80]!r} cannot be archived, and stays: {error}") from error


def _is_same(path: Path, manifest: ArchiveManifest) -> bool:
    """Whether the archive that has the name holds the same, and is sound."""
    try:
        there = verify(path)
    except WhodidError:
        return False
    return (there.sha256, there.ids, there.records) == (manifest.sha256, manifest.ids, manifest.records)


def _compact(time: str) -> str:
    """`20261121T083000Z`."""
    return time[:19].replace("-", "").replace(":", "") + "Z"


def _cannot(folder: Path, error: OSError) -> WhodidError:
    return WhodidError(
        f"cannot archive into {folder}: {error.strerror}; what is not archived is not deleted",
        "is the folder there, writable, and is there room?",
    )
