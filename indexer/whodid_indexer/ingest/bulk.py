"""Reading and answering `_bulk` bodies: pairs of lines in, one result per pair out, in the same order.

    {"create":{"_index":"whodid-activity","_id":"01…"}}        an action; only `create` is spoken
    {…the record…}                                             its record, handed on as it came

    {"took":3,"errors":true,"items":[{"create":{"status":201}},
                                     {"create":{"status":400,"error":{"type":"…","reason":"…"}}}]}

The answer always has the slim form that `filter_path=errors,items.*.status,items.*.error` asks OpenSearch for.
Action lines are written by agents, never by the events in them: a wrong one refuses the whole request before anything
is stored. What is wrong with a record is that item's own result.
"""

import re
from collections.abc import Sequence

import msgspec

from whodid_indexer.store.base import Item
from whodid_schema.bulk import Outcome, Result
from whodid_schema.errors import UsageError

_plain_action = re.compile(rb'\{"create":\{"_index":"([a-z0-9._-]{1,255})","_id":"([0-9a-z]{1,64})"\}\}').fullmatch
"""Matches an action line as our agent writes it (`whodid_schema.bulk.action`): six times as fast as decoding it."""


class MalformedBulk(UsageError):
    """The body is not pairs of action and record; the message names the line (from 1). Nothing was stored."""

    code = "malformed_bulk"


class _Create(msgspec.Struct, gc=False):
    index: str = msgspec.field(name="_index")
    id: str = msgspec.field(name="_id")


class _Action(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    create: _Create


_decode_action = msgspec.json.Decoder(_Action).decode


def parse(body: bytes) -> list[Item]:
    """The items of a decompressed body. Raises MalformedBulk."""
    lines = body.split(b"\n")
    if lines.pop():
        raise MalformedBulk("the body does not end with a newline: it may have been cut off")
    if not lines:
        raise MalformedBulk("the body is empty: it must be pairs of lines, an action and its record")
    if len(lines) % 2:
        raise MalformedBulk(f"line {len(lines)}: an action without its record: lines must come in pairs")
    items: list[Item] = []
    add = items.append
    for action, record in zip(lines[0::2], lines[1::2], strict=True):
        match = _plain_action(action)
        if match is None:
            add(_any_action(action, record, 2 * len(items) + 1))
        else:
            index, identifier = match.groups()
            add(Item(index.decode(), identifier.decode(), record))
    return items


def _any_action(action: bytes, record: bytes, line: int) -> Item:
    try:
        create = _decode_action(action).create
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        wanted = 'every odd line must be {"create":{"_index":"…","_id":"…"}}'
        raise MalformedBulk(f"line {line}: not a create action: {error}", wanted) from error
    return Item(create.index, create.id, record)


_STATUS: dict[Outcome, tuple[int, str]] = {
    Outcome.DUPLICATE: (409, "version_conflict_engine_exception"),
    Outcome.REJECTED: (400, "mapper_parsing_exception"),
    Outcome.RETRY: (429, "rejected_execution_exception"),
    Outcome.BLOCKED: (403, "cluster_block_exception"),
    Outcome.PAUSED: (403, "security_exception"),
}
"""Outcome → status and error type, so that `whodid_schema.bulk.classify` reads back the same outcome."""

_CREATED = b'{"create":{"status":201}}'


def answer(results: Sequence[Result], took: int) -> bytes:
    """The body of the 200 answer; `took` in milliseconds."""
    entries = [_CREATED if result.outcome is Outcome.INDEXED else _failed(result) for result in results]
    errors = b"true" if any(entry is not _CREATED for entry in entries) else b"false"
    return b'{"took":%d,"errors":%s,"items":[%s]}' % (took, errors, b",".join(entries))


def _failed(result: Result) -> bytes:
    status, kind = _STATUS[result.outcome]
    reason = result.reason or "the id is there already"
    return msgspec.json.encode({"create": {"status": status, "error": {"type": kind, "reason": reason}}})
