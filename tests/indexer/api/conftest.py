"""One server for the questions of this folder; tests that kill or fill one start their own."""

from collections.abc import Iterator

import pytest

from support.serving import Server, make


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with fifty records; nothing that is asked of it may make it stumble."""
    with Server(tmp_path_factory.mktemp("server")) as running:
        running.create(make(number) for number in range(50))
        yield running
    assert "Traceback" not in running.log.read_text()
