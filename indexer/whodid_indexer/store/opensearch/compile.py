"""From an AuditQuery to OpenSearch's query language, meaning what query/model.py says.

Every condition is a filter, nothing is scored. Values are looked for among the keys that a document carries (see
`whodid_schema.document`), words among the tokens of its text (see `mapping`). What people typed reaches OpenSearch as
values of JSON fields that take values, never as a query language.
"""

from collections.abc import Iterable, Sequence
from ipaddress import ip_network
from typing import Any

from whodid_indexer.query.check import check_query, check_term, field_of
from whodid_indexer.query.identity import split
from whodid_indexer.query.model import AuditQuery, Group, Term, Text
from whodid_schema.document import EXACT, KEYS, SEARCH, key
from whodid_schema.errors import BadQuery
from whodid_schema.fields import META_PREFIX
from whodid_schema.folding import shadow, tokens
from whodid_schema.timestamp import from_micros

Clause = dict[str, Any]

NOTHING: Clause = {"match_none": {}}
EVERYTHING: Clause = {"match_all": {}}

META = "meta"
ADDRESS = "client.ip"
TIME = "@timestamp"

AS_WRITTEN = frozenset({"actor.key", "workspace.id", "project.id"})
"""Fields that are keywords of the mapping by the same name; nothing among the keys says them."""

_ADDRESSES = ("actor.email", "actor.id", "actor.on_behalf_of.email", "actor.on_behalf_of.id")
"""Where an e-mail address says who somebody is."""

LONGEST_WORD = 255
"""Characters of a word that are stored and looked for; `prefix` asks the index itself, past its analyzer."""

_EVERY_WORD = 2**31 - 1
"""A prefix at the end of a phrase stands for all words that begin so, as a lone one does; the default is 50 of them."""

_BEYOND = 2**63 // 1_000
"""Microseconds from 1970 to April 2262, which is what `date_nanos` reaches."""


def compile_query(query: AuditQuery) -> Clause:
    """The query clause. Raises BadQuery for an unknown field, a wrong address, an empty time range."""
    check_query(query)
    wanted: list[Clause] = times(query.since, query.until)
    unwanted: list[Clause] = []
    for term in query.terms:
        (unwanted if term.negated else wanted).append(_term(term))
    for text in query.texts:
        (unwanted if text.negated else wanted).append(_text(text))
    wanted += [_group(group, not_so=False) for group in query.groups]
    if not wanted and not unwanted:
        return EVERYTHING
    return {"bool": {"filter": wanted, "must_not": unwanted}}


def compile_term(term: Term) -> Clause:
    """What a query with this term alone finds. Raises BadQuery as `compile_query` does."""
    check_term(term)
    return {"bool": {"must_not": [_term(term)]}} if term.negated else _term(term)


def containing(place: str, before: str, text: str) -> Clause:
    """A keyword of the place in which the text stands somewhere behind `before`; `text` is folded as the values are."""
    return {"wildcard": {place: {"value": f"{_literally(before)}*{_literally(text)}*"}}}


def _one(member: Term | Text) -> Clause:
    """What the term or text says, were it not negated."""
    return _term(member) if isinstance(member, Term) else _text(member)


def _group(group: Group, *, not_so: bool) -> Clause:
    """The group, or with `not_so` its complement, as one clause a level: negation goes down to the terms (De Morgan).

    A cluster takes no more than twenty levels of clauses.
    """
    denied = group.negated != not_so
    members = [_member(member, not_so=denied) for member in group.members]
    if group.any != denied:
        return _either(members)
    return {"bool": {"filter": members}} if members else EVERYTHING


def _member(member: Term | Text | Group, *, not_so: bool) -> Clause:
    if isinstance(member, Group):
        return _group(member, not_so=not_so)
    return {"bool": {"must_not": [_one(member)]}} if member.negated != not_so else _one(member)


def times(since: int | None, until: int | None) -> list[Clause]:
    """The time range, cut to what the field can hold: OpenSearch refuses a bound beyond it."""
    bounds: dict[str, str] = {}
    if since is not None and since > 0:
        if since >= _BEYOND:
            return [NOTHING]
        bounds["gte"] = from_micros(since)
    if until is not None and until < _BEYOND:
        if until <= 0:
            return [NOTHING]
        bounds["lt"] = from_micros(until)
    return [{"range": {TIME: bounds}}] if bounds else []


def _term(term: Term) -> Clause:
    if term.field.startswith(META_PREFIX):
        before = shadow(term.field.removeprefix(META_PREFIX)) + "="
        return _any_of(META, before, [shadow(value) for value in term.values])
    name = field_of(term.field).name
    if name == "id":
        return EVERYTHING if "*" in term.values else {"ids": {"values": list(term.values)}}
    if name == "ip":
        return _either([_network(value) for value in term.values])
    if name in AS_WRITTEN:
        return _any_of(name, "", term.values)
    if name == "actor":
        return _actors(term.values)
    return _keyed(name, term.values)


def _actors(values: Sequence[str]) -> Clause:
    """Anything that somebody is called; of an identity the fields that say who it is, by themselves."""
    me, called = split(values)
    clauses = [_keyed("actor", called)] if called else []
    if me.keys:
        clauses.append({"terms": {"actor.key": list(me.keys)}})
    clauses += [
        {"term": {place: {"value": email, "case_insensitive": True}}} for email in me.emails for place in _ADDRESSES
    ]
    return _either(clauses)


def _keyed(name: str, values: Sequence[str]) -> Clause:
    """Any of the values among the keys of a document."""
    before = key(name, "")
    return _any_of(KEYS, before, [value if name in EXACT else shadow(value) for value in values])


def _any_of(place: str, before: str, values: Iterable[str]) -> Clause:
    """A keyword of the place that is `before` with any of the values behind it; wildcards are in the values alone."""
    exact: list[str] = []
    patterns: list[Clause] = []
    for value in values:
        if "*" not in value:
            exact.append(before + value)
        elif value.index("*") == len(value) - 1:
            patterns.append({"prefix": {place: {"value": before + value[:-1]}}})
        else:
            pattern = _literally(before) + "*".join(map(_literally, value.split("*")))
            patterns.append({"wildcard": {place: {"value": pattern}}})
    return _either([{"terms": {place: exact}}, *patterns] if exact else patterns)


def _literally(text: str) -> str:
    """The text with what a wildcard pattern would read as more than itself escaped."""
    return text.replace("\\", "\\\\").replace("?", "\\?").replace("*", "\\*")


def _either(clauses: Sequence[Clause]) -> Clause:
    if len(clauses) == 1:
        return clauses[0]
    return {"bool": {"should": clauses, "minimum_should_match": 1}} if clauses else NOTHING


def _network(value: str) -> Clause:
    """The network as a range: as a prefix, OpenSearch does not read an IPv4 network in IPv6's form."""
    if value == "*":
        return {"exists": {"field": ADDRESS}}
    try:
        network = ip_network(value, strict=False)
    except ValueError as error:
        hint = "203.0.113.7, 2001:db8::1 or a network: 203.0.113.0/24"
        raise BadQuery(f"{value!r} is not an address", hint) from error
    return {"range": {ADDRESS: {"gte": str(network[0]), "lte": str(network[-1])}}}


def _text(text: Text) -> Clause:
    """Words that all stand there; a word that the tokenizer cuts in pieces is a phrase; no word at all: nothing."""
    phrases = [text.words] if text.phrase else text.words.split()
    clauses = [_phrase(pieces, prefix=words.endswith("*")) for words in phrases if (pieces := tokens(words))]
    if len(clauses) == 1:
        return clauses[0]
    return {"bool": {"filter": clauses}} if clauses else NOTHING


def _phrase(pieces: list[str], *, prefix: bool) -> Clause:
    words = " ".join(pieces)
    analysed = {"query": words, "analyzer": "whodid_words"}
    if not prefix:
        return {"match_phrase": {SEARCH: analysed}}
    if len(pieces) == 1:
        return {"prefix": {SEARCH: {"value": words[:LONGEST_WORD]}}}
    return {"match_phrase_prefix": {SEARCH: {**analysed, "max_expansions": _EVERY_WORD}}}
