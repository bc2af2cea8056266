"""What stands around an event, over HTTP: the same as the command line says of it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from support.asking import ask
from support.serving import NEWEST, Server, make
from whodid_schema.record import Record
from whodid_schema.timestamp import from_micros

MINUTE = 60_000_000


def done(number: int, minutes: float, verb: str, **fields: Any) -> Record:
    time = from_micros(NEWEST + int(minutes * MINUTE))
    return make(number, timestamp=time, verb=verb, outcome="success", **fields)


SIGN_IN = done(900, 0, "sign_in", session_id="s1")
DEED = done(903, 10, "update", session_id="s1", request_id="r1")
SAME_REQUEST = done(904, 10.01, "create", request_id="r1")
SIGN_OUT = done(906, 20, "sign_out", session_id="s1")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a session: sign-in, two deeds of one request, sign-out."""
    with Server(tmp_path_factory.mktemp("context")) as running:
        running.create([SIGN_IN, DEED, SAME_REQUEST, SIGN_OUT])
        yield running
    assert "Traceback" not in running.log.read_text()


def around(server: Server, record: Record, **parameters: str) -> dict[str, Any]:
    response = server.get(f"/api/v1/events/{record.id}/context", parameters)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert isinstance(answer, dict)
    return answer


def test_a_deed_has_its_session_its_request_and_the_sign_in_it_happened_under(told: Server) -> None:
    answer = around(told, DEED)
    assert answer["event"]["id"] == DEED.id
    assert answer["signed_in"]["how"] == "session"
    assert answer["signed_in"]["sign_in"]["id"] == SIGN_IN.id
    assert answer["signed_in"]["ended"] is None
    assert answer["signed_in"]["sign_out"]["id"] == SIGN_OUT.id
    found = {each["relation"]: each for each in answer["around"]}
    assert [event["id"] for event in found["session"]["before"]] == [SIGN_IN.id]
    assert [event["id"] for event in found["session"]["after"]] == [SIGN_OUT.id]
    assert [event["id"] for event in found["request"]["after"]] == [SAME_REQUEST.id]
    assert found["time"]["total"] == 1


def test_the_span_says_how_far_and_the_question_finds_them_all(told: Server) -> None:
    assert next(e for e in around(told, DEED, span="1s")["around"] if e["relation"] == "time")["total"] == 1
    near = next(e for e in around(told, DEED, span="15m")["around"] if e["relation"] == "actor")
    assert near["total"] == 2
    assert told.get("/api/v1/count", {"q": near["query"]}).json()["count"] == near["total"] + 1
    few = around(told, DEED, span="15m", nearest="0")
    assert {len(each["before"]) + len(each["after"]) for each in few["around"]} == {0}


def test_it_is_what_the_command_line_says(told: Server) -> None:
    said = ask("show", str(DEED.id), "--store", told.store, "--context", "--format", "json")
    assert json.loads(said.out) == around(told, DEED)


@pytest.mark.parametrize(
    ("path", "parameters", "status"),
    [
        (f"/api/v1/events/{DEED.id}/context", {"span": "soon"}, 400),
        (f"/api/v1/events/{DEED.id}/context", {"span": "0s"}, 400),
        (f"/api/v1/events/{DEED.id}/context", {"span": "32d"}, 400),
        (f"/api/v1/events/{DEED.id}/context", {"nearest": "21"}, 400),
        (f"/api/v1/events/{DEED.id}/context", {"actor": "x"}, 400),
        ("/api/v1/events/" + "0" * 26 + "/context", {}, 404),
        ("/api/v1/events//context", {}, 404),
    ],
)
def test_what_cannot_be_told_is_refused(told: Server, path: str, parameters: dict[str, str], status: int) -> None:
    response = told.get(path, parameters)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
