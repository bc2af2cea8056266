"""A query as text of the query language, for people and for manifests."""

from collections.abc import Iterator

from whodid_indexer.query.model import AuditQuery, Group, Term, Text
from whodid_schema.timestamp import from_micros


def said(query: AuditQuery) -> str:
    """`actor:"Ana Ruiz" -verb:"read" "api key" since:"…"`; empty for everything of all time."""
    return " ".join(_pieces(query))


def _pieces(query: AuditQuery) -> Iterator[str]:
    members: tuple[Term | Text | Group, ...] = (*query.terms, *query.texts, *query.groups)
    yield from map(_member, members)
    for name, micros in (("since", query.since), ("until", query.until)):
        if micros is not None:
            yield f"{name}:{_quoted(from_micros(micros))}"


def _member(member: Term | Text | Group) -> str:
    minus = "-" if member.negated else ""
    if isinstance(member, Term):
        return f"{minus}{member.field}:{','.join(map(_value, member.values))}"
    if isinstance(member, Group):
        return f"{minus}({(' OR ' if member.any else ' ').join(map(_member, member.members))})"
    if member.phrase:
        return f"{minus}{_value(member.words)}"
    words = [word if word.isalnum() else _value(word) for word in member.words.split()]
    return f"{minus}({' '.join(words)})" if minus and len(words) > 1 else minus + " ".join(words)


def _value(value: str) -> str:
    if value.isascii() and value.replace("*", "").replace("_", "").replace(".", "").isalnum():
        return value
    if value.endswith("*"):
        return f"{_quoted(value[:-1])}*"
    return _quoted(value)


def _quoted(text: str) -> str:
    return '"{}"'.format(text.replace('"', '""'))
