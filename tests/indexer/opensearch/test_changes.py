"""The change feed of a real OpenSearch: nothing is missed and nothing comes twice, whoever writes meanwhile."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from support.indexing import index, set_up
from support.opensearch.server import Server
from support.records import identifier, item, stamp
from whodid_indexer.store.base import Item, Stored
from whodid_indexer.store.opensearch import changes
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import connect
from whodid_indexer.store.opensearch.cursor import Cursor, Shard, around, read, write
from whodid_indexer.store.opensearch.read import OpenSearchReader
from whodid_schema.errors import StoreUnreachable, UsageError
from whodid_schema.record import Record, decode

NOVEMBER = 1_795_000_000_000_000
OCTOBER = NOVEMBER - 28 * 86_400_000_000
TWO_SHARDS = {"settings": {"number_of_shards": 2, "number_of_replicas": 0}}


def made(number: int, micros: int = NOVEMBER, surface: str = "activity") -> Item:
    time = stamp(micros + number)
    return item(Record(timestamp=time, received_at=time, id=identifier(number), surface=surface))


def ids(records: Sequence[Stored]) -> list[str | None]:
    return [decode(record.body).id for record in records]


def everything(reader: OpenSearchReader, after: str | None, limit: int = 100) -> tuple[list[str | None], str]:
    """All that has arrived behind the cursor, and the cursor behind it."""
    seen: list[str | None] = []
    while (found := reader.changes(after, limit)).records:
        seen += ids(found.records)
        after = found.cursor
    return seen, found.cursor


@pytest.fixture
def reader(opensearch: Server) -> Iterator[OpenSearchReader]:
    set_up(opensearch)
    with closing(OpenSearchReader(*connect(opensearch.url, Access()))) as opened:
        yield opened


def test_eight_writers_and_a_late_one_lose_nothing_to_a_reader_beside_them(
    opensearch: Server, reader: OpenSearchReader
) -> None:
    for name in ("whodid-activity-2026-11", "whodid-authentication-2026-11"):
        opensearch.request("PUT", f"/{name}", TWO_SHARDS)
    written: list[str] = []

    def write_some(writer: int) -> None:
        month, surface = (OCTOBER if writer == 8 else NOVEMBER), ("activity", "authentication")[writer % 2]
        for batch in range(25):
            items = [made(writer * 10_000 + batch * 20 + number, month, surface) for number in range(20)]
            assert set(index(opensearch, items, refresh=False)) == {201}
            written.extend(one.id for one in items)

    seen: list[str | None] = []
    cursor = reader.now()
    with ThreadPoolExecutor(9) as pool:
        jobs = [pool.submit(write_some, writer) for writer in range(9)]
        while not all(job.done() for job in jobs):
            some, cursor = everything(reader, cursor, 70)
            seen += some
        for job in jobs:
            job.result()
    some, cursor = everything(reader, cursor)
    seen += some
    assert sorted(map(str, seen)) == sorted(written)
    assert cursor == reader.now()


def test_what_is_above_the_checkpoint_waits_until_it_is_below(
    opensearch: Server, reader: OpenSearchReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number that is given while the one before it is not yet visible: as the cluster would say it in between."""
    index(opensearch, [made(number) for number in range(10)])
    real = changes.Feed._states

    def earlier(self: changes.Feed) -> dict[Shard, changes.State]:
        return {shard: state._replace(checkpoint=3) for shard, state in real(self).items()}

    with monkeypatch.context() as patch:
        patch.setattr(changes.Feed, "_states", earlier)
        first, cursor = everything(reader, None)
        assert first == [identifier(number) for number in range(4)]
        assert everything(reader, cursor) == ([], cursor)
    assert everything(reader, cursor)[0] == [identifier(number) for number in range(4, 10)]


def test_a_busy_shard_does_not_hold_up_the_others(opensearch: Server, reader: OpenSearchReader) -> None:
    surfaces = ["activity", "authentication", "delivery", "api_request", "audit"]
    index(opensearch, [made(number, surface=surfaces[number % 5]) for number in range(25)])
    cursor: str | None = None
    seen: list[str | None] = []
    for number in range(15):
        found = reader.changes(cursor, 2)
        seen += ids(found.records)
        cursor = found.cursor
        index(opensearch, [made(1_000 + number * 10 + one, surface="activity") for one in range(4)])
    assert {identifier(number) for number in range(25) if number % 5} <= set(seen)
    assert len(seen) == len(set(seen))


def test_an_index_that_comes_later_is_read_from_its_beginning(opensearch: Server, reader: OpenSearchReader) -> None:
    assert everything(reader, None)[0] == []
    index(opensearch, [made(1)])
    cursor = reader.now()
    index(opensearch, [made(2, OCTOBER), made(3)])
    seen, cursor = everything(reader, cursor)
    assert sorted(map(str, seen)) == sorted([identifier(2), identifier(3)])
    assert everything(reader, cursor)[0] == []


def test_a_deleted_index_leaves_the_cursor_and_the_rest_goes_on(opensearch: Server, reader: OpenSearchReader) -> None:
    index(opensearch, [made(1), made(2, OCTOBER)])
    before = reader.now()
    opensearch.request("DELETE", "/whodid-activity-2026-10")
    index(opensearch, [made(3)])
    seen, after = everything(reader, before)
    assert seen == [identifier(3)]
    assert len(after) < len(before)


def test_an_index_that_does_not_answer_keeps_its_place(opensearch: Server, reader: OpenSearchReader) -> None:
    """It never did: a node takes a shard back that it has the data of, whatever its settings forbid."""
    name = "whodid-activity-2026-10"
    index(opensearch, [made(1)])
    form, cluster, rows = reader.now().split("~")
    nowhere = {"settings": {"index.routing.allocation.require.name": "nobody", "number_of_replicas": 0}}
    opensearch.request("PUT", f"/{name}?wait_for_active_shards=0&timeout=1s", nowhere)
    uuid = opensearch.request("GET", f"/{name}/_settings")[name]["settings"]["index"]["uuid"]
    index(opensearch, [made(3)], refresh=False)
    seen, cursor = everything(reader, f"{form}~{cluster}~{rows}~{uuid}:0")
    assert seen == [identifier(3)]
    assert read(cursor, cluster).place(Shard(uuid, 0)) == 0
    with pytest.raises(StoreUnreachable, match="1 of the store's indices"):
        reader.now()
    opensearch.request("PUT", f"/{name}/_settings", {"index.routing.allocation.require.name": None})
    opensearch.request("GET", f"/_cluster/health/{name}?wait_for_status=green&timeout=20s")
    index(opensearch, [made(2, OCTOBER)])
    assert everything(reader, cursor) == ([], cursor)  # operation 0, which the cursor has behind it
    index(opensearch, [made(4, OCTOBER)])
    assert everything(reader, cursor)[0] == [identifier(4)]


def test_a_duplicate_is_no_change(opensearch: Server, reader: OpenSearchReader) -> None:
    index(opensearch, [made(1)])
    cursor = reader.now()
    assert index(opensearch, [made(1)]) == [409]
    assert everything(reader, cursor)[0] == []


def test_two_readers_at_a_time_do_not_disturb_each_other(opensearch: Server, reader: OpenSearchReader) -> None:
    index(opensearch, [made(number) for number in range(300)])
    seen: dict[int, list[str | None]] = {}

    def follow(number: int) -> None:
        with closing(OpenSearchReader(*connect(opensearch.url, Access()))) as own:
            seen[number] = everything(own, None, 30)[0]

    threads = [threading.Thread(target=follow, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen[0] == seen[1] == [identifier(number) for number in range(300)]


def test_the_cursor_of_another_cluster_or_of_a_lost_past_is_refused(
    opensearch: Server, reader: OpenSearchReader
) -> None:
    index(opensearch, [made(1)])
    form, cluster, rows = reader.now().split("~")
    with pytest.raises(UsageError, match="another cluster"):
        reader.changes(f"{form}~{'A' * 22}~{rows}")
    with pytest.raises(UsageError, match="ahead"):
        reader.changes(f"{form}~{cluster}~{rows.partition(':')[0]}:99")


@pytest.mark.parametrize(
    "damaged", ["os1~c~x", "os1~c~x:", "os1~c~x:a", "os1~c~:1", "os1~c~x:1~@x:", "os1~c~x:1~@", "os1"]
)
def test_a_damaged_cursor_is_refused(damaged: str) -> None:
    with pytest.raises(UsageError, match="cursor"):
        read(damaged, "c")


def test_a_cursor_is_read_as_it_was_written() -> None:
    for turn in (None, Shard("b-1", 2)):
        cursor = Cursor("c", {Shard("a_", 0): 17, Shard("a_", 1): 4, Shard("b-1", 0): -1, Shard("b-1", 2): 5}, turn)
        again = read(write(cursor), "c")
        assert (again.turn, again.place(Shard("b-1", 1))) == (turn, -1)
        assert {shard: again.place(shard) for shard in cursor.places} == cursor.places
        assert "9".join(around(cursor, Shard("a_", 1))) == write(cursor).replace("17,4", "17,9")
