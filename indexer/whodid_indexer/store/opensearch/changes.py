"""The change feed: what has arrived since a cursor, by the numbers that every shard gives its operations (`_seq_no`).

A number is given before the document is written, so while several write, number 9 can become visible before number 8.
Reading "what is newer than the last one seen" would miss 8 for ever. So each shard is read only up to its *global
checkpoint*, below which every operation is on every copy, in this order:

    1. ask for the checkpoints      _stats
    2. refresh                      what lies at or below them becomes visible
    3. read (place, checkpoint]     from the primary, whose checkpoint it was

What a writer is about to make visible lies above the checkpoint and is read the next time. Numbers that have no
document (operations that failed) are gaps; the place goes past them with the checkpoint.

Within a shard the order is that of arrival. Between shards there is none: a call reads from a few of those that have
something, and the cursor says with which to go on, so that a busy one does not hold up the others.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from whodid_indexer.store.base import Changes, Stored
from whodid_indexer.store.opensearch.asking import ALIAS, meant, unknown
from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_indexer.store.opensearch.cursor import Cursor, Shard, around, read, write
from whodid_indexer.store.opensearch.hits import Hit, TooMuch, read_parts
from whodid_schema.errors import StoreUnreachable, UsageError

AT_ONCE = 8
"""Shards that a call reads from."""

_MOST = 10_000
"""Records that one search answers with (`index.max_result_window`)."""

_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between looks at shards that do not answer: those of a new index do within a second."""

_ASKED = "indices.*.uuid,indices.*.shards.*.routing.primary,indices.*.shards.*.seq_no"


class State(NamedTuple):
    """A shard as it stands: its index's name, the highest number given, the checkpoint."""

    name: str
    highest: int
    checkpoint: int


class Feed:
    """The feed of the cluster with this uuid."""

    def __init__(self, client: Client, cluster: str) -> None:
        self._client = client
        self._cluster = cluster

    def now(self) -> str:
        """The cursor behind everything below the checkpoints, all of which a search that follows finds.

        Raises StoreUnreachable where a shard does not answer: all that it has would count as new when it is back. One
        of an index that was only just made is waited for.
        """
        for pause in (*_PAUSES, 0.0):
            states = self._states()
            silent = [uuid for uuid, shards in self._indices().items() if any(one not in states for one in shards)]
            if not silent:
                break
            time.sleep(pause)
        else:
            raise StoreUnreachable(
                f"{self._client.url}: {len(silent)} of the store's indices do not answer with all their shards",
                "look at GET /_cluster/health",
            )
        if states:
            self._refresh({state.name for state in states.values()})
        return write(Cursor(self._cluster, {shard: state.checkpoint for shard, state in states.items()}))

    def changes(self, after: str | None, limit: int) -> Changes:
        """Up to `limit` records behind the cursor. Raises UsageError for a cursor that is not of this store."""
        cursor = Cursor(self._cluster, {}) if after is None else read(after, self._cluster)
        states = self._states()
        cursor = self._kept(cursor, states)
        waiting = _waiting(cursor, states)
        chosen = waiting[: min(AT_ONCE, limit)]
        if not chosen:
            return Changes([], write(cursor) if after is None else after)
        share = min(limit // len(chosen), _MOST)
        while True:
            try:
                found = self._read(cursor, states, chosen, share)
                break
            except TooMuch:
                if share == 1:
                    raise
                share = max(1, share // 4)
        return _put_together(cursor, states, waiting, dict(zip(chosen, found, strict=True)), share)

    def _states(self) -> dict[Shard, State]:
        """Every shard whose primary is there; none where there is no index yet."""
        try:
            answer = self._client.json(
                "GET", f"/{ALIAS}/_stats/docs", params={"level": "shards", "filter_path": _ASKED}
            )
        except Refused as error:
            if unknown(error):
                return {}
            raise meant(error) from error
        states: dict[Shard, State] = {}
        for name, index in answer.get("indices", {}).items():
            for number, copies in index.get("shards", {}).items():
                for copy in copies:
                    if copy["routing"]["primary"] and "seq_no" in copy:
                        numbers = copy["seq_no"]
                        state = State(name, numbers["max_seq_no"], numbers["global_checkpoint"])
                        states[Shard(index["uuid"], int(number))] = state
        return states

    def _kept(self, cursor: Cursor, states: Mapping[Shard, State]) -> Cursor:
        """The cursor without the indices that retention has deleted; those that only do not answer now are kept."""
        for shard, state in states.items():
            if cursor.place(shard) > state.highest:
                raise UsageError(
                    "the cursor lies ahead of this store: an older copy of it was restored",
                    "leave it out to start from the beginning",
                )
        silent = {shard.uuid for shard in cursor.places} - {shard.uuid for shard in states}
        if not silent:
            return cursor
        gone = silent - self._indices().keys()
        places = {shard: place for shard, place in cursor.places.items() if shard.uuid not in gone}
        return cursor._replace(places=places)

    def _indices(self) -> dict[str, list[Shard]]:
        """The shards of every index that exists, whether they answer or not."""
        answer = self._client.find(f"/{ALIAS}/_settings/index.uuid,index.number_of_shards") or {}
        settings = [index["settings"]["index"] for index in answer.values()]
        return {one["uuid"]: [Shard(one["uuid"], n) for n in range(int(one["number_of_shards"]))] for one in settings}

    def _refresh(self, indices: set[str]) -> None:
        """What is written to these indices can be found."""
        names = ",".join(sorted(indices)) if len(indices) <= AT_ONCE else ALIAS  # a URL takes no more of them
        refreshed = self._client.json("POST", f"/{names}/_refresh")
        if refreshed["_shards"]["failed"]:
            raise StoreUnreachable(f"{self._client.url} could not refresh {names}", "look at its log")

    def _read(
        self, cursor: Cursor, states: Mapping[Shard, State], chosen: Sequence[Shard], share: int
    ) -> list[list[Hit]]:
        """What each of the shards has between its place and its checkpoint, at most `share` records."""
        self._refresh({states[shard].name for shard in chosen})
        lines: list[bytes] = []
        for shard in chosen:
            state = states[shard]
            lines += map(msgspec.json.encode, _search(shard, state, cursor.place(shard), share))
        try:
            return read_parts(self._client.ask("POST", "/_msearch", b"\n".join(lines) + b"\n"))
        except Refused as error:
            raise meant(error) from error


def _search(shard: Shard, state: State, place: int, share: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two lines of a search of one shard."""
    header = {
        "index": state.name,
        "preference": f"_shards:{shard.number}|_primary",
        "allow_partial_search_results": False,
    }
    body = {
        "query": {"range": {"_seq_no": {"gt": place, "lte": state.checkpoint}}},
        "sort": ["_seq_no"],
        "size": share,
        "track_total_hits": False,
    }
    return header, body


def _waiting(cursor: Cursor, states: Mapping[Shard, State]) -> list[Shard]:
    """The shards that have something to read, in a fixed order that begins with the one whose turn it is."""
    waiting = sorted(shard for shard, state in states.items() if state.checkpoint > cursor.place(shard))
    if cursor.turn is None:
        return waiting
    turn = cursor.turn
    return [shard for shard in waiting if shard >= turn] + [shard for shard in waiting if shard < turn]


def _put_together(
    cursor: Cursor,
    states: Mapping[Shard, State],
    waiting: Sequence[Shard],
    found: Mapping[Shard, Sequence[Hit]],
    share: int,
) -> Changes:
    """The records shard by shard, each with the cursor behind it."""
    records: list[Stored] = []
    places = dict(cursor.places)
    behind = ""
    for number, (shard, hits) in enumerate(found.items(), 1):
        before, after = around(Cursor(cursor.cluster, places, shard), shard)
        records += [Stored(hit.body, f"{before}{hit.sort[0]}{after}") for hit in hits]
        places[shard] = states[shard].checkpoint if len(hits) < share else hits[-1].sort[0]
        left = [each for each in (*waiting[number:], *waiting[:number]) if _waits(each, places, states)]
        behind = write(Cursor(cursor.cluster, places, left[0] if left else None))
        if records:
            records[-1] = records[-1]._replace(cursor=behind)
    return Changes(records, behind)


def _waits(shard: Shard, places: Mapping[Shard, int], states: Mapping[Shard, State]) -> bool:
    return states[shard].checkpoint > places.get(shard, -1)
