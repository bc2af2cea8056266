"""Asking the alias: one search, with what OpenSearch's refusals mean for a question.

An answer is whole or an error: a shard that does not answer would otherwise be missing from it in silence.
"""

from typing import Any

from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_indexer.store.opensearch.hits import NONE, Answer, TooMuch, read_answer
from whodid_schema.errors import BadQuery, StoreUnreachable

ALIAS = "whodid"
"""What every index of ours is found under; where it is missing nothing has been stored yet."""

_WHOLE = {"allow_partial_search_results": "false"}


def search(client: Client, body: dict[str, Any]) -> Answer:
    """What the alias answers; nothing where there is no index yet. Raises BadQuery for more than a cluster takes."""
    try:
        return read_answer(client.ask("POST", f"/{ALIAS}/_search", body, _WHOLE))
    except Refused as error:
        if unknown(error):
            return NONE
        raise meant(error) from error


def search_moment(client: Client, body: dict[str, Any]) -> Answer:
    """What a point in time, which the body names, answers."""
    try:
        return read_answer(client.ask("POST", "/_search", body, _WHOLE))
    except Refused as error:
        raise meant(error) from error


def unknown(error: Refused) -> bool:
    """Whether there is no such index."""
    return error.status == 404 and error.kind == "index_not_found_exception"


def meant(error: Refused) -> Exception:
    """The error a person should see."""
    if "too_many" in error.kind or "maxClauseCount" in error.reason:
        return BadQuery("the query asks for more at once than the cluster takes", "ask for fewer values or wildcards")
    if error.kind == "index_closed_exception":
        return StoreUnreachable(
            "an index of the store is closed, and the answer would not be whole",
            f"open it, or take it out of the alias {ALIAS}: GET /_cat/indices/{ALIAS}*?expand_wildcards=all",
        )
    if error.status == 429:
        return TooMuch(str(error), "ask again, or for less at once")
    return error
