"""Whether a query makes sense: every field known, every value one that its field can have.

A bad query is never an empty answer: what cannot match anything is refused, with what would.
"""

import difflib
import re
from collections.abc import Iterable
from ipaddress import ip_network

from whodid_indexer.query.model import AuditQuery, Group, Member, Term, Text
from whodid_schema.errors import BadQuery
from whodid_schema.fields import ALIASES, FIELDS, META_PREFIX, Field
from whodid_schema.folding import shadow, tokens

SHORTEST_PREFIX = 2
"""Characters in front of the `*` of a word: a shorter prefix stands for half the vocabulary."""

LONGEST_VALUE = 1_000
MOST_WILDCARDS = 4
"""In one value: each further one multiplies the work on long values."""

MOST_TERMS = 50
"""Terms and texts, those in groups counted."""

MOST_WORDS = 500
"""In all texts of a query: each is a walk through all records that have it. A text that is typed has no more."""

MOST_VALUES = 200
DEEPEST = 10
"""Levels of groups within groups."""

FIRST_MOMENT = -62_135_596_800_000_000
"""The beginning of the year 1, in microseconds since 1970; times are between it and the end of the year 9999."""

LAST_MOMENT = 253_402_300_799_999_999

_alone = re.compile("[\ud800-\udfff]")
"""Half a character: no store has it, no answer can be sent with it."""


def field_of(name: str) -> Field:
    """The field a query name, flag name or alias means. Raises BadQuery that names the nearest one."""
    field = FIELDS.get(ALIASES.get(name, name)) or FIELDS.get(name.replace("-", "."))
    if field is not None:
        return field
    near = difflib.get_close_matches(name[:40].lower(), [*FIELDS, *ALIASES], n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(FIELDS)} and {META_PREFIX}<path>"
    suggestion = near[0] if near else ""
    raise BadQuery(f"there is no field {name[:40]!r}", hint, length=len(name), suggestion=suggestion)


def check_query(query: AuditQuery) -> None:
    """Raises BadQuery for what no record could ever match because it was mistyped, and for what is too much."""
    _check_times(query)
    _check_size((*query.terms, *query.texts, *query.groups))
    for term in query.terms:
        check_term(term)
    for text in query.texts:
        check_text(text)
    for group in query.groups:
        _check_group(group)


def _check_times(query: AuditQuery) -> None:
    for moment in (query.since, query.until):
        if moment is not None and not FIRST_MOMENT <= moment <= LAST_MOMENT:
            raise BadQuery(f"the time {moment} is beyond all calendars", "times are microseconds since 1970")
    if query.since is not None and query.until is not None and query.since >= query.until:
        raise BadQuery("the time range is empty: its end is not behind its beginning", "turn since and until round")


def _check_size(members: Iterable[Member]) -> None:
    """Depth and number, level by level: nothing recurses before both are known to be small."""
    leaves, words, level, depth = 0, 0, list(members), 0
    while level:
        groups = [member for member in level if isinstance(member, Group)]
        leaves += len(level) - len(groups)
        words += sum(len(member.words.split()) for member in level if isinstance(member, Text))
        if words > MOST_WORDS:
            raise BadQuery(f"the query has more than {MOST_WORDS} words", "ask for less at once")
        if leaves > MOST_TERMS or len(groups) > MOST_TERMS:
            raise BadQuery(f"the query has more than {MOST_TERMS} terms", "ask for less at once")
        depth += bool(groups)
        if depth > DEEPEST:
            raise BadQuery(f"the query is nested more than {DEEPEST} levels deep", "take parentheses away")
        if not all(group.members for group in groups):
            raise BadQuery("a group asks for nothing", "leave empty parentheses out")
        level = [member for group in groups for member in group.members]


def _check_group(group: Group) -> None:
    for member in group.members:
        if isinstance(member, Group):
            _check_group(member)
        elif isinstance(member, Term):
            check_term(member)
        else:
            check_text(member)


def check_term(term: Term) -> None:
    """Raises BadQuery for an unknown field, or a value that its field cannot have."""
    if not term.values:
        raise BadQuery(f"{term.field}: there is no value", f"{term.field}:* asks for any value")
    if len(term.values) > MOST_VALUES:
        raise BadQuery(f"{term.field} has more than {MOST_VALUES} values", "ask for less at once")
    for value in term.values:
        check_value(term.field, value)


def check_value(name: str, value: str) -> None:
    """Raises BadQuery for an unknown field, or a value that it cannot have; marks all of the value."""
    field = None if name.startswith(META_PREFIX) else field_of(name)
    shown = name if field is None else field.name
    if name == META_PREFIX:
        raise BadQuery("meta. needs a path", "like meta.plan.name", length=len(value))
    if len(name) > LONGEST_VALUE or _alone.search(name):
        raise BadQuery(f"{name[:40]!r} … is no path in any metadata", length=len(value))
    if not value:
        raise BadQuery(f"{shown}: the value is empty", f"{shown}:* asks for any value")
    if len(value) > LONGEST_VALUE:
        raise BadQuery(f"{shown}: the value is longer than {LONGEST_VALUE} characters", length=len(value))
    if value.count("*") > MOST_WILDCARDS:
        raise BadQuery(
            f"{shown}: the value has more than {MOST_WILDCARDS} wildcards", "say more of it", length=len(value)
        )
    _check_characters(value)
    if field is not None and value != "*":
        _check_kind(field, value)


def _check_characters(text: str) -> None:
    if found := _alone.search(text):
        hint = "look for what stands around it"
        raise BadQuery(f"{text[:40]!r} has half a character in it", hint, found.start(), 1)


def _check_kind(field: Field, value: str) -> None:
    if field.match == "closed" and shadow(value) not in field.values:
        near = difflib.get_close_matches(shadow(value)[:40], field.values, n=1)
        hint = (f"did you mean {near[0]}? " if near else "") + f"It can be {', '.join(field.values)}"
        suggestion = near[0] if near else ""
        raise BadQuery(f"{field.name} is never {value[:40]!r}", hint, length=len(value), suggestion=suggestion)
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
    if len(text.words) > LONGEST_VALUE:
        raise BadQuery(f"the text is longer than {LONGEST_VALUE} characters", length=len(text.words))
    _check_characters(text.words)
    if not tokens(text.words):
        raise BadQuery(
            f"there is no word in {text.words[:40]!r}", "words are letters and digits", length=len(text.words)
        )
    for word in [text.words] if text.phrase else text.words.split():
        pieces = tokens(word)
        if word.endswith("*") and pieces and len(pieces[-1]) < SHORTEST_PREFIX:
            hint = f"give at least {SHORTEST_PREFIX} characters in front of the *"
            raise BadQuery(f"the prefix {word[:40]!r} is too short", hint, length=len(word))
