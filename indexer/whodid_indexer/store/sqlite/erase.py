"""Deleting rows of a file that is in use: all of what it has of them, in small transactions, and the space given back.

    delete   so many rows in one transaction: `event` and its indices, `ft`, `cell`
    merge    FTS5 keeps what was deleted until it rewrites the part that holds it: a few pages at a time
    shrink   free pages are used again by new records; where there are many, the file is cut

Between two transactions a writer is let in. Ended at any point, kill -9 included, the file is sound.

What would keep writers waiting is left out of these transactions:

    merging    `deletemerge` is 0 outside of `merge`, `automerge` within `delete`: FTS5 counts each deleted row as a
               page written, and would merge some thousand pages with every thousand of them
    syncing    a deletion that a power cut takes back is done again: only what is archived, stored or held must last
    the log    is merged into the file by this connection, four times as early as by a writer's, who thus seldom has to
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from whodid_indexer.store.sqlite.chunks import SIZE, forget_rows
from whodid_indexer.store.sqlite.connect import guard, open_for_writing

BATCH = 500
"""Rows of one transaction: some 7 ms, and 2 for each chunk that is written anew."""

CHUNKS = 2
"""Written anew in one transaction at most: records that came late lie in chunks far apart."""

PAUSE = 0.025
"""Seconds at least between two transactions: a writer that found the file locked has asked again within them."""

_PATIENCE_MS = 60_000
"""How long this waits for a writer: longer than anybody's transaction takes."""

_LOG_PAGES = 1_000
"""Of the log, from which on it is merged: 8 MiB."""

_STALE_PERCENT = 10
"""Of a part of the text index must be deleted for it to be rewritten."""

_MERGE_PAGES = 16
"""Written in one step of a rewrite: 7 to 21 ms; 64 take 100."""

_SHRINK_PAGES = 256
_FREE_SHARE = 16
"""The file keeps a sixteenth of free pages for what comes next, instead of being cut and growing again each day."""

_CACHE_KIB = 8_192

_OPTION = "INSERT INTO ft(ft, rank) VALUES (?, ?)"
_AUTOMERGE = "SELECT coalesce((SELECT v FROM ft_config WHERE k = 'automerge'), 4)"


class Eraser:
    """A connection of its own to the file, as a context manager. `leave`, once set, ends `merge` and `shrink` early.

    Raises StateError where the file cannot be used.
    """

    def __init__(self, path: Path, leave: threading.Event, pause: float = PAUSE) -> None:
        self.path = path
        self._leave = leave
        self._pause = pause
        self.connection = open_for_writing(path, _PATIENCE_MS)
        self.connection.pragma("synchronous", "normal")
        self.connection.pragma("wal_autocheckpoint", _LOG_PAGES)
        self.connection.pragma("cache_size", -_CACHE_KIB)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with guard(self.path):
            self.connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """What is done within is done at once or not at all; afterwards writers are let in."""
        with self._timed():
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def delete(self, numbers: Sequence[int]) -> int:
        """Delete the rows of these numbers within a transaction; how many there were."""
        connection = self.connection
        automerge: int = connection.execute(_AUTOMERGE).get
        connection.execute(_OPTION, ("automerge", 0))
        before = connection.total_changes()
        connection.executemany("DELETE FROM event WHERE seq = ?", ((number,) for number in numbers))
        gone = connection.total_changes() - before
        connection.executemany("DELETE FROM ft WHERE rowid = ?", ((number,) for number in numbers))
        forget_rows(connection, numbers)
        connection.execute(_OPTION, ("automerge", automerge))  # what waits in ft is written before an option is set
        return gone

    def merge(self) -> None:
        """Rewrite the parts of the text index of which much was deleted, a few pages at a time."""
        connection, more = self.connection, True
        while more and not self._leave.is_set():
            with self.transaction():
                connection.execute(_OPTION, ("usermerge", 16))  # what automerge does anyway is left to it
                connection.execute(_OPTION, ("deletemerge", _STALE_PERCENT))
                before = connection.total_changes()
                connection.execute(_OPTION, ("merge", _MERGE_PAGES))
                more = connection.total_changes() - before > 1  # FTS5's own way of saying that it did something
                connection.execute(_OPTION, ("deletemerge", 0))

    def shrink(self) -> None:
        """Cut the file where many of its pages are free; one made without `auto_vacuum` keeps them for new records."""
        connection = self.connection
        if connection.pragma("auto_vacuum") == 2:
            while not self._leave.is_set():
                spare: int = connection.pragma("freelist_count") - connection.pragma("page_count") // _FREE_SHARE
                if spare <= 0:
                    break
                with self._timed():
                    connection.execute(f"PRAGMA incremental_vacuum({min(spare, _SHRINK_PAGES)})").fetchall()
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        """Afterwards pause for as long as it took: writers have half of the time at least."""
        began = time.perf_counter()
        yield
        if self._pause:
            self._leave.wait(max(self._pause, time.perf_counter() - began))


def batches(numbers: Sequence[int]) -> Iterator[list[int]]:
    """Rising row numbers as they are deleted together: few, and of few chunks."""
    batch: list[int] = []
    touched: set[int] = set()
    for number in numbers:
        touched.add((number - 1) // SIZE)
        if len(batch) == BATCH or len(touched) > CHUNKS:
            yield batch
            batch, touched = [], {(number - 1) // SIZE}
        batch.append(number)
    if batch:
        yield batch
