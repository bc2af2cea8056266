"""The reading side: the five questions, each on a connection that cannot write.

A plan (see `compile`) can be led from three sides:

    fx      walk the time order and test each entry, at some 80 ns: right where there are not many
    ft      take what MATCH finds, look up each event, sort: right where MATCH finds few
    chunks  count columns (see `lists`), at some 5 ns a record: right where there are many

ft leads while it finds fewer than `FEW` records, and always where nothing but words and keys is asked; else fx leads
over up to `WALK` records, and the chunks beyond that. What ft finds is then gathered once.
"""

import contextlib
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import apsw

from whodid_indexer.query.counting import Axis, Facet, Measure, Stats
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.store.base import Changes, Found, Key, Page, Stored
from whodid_indexer.store.sqlite.bodies import Unpacker
from whodid_indexer.store.sqlite.compile import Binding, Compiler, Plan, Sql
from whodid_indexer.store.sqlite.connect import guard, open_for_reading
from whodid_indexer.store.sqlite.entry import halves, joined
from whodid_indexer.store.sqlite.settings import read_setting
from whodid_indexer.store.sqlite.tokens import match_of_id
from whodid_schema.errors import UsageError
from whodid_schema.meta import Meta

if TYPE_CHECKING:
    from whodid_indexer.store.sqlite.columns import Columns
    from whodid_indexer.store.sqlite.dictionaries import Dictionaries
    from whodid_indexer.store.sqlite.facets import Sources
    from whodid_indexer.store.sqlite.lists import Lists, Row

FEW = 20_000
"""Records that MATCH may find for it to lead."""

WALK = 100_000
"""Records in the query's range that fx walks."""

_SLICE = 1_000
"""Records a scan reads in one transaction; between two slices the writer can merge its log."""

_ALL = (1 << 63) - 1

_NAME = "SELECT value FROM setting WHERE name = 'store'"
_NOW = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'"
_BODY = "SELECT body FROM event WHERE seq = ?"
_CHANGES = "SELECT seq, body FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
_IN_CHUNKS = "SELECT coalesce(sum(n), 0) FROM chunk WHERE n > 0 AND lo < ? AND hi >= ?"
_ID = "SELECT e.body, e.idh, e.idl FROM ft CROSS JOIN event e ON e.seq = ft.rowid WHERE ft MATCH ?"


class _Source(NamedTuple):
    """FROM and WHERE of a question, with what is bound; `sorts`: its rows do not come in time order by themselves."""

    text: str
    bindings: tuple[Binding, ...]


class SqliteReader:
    """The Reader of one file; for one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open the file for reading. Raises StoreUnreachable where it is not set up, StateError where it cannot be."""
        self.path = path
        self._connection = open_for_reading(path)
        self._unpack = Unpacker(self._connection).unpack
        self._compiler = Compiler(self._connection)
        with guard(path):
            self._store: str = self._connection.execute(_NAME).get
        self._columns: Columns | None = None
        self._dictionaries: Dictionaries | None = None

    def search(self, query: AuditQuery, page: Page) -> Found:
        """See Reader. The page and the total are of one moment."""
        with guard(self.path), self._moment():
            total, rows = self._page(query, page)
            mark = self._connection.execute(_NOW).get if page.pinned and page.mark is None else page.mark
            more = len(rows) > page.limit
            rows = rows[: page.limit]
            records = [self._body(seq) for seq, *_ in rows]
            following = Key(rows[-1][1], joined(rows[-1][2], rows[-1][3])) if more and rows else None
        return Found(records, total, following, mark)

    def count(self, query: AuditQuery) -> int:
        """See Reader."""
        with guard(self.path), self._moment():
            plan = self._compiler.compile(query)
            lists = self._lists(query, plan)
            return self._total(plan, self._source(plan)) if lists is None else lists.total

    def explain(self, query: AuditQuery) -> list[str]:
        """See Reader. The SQL, and each value that is bound in it."""
        with guard(self.path), self._moment():
            text, bindings = self._source(self._compiler.compile(query))
        values = [f"?{place} = {apsw.format_sql_value(value)}" for place, value in enumerate(bindings, 1)]
        return [f"SELECT e.seq, e.ts, e.idh FROM {text} ORDER BY e.ts DESC, e.idh DESC", *values]  # noqa: S608  shown

    def facets(self, query: AuditQuery, axes: Sequence[Axis], *, budget: float | None = None) -> list[Facet]:
        """See Analyst. The axes that only bodies know are counted within the budget, all others always."""
        from whodid_indexer.store.sqlite.facets import facets  # noqa: PLC0415  numpy, which only counting needs

        with guard(self.path), self._moment():
            return facets(self._sources(), query, axes, budget)

    def stats(self, query: AuditQuery, measure: Measure) -> Stats:
        """See Analyst."""
        from whodid_indexer.store.sqlite.stats import stats  # noqa: PLC0415  as above

        with guard(self.path), self._moment():
            return stats(self._sources(), query, measure)

    def get(self, identifier: str) -> bytes | None:
        """See Reader."""
        key = halves(identifier)
        if key is None:
            return None
        with guard(self.path):
            for body, high, low in self._connection.execute(_ID, (match_of_id(identifier),)):
                if (high, low) == key:
                    return self._unpack(body)
        return None

    def scan(self, query: AuditQuery, *, ascending: bool = False) -> Iterator[bytes]:
        """See Reader. Without words and keys in the query at constant memory, else at eight bytes a match."""
        with guard(self.path), self._moment():
            plan = self._compiler.compile(query)
            start: int = self._connection.execute(_NOW).get
            places = self._places(plan, ascending) if plan.searches else None
        return self._scan_places(places) if places is not None else self._scan_time(plan, start, ascending)

    def changes(self, after: str | None, limit: int = 1000) -> Changes:
        """See Reader. The cursor is a record's number in order of arrival, and the file's own name for itself.

        Raises UsageError for anything else: a number alone would also mean something in another store.
        """
        place = self._place(after)
        with guard(self.path):
            rows: list[Any] = self._connection.execute(_CHANGES, (place, limit)).fetchall()
            records = [Stored(self._unpack(body), f"{seq}-{self._store}") for seq, body in rows]
        return Changes(records, records[-1].cursor if records else f"{place}-{self._store}")

    def now(self) -> str:
        """See Reader."""
        with guard(self.path):
            return f"{self._connection.execute(_NOW).get}-{self._store}"

    def meta(self) -> Meta:
        """See Reader."""
        with guard(self.path):
            return read_setting(self._connection, self.path)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _sources(self) -> "Sources":
        from whodid_indexer.store.sqlite.dictionaries import Dictionaries  # noqa: PLC0415  only counting needs them
        from whodid_indexer.store.sqlite.facets import Sources  # noqa: PLC0415  as above

        if self._dictionaries is None:
            self._dictionaries = Dictionaries(self._connection)
        return Sources(self._connection, self._columns_of(), self._compiler, self._dictionaries, self._unpack)

    def _columns_of(self) -> "Columns":
        from whodid_indexer.store.sqlite.columns import Columns  # noqa: PLC0415  numpy, which only large stores need

        if self._columns is None:
            self._columns = Columns(self._connection)
        return self._columns

    @contextlib.contextmanager
    def _moment(self) -> Iterator[None]:
        """One read transaction: what is asked inside is answered as of one moment."""
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            if self._columns is not None:
                self._columns.release()
            self._connection.execute("COMMIT")

    def _body(self, seq: int) -> bytes:
        return self._unpack(self._connection.execute(_BODY, (seq,)).get)

    def _place(self, after: str | None) -> int:
        if after is None:
            return 0
        place, _, store = after.partition("-")
        if not (place.isascii() and place.isdecimal() and len(place) < 19) or store != self._store:
            raise UsageError(
                f"{after[:60]!r} is not a cursor of this store", "leave it out to start from the beginning"
            )
        with guard(self.path):
            if int(place) > self._connection.execute(_NOW).get:
                raise UsageError(f"the cursor {after} lies ahead of this store: an older copy of it was put back")
        return int(place)

    def _page(self, query: AuditQuery, page: Page) -> tuple[int, "list[Row]"]:
        """The total, and the page's places with one more where there is one."""
        if page.after is not None:
            _half_of(page.after)
        plan = self._compiler.compile(query)
        mark = page.mark
        if mark is not None and mark >= self._connection.execute(_NOW).get:
            mark = None  # nothing has arrived since
        lists = self._lists(query, plan, mark)
        if lists is None and plan.match is not None and plan.open:
            lists = self._worded(plan.match, mark)
        if lists is not None:
            return lists.total, lists.rows(page, page.limit + 1)
        if mark is not None:
            plan = plan._replace(conditions=(*plan.conditions, Sql("e.seq <= ?", (mark,))))
        source = self._source(plan)
        return self._total(plan, source), self._rows(source, page, page.limit + 1)

    def _lists(self, query: AuditQuery, plan: Plan, mark: int | None = None) -> "Lists | None":
        """The chunks' answer, where they lead."""
        walked = WALK if plan.match is None else 0  # what ft finds is gathered as well for fx as for the chunks
        if self._connection.execute(_IN_CHUNKS, (_before(plan.until), _from(plan.since))).get <= walked:
            return None
        if plan.match is not None and ((plan.open and not self._numbered(query)) or self._few(plan.match)):
            return None
        from whodid_indexer.store.sqlite.lists import counted  # noqa: PLC0415  numpy, which only large stores need

        return counted(self._connection, self._columns_of(), self._compiler, query, mark)

    def _worded(self, match: str, mark: int | None) -> "Lists | None":
        """The chunks' answer to words alone, where many records have them."""
        select = "SELECT count(*) FROM ft WHERE ft MATCH ? AND rowid <= ?"
        total: int = self._connection.execute(select, (match, _ALL if mark is None else mark)).get
        if total < FEW:
            return None
        from whodid_indexer.store.sqlite.lists import worded  # noqa: PLC0415  as above

        return worded(self._connection, self._columns_of(), match, total, mark)

    def _numbered(self, query: AuditQuery) -> bool:
        """Whether all of it can be answered by numbers, and ft was only the quicker way to few."""
        terms = all(isinstance(self._compiler.leaf(term), Sql) for term in query.terms)
        return terms and not query.texts and not query.groups

    def _few(self, match: str) -> bool:
        """Whether MATCH finds so few that ft leads."""
        hits = "SELECT count(*) FROM (SELECT 1 FROM ft WHERE ft MATCH ? LIMIT ?)"
        found: int = self._connection.execute(hits, (match, FEW)).get
        return found < FEW

    def _source(self, plan: Plan) -> _Source:
        """Who leads, fx or ft."""
        where, bindings, *_ = plan.narrowing()
        if plan.match is None:
            return _Source(f"event e INDEXED BY fx WHERE {where}", bindings)
        if self._few(plan.match):
            return _Source(
                f"ft CROSS JOIN event e ON e.seq = ft.rowid WHERE ft MATCH ? AND {where}", (plan.match, *bindings)
            )
        gathered = "e.seq IN (SELECT rowid FROM ft WHERE ft MATCH ?)"
        return _Source(f"event e INDEXED BY fx WHERE {where} AND {gathered}", (*bindings, plan.match))

    def _total(self, plan: Plan, source: _Source) -> int:
        if plan.match is not None and plan.open:
            total: int = self._connection.execute("SELECT count(*) FROM ft WHERE ft MATCH ?", (plan.match,)).get
        else:
            total = self._connection.execute(f"SELECT count(*) FROM {source.text}", source.bindings).get  # noqa: S608
        return total

    def _rows(self, source: _Source, page: Page, limit: int) -> list[tuple[int, int, int, int]]:
        """(seq, micros, both halves of the id) of one page."""
        text, bindings = source
        if page.after is not None:
            text += f" AND {_behind(page.ascending)}"
            bindings = (*bindings, page.after.micros, *_half_of(page.after))
        order = "ASC" if page.ascending else "DESC"
        sql = f"SELECT e.seq, e.ts, e.idh FROM {text} ORDER BY e.ts {order}, e.idh {order} LIMIT ? OFFSET ?"  # noqa: S608
        rows: list[Any] = self._connection.execute(sql, (*bindings, limit, page.offset)).fetchall()
        low = "SELECT idl FROM event WHERE seq = ?"
        return [(seq, ts, high, self._connection.execute(low, (seq,)).get) for seq, ts, high in rows]

    def _places(self, plan: Plan, ascending: bool) -> "array[int]":
        source, order = self._source(plan), "ASC" if ascending else "DESC"
        sql = f"SELECT e.seq FROM {source.text} ORDER BY e.ts {order}, e.idh {order}"  # noqa: S608  names are ours
        return array("q", (seq for (seq,) in self._connection.execute(sql, source.bindings)))

    def _scan_places(self, places: "array[int]") -> Iterator[bytes]:
        for start in range(0, len(places), _SLICE):
            with guard(self.path), self._moment():
                found = [self._connection.execute(_BODY, (seq,)).get for seq in places[start : start + _SLICE]]
            for body in found:
                if body is not None:
                    yield self._unpack(body)

    def _scan_time(self, plan: Plan, start: int, ascending: bool) -> Iterator[bytes]:
        where, bound, *_ = plan.narrowing()
        order = "ASC" if ascending else "DESC"
        begin = f"SELECT e.ts, e.idh, e.body FROM event e INDEXED BY fx WHERE {where} AND e.seq <= ?"  # noqa: S608
        end = f" ORDER BY e.ts {order}, e.idh {order} LIMIT {_SLICE}"
        rows = self._slice(begin + end, (*bound, start))
        while rows:
            for *_, body in rows:
                yield self._unpack(body)
            behind = f"{begin} AND {_behind(ascending)}{end}"
            rows = self._slice(behind, (*bound, start, *rows[-1][:2])) if len(rows) == _SLICE else []

    def _slice(self, sql: str, bindings: tuple[Binding, ...]) -> list[Any]:
        with guard(self.path):
            return self._connection.execute(sql, bindings).fetchall()


def _from(since: int | None) -> int:
    return -(1 << 62) if since is None else since


def _before(until: int | None) -> int:
    return 1 << 62 if until is None else until


def _behind(ascending: bool) -> str:
    return f"(e.ts, e.idh) {'>' if ascending else '<'} (?, ?)"


def _half_of(key: Key) -> tuple[int]:
    found = halves(key.id)
    if found is None:
        raise UsageError(f"{key.id[:40]!r} is not a record's id", "take the cursor that came with the page before")
    return (found[0],)
