"""What a sender may post, what it is told, and what then lies in the spool."""

import gzip
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import zstandard

if TYPE_CHECKING:
    from agent.inputs.http.conftest import Receiver, Start


@pytest.mark.parametrize(
    ("content", "kind", "events"),
    [
        (b'{"a":1}', "application/json", [b'{"a":1}']),
        (b'  {"a":1}\r\n', "application/json; charset=utf-8", [b'{"a":1}']),
        (b'\xef\xbb\xbf{"a":1}', "application/json", [b'{"a":1}']),
        (b'[{"a":1} , {"b": 2.50}]', "application/json", [b'{"a":1}', b'{"b": 2.50}']),
        (b'{"events":[{"a":1},{"b":2}]}', "application/json", [b'{"a":1}', b'{"b":2}']),
        (b'{"entries":[{"a":1}],"next_cursor":null}', "application/json", [b'{"a":1}']),
        (b'{"events":[{"a":1}],"action":"x"}', "application/json", [b'{"events":[{"a":1}],"action":"x"}']),
        (b'{"events":3}', "application/json", [b'{"events":3}']),
        (b'{"a":1}\n{"b":2}\n', "application/x-ndjson", [b'{"a":1}', b'{"b":2}']),
        (b'{"a":1}\r\n\n[{"b":2},{"c":3}]', "application/json-lines", [b'{"a":1}', b'{"b":2}', b'{"c":3}']),
        (b'{"events":[{"a":1}]}\n{"events":[{"a":1}]}', "application/jsonl", [b'{"a":1}', b'{"a":1}']),
        (b'{"a":1}\n{"b":2}\n', "application/json", [b'{"a":1}', b'{"b":2}']),
        (b'{"id":"x","type":"y"}', "application/cloudevents+json", [b'{"id":"x","type":"y"}']),
    ],
)
def test_every_accepted_form_becomes_one_line_an_event(
    receiver: "Receiver", content: bytes, kind: str, events: list[bytes]
) -> None:
    answer = receiver.post(content, kind)
    assert (answer.status_code, answer.json()) == (202, {"accepted": len(events)})
    lines = receiver.lines()
    assert [line.data for line in lines] == events
    assert [line.origin.first_item for line in lines] == list(range(len(events)))


def test_a_pretty_printed_event_lies_on_one_line_with_its_values_untouched(receiver: "Receiver") -> None:
    receiver.post(b'{\n  "a": 1.50,\r\n  "b": "x\\ny \xc3\xa9"\n}')
    assert [line.data for line in receiver.lines()] == [b'{"a":1.50,"b":"x\\ny \xc3\xa9"}']


def test_an_empty_batch_is_accepted_and_leaves_nothing(receiver: "Receiver") -> None:
    assert receiver.post(b'{"events":[]}').json() == {"accepted": 0}
    assert receiver.lines() == []


def test_what_is_no_object_is_refused_by_number_and_the_others_keep_theirs(receiver: "Receiver") -> None:
    answer = receiver.post(b'[{"a":1}, 7,\n {"b":2}, "s"]')
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 2
    assert answer.json()["refused"] == 2
    places = [(entry["item"], entry["line"], entry["offset"], entry["reason"]) for entry in answer.json()["results"]]
    assert places == [(1, 1, 10, "not_an_object"), (3, 2, 23, "not_an_object")]
    assert [(line.origin.first_item, line.data) for line in receiver.lines()] == [(0, b'{"a":1}'), (2, b'{"b":2}')]


def test_a_broken_line_is_refused_alone(receiver: "Receiver") -> None:
    answer = receiver.post(b'{"a":1}\n{"b":\n{"c":"\xff"}\n{"d":4}', "application/x-ndjson")
    assert answer.json()["accepted"] == 2
    assert [(entry["item"], entry["line"]) for entry in answer.json()["results"]] == [(1, 2), (2, 3)]
    assert [line.origin.first_item for line in receiver.lines()] == [0, 3]


def test_at_most_a_hundred_refusals_are_listed_and_all_counted(receiver: "Receiver") -> None:
    answer = receiver.post(b'[{"a":1},' + b",".join([b"1"] * 500) + b"]").json()
    assert (answer["accepted"], answer["refused"], len(answer["results"])) == (1, 500, 100)


@pytest.mark.parametrize(
    ("content", "line", "offset"),
    [
        (b'{\n "a": 1,\n "b" 2}', 3, 16),
        (b'{"a":1', 1, 6),
        (b'{"a":"\xff"}', 1, 6),
        (b"not json", 1, 1),
        (b'{"a":1} x', 1, 8),
        (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", 1, 0),
    ],
)
def test_a_body_that_is_not_json_is_refused_with_the_place_of_the_fault(
    receiver: "Receiver", content: bytes, line: int, offset: int
) -> None:
    answer = receiver.post(content)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["status"], problem["code"]) == (400, "not_json")
    assert (problem["line"], problem["offset"]) == (line, offset)
    assert receiver.lines() == []


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"", "application/json", 400, "empty"),
        (b" \n ", "application/x-ndjson", 400, "empty"),
        (b"17", "application/json", 422, "nothing_usable"),
        (b'[1,"x",null]', "application/json", 422, "nothing_usable"),
        (b"x\ny\n", "application/x-ndjson", 400, "not_json"),
        (b'{"a":1}', "text/plain", 415, "not_json_type"),
        (b"a=1", "application/x-www-form-urlencoded", 415, "not_json_type"),
        (b"[" + b",".join([b"{}"] * 11) + b"]", "application/json", 413, "too_many_events"),
        (b"\n".join([b"{}"] * 11), "application/x-ndjson", 413, "too_many_events"),
        (b"[" + b"1," * 2_000_001 + b"1]", "application/json", 413, "too_many_events"),
    ],
)
def test_what_cannot_be_taken_is_refused_whole_with_a_stable_code(
    start: "Start", content: bytes, kind: str, status: int, code: str
) -> None:
    receiver = start(event_limit=10)
    answer = receiver.post(content, kind)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert receiver.lines() == []


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_over_the_limit_is_refused_and_nothing_of_it_taken(start: "Start", announced: bool) -> None:
    receiver = start(body_limit=1000)
    body = b'{"a":"' + b"x" * 995 + b'"}'
    content = body if announced else iter([body[:600], body[600:]])
    answer = receiver.client.post("/v1/events", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert receiver.lines() == []
    assert receiver.post(b'{"a":"' + b"x" * 992 + b'"}').status_code == 202


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("zstd", zstandard.compress),
        ("zstd, gzip", lambda data: gzip.compress(zstandard.compress(data))),
    ],
)
def test_compressed_bodies_are_taken(receiver: "Receiver", encoding: str, pack: Callable[[bytes], bytes]) -> None:
    body = b'{"a":1}\n' * 3
    doubled = pack(body) + (pack(body) if "," not in encoding else b"")
    answer = receiver.post(doubled, "application/x-ndjson", Content_Encoding=encoding)
    assert answer.json() == {"accepted": 6 if "," not in encoding else 3}


@pytest.mark.parametrize(
    ("encoding", "content", "status"),
    [
        ("gzip", gzip.compress(b'{"a":1}\n' * 1000, mtime=0)[:-20], 400),
        ("zstd", zstandard.compress(b'{"a":1}\n' * 1000)[:-3], 400),
        ("gzip", b"plain", 400),
        ("zstd", b"plain", 400),
        ("br", b"x", 415),
        ("gzip", gzip.compress(bytes(9_000_000), mtime=0), 413),
        ("zstd", zstandard.compress(bytes(9_000_000)), 413),
    ],
)
def test_bad_compression_is_refused_and_a_bomb_is_not_unpacked(
    start: "Start", encoding: str, content: bytes, status: int
) -> None:
    receiver = start(body_limit=100_000)
    answer = receiver.post(content, "application/x-ndjson", Content_Encoding=encoding)
    assert answer.status_code == status
    assert receiver.lines() == []


def test_a_ten_megabyte_event_goes_through_whole(receiver: "Receiver") -> None:
    event = json.dumps({"action": "x", "metadata": "y" * 10_000_000}).encode()
    assert receiver.post(event).status_code == 202
    assert [line.data for line in receiver.lines()] == [event]


def test_secrets_are_masked_before_anything_is_written_or_answered(receiver: "Receiver") -> None:
    answer = receiver.post(b'[{"action":"x","password":"hunter2hunter2"}, "hunter2hunter2", {"token":"s3cr3t-s3cr3t"}]')
    assert receiver.post(b'{"password":"hunter2hunter2" "a":1}').status_code == 400
    spool = b"".join(path.read_bytes() for path in receiver.source._options.spool_dir.glob("*.spool"))
    assert b'"password":"[FILTERED]"' in spool
    for secret in (b"hunter2", b"s3cr3t"):
        assert secret not in spool
        assert secret not in answer.content
    assert len(receiver.lines()) == 2


def test_a_large_body_is_redacted_in_slices_without_losing_a_line(receiver: "Receiver") -> None:
    events = [
        json.dumps({"n": number, "password": "hunter2hunter2", "pad": "x" * 90}).encode() for number in range(9000)
    ]
    assert receiver.post(b"\n".join(events), "application/x-ndjson").json() == {"accepted": 9000}
    decoded = [json.loads(line.data) for line in receiver.lines()]
    assert [entry["n"] for entry in decoded] == list(range(9000))
    assert {entry["password"] for entry in decoded} == {"[FILTERED]"}
