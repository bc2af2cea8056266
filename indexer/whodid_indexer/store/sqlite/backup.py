"""A copy of a file that is in use: of one moment, in steps, checked before it has its name.

    .NAME.part             the copy while it is made; left by whoever was killed, removed by the next
    NAME                   a store like the one it was made of
    NAME.manifest.json     what is in it, and its SHA-256

The copy is made within one reading transaction: all of it is of the moment at which it began, and nothing that is
written meanwhile makes it begin again. SQLite's log cannot be merged until it ends: it grows by what is written. So it
is merged beforehand, the transaction ends with the last page, before anything is checked, and then the log is merged
from here: whoever writes next would have to do that within somebody's request.

The copy has a name of its own (`setting.store`). Put in the place of the store it gives numbers out again that the
store gave to records which the copy has not: whoever follows what arrives is told that this is another store, instead
of missing those in silence.
"""

import contextlib
import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import apsw
import msgspec
from msgspec import Struct

from whodid_indexer.export.file import exists, put_in_place, sync_folder, write_state
from whodid_indexer.export.lines import inert
from whodid_indexer.export.manifest import manifest_of, measure, whoami
from whodid_indexer.store.sqlite.connect import guard, open_for_reading, open_for_writing
from whodid_indexer.store.sqlite.schema import require_version
from whodid_schema import __version__, timestamp
from whodid_schema.errors import StateError, WhodidError
from whodid_schema.timestamp import from_micros

PAGES = 256
"""Copied in one step: 2 MiB, some milliseconds."""

PAUSE = 0.002
"""Seconds at least between two steps; as long as the step took, so that others have half of the disk."""

_SYNCED = 4
"""Steps between two syncs: where a writer syncs, ext4 lets it wait for what of the copy is not on the disk yet."""

_LOG_PAGES = 1_000
"""Of the log that may be left: a writer merges it from 4,000 on."""

_ROUNDS = 20
"""At most; each merges what was written during the one before."""

_RENAME = "UPDATE setting SET value = lower(hex(randomblob(8))) WHERE name = 'store'"
_COUNTS = "SELECT count(*), coalesce(max(seq), 0), min(ts), max(ts) FROM event"


class Backup(Struct, frozen=True):
    """The manifest of a copy. `last` is the number of its newest record in order of arrival."""

    whodid: str
    file: str
    store: str
    layout: int
    records: int
    last: int
    oldest: str | None
    newest: str | None
    bytes: int
    sha256: str
    user: str
    host: str
    started: str
    finished: str
    backup: int = 1


def require_new(target: Path) -> None:
    """Raises UsageError where there is such a file: a backup replaces none."""
    if target.exists():
        raise exists(target, "choose another name: a backup replaces nothing")


def back_up(path: Path, target: Path, told: Callable[[int, int], None] = lambda _, __: None) -> Backup:
    """Copy the store at `path` to `target`; `told` hears of pages copied and of all there are.

    Raises UsageError where `target` exists, StateError where the copy is not sound or cannot be written.
    """
    require_new(target)
    part = target.with_name(f".{target.name}.part")
    started = timestamp.now()
    with contextlib.closing(open_for_reading(path)) as source, _merging(path) as merge:
        _made(part)
        try:
            with guard(part):
                _copy(source, part, told, merge)
                facts = _checked(part)
            _sync(part)
            sync_folder(part.parent)
            size, digest = measure(part)
            user, host = whoami()
            backup = Backup(
                whodid=__version__,
                file=target.name,
                store=str(path),
                **facts,
                bytes=size,
                sha256=digest,
                user=user,
                host=host,
                started=started,
                finished=timestamp.now(),
            )
            write_state(manifest_of(target), inert(msgspec.json.format(msgspec.json.encode(backup), indent=2)) + b"\n")
            put_in_place(part, target, force=False)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise _cannot(target, error) from error
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    return backup


def _made(part: Path) -> None:
    """An empty file of its own, whatever was left there."""
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise _cannot(part, error) from error


def _copy(source: apsw.Connection, part: Path, told: Callable[[int, int], None], merge: Callable[[], None]) -> None:
    with contextlib.closing(apsw.Connection(os.fspath(part), flags=apsw.SQLITE_OPEN_READWRITE)) as target:
        target.pragma("synchronous", "off")  # it is synced from outside, see `_SYNCED`
        merge()
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # from here on it is of this moment
        with target.backup("main", source, "main") as backup:
            for step in itertools.count(1):
                began = time.perf_counter()
                backup.step(PAGES)
                if step % _SYNCED == 0:
                    _sync(part)
                told(backup.page_count - backup.remaining, backup.page_count)
                if backup.done:
                    break
                time.sleep(max(PAUSE, time.perf_counter() - began))
        source.execute("COMMIT")
        merge()
        target.execute(_RENAME)


@contextlib.contextmanager
def _merging(path: Path) -> Iterator[Callable[[], None]]:
    """What merges the log that has grown meanwhile into the store; nothing, for who may not write the store."""
    try:
        connection = open_for_writing(path)
    except WhodidError:
        yield lambda: None
        return

    def merge() -> None:
        with contextlib.suppress(apsw.BusyError):  # somebody else is merging it
            for _ in range(_ROUNDS):
                pages, merged = connection.wal_checkpoint()
                if pages - merged <= _LOG_PAGES:
                    break

    with contextlib.closing(connection):
        yield merge


def _checked(part: Path) -> dict[str, Any]:
    """What the copy holds. Raises StateError where it is not sound."""
    uri = f"file:{quote(os.fspath(part.absolute()))}?immutable=1"
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with contextlib.closing(apsw.Connection(uri, flags=flags)) as connection:
        require_version(connection)
        said = connection.execute("PRAGMA quick_check(1)").get
        if said != "ok":
            raise StateError(f"the copy is not sound: {said}", "run whodid doctor on the store, and look at the disk")
        records, last, oldest, newest = connection.execute(_COUNTS).get
        return {
            "layout": connection.pragma("user_version"),
            "records": records,
            "last": last,
            "oldest": None if oldest is None else from_micros(oldest),
            "newest": None if newest is None else from_micros(newest),
        }


def _sync(part: Path) -> None:
    """Its data. Closing it here lets go of SQLite's locks on it, too, which nobody needs: nobody knows its name."""
    file = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _cannot(path: Path, error: OSError) -> WhodidError:
    return WhodidError(f"cannot write {path}: {error.strerror}", "is the folder there, writable, and is there room?")
