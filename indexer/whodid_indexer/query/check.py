"""Whether a query makes sense: every field known, every value one that its field can have.

A bad query is never an empty answer: what cannot match anything is refused, with what would.
"""

import difflib
from ipaddress import ip_network

from whodid_indexer.query.model import AuditQuery, Term, Text
from whodid_schema.errors import BadQuery
from whodid_schema.fields import ALIASES, FIELDS, META_PREFIX, Field
from whodid_schema.folding import shadow, tokens

SHORTEST_PREFIX = 2
"""Characters in front of the `*` of a word: a shorter prefix stands for half the vocabulary."""

LONGEST_VALUE = 1_000
MOST_WILDCARDS = 4
"""In one value: each further one multiplies the work on long values."""

MOST_TERMS = 50
MOST_VALUES = 200


def field_of(name: str) -> Field:
    """The field a query name or alias means. Raises BadQuery that names the nearest one."""
    field = FIELDS.get(ALIASES.get(name, name))
    if field is not None:
        return field
    near = difflib.get_close_matches(name, [*FIELDS, *ALIASES], n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(FIELDS)} and {META_PREFIX}<path>"
    raise BadQuery(f"there is no field {name[:40]!r}", hint, length=len(name))


def check_query(query: AuditQuery) -> None:
    """Raises BadQuery for what no record could ever match because it was mistyped."""
    if len(query.terms) + len(query.texts) > MOST_TERMS:
        raise BadQuery(f"the query has more than {MOST_TERMS} terms", "ask for less at once")
    if query.since is not None and query.until is not None and query.since >= query.until:
        raise BadQuery("the time range is empty: its end is not behind its beginning", "turn since and until round")
    for term in query.terms:
        check_term(term)
    for text in query.texts:
        check_text(text)


def check_term(term: Term) -> None:
    """Raises BadQuery for an unknown field, or a value that its field cannot have."""
    if len(term.values) > MOST_VALUES:
        raise BadQuery(f"{term.field} has more than {MOST_VALUES} values", "ask for less at once")
    for value in term.values:
        if not value:
            raise BadQuery(f"{term.field}: the value is empty", f"{term.field}:* asks for any value")
        if len(value) > LONGEST_VALUE:
            raise BadQuery(f"{term.field}: the value is longer than {LONGEST_VALUE} characters")
        if value.count("*") > MOST_WILDCARDS:
            raise BadQuery(f"{term.field}: the value has more than {MOST_WILDCARDS} wildcards", "say more of it")
    if term.field.startswith(META_PREFIX):
        if term.field == META_PREFIX:
            raise BadQuery("meta. needs a path", "like meta.plan.name")
        return
    field = field_of(term.field)
    for value in term.values:
        if value != "*":
            _check_value(field, value)


def _check_value(field: Field, value: str) -> None:
    if field.match == "closed" and shadow(value) not in field.values:
        near = difflib.get_close_matches(shadow(value), field.values, n=1)
        hint = (f"did you mean {near[0]}? " if near else "") + f"It can be {', '.join(field.values)}"
        raise BadQuery(f"{field.name} is never {value[:40]!r}", hint, length=len(value))
    if field.match == "exact" and "*" in value:
        raise BadQuery(
            f"{field.name} takes no wildcard", "give the whole value, or a lone * for any", length=len(value)
        )
    if field.match == "ip":
        try:
            ip_network(value, strict=False)
        except ValueError as error:
            hint = "203.0.113.7, 2001:db8::1, or a network: 203.0.113.0/24"
            raise BadQuery(f"{value[:60]!r} is not an address", hint, length=len(value)) from error


def check_text(text: Text) -> None:
    """Raises BadQuery where there is no word to look for, or a prefix is too short to be looked for."""
    if not tokens(text.words):
        raise BadQuery(
            f"there is no word in {text.words[:40]!r}", "words are letters and digits", length=len(text.words)
        )
    for word in [text.words] if text.phrase else text.words.split():
        pieces = tokens(word)
        if word.endswith("*") and pieces and len(pieces[-1]) < SHORTEST_PREFIX:
            hint = f"give at least {SHORTEST_PREFIX} characters in front of the *"
            raise BadQuery(f"the prefix {word[:40]!r} is too short", hint, length=len(word))
