"""A server's copy of a cluster's tokens when the cluster fails: nobody is let in by what is not certain."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest

from whodid_indexer.access import token as tokens
from whodid_indexer.access.roles import Grant
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import Client
from whodid_indexer.store.opensearch.state_tokens import AGE, ClusterTokens
from whodid_schema.errors import NotAllowed, StateError, StoreUnreachable, WhodidError

TOKEN, SECRET = tokens.new(Grant("platform"), "", datetime(2026, 11, 21, tzinfo=UTC), None)
BODY = {"token": msgspec.to_builtins(TOKEN), "hash": tokens.digest(SECRET).hex()}


class Node:
    """Answers as a cluster does, or as one that fails; counts what it was asked."""

    def __init__(self) -> None:
        self.bodies: list[Any] = [BODY]
        self.fault: httpx.Response | Exception | None = None
        self.searches = 0
        self.now = 0.0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.method == "GET" or request.url.path.endswith("/_search")
        self.searches += 1
        if isinstance(self.fault, Exception):
            raise self.fault
        if self.fault is not None:
            return self.fault
        hits = [
            {"_id": f"token:t{place}", "_source": {"name": f"t{place}", "body": body}, "_seq_no": 7, "_primary_term": 1}
            for place, body in enumerate(self.bodies)
        ]
        return httpx.Response(200, json={"hits": {"total": {"value": len(hits)}, "hits": hits}})

    def tokens(self) -> ClusterTokens:
        return ClusterTokens(Client("http://node", Access(), httpx.MockTransport(self)), lambda: self.now)


REFUSED = {"error": {"type": "security_exception", "reason": "no permissions for [indices:data/read/search]"}}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (httpx.ConnectError("refused"), StoreUnreachable),
        (httpx.ReadTimeout("too long"), StoreUnreachable),
        (httpx.Response(503, json={}), StoreUnreachable),
        (httpx.Response(403, json=REFUSED), StoreUnreachable),
        (httpx.Response(200, text="<html>"), StoreUnreachable),
        (httpx.Response(200, json={"hits": {"total": {"value": 20_000}, "hits": []}}), StoreUnreachable),
        (httpx.Response(404, json={"error": {"type": "index_not_found_exception"}}), StateError),
        (httpx.Response(200, json={"hits": {"total": {"value": 0}, "hits": []}}), StateError),
    ],
)
def test_what_is_older_than_a_second_and_cannot_be_read_anew_lets_nobody_in(
    fault: httpx.Response | Exception, kind: type[WhodidError]
) -> None:
    node = Node()
    kept = node.tokens()
    node.fault = fault
    node.now = AGE / 2
    assert kept.find(tokens.digest(SECRET)) == TOKEN
    for node.now in (AGE, 2 * AGE, 50 * AGE):
        for ask in (kept.any, lambda: kept.find(tokens.digest(SECRET)), lambda: kept.get(TOKEN.id), kept.refresh):
            with pytest.raises(kind) as raised:
                ask()
            assert not isinstance(raised.value, NotAllowed), "it is not whoever asks who may not"
    node.fault = None
    node.now += AGE
    assert kept.find(tokens.digest(SECRET)) == TOKEN


def test_a_cluster_that_does_not_answer_is_asked_once_a_second_however_many_wait() -> None:
    node = Node()
    kept = node.tokens()
    node.fault, node.now, node.searches = httpx.ConnectError("refused"), AGE, 0
    for _ in range(20):
        with pytest.raises(StoreUnreachable, match="refused"):
            kept.any()
    assert node.searches == 1
    node.now += AGE
    with pytest.raises(StoreUnreachable):
        kept.any()
    assert node.searches == 2


def test_of_many_that_come_at_a_time_one_asks_the_cluster() -> None:
    node = Node()
    kept = node.tokens()
    node.now, node.searches = AGE, 0
    begin = threading.Barrier(16)

    def come(_: int) -> bool:
        begin.wait()
        return kept.find(tokens.digest(SECRET)) == TOKEN

    with ThreadPoolExecutor(16) as together:
        assert all(together.map(come, range(16)))
    assert node.searches == 1
    assert kept.fresh()


def test_the_age_counts_from_before_the_question() -> None:
    """A token revoked while the answer is on its way lives no longer for it."""
    node = Node()
    kept = node.tokens()
    answer = node.__call__

    def slow(request: httpx.Request) -> httpx.Response:
        node.now += AGE / 2
        return answer(request)

    kept._client = Client("http://node", Access(), httpx.MockTransport(slow))
    node.now = AGE
    assert kept.any()
    assert kept.fresh()
    node.now = 2 * AGE
    assert not kept.fresh()


def test_a_token_that_cannot_be_read_is_not_passed_over() -> None:
    """Passed over, the only one would leave none, and the server open."""
    node = Node()
    node.bodies = [{"token": {"id": "t1"}, "hash": "x"}]
    with pytest.raises(StateError, match=r"'t0' cannot be read"):
        node.tokens()
