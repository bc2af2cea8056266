"""What every Writer must do. A subclass gives `writer`, and `recount`: all records that are stored, whoever asks."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from support.records import identifier, item, records, stamp
from whodid_indexer.store.base import Item, Writer
from whodid_schema.bulk import DUPLICATE, INDEXED, Outcome
from whodid_schema.record import Record

Recount = Callable[[], list[bytes]]

START = 1_795_000_000_000_000
ITEMS = [item(record) for record in records(5, 200, START, 1_000)]


def made(number: int, **fields: object) -> Item:
    """A small item with some fields of its own."""
    record = Record(timestamp=stamp(START), received_at=stamp(START), id=identifier(number))
    return item(msgspec.structs.replace(record, **fields))


BAD = {
    "not JSON": Item("whodid-activity", identifier(1), b'{"id":'),
    "not UTF-8": Item("whodid-activity", identifier(1), b'{"id":"\xff"}'),
    "an array": Item("whodid-activity", identifier(1), b"[]"),
    "a number": Item("whodid-activity", identifier(1), b"1"),
    "nothing": Item("whodid-activity", identifier(1), b""),
    "deep": Item("whodid-activity", identifier(1), b'{"metadata":' + b"[" * 100_000),
    "a wrong type": Item("whodid-activity", identifier(1), b'{"id":7}'),
    "no id": made(1, id=None),
    "another id": made(1)._replace(id=identifier(2)),
    "an id of another form": made(1, id="ABC")._replace(id="ABC"),
    "no time": made(1, timestamp=None),
    "a time that is none": made(1, timestamp="2026-02-30T00:00:00.000000Z"),
    "a time with an offset": made(1, timestamp="2026-11-21T00:00:00.000000+01:00"),
    "no receipt": made(1, received_at=None),
    "no index": made(1)._replace(index=""),
    "an endless index": made(1)._replace(index="w" * 256),
    "too large": made(1)._replace(body=b'{"raw":"' + b" " * (64 << 20) + b'"}'),
}


class WriterContract:
    def test_what_was_indexed_is_stored_once(self, writer: Writer, recount: Recount) -> None:
        assert writer.create(ITEMS) == [INDEXED] * len(ITEMS)
        assert sorted(recount()) == sorted(one.body for one in ITEMS)

    def test_what_is_sent_again_is_a_duplicate_and_changes_nothing(self, writer: Writer, recount: Recount) -> None:
        writer.create(ITEMS)
        before = recount()
        assert writer.create(ITEMS[::-1]) == [DUPLICATE] * len(ITEMS)
        assert recount() == before

    def test_an_item_that_stands_twice_in_one_call_is_stored_once(self, writer: Writer, recount: Recount) -> None:
        assert writer.create([ITEMS[0], ITEMS[1], ITEMS[0]]) == [INDEXED, INDEXED, DUPLICATE]
        assert len(recount()) == 2

    def test_another_content_under_a_known_id_is_a_duplicate(self, writer: Writer, recount: Recount) -> None:
        writer.create([made(1, verb="create")])
        assert writer.create([made(1, verb="delete")]) == [DUPLICATE]
        assert [msgspec.json.decode(body)["verb"] for body in recount()] == ["create"]

    @pytest.mark.parametrize("precision", ["received", "implausible", "us", "day"])
    def test_another_time_under_a_known_id_is_a_duplicate(
        self, writer: Writer, recount: Recount, precision: str
    ) -> None:
        writer.create([made(1, time_precision=precision)])
        later = made(1, time_precision=precision, timestamp=stamp(START + 5))
        assert writer.create([later]) == [DUPLICATE]
        assert writer.create([later, made(2)]) == [DUPLICATE, INDEXED]
        assert len(recount()) == 2

    @pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
    def test_a_bad_item_is_rejected_alone_with_a_reason(self, writer: Writer, recount: Recount, bad: Item) -> None:
        first, second, third = writer.create([ITEMS[0], bad, ITEMS[1]])
        assert (first, second.outcome, third) == (INDEXED, Outcome.REJECTED, INDEXED)
        assert 0 < len(second.reason) < 400
        assert len(recount()) == 2

    def test_only_bad_items_store_nothing(self, writer: Writer, recount: Recount) -> None:
        assert [result.outcome for result in writer.create(list(BAD.values())[:3])] == [Outcome.REJECTED] * 3
        assert recount() == []

    def test_no_items_have_no_results(self, writer: Writer) -> None:
        assert writer.create([]) == []

    def test_hostile_values_are_stored_as_they_are(self, writer: Writer, recount: Recount) -> None:
        hostile = "'; DROP TABLE event; --\0\x1b[31m\u202e\" OR 1=1 " + "x" * 100_000
        body = made(
            1, description=hostile, action=hostile, app=hostile, reason=hostile, session_id=hostile, request_id=hostile
        ).body
        assert writer.create([made(1)._replace(body=body)]) == [INDEXED]
        assert recount() == [body]

    def test_callers_at_the_same_time_store_each_record_once(self, writer: Writer, recount: Recount) -> None:
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(writer.create, [ITEMS] * 8))
        indexed = [result for answer in results for result in answer if result == INDEXED]
        assert len(indexed) == len(ITEMS)
        assert sorted(recount()) == sorted(one.body for one in ITEMS)
