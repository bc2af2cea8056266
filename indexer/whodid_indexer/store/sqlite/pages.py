"""A page of a list and its total: which of three sides leads a plan (see `compile`).

    fx      walk the time order and test each entry, at some 80 ns: right where there are not many
    ft      take what MATCH finds, look up each event, sort: right where MATCH finds few
    chunks  count columns (see `lists`), at some 5 ns a record: right where there are many

ft leads while it finds fewer than `FEW` records; else fx leads over up to `WALK` records, and the chunks beyond that.
Of words alone ft always has the total. What ft finds is gathered once.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from whodid_indexer.query.model import AuditQuery
from whodid_indexer.store.base import Key, Page
from whodid_indexer.store.sqlite.compile import Plan
from whodid_indexer.store.sqlite.conditions import Binding, Sql
from whodid_indexer.store.sqlite.entry import halves
from whodid_indexer.store.sqlite.session import Session
from whodid_schema.errors import UsageError

if TYPE_CHECKING:
    from whodid_indexer.store.sqlite.lists import Lists, Row

FEW = 20_000
"""Records that MATCH may find for it to lead."""

WALK = 100_000
"""Records in the query's range that fx walks."""

_ALL = (1 << 63) - 1

_IN_CHUNKS = "SELECT coalesce(sum(n), 0) FROM chunk WHERE n > 0 AND lo < ? AND hi >= ?"


class Source(NamedTuple):
    """FROM and WHERE of a question, with what is bound."""

    text: str
    bindings: tuple[Binding, ...]


def page_of(session: Session, query: AuditQuery, page: Page) -> tuple[int, "list[Row]"]:
    """The total, 0 where it is not asked for, and the page's places with one more where there is one."""
    if page.after is not None:
        _half_of(page.after)
    plan = session.compiler.compile(query)
    mark = page.mark
    if mark is not None and mark >= session.now():
        mark = None  # nothing has arrived since
    lists = _lists(session, query, plan, mark, counted=page.counted)
    if lists is None and plan.match is not None and plan.open:
        lists = _worded(session, plan.match, mark)
    if lists is not None:
        return lists.total, lists.rows(page, page.limit + 1)
    if mark is not None:
        plan = plan._replace(conditions=(*plan.conditions, Sql("e.seq <= ?", (mark,))))
    source = source_of(session, plan)
    return _total(session, plan, source) if page.counted else 0, _rows(session, source, page, page.limit + 1)


def count_of(session: Session, query: AuditQuery) -> int:
    """The total alone."""
    plan = session.compiler.compile(query)
    lists = _lists(session, query, plan)
    return _total(session, plan, source_of(session, plan)) if lists is None else lists.total


def source_of(session: Session, plan: Plan) -> Source:
    """Where fx or ft leads."""
    where, bindings, *_ = plan.narrowing()
    if plan.match is None:
        return Source(f"event e INDEXED BY fx WHERE {where}", bindings)
    if _few(session, plan.match):
        found = f"ft CROSS JOIN event e ON e.seq = ft.rowid WHERE ft MATCH ? AND {where}"
        return Source(found, (plan.match, *bindings))
    gathered = "e.seq IN (SELECT rowid FROM ft WHERE ft MATCH ?)"
    return Source(f"event e INDEXED BY fx WHERE {where} AND {gathered}", (*bindings, plan.match))


def behind(ascending: bool) -> str:
    """What comes after a place, by its time and the first half of its id."""
    return f"(e.ts, e.idh) {'>' if ascending else '<'} (?, ?)"


def _lists(
    session: Session, query: AuditQuery, plan: Plan, mark: int | None = None, *, counted: bool = True
) -> "Lists | None":
    """The chunks' answer, where they lead."""
    walked = WALK if plan.match is None else 0  # what ft finds is gathered as well for fx as for the chunks
    until, since = 1 << 62 if plan.until is None else plan.until, -(1 << 62) if plan.since is None else plan.since
    if session.connection.execute(_IN_CHUNKS, (until, since)).get <= walked:
        return None
    if plan.match is not None and ((plan.open and not _numbered(session, query)) or _few(session, plan.match)):
        return None
    from whodid_indexer.store.sqlite.lists import listed  # noqa: PLC0415  numpy, which only large stores need

    return listed(session, query, mark, counted=counted)


def _worded(session: Session, match: str, mark: int | None) -> "Lists | None":
    """The chunks' answer to words alone, where many records have them."""
    select = "SELECT count(*) FROM ft WHERE ft MATCH ? AND rowid <= ?"
    total: int = session.connection.execute(select, (match, _ALL if mark is None else mark)).get
    if total < FEW:
        return None
    from whodid_indexer.store.sqlite.lists import worded  # noqa: PLC0415  as above

    return worded(session, match, total, mark)


def _numbered(session: Session, query: AuditQuery) -> bool:
    """Whether all of it can be answered by numbers, and ft was only the quicker way to few."""
    terms = all(isinstance(session.compiler.leaf(term), Sql) for term in query.terms)
    return terms and not query.texts and not query.groups


def _few(session: Session, match: str) -> bool:
    """Whether MATCH finds so few that ft leads."""
    hits = "SELECT count(*) FROM (SELECT 1 FROM ft WHERE ft MATCH ? LIMIT ?)"
    found: int = session.connection.execute(hits, (match, FEW)).get
    return found < FEW


def _total(session: Session, plan: Plan, source: Source) -> int:
    if plan.match is not None and plan.open:
        total: int = session.connection.execute("SELECT count(*) FROM ft WHERE ft MATCH ?", (plan.match,)).get
    else:
        total = session.connection.execute(f"SELECT count(*) FROM {source.text}", source.bindings).get  # noqa: S608
    return total


def _rows(session: Session, source: Source, page: Page, limit: int) -> "list[Row]":
    """One page, from where its source leads."""
    text, bindings = source
    if page.after is not None:
        text += f" AND {behind(page.ascending)}"
        bindings = (*bindings, page.after.micros, *_half_of(page.after))
    order = "ASC" if page.ascending else "DESC"
    sql = f"SELECT e.seq, e.ts, e.idh FROM {text} ORDER BY e.ts {order}, e.idh {order} LIMIT ? OFFSET ?"  # noqa: S608
    rows: list[Any] = session.connection.execute(sql, (*bindings, limit, page.offset)).fetchall()
    low = "SELECT idl FROM event WHERE seq = ?"
    return [(seq, ts, high, session.connection.execute(low, (seq,)).get) for seq, ts, high in rows]


def _half_of(key: Key) -> tuple[int]:
    found = halves(key.id)
    if found is None:
        raise UsageError(f"{key.id[:40]!r} is not a record's id", "take the cursor that came with the page before")
    return (found[0],)
