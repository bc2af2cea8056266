"""Reading columns: a time range as batches of arrays, from the chunks and from the rows behind the last of them.

Only columns that are asked for are read, only of chunks that overlap the range, and of each chunk only the records
inside it.

    Piece   the records of one chunk inside the range, or of the rows behind; nothing is read yet
    Part    a piece that is being looked at: each column that was asked for, read once
    Batch   some parts together, for counting in longer arrays

What is tested record by record is tested part by part: the arrays stay so short that memory is used again. Longer ones
are given back to the system after each use, and its pages, taken anew, cost more than the work.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

import apsw

from whodid_indexer.store.sqlite import chunks
from whodid_indexer.store.sqlite.arrays import NDArray, np
from whodid_indexer.store.sqlite.chunks import COLUMNS, PLACES

Ints = NDArray[Any]
Bools = NDArray[np.bool_]

_TOGETHER = 4
"""Chunks in a batch: some 65,536 records."""

_DTYPES: dict[int, np.dtype[Any]] = {1: np.dtype("u1"), 2: np.dtype("<u2"), 4: np.dtype("<u4"), 8: np.dtype("<i8")}

_HEADS = "SELECT id, n, lo, hi FROM chunk WHERE n > 0 AND lo < ? AND hi >= ? ORDER BY id"
_FIRST = "SELECT min(id) FROM chunk WHERE n > 0 AND lo < ? AND hi >= ?"
_NEXT = "SELECT coalesce(max(id) + 1, 0) FROM chunk"
_BEHIND = f"SELECT {', '.join(COLUMNS)} FROM event WHERE seq > ? ORDER BY seq"  # noqa: S608  names are ours
_STILL = "SELECT count(*) FROM event WHERE seq > ? AND seq <= ?"

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


class Part:
    """A piece's columns, each read at most once."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self._known: dict[str, Ints] = {}

    def column(self, name: str) -> Ints:
        """See Piece."""
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self.piece.column(name)
        return found

    def chosen(self, name: str, rows: Ints | None) -> Ints:
        """The column of these records; None is all of them. `seq` is as in `event`."""
        numbers = self.column(name) if rows is None else self.column(name)[rows]
        return numbers.astype(np.int64) + self.piece.base if name == "seq" else numbers

    def __len__(self) -> int:
        return len(self.piece)


Mask = Callable[[Part], Bools]
"""For each record of a part, whether it is meant."""


class Batch:
    """Some pieces one behind the other."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._parts = [Part(piece) for piece in pieces]
        self._known: dict[str, Ints] = {}

    def column(self, name: str) -> Ints:
        """A column of all its records; `seq` as in `event`."""
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = np.concatenate([part.chosen(name, None) for part in self._parts])
        return found

    def places(self, mask: Mask | None) -> Ints | None:
        """Where those are that the mask lets through; None for all."""
        return None if mask is None else np.flatnonzero(np.concatenate([mask(part) for part in self._parts]))

    def buckets(self, moments: Ints) -> Ints:
        """For each record, between which of the moments it is; they must span all of the batch."""
        places = np.arange(len(moments) - 1)
        found = [np.repeat(places, np.diff(np.searchsorted(part.column("ts"), moments))) for part in self._parts]
        return np.concatenate(found)


class Columns:
    """The columns as one reader sees them. Call within a read transaction, and `release` before it ends."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._cell: apsw.Blob | None = None
        self._rest = _Rest(connection)

    def pieces(self, since: int | None, until: int | None) -> list[Piece]:
        """Every record of the range, in pieces; none of them is empty."""
        begin, end = _range(since, until)
        heads = [Head(*row) for row in self._connection.execute(_HEADS, (end, begin))]
        found = [self._of_chunk(head, begin, end) for head in heads]
        return [piece for piece in (*found, self._rest.piece(begin, end)) if len(piece)]

    def first(self, since: int | None, until: int | None) -> int:
        """No record of the range has a smaller number (`seq`) than this."""
        begin, end = _range(since, until)
        number: int | None = self._connection.execute(_FIRST, (end, begin)).get
        return (self._connection.execute(_NEXT).get if number is None else number) * chunks.SIZE + 1

    def release(self) -> None:
        """Let go of the file: what is open of it would keep the transaction's moment."""
        if self._cell is not None:
            self._cell.close()
            self._cell = None

    def _of_chunk(self, head: Head, begin: int, end: int) -> Piece:
        first = head.number * PLACES

        def read(name: str) -> Ints:
            data = self._read(first + COLUMNS.index(name))
            return data.view(_DTYPES[len(data) // head.records])

        part = slice(0, head.records)
        if head.lo < begin or head.hi >= end:
            low, high = np.searchsorted(read("ts"), (begin, end))
            part = slice(int(low), int(high))
        return Piece(head.number * chunks.SIZE, read, part, (head.lo, head.hi))

    def _read(self, number: int) -> NDArray[np.uint8]:
        """One cell: with a handle that goes from one to the next, which takes half as long as a SELECT of each."""
        if self._cell is None:
            self._cell = self._connection.blob_open("main", "cell", "data", number, False)
        else:
            self._cell.reopen(number)
        data = np.empty(self._cell.length(), np.uint8)
        self._cell.read_into(data.data)
        return data


class _Rest:
    """The rows that are in no chunk yet, kept between questions: anew each time, they would cost more than 300 chunks.

    A row never changes and no number is used twice, so it is enough to count those that are known.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._base = self._last = 0
        self._table: Ints = np.empty((len(COLUMNS), 0), np.int64)

    def piece(self, begin: int, end: int) -> Piece:
        """Those of the range."""
        columns = dict(zip(COLUMNS, self._read(), strict=True))
        times = columns["ts"]
        low, high = map(int, np.searchsorted(times, (begin, end)))
        edges = (int(times[low]), int(times[high - 1])) if low < high else (0, 0)
        return Piece(0, columns.__getitem__, slice(low, high), edges)

    def _read(self) -> Ints:
        """A row for each column; sorted by time."""
        base = self._connection.execute(_NEXT).get * chunks.SIZE
        if base != self._base or self._connection.execute(_STILL, (base, self._last)).get != self._table.shape[1]:
            self._base = self._last = base
            self._table = self._table[:, :0]
        new: list[Any] = self._connection.execute(_BEHIND, (self._last,)).fetchall()
        if new:
            flat = np.fromiter(chain.from_iterable(new), np.int64, len(new) * len(COLUMNS))
            table = np.concatenate([self._table, flat.reshape(-1, len(COLUMNS)).T], axis=1)
            self._table = table.take(np.argsort(table[0], kind="stable"), axis=1)
            self._last = new[-1][COLUMNS.index("seq")]
        return self._table


def numbers_of(connection: apsw.Connection, select: str, bindings: Sequence[int | str | bytes]) -> Ints:
    """The numbers that a SELECT of one column finds; as one text, which takes a third of the time of a row for each."""
    text: str | None = connection.execute(
        f"WITH found(number) AS ({select}) SELECT group_concat(number) FROM found",  # noqa: S608  ours
        bindings,
    ).get
    return np.fromstring(text, np.int64, sep=",") if text else np.empty(0, np.int64)


def batches(found: Sequence[Piece]) -> Iterator[Batch]:
    """The pieces in batches."""
    for start in range(0, len(found), _TOGETHER):
        yield Batch(found[start : start + _TOGETHER])


def _range(since: int | None, until: int | None) -> tuple[int, int]:
    begin, end = EARLIEST if since is None else since, LATEST if until is None else until
    return max(begin, EARLIEST), min(end, LATEST)
