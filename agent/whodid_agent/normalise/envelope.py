"""Transports that wrap events of other formats: which keys they have, and where in them the events stand.

    {"detail-type": …, "source": …, "detail": {event}}            Amazon EventBridge
    {"logEvents": [{"message": "{event}"}], "messageType": …}     CloudWatch Logs, sent on by a subscription
    {"eventTypeVersion": …, "data": {"events": [{event}]}}        Okta event hooks
    {"records": [{"properties": {"log": "{event}"}}]}             Azure diagnostic settings (AKS), and each record alone
    {"sourcetype": …, "event": {event}}                           Splunk's HTTP Event Collector
    {"event_type": …, "event_data": "{event}"}                    Teleport's Athena tables
    {"type": …, "unstructured": {event}}                          Teleport's gRPC API, events without a schema
    {"audit_log": {event}}                                        Zendesk, one entry asked for by its id

An envelope is opened only where every event in it is of a known format. What stands beside is the transport's (when it
was sent, from where) and is left out, like the cursors beside a body of many events.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from whodid_agent.normalise.decode import decode_json

Event = dict[str, Any]
Knows = Callable[[Event], bool]
"""Whether an event is of a known format."""


class Envelope(NamedTuple):
    """`mark`: a key that few events have and every such envelope; None `beside`: it has no key but the mark."""

    mark: str
    beside: str | None
    way: tuple[str, ...]


class Wrapped(NamedTuple):
    """An event in its envelope: it stands in `holder[key]`, as an object or (`text`) as JSON in a text."""

    holder: Event
    key: str
    event: Event
    text: bool


EACH = "*"
"""In a way: every object of the array."""

ENVELOPES = (
    Envelope("detail-type", "source", ("detail",)),
    Envelope("logEvents", "messageType", ("logEvents", EACH, "message")),
    Envelope("eventTypeVersion", "data", ("data", "events", EACH)),
    Envelope("records", None, ("records", EACH, "properties", "log")),
    Envelope("properties", "category", ("properties", "log")),
    Envelope("sourcetype", "event", ("event",)),
    Envelope("event_data", "event_type", ("event_data",)),
    Envelope("unstructured", "type", ("unstructured",)),
    Envelope("audit_log", None, ("audit_log",)),
)
MARKS = frozenset(envelope.mark for envelope in ENVELOPES)
MOST = 10_000
"""An array of more is no envelope: nothing is sent that way at once."""


def unwrapped(value: Event, knows: Knows) -> list[Wrapped]:
    """The events that this value wraps, in their order; none where it is no envelope, or holds what nobody knows."""
    if MARKS.isdisjoint(value):
        return []
    for mark, beside, way in ENVELOPES:
        if mark in value and (len(value) == 1 if beside is None else beside in value):
            found: list[Wrapped] = []
            if _follow(value, way, found, knows) and found:
                return found
    return []


def items_of(value: Event, knows: Knows) -> list[bytes] | None:
    """The bytes of each event that this value wraps; None where it is itself one event."""
    return [msgspec.json.encode(one.event) for one in unwrapped(value, knows)] or None


def put_back(one: Wrapped) -> None:
    """The event, changed, in its envelope again."""
    one.holder[one.key] = msgspec.json.encode(one.event).decode() if one.text else one.event


def _follow(holder: Event, way: tuple[str, ...], found: list[Wrapped], knows: Knows) -> bool:
    """Add what stands at the end of the way; whether all of it is there, an object and known.

    The first that is not ends it: a thousand empty objects are no envelope.
    """
    key, *rest = way
    value = holder.get(key)
    if rest and rest[0] == EACH:
        if type(value) is not list or len(value) > MOST:
            return False
        if len(rest) == 1:
            # The array's own places are no keys of an object: each event is its own holder, and changed in place.
            found += [Wrapped({}, key, one, False) for one in value if type(one) is dict]
            return len(found) == len(value) and all(knows(one) for one in value)
        return all(type(one) is dict and _follow(one, tuple(rest[1:]), found, knows) for one in value)
    if rest:
        return type(value) is dict and _follow(value, tuple(rest), found, knows)
    event = _read(value) if isinstance(value, str) else value
    if type(event) is not dict or not knows(event):
        return False
    found.append(Wrapped(holder, key, event, event is not value))
    return True


def _read(text: str) -> Any:
    """The JSON in a text; None where it is none."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return decode_json(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
