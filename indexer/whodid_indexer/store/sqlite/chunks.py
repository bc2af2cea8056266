"""Columns beside the rows: what facets, statistics and broad questions count, without touching a row.

    chunk k   the records with SIZE·k < seq ≤ SIZE·(k+1), sorted by time: `n` of them, from `lo` to `hi`
    cell      one column of a chunk, at 16·k + its place in COLUMNS: numbers of one width, little-endian, one a record;
              ts has eight bytes, the others as few as the chunk's greatest number needs (1, 2 or 4)
              `seq` is counted from SIZE·k

A chunk is written in the transaction that fills it; what is behind the last chunk is read from `event`. What is
deleted from `event` is taken out of its chunk in the same transaction (`forget_rows`). 19 bytes a record, 1.6 µs to
write; to take something out of a chunk costs 13 ms, however little it is.
"""

import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable
from itertools import compress
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
        columns = [read_column(connection, number, place) for place in range(len(COLUMNS))]
        kept = [seq not in gone[number] for seq in columns[1]]
        if not all(kept):
            _write(connection, number, [array("q", compress(column, kept)) for column in columns])


def _write(connection: apsw.Connection, number: int, columns: list["array[int]"]) -> None:
    """Put a chunk in place of what there was; an empty one has no cells."""
    times = columns[0]
    lo, hi = (times[0], times[-1]) if times else (0, 0)
    connection.execute("INSERT OR REPLACE INTO chunk VALUES (?, ?, ?, ?)", (number, len(times), lo, hi))
    cells = range(number * PLACES, number * PLACES + len(COLUMNS))
    if times:
        packed = [_packed(column, 8 if place == 0 else _width(column)) for place, column in enumerate(columns)]
        connection.executemany("INSERT OR REPLACE INTO cell VALUES (?, ?)", zip(cells, packed, strict=True))
    else:
        connection.execute("DELETE FROM cell WHERE id BETWEEN ? AND ?", (cells[0], cells[-1]))


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
    count: int = connection.execute("SELECT n FROM chunk WHERE id = ?", (number,)).get
    found = array(_TYPES[len(data) // count if count else 1])
    found.frombytes(data)
    if sys.byteorder == "big":
        found.byteswap()
    return found
