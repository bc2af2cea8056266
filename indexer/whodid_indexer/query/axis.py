"""The axes that records are counted by, and what belongs to each: its field, its own terms, what can be asked for."""

import difflib
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from whodid_indexer.query.check import check_term
from whodid_indexer.query.model import AuditQuery, Term
from whodid_schema.canonical import value_of
from whodid_schema.document import EXACT
from whodid_schema.errors import BadQuery
from whodid_schema.fields import ALIASES, FIELDS, META_PREFIX
from whodid_schema.folding import shadow

AXES: Mapping[str, str] = MappingProxyType(
    {
        "actor": "actor.key",
        **{
            name: name
            for name in (
                *("surface", "kind", "category", "action", "verb", "outcome", "reason", "actor.type", "email", "role"),
                *("provider", "target", "type", "workspace", "project", "layer", "app", "ip", "device", "changed"),
            )
        },
    }
)
"""Axis → the field that a click on one of its values adds. `meta.<path>` is an axis too, of the field of its name."""

OWN: Mapping[str, frozenset[str]] = MappingProxyType({"actor": frozenset({"actor", "actor.key"})})
"""Fields whose top-level terms an axis does not count under, where they are not just the field of its own."""


COMMON = ("actor", "category", "verb", "type", "outcome", "ip", "workspace", "app")
"""The axes that are shown where none is named."""


def axis_named(name: str) -> str:
    """The axis that a name or an alias means. Raises BadQuery that names the nearest one."""
    known = ALIASES.get(name, name)
    if known in AXES or (known.startswith(META_PREFIX) and known != META_PREFIX):
        return known
    near = difflib.get_close_matches(name, AXES, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(AXES)} and {META_PREFIX}<path>"
    raise BadQuery(f"there is no axis {name[:40]!r}", hint, length=len(name))


def field_of_axis(name: str) -> str:
    """The query name of the field whose values the axis shows."""
    return AXES.get(name, name)


def own_fields(name: str) -> frozenset[str]:
    """The fields whose top-level terms the axis does not count under."""
    return OWN.get(name, frozenset({name}))


def without_own(query: AuditQuery, name: str) -> AuditQuery:
    """The query that the axis counts under."""
    own = own_fields(name)
    return msgspec.structs.replace(query, terms=tuple(term for term in query.terms if term.field not in own))


def selected_by(query: AuditQuery, name: str) -> tuple[str, ...]:
    """The values that the query's top-level terms ask for on the axis: shown whatever their count is."""
    axis = axis_named(name)
    field = field_of_axis(axis)
    return tuple(value for term in query.terms if term.field == field and not term.negated for value in term.values)


def askable(field: str, value: str) -> bool:
    """Whether `field:value` names this one value and nothing else; `value` is as it is compared."""
    if "*" in value or (field not in EXACT and shadow(value) != value):
        return False
    if field in FIELDS and value_of(FIELDS[field], value) != value:  # typed so, it means another one
        return False
    try:
        check_term(Term(field, (value,)))
    except BadQuery:
        return False
    return True
