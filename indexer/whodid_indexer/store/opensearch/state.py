"""The index `.whodid-state`: what whodid keeps in a cluster beside records: legal holds, tokens, shared views.

    {"kind": "hold", "name": "case-7", "body": {…}}       its _id is "hold:case-7"
    {"kind": "going", …}                                  an index that is deleted at this moment (see `holds`)

    create, replace    `write_state`: what somebody else changed meanwhile is never overwritten
    put, delete        `put_state`, `delete_state`: of what anybody may change, the last word counts

It is not one of the record's indices: no alias, no retention, no policy, and outside of what
`plugins.security.compliance.immutable_indices` names. Its mapping is strict; bodies are kept, not searched.
"""

from typing import Any, NamedTuple
from urllib.parse import quote

from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_schema.errors import StateError, StoreUnreachable

STATE = ".whodid-state"

_MOST = 10_000


class Kept(NamedTuple):
    """A document, and the numbers by which it is replaced by whoever saw it last."""

    name: str
    body: Any
    seq_no: int
    primary_term: int


def state_index() -> dict[str, Any]:
    """What the index is made from."""
    return {
        "settings": {"index": {"hidden": True, "number_of_shards": 1, "auto_expand_replicas": "0-1"}},
        "mappings": {
            "dynamic": "strict",
            "_meta": {"whodid_state": 1},
            "properties": {
                "kind": {"type": "keyword"},
                "name": {"type": "keyword"},
                "body": {"type": "object", "enabled": False},
            },
        },
    }


def has_state(client: Client) -> bool:
    """Whether the index is there."""
    return client.find(f"/{STATE}") is not None


def make_state(client: Client) -> None:
    """Make the index where it is not there."""
    if not has_state(client):
        try:
            client.json("PUT", f"/{STATE}", state_index())
        except Refused as error:
            if error.kind != "resource_already_exists_exception":
                raise


def read_state(client: Client, kind: str, *, refresh: bool = True) -> list[Kept]:
    """Every document of a kind, those of this moment among them. Raises StoreUnreachable where not all can be read.

    Whoever writes refreshes too; `refresh` False goes by that, at a fraction of the cost.
    """
    try:
        if refresh:
            client.json("POST", f"/{STATE}/_refresh")
        found = client.json(
            "POST",
            f"/{STATE}/_search",
            {"size": _MOST, "seq_no_primary_term": True, "query": {"term": {"kind": kind}}},
            {"allow_partial_search_results": "false"},
        )
    except Refused as error:
        if error.status == 404 and error.kind == "index_not_found_exception":
            return []
        raise
    hits = found["hits"]
    if hits["total"]["value"] > len(hits["hits"]):
        raise StoreUnreachable(f"{STATE} holds more than {_MOST} documents of the kind {kind}")
    return [
        Kept(hit["_source"]["name"], hit["_source"]["body"], hit["_seq_no"], hit["_primary_term"])
        for hit in hits["hits"]
    ]


def state_version(client: Client, kind: str) -> tuple[object, ...]:
    """What is another value after each `write_state` of a kind, at the cost of a search for one document.

    Of what is deleted it may not tell.
    """
    newest = {"size": 1, "sort": [{"_seq_no": "desc"}], "seq_no_primary_term": True, "track_total_hits": True}
    try:
        found = client.json(
            "POST",
            f"/{STATE}/_search",
            {**newest, "_source": False, "query": {"term": {"kind": kind}}},
            {"allow_partial_search_results": "false"},
        )["hits"]
    except Refused as error:
        if error.status == 404 and error.kind == "index_not_found_exception":
            return ()
        raise
    last = ((hit["_id"], hit["_seq_no"], hit["_primary_term"]) for hit in found["hits"])
    return (found["total"]["value"], *last)


def write_state(client: Client, kind: str, name: str, body: Any, before: Kept | None = None) -> None:
    """Keep a new document, or the next form of one. Raises StateError where somebody else was quicker."""
    where = _path("_create" if before is None else "_doc", kind, name)
    known = {} if before is None else {"if_seq_no": before.seq_no, "if_primary_term": before.primary_term}
    try:
        client.json("PUT", where, {"kind": kind, "name": name, "body": body}, {"refresh": "true", **known})
    except Refused as error:
        if error.status == 409:
            raise StateError(f"{client.url}: {kind} {name} was changed meanwhile", "look at it again") from error
        raise


def put_state(client: Client, kind: str, name: str, body: Any) -> bool:
    """Keep a document, in place of the one of its name; whether there was none."""
    where = _path("_doc", kind, name)
    answer = client.json("PUT", where, {"kind": kind, "name": name, "body": body}, {"refresh": "true"})
    return bool(answer["result"] == "created")


def delete_state(client: Client, kind: str, name: str) -> bool:
    """Remove a document; whether it was there."""
    try:
        client.json("DELETE", _path("_doc", kind, name), params={"refresh": "true"})
    except Refused as error:
        if error.status == 404:
            return False
        raise
    return True


def _path(way: str, kind: str, name: str) -> str:
    return f"/{STATE}/{way}/{quote(f'{kind}:{name}', safe='')}"
