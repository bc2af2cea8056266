"""Whether one record matches a query, without a store: for what comes from the change feed.

It means what query/model.py says, by the same keys, pairs and words that the stores look among (whodid_schema.document,
whodid_schema.folding); a property test holds it to the oracle of the stores.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from ipaddress import ip_address, ip_network
from types import MappingProxyType

from whodid_indexer.query.check import check_query, field_of
from whodid_indexer.query.identity import same_case, split
from whodid_indexer.query.model import AuditQuery, Group, Term, Text
from whodid_indexer.query.wildcard import like
from whodid_schema.document import EXACT, LONGEST_VALUE, keys
from whodid_schema.fields import META_PREFIX
from whodid_schema.folding import search_text, shadow, tokens
from whodid_schema.record import Actor, Person, Record
from whodid_schema.timestamp import to_micros

_MAPPED = 0xFFFF << 32
"""::ffff:0:0/96, where IPv4 lies in IPv6."""


class _Seen:
    """A record as the stores see it; each side of it is made when a condition asks for it."""

    def __init__(self, record: Record) -> None:
        self.record = record

    @cached_property
    def keys(self) -> frozenset[str]:
        """`field=value`, folded."""
        return frozenset(keys(self.record))

    @cached_property
    def words(self) -> str:
        """The words of its text, each between two line feeds."""
        return "\n".join(("", *tokens(search_text(self.record)), ""))

    @cached_property
    def address(self) -> int | None:
        """The client's address as a number of IPv6."""
        client = self.record.client
        return None if client is None or not client.ip else _number(client.ip)


Condition = Callable[[_Seen], bool]


def matcher(query: AuditQuery) -> Callable[[Record], bool]:
    """The test that a query is. Raises BadQuery for one that makes no sense."""
    check_query(query)
    members: tuple[Term | Text | Group, ...] = (*query.terms, *query.texts, *query.groups)
    conditions = [_condition(member) for member in members]
    since, until = query.since, query.until

    def matches(record: Record) -> bool:
        if since is not None or until is not None:
            moment = to_micros(record.timestamp or "")
            if (since is not None and moment < since) or (until is not None and moment >= until):
                return False
        seen = _Seen(record)
        return all(condition(seen) for condition in conditions)

    return matches


def _condition(member: Term | Text | Group) -> Condition:
    if isinstance(member, Group):
        holds = _group(member)
    elif isinstance(member, Term):
        holds = _term(member)
    else:
        holds = _text(member)
    return (lambda seen: not holds(seen)) if member.negated else holds


def _group(group: Group) -> Condition:
    members = [_condition(member) for member in group.members]
    if group.any:
        return lambda seen: any(member(seen) for member in members)
    return lambda seen: all(member(seen) for member in members)


def _term(term: Term) -> Condition:
    if term.field.startswith(META_PREFIX):
        pair = shadow(term.field.removeprefix(META_PREFIX)) + "="
        return _among(lambda seen: seen.record.meta or (), [pair + shadow(value) for value in term.values], len(pair))
    name = field_of(term.field).name
    if name == "id":
        return _id(term.values)
    if name == "ip":
        return _network(term.values)
    before = f"{name}="
    if name in _WRITTEN:
        return _as_written(_WRITTEN[name], term.values)
    if name == "actor":
        return _actors(term.values)
    folded = [value if name in EXACT else shadow(value) for value in term.values]
    return _among(lambda seen: seen.keys, [before + value for value in folded], len(before))


def _id(values: Sequence[str]) -> Condition:
    wanted = frozenset(values)
    return lambda seen: "*" in wanted or seen.record.id in wanted


def _actors(values: Sequence[str]) -> Condition:
    """Anything that somebody is called; of an identity what says who it is, by itself."""
    me, called = split(values)
    named = _among(lambda seen: seen.keys, [f"actor={shadow(value)}" for value in called], len("actor="))
    keys, addresses = frozenset(me.keys), frozenset(map(same_case, me.emails))

    def holds(seen: _Seen) -> bool:
        actor = seen.record.actor or Actor()
        person = actor.on_behalf_of or Person()
        known = (actor.email, actor.id, person.email, person.id)
        return (
            (bool(called) and named(seen))
            or actor.key in keys
            or (bool(addresses) and any(value and same_case(value) in addresses for value in known))
        )

    return holds


_WRITTEN: Mapping[str, Callable[[Record], str | None]] = MappingProxyType(
    {
        "actor.key": lambda record: record.actor.key if record.actor else None,
        "workspace.id": lambda record: record.workspace.id if record.workspace else None,
        "project.id": lambda record: record.project.id if record.project else None,
    }
)
"""Fields that are looked for as written in the record itself."""


def _as_written(value_of: Callable[[Record], str | None], values: Sequence[str]) -> Condition:
    wanted = frozenset(values)
    return lambda seen: bool(value := value_of(seen.record)) and ("*" in wanted or value in wanted)


def _among(keys_of: Callable[[_Seen], frozenset[str] | Sequence[str]], wanted: Sequence[str], before: int) -> Condition:
    """Whether one of the record's keys is wanted; `*` is a wildcard only behind the first `before` characters."""
    exact = frozenset(value for value in wanted if "*" not in value[before:])
    patterns = [(value[:before], value[before:].split("*")) for value in wanted if "*" in value[before:]]

    def holds(seen: _Seen) -> bool:
        there = keys_of(seen)
        if not exact.isdisjoint(there):
            return True
        return any(
            key.startswith(name) and len(key) > before and like(key[before : before + LONGEST_VALUE], pieces)
            for name, pieces in patterns
            for key in there
        )

    return holds


def _network(values: Sequence[str]) -> Condition:
    if "*" in values:
        return lambda seen: seen.address is not None
    networks = [ip_network(value, strict=False) for value in values]
    ranges = [(_number(str(network[0])), _number(str(network[-1]))) for network in networks]

    def holds(seen: _Seen) -> bool:
        address = seen.address
        return address is not None and any(
            low is not None and high is not None and low <= address <= high for low, high in ranges
        )

    return holds


def _number(text: str) -> int | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return int(address) + (_MAPPED if address.version == 4 else 0)


def _text(text: Text) -> Condition:
    phrases = [text.words] if text.phrase else text.words.split()
    wanted = [
        "\n".join(("", *pieces, *([] if phrase.endswith("*") else [""])))
        for phrase in phrases
        if (pieces := tokens(phrase))
    ]
    return lambda seen: bool(wanted) and all(words in seen.words for words in wanted)
