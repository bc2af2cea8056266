"""One server for the questions of this folder, over records of the last days; tests that change it start their own."""

import time
from collections.abc import Iterator

import pytest

from support.browsing import Browser
from support.records import records
from support.serving import Server

NUMBER = 240
DAYS = 6


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the records of six days, the newest of just now."""
    span = DAYS * 86_400_000_000
    start = time.time_ns() // 1000 - span
    with Server(tmp_path_factory.mktemp("viewer")) as running:
        running.create(records(7, NUMBER, start, span // NUMBER, actors=12))
        yield running
    assert "Traceback" not in running.log.read_text()


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    """A browser without cookies."""
    with Browser(server.url) as opened:
        yield opened
