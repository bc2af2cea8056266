"""Every address answers what is wrong in one shape, names the request, and never fails by itself."""

import itertools
import random
import re
import socket
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from support.serving import HOSTILE, Server, make
from whodid_indexer.api.questions import ENDPOINTS

PATHS = sorted({endpoint.path for endpoint in ENDPOINTS})
ASKED = [endpoint for endpoint in ENDPOINTS if endpoint.method == "GET"]
FILLED = {"id": str(make(3).id), "project": "p1", "name": "x", "ticket": "0123456789abcdef"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")


def address(path: str) -> str:
    return path.format(**FILLED)


def check_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document, if it is one as all are."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    said = response.json()
    assert said["status"] == status
    assert {"type", "title", "status", "detail", "code", "request_id"} <= set(said)
    assert set(said) <= {
        "type", "title", "status", "detail", "code", "request_id", "hint", "position", "length", "suggestion"
    }  # fmt: skip
    assert re.fullmatch("[a-z_]+", said["code"])
    assert said["detail"]
    assert said["request_id"] == response.headers["x-request-id"]
    assert isinstance(said, dict)
    return said


@pytest.mark.parametrize("path", PATHS)
def test_a_method_that_an_address_does_not_take_is_answered_with_those_it_does(server: Server, path: str) -> None:
    taken = {endpoint.method for endpoint in ENDPOINTS if endpoint.path == path}
    taken |= {"HEAD"} if "GET" in taken else set()
    taken |= {"PUT"} if path == "/_bulk" else set()
    for method in METHODS:
        if method not in taken:
            response = server.client.request(method, server.url + address(path))
            assert response.status_code == 405
            if method != "HEAD":
                check_problem(response, 405)
            assert {each.strip() for each in response.headers["allow"].split(",")} == taken


@pytest.mark.parametrize("endpoint", [each for each in ASKED if each.path.startswith("/api/")], ids=lambda e: e.name)
def test_a_parameter_that_is_not_known_is_refused_and_the_nearest_is_named(server: Server, endpoint: Any) -> None:
    check_problem(server.get(address(endpoint.path), {"quux": "1"}), 400)
    if endpoint.known:
        near = max(endpoint.known, key=len)
        said = check_problem(server.get(address(endpoint.path), {f"{near}x": "1"}), 400)
        assert said["hint"] == f"did you mean {near!r}?"


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/v1", "/api/v1/", "/api/v1/events/", "/api/v2/events", "/api/v1/../v1/nope", "/%00", "/_bulk/x"],
)
def test_an_address_that_there_is_not_is_a_problem_too(server: Server, path: str) -> None:
    assert check_problem(server.get(path), 404)["code"] == "not_found"


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json"])
def test_what_a_web_page_could_post_by_itself_is_not_taken(server: Server, kind: str) -> None:
    headers = {"content-type": kind} if kind else {}
    for method, path in (("POST", "/_bulk"), ("PUT", "/api/v1/views/x")):
        response = server.client.request(method, server.url + path, content=b"{}", headers=headers)
        assert check_problem(response, 415)["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/api/v1/events", {"offset": "10001"}),
        ("/api/v1/events", {"offset": "9" * 400}),
        ("/api/v1/events", {"limit": "1e3"}),
        ("/api/v1/events", {"limit": "٣"}),
        ("/api/v1/events", {"cursor": "99999999999999999999999~abc"}),
        ("/api/v1/events", {"cursor": "1~' OR 1=1 --"}),
        ("/api/v1/events", {"cursor": "1~\x00"}),
        ("/api/v1/events", {"cursor": "eyJhIjoxfQ=="}),
        ("/api/v1/changes", {"after": "999999999999999999999999"}),
        ("/api/v1/changes", {"after": "-1"}),
        ("/api/v1/changes", {"after": "1795242780123456~01hq"}),
        ("/api/v1/facets", {"axes": "[" * 10_000}),
        ("/api/v1/facets", {"axes": '[{"name":"actor","limit":100000}]'}),
        ("/api/v1/facets", {"axis": "nope"}),
        ("/api/v1/stats", {"tz": "../../../etc/passwd"}),
        ("/api/v1/stats", {"now": "9" * 30}),
        ("/api/v1/stats", {"since": "0001-01-01", "until": "9999-12-31", "interval": "hour"}),
        ("/api/v1/count", {"query": '{"groups":[' * 500}),
        ("/api/v1/count", {"q": "(" * 900}),
        ("/api/v1/count", {"q": "x" * 1_001}),
    ],
)
def test_cursors_and_numbers_of_others_are_refused(server: Server, path: str, parameters: dict[str, str]) -> None:
    check_problem(server.get(path, parameters), 400)


def test_a_proxys_request_id_is_kept_and_a_hostile_one_is_not(server: Server) -> None:
    assert server.get("/healthz", headers={"x-request-id": "edge-7.a_B"}).headers["x-request-id"] == "edge-7.a_B"
    for hostile in ("a b", "x" * 65, "<script>", "é".encode()):
        made = server.get("/api/v1/nope", headers={"x-request-id": hostile})
        assert re.fullmatch("[0-9a-f]{16}", check_problem(made, 404)["request_id"])
    first, second = (server.get("/healthz").headers["x-request-id"] for _ in range(2))
    assert first != second


def test_hostile_values_in_addresses_and_parameters_are_never_a_fault_of_ours(server: Server) -> None:
    """Seeded: every parameter of every address with what attackers write, and with noise."""
    rng = random.Random(6)
    noise = [
        "".join(chr(rng.choice([rng.randrange(1, 256), rng.randrange(0x2000, 0x2100), 0x1F600])) for _ in range(9))
    ]
    values = [*HOSTILE.values(), *noise, "", "*", "null", "-1", "0", "1e999", "NaN", "[]", "{}", "now", "\ud7ff"]
    for endpoint, value in itertools.product(ASKED, values):
        for name in rng.sample(sorted(endpoint.known), min(3, len(endpoint.known))):
            filled = {key: quote(value, safe="") for key in FILLED}
            given = FILLED if rng.random() < 0.5 else filled
            response = server.get(endpoint.path.format(**given), {name: value})
            if response.status_code != 200:
                assert 400 <= response.status_code < 500, (response.request.url, response.text)
                check_problem(response, response.status_code)


def test_what_is_no_request_at_all_ends_with_its_connection_alone(server: Server) -> None:
    host, _, port = server.url.removeprefix("http://").partition(":")
    for sent in (b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n", b"\r\n" * 40):
        with socket.create_connection((host, int(port)), timeout=10) as raw:
            raw.sendall(sent)
            raw.shutdown(socket.SHUT_WR)
            assert b"500" not in raw.recv(4096)
    assert server.get("/healthz").text == "ok\n"
