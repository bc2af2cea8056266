"""What a panel counts, as `visState` has it: `aggs`, a list whose first is a metric.

Queries are in Lucene's syntax here: Dashboards sends them as they are, and so does the checker.
"""

from collections.abc import Sequence
from typing import Any

from whodid_dashboards.opensearch.fields import TIME
from whodid_dashboards.opensearch.saved import text

Agg = dict[str, Any]
Split = tuple[tuple[str, str], ...]
"""Labels, each with a query in Lucene's syntax."""

KINDS: Split = (
    ("Sign-in and account", "kind:auth"),
    ("Writes", "kind:write"),
    ("Reads and others", "NOT kind:(auth OR write)"),
)
"""As in the viewer's chart: together all there is."""

FIGURES: Split = (
    ("Total", "*"),
    ("Sign-ins", "verb:sign_in"),
    ("Writes", "kind:write AND NOT verb:sign_in"),
    ("Reads and others", "NOT kind:write AND NOT verb:sign_in"),
)
"""As the viewer's figures: the last three add up to the first."""

_EXACT_IPS = 10_000
_NAMED_BY_SHARD = 2_000


def count(label: str = "Events") -> Agg:
    """How many."""
    return {"type": "count", "schema": "metric", "params": {"customLabel": label}}


def unique(field: str, label: str) -> Agg:
    """How many different ones; exact up to 10,000, as in the viewer."""
    precise = text({"precision_threshold": _EXACT_IPS})
    return {
        "type": "cardinality",
        "schema": "metric",
        "params": {"field": field, "customLabel": label, "json": precise},
    }


def last_seen(label: str = "Last seen") -> Agg:
    """The time of the newest."""
    return {"type": "max", "schema": "metric", "params": {"field": TIME, "customLabel": label}}


def newest(field: str, label: str) -> Agg:
    """What the newest has in this field."""
    params = {
        "field": field,
        "aggregate": "concat",
        "size": 1,
        "sortField": TIME,
        "sortOrder": "desc",
        "customLabel": label,
    }
    return {"type": "top_hits", "schema": "metric", "params": params}


def by(field: str, label: str, size: int, schema: str = "bucket", *, leaving_out: str = "") -> Agg:
    """Its most frequent values; `leaving_out` is a regular expression. Every shard names enough of them."""
    params: Agg = {
        "field": field,
        "orderBy": "1",
        "order": "desc",
        "size": size,
        "otherBucket": False,
        "otherBucketLabel": "Other",
        "missingBucket": False,
        "missingBucketLabel": "Missing",
        "customLabel": label,
        "json": text({"shard_size": _NAMED_BY_SHARD}),
    }
    if leaving_out:
        params["exclude"] = leaving_out
    return {"type": "terms", "schema": schema, "params": params}


def split(queries: Split, schema: str = "group") -> Agg:
    """One part per query."""
    filters = [{"input": {"query": query, "language": "lucene"}, "label": label} for label, query in queries]
    return {"type": "filters", "schema": schema, "params": {"filters": filters}}


def over_time(interval: str) -> Agg:
    """`auto`, or `h`, `d`, `w`. Dashboards takes a longer one where that gave more than a hundred bars."""
    params = {
        "field": TIME,
        "interval": interval,
        "drop_partials": False,
        "min_doc_count": 1,
        "extended_bounds": {},
    }
    return {"type": "date_histogram", "schema": "segment", "params": params}


def numbered(aggs: Sequence[Agg]) -> list[Agg]:
    """The list as it stands in `visState`: ids from 1 on, so that `orderBy: 1` is the first."""
    return [{"id": str(number), "enabled": True, **agg} for number, agg in enumerate(aggs, 1)]
