"""The `_bulk` wire between agent and store: NDJSON in pairs of lines, one result per item in the same order.

    {"create":{"_index":"whodid-activity","_id":"01…"}}
    {…the record…}

Only `create` is spoken: an id that is already there answers 409 and changes nothing. What an item's answer makes
the sender do is its `Outcome`:

    indexed     the store has it now
    duplicate   the store already had it
    rejected    the value itself is wrong; to quarantine
    retry       not now; the same item again later
    blocked     this index takes nothing for the moment; park its events and probe
    paused      nothing can be written anywhere (rights, no template); wait and try again
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import chain
from typing import Any, NamedTuple

import msgspec

CONTENT_TYPE = "application/x-ndjson"
FILTER_PATH = "errors,items.*.status,items.*.error"
TEMPLATE_PATH = "/_index_template/whodid"


class Outcome(StrEnum):
    """What became of one item."""

    INDEXED = "indexed"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    RETRY = "retry"
    BLOCKED = "blocked"
    PAUSED = "paused"


class Result(NamedTuple):
    """An item's outcome with the store's words for it; `reason` is empty where all is well."""

    outcome: Outcome
    reason: str = ""


INDEXED = Result(Outcome.INDEXED)
DUPLICATE = Result(Outcome.DUPLICATE)

BLOCKING_TYPES = frozenset(
    {
        "cluster_block_exception",
        "index_closed_exception",
        "strict_dynamic_mapping_exception",
        "validation_exception",
        "index_create_block_exception",
        "index_not_found_exception",
    }
)
"""Error types that concern the index, not the document: the next document there would meet the same."""

PAUSING_TYPES = frozenset({"security_exception", "authorization_exception", "template_missing_exception"})
"""Error types that concern the sender's rights or the set-up: every document would meet the same."""


class _Item(msgspec.Struct, gc=False):
    status: int
    error: Any = None


class _Response(msgspec.Struct, gc=False):
    items: list[dict[str, _Item]]
    errors: bool = True


_CREATED = b'{"create":{"status":201}}'
_decoder = msgspec.json.Decoder(_Response)


class MalformedResponse(ValueError):
    """The answer is not a bulk answer to what was sent; nothing may be concluded from it, send again."""


ACTION_BYTES = 128
"""More than an action line has."""


def action(index: str, identifier: str) -> bytes:
    """The action line, newline included. Both names are whodid's own and need no escaping."""
    return f'{{"create":{{"_index":"{index}","_id":"{identifier}"}}}}\n'.encode()


def request_body(indexes: Iterable[str], ids: Iterable[str], records: Iterable[bytes]) -> bytes:
    """The text of a request: of each item its index, its id and its record. Each record is copied once."""
    actions = [
        f'{{"create":{{"_index":"{index}","_id":"{identifier}"}}}}'.encode()
        for index, identifier in zip(indexes, ids, strict=True)
    ]
    return b"\n".join([*chain.from_iterable(zip(actions, records, strict=True)), b""])


def read_response(body: bytes, sent: int) -> list[Result]:
    """One result per item of a 200 answer, in the order sent.

    Raises MalformedResponse where the body is no bulk answer or its length is not `sent`: an answer that lost an
    item would otherwise shift every later result by one.
    """
    if _is_all_created(body, sent):
        return [INDEXED] * sent
    try:
        response = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedResponse(f"not a bulk answer: {error}") from error
    if len(response.items) != sent:
        raise MalformedResponse(f"{len(response.items)} results for {sent} items")
    return [classify(item) for entry in response.items for item in _only(entry)]


def _is_all_created(body: bytes, sent: int) -> bool:
    """Whether the answer is, byte for byte, what nearly every answer is: all of it created, nothing else said."""
    head, found, items = body.partition(b'"items":[')
    return bool(found) and b'"errors":false' in head and items == b",".join([_CREATED] * sent) + b"]}"


def _only(entry: Mapping[str, _Item]) -> list[_Item]:
    if len(entry) != 1:
        raise MalformedResponse("a result names more than one operation")
    return list(entry.values())


def classify(item: _Item) -> Result:
    """The outcome of one item by (status, error type); see the module's table."""
    if item.status in (200, 201):
        return INDEXED
    if item.status == 409:
        return DUPLICATE
    return refusal(item.status, item.error)


def refusal(status: int, error: Any) -> Result:
    """What a store's refusal means: of one item, or of the index that was to be made for it."""
    kind, reason = _error(error)
    return Result(_refusal(status, kind), f"{status} {kind}: {reason}")


def _refusal(status: int, kind: str) -> Outcome:
    """What a refusal means for the sender; the error's type says more than its status."""
    if kind in PAUSING_TYPES or status == 401:
        return Outcome.PAUSED
    if kind in BLOCKING_TYPES:
        return Outcome.BLOCKED
    if status == 429 or status >= 500:
        return Outcome.RETRY
    return Outcome.BLOCKED if status in (403, 404) else Outcome.REJECTED


def _error(error: Any) -> tuple[str, str]:
    if isinstance(error, dict):
        return str(error.get("type", "unknown")), str(error.get("reason", ""))
    return "unknown", "" if error is None else str(error)
