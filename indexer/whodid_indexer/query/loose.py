"""What a query may have meant that finds nothing: values of fields are compared as a whole, words stand anywhere."""

from msgspec.structs import replace

from whodid_indexer.query.model import AuditQuery, Group, Text
from whodid_schema.fields import FIELDS

_FREE = ("text", "person", "ref", "target", "paths")
"""How fields are matched whose values people type as they remember them."""


def as_words(query: AuditQuery) -> AuditQuery:
    """The query with each such value looked for as words, wherever in the record they stand; itself where it has none.

    Values with a wildcard, and what is left out, stay as they are.
    """
    loose = [term for term in query.terms if term.field in FIELDS and FIELDS[term.field].match in _FREE]
    loose = [term for term in loose if not term.negated and not any("*" in value for value in term.values)]
    either = [Group(tuple(map(Text, term.values)), any=True) for term in loose if len(term.values) > 1]
    words = [Text(term.values[0]) for term in loose if len(term.values) == 1]
    others = tuple(term for term in query.terms if term not in loose)
    return replace(query, terms=others, texts=(*query.texts, *words), groups=(*query.groups, *either))
