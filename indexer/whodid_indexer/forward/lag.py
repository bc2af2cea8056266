"""How far a bookmark lies behind its store: records, at most, and for how long the oldest of them has waited."""

from typing import NamedTuple

from whodid_indexer.store.base import Reader
from whodid_indexer.store.opensearch.cursor import read
from whodid_schema import timestamp
from whodid_schema.record import decode
from whodid_schema.timestamp import to_micros


class Lag(NamedTuple):
    """`records` that wait, at most (numbers of deleted ones count); `seconds` since the oldest was received."""

    records: int
    seconds: float


def behind(cursor: str, now: str) -> int:
    """How many places of the feed lie between two cursors of one store, of SQLite or of OpenSearch."""
    form, _, rest = now.partition("~")
    if not rest:
        return max(0, int(now.partition("-")[0]) - int(cursor.partition("-")[0]))
    if not cursor.startswith(f"{form}~"):
        return 0
    cluster = rest.partition("~")[0]
    before, after = read(cursor, cluster), read(now, cluster)
    return sum(max(0, place - before.place(shard)) for shard, place in after.places.items())


def lag_of(reader: Reader, cursor: str | None) -> Lag:
    """The lag of a bookmark. Raises what the store raises."""
    first = reader.changes(cursor, 1).records
    if not first:
        return Lag(0, 0.0)
    received = decode(first[0].body).received_at
    waited = (to_micros(timestamp.now()) - to_micros(received)) / 1e6 if received else 0.0
    return Lag(behind(first[0].cursor, reader.now()) + 1, max(0.0, waited))
