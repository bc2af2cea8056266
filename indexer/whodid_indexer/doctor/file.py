"""A SQLite store as a file: layout, pages, room, log, who may read it, and the numbers that its records have."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw

from whodid_indexer.doctor.finding import Budget, Check, Finding, Spent, fail, ok, warn
from whodid_indexer.store.sqlite.connect import guard, open_for_reading
from whodid_indexer.store.sqlite.schema import MIGRATIONS
from whodid_indexer.store.sqlite.settings import read_setting

LOG_LIMIT = 256 << 20
"""Bytes of the log beyond which somebody has kept it from being merged for long; 32 MiB are usual."""

ROOM_SHARE = 0.1
"""Of the store's size should be free beside it, and a GiB at least."""

_GIB = 1 << 30
_STEPS = 10_000
"""Of SQLite's virtual machine between two looks at the clock: about a millisecond."""

_SHADOWS = ("ft_", "sqlite_")
"""Tables that SQLite and FTS5 make for themselves."""


class StoreFile:
    """The checks of one file, over a connection that cannot write."""

    def __init__(self, path: Path) -> None:
        """Raises StoreUnreachable and StateError where the file cannot be opened as a store."""
        self.path = path
        self.connection = open_for_reading(path)

    def close(self) -> None:
        """Give back the file."""
        self.connection.close()

    def checks(self) -> list[tuple[str, Check]]:
        """In the order of their cost."""
        return [
            ("layout", self.layout),
            ("room", self.room),
            ("log", self.log),
            ("rights", self.rights),
            ("numbers", self.numbers),
            ("pages", self.pages),
        ]

    def layout(self, _: Budget) -> Iterator[Finding]:
        """Whether the tables are those that this version makes."""
        with contextlib.closing(apsw.Connection(":memory:")) as fresh:
            for script in MIGRATIONS:
                fresh.execute(script)
            wanted = _tables(fresh)
        there = _tables(self.connection)
        lacking = sorted(wanted.keys() - there.keys())
        other = sorted(name for name in wanted.keys() & there.keys() if wanted[name] != there[name])
        if lacking or other:
            said = f"layout {len(MIGRATIONS)} without {', '.join(lacking)}" if lacking else f"other: {', '.join(other)}"
            yield fail(said, "a version that was never released made it: export with that one, import with this")
        else:
            yield ok(f"layout {len(MIGRATIONS)}, as this version makes it")

    def room(self, _: Budget) -> Iterator[Finding]:
        """Whether there is room beside the file."""
        disk = os.statvfs(self.path.parent)
        page = self.connection.pragma("page_size")
        free = disk.f_bavail * disk.f_frsize
        size = self.connection.pragma("page_count") * page  # with what is in the log yet, as the free pages are
        spare = self.connection.pragma("freelist_count") * page
        said = f"{_mib(free)} free on the disk, the store has {_mib(size)}, of which {_mib(spare)} wait for new records"
        if free < max(ROOM_SHARE * size, _GIB):
            yield warn(said, "make room: a full disk stops agents from delivering, though they lose nothing")
        else:
            yield ok(said)

    def log(self, _: Budget) -> Iterator[Finding]:
        """Whether the log is merged into the file from time to time."""
        log = self.path.with_name(f"{self.path.name}-wal")
        size = log.stat().st_size if log.exists() else 0
        if size > LOG_LIMIT:
            yield warn(
                f"the log has {_mib(size)}: it is not merged while somebody reads on and on",
                "look for an export or a backup that has hung; the next merge ends with it",
            )
        else:
            yield ok(f"the log has {_mib(size)}")

    def rights(self, _: Budget) -> Iterator[Finding]:
        """Whether others may read or change the file: they would pass by every role."""
        mode = self.path.stat().st_mode
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            yield warn(f"others may write the file ({stat.filemode(mode)})", f"chmod 600 {self.path}")
        elif mode & stat.S_IROTH:
            yield warn(f"everybody here may read the file ({stat.filemode(mode)})", f"chmod o-r {self.path}")
        else:
            yield ok(f"{stat.filemode(mode)}")

    def numbers(self, budget: Budget) -> Iterator[Finding]:
        """Whether numbers that were given out are missing, and whether retention explains it."""
        with self.within(budget):
            last, number, highest = self.connection.execute(
                "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0), count(*), "
                "coalesce(max(seq), 0) FROM event"
            ).get
            meta = read_setting(self.connection, self.path)
        gone = last - number
        if highest > last:
            yield fail(f"record {highest} has a number that was never given out", "restore the store from a backup")
        elif gone and not any(kept.days is not None for kept in meta.classes.values()):
            yield warn(
                f"{number:,} records; {gone:,} that were stored are gone, and no class has a retention",
                "was there one before? whodid search --surface audit --action whodid.retention; else see who may write",
            )
        else:
            yield ok(f"{number:,} records" + (f"; {gone:,} were deleted" if gone else ", none was ever deleted"))

    def pages(self, budget: Budget) -> Iterator[Finding]:
        """SQLite's own check of every page, index and the text index."""
        with self.within(budget):
            rows: Any = self.connection.execute("PRAGMA integrity_check(5)").fetchall()
        faults = [str(row[0]) for row in rows if row[0] != "ok"]
        for fault in faults:
            yield fail(fault, "put a backup in its place; keep the damaged file, and look at the disk")
        if not faults:
            yield ok("every page, index and the text index are sound")

    @contextlib.contextmanager
    def within(self, budget: Budget) -> Iterator[None]:
        """Statements inside are of one moment, and end when the time is up. Raises Spent."""
        self.connection.set_progress_handler(lambda: not budget.left(), _STEPS)
        try:
            with guard(self.path), self.connection:
                yield
        except apsw.InterruptError as error:
            raise Spent from error
        finally:
            self.connection.set_progress_handler(None)


def _tables(connection: apsw.Connection) -> dict[str, str]:
    """Tables, indices and how they were made, in one spelling of white space."""
    rows: Any = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    return {name: " ".join(sql.split()) for name, sql in rows if not name.startswith(_SHADOWS)}


def _mib(size: int) -> str:
    return f"{size / _GIB:,.1f} GiB" if size >= _GIB else f"{size / (1 << 20):,.1f} MiB"
