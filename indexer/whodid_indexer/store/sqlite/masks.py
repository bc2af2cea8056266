"""An AuditQuery as boolean masks over columns: one value per record, true where the query holds.

What is about an event's numbers becomes a table of booleans, one for each number of a dictionary; words and exact
tokens become the set of records that one MATCH finds. Both are made once, and then asked for each batch.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from whodid_indexer.query.model import AuditQuery, Group, Member
from whodid_indexer.store.sqlite.arrays import np
from whodid_indexer.store.sqlite.columns import Bools, Ints, Mask, Part, Piece, numbers_of
from whodid_indexer.store.sqlite.conditions import Sql
from whodid_indexer.store.sqlite.session import Session

_FLIPS = 8
"""Comparing numbers so many times takes as long as looking them up."""


class Masks:
    """Makes masks for one question, on one connection's moment; of no record with a number smaller than `first`."""

    def __init__(self, session: Session, first: int = 0) -> None:
        self._connection = session.connection
        self._first = first
        self._compiler = session.compiler
        self._tables: dict[Sql, Bools] = {}
        self._found: dict[str, Bools] = {}

    def of(self, members: Sequence[Member]) -> Mask | None:
        """What all members say together; None where there are none."""
        return self._joined(members, either=False) if members else None

    def _joined(self, members: Iterable[Member], *, either: bool) -> Mask:
        """All members, or any of them; what MATCH must find, and must not, is asked of it at once."""
        parts: list[Mask] = []
        tables: dict[str, Bools] = {}
        wanted: list[str] = []
        unwanted: list[str] = []
        for member in members:
            if isinstance(member, Group):
                inner = self._joined(member.members, either=member.any)
                parts.append(_not(inner) if member.negated else inner)
                continue
            found = self._compiler.leaf(member)
            if isinstance(found, str):
                (unwanted if member.negated else wanted).append(found)
            else:  # `id:*` is said of no column: every record has an id, and so has every record a combo
                column = found.column or "combo"
                table = self._table(found) ^ member.negated
                known = tables.setdefault(column, table)
                tables[column] = known | table if either else known & table
        parts = [*_by_numbers(tables), *parts]
        joint, opposite = (" OR ", " AND ") if either else (" AND ", " OR ")
        if wanted:
            parts.append(self._rows(joint.join(wanted)))
        if unwanted:
            parts.append(_not(self._rows(opposite.join(unwanted))))
        return _combined(parts, either=either)

    def _table(self, sql: Sql) -> Bools:
        """For each number of the column's dictionary, whether it is meant."""
        if sql not in self._tables:
            self._tables[sql] = self._read(sql)
        return self._tables[sql]

    def _read(self, sql: Sql) -> Bools:
        column = sql.column or "combo"
        highest: int = self._connection.execute(f"SELECT coalesce(max(id), 0) FROM {column}").get  # noqa: S608  ours
        if not sql.column:
            return np.ones(highest + 1, np.bool_)
        table = np.zeros(highest + 1, np.bool_)
        table[numbers_of(self._connection, sql.numbers, sql.bindings)] = True
        return table

    def _rows(self, match: str) -> Mask:
        if match not in self._found:
            self._found[match] = self._matching(match)
        table = self._found[match]
        return lambda part: table.take(part.chosen("seq", None), mode="clip")

    def _matching(self, match: str) -> Bools:
        """For each record's number, whether MATCH finds it; the last stands for all beyond."""
        select = "SELECT rowid FROM ft WHERE ft MATCH ? AND rowid >= ?"
        found = numbers_of(self._connection, select, (match, self._first))
        table = np.zeros(int(found[-1]) + 2 if len(found) else 1, np.bool_)  # ft gives them in rising order
        table[found] = True
        return table


def _by_numbers(tables: Mapping[str, Bools]) -> list[Mask]:
    """For each column, the records whose number its table says yes to; the quickest first."""
    found = {column: (np.flatnonzero(table[1:] != table[:-1]) + 1).tolist() for column, table in tables.items()}
    return [
        partial(_compared, column, bool(tables[column][0]), flips)
        if len(flips) <= _FLIPS
        else partial(_looked_up, column, tables[column])
        for column, flips in sorted(found.items(), key=lambda item: len(item[1]))
    ]


def _looked_up(column: str, table: Bools, part: Part) -> Bools:
    return table.take(part.column(column))


def _compared(column: str, first: bool, flips: Sequence[int], part: Part) -> Bools:
    """The same of a table that turns from yes to no, or from no to yes, at few numbers only."""
    if not flips:
        return np.full(len(part), first)
    numbers = part.column(column)
    found: Bools = numbers < flips[0] if first else numbers >= flips[0]
    for flip in flips[1:]:
        found ^= numbers >= flip
    return found


def _not(mask: Mask) -> Mask:
    return lambda part: ~mask(part)


def _combined(masks: Sequence[Mask], *, either: bool) -> Mask:
    """All of them, or any; the later ones are not asked where the earlier have decided for every record."""

    def joined(part: Part) -> Bools:
        found = masks[0](part)
        for mask in masks[1:]:
            if found.all() if either else not found.any():
                break
            found = found | mask(part) if either else found & mask(part)
        return found

    return joined


def counts(found: Sequence[Piece], mask: Mask | None) -> list[int]:
    """How many records of each piece the mask lets through."""
    if mask is None:
        return [len(piece) for piece in found]
    return [int(np.count_nonzero(mask(Part(piece)))) for piece in found]


def places(mask: Mask | None, part: Part) -> Ints | None:
    """Where those of a part are that the mask lets through; None for all."""
    return None if mask is None else np.flatnonzero(mask(part))


def members_of(query: AuditQuery) -> list[Member]:
    """What must all hold."""
    return [*query.terms, *query.texts, *query.groups]
