"""Opening the file: flags, pragmas, and SQLite's errors as ours.

Writing is WAL with `synchronous=FULL`: what was committed survives power loss. Readers never block the writer.
"""

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import apsw

from whodid_indexer.store.sqlite.schema import PAGE_SIZE, require_version
from whodid_schema.errors import StateError, StoreTooOld, StoreUnreachable

BUSY_MS = 10_000
"""How long a writer waits for another one's transaction before it says that the file is locked."""

_LOOK_S = 0.001

_CACHE_KIB = 65_536

_LOG_KEPT = 64 << 20
"""Bytes of the log that are kept for what comes, once it is merged: a backup or a long export lets it grow further."""


_lacks = re.compile(r"no such (table|column)|has no column|has \d+ columns? but").search
"""What SQLite says of a layout that is not the one a statement was written for."""


@contextlib.contextmanager
def guard(path: Path) -> Iterator[None]:
    """SQLite's errors inside become StateError or StoreUnreachable that name the file and what to do."""
    try:
        yield
    except apsw.BusyError as error:
        raise StateError(
            f"{path} is locked by another process", "end the other one, or write through the server"
        ) from error
    except apsw.FullError as error:
        raise StateError(f"{path}: the disk is full; nothing of this was stored", "make room") from error
    except apsw.ReadOnlyError as error:
        raise StateError(
            f"{path} cannot be written by this user", "check the rights of the file and its folder"
        ) from error
    except apsw.NotADBError as error:
        raise StateError(f"{path} is not a whodid store, not even a SQLite file", "name another file") from error
    except apsw.CorruptError as error:
        raise StateError(f"{path} is damaged: {error}", "restore it from a backup; keep the damaged file") from error
    except apsw.CantOpenError as error:
        raise StoreUnreachable(f"{path} cannot be opened", "check the path and the rights of its folder") from error
    except apsw.SQLError as error:
        if not _lacks(str(error)):
            raise
        raise StoreTooOld(
            f"{path} lacks what this version needs: {error}",
            "run whodid setup; if that changes nothing, an unreleased version made it: export with that one",
        ) from error
    except apsw.IOError as error:
        raise StateError(f"{path}: the disk failed: {error}", "check the disk") from error


def create_file(path: Path) -> None:
    """An empty file that only its owner may read, with its folders; nothing where there is one."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StateError(
            f"{path} cannot be made: {error.strerror}", "check the path and the rights of its folder"
        ) from error


def open_for_writing(path: Path, patience: int | None = None) -> apsw.Connection:
    """A connection that may write to an existing file; it waits `patience` milliseconds for another writer.

    Raises StateError and StoreUnreachable.
    """
    _require(path)
    with guard(path):
        connection = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READWRITE)
        connection.set_busy_handler(_waiting((BUSY_MS if patience is None else patience) / 1_000))
        connection.transaction_mode = "IMMEDIATE"  # one that begins by reading would not wait for another writer
        if not connection.pragma("page_count"):  # of a file that is there these two would only change the header
            connection.pragma("page_size", PAGE_SIZE)
            connection.pragma("auto_vacuum", "incremental")  # `erase` gives space back by it
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
        connection.pragma("cache_size", -_CACHE_KIB)
        connection.pragma("mmap_size", 0)
        connection.pragma("wal_autocheckpoint", 4000)
        connection.pragma("journal_size_limit", _LOG_KEPT)
    return connection


def _waiting(patience: float) -> Callable[[int], bool]:
    """A busy handler that looks again every millisecond, for `patience` seconds.

    SQLite's own waits up to a tenth of a second between two looks: beside a writer that has always something to write,
    it may find the lock taken for as long as it waits.
    """
    since = 0.0

    def handler(looks: int) -> bool:
        nonlocal since
        if not looks:
            since = time.monotonic()
        time.sleep(_LOOK_S)
        return time.monotonic() - since < patience

    return handler


def open_for_reading(path: Path, *, older: bool = False) -> apsw.Connection:
    """A connection that cannot write, with the server up or down. Raises StateError and StoreUnreachable.

    A file of an older layout is StoreTooOld, unless `older`: then it is opened as it is.
    WAL wants shared memory beside the file. Who may not create that (another user's folder) can read nevertheless
    while no writer is at work: then there is no log, and the file alone is the whole truth.
    """
    _require(path)
    with guard(path):
        try:
            connection = _reading(os.fspath(path), apsw.SQLITE_OPEN_READONLY, older)
        except (apsw.CantOpenError, apsw.ReadOnlyError):
            if _log_of(path).exists():
                raise
            uri = f"file:{quote(os.fspath(path.absolute()))}?immutable=1"
            connection = _reading(uri, apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI, older)
    return connection


def _reading(name: str, flags: int, older: bool) -> apsw.Connection:
    connection = apsw.Connection(name, flags=flags)
    try:
        connection.set_busy_timeout(BUSY_MS)
        connection.pragma("cache_size", -_CACHE_KIB)
        connection.pragma("mmap_size", 0)
        connection.pragma("temp_store", "memory")
        try:
            require_version(connection)
        except StoreTooOld:
            if not older:
                raise
    except BaseException:
        connection.close()
        raise
    return connection


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _require(path: Path) -> None:
    if path.is_dir():
        raise StateError(f"{path} is a folder", "name a file in it")
    if not path.exists():
        raise StoreUnreachable(f"there is no store at {path}", "run whodid setup")
