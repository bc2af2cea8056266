r"""A stored record in the form that a consumer is sent: the record itself, a webhook's event, ECS, OCSF or CEF.

Every form is one line: what audit data could steer a receiver with is escaped, in JSON as `\uXXXX`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from whodid_indexer.export.lines import inert
from whodid_schema.cef import to_cef
from whodid_schema.ecs import to_ecs
from whodid_schema.ocsf import to_ocsf
from whodid_schema.record import Actor, Record, Target, decode
from whodid_schema.timestamp import to_micros

Form = Callable[[bytes], bytes]
"""From the record's JSON as it is stored to one line without a line feed."""

_LONGEST_NUMBER = 15


def to_event(record: Record) -> dict[str, Any]:
    """One of the `events` of a webhook's body; `timestamp` in whole seconds, `actor.id` a number where it is one.

    Of two changes of the same field the last is shown; values that were hidden are `[FILTERED]`, as in the record.
    """
    actor, target = record.actor or Actor(), record.target or Target()
    return {
        "event": record.action,
        "description": record.description,
        "actor": {"id": _number(actor.id), "type": actor.type, "name": actor.name or actor.email},
        "resource": {"id": target.id, "type": target.type, "name": target.name},
        "changes": {one.field: {"from": one.from_, "to": one.to} for one in record.changes or ()},
        "timestamp": to_micros(record.timestamp) // 1_000_000 if record.timestamp else None,
    }


def _number(text: str | None) -> int | str | None:
    """The product whose format this is numbers its actors; other products' ids stay as they are."""
    plain = text is not None and text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER
    return int(text) if plain and text is not None and str(int(text)) == text else text


def _json(convert: Callable[[Record], dict[str, Any]]) -> Callable[[Record], bytes]:
    return lambda record: msgspec.json.encode(convert(record))


CONVERTED: Mapping[str, Callable[[Record], bytes]] = MappingProxyType(
    {
        "m": _json(to_event),
        "ecs": _json(to_ecs),
        "ocsf": _json(to_ocsf),
        "cef": lambda record: to_cef(record).encode(),
    }
)
"""Name → what makes the line of a decoded record; JSON still has to be made inert. `json` is sent as it is stored."""


def form_of(name: str) -> Form:
    """The form of this name; decoding a record is left to those that need it."""
    if name == "json":
        return inert
    convert = CONVERTED[name]
    return (lambda body: convert(decode(body))) if name == "cef" else (lambda body: inert(convert(decode(body))))
