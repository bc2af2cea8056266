"""Role × route × workspace over a real server: who may ask what, and that nothing outside is ever told."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from contract.access import AccessContract, Stage, problem
from support.outside import GRANTS, HELD, IDS, RECORDS, event
from support.running import wait_until
from support.serving import Server, bulk_body, make
from support.tokens import bearer, end_token, make_named, make_token
from whodid_indexer.access.roles import Role
from whodid_indexer.api.app import build
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_schema.bulk import CONTENT_TYPE
from whodid_schema.meta import default_meta
from whodid_schema.record import Record, Ref


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Server(tmp_path_factory.mktemp("matrix")) as server:
        assert {result.outcome for result in server.create(RECORDS)} == {"indexed"}
        secrets = {name: make_token(server.file, grant, name) for name, grant in GRANTS.items()}
        yield Stage(server, secrets)
    log = server.log.read_text()
    assert "Traceback" not in log
    assert not any(secret in log for secret in secrets.values())


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Every address that the server has, made concrete, with each of its methods."""
    path = tmp_path_factory.mktemp("routes") / "audit.db"
    SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    app = build(SqliteStore(path), lambda: SqliteReader(path), None)
    found = []
    for route in app.routes:
        assert isinstance(route, Route), f"{route} is not known to this test"
        concrete = re.sub(
            r"\{[^}]*\}",
            "x",
            route.path.replace("{id}", IDS[0]).replace("{axis}", "actor").replace("{project}", "apollo"),
        )
        found += [(concrete, method) for method in sorted(route.methods or {"GET"})]
    assert len(found) > 40
    return found


def is_free(path: str) -> bool:
    """Whether an address asks for no token, as the design has it."""
    return path in ("/healthz", "/readyz", "/sign-in", "/sign-out", "/preferences") or path.startswith("/assets/")


def may(role: Role, path: str, method: str) -> bool:
    """Whether a role may go there, as the design has it."""
    if path == "/_bulk":
        return role == "ingest"
    if path in ("/", "/_index_template/whodid"):
        return True
    if path == "/metrics":
        return role in ("auditor", "platform")
    if path.startswith("/api/v1/holds"):
        return role == "platform"
    return role not in (("ingest",) if method in ("GET", "HEAD") else ("ingest", "auditor"))


def test_without_a_token_every_address_but_health_asks_for_one(stage: Stage, routes: list[tuple[str, str]]) -> None:
    said = set()
    for path, method in [*routes, ("/nothing", "GET"), ("/_bulk/", "POST"), ("//", "GET"), ("/api/v1", "GET")]:
        if is_free(path):
            continue
        for shown in ({}, bearer("whodid_" + "x" * 43), {"Cookie": "whodid=x; __Host-whodid=x"}):
            response = stage.ask("nobody", path, method=method, **shown)
            assert response.status_code == 401, (path, method)
            assert response.headers["www-authenticate"] == 'Bearer realm="whodid"'
            if method != "HEAD":
                said.add(json.dumps(problem(response)))
    assert len(said) == 1
    assert stage.ask("nobody", "/healthz").status_code == stage.ask("nobody", "/readyz").status_code == 200


@pytest.mark.parametrize("who", GRANTS)
def test_a_role_goes_where_it_may_and_is_told_what_the_rest_takes(
    stage: Stage, routes: list[tuple[str, str]], who: str
) -> None:
    role = GRANTS[who].role
    for path, method in [*routes, ("/nothing", "GET"), ("/nothing", "DELETE")]:
        if is_free(path):
            continue
        response = stage.ask(who, path, method=method)
        if may(role, path, method):
            assert response.status_code not in (401, 403), (path, method, response.text)
            assert response.status_code < 500, (path, method, response.text)
        else:
            assert response.status_code == 403, (path, method)
            if method != "HEAD":
                fault = problem(response)
                assert fault["code"] == "not_allowed"
                assert re.match("this needs the role [a-z, ]+", fault["detail"])
                assert f"the token shown has the role {role}" in fault["detail"]


class TestFile(AccessContract):
    """A SQLite store."""


def test_a_revoked_token_and_an_expired_one_end_at_once(stage: Stage) -> None:
    identifier, secret = make_named(stage.server.file, GRANTS["admin"])
    assert stage.server.get("/api/v1/count", headers=bearer(secret)).status_code == 200
    end_token(stage.server.file, identifier)
    ended = stage.server.get("/api/v1/count", headers=bearer(secret))
    old = make_token(stage.server.file, GRANTS["admin"], life=timedelta(seconds=-1))
    expired = stage.server.get("/api/v1/count", headers=bearer(old))
    never = stage.server.get("/api/v1/count", headers=bearer("whodid_never"))
    assert problem(ended) == problem(expired) == problem(never)
    assert ended.status_code == 401


def post(server: Server, secret: str, records: list[Record]) -> httpx.Response:
    headers = bearer(secret) | {"content-type": CONTENT_TYPE}
    return server.client.post(server.url + "/_bulk", content=bulk_body(records), headers=headers, timeout=30)


def test_an_ingest_token_stores_its_own_workspaces_records_and_no_others(tmp_path: Path) -> None:
    sent = [
        event(40, mine=True),
        event(41, mine=True, workspace=Ref("other")),
        event(42, mine=True, workspace=None),
        event(43, mine=True, surface="audit"),
    ]
    with Server(tmp_path) as server:
        secret, reader = (make_token(server.file, GRANTS[who]) for who in ("ingest", "platform"))
        answer = post(server, secret, sent).json()
        found = server.get("/api/v1/events", {"not-surface": "audit"}, headers=bearer(reader)).json()["events"]
    assert [item["create"]["status"] for item in answer["items"]] == [201, 400, 201, 400]
    assert "workspace 'acme'; this one is of 'other'" in answer["items"][1]["create"]["error"]["reason"]
    assert {one["id"]: one["workspace"]["id"] for one in found} == {sent[0].id: "acme", sent[2].id: "acme"}


@pytest.mark.parametrize("who", [*HELD, "auditor", "platform"])
def test_no_reader_writes(stage: Stage, who: str) -> None:
    response = post(stage.server, stage.secrets[who], [make(900)])
    assert response.status_code == 403
    assert "this needs the role ingest" in problem(response)["detail"]
    assert stage.ask("platform", f"/api/v1/events/{make(900).id}").status_code == 404


def test_a_refused_body_is_read_so_that_its_sender_hears_why(stage: Stage) -> None:
    body = bulk_body(make(number) for number in range(3_000)) * 4
    response = stage.server.client.post(
        stage.server.url + "/_bulk", content=body, headers={"content-type": CONTENT_TYPE}
    )
    assert response.status_code == 401


def test_refusals_are_recorded_by_who_and_where(stage: Stage) -> None:
    stage.ask("ingest", "/api/v1/stats")
    stage.ask("nobody", "/api/v1/stats")

    def refusals() -> dict[tuple[str, str], dict[str, Any]]:
        asked = {"surface": "audit", "verb": "deny", "limit": "1000"}
        found = stage.ask("platform", "/api/v1/events", asked).json()["events"]
        return {(one["actor"]["type"], one["target"].get("id", "")): one for one in found}

    wait_until(lambda: {("api_token", "/api/v1/stats"), ("anonymous", "")} <= refusals().keys(), "the refusals")
    found = refusals()
    assert found["api_token", "/api/v1/stats"]["actor"]["name"] == "ingest"
    assert found["api_token", "/api/v1/stats"]["reason"] == "not_allowed"
    assert found["anonymous", ""]["reason"] == "not_signed_in"
    assert found["anonymous", ""]["outcome"] == "failure"


def test_every_answer_has_the_headers_that_keep_browsers_in_bounds(stage: Stage) -> None:
    for who, path in (
        ("nobody", "/api/v1/count"),
        ("platform", "/api/v1/count"),
        ("nobody", "/healthz"),
        ("ingest", "/x"),
    ):
        headers = stage.ask(who, path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers
