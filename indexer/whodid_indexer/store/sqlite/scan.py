"""All that a question finds, in time order, a slice after the other, so that the writer can merge its log between."""

from array import array
from collections.abc import Iterator
from typing import Any

from whodid_indexer.query.model import AuditQuery
from whodid_indexer.store.sqlite.compile import Plan
from whodid_indexer.store.sqlite.conditions import Binding
from whodid_indexer.store.sqlite.connect import guard
from whodid_indexer.store.sqlite.pages import behind, source_of
from whodid_indexer.store.sqlite.session import Session

_SLICE = 1_000
"""Records read in one transaction."""


def scan(session: Session, query: AuditQuery, *, ascending: bool) -> Iterator[bytes]:
    """See Reader. Without words and keys in the query at constant memory, else at eight bytes a match."""
    with session.moment():
        plan = session.compiler.compile(query)
        start = session.now()
        places = _places(session, plan, ascending) if plan.searches else None
    return _by_place(session, places) if places is not None else _by_time(session, plan, start, ascending)


def _places(session: Session, plan: Plan, ascending: bool) -> "array[int]":
    source, order = source_of(session, plan), "ASC" if ascending else "DESC"
    sql = f"SELECT e.seq FROM {source.text} ORDER BY e.ts {order}, e.idh {order}"  # noqa: S608  names are ours
    return array("q", (seq for (seq,) in session.connection.execute(sql, source.bindings)))


def _by_place(session: Session, places: "array[int]") -> Iterator[bytes]:
    body = "SELECT body FROM event WHERE seq = ?"
    for start in range(0, len(places), _SLICE):
        with session.moment():
            found = [session.connection.execute(body, (seq,)).get for seq in places[start : start + _SLICE]]
        for packed in found:
            if packed is not None:  # it may have been deleted meanwhile
                yield session.unpack(packed)


def _by_time(session: Session, plan: Plan, start: int, ascending: bool) -> Iterator[bytes]:
    """What had arrived when the scan began."""
    where, bound, *_ = plan.narrowing()
    order = "ASC" if ascending else "DESC"
    begin = f"SELECT e.ts, e.idh, e.body FROM event e INDEXED BY fx WHERE {where} AND e.seq <= ?"  # noqa: S608
    end = f" ORDER BY e.ts {order}, e.idh {order} LIMIT {_SLICE}"
    rows = _slice(session, begin + end, (*bound, start))
    while rows:
        for *_, body in rows:
            yield session.unpack(body)
        further = f"{begin} AND {behind(ascending)}{end}"
        rows = _slice(session, further, (*bound, start, *rows[-1][:2])) if len(rows) == _SLICE else []


def _slice(session: Session, sql: str, bindings: tuple[Binding, ...]) -> list[Any]:
    with guard(session.path):
        return session.connection.execute(sql, bindings).fetchall()
