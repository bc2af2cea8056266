"""Statistics: totals, those of the time before, the series, the most active, the categories.

Where the query leaves the range open, its first and last record are looked for; all the rest goes out together.
"""

from typing import Any

import msgspec

from whodid_indexer.query.calendar import edges, interval_for, zone_named
from whodid_indexer.query.counting import MOST_CATEGORIES, Axis, Bucket, Facet, Measure, Stats, TopActor, Totals
from whodid_indexer.query.initials import initials
from whodid_indexer.query.model import AuditQuery, Term
from whodid_indexer.store.opensearch.compile import ADDRESS, EVERYTHING, TIME, Clause, compile_query, compile_term
from whodid_indexer.store.opensearch.connect import Client
from whodid_indexer.store.opensearch.facets import facet
from whodid_indexer.store.opensearch.series import read_series, series
from whodid_indexer.store.opensearch.together import UNREAD, Aggregations, Counting, Question, together

_LISTED_IPS = 10_000
"""Different addresses that are counted one by one; what is beyond is estimated (to about one in a thousand)."""

_ADDRESSES: Aggregations = {
    UNREAD: {"terms": {"field": ADDRESS, "size": _LISTED_IPS, "shard_size": _LISTED_IPS}},
    "number": {"stats_bucket": {"buckets_path": f"{UNREAD}>_count"}},
    "about": {"cardinality": {"field": ADDRESS, "precision_threshold": 40_000}},
}

_SIGN_IN = compile_term(Term("verb", ("sign_in",)))
_WRITE = compile_term(Term("kind", ("write",)))


class _Figures(msgspec.Struct):
    totals: Totals = Totals()
    series: tuple[Bucket, ...] = ()
    approximate: bool = False


def stats(client: Client, query: AuditQuery, measure: Measure) -> Stats:
    """See Analyst."""
    zone = zone_named(measure.zone)
    since, until = _range(client, query, measure.now)
    interval = measure.interval or interval_for(since, until)
    ends = edges(since, until, interval, zone) if since is not None else []
    previous_since = None if query.since is None else 2 * query.since - until
    now, before = _Figures(), _Figures()
    actors: tuple[TopActor, ...] = ()
    categories: Facet | None = None
    if ends:
        inside = compile_query(msgspec.structs.replace(query, since=since, until=until))
        countings: list[Counting[Any]] = [
            _figures(inside, ends),
            _top_actors(inside, measure.actors),
            facet(inside, Axis("category", MOST_CATEGORIES)),
        ]
        if previous_since is not None:
            earlier = msgspec.structs.replace(query, since=previous_since, until=since)
            countings.append(_figures(compile_query(earlier), []))
        found: list[Any] = together(client, countings)
        now, actors, categories = found[:3]
        before = found[3] if found[3:] else before
    return Stats(
        since=since,
        until=until,
        interval=interval,
        zone=measure.zone,
        current=now.totals,
        previous=None if previous_since is None else before.totals,
        previous_since=previous_since,
        series=now.series,
        mix={name: sum(getattr(bucket, name) for bucket in now.series) for name in ("auth", "write", "other")},
        actors=actors,
        categories=categories.values if categories else (),
        approximate_ips=now.approximate or before.approximate,
    )


def _range(client: Client, query: AuditQuery, now: int) -> tuple[int | None, int]:
    """The range that is counted: the query's, what it leaves open as Measure and Stats say."""
    clause = compile_query(query)
    ways = [way for way, edge in (("asc", query.since), ("desc", query.until)) if edge is None]
    found = dict(zip(ways, together(client, [_moment(clause, way) for way in ways]), strict=True))
    since = query.since if query.since is not None else found["asc"]
    if query.until is not None:
        return since, query.until
    last = found["desc"]
    ends = (now, since, None if last is None else last + 1)
    return since, max(end for end in ends if end is not None)


def _moment(clause: Clause, way: str) -> Counting[int | None]:
    """The time of the first (asc) or last (desc) record; None where there is none."""
    answer = yield Question(clause, {}, ({TIME: way},))
    return int(answer.first[0]) // 1_000 if answer.first else None


def _figures(clause: Clause, ends: list[int]) -> Counting[_Figures]:
    """The totals, and with edges the series."""
    asked: Aggregations = {
        "sign_ins": {"filter": _SIGN_IN},
        "writes": {"filter": {"bool": {"filter": [_WRITE], "must_not": [_SIGN_IN]}}},
        "ips": {"filter": EVERYTHING, "aggs": _ADDRESSES},
        **series(ends),
    }
    answer = yield Question(clause, asked)
    found = answer.aggregations
    if not found:
        return _Figures(series=read_series(ends, found))
    sign_ins, writes = found["sign_ins"]["doc_count"], found["writes"]["doc_count"]
    listed = not found["ips"][UNREAD]["sum_other_doc_count"]
    ips = found["ips"]["number"]["count"] if listed else found["ips"]["about"]["value"]
    totals = Totals(answer.total, sign_ins, writes, answer.total - sign_ins - writes, ips)
    return _Figures(totals, read_series(ends, found), not listed)


def _top_actors(clause: Clause, most: int) -> Counting[tuple[TopActor, ...]]:
    """The facet's first values and their last times: places in the order, as aggregations know milliseconds only."""
    found: Facet = yield from facet(clause, Axis("actor", most))
    keys = [one.value for one in found.values]
    if not keys:
        return ()
    last = {"top_hits": {"size": 1, "_source": False, "sort": [{TIME: "desc"}]}}
    mine = {"terms": {"field": "actor.key", "include": keys, "size": len(keys)}, "aggs": {"last": last}}
    answer = yield Question(clause, {"actors": mine})
    seen = {
        bucket["key"]: bucket["last"]["hits"]["hits"][0]["sort"][0] // 1_000
        for bucket in answer.aggregations["actors"]["buckets"]
    }
    return tuple(
        TopActor(one.value, one.label, initials(one.label), one.count, seen[one.value])
        for one in found.values
        if one.value in seen
    )
