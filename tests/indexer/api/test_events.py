"""`/api/v1`: the command line's names as parameters, exact totals, and a problem document for everything wrong."""

import csv
import io
import json
import random
from typing import Any

import msgspec
import pytest

from support.serving import HOSTILE, Server, make
from whodid_indexer.query.model import AuditQuery, Term, Text


def test_a_page_has_records_as_sent_the_total_and_the_way_on(server: Server) -> None:
    asked = {"actor": "Ana Ruiz", "until": "2025-11-24T16:00:01Z", "limit": "5"}
    first = server.get("/api/v1/events", asked).json()
    assert [event["id"] for event in first["events"]] == [make(number).id for number in (0, 3, 6, 9, 12)]
    assert first["total"] == 17
    second = server.get("/api/v1/events", asked | {"cursor": first["next"]}).json()
    assert [event["id"] for event in second["events"]] == [make(number).id for number in (15, 18, 21, 24, 27)]


def test_a_question_that_may_have_been_meant_otherwise_is_answered_with_a_hint(server: Server) -> None:
    answer = server.get("/api/v1/events", {"q": "updated or deleted"}).json()
    assert [(hint["position"], hint["length"], hint["text"]) for hint in answer["hints"]] == [
        (8, 2, "updated or deleted")
    ]
    assert "hints" not in server.get("/api/v1/events", {"q": "updated OR deleted"}).json()


@pytest.mark.parametrize(
    ("given", "marked"),
    [
        ({"q": "outcome:failure actr:ana"}, (16, 4, "actor")),
        ({"verb": "view,creat"}, (5, 5, "create")),
        ({"ip": "10.0.0.1,10.0.0.300"}, (9, 10, None)),
        ({"q": "on:2026-02-30"}, (3, 10, None)),
    ],
)
def test_a_fault_in_a_question_is_marked_for_programs(
    server: Server, given: dict[str, str], marked: tuple[int, int, str | None]
) -> None:
    problem = server.get("/api/v1/events", given).json()
    assert (problem["position"], problem["length"], problem.get("suggestion")) == marked


def test_the_last_page_has_no_way_on(server: Server) -> None:
    assert "next" not in server.get("/api/v1/events", {"target": "report:7"}).json()


def test_equal_names_are_either_and_different_ones_both(server: Server) -> None:
    def count(parameters: list[tuple[str, str]]) -> int:
        return int(server.get("/api/v1/count", [*parameters, ("until", "2025-11-24T16:00:01Z")]).json()["count"])

    ana, devi = count([("actor", "Ana Ruiz")]), count([("actor", "Devi Patel")])
    assert count([("actor", "Ana Ruiz"), ("actor", "Devi Patel")]) == ana + devi
    assert count([("actor", "Ana Ruiz,Devi Patel")]) == ana + devi
    assert count([("not-actor", "Ana Ruiz")]) == 50 - ana
    assert count([("actor", "Ana Ruiz"), ("outcome", "failure")]) == 4
    assert count([("q", 'actor:"Ana Ruiz" outcome:failure')]) == 4
    assert count([("q", '"updated report" -actor:"Ana Ruiz"')]) == 50 - ana
    assert count([("actor-type", "user"), ("actor.type", "user"), ("who", "*")]) == 50


def test_a_whole_query_goes_over_as_one_value(server: Server) -> None:
    terms = (Term("actor", ("Ana Ruiz",)), Term("actor", ("Devi Patel",), negated=True))
    query = AuditQuery(until=1_764_000_001_000_000, terms=terms, texts=(Text("updated report", phrase=True),))
    assert server.get("/api/v1/count", {"query": msgspec.json.encode(query).decode()}).json() == {"count": 17}


def test_one_record_by_its_id(server: Server) -> None:
    assert server.get(f"/api/v1/events/{make(3).id}").json()["target"]["id"] == "3"


def test_the_exports_have_what_the_search_has(server: Server) -> None:
    asked = {"actor": "Ana Ruiz", "until": "2025-11-24T16:00:01Z"}
    ids = [event["id"] for event in server.get("/api/v1/events", asked | {"limit": "100"}).json()["events"]]
    lines = server.get("/api/v1/export.ndjson", asked)
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["id"] for line in lines.text.splitlines()] == ids
    sheet = server.get("/api/v1/export.csv", asked | {"columns": "id,actor,meta.x", "order": "asc"})
    assert sheet.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(sheet.text, newline="")))
    assert [row["id"] for row in rows] == ids[::-1]
    assert {row["actor"] for row in rows} == {"Ana Ruiz"}


def test_an_export_that_nobody_reads_to_its_end_gives_its_place_back(server: Server) -> None:
    for _ in range(10):
        with server.client.stream("GET", server.url + "/api/v1/export.ndjson") as response:
            assert response.status_code == 200


def test_changes_lead_from_the_first_record_to_now_without_gap_or_double(server: Server) -> None:
    everything = server.get("/api/v1/count").json()["count"]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = server.get("/api/v1/changes", {"limit": "17", **cursor}).json()
        if not answer["changes"]:
            break
        seen += [entry["event"]["id"] for entry in answer["changes"] if entry["event"]["surface"] != "audit"]
        assert answer["cursor"] == answer["changes"][-1]["cursor"]
        cursor = {"after": answer["cursor"]}
    assert len(seen) == len(set(seen)) == everything
    assert server.get("/api/v1/changes", {"after": "now"}).json() == {"changes": [], "cursor": cursor["after"]}


@pytest.mark.parametrize(
    ("path", "parameters", "status", "code"),
    [
        ("/api/v1/events", {"aktor": "ana"}, 400, "unknown_parameter"),
        ("/api/v1/events", {"columns": "id"}, 400, "unknown_parameter"),
        ("/api/v1/count", {"limit": "1"}, 400, "unknown_parameter"),
        (f"/api/v1/events/{make(3).id}", {"actor": "x"}, 400, "unknown_parameter"),
        ("/api/v1/events", {"verb": "obliterate"}, 400, "bad_query"),
        ("/api/v1/events", {"ip": "300.1.1.1"}, 400, "bad_query"),
        ("/api/v1/events", {"q": "actr:ana"}, 400, "bad_query"),
        ("/api/v1/events", {"q": '"unclosed'}, 400, "bad_query"),
        ("/api/v1/events", {"actor": ""}, 400, "bad_query"),
        ("/api/v1/events", {"since": "yesteryear"}, 400, "bad_query"),
        ("/api/v1/events", {"last": "-7d"}, 400, "bad_query"),
        ("/api/v1/events", {"last": "7d", "since": "today"}, 400, "bad_query"),
        ("/api/v1/events", {"limit": "1001"}, 400, "usage"),
        ("/api/v1/events", {"limit": "²"}, 400, "usage"),
        ("/api/v1/events", {"offset": "-1"}, 400, "usage"),
        ("/api/v1/events", {"cursor": "x"}, 400, "usage"),
        ("/api/v1/events", {"cursor": "1~"}, 400, "usage"),
        ("/api/v1/events", {"order": "up"}, 400, "usage"),
        ("/api/v1/events", {"query": "{"}, 400, "usage"),
        ("/api/v1/events", {"query": '{"terms":[{"field":"nope","values":["x"]}]}'}, 400, "bad_query"),
        ("/api/v1/events", {"query": "{}", "actor": "ana"}, 400, "usage"),
        ("/api/v1/export.csv", {"columns": "nope"}, 400, "usage"),
        ("/api/v1/export.ndjson", {"verb": "nope"}, 400, "bad_query"),
        ("/api/v1/changes", {"after": "nonsense"}, 400, "usage"),
        ("/api/v1/changes", {"limit": "0"}, 400, "usage"),
        ("/api/v1/events/" + "0" * 26, {}, 404, "not_found"),
        ("/api/v1/events/x%00%1b", {}, 404, "not_found"),
        ("/api/v2/events", {}, 404, "not_found"),
        ("/_bulk", {}, 405, "method_not_allowed"),
    ],
)
def test_what_is_wrong_is_a_problem_document(
    server: Server, path: str, parameters: dict[str, str], status: int, code: str
) -> None:
    response = server.get(path, parameters)
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    assert response.json()["detail"]


def test_a_mistyped_field_is_marked_and_the_nearest_named(server: Server) -> None:
    problem = server.get("/api/v1/events", {"q": "report actr:ana"}).json()
    assert (problem["position"], problem["length"]) == (7, 4)
    assert "did you mean actor?" in problem["hint"]


def test_no_value_of_any_parameter_makes_a_fault_of_ours(server: Server) -> None:
    """Seeded: hostile and random values under every name; answers are 200 or 4xx."""
    rng = random.Random(7)
    values = [
        *HOSTILE.values(),
        "*",
        "**",
        '"',
        ",",
        "a" * 2000,
        "\ud7ff",
        "é*",
        "-",
        "0",
        "-1",
        "1~a",
        "{}",
        "[]",
        "null",
    ]
    names = ["actor", "not-actor", "ip", "verb", "id", "changed", "meta.a.b", "meta.", "q", "since", "last", "query"]
    names += ["limit", "offset", "cursor", "order", "target", "type", "workspace", "session", "not-meta.x", "level"]
    for _ in range(150):
        parameters = [(rng.choice(names), rng.choice(values)) for _ in range(rng.randint(1, 3))]
        response = server.get("/api/v1/events", parameters)
        assert response.status_code in (200, 400), (parameters, response.text)


@pytest.mark.parametrize("query", ['{"since":9223372036854775808}', '{"since":-9223372036854775808,"until":1}'])
def test_times_beyond_the_store_are_answered(server: Server, query: str) -> None:
    assert server.get("/api/v1/count", {"query": query}).status_code in (200, 400)


def test_the_server_says_what_it_is(server: Server) -> None:
    banner: dict[str, Any] = server.get("/").json()
    assert (banner["product"], banner["partitions"]) == ("whodid", "server")
    assert banner["version"]["distribution"] == "whodid"
    template = server.get("/_index_template/whodid").json()["index_templates"][0]
    assert template["name"] == "whodid"
    assert template["index_template"]["_meta"]["partitions"] == "server"
    assert server.get("/healthz").text == "ok\n"
    assert server.get("/readyz").text == "ready\n"
    assert 'whodid_server_items_total{outcome="indexed"}' in server.get("/metrics").text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8642", "", "[::2]"])
def test_a_page_of_another_name_cannot_reach_the_server(server: Server, host: str) -> None:
    response = server.get("/api/v1/events", headers={"host": host})
    assert (response.status_code, response.json()["code"]) == (421, "wrong_host")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "[::1]:8642", "LOCALHOST"])
def test_every_name_of_this_machine_s_loopback_is_answered(server: Server, host: str) -> None:
    assert server.get("/", headers={"host": host}).status_code == 200
