"""The writing side: items in, one transaction, one result each; what is acknowledged is on the disk.

read every item ─► leave out what is there or stood before it ─► number the axes ─► event, ft ─► COMMIT
"""

import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from whodid_indexer.store.base import Item
from whodid_indexer.store.sqlite import chunks, entry
from whodid_indexer.store.sqlite.axes import Axes
from whodid_indexer.store.sqlite.bodies import SAMPLES, Packer
from whodid_indexer.store.sqlite.connect import create_file, guard, open_for_writing
from whodid_indexer.store.sqlite.entry import Entry
from whodid_indexer.store.sqlite.ids import Ids
from whodid_indexer.store.sqlite.schema import migrate, require_version
from whodid_indexer.store.sqlite.settings import read_setting, write_setting
from whodid_indexer.store.sqlite.tokens import tokens
from whodid_schema.bulk import DUPLICATE, INDEXED, Result
from whodid_schema.meta import Meta

_SAME = "SELECT ?1, ?2, idl FROM event INDEXED BY fx WHERE ts = ?1 AND idh = ?2"
_SAME_ID = "SELECT e.idh, e.idl FROM ft CROSS JOIN event e ON e.seq = ft.rowid WHERE ft MATCH ?"
_SAME_FILED = "SELECT idh, idl FROM event INDEXED BY filed WHERE filed AND idh = ?1"
_LAST = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'"
_EVENT = "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FT = "INSERT INTO ft(rowid, t, x) VALUES (?, ?, ?)"

Id = tuple[int, int]

_SLICE = 64
"""Records read and written at a time: so few that what they are made of stays in the cache of the processor."""


class SqliteStore:
    """The Writer of one file. Safe to call from any thread; calls go one after the other."""

    def __init__(self, path: Path) -> None:
        """Open a store that was set up. Raises StoreUnreachable where it was not, StateError where it cannot be."""
        self.path = path
        self._lock = threading.Lock()
        self._connection = open_for_writing(path)
        try:
            with guard(path):
                require_version(self._connection)
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

    def close(self) -> None:
        """Close the file; the log is merged into it."""
        with self._lock, guard(self.path):
            self._connection.close()

    def _undo(self) -> None:
        if self._connection.in_transaction:  # a full disk has already rolled it back
            self._connection.execute("ROLLBACK")
        self._axes.forget()
        self._packer.reload()

    def _store(self, items: Sequence[Item]) -> list[Result]:
        """Slice by slice, so that few records are unpacked at a time, within the caller's transaction."""
        self._ids.catch_up()
        self._axes.catch_up()
        known: set[Id] = set()
        results: list[Result] = []
        for start in range(0, len(items), _SLICE):
            read = [entry.read(item) for item in items[start : start + _SLICE]]
            known |= self._known([one for one in read if isinstance(one, Entry)])
            new: list[Entry] = []
            for one in read:
                if isinstance(one, Result):
                    results.append(one)
                elif (one.high, one.low) in known:
                    results.append(DUPLICATE)
                else:
                    known.add((one.high, one.low))
                    results.append(INDEXED)
                    new.append(one)
            self._insert(new)
        self._axes.flush()
        chunks.fill(self._connection)
        return results

    def _known(self, entries: Sequence[Entry]) -> set[Id]:
        """The ids among the entries' that are stored already."""
        run = self._connection.executemany
        known = {(high, low) for _, high, low in run(_SAME, ((one.micros, one.high) for one in entries))}
        known.update(run(_SAME_FILED, ((one.high,) for one in entries)))
        # the same event under another time (a mended profile read it differently): rare, so it may cost a look-up
        maybe = [one for one in entries if self._ids.maybe(one.high) and (one.high, one.low) not in known]
        known.update(run(_SAME_ID, ((f'x : "i{one.record.id}"',) for one in maybe)))
        return known

    def _insert(self, new: Sequence[Entry]) -> None:
        last: int = self._connection.execute(_LAST).get
        if not self._packer.number and (last + len(new)) // SAMPLES > last // SAMPLES:
            self._packer.train([one.body for one in new])
        pack, axes = self._packer.pack, self._axes
        rows, texts = [], []
        for seq, one in enumerate(new, last + 1):
            record = one.record
            actor = axes.actor(record.actor)
            exact, present = tokens(record, actor)
            combo = axes.combo(record, one.home, present)
            ip = axes.ip(record.client.ip if record.client is not None else None)
            ws = axes.workspace(record.workspace)
            project = axes.project(record.project)
            device = axes.device(record.client.device if record.client is not None else None)
            reason = axes.reason(record.reason)
            key = (seq, one.micros, one.high, one.low)
            rows.append((*key, combo, actor, ip, ws, project, device, reason, int(one.filed), pack(one.body)))
            texts.append((seq, one.text, exact))
        self._connection.executemany(_EVENT, rows)
        self._connection.executemany(_FT, texts)
