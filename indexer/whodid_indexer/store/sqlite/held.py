"""Which records of a SQLite file a legal hold keeps: each hold's question as SQL, over the records about to go.

What words find is asked of the part of the text index that these records are in, never of the whole.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import apsw
import msgspec

from whodid_indexer.holds.hold import Hold, cannot_tell
from whodid_indexer.store.sqlite.chunks import SIZE
from whodid_indexer.store.sqlite.compile import Compiler
from whodid_indexer.store.sqlite.conditions import Sql
from whodid_schema.errors import BadQuery

_FOUND = "ft MATCH ?"
_AMONG = "SELECT e.seq FROM event e NOT INDEXED WHERE e.seq IN (SELECT value FROM json_each(?)) AND "
_COUNT = """
SELECT count(*) FROM event e INDEXED BY fx
WHERE e.ts >= ? AND e.ts < ? AND e.combo IN (SELECT value FROM json_each(?)) AND
"""
_ALL = "SELECT count(*) FROM event e INDEXED BY fx WHERE "


class Keeper:
    """Asks one connection; inside or outside of a transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._compiler = Compiler(connection)

    def among(self, holds: Sequence[Hold], numbers: Iterable[int]) -> set[int]:
        """Of the records with these numbers, those that a hold keeps. Raises StateError where one cannot tell."""
        kept: set[int] = set()
        asked = [self.compiled(hold) for hold in holds]
        for near in _near(numbers) if asked else ():
            listed = msgspec.json.encode(near).decode()
            for one in asked:
                text = one.text.replace(_FOUND, f"{_FOUND} AND rowid BETWEEN {near[0]} AND {near[-1]}")
                rows: Any = self._connection.execute(f"{_AMONG}({text})", (listed, *one.bindings))
                kept.update(number for (number,) in rows)
        return kept

    def count(self, holds: Sequence[Hold], since: int, until: int, combos: str) -> int:
        """How many records of these combos and this time are kept by any of the holds."""
        if not holds:
            return 0
        asked = [self.compiled(hold) for hold in holds]
        text = " OR ".join(f"({one.text})" for one in asked)
        bindings = [binding for one in asked for binding in one.bindings]
        found: int = self._connection.execute(f"{_COUNT}({text})", (since, until, combos, *bindings)).get
        return found

    def covered(self, hold: Hold) -> int:
        """How many records match, due or not."""
        one = self.compiled(hold)
        found: int = self._connection.execute(f"{_ALL}{one.text}", one.bindings).get
        return found

    def compiled(self, hold: Hold) -> Sql:
        """Its question as one condition on `event e`. Raises StateError.

        It knows the words of what is stored now: to be made anew for records found later.
        """
        try:
            return self._compiler.compile(hold.asked()).whole()
        except BadQuery as error:
            raise cannot_tell(hold, error) from error


def _near(numbers: Iterable[int]) -> Iterator[list[int]]:
    """The numbers in rising order, those of one chunk together."""
    for _, group in groupby(sorted(numbers), key=lambda number: (number - 1) // SIZE):
        yield list(group)
