"""An AuditQuery as boolean masks over columns: one value per record, true where the query holds.

What is about an event's numbers becomes a table of booleans, one for each number of a dictionary; words and exact
tokens become the set of records that one MATCH finds. Both are made once, and then asked for each batch.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import apsw
import numpy as np

from whodid_indexer.query.model import AuditQuery, Group, Member
from whodid_indexer.store.sqlite.columns import Batch, Bools
from whodid_indexer.store.sqlite.compile import Compiler, Sql

Mask = Callable[[Batch], Bools]


class Masks:
    """Makes masks for one question, on one connection's moment."""

    def __init__(self, connection: apsw.Connection, compiler: Compiler) -> None:
        self._connection = connection
        self._compiler = compiler
        self._tables: dict[Sql, Bools] = {}
        self._found: dict[str, Bools] = {}

    def of(self, members: Sequence[Member]) -> Mask | None:
        """What all members say together; None where there are none."""
        return self._joined(members, either=False) if members else None

    def _joined(self, members: Iterable[Member], *, either: bool) -> Mask:
        """All members, or any of them; what MATCH must find, and must not, is asked of it at once."""
        parts: list[Mask] = []
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
            else:
                numbers = self.numbers(found)
                parts.append(_not(numbers) if member.negated else numbers)
        joint, opposite = (" OR ", " AND ") if either else (" AND ", " OR ")
        if wanted:
            parts.append(self._rows(joint.join(wanted)))
        if unwanted:
            parts.append(_not(self._rows(opposite.join(unwanted))))
        return _combined(parts, either=either)

    def numbers(self, sql: Sql) -> Mask:
        """The records that have one of the numbers."""
        if not sql.column:  # `id:*`: every record
            return lambda batch: np.ones(len(batch), np.bool_)
        if sql not in self._tables:
            self._tables[sql] = self._table(sql)
        table = self._tables[sql]
        return lambda batch: table[batch.column(sql.column)]

    def _table(self, sql: Sql) -> Bools:
        """For each number of the column's dictionary, whether it is meant."""
        highest: int = self._connection.execute(f"SELECT coalesce(max(id), 0) FROM {sql.column}").get  # noqa: S608  ours
        table = np.zeros(highest + 1, np.bool_)
        rows: Any = self._connection.execute(sql.numbers, sql.bindings)
        table[np.fromiter((number for (number,) in rows), np.int64)] = True
        return table

    def _rows(self, match: str) -> Mask:
        if match not in self._found:
            self._found[match] = self._matching(match)
        table = self._found[match]
        return lambda batch: table[np.minimum(batch.column("seq"), len(table) - 1)]

    def _matching(self, match: str) -> Bools:
        """For each record's number, whether MATCH finds it; the last stands for all beyond."""
        rows: Any = self._connection.execute("SELECT rowid FROM ft WHERE ft MATCH ?", (match,))
        found = np.fromiter((number for (number,) in rows), np.int64)
        table = np.zeros(int(found[-1]) + 2 if len(found) else 1, np.bool_)  # ft gives them in rising order
        table[found] = True
        return table


def _not(mask: Mask) -> Mask:
    return lambda batch: ~mask(batch)


def _combined(parts: Sequence[Mask], *, either: bool) -> Mask:
    if len(parts) == 1:
        return parts[0]

    def mask(batch: Batch) -> Bools:
        found = np.zeros(len(batch), np.bool_) if either else np.ones(len(batch), np.bool_)
        for part in parts:
            if either:
                found |= part(batch)
            else:
                found &= part(batch)
        return found

    return mask


def members_of(query: AuditQuery) -> list[Member]:
    """What must all hold."""
    return [*query.terms, *query.texts, *query.groups]
