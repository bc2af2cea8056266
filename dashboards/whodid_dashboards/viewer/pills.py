"""The active filters one by one, each with the link that takes away exactly itself."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from whodid_dashboards.viewer.contents import parts, without
from whodid_dashboards.viewer.links import Links
from whodid_indexer.query.model import AuditQuery, Member, Term
from whodid_indexer.query.normal import conjunction
from whodid_indexer.query.printer import to_text

HEADINGS: Mapping[str, str] = {
    "actor.key": "actor",
    "actor.type": "actor type",
    "ip": "IP",
    "type": "resource type",
    "target": "resource",
    "id": "id",
}
"""What fields and axes are called where their query name says too little."""


class Pill(Struct, frozen=True):
    """What is asked for (`name` is empty for words), whether it is left out, and the address without it."""

    name: str
    value: str
    negated: bool
    href: str


def heading(field: str) -> str:
    """A field's or axis' name for people."""
    return HEADINGS.get(field, field.replace("_", " "))


def pills(links: Links, labels: Mapping[tuple[str, str], str]) -> list[Pill]:
    """The pills of the query; `labels` names values of fields for people."""
    asked = links.question.asked
    return [pill for member in parts(asked) for pill in _of_member(member, asked, links, labels)]


def said(member: Member) -> str:
    """A member as text of the query language."""
    return to_text(conjunction([member]))


def _of_member(
    member: Member, asked: AuditQuery, links: Links, labels: Mapping[tuple[str, str], str]
) -> Iterator[Pill]:
    if not isinstance(member, Term):
        plain = replace(member, negated=False)
        yield Pill("", said(plain), member.negated, links.to(without(asked, member)))
        return
    for value in member.values:
        left = tuple(one for one in member.values if one != value)
        rest = _exchanged(asked, member, replace(member, values=left)) if left else without(asked, member)
        label = labels.get((member.field, value), value)
        yield Pill(heading(member.field), label, member.negated, links.to(rest))


def _exchanged(asked: AuditQuery, old: Term, new: Term) -> AuditQuery:
    terms: Sequence[Term] = [new if term is old else term for term in asked.terms]
    return replace(asked, terms=tuple(terms))
