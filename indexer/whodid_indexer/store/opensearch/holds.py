"""The legal holds of a cluster, documents of `.whodid-state`, and what makes them hold.

    add       `_meta` says that a hold is active (agents expire nothing on arrival) ─► the hold ─► ISM lets go
    release   the hold ─► `_meta` ─► ISM has its indices back

Between the last look at the holds and an index's deletion no hold can slip: `going` says first that an index goes, then
looks; who adds a hold writes it first, then waits for what is going. So one of the two sees the other.

While a hold is active ISM deletes nothing at all, because it asks no questions: `retention apply` does, and before each
index that is due counts what the holds find in it.
"""

import contextlib
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from whodid_indexer.holds.hold import Hold, active, cannot_tell, named, released
from whodid_indexer.store.opensearch.compile import Clause, compile_query
from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_indexer.store.opensearch.policies import check_handed, plan_policies
from whodid_indexer.store.opensearch.setup import own_indices, stored_template
from whodid_indexer.store.opensearch.state import STATE, delete_state, make_state, read_state, write_state
from whodid_indexer.store.opensearch.template import PATTERN
from whodid_schema.bulk import TEMPLATE_PATH
from whodid_schema.errors import BadQuery, NotAllowed, StateError, StoreUnreachable
from whodid_schema.meta import Meta, read_meta, sealed

_KIND = "hold"
_GOING = "going"
_PATIENCE = 60.0
"""Seconds that a deletion may take; what is said to be going for longer was left behind by a crash."""

_LOOK = 0.1
_INDICES = 10_000


def read_holds(client: Client, meta: Meta) -> list[Hold]:
    """Every hold there is or was, the oldest first.

    Raises StateError where the document says that one is active and none is found: they were lost, with their index.
    """
    found = _stored(client)
    if not found and meta.hold:
        raise StateError(
            f"{client.url}: a hold is active, and the index {STATE} has none: nothing is deleted",
            "restore that index from a snapshot, or add the holds anew",
        )
    return found


def _stored(client: Client) -> list[Hold]:
    found = [msgspec.convert(kept.body, Hold) for kept in read_state(client, _KIND)]
    return sorted(found, key=lambda hold: (hold.at, hold.name))


def matching(hold: Hold) -> Clause:
    """What the hold asks of the cluster. Raises StateError where that cannot be asked."""
    try:
        return compile_query(hold.asked())
    except BadQuery as error:
        raise cannot_tell(hold, error) from error


def count_by_index(client: Client, hold: Hold) -> dict[str, int]:
    """How many records it covers in each open index. Raises StateError where the cluster cannot tell."""
    body = {"query": matching(hold), "aggs": {"index": {"terms": {"field": "_index", "size": _INDICES}}}}
    answer = _asked(client, hold, PATTERN, body)
    nothing: dict[str, Any] = {"index": {"buckets": []}}  # what is said where there is no index
    buckets = answer.get("aggregations", nothing)["index"]["buckets"]
    return {bucket["key"]: bucket["doc_count"] for bucket in buckets}


def keeps(client: Client, holds: Sequence[Hold], index: str) -> bool:
    """Whether a hold finds anything in the index as it is now. Raises StateError where the cluster cannot tell."""
    if not holds:
        return False
    try:
        client.json("POST", f"/{index}/_refresh")
    except Refused as error:
        raise cannot_tell(holds[0], error) from error
    return any(_asked(client, hold, index, {"query": matching(hold)})["hits"]["total"]["value"] for hold in holds)


@contextlib.contextmanager
def going(client: Client, index: str) -> Iterator[None]:
    """Inside, the holds are looked at for the last time and the index is deleted; see the module."""
    make_state(client)
    name = f"{index}-{secrets.token_hex(4)}"
    write_state(client, _GOING, name, {"since": datetime.now(UTC).isoformat()})
    try:
        yield
    finally:
        delete_state(client, _GOING, name)


def _let_pass(client: Client) -> None:
    """Wait for the deletions that may have begun before the hold could be seen."""
    ends = time.monotonic() + _PATIENCE
    while (found := read_state(client, _GOING)) and time.monotonic() < ends:
        time.sleep(_LOOK)
    for kept in found:
        delete_state(client, _GOING, kept.name)


def _asked(client: Client, hold: Hold, where: str, body: Mapping[str, Any]) -> Any:
    whole = {"allow_partial_search_results": "false", "expand_wildcards": "open,hidden"}
    try:
        answer = client.json("POST", f"/{where}/_search", {"size": 0, "track_total_hits": True, **body}, whole)
    except Refused as error:
        raise cannot_tell(hold, error) from error
    if answer["timed_out"] or answer["_shards"]["failed"]:
        raise cannot_tell(hold, StoreUnreachable("not all shards answer"))
    return answer


def settle(
    client: Client, holds: Iterable[Hold], now: datetime, *, deletes: bool, repository: str | None = None
) -> None:
    """Let `_meta` and the ISM policies say whether a hold is active; see `plan_policies` for the rest."""
    meta = say_hold(client, held=bool(active(holds, now)))
    indices = own_indices(client)
    for _ in range(2):  # changed policies first; which indices still go by an older one is seen then
        for step in plan_policies(client, meta, indices, deletes=deletes, repository=repository).steps:
            check_handed(step, client.json(step.method, step.path, step.after))


def say_hold(client: Client, *, held: bool) -> Meta:
    """The document, which says from now on whether a hold is active."""
    body = stored_template(client)
    if body is None:
        raise StoreUnreachable(f"{client.url} is not set up", "run whodid setup")
    meta = read_meta(body["_meta"])
    if meta.hold != held:
        meta = sealed(msgspec.structs.replace(meta, hold=held))
        client.json("PUT", TEMPLATE_PATH, {**body, "_meta": msgspec.to_builtins(meta)})
    return meta


class ClusterHolds:
    """The Holds of one cluster, whose client somebody else closes. The others as in `retire`."""

    def __init__(self, client: Client, *, deletes_by_ism: bool = True, repository: str | None = None) -> None:
        self._client = client
        self._deletes = deletes_by_ism
        self._repository = repository

    def all(self) -> list[Hold]:
        """See Holds. Raises what the cluster answers, as all three."""
        return _stored(self._client)

    def add(self, hold: Hold) -> None:
        """See Holds. Where ISM cannot be told the hold is in force for everything else, and the error says so."""
        make_state(self._client)
        now = datetime.now(UTC)
        there = self.all()
        hold = named(hold, there, now)
        say_hold(self._client, held=True)
        write_state(self._client, _KIND, hold.name, msgspec.to_builtins(hold))
        self._settle([*there, hold], now, f"the hold {hold.name} is kept")
        _let_pass(self._client)

    def release(self, name: str, by: str, reason: str, now: datetime) -> Hold:
        """See Holds."""
        hold = released(self.all(), name, by, reason, now)
        before = next(kept for kept in read_state(self._client, _KIND) if kept.name == name)
        write_state(self._client, _KIND, name, msgspec.to_builtins(hold), before)
        self._settle(self.all(), now, f"the hold {name} is released")
        return hold

    def _settle(self, holds: Iterable[Hold], now: datetime, done: str) -> None:
        try:
            settle(self._client, holds, now, deletes=self._deletes, repository=self._repository)
        except (NotAllowed, StoreUnreachable, StateError) as error:
            raise StateError(
                f"{done}, but Index State Management could not be told: {error.message}",
                "run whodid retention apply once that is mended; until then ISM goes by what it was told before",
            ) from error
