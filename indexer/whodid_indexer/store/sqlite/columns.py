"""Reading columns: a time range as batches of arrays, from the chunks and from the rows behind the last of them.

Only columns that are asked for are read, only of chunks that overlap the range, and of each chunk only the records
inside it. A batch is some chunks together, so that numpy works on long arrays and memory stays small.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import apsw
import numpy as np
from numpy.typing import NDArray

from whodid_indexer.store.sqlite import chunks
from whodid_indexer.store.sqlite.chunks import COLUMNS, PLACES

Ints = NDArray[Any]
Bools = NDArray[np.bool_]

_TOGETHER = 8
"""Chunks in a batch: some 131,072 records."""

_DTYPES: dict[int, np.dtype[Any]] = {1: np.dtype("u1"), 2: np.dtype("<u2"), 4: np.dtype("<u4"), 8: np.dtype("<i8")}

_HEADS = "SELECT id, n, lo, hi FROM chunk WHERE n > 0 AND lo < ? AND hi >= ? ORDER BY id"
_CELL = "SELECT data FROM cell WHERE id = ?"
_BEHIND = f"SELECT {', '.join(COLUMNS)} FROM event WHERE seq > ?"  # noqa: S608  names are ours
_NEXT = "SELECT coalesce(max(id) + 1, 0) FROM chunk"

EARLIEST, LATEST = -(1 << 62), 1 << 62
"""What stands for an open beginning and an open end."""


class Head(NamedTuple):
    """What is known of a chunk without its columns."""

    number: int
    records: int
    lo: int
    hi: int


class Piece:
    """The records of one chunk, or of the rest, that are inside the range: a slice of each of its columns.

    They are sorted by time; none is before `lo` or after `hi`.
    """

    def __init__(self, base: int, read: Callable[[str], Ints], part: slice, times: tuple[int, int]) -> None:
        self.base = base
        self.lo, self.hi = times
        self._part = part
        self._read = read

    def column(self, name: str) -> Ints:
        """The numbers of a column; `seq` is counted from `base`."""
        return self._read(name)[self._part]

    def __len__(self) -> int:
        return int(self._part.stop - self._part.start)


class Batch:
    """Some pieces one behind the other."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces
        self._known: dict[str, Ints] = {}

    def column(self, name: str) -> Ints:
        """A column of all its records; `seq` as in `event`."""
        found = self._known.get(name)
        if found is None:
            if name == "seq":
                found = np.concatenate([piece.column(name).astype(np.int64) + piece.base for piece in self.pieces])
            else:
                found = np.concatenate([piece.column(name) for piece in self.pieces])
            self._known[name] = found
        return found

    def buckets(self, moments: Ints) -> Ints:
        """For each record, between which of the moments it is; they must span all of the batch."""
        places = np.arange(len(moments) - 1)
        found = [np.repeat(places, np.diff(np.searchsorted(piece.column("ts"), moments))) for piece in self.pieces]
        return np.concatenate(found)

    def __len__(self) -> int:
        return sum(map(len, self.pieces))


def heads(connection: apsw.Connection, since: int | None, until: int | None) -> list[Head]:
    """The chunks that overlap the range."""
    rows: list[Any] = connection.execute(_HEADS, _range(since, until)[::-1]).fetchall()
    return [Head(*row) for row in rows]


def first_of(connection: apsw.Connection, since: int | None, until: int | None) -> int:
    """No record of the range has a smaller number (`seq`) than this."""
    found = heads(connection, since, until)
    number: int = found[0].number if found else connection.execute(_NEXT).get
    return number * chunks.SIZE + 1


def pieces(connection: apsw.Connection, since: int | None, until: int | None) -> list[Piece]:
    """Every record of the range, in pieces; none of them is empty."""
    begin, end = _range(since, until)
    found = [_of_chunk(connection, head, begin, end) for head in heads(connection, since, until)]
    return [piece for piece in (*found, *_of_rest(connection, begin, end)) if len(piece)]


def batches(found: Sequence[Piece]) -> Iterator[Batch]:
    """The pieces in batches."""
    for start in range(0, len(found), _TOGETHER):
        yield Batch(found[start : start + _TOGETHER])


def _range(since: int | None, until: int | None) -> tuple[int, int]:
    begin, end = EARLIEST if since is None else since, LATEST if until is None else until
    return max(begin, EARLIEST), min(end, LATEST)


def _of_chunk(connection: apsw.Connection, head: Head, begin: int, end: int) -> Piece:
    first = head.number * PLACES

    def read(name: str) -> Ints:
        data: bytes = connection.execute(_CELL, (first + COLUMNS.index(name),)).get
        numbers: Ints = np.frombuffer(data, _DTYPES[len(data) // head.records])
        return numbers

    part = slice(0, head.records)
    if head.lo < begin or head.hi >= end:
        low, high = np.searchsorted(read("ts"), (begin, end))
        part = slice(int(low), int(high))
    return Piece(head.number * chunks.SIZE, read, part, (head.lo, head.hi))


def _of_rest(connection: apsw.Connection, begin: int, end: int) -> list[Piece]:
    """What is in no chunk yet: as a piece, if there is anything."""
    rows: list[Any] = connection.execute(_BEHIND, (connection.execute(_NEXT).get * chunks.SIZE,)).fetchall()
    inside = [row for row in rows if begin <= row[0] < end]
    if not inside:
        return []
    table = np.array(inside, np.int64)
    table = table[np.argsort(table[:, 0], kind="stable")]
    times = int(table[0, 0]), int(table[-1, 0])
    return [Piece(0, lambda name: table[:, COLUMNS.index(name)], slice(0, len(table)), times)]
