"""Deleting what has outlived its class's retention from a file that is in use, and giving the space back.

    find     some thousand rows that are due, in time order, outside of any transaction
    hold     of these, what a legal hold keeps is left out (see `held`)
    archive  where that is wanted: the rest is written down and read back first, and just that is deleted
    delete   at most a thousand of them in one transaction: `event` and its indices, `ft`, `cell`; it begins by looking
             whether the holds are still those, and asks again where another has come
    merge    FTS5 keeps what was deleted until it rewrites the part that holds it: a few pages at a time
    shrink   free pages are used again by new records; where there are many, the file is cut

Between two transactions a writer is let in. Ended at any point, kill -9 included, the file is sound, and the next
apply goes on where this one ended, because what is due is asked of the records themselves.

`deletemerge` is 0 outside of `_merge`: with any other value FTS5 rewrites inside a deletion, for seconds.
"""

import contextlib
import threading
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from whodid_indexer.archive.leave import with_archive
from whodid_indexer.archive.writer import Archive, Leaving
from whodid_indexer.holds.hold import Hold, active
from whodid_indexer.retention.document import spelled
from whodid_indexer.retention.due import cutoff, moment_of, period_of, stamped
from whodid_indexer.retention.plan import Done, Held, Kept, Part, RetentionPlan, held_part
from whodid_indexer.store.sqlite.archived import TOGETHER, Archiver
from whodid_indexer.store.sqlite.chunks import SIZE, forget_rows
from whodid_indexer.store.sqlite.connect import guard, open_for_reading, open_for_writing
from whodid_indexer.store.sqlite.held import Keeper
from whodid_indexer.store.sqlite.holds import read_holds, settle
from whodid_indexer.store.sqlite.settings import read_setting
from whodid_schema.errors import StateError
from whodid_schema.meta import IMPORTED, Meta

BATCH = 1_000
"""Rows of one transaction: 5 to 16 ms, and some 10 for each chunk that is written anew."""

_CHUNKS = 2
"""Written anew in one transaction at most: records that came late lie in chunks far apart."""

_FOUND = 8_000
"""Rows found at a time."""

_PAUSE = 0.025
"""Seconds at least between two transactions: a writer that found the file locked has asked again within them."""

_STALE_PERCENT = 10
"""Of a part of the text index must be deleted for it to be rewritten."""

_MERGE_PAGES = 16
"""Written in one step of a rewrite: 7 to 21 ms; 64 take 100."""

_SHRINK_PAGES = 256
_FREE_SHARE = 16
"""The file keeps a sixteenth of free pages for what comes next, instead of being cut and growing again each day."""

_CACHE_KIB = 8_192

_FIND = """
SELECT ts, idh, seq FROM event INDEXED BY fx
WHERE (ts, idh) > (?, ?) AND ts < ? AND combo IN (SELECT value FROM json_each(?)) ORDER BY ts, idh LIMIT ?
"""
_COUNT = """
SELECT count(*), min(ts) FROM event INDEXED BY fx
WHERE ts >= ? AND ts < ? AND combo IN (SELECT value FROM json_each(?))
"""
_FIRST, _END = -(1 << 63), (1 << 63) - 1


class Holding(NamedTuple):
    """What the file holds of a class: `combos` (see `schema`), kept for `days`; what is before `before` is due.

    Of imported records a month of imports is due as a whole, whatever their own times: `before` is then the end of
    time, or its beginning, and `due` says when.
    """

    class_: str
    what: str
    days: int | None
    combos: list[int]
    before: int
    due: datetime | None = None


class SqliteLifecycle:
    """The Lifecycle of one file, beside whoever else writes it. `leave`, once set, ends an apply early and well.

    `archive`: where records go before they are deleted.
    """

    def __init__(
        self,
        path: Path,
        leave: threading.Event | None = None,
        pause: float = _PAUSE,
        *,
        archive: Archive | None = None,
    ) -> None:
        """Raises StoreUnreachable where the file is not set up, StateError where it cannot be used."""
        self.path = path
        self._leave = leave or threading.Event()
        self._pause = pause
        self._archive = archive
        self.longest = 0.0
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
            holds = active(read_holds(self._reading), now)
            holdings, notes = self._holdings(meta, now)
            held = [self._held(hold, holdings) for hold in holds]
            problems = [one.problem for one in held if one.problem is not None]
            parts = [part for holding in holdings for part in self._parts(holding, holds, held, now)]
        parts = with_archive(parts, self._archive)
        return RetentionPlan(at=stamped(now), store=str(self.path), parts=parts, holds=held, notes=[*problems, *notes])

    def apply(self, now: datetime, done: Callable[[Done], None]) -> None:
        """See Lifecycle. Raises StateError where another process keeps the file locked, or changes its document."""
        meta = self.meta()
        with (
            self._archive or contextlib.nullcontext(),
            guard(self.path),
            contextlib.closing(open_for_writing(self.path)) as self._connection,
        ):
            self._connection.pragma("cache_size", -_CACHE_KIB)
            with self._transaction():
                settle(self._connection, self.path, now)
            for holding in self._holdings(meta, now)[0]:
                gone = self._sweep(holding, meta, now)
                if gone.records:
                    done(gone)
            self._merge()
            self._shrink()

    def close(self) -> None:
        """Close the file."""
        with guard(self.path):
            self._reading.close()

    def _holdings(self, meta: Meta, now: datetime) -> tuple[list[Holding], list[str]]:
        """What there is of each class, and notes of what is of none."""
        combos: dict[str, list[int]] = {}
        for number, home in self._reading.execute("SELECT id, class FROM combo"):
            combos.setdefault(home, []).append(number)
        by_class: dict[str, list[int]] = {}
        found: list[Holding] = []
        notes: list[str] = []
        for home in sorted(combos):
            period = period_of(home)
            name = period.class_ if period is not None else home.removeprefix("whodid-")
            kept = meta.classes.get(name)
            if period is not None and name == IMPORTED:
                days = kept.days if kept is not None else None
                due = None if days is None else period.due(days)
                before = _END if due is not None and due <= now else _FIRST
                found.append(Holding(name, home, days, combos[home], before, due))
            elif kept is None:
                notes.append(f"records sent to {home} are of no class of this store: kept")
            else:
                by_class.setdefault(name, []).extend(combos[home])
        for name, numbers in by_class.items():
            days = meta.classes[name].days
            before = _FIRST if days is None else cutoff(now, days)
            what = f"before {stamped(moment_of(before))}" if days is not None else "all"
            found.append(Holding(name, what, days, numbers, before))
        return found, notes

    def _held(self, hold: Hold, holdings: Sequence[Holding]) -> Held:
        """What the plan says of a hold."""
        about = {name: getattr(hold, name) for name in ("name", "query", "reason", "by", "at", "until")}
        try:
            found = [
                Kept(class_=one.class_, what=one.what, records=self._keeper.count([hold], *_due(one)))
                for one in holdings
            ]
            matches = self._keeper.covered(hold)
        except StateError as error:
            return Held(**about, problem=error.message)
        return Held(**about, matches=matches, keeps=[kept for kept in found if kept.records])

    def _parts(self, holding: Holding, holds: list[Hold], told: list[Held], now: datetime) -> Iterator[Part]:
        """A line of the plan for what is due, one for what is held of it, one for what stays."""
        kept = spelled(holding.days)
        due, _ = self._counted(*_due(holding))
        held = 0
        if due:
            unknown = any(hold.problem is not None for hold in told)
            held = due if unknown else self._keeper.count(holds, *_due(holding))
            part = Part(
                class_=holding.class_,
                kept=kept,
                what=holding.what,
                records=due - held,
                goes=stamped(now),
                due=True,
                why=_why(holding),
            )
            yield from [part] if due > held else []
            yield from [held_part(msgspec.structs.replace(part, records=held), told)] if held else []
        rest, oldest = self._counted(holding.before, _END, _listed(holding.combos))
        if rest:
            yield self._staying(holding, kept, rest, moment_of(oldest))

    def _counted(self, since: int, until: int, numbers: str) -> tuple[int, int]:
        """How many records there are of these combos, and the time of the oldest (0: there is none)."""
        row: Any = self._reading.execute(_COUNT, (since, until, numbers)).fetchall()[0]
        return row[0], row[1] or 0

    def _staying(self, holding: Holding, kept: str, records: int, oldest: datetime) -> Part:
        goes, what = holding.due, holding.what
        if what.startswith("before"):
            what = f"since {what.removeprefix('before ')}"
        if holding.days is None:
            why = "kept for ever"
        elif goes is None:
            goes = moment_of(cutoff(oldest, -holding.days))
            why = f"the oldest is {holding.days} days old then"
        else:
            why = f"imported {holding.days} days before"
        return Part(
            class_=holding.class_,
            kept=kept,
            what=what,
            records=records,
            goes=None if goes is None else stamped(goes),
            due=False,
            why=why,
        )

    def _sweep(self, holding: Holding, meta: Meta, now: datetime) -> Done:
        """Delete all that is due of a holding and that no hold keeps."""
        gone, archives = 0, list[str]()
        archiver = self._archiver_of(holding)
        for due in self._due_rows(holding, TOGETHER if archiver is not None else 1):
            holds = active(read_holds(self._reading), now)
            kept = self._keeper.among(holds, due)
            free = [number for number in due if number not in kept]
            if archiver is not None and free:
                file = archiver.keep(Leaving(holding.class_, holding.what, _why(holding)), free)
                archives += [file] if file is not None else []
                free = free if file is not None else []
            for together in _batches(sorted(free)):
                if not self._leave.is_set():
                    with self._transaction():
                        self._require_same(meta)
                        gone += self._delete(self._free(together, holds, now))
        return Done(class_=holding.class_, what=holding.what, records=gone, archives=tuple(archives))

    def _due_rows(self, holding: Holding, together: int) -> Iterator["array[int]"]:
        """The rows that are due, in time order, at least so many at a time as long as there are."""
        found, place = array("q"), (_FIRST, _FIRST)
        while not self._leave.is_set():
            asked = (*place, holding.before, _listed(holding.combos), _FOUND)
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

    def _free(self, numbers: list[int], known: list[Hold], now: datetime) -> list[int]:
        """Those of the rows that no hold keeps which has come since the `known` ones were asked."""
        holds = active(read_holds(self._connection), now)
        others = [hold for hold in holds if hold not in known]
        kept = Keeper(self._connection).among(others, numbers) if others else set()
        return [number for number in numbers if number not in kept]

    def _require_same(self, meta: Meta) -> None:
        """A longer retention that came while this runs counts from its moment on."""
        if _bare(read_setting(self._connection, self.path)) != _bare(meta):
            raise StateError(
                f"{self.path}: its document was changed meanwhile; nothing more was deleted", "apply it again"
            )

    def _delete(self, numbers: Sequence[int]) -> int:
        """Delete the rows of these numbers, all of what the file has of them."""
        connection = self._connection
        before = connection.total_changes()
        connection.executemany("DELETE FROM event WHERE seq = ?", ((number,) for number in numbers))
        gone = connection.total_changes() - before
        connection.executemany("DELETE FROM ft WHERE rowid = ?", ((number,) for number in numbers))
        forget_rows(connection, numbers)
        return gone

    def _merge(self) -> None:
        """Rewrite the parts of the text index of which much was deleted, a few pages at a time."""
        connection, more = self._connection, True
        set_option = "INSERT INTO ft(ft, rank) VALUES (?, ?)"
        while more and not self._leave.is_set():
            with self._transaction():
                connection.execute(set_option, ("usermerge", 16))  # what automerge does anyway is left to it
                connection.execute(set_option, ("deletemerge", _STALE_PERCENT))
                before = connection.total_changes()
                connection.execute(set_option, ("merge", _MERGE_PAGES))
                more = connection.total_changes() - before > 1  # FTS5's own way of saying that it did something
                connection.execute(set_option, ("deletemerge", 0))

    def _shrink(self) -> None:
        """Cut the file where many of its pages are free; one made without `auto_vacuum` keeps them for new records."""
        connection = self._connection
        if connection.pragma("auto_vacuum") == 2:
            while not self._leave.is_set():
                spare: int = connection.pragma("freelist_count") - connection.pragma("page_count") // _FREE_SHARE
                if spare <= 0:
                    break
                with self._timed():
                    connection.execute(f"PRAGMA incremental_vacuum({min(spare, _SHRINK_PAGES)})").fetchall()
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._timed():
            self._connection.execute("BEGIN IMMEDIATE")
            began = time.perf_counter()
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self.longest = max(self.longest, time.perf_counter() - began)

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        """Afterwards pause for as long as it took: writers have half of the time at least."""
        began = time.perf_counter()
        yield
        if self._pause:
            self._leave.wait(max(self._pause, time.perf_counter() - began))


def _batches(numbers: Sequence[int]) -> Iterator[list[int]]:
    """Rising row numbers as they are deleted together: few, and of few chunks."""
    batch: list[int] = []
    touched: set[int] = set()
    for number in numbers:
        touched.add((number - 1) // SIZE)
        if len(batch) == BATCH or len(touched) > _CHUNKS:
            yield batch
            batch, touched = [], {(number - 1) // SIZE}
        batch.append(number)
    if batch:
        yield batch


def _due(holding: Holding) -> tuple[int, int, str]:
    """The beginning and the end of what is due, and of which combos."""
    return _FIRST, holding.before, _listed(holding.combos)


def _why(holding: Holding) -> str:
    return f"older than {holding.days} days" if holding.due is None else f"imported {holding.days} days ago"


def _bare(meta: Meta) -> Meta:
    """The document without what it says of holds, which are looked at themselves."""
    return msgspec.structs.replace(meta, hold=False, rules="")


def _listed(numbers: Sequence[int]) -> str:
    return msgspec.json.encode(numbers).decode()
