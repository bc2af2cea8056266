"""The reading side: the five questions, each on a connection that cannot write."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw

from whodid_indexer.query.counting import Axis, Facet, Measure, Stats
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.store.base import Changes, Found, Key, Page, Stored
from whodid_indexer.store.sqlite.connect import guard
from whodid_indexer.store.sqlite.entry import halves, joined
from whodid_indexer.store.sqlite.pages import count_of, page_of, source_of
from whodid_indexer.store.sqlite.scan import scan
from whodid_indexer.store.sqlite.session import Session
from whodid_indexer.store.sqlite.settings import read_setting
from whodid_indexer.store.sqlite.tokens import match_of_id
from whodid_schema.errors import UsageError
from whodid_schema.meta import Meta

_NAME = "SELECT value FROM setting WHERE name = 'store'"
_CHANGES = "SELECT seq, body FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
_ID = "SELECT e.body, e.idh, e.idl FROM ft CROSS JOIN event e ON e.seq = ft.rowid WHERE ft MATCH ?"


class SqliteReader:
    """The Reader of one file; for one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open the file for reading. Raises StoreUnreachable where it is not set up, StateError where it cannot be."""
        self.path = path
        self._session = Session(path)
        with guard(path):
            self._store: str = self._session.connection.execute(_NAME).get

    def search(self, query: AuditQuery, page: Page) -> Found:
        """See Reader. The page and the total are of one moment."""
        with self._session.moment():
            total, rows = page_of(self._session, query, page)
            mark = self._session.now() if page.pinned and page.mark is None else page.mark
            more = len(rows) > page.limit
            rows = rows[: page.limit]
            records = [self._session.body(seq) for seq, *_ in rows]
            following = Key(rows[-1][1], joined(rows[-1][2], rows[-1][3])) if more and rows else None
        return Found(records, total, following, mark)

    def count(self, query: AuditQuery) -> int:
        """See Reader."""
        with self._session.moment():
            return count_of(self._session, query)

    def explain(self, query: AuditQuery) -> list[str]:
        """See Reader. The SQL, and each value that is bound in it."""
        with self._session.moment():
            text, bindings = source_of(self._session, self._session.compiler.compile(query))
        values = [f"?{place} = {apsw.format_sql_value(value)}" for place, value in enumerate(bindings, 1)]
        return [f"SELECT e.seq, e.ts, e.idh FROM {text} ORDER BY e.ts DESC, e.idh DESC", *values]  # noqa: S608  shown

    def facets(self, query: AuditQuery, axes: Sequence[Axis], *, budget: float | None = None) -> list[Facet]:
        """See Analyst. The axes that only bodies know are counted within the budget, all others always."""
        from whodid_indexer.store.sqlite.facets import facets  # noqa: PLC0415  numpy, which only counting needs

        with self._session.moment():
            return facets(self._session, query, axes, budget)

    def stats(self, query: AuditQuery, measure: Measure) -> Stats:
        """See Analyst."""
        from whodid_indexer.store.sqlite.stats import stats  # noqa: PLC0415  as above

        with self._session.moment():
            return stats(self._session, query, measure)

    def get(self, identifier: str) -> bytes | None:
        """See Reader."""
        key = halves(identifier)
        if key is None:
            return None
        with guard(self.path):
            for body, high, low in self._session.connection.execute(_ID, (match_of_id(identifier),)):
                if (high, low) == key:
                    return self._session.unpack(body)
        return None

    def scan(self, query: AuditQuery, *, ascending: bool = False) -> Iterator[bytes]:
        """See Reader."""
        return scan(self._session, query, ascending=ascending)

    def changes(self, after: str | None, limit: int = 1000) -> Changes:
        """See Reader. The cursor is a record's number in order of arrival, and the file's own name for itself.

        Raises UsageError for anything else: a number alone would also mean something in another store.
        """
        place = self._place(after)
        with guard(self.path):
            rows: list[Any] = self._session.connection.execute(_CHANGES, (place, limit)).fetchall()
            records = [Stored(self._session.unpack(body), f"{seq}-{self._store}") for seq, body in rows]
        return Changes(records, records[-1].cursor if records else f"{place}-{self._store}")

    def now(self) -> str:
        """See Reader."""
        with guard(self.path):
            return f"{self._session.now()}-{self._store}"

    def meta(self) -> Meta:
        """See Reader."""
        with guard(self.path):
            return read_setting(self._session.connection, self.path)

    def close(self) -> None:
        """Close the file."""
        self._session.close()

    def _place(self, after: str | None) -> int:
        if after is None:
            return 0
        place, _, store = after.partition("-")
        if not (place.isascii() and place.isdecimal() and len(place) < 19) or store != self._store:
            raise UsageError(
                f"{after[:60]!r} is not a cursor of this store", "leave it out to start from the beginning"
            )
        with guard(self.path):
            if int(place) > self._session.now():
                raise UsageError(f"the cursor {after} lies ahead of this store: an older copy of it was put back")
        return int(place)
