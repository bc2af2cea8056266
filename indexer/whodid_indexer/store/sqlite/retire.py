"""Deleting what has outlived its class's retention from a file that is in use.

    find     some thousand rows that are due, in time order, outside of any transaction (what is due: see `retained`)
    hold     of these, what a legal hold keeps is left out (see `held`)
    archive  where that is wanted: the rest is written down and read back first, and just that is deleted
    delete   a few hundred of them in one transaction (see `erase`); it begins by looking whether the holds are still
             those, and asks again where another has come

Ended at any point, kill -9 included, the file is sound, and the next apply goes on where this one ended, because what
is due is asked of the records themselves.
"""

import contextlib
import threading
from array import array
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from whodid_indexer.archive.leave import with_archive
from whodid_indexer.archive.writer import Archive, Leaving
from whodid_indexer.holds.hold import Hold, active
from whodid_indexer.retention.plan import Done, RetentionPlan
from whodid_indexer.store.sqlite.archived import TOGETHER, Archiver
from whodid_indexer.store.sqlite.connect import guard, open_for_reading
from whodid_indexer.store.sqlite.erase import PAUSE, Eraser, batches
from whodid_indexer.store.sqlite.held import Keeper
from whodid_indexer.store.sqlite.holds import read_holds, settle
from whodid_indexer.store.sqlite.retained import FIRST, Holding, Planner, holdings
from whodid_indexer.store.sqlite.settings import read_setting
from whodid_schema.errors import StateError
from whodid_schema.meta import Meta

_FOUND = 8_000
"""Rows found at a time."""

_CACHE_KIB = 8_192

_FIND = """
SELECT ts, idh, seq FROM event INDEXED BY fx
WHERE (ts, idh) > (?, ?) AND ts < ? AND combo IN (SELECT value FROM json_each(?)) ORDER BY ts, idh LIMIT ?
"""


class SqliteLifecycle:
    """The Lifecycle of one file, beside whoever else writes it. `leave`, once set, ends an apply early and well.

    `archive`: where records go before they are deleted.
    """

    def __init__(
        self,
        path: Path,
        leave: threading.Event | None = None,
        pause: float = PAUSE,
        *,
        archive: Archive | None = None,
    ) -> None:
        """Raises StoreUnreachable where the file is not set up, StateError where it cannot be used."""
        self.path = path
        self._leave = leave or threading.Event()
        self._pause = pause
        self._archive = archive
        self._reading = open_for_reading(path)
        self._reading.pragma("cache_size", -_CACHE_KIB)
        with guard(path):
            self._keeper = Keeper(self._reading)

    def meta(self) -> Meta:
        """The store's document. Raises StoreUnreachable where there is none."""
        with guard(self.path):
            return read_setting(self._reading, self.path)

    def plan(self, now: datetime) -> RetentionPlan:
        """See Lifecycle."""
        meta = self.meta()
        with guard(self.path):
            plan = Planner(self._reading, self._keeper).plan(self.path, meta, now)
        return msgspec.structs.replace(plan, parts=with_archive(plan.parts, self._archive))

    def apply(self, now: datetime, done: Callable[[Done], None]) -> None:
        """See Lifecycle. Raises StateError where another process keeps the file locked, or changes its document."""
        meta = self.meta()
        with (
            self._archive or contextlib.nullcontext(),
            guard(self.path),
            Eraser(self.path, self._leave, self._pause) as eraser,
        ):
            with eraser.transaction():
                settle(eraser.connection, self.path, now)
            for holding in holdings(self._reading, meta, now)[0]:
                gone = self._sweep(eraser, holding, meta, now)
                if gone.records:
                    done(gone)
            eraser.merge()
            eraser.shrink()

    def close(self) -> None:
        """Close the file."""
        with guard(self.path):
            self._reading.close()

    def _sweep(self, eraser: Eraser, holding: Holding, meta: Meta, now: datetime) -> Done:
        """Delete all that is due of a holding and that no hold keeps."""
        gone, archives = 0, list[str]()
        archiver = self._archiver_of(holding)
        for due in self._due_rows(holding, TOGETHER if archiver is not None else 1):
            holds = active(read_holds(self._reading), now)
            kept = self._keeper.among(holds, due)
            free = [number for number in due if number not in kept]
            if archiver is not None and free:
                file = archiver.keep(Leaving(holding.class_, holding.what, holding.why), free)
                archives += [file] if file is not None else []
                free = free if file is not None else []
            for together in batches(sorted(free)):
                if not self._leave.is_set():
                    with eraser.transaction():
                        self._require_same(eraser, meta)
                        gone += eraser.delete(_free(eraser, together, holds, now))
        return Done(class_=holding.class_, what=holding.what, records=gone, archives=tuple(archives))

    def _due_rows(self, holding: Holding, together: int) -> Iterator["array[int]"]:
        """The rows that are due, in time order, at least so many at a time as long as there are."""
        found, place = array("q"), (FIRST, FIRST)
        while not self._leave.is_set():
            asked = (*place, holding.before, holding.listed, _FOUND)
            rows: list[Any] = self._reading.execute(_FIND, asked).fetchall()
            found.extend(seq for _, _, seq in rows)
            if found and (not rows or len(found) >= together):
                yield found
                found = array("q")
            if not rows:
                break
            place = rows[-1][0], rows[-1][1]

    def _archiver_of(self, holding: Holding) -> Archiver | None:
        if self._archive is None or not self._archive.takes(holding.class_):
            return None
        return Archiver(self._reading, self._archive, self._leave)

    def _require_same(self, eraser: Eraser, meta: Meta) -> None:
        """A longer retention that came while this runs counts from its moment on."""
        if _bare(read_setting(eraser.connection, self.path)) != _bare(meta):
            raise StateError(
                f"{self.path}: its document was changed meanwhile; nothing more was deleted", "apply it again"
            )


def _free(eraser: Eraser, numbers: list[int], known: list[Hold], now: datetime) -> list[int]:
    """Those of the rows that no hold keeps which has come since the `known` ones were asked."""
    holds = active(read_holds(eraser.connection), now)
    others = [hold for hold in holds if hold not in known]
    kept = Keeper(eraser.connection).among(others, numbers) if others else set()
    return [number for number in numbers if number not in kept]


def _bare(meta: Meta) -> Meta:
    """The document without what it says of holds, which are looked at themselves."""
    return msgspec.structs.replace(meta, hold=False, rules="")
