"""Columns beside the rows: what facets, statistics and broad questions count, without touching a row.

    chunk k   the records with SIZE·k < seq ≤ SIZE·(k+1), sorted by time: `n` of them, from `lo` to `hi`
    cell      one column of a chunk, at 16·k + its place in COLUMNS: numbers of one width, little-endian, one a record;
              ts has eight bytes, the others as few as the full chunk's greatest number needed (1, 2 or 4)
              `seq` is counted from SIZE·k

A chunk is written in the transaction that fills it; what is behind the last chunk is read from `event`. What is
deleted from `event` is taken out of its chunk in the same transaction (`forget_rows`). 19 bytes a record, 1.6 µs to
write; to take something out of a chunk costs 1 to 3 ms, however little it is.
"""

import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from operator import itemgetter

import apsw

SIZE = 16_384
COLUMNS = ("ts", "seq", "combo", "actor", "ip", "ws", "project", "device", "reason")
PLACES = 16
"""Cells that a chunk has room for."""

_AT_ONCE = 4
"""Chunks written in one transaction at most: a file from before there were chunks gets them bit by bit."""

_TYPES = {1: "B", 2: "H", 4: "I", 8: "q"}

_LAST = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'"
_NEXT = "SELECT coalesce(max(id) + 1, 0) FROM chunk"
_ROWS = f"SELECT {', '.join(COLUMNS)} FROM event WHERE seq > ? AND seq <= ?"  # noqa: S608  names are ours
_COUNT = "SELECT n FROM chunk WHERE id = ?"
_CELL = "SELECT data FROM cell WHERE id = ?"


def fill(connection: apsw.Connection) -> None:
    """Write the chunks that have become full, within the caller's transaction."""
    following: int = connection.execute(_NEXT).get
    full: int = connection.execute(_LAST).get // SIZE
    for number in range(following, min(full, following + _AT_ONCE)):
        base = number * SIZE
        rows = sorted(connection.execute(_ROWS, (base, base + SIZE)), key=itemgetter(0))
        columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
        columns[1] = tuple(seq - base for seq in columns[1])
        _write(connection, number, [array("q", column) for column in columns])


def forget_rows(connection: apsw.Connection, seqs: Iterable[int]) -> None:
    """Take deleted records out of their chunks, within the transaction that deletes them from `event`."""
    gone: dict[int, set[int]] = defaultdict(set)
    for seq in seqs:
        number = (seq - 1) // SIZE
        gone[number].add(seq - number * SIZE)
    following: int = connection.execute(_NEXT).get
    for number in sorted(number for number in gone if number < following):
        runs = list(_runs(read_column(connection, number, 1), gone[number]))
        left = sum(end - first for first, end in runs)
        before: int = connection.execute(_COUNT, (number,)).get
        if left < before:
            _cut(connection, number, before, runs)


def _runs(seqs: "array[int]", gone: set[int]) -> Iterator[tuple[int, int]]:
    """The places, from and to, that stay: those of what is deleted are mostly next to each other, the oldest."""
    following = 0
    for place in [place for place, seq in enumerate(seqs) if seq in gone]:
        if place > following:
            yield following, place
        following = place + 1
    if following < len(seqs):
        yield following, len(seqs)


def _cut(connection: apsw.Connection, number: int, before: int, runs: list[tuple[int, int]]) -> None:
    """Let these places alone be left of a chunk: its cells are cut as bytes, and stay as wide as they are."""
    cells: list[bytes] = []
    for place in range(len(COLUMNS)):
        data: bytes = connection.execute(_CELL, (number * PLACES + place,)).get or b""
        width = len(data) // before
        cells.append(b"".join([data[first * width : end * width] for first, end in runs]))
    times = _unpacked(cells[0], 8)
    _put(connection, number, times, cells)


def _write(connection: apsw.Connection, number: int, columns: list["array[int]"]) -> None:
    """Write a chunk that has become full; one of which nothing is left has no cells."""
    packed = [_packed(column, 8 if place == 0 else _width(column)) for place, column in enumerate(columns) if column]
    _put(connection, number, columns[0], packed)


def _put(connection: apsw.Connection, number: int, times: "array[int]", cells: list[bytes]) -> None:
    """Put a chunk in place of what there was."""
    lo, hi = (times[0], times[-1]) if times else (0, 0)
    connection.execute("INSERT OR REPLACE INTO chunk VALUES (?, ?, ?, ?)", (number, len(times), lo, hi))
    ids = range(number * PLACES, number * PLACES + len(COLUMNS))
    if times:
        connection.executemany("INSERT OR REPLACE INTO cell VALUES (?, ?)", zip(ids, cells, strict=True))
    else:
        connection.execute("DELETE FROM cell WHERE id BETWEEN ? AND ?", (ids[0], ids[-1]))


def _width(column: "array[int]") -> int:
    highest = max(column)
    return 1 if highest < 1 << 8 else 2 if highest < 1 << 16 else 4 if highest < 1 << 32 else 8


def _packed(column: "array[int]", width: int) -> bytes:
    found = array(_TYPES[width], column)
    if sys.byteorder == "big":
        found.byteswap()
    return found.tobytes()


def read_column(connection: apsw.Connection, number: int, place: int) -> "array[int]":
    """One column of a chunk, sorted by time; `seq` is counted from the chunk's first."""
    data = connection.execute(_CELL, (number * PLACES + place,)).get or b""
    count: int = connection.execute(_COUNT, (number,)).get
    return _unpacked(data, len(data) // count if count else 1)


def _unpacked(data: bytes, width: int) -> "array[int]":
    found = array(_TYPES[width])
    found.frombytes(data)
    if sys.byteorder == "big":
        found.byteswap()
    return found
