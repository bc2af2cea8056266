"""A place in the change feed as one word: up to where each shard of each index has been read.

    os1~CLUSTER~UUID:17,4~UUID:230,-1~@UUID:1
        │       │    └ shard 0 has been read up to operation 17, shard 1 up to 4; -1: nothing yet
        │       └ the index, by the identity that it got when it was made
        └ the cluster; in no other does the cursor mean anything

`@UUID:1` at the end: where to go on first, so that no shard waits behind those that always have something.
"""

from collections.abc import Mapping
from typing import NamedTuple

from whodid_schema.errors import UsageError

_FORM = "os1"


class Shard(NamedTuple):
    """A shard of the index that was made with this identity."""

    uuid: str
    number: int


class Cursor(NamedTuple):
    """Shard → number of the last operation that has been read; `turn` is the shard to go on with."""

    cluster: str
    places: Mapping[Shard, int]
    turn: Shard | None = None

    def place(self, shard: Shard) -> int:
        """The last operation that has been read of the shard; -1 for none."""
        return self.places.get(shard, -1)


def write(cursor: Cursor) -> str:
    """The cursor as one word."""
    return _written(cursor, {shard: str(place) for shard, place in cursor.places.items()})


def around(cursor: Cursor, shard: Shard) -> tuple[str, str]:
    """What stands in front of the place of a shard in the word, and behind it: for many places of one shard."""
    places = {each: str(place) for each, place in cursor.places.items()}
    before, _, after = _written(cursor, places | {shard: _GAP}).partition(_GAP)
    return before, after


_GAP = "?"


def _written(cursor: Cursor, places: Mapping[Shard, str]) -> str:
    rows: dict[str, list[str]] = {}
    for shard in sorted(places):
        row = rows.setdefault(shard.uuid, [])
        row += ["-1"] * (shard.number - len(row))
        row.append(places[shard])
    parts = [_FORM, cursor.cluster, *(f"{index}:{','.join(row)}" for index, row in rows.items())]
    if cursor.turn is not None:
        parts.append(f"@{cursor.turn.uuid}:{cursor.turn.number}")
    return "~".join(parts)


def read(text: str, cluster: str) -> Cursor:
    """What `write` was given. Raises UsageError for anything else, and for the cursor of another cluster."""
    form, *rest = text.split("~")
    if form != _FORM or not rest:
        raise UsageError(f"{text[:40]!r} is not a cursor of this store", "leave it out to start from the beginning")
    if rest[0] != cluster:
        raise UsageError("the cursor belongs to another cluster", "leave it out to start from the beginning")
    try:
        turn = _turn(rest.pop()) if rest[-1].startswith("@") else None
        places = {Shard(index, number): place for index, row in map(_row, rest[1:]) for number, place in row}
    except ValueError as error:
        raise UsageError(f"the cursor is damaged: {text[:40]!r}…", "take it as it was given") from error
    return Cursor(cluster, places, turn)


def _row(text: str) -> tuple[str, list[tuple[int, int]]]:
    index, mark, places = text.partition(":")
    if not (index and mark):
        raise ValueError(text)
    return index, list(enumerate(map(int, places.split(","))))


def _turn(text: str) -> Shard:
    index, _, number = text[1:].partition(":")
    return Shard(index, int(number))
