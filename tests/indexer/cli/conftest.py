"""One store file for the questions of this folder, and one server over it."""

from collections.abc import Iterator

import pytest

from support.serving import HOSTILE, Server, make
from whodid_schema.record import Actor, Change, Client, Ingest, Ref, Target

HOSTILE_FIRST = 500
"""Number of the first hostile record; they are older than the thirty plain ones."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with thirty plain records and one for each hostile text."""
    with Server(tmp_path_factory.mktemp("cli")) as running:
        running.create(make(number) for number in range(30))
        for number, text in enumerate(HOSTILE.values(), HOSTILE_FIRST):
            target = Target(type=text, id=text, name=text)
            running.create(
                [
                    make(
                        number,
                        app="hostile",
                        action=text,
                        description=text,
                        reason=text,
                        actor=Actor(type=text, id=text, name=text, email=text, role=text),
                        target=target,
                        targets=[target],
                        workspace=Ref(text, text),
                        client=Client(user_agent=text, device=text),
                        changes=[Change(text, text, text), Change("limit", "30k", "50k")],
                        metadata={text: text},
                        ingest=Ingest(source=text),
                        raw=text,
                    )
                ]
            )
        yield running
    assert "Traceback" not in running.log.read_text()


@pytest.fixture(params=["file", "server"])
def store(request: pytest.FixtureRequest, server: Server) -> str:
    """The same store by its two ways."""
    return server.store if request.param == "file" else server.url
