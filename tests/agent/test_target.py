"""What the target is, found out by asking it; and how long to wait between two tries."""

import pytest

from support.bulk_target import META, Target
from whodid_agent.target.client import Client
from whodid_agent.target.probe import State, probe
from whodid_agent.target.retry import Backoff, retry_after
from whodid_schema.errors import ConfigError

OPENSEARCH = {"version": {"distribution": "opensearch", "number": "3.4.0"}}


@pytest.mark.parametrize(
    ("root", "meta", "state", "word"),
    [
        ({"product": "whodid"}, META, State.READY, "ready"),
        (OPENSEARCH, META, State.READY, "ready"),
        (OPENSEARCH, None, State.UNPREPARED, "no template"),
        (OPENSEARCH, {"someone": "else"}, State.UNPREPARED, "without whodid's _meta"),
        ({"product": "whodid"}, {**META, "schema": 0}, State.OLDER, "this agent writes"),
        ({"version": {"distribution": "opensearch", "number": "2.4.1"}}, META, State.FOREIGN, "is OpenSearch 2.4.1"),
        ({"version": {"number": "8.1.0"}}, META, State.FOREIGN, "is Elasticsearch 8.1.0"),
        ({"hello": 1}, META, State.FOREIGN, "is not OpenSearch"),
        (b"<!doctype html><h1>It works!</h1>", META, State.FOREIGN, "a web page?"),
    ],
)
def test_the_target_says_what_it_is(root: object, meta: dict[str, object] | None, state: State, word: str) -> None:
    with Target() as target, Client(target.url) as client:
        target.root, target.meta = root, meta
        standing = probe(client)
    assert standing.state is state
    assert word in standing.detail
    assert standing.hint or state is State.READY


def test_rights_are_asked_for_where_they_are_missing() -> None:
    with Target() as target, Client(target.url) as client:
        target.root_status = 401
        assert probe(client).state is State.DENIED


def test_a_target_that_is_not_there_is_unreachable() -> None:
    with Client("http://127.0.0.1:1") as client:
        standing = probe(client)
    assert standing.state is State.UNREACHABLE
    assert "127.0.0.1:1 cannot be reached" in standing.detail


def test_a_password_in_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError, match="holds credentials") as caught:
        Client("http://user:hunter2@127.0.0.1:1")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8642", "ftp://x", "http://", "http://[::1", "sqlite:///a.db"])
def test_an_address_that_is_none_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Client(url)
    assert "http://127.0.0.1:8642" in caught.value.hint


def test_waits_double_with_jitter_up_to_a_limit_and_honour_the_stores_wish() -> None:
    least, most = Backoff(1, 8, chance=lambda: 0.0), Backoff(1, 8, chance=lambda: 1.0)
    assert [least.next() for _ in range(5)] == [0.5, 1, 2, 4, 4]
    assert [most.next() for _ in range(5)] == [1, 2, 4, 8, 8]
    assert most.next(at_least=20) == 20
    assert most.next(at_least=1e9) == 600
    most.reset()
    assert most.next() == 1


@pytest.mark.parametrize(
    ("header", "seconds"), [(None, 0), ("3", 3), ("0.5", 0.5), ("-1", 0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0)]
)
def test_retry_after_is_read_in_seconds(header: str | None, seconds: float) -> None:
    assert retry_after(header) == seconds
