"""Several addresses of one target: the first that is well is used, and no other cluster ever is."""

from pathlib import Path

import pytest

from support.agent import Agent
from support.bulk_target import Fault, Target
from whodid_agent.target.answer import Refused, Unanswered
from whodid_agent.target.client import Client
from whodid_agent.target.probe import State, probe
from whodid_schema.bulk import INDEXED, action

CLUSTER = {"version": {"distribution": "opensearch", "number": "3.4.0"}, "cluster_uuid": "one"}
GONE = "http://127.0.0.1:1"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def node(uuid: str = "one") -> Target:
    target = Target()
    target.root = CLUSTER | {"cluster_uuid": uuid}
    return target


def document(number: int) -> bytes:
    return action("whodid-activity", f"id{number}") + b"{}\n"


def test_the_next_address_is_used_where_one_does_not_answer_and_the_first_again_when_it_does() -> None:
    clock = Clock()
    with node() as first, node() as second, Client([first.url, second.url], clock=clock) as client:
        assert client.bulk(document(1), 1) == [INDEXED]
        first.script = lambda items, number: Fault(503)
        assert client.bulk(document(2), 1) == [INDEXED]
        assert client.url == second.url
        first.script = lambda items, number: None
        assert client.bulk(document(3), 1) == [INDEXED]  # the first still rests
        clock.now += 10
        assert client.bulk(document(4), 1) == [INDEXED]
        assert client.url == first.url
        assert (list(first.stored), list(second.stored)) == (["id1", "id4"], ["id2", "id3"])


def test_each_failure_makes_an_address_rest_longer() -> None:
    clock = Clock()
    with node() as first, node() as second, Client([first.url, second.url], clock=clock) as client:
        first.script = lambda items, number: Fault(503)
        for number in range(40):
            clock.now += 1
            client.bulk(document(number), 1)
        assert len(second.stored) == 40
        assert 3 <= len(first.requests) <= 8


def test_where_all_rest_the_one_that_has_rested_most_is_still_asked() -> None:
    with node() as second, Client([GONE, second.url]) as client:
        second.script = lambda items, number: Fault(429, {"retry-after": "60"})
        with pytest.raises(Unanswered) as caught:
            client.bulk(document(1), 1)
        assert "cannot be reached" in str(caught.value)
        with pytest.raises(Unanswered):
            client.bulk(document(1), 1)
        second.script = lambda items, number: None
        with pytest.raises(Unanswered):
            client.bulk(document(1), 1)  # it has asked for a minute; nobody else is there


def test_an_answer_cut_at_one_address_is_asked_for_at_the_next_under_the_same_ids(tmp_path: Path) -> None:
    """As shards do, both nodes see what the other stored."""
    with node() as first, node() as second:
        second.stored = first.stored
        first.script = lambda items, number: Fault(cut=True)
        agent = Agent(tmp_path, first.url)
        agent.urls = [first.url, second.url]
        agent.write(*({"n": n} for n in range(200)))
        assert agent.run()
        assert len(first.stored) == 200
        assert first.sent == second.sent
        totals = agent.totals()
    assert (totals["decoded"], totals["duplicate"], totals["in_flight"]) == (200, 200, 0)


def test_another_cluster_among_the_addresses_is_never_written_to() -> None:
    with node("one") as first, node("two") as second, Client([first.url, second.url]) as client:
        assert client.bulk(document(1), 1) == [INDEXED]
        first.script = lambda items, number: Fault(503)
        assert dict(client.greet_all())[second.url].endswith(f"is not of the same cluster as {first.url}")
        with pytest.raises(Unanswered):
            client.bulk(document(2), 1)
        assert second.stored == {}


def test_a_whodid_server_has_one_address() -> None:
    with Target() as first, Target() as second, Client([first.url, second.url]) as client:
        ((url, why),) = client.greet_all()
    assert url == second.url
    assert "not of the same cluster" in why


def test_what_is_wrong_with_each_address_is_kept_apart_from_the_one_that_works() -> None:
    with Target() as page, node() as good, Client([page.url, GONE, good.url]) as client:
        page.root = b"<!doctype html>"
        standing = probe(client)
        assert (standing.state, client.url) == (State.READY, good.url)
        assert client.bulk(document(1), 1) == [INDEXED]
        assert [url for url, _ in client.greet_all()] == [page.url, GONE]


def test_where_one_is_down_and_the_other_does_not_let_us_in_the_second_is_what_is_said() -> None:
    with node() as second, Client([GONE, second.url]) as client:
        second.root_status = 401
        with pytest.raises(Refused, match="asks who we are"):
            client.bulk(document(1), 1)
        assert probe(client).state is State.DENIED
