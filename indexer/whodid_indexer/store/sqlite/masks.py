"""An AuditQuery as boolean masks over columns: one value per record, true where the query holds.

What is about an event's numbers becomes a table of booleans, one for each number of a dictionary; words and exact
tokens become the set of records that one MATCH finds. Both are made once, and then asked for each batch.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import starmap
from typing import Any

import apsw
import numpy as np

from whodid_indexer.query.model import AuditQuery, Group, Member
from whodid_indexer.store.sqlite.columns import Batch, Bools, Piece, batches
from whodid_indexer.store.sqlite.compile import Compiler, Sql

Mask = Callable[[Batch], Bools]


class Masks:
    """Makes masks for one question, on one connection's moment; of no record with a number smaller than `first`."""

    def __init__(self, connection: apsw.Connection, compiler: Compiler, first: int = 0) -> None:
        self._connection = connection
        self._first = first
        self._compiler = compiler
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
        parts = [*starmap(_numbers, tables.items()), *parts]
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
        rows: Any = self._connection.execute(sql.numbers, sql.bindings)
        table[np.fromiter((number for (number,) in rows), np.int64)] = True
        return table

    def _rows(self, match: str) -> Mask:
        if match not in self._found:
            self._found[match] = self._matching(match)
        table = self._found[match]
        return lambda batch: table.take(batch.column("seq"), mode="clip")

    def _matching(self, match: str) -> Bools:
        """For each record's number, whether MATCH finds it; the last stands for all beyond."""
        rows: Any = self._connection.execute(
            "SELECT rowid FROM ft WHERE ft MATCH ? AND rowid >= ?", (match, self._first)
        )
        found = np.fromiter((number for (number,) in rows), np.int64)
        table = np.zeros(int(found[-1]) + 2 if len(found) else 1, np.bool_)  # ft gives them in rising order
        table[found] = True
        return table


def _numbers(column: str, table: Bools) -> Mask:
    """The records whose number the table says yes to."""
    return lambda batch: table[batch.column(column).astype(np.intp)]


def _not(mask: Mask) -> Mask:
    return lambda batch: ~mask(batch)


def _combined(parts: Sequence[Mask], *, either: bool) -> Mask:
    """All of them, or any; the later ones are not asked where the earlier have decided for every record."""

    def mask(batch: Batch) -> Bools:
        found = parts[0](batch)
        for part in parts[1:]:
            if found.all() if either else not found.any():
                break
            found = found | part(batch) if either else found & part(batch)
        return found

    return mask


def counts(found: Sequence[Piece], mask: Mask | None) -> list[int]:
    """How many records of each piece the mask lets through."""
    if mask is None:
        return [len(piece) for piece in found]
    numbers: list[int] = []
    for batch in batches(found):
        ends = np.cumsum([len(piece) for piece in batch.pieces])
        numbers += np.add.reduceat(mask(batch), [0, *ends[:-1]], dtype=np.int64).tolist()
    return numbers


def members_of(query: AuditQuery) -> list[Member]:
    """What must all hold."""
    return [*query.terms, *query.texts, *query.groups]
