"""Role × route × workspace over a real server: who may ask what, and that nothing outside is ever told."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest
from starlette.routing import Route

from support.outside import GRANTS, HELD, HIDDEN, IDS, MARK, NUMBERS, RECORDS, SEEN, event
from support.running import wait_until
from support.serving import Server, bulk_body, make
from support.tokens import bearer, end_token, make_named, make_token
from whodid_indexer.access.roles import Role
from whodid_indexer.api.app import build
from whodid_indexer.query.axis import AXES
from whodid_indexer.query.model import AuditQuery, Group, Term
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_schema import identity
from whodid_schema.bulk import CONTENT_TYPE
from whodid_schema.meta import default_meta
from whodid_schema.record import Record, Ref


class Stage(NamedTuple):
    """The server, and the secret of each who asks it."""

    server: Server
    secrets: dict[str, str]

    def ask(self, who: str, path: str, parameters: Any = None, method: str = "GET", **headers: str) -> httpx.Response:
        """Ask as somebody; nobody is "nobody"."""
        shown = bearer(self.secrets[who]) if who in self.secrets else {}
        url = self.server.url + path
        return self.server.client.request(method, url, params=parameters, headers=shown | headers, timeout=30)


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


def problem(response: httpx.Response) -> dict[str, Any]:
    """The problem document, which is one, without what is another each time."""
    assert response.headers["content-type"] == "application/problem+json"
    found = dict(response.json())
    assert found.pop("request_id")
    assert {"type", "title", "status", "detail", "code"} <= found.keys()
    assert found["status"] == response.status_code
    return found


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


QUESTIONS: list[Any] = [
    {},
    {"q": "id:*"},
    {"q": "workspace:acme OR id:*"},
    {"q": "-workspace.id:acme"},
    {"workspace": "acme"},
    {"workspace": "other"},
    {"workspace-id": "ACME"},
    {"project-id": "APOLLO"},
    {"actor-key": "shop/user:66"},
    {"actor": "shop/user:66", "type": "report"},
    {"ip": "198.51.100.66"},
    {"app": "SHOP 2"},
    {"id": HIDDEN},
    {"q": "zqsecre*"},
    {"query": msgspec.json.encode(AuditQuery(groups=(Group((Term("id", ("*",)),), any=True),))).decode()},
    {
        "query": msgspec.json.encode(
            AuditQuery(groups=(Group((Term("id", ("*",), negated=True),), negated=True),))
        ).decode()
    },
]
ASKED = ("/api/v1/events", "/api/v1/count", "/api/v1/export.ndjson", "/api/v1/export.jsonl", "/api/v1/export.csv")
COUNTED = ("/api/v1/facets", "/api/v1/stats")
AXES_ASKED = [*(("axis", name) for name in (*AXES, "meta.plan")), ("budget", "none"), ("limit", "100")]


def tells(response: httpx.Response, allowed: set[str]) -> str:
    """What an answer tells that it must not."""
    text = response.text
    if MARK in text.lower():
        return text[max(text.lower().index(MARK) - 80, 0) :][:200]
    asked = str(response.request.url)
    return next((one for one in IDS if one in text and one not in allowed and one not in asked), "")


@pytest.mark.parametrize("who", [who for who in HELD if who != "limited"])  # who sees what admin sees
def test_no_question_tells_of_what_is_outside(stage: Stage, who: str) -> None:
    allowed = {IDS[place] for place, number in enumerate(NUMBERS) if number in SEEN[who]}
    for question in QUESTIONS:
        for path in (*ASKED, *COUNTED, *(() if "query" in question else ("/",))):
            html = {"Accept": "text/html"} if path == "/" else {}
            response = stage.ask(who, path, question, **html)
            assert response.status_code == 200, (path, question, response.text)
            assert not tells(response, allowed), (path, question)
        response = stage.ask(who, "/api/v1/facets", [*question.items(), *AXES_ASKED])
        assert response.status_code == 200, response.text
        assert not tells(response, allowed), question
    for contains in ("zqsecre", "bo"):
        assert not tells(stage.ask(who, "/api/v1/facets", [("contains", contains), *AXES_ASKED]), allowed), contains
    for path in ("/api/v1/changes", "/api/v1/projects/apollo/audit-log", "/api/v1/views", "/delivery", "/values/actor"):
        response = stage.ask(who, path, Accept="text/html")
        assert response.status_code == 200, (path, response.text)
        assert not tells(response, allowed), path
    for identifier in allowed:
        for path in (f"/api/v1/events/{identifier}", f"/api/v1/events/{identifier}/context", f"/event/{identifier}"):
            response = stage.ask(who, path, Accept="text/html")
            assert response.status_code == 200, (path, response.text)
            assert not tells(response, allowed), path


def test_who_sees_everything_is_told_all_that_others_are_not(stage: Stage) -> None:
    asked: list[tuple[str, list[tuple[str, str]]]] = [
        *((path, []) for path in (*ASKED, *COUNTED, "/api/v1/changes", "/api/v1/projects/apollo/audit-log")),
        *(("/api/v1/facets", [("axis", axis), ("actor-key", "shop/user:66")]) for axis in ("actor", "type", "target")),
        ("/api/v1/facets", [("axis", "actor"), ("contains", "zqsecre")]),
        (f"/api/v1/events/{HIDDEN}", []),
        (f"/api/v1/events/{HIDDEN}/context", []),
    ]
    for path, parameters in asked:
        assert path.endswith("/count") or tells(stage.ask("auditor", path, parameters), set(IDS)), (path, parameters)


def test_somebody_is_called_what_the_records_that_are_seen_call_them(stage: Stage) -> None:
    def called(who: str, *more: tuple[str, str]) -> dict[str, str]:
        facet = stage.ask(who, "/api/v1/facets", [("axis", "actor"), *more]).json()["facets"][0]
        return {value["value"]: value["label"] for value in facet["values"]}

    assert called("auditor")["shop/user:2"] == f"{MARK} Bo"
    assert called("admin") == {"shop/user:1": "Ana", "shop/user:2": "Bo"}
    assert called("admin", ("contains", "zqsecre")) == {}
    assert called("admin", ("actor-key", "shop/user:66"))["shop/user:66"] == "shop/user:66"
    assert called("auditor", ("actor-key", "shop/user:66"), ("app", "none"))["shop/user:66"] == f"{MARK} Mal"


@pytest.mark.parametrize("who", SEEN)
def test_every_surface_has_the_same_records_exactly(stage: Stage, who: str) -> None:
    wanted = {IDS[place] for place, number in enumerate(NUMBERS) if number in SEEN[who]}
    applications = {"not-surface": "audit"}
    asked = applications | {"limit": "1000"}
    found = stage.ask(who, "/api/v1/events", asked).json()
    assert {event["id"] for event in found["events"]} == wanted
    assert found["total"] == len(wanted)
    assert stage.ask(who, "/api/v1/count", applications).json() == {"count": len(wanted)}
    lines = stage.ask(who, "/api/v1/export.ndjson", applications).text.splitlines()
    assert {json.loads(line)["id"] for line in lines} == wanted
    rows = stage.ask(who, "/api/v1/export.csv", applications | {"columns": "id"}).text.splitlines()[1:]
    assert set(rows) == wanted
    assert stage.ask(who, "/api/v1/stats", applications).json()["current"]["total"] == len(wanted)
    facet = stage.ask(who, "/api/v1/facets", applications | {"axis": "app"}).json()["facets"][0]
    assert sum(value["count"] for value in facet["values"]) == len(wanted)
    assert changed(stage, who, 1000) == changed(stage, who, 5) == wanted


def changed(stage: Stage, who: str, limit: int) -> set[str]:
    """What arrives, asked to the end in steps, without whodid's own events."""
    found: list[str] = []
    after: dict[str, str] = {}
    while page := (answer := stage.ask(who, "/api/v1/changes", {"limit": str(limit)} | after).json())["changes"]:
        found += [one["event"]["id"] for one in page if one["event"]["surface"] != "audit"]
        assert len(page) <= limit
        after = {"after": answer["cursor"]}
    assert len(found) == len(set(found))
    return set(found)


@pytest.mark.parametrize("who", HELD)
@pytest.mark.parametrize("path", ["/api/v1/events/{}", "/api/v1/events/{}/context", "/event/{}"])
def test_a_record_outside_is_as_one_that_there_is_not(stage: Stage, who: str, path: str) -> None:
    none = identity.file_id("matrix", "1", 999, 0, b"")
    for place, number in enumerate(NUMBERS):
        if number in SEEN[who]:
            continue
        answers = [stage.ask(who, path.format(identifier)) for identifier in (IDS[place], none)]
        assert [answer.status_code for answer in answers] == [404, 404]
        texts = [
            re.sub('request [0-9a-f]+|request_id":"[0-9a-f]+', "", answer.text.replace(identifier, "ID"))
            for answer, identifier in zip(answers, (IDS[place], none), strict=True)
        ]
        assert texts[0] == texts[1]


def test_a_wrong_question_is_told_nothing_of_what_is_outside(stage: Stage) -> None:
    for who in HELD:
        for question in ({"q": "actr:66"}, {"verb": MARK[:-1]}, {"nothing": "1"}, {"cursor": "x"}, {"q": "("}):
            response = stage.ask(who, "/api/v1/events", question)
            assert response.status_code == 400
            assert problem(response) == problem(stage.ask("platform", "/api/v1/events", question))


def test_me_is_whom_the_token_names(stage: Stage) -> None:
    assert stage.ask("self", "/api/v1/count", {"q": "actor:me"}).json() == {"count": len(SEEN["self"])}
    assert stage.ask("platform", "/api/v1/count", {"q": "actor:me"}).status_code == 400


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
