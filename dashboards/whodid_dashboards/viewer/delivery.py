"""What became of the messages of each campaign: its records by verb, and down to each recipient.

A campaign is any target of a delivery record that is no recipient: a broadcast, a drip, whatever the product calls it.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from whodid_dashboards.viewer.links import Links
from whodid_dashboards.viewer.listing import common
from whodid_dashboards.viewer.pills import heading
from whodid_dashboards.viewer.question import Question
from whodid_dashboards.viewer.rows import cut
from whodid_indexer.query.counting import Axis, Facet, Value
from whodid_indexer.query.model import AuditQuery, Term
from whodid_indexer.query.normal import normal
from whodid_indexer.store.base import Page, Reader
from whodid_schema.errors import BadQuery
from whodid_schema.folding import shadow
from whodid_schema.record import decode

RECIPIENTS = ("recipient", "email", "message", "mail", "sms", "contact", "subscriber")
"""Types of targets that are whom a message goes to, or the message itself; all others are campaigns."""

VERBS = ("send", "deliver", "open", "click", "bounce", "complain", "unsubscribe")
"""In the order in which a message meets them."""

_PAST = {
    "send": "sent",
    "deliver": "delivered",
    "open": "opened",
    "click": "clicked",
    "bounce": "bounced",
    "complain": "complained",
    "unsubscribe": "unsubscribed",
}
_MOST_TYPES = 6
_MOST = 200
_NAMED = 50
"""Campaigns that are shown by their name: each is a question to the store."""

BUDGET_S = 2.0


class Line(Struct, frozen=True):
    """One value with its count, the links to it, and its length on a bar of 100."""

    label: str
    value: str
    count: int
    href: str
    share: str
    width: str
    inside: str = ""


class Part(Struct, frozen=True):
    """A heading with lines; `left` counts records with others."""

    title: str
    lines: tuple[Line, ...]
    complete: bool
    full: bool


def campaigns_page(reader: Reader, question: Question, *, anyway: bool) -> dict[str, Any]:
    """The values of `delivery.html`: every campaign that has delivery records."""
    around = common(question)
    links: Links = around["links"]
    asked = _with(question.asked, Term("surface", ("delivery",)))
    parts = []
    for kind, facet in _by_type(reader, question, asked, anyway=anyway, recipients=False):
        lines = [
            _campaign(reader, one, asked, links, named=place < _NAMED) for place, one in enumerate(_of(kind, facet))
        ]
        parts.append(Part(heading(kind), tuple(lines), facet.complete, len(facet.values) >= _MOST))
    total = reader.count(question.scoped(asked))
    return around | {
        "title": "Campaigns",
        "groups": parts,
        "total": total,
        "all": links.to(asked),
        "anyway": _anyway(links, ""),
    }


def campaign_page(reader: Reader, question: Question, ref: str, *, anyway: bool) -> dict[str, Any]:
    """The values of `campaign.html`: one campaign's messages by what became of them, and its recipients."""
    around = common(question)
    links: Links = around["links"]
    asked = _with(question.asked, Term("surface", ("delivery",)), Term("target", (ref,)))
    verbs = reader.facets(question.scoped(asked), [Axis("verb", len(VERBS) + 20)])[0]
    parts = []
    for kind, facet in _by_type(reader, question, asked, anyway=anyway, recipients=True):
        lines = _lines([one for one in _of(kind, facet) if one.value != shadow(ref)], "target", asked, links)
        parts.append(Part(heading(kind), tuple(lines), facet.complete, len(facet.values) >= _MOST))
    if not parts:
        actors = reader.facets(question.scoped(asked), [Axis("actor", _MOST)])[0]
        parts.append(
            Part("actor", tuple(_lines(actors.values, "actor.key", asked, links)), True, len(actors.values) >= _MOST)
        )
    total = reader.count(question.scoped(asked))
    wanted = next((term.values for term in question.asked.terms if term.field == "verb" and not term.negated), ())
    return around | {
        "title": cut(_name(reader, question, _without_verb(asked), ref) or ref),
        "ref": ref,
        "verbs": _verbs(verbs, asked, links, ref),
        "wanted": [_PAST.get(verb, verb) for verb in wanted],
        "everyone": _path(links, _without_verb(question.asked), ref),
        "groups": parts,
        "total": total,
        "all": links.to(asked),
        "campaigns": links.to(_without_verb(question.asked), path="/delivery"),
        "anyway": _anyway(links, ref),
    }


def _by_type(
    reader: Reader, question: Question, asked: AuditQuery, *, anyway: bool, recipients: bool
) -> list[tuple[str, Facet]]:
    """The targets of each type that is (or is not) one of recipients."""
    scoped = question.scoped(asked)
    types = reader.facets(scoped, [Axis("type", 50)])[0].values
    kinds = [one.value for one in types if (one.value in RECIPIENTS) is recipients][:_MOST_TYPES]
    facets = reader.facets(
        scoped, [Axis("target", _MOST, f"{kind}:") for kind in kinds], budget=None if anyway else BUDGET_S
    )
    return list(zip(kinds, facets, strict=True))


def _of(kind: str, facet: Facet) -> list[Value]:
    return [one for one in facet.values if one.value.startswith(f"{kind}:")]


def _campaign(reader: Reader, one: Value, asked: AuditQuery, links: Links, *, named: bool) -> Line:
    label = _name(reader, links.question, asked, one.value) if named else ""
    href, listed = _path(links, links.question.asked, one.value), _list(asked, "target", one.value, links)
    return Line(cut(label or one.label), one.value, one.count, href, "", "0", listed)


def _name(reader: Reader, question: Question, asked: AuditQuery, ref: str) -> str:
    """What the newest record that names a target calls it; empty where none does, or no query can ask."""
    newest = Page(limit=1, counted=False)
    try:
        found = reader.search(question.scoped(_with(asked, Term("target", (ref,)))), newest).records
    except BadQuery:
        return ""
    targets = decode(found[0]).targets or [] if found else []
    return next((one.name for one in targets if one.name and shadow(f"{one.type}:{one.id}") == shadow(ref)), "")


def _verbs(facet: Facet, asked: AuditQuery, links: Links, ref: str) -> list[Line]:
    """Each verb's records, as shares of what was sent, else delivered, else of all."""
    counts = {one.value: one.count for one in facet.values}
    base = counts.get("send") or counts.get("deliver") or sum(counts.values()) or 1
    order = [
        *(verb for verb in VERBS if counts.get(verb)),
        *(verb for verb in counts if verb not in VERBS and counts[verb]),
    ]
    bare = _without_verb(asked)
    return [
        Line(
            _PAST.get(verb, verb),
            verb,
            counts[verb],
            links.to(_with(bare, Term("verb", (verb,)))),
            f"{100 * counts[verb] / base:.1f} %",
            f"{min(100 * counts[verb] / base, 100):.2f}",
            _path(links, _with(_without_verb(links.question.asked), Term("verb", (verb,))), ref),
        )
        for verb in order
    ]


def _lines(values: Sequence[Value], field: str, asked: AuditQuery, links: Links) -> list[Line]:
    return [
        Line(cut(_short(one.label, field)), one.value, one.count, _list(asked, field, one.value, links), "", "0")
        for one in values
    ]


def _short(label: str, field: str) -> str:
    """A target's id without the type, which stands above the list."""
    return label.partition(":")[2] or label if field == "target" else label


def _list(asked: AuditQuery, field: str, value: str, links: Links) -> str:
    """The list of what is asked and has this value too."""
    try:
        return links.to(normal(replace(asked, terms=(*asked.terms, Term(field, (value,))))))
    except BadQuery:
        return links.to(asked)


def _with(asked: AuditQuery, *terms: Term) -> AuditQuery:
    """The query with these terms in the place of what it asks of their fields."""
    fields = {term.field for term in terms}
    return replace(asked, terms=(*(one for one in asked.terms if one.field not in fields), *terms))


def _without_verb(asked: AuditQuery) -> AuditQuery:
    return replace(asked, terms=tuple(one for one in asked.terms if one.field != "verb"))


def _path(links: Links, asked: AuditQuery, ref: str) -> str:
    return links.to(asked, path=f"/delivery/{quote(ref, safe='')}")


def _anyway(links: Links, ref: str) -> str:
    path = f"/delivery/{quote(ref, safe='')}" if ref else "/delivery"
    return links.to(links.question.asked, ("anyway", "1"), path=path)
