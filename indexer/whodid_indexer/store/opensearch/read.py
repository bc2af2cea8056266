"""The reading side: the Reader and Analyst over a cluster.

Every question about records is one request to the alias `whodid`; facets and statistics take a few. What has been
stored is found once the index has been refreshed (a second later, unless its settings say otherwise); `changes`
refreshes by itself.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from whodid_indexer.query.axis import axis_named, without_own
from whodid_indexer.query.counting import Axis, Facet, Measure, Stats
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.store.base import Changes, Found, Page
from whodid_indexer.store.opensearch.asking import ALIAS, search
from whodid_indexer.store.opensearch.changes import Feed
from whodid_indexer.store.opensearch.compile import Clause, compile_query
from whodid_indexer.store.opensearch.connect import Client, Info
from whodid_indexer.store.opensearch.facets import facet
from whodid_indexer.store.opensearch.hits import Answer, behind, key_of, order
from whodid_indexer.store.opensearch.scan import Scans
from whodid_indexer.store.opensearch.stats import stats
from whodid_indexer.store.opensearch.together import together
from whodid_schema.bulk import TEMPLATE_PATH
from whodid_schema.errors import StoreUnreachable
from whodid_schema.meta import Meta, read_meta
from whodid_schema.timestamp import from_micros

WINDOW = 10_000
"""Records that one request can reach (`index.max_result_window`); what lies deeper is walked to."""


class OpenSearchReader:
    """The Reader and Analyst of a cluster."""

    def __init__(self, client: Client, info: Info) -> None:
        """Takes the client over: `close` closes it."""
        self._client = client
        self._feed = Feed(client, info.uuid)
        self._scans = Scans(client)

    @property
    def client(self) -> Client:
        """The way to the cluster."""
        return self._client

    def search(self, query: AuditQuery, page: Page) -> Found:
        """See Reader. The page and the total are of one moment."""
        clause = _arrived(compile_query(query), page.mark)
        body: dict[str, Any] = {
            "query": clause,
            "sort": order(ascending=page.ascending),
            "track_total_hits": page.counted,
            "size": page.limit + 1 if page.limit else 0,
        }
        if page.after is None and page.offset + page.limit < WINDOW:
            body["from"] = page.offset
        elif page.after is not None or page.offset:
            place = self._place(clause, page)
            if place is None:
                return Found([], self._total(clause), None, page.mark)
            body["search_after"] = place
        if page.pinned and page.mark is None:
            body["aggs"] = {"mark": {"max": {"field": "received_at"}}}
        found = search(self._client, body)
        hits = found.hits.hits
        shown = hits[: page.limit]
        following = key_of(shown[-1]) if len(hits) > page.limit and shown else None
        return Found(
            [hit.body for hit in shown], found.total, following, _mark(found) if page.mark is None else page.mark
        )

    def count(self, query: AuditQuery) -> int:
        """See Reader."""
        return self._total(compile_query(query))

    def explain(self, query: AuditQuery) -> list[str]:
        """See Reader. The body of the request."""
        body = {"query": compile_query(query), "sort": order(ascending=False), "track_total_hits": True}
        return [f"GET /{ALIAS}/_search", *msgspec.json.format(msgspec.json.encode(body)).decode().split("\n")]

    def get(self, identifier: str) -> bytes | None:
        """See Reader."""
        if not identifier:
            return None
        found = search(self._client, {"query": {"ids": {"values": [identifier]}}, "size": 1})
        return found.hits.hits[0].body if found.hits.hits else None

    def scan(self, query: AuditQuery, *, ascending: bool = False) -> Iterator[bytes]:
        """See Reader."""
        return self._scans.scan(compile_query(query), ascending=ascending)

    def changes(self, after: str | None, limit: int = 1000) -> Changes:
        """See Reader, and `changes`: in order of arrival within a shard, in none between shards."""
        return self._feed.changes(after, limit)

    def now(self) -> str:
        """See Reader."""
        return self._feed.now()

    def facets(self, query: AuditQuery, axes: Sequence[Axis], *, budget: float | None = None) -> list[Facet]:
        """See Analyst, and `facets`: counts are exact, what is chosen and its order may be approximate."""
        compile_query(query)
        named = [msgspec.structs.replace(axis, name=axis_named(axis.name)) for axis in axes]
        countings = [facet(compile_query(without_own(query, axis.name)), axis) for axis in named]
        found = together(self._client, countings, budget)
        return [
            Facet(axis.name, (), complete=False) if one is None else one for axis, one in zip(named, found, strict=True)
        ]

    def stats(self, query: AuditQuery, measure: Measure) -> Stats:
        """See Analyst, and `stats`."""
        return stats(self._client, query, measure)

    def meta(self) -> Meta:
        """See Reader."""
        answer: Any = self._client.find(TEMPLATE_PATH)
        try:
            return read_meta(answer["index_templates"][0]["index_template"]["_meta"])
        except (KeyError, IndexError, TypeError) as error:
            raise StoreUnreachable(f"{self._client.url} has no template of whodid", "run whodid setup") from error

    def close(self) -> None:
        """End the scans that were left in the middle, and close the connections."""
        self._scans.close()
        self._client.close()

    def _total(self, clause: Clause) -> int:
        return search(self._client, {"query": clause, "size": 0, "track_total_hits": True}).total

    def _place(self, clause: Clause, page: Page) -> list[Any] | None:
        """`search_after` of a page: behind `after` and `offset` further records; None where there are no more."""
        place = None if page.after is None else behind(page.after)
        left = page.offset
        while left:
            body: dict[str, Any] = {
                "query": clause,
                "sort": order(ascending=page.ascending),
                "track_total_hits": False,
                "_source": False,
                "size": min(left, WINDOW),
            }
            hits = search(self._client, body if place is None else {**body, "search_after": place}).hits.hits
            if len(hits) < body["size"]:
                return None
            place = list(hits[-1].sort)
            left -= len(hits)
        return place


def _arrived(clause: Clause, mark: int | None) -> Clause:
    """What matches, and was received up to the mark (microseconds)."""
    if mark is None:
        return clause
    return {"bool": {"filter": [clause, {"range": {"received_at": {"lte": from_micros(mark)}}}]}}


def _mark(found: Answer) -> int | None:
    """The time of receipt of the last that matches; the cluster gives milliseconds, so the end of that one."""
    last = found.aggregations.get("mark", {}).get("value")
    return None if last is None else int(last) * 1_000 + 999
