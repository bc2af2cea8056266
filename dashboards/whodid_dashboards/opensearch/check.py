"""Whether every panel answers: its request is sent to the store, and its rows are counted.

The fields that panels count by are compared with what the cluster itself says of them, as Dashboards does when it
refreshes its list.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from whodid_dashboards.opensearch.compared import TITLES
from whodid_dashboards.opensearch.fields import Field, fields
from whodid_dashboards.opensearch.requests import Json, Range, counted, known, requests
from whodid_dashboards.opensearch.saved import SavedObject
from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_indexer.store.opensearch.template import PATTERN

Answer = tuple[int, int, str]
"""Events, rows, and what is wrong."""


class Answered(Struct, frozen=True):
    """What a panel shows: events it goes by, rows (values, bars, numbers, choices) it has; or why there is nothing."""

    dashboard: str
    panel: str
    about: str
    events: int
    rows: int
    error: str = ""


def check(client: Client, objects: Sequence[SavedObject], span: Range) -> Iterator[Answered]:
    """Every panel of every dashboard, in their order. Raises what the store raises, but for a panel's own fault.

    What several dashboards ask alike (the choices) is asked once.
    """
    answers: dict[bytes, Answer] = {}
    for asked in requests(objects, span):
        body = msgspec.json.encode(asked.body)
        if body not in answers:
            answers[body] = _answer(client, asked.index, body)
        events, rows, error = answers[body]
        yield Answered(asked.dashboard, asked.panel.title, asked.about, events, rows, error)


def _answer(client: Client, index: str, body: bytes) -> Answer:
    try:
        answer = client.json("POST", f"/{index}/_search", body, {"ignore_unavailable": True})
    except Refused as error:
        return 0, 0, f"{error.kind}: {error.reason}"
    failed = answer["_shards"]["failed"]
    return events(answer), rows(answer), f"{failed} shards failed" if failed else ""


def events(answer: Json) -> int:
    """How many events an answer goes by; of a drawing, which looks at the period before too, those of the range."""
    now = answer.get("aggregations", {}).get("now")
    return int(answer["hits"]["total"]["value"] if now is None else now["doc_count"])


def rows(answer: Json) -> int:
    """How many things an answer shows: events, else the innermost buckets that hold something, else values."""
    if answer["hits"]["hits"]:
        return len(answer["hits"]["hits"])
    aggregations = answer.get("aggregations", {})
    if "now" in aggregations:
        return len(TITLES) if aggregations["now"]["doc_count"] else 0
    return sum(map(_shown, aggregations.values()))


def _shown(agg: Json) -> int:
    if "buckets" in agg:
        buckets = agg["buckets"].values() if isinstance(agg["buckets"], dict) else agg["buckets"]
        return sum(_inside(one) for one in buckets if one["doc_count"])
    return int(bool(agg.get("value")))


def _inside(bucket: Json) -> int:
    inner = [one for one in bucket.values() if isinstance(one, dict) and "buckets" in one]
    return sum(map(_shown, inner)) if inner else 1


def faults(client: Client, objects: Sequence[SavedObject]) -> Iterator[str]:
    """What a panel counts by and the mapping or the cluster does not have so, in words."""
    there = _capabilities(client)
    for panel in objects:
        for name, use in counted(panel):
            field = known(name)
            if field is None or not field.aggregatable:
                yield f"{panel.title}: {use} {name}, which {'cannot be counted by' if field else 'no record has'}"
    if there:
        for field in fields().values():
            if not _serves(there.get(field.name), field):
                yield f"the index pattern says {field}, the cluster {there.get(field.name)}; run whodid setup"


def _serves(found: Field | None, wanted: Field) -> bool:
    """Whether the cluster's field can do what ours can; newer versions also search what is only stored in columns."""
    if found is None or (found.kind, found.aggregatable) != (wanted.kind, wanted.aggregatable):
        return False
    return found.searchable or not wanted.searchable


def _capabilities(client: Client) -> Mapping[str, Field]:
    """The fields as the cluster has them, nothing where there is no index yet."""
    answer: Any = client.json("GET", f"/{PATTERN}/_field_caps", params={"fields": "*", "allow_no_indices": True})
    found: dict[str, Field] = {}
    ours = fields()
    for name, kinds in answer["fields"].items():
        if name in ours and len(kinds) == 1:
            kind, said = next(iter(kinds.items()))
            found[name] = Field(name, ours[name].type, kind, said["searchable"], said["aggregatable"])
    return found
