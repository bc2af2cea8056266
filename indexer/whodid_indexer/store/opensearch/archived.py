"""An index of OpenSearch on its way into an archive, and only what is in there deleted.

    mark      how far each shard has got, then everything until there made visible, counted
    archive   a point in time of the index, in the order of time; as many records as were counted
    close     the index takes no more records, for the moment that the next two take
    compare   each shard is still there, and as many records as are archived: else it is archived anew
    delete    (the caller's)

A record that arrives while its index is archived is so either in the archive or keeps the index.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import msgspec

from whodid_indexer.archive.writer import Archive, Kept, Leaving
from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_indexer.store.opensearch.scan import Scans
from whodid_schema.errors import StateError, StoreUnreachable

TRIES = 3

_BLOCK = "index.blocks.write"


class _Identified(msgspec.Struct):
    id: str


_identified = msgspec.json.Decoder(_Identified).decode

Marks = dict[str, int]
"""Shard → the number of the last thing that was done to it."""


@contextlib.contextmanager
def archived(client: Client, archive: Archive, leaving: Leaving) -> Iterator[Kept | None]:
    """Archive the index `leaving.what`; inside, nothing is written to it, and all of it is in the archive.

    None where it has no records. What ends the block in an error gives the index back as it was.
    Raises StateError where records keep coming, WhodidError where it cannot be archived.
    """
    for _ in range(TRIES):
        before = marks(client, leaving.what)
        kept = archive.keep(leaving, _records(client, leaving.what))
        with standing_still(client, leaving.what):
            if marks(client, leaving.what) == before:
                _check(client, leaving.what, 0 if kept is None else kept.records)
                yield kept
                return
    raise StateError(f"index {leaving.what} takes records while it is archived; nothing of it is deleted", "try again")


def marks(client: Client, index: str) -> Marks:
    """How far the shards are. Raises StoreUnreachable where not all of them say."""
    answer: dict[str, Any] = client.json("GET", f"/{index}/_stats/docs", params={"level": "shards"})
    shards: dict[str, list[dict[str, Any]]] = answer["indices"].get(index, {}).get("shards", {})
    found = {
        shard: each["seq_no"]["max_seq_no"] for shard, copies in shards.items() for each in copies if _is_first(each)
    }
    if not found or answer["_shards"]["failed"]:
        raise StoreUnreachable(f"{index}: not all of its shards answer", "nothing of it is deleted; mend it first")
    return found


def _is_first(copy: dict[str, Any]) -> bool:
    return bool(copy["routing"]["primary"])


def _records(client: Client, index: str) -> Iterator[tuple[str, bytes]]:
    client.json("POST", f"/{index}/_refresh")
    scans = Scans(client, index)
    try:
        for body in scans.scan({"match_all": {}}, ascending=True):
            yield _id_of(body), body
    finally:
        scans.close()


def _id_of(body: bytes) -> str:
    try:
        return _identified(body).id
    except msgspec.DecodeError as error:
        raise StateError(f"a record without an id cannot be archived, and its index stays: {error}") from error


def _check(client: Client, index: str, archived: int) -> None:
    """Raises StateError where the archive has not as many records as the index."""
    counted: int = client.json("GET", f"/{index}/_count")["count"]
    if archived != counted:
        raise StateError(
            f"index {index} has {counted:,} records, {archived:,} could be archived; it stays", "look at it"
        )


@contextlib.contextmanager
def standing_still(client: Client, index: str) -> Iterator[None]:
    """Inside, no record is written to the index; afterwards again, if it is still there."""
    client.json("PUT", f"/{index}/_block/write")
    try:
        yield
    finally:
        _open(client, index)


def _open(client: Client, index: str) -> None:
    """Let records in again, where the index is still there."""
    try:
        client.json("PUT", f"/{index}/_settings", {_BLOCK: None})
    except Refused as error:
        if error.status != 404:
            raise
