"""Whether an id may be stored already: a filter in memory, so that only few ids must be looked for in the file.

`fx` finds a duplicate by its time and id. An event that comes again under another time, because a profile has learnt
to read it better, it does not find; an index of the ids alone would cost each record a page of its own in the log.
So: two to four bytes of memory a record, three bits set by 64 bits of each id. "No" is certain; "maybe" is wrong for
one in two hundred at most, and costs a look-up of a tenth of a millisecond. The filter is made when that many look-ups
would have cost more: who opens a large file for one record never makes it.

It is made a part with each transaction, of all records in the order of `fx`, then of those that came meanwhile. At
once it would keep every writer waiting for half a microsecond a record: 3 s of five million, in one transaction.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import apsw

_PER_RECORD = 16
_LEAST = 1 << 20
_MOST = 1 << 29
"""Bits: 64 MiB, from 33 million records on; beyond that "maybe" is wrong more often, and all stays right."""

_WORTH = 1_000
"""So many records are read in the time of two or three look-ups: these keep a writer waiting more than a part does."""

_PART = 20_000
"""Records read in one transaction: 11 ms; of a larger one more, as its look-ups take longer too."""

_PART_EACH = 400

_MANY = 2_000
"""From so many ids on, numpy is worth its loading."""

_FIRST = -(1 << 63)

_LAST = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'"
_NEXT = "SELECT ts, idh FROM event INDEXED BY fx WHERE (ts, idh) > (?, ?) ORDER BY ts, idh LIMIT ?"
_NEW = "SELECT idh FROM event WHERE seq > ?"


class _Filter:
    """So many bits, a power of two."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._bits = bytearray(size // 8)

    def add(self, highs: Iterable[int]) -> None:
        """Ids, by their upper halves."""
        bits, mask = self._bits, self.size - 1
        for high in highs:
            for place in (high & mask, high >> 17 & mask, high >> 34 & mask):
                bits[place >> 3] |= 1 << (place & 7)

    def add_many(self, highs: Sequence[int]) -> None:
        """As `add`; of very many for a sixth of the time."""
        if len(highs) < _MANY:
            self.add(highs)
            return
        from whodid_indexer.store.sqlite.arrays import np  # noqa: PLC0415  numpy only where there is much to do

        bits, found = np.frombuffer(self._bits, np.uint8), np.array(highs, np.int64)
        for shift in (0, 17, 34):
            places = found >> shift & (self.size - 1)
            np.bitwise_or.at(bits, places >> 3, (1 << (places & 7)).astype(np.uint8))

    def maybe(self, high: int) -> bool:
        """Whether this one may have been added."""
        bits, mask = self._bits, self.size - 1
        place = high & mask
        if not bits[place >> 3] >> (place & 7) & 1:
            return False  # as of nearly every new one: the other two need not be fetched from memory
        two, three = high >> 17 & mask, high >> 34 & mask
        return bool(bits[two >> 3] >> (two & 7) & bits[three >> 3] >> (three & 7) & 1)


class _Making:
    """A filter that is being made: it has all up to `place` in `fx`; what came after number `since` it may not have."""

    def __init__(self, size: int, since: int) -> None:
        self.filter = _Filter(size)
        self.since = since
        self.place = _FIRST, _FIRST


class Ids:
    """The filter over one file's committed records."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._seq = -1
        self._asked = 0
        self._filter: _Filter | None = None
        self._making: _Making | None = None

    def catch_up(self, coming: int) -> None:
        """Take in what was committed since the last time, by this process or another; at first a part of everything.

        `coming` is how many ids will be asked for now.
        """
        last: int = self._connection.execute(_LAST).get
        self._asked += coming
        if self._filter is not None and last != self._seq:
            self._filter.add_many(list(self._since(self._seq)))
            self._seq = last
        if self._making is None and (self._filter is not None or self._asked * _WORTH >= last):
            size = min(_MOST, max(_LEAST, 1 << (_PER_RECORD * last).bit_length()))
            if self._filter is None or self._filter.size < size:
                self._making = _Making(size, last)
        if self._making is not None:
            self._make(self._making, max(_PART, _PART_EACH * coming), last)

    def maybe(self, high: int) -> bool:
        """Whether a record whose id has this upper half may be stored."""
        return self._filter is None or self._filter.maybe(high)

    def _make(self, making: _Making, part: int, last: int) -> None:
        rows: Any = self._connection.execute(_NEXT, (*making.place, part)).fetchall()
        making.filter.add_many([high for _, high in rows])
        if len(rows) == part:
            making.place = rows[-1]
        else:
            making.filter.add(self._since(making.since))
            self._filter, self._seq, self._making = making.filter, last, None

    def _since(self, seq: int) -> Iterable[int]:
        rows: Any = self._connection.execute(_NEW, (seq,))
        return (high for (high,) in rows)
