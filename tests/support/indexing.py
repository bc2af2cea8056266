"""Putting records into an OpenSearch as the agent does: the template first, then creates into period indices.

It shares with the product what defines a document (the template, the router, `document`), and nothing that reads.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from support.opensearch.server import Server
from whodid_indexer.store.base import Item
from whodid_indexer.store.opensearch.state import STATE, state_index
from whodid_indexer.store.opensearch.template import template
from whodid_schema.document import document
from whodid_schema.meta import Meta, Router, default_meta
from whodid_schema.record import decode

META = default_meta(datetime(2026, 11, 21, tzinfo=UTC), partitions="period")

_AT_ONCE = 1_000


def set_up(server: Server, meta: Meta = META) -> None:
    """The template and the index of state, without anything stored."""
    server.request("PUT", "/_index_template/whodid", template(meta))
    if not server.request("GET", f"/_cat/indices/{STATE}*?format=json&h=index&expand_wildcards=all"):
        server.request("PUT", f"/{STATE}", state_index())


def index(server: Server, items: Sequence[Item], *, refresh: bool = True) -> list[int]:
    """Create the items where the rules file them; the status of each, in order."""
    router = Router(META)
    statuses: list[int] = []
    for start in range(0, len(items), _AT_ONCE):
        lines: list[bytes] = []
        for item in items[start : start + _AT_ONCE]:
            record = decode(item.body)
            action = {"create": {"_index": router.index_of(record), "_id": item.id}}
            lines += (msgspec.json.encode(action), document(record, item.body))
        answer = server.request("POST", "/_bulk", b"\n".join(lines) + b"\n")
        statuses += [result["create"]["status"] for result in answer["items"]]
    if refresh:
        server.request("POST", "/whodid*/_refresh")
    return statuses


def home(item: Item) -> str:
    """The index that an item is in."""
    return Router(META).index_of(decode(item.body))
