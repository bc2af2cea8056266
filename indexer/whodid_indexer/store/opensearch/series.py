"""The series: records of each kind between the edges that `calendar.edges` gives, whatever the cluster knows of zones.

Edges that are equally far apart are a histogram of a fixed interval, which every cluster counts alike; where the clocks
change, another one begins. (`date_range`, to which the edges could be given as they are, finds nothing in fields of
`date_nanos`: seen on 3.8. Calendar intervals follow the time zones of the cluster's own Java.)
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from whodid_indexer.query.counting import Bucket
from whodid_indexer.query.model import Term
from whodid_indexer.store.opensearch.compile import EVERYTHING, TIME, Clause, compile_term, times
from whodid_indexer.store.opensearch.together import Aggregations

_KINDS: dict[str, Clause] = {
    "auth": compile_term(Term("kind", ("auth",))),
    "write": compile_term(Term("kind", ("write",))),
    "all": EVERYTHING,
}


def series(edges: Sequence[int]) -> Aggregations:
    """What counts each kind between the edges (microseconds, whole milliseconds)."""
    runs = {str(number): _histogram(*run) for number, run in enumerate(_runs(edges))}
    return {kind: {"filter": clause, "aggs": runs} for kind, clause in _KINDS.items()} if runs else {}


def read_series(edges: Sequence[int], answer: Aggregations) -> tuple[Bucket, ...]:
    """The buckets, each interval's; `answer` is that to `series`, or nothing."""
    counts = {kind: Counter(dict(_read(answer.get(kind, {})))) for kind in _KINDS}
    found = []
    for start, end in pairwise(edges):
        auth, write, every = (counts[kind][start] for kind in _KINDS)
        found.append(Bucket(start, end, auth, write, every - auth - write))
    return tuple(found)


def _runs(edges: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """First edge, last edge, and how far apart they and those between them are."""
    begin, step, last = 0, 0, 0
    for start, end in pairwise(edges):
        if end - start != step:
            if step:
                yield begin, last, step
            begin, step = start, end - start
        last = end
    if step:
        yield begin, last, step


def _histogram(begin: int, end: int, step: int) -> dict[str, Any]:
    interval = {"field": TIME, "fixed_interval": f"{step // 1_000}ms", "offset": f"{begin % step // 1_000}ms"}
    counted = {"date_histogram": {**interval, "min_doc_count": 1}}
    return {"filter": {"bool": {"filter": times(begin, end)}}, "aggs": {"in": counted}}


def _read(kind: Aggregations) -> Iterator[tuple[int, int]]:
    """First microsecond → records."""
    for name, run in kind.items():
        for bucket in run["in"]["buckets"] if name.isdecimal() else ():
            yield bucket["key"] * 1_000, bucket["doc_count"]
