"""All records that match as of one moment, also where reading them is interrupted and goes on later.

The moment is a cursor of the change feed: what arrived behind it does not belong. What is scanned and what is counted
are of a moment each, a little later; so what arrived in between is asked for, and where something matching did, the
three are asked again. Where it keeps arriving faster than that, it is left out by its id, and the number promised is a
range. Going on behind a place is the same: the time range is cut to what is left, and what arrived since is left out.
"""

import itertools
from collections.abc import Generator, Iterator
from typing import NamedTuple

import msgspec

from whodid_indexer.export.match import matcher
from whodid_indexer.query.model import ALL, AuditQuery
from whodid_indexer.store.base import Key, Reader
from whodid_schema.errors import WhodidError
from whodid_schema.record import decode
from whodid_schema.timestamp import to_micros

TRIES = 3

MOST_LATE = 200_000
"""Records that may have arrived since and have to be left out; their ids are held in memory."""

_BATCH = 1_000


class Snapshot(NamedTuple):
    """`rows` are the matching records; there are at least `least` and at most `most` of them."""

    rows: Iterator[bytes]
    cursor: str
    least: int
    most: int


class _Placed(msgspec.Struct):
    timestamp: str = msgspec.field(name="@timestamp")
    id: str


_decode_placed = msgspec.json.Decoder(_Placed).decode


def place_of(body: bytes) -> Key:
    """Where the record stands in the time order."""
    placed = _decode_placed(body)
    return Key(to_micros(placed.timestamp), placed.id)


def take(reader: Reader, query: AuditQuery, *, ascending: bool) -> Snapshot:
    """The matching records as of now, and how many they are."""
    for left in reversed(range(TRIES)):
        cursor = reader.now()
        rows = reader.scan(query, ascending=ascending)
        first = next(rows, None)  # from here on it is of its moment
        number = reader.count(query)
        late = arrived(reader, query, cursor)
        if not late or not left:
            break
        if isinstance(rows, Generator):
            rows.close()
    begun = () if first is None else (first,)
    return Snapshot(_without(itertools.chain(begun, rows), late), cursor, number - len(late), number)


def go_on(reader: Reader, query: AuditQuery, cursor: str, after: Key | None, *, ascending: bool) -> Iterator[bytes]:
    """What of the snapshot with this cursor comes behind `after`. Raises WhodidError where too much has arrived."""
    rest = query if after is None else _behind(query, after, ascending=ascending)
    late = arrived(reader, rest, cursor)
    rows = _without(reader.scan(rest, ascending=ascending), late)
    if after is None:
        return rows
    place = after

    def written(body: bytes) -> bool:
        return place_of(body) <= place if ascending else place_of(body) >= place

    return itertools.dropwhile(written, rows)


def _behind(query: AuditQuery, after: Key, *, ascending: bool) -> AuditQuery:
    """The query from the place's microsecond on; what stands in it before the place is dropped by whoever reads."""
    if ascending:
        return msgspec.structs.replace(query, since=after.micros)
    return msgspec.structs.replace(query, until=after.micros + 1)


def arrived(reader: Reader, query: AuditQuery, cursor: str) -> frozenset[str]:
    """The ids of matching records that arrived behind the cursor. Raises WhodidError for more than `MOST_LATE`."""
    matches = matcher(query)
    found: set[str] = set()
    while True:
        changes = reader.changes(cursor, _BATCH)
        if not changes.records:
            return frozenset(found)
        cursor = changes.cursor
        for stored in changes.records:
            if query == ALL or matches(decode(stored.body)):
                found.add(place_of(stored.body).id)
        if len(found) > MOST_LATE:
            raise WhodidError(
                f"more than {MOST_LATE:,} matching records have arrived since the export began",
                "begin again, without --resume",
            )


def _without(rows: Iterator[bytes], late: frozenset[str]) -> Iterator[bytes]:
    if not late:
        return rows
    return (body for body in rows if place_of(body).id not in late)
