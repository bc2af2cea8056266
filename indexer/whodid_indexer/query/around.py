"""What stands around an event: near it in time, of the same actor, address, target, session, request; and the sign-in.

"Was this person signed in, from where, when this was done?" The sign-in is the last successful one before the event:
of the same session, else of the same actor from the same address, else of the same actor; how it was found is said. A
sign-out by the same token before the event says no; the one after it, before the next sign-in, says until when.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from whodid_indexer.query.check import check_query
from whodid_indexer.query.model import AuditQuery, Term
from whodid_indexer.query.own import without_own
from whodid_indexer.store.base import Key, Page, Reader
from whodid_schema.errors import BadQuery
from whodid_schema.record import Record, encode
from whodid_schema.taxonomy import OWN_SURFACE
from whodid_schema.timestamp import to_micros

Relation = Literal["time", "actor", "ip", "target", "session", "request"]

SPAN = timedelta(minutes=5)
"""To either side of the event, where nobody says."""

HOW = {
    "session": "the same session",
    "actor and ip": "the same actor from the same address",
    "actor": "the same actor",
}
"""In which way a sign-in can be known to be that of the event; the surest first."""


class Neighbours(Struct, frozen=True):
    """Events that share something with the event: `query` finds them all, and the event itself, which is in no list.

    `before` and `after` are the nearest, nearest first; `total` is how many there are. Those of a session or a request
    are of all time, the others of the span.
    """

    relation: Relation
    query: AuditQuery
    total: int
    before: tuple[bytes, ...]
    after: tuple[bytes, ...]


class SignIn(Struct, frozen=True):
    """The sign-in that the event happened under, and how it was found: a key of `HOW`, or `itself`.

    `ended` is a sign-out before the event: the actor was signed out. `sign_out` is the one after it.
    """

    how: str
    sign_in: bytes
    ended: bytes | None
    sign_out: bytes | None


_EVERY_SURFACE = Term("surface", ("*",))
"""Brings whodid's own events back: beside one of them they are what is looked for."""


class Around(Struct, frozen=True):
    """Everything around an event. `unasked` are relations whose value no query can name (it has a `*` in it)."""

    neighbours: tuple[Neighbours, ...]
    sign_in: SignIn | None
    unasked: tuple[Relation, ...] = ()


def around(reader: Reader, record: Record, span: timedelta = SPAN, nearest: int = 3) -> Around:
    """What the store has around this record: at most `nearest` events to either side of each relation."""
    place = Key(to_micros(record.timestamp or ""), record.id or "")
    found: list[Neighbours] = []
    unasked: list[Relation] = []
    for relation, terms in relations(record):
        query = AuditQuery(terms=(*terms, _EVERY_SURFACE) if record.surface == OWN_SURFACE else terms)
        if relation not in ("session", "request"):
            width = span // timedelta(microseconds=1)
            query = replace(query, since=place.micros - width, until=place.micros + width + 1)
        if not _can_ask(query):
            unasked.append(relation)
            continue
        counted = without_own(query)  # as whoever asks the query has it
        before = reader.search(counted, Page(limit=nearest, after=place))
        after = reader.search(counted, Page(limit=nearest, after=place, ascending=True, counted=False))
        records = tuple(before.records), tuple(after.records)
        found.append(Neighbours(relation, query, max(before.total - 1, 0), *records))
    return Around(tuple(found), sign_in(reader, record, place), tuple(unasked))


def relations(record: Record) -> Iterator[tuple[Relation, tuple[Term, ...]]]:
    """What the event can share with others, and the terms that say so."""
    yield "time", ()
    if actor := _actor(record):
        yield "actor", (actor,)
    if record.client is not None and record.client.ip:
        yield "ip", (Term("ip", (record.client.ip,)),)
    target = record.targets[0] if record.targets else record.target
    if target is not None and (target.id or target.name):
        name = f"{target.type}:{target.id}" if target.id and target.type else target.id or target.name or ""
        yield "target", (Term("target", (name,)),)
    if record.session_id:
        yield "session", (Term("session", (record.session_id,)),)
    if record.request_id:
        yield "request", (Term("request", (record.request_id,)),)


def sign_in(reader: Reader, record: Record, place: Key) -> SignIn | None:
    """The sign-in it happened under; None where there is none, or nothing to know it by."""
    for how, terms in _ways(record):
        mine = AuditQuery(terms=terms)
        if not _can_ask(mine):
            continue
        session = how == "session"
        if record.verb == "sign_in" and record.outcome == "success":
            return SignIn("itself", encode(record), None, _end(reader, mine, place, session=session))
        began = _nearest(reader, mine, "sign_in", place, ascending=False)
        if began is not None:
            ended = _between(reader, mine, began[1], place)
            return SignIn(how, began[0], ended, _end(reader, mine, place, session=session))
    return None


def _ways(record: Record) -> Iterator[tuple[str, tuple[Term, ...]]]:
    if record.session_id:
        yield "session", (Term("session", (record.session_id,)),)
    actor = _actor(record)
    if actor is not None:
        if record.client is not None and record.client.ip:
            yield "actor and ip", (actor, Term("ip", (record.client.ip,)))
        yield "actor", (actor,)


def _actor(record: Record) -> Term | None:
    """The actor alone, by its key; without one by what there is."""
    actor = record.actor
    if actor is None:
        return None
    if actor.key:
        return Term("actor.key", (actor.key,))
    name = actor.email or actor.id or actor.name
    return Term("actor", (name,)) if name else None


def _can_ask(query: AuditQuery) -> bool:
    """Whether the values mean themselves: what was recorded may be anything, a wildcard or too long a text too."""
    try:
        check_query(query)
    except BadQuery:
        return False
    return not any("*" in value for term in query.terms for value in term.values)


def _nearest(reader: Reader, mine: AuditQuery, verb: str, place: Key, *, ascending: bool) -> tuple[bytes, Key] | None:
    """The nearest event of this verb that did not fail before the place, or behind it, and where it stands."""
    from whodid_indexer.export.snapshot import place_of  # noqa: PLC0415  the matcher only where it is used

    succeeded = Term("outcome", ("success",)) if verb == "sign_in" else Term("outcome", ("failure",), negated=True)
    wanted = replace(mine, terms=(*mine.terms, Term("verb", (verb,)), succeeded))
    records = reader.search(wanted, Page(limit=1, after=place, ascending=ascending, counted=False)).records
    return (records[0], place_of(records[0])) if records else None


def _between(reader: Reader, mine: AuditQuery, began: Key, place: Key) -> bytes | None:
    """A sign-out behind the sign-in and before the event."""
    out = _nearest(reader, mine, "sign_out", place, ascending=False)
    return out[0] if out is not None and out[1] > began else None


def _end(reader: Reader, mine: AuditQuery, place: Key, *, session: bool) -> bytes | None:
    """The sign-out behind the event; a later sign-in has a sign-out of its own, unless it is the same session."""
    out = _nearest(reader, mine, "sign_out", place, ascending=True)
    if out is None or session:
        return None if out is None else out[0]
    following = _nearest(reader, mine, "sign_in", place, ascending=True)
    return out[0] if following is None or out[1] < following[1] else None
