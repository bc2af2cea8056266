"""The bulk wire: what each answer makes the sender do, and that no answer is ever read out of step."""

import json
from typing import Any

import pytest

from whodid_schema import bulk
from whodid_schema.bulk import MalformedResponse, Outcome


def item(status: int, kind: str | None = None, reason: str = "why") -> dict[str, Any]:
    """One result of a bulk answer."""
    body: dict[str, Any] = {"status": status}
    if kind is not None:
        body["error"] = {"type": kind, "reason": reason}
    return {"create": body}


def answer(*items: dict[str, Any], errors: bool = True) -> bytes:
    """A bulk answer."""
    return json.dumps({"errors": errors, "items": items}).encode()


@pytest.mark.parametrize(
    ("status", "kind", "outcome"),
    [
        (201, None, Outcome.INDEXED),
        (200, None, Outcome.INDEXED),
        (409, "version_conflict_engine_exception", Outcome.DUPLICATE),
        (409, None, Outcome.DUPLICATE),
        (400, "mapper_parsing_exception", Outcome.REJECTED),
        (400, "document_parsing_exception", Outcome.REJECTED),
        (400, "illegal_argument_exception", Outcome.REJECTED),
        (413, None, Outcome.REJECTED),
        (422, "unprocessable", Outcome.REJECTED),
        (429, "circuit_breaking_exception", Outcome.RETRY),
        (429, "rejected_execution_exception", Outcome.RETRY),
        (500, "unknown", Outcome.RETRY),
        (503, "unavailable_shards_exception", Outcome.RETRY),
        (403, "cluster_block_exception", Outcome.BLOCKED),
        (429, "cluster_block_exception", Outcome.BLOCKED),
        (400, "index_closed_exception", Outcome.BLOCKED),
        (400, "strict_dynamic_mapping_exception", Outcome.BLOCKED),
        (400, "validation_exception", Outcome.BLOCKED),
        (403, "index_create_block_exception", Outcome.BLOCKED),
        (404, "index_not_found_exception", Outcome.BLOCKED),
        (403, None, Outcome.BLOCKED),
        (403, "security_exception", Outcome.PAUSED),
        (403, "authorization_exception", Outcome.PAUSED),
        (401, "anything", Outcome.PAUSED),
        (400, "template_missing_exception", Outcome.PAUSED),
    ],
)
def test_an_items_outcome_follows_from_status_and_error_type(status: int, kind: str | None, outcome: Outcome) -> None:
    (result,) = bulk.read_response(answer(item(status, kind)), 1)
    assert result.outcome is outcome


def test_the_stores_words_are_kept_where_something_is_wrong() -> None:
    (result,) = bulk.read_response(answer(item(400, "mapper_parsing_exception", "no ip: 1.2.3")), 1)
    assert result.reason == "400 mapper_parsing_exception: no ip: 1.2.3"


def test_results_stand_in_the_order_of_the_items() -> None:
    results = bulk.read_response(answer(item(201), item(409), item(400, "x"), item(429, "y")), 4)
    assert [result.outcome for result in results] == ["indexed", "duplicate", "rejected", "retry"]


@pytest.mark.parametrize("error", ["text", 5, [], None])
def test_an_error_of_another_form_is_still_an_outcome(error: object) -> None:
    body = json.dumps({"items": [{"create": {"status": 400, "error": error}}]}).encode()
    assert bulk.read_response(body, 1)[0].outcome is Outcome.REJECTED


@pytest.mark.parametrize("sent", [0, 1, 3])
def test_an_answer_of_another_length_proves_nothing(sent: int) -> None:
    with pytest.raises(MalformedResponse, match=f"2 results for {sent} items"):
        bulk.read_response(answer(item(201), item(201)), sent)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502 Bad Gateway</html>",
        b"[]",
        b"{}",
        b'{"items":null}',
        b'{"items":[{"create":{}}]}',
        b'{"items":[{"create":{"status":"201"}}]}',
        b'{"items":[{}]}',
        b'{"items":[{"create":{"status":201},"index":{"status":201}}]}',
        b'{"items":[{"create":{"status":201}}',
        b"\xff",
        b'{"items":' + b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_is_no_bulk_answer_is_an_error_of_its_own(body: bytes) -> None:
    with pytest.raises(MalformedResponse):
        bulk.read_response(body, 1)


def test_the_action_line_is_json_with_its_newline() -> None:
    line = bulk.action("whodid-activity", "01abc")
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"create": {"_index": "whodid-activity", "_id": "01abc"}}


@pytest.mark.parametrize("damage", ["nothing", "one less", "one more", "cut", "more behind", "a duplicate", "an error"])
def test_an_answer_that_all_was_created_is_read_at_one_look_and_never_a_worse_one(damage: str) -> None:
    items = [item(201) for _ in range(5)]
    body = json.dumps({"took": 1, "errors": False, "items": items}, separators=(",", ":")).encode()
    if damage == "nothing":
        assert bulk.read_response(body, 5) == [bulk.INDEXED] * 5
        return
    wrong = {
        "one less": (body, 6),
        "one more": (body, 4),
        "cut": (body[:-1], 5),
        "more behind": (body + b"]}", 5),
        "a duplicate": (body.replace(b"201", b"409", 1), 5),
        "an error": (body.replace(b"201}", b'400,"error":{"type":"x","reason":"y"}}', 1), 5),
    }
    try:
        results = bulk.read_response(*wrong[damage])
    except MalformedResponse:
        assert damage in {"one less", "one more", "cut", "more behind"}
    else:
        first = Outcome.DUPLICATE if damage == "a duplicate" else Outcome.REJECTED
        assert [result.outcome for result in results] == [first, *[Outcome.INDEXED] * 4]
