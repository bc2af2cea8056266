"""What is known of a record by the numbers of its dictionaries' rows, as conditions on `event`."""

from collections.abc import Iterable, Sequence
from ipaddress import ip_network
from typing import NamedTuple

from whodid_indexer.query.identity import same_case, split
from whodid_indexer.query.model import Term
from whodid_indexer.store.sqlite.axes import folded, packed_ip
from whodid_indexer.store.sqlite.tokens import PRESENT
from whodid_schema.errors import BadQuery

Binding = int | str | bytes

_FOLDED = {
    **{name: ("combo", name) for name in ("app", "surface", "kind", "category", "action", "verb", "outcome", "layer")},
    "actor.type": ("actor", "type"),
    **{name: ("actor", name) for name in ("email", "role", "provider")},
    **{name: (name, "value") for name in ("device", "reason")},
}
"""Where the folded values of a field are: a dictionary and its column."""

_EXACT = {"actor.key": ("actor", "handle"), "workspace.id": ("ws", "exact"), "project.id": ("project", "exact")}
_REFS = {"workspace": "ws", "project": "project"}


class Sql(NamedTuple):
    """A piece of SQL with what is bound to it.

    Where it is about one of an event's numbers, `column` is its name and `numbers` a SELECT of those that are meant.
    """

    text: str
    bindings: tuple[Binding, ...] = ()
    column: str = ""
    numbers: str = ""


def about(field: str, term: Term) -> Sql | None:
    """What the term says, were it not negated; None for a field that no dictionary knows. Raises BadQuery."""
    if field in _FOLDED:
        table, column = _FOLDED[field]
        return _in_table(table, _any_text(column, term.values))
    if field in _EXACT:
        return _as_written(*_EXACT[field], term)
    if field in _REFS:
        return _refs(_REFS[field], term)
    if field == "type":
        return _types(term)
    return _addresses(term) if field == "ip" else None


def present(field: str) -> Sql:
    """Whether a record has any value for a field that only exact tokens know."""
    return _in_table("combo", Sql("present & ?", (PRESENT[field],)))


def _glob(pattern: str) -> str:
    return pattern.replace("[", "[[]").replace("?", "[?]")


def _in_table(table: str, where: Sql) -> Sql:
    """A condition on a dictionary's rows as one on events; rows without the value have number 0 and are never in it."""
    return _numbered(table, f"SELECT id FROM {table} WHERE {where.text}", where.bindings)  # noqa: S608  names are ours


def _numbered(column: str, numbers: str, bindings: tuple[Binding, ...] = ()) -> Sql:
    return Sql(f"e.{column} IN ({numbers})", bindings, column, numbers)


def about_people(term: Term) -> Sql:
    """The actors that `actor:` finds."""
    if "*" in term.values:
        return _numbered("actor", "SELECT actor FROM person")
    me, called = split(term.values)
    parts: list[Sql] = []
    if called:
        people = _any_text("value", called)
        parts.append(Sql(f"SELECT DISTINCT actor FROM person WHERE {people.text}", people.bindings))  # noqa: S608
    if me.keys:
        parts.append(Sql(f"SELECT id FROM actor WHERE handle IN ({_marks(me.keys)})", me.keys))  # noqa: S608
    if me.emails:
        parts.append(_addressed(me.emails))
    numbers = " UNION ".join(part.text for part in parts)
    return _numbered("actor", numbers, tuple(binding for part in parts for binding in part.bindings))


def _addressed(emails: Sequence[str]) -> Sql:
    """The actors that an e-mail address is: found by what they are called, and then looked at."""
    wanted = tuple(same_case(email) for email in emails)
    found = f"SELECT actor FROM person WHERE value IN ({_marks(wanted)})"  # noqa: S608  only bindings vary
    called = tuple(folded(email) or "" for email in emails)
    same = " OR ".join(f"lower(json_extract(json, '{path}')) IN ({_marks(wanted)})" for path in _ADDRESSES)
    return Sql(f"SELECT id FROM actor WHERE id IN ({found}) AND ({same})", called + wanted * len(_ADDRESSES))  # noqa: S608


_ADDRESSES = ("$.email", "$.id", "$.on_behalf_of.email", "$.on_behalf_of.id")
"""Where an e-mail address says who somebody is."""


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _any_text(column: str, values: Iterable[str]) -> Sql:
    """The folded column has any of the values; never NULL, so that NOT is right."""
    plain = [folded(value) or "" for value in values]
    exact: list[Binding] = [value for value in plain if "*" not in value]
    patterns = [_glob(value) for value in plain if "*" in value and value != "*"]
    parts = [f"{column} IN ({', '.join('?' * len(exact))})"]
    parts += [f"{column} GLOB ?"] * len(patterns)
    if "*" in plain:
        parts.append(f"{column} IS NOT NULL")
    return Sql(f"({' OR '.join(parts)}) IS TRUE", (*exact, *patterns))


def _as_written(table: str, column: str, term: Term) -> Sql:
    if "*" in term.values:
        return _in_table(table, Sql(f"{column} IS NOT NULL"))
    return _in_table(table, Sql(f"{column} IN ({', '.join('?' * len(term.values))})", term.values))


def _types(term: Term) -> Sql:
    any_of = _any_text("value", term.values)
    one = f"EXISTS (SELECT 1 FROM json_each(types) WHERE {any_of.text})"  # noqa: S608  only bindings vary
    return _in_table("combo", Sql(one, any_of.bindings))


def _refs(table: str, term: Term) -> Sql:
    ids, names = _any_text("ext", term.values), _any_text("name", term.values)
    return _in_table(table, Sql(f"{ids.text} OR {names.text}", ids.bindings + names.bindings))


def _addresses(term: Term) -> Sql:
    parts: list[str] = []
    bindings: list[Binding] = []
    for value in term.values:
        if value == "*":
            parts.append("TRUE")
            continue
        parts.append("key BETWEEN ? AND ?")
        bindings += _range(value)
    return _in_table("ip", Sql(" OR ".join(parts) or "FALSE", tuple(bindings)))


def _range(value: str) -> tuple[bytes, bytes]:
    """First and last address of a network, or of a single address."""
    try:
        network = ip_network(value, strict=False)
    except ValueError as error:
        raise BadQuery(
            f"{value!r} is not an address", "203.0.113.7, 2001:db8::1 or a network: 203.0.113.0/24"
        ) from error
    first, last = packed_ip(str(network[0])), packed_ip(str(network[-1]))
    if first is None or last is None:  # the library made both: they are addresses
        raise BadQuery(f"{value!r} is not an address")
    return first, last
