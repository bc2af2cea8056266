"""`_bulk` bodies: the quick path and the thorough one read the same, answers are read back as they were meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whodid_indexer.ingest.bulk import MalformedBulk, answer, parse
from whodid_indexer.store.base import Item
from whodid_schema.bulk import DUPLICATE, INDEXED, Outcome, Result, action, read_response


def test_records_are_handed_on_byte_by_byte() -> None:
    body = action("whodid-activity", "01a") + b' {"x": "\xc3\xa9"} \r\n'
    assert parse(body) == [Item("whodid-activity", "01a", b' {"x": "\xc3\xa9"} \r')]


@pytest.mark.parametrize(
    "line",
    [
        b'{"create":{"_index":"whodid-x","_id":"01a"}}',
        b' { "create" : { "_id" : "01a", "_index" : "whodid-x" } } \r',
        b'{"create":{"_index":"whodid-\\u0078","_id":"01a","_extra":1}}',
    ],
)
def test_every_way_to_write_an_action_is_read_alike(line: bytes) -> None:
    assert parse(line + b"\n{}\n") == [Item("whodid-x", "01a", b"{}")]


@given(st.binary(max_size=200))
def test_no_body_makes_anything_but_items_or_a_named_fault(body: bytes) -> None:
    try:
        items = parse(body)
    except MalformedBulk:
        return
    assert len(items) == body.count(b"\n") / 2


@given(st.lists(st.sampled_from(list(Outcome)), max_size=20), st.text())
def test_an_answer_is_read_back_as_it_was_meant(outcomes: list[Outcome], reason: str) -> None:
    results = [Result(outcome, "" if outcome is Outcome.INDEXED else reason) for outcome in outcomes]
    read = read_response(answer(results, 1), len(results))
    assert [result.outcome for result in read] == outcomes


def test_errors_says_whether_any_item_failed() -> None:
    assert b'"errors":false' in answer([INDEXED], 0)
    assert b'"errors":true' in answer([INDEXED, DUPLICATE], 0)
