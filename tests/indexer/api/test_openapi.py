"""The OpenAPI document: every address that is served, every parameter that is taken, and nothing else."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from support.serving import Server, make
from whodid_indexer.api.app import build
from whodid_indexer.api.openapi import document
from whodid_indexer.api.pages import installed
from whodid_indexer.api.questions import ENDPOINTS
from whodid_indexer.api.readers import Readers
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_schema.fields import FIELDS
from whodid_schema.meta import default_meta

DOCUMENT: dict[str, Any] = document(ENDPOINTS)
COPY = Path(__file__).parents[3] / "docs" / "openapi.json"

FILLED = {"id": str(make(3).id), "project": "p1", "name": "x", "ticket": "0123456789abcdef"}


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, said) for path, methods in DOCUMENT["paths"].items() for method, said in methods.items()]


def served(tmp_path: Path) -> set[tuple[str, str]]:
    """Address and method of every route but the pages'; HEAD goes without saying where there is GET."""
    path = tmp_path / "audit.db"
    SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    store = SqliteStore(path)
    app = build(store, lambda: SqliteReader(path), frozenset({"127.0.0.1"}))
    pages = len(installed(Readers(lambda: SqliteReader(path))))
    routes = [route for route in app.router.routes[pages:] if isinstance(route, Route)]
    store.close()
    return {(route.path, method.lower()) for route in routes for method in route.methods or () if method != "HEAD"}


def test_what_is_served_is_documented_and_nothing_else(tmp_path: Path) -> None:
    documented = {(path, method) for path, method, _ in operations()}
    assert served(tmp_path) - documented == {("/_bulk", "put")}  # a second method for those that know no other
    assert documented <= served(tmp_path)


def test_the_copy_among_the_documents_is_the_one_that_is_served(server: Server) -> None:
    assert json.loads(COPY.read_text()) == server.get("/api/v1/openapi.json").json() == json.loads(json.dumps(DOCUMENT))


def test_every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() -> None:
    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == "$ref":
                    yield inner
                else:
                    yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    for reference in set(references(DOCUMENT)):
        kind, name = reference.removeprefix("#/components/").split("/")
        assert name in DOCUMENT["components"][kind], reference
    names = [said["operationId"] for _, _, said in operations()]
    assert len(names) == len(set(names))


def test_every_field_of_the_one_table_is_a_filter_and_its_opposite() -> None:
    filters = {parameter["name"] for parameter in DOCUMENT["components"]["parameters"].values()}
    assert {name for field in FIELDS for name in (field, f"not-{field}")} | {
        "q", "since", "until", "last", "query"
    } == filters  # fmt: skip


@pytest.mark.parametrize("path", [path for path, method, _ in operations() if method == "get" and "/api/" in path])
def test_every_documented_parameter_is_known_and_every_other_is_refused(server: Server, path: str) -> None:
    known = [named(parameter) for parameter in DOCUMENT["paths"][path]["get"].get("parameters", [])]
    address = path.format(**FILLED)
    for parameter in known:
        if parameter["in"] == "query":
            answer = server.client.head(server.url + address, params={parameter["name"]: "0"})
            said = server.get(address, {parameter["name"]: "0"}).json() if answer.status_code == 400 else {}
            assert said.get("code") != "unknown_parameter", parameter["name"]
    refused = server.get(address, {"zzzz": "1"})
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_parameter")


def named(parameter: dict[str, Any]) -> dict[str, Any]:
    """The parameter, also where it stands among the components."""
    reference = parameter.get("$ref")
    if reference is None:
        return parameter
    found = DOCUMENT["components"]["parameters"][reference.rpartition("/")[2]]
    assert isinstance(found, dict)
    return found
