"""The index mapping, derived from the record's structs, and what each query field is found by.

    query field        OpenSearch
    id                 ids query (the record's id is `_id`); the field `id` is for sorting and counting
    ip                 term or range on `client.ip`
    meta.<path>        term, prefix or wildcard on `meta`, whose values are `folding.meta_pair(path, value)`
    all the others     term, prefix or wildcard on `keys`, whose values are `document.key(field, value)`: the value's
                       shadow, but session and request as written; any value: the prefix `field=`. person, ref, target
                       and type are one field each there: every name, id … that counts is a key, no empty value is
    words              match_phrase on `search` with "analyzer": "whodid_words", given `folding.tokens(word)` joined by
                       spaces (without that analyzer it would be the one for people, which is not exact)
    time               range on `@timestamp`; sort (`@timestamp`, `id`)

`keys`, `target_values` and `search` are made by whodid_schema/document.py: equality and words are decided there, in one
place for all stores, and never by an engine's own folding. In `_source` they stand behind the record, and
`document.body_of` cuts them off: what is left is the record as it was sent, byte by byte.
Every other keyword (`actor.key`, `action`, `outcome` …) is there as written, with doc values: for facets, statistics
and Dashboards; for the targets it is `target_values`. Lists of objects (`targets`, `changes`) and what has no fixed
form (`metadata`, `snapshot`) are stored and not indexed. Unknown fields are refused (`dynamic: strict`): an agent newer
than the store waits instead.
"""

import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin

import msgspec

from whodid_schema import SCHEMA_VERSION
from whodid_schema.document import KEYS, SEARCH, TARGETS
from whodid_schema.record import Record

LONGEST_KEYWORD = 8_191
"""UTF-16 units of a keyword that are indexed; a longer value is only stored. Four bytes each, and Lucene takes it.

Values of 1,000 characters can be asked for; longer ones are here so that they are counted among the others.
"""

Mapped = dict[str, Any]

_STORED: Mapped = {"type": "keyword", "index": False, "doc_values": False}
_LISTED: Mapped = {"type": "keyword", "index": False, "ignore_above": LONGEST_KEYWORD}
_OPAQUE: Mapped = {"type": "object", "enabled": False}
_TIME: Mapped = {"type": "date_nanos", "format": "strict_date_optional_time_nanos||epoch_millis"}
"""To the nanosecond also as text, which the default is not: upwards in time the cluster tells shards, as text, what it
has already, and those with nothing earlier answer nothing. Cut to milliseconds, that left out records (seen on 3.8).
"""

_SPECIAL: Mapping[str, Mapped] = {
    "@timestamp": _TIME,
    "received_at": _TIME,
    "client.ip": {"type": "ip", "ignore_malformed": True},
    "description": _STORED,
    "raw": _STORED,
    "targets": _OPAQUE,
    "changes": _OPAQUE,
    "snapshot": _OPAQUE,
    "meta": {"type": "keyword", "ignore_above": LONGEST_KEYWORD},
    "ingest.generation": _LISTED,
    "ingest.origin": _LISTED,
}
"""What is not mapped by its Python type alone. Times that events claim (`reported_time`) are any text: keywords."""

ECS: Mapping[str, str] = {
    "event.action": "action",
    "event.outcome": "outcome",
    "event.reason": "reason",
    "event.created": "received_at",
    "event.id": "id",
    "event.dataset": "surface",
    "service.name": "app",
    "user.id": "actor.id",
    "user.name": "actor.name",
    "user.email": "actor.email",
    "user.roles": "actor.role",
    "source.ip": "client.ip",
    "user_agent.original": "client.user_agent",
    "organization.id": "workspace.id",
    "organization.name": "workspace.name",
    "http.request.id": "request_id",
}
"""Elastic Common Schema's name → where the record has it; an `alias` field each."""


def mapping() -> Mapped:
    """The mapping of every index of whodid's; `_meta.whodid` marks it as one, with the record's version."""
    return {
        "dynamic": "strict",
        "_meta": {"whodid": SCHEMA_VERSION},
        "properties": {
            **_properties(Record, ""),
            KEYS: {"type": "keyword", "ignore_above": LONGEST_KEYWORD, "doc_values": False},
            TARGETS: {"type": "keyword", "ignore_above": LONGEST_KEYWORD},
            SEARCH: {
                "type": "text",
                "analyzer": "whodid_words",
                "search_analyzer": "whodid_search",
                "norms": False,
            },
            **_aliases(),
        },
    }


def _properties(struct: type[msgspec.Struct], prefix: str) -> Mapped:
    found: Mapped = {}
    for field in msgspec.structs.fields(struct):
        path = f"{prefix}{field.encode_name}"
        found[field.encode_name] = dict(_SPECIAL[path]) if path in _SPECIAL else _by_type(_present(field.type), path)
    return found


def _by_type(kind: Any, path: str) -> Mapped:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {"properties": _properties(kind, f"{path}.")}
    if kind is bool:
        return {"type": "boolean"}
    if kind is int:
        return {"type": "long"}
    if kind is str or get_args(kind) == (str,):
        return {"type": "keyword", "ignore_above": LONGEST_KEYWORD}
    if get_origin(kind) is dict:
        return dict(_OPAQUE)
    raise TypeError(f"{path}: nobody has said how {kind} is indexed")


def _present(kind: Any) -> Any:
    """The type of a value that is there: `X` of `X | None`."""
    if get_origin(kind) in (Union, types.UnionType):
        (kind,) = [option for option in get_args(kind) if option is not types.NoneType]
    return kind


def _aliases() -> Mapped:
    """ECS's names as fields, objects where they are dotted."""
    found: Mapped = {}
    for name, path in ECS.items():
        *parents, last = name.split(".")
        level = found
        for parent in parents:
            level = level.setdefault(parent, {"properties": {}})["properties"]
        level[last] = {"type": "alias", "path": path}
    return found
