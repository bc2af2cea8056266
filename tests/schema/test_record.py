"""The record's wire form."""

import json

import msgspec
import pytest

from whodid_schema import record
from whodid_schema.record import Actor, Change, Client, Ingest, Person, Record, Ref, Snapshot, Target

FULL = Record(
    timestamp="2026-04-30T14:22:11.000000Z",
    time_precision="s",
    id="0" * 26,
    app="shop",
    actor=Actor("user", "783", "Zoë", token=Ref("t", "ci"), on_behalf_of=Person(email="b@c.d")),
    target=Target("contact", count=19),
    targets=[Target("contact", count=19), Target("list", "1", relation="from")],
    client=Client("203.0.113.4"),
    changes=[Change("limit", {"a": [1, None]}, "50k"), Change("name", "[FILTERED]", "[FILTERED]", redacted=True)],
    snapshot=Snapshot({"a": 1}),
    metadata={"big": 2**70, "nested": {"x": [True, None, 1.5]}},
    meta=["big=1180591620717411303424"],
    ingest=Ingest(offset=0, item=0),
    raw='{"a":"\\u0000\\n"}',
    raw_redacted=False,
)


def test_a_record_survives_being_written_and_read() -> None:
    assert record.decode(record.encode(FULL)) == FULL
    assert record.encode(record.decode(record.encode(FULL))) == record.encode(FULL)


def test_a_record_is_one_line() -> None:
    assert b"\n" not in record.encode(FULL)


def test_names_that_python_forbids_are_written_as_designed() -> None:
    written = json.loads(record.encode(FULL))
    assert written["@timestamp"] == "2026-04-30T14:22:11.000000Z"
    assert written["changes"][0] == {"field": "limit", "from": {"a": [1, None]}, "to": "50k"}
    assert "timestamp" not in written


def test_a_field_without_a_value_is_absent() -> None:
    assert record.encode(Record()) == b"{}"
    assert record.encode(Record(actor=Actor(id="1"))) == b'{"actor":{"id":"1"}}'


def test_false_nought_and_empty_are_values() -> None:
    assert json.loads(record.encode(Record(description="", raw_redacted=False, ingest=Ingest(offset=0)))) == {
        "description": "",
        "raw_redacted": False,
        "ingest": {"offset": 0},
    }


def test_equal_texts_of_other_identity_are_written_alike() -> None:
    made = "users"[:4]
    assert record.encode(Record(verb=made)) == record.encode(Record(verb="user"))


def test_unknown_keys_of_a_newer_version_are_ignored() -> None:
    assert record.decode(b'{"verb":"update","colour":{"a":1},"actor":{"id":"1","shoe":2}}') == Record(
        verb="update", actor=Actor(id="1")
    )


@pytest.mark.parametrize("text", ["", "[]", "5", '{"verb":5}', '{"actor":"ana"}', '{"changes":[{}]}', "{"])
def test_what_is_no_record_is_an_error(text: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        record.decode(text)
