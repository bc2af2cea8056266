"""Bookmarks of daily exports: each takes up where the one before ended, in the order in which records arrived.

    NAME.json    the store, the cursor behind what is exported, the last file; and the file that is being made
    NAME.lock    held while an export runs

The steps of an export, and what the next one does where it ended in between:

    writing, no cursor      the file is being written         it is thrown away; the records are exported again
    writing, with cursor    the file is whole, and on disk    it gets its name unless it has it; the cursor counts
    nothing                 it has its name, the cursor counts

So no record is in two files and none is missing: a file has its name exactly where its cursor counts. That the
unfinished file is gone says that it was given its name, unless its folder is another one now, which is refused.
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct

from whodid_indexer.export.file import exists, put_in_place, write_state
from whodid_indexer.export.manifest import Manifest
from whodid_indexer.export.match import matcher
from whodid_indexer.export.part import Part, cannot_write
from whodid_indexer.export.run import SILENT, Asked, Destination, RowWriter, Watch, finish, opened, pump
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.store.base import Reader
from whodid_schema import timestamp
from whodid_schema.errors import StateError, UsageError
from whodid_schema.record import decode

_BATCH = 500
_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}").fullmatch


class Writing(Struct, frozen=True):
    """A file on its way: its name, its folder's identity, and once it is whole the cursor behind its last record."""

    target: str
    device: int
    inode: int
    force: bool
    cursor: str | None = None


class State(Struct, frozen=True):
    """What the file holds. `cursor` None: nothing has been exported yet."""

    store: str
    query: AuditQuery
    cursor: str | None = None
    last: str | None = None
    writing: Writing | None = None
    version: int = 1


class Bookmark:
    """The bookmark of this name, held against every other process. Raises UsageError for a name that is none."""

    def __init__(self, folder: Path, name: str, store: str, query: AuditQuery) -> None:
        if not _name(name):
            raise UsageError(f"{name!r} is no name for a bookmark", "letters, digits, - _ and . ; at most 64")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.name = name
        self.path = folder / f"{name}.json"
        self._lock = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            state = self._read() or State(store, query)
            self._same_store(state, store)
        except BlockingIOError as error:
            os.close(self._lock)
            raise UsageError(f"another export --since-last {name} is running", "wait for it to end") from error
        except BaseException:
            os.close(self._lock)
            raise
        self.changed = state.query != query
        self.state = msgspec.structs.replace(state, query=query)

    def _same_store(self, state: State, store: str) -> None:
        if state.store != store:
            hint = f"name that store, or another bookmark ({self.path})"
            raise UsageError(f"the bookmark {self.name} is of {state.store}", hint)

    def _read(self) -> State | None:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=State)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise StateError(f"{self.path} is damaged: {error}", "put it back from a backup, or remove it") from error

    def write(self, target: Path, *, force: bool) -> None:
        """Note that a file is being written."""
        folder = target.parent.stat()
        self._save(writing=Writing(str(target.absolute()), folder.st_dev, folder.st_ino, force))

    def whole(self, cursor: str) -> None:
        """Note that the file is whole and on disk: from here on it counts."""
        if self.state.writing is not None:
            self._save(writing=msgspec.structs.replace(self.state.writing, cursor=cursor))

    def done(self) -> None:
        """Note that the file has its name."""
        if self.state.writing is not None:
            self._save(writing=None, cursor=self.state.writing.cursor, last=self.state.writing.target)

    def broken(self, part: Part) -> None:
        """An export ended before its time: what is not whole is thrown away, what is whole is settled the next time."""
        if self.state.writing is None or self.state.writing.cursor is None:
            part.discard()
        part.close()

    def settle(self) -> Path | None:
        """Bring the export before to its end; the file that got its cursor counted by that, if any."""
        writing = self.state.writing
        if writing is None:
            return None
        target = Path(writing.target)
        part = target.with_name(f".{target.name}.part")
        if writing.cursor is None:
            for ending in ("", ".json", ".json.new"):
                part.with_name(f"{part.name}{ending}").unlink(missing_ok=True)
            self._save(writing=None)
            return None
        with contextlib.suppress(FileNotFoundError):
            folder = target.parent.stat()
            if (folder.st_dev, folder.st_ino) == (writing.device, writing.inode):
                self._place(part, target, force=writing.force)
                self.done()
                return target
        raise StateError(
            f"the last export was going to {target}, whose folder is not there or is another one now",
            f"mount it again; or remove {self.path} to begin from the beginning",
        )

    def _place(self, part: Path, target: Path, *, force: bool) -> None:
        if part.exists():
            if target.exists() and not force:
                raise exists(target)
            put_in_place(part, target, force=True)
        part.with_name(f"{part.name}.json").unlink(missing_ok=True)

    def _save(self, **changed: object) -> None:
        self.state = msgspec.structs.replace(self.state, **changed)
        write_state(self.path, msgspec.json.encode(self.state))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._lock)


class News:
    """What arrived behind a cursor and matches; `cursor` is behind what has been given.

    It ends where nothing more has arrived, or with what arrived after it began: a feed that never rests has an end too.
    """

    def __init__(self, reader: Reader, query: AuditQuery, cursor: str | None) -> None:
        self._reader = reader
        self._matches = matcher(query)
        self.cursor = cursor

    def __iter__(self) -> Iterator[bytes]:
        began = timestamp.now()
        while True:
            changes = self._reader.changes(self.cursor, _BATCH)
            received = ""
            for stored in changes.records:
                record = decode(stored.body)
                received = record.received_at or ""
                if self._matches(record):
                    yield stored.body
            self.cursor = changes.cursor
            if not changes.records or received > began:
                return


def export_news(
    reader: Reader,
    asked: Asked,
    to: Destination,
    bookmark: Bookmark,
    writer: Callable[[Asked], RowWriter],
    watch: Watch = SILENT,
) -> Manifest:
    """Make the file of everything that arrived since the bookmark, then move the bookmark.

    `bookmark.settle` was called. Raises what `run.export_file` does.
    """
    if not to.force and to.path.exists():
        raise exists(to.path)
    asked = msgspec.structs.replace(asked, bookmark=bookmark.name, started=timestamp.now())
    try:
        bookmark.write(to.path, force=to.force)  # before there is a file: so that one is always known of
    except OSError as error:
        raise cannot_write(to.path, error) from error
    part = opened(to.path, asked)
    try:
        part.begin(asked)
        news = News(reader, asked.query, bookmark.state.cursor)
        final = pump(part, news, writer(asked), watch, asked)
        manifest = finish(part, asked, final, to)
        bookmark.whole(news.cursor or "")
        part.place(force=True)  # by a plain rename: a link that stands beside it for a moment would leave two to tell
        bookmark.done()
    except BaseException as error:
        bookmark.broken(part)
        if isinstance(error, OSError):
            raise cannot_write(to.path, error) from error
        raise
    return manifest
