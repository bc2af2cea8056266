"""A store as far as somebody reaches: every question is held to the access before the store hears it.

What lies outside is not there: a record of another is None, a total does not count it, no label is known by it.
"""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from whodid_indexer.query.access import Access, restrict
from whodid_indexer.query.counting import Axis, Facet, Measure, Stats
from whodid_indexer.query.model import ALL, AuditQuery
from whodid_indexer.store.base import Changes, Found, Page, Reader
from whodid_schema.meta import Meta
from whodid_schema.record import decode

_AT_ONCE = 1_000
"""Arrivals looked at in one step."""


def allowed(reader: Reader, access: Access) -> Reader:
    """The reader, as far as the access goes."""
    return reader if access.reach == "platform" else _Allowed(reader, access)


class _Allowed:
    """A Reader of what the access allows."""

    def __init__(self, reader: Reader, access: Access) -> None:
        from whodid_indexer.export.match import matcher  # noqa: PLC0415  only where it is needed

        self._reader = reader
        self._access = access
        self._may_see = matcher(restrict(ALL, access))

    def search(self, query: AuditQuery, page: Page) -> Found:
        """See Reader."""
        return self._reader.search(restrict(query, self._access), page)

    def count(self, query: AuditQuery) -> int:
        """See Reader."""
        return self._reader.count(restrict(query, self._access))

    def explain(self, query: AuditQuery) -> list[str]:
        """See Reader."""
        return self._reader.explain(restrict(query, self._access))

    def facets(self, query: AuditQuery, axes: Sequence[Axis], *, budget: float | None = None) -> list[Facet]:
        """See Analyst. A value that was asked for and has no record here is shown as it was asked for."""
        found = self._reader.facets(restrict(query, self._access), axes, budget=budget)
        return [_plain(facet) for facet in found]

    def stats(self, query: AuditQuery, measure: Measure) -> Stats:
        """See Analyst."""
        return self._reader.stats(restrict(query, self._access), measure)

    def get(self, identifier: str) -> bytes | None:
        """See Reader."""
        body = self._reader.get(identifier)
        return body if body is not None and self._sees(body) else None

    def scan(self, query: AuditQuery, *, ascending: bool = False) -> Iterator[bytes]:
        """See Reader."""
        return self._reader.scan(restrict(query, self._access), ascending=ascending)

    def changes(self, after: str | None, limit: int = 1000) -> Changes:
        """See Reader. Goes on until something may be seen, or nothing is left: an empty answer is the end."""
        while True:
            arrived = self._reader.changes(after, max(limit, _AT_ONCE))
            seen = [stored for stored in arrived.records if self._sees(stored.body)]
            if len(seen) > limit:
                return Changes(seen[:limit], seen[limit - 1].cursor)
            if seen or not arrived.records:
                return Changes(seen, arrived.cursor)
            after = arrived.cursor

    def now(self) -> str:
        """See Reader."""
        return self._reader.now()

    def meta(self) -> Meta:
        """See Reader."""
        return self._reader.meta()

    def close(self) -> None:
        """See Reader."""
        self._reader.close()

    def _sees(self, body: bytes) -> bool:
        return self._may_see(decode(body))


def _plain(facet: Facet) -> Facet:
    """The facet without what a store knows of values that it counted no record of."""
    values = tuple(value if value.count else replace(value, label=value.value) for value in facet.values)
    return replace(facet, values=values)
