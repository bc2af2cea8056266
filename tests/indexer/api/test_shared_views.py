"""Views over HTTP: saved, replaced, deleted, and seen by those who see the same records."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import pytest

from support.running import wait_until
from support.serving import Server
from whodid_indexer.access.caller import OPEN, Caller
from whodid_indexer.api.views import space_of
from whodid_indexer.query.access import Access
from whodid_indexer.query.identity import Me
from whodid_indexer.store import views as kept
from whodid_indexer.store.sqlite import SqliteStore
from whodid_indexer.store.sqlite.views import SqliteViews
from whodid_schema.errors import UsageError


def save(server: Server, name: str, body: Any = None, **more: Any) -> httpx.Response:
    sent = {"texts": ["verb:delete since:7d"]} if body is None else body
    return server.client.put(f"{server.url}/api/v1/views/{name}", json=sent, **more)


def names(server: Server) -> list[str]:
    return [view["name"] for view in server.get("/api/v1/views").json()["views"]]


def delete(server: Server, name: str) -> httpx.Response:
    return server.client.delete(f"{server.url}/api/v1/views/{name}")


def test_a_view_is_saved_listed_replaced_and_deleted(server: Server) -> None:
    assert save(server, "deletions").status_code == 201
    replaced = save(server, "deletions", {"texts": ["  verb:delete\n  -actor:system ", "last week"]})
    assert replaced.status_code == 200
    assert replaced.json()["texts"] == ["verb:delete -actor:system", "last week"]
    (view,) = server.get("/api/v1/views").json()["views"]
    assert view == replaced.json()
    assert set(view) == {"name", "texts", "by", "saved"}
    gone = delete(server, "deletions")
    assert (gone.status_code, gone.content) == (204, b"")
    assert names(server) == []
    assert delete(server, "deletions").status_code == 404


def test_a_saved_view_finds_what_its_texts_find(server: Server) -> None:
    texts = save(server, "ana", {"texts": ['actor:"Ana Ruiz"', "outcome:failure"]}).json()["texts"]
    assert server.get("/api/v1/count", [("q", text) for text in texts]).json() == {"count": 4}
    assert delete(server, "ana").status_code == 204


def test_who_saved_and_who_deleted_a_view_is_recorded(server: Server) -> None:
    save(server, "noted", {"texts": ["verb:import"]})
    delete(server, "noted")

    def recorded() -> set[str]:
        asked = {"surface": "audit", "target": "audit_log:noted"}
        return {event["action"] for event in server.get("/api/v1/events", asked).json()["events"]}

    wait_until(lambda: recorded() == {"whodid.view_save", "whodid.view_delete"}, "the records")


@pytest.mark.parametrize("name", ["", "-x", ".", "..", "a b", "a%2Fb", "a%00", "é", "x" * 65, "%3Cscript%3E"])
def test_a_name_that_is_none_is_refused(server: Server, name: str) -> None:
    assert save(server, name).status_code in (400, 404, 405)
    assert names(server) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"texts": []},
        {"texts": [""]},
        {"texts": "verb:delete"},
        {"texts": ["verb:delete"], "by": "somebody else"},
        {"texts": ["verb:obliterate"]},
        {"texts": ['"unclosed']},
        {"texts": ["x"] * 21},
        {"texts": ["x" * 1_001]},
    ],
)
def test_what_cannot_be_asked_is_not_saved(server: Server, body: Any) -> None:
    refused = save(server, "bad", body)
    assert refused.status_code == 400, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert names(server) == []


def test_a_body_without_an_end_is_not_read_to_it(server: Server) -> None:
    large = b'{"texts":["' + b"x" * 100_000 + b'"]}'
    response = server.client.put(
        f"{server.url}/api/v1/views/large", content=large, headers={"content-type": "application/json"}
    )
    assert response.status_code == 413


def test_views_have_a_bound_and_two_at_once_are_both_kept(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadPoolExecutor(8) as together:
        saved = list(together.map(lambda n: save(server, f"v{n}", timeout=60), range(8)))
    assert [each.status_code for each in saved] == [201] * 8, [each.text for each in saved]
    assert names(server) == [f"v{n}" for n in range(8)]
    monkeypatch.setattr(kept, "MOST", 8)
    with closing(SqliteStore(server.file)) as store:
        beside = SqliteViews(store)
        with pytest.raises(UsageError, match="8 views already"):
            beside.save("platform", kept.View("ninth", ("x",), "", ""))
        assert beside.save("platform", kept.View("v1", ("y",), "", "")) is False
    assert {delete(server, f"v{n}").status_code for n in range(8)} == {204}


def test_whoever_sees_the_same_shares_views_and_nobody_else() -> None:
    def space(*arguments: Any, **more: Any) -> str:
        return space_of(Caller("token", Access(*arguments, **more), id="t1"))

    assert space("platform") == space("platform", Me(("shop/user:1",))) == space_of(OPEN)
    assert space("workspace", workspaces=("a", "b")) == space("workspace", Me(("x/y:1",)), ("b", "a"))
    others = {
        space("platform"),
        space("workspace", workspaces=("a",)),
        space("workspace", workspaces=("a", "b")),
        space("project", projects=("a",)),
        space("self", Me(("shop/user:1",))),
        space("self", Me(("shop/user:2",))),
    }
    assert len(others) == 6
