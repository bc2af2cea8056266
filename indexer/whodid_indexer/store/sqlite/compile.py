"""An AuditQuery as SQL: conditions on `event` (which `fx` covers) and one expression for `ft`.

    conditions   about time, the axes' numbers, and what must not be found in ft
    match        what must be found in ft: words in `t`, exact tokens in `x`; None where nothing must

Values are always bound; a word reaches FTS5 only as the tokens that FTS5 itself would make of it, in quotes. Which of
the two leads is `read`'s choice.
"""

from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_network
from typing import NamedTuple

import apsw

from whodid_indexer.query.check import check_query, field_of
from whodid_indexer.query.identity import same_case, split
from whodid_indexer.query.model import AuditQuery, Group, Member, Term, Text
from whodid_indexer.query.wildcard import like
from whodid_indexer.store.sqlite.axes import folded, packed_ip
from whodid_indexer.store.sqlite.entry import halves
from whodid_indexer.store.sqlite.tokens import LETTER, LONGEST, META, PRESENT, match_of_id, spell, unspell
from whodid_schema.errors import BadQuery
from whodid_schema.fields import ALIASES, META_PREFIX
from whodid_schema.folding import shadow, tokens

Binding = int | str | bytes

MOST_TOKENS = 2_000
"""A wildcard may stand for so many different values; one that stands for more is refused, not answered in part."""

_FEW_ACTORS = 64
"""Up to so many actors are looked up as tokens, which is quicker than walking; more are a condition."""

_COMBO_COLUMNS = {
    "app": "app",
    "surface": "surface",
    "kind": "kind",
    "category": "category",
    "action": "action",
    "verb": "verb",
    "outcome": "outcome",
    "layer": "layer",
}
_ACTOR_COLUMNS = {"actor.type": "type", "email": "email", "role": "role", "provider": "provider"}


class Sql(NamedTuple):
    """A piece of SQL with what is bound to it.

    Where it is about one of an event's numbers, `column` is its name and `numbers` a SELECT of those that are meant.
    """

    text: str
    bindings: tuple[Binding, ...] = ()
    column: str = ""
    numbers: str = ""


class Plan(NamedTuple):
    """A compiled query; see the module."""

    since: int | None
    until: int | None
    conditions: tuple[Sql, ...]
    match: str | None

    @property
    def searches(self) -> bool:
        """Whether ft is asked anything: then every question costs what the words in it do, however little is read."""
        return self.match is not None or any("MATCH" in condition.text for condition in self.conditions)

    def narrowing(self) -> Sql:
        """Everything but `match`, as one condition on `event e`."""
        edges = (("e.ts >= ?", self.since), ("e.ts < ?", self.until))
        parts = [*(Sql(text, (edge,)) for text, edge in edges if edge is not None), *self.conditions]
        text = " AND ".join(part.text for part in parts) or "TRUE"
        return Sql(text, tuple(binding for part in parts for binding in part.bindings))

    def whole(self) -> Sql:
        """All of it as one condition on `event e`."""
        if self.match is None:
            return self.narrowing()
        return self._replace(match=None, conditions=(*self.conditions, Sql(_HAVING, (self.match,)))).narrowing()

    @property
    def open(self) -> bool:
        """Whether nothing but `match` narrows it."""
        return self.since is None and self.until is None and not self.conditions


class _Parts(NamedTuple):
    """Members, sorted: conditions, and expressions for `match` that must be found and that must not."""

    conditions: list[Sql]
    wanted: list[str]
    unwanted: list[str]


class Compiler:
    """Compiles against one connection's dictionaries and vocabulary."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        connection.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab(main, ft, row)")

    def compile(self, query: AuditQuery) -> Plan:
        """The plan. Raises BadQuery for an unknown field, a wrong address, a wildcard that stands for too much."""
        check_query(query)
        parts = self._parts((*query.terms, *query.texts, *query.groups))
        conditions = list(parts.conditions)
        if parts.unwanted:
            conditions.append(_lacking(" OR ".join(parts.unwanted)))
        return Plan(query.since, query.until, tuple(conditions), " AND ".join(parts.wanted) or None)

    def _parts(self, members: Iterable[Member]) -> "_Parts":
        parts = _Parts([], [], [])
        for member in members:
            found = self._found(member)
            if isinstance(found, Sql):
                parts.conditions.append(_negated(found) if member.negated else found)
            else:
                (parts.unwanted if member.negated else parts.wanted).append(found)
        return parts

    def _found(self, member: Member) -> Sql | str:
        """What the member says, were it not negated."""
        if isinstance(member, Group):
            return self._group(member)
        return self._term(member) if isinstance(member, Term) else self._text(member)

    def _group(self, group: Group) -> Sql | str:
        """As an expression for `match` where all of it is one; else as a condition that is never NULL."""
        conditions, wanted, unwanted = self._parts(group.members)
        joint, opposite = (" OR ", " AND ") if group.any else (" AND ", " OR ")
        expression = f"({joint.join(wanted)})"
        if not conditions and not unwanted:
            return expression
        if wanted:
            conditions.append(Sql(_HAVING, (expression,)))
        if unwanted:
            conditions.append(_lacking(opposite.join(unwanted)))
        bindings = tuple(binding for condition in conditions for binding in condition.bindings)
        return Sql(f"({joint.join(condition.text for condition in conditions)})", bindings)

    def _term(self, term: Term) -> Sql | str:
        """A condition, or an expression for `match`."""
        if term.field.startswith(META_PREFIX):
            return self._meta(term)
        field = field_of(term.field)
        if field.name in _COMBO_COLUMNS:
            return _in_table("combo", _any_text(_COMBO_COLUMNS[field.name], term.values))
        if field.name in _ACTOR_COLUMNS:
            return _in_table("actor", _any_text(_ACTOR_COLUMNS[field.name], term.values))
        special: dict[str, Callable[[Term], Sql | str]] = {
            "id": _ids,
            "actor": self._actors,
            "actor.key": lambda term: _as_written("actor", "handle", term),
            "type": _types,
            "workspace": lambda term: _refs("ws", term),
            "workspace.id": lambda term: _as_written("ws", "exact", term),
            "project": lambda term: _refs("project", term),
            "project.id": lambda term: _as_written("project", "exact", term),
            "device": lambda term: _in_table("device", _any_text("value", term.values)),
            "reason": lambda term: _in_table("reason", _any_text("value", term.values)),
            "ip": _addresses,
        }
        return special[field.name](term) if field.name in special else self._exact(term)

    def leaf(self, member: Term | Text) -> Sql | str:
        """What a checked term or text says, were it not negated: a condition with its numbers, or a `match`."""
        if isinstance(member, Term):
            return _people(member) if ALIASES.get(member.field, member.field) == "actor" else self._term(member)
        return self._text(member)

    def _actors(self, term: Term) -> Sql | str:
        people = _people(term)
        if "*" in term.values:
            return people
        few = self._connection.execute(f"{people.numbers} LIMIT ?", (*people.bindings, _FEW_ACTORS + 1)).fetchall()
        return people if len(few) > _FEW_ACTORS else _any_token(f"a{number}" for (number,) in few)

    def _exact(self, term: Term) -> Sql | str:
        """Fields that only exact tokens know."""
        if "*" in term.values and term.field not in ("session", "request"):
            return _in_table("combo", Sql("present & ?", (PRESENT[term.field],)))
        letter = LETTER[term.field]
        if term.field in ("session", "request"):
            if "*" in term.values:
                return _in_table("combo", Sql("present & ?", (PRESENT[term.field],)))
            return _any_token(letter + spell(value) for value in term.values)
        return self._tokens(letter, "", term.values)

    def _meta(self, term: Term) -> str:
        return self._tokens(META, shadow(term.field.removeprefix(META_PREFIX)) + "=", term.values)

    def _tokens(self, letter: str, before: str, values: Sequence[str]) -> str:
        """Any of the values as tokens; `before` stands in front of each value, without wildcards."""
        found: list[str] = []
        for value in values:
            plain = shadow(value)
            if "*" not in plain:
                found.append(_quoted(letter + spell(before + plain)))
            elif plain.count("*") == 1 and plain.endswith("*"):
                found.append(_quoted(letter + spell((before + plain[:-1])[:LONGEST])) + " *")
            else:
                found += [_quoted(token) for token in self._vocabulary(letter, before, plain)]
        return f"x : ({' OR '.join(found)})" if found else _NOTHING

    def _vocabulary(self, letter: str, before: str, pattern: str) -> list[str]:
        """The tokens there are whose value the wildcard pattern stands for."""
        head = letter + spell(before + pattern[: pattern.index("*")])
        first, *others = pattern.split("*")
        pieces = [before + first, *others]
        rows = self._connection.execute("SELECT term FROM vocabulary WHERE term >= ? AND term < ?", (head, head + "~"))
        found: list[str] = []
        for (token,) in rows:
            if like(unspell(token[1:]), pieces):
                found.append(token)
                if len(found) > MOST_TOKENS:
                    raise BadQuery(f"{pattern!r} stands for more than {MOST_TOKENS} different values", "say more of it")
        return found

    @staticmethod
    def _text(text: Text) -> str:
        """Words in the record's text: a word that the tokenizer cuts in pieces is a phrase; no word at all: nothing."""
        if text.phrase:
            return _phrase(text.words) or _NOTHING
        parts = [part for part in map(_phrase, text.words.split()) if part]
        return f"({' AND '.join(parts)})" if parts else _NOTHING


_HAVING = "e.seq IN (SELECT rowid FROM ft WHERE ft MATCH ?)"

_NOTHING = 'x : ""'
"""Finds nothing: a phrase without a word. (A word that only texts have would have FTS5 look through all of those.)"""


def _phrase(words: str) -> str:
    pieces = tokens(words)
    if not pieces:
        return ""
    prefix = " *" if words.endswith("*") else ""
    return f"t : {' + '.join(map(_quoted, pieces))}{prefix}"


def _glob(pattern: str) -> str:
    return pattern.replace("[", "[[]").replace("?", "[?]")


def _quoted(token: str) -> str:
    return f'"{token}"'


def _any_token(tokens: Iterable[str]) -> str:
    found = [_quoted(token) for token in tokens]
    return f"x : ({' OR '.join(found)})" if found else _NOTHING


def _negated(sql: Sql) -> Sql:
    return Sql(f"NOT ({sql.text})", sql.bindings)


def _lacking(expression: str) -> Sql:
    return Sql("e.seq NOT IN (SELECT rowid FROM ft WHERE ft MATCH ?)", (expression,))


def _in_table(table: str, where: Sql) -> Sql:
    """A condition on a dictionary's rows as one on events; rows without the value have number 0 and are never in it."""
    return _numbered(table, f"SELECT id FROM {table} WHERE {where.text}", where.bindings)  # noqa: S608  names are ours


def _numbered(column: str, numbers: str, bindings: tuple[Binding, ...] = ()) -> Sql:
    return Sql(f"e.{column} IN ({numbers})", bindings, column, numbers)


def _people(term: Term) -> Sql:
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


def _ids(term: Term) -> Sql | str:
    if "*" in term.values:
        return Sql("TRUE")
    found = [match_of_id(value) for value in term.values if halves(value) is not None]
    return f"({' OR '.join(found)})" if found else _NOTHING
