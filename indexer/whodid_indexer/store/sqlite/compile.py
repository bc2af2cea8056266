"""An AuditQuery as SQL: conditions on `event` (which `fx` covers) and one expression for `ft`.

    conditions   about time, the axes' numbers, and what must not be found in ft
    match        what must be found in ft: words in `t`, exact tokens in `x`; None where nothing must

Values are always bound; a word reaches FTS5 only as the tokens that FTS5 itself would make of it, in quotes. Which of
the two leads is the choice of `pages`.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import apsw

from whodid_indexer.query.check import check_query, field_of
from whodid_indexer.query.model import AuditQuery, Group, Member, Term, Text
from whodid_indexer.query.wildcard import like
from whodid_indexer.store.sqlite.conditions import Sql, about, about_people, present
from whodid_indexer.store.sqlite.entry import halves
from whodid_indexer.store.sqlite.tokens import LETTER, LONGEST, META, match_of_id, spell, unspell
from whodid_schema.errors import BadQuery
from whodid_schema.fields import ALIASES, META_PREFIX
from whodid_schema.folding import shadow, tokens

MOST_TOKENS = 2_000
"""A wildcard may stand for so many different values; one that stands for more is refused, not answered in part."""

_FEW_ACTORS = 64
"""Up to so many actors are looked up as tokens, which is quicker than walking; more are a condition."""


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
        if field.name == "id":
            return _ids(term)
        if field.name == "actor":
            return self._actors(term)
        return about(field.name, term) or self._exact(term)

    def leaf(self, member: Term | Text) -> Sql | str:
        """What a checked term or text says, were it not negated: a condition with its numbers, or a `match`."""
        if isinstance(member, Term):
            return about_people(member) if ALIASES.get(member.field, member.field) == "actor" else self._term(member)
        return self._text(member)

    def _actors(self, term: Term) -> Sql | str:
        people = about_people(term)
        if "*" in term.values:
            return people
        few = self._connection.execute(f"{people.numbers} LIMIT ?", (*people.bindings, _FEW_ACTORS + 1)).fetchall()
        return people if len(few) > _FEW_ACTORS else _any_token(f"a{number}" for (number,) in few)

    def _exact(self, term: Term) -> Sql | str:
        """Fields that only exact tokens know."""
        if "*" in term.values:
            return present(term.field)
        letter = LETTER[term.field]
        if term.field in ("session", "request"):
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


def _quoted(token: str) -> str:
    return f'"{token}"'


def _any_token(tokens: Iterable[str]) -> str:
    found = [_quoted(token) for token in tokens]
    return f"x : ({' OR '.join(found)})" if found else _NOTHING


def _negated(sql: Sql) -> Sql:
    return Sql(f"NOT ({sql.text})", sql.bindings)


def _lacking(expression: str) -> Sql:
    return Sql("e.seq NOT IN (SELECT rowid FROM ft WHERE ft MATCH ?)", (expression,))


def _ids(term: Term) -> Sql | str:
    if "*" in term.values:
        return Sql("TRUE")
    found = [match_of_id(value) for value in term.values if halves(value) is not None]
    return f"({' OR '.join(found)})" if found else _NOTHING
