"""The page of one event: what it says, what stands around it, and its neighbours in the active query."""

from datetime import UTC, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from whodid_dashboards.viewer import times
from whodid_dashboards.viewer.detail import changes, origin, pretty, sections
from whodid_dashboards.viewer.links import Links
from whodid_dashboards.viewer.listing import common
from whodid_dashboards.viewer.question import Question, range_of
from whodid_dashboards.viewer.rows import Row, outcome_of, row_of, rows_of
from whodid_indexer.api.problem import NotFound
from whodid_indexer.export.columns import actor_label
from whodid_indexer.query.around import HOW, Neighbours, SignIn, around
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.store.base import Key, Page, Reader
from whodid_schema.meta import Meta
from whodid_schema.record import Record, decode
from whodid_schema.timestamp import to_micros

_TITLES = {
    "time": "Around this event",
    "actor": "Same actor",
    "ip": "Same address",
    "target": "Same resource",
    "session": "Same session",
    "request": "Same request",
}
_SPANS = (1, 5, 30)
"""Minutes to either side."""

_RAW = 1_000_000
"""Characters of the original that a page shows."""


class Surroundings(Struct, frozen=True):
    """Events that share something with this one: the nearest, and the links to all of them."""

    title: str
    reach: str
    total: int
    before: tuple[Row, ...]
    after: tuple[Row, ...]
    links: tuple[tuple[str, str], ...]


def event_page(reader: Reader, question: Question, identifier: str) -> dict[str, Any]:
    """The values of `event.html`. Raises NotFound where there is no such record, or none that may be seen."""
    body = reader.get(identifier.strip().lower())
    if body is None:
        raise NotFound("there is no such event", "it may have been deleted at the end of its retention")
    record = decode(body)
    place = Key(to_micros(record.timestamp or ""), record.id or "")
    found = around(reader, record)
    shown = common(question)
    links: Links = shown["links"]
    raw = record.raw or ""
    return shown | {
        "title": record.description or record.action or record.id or "",
        "row": row_of(record, links, question.zone),
        "outcome": outcome_of(record),
        "reason": record.reason or "",
        "sections": sections(record, links),
        "changes": changes(record, links),
        "before": pretty(record.snapshot.before if record.snapshot else None),
        "after": pretty(record.snapshot.after if record.snapshot else None),
        "metadata": pretty(record.metadata),
        "origin": origin(record),
        "raw": raw[:_RAW],
        "raw_length": len(raw),
        "raw_masked": bool(record.raw_redacted),
        "newer": _neighbour(reader, question, links, place, ascending=True),
        "older": _neighbour(reader, question, links, place, ascending=False),
        "surroundings": [_surroundings(one, place, links) for one in found.neighbours],
        "unasked": [_TITLES[relation] for relation in found.unasked],
        "signed": _signed(record, found.sign_in, links),
        "kept": _kept(reader.meta(), record),
        "json_href": f"/api/v1/events/{record.id}",
    }


def _neighbour(reader: Reader, question: Question, links: Links, place: Key, *, ascending: bool) -> str | None:
    """The address of the next event of the query in one direction."""
    page = Page(limit=1, after=place, ascending=ascending, counted=False)
    bodies = reader.search(question.query, page).records
    return links.event(decode(bodies[0]).id or "") if bodies else None


def _surroundings(one: Neighbours, place: Key, links: Links) -> Surroundings:
    timeless = one.relation in ("session", "request")
    zone = links.question.zone
    return Surroundings(
        _TITLES[one.relation],
        "all time" if timeless else "±5 min",
        one.total,
        tuple(rows_of(list(one.before), links, zone))[::-1],
        tuple(rows_of(list(one.after), links, zone)),
        (("all of them", _to(links, one.query)),)
        if timeless
        else tuple((f"±{minutes} min", _to(links, _near(one.query, place, minutes))) for minutes in _SPANS),
    )


def _near(query: AuditQuery, place: Key, minutes: int) -> AuditQuery:
    width = timedelta(minutes=minutes) // timedelta(microseconds=1)
    return replace(query, since=place.micros - width, until=place.micros + width + 1)


def _to(links: Links, query: AuditQuery) -> str:
    return links.to(query, ranged=range_of(query))


def _signed(record: Record, signed: SignIn | None, links: Links) -> dict[str, Any]:
    """Was this person signed in, from where, when this was done?"""
    who = actor_label(record) or "nobody named"
    if signed is None:
        return {"answer": "not known", "text": f"no sign-in of {who} before this is recorded", "rows": []}
    how = "this is the sign-in" if signed.how == "itself" else f"found by {HOW[signed.how]}"
    zone = links.question.zone
    steps = (("signed in", signed.sign_in), ("signed out", signed.ended), ("signed out", signed.sign_out))
    rows = [(word, _step(decode(body), links)) for word, body in steps if body is not None]
    if signed.ended is not None:
        out = times.moment(to_micros(decode(signed.ended).timestamp or ""), zone)
        return {"answer": "no", "text": f"{who} had signed out at {out} ({how})", "rows": rows}
    return {"answer": "yes", "text": f"{who}, {how}", "rows": rows}


def _step(record: Record, links: Links) -> tuple[Row, str]:
    client = record.client
    where = [part for part in (client.ip, client.device) if part] if client is not None else []
    return row_of(record, links, links.question.zone), ", ".join(where)


def _kept(meta: Meta, record: Record) -> str:
    """How long the record is kept, by the rules of its surface."""
    one = meta.classes.get(record.surface or "")
    if one is None or one.days is None:
        return "for ever"
    due = to_micros(record.timestamp or "") + one.days * 86_400_000_000
    held = ", and longer where a legal hold covers it" if meta.hold else ""
    return f"{one.days:,} days, at least until {times.moment(due, UTC)[:10]}{held}"
