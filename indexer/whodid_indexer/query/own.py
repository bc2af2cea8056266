"""whodid's own events (surface `audit`) stay out of answers about applications unless they are asked for.

Whoever searches makes such an event; without this each search would find the searches before it. What is left out is a
term of the query like any other, so it is seen wherever the query is shown, and `surface:audit` brings it back.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from whodid_indexer.query.model import AuditQuery, Group, Member, Term
from whodid_schema.taxonomy import OWN_SURFACE

LEFT_OUT = Term("surface", (OWN_SURFACE,), negated=True)
"""What stands in a query that leaves them out."""

_NAMING = frozenset({"surface", "app", "id"})
"""Fields that say themselves whether whodid's own events are meant."""


def without_own(query: AuditQuery) -> AuditQuery:
    """The query without whodid's own events; as it is where it names surfaces, applications or ids it wants."""
    if _names(query.terms) or _names(query.groups):
        return query
    for place, term in enumerate(query.terms):
        if term.field == "surface":
            values = term.values if OWN_SURFACE in term.values else (*term.values, OWN_SURFACE)
            wider = replace(term, values=values)
            return replace(query, terms=(*query.terms[:place], wider, *query.terms[place + 1 :]))
    return replace(query, terms=(*query.terms, LEFT_OUT))


def _names(members: Iterable[Member]) -> bool:
    """Whether a member wants something of a field that tells; not what it leaves out."""
    for member in members:
        if isinstance(member, Group) and _names(member.members):
            return True
        if isinstance(member, Term) and not member.negated and member.field in _NAMING:
            return True
    return False
