"""Whether an id may be stored already: a filter in memory, so that only few ids must be looked for in the file.

`fx` finds a duplicate by its time and id. An event that comes again under another time, because a profile has learnt
to read it better, it does not find; an index of the ids alone would cost each record a page of its own in the log.
So: two to four bytes of memory a record, three bits set by 64 bits of each id. "No" is certain; "maybe" is wrong for
one in two hundred at most, and costs a look-up of a tenth of a millisecond. The filter is made when that many look-ups
would have cost more: who opens a large file for one record never makes it.
"""

import apsw

_PER_RECORD = 16
_LEAST = 1 << 20
_MOST = 1 << 29
"""Bits: 64 MiB, from 33 million records on; beyond that "maybe" is wrong more often, and all stays right."""

_WORTH = 300
"""So many records are read in the time of one look-up."""

_LAST = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'"
_ALL = "SELECT idh FROM event INDEXED BY fx"
_NEW = "SELECT idh FROM event WHERE seq > ?"


class Ids:
    """The filter over one file's committed records."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._seq = -1
        self._asked = 0
        self._bits = bytearray()
        self._mask = 0

    def catch_up(self, coming: int) -> None:
        """Take in what was committed since the last time, by this process or another; at first everything.

        `coming` is how many ids will be asked for now.
        """
        last: int = self._connection.execute(_LAST).get
        if last == self._seq:
            return
        self._asked += coming
        if not self._bits and self._asked * _WORTH < last:
            return
        size = min(_MOST, max(_LEAST, 1 << (_PER_RECORD * last).bit_length()))
        if 8 * len(self._bits) < size:
            self._bits = bytearray(size // 8)
            self._mask = size - 1
            rows = self._connection.execute(_ALL)
        else:
            rows = self._connection.execute(_NEW, (self._seq,))
        bits, mask = self._bits, self._mask
        for (high,) in rows:
            for place in (high & mask, high >> 17 & mask, high >> 34 & mask):
                bits[place >> 3] |= 1 << (place & 7)
        self._seq = last

    def maybe(self, high: int) -> bool:
        """Whether a record whose id has this upper half may be stored."""
        if not self._bits:
            return True
        bits, mask = self._bits, self._mask
        one, two, three = high & mask, high >> 17 & mask, high >> 34 & mask
        return bool(bits[one >> 3] >> (one & 7) & bits[two >> 3] >> (two & 7) & bits[three >> 3] >> (three & 7) & 1)
