"""So many requests a second for each asker: what is beyond hears when to come again, others notice nothing."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.serving import Server, make
from whodid_indexer.api.limits import BURST, Meter


class Clock:
    """Seconds that pass when somebody says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_let_through_and_then_the_rate() -> None:
    clock = Clock()
    meter = Meter(5, clock)
    assert [meter.wait("a") for _ in range(5 * BURST)] == [0.0] * 5 * BURST
    assert meter.wait("a") == pytest.approx(0.2)
    clock.now += 0.2
    assert meter.wait("a") == 0
    assert meter.wait("a") == pytest.approx(0.2)
    clock.now += 3_600
    assert [meter.wait("a") for _ in range(5 * BURST)] == [0.0] * 5 * BURST
    assert meter.wait("a") > 0


def test_who_is_refused_pays_nothing_for_it() -> None:
    clock = Clock()
    meter = Meter(1, clock)
    for _ in range(1_000):
        meter.wait("a")
    clock.now += 1.0
    assert meter.wait("a") == 0


def test_one_asker_takes_nothing_from_another() -> None:
    meter = Meter(1, Clock())
    while meter.wait("a") == 0:
        pass
    assert meter.wait("b") == 0


def test_so_many_askers_that_no_memory_would_do_are_not_remembered() -> None:
    meter = Meter(1, Clock())
    for number in range(20_000):
        meter.wait(str(number))
    assert len(meter._paid) == 10_000


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Server]:
    """A server that lets everybody ask once a second, and ten times at once."""
    config = tmp_path / "whodid.yaml"
    config.write_text("serve_rate: 1\n")
    server = Server(tmp_path)
    server.daemon._command += ["--config", str(config)]
    with server:
        yield server


def test_what_is_too_much_is_told_when_to_come_again(limited: Server) -> None:
    answers = [limited.get("/api/v1/count") for _ in range(20)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert [answer.status_code for answer in answers[:BURST]] == [200] * BURST
    assert len(refused) >= 5
    said: httpx.Response = refused[0]
    assert said.headers["retry-after"] == "1"
    assert said.headers["content-type"] == "application/problem+json"
    assert said.json()["code"] == "too_many_requests"
    assert said.json()["request_id"] == said.headers["x-request-id"]


def test_agents_and_monitors_are_not_counted(limited: Server) -> None:
    for _ in range(30):
        limited.get("/api/v1/count")
    limited.create([make(1)])
    for path in ("/healthz", "/readyz", "/metrics", "/_index_template/whodid"):
        assert {limited.get(path).status_code for _ in range(12)} == {200}
