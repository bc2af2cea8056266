"""The writing side: items in, one transaction, one result each; what is acknowledged is on the disk.

read an item ─► leave it out where it is there or stood before ─► number its axes ─┐   one after the other,
    pack the bodies ─► event ─► ft ◄─── so many at a time ────────────────────────────┘   within one transaction
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import apsw
import msgspec

from whodid_indexer.store.base import Item
from whodid_indexer.store.sqlite import chunks, entry
from whodid_indexer.store.sqlite.axes import Axes
from whodid_indexer.store.sqlite.bodies import SAMPLES, Packer
from whodid_indexer.store.sqlite.connect import create_file, guard, open_for_reading, open_for_writing
from whodid_indexer.store.sqlite.entry import Entry
from whodid_indexer.store.sqlite.ids import Ids
from whodid_indexer.store.sqlite.schema import migrate, require_version
from whodid_indexer.store.sqlite.settings import read_setting, write_setting
from whodid_indexer.store.sqlite.tokens import Exact, exact_of, match_of_id, texts_of
from whodid_schema.bulk import DUPLICATE, INDEXED, Result
from whodid_schema.meta import Meta

_SAME = "SELECT idh, idl FROM event INDEXED BY fx WHERE ts = ? AND idh = ?"
_SAME_FILED = "SELECT idh, idl FROM event INDEXED BY filed WHERE filed AND idh = ?"
_SAME_ID = "SELECT e.idh, e.idl FROM ft CROSS JOIN event e ON e.seq = ft.rowid WHERE ft MATCH ?"
_LAST = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'"
_EVENT = "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FT = "INSERT INTO ft(rowid, t, x) VALUES (?, ?, ?)"

Id = tuple[int, int]

_SLICE = 1_000
_SLICE_TEXT = 1 << 22
"""Records written at a time, and characters of text: enough for each step to have the processor's caches to itself
(records are read twice as fast as in turn with packing and writing them), and no more than memory takes lightly."""


class _Slice:
    """Records about to be written: their rows without bodies, the bodies, and what they are found by."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, ...]] = []
        self.bodies: list[bytes] = []
        self.texts: list[str] = []
        self.exact: list[Exact] = []
        self.size = 0

    @property
    def full(self) -> bool:
        """Whether it is time to write."""
        return len(self.rows) >= _SLICE or self.size >= _SLICE_TEXT


Answer = TypeVar("Answer")


class SqliteStore:
    """The Writer of one file. Safe to call from any thread; calls go one after the other."""

    def __init__(self, path: Path, patience: int | None = None) -> None:
        """Open a store that was set up. Raises StoreUnreachable where it was not, StateError where it cannot be.

        `patience` is in milliseconds, see `open_for_writing`.
        """
        self.path = path
        self._lock = threading.Lock()
        self._connection = open_for_writing(path, patience)
        try:
            with guard(path):
                require_version(self._connection)
                # Asks what was there when a transaction began. To ask ft on the connection that writes would make a
                # segment of the words that wait there, each time.
                self._before = open_for_reading(path)
                self._axes = Axes(self._connection)
                self._packer = Packer(self._connection)
                self._ids = Ids(self._connection)
        except BaseException:
            self._connection.close()
            raise

    @staticmethod
    def setup(path: Path, meta: Meta) -> None:
        """Make the file, or bring it to today's layout; `meta` becomes its document where it has none. Idempotent.

        The file can be read by its owner alone. Raises StateError and StoreUnreachable.
        """
        create_file(path)
        connection = open_for_writing(path)
        try:
            with guard(path):
                migrate(connection)
                write_setting(connection, "meta", msgspec.json.encode(meta).decode(), replace=False)
        finally:
            connection.close()

    def meta(self) -> Meta:
        """The store's template document. Raises StoreUnreachable where there is none."""
        with self._lock, guard(self.path):
            return read_setting(self._connection, self.path)

    def set_meta(self, meta: Meta) -> None:
        """Put another template document in place of the one there is."""
        with self._lock, guard(self.path):
            write_setting(self._connection, "meta", msgspec.json.encode(meta).decode(), replace=True)

    def create(self, items: Sequence[Item]) -> list[Result]:
        """Store what is not there yet; one result per item, in order: indexed, duplicate, or rejected with its reason.

        On return everything indexed is durable. Raises StateError (locked, disk full, damaged); then nothing of this
        call is stored.
        """
        if not items:
            return []
        with self._lock, guard(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                results = self._store(items)
                self._connection.execute("COMMIT")
            except BaseException:
                self._undo()
                raise
        return results

    def alone(self, work: Callable[[apsw.Connection], Answer]) -> Answer:
        """What `work` makes of the file beside the records, in a transaction of its own between two groups.

        Durable on return; nothing of it is stored where it raises. Raises StateError as `create`.
        """
        with self._lock, guard(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                answer = work(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                self._undo()
                raise
        return answer

    def close(self) -> None:
        """Close the file; the log is merged into it."""
        with self._lock, guard(self.path):
            self._before.close()
            self._connection.close()

    def _undo(self) -> None:
        if self._connection.in_transaction:  # a full disk has already rolled it back
            self._connection.execute("ROLLBACK")
        self._axes.forget()
        self._packer.reload()

    def _store(self, items: Sequence[Item]) -> list[Result]:
        """The items' results; what is new is written, within the caller's transaction."""
        self._ids.catch_up(len(items))
        self._axes.catch_up()
        seq: int = self._connection.execute(_LAST).get
        known: set[Id] = set()
        results: list[Result] = []
        waiting = _Slice()
        for item in items:
            one = entry.read(item)
            if isinstance(one, Result):
                results.append(one)
            elif (one.high, one.low) in known or self._stored(one):
                results.append(DUPLICATE)
            else:
                seq += 1
                known.add((one.high, one.low))
                results.append(INDEXED)
                self._prepare(seq, one, waiting)
                if waiting.full:
                    self._insert(seq, waiting)
                    waiting = _Slice()
        self._insert(seq, waiting)
        self._axes.flush()
        chunks.fill(self._connection)
        return results

    def _stored(self, one: Entry) -> bool:
        """Whether a record with the entry's id is there."""
        if not self._ids.maybe(one.high):
            return False
        ask, key = self._before.execute, (one.high, one.low)
        return (
            key in ask(_SAME, (one.micros, one.high)).fetchall()
            or key in ask(_SAME_FILED, (one.high,)).fetchall()
            # the same event under another time (a mended profile read it differently)
            or key in ask(_SAME_ID, (match_of_id(one.record.id or ""),)).fetchall()
        )

    def _prepare(self, seq: int, one: Entry, into: _Slice) -> None:
        """Number what the record shares with others, and add it to the slice."""
        record, axes = one.record, self._axes
        client = record.client
        actor = axes.actor(record.actor)
        exact = exact_of(record, actor)
        into.rows.append(
            (
                seq,
                one.micros,
                one.high,
                one.low,
                axes.combo(record, one.home, exact.present),
                actor,
                axes.ip(client.ip) if client is not None else 0,
                axes.workspace(record.workspace),
                axes.project(record.project),
                axes.device(client.device) if client is not None else 0,
                axes.reason(record.reason),
                int(one.filed),
            )
        )
        into.bodies.append(one.body)
        into.texts.append(one.text)
        into.exact.append(exact)
        into.size += len(one.text) + len(exact.spelled) + len(exact.lines)

    def _insert(self, seq: int, new: _Slice) -> None:
        """Write the slice, whose last record has the number `seq`."""
        if not new.rows:
            return
        if not self._packer.number and seq // SAMPLES > (seq - len(new.rows)) // SAMPLES:
            self._packer.train(new.bodies)
        packed = self._packer.pack(new.bodies)
        rows = [(*row, body) for row, body in zip(new.rows, packed, strict=True)]
        self._connection.executemany(_EVENT, rows)
        seqs = range(seq - len(rows) + 1, seq + 1)
        self._connection.executemany(_FT, zip(seqs, new.texts, texts_of(new.exact), strict=True))
