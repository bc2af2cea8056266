"""Tokens and roles over a real OpenSearch, as over a file: who is let in, what they are told, and when that ends."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx
import pytest

from contract.access import QUESTIONS, AccessContract, Stage, problem
from support.indexing import index, set_up
from support.opensearch.server import Server as OpenSearch
from support.outside import GRANTS, MARK, RECORDS
from support.records import item
from support.running import wait_until
from support.serving import Server
from support.tokens import bearer, put_token
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import Client
from whodid_indexer.store.opensearch.state_tokens import AGE, ClusterRegister

PLACES = ("/api/v1/count", "/api/v1/views", "/metrics", "/api/v1/holds", "/", "/_bulk", "/nothing")


@pytest.fixture(scope="module")
def node(opensearch_node: OpenSearch) -> OpenSearch:
    """The run's OpenSearch with the records; what the tests of this module add to it disturbs none of them."""
    opensearch_node.clean()
    set_up(opensearch_node)
    assert set(index(opensearch_node, [item(record) for record in RECORDS])) == {201}
    return opensearch_node


@pytest.fixture(scope="module")
def register(node: OpenSearch) -> Iterator[ClusterRegister]:
    with closing(Client(node.url, Access())) as client:
        yield ClusterRegister(client)


@pytest.fixture(scope="module")
def stage(node: OpenSearch, register: ClusterRegister, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    secrets = {name: put_token(register, grant, name)[1] for name, grant in GRANTS.items()}
    with Server(tmp_path_factory.mktemp("matrix"), node.url) as server:
        yield Stage(server, secrets)
    log = server.log.read_text()
    assert "Traceback" not in log
    assert not any(secret in log for secret in secrets.values())


class TestCluster(AccessContract):
    """A cluster, asked a part of the questions."""

    questions: ClassVar[Sequence[Any]] = QUESTIONS[2:14:6]
    remembers = False
    bo: ClassVar[Sequence[str]] = (f"{MARK} Bo", "Bo")


def test_every_address_asks_for_a_token_and_every_role_goes_where_it_does_over_a_file(stage: Stage) -> None:
    for path in PLACES:
        for shown in ({}, bearer("whodid_" + "x" * 43), {"Cookie": "whodid=x"}):
            assert stage.ask("nobody", path, **shown).status_code == 401, path
    assert stage.ask("nobody", "/healthz").status_code == 200
    ready = stage.ask("nobody", "/readyz")
    assert ready.status_code == 200, ready.text
    refused = {who: {path for path in PLACES if stage.ask(who, path).status_code == 403} for who in GRANTS}
    admins = {"/metrics", "/api/v1/holds", "/_bulk"}
    assert refused.pop("ingest") == {*PLACES} - {"/", "/_bulk"}
    assert refused.pop("platform") == {"/_bulk"}
    assert refused.pop("auditor") == refused.pop("limited") == {"/api/v1/holds", "/_bulk"}
    assert all(places == admins for places in refused.values()), refused
    assert stage.ask("auditor", "/api/v1/views/x", method="PUT").status_code == 403


def test_a_token_that_is_revoked_ends_within_a_second_with_its_sessions_and_an_expired_one_is_none(
    stage: Stage, register: ClusterRegister
) -> None:
    identifier, secret = put_token(register, GRANTS["admin"], "Ana")

    def ask_it() -> httpx.Response:
        return stage.server.get("/api/v1/count", headers=bearer(secret))

    wait_until(lambda: ask_it().status_code == 200, "the token works")
    with httpx.Client(base_url=stage.server.url) as browser:
        own = {"sec-fetch-site": "same-origin"}
        assert browser.post("/sign-in", data={"token": secret}, headers=own).status_code == 303
        assert browser.get("/api/v1/count").status_code == 200
        register.revoke(identifier, datetime.now(UTC))
        since = time.monotonic()
        while ask_it().status_code == 200:
            assert time.monotonic() - since < AGE + 0.5
        assert browser.get("/api/v1/count").status_code == 401
        began = time.monotonic()
        assert browser.post("/sign-in", data={"token": secret}, headers=own).status_code == 401
        assert time.monotonic() - began > 0.2, "who tries tokens is slowed down"
    _, old = put_token(register, GRANTS["admin"], life=timedelta(seconds=-1))
    never = stage.server.get("/api/v1/count", headers=bearer("whodid_never"))
    time.sleep(AGE)
    assert problem(ask_it()) == problem(never)
    assert problem(stage.server.get("/api/v1/count", headers=bearer(old))) == problem(never)


def test_views_are_kept_in_the_cluster_and_shared_by_who_sees_the_same(stage: Stage) -> None:
    url = f"{stage.server.url}/api/v1/views/failures"

    def named(who: str) -> list[str]:
        return [view["name"] for view in stage.ask(who, "/api/v1/views").json()["views"]]

    for status in (201, 200):
        sent = stage.server.client.put(
            url, json={"texts": ["outcome:failure since:7d"]}, headers=bearer(stage.secrets["admin"])
        )
        assert (sent.status_code, sent.json()["by"]) == (status, "admin")
    assert (named("admin"), named("limited"), named("owner"), named("platform")) == (["failures"], ["failures"], [], [])
    page = stage.ask("admin", "/views", Accept="text/html").text
    assert 'href="/?q=outcome:failure+since:7d"' in page
    assert 'href="/views?' in stage.ask("admin", "/", Accept="text/html").text
    assert stage.ask("owner", "/api/v1/views/failures", method="DELETE").status_code == 404
    assert stage.ask("admin", "/api/v1/views/failures", method="DELETE").status_code == 204
    assert named("admin") == []
