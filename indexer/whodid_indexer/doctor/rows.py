"""A SQLite store's records against everything that is derived from them: words, columns, dictionaries, bodies.

Each is compared from the other side than it was written from; nothing of the writer's is used but the forms.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from whodid_indexer.doctor.doubles import Told, gather, read_told
from whodid_indexer.doctor.file import StoreFile
from whodid_indexer.doctor.finding import Budget, Check, Finding, fail, ok
from whodid_indexer.doctor.holds import tell_holds
from whodid_indexer.holds.hold import active
from whodid_indexer.store.sqlite.bodies import Unpacker
from whodid_indexer.store.sqlite.chunks import COLUMNS, SIZE, read_column
from whodid_indexer.store.sqlite.connect import guard
from whodid_indexer.store.sqlite.entry import halves, micros_of
from whodid_indexer.store.sqlite.held import Keeper
from whodid_indexer.store.sqlite.holds import read_holds
from whodid_schema.record import decode

DICTIONARIES = ("combo", "actor", "ip", "ws", "project", "device", "reason")

_MEND = "keep the file, and build it anew: whodid export --format ndjson from it, or a backup in its place"
_WORDLESS = "SELECT count(*), min(seq) FROM event WHERE seq NOT IN (SELECT id FROM ft_docsize)"
_ROWLESS = "SELECT count(*), min(id) FROM ft_docsize WHERE id NOT IN (SELECT seq FROM event)"
_SAMPLE = "SELECT seq, ts, idh, idl, body FROM event WHERE seq >= ? ORDER BY seq LIMIT 1"
_SAMPLES = 1_000
_NEWEST = "SELECT seq, body FROM event WHERE seq < ? ORDER BY seq DESC LIMIT 1000"


class Rows:
    """The checks of a file's contents."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file
        self._ask = file.connection.execute

    def checks(self) -> list[tuple[str, Check]]:
        """In the order of their cost."""
        return [
            ("bodies", self.bodies),
            ("holds", self.holds),
            ("dictionaries", self.dictionaries),
            ("columns", self.columns),
            ("words", self.words),
            ("doubles", self.doubles),
        ]

    def bodies(self, budget: Budget) -> Iterator[Finding]:
        """Whether bodies, from all over the file, unpack into the records that their rows say."""
        with self._file.within(budget):
            first, last = self._ask("SELECT coalesce(min(seq), 0), coalesce(max(seq), -1) FROM event").get
            unpack = Unpacker(self._file.connection).unpack
            looked, wrong = 0, []
            for place in range(first, last + 1, max(1, (last - first + 1) // _SAMPLES)):
                budget.require()
                row = self._ask(_SAMPLE, (place,)).fetchone()
                if row is not None:
                    looked += 1
                    wrong += [] if _is_itself(row, unpack) else [row[0]]
        if wrong:
            yield fail(f"{len(wrong):,} of {looked:,} bodies are not their rows': record {wrong[0]}", _MEND)
        else:
            yield ok(f"{looked:,} bodies from all over the file are their rows'")

    def holds(self, budget: Budget) -> Iterator[Finding]:
        """What legal holds keep."""
        with self._file.within(budget):
            holds = active(read_holds(self._file.connection), datetime.now(UTC))
            found = list(tell_holds(holds, Keeper(self._file.connection).covered))
        yield from found

    def dictionaries(self, budget: Budget) -> Iterator[Finding]:
        """Whether every number that a record has for a value names one."""
        missing: list[str] = []
        with self._file.within(budget):
            for name in DICTIONARIES:
                used = f"SELECT DISTINCT {name} AS n FROM event INDEXED BY fx"  # noqa: S608  names are ours
                lost = f"SELECT count(*) FROM ({used}) WHERE n <> 0 AND n NOT IN (SELECT id FROM {name})"  # noqa: S608  as above
                number: int = self._ask(lost).get
                missing += [f"{number:,} of {name}"] if number else []
        if missing:
            yield fail(f"values that records have and nobody knows: {', '.join(missing)}", _MEND)
        else:
            yield ok("every value that a record has is known")

    def columns(self, budget: Budget) -> Iterator[Finding]:
        """Whether the columns that are counted are the rows."""
        wrong: list[int] = []
        with self._file.within(budget):
            rows: Any = self._ask("SELECT id FROM chunk ORDER BY id").fetchall()
            for (number,) in rows:
                budget.require()
                wrong += [] if self._is_right(number) else [number]
        if wrong:
            yield fail(f"the columns of {len(wrong):,} of {len(rows):,} chunks differ from the rows: {wrong[0]}", _MEND)
        else:
            yield ok(f"the columns of {len(rows):,} chunks are the rows'")

    def words(self, budget: Budget) -> Iterator[Finding]:
        """Whether every record is in the text index, and nothing else."""
        with self._file.within(budget):
            wordless, first = self._ask(_WORDLESS).get
            rowless, other = self._ask(_ROWLESS).get
        if wordless:
            yield fail(f"{wordless:,} records are not in the text index, the first is {first}", _MEND)
        if rowless:
            yield fail(f"{rowless:,} entries of the text index are of no record, the first is {other}", _MEND)
        if not wordless and not rowless:
            yield ok("every record is in the text index")

    def doubles(self, budget: Budget) -> Iterator[Finding]:
        """Records that may be one event twice, the newest first."""
        with guard(self._file.path):
            doubles, whole = gather(self._told(), budget)
        yield from doubles.findings(whole=whole)

    def _told(self) -> Iterator[Told]:
        unpack = Unpacker(self._file.connection).unpack
        last: Any = 1 << 62
        while rows := self._next(last):
            last = rows[-1][0]
            for row in rows:
                yield read_told(unpack(row[1]))

    def _next(self, before: int) -> list[Any]:
        return self._ask(_NEWEST, (before,)).fetchall()

    def _is_right(self, number: int) -> bool:
        """Whether the chunk's columns, put together, are the rows; the order among equal times is nobody's."""
        names = ", ".join(COLUMNS)
        base = number * SIZE
        sql = f"SELECT {names} FROM event WHERE seq > ? AND seq <= ?"  # noqa: S608  names are ours
        rows: Any = self._ask(sql, (base, base + SIZE)).fetchall()
        columns: list[Any] = [read_column(self._file.connection, number, place) for place in range(len(COLUMNS))]
        columns[1] = [seq + base for seq in columns[1]]
        together = list(zip(*columns, strict=True))
        return sorted(rows) == sorted(together) and [row[0] for row in together] == sorted(row[0] for row in rows)


def _is_itself(row: Any, unpack: Any) -> bool:
    _, micros, high, low, body = row
    try:
        record = decode(unpack(body))
    except Exception:  # noqa: BLE001  whatever is wrong with the body, it is wrong
        return False
    return halves(record.id or "") == (high, low) and micros_of(record.timestamp or "") == micros
